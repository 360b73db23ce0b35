"""Connecting and the handshake: what each failure is called, and that secrets stay out of the wire log."""

import gc
import socket
import ssl
import struct

import certs
import pytest
from scripted import Scripted

from mua.errors import Kind, MailError, Retry
from mua.log import mask
from mua.net import tls
from mua.net.wirelog import WireLog


def handshake(kind: str, host: str = "localhost", ca_file: str | None = None) -> ssl.SSLSocket:
    with Scripted(f"TLS: {kind}", partial=True) as server:
        sock = tls.connect("127.0.0.1", server.port, 5)
        return tls.wrap(sock, tls.context(str(certs.authority().ca_file) if ca_file is None else ca_file), host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_private_authority_is_trusted_when_named(host):
    with handshake("good", host) as sock:
        assert sock.version() in ("TLSv1.2", "TLSv1.3")


@pytest.mark.parametrize(
    "kind, code",
    [
        ("expired", "certificate-expired"),
        ("not-yet", "certificate-expired"),
        ("wrong-name", "certificate-wrong-name"),
        ("self-signed", "certificate-untrusted"),
        ("stranger", "certificate-untrusted"),
    ],
)
def test_certificates_that_do_not_fit(kind, code):
    with pytest.raises(MailError) as caught:
        handshake(kind)
    assert (caught.value.code, caught.value.kind, caught.value.retry) == (code, Kind.ACCOUNT, Retry.ASK)
    assert "localhost" in caught.value.text


def test_without_the_private_authority_it_is_untrusted():
    with pytest.raises(MailError) as caught:
        handshake("good", ca_file="")
    assert caught.value.code == "certificate-untrusted"


def test_a_name_that_is_not_in_the_certificate():
    with pytest.raises(MailError) as caught:
        handshake("good", host="mail.example.org")
    assert caught.value.code == "certificate-wrong-name"


def test_old_tls_is_refused():
    assert tls.context().minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_server_without_tls():
    with Scripted("S: * OK I speak plainly", partial=True) as server:
        sock = tls.connect("127.0.0.1", server.port, 5)
        with pytest.raises(MailError) as caught:
            tls.wrap(sock, tls.context(), "localhost")
    assert (caught.value.code, caught.value.kind) == ("tls-failed", Kind.CONNECTION)


def test_a_certificate_file_that_is_not_there(tmp_path):
    with pytest.raises(MailError) as caught:
        tls.context(str(tmp_path / "none.pem"))
    assert (caught.value.code, caught.value.kind) == ("ca-file", Kind.LOCAL)


def test_every_address_of_a_name_is_tried(monkeypatch):
    """``localhost`` is ::1 and 127.0.0.1 on most machines; whoever listens on one of them is found."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        found = [
            (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: found)
        with tls.connect("anything", port, 5) as sock:
            assert sock.getpeername()[0] == "127.0.0.1"
            assert sock.gettimeout() == 5


def test_refused_and_unknown(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(MailError) as caught:
        tls.connect("127.0.0.1", port, 2)
    assert caught.value.code == "connection-refused"

    def nowhere(*args, **more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    for host in ("no.such.host", "a" * 300, "\u2603." * 80):
        with pytest.raises(MailError) as caught:
            tls.connect(host, port, 2)
        assert caught.value.code == "unknown-host"


def test_a_handshake_that_never_ends_is_a_timeout():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = tls.connect("127.0.0.1", listener.getsockname()[1], 0.2)
        with pytest.raises(MailError) as caught:
            tls.wrap(sock, tls.context(), "localhost")
    assert caught.value.code == "timeout"


def test_a_peer_that_was_gone_before_the_handshake_leaves_no_socket_behind():
    """A socket that nobody closed is a ResourceWarning, which fails a test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sock = tls.connect("127.0.0.1", listener.getsockname()[1], 5)
        peer = listener.accept()[0]
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    with pytest.raises(MailError) as caught:
        tls.wrap(sock, tls.context(), "localhost")
    assert caught.value.kind is Kind.CONNECTION
    del caught, sock
    gc.collect()


@pytest.mark.parametrize(
    "host, ours", [("localhost", True), ("127.0.0.53", True), ("::1", True), ("127.evil.test", False)]
)
def test_loopback(host, ours):
    assert tls.is_loopback(host) is ours


# -- the wire log


@pytest.mark.parametrize(
    "line",
    [
        b'A1 LOGIN "ann" "s3cr3t"',
        b"A1 login ann s3cr3t",
        b"A1 AUTHENTICATE PLAIN AGFubgBzM2NyM3Q=",
        b"AUTH PLAIN AGFubgBzM2NyM3Q=",
        b"PASS s3cr3t",
        b"APOP ann AGFubgBzM2NyM3Q=",
    ],
)
def test_credentials_are_cut_even_when_nobody_said_so(line):
    log = WireLog()
    log.sent(line)
    assert "s3cr3t" not in log.text()
    assert "AGFubgBzM2NyM3Q=" not in log.text()
    assert "ann" not in log.text()


def test_secrets_are_masked_wherever_they_turn_up():
    mask("hunter2-wirelog")
    log = WireLog()
    log.received(b"A1 NO hunter2-wirelog is not your password")
    log.sent(b"c2VjcmV0", secret=True)
    assert "hunter2" not in log.text()
    assert "> ***" in log.text()


def test_the_ring_is_bounded_and_its_lines_are_short_and_printable():
    log = WireLog(lines=3)
    for number in range(10):
        log.received(b"\x1b[31m%d " % number + b"x" * 5000)
    lines = log.text().splitlines()
    assert len(lines) == 3
    assert all(len(line) < 250 and line.isprintable() for line in lines)
    assert "9 " in lines[-1]
