"""The indexer's child process: it reads cache.db and body.db, and is the sole writer of fts.db.

Theory of operation.  Whatever the index has to see has a number, and a message gets a new one with its body
(``message.index_seq``).  In a first synchronisation every header comes long before its body, and indexing both would be
double work; so a message without a body is put off until nothing more comes, or for half a minute.  Two marks say how
far the index is: everything with a body up to ``whole``, everything up to ``mark``; they and the documents that they
speak of are one transaction, so that a child killed anywhere goes on where its last commit was.

What the engine read of a body as it came, it tells (``gists``); of the rest the child reads the bytes.

Documents are collected and inserted in ascending order of their ids, since FTS5 begins a new segment at each id that is
lower than the one before; segments are merged when there is nothing else to do (``index.tidy``).
"""

import sys
import threading
import time
from dataclasses import replace

from mua.engine.extractor import Extractor
from mua.engine.gists import Told
from mua.errors import MailError
from mua.log import INDEX
from mua.mime.attached_text import attached_text
from mua.mime.message import Gist, gist
from mua.mime.pieces import SKIMMED
from mua.model.address import Address
from mua.model.message import MessageId
from mua.paths import Profile
from mua.store import index, read
from mua.store.blobs import Bodies
from mua.store.db import Db, Tx, open_reader, release_memory

BATCH = 1000  # messages of one commit
BATCH_TEXT = 8_000_000  # characters of one commit
REMOVALS = 10_000  # removals of one commit
MAX_TEXT = 1_000_000  # characters of one message
SLOW = 1.0  # seconds that a message took after which it is committed at once, so that nobody does that work twice
LULL = 0.1  # seconds without news after which an unfinished batch is committed
PATIENCE = 1.0  # seconds without news after which bodies that are missing are not waited for
LONGEST = 30.0  # seconds that a message without a body is put off, whatever comes
LARGEST = 48 << 20  # octets of a message whose attachments are looked into
IDLE = 5.0  # seconds with nothing left to do, and the child ends: what it takes to read mail is much memory for nothing


def main(profile: Profile) -> int:
    """The child's life: work, say ``mark N`` and ``idle``, wait for a line.

    The end of stdin ends it, and so does waiting in vain.
    """
    cache, bodies, fts = open_reader(profile), Bodies(profile, readonly=True), index.open_index(profile)
    told = Told()
    work, pokes, poked = Indexing(cache, bodies, fts, told), _Pokes(told), True
    try:
        while not pokes.ended:
            index.forget(fts, pokes.unwanted())
            wait = work.advance(quiet=not poked)
            _say(f"mark {work.mark}")
            _say("idle")
            poked = pokes.wait(IDLE if wait is None else wait)
            if wait is None and not poked:
                work.finish()
                break
        return 0
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
    except MailError as error:
        INDEX.error("%s (%s)", error.text, error.detail)
        return 1
    finally:
        work.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Pokes:
    """Lines on stdin, heard by a thread of their own: numbers in them are messages that should not be in the index.

    What the engine tells of messages goes to ``told``, and wakes nobody: their rows come after it.
    """

    def __init__(self, told: Told) -> None:
        self.ended = False
        self._told = told
        self._heard = threading.Event()
        self._unwanted: list[int] = []
        threading.Thread(target=self._listen, name="pokes", daemon=True).start()

    def _listen(self) -> None:
        for line in sys.stdin:
            if not line.endswith("\n"):  # the engine was ended in the midst of it
                break
            if self._told.hear(line):
                continue
            self._unwanted += map(int, line.split())
            self._heard.set()
        self.ended = True
        self._heard.set()

    def unwanted(self) -> list[int]:
        """The messages that are to be forgotten, once."""
        found, self._unwanted = self._unwanted, []
        return found

    def wait(self, seconds: float) -> bool:
        """Whether there was one, waiting up to so long."""
        heard = self._heard.wait(seconds)
        self._heard.clear()
        return heard


class Indexing:
    """The state of the work between two looks at the store."""

    def __init__(self, cache: Db, bodies: Bodies, fts: Tx, told: Told | None = None) -> None:
        self._cache, self._bodies, self._fts = cache, bodies, fts
        self._told = told or Told()
        self._beginnings = index.Beginnings(fts)
        self._pdf = Extractor()
        done = index.progress(fts)
        self.mark, self._removed = done.mark, done.removed
        self._seen = max(done.mark, done.whole)
        self._batch: list[index.Document] = []
        self._batch_text = 0
        self._put_off: float | None = time.monotonic() if done.whole > done.mark else None

    def advance(self, *, quiet: bool) -> float | None:
        """Do what there is to do now; returns after how many seconds to look again without news (None: never).

        ``quiet``: there was no news for the time that the last call returned.
        """
        self._forget()
        if self._gather():
            quiet = False
        if self._batch:
            if not quiet:
                return LULL
            self._commit()
            quiet = False
        if self._put_off is not None:
            if not quiet and time.monotonic() - self._put_off < LONGEST:
                return PATIENCE
            self._settle()
        while index.read_words(self._fts):
            pass
        if index.tidy(self._fts):
            return 0.0
        self._told.forget()
        release_memory()
        return None

    def _forget(self) -> None:
        while gone := read.removals_after(self._cache, self._removed, REMOVALS):
            self._removed = gone[-1][0]
            index.remove(self._fts, [message_id for _, message_id in gone], self._removed)

    def _gather(self) -> bool:
        """Read what is new, and commit each full batch; returns whether there was something."""
        some = False
        while news := read.to_index(self._cache, self._seen, BATCH):
            some = True
            for one in news:
                began = time.monotonic()
                self._take(one)
                self._seen = one.seq
                slow = time.monotonic() - began > SLOW
                if len(self._batch) >= BATCH or self._batch_text > BATCH_TEXT or (slow and self._batch):
                    self._commit()
        return some

    def _take(self, one: read.Unindexed) -> None:
        if not one.has_body:
            self._put_off = self._put_off or time.monotonic()
            return
        told = self._told.take(one.id)
        raw = self._bodies.skimmed(one.id) if told is None or told.names else None
        document = document_of(one, raw, told)
        if raw is not None and document.files:
            document = replace(document, attached=self._attached(one.id, raw))
        self._batch.append(document)
        self._batch_text += len(document.body) + len(document.attached)

    def _attached(self, message_id: MessageId, skimmed: bytes) -> str:
        """The text inside attachments; of a large message all of it is needed."""
        file = self._bodies.file(message_id)
        if file is not None and SKIMMED < file.stat().st_size <= LARGEST:
            skimmed = self._bodies.get(message_id) or b""
        self._pdf.begin()
        return attached_text(skimmed, self._pdf.text)

    def finish(self) -> None:
        """What was not worth its time while more could come."""
        while index.read_words(self._fts, every=True):
            pass

    def close(self) -> None:
        """End what it has started."""
        self._pdf.close()

    def _commit(self) -> None:
        if self._put_off is not None and not read.to_index(self._cache, self.mark, 1, self._seen, bodyless=True):
            self._put_off = None
        if self._put_off is None:
            self.mark = self._seen
        index.add(self._fts, self._batch, self.mark, self._seen, self._beginnings)
        self._batch, self._batch_text = [], 0

    def _settle(self) -> None:
        """Index what is still without a body."""
        while news := read.to_index(self._cache, self.mark, BATCH, self._seen, bodyless=True):
            self.mark = news[-1].seq
            documents = [document_of(one, None) for one in news]
            index.add(self._fts, documents, self.mark, self._seen, self._beginnings)
        self._put_off = None
        self._commit()


def document_of(one: read.Unindexed, raw: bytes | None, told: Gist | None = None) -> index.Document:
    """What is indexed of a message; ``raw``: None while only its header is here, or where it is ``told``."""
    told = gist(raw) if told is None and raw is not None else told
    return index.Document(
        one.id,
        one.subject,
        _people(one.sender),
        _people(one.to),
        "" if told is None else told.text[:MAX_TEXT],
        "" if told is None else " ".join(told.names),
        _people(one.cc),
        list=one.list_id,
    )


def _people(addresses: tuple[Address, ...]) -> str:
    return " ".join(f"{one.name} {one.address}" for one in addresses)
