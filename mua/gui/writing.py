"""What the window hands to the composer."""

from enum import StrEnum

from mua.model.message import MessageRow, MessageView
from mua.records import dataclass


class Kind(StrEnum):
    """What is written."""

    NEW = "new"
    REPLY = "reply"
    REPLY_ALL = "reply-all"
    FORWARD = "forward"
    DRAFT = "draft"
    """``row`` is a draft to go on with."""


@dataclass(frozen=True, slots=True)
class Writing:
    """A wish to write.  ``row`` and ``view`` are the message answered or forwarded; ``mailto`` a mailto: URL."""

    kind: Kind
    row: MessageRow | None = None
    view: MessageView | None = None
    mailto: str = ""
