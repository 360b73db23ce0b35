"""Orders of lists that are not sorted by date: the same as sorting everything that is listed, the slow way."""

import random
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from mua.mime.subject import topic, who
from mua.model.account import Account, AccountId
from mua.model.address import Address
from mua.model.folder import FolderId, Role
from mua.model.message import Envelope, Flag, MessageId
from mua.model.sort import By, Sort
from mua.paths import Profile
from mua.store import orders, read, write
from mua.store.db import Store
from mua.store.read import Filter, Saved
from mua.store.write import NewMessage

PEOPLE = [Address(name, f"{place}@example.org") for place, name in enumerate(("Zoë", "aiko", "Émile", "Bo", "", "bo"))]
SUBJECTS = ("Lunch", "Re: lunch", "apples", "[list] Re: Zebra", "Über", "uber alles", "")
SORTS = [Sort(by, down) for by in By for down in (True, False) if by is not By.DATE]


class Rig:
    """Two accounts with some hundred messages in six folders."""

    def __init__(self, root: Path) -> None:
        self.store = Store(Profile(root))
        self.db = self.store.reader()
        self.folders: list[FolderId] = []
        dice = random.Random(4)
        for name in ("one", "two"):
            with self.store.write() as tx:
                account = write.add_account(tx, Account(AccountId(0), name, f"{name}@example.org"))
                roles = (("INBOX", Role.INBOX), ("Work", Role.NONE), ("Junk", Role.JUNK))
                self.folders += [write.put_folder(tx, account, leaf, role=role) for leaf, role in roles]
                for folder in self.folders[-3:]:
                    write.add_messages(tx, account, folder, [self._message(dice, uid) for uid in range(1, 90)])

    def _message(self, dice: random.Random, uid: int) -> NewMessage:
        to = tuple(dice.sample(PEOPLE, dice.choice((0, 1, 2))))
        told = Envelope(sender=(dice.choice(PEOPLE),), to=to, subject=dice.choice(SUBJECTS))
        flags = dice.choice((Flag(0), Flag.SEEN, Flag.SEEN | Flag.FLAGGED))
        return NewMessage(told, 1_700_000_000 + dice.randrange(300), dice.choice((10, 20, 5_000)), uid, flags)

    def slowly(self, place: FolderId | Saved, chosen: Filter, sort: Sort, outgoing: bool) -> list[int]:
        rows = read.rows(self.db, list(read.order(self.db, place, chosen)))
        if sort.by is By.UNREAD:
            return [row.id for row in sorted(rows, key=lambda row: (bool(row.flags & Flag.SEEN) is sort.down, -row.id))]
        keys = {
            By.FROM: lambda row: who(row.to if outgoing else row.sender),
            By.SUBJECT: lambda row: topic(row.subject)[0],
            By.SIZE: lambda row: row.size,
        }
        return [row.id for row in sorted(rows, key=lambda row: (keys[sort.by](row), -row.id), reverse=sort.down)]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    made = Rig(tmp_path_factory.mktemp("orders") / "profile")
    yield made
    made.store.close()


@pytest.mark.parametrize("sort", SORTS, ids=str)
@pytest.mark.parametrize("chosen", list(Filter))
def test_an_order_is_that_of_sorting_what_is_listed(
    rig: Rig, sort: Sort, chosen: Filter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "PART", 40)
    for place in (rig.folders[0], rig.folders[2], *Saved):
        for outgoing in (False, True):
            wanted = rig.slowly(place, chosen, sort, outgoing)
            assert list(chain.from_iterable(orders.parts(rig.db, place, chosen, sort, outgoing=outgoing))) == wanted
            assert list(orders.first(rig.db, place, chosen, sort, 50, outgoing=outgoing)) == wanted[:50]


@pytest.mark.parametrize("by, index", [(By.FROM, "author"), (By.SUBJECT, "topic"), (By.SIZE, "size")])
@pytest.mark.parametrize("down", [True, False])
def test_the_first_of_a_folder_are_found_by_an_index(rig: Rig, by: By, index: str, down: bool) -> None:
    asked: list[str] = []
    rig.db.connection.set_exec_trace(lambda _cursor, sql, values: asked.append((sql, values)) or True)  # type: ignore[arg-type]
    orders.first(rig.db, rig.folders[0], Filter.ALL, Sort(by, down), 50)
    rig.db.connection.set_exec_trace(None)
    for sql, values in asked:
        plan = [row[3] for row in rig.db.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)]
        assert len(plan) == 1
        assert f"USING INDEX message_{index}" in plan[0]


def test_what_moves_and_is_read_is_sorted_anew(rig: Rig) -> None:
    inbox, work = rig.folders[:2]
    some = [MessageId(one) for one in read.order(rig.db, inbox)[::7]]
    with rig.store.write() as tx:
        write.wish_move(tx, some[:5], work, 1)
        write.wish_flags(tx, some[5:], Flag.SEEN, Flag(0), 1)
    for sort in SORTS:
        for place in (inbox, work):
            wanted = rig.slowly(place, Filter.ALL, sort, False)
            assert list(chain.from_iterable(orders.parts(rig.db, place, Filter.ALL, sort))) == wanted


@pytest.mark.parametrize("down", [True, False])
def test_what_comes_unread_while_a_list_is_read_is_not_taken_for_read(
    rig: Rig, down: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "PART", 10)
    place, sort = rig.folders[0], Sort(By.UNREAD, down)
    before = rig.slowly(place, Filter.ALL, sort, False)
    parts = orders.parts(rig.db, place, Filter.ALL, sort)
    found = list(next(parts))
    with rig.store.write() as tx:
        account = tx.value("SELECT account_id FROM folder WHERE id = ?", place)
        told = Envelope(sender=(PEOPLE[0],), subject="late")
        (late,) = write.add_messages(tx, account, place, [NewMessage(told, 1_700_000_000, 10, 900, Flag(0))])
    found.extend(chain.from_iterable(parts))
    assert found == before
    assert late in rig.slowly(place, Filter.ALL, sort, False)
