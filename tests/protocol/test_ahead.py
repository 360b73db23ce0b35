"""A message's envelope travels with the dot of the one before it (RFC 2920 s.3.1): one round trip, and one commit."""

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mail_sink import DROP, TAKE_AND_DROP, MailSink
from post_office import PATIENT, MortalStore, PostOffice
from scripted import Conversation, Scripted

from mua.model.account import Security
from mua.model.outgoing import OutgoingId, Phase, RecipientState
from mua.net.smtp import deliver
from mua.net.smtp_body import Body
from mua.net.smtp_outcome import Job, Outcome
from mua.net.smtp_session import Door, open_session
from mua.net.smtp_wire import Transcript
from mua.plan.retry import HOUR
from mua.store import dispatch, outbox

ANN, BEN, CAT = "ann@example.net", "ben@example.net", "cat@example.net"
ACCEPTED, DEFERRED, QUEUED = RecipientState.ACCEPTED, RecipientState.DEFERRED, RecipientState.QUEUED
REFUSED, UNKNOWN, CANCELLED = RecipientState.REFUSED, RecipientState.UNKNOWN, RecipientState.CANCELLED
WORDS = {ANN: b"Subject: one\r\n\r\nHello\r\n", BEN: b"Subject: two\r\n\r\n.\r\n", CAT: b"Subject: three\r\n\r\n"}
OPENING = "S: 220 mx\nC: EHLO [127.0.0.1]\nS: 250-mx\nS: 250 PIPELINING"


# One session: the script says in which order the lines come


def asks(to: str) -> str:
    return f"C: MAIL FROM:<me@example.org>\nC: RCPT TO:<{to}>\nC: DATA"


def says(rcpt: str = "250 2.1.5 ok", data: str = "354 go", mail: str = "250 2.1.0 ok") -> str:
    return f"S: {mail}\nS: {rcpt}\nS: {data}"


def send(*parts: str | Callable[[Conversation], object], to: tuple[str, ...] = (ANN, BEN)) -> tuple[
    list[Outcome], list[str], list[bytes]
]:  # fmt: skip
    """Deliver a message to each, one begun ahead of the other: (outcomes, dialogues, what the server got).

    To several at once where their addresses are written with blanks between.
    """
    outcomes, dialogues = list[Outcome](), list[str]()
    jobs = [Job("me@example.org", tuple(one.split()), Body.of(WORDS[one.split()[0]])) for one in to]

    async def before_dot(admitted: tuple[str, ...]) -> None:
        await asyncio.sleep(0)

    async def talk(port: int) -> None:
        sock = socket.create_connection(("127.0.0.1", port))
        session = await open_session(Door(sock, "mx", Security.NONE), Transcript(), PATIENT)
        try:
            for number, job in enumerate(jobs, 1):
                outcomes.extend(
                    await deliver(
                        session, job, before_dot=before_dot, follow=lambda n=number: jobs[n] if n < len(jobs) else None
                    )
                )
                dialogues.append(session.transcript.text)
        finally:
            await session.quit()

    with Scripted(OPENING, *parts) as server:
        asyncio.run(talk(server.port))
        return outcomes, dialogues, server.received


def test_each_message_has_its_own_verdict_and_its_own_dialogue() -> None:
    outcomes, dialogues, received = send(
        asks(ANN), says(), "C.", asks(BEN), "S: 250 2.0.0 one is taken", says(), "C.", "S: 250 2.0.0 two is taken"
    )
    assert [(one.address, one.state, one.text) for one in outcomes] == [
        (ANN, ACCEPTED, "2.0.0 one is taken"), (BEN, ACCEPTED, "2.0.0 two is taken")
    ]  # fmt: skip
    assert received == [WORDS[ANN], b"Subject: two\r\n\r\n..\r\n"]
    for dialogue, mine, other in zip(dialogues, (ANN, BEN), (BEN, ANN), strict=True):
        lines = dialogue.splitlines()
        assert (lines[0], lines[-2:-1]) == ("S: 220 mx", ["C: ."])
        assert f"C: RCPT TO:<{mine}>" in lines
        assert other not in dialogue
        assert lines.count("S: 354 go") == lines.count("S: 250 2.1.5 ok") == 1


def test_a_refusal_at_the_dot_is_of_one_message_only() -> None:
    outcomes, _, _ = send(asks(ANN), says(), "C.", asks(BEN), "S: 554 5.7.1 spam", says(), "C.", "S: 250 2.0.0 ok")
    assert [(one.state, one.code) for one in outcomes] == [(REFUSED, 554), (ACCEPTED, 250)]


def test_what_was_begun_ahead_may_be_refused() -> None:
    outcomes, _, received = send(
        asks(ANN), says(), "C.", asks(BEN), "S: 250 2.0.0 ok", says("550 5.1.1 nobody"), "C.", "S: 554 5.5.1 nobody",
        "C: RSET\nS: 250 2.0.0 ok", asks(CAT), says(), "C.", "S: 250 2.0.0 ok", to=(ANN, BEN, CAT),
    )  # fmt: skip
    assert [(one.state, one.code) for one in outcomes] == [(ACCEPTED, 250), (REFUSED, 550), (ACCEPTED, 250)]
    assert received == [WORDS[ANN], b"", WORDS[CAT]]


@pytest.mark.parametrize("cat", ["250 2.1.5 ok", "550 5.1.1 nobody"])
def test_a_dot_that_is_answered_twice_refuses_nobody_of_the_next(cat: str) -> None:
    """All replies come one command late: DATA would get what was said of the last recipient."""
    both = asks(BEN).replace("C: DATA", f"C: RCPT TO:<{CAT}>\nC: DATA")
    replies = says().replace("S: 354", f"S: {cat}\nS: 354")
    outcomes, _, received = send(
        asks(ANN), says(), "C.", both, "S: 250 2.0.0 ok\nS: 250 2.0.0 ok", replies, end, to=(ANN, f"{BEN} {CAT}")
    )
    assert (outcomes[0].address, outcomes[0].state) == (ANN, ACCEPTED)
    assert [(one.address, one.state, one.phase, one.code) for one in outcomes[1:]] == [
        (BEN, DEFERRED, Phase.MAIL, None), (CAT, DEFERRED, Phase.MAIL, None)
    ]  # fmt: skip
    assert received == [WORDS[ANN]]


@pytest.mark.parametrize("end", ["S: 421 4.3.2 bye\nDROP", "DROP", "RESET"])
def test_lost_at_the_dot_nothing_of_the_next_was_handed_over(end: str) -> None:
    outcomes, _, received = send(asks(ANN), says(), "C.", asks(BEN), end)
    assert outcomes[0].state is (DEFERRED if "421" in end else UNKNOWN)
    assert (outcomes[1].state, outcomes[1].phase, outcomes[1].code) == (DEFERRED, Phase.MAIL, None)
    assert received == [WORDS[ANN]]


def test_lost_behind_the_verdict_the_verdict_stands() -> None:
    outcomes, _, _ = send(asks(ANN), says(), "C.", asks(BEN), "S: 250 2.0.0 ok", "S: 250 2.1.0 ok", "DROP")
    assert [(one.state, one.phase) for one in outcomes] == [(ACCEPTED, Phase.DONE), (DEFERRED, Phase.RCPT)]


def test_another_message_than_was_begun_ends_the_connection() -> None:
    """Its words would go to whom the other one named."""
    first, other = (Job("me@example.org", (one,), Body.of(WORDS[one])) for one in (ANN, CAT))
    begun = Job("me@example.org", (BEN,), Body.of(WORDS[BEN]))

    async def before_dot(admitted: tuple[str, ...]) -> None:
        await asyncio.sleep(0)

    async def talk(port: int) -> list[Outcome]:
        sock = socket.create_connection(("127.0.0.1", port))
        session = await open_session(Door(sock, "mx", Security.NONE), Transcript(), PATIENT)
        found = await deliver(session, first, before_dot=before_dot, follow=lambda: begun)
        found += await deliver(session, other, before_dot=before_dot)
        await session.quit()
        return found

    with Scripted(OPENING, asks(ANN), says(), "C.", asks(BEN), "S: 250 2.0.0 ok", says(), end) as server:
        outcomes = asyncio.run(talk(server.port))
        assert [one.state for one in outcomes] == [ACCEPTED, DEFERRED]
        assert server.received == [WORDS[ANN]]


def end(talk: Conversation) -> None:
    """The client has closed the connection without another word."""
    assert talk.sock.recv(100) == b""
    talk.sock.close()
    talk._closed = True


# The whole outbox


@pytest.fixture
def sink() -> Iterator[MailSink]:
    with MailSink() as sink:
        yield sink


@pytest.fixture
def post(tmp_path: Path, sink: MailSink) -> Iterator[PostOffice]:
    with PostOffice.submitting(tmp_path, sink.port) as post:
        yield post


def at_dot(sink: MailSink, number: int, act: Callable[[], str | None]) -> None:
    """``act`` when that message (as its Message-ID has it) is at its dot; it may give the reply."""
    sink.plan = lambda event, what: act() if (event, what) == ("dot", f"n{number}@example.org") else None


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the death that we ordered
@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("at", range(1, 12))
def test_killed_at_every_commit_of_several(tmp_path: Path, sink: MailSink, at: int, after: bool) -> None:
    """Never lost, never doubled, and one at most is unknown: the one at its dot."""
    with PostOffice.submitting(tmp_path, sink.port) as post:
        ones = {to: post.queue(to) for to in (ANN, BEN, CAT)}
        store: MortalStore = post.store
        store.die_at, store.die_after = store.commits + at, after
        post.sender.start()
        post.sender.drain(60)
        for _ in range(2):
            post.restart()
            assert post.sender.drain(60)
        states = {to: post.states(one)[0] for to, one in ones.items()}
        assert list(states.values()).count(UNKNOWN) <= 1
        for to, state in states.items():
            assert (state, len(sink.copies(to))) in {(ACCEPTED, 1), (UNKNOWN, 0), (UNKNOWN, 1)}
        assert len(post.sent()) == list(states.values()).count(ACCEPTED)


def test_what_is_taken_back_behind_the_dot_of_another_does_not_go(post: PostOffice, sink: MailSink) -> None:
    _, ben, cat = (post.queue(to) for to in (ANN, BEN, CAT))

    def take_back() -> None:
        with post.store.write(durable=True) as tx:
            assert dispatch.cancel(tx, ben, (), post.clock) == 1

    at_dot(sink, 1, take_back)
    post.sender.start()
    assert post.sender.drain(20)
    assert (post.states(ben), post.states(cat)) == ([CANCELLED], [ACCEPTED])
    assert [len(sink.copies(to)) for to in (ANN, BEN, CAT)] == [1, 0, 1]
    assert not outbox.attempts(post.store.reader(), ben, BEN)


@pytest.mark.parametrize("refused", [False, True])
def test_what_is_put_off_behind_the_dot_of_another_goes_at_its_time(
    post: PostOffice, sink: MailSink, refused: bool
) -> None:
    """Also where the server has just refused it for now: that would bring its time nearer."""
    _, ben = (post.queue(to) for to in (ANN, BEN))

    def put_off() -> None:
        assert dispatch.reschedule(
            post.store, ben, lambda head: head, not_before=post.clock + HOUR, scheduled=True
        )  # fmt: skip

    def plan(event: str, what: str) -> str | None:
        if (event, what) == ("dot", "n1@example.org"):
            put_off()
        return "451 4.2.0 later" if refused and (event, what) == ("rcpt", BEN) else None

    sink.plan = plan
    post.sender.start()
    assert post.sender.drain(20)
    (to,) = post.get(ben).recipients
    assert (to.state, to.next_attempt) == (QUEUED, post.clock + HOUR)
    assert not sink.copies(BEN)
    sink.plan = lambda event, what: None
    post.later(HOUR)
    assert len(sink.copies(BEN)) == 1
    assert post.states(ben) == [ACCEPTED]


def test_a_limit_that_is_met_leaves_the_next_one_unsent(post: PostOffice, sink: MailSink) -> None:
    ones = [post.queue(to) for to in (ANN, BEN, CAT)]
    at_dot(sink, 1, lambda: "451 4.7.1 Too many messages; slow down")
    post.sender.start()
    assert post.sender.drain(20)
    assert [post.states(one) for one in ones] == [[DEFERRED]] * 3
    assert [post.get(one).recipients[0].attempts for one in ones] == [1, 0, 0]
    sink.plan = lambda event, what: None
    for _ in range(2):
        post.later(HOUR)
    assert [len(sink.copies(to)) for to in (ANN, BEN, CAT)] == [1, 1, 1]
    assert [post.states(one) for one in ones] == [[ACCEPTED]] * 3


@pytest.mark.parametrize("how", [DROP, TAKE_AND_DROP])
def test_lost_at_the_dot_the_others_go_and_each_once(post: PostOffice, sink: MailSink, how: str) -> None:
    ones = [post.queue(to) for to in (ANN, BEN, CAT)]
    at_dot(sink, 2, lambda: how)
    post.sender.start()
    assert post.sender.drain(20)
    assert [post.states(one) for one in ones] == [[ACCEPTED], [UNKNOWN], [ACCEPTED]]
    assert [len(sink.copies(to)) for to in (ANN, BEN, CAT)] == [1, how == TAKE_AND_DROP, 1]


def test_a_server_that_hung_up_at_a_dot_gets_one_message_after_the_other(tmp_path: Path) -> None:
    """It may have been what followed the dot."""
    waiting = list[bytes]()

    def look(talk: Conversation) -> None:
        waiting.append(bytes(talk._buffer))

    def asks(number: int) -> str:
        names = {1: ANN, 2: BEN, 3: CAT}
        return f"C: MAIL FROM:<me@example.org>{{}}\nC: RCPT TO:<{names[number]}>{{}}\nC: DATA"

    script = (
        OPENING, asks(1), says(), "C.", look, asks(2), "DROP\n---", OPENING,
        asks(2), says(), "C.", look, "S: 250 2.0.0 ok", asks(3), says(), "C.", look, "S: 250 2.0.0 ok",
    )  # fmt: skip
    with Scripted(*script) as server, PostOffice.submitting(tmp_path, server.port) as post:
        ones = [post.queue(to) for to in (ANN, BEN, CAT)]
        post.sender.start()
        assert post.sender.drain(20)
        assert [post.states(one) for one in ones] == [[UNKNOWN], [ACCEPTED], [ACCEPTED]]
    assert re.match(rb"MAIL FROM:<me@example\.org>", waiting[0])
    assert waiting[1:] == [b"", b""]


def test_the_verdict_is_on_disk_before_the_next_dot(post: PostOffice, sink: MailSink) -> None:
    """As a reader sees it while the next message is at its dot."""
    ann, ben = (post.queue(to) for to in (ANN, BEN))
    seen = list[tuple[RecipientState, Phase]]()

    def look() -> None:
        seen.extend(_state(post, one) for one in (ann, ben))

    at_dot(sink, 2, look)
    post.sender.start()
    assert post.sender.drain(20)
    assert seen == [(ACCEPTED, Phase.DONE), (RecipientState.TRYING, Phase.DOT)]


def _state(post: PostOffice, one: OutgoingId) -> tuple[RecipientState, Phase]:
    (recipient,) = post.get(one).recipients
    return recipient.state, recipient.phase
