"""FETCH: from the client's item list to the bytes of one response (RFC 3501 s.6.4.5, RFC 7162 s.3.1.4).

Rule of the file: pure but for reading the message; ``Bad`` for items that no RFC here knows.
"""

import re
from collections.abc import Iterable

from mua.demo import parts
from mua.demo.mailbox import Message
from mua.demo.syntax import Bad, Token, internaldate, text, tokens
from mua.records import dataclass

MACROS = {
    "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
    "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
    "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
}
_SIMPLE = {"UID", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY", "BODYSTRUCTURE", "MODSEQ"}
_OLD = {"RFC822": "", "RFC822.HEADER": "HEADER", "RFC822.TEXT": "TEXT"}
_SECTION = re.compile(r"BODY(\.PEEK)?\[([^\]]*)\](?:<(\d{1,10})(?:\.(\d{1,10}))?>)?$", re.IGNORECASE | re.DOTALL)
_PLACE = re.compile(r"((?:\d{1,5}\.)*\d{1,5})?\.?(.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Item:
    """One thing asked for.  ``name`` is what the response calls it; ``section`` None: not a piece of the body."""

    name: str
    section: str | None = None
    start: int | None = None
    length: int | None = None
    peek: bool = True


def items(token: Token) -> list[Item]:
    """The items of a FETCH command.  Raises Bad."""
    if isinstance(token, str) and token.upper() in MACROS:
        return [Item(name) for name in MACROS[token.upper()]]
    return [_item(text(word)) for word in (token if isinstance(token, list) else [token])]


def response(sequence: int, message: Message, wanted: Iterable[Item]) -> bytes:
    """The untagged FETCH response of one message, with its line end."""
    whole = _Whole(message)
    values = [item.name.encode("utf-8") + b" " + whole.value(item) for item in wanted]
    return b"* %d FETCH (%s)\r\n" % (sequence, b" ".join(values))


def _item(word: str) -> Item:
    upper = word.upper()
    if upper in _SIMPLE:
        return Item(upper)
    if upper in _OLD:
        return Item(upper, _OLD[upper], peek=upper == "RFC822.HEADER")
    found = _SECTION.match(word)
    if not found:
        raise Bad(f"Unknown item {word[:40]}")
    section = found[2].upper()
    start, length = (int(found[3]) if found[3] else None), (int(found[4]) if found[4] else None)
    name = f"BODY[{found[2]}]" + (f"<{start}>" if start is not None else "")
    return Item(name, section, start, length, peek=bool(found[1]))


class _Whole:
    """One message while it is fetched: read and parsed once, and only when an item needs that."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self._data: bytes | None = None
        self._root: parts.Part | None = None

    @property
    def data(self) -> bytes:
        if self._data is None:
            self._data = self.message.data
        return self._data

    @property
    def root(self) -> parts.Part:
        if self._root is None:
            self._root = parts.parse(self.data)
        return self._root

    def value(self, item: Item) -> bytes:
        if item.section is not None:
            return _literal(self._section(item.section), item)
        match item.name:
            case "UID":
                return b"%d" % self.message.uid
            case "FLAGS":
                return flag_list(self.message.flags)
            case "INTERNALDATE":
                return b'"' + internaldate(self.message.date).encode() + b'"'
            case "RFC822.SIZE":
                return b"%d" % self.message.size
            case "MODSEQ":
                return b"(%d)" % self.message.modseq
            case "ENVELOPE":
                return parts.envelope(self.root)
        return parts.structure(self.root, extended=item.name == "BODYSTRUCTURE")

    def _section(self, section: str) -> bytes | None:
        if not section:
            return self.data
        found = _PLACE.match(section)
        place, rest = (found[1], found[2]) if found else (None, section)
        if not place:
            return _piece(self.root, rest)
        part = parts.find(self.root, [int(step) for step in place.split(".")])
        if part is None:
            return None
        if not rest:
            return part.body
        if rest == "MIME":
            return part.header
        return _piece(part.children[0], rest) if part.is_message else None


def flag_list(flags: Iterable[str]) -> bytes:
    """Flags as a parenthesised list."""
    return b"(" + " ".join(sorted(flags)).encode("utf-8") + b")"


def _piece(part: parts.Part, section: str) -> bytes | None:
    if section == "HEADER":
        return part.header
    if section == "TEXT":
        return part.body
    kind, _, rest = section.partition(" ")
    if kind not in ("HEADER.FIELDS", "HEADER.FIELDS.NOT"):
        raise Bad("Unknown section")
    listed = tokens(rest.encode("utf-8"))
    if len(listed) != 1 or not isinstance(listed[0], list):
        raise Bad("Header names were expected")
    return parts.header_fields(part.header, {text(name).lower() for name in listed[0]}, kind.endswith("NOT"))


def _literal(value: bytes | None, item: Item) -> bytes:
    if value is None:
        return b"NIL"
    if item.start is not None:
        value = value[item.start :] if item.length is None else value[item.start : item.start + item.length]
    return b"{%d}\r\n" % len(value) + value
