"""MTA-STS while delivering directly: who is called, what has to be verified, and what is kept (RFC 8461)."""

from collections.abc import Iterator
from pathlib import Path

import certs
import pytest
from exchangers import World
from post_office import PostOffice

from mua.errors import Kind, MailError, Retry
from mua.model.outgoing import Phase, Recipient, RecipientState

ACCEPTED, DEFERRED = RecipientState.ACCEPTED, RecipientState.DEFERRED
ANN = "ann@x.test"
AGE = 1000  # seconds


class Domain(World):
    """x.test with its record, and a web server that can be down."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.ca_file = str(certs.authority().ca_file)
        self.served: bytes | None = None
        self.asked = 0
        self.domain("x.test", "10 mx1", "20 mx2")
        self.publish('"v=STSv1; " "id=1;"')

    def publish(self, record: str) -> None:
        for table in [self.table] if self.names is None else [self.table, self.names.table]:
            table["_mta-sts.x.test", "TXT"] = [record]

    def serve(self, mode: str, *patterns: str) -> None:
        mx = "".join(f"mx: {one}\r\n" for one in patterns)
        self.served = f"version: STSv1\r\nmode: {mode}\r\n{mx}max_age: {AGE}\r\n".encode()

    async def get(self, domain: str, ca_file: str, allow_private: bool) -> bytes:
        """What Policies asks."""
        assert (domain, ca_file, allow_private) == ("x.test", self.ca_file, True)
        self.asked += 1
        if self.served is None:
            raise MailError(Kind.CONNECTION, Retry.SOON, "The web server is down.", code="connection-refused")
        return self.served

    def post(self) -> PostOffice:
        """The program, delivering directly."""
        return self.program(self.ca_file, policy=self.get)


def sent(post: PostOffice) -> Recipient:
    """What becomes of a new message."""
    one = post.queue(ANN)
    assert post.sender.drain(30)
    (ann,) = post.get(one).recipients
    return ann


def said(post: PostOffice) -> str:
    """The last dialogue that is kept."""
    return str(post.store.reader().value("SELECT text FROM dialogue ORDER BY id DESC LIMIT 1"))


@pytest.fixture
def x(tmp_path: Path) -> Iterator[Domain]:
    domain = Domain(tmp_path)
    with domain.stack:
        yield domain


def test_an_enforced_policy_calls_only_whom_it_lists_and_verifies(x: Domain) -> None:
    first, second = x.exchanger(1, tls="good"), x.exchanger(2, tls="mx2.x.test")
    x.serve("enforce", "mx2.x.test")
    ann = sent(post := x.post())
    assert (ann.state, ann.host, ann.tls) == (ACCEPTED, "mx2.x.test[127.0.1.2]", "TLSv1.3, MTA-STS")
    assert (first.connections, len(second.copies(ANN))) == (0, 1)
    assert "MTA-STS of x.test: enforce" in said(post)


@pytest.mark.parametrize("leaf", ["good", "self-signed", "expired", ""])
def test_where_nothing_verifies_nothing_is_delivered(x: Domain, leaf: str) -> None:
    """A wrong name, nobody's word, a time that is over, no TLS at all: never in clear, and tried again later."""
    sinks = [x.exchanger(1, tls=leaf), x.exchanger(2, tls=leaf)]
    x.serve("enforce", "*.x.test")
    ann = sent(x.post())
    assert (ann.state, ann.phase) == (DEFERRED, Phase.TLS)
    assert ann.text.startswith("4.7.5")
    assert [sink.connections for sink in sinks] == [1, 1]
    assert not any(sink.copies(ANN) for sink in sinks)


def test_none_of_its_exchangers_is_listed(x: Domain) -> None:
    sink = x.exchanger(1, tls="mx1.x.test")
    x.serve("enforce", "mx.elsewhere.test")
    ann = sent(x.post())
    assert ann.state is DEFERRED
    assert ann.text.startswith("4.7.5")
    assert sink.connections == 0


def test_testing_is_noted_and_no_more(x: Domain) -> None:
    x.exchanger(1, tls="self-signed")
    x.serve("testing", "mx.elsewhere.test")
    ann = sent(post := x.post())
    assert (ann.state, ann.tls) == (ACCEPTED, "TLSv1.3, not verified")
    assert "MTA-STS of x.test: testing" in said(post)


@pytest.mark.parametrize("served", [None, b"<html>welcome</html>"])
def test_without_a_policy_to_be_had_mail_goes_as_ever(x: Domain, served: bytes | None) -> None:
    x.exchanger(1, tls="self-signed")
    x.served = served
    assert sent(x.post()).state is ACCEPTED
    assert x.asked == 1


def test_a_kept_policy_binds_while_its_servers_are_down_and_after_a_restart(x: Domain) -> None:
    x.exchanger(1, tls="mx1.x.test")
    x.serve("enforce", "mx1.x.test")
    post = x.post()
    assert sent(post).state is ACCEPTED
    x.serve("enforce", "mx.elsewhere.test")  # a new file under the old id is not asked for
    assert sent(post).state is ACCEPTED
    assert x.asked == 1
    x.sinks[1].tls = "self-signed"
    x.served = None
    x.publish('"v=STSv1;id=2"')  # and the new one is not to be had
    post.restart()
    assert sent(post).state is DEFERRED
    x.publish("SERVFAIL")
    assert sent(post).state is DEFERRED
    post.clock += AGE + 1
    ann = sent(post)  # the policy has expired, and that it was kept to is remembered
    assert ann.state is DEFERRED
    assert "proved who they are before (MTA-STS)" in ann.text


def test_a_policy_that_was_never_met_leaves_nothing_behind(x: Domain) -> None:
    x.exchanger(1, tls="self-signed")
    x.serve("enforce", "mx1.x.test")
    post = x.post()
    assert sent(post).state is DEFERRED
    x.publish("SERVFAIL")
    post.clock += AGE + 1
    assert sent(post).state is ACCEPTED


def test_a_policy_that_is_withdrawn_is_not_asked_about(x: Domain) -> None:
    """RFC 8461 s.2.1: mode none, fetched from the domain's own verified web server, is its word."""
    x.exchanger(1, tls="mx1.x.test")
    x.serve("enforce", "mx1.x.test")
    post = x.post()
    assert sent(post).tls == "TLSv1.3, MTA-STS"
    x.serve("none")
    x.publish('"v=STSv1;id=2"')
    assert sent(post).tls == "TLSv1.3, not verified"


def test_a_new_id_brings_the_new_policy(x: Domain) -> None:
    x.exchanger(1, tls="self-signed")
    x.serve("enforce", "mx1.x.test")
    post = x.post()
    assert sent(post).state is DEFERRED
    x.serve("none")
    x.publish('"v=STSv1;id=2"')
    assert sent(post).state is ACCEPTED
    assert x.asked == 2
