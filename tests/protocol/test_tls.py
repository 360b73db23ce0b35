"""Connecting and the handshake: what each failure is called, and that secrets stay out of the wire log."""

import contextlib
import gc
import socket
import ssl
import struct
import threading

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


def test_connections_share_what_was_read_of_the_authorities_until_one_of_the_files_changes(tmp_path, monkeypatch):
    file = tmp_path / "ca.pem"
    (tmp_path / "other").mkdir()
    file.write_bytes(certs.Authority(tmp_path / "other", "Another").ca_file.read_bytes())
    before = tls.context(str(file))
    assert tls.context(str(file)) is before
    with pytest.raises(MailError) as caught:
        handshake("good", ca_file=str(file))
    assert caught.value.code == "certificate-untrusted"
    file.write_bytes(certs.authority().ca_file.read_bytes())
    handshake("good", ca_file=str(file)).close()
    file.unlink()
    with pytest.raises(MailError) as caught:
        tls.context(str(file))
    assert caught.value.code == "ca-file"
    monkeypatch.setenv("SSL_CERT_FILE", str(certs.authority().ca_file))  # where the system's are
    handshake("good", ca_file="").close()


def test_a_certificate_of_our_own_is_shown_to_nobody_else(tmp_path):
    leaf, ca_file = certs.authority().leaf("good"), str(certs.authority().ca_file)
    own = tmp_path / "own.pem"
    own.write_bytes(leaf.cert.read_bytes() + leaf.key.read_bytes())
    mine = tls.context(ca_file, str(own))
    assert mine is not tls.context(ca_file)
    assert mine is not tls.context(ca_file, str(own))


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


# -- what a connection is made of


class Listener:
    """A TLS server for one handshake; ``name`` is the SNI that it was asked for."""

    def __init__(self, kind: str = "good", newest: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED) -> None:
        self.name: str | None = None
        self._context = certs.authority().server_context(kind)
        self._context.sni_callback = self._asked
        if newest is not ssl.TLSVersion.MAXIMUM_SUPPORTED:
            self._context.set_ciphers("ALL:@SECLEVEL=0")
            self._context.minimum_version = ssl.TLSVersion.TLSv1
            self._context.maximum_version = newest
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def _asked(self, sock: object, name: str | None, context: object) -> None:
        self.name = name

    def __enter__(self) -> "Listener":
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def _serve(self) -> None:
        with self._socket.accept()[0] as peer, contextlib.suppress(OSError):
            self._context.wrap_socket(peer, server_side=True).close()

    def __exit__(self, *problem: object) -> None:
        self._thread.join(10)
        self._socket.close()


def meet(listener: Listener, host: str = "localhost", ca_file: str = "") -> ssl.SSLSocket:
    with listener:
        sock = tls.connect("127.0.0.1", listener.port, 5)
        return tls.wrap(sock, tls.context(ca_file or str(certs.authority().ca_file)), host)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_a_server_that_knows_only_old_tls_is_turned_down(version):
    with pytest.raises(MailError) as caught:
        meet(Listener(newest=ssl.TLSVersion[version]))
    assert caught.value.code == "tls-failed"


def test_no_renegotiation_and_no_compression():
    options = tls.context().options
    assert options & ssl.OP_NO_RENEGOTIATION
    assert options & ssl.OP_NO_COMPRESSION


def test_the_server_is_told_whom_we_want():
    listener = Listener("mail.example.org")
    meet(listener, "mail.example.org").close()
    assert listener.name == "mail.example.org"


def test_an_international_name_is_the_one_of_today_not_of_2003():
    """IDNA 2003 made ``fass`` of ``faß``: another domain, which may be another person's."""
    assert tls.ascii_host("mail.faß.example") == "mail.xn--fa-hia.example"
    assert tls.ascii_host("127.0.0.1") == "127.0.0.1"
    listener = Listener("mail.xn--fa-hia.example")
    meet(listener, "mail.faß.example").close()
    assert listener.name == "mail.xn--fa-hia.example"


@pytest.mark.parametrize("host", ["127.0.0.1\0.example.org", "local host", "a..b", "", "\ud800"])
def test_what_is_no_host_is_not_looked_up(host, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: pytest.fail("it was looked up"))
    with pytest.raises(MailError) as caught:
        tls.connect(host, 993, 2)
    assert caught.value.code == "unknown-host"


def test_one_certificate_can_be_trusted_by_its_own_file_and_no_other_for_it(tmp_path):
    """The only exception there is: an explicit act, for one account, one certificate and its own names."""
    mine = tmp_path / "mine.pem"
    mine.write_bytes(certs.authority().leaf("self-signed")[0].read_bytes())
    meet(Listener("self-signed"), ca_file=str(mine)).close()
    with pytest.raises(MailError) as caught:
        meet(Listener("self-signed"), "mail.example.org", str(mine))
    assert caught.value.code == "certificate-wrong-name"
    (tmp_path / "other").mkdir()
    another = certs.Authority(tmp_path / "other").leaf("self-signed")[0]
    with pytest.raises(MailError) as caught:
        meet(Listener("self-signed"), ca_file=str(another))
    assert caught.value.code == "certificate-untrusted"


def test_each_certificate_that_does_not_fit_has_a_sentence_of_its_own():
    said = {}
    for kind in ("expired", "not-yet", "wrong-name", "self-signed", "stranger"):
        with pytest.raises(MailError) as caught:
            handshake(kind)
        said[kind] = caught.value.text
    assert len(set(said.values())) == 5, said
