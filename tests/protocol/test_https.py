"""Fetching a small file over https: verified, bounded, and never anywhere that was not asked for."""

import time
from collections.abc import Callable

import certs
import pytest
from scripted import Conversation, Scripted

from mua.errors import MailError
from mua.net.https import ask, fetch

Part = str | Callable[[Conversation], object]


def asked(talk: Conversation) -> list[bytes]:
    """Read one request up to its empty line."""
    lines = []
    while line := talk.line():
        lines.append(line)
    return lines


def answer(raw: bytes) -> Callable[[Conversation], None]:
    def talk(conversation: Conversation) -> None:
        asked(conversation)
        conversation.send(raw)
        conversation._drop("")

    return talk


def get(server: Scripted, path: str = "/mail/config-v1.1.xml", **options: object) -> bytes:
    ca_file = str(certs.authority().ca_file)
    settings: dict[str, object] = {"ca_file": ca_file, "allow_private": True, "timeout": 5.0} | options
    return fetch(f"https://127.0.0.1:{server.port}{path}", **settings)  # type: ignore[arg-type]


def failure(*parts: Part, **options: object) -> MailError:
    with Scripted(*parts, partial=True) as server, pytest.raises(MailError) as caught:
        get(server, **options)
    return caught.value


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "raw",
    [
        OK + b"Content-Length: 5\r\n\r\n<xml>",
        OK + b"Content-Length: 5\r\n\r\n<xml>and what nobody asked for",
        OK + b"\r\n<xml>",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n<x\r\n3\r\nml>\r\n0\r\n\r\n",
        b"HTTP/1.0 200 fine\r\n\r\n<xml>",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 5\r\n\r\n<xml>",
    ],
)
def test_the_octets_come_back(raw: bytes) -> None:
    with Scripted("TLS: good", "SPLIT", answer(raw)) as server:
        assert get(server) == b"<xml>"


def test_the_request_tells_nothing() -> None:
    seen: list[bytes] = []

    def talk(conversation: Conversation) -> None:
        seen.extend(asked(conversation))
        conversation.send(OK + b"Content-Length: 0\r\n\r\n")

    with Scripted("TLS: good", talk) as server:
        assert get(server, "/mail/config-v1.1.xml?emailaddress=ada%40example.org") == b""
        host = f"Host: 127.0.0.1:{server.port}".encode()
    assert seen[:2] == [b"GET /mail/config-v1.1.xml?emailaddress=ada%40example.org HTTP/1.1", host]
    names = {line.split(b":")[0] for line in seen[1:]}
    assert names == {b"Host", b"Accept", b"Accept-Encoding", b"User-Agent", b"Connection"}
    assert b"User-Agent: Mua" in seen


def test_the_address_that_answers_is_used() -> None:
    """``localhost`` may well be ::1 first, where nobody listens."""
    with Scripted("TLS: good", answer(OK + b"\r\nhere")) as server:
        there = f"https://localhost:{server.port}/"
        assert fetch(there, ca_file=str(certs.authority().ca_file), allow_private=True) == b"here"


def moved(where: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {where}\r\nContent-Length: 0\r\n\r\n".encode()


def test_a_redirect_is_followed() -> None:
    with Scripted("TLS: good", answer(moved("/else")), "---", "TLS: good", answer(OK + b"\r\nhere")) as server:
        assert get(server) == b"here"
    assert server.conversations[1].transcript


@pytest.mark.parametrize(
    ("where", "code"),
    [
        ("http://127.0.0.1/else", "https-only"),
        ("ftp://127.0.0.1/", "https-only"),
        ("file:///etc/passwd", "https-only"),
        ("https://user:secret@127.0.0.1/", "https-only"),
        ("https://127.0.0.1:99999/", "https-only"),
        ("https://[bad/", "https-only"),
        ("https://does-not-exist.invalid/", "unknown-host"),
    ],
)
def test_a_redirect_to_elsewhere(where: str, code: str) -> None:
    assert failure("TLS: good", answer(moved(where))).code == code


def test_redirects_end() -> None:
    turn: list[Part] = ["---", "TLS: good", answer(moved("/again"))]
    assert failure(*(turn * 4)[1:]).code == "bad-redirect"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing", "http-status"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "http-status"),
        (b"HTTP/1.1 500 Oops\r\n\r\n", "http-status"),
        (b"* OK IMAP4rev1 here\r\n", "protocol-error"),
        (b"", "connection-lost"),
        (OK[:9], "protocol-error"),
        (OK + b"X: y\r\n" * 1000 + b"\r\n", "protocol-error"),
        (OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n", "protocol-error"),
        (OK + b"Content-Length: 100\r\n\r\nshort", "connection-lost"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nshort", "protocol-error"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", "protocol-error"),
        (OK + b"Content-Length: 999999999999\r\n\r\n" + b"x" * 2000, "too-big"),
        (OK + b"\r\n" + b"x" * 1001, "too-big"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n" + b"x" * 2000, "too-big"),
    ],
)
def test_answers_that_are_none(raw: bytes, code: str) -> None:
    assert failure("TLS: good", answer(raw), max_bytes=1000).code == code


def test_an_answer_that_trickles_in_is_given_up() -> None:
    def trickle(talk: Conversation) -> None:
        asked(talk)
        talk.send(OK + b"Content-Length: 1000\r\n\r\n")
        for _ in range(200):
            talk.send(b"x")
            time.sleep(0.02)

    assert failure("TLS: good", trickle, timeout=0.5).code == "timeout"


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("expired", "certificate-expired"),
        ("wrong-name", "certificate-wrong-name"),
        ("self-signed", "certificate-untrusted"),
        ("stranger", "certificate-untrusted"),
    ],
)
def test_nothing_is_asked_over_an_unverified_connection(kind: str, code: str) -> None:
    with Scripted(f"TLS: {kind}", asked, partial=True) as server, pytest.raises(MailError) as caught:
        get(server)
    assert caught.value.code == code
    assert not server.lines


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "10.0.0.1", "192.168.1.1", "169.254.1.1", "[fe80::1]",
     "[::ffff:127.0.0.1]", "100.64.0.1"],
)  # fmt: skip
def test_a_name_cannot_lead_into_the_own_network(host: str) -> None:
    with pytest.raises(MailError) as caught:
        fetch(f"https://{host}/", timeout=2)
    assert caught.value.code == "private-address"


@pytest.mark.parametrize(
    "url",
    ["http://example.org/", "example.org", "", "https://a b/", "https://exämple.org/", "https://example.org/\r\nX: y",
     "https://u@example.org/", "https://example.org:0/"],
)  # fmt: skip
def test_only_https_addresses(url: str) -> None:
    with pytest.raises(MailError) as caught:
        fetch(url)
    assert caught.value.code == "https-only"


def test_plain_http_behind_the_port() -> None:
    assert failure("S: HTTP/1.1 400 Bad Request").code == "tls-failed"


def test_no_redirect_and_no_other_type_where_neither_is_allowed() -> None:
    there = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    assert failure("TLS: good", answer(there), redirects=0).code == "bad-redirect"
    page = OK + b"Content-Type: text/html; charset=utf-8\r\nContent-Length: 2\r\n\r\nhi"
    assert failure("TLS: good", answer(page), media="text/plain").code == "protocol-error"
    plain = page.replace(b"text/html", b"Text/Plain")
    with Scripted("TLS: good", answer(plain)) as server:
        assert get(server, media="text/plain") == b"hi"


def form_asked(*parts: Part, form: str = "grant_type=refresh_token&refresh_token=x") -> tuple[int, bytes]:
    with Scripted(*parts, partial=True) as server:
        url, ca_file = f"https://127.0.0.1:{server.port}/token", str(certs.authority().ca_file)
        return ask(url, form, timeout=5.0, ca_file=ca_file, allow_private=True)


@pytest.mark.parametrize("status", [200, 400, 401, 503])
def test_a_form_is_answered_whatever_the_status(status: int) -> None:
    head = f"HTTP/1.1 {status} so\r\nContent-Length: 2\r\n\r\n".encode()
    assert form_asked("TLS: good", "SPLIT", answer(head + b"{}")) == (status, b"{}")


def test_a_form_goes_to_nobody_else() -> None:
    moved = b"HTTP/1.1 307 there\r\nLocation: https://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    assert form_asked("TLS: good", answer(moved)) == (307, b"")


@pytest.mark.parametrize("leaf", ["expired", "wrong-name", "stranger", "self-signed"])
def test_a_form_is_not_sent_to_a_stranger(leaf: str) -> None:
    with pytest.raises(MailError) as caught:
        form_asked(f"TLS: {leaf}")
    assert caught.value.code.startswith("certificate-")
