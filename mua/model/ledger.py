"""The ledger of disappearances: every message that went away here, why, and until when it can be brought back."""

from enum import StrEnum

from mua.language import tr
from mua.model.account import AccountId
from mua.model.address import Address
from mua.records import dataclass

KEEP_GONE_SECONDS = 30 * 24 * 3600  # how long the bytes of a message that disappeared are kept


class Claim(StrEnum):
    """Who said that a message is gone."""

    DELETED = "deleted"
    NEVER_UPLOADED = "never-uploaded"
    VANISHED = "vanished"
    UNLISTED = "unlisted"
    NOT_FOUND = "not-found"
    RENUMBERED = "renumbered"
    FOLDER_REMOVED = "folder-removed"
    ACCOUNT_REMOVED = "account-removed"


REASONS = {
    Claim.DELETED: tr("deleted here"),
    Claim.NEVER_UPLOADED: tr("deleted here before it was on the server"),
    Claim.VANISHED: tr("another program deleted or moved it; the server said so, and again when asked"),
    Claim.UNLISTED: tr("the server does not list it any more, and said so again when asked"),
    Claim.NOT_FOUND: tr("not found in the folder where it had been put"),
    Claim.RENUMBERED: tr("not in the folder any more after the server numbered it anew"),
    Claim.FOLDER_REMOVED: tr("its folder was removed on the server"),
    Claim.ACCOUNT_REMOVED: tr("its account was removed here"),
}


@dataclass(frozen=True, slots=True)
class Removal:
    """One entry.  ``restorable_until`` (UTC seconds) is 0 when its bytes are not here; ``now_in`` names the folders of
    the account that hold a message with its Message-ID now: it was moved rather than deleted, or restored.
    """

    entry: int
    id: int  # of the row that disappeared
    account_id: AccountId
    folder: str
    uid: int | None
    message_id: str
    sender: tuple[Address, ...]
    subject: str
    at: int
    claim: str
    reason: str
    restorable_until: int = 0
    restored_as: int | None = None
    now_in: tuple[str, ...] = ()
