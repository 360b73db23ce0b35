"""Outgoing mail: what waits in the outbox, and what became of each recipient.

``composed -> queued -> trying(phase) -> per recipient: accepted | deferred | refused | unknown -> sent copy filed``.
Bytes, Message-ID and Date are frozen at Send.  ``phase=dot`` is on disk before the final dot is written.
"""

from enum import StrEnum
from typing import NewType

from mua.model.account import AccountId, Route
from mua.model.address import Address
from mua.model.report import Reported
from mua.records import dataclass

OutgoingId = NewType("OutgoingId", int)


class RecipientState(StrEnum):
    """What is known about one recipient.  The last four are verdicts; DEFERRED will be tried again."""

    QUEUED = "queued"
    TRYING = "trying"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # lost at the final dot: looked up and shown, never sent again by itself
    CANCELLED = "cancelled"


FINAL = frozenset({RecipientState.ACCEPTED, RecipientState.REFUSED, RecipientState.UNKNOWN, RecipientState.CANCELLED})


class Phase(StrEnum):
    """How far an attempt got; a total order (RFC 5321 s.3, s.4.1.1)."""

    NONE = ""
    CONNECT = "connect"
    GREETING = "greeting"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"
    DONE = "done"


class SentCopy(StrEnum):
    """Where the sent copy stands: its own step, which never turns "sent" into "failed"."""

    TODO = "todo"  # not yet
    FILED = "filed"  # in the Sent folder, once
    SERVER = "server"  # the server files it itself
    NONE = "none"  # nobody accepted it, or there is nowhere to file it


class Tending(StrEnum):
    """What is done to messages that wait.  FLUSH is for all of them."""

    HOLD = "hold"
    RELEASE = "release"
    RETRY = "retry"
    REMOVE = "remove"
    FLUSH = "flush"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a person asks of every server on the way.

    ``require_tls``: encryption to the last of them, or not at all (RFC 8689).  ``deliver_by`` (UTC seconds): who cannot
    deliver by then tells the sender (RFC 2852).
    """

    require_tls: bool = False
    deliver_by: int | None = None


NO_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of one outgoing message.  ``code``/``text`` are the server's last reply; times are UTC seconds.

    ``gone``: octets of a large message that were sent in the attempt that is running.  ``reported``: the last thing
    that came back about it later, which is not part of the verdict.  ``unmet``: the SMTP extension that was asked for
    (``Terms``) and that the server which took the message lacks; empty: none.
    """

    address: str
    state: RecipientState = RecipientState.QUEUED
    phase: Phase = Phase.NONE
    code: int | None = None
    text: str = ""
    next_attempt: int | None = None
    attempts: int = 0
    host: str = ""
    tls: str = ""
    gone: int = 0
    reported: Reported | None = None
    unmet: str = ""

    @property
    def recallable(self) -> bool:
        """It can still be taken back: no server can have it yet."""
        waits = self.state in (RecipientState.QUEUED, RecipientState.DEFERRED)
        return waits or (self.state is RecipientState.TRYING and self.phase is not Phase.DOT)


@dataclass(frozen=True, slots=True)
class Step:
    """One attempt for one recipient: ``at`` (UTC seconds), how it stood then, the id of its dialogue (0: not kept)."""

    at: int
    was: Recipient
    dialogue: int = 0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One frozen message on its way out; ``via``: the account whose server takes it, if it is not its own.

    ``not_before`` (UTC seconds) is when it may go first; ``scheduled``: because a person chose that time; ``direct``: a
    person chose that it goes to the exchangers.
    """

    id: OutgoingId
    account_id: AccountId
    message_id: str
    subject: str
    envelope_from: str
    route: Route
    queued_at: int
    not_before: int
    recipients: tuple[Recipient, ...]
    sent_copy: SentCopy = SentCopy.TODO
    size: int = 0
    via: AccountId | None = None
    scheduled: bool = False
    terms: Terms = NO_TERMS
    direct: bool = False

    def ahead(self, now: float) -> bool:
        """It waits for the time that a person chose."""
        return self.scheduled and self.not_before > now and not self.finished

    @property
    def finished(self) -> bool:
        """Every recipient has a verdict."""
        return all(recipient.state in FINAL for recipient in self.recipients)


@dataclass(frozen=True, slots=True)
class DraftAttachment:
    """A file to attach: ``path`` on this computer, shown and sent as ``name``; ``type`` may be empty (guessed).

    ``content_id`` (RFC 2392, without brackets): the HTML shows it as a picture in the text.
    """

    path: str
    name: str = ""
    type: str = ""
    content_id: str = ""


class Priority(StrEnum):
    """How much a message matters, as its sender sees it."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Draft:
    """What a composer or ``mua compose`` hands over; ``mime.build`` turns it into bytes.

    ``references`` and ``in_reply_to`` are Message-IDs without angle brackets.  ``html`` empty: plain text only.
    ``receipt``: the sender asks to be told when it is read (RFC 8098).
    """

    sender: Address
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    subject: str = ""
    text: str = ""
    html: str = ""
    attachments: tuple[DraftAttachment, ...] = ()
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    priority: Priority = Priority.NORMAL
    receipt: bool = False
