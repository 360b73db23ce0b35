"""What a person wants of folders themselves: another name, their end, a subscription.

Rules of the file: ``folder.name`` and ``folder.subscribed`` are what the server last told us, ``wished_*`` the wishes,
and lists show both together; a folder of this computer has no server to wait for, and is changed at once.
"""

import json
from collections.abc import Sequence

from mua.model.account import AccountId
from mua.model.folder import Folder, FolderId, Role
from mua.model.message import MessageId
from mua.plan.replay import FolderWish
from mua.store import read, write
from mua.store.db import Db, Tx


def wished(db: Db, account_id: AccountId) -> list[FolderWish]:
    """The folders of an account of which something is wanted that its server has to do, inner folders first."""
    sql = (
        "SELECT id, name, wished_name, wished_gone, wished_subscribed FROM folder WHERE account_id = ? AND local = 0"
        " AND want_create = 0 AND (wished_name <> '' OR wished_gone <> 0 OR wished_subscribed >= 0)"
        " ORDER BY length(name) DESC, name"
    )
    return [
        FolderWish(FolderId(row[0]), row[1], row[2], bool(row[3]), None if row[4] < 0 else bool(row[4]))
        for row in db.rows(sql, account_id)
    ]


def inside(db: Db, folder: Folder) -> list[Folder]:
    """The folder and those below it, the innermost first."""
    found = read.folders(db, folder.account_id, shown=True)
    start = folder.name + folder.delimiter
    below = [one for one in found if folder.delimiter and one.name.startswith(start)]
    return [*sorted(below, key=lambda one: -len(one.name)), folder]


def wish_name(tx: Tx, folder: Folder, name: str) -> None:
    """The person wants the folder (as it is shown), and so those below it, to have another name."""
    for one in inside(tx, folder):
        wanted = name + one.name[len(folder.name) :]
        sql = (
            "UPDATE folder SET name = iif(local <> 0 OR want_create <> 0, ?1, name),"
            " wished_name = iif(local <> 0 OR want_create <> 0 OR name = ?1, '', ?1), problem = '' WHERE id = ?2"
        )
        tx.run(sql, wanted, one.id)
        tx.changes.folders.add(one.id)


def named(tx: Tx, folder_id: FolderId, old: str, new: str, delimiter: str) -> None:
    """The server calls the folder ``new`` now, and those below it accordingly."""
    account_id = tx.value("SELECT account_id FROM folder WHERE id = ?", folder_id)
    sql = (
        "UPDATE folder SET name = ?1 || substr(name, ?2), wished_name = iif(wished_name = ?1 || substr(name, ?2), '',"
        " wished_name) WHERE account_id = ?3"
        " AND (name = ?4 OR (?5 <> '' AND substr(name, 1, ?6) = ?4 || ?5)) RETURNING id"
    )
    found = tx.rows(sql, new, len(old) + 1, account_id, old, delimiter, len(old) + len(delimiter))
    tx.changes.folders.update(row[0] for row in found)
    write.follow_name(tx, AccountId(account_id), old, new, delimiter)


def wish_gone(tx: Tx, folder_id: FolderId, gone: bool = True) -> None:
    """The person wants the folder, whose messages go elsewhere, deleted; or kept after all."""
    tx.run("UPDATE folder SET wished_gone = ?, problem = '' WHERE id = ?", gone, folder_id)
    tx.changes.folders.add(folder_id)


def wish_subscribed(tx: Tx, folder_id: FolderId, subscribed: bool) -> None:
    """The person wants it subscribed, or not."""
    sql = (
        "UPDATE folder SET subscribed = iif(local <> 0, ?1, subscribed), problem = '',"
        " wished_subscribed = iif(local <> 0 OR subscribed = ?1, -1, ?1) WHERE id = ?2"
    )
    tx.run(sql, subscribed, folder_id)
    tx.changes.folders.add(folder_id)


def subscribed(tx: Tx, folder_id: FolderId, now: bool) -> None:
    """The server has it so."""
    tx.run("UPDATE folder SET subscribed = ?1, wished_subscribed = -1 WHERE id = ?2", now, folder_id)
    tx.changes.folders.add(folder_id)


def refused(tx: Tx, folder_id: FolderId, problem: str) -> None:
    """The server does not want it: the folder is shown as it is there, with the reason."""
    sql = "UPDATE folder SET wished_name = '', wished_gone = 0, wished_subscribed = -1, problem = ? WHERE id = ?"
    tx.run(sql, problem, folder_id)
    tx.changes.folders.add(folder_id)


def holds(db: Db, folder_id: FolderId) -> bool:
    """Whether a message is in the folder still, as its server has it, or is wanted in it."""
    sql = (
        "SELECT EXISTS(SELECT 1 FROM message WHERE folder_id = ?1)"
        " OR EXISTS(SELECT 1 FROM message WHERE shown_folder = ?1)"
    )
    return bool(db.value(sql, folder_id))


def settle_local(tx: Tx, account_id: AccountId, now: int) -> None:
    """Folders that only this computer has are deleted at once, when they are empty."""
    sql = "SELECT id FROM folder WHERE account_id = ? AND wished_gone <> 0 AND (local <> 0 OR want_create <> 0)"
    for (folder_id,) in tx.rows(sql, account_id):
        if not holds(tx, folder_id):
            write.remove_folder(tx, folder_id, now)


def unread(db: Db, folder_id: FolderId) -> list[MessageId]:
    """The unread messages that the folder shows."""
    sql = "SELECT id FROM message WHERE shown_folder = ? AND shown_flags & 1 = 0"
    return [MessageId(row[0]) for row in db.rows(sql, folder_id)]


# ---- taking it back
def remembered(folder: Folder, **done: object) -> dict[str, object]:
    """A folder as it was, and what was ``done`` to it, for ``history``."""
    return {
        "id": folder.id,
        "account": folder.account_id,
        "name": folder.name,
        "delimiter": folder.delimiter,
        "subscribed": folder.subscribed,
        **done,
    }


def take_back(tx: Tx, text: str) -> set[int]:
    """Undo what ``remembered`` told; returns the accounts concerned."""
    items: Sequence[dict[str, object]] = json.loads(text or "[]")
    for one in items:
        folder_id, account_id = FolderId(int(str(one["id"]))), AccountId(int(str(one["account"])))
        there = read.folder(tx, folder_id, shown=True)
        if "deleted" in one:
            _bring_back(tx, folder_id, account_id, one, there)
        elif there is not None and "renamed" in one:
            wish_name(tx, there, str(one["name"]))
        elif there is not None:
            wish_subscribed(tx, folder_id, bool(one["subscribed"]))
    return {int(str(one["account"])) for one in items}


def _bring_back(
    tx: Tx, folder_id: FolderId, account_id: AccountId, one: dict[str, object], there: Folder | None
) -> None:
    """Keep a folder that was to be deleted; where it is gone already, make it anew, and what was in it goes there."""
    if there is not None:
        wish_gone(tx, folder_id, False)
        return
    incoming = tx.value("SELECT incoming FROM account WHERE id = ?", account_id)
    if incoming is None:
        return
    local = incoming != "imap"
    delimiter = str(one["delimiter"])
    made = write.put_folder(tx, account_id, str(one["name"]), delimiter=delimiter, local=local, create=not local)
    tx.run("UPDATE history_item SET folder_id = ? WHERE folder_id = ?", made, folder_id)


PROTECTED = frozenset(Role) - {Role.NONE}
"""Folders that are for something: without them mail has no place to go."""
