"""The queue: what waits is listed and tended to, and what is held meets nobody who looks for work."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from post_office import PostOffice

from mua.model.account import Route
from mua.model.outgoing import OutgoingId, Phase, Recipient, RecipientState, Tending
from mua.store import dispatch, outbox, queue
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
