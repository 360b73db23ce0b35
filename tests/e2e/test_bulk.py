"""Acts on 100,000 messages: answered at once, carried out behind, stopped, taken back as one, whole after a kill."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import pytest
from commands import Mua
from gui_large import build

from mua import wire
from mua.cli.client import EngineClient
from mua.paths import Profile
from mua.store import read
from mua.store.db import open_reader

MANY = 100_000


@pytest.fixture(scope="module")
def _large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("large") / "profile", MANY, 1)


class House:
    """A profile with 100,000 messages, and what its store says."""

    def __init__(self, root: Path) -> None:
        self.mua, self.profile = Mua(root), Profile(root)
        self.db = open_reader(self.profile)
        self.inbox = read.folders(self.db)[0]
        self.ids = tuple(read.folder_order(self.db, self.inbox.id))

    def total(self, role: str) -> int:
        return int(self.db.value("SELECT coalesce(sum(total), 0) FROM folder WHERE role = ?", role))

    def unread(self) -> int:
        return int(self.db.value("SELECT unread FROM folder WHERE role = 'inbox'"))

    def going_on(self) -> bool:
        return bool(self.db.value("SELECT EXISTS(SELECT 1 FROM bulk)"))

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 120
        while not condition():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.fixture
def house(_large: Path, tmp_path: Path) -> Iterator[House]:
    copytree(_large, tmp_path / "profile")
    made = House(tmp_path / "profile")
    yield made
    made.db.close()


def nobody(_: Profile) -> None:
    """No engine is started: one runs."""


def test_it_is_answered_at_once_stopped_and_taken_back(house: House) -> None:
    with house.mua.engine(), EngineClient(house.profile, nobody) as client:
        acted = client.ask(wire.ArchiveMessages(house.ids), wire.Acted)
        assert house.going_on() and house.total("archive") < MANY // 2
        assert acted.label == "Archived 100,000 messages"
        house.until(lambda: house.total("archive") >= 3_000)
        client.ask(wire.StopActs(), wire.Done)
        stopped = house.total("archive")
        assert not house.going_on() and 3_000 <= stopped < MANY and stopped % 1_000 == 0
        undone = client.ask(wire.Undo(), wire.Acted)
        assert undone.label == "Undone: Archived 100,000 messages"
        house.until(lambda: not house.going_on())
        assert (house.total("archive"), house.total("inbox")) == (0, MANY)


def test_an_undo_in_the_middle_stops_it_first(house: House) -> None:
    with house.mua.engine(), EngineClient(house.profile, nobody) as client:
        client.ask(wire.SetFlags(house.ids, add=1), wire.Acted)
        house.until(lambda: house.unread() < MANY // 2 - 2_000)
        client.ask(wire.Undo(), wire.Acted)
        house.until(lambda: not house.going_on())
        assert house.unread() == MANY // 2


def test_what_a_kill_interrupts_is_carried_on(house: House) -> None:
    with house.mua.engine() as engine, EngineClient(house.profile, nobody) as client:
        client.ask(wire.DeleteMessages(house.ids), wire.Acted)
        house.until(lambda: house.total("trash") >= 2_000)
        engine.send_signal(signal.SIGKILL)
        engine.wait()
    assert 0 < house.total("trash") < MANY
    with house.mua.engine():
        house.until(lambda: not house.going_on())
        assert (house.total("trash"), house.total("inbox")) == (MANY, 0)
