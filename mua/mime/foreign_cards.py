"""Other programs' address books as vCards: what Thunderbird has in properties, and Claws Mail in XML.

Rules of the file: pure; a program's own vCard, where it keeps one, is taken as it is; what cannot be read is None.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final
from xml.etree.ElementTree import Element

from mua import xml_tree
from mua.mime import contact, vcard
from mua.mime.contact import Details, Entry

MAX_DEPTH: Final = 20
_PHONES: Final = (("HomePhone", "home"), ("WorkPhone", "work"), ("CellularNumber", "cell"), ("FaxNumber", "fax"))
_PLACE: Final = ("Address", "Address2", "City", "State", "ZipCode", "Country")


def thunderbird(uid: str, said: Mapping[str, str], lists: Iterable[str] = ()) -> bytes:
    """A card of abook.sqlite: its ``properties``; ``lists``: the mailing lists that it is in."""
    groups = tuple(" ".join(one.split()) for one in lists)
    own = said.get("_vCard", "")
    if own.lstrip()[:11].upper() == "BEGIN:VCARD":
        card = vcard.parse(own.encode("utf-8", "replace"))
        if not card.text("UID") and uid:
            card = contact.with_uid(card, uid)
    else:
        card = contact.fresh(uid, _of_properties(said))
    if groups:
        about = contact.details(card)
        card = contact.changed(card, replace(about, groups=tuple(dict.fromkeys((*about.groups, *groups)))))
    return card.raw


def _of_properties(said: Mapping[str, str]) -> Details:
    name = said.get("DisplayName") or " ".join(
        word for word in (said.get("FirstName", ""), said.get("LastName", "")) if word
    )
    born = [said.get(f"Birth{part}", "") for part in ("Year", "Month", "Day")]
    places = (
        Entry(", ".join(said[f"{kind}{part}"] for part in _PLACE if said.get(f"{kind}{part}")), label)
        for kind, label in (("Home", "home"), ("Work", "work"))
    )
    return Details(
        name=name,
        organisation=said.get("Company", ""),
        title=said.get("JobTitle", ""),
        nickname=said.get("NickName", ""),
        birthday="-".join(born) if all(born) else "",
        note=said.get("Notes", ""),
        emails=tuple(Entry(said[key]) for key in ("PrimaryEmail", "SecondEmail") if said.get(key)),
        phones=tuple(Entry(said[key], label) for key, label in _PHONES if said.get(key)),
        places=tuple(one for one in places if one.value),
        links=tuple(Entry(said[key]) for key in ("WebPage1", "WebPage2") if said.get(key)),
    )


def claws(document: bytes) -> Iterator[bytes | None]:
    """The people of an ``addrbook-N.xml``; nothing where it is none."""
    try:
        root = xml_tree.parse(document, MAX_DEPTH)
    except ValueError:
        return
    if root.tag != "address-book":
        return
    groups = _groups(root)
    for one in root.findall("person"):
        yield _person(one, groups)


def _groups(root: Element) -> dict[str, list[str]]:
    """Which groups an address is in, by its number."""
    found: dict[str, list[str]] = {}
    for group in root.findall("group"):
        for member in group.iter("member"):
            found.setdefault(member.get("eid", ""), []).append(" ".join((group.get("name") or "").split()))
    return found


def _person(one: Element, groups: Mapping[str, list[str]]) -> bytes:
    addresses = [each for each in one.iter("address") if (each.get("email") or "").strip()]
    name = one.get("cn") or f"{one.get('first-name') or ''} {one.get('last-name') or ''}"
    notes = [each.get("remarks") or "" for each in addresses]
    notes += [f"{each.get('name') or ''}: {(each.text or '').strip()}" for each in one.iter("attribute")]
    about = Details(
        name=" ".join(name.split()),
        nickname=one.get("nick-name") or "",
        note="\n".join(text for text in notes if text),
        emails=tuple(Entry((each.get("email") or "").strip()) for each in addresses),
        groups=tuple(dict.fromkeys(g for each in addresses for g in groups.get(each.get("uid", ""), ()) if g)),
    )
    return contact.fresh(f"claws-{one.get('uid') or ''}", about).raw
