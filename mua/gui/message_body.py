"""The body of one message: plain text and simple HTML in ``TextView`` at once, other HTML in the web view.

Rules of the file: each view is made when first needed; whatever goes wrong, never another mail's body is left standing.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget

from mua.gui.theme import BASE, BODY, LIGHT, theme
from mua.gui.widgets import Label
from mua.model.message import MessageView

if TYPE_CHECKING:
    from mua.gui.text_view import TextView
    from mua.gui.web_view import WebView


class Body(QStackedWidget):
    """The body.  ``inline`` gives the bytes of a Content-ID of the message shown."""

    link_clicked = Signal(str)
    link_hovered = Signal(str)

    def __init__(self, inline: Callable[[str], bytes | None]) -> None:
        super().__init__()
        self._inline = inline
        self._shown: tuple[MessageView, bool] | None = None
        self._text: TextView | None = None
        self.web: WebView | None = None
        self._waiting = Label("", BASE, "tertiary")
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.addWidget(self._waiting)
        theme().changed.connect(self._again)

    @property
    def text(self) -> "TextView":
        """The view of plain text and simple HTML."""
        if self._text is None:
            from mua.gui.text_view import TextView

            self._text = TextView(self._inline)
            self._text.link_clicked.connect(self.link_clicked)
            self._text.link_hovered.connect(self.link_hovered)
            self.addWidget(self._text)
        return self._text

    @property
    def is_web(self) -> bool:
        """Whether the web view is what is seen."""
        return self.web is not None and self.currentWidget() is self.web

    def wait(self, text: str = "") -> None:
        """Show no body; say ``text``."""
        self._shown = None
        self._waiting.setText(text)
        self.setCurrentWidget(self._waiting)

    def show_view(self, view: MessageView, as_text: bool = False) -> None:
        """Show the body; ``as_text``: its plain text even where there is HTML."""
        self._shown = (view, as_text)
        if as_text or not needs_web(view) or not self._show_web(view):
            self.text.show_view(view, as_text)
            self.setCurrentWidget(self.text)

    def page_down(self) -> bool:
        """Scroll by a page; False at the end (the web view never says)."""
        if self.web is not None and self.is_web:
            target = self.web.focusProxy() or self.web
            for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                QCoreApplication.postEvent(target, QKeyEvent(kind, Qt.Key.Key_PageDown, Qt.KeyboardModifier.NoModifier))
            return True
        bar = self.text.verticalScrollBar()
        before = bar.value()
        bar.setValue(before + bar.pageStep() * 9 // 10)
        return bar.value() != before

    def close_down(self) -> None:
        """End the web view before its profile."""
        if self.web is not None:
            self.web.close_down()

    # ---- inside
    def _show_web(self, view: MessageView) -> bool:
        """Show HTML in the web view; False where the program runs without one."""
        if self.web is None:
            try:
                from mua.gui.web_view import WebView
            except ImportError:
                return False
            self.web = WebView(self._inline)
            self.web.setAccessibleName("Message text")
            self.web.link_clicked.connect(self.link_clicked)
            self.web.link_hovered.connect(self.link_hovered)
            self.addWidget(self.web)
        from mua.mime.html import SafeHtml, document

        dark_ready = "prefers-color-scheme" in view.html
        font = "'" + self.font().family().replace("'", "") + "', sans-serif"
        page = document(SafeHtml(view.html, simple=False, dark_ready=dark_ready), theme().dark, font=font)
        page = page.replace("</head>", f"<style>{_page_style(dark_ready)}</style></head>", 1)
        self.web.setZoomFactor(theme().scale)
        self.web.show_page(page, theme().colours.reader if theme().dark and dark_ready else "#ffffff")
        self.setCurrentWidget(self.web)
        return True

    def _again(self) -> None:
        if self._shown is not None and self.is_web:
            self.show_view(*self._shown)


def needs_web(view: MessageView) -> bool:
    """Whether only a browser shows this truthfully."""
    from mua.gui import rich_text

    return bool(view.html) and not view.simple and not rich_text.shows(view.html)


def _page_style(dark_ready: bool) -> str:
    """Our part of a page's look: body text like ours, thin scroll bars, the margin that its ground needs."""
    colours = LIGHT if theme().dark and not dark_ready else theme().colours
    margin = "16px" if theme().dark and not dark_ready else "0"
    return (
        f"body{{margin:{margin};font-size:{BODY}px;line-height:1.4}}a{{color:{colours.accent}}}"
        "::-webkit-scrollbar{width:10px;height:10px}::-webkit-scrollbar-button{display:none}"
        f"::-webkit-scrollbar-thumb{{background:{colours.line};border-radius:5px;border:2px solid transparent;"
        "background-clip:content-box}::-webkit-scrollbar-corner{background:transparent}"
    )
