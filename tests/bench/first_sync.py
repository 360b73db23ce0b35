"""A first synchronisation watched from outside: when is what in the store, and what does it cost.

Nothing is asked of the engine: its files are read, as every window does, a hundred times a second.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from lab import Lab

SCREENFUL = 50
PAUSE = 0.01
PATIENCE = 1800.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Course:
    """Seconds from the start of the engine's process, and CPU seconds of it and of its indexer until ``complete``.

    ``login`` is when the inbox got its row: the first thing that is written after logging in.
    """

    login: float
    screenful: float
    listed: float
    complete: float
    engine: float
    indexer: float


def watch(lab: Lab, profile: Path, count: int, *, complete: bool = True) -> Course:
    """Start an engine on a fresh profile and wait until ``count`` messages are listed, or ``complete``."""
    began = time.monotonic()
    with lab.engine(profile) as engine:
        look = _Look(profile)
        login = _when(began, lambda: look.folders() > 0)
        screenful = _when(began, lambda: look.total("total") >= min(SCREENFUL, count))
        listed = _when(began, lambda: look.total("total") >= count)
        done = _when(began, lambda: look.is_complete(count)) if complete else listed
        engine_cpu, reaped = _cpu(engine.pid)
        indexer_cpu = reaped + sum(sum(_cpu(pid)) for pid in _children(engine.pid))
        return Course(login, screenful, listed, done, engine_cpu, indexer_cpu)


def until_complete(profile: Path, count: int) -> None:
    """Wait until everything is fetched and indexed; looks seldom."""
    look = _Look(profile)
    _when(time.monotonic(), lambda: look.is_complete(count), 0.5)


def _when(began: float, happened: Callable[[], bool], pause: float = PAUSE) -> float:
    while not happened():
        if time.monotonic() - began > PATIENCE:
            raise SystemExit("the first synchronisation did not end")
        time.sleep(pause)
    return time.monotonic() - began


class _Look:
    """Reading the two databases of a profile that may not be there yet."""

    def __init__(self, profile: Path) -> None:
        self._cache, self._fts = profile / "cache.db", profile / "fts.db"

    def folders(self) -> int:
        return self._value(self._cache, "SELECT count(*) FROM folder")

    def total(self, column: str) -> int:
        return self._value(self._cache, f"SELECT coalesce(sum({column}), 0) FROM folder")

    def is_complete(self, count: int) -> bool:
        if self.total("with_body") < count:
            return False
        wanted = self._value(self._cache, "SELECT value FROM meta WHERE key = 'index_seq'")
        return self._value(self._fts, "SELECT value FROM progress WHERE key = 'mark'") >= wanted

    @staticmethod
    def _value(path: Path, sql: str) -> int:
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
                found = db.execute(sql).fetchone()
                return int(found[0]) if found else 0
        except sqlite3.OperationalError:  # not there yet
            return 0


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for path in tasks for word in path.read_text().split()]


def _cpu(pid: int) -> tuple[float, float]:
    """CPU seconds of a process, and of its children that ended."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own, own_system, ended, ended_system = map(int, words[11:15])
    return (own + own_system) / _TICKS, (ended + ended_system) / _TICKS
