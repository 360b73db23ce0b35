"""What a list can show: a folder, a unified view, or the results of a search; and where it reads that from.

Rules of the file: reads only, through ``store.read``; no widget.  ``Source`` is the one thing the list model asks.
What the window's own thread asks is bounded: the newest few ids, a page of rows, whether some ids belong here.  What is
not (``whole``) runs on the seeker's thread.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mua.errors import MailError
from mua.gui.words import shown
from mua.model.folder import Folder, FolderId, Role
from mua.model.message import Flag, MessageId, MessageRow
from mua.plan.search import Search
from mua.records import dataclass
from mua.store import read
from mua.store.db import Db
from mua.store.read import Filter, Saved

FIRST = 256  # ids that the window reads by itself
_FIRST_STEPS = 200_000  # of SQLite's machine, about 10 ms: more is the seeker's business
PART = 20_000  # ids of one statement there
FIRST_FOUND, FOUND = 50, 500  # the newest hits of a search that are shown at once, and all that are shown
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
    """What one list shows: a ``Place``, or what a search (``query``) found; with one of the chips.

    ``first`` and ``whole`` give the order of the messages, ``rows`` a page of them, ``among`` whether some belong here.
    """

    def __init__(
        self, db: Db | None, place: Place | None = None, chosen: Filter = Filter.ALL, query: Search | None = None
    ) -> None:
        self.db, self.place, self.chosen, self.query = db, place, chosen, query
        self._kept: MessageRow | None = None

    def keep(self, row: MessageRow) -> None:
        """Go on listing the message that is being read, though it is not unread any more."""
        self._kept = row

    def first(self) -> tuple["array[int]", bool] | None:
        """The newest ids and whether they are all; None when that takes longer than the window may wait."""
        if self.db is None or self.place is None:
            return array("q"), True
        if self.query is not None:
            return None
        try:
            with self.db.within(_FIRST_STEPS):
                ids = self._order(self.db, limit=FIRST)
        except MailError as error:
            if error.code == "interrupted":
                return None
            raise
        return ids, len(ids) < FIRST

    def whole(self, db: Db) -> Iterator[tuple["array[int]", bool]]:
        """The ids as they are found, over another thread's connection, and whether they are all."""
        yield from self._found(db) if self.query is not None else self._parts(db)

    def among(self, ids: Sequence[int]) -> set[int]:
        """Which of ``ids`` belong into this list (of a search: are still there)."""
        if self.db is None or self.place is None:
            return set()
        if self.query is not None:
            return read.still_there(self.db, ids)
        belong = read.among(self.db, self._key(), self.chosen, ids)
        if self._kept is not None and self._still_kept():
            belong.add(self._kept.id)
        return belong

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

    # ---- inside
    def _key(self) -> FolderId | Saved:
        assert self.place is not None
        key = self.place.folder if self.place.folder is not None else self.place.saved
        assert key is not None
        return key

    def _order(self, db: Db, below: int = read.NEWEST, limit: int = -1) -> "array[int]":
        key = self._key()
        if isinstance(key, Saved):
            return read.saved_order(db, key, self.chosen, below, limit)
        return read.folder_order(db, key, self.chosen, below, limit)

    def _parts(self, db: Db) -> Iterator[tuple["array[int]", bool]]:
        """In parts, so that neither Python's lock nor a read transaction is held for long."""
        ids = self._order(db, limit=FIRST)
        part = ids
        if len(ids) == FIRST:
            yield ids[:], False
            part = self._order(db, ids[-1], PART)
            ids.extend(part)
        while len(part) == PART:
            part = self._order(db, ids[-1], PART)
            ids.extend(part)
        yield ids, True

    def _found(self, db: Db) -> Iterator[tuple["array[int]", bool]]:
        from mua.store import index

        assert self.query is not None
        flags = {Filter.ALL: (), Filter.UNREAD: ((Flag.SEEN, False),), Filter.STARRED: ((Flag.FLAGGED, True),)}
        query = replace(self.query, flags=(*self.query.flags, *flags[self.chosen]))
        for limit in (FIRST_FOUND, FOUND):
            ids = array("q", index.find(db, query, limit))
            whole = len(ids) < limit or limit == FOUND
            yield ids, whole
            if whole:
                return

    def _still_kept(self) -> bool:
        """Whether the kept message is where it was: one that was moved away is not kept."""
        if self._kept is None or not self._unread_only():
            return False
        now = self.message(self._kept.id)
        return now is not None and now.folder_id == self._kept.folder_id

    def _unread_only(self) -> bool:
        return self.chosen is Filter.UNREAD or (self.place is not None and self.place.saved is Saved.UNREAD)


def folder_words(folder: Folder) -> tuple[str, str]:
    """(name as shown, icon) of a folder."""
    return ROLE_NAMES.get(folder.role, (shown(folder.name, 120), "folder"))
