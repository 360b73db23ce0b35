"""Direct delivery: real look-ups of a scripted DNS server, exchangers on loopback addresses of their own."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dns_server import DnsServer
from exchangers import World, always
from mail_sink import DROP, TAKE_AND_DROP, MailSink
from post_office import PATIENT, PostOffice

from mua.engine.commands import await_verdicts
from mua.model.account import DirectOptions
from mua.model.outgoing import OutgoingId, Phase, RecipientState, SentCopy
from mua.plan.retry import DAY, MINUTE
from mua.store import outbox
from mua.wire import AwaitVerdicts

ACCEPTED, DEFERRED, QUEUED = RecipientState.ACCEPTED, RecipientState.DEFERRED, RecipientState.QUEUED
REFUSED, UNKNOWN = RecipientState.REFUSED, RecipientState.UNKNOWN
ANN = "ann@x.test"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    with world.stack:
        yield world


# -- routing


def test_delivered_to_the_most_preferred(world: World) -> None:
    first, second = world.exchanger(1), world.exchanger(2)
    world.domain("x.test", "20 mx2", "10 mx1")
    post, one = world.send(ANN)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.phase, ann.code) == (ACCEPTED, Phase.DONE, 250)
    assert ann.host == "mx1.x.test[127.0.1.1]"
    assert (len(first.copies(ANN)), second.connections) == (1, 0)
    assert len(post.sent()) == 1


def test_the_next_one_when_nobody_listens(world: World) -> None:
    sixth = world.exchanger(6)
    world.domain("x.test", "10 mx1", "20 mx2", "30 mx3", "40 mx4", "50 mx5", "60 mx6")
    post, one = world.send(ANN)
    assert post.states(one) == [ACCEPTED]
    assert len(sixth.copies(ANN)) == 1


@pytest.mark.parametrize("greeting", ["554 5.7.1 go away", "421 4.3.2 busy", DROP])
def test_the_next_one_when_the_first_does_not_want_to_talk(world: World, greeting: str) -> None:
    world.exchanger(1, always("greeting", greeting))
    second = world.exchanger(2)
    world.domain("x.test", "10 mx1", "20 mx2")
    post, one = world.send(ANN)
    assert post.states(one) == [ACCEPTED]
    assert len(second.copies(ANN)) == 1


def test_the_only_one_that_does_not_want_to_talk_defers(world: World) -> None:
    world.exchanger(1, always("greeting", "554 5.7.1 go away"))
    world.domain("x.test", "10 mx1")
    post, one = world.send(ANN)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.phase, ann.code, ann.attempts) == (DEFERRED, Phase.GREETING, 554, 1)
    assert ann.next_attempt == post.clock + MINUTE


def test_a_domain_without_mx_is_its_own_exchanger(world: World) -> None:
    sink = world.exchanger(1)
    world.table["x.test", "A"] = ["127.0.1.1"]
    post, one = world.send(ANN)
    assert post.states(one) == [ACCEPTED]
    assert len(sink.copies(ANN)) == 1


@pytest.mark.parametrize(
    "table, state, status",
    [
        ({}, REFUSED, "5.1.2"),
        ({("x.test", "MX"): ["0 ."]}, REFUSED, "5.1.10"),
        ({("x.test", "MX"): ["10 mx1.x.test.", "20 ."], ("mx1.x.test", "A"): ["127.0.1.1"]}, REFUSED, "5.1.10"),
        ({("x.test", "MX"): ["10 gone.x.test."]}, REFUSED, "5.4.4"),
        ({("x.test", "TXT"): ["nothing"]}, REFUSED, "5.4.4"),
        ({("x.test", "MX"): ["SERVFAIL"], ("x.test", "A"): ["127.0.1.1"]}, DEFERRED, "4.4.3"),
        ({("x.test", "MX"): ["REFUSED"], ("x.test", "A"): ["127.0.1.1"]}, DEFERRED, "4.4.3"),
        ({("x.test", "MX"): ["10 h.x.test."], ("h.x.test", "A"): ["SERVFAIL"]}, DEFERRED, "4.4.3"),
        ({("x.test", "MX"): ["10 localhost."], ("localhost", "A"): ["127.0.0.1"]}, REFUSED, "5.4.6"),
    ],
)
def test_no_way(world: World, table: dict[tuple[str, str], list[str]], state: RecipientState, status: str) -> None:
    sink = world.exchanger(1)
    world.table = table
    post, one = world.send(ANN)
    (ann,) = post.get(one).recipients
    assert ann.state is state
    assert ann.text.startswith(status)
    assert ann.code is None
    assert sink.connections == 0


def test_private_addresses_are_not_called_unless_allowed(world: World) -> None:
    sink = world.exchanger(1)
    world.domain("x.test", "10 mx1")
    post, one = world.send(ANN, options=DirectOptions(allow_private_mx=False))
    assert post.get(one).recipients[0].text.startswith("5.4.6")
    assert post.states(one) == [REFUSED]
    assert sink.connections == 0


def test_no_message_goes_by_what_its_account_said_before(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The account is changed, and then the message is queued, while the sender looks for what is due."""
    sink, due, queued = world.exchanger(1), outbox.due, list[OutgoingId]()
    world.domain("x.test", "10 mx1")
    post = world.program()
    assert post.sender.drain(30)

    def meanwhile(*asked: Any) -> list[outbox.Due]:
        if not queued:
            with post.store.write() as tx:
                tx.run("UPDATE account SET direct_allow_private = 0")
            queued.append(post.queue(ANN))
        return due(*asked)

    monkeypatch.setattr(outbox, "due", meanwhile)
    assert post.sender.drain(30)
    assert (post.states(queued[0]), sink.connections) == ([REFUSED], 0)


def test_international_domains_and_address_literals(world: World) -> None:
    sink = world.exchanger(1)
    world.domain("xn--bcher-kva.test", "10 mx1")
    post, one = world.send("ann@bücher.test", "ben@[127.0.1.1]")
    assert post.states(one) == [ACCEPTED, ACCEPTED]
    assert len(sink.copies("ann@xn--bcher-kva.test")) == len(sink.copies("ben@[127.0.1.1]")) == 1


def test_domains_have_their_own_fates(world: World) -> None:
    good, other = world.exchanger(1), world.exchanger(2, always("rcpt", "550 5.1.1 no"))
    world.domain("x.test", "10 mx1")
    world.domain("y.test", "10 mx2")
    post, one = world.send(ANN, "ben@y.test", "cat@nowhere.test", "dan@x.test")
    assert post.states(one) == [ACCEPTED, REFUSED, REFUSED, ACCEPTED]
    assert (good.connections, other.connections) == (1, 1)
    assert len(post.sent()) == 1


def test_an_exchanger_may_be_an_alias(world: World) -> None:
    sink = world.exchanger(1)
    world.table = {("x.test", "MX"): ["10 mail.x.test."], ("mail.x.test", "A"): ["CNAME host.test.", "127.0.1.1"]}
    post, one = world.send(ANN)
    assert post.states(one) == [ACCEPTED]
    assert post.get(one).recipients[0].host == "mail.x.test[127.0.1.1]"
    assert len(sink.copies(ANN)) == 1


def test_an_address_is_no_name_of_an_exchanger(world: World) -> None:
    """RFC 5321 s.5.1: an MX record names a host; nobody is called, whatever a host of that name resolved to."""
    sink = world.exchanger(1)
    world.table = {("x.test", "MX"): ["10 127.0.1.1."], ("127.0.1.1", "A"): ["127.0.1.1"]}
    post, one = world.send(ANN)
    assert post.states(one) == [REFUSED]
    assert post.get(one).recipients[0].text.startswith("5.4.4")
    assert sink.connections == 0


@pytest.mark.parametrize("target", [r"mx\032one.x.test", "*.x.test", "a/b.x.test", "@.x.test", r"\255.x.test"])
def test_a_name_that_no_host_can_have_is_passed_over(world: World, target: str) -> None:
    first, second = world.exchanger(1), world.exchanger(2)
    world.domain("x.test", "20 mx2")
    world.table["x.test", "MX"].append(f"10 {target}.")
    world.table[target, "A"] = ["127.0.1.1"]
    post, one = world.send(ANN)
    assert post.states(one) == [ACCEPTED]
    assert (first.connections, len(second.copies(ANN))) == (0, 1)


def test_an_only_exchanger_without_a_possible_name_defers(world: World) -> None:
    world.table["x.test", "MX"] = [r"10 mx\032one.x.test."]
    world.table[r"mx\032one.x.test", "A"] = ["127.0.1.1"]
    sink = world.exchanger(1)
    post, one = world.send(ANN)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.attempts, ann.next_attempt, sink.connections) == (DEFERRED, 1, post.clock + MINUTE, 0)
    assert ann.text == r"4.4.1 mx\032one.x.test could not be reached: no server can have that name."


def test_one_that_swallows_everything_is_left_in_time(world: World) -> None:
    """A full backlog drops whoever comes next, as a firewall does."""
    deaf = world.stack.enter_context(socket.create_server(("127.0.1.1", world.port), backlog=0))
    waiting = [world.stack.enter_context(socket.socket()) for _ in range(4)]
    for one in waiting:
        one.setblocking(False)
        one.connect_ex(deaf.getsockname())
    second = world.exchanger(2)
    world.domain("x.test", "10 mx1", "20 mx2")
    post, sent = world.send(ANN, timeouts=replace(PATIENT, connect=0.5))
    assert post.states(sent) == [ACCEPTED]
    assert len(second.copies(ANN)) == 1


@pytest.mark.parametrize("addresses, by", [(("2001:db8::1", "127.0.1.1"), "127.0.1.1"), (("::1",), "::1")])
def test_both_families_of_addresses(world: World, addresses: tuple[str, ...], by: str) -> None:
    """IPv6 that leads nowhere costs nothing but time, and IPv6 alone is enough."""
    sink = world.exchanger(1) if by == "127.0.1.1" else world.stack.enter_context(MailSink(host=by, port=world.port))
    world.table = {("x.test", "MX"): ["10 mx.x.test."], ("mx.x.test", "AAAA"): [addresses[0]]}
    world.table |= {("mx.x.test", "A"): list(addresses[1:])} if addresses[1:] else {}
    post, one = world.send(ANN, timeouts=replace(PATIENT, connect=0.5))
    assert post.states(one) == [ACCEPTED]
    assert post.get(one).recipients[0].host == f"mx.x.test[{by}]"
    assert len(sink.copies(ANN)) == 1


# -- verdicts and the next exchanger


def test_a_refusal_is_not_appealed(world: World) -> None:
    world.exchanger(1, always("rcpt", "550 5.1.1 never heard of her"))
    second = world.exchanger(2)
    world.domain("x.test", "10 mx1", "20 mx2")
    post, one = world.send(ANN)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.code, ann.text) == (REFUSED, 550, "5.1.1 never heard of her")
    assert second.connections == 0
    assert post.get(one).sent_copy is SentCopy.NONE


def test_only_the_deferred_recipient_is_taken_to_the_next(world: World) -> None:
    replies = {"ben@x.test": "550 5.1.1 no", "cat@x.test": "451 4.3.0 later"}
    first = world.exchanger(1, lambda event, what: replies.get(what))
    second = world.exchanger(2)
    world.domain("x.test", "10 mx1", "20 mx2")
    post, one = world.send(ANN, "ben@x.test", "cat@x.test")
    assert post.states(one) == [ACCEPTED, REFUSED, ACCEPTED]
    assert [len(first.copies(ANN)), len(second.copies(ANN)), len(second.copies("cat@x.test"))] == [1, 0, 1]


def test_greylisting_is_not_taken_to_the_next(world: World) -> None:
    world.exchanger(1, always("rcpt", "450 4.2.0 Greylisted, try again in 2 minutes"))
    second = world.exchanger(2)
    world.domain("x.test", "10 mx1", "20 mx2")
    post, one = world.send(ANN)
    assert post.states(one) == [DEFERRED]
    assert second.connections == 0
    assert post.get(one).recipients[0].next_attempt == post.clock + 2 * MINUTE


@pytest.mark.parametrize("event, copies", [(TAKE_AND_DROP, 1), (DROP, 0)])
def test_no_other_exchanger_after_a_loss_at_the_dot(world: World, event: str, copies: int) -> None:
    first, second = world.exchanger(1, always("dot", event)), world.exchanger(2)
    world.domain("x.test", "10 mx1", "20 mx2")
    post, one = world.send(ANN)
    assert post.states(one) == [UNKNOWN]
    post.restart()
    post.later(9 * DAY)
    assert post.states(one) == [UNKNOWN]
    assert (len(first.copies(ANN)), second.connections) == (copies, 0)


@pytest.mark.parametrize("event", ["mail", "data"])
@pytest.mark.parametrize("reply, moves", [("451 4.3.0 later", True), ("554 5.7.1 no", False)])
def test_refusals_of_the_whole_message(world: World, event: str, reply: str, moves: bool) -> None:
    world.exchanger(1, always(event, reply))
    second = world.exchanger(2)
    world.domain("x.test", "10 mx1", "20 mx2")
    post, one = world.send(ANN)
    if event == "mail" and moves:
        assert post.states(one) == [ACCEPTED]
    else:
        assert post.states(one) == [DEFERRED if moves else REFUSED]
        assert second.connections == 0


def test_at_most_five_exchangers_that_answer(world: World) -> None:
    for number in range(1, 9):
        world.exchanger(number, always("greeting", "421 4.3.2 busy"))
    world.domain("x.test", *(f"{number} mx{number}" for number in range(1, 9)))
    post, one = world.send(ANN)
    assert post.states(one) == [DEFERRED]
    assert [sink.connections for sink in world.sinks.values()] == [1] * 5 + [0] * 3


def test_fifty_recipients_at_a_time(world: World) -> None:
    sink = world.exchanger(1)
    world.domain("x.test", "10 mx1")
    everyone = [f"u{n}@x.test" for n in range(120)]
    post, one = world.send(*everyone)
    assert set(post.states(one)) == {ACCEPTED}
    assert sink.connections == 1
    assert sum(line.startswith("MAIL") for line in sink.lines) == 3


# -- TLS is taken when it is there


@pytest.mark.parametrize("leaf", ["good", "self-signed", "expired"])
def test_tls_whatever_the_certificate(world: World, leaf: str) -> None:
    world.exchanger(1, tls=leaf)
    world.domain("x.test", "10 mx1")
    post, one = world.send(ANN)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.tls) == (ACCEPTED, "TLSv1.3, not verified")


def test_in_clear_when_tls_is_broken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import mail_sink

    monkeypatch.setattr(
        mail_sink._Handler, "_starttls", lambda self, _: self._say("220 go\r\nHTTP/1.0 400 this is no TLS")
    )
    sink = world.exchanger(1, tls="good")
    world.domain("x.test", "10 mx1")
    post, one = world.send(ANN)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.tls) == (ACCEPTED, "")
    assert sink.connections == 2


def test_an_injected_reply_defers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    import mail_sink

    monkeypatch.setattr(mail_sink._Handler, "_starttls", lambda self, _: self._say("220 go\r\n250 AUTH LOGIN"))
    sink = world.exchanger(1, tls="good")
    world.domain("x.test", "10 mx1")
    post, one = world.send(ANN)
    assert post.states(one) == [DEFERRED]
    assert post.get(one).recipients[0].phase is Phase.TLS
    assert sink.connections == 1


# -- off-line


def test_without_a_network_no_attempt_is_burnt(world: World) -> None:
    from mua.plan.mx import AddressAnswer, MxAnswer, Status

    class Nowhere:
        async def mx(self, domain: str) -> MxAnswer:
            return MxAnswer(Status.OFFLINE)

        async def addresses(self, host: str) -> AddressAnswer:
            return AddressAnswer(Status.OFFLINE)

        async def texts(self, name: str) -> list[str]:
            return []

    sink = world.exchanger(1)
    world.domain("x.test", "10 mx1")
    post = world.program(names=lambda options: Nowhere())
    one = post.queue(ANN)
    post.sender.drain(60)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.attempts) == (DEFERRED, 0)
    post.options = {}
    post.restart()  # a start is as good as a poke
    post.sender.drain(60)
    assert post.states(one) == [ACCEPTED]
    assert len(sink.copies(ANN)) == 1
    assert len(outbox.attempts(post.store.reader(), one, ANN)) == 1


def test_an_exchanger_that_is_unreachable_was_tried(world: World) -> None:
    """What its DNS and the routers near it say is no sign that this computer is off-line, and its mail waits for ever.

    No connection leads to the address of everybody, whatever network there is.
    """
    world.table = {("x.test", "MX"): ["10 mx.x.test."], ("mx.x.test", "A"): ["127.255.255.255"]}
    post, one = world.send(ANN)
    (ann,) = post.get(one).recipients
    assert (ann.state, ann.attempts) == (DEFERRED, 1)
    assert "Network is unreachable" in ann.text


def test_what_one_exchanger_settled_is_on_disk_while_the_next_is_asked(world: World) -> None:
    reached, leave = threading.Event(), threading.Event()

    def hold(event: str, what: str) -> str | None:
        if event == "greeting":
            reached.set()
            leave.wait(10)
        return None

    world.exchanger(1, lambda event, what: {"cat@x.test": "451 4.3.0 later", "ben@x.test": "550 no"}.get(what))
    world.exchanger(2, hold)
    world.domain("x.test", "10 mx1", "20 mx2")
    names = world.stack.enter_context(DnsServer(world.table))
    post = world.stack.enter_context(PostOffice.direct(world.folder, names.address, world.port))
    one = post.queue(ANN, "ben@x.test", "cat@x.test")
    post.sender.start()
    assert reached.wait(60)
    assert post.states(one) == [ACCEPTED, REFUSED, RecipientState.TRYING]
    leave.set()
    post.until(lambda: post.states(one)[2] is ACCEPTED)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the death that we ordered
@pytest.mark.parametrize("after", [False, True], ids=["before the commit", "after the commit"])
@pytest.mark.parametrize("at", range(1, 12))
def test_killed_at_every_commit_between_two_exchangers(world: World, at: int, after: bool) -> None:
    """Ann is settled by the first exchanger, Ben is passed on to the second: nobody gets it twice, nobody is lost."""
    first = world.exchanger(1, lambda event, what: "451 4.3.0 later" if what == "ben@x.test" else None)
    second = world.exchanger(2)
    world.domain("x.test", "10 mx1", "20 mx2")
    names = world.stack.enter_context(DnsServer(world.table))
    post = world.stack.enter_context(PostOffice.direct(world.folder, names.address, world.port))
    one = post.queue(ANN, "ben@x.test")
    post.store.die_at, post.store.die_after = post.store.commits + at, after
    post.sender.start()
    post.sender.drain(60)
    for _ in range(2):
        post.restart()
        assert post.sender.drain(60)
    for address, state in zip((ANN, "ben@x.test"), post.states(one), strict=True):
        copies = len(first.copies(address)) + len(second.copies(address))
        assert (state, copies) in {(ACCEPTED, 1), (UNKNOWN, 0), (UNKNOWN, 1)}
    assert len(post.sent()) == (ACCEPTED in post.states(one))


@pytest.mark.log_warning("sending stopped")
def test_of_a_mistake_at_the_dot_who_was_not_there_waits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from mua.net.smtp_transaction import Session

    dot = Session._dot

    async def failing(self: Session, *args: object, **more: object) -> None:
        await dot(self, *args, **more)  # type: ignore[arg-type]
        raise TypeError("nobody thought of this")

    monkeypatch.setattr(Session, "_dot", failing)
    sink, other = world.exchanger(1), world.exchanger(2)
    world.domain("x.test", "10 mx1")
    world.domain("y.test", "10 mx2")
    other.plan = always("rcpt", "550 5.1.1 nobody")
    some = [f"to{number}@x.test" for number in range(52)]
    post, one = world.send(*some, "ben@y.test")
    recipients = post.get(one).recipients
    assert [to.state for to in recipients] == [UNKNOWN] * 50 + [DEFERRED] * 2 + [REFUSED]
    assert {(to.attempts, to.next_attempt) for to in recipients[50:52]} == {(1, post.clock + MINUTE)}
    assert (sink.connections, [len(sink.copies(to)) for to in some]) == (1, [1] * 50 + [0] * 2)


def test_first_verdicts_are_all_there_while_somebody_is_tried_again(world: World) -> None:
    """An exchanger that always answers late must not keep ``send --wait``: at any moment one recipient is tried."""
    seen, again, over = threading.Event(), threading.Event(), threading.Event()

    def put_off(event: str, what: str) -> str | None:
        if event == "rcpt" and seen.is_set():
            again.set()
            over.wait(10)
        return "451 4.3.0 later" if event == "rcpt" else None

    def hold(event: str, what: str) -> None:
        if event == "rcpt":
            again.wait(10)

    world.exchanger(1, put_off)
    world.exchanger(2, hold)
    world.domain("x.test", "10 mx1")
    world.domain("y.test", "10 mx2")
    post = world.program()
    one = post.queue(ANN, "ben@y.test")

    def wait_for(condition: Callable[[], bool], _: float) -> None:
        def look() -> bool:
            deferred = post.states(one)[0] is DEFERRED
            met = condition()
            if deferred:
                seen.set()
            return met

        post.until(look, 20)

    engine: Any = SimpleNamespace(store=post.store, context=post.context, wait_for=wait_for)
    waiting = threading.Thread(target=await_verdicts, args=(engine, AwaitVerdicts(one)))
    waiting.start()
    post.sender.poke()
    assert seen.wait(10)
    post.clock += 2 * MINUTE
    post.sender.poke()
    waiting.join(8)
    late, states = waiting.is_alive(), post.states(one)
    over.set()
    waiting.join()
    assert (late, states) == (False, [RecipientState.TRYING, ACCEPTED])
