"""Never deaf: a thread that notices when the network changed or the computer slept, and tells the engine at once.

Theory of operation: the kernel's news (``net/changes``) come in bursts, so the thread waits for a second of calm before
it tells, and then keeps quiet for a while.  A suspended computer shows in the wall clock, which went on while the
monotonic one stood still; that is looked at every few seconds, on every system.
"""

import threading
import time
from collections.abc import Callable

from mua.log import ENGINE
from mua.net.changes import Heard, NetworkWatch

TICK = 5.0  # seconds between two looks at the clocks
CALM = 1.0  # seconds without news before a change is told
LONGEST = 10.0  # seconds that a change waits for calm
PAUSE = 5.0  # seconds between two changes that are told
ASLEEP = 30.0  # seconds that the wall clock ran ahead: the computer slept (or its clock was set, which does no harm)


class Network:
    """Calls ``changed("network")`` or ``changed("resumed")`` on a thread of its own, until ``stop``."""

    def __init__(self, changed: Callable[[str], None], wall: Callable[[], float] = time.time) -> None:
        self._changed = changed
        self._wall = wall
        self._watch = NetworkWatch()
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._watch.stop()
        if self._thread.ident is not None:
            self._thread.join(5)
        self._watch.close()

    def _run(self) -> None:
        if not self._watch.hears:
            ENGINE.info("this system does not tell when its network changes; only the clocks are watched")
        told, ahead = -PAUSE, self._ahead()
        while (heard := self._watch.wait(TICK)) is not Heard.STOP:
            before, ahead = ahead, self._ahead()
            slept = ahead - before > ASLEEP
            if heard is Heard.CHANGE and self._calm_down(told + PAUSE - time.monotonic()) is Heard.STOP:
                return
            if slept or heard is Heard.CHANGE:
                self._tell("resumed" if slept else "network")
                told = time.monotonic()

    def _ahead(self) -> float:
        return self._wall() - time.monotonic()

    def _calm_down(self, seconds: float) -> Heard:
        """Wait until there are no news for a moment, ``seconds`` at least, but not for ever."""
        until = time.monotonic() + LONGEST
        heard = self._watch.wait(max(CALM, seconds))
        while heard is Heard.CHANGE and time.monotonic() < until:
            heard = self._watch.wait(CALM)
        return heard

    def _tell(self, why: str) -> None:
        ENGINE.info("%s: every account looks at its connections", why)
        self._changed(why)
