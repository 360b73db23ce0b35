"""The indexer: a child process that reads cache.db and body.db and is the sole writer of fts.db.

``main`` is the child: it works until nothing is new, prints ``mark N``, and waits for a line on stdin; the end of stdin
ends it.  Killed at any moment it goes on where its last commit was: ``mark`` and the documents are one transaction.
``Indexer`` is the engine's handle on it; a child that dies is started again with the next poke, a few times.
"""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO

from mua.errors import MailError
from mua.log import INDEX
from mua.mime.message import gist
from mua.model.address import Address
from mua.paths import Profile, child_environment
from mua.store import index, read
from mua.store.blobs import Bodies
from mua.store.db import Db, Tx, open_reader, release_memory

BATCH = 1000  # messages of one commit
REMOVALS = 10_000  # removals of one commit
MAX_RESTARTS = 5
MAX_TEXT = 1_000_000  # characters of one message


def main(profile: Profile) -> int:
    """The child's life; returns its exit code."""
    cache, bodies, fts = open_reader(profile), Bodies(profile, readonly=True), index.open_index(profile)
    try:
        while True:
            catch_up(cache, bodies, fts)
            _say(f"mark {index.progress(fts)[0]}")
            release_memory()
            _say("idle")
            if not sys.stdin.readline():
                return 0
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
    except MailError as error:
        INDEX.error("%s (%s)", error.text, error.detail)
        return 1


def catch_up(cache: Db, bodies: Bodies, fts: Tx) -> None:
    """Index everything new and forget everything gone, in batches, until nothing is left."""
    while True:
        mark, removed = index.progress(fts)
        gone = read.removals_after(cache, removed, REMOVALS)
        if gone:
            index.remove(fts, [message_id for _, message_id in gone], gone[-1][0])
        news = read.to_index(cache, mark, BATCH)
        if news:
            index.add(fts, [_document(bodies, one) for one in news], news[-1].seq)
            _say(f"mark {news[-1].seq}")
        if not news and not gone:
            return


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _document(bodies: Bodies, one: read.Unindexed) -> index.Document:
    raw = bodies.get(one.id) if one.has_body else None
    body, files = None, ""
    if raw is not None:
        told = gist(raw)
        body, files = told.text[:MAX_TEXT], " ".join(told.names)
    return index.Document(one.id, one.subject, _people(one.sender), _people(one.to + one.cc), body, files)


def _people(addresses: tuple[Address, ...]) -> str:
    return " ".join(f"{one.name} {one.address}" for one in addresses)


class Indexer:
    """The engine's handle on its child: ``poke`` after a commit, ``mark`` tells how far it is."""

    def __init__(self, profile: Profile, on_mark: Callable[[], None]) -> None:
        self._profile = profile
        self._on_mark = on_mark
        self._child: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()
        self._restarts = 0
        self._stopping = False
        self._idle = False
        self._again = False
        self.mark = 0

    def poke(self) -> None:
        """There is something new (or the child has to be started)."""
        with self._lock:
            if self._stopping:
                return
            if self._child is None or self._child.poll() is not None:
                self._start()
            elif self._idle:
                self._wake()
            else:
                self._again = True

    def _wake(self) -> None:
        self._idle = self._again = False
        try:
            if self._child is not None and self._child.stdin is not None:
                self._child.stdin.write("\n")
                self._child.stdin.flush()
        except OSError:
            INDEX.info("the indexer is gone; it starts again with the next news")

    def _start(self) -> None:
        if self._restarts > MAX_RESTARTS:
            return
        self._restarts += 1
        self._idle = self._again = False
        command = [sys.executable, "-P", "-m", "mua", "--profile", str(self._profile.root), "indexer"]
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=child_environment()
        )
        threading.Thread(target=self._listen, args=(self._child.stdout,), name="indexer", daemon=True).start()

    def _listen(self, lines: IO[str]) -> None:
        for line in lines:
            word, _, number = line.strip().partition(" ")
            if word == "idle":
                self._rest()
            elif word == "mark" and number.isdecimal():
                self.mark = int(number)
                self._restarts = 0
                self._on_mark()

    def _rest(self) -> None:
        with self._lock:
            self._idle = True
            if self._again and not self._stopping:
                self._wake()

    def stop(self) -> None:
        """End the child and wait for it."""
        with self._lock:
            self._stopping = True
            child = self._child
        if child is not None and child.stdin is not None:
            child.stdin.close()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
