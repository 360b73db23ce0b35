"""A folder of 300,000 messages, and a search over them: the window's thread is never held, whatever it is asked."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from shutil import copytree

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mua.errors import MailError
from mua.gui import preferences as prefs
from mua.gui.app import Options, Program
from mua.gui.places import FIRST_FOUND, FOUND, Place
from mua.gui.seeker import Seeker
from mua.model.account import Account, AccountId
from mua.model.folder import FolderId, Role
from mua.model.message import Flag, MessageId
from mua.paths import Profile
from mua.store import index, read, write
from mua.store.db import Db, Store
from mua.store.read import Filter, Saved

MANY = 300_000
STEP = 600  # seconds between two messages
NEWS = 1_000  # of them, the newest, are in the index
HELD = 0.05  # seconds of work in one turn of the event loop
_ROWS = """
WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
INSERT INTO message(id, account_id, folder_id, uid, flags, size, internaldate, date, subject, sender, message_id,
  thread_id, snippet, index_seq)
SELECT (?2 - (?1 - i) * ?3) << 20, ?4, ?5, i, i & 1, 2000, ?2 - (?1 - i) * ?3, ?2 - (?1 - i) * ?3, 'Number ' || i,
  '[["Sender","sender@example.org"]]', i || '@example.org', i, 'A few words', i FROM n
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile to copy, written without the indexes and triggers of its table, which are made afterwards."""
    root = tmp_path_factory.mktemp("large") / "profile"
    profile = Profile(root)
    store = Store(profile)
    with store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "Many", "many@example.org"))
        folder = write.put_folder(tx, account, "INBOX", role=Role.INBOX)
        write.put_folder(tx, account, "Trash", role=Role.TRASH)
        parts = "type IN ('index', 'trigger') AND tbl_name = 'message' AND sql IS NOT NULL"
        made = tx.rows(f"SELECT type, name, sql FROM sqlite_master WHERE {parts}")
        for kind, name, _ in made:
            tx.run(f"DROP {kind} {name}")
        tx.run(_ROWS, MANY, int(time.time()), STEP, account, folder)
        for _, _, sql in made:
            tx.run(sql)
        tx.run("UPDATE folder SET total = ?1, unread = ?1 / 2 WHERE id = ?2", MANY, folder)
    newest = read.rows(store.reader(), read.folder_order(store.reader(), folder, limit=NEWS))
    fts = index.open_index(profile)
    index.add(fts, [index.Document(one.id, one.subject, "sender", "me", "common words") for one in newest], MANY, MANY)
    fts.close()
    store.close()
    prefs.save(profile, prefs.Preferences(mark_read_after=-1))
    return root


class Watch:
    """Turns Qt's event loop, and notes how long its longest turn worked on this thread."""

    def __init__(self, application: QApplication, program: Program) -> None:
        self.application, self.program = application, program
        self._since = time.thread_time()
        self.worst = 0.0
        self._timer = QTimer()
        self._timer.timeout.connect(self._turn)
        self._timer.start(0)
        self.quiet = self._quiet()

    def _quiet(self) -> float:
        """How long an idle window's longest turn is on this machine, now."""
        self.run(lambda: None, 0.5)
        return self.worst

    def _turn(self) -> None:
        now = time.thread_time()
        self.worst, self._since = max(self.worst, now - self._since), now

    def run(self, act: Callable[[], object], at_least: float = 0.1) -> None:
        """Do something, and let the window come to rest."""
        self.worst, self._since = 0.0, time.thread_time()
        end = time.monotonic() + at_least
        act()
        while self.program.window.listing.model.seeking or time.monotonic() < end:
            assert time.monotonic() < end + 60, "the order did not come"
            self.application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)

    def never_held(self) -> bool:
        """Whether no turn was long; two processors may be shared with a whole test run, so the quiet loop counts."""
        return self.worst < HELD + 3 * self.quiet


@pytest.fixture
def watch(large: Path, tmp_path: Path, qapp: QApplication) -> Iterator[Watch]:
    """The program over a copy of that profile, its inbox shown, without an engine."""
    copytree(large, tmp_path / "profile")
    program = Program(Profile(tmp_path / "profile"), Options())
    program.leave_alone()
    program.window.resize(1440, 900)
    program.show()
    made = Watch(qapp, program)
    made.run(lambda: program.desk.show_place(Place(folder=FolderId(1))))
    yield made
    program.window.close()
    program.end()
    program.window.deleteLater()
    program.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()


@pytest.fixture
def store(watch: Watch) -> Iterator[Store]:
    """What the engine would write with."""
    made = Store(watch.program.profile)
    yield made
    made.close()


def test_the_newest_are_there_at_once_and_the_rest_follows(watch: Watch) -> None:
    desk, model = watch.program.desk, watch.program.window.listing.model
    assert model.messages == MANY
    watch.run(lambda: None)
    desk.show_place(Place(saved=Saved.ALL_INBOXES))
    assert 0 < model.messages < MANY
    assert model.seeking
    watch.run(lambda: None)
    assert model.messages == MANY
    assert watch.never_held()


@pytest.mark.parametrize("chosen, number", [(Filter.UNREAD, MANY // 2), (Filter.STARRED, 0)])
def test_a_chip_never_holds_the_window(watch: Watch, chosen: Filter, number: int) -> None:
    watch.run(lambda: watch.program.window.listing._press(chosen))
    assert watch.never_held()
    assert watch.program.window.listing.model.messages == number
    watch.run(lambda: watch.program.window.listing._press(Filter.ALL))
    assert watch.never_held()
    assert watch.program.window.listing.model.messages == MANY


def test_a_change_in_the_middle_costs_no_reading_of_the_whole(watch: Watch, store: Store) -> None:
    model, view = watch.program.window.listing.model, watch.program.window.listing.view
    view.select(model.ids[150_000])
    watch.run(lambda: None)
    top, chosen = view.visualRect(view.currentIndex()).y(), view.current_id()
    gone = [MessageId(one) for one in model.ids[1_000:140_000:20_000]]
    with store.write() as tx:
        write.wish_move(tx, gone, FolderId(2), 1)
        write.wish_flags(tx, [MessageId(model.ids[150_001])], Flag.FLAGGED, Flag(0), 1)
    watch.run(lambda: watch.program.desk.read_again({*gone, model.ids[150_001]}, sidebar=True))
    assert watch.never_held()
    assert model.messages == MANY - len(gone)
    assert (view.visualRect(view.currentIndex()).y(), view.current_id()) == (top, chosen)


def test_reading_everything_again_keeps_selection_and_place(watch: Watch, store: Store) -> None:
    model, view = watch.program.window.listing.model, watch.program.window.listing.view
    view.select(model.ids[150_000])
    watch.run(lambda: None)
    top, chosen = view.visualRect(view.currentIndex()).y(), view.selected_ids()
    with store.write() as tx:
        write.wish_move(tx, [MessageId(one) for one in model.ids[7:149_000:500]], FolderId(2), 1)
    shown: list[int] = []
    model.refreshed.connect(lambda: shown.append(model.messages))
    watch.run(lambda: watch.program.desk.read_again(None, sidebar=True))
    assert watch.never_held()
    assert min(shown) == model.messages == MANY - 298  # it never showed less on the way
    assert (view.visualRect(view.currentIndex()).y(), view.selected_ids()) == (top, chosen)


def test_what_changes_while_the_order_is_read_is_not_undone_by_it(watch: Watch, store: Store) -> None:
    desk, model = watch.program.desk, watch.program.window.listing.model
    first = MessageId(model.ids[0])

    def act() -> None:
        desk.read_again(None, sidebar=False)
        stale = model.ids[:]
        with store.write() as tx:
            write.wish_move(tx, [first], FolderId(2), 1)
        desk.read_again({first}, sidebar=False)
        model._found(model._question, stale, True)  # read before the move, answered after it

    watch.run(act)
    assert model.messages == MANY - 1
    assert first not in model.ids


def test_a_search_shows_its_newest_hits_first_and_never_holds_the_window(watch: Watch) -> None:
    desk, model = watch.program.desk, watch.program.window.listing.model
    counts: list[int] = []
    model.refreshed.connect(lambda: counts.append(model.messages))
    watch.run(lambda: desk.search("common"))
    assert watch.never_held()
    assert counts[-2:] == [FIRST_FOUND, FOUND]
    assert watch.program.window.listing._count.text() == "the newest 500"
    watch.run(lambda: desk.search("larger:1m"))  # nothing is: every row is looked at
    assert watch.never_held()
    assert model.messages == 0


def test_each_letter_interrupts_the_search_before(watch: Watch) -> None:
    desk, model = watch.program.desk, watch.program.window.listing.model

    def typing() -> None:
        for text in ("larger:1m", "larger:2m", "co", "com", "larger:3m", "subject:number common"):
            desk.search(text)

    counts: list[int] = []
    model.refreshed.connect(lambda: counts.append(model.messages))
    watch.run(typing)
    assert watch.never_held()
    assert counts == [FIRST_FOUND, FOUND]
    watch.run(lambda: desk.search(""))
    assert watch.never_held()
    assert model.messages == MANY


# ---- the thread itself
def endless(begun: threading.Event, db: Db) -> Iterator[tuple[object, bool]]:
    """A question that SQLite would never come to the end of."""
    begun.set()
    db.rows("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n")
    yield "never", True


def test_the_newest_question_ends_the_one_before(large: Path, qtbot: QtBot) -> None:
    seeker, begun = Seeker(Profile(large)), threading.Event()
    answers: list[tuple[int, object]] = []
    errors: list[object] = []
    seeker.found.connect(lambda number, part, _: answers.append((number, part)))
    seeker.failed.connect(lambda _, error: errors.append(error))
    seeker.ask(partial(endless, begun))
    assert begun.wait(10)
    number = seeker.ask(lambda _: iter([("this", True)]))
    qtbot.waitUntil(lambda: bool(answers))
    assert answers == [(number, "this")]
    assert errors == []
    seeker.close()


def test_the_end_does_not_wait_for_a_question(large: Path) -> None:
    seeker, begun = Seeker(Profile(large)), threading.Event()
    seeker.ask(partial(endless, begun))
    assert begun.wait(10)
    seeker.close()
    assert seeker._thread is None


def test_a_store_that_cannot_be_read_is_said(tmp_path: Path, qtbot: QtBot) -> None:
    seeker = Seeker(Profile(tmp_path / "nothing"))
    errors: list[MailError] = []
    seeker.failed.connect(lambda _, error: errors.append(error))
    seeker.ask(partial(endless, threading.Event()))
    qtbot.waitUntil(lambda: bool(errors))
    assert errors[0].code == "store-missing"
    seeker.close()
