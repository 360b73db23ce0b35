"""An SMTP server that takes mail and remembers it: for tests of what is sent how often, and after which trouble.

    with MailSink() as sink:
        ...                              # 127.0.0.1, sink.port
        sink.copies("ann@example.net")   # the messages that she got

``plan`` decides per event: it is called with ("greeting", ""), ("ehlo", line), ("starttls", ""), ("tls", "") when the
handshake is done, ("mail", line), ("rcpt", address), ("data", ""), ("body", "") before the message is read, ("dot",
message-id), and returns None (go on), a reply to give instead, or one of DROP (close now), RESET (the same, by RST),
TAKE_AND_DROP (at the dot: keep the mail, close without a word). STARTTLS, AUTH PLAIN, PIPELINING and CHUNKING are
offered as asked for. With ``lmtp`` each recipient has its answer to the dot: ("dot", address).
"""

import re
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import certs

DROP, RESET, TAKE_AND_DROP = "DROP", "RESET", "TAKE_AND_DROP"
PIECE_SECONDS = 0.001  # between the pieces of a reply: each is a packet
Plan = Callable[[str, str], str | None]


async def unrecorded(admitted: tuple[str, ...]) -> None:
    """Nothing is put on disk before the dot."""


class _Dropped(Exception):
    """The plan says: close."""


class _Handler(socketserver.StreamRequestHandler):
    """One connection."""

    server: "_Server"

    def handle(self) -> None:
        """Talk until QUIT, a drop, or the client's leave."""
        self.sink = self.server.sink
        self.sink.connections += 1
        self.sender, self.recipients = "", []
        try:
            self._say(self._planned("greeting") or "220 sink")
            while line := self.rfile.readline():
                if not self._command(line.decode("utf-8", "replace").strip()):
                    return
        except (_Dropped, OSError):
            return
        finally:
            if isinstance(self.connection, ssl.SSLSocket):
                self.connection.close()

    def _say(self, text: str) -> None:
        data = self.sink.say(text.encode("utf-8", "surrogateescape") + b"\r\n")
        budget = self.sink.budget
        if budget is None:
            self._write(data)
            return
        self.sink.budget = max(budget - len(data), 0)
        self.wfile.write(data[:budget])
        if budget < len(data):
            raise _Dropped

    def _write(self, data: bytes) -> None:
        piece = self.sink.piece or len(data)
        for at in range(0, len(data), piece):
            self.wfile.write(data[at : at + piece])
            if piece < len(data):
                time.sleep(PIECE_SECONDS)

    def _reset(self) -> None:
        """Close by RST: nothing lingers."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def _planned(self, event: str, what: str = "") -> str | None:
        verdict = self.sink.plan(event, what)
        if verdict == RESET:
            self._reset()
        if verdict in (DROP, RESET):
            raise _Dropped
        return verdict

    def _command(self, line: str) -> bool:
        self.sink.lines.append(line)
        verb = line.split(" ")[0].upper()
        action = getattr(self, f"_{verb.lower()}", None)
        if verb == ("EHLO" if self.sink.lmtp else "LHLO"):
            self._say("500 5.5.1 not here")
            return True
        if verb == "QUIT" or action is None:
            self._say("221 bye" if verb == "QUIT" else "250 ok")
            return verb != "QUIT"
        action(line)
        return True

    def _ehlo(self, line: str) -> None:
        if reply := self._planned("ehlo", line):
            self._say(reply)
            return
        plain = not isinstance(self.connection, ssl.SSLSocket)
        offers = ["PIPELINING", "8BITMIME", "AUTH PLAIN", *(["STARTTLS"] if plain and self.sink.tls else [])]
        offers += ["CHUNKING"] if self.sink.chunked else []
        self._say("\r\n".join(["250-sink", *(f"250-{offer}" for offer in offers), "250 HELP"]))

    def _lhlo(self, line: str) -> None:
        self._ehlo(line)

    def _starttls(self, _: str) -> None:
        if reply := self._planned("starttls"):
            self._say(reply)
            raise _Dropped
        self._say("220 go")
        context = certs.authority().server_context(self.sink.tls)
        self.rfile.close()
        self.wfile.close()
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self._planned("tls")

    def _auth(self, line: str) -> None:
        self.sink.logins.append(line)
        self._say(self._planned("auth", line) or "235 in")

    def _mail(self, line: str) -> None:
        reply = self._planned("mail", line) or "250 ok"
        self.sender, self.recipients = line if reply.startswith("2") else "", []
        self.chunks: list[bytes] = []
        self._say(reply)

    def _rcpt(self, line: str) -> None:
        address = re.findall("<(.*)>", line)[0]
        if not self.sender:
            self._say("503 5.5.1 no MAIL before")
            return
        reply = self._planned("rcpt", address) or "250 ok"
        if reply.startswith("2"):
            self.recipients.append(address)
        self._say(reply)

    def _data(self, _: str) -> None:
        if not self.recipients:
            self._say("554 nobody")
            return
        reply = self._planned("data") or "354 go"
        self._say(reply)
        if reply.startswith("354"):
            self._message()

    def _message(self) -> None:
        self._planned("body")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _Dropped
            lines.append(line[1:] if line.startswith(b".") else line)
        self._end(b"".join(lines))

    def _bdat(self, line: str) -> None:
        size = int(line.split()[1])
        chunk = self.rfile.read(size)
        if len(chunk) < size:
            raise _Dropped
        self.chunks.append(chunk)
        if line.upper().endswith(" LAST"):
            self._end(b"".join(self.chunks))
        else:
            self._say("250 ok")

    def _end(self, message: bytes) -> None:
        if self.sink.lmtp:
            for address in self.recipients:
                reply = self._planned("dot", address) or "250 2.0.0 taken"
                if reply.startswith("2"):
                    self.sink.keep(address, message)
                self._say(reply)
            return
        found = re.search(rb"(?im)^Message-ID: <(.*)>", message)
        reply = self._planned("dot", found[1].decode() if found else "")
        if reply is None or reply == TAKE_AND_DROP or reply.startswith("2"):
            for address in self.recipients:
                self.sink.keep(address, message)
        if reply == TAKE_AND_DROP:
            raise _Dropped
        self._say(reply or "250 2.0.0 taken")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    sink: "MailSink"

    def handle_error(self, request: object, client_address: object) -> None:
        """A TLS handshake that the client broke off is no error of the sink."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _LocalServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    sink: "MailSink"


class MailSink:
    """A server on a free loopback port, or at the path ``host``.

    ``tls``: the leaf of ``certs`` for STARTTLS, or empty for none.
    """

    def __init__(
        self,
        plan: Plan | None = None,
        *,
        tls: str = "",
        host: str = "127.0.0.1",
        port: int = 0,
        chunked: bool = False,
        lmtp: bool = False,
    ) -> None:
        self.plan: Plan = plan or (lambda event, what: None)
        self.tls, self.chunked, self.lmtp = tls, chunked, lmtp
        self.say: Callable[[bytes], bytes] = lambda data: data  # what becomes of each reply on its way
        self.piece = 0  # octets of a reply that are sent at a time; 0: all
        self.lines: list[str] = []
        self.logins: list[str] = []
        self.connections = 0
        self.budget: int | None = None  # bytes that it still says before it closes; None: no limit
        self._kept: list[tuple[str, bytes]] = []
        self._arrived = threading.Condition()
        self.port = 0
        self._server: _Server | _LocalServer
        if host.startswith("/"):
            self._server = _LocalServer(host, _Handler)
        else:
            self._server = (_Server6 if ":" in host else _Server)((host, port), _Handler)
            self._server.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.port = self._server.server_address[1]
        self._server.sink = self

    def keep(self, address: str, message: bytes) -> None:
        """A message for ``address`` was taken."""
        with self._arrived:
            self._kept.append((address, message))
            self._arrived.notify_all()

    def copies(self, address: str) -> list[bytes]:
        """What ``address`` got."""
        with self._arrived:
            return [message for one, message in self._kept if one == address]

    def wait_for(self, address: str, count: int = 1, seconds: float = 10) -> list[bytes]:
        """The same, once there are ``count``."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len([1 for one, _ in self._kept if one == address]) >= count, seconds)
        return self.copies(address)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sink", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
