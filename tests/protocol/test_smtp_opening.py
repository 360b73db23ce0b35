"""Opening a submission session: what may be believed before TLS, and that a password goes to the right server only."""

import asyncio
import base64
import contextlib
import errno
import hashlib
import hmac
import socket
from collections.abc import Callable
from typing import Any

import certs
import pytest
from mail_sink import unrecorded
from scripted import Conversation, Scripted

from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.model.outgoing import Phase, RecipientState
from mua.net.sasl import Who
from mua.net.smtp import Exchanger, HostFailed, deliver, open_exchanger, open_submission
from mua.net.smtp_body import Body
from mua.net.smtp_outcome import Job
from mua.net.smtp_session import Door, authenticate, open_session
from mua.net.smtp_wire import Lost, Timeouts, Transcript
from mua.plan.protection import Protection, Trouble

SECRET = "correct horse battery"
PLAIN = base64.b64encode(b"\0ann\0" + SECRET.encode()).decode()
BROKEN_OFF = "4.4.2 mx.example.net broke the connection off: "
PATIENT, QUICK = Timeouts(*[10.0] * 9, 1.0), Timeouts(*[1.0] * 10)
Part = str | Callable[[Conversation], object]

GREET = "S: 220 msa\nC: EHLO [127.0.0.1]\n"
STARTTLS = GREET + "S: 250-msa\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS: {leaf}\nC: EHLO [127.0.0.1]\n"
SEND = "C: MAIL {}\nS: 250 ok\nC: RCPT {}\nS: 250 ok\nC: DATA\nS: 354 go\nC.\nS: 250 2.0.0 ok"


def starttls(leaf: str = "good", auth: str = "PLAIN LOGIN") -> str:
    return STARTTLS.replace("{leaf}", leaf) + f"S: 250-msa\nS: 250 AUTH {auth}"


def implicit(leaf: str = "good", auth: str = "PLAIN LOGIN") -> str:
    return f"TLS: {leaf}\n{GREET}S: 250-msa\nS: 250 AUTH {auth}"


def submit(
    *parts: Part,
    security: Security = Security.STARTTLS,
    user: str = "ann",
    password: str = SECRET,
    trusted: bool = True,
    send: bool = False,
    partial: bool = False,
    allow_plaintext: bool = False,
    host: str = "127.0.0.1",
    timeouts: Timeouts = PATIENT,
    before: str = "",
) -> str:
    """Open (and send one message with ``send``); returns the transcript, in which the secret never is."""
    transcript = Transcript()

    async def talk(port: int) -> None:
        server = Server(host, port, security, user)
        ca_file = str(certs.authority().ca_file) if trusted else ""
        session = await open_submission(
            server, password, ca_file, transcript=transcript, timeouts=timeouts, allow_plaintext=allow_plaintext,
            before=before,
        )  # fmt: skip
        if send:
            job = Job("me@example.org", ("ann@example.net",), Body.of(b"x\r\n"))
            outcomes = await deliver(session, job, before_dot=unrecorded)
            assert outcomes[0].state is RecipientState.ACCEPTED
            assert ("verified" in outcomes[0].tls) == (security is not Security.NONE)
        await session.quit()

    problem: MailError | None = None
    with Scripted(*parts, partial=partial) as server:
        try:
            asyncio.run(talk(server.port))
        except MailError as error:
            problem = error
    for form in (SECRET, PLAIN, base64.b64encode(SECRET.encode()).decode()):
        assert form not in transcript.text
    if problem:
        raise problem
    return transcript.text


def failing(*parts: Part, partial: bool = True, **options: Any) -> MailError:
    """The MailError of an opening that fails; the secret is not in it."""
    with pytest.raises(MailError) as caught:
        submit(*parts, partial=partial, **options)
    assert SECRET not in caught.value.detail + caught.value.text
    assert caught.value.text.endswith(".")
    return caught.value


AUTH_PLAIN = f"\nC: AUTH PLAIN {PLAIN}\nS: 235 2.7.0 in"


def test_starttls_then_a_message() -> None:
    text = submit(starttls() + AUTH_PLAIN, SEND, send=True)
    assert "C: AUTH PLAIN ***" in text


def test_implicit_tls_then_a_message() -> None:
    submit(implicit() + AUTH_PLAIN, SEND, security=Security.TLS, send=True)


def test_in_clear_on_this_computer_only() -> None:
    submit(GREET + "S: 250-msa\nS: 250 AUTH PLAIN" + AUTH_PLAIN, SEND, security=Security.NONE, send=True)


def test_no_password_in_clear_to_another_computer() -> None:
    server = Server("mail.example.net", 25, Security.NONE, "ann")  # nobody is even called
    with pytest.raises(MailError) as caught:
        asyncio.run(open_submission(server, SECRET, timeouts=QUICK))
    assert (caught.value.kind, caught.value.code) == (Kind.ACCOUNT, "plaintext-refused")


def test_without_a_user_nothing_is_authenticated() -> None:
    submit(starttls(), SEND, user="", send=True)


@pytest.mark.parametrize(
    "leaf, code",
    [
        ("expired", "certificate-expired"),
        ("not-yet", "certificate-expired"),
        ("wrong-name", "certificate-wrong-name"),
        ("self-signed", "certificate-untrusted"),
        ("stranger", "certificate-untrusted"),
    ],
)
@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_a_bad_certificate_gets_no_password(leaf: str, code: str, security: Security) -> None:
    script = (implicit if security is Security.TLS else starttls)(leaf)
    error = failing(script, security=security)
    assert (error.kind, error.retry, error.code) == (Kind.ACCOUNT, Retry.ASK, code)


def test_a_private_authority_must_be_named() -> None:
    assert failing(starttls("good"), trusted=False).code == "certificate-untrusted"


def test_a_server_without_starttls_gets_no_password() -> None:
    error = failing(GREET + "S: 250-msa\nS: 250 AUTH PLAIN", partial=False)
    assert (error.kind, error.code) == (Kind.ACCOUNT, "no-starttls")


def test_what_was_offered_before_tls_is_forgotten() -> None:
    script = GREET + "S: 250-msa\nS: 250-AUTH PLAIN\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS: good\n"
    error = failing(script + "C: EHLO {}\nS: 250 msa")
    assert error.code == "no-mechanism"


@pytest.mark.parametrize(
    "injected",
    ["S: 220 go\\r\\n250-evil\\r\\n250 AUTH LOGIN", "S: 220 go\\r\\n250 half", "S- 220 go\\r\\n25"],
    ids=["replies", "reply", "half a reply"],
)
def test_data_behind_the_220_ends_the_session(injected: str) -> None:
    error = failing(GREET + f"S: 250-msa\nS: 250 STARTTLS\nC: STARTTLS\n{injected}\nSTALL never")
    assert (error.kind, error.code) == (Kind.CONNECTION, "tls-failed")


@pytest.mark.parametrize(
    "answer, code",
    [
        ("S: 454 4.7.0 no TLS now", "server-busy"),
        ("S: 220 go\nS: this is not TLS at all", "tls-failed"),
        ("S: 220 go\nDROP", "connection-lost"),
        ("S: 220 go\nSTALL never", "timeout"),
    ],
)
def test_tls_that_does_not_come_about(answer: str, code: str) -> None:
    timeouts = QUICK if "STALL" in answer else PATIENT
    error = failing(GREET + f"S: 250-msa\nS: 250 STARTTLS\nC: STARTTLS\n{answer}", timeouts=timeouts)
    assert error.kind is Kind.CONNECTION
    assert error.code in (code, "tls-failed")


@pytest.mark.parametrize(
    "script, code",
    [
        ("S: 421 4.3.2 busy", "server-busy"),
        ("S: 554 5.7.1 go away", "server-busy"),
        ("DROP", "connection-lost"),
        ("S: SSH-2.0-OpenSSH", "connection-lost"),
        ("STALL never", "connection-lost"),
        ("S: 220 msa\nC: EHLO {}\nDROP", "connection-lost"),
        ("S: 220 msa\nC: EHLO {}\nS: 421 4.3.2 busy", "server-busy"),
        ("S: 220 msa\nC: EHLO {}\nS: 250-\\xff\\xfe\\x00\nS: 250 \nDROP", "no-starttls"),
    ],
)
def test_openings_that_fail(script: str, code: str) -> None:
    assert failing(script, timeouts=QUICK if "STALL" in script else PATIENT).code == code


def test_nobody_listens_and_nobody_is_called_that() -> None:
    async def attempt(host: str, port: int) -> None:
        await open_submission(Server(host, port, Security.TLS, "ann"), SECRET, timeouts=QUICK)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(MailError) as caught:
            asyncio.run(attempt("127.0.0.1", taken.getsockname()[1]))
    assert caught.value.code == "connection-refused"
    with pytest.raises(MailError) as caught:
        asyncio.run(attempt("no-such-host.invalid", 465))
    assert caught.value.code in ("unknown-host", "network-down")


# -- signing in


@pytest.mark.parametrize(
    "reply, kind, code",
    [
        ("535 5.7.8 bad credentials", Kind.ACCOUNT, "wrong-password"),
        ("534 5.7.9 Application-specific password required", Kind.ACCOUNT, "app-password"),
        ("535 5.7.139 Authentication unsuccessful", Kind.ACCOUNT, "password-disabled"),
        ("454 4.7.0 try again", Kind.CONNECTION, "server-busy"),
        ("421 4.7.0 too many", Kind.CONNECTION, "server-busy"),
    ],
)
def test_one_attempt_only(reply: str, kind: Kind, code: str) -> None:
    script = starttls() + f"\nC: AUTH PLAIN {PLAIN}\nS: {reply}"
    error = failing(script, partial=False)  # another AUTH would be one line too many for the script
    assert (error.kind, error.code) == (kind, code)


def test_a_server_that_repeats_the_password_does_not_get_it_into_the_report() -> None:
    script = starttls() + f"\nC: AUTH PLAIN {PLAIN}\nS: 535 5.7.8 bad password {SECRET} ({PLAIN})"
    error = failing(script)
    assert "***" in error.detail


def test_login() -> None:
    user, secret = (base64.b64encode(text.encode()).decode() for text in ("ann", SECRET))
    script = f"\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: {user}\nS: 334 UGFzc3dvcmQ6\nC: {secret}\nS: 235 in"
    text = submit(starttls(auth="LOGIN") + script)
    assert text.count("S: 334 ***") == 2


def test_lost_while_signing_in() -> None:
    error = failing(starttls() + "\nC: AUTH {}\nDROP")
    assert (error.kind, error.code) == (Kind.CONNECTION, "connection-lost")


@pytest.mark.parametrize("challenge", ["334 not!base64", "334 AAAA", "334"])
def test_a_challenge_that_makes_no_sense(challenge: str) -> None:
    error = failing(starttls() + f"\nC: AUTH {{}}\nS: {challenge}")
    assert error.code in ("server-not-authentic", "connection-lost")


def scram_server(password: str = SECRET, forge: bool = False, iterations: int = 4096) -> Callable[[Conversation], None]:
    """The server's side of RFC 5802, written from the RFC."""

    def exchange(talk: Conversation) -> None:
        bare = base64.b64decode(talk.line().split()[2])[3:].decode()
        nonce, salt = bare.split("r=")[1] + "srv", b"salt of the earth"
        first = f"r={nonce},s={base64.b64encode(salt).decode()},i={iterations}"
        talk.send(b"334 " + base64.b64encode(first.encode()) + b"\r\n")
        without_proof, proof = base64.b64decode(talk.line()).decode().rsplit(",p=", 1)
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
        message = f"{bare},{first},{without_proof}".encode()
        stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
        mask = hmac.digest(stored, message, "sha256")
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), mask, strict=True))
        assert hashlib.sha256(key).digest() == stored
        signed = b"forged" if forge else message
        signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
        talk.send(b"334 " + base64.b64encode(b"v=" + base64.b64encode(signature)) + b"\r\n")
        talk.line()
        talk.send(b"235 2.7.0 in\r\n")

    return exchange


def test_scram_sha_256_is_preferred() -> None:
    text = submit(starttls(auth="PLAIN SCRAM-SHA-256 LOGIN"), scram_server(), SEND, send=True)
    assert "C: AUTH SCRAM-SHA-256 ***" in text


def test_scram_finds_out_a_server_that_does_not_know_the_password() -> None:
    error = failing(starttls(auth="SCRAM-SHA-256"), scram_server(forge=True))
    assert (error.kind, error.code) == (Kind.ACCOUNT, "server-not-authentic")


def test_scram_with_too_few_iterations_is_refused() -> None:
    assert failing(starttls(auth="SCRAM-SHA-256"), scram_server(iterations=10)).code == "server-not-authentic"


# -- mail exchangers: TLS when offered, whatever the certificate


def exchange(*parts: Part, protection: Protection = Protection.WHATEVER) -> tuple[str, str]:
    """Open, send one message, quit: (TLS level, state)."""

    async def talk(port: int) -> tuple[str, str]:
        exchanger = Exchanger("mx.example.net", "127.0.0.1", port)
        session = await open_exchanger(exchanger, protection, timeouts=PATIENT)
        job = Job("me@example.org", ("ann@example.net",), Body.of(b"x\r\n"))
        outcomes = await deliver(session, job, before_dot=unrecorded)
        await session.quit()
        assert outcomes[0].host == "mx.example.net[127.0.0.1]"
        return session.tls, outcomes[0].state

    failed: HostFailed | None = None
    with Scripted(*parts, partial=True) as server:
        try:
            return asyncio.run(talk(server.port))
        except HostFailed as error:
            failed = error
    raise failed


@pytest.mark.parametrize("leaf", ["good", "expired", "wrong-name", "self-signed"])
def test_an_exchanger_with_any_certificate(leaf: str) -> None:
    level, state = exchange(STARTTLS.replace("{leaf}", leaf) + "S: 250 mx", SEND)
    assert (level, state) == ("TLSv1.3, not verified", RecipientState.ACCEPTED)


def test_an_exchanger_without_tls() -> None:
    assert exchange(GREET + "S: 250 mx", SEND) == ("", RecipientState.ACCEPTED)


def test_an_exchanger_in_clear_on_purpose() -> None:
    script = GREET + "S: 250-mx\nS: 250 STARTTLS"
    assert exchange(script, SEND, protection=Protection.NONE) == ("", RecipientState.ACCEPTED)


@pytest.mark.parametrize("reply", ["500 what", "502 5.5.1 no"])
def test_an_exchanger_that_knows_only_helo(reply: str) -> None:
    script = f"S: 220 mx\nC: EHLO {{}}\nS: {reply}\nC: HELO [127.0.0.1]\nS: 250 mx"
    assert exchange(script, SEND) == ("", RecipientState.ACCEPTED)


@pytest.mark.parametrize(
    "script, phase, code, handshake",
    [
        ("S: 554 5.7.1 no service", Phase.GREETING, 554, False),
        ("S: 421 4.3.2 busy", Phase.GREETING, 421, False),
        ("DROP", Phase.GREETING, None, False),
        ("S: 220 mx\nC: EHLO {}\nRESET", Phase.GREETING, None, False),
        (GREET + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nC# 5\nS: garbage", Phase.TLS, None, True),
        (GREET + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\\r\\nHTTP/1.0 400", Phase.TLS, None, True),
        (GREET + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nDROP", Phase.TLS, None, True),
        (GREET + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\\r\\n250 evil", Phase.TLS, None, False),
        (GREET + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 4.7.0 no", Phase.TLS, 454, True),
        (GREET + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 502 5.5.1 no", Phase.TLS, 502, True),
        (GREET + "S: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 421 4.3.2 bye", Phase.TLS, 421, False),
        (STARTTLS.replace("{leaf}", "good") + "S: 550 5.7.1 not with TLS", Phase.TLS, 550, False),
    ],
)
def test_an_exchanger_that_cannot_be_used(script: str, phase: Phase, code: int | None, handshake: bool) -> None:
    with pytest.raises(HostFailed) as caught:
        exchange(script)
    outcome = caught.value.outcome
    assert (outcome.state, outcome.phase, outcome.code) == (RecipientState.DEFERRED, phase, code)
    assert outcome.next_host
    assert (caught.value.trouble is Trouble.BROKEN) == handshake


def greeted_with(*packets: bytes, limit: float = 10.0) -> HostFailed:
    """What comes of an exchanger that says this and hangs up."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            for packet in packets:
                writer.write(packet)
                await writer.drain()
            writer.close()

    async def ask() -> None:
        async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            await open_exchanger(Exchanger("mx.example.net", "127.0.0.1", port), timeouts=Timeouts(*[limit] * 10))

    with pytest.raises(HostFailed) as caught:
        asyncio.run(ask())
    assert (caught.value.outcome.phase, caught.value.trouble) == (Phase.GREETING, Trouble.OTHER)
    return caught.value


def test_a_greeting_that_ends_at_any_octet() -> None:
    whole = b"220-mx.example.net\r\n220 ESMTP\r\n"
    for end in range(len(whole)):
        outcome = greeted_with(whole[:end]).outcome
        assert (outcome.state, outcome.code) == (RecipientState.DEFERRED, None)
        assert outcome.text == BROKEN_OFF + "the server closed the connection."
        assert outcome.dialogue.count("S: 220") == whole[:end].count(b"\n")


@pytest.mark.parametrize(
    "packets, words",
    [
        ((b"421-4.3.2 busy\r\n", b"421 4.3.2 really\r\n"), "4.3.2 busy\n4.3.2 really"),
        ((b"x" * 40_000,) * 50, BROKEN_OFF + "the server's reply is too long."),
        ((b"220-x\r\n" * 5_000,) * 50, BROKEN_OFF + "the server's reply is too long."),
        ((b"220 x\r\n" * 5_000,) * 50, BROKEN_OFF + "unexpected reply 220 x."),
        ((b"\x15\x03\x01\x00\x02\x02\x0a",), BROKEN_OFF + "not an SMTP reply"),
    ],
)  # fmt: skip
def test_what_is_no_greeting(packets: tuple[bytes, ...], words: str) -> None:
    assert greeted_with(*packets).outcome.text.startswith(words)


def test_without_sockets_an_exchanger_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    """IPv6 switched off, or no file descriptor left: nobody was asked, and nothing is said of the message."""

    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")

    async def ask() -> None:
        monkeypatch.setattr("mua.net.smtp.socket.socket", refuse)  # the loop has its own already
        await open_exchanger(Exchanger("mx.example.net", "::1", 25))

    with pytest.raises(HostFailed) as caught:
        asyncio.run(ask())
    outcome = caught.value.outcome
    assert (outcome.state, outcome.phase, outcome.next_host) == (RecipientState.DEFERRED, Phase.CONNECT, True)


def test_no_weaker_way_than_before() -> None:
    error = failing(starttls() + "\nC: QUIT\nS: 221 bye", before="SCRAM-SHA-256")
    assert (error.code, error.kind, error.retry) == ("weaker-log-in", Kind.ACCOUNT, Retry.ASK)
    submit(starttls() + AUTH_PLAIN, SEND, send=True, before="LOGIN")


# -- tokens: the mechanisms, for accounts that will have one


TOKEN = "ya29.a-token"
MECHANISMS = {
    "OAUTHBEARER": (f"n,a=ann,\x01auth=Bearer {TOKEN}\x01\x01", "AQ=="),
    "XOAUTH2": (f"user=ann\x01auth=Bearer {TOKEN}\x01\x01", ""),
}


def by_token(mechanism: str, *answer: str, good: bool) -> list[str]:
    """Log in with a token where PLAIN is offered, too; returns what the client said."""

    async def talk(port: int) -> None:
        sock = socket.create_connection(("127.0.0.1", port))
        session = await open_session(Door(sock, "msa", Security.NONE), Transcript(), PATIENT)
        try:
            if good:
                assert await authenticate(session, Who("ann", token=TOKEN)) == mechanism
            else:
                with pytest.raises(Lost, match="lost in auth: 535"):
                    await authenticate(session, Who("ann", token=TOKEN))
        finally:
            await session.quit()

    said = base64.b64encode(MECHANISMS[mechanism][0].encode()).decode()
    script = f"{GREET}S: 250-msa\nS: 250 AUTH PLAIN {mechanism}\nC: AUTH {mechanism} {said}\n"
    with Scripted(script + "\n".join(answer)) as server:
        asyncio.run(talk(server.port))
    return server.lines


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_token(mechanism: str) -> None:
    assert len(by_token(mechanism, "S: 235 2.7.0 in", good=True)) == 2


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_token_that_is_refused_is_the_end(mechanism: str) -> None:
    """The reason comes as a challenge, which has to be answered; no other mechanism is tried."""
    reason = base64.b64encode(b'{"status":"invalid_token"}').decode()
    said = by_token(mechanism, f"S: 334 {reason}", f"C: {MECHANISMS[mechanism][1]}", "S: 535 5.7.8 refused", good=False)
    assert len([line for line in said if line.startswith("AUTH")]) == 1
