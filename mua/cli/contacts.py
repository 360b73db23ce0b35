"""Commands about contacts: list, show, import, export, merge, restore; and about address books."""

import os
import sys
from dataclasses import asdict
from pathlib import Path

from mua import wire
from mua.cli.documents import Document, date_json, table
from mua.cli.session import Result, Session
from mua.errors import Kind, MailError, Retry, UsageError
from mua.masking import mask
from mua.model.contact import Book, BookId, BookKind, Contact
from mua.plan import duplicates
from mua.store import contacts as store


def contacts(session: Session) -> Result:
    """``contacts VERB ...``."""
    return _VERBS[session.arguments.verb](session)


def _list(session: Session) -> Result:
    """``contacts list [WORDS] [--book B] [--group G]``."""
    given = session.arguments
    ids = store.order(session.db, _book_id(session), " ".join(given.words), given.group or "")
    found = store.rows(session.db, ids)
    names = {one.id: one.name for one in store.books(session.db)}
    lines = [(str(one.id), one.name, ", ".join(one.addresses[:3]), ", ".join(one.groups)) for one in found]
    return Result([_document(one, names[one.book_id]) for one in found], table(lines) or "No contacts.")


def _document(one: Contact, book: str) -> Document:
    return {
        "id": str(one.id),
        "book": book,
        "uid": one.uid,
        "name": one.name,
        "addresses": list(one.addresses),
        "groups": list(one.groups),
        "is_group": one.is_group,
        "has_photo": one.has_photo,
        "waiting": one.waiting,
        "problem": one.problem or None,
    }


def _show(session: Session) -> Result:
    """``contacts show ID``: the card, as it is."""
    raw = store.card(session.db, _id(session.arguments.id))
    if not raw:
        raise _missing(session.arguments.id)
    if session.arguments.json:
        return Result({"id": session.arguments.id, "card": raw.decode("utf-8", "replace")})
    return Result(None, raw=raw)


def _import(session: Session) -> Result:
    """``contacts import FILE...``."""
    book_id = _book_id(session) or 0
    told: list[tuple[str, wire.ContactsImported]] = []
    for file in session.arguments.files:
        path = str(Path(file).absolute())
        token = f"{os.getpid()}-{len(told)}"
        command = wire.ImportContacts(path, book_id, token)
        told.append((path, session.engine.ask_long(command, wire.ContactsImported, token)))
    documents = [
        {
            "file": path,
            "found": one.found,
            "imported": one.imported,
            "here": one.here,
            "lost": one.lost,
            "left_out": [asdict(left) for left in one.left],
        }
        for path, one in told
    ]
    lines = [f"Left out: {left.count} of {path}. {left.why}" for path, one in told for left in one.left]
    found, taken, here, lost = (
        sum(getattr(one, name) for _, one in told) for name in ("found", "imported", "here", "lost")
    )
    lines.append(f"{found} contacts found, {taken} imported, {here} here already, {lost} lost.")
    failed = f"{lost} contacts could not be imported." if lost else ""
    return Result(documents, "\n".join(lines), failed=failed)


def _export(session: Session) -> Result:
    """``contacts export FILE``."""
    path = str(Path(session.arguments.file).absolute())
    command = wire.ExportContacts(path, _book_id(session) or 0, version=session.arguments.version or "")
    told = session.engine.ask(command, wire.ContactsExported)
    document = {"file": path, "found": told.found, "exported": told.exported}
    missing = told.found - told.exported
    failed = f"{missing} contacts are not in the file as they should be." if missing else ""
    return Result(document, f"{told.exported} contacts exported to {path}.", failed=failed)


def _delete(session: Session) -> Result:
    ids = tuple(_id(one) for one in session.arguments.ids)
    session.engine.ask(wire.RemoveContacts(ids), wire.Done)
    return Result(
        {"deleted": [str(one) for one in ids]}, "Deleted; for 30 days “mua contacts restore” brings them back."
    )


def _restore(session: Session) -> Result:
    """``contacts restore [ID...]``: without an id, what can be brought back."""
    ids = tuple(_id(one) for one in session.arguments.ids)
    if ids:
        session.engine.ask(wire.RestoreContacts(ids), wire.Done)
        return Result({"restored": [str(one) for one in ids]}, "They are back.")
    found = store.gone(session.db)
    lines = [
        (
            str(one.contact.id),
            (date_json(one.at) or "")[:16],
            one.contact.name,
            ", ".join(one.contact.addresses),
            one.why,
        )
        for one in found
    ]
    names = {one.id: one.name for one in store.books(session.db)}
    documents = [
        {**_document(one.contact, names[one.contact.book_id]), "at": date_json(one.at), "reason": one.why}
        for one in found
    ]
    return Result(documents, table(lines) or "No contact was deleted.")


def _undo(session: Session) -> Result:
    """``contacts undo ID...``: changes that a server refused, taken back here."""
    ids = tuple(_id(one) for one in session.arguments.ids)
    session.engine.ask(wire.UndoContacts(ids), wire.Done)
    return Result({"undone": [str(one) for one in ids]}, "They are as their server has them.")


def _merge(session: Session) -> Result:
    """``contacts merge [ID ID...]``: without ids, who may be there more than once."""
    ids = tuple(_id(one) for one in session.arguments.ids)
    if ids:
        told = session.engine.ask(wire.MergeContacts(ids), wire.ContactKept)
        return Result({"id": str(told.contact_id)}, f"One contact now: {told.contact_id}.")
    found = duplicates.find(store.everybody(session.db))
    lines = [(" ".join(map(str, one.contacts)), one.why) for one in found]
    documents = [{"ids": [str(each) for each in one.contacts], "why": one.why, "sure": one.sure} for one in found]
    return Result(documents, table(lines) or "Nobody seems to be there twice.")


def _group(session: Session) -> Result:
    """``contacts group NAME ID... [--remove]``; without ids: who is in it."""
    given = session.arguments
    ids = tuple(_id(one) for one in given.ids)
    if ids:
        session.engine.ask(wire.GroupContacts(ids, given.name, not given.remove), wire.Done)
    members = next((one.members for one in store.groups(session.db) if one.name == given.name), ())
    document = {"group": given.name, "members": [{"name": one.name, "address": one.address} for one in members]}
    return Result(document, table([(one.name, one.address) for one in members]) or "Nobody with an address is in it.")


def _books(session: Session) -> Result:
    """``contacts books``."""
    found = store.books(session.db)
    lines = [(one.name, f"{one.count} contacts", one.url or "on this computer", one.problem) for one in found]
    return Result([_book_document(one) for one in found], table(lines) or "There is no address book yet.")


def _book_document(one: Book) -> Document:
    return {
        "id": str(one.id),
        "name": one.name,
        "kind": one.kind,
        "url": one.url or None,
        "count": one.count,
        "waiting": one.waiting,
        "problem": one.problem or None,
        "synced_at": date_json(one.synced_at or None),
    }


def _new_book(session: Session) -> Result:
    """``contacts new-book NAME``."""
    book = Book(BookId(0), session.arguments.name, BookKind.OWN)
    told = session.engine.ask(wire.PutBook(book), wire.BookKept)
    return Result({"id": str(told.book_id), "name": book.name}, f"The address book {book.name} is there.")


def _find_books(session: Session) -> Result:
    """``contacts find-books ADDRESS``: on its server, by a password on stdin or by an account's sign-in."""
    given = session.arguments
    account = session.account().id if given.account else 0
    command = wire.FindBooks(given.address, given.user or "", _password(session), account, given.ca_file)
    told = session.engine.ask(command, wire.BooksFound)
    return Result([{"url": url, "name": name} for url, name in told.books], table(told.books))


def _add_server(session: Session) -> Result:
    """``contacts add-server URL``: an address book of a CardDAV server, and what is in it."""
    given = session.arguments
    account = session.account().id if given.account else 0
    name = given.name or given.url.rstrip("/").rpartition("/")[2]
    book = Book(BookId(0), name, BookKind.CARDDAV, given.url, given.user or "", account, given.ca_file)
    told = session.engine.ask(wire.PutBook(book, _password(session)), wire.BookKept)
    done = session.engine.ask(wire.SyncBooks(told.book_id), wire.BooksSynced)
    document = {"id": str(told.book_id), "name": name, **_synced(done)}
    failed = " ".join(done.problems)
    return Result(document, f"The address book {name} is here: {done.came} contacts.", failed=failed)


def _sync(session: Session) -> Result:
    """``contacts sync``: make books and their servers agree now."""
    done = session.engine.ask(wire.SyncBooks(_book_id(session)), wire.BooksSynced)
    text = f"{done.came} came, {done.went} went out, {done.merged} were put together."
    return Result(_synced(done), text, failed=" ".join(done.problems))


def _synced(done: wire.BooksSynced) -> Document:
    return {"came": done.came, "went": done.went, "merged": done.merged, "problems": list(done.problems)}


def _password(session: Session) -> str:
    password = sys.stdin.readline().rstrip("\r\n") if session.arguments.password_stdin else ""
    mask(password)
    return password


def _remove_book(session: Session) -> Result:
    """``contacts remove-book NAME [--forced]``."""
    book = _book(session, session.arguments.name)
    session.engine.ask(wire.RemoveBook(book.id, session.arguments.forced), wire.Done)
    return Result({"removed": book.name}, f"The address book {book.name} is not here any more.")


# ---- names
def _book_id(session: Session) -> int | None:
    name = session.arguments.book
    return _book(session, name).id if name else None


def _book(session: Session, name: str) -> Book:
    found = next((one for one in store.books(session.db) if name in (one.name, str(one.id))), None)
    if found is None:
        raise MailError(Kind.LOCAL, Retry.ASK, f"There is no address book “{name}”.", code="no-such-book")
    return found


def _id(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise UsageError(f"{text} is no contact's id; “mua contacts list” shows them")
    return int(text)


def _missing(name: str) -> MailError:
    return MailError(Kind.LOCAL, Retry.ASK, f"There is no contact {name}.", code="no-such-contact")


_VERBS = {
    "list": _list,
    "show": _show,
    "import": _import,
    "export": _export,
    "delete": _delete,
    "restore": _restore,
    "undo": _undo,
    "merge": _merge,
    "group": _group,
    "books": _books,
    "new-book": _new_book,
    "remove-book": _remove_book,
    "find-books": _find_books,
    "add-server": _add_server,
    "sync": _sync,
}
COMMANDS = {"contacts": contacts}
