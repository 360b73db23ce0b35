"""A whole conversation in the reader: open messages, folded ones as a line each, long stretches only counted.

Rules of the file: ``plan.conversation`` says what is laid out; a message's pane is made when it is opened, and at most
``MOST_OPEN`` are kept; a web view is awake only while it is in sight, and at most ``MOST_WEB`` are.
"""

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from mua.gui import words
from mua.gui.message_cards import Pen
from mua.gui.message_pane import MessagePane
from mua.gui.theme import (
    BASE,
    META,
    NORMAL,
    READER_MARGIN_X,
    READER_MARGIN_Y,
    SECONDARY,
    SEMIBOLD,
    SMALL_ICON,
    SUBJECT,
    theme,
)
from mua.gui.widgets import Button, Label, ToolButton, paint_avatar, restyle
from mua.language import tr
from mua.model import naming
from mua.model.address import Address
from mua.model.message import Flag, MessageId, MessageRow
from mua.plan.conversation import Gap, Letter, lay_out, more, opened_first

MOST_OPEN = 24
MOST_WEB = 6
_SETTLED = 120  # milliseconds without a turn of the wheel
_FOLD = 30  # pixels of a header that the button takes
_LINE = 46  # pixels of a folded message


class Folded(QWidget):
    """One message as a line: who, the beginning of the text, when.  Enter or a click opens it."""

    pressed = Signal()

    def __init__(self, mine: frozenset[str], draft: bool) -> None:
        super().__init__()
        self._mine, self._draft = mine, draft
        self.row: MessageRow | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._grow()
        theme().changed.connect(self._grow)

    def show_row(self, row: MessageRow) -> None:
        """Be the line of this message."""
        self.row = row
        unread = "" if row.flags & Flag.SEEN else tr("Unread, ")
        draft = tr("Draft, ") if self._draft else ""
        when = words.full_time(row.date, time.time())
        self.setAccessibleName(
            tr(
                "{unread}{draft}from {who}, {when}: {snippet}",
                unread=unread,
                draft=draft,
                who=self._who(),
                when=when,
                snippet=words.shown(row.snippet, 200),
            )
        )
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Open."""
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.pressed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.pressed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the line; each string has its own direction."""
        if self.row is not None:
            option = QStyleOptionViewItem()
            option.rect, option.direction = self.rect(), self.layoutDirection()
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint(Pen(painter, option), self.row)

    def _paint(self, pen: Pen, row: MessageRow) -> None:
        unread = not row.flags & Flag.SEEN
        weight = SEMIBOLD if unread else NORMAL
        height, side = self.height(), 28
        sender = row.sender[0] if row.sender else Address("", "")
        disc = QRect(16, (height - side) // 2, side, side)
        paint_avatar(pen.painter, pen.place(disc), "" if naming.lies(sender) else sender.name, sender.address)
        when, role = words.list_time(row.date, time.time()), "accent" if unread else "tertiary"
        right = self.width() - 16
        right -= pen.text(QRect(right - 160, 0, 160, height), when, theme().font(META, weight), role, end=True) + 8
        if row.has_attachments:
            right -= SMALL_ICON + 6
            pen.icon(right, (height - SMALL_ICON) // 2, "paperclip", "tertiary")
        left, names = disc.right() + 13, min(170, (right - disc.right()) // 2)
        mark = 0
        if self._draft:
            mark = 8 + pen.text(QRect(left, 0, names, height), tr("Draft"), theme().font(BASE, SEMIBOLD), "on_danger")
        pen.text(QRect(left + mark, 0, names - mark, height), self._who(), theme().font(BASE, weight), "text")
        rest = QRect(left + names + 12, 0, right - left - names - 24, height)
        pen.text(rest, words.shown(row.snippet, 300), theme().font(SECONDARY), "secondary")

    def _who(self) -> str:
        return (words.author(self.row.sender, self._mine) if self.row is not None else "") or tr("Unknown sender")

    def _grow(self) -> None:
        self.setFixedHeight(theme().grown(_LINE))


class Card(QFrame):
    """One message of a conversation: its line, or its pane with a button that folds it."""

    opened = Signal()
    folded = Signal()

    def __init__(self, row: MessageRow, mine: frozenset[str], draft: bool) -> None:
        super().__init__()
        self.setProperty("kind", "letter")
        self.row, self.draft = row, draft
        self.pane: MessagePane | None = None
        self.line = Folded(mine, draft)
        self.line.pressed.connect(self.opened)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(self.line)
        self.show_row(row)

    def show_row(self, row: MessageRow) -> None:
        """The row as it is now."""
        self.row = row
        self.line.show_row(row)

    def open(self, pane: MessagePane) -> None:
        """Show the message in ``pane``."""
        self.pane = pane
        self._whole = QWidget()
        row = QHBoxLayout(self._whole)
        row.setContentsMargins(18, 16, 18, 16)
        row.addWidget(pane)
        pane.header.subject.hide()
        pane.header.installEventFilter(self)
        left, right = (_FOLD, 0) if self.isRightToLeft() else (0, _FOLD)
        layout = pane.header.layout()
        if layout is not None:
            layout.setContentsMargins(left, 0, right, 0)
        self._fold = ToolButton("chevron-up", tr("Fold this message"), self._whole, key="O")
        self._fold.clicked.connect(self.folded)
        self._fold.raise_()
        self.line.hide()
        self._column.addWidget(self._whole)
        self._place()

    def minimumSizeHint(self) -> QSize:
        """Never wider than the pane has room: what is in it is squeezed rather than cut off."""
        return QSize(160, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The button stays in its corner."""
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        if self.pane is not None:
            x = 8 if self.isRightToLeft() else self.width() - self._fold.width() - 8
            self._fold.move(x, 18)

    def fold(self) -> None:
        """Be a line again."""
        if self.pane is not None:
            self.pane.body.close_down()
            self.pane = None
            self._column.removeWidget(self._whole)
            self._whole.hide()
            self._whole.deleteLater()
        self.line.show()

    def mark(self, current: bool) -> None:
        """Whether keys act on this one."""
        if bool(self.property("current")) != current:
            restyle(self, current=current)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A click beside the words of a header folds the message, as a click on its line opened it."""
        if (
            isinstance(event, QMouseEvent)
            and event.type() == QEvent.Type.MouseButtonRelease
            and event.button() is Qt.MouseButton.LeftButton
        ):
            self.folded.emit()
            return True
        return super().eventFilter(watched, event)


class Conversation(QScrollArea):
    """The messages of a thread.  ``make`` makes a pane that the reader serves."""

    wanted = Signal(object)
    """A row whose message was opened: fill its pane."""
    turned = Signal()
    """Keys act on another message now."""
    in_sight = Signal(list)
    """Ids of open messages whose beginning or text is in sight."""

    def __init__(self, make: Callable[[], MessagePane]) -> None:
        super().__init__()
        self._make = make
        self.cards: dict[MessageId, Card] = {}
        self.current: MessageId | None = None
        self._rows: list[MessageRow] = []
        self._mine: frozenset[str] = frozenset()
        self._drafts: frozenset[int] = frozenset()
        self._open: dict[MessageId, None] = {}
        self._listed: set[MessageId] = set()
        self._gaps: list[Button] = []
        self._goal: MessageId | None = None
        self._below = 0
        """How far below the top of the goal the upper edge is to be, in pixels."""
        self._following = False
        self.setAccessibleName(tr("Conversation"))
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._subject = Label("", SUBJECT, bold=True, wrap=True)
        self._subject.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._number = Label("", SECONDARY, "tertiary")
        self.inside = QWidget()
        self._column = QVBoxLayout(self.inside)
        self._column.setContentsMargins(READER_MARGIN_X, READER_MARGIN_Y, READER_MARGIN_X - 10, 20)
        self._column.setSpacing(8)
        self._column.addWidget(self._subject)
        self._column.addWidget(self._number)
        self._column.addSpacing(4)
        self._fixed = self._column.count()
        self._column.addStretch()
        self.setWidget(self.inside)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(_SETTLED)
        self._settle.timeout.connect(self._look)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._focus_moved)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        self.verticalScrollBar().rangeChanged.connect(lambda *_: self._follow_goal())

    def set_margin(self, side: int) -> None:
        """The room at both sides."""
        self._column.setContentsMargins(side, READER_MARGIN_Y, max(8, side - 10), 20)

    # ---- showing
    @property
    def pane(self) -> MessagePane | None:
        """The pane of the current message."""
        return None if self.current is None else self.pane_of(self.current)

    @property
    def row(self) -> MessageRow | None:
        """The current message."""
        card = self.cards.get(self.current) if self.current is not None else None
        return None if card is None else card.row

    def pane_of(self, message_id: MessageId) -> MessagePane | None:
        """The pane of an open message."""
        card = self.cards.get(message_id)
        return None if card is None else card.pane

    def show_rows(
        self, rows: Sequence[MessageRow], chosen: MessageId, mine: frozenset[str], drafts: frozenset[int]
    ) -> None:
        """Show a thread, oldest first, beginning at ``chosen``.  ``drafts`` are folders of drafts."""
        self.clear()
        self._rows, self._mine, self._drafts = list(rows), mine, drafts
        subject = next((row.subject for row in rows if row.id == chosen), "")
        self._subject.setText(words.shown(subject) or tr("(no subject)"))
        self._open = dict.fromkeys(sorted(opened_first(rows, chosen)))
        self.current = self._goal = chosen
        self._below = 0
        self._build()

    def update_rows(self, rows: Sequence[MessageRow]) -> None:
        """The same thread as it is now; what is open stays open."""
        there = {row.id for row in rows}
        newest = rows[-1].id if rows else None
        if newest is not None and newest not in {row.id for row in self._rows}:
            self._open[newest] = None
        self._rows = list(rows)
        self._open = {one: None for one in self._open if one in there}
        if self.current not in there:
            self.current = newest
        self._build()

    def rows(self) -> list[MessageRow]:
        """The same, oldest first."""
        return list(self._rows)

    def ids(self) -> set[MessageId]:
        """The messages of the conversation."""
        return {row.id for row in self._rows}

    def open_ids(self) -> set[MessageId]:
        """Those that are open."""
        return set(self._open)

    def clear(self) -> None:
        """Show nothing."""
        for card in self.cards.values():
            self._drop(card)
        self.cards = {}
        self._rows, self._open, self._listed, self.current = [], {}, set(), None
        self._clear_gaps()

    def unfold(self, message_id: MessageId) -> None:
        """Open a message, go to it, and make it the current one."""
        self._open.pop(message_id, None)
        self._open[message_id] = None
        while len(self._open) > MOST_OPEN:
            self._open.pop(next(iter(self._open)))
        self.current = self._goal = message_id
        self._below = 0
        self._build()
        self.turned.emit()

    def fold(self, message_id: MessageId) -> None:
        """Make a message a line."""
        self._open.pop(message_id, None)
        self._listed.add(message_id)
        self._build()

    def toggle(self) -> None:
        """Fold or open the current message."""
        if self.current is not None:
            (self.fold if self.current in self._open else self.unfold)(self.current)

    def make_current(self, message_id: MessageId) -> None:
        """Have keys act on a message that is there."""
        if message_id != self.current and message_id in self.cards:
            self.current = message_id
            self._mark()
            self.turned.emit()

    def step(self, by: int) -> bool:
        """To the next (or previous) message of the conversation; False at its end."""
        ids = [row.id for row in self._rows]
        place = ids.index(self.current) + by if self.current in ids else -1
        if not 0 <= place < len(ids):
            return False
        self.unfold(ids[place])
        return True

    def page_down(self) -> bool:
        """Scroll by a page; False at the end."""
        bar = self.verticalScrollBar()
        before = bar.value()
        bar.setValue(before + bar.pageStep() * 9 // 10)
        return bar.value() != before

    # ---- inside
    def _build(self) -> None:
        """Lay out what ``plan.conversation`` says."""
        self.inside.setUpdatesEnabled(False)
        pieces = lay_out(self._rows, self._open, self._listed)
        there = {piece.row.id for piece in pieces if isinstance(piece, Letter)}
        for gone in [one for one in self.cards if one not in there]:
            self._drop(self.cards.pop(gone))
        self._clear_gaps()
        fresh: list[MessageRow] = []
        for place, piece in enumerate(pieces, self._fixed):
            if isinstance(piece, Gap):
                self._column.insertWidget(place, self._gap(piece))
                continue
            card = self._card(piece.row)
            if self._column.indexOf(card) != place:
                self._column.removeWidget(card)
                self._column.insertWidget(place, card)
            if piece.open and card.pane is None:
                card.open(self._new_pane())
                fresh.append(piece.row)
            elif not piece.open and card.pane is not None:
                card.fold()
        self._number.setText(words.count(len(self._rows), "message"))
        self._mark()
        for row in fresh:
            self.wanted.emit(row)
        self.inside.setUpdatesEnabled(True)
        self._settle.start()
        QTimer.singleShot(0, self, self._follow_goal)

    def _card(self, row: MessageRow) -> Card:
        card = self.cards.get(row.id)
        if card is None:
            card = self.cards[row.id] = Card(row, self._mine, row.folder_id in self._drafts)
            card.opened.connect(lambda key=row.id: self.unfold(key))
            card.folded.connect(lambda key=row.id: self.fold(key))
        elif card.row != row:
            card.show_row(row)
        return card

    def _new_pane(self) -> MessagePane:
        pane = self._make()
        pane.body.wheeled.connect(self._wheel)
        return pane

    def _gap(self, gap: Gap) -> Button:
        button = Button(words.count(len(gap.rows), "more message"), kind="gap")
        button.clicked.connect(lambda: self._reveal(gap))
        self._gaps.append(button)
        return button

    def _reveal(self, gap: Gap) -> None:
        self._goal = None
        self._listed.update(more(gap))
        self._build()

    def _clear_gaps(self) -> None:
        for button in self._gaps:
            self._column.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._gaps = []

    def _drop(self, card: Card) -> None:
        card.fold()
        self._column.removeWidget(card)
        card.hide()
        card.deleteLater()

    def _mark(self) -> None:
        for key, card in self.cards.items():
            card.mark(key == self.current and len(self._rows) > 1)

    def _focus_moved(self, _: QWidget | None, now: QWidget | None) -> None:
        """Whoever clicks or tabs into a message means that one."""
        if now is not None and self.inside.isAncestorOf(now):
            for key, card in self.cards.items():
                if card.isAncestorOf(now):
                    self.make_current(key)

    def _wheel(self, event: QWheelEvent) -> None:
        QApplication.sendEvent(self.verticalScrollBar(), event)

    def _follow_goal(self) -> None:
        """Keep the message that is gone to at the top while what is above it finds its height."""
        card = self.cards.get(self._goal) if self._goal is not None else None
        if card is not None:
            self._column.activate()
            self._following = True
            self.verticalScrollBar().setValue(self._top_of(card) + self._below)
            self._following = False
        self._settle.start()

    def _top_of(self, card: Card) -> int:
        return 0 if self._rows[0].id == card.row.id else card.y() - 12

    def depth(self) -> int:
        """How far one has scrolled below the top of the current message (above it: less than 0), in pixels."""
        card = self.cards.get(self.current) if self.current is not None else None
        return 0 if card is None else self.verticalScrollBar().value() - self._top_of(card)

    def dive(self, depth: int) -> None:
        """Scroll as far, and stay there while what is above it finds its height."""
        self._goal, self._below = self.current, depth
        self._follow_goal()

    def _scrolled(self) -> None:
        if not self._following:
            self._goal = None
        self._settle.start()

    def _look(self) -> None:
        """What is in sight: its web views wake, others sleep, and it counts as read."""
        top = self.verticalScrollBar().value()
        area = QRect(0, top, 1, self.viewport().height())
        seen = [
            (key, card)
            for key, card in self.cards.items()
            if card.pane is not None and QRect(0, card.y(), 1, card.height()).intersects(area)
        ]
        seen.sort(key=lambda one: (one[0] != self.current, abs(one[1].y() - top)))
        panes = {key: card.pane for key, card in self.cards.items() if card.pane is not None}
        browsing = [key for key, _ in seen if panes[key].body.asleep or panes[key].body.web is not None][:MOST_WEB]
        idle = [key for key, pane in panes.items() if pane.body.web is not None and key not in browsing]
        for key in idle[: max(0, len(idle) + len(browsing) - MOST_WEB)]:
            panes[key].body.sleep()
        for key in browsing:
            panes[key].body.wake()
        self.in_sight.emit([key for key, _ in seen])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle.start()


__all__ = ["MOST_OPEN", "MOST_WEB", "Card", "Conversation", "Folded"]
