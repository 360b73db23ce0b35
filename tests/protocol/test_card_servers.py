"""Servers of address books that say what no server should: nothing here is lost by it, and no visit hangs or dies."""

import base64
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from certs import authority
from oauth_provider import CLIENT, Provider, browse

from mua import wire
from mua.engine import card_sync, commands
from mua.engine.card_sync import Cards
from mua.engine.lock import ProfileLock
from mua.engine.main import Engine
from mua.errors import MailError
from mua.model.account import Account, AccountId, Habits, Incoming, Security
from mua.model.account import Server as MailServer
from mua.model.contact import Book, BookId, BookKind
from mua.model.oauth import OAuth
from mua.net import oauth as net
from mua.paths import Profile
from mua.store import contacts, read, write

BOOK = "<d:collection/><c:addressbook/>"
ANN = "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ann\r\nFN:Ann\r\nEMAIL:ann@a.example\r\nEND:VCARD\r\n"


def response(href: str, props: str = "", status: str = "") -> str:
    said = f"<d:status>HTTP/1.1 {status}</d:status>" if status else f"<d:propstat><d:prop>{props}</d:prop></d:propstat>"
    return f"<d:response><d:href>{href}</d:href>{said}</d:response>"


@dataclass
class Server:
    """What it says: its cards by their hrefs (ETag, data), what it adds to its listings, its tokens one by one."""

    cards: dict[str, tuple[str, str]] = field(default_factory=dict)
    extra: str = ""
    location: str = ""
    knows_sync: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)
    fields: set[str] = field(default_factory=set)
    url: str = ""
    words: list[str] = field(default_factory=list)
    """What signed in, of each request."""
    takes: str = ""
    """The only word that signs in here; empty: any."""
    challenge: str = 'Basic realm="cards"'
    refuses: bool = False
    """It takes no change."""

    def says(self, method: str, body: str) -> str:
        """The responses to a request."""
        if method == "PROPFIND" and "getetag" not in body:
            return response("/b/", f"<d:resourcetype>{BOOK}</d:resourcetype>")
        data = "multiget" in body
        told = (
            response(
                href, f"<d:getetag>{etag}</d:getetag>" + (f"<c:address-data>{card}</c:address-data>" if data else "")
            )
            for href, (etag, card) in self.cards.items()
        )
        return "".join(told) + ("" if data else self.extra)


@pytest.fixture
def server() -> Iterator[Server]:
    told = Server()

    class Talk(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            told.asked.append((self.command, body))
            told.fields.update(self.headers)
            told.words.append(self.headers["Authorization"])
            if told.takes not in ("", told.words[-1]):
                self.send_response(401)
                self.send_header("WWW-Authenticate", told.challenge)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            text = told.says(self.command, body)
            token = f"<d:sync-token>t{len(told.asked)}</d:sync-token>"
            raw = (
                f'<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:carddav">{text}{token}</d:multistatus>'
            )
            refused = "sync-collection" in body and not told.knows_sync
            status = 301 if told.location else 403 if refused else 207
            self.send_response(status)
            if told.location:
                self.send_header("Location", told.location)
            self.send_header("Content-Length", str(len(raw.encode())))
            self.end_headers()
            self.wfile.write(raw.encode())

        do_PROPFIND = do_REPORT = do_DELETE = do_PUT = answer

    with ThreadingHTTPServer(("127.0.0.1", 0), Talk) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        told.url = f"http://127.0.0.1:{http.server_port}/b/"
        yield told
        http.shutdown()
        thread.join()


class House:
    """An engine in this process with the server's book."""

    def __init__(self, engine: Engine, server: Server) -> None:
        self.engine = engine
        book = Book(BookId(0), "Friends", BookKind.CARDDAV, server.url, "maya")
        kept = commands.handle(engine, wire.PutBook(book, "secret"))
        assert isinstance(kept, wire.BookKept)
        self.book = kept.book_id

    def sync(self) -> tuple[str, ...]:
        done = commands.handle(self.engine, wire.SyncBooks(self.book))
        assert isinstance(done, wire.BooksSynced)
        return done.problems

    def names(self) -> list[str]:
        db = self.engine.store.reader()
        return sorted(one.name for one in contacts.rows(db, contacts.order(db, self.book)))


@pytest.fixture
def house(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setenv("MUA_SECRETS", "session")
    monkeypatch.setattr(Cards, "poke", lambda _: None)
    profile = Profile(tmp_path / "profile").create()
    engine = Engine(profile, ProfileLock(profile), stay=True)
    thread = threading.Thread(target=engine.run)
    thread.start()
    server.cards = {
        f"/b/{name}.vcf": ('"1"', ANN.replace("Ann", name).replace("ann", name)) for name in ("Ann", "Bo", "Cy")
    }
    made = House(engine, server)
    assert made.sync() == ()
    assert made.names() == ["Ann", "Bo", "Cy"]
    yield made
    engine.stop_soon()
    thread.join(30)


def test_what_is_no_card_takes_nobody_s_place(server: Server, house: House) -> None:
    server.cards["/b/Ann.vcf"] = ('"2"', "<![CDATA[<html>We are moving house.</html>]]>")
    assert house.sync() == ()
    assert house.names() == ["Ann", "Bo", "Cy"]


def test_who_is_beyond_the_end_of_a_listing_that_was_cut_is_not_gone(server: Server, house: House) -> None:
    del server.cards["/b/Cy.vcf"]
    server.extra = response("/b/", status="507 Insufficient Storage")
    server.knows_sync = False
    (problem,) = house.sync()
    assert "does not answer as a server of address books does" in problem
    assert house.names() == ["Ann", "Bo", "Cy"]


def test_an_answer_without_an_end_ends(server: Server, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(card_sync, "PARTS", 5, raising=False)
    server.extra = response("/b/", status="507 Insufficient Storage")
    del server.asked[:]
    original = server.says

    def says(method: str, body: str) -> str:
        if len(server.asked) > 60:  # which would be never without a bound
            server.extra = ""
        return original(method, body)

    server.says = says  # type: ignore[method-assign]
    house.sync()
    assert len(server.asked) < 20
    assert house.names() == ["Ann", "Bo", "Cy"]


def test_an_href_or_a_redirect_that_is_no_address_is_the_server_s_fault(server: Server, house: House) -> None:
    server.extra = response("https://[x/a.vcf", "<d:getetag>1</d:getetag>")
    (problem,) = house.sync()
    assert "does not answer as a server of address books does" in problem
    server.location = "https://[x"
    with pytest.raises(MailError):
        commands.handle(house.engine, wire.FindBooks(server.url, "maya", "secret"))
    assert house.names() == ["Ann", "Bo", "Cy"]


def test_an_etag_brings_no_field_of_its_own(server: Server, house: House) -> None:
    name, card = server.cards["/b/Ann.vcf"]
    server.cards["/b/Ann.vcf"] = (f"{name[:-1]}&#13;&#10;X-Evil: 1", card)
    house.sync()
    db = house.engine.store.reader()
    commands.handle(house.engine, wire.RemoveContacts(tuple(contacts.order(db, house.book))))
    house.sync()
    assert not any("evil" in one.lower() for one in server.fields)


@pytest.mark.log_warning("book 1")
def test_a_mistake_over_one_book_does_not_end_the_visits(
    server: Server, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(card_sync.Visit, "run", broken)
        (problem,) = house.sync()
        assert "Mua made a mistake" in problem
    assert house.sync() == ()


def account(house: House, host: str, oauth: OAuth | None = None) -> Account:
    """An account of the house whose servers are ``host``, with its password."""
    server = MailServer(host, 993, Security.TLS, "maya")
    new = Account(
        AccountId(0), f"{host}{len(read.accounts(house.engine.store.reader()))}", "maya@example.org",
        incoming=Incoming.IMAP, incoming_server=server, habits=Habits(paused=True), oauth=oauth,
    )  # fmt: skip
    with house.engine.store.write() as tx:
        number = write.add_account(tx, new)
    found = read.account(house.engine.store.reader(), number)
    assert found is not None
    house.engine.remember_password(found, "the account's")
    return found


def test_an_account_s_password_goes_to_its_own_servers_only(server: Server, house: House) -> None:
    ours, theirs = account(house, "127.0.0.1"), account(house, "imap.example.org")
    commands.handle(house.engine, wire.FindBooks(server.url, account_id=ours.id))
    assert set(server.words[-2:]) == {"Basic " + base64.b64encode(b"maya:the account's").decode()}
    before = len(server.asked)
    for command in (
        wire.FindBooks(server.url, account_id=theirs.id),
        wire.PutBook(Book(BookId(0), "X", BookKind.CARDDAV, f"{server.url}x/", "", int(theirs.id))),
    ):
        with pytest.raises(MailError) as refused:
            commands.handle(house.engine, command)
        assert refused.value.code == "own-password"
        assert refused.value.text.startswith("127.0.0.1 is no server of maya@example.org")
    with house.engine.store.write() as tx:  # a book that was added before this was looked at
        tx.run("UPDATE book SET account_id = ?", theirs.id)
    (problem,) = house.sync()
    assert "Give this address book a password of its own" in problem
    assert len(server.asked) == before


def test_a_server_that_takes_digest_only_is_said_to(server: Server, house: House) -> None:
    server.takes, server.challenge = "Digest x", 'Digest realm="cards", nonce="1", qop="auth"'
    (problem,) = house.sync()
    assert "takes Digest sign-ins only" in problem


def test_a_token_signs_in_and_one_that_was_refused_is_renewed_once(server: Server, house: House) -> None:
    with Provider(authority().leaf()) as provider:
        ca_file = str(authority().ca_file)
        oauth = net.find(provider.issuer, CLIENT, ca_file=ca_file)
        maya = account(house, "127.0.0.1", oauth)
        browser = net.Browser(oauth, maya.email, provider.client_secret, ca_file)
        waiting = threading.Thread(target=lambda: house.engine.tokens.keep(maya.id, browser.wait(20)))
        waiting.start()
        browse(browser.url, ca_file)
        waiting.join(20)
        with house.engine.store.write() as tx:
            tx.run("UPDATE account SET ca_file = ?", ca_file)
            tx.run("UPDATE book SET account_id = ?", maya.id)
        token = house.engine.tokens.access(maya)
        assert house.sync() == ()
        assert server.words[-1] == f"Bearer {token}"
        server.takes = "Bearer another"
        (problem,) = house.sync()
        assert "does not accept the sign-in of maya@example.org" in problem
        assert provider.asked["refresh_token"] == 1
        server.takes = f"Bearer {house.engine.tokens.access(maya)}"
        assert house.sync() == ()
        assert provider.asked["refresh_token"] == 1
