"""What is not on this computer: the line below the list, the folder's menu, the ledger, the health page."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gui_mail import Mail
from gui_office import Office, office, wait_until
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mua import wire
from mua.gui.app import Program
from mua.gui.folder_menu import folder_menu
from mua.gui.health import HealthPage, facts
from mua.gui.ledger import LedgerPage
from mua.gui.places import Place
from mua.gui.sidebar import Entry
from mua.model.account import AccountId
from mua.model.folder import FolderId, FolderState, Role
from mua.model.ledger import Claim
from mua.model.message import MessageId
from mua.model.policy import EVERYTHING, Keep, Policy
from mua.model.quota import Quota
from mua.store import ledger, read, write

MONTH = Policy(Keep.DAYS, 30)


class Ear:
    """An engine's client that only notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[wire.Command, Callable[..., object] | None]] = []

    def ask(self, command: wire.Command, then: Callable[..., object] | None = None, failed: object = None) -> None:
        self.asked.append((command, then))

    def commands(self) -> list[wire.Command]:
        return [command for command, _ in self.asked]


@pytest.fixture
def ear(program: Program) -> Ear:
    made = Ear()
    program.desk.client = made  # type: ignore[assignment]
    return made


def leave_there(program: Program, mail: Mail, number: int, policy: Policy = MONTH) -> FolderId:
    inbox = mail.folders["INBOX"]
    with mail.store.write() as tx:
        write.set_policy(tx, AccountId(1), inbox, policy)
        write.set_folder_state(tx, inbox, FolderState(1, 100, 0, 12 + number, number))
    program.desk.read_again(set(), sidebar=True)
    return inbox


# ---- folders
def test_older_messages_on_the_server_are_stated_and_can_be_fetched(program: Program, mail: Mail, ear: Ear) -> None:
    line = program.window.listing.rest
    assert line.isHidden()
    inbox = leave_there(program, mail, 38_200)
    assert line.text() == "38,200 older messages are on the server"
    assert line.isHidden(), "it is for whoever reads to the end"
    bar = program.window.listing.view.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert not line.isHidden()
    QApplication.processEvents()
    assert not line.isHidden(), "that it takes room does not take it away again"
    bar.setValue(0)
    assert line.isHidden()
    line.press()
    assert ear.commands() == [wire.SetPolicy(EVERYTHING, folder_id=inbox)]
    leave_there(program, mail, 38_200, EVERYTHING)
    assert line.text() == "38,200 older messages are being fetched"
    leave_there(program, mail, 0, EVERYTHING)
    assert line.isHidden()
    program.desk.show_place(Place(folder=mail.folders["Archive"]))
    assert line.isHidden()


def texts(program: Program, entry: Entry) -> dict[str, bool]:
    menu = folder_menu(program.desk, entry)
    assert menu is not None
    return {one.text(): one.isChecked() for one in menu.actions() if one.isCheckable()}


def test_how_much_is_kept_is_chosen_in_the_folder_s_menu(program: Program, mail: Mail, ear: Ear) -> None:
    inbox = mail.folders["INBOX"]
    entry = next(one for one in program.window.sidebar.model.entries if one.place == Place(folder=inbox))
    offered = texts(program, entry)
    assert list(offered)[:3] == ["As the account (everything)", "Everything", "The last 30 days"]
    assert [text for text, checked in offered.items() if checked] == ["As the account (everything)"]
    leave_there(program, mail, 5, Policy(Keep.DAYS, 17))
    assert [text for text, checked in texts(program, entry).items() if checked] == ["The last 17 days"]
    menu = folder_menu(program.desk, entry)
    assert menu is not None
    next(one for one in menu.actions() if one.text() == "Senders and subjects only").trigger()
    heading = next(one for one in program.window.sidebar.model.entries if one.heading and one.account == 1)
    menu = folder_menu(program.desk, heading)
    assert menu is not None
    next(one for one in menu.actions() if one.text() == "The last year").trigger()
    assert ear.commands() == [
        wire.SetPolicy(Policy(Keep.HEADERS), folder_id=inbox),
        wire.SetPolicy(Policy(Keep.DAYS, 365), account_id=1),
    ]
    assert folder_menu(program.desk, Entry("Favourites")) is None


# ---- searches
def test_a_search_says_where_it_looked_and_goes_on_at_the_server(
    program: Program, mail: Mail, ear: Ear, qtbot: QtBot
) -> None:
    leave_there(program, mail, 1_000)
    listing, elsewhere = program.window.listing, program.desk.elsewhere
    listing.search.setText("is:starred")
    qtbot.waitUntil(lambda: listing.model.messages == 3)
    here = sum(one.total for one in program.desk.folders.values())
    assert listing.rest.text() == (f"{here:,} of {here + 1_000:,} messages searched; 1,000 only on the server")
    listing.rest.press()
    [command] = ear.commands()
    assert isinstance(command, wire.SearchServers)
    assert command.query == "is:starred"
    other = [
        one for one in read.folder_order(mail.store.reader(), mail.folders["INBOX"]) if one not in listing.model.ids
    ]
    elsewhere.hear(wire.FoundOnServer("another", 1, (other[0],)))
    assert listing.model.messages == 3
    elsewhere.hear(wire.FoundOnServer(command.token, 1, (other[0], listing.model.ids[0])))
    assert listing.model.messages == 4
    assert listing.rest.text().endswith("on the server: 1 more so far…")
    labelled = [listing.model.card(listing.model.row_of(one)) for one in (other[0], listing.model.ids[-1])]
    assert [card is not None and card.from_server for card in labelled] == [True, False]
    assert labelled[0] is not None
    assert "found on the server" in labelled[0].spoken
    then = ear.asked[0][1]
    assert then is not None
    then(wire.ServersSearched((other[0],), 5))
    assert listing.rest.text().endswith("; on the server: 1 more")
    program.desk.read_again(None, sidebar=True)
    assert listing.model.messages == 4  # a refresh keeps what the server found


def test_a_search_that_is_left_ends_at_the_server_too(program: Program, mail: Mail, ear: Ear, qtbot: QtBot) -> None:
    leave_there(program, mail, 1_000)
    program.window.listing.search.setText("is:starred")
    qtbot.waitUntil(lambda: program.window.listing.model.messages == 3)
    program.window.listing.rest.press()
    program.window.listing.search.setText("")
    program.desk.finding.search("")
    first, last = ear.commands()
    assert isinstance(first, wire.SearchServers)
    assert last == wire.SearchServers("", token=first.token)


# ---- what disappeared
def test_what_disappeared_says_why_and_comes_back(program: Program, mail: Mail) -> None:
    page = LedgerPage(program.library)
    assert page.empty.accessibleName().startswith("Nothing has disappeared")
    one = MessageId(read.folder_order(mail.store.reader(), mail.folders["INBOX"])[0])
    with mail.store.write() as tx:
        write.remove_messages(tx, [one], Claim.VANISHED, int(time.time()))
    page.hear(wire.Changed(1, removed=(one,)))
    [row] = page.rows
    assert "another program deleted or moved it" in row.accessibleName().lower()
    assert row.accessibleName().startswith("Re: Venue for the spring workshop, Maya Lindqvist, Today")
    asked: list[wire.Command] = []
    page.asked.connect(lambda command, then, failed: asked.append(command))
    row.button.click()
    [removal] = ledger.entries(mail.store.reader())
    assert asked == [wire.RestoreMessages((removal.entry,))]
    page._restored(wire.Restored((), ("Its text was never here.",)))
    assert page.banner.text() == "Its text was never here."


# ---- with a real engine
def test_health_and_ledger_with_a_real_engine(qapp: QApplication, tmp_path: Path) -> None:
    with office(tmp_path / "p") as place:
        place.sign_in()
        place.program.desk.health_wanted.emit()
        page = place.rooms.page
        assert isinstance(page, HealthPage)
        wait_until(lambda: page.panels and "Listening" in page.panels[0].accessibleName(), "a quiet account")
        report = tmp_path / "report.json"
        page.save_to(str(report))
        wait_until(lambda: page.banner.text().startswith("Saved"), "the report")
        assert b"robin@" not in report.read_bytes()
        _disappear_and_return(place)


def _disappear_and_return(place: Office) -> None:
    place.servers.do(lambda: place.servers.mailbox.find("INBOX").add(b"Subject: Here\r\n\r\nText.\r\n", 1_700_000_000))
    inbox = FolderId(place.folder(Role.INBOX))
    wait_until(lambda: [one.has_body for one in _rows(place, inbox)] == [True], "the message")
    place.ask(wire.DeleteMessages((_rows(place, inbox)[0].id,), forever=True))
    place.program.desk.ledger_wanted.emit()
    page = place.rooms.page
    assert isinstance(page, LedgerPage)
    wait_until(lambda: len(page.rows) == 1, "the entry")
    page.rows[0].button.click()
    wait_until(lambda: page.banner.text() == "1 message is back.", "its return")
    wait_until(lambda: len(_rows(place, inbox)) == 1, "the message in its folder")
    assert page.rows[0].button.isHidden()


def _rows(place: Office, folder: FolderId) -> list[read.MessageRow]:
    return read.rows(place.db, read.folder_order(place.db, folder))


def test_health_in_words() -> None:
    now = 1_800_000_000.0
    told = wire.AccountHealth(
        1,
        incoming="imap",
        host="imap.example.org",
        port=993,
        state="idle",
        in_use=("QRESYNC", "MOVE"),
        connections=2,
        allowed=4,
        woken_at=int(now) - 130,
        woken_by="news",
        octets_in=12_345_678,
        quotas=(Quota("", "STORAGE", 9_500_000, 10_000_000),),
    )
    said = dict(facts(told, now))
    assert said["Connections"] == "2 open, 4 allowed"
    assert said["Last wake"] == "2 min ago by the server"
    assert said["Uses"] == "QRESYNC, MOVE"
    assert said["Traffic"].startswith("12 MB in, 0 B out")
    assert said["Room there"] == "9.5 MB of 10.0 MB (95 %)"
    assert "Quirks" not in said
