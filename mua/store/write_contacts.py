"""Every change of address books, as functions of a running transaction.

Rules of the file: what is deleted keeps its card for 30 days; what a CardDAV server has to be told is marked in the
transaction that makes it so, and unmarked only where the card is still the one that it was told.
"""

import json
from collections.abc import Sequence

from mua.model.contact import KEEP_GONE_SECONDS, Book, BookId, ContactId, Facts, Gone
from mua.store.db import Tx


def add_book(tx: Tx, book: Book) -> BookId:
    """A new book."""
    tx.changes.contacts = True
    sql = "INSERT INTO book(name, kind, url, user, account_id, ca_file) VALUES (?,?,?,?,?,?)"
    account = book.account_id or None
    return BookId(tx.insert(sql, book.name, book.kind, book.url, book.user, account, book.ca_file))


def rename_book(tx: Tx, book_id: int, name: str) -> None:
    """Call a book something else, here."""
    tx.run("UPDATE book SET name = ? WHERE id = ?", name, book_id)
    tx.changes.contacts = True


def remove_book(tx: Tx, book_id: int) -> None:
    """Forget a book with everybody in it."""
    tx.run("DELETE FROM book WHERE id = ?", book_id)
    tx.changes.contacts = True


def visited(tx: Tx, book_id: int, token: str, problem: str, now: int) -> None:
    """What the last visit to a CardDAV server came to.  ``problem`` empty: it went well, up to ``token``."""
    if problem:
        changed = tx.run("UPDATE book SET problem = ?1 WHERE id = ?2 AND problem <> ?1", problem, book_id)
    else:
        changed = tx.run(
            "UPDATE book SET problem = '', sync_token = ?, synced_at = ? WHERE id = ?", token, now, book_id
        )
    tx.changes.contacts |= bool(changed)


# ---- contacts
def add(tx: Tx, book_id: int, raw: bytes, facts: Facts, *, dirty: bool = True) -> ContactId:
    """A new contact.  ``dirty``: a server, if the book has one, has to be told."""
    sql = (
        "INSERT INTO contact(book_id, uid, name, sort, search, addresses, groups, members, is_group, has_photo, dirty)"
        " VALUES (?,?,?,?,?,?,?,?,?,?,?)"
    )
    contact_id = ContactId(tx.insert(sql, book_id, *_values(facts), int(dirty)))
    tx.run("INSERT INTO card(contact_id, raw) VALUES (?, ?)", contact_id, raw)
    _found_by(tx, contact_id, facts)
    return contact_id


def change(tx: Tx, contact_id: int, raw: bytes, facts: Facts, *, dirty: bool = True) -> None:
    """Another card for a contact."""
    sql = (
        "UPDATE contact SET uid = ?, name = ?, sort = ?, search = ?, addresses = ?, groups = ?, members = ?,"
        " is_group = ?, has_photo = ?, dirty = ?, problem = '' WHERE id = ?"
    )
    tx.run(sql, *_values(facts), int(dirty), contact_id)
    tx.run("UPDATE card SET raw = ? WHERE contact_id = ?", raw, contact_id)
    for table in ("contact_address", "contact_group"):
        tx.run(f"DELETE FROM {table} WHERE contact_id = ?", contact_id)
    _found_by(tx, contact_id, facts)


def remove(tx: Tx, ids: Sequence[int], why: Gone, now: int) -> None:
    """Delete contacts; for 30 days they can be brought back."""
    for one in ids:
        tx.run("UPDATE contact SET gone = ?, gone_why = ? WHERE id = ? AND gone = 0", now, why, one)
    tx.changes.contacts = True


def restore(tx: Tx, ids: Sequence[int]) -> int:
    """Bring deleted contacts back; a server is told anew.  Returns how many."""
    tx.changes.contacts = True
    sql = "UPDATE contact SET gone = 0, gone_why = '', dirty = max(dirty, href = '') WHERE id = ? AND gone <> 0"
    return sum(tx.run(sql, one) for one in ids)


def purge(tx: Tx, now: int) -> int:
    """Forget what was deleted 30 days ago, of which every server knows; returns how many."""
    return tx.run("DELETE FROM contact WHERE gone <> 0 AND gone < ? AND href = ''", now - KEEP_GONE_SECONDS)


# ---- what a server said
def server_has(tx: Tx, contact_id: int, href: str, etag: str, raw: bytes | None, told: bytes | None = None) -> None:
    """The server has a contact at ``href`` as ``raw`` (None: as it is here).

    ``told``: it is what it was told; where the card is another by now, the server has to be told again.
    """
    base = told if told is not None else raw
    tx.run("UPDATE card SET base = ? WHERE contact_id = ?", base, contact_id)
    sql = (
        "UPDATE contact SET href = ?, etag = ?, problem = '',"
        " dirty = (SELECT raw IS NOT base FROM card WHERE contact_id = contact.id) WHERE id = ?"
    )
    tx.run(sql, href, etag, contact_id)
    tx.changes.contacts = True


def server_lost(tx: Tx, contact_id: int) -> None:
    """The server does not have a contact (any more)."""
    tx.run("UPDATE contact SET href = '', etag = '' WHERE id = ?", contact_id)
    tx.run("UPDATE card SET base = NULL WHERE contact_id = ?", contact_id)
    tx.changes.contacts = True


def refused(tx: Tx, contact_id: int, problem: str) -> None:
    """The server did not take a contact, or its deletion; it stays here as it is, or comes back."""
    restore(tx, [contact_id])
    tx.changes.contacts |= bool(tx.run("UPDATE contact SET problem = ? WHERE id = ?", problem, contact_id))


# ---- inside
def _values(facts: Facts) -> tuple[object, ...]:
    lists = (json.dumps(one, ensure_ascii=False) for one in (facts.addresses, facts.groups, facts.members))
    clean = (_stored(one) for one in (facts.uid, facts.name, facts.sort, facts.search, *lists))
    return (*clean, int(facts.is_group), int(facts.has_photo))


def _found_by(tx: Tx, contact_id: int, facts: Facts) -> None:
    tx.run_many(
        "INSERT OR IGNORE INTO contact_address(address, contact_id) VALUES (?, ?)",
        [(_stored(one), contact_id) for one in facts.addresses],
    )
    tx.run_many(
        "INSERT OR IGNORE INTO contact_group(name, contact_id) VALUES (?, ?)",
        [(_stored(one), contact_id) for one in facts.groups],
    )
    tx.changes.contacts = True


def _stored(text: str) -> str:
    """As SQLite keeps it: a lone surrogate is no text."""
    return text.encode("utf-8", "replace").decode("utf-8")
