"""DANE while delivering directly (RFC 7672): what TLSA records demand, and what is done when it does not come about."""

import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import certs
import dns.asyncresolver
import pytest
from dns_server import DnsServer
from exchangers import World
from post_office import PostOffice

from mua.model.outgoing import Phase, Recipient, RecipientState, Terms
from mua.net import dns as names
from mua.net.dns import Resolver
from mua.plan.dane import Tlsa
from mua.plan.mx import Status

ACCEPTED, DEFERRED, REFUSED = RecipientState.ACCEPTED, RecipientState.DEFERRED, RecipientState.REFUSED
ANN = "ann@x.test"
NOBODY = f"3 1 1 {'00' * 32}"
AUTHORITY = f"2 0 0 {ssl.PEM_cert_to_DER_cert(certs.authority().ca_file.read_text()).hex()}"


def other_version() -> str:
    """A record with the authority's certificate, of a version that there is not."""
    spoilt = bytearray(ssl.PEM_cert_to_DER_cert(certs.authority().ca_file.read_text()))
    spoilt[spoilt.index(bytes.fromhex("a003020102")) + 4] = 4
    return f"2 0 0 {spoilt.hex()}"


def of(leaf: str) -> str:
    """The TLSA record of a server's own key."""
    return f"3 1 1 {certs.digest(certs.authority().leaf(leaf).cert)}"


class Signed(World):
    """x.test, signed, with two exchangers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.post: PostOffice | None = None
        self.secure = ["x.test"]
        self.domain("x.test", "10 mx1", "20 mx2")

    def sent(self) -> tuple[Recipient, str]:
        """What becomes of a message, and what was said."""
        self.post = self.post or self.program(str(certs.authority().ca_file))
        return self.ask(self.post, ANN), said(self.post)


def said(post: PostOffice) -> str:
    return str(post.store.reader().value("SELECT text FROM dialogue ORDER BY id DESC LIMIT 1"))


@pytest.fixture
def x(tmp_path: Path) -> Iterator[Signed]:
    world = Signed(tmp_path)
    with world.stack:
        yield world


@pytest.mark.parametrize("leaf", ["good", "self-signed", "expired", "stranger"])
def test_the_server_s_own_key_is_enough(x: Signed, leaf: str) -> None:
    """None of them is for this host, and most are nobody's: the record alone counts."""
    sink = x.exchanger(1, tls=leaf)
    x.tlsa("mx1.x.test", NOBODY, of(leaf))
    ann, dialogue = x.sent()
    assert (ann.state, ann.tls, len(sink.copies(ANN))) == (ACCEPTED, "TLSv1.3, DANE", 1)
    assert "DANE of mx1.x.test: TLSA 3 1 1, 3 1 1" in dialogue
    assert "DANE: its certificate matches TLSA 3 1 1" in dialogue


def test_an_authority_that_the_record_holds(x: Signed) -> None:
    x.exchanger(1, tls="mx1.x.test")
    x.tlsa("mx1.x.test", AUTHORITY)
    assert x.sent()[0].tls == "TLSv1.3, DANE"


def test_the_domain_s_name_will_do_for_an_authority(x: Signed) -> None:
    """RFC 7672 s.3.2.2: the certificate may be for the domain instead of the exchanger."""
    x.exchanger(1, tls="x.test")
    x.tlsa("mx1.x.test", AUTHORITY)
    assert x.sent()[0].tls == "TLSv1.3, DANE"


def test_another_key_gets_nothing(x: Signed) -> None:
    """Not in clear either, nor from an exchanger that an authority vouches for; the mail waits."""
    sinks = [x.exchanger(1, tls="mx1.x.test"), x.exchanger(2, tls="mx2.x.test")]
    x.tlsa("mx1.x.test", NOBODY)
    x.tlsa("mx2.x.test", NOBODY)
    ann, dialogue = x.sent()
    assert (ann.state, ann.phase, ann.code, ann.attempts) == (DEFERRED, Phase.TLS, None, 1)
    assert ann.text.startswith("4.7.5 mx2.x.test[127.0.1.2] does not show the certificate that is published for it")
    assert "none that its TLSA records mean" in dialogue
    assert [sink.connections for sink in sinks] == [1, 1]
    assert not any(line.startswith("MAIL") for sink in sinks for line in sink.lines)


def test_a_record_with_a_certificate_that_nobody_can_read_is_one_attempt(x: Signed) -> None:
    sink = x.exchanger(1, tls="good")
    x.domain("x.test", "10 mx1")
    x.tlsa("mx1.x.test", other_version())
    ann, dialogue = x.sent()
    assert (ann.state, ann.attempts, sink.connections) == (DEFERRED, 1, 1)
    assert "its certificates cannot be read (InvalidVersion)" in dialogue


def test_the_next_one_that_proves_itself_gets_it(x: Signed) -> None:
    first, second = x.exchanger(1, tls="good"), x.exchanger(2, tls="good")
    x.tlsa("mx1.x.test", NOBODY)
    x.tlsa("mx2.x.test", of("good"))
    ann, _ = x.sent()
    assert (ann.state, ann.host, ann.tls) == (ACCEPTED, "mx2.x.test[127.0.1.2]", "TLSv1.3, DANE")
    assert (first.copies(ANN), len(second.copies(ANN))) == ([], 1)


@pytest.mark.parametrize("record", [of("good"), f"1 1 1 {'11' * 32}"], ids=["usable", "unusable"])
def test_records_mean_that_there_is_encryption(x: Signed, record: str) -> None:
    sink = x.exchanger(1)
    x.domain("x.test", "10 mx1")
    x.tlsa("mx1.x.test", record)
    ann, _ = x.sent()
    assert (ann.state, ann.phase) == (DEFERRED, Phase.TLS)
    assert ann.text.startswith("4.7.4 x.test demands encryption (DANE), and mx1.x.test[127.0.1.1] does not offer it")
    assert sink.connections == 1


@pytest.mark.parametrize("record", [of("good"), f"1 1 1 {'11' * 32}"], ids=["usable", "unusable"])
def test_broken_encryption_is_no_reason_to_go_without(x: Signed, record: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import mail_sink

    monkeypatch.setattr(
        mail_sink._Handler, "_starttls", lambda self, _: self._say("220 go\r\nHTTP/1.0 400 this is no TLS")
    )
    sink = x.exchanger(1, tls="good")
    x.domain("x.test", "10 mx1")
    x.tlsa("mx1.x.test", record)
    ann, _ = x.sent()
    assert ann.state is DEFERRED
    assert ann.text.startswith("4.7.5 x.test demands encryption (DANE), and none with mx1.x.test[127.0.1.1] came about")
    assert sink.connections == 1


def test_records_that_nobody_can_use(x: Signed) -> None:
    x.exchanger(1, tls="expired")
    x.tlsa("mx1.x.test", f"1 1 1 {'11' * 32}", f"3 1 9 {'11' * 32}")
    ann, dialogue = x.sent()
    assert (ann.state, ann.tls) == (ACCEPTED, "TLSv1.3, not verified")
    assert "DANE of mx1.x.test: no usable TLSA records" in dialogue


@pytest.mark.parametrize("word", ["SERVFAIL", "REFUSED"])
def test_a_look_up_that_fails_leaves_the_exchanger_out(x: Signed, word: str) -> None:
    first, second = x.exchanger(1, tls="good"), x.exchanger(2, tls="good")
    x.tlsa("mx1.x.test", word)
    ann, _ = x.sent()
    assert (ann.state, ann.host) == (ACCEPTED, "mx2.x.test[127.0.1.2]")
    x.tlsa("mx2.x.test", word)
    ann, dialogue = x.sent()
    assert (ann.state, ann.attempts) == (DEFERRED, 1)
    assert ann.text.startswith("4.7.5 What mx1.x.test has to show (DANE) could not be looked up")
    assert "DANE of mx1.x.test: look-up failed" in dialogue
    assert (first.connections, second.connections) == (0, 1)


@pytest.mark.parametrize("secure", [["x.test"], ["mx1.y.test"]], ids=["the host is not signed", "the domain is not"])
def test_half_signed_is_not_signed(x: Signed, secure: list[str]) -> None:
    """RFC 7672 s.2.2: both the MX records and the addresses."""
    x.exchanger(1, tls="good")
    x.table = {("x.test", "MX"): ["10 mx1.y.test."], ("mx1.y.test", "A"): ["127.0.1.1"]}
    x.tlsa("mx1.y.test", NOBODY)
    x.secure = secure
    assert x.sent()[0].tls == "TLSv1.3, not verified"


def test_a_domain_without_mx_proves_itself_by_its_own_records(x: Signed) -> None:
    x.exchanger(1, tls="good")
    x.table = {("x.test", "A"): ["127.0.1.1"]}
    x.tlsa("x.test", of("good"))
    assert x.sent()[0].tls == "TLSv1.3, DANE"


@pytest.mark.parametrize("owner", ["host.y.test", "mx.x.test"])
def test_an_exchanger_that_is_an_alias(x: Signed, owner: str) -> None:
    """RFC 7672 s.2.2.2: the records of what it stands for, or else its own."""
    x.exchanger(1, tls="good")
    x.table = {("x.test", "MX"): ["10 mx.x.test."], ("mx.x.test", "A"): ["CNAME host.y.test.", "127.0.1.1"]}
    x.secure = ["test"]
    x.tlsa(owner, of("good"))
    assert x.sent()[0].tls == "TLSv1.3, DANE"


def test_encryption_all_the_way_is_met_by_dane(x: Signed) -> None:
    """RFC 8689 s.4.2.1: the exchanger is verified; this one lacks the promise, not the proof."""
    x.exchanger(1, tls="self-signed")
    x.tlsa("mx1.x.test", of("self-signed"))
    post = x.program()
    ann = x.ask(post, ANN, terms=Terms(require_tls=True))
    assert ann.state is REFUSED
    assert "does not promise encryption all the way" in ann.text


# -- DANE and MTA-STS


async def enforced(domain: str, ca_file: str, allow_private: bool) -> bytes:
    """A policy that allows mx1 alone."""
    return b"version: STSv1\nmode: enforce\nmx: mx1.x.test\nmax_age: 1000\n"


def with_policy(x: Signed) -> Recipient:
    x.table["_mta-sts.x.test", "TXT"] = ['"v=STSv1; id=1;"']
    return x.ask(x.program(str(certs.authority().ca_file), policy=enforced), ANN)


def test_a_policy_excuses_no_failure_of_dane(x: Signed) -> None:
    sink = x.exchanger(1, tls="mx1.x.test")  # which the policy would be content with
    x.domain("x.test", "10 mx1")
    x.tlsa("mx1.x.test", NOBODY)
    ann = with_policy(x)
    assert (ann.state, sink.copies(ANN)) == (DEFERRED, [])
    assert "(DANE)" in ann.text


def test_dane_comes_before_a_policy(x: Signed) -> None:
    x.exchanger(2, tls="self-signed")
    x.tlsa("mx2.x.test", of("self-signed"))
    ann = with_policy(x)
    assert (ann.state, ann.host, ann.tls) == (ACCEPTED, "mx2.x.test[127.0.1.2]", "TLSv1.3, DANE")


def test_where_there_is_no_dane_the_policy_binds(x: Signed) -> None:
    x.exchanger(1, tls="mx1.x.test")
    assert with_policy(x).tls == "TLSv1.3, MTA-STS"


# -- whom to believe


@pytest.mark.parametrize("root, why", [("NODATA", "DANE not checked: the resolver does not validate"), ("AD", "")])
def test_a_resolver_that_does_not_validate_is_found_out_by_the_root(x: Signed, root: str, why: str) -> None:
    x.exchanger(1, tls="good")
    x.tlsa("mx1.x.test", NOBODY)
    x.secure = [""] if root == "AD" else []
    ann, dialogue = x.sent()
    assert (ann.state, ann.tls) == (ACCEPTED, "TLSv1.3, not verified")
    assert ("DANE not checked" in dialogue) is bool(why)
    assert why in dialogue


def test_the_word_of_somebody_else_s_resolver_is_not_taken(x: Signed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names.tls, "is_loopback", lambda host: False)
    x.exchanger(1, tls="good")
    x.tlsa("mx1.x.test", NOBODY)
    ann, dialogue = x.sent()
    assert (ann.state, ann.tls) == (ACCEPTED, "TLSv1.3, not verified")
    assert "DANE not checked: the resolver is not on this computer" in dialogue


@pytest.mark.parametrize(
    "servers, words, by_hand, trusted",
    [
        (["127.0.0.53"], "", False, True),
        (["::1", "127.0.0.1"], "", True, True),
        (["192.0.2.1"], "", False, False),
        (["127.0.0.1", "192.0.2.1"], "", False, False),
        (["192.0.2.1"], "options edns0 trust-ad\n", False, True),
        (["192.0.2.1"], "# options trust-ad\nsearch trust-ad\n", False, False),
        (["192.0.2.1"], "options trust-ad\n", True, False),  # which is about the system's resolvers
    ],
)
def test_which_resolvers_are_believed(
    servers: list[str], words: str, by_hand: bool, trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "RESOLV_CONF", tmp_path / "resolv.conf")
    names.RESOLV_CONF.write_text(words)
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = servers
    assert names._trusted(resolver, by_hand=by_hand) is trusted


def test_answers_and_what_vouches_for_them() -> None:
    table = {
        ("_25._tcp.mx.x.test", "TLSA"): [f"3 1 1 {'11' * 32}", "2 0 0 3082"],
        ("mx.x.test", "A"): ["192.0.2.1"],
        ("alias.x.test", "A"): ["CNAME mx.y.test.", "192.0.2.2"],
    }
    with DnsServer(table, secure=["x.test"]) as server:

        def ask(what: str, *of: object) -> Any:
            return asyncio.run(getattr(Resolver(server.address), what)(*of))

        found = ask("tlsa", "mx.x.test", 25)
        assert (found.status, found.secure) == (Status.FOUND, True)
        assert set(found.records) == {Tlsa(3, 1, 1, b"\x11" * 32), Tlsa(2, 0, 0, b"\x30\x82")}
        none = ask("tlsa", "other.x.test", 25)
        assert (none.status, none.secure) == (Status.NO_NAME, True)
        assert not ask("tlsa", "mx.y.test", 25).secure
        alias = ask("addresses", "alias.x.test")
        assert (alias.alias_of, alias.secure) == ("mx.y.test", True)
        assert ask("mx", "mx.x.test").secure


def test_a_connection_that_is_kept_stays_proven(x: Signed) -> None:
    """The next message goes over it without being asked for again, and is said to be as protected."""
    sink = x.exchanger(1, tls="self-signed")
    x.tlsa("mx1.x.test", of("self-signed"))
    post = x.program()
    post.close()
    post.open()
    ones = [post.queue(ANN) for _ in range(3)]
    post.sender.start()  # when all three wait: one that is alone has a connection of its own
    assert post.sender.drain(30)
    assert [post.get(one).recipients[0].tls for one in ones] == ["TLSv1.3, DANE"] * 3
    assert (sink.connections, len(sink.copies(ANN))) == (1, 3)
