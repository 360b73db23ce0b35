"""Views of large HTML are made by a child, within its limits; whatever happens to it, the message is shown."""

import json
import subprocess
import sys

import pytest

from mua.engine import viewer
from mua.jsonable import from_json
from mua.mime.message import gist, parse, snippet
from mua.mime.text import light_text
from mua.mime.view import view
from mua.model.message import MessageView
from mua.paths import child_environment

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


GROWTH = """
import sys
from pathlib import Path
from mua.engine import reading, viewer
def most():
    return int(next(line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("VmHWM")))
viewer._by_child = lambda raw: ""  # the worse case: it did not finish, and the engine shows the text
raw = sys.stdin.buffer.read()
Path("/proc/self/clear_refs").write_text("5")
before = most()
made = {"view": viewer.shown, "list": lambda raw: reading.facts(1, 0, raw), "whole": lambda raw: reading.Whole(raw, 0)}
made[sys.argv[1]](raw)
print(most() - before)
"""


@pytest.mark.parametrize("wanted", ["view", "list", "whole"])
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
