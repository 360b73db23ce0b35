"""What a card says of somebody: for lists (``facts``), for the page that shows it (``details``), and changed in it.

Theory of operation: ``Details`` is what a person may read and change; each of its entries remembers which line of the
card it came from.  Writing them back touches only the lines whose entries differ from what those lines say, so that
everything else stays as another program wrote it.

Rules of the file: pure; never raises on a card, however broken; a new card is 3.0, which every CardDAV server has to
take (RFC 6352 s.5.1), while 4.0 is taken by some.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from mua.mime import vcard
from mua.mime.vcard import Card, Line
from mua.mime.vcard_versions import convert
from mua.model.contact import Facts, fold
from mua.records import dataclass

MAX_VALUES: Final = 200  # of one property that are looked at
MAX_TEXT: Final = 20_000  # characters of one value
PRODID: Final = "-//Mua//Contacts//EN"
_MEMBERS: Final = ("MEMBER", "X-ADDRESSBOOKSERVER-MEMBER")
_KINDS: Final = ("KIND", "X-ADDRESSBOOKSERVER-KIND")
_LABEL = re.compile(r"_\$!<(.*)>!\$_\Z", re.DOTALL)
_NOT_LABELS: Final = frozenset({"pref", "internet", "x400", "voice", "x-mobileme", "text", "msg"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of somebody: what it is called ("home", "work", a label of the person's own) and which line it is of
    its card; -1: a new one.
    """

    value: str
    label: str = ""
    line: int = -1


@dataclass(frozen=True, slots=True)
class Details:
    """Somebody, for a person to read and change.  ``birthday`` is as the card has it; addresses are one text each."""

    name: str = ""
    organisation: str = ""
    title: str = ""
    nickname: str = ""
    birthday: str = ""
    note: str = ""
    emails: tuple[Entry, ...] = ()
    phones: tuple[Entry, ...] = ()
    places: tuple[Entry, ...] = ()
    links: tuple[Entry, ...] = ()
    groups: tuple[str, ...] = ()


_ENTRIES: Final = (("emails", "EMAIL"), ("phones", "TEL"), ("places", "ADR"), ("links", "URL"))
_TEXTS: Final = (
    ("title", "TITLE"),
    ("nickname", "NICKNAME"),
    ("birthday", "BDAY"),
    ("note", "NOTE"),
)


# ---- reading
def facts(card: Card) -> Facts:
    """What lists show of a card, and what finds it."""
    addresses = tuple(dict.fromkeys(one.value for one in emails(card)))
    name = name_of(card) or (addresses[0] if addresses else "")
    kind = next((card.text(one).lower() for one in _KINDS if card.text(one)), "")
    members = tuple(one.value.strip() for key in _MEMBERS for one in card.all(key))
    said = (name, *addresses, _joined(card, "ORG"), card.text("NICKNAME"), card.text("TITLE"), *_phones(card))
    return Facts(
        card.text("UID")[:MAX_TEXT],
        name,
        fold(name[:MAX_TEXT]),
        addresses,
        groups(card),
        members,
        kind == "group",
        photo(card) is not None,
        fold("\n".join(one[:MAX_TEXT] for one in said if one)),
    )


def name_of(card: Card) -> str:
    """How somebody is called: FN, else what N, the organisation, the nickname make of it."""
    given = card.first("N")
    words = vcard.parts(given.value[:MAX_TEXT]) if given else []
    spoken = " ".join(words[at] for at in (3, 1, 2, 0, 4) if at < len(words) and words[at])
    found = card.text("FN") or spoken or _joined(card, "ORG") or card.text("NICKNAME")
    return " ".join(found.split())[:500]


def emails(card: Card) -> list[Entry]:
    """The addresses, the preferred first; what holds no @ is none."""
    numbered = [(place, one) for place, one in enumerate(card.lines) if one.name == "EMAIL"][:MAX_VALUES]
    numbered.sort(key=lambda one: one[1].preference)
    found = [Entry(_address(one), label(card, one), place) for place, one in numbered]
    return [one for one in found if "@" in one.value]


def _address(one: Line) -> str:
    text = vcard.unescaped(one.value).strip()
    if text[:7].lower() == "mailto:":
        text = text[7:]
    return "".join(letter for letter in text if letter.isprintable() and letter != " ")[:320]


def groups(card: Card) -> tuple[str, ...]:
    """The names of the groups that somebody is in (CATEGORIES)."""
    values = (one.value[:MAX_TEXT] for one in card.all("CATEGORIES")[:MAX_VALUES])
    names = (" ".join(name.split())[:200] for value in values for name in vcard.parts(value, ","))
    return tuple(name for name in dict.fromkeys(names) if name)[:MAX_VALUES]


def photo(card: Card) -> tuple[str, bytes] | None:
    """(media type, the picture) that the card itself holds; one that is elsewhere is not fetched."""
    for one in sorted(card.all("PHOTO"), key=lambda line: line.preference):
        found = vcard.octets(one)
        if found is not None and found[1]:
            return found
    return None


def label(card: Card, one: Line) -> str:
    """What a value is called: a person's own label (Apple's X-ABLabel), else its types."""
    if one.group:
        for other in card.lines:
            if other.group == one.group and other.name == "X-ABLABEL":
                text = vcard.unescaped(other.value)
                known = _LABEL.match(text)
                return (known[1].lower() if known else text)[:100]
    return " ".join(sorted(one.types - _NOT_LABELS))[:100]


def details(card: Card) -> Details:
    """Somebody, for a person to read and change."""
    many = {name: tuple(_entries(card, key)) for name, key in _ENTRIES}
    texts = {name: card.text(key)[:MAX_TEXT] for name, key in _TEXTS}
    return Details(name=name_of(card), organisation=_joined(card, "ORG"), groups=groups(card), **texts, **many)  # type: ignore[arg-type]  # the fields by their names


def _entries(card: Card, key: str) -> list[Entry]:
    if key == "EMAIL":
        return emails(card)
    numbered = [(place, one) for place, one in enumerate(card.lines) if one.name == key][:MAX_VALUES]
    found = (Entry(_shown(key, one), label(card, one), place) for place, one in numbered)
    return [one for one in found if one.value]


def _shown(key: str, one: Line) -> str:
    if key == "ADR":
        words = [" ".join(word.split()) for word in vcard.parts(one.value[:MAX_TEXT])]
        return ", ".join(word for word in words if word)[:MAX_TEXT]
    text = vcard.unescaped(one.value).strip()
    return text[4:] if key == "TEL" and text[:4].lower() == "tel:" else text[:MAX_TEXT]


def _phones(card: Card) -> Iterable[str]:
    return (_shown("TEL", one) for one in card.all("TEL")[:MAX_VALUES])


def _joined(card: Card, name: str) -> str:
    found = card.first(name)
    return ", ".join(one for one in vcard.parts(found.value[:MAX_TEXT]) if one)[:MAX_TEXT] if found else ""


# ---- writing
def fresh(uid: str, about: Details) -> Card:
    """A new card.  ``uid``: a URN, or anything that nobody else has."""
    card = vcard.parse(
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nPRODID:" + PRODID.encode() + b"\r\nUID:" + uid.encode() + b"\r\nEND:VCARD\r\n"
    )
    return changed(card, about)


def changed(card: Card, about: Details) -> Card:
    """The card with these details: only lines that say something else are written anew."""
    if card.version == "2.1":
        card = convert(card, "3.0")
    before = details(card)
    lines: list[Line | None] = list(card.lines)
    added: list[Line] = []
    if about.name != before.name or not card.all("FN"):
        _name(card, lines, added, about.name)
    if about.organisation != before.organisation:
        _single(card, lines, added, "ORG", vcard.escaped(about.organisation))
    for name, key in _TEXTS:
        if getattr(about, name) != getattr(before, name):
            _single(card, lines, added, key, vcard.escaped(getattr(about, name)))
    for name, key in _ENTRIES:
        _many(card, lines, added, key, getattr(before, name), getattr(about, name))
    if about.groups != before.groups:
        _groups(card, lines, added, about.groups)
    kept = Card(tuple(one for one in lines if one is not None))
    return vcard.with_line_after(kept, added)


def in_groups(card: Card, names: tuple[str, ...]) -> Card:
    """The card in these groups and no others."""
    return changed(card, replace(details(card), groups=names))


def with_photo(card: Card, kind: str, data: bytes) -> Card:
    """The card with this picture in place of any other; empty ``data``: with none."""
    import base64

    lines = [one for one in card.lines if one.name != "PHOTO"]
    kept = Card(tuple(lines))
    if not data:
        return kept
    text = base64.b64encode(data).decode("ascii")
    if card.version == "4.0":
        return vcard.with_line_after(kept, [vcard.line("PHOTO", f"data:{kind};base64,{text}", end=_end(card))])
    params = (("ENCODING", ("b",)), ("TYPE", (kind.partition("/")[2].upper() or "JPEG",)))
    return vcard.with_line_after(kept, [vcard.line("PHOTO", text, params, end=_end(card))])


def with_uid(card: Card, uid: str) -> Card:
    """The card under another name for programs."""
    lines, added = list[Line | None](card.lines), list[Line]()
    _single(card, lines, added, "UID", uid)
    return vcard.with_line_after(Card(tuple(one for one in lines if one is not None)), added)


def _end(card: Card) -> bytes:
    """The line ends that the card has."""
    return b"\r\n" if not card.lines or card.lines[0].raw.endswith(b"\r\n") else b"\n"


def _replaced(card: Card, old: Line, value: str) -> Line:
    """The same property with another value; what said how the old one was packed goes."""
    params = tuple((key, many) for key, many in old.params if key not in ("ENCODING", "CHARSET", "VALUE"))
    return vcard.line(old.name, value, params, old.group, _end(card))


def _single(card: Card, lines: list[Line | None], added: list[Line], key: str, value: str) -> None:
    """The one value of a property that has one; empty: it has none any more."""
    old = card.first(key)
    for place, one in enumerate(card.lines):
        if one is old and old is not None:
            lines[place] = _replaced(card, old, value) if value else None
    if old is None and value:
        added.append(vcard.line(key, value, end=_end(card)))


def _name(card: Card, lines: list[Line | None], added: list[Line], name: str) -> None:
    """FN and N (RFC 2426 s.3.1 wants both): the last word is the family's."""
    _single(card, lines, added, "FN", vcard.escaped(name))
    *given, family = name.split() or [""]
    if not given:
        given, family = [family], ""
    _single(card, lines, added, "N", f"{vcard.escaped(family)};{vcard.escaped(' '.join(given))};;;")


def _many(
    card: Card,
    lines: list[Line | None],
    added: list[Line],
    key: str,
    before: Iterable[Entry],
    after: Iterable[Entry],
) -> None:
    """The values of a property that may have several."""
    wanted = {one.line: one for one in after if one.line >= 0}
    for old in before:
        new = wanted.get(old.line)
        if new == old:
            continue
        source = card.lines[old.line]
        lines[old.line] = None
        if new is None or new.label != old.label:
            _drop_label(card, lines, source.group)
        if new is not None and new.value.strip():
            lines[old.line] = _entry(card, key, new, source if new.label == old.label else None)
    added += [_entry(card, key, one, None) for one in after if one.line < 0 and one.value.strip()]


def _drop_label(card: Card, lines: list[Line | None], group: str) -> None:
    for place, one in enumerate(card.lines):
        if group and one.group == group and one.name == "X-ABLABEL":
            lines[place] = None


def _entry(card: Card, key: str, new: Entry, old: Line | None) -> Line:
    value = vcard.escaped(new.value.strip())
    if key == "ADR":  # one text: the street has room for it (RFC 6350 s.6.3.1)
        value = f";;{value};;;;"
    if old is not None:
        return _replaced(card, old, value)
    types = tuple(word for word in re.split(r"[\s,]+", new.label.strip()) if re.fullmatch(r"[\w-]+", word, re.ASCII))
    return vcard.line(key, value, (("TYPE", types),) if types else (), end=_end(card))


def _groups(card: Card, lines: list[Line | None], added: list[Line], names: tuple[str, ...]) -> None:
    value = ",".join(vcard.escaped(one) for one in names)
    places = [place for place, one in enumerate(card.lines) if one.name == "CATEGORIES"]
    for place in places:
        lines[place] = None
    if value and places:
        lines[places[0]] = _replaced(card, card.lines[places[0]], value)
    elif value:
        added.append(vcard.line("CATEGORIES", value, end=_end(card)))
