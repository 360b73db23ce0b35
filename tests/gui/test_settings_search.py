"""The settings are searched by every word that they say, and each goes back to what is usual."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gui_office import Office, office, wait_until
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QCheckBox, QWidget

from mua.gui import preferences as prefs
from mua.gui.setting_names import SETTINGS
from mua.gui.settings import SettingsPage
from mua.gui.settings_sections import DEFAULT, said
from mua.gui.theme import Appearance


@pytest.fixture
def page(qapp: QApplication, tmp_path: Path) -> Iterator[tuple[Office, SettingsPage]]:
    with office(tmp_path / "p") as made:
        made.sign_in()
        made.rooms.open_settings()
        assert isinstance(made.rooms.page, SettingsPage)
        yield made, made.rooms.page


def seen(page: SettingsPage) -> list[str]:
    """What each row that is shown says."""
    sections = [one for one in page._sections._all if not one.isHidden()]
    return [said(holder) for one in sections for holder in one._holders if not holder.isHidden()]


def test_a_search_narrows_to_what_says_it(page: tuple[Office, SettingsPage]) -> None:
    _, settings = page
    everything = seen(settings)
    settings.search.setText("DARK")
    assert len(seen(settings)) == 1
    assert "as the desktop" in seen(settings)[0]
    assert [one._title for one in settings._sections._all if not one._rule.isHidden()] == [
        one._title for one in settings._sections._all if one._title != "Appearance"
    ], "nothing is above the first"
    settings.search.setText("keyring file")
    assert any("encrypted file" in one for one in seen(settings))
    settings.search.setText("notifications")
    assert [one for one in seen(settings) if "tell me of new mail" in one], "by the name of its section"
    settings.search.setText("no such thing anywhere")
    assert seen(settings) == []
    assert not settings.nothing.isHidden()
    QTest.keyClick(settings, Qt.Key.Key_Escape)
    assert settings.search.text() == ""
    assert seen(settings) == everything
    assert settings.nothing.isHidden()


def test_a_search_shows_nothing_that_was_hidden_for_another_reason(page: tuple[Office, SettingsPage]) -> None:
    _, settings = page
    settings.search.setText("passwords")
    settings.search.clear()
    assert settings.secrets_note.isHidden()
    assert settings.portable.passphrase.isHidden()
    assert settings.panels[0].editor.isHidden()


def test_keys_begin_a_search(page: tuple[Office, SettingsPage]) -> None:
    place, settings = page
    place.program.window.activateWindow()
    settings.setFocus()
    QTest.keyClick(settings, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    wait_until(settings.search.hasFocus, "the field has the keyboard")


def test_each_setting_goes_back_to_what_is_usual(page: tuple[Office, SettingsPage]) -> None:
    place, settings = page
    settings.look.choose(Appearance.DARK)
    settings.shape.choose("single")
    settings.undo.choose("30")
    settings.scale.setValue(150)
    wait_until(lambda: place.program.desk.preferences.text_scale == 1.5, "the size is kept")
    shown = [(reset, fields) for reset, fields in settings._sections._resets if not reset.isHidden()]
    changed = {"appearance", "conversations", "undo_send", "text_scale"}
    assert changed <= {name for _, fields in shown for name in fields}
    for reset, _ in shown:
        reset.click()
    wait_until(lambda: place.program.desk.preferences.text_scale == 1.0, "the size is kept")
    kept = prefs.load(place.program.library.profile)
    for name in changed:
        assert getattr(kept, name) == getattr(DEFAULT, name), name
    assert all(reset.isHidden() for reset, _ in settings._sections._resets)


def test_the_palette_has_every_setting(page: tuple[Office, SettingsPage]) -> None:
    made, settings = page
    sections = settings._sections._all
    ticks = [one.text() for section in sections for one in ticked(section)]
    lines = [reset.accessibleName().rpartition(": ")[0] for reset, _ in settings._sections._resets]
    missing = {*(one._title for one in sections), *ticks, *lines} - {name for name, _ in SETTINGS}
    assert not missing
    for name, values in SETTINGS:
        settings.search.setText(" ".join([name, *values]))
        assert seen(settings), f"no setting says {name}"
    made.program.desk.setting_wanted.emit("Keys after the habits of")
    assert isinstance(made.rooms.page, SettingsPage)
    assert len(seen(made.rooms.page)) == 1


def ticked(section: QWidget) -> list[QCheckBox]:
    """The ticks that are rows of their own."""
    return [one for holder in section._holders for one in holder.children() if isinstance(one, QCheckBox)]
