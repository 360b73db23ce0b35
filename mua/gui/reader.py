"""The right pane: who wrote, when, to whom; what was blocked and what is odd; the body; attachments; the answers.

Rules of the file: the real address is always visible; trust marks live only in the header, which a mail cannot draw
into; plain and simple mail goes to ``TextView`` at once, other HTML to the web view, made when first needed.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from mua.gui import words
from mua.gui.notices import Banner, EmptyState
from mua.gui.reader_header import Header
from mua.gui.theme import (
    BASE,
    BODY,
    LIGHT,
    META,
    READER_MARGIN_X,
    READER_MARGIN_Y,
    theme,
)
from mua.gui.widgets import AttachmentCard, Button, Flow, Label
from mua.model.message import Attachment, MessageRow, MessageView
from mua.model.outgoing import Outgoing

if TYPE_CHECKING:
    from mua.gui.text_view import TextView
    from mua.gui.web_view import WebView


NOTHING_CHOSEN = ("mail-open", "No message selected", "Pick a conversation on the left, or press C to write.")


class Reader(QFrame):
    """The pane.  ``inline`` gives the bytes of a Content-ID of the message shown."""

    link_clicked = Signal(str)
    opened = Signal(object)
    """An attachment is to be opened."""
    saved = Signal(object)
    """An attachment is to be saved."""
    all_saved = Signal()
    journey_wanted = Signal()
    """Every step of the message that is shown, for each recipient."""
    junk_wanted = Signal()
    """What is shown is to go to Junk."""
    settled = Signal(bool)
    """The person has read why a wish was refused; True: it is to be tried again."""

    def __init__(self, inline: Callable[[str], bytes | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reader")
        self.setAccessibleName("Message")
        self._inline = inline
        self.row: MessageRow | None = None
        self.view: MessageView | None = None
        self.as_text = False
        self.header = Header()
        self.remote = Banner(tone="warning", icon_name="image-off")
        self.warnings = Banner(tone="danger")
        self.problem = Banner(tone="danger")
        self.journey = Banner()
        self.journey.offer("Details", self.journey_wanted.emit)
        self.backscatter = Banner("This says that mail was not delivered, but it was not sent from here.")
        self.backscatter.offer("Move to Junk", self.junk_wanted.emit)
        self.refusal = Banner(tone="danger")
        self.refusal.offer("Try again", lambda: self.settled.emit(True))
        self.refusal.offer("Dismiss", lambda: self.settled.emit(False))
        self._text: TextView | None = None
        self.web: WebView | None = None
        self.attachments = Flow()
        self.reply = Button("Reply", "reply")
        self.reply_all = Button("Reply all", "reply-all")
        self.forward = Button("Forward", "forward")
        self.empty = EmptyState(
            "mail-open", "No message selected", "Pick a conversation on the left, or press C to write."
        )
        self._waiting = Label("", BASE, "tertiary")
        self._hint = QLabel(self)
        self._hint.setTextFormat(Qt.TextFormat.PlainText)  # a link may look like markup
        self._lay_out()
        theme().changed.connect(self._again)

    @property
    def text(self) -> "TextView":
        """The view of plain text and simple HTML, made when first needed."""
        if self._text is None:
            from mua.gui.text_view import TextView

            self._text = TextView(self._inline)
            self._text.link_clicked.connect(self.link_clicked)
            self._text.link_hovered.connect(self._show_hint)
            self._bodies.addWidget(self._text)
        return self._text

    # ---- showing
    def show_nothing(self, icon: str = "", title: str = "", hint: str = "") -> None:
        """No message; say why."""
        self.row = self.view = None
        if title:
            self.empty.show_state(icon, title, hint)
        self._pages.setCurrentWidget(self.empty)

    def show_message(self, row: MessageRow, view: MessageView | None, mine: frozenset[str] = frozenset()) -> None:
        """Show a message; without a view its header, while the body is fetched."""
        again = self.row is not None and self.row.id == row.id and self.view == view
        self.row, self._mine = row, mine
        self._pages.setCurrentWidget(self._page)
        self.header.show_message(row, view, mine)
        self.refusal.say(f"The last change was not made. {words.shown(row.problem, 500)}", "danger")
        self.refusal.setVisible(bool(row.problem))
        if again:
            return
        self.view = view
        self.as_text = False
        self._waiting.setText("")
        self._bodies.setCurrentWidget(self._waiting)  # whatever happens, never another mail's body under this header
        self.problem.hide()
        self._show_bars()
        self._show_attachments()
        self._show_body()

    def show_problem(self, text: str) -> None:
        """Say why the body is not here."""
        self.problem.say(text, "danger")
        self.problem.show()
        self._waiting.setText("")

    def show_journey(self, message: Outgoing | None) -> None:
        """What became of a message that was sent from here; None: it was not."""
        self.journey.setVisible(message is not None)
        if message is not None:
            from mua.gui import outbox_words as said

            now = time.time()
            icon, role, _ = said.headline(message, now)
            tone = {"on_danger": "danger", "on_warning": "warning"}.get(role, "info")
            self.journey.say(said.journey(message, now), tone, icon)

    def toggle_text(self) -> None:
        """Plain text instead of HTML, and back."""
        if self.view is not None and self.view.html:
            self.as_text = not self.as_text
            self._show_body()

    def page_down(self) -> bool:
        """Scroll the body by a page; False at the end (the web view never says)."""
        if self.web is not None and self._bodies.currentWidget() is self.web:
            target = self.web.focusProxy() or self.web
            for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                QCoreApplication.postEvent(target, QKeyEvent(kind, Qt.Key.Key_PageDown, Qt.KeyboardModifier.NoModifier))
            return True
        bar = self.text.verticalScrollBar()
        before = bar.value()
        bar.setValue(before + bar.pageStep() * 9 // 10)
        return bar.value() != before

    # ---- inside
    def _lay_out(self) -> None:
        self._bodies = QStackedWidget()
        self._waiting.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._bodies.addWidget(self._waiting)
        self._files = QWidget()
        files = QHBoxLayout(self._files)
        files.setContentsMargins(0, 0, 0, 0)
        files.addWidget(self.attachments, 1)
        answers = QHBoxLayout()
        answers.setSpacing(8)
        for button in (self.reply, self.reply_all, self.forward):
            answers.addWidget(button)
        answers.addStretch()
        self._page = QWidget()
        column = QVBoxLayout(self._page)
        column.setContentsMargins(READER_MARGIN_X, READER_MARGIN_Y, READER_MARGIN_X, 20)
        column.setSpacing(14)
        column.addWidget(self.header)
        for banner in (self.refusal, self.problem, self.journey, self.backscatter, self.warnings, self.remote):
            banner.hide()
            column.addWidget(banner)
        column.addWidget(self._bodies, 1)
        column.addWidget(self._files)
        column.addLayout(answers)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self._page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._pages)
        self._hint.setProperty("kind", "hint")
        self._hint.hide()

    def _show_bars(self) -> None:
        view = self.view
        remote = view.remote if view is not None else 0
        self.remote.say(
            words.count(remote, "remote picture was", "remote pictures were") + " not loaded, to protect your privacy.",
            "warning",
            "image-off",
        )
        self.remote.setVisible(remote > 0)
        warnings = view.warnings if view is not None else ()
        self.warnings.say(" ".join(words.shown(one, 300) for one in warnings[:5]), "danger")
        self.warnings.setVisible(bool(warnings))

    def _show_attachments(self) -> None:
        view = self.view
        listed = [one for one in view.attachments if not one.inline] if view is not None else []
        parts: list[QWidget] = [self._card(one) for one in listed[:200]]
        if len(parts) > 1:
            save = Button("Save all", "download")
            save.clicked.connect(self.all_saved)
            parts.append(save)
        self.attachments.fill(parts)
        self._files.setVisible(bool(parts))

    def _card(self, attachment: Attachment) -> AttachmentCard:
        card = AttachmentCard(attachment.name, attachment.type, attachment.size)
        card.opened.connect(lambda: self.opened.emit(attachment))
        card.saved.connect(lambda: self.saved.emit(attachment))
        return card

    def _show_body(self) -> None:
        view = self.view
        if view is None:
            self._waiting.setText("Fetching this message…")
            self._bodies.setCurrentWidget(self._waiting)
        elif not self.as_text and _needs_web(view) and self._show_web(view):
            pass
        else:
            self.text.show_view(view, self.as_text)
            self._bodies.setCurrentWidget(self.text)

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
            self.web.link_hovered.connect(self._show_hint)
            self._bodies.addWidget(self.web)
        from mua.mime.html import SafeHtml, document

        dark_ready = "prefers-color-scheme" in view.html
        font = "'" + self.font().family().replace("'", "") + "', sans-serif"
        page = document(SafeHtml(view.html, simple=False, dark_ready=dark_ready), theme().dark, font=font)
        page = page.replace("</head>", f"<style>{_page_style(dark_ready)}</style></head>", 1)
        self.web.setZoomFactor(theme().scale)
        self.web.show_page(page, theme().colours.reader if theme().dark and dark_ready else "#ffffff")
        self._bodies.setCurrentWidget(self.web)
        return True

    def _again(self) -> None:
        if self.view is not None and self._bodies.currentWidget() is self.web:
            self._show_body()

    def _show_hint(self, link: str) -> None:
        """Where a link really leads, at the bottom, drawn by us."""
        self._hint.setVisible(bool(link))
        self._hint.setText(words.shown(link, 160))
        self._hint.setFont(theme().font(META))
        self._hint.adjustSize()
        self._hint.move(8, self.height() - self._hint.height() - 8)
        self._hint.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._hint.hide()
        super().resizeEvent(event)


def _needs_web(view: MessageView) -> bool:
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
