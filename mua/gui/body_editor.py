"""Where the text is written, in one of three ways: rich text, Markdown, plain text; switched at any time.

Rules of the file: what is pasted keeps what it means (``mime.prose_html``) and nothing else, so that no foreign style
and no remote load gets into a mail; switching is one step to undo; the reply's quote is dimmed, never locked.
"""

import re
from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, Qt, Signal
from PySide6.QtGui import (
    QDragEnterEvent,
    QDropEvent,
    QFont,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextListFormat,
)

from mua.gui import body_text
from mua.gui.body_marks import MARKDOWN, PLAIN, RICH, emoji
from mua.gui.body_pictures import PictureSizes
from mua.gui.body_view import BodyView, as_lines, quote_of, requote
from mua.mime.markdown import to_markdown
from mua.mime.prose_html import from_html, to_html
from mua.mime.prose_text import from_text, to_text
from mua.model.prose import Block, Image, Kind, Prose, Run, is_formatted

MAX_PASTED = 5_000_000  # characters
_WEB = re.compile(r"^(https?://|mailto:)", re.IGNORECASE)


class BodyEditor(BodyView):
    """The editor."""

    files_dropped = Signal(list)
    """Paths of files that were dropped or pasted."""
    picture_pasted = Signal(QImage)

    def __init__(self) -> None:
        super().__init__()
        self.pictures = PictureSizes(self)
        self.expand: Callable[[], bool] = lambda: False
        """Put something in the place of the word before the cursor, where it stands for that."""

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
                QTextCursor(block).setBlockFormat(body_text.block_format(Block(quote=quote_of(block))))
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
        quoted = all(quote_of(block) or block.text().startswith(">") for block in chosen)
        whole = self.textCursor()
        whole.beginEditBlock()
        for block in chosen:
            cursor = QTextCursor(block)
            if block.text().startswith(">"):  # typed as in plain text: from here on it is one like the others
                typed = from_text(block.text())[0]
                cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.insertText(typed.text)
                requote(cursor, typed.quote)
            requote(cursor, max(0, quote_of(block) + (-1 if quoted else 1)))
        whole.endEditBlock()
        self.marks.rehighlight()

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
        """An empty table where the cursor is, which goes into its first cell."""
        self.insert_prose((Block(kind=Kind.TABLE, rows=tuple(tuple(() for _ in range(columns)) for _ in range(rows))),))
        cursor = self.textCursor()
        cursor.movePosition(QTextCursor.MoveOperation.PreviousBlock)
        if (table := body_text.table_of(cursor)) is not None:
            self.setTextCursor(table.cellAt(0, 0).firstCursorPosition())

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
            cursor.insertText("\n".join(one.text for one in as_lines(prose, self.mode)))
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

    def event(self, event: QEvent) -> bool:
        """Tab expands a word, goes on in a table, moves list items; it leaves the text where it does none of these."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and self._tab(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter on an empty list item ends the list; inside a quote it opens room to answer."""
        cursor = self.textCursor()
        key = event.key()
        if key == Qt.Key.Key_Return and not event.modifiers() and not cursor.hasSelection() and self._entered(cursor):
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

    # ---- inside
    def _entered(self, cursor: QTextCursor) -> bool:
        found, line = body_text.list_of(cursor), cursor.block().text()
        if found is not None and not line.strip():
            found.remove(cursor.block())
            cursor.setBlockFormat(body_text.block_format(Block(quote=quote_of(cursor.block()))))
            return True
        quote = quote_of(cursor.block())
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

    def _tab(self, event: QKeyEvent) -> bool:
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            return False
        if event.key() == Qt.Key.Key_Tab and self.expand():
            return True
        back = event.key() == Qt.Key.Key_Backtab
        return (back or event.key() == Qt.Key.Key_Tab) and self._tabbed(-1 if back else 1)

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
                cursor.setBlockFormat(body_text.block_format(Block(quote=quote_of(cursor.block()))))
            return True
        if quote := quote_of(cursor.block()):
            requote(cursor, quote - 1)
            self.marks.rehighlightBlock(cursor.block())
            return True
        return False

    def _emoji(self) -> None:
        cursor = self.textCursor()
        typed, made = emoji(body_text.before(cursor))
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
            made = Block(kind=like.kind, level=like.level, quote=quote_of(block))
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
        if not quote_of(cursor.block()):
            rest = cursor.block().text()[len(body_text.before(cursor)) :].strip()
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

    def _chosen_blocks(self) -> list[QTextBlock]:
        cursor = self.textCursor()
        block = self.document().findBlock(cursor.selectionStart())
        last = self.document().findBlock(cursor.selectionEnd()).blockNumber()
        found = []
        while block.isValid() and block.blockNumber() <= last:
            found.append(block)
            block = block.next()
        return found
