"""What is folded of a mail, and what never is."""

import pytest

from mua.mime.html import sanitise
from mua.mime.page import QUOTE, QUOTE_END, document, quote_of, unfolded
from mua.mime.quotes import fold

GMAIL = (
    '<div dir="ltr">New</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" class="gmail_attr">On '
    'Mon, 3 Nov 2025 at 10:00, Ann &lt;<a href="mailto:ann@x.test">ann@x.test</a>&gt; wrote:<br></div><blockquote '
    'class="gmail_quote" style="margin:0 0 0 0.8ex;border-left:1px solid #ccc;padding-left:1ex">old</blockquote></div>'
)
OUTLOOK = (
    '<div class="WordSection1"><p class="MsoNormal">New</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;'
    'padding:3.0pt 0cm 0cm 0cm"><p class="MsoNormal"><b>From:</b> Ann<br><b>Sent:</b> Monday</p></div></div>'
    '<p class="MsoNormal">old</p></div>'
)
OUTLOOK_WEB = (
    '<div>New</div><div id="appendonsend"></div><hr style="width:98%"><div id="divRplyFwdMsg" dir="ltr"><b>From:</b>'
    " Ann</div><div>old</div>"
)
APPLE = (
    "<div>New</div><div><br><blockquote type='cite'><div>On 3 Nov 2025, at 10:00, Ann &lt;ann@x.test&gt; wrote:</div>"
    "<br><div>old</div></blockquote></div>"
)
THUNDERBIRD = (
    '<p>New</p><div class="moz-cite-prefix">On 03.11.25 10:00, Ann wrote:<br></div><blockquote type="cite" '
    'cite="mid:x@y"><p>old</p></blockquote>'
)
LOOSE = (
    "<p>New</p>On Mon, Ann &lt;<a href='mailto:ann@x.test'>ann@x.test</a>&gt; wrote:<br><blockquote>old</blockquote>"
)
GERMAN = "<p>New</p><p>Am 03.11.25 um 10:00 schrieb Ann:</p><blockquote>old</blockquote>"
YAHOO = (
    '<div>New</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div>On Monday, Ann wrote:</div><div>old</div></div>'
)
PROTON = '<div>New</div><div class="protonmail_quote">On Monday, Ann wrote:<blockquote>old</blockquote></div>'
GMX = '<div>New</div><div name="quote" style="border-left:2px solid"><div>Gesendet: Montag</div>old</div>'
ABOVE = f"<blockquote type=cite>{'old and long ' * 60}</blockquote><p>New</p>"


@pytest.mark.parametrize(
    "html", [GMAIL, OUTLOOK, OUTLOOK_WEB, APPLE, THUNDERBIRD, LOOSE, GERMAN, YAHOO, PROTON, GMX, ABOVE],
    ids="gmail outlook outlook-web apple thunderbird loose german yahoo proton gmx above".split(),
)  # fmt: skip
def test_what_was_written_before_is_folded(html: str) -> None:
    before, quote, after = quote_of(sanitise(html).html)
    assert "old" in quote
    assert "New" not in quote
    assert "old" not in before + after
    assert "New" in before + after
    assert not any(words in before for words in ("wrote:", "schrieb", "From:"))  # the line above goes with it


@pytest.mark.parametrize(
    "html",
    [
        "<blockquote type=cite>q1</blockquote><p>a1</p><blockquote type=cite>q2</blockquote><p>a2</p>",  # in between
        "<p>FYI</p><div class=gmail_quote>---------- Forwarded message ---------<br>From: x<br>old</div>",
        "<p>FYI</p><blockquote type=cite><div>Begin forwarded message:</div>old</blockquote>",
        "<blockquote type=cite>only a quote</blockquote>",
        "<p>He said:</p><blockquote>To be or not to be.</blockquote><p>And left.</p>",  # literature
        "<p>See</p><blockquote>indented</blockquote>",
        "<p>Nothing</p>",
        "<blockquote type=cite>short</blockquote><p>An answer below.</p>",
        '<p>A</p><div style="border-top:solid #E1E1E1 1.0pt">Just a line.</div>',
    ],
)
def test_what_is_never_folded(html: str) -> None:
    assert quote_of(sanitise(html).html)[1] == ""


def test_of_several_quotes_the_last_is_folded_where_nothing_follows() -> None:
    html = "<blockquote type=cite>q1</blockquote><p>a1</p><blockquote type=cite>the rest</blockquote>"
    before, quote, _ = quote_of(sanitise(html).html)
    assert "q1" in before
    assert "the rest" in quote


def test_the_fold_is_ours_alone() -> None:
    html = f"{QUOTE}<summary>x</summary>hidden{QUOTE_END}<details open><summary>own</summary>text</details>{GMAIL}"
    safe = sanitise(html).html
    assert safe.count(QUOTE) == 1
    assert unfolded(safe).count("data-quote") == 0
    assert unfolded(safe).count("<details") == 2
    page = document(sanitise(html))
    assert f"{QUOTE}<summary>Earlier messages</summary>" in page
    assert '<details data-quote="" open><summary>' in document(sanitise(html), unfolded=True)


def test_unfolded_is_what_the_sanitiser_would_have_made_without() -> None:
    safe = sanitise(GMAIL).html
    assert unfolded(safe) == safe.replace(QUOTE, "").replace(QUOTE_END, "")
    assert unfolded("<p>x</p>") == "<p>x</p>"


def levels(text: str) -> tuple[list[int], list[str]]:
    lines = text.splitlines()
    return [len(line) - len(line.lstrip(">")) for line in lines], [line.lstrip("> ") for line in lines]


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("New\n\nOn Monday, Ann wrote:\n> old\n> older\n", (2, 5)),
        ("New\n\nOn Mon, 3 Nov 2025 at 10:00, Ann Example\n<ann@x.test> wrote:\n> old\n", (2, 5)),
        ("New\n\n> old\n>> older\n\n> still\n", (2, 6)),
        ("New\n-----Original Message-----\nFrom: Ann\nold\n", (1, 4)),
        ("> q\nanswer\n> q2\nanswer 2\n", None),
        ("> q\nanswer\n> the rest\n", (2, 3)),
        ("> only\n> quoted\n", None),
        ("> short\nanswer below\n", None),
        ("> 1\n> 2\n> 3\n> 4\n> 5\n> 6\nanswer below\n", (0, 6)),
        ("FYI\n> ---------- Forwarded message ---------\n> old\n", None),
        ("-----Original Message-----\nold\n", None),
        ("Nothing\n", None),
        ("", None),
    ],
)
def test_plain_text(text: str, folded: tuple[int, int] | None) -> None:
    assert fold(*levels(text)) == folded
