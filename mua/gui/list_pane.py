"""The middle pane: search field, title, filter chips, banner, and the message list or the reason why it is empty."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QMenu, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from mua.gui import words
from mua.gui.columns import Column, ColumnHeader
from mua.gui.icons import icon
from mua.gui.in_sight import InSight
from mua.gui.message_cards import Density
from mua.gui.message_list import MessageList
from mua.gui.message_model import MessageModel
from mua.gui.notices import Banner, EmptyState, RestLine
from mua.gui.places import Source
from mua.gui.theme import SECONDARY, TITLE, theme
from mua.gui.widgets import Chip, ElidedLabel, Label, SearchField, ToolButton
from mua.language import tr
from mua.model.sort import NEWEST_FIRST, By, Sort, usual
from mua.model.tag import TAGS, Tag, tag_of
from mua.records import dataclass
from mua.store.read import Chosen, Filter, OnlyTag

_ROOM_FOR_TITLE = 120  # pixels at the usual text size
_DENSITIES = (
    (Density.CARDS, tr("Cards"), "layout-list"),
    (Density.COMPACT, tr("Compact"), "rows-3"),
    (Density.TABLE, tr("Table"), "table-2"),
)
_LACKING = {
    Filter.ALL: tr("of all"),
    Filter.UNREAD: tr("unread"),
    Filter.STARRED: tr("starred"),
    Filter.ATTACHMENTS: tr("with an attachment"),
    Filter.KNOWN: tr("from people you wrote to"),
}
_NAMES = {
    Filter.ALL: tr("All"),
    Filter.UNREAD: tr("Unread"),
    Filter.STARRED: tr("Starred"),
    Filter.ATTACHMENTS: tr("Attachments"),
    Filter.KNOWN: tr("Known"),
}
_PICTURES = {
    Filter.ALL: "list",
    Filter.UNREAD: "mail-open",
    Filter.STARRED: "star",
    Filter.ATTACHMENTS: "paperclip",
    Filter.KNOWN: "users",
}
SORT_NAMES = {
    By.DATE: tr("Date"),
    By.FROM: tr("Sender"),
    By.SUBJECT: tr("Subject"),
    By.SIZE: tr("Size"),
    By.UNREAD: tr("Unread"),
}
SORT_WAYS = {  # down, up
    By.DATE: (tr("Newest first"), tr("Oldest first")),
    By.FROM: (tr("Z to A"), tr("A to Z")),
    By.SUBJECT: (tr("Z to A"), tr("A to Z")),
    By.SIZE: (tr("Largest first"), tr("Smallest first")),
    By.UNREAD: (tr("Unread first"), tr("Read first")),
}


@dataclass(frozen=True, slots=True)
class Emptiness:
    """Why a list is empty and what to do about it."""

    icon: str
    title: str
    hint: str


class ListPane(QFrame):
    """The pane.  ``searched`` fires as the person types; ``filtered`` when a chip is chosen."""

    searched = Signal(str)
    filtered = Signal(object)
    density_chosen = Signal(object)
    grouping_chosen = Signal(bool)
    """A row for each conversation (or for each message)."""
    sort_chosen = Signal(object)
    """A ``Sort``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("list")
        self.model = MessageModel(Source(None), self)
        self.view = MessageList(self.model)
        self.search = SearchField()
        self.banner = Banner(stacked=True)
        self.banner.hide()
        self.rest = RestLine()
        self.back = ToolButton("chevron-left", tr("Leave the search"))
        self.back.hide()
        self._title = ElidedLabel("", TITLE, bold=True)
        self._count = Label("", SECONDARY, "tertiary")
        self._chips = {one: Chip(_NAMES[one]) for one in (Filter.ALL, Filter.UNREAD, Filter.STARRED)}
        self._other = Chip("")
        self._tags: tuple[Tag, ...] = TAGS
        self._other_filter: Chosen | None = None
        self._tag_menu = QMenu(tr("Only with the tag"), self)
        self.in_sight = InSight()
        """What a person pinned, and what came back."""
        self._empty = EmptyState("inbox", "", "")
        self._empty.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._emptiness = Emptiness("inbox", tr("Nothing here"), "")
        self._sort = NEWEST_FIRST
        self._sort_actions = QActionGroup(self)
        self._way_actions = QActionGroup(self)
        self.header = ColumnHeader()
        self.header.hide()
        self.header.sorted_by.connect(self.sort_chosen)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.view)
        self._stack.addWidget(self._empty)
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(30)
        self._timer.timeout.connect(lambda: self.searched.emit(self.search.text()))
        self.search.textChanged.connect(lambda _: self._timer.start())
        self.search.moved_down.connect(self._into_list)
        self.search.left.connect(self.take_keyboard)
        self.back.clicked.connect(self.search.clear)
        self.model.refreshed.connect(self._show_state)
        theme().changed.connect(self._fit_soon)

    def show_title(self, title: str, count: str) -> None:
        """The name of what is shown, and a few words beside it ("9 unread")."""
        if (self._title.text(), self._count.text()) == (title, count):
            return
        self._title.setText(title)
        self._title.setMinimumWidth(0)  # a label's size hint is never below its minimum width
        self._title.setMinimumWidth(min(self._title.sizeHint().width(), 120))
        self._count.setText(count)
        self._fit_head()

    def put_search(self, text: str) -> None:
        """Have this in the search field, without a search; what was typed a moment ago is not searched either."""
        self.search.setText(text)
        self._timer.stop()

    def take_keyboard(self) -> None:
        """Put the keyboard on the list, or on what stands in its place until there is something to list."""
        self._shown().setFocus()

    def show_emptiness(self, emptiness: Emptiness) -> None:
        """What to say if there is nothing to list."""
        self._emptiness = emptiness
        self._show_state()

    def chosen_filter(self) -> Chosen:
        """Which chip is down."""
        if self._other.isChecked() and self._other_filter is not None:
            return self._other_filter
        return next(one for one, chip in self._chips.items() if chip.isChecked())

    def choose_filter(self, chosen: Chosen) -> None:
        """Press a chip; what has none of its own is shown in one that is there as long as it is chosen."""
        for one, chip in self._chips.items():
            chip.setChecked(one is chosen)
        self._other_filter = chosen if chosen not in self._chips else None
        self._other.setText(self._named(chosen))
        self._other.setAccessibleName(tr("Only {named}", named=self._named(chosen)))
        self._other.setChecked(self._other_filter is not None)
        self._other.setVisible(self._other_filter is not None)
        self._fit_head()

    def offer_tags(self, tags: Sequence[Tag]) -> None:
        """The tags by which a list can be narrowed."""
        self._tags = tuple(tags)
        self._tag_menu.clear()
        for tag in tags:
            action = self._tag_menu.addAction(tag.name)
            action.triggered.connect(lambda _=False, key=tag.keyword: self.narrow(OnlyTag(key)))

    def filters(self) -> list[tuple[Chosen, str, str]]:
        """(filter, name, icon) of everything that the list can be narrowed to."""
        usual = [(one, self._named(one), picture) for one, picture in _PICTURES.items()]
        return [*usual, *((OnlyTag(tag.keyword), tag.name, "tag") for tag in self._tags)]

    def _named(self, chosen: Chosen) -> str:
        if isinstance(chosen, OnlyTag):
            found = tag_of(chosen.keyword, self._tags)
            return found.name if found is not None else chosen.keyword
        return _NAMES[chosen]

    def put_below_banner(self, bar: QWidget) -> None:
        """Show ``bar`` (a password field) below the banner; its owner removes it."""
        self._bars.addWidget(bar)

    def set_density(self, density: Density) -> None:
        """Cards, compact or table."""
        self.view.set_density(density)
        self.header.setVisible(density is Density.TABLE)
        for action in self._density_actions.actions():
            action.setChecked(action.data() == density)

    def next_density(self) -> None:
        """The next one of the three."""
        order = [density for density, _, _ in _DENSITIES]
        self.set_density(order[(order.index(self.view.density()) + 1) % len(order)])
        self.density_chosen.emit(self.view.density())

    def show_grouping(self, grouped: bool, possible: bool) -> None:
        """Whether what is listed is grouped by conversations, and whether it can be."""
        self._grouping.setChecked(grouped)
        self._grouping.setEnabled(possible)

    def show_sort(self, sort: Sort, *, outgoing: bool = False) -> None:
        """By what the list is sorted."""
        for action in self._sort_actions.actions():
            action.setChecked(action.data() == sort.by)
            if action.data() == By.FROM:
                action.setText(tr("Recipient") if outgoing else tr("Sender"))
        for action in self._way_actions.actions():
            action.setText(SORT_WAYS[sort.by][action.data() is False])
            action.setChecked(action.data() is sort.down)
        self._sort = sort
        self.header.show_sort(sort, outgoing=outgoing)

    def set_columns(self, columns: Sequence[Column]) -> None:
        """What a table shows."""
        self.view.set_columns(columns)
        self.header.show_columns(columns)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where room is short the number of unread messages goes first (the sidebar has it too)."""
        super().resizeEvent(event)
        self._fit_head()

    # ---- inside
    def _fit_soon(self) -> None:
        """When the chips have their new fonts."""
        QTimer.singleShot(0, self, self._fit_head)

    def _fit_head(self) -> None:
        """Where room is short the number of unread messages goes first (the sidebar has it too), then the chips go
        below the title.
        """
        shown = [*self._chips.values(), *([self._other] if self._other_filter is not None else [])]
        chips = sum(chip.sizeHint().width() + 6 for chip in shown)
        room, title = self.width() - 30 - chips, self._title.sizeHint().width()
        self._count.setVisible(room >= title + 6 + self._count.sizeHint().width())
        short = room < min(title, theme().grown(_ROOM_FOR_TITLE))
        self._head.setDirection(QBoxLayout.Direction.TopToBottom if short else QBoxLayout.Direction.LeftToRight)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(16, 0, 12, 0)
        top.setSpacing(8)
        top.addWidget(self.search, 1)
        top.addWidget(self._menu_button())
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.back)
        self._title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        head.addWidget(self._title)
        head.addWidget(self._count)
        head.addStretch(1)
        chips = QHBoxLayout()
        chips.setSpacing(6)
        for chosen, chip in self._chips.items():
            chip.clicked.connect(lambda _=False, one=chosen: self.narrow(one))
            chips.addWidget(chip)
        self._other.clicked.connect(lambda: self.narrow(Filter.ALL))
        self._other.setToolTip(tr("Show every message again"))
        self._other.hide()
        chips.addWidget(self._other)
        chips.addStretch()
        self._head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._head.setContentsMargins(18, 4, 12, 4)
        self._head.setSpacing(6)
        self._head.addLayout(head, 1)
        self._head.addLayout(chips)
        self._chips[Filter.ALL].setChecked(True)
        self._bars = QVBoxLayout()
        self._bars.setContentsMargins(12, 0, 12, 0)
        self._bars.addWidget(self.banner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 12, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addLayout(self._head)
        column.addLayout(self._bars)
        column.addWidget(self.in_sight)
        column.addWidget(self.header)
        column.addWidget(self._stack, 1)
        column.addWidget(self.rest)

    def _menu_button(self) -> ToolButton:
        button = ToolButton("list-filter", tr("How the list looks"))
        menu = QMenu(button)
        self._density_actions = QActionGroup(menu)
        for density, name, picture in _DENSITIES:
            action = QAction(icon(picture), name, self._density_actions)
            action.setCheckable(True)
            action.setData(density)
            action.setChecked(density is Density.CARDS)
            menu.addAction(action)
        self._density_actions.triggered.connect(self._choose_density)
        self._add_sorting(menu)
        menu.addSection(tr("Only"))
        for chosen in (Filter.ATTACHMENTS, Filter.KNOWN):
            action = menu.addAction(_LACKING[chosen][0].upper() + _LACKING[chosen][1:])
            action.triggered.connect(lambda _=False, chosen=chosen: self.narrow(chosen))
        menu.addMenu(self._tag_menu)
        menu.addSeparator()
        self._grouping = QAction(tr("Group this list by conversations"), menu)
        self._grouping.setCheckable(True)
        self._grouping.triggered.connect(self.grouping_chosen)
        menu.addAction(self._grouping)
        button.setMenu(menu)
        button.setPopupMode(ToolButton.ToolButtonPopupMode.InstantPopup)
        return button

    def _add_sorting(self, menu: QMenu) -> None:
        menu.addSection(tr("Sort by"))
        for by, name in SORT_NAMES.items():
            action = QAction(name, self._sort_actions)
            action.setData(by)
        menu.addActions(self._sort_actions.actions())
        menu.addSeparator()
        for down in (True, False):
            action = QAction(SORT_WAYS[By.DATE][not down], self._way_actions)
            action.setData(down)
        menu.addActions(self._way_actions.actions())
        for action in (*self._sort_actions.actions(), *self._way_actions.actions()):
            action.setCheckable(True)
        self._sort_actions.triggered.connect(lambda action: self.sort_chosen.emit(usual(By(action.data()))))
        self._way_actions.triggered.connect(lambda action: self.sort_chosen.emit(Sort(self._sort.by, action.data())))

    def _choose_density(self, action: QAction) -> None:
        self.set_density(Density(action.data()))
        self.density_chosen.emit(self.view.density())

    def narrow(self, chosen: Chosen) -> None:
        """Show only this, as if its chip were pressed."""
        self.choose_filter(chosen)
        self.filtered.emit(chosen)

    def _into_list(self) -> None:
        self.view.setFocus()
        if self.view.current_id() is None:
            self.view.step(1)

    def _shown(self) -> QWidget:
        return self.view if self._stack.currentIndex() == 0 else self._empty

    def _show_state(self) -> None:
        empty = self.model.messages == 0 and not self.model.seeking
        if empty:
            state = self._emptiness
            chosen = self.chosen_filter()
            if chosen is not Filter.ALL:
                state = Emptiness(
                    "list-filter",
                    tr("Nothing {lacking} here", lacking=self._lacking(chosen)),
                    tr("Choose All to see every message."),
                )
            self._empty.show_state(state.icon, state.title, state.hint)
        now = self._empty if empty else self.view
        held = self._shown().hasFocus()  # hidden, it would pass the keyboard on to some button
        self._stack.setCurrentWidget(now)
        if held:
            now.setFocus()

    def _lacking(self, chosen: Chosen) -> str:
        return tr("tagged {names}", names=self._named(chosen)) if isinstance(chosen, OnlyTag) else _LACKING[chosen]


def unread_words(unread: int) -> str:
    """The words beside the title."""
    return words.count(unread, "unread", "unread") if unread else ""
