"""What came back about a message that was sent: delivery reports and receipts, as data."""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What became of one recipient: RFC 3464 s.2.3.3, and the dispositions of RFC 8098 s.3.2.6.2 that tell something.

    RELAYED is not delivered: the message went on to a server that reports nothing further.
    """

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"
    DISPLAYED = "displayed"
    DELETED = "deleted"  # without having been shown
    PROCESSED = "processed"  # by a rule or a program


UNDELIVERED = frozenset({Action.FAILED, Action.DELAYED})


@dataclass(frozen=True, slots=True)
class Reported:
    """One recipient of a report.

    ``address`` is the one that we sent to where the report says so (ORCPT), ``final`` the one that it became.
    ``status`` is an enhanced code (RFC 3463) or empty; ``text`` the words of the server that spoke last; ``until``
    (UTC seconds) when a delayed message will be given up; ``at`` (UTC seconds) when the report arrived, 0: not known.
    """

    address: str
    action: Action
    status: str = ""
    text: str = ""
    final: str = ""
    remote: str = ""
    until: int | None = None
    at: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """A report about one message: by ``envid`` (ours, RFC 3461) or ``message_id`` it is known which.

    ``standard`` False: it was understood by its looks, not by a format; its recipients are a guess.
    """

    recipients: tuple[Reported, ...]
    envid: str = ""
    message_id: str = ""
    standard: bool = True
