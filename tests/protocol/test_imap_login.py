"""Logging in by IMAP: the strongest way first, each secret said once, and what refusals mean for a person."""

import base64
import hashlib
from collections.abc import Callable

import certs
import pytest
import scramp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from scripted import Conversation, Scripted

from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.net.imap import ImapConnection

TOKEN = "ya29.a0ARrdaM-not-a-real-one"


def hello(offers: str) -> str:
    script = "S: * OK hi\nC: {tag} CAPABILITY\nS: * CAPABILITY IMAP4rev1 {offers}\nS: {tag} OK x\n"
    return script.replace("{offers}", offers)


IN = "S: {tag} OK [CAPABILITY IMAP4rev1] in"


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def open_it(server: Scripted, security: Security = Security.NONE, password="s3cr3t", **more) -> ImapConnection:
    def ask() -> str:
        assert password is not None, "the password was asked for"
        return password

    ca = str(certs.authority().ca_file)
    return ImapConnection(Server("127.0.0.1", server.port, security, "ann"), ask, ca, 5, **more)


def how(*parts: str | Callable[[Conversation], object], **more) -> str:
    """The mechanism that got in."""
    with Scripted(*parts) as server:
        connection = open_it(server, **more)
        connection.abort()
        return connection.facts().mechanism


def refused(*parts: str | Callable[[Conversation], object], partial: bool = False, **more) -> MailError:
    with Scripted(*parts, partial=partial) as server, pytest.raises(MailError) as caught:
        open_it(server, **more)
    said = caught.value.text + caught.value.detail
    for secret in ("s3cr3t", TOKEN, b64("s3cr3t"), b64("\0ann\0s3cr3t")):
        assert secret not in said
    return caught.value


def scram(
    name: str, *, password: str = "s3cr3t", forge: bool = False, bound: bool = False, early: bool = False
) -> Callable[[Conversation], None]:
    """The server's side, the initial response in the command."""

    def play(talk: Conversation) -> None:
        mechanism = scramp.ScramMechanism(name)
        secret = mechanism.make_auth_info(password, iteration_count=4096)
        pem = x509.load_pem_x509_certificate(certs.authority().leaf("good")[0].read_bytes())
        digest = hashlib.sha256(pem.public_bytes(Encoding.DER)).digest()
        server = mechanism.make_server(lambda user: secret, ("tls-server-end-point", digest) if bound else None)
        tag, verb, said, first = talk.line().decode().split()
        assert (verb, said) == ("AUTHENTICATE", name)
        server.set_client_first(base64.b64decode(first).decode())
        talk.send(b"+ " + b64(server.get_server_first()).encode() + b"\r\n")
        answer = base64.b64decode(talk.line()).decode()
        try:
            server.set_client_final(answer)
        except scramp.ScramException:
            talk.send(f"{tag} NO [AUTHENTICATIONFAILED] no\r\n".encode())
            return
        if not early:
            final = "v=" + b64(b"x" * 32) if forge else server.get_server_final()
            talk.send(b"+ " + b64(final).encode() + b"\r\n")
            talk.line()
        talk.send(f"{tag} OK [CAPABILITY IMAP4rev1] in\r\n".encode())

    return play


# -- the strongest way


def test_scram_before_plain():
    assert (
        how(hello("SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-256"), scram("SCRAM-SHA-256")) == "SCRAM-SHA-256"
    )


def test_scram_bound_to_tls():
    script = "TLS: good\n" + hello("SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS")
    assert how(script, scram("SCRAM-SHA-256-PLUS", bound=True), security=Security.TLS) == "SCRAM-SHA-256-PLUS"


def test_a_server_that_knows_another_binding_gets_scram_without_one():
    script = "TLS: good\n" + hello("SASL-IR AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS")
    no = "C: {tag} AUTHENTICATE SCRAM-SHA-256-PLUS {}\nS: {tag} NO unsupported channel binding\n"
    assert how(script, no, scram("SCRAM-SHA-256"), security=Security.TLS) == "SCRAM-SHA-256"


def test_without_sasl_ir_the_server_asks_first():
    script = (
        hello("AUTH=PLAIN") + f"C: {{tag}} AUTHENTICATE PLAIN\nS: +\nC: {b64(chr(0) + 'ann' + chr(0) + 's3cr3t')}\n{IN}"
    )
    assert how(script) == "PLAIN"


def test_no_scram_key_of_this_person_means_plain():
    script = hello("SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256") + "C: {tag} AUTHENTICATE SCRAM-SHA-256 {}\n"
    script += "S: {tag} NO [AUTHENTICATIONFAILED] no\nC: {tag} AUTHENTICATE PLAIN {}\n" + IN
    assert how(script) == "PLAIN"


@pytest.mark.parametrize("offers", ["IDLE", "AUTH=LOGIN", "AUTH=GSSAPI AUTH=CRAM-MD5 SASL-IR"])
def test_login_comes_last(offers):
    assert how(hello(offers) + 'C: {tag} LOGIN "ann" "s3cr3t"\n' + IN) == "LOGIN"


def test_logindisabled_is_respected():
    error = refused(hello("LOGINDISABLED AUTH=GSSAPI"))
    assert (error.code, error.kind) == ("login-disabled", Kind.ACCOUNT)


def test_untagged_capabilities_before_the_end_are_asked_for_again():
    script = hello("AUTH=PLAIN SASL-IR") + "C: {tag} AUTHENTICATE PLAIN {}\nS: {tag} OK in\nC: {tag} CAPABILITY\n"
    with Scripted(script + "S: * CAPABILITY IMAP4rev1 MOVE\nS: {tag} OK x") as server:
        connection = open_it(server)
        assert connection.can("MOVE")
        assert not connection.can("AUTH=PLAIN")
        connection.abort()


# -- one try


@pytest.mark.parametrize("then", ["SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256", "SASL-IR AUTH=SCRAM-SHA-256 AUTH=LOGIN"])
def test_a_wrong_password_is_tried_once(then):
    error = refused(hello(then), scram("SCRAM-SHA-256", password="other"))  # another line would be one too many
    assert (error.code, error.kind, error.retry) == ("wrong-password", Kind.ACCOUNT, Retry.ASK)


def test_plain_is_not_followed_by_login():
    error = refused(
        hello("AUTH=PLAIN SASL-IR") + "C: {tag} AUTHENTICATE PLAIN {}\nS: {tag} NO [AUTHENTICATIONFAILED] no"
    )
    assert error.code == "wrong-password"


@pytest.mark.parametrize("trick", [{"forge": True}, {"early": True}])
def test_a_server_that_cannot_prove_itself_is_hung_up_on(trick):
    error = refused(hello("SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256"), scram("SCRAM-SHA-256", **trick), partial=True)
    assert (error.code, error.kind) == ("server-not-authentic", Kind.ACCOUNT)


@pytest.mark.parametrize(
    "challenge", ["not base64!", "", b64("r=x,s=AAAA,i=4096"), b64(b"\xff\xff"), b64("e=other-error")]
)
def test_a_challenge_that_makes_no_sense_ends_the_connection(challenge):
    script = (
        hello("SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256") + "C: {tag} AUTHENTICATE SCRAM-SHA-256 {}\nS: + " + challenge
    )
    assert refused(script, partial=True).code == "server-not-authentic"


def test_a_server_that_never_stops_asking():
    script = hello("SASL-IR AUTH=PLAIN") + "C: {tag} AUTHENTICATE PLAIN {}\nS: + bW9yZQ=="
    assert refused(script, partial=True).code == "server-not-authentic"


def test_no_weaker_way_than_before():
    error = refused(hello("SASL-IR AUTH=PLAIN"), before="SCRAM-SHA-256")
    assert (error.code, error.kind, error.retry) == ("weaker-log-in", Kind.ACCOUNT, Retry.ASK)
    assert how(hello("SASL-IR AUTH=PLAIN") + "C: {tag} AUTHENTICATE PLAIN {}\n" + IN, before="PLAIN") == "PLAIN"
    assert how(hello("SASL-IR AUTH=SCRAM-SHA-1"), scram("SCRAM-SHA-1"), before="SCRAM-SHA-256") == "SCRAM-SHA-1"
    for before in ("SCRAM-SHA-256-PLUS", "EXTERNAL"):
        assert refused(hello("SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256"), before=before).code == "weaker-log-in"


# -- tokens and certificates


def test_a_token_by_oauthbearer():
    with Scripted(
        hello("SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=PLAIN") + "C: {tag} AUTHENTICATE OAUTHBEARER {said}\n" + IN
    ) as server:
        open_it(server, password=None, token=lambda: TOKEN).abort()
        said = base64.b64decode(server.conversations[0].captured["said"])
    assert said == f"n,a=ann,\x01host=127.0.0.1\x01port={server.port}\x01auth=Bearer {TOKEN}\x01\x01".encode()


def test_a_token_that_is_refused_is_told_with_the_servers_reason():
    script = (
        hello("AUTH=XOAUTH2")
        + "C: {tag} AUTHENTICATE XOAUTH2\nS: + \nC: "
        + b64(f"user=ann\x01auth=Bearer {TOKEN}\x01\x01")
    )
    script += (
        "\nS: + "
        + b64('{"status":"400","schemes":"Bearer"}')
        + "\nC: \nS: {tag} NO [AUTHENTICATIONFAILED] Invalid credentials"
    )
    error = refused(script, password=None, token=lambda: TOKEN)
    assert (error.code, error.kind, error.retry) == ("token-refused", Kind.ACCOUNT, Retry.ASK)


def test_a_token_is_never_used_as_a_password():
    error = refused(hello("AUTH=PLAIN SASL-IR"), password=None, token=lambda: TOKEN)
    assert error.code == "no-mechanism"


@pytest.mark.parametrize("words", ["LOGINDISABLED", "AUTH=PLAIN"])
def test_external_needs_a_certificate_in_tls(words):
    error = refused(hello(f"AUTH=EXTERNAL {words}"), password="", certificate=str(pem()))
    assert error.code in ("login-disabled", "no-mechanism")


def pem():
    cert, key = certs.authority().leaf("ann.example")
    both = cert.with_name("ann-both.pem")
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    return both


def test_external():
    script = "TLS: good\n" + hello("SASL-IR AUTH=EXTERNAL AUTH=PLAIN") + "C: {tag} AUTHENTICATE EXTERNAL =\n"
    more = {"security": Security.TLS, "password": None, "certificate": str(pem())}
    assert how(script + IN, **more) == "EXTERNAL"
    error = refused(script + "S: {tag} NO [AUTHENTICATIONFAILED] who?", **more)
    assert (error.code, error.kind) == ("certificate-refused", Kind.ACCOUNT)


@pytest.mark.parametrize("content", ["", "nonsense", None])
def test_a_certificate_file_that_holds_none(tmp_path, content):
    path = tmp_path / "mine.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(MailError) as caught:
        ImapConnection(Server("127.0.0.1", 1, Security.TLS, "ann"), lambda: "", certificate=str(path))
    assert (caught.value.code, caught.value.kind) == ("client-cert", Kind.LOCAL)


# -- what refusals mean


@pytest.mark.parametrize(
    "words, code, kind",
    [
        ("NO [AUTHENTICATIONFAILED] Authentication failed.", "wrong-password", Kind.ACCOUNT),
        ("NO LOGIN failed.", "wrong-password", Kind.ACCOUNT),
        ("BAD what", "wrong-password", Kind.ACCOUNT),
        ("NO [AUTHORIZATIONFAILED] no such authorization-ID", "not-allowed", Kind.ACCOUNT),
        ("NO [EXPIRED] That password isn't valid any more", "password-expired", Kind.ACCOUNT),
        ("NO [PRIVACYREQUIRED] Connection offers no privacy", "encryption-required", Kind.ACCOUNT),
        ("NO [CONTACTADMIN] call us", "ask-operator", Kind.ACCOUNT),
        ("NO [ALERT] Application-specific password required: https://x", "app-password", Kind.ACCOUNT),
        ("NO [WEBALERT https://x] Web login required.", "web-login", Kind.ACCOUNT),
        ("NO [ALERT] Your account is not enabled for IMAP use.", "imap-disabled", Kind.ACCOUNT),
        ("NO LogonDenied-BasicAuthBlocked", "password-disabled", Kind.ACCOUNT),
        ("NO [UNAVAILABLE] Temporary authentication failure.", "too-many-connections", Kind.CONNECTION),
        ("NO [LIMIT] Maximum number of connections exceeded", "too-many-connections", Kind.CONNECTION),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", "too-many-connections", Kind.CONNECTION),
    ],
)
def test_refusals(words, code, kind):
    error = refused(hello("AUTH=PLAIN SASL-IR") + f"C: {{tag}} AUTHENTICATE PLAIN {{}}\nS: {{tag}} {words}")
    assert (error.code, error.kind) == (code, kind)
    assert error.text.endswith(".")
    assert error.detail


def test_a_server_that_is_busy_is_not_asked_by_another_mechanism():
    script = hello("SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256") + "C: {tag} AUTHENTICATE SCRAM-SHA-256 {}\n"
    error = refused(script + "S: {tag} NO [UNAVAILABLE] later")
    assert error.kind is Kind.CONNECTION
