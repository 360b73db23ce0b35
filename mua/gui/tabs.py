"""The tabs of a window: several lists and messages at hand, one of them in sight.

Rules of the file: there is one list and one reader; a tab that is not in sight is a ``Tab``, a few numbers, and costs
neither rows nor a browser.  Whoever turns to it lists and reads that again, and is where they were.

Theory of operation: ``open_`` are the tabs, ``at`` the one in sight, whose ``Tab`` is brought up to date (``_note``)
before another one is shown.  A tab of a message is the same list, with the message alone in the window: the keys for
the next message, and all that acts, mean what they always mean.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMenu

from mua.gui import words
from mua.gui.message_list import Spot
from mua.gui.message_pane import MessagePane
from mua.gui.places import SAVED_NAMES, Place, folder_words
from mua.gui.tab import MOST, Tab, tabs_of, text_of
from mua.gui.tab_bar import Label, TabBar
from mua.language import tr
from mua.model.message import Flag, MessageId
from mua.model.sort import NEWEST_FIRST
from mua.plan.search import EVERYWHERE

if TYPE_CHECKING:
    from mua.gui.desk import Desk

_CLOSED = 20  # tabs that can be opened again
_AT_ONCE = 10  # messages that are opened at once


class Tabs(QObject):
    """The tabs of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk, self._window = desk, desk.window
        self._listing, self._reader = desk.listing, desk.reader
        self.open_: list[Tab] = [Tab(desk.place)]
        self.at = 0
        self._closed: list[tuple[int, Tab]] = []
        self._turning = self._emptied = False
        """``_emptied``: the message of the tab in sight went away, and there is none after it."""
        self._deep: tuple[MessageId, int] | None = None
        """How far to scroll in a message, once it is shown."""
        self.bar = TabBar()
        self._window.put_on_top(self.bar)
        self.bar.chosen.connect(self.turn)
        self.bar.closed.connect(self.close)
        self.bar.tabMoved.connect(self._moved)
        self.bar.menu_wanted.connect(lambda index, place: self.menu(index).popup(place))
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._label)
        desk.pane_shown.connect(self._pane_shown)

    def serve(self) -> None:
        """After the first paint: what keys, buttons and other parts of the window want of the tabs."""
        desk, actions = self._desk, self._window.actions_
        desk.going.connect(self._to_list)
        desk.accounts_read.connect(self._soon.start)
        desk.preferences_changed.connect(self._soon.start)
        self._listing.model.refreshed.connect(self._soon.start)
        self._listing.view.chosen.connect(self._chosen)
        self._listing.view.tab_wanted.connect(lambda message_id: self.open_messages([message_id], behind=True))
        desk.sidebar.folders.tab_wanted.connect(lambda place: self.open_place(place, behind=True))
        actions.on("open_tab", lambda: self.open_messages(self._meant()))
        actions.on("place_tab", self.open_again)
        actions.on("next_tab", lambda: self.step(1))
        actions.on("previous_tab", lambda: self.step(-1))
        actions.on("close_tab", lambda: self.close(self.at))
        actions.on("reopen_tab", self.reopen)
        actions.on("tab_forward", lambda: self.move(1))
        actions.on("tab_backward", lambda: self.move(-1))

    # ---- opening and closing
    def open_messages(self, ids: Sequence[MessageId], *, behind: bool = False) -> None:
        """A tab for each of these messages; the first is turned to, unless they are to stay ``behind``."""
        if not ids:
            self._window.toast.say(tr("Choose a message first; of very many none is opened."))
        self._note()
        here, found = self.open_[self.at], list[int]()
        for place, one in enumerate(ids[:_AT_ONCE], self.at + 1):
            known = next((key for key, tab in enumerate(self.open_) if tab.alone and tab.message == one), None)
            if known is None:
                spot = Spot(one, (one,), here.spot.top, here.spot.offset)
                known = self._insert(replace(here, alone=True, message=one, spot=spot, depth=0), place)
            found += [] if known is None else [known]
        if found and not behind:
            self.turn(found[0])
        if len(ids) > _AT_ONCE:
            self._window.toast.say(
                tr("The first {number} are opened; more at once would be too many.", number=_AT_ONCE)
            )
        self._label()

    def open_place(self, place: Place, *, behind: bool = False) -> None:
        """A tab with another list; it is turned to, unless it is to stay ``behind``."""
        tab = Tab(self._desk.place, place.search) if place.search else Tab(place)
        index = self._insert(tab, len(self.open_))
        if index is not None and not behind:
            self.turn(index)
        self._label()

    def open_again(self) -> None:
        """A second tab with what is listed, to go on from there."""
        self._note()
        index = self._insert(replace(self.open_[self.at], alone=False), self.at + 1)
        if index is not None:
            self.turn(index)

    def close(self, index: int) -> None:
        """Close a tab; the one beside it is turned to, where it was in sight: before a message is mostly its list."""
        if len(self.open_) == 1:
            self._window.toast.say(tr("This is the only tab."))
            return
        self._note()
        self._closed = [*self._closed, (index, self.open_[index])][-_CLOSED:]
        self._remove(index)
        self._label()

    def close_others(self, index: int) -> None:
        """Close all but one."""
        self.turn(index)
        for other in reversed([key for key in range(len(self.open_)) if key != index]):
            self.close(other)

    def reopen(self) -> None:
        """Open again what was closed last, where it was."""
        if not self._closed:
            self._window.toast.say(tr("No tab was closed."))
            return
        place, tab = self._closed.pop()
        index = self._insert(tab, min(place, len(self.open_)))
        if index is not None:
            self.turn(index)

    # ---- going
    def turn(self, index: int) -> None:
        """Show a tab."""
        if index != self.at and 0 <= index < len(self.open_):
            self._note()
            self.at = index
            self._show(self.open_[index])
        self._label()

    def step(self, by: int) -> None:
        """To the next tab (or the previous one), and from the last to the first."""
        self.turn((self.at + by) % len(self.open_))

    def move(self, by: int) -> None:
        """Put the tab in sight one place further (or back)."""
        to = self.at + by
        if 0 <= to < len(self.open_):
            self.bar.moveTab(self.at, to)

    def menu(self, index: int) -> QMenu:
        """What can be done with a tab."""
        menu = QMenu(self._window)
        menu.addAction(tr("Close the tab"), partial(self.close, index))
        menu.addAction(tr("Close the other tabs"), partial(self.close_others, index))
        menu.addAction(self._window.actions_["reopen_tab"])
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    # ---- keeping
    def text(self) -> str:
        """The tabs as they are now, to be kept; empty: there is only one, with a list."""
        self._note()
        return text_of(self.open_, self.at) if len(self.open_) > 1 or self.open_[0].alone else ""

    def restore(self, kept: str) -> None:
        """Be as it was kept, with the same tab in sight."""
        tabs, at = tabs_of(kept)
        if tabs:
            self.open_, self.at = tabs, at
            self._show(tabs[at])
            self._label()

    # ---- inside
    def _meant(self) -> list[MessageId]:
        """One message of each selected row; where there is none, the one that is read."""
        row = self._reader.row
        if row is not None:
            return [row.id]
        return self._listing.view.few_selected()

    def _insert(self, tab: Tab, index: int) -> int | None:
        """Put a tab there; None where there are as many as there may be."""
        if len(self.open_) >= MOST:
            self._window.toast.say(tr("{number} tabs are open; close one first.", number=MOST))
            return None
        self.open_.insert(index, tab)
        self.at += index <= self.at
        return index

    def _remove(self, index: int) -> None:
        tab = self.open_.pop(index)
        if index == self.at:
            self.at = max(0, index - 1) if tab.alone else min(index, len(self.open_) - 1)
            self._show(self.open_[self.at])
        else:
            self.at -= index < self.at

    def _note(self) -> None:
        """Bring the tab in sight up to date."""
        self.open_[self.at] = self._here()

    def _here(self) -> Tab:
        """What is in sight, as a tab."""
        desk, listing, row = self._desk, self._listing, self._reader.row
        query = listing.search.text().strip() if listing.model.wanted.query is not None else ""
        return Tab(
            desk.place,
            query,
            desk.finding.scope if query else EVERYWHERE,
            listing.model.wanted.sort if query else NEWEST_FIRST,
            listing.chosen_filter(),
            listing.view.spot(),
            row.id if row is not None else None,
            self._reader.depth() if row is not None else 0,
            self._window.alone,
        )

    def _show(self, tab: Tab) -> None:
        """List and read what a tab has; the list is left as it is where it is the same."""
        desk, view = self._desk, self._listing.view
        self._turning = True
        self._window.read_alone(tab.alone)
        if not tab.lists_as(self._here()):
            self._list(tab)
        if tab.message is None:
            desk.show_chosen(None)
        view.return_to(tab.spot)
        if tab.message is not None:
            self._read(tab.message, tab.depth)
        self._turning = False
        if not self.bar.hasFocus():
            (self._reader if tab.alone else self._listing).take_keyboard()
        desk.say_title()

    def _list(self, tab: Tab) -> None:
        desk, place = self._desk, tab.place
        gone = place is not None and place.folder is not None and place.folder not in desk.folders
        if place is None or gone:
            place = desk.first_place()
        if place is not None and (not tab.query or place != desk.place):
            desk.show_place(place, tab.chosen)
        if tab.query:
            desk.finding.again(tab.query, tab.chosen, tab.scope, tab.sort)

    def _read(self, message_id: MessageId, depth: int) -> None:
        """Show a message, wherever it lies now; say so where it is gone."""
        row = self._reader.row
        if row is not None and row.id == message_id:
            return
        self._deep = (message_id, depth) if depth else None
        if self._listing.model.source.message(message_id) is not None:
            self._desk.show_chosen(message_id)
            return
        self._desk.show_chosen(None)
        self._reader.show_nothing(
            "mail-x", tr("This message is gone"), tr("It was deleted for ever, here or elsewhere. Close the tab.")
        )

    def _pane_shown(self, pane: MessagePane) -> None:
        """A message is there: scroll to where it was left."""
        row = pane.row
        if self._deep is not None and pane.view is not None and row is not None and row.id == self._deep[0]:
            depth, self._deep = self._deep[1], None
            self._reader.dive(depth)

    def _to_list(self) -> None:
        """Something else is to be listed: a message's own tab is not the place for it."""
        if not self._window.alone or self._turning:
            return
        lists = [key for key, tab in enumerate(self.open_) if not tab.alone]
        if lists:
            self.turn(min(lists, key=lambda key: (key > self.at, abs(key - self.at))))
        else:
            self._window.read_alone(False)
            self._label()

    def _chosen(self, message_id: MessageId | None) -> None:
        """Another message is read; where the last one of a message's own tab went away, the tab goes, too."""
        self._emptied = message_id is None and self._window.alone and not self._turning
        self._soon.start()

    def _moved(self, source: int, to: int) -> None:
        """A tab was dragged elsewhere; others may have made room for it."""
        self.open_.insert(to, self.open_.pop(source))
        self.at = self.bar.currentIndex()
        self._soon.start()

    # ---- names
    def _label(self) -> None:
        self._soon.stop()
        emptied, self._emptied = self._emptied, False
        if emptied and len(self.open_) > 1:
            self._remove(self.at)
        elif emptied:
            self._window.read_alone(False)
        if self._window.alone and self._reader.row is not None:
            name = words.shown(self._reader.row.subject, 100) or tr("(no subject)")
            self._window.setWindowTitle(f"{name} - Mua")
        if len(self.open_) == 1 and self.bar.count() <= 1:
            return
        self._note()
        self.bar.show_labels([self._name(one) for one in self.open_], self.at)

    def _name(self, tab: Tab) -> Label:
        desk = self._desk
        if tab.alone:
            row = self._listing.model.source.message(tab.message) if tab.message is not None else None
            if row is None:
                return Label(tr("A message that is gone"), "mail-x")
            name = words.shown(row.subject, 100) or tr("(no subject)")
            return Label(name, "mail", words.shown(row.subject, 300) or name, not row.flags & Flag.SEEN)
        if tab.query:
            kept = next((one.name for one in desk.preferences.searches if one.query == tab.query), tab.query)
            return Label(words.shown(kept, 60), "search", "", desk.kept_counts.get(tab.query, 0) > 0)
        place = tab.place
        if place is not None and place.saved is not None:
            name, picture = SAVED_NAMES[place.saved]
            line = desk.sidebar.model.row_of(place)
            return Label(name, picture, "", line >= 0 and desk.sidebar.model.entries[line].count > 0)
        folder = desk.folders.get(place.folder) if place is not None and place.folder is not None else None
        if folder is None:
            return Label(tr("A folder that is gone"), "folder")
        name, picture = folder_words(folder)
        account = desk.account(folder.account_id)
        whole = f"{name}, {words.shown(account.email, 100)}" if account is not None else name
        return Label(name, picture, whole, folder.unread > 0)
