"""From commits to events: merges what changed within 50 ms into one ``Changed``, so that a burst is one repaint."""

import threading
from collections.abc import Callable

from mua import wire
from mua.store.db import Changes

GATHER = 0.05
MAX_IDS = 2000


class Publisher:
    """Collects ``Changes`` from any thread; one thread of its own sends the events."""

    def __init__(self, tell: Callable[[wire.Event], None], on_arrived: Callable[[set[int]], None]) -> None:
        self._tell = tell
        self._on_arrived = on_arrived
        self._changes = Changes()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._seq = 0
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def add(self, changes: Changes) -> None:
        """Something was committed."""
        with self._lock:
            self._changes.merge(changes)
        self._wake.set()

    def stop(self) -> None:
        """Send what is left, then end."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(2)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait()
            self._stopping.wait(GATHER)
            self._wake.clear()
            self._send()
        self._send()

    def _send(self) -> None:
        with self._lock:
            changes, self._changes = self._changes, Changes()
        if not changes:
            return
        self._seq += 1
        many = len(changes.messages) + len(changes.removed) > MAX_IDS
        self._tell(
            wire.Changed(
                self._seq,
                changes.accounts,
                tuple(sorted(changes.folders)),
                () if many else tuple(sorted(changes.messages)),
                () if many else tuple(sorted(changes.removed)),
                tuple(sorted(changes.outgoing)),
                many,
                changes.contacts,
            )
        )
        if changes.arrived:
            self._on_arrived(changes.arrived)
