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


def pss(*pids: int) -> float:
    """Megabytes of the processes and all their descendants."""
    family = set(pids)
    fresh = list(pids)
    while fresh:
        tasks = (path for pid in fresh for path in Path(f"/proc/{pid}/task").glob("*/children"))
        fresh = [int(word) for path in tasks for word in path.read_text().split()]
        family |= set(fresh)
    total = 0
    for pid in family:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024
