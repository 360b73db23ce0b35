"""What is typed between the wish to write and the moment when the composer has the keyboard: it belongs to the letter.

Rules of the file: meanwhile no letter acts on the mail; what was typed comes into the composer as it was typed, and is
lost only where no composer comes.  Only the window and what has the keyboard in it are listened to: a filter in Python
on the whole application gets every event of the browser's own objects, and that crashes.
"""

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from mua.gui.actions import Actions
from mua.gui.composer import Composer

OPENING = 3_000  # milliseconds that a composer may take to get the keyboard
FETCHING = 30_000  # the same while the text that it needs is fetched
MOST = 1_000  # keys
_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier


class TypedAhead(QObject):
    """The keys that one window gets while its composer opens."""

    def __init__(self, window: QWidget, actions: Actions) -> None:
        super().__init__(window)
        self._window, self._actions = window, actions
        self._keys: list[QKeyEvent] = []
        self._heard: list[QObject] = []
        self._composer: Composer | None = None
        self._time = QTimer(self)
        self._time.setSingleShot(True)
        self._time.timeout.connect(self.end)

    def begin(self, milliseconds: int = OPENING) -> None:
        """Keep what is typed from now on, until a composer has the keyboard, or does not come in this time."""
        if not self._actions.held:
            self._actions.hold(True)
            self._heard = list(filter(None, (self._window.windowHandle(), self._window.focusWidget())))
            for one in self._heard:
                one.installEventFilter(self)
        self._time.start(milliseconds)

    def meant_for(self, composer: Composer) -> None:
        """This is the composer; from now on it has its whole time to get the keyboard."""
        if self._actions.held:
            self._composer = composer
            self._time.start(OPENING)
            composer.activated.connect(self._come, Qt.ConnectionType.QueuedConnection)  # its fields know who is first
            composer.destroyed.connect(self._gone)

    def end(self) -> None:
        """Hand over what was typed, if there is a composer; letters act on the mail again."""
        self._time.stop()
        for one in self._heard:
            if isValid(one):
                one.removeEventFilter(self)
        self._heard = []
        keys, self._keys = self._keys, []
        composer, self._composer = self._composer, None
        if composer is not None:
            for key in keys:
                QApplication.sendEvent(composer.focusWidget(), key)
        self._actions.hold(False)

    def _come(self) -> None:
        if self._composer is not None and self._composer.isActiveWindow():
            self.end()

    def _gone(self) -> None:
        self._composer = None
        self.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take a key that writes."""
        if not isinstance(event, QKeyEvent) or not _writes(event):
            return False
        if event.type() is QEvent.Type.KeyPress and len(self._keys) < MOST:
            self._keys.append(QKeyEvent(event.type(), event.key(), event.modifiers(), event.text()))
        event.accept()
        return True


def _writes(key: QKeyEvent) -> bool:
    """Whether a text field would take it as text, or as a correction of some."""
    return bool(key.text()) and not key.modifiers() & _COMMANDS and key.key() != Qt.Key.Key_Escape
