"""What the desktop tells and is told, over D-Bus: light or dark, and notifications (both by the desktop's portal).

Rules of the file: never waits (asynchronous calls only) and never needs a bus: without one, nothing happens.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import SLOT, QMetaType, QObject, Signal, Slot
from PySide6.QtDBus import QDBusArgument, QDBusConnection, QDBusMessage, QDBusPendingCallWatcher, QDBusVariant

_PORTAL = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Settings")
_NOTIFY = (_PORTAL[0], _PORTAL[1], "org.freedesktop.portal.Notification")
_DARK = 1


class Desktop(QObject):
    """The session bus, if there is one."""

    dark_wanted = Signal(bool)
    """What ``org.freedesktop.appearance color-scheme`` says, at the start and whenever it changes."""
    notification_clicked = Signal(object)
    """The person clicked a notification: the number that ``notify`` was given."""
    notification_acted = Signal(object, str)
    """They pressed a button of it: that number, and which."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bus = QDBusConnection.sessionBus()
        self._watchers: list[QDBusPendingCallWatcher] = []

    def follow_appearance(self) -> None:
        """Ask now, and listen."""
        if not self._bus.isConnected():
            return
        self._call(_PORTAL, "Read", ["org.freedesktop.appearance", "color-scheme"], self._answered)
        self._listen(_PORTAL, "SettingChanged", "_setting_changed(QDBusMessage)")
        self._listen(_NOTIFY, "ActionInvoked", "_invoked(QDBusMessage)")

    def notify(self, title: str, text: str, number: int, buttons: Sequence[tuple[str, str]] = ()) -> None:
        """Show a notification; a click on it comes back as ``notification_clicked(number)``.

        ``buttons``: (action, label) of each, which comes back as ``notification_acted(number, action)``.
        """
        if not self._bus.isConnected():
            return
        content: dict[str, object] = {
            "title": title,
            "body": unmarked(text),
            "default-action": "open",
            "priority": "normal",
        }
        if buttons:
            content["buttons"] = _buttons(buttons)
        self._call(_NOTIFY, "AddNotification", [str(number), content], lambda _: None)

    def _listen(self, where: tuple[str, str, str], signal: str, slot: str) -> None:
        service, path, interface = where
        # the stub asks for bytes; the binding takes what SLOT returns, and raises on bytes
        self._bus.connect(service, path, interface, signal, self, SLOT(slot))  # type: ignore[call-overload]

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
        if not arguments or not str(arguments[0]).removeprefix("-").isdecimal():
            return
        action = str(arguments[1]) if len(arguments) > 1 else "open"
        if action == "open":
            self.notification_clicked.emit(int(arguments[0]))
        else:
            self.notification_acted.emit(int(arguments[0]), action)

    def _tell(self, value: object) -> None:
        while hasattr(value, "variant"):
            value = value.variant()
        if isinstance(value, int):
            self.dark_wanted.emit(value == _DARK)


def _buttons(buttons: Sequence[tuple[str, str]]) -> QDBusArgument:
    """Buttons as the portal has them: an array of dictionaries (``aa{sv}``), which a Python list would not become."""
    made = QDBusArgument()
    made.beginArray(QMetaType(QMetaType.Type.QVariantMap.value))
    for action, label in buttons:
        made.beginMap(QMetaType(QMetaType.Type.QString.value), QMetaType.fromName(b"QDBusVariant"))
        for key, value in (("label", label), ("action", action)):
            made.beginMapEntry()
            made.appendVariant(key)
            held = QDBusVariant()
            held.setVariant(value)
            made.appendVariant(held)
            made.endMapEntry()
        made.endMap()
    made.endArray()
    return made


def unmarked(text: str) -> str:
    """``text`` without what could be markup: the portal takes plain text, but some desktops behind it read links and
    pictures in it, and the subject of a mail is anybody's.
    """
    return text.replace("<", "\u2039").replace(">", "\u203a")
