"""The words of IMAP (RFC 3501 s.4 and s.9): commands read into tokens, values written, sets of numbers, folder names.

A token is ``str`` for an atom (flags, numbers, ``BODY.PEEK[...]<0.10>`` included), ``bytes`` for a string or literal,
and a list for a parenthesised list.  Rule of the file: pure, and whatever a client sends it ends in tokens or ``Bad``.
"""

import base64
import re
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from mua.demo.mailbox import Refused

Token = str | bytes | list["Token"]

LITERAL = re.compile(rb"~?\{(\d{1,10})(\+?)\}\r?\n?$")
DEPTH_LIMIT = 30
_INLINE_LITERAL = re.compile(rb"~?\{(\d{1,10})\+?\}\r?\n")
_ATOM = re.compile(rb'[^\s(){"\[\]]+')
_NUMBERS = re.compile(r"(\d+|\*)(?::(\d+|\*))?$")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Bad(Exception):
    """The client broke the syntax; the text goes into the BAD response."""


class _Reader:
    def __init__(self, line: bytes) -> None:
        self.line = line
        self.at = 0

    def tokens(self, closing: bool = False, depth: int = 0) -> list[Token]:
        if depth > DEPTH_LIMIT:
            raise Bad("Too many parentheses")
        found: list[Token] = []
        while self.at < len(self.line):
            letter = self.line[self.at : self.at + 1]
            if letter.isspace():
                self.at += 1
            elif letter == b")":
                if not closing:
                    raise Bad("Unexpected )")
                self.at += 1
                return found
            else:
                found.append(self._one(letter, depth))
        if closing:
            raise Bad("Missing )")
        return found

    def _one(self, letter: bytes, depth: int) -> Token:
        if letter == b"(":
            self.at += 1
            return self.tokens(closing=True, depth=depth + 1)
        if letter == b'"':
            return self._quoted()
        if literal := _INLINE_LITERAL.match(self.line, self.at):
            start = literal.end()
            self.at = start + int(literal[1])
            return self.line[start : self.at]
        return self._atom()

    def _quoted(self) -> bytes:
        value, self.at = bytearray(), self.at + 1
        while self.at < len(self.line):
            letter = self.line[self.at]
            if letter == 0x22:
                self.at += 1
                return bytes(value)
            if letter == 0x5C:
                self.at += 1
            value += self.line[self.at : self.at + 1]
            self.at += 1
        raise Bad("Missing quote")

    def _atom(self) -> str:
        start = self.at
        while self.at < len(self.line):
            if match := _ATOM.match(self.line, self.at):
                self.at = match.end()
            elif self.line[self.at : self.at + 1] == b"[":
                end = self.line.find(b"]", self.at)
                if end < 0:
                    raise Bad("Missing ]")
                self.at = end + 1
            else:
                break
        if self.at == start:
            raise Bad("Unexpected character")
        return self.line[start : self.at].decode("utf-8", "replace")


def tokens(line: bytes) -> list[Token]:
    """A whole command (literals inside it, each after its ``{n}``) as tokens.  Raises Bad."""
    return _Reader(line).tokens()


def text(token: Token) -> str:
    """An atom or string as text.  Raises Bad for a list."""
    if isinstance(token, list):
        raise Bad("A word was expected, not a list")
    return token.decode("utf-8", "replace") if isinstance(token, bytes) else token


def words(token: Token) -> list[str]:
    """A list of atoms, or a single atom, as texts."""
    return [text(item) for item in token] if isinstance(token, list) else [text(token)]


def number(token: Token) -> int:
    """A number.  Raises Bad."""
    value = text(token)
    if not (value.isascii() and value.isdigit()) or len(value) > 19:
        raise Bad("A number was expected")
    return int(value)


def quoted(value: str | bytes | None) -> bytes:
    """``value`` as an nstring: NIL, a quoted string, or a literal where it must be one."""
    if value is None:
        return b"NIL"
    data = value.encode("utf-8") if isinstance(value, str) else value
    if len(data) > 500 or any(byte < 32 or byte > 126 for byte in data):
        return b"{%d}\r\n" % len(data) + data
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def is_set(value: str) -> bool:
    """``value`` is a sequence set (RFC 3501 s.9) or the saved result ``$``."""
    return all(_NUMBERS.match(item) for item in value.split(","))


def members(value: str, present: Sequence[int]) -> list[int]:
    """Those of ``present`` (ascending) that the set names; ``*`` is the largest of them.  Raises Bad."""
    if not is_set(value):
        raise Bad("This is not a set of numbers")
    last = present[-1] if present else 0
    ranges: list[tuple[int, int]] = []
    for item in value.split(","):
        low, _, high = item.partition(":")
        ends = sorted(last if end == "*" else int(end[:12]) for end in (low, high or low))
        ranges.append((ends[0], ends[1]))
    return [item for item in present if any(low <= item <= high for low, high in ranges)]


def compact(numbers: Iterable[int]) -> str:
    """Numbers as a short sequence set: 1:3,7."""
    runs: list[list[int]] = []
    for item in sorted(set(numbers)):
        if runs and item == runs[-1][1] + 1:
            runs[-1][1] = item
        else:
            runs.append([item, item])
    return ",".join(f"{low}:{high}" if high > low else str(low) for low, high in runs)


def internaldate(seconds: int) -> str:
    """UTC seconds as a date-time (RFC 3501 s.9)."""
    moment = time.gmtime(seconds)
    return time.strftime(f"%d-{_MONTHS[moment.tm_mon - 1]}-%Y %H:%M:%S +0000", moment)


def seconds(value: str) -> int:
    """A date-time as UTC seconds.  Raises Bad."""
    try:
        day, clock, zone = value.split()
        return date(day, clock) - int(datetime.strptime(zone, "%z").utcoffset().total_seconds())  # type: ignore[union-attr]
    except ValueError as error:
        raise Bad("This is not a date-time") from error


def date(value: str, clock: str = "00:00:00") -> int:
    """A date as in SEARCH SINCE (``1-Feb-2024``), as UTC seconds.  Raises Bad."""
    try:
        day, month, year = value.split("-")
        hour, minute, second = clock.split(":")
        parts = (int(year), _MONTHS.index(month.title()) + 1, int(day), int(hour), int(minute), int(second))
        return int(datetime(*parts, tzinfo=UTC).timestamp())
    except (ValueError, OverflowError) as error:
        raise Bad("This is not a date") from error


def encoded_name(name: str) -> bytes:
    """A folder name in modified UTF-7 (RFC 3501 s.5.1.3), quoted."""
    pieces = re.split(r"([^\x20-\x7e]+)", name)
    done = [_shifted(piece) if odd % 2 else piece.replace("&", "&-") for odd, piece in enumerate(pieces)]
    return quoted("".join(done))


def decoded_name(token: Token) -> str:
    """A folder name as the client wrote it: modified UTF-7, or plain UTF-8.  Raises Refused when it is neither."""
    try:
        return re.sub(r"&([A-Za-z0-9+,]*)-", _unshifted, text(token))
    except ValueError as error:
        raise Refused("[CANNOT] The name is not modified UTF-7") from error


def _shifted(piece: str) -> str:
    return "&" + base64.b64encode(piece.encode("utf-16-be")).decode("ascii").rstrip("=").replace("/", ",") + "-"


def _unshifted(match: re.Match[str]) -> str:
    value = match[1].replace(",", "/")
    return base64.b64decode(value + "=" * (-len(value) % 4)).decode("utf-16-be") if value else "&"
