"""Address books and who is in them, as they are stored and listed."""

import unicodedata
from enum import StrEnum
from typing import NewType

from mua.model.address import Address
from mua.records import dataclass

BookId = NewType("BookId", int)
ContactId = NewType("ContactId", int)
KEEP_GONE_SECONDS = 30 * 24 * 3600
"""How long what was deleted can be brought back, whoever deleted it."""


class BookKind(StrEnum):
    """Where a book lives: on this computer only, or on a CardDAV server (RFC 6352), of which a copy is here."""

    OWN = "own"
    CARDDAV = "carddav"


class Gone(StrEnum):
    """Why a contact is not in its book any more."""

    HERE = "deleted here"
    MERGED = "merged into another contact here"
    SERVER = "deleted on the server"


@dataclass(frozen=True, slots=True)
class Book:
    """An address book.  ``url`` and what follows are a CardDAV book's: its collection, who signs in there (with the
    token of ``account_id`` where that is one), why the last visit failed, and when one last succeeded (UTC seconds).
    ``count``: contacts in it; ``waiting``: how many of them the server has to be told of; ``refused``: how many of
    those it did not take.
    """

    id: BookId
    name: str
    kind: BookKind = BookKind.OWN
    url: str = ""
    user: str = ""
    account_id: int = 0
    ca_file: str = ""
    sync_token: str = ""
    problem: str = ""
    synced_at: int = 0
    count: int = 0
    waiting: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody, as far as a list shows them: what was read out of the card.  ``addresses``: the preferred first.

    ``groups``: the names of the card's categories; ``is_group``: it is a group itself, whose ``members`` are URIs.
    ``waiting``: changed here, and not on the server yet; ``problem``: why the server did not take the change.
    """

    id: ContactId
    book_id: BookId
    uid: str
    name: str
    addresses: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    is_group: bool = False
    has_photo: bool = False
    waiting: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A name for several addresses: what a person may write in place of them."""

    name: str
    members: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card says of somebody, for lists and for whoever looks them up.  ``search``: everything that is looked
    through, as small letters without accents.
    """

    uid: str
    name: str
    sort: str
    addresses: tuple[str, ...]
    groups: tuple[str, ...]
    members: tuple[str, ...]
    is_group: bool
    has_photo: bool
    search: str


def fold(text: str) -> str:
    """Small letters without accents, for order and for search."""
    if text.isascii():
        return text.lower()
    flat = unicodedata.normalize("NFKD", text.casefold())
    return flat if flat.isascii() else "".join(one for one in flat if not unicodedata.combining(one))
