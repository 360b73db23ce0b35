"""A message as a PDF: what is previewed, printed and saved; HTML as it looks, without a network.

Rule of the file: a page comes from the same web view, with the same walls, as the one on the screen; nothing that it
wanted from elsewhere is fetched for paper.
"""

import re
from collections.abc import Callable
from html import escape

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QObject, QTimer
from PySide6.QtGui import QPageLayout, QPageSize, QPdfWriter
from shiboken6 import isValid

from mua.gui.look import Look
from mua.gui.message_body import needs_web
from mua.gui.printing import document, facts
from mua.gui.theme import Theme
from mua.model.message import MessageView

_LAYOUT = QPageLayout(
    QPageSize(QPageSize.PageSizeId.A4),
    QPageLayout.Orientation.Portrait,
    QMarginsF(14, 14, 14, 14),
    QPageLayout.Unit.Millimeter,
)
_BODY = re.compile(r"<body\b[^>]*>")
_PATIENCE = 20_000  # milliseconds of a page that does not load


class Paper(QObject):
    """Makes one PDF.  ``inline`` gives what the message carries; ``images``: allowed pictures are on paper, too."""

    def __init__(self, view: MessageView, inline: Callable[[str], bytes | None], images: bool, parent: QObject) -> None:
        super().__init__(parent)
        self._view, self._inline, self._images = view, inline, images
        self._then: Callable[[bytes], object] | None = None

    def make(self, then: Callable[[bytes], object]) -> None:
        """Tell ``then`` the PDF, once; empty: it could not be made."""
        self._then = then
        if not needs_web(self._view):
            self._finish(self._written())
            return
        try:
            from mua.gui.web_view import WebView
        except ImportError:
            self._finish(self._written())
            return
        from mua.gui.web_page import page_of

        self._web = WebView(self._inline)
        self._web.loadFinished.connect(self._loaded)
        light = Theme()
        page = page_of(self._view, light, Look(unfolded=True, images=self._images), "sans-serif")
        html = _BODY.sub(lambda match: match[0] + _head(self._view), page.html, count=1)
        self._web.show_page(html, images=self._images)
        QTimer.singleShot(_PATIENCE, self, lambda: self._finish(b""))

    def _loaded(self, _: bool) -> None:
        self._web.page().printToPdf(lambda data: self._finish(bytes(data.data())), _LAYOUT)

    def _written(self) -> bytes:
        """What is simple, by Qt's own writer."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        writer = QPdfWriter(buffer)
        writer.setResolution(96)
        writer.setPageLayout(_LAYOUT)
        paper = document(self._view)
        paper.setDocumentMargin(0)
        paper.setPageSize(writer.pageLayout().paintRectPixels(96).size().toSizeF())
        paper.print_(writer)
        buffer.close()
        return bytes(data.data())

    def _finish(self, data: bytes) -> None:
        then, self._then = self._then, None
        if then is None or not isValid(self):
            return
        then(data)
        QTimer.singleShot(0, self, self._end)

    def _end(self) -> None:
        if hasattr(self, "_web"):
            self._web.close_down()
            self._web.deleteLater()
            del self._web
        self.deleteLater()


def _head(view: MessageView) -> str:
    lines = "<br>".join(f"<b>{name}:</b> {escape(value)}" for name, value in facts(view))
    return (
        '<div style="all:initial;display:block;font:12px sans-serif;color:#000;margin:0 0 14px;padding:0 0 10px;'
        f'border-bottom:1px solid #999"><div style="font:bold 18px sans-serif;margin-bottom:6px">'
        f"{escape(view.subject)}</div>{lines}</div>"
    )
