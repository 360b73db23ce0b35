"""What is attached while one writes: a folder is packed, pictures are made smaller, the order is the person's."""

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QImage, QKeyEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mua.gui import composer_files
from mua.gui.composer import Composer
from mua.gui.composer_files import SMALLER_SIDE, as_sent
from mua.gui.journal import Letter

pytestmark = pytest.mark.gui


@pytest.fixture
def composer(qtbot: QtBot, tmp_path: Path) -> Composer:
    folder = tmp_path / "letter"
    folder.mkdir()
    made = Composer(Letter("k", 1), [], lambda *_: [], lambda _: folder)
    qtbot.addWidget(made)
    made.show()
    made.to._paste("x@good.example")
    made.subject.setText("Files")
    return made


def offered(composer: Composer, monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What the buttons above the text do, as they are offered."""
    acts: list[Callable[[], object]] = []
    monkeypatch.setattr(composer.banner, "offer", lambda _, act: acts.append(act))
    return acts


def test_a_folder_is_packed_and_the_letter_does_not_go_before(
    composer: Composer, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "maps" / "coast"
    source.mkdir(parents=True)
    (source / "a.txt").write_text("one")
    (tmp_path / "maps" / "b.txt").write_text("two")
    (tmp_path / "maps" / "out").symlink_to("/etc/hostname")
    acts = offered(composer, monkeypatch)
    sent: list[object] = []
    composer.send_wanted.connect(sent.append)
    composer.attach([str(tmp_path / "maps")])
    assert "is a folder" in composer.banner.text() and composer.strip.attached == []
    acts[0]()  # the thread's answer comes through the event loop, which does not run before the next line
    composer.send()
    assert sent == [] and "still being made" in composer.banner.text()
    qtbot.waitUntil(lambda: bool(composer.strip.attached), timeout=60_000)
    (made,) = composer.strip.attached
    with zipfile.ZipFile(made.path) as packed:
        assert sorted(packed.namelist()) == ["maps/b.txt", "maps/coast/a.txt"]
    composer.send()
    assert sent == [None]


def test_any_folder_is_packed_and_one_that_cannot_be_keeps_no_letter_back(
    composer: Composer, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files from before 1980, names that are not UTF-8, two folders of one name; and more files than are taken."""
    sources = [tmp_path / one / "maps" for one in "ab"]
    for place, source in enumerate(sources):
        source.mkdir(parents=True)
        (source / "old.txt").write_text(f"old {place}")
        os.utime(source / "old.txt", (0, 0))
        Path(os.fsdecode(os.fsencode(source) + b"/caf\xe9.txt")).write_text("name")
        os.mkfifo(source / "pipe")
        composer.strip.pack(source)
    qtbot.waitUntil(lambda: not composer.strip.busy, timeout=60_000)
    assert [one.name for one in composer.strip.attached] == ["maps.zip", "maps.zip"]
    found = []
    for one in composer.strip.attached:
        with zipfile.ZipFile(one.path) as packed:
            assert sorted(packed.namelist()) == ["maps/caf\ufffd.txt", "maps/old.txt"]
            found.append(packed.read("maps/old.txt"))
    assert sorted(found) == [b"old 0", b"old 1"]
    monkeypatch.setattr(composer_files, "MAX_FOLDER", 1)
    composer.strip.pack(sources[0])
    qtbot.waitUntil(lambda: not composer.strip.busy, timeout=60_000)
    assert "could not be made ready" in composer.banner.text()
    assert len(list((tmp_path / "letter").iterdir())) == 2, "what was begun of it is gone"


def test_a_pipe_and_a_device_are_no_files(composer: Composer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    composer.attach([str(tmp_path / "pipe"), "/dev/zero"])
    assert composer.strip.attached == []
    assert "2 of the files cannot be read" in composer.banner.text()


def test_two_pictures_of_one_name_are_two_when_they_are_smaller(
    composer: Composer, tmp_path: Path, qtbot: QtBot
) -> None:
    colours = [Qt.GlobalColor.red, Qt.GlobalColor.blue]
    for folder, colour in zip("ab", colours, strict=True):
        (tmp_path / folder).mkdir()
        picture = QImage(800, 600, QImage.Format.Format_RGB32)
        picture.fill(colour)
        assert picture.save(str(tmp_path / folder / "IMG_0001.bmp"))
    composer.attach([str(tmp_path / folder / "IMG_0001.bmp") for folder in "ab"])
    composer.strip.shrink()
    qtbot.waitUntil(lambda: not composer.strip.busy, timeout=60_000)
    assert [one.name for one in composer.strip.attached] == ["IMG_0001.jpg", "IMG_0001.jpg"]
    shown = [QImage(one.path).pixelColor(9, 9) for one in composer.strip.attached]
    assert [one.red() > one.blue() for one in shown] == [True, False]


def test_large_pictures_are_made_smaller_and_can_be_as_they_were(
    composer: Composer, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.bmp"
    picture = QImage(2400, 1200, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.darkCyan)
    assert picture.save(str(path))
    acts = offered(composer, monkeypatch)
    composer.attach([str(path)])
    assert composer.strip.can_shrink() and not composer.strip.smaller.isHidden()
    before = composer.octets()
    assert before == as_sent(path.stat().st_size)
    composer.strip.smaller.click()
    qtbot.waitUntil(lambda: composer.strip.attached[0].name == "large.jpg", timeout=60_000)
    small = QImage(composer.strip.attached[0].path)
    assert max(small.width(), small.height()) == SMALLER_SIDE and composer.octets() < before
    acts[0]()
    assert composer.strip.attached[0].path == str(path) and composer.octets() == before


def test_the_order_is_changed_by_keys_and_a_file_taken_away_comes_back(composer: Composer, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_text(name)
    composer.attach([str(tmp_path / name) for name in "abc"])
    first = composer.strip.cards.parts()[0]
    control = Qt.KeyboardModifier.ControlModifier
    QApplication.sendEvent(first, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Right, control))
    assert [one.name for one in composer.strip.attached] == ["b", "a", "c"]
    backs: list[Callable[[], object]] = []
    composer.strip.removed.connect(lambda _, back: backs.append(back))
    composer.strip.remove(composer.strip.attached[0])
    assert [one.name for one in composer.strip.attached] == ["a", "c"]
    backs[0]()
    assert [one.name for one in composer.strip.attached] == ["b", "a", "c"]


def test_two_hundred_files_leave_the_text_its_room(composer: Composer, tmp_path: Path, qtbot: QtBot) -> None:
    names = [f"{number:03}.txt" for number in range(200)]
    for name in names:
        (tmp_path / name).touch()
    composer.attach([str(tmp_path / name) for name in names])
    qtbot.waitUntil(lambda: composer.strip.shelf.height() > 20)
    few, last = composer.strip.shelf, composer.strip.cards.parts()[-1]
    qtbot.waitUntil(lambda: few.verticalScrollBar().maximum() > 0)
    qtbot.waitUntil(lambda: few.geometry().bottom() < composer.strip.total.y())
    assert composer.editor.height() > 3 * few.height() / 2
    few.ensureWidgetVisible(last)
    assert few.viewport().rect().contains(last.mapTo(few.viewport(), last.rect().center()))
    composer.strip.show_files(composer.strip.attached[:1])
    qtbot.waitUntil(lambda: few.height() == composer.strip.cards.height() < 100)


def test_where_there_is_little_room_the_way_of_writing_is_in_the_menu(composer: Composer) -> None:
    names = lambda: [one.text() for one in composer.formats.menu().actions()]  # noqa: E731
    composer.formats.compact(900)
    assert not composer.formats.way.isHidden() and "Markdown" not in names()
    composer.formats.compact(400)
    assert composer.formats.way.isHidden()
    next(one for one in composer.formats.menu().actions() if one.text() == "Markdown").trigger()
    assert composer.editor.mode == "markdown"
