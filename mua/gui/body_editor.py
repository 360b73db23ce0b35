"""Where the text is written: an editor that keeps to a few formats, and the buttons for them.

Rules of the file: what is pasted comes as words (a picture or files come as attachments), so that no foreign style and
no remote load gets into a mail; a key for everything; the reply's quote is dimmed, never locked.
"""

import re
from collections.abc import Callable

from PySide6.QtCore import QEvent, QMimeData, Qt, QUrl, Signal
from PySide6.QtGui import (
    QAction,
    QDragEnterEvent,
    QDropEvent,
    QFont,
    QImage,
    QKeyEvent,
    QKeySequence,
    QSyntaxHighlighter,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextListFormat,
    QTextOption,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QTextEdit, QWidget

from mua.gui import body_text
from mua.gui.sheets import styled
from mua.gui.theme import BODY, READER_MARGIN_X, theme
from mua.gui.widgets import Button, Field, ToolButton

_WEB = re.compile(r"^(https?://|mailto:)", re.IGNORECASE)


class _Quotes(QSyntaxHighlighter):
    """Dims lines that are quoted, and the signature."""

    def highlightBlock(self, text: str) -> None:
        if text.startswith(">"):
            dim = QTextCharFormat()
            dim.setForeground(theme().colour("secondary"))
            self.setFormat(0, len(text), dim)


class BodyEditor(QTextEdit):
    """The editor."""

    files_dropped = Signal(list)
    """Paths of files that were dropped or pasted."""
    picture_pasted = Signal(QImage)

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
        self._quotes = _Quotes(self.document())
        theme().changed.connect(self._retheme)
        self._retheme()

    def is_formatted(self) -> bool:
        """Whether HTML is sent too."""
        return body_text.is_formatted(self.document())

    def show_text(self, text: str) -> None:
        """Plain text, the cursor at its beginning."""
        self.setPlainText(text)
        self.moveCursor(QTextCursor.MoveOperation.Start)

    def show_html(self, html: str) -> None:
        """HTML reduced to our few formats."""
        body_text.load_html(self.document(), html)
        self.moveCursor(QTextCursor.MoveOperation.Start)

    # ---- formats
    def toggle_bold(self) -> None:
        """Bold, or not."""
        bold = self.fontWeight() >= QFont.Weight.DemiBold
        self.setFontWeight(QFont.Weight.Normal if bold else QFont.Weight.Bold)

    def toggle_italic(self) -> None:
        """Italic, or not."""
        self.setFontItalic(not self.fontItalic())

    def toggle_list(self, style: QTextListFormat.Style) -> None:
        """The selected paragraphs as a list of this kind, or as paragraphs again."""
        cursor = self.textCursor()
        found = body_text.list_of(cursor)
        cursor.beginEditBlock()
        if found is not None and found.format().style() == style:
            for block in self._chosen_blocks():
                found.remove(block)
                QTextCursor(block).setBlockFormat(QTextBlockFormat())
        else:
            cursor.createList(style)
        cursor.endEditBlock()

    def toggle_quote(self) -> None:
        """Put "> " before the selected paragraphs, or take it away."""
        chosen = self._chosen_blocks()
        quoted = all(block.text().startswith(">") for block in chosen)
        whole = self.textCursor()
        whole.beginEditBlock()
        for block in chosen:
            cursor = QTextCursor(block)
            if quoted:
                for _ in range(2 if block.text().startswith("> ") else 1):
                    cursor.deleteChar()
            else:
                cursor.insertText("> " if not block.text().startswith(">") else ">", QTextCharFormat())
        whole.endEditBlock()

    def link(self, target: str) -> None:
        """Make the selection (or the address itself) a link; only web and mail addresses."""
        target = target.strip()
        if not target:
            return
        if not _WEB.match(target):
            target = ("mailto:" if "@" in target and "/" not in target else "https://") + target
        cursor, how = self.textCursor(), QTextCharFormat()
        body_text.link_format(how, target)
        text = cursor.selectedText() or target.removeprefix("mailto:")
        cursor.insertText(text, how)
        cursor.insertText(" ", QTextCharFormat())
        self.setTextCursor(cursor)
        self.setCurrentCharFormat(QTextCharFormat())

    # ---- events
    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText() or source.hasUrls() or source.hasImage()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Files and pictures are attached; everything else comes as words."""
        files = [url.toLocalFile() for url in source.urls() if url.isLocalFile()]
        if files:
            self.files_dropped.emit(files)
        elif source.hasImage() and not source.hasText():
            self.picture_pasted.emit(QImage(source.imageData()))
        else:
            self.insertPlainText(source.text())

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
        """Enter on an empty list item ends the list; inside a quote it opens room to answer."""
        cursor = self.textCursor()
        if event.key() == Qt.Key.Key_Return and not event.modifiers() and not cursor.hasSelection():
            found, line = body_text.list_of(cursor), cursor.block().text()
            if found is not None and not line.strip():
                found.remove(cursor.block())
                cursor.setBlockFormat(QTextBlockFormat())
                return
            if line.startswith(">") and cursor.positionInBlock() > 1:
                self._split_quote(cursor)
                return
        super().keyPressEvent(event)

    def loadResource(self, kind: int, name: QUrl) -> None:  # type: ignore[override]
        """Nothing is ever loaded."""

    # ---- inside
    def _split_quote(self, cursor: QTextCursor) -> None:
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


class FormatBar(QWidget):
    """Bold, italic, lists, quote, link."""

    link_wanted = Signal()

    def __init__(self, editor: BodyEditor) -> None:
        super().__init__()
        self._editor = editor
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        bullets, numbers = QTextListFormat.Style.ListDisc, QTextListFormat.Style.ListDecimal
        self._bold = self._add(row, "bold", "Bold", "Ctrl+B", editor.toggle_bold, True)
        self._italic = self._add(row, "italic", "Italic", "Ctrl+I", editor.toggle_italic, True)
        self._add(row, "list", "List", "Ctrl+Shift+8", lambda: editor.toggle_list(bullets))
        self._add(row, "list-ordered", "Numbered list", "Ctrl+Shift+7", lambda: editor.toggle_list(numbers))
        self._add(row, "quote", "Quote", "Ctrl+Shift+9", editor.toggle_quote)
        self._add(row, "link", "Link", "Ctrl+K", self.link_wanted.emit)
        editor.currentCharFormatChanged.connect(self._follow)

    def _add(
        self, row: QHBoxLayout, icon: str, name: str, key: str, act: Callable[[], object], checkable: bool = False
    ) -> ToolButton:
        button = ToolButton(icon, name, key=key)
        button.setCheckable(checkable)
        action = QAction(name, self._editor)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self._editor.addAction(action)
        action.triggered.connect(lambda _=False: act())
        button.clicked.connect(lambda _=False: (act(), self._editor.setFocus()))
        row.addWidget(button)
        return button

    def _follow(self, how: QTextCharFormat) -> None:
        self._bold.setChecked(how.fontWeight() >= QFont.Weight.DemiBold)
        self._italic.setChecked(how.fontItalic())


class LinkBar(QFrame):
    """Asks for a link's address in place; Enter makes it, Escape leaves."""

    entered = Signal(str)
    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.field = Field("Link address", "Link address, for example example.org/plan")
        button = Button("Make link", kind="")
        row = QHBoxLayout(self)
        row.setContentsMargins(READER_MARGIN_X, 8, READER_MARGIN_X, 0)
        row.addWidget(self.field, 1)
        row.addWidget(button)
        self.field.returnPressed.connect(self._enter)
        button.clicked.connect(self._enter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.field.clear()
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def _enter(self) -> None:
        text = self.field.text()
        self.field.clear()
        self.entered.emit(text)
