"""Direct delivery remembers how well mail to a domain was protected, and goes with less only by a person's leave."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certs
import pytest
from exchangers import World, always
from post_office import PostOffice

from mua import wire
from mua.engine import commands
from mua.errors import MailError
from mua.model.outgoing import OutgoingId, Recipient, RecipientState
from mua.plan.protection import UNPROVEN, Best, By, Level
from mua.plan.retry import DAY, HOUR
from mua.store import protection

ACCEPTED, DEFERRED = RecipientState.ACCEPTED, RecipientState.DEFERRED
ANN, BEN = "ann@x.test", "ben@y.test"
OWN = f"3 1 1 {certs.digest(certs.authority().leaf('self-signed').cert)}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    world.domain("x.test", "10 mx1")
    world.domain("y.test", "10 mx2")
    with world.stack:
        yield world


def allow(post: PostOffice, outgoing_id: int, *addresses: str) -> None:
    """A person's leave, as the command line and the window ask for it."""
    engine: Any = SimpleNamespace(store=post.store, context=post.context, sender=post.sender)
    commands.retry_outgoing(engine, wire.RetryOutgoing(outgoing_id, addresses, less_protection=True))
    assert post.sender.drain(30)


def last(post: PostOffice) -> OutgoingId:
    return post.outbox()[0].id


def now(post: PostOffice) -> Recipient:
    return post.get(last(post)).recipients[0]


def known(post: PostOffice, domain: str = "x.test") -> Best:
    return protection.best(post.store.reader(), domain, post.clock)


def is_held(post: PostOffice, domain: str = "x.test") -> bool:
    return domain in protection.held(post.store.reader(), {domain, "other.test"})


def test_from_encrypted_to_clear_only_by_leave_and_back_by_itself(world: World) -> None:
    sink = world.exchanger(1, tls="self-signed")
    post = world.program()
    assert world.ask(post, ANN).tls == "TLSv1.3, not verified"
    sink.tls = ""
    ann = world.ask(post, ANN)
    assert (ann.state, ann.attempts) == (DEFERRED, 1)
    assert ann.text.startswith("4.7.4 There was encryption with x.test before, and mx1.x.test[127.0.1.1] does not")
    assert ann.text.endswith("you may allow less protection.")
    assert is_held(post)
    post.later(HOUR)
    assert (now(post).state, len(sink.copies(ANN))) == (DEFERRED, 1)
    allow(post, last(post))
    assert (now(post).state, now(post).tls) == (ACCEPTED, "")
    assert (known(post), is_held(post)) == (Best(), False)
    assert world.ask(post, ANN).state is ACCEPTED  # the leave holds, until there is more again
    sink.tls = "self-signed"
    assert world.ask(post, ANN).tls == "TLSv1.3, not verified"
    sink.tls = ""
    assert world.ask(post, ANN).state is DEFERRED


def test_what_was_encrypted_does_not_go_in_clear_when_encryption_breaks(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mail_sink

    sink = world.exchanger(1, tls="good")
    post = world.program()
    assert world.ask(post, ANN).state is ACCEPTED
    monkeypatch.setattr(
        mail_sink._Handler, "_starttls", lambda self, _: self._say("220 go\r\nHTTP/1.0 400 this is no TLS")
    )
    ann = world.ask(post, ANN)
    assert ann.state is DEFERRED
    assert ann.text.startswith("4.7.5 There was encryption with x.test before, and none with mx1.x.test[127.0.1.1]")
    assert (sink.connections, len(sink.copies(ANN))) == (2, 1)


def test_it_is_remembered_over_a_restart_and_for_its_domain_alone(world: World) -> None:
    first, second = world.exchanger(1, tls="good"), world.exchanger(2)
    post = world.program()
    assert world.ask(post, ANN).state is ACCEPTED
    first.tls = ""
    post.restart()
    assert world.ask(post, ANN).state is DEFERRED
    assert world.ask(post, BEN).state is ACCEPTED
    assert len(second.copies(BEN)) == 1


def test_a_weaker_backup_is_not_used_while_the_better_one_is_away(world: World) -> None:
    """Whoever can keep us from the one could lead us to the other."""
    world.domain("x.test", "10 mx1", "20 mx2")
    backup = world.exchanger(2)
    first = world.exchanger(1, tls="good")
    post = world.program()
    assert world.ask(post, ANN).host == "mx1.x.test[127.0.1.1]"
    first.plan = lambda event, what: "421 4.3.2 busy" if event == "greeting" else None
    ann = world.ask(post, ANN)
    assert (ann.state, backup.connections, backup.copies(ANN)) == (DEFERRED, 1, [])
    first.plan = lambda event, what: None
    post.later(HOUR)
    assert (now(post).state, now(post).host) == (ACCEPTED, "mx1.x.test[127.0.1.1]")
    assert not is_held(post)


def test_of_two_equals_the_better_one_is_used(world: World) -> None:
    world.domain("x.test", "10 mx1", "10 mx2")
    plain = world.exchanger(1, always("greeting", "421 4.3.2 busy"))
    better = world.exchanger(2, tls="good")
    lots = itertools.cycle(number / 10 for number in range(10))
    post = world.program(lot=lambda: next(lots))
    assert world.ask(post, ANN).state is ACCEPTED
    plain.plan = lambda event, what: None
    before = plain.connections
    for _ in range(8):
        assert world.ask(post, ANN).state is ACCEPTED
    assert plain.connections > before
    assert (plain.copies(ANN), len(better.copies(ANN))) == ([], 9)


def test_a_domain_with_a_certificate_of_its_own_making_is_never_held_up(world: World) -> None:
    """ "Verified" is remembered only of what was verified."""
    sink = world.exchanger(1, tls="self-signed")
    post = world.program()
    for leaf in ("self-signed", "good", "expired", "self-signed", "mx1.x.test", "self-signed"):
        sink.tls = leaf
        assert world.ask(post, ANN).tls == "TLSv1.3, not verified"
    assert known(post) == Best(Level.TLS)


def proven(world: World) -> PostOffice:
    """A program that has sent to x.test by DANE."""
    world.secure += ["x.test"]
    world.tlsa("mx1.x.test", OWN)
    post = world.program()
    assert world.ask(post, ANN).tls == "TLSv1.3, DANE"
    assert known(post) == Best(Level.VERIFIED, By.DANE)
    return post


def test_what_was_proven_does_not_go_unproven(world: World) -> None:
    """DNSSEC is gone: by its owner's wish, or because somebody answers instead of the resolver."""
    sink = world.exchanger(1, tls="self-signed")
    post = proven(world)
    world.secure[:] = [""]
    ann = world.ask(post, ANN)
    assert (ann.state, sink.connections) == (DEFERRED, 1)
    assert ann.text.startswith("4.7.5 The servers of x.test proved who they are before (DANE), and mx1.x.test does not")
    allow(post, last(post), ANN)
    assert (now(post).state, now(post).tls) == (ACCEPTED, "TLSv1.3, not verified")
    sink.tls = ""
    assert world.ask(post, ANN).state is DEFERRED  # one level less, and not two


def test_where_the_resolver_stopped_validating_that_is_what_is_said(world: World) -> None:
    world.exchanger(1, tls="self-signed")
    post = proven(world)
    world.secure.clear()
    ann = world.ask(post, ANN)
    assert ann.state is DEFERRED
    assert "cannot be checked now, because the resolver does not validate" in ann.text
    world.secure.append("x.test")
    post.later(HOUR)
    assert (now(post).state, now(post).tls) == (ACCEPTED, "TLSv1.3, DANE")


def test_what_the_domain_takes_back_in_signed_dns_is_not_asked_about(world: World) -> None:
    sink = world.exchanger(1, tls="self-signed")
    post = proven(world)
    assert world.names is not None
    del world.names.table[f"_{world.port}._tcp.mx1.x.test", "TLSA"]
    assert world.ask(post, ANN).tls == "TLSv1.3, not verified"
    assert known(post) == Best(Level.TLS)
    sink.tls = ""
    assert world.ask(post, ANN).state is DEFERRED


def test_a_failure_of_dane_is_nothing_that_a_person_may_allow(world: World) -> None:
    world.exchanger(1, tls="self-signed")
    post = proven(world)
    world.tlsa("mx1.x.test", f"3 1 1 {'00' * 32}")
    assert world.ask(post, ANN).state is DEFERRED
    assert not is_held(post)
    with pytest.raises(MailError) as caught:
        allow(post, last(post))
    assert caught.value.code == "nothing-held"
    assert now(post).state is DEFERRED


def test_leave_is_given_for_the_addresses_that_are_named(world: World) -> None:
    first, second = world.exchanger(1, tls="good"), world.exchanger(2, tls="good")
    post = world.program()
    one = post.queue(ANN, BEN)
    assert post.sender.drain(30)
    assert post.states(one) == [ACCEPTED, ACCEPTED]
    first.tls = second.tls = ""
    two = post.queue(ANN, BEN)
    assert post.sender.drain(30)
    assert post.states(two) == [DEFERRED, DEFERRED]
    allow(post, two, BEN)
    assert post.states(two) == [DEFERRED, ACCEPTED]
    assert (known(post, "x.test"), known(post, "y.test")) == (Best(Level.TLS), Best())


def test_what_waits_for_another_reason_is_not_held(world: World) -> None:
    """The offer goes when another failure takes the place of the one that it was made for."""
    sink = world.exchanger(1, tls="good")
    post = world.program()
    world.ask(post, ANN)
    sink.tls = ""
    assert world.ask(post, ANN).state is DEFERRED
    assert is_held(post)
    sink.plan = lambda event, what: "450 4.2.0 Greylisted" if event == "rcpt" else None
    sink.tls = "good"
    post.later(HOUR)
    assert now(post).code == 450
    assert not is_held(post)


def test_a_full_disk_forgets_and_holds_nothing_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from mua.errors import Kind, Retry

    def full(*_: object) -> None:
        raise MailError(Kind.LOCAL, Retry.SOON, "The disk is full.", code="disk-full")

    world.exchanger(1, tls="good")
    monkeypatch.setattr(protection, "reached", full)
    post = world.program()
    assert world.ask(post, ANN).state is ACCEPTED
    assert known(post) == Best()


def test_a_kept_connection_is_no_way_around(world: World) -> None:
    """Another account's mail went encrypted while the first of two messages was on its way in clear."""
    posts: list[PostOffice] = []

    def meanwhile(event: str, what: str) -> None:
        if event == "dot" and known(posts[0]) == Best():
            with posts[0].store.write() as tx:
                protection.reached(tx, "x.test", Best(Level.TLS), posts[0].clock)

    sink = world.exchanger(1, meanwhile)
    posts.append(world.program())
    ones = [posts[0].queue(ANN) for _ in range(2)]
    assert posts[0].sender.drain(30)
    assert [posts[0].states(one) for one in ones] == [[ACCEPTED], [DEFERRED]]
    assert (sink.connections, len(sink.copies(ANN)), known(posts[0])) == (2, 1, Best(Level.TLS))


def test_what_was_proven_is_not_taken_back_by_exchangers_that_could_not_be_looked_up(world: World) -> None:
    """Whoever blocks the look-up of the one with records leaves the one without."""
    world.domain("x.test", "10 mx1", "20 mx2")
    weak = world.exchanger(2, tls="self-signed")
    world.exchanger(1, tls="self-signed")
    post = proven(world)
    assert world.names is not None
    saved = dict(world.names.table)
    for kind in ("A", "AAAA"):
        world.names.table["mx1.x.test", kind] = ["SERVFAIL"]
    post.restart()  # nothing is remembered of the DNS
    ann = world.ask(post, ANN)
    assert (ann.state, weak.connections, known(post)) == (DEFERRED, 0, Best(Level.VERIFIED, By.DANE))
    world.names.table = saved
    post.restart()
    post.later(HOUR)
    assert (now(post).state, now(post).tls) == (ACCEPTED, "TLSv1.3, DANE")


def test_encryption_that_nobody_proved_is_not_expected_for_ever(world: World) -> None:
    """One spoofed MX record led to a server with encryption, and the real one has none."""
    world.domain("x.test", "10 mx1", "20 mx2")
    real, false = world.exchanger(1), world.exchanger(2, tls="self-signed")
    post = world.program()
    assert world.names is not None
    world.names.table["x.test", "MX"] = ["10 mx2.x.test."]
    assert world.ask(post, ANN).tls == "TLSv1.3, not verified"
    world.names.table["x.test", "MX"] = ["10 mx1.x.test."]
    post.restart()
    post.clock += UNPROVEN
    assert world.ask(post, ANN).state is DEFERRED
    post.later(HOUR)
    assert (now(post).state, now(post).tls) == (ACCEPTED, "")
    assert (len(real.copies(ANN)), len(false.copies(ANN)), known(post)) == (1, 1, Best())


def test_what_is_seen_again_and_what_was_proven_lasts(world: World) -> None:
    first, second = world.exchanger(1, tls="self-signed"), world.exchanger(2, tls="good")
    post = proven(world)
    assert world.ask(post, BEN).tls == "TLSv1.3, not verified"
    for _ in range(2):
        post.clock += UNPROVEN - DAY
        assert world.ask(post, BEN).state is ACCEPTED
    assert known(post) == Best(Level.VERIFIED, By.DANE)
    world.secure[:] = [""]
    first.tls = second.tls = ""
    assert [world.ask(post, who).state for who in (ANN, BEN)] == [DEFERRED, DEFERRED]
    with post.store.write() as tx:
        protection.lower(tx, "x.test", post.clock)  # one level, and not two: it counts from now
    assert known(post) == Best(Level.TLS)
