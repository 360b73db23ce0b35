"""No way of reading, answering or printing a mail reaches a network: the real window, in a namespace with a sink.

A sample here, the same each time, and the pages that hold everything; all of it by ``./run bench leaks``.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from lab_net import obstacle
from leak_run import run, sample
from leaks import places, vectors

SAMPLE = 8
EVERYTHING = {"reply", "forward", "quotes", "as text", "print", "preview", "dark", "original"}


@pytest.fixture(scope="module")
def mails(shared: Callable[[str], Path]) -> list[tuple[str, str]]:
    """Every way that is known."""
    if reason := obstacle():
        pytest.skip(reason)
    return vectors(shared("attack") / "httpleaks/leak.html", shared("spikes") / "gui/vectors.py")


def test_all_the_ways_are_there(mails: list[tuple[str, str]]) -> None:
    whole = {name.rpartition(" ")[0]: places(html) for name, html in mails if "whole" in name}
    assert whole == {"httpleaks whole": 221, "ours whole": 105}
    assert len([name for name, _ in mails if name.startswith("css")]) > 80


@pytest.mark.timeout(400)
def test_nothing_is_sent_whatever_is_done_with_a_mail(mails: list[tuple[str, str]]) -> None:
    chosen = sample(mails, SAMPLE)
    told = run(chosen)
    assert told.lines == ()  # first, for they say what it was
    assert told.packets == 0
    assert len(told.read) == 2 * 3 * len(chosen)
    steps = {step for _, done in told.read for step in done}
    assert steps == EVERYTHING | {"browser", "text"}


def test_the_sink_counts_what_an_unguarded_browser_sends(mails: list[tuple[str, str]]) -> None:
    """The control: the same mails where nothing is forbidden."""
    told = run(sample(mails, SAMPLE), control=True)
    assert told.packets > 100
    assert len(told.hosts) > 100
    assert {line.split()[0] for line in told.lines} == {"dns", "tcp"}


def test_what_is_sent_when_a_person_asks_for_pictures(mails: list[tuple[str, str]]) -> None:
    """By the engine, for the pictures of that mail, and without a word about who asks; the rest stays where it was."""
    html = (
        '<img src="http://v0-1.leak.test/a.png?x=1"><img src="http://v0-2.leak.test/dot" width=1 height=1>'
        '<img src="http://v0-3.leak.test/wf/open?u=2"><p style="background:url(http://v0-4.leak.test/b.png)">x</p>'
        '<link rel=stylesheet href="http://v0-5.leak.test/s"><iframe src="http://v0-6.leak.test/"></iframe>'
        "<style>@font-face{font-family:f;src:url(http://v0-7.leak.test/f)} p{font-family:f}</style>"
    )
    told = run([("pictures", html)], load=True)
    assert [said for _, said in told.read] == [
        ("Wanted to reach: 7 hosts, 2 trackers. Its pictures are shown.",),
    ]
    assert told.hosts == {"v0-1.leak.test", "v0-4.leak.test"}
    asked = sorted(line.split(" ", 2)[2] for line in told.lines if line.startswith("tcp 80"))
    fields = (
        "Accept: image/avif,image/webp,image/png,image/*;q=0.8 | Accept-Encoding: identity | User-Agent: Mozilla/5.0"
    )
    assert asked == [
        f"GET /{path} HTTP/1.1 | Host: {host}.leak.test | {fields} | Connection: close"
        for path, host in (("a.png?x=1", "v0-1"), ("b.png", "v0-4"))
    ]
