"""Contacts out of files and into them: .vcf with any number of cards, read one by one, and read back when written.

Rules of the file: what is in the book already is counted and left; a card whose UID is taken by another one gets a new
UID and stands beside it; nothing is overwritten on the disk.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING

from mua import wire
from mua.engine.contacts import first_book, new_uid
from mua.engine.files import readable, writable
from mua.engine.mailfiles import notes, opened
from mua.engine.works import stoppable
from mua.errors import Kind, MailError, Retry
from mua.mime import contact, foreign_cards, vcard
from mua.mime.vcard import Card
from mua.mime.vcard_versions import VERSIONS, convert
from mua.model.arrival import CardFile, CardForm, LeftOut
from mua.model.contact import Book, BookId, BookKind, Facts
from mua.store import contacts, write_contacts
from mua.store import foreign as foreign_books

if TYPE_CHECKING:
    from mua.engine.main import Engine

BATCH = 500  # contacts of one commit
MAX_FILE = 2 << 30  # octets
MAX_WIDE = 64 << 20  # of a file in UTF-16
_SPOILT = "It begins like a contact and does not end, or is larger than 16 MB."
_EMPTY = "It has no name, no address and no number."


def take(engine: Engine, command: wire.ImportContacts) -> wire.ContactsImported:
    """Import a file of cards.  Raises MailError "file-unreadable", "no-such-book", "no-contacts"."""
    path = Path(command.path)
    with readable(path), stoppable(engine, command.token) as stop:
        with engine.store.write(durable=True) as tx:
            book_id = BookId(command.book_id) if command.book_id else first_book(tx)
        if contacts.book(engine.store.reader(), book_id) is None:
            raise MailError(Kind.LOCAL, Retry.NEVER, "That address book is not there any more.", code="no-such-book")
        job = Taking(engine, book_id)
        for one in cards_of(path):
            if stop.is_set():
                break
            job.take(one)
            if job.found % BATCH == 0:
                engine.context.publish(wire.Importing(command.token, path.name, job.found, job.octets, job.octets))
        job.keep()
    if not job.found:
        text = f"“{path.name}” holds no contacts."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="no-contacts")
    engine.cards.poke()
    return job.report(stopped=stop.is_set())


def cards_of(path: Path) -> Iterator[bytes | None]:
    """The cards of a file, as their octets; None for each that is spoilt."""
    with opened(path.resolve()) as file:
        head = file.read(4)
        file.seek(0)
        if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
            text = file.read(MAX_WIDE).decode("utf-16", "replace")
            yield from vcard.cards(text.encode().splitlines(keepends=True))
        else:
            yield from vcard.cards(_lines(file))


def take_all(
    engine: Engine, top: Path, files: Iterable[CardFile], program: str, stopped: Callable[[], bool]
) -> wire.ContactsImported:
    """The contacts of another program's address books, into a book of its name; collected ones into one beside it."""
    found = imported = here = 0
    left: list[LeftOut] = []
    book_id = 0
    for one in files:
        if stopped():
            break
        name = f"{program}, collected" if one.collected else program
        job = Taking(engine, named_book(engine, name))
        path = top / one.path if one.path else top
        for raw in foreign(path, one.form):
            job.take(raw)
        job.keep()
        done = job.report()
        found, imported, here = found + done.found, imported + done.imported, here + done.here
        left += [LeftOut(one.path or top.name, each.why, each.count) for each in done.left]
        book_id = done.book_id
    engine.cards.poke()
    return wire.ContactsImported(found, imported, here, book_id, tuple(left), stopped())


def named_book(engine: Engine, name: str) -> BookId:
    """The book of this computer with a name, made when it is missing; without a name the first one."""
    with engine.store.write(durable=True) as tx:
        if not name:
            return first_book(tx)
        known = (one.id for one in contacts.books(tx) if one.kind is BookKind.OWN and one.name == name)
        return next(known, None) or write_contacts.add_book(tx, Book(BookId(0), name))


def foreign(path: Path, form: CardForm) -> Iterator[bytes | None]:
    """The cards of another program's file."""
    if form is CardForm.VCARD:
        yield from cards_of(path)
    elif form is CardForm.THUNDERBIRD:
        for uid, said, lists in foreign_books.thunderbird_cards(path):
            yield foreign_cards.thunderbird(uid, said, lists)
    elif form is CardForm.EVOLUTION:
        for text in foreign_books.evolution_cards(path):
            yield text.encode("utf-8", "replace")
    else:
        yield from foreign_cards.claws(notes(path))


def _lines(file: BufferedReader) -> Iterator[bytes]:
    """Lines, also where they end as on old Macs; one that is larger than a card may be in pieces that are, too."""
    first = True
    for one in iter(lambda: file.readline(vcard.MAX_CARD + 1), b""):
        if first:
            one = one.removeprefix(b"\xef\xbb\xbf")
            first = False
        if b"\r" in one and not one.endswith(b"\r\n"):
            yield from one.splitlines(keepends=True)
        else:
            yield one


class Taking:
    """Cards on their way into a book: what was found, what is new, what was there."""

    def __init__(self, engine: Engine, book_id: BookId) -> None:
        self._engine, self._book = engine, book_id
        self.found = self.imported = self.here = self.octets = 0
        self._left: Counter[str] = Counter()
        self._batch: list[tuple[bytes, Facts]] = []
        self._known: dict[str, set[bytes]] = {}
        for one, raw in contacts.all_cards(engine.store.reader(), book_id):
            self._known.setdefault(one, set()).add(_digest(raw))

    def take(self, raw: bytes | None) -> None:
        """One card; None: it was spoilt."""
        self.found += 1
        if raw is None:
            self._left[_SPOILT] += 1
            return
        self.octets += len(raw)
        card = vcard.parse(raw)
        facts = contact.facts(card)
        if not facts.search and not facts.members:
            self._left[_EMPTY] += 1
            return
        same = self._known.setdefault(facts.uid, set())
        if _digest(raw) in same:
            self.here += 1
            return
        if facts.uid and same:
            card = contact.with_uid(card, new_uid())
            facts = contact.facts(card)
        same.add(_digest(raw))
        self._batch.append((card.raw, facts))
        if len(self._batch) >= BATCH:
            self.keep()

    def keep(self) -> None:
        """Commit what waits, and read it back."""
        batch, self._batch = self._batch, []
        with self._engine.store.write(durable=True) as tx:
            ids = [write_contacts.add(tx, self._book, raw, facts) for raw, facts in batch]
        db = self._engine.store.reader()
        self.imported += sum(contacts.card(db, one) == raw for one, (raw, _) in zip(ids, batch, strict=True))

    def report(self, *, stopped: bool = False) -> wire.ContactsImported:
        """What came of it."""
        left = tuple(LeftOut("contacts", why, count) for why, count in self._left.items())
        return wire.ContactsImported(self.found, self.imported, self.here, self._book, left, stopped)


def _digest(raw: bytes) -> bytes:
    return hashlib.sha256(raw).digest()


# ---- out
def export(engine: Engine, command: wire.ExportContacts) -> wire.ContactsExported:
    """Write cards into a new file.  Raises MailError "file-there", "file-unwritable", "bad-version"."""
    path = Path(command.path)
    if os.path.lexists(path):
        text = f"“{path.name}” is there already; choose another name, so that nothing is written over."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="file-there")
    if command.version and command.version not in VERSIONS:
        raise MailError(Kind.LOCAL, Retry.ASK, "Contacts are written as vCard 3.0 or 4.0.", code="bad-version")
    db = engine.store.reader()
    ids = list(command.contacts) or contacts.order(db, command.book_id or None)
    written = hashlib.sha256()
    with writable(path), path.open("xb") as file:
        path.chmod(0o600)
        for _, raw in contacts.cards(db, ids):
            data = _whole(raw, command.version)
            written.update(data)
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
    with writable(path), opened(path) as file:
        exported = sum(one is not None for one in vcard.cards(file))
        file.seek(0)
        same = hashlib.file_digest(file, "sha256").digest() == written.digest()
    return wire.ContactsExported(len(ids), exported if same else 0)


def _whole(raw: bytes, version: str) -> bytes:
    card: Card = convert(vcard.parse(raw), version) if version else Card(())
    data = card.raw if version else raw
    return data if data.endswith(b"\n") else data + b"\r\n"
