"""POP3, decided: what of a server's listing to fetch and what may be deleted there.  Pure.

A message is known by its unique id, never by its number (RFC 1939 s.7).  An id that tells nothing apart (none at all,
one that two messages bear, the number again) is replaced by a print of the message's header, without what servers
change in it.  Messages with equal headers are told apart by their order: the n-th bearer of a key is a message of its
own (``"key n"``; a key holds no space), which costs a second copy at worst, and never a message.

What is fetched under a new key may be known all the same: a server that moved gives every message a new id.  Bytes
that were fetched before, under a key that is not listed any more, are the same message.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from mua.model.account import FOR_EVER, PopOptions
from mua.model.message import MessageId
from mua.records import dataclass

DAY = 86_400  # seconds
# What servers write into a message's header when they keep it, or hand it over.
_CHANGING = re.compile(
    rb"(?im)^(?:status|x-status|x-uid|x-uidl|x-keywords|x-imap|x-imapbase|x-mozilla-status2?|content-length|lines)"
    rb"[ \t]*:.*(?:\r?\n[ \t].*)*(?:\r?\n|\Z)"
)


class Listed(NamedTuple):
    """One message on the server: its number in this session, its unique id (empty: none given) and its size.

    This and ``Keyed`` are tuples, since a visit makes 100,000 of them where so many messages are.
    """

    number: int
    uid: str
    size: int


class Keyed(NamedTuple):
    """A listed message and the key under which the store remembers that it was fetched."""

    key: str
    number: int
    size: int


class Ours(Enum):
    """What became of a fetched message on this computer."""

    HERE = "here"
    TRASHED = "trashed"
    GONE = "gone"  # deleted for ever, by the person


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the store knows of a message that was fetched ``at`` (UTC seconds); ``digest`` empty: not known."""

    id: MessageId
    at: int
    digest: bytes
    ours: Ours


def doubtful(listing: Sequence[Listed]) -> list[int]:
    """The numbers of the messages whose unique ids do not tell them apart from others, now and later."""
    if all(one.uid == str(one.number) for one in listing):
        return [one.number for one in listing]
    bearers = Counter(one.uid for one in listing)
    return [one.number for one in listing if not one.uid or bearers[one.uid] > 1]


def header_print(header: bytes) -> str:
    """A key made of a header."""
    return f"sha256:{hashlib.sha256(_CHANGING.sub(b'', header).rstrip()).hexdigest()}"


def keyed(listing: Iterable[Listed], prints: Mapping[int, str] | None = None) -> tuple[Keyed, ...]:
    """Each message with its key, in the order of their numbers; one with neither id nor print is left out."""
    seen: Counter[str] = Counter()
    out = []
    for one in sorted(listing, key=lambda listed: listed.number):
        name = (prints or {}).get(one.number, one.uid)
        if name:
            seen[name] += 1
            again = f" {seen[name]}" if seen[name] > 1 else ""
            out.append(Keyed(name + again, one.number, one.size))
    return tuple(out)


def to_fetch(
    there: Iterable[Keyed], known: Collection[str], leave_out: Collection[str], max_size: int
) -> tuple[Keyed, ...]:
    """What to fetch, newest first: not fetched before, not over ``max_size`` octets, not in ``leave_out``."""
    new = [one for one in there if one.key not in known and one.key not in leave_out and one.size <= max_size]
    return tuple(sorted(new, key=lambda one: -one.number))


def known_as(bearers: Iterable[tuple[str, MessageId]], listed: Collection[str]) -> MessageId | None:
    """The message that a server lists under a new key, of those (key, message) whose bytes are the same; or None.

    One that is still listed under a key of its own is another copy.
    """
    pairs = list(bearers)
    taken = {message_id for key, message_id in pairs if key in listed}
    return next((message_id for _, message_id in pairs if message_id not in taken), None)


def to_delete(
    there: Iterable[Keyed], fetched: Mapping[str, Fetched], options: PopOptions, now: int
) -> tuple[Keyed, ...]:
    """What to delete on the server: nothing that was not fetched, and what the account's options say of the rest.

    The caller makes sure that what is not ``GONE`` can be read back here.
    """
    return tuple(one for one in there if one.key in fetched and _is_due(fetched[one.key], options, now))


def _is_due(one: Fetched, options: PopOptions, now: int) -> bool:
    if options.delete_with_ours and one.ours is not Ours.HERE:
        return True
    return options.keep_days != FOR_EVER and one.at + options.keep_days * DAY <= now


def next_visit(now: float, failures: int, interval: float, login_delay: float, lot: float) -> float:
    """When to ask again, in the clock of ``now`` (seconds).

    After failures sooner than usual, each time later (15 s, 30 s, ... up to ``interval``), and up to a tenth more by
    ``lot`` (0..1); never sooner than the server's LOGIN-DELAY.
    """
    pause = min(interval, 15.0 * 2 ** min(failures - 1, 20)) if failures else interval
    return now + max(pause, login_delay) * (1 + 0.1 * lot)
