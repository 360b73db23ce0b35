"""What is done to folders in the window: the menu, the palette, and what the engine is asked for."""

import pytest
from gui_mail import Mail
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from mua import wire
from mua.gui.app import Program
from mua.gui.folder_deeds import FolderDeeds
from mua.gui.folder_menu import folder_menu
from mua.gui.palette import Palette
from mua.gui.places import Place
from mua.gui.sidebar import Entry


class Engine:
    """Remembers what it was asked, and answers what it is given."""

    def __init__(self) -> None:
        self.commands: list[wire.Command] = []
        self.answer: wire.Answer | None = None

    def ask(self, command: wire.Command, then: object = None, _: object = None) -> None:
        self.commands.append(command)
        if self.answer is not None and callable(then):
            then(self.answer)


@pytest.fixture
def engine(program: Program, monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(program.desk, "client", made)
    monkeypatch.setattr(program.desk.acting, "_client", made)
    return made


def entry(program: Program, mail: Mail, name: str) -> Entry:
    place = Place(folder=mail.folders[name])
    return next(one for one in program.window.sidebar.model.entries if one.place == place)


def texts(program: Program, which: Entry) -> list[str]:
    menu = folder_menu(program.desk, which)
    assert menu is not None
    found = [action.text() for action in menu.actions() if action.text()]
    menu.deleteLater()
    return found


def test_each_folder_offers_what_makes_sense(program: Program, mail: Mail, engine: Engine) -> None:
    inbox, ordinary = texts(program, entry(program, mail, "INBOX")), texts(program, entry(program, mail, "Projects"))
    assert inbox[:3] == ["Open in a tab", "Mark all as read", "New folder inside…"]
    assert ordinary[1:5] == ["New folder inside…", "Rename…", "Delete folder", "Unsubscribe"]
    assert texts(program, entry(program, mail, "Junk"))[1:3] == ["Mark all as read", "Empty Junk…"]
    assert "Kept on this computer" in inbox


def test_what_is_typed_is_what_the_engine_is_asked_for(
    program: Program, mail: Mail, engine: Engine, qtbot: QtBot
) -> None:
    folder = program.desk.folders[mail.folders["Projects/Museum"]]
    deeds = FolderDeeds(program.desk)
    deeds.ask_name(folder)
    palette = program.window.findChild(Palette)
    assert palette is not None and palette.field.text() == "Museum"
    palette.field.setText("Gallery")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert engine.commands == [wire.RenameFolder(folder.id, "Projects/Gallery")]
    deeds.delete(folder)
    assert engine.commands[-1] == wire.DeleteFolder(folder.id)


def test_moving_to_a_folder_that_does_not_exist_makes_it(
    program: Program, mail: Mail, engine: Engine, qtbot: QtBot
) -> None:
    model = program.window.listing.model
    one = next(found for row in range(len(model.rows)) if (found := model.id_at(row)) is not None)
    program.window.listing.view.select(one)
    program.window.actions_["move"].trigger()
    palette = program.window.findChild(Palette)
    assert palette is not None
    palette.field.setText("Brand new")
    engine.commands.clear()
    engine.answer = wire.FolderMade(77)
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert engine.commands[0] == wire.CreateFolder(program.desk.accounts[0].id, "Brand new")
    assert engine.commands[1] == wire.MoveMessages((one,), 77)


def test_the_palette_knows_the_folder_that_is_listed(program: Program, mail: Mail, engine: Engine) -> None:
    program.desk.show_place(Place(folder=mail.folders["Projects"]))
    program.window.actions_["palette"].trigger()
    palette = program.window.findChild(Palette)
    assert palette is not None
    palette.field.setText("rename")
    assert [(one.text, one.detail) for one in palette.shown()][:1] == [("Rename", "Projects")]
