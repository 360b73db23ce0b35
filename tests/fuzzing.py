"""Mutated servers: a recorded session in which some answers are spoilt, by a seed, with words that parsers dislike.

``Fuzzer(protocol).run(seed)`` lets a whole walk of our client meet one of them and returns what went wrong, "" if
nothing did.  What counts as wrong: anything but a ``MailError`` comes out, or it takes more than a moment of our own
time.  The same seed is the same session.
"""

import asyncio
import random
import re
import socket
import time
from collections.abc import Awaitable, Callable
from unittest import mock

from conftest import SHARED
from transcripts import PIECES, Puppet, PuppetSocket, connecting, load
from walks import WALKS, Steps

from mua.errors import MailError
from mua.model.account import Security, Server
from mua.net.imap_wire import Limits
from mua.net.smtp_wire import Timeouts

A_MOMENT = 2.0  # seconds of processor time for one session; a usual one takes 0.01
LIMITS = Limits(line=1 << 18, numbers=1 << 18, literal=1 << 20, inline=1 << 14, response=1 << 20, responses=20_000)
_DICTIONARIES = ("attack/imap-codec", "attack/dovecot-core")
_WORDS = [
    *b"( ) [ ] { } {} {0} {-1} {1} {3} {4294967296} {99999999999999999999} {3+} ~{4} NIL nil * + - . ..".split(),
    *b"0 -1 4294967295 4294967296 9223372036854775808 99999999999999999999 1:* 1:4294967295 4294967295:1 1,1,1".split(),
    *b"OK NO BAD BYE PREAUTH FETCH EXPUNGE VANISHED EXISTS SEARCH ESEARCH LIST LSUB STATUS FLAGS CAPABILITY".split(),
    *b"+OK -ERR +OKAY 220 250 250- 354 421 550 2500 25 999 334 [COPYUID [UIDVALIDITY [CAPABILITY".split(),
    *(b'"', b"\\", b'\\"', b"\0", b"\r\n", b"\r", b"\n", b"\r\n\r\n", b"\r\n.\r\n", b"\r\n..\r\n", b"A" * 3000),
    *(b"* OK ", b"* BYE x\r\n", b"* 1 FETCH (UID 1 FLAGS ())\r\n", b"* 3 FETCH (UID 2 BODY[] {3}\r\nabc)\r\n"),
    *(b"[COPYUID 1 1:9 9:1]", b"[UIDVALIDITY 0]", b"[CAPABILITY IMAP4rev1]", b"&AA-", b"&ZeVnLIqe"),
    *(b"\xff\xfe", b"\xc3\x28", b"\xe2\x80\xae", b"\x1b[2J", b"../../etc/passwd"),
]
_NUMBERS = (b"0", b"-1", b"7", b"%d" % 2**63, b"%d" % 2**32, b"9" * 40)
_FILLERS = (b"(", b"[", b'"', b"{", b"x", b" ")


def dictionary() -> list[bytes]:
    """Our own words, and those of other projects' fuzzers where the collection lies beside the checkout."""
    found = list(_WORDS)
    for folder in _DICTIONARIES:
        for path in sorted((SHARED / folder).rglob("*.dict")):
            quoted = re.findall(rb'(?m)^[^"#\n]*"(.*)"[ \r]*$', path.read_bytes())
            found += [re.sub(rb"\\(x[0-9a-fA-F]{2}|.)", _octet, word) for word in quoted]
    return found


def _octet(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1][1:], 16)]) if match[1][:1] == b"x" and len(match[1]) == 3 else match[1]


class Fuzzer:
    """Sessions of one protocol."""

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.transcript = load(protocol)
        self._words = dictionary()

    def faithful(self, pieces: tuple[int, ...] = ()) -> Steps:
        """What the client learns from the session as it was recorded, received in ``pieces`` of so many octets."""
        return self._walk(Puppet(self.transcript), random.Random(1) if pieces else None, pieces or PIECES)

    def cut(self, length: int) -> tuple[Steps, str]:
        """What the client learns from the first ``length`` octets, and by which error it ended (POP3 and IMAP)."""
        answers = []
        for answer in self.transcript.answers:
            answers.append(answer[:length])
            length = max(0, length - len(answer))
        steps = Steps()
        try:
            self._walk(Puppet(self.transcript, answers), None, steps=steps)
        except MailError as error:
            return steps, error.code
        return steps, ""

    def run(self, seed: int) -> str:
        """One spoilt session; "" or what went wrong."""
        dice = random.Random(seed)
        puppet = Puppet(self.transcript, self.spoilt(dice))
        began = time.process_time()
        try:
            self._walk(puppet, dice)
        except MailError:
            pass
        except Exception as error:  # noqa: BLE001  # the very thing that is looked for
            return f"seed {seed}: {type(error).__name__}: {error}"
        took = time.process_time() - began
        return f"seed {seed}: took {took:.1f} s" if took > A_MOMENT else ""

    def spoilt(self, dice: random.Random) -> list[bytes]:
        """The session's answers, one to three of them spoilt."""
        answers = self.transcript.answers
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            place = dice.randrange(len(answers))
            for _ in range(dice.choice((1, 1, 2, 5))):
                answers[place] = self._mutated(dice, answers[place], answers)
        return answers

    def _mutated(self, dice: random.Random, data: bytes, others: list[bytes]) -> bytes:
        start, end = sorted(dice.randrange(len(data) + 1) for _ in range(2))
        match dice.randrange(11):
            case 0:  # one octet
                return data[:start] + bytes([dice.randrange(256)]) + data[start + 1 :]
            case 1:  # cut out
                return data[:start] + data[min(end, start + dice.choice((1, 3, 30, 3000))) :]
            case 2:  # say again
                return data[:end] + data[start:end] * dice.choice((1, 2, 20)) + data[end:]
            case 3 | 4:  # a word in between
                return data[:start] + dice.choice(self._words) + data[start:]
            case 5 | 6:  # a word in place of a word
                return _replaced(dice, data, rb"[^ ()\r\n\[\]{}\"]+", dice.choice(self._words))
            case 7:  # a number in place of a number
                return _replaced(dice, data, rb"\d+", dice.choice(_NUMBERS))
            case 8:  # the end is missing
                return data[:start]
            case 9:  # another answer, or a piece of it
                return data[:start] + dice.choice(others)[: dice.randrange(1, 400)] + data[start:]
            case _:  # depth, length
                return data[:start] + dice.choice(_FILLERS) * dice.choice((10, 1000, 200_000)) + data[end:]

    def _walk(
        self,
        puppet: Puppet,
        dice: random.Random | None,
        pieces: tuple[int, ...] = PIECES,
        steps: Steps | None = None,
    ) -> Steps:
        server = Server("127.0.0.1", 1, Security.NONE, "walker")
        if self.protocol == "smtp":
            silence = 0.03 if dice else 20.0  # seconds; a spoilt session may leave both sides waiting
            with mock.patch("mua.net.smtp._connected", _puppet_stream(puppet, silence)):
                return WALKS["smtp"](server, timeouts=Timeouts(*[1.0 if dice else 20.0] * 10))
        with mock.patch("mua.net.tls.connect", connecting(PuppetSocket(puppet, dice, pieces))):
            more = {"limits": LIMITS} if self.protocol == "imap" else {}
            return WALKS[self.protocol](server, steps=steps, **more)


def _replaced(dice: random.Random, data: bytes, pattern: bytes, word: bytes) -> bytes:
    places = list(re.finditer(pattern, data))
    if not places:
        return data
    found = dice.choice(places)
    return data[: found.start()] + word + data[found.end() :]


def _puppet_stream(puppet: Puppet, silence: float) -> Callable[[str, int, float], Awaitable[socket.socket]]:
    """Stands in for SMTP's way to connect: a socket pair, the puppet on the same loop at its other end."""

    async def connect(host: str, port: int, limit: float) -> socket.socket:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
        task = asyncio.ensure_future(serve(theirs))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return ours

    async def serve(sock: socket.socket) -> None:
        loop, told = asyncio.get_running_loop(), 0
        try:
            while True:
                await loop.sock_sendall(sock, puppet.said[told:])
                told = len(puppet.said)
                data = await asyncio.wait_for(loop.sock_recv(sock, 1 << 16), silence)
                if not data:
                    return
                puppet.hear(data)
        except OSError:  # hung up, or silent: TimeoutError is one
            pass
        finally:
            sock.close()

    tasks: set[asyncio.Task[None]] = set()
    return connect
