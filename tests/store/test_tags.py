"""Keywords in the store: a wish is shown at once, the server's word does not overrule it, and it can be taken back."""

import random
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from mua.model import tag
from mua.model.account import Account, AccountId, Incoming
from mua.model.folder import Role
from mua.model.message import Envelope, Flag, MessageId
from mua.paths import Profile
from mua.store import history, mirror, read, schema, tags, write
from mua.store.db import Store


class Box:
    def __init__(self, store: Store) -> None:
        self.store = store
        with store.write() as tx:
            self.account = write.add_account(tx, Account(AccountId(0), "home", "m@example.org", incoming=Incoming.IMAP))
            self.inbox = write.put_folder(tx, self.account, "INBOX", role=Role.INBOX)

    def add(self, uid: int, *keywords: str) -> MessageId:
        with self.store.write() as tx:
            new = write.NewMessage(Envelope(subject="a"), 1_700_000_000, 100, uid, keywords=keywords)
            return write.add_messages(tx, self.account, self.inbox, [new])[0]

    def shown(self, one: MessageId) -> tuple[str, ...]:
        row = read.row(self.store.reader(), one)
        assert row is not None
        return row.keywords

    def found(self, name: str) -> list[int]:
        return [row[0] for row in self.store.reader().rows("SELECT message_id FROM tag WHERE name = ?", name)]

    def wished(self) -> list[str]:
        return [one.keywords for one in mirror.wishes(self.store.reader(), self.account)]

    def said(self, uid: int, *keywords: str) -> None:
        with self.store.write() as tx:
            write.set_server_flags(tx, self.inbox, [(uid, Flag(0), keywords)])


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    store = Store(Profile(tmp_path))
    yield Box(store)
    store.close()


def test_a_tag_is_shown_and_found_before_and_after_it_is_pushed(box: Box) -> None:
    one = box.add(1, "todo")
    with box.store.write() as tx:
        tags.wish(tx, [one], "+$label1 -todo", 5)
    assert (box.shown(one), box.found("$LABEL1"), box.found("todo")) == (("$label1",), [one], [])
    assert box.wished() == ["+$label1 -todo"]
    with box.store.write() as tx:
        tags.pushed(tx, [one], "+$label1 -todo")
    assert (box.shown(one), box.wished()) == (("$label1",), [])


def test_the_server_s_word_does_not_overrule_a_wish(box: Box) -> None:
    one = box.add(1)
    with box.store.write() as tx:
        tags.wish(tx, [one], "+mine", 5)
    box.said(1, "theirs")
    assert (box.shown(one), box.wished()) == (("mine", "theirs"), ["+mine"])
    box.said(1, "Mine", "theirs")
    assert (box.shown(one), box.wished()) == (("Mine", "theirs"), [])
    box.said(1)
    assert (box.shown(one), box.found("mine")) == ((), [])


def test_what_is_taken_back_before_it_was_pushed_is_told_to_the_server(box: Box) -> None:
    one = box.add(1)
    with box.store.write() as tx:
        tags.wish(tx, [one], "+x", 5)
        tags.wish(tx, [one], "-x", 6)
    assert (box.shown(one), box.wished()) == ((), ["-x"])
    with box.store.write() as tx:
        tags.pushed(tx, [one], "+x")  # the push of the older wish
    assert (box.shown(one), box.wished()) == ((), ["-x"])


def test_undo_takes_back_only_what_the_act_changed(box: Box) -> None:
    one, two = box.add(1, "a"), box.add(2)
    with box.store.write() as tx:
        history.remember(tx, [one, two], "Tagged", Flag(0), 5, tags="+a")
        tags.wish(tx, [one, two], "+a", 5)
        tags.wish(tx, [two], "+b", 6)
        history.undo(tx, None, 7)
    assert (box.shown(one), box.shown(two)) == (("a",), ("b",))


def test_a_refused_tag_says_why_and_can_be_wished_again(box: Box) -> None:
    one = box.add(1)
    with box.store.write() as tx:
        tags.wish(tx, [one], "+x", 5)
        write.wish_flags(tx, [one], Flag.SEEN, Flag(0), 5)
        tags.refused(tx, [one], "No tags here.")
    row = read.row(box.store.reader(), one)
    assert row is not None and (row.keywords, row.problem, row.flags) == ((), "No tags here.", Flag.SEEN)
    with box.store.write() as tx:
        write.settle_refused(tx, [one], again=True, now=9)
    assert (box.shown(one), box.wished()) == (("x",), ["+x"])


def test_a_keyword_that_is_no_atom_is_left_out(box: Box) -> None:
    one = box.add(1, 'a"b', "c\\d", "fine", "na\x07h", "(x)")
    assert (box.shown(one), box.found("fine")) == (("fine",), [one])


def test_the_table_of_tags_equals_a_recount_after_random_acts(box: Box) -> None:
    rng, names = random.Random(37), ["a", "B", "$label1", "x-y"]
    ids = [box.add(uid) for uid in range(1, 13)]
    for step in range(150):
        some, name = rng.sample(ids, 3), rng.choice(names)
        with box.store.write() as tx:
            match rng.randrange(4):
                case 0:
                    tags.wish(tx, some, rng.choice("+-") + name, step)
                case 1:
                    tags.pushed(tx, some, rng.choice("+-") + name)
                case 2:
                    write.set_server_flags(tx, box.inbox, [(rng.randrange(1, 13), Flag(0), (name,))])
                case _:
                    write.wish_refused(tx, some[:1], "no")
    db = box.store.reader()
    counted = sorted((name.lower(), one) for one in ids for name in box.shown(one))
    assert sorted((name.lower(), one) for name, one in db.rows("SELECT name, message_id FROM tag")) == counted
    for keywords, wished, shown in db.rows("SELECT keywords, want_keywords, shown_keywords FROM message"):
        assert shown == " ".join(tag.shown(keywords.split(), wished))
    with box.store.write() as tx:
        write.remove_account(tx, box.account)
    assert db.rows("SELECT * FROM tag") == []


def test_keywords_of_an_older_profile_are_found(tmp_path: Path) -> None:
    profile = Profile(tmp_path).create()
    connection = apsw.Connection(str(profile.cache_db))
    for number, step in enumerate(schema.MIGRATIONS[:36]):
        connection.execute(f"BEGIN; {step}; PRAGMA user_version={number + 1}; COMMIT")
    connection.execute(
        "INSERT INTO account(name, email) VALUES ('home', 'm@example.org');"
        "INSERT INTO folder(account_id, name, role) VALUES (1, 'INBOX', 'inbox');"
        "INSERT INTO message(id, account_id, folder_id, uid, keywords) VALUES (5, 1, 1, 3, '$label2 work');"
        "INSERT INTO message(id, account_id, folder_id, uid, keywords) VALUES (6, 1, 1, 4, 'odd\"one');"
    )
    connection.close()
    store = Store(profile)
    assert [row[:2] for row in store.reader().rows("SELECT name, message_id FROM tag")] == [("$label2", 5), ("work", 5)]
    with store.write() as tx:
        tags.wish(tx, [MessageId(6)], "+fine", 1)
    store.close()


def test_a_server_that_makes_up_keywords_fills_no_disk(box: Box) -> None:
    many = [f"k{number:04}" for number in range(5000)]
    one = box.add(1, *many)
    assert len(box.shown(one)) == tags.MOST
    box.said(1, "work", *many)
    assert "work" in box.shown(one)
    assert len(box.shown(one)) == tags.MOST
