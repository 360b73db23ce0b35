"""One version of vCard as another: what a CardDAV server or another program takes (RFC 6350, RFC 2426, vCard 2.1).

Rules of the file: line for line, so that whoever remembers a line by its place still finds it (what 3.0 demands and a
card lacks comes last); a line that means the same in both versions keeps its octets.
"""

import base64
import re
from typing import Final

from mua.mime import vcard
from mua.mime.vcard import Card, Line

VERSIONS: Final = ("3.0", "4.0")
_BINARY: Final = frozenset({"PHOTO", "LOGO", "SOUND", "KEY"})
_STRUCTURED: Final = frozenset({"N", "ADR", "ORG"})
_RENAMED: Final = {"X-ADDRESSBOOKSERVER-KIND": "KIND", "X-ADDRESSBOOKSERVER-MEMBER": "MEMBER"}
_OLD_NAMES: Final = {new: old for old, new in _RENAMED.items()}
_PLAIN = re.compile(r"\\.|[,\n]", re.DOTALL)


def convert(card: Card, version: str) -> Card:
    """The card in "3.0" or "4.0"."""
    before = card.version
    if before == version:
        return card
    made = Card(tuple(_converted(one, before, version) for one in card.lines))
    if version == "4.0" or made.all("N"):
        return made
    return vcard.with_line_after(made, [vcard.line("N", f"{vcard.escaped(card.text('FN'))};;;;")])


def _converted(one: Line, before: str, version: str) -> Line:
    if one.name == "VERSION":
        return vcard.line("VERSION", version)
    if one.name in ("", "BEGIN", "END"):
        return one
    if one.name in _BINARY and (found := vcard.octets(one)) is not None:
        return _binary(one, *found, version)
    if before == "2.1":
        one = _modern(one)
    name = (_RENAMED if version == "4.0" else _OLD_NAMES).get(one.name, one.name)
    params = _ranked(one) if version == "4.0" else _typed(one)
    if name == one.name and params == one.params:
        return one
    return vcard.line(name, one.value, params, one.group)


def _binary(one: Line, kind: str, data: bytes, version: str) -> Line:
    text = base64.b64encode(data).decode("ascii")
    kept = tuple((key, many) for key, many in one.params if key not in ("ENCODING", "TYPE", "VALUE", "MEDIATYPE"))
    if version == "4.0":
        return vcard.line(one.name, f"data:{kind};base64,{text}", kept, one.group)
    params = (("ENCODING", ("b",)), ("TYPE", (kind.partition("/")[2].upper() or "JPEG",)), *kept)
    return vcard.line(one.name, text, params, one.group)


def _modern(one: Line) -> Line:
    """A line of 2.1: types are parameters with a name, texts have escapes and no quoted-printable."""
    types = tuple(word.lower() for key, many in one.params if key == "TYPE" for word in many)
    kept = tuple((key, many) for key, many in one.params if key not in ("TYPE", "ENCODING", "CHARSET"))
    value = one.value.replace("\r\n", "\n")
    value = _PLAIN.sub(lambda found: {",": "\\,", "\n": "\\n"}.get(found[0], found[0]), value)
    if one.name not in _STRUCTURED:
        value = re.sub(r"(?<!\\);", r"\\;", value)
    return vcard.line(one.name, value, ((("TYPE", types),) if types else ()) + kept, one.group)


def _ranked(one: Line) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """TYPE=pref as PREF=1."""
    if "pref" not in one.types:
        return one.params
    types = tuple(word for key, many in one.params if key == "TYPE" for word in many if word.lower() != "pref")
    others = tuple((key, many) for key, many in one.params if key not in ("TYPE", "PREF"))
    return ((("TYPE", types),) if types else ()) + (("PREF", ("1",)), *others)


def _typed(one: Line) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """PREF=1 as TYPE=pref; what else PREF says has no words in 3.0."""
    if not one.param("PREF"):
        return one.params
    types = tuple(word for key, many in one.params if key == "TYPE" for word in many)
    if one.preference == 1:
        types = (*types, "pref")
    others = tuple((key, many) for key, many in one.params if key not in ("TYPE", "PREF"))
    return ((("TYPE", types),) if types else ()) + others
