"""The message list: a table of one column that shows a million rows as easily as ten.

Rules of the file: selection and scroll position survive every refresh; when the current message goes away the next one
takes its place; nothing asks the model for all rows (select-all is one range).  A conversation that moves up, because
somebody answered, stays selected, and what is in sight stays where it is.
"""

from collections.abc import Callable, Sequence

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QItemSelectionRange,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    Qt,
    Signal,
)
from PySide6.QtGui import QContextMenuEvent, QDrag, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractScrollArea,
    QHeaderView,
    QTableView,
    QToolTip,
    QWidget,
)

from mua.gui.columns import Column
from mua.gui.day_rows import is_heading, is_member, message_of
from mua.gui.dragging import Dragged
from mua.gui.hover import act_at, acts_on
from mua.gui.message_cards import CardDelegate, Density, row_height
from mua.gui.message_model import MessageModel
from mua.gui.theme import DAY_ROW, theme
from mua.language import tr
from mua.model.message import MessageId
from mua.records import dataclass

_FLAG = QItemSelectionModel.SelectionFlag
_KEYPAD = Qt.KeyboardModifier.KeypadModifier
_ONE_BY_ONE = 200  # rows that came at once, and are looked through for headings
_SELECTED = 2_000  # selected messages that a reset finds again
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one is in a list: the current message, what is selected, and the message at the upper edge (None: the list
    is at its beginning) with the pixels from the edge to its row.
    """

    current: MessageId | None = None
    selected: tuple[MessageId, ...] = ()
    top: MessageId | None = None
    offset: int = 0


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
    acted = Signal(str, list)
    """A picture at the end of a row was pressed: the deed, and the messages that the row is."""
    selected = Signal(int)
    """How many messages are selected."""
    tab_wanted = Signal(object)
    """The middle button on a message: open it in a tab."""

    def __init__(self, model: MessageModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.messages = model
        self._delegate = CardDelegate(self)
        self.files_of: Callable[[Sequence[MessageId]], list[str]] = lambda _: []
        """Writes messages as files, for who takes files only; some may not be here."""
        self._current: MessageId | None = None
        self._thread = 0
        self._kept: list[MessageId] = []
        self._anchors: list[tuple[int, int]] = []
        self._following: list[int] = []
        self._awaited: Spot | None = None
        """Where to be as soon as that is listed."""
        self._unsized = False
        """Rows came that may hold headings."""
        self._refreshing = False
        """While rows come and go Qt moves the current row as it likes; ``_settle`` has the last word."""
        self.setAccessibleName(tr("Messages"))
        self._plain()
        self.setModel(model)
        self.setItemDelegate(self._delegate)
        self.set_density(Density.CARDS)
        model.modelAboutToBeReset.connect(self._remember)
        model.modelReset.connect(self._restore)
        model.rowsInserted.connect(self._size_new)
        model.refreshing.connect(self._note_followers)
        model.refreshed.connect(self._settle)
        model.refreshed.connect(self._arrive, Qt.ConnectionType.QueuedConnection)  # after whoever scrolls to the top
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

    def set_columns(self, columns: Sequence[Column]) -> None:
        """What a table shows."""
        self._delegate.columns = columns
        self.viewport().update()

    def density(self) -> Density:
        """Which it is."""
        return self._delegate.density

    def current_id(self) -> MessageId | None:
        """The message that the keyboard is on."""
        return self.messages.id_at(self.currentIndex().row())

    def selected_ids(self) -> list[MessageId]:
        """The selected messages, in the order of the list; a folded conversation is all of its messages here."""
        return self.messages.concerns(self._selected_keys())

    def select(self, message_id: int) -> bool:
        """Go to a message (and open its conversation, where that is folded); False when it is not in the list."""
        row = self.messages.row_of(message_id)
        if row >= 0 and self.messages.id_at(row) != message_id and self.messages.unfold(row, True):
            row = self.messages.row_of(message_id)
        if row >= 0:
            again = self.currentIndex().row() == row and self._current == message_id
            self._go(row)
            if again:
                self.chosen.emit(message_id)
        return row >= 0

    def _go(self, row: int) -> None:
        """Make a row the current and only one.  Qt's ``setCurrentIndex`` adds to the selection while Shift or Ctrl is
        held, as it is by who has just pressed a key with it.
        """
        self.selectionModel().setCurrentIndex(self.messages.index(row, 0), _FLAG.ClearAndSelect)

    def go_back(self, message_id: MessageId) -> bool:
        """Go to the row of a message or of its conversation, and leave that as it is; False where neither is listed."""
        row = self.messages.row_of(message_id)
        if row >= 0:
            self._go(row)
            self.scroll_to_current()
        return row >= 0

    def step(self, by: int) -> bool:
        """Go to the next (+1) or the previous (-1) message; False at the end."""
        row = self.currentIndex().row() + by
        while 0 <= row < len(self.messages.rows) and is_heading(self.messages.rows[row]):
            row += by
        if not 0 <= row < len(self.messages.rows):
            return False
        self._go(row)
        return True

    def toggle(self) -> None:
        """Open or fold the conversation that the keyboard is on."""
        row = self.currentIndex().row()
        if not self.messages.unfold(row, True):
            self._unfold(row, False)

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
        elif event.key() in (Qt.Key.Key_Left, Qt.Key.Key_Right) and not event.modifiers() & ~_KEYPAD:
            self._unfold(self.currentIndex().row(), (event.key() == Qt.Key.Key_Right) is not self.isRightToLeft())
        elif event.key() == Qt.Key.Key_Space:
            self.paged.emit()
        elif (
            event.text().isprintable() and event.text() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            event.ignore()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The chip with the count opens and folds, what is drawn below the mouse is done; everything else selects."""
        if event.button() is Qt.MouseButton.MiddleButton:
            event.accept()
            if (pressed := self.messages.id_at(self.indexAt(event.position().toPoint()).row())) is not None:
                self.tab_wanted.emit(pressed)
        elif not self._press_act(event) and not self._press_chip(event):
            before = self._current
            super().mousePressEvent(event)
            plain = event.button() is Qt.MouseButton.LeftButton and not event.modifiers()
            pressed = self.messages.id_at(self.indexAt(event.position().toPoint()).row())
            if (
                plain
                and pressed is not None
                and pressed == before == self._current
                and self._selected_keys() == [pressed]
            ):
                self.chosen.emit(pressed)  # the reader may show something else: a page over it, what is selected

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Two quick clicks on the chip are two clicks."""
        if not self._press_act(event) and not self._press_chip(event):
            super().mouseDoubleClickEvent(event)

    def offer_acts(self) -> None:
        """From now on draw what can be done to the row below the mouse (``acted``)."""
        self._delegate.acts = True

    def act_at(self, place: QPoint) -> tuple[str, str]:
        """The deed that is drawn at a place of the viewport, and what it is called; empty: none."""
        index = self.indexAt(place)
        card = self.messages.card(index.row()) if self.messages.id_at(index.row()) is not None else None
        if card is None or not self._delegate.acts:
            return "", ""
        name = act_at(self.visualRect(index), self.layoutDirection(), place, card)
        return (name, acts_on(card)[name][1]) if name else ("", "")

    def _press_act(self, event: QMouseEvent) -> bool:
        name, _ = self.act_at(event.position().toPoint())
        if not name or event.button() is not Qt.MouseButton.LeftButton:
            return False
        row = self.indexAt(event.position().toPoint()).row()
        event.accept()
        self.acted.emit(name, self.messages.concerns([self.messages.rows[row]]))
        return True

    def viewportEvent(self, event: QEvent) -> bool:
        """Say what a picture does."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), self.act_at(event.pos())[1], self)
            return True
        return super().viewportEvent(event)

    def dragged(self) -> Dragged:
        """What a drag of the selected messages takes along: their ids, and files where somebody wants these."""
        return Dragged(self.selected_ids(), self.files_of)

    def startDrag(self, _: Qt.DropAction) -> None:
        """As any list, but asked for the selection only, whatever its size."""
        drag = QDrag(self)
        drag.setMimeData(self.dragged())
        drag.exec(Qt.DropAction.CopyAction | Qt.DropAction.MoveAction, Qt.DropAction.MoveAction)

    def _press_chip(self, event: QMouseEvent) -> bool:
        index = self.indexAt(event.position().toPoint())
        card = self.messages.card(index.row()) if self.messages.id_at(index.row()) is not None else None
        if card is None or event.button() is not Qt.MouseButton.LeftButton:
            return False
        box = self._delegate.chip(self.visualRect(index), self.layoutDirection(), card)
        if box is None or not box.contains(event.position().toPoint()):
            return False
        self.messages.unfold(index.row(), not card.unfolded)
        event.accept()
        return True

    def _unfold(self, row: int, wanted: bool) -> None:
        """Open the conversation of a row; or fold it, from inside by going to its first message before."""
        model = self.messages
        if not 0 <= row < len(model.rows):
            return
        if not wanted and is_member(model.rows[row]):
            while is_member(model.rows[row]):
                row -= 1
            self._go(row)
        else:
            model.unfold(row, wanted)

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
            self._current, self._awaited = message_id, None
            self.chosen.emit(message_id)

    def selectionChanged(self, selected: QItemSelection, deselected: QItemSelection) -> None:
        """Tell how many are selected."""
        super().selectionChanged(selected, deselected)
        ranges = [(part.top(), part.bottom()) for part in self._ranges()]
        headings = sum(1 for row in self.messages.heading_rows() for top, bottom in ranges if top <= row <= bottom)
        self.selected.emit(sum(bottom - top + 1 for top, bottom in ranges) - headings)

    def _selected_keys(self) -> list[int]:
        rows = self.messages.rows
        ranges = sorted((part.top(), part.bottom()) for part in self._ranges())
        return [key for top, bottom in ranges for key in rows[top : bottom + 1] if not is_heading(key)]

    def few_selected(self) -> list[MessageId]:
        """The message of each selected row; none where they are too many to be found again."""
        few = sum(part.bottom() - part.top() + 1 for part in self._ranges()) <= _SELECTED
        return [MessageId(message_of(key)) for key in self._selected_keys()] if few else []

    def _ranges(self) -> list[QItemSelectionRange]:
        selection = self.selectionModel().selection()
        return [selection[place] for place in range(len(selection))]  # type: ignore[index,arg-type]

    # ---- refreshes
    def _note_followers(self) -> None:
        """Note what must not be lost: the rows in sight, the selection, and which messages follow the current one."""
        self._refreshing = True
        row = self.messages.row_of(self._current) if self._current is not None else -1
        rows = self.messages.rows
        after = [key for key in rows[row + 1 : row + 200] if not is_heading(key)] if row >= 0 else []
        before = [key for key in reversed(rows[max(0, row - 20) : row]) if not is_heading(key)] if row >= 0 else []
        self._following = [message_of(key) for key in (*after, *before)]
        thread = self.messages.thread_of(self._current) if self._current is not None else 0
        self._thread = thread if self.messages.is_folded(thread) else 0
        self._kept = self.few_selected() if self.messages.source.grouped else []
        self._anchors = self._in_sight() if self.verticalScrollBar().value() > 0 else []

    def _in_sight(self) -> list[tuple[int, int]]:
        """The keys of the rows that are in sight, and where they are."""
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        last = last if last >= 0 else len(self.messages.rows) - 1
        seen = range(first, last + 1) if first >= 0 else ()
        return [(self.messages.rows[row], self.rowViewportPosition(row)) for row in seen]

    def _remember(self) -> None:
        """What a reset must not lose: the message at the top, the selection."""
        row = self.rowAt(0)
        row += self.messages.id_at(row) is None  # a heading may not be there any more; the message below it may
        self._top = (self.messages.id_at(row), self.rowViewportPosition(row))
        self._kept = self.few_selected()
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
        """After a refresh: headings have their size, what was in sight is there, what moved is selected there.

        Where the current message went away, the conversation that it was of, or what followed it, is next.
        """
        self._refreshing = False
        if self._unsized:
            self._size_headings()
        self._scroll_to_anchor()
        if self._current is None:
            return
        row = self.messages.row_of(self._current)
        if row >= 0:
            self._follow(row)
            return
        heirs = self._following
        self._following = []
        self._current = None
        rest = self.messages.row_of_thread(self._thread)
        rows = (
            [rest, *(self.messages.row_of(heir) for heir in heirs)] if rest >= 0 else map(self.messages.row_of, heirs)
        )
        row = next((one for one in rows if one >= 0), -1)
        if row >= 0:
            self._go(row)
        else:
            self.clearSelection()
            self.chosen.emit(None)

    def _follow(self, row: int) -> None:
        """Rows that moved (up, by an answer) are removed and inserted to Qt, which forgets that they were selected."""
        if self.currentIndex().row() == row and not self.messages.source.grouped:
            return
        if self.currentIndex().row() != row:
            self._refreshing = True  # it is read already, wherever its row is
            self.setAutoScroll(False)
            self.selectionModel().setCurrentIndex(self.messages.index(row, 0), _FLAG.NoUpdate)
            self.setAutoScroll(True)
            self._refreshing = False
        selected = set(self.few_selected())
        for one in self._kept:
            kept = self.messages.row_of(one) if one not in selected else -1
            if kept >= 0:
                self.selectionModel().select(self.messages.index(kept, 0), _FLAG.Select)

    def _scroll_to_anchor(self) -> None:
        """Put the first row that is still there where it was."""
        for key, top in self._anchors:
            row = self.messages.row_of_key(key)
            if row >= 0:
                if self.rowViewportPosition(row) != top:
                    self.updateGeometries()
                    self.verticalScrollBar().setValue(self.verticalHeader().sectionPosition(row) - top)
                return

    def scroll_to_current(self) -> None:
        """Bring the current row into sight, after another order is shown."""
        if self.currentIndex().isValid():
            self.scrollTo(self.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)

    def forget_current(self) -> None:
        """Start anew: another place is shown."""
        self._current = self._awaited = None
        self.clearSelection()

    # ---- leaving and coming back
    def spot(self) -> Spot:
        """Where one is, to be there again (``return_to``)."""
        if self._awaited is not None:
            return self._awaited
        row = self.rowAt(0) if self.verticalScrollBar().value() > 0 else -1
        row += row >= 0 and self.messages.id_at(row) is None  # a heading may not be there any more
        return Spot(self._current, tuple(self.few_selected()), self.messages.id_at(row), self.rowViewportPosition(row))

    def return_to(self, spot: Spot) -> None:
        """Be there again, now or when that much of the list has been read; it is not told as a choice (``chosen``)."""
        self._awaited = spot
        self._arrive()

    def _arrive(self) -> None:
        spot, model = self._awaited, self.messages
        if spot is None or model.wanted is not model.source:
            return
        if model.seeking and any(model.row_of(one) < 0 for one in (spot.current, spot.top) if one is not None):
            return
        self._awaited = None
        selection = QItemSelection()
        for row in map(model.row_of, spot.selected):
            if row >= 0:
                selection.select(model.index(row, 0), model.index(row, 0))
        row = model.row_of(spot.current) if spot.current is not None else -1
        if row >= 0:
            self._current = model.id_at(row)  # of a conversation that was open its first message
            self.selectionModel().setCurrentIndex(model.index(row, 0), _FLAG.NoUpdate)
        self.selectionModel().select(selection, _FLAG.ClearAndSelect)
        self._top = (spot.top, spot.offset)
        self._scroll_back()

    def _size_new(self, _: QModelIndex, first: int, last: int) -> None:
        """Headings among rows that came; where they are many they are sized together (``_settle``)."""
        self._unsized = self._unsized or last - first > _ONE_BY_ONE
        if not self._unsized:
            news = [row for row in range(first, last + 1) if is_heading(self.messages.rows[row])]
            if news:
                self._size(news, self._heading_height())

    def _heading_height(self) -> int:
        return round(DAY_ROW * max(1.0, theme().scale))

    def _size_headings(self) -> None:
        self._unsized = False
        self._size(self.messages.heading_rows(), self._heading_height())

    def _size(self, rows: list[int], height: int) -> None:
        """Give rows a height; without updates, or the header finds every place anew for each of them."""
        header = self.verticalHeader()
        header.setUpdatesEnabled(False)
        for row in rows:
            if header.sectionSize(row) != height:
                header.resizeSection(row, height)
        header.setUpdatesEnabled(True)
