"""CardDAV: address books found on a server, and kept the same there and here (RFC 6352, RFC 6578, RFC 6764).

Theory of operation: a visit first takes what the server says, then tells it what changed here.  Each card has a *base*:
what both sides began with.  Where both changed it, the two are put together property by property; what cannot be put
together stands beside it as a contact of its own.  A card is told with its ETag, so that nobody's change is written
over: where the server has another by then, the visit begins again.

Rules of the file: what was changed here is never given up because it is gone there; half of a book that is gone is
asked for once more, all of it is believed at the second visit only; a card that is refused holds up no other; what is
no card takes no contact's place.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from mua import wire
from mua.engine.contacts import keep_beside, new_uid, secret_key
from mua.engine.errand import Errand
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE
from mua.mime import card_merge, contact, dav, vcard
from mua.mime.vcard import Card
from mua.mime.vcard_versions import convert
from mua.model.account import AccountId
from mua.model.contact import Book, BookId, BookKind, Facts, Gone
from mua.net.dav import Dav, SignIn
from mua.plan import carddav
from mua.plan.carddav import Fate
from mua.store import contacts, read, write_contacts
from mua.store.contacts import Held
from mua.store.db import Tx

if TYPE_CHECKING:
    from mua.engine.main import Engine

BATCH = 50  # cards that are asked for at once
_ONE_ANSWER = 5.0  # seconds for the DNS
ROUNDS = 4  # of one visit, where somebody else changes the same cards
PARTS = 1_000  # of one answer about what has changed
_ABOUT_SIGN_IN = frozenset({"auth-failed", "other-house", "own-password"})
_FORBIDDEN = frozenset({403, 405})
_CUT = "The server does not say all that its address book holds."
_MISTAKE = "Mua made a mistake over this address book; nothing is lost, and it will try again."


# ---- books
def find_books(engine: Engine, command: wire.FindBooks) -> wire.BooksFound:
    """Look for the address books of a user.  Raises MailError "bad-address", "no-books", "auth-failed" ..."""
    named = carddav.domain_of(command.address)
    user = command.user or ("" if command.account_id else command.address)
    sign_in = _sign_in(engine, user, command.account_id, named, lambda: command.password)
    server = Dav(sign_in, command.ca_file)
    problem: MailError | None = None
    for start in carddav.starts(command.address, _services(command.address)):
        try:
            found = _books_at(server, start)
        except MailError as error:
            if error.code in _ABOUT_SIGN_IN or problem is None:
                problem = error
            if error.code == "auth-failed":
                break
            continue
        if found:
            return wire.BooksFound(tuple(found))
    if problem is not None and problem.code in _ABOUT_SIGN_IN:
        raise problem
    text = f"No address book was found at {named}; enter the address of the book itself, if you know it."
    raise MailError(Kind.ACCOUNT, Retry.ASK, text, problem.detail if problem else "", "no-books")


def _services(address: str) -> list[tuple[str, int]]:
    """What the DNS says (RFC 6764 s.3); nothing where a URL was given."""
    if "://" in address:
        return []
    from mua.net.dns import services_now

    found = services_now(f"{carddav.SERVICE}.{carddav.domain_of(address)}", _ONE_ANSWER)
    return [(one.target.rstrip("."), one.port) for one in found if one.target.strip(".")]


def _books_at(server: Dav, start: str) -> list[tuple[str, str]]:
    """(URL, name) of the books that a start leads to: it is one, or its user's principal tells where they are."""
    url, told = server.propfind(start, dav.PRINCIPAL, 0)
    here = next(iter(told.responses), None)
    if here is None:
        return []
    if "addressbook" in here.kinds:
        return _listed(server, url, 0)
    principal = here.link("current-user-principal")
    base = url
    if principal:
        url, told = server.propfind(carddav.followed(url, principal), dav.HOME, 0)
    home = next((one.link("addressbook-home-set") for one in told.responses if one.links), "")
    return _listed(server, carddav.followed(url, home) if home else base, 1)


def _listed(server: Dav, url: str, depth: int) -> list[tuple[str, str]]:
    url, told = server.propfind(url, dav.BOOKS, depth)
    books = [one for one in told.responses if "addressbook" in one.kinds]
    return [(carddav.followed(url, one.href), one.name or _last(one.href)) for one in books]


def _last(href: str) -> str:
    return href.rstrip("/").rpartition("/")[2] or "Contacts"


def add_book(engine: Engine, command: wire.PutBook) -> BookId:
    """Keep a CardDAV book, its password first; it has to be one.  Raises MailError "no-books", "book-known" ..."""
    book = command.book
    if any(one.url == book.url for one in contacts.books(engine.store.reader())):
        raise MailError(Kind.ACCOUNT, Retry.ASK, "This address book is here already.", code="book-known")
    sign_in = _sign_in(engine, book.user, book.account_id, carddav.domain_of(book.url), lambda: command.password)
    server = Dav(sign_in, book.ca_file)
    if not _listed(server, book.url, 0):
        text = f"{book.url} is no address book; let Mua look for the books of its server."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-books")
    with engine.store.write(durable=True) as tx:
        book_id = write_contacts.add_book(tx, book)
    try:
        if not book.account_id:
            engine.secrets.set(secret_key(book_id), "password", command.password)
    except MailError:
        with engine.store.write(durable=True) as tx:
            write_contacts.remove_book(tx, book_id)
        raise
    engine.cards.poke()
    return book_id


def _sign_in(engine: Engine, user: str, account_id: int, named: str, password: Callable[[], str]) -> SignIn:
    """Who asks the house that the person ``named``: an account's own sign-in where one is given, at its own servers."""
    account = read.account(engine.store.reader(), AccountId(account_id)) if account_id else None
    if account is None:
        return SignIn(user, password, (named,))
    houses = carddav.houses(account)
    if account.oauth is not None:
        return SignIn(user, password, houses, lambda refused: engine.tokens.access(account, refused), account.email)
    user = user or (account.incoming_server.user if account.incoming_server else "") or account.email
    return SignIn(user, lambda: engine.password(account), houses, account=account.email)


def sync_books(engine: Engine, command: wire.SyncBooks) -> wire.BooksSynced:
    """Visit the servers now."""
    books = contacts.books(engine.store.reader())
    wanted = [one for one in books if one.kind is BookKind.CARDDAV and command.book_id in (None, one.id)]
    came = went = merged = 0
    problems: list[str] = []
    for book in wanted:
        done, problem = engine.cards.visit(book)
        came, went, merged = came + done.came, went + done.went, merged + done.merged
        if done.refused and not problem:
            problem = f"the server did not take {done.refused} of the changes; its contacts say why."
        problems += [f"{book.name}: {problem}"] if problem else []
    return wire.BooksSynced(came, went, merged, tuple(problems))


def password_of(engine: Engine, book: Book) -> str:
    """The password of a CardDAV book."""
    found = engine.secrets.get(secret_key(book.id), "password")
    if found is None:
        text = f"The password of “{book.name}” is not known here; remove the book and add it once more."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-password")
    return found


# ---- one visit
class Visit:
    """One visit to the server of a book.  ``doubted``: it had lost everything at the last one."""

    def __init__(self, engine: Engine, book: Book, *, doubted: bool = False) -> None:
        self._engine, self._book, self._doubted = engine, book, doubted
        named = carddav.domain_of(book.url)
        sign_in = _sign_in(engine, book.user, book.account_id, named, lambda: password_of(engine, book))
        self._server = Dav(sign_in, book.ca_file)
        self._base = carddav.path_of(book.url, "")
        self._takes4 = False
        self.came = self.went = self.merged = self.refused = 0
        self.doubts = False
        """The server has lost everything, which is not believed yet."""

    def run(self) -> None:
        """Take, then tell; once more where the server had another card by then.  Raises MailError."""
        token = self._book.sync_token
        for _ in range(ROUNDS):
            token = self._take(token)
            if self._tell():
                break
        with self._engine.store.write(durable=True) as tx:
            write_contacts.visited(tx, self._book.id, token, "", self._engine.context.now())

    # ---- taking
    def _take(self, token: str) -> str:
        """What the server says has changed; returns how far that is."""
        fetch, gone, fresh = self._changes(token)
        for start in range(0, len(fetch), BATCH):
            self._fetch(fetch[start : start + BATCH])
        self._lose(gone)
        return fresh

    def _changes(self, token: str) -> tuple[list[str], list[str], str]:
        """(hrefs to fetch, hrefs that are gone, the next token)."""
        known = {one.href: one.etag for one in contacts.held(self._engine.store.reader(), self._book.id) if one.href}
        listed, gone, fresh = dict[str, str](), list[str](), token
        try:
            whole, parts = False, 0
            while not whole:
                told = self._server.report(self._book.url, dav.sync_collection(fresh))
                whole, parts = told.whole, parts + 1
                if not whole and (told.token == fresh or parts == PARTS):  # what is not in it is not gone
                    raise MailError(Kind.CONNECTION, Retry.SOON, _CUT, f"{parts} parts", "dav-unsupported")
                fresh = told.token
                for one in told.responses:
                    href = carddav.path_of(one.href, self._base)
                    if one.status in (404, 410):
                        gone.append(href)
                        listed.pop(href, None)
                    elif href.rstrip("/") != self._base.rstrip("/"):
                        listed[href] = one.etag
        except MailError as error:
            if error.code != "dav-unsupported":
                raise
            if token:  # it has forgotten how far that was
                return self._changes("")
            return (*self._compared(known), "")
        difference = carddav.difference(listed, known)
        if token:
            return list(difference.fetch), [one for one in gone if one in known], fresh
        return list(difference.fetch), list(difference.gone), fresh

    def _compared(self, known: dict[str, str]) -> tuple[list[str], list[str]]:
        """The same by a whole listing."""
        listed = self._listing()
        found = carddav.difference(listed, known)
        return list(found.fetch), list(found.gone)

    def _listing(self) -> dict[str, str]:
        """Href -> ETag of every card there."""
        told = self._server.listing(self._book.url, dav.LISTING)
        found = ((carddav.path_of(one.href, self._base), one) for one in told.responses)
        return {href: one.etag for href, one in found if "collection" not in one.kinds and one.status != 404}

    def _fetch(self, hrefs: list[str]) -> None:
        wanted = (carddav.followed(self._book.url, one) for one in hrefs)
        paths = [one.partition("://")[2].partition("/")[2] for one in wanted]
        told = self._server.report(self._book.url, dav.multiget(f"/{one}" for one in paths))
        read = ((one, vcard.parse(one.data.encode("utf-8", "surrogateescape"))) for one in told.responses if one.data)
        cards = [(one, card, contact.facts(card)) for one, card in read if card.all("BEGIN")]
        with self._engine.store.write(durable=True) as tx:
            for one, card, facts in cards:
                self._take_card(tx, carddav.path_of(one.href, self._base), one.etag, card, facts)

    def _take_card(self, tx: Tx, href: str, etag: str, card: Card, facts: Facts) -> None:
        """One card of the server into its contact."""
        held = contacts.held_at(tx, self._book.id, href)
        held = held or (contacts.with_uid(tx, self._book.id, facts.uid) if facts.uid else None)
        if held is None:
            made = write_contacts.add(tx, self._book.id, card.raw, facts, dirty=False)
            write_contacts.server_has(tx, made, href, etag, card.raw)
            self.came += 1
        elif held.href and held.etag == etag and not held.gone:
            return
        elif held.dirty and not held.gone:
            self._put_together(tx, held, href, etag, card)
        else:
            write_contacts.change(tx, held.id, card.raw, facts, dirty=False)
            write_contacts.restore(tx, [held.id])  # deleted here and changed there: it is wanted by somebody
            write_contacts.server_has(tx, held.id, href, etag, card.raw)
            self.came += 1

    def _put_together(self, tx: Tx, held: Held, href: str, etag: str, theirs: Card) -> None:
        """Both sides changed a card."""
        found = card_merge.merge(vcard.parse(held.base or b""), vcard.parse(held.raw), theirs)
        card = found.card
        if card_merge.same(card, theirs):
            card = theirs  # the server has it all
        if found.conflicts:
            keep_beside(tx, self._book.id, theirs)
        write_contacts.change(tx, held.id, card.raw, contact.facts(card))
        write_contacts.server_has(tx, held.id, href, etag, theirs.raw)
        self.merged += 1

    def _lose(self, gone: list[str]) -> None:
        """The server does not have these any more."""
        if not gone:
            return
        known = sum(bool(one.href) for one in contacts.held(self._engine.store.reader(), self._book.id))
        if carddav.is_suspicious(len(gone), known) or carddav.is_incredible(len(gone), known):
            listed = self._listing()
            gone = [one for one in gone if one not in listed]
        if carddav.is_incredible(len(gone), known) and not self._doubted:
            self.doubts = True
            text = f"The server of “{self._book.name}” says that all of it is gone; nothing is removed here yet."
            raise MailError(Kind.ACCOUNT, Retry.SOON, text, f"{len(gone)} of {known}", "book-emptied")
        with self._engine.store.write(durable=True) as tx:
            for href in gone:
                held = contacts.held_at(tx, self._book.id, href)
                if held is not None:
                    self._lose_one(tx, held)

    def _lose_one(self, tx: Tx, held: Held) -> None:
        if carddav.fate(dirty=held.dirty, gone=held.gone) is Fate.DELETE:
            write_contacts.remove(tx, [held.id], Gone.SERVER, self._engine.context.now())
            self.came += 1
        write_contacts.server_lost(tx, held.id)

    # ---- telling
    def _tell(self) -> bool:
        """Tell the server what changed here; False where it had another card than was thought."""
        agreed, self.refused = True, 0
        for held in contacts.to_tell(self._engine.store.reader(), self._book.id):
            agreed &= self._tell_gone(held) if held.gone else self._tell_card(held)
        return agreed

    def _tell_gone(self, held: Held) -> bool:
        if not held.href:
            raise AssertionError("an empty href is that of the book")
        answer = self._server.delete(carddav.followed(self._book.url, held.href), held.etag)
        if answer.status == 412:
            return False
        with self._engine.store.write(durable=True) as tx:
            if answer.status in (200, 204, 404, 410):
                write_contacts.server_lost(tx, held.id)
                self.went += 1
            else:
                self._refuse(tx, held, answer.status)
        return True

    def _tell_card(self, held: Held) -> bool:
        raw = self._fit(held)
        href = held.href or self._base.rstrip("/") + "/" + carddav.new_name(vcard.parse(raw).text("UID"))
        url = carddav.followed(self._book.url, href)
        answer = self._server.put(url, raw.decode("utf-8", "surrogateescape"), held.etag if held.href else "")
        if answer.status == 412 or (answer.status in (404, 410) and held.href):
            return self._is_elsewhere(held, href)
        with self._engine.store.write(durable=True) as tx:
            if answer.status in (200, 201, 204):
                write_contacts.server_has(tx, held.id, href, answer.field("etag"), None, told=raw)
                self.went += 1
            else:
                self._refuse(tx, held, answer.status)
        return True

    def _is_elsewhere(self, held: Held, href: str) -> bool:
        """The server has another card there, or none: what it has is read, and the round begins anew."""
        if href in self._listing():
            with self._engine.store.write(durable=True) as tx:
                if not held.href:  # an answer was lost, or the name is another card's
                    write_contacts.server_has(tx, held.id, href, "", held.base, told=held.base or b"")
            self._fetch([href])
        else:
            with self._engine.store.write(durable=True) as tx:
                write_contacts.server_lost(tx, held.id)
        return False

    def _fit(self, held: Held) -> bytes:
        """The card as this server takes it: with a UID, in 3.0; where that is another, it is kept so here, too."""
        card = vcard.parse(held.raw)
        if card.version == "2.1" or (card.version == "4.0" and not self._takes_4()):
            card = convert(card, "3.0")
        if not card.text("UID"):
            card = contact.with_uid(card, new_uid())
        if not card.all("FN"):
            card = contact.changed(card, dataclasses.replace(contact.details(card), name=contact.facts(card).name))
        raw = card.raw
        if raw != held.raw:
            with self._engine.store.write(durable=True) as tx:
                if contacts.card(tx, held.id) == held.raw:
                    write_contacts.change(tx, held.id, raw, contact.facts(card))
        return raw

    def _takes_4(self) -> bool:
        if not self._takes4:
            _, told = self._server.propfind(self._book.url, dav.BOOKS, 0)
            self._takes4 = any(one.takes4 for one in told.responses)
        return self._takes4

    def _refuse(self, tx: Tx, held: Held, status: int) -> None:
        ENGINE.info("book %d: the server does not take a contact: %d", self._book.id, status)
        self.refused += 1
        if status in _FORBIDDEN:
            text = "The server does not let you change this address book"
        else:
            text = "The server did not take this change"
        kept = "the contact is here again" if held.gone else "it is kept here only"
        write_contacts.refused(tx, held.id, f"{text} ({status}); {kept}.")


# ---- when
class Cards:
    """Visits the servers of address books: after each change here, and every so often; ``stop`` ends it."""

    EVERY = 15 * 60.0  # seconds

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._errand = Errand("cards", self._round)
        self._visiting = threading.Lock()
        self._doubted: set[BookId] = set()

    def poke(self) -> None:
        """Something changed here, or the network did; does not wait, and does nothing where no book has a server."""
        if contacts.has_servers(self._engine.store.reader()):
            self._errand.poke()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._errand.stop()

    def visit(self, book: Book) -> tuple[Visit, str]:
        """One visit, and why it failed (empty: it did not)."""
        with self._visiting:
            visit = Visit(self._engine, book, doubted=book.id in self._doubted)
            problem = ""
            try:
                visit.run()
                self._doubted.discard(book.id)
            except MailError as error:
                ENGINE.info("book %d: %s (%s)", book.id, error.code, error.detail)
                problem = error.text
            except Exception:  # noqa: BLE001 - a mistake of ours over one book must not end the visits to all
                ENGINE.exception("book %d", book.id)
                problem = _MISTAKE
            if problem:
                with self._engine.store.write() as tx:
                    write_contacts.visited(tx, book.id, "", problem, 0)
            if visit.doubts:
                self._doubted.add(book.id)
            return visit, problem

    def _round(self) -> float | None:
        books = [one for one in contacts.books(self._engine.store.reader()) if one.kind is BookKind.CARDDAV]
        for book in books:
            if not self._errand.over:
                self.visit(book)
        return self.EVERY if books else None
