"""uuencode (POSIX), as a transfer encoding and in the middle of old plain-text mails.  Never raises; linear."""

import binascii
import re

from mua.records import dataclass

_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.MULTILINE)
_LINE = re.compile(rb"[ -`]{1,99}\r?\n")
_END = re.compile(rb"(?:[ \t]*\r?\n)?end[ \t]*(?:\r?\n|\Z)")
_BEGINNING = re.compile(rb"begin [0-7]{3,4} [^\r\n]*\r?\n")
_LAST = re.compile(rb"end\b")
_FULL = re.compile(rb"(?:M[ -`]{60}\r?\n)++")
_TO_BASE64 = bytes.maketrans(
    bytes([*range(32, 97)]), b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/A"
)


@dataclass(frozen=True, slots=True)
class UuFile:
    """One file found in text: where it starts and ends (byte offsets of that text), its name and its bytes."""

    start: int
    end: int
    name: bytes
    data: bytes


def find_uu(body: bytes) -> list[UuFile]:
    """The uuencoded files inside ``body``, in order; only whole ones (``begin`` to ``end``)."""
    found: list[UuFile] = []
    position = 0
    while (begin := _BEGIN.search(body, position)) is not None:
        position = begin.end()
        while (line := _LINE.match(body, position)) is not None:
            position = line.end()
        end = _END.match(body, position)
        if end is not None:
            found.append(
                UuFile(begin.start(), end.end(), begin[1].strip(), _decode_lines(body[begin.end() : position]))
            )
            position = end.end()
    return found


def decode_uu(body: bytes) -> bytes:
    """The first file in ``body``; with no ``begin`` line the body itself is taken for the lines."""
    start = _line_with(body, b"begin ")
    begin = _BEGINNING.match(body, start) if start >= 0 else None
    while start >= 0 and begin is None:
        start = _line_with(body, b"begin ", start + 1)
        begin = _BEGINNING.match(body, start) if start >= 0 else None
    end = _line_with(body, b"end")
    while end >= 0 and _LAST.match(body, end) is None:
        end = _line_with(body, b"end", end + 1)
    return _decode_lines(body[begin.end() if begin else 0 : end if end >= 0 else len(body)])


def _line_with(body: bytes, word: bytes, start: int = 0) -> int:
    """Where the next line begins with ``word``, or -1; far quicker than a regular expression looks at each line."""
    if start == 0 and body.startswith(word):
        return 0
    found = body.find(b"\n" + word, max(0, start - 1))
    return found + 1 if found >= 0 else -1


def _decode_lines(lines: bytes) -> bytes:
    """What lines hold.  Full ones, which nearly all are, are base64 with other letters, and decoded at once."""
    full = _FULL.match(lines)
    if full is None:
        return _decode_each(lines)
    letters = full[0].replace(b"\r", b"").replace(b"\nM", b"")[1:-1].translate(_TO_BASE64)
    return binascii.a2b_base64(letters) + _decode_each(lines[full.end() :])


def _decode_each(lines: bytes) -> bytes:
    out = []
    for line in lines.splitlines():
        if not line or line in (b"`", b" "):
            continue
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Encoders that count wrongly: use as many characters as the length byte asks for.
            count = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:count]))
            except binascii.Error:
                continue
    return b"".join(out)
