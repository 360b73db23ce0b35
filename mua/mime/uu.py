"""uuencode (POSIX), as a transfer encoding and in the middle of old plain-text mails.  Never raises; linear."""

import binascii
import re

from mua.records import dataclass

_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.MULTILINE)
_LINE = re.compile(rb"[ -`]{1,99}\r?\n")
_END = re.compile(rb"(?:[ \t]*\r?\n)?end[ \t]*(?:\r?\n|\Z)")


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
    begin = re.search(rb"^begin [0-7]{3,4} [^\r\n]*\r?\n", body, re.M)
    end = re.search(rb"^end\b", body, re.M)
    lines = body[begin.end() if begin else 0 : end.start() if end else len(body)]
    return _decode_lines(lines)


def _decode_lines(lines: bytes) -> bytes:
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
