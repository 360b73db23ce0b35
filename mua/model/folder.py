"""Folders (mailboxes, in IMAP's words)."""

from dataclasses import replace
from enum import StrEnum
from typing import NewType

from mua.model.account import AccountId
from mua.model.policy import Policy
from mua.records import dataclass

FolderId = NewType("FolderId", int)


class Role(StrEnum):
    """What a folder is for (RFC 6154 and 9979 special uses, plus INBOX).  NONE: an ordinary folder."""

    INBOX = "inbox"
    DRAFTS = "drafts"
    SENT = "sent"
    ARCHIVE = "archive"
    JUNK = "junk"
    TRASH = "trash"
    ALL = "all"
    SNOOZED = "snoozed"
    NONE = ""


NO_NEWS = frozenset((Role.DRAFTS, Role.SENT, Role.JUNK, Role.TRASH, Role.ALL, Role.SNOOZED))
"""What comes into these is nothing that somebody would be told of."""
TEMPLATES = "Templates"
"""The folder whose messages are letters to begin with, as Thunderbird calls it."""


class Space(StrEnum):
    """Whose folders a namespace holds (RFC 2342 s.5).  OWN: the person's own."""

    OWN = ""
    OTHERS = "others"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class FolderState:
    """What the server last told us about a folder (RFC 9051 s.2.3.1, RFC 7162).  0: not known.

    ``left_there``: how many of its messages have no row here, because the policy leaves them on the server.
    """

    uidvalidity: int = 0
    uidnext: int = 0
    highestmodseq: int = 0
    on_server: int = 0
    left_there: int = 0


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder.  ``name`` is the full decoded name with ``delimiter`` between levels; counts are kept counters.

    ``policy`` None: the account's.  ``space`` says whose it is; what begins with ``prefix`` is in that namespace.
    ``object_id`` is the server's name for it that stays when it is renamed (MAILBOXID); empty: not told.
    ``octets``: of all its messages on the server, when that was last told; -1: never.
    ``wanted``: the name that a person gave it, until the server has it; ``gone``: it is to be deleted.
    """

    id: FolderId
    account_id: AccountId
    name: str
    delimiter: str = "/"
    role: Role = Role.NONE
    selectable: bool = True
    subscribed: bool = True
    state: FolderState = FolderState()
    unread: int = 0
    total: int = 0
    with_body: int = 0
    problem: str = ""
    policy: Policy | None = None
    space: Space = Space.OWN
    prefix: str = ""
    object_id: str = ""
    octets: int = -1
    wanted: str = ""
    gone: bool = False

    @property
    def shown(self) -> "Folder":
        """As a person has it: under the name that they want, though the server may know it by another still."""
        return replace(self, name=self.wanted, wanted="") if self.wanted else self

    @property
    def owner(self) -> str:
        """Whose folder it is, where it is not ours: a user of the server, or the name of what is shared by all."""
        if self.space is Space.OTHERS:
            return self._levels()[0]
        return self.prefix.rstrip(self.delimiter or None) if self.space else ""

    @property
    def inner(self) -> str:
        """The name as its owner knows it; another user's top folder is that user's inbox (as Cyrus has it)."""
        if self.space is Space.OTHERS:
            return self.delimiter.join(self._levels()[1:]) or "INBOX"
        return self.name.removeprefix(self.prefix) or self.leaf

    def _levels(self) -> list[str]:
        inside = self.name.removeprefix(self.prefix)
        return inside.split(self.delimiter) if self.delimiter else [inside]

    @property
    def leaf(self) -> str:
        """The last level of the name, as a sidebar shows it."""
        return self.name.rsplit(self.delimiter, 1)[-1] if self.delimiter else self.name


def is_templates(folder: Folder) -> bool:
    """Whether a folder keeps letters to begin with."""
    return folder.role is Role.NONE and folder.space is Space.OWN and folder.leaf.casefold() == TEMPLATES.casefold()
