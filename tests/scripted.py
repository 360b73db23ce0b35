r"""Scripted servers: a test reads as a conversation.

    with Scripted(r'''
        S: * OK hi
        C: {tag} CAPABILITY
        S: * CAPABILITY IMAP4rev1
        S: {tag} OK done
    ''') as server:
        ...                          # talk to 127.0.0.1, server.port
    # leaving the block fails when the conversation did not go as written

One step a line, for IMAP, POP3 and SMTP alike:

    S: text       send the text and CRLF               S- text    send the text without CRLF
    C: pattern    the client's next line must match    C# 12      read 12 bytes (a literal) into ``received``
    C.            read mail data up to the lone dot into ``received``
    TLS: good     a TLS handshake with that leaf of ``certs.py`` (as the first step: implicit TLS)
    SPLIT         from now on send byte by byte        WHOLE      ... and no more
    DROP          close the connection                 RESET      close it with RST
    STALL name    wait until the test calls ``release(name)``
    SIGNAL name   let the test's ``wait(name)`` return
    ---           what follows is the next connection (each has a thread of its own)

In patterns and texts ``{tag}`` is the command's first word: a ``C:`` line captures it, ``S:`` repeats it (``{tag-1}``:
the command before).  ``{name}`` captures one word, ``{name*}`` whatever fits, ``{}`` matches whatever fits; ``S:`` and
later ``C:`` lines may repeat a captured name.  ``\r``, ``\n`` and ``\xNN`` are escapes; others stay.
A name that nobody captured is text in ``S:``.  A callable between two texts is called with the ``Conversation``
(``send``, ``line``, ``read``), for lies too long to write down.  LOGOUT and QUIT are answered after the end of the
script; anything else there is an error.
"""

import contextlib
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import certs

Step = tuple[str, str] | Callable[["Conversation"], object]
PATIENCE = 60.0  # seconds that either side may be silent before the script gives up


class Mismatch(AssertionError):
    """The conversation did not go as written."""


class Conversation:
    """One connection that follows one script."""

    def __init__(self, server: "Scripted", steps: list[Step], peer: socket.socket) -> None:
        self.server = server
        self.sock = peer
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(server.patience)
        self.steps = steps
        self.captured: dict[str, str] = {}
        self.tags: list[str] = []
        self.transcript: list[str] = []
        self._buffer = bytearray()
        self._split = False
        self._closed = False
        self.over = threading.Event()

    # -- what a step, or a callable of the test, may do

    def send(self, data: bytes) -> None:
        """Send bytes as they are (byte by byte after SPLIT)."""
        if not self._split:
            self.sock.sendall(data)
            return
        for at in range(len(data)):
            self.sock.sendall(data[at : at + 1])
            time.sleep(0.0002)

    def line(self) -> bytes:
        """The client's next line without CRLF."""
        while (end := self._buffer.find(b"\n")) < 0:
            self._fill()
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return line.rstrip(b"\r\n")

    def read(self, count: int) -> bytes:
        """Exactly ``count`` bytes from the client."""
        while len(self._buffer) < count:
            self._fill()
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _fill(self) -> None:
        data = self.sock.recv(1 << 16)
        if not data:
            raise Mismatch("the client closed the connection")
        self._buffer += data

    # -- following the script

    def follow(self) -> None:
        """All steps, then an orderly farewell."""
        for step in self.steps:
            if callable(step):
                self.transcript.append(f"   ({getattr(step, '__name__', 'call')})")
                step(self)
            else:
                self._do(*step)
        if not self._closed:
            self._farewell()

    def _do(self, word: str, rest: str) -> None:
        if word == "C:":
            self._expect(rest)
        else:
            self.transcript.append(f"{word} {rest}"[:200])
            getattr(self, _STEPS[word])(rest)

    def _say(self, text: str) -> None:
        self.send(self._filled(text) + b"\r\n")

    def _mumble(self, text: str) -> None:
        self.send(self._filled(text))

    def _filled(self, text: str) -> bytes:
        def value(match: re.Match[str]) -> str:
            name = match[1].rstrip("*")
            if name.startswith("tag"):
                return self.tags[-1 + int(name[3:] or 0)]
            return self.captured.get(name, match[0])

        return _unescape(re.sub(r"\{([a-z]+(?:-\d)?\*?)\}", value, text))

    def _expect(self, pattern: str) -> None:
        try:
            line = self.line()
        except (Mismatch, OSError) as error:
            raise Mismatch(f"expected  C: {pattern}\nbut       {error or type(error).__name__}") from None
        self.transcript.append(f"C: {line.decode('latin-1')}"[:200])
        match = re.fullmatch(_regex(pattern, self.captured), line.decode("latin-1"), re.DOTALL)
        if match is None:
            raise Mismatch(f"expected  C: {pattern}\nbut got   C: {line.decode('latin-1')[:500]}")
        found = match.groupdict()
        if "tag" in found:
            self.tags.append(found.pop("tag"))
        self.captured.update(found)

    def _literal(self, count: str) -> None:
        self.server.received.append(self.read(int(count)))

    def _dotted(self, _: str) -> None:
        while b"\r\n.\r\n" not in b"\r\n" + self._buffer:
            self._fill()
        end = (b"\r\n" + self._buffer).index(b"\r\n.\r\n")
        self.server.received.append(self.read(end))
        self.read(3)

    def _tls(self, kind: str) -> None:
        if self._buffer:
            raise Mismatch("the client sent plain bytes after STARTTLS")
        self.sock = certs.authority().server_context(kind).wrap_socket(self.sock, server_side=True)

    def _start_splitting(self, _: str) -> None:
        self._split = True

    def _stop_splitting(self, _: str) -> None:
        self._split = False

    def _stall(self, name: str) -> None:
        if not self.server.event(name).wait(self.server.patience):
            raise Mismatch(f"nobody released {name!r}")

    def _signal(self, name: str) -> None:
        self.server.event(name).set()

    def _drop(self, _: str) -> None:
        self._closed = True
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()

    def _reset(self, _: str) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._closed = True
        self.sock.close()

    def _farewell(self) -> None:
        """Answer a goodbye; any other line is one too many.  A client that just hangs up is fine."""
        self.over.set()
        while True:
            try:
                line = self.line()
            except (Mismatch, OSError):
                return
            words = line.split()
            if words and words[-1].upper() == b"LOGOUT":
                self.send(b"* BYE\r\n" + words[0] + b" OK bye\r\n")
            elif words and words[0].upper() == b"QUIT":
                self.send(self.server.quit_reply)
            else:
                raise Mismatch(f"the script is over, but the client said\n          C: {line.decode('latin-1')[:500]}")


_STEPS = {
    "S:": "_say",
    "S-": "_mumble",
    "C#": "_literal",
    "C.": "_dotted",
    "TLS:": "_tls",
    "SPLIT": "_start_splitting",
    "WHOLE": "_stop_splitting",
    "STALL": "_stall",
    "SIGNAL": "_signal",
    "DROP": "_drop",
    "RESET": "_reset",
}


def _unescape(text: str) -> bytes:
    def byte(match: re.Match[str]) -> str:
        return {"r": "\r", "n": "\n"}.get(match[1]) or chr(int(match[1][1:], 16))

    return re.sub(r"\\(r|n|x[0-9a-f]{2})", byte, text).encode("latin-1" if text.isascii() else "utf-8")


def _regex(pattern: str, captured: dict[str, str]) -> str:
    """A ``C:`` pattern as a regular expression."""
    out, at = "", 0
    for match in re.finditer(r"\{([a-z]*)(\*?)\}", pattern):
        out += re.escape(_unescape(pattern[at : match.start()]).decode("latin-1"))
        name, at = match[1], match.end()
        if not name:
            out += ".*"
        elif name in captured:
            out += re.escape(captured[name])
        else:
            out += f"(?P<{name}>{'.*' if match[2] else r'[^ ]+'})"
    return out + re.escape(_unescape(pattern[at:]).decode("latin-1"))


def _steps(parts: tuple[str | Callable[[Conversation], object], ...]) -> list[list[Step]]:
    """Texts and callables -> one list of steps per connection."""
    conversations: list[list[Step]] = [[]]
    for part in parts:
        if callable(part):
            conversations[-1].append(part)
            continue
        for line in filter(None, map(str.strip, part.splitlines())):
            if line == "---":
                conversations.append([])
                continue
            word, _, rest = line.partition(" ")
            if word != "C:" and word not in _STEPS:
                raise ValueError(f"not a step of a script: {line!r}")
            conversations[-1].append((word, rest))
    return conversations


class Scripted:
    """A server on a free loopback port that speaks the given parts, one conversation per connection.

    ``partial`` permits the client to stop before the end of the script; ``patience`` is how many seconds either side
    may be silent; ``quit_reply`` answers QUIT after the end (SMTP's by default; give POP3's where it matters).
    """

    def __init__(
        self,
        *parts: str | Callable[[Conversation], object],
        partial: bool = False,
        patience: float = PATIENCE,
        quit_reply: bytes = b"221 2.0.0 bye\r\n",
        host: str = "127.0.0.1",
    ) -> None:
        self.partial = partial
        self.patience = patience
        self.quit_reply = quit_reply
        self.host = host
        self.received: list[bytes] = []
        self.conversations: list[Conversation] = []
        self.errors: list[str] = []
        self._scripts = _steps(parts)
        self._events: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port: int = self._listener.getsockname()[1]

    # -- for the test

    def event(self, name: str) -> threading.Event:
        """The event behind STALL and SIGNAL of that name."""
        with self._lock:
            return self._events.setdefault(name, threading.Event())

    def release(self, name: str) -> None:
        """Let a STALL of that name go on."""
        self.event(name).set()

    def wait(self, name: str) -> None:
        """Wait for a SIGNAL of that name."""
        if not self.event(name).wait(self.patience):
            raise Mismatch(f"the script never reached SIGNAL {name}\n{self.report()}")

    @property
    def lines(self) -> list[str]:
        """What all clients said so far, one line each."""
        return [line[3:] for talk in self.conversations for line in talk.transcript if line.startswith("C: ")]

    def report(self) -> str:
        """The conversations so far, and what went wrong."""
        talks = ["\n".join(["---", *talk.transcript]) for talk in self.conversations]
        return "\n".join([*talks, *self.errors])

    # -- running

    def __enter__(self) -> Self:
        self._acceptor = threading.Thread(target=self._accept, name="scripted", daemon=True)
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._acceptor.join(self.patience)
        self._listener.close()
        for talk in self.conversations:
            if not self.partial and error is None:
                talk.over.wait(self.patience)
        for thread, talk in zip(self._threads, self.conversations, strict=False):
            thread.join(0.2)
            with contextlib.suppress(OSError):
                talk.sock.shutdown(socket.SHUT_RDWR)
            thread.join(1)
        if not self.partial and error is None and len(self.conversations) < len(self._scripts):
            self.errors.append(f"{len(self.conversations)} of {len(self._scripts)} connections came")
        if self.errors and not (self.partial and error is None):
            raise Mismatch("the conversation did not go as written\n" + self.report()) from error

    def _accept(self) -> None:
        self._listener.settimeout(0.1)
        waited = 0.0
        for steps in self._scripts:
            while True:
                try:
                    peer = self._listener.accept()[0]
                    break
                except TimeoutError:
                    waited += 0.1
                    if waited > self.patience:
                        return
                except OSError:
                    return
            talk = Conversation(self, steps, peer)
            self.conversations.append(talk)
            thread = threading.Thread(target=self._follow, args=(talk,), name="conversation", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _follow(self, talk: Conversation) -> None:
        try:
            talk.follow()
        except Mismatch as error:
            self.errors.append(str(error))
        except ssl.SSLError as error:
            talk.transcript.append(f"   (TLS failed: {error.reason})")
        except OSError as error:
            talk.transcript.append(f"   (connection lost: {error})")
        finally:
            talk.over.set()
            with contextlib.suppress(OSError):
                talk.sock.close()
