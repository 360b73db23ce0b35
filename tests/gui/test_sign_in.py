"""Signing in in the browser, in the window: with a real provider, and a Dovecot that asks it for each token."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from gui_office import Office, office, wait_until
from lab import Lab
from oauth_provider import CLIENT, Provider, browse, laboratory
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

from mua import wire
from mua.gui import found_panel
from mua.gui import sign_in as signing
from mua.gui.account_panel import AccountPanel
from mua.gui.settings import SettingsPage
from mua.gui.setup import SetupPage
from mua.model.account import Account, AccountId, Incoming, Route, Security, Server
from mua.store import read


@pytest.fixture(scope="module")
def house() -> Iterator[tuple[Lab, Provider]]:
    with laboratory() as running:
        yield running


@pytest.fixture
def place(qapp: QApplication, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p") as made:
        wait_until(lambda: made.rooms.setup is not None, "the page of a profile without an account")
        yield made


@pytest.fixture
def browser(house: tuple[Lab, Provider], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A browser whose person agrees; the pages that were opened."""
    opened: list[str] = []

    def show(url: str) -> None:
        opened.append(url)
        if "/authorize?" in url:
            threading.Thread(target=browse, args=(url, str(house[0].ca)), daemon=True).start()

    monkeypatch.setattr(signing, "open_page", show)
    return opened


def found(lab: Lab, provider: Provider, *, ready: bool, auth: str = "oauth") -> wire.Discovered:
    user = lab.user("robin")
    provider.names[user.address] = user.name
    account = Account(
        AccountId(0), user.address, user.address, "Robin Vale", Incoming.IMAP,
        Server("localhost", lab.plan.imaps, Security.TLS, user.name), Route.NONE, ca_file=str(lab.ca),
    )  # fmt: skip
    service = wire.SignInService(provider.issuer, "the laboratory", ready, steps=("Make an id.",), tenant="common")
    return wire.Discovered(
        (account,), ("the laboratory says so",), auth, "It lets nobody in by a password.", "", service
    )


def look_up(page: SetupPage, answer: wire.Discovered) -> None:
    email = answer.accounts[0].email
    page.address.setText(email)
    page._looked_up = email
    page._discovered(email, answer)


def setup_page(place: Office) -> SetupPage:
    page = place.rooms.setup
    assert page is not None
    return page


@dataclass
class Hand:
    """Types and clicks where a person could, and counts; a field that has not got the keyboard costs a click."""

    fields: int = 0
    clicks: int = 0

    def fill(self, field: QLineEdit, text: str) -> None:
        assert field.isVisible()
        assert field.isEnabled()
        if not field.hasFocus():
            self.click(field)
        QTest.keyClicks(QApplication.focusWidget(), text)
        assert field.text() == text
        self.fields += 1

    def click(self, widget: QWidget) -> None:
        assert widget.isVisible()
        assert widget.isEnabled()
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
        self.clicks += 1


@pytest.mark.parametrize(
    ("auth", "ready", "fields", "clicks", "pages"),
    [
        ("password", False, 2, 1, 0),
        ("app-password", False, 2, 2, 1),  # one click opens the provider's page, where the password is made
        ("app-password", True, 1, 1, 1),
        ("oauth", True, 1, 1, 1),
    ],
)
def test_what_one_has_to_do(
    place: Office, house: tuple[Lab, Provider], browser: list[str], monkeypatch: pytest.MonkeyPatch,
    auth: str, ready: bool, fields: int, clicks: int, pages: int,
) -> None:  # fmt: skip
    lab, provider = house
    monkeypatch.setattr(found_panel, "open_page", browser.append)
    place.ask(wire.SetClient(provider.issuer, CLIENT))
    page, hand = setup_page(place), Hand()
    answer = replace(found(lab, provider, ready=ready, auth=auth), help="https://provider.test/app-passwords")
    if auth == "password":
        answer = replace(answer, service=None, note="", help="")
    email = answer.accounts[0].email
    place.program.window.activateWindow()
    wait_until(page.address.hasFocus, "the keyboard in the first field")
    page._looked_up = email  # what is found comes from here: no name of the laboratory is in the DNS
    hand.fill(page.address, email)
    QTest.keyClick(page.address, Qt.Key.Key_Tab)
    page._discovered(email, answer)
    if page.password.isHidden():
        hand.click(page.sign_in.go)
    else:
        if page.found.help.isVisible():
            hand.click(page.found.help)
        hand.fill(page.password, lab.password)
        hand.click(page.go)
    wait_until(lambda: place.rooms.setup is None, f"the page is left: {page.banner.text()}")
    assert (hand.fields, hand.clicks, len(browser)) == (fields, clicks, pages)
    (account,) = read.accounts(place.db)
    by_browser = account.oauth is not None and account.oauth.provider == provider.issuer
    assert by_browser == (fields == 1)
    wait_until(lambda: read.folders(place.db), "folders, by the password or a token")


def test_without_a_client_id_it_is_said_before_anything_is_typed(
    place: Office, house: tuple[Lab, Provider], browser: list[str]
) -> None:
    lab, provider = house
    page = setup_page(place)
    look_up(page, found(lab, provider, ready=False))
    panel = page.sign_in
    assert page.password.isHidden()
    assert panel.go.isHidden()
    assert panel.password.isHidden()
    assert "not registered with the laboratory" in panel.title.text()
    panel.own.click()
    assert "1. Make an id." in panel.steps.text.text()
    assert not panel.steps.keep.isEnabled()
    panel.steps.client_id.setText(CLIENT)
    panel.steps.keep.click()
    wait_until(lambda: not panel.go.isHidden(), "the button")
    panel.go.click()
    wait_until(lambda: place.rooms.setup is None, f"the page is left: {page.banner.text()}")
    assert len(browser) == 1


def test_a_server_that_gives_ids_to_whoever_asks_needs_no_step(
    place: Office, house: tuple[Lab, Provider], browser: list[str]
) -> None:
    lab, provider = house
    page = setup_page(place)
    look_up(page, found(lab, provider, ready=True))
    page.sign_in.go.click()
    wait_until(lambda: not page.sign_in.steps.isHidden(), "the steps, where it gives none")
    assert page.sign_in.go.isHidden()
    provider.registers = True
    look_up(page, found(lab, provider, ready=True))
    page.sign_in.go.click()
    wait_until(lambda: place.rooms.setup is None, f"the page is left: {page.banner.text()}")
    provider.registers = False
    (account,) = read.accounts(place.db)
    assert account.oauth is not None
    assert account.oauth.client_id.startswith("client-")
    assert len(browser) == 1


def test_by_hand_with_a_server_of_ones_own(place: Office, house: tuple[Lab, Provider], browser: list[str]) -> None:
    lab, provider = house
    account = found(lab, provider, ready=True).accounts[0]
    place.ask(wire.SetClient(provider.issuer, CLIENT))
    page = setup_page(place)
    page.address.setText(account.email)
    page.open_form()
    page.form.show_account(account)
    page.own_server.setText(provider.issuer.removeprefix("https://") + "/")
    page.own_server.editingFinished.emit()
    assert page.password.isHidden()
    page.sign_in.password.click()
    assert not page.password.isHidden(), "there is a way back"
    assert page.own_server.text() == ""
    page.own_server.setText(provider.issuer)
    page.own_server.editingFinished.emit()
    page.sign_in.go.click()
    wait_until(lambda: place.rooms.setup is None, f"the page is left: {page.banner.text()}")
    assert read.accounts(place.db)[0].oauth is not None


def test_where_a_password_works_too_it_can_be_typed(place: Office, house: tuple[Lab, Provider]) -> None:
    lab, provider = house
    page = setup_page(place)
    look_up(page, found(lab, provider, ready=False, auth="app-password"))
    assert not page.password.isHidden()
    assert "Use an app password, or a client id of your own" in page.sign_in.text.text()
    look_up(page, found(lab, provider, ready=True, auth="app-password"))
    assert page.password.isHidden()
    page.sign_in.password.click()
    assert not page.password.isHidden()
    assert page.sign_in.isHidden()


def test_a_person_who_does_not_agree_can_begin_once_more(
    place: Office, house: tuple[Lab, Provider], browser: list[str]
) -> None:
    lab, provider = house
    place.ask(wire.SetClient(provider.issuer, CLIENT))
    page = setup_page(place)
    look_up(page, found(lab, provider, ready=True))
    provider.consent = False
    page.sign_in.go.click()
    wait_until(lambda: "was not allowed" in page.banner.text(), "the sentence")
    provider.consent = True
    page.sign_in.go.click()
    wait_until(lambda: place.rooms.setup is None, "the page is left")
    assert len(browser) == 2


def test_a_wait_can_be_ended(place: Office, house: tuple[Lab, Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "open_page", lambda _: None)
    lab, provider = house
    place.ask(wire.SetClient(provider.issuer, CLIENT))
    page = setup_page(place)
    look_up(page, found(lab, provider, ready=True))
    page.sign_in.go.click()
    wait_until(lambda: not page.sign_in.cancel.isHidden(), "the wait")
    page.sign_in.copy.click()
    assert QApplication.clipboard().text().startswith(provider.issuer)
    page.sign_in.cancel.click()
    assert not page.sign_in.go.isHidden()
    assert page.sign_in.go.isEnabled()
    place.ask(wire.Hello("window", events=True))  # the engine is there, and has nothing to say about it
    assert page.banner.isHidden()


def test_an_ended_sign_in_is_said_and_mended_in_place(
    place: Office, house: tuple[Lab, Provider], browser: list[str]
) -> None:
    lab, provider = house
    place.ask(wire.SetClient(provider.issuer, CLIENT))
    page = setup_page(place)
    look_up(page, found(lab, provider, ready=True))
    page.sign_in.go.click()
    wait_until(lambda: read.accounts(place.db) and place.program.desk.accounts, "the account")
    (account,) = read.accounts(place.db)
    provider.revoke()
    place.ask(wire.UpdateAccount(replace(account, full_name="R.")))  # connects anew
    banner = place.program.desk.listing.banner
    wait_until(lambda: "sign-in has ended" in banner.text(), "the sentence")
    next(one for one in banner._buttons if one.text() == "Sign in again").click()
    wait_until(lambda: len(browser) == 2 and banner.isHidden(), "mail again")


def test_in_the_settings_a_password_takes_the_place_of_a_sign_in_and_back(
    place: Office, house: tuple[Lab, Provider], browser: list[str]
) -> None:
    lab, provider = house
    place.ask(wire.SetClient(provider.issuer, CLIENT))
    page = setup_page(place)
    answer = found(lab, provider, ready=True)
    look_up(page, answer)
    page.sign_in.go.click()
    wait_until(lambda: read.accounts(place.db) and place.program.desk.accounts, "the account")
    place.rooms.open_settings()
    settings = place.rooms.page
    assert isinstance(settings, SettingsPage)
    panel = settings.panels[0]
    assert not panel._sign_in.isHidden()
    panel.edit()
    panel.password.setText(lab.password)
    panel.save()
    wait_until(lambda: read.accounts(place.db)[0].oauth is None, "the password counts")
    panel.habits.paused.click()
    wait_until(lambda: read.accounts(place.db)[0].habits.paused, "another change")
    assert read.accounts(place.db)[0].oauth is None, "which brings no old sign-in back"
    begun = place.ask(wire.BeginSignIn(account_id=read.accounts(place.db)[0].id, provider=provider.issuer))
    assert isinstance(begun, wire.SignInBegun)
    signing.open_page(begun.url)
    place.ask(wire.AwaitSignIn(begun.sign_in))
    assert read.accounts(place.db)[0].oauth is not None


def test_without_a_sign_in_nothing_is_offered(qapp: QApplication) -> None:
    panel = AccountPanel(Account(AccountId(0), "home", "ada@example.org"))
    assert panel._sign_in.isHidden()
    panel.deleteLater()
