"""What a list can show: a folder, a unified view, or the results of a search; and where it reads that from.

Rules of the file: reads only, through ``store.read``; no widget.  ``Source`` is the one thing the list model asks.
What the window's own thread asks is bounded: the newest few ids, a page of rows, whether some ids belong here.  What is
not (``whole``) runs on the seeker's thread.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from mua.errors import MailError
from mua.gui.conversation_rows import Order, grouped, plain
from mua.gui.sorted_rows import Sorting
from mua.gui.words import shown
from mua.language import sense, tr
from mua.model.folder import Folder, FolderId, Role
from mua.model.message import Flag, MessageId, MessageRow
from mua.model.sort import NEWEST_FIRST, By, Sort
from mua.plan.search import Has, Is, Node, Search, Tagged
from mua.records import dataclass
from mua.store import read, sight
from mua.store.db import Db
from mua.store.quiet import quiet_ones
from mua.store.read import Chosen, Conversation, Filter, OnlyTag, Saved

FIRST = 256  # ids that the window reads by itself
_FIRST_STEPS = 200_000  # of SQLite's machine, about 10 ms: more is the seeker's business
PART = 20_000  # ids of one statement there
SAVED_NAMES = {
    Saved.ALL_INBOXES: (tr("All inboxes"), "inbox"),
    Saved.UNREAD: (tr("Unread"), "mail-open"),
    Saved.STARRED: (tr("Starred"), "star"),
    Saved.ATTACHMENTS: (tr("Attachments"), "paperclip"),
}
ROLE_NAMES = {
    Role.INBOX: (tr("Inbox"), "inbox"),
    Role.DRAFTS: (tr("Drafts"), "file-pen-line"),
    Role.SENT: (tr("Sent"), "send"),
    Role.ARCHIVE: (sense("folder", "Archive"), "archive"),
    Role.JUNK: (tr("Junk"), "shield-alert"),
    Role.TRASH: (tr("Bin"), "trash-2"),
    Role.ALL: (tr("All mail"), "mail"),
    Role.SNOOZED: (tr("Snoozed"), "clock"),
}


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the sidebar: a folder, a unified view, or a search that is kept (exactly one is set)."""

    folder: FolderId | None = None
    saved: Saved | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """What a list shows of one message: the row, and how many messages its conversation has."""

    message: MessageRow
    in_thread: int
    conversation: Conversation | None = None
    """What the row tells of it, where the list is grouped."""
    until: int = 0
    """Until when it is snoozed (UTC seconds)."""
    pinned: bool = False
    quiet: bool = False
    """Its conversation is muted, or ignored."""

    @property
    def thread(self) -> int:
        """Its conversation."""
        return self.message.thread_id


class Source:
    """What one list shows: a ``Place``, or what a search (``query``) found; with one of the chips.

    ``first`` and ``whole`` give the order of the messages, ``rows`` a page of them, ``among`` whether some belong here.
    ``grouped``: a row for each conversation; what a search found, or what is sorted by something else than its date, is
    always listed one by one.  ``outgoing``: it is sorted by recipients instead of senders.  What a search found is
    listed as it comes where the newest are first; sorted otherwise, all of it has to be found before.
    """

    def __init__(
        self,
        db: Db | None,
        place: Place | None = None,
        chosen: Chosen = Filter.ALL,
        query: Search | None = None,
        *,
        grouped: bool = False,
        sort: Sort = NEWEST_FIRST,
        outgoing: bool = False,
    ) -> None:
        self.db, self.place, self.chosen, self.query = db, place, chosen, query
        self.sort = sort
        self.outgoing = outgoing
        self.grouped = grouped and query is None and sort.by_date
        self.unindexed = 0
        """Of a search: how many messages the index had not seen when it was asked."""
        self.elsewhere: frozenset[int] = frozenset()
        """What a server found for this search: no index here need know it."""
        self._unread: set[int] = set()
        """Of a search that is sorted by what is unread: what was put there."""
        self._kept: list[MessageRow] = []

    def keep(self, rows: Sequence[MessageRow]) -> None:
        """Go on listing the messages that are being read, though they are not unread any more."""
        threads = {row.thread_id for row in rows}
        self._kept = [*(row for row in self._kept if self.grouped and row.thread_id in threads), *rows]

    def first(self) -> tuple[Order, bool] | None:
        """The newest ids and whether they are all; None when that takes longer than the window may wait."""
        if self.db is None or self.place is None:
            return plain(array("q")), True
        if self.query is not None:
            return None
        try:
            with self.db.within(_FIRST_STEPS):
                found = self._first(self.db)
        except MailError as error:
            if error.code == "interrupted":
                return None
            raise
        return found, len(found.ids) < FIRST

    def whole(self, db: Db) -> Iterator[tuple[Order, bool]]:
        """The ids as they are found, over another thread's connection, and whether they are all."""
        if self.query is not None:
            yield from self._found(db)
        else:
            yield from self._parts(db) if self.sort == NEWEST_FIRST else self._sorted(db)

    def among(self, ids: Sequence[int]) -> dict[int, int]:
        """Which of ``ids`` belong into this list (of a search: are still there), and the thread of each."""
        if self.db is None or self.place is None:
            return {}
        if self.query is not None:
            return dict.fromkeys(read.still_there(self.db, ids), 0)
        belong = read.among(self.db, self.key(), self.chosen, ids)
        belong.update((row.id, row.thread_id) for row in self._still_kept())
        return belong

    def members(self, threads: Sequence[int]) -> dict[int, list[int]]:
        """The messages of these threads that belong into this list, newest first."""
        if self.db is None or self.place is None:
            return {}
        found = read.listed_of(self.db, self.key(), self.chosen, threads)
        for row in self._still_kept():
            if row.thread_id in threads:
                found[row.thread_id] = sorted({row.id, *found.get(row.thread_id, ())}, reverse=True)
        return found

    def threads(self, ids: Sequence[int]) -> dict[int, int]:
        """The thread of each of these messages that is in the store, wherever it lies."""
        return {} if self.db is None else read.threads_of(self.db, ids)

    def rows(self, ids: "array[int]") -> dict[int, Row]:
        """The rows with these ids; ids that are gone are missing."""
        if self.db is None or not ids:
            return {}
        messages = read.rows(self.db, ids)
        threads = [message.thread_id for message in messages]
        if self.grouped and messages:
            told = read.conversations(self.db, self.key(), self.chosen, threads, aside=self._is_aside())
            found = ((row, told.get(row.thread_id)) for row in messages)
            made: dict[int, Row] = {row.id: Row(row, 1 if talk is None else talk.whole, talk) for row, talk in found}
            return self._marked(made)
        sizes = read.thread_sizes(self.db, threads) if messages else {}
        return self._marked({message.id: Row(message, sizes.get(message.thread_id, 1)) for message in messages})

    def _marked(self, rows: dict[int, Row]) -> dict[int, Row]:
        """With what is snoozed, pinned, and quiet."""
        assert self.db is not None
        until, pinned = sight.until(self.db, list(rows)), sight.pinned(self.db, list(rows))
        hushed = quiet_ones(self.db, [row.thread for row in rows.values()])
        quiet = {one for one, row in rows.items() if row.thread in hushed}
        return rows | {
            one: replace(rows[one], until=until.get(one, 0), pinned=one in pinned, quiet=one in quiet)
            for one in {*until, *pinned, *quiet}
        }

    def message(self, message_id: MessageId) -> MessageRow | None:
        """One row."""
        return None if self.db is None else read.row(self.db, message_id)

    @property
    def up(self) -> bool:
        """Whether the oldest are listed first."""
        return self.sort.by_date and not self.sort.down

    def ahead(self, listed: "array[int]", ids: Sequence[int]) -> list[int]:
        """Which of ``ids`` stand above the last of those that are ``listed`` so far: the rest are still to come."""
        if self.sort.by_date:
            return [one for one in ids if (one <= listed[0] if self.up else one >= listed[-1])]
        keys = self.sorting().keys([*ids, listed[-1]]) if self.sort.by is not By.UNREAD else {}
        last = keys.get(listed[-1])
        return [
            one for one in ids if last and one in keys and (keys[one] >= last if self.sort.down else keys[one] <= last)
        ]

    def sorting(self) -> Sorting:
        """How it is sorted, where that is not by date."""
        from mua.store import orders

        assert self.db is not None
        keys = partial(orders.keys, self.db, sort=self.sort, outgoing=self.outgoing)
        return Sorting(
            keys,
            self.sort.down,
            partial(self._upper, self.db) if self.sort.by is By.UNREAD else None,
            steady=self.sort.by is not By.SIZE,
        )

    def _upper(self, db: Db, ids: Sequence[int]) -> set[int]:
        from mua.store import orders

        unread = orders.unread_among(db, ids)
        return unread if self.sort.down else {*ids} - unread

    # ---- inside
    def _first(self, db: Db) -> Order:
        """The first screenfuls."""
        if self.sort == NEWEST_FIRST:
            return self._ordered(*self._order(db, limit=FIRST))
        from mua.store import orders

        ids = orders.first(db, self.key(), self.chosen, self.sort, FIRST, outgoing=self.outgoing)
        if not self.sort.by_date:
            split = len(self._upper(db, ids)) if self.sort.by is By.UNREAD else 0
            return plain(ids, split)
        ids = ids[::-1]
        if not self.grouped:
            return plain(ids)
        told = read.threads_of(db, ids)
        members = read.listed_of(db, self.key(), self.chosen, list(set(told.values())))
        threads = array("q", (told.get(one, one) for one in ids))
        heads = array(
            "q", (one for one, thread in zip(ids, threads, strict=True) if members.get(thread, [0])[0] == one)
        )
        return Order(ids, threads, heads)

    def _sorted(self, db: Db) -> Iterator[tuple[Order, bool]]:
        """The first, then everything."""
        if self.sort.by_date:
            *_, whole = self._parts(db)
            yield whole
            return
        from mua.store import orders

        first = self._first(db)
        yield first, len(first.ids) < FIRST
        if len(first.ids) < FIRST:
            return
        ids, split = array("q"), 0
        for place, part in enumerate(orders.parts(db, self.key(), self.chosen, self.sort, outgoing=self.outgoing)):
            ids.extend(part)
            split = len(part) if self.sort.down and not place else split
            split = len(ids) - len(part) if not self.sort.down else split
        yield plain(ids, split if self.sort.by is By.UNREAD else 0), True

    def key(self) -> FolderId | Saved:
        """The folder or the view that is listed."""
        assert self.place is not None
        key = self.place.folder if self.place.folder is not None else self.place.saved
        assert key is not None
        return key

    def _order(self, db: Db, below: int = read.NEWEST, limit: int = -1) -> "tuple[array[int], array[int]]":
        """The ids, and beside them the threads where they are wanted."""
        key = self.key()
        if self.grouped:
            return read.threaded_order(db, key, self.chosen, below, limit)
        if isinstance(key, Saved):
            return read.saved_order(db, key, self.chosen, below, limit), array("q")
        return read.folder_order(db, key, self.chosen, below, limit), array("q")

    def _ordered(self, ids: "array[int]", threads: "array[int]") -> Order:
        return grouped(ids, threads) if self.grouped else plain(ids)

    def _parts(self, db: Db) -> Iterator[tuple[Order, bool]]:
        """In parts, so that neither Python's lock nor a read transaction is held for long."""
        ids, threads = self._order(db, limit=FIRST)
        part = ids
        if len(ids) == FIRST:
            yield self._ordered(ids[:], threads[:]), False
            part = self._extend(db, ids, threads)
        while len(part) == PART:
            part = self._extend(db, ids, threads)
        yield self._ordered(ids, threads), True

    def _extend(self, db: Db, ids: "array[int]", threads: "array[int]") -> "array[int]":
        """Read one more part; it alone."""
        part, beside = self._order(db, ids[-1], PART)
        ids.extend(part)
        threads.extend(beside)
        return part

    def _found(self, db: Db) -> Iterator[tuple[Order, bool]]:
        from mua.store import find

        assert self.query is not None
        self.unindexed = find.unindexed(db, self.query)
        for ids, whole in find.hits(db, self.query.and_also(*_also(self.chosen))):
            found = read.narrowed(db, self.chosen, ids) if self.chosen is Filter.KNOWN else ids
            if self.sort == NEWEST_FIRST:
                yield plain(array("q", found)), whole
            elif whole:
                found = sorted({*found, *self.elsewhere}, reverse=True) if self.elsewhere else found
                yield self._found_sorted(db, found), True

    def _found_sorted(self, db: Db, found: list[int]) -> Order:
        """What a search found, newest first, as it is sorted; what was put among the unread ones stays there."""
        from mua.store import orders

        if self.sort.by_date:
            return plain(array("q", found))
        if self.sort.by is not By.UNREAD:
            return plain(orders.sorted_ids(db, found, self.sort))
        unread, before = orders.unread_among(db, found), self._unread
        unread = self._unread = {one for one in found if one in unread or one in before}
        ids = array("q", (one for one in found if (one in unread) is self.sort.down))
        split = len(ids)
        ids.extend(one for one in found if (one in unread) is not self.sort.down)
        return plain(ids, split)

    def _is_aside(self) -> bool:
        """Whether this is a bin or a junk folder."""
        assert self.db is not None
        folder = read.folder(self.db, self.place.folder) if self.place is not None and self.place.folder else None
        return folder is not None and folder.role in (Role.JUNK, Role.TRASH)

    def _still_kept(self) -> list[MessageRow]:
        """The kept messages that are where they were: one that was moved away is not kept."""
        if not self._kept or not self._unread_only():
            return []
        now = (self.message(row.id) for row in self._kept)
        return [new for old, new in zip(self._kept, now, strict=True) if new and new.folder_id == old.folder_id]

    def _unread_only(self) -> bool:
        return self.chosen is Filter.UNREAD or (self.place is not None and self.place.saved is Saved.UNREAD)


def _also(chosen: Chosen) -> tuple[Node, ...]:
    """A filter as a part of a search, as far as a search can say it."""
    if isinstance(chosen, OnlyTag):
        return (Tagged(chosen.keyword),)
    said: dict[Filter, tuple[Node, ...]] = {
        Filter.UNREAD: (Is(Flag.SEEN, False),),
        Filter.STARRED: (Is(Flag.FLAGGED),),
        Filter.ATTACHMENTS: (Has("attachment"),),
    }
    return said.get(chosen, ())


def place_word(place: Place | None) -> str:
    """A place as one word, for what is kept of it."""
    if place is None:
        return ""
    if place.search:
        return f"search:{place.search}"
    return f"saved:{place.saved}" if place.saved is not None else f"folder:{place.folder}"


def place_of(word: str) -> Place | None:
    """The reverse; None for anything else."""
    kind, _, value = word.partition(":")
    if kind == "folder" and value.isdigit():
        return Place(folder=FolderId(int(value)))
    if kind == "saved" and value in {one.value for one in Saved}:
        return Place(saved=Saved(value))
    return Place(search=value) if kind == "search" and value else None


def folder_words(folder: Folder) -> tuple[str, str]:
    """(name as shown, icon) of a folder."""
    return ROLE_NAMES.get(folder.role, (shown(folder.name, 120), "folder"))
