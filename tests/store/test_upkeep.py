"""Housekeeping: what is kept, what goes, and what a crash may leave behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mua.engine import upkeep
from mua.engine.context import Context
from mua.model.account import Account, AccountId
from mua.model.folder import Role
from mua.model.ledger import KEEP_GONE_SECONDS, Claim
from mua.model.message import Envelope, MessageId
from mua.paths import Profile
from mua.store import write
from mua.store.blobs import BIG, Bodies
from mua.store.db import Store


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    store = Store(Profile(tmp_path))
    bodies = Bodies(store.profile)
    yield Context(store, bodies, lambda _: "", lambda _: None, now=lambda: 10)
    bodies.close()
    store.close()


def add(context: Context, raw: bytes) -> MessageId:
    with context.store.write() as tx:
        account = tx.value("SELECT id FROM account") or write.add_account(
            tx, Account(AccountId(0), "home", "a@b.example")
        )
        inbox = write.put_folder(tx, account, "INBOX", role=Role.INBOX)
        (one,) = write.add_messages(tx, account, inbox, [write.NewMessage(Envelope(), 5, len(raw))])
        context.bodies.put([(one, raw)])
    return one


def test_orphans_go_and_everything_named_stays(context: Context) -> None:
    kept, gone = add(context, b"kept"), add(context, b"x" * (BIG + 1))
    with context.store.write() as tx:
        write.remove_messages(tx, [gone], Claim.VANISHED, 10)
    context.bodies.put([(777, b"orphan"), (778, b"y" * (BIG + 1))])
    stale, fresh = (context.store.profile.big / f"{name}.part" for name in ("stale", "fresh"))
    for path in (stale, fresh):
        path.write_bytes(b"half")
    os.utime(stale, (1, 1))
    assert upkeep.sweep(context) == 3
    assert context.bodies.get(kept) == b"kept"
    assert context.bodies.get(gone) is not None
    assert context.bodies.get(777) is None
    assert context.bodies.get(778) is None
    assert (stale.exists(), fresh.exists()) == (False, True)


def test_bytes_of_what_is_gone_are_kept_for_thirty_days(context: Context) -> None:
    gone = add(context, b"gone")
    with context.store.write() as tx:
        write.remove_messages(tx, [gone], Claim.VANISHED, 10)
    assert upkeep.purge(context) == 0
    context.now = lambda: 11 + KEEP_GONE_SECONDS
    assert upkeep.purge(context) == 1
    assert context.bodies.get(gone) is None


def test_the_dictionary_is_made_once_there_is_enough_and_old_mail_stays_readable(context: Context) -> None:
    letters = [
        b"From: someone%d@example.org\r\nSubject: number %d\r\n\r\nhello %d\r\n" % (n, n, n * 7) * 4
        for n in range(1000)
    ]
    context.bodies.put(list(enumerate(letters[:-1])))
    upkeep.train(context)
    assert not context.bodies.has_dictionary
    context.bodies.put([(999, letters[-1])])
    upkeep.train(context)
    assert context.bodies.has_dictionary
    context.bodies.put([(1000, letters[5])])
    assert context.bodies.get(1000) == context.bodies.get(5) == letters[5]
