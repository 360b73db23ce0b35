"""How Markdown will look, beside where it is written.

Rule of the file: it follows a moment after the last key, so that typing waits for nothing.
"""

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtWidgets import QFrame, QTextBrowser

from mua.gui import body_text
from mua.gui.body_editor import BodyEditor
from mua.gui.body_marks import MARKDOWN, RICH, Marks
from mua.gui.sheets import styled
from mua.gui.theme import BODY, theme
from mua.language import tr

_AFTER = 250  # milliseconds


class MarkdownLook(QTextBrowser):
    """The look of what an editor holds."""

    def __init__(self, editor: BodyEditor) -> None:
        super().__init__()
        self._editor = editor
        self.setAccessibleName(tr("How the message will look"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setOpenLinks(False)
        styled(self, "QTextBrowser { background: @list; color: @text; border: none; border-left: 1px solid @line; }")
        self._marks = Marks(self.document(), lambda: RICH)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_AFTER)
        self._soon.timeout.connect(self.refresh)
        editor.textChanged.connect(self._wait)
        theme().changed.connect(self._wait)

    def refresh(self) -> None:
        """Draw it now."""
        if self.isHidden() or self._editor.mode != MARKDOWN:
            return
        place = self.verticalScrollBar().value()
        self.document().setDefaultFont(theme().font(BODY))
        self.document().setDocumentMargin(16)
        body_text.load(self.document(), self._editor.prose())
        self.verticalScrollBar().setValue(place)

    def setVisible(self, visible: bool) -> None:
        super().setVisible(visible)
        if visible:
            self.refresh()

    def loadResource(self, kind: int, name: QUrl) -> object:  # type: ignore[override]
        """The pictures of the letter."""
        return self._editor.loadResource(kind, name)

    def _wait(self) -> None:
        if not self.isHidden():
            self._soon.start()
