"""What a list can show: a folder, a unified view, or the results of a search; and where it reads that from.

Rules of the file: reads only, through ``store.read``; no widget.  ``Source`` is the one thing the list model asks.
"""

from array import array
from bisect import bisect_left

from mua.gui.words import shown
from mua.model.folder import Folder, FolderId, Role
from mua.model.message import MessageId, MessageRow
from mua.records import dataclass
from mua.store import read
from mua.store.db import Db
from mua.store.read import Filter, Saved

SAVED_NAMES = {
    Saved.ALL_INBOXES: ("All inboxes", "inbox"),
    Saved.UNREAD: ("Unread", "mail-open"),
    Saved.STARRED: ("Starred", "star"),
}
ROLE_NAMES = {
    Role.INBOX: ("Inbox", "inbox"),
    Role.DRAFTS: ("Drafts", "file-pen-line"),
    Role.SENT: ("Sent", "send"),
    Role.ARCHIVE: ("Archive", "archive"),
    Role.JUNK: ("Junk", "shield-alert"),
    Role.TRASH: ("Bin", "trash-2"),
    Role.ALL: ("All mail", "mail"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the sidebar: a folder or a unified view (exactly one is set)."""

    folder: FolderId | None = None
    saved: Saved | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """What a list shows of one message: the row, and how many messages its conversation has."""

    message: MessageRow
    in_thread: int


class Source:
    """Reads order vectors and rows for one ``Place``.  Every method is one short read transaction."""

    def __init__(self, db: Db | None, place: Place | None = None, chosen: Filter = Filter.ALL) -> None:
        self.db, self.place, self.chosen = db, place, chosen
        self.found: array[int] | None = None
        """Search results (newest first) to show instead of the place; None: no search."""
        self._kept: MessageRow | None = None

    def keep(self, row: MessageRow) -> None:
        """Go on listing the message that is being read, though it is not unread any more."""
        self._kept = row

    def order(self) -> "array[int]":
        """The message ids to show, newest first."""
        if self.db is None or self.place is None:
            return array("q")
        if self.found is not None:
            return self._filtered(self.found)
        if self.place.saved is not None:
            return self._with_kept(read.saved_order(self.db, self.place.saved, self.chosen))
        if self.place.folder is not None:
            return self._with_kept(read.folder_order(self.db, self.place.folder, self.chosen))
        return array("q")

    def rows(self, ids: "array[int]") -> dict[int, Row]:
        """The rows with these ids; ids that are gone are missing."""
        if self.db is None or not ids:
            return {}
        messages = read.rows(self.db, ids)
        sizes = read.thread_sizes(self.db, (message.thread_id for message in messages)) if messages else {}
        return {message.id: Row(message, sizes.get(message.thread_id, 1)) for message in messages}

    def message(self, message_id: MessageId) -> MessageRow | None:
        """One row."""
        return None if self.db is None else read.row(self.db, message_id)

    def _with_kept(self, ids: "array[int]") -> "array[int]":
        """``ids`` and the kept message in its place, unless it was moved away meanwhile."""
        kept = self._kept
        if kept is None or not self._unread_only():
            return ids
        now = self.message(kept.id)
        place = bisect_left(ids, -kept.id, key=lambda one: -one)
        if now is not None and now.folder_id == kept.folder_id and (place == len(ids) or ids[place] != kept.id):
            ids.insert(place, kept.id)
        return ids

    def _unread_only(self) -> bool:
        return self.chosen is Filter.UNREAD or (self.place is not None and self.place.saved is Saved.UNREAD)

    def _filtered(self, ids: "array[int]") -> "array[int]":
        if self.chosen is Filter.ALL or self.db is None:
            return ids
        wanted = (lambda one: not one.flags & 1) if self.chosen is Filter.UNREAD else (lambda one: one.flags & 4)
        return array("q", (one.id for one in read.rows(self.db, ids) if wanted(one)))


def folder_words(folder: Folder) -> tuple[str, str]:
    """(name as shown, icon) of a folder."""
    return ROLE_NAMES.get(folder.role, (shown(folder.name, 120), "folder"))
