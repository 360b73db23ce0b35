"""Use the window as a person would, with keys and a mouse, on a display of its own: ``./run person [MINUTES] [SEED]``.

The real program with a real engine and the demo's server.  It fails where a turn of the event loop worked for longer
than ``FROZEN`` (or took ``STOOD`` by the clock, which a busy machine stretches), where Mua or Qt warned, or where a
number in the sidebar was not what a count of the messages says, also three seconds later.  The keys are a function of
the seed.
"""

import contextlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HERE), str(HERE / "tests")]

FROZEN = 0.5  # seconds of the processor in one turn
STOOD = 5.0  # seconds of one turn
LONG = 0.1  # what is told of
COUNTED_EVERY = 10_000  # milliseconds
_WORDS = "map venue figures kyoto from:mirela has:attachment is:unread letter 日 before:today zz".split()
_NO_FAULT = (
    "propagateSizeHints",
    "XDG_RUNTIME_DIR",
    "libpng",
    "vaapi",
    "EGL",
    "GLX",
    "ulkan",
    "GPU",
    "GpuControl",
    "gbm",
    "dri",
    "dbus/bus.cc",
)


# ---- inside the program
def inside(root: Path, report: Path) -> None:
    """The program, its turns watched and its numbers counted; writes what it saw when it ends."""
    from PySide6.QtCore import QTimer, QtMsgType, qInstallMessageHandler

    from mua import __main__ as start
    from mua import log
    from mua.gui.app import Options, Program, make_application
    from mua.paths import Profile

    os.environ["MUA_SECRETS"] = "session"
    log.start("WARNING")
    said: list[str] = []
    qInstallMessageHandler(
        lambda kind, _, text: said.append(text) if kind != QtMsgType.QtDebugMsg and _is_fault(text) else None
    )
    application = make_application()
    profile = Profile(root).create()
    program = Program(
        profile, Options(partial(start.start_engine, profile), partial(start.start_demo, profile), demo=True)
    )
    program.show()
    turns = _Turns()
    beat = QTimer()
    beat.timeout.connect(turns.note)
    beat.start(10)
    books = _Books(program)
    counting = QTimer()
    counting.timeout.connect(books.count)
    counting.start(COUNTED_EVERY)
    application.exec()
    found = {"turns": turns.long, "worst": turns.worst, "beats": turns.beats, "said": said}
    report.write_text(json.dumps({**found, "wrong": books.wrong, "counted": books.counted}))
    program.end()
    os._exit(0)  # the web engine takes its time


def _is_fault(text: str) -> bool:
    return not any(one in text for one in _NO_FAULT)


class _Turns:
    """How long each turn took, beyond the ten milliseconds that it waits."""

    def __init__(self) -> None:
        self.began = self._last = time.monotonic()
        self._worked = time.thread_time()
        self.worst, self.beats = 0.0, 0
        self.long: list[tuple[float, float, float]] = []
        """(seconds since the start, seconds of the clock, of this thread's work)."""

    def note(self) -> None:
        """One more."""
        now, worked = time.monotonic(), time.thread_time()
        took = now - self._last - 0.01
        self.beats += 1
        if self.beats > 100:  # the start is not what a person does
            self.worst = max(self.worst, took)
            if took > LONG:
                self.long.append((round(now - self.began, 1), round(took, 3), round(worked - self._worked, 3)))
        self._last, self._worked = now, worked


class _Books:
    """The numbers of the sidebar against a count of every message."""

    def __init__(self, program: Any) -> None:
        self._program = program
        self.wrong: list[str] = []
        self.counted = 0

    def count(self) -> None:
        """Compare; what differs is looked at again."""
        if first := self._differ():
            from PySide6.QtCore import QTimer

            QTimer.singleShot(3_000, lambda: self.wrong.extend(one for one in self._differ() if one in first))

    def _differ(self) -> list[str]:
        from mua.gui.sidebar import ENTRY
        from mua.model.folder import Role

        desk, model = self._program.desk, self._program.window.sidebar.model
        db, wrong = desk.library.db, []
        for row in range(model.rowCount()):
            entry = model.index(row, 0).data(ENTRY)
            if db is None or entry.place is None or not entry.place.folder or entry.heading:
                continue
            unread, total = db.row(
                "SELECT coalesce(sum(shown_flags & 1 = 0), 0), count(*) FROM message WHERE shown_folder = ?",
                entry.place.folder,
            )
            role = desk.folders[entry.place.folder].role
            true = total if role is Role.DRAFTS else 0 if role is Role.TRASH else unread
            self.counted += 1
            if entry.count != true:
                wrong.append(f"{entry.text} says {entry.count}, and has {true}")
        return wrong


# ---- the person
class Person:
    """Somebody with a keyboard and a mouse."""

    def __init__(self, environment: dict[str, str], seed: int) -> None:
        self._environment, self._chance = environment, random.Random(seed)
        self.did: list[tuple[float, str]] = []
        self._began = time.monotonic()

    def tool(self, *words: str, check: bool = False) -> str:
        """What xdotool does and says."""
        done = subprocess.run(
            ["xdotool", *words], env=self._environment, capture_output=True, text=True, timeout=60, check=check
        )
        return done.stdout.strip()

    def keys(self, *names: str) -> None:
        """Press them, one after another."""
        self.tool("key", "--delay", "40", *names)

    def type(self, text: str) -> None:
        """Letters, as fast as a quick typist."""
        self.tool("type", "--delay", "60", text)

    def click(self, x: int, y: int, button: str = "1") -> None:
        """Somewhere in the window."""
        self.tool("mousemove", str(x), str(y), "click", button)

    def act(self) -> None:
        """One thing that a person does, and a look at what came of it."""
        name, deed = self._chance.choices(self._deeds(), [weight for *_, weight in self._deeds()])[0][:2]
        self.did.append((round(time.monotonic() - self._began, 1), name))
        deed()
        time.sleep(self._chance.uniform(0.05, 0.6))  # a person looks

    def _deeds(self) -> list[tuple[str, Callable[[], object], int]]:
        chance = self._chance
        word = chance.choice(_WORDS)
        return [
            ("next", partial(self.keys, *["j"] * chance.randint(1, 6)), 14),
            ("previous", partial(self.keys, *["k"] * chance.randint(1, 4)), 6),
            ("archive, undo", partial(self.keys, "e", "z"), 5),
            ("delete, undo", partial(self.keys, "Delete", "z"), 4),
            ("read, unread", partial(self.keys, "shift+i", "shift+u"), 5),
            ("archive", partial(self.keys, "e"), 1),
            ("unread", partial(self.keys, "shift+u"), 4),
            ("star", partial(self.keys, "s"), 4),
            ("tag", partial(self.keys, str(chance.randint(1, 5))), 3),
            ("undo twice", partial(self.keys, "z", "z"), 3),
            ("conversation or message", partial(self.keys, "t", "t"), 2),
            ("list by conversations", partial(self.keys, "shift+t", "shift+t"), 2),
            ("search", lambda: (self.keys("slash"), self.type(word), self.keys("Down", "Return")), 5),
            ("leave the search", partial(self.keys, "Escape", "Escape"), 5),
            ("palette", lambda: (self.keys("ctrl+k"), self.type(word[:3]), self.keys("Down", "Escape")), 3),
            ("write", lambda: (self.keys("c"), time.sleep(1), self.type(f"{word}"), self.keys("ctrl+w")), 2),
            ("settings", lambda: (self.keys("ctrl+comma"), time.sleep(0.5), self.keys("Escape")), 1),
            ("starred, inbox", partial(self.keys, "g", "s", "g", "i"), 3),
            ("all, some", partial(self.keys, "ctrl+a", "shift+i", "z", "j"), 2),
            ("row", partial(self.click, 500, chance.randint(130, 800)), 8),
            ("folder", partial(self.click, 100, chance.randint(80, 560)), 6),
            ("wheel", lambda: [self.click(500, 500, chance.choice("45")) for _ in range(6)], 6),
            ("reader's wheel", lambda: [self.click(1100, 500, chance.choice("45")) for _ in range(6)], 4),
            ("fetch", partial(self.keys, "F5"), 2),
            ("larger, usual", partial(self.keys, "ctrl+plus", "ctrl+0"), 1),
            ("narrow, wide", self._resize, 1),
        ]

    def _resize(self) -> None:
        window = self.tool("search", "--onlyvisible", "--name", "Mua").split("\n")[0]
        for width in (760, 1430):
            self.tool("windowsize", window, str(width), "880")
            time.sleep(0.5)


def main() -> int:
    """So many minutes (ten); 0 where nothing was wrong."""
    from screen_reader import start_display

    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with contextlib.ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mua-person-", ignore_cleanup_errors=True)))
        environment = {**os.environ, "DISPLAY": start_display(stack), "QT_QPA_PLATFORM": "xcb"}
        manager = stack.enter_context(subprocess.Popen(["openbox"], env=environment, stderr=subprocess.DEVNULL))
        stack.callback(manager.kill)
        errors = stack.enter_context((root / "stderr").open("w+"))
        command = [sys.executable, "-P", __file__, "--inside", str(root / "profile"), str(root / "report")]
        program = stack.enter_context(subprocess.Popen(command, env=environment, stderr=errors))
        stack.callback(program.kill)
        person = Person(environment, seed)
        person.tool("search", "--sync", "--onlyvisible", "--name", "Mua", check=True)
        time.sleep(8)  # the demo's mail comes
        end = time.monotonic() + minutes * 60
        while time.monotonic() < end and program.poll() is None:
            person.act()
        person.keys("Escape", "Escape", "Escape")
        time.sleep(4)
        person.keys("ctrl+q")
        with contextlib.suppress(subprocess.TimeoutExpired):
            program.wait(30)
        errors.flush()
        return _judge(root, person, (root / "stderr").read_text())


def _judge(root: Path, person: Person, stderr: str) -> int:
    """Say what was seen; whether any of it is a fault."""
    if not (root / "report").exists():
        print(f"The program did not end as it should.\n{stderr[-3000:]}")
        return 1
    seen = json.loads((root / "report").read_text())
    log = root / "profile" / "mua.log"
    warned = [one for one in stderr.splitlines() if _is_fault(one)]
    warned += (
        [one for one in log.read_text().splitlines() if " WARNING " in one or " ERROR " in one] if log.exists() else []
    )
    frozen = [one for one in seen["turns"] if one[1] > STOOD or one[2] > FROZEN]
    print(f"{len(person.did)} acts, {seen['beats']:,} turns, longest {seen['worst'] * 1000:.0f} ms")
    print(f"over {LONG * 1000:.0f} ms (at s, clock s, work s): {seen['turns'][:40]}")
    print(f"{seen['counted']:,} numbers of the sidebar were counted")
    for name, faults in (("frozen", frozen), ("warned", warned + seen["said"]), ("wrong count", seen["wrong"])):
        for fault in faults[:20]:
            print(f"{name}: {fault}")
    for at, *_ in frozen:
        print(f"before {at} s: {[one for one in person.did if at - 15 < one[0] < at - 7]}")
    return 1 if frozen or warned or seen["said"] or seen["wrong"] else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        inside(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main())
