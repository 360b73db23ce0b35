"""Rules for new mail: when something holds of a message, something is done to it."""

from enum import StrEnum

from mua.records import dataclass


class Field(StrEnum):
    """What a condition looks at.  LARGER and SMALLER: octets; HAS: "attachment"."""

    FROM = "from"
    TO = "to"
    SUBJECT = "subject"
    LIST = "list"
    LARGER = "larger"
    SMALLER = "smaller"
    HAS = "has"


class Do(StrEnum):
    """What is done.  MOVE takes a folder's name, TAG a keyword, FORWARD an address; the others nothing."""

    MOVE = "move"
    TAG = "tag"
    STAR = "star"
    READ = "read"
    FORWARD = "forward"
    ARCHIVE = "archive"
    JUNK = "junk"
    DELETE = "delete"


WITH_VALUE = frozenset({Do.MOVE, Do.TAG, Do.FORWARD})
PLACES = frozenset({Do.MOVE, Do.ARCHIVE, Do.JUNK, Do.DELETE})
"""What says where the message goes: of these a message follows the first."""


@dataclass(frozen=True, slots=True)
class Condition:
    """``value`` occurs in ``field``, in any letter case; ``negated``: it does not."""

    field: Field
    value: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Deed:
    """One thing that is done."""

    do: Do
    value: str = ""


@dataclass(frozen=True, slots=True)
class MailRule:
    """A rule.  ``every``: all conditions have to hold, else one is enough.  ``account_id`` 0: for all accounts.

    ``made_at`` (UTC seconds): mail that came before is left alone.  ``last``: no rule after this one sees what it fits.
    """

    id: int
    name: str
    conditions: tuple[Condition, ...]
    deeds: tuple[Deed, ...]
    every: bool = True
    account_id: int = 0
    enabled: bool = True
    last: bool = False
    made_at: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """What conditions look at, of one message."""

    id: int
    account_id: int
    sender: str
    recipients: str
    subject: str
    list_id: str
    size: int
    has_attachment: bool
