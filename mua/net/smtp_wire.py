"""The SMTP connection itself: strict replies, one future for each command, flow control, the transcript.

Rule of the file: a reply that nobody waits for means that replies and commands are out of step, and from then on
nothing the server says can be believed.  Such a session is lost at once (a stray ``250`` that slips by one turns a
refusal after the dot into "sent").

Theory of operation: ``Wire`` is an ``asyncio.Protocol`` that takes a connection over; the first reply that is expected
is the greeting.  Each command appends a future to a queue and each complete reply resolves the oldest one, so
PIPELINING (RFC 2920) needs no special case.  When the connection breaks, every waiting future fails with the reason.
Where the next message's commands are under way before the last one's reply, each line of the server goes to the record
of who waits for it.
"""

import asyncio
import re
import select
from collections import deque
from typing import Any

from mua.log import masked
from mua.model.outgoing import Phase
from mua.records import dataclass

MAX_LINE = 8192  # RFC 5321 s.4.5.3.1.5 says 512; real servers write longer ones
MAX_LINES = 200
MAX_TEXT = 16384  # characters of a reply that are kept, in whole lines: more than the longest EHLO says
MAX_TRANSCRIPT = 1000  # lines kept of one connection
MAX_SAID = 256_000  # characters of them: each attempt's dialogue is stored
_REPLY = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?:\s|$)")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait in each phase (RFC 5321 s.4.5.3.2).  ``block`` is per progress, not for the whole body."""

    connect: float = 30
    greeting: float = 60
    tls: float = 60
    auth: float = 60
    mail: float = 300
    rcpt: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
    quit: float = 5

    def of(self, phase: Phase) -> float:
        """The wait for one reply in ``phase``."""
        return float(getattr(self, phase.value, self.greeting))


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply of a server; ``text`` is its lines, joined by newlines, safe to store and to show, and bounded."""

    code: int
    text: str

    @property
    def positive(self) -> bool:
        """Only the first digit decides (RFC 5321 s.4.3.2)."""
        return 200 <= self.code < 300

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) when there is one and it agrees with the basic code, else empty."""
        found = _ENHANCED.match(self.text)
        return found[1] if found and found[1][0] == str(self.code)[0] else ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Lost(Exception):
    """The connection is gone: dropped, timed out, 421, or out of step.  ``reply`` is the 421 or the early refusal.

    ``in_clear``: it was to be protected and was not yet, so that anybody may have said what is told here.
    ``mechanism``: by which it was to be logged in.  ``out_of_step``: there were more replies than commands, or fewer,
    so that what seemed to answer one may have been for another.
    """

    def __init__(self, phase: Phase, why: str, reply: Reply | None = None, *, out_of_step: bool = False) -> None:
        super().__init__(f"lost in {phase.value}: {why}")
        self.phase = phase
        self.why = why
        self.reply = reply
        self.out_of_step = out_of_step
        self.in_clear = False
        self.mechanism = ""


class Transcript:
    """The dialogue of one connection, with secrets masked and without message bodies; bounded.

    It holds how the connection was opened, and one message (``page``) of those that went over it.
    """

    def __init__(self, opening: tuple[str, ...] | None = None) -> None:
        self._lines = list(opening or ())
        self._opening = opening
        self._room = MAX_SAID - sum(map(len, self._lines))

    def page(self) -> "Transcript":
        """The record of one message more, which begins with how the connection was opened."""
        return Transcript(tuple(self._lines) if self._opening is None else self._opening)

    def client(self, line: str) -> None:
        """We said ``line`` (already without secrets)."""
        self._add("C: ", line)

    def server(self, line: str) -> None:
        """The server said ``line``."""
        self._add("S: ", line)

    def note(self, line: str) -> None:
        """Something happened that is not a line of the protocol."""
        self._add("-- ", line)

    def _add(self, mark: str, line: str) -> None:
        if len(self._lines) < MAX_TRANSCRIPT and self._room > 0:
            said = mark + masked(line)[:2000]
            self._room -= len(said)
            self._lines.append(said)

    @property
    def text(self) -> str:
        """The whole dialogue, one line each."""
        return "\n".join(self._lines)


def readable(raw: bytes) -> str:
    """A line of a server as text that every store and terminal takes: UTF-8 or escapes, no control characters."""
    text = raw.decode("utf-8", "backslashreplace")
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\t" else f"\\x{ord(c):02x}" for c in text)


class Wire(asyncio.Protocol):
    """Owns ``transport``, once it is ``connected``."""

    transport: asyncio.Transport

    def __init__(self, transcript: Transcript) -> None:
        self.connected = False
        self.transcript = transcript
        self.broken: Exception | None = None
        self.last_words: Reply | None = None  # what the server said unasked before it hung up, mostly "421 too idle"
        self.out_of_step = False  # a reply came that nobody waited for
        self.private = False  # while AUTH runs: challenges stay out of the transcript
        self._buffer = bytearray()
        self._lines: list[str] = []  # of the reply that is under way
        self._room = MAX_TEXT  # characters that it may still have
        self._code = 0
        self._waiting: deque[tuple[asyncio.Future[Reply], Transcript]] = deque()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, and the handshake done where TLS begins at once."""
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.connected = transport, True

    def take_over(self, heard: bytes | bytearray) -> None:
        """Be the protocol of the connection from now on; ``heard`` is what came before."""
        self.transport.set_protocol(self)
        self.data_received(heard)
        if self.transport.is_closing():
            self.eof_received()

    # What asyncio calls.

    def pause_writing(self) -> None:
        """The transport's buffer is full."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """There is room again."""
        self._writable.set()

    def eof_received(self) -> None:
        """The server closed its side: nothing more can be learned."""
        self.fail(ConnectionResetError("the server closed the connection"))

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self.fail(exc or ConnectionResetError("the connection was closed"))

    def data_received(self, data: bytes | bytearray) -> None:
        """Cut what came into lines."""
        self._buffer += data
        while not self.broken and (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).rstrip(b"\r")
            del self._buffer[: end + 1]
            self._take_line(line)
        if len(self._buffer) > MAX_LINE or len(self._lines) > MAX_LINES:
            self.fail(ValueError("the server's reply is too long"))

    def _take_line(self, line: bytes) -> None:
        found = _REPLY.fullmatch(line)
        code = int(found[1]) if found else 0
        page = self._waiting[0][1] if self._waiting else self.transcript
        page.server("334 ***" if self.private and code == 334 else readable(line[:2000]))
        if not found or len(line) > MAX_LINE or self._code not in (0, code):
            return self.fail(ValueError(f"not an SMTP reply: {readable(line[:80])}"))
        said = readable(found[3] or b"")
        self._room -= len(said) + 1
        self._lines.append(said if self._room >= 0 else "")
        self._code = code
        if found[2] == b"-":
            return None
        reply = Reply(code, "\n".join(self._lines).rstrip("\n"))
        self._lines, self._room, self._code = [], MAX_TEXT, 0
        return self._take_reply(reply)

    def _take_reply(self, reply: Reply) -> None:
        if not self._waiting:
            self.last_words = reply if reply.code == 421 else None
            self.out_of_step = self.last_words is None
            return self.fail(ConnectionResetError(f"unexpected reply {reply}"))
        waiter, _ = self._waiting.popleft()
        if not waiter.done():
            waiter.set_result(reply)
        return None

    def fail(self, reason: Exception) -> None:
        """Give the connection up: abort it and fail everyone who waits."""
        if self.broken is None:
            self.broken = reason
            if self.connected:
                self.transport.abort()
        self._writable.set()
        while self._waiting:
            _reject(self._waiting.popleft()[0], self.broken)

    # What the session calls.

    @property
    def partial(self) -> bool:
        """Part of a reply is here that nobody asked for."""
        return bool(self._buffer or self._lines)

    def is_read(self) -> bool:
        """Nothing has come that was not read yet; False also where that cannot be told without a turn of the loop."""
        try:
            waiting, _, _ = select.select([self.transport.get_extra_info("socket")], [], [], 0)
        except (OSError, TypeError, ValueError):  # closed, of no socket, or a number beyond what select takes
            return False
        return not waiting

    def abort(self) -> None:
        """Close at once, without a word."""
        self.fail(ConnectionAbortedError("given up by this program"))

    def expect(self) -> asyncio.Future[Reply]:
        """A future for the next reply that no one waits for yet."""
        waiter: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        if self.broken is not None:
            _reject(waiter, self.broken)
        else:
            self._waiting.append((waiter, self.transcript))
        return waiter

    def command(self, *lines: str, shown: str = "", before: bytes = b"") -> list[asyncio.Future[Reply]]:
        """Write the lines in one piece, behind ``before``; one future for each reply.  ``shown`` replaces them in the
        transcript.
        """
        for line in lines:
            if "\r" in line or "\n" in line or "\0" in line:
                raise ValueError("a command may hold neither a line end nor NUL")
            self.transcript.client(shown or line)
        waiters = [self.expect() for _ in lines]
        if self.broken is None:
            self.transport.write(before + "".join(line + "\r\n" for line in lines).encode())
        return waiters

    async def answer(self, waiter: asyncio.Future[Reply], phase: Phase, limit: float) -> Reply:
        """Wait for one reply.  A 421 is the end of the connection whatever it answers (RFC 5321 s.3.8)."""
        try:
            if waiter.done():  # as with PIPELINING it mostly is: no clock has to be set
                reply = waiter.result()
            else:
                async with asyncio.timeout(limit):
                    reply = await waiter
        except TimeoutError as exc:
            self.abort()
            raise Lost(phase, f"no reply for {limit:g} s") from exc
        except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
            said = str(exc) or type(exc).__name__
            raise Lost(phase, said, self.last_words, out_of_step=self.out_of_step) from exc
        if reply.code == 421:
            self.abort()
            raise Lost(phase, str(reply), reply)
        return reply

    async def write(self, block: bytes, early: asyncio.Future[Reply], limit: float) -> bool:
        """Write a block and wait for room.  False: nothing moved for ``limit`` seconds.

        Returns when ``early``, the next reply, arrives before its turn: then there is no sense in going on.
        """
        self.transport.write(block)
        await asyncio.sleep(0)  # a fast server must not starve the other deliveries
        while not self._writable.is_set() and not early.done():
            pending = self.transport.get_write_buffer_size()
            room = asyncio.ensure_future(self._writable.wait())
            both: set[asyncio.Future[Any]] = {room, early}
            done, _ = await asyncio.wait(both, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            room.cancel()
            if not done and self.transport.get_write_buffer_size() >= pending:
                return False
        return True


def _reject(waiter: asyncio.Future[Reply], reason: Exception) -> None:
    """Fail a future, and mark it as seen: not every waiter is awaited."""
    if not waiter.done():
        waiter.set_exception(reason)
        waiter.exception()
