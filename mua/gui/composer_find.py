"""Finding and replacing in what is written: a bar above the text.

Rules of the file: all replacements of one press are one step to undo; the next hit after the last is the first.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QFrame, QHBoxLayout

from mua.gui.body_editor import BodyEditor
from mua.gui.theme import READER_MARGIN_X, SECONDARY
from mua.gui.widgets import Button, Field, Label, ToolButton
from mua.language import tr


class ComposerFind(QFrame):
    """The bar.  Enter in its first field goes on, in its second one replaces; Escape leaves."""

    left = Signal()

    def __init__(self, editor: BodyEditor) -> None:
        super().__init__()
        self._editor = editor
        self.field = Field(tr("Find in the text"), tr("Find"))
        self.other = Field(tr("Replace by"), tr("Replace by"))
        self.count = Label("", SECONDARY, "secondary")
        self.count.setMinimumWidth(56)
        one, every = Button(tr("Replace")), Button(tr("All"))
        every.setAccessibleName(tr("Replace all"))
        before = ToolButton("chevron-up", tr("Hit before"), key="Shift+Enter")
        after = ToolButton("chevron-down", tr("Next hit"), key="Enter")
        close = ToolButton("x", tr("Close"), key="Escape")
        row = QHBoxLayout(self)
        row.setContentsMargins(READER_MARGIN_X, 8, READER_MARGIN_X - 8, 0)
        row.setSpacing(6)
        for part, share in (
            (self.field, 3),
            (self.count, 0),
            (before, 0),
            (after, 0),
            (self.other, 3),
            (one, 0),
            (every, 0),
            (close, 0),
        ):
            row.addWidget(part, share)
        self.field.textChanged.connect(lambda _: self._tell())
        before.clicked.connect(lambda: self.step(-1))
        after.clicked.connect(lambda: self.step(1))
        one.clicked.connect(self.replace)
        every.clicked.connect(self.replace_all)
        close.clicked.connect(self.left)

    def begin(self) -> None:
        """Show the bar; what is selected is looked for."""
        chosen = self._editor.textCursor().selectedText()
        if chosen and "\u2029" not in chosen:
            self.field.setText(chosen)
        self.show()
        self.field.setFocus()
        self.field.selectAll()
        self._tell()

    def step(self, by: int) -> bool:
        """Select the next hit, or the one before; False: there is none."""
        words = self.field.text()
        if not words:
            return False
        flags = QTextDocument.FindFlag.FindBackward if by < 0 else QTextDocument.FindFlag(0)
        if self._editor.find(words, flags):
            return True
        cursor = self._editor.textCursor()
        end = QTextCursor.MoveOperation.End if by < 0 else QTextCursor.MoveOperation.Start
        cursor.movePosition(end)
        self._editor.setTextCursor(cursor)
        return self._editor.find(words, flags)

    def replace(self) -> None:
        """The hit that is selected, then on to the next one."""
        cursor = self._editor.textCursor()
        if self.field.text() and cursor.selectedText().casefold() == self.field.text().casefold():
            cursor.insertText(self.other.text())
        self.step(1)
        self._tell()

    def replace_all(self) -> int:
        """Every hit; returns how many."""
        words, document = self.field.text(), self._editor.document()
        if not words:
            return 0
        whole = QTextCursor(document)
        whole.beginEditBlock()
        made, found = 0, document.find(words, 0)
        while not found.isNull():
            found.insertText(self.other.text())
            made += 1
            found = document.find(words, found)
        whole.endEditBlock()
        self.count.setText(tr("{number:,} replaced", number=made))
        return made

    def _tell(self) -> None:
        words = self.field.text().casefold()
        hits = self._editor.toPlainText().casefold().count(words) if words else 0
        self.count.setText("" if not words else tr("{number:,} found", number=hits) if hits else tr("None"))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            if self.other.hasFocus():
                self.replace()
            else:
                self.step(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        else:
            super().keyPressEvent(event)
