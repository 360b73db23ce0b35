"""What can be done to a row that the mouse is on, without selecting it: four small pictures at its end.

Rules of the file: for the mouse only (keys and the menu have the same deeds); where they are drawn and where they are
pressed is found by one function.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtWidgets import QStyle

from mua.gui.card import Card
from mua.gui.icons import pixmap
from mua.gui.theme import SMALL_ICON, theme
from mua.language import tr

if TYPE_CHECKING:
    from mua.gui.message_cards import Pen

_SIDE = 26  # pixels of each


def acts_on(card: Card) -> dict[str, tuple[str, str]]:
    """The deeds (``actions.DEEDS``), in their order: icon, and what it is called."""
    return {
        "archive": ("archive", tr("Archive")),
        "delete": ("trash-2", tr("Delete")),
        "star": ("star", tr("Remove the star") if card.starred else tr("Star")),
        "mark_read" if card.unread else "mark_unread": (
            ("mail-open", tr("Mark as read")) if card.unread else ("mail", tr("Mark as unread"))
        ),
    }


def strip(area: QRect) -> QRect:
    """Where they are in a row at ``area``, for a text that is read from left to right."""
    side = theme().grown(_SIDE)
    high = min(side, area.height() - 2)
    top = area.top() + (area.height() - high) // 2 if area.height() < 2 * side + 8 else area.top() + 6
    return QRect(area.right() - 14 - 4 * side, top, 4 * side, high)


def act_at(area: QRect, direction: Qt.LayoutDirection, place: QPoint, card: Card) -> str:
    """The deed whose picture is at ``place``; empty: none."""
    box = strip(area)
    for number, name in enumerate(acts_on(card)):
        one = QRect(box.left() + number * box.width() // 4, box.top(), box.width() // 4, box.height())
        if QStyle.visualRect(direction, area, one).contains(place):
            return name
    return ""


def paint_acts(pen: "Pen", card: Card, *, selected: bool) -> None:
    """Over the end of the row."""
    box = strip(pen.area)
    pen.disc(QRectF(pen.place(box.adjusted(-6, 0, 0, 0))), "selection" if selected else "hover", 8)
    side = theme().grown(SMALL_ICON)
    for number, (name, _) in enumerate(acts_on(card).values()):
        x = box.left() + number * box.width() // 4 + (box.width() // 4 - side) // 2
        filled = name == "star" and card.starred
        image = pixmap(name, "star" if filled else "secondary", side, filled, pen.painter.device().devicePixelRatio())
        pen.painter.drawPixmap(pen.place(QRect(x, box.top() + (box.height() - side) // 2, side, side)), image)
