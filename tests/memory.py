"""How much memory processes take: proportional set size, where shared pages are divided among those who share them."""

import contextlib
import threading
from pathlib import Path
from typing import Self


class Peak:
    """The most that a process and its descendants take between ``with`` and the end of its block, in MB."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.most = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            with contextlib.suppress(OSError, StopIteration):  # one of them has just ended
                self.most = max(self.most, pss(self._pid))


def rss(pid: int) -> float:
    """Megabytes of one process, what it shares with others counted in full: what ``ps`` and ``top`` show."""
    return _kilobytes(pid, "Rss:") / 1024


def pss(*pids: int) -> float:
    """Megabytes of the processes and all their descendants."""
    family = set(pids)
    fresh = list(pids)
    while fresh:
        tasks = (path for pid in fresh for path in Path(f"/proc/{pid}/task").glob("*/children"))
        fresh = [int(word) for path in tasks for word in path.read_text().split()]
        family |= set(fresh)
    return sum(_kilobytes(pid, "Pss:") for pid in family) / 1024


def _kilobytes(pid: int, kind: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(kind))
