"""What a worker notes of itself, for whoever looks after an account's health.

Rule of the file: written by the worker's own threads, read by any; small, and forgotten with the worker.
"""

import threading
from collections.abc import Callable
from dataclasses import replace

from mua.model.connection import Facts


class Pulse:
    """Connections, wakes and pauses of one account's worker.  Times are UTC seconds, 0: never."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._open: dict[str, Facts] = {}
        self._last = Facts()
        self._octets = (0, 0)
        self.woken_at, self.woken_by = 0, ""
        self.failures = self.paused_until = 0
        self.alone = False  # the server did not let us have a second connection

    def open(self, facts: Facts) -> None:
        """This thread's connection is open, and such."""
        with self._lock:
            self._open[threading.current_thread().name] = facts
            self._last = replace(facts, server=facts.server or self._last.server)  # one of them asked

    def closed(self, facts: Facts) -> None:
        """This thread's connection has ended, and was such."""
        with self._lock:
            self._open.pop(threading.current_thread().name, None)
            self._octets = self._octets[0] + facts.octets_in, self._octets[1] + facts.octets_out

    def woke(self, why: str) -> None:
        """The wait in IDLE ended."""
        self.woken_at, self.woken_by = self._now(), why

    def paused(self, failures: int, seconds: float) -> None:
        """So many connections failed in a row; the next is tried after so long."""
        self.failures, self.paused_until = failures, self._now() + int(seconds) if failures else 0

    def well(self) -> None:
        """A connection was made."""
        self.failures = self.paused_until = 0

    def facts(self) -> tuple[Facts, int]:
        """(what is known of the connections, or was of the last one; how many are open)."""
        with self._lock:
            return self._last, len(self._open)

    def octets(self) -> tuple[int, int]:
        """(in, out) over all connections, open ones as they were last looked at."""
        with self._lock:
            now = self._open.values()
            received, sent = self._octets
            return received + sum(one.octets_in for one in now), sent + sum(one.octets_out for one in now)
