"""The text in the editor's own frame: what is shown of it, in which way it is written, and its look.

Rules of the file: the document says how it is written (``body_text.mode``), so that undoing a switch switches back;
what is folded away is part of the text; nothing is loaded but pictures of the letter.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import (
    QImage,
    QPainter,
    QPaintEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QTextEdit

from mua.gui import body_text
from mua.gui.body_marks import MARKDOWN, PLAIN, RICH, Marks
from mua.gui.sheets import styled
from mua.gui.theme import BODY, READER_MARGIN_X, theme
from mua.language import tr
from mua.mime.markdown import from_markdown, to_markdown
from mua.mime.prose_html import from_html
from mua.mime.prose_text import from_text, to_text
from mua.model.prose import Block, Kind, Prose, Run, is_formatted

SEPARATOR = "-- "  # RFC 3676 s.4.3
FOLD_FROM, FOLD_KEEPS = 1_500, 400  # lines: from when on a quote is folded, and how much of it is shown


class BodyView(QTextEdit):
    """What the editor shows; ``BodyEditor`` is what is done to it."""

    mode_changed = Signal(str)
    fold_changed = Signal(int)
    """So many lines are folded away."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Message text"))
        self.setAcceptRichText(True)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setPlaceholderText(tr("Write your message"))
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        styled(self, "QTextEdit { background: @reader; color: @text; border: none; selection-background-color: @accent;"
                     " selection-color: @on_accent; }")  # fmt: skip
        self.mode = RICH
        self.picture: Callable[[str], QImage | None] = lambda _: None
        """The picture of a Content-ID that the letter holds."""
        self.marks = Marks(self.document(), lambda: self.mode)
        self.folded: Prose = ()
        """Lines behind the last one that is shown: the rest of a long quote, which is part of the text all the same."""
        self.loaded: Prose = ()
        """The lines that were shown last, as long as none has changed."""
        self.document().contentsChanged.connect(self._follow_mode)
        theme().changed.connect(self._retheme)
        self._retheme()

    # ---- what is written
    def prose(self) -> Prose:
        """What the text means, in whichever way it is written."""
        if self.mode == MARKDOWN:
            return from_markdown(self.whole_text())
        if self.mode == PLAIN:
            return from_text(self.whole_text())
        return (*body_text.read(self.document()), *self.folded)

    def whole_text(self) -> str:
        """The text as it stands, with what is folded away."""
        text = self.toPlainText()
        return "\n".join([text, *(block.text for block in self.folded)]) if self.folded else text

    def source(self) -> str:
        """The text as it stands in the editor; of rich text what plain text says of it."""
        return to_text(self.prose()) if self.mode == RICH else self.whole_text()

    def is_formatted(self) -> bool:
        """Whether HTML is sent too."""
        return self.mode != PLAIN and is_formatted(self.prose())

    def show_prose(self, prose: Prose, mode: str = RICH) -> None:
        """Show this, the cursor at its beginning; what was before cannot be brought back."""
        self.show_lines(prose if mode == RICH else as_lines(prose, mode), mode)
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def show_lines(self, lines: Prose, mode: str) -> None:
        """Lines as they stand in this way of writing."""
        shown, folded = _fold(lines)
        body_text.load(self.document(), shown)
        self._note_mode(mode)
        self.loaded = shown
        self._set_folded(folded)

    def unfold(self) -> None:
        """Show the rest of a long quote: one step to undo."""
        if not self.folded:
            return
        lines = self.folded
        self._set_folded(())
        self.replace_lines(self.document().blockCount(), 0, lines, self.mode)

    def _set_folded(self, lines: Prose) -> None:
        if lines != self.folded:
            self.folded = lines
            self.fold_changed.emit(len(lines))

    def show_source(self, text: str, mode: str) -> None:
        """Plain text or Markdown as it was written."""
        self.show_lines(lines_of(text), mode)
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def show_text(self, text: str) -> None:
        """Plain text in the way that is chosen, the cursor at its beginning."""
        self.show_prose(from_text(text), self.mode)

    def show_html(self, html: str) -> None:
        """HTML reduced to our few formats."""
        self.show_prose(from_html(html, pictures=lambda _: True), self.mode)

    def switch(self, mode: str) -> bool:
        """Go on writing in another way: one step, which can be undone.  False: formats are left out by that."""
        if mode == self.mode:
            return True
        self.unfold()
        prose = self.prose()
        lost = mode == PLAIN and is_formatted(prose)
        share = self.textCursor().position() / max(1, self.document().characterCount())
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.removeSelectedText()
        if (found := body_text.list_of(cursor)) is not None:
            found.remove(cursor.block())
        cursor.setBlockFormat(QTextBlockFormat())
        cursor.setCharFormat(QTextCharFormat())
        body_text.write(cursor, prose if mode == RICH else as_lines(prose, mode))
        body_text.set_mode(self.document(), mode)
        cursor.endEditBlock()
        cursor.setPosition(min(round(share * self.document().characterCount()), self.document().characterCount() - 1))
        self.setTextCursor(cursor)
        self._follow_mode()
        return not lost

    def swap_signature(self, old: Prose, new: Prose, answers: int | None) -> bool:
        """Another signature in the place of one, as one step; False: the old one does not stand there as it was.

        Where there was none it goes to the end; of an answer (``answers``) before the line that begins the quote.
        """
        before = [] if not old else [SEPARATOR, *self._lines_of(old)]
        first = self._place_of(before) if before else None
        if before and first is None:
            return False
        cursor = self.textCursor()
        cursor.beginEditBlock()
        cursor = self._room_for_signature(answers) if first is None else self._without(first, len(before))
        if new:
            lines = (Block((Run(SEPARATOR),)), *new)
            body_text.write(
                cursor, lines if self.mode == RICH else lines_of("\n".join([SEPARATOR, *self._lines_of(new)]))
            )
        cursor.endEditBlock()
        return True

    def _lines_of(self, prose: Prose) -> list[str]:
        """The words of each line as they stand here."""
        if self.mode == RICH:
            return [block.text for block in prose if block.kind is not Kind.TABLE]
        return [block.text for block in as_lines(prose, self.mode)]

    def _place_of(self, lines: list[str]) -> QTextBlock | None:
        """The line where these begin, the last time that they stand there unquoted."""
        block = self.document().lastBlock()
        while block.isValid():
            if block.text() == lines[0] and not quote_of(block):
                other, at = block, 0
                while at < len(lines) and other.isValid() and other.text().replace("\ufffc", "") == lines[at]:
                    other, at = other.next(), at + 1
                if at == len(lines):
                    return block
            block = block.previous()
        return None

    def _without(self, first: QTextBlock, count: int) -> QTextCursor:
        """Take lines away; the cursor is on the empty line that is left."""
        last = self.document().findBlockByNumber(first.blockNumber() + count - 1)
        cursor = QTextCursor(first)
        cursor.setPosition(last.position() + last.length() - 1, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()
        if (found := body_text.list_of(cursor)) is not None:
            found.remove(cursor.block())
        cursor.setBlockFormat(QTextBlockFormat())
        return cursor

    def _room_for_signature(self, answers: int | None) -> QTextCursor:
        if answers is None:
            self.unfold()
        block = self.document().begin()
        while block.isValid() and not (quote_of(block) or block.text().startswith(">")):
            block = block.next()
        if answers is None or not block.isValid() or block.blockNumber() < 1:
            cursor = QTextCursor(self.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            for _ in range(2 if cursor.block().text() else 1):
                cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
            return cursor
        cursor = QTextCursor(block.previous())
        for _ in range(2):
            cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
        cursor.movePosition(QTextCursor.MoveOperation.PreviousBlock)
        cursor.movePosition(QTextCursor.MoveOperation.PreviousBlock)
        return cursor

    def replace_lines(self, at: int, gone: int, lines: Prose, mode: str) -> None:
        """Lines in the place of others, as one step to undo; a text without tables only."""
        document = self.document()
        if self.folded and at + gone >= document.blockCount():
            self.unfold()
        count = document.blockCount()
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        if at >= count:  # behind the last line
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
        else:
            cursor.setPosition(document.findBlockByNumber(at).position())
            if gone:
                last = document.findBlockByNumber(min(at + gone, count) - 1)
                end = last.position() + last.length() - 1
                if not lines and last.next().isValid():
                    end += 1
                elif not lines and at:
                    cursor.setPosition(cursor.position() - 1)
                cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
                cursor.removeSelectedText()
            elif lines:
                cursor.insertBlock(cursor.blockFormat(), cursor.blockCharFormat())
                cursor.setPosition(document.findBlockByNumber(at).position())
        if lines:
            if (found := body_text.list_of(cursor)) is not None:
                found.remove(cursor.block())
            body_text.write(cursor, lines)
        body_text.set_mode(document, mode)
        cursor.endEditBlock()
        self._follow_mode()

    def _note_mode(self, mode: str) -> None:
        self.document().setUndoRedoEnabled(False)
        body_text.set_mode(self.document(), mode)
        self.document().setUndoRedoEnabled(True)
        self.document().setModified(False)
        self._follow_mode()

    def _follow_mode(self) -> None:
        """The document says how it is written: also after a switch was undone."""
        mode = body_text.mode(self.document()) or RICH
        if mode != self.mode:
            self.mode = mode
            self.marks.rehighlight()
            self.setCurrentCharFormat(QTextCharFormat()) if mode != RICH else None
            self.mode_changed.emit(mode)

    # ---- events
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self._retheme()

    def loadResource(self, kind: int, name: QUrl) -> object:  # type: ignore[override]
        """Only pictures that the letter itself holds."""
        return self.picture(name.toString().removeprefix("cid:")) if name.scheme() == "cid" else None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars beside what is quoted, then the text."""
        if self.mode == RICH:
            self._paint_bars()
        super().paintEvent(event)

    # ---- inside
    def _paint_bars(self) -> None:
        painter = QPainter(self.viewport())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme().colour("line"))
        layout, shift = self.document().documentLayout(), self.verticalScrollBar().value()
        block = self.cursorForPosition(self.viewport().rect().topLeft()).block()
        bottom = self.viewport().height()
        while block.isValid():
            box = layout.blockBoundingRect(block)
            if box.top() - shift > bottom:
                break
            for level in range(quote_of(block) if block.isVisible() else 0):
                at = level * body_text.QUOTE_STEP
                mirrored = block.textDirection() == Qt.LayoutDirection.RightToLeft
                left = self.document().size().width() - at - 3 if mirrored else at
                painter.drawRect(QRectF(QPointF(left, box.top() - shift), QPointF(left + 3, box.bottom() - shift)))
            block = block.next()
        painter.end()

    def _retheme(self) -> None:
        self.document().setDefaultFont(theme().font(BODY))
        self.document().setDocumentMargin(0)
        start, end = READER_MARGIN_X, READER_MARGIN_X - 10  # the scroll bar takes 10
        mirrored = self.isRightToLeft()
        self.setViewportMargins(end if mirrored else start, 16, start if mirrored else end, 0)
        self.marks.rehighlight()


def _fold(lines: Prose) -> tuple[Prose, Prose]:
    """(what is shown, the rest): of a very long text that ends in a quote its beginning, since every key that is typed
    above lays out all that follows.
    """
    if len(lines) <= FOLD_FROM:
        return lines, ()
    end = len(lines)
    while end > FOLD_KEEPS and (lines[end - 1].quote or lines[end - 1].text.startswith(">")):
        end -= 1
    begin = max(end, FOLD_KEEPS)
    return (lines[:begin], lines[begin:]) if len(lines) - begin > FOLD_KEEPS else (lines, ())


def quote_of(block: QTextBlock) -> int:
    """How often a line is quoted."""
    return int(block.blockFormat().property(body_text.QUOTE) or 0)


def requote(cursor: QTextCursor, quote: int) -> None:
    """Only the quote of a line changes."""
    how = cursor.blockFormat()
    how.clearProperty(body_text.QUOTE)
    how.clearProperty(QTextFormat.Property.BlockLeftMargin)
    how.clearProperty(QTextFormat.Property.BlockRightMargin)
    cursor.setBlockFormat(how)
    if quote:
        cursor.mergeBlockFormat(body_text.block_format(Block(quote=quote)))


def as_lines(prose: Prose, mode: str) -> Prose:
    """The lines of Markdown or plain text that say the same."""
    return lines_of(to_markdown(prose) if mode == MARKDOWN else to_text(prose))


def lines_of(text: str) -> Prose:
    """Each line as it stands, also where it begins with ">"."""
    return tuple(Block((Run(line),) if line else ()) for line in text.split("\n"))
