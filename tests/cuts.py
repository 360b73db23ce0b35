"""A connection cut at any byte of the dialogue, in either direction, under a whole outbox: what became of the message.

``Cuts(folder)`` has one profile, one server and one line between them for as many cuts as are wanted; the messages that
were hit are then delivered over a line that holds.  ``at`` returns "" or what is wrong: 0 lost, 0 doubled, and
"unknown" only when the final dot may have been heard, of one message at most.
"""

import contextlib
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from mail_sink import MailSink
from post_office import PostOffice

from mua.model.outgoing import Phase, RecipientState
from mua.plan.retry import HOUR

TO = "ann@example.net"
SAYS, HEARS = "the server's words", "the client's words"


class Relay:
    """Passes connections on to ``target``; ``limit`` bytes of one direction of the next one, then it is cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.way, self.limit = SAYS, -1  # no limit
        self.cut = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Accept no more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def _run(self) -> None:
        while True:
            try:
                client = self._listener.accept()[0]
            except OSError:
                return
            limits = [self.limit if self.way == way else -1 for way in (SAYS, HEARS)]
            self.limit = -1
            with client, socket.create_connection(("127.0.0.1", self._target)) as server:
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                back = threading.Thread(target=self._pump, args=(server, client, limits[0]), daemon=True)
                back.start()
                self._pump(client, server, limits[1])
                back.join(10)

    def _pump(self, source: socket.socket, target: socket.socket, limit: int) -> None:
        with contextlib.suppress(OSError):
            while limit and (data := source.recv(limit if 0 < limit < 65536 else 65536)):
                target.sendall(data)
                limit -= len(data) if limit > 0 else 0
        self.cut |= limit == 0
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR if limit == 0 else socket.SHUT_WR)


class Cuts:
    """The profile, the server, and the line."""

    def __init__(self, folder: Path, *, chunked: bool = False, messages: int = 1) -> None:
        """``chunked``: a message that is large enough for BDAT, and a server that offers it; ``messages`` that wait
        when the line comes about, each of which is begun with the end of the one before.
        """
        self._messages = messages
        self.sink = MailSink(chunked=chunked)
        self._body = ("x" * 70 + "\r\n") * (1000 if chunked else 1)
        self._relay = Relay(self.sink.port)
        self._post = PostOffice.submitting(folder, self._relay.port)
        self._got = 0

    def __enter__(self) -> Self:
        self.sink.__enter__()
        self._post.sender.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._post.close()
        self._relay.close()
        self.sink.__exit__(kind, error, trace)

    def at(self, way: str, limit: int) -> str:
        """Send the messages over a line that is cut after so many bytes, and again over one that holds."""
        post, relay = self._post, self._relay
        relay.way, relay.limit, relay.cut = way, limit, False
        post.sender._means.single.clear()  # as if this server had never hung up at a dot before
        ones = [post.queue(TO, body=self._body) for _ in range(self._messages)]
        for _ in range(4):
            assert post.sender.drain(60)
            if all(post.get(one).finished for one in ones):
                break
            post.later(HOUR)
        got, self._got = self.sink.copies(TO)[self._got :], len(self.sink.copies(TO))
        wrong, unknown = list[str](), 0
        for outgoing in map(post.get, ones):
            (recipient,) = outgoing.recipients
            copies = sum(f"<{outgoing.message_id}>".encode() in raw for raw in got)
            if recipient.state is RecipientState.UNKNOWN:
                good, unknown = copies <= 1 and recipient.phase is Phase.DOT, unknown + 1
            else:
                good = recipient.state is RecipientState.ACCEPTED and copies == 1
            wrong += [] if good else [f"{recipient.state} at {recipient.phase}, {copies} copies"]
        wrong += [f"{unknown} are unknown"] if unknown > 1 else []
        return f"cut after {limit} of {way}: {'; '.join(wrong)}" if wrong else ""

    def length(self, way: str) -> int:
        """After how many bytes a cut hits nothing any more."""
        low, high = 1, 1 << 17
        while low < high:
            middle = (low + high) // 2
            self.at(way, middle)
            low, high = (middle + 1, high) if self._relay.cut else (low, middle)
        return low
