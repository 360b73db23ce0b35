"""The instant view of a body: plain text and simple HTML in a rich-text widget that loads nothing by itself.

Rules of the file: ``loadResource`` is the only door, and behind it stands only what the message itself carries (cid:);
a click on a link is told, never followed here.
"""

from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QBuffer, QByteArray, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QContextMenuEvent, QImage, QTextCursor, QTextDocument, QTextOption
from PySide6.QtWidgets import QMenu, QTextBrowser

from mua.gui import rich_text
from mua.gui.link_bar import offer_copies
from mua.gui.raster import MOST_DOTS, picture
from mua.gui.theme import BODY, theme
from mua.language import tr
from mua.model.message import MessageView

_FOLD = rich_text.FOLD.removesuffix(":")


class TextView(QTextBrowser):
    """Shows ``MessageView.text`` or simple ``MessageView.html``."""

    link_clicked = Signal(str)
    link_hovered = Signal(str)

    def __init__(self, inline: Callable[[str], bytes | None]) -> None:
        super().__init__()
        self._inline = inline
        self._nothing = QImage(1, 1, QImage.Format.Format_ARGB32)
        self._nothing.fill(0)
        self._shown: tuple[MessageView, bool] | None = None
        self._rest: list[str] = []
        self._dots = MOST_DOTS
        self._depth = 0
        """How far to scroll, as soon as the text is that long."""
        self.verticalScrollBar().rangeChanged.connect(lambda *_: self._sink())
        self.verticalScrollBar().actionTriggered.connect(lambda _: self.dive(0))
        self._adding = QTimer(self)
        self._adding.setSingleShot(True)
        self._adding.timeout.connect(self._add)
        self.folded = True
        """What is quoted at the end is one line that opens it."""
        self.setAccessibleName(tr("Message text"))
        self.setOpenLinks(False)
        self.setOpenExternalLinks(False)
        self.setUndoRedoEnabled(False)
        self.document().setDocumentMargin(0)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.anchorClicked.connect(self._clicked)
        self.highlighted.connect(
            lambda url: self.link_hovered.emit("" if url.scheme() == _FOLD else bytes(url.toEncoded().data()).decode())
        )
        theme().changed.connect(self._again)

    def show_view(self, view: MessageView, as_text: bool = False) -> None:
        """Show the body; ``as_text``: its plain text even where there is HTML."""
        if self._shown is None or self._shown[0] is not view:
            self.folded = True
        self._shown = (view, as_text)
        self._depth = 0
        colours = theme().colours
        if view.html and not as_text:
            body = rich_text.simple(view.html, colours, self.folded)
        else:
            body = rich_text.plain(view.text, colours, self.folded)
        self.document().setDefaultFont(theme().font(BODY))
        self.document().setDefaultStyleSheet(rich_text.style(colours, theme().scale))
        self._dots = MOST_DOTS
        first, self._rest = rich_text.pieces(body)
        self.setHtml(first)
        self.verticalScrollBar().setValue(0)
        if self._rest:
            self._adding.start(0)

    def keep(self, before: MessageView, view: MessageView) -> bool:
        """Be about the whole of what is shown by its beginning; False where that has to be shown again."""
        same = before.html == view.html and rich_text.shown(before.text) == rich_text.shown(view.text)
        if same:
            self._shown = (view, False)
        return same

    def _add(self) -> None:
        """A further piece of a long text, while nothing else is to be done."""
        if self._rest:
            cursor = QTextCursor(self.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertBlock()
            cursor.insertHtml(self._rest.pop(0))
        if self._rest:
            self._adding.start(0)

    def dive(self, depth: int) -> None:
        """Scroll this far down (pixels), now or when the text has been laid out so far."""
        self._depth = depth
        self._sink()

    def _sink(self) -> None:
        bar = self.verticalScrollBar()
        if self._depth and bar.maximum() > 0:
            bar.setValue(self._depth)
            if bar.value() >= self._depth:
                self._depth = 0

    def toggle_quotes(self) -> None:
        """Open or close what is quoted; the place in the text stays."""
        if self._shown is not None:
            self.folded = not self.folded
            place = self.verticalScrollBar().value()
            self.show_view(*self._shown)
            self.verticalScrollBar().setValue(place)

    def _clicked(self, url: QUrl) -> None:
        if url.scheme() == _FOLD:
            self.toggle_quotes()
        else:
            self.link_clicked.emit(bytes(url.toEncoded().data()).decode())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """What can be done with the text, and with a link in it."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if self.textCursor().hasSelection():
            menu.addAction(tr("Copy"), self.copy)
        link = self.anchorAt(event.pos())
        if link and not link.startswith(rich_text.FOLD):
            offer_copies(menu, link)
        menu.addAction(tr("Select all"), self.selectAll)
        menu.popup(event.globalPos())

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Images that the message carries; nothing else, ever.

        An image must not come back empty: Qt would then try its name as a file of this computer (or of a file server).
        """
        if kind != QTextDocument.ResourceType.ImageResource.value:
            return QByteArray()
        url = QUrl(name)
        if url.scheme() == "cid":
            return self._picture(self._inline(url.toString().removeprefix("cid:")) or b"")
        if url.scheme() == "data":
            return self._picture(_carried(url.toString(QUrl.ComponentFormattingOption.FullyEncoded)))
        return self._nothing

    def _picture(self, octets: bytes) -> QImage:
        """The picture, made no larger than a screen needs; nothing where all of them have too many dots."""
        buffer = QBuffer()
        buffer.setData(octets)
        buffer.open(QBuffer.OpenModeFlag.ReadOnly)
        found = picture(buffer, self._dots)
        if found is None:
            return self._nothing
        self._dots -= found[1]
        return found[0]

    def _again(self) -> None:
        if self._shown is not None:
            self.show_view(*self._shown)


def _carried(address: str) -> bytes:
    """The octets in a ``data:`` address (RFC 2397); none where it cannot be read."""
    kind, _, data = address.partition(",")
    try:
        octets = unquote_to_bytes(data)
        return b64decode(octets) if kind.endswith(";base64") else octets
    except ValueError:
        return b""
