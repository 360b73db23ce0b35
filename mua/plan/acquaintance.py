"""Whether the author of a message is known, or only looks like somebody who is.

Rule of the file: said calmly and only where it helps: of who is known nothing is said.  ``grave`` is only what honest
people have no part in: an address that looks like that of somebody known, and is new.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from mua.language import tr
from mua.model import naming
from mua.model.address import Address
from mua.model.author import Note
from mua.model.domain import organizational, u_label
from mua.records import dataclass

LEAST: Final = 6  # characters of what may be alike: shorter ones are alike by chance
_ALIKE: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"))


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody of earlier mail: ``first`` message of theirs, how many came, how many went there."""

    name: str
    address: str
    first: int
    received: int
    written: int


def notes(author: Address, message_id: int, known: Mapping[str, Known], before: bool) -> tuple[Note, ...]:
    """What is to be said of an author; ``before``: older mail of theirs is here, also beyond what is ``known``."""
    address = naming.real(author.address).lower()
    if not address or "@" not in address:
        return ()
    if before or is_met(author, message_id, known):
        return ()
    others = [one for one in known.values() if one.address != address and _counts(one, message_id)]
    found = _alike(author.address.lower(), others) or _namesake(author, address, others)
    first = Note("first-contact", tr("This is the first message from this address that is here."), grave=False)
    return (*([found] if found else []), first)


def is_met(author: Address, message_id: int, known: Mapping[str, Known]) -> bool:
    """Whether somebody was written to, or wrote before this message, as far as ``known`` tells."""
    mine = known.get(author.address.lower()) or known.get(naming.real(author.address).lower())
    return mine is not None and bool(mine.written or 0 < mine.first < message_id)


def _counts(one: Known, message_id: int) -> bool:
    """Whether somebody was there before this message, more than in passing."""
    return bool(one.written) or (one.received > 1 and 0 < one.first < message_id)


def _alike(address: str, others: Iterable[Known]) -> Note | None:
    """Whom of these an address looks like: by its domain, or what of that was registered; or within one house."""
    local, _, domain = address.rpartition("@")
    own, looks, whole = organizational(domain), skeleton(domain), skeleton(address)
    owns = skeleton(_read(own))
    for one in sorted(others, key=lambda one: -one.written - one.received):
        theirs, _, house = one.address.rpartition("@")
        same, registered = house == domain, organizational(house)
        domains = registered != own and (_close(domain, house, looks) or _close(_read(own), _read(registered), owns))
        people = same and local != theirs and len(local) >= LEAST and _close(address, one.address, whole)
        if domains or people:
            text = tr(
                "This address looks like {address}, which you know, but it is another one.", address=one.address[:100]
            )
            return Note("look-alike", text)
    return None


def _read(domain: str) -> str:
    """A domain in the letters that a person would see."""
    try:
        return u_label(domain)
    except ValueError:
        return domain


def _close(text: str, other: str, looks: str) -> bool:
    """Whether two texts that differ are drawn alike, or one slip of the hand apart."""
    if abs(len(looks) - len(other)) > 3 or len(other) < LEAST:
        return False
    theirs = skeleton(other)
    return looks == theirs or (not _numbered(text, other) and len(theirs) > LEAST and one_apart(looks, theirs))


def _numbered(text: str, other: str) -> bool:
    """Whether two texts differ in digits only: machines are numbered."""
    return "".join(one for one in text if not one.isdigit()) == "".join(one for one in other if not one.isdigit())


def _namesake(author: Address, address: str, others: Iterable[Known]) -> Note | None:
    name = naming.drawn(" ".join(author.name.split()))
    if len(name) < LEAST or " " not in name:
        return None
    for one in others:
        if one.written and naming.drawn(" ".join(one.name.split())) == name:
            text = tr(
                "You know somebody of this name at {address}; this message comes from another address.",
                address=one.address[:100],
            )
            return Note("namesake", text, grave=False)
    return None


def skeleton(text: str) -> str:
    """What a text looks like at a glance (UTS 39 s.4, and pairs of letters that are drawn as one)."""
    looks = naming.drawn(text)
    for written, seen in _ALIKE:
        looks = looks.replace(written, seen)
    return looks


def one_apart(one: str, other: str) -> bool:
    """Whether one letter more, less, other, or two exchanged make one text of the other; not where they are equal."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    rest, theirs = one[start:], other[start:]
    if rest[1:] == theirs[1:] or rest[1:] == theirs or rest == theirs[1:]:
        return True
    return len(rest) > 1 and rest[:2] == theirs[:2][::-1] and rest[2:] == theirs[2:]
