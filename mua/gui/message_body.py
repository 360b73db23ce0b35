"""The body of one message: plain text and simple HTML in ``TextView`` at once, other HTML in the web view.

Rules of the file: each view is made when first needed; whatever goes wrong, never another mail's body is left standing.

A ``tall`` body is as high as what it shows, for a pane that scrolls as a whole.  It makes its web view only when it is
told to ``wake`` (it is in sight), and lets go of it when told to ``sleep``: each holds a process of the browser.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPointF, QSizeF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget

from mua.gui.look import Look
from mua.gui.theme import BASE, theme
from mua.gui.widgets import Label
from mua.language import tr
from mua.model.message import MessageView

if TYPE_CHECKING:
    from mua.gui.text_view import TextView
    from mua.gui.web_page import Page
    from mua.gui.web_view import WebView

_ASLEEP = 240  # pixels of a page that was not laid out yet
_LONG, _LONG_HEIGHT = 60_000, 640  # characters of a text that scrolls by itself, pixels it gets
_HIGHEST, _HIGHEST_WEB = 200_000, 8_000  # pixels; a web view has a picture of itself as large as it is
_LEAST = 40
_GROWTHS = 6


class Body(QStackedWidget):
    """The body.  ``inline`` gives the bytes of a Content-ID of the message shown."""

    link_clicked = Signal(str)
    link_hovered = Signal(str)
    died = Signal()
    """The browser's process ended under the page: its text is shown instead."""
    loaded = Signal()
    """A page is there, laid out."""
    wheeled = Signal(object)
    """A turn of the wheel that a tall web view has no use for."""

    def __init__(self, inline: Callable[[str], bytes | None], tall: bool = False) -> None:
        super().__init__()
        self._inline = inline
        self._tall, self._awake = tall, not tall
        self._growths = 0
        self._shown: tuple[MessageView, bool] | None = None
        self._page: Page | None = None
        self._words: tuple[str, ...] = ()
        self.look = Look()
        self._text: TextView | None = None
        self.web: WebView | None = None
        self._waiting = Label("", BASE, "tertiary")
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._waiting.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
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
            if self._tall:
                self._text.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
                self._text.document().documentLayout().documentSizeChanged.connect(lambda _: self._fit_text())
            self.addWidget(self._text)
        return self._text

    def shown_text(self) -> str:
        """The whole text of what is shown, what is folded away included."""
        return "" if self._shown is None else self._shown[0].text

    def chosen_text(self) -> str:
        """The words that are selected, with their line ends; empty: none."""
        if self.is_web and self.web is not None:
            return self.web.selectedText().strip()
        if self._text is not None and self.currentWidget() is self._text:
            return self._text.textCursor().selection().toPlainText().strip()
        return ""

    @property
    def is_web(self) -> bool:
        """Whether the web view is what is seen."""
        return self.web is not None and self.currentWidget() is self.web

    @property
    def is_folded(self) -> bool:
        """Whether a text hides what it repeats of earlier messages."""
        return self._text is not None and self.currentWidget() is self._text and self._text.folded

    @property
    def asleep(self) -> bool:
        """Whether a web view is needed, and is not there because nobody sees this."""
        return not self._awake and self._shown is not None and self._wants_web(*self._shown)

    def wait(self, text: str = "") -> None:
        """Show no body; say ``text``."""
        self._shown = None
        self._growths = 0
        self._say(text)
        if self._tall:
            self.setFixedHeight(self._waiting.sizeHint().height() if text else 0)

    def wake(self) -> None:
        """Be seen: make the web view that was put off."""
        asleep, self._awake = self.asleep, True
        if asleep and self._shown is not None:
            self.show_view(*self._shown)

    def sleep(self) -> None:
        """Let go of the web view; the height stays."""
        self._awake = not self._tall
        if self.web is not None and self._tall:
            if self.is_web:
                self._say("")
            self.web.close_down()
            self.removeWidget(self.web)
            self.web.deleteLater()
            self.web = None

    def show_view(self, view: MessageView, as_text: bool = False, *, begun: bool = False) -> None:
        """Show the body; ``as_text``: its plain text even where there is HTML.

        ``begun``: the view is that of its beginning only; ``show_rest`` gets the whole.
        """
        if self._shown is None or self._shown[0] is not view:
            self.look = Look(begun=begun)
        self._shown = (view, as_text)
        if self.asleep:
            self._say("")
            self.setFixedHeight(max(self.height(), _ASLEEP))
            return
        if not self._wants_web(view, as_text) or not self._show_web(view):
            self.text.show_view(view, as_text)
            self.setCurrentWidget(self.text)
            self._fit_text()
        if self._words:
            self._mark()

    def show_rest(self, view: MessageView) -> None:
        """The whole view of what is shown by its beginning: nothing moves where that looks as it did."""
        self.look = replace(self.look, begun=False)
        before, self._shown = self._shown, (view, False)
        if before is not None and self._looks_as(before[0], view):
            return
        place = self.web.page().scrollPosition() if self.web is not None and self.is_web else QPointF()
        row = self._text.verticalScrollBar().value() if self._text is not None else 0
        self.show_view(view)
        if self.web is not None and self.is_web:
            if not place.isNull():
                self.web.scroll_to(place)
        elif self._text is not None:
            self._text.verticalScrollBar().setValue(row)

    def _looks_as(self, before: MessageView, view: MessageView) -> bool:
        """Whether the beginning that is shown is that of the whole; pictures that the message carries come with it."""
        if self.asleep:
            return True
        if 'src="cid:' in view.html.lower():
            return False
        if self.is_web:
            return self._wants_web(view, False) and self._page_of(view) == self._page
        return not self._wants_web(view, False) and self._text is not None and self._text.keep(before, view)

    def mark_words(self, words: tuple[str, ...]) -> None:
        """Mark the words that were searched, in this message and in what is shown after it; none: no marks."""
        if words != self._words:
            self._words = words
            if self._shown is not None and not self.asleep:
                self._mark()

    def toggle_original(self) -> bool:
        """In a dark window: the message as its author made it, or adapted to the dark; False where all is one."""
        if self._shown is None or not self._shown[0].html or self._shown[1] or not theme().dark:
            return False
        self.look = replace(self.look, flipped=not self.look.flipped)
        self.show_view(*self._shown)
        return True

    def show_images(self, shown: bool) -> None:
        """Show the page with its pictures from elsewhere, as far as they are here, or without."""
        if self._shown is not None and self.look.images != shown:
            self.look = replace(self.look, images=shown)
            if self.is_web:
                self.show_view(*self._shown)

    def show_whole(self) -> None:
        """Lay out a very long page to its end."""
        if self._shown is not None:
            self.look = replace(self.look, whole=True)
            self.show_view(*self._shown)

    @property
    def is_cut(self) -> bool:
        """Whether only the beginning of a very long page is shown."""
        if self._shown is None or not self.is_web:
            return False
        from mua.gui.web_page import is_cut

        return is_cut(self._shown[0], self.look)

    def toggle_quotes(self) -> None:
        """Open or close what the message repeats of earlier ones."""
        if self._shown is None:
            return
        self.look = replace(self.look, unfolded=not self.look.unfolded)
        if self.web is not None and self.is_web:
            self._growths = 0
            self.web.unfold(self.look.unfolded)
        elif not self.asleep:
            self.text.toggle_quotes()

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

    def take_keyboard(self) -> None:
        """Have the keyboard on what is shown: a hidden view would pass it on to some button."""
        if (shown := self.currentWidget()) is not None:
            shown.setFocus()

    def depth(self) -> int:
        """How far down one has scrolled in it, in pixels of the screen."""
        if self.web is not None and self.is_web:
            return self.web.depth()
        shown = self._text is not None and self.currentWidget() is self._text
        return self.text.verticalScrollBar().value() if shown else 0

    def dive(self, depth: int) -> None:
        """Scroll this far down, as soon as what is shown is laid out."""
        if self.web is not None and self.is_web:
            self.web.scroll_to(QPointF(0, depth))
        elif self._text is not None:
            self._text.dive(depth)

    def close_down(self) -> None:
        """End the web view before its profile."""
        if self.web is not None:
            self.web.close_down()

    # ---- inside
    def _mark(self) -> None:
        from mua.gui.search_marks import mark

        mark(self, self._words)

    def _page_loaded(self) -> None:
        if self._words:
            self._mark()
        self.loaded.emit()

    def _say(self, text: str) -> None:
        self._waiting.setText(text)
        self.setCurrentWidget(self._waiting)

    def _fit_text(self) -> None:
        """Be as high as the text; a very long one, whose height takes long to find, scrolls by itself."""
        if not self._tall or self._text is None or self.currentWidget() is not self._text:
            return
        bar = self._text.horizontalScrollBar()
        if self._text.document().characterCount() > _LONG:
            self._text.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
            self.setFixedHeight(_LONG_HEIGHT)
        else:
            height = self._text.document().size().height() + (bar.height() if bar.maximum() > 0 else 0)
            self.setFixedHeight(min(_HIGHEST, round(height) + 2))

    def _fit_web(self, size: QSizeF) -> None:
        """Be as high as the page: a few times only, for a page may grow with its window."""
        if self._tall and self.is_web and self._growths < _GROWTHS:
            self._growths += 1
            self.setFixedHeight(min(_HIGHEST_WEB, max(_LEAST, round(size.height() * theme().scale))))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The wheel over a tall page turns the whole."""
        if event.type() == QEvent.Type.Wheel and self.height() < _HIGHEST_WEB:
            self.wheeled.emit(event)
            return True
        return super().eventFilter(watched, event)

    def warm(self) -> None:
        """Make the web view before it is needed, and put it nowhere yet."""
        if not self._tall and self._have_web() and self.web is not None:
            self.web.warm()

    def _have_web(self) -> bool:
        """Make the web view if there is none; False where the program runs without one."""
        if self.web is None:
            try:
                from mua.gui.web_view import WebView
            except ImportError:
                return False
            self.web = self._make_web(WebView(self._inline))
        return True

    def _lost(self) -> None:
        """Let go of the view whose process ended; the next page gets another."""
        lost, self.web = self.web, None
        if lost is None:
            return
        if self._shown is not None and self.currentWidget() is lost:
            view = self._shown[0]
            self._shown = (view, True)
            self.text.show_view(view, True)
            self.setCurrentWidget(self.text)
            self._fit_text()
            self.died.emit()
        self.removeWidget(lost)
        QTimer.singleShot(0, lost, lost.end)

    def _wants_web(self, view: MessageView, as_text: bool) -> bool:
        return bool(view.html) and not as_text and (self.look.flipped or needs_web(view))

    def _make_web(self, made: "WebView") -> "WebView":
        made.setAccessibleName(tr("Message text"))
        made.link_clicked.connect(self.link_clicked)
        made.link_hovered.connect(self.link_hovered)
        made.loadFinished.connect(self._page_loaded)
        made.page().renderProcessTerminated.connect(self._lost)
        if self._tall:
            made.page().contentsSizeChanged.connect(self._fit_web)
        return made

    def _show_web(self, view: MessageView) -> bool:
        """Show HTML in the web view; False where the program runs without one."""
        if not self._have_web() or self.web is None:
            return False
        if self.indexOf(self.web) < 0:
            self.addWidget(self.web)
        page = self._page = self._page_of(view)
        if self._tall and not self._growths:
            self.setFixedHeight(_LEAST)  # a page is never said to be lower than its window
        self._growths = 0
        self.web.setZoomFactor(theme().scale)
        self.web.show_page(page.html, page.ground, adapted=page.adapted, images=self.look.images)
        self.setCurrentWidget(self.web)
        target = self.web.focusProxy()
        if self._tall and target is not None:
            target.removeEventFilter(self)
            target.installEventFilter(self)
        return True

    def _page_of(self, view: MessageView) -> "Page":
        from mua.gui.web_page import page_of

        return page_of(view, theme(), self.look, self.font().family())

    def _again(self) -> None:
        if self._shown is not None and self.is_web:
            self.show_view(*self._shown)


def needs_web(view: MessageView) -> bool:
    """Whether only a browser shows this truthfully."""
    from mua.gui import rich_text

    return bool(view.html) and not view.simple and not rich_text.shows(view.html)
