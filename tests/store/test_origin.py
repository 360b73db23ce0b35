"""What the store knows of where mail comes from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from plans import scans

from mua.model.account import Account, AccountId
from mua.model.address import Address
from mua.model.evidence import Evidence, Outcome, Signature
from mua.model.folder import FolderId, Role
from mua.model.journey import NO_TRUST, Trust
from mua.model.message import Envelope, MessageId
from mua.paths import Profile
from mua.plan.acquaintance import Known
from mua.store import lists, origin, write
from mua.store.db import Store
from mua.store.write import BodyFacts, NewMessage

ANN, BEN, ME = Address("Ann", "Ann@x.example"), Address("", "ben@y.example"), Address("Me", "me@own.example")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(Profile(tmp_path / "p").create())
    yield made
    made.close()


def place(store: Store, name: str, role: Role) -> tuple[AccountId, FolderId]:
    with store.write() as tx:
        found = tx.value("SELECT id FROM account")
        account = AccountId(found) if found else write.add_account(tx, Account(AccountId(0), "a", "me@own.example"))
        return account, write.put_folder(tx, account, name, role=role, local=True)


def put(store: Store, where: tuple[AccountId, FolderId], sender: Address, to: Address, at: int) -> MessageId:
    with store.write() as tx:
        envelope = Envelope(sender=(sender,), to=(to,), subject="s", message_id=f"{at}@x")
        return write.add_messages(tx, *where, [NewMessage(envelope, at, 1, None)])[0]


def test_who_is_known(store: Store) -> None:
    inbox, sent = place(store, "INBOX", Role.INBOX), place(store, "Sent", Role.SENT)
    junk = place(store, "Junk", Role.JUNK)
    first = put(store, inbox, ANN, ME, 100)
    put(store, inbox, ANN, ME, 200)
    put(store, sent, ME, BEN, 300)
    put(store, junk, Address("Win", "win@spam.example"), ME, 400)
    known = origin.known(store.reader())
    assert known["ann@x.example"] == Known("Ann", "ann@x.example", first, 2, 0)
    assert (known["ben@y.example"].first, known["ben@y.example"].received, known["ben@y.example"].written) == (0, 0, 1)
    assert set(known) == {"ann@x.example", "ben@y.example"}


def test_samples_are_the_newest_of_the_inbox_and_no_other_folder_is_looked_through(store: Store) -> None:
    inbox, sent = place(store, "INBOX", Role.INBOX), place(store, "Sent", Role.SENT)
    made = [put(store, inbox, ANN, ME, at) for at in (100, 200, 300)]
    away = put(store, sent, ME, BEN, 400)
    with store.write() as tx:
        write.set_bodies(tx, [BodyFacts(one, 1, "", False, 1) for one in (*made[1:], away)])
    db = store.reader()
    with scans(db, "message", "m") as guilty:
        assert origin.samples(db, inbox[0]) == [(made[2], "x.example"), (made[1], "x.example")]
    assert guilty == []


def test_who_wrote_before(store: Store) -> None:
    inbox = place(store, "INBOX", Role.INBOX)
    first = put(store, inbox, ANN, ME, 100)
    second = put(store, inbox, ANN, ME, 200)
    db = store.reader()
    assert origin.wrote_before(db, "ann@x.example", second)
    assert not origin.wrote_before(db, "ann@x.example", first)
    assert not origin.wrote_before(db, "nn@x.example", second)
    assert not origin.wrote_before(db, "%", second)


def test_what_was_found_out_is_kept_and_goes_with_its_message(store: Store) -> None:
    inbox = place(store, "INBOX", Role.INBOX)
    message_id = put(store, inbox, ANN, ME, 100)
    found = Evidence(
        7, (Signature("dkim", "x.example", "s", "rsa-sha256", Outcome.WEAK, "why", 3, ("subject",)),), "pass"
    )
    trust = Trust(frozenset({"own.example", "other.example"}), frozenset({"own.example"}), frozenset({"a.own.example"}))
    assert origin.trust(store.reader(), inbox[0]) == NO_TRUST
    with store.write() as tx:
        origin.set_evidence(tx, message_id, found)
        origin.set_evidence(tx, MessageId(1), found)  # of a message that is gone: nothing
        origin.set_trust(tx, inbox[0], trust, 9)
    assert origin.evidence(store.reader(), message_id) == found
    assert (origin.trust(store.reader(), inbox[0]), origin.learned_at(store.reader(), inbox[0])) == (trust, 9)
    with store.write() as tx:
        tx.run("DELETE FROM message WHERE id = ?", message_id)
    assert origin.evidence(store.reader(), message_id) is None
    assert store.reader().value("SELECT count(*) FROM evidence") == 0


def test_whom_a_list_was_told_of_is_claimed_once_and_goes_with_its_message(store: Store) -> None:
    message_id = put(store, place(store, "INBOX", Role.INBOX), ANN, ME, 100)

    def claim(number: int, now: int) -> bool:
        with store.write() as tx:
            return lists.claim(tx, MessageId(number), now)

    assert lists.unsubscribed_at(store.reader(), message_id) == 0
    assert [claim(message_id, 7), claim(message_id, 8), claim(1, 9)] == [True, False, False]  # 1: one that is gone
    assert lists.unsubscribed_at(store.reader(), message_id) == 7
    with store.write() as tx:
        lists.withdraw(tx, message_id)
    assert claim(message_id, 9)
    with store.write() as tx:
        tx.run("DELETE FROM message WHERE id = ?", message_id)
    assert store.reader().value("SELECT count(*) FROM unsubscribed") == 0


def test_samples_are_of_the_inbox_and_here(store: Store) -> None:
    inbox = place(store, "INBOX", Role.INBOX)
    message_id = put(store, inbox, ANN, ME, 100)
    put(store, inbox, BEN, ME, 200)
    assert origin.samples(store.reader(), inbox[0]) == []
    with store.write() as tx:
        tx.run("UPDATE message SET has_body = 1 WHERE id = ?", message_id)
    assert origin.samples(store.reader(), inbox[0]) == [(message_id, "x.example")]
