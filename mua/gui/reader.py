"""The right pane: the message that is read, its whole conversation, or why there is nothing.

Rules of the file: layout and passing on; what a message looks like is in ``message_pane``.  ``pane`` is the message
that keys and buttons mean: the only one, or the current one of the conversation.
"""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, Signal, SignalInstance
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from mua.gui.message_pane import Inline, MessagePane
from mua.gui.notices import EmptyState
from mua.gui.theme import META, READER_MARGIN_X, READER_MARGIN_Y, theme
from mua.language import tr
from mua.model.message import MessageId, MessageRow, MessageView
from mua.model.tag import TAGS, Tag, tags_of

if TYPE_CHECKING:
    from mua.gui.conversation import Conversation
    from mua.gui.reader_header import Header
    from mua.gui.text_view import TextView
    from mua.gui.web_view import WebView

_PASSED = (
    "link_clicked",
    "link_agreed",
    "opened",
    "saved",
    "all_saved",
    "journey_wanted",
    "way_wanted",
    "junk_wanted",
    "settled",
    "answered",
    "starred",
    "pictures_wanted",
    "pictures_unwanted",
    "receipt_answered",
    "tags_pressed",
)
_COMFORTABLE = 860  # pixels of a message at most, unless the person wants them all
_TIGHT = 560  # pixels of a reader whose margins are halved
NOTHING_CHOSEN = ("mail-open", tr("No message selected"), tr("Pick a conversation on the left, or press C to write."))


class Reader(QFrame):
    """The pane.  ``inline`` gives the bytes of a Content-ID of a message.

    Whatever a signal asks for is meant for ``row``.
    """

    link_clicked = Signal(str)
    link_agreed = Signal(str)
    opened = Signal(object)
    """An attachment is to be opened."""
    saved = Signal(object)
    """An attachment is to be saved."""
    all_saved = Signal()
    journey_wanted = Signal()
    way_wanted = Signal()
    junk_wanted = Signal()
    settled = Signal(bool)
    answered = Signal(object)
    """A ``Kind``: the message is to be answered or forwarded."""
    starred = Signal()
    pictures_wanted = Signal(bool)
    pictures_unwanted = Signal()
    receipt_answered = Signal(bool)
    tags_pressed = Signal()
    opened_in = Signal(object)
    """A row of the conversation was opened: show its message."""
    turned = Signal()
    """Another message of the conversation is meant now."""
    shown = Signal()
    """Something else is shown."""
    page_left = Signal()
    """The page that was shown over the message is gone."""
    loaded = Signal(object)
    """The page of a ``MessagePane`` is there, laid out."""
    in_sight = Signal(list)
    """Ids of the open messages of the conversation that are in sight."""

    def __init__(self, inline: Inline, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reader")
        self.setAccessibleName(tr("Message"))
        self._inline = inline
        self.tags: tuple[Tag, ...] = TAGS
        """The person's."""
        self._single = MessagePane(inline)
        self._serve(self._single)
        self.conversation: Conversation | None = None
        self._full = False
        self._over: QWidget | None = None
        self._below: QWidget | None = None
        self.empty = EmptyState(*NOTHING_CHOSEN)
        self.empty.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self._hint = QLabel(self)
        self._hint.setTextFormat(Qt.TextFormat.PlainText)  # a link may look like markup
        self._lay_out()

    @property
    def pane(self) -> MessagePane:
        """The message that is meant by what is pressed."""
        found = self.conversation.pane if self.conversation is not None and self.has_conversation else None
        return found or self._single

    @property
    def has_conversation(self) -> bool:
        """Whether a conversation is shown."""
        page = self._below if self._over is not None else self._pages.currentWidget()
        return self.conversation is not None and page is self.conversation

    @property
    def row(self) -> MessageRow | None:
        """The message that is read."""
        if self.conversation is not None and self.has_conversation:
            return self.conversation.row
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

    def panes(self) -> list[MessagePane]:
        """Every message that is open."""
        if self.conversation is not None and self.has_conversation:
            return [card.pane for card in self.conversation.cards.values() if card.pane is not None]
        return [self._single] if self._single.row is not None else []

    def messages(self) -> list[MessageRow]:
        """Every message that is shown, open or a line, in the order in which they stand."""
        if self.conversation is not None and self.has_conversation:
            return self.conversation.rows()
        return [self._single.row] if self._single.row is not None else []

    def set_width(self, full: bool) -> None:
        """Lines as long as there is room, or as long as they read well."""
        self._full = full
        self._set_margins()

    def _set_margins(self) -> None:
        room = self.width() - round(_COMFORTABLE * max(1.0, theme().scale))
        least = READER_MARGIN_X if self.width() > _TIGHT else READER_MARGIN_X // 2
        side = least if self._full else max(least, room // 2)
        self._column.setContentsMargins(side, READER_MARGIN_Y, side, 20)
        if self.conversation is not None:
            self.conversation.set_margin(side)

    def bring_into_view(self, body: QWidget, place: QRect) -> None:
        """Scroll a conversation to a place of one of its messages."""
        if self.conversation is not None and self.has_conversation:
            top = body.mapTo(self.conversation.inside, place.topLeft())
            self.conversation.ensureVisible(top.x(), top.y(), 20, self.height() // 3)

    def depth(self) -> int:
        """How far down one has scrolled in what is read, in pixels; of a conversation from its current message on."""
        if self.conversation is not None and self.has_conversation:
            return self.conversation.depth()
        return self._single.body.depth()

    def dive(self, depth: int) -> None:
        """Scroll this far down, as soon as what is shown is laid out."""
        if self.conversation is not None and self.has_conversation:
            self.conversation.dive(depth)
        else:
            self._single.body.dive(depth)

    def put_below(self, part: QWidget) -> None:
        """Show something below the messages, which stay in sight."""
        self._halves.addWidget(part)
        self._halves.setSizes([self.height() // 2] * self._halves.count())

    # ---- a page over the message
    def show_page(self, page: QWidget) -> None:
        """Show something else about the message that is read, in its place."""
        if self._over is None:
            self._below = self._pages.currentWidget()
        self._over = page
        if self._pages.indexOf(page) < 0:
            self._pages.addWidget(page)
        self._pages.setCurrentWidget(page)

    def leave_page(self) -> None:
        """The message again."""
        if self._over is not None and self._below is not None:
            self._over = None
            self._pages.setCurrentWidget(self._below)
            self.take_keyboard()
            self.page_left.emit()

    def back_from_page(self) -> bool:
        """Have the page that lies over the message leave; False: there is none."""
        left = getattr(self._over, "left", None)
        if left is not None:
            left.emit()
        return left is not None

    def _be(self, page: QWidget) -> None:
        """Show one of our own pages; what lay over it is gone."""
        over, self._over = self._over, None
        self._pages.setCurrentWidget(page)
        if over is not None:
            self.page_left.emit()

    # ---- showing
    def show_nothing(self, icon: str = "", title: str = "", hint: str = "") -> None:
        """No message; say why."""
        self._single.forget()
        self.leave_conversation()
        if title:
            self.empty.show_state(icon, title, hint)
        self._be(self.empty)

    def show_message(
        self, row: MessageRow, view: MessageView | None, mine: frozenset[str] = frozenset()
    ) -> MessagePane:
        """Show a message (without a view its header, while the body is fetched); the pane that does.

        That is its own in the conversation that is shown, when it belongs to that.
        """
        pane = self.pane_of(row.id)
        if pane is None or (pane is self._single and self._over is None):
            pane = self._single
            self.leave_conversation()
            self._be(self._page)
        pane.show_message(row, view, mine)
        pane.header.tags.show_tags(tags_of(row.keywords, self.tags))
        return pane

    def show_conversation(
        self, rows: Sequence[MessageRow], chosen: MessageId, mine: frozenset[str], drafts: frozenset[int]
    ) -> None:
        """Show a thread, oldest first.  ``opened_in`` asks for each message that is open in it."""
        if self.conversation is None:
            from mua.gui.conversation import Conversation

            self.conversation = Conversation(self._new_pane)
            self.conversation.wanted.connect(self.opened_in)
            self.conversation.turned.connect(self.turned)
            self.conversation.in_sight.connect(self.in_sight)
            self._pages.addWidget(self.conversation)
            self._set_margins()
        self._single.forget()
        self._be(self.conversation)
        self.conversation.show_rows(rows, chosen, mine, drafts)

    def leave_conversation(self) -> None:
        """Forget the conversation: what comes is shown alone."""
        if self.conversation is not None:
            self.conversation.clear()

    def pane_of(self, message_id: MessageId) -> MessagePane | None:
        """The pane that shows a message now."""
        if self.conversation is not None and self.has_conversation:
            return self.conversation.pane_of(message_id)
        row = self._single.row
        return self._single if row is not None and row.id == message_id else None

    def toggle_text(self) -> None:
        """Plain text instead of HTML, and back."""
        self.pane.toggle_text()

    def toggle_original(self) -> bool:
        """In a dark window: as its author made it, or adapted to the dark; False where all is one."""
        return self.pane.body.toggle_original()

    def toggle_quotes(self) -> None:
        """Open or close what the message repeats of earlier ones."""
        self.pane.body.toggle_quotes()

    def step(self, by: int) -> bool:
        """To the next (or previous) message of the conversation; False where there is none."""
        return self.conversation is not None and self.has_conversation and self.conversation.step(by)

    def fold(self) -> None:
        """Fold or open the message that is meant."""
        if self.conversation is not None and self.has_conversation:
            self.conversation.toggle()

    def take_keyboard(self) -> None:
        """Have the arrow keys scroll what is read."""
        page = self._pages.currentWidget()
        if page is self._page:
            self._single.body.take_keyboard()
        elif page is not None:
            page.setFocus()

    def page_down(self) -> bool:
        """Scroll the body by a page; False at the end."""
        if self.conversation is not None and self.has_conversation:
            return self.conversation.page_down()
        return self.pane.body.page_down()

    def close_down(self) -> None:
        """Before the program ends."""
        self._single.body.close_down()
        self.leave_conversation()

    # ---- inside
    def _serve(self, pane: MessagePane) -> None:
        pane.link_hovered.connect(self._show_hint)
        pane.loaded.connect(lambda: self.loaded.emit(pane))
        for name in _PASSED:
            getattr(pane, name).connect(partial(self._pass_on, pane, getattr(self, name)))

    def _pass_on(self, pane: MessagePane, signal: SignalInstance, *what: object) -> None:
        """What was pressed in a message is meant for that one."""
        if self.conversation is not None and pane is not self._single and pane.row is not None:
            self.conversation.make_current(pane.row.id)
        signal.emit(*what)

    def _new_pane(self) -> MessagePane:
        pane = MessagePane(self._inline, tall=True)
        self._serve(pane)
        return pane

    def _lay_out(self) -> None:
        self._page = QWidget()
        self._column = QVBoxLayout(self._page)
        self._column.setContentsMargins(READER_MARGIN_X, READER_MARGIN_Y, READER_MARGIN_X, 20)
        self._column.addWidget(self._single)
        self._pages = QStackedWidget()
        self._pages.addWidget(self.empty)
        self._pages.addWidget(self._page)
        self._pages.currentChanged.connect(lambda _: self.shown.emit())
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        self._halves = QSplitter(Qt.Orientation.Vertical)
        self._halves.setChildrenCollapsible(False)
        self._halves.addWidget(self._pages)
        whole.addWidget(self._halves)
        self._hint.setProperty("kind", "hint")
        self._hint.hide()

    def _show_hint(self, link: str) -> None:
        """Where a link really leads, at the bottom, drawn by us."""
        self._hint.setVisible(bool(link))
        if link:
            from mua.gui.link_bar import hint

            self._hint.setText(hint(link))
        self._hint.setFont(theme().font(META))
        self._hint.adjustSize()
        self._hint.move(8, self.height() - self._hint.height() - 8)
        self._hint.raise_()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._hint.hide()
        self._set_margins()
        super().resizeEvent(event)
