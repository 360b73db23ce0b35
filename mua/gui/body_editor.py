"""Where the text is written, in one of three ways: rich text, Markdown, plain text; switched at any time.

Rules of the file: what is pasted keeps what it means (``mime.prose_html``) and nothing else, so that no foreign style
and no remote load gets into a mail; switching is one step to undo; the reply's quote is dimmed, never locked.
"""

import re
from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, QPointF, QRectF, Qt, QUrl, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QFont,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextListFormat,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QTextEdit

from mua.gui import body_text
from mua.gui.body_marks import MARKDOWN, PLAIN, RICH, Marks, emoji
from mua.gui.sheets import styled
from mua.gui.theme import BODY, READER_MARGIN_X, theme
from mua.mime.markdown import from_markdown, to_markdown
from mua.mime.prose_html import from_html, to_html
from mua.mime.prose_text import from_text, to_text
from mua.model.prose import Block, Image, Kind, Prose, Run, is_formatted

SEPARATOR = "-- "  # RFC 3676 s.4.3
FOLD_FROM, FOLD_KEEPS = 1_500, 400  # lines: from when on a quote is folded, and how much of it is shown
MAX_PASTED = 5_000_000  # characters
_WEB = re.compile(r"^(https?://|mailto:)", re.IGNORECASE)


class BodyEditor(QTextEdit):
    """The editor."""

    files_dropped = Signal(list)
    """Paths of files that were dropped or pasted."""
    picture_pasted = Signal(QImage)
    mode_changed = Signal(str)
    fold_changed = Signal(int)
    """So many lines are folded away."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Message text")
        self.setAcceptRichText(True)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setPlaceholderText("Write your message")
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        styled(self, "QTextEdit { background: @reader; color: @text; border: none; selection-background-color: @accent;"
                     " selection-color: @on_accent; }")  # fmt: skip
        self.mode = RICH
        self.picture: Callable[[str], QImage | None] = lambda _: None
        """The picture of a Content-ID that the letter holds."""
        self._quotes = Marks(self.document(), lambda: self.mode)
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
        self.show_lines(prose if mode == RICH else _as_lines(prose, mode), mode)
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
        self.show_lines(_lines(text), mode)
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
        body_text.write(cursor, prose if mode == RICH else _as_lines(prose, mode))
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
                cursor, lines if self.mode == RICH else _lines("\n".join([SEPARATOR, *self._lines_of(new)]))
            )
        cursor.endEditBlock()
        return True

    def _lines_of(self, prose: Prose) -> list[str]:
        """The words of each line as they stand here."""
        if self.mode == RICH:
            return [block.text for block in prose if block.kind is not Kind.TABLE]
        return [block.text for block in _as_lines(prose, self.mode)]

    def _place_of(self, lines: list[str]) -> QTextBlock | None:
        """The line where these begin, the last time that they stand there unquoted."""
        block = self.document().lastBlock()
        while block.isValid():
            if block.text() == lines[0] and not _quote_of(block):
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
        while block.isValid() and not (_quote_of(block) or block.text().startswith(">")):
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
            self._quotes.rehighlight()
            self.setCurrentCharFormat(QTextCharFormat()) if mode != RICH else None
            self.mode_changed.emit(mode)

    # ---- formats
    def toggle_bold(self) -> None:
        """Bold, or not."""
        if not self._wrap("**"):
            bold = self.fontWeight() >= QFont.Weight.DemiBold
            self.setFontWeight(QFont.Weight.Normal if bold else QFont.Weight.Bold)

    def toggle_italic(self) -> None:
        """Italic, or not."""
        if not self._wrap("*"):
            self.setFontItalic(not self.fontItalic())

    def toggle_struck(self) -> None:
        """Struck through, or not."""
        if not self._wrap("~~"):
            how = QTextCharFormat()
            how.setFontStrikeOut(not self.currentCharFormat().fontStrikeOut())
            self.mergeCurrentCharFormat(how)

    def toggle_code(self) -> None:
        """Code: the selection inside a line, or whole lines."""
        cursor = self.textCursor()
        if self._wrap("`"):
            return
        whole = "\u2029" in cursor.selectedText() or not cursor.hasSelection()
        coded = bool(cursor.blockFormat().property(body_text.CODE))
        if whole or coded:
            self._restyle(Block(kind=Kind.TEXT if coded else Kind.CODE))
            return
        how = QTextCharFormat(self.currentCharFormat())
        if how.fontFixedPitch():
            how.clearProperty(QTextFormat.Property.FontFixedPitch)
            how.clearProperty(QTextFormat.Property.FontFamilies)
        else:
            body_text.code_format(how)
        cursor.setCharFormat(how)
        self.setTextCursor(cursor)

    def heading(self, level: int) -> None:
        """The selected lines as headings of this level; 0, or the level that they have: as text."""
        if self.mode == PLAIN:
            return
        if self.mode == MARKDOWN:
            self._prefix("#" * level + " " if level else "", re.compile(r"#{1,6}\s+"))
            return
        now = self.textCursor().blockFormat().headingLevel()
        plain = level in (0, now)
        self._restyle(Block(kind=Kind.TEXT) if plain else Block(kind=Kind.HEADING, level=level))

    def toggle_list(self, style: QTextListFormat.Style) -> None:
        """The selected paragraphs as a list of this kind, or as paragraphs again."""
        if self.mode != RICH:
            ordered = style == QTextListFormat.Style.ListDecimal
            self._prefix("1. " if ordered else "- ", re.compile(r"(?:[-*+]|\d+[.)])\s+"), toggle=True)
            return
        cursor = self.textCursor()
        found = body_text.list_of(cursor)
        cursor.beginEditBlock()
        if found is not None and found.format().style() == style:
            for block in self._chosen_blocks():
                found.remove(block)
                QTextCursor(block).setBlockFormat(body_text.block_format(Block(quote=_quote_of(block))))
        else:
            cursor.createList(style)
        cursor.endEditBlock()

    def indent(self, by: int) -> bool:
        """List items a level further in or out; False: there is none."""
        cursor = self.textCursor()
        found = body_text.list_of(cursor)
        if self.mode != RICH or found is None:
            return False
        level = found.format().indent() + by
        if level < 1:
            return False
        numbered = found.format().style() in (QTextListFormat.Style.ListDecimal, QTextListFormat.Style.ListLowerAlpha)
        made = QTextListFormat()
        made.setIndent(level)
        made.setStyle(body_text.list_style(Kind.NUMBER if numbered else Kind.BULLET, level))
        cursor.createList(made)
        return True

    def toggle_quote(self) -> None:
        """Quote the selected paragraphs, or take the quote away."""
        if self.mode != RICH:
            self._prefix("> ", re.compile("> ?"), toggle=True)
            return
        chosen = self._chosen_blocks()
        quoted = all(_quote_of(block) or block.text().startswith(">") for block in chosen)
        whole = self.textCursor()
        whole.beginEditBlock()
        for block in chosen:
            cursor = QTextCursor(block)
            if block.text().startswith(">"):  # typed as in plain text: from here on it is one like the others
                typed = from_text(block.text())[0]
                cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.insertText(typed.text)
                _requote(cursor, typed.quote)
            _requote(cursor, max(0, _quote_of(block) + (-1 if quoted else 1)))
        whole.endEditBlock()
        self._quotes.rehighlight()

    def link(self, target: str) -> None:
        """Make the selection (or the address itself) a link; only web and mail addresses."""
        target = target.strip()
        if not target:
            return
        if not _WEB.match(target):
            target = ("mailto:" if "@" in target and "/" not in target else "https://") + target
        cursor = self.textCursor()
        text = cursor.selectedText() or target.removeprefix("mailto:")
        if self.mode == MARKDOWN:
            cursor.insertText(to_markdown((Block((Run(text, link=target),)),)))
            return
        if self.mode == PLAIN:
            cursor.insertText(target if text == target else f"{text} <{target}>")
            return
        how = QTextCharFormat()
        body_text.link_format(how, target)
        cursor.insertText(text, how)
        cursor.insertText(" ", QTextCharFormat())
        self.setTextCursor(cursor)
        self.setCurrentCharFormat(QTextCharFormat())

    def colour(self, colour: str) -> None:
        """The selection in a colour (#rrggbb), or in none."""
        if self.mode != RICH:
            return
        cursor = self.textCursor()
        how = QTextCharFormat(cursor.charFormat())
        how.clearProperty(body_text.COLOUR)
        how.clearForeground()
        if colour:
            body_text.colour_format(how, colour)
        cursor.setCharFormat(how)
        self.setTextCursor(cursor)
        self.setCurrentCharFormat(how)

    def plain_look(self) -> None:
        """The selection without any format."""
        if self.mode == RICH:
            self._restyle(Block())
            self.textCursor().setCharFormat(QTextCharFormat())

    def insert_table(self, rows: int, columns: int) -> None:
        """An empty table where the cursor is."""
        self.insert_prose((Block(kind=Kind.TABLE, rows=tuple(tuple(() for _ in range(columns)) for _ in range(rows))),))

    def insert_rule(self) -> None:
        """A line across."""
        self.insert_prose((Block(kind=Kind.RULE), Block()))

    def insert_picture(self, image: Image) -> None:
        """A picture that the letter holds, where the cursor is."""
        if self.mode == RICH:
            cursor = self.textCursor()
            cursor.insertImage(body_text.image_format(image))
        elif self.mode == MARKDOWN:
            self.textCursor().insertText(to_markdown((Block((Run("", image=image),)),)))

    def insert_prose(self, prose: Prose) -> None:
        """Put something written elsewhere where the cursor is: one step to undo."""
        cursor = self.textCursor()
        cursor.beginEditBlock()
        cursor.removeSelectedText()
        if self.mode != RICH:
            cursor.insertText("\n".join(one.text for one in _as_lines(prose, self.mode)))
        elif len(prose) == 1 and prose[0].kind is Kind.TEXT and not prose[0].quote:
            before = QTextCharFormat(cursor.charFormat())
            body_text.write_runs(cursor, prose[0])
            cursor.setCharFormat(before)
        else:
            self._insert_lines(cursor, prose)
        cursor.endEditBlock()
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    def _insert_lines(self, cursor: QTextCursor, prose: Prose) -> None:
        plain = QTextBlockFormat()
        if prose[0].kind is Kind.TABLE and len(prose) == 1:
            pass  # parts the line by itself
        elif cursor.block().text().strip() or body_text.list_of(cursor) is not None:
            rest = not cursor.atBlockEnd()
            if not cursor.atBlockStart():
                cursor.insertBlock(plain, QTextCharFormat())
            if rest or cursor.block().text().strip():
                cursor.insertBlock(plain, QTextCharFormat())
                cursor.movePosition(QTextCursor.MoveOperation.PreviousBlock)
            if (found := body_text.list_of(cursor)) is not None:
                found.remove(cursor.block())
        body_text.write(cursor, prose)

    # ---- events
    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() or source.hasUrls() or source.hasImage() or source.hasHtml()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Files are attached, pictures stand in the text; everything else comes as what it means."""
        files = [url.toLocalFile() for url in source.urls() if url.isLocalFile()]
        if files:
            self.files_dropped.emit(files)
        elif source.hasImage() and not source.hasText() and not source.hasHtml():
            self.picture_pasted.emit(QImage(source.imageData()))
        elif source.hasHtml() and self.mode != PLAIN and len(source.html()) <= MAX_PASTED:
            prose = from_html(source.html())
            if is_formatted(prose):
                self.insert_prose(prose)
            else:
                self.insertPlainText(source.text() or to_text(prose))
        else:
            self.insertPlainText(source.text()[:MAX_PASTED])

    def paste_plain(self) -> None:
        """Only the words of what was copied."""
        self.insertPlainText(QGuiApplication.clipboard().text()[:MAX_PASTED])

    def createMimeDataFromSelection(self) -> QMimeData:
        """What is copied is what would be sent: our few formats, and the words."""
        data = QMimeData()
        cursor = self.textCursor()
        if self.mode != RICH:
            data.setText(cursor.selection().toPlainText())
            return data
        part = QTextDocument()
        QTextCursor(part).insertFragment(cursor.selection())
        prose = body_text.read(part)
        data.setText(to_text(prose))
        if is_formatted(prose):
            data.setHtml(to_html(prose))
        return data

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        if event.mimeData().hasUrls():
            self.insertFromMimeData(event.mimeData())
            event.acceptProposedAction()
        else:
            super().dropEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self._retheme()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter on an empty list item ends the list; inside a quote it opens room to answer; Tab moves list items."""
        cursor = self.textCursor()
        key = event.key()
        if key == Qt.Key.Key_Return and not event.modifiers() and not cursor.hasSelection() and self._entered(cursor):
            return
        if key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab) and self._tabbed(-1 if key == Qt.Key.Key_Backtab else 1):
            return
        if (
            key == Qt.Key.Key_Backspace
            and cursor.atBlockStart()
            and not cursor.hasSelection()
            and self._undressed(cursor)
        ):
            return
        super().keyPressEvent(event)
        if event.text() == ":":
            self._emoji()

    def loadResource(self, kind: int, name: QUrl) -> object:  # type: ignore[override]
        """Only pictures that the letter itself holds."""
        return self.picture(name.toString().removeprefix("cid:")) if name.scheme() == "cid" else None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Bars beside what is quoted, then the text."""
        if self.mode == RICH:
            self._paint_bars()
        super().paintEvent(event)

    # ---- inside
    def _entered(self, cursor: QTextCursor) -> bool:
        found, line = body_text.list_of(cursor), cursor.block().text()
        if found is not None and not line.strip():
            found.remove(cursor.block())
            cursor.setBlockFormat(body_text.block_format(Block(quote=_quote_of(cursor.block()))))
            return True
        quote = _quote_of(cursor.block())
        if (line.startswith(">") and cursor.positionInBlock() > 1) or (quote and self.mode == RICH and line.strip()):
            self._split_quote(cursor)
            return True
        if self.mode == RICH and cursor.blockFormat().headingLevel() and cursor.atBlockEnd():
            cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
            self.setTextCursor(cursor)
            return True
        if self.mode == MARKDOWN:
            return self._goes_on(cursor, line)
        return False

    def _goes_on(self, cursor: QTextCursor, line: str) -> bool:
        """The next item of a list in Markdown; an empty one ends it."""
        match = re.match(r"(\s*)([-*+]|(\d{1,8})([.)]))( +)(.*)", line)
        if match is None or not cursor.atBlockEnd():
            return False
        if not match[6].strip():
            cursor.select(QTextCursor.SelectionType.BlockUnderCursor)
            cursor.insertText("\n")
        else:
            sign = f"{int(match[3]) + 1}{match[4]}" if match[3] else match[2]
            cursor.insertText(f"\n{match[1]}{sign}{match[5]}")
        self.setTextCursor(cursor)
        return True

    def _tabbed(self, by: int) -> bool:
        table = body_text.table_of(self.textCursor())
        if table is None:
            return self.indent(by)
        cursor = self.textCursor()
        cell = table.cellAt(cursor)
        at = cell.row() * table.columns() + cell.column() + by
        if at >= table.rows() * table.columns():
            table.appendRows(1)
        if at >= 0:
            self.setTextCursor(table.cellAt(at // table.columns(), at % table.columns()).firstCursorPosition())
        return True

    def _undressed(self, cursor: QTextCursor) -> bool:
        """Backspace at the beginning of a line takes its format first."""
        if self.mode != RICH or body_text.table_of(cursor) is not None:
            return False
        how = cursor.blockFormat()
        if how.headingLevel() or how.property(body_text.CODE):
            self._restyle(Block())
            return True
        found = body_text.list_of(cursor)
        if found is not None:
            if not self.indent(-1):
                found.remove(cursor.block())
                cursor.setBlockFormat(body_text.block_format(Block(quote=_quote_of(cursor.block()))))
            return True
        if quote := _quote_of(cursor.block()):
            _requote(cursor, quote - 1)
            self._quotes.rehighlightBlock(cursor.block())
            return True
        return False

    def _emoji(self) -> None:
        cursor = self.textCursor()
        typed, made = emoji(cursor.block().text()[: cursor.positionInBlock()])
        if made:
            cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.KeepAnchor, typed)
            cursor.insertText(made)

    def _wrap(self, sign: str) -> bool:
        """In Markdown put signs around the selection, or take them away; in plain text nothing.  False: rich text."""
        if self.mode == RICH:
            return False
        cursor = self.textCursor()
        text = cursor.selectedText()
        if self.mode == MARKDOWN:
            if len(text) > 2 * len(sign) and text.startswith(sign) and text.endswith(sign):
                cursor.insertText(text[len(sign) : -len(sign)])
            else:
                cursor.insertText(f"{sign}{text}{sign}")
                if not text:
                    cursor.movePosition(QTextCursor.MoveOperation.Left, QTextCursor.MoveMode.MoveAnchor, len(sign))
            self.setTextCursor(cursor)
        return True

    def _prefix(self, sign: str, other: re.Pattern[str], toggle: bool = False) -> None:
        """Put a sign before the selected lines, in the place of ``other``; ``toggle``: away where all have it."""
        chosen = self._chosen_blocks()
        has = [other.match(block.text()) for block in chosen]
        whole = self.textCursor()
        whole.beginEditBlock()
        for block, match in zip(chosen, has, strict=True):
            cursor = QTextCursor(block)
            quoting = sign.startswith(">")
            if match and (not quoting or all(has)):
                cursor.movePosition(QTextCursor.MoveOperation.Right, QTextCursor.MoveMode.KeepAnchor, len(match[0]))
                cursor.removeSelectedText()
            if not (toggle and all(has)):
                cursor.insertText(sign.rstrip() if quoting and match else sign)
        whole.endEditBlock()

    def _restyle(self, like: Block) -> None:
        """The selected lines become such ones; their quote stays."""
        cursor = self.textCursor()
        cursor.beginEditBlock()
        for block in self._chosen_blocks():
            if (found := body_text.list_at(block)) is not None:
                found.remove(block)
            line = QTextCursor(block)
            made = Block(kind=like.kind, level=like.level, quote=_quote_of(block))
            line.setBlockFormat(body_text.block_format(made))
            line.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
            runs = body_text.runs_of(block)
            if like.kind is Kind.TEXT:
                runs = tuple(Run(run.text, link=run.link, colour=run.colour, image=run.image) for run in runs)
            line.removeSelectedText()
            body_text.write_runs(line, Block(runs, made.kind, made.level, made.quote))
            line.setBlockCharFormat(body_text.char_format(made))
        cursor.endEditBlock()
        self.setCurrentCharFormat(body_text.char_format(like))

    def _split_quote(self, cursor: QTextCursor) -> None:
        """Room for an answer between two halves of a quoted line."""
        if not _quote_of(cursor.block()):
            rest = cursor.block().text()[cursor.positionInBlock() :].strip()
            cursor.beginEditBlock()
            cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            cursor.insertText("\n\n" + ("\n> " + rest if rest else ""))
            if rest:
                cursor.movePosition(QTextCursor.MoveOperation.StartOfBlock)
                cursor.movePosition(QTextCursor.MoveOperation.Up)
            cursor.endEditBlock()
            self.setTextCursor(cursor)
            return
        cursor.beginEditBlock()
        at_start, at_end = cursor.atBlockStart(), cursor.atBlockEnd()
        quoted = cursor.blockFormat()
        plain, letters = QTextBlockFormat(), QTextCharFormat()
        if not at_start:
            cursor.insertBlock(plain, letters)
        cursor.insertBlock(plain, letters)
        if not at_end:
            cursor.insertBlock(quoted)
            cursor.movePosition(QTextCursor.MoveOperation.PreviousBlock)
        for back in range(2 if not at_start else 1):
            if back:
                cursor.movePosition(QTextCursor.MoveOperation.PreviousBlock)
            if (found := body_text.list_of(cursor)) is not None:
                found.remove(cursor.block())
            cursor.setBlockFormat(plain)
        if not at_start:
            cursor.movePosition(QTextCursor.MoveOperation.NextBlock)
        cursor.endEditBlock()
        self.setTextCursor(cursor)

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
            for level in range(_quote_of(block) if block.isVisible() else 0):
                at = level * body_text.QUOTE_STEP
                mirrored = block.textDirection() == Qt.LayoutDirection.RightToLeft
                left = self.document().size().width() - at - 3 if mirrored else at
                painter.drawRect(QRectF(QPointF(left, box.top() - shift), QPointF(left + 3, box.bottom() - shift)))
            block = block.next()
        painter.end()

    def _chosen_blocks(self) -> list[QTextBlock]:
        cursor = self.textCursor()
        block = self.document().findBlock(cursor.selectionStart())
        last = self.document().findBlock(cursor.selectionEnd()).blockNumber()
        found = []
        while block.isValid() and block.blockNumber() <= last:
            found.append(block)
            block = block.next()
        return found

    def _retheme(self) -> None:
        self.document().setDefaultFont(theme().font(BODY))
        self.document().setDocumentMargin(0)
        start, end = READER_MARGIN_X, READER_MARGIN_X - 10  # the scroll bar takes 10
        mirrored = self.isRightToLeft()
        self.setViewportMargins(end if mirrored else start, 16, start if mirrored else end, 0)
        self._quotes.rehighlight()


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


def _quote_of(block: QTextBlock) -> int:
    return int(block.blockFormat().property(body_text.QUOTE) or 0)


def _requote(cursor: QTextCursor, quote: int) -> None:
    """Only the quote of a line changes."""
    how = cursor.blockFormat()
    how.clearProperty(body_text.QUOTE)
    how.clearProperty(QTextFormat.Property.BlockLeftMargin)
    cursor.setBlockFormat(how)
    if quote:
        cursor.mergeBlockFormat(body_text.block_format(Block(quote=quote)))


def _as_lines(prose: Prose, mode: str) -> Prose:
    return _lines(to_markdown(prose) if mode == MARKDOWN else to_text(prose))


def _lines(text: str) -> Prose:
    """Each line as it stands, also where it begins with ">"."""
    return tuple(Block((Run(line),) if line else ()) for line in text.split("\n"))
