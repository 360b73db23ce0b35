"""What the desktop tells and is told, over D-Bus: light or dark (portal), and notifications.

Rules of the file: never waits (asynchronous calls only) and never needs a bus: without one, nothing happens.
"""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusPendingCallWatcher

_PORTAL = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Settings")
_NOTIFY = ("org.freedesktop.Notifications", "/org/freedesktop/Notifications", "org.freedesktop.Notifications")
_DARK = 1


class Desktop(QObject):
    """The session bus, if there is one."""

    dark_wanted = Signal(bool)
    """What ``org.freedesktop.appearance color-scheme`` says, at the start and whenever it changes."""
    notification_clicked = Signal(int)
    """The person clicked a notification: the number that ``notify`` was given."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bus = QDBusConnection.sessionBus()
        self._watchers: list[QDBusPendingCallWatcher] = []
        self._shown: dict[int, int] = {}

    def follow_appearance(self) -> None:
        """Ask now, and listen."""
        if not self._bus.isConnected():
            return
        self._call(_PORTAL, "Read", ["org.freedesktop.appearance", "color-scheme"], self._answered)
        self._listen(_PORTAL, "SettingChanged", "_setting_changed(QDBusMessage)")
        self._listen(_NOTIFY, "ActionInvoked", "_invoked(QDBusMessage)")

    def notify(self, title: str, text: str, number: int) -> None:
        """Show a notification; a click on it comes back as ``notification_clicked(number)``."""
        if not self._bus.isConnected():
            return
        hints: dict[str, object] = {"desktop-entry": "io.github.mua.Mua", "category": "email.arrived"}
        values = ["Mua", 0, "mail-unread", title, text, ["default", "Open"], hints, -1]

        def shown(message: QDBusMessage) -> None:
            arguments = message.arguments()
            if arguments and isinstance(arguments[0], int):
                self._shown[arguments[0]] = number

        self._call(_NOTIFY, "Notify", values, shown)

    def _listen(self, where: tuple[str, str, str], signal: str, slot: str) -> None:
        service, path, interface = where
        self._bus.connect(service, path, interface, signal, self, b"1" + slot.encode())

    def _call(
        self, where: tuple[str, str, str], method: str, values: list[object], then: Callable[[QDBusMessage], None]
    ) -> None:
        message = QDBusMessage.createMethodCall(*where, method)
        message.setArguments(values)
        watcher = QDBusPendingCallWatcher(self._bus.asyncCall(message), self)
        self._watchers.append(watcher)

        def finished() -> None:
            self._watchers.remove(watcher)
            reply = watcher.reply()
            if reply.type() is QDBusMessage.MessageType.ReplyMessage:
                then(reply)
            watcher.deleteLater()

        watcher.finished.connect(finished)

    def _answered(self, message: QDBusMessage) -> None:
        self._tell(message.arguments()[0] if message.arguments() else None)

    @Slot(QDBusMessage)
    def _setting_changed(self, message: QDBusMessage) -> None:
        arguments = message.arguments()
        if arguments[:2] == ["org.freedesktop.appearance", "color-scheme"]:
            self._tell(arguments[2])

    @Slot(QDBusMessage)
    def _invoked(self, message: QDBusMessage) -> None:
        arguments = message.arguments()
        number = self._shown.pop(arguments[0], None) if arguments else None
        if number is not None:
            self.notification_clicked.emit(number)

    def _tell(self, value: object) -> None:
        while hasattr(value, "variant"):
            value = value.variant()
        if isinstance(value, int):
            self.dark_wanted.emit(value == _DARK)
