"""Keys: ready sets without contradictions, a key of one's own, what shares a key is said; it counts at once."""

import pytest
from PySide6.QtGui import QKeySequence
from pytestqt.qtbot import QtBot

from mua.gui import preferences as prefs
from mua.gui.app import Program
from mua.gui.key_rules import KeyRules
from mua.gui.key_sets import KeySet, clashing, conflicts, effective, keys_of_set


@pytest.mark.parametrize("chosen", list(KeySet))
def test_no_set_contradicts_itself(chosen: KeySet) -> None:
    keys = keys_of_set(chosen)
    assert conflicts(keys) == []
    for some in keys.values():
        for key in some:
            assert QKeySequence(key).count() > 0 and "Unknown" not in QKeySequence(key).toString()


def test_what_contradicts_itself_is_found() -> None:
    assert conflicts({"a": ("G",), "b": ("G, I",), "c": ("X",), "d": ("X",)}) == [("G", ("a", "b")), ("X", ("c", "d"))]
    usual = effective(KeySet.BOTH, {})
    assert clashing("archive", ("S",), usual) == ["star"]
    assert clashing("archive", ("E",), usual) == []
    assert effective(KeySet.GMAIL, {"archive": ("X",), "gone": ("Y",)})["archive"] == ("X",)
    assert "gone" not in effective(KeySet.GMAIL, {"gone": ("Y",)})


def test_a_key_of_ones_own_counts_at_once_and_is_kept(program: Program, qtbot: QtBot) -> None:
    def change(**values: object) -> None:
        from dataclasses import replace

        program.desk.change_preferences(replace(program.desk.preferences, **values))  # type: ignore[arg-type]

    page, actions = KeyRules(program.desk.preferences, change), program.window.actions_
    qtbot.addWidget(page)
    page.show_each()
    row = page.rows["archive"]
    assert row.edit.keySequence().toString() == "E"
    page._set("archive", ("S",))
    assert "Star" in page.said.text()
    page._set("archive", ("Ctrl+Alt+A",))
    assert page.said.text() == "1 of your own."
    assert [key.toString() for key in actions["archive"].shortcuts()] == ["Ctrl+Alt+A"]
    assert prefs.load(program.profile).keys == {"archive": ("Ctrl+Alt+A",)}
    row.usual.click()
    assert [key.toString() for key in actions["archive"].shortcuts()] == ["E"]
    page.sets.choose("vi")
    assert [key.toString() for key in actions["delete"].shortcuts()] == ["D, D"]
    assert prefs.load(program.profile).key_set is KeySet.VI
    page.finder.setText("archive")
    assert not row.isHidden() and page.rows["star"].isHidden()
