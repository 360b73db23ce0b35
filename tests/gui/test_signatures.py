"""Where a message comes from, in the window with its engine: signatures after leave only; the way it came."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dns_server import DnsServer
from gui_office import Office, office, wait_until
from PySide6.QtWidgets import QApplication, QLabel

from mua import wire
from mua.gui.journey_page import JourneyPage, Step
from mua.gui.places import Place
from mua.gui.preferences import Consent
from mua.gui.reader_header import Header
from mua.gui.widgets import Button
from mua.model.account import DirectOptions, Incoming, Route
from mua.model.folder import FolderId, Role

SIGNED = Path(__file__).resolve().parents[1] / "signed"
RECORDS: dict[str, str] = json.loads((SIGNED / "signed.json").read_text())["records"]


def zone() -> dict[tuple[str, str], list[str]]:
    pieces = {name: [text[at : at + 250] for at in range(0, len(text), 250)] for name, text in RECORDS.items()}
    return {(name, "TXT"): [" ".join(f'"{one}"' for one in many)] for name, many in pieces.items()}


@pytest.fixture
def names() -> Iterator[DnsServer]:
    with DnsServer(zone()) as server:
        yield server


@pytest.fixture
def place(qapp: QApplication, tmp_path: Path, names: DnsServer) -> Iterator[Office]:
    with office(tmp_path / "p", secrets="file") as made:
        made.ask(wire.Hello("window", events=True, passphrase="open sesame"))
        local = {"incoming": Incoming.LOCAL, "incoming_server": None, "submission": None}
        direct = DirectOptions(names.address, 25, True)
        made.ask(wire.AddAccount(replace(made.account(), route=Route.DIRECT, direct=direct, **local), ""))
        wait_until(lambda: made.program.desk.accounts, "the account")
        yield made
    assert "seeker" not in [one.name for one in threading.enumerate()]  # which asks who is known


def show(place: Office, *files: str) -> Header:
    """The header of the newest of some mails, its details open."""
    inbox = place.folder(Role.INBOX)
    for name in files:
        place.ask(wire.Import(str(SIGNED / f"{name}.eml"), "INBOX", place.program.desk.accounts[0].id))
    desk = place.program.desk
    desk.show_place(Place(folder=FolderId(inbox)))
    wait_until(lambda: desk.listing.model.messages >= len(files), "the list")
    newest = next(one for one in desk.listing.model.rows if one > 0)
    desk.listing.view.select(newest)
    wait_until(lambda: desk.reader.view is not None, "the message")
    header = desk.reader.header
    if header.facts.isHidden():
        header.more.click()
    return header


def said(header: Header) -> list[str]:
    return [one.text() for one in header.lines.findChildren(QLabel) if one.text() and one.isVisibleTo(header)]


def press(header: Header, text: str) -> None:
    next(one for one in header.lines.question.findChildren(Button) if one.text() == text).click()


def test_nothing_is_asked_before_leave(place: Office, names: DnsServer) -> None:
    header = show(place, "relaxed-relaxed")
    wait_until(lambda: not header.lines.question.isHidden(), "the question")
    assert not names.asked
    press(header, "Do not")
    assert place.program.desk.preferences.check_signatures is Consent.NO
    assert header.lines.question.isHidden()
    assert not names.asked


def test_what_holds_is_said_with_who_signed(place: Office, names: DnsServer) -> None:
    header = show(place, "relaxed-relaxed")
    press(header, "Check signatures")
    assert place.program.desk.preferences.check_signatures is Consent.YES
    wait_until(lambda: any("Signed by there.example, the author" in one for one in said(header)), "the verdict")
    assert names.asked[("r2048._domainkey.there.example", "TXT")] == 1
    assert not any("safe" in one.lower() for one in said(header))
    header = show(place, "subject-changed")  # agreed once: the next is checked at once
    wait_until(lambda: any("does not count" in one for one in said(header)), "the verdict")


def test_the_way_it_came(place: Office) -> None:
    header = show(place, "chain-1")
    header.lines.way.click()
    page = place.rooms.page
    assert isinstance(page, JourneyPage)
    assert "never travelled" in page.text()
    steps = [one.accessibleName() for one in page.findChildren(Step)]
    assert steps[0].startswith("Written. Bob Stone") and steps[-1].startswith("In your mailbox")
