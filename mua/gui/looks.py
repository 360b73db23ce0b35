"""How each folder or view is listed: its density, what it is sorted by, the columns of a table; what is not listed; and
of which folder's new mail one is told.

Rules of the file: no widget; what the person chose for a place is kept, as one string in state.ini; everything else is
as the settings say, newest first.
"""

import json
from dataclasses import replace
from typing import Any

from mua.gui.columns import USUAL, Column, chosen_from
from mua.gui.message_cards import Density
from mua.gui.places import Place, place_of, place_word
from mua.model.folder import Folder, Role
from mua.model.sort import NEWEST_FIRST, Sort, sort_from
from mua.records import dataclass

_HIDDEN = "hidden"
_ORDER = "order"
_TOLD = "told"


@dataclass(frozen=True, slots=True)
class Look:
    """How one place is listed; ``density`` None: as the settings say."""

    density: Density | None = None
    sort: Sort = NEWEST_FIRST
    columns: tuple[Column, ...] = USUAL


class Looks:
    """The choices of one profile."""

    def __init__(self) -> None:
        self._chosen: dict[str, Look] = {}
        self.hidden: set[int] = set()
        """Folders that the sidebar leaves out."""
        self.order: list[int] = []
        """Folders as a person sorted them, for ``gui.folder_order``."""
        self._told: dict[int, bool] = {}

    def of(self, place: Place | None) -> Look:
        """How a place is listed."""
        return self._chosen.get(place_word(place), Look())

    def choose(self, place: Place | None, **chosen: Any) -> None:
        """From now on list a place like this; the fields of ``Look``."""
        if place is not None:
            self._chosen[place_word(place)] = replace(self.of(place), **chosen)

    def tells(self, folder: Folder) -> bool:
        """Whether the person is told of what comes into a folder: of an inbox, and as they chose."""
        return self._told.get(folder.id, folder.role is Role.INBOX)

    def tell(self, folder: Folder, wanted: bool) -> None:
        """Tell of it from now on, or do not."""
        self._told.pop(folder.id, None)
        if wanted is not self.tells(folder):
            self._told[folder.id] = wanted

    def text(self) -> str:
        """What was chosen, to be kept."""
        kept: dict[str, object] = {
            word: {"density": look.density or "", "sort": str(look.sort), "columns": list(look.columns)}
            for word, look in sorted(self._chosen.items())
            if look != Look()
        }
        if self.hidden:
            kept[_HIDDEN] = sorted(self.hidden)
        if self.order:
            kept[_ORDER] = self.order
        if self._told:
            kept[_TOLD] = {str(one): self._told[one] for one in sorted(self._told)}
        return json.dumps(kept, separators=(",", ":"))

    def read(self, text: str) -> None:
        """Choose what was kept; what is no place, or no look, is passed over."""
        try:
            found = json.loads(text or "{}")
        except ValueError:
            return
        if not isinstance(found, dict):
            return
        hidden = found.pop(_HIDDEN, [])
        self.hidden = {one for one in hidden if isinstance(one, int)} if isinstance(hidden, list) else set()
        order = found.pop(_ORDER, [])
        self.order = [one for one in order if isinstance(one, int)] if isinstance(order, list) else []
        told = found.pop(_TOLD, {})
        chosen = told.items() if isinstance(told, dict) else ()
        self._told = {int(one): wanted for one, wanted in chosen if one.isdigit() and isinstance(wanted, bool)}
        for word, one in found.items():
            if place_of(word) is not None and isinstance(one, dict):
                density = str(one.get("density", ""))
                known = Density(density) if density in set(Density) else None
                columns = one.get("columns", ())
                shown = chosen_from([str(name) for name in columns] if isinstance(columns, list) else ())
                self._chosen[word] = Look(known, sort_from(str(one.get("sort", ""))), shown)
