"""FETCH as a stream: several batches in flight, one message in memory at a time.

Theory of operation: one regular expression over the shared buffer matches a usual answer whole, in any attribute order,
up to its one literal; everything else (a literal in the middle, quoted values, news on the side, a tagged end) goes
through ``Wire.response`` and the grammar.  A FETCH that lacks what was asked for, or is about another message, is
somebody else's change: news, not an answer.
"""

import os
import re
import shutil
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import BinaryIO, TypeVar

from mua.errors import MailError
from mua.net.imap_session import Session
from mua.net.imap_tokens import Fetched, Status, flag_tuple, ranges, text, uid_sets
from mua.net.imap_wire import Sink, Wire, spool

_USUAL = re.compile(
    rb"\* (\d{1,10}) FETCH \("
    rb'(?: ?(?:UID (\d{1,10})|FLAGS \(([^()"]*)\)|INTERNALDATE "([^"\r\n]*)"|RFC822\.SIZE (\d{1,18})'
    rb"|MODSEQ \((\d{1,19})\)|EMAILID \(([\w-]{1,255})\)|X-GM-MSGID (\d{1,20})"
    rb"|THREADID (?:\(([\w-]{1,255})\)|NIL)|X-GM-THRID (\d{1,20})))*"
    rb"(?: ?(BODY\[[^\]\r\n]{0,4000}\](?:<\d+>)?) \{(\d{1,9})\}\r\n)?"
).match
_LINE_SOON = 1 << 16
_Made = TypeVar("_Made")


class FetchStream:
    """The answers to UID FETCH of ``sets``, ``window`` commands in flight, in the server's order.

    Iterate once.  Closing the iterator early reads the running commands' answers away, so keep batches small where a
    person may change their mind.  Raises the first refusal after the commands in flight have ended.
    """

    def __init__(
        self,
        session: Session,
        sets: Sequence[bytes],
        items: str,
        *,
        modifiers: str = "",
        window: int = 3,
        sink: Sink = spool,
    ) -> None:
        self._session = session
        self._todo = deque(sets)
        self._items = items
        self._modifiers = modifiers
        self._window = window
        self._sink = sink
        self._flight: set[bytes] = set()
        self._refused: MailError | None = None
        self._needs_date = "INTERNALDATE" in items
        self._needs_size = "RFC822.SIZE" in items
        self._needs_section = "BODY" in items
        self._asked = None if any(b"*" in one for one in sets) else sorted(span for one in sets for span in ranges(one))
        self._count = 0
        self._most = self._most_answers()
        self._lows = [low for low, _ in self._asked or []]

    def _most_answers(self) -> int:
        """A message may be told about twice; one that is told about for ever is a flood."""
        spans = [(1, self._session.limits.responses)] if self._asked is None else self._asked
        return 1000 + 2 * sum(high - low + 1 for low, high in spans)

    def __iter__(self) -> Iterator[Fetched]:
        try:
            self._launch()
            while self._flight:
                message = self._next()
                if message is not None:
                    yield message
        finally:
            self._read_away()
            self._session.busy = ""
        if self._refused is not None:
            raise self._refused

    def _launch(self) -> None:
        session = self._session
        while self._todo and len(self._flight) < self._window:
            session.busy = ""
            parts: list[str | bytes] = ["UID FETCH", self._todo.popleft(), f"({self._items})"]
            if self._modifiers:
                parts.append(self._modifiers)
            self._flight.add(session.start(parts))
            session.busy = "FETCH"

    def _next(self) -> Fetched | None:
        """Consume one response; None when it was not one of ours."""
        wire = self._session.wire
        buffer, inline = wire.buffer, wire.limits.inline
        while True:
            found = _USUAL(buffer, wire.at)
            has_literal = found is not None and found[12] is not None  # then its line is here as a whole
            if found is not None:
                start = found.end()
                end = start + int(found[12] or 0)
                if end - start > inline:
                    break
                if buffer[end : end + 3] == b")\r\n":
                    message = _usual(found, bytes(buffer[start:end]))
                    wire.at = end + 3
                    wire.rest()
                    return self._ours(message)
                if has_literal and end + 3 <= len(buffer):
                    break
            if not has_literal and self._has_line(buffer, wire.at):
                break
            wire.fill()
        return self._unusual()

    @staticmethod
    def _has_line(buffer: bytearray, at: int) -> bool:
        """Whether a line is here as a whole, or is too long to be a usual one."""
        return len(buffer) - at >= _LINE_SOON or buffer.find(b"\r\n", at) >= 0

    def _unusual(self) -> Fetched | None:
        session = self._session
        chunks = session.wire.response(self._sink)
        head = chunks[0]
        assert isinstance(head, bytes)
        if head.startswith(b"* "):
            reply = session.understood(chunks)
            if reply.fetched is not None:
                return self._ours(reply.fetched)
            session.take_note(reply)
            return None
        tag = head.partition(b" ")[0]
        if tag not in self._flight:
            session.wire.refuse(f"unexpected {head[:80]!r}")
        self._flight.remove(tag)
        end = session.handle(tag, chunks)
        if isinstance(end, Status) and end.kind != b"OK" and end.code_name != "EXPUNGEISSUED":
            self._refused = self._refused or session.refusal(end, "FETCH")
            self._todo.clear()
        self._launch()
        return None

    def _ours(self, message: Fetched) -> Fetched | None:
        """``message`` when it answers what was asked; else it is somebody else's news."""
        complete = (
            message.uid is not None
            and (message.internaldate is not None or not self._needs_date)
            and (message.size is not None or not self._needs_size)
            and (bool(message.sections) or not self._needs_section)
        )
        if complete and self._was_asked(message.uid or 0):
            self._count += 1
            if self._count > self._most:
                self._session.wire.refuse("more answers than messages")
            self._session.wire.asked()
            return message
        if message.flags is not None:
            self._session.news.add("FETCH")
        return None

    def _was_asked(self, uid: int) -> bool:
        if self._asked is None:
            return uid > 0
        place = bisect_right(self._lows, uid)
        return place > 0 and uid <= self._asked[place - 1][1]

    def _read_away(self) -> None:
        """After an early close: the rest of the answers, kept only for their news."""
        self._todo.clear()
        self._sink = _nowhere
        try:
            while self._flight and self._session.wire.dead is None:
                self._next()
        except MailError:
            pass  # the connection is dead, as its next use will say


def in_batches(
    session: Session,
    batches: Sequence[Collection[int]],
    items: str,
    ahead: int,
    made: Callable[[Fetched], _Made],
    sink: Sink = spool,
) -> Iterator[list[_Made]]:
    """FETCH of batches of UIDs, handed over batch by batch, with ``ahead`` of them under way; one: after each other.

    A batch ends with the first answer of a later one; what a server answers out of turn comes with the next.  ``made``
    takes what is wanted out of each answer as it comes, so that nothing else waits for the end of its batch.
    """
    if ahead == 1:
        for batch in batches:
            alone = FetchStream(session, list(uid_sets(batch, max(len(batch), 1))), items, sink=sink)
            yield [made(message) for message in alone]
        return
    places = {uid: place for place, batch in enumerate(batches) for uid in batch}
    sets = [one for batch in batches for one in uid_sets(batch, max(len(batch), 1))]
    group, current = list[_Made](), 0
    for message in FetchStream(session, sets, items, window=ahead, sink=sink):
        place = places.get(message.uid or 0, 0)
        if place > current and group:
            yield group
            group = []
        current = max(current, place)
        group.append(made(message))
    yield group


def _usual(found: re.Match[bytes], literal: bytes) -> Fetched:
    seq, uid, flags, date, size, modseq, email_id, gm_id, thread_id, gm_thread, section, _ = found.groups()
    return Fetched(
        int(seq),
        None if uid is None else int(uid),
        None if flags is None else flag_tuple(flags),
        date,
        None if size is None else int(size),
        None if modseq is None else int(modseq),
        (email_id or gm_id or b"").decode(),
        (thread_id or gm_thread or b"").decode(),
        sections={} if section is None else {section.upper(): literal},
    )


def only_section(message: Fetched) -> bytes | BinaryIO:
    """The value of the one section that was asked for."""
    for name, value in message.sections.items():
        if text(name).startswith("BODY["):
            return value
    return b""


class _Nowhere:
    """A drain for literals that nobody wants any more."""

    def write(self, data: bytes | memoryview) -> int:
        return len(data)

    def seek(self, offset: int) -> int:
        return offset

    def close(self) -> None:
        """Nothing to close."""


def _nowhere(_size: int, _before: bytes) -> BinaryIO:
    return _Nowhere()  # type: ignore[return-value]  # all that a Wire needs of a file


class PartFile:
    """The end of a file as the sink for one section of one message: what comes of it is kept also when not all came.

    What is not known to be it while it comes goes to a file without a name.  A literal over ``most`` octets is refused.
    """

    def __init__(self, wire: Wire, file: BinaryIO, uid: int, section: bytes, most: int) -> None:
        self._wire, self._file, self._most = wire, file, most
        self._uid, self._section = b" UID %d " % uid, b" %s " % section
        self._begins = file.tell()
        self._landing: BinaryIO | None = None
        self._aside: list[BinaryIO] = []  # of one response

    def sink(self, size: int, before: bytes) -> BinaryIO:
        """Where a literal goes; see ``Sink``."""
        if size > self._most:
            self._wire.refuse(f"{size} octets instead of a part of {self._most}")
        said = before.replace(b"(", b" ").upper()
        if said:  # the one before it was not an answer
            self.close()
        if self._uid not in said or not said.endswith(self._section):
            self._aside.append(spool(size, before))
            return self._aside[-1]
        self._rewind()
        landing: BinaryIO = _Growing(self._file)  # type: ignore[assignment]  # all that a Wire needs of a file
        self._landing = landing
        return landing

    def keep(self, part: bytes | BinaryIO) -> int:
        """Make what was answered the end of the file, and nothing else; returns its octets."""
        if part is not self._landing:
            self._rewind()
            if isinstance(part, bytes):
                self._file.write(part)
            else:
                shutil.copyfileobj(part, self._file)
        got = self._file.seek(0, os.SEEK_END) - self._begins
        if got > self._most:
            self._wire.refuse(f"{got} octets instead of a part of {self._most}")
        return got

    def close(self) -> None:
        """Drop what went to other files."""
        for file in self._aside:
            file.close()
        self._aside.clear()

    def _rewind(self) -> None:
        self._file.seek(self._begins)
        self._file.truncate()


class _Growing:
    """A file that others go on with."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes | memoryview) -> int:
        return self._file.write(data)

    def seek(self, _offset: int) -> int:
        return 0

    def close(self) -> None:
        """The file stays open."""
