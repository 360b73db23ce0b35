"""The byte-offset scanner: where the parts of a message are, without copying or decoding them.

What lives here: ``scan`` (structure), ``Part`` (one entity of it), ``decode`` (transfer encoding undone) and ``text``
(charset undone).

Rules of the file
- Nothing here raises, whatever the bytes are; what is odd is written into ``Part.defects``.
- Every offset points into the raw message as it was received; the raw bytes are never changed or regenerated.
- One interpretation for everybody (view, save, forward, index): the first of several equal fields or parameters wins,
  an outer boundary beats an inner one, an epilogue is not searched for parts.
- Work is linear in the size of the message: depth, number of parts and header size are capped, and a cut is a defect.

Theory of operation.  A header block is split into fields by one regular expression that runs in C.  A multipart body
is split by ``bytes.find`` of its delimiter, so that no line is ever looked at in Python.  A message whose lines end in
a bare CR (old Macs) is scanned through a copy in which CR is LF: that has the same length, so the offsets stay true.

Section numbers are those of IMAP BODYSTRUCTURE (RFC 9051 s.6.4.5): ``1``, ``2.1`` ...; the multipart at the top of a
message has no number of its own there and is called ``TEXT`` (``3.TEXT`` inside the message/rfc822 part 3).
"""

import binascii
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Final

from mua.mime.charset import decode_text
from mua.mime.params import parameters
from mua.mime.uu import decode_uu

MAX_DEPTH: Final = 60  # nested entities; real mail stays below 15
MAX_PARTS: Final = 1000
MAX_HEADER: Final = 256 * 1024  # bytes of one header block
_BLOCK: Final = 256 * 1024  # of a body that is measured
_AROUND: Final = 64 * 1024  # bytes before and behind the parts of a multipart that are looked at
_STYLE_PROBE: Final = 64 * 1024  # how far we look for the first LF before taking CR for the line end

DEFECTS: Final = {
    "no-boundary": "a multipart part names no boundary",
    "boundary-missing": "the boundary of a multipart part never occurs",
    "unterminated": "a multipart part is not closed: the message may be cut short",
    "epilogue-part": "there is a part after the end of the multipart it pretends to belong to",
    "preamble-part": "there is something like a part before the first part of a multipart, and it is not shown",
    "encoded-structure": "a multipart says that it is encoded, which none may be; it is read as it stands",
    "too-deep": f"parts are nested more than {MAX_DEPTH} deep; the rest is shown unopened",
    "too-many-parts": f"there are more than {MAX_PARTS} parts; the rest is shown unopened",
    "header-cut": f"a header is larger than {MAX_HEADER // 1024} KB; the rest of it is not read",
    "junk-in-header": "there is a line in a header that is not a field",
    "folded-name": "a field name is folded or has a blank before it",
    "no-separator": "the empty line between header and body is missing",
    "duplicate-field": "a field that may occur once occurs more often; the first counts",
    "duplicate-parameter": "a parameter can be read in more than one way; its first plain value counts",
    "bad-content-type": "a Content-Type cannot be read",
    "bad-encoding": "a Content-Transfer-Encoding is not known; the part is shown as it is",
    "many-encodings": "a Content-Transfer-Encoding names more than one; the first counts",
    "odd-base64": "a base64 body holds what is no base64, or ends more than once; other programs may read it otherwise",
    "bare-cr": "a header holds a carriage return that ends no line; other programs may see another field there",
}

_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:[ \t]*+(.*+(?:\n[ \t].*+)*+)\n?|(.+(?:\n[ \t].*+)*+\n?|\n)")
_FOLDED_FIELD = re.compile(rb"[ \t]*+([!-9;-~]++)\s*+:[ \t]*+(.*)", re.DOTALL)
_TYPE = re.compile(rb"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*/\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:[;(]|$)")
_TYPE_LENIENT = re.compile(rb"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*/\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)")
_ENCODING = re.compile(rb"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)")
_COMMENT = re.compile(rb"\([^()]*\)")
_PART_HEADER = re.compile(rb"^content-(?:type|transfer-encoding|disposition)[ \t]*:", re.MULTILINE | re.IGNORECASE)
_BASE64_ALPHABET: Final = bytes(sorted(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_NOT_BASE64: Final = bytes(set(range(256)) - set(_BASE64_ALPHABET))
_MBOX_LINES: Final = (b"From ", b">From ")
_SHORT_RUN: Final = 1024  # octets that are copied in less time than an exception takes
_PAD_RUN = re.compile(rb"=[^A-Za-z0-9+/]*")

_ONCE: Final = ("content-type", "content-transfer-encoding", "content-disposition", "content-id")
_IDENTITY: Final = frozenset({"", "7bit", "8bit", "binary"})
_UU: Final = frozenset({"x-uuencode", "uuencode", "uue", "x-uue"})
_KNOWN_ENCODINGS: Final = _IDENTITY | _UU | {"base64", "quoted-printable"}
_PLAIN_ENCODINGS: Final = {one.encode(): one for one in ("7bit", "8bit", "base64", "quoted-printable")}
EMBEDDED: Final = frozenset({"message/rfc822", "message/global", "message/news"})

_names: dict[bytes, str] = {}  # field names met so far, lower-cased; bounded in ``_lower``

Field = tuple[str, bytes]


class Part:
    """One entity: a leaf, a multipart or an embedded message.  Offsets are into the raw message given to ``scan``.

    ``fields`` are (lower-case name, raw value) in order, values still folded (LF) and encoded; ``type`` is lower-case
    ``maintype/subtype``; ``encoding`` the lower-case transfer encoding.  The header is raw[header_start:body_start].
    """

    __slots__ = (
        "_disposition",
        "_first",
        "_params",
        "body_end",
        "body_start",
        "children",
        "defects",
        "encoding",
        "fields",
        "header_start",
        "section",
        "type",
    )

    def __init__(self, header_start: int, body_start: int, body_end: int, fields: list[Field]) -> None:
        self.header_start = header_start
        self.body_start = body_start
        self.body_end = body_end
        self.fields = fields
        self._first = dict(reversed(fields))
        self.children: list[Part] = []
        self.defects: list[str] = []
        self.section = "1"
        self.type = "text/plain"
        self.encoding = ""
        self._params: dict[str, str] | None = None
        self._disposition: tuple[str, dict[str, str]] | None = None

    @property
    def distinct(self) -> int:
        """How many different field names the header has."""
        return len(self._first)

    def field(self, name: str) -> bytes | None:
        """The raw value of the first field ``name`` (lower case), or None."""
        return self._first.get(name)

    @property
    def params(self) -> dict[str, str]:
        """The parameters of Content-Type, decoded (RFC 2045, 2231), names in lower case."""
        if self._params is None:
            self._params = parameters(self._first.get("content-type", b""))[1]
        return self._params

    @property
    def disposition(self) -> str:
        """``inline``, ``attachment``, another lower-case word, or empty (RFC 2183)."""
        return self._content_disposition()[0]

    @property
    def filename(self) -> str:
        """The name as its sender wrote it, decoded but not made safe: Content-Disposition before Content-Type."""
        return self._content_disposition()[1].get("filename") or self.params.get("name", "")

    def _content_disposition(self) -> tuple[str, dict[str, str]]:
        if self._disposition is None:
            raw = self._first.get("content-disposition")
            self._disposition = ("", {}) if raw is None else parameters(raw)[:2]
        return self._disposition

    @property
    def embedded(self) -> "Part | None":
        """The message inside a message/rfc822 part, or None."""
        return self.children[0] if self.children and self.type in EMBEDDED else None

    def walk(self) -> "Iterator[Part]":
        """This part and everything below it, in the order of the bytes."""
        stack = [self]
        while stack:
            part = stack.pop()
            yield part
            stack.extend(reversed(part.children))

    def __repr__(self) -> str:
        return f"<Part {self.section} {self.type} {self.body_start}:{self.body_end}>"


def scan(raw: bytes) -> Part:
    """The structure of a message (RFC 5322, RFC 2045-2046).  Never raises; linear in ``len(raw)``."""
    if raw.find(b"\n", 0, _STYLE_PROBE) < 0 and b"\r" in raw[:_STYLE_PROBE]:
        raw = raw.replace(b"\r", b"\n")
    return _Scanner(raw).message(0, len(raw), 0, "")


def split_fields(block: bytes) -> tuple[list[Field], list[str]]:
    """The fields of a header block and its defects.  Junk lines are kept under the name ``""``."""
    if b"\r\n" in block:
        block = block.replace(b"\r\n", b"\n")
    if block.endswith(b"\n\n"):  # the empty line that ends a header, as BODY[HEADER.FIELDS (...)] has it
        block = block[:-1]
    found = _FIELD.findall(block)
    defects = ["bare-cr"] if b"\r" in block else []
    try:
        return [(_names[name], value) for name, value, _ in found], defects
    except KeyError:  # a name not met before, or a line that is not a field
        return _split_carefully(found, defects), defects


def _split_carefully(found: list[tuple[bytes, bytes, bytes]], defects: list[str]) -> list[Field]:
    fields: list[Field] = []
    for name, value, junk in found:
        if name:
            fields.append((_names.get(name) or _lower(name), value))
        elif b":" in junk or not fields:
            if junk.strip():
                fields.append(_junk_field(junk, defects, first=not fields))
        elif not junk.isspace():
            defects.append("junk-in-header")
            fields.append(("", junk))
    return fields


def _junk_field(junk: bytes, defects: list[str], *, first: bool) -> Field:
    """A line without a colon, or a first line with a blank in front: perhaps a field all the same (obs-FWS)."""
    if first and junk.startswith(_MBOX_LINES):
        return "", junk  # the separator line of an mbox, left in by a careless export
    match = _FOLDED_FIELD.match(junk) if b":" in junk else None
    if match:
        defects.append("folded-name")
        return match[1].decode("ascii").lower(), match[2].strip()
    defects.append("junk-in-header")
    return "", junk


def _lower(name: bytes) -> str:
    text = name.decode("ascii").lower()
    if len(_names) < 4096 and len(name) < 64:
        _names[name] = text
    return text


class _Scanner:
    """One scan: the bytes and the budget of parts."""

    __slots__ = ("parts", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.parts = 0

    def message(self, start: int, end: int, depth: int, section: str) -> Part:
        """A whole message; ``section`` is the number of the message/rfc822 part that holds it, or empty."""
        part = self._entity(start, end, "text/plain")
        if part.type.startswith("multipart/"):
            part.section = f"{section}.TEXT" if section else "TEXT"
            self._multipart(part, depth, section)
        if not part.type.startswith("multipart/"):
            part.section = f"{section}.1" if section else "1"
            self._embedded(part, depth)
        return part

    def _child(self, start: int, end: int, depth: int, section: str, default: str) -> Part:
        part = self._entity(start, end, default)
        part.section = section
        if part.type.startswith("multipart/"):
            self._multipart(part, depth, section)
        else:
            self._embedded(part, depth)
        return part

    def _embedded(self, part: Part, depth: int) -> None:
        if part.type not in EMBEDDED or part.encoding not in _IDENTITY:
            return
        if depth >= MAX_DEPTH:
            part.defects.append("too-deep")
        elif self.parts >= MAX_PARTS:
            part.defects.append("too-many-parts")
        else:
            part.children.append(self.message(part.body_start, part.body_end, depth + 1, part.section))

    def _entity(self, start: int, end: int, default: str) -> Part:
        """Header and extent of one entity; its body is not looked at."""
        self.parts += 1
        header_end, body_start = _header_end(self.raw, start, end)
        cut = header_end - start > MAX_HEADER
        fields, defects = split_fields(self.raw[start : start + MAX_HEADER if cut else header_end])
        if fields and not fields[-1][0]:
            body_start = self._missing_separator(start, header_end, body_start, fields, defects)
        part = Part(start, body_start, end, fields)
        part.defects = defects
        if cut:
            defects.append("header-cut")
        _describe(part, default)
        return part

    def _missing_separator(
        self, start: int, header_end: int, body_start: int, fields: list[Field], defects: list[str]
    ) -> int:
        """Where the body starts when the header ends in lines that are not fields: at the first of them."""
        count = len(fields)
        while count and not fields[count - 1][0]:
            count -= 1
        if count == 0 and fields[0][1].startswith(_MBOX_LINES):
            count = 1
        if count == len(fields) or header_end - start > MAX_HEADER:
            return body_start
        starts = (match.start() for match in _FIELD.finditer(self.raw[start:header_end]) if match[0].strip())
        del fields[count:]
        defects[:] = [defect for defect in defects if defect != "junk-in-header"]
        defects += ["no-separator"] + ["junk-in-header"] * any(not name for name, _ in fields[1:])
        return start + next(islice(starts, count, None))

    def _multipart(self, part: Part, depth: int, section: str) -> None:
        """Split a multipart body; one that cannot be split becomes a text leaf, so that nothing is hidden."""
        boundary = part.params.get("boundary", "").rstrip()
        if not boundary:
            part.defects.append("no-boundary")
        elif depth >= MAX_DEPTH:
            part.defects.append("too-deep")
        else:
            self._split(part, boundary.encode("utf-8", "surrogateescape"), depth, section)
            if not part.children and "too-many-parts" not in part.defects:
                part.defects.append("boundary-missing")
        if not part.children:
            part.type = "text/plain"

    def _split(self, part: Part, boundary: bytes, depth: int, section: str) -> None:
        default = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        prefix = f"{section}." if section else ""
        start: int | None = None
        for line, after, close in _delimiters(self.raw, b"--" + boundary, part.body_start, part.body_end):
            if start is not None:
                number = f"{prefix}{len(part.children) + 1}"
                full = self.parts >= MAX_PARTS
                stop = part.body_end if full else max(start, _before_line_end(self.raw, line, start))
                part.children.append(self._child(start, stop, depth + 1, number, default))
                if full:
                    part.defects.append("too-many-parts")
                    return
            elif not close and self._holds_part(part.body_start, line):
                part.defects.append("preamble-part")
            if close:
                if _has_delimiter(self.raw, b"--" + boundary, after, part.body_end) or self._holds_part(
                    after, part.body_end
                ):
                    part.defects.append("epilogue-part")
                return
            start = after
        if start is not None:
            part.defects.append("unterminated")
            number = f"{prefix}{len(part.children) + 1}"
            part.children.append(self._child(start, part.body_end, depth + 1, number, default))

    def _holds_part(self, start: int, end: int) -> bool:
        """Does what stands around the parts look like one?"""
        return end - start > 13 and _PART_HEADER.search(self.raw[start : min(end, start + _AROUND)]) is not None


def body_start(raw: bytes) -> int:
    """Where the body of a message begins: behind the first empty line."""
    return _header_end(raw, 0, len(raw))[1]


def _header_end(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """(end of the header block, start of the body).  A line of blanks only is a folded line, not the separator."""
    first = raw.find(b"\n", start, end)
    if first < 0:
        return end, end
    if first == start or (first == start + 1 and raw[start] == 13):
        return start, first + 1
    if raw[first - 1] == 13:
        wide = raw.find(b"\n\r\n", first, end)
        bare = raw.find(b"\n\n", first, end if wide < 0 else wide + 2)
    else:
        bare = raw.find(b"\n\n", first, end)
        wide = raw.find(b"\n\r\n", first, end if bare < 0 else bare + 2)
    if wide >= 0 and (bare < 0 or wide < bare):
        return wide + 1, wide + 3
    return (bare + 1, bare + 2) if bare >= 0 else (end, end)


def _delimiters(raw: bytes, dashes: bytes, start: int, end: int) -> Iterator[tuple[int, int, bool]]:
    """Delimiter lines of a multipart as (start of the line, start of the next line, is it the closing one)."""
    position, length = start, len(dashes)
    while (found := raw.find(dashes, position, end)) >= 0:
        position = found + length
        if found > start and raw[found - 1] not in b"\r\n":
            continue
        after = position
        close = raw[after : after + 2] == b"--"
        if close:
            after += 2
        while after < end and raw[after] in b" \t":
            after += 1
        if after < end and raw[after] not in b"\r\n" and not close:
            continue
        line_end = raw.find(b"\n", after, end)
        position = end if line_end < 0 else line_end + 1
        yield found, position, close


def _has_delimiter(raw: bytes, dashes: bytes, start: int, end: int) -> bool:
    return next(_delimiters(raw, dashes, start, end), None) is not None


def _before_line_end(raw: bytes, position: int, floor: int) -> int:
    """``position`` moved back over the line end in front of it, which belongs to the delimiter (RFC 2046 s.5.1.1)."""
    if position > floor and raw[position - 1] == 10:
        position -= 1
    if position > floor and raw[position - 1] == 13:
        position -= 1
    return position


def _describe(part: Part, default: str) -> None:
    """Fill in type, encoding and the defects of the Content fields."""
    part.type = default
    value = part.field("content-type")
    if value is not None:
        part.type, readable = _media_type(value) if len(value) < 200 else _media_type.__wrapped__(value)
        if not readable:
            part.defects.append("bad-content-type")
    value = part.field("content-transfer-encoding")
    if value is not None:
        part.encoding = _PLAIN_ENCODINGS.get(value) or _transfer_encoding(value)
        if part.encoding not in _KNOWN_ENCODINGS:
            part.defects.append("bad-encoding")
        elif part.encoding not in _IDENTITY and part.type.startswith("multipart/"):
            part.defects.append("encoded-structure")
        if b"," in value or b";" in value:
            part.defects.append("many-encodings")
    if len(part.fields) != part.distinct and _repeats(part.fields):
        part.defects.append("duplicate-field")
    if part.type.startswith("multipart/") and parameters(part.field("content-type") or b"")[2]:
        part.defects.append("duplicate-parameter")


@lru_cache(maxsize=1024)
def _media_type(value: bytes) -> tuple[str, bool]:
    """(type, was it written as RFC 2045 has it)."""
    match = _TYPE.match(value)
    if match is None and b"(" in value:
        match = _TYPE.match(_COMMENT.sub(b" ", value))
    readable = match is not None
    match = match or _TYPE_LENIENT.match(value)
    if match is None:
        return "text/plain", False
    return (match[1] + b"/" + match[2]).decode("ascii").lower(), readable


def _transfer_encoding(value: bytes) -> str:
    match = _ENCODING.match(_COMMENT.sub(b" ", value) if b"(" in value else value)
    return match[1].decode("ascii").lower() if match else ""


def _repeats(fields: list[Field]) -> bool:
    names = [name for name, _ in fields]
    return any(names.count(name) > 1 for name in _ONCE)


def decode(raw: bytes, part: Part) -> bytes:
    """The body of ``part`` with its transfer encoding undone (RFC 2045 s.6).  Undecodable bytes are kept, not dropped.

    The body of a part without (or with an unknown) encoding is returned as it stands in ``raw``.
    """
    body = raw[part.body_start : part.body_end]
    if part.encoding in _IDENTITY or not body:
        return body
    if part.encoding == "base64":
        return decode_base64(body)
    if part.encoding == "quoted-printable":
        return binascii.a2b_qp(body if b"\n" in body else body.replace(b"\r", b"\n"))
    if part.encoding in _UU:
        return decode_uu(body)
    return body


def beginning(raw: bytes, part: Part, octets: int) -> bytes:
    """The first octets of ``decode(raw, part)``; of base64 no more is decoded than that takes."""
    end = part.body_start + 2 * octets  # three quarters of it, and blanks
    if part.encoding == "base64" and end < part.body_end:
        found = decode_base64(raw[part.body_start : end])
        if len(found) >= octets:
            return found[:octets]
    return decode(raw, part)[:octets]


def decode_base64(body: bytes) -> bytes:
    """base64 with foreign characters skipped, several padded runs joined and a cut end completed."""
    padding = body.find(b"=")
    if padding < 0 or not body[padding:].translate(None, b"=\r\n \t"):
        return _base64_run(body)
    return b"".join(_base64_run(run) for run in _PAD_RUN.split(body))


def _base64_run(run: bytes) -> bytes:
    if len(run) >= _SHORT_RUN:
        try:
            return binascii.a2b_base64(run)
        except binascii.Error:
            pass
    letters = run.translate(None, _NOT_BASE64)
    letters = letters[: len(letters) // 4 * 4] if len(letters) % 4 == 1 else letters
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def is_odd_base64(raw: bytes, part: Part) -> bool:
    """Is there more in a base64 body than base64, blanks and one end?  What a mailing list added is that, too."""
    if part.encoding != "base64" or part.children:
        return False
    start, end = part.body_start, part.body_end
    padding = raw.find(b"=", start, end)
    if padding >= 0 and len(raw[padding:end].translate(None, b"\r\n \t")) > 2:
        return True
    return any(
        raw[at : min(at + _BLOCK, end)].translate(None, _BASE64_ALPHABET).translate(None, b"=\r\n \t")
        for at in range(start, end, _BLOCK)
    )


def decoded_size(raw: bytes, part: Part) -> int:
    """``len(decode(raw, part))``; for base64 without decoding where that is exact, and without a copy of the body."""
    if part.encoding != "base64":
        return len(decode(raw, part)) if part.encoding not in _IDENTITY else part.body_end - part.body_start
    start, end = part.body_start, part.body_end
    rest = b"".join(
        raw[at : min(at + _BLOCK, end)].translate(None, _BASE64_ALPHABET) for at in range(start, end, _BLOCK)
    )
    letters = end - start - len(rest)
    padding = raw.find(b"=", start, end)
    ends = padding < 0 or (end - padding < _BLOCK and not raw[padding:end].translate(None, b"=\r\n \t"))
    if letters % 4 == 1 or not ends or (padding >= 0 and raw.count(b"=", padding, end) > 2):
        return len(decode(raw, part))
    return letters * 3 // 4


def text(raw: bytes, part: Part) -> str:
    """The body of a text part as a string with LF line ends; never raises (see ``charset.decode_text``)."""
    decoded = decode_text(decode(raw, part), part.params.get("charset") or None)
    if "\r" in decoded:
        decoded = decoded.replace("\r\n", "\n").replace("\r", "\n")
    return decoded
