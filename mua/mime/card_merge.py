"""Two versions of one card put together, property by property; and two cards of one person made one.

Theory of operation: what each side did to the card that both began with (``base``) is a set of lines that it took away
and a set that it brought.  The server's version is where the result begins; what was taken away here goes, what was
brought here comes.  Where both brought another value of a property that has only one, the two cannot be put together:
the value from here stands, and the caller keeps the other side's card beside it.

Rules of the file: pure; nothing that either side brought is lost; stamps that every program writes anew (REV, PRODID)
are nobody's change.
"""

from collections import Counter
from typing import Final

from mua.mime import vcard
from mua.mime.vcard import Card, Line
from mua.mime.vcard_versions import convert
from mua.model.contact import fold
from mua.records import dataclass

_STAMPS: Final = frozenset({"REV", "PRODID"})
_FRAME: Final = frozenset({"BEGIN", "END", "VERSION"})
SINGLE: Final = frozenset(
    "FN N NICKNAME BDAY ANNIVERSARY DEATHDATE GENDER SEX PHOTO LOGO NOTE ORG TITLE ROLE KIND CATEGORIES"
    " X-ADDRESSBOOKSERVER-KIND GEO TZ MAILER SORT-STRING CLASS".split()
)
"""Properties of which a card has one, by the RFC or by what programs make of it."""
_Key = tuple[str, str, tuple[tuple[str, tuple[str, ...]], ...], str]


@dataclass(frozen=True, slots=True)
class Merged:
    """``card``: both together; ``conflicts``: the properties where the other side's value is not in it."""

    card: Card
    conflicts: tuple[str, ...] = ()


def merge(base: Card, mine: Card, theirs: Card) -> Merged:
    """What both sides made of ``base``."""
    version = _writable(theirs)
    base, mine, theirs = (convert(one, version) for one in (base, mine, theirs))
    taken, brought = _difference(base, mine)
    their_taken, their_brought = _difference(base, theirs)
    conflicts = _conflicts(taken, brought, their_taken, their_brought)
    lines = _without(theirs, taken, conflicts)
    have = Counter(_key(one) for one in lines)
    fresh: list[Line] = []
    for one in brought:
        if have[_key(one)]:
            have[_key(one)] -= 1  # they brought the same
        else:
            fresh.append(one)
    return Merged(vcard.with_line_after(Card(tuple(lines)), fresh), tuple(sorted(conflicts)))


def _writable(card: Card) -> str:
    return "4.0" if card.version == "4.0" else "3.0"


def _conflicts(taken: list[Line], brought: list[Line], their_taken: list[Line], their_brought: list[Line]) -> set[str]:
    """The single properties to which both sides gave another value; that one cleared and the other wrote is none."""
    mine = {name: {_key(one) for one in brought if one.name == name} for name in SINGLE}
    theirs = {name: {_key(one) for one in their_brought if one.name == name} for name in SINGLE}
    return {name for name in SINGLE if mine[name] and theirs[name] and mine[name] != theirs[name]}


def _without(theirs: Card, taken: list[Line], conflicts: set[str]) -> list[Line]:
    gone = Counter(_key(one) for one in taken)
    kept: list[Line] = []
    for one in theirs.lines:
        key = _key(one)
        if one.name in conflicts:
            continue
        if gone[key]:
            gone[key] -= 1
        else:
            kept.append(one)
    return kept


def _difference(base: Card, other: Card) -> tuple[list[Line], list[Line]]:
    """(lines of ``base`` that ``other`` lacks, lines that it has and ``base`` lacks)."""
    return _beyond(base, other), _beyond(other, base)


def _beyond(one: Card, other: Card) -> list[Line]:
    there = Counter(_key(line) for line in other.lines)
    found: list[Line] = []
    for line in one.lines:
        key = _key(line)
        if line.name in _STAMPS or line.name in _FRAME:
            continue
        if there[key]:
            there[key] -= 1
        else:
            found.append(line)
    return found


def _key(line: Line) -> _Key:
    """What makes two lines the same: not how they are folded, or in which order their parameters stand."""
    params = sorted((key, tuple(sorted(word.lower() for word in many))) for key, many in line.params)
    return line.name, line.group, tuple(params), line.value if line.name else line.raw.decode("latin-1")


def same(one: Card, other: Card) -> bool:
    """Whether they say the same, stamps aside."""
    return not _beyond(one, other) and not _beyond(other, one)


# ---- two cards of one person
def joined(cards: list[Card]) -> Card:
    """One card with everything that any of them (one at least) says: where the first has a property of which there is
    one, what the others have there goes into the note.
    """
    version = _writable(cards[0])
    result = convert(cards[0], version)
    for other in cards[1:]:
        result = _joined(result, convert(other, version))
    return result


def _joined(one: Card, other: Card) -> Card:
    have = {_said(line) for line in one.lines}
    taken = {line.group for line in one.lines if line.group}
    single = {line.name for line in one.lines if line.name in SINGLE}
    spoken = _spoken(*one.all("FN"), *other.all("FN"))
    fresh: list[Line] = []
    also: list[str] = []
    for line in other.lines:
        if line.name in _FRAME or line.name in _STAMPS or line.name in ("UID", "") or _said(line) in have:
            continue
        if line.name == "N" and line.name in single and _spoken(line) <= spoken:
            continue
        if line.name in single - {"PHOTO", "LOGO"}:
            also += [] if line.name == "CATEGORIES" else [_words(line)]
        else:
            fresh.append(_moved(line, taken))
            have.add(_said(line))
    result = vcard.with_line_after(one, fresh)
    return _grouped(_noted(result, [text for text in also if text]), other)


def _said(line: Line) -> tuple[str, str]:
    value = vcard.unescaped(line.value).strip()
    return line.name, fold(value) if line.name in ("EMAIL", "FN", "ORG", "NICKNAME") else value


def _spoken(*lines: Line) -> set[str]:
    return {word for line in lines for part in vcard.parts(line.value) for word in fold(part).split()}


def _words(line: Line) -> str:
    return ", ".join(word for word in vcard.parts(line.value) if word)


def _moved(line: Line, taken: set[str]) -> Line:
    """With the group of its own card kept apart from the groups of the other, which are ``taken``."""
    if line.group not in taken:
        return line
    return vcard.line(line.name, line.value, line.params, f"{line.group}-2")


def _noted(card: Card, texts: list[str]) -> Card:
    note = card.first("NOTE")
    said = vcard.unescaped(note.value) if note is not None else ""
    fresh = [one for one in texts if one not in said]
    if not fresh:
        return card
    text = "\n".join([*([said] if note else []), *fresh])
    lines = tuple(one for one in card.lines if one is not note)
    return vcard.with_line_after(Card(lines), [vcard.line("NOTE", vcard.escaped(text))])


def _grouped(card: Card, other: Card) -> Card:
    """In the groups of both."""
    from mua.mime import contact

    names = tuple(dict.fromkeys((*contact.groups(card), *contact.groups(other))))
    if names == contact.groups(card):
        return card
    lines = tuple(one for one in card.lines if one.name != "CATEGORIES")
    value = ",".join(vcard.escaped(one) for one in names)
    return vcard.with_line_after(Card(lines), [vcard.line("CATEGORIES", value)])
