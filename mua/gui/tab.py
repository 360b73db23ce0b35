"""A tab as data: what is listed and read in it, and where; and the tabs of a window as one string, to be kept.

Rules of the file: no widget; a tab that is not in sight is nothing but this.
"""

import json
from collections.abc import Sequence
from typing import Any

from mua.gui.message_list import Spot
from mua.gui.places import Place, place_of, place_word
from mua.model.account import AccountId
from mua.model.folder import FolderId
from mua.model.message import MessageId
from mua.model.sort import NEWEST_FIRST, Sort, sort_from
from mua.plan.search import EVERYWHERE, Scope
from mua.records import dataclass
from mua.store.read import Chosen, Filter, OnlyTag

MOST = 50  # tabs of a window
_KEPT_SELECTED = 50  # selected messages of a tab that are kept over a restart


@dataclass(frozen=True, slots=True)
class Tab:
    """What a tab shows.

    ``message`` is read, ``depth`` pixels below its beginning; ``alone``: it has the whole window, else ``place`` is
    listed beside it, or what is found by ``query``.
    """

    place: Place | None
    query: str = ""
    scope: Scope = EVERYWHERE
    sort: Sort = NEWEST_FIRST
    """Of what was found; that of a place is the place's own."""
    chosen: Chosen = Filter.ALL
    spot: Spot = Spot()
    message: MessageId | None = None
    depth: int = 0
    alone: bool = False

    def lists_as(self, other: "Tab") -> bool:
        """Whether both list the same."""
        mine = (self.place, self.query, self.scope, self.sort, self.chosen)
        return mine == (other.place, other.query, other.scope, other.sort, other.chosen)


def text_of(tabs: Sequence[Tab], at: int) -> str:
    """Tabs, and which of them is in sight, as a string."""
    return json.dumps({"at": at, "tabs": [_document(one) for one in tabs]}, ensure_ascii=False)


def tabs_of(text: str) -> tuple[list[Tab], int]:
    """The reverse; no tabs for anything else."""
    try:
        kept = json.loads(text)
        tabs = [_tab(one) for one in kept["tabs"][:MOST]]
        at = int(kept["at"])
    except (ValueError, TypeError, KeyError, IndexError):
        return [], 0
    return tabs, min(max(at, 0), len(tabs) - 1)


def _document(tab: Tab) -> dict[str, Any]:
    return {
        "place": place_word(tab.place),
        "query": tab.query,
        "scope": [tab.scope.account_id, tab.scope.folder_id],
        "sort": str(tab.sort),
        "only": f"tag:{tab.chosen.keyword}" if isinstance(tab.chosen, OnlyTag) else tab.chosen.value,
        "current": tab.spot.current,
        "selected": tab.spot.selected[:_KEPT_SELECTED],
        "top": [tab.spot.top, tab.spot.offset],
        "message": tab.message,
        "depth": tab.depth,
        "alone": tab.alone,
    }


def _tab(kept: dict[str, Any]) -> Tab:
    account, folder = (None if one is None else int(one) for one in kept["scope"])
    top, offset = kept["top"]
    only = str(kept["only"])
    return Tab(
        place_of(str(kept["place"])),
        str(kept["query"]),
        Scope(None if account is None else AccountId(account), None if folder is None else FolderId(folder)),
        sort_from(str(kept["sort"])),
        OnlyTag(only.removeprefix("tag:")) if only.startswith("tag:") else Filter(only),
        Spot(_id(kept["current"]), tuple(MessageId(int(one)) for one in kept["selected"]), _id(top), int(offset)),
        _id(kept["message"]),
        int(kept["depth"]),
        kept["alone"] is True,
    )


def _id(kept: Any) -> MessageId | None:
    return None if kept is None else MessageId(int(kept))
