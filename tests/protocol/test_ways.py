"""Mail by the way that a rule names, domains that do not wait for each other, and connections that are used again."""

import dataclasses
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exchangers import World, always
from mail_sink import DROP, MailSink
from post_office import PostOffice

from mua.model.outgoing import OutgoingId, RecipientState, Tending
from mua.model.way import Rule, way_from
from mua.store import outbox, queue, read, write

ACCEPTED, DEFERRED = RecipientState.ACCEPTED, RecipientState.DEFERRED
REFUSED, UNKNOWN = RecipientState.REFUSED, RecipientState.UNKNOWN
ANN, BOB = "ann@x.test", "bob@y.test"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder with a short name: a socket's path has 108 octets at most."""
    with tempfile.TemporaryDirectory(prefix="ways") as folder:
        yield Path(folder)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    with world.stack:
        yield world


def with_rules(post: PostOffice, *rules: tuple[str, str]) -> PostOffice:
    account = read.account(post.store.reader(), post.account_id)
    assert account is not None
    ways = tuple(Rule(pattern, way_from(way)) for pattern, way in rules)
    with post.store.write() as tx:
        write.update_account(tx, dataclasses.replace(account, rules=ways))
    return post


def send(post: PostOffice, *recipients: str, **how: Any) -> OutgoingId:
    one = post.queue(*recipients, **how)
    assert post.sender.drain(30)
    return one


def verdicts(post: PostOffice, one: OutgoingId) -> dict[str, RecipientState]:
    return {found.address: found.state for found in post.get(one).recipients}


# -- rules


def test_one_domain_directly_and_the_others_by_the_server(world: World) -> None:
    exchanger = world.exchanger(1)
    world.domain("x.test", "10 mx1")
    post = with_rules(world.program(), ("*", "smtp://127.0.1.2:" + str(world.port)), ("x.test", "direct"))
    hub = world.exchanger(2)
    one = send(post, ANN, BOB)
    assert set(post.states(one)) == {ACCEPTED}
    assert [len(sink.copies(who)) for sink in (exchanger, hub) for who in (ANN, BOB)] == [1, 0, 0, 1]


def test_direct_by_a_person_s_word(world: World) -> None:
    """Whatever the account's server is, and whatever a rule says."""
    exchanger = world.exchanger(1)
    world.domain("x.test", "10 mx1")
    post = with_rules(world.program(), ("*", "smtp://127.0.1.9:" + str(world.port)))
    assert post.states(send(post, ANN, direct=True)) == [ACCEPTED]
    assert len(exchanger.copies(ANN)) == 1
    assert post.states(send(post, ANN)) == [DEFERRED]


def test_two_domains_by_one_host_are_one_transaction(world: World) -> None:
    hub = world.exchanger(1)
    post = with_rules(world.program(), ("*", f"smtp://127.0.1.1:{world.port}"))
    assert post.states(send(post, ANN, BOB)) == [ACCEPTED, ACCEPTED]
    assert sum(line.startswith("MAIL") for line in hub.lines) == 1


def test_by_another_account(world: World, tmp_path: Path) -> None:
    with MailSink() as other:
        post = world.program()
        relay = PostOffice.submitting(tmp_path / "unused", other.port)
        with relay:
            account = read.account(relay.store.reader(), relay.account_id)
            assert account is not None
            with post.store.write() as tx:
                added = write.add_account(tx, dataclasses.replace(account, name="relay"))
        with_rules(post, ("x.test", f"account:{added}"))
        assert post.states(send(post, ANN)) == [ACCEPTED]
        assert len(other.copies(ANN)) == 1


def test_an_account_that_goes_takes_the_rules_that_lead_to_it_along(world: World) -> None:
    post = world.program()
    account = read.account(post.store.reader(), post.account_id)
    assert account is not None
    with post.store.write() as tx:
        added = write.add_account(tx, dataclasses.replace(account, name="relay"))
    with_rules(post, ("x.test", f"account:{added}"), ("y.test", "direct"))
    with post.store.write() as tx:
        write.remove_account(tx, added)
    left = read.account(post.store.reader(), post.account_id)
    assert left is not None
    assert [one.pattern for one in left.rules] == ["y.test"]


def test_a_host_that_cannot_be_looked_up_now_is_no_attempt(world: World) -> None:
    post = with_rules(world.program(), ("x.test", "smtp://nowhere.invalid:25"))
    one = send(post, ANN)
    assert post.states(one) == [DEFERRED]
    assert post.get(one).recipients[0].attempts == 0


def test_by_an_account_that_is_gone(world: World) -> None:
    post = with_rules(world.program(), ("x.test", "account:99"))
    one = send(post, ANN)
    assert post.states(one) == [DEFERRED]
    assert "no server for sending" in post.get(one).recipients[0].text


# -- LMTP (RFC 2033)


def lmtp(path: Path, plan: Any = None) -> MailSink:
    return MailSink(plan, host=str(path), lmtp=True)


def test_each_recipient_has_its_own_reply(world: World, place: Path) -> None:
    replies = {"b@x.test": "452 4.2.2 full", "c@x.test": "550 5.2.1 closed"}
    named = {"d@x.test": "550 5.1.1 nobody"}
    plan = lambda event, what: {"dot": replies, "rcpt": named}.get(event, {}).get(what)  # noqa: E731
    with lmtp(place / "lmtp", plan) as sink:
        post = with_rules(world.program(), ("x.test", f"lmtp:{place}/lmtp"))
        one = send(post, "a@x.test", "b@x.test", "c@x.test", "d@x.test")
        assert verdicts(post, one) == {
            "a@x.test": ACCEPTED, "b@x.test": DEFERRED, "c@x.test": REFUSED, "d@x.test": REFUSED,
        }  # fmt: skip
        assert sink.lines[0].startswith("LHLO")
        texts = [found.text for found in post.get(one).recipients]
        assert [text.split()[-1] for text in texts] == ["taken", "full", "closed", "nobody"]
        replies.clear()
        post.later(3600)
        assert verdicts(post, one)["b@x.test"] is ACCEPTED
        assert [len(sink.copies(f"{who}@x.test")) for who in "abcd"] == [1, 1, 0, 0]


@pytest.mark.parametrize(
    "reply", ["550 5.7.1 Your daily limit is exceeded", "451 4.7.1 Rate limit exceeded, slow down"]
)
def test_who_owns_a_mailbox_pauses_nobody_else_s(world: World, place: Path, reply: str) -> None:
    """By LMTP the reply to the dot is a mailbox's own: its owner may write it, in Sieve's "reject"."""
    with lmtp(place / "lmtp", lambda event, what: reply if (event, what) == ("dot", ANN) else None) as sink:
        post = with_rules(world.program(), ("x.test", f"lmtp:{place}/lmtp"))
        ones = [post.queue(ANN), post.queue("ben@x.test")]
        assert post.sender.drain(30)
        assert [post.states(one) for one in ones] == [[REFUSED if reply[0] == "5" else DEFERRED], [ACCEPTED]]
        assert len(sink.copies("ben@x.test")) == 1


@pytest.mark.parametrize("event", ["rcpt", "dot"])
def test_a_smart_host_s_refusal_pauses_nobody_else_s(world: World, event: str) -> None:
    """It may repeat what a recipient's own server said."""
    refusals = ["550 5.7.1 daily limit exceeded"]
    hub = world.exchanger(1, lambda happened, what: refusals.pop() if happened == event and refusals else None)
    post = with_rules(world.program(), ("*", f"smtp://127.0.1.1:{world.port}"))
    ones = [post.queue(ANN), post.queue(BOB)]
    assert post.sender.drain(30)
    assert [post.states(one) for one in ones] == [[REFUSED], [ACCEPTED]]
    assert len(hub.copies(BOB)) == 1


def test_cut_between_two_replies(world: World, place: Path) -> None:
    """Whose reply came is settled by it; of the other nobody knows."""
    plan = lambda event, what: DROP if (event, what) == ("dot", "b@x.test") else None  # noqa: E731
    with lmtp(place / "lmtp", plan) as sink:
        post = with_rules(world.program(), ("x.test", f"lmtp:{place}/lmtp"))
        one = send(post, "a@x.test", "b@x.test")
        assert verdicts(post, one) == {"a@x.test": ACCEPTED, "b@x.test": UNKNOWN}
        post.later(86400)
        assert len(sink.copies("a@x.test")) == 1


def test_nobody_behind_the_socket(world: World, place: Path) -> None:
    post = with_rules(world.program(), ("x.test", f"lmtp:{place}/nothing"))
    one = send(post, ANN)
    assert post.states(one) == [DEFERRED]
    assert post.get(one).recipients[0].text.startswith("4.4.1")
    with lmtp(place / "nothing") as sink:
        post.later(3600)
        assert len(sink.copies(ANN)) == 1


# -- one connection for many messages


def test_a_connection_carries_the_next_message(world: World) -> None:
    sink = world.exchanger(1)
    world.domain("x.test", "10 mx1")
    post = world.program()
    sent = [post.queue(ANN, delay=5) for _ in range(5)]
    post.later(5)
    assert [post.states(one) for one in sent] == [[ACCEPTED]] * 5
    assert (len(sink.copies(ANN)), sink.connections) == (5, 1)


def test_a_connection_that_was_closed_meanwhile_is_no_attempt(world: World) -> None:
    """The exchanger hangs up at the second message of each connection."""
    seen = list[str]()

    def plan(event: str, what: str) -> str | None:
        if event == "greeting":
            seen.clear()
        seen.append(event)
        return DROP if event == "mail" and seen.count("mail") > 1 else None

    sink = world.exchanger(1, plan)
    world.domain("x.test", "10 mx1")
    post = world.program()
    sent = [post.queue(ANN, delay=5) for _ in range(3)]
    post.later(5)
    assert [post.states(one) for one in sent] == [[ACCEPTED]] * 3
    assert len(sink.copies(ANN)) == 3
    assert [len(outbox.attempts(post.store.reader(), one, ANN)) for one in sent] == [1] * 3


def test_who_is_deferred_over_a_used_connection_is_asked_at_the_next_exchanger_only(world: World) -> None:
    first = world.exchanger(1, lambda event, what: "451 4.3.0 later" if what == "busy@x.test" else None)
    second = world.exchanger(2)
    world.domain("x.test", "10 mx1", "20 mx2")
    post = world.program()
    post.queue(ANN, delay=5)
    one = post.queue("busy@x.test", delay=5)
    post.later(5)
    assert post.states(one) == [ACCEPTED]
    assert [line for line in first.lines if "busy@" in line] == ["RCPT TO:<busy@x.test>"]
    assert len(second.copies("busy@x.test")) == 1


def test_lost_at_the_dot_over_a_used_connection(world: World) -> None:
    """Nobody knows, and nobody else is asked."""
    first = world.exchanger(1, lambda event, what: DROP if (event, what) == ("dot", "n2@example.org") else None)
    second = world.exchanger(2)
    world.domain("x.test", "10 mx1", "20 mx2")
    post = world.program()
    sent = [post.queue(ANN, delay=5), post.queue(ANN, delay=5)]
    post.later(5)
    assert [post.states(one) for one in sent] == [[ACCEPTED], [UNKNOWN]]
    assert (len(first.copies(ANN)), second.connections) == (1, 0)


# -- no domain waits behind another


def test_a_domain_with_much_mail_does_not_hold_up_the_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty for one domain, whose exchanger says nothing, and one for another."""
    called, hold = threading.Event(), threading.Event()

    def silent(event: str, what: str) -> str | None:
        called.set()
        hold.wait(30)
        return None

    world.exchanger(1, silent)
    quick = world.exchanger(2)
    world.domain("x.test", "10 mx1")
    world.domain("y.test", "10 mx2")
    post = world.program()
    monkeypatch.setattr(outbox, "MAX_OF_DOMAIN", 5)
    for _ in range(20):
        post.queue(ANN)
    post.sender.poke()
    try:
        assert called.wait(10)
        one = post.queue(BOB)
        post.sender.poke()
        post.until(lambda: post.states(one) == [ACCEPTED])
        assert len(quick.copies(BOB)) == 1
    finally:
        hold.set()
    assert post.sender.drain(60)
    assert len(world.sinks[1].copies(ANN)) == 20


def test_every_domain_has_its_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one lane and three domains each is served after its share."""
    monkeypatch.setattr("mua.engine.sender.MAX_DIRECT", 1)
    monkeypatch.setattr(outbox, "MAX_OF_DOMAIN", 2)
    order = list[str]()

    def noting(event: str, what: str) -> str | None:
        if event == "rcpt":
            order.append(what[2])
        return None

    world.exchanger(1, noting)
    for name in "abc":
        world.domain(f"{name}.test", "10 mx1")
    post = world.program()
    for name in "abc":
        for _ in range(4):
            post.queue(f"x@{name}.test", delay=5)
    post.later(5)
    assert "".join(order) == "aabbcc" * 2


def test_more_domains_that_wait_than_one_pass_looks_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are not due yet hide nobody, wherever they stand in the alphabet."""
    monkeypatch.setattr(outbox, "MAX_DOMAINS", 5)
    sink = world.exchanger(1)
    world.domain("z.test", "10 mx1")
    post = world.program()
    for number in range(12):
        post.queue(f"x@a{number:02}.test", delay=3600)
    one = post.queue("x@z.test")
    assert post.sender.drain(30)
    assert post.states(one) == [ACCEPTED]
    assert len(sink.copies("x@z.test")) == 1


def test_who_came_first_has_the_first_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A domain that was served already waits behind those that waited then, and before those that come later."""
    monkeypatch.setattr("mua.engine.sender.MAX_DIRECT", 1)
    monkeypatch.setattr(outbox, "MAX_OF_DOMAIN", 1)
    order, late = list[str](), list[str]()

    def noting(event: str, what: str) -> str | None:
        if event == "rcpt":
            order.append(what[2])
            if late:
                post.queue(late.pop())
        return None

    world.exchanger(1, noting)
    for name in "abcd":
        world.domain(f"{name}.test", "10 mx1")
    post = world.program()
    for name in "aab":
        post.queue(f"x@{name}.test", delay=5)
    late += ["x@d.test", "x@c.test"]
    post.later(5)
    assert "".join(order[:3]) == "aba"
    assert sorted(order) == list("aabcd")


def test_what_is_held_back_meanwhile_does_not_go(world: World) -> None:
    """Also where a lane has it in hand already."""
    held = list[OutgoingId]()

    def holding(event: str, what: str) -> str | None:
        if event == "dot" and held:
            with post.store.write() as tx:
                queue.tend(tx, Tending.HOLD, [held.pop()], post.clock)
        return None

    sink = world.exchanger(1, holding)
    world.domain("x.test", "10 mx1")
    post = world.program()
    first, second = post.queue(ANN, delay=5), post.queue(ANN, delay=5)
    held.append(second)
    post.later(5)
    assert (post.states(first), post.states(second)) == ([ACCEPTED], [RecipientState.QUEUED])
    assert len(sink.copies(ANN)) == 1


def test_a_dead_domain_is_nobody_else_s_trouble(world: World) -> None:
    sink = world.exchanger(1, always("greeting", "421 4.3.2 busy"))
    good = world.exchanger(2)
    world.domain("dead.test", "10 mx9")
    world.domain("busy.test", "10 mx1")
    world.domain("y.test", "10 mx2")
    post = world.program()
    sent = [post.queue(who) for who in ("a@dead.test", "a@busy.test", BOB)]
    assert post.sender.drain(30)
    assert [post.states(one) for one in sent] == [[DEFERRED], [DEFERRED], [ACCEPTED]]
    assert (sink.connections, len(good.copies(BOB))) == (1, 1)
