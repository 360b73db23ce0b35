"""A folder of 300,000 messages, and a search over them: the window's thread is never held, whatever it is asked."""

import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from gui_large import Watch, build, watched
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mua.errors import MailError
from mua.gui.places import Place
from mua.gui.seeker import Seeker
from mua.model.folder import FolderId
from mua.model.message import Flag, MessageId
from mua.model.sort import By, Sort
from mua.paths import Profile
from mua.store import write
from mua.store.db import Db, Store
from mua.store.find import FEW
from mua.store.read import Filter, Saved

MANY = 300_000
NEWS = 1_000  # of them, the newest, are in the index


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile to copy; each message is a conversation of its own."""
    return build(tmp_path_factory.mktemp("large") / "profile", MANY, NEWS)


@pytest.fixture
def watch(large: Path, tmp_path: Path, qapp: QApplication) -> Iterator[Watch]:
    """The program over a copy of that profile, its inbox shown, without an engine."""
    with watched(large, tmp_path / "profile", qapp) as made:
        yield made


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
    watch.run(lambda: watch.program.window.listing.narrow(chosen))
    assert watch.never_held()
    assert watch.program.window.listing.model.messages == number
    watch.run(lambda: watch.program.window.listing.narrow(Filter.ALL))
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
        stale = model.order
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
    watch.run(lambda: desk.finding.search("common"))
    assert watch.never_held()
    assert counts[-2:] == [FEW, NEWS]
    assert watch.program.window.listing._count.text() == f"{NEWS:,} results"
    watch.run(lambda: desk.finding.search("smaller:1m"))  # everything is
    assert watch.never_held()
    assert model.messages == MANY
    watch.run(lambda: desk.sort(Sort(By.SIZE)))
    assert watch.never_held()
    assert model.messages == MANY
    assert model.source.sort == Sort(By.SIZE)
    watch.run(lambda: desk.finding.search("larger:1m"))  # nothing is: every row is looked at
    assert watch.never_held()
    assert model.messages == 0


def test_each_letter_interrupts_the_search_before(watch: Watch) -> None:
    desk, model = watch.program.desk, watch.program.window.listing.model

    def typing() -> None:
        for text in ("larger:1m", "larger:2m", "co", "com", "larger:3m", "subject:number common"):
            desk.finding.search(text)

    counts: list[int] = []
    model.refreshed.connect(lambda: counts.append(model.messages))
    watch.run(typing)
    assert watch.never_held()
    assert counts == [FEW, NEWS]
    watch.run(lambda: desk.finding.search(""))
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
    assert begun.wait(60)
    number = seeker.ask(lambda _: iter([("this", True)]))
    qtbot.waitUntil(lambda: bool(answers))
    assert answers == [(number, "this")]
    assert errors == []
    seeker.close()


def test_the_end_does_not_wait_for_a_question(large: Path) -> None:
    seeker, begun = Seeker(Profile(large)), threading.Event()
    seeker.ask(partial(endless, begun))
    assert begun.wait(60)
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
