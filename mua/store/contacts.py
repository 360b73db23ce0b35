"""What is read of address books: lists, cards, who an address belongs to, and what a server has to be told.

Rules of the file: reads only; what is gone is in no list but its own.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mua.model.address import Address
from mua.model.contact import Book, BookId, BookKind, Contact, ContactId, Group, fold
from mua.records import dataclass
from mua.store.db import Db

_COLUMNS = (
    "c.id, c.book_id, c.uid, c.name, c.addresses, c.groups, c.members, c.is_group, c.has_photo,"
    " (c.dirty <> 0 AND b.kind = 'carddav'), c.problem"
)
_FROM = f"SELECT {_COLUMNS} FROM contact c JOIN book b ON b.id = c.book_id"

_TOLD = "(c.dirty <> 0 OR (c.gone <> 0 AND c.href <> '')) AND (c.gone = 0 OR c.href <> '')"
"""What a server has to be told; of what it never had and is gone, nothing: its href is empty, as the book's own is."""


@dataclass(frozen=True, slots=True)
class GoneContact:
    """A contact that was deleted; ``at`` UTC seconds."""

    contact: Contact
    at: int
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """A contact as its synchronisation sees it.  ``base``: what both sides began with; None: never on the server."""

    id: ContactId
    href: str
    etag: str
    uid: str
    dirty: bool
    gone: bool
    raw: bytes = b""
    base: bytes | None = None


# ---- books
def books(db: Db) -> list[Book]:
    """Every book, those of this computer first, with how many contacts it has."""
    sql = (
        "SELECT id, name, kind, url, user, coalesce(account_id, 0), ca_file, sync_token, problem, synced_at,"
        " (SELECT count(*) FROM contact c WHERE c.book_id = b.id AND c.gone = 0),"
        f" (SELECT count(*) FROM contact c WHERE c.book_id = b.id AND {_TOLD}),"
        " (SELECT count(*) FROM contact c WHERE c.book_id = b.id AND c.dirty <> 0 AND c.problem <> '' AND c.gone = 0)"
        " FROM book b ORDER BY kind <> 'own', name COLLATE NOCASE, id"
    )
    return [_book(row) for row in db.rows(sql)]


def has_servers(db: Db) -> bool:
    """Whether a book is on a CardDAV server, too."""
    return db.value("SELECT 1 FROM book WHERE kind = 'carddav' LIMIT 1") is not None


def book(db: Db, book_id: int) -> Book | None:
    """One book."""
    return next((one for one in books(db) if one.id == book_id), None)


def _book(row: Sequence[Any]) -> Book:
    number, name, kind, url, user, account_id, ca_file, token, problem, synced_at, count, waiting, refused = row
    waiting = waiting if kind == BookKind.CARDDAV else 0
    return Book(
        BookId(number), name, BookKind(kind), url, user, account_id, ca_file, token, problem, synced_at, count, waiting,
        refused,
    )  # fmt: skip


# ---- lists
def order(db: Db, book_id: int | None = None, letters: str = "", group: str = "") -> list[ContactId]:
    """The contacts of a book (None: of all), by name; only those in whom each of the words is, and of a group."""
    where, values = ["c.gone = 0"], list[object]()
    if book_id is not None:
        where.append("c.book_id = ?")
        values.append(book_id)
    for word in fold(letters).split()[:8]:
        where.append("instr(c.search, ?) > 0")
        values.append(word)
    source = "contact c"
    if group:
        source = "contact_group g JOIN contact c ON c.id = g.contact_id"
        where.append("g.name = ?")
        values.append(group)
    sql = f"SELECT c.id FROM {source} WHERE {' AND '.join(where)} ORDER BY c.sort, c.id"
    return [ContactId(row[0]) for row in db.rows(sql, *values)]


def rows(db: Db, ids: Sequence[int]) -> list[Contact]:
    """Contacts by their ids, in that order; what is not there any more is left out."""
    found = {row[0]: _contact(row) for row in db.rows_of(f"{_FROM} WHERE c.id IN", list(ids))}
    return [found[one] for one in ids if one in found]


def contact(db: Db, contact_id: int) -> Contact | None:
    """One contact."""
    return next(iter(rows(db, [contact_id])), None)


def everybody(db: Db) -> list[Contact]:
    """Every contact, by name.  Takes a moment where there are very many."""
    return [_contact(row) for row in db.rows(f"{_FROM} WHERE c.gone = 0 ORDER BY c.sort, c.id")]


def addresses(db: Db) -> frozenset[str]:
    """Every address in a book, in small letters."""
    sql = (
        "SELECT DISTINCT lower(a.address) FROM contact_address a JOIN contact c ON c.id = a.contact_id WHERE c.gone = 0"
    )
    return frozenset(row[0] for row in db.rows(sql))


def by_address(db: Db, address: str) -> list[Contact]:
    """Who has this address."""
    sql = "SELECT contact_id FROM contact_address WHERE address = ?"
    ids = [row[0] for row in db.rows(sql, address)]
    return [_contact(row) for row in db.rows_of(f"{_FROM} WHERE c.gone = 0 AND c.id IN", ids)]


def card(db: Db, contact_id: int) -> bytes:
    """The card of a contact; empty: it is not there."""
    return bytes(db.value("SELECT raw FROM card WHERE contact_id = ?", contact_id) or b"")


def cards(db: Db, ids: Iterable[int]) -> Iterator[tuple[ContactId, bytes]]:
    """Cards, one by one."""
    for one in ids:
        yield ContactId(one), card(db, one)


def all_cards(db: Db, book_id: int) -> Iterator[tuple[str, bytes]]:
    """(UID, card) of everybody in a book."""
    sql = "SELECT c.uid, k.raw FROM contact c JOIN card k ON k.contact_id = c.id WHERE c.book_id = ? AND c.gone = 0"
    return ((uid, bytes(raw)) for uid, raw in db.each(sql, book_id))


def gone(db: Db) -> list[GoneContact]:
    """What was deleted, the latest first."""
    sql = (
        f"SELECT c.gone, c.gone_why, {_COLUMNS} FROM contact c JOIN book b ON b.id = c.book_id"
        " WHERE c.gone <> 0 ORDER BY c.gone DESC, c.sort LIMIT 1000"
    )
    return [GoneContact(_contact(row[2:]), row[0], row[1]) for row in db.rows(sql)]


def photos(db: Db) -> dict[str, ContactId]:
    """Whose card has a picture, by address in small letters."""
    sql = (
        "SELECT lower(a.address), c.id FROM contact c INDEXED BY contact_photo CROSS JOIN contact_address a"
        " ON a.contact_id = c.id WHERE c.has_photo <> 0 AND c.gone = 0 ORDER BY c.id DESC"
    )
    return {address: ContactId(number) for address, number in db.rows(sql)}


# ---- groups
def group_names(db: Db) -> list[tuple[str, int]]:
    """The names of groups, with how many contacts are in each."""
    sql = (
        "SELECT g.name, count(*) FROM contact_group g JOIN contact c ON c.id = g.contact_id WHERE c.gone = 0"
        " GROUP BY g.name ORDER BY g.name COLLATE NOCASE"
    )
    return [(name, count) for name, count in db.rows(sql)]


def groups(db: Db) -> list[Group]:
    """Every group that has members with an address: by categories, and by cards that are groups themselves."""
    found: dict[str, dict[str, Address]] = {}
    sql = (
        "SELECT g.name, c.name, c.addresses FROM contact_group g JOIN contact c ON c.id = g.contact_id"
        " WHERE c.gone = 0 AND c.addresses <> '[]' ORDER BY g.name COLLATE NOCASE, c.sort"
    )
    for group, name, addresses in db.rows(sql):
        address = json.loads(addresses)[0]
        found.setdefault(group, {}).setdefault(address.lower(), Address(name, address))
    for one in [_contact(row) for row in db.rows(f"{_FROM} WHERE c.is_group <> 0 AND c.gone = 0")]:
        for member in members(db, one):
            found.setdefault(one.name, {}).setdefault(member.address.lower(), member)
    return [Group(name, tuple(members.values())) for name, members in found.items() if name]


def members(db: Db, group: Contact) -> list[Address]:
    """Who is in a contact that is a group itself, as far as they have an address."""
    found: list[Address] = []
    for uri in group.members:
        if uri[:7].lower() == "mailto:" and "@" in uri:
            found.append(Address("", uri[7:].partition("?")[0]))
            continue
        bare = uri[9:] if uri[:9].lower() == "urn:uuid:" else uri
        sql = "SELECT name, addresses FROM contact WHERE book_id = ? AND uid IN (?, ?, ?) AND gone = 0"
        for name, addresses in db.rows(sql, group.book_id, uri, bare, f"urn:uuid:{bare}"):
            found += [Address(name, one) for one in json.loads(addresses)[:1]]
    return found


# ---- synchronisation
def held(db: Db, book_id: int) -> list[Held]:
    """Every contact of a book, deleted ones too, without their cards."""
    sql = "SELECT id, href, etag, uid, dirty, gone FROM contact WHERE book_id = ?"
    return [
        Held(ContactId(one), href, etag, uid, bool(dirty), bool(away))
        for one, href, etag, uid, dirty, away in db.rows(sql, book_id)
    ]


def to_tell(db: Db, book_id: int) -> list[Held]:
    """What the server has to be told."""
    sql = (
        "SELECT c.id, c.href, c.etag, c.uid, c.dirty, c.gone, k.raw, k.base FROM contact c"
        " JOIN card k ON k.contact_id = c.id"
        f" WHERE c.book_id = ? AND {_TOLD} ORDER BY c.id"
    )
    return [_held(row) for row in db.rows(sql, book_id)]


def held_at(db: Db, book_id: int, href: str) -> Held | None:
    """What is known of a card on the server."""
    return _one_held(db, "c.book_id = ? AND c.href = ?", book_id, href)


def held_one(db: Db, contact_id: int) -> Held | None:
    """A contact as its synchronisation sees it."""
    return _one_held(db, "c.id = ?", contact_id)


def with_uid(db: Db, book_id: int, uid: str) -> Held | None:
    """The contact of a book with this name for programs that is not on the server yet."""
    return _one_held(db, "c.book_id = ? AND c.uid = ? AND c.gone = 0 AND c.href = ''", book_id, uid)


def _one_held(db: Db, where: str, *values: object) -> Held | None:
    sql = (
        "SELECT c.id, c.href, c.etag, c.uid, c.dirty, c.gone, k.raw, k.base FROM contact c"
        f" JOIN card k ON k.contact_id = c.id WHERE {where} ORDER BY c.gone, c.id LIMIT 1"
    )
    row = db.row(sql, *values)
    return None if row is None else _held(row)


def _held(row: Sequence[Any]) -> Held:
    one, href, etag, uid, dirty, away, raw, base = row
    return Held(ContactId(one), href, etag, uid, bool(dirty), bool(away), raw, base)


def _contact(row: Sequence[Any]) -> Contact:
    number, book_id, uid, name, *texts, is_group, has_photo, waiting, problem = row
    addresses, groups, members = (tuple(json.loads(one)) for one in texts)
    return Contact(
        ContactId(number), BookId(book_id), uid, name, addresses, groups, members,
        bool(is_group), bool(has_photo), bool(waiting), problem,
    )  # fmt: skip
