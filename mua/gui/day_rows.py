"""The rows of a list: message ids and, between them, day headings.

Rules of the file: no Qt, no store.  A row is one integer: a message id (positive), or minus the first second of a
period (a heading, zero or negative), or a message id with ``MEMBER``: one that stands below another of its conversation
and out of order (``conversation_rows``).  Ids carry their date (id >> 20 is UTC seconds), so headings are found by
bisection. ``steps`` turns one vector into another with the fewest insertions and removals, so that a view keeps its
selection and scroll position.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence

from mua.records import dataclass

MEMBER = 1 << 62  # above every id
_SECONDS = 20
_FEW, _MANY = 4, 200  # steps that are worth more than a reset, in the longest lists and in short ones
_MOVED = 4_000_000  # rows that all steps together may move along
_MIXED = 50_000  # rows between the first and the last difference: beyond it they are not compared one by one


@dataclass(frozen=True, slots=True)
class Step:
    """One contiguous change: remove rows first..last of the current vector, or insert ``keys`` at ``first``."""

    first: int
    last: int
    keys: "array[int] | None"


def is_heading(key: int) -> bool:
    """Whether a row is a heading."""
    return key <= 0


def is_member(key: int) -> bool:
    """Whether a row is a message below the first of its conversation."""
    return key >= MEMBER


def message_of(key: int) -> int:
    """The message of a row that is no heading."""
    return key & ~MEMBER


def with_headings(ids: "array[int]", periods: Sequence[tuple[int, str]], *, up: bool = False) -> "array[int]":
    """``ids`` (newest first) with a heading before the first message of each of ``periods`` (newest first).

    ``up``: the oldest first, and each heading before the oldest of its period.
    """
    pieces, begin = list[tuple[int | None, int, int]](), 0
    for start, _ in periods:
        end = bisect_right(ids, -(start << _SECONDS), begin, key=lambda one: -one)
        if end > begin:
            pieces.append((-start, begin, end))
            begin = end
    if begin < len(ids):
        pieces.append((None, begin, len(ids)))
    rows = array("q")
    for heading, begin, end in reversed(pieces) if up else pieces:
        if heading is not None:
            rows.append(heading)
        rows.extend(ids[begin:end][::-1] if up else ids[begin:end])
    return rows


def edited(ids: "array[int]", gone: Iterable[int], came: Iterable[int]) -> "array[int]":
    """``ids`` (newest first) without ``gone`` and with ``came`` in their places; the same array if nothing differs."""
    wanted = dict.fromkeys(gone, False) | dict.fromkeys(came, True)
    made, begin = array("q"), 0
    for one in sorted(wanted, reverse=True):
        place = bisect_left(ids, -one, begin, key=lambda key: -key)
        there = place < len(ids) and ids[place] == one
        if there is not wanted[one]:
            made.extend(ids[begin:place])
            begin = place + there
            if wanted[one]:
                made.append(one)
    if not begin and not made:
        return ids
    made.extend(ids[begin:])
    return made


def lower(rows: "array[int]", bound: int, *, up: bool = False) -> int:
    """The row of the newest message whose id is below ``bound`` (rows sorted newest first), or ``len(rows)``.

    ``up``: rows are sorted oldest first, and it is the oldest message whose id is not below ``bound``.
    """
    low, high = 0, len(rows)
    while low < high:
        middle = probe = (low + high) // 2
        while probe < high and not 0 < rows[probe] < MEMBER:
            probe += 1
        if probe < high and (rows[probe] < bound) is up:
            low = probe + 1
        else:
            high = middle
    while low < len(rows) and not 0 < rows[low] < MEMBER:
        low += 1
    return low


def find(rows: "array[int]", wanted: int, *, up: bool = False) -> int:
    """The row of message ``wanted``, or -1."""
    row = lower(rows, wanted if up else wanted + 1, up=up)
    return row if row < len(rows) and rows[row] == wanted else -1


def heading_rows(rows: "array[int]", periods: Sequence[tuple[int, str]], *, up: bool = False) -> list[int]:
    """Where the headings of ``periods`` (newest first) stand."""
    if up:
        first = (lower(rows, start << _SECONDS, up=True) - 1 for start, _ in reversed(periods))
        pairs = zip(first, reversed(periods), strict=True)
        return [row for row, (start, _) in pairs if row >= 0 and rows[row] == -start]
    found, row = [], 0
    for start, _ in periods:
        if row < len(rows) and rows[row] == -start:
            found.append(row)
        row = lower(rows, start << _SECONDS)
        if row and is_heading(rows[row - 1]):
            row -= 1
    return found


def steps(old: "array[int]", new: "array[int]") -> list[Step] | None:
    """How to get from ``old`` to ``new``: removals from the back, then insertions from the front.

    None: too many steps for this length, or the common rows changed their order; the caller resets.
    """
    head = _common(old, new, lambda rows, begin, end: rows[begin:end])
    limit = min(len(old), len(new)) - head
    tail = _common(old, new, lambda rows, begin, end: rows[len(rows) - end : len(rows) - begin], limit)
    before, after = old[head : len(old) - tail], new[head : len(new) - tail]
    if not before or not after:
        return _one_step(head, before, after)
    if len(before) + len(after) > _MIXED:
        return None
    gone, came = set(before) - set(after), set(after) - set(before)
    if [key for key in before if key not in gone] != [key for key in after if key not in came]:
        return None
    removals = [Step(head + a, head + b - 1, None) for a, b in _runs(before, gone)]
    insertions = [Step(head + a, head + b - 1, after[a:b]) for a, b in _runs(after, came)]
    found = [*reversed(removals), *insertions]
    return found if len(found) <= max(_FEW, min(_MANY, _MOVED // (len(new) + 1))) else None


def removal(rows: "array[int]", head: int) -> Step:
    """How a message leaves ``rows`` (newest first, nothing open): with its heading, where it is the last below it."""
    row = find(rows, head)
    alone = row > 0 and is_heading(rows[row - 1]) and (row + 1 == len(rows) or is_heading(rows[row + 1]))
    return Step(row - alone, row, None)


def insertion(rows: "array[int]", head: int, periods: Sequence[tuple[int, str]]) -> Step:
    """How a message comes into ``rows``: with a heading, where it is the first of its period."""
    mine = _heading_of(head, periods)
    row = lower(rows, head)
    above = row - (row > 0 and is_heading(rows[row - 1]))
    if above < row and rows[above] == mine:
        return Step(row, row, array("q", (head,)))
    if mine is None or (above > 0 and _heading_of(message_of(rows[above - 1]), periods) == mine):
        return Step(above, above, array("q", (head,)))
    return Step(above, above + 1, array("q", (mine, head)))


def _heading_of(message_id: int, periods: Sequence[tuple[int, str]]) -> int | None:
    place = bisect_left(periods, -(message_id >> _SECONDS), key=lambda one: -one[0])
    return -periods[place][0] if place < len(periods) else None


def _one_step(head: int, before: "array[int]", after: "array[int]") -> list[Step]:
    """Where one stretch was only removed, or only inserted."""
    if before:
        return [Step(head, head + len(before) - 1, None)]
    return [Step(head, head + len(after) - 1, after)] if after else []


def _common(
    old: "array[int]",
    new: "array[int]",
    cut: "Callable[[array[int], int, int], array[int]]",
    limit: int | None = None,
) -> int:
    """The length of the longest common start (or end, as ``cut`` cuts), by bisection over what is not yet known."""
    low, high = 0, min(len(old), len(new)) if limit is None else limit
    while low < high:
        middle = (low + high + 1) // 2
        if cut(old, low, middle) == cut(new, low, middle):
            low = middle
        else:
            high = middle - 1
    return low


def _runs(rows: "array[int]", members: set[int]) -> Iterator[tuple[int, int]]:
    """The contiguous stretches [a, b) of ``rows`` whose keys are in ``members``."""
    if not members:
        return
    begin = -1
    for place, key in enumerate(rows):
        if key in members:
            begin = place if begin < 0 else begin
        elif begin >= 0:
            yield begin, place
            begin = -1
    if begin >= 0:
        yield begin, len(rows)
