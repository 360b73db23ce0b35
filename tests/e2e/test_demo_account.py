"""A whole account against the demo server through the command line: needs no root and nothing installed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Mua
from demo_server import LOGIN, House, house

LETTER = (
    b"From: Ruth <ruth@demo.mua.example>\r\nSubject: letter %d\r\nMessage-ID: <%d@demo.mua.example>\r\n\r\nBody %d.\r\n"
)
DAY = 24 * 3600
BEGIN = 1_760_000_000


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Mua, House]]:
    """A server with five letters, and a profile whose engine has fetched them."""
    with house() as server:
        for number in range(5):
            server.do(server.mailbox.find("INBOX").add, LETTER % ((number,) * 3), BEGIN + number * DAY)
        server.do(server.mailbox.create, "Archive", "\\Archive")
        server.do(server.mailbox.create, "Sent", "\\Sent")
        server.do(server.mailbox.create, "Trash", "\\Trash")
        mua = Mua(tmp_path / "profile")
        with mua.engine():
            options = ["--imap", f"127.0.0.1:{server.imap_port}", "--imap-security", "none"]
            options += ["--smtp", f"127.0.0.1:{server.smtp_port}", "--smtp-security", "none"]
            options += ["--user", LOGIN.user, "--password-stdin"]
            words = ["account", "add", "--name", "demo", "--email", LOGIN.user, *options]
            mua.json(*words, stdin=LOGIN.password.encode() + b"\n")
            mua.json("sync", "--until-complete")
            yield mua, server


def on_server(server: House, folder: str) -> dict[bytes, list[str]]:
    """Subject line -> flags of what the server holds."""
    found = server.do(lambda: list(server.mailbox.find(folder).messages.values()))
    return {one.data.split(b"Subject: ")[1].split(b"\r\n")[0]: sorted(one.flags) for one in found}


def listed(mua: Mua, folder: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = mua.json("list", folder)
    return found


def test_everything_is_here_byte_for_byte(home: tuple[Mua, House]) -> None:
    mua, _ = home
    inbox = listed(mua, "INBOX")
    assert [one["subject"] for one in inbox] == [f"letter {n}" for n in (4, 3, 2, 1, 0)]
    for one in inbox:
        number = int(one["subject"].split()[1])
        assert mua.run("show", one["id"], "--raw").stdout == LETTER % ((number,) * 3)
    assert [one["subject"] for one in mua.json("search", "body 3")] == ["letter 3"]


def test_what_a_person_does_reaches_the_server(home: tuple[Mua, House]) -> None:
    mua, server = home
    newest, second, third, *_ = (one["id"] for one in listed(mua, "INBOX"))
    mua.json("act", "flag", newest)
    mua.json("act", "archive", second)
    mua.json("act", "delete", third)
    mua.json("sync")
    assert on_server(server, "INBOX")[b"letter 4"] == ["\\Flagged"]
    assert list(on_server(server, "Archive")) == [b"letter 3"]
    assert list(on_server(server, "Trash")) == [b"letter 2"]
    mua.json("undo")
    mua.json("sync")
    assert on_server(server, "Trash") == {}
    assert b"letter 2" in on_server(server, "INBOX")


def test_what_happens_on_the_server_is_seen(home: tuple[Mua, House]) -> None:
    mua, server = home
    inbox = server.do(server.mailbox.find, "INBOX")
    server.do(lambda: inbox.expunge([1]))
    server.do(lambda: inbox.set_flags(inbox.messages[2], ["\\Seen", "urgent"]))
    server.do(inbox.add, LETTER % ((9,) * 3), BEGIN + 9 * DAY)
    mua.json("sync")
    found = {one["subject"]: one["flags"] for one in listed(mua, "INBOX")}
    assert set(found) == {"letter 9", "letter 4", "letter 3", "letter 2", "letter 1"}
    assert found["letter 1"] == ["\\Seen", "urgent"]


def test_one_of_three_recipients_is_refused(home: tuple[Mua, House]) -> None:
    mua, server = home
    to = ["ruth@demo.mua.example", "refused@demo.mua.example", LOGIN.user]
    sent = mua.json("compose", "--to", *to, "--subject", "three", "--body", "hello", "--wait", code=1)
    states = {one["address"]: (one["state"], one["code"]) for one in sent["recipients"]}
    assert states == {to[0]: ("accepted", 250), to[1]: ("refused", 550), to[2]: ("accepted", 250)}
    mua.json("sync")
    mua.json("sync")
    assert list(on_server(server, "Sent")) == [b"three"]
    assert [one["subject"] for one in listed(mua, "Sent")] == ["three"]
    assert "three" in [one["subject"] for one in listed(mua, "INBOX")]


def test_offline_acts_wait_for_the_server(home: tuple[Mua, House]) -> None:
    mua, server = home
    server.faults.refuse["UID MOVE"] = "[UNAVAILABLE] come back later"
    newest = listed(mua, "INBOX")[0]["id"]
    mua.json("act", "archive", newest)
    assert [one["id"] for one in listed(mua, "Archive")] == [newest]
    assert on_server(server, "Archive") == {}
    del server.faults.refuse["UID MOVE"]
    mua.json("sync")
    assert list(on_server(server, "Archive")) == [b"letter 4"]
