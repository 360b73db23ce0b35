"""Messages that are put aside until a time (snoozed), and those that stay in sight (pinned, or back from there).

Rules of the file: a snoozed message lies in its account's folder for that; one that leaves it by whatever way is not
snoozed any more (a trigger sees to that).  One that came back is in sight until it is read.
"""

from collections.abc import Sequence

from mua.model.account import AccountId
from mua.model.folder import FolderId, Role
from mua.model.message import Flag, MessageId
from mua.store import read, write
from mua.store.db import Db, Tx


def snooze(tx: Tx, ids: Sequence[MessageId], until: int, now: int) -> None:
    """Remember until when, and where each returns to; before it is moved.  What is snoozed already keeps its place."""
    tx.run_many(
        "INSERT INTO snooze(message_id, until, folder_id, at) SELECT id, ?2, shown_folder, ?3 FROM message"
        " WHERE id = ?1 AND shown_folder IS NOT NULL"
        " ON CONFLICT DO UPDATE SET until = excluded.until, at = excluded.at",
        [(one, until, now) for one in ids],
    )
    tx.changes.messages.update(ids)


def next_return(db: Db) -> int | None:
    """When the next message returns (UTC seconds); None: none does."""
    found = db.value("SELECT min(until) FROM snooze")
    return None if found is None else int(found)


def due(db: Db, now: int) -> list[tuple[MessageId, AccountId, FolderId | None]]:
    """The messages that return now: (message, its account, where to; None: to the inbox)."""
    sql = (
        "SELECT s.message_id, m.account_id, f.id FROM snooze s CROSS JOIN message m ON m.id = s.message_id"
        " LEFT JOIN folder f ON f.id = s.folder_id AND f.wished_gone = 0 AND f.role <> 'snoozed'"
        " WHERE s.until <= ? ORDER BY s.until"
    )
    return [(MessageId(row[0]), AccountId(row[1]), row[2]) for row in db.rows(sql, now)]


def come_back(tx: Tx, found: Sequence[tuple[MessageId, AccountId, FolderId | None]], now: int) -> list[MessageId]:
    """These return: unread, and in sight until they are read.  Returns those that had a place to return to."""
    back: list[MessageId] = []
    for one, account_id, folder_id in found:
        inbox = read.folder_with_role(tx, account_id, Role.INBOX)
        target = folder_id or (inbox.id if inbox is not None else None)
        if target is None:
            continue
        tx.run("DELETE FROM snooze WHERE message_id = ?", one)
        write.wish_flags(tx, [one], Flag(0), Flag.SEEN, now)
        write.wish_move(tx, [one], target, now)
        tx.run("INSERT OR REPLACE INTO pin(message_id, at, returned) VALUES (?, ?, 1)", one, now)
        back.append(one)
    return back


def pin(tx: Tx, ids: Sequence[MessageId], pinned: bool, now: int) -> None:
    """Keep these in sight above their lists, or do not any more."""
    if pinned:
        sql = "INSERT OR REPLACE INTO pin(message_id, at, returned) VALUES (?, ?, 0)"
        tx.run_many(sql, [(one, now) for one in ids])
    else:
        tx.run_many("DELETE FROM pin WHERE message_id = ?", [(one,) for one in ids])
    tx.changes.messages.update(ids)
