"""What a row of the message list says: a message, or a folded conversation, as strings and marks to be painted.

Rules of the file: no Qt; every string is harmless (``words``).
"""

from mua.gui import words
from mua.gui.places import Row
from mua.language import tr
from mua.model.address import Address
from mua.model.message import Flag, MessageRow
from mua.model.tag import Tag, tags_of
from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """What the delegate paints of one message; all strings are harmless."""

    id: int
    who: str
    face: str
    """Of whom there is a picture: of a conversation, who wrote its newest message here."""
    address: str
    time: str
    subject: str
    snippet: str
    unread: bool
    starred: bool
    clip: bool
    answered: bool
    forwarded: bool
    in_thread: int
    size: str
    refused: bool
    """The server refused what was wished of it."""
    spoken: str
    thread: int = 0
    here: int = 1
    """Messages of the conversation in this list: more than one can be shown below each other."""
    unfolded: bool = False
    member: bool = False
    """Below the first of its conversation."""
    tags: tuple[Tag, ...] = ()
    pinned: bool = False
    quiet: bool = False
    until: str = ""
    """When it comes back, of a snoozed one."""
    from_server: bool = False
    """It was found by the server, and not here."""


@dataclass(frozen=True, slots=True)
class Told:
    """In whose eyes: the time, the person's own addresses (in lower case) and tags; recipients instead of senders."""

    now: float
    mine: frozenset[str]
    tags: tuple[Tag, ...]
    outgoing: bool


@dataclass(frozen=True, slots=True)
class _Marks:
    """What a row shows of a message, or of all the messages of a folded conversation."""

    unread: int
    starred: bool
    clip: bool
    refused: bool

    @classmethod
    def of(cls, message: MessageRow) -> "_Marks":
        flags = message.flags
        return cls(
            int(not flags & Flag.SEEN), bool(flags & Flag.FLAGGED), message.has_attachments, bool(message.problem)
        )


def card_of(row: Row, told: Told, *, unfolded: bool, member: bool, from_server: bool = False) -> Card:
    """The card of a row; ``unfolded``: its conversation is open, ``member``: it stands below the first of it.

    ``from_server``: the server found it, for the search that is listed.
    """
    message, talk = row.message, row.conversation
    folded = talk if talk is not None and not unfolded and talk.here > 1 else None
    one = _Marks.of(message) if folded is None else _Marks(folded.unread, folded.starred, folded.clip, folded.refused)
    who = list(message.to if told.outgoing else message.sender) or [Address("", "")]
    name = words.person(who[:1] if told.outgoing else who) or (
        tr("No recipient") if told.outgoing else tr("Unknown sender")
    )
    face = name
    if talk is not None and talk.writers and not (told.outgoing or unfolded or member):
        name = words.writers(talk.writers, told.mine)
    elif told.outgoing and len(who) > 1:
        name = f"{name} +{len(who) - 1}"
    in_thread = 0 if member else row.in_thread
    subject = words.shown(message.subject, 300) or tr("(no subject)")
    tags = tags_of(message.keywords, told.tags)
    received = message.id >> 20  # the order of the list; what Date says may be years off, and is in the reader
    spoken = [
        tr("Unread") if one.unread else "",
        name,
        subject,
        words.full_time(received, told.now),
        tr("has attachment") if one.clip else "",
        tr("starred") if one.starred else "",
        tr("pinned") if row.pinned else "",
        tr("muted") if row.quiet else "",
        tr("snoozed until {when}", when=words.full_time(row.until, told.now)) if row.until else "",
        tr("tagged {names}", names=", ".join(tag.name for tag in tags)) if tags else "",
        tr("a change was refused") if one.refused else "",
        tr("conversation of {in_thread}", in_thread=in_thread) if in_thread > 1 else "",
        tr("{number:,} unread", number=folded.unread) if folded is not None and folded.unread else "",
        (tr("open") if unfolded else tr("folded")) if talk is not None and talk.here > 1 and not member else "",
        tr("in this conversation") if member else "",
        tr("found on the server") if from_server else "",
    ]
    return Card(
        id=message.id,
        who=name,
        face=face,
        address=who[0].address,
        time=(words.own_time if member else words.list_time)(received, told.now),
        subject=subject,
        snippet=words.shown(message.snippet, 300),
        unread=bool(one.unread),
        starred=one.starred,
        clip=one.clip,
        answered=bool(message.flags & Flag.ANSWERED),
        forwarded=bool(message.flags & Flag.FORWARDED),
        in_thread=in_thread,
        size=words.size(message.size),
        refused=one.refused,
        spoken=", ".join(part for part in spoken if part),
        thread=message.thread_id,
        here=talk.here if talk is not None and not member else 1,
        unfolded=unfolded and not member,
        member=member,
        tags=tags,
        pinned=row.pinned,
        quiet=row.quiet,
        until=words.full_time(row.until, told.now) if row.until else "",
        from_server=from_server,
    )
