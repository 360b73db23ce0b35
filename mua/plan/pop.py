"""POP3, decided: what of a server's listing to fetch and what may be deleted there.  Pure.

A message is known by its unique id, never by its number (RFC 1939 s.7).  Servers may give equal ids to equal messages,
and some give them to unequal ones: the n-th bearer of an id is a message of its own (key ``"id n"``; an id holds no
space), so that a doubled id costs a second copy at worst, and never a message.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Listed:
    """One message on the server: its number in this session, its unique id (empty: none given) and its size."""

    number: int
    uid: str
    size: int


@dataclass(frozen=True, slots=True)
class Keyed:
    """A listed message and the key under which the store remembers that it was fetched."""

    key: str
    number: int
    size: int


def keyed(listing: Iterable[Listed]) -> tuple[Keyed, ...]:
    """Each message with its key, in the order of their numbers; one without any id has none and is left out."""
    seen: Counter[str] = Counter()
    out = []
    for one in sorted(listing, key=lambda listed: listed.number):
        if one.uid:
            seen[one.uid] += 1
            again = f" {seen[one.uid]}" if seen[one.uid] > 1 else ""
            out.append(Keyed(one.uid + again, one.number, one.size))
    return tuple(out)


def to_fetch(
    there: Iterable[Keyed], known: Collection[str], leave_out: Collection[str], max_size: int
) -> tuple[Keyed, ...]:
    """What to fetch, newest first: not fetched before, not over ``max_size`` octets, not in ``leave_out``."""
    new = [one for one in there if one.key not in known and one.key not in leave_out and one.size <= max_size]
    return tuple(sorted(new, key=lambda one: -one.number))


def to_delete(there: Iterable[Keyed], safe: Collection[str], leave_on_server: bool) -> tuple[Keyed, ...]:
    """What to delete on the server: only what is ``safe`` in the store, and nothing while mail is left there."""
    return () if leave_on_server else tuple(one for one in there if one.key in safe)


def next_visit(now: float, failures: int, interval: float, login_delay: float, lot: float) -> float:
    """When to ask again, in the clock of ``now`` (seconds).

    After failures sooner than usual, each time later (15 s, 30 s, ... up to ``interval``), give or take a tenth by
    ``lot`` (0..1); never sooner than the server's LOGIN-DELAY.
    """
    pause = min(interval, 15.0 * 2 ** min(failures - 1, 20)) if failures else interval
    return now + max(pause, login_delay) * (1 + 0.1 * lot)
