"""The columns of a list in its table density: where each is, and the row of names above them that sorts.

Rules of the file: what is painted and what is pressed are laid out by one function; the subject is always there.
"""

from collections.abc import Sequence
from enum import StrEnum

from PySide6.QtCore import QEvent, QRect, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QIcon, QResizeEvent
from PySide6.QtWidgets import QFrame, QMenu, QPushButton, QStyle, QWidget

from mua.gui.icons import icon
from mua.gui.theme import META, SEMIBOLD, theme
from mua.language import inside, tr
from mua.model.sort import NEWEST_FIRST, By, Sort, usual

_HEIGHT = 26
_LEFT, _RIGHT, _GAP = 30, 18, 10


class Column(StrEnum):
    """What a table can show of a message, in the order of its columns."""

    FROM = "from"
    SUBJECT = "subject"
    SIZE = "size"
    DATE = "date"


USUAL = (Column.FROM, Column.SUBJECT, Column.DATE)
_NAMES = {Column.FROM: tr("Sender"), Column.SUBJECT: tr("Subject"), Column.SIZE: tr("Size"), Column.DATE: tr("Date")}
_SORTS = {Column.FROM: By.FROM, Column.SUBJECT: By.SUBJECT, Column.SIZE: By.SIZE, Column.DATE: By.DATE}
_WIDTHS = {Column.SIZE: 60, Column.DATE: 64}  # pixels at the usual text size


def chosen_from(words: Sequence[str]) -> tuple[Column, ...]:
    """The columns of these names, in their order; the usual ones where there are none."""
    found = tuple(one for one in Column if one in words or one is Column.SUBJECT)
    return found if words else USUAL


def laid_out(area: QRect, columns: Sequence[Column]) -> dict[Column, QRect]:
    """Where each column is in a row at ``area``, for a text that is read from left to right."""
    scale = max(1.0, theme().scale)
    right, places = area.right() - _RIGHT, dict[Column, QRect]()
    for one in (Column.DATE, Column.SIZE):
        if one in columns:
            width = round(_WIDTHS[one] * scale)
            places[one] = QRect(right - width, area.top(), width, area.height())
            right -= width + _GAP
    left = area.left() + _LEFT
    if Column.FROM in columns:
        width = min(round(180 * scale), (right - left) * 2 // 5) - _GAP
        places[Column.FROM] = QRect(left, area.top(), width, area.height())
        left += width + _GAP
    places[Column.SUBJECT] = QRect(left, area.top(), right - left, area.height())
    return places


class ColumnHeader(QFrame):
    """The names above the columns: a press sorts, a second one the other way, the other button chooses columns."""

    sorted_by = Signal(object)
    """A ``Sort``."""
    chosen = Signal(tuple)
    """The columns to be shown."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns: tuple[Column, ...] = USUAL
        self._sort = NEWEST_FIRST
        self._buttons: dict[Column, QPushButton] = {}
        for one in Column:
            button = QPushButton(_NAMES[one], self)
            button.setFlat(True)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _=False, by=_SORTS[one]: self._press(by))
            self._buttons[one] = button
        theme().changed.connect(self._dress)
        self._dress()

    def show_columns(self, columns: Sequence[Column]) -> None:
        """Which there are."""
        self.columns = tuple(columns)
        self._place()

    def show_sort(self, sort: Sort, *, outgoing: bool) -> None:
        """By which the list is sorted."""
        self._sort = sort
        self._buttons[Column.FROM].setText(tr("Recipient") if outgoing else tr("Sender"))
        self._dress()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The columns go with the list's width."""
        super().resizeEvent(event)
        self._place()

    def changeEvent(self, event: QEvent) -> None:
        """Another reading direction turns them round."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.LayoutDirectionChange:
            self._dress()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Choose the columns."""
        self.menu().popup(event.globalPos())

    def menu(self) -> QMenu:
        """The columns that can be there or not."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for one in Column:
            action = QAction(self._buttons[one].text(), menu)
            action.setCheckable(True)
            action.setChecked(one in self.columns)
            action.setEnabled(one is not Column.SUBJECT)
            action.triggered.connect(lambda on, column=one: self._choose(column, on))
            menu.addAction(action)
        return menu

    def _choose(self, column: Column, wanted: bool) -> None:
        self.chosen.emit(tuple(one for one in Column if (wanted if one is column else one in self.columns)))

    def _press(self, by: By) -> None:
        again = self._sort.by is by
        self.sorted_by.emit(Sort(by, not self._sort.down) if again else usual(by))

    def _dress(self) -> None:
        self.setFixedHeight(theme().grown(_HEIGHT))
        for column, button in self._buttons.items():
            mine = _SORTS[column] is self._sort.by
            way = "down" if self._sort.down else "up"
            button.setFont(theme().font(META, SEMIBOLD))
            button.setIcon(icon(f"arrow-{way}", "secondary", 12) if mine else QIcon())
            rtl = self.layoutDirection() is Qt.LayoutDirection.RightToLeft
            side = "right" if (column in _WIDTHS) is not rtl else "left"
            colour = theme().colours.text if mine else theme().colours.tertiary
            button.setStyleSheet(f"QPushButton{{border:0;padding:0 2px;text-align:{side};color:{colour}}}")
            said = f", {tr('sorted, downwards') if way == 'down' else tr('sorted, upwards')}" if mine else ""
            button.setAccessibleName(tr("Sort by {column}", column=inside(button.text())) + said)
        self._place()

    def _place(self) -> None:
        places = laid_out(self.rect(), self.columns)
        for column, button in self._buttons.items():
            button.setVisible(column in places)
            if column in places:
                button.setGeometry(QStyle.visualRect(self.layoutDirection(), self.rect(), places[column]))
