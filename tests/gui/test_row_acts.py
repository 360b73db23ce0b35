"""What is drawn at the end of a row below the mouse, and what a drag takes along."""

from pathlib import Path

import pytest
from gui_mail import Mail
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from mua.gui.app import Program
from mua.gui.dragging import MOST, Dragged
from mua.gui.hover import acts_on, strip
from mua.gui.message_cards import Density
from mua.gui.message_model import MESSAGE_IDS
from mua.model.message import MessageId


def press(program: Program, place: QPoint) -> None:
    view = program.window.listing.view
    where = QPointF(place)
    event = QMouseEvent(
        QEvent.Type.MouseButtonPress, where, view.viewport().mapToGlobal(where), Qt.MouseButton.LeftButton,
        Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(view.viewport(), event)


def centre(program: Program, row: int, number: int) -> QPoint:
    """The middle of the picture with this number in a row."""
    view = program.window.listing.view
    area = view.visualRect(view.messages.index(row, 0))
    box = strip(area)
    x = box.left() + number * box.width() // 4 + box.width() // 8
    if view.layoutDirection() is Qt.LayoutDirection.RightToLeft:
        x = area.left() + area.right() - x
    return QPoint(x, box.center().y())


@pytest.mark.parametrize("density", list(Density))
@pytest.mark.parametrize("direction", [Qt.LayoutDirection.LeftToRight, Qt.LayoutDirection.RightToLeft])
def test_each_picture_is_pressed_where_it_is_drawn(
    program: Program, density: Density, direction: Qt.LayoutDirection
) -> None:
    view, model = program.window.listing.view, program.window.listing.model
    program.window.listing.set_density(density)
    view.setLayoutDirection(direction)
    QApplication.processEvents()
    view.acted.disconnect()
    told: list[tuple[str, list[int]]] = []
    view.acted.connect(lambda name, ids: told.append((name, ids)))
    card = model.card(1)
    assert card is not None
    for number, name in enumerate(acts_on(card)):
        press(program, centre(program, 1, number))
        assert told[-1] == (name, model.concerns([model.rows[1]]))
        assert view.act_at(centre(program, 1, number))[1]
    assert view.current_id() is None  # nothing was selected, and so nothing read
    press(program, view.visualRect(model.index(1, 0)).center() - QPoint(20, 0))
    assert len(told) == 4
    assert view.current_id() == model.id_at(1)
    assert view.act_at(QPoint(5, 2)) == ("", "")  # a heading


def test_a_press_acts_on_the_row_not_on_the_selection(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[tuple[str, list[MessageId]]] = []
    view, model = program.window.listing.view, program.window.listing.model
    for name in ("archive", "delete", "flag"):
        monkeypatch.setattr(
            program.desk.acting, name, lambda ids, *rest, name=name, **more: done.append((name, list(ids)))
        )
    view.selectAll()
    for number, name in enumerate(("archive", "delete", "flag", "flag")):
        press(program, centre(program, 2, number))
        assert done[-1][0] == name
        assert set(done[-1][1]) <= set(model.concerns([model.rows[2]]))


def test_a_drag_offers_folders_ids_and_the_desktop_files(program: Program, mail: Mail) -> None:
    view, model = program.window.listing.view, program.window.listing.model
    view.select(model.ids[3])
    taken = view.dragged()
    assert taken.hasFormat(MESSAGE_IDS)
    assert taken.data(MESSAGE_IDS).data().decode() == ",".join(map(str, view.selected_ids()))
    paths = [one.toLocalFile() for one in taken.urls()]
    assert len(paths) == len(view.selected_ids())
    assert all(one.endswith(".eml") for one in paths)
    assert Path(paths[0]).read_bytes() == mail.bodies.get(view.selected_ids()[0])


def test_very_many_messages_become_no_files() -> None:
    asked: list[object] = []
    many = Dragged([MessageId(one) for one in range(MOST + 1)], lambda ids: asked.append(ids) or [])
    assert many.formats() == [MESSAGE_IDS]
    assert not many.urls()
    assert not asked
