"""The lines of the sidebar, as data."""

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
