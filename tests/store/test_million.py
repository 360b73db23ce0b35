"""The generated profile: the same for the same seed, and just as the store's own functions would have made it."""

import pytest
from million import SENT, entries, million

from mua.paths import Profile
from mua.plan.search import parse
from mua.plan.threads import Letter
from mua.store import find, index, read
from mua.store.db import Store, open_reader
from mua.store.threads import Threads

COUNT = 2_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return million(tmp_path_factory.mktemp("million") / "profile", COUNT)


def test_it_is_the_same_for_the_same_seed() -> None:
    assert list(entries(500)) == list(entries(500)) != list(entries(500, seed=8))


def test_it_is_made_once(made: Profile) -> None:
    before = made.cache_db.stat().st_mtime_ns
    assert million(made.root, COUNT).cache_db.stat().st_mtime_ns == before


def test_counters_and_conversations_are_the_stores_own(made: Profile) -> None:
    db = open_reader(made)
    assert [one.total for one in read.folders(db)][:2] == [COUNT, COUNT // SENT]
    for folder in read.folders(db):
        unread = "SELECT count(*) FROM message WHERE shown_folder = ? AND shown_flags & 1 = 0"
        assert folder.unread == db.value(unread, folder.id)
    found = db.rows("SELECT id, message_id, refs, thread_id FROM message ORDER BY id")
    assert 0.4 < len({row[3] for row in found}) / len(found) < 0.6
    db.close()
    assert [row[3] for row in found] == _threads(made, found)


def _threads(profile: Profile, found: list[tuple[int, str, str, int]]) -> list[int]:
    """The thread of each, found as for mail that comes; nothing of it is kept."""
    store = Store(profile)
    try:
        with pytest.raises(ZeroDivisionError), store.write() as tx:
            tx.run("DELETE FROM mid")
            letters = [Letter((row[1], *row[2].split())) for row in found]
            ids = Threads(tx, letters, [row[0] for row in found]).ids()
            raise ZeroDivisionError
        return ids
    finally:
        store.close()


def test_it_is_found_by_its_words(made: Profile) -> None:
    db = index.open_search(made)
    one = read.rows(db, find.find(db, parse("in:inbox", 0), 1))[0]
    assert one.id in find.find(db, parse(f'"{" ".join(one.snippet.split()[:4])}"', 0), COUNT)
    assert len(find.find(db, parse("from:news@shop.test", 0), COUNT)) > COUNT // 20
    db.close()
