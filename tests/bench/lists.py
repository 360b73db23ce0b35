"""``./run bench list [--full]``: a list of 10,000, 100,000 and 1,000,000 messages in the window, beside a bare table.

    show       a folder is chosen, until its first screenful is painted      against the reset of a bare QTableView
    page       a page further down, the rows read and painted                 against the same of the bare one
    jump       to anywhere in the folder
    all        select all
    arrival    a new message is told of, until it is painted (its row is in the store already)
    sort       by sender, subject, size, unread: the first screenful
    sorted     the same, until all of it is in order (the window is not held meanwhile: "held")

The bare table has as many rows of one column, without a header, and makes each of its texts when asked.  Everything is
measured in one run, on copies of generated profiles; medians and the 95th of a hundred.  ``--full`` takes more rounds,
writes docs/lists.md and draws docs/lists.png.  ``MUA_BENCH_PROFILES`` is where the profiles are kept, so that a second
run need not make them.
"""

import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "tests"), str(ROOT)]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from growth import Curve, draw  # noqa: E402
from million import million  # noqa: E402
from PySide6.QtCore import QAbstractTableModel, QEvent, QEventLoop, QModelIndex, QObject, Qt, QTimer  # noqa: E402
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget  # noqa: E402

from mua.gui import preferences as prefs  # noqa: E402
from mua.gui.app import Options, Program, make_application  # noqa: E402
from mua.gui.places import Place  # noqa: E402
from mua.model.account import AccountId  # noqa: E402
from mua.model.address import Address  # noqa: E402
from mua.model.folder import FolderId  # noqa: E402
from mua.model.message import Envelope  # noqa: E402
from mua.model.sort import NEWEST_FIRST, By, usual  # noqa: E402
from mua.paths import Profile  # noqa: E402
from mua.store import read, write  # noqa: E402
from mua.store.db import Store  # noqa: E402

LIMITS = {"show": 30, "page": 8, "jump": 10, "all": 15, "arrival": 10, "sort": 20, "sorted": 1_500}  # milliseconds
COUNTS = (10_000, 100_000, 1_000_000)
SORTS = (By.FROM, By.SUBJECT, By.SIZE, By.UNREAD)
FLAT = 3.0  # times as much as at a hundredth of the rows, or under a third of its limit


@dataclass
class Figures:
    """Milliseconds of each round, ours and the bare table's."""

    ours: dict[str, list[float]] = field(default_factory=dict)
    bare: dict[str, list[float]] = field(default_factory=dict)
    held: float = 0.0
    """The longest turn of the window's thread while the seeker sorted."""


class Painted(QObject):
    """Notes the paints of a widget."""

    seen = False

    def eventFilter(self, _: QObject, event: QEvent) -> bool:
        """One more."""
        self.seen = self.seen or event.type() == QEvent.Type.Paint
        return False


class Bare(QAbstractTableModel):
    """Rows that cost nothing."""

    def __init__(self, rows: int) -> None:
        super().__init__()
        self.rows = rows

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # type: ignore[override]  # noqa: B008
        return 0 if parent.isValid() else self.rows

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # type: ignore[override]  # noqa: B008
        return 0 if parent.isValid() else 1

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> str | None:  # type: ignore[override]
        return f"Message {index.row()}" if role == Qt.ItemDataRole.DisplayRole else None


class Peer:
    """The bare table."""

    def __init__(self, rows: int, size: QWidget) -> None:
        self.view = QTableView()
        for header in (self.view.horizontalHeader(), self.view.verticalHeader()):
            header.hide()
        self.view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.view.verticalHeader().setDefaultSectionSize(80)
        self.view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.view.resize(size.size())
        self.model, self.other = Bare(rows), Bare(0)
        self.view.setModel(self.other)
        self.view.show()

    def show(self) -> None:
        """Another list."""
        self.view.setModel(self.other)
        self.view.setModel(self.model)

    def arrive(self) -> None:
        """A row on top."""
        self.model.beginInsertRows(QModelIndex(), 0, 0)
        self.model.rows += 1
        self.model.endInsertRows()


class Bench:
    """One window over one profile."""

    def __init__(self, profile: Profile, rounds: int) -> None:
        self.application = make_application()
        prefs.save(profile, prefs.Preferences(mark_read_after=-1, notifications=False))
        self.program = Program(profile, Options())
        self.program.leave_alone()
        self.program.window.resize(1440, 900)
        self.program.show()
        self.desk, self.view = self.program.desk, self.program.window.listing.view
        self.store, self.rounds = Store(profile), rounds
        self.inbox, self.sent = Place(folder=FolderId(1)), Place(folder=FolderId(2))
        self.figures, self.dice = Figures(), random.Random(3)
        self.peer = Peer(int(read.folder(self.store.reader(), FolderId(1)).total), self.view)  # type: ignore[union-attr]

    def rest(self, seconds: float = 0.05) -> None:
        """Live on, until nothing is sought."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end or self.program.window.listing.model.seeking:
            self.application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)

    def time(self, name: str, act: Callable[[], object], view: QTableView, to: dict[str, list[float]]) -> None:
        """Milliseconds from the act to its paint."""
        painted = Painted()
        view.viewport().installEventFilter(painted)
        began = time.perf_counter()
        act()
        while not painted.seen:
            self.application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
            if time.perf_counter() > began + 20:
                raise TimeoutError(name)
        to.setdefault(name, []).append((time.perf_counter() - began) * 1_000)
        view.viewport().removeEventFilter(painted)

    def both(self, name: str, act: Callable[[], object], bare: Callable[[], object]) -> None:
        """One round, ours and the peer's."""
        self.rest()
        self.time(name, act, self.view, self.figures.ours)
        self.rest()
        self.time(name, bare, self.peer.view, self.figures.bare)

    def run(self) -> Figures:
        """Every figure."""
        desk, peer = self.desk, self.peer
        for _ in range(self.rounds):
            desk.show_place(self.sent)
            self.both("show", lambda: desk.show_place(self.inbox), peer.show)
        for _ in range(self.rounds * 3):
            self.both("page", lambda: _page(self.view), lambda: _page(peer.view))
        for _ in range(self.rounds * 3):
            place = self.dice.random()
            self.both("jump", lambda at=place: _jump(self.view, at), lambda at=place: _jump(peer.view, at))  # type: ignore[misc]
        for _ in range(self.rounds):
            self.view.clearSelection()
            peer.view.clearSelection()
            self.both("all", self.view.selectAll, peer.view.selectAll)
        self.view.clearSelection()
        for view in (self.view, peer.view):
            view.scrollToTop()
        for number in range(self.rounds * 2):
            new = self._arrival(number)
            self.both("arrival", lambda ids=new: desk.read_again(ids, sidebar=True), peer.arrive)  # type: ignore[misc]
        self._sorts()
        return self.figures

    def _arrival(self, number: int) -> set[int]:
        told = Envelope(
            sender=(Address("New", "new@example.org"),), subject=f"New {number}", message_id=f"{number}@new"
        )
        with self.store.write() as tx:
            new = write.NewMessage(told, int(time.time()) + number, 2_000, None)
            return {*write.add_messages(tx, AccountId(1), FolderId(1), [new])}

    def _sorts(self) -> None:
        desk = self.desk
        for _ in range(max(2, self.rounds // 4)):
            for by in SORTS:
                desk.sort(NEWEST_FIRST)
                self.rest()
                began = time.perf_counter()
                self.both("sort", lambda by=by: desk.sort(usual(by)), self.peer.show)  # type: ignore[misc]
                desk.sort(NEWEST_FIRST)
                self.rest(0.1)
                with self._turns():
                    began = time.perf_counter()
                    desk.sort(usual(by))
                    self.rest(0.0)
                    self.figures.ours.setdefault("sorted", []).append((time.perf_counter() - began) * 1_000)
        desk.sort(NEWEST_FIRST)
        self.rest()

    @contextmanager
    def _turns(self) -> Iterator[None]:
        """The longest time between two turns of the window's thread."""
        last, timer = time.perf_counter(), QTimer()

        def turn() -> None:
            nonlocal last
            now = time.perf_counter()
            self.figures.held = max(self.figures.held, (now - last) * 1_000)
            last = now

        timer.timeout.connect(turn)
        timer.start(0)
        yield
        timer.stop()

    def close(self) -> None:
        """The end."""
        self.peer.view.close()
        self.program.window.close()
        self.program.end()
        self.store.close()


def _page(view: QTableView) -> None:
    bar = view.verticalScrollBar()
    bar.setValue(bar.value() + bar.pageStep())


def _jump(view: QTableView, where: float) -> None:
    bar = view.verticalScrollBar()
    bar.setValue(round(bar.maximum() * where))


def late(values: list[float]) -> float:
    """The 95th of a hundred."""
    return sorted(values)[min(len(values) - 1, round(len(values) * 0.95))]


def report(found: dict[int, Figures]) -> tuple[list[str], int]:
    """The lines of the tables, and how many medians are over their limits at the largest count."""
    lines = ["| rows | what | ours ms | 95th | bare ms | ratio | limit |", "|---|---|---|---|---|---|---|"]
    slow = 0
    for count, figures in found.items():
        for name, ours in figures.ours.items():
            mine, bare = statistics.median(ours), figures.bare.get(name)
            peer = statistics.median(bare) if bare else 0.0
            slow += count == COUNTS[-1] and mine > LIMITS[name]
            beside = f"{peer:.1f} | {mine / peer:.2f}" if peer else " | "
            lines.append(f"| {count:,} | {name} | {mine:.1f} | {late(ours):.1f} | {beside} | {LIMITS[name]:,} |")
        lines.append(f"| {count:,} | held while sorting | {figures.held:.1f} | | | | |")
    return lines, slow


def main() -> int:
    """Measure; 1 when a median is over its limit."""
    full = "--full" in sys.argv
    found: dict[int, Figures] = {}
    kept = os.environ.get("MUA_BENCH_PROFILES", "")
    with tempfile.TemporaryDirectory(prefix="mua-lists-", ignore_cleanup_errors=True) as folder:
        for count in COUNTS:
            made = million(Path(kept or folder) / str(count), count)
            copy = Path(folder) / f"copy-{count}"
            shutil.copytree(made.root, copy)
            bench = Bench(Profile(copy), 16 if full else 8)
            found[count] = bench.run()
            bench.close()
            shutil.rmtree(copy)
            print("\n".join(report({count: found[count]})[0]), flush=True)
        lines, slow = report(found)
        if full:
            _write(lines, found)
    os._exit(int(slow > 0))


def _write(lines: list[str], found: dict[int, Figures]) -> None:
    medians = {
        count: {name: statistics.median(one) for name, one in figures.ours.items()} for count, figures in found.items()
    }
    curves = [Curve(name, [(count, medians[count][name]) for count in medians]) for name in LIMITS]
    draw(curves, ROOT / "docs/lists.png", "Milliseconds by messages in the folder")
    text = (ROOT / "docs/lists.md").read_text("utf-8") if (ROOT / "docs/lists.md").exists() else ""
    begin = text.split("<!-- measured -->")[0]
    (ROOT / "docs/lists.md").write_text(f"{begin}<!-- measured -->\n\n" + "\n".join(lines) + "\n", "utf-8")
    print(json.dumps(medians))


if __name__ == "__main__":
    main()
