"""A submission server that is opened by a certificate (SASL EXTERNAL, RFC 4422 s.A; RFC 4954), as a conversation."""

import asyncio
import base64
import ssl
from pathlib import Path

import certs
import pytest
from post_office import PostOffice
from scripted import Conversation, Scripted

from mua.errors import Kind, MailError, Retry
from mua.model.account import Route, Security, Server
from mua.model.outgoing import RecipientState
from mua.net.smtp import open_submission
from mua.net.smtp_wire import Timeouts, Transcript

PATIENT = Timeouts(*[10.0] * 9, 1.0)
GREET = "S: 220 msa\nC: EHLO [127.0.0.1]\n"
SEND = "C: MAIL {}\nS: 250 ok\nC: RCPT {}\nS: 250 ok\nC: DATA\nS: 354 go\nC.\nS: 250 2.0.0 ok"
IN = "C: AUTH EXTERNAL =\nS: 235 2.7.0 in\n"


class Door:
    """A step of a script: TLS that asks for a certificate; ``shown`` are the names in those that came."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, talk: Conversation) -> None:
        context = certs.authority().server_context("good")
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(certs.authority().ca_file)
        talk.sock = context.wrap_socket(talk.sock, server_side=True)
        told = talk.sock.getpeercert() or {}  # type: ignore[attr-defined]
        self.shown.append(next((name for _, name in told.get("subjectAltName", ())), ""))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """My certificate and its key, in one file."""
    leaf = certs.authority().issue(f"client-{tmp_path.name}", ("ann",))
    path = tmp_path / "ann.pem"
    path.write_bytes(leaf.cert.read_bytes() + leaf.key.read_bytes())
    return path


def enter(port: int, security: Security, certificate: Path, password: str = "", transcript=None) -> str:
    """Open a session; how it was done."""

    async def talk() -> str:
        server = Server("127.0.0.1", port, security, "ann")
        ca_file = str(certs.authority().ca_file)
        session = await open_submission(
            server, password, ca_file, certificate=str(certificate), timeouts=PATIENT, transcript=transcript
        )
        await session.quit()
        return session.mechanism

    return asyncio.run(talk())


@pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
def test_the_certificate_logs_in_and_no_password_is_said(security: Security, mine: Path) -> None:
    door, secret = Door(), "never said"
    before = [GREET, "S: 250-msa\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n"] if security is Security.STARTTLS else []
    again = "C: EHLO [127.0.0.1]\n" if security is Security.STARTTLS else GREET
    script = f"{again}S: 250-msa\nS: 250 AUTH PLAIN EXTERNAL\n{IN}"
    transcript = Transcript()
    with Scripted(*before, door, script) as server:
        assert enter(server.port, security, mine, secret, transcript) == "EXTERNAL"
    assert door.shown == ["ann"]
    assert secret not in transcript.text


def test_a_refused_certificate_is_said_to_be_one(mine: Path) -> None:
    script = f"{GREET}S: 250-msa\nS: 250 AUTH EXTERNAL\nC: AUTH EXTERNAL =\nS: 535 5.7.8 not you\n"
    with Scripted(Door(), script) as server, pytest.raises(MailError) as caught:
        enter(server.port, Security.TLS, mine)
    assert (caught.value.kind, caught.value.retry, caught.value.code) == (
        Kind.ACCOUNT, Retry.ASK, "certificate-refused",
    )  # fmt: skip
    assert "not you" in caught.value.detail


def test_after_a_refused_certificate_no_password_is_said(mine: Path) -> None:
    script = f"{GREET}S: 250-msa\nS: 250 AUTH EXTERNAL PLAIN\nC: AUTH EXTERNAL =\nS: 535 5.7.8 not you\n"
    with Scripted(Door(), script) as server, pytest.raises(MailError) as caught:
        enter(server.port, Security.TLS, mine, "s3cr3t")
    assert caught.value.code == "certificate-refused"


def test_in_clear_a_certificate_proves_nothing(mine: Path) -> None:
    plain = base64.b64encode(b"\0ann\0s3cr3t").decode()
    script = f"{GREET}S: 250-msa\nS: 250 AUTH EXTERNAL PLAIN\nC: AUTH PLAIN {plain}\nS: 235 in"
    with Scripted(script) as server:
        assert enter(server.port, Security.NONE, mine, "s3cr3t") == "PLAIN"


def test_an_account_that_is_opened_by_a_certificate_sends(mine: Path, tmp_path: Path) -> None:
    door = Door()
    script = f"{GREET}S: 250-msa\nS: 250 AUTH EXTERNAL\n{IN}{SEND}"
    with Scripted(door, script) as server:
        there = Server("127.0.0.1", server.port, Security.TLS, "ann")
        ca_file = str(certs.authority().ca_file)
        keys = {"submission": there, "client_cert": str(mine), "ca_file": ca_file}
        with PostOffice(tmp_path / "profile", route=Route.SMTP, **keys) as office:
            office.password = lambda account: ""
            sent = office.queue("bob@example.net")
            office.sender.start()
            office.until(lambda: office.states(sent) == [RecipientState.ACCEPTED])
    assert door.shown == ["ann"]
