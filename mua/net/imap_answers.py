"""What IMAP answers mean: the data that ``ImapConnection`` returns, and pure functions that read it out of a Result.

The rule of the file: what a server left out is 0 or empty, what does not fit is not believed.
"""

import datetime
import itertools
from collections.abc import Iterable
from dataclasses import field, replace
from enum import StrEnum
from typing import Any, BinaryIO

from mua.model.folder import FolderState, Space
from mua.model.quota import UNIT, Quota
from mua.net.imap_dialogue import Result
from mua.net.imap_tokens import MAX_OBJECT_ID, Fetched, Ranges, decode_name, expanded, ranges, text
from mua.records import dataclass

MAX_HEADER = 256 * 1024  # octets of a header block that are looked at
MAX_QUOTAS, MAX_ROOT = 50, 200  # limits of an account; octets of their names
MAX_NAMESPACES, MAX_PREFIX = 20, 500  # the person's own, and all that are not; octets
MAX_LIMIT = 1 << 52  # what still fits 63 bits when it counts units of 1,024 octets


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace (RFC 2342): ``raw`` is its prefix in the server's own octets."""

    space: Space
    prefix: str
    delimiter: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class ListedFolder:
    """One mailbox of LIST.  ``attributes`` are lower-cased (``\\sent``); ``state`` None: STATUS was not told.

    ``space`` and ``prefix``: of the namespace that it is in, where it is not the person's own.
    ``object_id``: what stays when it is renamed (MAILBOXID); empty: not told.
    """

    name: str
    delimiter: str
    attributes: frozenset[str]
    subscribed: bool = True
    state: FolderState | None = None
    unseen: int = 0
    space: Space = Space.OWN
    prefix: str = ""
    object_id: str = ""

    @property
    def selectable(self) -> bool:
        """Whether it can hold messages."""
        return not self.attributes & {"\\noselect", "\\nonexistent"}


@dataclass(frozen=True, slots=True)
class FlagNews:
    """What the server says about one message's flags; ``modseq`` 0: not told."""

    uid: int
    flags: tuple[str, ...]
    modseq: int = 0


@dataclass(frozen=True, slots=True)
class Selected:
    """What SELECT told.  ``vanished`` (ranges, never expanded) and ``changed`` only after a QRESYNC."""

    name: str
    state: FolderState
    readonly: bool = False
    permanent_flags: tuple[str, ...] = ()
    vanished: tuple[tuple[int, int], ...] = ()
    changed: tuple[FlagNews, ...] = ()
    resynced: bool = False


@dataclass(frozen=True, slots=True)
class FetchedHeader:
    """A message as a list needs it.  ``internaldate`` is UTC seconds (0: not told), ``size`` octets.

    ``object_id``: what is the same for every copy of these bytes on the server (EMAILID, X-GM-MSGID); empty: not told.
    ``preview``: how its text begins, where that was asked for and told.
    ``server_thread``: the server's name for its conversation (THREADID, X-GM-THRID); empty: not told.
    """

    uid: int
    flags: tuple[str, ...]
    internaldate: int
    size: int
    header: bytes
    modseq: int = 0
    object_id: str = ""
    preview: str = ""
    server_thread: str = ""


@dataclass(frozen=True, slots=True)
class FetchedBody:
    """A whole message: bytes, or a file from the sink (rewound; the reader closes it)."""

    uid: int
    body: bytes | BinaryIO


@dataclass(frozen=True, slots=True)
class Placed:
    """Where messages came to lie (COPYUID, APPENDUID): source UID -> UID there; an APPEND has source 0."""

    uidvalidity: int
    uids: dict[int, int] = field(default_factory=dict)


class Woken(StrEnum):
    """Why IDLE ended."""

    POKE = "poke"
    NEWS = "news"
    TIMEOUT = "timeout"
    SLEPT = "slept"  # the computer was suspended: the connection may be dead without knowing


def head(value: bytes | BinaryIO) -> bytes:
    """The first octets of a header block."""
    if isinstance(value, bytes):
        return value[:MAX_HEADER]
    with value:
        return value.read(MAX_HEADER)


def status_values(pairs: Any) -> dict[str, int]:
    """``(MESSAGES 3 UIDNEXT 4)`` as a table."""
    return {
        text(key).upper(): value for key, value in zip(pairs[::2], pairs[1::2], strict=False) if isinstance(value, int)
    }


def mailbox_id(pairs: Any) -> str:
    """The MAILBOXID among STATUS items (RFC 8474 s.4.3); empty when it is not there."""
    for key, value in zip(pairs[::2], pairs[1::2], strict=False):
        if text(key).upper() == "MAILBOXID" and isinstance(value, list) and value:
            return text(value[0])[:MAX_OBJECT_ID]
    return ""


def folder_state(values: dict[str, int]) -> FolderState:
    """STATUS items or SELECT codes as a FolderState."""
    return FolderState(
        values.get("UIDVALIDITY", 0),
        values.get("UIDNEXT", 0),
        values.get("HIGHESTMODSEQ", 0),
        values.get("MESSAGES", 0),
    )


def quota_limits(answer: Result) -> list[Quota]:
    """The limits that GETQUOTAROOT told (RFC 9208 s.5.1), each once; what is malformed is left out."""
    found: dict[tuple[str, str], Quota] = {}
    for one in answer.untagged[:MAX_QUOTAS]:
        try:
            root, triplets = text(one.values[0])[:MAX_ROOT], one.values[1]
            for name, used, limit in zip(triplets[::3], triplets[1::3], triplets[2::3], strict=True):
                resource = text(name).upper()[:MAX_ROOT]
                unit = UNIT if resource == "STORAGE" else 1
                used, limit = (min(max(int(value), 0), MAX_LIMIT) * unit for value in (used, limit))
                found[root, resource] = Quota(root, resource, used, limit)
        except (LookupError, TypeError, ValueError):
            continue
    return list(found.values())[:MAX_QUOTAS]


def namespaces(values: Any, utf8: bool) -> list[Namespace]:
    """The answer to NAMESPACE: the person's own, other users', shared ones; what is malformed is left out."""
    own: list[Namespace] = []
    foreign: list[Namespace] = []  # each of them may cost a LIST of its own
    for space, entries in zip((Space.OWN, Space.OTHERS, Space.SHARED), values, strict=False):
        for entry in entries[:MAX_NAMESPACES] if isinstance(entries, list) else []:
            try:
                raw, delimiter = entry[0] or b"", entry[1]
            except (LookupError, TypeError):
                continue
            prefix = decode_name(raw, utf8=utf8) if isinstance(raw, bytes) and len(raw) <= MAX_PREFIX else None
            found = foreign if space else own
            if prefix is not None and len(found) < MAX_NAMESPACES:
                found.append(Namespace(space, prefix, text(delimiter) if delimiter else "", raw))
    return own + foreign


def namespace_of(name: str, spaces: Iterable[Namespace]) -> Namespace | None:
    """The namespace of others that a mailbox is in, or that it is the root of; None: it is the person's own."""
    foreign = [one for one in spaces if one.space and one.prefix]
    fitting = [one for one in foreign if (name + one.delimiter).startswith(one.prefix)]
    own = [one.prefix for one in spaces if not one.space and name.startswith(one.prefix)]
    best = max(fitting, key=lambda one: len(one.prefix), default=None)
    return None if best is None or len(best.prefix) < max(map(len, own), default=0) else best


def with_state(one: ListedFolder, values: dict[str, int] | None) -> ListedFolder:
    """``one`` with what STATUS said about it."""
    if values is None:
        return one
    return replace(one, state=folder_state(values), unseen=values.get("UNSEEN", 0))


def selected_from(name: str, answer: Result, resync: bool) -> Selected:
    """The answer to SELECT."""
    numbers: dict[str, int] = {}
    permanent: tuple[str, ...] = ()
    vanished: Ranges = []
    changed: list[FlagNews] = []
    for one in answer.untagged:
        if one.kind == b"EXISTS":
            numbers["MESSAGES"] = one.number
        elif one.kind == b"VANISHED" and one.values:
            vanished += _spans(one.values[-1])
        elif one.fetched is not None:
            changed += _flag_news(one.fetched)
        elif one.kind == b"OK" and one.values[0].code:
            code = one.values[0]
            if code.code_name == "PERMANENTFLAGS" and len(code.code) > 1 and isinstance(code.code[1], list):
                permanent = tuple(text(flag) for flag in code.code[1])
            elif len(code.code) > 1 and isinstance(code.code[1], int):
                numbers[code.code_name] = code.code[1]
    readonly = answer.status.code_name == "READ-ONLY"
    return Selected(name, folder_state(numbers), readonly, permanent, tuple(vanished), tuple(changed), resync)


def _flag_news(message: Fetched) -> list[FlagNews]:
    if message.uid is None or message.flags is None:
        return []
    return [FlagNews(message.uid, message.flags, message.modseq or 0)]


def _spans(value: Any) -> Ranges:
    try:
        return ranges(value)
    except (ValueError, AttributeError):
        return []


def esearch_all(values: Any) -> Ranges:
    """The ALL of an ESEARCH answer: ``(TAG "x") UID ALL 1:3,5``."""
    words = [one for one in values if not isinstance(one, list)]
    for key, value in itertools.pairwise(words):
        if isinstance(key, bytes) and key.upper() == b"ALL":
            return ranges(value)
    return []


def copied(answer: Result, placed: Placed | None, asked: set[int]) -> Placed | None:
    """Add a COPYUID (of the tagged or an untagged OK) to ``placed``; one that does not fit is not believed."""
    statuses = [one.values[0] for one in answer.untagged if one.kind == b"OK"]
    for end in [answer.status, *statuses]:
        if end.code_name != "COPYUID" or len(end.code) != 4:
            continue
        try:
            source = expanded(ranges(end.code[2]), len(asked))
            target = expanded(ranges(end.code[3]), len(asked))
        except (ValueError, AttributeError):
            continue
        if len(source) == len(target) and asked.issuperset(source):
            placed = placed or Placed(end.code[1])
            placed.uids.update(zip(source, target, strict=True))
    return placed


def date_time(seconds: int) -> bytes:
    """The date-time of APPEND (RFC 9051 s.9), in UTC."""
    when = datetime.datetime.fromtimestamp(min(max(seconds, 0), 253402300799), datetime.UTC)
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[when.month - 1]
    return f'"{when.day:2d}-{month}-{when:%Y %H:%M:%S} +0000"'.encode()
