"""The main window: three panes, the tool bar, the toast.  Layout only; what things do is in ``desk.py``.

Rules of the file: works at 1024x700; under 1000 pixels the reader takes the list's place and the sidebar shows icons;
nothing here reads the store or speaks to the engine.
"""

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QCoreApplication, QSettings, QSize, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMainWindow, QMenu, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from mua.gui.actions import Actions
from mua.gui.list_pane import ListPane
from mua.gui.notices import Banner, Toast
from mua.gui.reader import Reader
from mua.gui.sidebar import Sidebar
from mua.gui.theme import LIST_WIDTH, NARROW_WINDOW, SIDEBAR_ICONS, SIDEBAR_WIDTH, theme
from mua.gui.widgets import Line, ToolButton
from mua.language import tr

_LEAST_SIDE, _LEAST_LIST = 160, 280  # pixels at the usual text size
_TOOLS = (
    ("reply", "reply_all", "forward"),
    ("archive", "delete", "junk", "move", "star", "mark_unread"),
)
_MORE = (
    "reply_list", "forward_file", "forward_bare", "redirect", "edit_as_new", "",
    "mark_read", "conversations", "as_text", "width", "", "find", "headers", "source", "journey", "list", "",
    "copy_markdown", "save_as", "print", "", "delete_forever", "", "palette", "shortcuts", "settings",
)  # fmt: skip
_ICONS = {
    "reply": "reply",
    "reply_all": "reply-all",
    "forward": "forward",
    "archive": "archive",
    "delete": "trash-2",
    "junk": "shield-alert",
    "move": "folder-input",
    "star": "star",
    "mark_unread": "mail",
    "previous": "chevron-up",
    "next": "chevron-down",
    "back": "arrow-left",
}


class MainWindow(QMainWindow):
    """The window."""

    closed = Signal()
    narrowed = Signal(bool)

    def __init__(self, sidebar: Sidebar, listing: ListPane, reader: Reader, keys: dict[str, tuple[str, ...]]) -> None:
        super().__init__()
        self.setWindowTitle("Mua")
        self.resize(QSize(1440, 900).boundedTo(self.screen().availableSize() - QSize(16, 48)))  # room for its frame
        self.setMinimumSize(480, 400)
        self.sidebar, self.listing, self.reader = sidebar, listing, reader
        self.actions_ = Actions(self, keys)
        self.banner = Banner()
        self.banner.hide()
        self.overdue = Banner()
        self.overdue.hide()
        self.stays: Callable[[], bool] = lambda: False
        """Whether closing the window only hides it."""
        self._leaving = False
        self.may_close: Callable[[], bool] = lambda: True
        """Asked before it is left for good: whether nothing would be lost."""
        self.narrow = self._reading = self.alone = False
        """``alone``: one message has the whole window, as in a tab of its own."""
        self._panes: QByteArray | None = None
        self._middle = QSplitter()
        self._whole = QStackedWidget()
        self._right = self._right_pane()
        self._lay_out()
        theme().changed.connect(self._grow)
        self.toast = Toast(self, listing)

    # ---- places
    def show_first_run(self, page: QWidget | None) -> None:
        """Show ``page`` instead of the mail (None: the mail again)."""
        self.actions_.hide_mail(page is not None)
        if page is None:
            self._whole.setCurrentIndex(0)
            return
        if self._whole.indexOf(page) < 0:
            self._whole.addWidget(page)
        self._whole.setCurrentWidget(page)

    def read(self, reading: bool) -> None:
        """In a narrow window: show the reader instead of the list, or the list again."""
        self._reading = reading
        self._arrange()

    def read_alone(self, alone: bool) -> None:
        """Give the whole window to the message that is read, or let the other panes have their places again."""
        if alone is self.alone:
            return
        if alone and not self.narrow:
            self._panes = self._middle.saveState()
        self.alone = self._reading = alone
        self._arrange()
        if not alone and not self.narrow and self._panes is not None:
            self._middle.restoreState(self._panes)

    def put_on_top(self, bar: QWidget) -> None:
        """Show ``bar`` above the panes."""
        self._column.insertWidget(0, bar)

    def save(self, state: QSettings) -> None:
        """Remember geometry and pane widths."""
        state.setValue("window/geometry", self.saveGeometry())
        panes = self._panes if self.alone else self._middle.saveState()
        if not self.narrow and panes is not None:
            state.setValue("window/panes", panes)

    def restore(self, state: QSettings) -> None:
        """Be where the window was."""
        geometry, panes = state.value("window/geometry"), state.value("window/panes")
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        if isinstance(panes, QByteArray):
            self._middle.restoreState(panes)

    def come_forward(self) -> None:
        """To the front, with the keyboard."""
        QGuiApplication.setQuitOnLastWindowClosed(True)
        self.show()
        self.raise_()
        self.activateWindow()

    # ---- layout
    def _lay_out(self) -> None:
        self._middle.setHandleWidth(1)
        self._middle.setChildrenCollapsible(False)
        for pane, least in ((self.sidebar, SIDEBAR_ICONS), (self.listing, _LEAST_LIST), (self._right, 320)):
            pane.setMinimumWidth(least)
            self._middle.addWidget(pane)
        self._middle.setStretchFactor(2, 1)
        self._middle.setSizes([SIDEBAR_WIDTH, LIST_WIDTH, 820])
        mail = QWidget()
        column = self._column = QVBoxLayout(mail)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        top = QVBoxLayout()
        top.setContentsMargins(8, 0, 8, 0)
        top.setSpacing(4)
        top.addWidget(self.banner)
        top.addWidget(self.overdue)
        column.addLayout(top)
        column.addWidget(self._middle, 1)
        self._whole.addWidget(mail)
        self.setCentralWidget(self._whole)
        self.setTabOrder(self.sidebar.compose, self.sidebar.folders)
        self.setTabOrder(self.sidebar.folders, self.listing.search)
        self.setTabOrder(self.listing.search, self.listing.view)

    def _right_pane(self) -> QFrame:
        pane = QFrame()
        pane.setObjectName("reader")
        column = QVBoxLayout(pane)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._tool_bar())
        column.addWidget(Line())
        column.addWidget(self.reader, 1)
        return pane

    def _tool_bar(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(20, 2, 16, 6)
        row.setSpacing(4)
        self.back = self._tool("back")
        self.back.hide()
        row.addWidget(self.back)
        for place, group in enumerate(_TOOLS):
            if place:
                row.addSpacing(6)
                row.addWidget(Line(vertical=True, length=20))
                row.addSpacing(6)
            for name in group:
                row.addWidget(self._tool(name))
        row.addStretch()
        row.addWidget(self._tool("previous"))
        row.addWidget(self._tool("next"))
        row.addWidget(self._more())
        return row

    def _tool(self, name: str) -> ToolButton:
        return ToolButton(_ICONS[name], self.actions_[name].text()).follow(self.actions_[name])

    def _more(self) -> ToolButton:
        button = ToolButton("ellipsis", tr("More"))
        menu = QMenu(button)
        for name in _MORE:
            if name:
                menu.addAction(self.actions_[name])
            else:
                menu.addSeparator()
        button.setMenu(menu)
        button.setPopupMode(ToolButton.ToolButtonPopupMode.InstantPopup)
        return button

    def _grow(self) -> None:
        """Larger text needs wider panes; the reader keeps half of the window."""
        if self.narrow:
            return
        grown = min(max(1.0, theme().scale), 1.6)
        side, middle = round(_LEAST_SIDE * grown), round(_LEAST_LIST * grown)
        room = self.width() // 2
        self.sidebar.setMinimumWidth(max(min(side, room * 2 // 5), self.sidebar.least_width()))
        self.listing.setMinimumWidth(min(middle, room * 3 // 5))

    def _arrange(self) -> None:
        """Which panes are shown, at this width."""
        self.sidebar.set_narrow(self.narrow)
        if self.narrow:
            icons = round(SIDEBAR_ICONS * max(1.0, theme().scale))
            self.sidebar.setFixedWidth(icons)
            self._middle.setSizes([icons, self.width() - icons, self.width() - icons])
        else:
            self.sidebar.setMaximumWidth(420)
            self._grow()
        self.sidebar.setVisible(not self.alone)
        self.listing.setVisible(not self.is_reading())
        self._right.setVisible(not self.narrow or self.is_reading())
        self.back.setVisible(self.narrow or self.alone)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < NARROW_WINDOW
        if narrow != self.narrow:
            self.narrow = narrow
            self._arrange()
            if not narrow:
                self._middle.setSizes([SIDEBAR_WIDTH, LIST_WIDTH, self.width() - SIDEBAR_WIDTH - LIST_WIDTH])
            self.narrowed.emit(narrow)

    def leave(self) -> None:
        """Close it for good, also where closing only hides it."""
        self._leaving, hidden = True, self.isHidden()
        self._leaving = self.close()
        if hidden and self._leaving:  # Qt ends with the last window that is seen to close
            QCoreApplication.quit()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.stays() and not self._leaving:
            QGuiApplication.setQuitOnLastWindowClosed(False)  # a letter's window that closes is not the last
            event.ignore()
            self.hide()
            return
        if not self.may_close():
            event.ignore()
            return
        self.closed.emit()
        super().closeEvent(event)

    def is_reading(self) -> bool:
        """Whether the reader has the list's place (in narrow windows, and for a message in a tab of its own)."""
        return self.alone or (self.narrow and self._reading)
