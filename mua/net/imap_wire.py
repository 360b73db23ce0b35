"""The one read buffer of an IMAP connection, and the limits that a server cannot talk us out of.

Theory of operation: imaplib (underneath imapclient) and our own streaming reader share a ``Wire``, so that no byte is
ever in a buffer that the other cannot see.  ``response`` is restartable: when a read would block, nothing of the
response has been consumed.  Whatever goes wrong kills the connection (``die``): a connection that failed in the middle
of a response is never used again.
"""

import re
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from typing import BinaryIO, NoReturn

from mua.errors import Kind, MailError, Retry
from mua.net import tls
from mua.net.imap_deflate import DeflatedSocket
from mua.net.wirelog import WireLog
from mua.records import dataclass

Sink = Callable[[int, bytes], BinaryIO]  # a literal's octets, what its response says before it (nothing: not its first)
Chunk = bytes | BinaryIO

WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError)

_LITERAL = re.compile(rb"~?\{(\d{1,20})\}$")
_STATUS = re.compile(rb"(?:[A-Za-z0-9]+|\*) (?:OK|NO|BAD|BYE|PREAUTH)\b|\+")
_NUMBERS = re.compile(rb"\* (?:SEARCH|ESEARCH|VANISHED|SORT) ", re.IGNORECASE)
_READ = 1 << 18
_COMPACT = 1 << 16
_ENOUGH = 1 << 20  # octets before the speed of a connection is judged
_SLOWEST = 2048  # bytes a second below which a response counts as stalled, whatever trickles in
_LITERALS, _FILES = 256, 8  # literals in one response, and how many of them may be files
_PATIENCE = 30  # time-outs that a command may go on without an answer of its own, whatever is said on the side


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in octets beyond which a server is not believed.  ``responses`` is a number of untagged responses."""

    line: int = 1 << 20  # without its literals
    numbers: int = 8 << 20  # a line of numbers only: a SEARCH answer of a million UIDs has 7 MB
    literal: int = 512 << 20
    inline: int = 1 << 20  # larger literals go to a file
    response: int = 64 << 20  # all inline literals of one response together
    responses: int = 1_000_000  # in a row, without one that was asked for
    answers: int = 256 << 20  # of memory, for all responses kept for one command
    aside: int = 8 << 20  # all that is said around one of imapclient's commands


def spool(_size: int, _before: bytes) -> BinaryIO:
    """The default sink: a temporary file without a name."""
    return tempfile.TemporaryFile()


class Wire:
    """A socket with the only buffer above it.  ``timeout`` (seconds) bounds every single read and write."""

    def __init__(self, sock: socket.socket, host: str, limits: Limits, log: WireLog) -> None:
        self.sock: socket.socket | DeflatedSocket = sock
        self.plain = sock  # under the compression
        self.host = host
        self.limits = limits
        self.log = log
        self.timeout = sock.gettimeout()
        self.buffer = bytearray()
        self.at = 0  # everything before is consumed
        self.dead: MailError | None = None
        self.octets_in = self.octets_out = 0  # of the conversation, whatever compression made of them
        self._flow, self._flow_seconds = 0, 0.0
        self._landing = bytearray(_READ)
        self._began: float | None = None
        self._asked = time.monotonic()
        self._responses = self._aside = self._octets_before = 0
        self._got = 0

    # -- failing

    def die(self, error: MailError) -> NoReturn:
        """Close the connection for good and raise."""
        self.dead = self.dead or error
        self.log.note(error.code)
        self.close()
        raise error

    def close(self) -> None:
        """Close the socket; idempotent."""
        self.dead = self.dead or _gone(self.host, "closed here")
        self.sock.close()

    def refuse(self, what: str) -> NoReturn:
        """The server broke the protocol or a limit: hang up and raise."""
        raise self.broken(what)

    def broken(self, what: str) -> MailError:
        """Hang up on a server that broke the protocol or a limit; returns the error to raise."""
        text = f"{self.host} sent something that no mail server should send; Mua hung up and will connect again."
        error = MailError(Kind.CONNECTION, Retry.SOON, text, what, "protocol-error")
        self.dead = self.dead or error
        self.log.note(error.code)
        self.close()
        return error

    # -- bytes

    def pending(self) -> bool:
        """Whether decrypted bytes wait that a selector on the socket will not report."""
        return isinstance(self.sock, ssl.SSLSocket | DeflatedSocket) and self.sock.pending() > 0

    @property
    def compressed(self) -> bool:
        """Whether ``compress`` was called."""
        return isinstance(self.sock, DeflatedSocket)

    def compress(self) -> None:
        """From now on both directions are deflated (RFC 4978); what was read beyond the server's OK is deflated too."""
        already = bytes(self.buffer[self.at :])
        self.buffer.clear()
        self.at = 0
        self.sock = DeflatedSocket(self.plain, already)
        self.log.note("DEFLATE")

    def rate(self) -> float | None:
        """Octets a second at which the peer sends when it has begun to; None before that can be told."""
        return self._flow / max(self._flow_seconds, 1e-6) if self._flow >= _ENOUGH else None

    def fill(self) -> None:
        """Read once from the socket into the buffer; would-block errors of a non-blocking socket pass through."""
        self._check()
        if self.at > _COMPACT:
            del self.buffer[: self.at]
            self.at = 0
        try:
            count = self._receive(flowing=len(self.buffer) > self.at)
        except WOULD_BLOCK:
            if self.at == len(self.buffer):
                self._began = None
            raise
        self.buffer += memoryview(self._landing)[:count]

    def _receive(self, flowing: bool) -> int:
        """Read into the landing; ``flowing``: in the middle of a response, so that the peer is not thinking."""
        self._check_pace()
        before = time.monotonic()
        try:
            count = self.sock.recv_into(self._landing)
        except WOULD_BLOCK:
            raise
        except OSError as error:
            self.die(tls.os_error(error, self.host))
        except ValueError as error:  # the socket was closed by another thread
            self.die(_gone(self.host, str(error)))
        if not count:
            self.die(_gone(self.host, "the server closed the connection"))
        self._got += count
        self.octets_in += count
        if flowing:
            self._flow += count
            self._flow_seconds += time.monotonic() - before
        return count

    def _check(self) -> None:
        if self.dead is not None:
            raise self.dead

    def _check_pace(self) -> None:
        """A response that trickles in slower than ``_SLOWEST`` is a stalled one (slow loris)."""
        now = time.monotonic()
        if self._began is None:
            self._began, self._got = now, 0
        elif self.timeout and now - self._began > 2 * self.timeout + self._got / _SLOWEST:
            self.die(tls.os_error(TimeoutError("the answer trickled in too slowly"), self.host))

    def rest(self) -> None:
        """A whole response was consumed: the next one has its own time; but not so many that nobody asked for."""
        self._began = None
        self._responses += 1
        so_far = self.octets_in - self._octets_before
        if self._responses > self.limits.responses or so_far > self.limits.literal + self.limits.response:
            self.refuse("responses without end")
        if self._responses % 64 == 1 and self.timeout and time.monotonic() - self._asked > _PATIENCE * self.timeout:
            self.die(tls.os_error(TimeoutError("an answer never came"), self.host))

    def asked(self) -> None:
        """A command was sent, or answered in part: what it is answered with has its own budget."""
        self._asked = time.monotonic()
        self._responses = self._aside = 0
        self._octets_before = self.octets_in

    def send(self, data: bytes | bytearray | memoryview, *, secret: bool = False, quiet: bool = False) -> None:
        """Send everything; ``secret`` keeps it out of the log, ``quiet`` too (a literal's body)."""
        self._check()
        if not quiet:
            self.log.sent(bytes(data[:400]), secret)
        self.octets_out += len(data)
        self.asked()
        try:
            self.sock.sendall(data)
        except OSError as error:
            self.die(tls.os_error(error, self.host))

    # -- lines and literals

    def _more(self, mark: int) -> int:
        """Fill; returns where ``mark`` is now (the buffer may have been compacted)."""
        before = self.at
        self.fill()
        return mark - (before - self.at)

    def _line_end(self, start: int) -> tuple[int, int]:
        """(start, index of the CRLF) of the line at ``start``, which may have moved."""
        scan = start
        while (end := self.buffer.find(b"\r\n", scan)) < 0:
            if len(self.buffer) - start > self._longest(start):
                self.refuse("a line without end")
            known = max(0, len(self.buffer) - 1 - start)
            start = self._more(start)
            scan = start + known
        if end - start > self._longest(start):
            self.refuse("a line too long")
        return start, end

    def _longest(self, start: int) -> int:
        return self.limits.numbers if _NUMBERS.match(self.buffer, start) else self.limits.line

    def readline(self) -> bytes:
        """One line with its CRLF, for imaplib."""
        start, end = self._line_end(self.at)
        line = bytes(self.buffer[start:end])
        self.at = end + 2
        self.rest()
        self._beside(len(line))
        self.log.received(line)
        if line.endswith(b"}") and _STATUS.match(line):
            return line + b" \r\n"  # imaplib would wait for a literal after "* OK text {5}"
        return line + b"\r\n"

    def read(self, count: int) -> bytes:
        """``count`` bytes, for imaplib."""
        if count > self.limits.inline:
            self.refuse(f"a literal of {count} octets")
        self._beside(count)
        while len(self.buffer) - self.at < count:
            self.fill()
        data = bytes(self.buffer[self.at : self.at + count])
        self.at += count
        return data

    def _beside(self, octets: int) -> None:
        """What imaplib reads it keeps until its command has ended: no more than so much of it."""
        self._aside += octets
        if self._aside > self.limits.aside:
            self.refuse("answers without end")

    def response(self, sink: Sink = spool) -> list[Chunk]:
        """One response as [text, literal, text, ...]; literals over ``limits.inline`` are files from ``sink``."""
        chunks: list[Chunk] = []
        start, held, files = self.at, 0, 0
        while True:
            start, end = self._line_end(start)
            literal = self._literal_at(start, end, continued=bool(chunks))
            if literal is None:
                chunks.append(bytes(self.buffer[start:end]))
                self.at = end + 2
                self.rest()
                self.log.received(chunks[0] if isinstance(chunks[0], bytes) else b"")
                return chunks
            text_end, size = literal
            before = bytes(self.buffer[start:text_end])
            chunks.append(before)
            held += text_end - start
            if len(chunks) > 2 * _LITERALS or held > 2 * self.limits.response:
                self.refuse("literals without end")
            if size <= self.limits.inline and held + size <= self.limits.response:
                start = self._await(end + 2, size)
                chunks.append(bytes(memoryview(self.buffer)[start : start + size]))
                start, held = start + size, held + size
            else:
                files += 1
                if files > _FILES:
                    self.refuse("large literals without end")
                self.at = end + 2
                chunks.append(self._spill(size, b"" if len(chunks) > 1 else before, sink))
                start = self.at

    def _literal_at(self, start: int, end: int, continued: bool) -> tuple[int, int] | None:
        """(end of the text, octets) when the line ends in a literal (RFC 9051 s.4.3); a status text never does."""
        if self.buffer[end - 1 : end] != b"}" or (not continued and _STATUS.match(self.buffer, start)):
            return None
        found = _LITERAL.search(self.buffer, max(start, end - 24), end)
        if found is None:
            return None
        size = int(found[1])
        if size > self.limits.literal:
            self.refuse(f"a literal of {size} octets")
        return found.start(), size

    def _await(self, start: int, size: int) -> int:
        while len(self.buffer) - start < size:
            start = self._more(start)
        return start

    def _spill(self, size: int, before: bytes, sink: Sink) -> BinaryIO:
        """Copy ``size`` octets into a file, the bulk straight from the socket."""
        self.sock.settimeout(self.timeout)
        try:
            file = sink(size, before)
            try:
                self._copy(size, file)
                file.seek(0)
            except BaseException:  # the connection was cut, the disk is full: nobody gets this file to close it
                file.close()
                raise
        except OSError as error:
            text = "A large message could not be saved; check the free space of this computer's disk."
            self.die(MailError(Kind.LOCAL, Retry.SOON, text, str(error), "disk-full"))
        return file

    def _copy(self, size: int, file: BinaryIO) -> None:
        while size:
            held = min(size, len(self.buffer) - self.at)
            file.write(memoryview(self.buffer)[self.at : self.at + held])
            self.at += held
            size -= held
            if size >= _READ:
                self.buffer.clear()
                self.at = 0
                size = self._drain(size, file)
            elif size:
                self.fill()

    def _drain(self, size: int, file: BinaryIO) -> int:
        while size >= _READ:
            count = self._receive(flowing=True)
            file.write(memoryview(self._landing)[:count])
            size -= count
        return size


def _gone(host: str, detail: str) -> MailError:
    text = f"The connection to {host} was lost; Mua will connect again by itself."
    return MailError(Kind.CONNECTION, Retry.SOON, text, detail, "connection-lost")
