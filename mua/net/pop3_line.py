"""The line of a POP3 session: commands out, replies and multi-line answers in (RFC 1939 s.3).

Rules of the file: nothing that arrived before TLS survives it, and nothing may have arrived before it was asked for; a
line that failed in the middle of an answer is dead and says so; memory is bounded by what the caller allows, and every
answer has a deadline, whatever trickles in.  One thread owns a line; ``abort`` is safe from any.
"""

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from typing import NoReturn

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.net import tls
from mua.net.pop3_wire import MAX_LINE, BadReply, Reply, Unstuffer, parse_reply
from mua.net.wirelog import WireLog

_READ = 1 << 16
_SLOWEST = 2048  # octets a second below which an answer counts as stalled


class Line:
    """One connection.  Everything raises MailError of kind CONNECTION when the line is over, for whatever reason."""

    def __init__(self, host: str, port: int, timeout: float) -> None:
        self.host = host
        self.timeout = timeout
        self.log = WireLog()
        self.in_clear = True  # until the handshake begins
        self.tls = ""  # the protocol's version
        self.octets_in = self.octets_out = 0
        self._dead: MailError | None = None
        self._buffer = b""
        self._began, self._got = time.monotonic(), 0
        self._sock = tls.connect(host, port, timeout)

    def protect(self, context: ssl.SSLContext) -> None:
        """Go on under TLS, with a verified server."""
        if self._buffer:
            self.broken("data after the answer to STLS")
        self.in_clear = False
        protected = tls.wrap(self._sock, context, self.host)
        self._sock, self.tls = protected, protected.version() or ""
        self.log.note("TLS")

    def abort(self) -> None:
        """Close the connection; what was marked as deleted stays on the server."""
        self._dead = self._dead or _gone(self.host, "closed here")
        with contextlib.suppress(OSError, ValueError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    # -- commands and answers

    def command(self, line: str, *, secret: bool = False) -> Reply:
        """Send one command and wait for its status line."""
        if self._buffer:
            self.broken("an answer that nobody asked for")
        self.send(line, secret=secret)
        return self.reply()

    def send(self, line: str, *, secret: bool = False) -> None:
        """Send one line, and do not wait."""
        data = line.encode("utf-8", "surrogateescape") + b"\r\n"
        if self._dead is not None:
            raise self._dead
        self.log.sent(data, secret)
        self.octets_out += len(data)
        try:
            self._sock.sendall(data)
        except (OSError, ValueError) as error:
            self._die(error)

    def reply(self) -> Reply:
        """The next status line."""
        try:
            return parse_reply(self.line())
        except BadReply as error:
            self.broken(str(error))

    def line(self) -> bytes:
        """The next line, without its end."""
        line = self.peek()
        self._buffer = self._buffer[self._buffer.find(b"\n") + 1 :]
        self.log.received(line)
        return line

    def peek(self) -> bytes:
        """The next line, without its end, which ``line`` will take."""
        self._began, self._got = time.monotonic(), 0
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > MAX_LINE:
                self.broken("a line without end")
            self._buffer += self._receive()
        if end > MAX_LINE:
            self.broken("a line too long")
        return self._buffer[:end].removesuffix(b"\r")

    @property
    def server_cert(self) -> bytes:
        """What the server presented in TLS (DER); empty without TLS."""
        return (self._sock.getpeercert(True) or b"") if isinstance(self._sock, ssl.SSLSocket) else b""

    def lines(self, limit: int) -> Iterator[bytes]:
        """The lines of a multi-line answer of at most ``limit`` octets, as they come."""
        rest, size = b"", 0
        for piece in self.dotted():
            size += len(piece)
            *whole, rest = (rest + piece).split(b"\r\n")
            if len(rest) > MAX_LINE or size > limit:
                self.broken("an answer without end")
            yield from whole

    def dotted(self) -> Iterator[bytes]:
        """The octets of a multi-line answer, dots taken off, as they come: it is for the caller to have enough."""
        unstuffer = Unstuffer()
        data, self._buffer = self._buffer, b""
        while True:
            yield unstuffer.feed(data)
            if unstuffer.finished:
                self._buffer = unstuffer.rest
                return
            data = self._receive()

    def broken(self, what: str) -> NoReturn:
        """The server broke the protocol: hang up and raise."""
        text = f"{self.host} sent something that no mail server should send; Mua hung up and will connect again."
        self._dead = self._dead or MailError(Kind.CONNECTION, Retry.SOON, text, log.masked(what), "protocol-error")
        self.abort()
        raise self._dead

    # -- octets

    def _receive(self) -> bytes:
        if self._dead is not None:
            raise self._dead
        if time.monotonic() - self._began > 2 * self.timeout + self._got / _SLOWEST:
            self._die(TimeoutError("the answer trickled in too slowly"))
        try:
            data = self._sock.recv(_READ)
        except (OSError, ValueError) as error:  # ValueError: closed by another thread
            self._die(error)
        if not data:
            self._die(ConnectionError("the server closed the connection"))
        self._got += len(data)
        self.octets_in += len(data)
        return data

    def _die(self, error: Exception) -> NoReturn:
        problem = tls.os_error(error, self.host) if isinstance(error, OSError) else _gone(self.host, str(error))
        self._dead = self._dead or problem
        self.abort()
        raise self._dead


def _gone(host: str, detail: str) -> MailError:
    text = f"The connection to {host} was lost; Mua will connect again by itself."
    return MailError(Kind.CONNECTION, Retry.SOON, text, detail, "connection-lost")
