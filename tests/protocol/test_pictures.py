"""Pictures of mail, fetched from real web servers: what is asked, what is refused, and what is kept."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import certs
import pytest

from mua.engine import pictures
from mua.engine.context import Context
from mua.errors import MailError
from mua.mime.headers import envelope
from mua.mime.remote import image_name, media_type
from mua.model.account import Account, AccountId, Incoming
from mua.model.folder import Role
from mua.model.message import MessageId
from mua.net.https import is_public
from mua.paths import Profile
from mua.plan.proxy import proxy_of
from mua.store import write
from mua.store.blobs import Bodies
from mua.store.db import Store
from mua.store.write import NewMessage

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


class Web:
    """A web server, protected or not, that keeps what it was asked; ``pages`` is path -> (status, fields, body)."""

    def __init__(self, *, tls: str = "") -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.slow = threading.Event()
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                status, fields, body = web.pages.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Set-Cookie", "who=you")
                self.end_headers()
                self.wfile.write(body)
                if self.path == "/slow":
                    web.slow.wait(30)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            context: ssl.SSLContext = certs.authority().server_context(tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.base = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.slow.set()
        self._server.shutdown()
        self._server.server_close()


class Via:
    """A proxy that leads to 127.0.0.1 whatever name it is given, and keeps the names: SOCKS 5 and HTTP on one port."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.reply = b""  # instead of leading anywhere
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._one, args=(sock,), daemon=True).start()

    def _one(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock:
            first = sock.recv(1)
            if self.reply:
                sock.sendall(self.reply)
                return
            before = b""
            if first == b"\x05":
                sock.recv(2)
                sock.sendall(b"\x05\x00")
                asked = sock.recv(300)
                assert asked[:4] == b"\x05\x01\x00\x03"  # a name, never an address
                name, port = asked[5:-2].decode(), int.from_bytes(asked[-2:], "big")
                sock.sendall(b"\x05\x00\x00\x01" + bytes(6))
            else:
                words = first
                while b"\r\n\r\n" not in words:
                    words += sock.recv(4096)
                method, target, _ = words.split(b"\r\n")[0].decode().split()
                place = target if method == "CONNECT" else urlsplit(target).netloc
                name, _, digits = place.rpartition(":")
                port = int(digits)
                if method == "CONNECT":
                    sock.sendall(b"HTTP/1.1 200 ok\r\nX: y\r\n\r\n")
                else:
                    before = words.replace(target.encode(), urlsplit(target).path.encode(), 1)
            self.asked.append(f"{name}:{port}")
            with socket.create_connection(("127.0.0.1", port)) as there:
                there.sendall(before)
                back = threading.Thread(target=self._pass, args=(there, sock))
                back.start()
                self._pass(sock, there)
                back.join()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):  # closed before
            self._listener.shutdown(socket.SHUT_RDWR)  # or it would accept once more
        self._listener.close()


@pytest.fixture
def via() -> Iterator[Via]:
    made = Via()
    yield made
    made.close()


@pytest.fixture
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.close()


@pytest.fixture
def safe_web() -> Iterator[Web]:
    made = Web(tls="good")
    yield made
    made.close()


def get(url: str, seconds: float = 5.0) -> bytes:
    """As the engine does, but that a web server on this computer counts as one."""
    return pictures.fetched(url, seconds, ca_file=str(certs.authority().ca_file), allow_private=True)


def refusal(url: str, seconds: float = 5.0) -> str:
    with pytest.raises(MailError) as caught:
        get(url, seconds)
    return caught.value.code


@pytest.mark.parametrize("kind", ["web", "safe_web"])
def test_the_request_says_nothing_of_who_asks(kind: str, request: pytest.FixtureRequest) -> None:
    web: Web = request.getfixturevalue(kind)
    web.pages["/a.png?x=1"] = (200, {}, PNG)
    assert get(f"{web.base}/a.png?x=1") == PNG
    assert get(f"{web.base}/a.png?x=1") == PNG
    for path, fields in web.asked:
        assert path == "/a.png?x=1"
        assert set(fields) == {
            "host",
            "accept",
            "accept-encoding",
            "user-agent",
            "connection",
        }  # no cookie, no referrer
        assert fields["user-agent"] == "Mozilla/5.0"


def test_redirects_are_followed_and_looked_at_anew(web: Web, safe_web: Web) -> None:
    web.pages["/here"] = (302, {"Location": f"{safe_web.base}/there"}, b"")
    safe_web.pages["/there"] = (200, {}, PNG)
    assert get(f"{web.base}/here") == PNG
    for place in ("file:///etc/passwd", "ftp://127.0.0.1/x", "//user@127.0.0.1/x"):
        web.pages["/away"] = (302, {"Location": place}, b"")
        assert refusal(f"{web.base}/away") == "https-only"
    web.pages["/round"] = (302, {"Location": "/round"}, b"")
    assert refusal(f"{web.base}/round") == "bad-redirect"


def test_a_redirect_into_ones_own_network_is_refused(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first host counts as public here; the one that it sends to does not."""
    from mua.net import https

    asked: list[str] = []

    def addresses(host: str, port: int, allow_private: bool) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if host == "pictures.test" else real(host, port, allow_private)

    real = https._addresses
    monkeypatch.setattr(https, "_addresses", addresses)
    for place in ("http://127.0.0.1:1/", "http://[::1]:1/", "http://169.254.169.254/latest/", "http://10.0.0.1/"):
        web.pages["/x"] = (302, {"Location": place}, b"")
        with pytest.raises(MailError) as caught:
            pictures.fetched(f"http://pictures.test:{web.port}/x", 5.0)
        assert caught.value.code == "private-address"
    assert asked[0] == "pictures.test"


def test_the_address_that_was_looked_at_is_connected_to(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that leads elsewhere the second time it is asked for (DNS rebinding): it is asked for once."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, *rest: object, **more: object) -> object:
        if host != "rebound.test":
            return real(host, *rest, **more)  # type: ignore[arg-type]
        asked.append(host)
        address = "198.51.100.1" if len(asked) > 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, web.port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    web.pages["/"] = (200, {}, PNG)
    assert get(f"http://rebound.test:{web.port}/") == PNG
    assert asked == ["rebound.test"]
    asked.clear()
    with pytest.raises(MailError) as caught:  # and without the leave that tests have, it is not connected to at all
        pictures.fetched(f"http://rebound.test:{web.port}/", 5.0)
    assert caught.value.code == "private-address"
    assert len(web.asked) == 1


@pytest.mark.parametrize("scheme", ["socks5", "http"])
def test_a_proxy_looks_the_names_up(
    via: Via, web: Web, safe_web: Web, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no name is looked up here, nor a private one handed over; the certificate is still the host's."""
    real = socket.getaddrinfo

    def resolve(host: str, *rest: object, **more: object) -> object:
        assert host == "127.0.0.1"  # where the proxy is
        return real(host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    ask = partial(
        pictures.fetched, seconds=5.0, ca_file=str(certs.authority().ca_file),
        proxy=proxy_of(f"{scheme}://127.0.0.1:{via.port}"),
    )  # fmt: skip
    web.pages["/a"] = safe_web.pages["/a"] = (200, {}, PNG)
    assert ask(f"http://pictures.example:{web.port}/a") == PNG
    assert via.asked == [f"pictures.example:{web.port}"]
    assert set(web.asked[0][1]) == {"host", "accept", "accept-encoding", "user-agent", "connection"}
    with pytest.raises(MailError) as caught:
        ask(f"https://pictures.example:{safe_web.port}/a")
    assert caught.value.code.startswith("certificate")
    via.asked.clear()
    for host in ("127.0.0.1", "127.1", "10.0.0.1", "[::1]", "localhost", "printer", "nas.local", "x.home.arpa"):
        with pytest.raises(MailError) as caught:
            ask(f"https://{host}:{safe_web.port}/a")
        assert caught.value.code == "private-address"
    assert via.asked == []


@pytest.mark.parametrize(
    ("scheme", "reply"),
    [
        ("socks5", b"\x05\xff"), ("socks5", b"\x05\x00\x05\x05\x00\x01"), ("socks5", b"HTTP/1.1 400 no\r\n\r\n"),
        ("socks5", b"\x05"), ("http", b"HTTP/1.1 403 no\r\n\r\n"), ("http", b"HTTP/1.1 407 who\r\n\r\n"),
        ("http", b"x" * 10_000), ("http", b"\r\n\r\n"), ("http", b"HTTP/1.1\r\n\r\n"),
    ],
)  # fmt: skip
def test_a_proxy_that_does_not_lead_there(via: Via, scheme: str, reply: bytes) -> None:
    via.reply = reply
    with pytest.raises(MailError) as caught:
        pictures.fetched("https://pictures.example/a", 5.0, proxy=proxy_of(f"{scheme}://127.0.0.1:{via.port}"))
    assert caught.value.code == "proxy-refused"


def test_without_its_proxy_nothing_is_asked(context: Context, web: Web, via: Via) -> None:
    message = received(context, f'<img src="http://pictures.example:{web.port}/a"><img src="https://b.example/b">')
    via.close()
    with pytest.raises(MailError) as caught:
        pictures.load(context, message, proxy=proxy_of(f"socks5://127.0.0.1:{via.port}"))
    assert caught.value.code == "proxy-unreachable"
    assert web.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "198.51.100.7", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::1", "2002:a00:1::",
        "2001:db8::1", "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)  # fmt: skip
def test_addresses_that_are_not_asked(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_addresses_that_may_be_asked(address: str) -> None:
    assert is_public(address)


def test_https_is_tried_before_an_unprotected_address(monkeypatch: pytest.MonkeyPatch) -> None:
    from mua.net import https

    asked: list[str] = []

    def fetch(url: str, **_: object) -> bytes:
        asked.append(url)
        if url.startswith("https:"):
            raise https._refused(https.urlsplit(url), "no", "connection-refused")
        return PNG

    monkeypatch.setattr(https, "fetch", fetch)
    assert get("http://a.test/x") == PNG
    assert asked == ["https://a.test/x", "http://a.test/x"]
    asked.clear()
    with pytest.raises(MailError):
        get("https://a.test/x")
    assert asked == ["https://a.test/x"]  # and never the other way


def test_size_and_time_are_bounded(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_PICTURE", 1000)
    web.pages["/large"] = (200, {}, PNG + b"x" * 1000)
    web.pages["/slow"] = (200, {"Content-Length": "100"}, PNG)
    assert refusal(f"{web.base}/large") == "too-big"
    began = time.monotonic()
    assert refusal(f"{web.base}/slow", 1.0) == "timeout"
    assert time.monotonic() - began < 10


def test_a_certificate_of_another_does_not_do() -> None:
    web = Web(tls="wrong-name")
    web.pages["/"] = (200, {}, PNG)
    assert refusal(f"{web.base}/").startswith("certificate")
    web.close()


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (PNG, "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"GIF89a", "image/gif"),
        (b"RIFF1234WEBP", "image/webp"),
        (b"\0\0\0\x1cftypavif", "image/avif"), (b"<svg xmlns='http://www.w3.org/2000/svg'>", ""), (b"<html>", ""),
        (b"GIF89", ""), (b"%PDF-1.7", ""), (b"", ""),
    ],
)  # fmt: skip
def test_only_pictures_are_pictures(start: bytes, kind: str) -> None:
    assert media_type(start) == kind


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    profile = Profile(tmp_path).create()
    made = Context(Store(profile), Bodies(profile), lambda _: "", lambda _: None)
    yield made
    made.bodies.close()
    made.store.close()


def received(context: Context, html: str) -> MessageId:
    """A message of this HTML in a mailbox on this computer."""
    raw = b"From: shop@example.org\r\nContent-Type: text/html\r\n\r\n" + html.encode()
    with context.store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "a", "ann@example.org", incoming=Incoming.LOCAL))
        folder = write.put_folder(tx, account, "INBOX", role=Role.INBOX, local=True)
        new = NewMessage(envelope(raw), 1_700_000_000, len(raw), None)
        [message_id] = write.add_messages(tx, account, folder, [new])
    from mua.engine.reading import facts

    place = context.bodies.put([(message_id, raw)])[message_id]
    with context.store.write() as tx:
        write.set_bodies(tx, [facts(message_id, place, raw)])
    return message_id


def test_what_a_message_shows_is_fetched_once_and_nothing_that_watches(context: Context, web: Web) -> None:
    base = web.base
    web.pages |= {
        "/a.png": (200, {"Content-Type": "text/html"}, PNG),  # its octets count, not what is said of them
        "/b.png": (200, {"Content-Type": "image/png"}, b"<html>not one</html>"),
        "/ground": (200, {}, PNG),
        "/cell": (200, {}, PNG),
    }
    message = received(
        context,
        f'<img src="{base}/a.png"><img src="{base}/a.png"><img src="{base}/b.png"><img src="{base}/gone.png">'
        f'<img src="{base}/dot" width=1 height=1><img src="{base}/wf/open?u=1">'
        f'<table background="{base}/ground"><tr><td style="background:url({base}/cell)">x</table>',
    )
    load: Callable[[], object] = partial(pictures.load, context, message, get)
    told = pictures.load(context, message, get)
    assert (told.here, told.missing) == (3, 2)
    assert sorted(path for path, _ in web.asked) == ["/a.png", "/b.png", "/cell", "/gone.png", "/ground"]
    folder = context.store.profile.pictures
    assert (folder / image_name(f"{base}/a.png")).read_bytes() == PNG
    assert not (folder / image_name(f"{base}/b.png")).exists()
    web.asked.clear()
    load()
    assert sorted(path for path, _ in web.asked) == ["/b.png", "/gone.png"]  # what is here is not asked for again


def test_all_of_a_message_together_is_bounded(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_ALL", 10 * len(PNG))
    message = received(context, "".join(f'<img src="https://a.test/{number}">' for number in range(100)))
    told = pictures.load(context, message, lambda url, seconds: PNG)
    assert told.here == 10
    assert told.missing == 90


def test_pictures_of_this_computer_are_never_fetched(context: Context, web: Web) -> None:
    """The real way, without the leave that the other tests have."""
    message = received(context, f'<img src="{web.base}/a.png"><img src="http://localhost:{web.port}/b.png">')
    told = pictures.load(context, message)
    assert (told.here, told.missing) == (0, 2)
    assert web.asked == []


def test_old_pictures_are_forgotten(context: Context) -> None:
    folder = context.store.profile.pictures
    folder.mkdir()
    for name in ("old", "new", "half.part"):
        (folder / name).write_bytes(PNG)
    (folder / "renamed.part").symlink_to("nowhere")  # listed, and gone when it is looked at
    import os

    now = time.time()
    os.utime(folder / "old", (now - pictures.KEPT - 9, now - pictures.KEPT - 9))
    os.utime(folder / "half.part", (now - 3600, now - 3600))
    assert pictures.forget(context.store.profile, now) == 2
    assert [path.name for path in folder.iterdir() if path.exists()] == ["new"]
