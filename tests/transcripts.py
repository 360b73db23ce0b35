r"""Recorded conversations with real servers, as text, and the sockets that replay them without a server.

``tests/transcripts/imap.txt`` (``pop3``, ``smtp``) reads as it was said: ``S:`` lines for the greeting, then ``C:``
lines of one command and ``S:`` lines of its answer.  ``\xNN`` is an octet, ``\\`` a backslash.  ``./run bench
transcripts`` records them anew; a test says when that is needed.

``Puppet`` is the server's side: it answers the n-th command with the n-th recorded answer, under the client's own tag.
``PuppetSocket`` is a socket that has a puppet at its other end: no thread, no time, the same octets each time.  Where
the answers end, so does the connection.
"""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("transcripts")
PIECES = (1, 2, 7, 64, 1 << 20)
_LITERAL = re.compile(rb"\{(\d+)\+?\}\r\n\Z")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One command (its octets, line ends included) and the whole answer to it."""

    command: bytes
    answer: bytes

    @property
    def tag(self) -> bytes:
        """The tag of an IMAP command."""
        return self.command.partition(b" ")[0]


@dataclass(frozen=True, slots=True)
class Transcript:
    """One session."""

    protocol: str
    greeting: bytes
    exchanges: tuple[Exchange, ...]

    @property
    def answers(self) -> list[bytes]:
        """All that the server said: the greeting, then each answer."""
        return [self.greeting, *(one.answer for one in self.exchanges)]


def load(protocol: str) -> Transcript:
    """The recorded session of a protocol."""
    parts: list[list[bytes]] = [[b"", b""]]
    for line in (FOLDER / f"{protocol}.txt").read_text(encoding="ascii").splitlines():
        side = 0 if line.startswith("C:") else 1
        if side == 0 and parts[-1][1]:
            parts.append([b"", b""])
        parts[-1][side] += _octets(line[3:]) + b"\r\n"
    return Transcript(protocol, parts[0][1], tuple(Exchange(*part) for part in parts[1:]))


def save(transcript: Transcript) -> None:
    """Write a session down."""
    sides = [("S", transcript.greeting)]
    for one in transcript.exchanges:
        sides += [("C", one.command), ("S", one.answer)]
    lines = [f"{who}: {_text(line)}\n" for who, said in sides for line in said.removesuffix(b"\r\n").split(b"\r\n")]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{transcript.protocol}.txt").write_text("".join(lines), encoding="ascii")


def _octets(text: str) -> bytes:
    def one(match: re.Match[str]) -> str:
        return "\\" if match[1] == "\\" else chr(int(match[1][1:], 16))

    return re.sub(r"\\(x[0-9a-f]{2}|\\)", one, text).encode("latin-1")


def _text(line: bytes) -> str:
    return "".join("\\\\" if c == 0x5C else chr(c) if 0x20 <= c < 0x7F else f"\\x{c:02x}" for c in line)


# -- cutting streams


class Commands:
    """Cuts what a client sends into commands: lines with their literals, or mail data up to the dot."""

    def __init__(self) -> None:
        self.in_data = False  # SMTP, after 354
        self._buffer = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take octets; yields whole commands.  ``in_data`` may be set between two of them."""
        self._buffer += data
        while (end := self._end()) > 0:
            command, self._buffer = self._buffer[:end], self._buffer[end:]
            yield command

    def _end(self) -> int:
        if self.in_data:
            self.in_data = (at := (b"\r\n" + self._buffer).find(b"\r\n.\r\n")) < 0
            return 0 if self.in_data else at + 3
        start = 0
        while (found := self._buffer.find(b"\r\n", start) + 2) > 1:
            literal = _LITERAL.search(self._buffer[:found])
            if literal is None:
                return found
            start = found + int(literal[1])
        return 0


def answers_of(protocol: str, said: bytes, commands: list[bytes]) -> tuple[bytes, list[bytes]]:
    """What a server said, cut into its greeting and the answers to these commands."""
    cuts = {"imap": _imap_end, "pop3": _pop3_end, "smtp": _smtp_end}
    end = cuts[protocol](said, 0, b"")
    pieces, at = [said[:end]], end
    for command in commands:
        end = cuts[protocol](said, at, command)
        pieces.append(said[at:end])
        at = end
    assert at == len(said), said[at : at + 80]
    return pieces[0], pieces[1:]


def _imap_end(said: bytes, at: int, command: bytes) -> int:
    tag = command.partition(b" ")[0]
    start = at if not tag or said.startswith(tag + b" ", at) else said.index(b"\n" + tag + b" ", at) + 1
    return said.index(b"\r\n", start) + 2


def _pop3_end(said: bytes, at: int, command: bytes) -> int:
    end = said.index(b"\r\n", at) + 2
    several = command.split()[:1] in ([b"CAPA"], [b"RETR"], [b"TOP"]) or command.strip() in (b"LIST", b"UIDL")
    return said.index(b"\r\n.\r\n", end - 2) + 5 if several and said.startswith(b"+OK", at) else end


def _smtp_end(said: bytes, at: int, _command: bytes) -> int:
    while said[at + 3 : at + 4] == b"-":
        at = said.index(b"\r\n", at) + 2
    return said.index(b"\r\n", at) + 2


# -- replaying


class Puppet:
    """Answers commands as recorded, or as ``answers`` (the greeting first) say instead."""

    def __init__(self, transcript: Transcript, answers: list[bytes] | None = None) -> None:
        self._transcript = transcript
        self._answers = list(answers or transcript.answers)
        self._commands = Commands()
        self.heard: list[bytes] = []
        self.said = self._answers.pop(0)

    def hear(self, data: bytes) -> None:
        """Take what the client sends; what it is told in return is appended to ``said``."""
        for command in self._commands.feed(data):
            number = len(self.heard)
            self.heard.append(command)
            if number < len(self._answers):
                answer = self._answers[number]
                self._commands.in_data = answer.startswith(b"354")
                self.said += self._addressed(answer, number, command)

    def _addressed(self, answer: bytes, number: int, command: bytes) -> bytes:
        """The answer under the tag of today's command."""
        if self._transcript.protocol != "imap":
            return answer
        recorded, tag = self._transcript.exchanges[number].tag, command.partition(b" ")[0]
        return re.sub(re.escape(recorded) + rb"\b", tag, answer)


class PuppetSocket:
    """As much of a socket as a session uses.  ``dice`` cuts what is received into ``pieces``."""

    def __init__(self, puppet: Puppet, dice: random.Random | None = None, pieces: tuple[int, ...] = PIECES) -> None:
        self.puppet = puppet
        self._dice = dice
        self._pieces = pieces
        self._at = 0
        self._closed = False

    def recv(self, size: int) -> bytes:
        """The next octets; none at the end."""
        if self._closed:
            raise OSError(9, "closed")
        if self._dice is not None:
            size = min(size, self._dice.choice(self._pieces))
        data = self.puppet.said[self._at : self._at + size]
        self._at += len(data)
        return data

    def recv_into(self, landing: bytearray) -> int:
        """The same, into a buffer."""
        data = self.recv(len(landing))
        landing[: len(data)] = data
        return len(data)

    def sendall(self, data: Any) -> None:
        """Commands."""
        if self._closed:
            raise OSError(9, "closed")
        self.puppet.hear(bytes(data))

    def close(self) -> None:
        """No more of it."""
        self._closed = True

    def settimeout(self, seconds: float | None) -> None:
        """Nothing here takes time."""

    def gettimeout(self) -> float:
        """Some time-out."""
        return 5.0

    def shutdown(self, how: int) -> None:
        """No more of it."""
        self._closed = True


def connecting(sock: PuppetSocket) -> Callable[..., Any]:
    """What stands in for ``net.tls.connect``."""
    return lambda host, port, timeout=0.0: sock
