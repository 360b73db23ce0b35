"""Every search finds exactly what looking at every message finds: 200 random ones, and those that go wrong easily."""

from collections.abc import Iterator

import pytest
from brute_force import Everything, Sight, queries
from million import entries, million

from mua.paths import Profile
from mua.plan.search import parse
from mua.store import find, index
from mua.store.db import Db

COUNT = 1_500
NOW = 1_790_000_000


@pytest.fixture(scope="module")
def everything() -> Everything:
    return Everything(Sight(entry) for entry in entries(COUNT))


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Db]:
    profile: Profile = million(tmp_path_factory.mktemp("recall") / "profile", COUNT)
    made = index.open_search(profile)
    yield made
    made.close()


def test_what_is_found_is_what_is_there(db: Db, everything: Everything) -> None:
    there = {query: everything.found(parse(query, NOW)) for query in queries(everything.sights, 200)}
    assert not {query for query, found in there.items() if find.find(db, parse(query, NOW), -1) != found}
    assert sum(bool(found) for found in there.values()) > 150, "these searches are for something that there is"


@pytest.mark.parametrize(
    "query", ["t", "ma", "the of", "THE", "e", '"the of"', "example.org", "from:m", "-the", "ñ", "一"]
)
def test_what_goes_wrong_easily(db: Db, everything: Everything, query: str) -> None:
    assert find.find(db, parse(query, NOW), -1) == everything.found(parse(query, NOW))


def test_the_first_are_the_first_of_all(db: Db, everything: Everything) -> None:
    for query in queries(everything.sights, 30, seed=5):
        whole = find.find(db, parse(query, NOW), -1)
        assert find.find(db, parse(query, NOW), 20) == whole[:20]
        first, *_ = find.hits(db, parse(query, NOW))
        assert first[0] == whole[: len(first[0])] or len(whole) < 2 * find.FEW
