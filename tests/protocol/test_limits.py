"""A server that limits how much may be sent: the account pauses, no other message pays, and a person can insist."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from mail_sink import MailSink
from post_office import PostOffice

from mua.model.account import Account, AccountId, Incoming, Route, Security, Server
from mua.model.outgoing import RecipientState
from mua.plan.limits import A_DAY, PAUSES
from mua.plan.retry import HOUR, MINUTE
from mua.store import dispatch, write

ANN, BEN, CAT = "ann@example.net", "ben@example.net", "cat@example.net"
ACCEPTED, DEFERRED, REFUSED = RecipientState.ACCEPTED, RecipientState.DEFERRED, RecipientState.REFUSED
TOO_MUCH = "450 4.7.1 Error: too much mail from 192.0.2.1"
DAILY = "550 5.4.5 Daily user sending limit exceeded"


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as sink:
        yield sink


@pytest.fixture
def post(tmp_path: Path, sink: MailSink) -> Iterator[PostOffice]:
    with PostOffice.submitting(tmp_path, sink.port) as post:
        yield post


def limited(sink: MailSink, reply: str, event: str = "mail", after: int = 0) -> list[int]:
    """From now on the sink gives this reply to ``event``, after it let some through; counts what it was asked."""
    asked: list[int] = []

    def plan(happened: str, what: str) -> str | None:
        if happened != event:
            return None
        asked.append(1)
        return reply if len(asked) > after else None

    sink.plan = plan
    return asked


def attempts(post: PostOffice) -> list[int]:
    return [to.attempts for one in reversed(post.outbox()) for to in one.recipients]


@pytest.mark.parametrize("event", ["mail", "rcpt", "data", "dot"])
def test_one_message_hears_of_the_limit_and_the_others_are_not_asked(
    post: PostOffice, sink: MailSink, event: str
) -> None:
    asked = limited(sink, TOO_MUCH, event, after=2)
    some = [post.queue(ANN) for _ in range(30)]
    post.sender.start()
    assert post.sender.drain(20)
    assert len(asked) == 3
    assert [post.states(one)[0] for one in some] == [ACCEPTED] * 2 + [DEFERRED] * 28
    assert attempts(post) == [1, 1, 1] + [0] * 27
    waits = [post.get(one).recipients[0] for one in some[2:]]
    assert {one.next_attempt for one in waits} == {post.clock + PAUSES[0]}
    assert waits[0].text == TOO_MUCH[4:]
    assert "limits how much it takes at a time" in waits[1].text
    assert TOO_MUCH in waits[1].text
    post.later(PAUSES[0] - 1)
    assert len(asked) == 3
    sink.plan = lambda happened, what: None
    post.later(1)
    assert [post.states(one)[0] for one in some] == [ACCEPTED] * 30
    assert len(sink.copies(ANN)) == 30


def test_what_is_written_meanwhile_waits_too_and_a_poke_changes_nothing(post: PostOffice, sink: MailSink) -> None:
    asked = limited(sink, TOO_MUCH)
    post.queue(ANN)
    post.sender.start()
    assert post.sender.drain(20)
    two = post.queue(BEN)
    for _ in range(3):
        post.sender.poke()
        assert post.sender.drain(20)
    (ben,) = post.get(two).recipients
    assert (ben.state, ben.attempts, ben.next_attempt) == (DEFERRED, 0, post.clock + PAUSES[0])
    assert len(asked) == 1


def test_a_message_that_met_a_limit_does_not_hold_up_the_others_again(post: PostOffice, sink: MailSink) -> None:
    """A server repeats what the recipient's own server said: for the others there is no limit at all."""
    sink.plan = lambda event, what: TOO_MUCH if event == "rcpt" and what == ANN else None
    one, two = post.queue(ANN), post.queue(BEN)
    post.sender.start()
    assert post.sender.drain(20)
    assert (post.states(one), post.states(two)) == ([DEFERRED], [DEFERRED])
    post.later(PAUSES[0])
    assert (post.states(one), post.states(two)) == ([DEFERRED], [ACCEPTED])


def test_pauses_grow_until_something_is_accepted(post: PostOffice, sink: MailSink) -> None:
    asked = limited(sink, TOO_MUCH)
    one, two = post.queue(ANN), post.queue(BEN)
    post.sender.start()
    assert post.sender.drain(20)
    for before, pause in enumerate(PAUSES):
        assert len(asked) == before + 1
        assert {to.next_attempt for id_ in (one, two) for to in post.get(id_).recipients} == {post.clock + pause}
        post.later(pause)
    sink.plan = lambda happened, what: None
    post.later(PAUSES[-1])
    assert [post.states(one), post.states(two)] == [[ACCEPTED], [ACCEPTED]]
    limited(sink, TOO_MUCH)
    three = post.queue(CAT)
    post.later(0)
    assert post.get(three).recipients[0].next_attempt == post.clock + PAUSES[0]


def test_a_person_insists_and_when_it_goes_the_others_go_too(post: PostOffice, sink: MailSink) -> None:
    asked = limited(sink, TOO_MUCH)
    some = [post.queue(ANN) for _ in range(5)]
    post.sender.start()
    assert post.sender.drain(20)

    def insist() -> None:
        """As ``engine.commands.retry_outgoing`` does; another poke might wake the others before the limit is met."""
        with post.store.write(durable=True) as tx:
            dispatch.retry(tx, some[3], (), post.clock)
        post.sender.go_on(post.account_id)
        post.until(lambda: post.get(some[3]).recipients[0].attempts == 1)

    insist()
    assert len(asked) == 2  # one message was tried, and the limit still holds
    assert post.get(some[3]).recipients[0].next_attempt == post.clock + PAUSES[1]
    assert post.get(some[4]).recipients[0].next_attempt == post.clock + PAUSES[0]
    sink.plan = lambda happened, what: None
    insist()
    assert post.sender.drain(20)
    assert [post.states(one)[0] for one in some] == [ACCEPTED] * 5


def test_a_limit_for_the_day_is_no_refusal(post: PostOffice, sink: MailSink) -> None:
    limited(sink, DAILY, "dot", after=1)
    one, two, three = post.queue(ANN), post.queue(BEN), post.queue(CAT)
    post.sender.start()
    assert post.sender.drain(20)
    assert [post.states(one), post.states(two), post.states(three)] == [[ACCEPTED], [DEFERRED], [DEFERRED]]
    assert "for today" in post.get(three).recipients[0].text
    sink.plan = lambda happened, what: None
    post.later(A_DAY - 1)
    assert post.states(two) == [DEFERRED]
    post.later(1)
    assert [post.states(two), post.states(three)] == [[ACCEPTED], [ACCEPTED]]


def test_another_refusal_is_still_one(post: PostOffice, sink: MailSink) -> None:
    limited(sink, "554 5.7.1 Message refused: too many messages like this", "dot")
    one, two = post.queue(ANN), post.queue(BEN)
    post.sender.start()
    assert post.sender.drain(20)
    assert [post.states(one), post.states(two)] == [[REFUSED], [REFUSED]]


def test_the_server_s_own_time_is_kept(post: PostOffice, sink: MailSink) -> None:
    limited(sink, "451 4.7.1 Rate limit exceeded, try again in 45 minutes")
    one = post.queue(ANN)
    post.sender.start()
    assert post.sender.drain(20)
    assert post.get(one).recipients[0].next_attempt == post.clock + 45 * MINUTE


def test_another_account_is_not_held_up(post: PostOffice, sink: MailSink) -> None:
    with MailSink() as free:
        server = Server("127.0.0.1", free.port, Security.NONE)
        other = Account(
            AccountId(0), "other", "other@example.org", incoming=Incoming.LOCAL, route=Route.SMTP, submission=server
        )
        with post.store.write() as tx:
            other_id = write.add_account(tx, other)
        limited(sink, TOO_MUCH)
        one, two = post.queue(ANN), post.queue(BEN)
        post.sender.start()
        assert post.sender.drain(20)
        with post.store.write(durable=True) as tx:
            dispatch.retry(tx, two, (), post.clock, other_id)
        post.sender.go_on(other_id)
        assert post.sender.drain(20)
        assert [post.states(one), post.states(two)] == [[DEFERRED], [ACCEPTED]]
        assert len(free.copies(BEN)) == 1


def test_after_a_restart_one_message_asks(post: PostOffice, sink: MailSink) -> None:
    asked = limited(sink, TOO_MUCH)
    for _ in range(10):
        post.queue(ANN)
    post.sender.start()
    assert post.sender.drain(20)
    post.restart()
    post.later(HOUR)
    assert len(asked) == 2
    assert sum(attempts(post)) == 2
