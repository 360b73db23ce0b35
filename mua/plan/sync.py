"""What to do about one folder, given what is here and what the server says.  Pure: no clock, no I/O, no store.

Theory of operation.  ``FolderState.uidnext`` and ``highestmodseq`` are recorded when a pull is *complete*; 0 means that
one was begun and not finished, so the next compares everything.  New mail is what the server lists and the store does
not know, newest first.  What the store knows and the server does not list is a *candidate*: it is asked for once more,
and when half a folder seems to have vanished the mailbox is opened anew and asked again.  A new UIDVALIDITY makes every
UID meaningless: messages are recognised by Message-ID, size and date, and keep their rows and bytes.
"""

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from enum import Enum

from mua.model.folder import FolderState, Role
from mua.model.policy import Keep, Policy
from mua.records import dataclass

BATCH = 200  # headers to fetch and commit at once
BODY_BATCH = 100
BODY_OCTETS = 4 << 20
FEW = 20  # so many messages may vanish without a second look
MAX_BACKOFF = 900.0
QUOTA_SECONDS = 900.0
DAY = 24 * 3600


class Listing(Enum):
    """Which UIDs to ask the server for."""

    NONE = "none"
    NEW = "new"
    ALL = "all"


class Refresh(Enum):
    """Whose flags to ask the server for."""

    NONE = "none"
    CHANGED = "changed"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """How to bring one folder up to date.

    ``restart``: UIDVALIDITY changed, recognise messages anew.  ``low``: the first UID that NEW asks for.
    ``since``: the modseq that CHANGED starts from.
    """

    restart: bool = False
    listing: Listing = Listing.NONE
    low: int = 1
    refresh: Refresh = Refresh.NONE
    since: int = 0


def plan_folder(local: FolderState, stored: int, remote: FolderState, *, resynced: bool) -> FolderPlan:
    """Decide after SELECT: ``local`` and ``stored`` (messages with a UID) are ours, ``remote`` is the server's.

    ``resynced``: the SELECT was a QRESYNC and told flags and vanished messages already.
    """
    if local.uidvalidity and local.uidvalidity != remote.uidvalidity:
        return FolderPlan(restart=True, listing=Listing.ALL)
    if not local.uidvalidity or not local.uidnext:
        return FolderPlan(listing=Listing.ALL, refresh=Refresh.ALL if stored else Refresh.NONE)
    refresh, since = _refresh(local, stored, remote, resynced)
    if not remote.uidnext or remote.uidnext < local.uidnext:  # not told, or a lie: look at everything
        return FolderPlan(listing=Listing.ALL, refresh=refresh, since=since)
    arrived = remote.uidnext > local.uidnext
    if not resynced and not arrived and remote.on_server != stored + local.left_there:
        return FolderPlan(listing=Listing.ALL, refresh=refresh, since=since)
    return FolderPlan(listing=Listing.NEW if arrived else Listing.NONE, low=local.uidnext, refresh=refresh, since=since)


def _refresh(local: FolderState, stored: int, remote: FolderState, resynced: bool) -> tuple[Refresh, int]:
    if resynced or not stored:
        return Refresh.NONE, 0
    if not local.highestmodseq or not remote.highestmodseq:
        return Refresh.ALL, 0
    if remote.highestmodseq == local.highestmodseq:
        return Refresh.NONE, 0
    return Refresh.CHANGED, local.highestmodseq


def is_whole(stored: int, remote: FolderState) -> bool:
    """After a pull: store and policy account for every message of the server; else everything has to be compared."""
    return stored + remote.left_there == remote.on_server


def may_have_news(local: FolderState, stored: int, remote: FolderState, *, thorough: bool = True) -> bool:
    """Whether a STATUS gives a reason to open the folder.

    Where the server counts no changes (no modseq), a changed flag cannot be seen: then ``thorough`` decides.
    """
    if not local.uidnext or (local.uidvalidity, local.uidnext) != (remote.uidvalidity, remote.uidnext):
        return True
    if stored + local.left_there != remote.on_server or local.on_server != remote.on_server:
        return True
    if not local.highestmodseq or not remote.highestmodseq:
        return thorough
    return local.highestmodseq != remote.highestmodseq


def newest_first(uids: Iterable[int], size: int = BATCH) -> Iterator[list[int]]:
    """UIDs in batches, the newest batch first and short, so that the first screenful is there at once."""
    ordered = sorted(set(uids), reverse=True)
    start, step = 0, min(size, 50)
    while start < len(ordered):
        yield sorted(ordered[start : start + step])
        start, step = start + step, size


def header_commit(here: int) -> int:
    """How many headers make a transaction in a folder of which so many messages are here.

    Each row goes to a place of its own in half a dozen indexes, and a transaction writes every page that it touched:
    the larger the indexes, the more rows have to share that.  At most as many as can keep others waiting for a tenth of
    a second.
    """
    return min(max(here // 10, BATCH), 1000)


def missing(known: Collection[int], listed: Iterable[int], low: int = 1) -> list[int]:
    """UIDs that the server lists from ``low`` up and the store does not know."""
    here = known if isinstance(known, set | frozenset | dict) else set(known)
    return [uid for uid in listed if uid >= low and uid not in here]


def candidates(known: Collection[int], listed: Collection[int]) -> list[int]:
    """UIDs that the store knows and a whole listing of the server lacks: a claim to be confirmed."""
    there = listed if isinstance(listed, set | frozenset | dict) else set(listed)
    return sorted(uid for uid in known if uid not in there)


def within(known: Collection[int], spans: Sequence[tuple[int, int]]) -> list[int]:
    """The known UIDs inside the VANISHED ranges, which are never expanded."""
    merged = _merged(spans)
    found, place = [], 0
    for uid in sorted(known):
        while place < len(merged) and merged[place][1] < uid:
            place += 1
        if place == len(merged):
            break
        if merged[place][0] <= uid:
            found.append(uid)
    return found


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted ranges that do not overlap."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged


def is_suspicious(gone: int, stored: int) -> bool:
    """Half of a folder does not vanish every day: open it anew and ask once more before believing it."""
    return gone > FEW and gone * 2 > stored


# -- recognising messages


@dataclass(frozen=True, slots=True)
class Identity:
    """What a message is recognised by when UIDs do not help.  ``key``: our id, or the server's UID."""

    key: int
    message_id: str
    size: int
    internaldate: int
    subject: str = ""


def reidentify(ours: Sequence[Identity], theirs: Sequence[Identity], *, loose: bool = False) -> dict[int, int]:
    """Our id -> the server's UID, one to one: exact matches first, then Message-ID and size.

    The subject has to be the same in any case: broken senders give one Message-ID to different mail.

    ``loose``: at last by Message-ID alone (for what we put there ourselves, whose bytes we know).
    """
    matched: dict[int, int] = {}
    used: set[int] = set()
    for sameness in (_exact, _same_mail, *([_same_name] if loose else [])):
        free: dict[Hashable, list[int]] = defaultdict(list)
        for one in sorted(theirs, key=lambda one: -one.key):
            if one.key not in used and (face := sameness(one)) is not None:
                free[face].append(one.key)
        for one in sorted(ours, key=lambda one: one.key):
            if one.key not in matched and (face := sameness(one)) is not None and free[face]:
                matched[one.key] = free[face].pop()
                used.add(matched[one.key])
    return matched


def _exact(one: Identity) -> Hashable | None:
    return (one.message_id, one.size, one.internaldate, one.subject)


def _same_mail(one: Identity) -> Hashable | None:
    return (one.message_id, one.size, one.subject) if one.message_id else None


def _same_name(one: Identity) -> Hashable | None:
    return (one.message_id, one.subject) if one.message_id else None


# -- folders


def renamed(
    lost: dict[str, FolderState], appeared: dict[str, FolderState], old_ids: dict[str, str], new_ids: dict[str, str]
) -> dict[str, str]:
    """Old name -> new name, only where unambiguous: by the server's own ids (MAILBOXID, by name; empty: not told), else
    for folders that kept their UIDVALIDITY and went on counting.
    """
    found: dict[str, str] = {}
    for name, state in lost.items():
        told = old_ids.get(name, "")
        if told and any(new_ids.get(new) for new in appeared):
            fitting = [new for new in appeared if new_ids.get(new) == told]
            rivals = [old for old in lost if old_ids.get(old) == told]
        elif state.uidvalidity and state.uidnext:
            fitting = [new for new, other in appeared.items() if _continues(state, other)]
            rivals = [old for old, other in lost.items() if other.uidvalidity == state.uidvalidity]
        else:
            continue
        if len(fitting) == 1 and len(rivals) == 1:
            found[name] = fitting[0]
    return found


def _continues(old: FolderState, new: FolderState) -> bool:
    return new.uidvalidity == old.uidvalidity and new.uidnext >= old.uidnext


_ORDER = (Role.INBOX, Role.DRAFTS, Role.SENT, Role.NONE, Role.ARCHIVE, Role.SNOOZED, Role.ALL, Role.TRASH, Role.JUNK)


def folder_order(role: Role, name: str) -> tuple[int, str]:
    """Sort key: what a person looks at first is pulled first."""
    return _ORDER.index(role), name.casefold()


# -- policies


def reach(policy: Policy, now: int, needed: Iterable[int] = ()) -> int:
    """From which received time on (UTC seconds) a folder's messages are fetched; 0: all of them.

    ``needed``: when messages were received that are being looked for, however old they are.  A day is added, since
    SEARCH SINCE counts days in the server's time zone.
    """
    if policy.keep is not Keep.DAYS:
        return 0
    return max(1, min([now - policy.days * DAY, *needed]) - DAY)


def divided(absent: Sequence[int], recent: Collection[int] | None) -> tuple[list[int], int]:
    """(UIDs to fetch, how many stay on the server) of what is not here; ``recent`` None: the policy takes all."""
    if recent is None:
        return list(absent), 0
    within_reach = set(recent)
    wanted = [uid for uid in absent if uid in within_reach]
    return wanted, len(absent) - len(wanted)


def bodies_since(policy: Policy, now: int) -> int | None:
    """From which received time on bodies are fetched unasked (UTC seconds; 0: all); None: they are not."""
    return None if policy.keep is Keep.HEADERS else reach(policy, now)


# -- bodies and time


def body_batch(waiting: Sequence[tuple[int, int]]) -> int:
    """How many of the waiting (uid, octets) to fetch at once: bounded by number and by size, at least one."""
    octets = 0
    for place, (_, size) in enumerate(waiting[:BODY_BATCH]):
        octets += size
        if octets > BODY_OCTETS:
            return max(place, 1)
    return min(len(waiting), BODY_BATCH)


def quota_due(seconds: float | None, messages_then: int, messages_now: int) -> bool:
    """Whether to ask how full the account is: never asked (None), or not lately, and mail came or went since."""
    return seconds is None or (seconds >= QUOTA_SECONDS and messages_then != messages_now)


def backoff(failures: int, lot: float) -> float:
    """Seconds to wait after ``failures`` (1, 2, ...) failed connections; ``lot`` in 0..1 spreads them."""
    longest = min(MAX_BACKOFF, 2.0 * float(1 << min(max(failures, 1) - 1, 10)))
    return longest * (0.5 + 0.5 * lot)
