"""Leaving a list by one click, at real servers: what is sent, what is refused, and that it is sent once."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import certs
import pytest
from newsletter import evidence, newsletter
from scripted import Conversation, Scripted

from mua import wire
from mua.engine.context import Context
from mua.engine.reading import Whole, file_whole
from mua.engine.unsubscribe import unsubscribe
from mua.errors import MailError
from mua.model.account import Account, AccountId, Incoming
from mua.model.folder import Role
from mua.model.message import MessageId
from mua.net import https
from mua.paths import Profile
from mua.store import lists, origin, write
from mua.store.blobs import Bodies
from mua.store.db import Store

OK = b"HTTP/1.1 200 OK\r\nSet-Cookie: who=you\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    profile = Profile(tmp_path).create()
    made = Context(Store(profile), Bodies(profile), lambda _: "", lambda _: None)
    yield made
    made.bodies.close()
    made.store.close()


def received(context: Context, raw: bytes, *, checked: bool = True) -> MessageId:
    with context.store.write() as tx:
        name = f"account {tx.value('SELECT count(*) FROM account')}"
        account = write.add_account(tx, Account(AccountId(0), name, "maya@example.org", incoming=Incoming.LOCAL))
        folder = write.put_folder(tx, account, "INBOX", role=Role.INBOX, local=True)
        [made] = file_whole(context, tx, account, folder, [Whole(raw, 1_700_000_000)], append=False)
        if checked:
            origin.set_evidence(tx, made, evidence(raw))
    return made


def leave(context: Context, message: MessageId, seconds: float = 5.0) -> wire.Unsubscribed:
    """As the engine does, but that a web server on this computer counts as one."""
    ca_file = str(certs.authority().ca_file)
    return unsubscribe(context, message, partial(https.post, timeout=seconds, ca_file=ca_file, allow_private=True))


def refusal(context: Context, message: MessageId, seconds: float = 5.0) -> MailError:
    with pytest.raises(MailError) as caught:
        leave(context, message, seconds)
    return caught.value


def asked(talk: Conversation) -> tuple[list[bytes], bytes]:
    """One request: its lines, and as much of a body as they announce."""
    lines = []
    while line := talk.line():
        lines.append(line)
    [size] = [int(line.partition(b":")[2]) for line in lines if line.lower().startswith(b"content-length:")]
    return lines, talk.read(size)


def answer(raw: bytes, seen: list[tuple[list[bytes], bytes]] | None = None) -> Callable[[Conversation], None]:
    def talk(conversation: Conversation) -> None:
        found = asked(conversation)
        if seen is not None:
            seen.append(found)
        conversation.send(raw)
        conversation._drop("")

    return talk


def url_of(server: Scripted) -> str:
    return f"https://127.0.0.1:{server.port}/leave?u=1&l=%C3%A4#here"


def test_the_request_is_that_of_the_rfc_and_says_nothing_more(context: Context) -> None:
    seen: list[tuple[list[bytes], bytes]] = []
    talk = answer(OK, seen)
    with Scripted("TLS: good", talk, "---", "TLS: good", talk) as server:
        first, second = (received(context, newsletter(url_of(server))) for _ in range(2))
        assert leave(context, first) == leave(context, second) == wire.Unsubscribed("127.0.0.1", 200)
    for lines, body in seen:
        assert body == b"List-Unsubscribe=One-Click"
        assert lines == [
            b"POST /leave?u=1&l=%C3%A4 HTTP/1.1",
            f"Host: 127.0.0.1:{server.port}".encode(),
            b"Accept: */*",
            b"Accept-Encoding: identity",
            b"User-Agent: Mozilla/5.0",
            b"Connection: close",
            b"Content-Type: application/x-www-form-urlencoded",
            b"Content-Length: 26",
        ]
    assert len(seen) == 2


def test_it_is_sent_once_however_often_it_is_pressed(context: Context) -> None:
    def talk(conversation: Conversation) -> None:
        asked(conversation)
        conversation._signal("asked")
        conversation._stall("pressed again")
        conversation.send(OK)
        conversation._drop("")

    with Scripted("TLS: good", talk) as server:
        message = received(context, newsletter(url_of(server)))
        found: list[wire.Unsubscribed] = []
        first = threading.Thread(target=lambda: found.append(leave(context, message, 30.0)))
        first.start()
        server.wait("asked")
        assert leave(context, message).status == 0
        server.release("pressed again")
        first.join()
        assert [one.status for one in found] == [200]
        assert leave(context, message).status == 0
        assert len(server.conversations) == 1
    assert lists.unsubscribed_at(context.store.reader(), message) > 0


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"HTTP/1.1 301 Moved\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n", 301),
        (b"HTTP/1.1 303 See Other\r\nLocation: /done\r\nContent-Length: 0\r\n\r\n", 303),
        (b"HTTP/1.1 308 Gone there\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n", 308),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404),
        (b"HTTP/1.1 500 Oops\r\n\r\nno", 500),
    ],
)
def test_what_was_not_taken_is_told_not_followed_and_may_be_tried_again(
    context: Context, raw: bytes, status: int
) -> None:
    with Scripted("TLS: good", answer(raw), "---", "TLS: good", answer(OK)) as server:
        message = received(context, newsletter(url_of(server)))
        assert leave(context, message).status == status
        assert len(server.conversations) == 1
        assert lists.unsubscribed_at(context.store.reader(), message) == 0
        assert leave(context, message).status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 999999999999\r\n\r\n" + b"x" * (1 << 20),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnever a size",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    ],
)
def test_what_stands_in_an_answer_does_not_matter(context: Context, raw: bytes) -> None:
    def talk(conversation: Conversation) -> None:
        asked(conversation)
        try:
            conversation.send(raw)
        except OSError:
            pass  # nobody reads to the end
        conversation._closed = True
        conversation.sock.close()

    with Scripted("TLS: good", talk, partial=True) as server:
        assert leave(context, received(context, newsletter(url_of(server)))).status in (200, 202, 204)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "protocol-error"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n", "protocol-error"),
        (b"* OK IMAP4rev1 here\r\n", "protocol-error"),
        (b"", "connection-lost"),
    ],
)
def test_answers_that_are_none(context: Context, raw: bytes, code: str) -> None:
    with Scripted("TLS: good", answer(raw), partial=True) as server:
        message = received(context, newsletter(url_of(server)))
        error = refusal(context, message)
    assert error.code == code
    assert error.text == "127.0.0.1 did not answer as it should, so whether it took it is not known."
    assert lists.unsubscribed_at(context.store.reader(), message) == 0


def test_a_slow_answer_is_given_up(context: Context) -> None:
    def trickle(talk: Conversation) -> None:
        asked(talk)
        talk.send(b"HTTP/1.1 200 ")
        talk._stall("given up")

    with Scripted("TLS: good", trickle, partial=True) as server:
        message = received(context, newsletter(url_of(server)))
        began = time.monotonic()
        error = refusal(context, message, 1.0)
        assert time.monotonic() - began < 10
        server.release("given up")
    assert error.code == "timeout" and "not known" in error.text


@pytest.mark.parametrize("kind", ["expired", "wrong-name", "self-signed", "stranger"])
def test_nothing_is_sent_to_whom_no_certificate_names(context: Context, kind: str) -> None:
    with Scripted(f"TLS: {kind}", asked, partial=True) as server:
        error = refusal(context, received(context, newsletter(url_of(server))))
    assert error.code.startswith("certificate") and "nothing was sent" in error.text
    assert server.lines == []


def test_this_computers_own_network_is_never_asked(context: Context) -> None:
    """The real way, without the leave that the other tests have."""
    with Scripted("TLS: good", asked, partial=True, patience=0.2) as server:
        for host in ("127.0.0.1", "localhost", "[::1]"):
            message = received(context, newsletter(f"https://{host}:{server.port}/leave"))
            with pytest.raises(MailError) as caught:
                unsubscribe(context, message)
            assert caught.value.code == "private-address" and "nothing was sent" in caught.value.text
            assert lists.unsubscribed_at(context.store.reader(), message) == 0
        assert server.conversations == []


@pytest.mark.parametrize(
    ("options", "checked", "why"),
    [
        ({}, False, "not checked"),
        ({"sign": False}, True, "No signature covers all of it"),
        ({"later": "List-Unsubscribe: <https://evil.example/>\r\n"}, True, "exactly one https address"),
        ({"later": "Subject: Another\r\n"}, True, "No signature covers all of it"),
    ],
)
def test_without_a_signature_that_covers_it_nobody_is_asked(
    context: Context, options: dict[str, object], checked: bool, why: str
) -> None:
    with Scripted("TLS: good", asked, partial=True, patience=0.2) as server:
        raw = newsletter(url_of(server), **options)  # type: ignore[arg-type]
        error = refusal(context, received(context, raw, checked=checked))
        assert server.conversations == []
    assert error.code == "no-one-click" and why in error.text, error.text
