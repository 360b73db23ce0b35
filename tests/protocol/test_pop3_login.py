"""Signing in to POP3, as conversations: each way, one try per secret, and what refusals mean."""

import base64
import hashlib
import traceback
from collections.abc import Callable

import certs
import pytest
import scramp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from scripted import Conversation, Scripted

from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.net.pop3 import Session

PASSWORD = "correct horse"
TOKEN = "a-token-of-oauth"
AFTER = "C: CAPA\nS: +OK\nS: .\n"
STAMP = "<1896.697170952@dbc.example>"


def hello(*capabilities: str, greeting: str = "+OK ready", tls: bool = False) -> str:
    offers = "".join(f"S: {line}\n" for line in capabilities)
    capa = f"C: CAPA\nS: +OK\n{offers}S: .\n" if capabilities else "C: CAPA\nS: -ERR what?\n"
    return ("TLS: good\n" if tls else "") + f"S: {greeting}\n" + capa


def connect(
    server: Scripted, security: Security = Security.NONE, password: str = PASSWORD, token: str = "", **more
) -> Session:
    place = Server("127.0.0.1", server.port, security, "ada")
    ca = str(certs.authority().ca_file)
    return Session(place, lambda: password, ca, 5, token=(lambda: token) if token else None, **more)


def opened(
    *parts: str | Callable[[Conversation], object],
    security: Security = Security.NONE,
    password: str = PASSWORD,
    token: str = "",
) -> str:
    """How a session signed in, after which it says goodbye."""
    with Scripted(*parts, quit_reply=b"+OK bye\r\n") as server:
        session = connect(server, security, password, token)
        session.quit()
        for secret in (password, token, base64.b64encode(f"\0ada\0{password}".encode()).decode()):
            assert not secret or secret not in session.log.text()
        return session.mechanism


def refused(
    *parts: str | Callable[[Conversation], object], security: Security = Security.NONE, token: str = "", **more: str
) -> MailError:
    with Scripted(*parts, quit_reply=b"+OK bye\r\n") as server, pytest.raises(MailError) as caught:
        connect(server, security, token=token, **more)
    shown = "".join(traceback.format_exception(caught.value))
    assert PASSWORD not in shown.replace("PASSWORD", "")
    assert TOKEN not in shown.replace("TOKEN", "")
    return caught.value


def b64(text: bytes | str) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


# --- SCRAM ------------------------------------------------------------------------------------------------------


def scram(name: str, known: str = PASSWORD, *, lie: bool = False) -> Callable[[Conversation], None]:
    """A server that plays SCRAM, bound to its certificate where that is asked for."""

    def serve(talk: Conversation) -> None:
        pem = certs.authority().leaf("good")[0].read_bytes()
        der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
        binding = ("tls-server-end-point", hashlib.sha256(der).digest()) if name.endswith("-PLUS") else None
        mechanism = scramp.ScramMechanism(name)
        secret = mechanism.make_auth_info(known, iteration_count=4096)
        server = mechanism.make_server(lambda user: secret, binding)
        verb, said, first = talk.line().split(b" ")
        assert (verb, said.decode()) == (b"AUTH", name)
        server.set_client_first(base64.b64decode(first).decode())
        talk.send(f"+ {b64(server.get_server_first())}\r\n".encode())
        try:
            server.set_client_final(base64.b64decode(talk.line()).decode())
        except scramp.ScramException:
            talk.send(b"-ERR [AUTH] no\r\n")
            return
        final = "v=" + b64(b"x" * 32) if lie else server.get_server_final()
        talk.send(f"+ {b64(final)}\r\n".encode())
        if not lie:
            assert talk.line() == b""
            talk.send(b"+OK\r\n")

    return serve


@pytest.mark.parametrize("name", ["SCRAM-SHA-1", "SCRAM-SHA-256"])
def test_scram(name: str) -> None:
    assert opened(hello(f"SASL PLAIN {name}", "USER"), scram(name), AFTER) == name


def test_scram_bound_to_the_certificate() -> None:
    name = "SCRAM-SHA-256-PLUS"
    offer = hello("SASL PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS", tls=True)
    assert opened(offer, scram(name), AFTER, security=Security.TLS) == name


def test_a_server_that_does_not_know_the_password_is_left() -> None:
    error = refused(hello("SASL SCRAM-SHA-256"), scram("SCRAM-SHA-256", lie=True), security=Security.NONE)
    assert (error.code, error.kind) == ("server-not-authentic", Kind.ACCOUNT)


def test_a_wrong_password_costs_one_try_although_other_ways_are_offered() -> None:
    offer = hello("SASL PLAIN SCRAM-SHA-256", "USER", greeting=f"+OK {STAMP}")
    assert refused(offer, scram("SCRAM-SHA-256", "another")).code == "wrong-password"


def test_a_server_without_a_scram_key_of_this_person_gets_the_password_once() -> None:
    offer = hello("SASL SCRAM-SHA-256 PLAIN")
    plain = f"C: AUTH PLAIN {b64(f'{chr(0)}ada{chr(0)}{PASSWORD}')}\nS: +OK\n"
    assert opened(offer, "C: AUTH SCRAM-SHA-256 {}\nS: -ERR no such user here\n" + plain, AFTER) == "PLAIN"


# --- tokens -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["OAUTHBEARER", "XOAUTH2"])
def test_a_token(name: str) -> None:
    offer = hello(f"SASL PLAIN {name}", "USER", tls=True)
    script = f"C: AUTH {name} {{token}}\nS: +OK\n"
    assert opened(offer, script, AFTER, security=Security.TLS, password="", token=TOKEN) == name


def test_a_token_that_has_ended_is_refused_in_two_steps() -> None:
    """RFC 7628 s.3.2.3: the refusal is a challenge first, which wants an empty word."""
    told = b64('{"status":"invalid_token"}')
    script = f"C: AUTH OAUTHBEARER {{}}\nS: + {told}\nC: AQ==\nS: -ERR [AUTH] expired"
    error = refused(hello("SASL OAUTHBEARER", "USER"), script, token=TOKEN)
    assert (error.code, error.kind) == ("token-refused", Kind.ACCOUNT)


def test_a_long_token_waits_for_the_server_to_ask() -> None:
    script = "C: AUTH XOAUTH2\nS: + \nC: {long}\nS: +OK\n"
    assert opened(hello("SASL XOAUTH2"), script, AFTER, password="", token="t" * 2000) == "XOAUTH2"


def test_a_token_is_never_sent_as_a_password() -> None:
    assert refused(hello("SASL PLAIN", "USER"), token=TOKEN).code == "no-mechanism"


# --- APOP, and the order ----------------------------------------------------------------------------------------


def apop(password: str = PASSWORD) -> str:
    return f"C: APOP ada {hashlib.md5((STAMP + password).encode()).hexdigest()}\n"


def test_apop_is_the_last_way() -> None:
    greeting = f"+OK POP3 server ready {STAMP}"
    assert (
        opened(hello("UIDL", greeting=greeting, tls=True), apop() + "S: +OK\n", AFTER, security=Security.TLS) == "APOP"
    )
    user = f"C: USER ada\nS: +OK\nC: PASS {PASSWORD}\nS: +OK\n"
    assert opened(hello("USER", greeting=greeting, tls=True), user, AFTER, security=Security.TLS) == "USER"


def test_a_server_of_old_that_knows_apop_only() -> None:
    """It does not know CAPA, and refuses USER before any password was said."""
    script = "C: USER ada\nS: -ERR use APOP\n" + apop() + "S: +OK\n" + "C: CAPA\nS: -ERR what?\n"
    assert opened(hello(greeting=f"+OK {STAMP}"), script) == "APOP"


def test_a_challenge_from_before_tls_is_not_answered() -> None:
    script = "C: STLS\nS: +OK\nTLS: good\nC: CAPA\nS: +OK\nS: UIDL\nS: .\n"
    error = refused(hello("STLS", greeting=f"+OK {STAMP}"), script, security=Security.STARTTLS)
    assert error.code == "login-disabled"


@pytest.mark.parametrize("stamp", ["<a b@c>", "<no-at-sign>", "<\x01@b>", "<@>", "a@b", "<a@b", f"<{'x' * 300}@b>"])
def test_a_challenge_that_is_no_message_id_is_none(stamp: str) -> None:
    """What an attacker builds to find out the password piece by piece is no message id (RFC 6151 s.2)."""
    assert refused(hello("UIDL", greeting=f"+OK {stamp}")).code == "login-disabled"


def test_utf8_is_switched_on_between_tls_and_the_log_in() -> None:
    script = f"C: UTF8\nS: +OK\nC: USER ada\nS: +OK\nC: PASS {PASSWORD}\nS: +OK\n"
    assert opened(hello("USER", "UTF8", tls=True), script, AFTER, security=Security.TLS) == "USER"
    script = script.replace("UTF8\nS: +OK", "UTF8\nS: -ERR not now")
    assert opened(hello("USER", "UTF8 USER", tls=True), script, AFTER, security=Security.TLS) == "USER"


# --- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "code", "retry"),
    [
        ("-ERR Authentication failed, please try again", "wrong-password", Retry.ASK),
        ("-ERR too many failed logins, wait", "wrong-password", Retry.ASK),
        ("-ERR too many connections", "mailbox-in-use", Retry.SOON),
        ("-ERR authentication temporarily unavailable", "mailbox-in-use", Retry.SOON),
        ("-ERR [IN-USE] Do you have another POP session running?", "mailbox-in-use", Retry.SOON),
        ("-ERR [LOGIN-DELAY] wait 300 seconds", "login-delay", Retry.SOON),
        ("-ERR [SYS/PERM] Your account is not enabled for POP access.", "pop3-disabled", Retry.ASK),
        ("-ERR [AUTH] Application-specific password required", "app-password", Retry.ASK),
        ("-ERR [AUTH] Web login required", "web-login", Retry.ASK),
        ("-ERR Basic authentication is disabled.", "password-disabled", Retry.ASK),
    ],
)
def test_what_a_refusal_means(reply: str, code: str, retry: Retry) -> None:
    error = refused(hello("USER"), f"C: USER ada\nS: +OK\nC: PASS {PASSWORD}\nS: {reply}")
    assert (error.code, error.retry) == (code, retry)
    assert error.text.endswith((".", "!"))


@pytest.mark.parametrize("challenge", ["+ not base64!", "+ " + b64("r=1"), "+ " + b64("x" * 20_000)])
def test_nonsense_in_the_middle_of_an_exchange_ends_it(challenge: str) -> None:
    error = refused(hello("SASL SCRAM-SHA-256"), f"C: AUTH SCRAM-SHA-256 {{}}\nS: {challenge}")
    assert error.code in ("server-not-authentic", "protocol-error")


def test_endless_challenges_end() -> None:
    def serve(talk: Conversation) -> None:
        talk.line()
        talk.send(b"+ \r\n" * 50)

    assert refused(hello("SASL PLAIN"), serve).code == "server-not-authentic"


@pytest.mark.parametrize("offers", [("SASL PLAIN",), ("USER",), ()])
def test_no_weaker_way_than_before(offers: tuple[str, ...]) -> None:
    error = refused(hello(*offers, greeting=f"+OK {STAMP}"), before="SCRAM-SHA-256")
    assert (error.code, error.kind, error.retry) == ("weaker-log-in", Kind.ACCOUNT, Retry.ASK)
