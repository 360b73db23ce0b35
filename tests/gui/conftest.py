"""A window over a prepared profile: no engine, everything else real."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gui_mail import Mail, seed
from PySide6.QtWidgets import QApplication

from mua.gui import preferences as prefs
from mua.gui.app import Options, Program
from mua.gui.places import Place


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Mail]:
    """Two accounts with believable mail."""
    made = seed(tmp_path / "profile")
    prefs.save(made.profile, prefs.Preferences(mark_read_after=-1))
    yield made
    made.close()


@pytest.fixture
def program(qapp: QApplication, mail: Mail) -> Iterator[Program]:
    """The program, its inbox shown, without an engine."""
    made = Program(mail.profile, Options())
    made.leave_alone()
    made.show()
    made.desk.show_place(Place(folder=mail.folders["INBOX"]))
    qapp.processEvents()
    yield made
    made.window.close()
    made.end()
    made.deleteLater()
    made.window.deleteLater()
    qapp.processEvents()
