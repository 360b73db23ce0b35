"""A list grouped by conversations: which messages have a row, and which come with that of another.

Rules of the file: no Qt, no store.  An ``Order`` is what a list holds: every message, newest first, the thread of each,
and the ``heads``, the newest of each thread, which have a row.  A conversation that is open has its other messages in
the rows below its head, marked by ``MEMBER``, so that rows stay integers; whoever searches rows by bisection passes
over them (``day_rows``).  Not grouped, the messages are the heads, and there are no threads.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from mua.gui.day_rows import MEMBER, edited, find
from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """The order vector of a list; ``threads`` beside ``ids`` (empty when the list is not grouped).

    It is newest first, also where the oldest are listed first; only what is sorted by something else than its date
    (``sorted_rows``) is not.
    """

    ids: "array[int]"
    threads: "array[int]"
    heads: "array[int]"
    split: int = 0
    """Sorted by what is unread: where the second half begins."""


def plain(ids: "array[int]", split: int = 0) -> Order:
    """Each message has a row."""
    return Order(ids, array("q"), ids, split)


def grouped(ids: "array[int]", threads: "array[int]") -> Order:
    """Each thread has a row.  One pass over everything: not for a window's own thread, but for few."""
    seen: set[int] = set()
    heads = array("q")
    for one, thread in zip(ids, threads, strict=True):
        if thread not in seen:
            seen.add(thread)
            heads.append(one)
    return Order(ids, threads, heads)


def place_of(ids: "array[int]", wanted: int) -> int:
    """Where ``wanted`` is in ``ids`` (newest first), or -1."""
    place = bisect_left(ids, -wanted, key=lambda one: -one)
    return place if place < len(ids) and ids[place] == wanted else -1


def thread_of(order: Order, message_id: int) -> int:
    """The thread of a message that is listed in a grouped list, or 0."""
    place = place_of(order.ids, message_id) if order.threads else -1
    return order.threads[place] if place >= 0 else 0


@dataclass(frozen=True, slots=True)
class Edits:
    """What to do to an order: messages that leave it and come into it (with their threads), and the same of heads."""

    gone: Sequence[int]
    came: Mapping[int, int]
    heads_gone: Sequence[int]
    heads_came: Sequence[int]
    touched: frozenset[int]
    """The threads that it concerns."""

    @property
    def many(self) -> int:
        """How many there are."""
        return len(self.gone) + len(self.came) + len(self.heads_gone) + len(self.heads_came)


def edits(
    order: Order,
    asked: Iterable[int],
    belong: Mapping[int, int],
    members: Callable[[Sequence[int]], Mapping[int, Sequence[int]]],
) -> Edits:
    """What changes in a grouped order when these messages changed.

    ``belong`` has those of ``asked`` that are to be listed, with their threads; ``members`` reads which messages of
    some threads are listed (it may know more than ``order`` does).
    """
    asked = {*asked, *belong}
    before = {one: thread for one in asked if (thread := thread_of(order, one))}
    touched = frozenset((*before.values(), *belong.values()))
    if not touched:
        return Edits((), {}, (), (), touched)
    moved = {one for one in asked if belong.get(one) != before.get(one)}
    gone = [one for one in moved if one in before]
    came = {one: belong[one] for one in moved if one in belong}

    def listed(one: int) -> bool:
        return one in belong if one in asked else place_of(order.ids, one) >= 0

    now = {thread: [one for one in found if listed(one)] for thread, found in members([*touched]).items()}
    heads = {found[0] for found in now.values() if found}
    candidates = {*asked, *(one for found in now.values() for one in found)}
    heads_gone = [one for one in candidates - heads if place_of(order.heads, one) >= 0]
    heads_came = [one for one in heads if place_of(order.heads, one) < 0]
    return Edits(gone, came, heads_gone, heads_came, touched)


def plain_edits(order: Order, asked: Iterable[int], belong: Collection[int]) -> Edits:
    """The same where each message has a row."""
    gone = [one for one in asked if one not in belong and place_of(order.ids, one) >= 0]
    came = dict.fromkeys((one for one in belong if place_of(order.ids, one) < 0), 0)
    return Edits(gone, came, gone, list(came), frozenset())


def changed(
    order: Order,
    asked: Iterable[int],
    belong: Mapping[int, int],
    members: Callable[[Sequence[int]], Mapping[int, Sequence[int]]],
) -> tuple[Order, set[int]]:
    """A grouped order after these messages changed, and the threads that it concerns (``edits``).

    Costs what changed, and copies of the vectors.
    """
    found = edits(order, asked, belong, members)
    if not found.many:
        return order, set(found.touched)
    ids, threads = order.ids, order.threads
    if found.gone or found.came:
        ids, threads = _edited(order, sorted({*found.gone, *found.came}, reverse=True), found.came)
    heads = edited(order.heads, found.heads_gone, found.heads_came)
    return Order(ids, threads, heads), set(found.touched)


def _edited(order: Order, moved: Sequence[int], belong: Mapping[int, int]) -> "tuple[array[int], array[int]]":
    """Both vectors without ``moved`` (newest first), and with those of them that belong, in their places."""
    ids, threads, begin = array("q"), array("q"), 0
    for one in moved:
        place = bisect_left(order.ids, -one, begin, key=lambda key: -key)
        ids.extend(order.ids[begin:place])
        threads.extend(order.threads[begin:place])
        begin = place + (place < len(order.ids) and order.ids[place] == one)
        if one in belong:
            ids.append(one)
            threads.append(belong[one])
    ids.extend(order.ids[begin:])
    threads.extend(order.threads[begin:])
    return ids, threads


def edit_here(order: Order, few: Edits) -> None:
    """Change an order itself: a few edits cost nothing beside copies of long vectors."""
    for one in few.gone:
        place = place_of(order.ids, one)
        del order.ids[place]
        if order.threads:
            del order.threads[place]
    for one, thread in few.came.items():
        place = bisect_left(order.ids, -one, key=lambda key: -key)
        order.ids.insert(place, one)
        if order.threads or thread:
            order.threads.insert(place, thread)
    if order.heads is not order.ids:
        for one in few.heads_gone:
            del order.heads[place_of(order.heads, one)]
        for one in few.heads_came:
            order.heads.insert(bisect_left(order.heads, -one, key=lambda key: -key), one)


def spliced(rows: "array[int]", opened: Collection[Sequence[int]], *, up: bool = False) -> "array[int]":
    """``rows`` (ids and headings) with the messages of each open conversation (newest first) below its head."""
    for members in opened:
        row = find(rows, members[0], up=up)
        if row >= 0:
            rows = rows[: row + 1] + array("q", (one | MEMBER for one in members[1:])) + rows[row + 1 :]
    return rows


def concerned(order: Order, chosen: Collection[int], alone: Collection[int]) -> list[int]:
    """Every message of the conversations whose heads are ``chosen``, and those that are chosen ``alone``; one pass."""
    threads: set[int] = set()
    found: list[int] = []
    for one, thread in zip(order.ids, order.threads, strict=True):
        if one in chosen:
            threads.add(thread)
        if thread in threads or one in alone:
            found.append(one)
    return found
