"""POP3 as octets, without a socket: replies, listings, and mail data with its dots taken off.

Rules of the file: nothing here waits or connects; lines end with CRLF, and only CRLF-dot-CRLF ends a multi-line answer
(a bare LF inside a message must not); whatever a server says becomes a value or a ``BadReply``, in bounded time.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MAX_LINE = 8 << 10  # RFC 2449 s.4 says 512
_REPLY = re.compile(rb"(\+OK|-ERR)(?:[ \t](.*))?$", re.DOTALL | re.IGNORECASE)
_CODE = re.compile(r"\[([A-Z0-9/_.-]{1,40})\][ \t]*", re.IGNORECASE)
_NUMBERED = re.compile(rb"[ \t]*([0-9]{1,9})[ \t]+([\x21-\x7e\x80-\xff]{1,512})")
_END = b"\r\n.\r\n"

Capabilities = dict[str, tuple[str, ...]]


class BadReply(ValueError):
    """The server said what no POP3 server says."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A status line.  ``code`` is the extended response code (RFC 2449 s.8, RFC 3206), upper case, or empty."""

    ok: bool
    text: str
    code: str = ""


def parse_reply(line: bytes) -> Reply:
    """A status line without its CRLF.  Raises BadReply."""
    match = _REPLY.match(line)
    if match is None:
        raise BadReply(f"not a POP3 reply: {line[:80]!r}")
    text = (match[2] or b"").strip(b" \t")[:2000].decode("utf-8", "replace")
    text = "".join(char if char.isprintable() else " " for char in text)[:500]
    code = _CODE.match(text)
    return Reply(match[1] == b"+OK" or match[1].upper() == b"+OK", text, code[1].upper() if code else "")


def parse_numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Lines of LIST or UIDL -> (message number, value); a repeated number counts once, other lines not at all."""
    seen = set()
    for line in lines:
        match = _NUMBERED.match(line)
        if match and (number := int(match[1])) > 0 and number not in seen:
            seen.add(number)
            yield number, match[2]


def parse_capabilities(lines: Iterable[bytes]) -> Capabilities:
    """The answer to CAPA (RFC 2449 s.5): name -> arguments, all upper case."""
    words = [line.decode("ascii", "replace").upper().split() for line in lines]
    return {first: tuple(rest) for first, *rest in filter(None, words)}


@dataclass(slots=True)
class Unstuffer:
    """Mail data arrives in any pieces, and leaves without the stuffed dots (RFC 1939 s.3).

    ``feed`` returns what is certain so far.  When ``finished``, ``rest`` holds what came after the final dot.
    """

    finished: bool = False
    rest: bytes = b""
    _held: bytes = field(default=b"\r\n")  # as if a line had just ended: the first octet begins one
    _fresh: bool = True

    def feed(self, data: bytes) -> bytes:
        """Take octets; returns unstuffed ones, in order, each exactly once."""
        data = self._held + data
        end = data.find(_END)
        if end >= 0:
            self.finished, self._held, self.rest = True, b"", data[end + len(_END) :]
            clean = data[: end + 2].replace(b"\r\n.", b"\r\n")
        else:
            keep = _undecided(data)
            self._held = data[len(data) - keep :]
            clean = data[: len(data) - keep].replace(b"\r\n.", b"\r\n")
        if self._fresh and clean:
            self._fresh, clean = False, clean[2:]
        return clean


def _undecided(data: bytes) -> int:
    """How many octets at the end may yet turn out to be the end mark or a stuffed dot."""
    return next((size for size in range(len(_END) - 1, 0, -1) if data.endswith(_END[:size])), 0)
