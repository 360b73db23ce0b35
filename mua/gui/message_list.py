"""The message list: a table of one column that shows a million rows as easily as ten.

Rules of the file: selection and scroll position survive every refresh; when the current message goes away the next one
takes its place; nothing asks the model for all rows (select-all is one range).
"""

from PySide6.QtCore import (
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QHeaderView,
    QTableView,
    QWidget,
)

from mua.gui.day_rows import is_heading
from mua.gui.message_cards import CardDelegate, Density, row_height
from mua.gui.message_model import MessageModel
from mua.gui.theme import DAY_ROW, theme
from mua.model.message import MessageId

_FLAG = QItemSelectionModel.SelectionFlag
_SELECTED = 2_000  # selected messages that a reset finds again
Index = QModelIndex | QPersistentModelIndex


class MessageList(QTableView):
    """The rows themselves."""

    chosen = Signal(object)
    """The message to read (MessageId), or None."""
    opened = Signal(object)
    """Enter or double click on a message."""
    menu_wanted = Signal(object)
    """A context menu, at this global position."""
    paged = Signal()
    """Space: a page further in the message."""
    selected = Signal(int)
    """How many messages are selected."""

    def __init__(self, model: MessageModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.messages = model
        self._delegate = CardDelegate(self)
        self._current: MessageId | None = None
        self._following: list[int] = []
        self._refreshing = False
        """While rows come and go Qt moves the current row as it likes; ``_settle`` has the last word."""
        self.setAccessibleName("Messages")
        self._plain()
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self.set_density(Density.CARDS)
        model.modelAboutToBeReset.connect(self._remember)
        model.modelReset.connect(self._restore)
        model.refreshing.connect(self._note_followers)
        model.refreshed.connect(self._settle)
        self.doubleClicked.connect(lambda index: self.opened.emit(model.id_at(index.row())))

    def _plain(self) -> None:
        """A table without anything of a table."""
        self.horizontalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setMinimumSectionSize(10)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(10)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setShowGrid(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)

    def set_density(self, density: Density) -> None:
        """Cards, compact or table."""
        self._delegate.density = density
        self.verticalHeader().setDefaultSectionSize(row_height(density))
        self.verticalScrollBar().setSingleStep(row_height(density) // 2)
        self._size_headings()
        self.viewport().update()

    def density(self) -> Density:
        """Which it is."""
        return self._delegate.density

    def current_id(self) -> MessageId | None:
        """The message that the keyboard is on."""
        return self.messages.id_at(self.currentIndex().row())

    def selected_ids(self) -> list[MessageId]:
        """The selected messages, in the order of the list."""
        rows = self.messages.rows
        ranges = sorted((part.top(), part.bottom()) for part in self._ranges())
        return [MessageId(key) for top, bottom in ranges for key in rows[top : bottom + 1] if not is_heading(key)]

    def select(self, message_id: int) -> bool:
        """Go to a message; False when it is not in the list."""
        row = self.messages.row_of(message_id)
        if row >= 0:
            self.setCurrentIndex(self.messages.index(row, 0))
        return row >= 0

    def step(self, by: int) -> bool:
        """Go to the next (+1) or the previous (-1) message; False at the end."""
        row = self.currentIndex().row() + by
        while 0 <= row < len(self.messages.rows) and is_heading(self.messages.rows[row]):
            row += by
        if not 0 <= row < len(self.messages.rows):
            return False
        self.setCurrentIndex(self.messages.index(row, 0))
        return True

    def selectAll(self) -> None:
        """One range, whatever the size."""
        last = len(self.messages.rows) - 1
        if last >= 0:
            whole = QItemSelection(self.messages.index(0, 0), self.messages.index(last, 0))
            self.selectionModel().select(whole, _FLAG.ClearAndSelect)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """As the table does, but never onto a heading."""
        index = super().moveCursor(action, modifiers)
        rows = self.messages.rows
        up = action in (QAbstractItemView.CursorAction.MoveUp, QAbstractItemView.CursorAction.MovePageUp)
        row, by = index.row(), -1 if up else 1
        while 0 <= row < len(rows) and is_heading(rows[row]):
            row += by
        return self.messages.index(row, 0) if 0 <= row < len(rows) else self.currentIndex()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens; letters are the window's business, not a search by first letter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(self.current_id())
        elif event.key() == Qt.Key.Key_Space:
            self.paged.emit()
        elif (
            event.text().isprintable() and event.text() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """On the selection; a right click beside it selects first."""
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        row = self.indexAt(event.pos()).row() if by_mouse else self.currentIndex().row()
        if self.messages.id_at(row) is not None:
            place = (
                event.globalPos()
                if by_mouse
                else self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).center())
            )
            self.menu_wanted.emit(place)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """As a plain area does: getting the keyboard chooses no message (and so marks none as read)."""
        QAbstractScrollArea.focusInEvent(self, event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Repaint the focus frame."""
        super().focusOutEvent(event)
        self.viewport().update()

    def currentChanged(self, current: Index, previous: Index) -> None:
        """Tell which message to read."""
        super().currentChanged(current, previous)
        message_id = self.messages.id_at(current.row())
        if not self._refreshing and message_id is not None and message_id != self._current:
            self._current = message_id
            self.chosen.emit(message_id)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Tell how many are selected."""
        super().selectionChanged(selected, deselected)
        ranges = [(part.top(), part.bottom()) for part in self._ranges()]
        headings = sum(1 for row in self.messages.heading_rows() for top, bottom in ranges if top <= row <= bottom)
        self.selected.emit(sum(bottom - top + 1 for top, bottom in ranges) - headings)

    def _ranges(self) -> list[QItemSelectionRange]:
        selection = self.selectionModel().selection()
        return [selection[place] for place in range(len(selection))]  # type: ignore[index,arg-type]

    # ---- refreshes
    def _note_followers(self) -> None:
        """Note which messages follow the current one, in case it goes away."""
        self._refreshing = True
        row = self.messages.row_of(self._current) if self._current is not None else -1
        rows = self.messages.rows
        after = [key for key in rows[row + 1 : row + 200] if not is_heading(key)] if row >= 0 else []
        before = [key for key in reversed(rows[max(0, row - 20) : row]) if not is_heading(key)] if row >= 0 else []
        self._following = [*after, *before]

    def _remember(self) -> None:
        """What a reset must not lose: the message at the top, the selection."""
        row = self.rowAt(0)
        row += self.messages.id_at(row) is None  # a heading may not be there any more; the message below it may
        self._top = (self.messages.id_at(row), self.rowViewportPosition(row))
        few = sum(part.bottom() - part.top() + 1 for part in self._ranges()) <= _SELECTED
        self._kept = self.selected_ids() if few else []
        self._sized = self.messages.heading_rows()

    def _restore(self) -> None:
        model = self.messages
        self._size([row for row in self._sized if row < len(model.rows)], row_height(self._delegate.density))
        self._size_headings()
        current = model.row_of(self._current) if self._current is not None else -1
        selection = QItemSelection()
        for row in map(model.row_of, self._kept):
            if row >= 0:
                selection.select(model.index(row, 0), model.index(row, 0))
        if current >= 0:
            self.selectionModel().setCurrentIndex(model.index(current, 0), _FLAG.NoUpdate)
        elif not self._refreshing:
            self._current = None
        self.selectionModel().select(selection, _FLAG.ClearAndSelect)
        self._scroll_back()

    def _scroll_back(self) -> None:
        key, offset = self._top
        row = self.messages.row_of(key) if key is not None else -1
        if row >= 0:
            self.updateGeometries()
            self.verticalScrollBar().setValue(self.verticalHeader().sectionPosition(row) - offset)

    def _settle(self) -> None:
        """After a refresh: headings have their size, and a message that went away has a successor."""
        self._refreshing = False
        self._size_headings()
        if self._current is not None and self.messages.row_of(self._current) < 0:
            heirs = self._following
            self._following = []
            self._current = None
            if not any(self.select(heir) for heir in heirs):
                self.clearSelection()
                self.chosen.emit(None)

    def forget_current(self) -> None:
        """Start anew: another place is shown."""
        self._current = None
        self.clearSelection()

    def _size_headings(self) -> None:
        self._size(self.messages.heading_rows(), round(DAY_ROW * max(1.0, theme().scale)))

    def _size(self, rows: list[int], height: int) -> None:
        """Give rows a height; without updates, or the header finds every place anew for each of them."""
        header = self.verticalHeader()
        header.setUpdatesEnabled(False)
        for row in rows:
            if header.sectionSize(row) != height:
                header.resizeSection(row, height)
        header.setUpdatesEnabled(True)
