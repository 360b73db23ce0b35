"""POP3 through the command line: several accounts and one inbox, and acts in folders that only this computer has."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Mua
from maildrop import Maildrop
from pop_house import letter, letters


@pytest.fixture
def mua(tmp_path: Path) -> Iterator[Mua]:
    found = Mua(tmp_path / "profile")
    with found.engine():
        yield found


def add(mua: Mua, name: str, drop: Maildrop, *options: str, code: int = 0) -> dict[str, object]:
    words = ["--pop3", f"127.0.0.1:{drop.port}", "--pop3-security", "none", "--user", name, "--password-stdin"]
    email = f"{name}@example.org"
    found = mua.json("account", "add", "--name", name, "--email", email, *words, *options, stdin=b"right\n", code=code)
    assert isinstance(found, dict)
    return found


def raws(mua: Mua, account: str, folder: str) -> list[bytes]:
    rows = mua.json("--account", account, "list", folder)
    return [mua.run("show", one["id"], "--raw").stdout for one in rows]


def test_every_act_works_in_folders_of_this_computer(mua: Mua) -> None:
    with Maildrop(letters(6)) as drop:
        made = add(mua, "ada", drop, "--keep-days", "30", "--delete-when-deleted")
        assert made["pop3"] == {"keep_days": 30, "delete_when_deleted": True, "inbox_of": None}
        mua.json("sync")
        ids = {one["subject"]: one["id"] for one in mua.json("list", "INBOX")}
        for number, act in enumerate((["archive"], ["delete"], ["junk"], ["flag"], ["move"], ["delete"]), 1):
            words = ["--to", "Sent"] if act == ["move"] else []
            mua.json("act", *act, ids[f"letter {number}"], *words)
        mua.json("undo")
        where = {"Archive": 1, "Trash": 2, "Junk": 3, "Sent": 5}
        assert {name: raws(mua, "ada", name) for name in where} == {name: [letter(n)] for name, n in where.items()}
        assert raws(mua, "ada", "INBOX") == [letter(6), letter(4)]
        assert mua.json("list", "INBOX")[1]["flags"] == ["\\Flagged"]
        mua.json("act", "delete", ids["letter 2"])  # out of the trash: for ever
        mua.json("sync")
        assert sorted(drop.messages) == ["uid-1", "uid-3", "uid-4", "uid-5", "uid-6"]
        assert len(drop.retrieved) == 6


def test_two_accounts_feed_the_inbox_of_a_third(mua: Mua) -> None:
    with Maildrop(letters(2)) as first, Maildrop({"uid-1": letter(7)}) as second:
        mua.json("account", "add", "--name", "here", "--email", "me@example.org", "--local")
        add(mua, "ada", first, "--inbox-of", "here")
        assert add(mua, "bo", second, "--inbox-of", "here", "--delete-fetched")["pop3"] == {
            "keep_days": 0,
            "delete_when_deleted": False,
            "inbox_of": mua.json("account", "list")[0]["id"],
        }
        mua.json("sync")
        assert sorted(raws(mua, "here", "INBOX")) == sorted([letter(1), letter(2), letter(7)])
        assert raws(mua, "ada", "INBOX") == raws(mua, "bo", "INBOX") == []
        assert (len(first.messages), len(second.messages)) == (2, 0)
        newest = mua.json("--account", "here", "list", "INBOX")[0]["id"]
        mua.json("act", "archive", newest)
        assert len(raws(mua, "here", "Archive")) == 1
        mua.json("sync")
        assert len(first.retrieved) == 2


def test_an_inbox_on_a_server_is_no_place_for_other_accounts_mail(mua: Mua) -> None:
    with Maildrop({}) as drop:
        words = ["--imap", "127.0.0.1:1", "--imap-security", "none"]
        mua.json("account", "add", "--name", "far", "--email", "me@example.org", *words)
        assert add(mua, "ada", drop, "--inbox-of", "far", code=1)["error"]["code"] == "inbox-elsewhere"  # type: ignore[index]
        assert add(mua, "ada", drop, "--inbox-of", "nobody", code=1)["error"]["code"] == "no-such-account"  # type: ignore[index]
