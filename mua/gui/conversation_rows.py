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


def changed(
    order: Order,
    asked: Iterable[int],
    belong: Mapping[int, int],
    members: Callable[[Sequence[int]], Mapping[int, Sequence[int]]],
) -> tuple[Order, set[int]]:
    """``order`` after these messages changed, and the threads that it concerns.

    ``belong`` has those of ``asked`` that are to be listed, with their threads; ``members`` reads which messages of
    some threads are listed (it may know more than ``order`` does).  Costs what changed, and copies of the vectors.
    """
    asked = {*asked, *belong}
    before = {one: thread for one in asked if (thread := thread_of(order, one))}
    touched = {*before.values(), *belong.values()}
    if not touched:
        return order, touched
    moved = [one for one in asked if belong.get(one) != before.get(one)]
    ids, threads = _edited(order, sorted(moved, reverse=True), belong) if moved else (order.ids, order.threads)
    now = {thread: [one for one in found if place_of(ids, one) >= 0] for thread, found in members([*touched]).items()}
    heads = {found[0] for found in now.values() if found}
    candidates = {*asked, *(one for found in now.values() for one in found)}
    return Order(ids, threads, edited(order.heads, candidates - heads, heads)), touched


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
