"""vCards: 4.0 (RFC 6350), 3.0 (RFC 2426) and 2.1 taken apart into lines, each of which keeps its own octets.

Theory of operation: a card is its lines.  One that is not touched is written as it was read, so that whatever another
program put there (properties of its own, folds, the order) comes back byte for byte; what is asked of a card is read
out of its lines.

Rules of the file: never raises on a card, however broken; linear; what is no line of a card is kept as one without a
name.
"""

import base64
import binascii
import quopri
import re
from collections.abc import Iterable, Iterator
from typing import Final

from mua.mime.charset import decode_text
from mua.records import dataclass

MAX_CARD: Final = 16 << 20  # octets
MAX_LINES: Final = 20_000
MAX_HEAD: Final = 16 << 10  # octets of a line before its value
FOLD: Final = 75  # octets of a line (RFC 6350 s.3.2)

_BREAK = re.compile(rb"\r\n|\n|\r(?!\n)")
_NAME = re.compile(r"(?:([A-Za-z0-9-]+)\.)?([A-Za-z0-9-]+)\Z")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_CARET = re.compile(r"\^(['n^])")
_ENCODINGS: Final = frozenset({"QUOTED-PRINTABLE", "BASE64", "8BIT", "7BIT", "B"})


@dataclass(frozen=True, slots=True)
class Line:
    """One property (``name`` in capitals, empty: it is none).  ``value`` is as it is written, escapes and all, but
    unfolded, decoded out of its charset and out of quoted-printable; ``raw`` the octets, with their line ends.
    """

    name: str
    value: str
    raw: bytes
    params: tuple[tuple[str, tuple[str, ...]], ...] = ()
    group: str = ""

    def param(self, name: str) -> tuple[str, ...]:
        """Every value of a parameter, in small letters."""
        return tuple(one.lower() for key, many in self.params if key == name for one in many)

    @property
    def types(self) -> frozenset[str]:
        """The values of TYPE."""
        return frozenset(self.param("TYPE"))

    @property
    def preference(self) -> int:
        """1 (the most preferred) to 101 (nothing is said)."""
        told = self.param("PREF")
        if told and told[0].isdecimal() and len(told[0]) < 4:
            return max(1, min(100, int(told[0])))
        return 1 if "pref" in self.types else 101


@dataclass(frozen=True, slots=True)
class Card:
    """A vCard: all of its lines, BEGIN and END too."""

    lines: tuple[Line, ...]

    @property
    def version(self) -> str:
        """ "2.1", "3.0", "4.0"; "3.0" where it does not say."""
        return next((one.value.strip() for one in self.lines if one.name == "VERSION"), "") or "3.0"

    @property
    def raw(self) -> bytes:
        """The octets of the card."""
        return b"".join(one.raw for one in self.lines)

    def all(self, name: str) -> list[Line]:
        """The properties of this name, in the order of the card."""
        return [one for one in self.lines if one.name == name]

    def first(self, name: str) -> Line | None:
        """The most preferred property of this name."""
        return min(self.all(name), key=lambda one: one.preference, default=None)

    def text(self, name: str) -> str:
        """The text of the most preferred property of this name; empty: there is none."""
        found = self.first(name)
        return unescaped(found.value).strip() if found else ""


def parse(raw: bytes) -> Card:
    """The lines of one card."""
    lines: list[Line] = []
    old = re.search(rb"(?im)^[ \t]*VERSION[ \t]*:[ \t]*2\.1", raw) is not None
    for octets in _logical(raw[:MAX_CARD], old=old):
        lines.append(_line(octets, old=old))
        if len(lines) >= MAX_LINES:
            break
    read = sum(len(one.raw) for one in lines)
    if read < len(raw):
        lines.append(Line("", "", raw[read:]))
    return Card(tuple(lines))


def cards(chunks: Iterable[bytes]) -> Iterator[bytes | None]:
    """Every card in a file, as its octets; None for what begins like one and does not end, or is larger than 16 MB.

    ``chunks``: the file's lines, with their ends.  A card inside a card (2.1's AGENT) is part of the outer one.
    """
    held: list[bytes] = []
    size = depth = 0
    for line in chunks:
        word = line.strip().upper()
        if word.replace(b" ", b"").replace(b"\t", b"") == b"BEGIN:VCARD" and not line[:1].isspace():
            if depth and not _is_agent(held):
                yield None
                held, size, depth = [], 0, 0
            depth += 1
        if not depth:
            continue
        size += len(line)
        if size <= MAX_CARD:
            held.append(line)
        if word.replace(b" ", b"").replace(b"\t", b"") == b"END:VCARD" and not line[:1].isspace():
            depth -= 1
            if not depth:
                yield b"".join(held) if size <= MAX_CARD else None
                held, size = [], 0
    if depth:
        yield None


def _is_agent(held: list[bytes]) -> bool:
    last = next((one for one in reversed(held) if one.strip()), b"").strip().upper()
    return last.startswith(b"AGENT") and last.endswith(b":")


# ---- lines
def _logical(raw: bytes, *, old: bool) -> Iterator[bytes]:
    """Lines with what is folded into them, in their own octets."""
    start = begun = 0
    quoted = inside = False
    while start < len(raw):
        found = _BREAK.search(raw, start)
        end = found.end() if found else len(raw)
        physical = raw[start:end]
        held = start > begun
        folded = physical[:1] in (b" ", b"\t") or (quoted and held)
        if inside and held and b":" not in physical:  # base64 of 2.1: not always indented, and ended by an empty line
            folded = True
        if held and not folded:
            yield raw[begun:start]
            begun, held = start, False
        if not held:
            head = physical.partition(b":")[0].upper()
            quoted = old and b"QUOTED-PRINTABLE" in head
            inside = old and b"BASE64" in head
        start = end
        if quoted:
            quoted = physical.rstrip(b"\r\n").endswith(b"=")
    if start > begun:
        yield raw[begun:start]


def _unfolded(raw: bytes, *, old: bool) -> bytes:
    """Without line breaks: with the blank that follows them gone (RFC 6350 s.3.2), or kept, as 2.1 has it."""
    body = raw.rstrip(b"\r\n")
    if old and b"QUOTED-PRINTABLE" in body.partition(b":")[0].upper():
        return re.sub(rb"=(?:\r\n|\n|\r)", b"", body)
    if old:
        return re.sub(rb"(?:\r\n|\n|\r)(?=[ \t])", b"", body)
    for fold in (b"\r\n ", b"\r\n\t", b"\n ", b"\n\t", b"\r ", b"\r\t"):  # a pattern makes an object of each piece
        body = body.replace(fold, b"")
    return body


def _line(raw: bytes, *, old: bool) -> Line:
    head, found, value = _halves(_unfolded(raw, old=old))
    words = _split(decode_text(head, "utf-8"), ";") if found and len(head) <= MAX_HEAD else [""]
    named = _NAME.match(words[0].strip())
    if named is None:
        return Line("", "", raw)
    params = tuple(_parameter(one) for one in words[1:] if one.strip())
    encodings = {one.upper() for key, many in params if key == "ENCODING" for one in many}
    charset = next((many[0] for key, many in params if key == "CHARSET" and many), "utf-8")
    if "QUOTED-PRINTABLE" in encodings:
        value = quopri.decodestring(value)
    return Line(named[2].upper(), decode_text(value, charset), raw, params, named[1] or "")


def _halves(line: bytes) -> tuple[bytes, bool, bytes]:
    """(before the colon that ends the parameters, whether there is one, after it)."""
    quoted = False
    for at, octet in enumerate(line[: MAX_HEAD + 1]):
        if octet == 0x22:
            quoted = not quoted
        elif octet == 0x3A and not quoted:
            return line[:at], True, line[at + 1 :]
    head, found, value = line.partition(b":")  # a quote that is never closed
    return head, bool(found), value


def _parameter(text: str) -> tuple[str, tuple[str, ...]]:
    name, equals, value = text.partition("=")
    name = name.strip().upper()
    if not equals:  # 2.1
        return ("ENCODING" if name in _ENCODINGS else "TYPE"), (text.strip(),)
    values = tuple(_caret(one.strip().strip('"')) for one in _split(value, ","))
    return name, tuple(inner for one in values for inner in (one.split(",") if name == "TYPE" else (one,)))


def _caret(text: str) -> str:
    """RFC 6868."""
    return _CARET.sub(lambda found: {"'": '"', "n": "\n", "^": "^"}[found[1]], text)


def _split(text: str, mark: str) -> list[str]:
    """At each mark that is not in quotes."""
    if '"' not in text:
        return text.split(mark)
    found, held, quoted = list[str](), list[str](), False
    for one in text:
        quoted ^= one == '"'
        if one == mark and not quoted:
            found.append("".join(held))
            held = []
        else:
            held.append(one)
    return [*found, "".join(held)]


# ---- values
def unescaped(value: str) -> str:
    """A text out of its escapes (RFC 6350 s.3.4)."""
    if "\\" not in value:
        return value
    return _ESCAPE.sub(lambda found: "\n" if found[1] in "nN" else found[1], value)


def escaped(text: str) -> str:
    """A text as a value."""
    flat = text.replace("\r\n", "\n").replace("\r", "\n")
    for one, other in (("\\", "\\\\"), ("\n", "\\n"), (",", "\\,"), (";", "\\;")):
        flat = flat.replace(one, other)
    return flat


def parts(value: str, mark: str = ";") -> list[str]:
    """The components of a structured value, or the items of a list (``mark`` ","), as texts."""
    found, held, at = list[str](), list[str](), 0
    while at < len(value):
        if value[at] == "\\" and at + 1 < len(value):
            held.append(value[at : at + 2])
            at += 2
            continue
        if value[at] == mark:
            found.append("".join(held))
            held = []
        else:
            held.append(value[at])
        at += 1
    return [unescaped(one).strip() for one in (*found, "".join(held))]


def octets(line: Line) -> tuple[str, bytes] | None:
    """(media type, the data) of a value that holds its octets itself; None: it is elsewhere, or spoilt."""
    value = line.value.strip()
    if value[:5].lower() == "data:":
        head, comma, data = value[5:].partition(",")
        if not comma or not head.lower().endswith(";base64"):
            return None
        return head.partition(";")[0].lower() or "application/octet-stream", _decoded(unescaped(data))
    if not {"b", "base64"} & set(line.param("ENCODING")):
        return None
    kind = next((one for one in line.param("TYPE") if one not in ("home", "work", "pref")), "")
    kind = kind or next(iter(line.param("MEDIATYPE")), "")
    return (kind if "/" in kind else f"image/{kind or 'jpeg'}"), _decoded(value)


def _decoded(text: str) -> bytes:
    clean = re.sub(r"[^A-Za-z0-9+/]", "", text)
    try:
        return base64.b64decode(clean + "=" * (-len(clean) % 4))
    except (binascii.Error, ValueError):
        return b""


# ---- writing
def line(
    name: str, value: str, params: Iterable[tuple[str, tuple[str, ...]]] = (), group: str = "", end: bytes = b"\r\n"
) -> Line:
    """A property of 3.0 or 4.0, folded.  ``value`` is escaped already."""
    params = tuple(params)
    head = (f"{group}." if group else "") + name + "".join(f";{key}={_listed(many)}" for key, many in params)
    return Line(name, value, folded(f"{head}:{value}".encode("utf-8", "replace"), end), params, group)


def _listed(values: tuple[str, ...]) -> str:
    written: list[str] = []
    for one in values:
        clean = one.replace("^", "^^").replace("\n", "^n").replace('"', "^'")
        written.append(f'"{clean}"' if any(mark in clean for mark in ",;:") else clean)
    return ",".join(written)


def folded(octets_: bytes, end: bytes = b"\r\n") -> bytes:
    """One line in pieces of at most 75 octets, none of which breaks a character of UTF-8 (RFC 6350 s.3.2)."""
    found: list[bytes] = []
    start, room = 0, FOLD
    while start < len(octets_):
        stop = min(len(octets_), start + room)
        while stop < len(octets_) and stop > start + 1 and octets_[stop] & 0xC0 == 0x80:
            stop -= 1
        found.append(octets_[start:stop])
        start, room = stop, FOLD - 1
    return (end + b" ").join(found) + end


def with_line_after(card: Card, fresh: Iterable[Line]) -> Card:
    """The card with more lines, before its END."""
    at = next((place for place in range(len(card.lines) - 1, -1, -1) if card.lines[place].name == "END"), None)
    place = len(card.lines) if at is None else at
    return Card((*card.lines[:place], *fresh, *card.lines[place:]))
