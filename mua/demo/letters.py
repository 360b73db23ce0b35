"""The letters of the demo mailbox as data, and the reader of the file in which they are written.

``resources/demo/letters.txt`` holds one letter after another: a line ``@ key``, fields, an empty line, the text.  Dates
are relative to now (``-3d 09:42`` or ``-95m``), and ``{+12}`` in a text is the date twelve days after the letter.

Rule of the file: pure, no clock.  A mistake in the file is a ValueError that names the letter.
"""

import re
import time
from dataclasses import dataclass, field

from mua.demo.people import BY_KEY, Person

DAY = 86400
_ZONES = {"ja": 9, "ar": 2, "ru": 3, "hi": 5.5, "de": 1, "fr": 1, "pt": 0}  # hours east of UTC, by language


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a letter; with ``cid`` it belongs into the HTML (RFC 2387)."""

    name: str
    type: str
    data: bytes
    cid: str = ""


@dataclass(slots=True)
class Letter:
    """One message before it is written as MIME.  ``date`` is UTC seconds; ``text`` has light markup (compose.py)."""

    key: str
    sender: Person
    to: list[Person]
    date: int
    subject: str
    text: str
    cc: list[Person] = field(default_factory=list)
    folder: str = "INBOX"
    flags: tuple[str, ...] = ()
    answers: str = ""  # key of the letter that this one answers
    quote: bool = True
    charset: str = "utf-8"
    rich: bool = False  # with an HTML form made of the text
    html: str = ""  # or with this page
    attach: list[str] = field(default_factory=list)  # see papers.py
    related: list[Attachment] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def message_id(self) -> str:
        """Made of the key, so that the mailbox is the same each time."""
        return f"<{self.key}.{self.date:x}@{self.sender.address.partition('@')[2]}>"

    @property
    def zone(self) -> int:
        """Seconds east of UTC where it was written."""
        return int(_ZONES.get(self.sender.language, 0) * 3600)


def moment(value: str, now: int) -> int:
    """``-3d 09:42`` (that day, UTC) or ``-95m`` as UTC seconds.  Raises ValueError."""
    if value.endswith("m"):
        return now - int(value[1:-1]) * 60
    days, clock = value.split()
    hour, minute = clock.split(":")
    midnight = now - now % DAY - int(days[1:-1]) * DAY
    return midnight + int(hour) * 3600 + int(minute) * 60 + len(value) * 7 % 60


def dated(text: str, date: int) -> str:
    """``text`` with each ``{+12}`` replaced by the day so many days after ``date``: Friday 4 December."""

    def day(match: re.Match[str]) -> str:
        then = time.gmtime(date + int(match[1]) * DAY)
        return f"{time.strftime('%A', then)} {then.tm_mday} {time.strftime('%B', then)}"

    return re.sub(r"\{([+-]\d+)\}", day, text)


def read(source: str, now: int) -> list[Letter]:
    """The letters of the file, in its order."""
    blocks = re.split(r"^@ ", source, flags=re.MULTILINE)[1:]
    return [_letter(block, now) for block in blocks]


def _letter(block: str, now: int) -> Letter:
    head, _, body = block.partition("\n\n")
    key, *lines = head.splitlines()
    fields: dict[str, str] = {}
    attach: list[str] = []
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "attach":
            attach.append(value)
        else:
            fields[name] = value
    try:
        return _made(key, fields, attach, body.strip("\n"), now)
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError(f"letter {key}: {error}") from error


def _made(key: str, fields: dict[str, str], attach: list[str], body: str, now: int) -> Letter:
    date = moment(fields["when"], now)
    return Letter(
        key=key,
        sender=BY_KEY[fields["from"]],
        to=[BY_KEY[name] for name in fields.get("to", "me").split()],
        cc=[BY_KEY[name] for name in fields.get("cc", "").split()],
        date=date,
        subject=dated(fields.get("subject", ""), date),
        text=dated(body, date),
        folder=fields.get("in", "INBOX"),
        flags=tuple("\\" + flag.title() for flag in fields.get("flags", "").split()),
        answers=fields.get("re", ""),
        quote="noquote" not in fields.get("form", ""),
        rich="html" in fields.get("form", ""),
        charset=fields.get("charset", "utf-8"),
        attach=[dated(item, date) for item in attach],
    )
