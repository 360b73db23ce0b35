"""A frozen message on its way to a wire: measured once, then streamed with dots doubled.

Rule of the file: bytes are never repaired here.  A bare CR or LF, a NUL or a line over 998 octets is found and
refused: mending it would break signatures, and sending it invites message smuggling (RFC 5321 s.2.3.8, s.4.5.3.1.6).
"""

import io
from pathlib import Path
from typing import BinaryIO

from mua.records import dataclass

BLOCK = 64 * 1024
MAX_HEADER = 1 << 20  # octets
MAX_LINE = 998  # RFC 5322 s.2.1.1, without the CRLF


@dataclass(frozen=True, slots=True)
class BodyFacts:
    """What the transaction must know.  ``fault`` is empty when the message may be sent; else it says why not.

    ``digest`` (``mime.pieces.new_digest``): what was read has to have it, or the final dot is not written.
    ``utf8``: its header is beyond ASCII, so it may only go where SMTPUTF8 is offered (RFC 6531 s.3.6, RFC 6532).
    """

    size: int  # octets on the wire, before dot-stuffing (RFC 1870 s.5)
    eight_bit: bool
    fault: str = ""
    digest: bytes = b""
    utf8: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A message in memory or in a file, with its facts."""

    source: bytes | Path
    facts: BodyFacts

    @classmethod
    def of(cls, source: bytes | Path) -> "Body":
        """Measure ``source``: one pass, constant memory.  OSError when the file cannot be read."""
        with _opened(source) as file:
            return cls(source, measure(file))

    def open(self) -> BinaryIO:
        """A fresh stream of the message."""
        return _opened(self.source)


def _opened(source: bytes | Path) -> BinaryIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def measure(file: BinaryIO) -> BodyFacts:
    """Size, 8-bit content and header, and the first fault."""
    size, eight_bit, fault, rest = 0, False, "", b""
    utf8 = has_utf8_header(file)
    while block := file.read(BLOCK):
        size += len(block)
        eight_bit = eight_bit or not block.isascii()
        if not fault:
            text = rest + block
            *lines, rest = text.split(b"\n")
            if not _clean(text, lines, rest):
                fault = _fault(lines, rest)
    if not fault and rest:
        fault = "a bare carriage return" if b"\r" in rest else ""
    return BodyFacts(size if not rest or fault else size + 2, eight_bit, fault, utf8=utf8)


def has_utf8_header(file: BinaryIO) -> bool:
    """Whether the header (its first ``MAX_HEADER`` octets) is beyond ASCII.  The file is read from its start again."""
    head = b"\r\n" + file.read(MAX_HEADER)
    file.seek(0)
    return not head.partition(b"\r\n\r\n")[0].isascii()


def _clean(text: bytes, lines: list[bytes], rest: bytes) -> bool:
    """The quick answer for nearly every block; False: look closely."""
    pairs = text.count(b"\r\n")
    canonical = pairs == len(lines) == text.count(b"\r") and b"\0" not in text
    return canonical and max(map(len, lines), default=0) <= MAX_LINE + 1 and len(rest) <= MAX_LINE


def _fault(lines: list[bytes], rest: bytes) -> str:
    """What is wrong with these lines (without their LF) or with the unfinished one."""
    for line in lines:
        if not line.endswith(b"\r"):
            return "a bare line feed"
        if line.find(b"\r") != len(line) - 1:
            return "a bare carriage return"
        if len(line) > MAX_LINE + 1:
            return f"a line of {len(line) - 1} octets (the most is {MAX_LINE})"
        if b"\0" in line:
            return "a NUL octet"
    if b"\r" in rest[:-1]:
        return "a bare carriage return"
    if len(rest.removesuffix(b"\r")) > MAX_LINE:
        return f"a line of more than {MAX_LINE} octets"
    return "a NUL octet" if b"\0" in rest else ""


class DotStuffer:
    """Doubles the dot at each line start, over any cut of the message into blocks (RFC 5321 s.4.5.2)."""

    def __init__(self) -> None:
        self._tail = b"\r\n"  # the last two octets so far; the start of the message is a line start

    def feed(self, block: bytes) -> bytes:
        """``block`` as it goes to the wire.  The message holds canonical CRLF only, so LF is always a line end."""
        stuffed = block.replace(b"\n.", b"\n..")
        if self._tail.endswith(b"\n") and block.startswith(b"."):
            stuffed = b"." + stuffed
        self._tail = (self._tail + block[-2:])[-2:]
        return stuffed

    @property
    def missing(self) -> int:
        """Octets of line end that ``end`` has to add to an unfinished last line."""
        return 0 if self._tail == b"\r\n" else 2

    def end(self) -> bytes:
        """The octets that end the message; writing them is the point of no return."""
        return b"\r\n.\r\n" if self.missing else b".\r\n"
