"""The lines of the sidebar, as data."""

from gui_mail import Mail

from mua.gui.app import Program
from mua.gui.folder_menu import folder_menu
from mua.gui.looks import Looks
from mua.gui.places import Place
from mua.gui.sidebar import entries
from mua.model.account import Account, AccountId
from mua.model.folder import Folder, FolderId, Role, Space


def test_folders_of_others_are_below_ours_under_their_owners() -> None:
    account = Account(AccountId(1), "home", "me@example.org")
    given = [
        ("user/dave", "/", Role.NONE, Space.OTHERS, "user/"),
        ("user/carol/Plans/2026", "/", Role.NONE, Space.OTHERS, "user/"),
        ("Public/Lists", "/", Role.NONE, Space.SHARED, "Public/"),
        ("INBOX", "/", Role.INBOX, Space.OWN, ""),
        ("user/carol/Plans", "/", Role.NONE, Space.OTHERS, "user/"),
        ("Work", "/", Role.NONE, Space.OWN, ""),
    ]
    folders = [
        Folder(FolderId(number), account.id, name, delimiter, role, space=space, prefix=prefix)
        for number, (name, delimiter, role, space, prefix) in enumerate(given, 1)
    ]
    folders[-1:-1] = [
        Folder(FolderId(9), account.id, "user", "/", selectable=False, space=Space.OTHERS, prefix="user/")
    ]
    lines = entries([account], folders, {})
    mine = lines[[one.text for one in lines].index("home") + 1 :]
    assert [(one.text, one.indent, one.heading) for one in mine] == [
        ("Inbox", 0, False),
        ("Work", 0, False),
        ("Shared by carol", 0, True),
        ("2026", 1, False),
        ("Plans", 0, False),
        ("Shared by dave", 0, True),
        ("INBOX", 0, False),
        ("Shared: Public", 0, True),
        ("Lists", 0, False),
    ]
    assert not [one for one in entries([account], folders, {}, frozenset({1})) if "Shared" in one.text]


def test_folders_are_hidden_and_come_back(program: Program, mail: Mail) -> None:
    desk, side = program.desk, program.window.sidebar
    work, home = mail.folders["Projects"], desk.accounts[0]
    places = [entry.place for entry in side.model.entries]
    entry = side.model.entries[side.model.row_of(Place(folder=work))]
    menu = folder_menu(desk, entry)
    assert menu is not None
    next(one for one in menu.actions() if one.text() == "Hide in the sidebar").trigger()
    assert side.model.row_of(Place(folder=work)) < 0
    again = Looks()
    again.read(str(program.state.value("looks")))
    assert again.hidden == {work}
    heading = next(one for one in side.model.entries if one.heading and one.account == home.id)
    menu = folder_menu(desk, heading)
    assert menu is not None
    next(one for one in menu.actions() if one.text() == "Show 1 hidden folder").trigger()
    assert [one.place for one in side.model.entries] == places
    inbox = folder_menu(desk, side.model.entries[side.model.row_of(Place(folder=mail.folders["INBOX"]))])
    assert inbox is not None
    assert "Hide in the sidebar" not in [one.text() for one in inbox.actions()]
