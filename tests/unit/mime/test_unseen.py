"""An answer and a forward carry what was seen of a message, and nothing that its styles hid."""

import time

import pytest

from mua.mime.prose_html import from_html
from mua.mime.prose_text import to_text
from mua.mime.reply import Mode, answer, reply
from mua.mime.view import view
from mua.model.address import Address

HIDDEN = [
    "display:none", "display:none !important", "visibility:hidden", "opacity:0", "opacity:0.01", "opacity:1%",
    "font-size:0", "font-size:1px", "font:0/0 a", "color:transparent", "color:rgba(0,0,0,0)", "color:#fff",
    "color:#FEFEFE", "background:#123456;color:#123457", "max-height:0;overflow:hidden", "height:0;overflow:hidden",
    "width:1px;height:1px;overflow:hidden", "position:absolute;left:-9999px", "text-indent:-9999px",
    "clip-path:inset(100%)", "clip:rect(0,0,0,0);position:absolute", "transform:scale(0)", "margin-left:-200em",
    "transform:translate(-9999px)", "content-visibility:hidden", "d\\69splay:none", "display:/**/none",
]  # fmt: skip
SEEN = [
    "display:block", "opacity:0.9", "font-size:8px", "color:#333", "background:#000;color:#fff", "height:0",
    "width:100%;overflow:hidden", "background:url(cid:a);color:#fff", "max-height:100px;overflow:hidden",
    "text-indent:2em", "margin-left:-10px", "visibility:visible", "transform:scale(1.2)", "font:bold 12px Arial",
    "clip-path:inset(1px)",
]  # fmt: skip


def mail(html: str, text: str = "") -> bytes:
    head = "From: a@x.example\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: "
    if not text:
        return f"{head}text/html\r\n\r\n{html}".encode()
    parts = f"--b\r\nContent-Type: text/plain\r\n\r\n{text}\r\n--b\r\nContent-Type: text/html\r\n\r\n{html}\r\n--b--"
    return f'{head}multipart/alternative; boundary="b"\r\n\r\n{parts}'.encode()


def carried(raw: bytes) -> list[str]:
    """What each way of answering and forwarding carries."""
    shown, me = view(raw), Address("", "me@x.example")
    modes: tuple[Mode, ...] = ("reply", "all", "forward")
    rich = [to_text(answer(shown, mode, me=frozenset(), sender=me).body) for mode in modes]
    return rich + [reply(shown, mode, me=frozenset(), sender=me)[0].text for mode in modes]


def seen(html: str) -> str:
    return " ".join(to_text(from_html(html, seen=True)).split())


@pytest.mark.parametrize("style", HIDDEN)
def test_what_a_style_hides_is_not_carried(style: str) -> None:
    """By a class, on the element itself, and around it; formatted or not."""
    sheet = f"<style>.k1{{{style}}}</style>"
    pages = (
        "<p class=k1>COVERT</p>",
        f"<p style='{style}'>COVERT</p>",
        f"<div style='{style}'><p>a<i>COVERT</i></p></div>",
    )
    for page in pages:
        for before in ("<p>Hello</p>", "<p>Hello <b>you</b></p>"):
            for text in carried(mail(f"<html><head>{sheet}</head><body>{before}{page}</body></html>")):
                assert "Hello" in text
                assert "COVERT" not in text, (style, page)


@pytest.mark.parametrize("style", SEEN)
def test_what_is_seen_is_carried(style: str) -> None:
    sheet = f"<style>.k1{{{style}}}</style>"
    html = f"{sheet}<p class=k1>one</p><p style='{style}'>two</p><div style='{style}'><p>three</p></div>"
    assert seen(html) == "one two three"


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<style>@media (max-width:600px){.d{display:none}}</style><p class=d>wide</p>", "wide"),
        ("<style>@media (min-width:600px){.d{display:none}}</style><p class=d>narrow</p>", ""),
        ("<style>.m{display:none}@media (max-width:600px){.m{display:block}}</style><p class=m>narrow</p>", ""),
        ("<style>@media screen{.d{display:none}}</style><p class=d>x</p>", ""),
        ("<style>@media print{.d{display:none}}</style><p class=d>x</p>", "x"),
        ("<style>@media not print{.d{display:none}}</style><p class=d>x</p>", ""),
        ("<style>@media (prefers-color-scheme:dark){.d{color:#fff}}</style><p class=d>x</p>", "x"),
        ("<style>.d{display:none}.d{display:block}</style><p class=d>x</p>", "x"),
        ("<style>.d{display:none!important}.d{display:block}</style><p class=d>x</p>", ""),
        ("<style>.missing,.d{display:none}</style><p class=d>x</p>", ""),
        ("<style>.o > .d{display:none}</style><p class=o><span class=d>x</span><span>y</span></p>", "y"),
        ("<style>.D{display:none}</style><p class=d>x</p>", ""),  # as a page without a doctype is read
        ("<style>.d:nonsense(x){display:none}</style><p class=d>x</p>", ""),
        ("<style>.d:hover{opacity:0}.d::before{display:none}</style><p class=d>x</p>", "x"),
        ("<table><tr><td style='font-size:0'><i>gone</i><i style='font-size:14px'>there</i></table>", "there"),
        ("<div style='font-size:1px'><div style='font-size:1em'>x</div></div>", ""),
        ("<div style='opacity:.3'><div style='opacity:.3'>x</div></div>", ""),
        ("<style>.h{visibility:hidden}</style><p class=h>x<b style='visibility:visible'>y</b></p>", "y"),
        ("<table bgcolor=black><tr><td><font color=white>x</font></table>", "x"),
        ("<table><tr><td><font color=white>x</font></table>", ""),
        ("<style>body{background:#000;color:#fff}</style><p>x</p>", "x"),
    ],
)
def test_which_rules_count(html: str, expected: str) -> None:
    assert seen(html) == expected


def test_the_text_beside_the_html_that_was_read_is_not_carried() -> None:
    for html in ("<p>Lunch on Friday?</p>", "<p>Lunch on <b>Friday</b>?</p>"):
        for text in carried(mail(html, "COVERT: you are fired")):
            assert "Lunch on" in text
            assert "COVERT" not in text


@pytest.mark.parametrize("rule", ["i{color:red}", "b i{left:1px}", "i:nth-child(2n+1){color:red}"])
def test_very_many_rules_keep_no_other_from_being_heard(rule: str) -> None:
    html = f"<style>{rule * 2_100}.x{{display:none}}</style>{'<i>a</i>' * 600}<p class=x>secret</p>"
    assert "secret" not in seen(html)


@pytest.mark.parametrize("style", ["transform:scale(.)", "transform:scale(1..)"])
def test_a_number_that_is_none_is_no_mistake(style: str) -> None:
    for said in carried(mail(f'<p style="{style}">words</p>')):
        assert "words" in said


def test_a_page_that_is_too_long_for_its_formats_is_quoted_as_what_was_read() -> None:
    rest = "<p>and so on, and so on</p>" * 16_000
    raw = mail(
        f"<p>Lunch on Friday?</p><p style='display:none'>secret</p>{rest}<p>The end</p>", "COVERT: you are fired"
    )
    said = to_text(answer(view(raw), "forward", me=frozenset(), sender=Address("", "me@x.example")).body)
    assert "Lunch on Friday?" in said
    assert "The end" in said
    assert "COVERT" not in said
    assert "secret" not in said


def test_nothing_raises_and_all_ends() -> None:
    rules = "".join(f".c{one}{{display:none}}" for one in range(5_000))
    pages = [
        "<style>" + rules + "</style>" + "".join(f"<p class=c{one}>x" for one in range(5_000)),
        "<style>" + "p" * 100_000 + "{display:none", "<style>@media(((((</style>x", "<style>}{display:none}</style>x",
        "<p style='" + "opacity:0;" * 9_000 + "'>x", "<div>" * 180 + "x", "", "<p style='color:#;font-size:;left:-;'>x",
    ]  # fmt: skip
    began = time.process_time()
    for page in pages:
        from_html(page, seen=True)
    assert time.process_time() - began < 20
