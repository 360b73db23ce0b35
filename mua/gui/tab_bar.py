"""The bar of tabs above the panes: seen where there is more than one, sorted by dragging, closed by the middle button.

Rules of the file: nothing here knows what a tab shows but its ``Label``.  A dot on its picture says that there is
something unread in it, and the name for screen readers says the same.
"""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QIcon, QMouseEvent, QPainter
from PySide6.QtWidgets import QTabBar, QWidget

from mua.gui import words
from mua.gui.icons import icon, pixmap
from mua.gui.theme import BASE, theme
from mua.gui.widgets import ToolButton
from mua.language import tr
from mua.records import dataclass

_PICTURE, _DOT, _CLOSE, _CROSS = 16, 3, 22, 14  # pixels at the usual text size; of the dot its radius
_OWN_WAY = "\u2068"  # each name begins where its own script does, and is cut off where it ends
_WIDEST, _NARROWEST = 240, 84


@dataclass(frozen=True, slots=True)
class Label:
    """What a tab is called; ``whole`` is more than there is room for."""

    text: str
    icon: str
    whole: str = ""
    unread: bool = False


class TabBar(QTabBar):
    """The bar.  ``tabMoved`` says that a tab was dragged elsewhere, ``chosen`` that another one is wanted."""

    chosen = Signal(int)
    closed = Signal(int)
    menu_wanted = Signal(int, QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._labels: list[Label] = []
        self._showing = False
        self.setAccessibleName(tr("Tabs"))
        self.setAutoHide(True)
        self.setDocumentMode(True)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setMovable(True)
        self.setElideMode(Qt.TextElideMode.ElideRight)
        self.setUsesScrollButtons(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.currentChanged.connect(self._changed)
        self.tabMoved.connect(lambda source, to: self._labels.insert(to, self._labels.pop(source)))
        theme().changed.connect(self._tint)
        self._tint()

    def show_labels(self, labels: Sequence[Label], at: int) -> None:
        """Be these tabs, ``at`` in sight."""
        self._showing = True
        while self.count() > len(labels):
            self.removeTab(self.count() - 1)
        while self.count() < len(labels):
            self._add()
        for index, label in enumerate(labels):
            if index >= len(self._labels) or self._labels[index] != label or not self.tabText(index):
                self._name(index, label)
        self._labels = list(labels)
        self.setCurrentIndex(at)
        self._showing = False

    def labels(self) -> list[Label]:
        """What is shown."""
        return list(self._labels)

    def tabSizeHint(self, index: int) -> QSize:
        """As wide as its words, within bounds; all narrower where room is short, before the bar has to scroll."""
        hint = super().tabSizeHint(index)
        fair = self.window().width() // max(1, self.count())
        widest = max(theme().grown(_NARROWEST), min(theme().grown(_WIDEST), fair))
        return QSize(min(hint.width(), widest), hint.height())

    def minimumTabSizeHint(self, index: int) -> QSize:
        return self.tabSizeHint(index)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The middle button closes."""
        index = self.tabAt(event.position().toPoint())
        if event.button() is Qt.MouseButton.MiddleButton and index >= 0:
            self.closed.emit(index)
        elif event.button() is not Qt.MouseButton.RightButton:
            super().mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.tabAt(event.pos()) if by_mouse else self.currentIndex()
        if index >= 0:
            place = event.globalPos() if by_mouse else self.mapToGlobal(self.tabRect(index).center())
            self.menu_wanted.emit(index, place)

    # ---- inside
    def _add(self) -> None:
        index = self.addTab("")
        button = _Close("x", tr("Close the tab"))
        button.clicked.connect(lambda: self._close(button))
        self.setTabButton(index, QTabBar.ButtonPosition.RightSide, button)

    def _close(self, button: QWidget) -> None:
        for index in range(self.count()):
            if self.tabButton(index, QTabBar.ButtonPosition.RightSide) is button:
                self.closed.emit(index)
                return

    def _name(self, index: int, label: Label) -> None:
        whole = label.whole or label.text
        self.setTabText(index, _OWN_WAY + label.text.replace("&", "&&"))
        self.setTabToolTip(index, words.tip(whole))
        self.setTabIcon(index, _picture(label))
        self.setAccessibleTabName(index, tr("Unread, {name}", name=whole) if label.unread else whole)
        button = self.tabButton(index, QTabBar.ButtonPosition.RightSide)
        if isinstance(button, ToolButton):
            button.name(tr("Close the tab {name}", name=whole))

    def _changed(self, index: int) -> None:
        if not self._showing and index >= 0:
            self.chosen.emit(index)

    def _tint(self) -> None:
        side = theme().grown(_PICTURE)
        self.setIconSize(QSize(side, side))
        self.setFont(theme().font(BASE))
        for index, label in enumerate(self._labels):
            self.setTabIcon(index, _picture(label))


class _Close(ToolButton):
    """A small one."""

    def _tint(self) -> None:
        side, whole = theme().grown(_CROSS), theme().grown(_CLOSE)
        self.setProperty("kind", "small")
        self.setIconSize(QSize(side, side))
        self.setFixedSize(whole, whole)
        self.setIcon(icon("x", "tertiary", side))


def _picture(label: Label) -> QIcon:
    """The picture of a tab, with a dot where something is unread."""
    side = theme().grown(_PICTURE)
    picture = pixmap(label.icon, "secondary", side).copy()
    if label.unread:
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        radius = theme().grown(_DOT)
        middle = QPointF(side - radius, radius)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
        painter.drawEllipse(middle, radius + 1, radius + 1)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
        painter.setBrush(QColor(theme().colours.accent))
        painter.drawEllipse(middle, radius, radius)
        painter.end()
    return QIcon(picture)
