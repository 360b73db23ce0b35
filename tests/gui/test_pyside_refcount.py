"""The binding must not lose references to None.

PySide6 6.12.0 drops one with each call that returns None on Python 3.11 and older (there None is not immortal): after
some minutes of painting the interpreter aborts.  That is why pyproject.toml holds it below 6.12 (docs/decisions/0007).
"""

import sys

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

CALLS = 2_000


@pytest.mark.gui
def test_calls_that_return_none_keep_its_reference_count(qtbot: QtBot) -> None:
    widget = QWidget()
    qtbot.addWidget(widget)
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        widget.update()
    lost = before - sys.getrefcount(None)
    assert lost < CALLS // 10, f"{lost} references to None lost in {CALLS} calls: the interpreter will abort"
