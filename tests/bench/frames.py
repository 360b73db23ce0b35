"""A window's thread, asked every 16 ms when it comes to its turn: how late is a frame?

    frames.py ours PROFILE    the program, its engine at work
    frames.py bare            an empty window, at the same time on the same machine

Says "ready" when its window is painted (and the engine on the line), and when its standard input ends prints what it
has: a line of JSON, each tick's time (monotonic, seconds) and lateness (milliseconds).
"""

import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSocketNotifier, Qt, QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]
EVERY = 0.016  # seconds


class Ticks(QObject):
    """The clock of one thread."""

    def __init__(self) -> None:
        super().__init__()
        self.late: list[tuple[float, float]] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._ended = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read, self)
        self._ended.activated.connect(self._end)

    def start(self) -> None:
        """Begin."""
        print("ready", flush=True)
        self._next()

    def _next(self) -> None:
        now = time.monotonic()
        self._due = now + EVERY
        self._timer.start(round(EVERY * 1000))

    def _tick(self) -> None:
        now = time.monotonic()
        self.late.append((now, max(0.0, (now - self._due) * 1000)))
        self._next()

    def _end(self) -> None:
        print(json.dumps(self.late), flush=True)
        os._exit(0)


def bare() -> int:
    """The peer."""
    application = QApplication(sys.argv[:1])
    window = QMainWindow()
    window.resize(1440, 900)
    window.show()
    ticks = Ticks()
    QTimer.singleShot(0, ticks.start)
    return application.exec()


def ours(root: str) -> int:
    """The program."""
    from mua import __main__ as start
    from mua.gui.app import Options, Program, make_application
    from mua.paths import Profile

    application = make_application()
    profile = Profile(Path(root))
    program = Program(profile, Options(partial(start.start_engine, profile)))
    program.window.resize(1440, 900)
    program.show()
    ticks, look = Ticks(), QTimer()

    def begin() -> None:
        if program.client is not None and program.client.is_ready:
            look.stop()
            ticks.start()

    look.timeout.connect(begin)
    look.start(20)
    return application.exec()


if __name__ == "__main__":
    sys.exit(bare() if sys.argv[1] == "bare" else ours(sys.argv[2]))
