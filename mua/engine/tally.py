"""What an engine has counted since it started, and what waits, as a file for Prometheus (its text format)."""

import threading
from collections import Counter
from pathlib import Path

from mua.store import queue
from mua.store.blobs import file_errors
from mua.store.db import Db

_TOLD = {
    "mua_queue_messages": ("gauge", "Messages that wait."),
    "mua_queue_recipients": ("gauge", "Recipients who wait."),
    "mua_queue_oldest_seconds": ("gauge", "How long the oldest message has waited."),
    "mua_submissions_total": ("counter", "Messages that local users submitted, by what became of them."),
    "mua_attempts_total": ("counter", "Attempts, one for each recipient, by their outcome."),
    "mua_reports_total": ("counter", "Reports of what was not delivered."),
}


class Tally:
    """Counters, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, name: str, label: str = "") -> None:
        """One more; ``label`` is a whole ``key="value"``."""
        with self._lock:
            self._counts[name, label] += 1

    def text(self, db: Db, now: int) -> str:
        """Everything, and what waits now (UTC seconds)."""
        with self._lock:
            counts = dict(self._counts)
        messages, recipients, oldest = queue.length(db)
        counts |= {
            ("mua_queue_messages", ""): messages,
            ("mua_queue_recipients", ""): recipients,
            ("mua_queue_oldest_seconds", ""): max(now - oldest, 0) if oldest else 0,
        }
        lines = []
        for name, (kind, about) in _TOLD.items():
            lines += [f"# HELP {name} {about}", f"# TYPE {name} {kind}"]
            found = sorted((label, count) for (one, label), count in counts.items() if one == name)
            lines += [f"{name}{{{label}}} {count}" if label else f"{name} {count}" for label, count in found]
        return "\n".join([*lines, ""])


def write(path: Path, text: str) -> None:
    """Put the file in its place at once, for everybody to read.  Raises MailError (disk)."""
    temporary = path.with_name(f".{path.name}.part")
    with file_errors():
        temporary.write_text(text, "ascii")
        temporary.chmod(0o644)
        temporary.replace(path)
