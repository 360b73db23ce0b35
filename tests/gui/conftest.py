"""A window over a prepared profile: no engine, everything else real."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree

import pytest
from gui_mail import Mail, seed
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from mua.gui import preferences as prefs
from mua.gui.app import Options, Program
from mua.gui.places import Place
from mua.model.folder import FolderId

SHOW = QWidget.setVisible


def set_visible(widget: QWidget, on: bool) -> None:
    """What is shown before it has a place is a window of its own for a moment, and takes the keyboard away."""
    lost = on and widget.parentWidget() is None and "/mua/gui/" in sys._getframe(1).f_code.co_filename
    assert not lost, f"a {type(widget).__name__} is shown before it has a place"
    SHOW(widget, on)


QWidget.setVisible = set_visible  # type: ignore[method-assign]


class Patient(QtBot):
    """Waits a minute for what comes in a moment: the five seconds of pytest-qt are short on a busy machine."""

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = 60_000) -> None:
        super().waitUntil(callback, timeout=timeout)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    """The one of pytest-qt, with more patience."""
    return Patient(request)


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, FolderId]]:
    """A profile to copy: two accounts with believable mail."""
    root = tmp_path_factory.mktemp("seed") / "profile"
    made = seed(root)
    prefs.save(made.profile, prefs.Preferences(mark_read_after=-1))
    made.close()
    return root, made.folders


@pytest.fixture
def mail(tmp_path: Path, seeded: tuple[Path, dict[str, FolderId]]) -> Iterator[Mail]:
    """A copy of it for this test, open for writing."""
    copytree(seeded[0], tmp_path / "profile")
    made = Mail(tmp_path / "profile")
    made.folders = dict(seeded[1])
    yield made
    made.close()


@pytest.fixture
def program(qapp: QApplication, mail: Mail) -> Iterator[Program]:
    """The program, its inbox shown, without an engine."""
    made = Program(mail.profile, Options())
    made.leave_alone()
    made.window.resize(1440, 900)
    made.show()
    made.desk.show_place(Place(folder=mail.folders["INBOX"]))
    qapp.processEvents()
    yield made
    made.window.close()
    made.end()
    made.window.deleteLater()
    made.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()
