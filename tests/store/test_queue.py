"""The queue: what waits is listed and tended to, and what is held meets nobody who looks for work."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from plans import work
from post_office import PostOffice

from mua.model.account import Route
from mua.model.outgoing import OutgoingId, Phase, Recipient, RecipientState, Tending
from mua.store import dispatch, outbox, queue, write
from mua.store.db import Tx
from mua.store.dispatch import Verdict


@pytest.fixture
def post(tmp_path: Path) -> Iterator[PostOffice]:
    with PostOffice(tmp_path / "profile", route=Route.DIRECT) as one:
        yield one


def tend(post: PostOffice, do: Tending, *ids: OutgoingId) -> int:
    with post.store.write(durable=True) as tx:
        return queue.tend(tx, do, ids, post.clock)


def due(post: PostOffice) -> list[int]:
    db = post.store.reader()
    found = [one for domain in outbox.due_domains(db, post.clock)[0] for one in outbox.due(db, post.clock, domain)]
    return sorted(one.id for one in found)


def deferred(address: str, at: int) -> Verdict:
    return Verdict(Recipient(address, RecipientState.DEFERRED, Phase.RCPT, 450, "4.2.0 later", next_attempt=at))


def test_it_lists_who_waits_and_for_what(post: PostOffice) -> None:
    one = post.queue("a@x.test", "b@x.test")
    two = post.queue("c@y.test")
    with post.store.write() as tx:
        accepted = Verdict(Recipient("a@x.test", RecipientState.ACCEPTED, Phase.DONE, 250, "ok"))
        dispatch.record(tx, one, [accepted, deferred("b@x.test", post.clock + 60)], post.clock)
    first, second = queue.waiting(post.store.reader())
    assert (first.id, first.sender, first.uid, first.held) == (one, "me@example.org", None, False)
    [waits] = first.recipients
    assert (waits.address, waits.state, waits.code, waits.text) == ("b@x.test", "deferred", 450, "4.2.0 later")
    assert waits.next_attempt == post.clock + 60
    assert second.id == two
    assert [found.id for found in queue.waiting(post.store.reader(), 1)] == [one]
    tend(post, Tending.REMOVE, two)
    assert [found.id for found in queue.waiting(post.store.reader())] == [one]


def test_what_is_held_is_not_due_until_it_is_released(post: PostOffice) -> None:
    one, two = post.queue("a@x.test"), post.queue("b@x.test")
    assert tend(post, Tending.HOLD, one) == 1
    assert tend(post, Tending.HOLD, one) == 0
    assert due(post) == [two]
    post.clock += 10**6
    with post.store.write() as tx:
        dispatch.wake(tx, post.clock)
        queue.flush(tx, post.clock)
    assert due(post) == [two]
    assert outbox.next_due(post.store.reader()) is not None
    assert tend(post, Tending.RELEASE, one, two) == 1
    assert due(post) == [one, two]


@pytest.mark.parametrize("ending", ["deferred", "interrupted", "accepted"])
def test_what_is_on_its_way_when_it_is_held_stays_held_afterwards(post: PostOffice, ending: str) -> None:
    one = post.queue("a@x.test")
    name = str(post.store.reader().value("SELECT wire_file FROM outgoing"))
    with post.store.write() as tx:
        dispatch.begin(tx, one, ["a@x.test"], name)
    tend(post, Tending.HOLD, one)
    with post.store.write() as tx:
        if ending == "deferred":
            dispatch.record(tx, one, [deferred("a@x.test", post.clock)], post.clock)
        elif ending == "interrupted":
            dispatch.recover(tx, post.clock)
        else:
            dispatch.record(tx, one, [Verdict(Recipient("a@x.test", RecipientState.ACCEPTED))], post.clock)
    assert due(post) == []
    tend(post, Tending.RELEASE, one)
    assert due(post) == ([] if ending == "accepted" else [one])


def test_a_persons_retry_ends_the_hold(post: PostOffice) -> None:
    one = post.queue("a@x.test")
    tend(post, Tending.HOLD, one)
    assert tend(post, Tending.RETRY, one) == 1
    assert due(post) == [one]
    assert not queue.waiting(post.store.reader())[0].held


def test_flush_makes_the_deferred_due(post: PostOffice) -> None:
    one = post.queue("a@x.test")
    with post.store.write() as tx:
        dispatch.record(tx, one, [deferred("a@x.test", post.clock + 3600)], post.clock)
    assert due(post) == []
    with post.store.write() as tx:
        assert queue.flush(tx, post.clock) == 1
    assert due(post) == [one]


def test_a_list_is_of_one_moment(post: PostOffice) -> None:
    """A message that comes into it between two looks at the store is in the next list."""
    one, two = post.queue("a@x.test"), post.queue("b@x.test")
    with post.store.write() as tx:
        dispatch.cancel(tx, one, (), post.clock)
    db = post.store.reader()
    ask, looks = db.rows, list[str]()

    def interrupted(sql: str, *values: object) -> list[tuple[object, ...]]:
        looks.append(sql)
        if len(looks) == 2:
            with post.store.write() as tx:
                dispatch.cancel(tx, two, (), post.clock)
                tx.run("UPDATE outgoing SET finished_at = 0 WHERE id = ?", one)
        return ask(sql, *values)

    db.rows = interrupted  # type: ignore[method-assign]
    try:
        assert [[who.address for who in found.recipients] for found in outbox.listed(db)] == [["b@x.test"]]
    finally:
        db.rows = ask  # type: ignore[method-assign]
    assert [found.id for found in outbox.listed(db)] == [one]


def many(post: PostOffice, count: int) -> None:
    """So many submissions that wait for a later attempt, in the store only."""
    one = post.queue("a@x.test", origin=dispatch.Origin(1000, f"one of {count}"))
    with post.store.write() as tx:
        names = [row[0] for row in tx.rows("SELECT name FROM pragma_table_info('outgoing')")]
        own = {"id": "NULL", "submission": f"{count} || '.' || value", "wire_file": "value", "envid": "value"}
        wanted = ", ".join(own.get(name, name) for name in names)
        numbers = f"WITH RECURSIVE n(value) AS (SELECT 2 UNION ALL SELECT value + 1 FROM n LIMIT {count - 1})"
        sql = f"INSERT INTO outgoing({', '.join(names)}) {numbers} SELECT {wanted} FROM outgoing, n WHERE id = ?"
        tx.run(sql, one)
        sql = "INSERT INTO recipient(outgoing_id, address, domain) SELECT id, 'a@x.test', 'x.test' FROM outgoing"
        tx.run(f"{sql} WHERE id > ?", one)
        sql = "UPDATE recipient SET state = 'deferred', attempts = 1, next_attempt = ? WHERE state = 'queued'"
        tx.run(sql, post.clock + 3600)


def asked_all_the_time(post: PostOffice, tx: Tx) -> None:
    """What a server's engine asks and changes at each pass, look, delivery and file of counters."""
    assert queue.length(tx)[0] > 1
    outbox.waiting_of(tx, 0, 10)
    for question in (outbox.untold, outbox.spent, outbox.copies, outbox.doubled, outbox.unknowns, outbox.unsettled):
        assert isinstance(question(tx), bool | list)
    assert outbox.waiting(tx)
    assert outbox.late(tx, post.clock - 4 * 3600) == []
    assert outbox.next_due(tx) is not None
    assert outbox.due_domains(tx, post.clock) == ([], "")
    assert outbox.due(tx, post.clock) == outbox.due(tx, post.clock, "x.test") == []
    dispatch.wake(tx, post.clock)
    dispatch.wake(tx, post.clock, only=post.account_id, also=(OutgoingId(1),))
    dispatch.recover(tx, post.clock)
    [one] = queue.open_ids(tx, 0, 1)
    name = str(tx.value("SELECT wire_file FROM outgoing WHERE id = ?", one))
    assert dispatch.begin(tx, one, ["a@x.test"], name)
    dispatch.record(tx, one, [Verdict(Recipient("a@x.test", RecipientState.ACCEPTED, Phase.DONE))], post.clock)
    dispatch.mark_spent(tx, outbox.spent(tx))


def test_a_long_queue_is_no_more_work_than_a_short_one(post: PostOffice) -> None:
    many(post, 10)
    with post.store.write() as tx, work(tx) as little:
        asked_all_the_time(post, tx)
    many(post, 2000)
    with post.store.write() as tx, work(tx) as much:
        asked_all_the_time(post, tx)
    grown = {sql: (little[sql], steps) for sql, steps in much.items() if steps > little[sql] + 200}
    assert len(much) > 20
    assert not grown


def test_what_waits_is_counted_whatever_becomes_of_it(post: PostOffice) -> None:
    lot = random.Random(1605)
    states = [one for one in RecipientState if one is not RecipientState.TRYING]
    for number in range(60):
        one = post.queue(*(f"{name}@x.test" for name in "abc"[: lot.randrange(1, 4)]))
        with post.store.write() as tx:
            some = [f"{name}@x.test" for name in "abc" if lot.random() < 0.7]
            dispatch.record(tx, one, [Verdict(Recipient(to, lot.choice(states), Phase.RCPT)) for to in some], number)
            queue.tend(tx, lot.choice([do for do in Tending if do is not Tending.FLUSH]), [one], post.clock)
            if lot.random() < 0.2:
                tx.run("DELETE FROM outgoing WHERE id = ?", lot.randrange(1, one + 1))
        db = post.store.reader()
        sql = "SELECT count(*) FROM recipient WHERE state IN ('queued', 'trying', 'deferred')"
        messages = db.value("SELECT count(*) FROM outgoing WHERE finished_at = 0")
        assert queue.length(db)[:2] == (messages, db.value(sql))
    assert messages > 1
    with post.store.write() as tx:
        write.remove_account(tx, post.account_id)
    assert queue.length(post.store.reader()) == (0, 0, 0)
