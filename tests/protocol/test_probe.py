"""Asking whether a mail server answers: every protocol, both protections, and never a credential."""

import certs
import pytest
from scripted import Scripted

from mua.errors import MailError
from mua.model.account import Security, Server
from mua.net.probe import probe

IMPLICIT = {
    "imap": "TLS: good\nS: * OK ready",
    "pop3": "TLS: good\nS: +OK <1.2@3>",
    "smtp": "TLS: good\nS: 220-one\nS: 220 two",
}
UPGRADED = {
    "imap": "S: * OK [CAPABILITY IMAP4rev1] hi\nC: a STARTTLS\nS: * NO noise\nS: a OK go\nTLS: good",
    "pop3": "S: +OK\nC: STLS\nS: +OK go\nTLS: good",
    "smtp": "S: 220-a\nS: 220 b\nC: EHLO [127.0.0.1]\nS: 250-x\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS: good",
}


def ask(server: Scripted, protocol: str, security: Security, timeout: float = 5) -> None:
    place = Server("127.0.0.1", server.port, security, "ada")
    probe(place, protocol, str(certs.authority().ca_file), timeout)


@pytest.mark.parametrize("protocol", IMPLICIT)
@pytest.mark.parametrize("split", ["", "SPLIT\n"])
def test_a_server_answers(protocol: str, split: str) -> None:
    with Scripted(split + IMPLICIT[protocol]) as server:
        ask(server, protocol, Security.TLS)
    with Scripted(split + UPGRADED[protocol]) as server:
        ask(server, protocol, Security.STARTTLS)


@pytest.mark.parametrize("protocol", IMPLICIT)
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("expired", "certificate-expired"),
        ("wrong-name", "certificate-wrong-name"),
        ("stranger", "certificate-untrusted"),
    ],
)
def test_without_a_certificate_for_its_name_it_does_not_count(protocol: str, kind: str, code: str) -> None:
    for script, security in ((IMPLICIT, Security.TLS), (UPGRADED, Security.STARTTLS)):
        changed = script[protocol].replace("TLS: good", f"TLS: {kind}")
        with Scripted(changed, partial=True) as server, pytest.raises(MailError) as caught:
            ask(server, protocol, security)
        assert caught.value.code == code


@pytest.mark.parametrize(
    ("protocol", "script", "code"),
    [
        ("imap", "S: * OK\nC: a STARTTLS\nS: a BAD what", "no-starttls"),
        ("imap", "S: * PREAUTH welcome", "protocol-error"),
        ("imap", "S: +OK pop", "protocol-error"),
        ("imap", r"S: * OK" + "\nC: a STARTTLS\n" + r"S: a OK go\r\n* LIST () / injected", "protocol-error"),
        ("pop3", "S: +OK\nC: STLS\nS: -ERR no", "no-starttls"),
        ("pop3", "S: -ERR closed", "protocol-error"),
        ("smtp", "S: 220 a\nC: EHLO [127.0.0.1]\nS: 502 no", "no-starttls"),
        ("smtp", "S: 220 a\nC: EHLO [127.0.0.1]\nS: 250 x\nC: STARTTLS\nS: 454 later", "no-starttls"),
        ("smtp", "S: 554 no", "protocol-error"),
        ("smtp", "S: 220-" + "\nS: 220-more" * 150, "protocol-error"),
        ("imap", "S- " + "x" * 9000 + "\nDROP", "protocol-error"),
        ("imap", "DROP", "connection-lost"),
    ],
)
def test_what_does_not_count(protocol: str, script: str, code: str) -> None:
    with Scripted(script, partial=True) as server, pytest.raises(MailError) as caught:
        ask(server, protocol, Security.STARTTLS)
    assert caught.value.code == code
    assert not any(word in line for line in server.lines for word in ("LOGIN", "USER", "AUTH"))


def test_silence_and_plain_connections() -> None:
    with Scripted("STALL forever", partial=True) as server:
        with pytest.raises(MailError) as caught:
            ask(server, "imap", Security.STARTTLS, timeout=0.3)
        assert caught.value.code == "timeout"
        server.release("forever")
    with pytest.raises(MailError) as caught:
        probe(Server("127.0.0.1", 1, Security.NONE), "imap")
    assert caught.value.code == "plaintext-refused"
