"""What the window hands to the composer."""

from enum import StrEnum

from mua.model.message import MessageRow, MessageView
from mua.records import dataclass


class Kind(StrEnum):
    """What is written."""

    NEW = "new"
    REPLY = "reply"
    REPLY_ALL = "reply-all"
    REPLY_LIST = "reply-list"
    FORWARD = "forward"
    AGAIN = "again"
    """A message of before as a new one."""
    REDIRECT = "redirect"
    """Passed on as it is (RFC 5322 s.3.6.6)."""
    DRAFT = "draft"
    """``row`` is a draft to go on with."""


@dataclass(frozen=True, slots=True)
class Writing:
    """A wish to write.  ``row`` and ``view`` are the message answered or forwarded; ``mailto`` a mailto: URL.

    ``chosen``: only this part of its text is quoted.  A forward: ``attached`` as a file, ``bare`` without attachments.
    ``here``: the answer stands below the message, inside the window.
    """

    kind: Kind
    row: MessageRow | None = None
    view: MessageView | None = None
    mailto: str = ""
    chosen: str = ""
    attached: bool = False
    bare: bool = False
    here: bool = False
