"""At twice the usual text size everything is still legible: what stands beside text grows with it, nothing is cut."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from mua.gui.app import Program
from mua.gui.theme import TOOL_ICON, theme


@pytest.fixture
def doubled(program: Program, qapp: QApplication) -> Iterator[Program]:
    program.window.resize(1280, 800)
    theme().apply(False, 2.0)
    qapp.processEvents()
    qapp.processEvents()
    yield program
    theme().apply(False)


def test_the_title_of_the_list_is_whole_and_the_chips_are_below_it(doubled: Program) -> None:
    listing = doubled.window.listing
    title = listing._title
    assert title.fontMetrics().horizontalAdvance(title.text()) <= title.width()
    chip = next(iter(listing._chips.values()))
    assert chip.y() >= title.geometry().bottom()
    theme().apply(False, 1.0)
    QApplication.processEvents()
    QApplication.processEvents()
    assert chip.y() < title.geometry().bottom()


def test_the_button_for_a_new_message_is_whole(doubled: Program) -> None:
    button = doubled.window.sidebar.compose
    assert button.width() >= button.sizeHint().width()


def test_pictures_grow_with_the_text(doubled: Program) -> None:
    button = doubled.window.sidebar.status.settings
    assert button.iconSize().width() == 2 * TOOL_ICON
    assert button.width() >= button.iconSize().width()


def test_a_key_brings_the_usual_size_back(program: Program) -> None:
    actions = program.window.actions_
    for _ in range(4):
        actions["bigger"].trigger()
    assert program.desk.preferences.text_scale > 1.3
    actions["usual_size"].trigger()
    assert program.desk.preferences.text_scale == 1.0


@pytest.mark.parametrize("width", [330, 360, 375, 390, 420, 500])
def test_the_chips_are_whole_whatever_stands_beside_them(program: Program, width: int) -> None:
    listing = program.window.listing
    listing.setFixedWidth(width)
    listing.show_title("All inboxes", "8 unread")
    for _ in range(3):
        QApplication.processEvents()
    assert all(chip.width() >= chip.sizeHint().width() for chip in listing._chips.values())
