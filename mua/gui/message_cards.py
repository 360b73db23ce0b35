"""How a row of the message list is painted: cards (80), compact (56), table (28), and day headings.

Rules of the file: one role asked a row; rectangles are mirrored with ``visualRect``, alignments are absolute, and
each string decides its own direction, so that mixed Hebrew and English read right in both layouts; a focused row has
a frame.
"""

from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from mua.gui.card import Card
from mua.gui.columns import USUAL, Column, laid_out
from mua.gui.hover import paint_acts
from mua.gui.icons import pixmap
from mua.gui.message_model import CARD
from mua.gui.tag_chips import chips_width, paint_chips
from mua.gui.theme import AVATAR, BASE, MEDIUM, META, NORMAL, SECONDARY, SEMIBOLD, SMALL_ICON, theme
from mua.gui.theme import CARD as CARD_HEIGHT
from mua.gui.theme import COMPACT as COMPACT_HEIGHT
from mua.gui.theme import TABLE as TABLE_HEIGHT
from mua.gui.widgets import paint_avatar
from mua.language import tr

_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
_ARROW = 11  # pixels of the arrow in the chip of a conversation that can be opened
_INSET = 22  # pixels that its other messages stand further in
_ELIDE = Qt.TextElideMode.ElideRight
_NARROWEST = 2  # pixels of a letter at least
_WIDE = 10_000  # pixels: nothing is cut
_REMEMBERED = 4_000  # texts that were cut to their room


class Density(StrEnum):
    """How much room a message gets; the person's choice, kept."""

    CARDS = "cards"
    COMPACT = "compact"
    TABLE = "table"


def by_keyboard(widget: QWidget) -> bool:
    """Whether the person moves by keyboard, so that the focus has to be seen (a selected row shows itself)."""
    return widget.window().testAttribute(Qt.WidgetAttribute.WA_KeyboardFocusChange)


def row_height(density: Density) -> int:
    """The height of a message row at the current text scale."""
    height = {Density.CARDS: CARD_HEIGHT, Density.COMPACT: COMPACT_HEIGHT, Density.TABLE: TABLE_HEIGHT}[density]
    return theme().grown(height)


def elided(text: str, font: QFont, room: int) -> tuple[str, int]:
    """As much of a text as there is room for, and its width; shaping what nobody could see would take the time."""
    key = text[: max(0, room) // _NARROWEST + 8], font.key(), room
    found = _elided.get(key)
    if found is None:
        if len(_elided) >= _REMEMBERED:
            _elided.clear()
        metrics = QFontMetrics(font)
        line = metrics.elidedText(key[0], _ELIDE, room)
        found = _elided[key] = line, metrics.horizontalAdvance(line)
    return found


_elided: dict[tuple[str, str, int], tuple[str, int]] = {}


class Pen:
    """A painter for one row: places mirrored, strings elided and in their own direction."""

    def __init__(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        self.painter, self.direction, self.area = painter, option.direction, option.rect
        self.rtl = option.direction is Qt.LayoutDirection.RightToLeft
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)

    def place(self, rect: QRect) -> QRect:
        """``rect`` as this reading direction sees it."""
        return QStyle.visualRect(self.direction, self.area, rect)

    def text(self, rect: QRect, text: str, font: QFont, role: str, end: bool = False) -> int:
        """Draw one line at the start (or end) of ``rect``; returns the width it took."""
        line, width = elided(text, font, rect.width())
        self.painter.setFont(font)
        self.painter.setPen(theme().colour(role))
        right = end is not self.rtl
        side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
        self.painter.drawText(self.place(rect), _MIDDLE | side, line)
        return width

    def icon(self, x: int, y: int, name: str, role: str, size: int = SMALL_ICON, filled: bool = False) -> None:
        """Draw an icon."""
        image = pixmap(name, role, size, filled, self.painter.device().devicePixelRatio())
        self.painter.drawPixmap(self.place(QRect(x, y, size, size)), image)

    def disc(self, rect: QRectF, role: str, radius: float) -> None:
        """Draw a filled rounded rectangle."""
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(theme().colour(role))
        self.painter.drawRoundedRect(rect, radius, radius)


class CardDelegate(QStyledItemDelegate):
    """Paints messages and headings."""

    density = Density.CARDS
    columns: Sequence[Column] = USUAL
    acts = False
    """Draw what can be done to the row below the mouse."""

    def chip(self, area: QRect, direction: Qt.LayoutDirection, card: Card) -> QRect | None:
        """Where the chip that opens and folds a conversation is in a row at ``area``; None where it has none."""
        if card.here < 2 or (self.density is Density.TABLE and Column.FROM not in self.columns):
            return None
        table = self.density is Density.TABLE
        name = _table_name(area, card, self.columns) if table else _card_name(area, card, self.density is Density.CARDS)
        _, box = _name_and_chip(card, name, NORMAL if table else MEDIUM)
        return QStyle.visualRect(direction, area, box.adjusted(-6, -6, 6, 6))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, row_height(self.density))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        found = index.data(CARD)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = Pen(painter, option)
        if isinstance(found, Card):
            self._frame(pen, option)
            selected = bool(option.state & QStyle.StateFlag.State_Selected)
            if self.density is Density.TABLE:
                _paint_line(pen, found, selected, self.columns)
            else:
                _paint_card(pen, found, selected, self.density is Density.CARDS)
            if option.state & QStyle.StateFlag.State_MouseOver and self.acts:
                paint_acts(pen, found, selected=selected)
        elif isinstance(found, str):
            pen.text(option.rect.adjusted(18, 8, -18, 0), found, theme().font(META, SEMIBOLD), "tertiary")
        painter.restore()

    def _frame(self, pen: Pen, option: QStyleOptionViewItem) -> None:
        gap = 0 if self.density is Density.TABLE else 2
        radius = 6 if self.density is Density.TABLE else 10
        box = QRectF(option.rect.adjusted(8, gap, -8, -gap))
        if option.state & QStyle.StateFlag.State_Selected:
            pen.disc(box, "selection", radius)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            pen.disc(box, "hover", radius)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if option.state & QStyle.StateFlag.State_HasFocus and (not selected or by_keyboard(option.widget)):
            pen.painter.setBrush(Qt.BrushStyle.NoBrush)
            pen.painter.setPen(QPen(theme().colour("accent"), 1.2))
            pen.painter.drawRoundedRect(box.adjusted(0.6, 0.6, -0.6, -0.6), radius, radius)


def _paint_card(pen: Pen, card: Card, selected: bool, with_snippet: bool) -> None:
    """Avatar; name, count and time; subject and marks; snippet."""
    area = pen.area
    left, top, right = _start(area, card), area.top(), area.right() - 20
    side = AVATAR if with_snippet else 32
    disc_top = top + (13 if with_snippet else 12)
    paint_avatar(pen.painter, pen.place(QRect(left, disc_top, side, side)), card.face, card.address)
    if card.unread:
        pen.disc(QRectF(pen.place(QRect(left - 9, disc_top + side // 2 - 3, 6, 6))), "accent", 3)
    text, line = left + side + 12, theme().grown(20)
    first = top + (9 if with_snippet else 8)
    _paint_time(pen, card, right, first, line)
    _paint_name(pen, card, _card_name(area, card, with_snippet), selected, MEDIUM)
    second = first + line
    marks = _paint_marks(pen, card, right, second, line)
    if not with_snippet and card.tags:
        room = (right - text - marks) // 2
        marks += chips_width(card.tags, room) + 4
        _paint_tags(pen, card, QRect(right - marks, second, room, line))
    font = theme().font(BASE, SEMIBOLD if card.unread else NORMAL)
    role = "text" if with_snippet or card.unread else "secondary"
    pen.text(QRect(text, second, right - text - marks - 4, line), card.subject, font, role)
    if with_snippet:
        text += _paint_tags(pen, card, QRect(text, second + line, (right - text) // 2, line - 2))
        below = tr("Until {until}", until=card.until) if card.until else card.snippet
        tone = "accent" if card.until else "secondary"
        pen.text(QRect(text, second + line, right - text, line - 2), below, theme().font(SECONDARY), tone)


def _paint_tags(pen: Pen, card: Card, rect: QRect) -> int:
    """Chips at the start of ``rect``; returns the room that they took."""
    return paint_chips(pen.painter, rect, card.tags, pen.area if pen.rtl else None) if card.tags else 0


def _start(area: QRect, card: Card) -> int:
    """Where a card begins: below the first of its conversation, further in."""
    return area.left() + 20 + (theme().grown(_INSET) if card.member else 0)


def _card_name(area: QRect, card: Card, with_snippet: bool) -> QRect:
    """The room of name and chip in a card."""
    left = _start(area, card) + (AVATAR if with_snippet else 32) + 12
    right = area.right() - 20 - _time_width(card) - 10
    return QRect(left, area.top() + (9 if with_snippet else 8), right - left, theme().grown(20))


def _time_width(card: Card) -> int:
    return elided(card.time, theme().font(META, SEMIBOLD if card.unread else NORMAL), _WIDE)[1] + 4


def _paint_time(pen: Pen, card: Card, right: int, top: int, height: int) -> int:
    font, width = theme().font(META, SEMIBOLD if card.unread else NORMAL), _time_width(card)
    pen.text(
        QRect(right - width, top, width, height), card.time, font, "accent" if card.unread else "tertiary", end=True
    )
    return width


def _name_and_chip(card: Card, rect: QRect, weight: QFont.Weight) -> tuple[int, QRect]:
    """(the room that the name has, where the chip is: empty without one)"""
    if card.in_thread < 2 and card.here < 2:
        return rect.width(), QRect()
    chip = elided(str(card.in_thread), theme().font(10, SEMIBOLD), _WIDE)[1] + 10
    chip += theme().grown(_ARROW) if card.here > 1 else 0
    room = rect.width() - chip - 8
    width = elided(card.who, theme().font(BASE, SEMIBOLD if card.unread else weight), room)[1]
    height = theme().grown(15)
    return room, QRect(rect.left() + width + 8, rect.top() + (rect.height() - height) // 2 + 1, chip, height)


def _paint_name(pen: Pen, card: Card, rect: QRect, selected: bool, weight: QFont.Weight) -> None:
    room, box = _name_and_chip(card, rect, weight)
    font = theme().font(BASE, SEMIBOLD if card.unread else weight)
    pen.text(QRect(rect.left(), rect.top(), room, rect.height()), card.who, font, "text")
    if box.isEmpty():
        return
    pen.disc(QRectF(pen.place(box)), "list" if selected else "side_selection", box.height() / 2)
    arrow = theme().grown(_ARROW) if card.here > 1 else 0
    if arrow:
        shape = "chevron-down" if card.unfolded else "chevron-right"
        pen.icon(box.right() - arrow - 1, box.top() + (box.height() - arrow) // 2, shape, "secondary", arrow)
    pen.painter.setFont(theme().font(10, SEMIBOLD))
    pen.painter.setPen(theme().colour("secondary"))
    number = QRect(box.left(), box.top(), box.width() - arrow, box.height())
    pen.painter.drawText(pen.place(number), Qt.AlignmentFlag.AlignCenter, str(card.in_thread))


def _paint_marks(pen: Pen, card: Card, right: int, top: int, height: int) -> int:
    """Refused, star, clip, answered, forwarded, from the end; returns the room they took."""
    marks = (
        (card.refused, "circle-alert", "on_danger", False),
        (card.pinned, "pin", "accent", False),
        (bool(card.until), "clock", "accent", False),
        (card.starred, "star", "star", True),
        (card.clip, "paperclip", "tertiary", False),
        (card.answered, "reply", "tertiary", False),
        (card.forwarded, "forward", "tertiary", False),
        (card.from_server, "server", "tertiary", False),
        (card.quiet, "bell-off", "tertiary", False),
    )
    x, side = right, theme().grown(SMALL_ICON)
    for shown, name, role, filled in marks:
        if shown:
            pen.icon(x - side, top + (height - side) // 2, name, role, side, filled)
            x -= side + 4
    return right - x


def _marks_room() -> int:
    """What a line leaves to its marks at least, so that the ends of subjects are below each other."""
    return 2 * (theme().grown(SMALL_ICON) + 4)


def _table_name(area: QRect, card: Card, columns: Sequence[Column]) -> QRect:
    """The room of name and chip in a line."""
    inset = theme().grown(_INSET) if card.member else 0
    places = laid_out(area, columns)
    return places.get(Column.FROM, places[Column.SUBJECT]).adjusted(inset, 0, 0, 0)


def _paint_line(pen: Pen, card: Card, selected: bool, columns: Sequence[Column]) -> None:
    """One line: dot, sender, subject and snippet, marks, size, time."""
    area, places = pen.area, laid_out(pen.area, columns)
    top, height = area.top(), area.height()
    if card.unread:
        inset = theme().grown(_INSET) if card.member else 0
        pen.disc(QRectF(pen.place(QRect(area.left() + 16 + inset, top + height // 2 - 3, 6, 6))), "accent", 3)
    if Column.DATE in places:
        tone = "accent" if card.unread else "tertiary"
        pen.text(
            places[Column.DATE], card.time, theme().font(META, SEMIBOLD if card.unread else NORMAL), tone, end=True
        )
    if Column.SIZE in places:
        pen.text(places[Column.SIZE], card.size, theme().font(META), "tertiary", end=True)
    if Column.FROM in places:
        _paint_name(pen, card, _table_name(area, card, columns), selected, NORMAL)
    room = places[Column.SUBJECT]
    room.setRight(room.right() - max(_paint_marks(pen, card, room.right(), top, height), _marks_room()))
    room.setLeft(room.left() + _paint_tags(pen, card, QRect(room.left(), top, room.width() * 3 // 5, height)))
    used = pen.text(room, card.subject, theme().font(BASE, SEMIBOLD if card.unread else NORMAL), "text")
    room.setLeft(room.left() + used + 10)
    if room.width() > 60 and card.snippet:
        pen.text(room, card.snippet, theme().font(SECONDARY), "tertiary")
