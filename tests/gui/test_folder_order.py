"""Folders as a person sorts them: by dragging, by the menu, kept for the next time."""

from gui_mail import Mail
from PySide6.QtCore import QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent

from mua.gui.app import Program
from mua.gui.folder_menu import folder_menu
from mua.gui.folder_order import arranged, moved
from mua.gui.looks import Looks
from mua.gui.places import Place
from mua.gui.sidebar import FOLDER_ID
from mua.model.account import AccountId
from mua.model.folder import Folder, FolderId, Role


def folder(number: int, name: str, role: Role = Role.NONE, account: int = 1) -> Folder:
    return Folder(FolderId(number), AccountId(account), name, "/", role)


FOLDERS = [
    folder(1, "INBOX", Role.INBOX),
    folder(2, "Archive", Role.ARCHIVE),
    folder(3, "A"),
    folder(4, "A/one"),
    folder(5, "A/two"),
    folder(6, "B"),
    folder(7, "INBOX", Role.INBOX, 2),
]


def ids(folders: list[Folder]) -> list[int]:
    return [one.id for one in folders]


def test_siblings_change_places_and_take_along_what_is_inside() -> None:
    assert ids(arranged(FOLDERS, [])) == [1, 2, 3, 4, 5, 6, 7]
    up = moved(FOLDERS, [], FolderId(6), FolderId(2))
    assert up is not None and ids(arranged(FOLDERS, up)) == [1, 6, 2, 3, 4, 5, 7]
    down = moved(FOLDERS, up, FolderId(3), FolderId(6))
    assert down is not None and ids(arranged(FOLDERS, down)) == [1, 3, 4, 5, 6, 2, 7]
    inner = moved(FOLDERS, down, FolderId(4), FolderId(5))
    assert inner is not None and ids(arranged(FOLDERS, inner)) == [1, 3, 5, 4, 6, 2, 7]
    assert ids(arranged([*FOLDERS, folder(8, "New")], inner)) == [1, 3, 5, 4, 6, 2, 8, 7]  # it comes last


def test_no_folder_leaves_its_parent_or_account() -> None:
    assert moved(FOLDERS, [], FolderId(4), FolderId(6)) is None
    assert moved(FOLDERS, [], FolderId(6), FolderId(7)) is None
    assert moved(FOLDERS, [], FolderId(6), FolderId(6)) is None


def test_the_order_is_kept() -> None:
    looks, again = Looks(), Looks()
    looks.order = [3, 1]
    again.read(looks.text())
    assert again.order == [3, 1]
    again.read('{"order":"nonsense"}')
    assert again.order == []


def names(program: Program, account: int) -> list[str]:
    found = [one for one in program.desk.sidebar.model.entries if one.account == account and one.place is not None]
    return [one.text for one in found]


def test_a_folder_is_dragged(program: Program, mail: Mail) -> None:
    desk, view = program.desk, program.desk.sidebar.folders
    what, where = mail.folders["Receipts"], mail.folders["Projects"]
    account = desk.folders[what].account_id
    before = names(program, account)
    model = desk.sidebar.model
    index = model.index(model.row_of(Place(folder=what)))
    assert index.flags() & Qt.ItemFlag.ItemIsDragEnabled
    data: QMimeData = model.mimeData([index])
    assert data.hasFormat(FOLDER_ID)
    spot = QPointF(view.visualRect(model.index(model.row_of(Place(folder=where)))).center())
    view.dropEvent(
        QDropEvent(spot, Qt.DropAction.MoveAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    )
    after = names(program, account)
    assert after != before and sorted(after) == sorted(before)
    assert after.index("Receipts") == before.index("Projects") and after.index("Museum") == after.index("Projects") + 1
    entry = next(one for one in model.entries if one.place == Place(folder=what))
    menu = folder_menu(desk, entry)
    assert menu is not None
    next(one for one in menu.actions() if one.text() == "Move down").trigger()
    assert names(program, account) == before
