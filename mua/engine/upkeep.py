"""Housekeeping on a thread of its own: bytes of mail gone for 30 days, orphans of crashes, the compression dictionary.

Rule of the file: nothing here is urgent, and each step can be killed anywhere: it is taken up again the next day.
"""

import contextlib
import threading
import time

from mua.engine.context import Context
from mua.errors import MailError
from mua.log import ENGINE
from mua.store import dispatch, ledger, wire_files, write_contacts
from mua.store.db import Store

FIRST_SECONDS = 20.0
DAY_SECONDS = 24 * 3600.0
CHUNK = 500
SAMPLES = 1000
DIALOGUE_SECONDS = 90 * 24 * 3600
KEPT_SECONDS = 30 * 24 * 3600
STALE_SECONDS = 24 * 3600


class Upkeep:
    """Runs until ``stop``."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)

    def start(self) -> None:
        """Begin, a little later than everything else."""
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()
        self._thread.join(10)

    def _run(self) -> None:
        next_round = time.monotonic() + FIRST_SECONDS
        while not self._stopping.wait(FIRST_SECONDS):
            try:
                train(self._context)
                if time.monotonic() >= next_round:
                    next_round = time.monotonic() + DAY_SECONDS
                    purge(self._context)
                    forget_submissions(self._context)
                    sweep(self._context, self._stopping)
                    forget_pictures(self._context)
            except MailError as error:
                ENGINE.info("housekeeping waits: %s (%s)", error.text, error.detail)


def train(context: Context) -> None:
    """Make the compression dictionary once there is enough mail to learn from."""
    if not context.bodies.has_dictionary and len(samples := context.bodies.samples(SAMPLES)) == SAMPLES:
        context.bodies.train(samples)


def purge(context: Context) -> int:
    """Delete the bytes of messages gone for 30 days (returns how many), contacts of that age, and old dialogues."""
    with context.store.write(durable=True) as tx:
        gone = ledger.purgeable(tx, context.now())
        dispatch.forget_dialogues(tx, context.now() - DIALOGUE_SECONDS)
        write_contacts.purge(tx, context.now())
    context.bodies.delete(gone)
    return len(gone)


def forget_submissions(context: Context) -> int:
    """Forget what local users submitted and what has been over for a month; returns how many messages."""
    count = 0
    while True:
        with context.store.write(durable=True) as tx:
            names = dispatch.forget_submissions(tx, context.now() - KEPT_SECONDS)
        for name in names:
            wire_files.wire_path(context.store.profile, name).unlink(missing_ok=True)
        count += len(names)
        if not names:
            return count


def forget_pictures(context: Context) -> int:
    """Delete pictures of mail that were fetched long ago; returns how many."""
    from mua.engine import pictures  # which speaks to web servers

    return pictures.forget(context.store.profile, time.time())


def sweep(context: Context, stopping: threading.Event | None = None) -> int:
    """Delete bytes that no row names: what a crash left between the bytes and their row; returns how many."""
    swept = 0
    for chunk in context.bodies.chunks(CHUNK):
        if stopping is not None and stopping.is_set():
            break
        swept += _sweep_chunk(context.store, context, chunk)
    horizon = time.time() - STALE_SECONDS
    for path in context.store.profile.big.glob("*.part"):
        with contextlib.suppress(FileNotFoundError):  # finished just now, it has another name
            if path.stat().st_mtime < horizon:
                path.unlink()
                swept += 1
    return swept


def _sweep_chunk(store: Store, context: Context, chunk: list[int]) -> int:
    """Under the write lock, so that no row can be on its way to its bytes."""
    with store.write() as tx:
        orphans = ledger.unnamed(tx, chunk)
        context.bodies.delete(orphans)
    return len(orphans)
