"""CardDAV with a real Radicale: both ways, offline edits put together, nothing lost, nothing believed too soon."""

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Mua
from radicale_server import PASSWORD, RADICALE, USER, Radicale, radicale

from mua import wire
from mua.engine import commands
from mua.engine.card_sync import Cards
from mua.engine.contacts import octets
from mua.engine.lock import ProfileLock
from mua.engine.main import Engine
from mua.errors import MailError
from mua.mime import contact, vcard
from mua.mime.contact import Details, Entry
from mua.model.contact import Book, BookId, BookKind, Contact
from mua.paths import Profile
from mua.store import contacts

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radicale]:
    if not RADICALE.exists():
        pytest.skip("Radicale is not installed")
    with radicale(tmp_path_factory.mktemp("radicale")) as found:
        yield found


@dataclasses.dataclass
class House:
    """An engine in this process, with the server's book; what it would do by itself is done by ``sync``."""

    engine: Engine
    server: Radicale
    book: int

    def ask(self, command: wire.Command) -> Any:
        return commands.handle(self.engine, command)

    def sync(self) -> wire.BooksSynced:
        done = self.ask(wire.SyncBooks(self.book))
        assert isinstance(done, wire.BooksSynced)
        return done

    def agreed(self) -> wire.BooksSynced:
        done = self.sync()
        assert done.problems == ()
        return done

    def people(self) -> dict[str, Contact]:
        db = self.engine.store.reader()
        return {one.name: one for one in contacts.rows(db, contacts.order(db, self.book))}

    def details(self, name: str) -> Details:
        return contact.details(vcard.parse(contacts.card(self.engine.store.reader(), self.people()[name].id)))

    def add(self, about: Details) -> None:
        card = contact.fresh(f"urn:uuid:{about.name.lower().replace(' ', '-')}", about)
        self.ask(wire.PutContact(card.raw.decode(), self.book))

    def edit(self, who: str, /, **changes: Any) -> None:
        one = self.people()[who]
        before = contacts.card(self.engine.store.reader(), one.id)
        card = vcard.parse(before)
        made = contact.changed(card, dataclasses.replace(contact.details(card), **changes))
        self.ask(wire.PutContact(made.raw.decode(), 0, one.id, before.decode()))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine of this process that visits servers only when it is asked to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MUA_SECRETS", "session")
        patch.setattr(Cards, "poke", lambda _: None)
        profile = Profile(tmp_path_factory.mktemp("profile") / "profile").create()
        made = Engine(profile, ProfileLock(profile), stay=True)
        thread = threading.Thread(target=made.run)
        thread.start()
        yield made
        made.stop_soon()
        thread.join(30)


@pytest.fixture
def house(server: Radicale, engine: Engine) -> Iterator[House]:
    for name in server.names():
        server.ask("DELETE", f"/{USER}/friends/{name}")
    book = Book(BookId(0), "Friends", BookKind.CARDDAV, server.book, USER, 0, str(server.ca_file))
    kept = commands.handle(engine, wire.PutBook(book, PASSWORD))
    assert isinstance(kept, wire.BookKept)
    yield House(engine, server, kept.book_id)
    for one in contacts.books(engine.store.reader()):
        commands.handle(engine, wire.RemoveBook(one.id, forced=True))


ANN = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:ann\r\nFN:Ann Lee\r\nN:Lee;Ann;;;\r\nEMAIL;TYPE=HOME:ann@a.example\r\n"
    "X-OTHER;X-P=q:kept by the other program\r\nEND:VCARD\r\n"
)


def test_books_are_found_by_the_server_s_own_word(server: Radicale, house: House) -> None:
    found = house.ask(wire.FindBooks(server.url, USER, PASSWORD, 0, str(server.ca_file)))
    assert found.books == ((server.book, "Friends"),)
    found = house.ask(wire.FindBooks(server.book, USER, PASSWORD, 0, str(server.ca_file)))
    assert found.books == ((server.book, "Friends"),)
    with pytest.raises(MailError) as failed:
        house.ask(wire.FindBooks(server.url, USER, "wrong", 0, str(server.ca_file)))
    assert failed.value.code == "auth-failed"
    assert "wrong" not in f"{failed.value.text}{failed.value.detail}"
    with pytest.raises(MailError) as failed:
        house.ask(wire.FindBooks(server.url, USER, PASSWORD))  # whose certificate nobody vouches for
    assert failed.value.code in ("no-books", "certificate-unknown")


def test_what_each_side_adds_changes_and_deletes_is_on_both(server: Radicale, house: House) -> None:
    server.put("ann.vcf", ANN)
    house.add(Details("Bo Ek", emails=(Entry("bo@b.example", "work"),), note="ñandú, or; so"))
    done = house.agreed()
    assert (done.came, done.went) == (1, 1)
    assert set(house.people()) == {"Ann Lee", "Bo Ek"}
    (name,) = (one for one in server.names() if one != "ann.vcf")
    assert "bo@b.example" in server.get(name)
    house.edit("Ann Lee", title="Captain")
    server.put(name, server.get(name).replace("Bo Ek", "Bo Eklund"))
    house.agreed()
    assert "TITLE:Captain" in server.get("ann.vcf")
    assert "kept by the other program" in server.get("ann.vcf")
    assert house.details("Bo Eklund").note == "ñandú, or; so"
    house.ask(wire.RemoveContacts((house.people()["Ann Lee"].id,)))
    server.ask("DELETE", f"/{USER}/friends/{name}")
    server.put("cee.vcf", ANN.replace("ann", "cee").replace("Ann", "Cee"))
    house.agreed()
    assert server.names() == ["cee.vcf"]
    assert set(house.people()) == {"Cee Lee"}
    assert house.agreed().came == house.agreed().went == 0
    gone = {one.contact.name: one.why for one in contacts.gone(house.engine.store.reader())}
    assert gone == {"Ann Lee": "deleted here", "Bo Eklund": "deleted on the server"}


def test_edits_of_both_sides_are_put_together(server: Radicale, house: House) -> None:
    server.put("ann.vcf", ANN)
    house.agreed()
    house.edit("Ann Lee", title="Captain", emails=(*house.details("Ann Lee").emails, Entry("new@here.example")))
    server.put("ann.vcf", ANN.replace("X-OTHER", "NOTE:from there\r\nEMAIL;TYPE=WORK:new@there.example\r\nX-OTHER"))
    assert house.agreed().merged == 1
    about = house.details("Ann Lee")
    assert (about.title, about.note) == ("Captain", "from there")
    assert {one.value for one in about.emails} == {"ann@a.example", "new@here.example", "new@there.example"}
    there = server.get("ann.vcf")
    assert all(word in there for word in ("Captain", "from there", "new@here.example", "new@there.example"))
    assert house.agreed().went == 0


def test_what_cannot_be_put_together_is_there_twice(server: Radicale, house: House) -> None:
    server.put("ann.vcf", ANN)
    house.agreed()
    house.edit("Ann Lee", name="Ann Mine")
    server.put("ann.vcf", ANN.replace("FN:Ann Lee", "FN:Ann Theirs"))
    house.agreed()
    assert set(house.people()) == {"Ann Mine", "Ann Theirs"}
    assert len(server.names()) == 2
    said = "".join(map(server.get, server.names()))
    assert "Ann Mine" in said
    assert "Ann Theirs" in said


def test_a_deletion_there_does_not_take_an_edit_here_nor_the_reverse(server: Radicale, house: House) -> None:
    server.put("ann.vcf", ANN)
    server.put("bo.vcf", ANN.replace("ann", "bo").replace("Ann", "Bo"))
    server.put("cee.vcf", ANN.replace("ann", "cee").replace("Ann", "Cee"))
    house.agreed()
    house.edit("Ann Lee", title="Captain")
    server.ask("DELETE", f"/{USER}/friends/ann.vcf")
    house.ask(wire.RemoveContacts((house.people()["Bo Lee"].id,)))
    server.put("bo.vcf", ANN.replace("ann", "bo").replace("Ann", "Bo").replace("X-OTHER", "NOTE:news\r\nX-OTHER"))
    house.agreed()
    assert set(house.people()) == {"Ann Lee", "Bo Lee", "Cee Lee"}
    assert house.details("Bo Lee").note == "news"
    assert any("Captain" in server.get(name) for name in server.names())


def test_a_server_that_has_lost_everything_is_not_believed_at_once(server: Radicale, house: House) -> None:
    for name in ("ann", "bo", "cee"):
        server.put(f"{name}.vcf", ANN.replace("ann", name).replace("Ann", name.title()))
    house.agreed()
    for name in server.names():
        server.ask("DELETE", f"/{USER}/friends/{name}")
    (problem,) = house.sync().problems
    assert "all of it is gone" in problem
    assert len(house.people()) == 3
    house.agreed()  # it says so again
    assert house.people() == {}
    ids = tuple(one.contact.id for one in contacts.gone(house.engine.store.reader()))
    house.ask(wire.RestoreContacts(ids))
    house.agreed()
    assert len(server.names()) == len(house.people()) == 3


def test_who_is_deleted_before_the_server_knew_of_them_takes_nothing_along(server: Radicale, house: House) -> None:
    server.put("ann.vcf", ANN)
    house.agreed()
    house.add(Details("Bo Ek"))
    house.ask(wire.RemoveContacts((house.people()["Bo Ek"].id,)))
    house.agreed()
    assert server.names() == ["ann.vcf"]
    assert set(house.people()) == {"Ann Lee"}
    (book,) = (one for one in contacts.books(house.engine.store.reader()) if one.id == house.book)
    assert book.waiting == 0


def test_what_a_server_does_not_take_is_said_and_taken_back(server: Radicale, house: House) -> None:
    """The book may be read only."""
    server.put("ann.vcf", ANN)
    server.put("bo.vcf", ANN.replace("ann", "bo").replace("Ann", "Bo"))
    house.agreed()
    server.allow("r")
    try:
        house.edit("Ann Lee", name="Ann Changed")
        house.ask(wire.RemoveContacts((house.people()["Bo Lee"].id,)))
        house.add(Details("Cy New"))
        (problem,) = house.sync().problems
        assert problem == "Friends: the server did not take 3 of the changes; its contacts say why."
        people = house.people()
        assert "does not let you change this address book (403); it is kept here only" in people["Ann Changed"].problem
        assert people["Bo Lee"].problem.endswith("the contact is here again.")
        (book,) = (one for one in contacts.books(house.engine.store.reader()) if one.id == house.book)
        assert (book.refused, book.waiting) == (2, 2)
        house.ask(wire.UndoContacts(tuple(one.id for one in people.values())))
        assert {one.name: one.problem for one in house.people().values() if one.waiting} == {}
        assert set(house.people()) == {"Ann Lee", "Bo Lee"}
        house.agreed()
    finally:
        server.allow("rw")
    assert server.names() == ["ann.vcf", "bo.vcf"]
    assert "FN:Ann Lee" in server.get("ann.vcf")
    house.ask(wire.RemoveContacts((house.people()["Bo Lee"].id,)))  # once it may be, it is
    house.agreed()
    assert server.names() == ["ann.vcf"]


def test_a_token_that_the_server_forgot_costs_nothing(server: Radicale, house: House) -> None:
    server.put("ann.vcf", ANN)
    house.agreed()
    with house.engine.store.write() as tx:
        tx.run("UPDATE book SET sync_token = 'http://radicale.org/ns/sync/0000'")
    server.put("bo.vcf", ANN.replace("ann", "bo").replace("Ann", "Bo"))
    assert house.agreed().came == 1
    assert set(house.people()) == {"Ann Lee", "Bo Lee"}


def test_an_answer_that_was_lost_makes_no_second_card(server: Radicale, house: House) -> None:
    """The card is on the server, and this side does not know: as after a crash between its answer and the commit."""
    house.add(Details("Bo Ek", emails=(Entry("bo@b.example"),)))
    house.agreed()
    with house.engine.store.write() as tx:
        tx.run("UPDATE contact SET href = '', etag = '', dirty = 1")
        tx.run("UPDATE card SET base = NULL")
    house.agreed()
    assert len(server.names()) == 1
    assert list(house.people()) == ["Bo Ek"]


def test_a_card_without_a_uid_and_one_of_4_0_go_out_as_the_server_takes_them(server: Radicale, house: House) -> None:
    raw = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Old Friend\r\nEMAIL;PREF=1:old@a.example\r\nX-OWN:1\r\nEND:VCARD\r\n"
    house.ask(wire.PutContact(raw, house.book))
    house.agreed()
    (name,) = server.names()
    there = vcard.parse(octets(server.get(name)))
    assert there.version == "3.0"
    assert there.text("UID")
    assert there.text("X-OWN") == "1"
    assert house.agreed().went == 0


def test_a_book_with_changes_is_not_forgotten_unasked(server: Radicale, house: House) -> None:
    house.add(Details("Bo Ek"))
    with pytest.raises(MailError) as refused:
        house.ask(wire.RemoveBook(house.book))
    assert refused.value.code == "book-waits"
    house.agreed()
    house.ask(wire.RemoveBook(house.book))
    assert len(server.names()) == 1
    assert house.engine.secrets.get(f"book-{house.book}", "password") is None


def test_the_command_line_finds_a_book_and_keeps_it_the_same(server: Radicale, house: House, tmp_path: Path) -> None:
    server.put("ann.vcf", ANN)
    mua, word = Mua(tmp_path / "profile"), f"{PASSWORD}\n".encode()
    who = ("--user", USER, "--password-stdin", "--ca-file", str(server.ca_file))
    with mua.engine():
        (found,) = mua.json("contacts", "find-books", server.url, *who, stdin=word)
        assert found == {"url": server.book, "name": "Friends"}
        told = mua.json("contacts", "add-server", found["url"], "--name", "Friends", *who, stdin=word)
        assert told["problems"] == []
        (ann,) = mua.json("contacts", "list", "--book", "Friends")
        mua.json("contacts", "group", "Crew", ann["id"])
        mua.json("contacts", "sync", "--book", "Friends")
        assert "CATEGORIES:Crew" in server.get("ann.vcf")
        wrong = mua.json("contacts", "find-books", server.url, *who, stdin=b"wrong\n", code=1)
        assert wrong["error"]["code"] == "auth-failed"
        assert mua.json("contacts", "books")[0]["problem"] is None
    assert PASSWORD not in (mua.profile / "mua.log").read_text()
    assert PASSWORD.encode() not in b"".join(one.read_bytes() for one in mua.profile.glob("cache.db*"))
