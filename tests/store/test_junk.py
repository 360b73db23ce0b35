"""What was learned of junk: taught once, taken back, bounded; and when new mail is noted to be judged."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from plans import scans

from mua.model.account import Account, AccountId
from mua.model.folder import Role
from mua.model.message import Envelope, Flag, MessageId
from mua.paths import Profile
from mua.plan.junk import ENOUGH
from mua.store import aside, junk, rules, sight, write
from mua.store.db import Store
from mua.store.read import Filter

NONE = Flag(0)


class Box:
    def __init__(self, store: Store) -> None:
        self.store = store
        with store.write() as tx:
            self.account = write.add_account(tx, Account(AccountId(0), "home", "m@example.org"))
            self.inbox = write.put_folder(tx, self.account, "INBOX", role=Role.INBOX)
            self.junk = write.put_folder(tx, self.account, "Junk", role=Role.JUNK)

    def arrive(self, at: int, flags: Flag = NONE) -> MessageId:
        with self.store.write() as tx:
            new = write.NewMessage(Envelope(), at, 9, None, flags)
            [one] = write.add_messages(tx, self.account, self.inbox, [new])
            write.set_bodies(tx, [write.BodyFacts(one, 1, "", False, 9)])
        return one

    def teach(self, number: int, at: int) -> None:
        with self.store.write() as tx:
            for one in range(number):
                junk.learn(tx, 1_000 + one, [1, 2], True, at)
                junk.learn(tx, 5_000 + one, [2, 3], False, at)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    store = Store(Profile(tmp_path))
    yield Box(store)
    store.close()


def test_a_lesson_is_learned_and_taken_back(box: Box) -> None:
    with box.store.write() as tx:
        junk.learn(tx, 7, [1, 2], True, 5)
        junk.learn(tx, 8, [2], False, 5)
    db = box.store.reader()
    assert dict(junk.learned(db, [1, 2, 3]).words) == {1: (1, 0), 2: (1, 1)}
    assert (junk.counts(db), junk.lessons(db, [7, 8, 9])) == ((1, 1), {7: True, 8: False})
    with box.store.write() as tx:
        junk.forget(tx, 7, [1, 2], True)
    assert dict(junk.learned(db, [1, 2]).words) == {1: (0, 0), 2: (0, 1)} and junk.counts(db) == (0, 1)


def test_new_unread_mail_is_noted_once_enough_was_learned(box: Box) -> None:
    box.arrive(100)
    assert junk.waiting(box.store.reader()) == []
    box.teach(ENOUGH, 200)
    box.arrive(150)  # from before
    box.arrive(300, Flag.SEEN)
    fresh = box.arrive(300)
    assert junk.waiting(box.store.reader()) == [(fresh, box.account)]
    with box.store.write() as tx:
        junk.judged(tx, [fresh])
    assert junk.waiting(box.store.reader()) == []


def test_the_rarest_words_go_first(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(junk, "MOST_WORDS", 50)
    with box.store.write() as tx:
        for time in range(4):
            junk.learn(tx, time, [999], True, time)
        for number in range(100):
            junk.learn(tx, 100 + number, [number], False, 10 + number)
    db = box.store.reader()
    assert int(db.value("SELECT count(*) FROM junk_word")) <= 51
    assert dict(junk.learned(db, [999]).words) == {999: (4, 0)}


def test_a_server_that_fills_the_junk_folder_filters(box: Box) -> None:
    db = box.store.reader()
    assert not junk.server_filters(db, box.account)
    with box.store.write() as tx:
        [one] = write.add_messages(tx, box.account, box.junk, [write.NewMessage(Envelope(), 1, 9, 3)])
    assert junk.server_filters(db, box.account)
    with box.store.write() as tx:
        junk.learn(tx, one, [1], True, 1)
    assert not junk.server_filters(db, box.account)


def test_what_each_commit_asks_looks_at_no_mail_that_does_not_wait(box: Box) -> None:
    db = box.store.reader()
    with scans(db, "m", "message") as guilty:
        junk.waiting(db)
        rules.to_forward(db)
        rules.waiting(db)
        aside.due(db, 0)
        sight.in_sight(db, box.inbox, Filter.ALL)
    assert guilty == []
