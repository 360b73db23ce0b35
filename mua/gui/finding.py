"""What is typed into the search field is listed, over all mail or where one wants to look; and left again.

Rules of the file: here is what a start can show; what else belongs to searching comes after the first paint
(``searching``).  How results are sorted is kept for as long as one searches, and with a search that is kept.
"""

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua.gui.places import Place, Source
from mua.model.message import MessageId
from mua.model.sort import NEWEST_FIRST, Sort
from mua.plan.search import EVERYWHERE, Scope, parse
from mua.store.read import Chosen, Filter, Saved

if TYPE_CHECKING:
    from mua.gui.desk import Desk


class Finding(QObject):
    """The search of one desk."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk, self._listing = desk, desk.listing
        self.scope = EVERYWHERE
        """Where the next search looks."""
        self._searching = False
        self._sort = NEWEST_FIRST
        """How what is found is sorted, where it is no kept search."""
        self._read_before: MessageId | None = None
        """What was read when the search began: it is read again when the search is left."""

    def search(self, text: str) -> None:
        """List what matches, over all mail; no text: the place again."""
        desk = self._desk
        if not text.strip():
            if desk.place is not None and (self._searching or self._listing.model.source.query is not None):
                self._back_to(desk.place)
            return
        if not self._searching:
            self._read_before = self._listing.view.current_id()
        self._searching = True
        place = desk.place or Place(saved=Saved.ALL_INBOXES)
        query = parse(text, int(time.time()), None, desk.preferences.tags).within(self.scope)
        if not query.parts:  # an operator that is not written to its end asks for nothing yet
            return
        kept = self.kept()
        desk.sidebar.choose(kept or place)
        sort = desk.looks.of(kept).sort if kept is not None else self._sort
        chosen = self._listing.chosen_filter()
        self._listing.model.show(Source(desk.library.db, place, chosen, query, sort=sort))

    def kept(self) -> Place | None:
        """The entry of the sidebar that stands for what is typed."""
        place = Place(search=self._listing.search.text().strip())
        return place if place.search and self._desk.sidebar.model.row_of(place) >= 0 else None

    def sort(self, sort: Sort) -> None:
        """Sort what was found."""
        desk, source, kept = self._desk, self._listing.model.wanted, self.kept()
        if kept is None:
            self._sort = sort
        else:
            desk.looks.choose(kept, sort=sort)
            desk.looks_changed.emit()
        sorted_ = Source(desk.library.db, source.place, source.chosen, source.query, sort=sort)
        sorted_.elsewhere = source.elsewhere
        self._listing.model.show(sorted_)

    def show_kept(self, place: Place) -> None:
        """A search of the sidebar, as if it were typed, everywhere."""
        self._begin(place.search, Filter.ALL, EVERYWHERE)
        self._desk.show_chosen(None)

    def again(self, text: str, chosen: Chosen, scope: Scope, sort: Sort) -> None:
        """What was searched in another tab, from the place that is listed now."""
        self._searching, self._read_before, self._sort = True, None, sort
        self._begin(text, chosen, scope)

    def _begin(self, text: str, chosen: Chosen, scope: Scope) -> None:
        self._listing.put_search(text)
        self._listing.choose_filter(chosen)
        self._listing.view.forget_current()
        self.scope = scope
        self.search(text)

    def leave(self) -> None:
        """Nothing is searched any more."""
        self._searching, self._sort = False, NEWEST_FIRST

    def _back_to(self, place: Place) -> None:
        """The place again, at what was found and read, if it is listed there, or at what was read before."""
        view = self._listing.view
        found = view.current_id()
        self._desk.show_place(place)
        if not (found is not None and view.go_back(found)) and self._read_before is not None:
            view.go_back(self._read_before)
