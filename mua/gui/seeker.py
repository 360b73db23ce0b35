"""The seeker: a thread beside the window that reads what takes longer than a frame, on a connection of its own.

Rules of the file: one question at a time, the newest; an older one ends in the middle of its SQL; answers come as
signals; read-only.

Theory of operation: ``ask`` leaves a question, a function from a connection to parts of an answer, and wakes the
thread.  SQLite looks every millisecond whether what it does is still wanted (an interrupt from outside would be lost
when it came between two statements).
"""

import threading
from collections.abc import Callable, Iterator

from PySide6.QtCore import QObject, Signal

from mua.errors import MailError
from mua.paths import Profile
from mua.store.db import Db

Question = Callable[[Db], Iterator[tuple[object, bool]]]


class Seeker(QObject):
    """The thread, which starts with the first question."""

    found = Signal(int, object, bool)
    """(question, what was found so far, whether that is all)"""
    failed = Signal(int, object)
    """(question, its MailError)"""

    def __init__(self, profile: Profile, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._profile = profile
        self._wake = threading.Condition()
        self._question: Question | None = None
        self._number = self._running = 0
        self._closing = False
        self._thread: threading.Thread | None = None
        self._db: Db | None = None
        self._index = 0
        """Which file the index is."""

    def ask(self, question: Question) -> int:
        """Answer ``question`` as soon as may be, instead of any earlier one; returns its number."""
        with self._wake:
            self._number += 1
            self._question = question
            self._wake.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="seeker", daemon=True)
                self._thread.start()
            return self._number

    def forget(self) -> None:
        """Nobody wants the answer any more."""
        with self._wake:
            self._number += 1
            self._question = None

    def close(self) -> None:
        """End the thread; it can be asked again, and then begins anew."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
        self._thread, self._closing = None, False

    # ---- the thread
    def _run(self) -> None:
        while (question := self._next()) is not None:
            try:
                for part, whole in question(self._connection()):
                    if self._unwanted():
                        break
                    self.found.emit(self._running, part, whole)
            except MailError as error:
                if not self._unwanted():
                    self.failed.emit(self._running, error)
        if self._db is not None:
            self._db.close()
            self._db = None

    def _next(self) -> Question | None:
        """The question that is wanted now, once there is one; None at the end."""
        with self._wake:
            while self._question is None and not self._closing:
                self._wake.wait()
            question, self._question = self._question, None
            self._running = self._number
            return None if self._closing else question

    def _unwanted(self) -> bool:
        return self._running != self._number or self._closing

    def _connection(self) -> Db:
        """This thread's connection, with the index as soon as there is one, or another one."""
        from mua.store import index

        now = self._profile.fts_db.stat().st_ino if self._profile.fts_db.exists() else 0
        if self._db is not None and now != self._index:
            self._db.close()
            self._db = None
        if self._db is None:
            self._index = now
            self._db = index.open_search(self._profile)
            self._db.end_when(self._unwanted)
        return self._db
