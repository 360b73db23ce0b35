"""The vector of a list that is sorted by something else than its date: finding a message in it, and keeping it sorted.

Rules of the file: no Qt, no store.  What is compared is asked for (``keys``), of some twenty messages on the way to a
place.  What was put somewhere stays there: a message that is read now does not run away from the unread ones while
somebody looks at it, and one whose key is another or not known any more is still found, the slow way.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from struct import pack

from mua.records import dataclass

Key = tuple[str | int, int]
_FEW = 2  # messages that are each looked for through everything; more are, together, in one pass


@dataclass(frozen=True, slots=True)
class Sorting:
    """How a list is sorted: ``keys`` of these ids, the highest first where ``down``.

    Or in two halves, each newest first: ``upper`` tells which of some ids belong into the first.
    """

    keys: Callable[[Sequence[int]], dict[int, Key]]
    down: bool
    upper: Callable[[Sequence[int]], set[int]] | None = None
    steady: bool = True
    """A key never changes."""


def locate(ids: "array[int]", split: int, wanted: int, sorting: Sorting) -> int:
    """The row of a message, or -1; ``split`` is where the second half begins."""
    row, certain = _quickly(ids, split, wanted, sorting)
    return row if row >= 0 or certain else _search(ids, wanted)


def placed(
    ids: "array[int]", split: int, gone: Collection[int], came: Collection[int], sorting: Sorting
) -> "tuple[array[int], int]":
    """Both without ``gone``, and with those of ``came`` that were not there where they belong."""
    rows, doubtful = dict[int, int](), list[int]()
    for one in {*gone, *came}:
        rows[one], certain = _quickly(ids, split, one, sorting)
        if rows[one] < 0 and not certain:
            doubtful.append(one)
    if len(doubtful) > _FEW:
        wanted = set(doubtful)
        rows.update((one, row) for row, one in enumerate(ids) if one in wanted)
    else:
        rows.update((one, _search(ids, one)) for one in doubtful)
    left = sorted(row for one, row in rows.items() if row >= 0 and one not in came)
    news = [one for one in came if rows[one] < 0]
    if not left and not news:
        return ids, split
    kept = _without(ids, left)
    split -= bisect_left(left, split)
    first = sorting.upper(news) if sorting.upper is not None else set[int]()
    made, begin = array("q"), 0
    for row, one in _rows_for(kept, split, news, first, sorting):
        made.extend(kept[begin:row])
        made.append(one)
        begin = row
    made.extend(kept[begin:])
    return made, split + len(first)


def _without(ids: "array[int]", rows: Sequence[int]) -> "array[int]":
    made, begin = array("q"), 0
    for row in rows:
        made.extend(ids[begin:row])
        begin = row + 1
    made.extend(ids[begin:])
    return made


def _rows_for(
    ids: "array[int]", split: int, news: Sequence[int], first: Collection[int], sorting: Sorting
) -> list[tuple[int, int]]:
    """Before which row each of ``news`` belongs, as they will stand."""
    if sorting.upper is not None:
        halves = {True: (0, split), False: (split, len(ids))}
        newest = sorted(news, key=lambda one: (one not in first, -one))
        return [(bisect_left(ids, -one, *halves[one in first], key=lambda key: -key), one) for one in newest]
    keys = sorting.keys(news)
    known = sorted((one for one in news if one in keys), key=keys.__getitem__, reverse=sorting.down)
    return [(_place(ids, keys[one], sorting), one) for one in known]


def _quickly(ids: "array[int]", split: int, wanted: int, sorting: Sorting) -> tuple[int, bool]:
    """(the row of a message or -1, whether that is certain)"""
    if sorting.upper is not None:
        for low, high in ((0, split), (split, len(ids))):
            row = bisect_left(ids, -wanted, low, high, key=lambda key: -key)
            if row < high and ids[row] == wanted:
                return row, True
        return -1, True
    mine = sorting.keys([wanted]).get(wanted)
    if mine is None:
        return -1, False
    row = _place(ids, mine, sorting)
    found = row < len(ids) and ids[row] == wanted
    return (row if found else -1), sorting.steady


def _place(ids: "array[int]", mine: Key, sorting: Sorting) -> int:
    """The first row whose message does not stand before ``mine``; messages that are gone from the store say nothing."""
    low, high = 0, len(ids)
    while low < high:
        middle = probe = (low + high) // 2
        key = None
        while probe < high and (key := sorting.keys([ids[probe]]).get(ids[probe])) is None:
            probe += 1
        if key is not None and (key > mine if sorting.down else key < mine):
            low = probe + 1
        else:
            high = middle
    return low


def _search(ids: "array[int]", wanted: int) -> int:
    octets, pattern = ids.tobytes(), pack("q", wanted)
    place = octets.find(pattern)
    while place % 8 and place >= 0:
        place = octets.find(pattern, place + 1)
    return place // 8 if place >= 0 else -1
