"""Commands and their answers on one IMAP connection: what goes in as parts comes out as a ``Result``, or as news.

Rules of the file: one command at a time (``busy`` says what else is running); what a server says about the selected
mailbox on the side is *news*: a level, not a list of events, because whoever reads it compares the mailbox anyway; an
answer that the grammar does not allow ends the connection.
"""

import contextlib
import socket
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.model.account import Server
from mua.net.imap_refusal import refusal
from mua.net.imap_tokens import BadSyntax, Literal, Status, Untagged, argument, status, text, untagged
from mua.net.imap_wire import Chunk, Limits, Sink, Wire, spool
from mua.net.wirelog import WireLog

Part = str | bytes

_NEWS = frozenset({b"EXISTS", b"EXPUNGE", b"VANISHED", b"FETCH"})
_STATUSES = frozenset({b"OK", b"NO", b"BAD"})
_SMALL_LITERAL = 4096  # what LITERAL- allows without asking (RFC 7888 s.5)


@dataclass(slots=True)
class Result:
    """The end of a command that was OK, and the untagged responses that were asked for."""

    status: Status
    untagged: list[Untagged] = field(default_factory=list)


def _weight(chunks: Collection[Chunk]) -> int:
    """About how much memory a response takes once it is parsed: an object for each word, a list for each bracket."""
    texts = [chunk for chunk in chunks if isinstance(chunk, bytes)]
    return 400 + sum(len(text) + 64 * (text.count(b" ") + text.count(b"(") + text.count(b'"')) for text in texts)


class Dialogue:
    """Commands on a ``Wire``, owned by one thread.  Whoever opens the connection sets the wire and gives out the tags.

    ``news`` is a set of kinds ("EXISTS", "EXPUNGE", "VANISHED", "FETCH") said about the selected mailbox on the side.
    """

    _client: Any  # imapclient, whose imaplib counts the tags

    def __init__(self, server: Server, limits: Limits | None = None) -> None:
        self.server = server
        self.limits = limits or Limits()
        self.log = WireLog()
        self.news: set[str] = set()
        self.capabilities: frozenset[str] = frozenset()
        self.busy = ""
        self._wire: Wire | None = None

    # -- state

    @property
    def wire(self) -> Wire:
        """The buffer and socket of this session."""
        assert self._wire is not None
        return self._wire

    def can(self, capability: str) -> bool:
        """Whether the server offers this capability now."""
        return capability in self.capabilities

    def ready(self) -> None:
        """Raise when a stream or IDLE is running, or the connection is gone."""
        if self._wire is not None and self._wire.dead is not None:
            raise self._wire.dead
        if self.busy:
            raise MailError(Kind.BUG, Retry.NEVER, "Mua made a mistake in a conversation.", f"{self.busy} is running")

    def interrupt(self) -> None:
        """From any thread: whatever the owner waits for fails at once.  The owner still has to ``abort``."""
        if self._wire is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._wire.plain, socket.SHUT_RDWR)  # past ssl, which is not ours to touch

    def abort(self) -> None:
        """Close the socket without a word; idempotent."""
        if self._wire is not None:
            self._wire.close()

    # -- commands

    def command(
        self, *parts: Part, answers: Collection[bytes] = (), folder: str = "", sink: Sink = spool, before: Part = ""
    ) -> Result:
        """Run one command; ``parts`` are joined by spaces, a ``Literal`` is sent as one.

        ``before`` is a command that goes ahead of it in the same round trip, whatever its end is.
        Untagged responses of the kinds in ``answers`` come back in the Result; others are news or nothing.
        Raises MailError of kind FOLDER for NO and BAD (``folder`` names it), CONNECTION when the session is over.
        """
        ahead = self.start([before]) if before else b""
        tag = self.start(parts)
        end = self.finish(tag, answers, sink, ahead=ahead)
        if end.status.kind != b"OK":
            raise self.refusal(end.status, text(argument(parts[0])).split(" (")[0], folder)
        return end

    def start(self, parts: Collection[Part], *, secret: bool = False) -> bytes:
        """Send a command (FetchStream and IDLE read the answers themselves); returns its tag."""
        self.ready()
        pieces = [argument(part) for part in parts]
        tag: bytes = self._client._imap._new_tag()
        self._client._imap.tagged_commands.pop(tag, None)
        out = bytearray(tag)
        for piece in pieces:
            out += b" "
            if not isinstance(piece, Literal):
                out += piece
                continue
            self._announce(out, len(piece), tag, secret)
            out = bytearray(piece)
        self.wire.send(out + b"\r\n", secret=secret)
        return tag

    def start_literal(self, parts: Collection[Part], size: int) -> bytes:
        """Send a command up to the announcement of a literal that the caller sends; returns the tag."""
        self.ready()
        tag: bytes = self._client._imap._new_tag()
        self._client._imap.tagged_commands.pop(tag, None)
        self._announce(bytearray(b" ".join([tag, *map(argument, parts)]) + b" "), size, tag, False)
        return tag

    def _announce(self, out: bytearray, size: int, tag: bytes, secret: bool) -> None:
        """Send ``out`` and a literal's size, and wait for the go-ahead where the server wants to be asked."""
        small = size <= _SMALL_LITERAL and self.can("LITERAL-")
        if self.can("LITERAL+") or small:
            self.wire.send(out + b"{%d+}\r\n" % size, secret=secret)
            return
        self.wire.send(out + b"{%d}\r\n" % size, secret=secret)
        refused = self.go_ahead(tag)
        if refused is not None:
            raise self.refusal(refused, "literal")

    def challenge(self, tag: bytes) -> bytes | Status:
        """Wait for ``+`` and return what follows it; a Status means that the command ended instead."""
        while True:
            chunks = self.wire.response()
            head = chunks[0]
            assert isinstance(head, bytes)
            if head.startswith(b"+"):
                return head[1:].strip()
            end = self.handle(tag, chunks)
            if isinstance(end, Status):
                return end

    def go_ahead(self, tag: bytes) -> Status | None:
        """Wait for ``+``; a Status means that the command ended instead."""
        said = self.challenge(tag)
        return said if isinstance(said, Status) else None

    def finish(self, tag: bytes, answers: Collection[bytes] = (), sink: Sink = spool, *, ahead: bytes = b"") -> Result:
        """Read until the command has ended, whatever its end is; ``answers`` as for ``command``.

        So must the one that went ahead have: a server may end them in any order (RFC 3501 s.5.5; Dovecot does).
        """
        found: list[Untagged] = []
        waiting = {tag, ahead} - {b""}
        end: Status | None = None
        held = 0
        while held <= self.limits.answers:
            chunks = self.wire.response(sink)
            ended = chunks[0].partition(b" ")[0] if isinstance(chunks[0], bytes) else b""
            reply = self.handle(ended if ended in waiting else tag, chunks, answers)
            if isinstance(reply, Status):
                waiting.remove(ended)
                end = reply if ended == tag else end
                if end is not None and not waiting:
                    return Result(end, found)
            elif reply is not None:
                found.append(reply)
                held += _weight(chunks)
        raise self.wire.broken("answers without end")

    def handle(self, tag: bytes, chunks: list[Chunk], answers: Collection[bytes] = ()) -> Status | Untagged | None:
        """A Status when ``chunks`` ends the command ``tag``; an Untagged of a kind in ``answers``; None otherwise."""
        head = chunks[0]
        assert isinstance(head, bytes)
        if head.startswith(b"* "):
            reply = self.understood(chunks)
            if reply.kind in answers:
                return reply
            self.take_note(reply)
            return None
        if head.startswith(tag + b" "):
            end = status(head[len(tag) + 1 :])
            if end.kind in _STATUSES:
                return end
        raise self.wire.broken(f"unexpected {head[:80]!r}")

    def understood(self, chunks: list[Chunk]) -> Untagged:
        """An untagged response; BYE and nonsense end the session."""
        try:
            reply = untagged(chunks)
        except (BadSyntax, ValueError) as error:
            self.wire.refuse(str(error)[:200])
        if reply.kind == b"BYE":
            text = f"{self.server.host} closed the connection; Mua will connect again by itself."
            words = log.masked(reply.values[0].text)
            self.wire.die(MailError(Kind.CONNECTION, Retry.SOON, text, words, "server-closed"))
        return reply

    def take_note(self, reply: Untagged) -> None:
        """Remember that something changed; a FETCH without flags (our own MODSEQ) is no news."""
        if reply.kind == b"OK":
            self.overheard(reply.values[0].code_name.encode())
        elif reply.kind != b"FETCH" or (reply.fetched is not None and reply.fetched.flags is not None):
            self.overheard(reply.kind)

    def overheard(self, kind: bytes) -> None:
        """A response, or response code, of this kind came on the side."""
        if kind in _NEWS:
            self.news.add(kind.decode())

    def take_news(self) -> set[str]:
        """The news so far, which are then forgotten."""
        news, self.news = self.news, set()
        return news

    def refusal(self, end: Status, command: str, folder: str = "") -> MailError:
        """A NO or BAD in plain words; kind FOLDER."""
        return refusal(end, self.server.host, command, folder)
