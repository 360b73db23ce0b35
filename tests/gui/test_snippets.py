"""Texts that are kept: typed as a word, chosen in a menu, made of what is selected, managed in the settings."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from mua.gui import letters
from mua.gui import preferences as prefs
from mua.gui.composer import Composer
from mua.gui.format_bar import AskBar
from mua.gui.journal import Letter
from mua.gui.preferences import Preferences
from mua.gui.snippet_rules import SnippetRules
from mua.gui.snippets import Snippets
from mua.mime.markdown import to_markdown
from mua.model.account import Account, AccountId, Route
from mua.model.address import Address
from mua.model.snippet import Snippet
from mua.paths import Profile

pytestmark = pytest.mark.gui
ME = Account(AccountId(1), "Me", "me@example.org", "Robin Weaver", route=Route.SMTP)
SOME = (
    Snippet("thx", "Dear {{first name|colleague}},\n\n**thank you** for {{cursor}}.\n\n{{my name}}"),
    Snippet("tel", "040 12345"),
)
Keeper = tuple[list[Preferences], Snippets]


@pytest.fixture
def keeper(qapp: object) -> Keeper:
    now = [Preferences(snippets=SOME)]
    return now, Snippets(lambda: now[0], lambda changed: now.__setitem__(0, changed))


@pytest.fixture
def composer(keeper: Keeper, qtbot: QtBot) -> Composer:
    letter = letters.written(Letter("k", 1, (Address("Okoye, Amara", "a@example.org"),), subject="Chairs"), ())
    made = Composer(letter, [ME], lambda *_: None, lambda _: Path("/nonexistent"))
    keeper[1].watch(made)
    qtbot.addWidget(made)
    made.show()
    return made


def test_a_word_and_tab_become_the_text_in_one_step(composer: Composer) -> None:
    editor = composer.editor
    QTest.keyClicks(editor, "thx")
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.toPlainText() == "Dear Amara,\n\nthank you for .\n\nRobin Weaver"
    assert "**thank you**" in to_markdown(editor.prose())
    QTest.keyClicks(editor, "the chairs")
    assert "thank you for the chairs." in editor.toPlainText()
    while "chairs" in editor.toPlainText():
        editor.undo()
    editor.undo()
    assert editor.toPlainText() == "thx"


def test_inside_a_line_only_the_word_goes(composer: Composer) -> None:
    editor = composer.editor
    QTest.keyClicks(editor, "Call TEL")
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.toPlainText() == "Call 040 12345"
    QTest.keyClicks(editor, " now")
    assert editor.toPlainText() == "Call 040 12345 now"
    assert not editor.expand()  # no snippet's word


def test_in_plain_text_and_markdown_it_is_written_as_there(composer: Composer) -> None:
    editor = composer.editor
    composer.switch("markdown")
    QTest.keyClicks(editor, "thx")
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert "**thank you** for ." in editor.toPlainText()
    QTest.keyClicks(editor, "it")
    assert "for it." in editor.toPlainText()


def test_tab_goes_on_in_a_table_of_a_letter_and_leaves_a_text_where_it_means_nothing(composer: Composer) -> None:
    editor = composer.editor
    editor.insert_table(2, 2)
    editor.setFocus()
    for word in ("a", "b", "c"):
        QTest.keyClicks(editor, word)
        QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert "| a | b |\n| --- | --- |\n| c |" in to_markdown(editor.prose())
    assert composer.focusWidget() is editor
    editor.moveCursor(QTextCursor.MoveOperation.End)
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert composer.focusWidget() is not editor


def offered(composer: Composer) -> QMenu:
    found = next(one.menu() for one in composer.formats.menu().actions() if one.text() == "Snippets")
    assert isinstance(found, QMenu)
    return found


def test_the_menu_has_them_all_and_keeps_what_is_selected(composer: Composer, keeper: Keeper) -> None:
    menu = offered(composer)
    assert [one.text().split("\t")[0] for one in menu.actions()[:2]] == ["tel", "thx"]
    menu.actions()[0].trigger()
    assert composer.editor.toPlainText() == "040 12345"
    composer.editor.selectAll()
    composer.editor.toggle_bold()
    offered(composer).actions()[-1].trigger()
    (bar,) = (one for one in composer.findChildren(AskBar) if one is not composer.link_bar)
    bar.entered.emit("phone")
    assert keeper[0][0].snippets[-1] == Snippet("phone", "**040 12345**")
    next(button for button in composer.toast.findChildren(type(composer.send_button))).click()
    assert keeper[0][0].snippets == SOME


def test_the_settings_add_change_and_remove_them_and_keep_them(qtbot: QtBot, tmp_path: Path) -> None:
    now = [Preferences(snippets=SOME)]
    rules = SnippetRules(lambda: now[0], lambda **what: now.__setitem__(0, replace(now[0], **what)))
    qtbot.addWidget(rules)
    rules.edit(SOME[0])
    rules.word.setText("tel")
    rules.keep()
    assert "Another snippet" in rules.said.text() and now[0].snippets == SOME
    rules.word.setText("thanks")
    rules.text.setPlainText('Thanks\n\n- a "b" \\ c')
    rules.keep()
    assert [one.word for one in now[0].snippets] == ["thanks", "tel"]
    rules.add.click()
    rules.word.setText("two words")
    rules.text.setPlainText("x")
    rules.keep()
    assert not rules.form.isHidden() and "letters and digits" in rules.said.text()
    rules.word.setText("mfg")
    rules.keep()
    assert list(rules.rows) == ["thanks", "tel", "mfg"]
    rules._remove(SOME[1])
    profile = Profile(tmp_path).create()
    prefs.save(profile, now[0])
    assert prefs.load(profile).snippets == (Snippet("thanks", 'Thanks\n\n- a "b" \\ c'), Snippet("mfg", "x"))


def test_where_the_window_is_narrow_its_buttons_are_in_the_menu(composer: Composer, qtbot: QtBot) -> None:
    bar = composer.formats
    for width, shown in ((820, {"Bold", "Italic"}), (640, {"Bold"}), (480, set())):
        bar.compact(width)
        buttons = {one.accessibleName() for one in (bar._bold, bar._italic) if not one.isHidden()}
        assert buttons == shown
        assert {one.text() for one in bar.menu().actions()} & {"Bold", "Italic"} == {"Bold", "Italic"} - shown
