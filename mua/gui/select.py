"""Choices whose marks follow the theme: a drop-down, a tick, a radio button, what is offered below a field."""

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QCompleter,
    QListView,
    QRadioButton,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from mua.gui.icons import pixmap
from mua.gui.sheets import styled
from mua.gui.theme import SMALL_ICON, theme

_TICK = """
QCheckBox::indicator { width: 16px; height: 16px; border: 1px solid @tertiary; border-radius: 4px; background: @field; }
QCheckBox::indicator:checked { background: @accent; border-color: @accent; }
QCheckBox::indicator:focus { border: 2px solid @text; width: 14px; height: 14px; }
QCheckBox::indicator:disabled { border-color: @line; background: @chip; }
"""
_RADIO = """
QRadioButton::indicator { width: 16px; height: 16px; border: 1px solid @tertiary; border-radius: 9px;
  background: @field; }
QRadioButton::indicator:checked { width: 8px; height: 8px; border: 5px solid @accent; background: @on_accent; }
QRadioButton:focus { color: @accent; }
"""
POPUP = """
QListView { background: @list; color: @text; border: 1px solid @line; border-radius: 8px; padding: 4px; }
QListView::item { padding: 6px 10px; border-radius: 6px; }
QListView::item:selected { background: @selection; color: @text; }
"""


class Completer(QCompleter):
    """Offers, below a field, what holds the letters that are typed; ``what`` it is, for who does not see it."""

    def __init__(self, model: QAbstractItemModel, what: str, parent: QWidget) -> None:
        super().__init__(model, parent)
        popup = QListView()
        popup.setAccessibleName(what)
        styled(popup, POPUP)
        self.setPopup(popup)
        self.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setFilterMode(Qt.MatchFlag.MatchContains)
        self.setCompletionMode(QCompleter.CompletionMode.PopupCompletion)


class Select(QComboBox):
    """A drop-down choice."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self.setAccessibleName(label)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        x = 8 if self.isRightToLeft() else self.width() - SMALL_ICON - 8
        y = (self.height() - SMALL_ICON) // 2
        QPainter(self).drawPixmap(x, y, pixmap("chevron-down", "tertiary", SMALL_ICON))


class Tick(QCheckBox):
    """Yes or no."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        styled(self, _TICK)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.isChecked():
            option = QStyleOptionButton()
            self.initStyleOption(option)
            box = self.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
            role = "on_accent" if self.isEnabled() else "tertiary"
            QPainter(self).drawPixmap(box.center().x() - 5, box.center().y() - 5, pixmap("check", role, 12))


class Radio(QRadioButton):
    """One of several."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        styled(self, _RADIO)
