"""What is known of each recipient after every way in which a transaction can go wrong."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest
from scripted import Conversation, Scripted

from mua.mime.status import MAX_TEXT
from mua.model.account import Security
from mua.model.outgoing import Phase, RecipientState
from mua.model.submission import NOTIFY
from mua.net.smtp import deliver
from mua.net.smtp_body import Body
from mua.net.smtp_outcome import Job, Outcome
from mua.net.smtp_session import Door, open_session
from mua.net.smtp_wire import MAX_SAID, Timeouts, Transcript

ANN, BEN, CAT = "ann@example.net", "ben@example.net", "cat@example.net"
SMALL = b"Subject: t\r\n\r\n.dot\r\n..two\r\nend\r\n"
BIG = b"Subject: b\r\n\r\n" + (b"x" * 76 + b"\r\n") * 150_000
PATIENT, QUICK = Timeouts(*[10.0] * 9, 1.0), Timeouts(*[1.0] * 10)
ACCEPTED, DEFERRED = RecipientState.ACCEPTED, RecipientState.DEFERRED
REFUSED, UNKNOWN = RecipientState.REFUSED, RecipientState.UNKNOWN


@dataclass
class Result:
    """What the caller of ``deliver`` sees."""

    outcomes: list[Outcome] = field(default_factory=list)
    dots: list[tuple[str, ...]] = field(default_factory=list)
    transcript: str = ""
    error: OSError | None = None

    @property
    def short(self) -> list[tuple[RecipientState, Phase, int | None]]:
        return [(o.state, o.phase, o.code) for o in self.outcomes]


def send(
    *parts: str | Callable[[Conversation], object],
    offers: Iterable[str] = (),
    recipients: tuple[str, ...] = (ANN, BEN, CAT),
    body: bytes = SMALL,
    times: int = 1,
    sender: str = "me@example.org",
    envid: str = "",
    notify: tuple[str, ...] = NOTIFY,
    before_dot: Callable[[], None] | None = None,
    partial: bool = False,
    timeouts: Timeouts = PATIENT,
) -> tuple[Result, Scripted]:
    """Open a session in clear with a server that follows ``parts`` after EHLO, and send (the last result)."""
    offered = ["S: 250-mx.example.net", *(f"S: 250-{word}" for word in offers), "S: 250 HELP"]
    opening = "\n".join(["S: 220 mx.example.net", "C: EHLO [127.0.0.1]", *offered])
    result = Result()

    async def dot(admitted: tuple[str, ...]) -> None:
        result.dots.append(admitted)
        if before_dot:
            before_dot()

    async def talk(port: int) -> None:
        transcript = Transcript()
        sock = socket.create_connection(("127.0.0.1", port))
        session = await open_session(Door(sock, "mx", Security.NONE), transcript, timeouts)
        try:
            job = Job(sender, recipients, Body.of(body), envid, notify)
            for _ in range(times):
                result.outcomes = await deliver(session, job, before_dot=dot)
        except OSError as error:
            result.error = error
        finally:
            result.transcript = session.transcript.text
            await session.quit()

    with Scripted(opening, *parts, partial=partial) as server:
        asyncio.run(talk(server.port))
    return result, server


def envelope(pipelined: bool, *replies: str, mail: str = "250 2.1.0 ok", data: str | None = "354 go") -> str:
    """MAIL, a RCPT for each reply and DATA as a script, with or without PIPELINING."""
    names = (ANN, BEN, CAT)
    commands = ["MAIL FROM:<me@example.org>{}", *(f"RCPT TO:<{a}>" for a, _ in zip(names, replies, strict=False))]
    answers = [mail, *replies]
    if data is not None:
        commands.append("DATA")
        answers.append(data)
    lines = [f"C: {c}" for c in commands], [f"S: {a}" for a in answers]
    if pipelined:
        return "\n".join([*lines[0], *lines[1]])
    return "\n".join(line for pair in zip(*lines, strict=True) for line in pair)


OK = "250 2.1.5 ok"
both = pytest.mark.parametrize("pipelined", [True, False], ids=["pipelined", "one-by-one"])


def offers(pipelined: bool) -> tuple[str, ...]:
    return ("PIPELINING",) if pipelined else ()


@both
def test_accepted(pipelined: bool) -> None:
    result, server = send(envelope(pipelined, OK, OK, OK), "C.\nS: 250 2.0.0 queued as 1", offers=offers(pipelined))
    assert result.short == [(ACCEPTED, Phase.DONE, 250)] * 3
    assert result.outcomes[0].text == "2.0.0 queued as 1"
    assert result.dots == [(ANN, BEN, CAT)]
    assert b"".join(server.received) == b"Subject: t\r\n\r\n..dot\r\n...two\r\nend\r\n"


@both
def test_one_of_three_refused(pipelined: bool) -> None:
    result, _ = send(
        envelope(pipelined, OK, "550 5.1.1 who is that", OK), "C.\nS: 250 2.0.0 ok", offers=offers(pipelined)
    )
    assert result.short == [(ACCEPTED, Phase.DONE, 250), (REFUSED, Phase.RCPT, 550), (ACCEPTED, Phase.DONE, 250)]
    assert result.outcomes[1].text == "5.1.1 who is that"
    assert result.dots == [(ANN, CAT)]


@both
@pytest.mark.parametrize("step", ["DROP", "RESET"])
def test_lost_while_naming_recipients(pipelined: bool, step: str) -> None:
    if pipelined:
        lines = [f"C: {c}" for c in ("MAIL {}", f"RCPT TO:<{ANN}>", f"RCPT TO:<{BEN}>", f"RCPT TO:<{CAT}>", "DATA")]
        script = "\n".join([*lines, "S: 250 ok", "S: 250 ok", step])
    else:
        script = f"C: MAIL {{}}\nS: 250 ok\nC: RCPT {{}}\nS: 250 ok\nC: RCPT {{}}\n{step}"
    result, _ = send(script, offers=offers(pipelined))
    assert {o.state for o in result.outcomes} == {DEFERRED}
    assert {o.phase for o in result.outcomes} <= {Phase.MAIL, Phase.RCPT}  # a reset may swallow the replies before it
    assert result.dots == []
    assert all(o.next_host for o in result.outcomes)


@both
def test_a_refusal_stands_though_the_connection_was_lost(pipelined: bool) -> None:
    replies = OK, "550 5.1.1 no", "452 4.2.2 full"
    if pipelined:
        commands = "C: MAIL {}\nC: RCPT {}\nC: RCPT {}\nC: RCPT {}\nC: DATA\nS: 250 ok"
        script = "\n".join([commands, *(f"S: {reply}" for reply in replies), "DROP"])
    else:
        script = envelope(False, *replies, data=None) + "\nC: DATA\nDROP"
    result, _ = send(script, offers=offers(pipelined))
    assert result.short == [(DEFERRED, Phase.DATA, None), (REFUSED, Phase.RCPT, 550), (DEFERRED, Phase.RCPT, 452)]


@both
@pytest.mark.parametrize("step", ["DROP", "RESET", "STALL silence"])
def test_lost_after_the_dot_is_unknown(pipelined: bool, step: str) -> None:
    parts = [envelope(pipelined, OK, "550 5.1.1 no", OK), f"C.\n{step}"]
    timeouts = QUICK if "STALL" in step else PATIENT
    result, _ = send(*parts, offers=offers(pipelined), partial=True, timeouts=timeouts)
    assert [o.state for o in result.outcomes] == [UNKNOWN, REFUSED, UNKNOWN]
    assert result.outcomes[0].phase is Phase.DOT
    assert result.outcomes[0].code is None
    assert not any(o.next_host for o in result.outcomes)
    assert result.dots == [(ANN, CAT)]


@both
@pytest.mark.parametrize(
    "reply, state, phase",
    [
        ("421 4.3.0 shutting down", DEFERRED, Phase.DOT),
        ("451 4.3.0 try later", DEFERRED, Phase.DONE),
        ("552 5.3.4 too big", REFUSED, Phase.DONE),
        ("554 5.7.1 no", REFUSED, Phase.DONE),
    ],
)
def test_refused_after_the_dot(pipelined: bool, reply: str, state: RecipientState, phase: Phase) -> None:
    result, _ = send(envelope(pipelined, OK, OK, OK), f"C.\nS: {reply}", offers=offers(pipelined))
    assert result.short == [(state, phase, int(reply[:3]))] * 3
    assert not any(o.next_host for o in result.outcomes)


@pytest.mark.parametrize("reply", ["354 go on", "banana", "25", "250-half\r\n550 changed"])
def test_nonsense_after_the_dot_is_unknown(reply: str) -> None:
    escaped = reply.replace("\r\n", "\\r\\n")
    result, _ = send(envelope(True, OK, OK, OK), f"C.\nS: {escaped}\nDROP", offers=("PIPELINING",))
    assert [o.state for o in result.outcomes] == [UNKNOWN] * 3


@both
def test_421_midway_is_everyones_answer(pipelined: bool) -> None:
    if pipelined:
        script = "C: MAIL {}\nC: RCPT {}\nC: RCPT {}\nC: RCPT {}\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 421 4.7.0 bye\nDROP"
    else:
        script = "C: MAIL {}\nS: 250 ok\nC: RCPT {}\nS: 250 ok\nC: RCPT {}\nS: 421 4.7.0 bye\nDROP"
    result, _ = send(script, offers=offers(pipelined))
    assert result.short == [(DEFERRED, Phase.RCPT, 421)] * 3
    assert result.outcomes[0].text == "4.7.0 bye"


@both
def test_too_many_recipients(pipelined: bool) -> None:
    result, _ = send(
        envelope(pipelined, OK, "452 4.5.3 too many", "552 too many"), "C.\nS: 250 ok", offers=offers(pipelined)
    )
    assert [(o.state, o.at_once) for o in result.outcomes] == [(ACCEPTED, False), (DEFERRED, True), (DEFERRED, True)]


def test_a_full_mailbox_is_not_too_many_recipients() -> None:
    result, _ = send(envelope(True, OK, "452 4.2.2 full", "552 5.2.2 full"), "C.\nS: 250 ok", offers=("PIPELINING",))
    assert [(o.state, o.at_once) for o in result.outcomes] == [(ACCEPTED, False), (DEFERRED, False), (REFUSED, False)]


def test_nobody_taken_means_nobody_is_sent_again_at_once() -> None:
    parts = envelope(True, OK, "452 4.5.3 too many", OK), "C.\nS: 451 4.3.0 later"
    result, _ = send(*parts, offers=("PIPELINING",))
    assert not any(o.at_once for o in result.outcomes)


@pytest.mark.parametrize("reply, state", [("451 4.3.0 no room", DEFERRED), ("553 5.7.1 not yours", REFUSED)])
@both
def test_the_sender_is_refused(pipelined: bool, reply: str, state: RecipientState) -> None:
    if pipelined:
        script = envelope(True, "503 mail first", "503 mail first", "503 mail first", mail=reply, data="503 mail first")
    else:
        script = f"C: MAIL {{}}\nS: {reply}"
    result, _ = send(script, offers=offers(pipelined))
    assert result.short == [(state, Phase.MAIL, int(reply[:3]))] * 3


@both
def test_all_refused_and_then_another_message_on_the_session(pipelined: bool) -> None:
    no = "550 5.1.1 no"
    first = envelope(pipelined, no, no, no, data="554 5.5.1 no valid recipients" if pipelined else None)
    second = "C: RSET\nS: 250 ok\n" + envelope(pipelined, OK, OK, OK) + "\nC.\nS: 250 ok"
    result, server = send(first, second, offers=offers(pipelined), times=2)
    assert result.short == [(ACCEPTED, Phase.DONE, 250)] * 3
    assert len(server.received) == 1


def test_all_refused_yet_354_gets_an_empty_message() -> None:
    no = "550 5.1.1 no"
    parts = envelope(True, no, no, no), "C.\nS: 554 5.5.1 nobody to send to", "C: RSET\nS: 250 ok"
    result, server = send(*parts, envelope(True, OK, OK, OK), "C.\nS: 250 ok", offers=("PIPELINING",), times=2)
    assert server.received[0] == b""
    assert [o.state for o in result.outcomes] == [ACCEPTED] * 3


def test_two_messages_on_one_session_need_no_reset() -> None:
    one = envelope(True, OK, OK, OK) + "\nC.\nS: 250 ok"
    result, server = send(one, one, offers=("PIPELINING",), times=2)
    assert result.short == [(ACCEPTED, Phase.DONE, 250)] * 3
    assert len(server.received) == 2


@both
@pytest.mark.parametrize("reply, state", [("451 4.3.0 later", DEFERRED), ("554 5.7.1 no mail today", REFUSED)])
def test_data_refused(pipelined: bool, reply: str, state: RecipientState) -> None:
    sure = ["C: RSET\nS: 250 ok"] if state is REFUSED else []
    result, _ = send(envelope(pipelined, OK, OK, OK, data=reply), *sure, offers=offers(pipelined))
    assert result.short == [(state, Phase.DATA, int(reply[:3]))] * 3
    assert result.dots == []


def test_data_refused_by_a_server_that_hangs_up_then() -> None:
    result, _ = send(envelope(True, OK, OK, OK, data="554 5.7.1 no mail today"), "C: RSET", offers=("PIPELINING",))
    assert result.short == [(REFUSED, Phase.DATA, 554)] * 3


def test_250_to_data_means_out_of_step() -> None:
    result, _ = send(envelope(True, OK, OK, OK, data="250 sure"), offers=("PIPELINING",))
    assert result.short == [(DEFERRED, Phase.DATA, None)] * 3


def test_stray_reply_behind_the_354_never_becomes_success() -> None:
    """The trap: a client that pairs replies late takes the stray 250 for the verdict, though the mail is refused."""
    result, _ = send(
        envelope(True, OK, OK, OK, data="354 go\\r\\n250 2.0.0 stray"), offers=("PIPELINING",), partial=True
    )
    assert [o.state for o in result.outcomes] == [DEFERRED] * 3
    assert result.dots == []


@both
def test_stray_reply_among_the_recipients(pipelined: bool) -> None:
    if pipelined:
        script = envelope(True, OK, OK + "\\r\\n250 stray", OK)
    else:
        script = "C: MAIL {}\nS: 250 ok\nC: RCPT {}\nS: 250 ok\\r\\n250 stray"
    result, _ = send(script, offers=offers(pipelined), partial=True)
    assert [o.state for o in result.outcomes] == [DEFERRED] * 3
    assert result.dots == []


STRAY = "250 2.1.0 ok\\r\\n250 stray"
NO = "550 5.1.1 no"


@pytest.mark.parametrize("replies", [(OK, NO, OK), (OK, OK, NO), ("450 4.2.0 later", NO, OK), (NO, OK, OK)])
def test_a_refusal_behind_a_stray_reply_is_nobodys(replies: tuple[str, ...]) -> None:
    """Each of them seems to be for the next recipient, or for DATA: whom the server takes is not bounced."""
    rest = "C: RSET\nS: 554 5.5.1 what?" if replies[-1] is NO else ""
    result, _ = send(envelope(True, *replies, mail=STRAY), *filter(None, [rest]), offers=("PIPELINING",), partial=True)
    assert [o.state for o in result.outcomes] == [DEFERRED] * 3
    assert result.dots == []


def test_who_was_named_after_a_sender_that_was_put_off_is_not_bounced() -> None:
    """MAIL was deferred, behind a stray reply; what answers each recipient is that there was no MAIL."""
    early = "503 5.5.1 MAIL first"
    first = envelope(True, *[early] * 3, mail="250 stray\\r\\n451 4.3.0 later", data=early)
    result, _ = send(first, "C: RSET\nS: 250 ok", offers=("PIPELINING",), partial=True)
    assert [o.state for o in result.outcomes] == [DEFERRED] * 3


def test_a_stray_reply_that_comes_late_bounces_nobody() -> None:
    """One by one: the reply to MAIL twice, the second with the next command's."""
    script = [
        "C: MAIL {}\nS: 250 ok\nC: RCPT {}\nS: 250 stray\nC: RCPT {}\nS: 250 ok\nC: RCPT {}\nS: 250 ok",
        "C: DATA\nS: 550 5.1.1 the last one is not here\nC: RSET\nS: 354 go",
    ]
    result, _ = send(*script, partial=True)
    assert [o.state for o in result.outcomes] == [DEFERRED] * 3


def test_a_reply_that_is_left_out_makes_no_refusal_somebody_elses() -> None:
    commands = ["MAIL {}", *["RCPT {}"] * 3, "DATA"]
    said = [OK, OK, NO, "354 go"]  # nothing to Ben, so Cat's refusal seems to be his
    script = "\n".join([*(f"C: {one}" for one in commands), *(f"S: {one}" for one in said)])
    result, _ = send(script, offers=("PIPELINING",), partial=True)
    assert [o.state for o in result.outcomes] == [DEFERRED] * 3
    assert result.dots == []


def test_a_reply_that_is_left_out_is_missing_at_the_end() -> None:
    """The same where DATA is put off: its reply seems to be Cat's, and no more of them comes."""
    said = [OK, OK, NO, "451 4.3.0 later"]
    script = "\n".join(["C: MAIL {}", *["C: RCPT {}"] * 3, "C: DATA", *(f"S: {one}" for one in said), "STALL x"])
    result, _ = send(script, offers=("PIPELINING",), timeouts=QUICK, partial=True)
    assert [o.state for o in result.outcomes] == [DEFERRED] * 3


@pytest.mark.parametrize("replies", [("354 go", OK, OK), (OK, "354 go", OK), (OK, OK, "334 go")])
def test_go_on_is_no_answer_before_data(replies: tuple[str, ...]) -> None:
    """Whoever says it may be waiting for the message already: nothing more can be said over this connection."""
    mail, *rest = replies
    parts = envelope(True, *rest, mail=mail, data=OK), "C: RSET\nS: 250 ok"
    result, server = send(*parts, offers=("PIPELINING",), recipients=(ANN, BEN), times=2, partial=True)
    assert [(o.state, o.code) for o in result.outcomes] == [(DEFERRED, None)] * 2
    assert not any("RSET" in line for line in server.lines)


def test_of_endless_replies_the_beginning_is_kept() -> None:
    lines = "".join(f"450-4.3.0 {'x' * 8000}\\r\\n" for _ in range(150)) + "450 4.3.0 later"
    result, _ = send(envelope(True, OK, lines, lines), "C.\nS: 250 ok", offers=("PIPELINING",))
    assert [o.state for o in result.outcomes] == [ACCEPTED, DEFERRED, DEFERRED]
    assert [len(o.text) for o in result.outcomes[1:]] == [MAX_TEXT] * 2
    assert len(result.transcript) < MAX_SAID + 5_000


def in_body(act: Callable[[Conversation], object]) -> list[str | Callable[[Conversation], object]]:
    def read_some(talk: Conversation) -> None:
        talk.read(200_000)
        act(talk)

    return [envelope(True, OK, OK, OK), read_some]


def drop(talk: Conversation) -> None:
    talk.sock.shutdown(socket.SHUT_RDWR)
    talk.sock.close()


def early_refusal(talk: Conversation) -> None:
    talk.send(b"552 5.3.4 too big\r\n")
    while talk.sock.recv(1 << 16):
        pass


def early_421(talk: Conversation) -> None:
    talk.send(b"421 4.3.2 bye\r\n")
    while talk.sock.recv(1 << 16):
        pass


def early_success(talk: Conversation) -> None:
    talk.send(b"250 2.0.0 all yours\r\n")
    while talk.sock.recv(1 << 16):
        pass


@pytest.mark.parametrize(
    "act, state, code",
    [
        (drop, DEFERRED, None),
        (early_refusal, REFUSED, 552),
        (early_421, DEFERRED, 421),
        (early_success, DEFERRED, None),
    ],
)
def test_the_body_is_cut_short(act: Callable[[Conversation], object], state: RecipientState, code: int | None) -> None:
    result, _ = send(*in_body(act), offers=("PIPELINING",), body=BIG, partial=True)
    assert result.short == [(state, Phase.DATA, code)] * 3
    assert result.dots == []


def test_a_refusal_that_comes_while_the_dot_is_noted_stops_it() -> None:
    """It lies in the socket, and the loop had no turn to read it: a small message has not left by then."""
    noted, said, received = threading.Event(), threading.Event(), list[bytes]()

    def refuse(talk: Conversation) -> None:
        assert noted.wait(10)
        talk.send(b"552 5.3.4 too big\r\n")
        said.set()
        received.append(talk.sock.recv(1 << 16))

    def before_dot() -> None:
        noted.set()
        assert said.wait(10)

    result, _ = send(envelope(True, OK, OK, OK), refuse, offers=("PIPELINING",), before_dot=before_dot, partial=True)
    assert result.short == [(REFUSED, Phase.DATA, 552)] * 3
    assert result.dots == [(ANN, BEN, CAT)]
    assert received == [b""]


def test_a_server_that_stops_reading() -> None:
    def stall(talk: Conversation) -> None:
        talk.server.event("never").wait(4)

    result, _ = send(*in_body(stall), offers=("PIPELINING",), body=BIG * 4, partial=True, timeouts=QUICK)
    assert result.short == [(DEFERRED, Phase.DATA, None)] * 3
    assert "took nothing" in result.outcomes[0].text


def test_slow_progress_is_progress() -> None:
    """The upload takes four times the limit of one block, and goes through: time-outs are per progress."""

    def sip(talk: Conversation) -> None:
        talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        for _ in range(20):
            talk.read(400_000)
            talk.server.event("never").wait(0.2)

    result, _ = send(
        envelope(True, OK, OK, OK), sip, "C.\nS: 250 ok", offers=("PIPELINING",), body=BIG,
        timeouts=Timeouts(block=1.0),
    )  # fmt: skip
    assert [o.state for o in result.outcomes] == [ACCEPTED] * 3


def test_no_dot_when_the_commit_fails() -> None:
    def full() -> None:
        raise OSError("disk full")

    parts = envelope(True, OK, OK, OK), "C.\nS: 250 ok"
    result, server = send(*parts, offers=("PIPELINING",), before_dot=full, partial=True)
    assert str(result.error) == "disk full"
    assert server.received == []


def test_an_answer_that_came_during_the_commit_stops_the_dot() -> None:
    def during(talk: Conversation) -> None:
        talk.read(60_000)  # the first blocks of the message are here
        talk.send(b"451 4.3.0 no room after all\r\n")
        talk.server.event("said").set()

    server_said: list[Scripted] = []

    def wait() -> None:
        server_said[0].wait("said")

    def remember(talk: Conversation) -> None:
        server_said.append(talk.server)

    parts = [remember, envelope(True, OK, OK, OK), during]
    result, server = send(*parts, offers=("PIPELINING",), body=BIG[: 14 + 78 * 1000], before_dot=wait, partial=True)
    assert result.short == [(DEFERRED, Phase.DATA, 451)] * 3
    assert result.dots == [(ANN, BEN, CAT)]
    assert server.received == []


def test_five_thousand_recipients_do_not_deadlock() -> None:
    recipients = tuple(f"u{n}@example.net" for n in range(5000))

    def all_of_them(talk: Conversation) -> None:
        talk.line()
        talk.send(b"250 ok\r\n")
        for _ in recipients:
            talk.line()
            talk.send(b"250 2.1.5 " + b"y" * 400 + b"\r\n")
        talk.line()
        talk.send(b"354 go\r\n")

    result, _ = send(all_of_them, "C.\nS: 250 ok", offers=("PIPELINING",), recipients=recipients, timeouts=Timeouts())
    assert {o.state for o in result.outcomes} == {ACCEPTED}
    assert len(result.outcomes) == 5000


# -- what is refused without asking, and what the parameters say


def test_size_is_checked_before_a_word_is_said() -> None:
    result, _ = send(offers=("SIZE 10",))
    assert result.short == [(REFUSED, Phase.MAIL, None)] * 3
    assert "5.3.4" in result.outcomes[0].text


def test_parameters() -> None:
    script = (
        "C: MAIL FROM:<me@example.org> SIZE=12 BODY=8BITMIME RET=HDRS ENVID=a+2B1\n"
        "C: RCPT TO:<a+b@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;a+2Bb@example.net\nC: DATA\n"
        "S: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 ok"
    )
    result, _ = send(
        script,
        offers=("PIPELINING", "SIZE", "8BITMIME", "DSN", "SMTPUTF8"),
        recipients=("a+b@example.net",),
        body="A: b\r\n\r\né".encode(),
        envid="a+1",
    )
    assert [o.state for o in result.outcomes] == [ACCEPTED]


@pytest.mark.parametrize(
    "notify, said", [((), "NEVER"), (("delay",), "DELAY"), (("success", "delay"), "SUCCESS,DELAY")]
)
def test_what_the_sender_wants_to_hear_is_passed_on(notify: tuple[str, ...], said: str) -> None:
    script = (
        "C: MAIL FROM:<me@example.org> RET=HDRS ENVID=a\nS: 250 ok\n"
        f"C: RCPT TO:<{ANN}> NOTIFY={said} ORCPT=rfc822;{ANN}\nS: 250 ok\nC: DATA\nS: 354 go\nC.\nS: 250 ok"
    )
    result, _ = send(script, offers=("DSN",), recipients=(ANN,), envid="a", notify=notify)
    assert [o.state for o in result.outcomes] == [ACCEPTED]


def test_only_the_address_that_needs_smtputf8_is_refused_without_it() -> None:
    script = "C: MAIL FROM:<me@example.org>\nC: RCPT TO:<ann@example.net>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\n"
    result, _ = send(script + "C.\nS: 250 ok", offers=("PIPELINING",), recipients=(ANN, "zoë@example.net"))
    assert [o.state for o in result.outcomes] == [ACCEPTED, REFUSED]
    assert "5.6.7" in result.outcomes[1].text


def test_smtputf8_where_needed_and_a_labels_where_enough() -> None:
    script = (
        "C: MAIL FROM:<me@example.org> SMTPUTF8\nC: {}\nC: RCPT TO:<ben@xn--bcher-kva.example>\nC: DATA\n"
        "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 ok"
    )
    recipients = ("zoë@example.net", "ben@Bücher.example")
    result, server = send(script, offers=("PIPELINING", "SMTPUTF8"), recipients=recipients)
    assert [o.state for o in result.outcomes] == [ACCEPTED] * 2
    assert "RCPT TO:<zoë@example.net>".encode() in server.lines[2].encode("latin-1")


def test_an_international_domain_alone_needs_no_smtputf8() -> None:
    script = (
        "C: MAIL FROM:<me@example.org>\nC: RCPT TO:<ben@xn--bcher-kva.example>\nC: DATA\n"
        "S: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 ok"
    )
    result, _ = send(script, offers=("PIPELINING",), recipients=("ben@bücher.example",))
    assert [(o.address, o.state) for o in result.outcomes] == [("ben@bücher.example", ACCEPTED)]


def test_two_spellings_of_one_mailbox_are_named_once_and_marked_both() -> None:
    recipients = ("ben@bücher.example", "ben@xn--bcher-kva.example")
    script = "C: MAIL {}\nC: RCPT {}\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 ok"
    result, _ = send(script, offers=("PIPELINING",), recipients=recipients)
    assert [(o.address, o.state) for o in result.outcomes] == [(a, ACCEPTED) for a in recipients]
    assert result.dots == [recipients]


@pytest.mark.parametrize(
    "body, why",
    [
        (b"a\nb\r\n", "bare line feed"),
        (b"a\rb\r\n", "bare carriage return"),
        (b"a\r\n.\r", "bare carriage return"),
        (b"a\0b\r\n", "NUL"),
        (b"a" * 999 + b"\r\n", "999"),
    ],
)
def test_a_message_that_could_be_smuggled_never_leaves(body: bytes, why: str) -> None:
    result, server = send(body=body, offers=("PIPELINING",))
    assert result.short == [(REFUSED, Phase.MAIL, None)] * 3
    assert why in result.outcomes[0].text
    assert not any(line.startswith("MAIL") for line in server.lines)


@pytest.mark.parametrize(
    "address",
    ["a b@example.net", "a>@example.net", "a\r\nRCPT TO:<b@example.net>@x", "nobody", "@example.net", "a@", "a@b c"],
)
def test_what_is_no_address_is_refused_and_the_others_go(address: str) -> None:
    script = "C: MAIL {}\nC: RCPT TO:<ann@example.net>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 ok"
    result, _ = send(script, offers=("PIPELINING",), recipients=(address, ANN))
    assert [o.state for o in result.outcomes] == [REFUSED, ACCEPTED]
    assert "5.1.3" in result.outcomes[0].text


def test_eight_bits_are_re_encoded_without_8bitmime() -> None:
    fields = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    result, server = send(
        envelope(True, OK, OK, OK), "C.\nS: 250 ok", offers=("PIPELINING",), body=(fields + "\r\né\r\n").encode()
    )
    assert [o.state for o in result.outcomes] == [ACCEPTED] * 3
    assert server.received[0].isascii()
    assert b"=C3=A9" in server.received[0] or b"w6k" in server.received[0]


def test_a_signature_that_would_not_hold_after_re_encoding_goes_with_it() -> None:
    signed = "DKIM-Signature: v=1; d=example.org;\r\n\tb=abc\r\nX-Kept: 1\r\n\r\n{}\r\n"
    for body, kept in (("é", False), ("e", True)):
        script = envelope(True, OK, OK, OK), "C.\nS: 250 ok"
        result, server = send(*script, offers=("PIPELINING",), body=signed.format(body).encode())
        assert [o.state for o in result.outcomes] == [ACCEPTED] * 3
        assert (b"DKIM-Signature" in server.received[0]) is kept
        assert b"X-Kept: 1\r\n" in server.received[0]


def test_eight_bits_that_cannot_be_re_encoded_need_8bitmime() -> None:
    result, _ = send(body="Message-ID: <é@x>\r\n\r\n".encode())
    assert result.short == [(REFUSED, Phase.MAIL, None)] * 3
    assert "5.6.3" in result.outcomes[0].text


def test_a_header_beyond_ascii_needs_smtputf8() -> None:
    """8BITMIME is about bodies (RFC 6152 s.3); the header of an old outbox, or a Message-ID, may have no other form."""
    body = "Message-ID: <é@x>\r\n\r\nhello\r\n".encode()
    result, _ = send(body=body, offers=("PIPELINING", "8BITMIME"))
    assert result.short == [(REFUSED, Phase.MAIL, None)] * 3
    assert "5.6.7" in result.outcomes[0].text
    script = "C: MAIL FROM:<me@example.org> BODY=8BITMIME SMTPUTF8\n" + envelope(True, OK, OK, OK).partition("\n")[2]
    result, server = send(script, "C.\nS: 250 ok", offers=("PIPELINING", "8BITMIME", "SMTPUTF8"), body=body)
    assert [o.state for o in result.outcomes] == [ACCEPTED] * 3
    assert server.received[0] == body


def test_replies_in_pieces_long_lines_and_bare_line_ends() -> None:
    script = "SPLIT\n" + envelope(True, "250-one\\r\\n250-two\\r\\n250 three", OK, OK)
    result, _ = send(script, "C.\nWHOLE\nS- 250-fin\\n250 " + "x" * 3000 + "\\n", offers=("PIPELINING",))
    assert [o.state for o in result.outcomes] == [ACCEPTED] * 3
    assert result.outcomes[0].text.startswith("fin\nxxx")


def test_an_endless_reply_is_cut_off() -> None:
    def babble(talk: Conversation) -> None:
        talk.line()
        talk.send(b"250-" + b"x" * 20_000)

    result, _ = send(babble, partial=True)
    assert [o.state for o in result.outcomes] == [DEFERRED] * 3
    assert "too long" in result.outcomes[0].text


def test_the_transcript_is_the_dialogue_without_the_message() -> None:
    result, _ = send(envelope(False, OK), "C.\nS: 250 2.0.0 queued", recipients=(ANN,), body=b"Subject: private\r\n")
    lines = result.transcript.splitlines()
    assert "C: RCPT TO:<ann@example.net>" in lines
    assert lines[lines.index("C: DATA") :] == [
        "C: DATA", "S: 354 go", "-- 18 octets of message", "C: .", "S: 250 2.0.0 queued"
    ]  # fmt: skip
    assert "private" not in result.transcript
