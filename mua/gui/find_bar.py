"""Finding words in what is read: the bar, and what finds in a text, in a page, and over a conversation.

Rules of the file: hits are counted over all messages that are open; the next one after the last is the first.
"""

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QFrame, QHBoxLayout, QTextEdit

from mua.gui.message_body import Body
from mua.gui.theme import SECONDARY, theme
from mua.gui.widgets import Field, Label, ToolButton

if TYPE_CHECKING:
    from PySide6.QtWebEngineCore import QWebEngineFindTextResult

    from mua.gui.reader import Reader

_MOST = 2_000  # hits of one text that are counted and marked


class FindField(Field):
    """Enter goes to the next hit, Shift+Enter to the one before, Escape leaves."""

    stepped = Signal(int)
    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The keys above."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.stepped.emit(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        elif event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)


class FindBar(QFrame):
    """The bar at the top of the reader."""

    def __init__(self, reader: "Reader") -> None:
        super().__init__(reader)
        self._reader = reader
        self.setProperty("kind", "panel")
        self.field = FindField("Find in this message", "Find in this message")
        self.field.setMinimumWidth(220)
        self.count = Label("", SECONDARY, "secondary")
        self.count.setMinimumWidth(70)
        before = ToolButton("chevron-up", "Hit before", key="Shift+Enter")
        after = ToolButton("chevron-down", "Next hit", key="Enter")
        close = ToolButton("x", "Close", key="Escape")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 6, 6)
        row.setSpacing(6)
        for part in (self.field, self.count, before, after, close):
            row.addWidget(part)
        self._found: dict[Body, int] = {}
        self._place: tuple[Body, int] | None = None
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(120)
        self._soon.timeout.connect(self.search)
        self.field.textChanged.connect(lambda _: self._soon.start())
        self.field.stepped.connect(self.step)
        self.field.left.connect(self.leave)
        before.clicked.connect(lambda: self.step(-1))
        after.clicked.connect(lambda: self.step(1))
        close.clicked.connect(self.leave)
        self.hide()

    def begin(self) -> None:
        """Show the bar, with the keyboard in it."""
        self.adjustSize()
        self.move(max(8, self._reader.width() - self.width() - 24), 10)
        self.show()
        self.raise_()
        self.field.setFocus()
        self.field.selectAll()
        if self.field.text():
            self.search()

    def leave(self) -> None:
        """Close it; nothing is marked any more."""
        if self.isVisible():
            self.hide()
            for body in self._bodies():
                _mark(body, "", -1)
            self._reader.take_keyboard()

    def search(self) -> None:
        """Count the hits, and go to the first."""
        self._soon.stop()
        self._found, self._place = {}, None
        for body in self._bodies():
            if body.is_web and body.web is not None:
                from PySide6.QtWebEngineCore import QWebEnginePage

                none = QWebEnginePage.FindFlag(0)
                body.web.findText(self.field.text(), none, partial(self._told, body))
            else:
                self._found[body] = len(_hits(body.text.document(), self.field.text()))
        self._say()
        if self._total():
            self.step(1)

    def step(self, by: int) -> None:
        """To the next (or previous) hit, over all open messages, round and round."""
        if self._soon.isActive():
            self.search()
            return
        bodies = [body for body in self._bodies() if self._found.get(body)]
        if not bodies:
            return
        if self._place is None or self._place[0] not in bodies:
            body, number = (bodies[0], 0) if by > 0 else (bodies[-1], self._found[bodies[-1]] - 1)
        else:
            body, number = self._place[0], self._place[1] + by
            if not 0 <= number < self._found[body]:
                body = bodies[(bodies.index(body) + by) % len(bodies)]
                number = 0 if by > 0 else self._found[body] - 1
        self._place = (body, number)
        for other in bodies:
            _mark(other, self.field.text(), number if other is body else -1, by)
        self._reader.bring_into_view(body, _rect(body))
        self._say()

    # ---- inside
    def _bodies(self) -> list[Body]:
        return [pane.body for pane in self._reader.panes() if pane.view is not None]

    def _told(self, body: Body, told: "QWebEngineFindTextResult") -> None:
        self._found[body] = told.numberOfMatches()
        self._say()
        if self._place is None and self._found[body]:
            self.step(1)

    def _total(self) -> int:
        return sum(self._found.values())

    def _say(self) -> None:
        if not self.field.text():
            text = ""
        elif not self._total():
            text = "Not found"
        else:
            before = 0
            for body in self._bodies():
                if self._place is not None and body is self._place[0]:
                    break
                before += self._found.get(body, 0)
            text = f"{before + self._place[1] + 1 if self._place else 0} of {self._total():,}"
        self.count.setText(text)
        self.field.mark(text == "Not found")


def _hits(document: QTextDocument, words: str) -> list[QTextCursor]:
    """Where the words are, whatever their case."""
    found: list[QTextCursor] = []
    cursor = QTextCursor(document)
    while words and len(found) < _MOST:
        cursor = document.find(words, cursor)
        if cursor.isNull():
            break
        found.append(QTextCursor(cursor))
    return found


def _mark(body: Body, words: str, current: int, by: int = 1) -> None:
    """Mark all hits of a body, the ``current`` one most (-1: none of these)."""
    if body.is_web and body.web is not None:
        if not words or current >= 0:
            from PySide6.QtWebEngineCore import QWebEnginePage

            back = QWebEnginePage.FindFlag.FindBackward if by < 0 else QWebEnginePage.FindFlag(0)
            body.web.findText(words, back)
        return
    marks: list[QTextEdit.ExtraSelection] = []
    for number, cursor in enumerate(_hits(body.text.document(), words)):
        one = QTextEdit.ExtraSelection()
        one.cursor = cursor
        shade = one.format
        shade.setBackground(theme().colour("accent" if number == current else "star"))
        shade.setForeground(theme().colour("on_accent") if number == current else Qt.GlobalColor.black)
        marks.append(one)
        if number == current:
            place = QTextCursor(cursor)
            place.clearSelection()
            body.text.setTextCursor(place)
    body.text.setExtraSelections(marks)


def _rect(body: Body) -> QRect:
    """Where the current hit is in a text; the beginning of a page, which does not say."""
    return QRect(0, 0, 1, 1) if body.is_web else body.text.cursorRect()
