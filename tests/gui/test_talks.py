"""Conversations in a person's hands: why, split, join, mute, ignore; through a real engine and server."""

import time
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path

import pytest
from gui_office import Office, office, wait_until
from PySide6.QtWidgets import QApplication

from mua import wire
from mua.gui.palette import Choice
from mua.gui.places import Place
from mua.model.folder import FolderId, Role
from mua.model.message import Flag, MessageRow
from mua.store import read


def letter(name: str, subject: str, refers: str = "", sender: str = "ann") -> bytes:
    lines = [
        f"From: {sender} <{sender}@example.org>",
        "To: robin@demo.invalid",
        f"Subject: {subject}",
        f"Message-ID: <{name}@example.org>",
        f"Date: {formatdate()}",
        *([f"References: {' '.join(f'<{one}@example.org>' for one in refers.split())}"] if refers else []),
    ]
    return "\r\n".join([*lines, "", f"The words of {name}.", ""]).encode()


class Desk:
    """A window whose account has a conversation, and another message."""

    def __init__(self, office: Office) -> None:
        self.office, self.program = office, office.program
        self.desk = office.program.desk
        office.sign_in()
        self.deliver(letter("a", "Plan"), letter("b", "Re: Plan", "a", "bob"), letter("c", "Re: Plan", "a b"))
        self.deliver(letter("x", "Lunch", sender="cat"))
        self.desk.show_place(Place(folder=FolderId(office.folder(Role.INBOX))))
        wait_until(lambda: len(self.rows()) == 4, "the mail")
        wait_until(lambda: self.desk.listing.model.messages == 4, "the list")

    def deliver(self, *raws: bytes) -> None:
        for raw in raws:
            self.office.servers.do(lambda raw=raw: self.office.servers.mailbox.find("INBOX").add(raw, int(time.time())))
        self.office.ask(wire.Sync())

    def rows(self) -> dict[str, MessageRow]:
        found = read.rows(self.office.db, [row[0] for row in self.office.db.rows("SELECT id FROM message")])
        return {row.message_id.partition("@")[0]: row for row in found}

    def talks(self) -> set[frozenset[str]]:
        groups: dict[int, set[str]] = {}
        for name, row in self.rows().items():
            groups.setdefault(row.thread_id, set()).add(name)
        return {frozenset(one) for one in groups.values()}

    def read(self, name: str) -> MessageRow:
        row = self.rows()[name]
        self.desk.go_to(row.id)
        wait_until(lambda: self.desk.reader.row is not None and self.desk.reader.row.id == row.id, "the reader")
        return row

    def do(self, deed: str) -> None:
        self.program.window.actions_[deed].trigger()

    def undo(self, what: str) -> None:
        toast = self.program.window.toast
        wait_until(lambda: toast.isVisible() and what in toast._text.text(), what)
        toast._button.click()


@pytest.fixture
def desk(tmp_path: Path, qapp: QApplication) -> Iterator[Desk]:
    with office(tmp_path) as made:
        yield Desk(made)


def said(choices: list[Choice]) -> list[str]:
    return [one.text for one in choices]


def groups(*several: str) -> set[frozenset[str]]:
    return {frozenset(one.split()) for one in several}


def test_why_split_and_back(desk: Desk) -> None:
    assert desk.talks() == groups("a b c", "x")
    reasons = desk.desk.talks.reasons(desk.read("b"))
    assert said(reasons) == [
        "It answers ann: Plan",
        "It is answered by ann: Re: Plan",
        "Begin a conversation with this message",
    ]
    desk.do("split")
    wait_until(lambda: desk.talks() == groups("a", "b c", "x"), "the split")
    wait_until(lambda: len(desk.desk.listing.model.rows) >= 4, "its row")
    assert said(desk.desk.talks.reasons(desk.rows()["b"]))[-1] == "As the mail itself has it"
    desk.deliver(letter("d", "Re: Plan", "a b c", "bob"))
    wait_until(lambda: desk.talks() == groups("a", "b c d", "x"), "an answer to it")
    desk.desk.talks.reasons(desk.rows()["b"])[-1].act()
    wait_until(lambda: desk.talks() == groups("a b c d", "x"), "as it was")


def test_conversations_are_joined_and_that_is_undone(desk: Desk) -> None:
    desk.desk.listing.view.selectAll()
    desk.do("join")
    wait_until(lambda: desk.talks() == groups("a b c x"), "one conversation")
    assert "You joined it with ann: Plan" in said(desk.desk.talks.reasons(desk.read("x")))
    desk.undo("are one now")
    wait_until(lambda: desk.talks() == groups("a b c", "x"), "two again")


def test_a_muted_conversation_is_read_by_itself_and_heard_again(desk: Desk) -> None:
    desk.read("c")
    desk.do("mute")
    wait_until(lambda: all(desk.rows()[one].flags & Flag.SEEN for one in "abc"), "read")
    model = desk.desk.listing.model
    told: list[list[MessageRow]] = []
    desk.desk.arrived.connect(told.append)
    desk.deliver(letter("d", "Re: Plan", "a"), letter("y", "Other"))
    wait_until(lambda: "d" in desk.rows() and told, "more")
    assert [row.message_id for rows in told for row in rows] == ["y@example.org"]
    assert desk.rows()["d"].flags & Flag.SEEN
    wait_until(lambda: model.messages == 6, "the list")
    cards = [card for row in range(len(model.rows)) if model.id_at(row) and (card := model.card(row))]
    assert [card.quiet for card in cards if card.in_thread == 4] == [True]
    wait_until(lambda: _flags(desk, b"<d@example.org>") and "\\Seen" in _flags(desk, b"<d@example.org>"), "the server")
    desk.do("mute")
    desk.deliver(letter("e", "Re: Plan", "a"))
    wait_until(lambda: "e" in desk.rows(), "e")
    assert not desk.rows()["e"].flags & Flag.SEEN


def test_an_ignored_conversation_leaves_the_inbox(desk: Desk) -> None:
    archive = FolderId(desk.office.folder(Role.ARCHIVE))
    desk.read("c")
    desk.do("ignore")
    wait_until(lambda: all(desk.rows()[one].folder_id == archive for one in "abc"), "archived")
    desk.deliver(letter("d", "Re: Plan", "a"))
    wait_until(lambda: "d" in desk.rows() and desk.rows()["d"].folder_id == archive, "what came later, too")
    assert desk.rows()["d"].flags & Flag.SEEN
    assert desk.rows()["x"].folder_id != archive


def _flags(desk: Desk, name: bytes) -> set[str]:
    def find() -> set[str]:
        held = desk.office.servers.mailbox.find("INBOX").messages.values()
        return next((set(one.flags) for one in held if name in one.data), set())

    return desk.office.servers.do(find)


def test_clients_hear_of_what_is_new_in_any_folder_where_there_is_news(desk: Desk) -> None:
    """Whether somebody is told of it is theirs to choose."""
    told: list[list[MessageRow]] = []
    desk.desk.arrived.connect(told.append)
    mailbox = desk.office.servers.mailbox

    def file(name: str, folder: str) -> None:
        desk.office.servers.do(lambda: mailbox.find(folder).add(letter(name, "Filed"), int(time.time())))

    desk.office.servers.do(lambda: mailbox.create("Lists"))
    desk.office.servers.do(lambda: mailbox.create("Spam", "\\Junk"))
    file("in-junk", "Spam")
    desk.office.ask(wire.Sync())
    wait_until(lambda: "in-junk" in desk.rows(), "what is junk")
    file("filed", "Lists")
    desk.office.ask(wire.Sync())

    def heard() -> list[str]:
        return [row.message_id for rows in told for row in rows]  # those of before may come late

    wait_until(lambda: "filed@example.org" in heard(), "what is new")
    assert "in-junk@example.org" not in heard()
