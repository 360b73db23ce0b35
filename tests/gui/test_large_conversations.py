"""A folder of 200,000 messages in 50,000 conversations: grouped, it costs about what the messages cost one by one."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
from gui_large import Watch, build, watched
from PySide6.QtWidgets import QApplication

from mua.gui.places import Place, Source
from mua.model.account import AccountId
from mua.model.address import Address
from mua.model.folder import FolderId
from mua.model.message import Envelope, Flag, MessageId
from mua.store import read, write
from mua.store.db import Store
from mua.store.write import NewMessage

MANY, TALKS = 200_000, 50_000
INBOX = Place(folder=FolderId(1))
FACTOR, SLACK = 4.0, 0.012  # seconds of a machine that does something else, too


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The members of each conversation are 50,000 messages apart: none is on one page with another."""
    return build(tmp_path_factory.mktemp("talks") / "profile", MANY, 0, TALKS)


@pytest.fixture
def watch(large: Path, tmp_path: Path, qapp: QApplication) -> Iterator[Watch]:
    with watched(large, tmp_path / "profile", qapp) as made:
        yield made


@pytest.fixture
def store(watch: Watch) -> Iterator[Store]:
    made = Store(watch.program.profile)
    yield made
    made.close()


class Answers:
    """Mail that comes in now, an answer to conversation after conversation."""

    def __init__(self, store: Store) -> None:
        self.store, self.number = store, 0

    def one(self, to: MessageId) -> MessageId:
        """An answer to a message."""
        self.number += 1
        envelope = Envelope(sender=(Address("Ana", "ana@example.org"),), subject="Re", message_id=f"re{self.number}@x")
        with self.store.write() as tx:
            when = int(time.time()) + self.number
            new = NewMessage(envelope, when, 10, MANY + self.number, Flag(0))
            (made,) = write.add_messages(tx, AccountId(1), FolderId(1), [new])
            tx.run("UPDATE message SET thread_id = (SELECT thread_id FROM message WHERE id = ?) WHERE id = ?", to, made)
        return made


def took(act: Callable[[], object]) -> float:
    """Seconds of this thread's work."""
    begin = time.thread_time()
    act()
    return time.thread_time() - begin


def test_grouping_costs_a_small_factor(
    watch: Watch, store: Store, qapp: QApplication, capsys: pytest.CaptureFixture[str]
) -> None:
    """Medians of what the window's thread does, and of the seeker's whole order, grouped and not, in one run."""
    desk, view, model = watch.program.desk, watch.program.window.listing.view, watch.program.window.listing.model
    answers = Answers(store)
    found: dict[str, list[float]] = {}
    for grouped in (False, True):
        desk.grouping.choose(INBOX, grouped)

        def paint() -> None:
            view.viewport().repaint()

        def opens() -> None:
            desk.show_place(INBOX)
            paint()

        def arrives(first: MessageId) -> None:
            desk.read_again({first}, sidebar=False)
            paint()

        def pages() -> None:
            bar = view.verticalScrollBar()
            bar.setValue(bar.value() + bar.pageStep())
            paint()

        opening, arrival, paging, order = [], [], [], []
        for turn in range(7):
            opening.append(took(opens))
            watch.run(lambda: None, 0.05)
            assert model.messages == MANY + len(
                answers.store.reader().rows("SELECT 1 FROM message WHERE uid > ?", MANY)
            )
            new = answers.one(MessageId(model.ids[1_000 + turn]))
            arrival.append(took(lambda new=new: arrives(new)))  # type: ignore[misc]
            assert model.id_at(model.row_of(new)) == new
            view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() * (turn + 1) // 9)
            qapp.processEvents()
            paging.append(took(pages))
            order.append(took(lambda: list(Source(None, INBOX, grouped=grouped).whole(store.reader()))))  # noqa: B023
        if grouped:
            assert len(model.order.heads) == TALKS
        for name, times in (("open", opening), ("arrival", arrival), ("page", paging), ("order", order)):
            found.setdefault(name, []).append(median(times))
    with capsys.disabled():
        for name, (plain, grouped_) in found.items():
            print(f"\n{name}: {plain * 1e3:.1f} ms, by conversations {grouped_ * 1e3:.1f} ms", end="")
    for name, (plain, grouped_) in found.items():
        assert grouped_ < FACTOR * plain + SLACK, name


def test_the_window_is_never_held(watch: Watch, store: Store) -> None:
    desk, view, model = watch.program.desk, watch.program.window.listing.view, watch.program.window.listing.model
    assert model.source.grouped
    assert (model.messages, len(model.order.heads)) == (MANY, TALKS)
    watch.run(lambda: desk.group(False))
    assert watch.never_held()
    watch.run(lambda: desk.group(True))
    assert watch.never_held()
    view.select(model.order.heads[20_000])
    watch.run(lambda: None)
    top, chosen = view.visualRect(view.currentIndex()).y(), view.selected_ids()
    assert len(chosen) == 4
    new = Answers(store).one(MessageId(model.order.heads[40_000]))
    watch.run(lambda: desk.read_again({new}, sidebar=True))
    assert watch.never_held()
    assert (model.order.heads[0], len(model.order.heads)) == (new, TALKS)
    assert (view.visualRect(view.currentIndex()).y(), view.selected_ids()) == (top, chosen)
    watch.run(lambda: model.unfold(view.currentIndex().row(), True))
    assert watch.never_held()
    assert view.selected_ids() == chosen[:1]
    watch.run(lambda: desk.read_again(None, sidebar=True))
    assert watch.never_held()
    assert model.messages == MANY + 1


def test_acts_on_many_rows_are_for_all_their_messages(watch: Watch) -> None:
    view, model = watch.program.window.listing.view, watch.program.window.listing.model
    watch.run(view.selectAll)
    assert watch.never_held()
    begin = time.thread_time()
    chosen = view.selected_ids()
    assert time.thread_time() - begin < 2
    assert len(chosen) == MANY
    assert read.NEWEST > chosen[0] == model.ids[0]
