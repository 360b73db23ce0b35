"""What is written is on disk within a second, and comes back after a kill."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from gui_mail import Mail
from gui_office import close
from PySide6.QtWidgets import QApplication

from mua.gui.app import Options, Program
from mua.gui.journal import Attached, Journal, Letter
from mua.gui.writing import Kind, Writing
from mua.model.address import Address
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
    close(program)


def test_an_empty_letter_is_not_kept(qapp: QApplication, mail: Mail) -> None:
    program = Program(mail.profile, Options())
    program.leave_alone()
    program.show()
    assert program.rooms is not None
    program.desk.preferences = replace(program.desk.preferences, signature="Robin")
    program.rooms.write(Writing(Kind.NEW))
    (composer,) = program.rooms.composing.composers.values()
    assert composer.letter().text.endswith("-- \nRobin")
    composer.written.emit()
    composer.close()
    program.rooms.composing.journal.settle()
    assert list(mail.profile.drafts.glob("*.json")) == []
    close(program)
