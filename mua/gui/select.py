"""A drop-down choice whose arrow follows the theme."""

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox

from mua.gui.icons import pixmap
from mua.gui.theme import SMALL_ICON, theme


class Select(QComboBox):
    """The choice."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self.setAccessibleName(label)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        x = 8 if self.isRightToLeft() else self.width() - SMALL_ICON - 8
        y = (self.height() - SMALL_ICON) // 2
        QPainter(self).drawPixmap(x, y, pixmap("chevron-down", "tertiary", SMALL_ICON))
