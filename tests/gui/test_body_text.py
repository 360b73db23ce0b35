"""From the editor to plain text and HTML, and back."""

import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QTextCursor, QTextDocument, QTextListFormat
from pytestqt.qtbot import QtBot

from mua.gui import body_text
from mua.gui.body_editor import BodyEditor
from mua.mime.html import sanitise
from mua.mime.text import html_to_text


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
    assert "<ul>\n<li>one</li>\n<li>two</li>" in html
    assert "style=" not in html
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
    assert html.count("<blockquote>") == html.count("</blockquote>") == 2
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
    body_text.load_html(other, first)
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


def test_foreign_style_is_not_pasted(editor: BodyEditor) -> None:
    data = QMimeData()
    data.setHtml('<p style="color:red">Hello <img src="https://track.example/p.gif"><b>you</b></p>')
    data.setText("Hello you")
    editor.insertFromMimeData(data)
    assert not editor.is_formatted()
    assert body_text.plain(editor.document()) == "Hello you"
