"""mbox files: reading every dialect, writing mboxrd.

Rules of the file
- No byte of a message is lost, and what ``append`` wrote ``split`` gives back exactly.
- A separator is a line ``From `` with an asctime date, at the start of the file or behind an empty line; a ``From ``
  line without those is text.
- ``>From `` lines lose one ``>`` (mboxrd, mboxo).  A separator inside the reach of a Content-Length is text (mboxcl).

Theory of operation.  ``append`` puts a word behind the date of its separator line in the two cases in which plain
mboxrd cannot be undone: ``no-eol`` (the message does not end in a line end) and ``mboxrd`` (it has a
Content-Length field, which is not to be believed).  Other programs ignore what follows the date.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final

_SEPARATOR = re.compile(
    rb"From (?:.* )?(?:[A-Z][a-z]{2},? )?(?:[A-Z][a-z]{2} +\d{1,2}|\d{1,2} [A-Z][a-z]{2})[ ,].*\d{1,2}:\d{2}.*\r?\n?\Z"
)
_MAX_SEPARATOR = 250  # octets; a separator is an address and a date
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


def split(stream: BinaryIO) -> Iterator[bytes]:
    """The messages of an mbox, one after the other, without their separator lines.

    What stands before the first separator is given as a message of its own, when it is more than blank lines.
    """
    letter = _Letter(b"")
    empty_before = True
    for line in stream:
        if empty_before and _is_separator(line) and not letter.goes_on():
            yield from letter.message(last=False)
            letter = _Letter(line)
        else:
            letter.add(line)
        empty_before = line in (b"\n", b"\r\n")
    yield from letter.message(last=True)


def _is_separator(line: bytes) -> bool:
    return len(line) <= _MAX_SEPARATOR and line.startswith(b"From ") and _SEPARATOR.match(line) is not None


class _Letter:
    """One message while it is read, line by line; each line costs the same, however many there are."""

    def __init__(self, separator: bytes) -> None:
        self._separator = separator
        self._lines: list[bytes] = []
        self._size = 0
        self._in_header = True
        self._declared: int | None = None  # by Content-Length: of the body, then of header and body

    def add(self, line: bytes) -> None:
        """Its next line."""
        self._lines.append(line)
        self._size += len(line)
        if not self._in_header:
            return
        if line in (b"\n", b"\r\n"):
            self._in_header = False
            self._declared = None if self._declared is None else self._declared + self._size
        elif match := _LENGTH.match(line.rstrip(b"\n")):
            self._declared = int(match[1])

    def goes_on(self) -> bool:
        """Does Content-Length say that it goes on behind this separator-like line?"""
        if self._separator.rstrip().endswith((b"no-eol", b"mboxrd")):
            return False
        return self._declared is not None and self._size < self._declared

    def message(self, *, last: bool) -> Iterator[bytes]:
        """The message, if there is one."""
        return _message(self._separator, self._lines, last=last)


def _content_length(raw: bytes) -> int | None:
    end = _HEADER_END.search(raw)
    match = _LENGTH.search(raw, 0, end.start() + 1 if end else len(raw))
    return int(match[1]) if match else None


def _message(separator: bytes, lines: list[bytes], *, last: bool) -> Iterator[bytes]:
    data = b"".join(lines)
    if not separator and not data.strip():
        return
    if separator:
        data = _without_blank_line(data, last=last)
    if separator.rstrip().endswith(b" no-eol"):
        data = data[:-1]
    yield _QUOTED.sub(rb"\1", data)


def _without_blank_line(data: bytes, *, last: bool) -> bytes:
    """Take off the empty line that separates a message from the next; a last message may have none."""
    if data.endswith(b"\n\n") or data == b"\n":
        return data[:-1]
    if data.endswith(b"\r\n\r\n"):
        return data[:-2]
    return data
