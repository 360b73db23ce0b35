"""Parameters of Content-Type and Content-Disposition (RFC 2045 s.5.1, RFC 2231), and what mailers write instead.

Rules of the file: never raises; linear; the first of two equal parameters wins, and that it was so is told.
An extended parameter (``filename*``, ``filename*0``) beats the plain one, as RFC 6266 s.4.3 has it; except for
``boundary``, where the plain one is what every other parser reads.
"""

import re
from functools import lru_cache
from typing import Final

from mua.mime.charset import decode_text
from mua.mime.words import decode_words

MAX_VALUE: Final = 32 * 1024  # bytes of a field that are looked at
MAX_PARAMETERS: Final = 200

_PARAMETER = re.compile(
    rb";\s*(?:\([^()]*\)\s*)*([^\s=;\"()]+)\s*=\s*(?:\([^()]*\)\s*)*"
    rb"(?:\"((?:[^\"\\]|\\.)*)\"?|([^;\"]*(?:\"[^\"]*\"[^;\"]*)*))",
    re.DOTALL,
)
_VALUE = re.compile(rb"([^;]*)")
_FOLD = re.compile(rb"\r?\n([ \t])")
_TRAILING_COMMENT = re.compile(rb"\s*\([^()]*\)\s*$")
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_SEGMENT = re.compile(r"([^*]+)\*(\d{1,9})?(\*)?$")
_UNSEPARATED = re.compile(rb"(?<=[^;\s])[ \t]*\r?\n[ \t]+(?=[\w!#$%&'*+.^`{|}~-]+[ \t]*=)")
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")

Segment = tuple[int, bool, bytes]


def parameters(raw: bytes) -> tuple[str, dict[str, str], bool]:
    """(value in lower case, parameters, was one of them ambiguous).  Names in lower case, values decoded.

    The dictionary is shared by all who ask for the same value: it is not to be changed.
    """
    return _remembered(raw) if len(raw) < 200 else _parameters(raw[:MAX_VALUE])


@lru_cache(maxsize=1024)
def _remembered(raw: bytes) -> tuple[str, dict[str, str], bool]:
    return _parameters(raw)


def _parameters(raw: bytes) -> tuple[str, dict[str, str], bool]:
    if b"\n" in raw:
        raw = _FOLD.sub(rb"\1", _separated(raw))
    end = raw.find(b";")
    value = raw if end < 0 else raw[:end]
    if b"(" in value:
        value = re.sub(rb"\([^()]*\)", b"", value)
    word = value.strip().decode("ascii", "replace").lower()
    if end < 0:
        return word, {}, False
    plain: dict[str, bytes] = {}
    extended: dict[str, list[Segment]] = {}
    ambiguous = _collect(raw[end:], plain, extended)
    result = {name: _plain_text(name, value) for name, value in plain.items()}
    for name, segments in extended.items():
        if name in plain:
            ambiguous = ambiguous or name == "boundary"
            if name == "boundary":
                continue
        result[name] = _joined(segments)
    return word, result, ambiguous


def _separated(raw: bytes) -> bytes:
    """A parameter on a line of its own without its semicolon gets it, unless the line is inside a quotation."""
    if _UNSEPARATED.search(raw) is None:
        return raw
    pieces, position, quotes = [], 0, 0
    for match in _UNSEPARATED.finditer(raw):
        quotes += raw.count(b'"', position, match.start())
        pieces += [raw[position : match.start()], match[0] if quotes % 2 else b"; "]
        position = match.end()
    return b"".join([*pieces, raw[position:]])


def _collect(rest: bytes, plain: dict[str, bytes], extended: dict[str, list[Segment]]) -> bool:
    """Sort the parameters of ``rest`` into plain ones and RFC 2231 segments; True: one came twice."""
    ambiguous = False
    for count, match in enumerate(_PARAMETER.finditer(rest)):
        if count >= MAX_PARAMETERS:
            break
        name = match[1].decode("utf-8", "replace").lower()
        quoted, bare = match[2], match[3]
        ambiguous = ambiguous or (name == "boundary" and quoted is None and b"(" in match[0])
        if quoted is None:
            value = _TRAILING_COMMENT.sub(b"", bare).strip() if b"(" in bare else bare.strip()
        else:
            value = _QUOTED_PAIR.sub(rb"\1", quoted) if b"\\" in quoted else quoted
        segment = _SEGMENT.match(name) if "*" in name else None
        if segment:
            extended.setdefault(segment[1], []).append(
                (int(segment[2] or 0), bool(segment[3] or not segment[2]), value)
            )
        elif name in plain:
            ambiguous = True
        else:
            plain[name] = value
    return ambiguous


def _plain_text(name: str, value: bytes) -> str:
    """A plain value: 8-bit and even encoded words (RFC 2047 s.5 forbids them; half the world writes them)."""
    if value.isascii() and (b"=?" not in value or name == "boundary"):
        return value.decode("ascii")
    if name == "boundary":
        return value.decode("utf-8", "surrogateescape")
    return decode_words(value)


def _joined(segments: list[Segment]) -> str:
    """RFC 2231 s.3-4: continuations in their order, percent-decoded where marked, in the charset of the first."""
    segments.sort(key=lambda segment: segment[0])
    charset, data, seen = None, b"", set()
    for position, (number, encoded, value) in enumerate(segments):
        if number in seen:
            continue
        seen.add(number)
        if encoded and position == 0 and value.count(b"'") >= 2:
            label, _, value = value.split(b"'", 2)
            charset = label.decode("ascii", "replace")
        elif encoded and charset and value.lower().startswith(charset.lower().encode() + b"'"):
            value = value.partition(b"'")[2]  # said again with each piece
        data += _PERCENT.sub(lambda match: bytes([int(match[1], 16)]), value) if encoded else value
    if b"=?" in data and charset is None:
        return decode_words(data)
    decoded = decode_text(data, charset)
    return decode_words(decoded.encode("utf-8", "surrogateescape")) if decoded.startswith("=?") else decoded
