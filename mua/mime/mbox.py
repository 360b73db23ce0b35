"""mbox files: reading every dialect, writing mboxrd.

Rules of the file
- No byte of a message is lost, and what ``append`` wrote ``split`` gives back exactly.
- A separator is a line ``From `` with an asctime date, at the start of the file or behind an empty line; a ``From ``
  line without those is text.
- ``>From `` lines lose one ``>`` (mboxrd, mboxo).  A separator inside the reach of a Content-Length is text (mboxcl).
- One message is in memory at a time; one that is larger than ``limit`` is passed over, and told.

Theory of operation.  ``append`` puts a word behind the date of its separator line in the two cases in which plain
mboxrd cannot be undone: ``no-eol`` (the message does not end in a line end) and ``mboxrd`` (it has a
Content-Length field, which is not to be believed).  Other programs ignore what follows the date.

The dialects differ in what they quote: mboxo only ``From ``, mboxrd and mboxcl ``>From `` too, mboxcl2 nothing.  A
message whose Content-Length is right and that has an unquoted ``From `` line shows that the file is mboxcl2; from there
on nothing is unquoted where the length is right.  What a file does not show, a person can say (``Dialect``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import partial
from typing import BinaryIO, Final

_SEPARATOR = re.compile(
    rb"From (?:.* )?(?:[A-Z][a-z]{2},? )?(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} [A-Z][a-z]{2})[ ,].*\d{1,2}:\d{2}.*\r?\n?\Z"
)
_MAX_SEPARATOR = 250  # octets; a separator is an address and a date
_CHUNK = 1 << 16  # octets of a line that are read at once: a file may be one line
_DATE = re.compile(rb"(?:([A-Z][a-z]{2}) +(\d{1,2})|(\d{1,2}) ([A-Z][a-z]{2})),? .*?(\d{1,2}):(\d{2})(?::(\d{2}))?(.*)")
_YEAR, _ZONE = re.compile(rb"(?<![\d+-])(\d{4})(?!\d)"), re.compile(rb"(?<!\d)([+-])(\d{2})(\d{2})(?!\d)")
_OLDEST = 315532800  # UTC seconds, 1980: programs that know no date write 1965 or 1970
_QUOTED_ONCE = re.compile(rb"^>(From )", re.MULTILINE)
_UNQUOTED = re.compile(rb"^From ", re.MULTILINE)
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
_TO_QUOTE = re.compile(rb"^(>*From )", re.MULTILINE)
_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*(\d{1,12})[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def append(stream: BinaryIO, raw: bytes, sender: str, date: int) -> None:
    """Append ``raw`` to the mbox ``stream``; ``sender`` is an addr-spec, ``date`` UTC seconds."""
    moment = datetime.fromtimestamp(date, UTC)
    when = f"{_DAYS[moment.weekday()]} {_MONTHS[moment.month - 1]} {moment.day:2} {moment:%H:%M:%S} {moment.year:04}"
    who = re.sub(r"[^!-~]+", "", sender)[:200] or "MAILER-DAEMON"
    mark = b" no-eol" if not raw.endswith(b"\n") else b" mboxrd" if _content_length(raw) is not None else b""
    stream.write(f"From {who} {when}".encode("ascii") + mark + b"\n")
    stream.write(_TO_QUOTE.sub(rb">\1", raw))
    stream.write(b"\n\n" if mark == b" no-eol" else b"\n")


class Dialect(StrEnum):
    """How the lines ``From `` of a message were written; ``AUTO``: as the file shows."""

    AUTO = "auto"
    MBOXO = "mboxo"
    MBOXRD = "mboxrd"
    MBOXCL = "mboxcl"
    MBOXCL2 = "mboxcl2"


@dataclass(frozen=True, slots=True)
class Cut:
    """One message of an mbox.  ``separator`` is its line, empty for what stands before the first.

    ``raw`` is None for a message beyond the limit; ``size`` is what it took in the file, in octets.
    """

    separator: bytes
    raw: bytes | None
    size: int


def split(stream: BinaryIO) -> Iterator[bytes]:
    """The messages of an mbox, one after the other, without their separator lines.

    What stands before the first separator is given as a message of its own, when it is more than blank lines.
    """
    for one in cuts(stream):
        if one.raw is not None:
            yield one.raw


def cuts(stream: BinaryIO, dialect: Dialect = Dialect.AUTO, limit: int = 1 << 62) -> Iterator[Cut]:
    """The same with what else the file says of each; ``limit`` in octets."""
    reader = _Reader(dialect)
    letter = _Letter(b"", limit)
    empty_before = begins = True
    for line in iter(partial(stream.readline, _CHUNK), b""):
        if begins and empty_before and _is_separator(line) and not letter.goes_on():
            yield from reader.cut(letter, last=False)
            letter = _Letter(line, limit)
        else:
            letter.add(line, begins)
        empty_before = begins and line in (b"\n", b"\r\n")
        begins = line.endswith(b"\n")
    yield from reader.cut(letter, last=True)


def date_of(separator: bytes) -> int | None:
    """The date in a separator line, in UTC seconds; None for none, and for one that stands for none."""
    found = _DATE.search(separator.partition(b" ")[2])
    years = _YEAR.findall(separator, found.start() if found else 0)
    if not found or not years:
        return None
    month, day = (found[1], found[2]) if found[1] else (found[4], found[3])
    if month.decode() not in _MONTHS:
        return None
    zone = _ZONE.search(found[8])
    minutes = (int(zone[2]) * 60 + int(zone[3])) * (-1 if zone[1] == b"-" else 1) if zone else 0
    try:
        where = timezone(timedelta(minutes=minutes))
        at = (int(years[0]), _MONTHS.index(month.decode()) + 1, int(day), int(found[5]), int(found[6]))
        seconds = int(datetime(*at, int(found[7] or 0), tzinfo=where).timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if seconds >= _OLDEST else None


def _is_separator(line: bytes) -> bool:
    return len(line) <= _MAX_SEPARATOR and line.startswith(b"From ") and _SEPARATOR.match(line) is not None


class _Letter:
    """One message while it is read, line by line; each line costs the same, however many there are."""

    def __init__(self, separator: bytes, limit: int) -> None:
        self.separator = separator
        self.lines: list[bytes] = []
        self.size = 0
        self.declared: int | None = None  # by Content-Length: of the body, then of header and body
        self._limit = limit
        self._in_header = True

    def add(self, line: bytes, begins: bool) -> None:
        """Its next line, or (not ``begins``) the next piece of a long one."""
        self.size += len(line)
        if self.size <= self._limit:
            self.lines.append(line)
        else:
            self.lines.clear()
        if not self._in_header or not begins:
            return
        if line in (b"\n", b"\r\n"):
            self._in_header = False
            self.declared = None if self.declared is None else self.declared + self.size
        elif match := _LENGTH.match(line.rstrip(b"\n")):
            self.declared = int(match[1])

    @property
    def too_large(self) -> bool:
        """Whether it was passed over."""
        return self.size > self._limit

    @property
    def ours(self) -> bool:
        """Whether ``append`` says that its Content-Length does not count."""
        return self.separator.rstrip().endswith((b"no-eol", b"mboxrd"))

    @property
    def exact(self) -> bool:
        """Whether it is as long as its Content-Length says."""
        return (
            not self.ours
            and not self._in_header
            and self.declared is not None
            and (
                0 <= self.size - self.declared <= 2  # with the empty line behind it
            )
        )

    def goes_on(self) -> bool:
        """Does Content-Length say that it goes on behind this separator-like line?"""
        return not self.ours and self.declared is not None and self.size < self.declared


class _Reader:
    """Makes messages of letters; what one shows of the file's dialect counts for those behind it."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._as_is = False

    def cut(self, letter: _Letter, *, last: bool) -> Iterator[Cut]:
        """The message, if there is one."""
        if letter.too_large:
            yield Cut(letter.separator, None, letter.size)
            return
        data = b"".join(letter.lines)
        if not letter.separator and not data.strip():
            return
        if letter.separator:
            data = _without_blank_line(data, last=last)
        if letter.separator.rstrip().endswith(b" no-eol"):
            data = data[:-1]
        if self._dialect is Dialect.AUTO and letter.exact and _UNQUOTED.search(data):
            self._as_is = True
        yield Cut(letter.separator, self._unquoted(letter, data), letter.size)

    def _unquoted(self, letter: _Letter, data: bytes) -> bytes:
        if self._dialect is Dialect.MBOXCL2 or (self._as_is and letter.exact):
            return data
        return (_QUOTED_ONCE if self._dialect is Dialect.MBOXO else _QUOTED).sub(rb"\1", data)


def _content_length(raw: bytes) -> int | None:
    end = _HEADER_END.search(raw)
    match = _LENGTH.search(raw, 0, end.start() + 1 if end else len(raw))
    return int(match[1]) if match else None


def _without_blank_line(data: bytes, *, last: bool) -> bytes:
    """Take off the empty line that separates a message from the next; a last message may have none."""
    if data.endswith(b"\n\n") or data == b"\n":
        return data[:-1]
    if data.endswith(b"\r\n\r\n"):
        return data[:-2]
    return data
