"""Tags as coloured chips: painted in a row of the list, and as a widget in the reader's header.

Rules of the file: a chip has its tag's name, so colour never carries the meaning alone; its text is black or white,
whichever reads better on the colour, which is at least 4.5:1 on any.
"""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from mua.gui import words
from mua.gui.theme import META, SEMIBOLD, theme
from mua.language import tr
from mua.model.tag import Tag

_GAP, _PAD, _WIDEST = 4, 6, 120  # pixels


def ink(colour: str) -> str:
    """Black or white, whichever has more contrast on ``colour`` (WCAG)."""
    given = QColor(colour)
    channels = (given.redF(), given.greenF(), given.blueF())
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "#ffffff"


def chip_font() -> QFont:
    """The font of chips in a list."""
    return theme().font(10, SEMIBOLD)


def chips_width(tags: Sequence[Tag], room: int) -> int:
    """The pixels that ``tags`` take of ``room``."""
    return sum(box.width() + _GAP for _, box in _places(tags, QRect(0, 0, room, 10), chip_font()))


def paint_chips(painter: QPainter, rect: QRect, tags: Sequence[Tag], mirrored: QRect | None = None) -> int:
    """Paint as many chips as there is room for at the start of ``rect``; returns the width that they took.

    ``mirrored``: the whole row, where it reads from right to left.
    """
    used, font = 0, chip_font()
    for one, box in _places(tags, rect, font):
        used += box.width() + _GAP
        if mirrored is not None:
            box = QRect(mirrored.left() + mirrored.right() - box.right(), box.top(), box.width(), box.height())
        paint_chip(painter, box, one, font)
    return used


def paint_chip(painter: QPainter, box: QRect, tag: Tag, font: QFont) -> None:
    """One chip."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tag.colour))
    painter.drawRoundedRect(QRectF(box), box.height() / 2, box.height() / 2)
    painter.setFont(font)
    painter.setPen(QColor(ink(tag.colour)))
    name = QFontMetrics(font).elidedText(tag.name, Qt.TextElideMode.ElideRight, box.width() - 2 * _PAD)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)


def _places(tags: Sequence[Tag], rect: QRect, font: QFont) -> list[tuple[Tag, QRect]]:
    metrics, left = QFontMetrics(font), rect.left()
    height = min(rect.height(), metrics.height() + 2)
    found: list[tuple[Tag, QRect]] = []
    for one in tags:
        width = min(metrics.horizontalAdvance(one.name) + 2 * _PAD + 1, theme().grown(_WIDEST))
        if left + width > rect.right():
            break
        found.append((one, QRect(left, rect.top() + (rect.height() - height) // 2, width, height)))
        left += width + _GAP
    return found


class TagChips(QWidget):
    """The tags of the message that is read; a click on one opens what can be done with tags."""

    pressed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._tags: tuple[Tag, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()

    def show_tags(self, tags: Sequence[Tag]) -> None:
        """Show these; none: nothing."""
        self._tags = tuple(tags)
        names = ", ".join(one.name for one in tags)
        self.setAccessibleName(tr("Tags: {names}", names=names))
        self.setToolTip(words.tip(names))
        self.setVisible(bool(tags))
        self.updateGeometry()
        self.update()

    def tags(self) -> tuple[Tag, ...]:
        """What is shown."""
        return self._tags

    def sizeHint(self) -> QSize:
        return QSize(40, QFontMetrics(theme().font(META, SEMIBOLD)).height() + 6)

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        paint_chips(painter, self.rect(), self._tags, self.rect() if self.isRightToLeft() else None)
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click."""
        if event.button() is Qt.MouseButton.LeftButton:
            self.pressed.emit()
