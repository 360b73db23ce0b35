"""The ledger of disappearances (table ``removal``), as it is read and written.

Rules of the file: as ``read.py`` and ``write.py``.  An entry is never deleted, since the index reads it to forget the
message; when its bytes are given up after 30 days it is marked as purged.
"""

import json
from collections.abc import Sequence
from typing import Any

from mua.model.account import AccountId
from mua.model.ledger import KEEP_GONE_SECONDS, REASONS, Claim, Removal
from mua.model.message import Flag, MessageId
from mua.store.db import Db, Tx
from mua.store.read import addresses_from_json

_COLUMNS = (
    "seq, id, account_id, folder, uid, message_id, sender, subject, at, claim, reason, has_body AND NOT purged,"
    " restored_as"
)


def entries(db: Db, account_id: AccountId | None = None, limit: int = 100) -> list[Removal]:
    """The newest entries, of one account or of all that there are, newest first."""
    sql = (
        f"SELECT {_COLUMNS} FROM removal WHERE account_id IN (SELECT id FROM account)"
        " AND (?1 IS NULL OR account_id = ?1) ORDER BY seq DESC LIMIT ?2"
    )
    return [_removal(db, row) for row in db.rows(sql, account_id, limit)]


def entry(db: Db, number: int) -> Removal | None:
    """One entry, or None."""
    row = db.row(f"SELECT {_COLUMNS} FROM removal WHERE seq = ?", number)
    return None if row is None else _removal(db, row)


def as_it_was(db: Db, number: int) -> tuple[int, Flag, tuple[str, ...]]:
    """(received, flags, keywords) of a message that disappeared."""
    row = db.row("SELECT internaldate, at, flags, keywords FROM removal WHERE seq = ?", number) or (0, 0, 0, "")
    return row[0] or row[1], Flag(row[2]), tuple(row[3].split())


def record(tx: Tx, ids: Sequence[int], claim: Claim, now: int) -> None:
    """Note that these rows are about to disappear."""
    sql = (
        "INSERT INTO removal(id, account_id, folder, uid, message_id, subject, at, reason, claim, sender, flags,"
        " keywords, internaldate, size, has_body, object_id)"
        " SELECT m.id, m.account_id, f.name, m.uid, m.message_id, m.subject, ?1, ?2, ?3, m.sender, m.flags,"
        " m.keywords, m.internaldate, m.size, m.has_body > 0, m.object_id FROM message m"
        " JOIN folder f ON f.id = m.folder_id WHERE m.id = ?4"
    )
    for one in ids:
        tx.run(sql, now, REASONS[claim], claim, one)


def set_restored(tx: Tx, number: int, message_id: MessageId) -> None:
    """This entry's message is back; what POP3 fetched it as is that message again."""
    tx.run("UPDATE removal SET restored_as = ? WHERE seq = ?", message_id, number)
    tx.run(
        "UPDATE uidl SET message_id = ? WHERE message_id = (SELECT id FROM removal WHERE seq = ?)", message_id, number
    )


def forget_account(tx: Tx, account_id: AccountId) -> None:
    """The account is removed: nothing of its mail is kept, and its entries name nothing any more."""
    sql = "UPDATE removal SET purged = 1, subject = '', sender = '[]', message_id = '' WHERE account_id = ?"
    tx.run(sql, account_id)


def purgeable(tx: Tx, now: int) -> list[int]:
    """Ids of messages gone for more than 30 days, now marked as purged; the caller deletes their bytes."""
    sql = "UPDATE removal SET purged = 1 WHERE purged = 0 AND at < ? RETURNING id"
    gone = [row[0] for row in tx.rows(sql, now - KEEP_GONE_SECONDS)]
    return [one for one in gone if tx.value("SELECT 1 FROM message WHERE id = ?", one) is None]


def unnamed(tx: Tx, ids: Sequence[int]) -> list[int]:
    """Those of ``ids`` that are neither a message nor one whose bytes are still kept."""
    sql = (
        "SELECT value FROM json_each(?) WHERE value NOT IN (SELECT id FROM message)"
        " AND value NOT IN (SELECT id FROM removal WHERE purged = 0)"
    )
    return [int(row[0]) for row in tx.rows(sql, json.dumps(list(ids)))]


def _removal(db: Db, row: tuple[Any, ...]) -> Removal:
    return Removal(
        entry=row[0],
        id=row[1],
        account_id=AccountId(row[2]),
        folder=row[3],
        uid=row[4],
        message_id=row[5],
        sender=addresses_from_json(row[6]),
        subject=row[7],
        at=row[8],
        claim=row[9],
        reason=row[10],
        restorable_until=row[8] + KEEP_GONE_SECONDS if row[11] else 0,
        restored_as=row[12],
        now_in=_now_in(db, AccountId(row[2]), row[5]),
    )


def _now_in(db: Db, account_id: AccountId, message_id: str) -> tuple[str, ...]:
    sql = (
        "SELECT DISTINCT f.name FROM message m JOIN folder f ON f.id = m.shown_folder"
        " WHERE m.message_id = ?1 AND m.message_id <> '' AND m.account_id = ?2 ORDER BY 1 LIMIT 20"
    )
    return tuple(row[0] for row in db.rows(sql, message_id, account_id))
