"""A POP3 server with a maildrop, for tests that need more than one conversation.

    with Maildrop({"uid-1": b"Subject: one\r\n\r\n"}) as drop:
        ...                    # talk to 127.0.0.1, drop.port; any user, password "right"
        drop.retrieved         # unique ids in the order they were fetched, over all sessions
        drop.messages          # what is left (deletions happen at QUIT)

``cut_after`` octets of answers each session is dropped (None: never), ``sent`` counts those of the last session;
``uids=False`` is a server without UIDL, ``numbers_as_uids`` tells the number where an id should be, ``top=False``
knows no TOP.  ``refuse`` holds unique ids whose RETR is answered with -ERR, ``deadly`` those whose RETR ends the
session; ``sizes`` are lies about the sizes of some.  ``at_quit`` is "update", or "forget" for a server that is gone
before it deletes anything, or "half" for one that deletes one message and says -ERR.  While ``flowing`` is cleared a
message stops half-way, and ``halfway`` is set.
"""

import contextlib
import socketserver
import threading
from types import TracebackType
from typing import Self


class _Session(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        self.drop = self.server.drop
        self.left = self.drop.cut_after
        self.listed = list(self.drop.messages.items())
        self.deleted: set[str] = set()
        self.drop.sessions += 1
        self.drop.sent = 0
        with contextlib.suppress(OSError, EOFError):
            self.say(b"+OK ready")
            while words := self.rfile.readline().split():
                self.drop.commands.append(b" ".join(words[:2]).decode())
                getattr(self, "do_" + words[0].decode().lower(), self.do_unknown)(*words[1:])
                if words[0] == b"QUIT":
                    return

    def say(self, line: bytes, body: bytes | None = None) -> None:
        data = line + b"\r\n"
        if body is not None:
            data += (b"\r\n" + body).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
        if self.left is not None:
            data, self.left = data[: self.left], self.left - len(data)
        self.drop.sent += len(data)  # before it is: who has read it all may look at once
        self.wfile.write(data)
        if self.left is not None and self.left < 0:
            raise EOFError

    def do_unknown(self, *_: bytes) -> None:
        self.say(b"-ERR unknown")

    def do_capa(self) -> None:
        self.say(b"+OK", b"USER\r\n" + b"TOP\r\n" * self.drop.top + self.drop.capabilities)

    def do_user(self, _: bytes) -> None:
        self.say(b"+OK")

    def do_pass(self, password: bytes) -> None:
        self.say(b"+OK" if password == b"right" else b"-ERR [AUTH] no")

    def do_list(self) -> None:
        sizes = [self.drop.sizes.get(uid, len(raw)) for uid, raw in self.listed]
        lines = [b"%d %d\r\n" % (n, size) for n, size in enumerate(sizes, 1)]
        self.say(b"+OK", b"".join(lines))

    def do_uidl(self) -> None:
        if not self.drop.uids:
            self.say(b"-ERR unknown")
            return
        uids = [str(n) if self.drop.numbers_as_uids else uid for n, (uid, _) in enumerate(self.listed, 1)]
        lines = [b"%d %s\r\n" % (n, uid.split("#")[0].encode()) for n, uid in enumerate(uids, 1)]
        self.say(b"+OK", b"".join(lines))

    def do_top(self, number: bytes, _: bytes) -> None:
        if not self.drop.top:
            self.say(b"-ERR unknown")
            return
        self.say(b"+OK", self.listed[int(number) - 1][1].partition(b"\r\n\r\n")[0] + b"\r\n\r\n")

    def do_retr(self, number: bytes) -> None:
        uid, raw = self.listed[int(number) - 1]
        if uid in self.drop.refuse:
            self.say(b"-ERR [SYS/TEMP] later")
            return
        if uid in self.drop.deadly:
            raise EOFError
        if not self.drop.flowing.is_set():
            self.wfile.write(b"+OK\r\n" + raw[: len(raw) // 2])
            self.drop.halfway.set()
            self.drop.flowing.wait(30)
            raise EOFError
        self.say(b"+OK", raw)
        self.drop.retrieved.append(uid)

    def do_dele(self, number: bytes) -> None:
        self.deleted.add(self.listed[int(number) - 1][0])
        self.say(b"+OK")

    def do_quit(self) -> None:
        if self.drop.at_quit == "forget":
            raise EOFError
        half = self.drop.at_quit == "half"
        for uid in sorted(self.deleted)[: 1 if half else None]:
            self.drop.messages.pop(uid, None)
        self.say(b"-ERR some deleted messages not removed" if half else b"+OK bye")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    drop: "Maildrop"


class Maildrop:
    """The server and what it holds.  A ``#`` in a key ends the unique id that is told: ``a`` and ``a#2`` are twins."""

    def __init__(self, messages: dict[str, bytes], *, uids: bool = True, pipelining: bool = True) -> None:
        self.messages = dict(messages)
        self.uids = uids
        self.capabilities = b"PIPELINING\r\n" if pipelining else b""
        self.top, self.numbers_as_uids = True, False
        self.cut_after: int | None = None
        self.sent = 0
        self.refuse: set[str] = set()
        self.deadly: set[str] = set()
        self.at_quit = "update"
        self.sizes: dict[str, int] = {}
        self.retrieved: list[str] = []
        self.commands: list[str] = []
        self.sessions = 0
        self.flowing, self.halfway = threading.Event(), threading.Event()
        self.flowing.set()
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.drop = self
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
