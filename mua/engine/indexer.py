"""The engine's handle on its indexer, a child process (``engine/indexing``).

``poke`` after a commit: the child looks for what is new as soon as it is idle.  It says ``mark N`` when it has come so
far, and ``idle`` when it waits.  A child that dies is started again with the next poke, a few times.
"""

import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO

from mua.log import INDEX
from mua.paths import Profile, child_environment

MAX_RESTARTS = 5


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
