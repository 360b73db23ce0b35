"""Direct delivery in the window: how far it gets is shown before it is switched on, and where mail was refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dns_server import DnsServer
from gui_office import Office, office, wait_until
from mail_sink import MailSink
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from mua import wire
from mua.gui.account_panel import AccountPanel
from mua.gui.diagnosis import DiagnosisPanel
from mua.gui.outbox import OutboxPage
from mua.gui.settings import SettingsPage
from mua.gui.widgets import Button, Label
from mua.model.account import Account, DirectOptions, Incoming, Route
from mua.model.address import Address
from mua.model.outgoing import Draft
from mua.store import read

HOST = "mail.demo.mua.example"
TABLE = {
    ("demo.mua.example", "MX"): [f"10 {HOST}."],
    (HOST, "A"): ["127.0.0.1"],
    ("1.0.0.127.in-addr.arpa", "PTR"): [f"{HOST}."],
    ("demo.mua.example", "TXT"): ['"v=spf1 ip4:127.0.0.1 -all"'],
    ("refusing.test", "MX"): [f"10 {HOST}."],
}


def refuse(event: str, what: str) -> str | None:
    """What the exchanger says to recipients of refusing.test."""
    return "550 5.7.25 your address has no name" if event == "rcpt" and what.endswith("@refusing.test") else None


@pytest.fixture
def names() -> Iterator[DnsServer]:
    with DnsServer(dict(TABLE)) as server:
        yield server


@pytest.fixture
def exchanger() -> Iterator[MailSink]:
    with MailSink(refuse) as sink:
        yield sink


@pytest.fixture
def place(qapp: QApplication, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p", secrets="file") as made:
        made.ask(wire.Hello("window", events=True, passphrase="open sesame"))
        yield made


def direct(place: Office, names: DnsServer, exchanger: MailSink) -> Account:
    """An account that delivers by itself and receives nothing."""
    options = DirectOptions(names.address, exchanger.port, True, HOST)
    return replace(
        place.account(),
        incoming=Incoming.LOCAL,
        incoming_server=None,
        route=Route.DIRECT,
        submission=None,
        direct=options,
    )


def button(panel: DiagnosisPanel, text: str) -> Button:
    return next(one for one in panel.findChildren(Button) if one.accessibleName() == text)


def buttons(panel: DiagnosisPanel) -> set[str]:
    return {one.accessibleName() for one in panel.findChildren(Button)}


def settings(place: Office) -> AccountPanel:
    place.rooms.open_settings()
    assert isinstance(place.rooms.page, SettingsPage)
    return place.rooms.page.panels[0]


def looked(panel: DiagnosisPanel | None) -> DiagnosisPanel:
    """The panel, once everything was looked at."""
    assert panel is not None
    wait_until(lambda: panel.again.isEnabled(), "what was found")
    return panel


def test_it_is_said_before_an_account_is_added(place: Office, names: DnsServer, exchanger: MailSink) -> None:
    wait_until(lambda: place.rooms.setup is not None, "the page of a profile without an account")
    page = place.rooms.setup
    assert page is not None
    page.address.setText(place.servers.login.user)
    page.open_form()
    page.form.show_account(direct(place, names, exchanger))
    assert not page.form.ehlo.isHidden()
    page.proceed()
    wait_until(lambda: page.diagnosis is not None, "the panel")
    panel = looked(page.diagnosis)
    assert panel.verdict.text().startswith("Mail from this computer should reach anyone.")
    assert read.accounts(place.db) == []
    assert "Make keys to sign mail" in {one.accessibleName() for one in panel.findChildren(Button) if one.isHidden()}
    button(panel, "Add the account").click()
    wait_until(lambda: read.accounts(place.db), "the account")
    assert read.accounts(place.db)[0].direct.ehlo == HOST


def test_it_is_said_before_it_is_switched_on_and_can_be_left(
    place: Office, names: DnsServer, exchanger: MailSink
) -> None:
    del names.table["1.0.0.127.in-addr.arpa", "PTR"]
    place.sign_in()
    panel = settings(place)
    panel.account = replace(panel.account, direct=direct(place, names, exchanger).direct)
    panel.edit()
    panel.form.route.choose("direct")
    panel.save()
    shown = looked(panel.diagnosis)
    assert "has no name (PTR)" in shown.verdict.text()
    assert read.accounts(place.db)[0].route is Route.SMTP
    button(shown, "Leave it as it was").click()
    assert panel.diagnosis is None
    panel.save()
    button(looked(panel.diagnosis), "Deliver directly all the same").click()
    wait_until(lambda: read.accounts(place.db)[0].route is Route.DIRECT, "the change")


def test_an_answer_that_comes_after_it_was_closed_is_nobodys(
    place: Office, names: DnsServer, exchanger: MailSink
) -> None:
    place.sign_in()
    panel = settings(place)
    panel.account = replace(panel.account, direct=direct(place, names, exchanger).direct)
    heard: list[wire.Answer] = []
    panel.examine()
    shown = panel.diagnosis
    assert shown is not None
    told = shown._told
    shown.asked.emit(wire.Diagnose(0, panel.account), heard.append, heard.append)
    button(shown, "Close").click()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    wait_until(lambda: heard, "the answer to the same question")
    told(heard[0])


def test_an_address_of_a_large_provider_is_not_offered_it(place: Office, names: DnsServer, exchanger: MailSink) -> None:
    place.sign_in()
    panel = settings(place)
    panel.account = replace(panel.account, email="robin@gmail.com", direct=direct(place, names, exchanger).direct)
    panel.edit()
    panel.form.route.choose("direct")
    panel.save()
    shown = looked(panel.diagnosis)
    assert "only from the servers of Gmail" in shown.verdict.text()
    assert "Leave it as it was" in buttons(shown)
    assert not any(one.startswith("Deliver") for one in buttons(shown))
    assert not names.asked


def test_keys_are_made_and_their_records_copied(place: Office, names: DnsServer, exchanger: MailSink) -> None:
    place.ask(wire.AddAccount(direct(place, names, exchanger)))
    wait_until(lambda: place.program.desk.accounts, "the account")
    panel = settings(place)
    panel.examine()
    shown = looked(panel.diagnosis)
    assert [row.record.what for row in shown.records] == ["dmarc"]
    shown.keys.click()
    wait_until(lambda: len(shown.records) == 3, "the records")
    assert shown.keys.accessibleName() == "Make new keys"
    row = next(row for row in shown.records if row.record.what == "dkim" and "rsa" in row.record.name)
    row.copies[1].click()
    assert QGuiApplication.clipboard().text() == row.record.value
    names.table[row.record.name, "TXT"] = [" ".join(f'"{row.record.value[at : at + 250]}"' for at in (0, 250))]
    shown.again.click()
    wait_until(lambda: len(shown.records) == 2, "the one that is published now")
    assert any("the key is published" in one.text() for one in shown.findChildren(Label))


def test_mail_that_was_refused_leads_to_it_and_to_a_relay(place: Office, names: DnsServer, exchanger: MailSink) -> None:
    del names.table["1.0.0.127.in-addr.arpa", "PTR"]
    own = place.ask(wire.AddAccount(direct(place, names, exchanger)))
    assert isinstance(own, wire.AccountAdded)
    relay = replace(place.account(), name="Relay", incoming=Incoming.LOCAL, incoming_server=None)
    place.ask(wire.AddAccount(relay, place.servers.login.password))
    wait_until(lambda: len(place.program.desk.accounts) == 2, "both accounts")
    draft = Draft(
        Address("Robin", place.servers.login.user), (Address("", "ann@refusing.test"),), subject="x", text="x"
    )
    place.ask(wire.Send(own.account_id, draft))
    wait_until(lambda: place.states() == {"ann@refusing.test": "refused"}, "the refusal")
    place.rooms.open_outbox()
    outbox_page = place.rooms.page
    assert isinstance(outbox_page, OutboxPage)
    wait_until(lambda: outbox_page.cards, "the card")
    next(one for one in outbox_page.cards[0].findChildren(Button) if one.accessibleName() == "Would it arrive?").click()
    page = place.rooms.page
    assert isinstance(page, SettingsPage)
    panel = next(one for one in page.panels if one.account.id == own.account_id)
    button(looked(panel.diagnosis), "Send by Relay").click()
    wait_until(lambda: read.account(place.db, panel.account.id).rules, "the rule")  # type: ignore[union-attr]
    (rule,) = read.account(place.db, panel.account.id).rules  # type: ignore[union-attr]
    assert (rule.pattern, str(rule.way)[:8]) == ("*", "account:")
