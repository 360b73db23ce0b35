"""What is written is on disk within a second, and comes back after a kill."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest
from gui_mail import Mail
from gui_office import close, wait_until
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor, QTextListFormat
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from mua.gui import journal as journal_module
from mua.gui import steps
from mua.gui.app import Options, Program
from mua.gui.body_editor import BodyEditor
from mua.gui.body_track import Step, Track, difference
from mua.gui.journal import Attached, Journal, Letter
from mua.gui.steps import MOST, shortened, text_of
from mua.gui.writing import Kind as Wish
from mua.gui.writing import Writing
from mua.mime.prose_text import from_text
from mua.model.address import Address
from mua.model.prose import Block, Kind, Run
from mua.paths import Profile, child_environment

TYPIST = """
import sys
from pathlib import Path
from PySide6.QtCore import QTimer
from mua.gui.app import Options, Program, make_application
from mua.gui.writing import Kind, Writing
from mua.paths import Profile

application = make_application()
program = Program(Profile(Path(sys.argv[1])), Options())
program.leave_alone()
program.show()
program.rooms.write(Writing(Kind.NEW))
composer = next(iter(program.rooms.composing.composers.values()))
composer.to._paste("Maya <maya@example.org>, nobody")
composer.subject.setText("Half a letter")
composer.attach([sys.argv[2]])

def type_on():
    composer.editor.insertPlainText("word ")
    print("typed", flush=True)

QTimer.singleShot(0, type_on)
application.exec()
"""


def letter(key: str = "k") -> Letter:
    return Letter(
        key,
        1,
        (Address("Maya", "maya@example.org"),),
        subject="Hë \udcff",
        text="one\ntwo",
        attached=(Attached("a.pdf", "application/pdf", 3, "/tmp/a.pdf"),),
        references=("a@b",),
        answers=7,
    )


def test_a_letter_is_written_and_read(tmp_path: Path) -> None:
    journal = Journal(Profile(tmp_path).create())
    journal.write(letter())
    journal.settle()
    assert journal.letters() == [letter()]
    assert oct((tmp_path / "drafts" / "k.json").stat().st_mode)[-3:] == "600"
    journal.forget("k")
    journal.settle()
    assert journal.letters() == []


@pytest.mark.log_warning("a journal file could not be read")
def test_a_damaged_file_harms_no_other(tmp_path: Path) -> None:
    journal = Journal(Profile(tmp_path).create())
    journal.write(letter("good"))
    journal.settle()
    (tmp_path / "drafts" / "bad.json").write_text('{"key": 3, "to": "x"')
    (tmp_path / "drafts" / "half.new").write_text("{")
    assert [one.key for one in journal.letters()] == ["good"]
    journal.sweep()
    assert not (tmp_path / "drafts" / "half.new").exists()
    assert (tmp_path / "drafts" / "bad.json").exists()


def test_a_kill_loses_nothing(qapp: QApplication, mail: Mail, tmp_path: Path) -> None:
    attachment = tmp_path / "plan.txt"
    attachment.write_text("the plan")
    typist = subprocess.Popen(
        [sys.executable, "-c", TYPIST, str(mail.profile.root), str(attachment)],
        stdout=subprocess.PIPE,
        env={**child_environment(), "QT_QPA_PLATFORM": "offscreen"},
    )
    try:
        assert typist.stdout is not None
        assert typist.stdout.readline() == b"typed\n"
        deadline = time.monotonic() + 60
        while not any(b"word" in one.read_bytes() for one in mail.profile.drafts.glob("*.json")):
            assert time.monotonic() < deadline, "the journal is late"
            time.sleep(0.02)
    finally:
        os.kill(typist.pid, signal.SIGKILL)
        typist.wait()
        typist.stdout.close() if typist.stdout else None
    program = Program(mail.profile, Options())
    program.leave_alone()
    program.show()
    assert program.rooms is not None
    assert program.rooms.composing.restore() == 1
    (composer,) = program.rooms.composing.composers.values()
    found = composer.letter()
    assert [one.address for one in found.to] == ["maya@example.org", "nobody"]
    assert (found.subject, found.text) == ("Half a letter", "word ")
    assert [Path(one.path) for one in found.attached] == [attachment]
    assert "it is all here" in composer.banner.text()
    composer.editor.undo()
    assert composer.letter().text == "", "what was typed before the end can be undone"
    close(program)


def test_steps_make_the_text_and_a_cut_line_is_left_out(tmp_path: Path) -> None:
    journal = Journal(Profile(tmp_path).create())
    lines = [Block((Run("one"),)), Block((Run("two"),), quote=1), Block((Run("bold", bold=True),), Kind.BULLET, 1)]
    texts = [[], lines[:1], lines, [lines[0], Block(), *lines[1:]], lines[1:]]
    for number, (before, after) in enumerate(pairwise(texts)):
        step = difference(before, after, "rich", number)
        assert step is not None
        journal.add_step("k", step, first=number == 0)
    journal.settle()
    with (tmp_path / "drafts" / "k.steps").open("ab") as file:
        file.write(b"[0,1,[")
    assert len(journal.steps("k")) == 4
    journal.add_step("k", Step(0, 0, (), "rich"), first=False)
    journal.settle()
    assert len(journal.steps("k")) == 5, "what was cut off does not spoil what comes behind it"
    found = journal.steps("k")[:4]
    assert [len(one.lines) for one in found] == [1, 2, 1, 0]
    assert text_of(found) == lines[1:]
    assert len(shortened([*found, *[Step(0, 0, (), "rich")] * MOST])) == MOST + 1


def wander(editor: BodyEditor, chance: random.Random) -> None:
    """Do anything that a person does."""
    cursor = editor.textCursor()
    cursor.setPosition(chance.randrange(editor.document().characterCount()))
    if chance.random() < 0.3:
        end = min(cursor.position() + chance.randrange(12), editor.document().characterCount() - 1)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
    editor.setTextCursor(cursor)
    acts = [
        lambda: editor.insertPlainText("word "),
        lambda: QTest.keyClick(editor, Qt.Key.Key_Return),
        cursor.removeSelectedText,
        editor.toggle_bold,
        lambda: editor.toggle_list(QTextListFormat.Style.ListDisc),
        editor.toggle_quote,
        editor.undo,
        lambda: editor.heading(2),
        lambda: editor.switch(chance.choice(["rich", "markdown", "plain"])) if chance.random() < 0.3 else None,
    ]
    chance.choice(acts)()


@pytest.mark.parametrize("seed", range(30))
def test_a_text_comes_back_with_every_step_to_undo(qtbot: QtBot, seed: int) -> None:
    chance = random.Random(seed)
    editor, other = BodyEditor(), BodyEditor()
    qtbot.addWidget(editor)
    qtbot.addWidget(other)
    track = Track(editor)
    editor.show_prose(from_text("Hello\n> quoted\n> more\n\nRobin"), chance.choice(["rich", "markdown", "plain"]))
    steps = [track.begin()]
    for _ in range(25):
        wander(editor, chance)
        if (step := track.step()) is not None:
            steps.append(step)
        if editor.mode == "rich":
            assert track.lines() == [*editor.prose()], "the track has what the document says"
    other.show_lines(steps[0].lines, steps[0].mode)
    for step in steps[1:]:
        other.replace_lines(step.at, step.gone, step.lines, step.mode)
    assert other.mode == editor.mode
    assert Track(other).lines() == text_of(steps)
    while other.document().isUndoAvailable():
        other.undo()
    assert Track(other).lines() == [*steps[0].lines]


def test_an_empty_letter_is_not_kept(qapp: QApplication, mail: Mail) -> None:
    program = Program(mail.profile, Options())
    program.leave_alone()
    program.show()
    assert program.rooms is not None
    program.desk.preferences = replace(program.desk.preferences, signature="Robin")
    program.rooms.write(Writing(Wish.NEW))
    (composer,) = program.rooms.composing.composers.values()
    assert composer.letter().text.endswith("-- \nRobin")
    composer.written.emit()
    composer.close()
    program.rooms.composing.journal.settle()
    assert list(mail.profile.drafts.glob("*.json")) == []
    close(program)


def test_what_the_disk_does_not_take_is_neither_closed_nor_left(qapp: QApplication, mail: Mail) -> None:
    """The disk is full, for this letter: what is written goes to /dev/full."""
    program = Program(mail.profile, Options())
    program.leave_alone()
    program.show()
    assert program.rooms is not None
    composing = program.rooms.composing
    composer = composing.open(letter("k"))
    composing.journal.settle()
    full = mail.profile.drafts / "k.new"
    full.symlink_to("/dev/full")
    composer.editor.insertPlainText("dear ")
    wait_until(lambda: "disk of this computer is full" in composer.banner.text(), "it is said")
    assert not composer.close()
    assert not program.window.close()
    assert composing.composers == {"k": composer}
    assert not composer.isHidden()
    full.unlink()
    wait_until(lambda: composer.banner.isHidden(), "it is tried again by itself")
    assert "dear " in composing.journal.letters()[0].text
    assert composing.journal.steps("k")[-1].lines
    close(program)


def test_a_letter_that_could_not_be_written_keeps_what_was_on_disk(tmp_path: Path) -> None:
    journal = Journal(Profile(tmp_path).create())
    step = Step(0, 0, (Block((Run("one"),)),), "rich")
    journal.write(letter())
    journal.add_step("k", step, first=True)
    journal.settle()
    assert journal.trouble("k") == 0
    (tmp_path / "drafts" / "k.new").symlink_to("/dev/full")
    journal.add_step("k", Step(0, 0, (), "rich"), first=True)
    journal.write(replace(letter(), text="more"))
    journal.settle()
    assert journal.trouble("k") == errno.ENOSPC
    assert (journal.letters(), journal.steps("k")) == ([letter()], [step])


class SlowDisk:
    """One that answers only once it may ``go_on``.  ``synced`` are the files that were written, ``going``: one is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: list[str] = []
        self.going, self.go_on = Event(), Event()
        monkeypatch.setattr(os, "fsync", self._sync)

    def _sync(self, handle: int) -> None:
        self.synced.append(Path(f"/proc/self/fd/{handle}").readlink().name)
        self.going.set()
        assert self.go_on.wait(60)


def test_a_slow_disk_writes_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one write waits for the disk a hundred more come: two writes of each file are enough for them."""
    disk, journal = SlowDisk(monkeypatch), Journal(Profile(tmp_path).create())
    for number in range(100):
        journal.add_step("k", Step(number, 0, (Block((Run(f"line {number}"),)),), "rich"), first=number == 0)
        journal.write(replace(letter(), text=f"text {number}"))
        assert disk.going.wait(60)
    disk.go_on.set()
    journal.settle()
    assert (len(journal.steps("k")), journal.letters()[0].text) == (100, "text 99")
    assert len(disk.synced) <= 4 and disk.synced[-2:] == ["k.steps", "k.new"]


def test_a_letter_on_disk_is_never_newer_than_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter waits for the disk already when the steps of a newer one come: at a start it is the steps that count."""
    disk, journal = SlowDisk(monkeypatch), Journal(Profile(tmp_path).create())
    journal.write(letter())
    assert disk.going.wait(60)
    journal.write(replace(letter(), text="more"))
    journal.add_step("k", Step(0, 0, (Block((Run("more still"),)),), "rich"), first=False)
    journal.write(replace(letter(), text="more still"))
    disk.go_on.set()
    journal.settle()
    assert disk.synced == ["k.new", "k.steps", "k.new"]


def test_steps_that_lack_one_do_not_count_where_the_letter_has_its_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk was full for a step, but had room for the letter behind it."""
    journal = Journal(Profile(tmp_path).create())
    begun, real = Step(0, 0, (Block((Run("one"),)),), "rich"), steps.append

    def half(path: Path, data: bytes) -> None:
        real(path, data[:4])
        raise OSError(errno.ENOSPC, "full")

    for text, stepped in (("", True), ("one two", False)):
        journal.add_step("k", begun, first=True)
        journal.settle()
        with monkeypatch.context() as patch:
            patch.setattr(steps, "append", half)
            journal.add_step("k", Step(0, 1, (Block((Run("one two"),)),), "rich"), first=False)
            journal.write(replace(letter(), text=text, stepped=stepped))
            journal.settle()
        journal.add_step("k", Step(1, 0, (Block((Run("three"),)),), "rich"), first=False)
        journal.settle()
        assert journal.trouble("k") == errno.ENOSPC
        assert journal.steps("k") == ([begun] if stepped else []), (
            "a step behind one that is missing makes another text"
        )
    journal.add_step("k", begun, first=True)
    journal.settle()
    assert (journal.trouble("k"), journal.steps("k")) == (0, [begun])


def test_the_steps_make_the_text_whatever_was_done_and_undone(
    qapp: QApplication, mail: Mail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was taken back entirely, what was typed just before the end, and a line whose steps outgrow it."""
    monkeypatch.setattr(journal_module, "MAX_GROWN", 4_000)
    program = Program(mail.profile, Options())
    program.leave_alone()
    program.show()
    assert program.rooms is not None
    composing = program.rooms.composing
    composer = composing.open(replace(letter("k"), attached=(), text="one\ntwo\nthree"))
    composer.begin()
    editor, journal = composer.editor, composing.journal

    def kept() -> str:
        journal.settle()
        return "\n".join(one.text for one in text_of(journal.steps("k")))

    editor.moveCursor(QTextCursor.MoveOperation.Start)
    editor.insertPlainText("zero\n")
    composing.journal_now(composer)
    assert kept() == "zero\none\ntwo\nthree"
    editor.undo()
    composing.journal_now(composer)
    assert kept() == "" and journal.letters() == []
    editor.moveCursor(QTextCursor.MoveOperation.Down)
    editor.insertPlainText("second: ")
    composing.journal_now(composer)
    assert kept() == "one\nsecond: two\nthree"
    editor.moveCursor(QTextCursor.MoveOperation.End)
    for _ in range(30):
        editor.insertPlainText("x" * 300)
        composing.journal_now(composer)
    assert kept() == editor.toPlainText()
    size = (mail.profile.drafts / "k.steps").stat().st_size
    assert size < 2 * len(editor.toPlainText()) + 2 * 4_000
    editor.insertPlainText(" the end")
    composing.close_all()
    assert kept().endswith("x the end")
    close(program)


def test_a_letter_whose_text_cannot_be_read_is_left_as_it_is(qapp: QApplication, mail: Mail) -> None:
    program = Program(mail.profile, Options())
    program.leave_alone()
    program.show()
    assert program.rooms is not None
    composing = program.rooms.composing
    composing.journal.write(replace(letter("k"), text="", stepped=True))
    composing.journal.settle()
    (mail.profile.drafts / "k.steps").write_bytes(b"\0\0\n")
    assert composing.restore() == 0 and composing.composers == {}
    assert "cannot be read" in program.window.toast.text()
    assert (mail.profile.drafts / "k.steps").read_bytes() == b"\0\0\n"
    assert [one.key for one in composing.journal.letters()] == ["k"]
    close(program)


@pytest.mark.parametrize("again", [False, True])
def test_a_letter_that_is_discarded_stays_away_until_it_is_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    disk = SlowDisk(monkeypatch)
    journal = Journal(Profile(tmp_path).create())
    journal.write(letter("other"))
    assert disk.going.wait(60)
    journal.write(letter())
    journal.forget("k")
    if again:
        journal.write(replace(letter(), text="taken back"))
    disk.go_on.set()
    journal.settle()
    assert [one.text for one in journal.letters() if one.key == "k"] == (["taken back"] if again else [])
