"""What is written: between Markdown, HTML and plain text no word gets lost."""

import random
import re
from email import message_from_bytes, policy

import pytest
from written import WORDS, letter, prose, words

from mua.mime.html import sanitise
from mua.mime.markdown import from_markdown, same_words, to_markdown
from mua.mime.prose_html import from_html, to_html
from mua.mime.prose_text import from_text, to_text
from mua.mime.text import flow, html_to_text, is_bomb, unflow
from mua.model.prose import Block, Image, Kind, Run, images, is_formatted, quoted


@pytest.mark.parametrize("seed", range(200))
def test_rich_to_markdown_to_plain_to_rich_keeps_the_words(seed: int) -> None:
    rich = prose(seed)
    markdown = from_markdown(to_markdown(rich))
    assert same_words(markdown, rich)
    html = from_html(to_html(rich), pictures=lambda _: True)
    assert same_words(html, rich)
    plain = to_text(markdown)
    assert words(to_text(from_text(plain))) == words(plain)
    assert words(to_text(from_markdown(to_markdown(from_text(plain))))) == words(plain)
    assert set(words(to_text(rich))) == set(words(plain))


@pytest.mark.parametrize("seed", range(200, 260))
def test_a_draft_that_is_taken_up_again_and_again_does_not_change(seed: int) -> None:
    once = from_html(to_html(prose(seed)), pictures=lambda _: True)
    assert from_html(to_html(once), pictures=lambda _: True) == once
    assert from_html(sanitise(to_html(once)).html, pictures=lambda _: True) == once
    filled = tuple(one for one in once if one.kind not in (Kind.BULLET, Kind.NUMBER) or one.text.strip())
    marked = from_markdown(to_markdown(filled))
    assert from_markdown(to_markdown(marked)) == marked


def _at(text: str) -> str:
    """Editors take blanks at line ends away, so here they are written as what can be seen."""
    return text.replace("--_", "-- ")


MARKDOWN = _at("""# Plan

Hello **you** and *her*, see [the plan](https://example.org/a_b).
second line
> quoted
> > deeper
My answer
- one
- two
  1. in
  2. there
after the list

```
def f():
    > x
```
| a | b |
| --- | --- |
| 1 | 2 |
behind

--_
Robin""")

TEXT = _at("""Plan
====

Hello you and her, see the plan <https://example.org/a_b>.
second line
> quoted
>> deeper
My answer
* one
* two
  1. in
  2. there
after the list

    def f():
        > x
a | b
--+--
1 | 2
behind

--_
Robin""")


def test_markdown_reads_as_people_write_it_in_mail() -> None:
    read = from_markdown(MARKDOWN)
    assert to_text(read) == TEXT
    assert to_markdown(read) == MARKDOWN
    assert from_html(to_html(read)) == read
    assert is_formatted(read)
    assert not is_formatted(from_text("just\n> text\n\n-- \nRobin"))


def test_html_is_well_formed_and_lists_are_nested() -> None:
    html = to_html(from_markdown("- one\n  - in\n- two\n\n> - q"))
    assert '<ul style="margin:0">\n<li>one\n<ul>\n<li>in</li>\n</ul></li>\n<li>two</li>\n</ul>' in html
    assert html.count("<blockquote") == html.count("</blockquote>") == 1
    for tag in ("ul", "li", "div", "blockquote"):
        assert len(re.findall(f"<{tag}\\b", html)) == html.count(f"</{tag}>")


def test_what_is_pasted_keeps_its_meaning_and_nothing_else() -> None:
    browser = (
        '<meta charset="utf-8"><style>p{color:red}</style><h2 class="x">Title</h2><p onclick="x()">One'
        ' <strong>two</strong> <a href="https://example.org" style="color:#123456">three</a>'
        '<img src="https://track.example/p.gif" alt="logo">'
        '<script>evil()</script></p><p><span style="font-weight:bold;color:rgb(200,0,0)">red</span></p>'
        '<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul><a href="javascript:x()">no</a><pre>x\n  y</pre>'
    )
    read = from_html(browser)
    assert to_markdown(read) == (
        "## Title\n\nOne **two** [three](https://example.org)\\[logo\\]\n\n**red**\n\n"
        "- a\n- b\n  - c\nno\n```\nx\n  y\n```"
    )
    html = to_html(read)
    assert "track.example" not in html
    assert "evil" not in html
    assert "javascript" not in html
    assert 'style="color:#c80000"' in html


def test_a_spreadsheet_becomes_a_table_and_a_layout_does_not() -> None:
    sheet = (
        '<table border="0"><colgroup><col width="64"></colgroup><tr><td>Item</td><td>Price</td></tr>'
        "<tr><td>Tea</td><td>3.50</td></tr></table>"
    )
    (table,) = from_html(sheet)
    assert table.kind is Kind.TABLE
    assert to_text((table,)) == "Item | Price\n-----+------\nTea  | 3.50"
    layout = "<table><tr><td><table><tr><td>Hello</td></tr></table></td><td><h1>News</h1></td></tr></table>"
    assert [(one.kind, one.text) for one in from_html(layout)] == [(Kind.TEXT, "Hello"), (Kind.HEADING, "News")]


def test_a_list_from_word_is_a_list() -> None:
    word = (
        "<p class=MsoListParagraphCxSpFirst style='text-indent:-.25in;mso-list:l0 level1 lfo1'><![if !supportLists]>"
        "<span style='font-family:Symbol'><span style='mso-list:Ignore'>·<span>&nbsp;&nbsp;&nbsp; </span></span></span>"
        "<![endif]>First<o:p></o:p></p><p style='mso-list:l0 level2 lfo1'>1.&nbsp;&nbsp; Second</p>"
    )
    assert [(one.kind, one.level, one.text) for one in from_html(word)] == [
        (Kind.BULLET, 1, "First"),
        (Kind.NUMBER, 2, "Second"),
    ]


def test_a_quote_says_what_it_was_once_more() -> None:
    read = quoted(from_html("<p>Hi <b>you</b></p><blockquote>before</blockquote>"))
    assert to_text(read) == "> Hi you\n>\n>> before"
    assert images((Block((Run("", image=Image("a@b")),)),)) == ("a@b",)


@pytest.mark.parametrize("side", ["²", "9" * 5000, "999999999999", "-1", "1e9", "0x10", ""])
def test_a_side_of_a_picture_that_is_none_is_its_own(side: str) -> None:
    source = f'<img src="cid:a@b" alt="x" width="{side}" height="20"><ol start="{side}"><li>one</ol>'
    first, *_ = from_html(source, pictures=lambda _: True)
    assert [run.image for run in first.runs] == [Image("a@b", "x", 0, 20)]


def test_a_bomb_is_read_in_a_moment() -> None:
    assert from_html("<div>" * 30_000 + "deep")
    assert from_markdown("[" * 3_000 + "x")
    assert from_markdown("*" * 20_000)


def test_flowed_text_comes_back_as_it_was_written() -> None:
    chance = random.Random(7)
    for _ in range(400):
        lines = []
        for _ in range(chance.randrange(1, 12)):
            line = " ".join(chance.choice([*WORDS, "", "From", ">", "x" * 90]) for _ in range(chance.randrange(40)))
            lines.append(chance.choice(["", "", " ", "   ", "> ", ">> ", ">", "From "]) + line)
        text = to_text(from_text("\n".join(line.rstrip() for line in lines)))
        assert unflow(flow(text)) == text
    lines = flow("word " * 200 + "end\n> " + "quoted " * 100 + "end").split("\n")
    assert max(map(len, lines)) <= 78
    assert sum(line.startswith("> ") for line in lines) > 8
    assert flow("Hello\n\n-- \nRobin") == "Hello\n\n-- \nRobin"


@pytest.mark.parametrize("seed", range(200))
def test_whatever_is_written_is_sent_as_a_valid_message(seed: int) -> None:
    sent = letter(seed)
    wire = sent.wire
    assert wire.isascii()
    assert max(map(len, wire.split(b"\r\n"))) <= 998
    assert wire.count(b"\n") == wire.count(b"\r\n") == wire.count(b"\r")
    assert b"hidden@" not in wire
    got = message_from_bytes(wire, policy=policy.default)
    assert [part.defects for part in got.walk()] == [[]] * len(list(got.walk()))
    plain = got.get_body(("plain",))
    assert plain is not None
    said = plain.get_content().replace("\r\n", "\n")
    said = unflow(said) if plain.get_param("format") == "flowed" else said
    assert said.rstrip("\n") == sent.text.rstrip("\n")
    html = got.get_body(("html",))
    assert (html is None) == (not sent.html)
    assert html is None or html.get_content().replace("\r\n", "\n").rstrip("\n") == sent.html
    names = {"From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}
    assert set(got.keys()) <= names, "headers that tell nothing else"


def test_a_paste_of_very_many_elements_keeps_its_words_and_lines() -> None:
    many = "".join(f"<p><span><b>{one}</b> &lt;b&gt; <i>x</i> <u>y</u></span></p>\n" for one in range(8_000))
    blocks = from_html(many)
    assert len(blocks) >= 8_000
    assert [block.text.split() for block in blocks if block.text][7_999] == ["7999", "<b>", "x", "y"]


@pytest.mark.parametrize(
    ("margin", "apart"), [("0", False), ("0cm 0cm 8pt", False), ("0.0px", False), ("0.5em 0", True)]
)
def test_paragraphs_are_apart_unless_their_margin_is_none(margin: str, apart: bool) -> None:
    found = from_html(f'<p style="margin: {margin}">one</p><p style="margin: {margin}">two</p>')
    assert to_text(found) == ("one\n\ntwo" if apart else "one\ntwo")


def test_a_page_too_large_for_a_parser_keeps_its_lines_and_its_words() -> None:
    line = "<p>Dear <b>Ro</b>bin, <a href='https://x.example'>here</a> it is.<img src='http://x.example/1.gif'></p>"
    page = f"<html><body>{line * 11_000}<ul><li>one<li>two</ul>three<br>four</body></html>"
    lines = html_to_text(page).split("\n")
    assert is_bomb(page) and lines[0] == "Dear Robin, here it is."
    assert len(lines) == 11_004 and lines[-4:] == ["one", "two", "three", "four"]


def test_what_is_read_from_right_to_left_says_so_where_it_is_shown() -> None:
    html = to_html(
        from_markdown("שלום, Amara\n\nHello שלום\n\n- «كراسي»\n\n| אחד | one |\n| --- | --- |\n| 7 | 8 |\n\n# כותרת")
    )
    assert '<div dir="rtl">שלום, Amara</div>' in html
    assert "<div>Hello שלום</div>" in html
    assert '<ul dir="rtl" style="margin:0">\n<li dir="rtl">«كراسي»</li>' in html
    assert '<td dir="rtl">אחד</td><td>one</td>' in html and "<td>7</td>" in html
    assert '<h1 dir="rtl"' in html
    assert from_html(html) == from_html(html.replace(' dir="rtl"', ""))
