"""The left pane: New message, the unified views, each account with its folders, and one line that says how things are.

Rules of the file: a flat list of visible entries (a few hundred at most); counts come from the folders' own counters;
an account's trouble is shown at its name, never in a dialog.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragMoveEvent,
    QDropEvent,
    QFontMetrics,
    QMouseEvent,
    QPainter,
    QPen,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QListView,
    QProgressBar,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from mua.gui import words
from mua.gui.message_cards import Pen, by_keyboard
from mua.gui.message_model import MESSAGE_IDS
from mua.gui.places import ROLE_NAMES, SAVED_NAMES, Place
from mua.gui.theme import BASE, FOLDER_ROW, HEADING_ROW, META, NORMAL, SEMIBOLD, theme
from mua.gui.widgets import Button, ElidedLabel, IconLabel, ToolButton
from mua.gui.words import shown
from mua.language import tr
from mua.model.account import Account
from mua.model.folder import Folder, FolderId, Role, Space
from mua.model.kept_search import KeptSearch
from mua.records import dataclass
from mua.store.read import Saved

_NOTE = 14  # pixels of an account's second line
_MARGIN = 12  # pixels beside the button on top
ENTRY = Qt.ItemDataRole.UserRole + 1
FOLDER_ID = "application/x-mua-folder"
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: a heading (``place`` None) or something to show."""

    text: str
    icon: str = ""
    place: Place | None = None
    count: int = 0
    loud: bool = False
    """The count means unread mail in an inbox."""
    indent: int = 0
    account: int = 0
    collapsed: bool = False
    problem: str = ""
    passing: bool = False
    """The problem needs nobody: it is tried again by itself."""
    outbox: bool = False
    scheduled: bool = False
    """Of the outbox, what goes later."""
    note: str = ""
    """Of an account: when it was last checked, or what it is doing."""
    colour: str = ""
    """Of an account, where it has one: "#rrggbb"."""

    @property
    def heading(self) -> bool:
        """Whether it is only a heading."""
        return self.place is None and not self.outbox

    def spoken(self) -> str:
        """What a screen reader says."""
        parts = [self.text]
        if self.heading:
            parts.append(
                tr("account, collapsed") if self.collapsed else tr("account") if self.account else tr("heading")
            )
        if self.count:
            unread = self.loud or (self.place is not None and bool(self.place.search))
            parts.append(tr("{number:,} unread", number=self.count) if unread else words.count(self.count, "message"))
        return ", ".join([*parts, *(one for one in (self.note, self.problem) if one)])


def entries(
    accounts: Iterable[Account],
    folders: Iterable[Folder],
    counts: dict[Saved, int],
    collapsed: frozenset[int] = frozenset(),
    problems: dict[int, str] | None = None,
    waiting: int = 0,
    notes: dict[int, str] | None = None,
    passing: frozenset[int] = frozenset(),
    scheduled: int = 0,
    searches: Iterable[tuple[KeptSearch, int]] = (),
) -> list[Entry]:
    """Every line of the sidebar, in order.

    ``searches``: those that are kept, with how many messages of each are unread.
    ``waiting``: messages in the outbox that are not finished; ``scheduled``: those apart that go later.
    ``passing``: the accounts whose problems need nobody.
    """
    lines = [Entry(tr("Favourites"))]
    for saved, (name, picture) in SAVED_NAMES.items():
        loud = saved in (Saved.ALL_INBOXES, Saved.UNREAD)
        lines.append(
            Entry(name, picture, Place(saved=saved), counts.get(saved, 0) if loud else 0, saved is Saved.ALL_INBOXES)
        )
    lines += [Entry(shown(kept.name, 80), "search", Place(search=kept.query), number) for kept, number in searches]
    if waiting:
        lines.append(Entry(tr("Outbox"), "clock", None, waiting, outbox=True))
    if scheduled:
        lines.append(Entry(tr("Scheduled"), "calendar", None, scheduled, outbox=True, scheduled=True))
    by_account: dict[int, list[Folder]] = {}
    for folder in folders:
        by_account.setdefault(folder.account_id, []).append(folder)
    for account in accounts:
        shut = account.id in collapsed
        problem = (problems or {}).get(account.id, "")
        title = shown(account.name or account.email, 80)
        note = (notes or {}).get(account.id, "")
        calm = account.id in passing
        lines.append(
            Entry(
                title,
                account=account.id,
                collapsed=shut,
                problem=problem,
                passing=calm,
                note=note,
                colour=account.habits.colour,
            )
        )
        if not shut:
            lines += _folder_entries([one for one in by_account.get(account.id, ()) if one.selectable])
    return lines


def _folder_entries(folders: Iterable[Folder]) -> list[Entry]:
    """Our own folders, then those of other people under their owners' names."""
    lines: list[Entry] = []
    owner = ""
    for folder in sorted(folders, key=lambda one: (one.space, one.owner)):
        if folder.owner != owner:
            owner = folder.owner
            title = (
                tr("Shared by {owner}", owner=shown(owner, 60))
                if folder.space is Space.OTHERS
                else tr("Shared: {owner}", owner=shown(owner, 60))
            )
            lines.append(Entry(title))
        lines.append(_folder_entry(folder))
    return lines


def _folder_entry(folder: Folder) -> Entry:
    inner = folder.inner
    leaf = inner.rsplit(folder.delimiter, 1)[-1] if folder.delimiter else inner
    name, picture = ROLE_NAMES.get(folder.role, (shown(leaf, 120), "folder"))
    depth = 0 if folder.role else inner.count(folder.delimiter) if folder.delimiter else 0
    if depth and inner.upper().startswith("INBOX" + folder.delimiter):
        depth -= 1
    number = folder.total if folder.role is Role.DRAFTS else 0 if folder.role is Role.TRASH else folder.unread
    return Entry(
        name,
        picture,
        Place(folder=folder.id),
        number,
        loud=folder.role is Role.INBOX,
        indent=min(depth, 5),
        problem=folder.problem,
        account=folder.account_id,
    )


def _bare(entry: Entry) -> Entry:
    """What makes it this line: not what is counted or told of it."""
    return replace(entry, count=0, problem="", passing=False, note="·" if entry.note else "")


def _folder_of(index: Index) -> FolderId | None:
    """The folder of a line, where it is one."""
    entry = index.data(ENTRY)
    return entry.place.folder if entry is not None and entry.place is not None else None


class SidebarModel(QAbstractListModel):
    """The lines as a model."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.entries: list[Entry] = []

    def show(self, entries: list[Entry]) -> None:
        """Show other lines; where only counts differ, nothing else moves."""
        if [_bare(one) for one in self.entries] == [_bare(one) for one in entries]:
            differ = [row for row, pair in enumerate(zip(self.entries, entries, strict=True)) if pair[0] != pair[1]]
            self.entries = entries
            for row in differ:
                self.dataChanged.emit(self.index(row), self.index(row))
            return
        self.beginResetModel()
        self.entries = entries
        self.endResetModel()

    def row_of(self, place: Place) -> int:
        """The line of a place, or -1."""
        return next((row for row, entry in enumerate(self.entries) if entry.place == place), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not 0 <= index.row() < len(self.entries):
            return None
        entry = self.entries[index.row()]
        if role == ENTRY:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return entry.spoken()
        if role == Qt.ItemDataRole.ToolTipRole:
            parts = (entry.text, entry.note, entry.problem) if entry.heading else (entry.problem or entry.text,)
            return words.tip("\n".join(part for part in parts if part))
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        flag = Qt.ItemFlag
        if not index.isValid():
            return flag.NoItemFlags
        if self.entries[index.row()].heading:
            return flag.ItemIsEnabled
        usual = flag.ItemIsEnabled | flag.ItemIsSelectable | flag.ItemIsDropEnabled
        return usual | flag.ItemIsDragEnabled if _folder_of(index) else usual

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        data.setData(FOLDER_ID, str(_folder_of(indexes[0]) or "").encode())
        return data


class SidebarDelegate(QStyledItemDelegate):
    """Paints the lines; ``narrow`` shows icons only."""

    narrow = False

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        entry = index.data(ENTRY)
        height = HEADING_ROW if entry is not None and entry.heading else FOLDER_ROW
        if entry is not None and entry.note:
            height += _NOTE
        if self.narrow and entry is not None and entry.heading:
            height = 14
        return QSize(60, theme().grown(height))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        entry = index.data(ENTRY)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = Pen(painter, option)
        if entry.heading:
            self._heading(pen, entry)
        else:
            self._line(pen, entry, option)
        painter.restore()

    def _heading(self, pen: Pen, entry: Entry) -> None:
        if self.narrow:
            return
        area = pen.area
        note = theme().grown(_NOTE) if entry.note else 0
        rect = area.adjusted(16, 12, -40, -note)
        if note:
            below = QRect(rect.left(), rect.bottom() - 6, rect.width() + 24, note + 2)
            pen.text(below, entry.note, theme().font(META), "tertiary")
        if entry.colour:
            side = theme().grown(8)
            dot = pen.place(QRect(rect.left(), rect.top() + (rect.height() - side) // 2, side, side))
            pen.painter.setPen(Qt.PenStyle.NoPen)
            pen.painter.setBrush(QColor(entry.colour))
            pen.painter.drawEllipse(QRectF(dot))
            rect = rect.adjusted(side + 6, 0, 0, 0)
        pen.text(rect, entry.text, theme().font(META, SEMIBOLD), "tertiary")
        if entry.problem:
            name, role = ("wifi-off", "tertiary") if entry.passing else ("circle-alert", "on_danger")
            pen.icon(area.right() - 30, rect.top() + (rect.height() - 14) // 2, name, role)
        elif entry.account and entry.collapsed:
            pen.icon(area.right() - 30, rect.top() + (rect.height() - 14) // 2, "chevron-right", "tertiary")

    def _line(self, pen: Pen, entry: Entry, option: QStyleOptionViewItem) -> None:
        area = pen.area
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        box = QRectF(area.adjusted(8, 1, -8, -1))
        if selected or option.state & QStyle.StateFlag.State_MouseOver:
            pen.painter.setOpacity(1.0 if selected else 0.55)
            pen.disc(box, "side_selection", 8)
            pen.painter.setOpacity(1.0)
        if option.state & QStyle.StateFlag.State_HasFocus and by_keyboard(option.widget):
            pen.painter.setBrush(Qt.BrushStyle.NoBrush)
            pen.painter.setPen(QPen(theme().colour("accent"), 1.2))
            pen.painter.drawRoundedRect(box.adjusted(0.6, 0.6, -0.6, -0.6), 8, 8)
        side = theme().grown(18)
        middle = area.top() + (area.height() - side) // 2
        indent = 0 if self.narrow else entry.indent * 14
        left = area.left() + (21 if self.narrow else 18 + indent)
        pen.icon(left, middle, entry.icon, "accent" if selected else "secondary", side)
        loud = bool(entry.loud and entry.count)
        if self.narrow:
            if loud:
                pen.disc(QRectF(pen.place(QRect(left + side - 4, middle - 1, 7, 7))), "accent", 3.5)
            return
        width = self._number(pen, entry, loud)
        name = QRect(left + side + 10, area.top(), area.right() - 34 - width - left - side, area.height())
        pen.text(name, entry.text, theme().font(BASE, SEMIBOLD if selected or loud else NORMAL), "text")

    def _number(self, pen: Pen, entry: Entry, loud: bool) -> int:
        area, font = pen.area, theme().font(META, SEMIBOLD)
        number = f"{entry.count:,}" if entry.count else ""
        width = QFontMetrics(font).horizontalAdvance(number) + 4
        rect = QRect(area.right() - 16 - width, area.top(), width, area.height())
        pen.text(rect, number, font, "accent" if loud else "tertiary", end=True)
        return width


class FolderList(QListView):
    """The lines as a view: folders are chosen and sorted, headings collapse, messages can be dropped on folders."""

    menu_wanted = Signal(object, object)
    """(Entry, global position) of a context menu."""
    dropped = Signal(list, object)
    """(message ids, FolderId) when messages are dropped on a folder."""
    sorted_ = Signal(object, object)
    """(FolderId, FolderId) when a folder is dragged to where another one is."""
    tab_wanted = Signal(object)
    """The middle button on a Place: open it in a tab."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Folders"))
        self.setMouseTracking(True)
        self.setUniformItemSizes(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAcceptDrops(True)
        self.setDragEnabled(True)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.viewport().setAutoFillBackground(False)

    def moveCursor(self, action: QAbstractItemView.CursorAction, modifiers: Qt.KeyboardModifier) -> QModelIndex:
        """Never onto a heading."""
        index = super().moveCursor(action, modifiers)
        up = action in (QAbstractItemView.CursorAction.MoveUp, QAbstractItemView.CursorAction.MovePageUp)
        while index.isValid() and index.data(ENTRY).heading:
            index = index.siblingAtRow(index.row() + (-1 if up else 1))
        return index if index.isValid() else self.currentIndex()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """The other buttons ask what can be done with a folder, or open a tab; they do not leave what is listed."""
        entry = self.indexAt(event.position().toPoint()).data(ENTRY)
        if event.button() is Qt.MouseButton.MiddleButton and entry is not None and entry.place is not None:
            self.tab_wanted.emit(entry.place)
        if event.button() in (Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
            event.accept()
        else:
            super().mousePressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Of the line below the mouse, or of the chosen one."""
        by_mouse = event.reason() is QContextMenuEvent.Reason.Mouse
        index = self.indexAt(event.pos()) if by_mouse else self.currentIndex()
        if index.isValid():
            place = event.globalPos() if by_mouse else self.viewport().mapToGlobal(self.visualRect(index).center())
            self.menu_wanted.emit(index.data(ENTRY), place)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(MESSAGE_IDS) or event.mimeData().hasFormat(FOLDER_ID):
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        event.setAccepted(self._target(event) is not None)

    def dropEvent(self, event: QDropEvent) -> None:
        target = self._target(event)
        if target is not None and event.mimeData().hasFormat(FOLDER_ID):
            what = bytes(event.mimeData().data(FOLDER_ID).data())
            if what.isdigit():
                self.sorted_.emit(FolderId(int(what)), target)
                event.acceptProposedAction()
        elif target is not None:
            ids = [int(one) for one in bytes(event.mimeData().data(MESSAGE_IDS).data()).decode().split(",") if one]
            self.dropped.emit(ids, target)
            event.acceptProposedAction()

    def _target(self, event: QDropEvent) -> FolderId | None:
        return _folder_of(self.indexAt(event.position().toPoint()))


class StatusLine(QWidget):
    """One line at the bottom: how things are; and a bar while there is progress to show."""

    def __init__(self) -> None:
        super().__init__()
        self._icon = IconLabel("circle-check", "tertiary", 14)
        self._text = ElidedLabel("", META, "tertiary")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(tr("Progress"))
        self.contacts = ToolButton("users", tr("Contacts"), key="G, C")
        self.settings = ToolButton("settings", tr("Settings"))
        self._row = row = QHBoxLayout()
        row.setContentsMargins(18, 0, 10, 0)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self.contacts)
        row.addWidget(self.settings)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        bar = QHBoxLayout()
        bar.setContentsMargins(18, 0, 18, 0)
        bar.addWidget(self._bar)
        column.addLayout(bar)
        column.addLayout(row)
        self._bar.hide()

    def say(self, text: str, icon_name: str = "circle-check", role: str = "tertiary") -> None:
        """Show a state."""
        self._icon.show_icon(icon_name, role)
        self._text.setText(text)
        self._bar.hide()

    def progress(self, text: str, done: int, total: int) -> None:
        """Show progress with an end."""
        self._icon.show_icon("refresh-cw", "tertiary")
        self._text.setText(text)
        self._bar.setRange(0, max(1, total))
        self._bar.setValue(done)
        self._bar.show()

    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def set_narrow(self, narrow: bool) -> None:
        """Icons only, one above the other."""
        self._row.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        for button in (self.contacts, self.settings):
            self._row.setAlignment(button, Qt.AlignmentFlag.AlignCenter)
        self._row.setContentsMargins(0 if narrow else 18, 0, 0 if narrow else 10, 0)
        self._text.setVisible(not narrow)
        self._icon.setVisible(not narrow)


class Sidebar(QFrame):
    """The pane."""

    chosen = Signal(object)
    """A Place was chosen."""
    outbox_chosen = Signal(bool)
    """True: what goes later."""
    collapsed = Signal(int)
    """An account's heading was clicked (account id)."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("side")
        self.model = SidebarModel(self)
        self.folders = FolderList()
        self._delegate = SidebarDelegate(self.folders)
        self.folders.setItemDelegate(self._delegate)
        self.folders.setModel(self.model)
        self.compose = Button(tr("New message"), "square-pen", "primary")
        self.compose_small = ToolButton("square-pen", tr("New message"))
        self.compose_small.show_icon("square-pen", "accent")
        self.compose_small.hide()
        self.status = StatusLine()
        self._place: Place | None = None
        top = QHBoxLayout()
        top.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        top.addWidget(self.compose)
        top.addWidget(self.compose_small, 0, Qt.AlignmentFlag.AlignHCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 8)
        column.setSpacing(6)
        column.addLayout(top)
        column.addWidget(self.folders, 1)
        column.addWidget(self.status)
        self.folders.selectionModel().currentChanged.connect(self._moved)
        self.folders.clicked.connect(self._clicked)

    def least_width(self) -> int:
        """Pixels that the button on top needs to be whole."""
        return self.compose.sizeHint().width() + 2 * _MARGIN

    def fill(self, entries: list[Entry]) -> None:
        """Show other lines; the chosen place stays chosen."""
        self.model.show(entries)
        if self._place is not None:
            self.choose(self._place)

    def tell(self, notes: dict[int, str]) -> None:
        """What each account is doing has changed, and nothing else."""
        told = [
            replace(one, note=notes.get(one.account, "")) if one.heading and one.account else one
            for one in self.model.entries
        ]
        if told != self.model.entries:
            self.fill(told)

    def choose(self, place: Place) -> bool:
        """Mark a place as the chosen one (without telling); False when it is not listed."""
        row = self.model.row_of(place)
        self._place = place
        if row >= 0 and self.folders.currentIndex().row() != row:
            self.folders.setCurrentIndex(self.model.index(row))
        return row >= 0

    def set_narrow(self, narrow: bool) -> None:
        """Icons only."""
        if self._delegate.narrow != narrow:
            self._delegate.narrow = narrow
            self.compose.setVisible(not narrow)
            self.compose_small.setVisible(narrow)
            self.status.set_narrow(narrow)
            self.folders.scheduleDelayedItemsLayout()

    def _moved(self, current: QModelIndex, _: QModelIndex) -> None:
        entry = current.data(ENTRY)
        if entry is not None and entry.place is not None and entry.place != self._place:
            self._place = entry.place
            self.chosen.emit(entry.place)

    def _clicked(self, index: QModelIndex) -> None:
        entry = index.data(ENTRY)
        if entry.outbox:
            self.outbox_chosen.emit(entry.scheduled)
        elif entry.heading and entry.account:
            self.collapsed.emit(entry.account)
