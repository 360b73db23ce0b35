"""In the window: an account's colour, pause, interval and place; what a folder is for; settings as a file."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from gui_office import Office, office, wait_until
from PySide6.QtWidgets import QApplication

from mua import wire
from mua.gui.folder_menu import folder_menu
from mua.gui.settings import SettingsPage
from mua.gui.sidebar import ENTRY, Entry
from mua.model.account import WHEN_ASKED, Account, AccountId, Habits
from mua.model.folder import Role
from mua.store import read


@pytest.fixture
def place(qapp: QApplication, tmp_path: Path) -> Iterator[Office]:
    with office(tmp_path / "p") as made:
        made.sign_in()
        yield made


def settings(place: Office) -> SettingsPage:
    place.rooms.open_settings()
    page = place.program.window.findChild(SettingsPage)
    assert page is not None
    return page


def heading(place: Office, text: str) -> Entry:
    model = place.program.desk.sidebar.folders.model()
    found = [model.index(row, 0).data(ENTRY) for row in range(model.rowCount())]
    return next(one for one in found if one.heading and one.text == text)


def test_colour_pause_and_interval_count_at_once(place: Office) -> None:
    panel = settings(place).panels[0]
    row = panel.habits
    row.colour.menu().actions()[1].trigger()
    row.paused.click()
    row.often.setCurrentIndex(row.often.findData(WHEN_ASKED))
    colour = row.colour.menu().actions()[1].text()
    wait_until(
        lambda: read.accounts(place.db)[0].habits.paused and read.accounts(place.db)[0].habits.minutes == WHEN_ASKED,
        "what was chosen",
    )
    assert read.accounts(place.db)[0].habits.colour == colour
    name = place.servers.login.user
    wait_until(lambda: heading(place, name).note == "Paused", "the sidebar says so")
    assert heading(place, name).colour == colour
    panel.edit()
    panel.form.full_name.setText("Robin V.")
    panel.save()
    wait_until(lambda: read.accounts(place.db)[0].full_name == "Robin V.", "the form is kept")
    assert read.accounts(place.db)[0].habits.paused, "and takes nothing back"


def test_an_account_moves_up(place: Office) -> None:
    place.ask(wire.AddAccount(Account(AccountId(0), "second", "second@example.org")))
    wait_until(lambda: len(place.program.desk.accounts) == 2, "two accounts")
    page = settings(place)
    first, second = page.panels
    assert first._up.isHidden()
    second._up.click()
    wait_until(lambda: read.accounts(place.db)[0].name == "second", "the order")
    assert page.panels == [second, first]
    assert second._up.isHidden()
    assert not first._up.isHidden()


def test_a_folder_is_used_for_something_else(place: Office) -> None:
    made = place.ask(wire.CreateFolder(read.accounts(place.db)[0].id, "Versand"))
    assert isinstance(made, wire.FolderMade)
    wait_until(lambda: made.folder_id in place.program.desk.folders, "the folder")
    model = place.program.desk.sidebar.folders.model()
    entry = next(one for row in range(model.rowCount()) if (one := model.index(row, 0).data(ENTRY)).text == "Versand")
    menu = folder_menu(place.program.desk, entry)
    assert menu is not None
    uses = next(one.menu() for one in menu.actions() if one.text() == "Use for")
    next(one for one in uses.actions() if one.text() == "Sent").trigger()
    wait_until(lambda: place.folder(Role.SENT) == made.folder_id, "the role")


def test_settings_to_a_file_and_back(place: Office, tmp_path: Path) -> None:
    part, file = settings(place).portable, str(tmp_path / "x.mua.json")
    part.secrets.click()
    part.export_to(file)
    assert "at least 8 characters" in part.banner.text()
    part.passphrase.setText("a phrase of mine")
    part.export_to(file)
    wait_until(lambda: "Written to" in part.banner.text(), "the file")
    part.passphrase.setText("a phrase of mine")
    part.take_from(file)
    wait_until(lambda: "Here already" in part.banner.text(), "what was found")
    assert "0 accounts added" in part.banner.text()


def test_what_is_lost_with_an_account_is_said_first(place: Office) -> None:
    panel = settings(place).panels[0]
    panel.ask_remove()
    assert "on the server everything stays" in panel.banner.text()
    assert "password is forgotten" in panel.banner.text()
    assert "has not got yet" not in panel.banner.text()
    place.ask(wire.UpdateAccount(replace(panel.account, habits=Habits(paused=True))))
    place.ask(wire.AddAccount(Account(AccountId(0), "local", "local@example.org")))
    file = place.program.library.profile.root / "x.eml"
    file.write_bytes(b"From: a@example.org\r\nSubject: x\r\n\r\nx\r\n")
    place.ask(wire.Import(str(file), "INBOX", int(panel.account.id)))
    panel.ask_remove()
    assert "1 change that the server has not got yet is lost" in panel.banner.text()
    local = settings(place).panels[1]
    local.ask_remove()
    assert "lives on this computer only, and is lost" in local.banner.text()
