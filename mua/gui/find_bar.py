"""Finding words in what is read: the bar, and what finds in a text, in a page, and over a conversation.

Rules of the file: hits are counted over all messages of a conversation, in those that are closed by their texts; a
closed one is opened when one goes to a hit in it, and so is what a text repeats; after the last hit comes the first.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QFrame, QHBoxLayout, QTextEdit
from shiboken6 import isValid

from mua.gui.message_body import Body
from mua.gui.theme import SECONDARY, theme
from mua.gui.widgets import Field, Label, ToolButton
from mua.language import tr
from mua.model.message import MessageId

if TYPE_CHECKING:
    from mua.gui.message_pane import MessagePane
    from mua.gui.page_marks import Marked
    from mua.gui.reader import Reader

_MOST = 2_000  # hits of one text that are counted and marked
_MOST_CLOSED = 300  # messages of a conversation that are read to be searched
ReadTexts = Callable[[Sequence[MessageId], Callable[[Mapping[MessageId, str]], None]], None]
"""Reads the texts of messages, in small letters (``str.casefold``), and hands them over later."""


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

    def __init__(self, reader: "Reader", read: "ReadTexts") -> None:
        super().__init__(reader)
        self._reader, self._read = reader, read
        reader.loaded.connect(self.pane_shown)
        self.setProperty("kind", "panel")
        self.field = FindField(tr("Find in this message"), tr("Find in this message"))
        self.field.setMinimumWidth(220)
        self.count = Label("", SECONDARY, "secondary")
        self.count.setMinimumWidth(70)
        before = ToolButton("chevron-up", tr("Hit before"), key="Shift+Enter")
        after = ToolButton("chevron-down", tr("Next hit"), key="Enter")
        close = ToolButton("x", tr("Close"), key="Escape")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 6, 6, 6)
        row.setSpacing(6)
        for part in (self.field, self.count, before, after, close):
            row.addWidget(part)
        self._found: dict[MessageId, int] = {}
        """Hits of each message, in those that are closed by their texts."""
        self._closed: dict[MessageId, str] = {}
        """Texts of messages that are closed."""
        self._place: tuple[MessageId, int] | None = None
        self._going: tuple[MessageId, int] | None = None
        """The message that was opened to go to a hit in it, and from which end."""
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
        self._closed = {}
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
            self._going = None
            for body in self._bodies().values():
                _mark(body, "", -1)
            self._reader.take_keyboard()

    def search(self) -> None:
        """Count the hits, and go to the first of what is open."""
        self._soon.stop()
        self._found, self._place, self._going = {}, None, None
        bodies = self._bodies()
        for key, body in bodies.items():
            self._count(key, body)
        self._count_closed()
        unread = [one.id for one in self._reader.messages() if one.id not in bodies and one.id not in self._closed]
        if unread and self.field.text():
            self._read(unread[-_MOST_CLOSED:], self._keep)
        self._say()
        self._begin()

    def step(self, by: int) -> None:
        """To the next (or previous) hit, over all messages, round and round; one that is closed is opened for it."""
        if self._soon.isActive():
            self.search()
            return
        keys = [one.id for one in self._reader.messages() if self._found.get(one.id)]
        if not keys:
            return
        if self._place is None or self._place[0] not in keys:
            key, number = (keys[0], 0) if by > 0 else (keys[-1], self._found[keys[-1]] - 1)
        else:
            key, number = self._place[0], self._place[1] + by
            if not 0 <= number < self._found[key]:
                key = keys[(keys.index(key) + by) % len(keys)]
                number = 0 if by > 0 else self._found[key] - 1
        self._go(key, number, by)

    def pane_shown(self, pane: "MessagePane") -> None:
        """A message was opened, or its page is there: its hits are those that can be seen."""
        if not self.isVisible() or not self.field.text() or pane.row is None:
            return
        body = self._bodies().get(pane.row.id)
        if body is not None:
            self._count(pane.row.id, body)

    # ---- inside
    def _go(self, key: MessageId, number: int, by: int) -> None:
        bodies = self._bodies()
        if key not in bodies:
            self._going = (key, by)
            if self._reader.conversation is not None:
                self._reader.conversation.unfold(key)
            return
        self._place, self._going = (key, number), None
        for other, body in bodies.items():
            _mark(body, self.field.text(), number if other == key else -1, self._reader.bring_into_view)
        self._say()

    def _bodies(self) -> dict[MessageId, Body]:
        """What is open, and awake."""
        panes = [pane for pane in self._reader.panes() if pane.view is not None and not pane.body.asleep]
        return {pane.row.id: pane.body for pane in panes if pane.row is not None}

    def _count(self, key: MessageId, body: Body) -> None:
        words = self.field.text()
        if body.is_web and body.web is not None:
            from mua.gui.page_marks import FOUND, literal, paint

            current = self._place[1] if self._place is not None and self._place[0] == key else -1
            paint(body.web, FOUND, literal(words), lambda told: self._counted(key, words, told.count), current)
            return
        number = len(_hits(body.text.document(), words))
        if words and body.is_folded and body.shown_text().casefold().count(words.casefold()) > number:
            body.toggle_quotes()
            number = len(_hits(body.text.document(), words))
        self._counted(key, words, number)

    def _counted(self, key: MessageId, words: str, number: int) -> None:
        if words != self.field.text() or not self.isVisible():
            return
        self._found[key] = number
        if self._going is not None and self._going[0] == key and number:
            by = self._going[1]
            self._go(key, 0 if by > 0 else number - 1, by)
        self._say()
        self._begin()

    def _keep(self, texts: Mapping[MessageId, str]) -> None:
        self._closed.update(texts)
        if self.isVisible():
            self._count_closed()
            self._say()
            self._begin()

    def _count_closed(self) -> None:
        words, bodies = self.field.text().casefold(), self._bodies()
        for key, text in self._closed.items() if words else ():
            if key not in bodies:
                self._found[key] = text.count(words)

    def _begin(self) -> None:
        """Go to the first hit: of the message that is meant, or another that is open; of a closed one last."""
        if self._place is not None or self._going is not None:
            return
        current = self._reader.row
        keys = [key for key in self._bodies() if self._found.get(key)]
        if current is not None and self._found.get(current.id) and current.id in keys:
            keys = [current.id]
        order = [one.id for one in self._reader.messages() if one.id in keys]
        if order:
            self._go(order[0], 0, 1)
        elif self._total():
            self.step(1)

    def _total(self) -> int:
        return sum(self._found.values())

    def _say(self) -> None:
        if not self.field.text():
            text = ""
        elif not self._total():
            text = tr("Not found")
        else:
            before = 0
            for one in self._reader.messages():
                if self._place is not None and one.id == self._place[0]:
                    break
                before += self._found.get(one.id, 0)
            text = tr(
                "{number:,} of {total:,}",
                number=before + self._place[1] + 1 if self._place else 0,
                total=self._total(),
            )
        self.count.setText(text)
        self.field.mark(text == tr("Not found"))


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


def _mark(body: Body, words: str, current: int, bring: Callable[[Body, QRect], None] | None = None) -> None:
    """Mark all hits of a body, the ``current`` one most (-1: none of these), which ``bring`` brings into sight."""
    if body.is_web and body.web is not None:
        from mua.gui.page_marks import FOUND, literal, paint

        zoom = body.web.zoomFactor()

        def painted(told: "Marked") -> None:
            if bring is not None and told.top >= 0 and isValid(body):
                bring(body, QRect(0, round(told.top * zoom), 1, 1))

        paint(body.web, FOUND, literal(words), painted, current)
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
    if bring is not None and 0 <= current < len(marks):
        bring(body, body.text.cursorRect())
