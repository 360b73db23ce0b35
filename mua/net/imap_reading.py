"""Reading messages over IMAP: headers, bodies, parts and flags as streams of FETCH, and SEARCH (RFC 3501, RFC 9051).

Rules of the file: UIDs only; sections are peeked, so that nothing becomes read by it; the line is looked at before each
stream, and deflated where that pays.
"""

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import BinaryIO

from mua.errors import Kind, MailError
from mua.net.imap_answers import FetchedBody, FetchedHeader, FlagNews, esearch_all, head
from mua.net.imap_deflate import is_far
from mua.net.imap_dialogue import Part
from mua.net.imap_fetch import FetchStream, PartFile, in_batches, only_section
from mua.net.imap_tokens import Fetched, argument, date_seconds, expanded, quoted, uid_sets
from mua.net.imap_watch import Watching
from mua.net.imap_wire import Sink, spool

HEADER_FIELDS = (
    "DATE FROM TO CC BCC REPLY-TO SENDER SUBJECT MESSAGE-ID IN-REPLY-TO REFERENCES LIST-ID CONTENT-TYPE"
    " MIME-VERSION CONTENT-TRANSFER-ENCODING"
)
_HEADER_ITEMS = "UID FLAGS INTERNALDATE RFC822.SIZE"
_HEADER_SECTION = f"BODY.PEEK[HEADER.FIELDS ({HEADER_FIELDS})]"
_BODY_ITEMS = "UID BODY.PEEK[]"
_DEFLATES = 8_000_000  # octets a second


class Reading(Watching):
    """A connection that can read messages.

    ``ahead`` is how many batches ``fetch_header_batches`` and ``fetch_body_batches`` have under way at once: more than
    one only where nobody else wants the connection between two batches.
    """

    ahead = 1

    def _consider_compression(self) -> None:
        """COMPRESS=DEFLATE where it pays: once the line has shown itself slower than servers can deflate.

        Measured with Dovecot: its zlib makes 8 MB a second, so on anything faster compression is the brake.
        """
        wire = self.wire
        rate = wire.rate()
        if rate is None or rate > _DEFLATES or wire.compressed or "COMPRESS" in self.quirks:
            return
        if self.can("COMPRESS=DEFLATE") and is_far(wire.plain):
            self.compress()

    def compress(self) -> None:
        """Deflate from here on; a server that refuses is not asked again."""
        try:
            self.command("COMPRESS DEFLATE")
        except MailError as error:
            if error.kind is not Kind.FOLDER:
                raise
            self.quirks.add("COMPRESS")
        else:
            self.wire.compress()

    @property
    def tells_copies(self) -> bool:
        """Whether the server names what is the same in every copy of a message."""
        return self.can("OBJECTID") or self.can("X-GM-EXT-1")

    def _header_items(self, previews: bool = False) -> str:
        begun = " PREVIEW" * (previews and self.can("PREVIEW"))
        gmail = " X-GM-MSGID X-GM-THRID" * self.can("X-GM-EXT-1")
        named = " EMAILID THREADID" * self.can("OBJECTID") or gmail
        return f"{_HEADER_ITEMS}{named}{begun} {_HEADER_SECTION}"

    def fetch_headers(self, uids: Iterable[int] | str, *, batch: int = 200, window: int = 3) -> Iterator[FetchedHeader]:
        """Header fields, flags, date and size, in the server's order; each UID once.  See ``FetchStream``."""
        self._consider_compression()
        seen: set[int] = set()
        for message in FetchStream(self, sets_of(uids, batch), self._header_items(), window=window):
            if message.uid not in seen:
                seen.add(message.uid or 0)
                yield _header(message)

    def fetch_header_batches(
        self, batches: Sequence[Collection[int]], *, previews: bool = False
    ) -> Iterator[list[FetchedHeader]]:
        """The same, batch by batch, with ``ahead`` batches under way.  Nothing else can be asked until the end.

        ``previews``: with the beginning of each text, where the server makes one (PREVIEW, RFC 8970).
        """
        self._consider_compression()
        for group in in_batches(self, batches, self._header_items(previews), self.ahead, _header):
            yield list({one.uid: one for one in group}.values())

    def fetch_bodies(
        self, uids: Iterable[int], sink: Sink = spool, *, batch: int = 50, window: int = 2
    ) -> Iterator[FetchedBody]:
        """Whole messages, in the server's order; those over 1 MB as files from ``sink``."""
        self._consider_compression()
        for message in FetchStream(self, sets_of(uids, batch), _BODY_ITEMS, window=window, sink=sink):
            yield _body(message)

    def fetch_body_batches(self, batches: Sequence[Collection[int]], sink: Sink = spool) -> Iterator[list[FetchedBody]]:
        """The same, batch by batch; see ``fetch_header_batches``."""
        self._consider_compression()
        yield from in_batches(self, batches, _BODY_ITEMS, self.ahead, _body, sink)

    def fetch_part(self, uid: int, offset: int, octets: int, file: BinaryIO) -> int | None:
        """Add at most so many octets of a message from ``offset`` on to a file (``BODY[]<0.9>``, RFC 9051 s.6.4.5).

        Returns how many: fewer at its end; None when the message is gone.  A connection that breaks leaves what came
        of them in the file.  A server that answers with something else is hung up on.
        """
        self._consider_compression()
        section = b"BODY[]<%d>" % offset
        items = f"UID BODY.PEEK[]<{offset}.{octets}>"
        with contextlib.closing(PartFile(self.wire, file, uid, section, octets)) as part:
            for message in FetchStream(self, sets_of([uid], 1), items, sink=part.sink):
                told = message.sections.get(section)
                if told is None:
                    raise self.wire.broken("not the part of a message that was asked for")
                return part.keep(told)
        return None

    def fetch_flags(self, uids: Iterable[int] | str, changed_since: int = 0) -> Iterator[FlagNews]:
        """Flags of ``uids`` ("1:*" for all), with CONDSTORE only those changed after a modseq."""
        modifiers = f"(CHANGEDSINCE {changed_since})" if changed_since and self.can("CONDSTORE") else ""
        for message in FetchStream(self, sets_of(uids, 2000), "UID FLAGS", modifiers=modifiers):
            if message.flags is not None:
                yield FlagNews(message.uid or 0, message.flags, message.modseq or 0)

    def uid_search(self, *criteria: Part, most: int = 5_000_000) -> list[int]:
        """UIDs that match (``"ALL"``, ``"UID 5:*"``, ``"FROM", quoted(...)``), ascending."""
        ascii_only = self.utf8 or all(argument(one).isascii() for one in criteria)  # RFC 6855 s.3: no CHARSET there
        charset = [] if ascii_only else ["CHARSET UTF-8"]
        if not self.can("ESEARCH"):
            answer = self.command("UID SEARCH", *charset, *criteria, answers={b"SEARCH"})
            found = {one for reply in answer.untagged for one in reply.values if isinstance(one, int) and one > 0}
            return sorted(found)
        answer = self.command("UID SEARCH RETURN (ALL)", *charset, *criteria, answers={b"ESEARCH"})
        try:
            spans = [span for reply in answer.untagged for span in esearch_all(reply.values)]
            return sorted(set(expanded(spans, most)))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise self.wire.broken(f"bad ESEARCH: {error}") from error

    def search_message_id(self, message_id: str) -> list[int]:
        """UIDs in the selected mailbox whose Message-ID is ``message_id`` (without angle brackets)."""
        return self.uid_search("HEADER", quoted("Message-ID"), quoted(f"<{message_id}>"))


def _header(one: Fetched) -> FetchedHeader:
    return FetchedHeader(
        one.uid or 0,
        one.flags or (),
        date_seconds(one.internaldate),
        one.size or 0,
        head(only_section(one)),
        one.modseq or 0,
        one.object_id,
        one.preview,
        one.server_thread,
    )


def _body(one: Fetched) -> FetchedBody:
    return FetchedBody(one.uid or 0, only_section(one))


def sets_of(uids: Iterable[int] | str, count: int) -> list[bytes]:
    """UIDs as sets of commands, with at most so many runs each; what is written as a set already is one."""
    return [argument(uids)] if isinstance(uids, str) else list(uid_sets(uids, count))
