"""One window per profile: a second start raises the first window and ends.

Rules of the file: the lock is a file (cheap, before anything is painted); the socket behind it is opened after the
first paint.  A lock whose owner is dead is taken over (Qt checks the pid).
"""

from collections.abc import Callable

from PySide6.QtCore import QLockFile, QObject

from mua.paths import Profile

_LATE = 2_000  # milliseconds that the first window may need to listen


def claim(profile: Profile) -> QLockFile | None:
    """The lock of the profile's window; None when another window has it."""
    lock = QLockFile(str(profile.root / "window.lock"))
    lock.setStaleLockTime(0)
    return lock if lock.tryLock(0) else None


def raise_other(profile: Profile, word: str = "raise") -> bool:
    """Ask the first window to come to the front (``word`` may be a mailto: URL to write to)."""
    from PySide6.QtCore import QThread
    from PySide6.QtNetwork import QLocalSocket

    for _ in range(_LATE // 100):
        socket = QLocalSocket()
        socket.connectToServer(_name(profile))
        if socket.waitForConnected(100):
            socket.write(word.encode() + b"\n")
            socket.waitForBytesWritten(500)
            socket.disconnectFromServer()
            return True
        QThread.msleep(100)
    return False


def listen(profile: Profile, asked: Callable[[str], None], parent: QObject) -> None:
    """From now on answer to other starts; ``asked`` gets their word."""
    from PySide6.QtNetwork import QLocalServer, QLocalSocket

    server = QLocalServer(parent)
    server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
    QLocalServer.removeServer(_name(profile))
    server.listen(_name(profile))

    def hear(socket: QLocalSocket) -> None:
        asked(bytes(socket.readAll().data()).decode(errors="replace").strip())

    def take() -> None:
        while (socket := server.nextPendingConnection()) is not None:
            socket.readyRead.connect(
                lambda one=socket: asked(bytes(one.readAll().data()).decode(errors="replace").strip())
            )
            socket.disconnected.connect(socket.deleteLater)

    server.newConnection.connect(take)


def _name(profile: Profile) -> str:
    return str(profile.root / "window.sock")
