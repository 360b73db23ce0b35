"""Sending later: at its time and not before, put off and called forward, through crashes, clocks and slow servers."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.parser import BytesHeaderParser
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from mail_sink import MailSink
from post_office import PostOffice

from mua.mime.freeze import redated
from mua.model.outgoing import OutgoingId, RecipientState
from mua.plan.retry import DAY, HOUR, MINUTE
from mua.store import dispatch, outbox

ANN, BEN = "ann@example.net", "ben@example.net"
ACCEPTED, DEFERRED, QUEUED = RecipientState.ACCEPTED, RecipientState.DEFERRED, RecipientState.QUEUED
REFUSED, CANCELLED = RecipientState.REFUSED, RecipientState.CANCELLED


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as sink:
        yield sink


@pytest.fixture
def post(tmp_path: Path, sink: MailSink) -> Iterator[PostOffice]:
    with PostOffice.submitting(tmp_path, sink.port) as post:
        yield post


def put_off(post: PostOffice, one: OutgoingId, at: int, *, scheduled: bool = True) -> bool:
    """As ``engine.posting`` does it, by a clock an hour ahead of UTC."""
    redate = lambda head: redated(head, at, 60)  # noqa: E731
    return dispatch.reschedule(post.store, one, redate, not_before=at, scheduled=scheduled)


def date_of(raw: bytes) -> datetime:
    fields = BytesHeaderParser().parsebytes(raw).get_all("Date", [])
    assert len(fields) == 1, fields
    return parsedate_to_datetime(fields[0])


def files(post: PostOffice) -> set[str]:
    return {path.name for path in post.profile.big.glob("outgoing-*")}


def test_it_goes_at_its_time_and_not_before(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN, delay=DAY, scheduled=True)
    post.sender.start()
    assert post.sender.drain(20)
    assert outbox.waiting(post.store.reader())  # for this the engine stays
    post.later(DAY - 1)
    assert (post.states(one), sink.connections) == ([QUEUED], 0)
    post.restart()
    assert post.sender.drain(20)
    assert (post.states(one), sink.connections) == ([QUEUED], 0)
    post.later(1)
    assert post.states(one) == [ACCEPTED]
    assert len(sink.copies(ANN)) == 1
    assert outbox.first_attempt(post.store.reader(), one) == post.clock


def test_what_was_slept_over_goes_at_once_and_knows_that_it_is_late(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN, delay=HOUR, scheduled=True)
    post.clock += 9 * DAY  # the computer was off
    post.sender.start()
    assert post.sender.drain(20)
    assert post.states(one) == [ACCEPTED]
    assert outbox.first_attempt(post.store.reader(), one) == post.get(one).not_before + 9 * DAY - HOUR


def test_a_clock_that_is_set_back_does_not_send_it_twice(post: PostOffice, sink: MailSink) -> None:
    one, two = post.queue(ANN, delay=HOUR, scheduled=True), post.queue(BEN, delay=3 * HOUR, scheduled=True)
    post.sender.start()
    post.later(2 * HOUR)
    post.later(-DAY)
    assert [post.states(one), post.states(two)] == [[ACCEPTED], [QUEUED]]
    post.later(DAY)
    assert post.states(two) == [QUEUED]
    post.later(HOUR)
    assert post.states(two) == [ACCEPTED]
    assert [len(sink.copies(ANN)), len(sink.copies(BEN))] == [1, 1]


def test_another_time_is_another_date_and_nothing_else(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN, delay=HOUR, scheduled=True, bcc=BEN, body="Hello\r\n.dot\r\n")
    before = {name: (post.profile.big / name).read_bytes() for name in files(post)}
    at = post.clock + 3 * DAY
    assert put_off(post, one, at)
    assert len(files(post)) == 2
    assert not files(post) & set(before)
    post.sender.start()
    post.later(3 * DAY - 1)
    assert sink.connections == 0
    post.restart()  # its sweep keeps what is needed
    post.later(1)
    assert post.states(one) == [ACCEPTED, ACCEPTED]
    (got,) = sink.copies(ANN)
    assert date_of(got).timestamp() == at
    assert date_of(got).utcoffset() == timedelta(hours=1)
    assert b"Bcc" not in got
    (frozen,) = (raw for name, raw in before.items() if ".copy." not in name)

    def rest(raw: bytes) -> list[bytes]:
        return [line for line in raw.split(b"\r\n") if not line.startswith(b"Date:")]

    assert rest(got) == rest(frozen)
    (copy,) = post.sent()
    kept = post.bodies.get(copy.id)
    assert kept is not None
    assert f"Bcc: {BEN}".encode() in kept
    assert date_of(kept).timestamp() == copy.date == at


def test_called_forward_it_has_the_date_of_now(post: PostOffice, sink: MailSink) -> None:
    one = post.queue(ANN, delay=9 * DAY, scheduled=True)
    post.sender.start()
    post.later(HOUR)
    assert put_off(post, one, post.clock, scheduled=False)
    assert post.sender.drain(20)
    assert post.states(one) == [ACCEPTED]
    assert date_of(sink.copies(ANN)[0]).timestamp() == post.clock
    assert not post.get(one).scheduled


def test_the_four_days_begin_at_its_time(post: PostOffice, sink: MailSink) -> None:
    sink.plan = lambda event, what: "451 4.3.0 later" if event == "mail" else None
    one = post.queue(ANN, delay=30 * DAY, scheduled=True)
    post.sender.start()
    post.later(30 * DAY)
    for _ in range(8):
        post.later(4 * HOUR)
    assert post.states(one) == [DEFERRED]
    post.later(3 * DAY)
    assert post.states(one) == [REFUSED]


def test_what_waits_for_a_sick_server_can_be_put_off_but_not_what_somebody_has(
    post: PostOffice, sink: MailSink
) -> None:
    sink.plan = lambda event, what: "451 4.3.0 later" if what == BEN else None
    one, two = post.queue(BEN), post.queue(ANN, BEN)
    post.sender.start()
    assert post.sender.drain(20)
    assert [post.states(one), post.states(two)] == [[DEFERRED], [ACCEPTED, DEFERRED]]
    before = files(post)
    assert put_off(post, one, post.clock + DAY)
    assert not put_off(post, two, post.clock + DAY)  # Ann has it, with its Date
    assert len(files(post)) == len(before)
    sink.plan = lambda event, what: None
    post.later(DAY - 1)
    assert post.states(one) == [QUEUED]
    post.later(1)
    assert post.states(one) == [ACCEPTED]


def test_taken_back_it_cannot_be_put_off(post: PostOffice) -> None:
    one = post.queue(ANN, BEN, delay=DAY, scheduled=True)
    with post.store.write(durable=True) as tx:
        dispatch.cancel(tx, one, (ANN,), post.clock)
    assert put_off(post, one, post.clock + HOUR)
    assert post.states(one) == [CANCELLED, QUEUED]
    with post.store.write(durable=True) as tx:
        dispatch.cancel(tx, one, (), post.clock)
    assert not put_off(post, one, post.clock + DAY)


@pytest.mark.parametrize("fate", ["550 go away", None])
def test_put_off_while_the_connection_is_opened_it_does_not_go(
    post: PostOffice, sink: MailSink, fate: str | None
) -> None:
    """The lane has it already, as it was frozen before: neither that nor what came of it may count."""
    opened, go_on = threading.Event(), threading.Event()

    def plan(event: str, what: str) -> str | None:
        if event == "greeting" and not opened.is_set():
            opened.set()
            go_on.wait(20)
            return fate
        return None

    sink.plan = plan
    one = post.queue(ANN)
    post.sender.start()
    assert opened.wait(20)
    assert put_off(post, one, post.clock + DAY)
    go_on.set()
    assert post.sender.drain(20)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.next_attempt) == (QUEUED, post.clock + DAY)
    assert sink.copies(ANN) == []
    post.later(DAY)
    assert post.states(one) == [ACCEPTED]
    assert len(sink.copies(ANN)) == 1


@pytest.mark.parametrize("after", [False, True])
def test_killed_while_it_is_put_off_it_goes_at_one_of_the_two_times(
    post: PostOffice, sink: MailSink, after: bool
) -> None:
    one = post.queue(ANN, delay=HOUR, scheduled=True, bcc=BEN)
    post.store.die_at, post.store.die_after = post.store.commits + 1, after
    with pytest.raises(SystemExit):
        put_off(post, one, post.clock + DAY)
    assert len(files(post)) == 4
    post.restart()
    assert len(files(post)) == 2
    assert post.get(one).not_before == post.clock + (DAY if after else HOUR)
    post.later(2 * HOUR)
    assert post.states(one) == ([QUEUED] if after else [ACCEPTED]) * 2
    post.later(DAY)
    assert post.states(one) == [ACCEPTED, ACCEPTED]
    assert [len(sink.copies(ANN)), len(sink.copies(BEN))] == [1, 1]


def test_a_moment_to_take_it_back_is_nothing_that_a_person_scheduled(post: PostOffice) -> None:
    one, two = post.queue(ANN, delay=MINUTE), post.queue(ANN, delay=MINUTE, scheduled=True)
    assert [post.get(id_).ahead(post.clock) for id_ in (one, two)] == [False, True]
    assert not post.get(two).ahead(post.clock + MINUTE)
