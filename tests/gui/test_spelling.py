"""Spelling while one writes, with the real dictionaries of this computer."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from mua.gui.body_editor import BodyEditor
from mua.gui.body_marks import MARKDOWN
from mua.gui.preferences import Preferences
from mua.gui.speller import Speller
from mua.gui.spelling import SpellCheck, Spelling, languages_of
from mua.gui.spelling_line import LineCheck, SpelledLine
from mua.gui.spelling_rules import SpellingRules
from mua.mime.prose_html import from_html
from mua.mime.prose_text import from_text

pytestmark = pytest.mark.gui
USED = ("de_DE", "en_US")


@pytest.fixture(scope="module")
def speller(qapp: object) -> Iterator[Speller]:
    made = Speller()
    made.begin()
    yield made
    made.close()


@pytest.fixture
def check(speller: Speller, qtbot: QtBot) -> SpellCheck:
    qtbot.waitUntil(lambda: speller.installed is not None)
    if not {*USED} <= {*(speller.installed or ())}:
        pytest.skip("needs Enchant and the dictionaries of German and English")
    speller.use(USED)
    editor = BodyEditor()
    qtbot.addWidget(editor)
    editor.resize(600, 400)
    editor.show()
    return SpellCheck(editor, speller)


def editor_of(check: SpellCheck) -> BodyEditor:
    found = check.parent()
    assert isinstance(found, BodyEditor)
    return found


def underlined(check: SpellCheck) -> list[str]:
    return [mark.cursor.selectedText() for mark in editor_of(check).extraSelections()]


def test_mistakes_are_underlined_paragraph_by_paragraph_in_its_own_language(check: SpellCheck, qtbot: QtBot) -> None:
    editor = editor_of(check)
    editor.show_prose(
        from_text(
            "Please bring the chiars to the museum\n\nBitte bringen Sie die Stüle zum Museum mit\n\n"
            "> qouted wrods stay as they are\n\nsee https://exmaple.org/chiars\n\n-- \nRobbin Exmaple"
        )
    )
    qtbot.waitUntil(lambda: underlined(check) == ["chiars", "Stüle"])
    assert [check.mistake_at(block.position() + 20) is None for block in (editor.document().begin(),)] == [False]
    found = check.mistake_at(editor.toPlainText().index("Stüle") + 1)
    assert found is not None and found[1] == "de_DE"


def test_code_and_links_are_no_words_and_a_fence_in_markdown_is_code(check: SpellCheck, qtbot: QtBot) -> None:
    editor = editor_of(check)
    editor.show_prose(from_html('<p>Call <code>primt</code> in <a href="https://x.example">the docz</a> wrnogly</p>'))
    qtbot.waitUntil(lambda: underlined(check) == ["wrnogly"])
    editor.show_source("we go thare now\n```\nprimt foo\n```\nand thare", MARKDOWN)
    qtbot.waitUntil(lambda: underlined(check) == ["thare", "thare"])


def test_a_word_is_left_in_peace_while_it_is_typed(check: SpellCheck, qtbot: QtBot) -> None:
    editor = editor_of(check)
    QTest.keyClicks(editor, "the hal")
    qtbot.waitUntil(lambda: "hal" in check._speller.known)
    check.look()
    assert underlined(check) == []
    QTest.keyClicks(editor, " ")
    qtbot.waitUntil(lambda: underlined(check) == ["hal"])


def offers(menu: QMenu) -> list[str]:
    return [one.text() for one in menu.actions() if one.font().bold()]


def test_the_menu_says_what_it_could_be_and_learns_words(check: SpellCheck, qtbot: QtBot) -> None:
    editor = editor_of(check)
    editor.show_prose(from_text("Please bring the musuem to the Qwuxle hall"))
    qtbot.waitUntil(lambda: underlined(check) == ["musuem", "Qwuxle"])
    menu = check.menu(editor.toPlainText().index("suem"))
    qtbot.waitUntil(lambda: "museum" in offers(menu))
    next(one for one in menu.actions() if one.text() == "museum").trigger()
    assert editor.toPlainText() == "Please bring the museum to the Qwuxle hall"
    editor.undo()
    editor.redo()
    qtbot.waitUntil(lambda: underlined(check) == ["Qwuxle"])
    learned: list[tuple[str, str]] = []
    check.learned.connect(lambda *what: learned.append(what))
    menu = check.menu(editor.toPlainText().index("wuxle"))
    next(one for one in menu.actions() if one.text().startswith("Add “Qwuxle”")).trigger()
    qtbot.waitUntil(lambda: underlined(check) == [])
    assert learned == [("Qwuxle", "en_US")]
    check._speller.unlearn("Qwuxle", "en_US")
    qtbot.waitUntil(lambda: underlined(check) == ["Qwuxle"])


def test_a_key_goes_to_the_next_mistake_and_round(check: SpellCheck, qtbot: QtBot) -> None:
    editor = editor_of(check)
    editor.show_prose(from_text("One musuem\n\nnext\n\nanother chiar here"))
    qtbot.waitUntil(lambda: len(underlined(check)) == 2)
    seen = []
    for _ in range(3):
        QTest.keyClick(editor, Qt.Key.Key_F7)
        seen.append(editor.textCursor().selectedText())
        QTest.keyClick(editor.findChildren(QMenu)[-1], Qt.Key.Key_Escape)
    assert seen == ["musuem", "chiar", "musuem"]


def test_what_is_out_of_sight_costs_nothing(check: SpellCheck, qtbot: QtBot) -> None:
    editor, asked = editor_of(check), list[str]()
    editor.show_prose(from_text("\n\n".join(f"wrod{chr(97 + at % 26)}{chr(97 + at // 26)}x" for at in range(600))))
    real = check._speller.look_up
    check._speller.look_up = lambda words: (asked.extend(words), real(words))  # type: ignore[method-assign,assignment]
    try:
        qtbot.waitUntil(lambda: len(underlined(check)) > 3)
        assert len({*asked}) < 60
        editor.moveCursor(QTextCursor.MoveOperation.End)
        qtbot.waitUntil(lambda: any(one.startswith("wrodbx") for one in underlined(check)))
    finally:
        check._speller.look_up = real  # type: ignore[method-assign]


def test_names_of_those_who_are_written_to_are_right(check: SpellCheck, qtbot: QtBot) -> None:
    editor = editor_of(check)
    editor.show_prose(from_text("Dear Mirelka and Tomzasz,"))
    qtbot.waitUntil(lambda: underlined(check) == ["Mirelka", "Tomzasz"])
    check.names = lambda: {"mirelka"}
    check.look()
    assert underlined(check) == ["Tomzasz"]


def test_an_emoji_before_a_word_moves_nothing(check: SpellCheck, qtbot: QtBot) -> None:
    editor = editor_of(check)
    editor.show_prose(from_text("Party 🎉🎉 at the musuem, everybody\n\n> 🙂 quoted bold"))
    qtbot.waitUntil(lambda: underlined(check) == ["musuem"])
    editor.marks.rehighlight()
    (dimmed,) = editor.document().lastBlock().layout().formats()
    assert dimmed.length == len("🙂 quoted bold") + 1
    editor.moveCursor(QTextCursor.MoveOperation.Start)
    QTest.keyClicks(editor, ":tada:")
    QTest.keyClicks(editor, " :joy:")
    assert editor.toPlainText().startswith("🎉 😂Party 🎉🎉 at")


def test_which_languages_are_used_is_the_persons_choice(check: SpellCheck, qtbot: QtBot) -> None:
    now = [Preferences()]

    def change(**values: object) -> None:
        now[0] = replace(now[0], **values)  # type: ignore[arg-type]

    shared = Spelling(lambda: now[0])
    rules = SpellingRules(lambda: now[0], change, shared)
    qtbot.addWidget(rules)
    qtbot.waitUntil(lambda: shared.speller.installed is not None)
    assert languages_of(now[0], ("de_DE", "en_US")) == ("en_US", "de_DE")
    assert languages_of(now[0], ("bg", "cs_CZ", "da_DK", "en_US", "fr", "it_IT")) == ("en_US",)
    now[0] = Preferences(languages=("en_US",))
    menu = rules.menu()
    next(one for one in menu.actions() if one.data() == "de_DE").trigger()
    assert "de_DE" in now[0].languages and "English, German" in rules.languages.text()
    for one in rules.menu().actions():
        if one.isChecked():
            one.trigger()
    assert not now[0].spelling and rules.languages.isHidden()
    assert languages_of(now[0], ("en_US",)) == ()
    shared.speller.close()


def test_the_subject_is_spelt_too_and_a_word_of_its_menu_takes_the_place_of_a_mistake(
    speller: Speller, check: SpellCheck, qtbot: QtBot
) -> None:
    line = SpelledLine()
    qtbot.addWidget(line)
    line.show()
    subject = LineCheck(line, speller)
    subject.names = lambda: {"mirela"}
    line.setText("😀 the musuem of Mirela")
    assert line.marks == ()  # it is being typed
    line.setCursorPosition(0)
    qtbot.waitUntil(lambda: line.marks == ((7, 13),))  # 😀 is two units
    before = line.grab().toImage()
    line.show_marks(())
    assert line.grab().toImage() != before
    menu = subject.menu(8)
    qtbot.waitUntil(lambda: "museum" in offers(menu))
    next(one for one in menu.actions() if one.text() == "museum").trigger()
    assert line.text() == "😀 the museum of Mirela"
    line.undo()
    assert line.text() == "😀 the musuem of Mirela"
    line.setCursorPosition(0)
    assert subject.next_mistake() and line.selectedText() == "musuem"
    line.setReadOnly(True)
    subject.look()
    assert line.marks == ()
