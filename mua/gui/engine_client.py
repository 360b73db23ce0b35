"""The window's end of the wire: commands out, answers and events in, and the engine brought back when it dies.

Rules of the file: everything happens on the window's thread, by Qt's own non-blocking socket; a command given while
the engine is away waits for it, unless it was sent already, then it fails with a sentence (the engine may have done
it).

Theory of operation: connect; when nobody listens, start the engine (``start_engine`` returns at once) and try again
with growing pauses; when the line breaks, tell (``lost``), and begin anew.  An engine of an older Mua, left running by
an update, is asked to end, and then one of ours is started.  A gap in ``Changed.seq``, and every new
connection, make ``Changed(everything=True)``: the window reads again what it shows.
"""

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtNetwork import QLocalSocket

from mua import log, wire
from mua.errors import Kind, MailError, Retry
from mua.gui.engine_words import said
from mua.language import tr
from mua.paths import Profile
from mua.store.db import VERSION

_PAUSE, _PATIENCE = 100, 2_000  # milliseconds between attempts to connect, at first and when it takes long
_START_AFTER = (0, 60, 90)  # attempts at which the engine is started (again): now, after 6 s and 9 s ...
_GIVE_UP_AFTER = 100  # attempts until the person is told; trying goes on
_START_EVERY = 15  # attempts between two starts from then on: half a minute
Then = Callable[[wire.Answer], object]
Failed = Callable[[MailError], object]


class EngineClient(QObject):
    """One connection to the engine of a profile, kept alive."""

    told = Signal(object)
    """A wire.Event from the engine."""
    ready = Signal(object)
    """Connected: the engine's wire.Welcome."""
    lost = Signal()
    """The engine went away; it is being started again."""
    gave_up = Signal(object)
    """The engine cannot be started or speaks another language: a MailError."""
    failed = Signal(object)
    """A command failed and nobody else was told: its MailError."""

    def __init__(
        self, profile: Profile, start_engine: Callable[[], None] | None, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._profile, self._start_engine = profile, start_engine
        self._socket = QLocalSocket(self)
        self._socket.connected.connect(self._connected)
        self._socket.disconnected.connect(self._disconnected)
        self._socket.errorOccurred.connect(lambda _: self._unreachable())
        self._socket.readyRead.connect(self._read)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._connect)
        self._number = 0
        self._seq = 0
        self._attempts = 0
        self._closing = self.is_ready = False
        self._sent: dict[int, tuple[Then | None, Failed | None]] = {}
        self._waiting: list[tuple[wire.Command, Then | None, Failed | None]] = []

    def start(self) -> None:
        """Connect, starting the engine if need be."""
        self._closing, self._attempts = False, 0
        self._timer.stop()
        self._connect()

    def close(self) -> None:
        """Let go of the engine; it decides itself whether to go on."""
        self._closing = True
        self._timer.stop()
        self._socket.disconnectFromServer()

    def ask(self, command: wire.Command, then: Then | None = None, failed: Failed | None = None) -> None:
        """Send a command; ``then`` gets its answer, ``failed`` its error (else the signal ``failed``)."""
        if self.is_ready:
            self._send(command, then, failed)
        else:
            self._waiting.append((command, then, failed))

    # ---- the line
    def _connect(self) -> None:
        self._socket.abort()
        self._socket.connectToServer(str(self._profile.socket))

    def _unreachable(self) -> None:
        if self._closing or self._timer.isActive():
            return
        late = self._attempts - _GIVE_UP_AFTER
        due = self._attempts in _START_AFTER or (late > 0 and late % _START_EVERY == 0)
        if due and self._start_engine is not None:
            try:
                self._start_engine()
            except (OSError, MailError) as error:
                self.gave_up.emit(_not_started(error))
        if self._attempts == _GIVE_UP_AFTER:
            self.gave_up.emit(_not_started(None))
        self._attempts += 1
        self._timer.start(self._pause())

    def _connected(self) -> None:
        self._send(wire.Hello("window", events=True), self._welcomed, self.gave_up.emit)

    def _welcomed(self, answer: wire.Answer) -> None:
        if (
            isinstance(answer, wire.Welcome) and answer.schema < VERSION
        ):  # of an older Mua, which was replaced meanwhile
            self._attempts = 0
            self._send(wire.Shutdown(), lambda _: self._socket.disconnectFromServer(), lambda _: None)
            return
        self.is_ready, self._attempts, self._seq = True, 0, 0
        self.ready.emit(answer)
        self.told.emit(wire.Changed(0, everything=True))
        waiting, self._waiting = self._waiting, []
        for command, then, failed in waiting:
            self._send(command, then, failed)

    def _disconnected(self) -> None:
        was_ready, self.is_ready = self.is_ready, False
        sent, self._sent = self._sent, {}
        if self._closing:
            return
        for _, failed in sent.values():
            (failed or self.failed.emit)(_went_away())
        if was_ready:
            self.lost.emit()
        if not self._timer.isActive():
            self._timer.start(self._pause())

    def _pause(self) -> int:
        return _PAUSE if self._attempts < _GIVE_UP_AFTER else _PATIENCE

    def _send(self, command: wire.Command, then: Then | None, failed: Failed | None) -> None:
        self._number += 1
        self._sent[self._number] = (then, failed)
        self._socket.write(wire.command_line(self._number, command))
        self._socket.flush()

    def _read(self) -> None:
        while self._socket.canReadLine():
            line = bytes(self._socket.readLine().data())
            try:
                self._take(wire.parse_reply(line))
            except (ValueError, KeyError):
                log.WIRE.warning("the engine sent a line that is not of this protocol")

    def _take(self, reply: tuple[int, wire.Answer | MailError] | wire.Event) -> None:
        if not isinstance(reply, tuple):
            self._tell(reply)
            return
        if not self.is_ready and isinstance(reply[1], MailError):  # no room, or another version
            self._attempts = _GIVE_UP_AFTER
        then, failed = self._sent.pop(reply[0], (None, None if self.is_ready else self.gave_up.emit))
        if isinstance(reply[1], MailError):
            (failed or self.failed.emit)(_told(reply[1]))
        elif then is not None:
            then(reply[1])

    def _tell(self, event: wire.Event) -> None:
        if isinstance(event, wire.Changed):
            missed = self._seq and event.seq != self._seq + 1
            self._seq = event.seq
            if missed:
                event = wire.Changed(event.seq, everything=True)
        if isinstance(event, wire.Status | wire.Notice):
            event = replace(event, text=said(event.text))
        self.told.emit(event)


def _told(error: MailError) -> MailError:
    """The same failure with its sentence as the person reads it."""
    return MailError(error.kind, error.retry, said(error.text), error.detail, error.code)


def _not_started(error: Exception | None) -> MailError:
    text = tr(
        "Mua's mail engine does not start, so nothing is fetched or sent; what you see is what is on this computer."
    )
    return MailError(Kind.LOCAL, Retry.SOON, text, str(error or ""), "engine-not-started")


def _went_away() -> MailError:
    text = tr("Mua's mail engine stopped before it answered; it is starting again, and nothing is lost.")
    return MailError(Kind.LOCAL, Retry.SOON, text, "", "engine-lost")
