"""Contacts: kept, changed, put together, deleted and brought back.

Rules of the file: a card that changed meanwhile is put together with what the person made of it, never written over; a
card is parsed before the store's lock is taken; a CardDAV server is told afterwards, by ``card_sync``.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from mua import wire
from mua.errors import Kind, MailError, Retry
from mua.mime import card_merge, contact, vcard
from mua.mime.vcard import Card
from mua.model.contact import Book, BookId, BookKind, ContactId, Gone
from mua.store import contacts, write_contacts
from mua.store.db import Db, Tx

if TYPE_CHECKING:
    from mua.engine.main import Engine

FIRST_BOOK = "Contacts"
MAX_MERGED = 100  # contacts made one at a time


def put_book(engine: Engine, command: wire.PutBook) -> wire.BookKept:
    """Make a book, or rename one."""
    book = command.book
    if not book.name.strip():
        raise MailError(Kind.LOCAL, Retry.ASK, "An address book needs a name.", code="incomplete")
    if book.kind is BookKind.CARDDAV and not book.id:
        from mua.engine import card_sync

        return wire.BookKept(card_sync.add_book(engine, command))
    with engine.store.write(durable=True) as tx:
        if book.id:
            _book(tx, book.id)
            write_contacts.rename_book(tx, book.id, book.name.strip())
            return wire.BookKept(book.id)
        return wire.BookKept(write_contacts.add_book(tx, Book(BookId(0), book.name.strip())))


def remove_book(engine: Engine, command: wire.RemoveBook) -> wire.Done:
    """Forget a book and its password."""
    book = _book(engine.store.reader(), command.book_id)
    if book.waiting and not command.forced:
        text = f"{book.waiting} changes in “{book.name}” are not on the server yet; removing the book would lose them."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="book-waits")
    with engine.store.write(durable=True) as tx:
        write_contacts.remove_book(tx, book.id)
    if book.kind is BookKind.CARDDAV and not book.account_id:
        engine.secrets.delete(secret_key(book.id), "password")
    return wire.Done()


def secret_key(book_id: int) -> str:
    """Under which name the password of a CardDAV book is kept."""
    return f"book-{book_id}"


def secret_names(engine: Engine) -> list[tuple[str, str]]:
    """The passwords of CardDAV books, as ``net.secrets`` calls them."""
    found = contacts.books(engine.store.reader())
    return [(secret_key(one.id), "password") for one in found if one.kind is BookKind.CARDDAV and not one.account_id]


def first_book(tx: Tx) -> BookId:
    """The book of this computer that is used where none is named; it is made when it is missing."""
    found = next((one.id for one in contacts.books(tx) if one.kind is BookKind.OWN), None)
    return found or write_contacts.add_book(tx, Book(BookId(0), FIRST_BOOK))


def _book(db: Db, book_id: int) -> Book:
    found = contacts.book(db, book_id)
    if found is None:
        raise MailError(Kind.LOCAL, Retry.NEVER, "That address book is not there any more.", code="no-such-book")
    return found


# ---- contacts
def put_contact(engine: Engine, command: wire.PutContact) -> wire.ContactKept:
    """Keep a card."""
    raw = octets(command.card)
    card = vcard.parse(raw)
    if not (card.lines and card.lines[0].name == "BEGIN" and card.lines[-1].name == "END"):
        raise MailError(Kind.LOCAL, Retry.NEVER, "That is no contact, so nothing was kept.", code="bad-card")
    if command.contact_id:
        return _changed(engine, command, card)
    with engine.store.write(durable=True) as tx:
        book_id = _book(tx, command.book_id).id if command.book_id else first_book(tx)
        kept = write_contacts.add(tx, book_id, raw, contact.facts(card))
    engine.cards.poke()
    return wire.ContactKept(kept)


def _changed(engine: Engine, command: wire.PutContact, card: Card) -> wire.ContactKept:
    """Another card in place of the one that the person began with."""
    conflicts: tuple[str, ...] = ()
    with engine.store.write(durable=True) as tx:
        found = contacts.contact(tx, command.contact_id)
        if found is None:
            raise MailError(Kind.LOCAL, Retry.NEVER, "That contact is not there any more.", code="contact-gone")
        now = contacts.card(tx, command.contact_id)
        before = octets(command.before)
        if command.before and now != before:
            merged = card_merge.merge(vcard.parse(before), card, vcard.parse(now))
            card, conflicts = merged.card, merged.conflicts
            if conflicts:
                keep_beside(tx, found.book_id, vcard.parse(now))
        write_contacts.change(tx, command.contact_id, card.raw, contact.facts(card))
        write_contacts.restore(tx, [command.contact_id])
    engine.cards.poke()
    return wire.ContactKept(command.contact_id, conflicts)


def keep_beside(tx: Tx, book_id: int, card: Card) -> ContactId:
    """The other side's card, which could not be put together with ours: a contact of its own, for the person to see."""
    other = contact.with_uid(card, new_uid())
    return write_contacts.add(tx, book_id, other.raw, contact.facts(other))


def new_uid() -> str:
    """A name for programs that nobody else gives (RFC 6350 s.6.7.6)."""
    return f"urn:uuid:{uuid.uuid4()}"


def octets(text: str) -> bytes:
    """A card as it crossed the wire."""
    return text.encode("utf-8", "surrogateescape")


def remove_contacts(engine: Engine, command: wire.RemoveContacts) -> wire.Done:
    """Delete, for 30 days restorable."""
    with engine.store.write(durable=True) as tx:
        write_contacts.remove(tx, command.contacts, Gone.HERE, engine.context.now())
    engine.cards.poke()
    return wire.Done()


def restore_contacts(engine: Engine, command: wire.RestoreContacts) -> wire.Done:
    """Bring back."""
    with engine.store.write(durable=True) as tx:
        write_contacts.restore(tx, command.contacts)
    engine.cards.poke()
    return wire.Done()


def undo_contacts(engine: Engine, command: wire.UndoContacts) -> wire.Done:
    """What a server refused, taken back here."""
    with engine.store.write(durable=True) as tx:
        for one in command.contacts:
            held = contacts.held_one(tx, one)
            if held is None or not held.dirty:
                continue
            if held.href and held.base is not None:
                write_contacts.change(tx, one, held.base, contact.facts(vcard.parse(held.base)), dirty=False)
            else:
                write_contacts.remove(tx, [one], Gone.HERE, engine.context.now())
    return wire.Done()


def merge_contacts(engine: Engine, command: wire.MergeContacts) -> wire.ContactKept:
    """One of several."""
    ids = list(dict.fromkeys(command.contacts))[:MAX_MERGED]
    with engine.store.write(durable=True) as tx:
        found = contacts.rows(tx, ids)
        if len(found) != len(ids) or len(ids) < 2:
            raise MailError(Kind.LOCAL, Retry.NEVER, "These contacts are not there any more.", code="contact-gone")
        card = card_merge.joined([vcard.parse(contacts.card(tx, one)) for one in ids])
        write_contacts.change(tx, ids[0], card.raw, contact.facts(card))
        write_contacts.remove(tx, ids[1:], Gone.MERGED, engine.context.now())
    engine.cards.poke()
    return wire.ContactKept(ids[0])


def group_contacts(engine: Engine, command: wire.GroupContacts) -> wire.Done:
    """Into a group, or out of it."""
    group = " ".join(command.group.split())[:200]
    if not group:
        raise MailError(Kind.LOCAL, Retry.ASK, "A group needs a name.", code="incomplete")
    with engine.store.write(durable=True) as tx:
        for one in contacts.rows(tx, command.contacts):
            names = tuple(name for name in one.groups if name != group) + ((group,) if command.inside else ())
            if set(names) != set(one.groups):
                card = contact.in_groups(vcard.parse(contacts.card(tx, one.id)), names)
                write_contacts.change(tx, one.id, card.raw, contact.facts(card))
    engine.cards.poke()
    return wire.Done()
