"""Views of large HTML are made by a child, within its limits; whatever happens to it, the message is shown."""

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from gui_mail import Mail

from mua import wire
from mua.engine import viewer
from mua.gui.rich_text import MAX_SHOWN
from mua.jsonable import from_json
from mua.mime.message import gist, parse, snippet
from mua.mime.text import light_text
from mua.mime.view import view
from mua.model.account import AccountId
from mua.model.message import Flag, MessageView
from mua.paths import child_environment
from mua.store import read, write

HEAD = b"From: a@mua.test\r\nSubject: large\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
LARGE = HEAD + "<table><tr><td>größer</table>".encode() + b"<p>more of it</p>" * (viewer.LARGE // 16)


def shown(raw: bytes) -> MessageView:
    return from_json(MessageView, json.loads(viewer.shown(raw)))


def test_a_small_view_needs_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "_by_child", lambda _raw: pytest.fail("a child was started"))
    assert shown(HEAD + b"<p>small</p>") == view(HEAD + b"<p>small</p>")


def test_a_child_makes_the_same_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "as_text", lambda _parsed: pytest.fail("the child did not finish"))
    assert shown(LARGE) == view(LARGE)
    assert "größer" in shown(LARGE).html


def test_what_the_child_cannot_finish_is_shown_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "WAIT", 0.001)
    found = shown(LARGE)
    assert not found.html
    assert "größer" in found.text and "more of it" in found.text
    assert viewer.UNFIT in found.warnings


@pytest.mark.parametrize(
    "costs",
    [
        "viewer.SECONDS = 1; viewer.view = lambda raw: [1 for _ in iter(int, 1)]",
        "viewer.view = lambda _: bytes(1 << 32)",
    ],
)
def test_the_child_has_limits(costs: str) -> None:
    script = f"from mua.engine import viewer; {costs}; viewer.main()"
    ended = subprocess.run(
        [sys.executable, "-c", script],
        input=LARGE,
        capture_output=True,
        env=child_environment(),
        timeout=60,
        check=False,
    )
    assert ended.returncode and not ended.stdout


def begun(raw: bytes) -> MessageView:
    return from_json(MessageView, json.loads(viewer.begun(raw)))


def test_the_beginning_of_a_large_one_needs_no_child_and_is_as_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewer, "_by_child", lambda _raw: pytest.fail("a child was started"))
    bad = b'<script>go()</script><img src="http://a.test/i.png" onerror="go()">'
    bad += b"<style>p{background:url(//b.test/)}</style>"
    raw = HEAD + bad + LARGE.removeprefix(HEAD) * 8 + b"<p>The end"
    found, whole = begun(raw), view(raw)
    assert whole.html.startswith(found.html[:100_000]) and "The end" not in found.html
    assert "script" not in found.html and "onerror" not in found.html and "b.test" not in found.html
    assert (found.sender, found.subject, found.headers) == (whole.sender, whole.subject, whole.headers)
    assert [one.host for one in found.wanted] == ["a.test", "b.test"]


def test_a_beginning_says_what_is_odd_about_the_header_and_nothing_that_comes_of_being_cut() -> None:
    mixed = b"Subject: other\r\n" + HEAD.replace(b"text/html", b"multipart/mixed; boundary=b")
    raw = mixed + b"--b\r\nContent-Type: text/html\r\n\r\n" + b"<p>words</p>" * 100_000 + b"\r\n--b--\r\n"
    found = begun(raw).warnings
    assert found == view(raw).warnings and "repeats a field" in found[0]
    signed = raw.replace(b"multipart/mixed", b"multipart/signed")
    assert begun(signed).nature == view(signed).nature != ()


@pytest.mark.parametrize(
    "raw",
    [
        HEAD + b"<p>small</p>",
        HEAD + b"<style>" + b"p { color: red } " * 20_000 + b"</style><p>after it",
        HEAD.replace(b"html", b"plain") + b"words\r\n" * 100_000,
        HEAD.replace(b"text/html", b"multipart/mixed; boundary=b")
        + b"--b\r\n\r\nwords\r\n--b\r\nContent-Type: image/png\r\n\r\n"
        + b"x" * 2_000_000,
    ],
)
def test_what_is_quick_has_no_beginning(raw: bytes) -> None:
    assert viewer.begun(raw) == ""


def test_a_large_text_begins_with_what_is_laid_out() -> None:
    raw = HEAD.replace(b"html", b"plain") + b"some words\r\n" * 200_000
    assert begun(raw).text == view(raw).text[: viewer.BEGUN]
    assert viewer.BEGUN > MAX_SHOWN


def test_a_beginning_is_not_taken_for_the_whole_and_never_takes_its_place(tmp_path: Path) -> None:
    with closing(Mail(tmp_path)) as mail:
        key = mail.letter(mail.account(), mail.folder(AccountId(1), "INBOX"), LARGE, 1, Flag.SEEN, with_view=False)
        told = []
        for write_it in (write.begin_view, write.set_view, write.begin_view):
            with mail.store.write() as tx:
                write_it(tx, key, wire.VIEW_VERSION, write_it.__name__)
            db = mail.store.reader()
            told.append((read.view_json(db, key, wire.VIEW_VERSION), read.beginning_json(db, key, wire.VIEW_VERSION)))
        assert told == [(None, "begin_view"), ("set_view", None), ("set_view", None)]


GROWTH = """
import sys
from contextlib import closing
from pathlib import Path
from mua.engine import reading, viewer
def most():
    return int(next(line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM")))
viewer._by_child = lambda raw: ""  # the worse case: it did not finish, and the engine shows the text
raw = sys.stdin.buffer.read()
Path("/proc/self/clear_refs").write_text("5")
before = most()
made = {"view": viewer.shown, "beginning": viewer.begun}
made |= {"list": lambda raw: reading.facts(1, 0, raw), "whole": lambda raw: reading.Whole(raw, 0)}
made[sys.argv[1]](raw)
print(most() - before)
"""


@pytest.mark.parametrize("wanted", ["view", "beginning", "list", "whole"])
@pytest.mark.parametrize(
    "html", [b"<p>x" * 500_000, b"<p " + b"a=b " * 500_000 + b">x", b"words " * 333_333, b"<" * 2_000_000]
)
def test_large_html_does_not_make_the_engine_large(wanted: str, html: bytes) -> None:
    """The tree that a parser makes of 2 MB takes up to 150 MB, and a heap that was large once may stay so."""
    ended = subprocess.run(
        [sys.executable, "-c", GROWTH, wanted],
        input=HEAD + html,
        capture_output=True,
        env=child_environment(),
        timeout=60,
        check=True,
    )
    assert int(ended.stdout) < 40 * 1024  # kilobytes


def test_the_text_of_large_html_is_whole_without_a_parser() -> None:
    raw = (
        HEAD
        + b"<style>p { color: red }</style><p>first</p>"
        + b"<p>in between &amp; more</p>" * 20_000
        + b"<p>last</p>"
    )
    found = parse(raw, light_text).text
    assert found.startswith("first") and found.rstrip().endswith("last") and "in between & more" in found
    assert snippet(gist(raw, light_text).text).startswith("first in between & more")
