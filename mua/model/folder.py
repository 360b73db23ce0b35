"""Folders (mailboxes, in IMAP's words)."""

from enum import StrEnum
from typing import NewType

from mua.model.account import AccountId
from mua.model.policy import Policy
from mua.records import dataclass

FolderId = NewType("FolderId", int)


class Role(StrEnum):
    """What a folder is for (RFC 6154 special uses, plus INBOX).  NONE: an ordinary folder."""

    INBOX = "inbox"
    DRAFTS = "drafts"
    SENT = "sent"
    ARCHIVE = "archive"
    JUNK = "junk"
    TRASH = "trash"
    ALL = "all"
    NONE = ""


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

    ``policy`` None: the account's.
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

    @property
    def leaf(self) -> str:
        """The last level of the name, as a sidebar shows it."""
        return self.name.rsplit(self.delimiter, 1)[-1] if self.delimiter else self.name
