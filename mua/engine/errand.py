"""A thread that is there only while there is something to do: the first poke begins it, and it ends by itself.

Rules of the file: no poke is lost, also one that comes while the thread ends; what fails is tried again after a minute,
or at the next poke.
"""

import threading
from collections.abc import Callable

from mua.errors import MailError
from mua.log import ENGINE

AGAIN = 60.0  # seconds after what failed


class Errand:
    """Does ``work``, which says in how many seconds it is due again without a poke (None: there is no more to do)."""

    def __init__(self, name: str, work: Callable[[], float | None]) -> None:
        self._name, self._work = name, work
        self._poked = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self.over = False
        """It has to end: long work looks at this now and then."""

    def poke(self) -> None:
        """There may be something to do; does not wait."""
        with self._lock:
            self._poked.set()
            if self._thread is None and not self.over:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        with self._lock:
            self.over = True
            thread = self._thread
        self._poked.set()
        if thread is not None:
            thread.join(10)

    def _run(self) -> None:
        while not self.over:
            self._poked.clear()
            pause = self._try()
            if pause is None and self._rest():
                return
            self._poked.wait(pause)

    def _try(self) -> float | None:
        try:
            return self._work()
        except MailError as error:
            ENGINE.info("%s: %s (%s)", self._name, error.text, error.detail)
        except Exception:  # noqa: BLE001 - a mistake of ours over one round must not end all that follow
            ENGINE.exception("%s", self._name)
        return AGAIN

    def _rest(self) -> bool:
        """Nothing is to be done: end, unless somebody has poked meanwhile."""
        with self._lock:
            if self._poked.is_set():
                return False
            self._thread = None
            return True
