"""The engine's handle on its indexer, a child process (``engine/indexing``) that is there only while it has work.

Theory of operation: whether there is, the store and the index tell (``behind``); a poke wakes the child, or starts one
when it is so.  The child ends by itself after a while without work; since it can be on its way out when it is poked,
its end is a reason to look once more.  One that dies is started again with the next poke, a few times.
"""

import contextlib
import subprocess
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

from mua.errors import MailError
from mua.log import INDEX
from mua.paths import Profile, child_command, child_environment
from mua.store import index, read
from mua.store.db import Db

if TYPE_CHECKING:
    from mua.engine.gists import Teller
    from mua.mime.message import Gist

MAX_RESTARTS = 5
_GONE = (OSError, ValueError)  # the child has ended; and whoever listens to it has closed its pipe


class Indexer:
    """``poke`` after a commit; ``mark`` tells how far the index is.  ``reader`` is the calling thread's connection."""

    def __init__(self, profile: Profile, reader: Callable[[], Db], on_mark: Callable[[], None]) -> None:
        self._profile = profile
        self._reader = reader
        self._on_mark = on_mark
        self._child: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._lock = threading.Lock()
        self._restarts = 0
        self._stopping = False
        self._idle = False
        self._again = False
        self._died = False
        self._teller: Teller | None = None  # of the child that there is
        self._unwanted: list[int] = []
        """Messages that the index has and the store has not, for the child's next line."""
        self.mark, self._removed = index.marks(profile)

    def has_seen(self, seq: int) -> bool:
        """Whether the index has everything that was in the store when its counter was ``seq``."""
        return self.mark >= seq or (self._child is None and not self.behind())

    @property
    def is_dead(self) -> bool:
        """Whether the child died (a full disk), and nothing has started another one."""
        return self._child is None and self._died

    def behind(self) -> bool:
        """Whether the store has something that the index has not seen."""
        db = self._reader()
        return bool(read.to_index(db, self.mark, 1) or read.removals_after(db, self._removed, 1))

    def poke(self) -> None:
        """There may be something new."""
        with self._lock:
            if self._stopping:
                return
            if self._child is None:
                if self.behind():
                    self._start()
            elif self._idle:
                self._wake()
            else:
                self._again = True

    def forget(self, ids: Sequence[int]) -> None:
        """Take messages out of the index that are not in the store."""
        if not ids:
            return
        with self._lock:
            self._unwanted += ids
            if self._stopping:
                return
            if self._child is None:
                self._start()
            elif self._idle:
                self._wake()
            else:
                self._again = True

    def tell(self, told: "Sequence[tuple[int, Gist]]") -> None:
        """What messages say whose rows will have their bodies in a moment: a child that is there need not read them."""
        with self._lock:
            child = self._child
            if child is None or child.stdin is None or self._stopping:
                return
            from mua.engine.gists import Teller  # loaded by the first mail that comes

            with contextlib.suppress(*_GONE):
                self._teller = self._teller or Teller(child.stdin)
                self._teller.tell(told)

    def rebuild(self) -> None:
        """Throw the index away and make it anew; what searches meanwhile finds what there is of it by then."""
        with self._lock:
            child, self._stopping = self._child, True
        if child is not None:
            _end(child)
        if self._listener is not None:
            self._listener.join(10)
        for name in ("", "-wal", "-shm"):
            Path(f"{self._profile.fts_db}{name}").unlink(missing_ok=True)
        with self._lock:
            self._stopping, self.mark, self._removed, self._restarts = False, 0, 0, 0
        self.poke()

    def _wake(self) -> None:
        self._idle = self._again = False
        try:
            if self._child is not None and self._child.stdin is not None:
                unwanted, self._unwanted = self._unwanted, []
                self._child.stdin.write(" ".join(map(str, unwanted)) + "\n")
                self._child.stdin.flush()
        except _GONE:
            INDEX.info("the indexer is gone; it starts again when there is need")

    def _start(self) -> None:
        if self._restarts > MAX_RESTARTS:
            return
        self._restarts += 1
        self._idle = self._again = self._died = False
        self._teller = None
        command = child_command("--profile", str(self._profile.root), "indexer")
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=child_environment()
        )
        self._listener = threading.Thread(target=self._listen, args=(self._child,), name="indexer", daemon=True)
        self._listener.start()
        if self._unwanted:
            self._wake()

    def _listen(self, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        for line in child.stdout:
            word, _, number = line.strip().partition(" ")
            if word == "idle":
                self._rest()
            elif word == "mark" and number.isdecimal():
                self.mark = int(number)
                self._restarts = 0
                self._on_mark()
        self._ended(child, child.stdout)

    def _rest(self) -> None:
        with self._lock:
            self._idle = True
            if self._again and not self._stopping:
                self._wake()

    def _ended(self, child: subprocess.Popen[str], lines: IO[str]) -> None:
        """From its own file we learn what it has seen; what came as it ended is a reason for the next one."""
        by_itself = child.wait() == 0
        lines.close()
        if child.stdin is not None:
            with contextlib.suppress(OSError):  # a poke that nobody read
                child.stdin.close()
        with self._lock, contextlib.suppress(MailError):  # not now: then it is looked at once too often
            self._died = not by_itself
            self._child = None
            self.mark, self._removed = index.marks(self._profile)
        self._on_mark()
        if by_itself:
            try:
                self.poke()
            except MailError as error:
                INDEX.info("whether there is something to index is not known: %s", error.detail)

    def stop(self) -> None:
        """End the child and wait for it."""
        with self._lock:
            self._stopping = True
            child = self._child
        if child is not None:
            _end(child)


def _end(child: subprocess.Popen[str]) -> None:
    """End a child and wait for it."""
    if child.stdin is not None:
        with contextlib.suppress(OSError):
            child.stdin.close()
    try:
        child.wait(5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
