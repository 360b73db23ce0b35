"""``mua verify``: what is wrong with the index is found, said, and mended while searching goes on."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
from commands import Mua

from mua.store.shards import shard_of

LETTER = (
    b"From: Ann <ann@example.org>\r\nSubject: letter %d\r\nDate: Mon, 02 Nov 2026 10:%02d:00 +0100\r\n"
    b"Message-ID: <%d@example.org>\r\n\r\nThe gardener%d is there.\r\n"
)
MANY = 12


@pytest.fixture
def mua(tmp_path: Path) -> Iterator[Mua]:
    found = Mua(tmp_path / "profile")
    with found.engine():
        found.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
        for number in range(MANY):
            (tmp_path / f"{number}.eml").write_bytes(LETTER % ((number,) * 4))
        found.json("import", *(str(tmp_path / f"{number}.eml") for number in range(MANY)), "Inbox")
        until(lambda: len(found.json("search", "body:gardener")) == MANY)
        yield found


def until(holds: Callable[[], bool]) -> None:
    """The index follows by itself, and says to nobody outside when."""
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)


def whole(mua: Mua) -> bool:
    told = mua.json("verify", "--all")
    assert told["messages"] == MANY
    return not told["repairing"] and told["indexed"] == told["checked"] == MANY


def index(mua: Mua) -> apsw.Connection:
    connection = apsw.Connection(str(mua.profile / "fts.db"))
    connection.set_busy_timeout(10_000)
    return connection


def table(db: apsw.Connection) -> str:
    return f"mail_{db.execute('SELECT max(number) FROM shard').get}"


def test_an_index_that_is_whole(mua: Mua) -> None:
    assert mua.json("verify") == {
        "messages": MANY,
        "indexed": MANY,
        "waiting": 0,
        "missing": 0,
        "surplus": 0,
        "checked": MANY,
        "wrong": 0,
        "damaged": False,
        "repairing": False,
    }
    assert mua.run("verify").stdout.startswith(b"The index is whole.")


def test_what_is_missing_wrong_or_surplus_is_mended(mua: Mua) -> None:
    ids = [int(one["id"]) for one in mua.json("list", "Inbox")]
    db = index(mua)
    gone, wrong, ghost = ((shard_of(one).name, shard_of(one).row(one)) for one in (ids[0], ids[1], ids[2] + 1))
    db.execute(f"DELETE FROM {gone[0]} WHERE rowid = ?", gone[1:])
    db.execute(f"INSERT OR REPLACE INTO {wrong[0]}(rowid, body) VALUES (?, 'something else')", wrong[1:])
    db.execute(f"INSERT INTO {ghost[0]}(rowid, body) VALUES (?, 'a ghost')", ghost[1:])
    db.close()
    assert len(mua.json("search", "body:gardener")) == MANY - 2
    told = mua.json("verify", "--all")
    assert (told["missing"], told["surplus"], told["wrong"], told["repairing"]) == (1, 1, 1, True)
    until(lambda: whole(mua))
    assert len(mua.json("search", "body:gardener")) == MANY
    db = index(mua)
    assert db.execute(f"SELECT count(*) FROM {table(db)} WHERE {table(db)} MATCH 'ghost'").get == 0
    db.close()


def test_a_damaged_index_is_made_anew(mua: Mua) -> None:
    db = index(mua)
    db.execute(f"UPDATE {table(db)}_data SET block = zeroblob(length(block)) WHERE id > 100")
    db.close()
    told = mua.json("verify")
    assert (told["damaged"], told["repairing"]) == (True, True)
    until(lambda: whole(mua))
    assert len(mua.json("search", "body:gardener")) == MANY


def test_an_index_is_made_anew_when_that_is_asked(mua: Mua) -> None:
    index = mua.profile / "fts.db"
    with index.open("rb") as old:  # as long as it is open no other file gets its number
        assert mua.json("verify", "--rebuild")["repairing"]
        until(lambda: len(mua.json("search", "body:gardener")) == MANY)
        assert whole(mua)
        assert index.stat().st_ino != os.fstat(old.fileno()).st_ino
