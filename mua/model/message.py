"""Received messages: the row that a list shows, the envelope that a header yields, the view that a reader shows."""

from collections.abc import Iterable
from enum import IntFlag
from functools import lru_cache
from typing import NewType

from mua.model.account import AccountId
from mua.model.address import Address
from mua.model.author import Note
from mua.model.event import Event
from mua.model.folder import FolderId
from mua.records import dataclass

SEQUENCE_BITS = 20
MessageId = NewType("MessageId", int)  # received seconds << SEQUENCE_BITS | sequence: rowid order is date order
ThreadId = NewType("ThreadId", int)


class Flag(IntFlag):
    """IMAP flags and the keywords that every client knows, as bits of one column."""

    SEEN = 1
    ANSWERED = 2
    FLAGGED = 4
    DELETED = 8
    DRAFT = 16
    FORWARDED = 32
    MDN_SENT = 64
    JUNK = 128
    NOT_JUNK = 256


FLAG_NAMES: dict[Flag, str] = {
    Flag.SEEN: "\\Seen",
    Flag.ANSWERED: "\\Answered",
    Flag.FLAGGED: "\\Flagged",
    Flag.DELETED: "\\Deleted",
    Flag.DRAFT: "\\Draft",
    Flag.FORWARDED: "$Forwarded",
    Flag.MDN_SENT: "$MDNSent",
    Flag.JUNK: "$Junk",
    Flag.NOT_JUNK: "$NotJunk",
}
_BY_NAME = {name.lower(): flag for flag, name in FLAG_NAMES.items()}


def flags_from_names(names: Iterable[str]) -> tuple[Flag, tuple[str, ...]]:
    """IMAP flag names -> (known bits, other keywords sorted).  ``\\Recent`` is dropped: it is not ours to keep."""
    given = tuple(names)
    return _remembered(given) if sum(map(len, given)) < _SHORT else _flags(given)


_SHORT = 200  # characters of all names together: mail has few distinct combinations, unless a server makes them up


@lru_cache(maxsize=1024)
def _remembered(names: tuple[str, ...]) -> tuple[Flag, tuple[str, ...]]:
    return _flags(names)


def _flags(names: tuple[str, ...]) -> tuple[Flag, tuple[str, ...]]:
    bits, rest = Flag(0), set()
    for name in names:
        known = _BY_NAME.get(name.lower())
        if known is not None:
            bits |= known
        elif name.lower() != "\\recent":
            rest.add(name)
    return bits, tuple(sorted(rest))


def flag_names(bits: Flag, keywords: Iterable[str] = ()) -> list[str]:
    """The reverse of ``flags_from_names``."""
    return [name for flag, name in FLAG_NAMES.items() if flag & bits] + list(keywords)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a header block says, decoded; every field may be empty.  ``date`` is UTC seconds or None.

    ``references`` are Message-IDs without angle brackets, oldest first, In-Reply-To last when References lacks it.
    ``attachment_hint`` is a guess from Content-Type (multipart/mixed ...) until the body is here.
    """

    sender: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    date: int | None = None
    message_id: str = ""
    references: tuple[str, ...] = ()
    list_id: str = ""
    attachment_hint: bool = False


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One row of a list: one message in one folder, as the person wants it to be (wishes applied).

    ``problem`` is why the server refused the last wish, in a sentence; empty when it did not.
    """

    id: MessageId
    account_id: AccountId
    folder_id: FolderId
    uid: int | None
    sender: tuple[Address, ...]
    to: tuple[Address, ...]
    subject: str
    date: int
    flags: Flag
    keywords: tuple[str, ...]
    size: int
    has_attachments: bool
    thread_id: ThreadId
    snippet: str
    has_body: bool
    message_id: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """One attachment.  ``part`` is its IMAP section number ("2.1"); ``name`` is safe to show and to save under."""

    part: str
    name: str
    type: str
    size: int
    content_id: str = ""
    inline: bool = False


REQUIRE_TLS = ("X-Mua-Require-Tls", "yes")  # the field of a draft that is to go encrypted all the way; never sent
WRITING = "X-Mua-Writing"  # the field of a draft that is written as Markdown or plain text; never sent


@dataclass(frozen=True, slots=True)
class Wanted:
    """A host that a message would have asked for something while it was read.

    ``count`` is how often, ``tracker`` who is known to watch that way (empty: nobody), ``dots`` how many of it were
    pictures too small to be seen.
    """

    host: str
    count: int = 1
    tracker: str = ""
    dots: int = 0

    @property
    def watches(self) -> bool:
        """Whether the reference is there to learn that the message is read."""
        return bool(self.tracker or self.dots)


@dataclass(frozen=True, slots=True)
class MessageView:
    """What a reader shows: headers decoded, bodies safe.

    ``html`` is sanitised and never holds a remote reference that would load; ``cid:`` images are kept as ``cid:``.
    ``simple`` says that a plain rich-text widget can show ``html`` truthfully.  ``remote`` counts blocked references,
    ``wanted`` names their hosts, ``images`` are the addresses of the pictures that can be loaded on request.
    ``dark_ready``: its author wrote styles for dark screens; ``layout``: by which rules its HTML is laid out
    ("" today's, "limited", "quirks").
    ``notes`` say what is odd about the author, ``warnings`` about the rest; ``nature``, in sentences, what the message
    is beside a letter (signed, a report, a piece of a larger one ...); ``events`` what its calendar part says;
    ``receipt_to`` where it asks to be told that it was read (RFC 8098 s.2.1), as far as mail can go there.
    """

    sender: tuple[Address, ...]
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    date: int | None
    message_id: str
    text: str
    html: str
    attachments: tuple[Attachment, ...]
    warnings: tuple[str, ...]
    simple: bool = True
    remote: int = 0
    references: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    bcc: tuple[Address, ...] = ()
    notes: tuple[Note, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    images: tuple[str, ...] = ()
    dark_ready: bool = False
    layout: str = ""
    nature: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    receipt_to: tuple[Address, ...] = ()

    def carried(self, content_id: str) -> Attachment | None:
        """The part that a ``cid:`` address names, what is behind the colon as it stands there (RFC 2392)."""
        from urllib.parse import unquote

        wanted = unquote(content_id).strip("<>")
        return next((one for one in self.attachments if wanted and one.content_id.strip("<>") == wanted), None)
