"""From the editor to plain text and HTML, and back."""

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QImage, QTextCursor, QTextDocument, QTextListFormat
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot
from unit.mime.test_prose import prose

from mua.gui import body_text
from mua.gui.body_editor import BodyEditor
from mua.gui.body_marks import MARKDOWN, PLAIN, RICH
from mua.gui.body_track import Track
from mua.gui.composer_find import ComposerFind
from mua.mime.html import sanitise
from mua.mime.markdown import from_markdown, same_words
from mua.mime.prose_html import from_html, to_html
from mua.mime.prose_text import from_text, to_text
from mua.mime.text import html_to_text
from mua.model.prose import Image


@pytest.fixture
def editor(qtbot: QtBot) -> BodyEditor:
    made = BodyEditor()
    qtbot.addWidget(made)
    return made


def choose(editor: BodyEditor, first: int, last: int) -> None:
    cursor = editor.textCursor()
    cursor.setPosition(first)
    cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
    editor.setTextCursor(cursor)


def test_plain_text_stays_plain(editor: BodyEditor) -> None:
    text = "Hello,\n\n> quoted\n>> deeper\n\nBest,\nRobin"
    editor.show_text(text)
    assert not editor.is_formatted()
    assert body_text.plain(editor.document()) == text


def test_bold_and_a_list_are_sent_both_ways(editor: BodyEditor) -> None:
    editor.show_text("Hello you\none\ntwo")
    choose(editor, 0, 5)
    editor.toggle_bold()
    choose(editor, 10, 17)
    editor.toggle_list(QTextListFormat.Style.ListDisc)
    assert editor.is_formatted()
    assert body_text.plain(editor.document()) == "Hello you\n* one\n* two"
    html = body_text.html(editor.document())
    assert "<b>Hello</b> you" in html
    assert '<ul style="margin:0">\n<li>one</li>\n<li>two</li>' in html
    assert html.count("style=") == 1  # nothing of the editor
    editor.toggle_list(QTextListFormat.Style.ListDisc)
    assert body_text.plain(editor.document()) == "Hello you\none\ntwo"


def test_a_link_shows_its_target_in_plain_text(editor: BodyEditor) -> None:
    editor.show_text("See the plan")
    choose(editor, 8, 12)
    editor.link("example.org/plan?a=1&b=2")
    assert body_text.plain(editor.document()).startswith("See the plan <https://example.org/plan?a=1&b=2>")
    assert '<a href="https://example.org/plan?a=1&amp;b=2">plan</a>' in body_text.html(editor.document())


def test_quotes_are_blockquotes_in_html(editor: BodyEditor) -> None:
    editor.show_text("Yes\n> one\n>> two\n> three")
    html = body_text.html(editor.document())
    assert html.count("<blockquote") == html.count("</blockquote>") == 2
    assert "&gt;" not in html
    assert "two" in html


def test_the_quote_button_goes_both_ways(editor: BodyEditor) -> None:
    editor.show_text("one\ntwo")
    editor.selectAll()
    editor.toggle_quote()
    assert body_text.plain(editor.document()) == "> one\n> two"
    editor.selectAll()
    editor.toggle_quote()
    assert body_text.plain(editor.document()) == "one\ntwo"


def test_what_is_written_is_escaped_and_survives_the_way_back(editor: BodyEditor) -> None:
    editor.show_html(
        "<p>a &lt;script&gt; <b>bold</b> <i>it</i></p><ol><li>x</li><li>y</li></ol><blockquote>q</blockquote>"
    )
    first = body_text.html(editor.document())
    assert "<script" not in first
    other = QTextDocument()
    body_text.load(other, from_html(first))
    assert body_text.html(other) == first
    assert body_text.plain(other) == body_text.plain(editor.document())
    assert sanitise(first).remote == 0
    assert "bold" in html_to_text(first)


def test_empty_lines_and_long_quotes_survive_the_way_back(editor: BodyEditor) -> None:
    """As often as a letter is saved and taken up again."""
    text = "Yes.\n\nOn Sunday Amara wrote:\n> one\n>\n> two\n>> deeper\n>> still\n> three\n\nBest,\nRobin\n\n"
    editor.show_text(text)
    choose(editor, 0, 4)
    editor.toggle_bold()
    first = body_text.html(editor.document())
    for _ in range(3):
        editor.show_html(body_text.html(editor.document()))
    assert body_text.html(editor.document()) == first
    assert body_text.plain(editor.document()) == text


def test_what_is_pasted_keeps_its_meaning_and_no_foreign_style(editor: BodyEditor) -> None:
    data = QMimeData()
    data.setHtml('<p style="font-size:40px">Hello <img src="https://track.example/p.gif"><b>you</b></p>')
    data.setText("Hello you")
    editor.insertFromMimeData(data)
    assert body_text.html(editor.document()) == "<html><body><div>Hello <b>you</b></div></body></html>"
    editor.undo()
    assert editor.toPlainText() == ""
    editor.switch(PLAIN)
    editor.insertFromMimeData(data)
    assert editor.toPlainText() == "Hello you"


def test_cells_of_a_spreadsheet_become_a_table_in_the_middle_of_a_line(editor: BodyEditor) -> None:
    editor.show_text("before after")
    choose(editor, 7, 7)
    data = QMimeData()
    data.setHtml("<table><tr><td>Tea</td><td>3</td></tr><tr><td>Cake</td><td>4</td></tr></table>")
    editor.insertFromMimeData(data)
    assert body_text.plain(editor.document()) == "before \nTea  | 3\n-----+--\nCake | 4\nafter"
    editor.undo()
    assert body_text.plain(editor.document()) == "before after"
    assert "<td>Cake</td>" not in body_text.html(editor.document())


RICH_TEXT = """# Plan

Hello **you**, *see* [the plan](https://example.org/a) and ~~not~~ `this`.
- one
  1. two
- three

```
x = 1
```
| a | b |
| --- | --- |
| 1 | 2 |

> quoted **bold**
> > deeper

--\x20
Robin"""


def test_switching_loses_no_word_and_is_one_step_to_undo(editor: BodyEditor) -> None:
    editor.show_prose(from_markdown(RICH_TEXT))
    assert same_words(editor.prose(), from_markdown(RICH_TEXT))
    rich = editor.prose()
    assert editor.switch(MARKDOWN)
    assert editor.toPlainText() == RICH_TEXT
    assert editor.mode == MARKDOWN
    editor.undo()
    assert (editor.mode, editor.prose()) == (RICH, rich)
    editor.redo()
    assert (editor.mode, editor.toPlainText()) == (MARKDOWN, RICH_TEXT)
    assert editor.switch(RICH)
    assert editor.prose() == rich
    assert not editor.switch(PLAIN), "formats are left out"
    assert editor.toPlainText().startswith("Plan\n====\n\nHello you, see the plan <https://example.org/a>")
    assert not editor.is_formatted()
    editor.undo()
    assert editor.prose() == rich


@pytest.mark.parametrize("seed", range(40))
def test_any_document_comes_out_of_the_editor_as_it_went_in(editor: BodyEditor, seed: int) -> None:
    once = from_html(to_html(prose(seed)), pictures=lambda _: True)
    editor.show_prose(once)
    assert same_words(editor.prose(), once)
    assert same_words(from_html(to_html(editor.prose()), pictures=lambda _: True), once)
    for mode in (MARKDOWN, RICH, MARKDOWN, RICH):
        editor.switch(mode)
        assert same_words(editor.prose(), once)


def test_formats_are_given_and_taken(editor: BodyEditor) -> None:
    editor.show_text("Title\nSome code and red words")
    editor.heading(1)
    choose(editor, 11, 15)
    editor.toggle_code()
    choose(editor, 20, 23)
    editor.colour("#c62828")
    assert body_text.html(editor.document()) == (
        '<html><body><h1 style="margin:.5em 0 .2em">Title</h1>\n'
        '<div>Some <code style="font-family:monospace">code</code> and '
        '<span style="color:#c62828">red</span> words</div></body></html>'
    )
    assert body_text.plain(editor.document()) == "Title\n=====\nSome code and red words"
    editor.selectAll()
    editor.plain_look()
    assert not editor.is_formatted()


def test_an_answer_inside_a_quote_stands_between_its_halves(editor: BodyEditor) -> None:
    editor.show_text("> first half second half")
    choose(editor, 11, 11)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    editor.insertPlainText("mine")
    assert body_text.plain(editor.document()) == "> first half\n\nmine\n> second half"


def test_names_of_emoji_become_them(editor: BodyEditor) -> None:
    QTest.keyClicks(editor, "ok :tada: 12:30:45:")
    assert editor.toPlainText() == "ok 🎉 12:30:45:"


def test_find_and_replace_is_one_step(editor: BodyEditor, qtbot: QtBot) -> None:
    bar = ComposerFind(editor)
    qtbot.addWidget(bar)
    editor.show_text("one two One\ntwo one")
    bar.field.setText("one")
    assert bar.count.text() == "3 found"
    bar.other.setText("1")
    assert bar.replace_all() == 3
    assert editor.toPlainText() == "1 two 1\ntwo 1"
    editor.undo()
    assert editor.toPlainText() == "one two One\ntwo one"
    choose(editor, 0, 0)
    assert [(bar.step(1), editor.textCursor().position())[1] for _ in range(4)] == [3, 11, 19, 3]
    assert bar.step(-1) and editor.textCursor().position() == 19


def test_an_item_is_moved_in_by_tab_and_the_next_line_of_markdown_goes_on(editor: BodyEditor) -> None:
    editor.show_prose(from_markdown("- one\n- two"))
    choose(editor, 5, 5)
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert body_text.plain(editor.document()) == "* one\n  * two"
    QTest.keyClick(editor, Qt.Key.Key_Backtab)
    assert body_text.plain(editor.document()) == "* one\n* two"
    editor.show_source("1. one", MARKDOWN)
    choose(editor, 6, 6)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert editor.toPlainText() == "1. one\n2. "


@pytest.mark.parametrize("mode", [RICH, MARKDOWN, PLAIN])
def test_a_very_long_quote_is_folded_and_part_of_the_text_all_the_same(editor: BodyEditor, mode: str) -> None:
    text = "\n".join(["Mine", "", "She wrote:", *(f"> line {number}" for number in range(5_000))])
    editor.show_prose(from_text(text), mode)
    assert editor.document().blockCount() < 500
    assert to_text(editor.prose()) == text
    track = Track(editor)
    track.begin()
    editor.insertPlainText("Hello ")
    step = track.step()
    assert step is not None
    assert (step.at, step.gone, len(step.lines)) == (0, 1, 1)
    assert len(track.lines()) == 5_003
    editor.unfold()
    assert editor.document().blockCount() == 5_003
    assert to_text(editor.prose()) == "Hello " + text
    assert track.step() is None


def test_a_picture_is_resized_by_its_corner_in_one_step(editor: BodyEditor) -> None:
    picture = QImage(200, 100, QImage.Format.Format_RGB32)
    editor.picture = lambda _: picture
    editor.resize(700, 500)
    editor.show()
    editor.insertPlainText("Look: ")
    editor.insert_picture(Image("a@b", "", 200, 100))
    corner = editor.pictures._rect_of(6)[1]
    view = editor.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=corner)
    for step in (20, 60, 100):
        QTest.mouseMove(view, corner + QPoint(step, 0))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=corner)
    assert [run.image for run in editor.prose()[0].runs if run.image] == [Image("a@b", "", 300, 150)]
    editor.undo()
    assert 'width="200" height="100"' in body_text.html(editor.document())
    assert editor.pictures.scale(1.25)
    assert 'width="250" height="125"' in body_text.html(editor.document())


def test_a_quote_stands_in_on_both_sides_whichever_way_it_is_read(editor: BodyEditor) -> None:
    editor.show_text("> שלום\n> hello\n\nx")
    block = editor.document().begin()
    assert block.blockFormat().rightMargin() == block.blockFormat().leftMargin() == body_text.QUOTE_STEP
    editor.selectAll()
    editor.toggle_quote()
    last = editor.document().lastBlock()
    assert last.blockFormat().rightMargin() == last.blockFormat().leftMargin() == body_text.QUOTE_STEP
    editor.toggle_quote()
    assert editor.document().lastBlock().blockFormat().rightMargin() == 0


def test_an_answer_between_quoted_words_behind_an_emoji_loses_no_letter(editor: BodyEditor) -> None:
    editor.show_source("> 🙂🙂 one two", PLAIN)
    cursor = editor.textCursor()
    cursor.setPosition(len("> 🙂🙂 one ") + 2)
    editor.setTextCursor(cursor)
    QTest.keyClick(editor, Qt.Key.Key_Return)
    assert editor.toPlainText().split() == [">", "🙂🙂", "one", ">", "two"]
