"""The right pane: the message that is read, or why there is none.

Rule of the file: layout and passing on; what a message looks like is in ``message_pane``.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QStackedWidget, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.message_pane import Inline, MessagePane
from mua.gui.notices import EmptyState
from mua.gui.theme import META, READER_MARGIN_X, READER_MARGIN_Y, theme
from mua.model.message import MessageRow, MessageView
from mua.model.outgoing import Outgoing

if TYPE_CHECKING:
    from mua.gui.reader_header import Header
    from mua.gui.text_view import TextView
    from mua.gui.web_view import WebView

_PASSED = (
    "link_clicked",
    "opened",
    "saved",
    "all_saved",
    "journey_wanted",
    "junk_wanted",
    "settled",
    "answered",
    "starred",
)
NOTHING_CHOSEN = ("mail-open", "No message selected", "Pick a conversation on the left, or press C to write.")


class Reader(QFrame):
    """The pane.  ``inline`` gives the bytes of a Content-ID of a message.

    Whatever a signal asks for is meant for ``row``.
    """

    link_clicked = Signal(str)
    opened = Signal(object)
    """An attachment is to be opened."""
    saved = Signal(object)
    """An attachment is to be saved."""
    all_saved = Signal()
    journey_wanted = Signal()
    junk_wanted = Signal()
    settled = Signal(bool)
    answered = Signal(object)
    """A ``Kind``: the message is to be answered or forwarded."""
    starred = Signal()

    def __init__(self, inline: Inline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reader")
        self.setAccessibleName("Message")
        self.pane = MessagePane(inline)
        self._serve(self.pane)
        self.empty = EmptyState(*NOTHING_CHOSEN)
        self._hint = QLabel(self)
        self._hint.setTextFormat(Qt.TextFormat.PlainText)  # a link may look like markup
        self._lay_out()

    @property
    def row(self) -> MessageRow | None:
        """The message that is read."""
        return self.pane.row

    @property
    def view(self) -> MessageView | None:
        """What is shown of it, once that is here."""
        return self.pane.view

    @property
    def header(self) -> "Header":
        """Its header."""
        return self.pane.header

    @property
    def text(self) -> "TextView":
        """Its view of plain text and simple HTML."""
        return self.pane.body.text

    @property
    def web(self) -> "WebView | None":
        """Its view of other HTML, once one was needed."""
        return self.pane.body.web

    # ---- showing
    def show_nothing(self, icon: str = "", title: str = "", hint: str = "") -> None:
        """No message; say why."""
        self.pane.forget()
        if title:
            self.empty.show_state(icon, title, hint)
        self._pages.setCurrentWidget(self.empty)

    def show_message(self, row: MessageRow, view: MessageView | None, mine: frozenset[str] = frozenset()) -> None:
        """Show a message; without a view its header, while the body is fetched."""
        self._pages.setCurrentWidget(self._page)
        self.pane.show_message(row, view, mine)

    def show_problem(self, text: str) -> None:
        """Say why the body is not here."""
        self.pane.show_problem(text)

    def show_journey(self, message: Outgoing | None) -> None:
        """What became of a message that was sent from here; None: it was not."""
        self.pane.show_journey(message)

    def toggle_text(self) -> None:
        """Plain text instead of HTML, and back."""
        self.pane.toggle_text()

    def page_down(self) -> bool:
        """Scroll the body by a page; False at the end."""
        return self.pane.body.page_down()

    def close_down(self) -> None:
        """Before the program ends."""
        self.pane.body.close_down()

    # ---- inside
    def _serve(self, pane: MessagePane) -> None:
        pane.link_hovered.connect(self._show_hint)
        for name in _PASSED:
            getattr(pane, name).connect(getattr(self, name))

    def _lay_out(self) -> None:
        self._page = QWidget()
        column = QVBoxLayout(self._page)
        column.setContentsMargins(READER_MARGIN_X, READER_MARGIN_Y, READER_MARGIN_X, 20)
        column.addWidget(self.pane)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self._page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self._pages)
        self._hint.setProperty("kind", "hint")
        self._hint.hide()

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
