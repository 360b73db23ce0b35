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
    who = re.sub(r"[^!-~]+", "", sender) or "MAILER-DAEMON"
    mark = b" no-eol" if not raw.endswith(b"\n") else b" mboxrd" if _content_length(raw) is not None else b""
    stream.write(f"From {who} {when}".encode("ascii") + mark + b"\n")
    stream.write(_TO_QUOTE.sub(rb">\1", raw))
    stream.write(b"\n\n" if mark == b" no-eol" else b"\n")


def split(stream: BinaryIO) -> Iterator[bytes]:
    """The messages of an mbox, one after the other, without their separator lines.

    What stands before the first separator is given as a message of its own, when it is more than blank lines.
    """
    lines: list[bytes] = []
    separator = b""
    empty_before = True
    for line in stream:
        if empty_before and line.startswith(b"From ") and _SEPARATOR.match(line) and not _inside(separator, lines):
            yield from _message(separator, lines, last=False)
            separator, lines = line, []
        else:
            lines.append(line)
        empty_before = line in (b"\n", b"\r\n")
    yield from _message(separator, lines, last=True)


def _inside(separator: bytes, lines: list[bytes]) -> bool:
    """Does Content-Length say that the message goes on behind this separator-like line?"""
    if separator.rstrip().endswith((b"no-eol", b"mboxrd")):
        return False
    length = _declared(lines)
    return length is not None and sum(map(len, lines)) < length


def _declared(lines: list[bytes]) -> int | None:
    """The size of header and body that Content-Length declares."""
    head = 0
    found = None
    for line in lines:
        head += len(line)
        if line in (b"\n", b"\r\n"):
            break
        match = _LENGTH.match(line.rstrip(b"\n"))
        found = int(match[1]) if match else found
    return None if found is None else head + found


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
