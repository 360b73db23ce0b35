"""What a retrieval worker asks of cache.db and records in it: the store as a mirror of one account's server.

Rules of the file: as ``read.py`` and ``write.py``; a function that changes takes a ``Tx``.  A removal names folder
*and* UID, and is carried out only for rows that are still there: another thread may have moved them meanwhile.
"""

import json
from collections.abc import Iterable, Sequence

from mua.model.account import AccountId, Side
from mua.model.folder import FolderId, FolderState
from mua.model.ledger import Claim
from mua.model.message import SEQUENCE_BITS, Flag, MessageId
from mua.plan.replay import Wish
from mua.plan.sync import Identity
from mua.store import write
from mua.store.db import Db, Tx
from mua.store.schema import WISHED


def wishes(db: Db, account_id: AccountId) -> list[Wish]:
    """Every wish of an account that a server has to fulfil."""
    rows = db.rows(
        "SELECT id, folder_id, uid, flags, want_set, want_clear, want_folder_id, want_gone, want_append,"
        f" want_keywords FROM message WHERE account_id = ? AND ({WISHED}) ORDER BY id",
        account_id,
    )
    return [
        Wish(
            MessageId(row[0]),
            FolderId(row[1]),
            row[2],
            Flag(row[3]),
            Flag(row[4]),
            Flag(row[5]),
            None if row[6] is None else FolderId(row[6]),
            bool(row[7]),
            bool(row[8]),
            row[9],
        )
        for row in rows
    ]


def mechanism(db: Db, account_id: AccountId, side: Side) -> str:
    """By which mechanism this side's server let us in last; empty: not known, or a person allowed any."""
    column = "in_mechanism" if side is Side.INCOMING else "out_mechanism"
    return str(db.value(f"SELECT {column} FROM account WHERE id = ?", account_id) or "")


def folders_to_create(db: Db, account_id: AccountId) -> list[FolderId]:
    """Folders that were made here and have to be made on the server."""
    wanted = "want_create <> 0 AND local = 0 AND wished_gone = 0"
    sql = f"SELECT id FROM folder WHERE account_id = ? AND {wanted} ORDER BY name"
    return [FolderId(row[0]) for row in db.rows(sql, account_id)]


def waiting_for_list(db: Db, account_id: AccountId) -> frozenset[FolderId]:
    """Those of them that were made because no folder had their role, as far as was known."""
    sql = "SELECT id FROM folder WHERE account_id = ? AND want_create <> 0 AND local = 0 AND role <> ''"
    return frozenset(FolderId(row[0]) for row in db.rows(sql, account_id))


def give_way(tx: Tx, folder_id: FolderId) -> None:
    """If the server has a folder with the role of this one, which was to be made, that one takes its place."""
    sql = (
        "SELECT s.id FROM folder s JOIN folder o ON o.id = ? AND s.account_id = o.account_id AND s.role = o.role"
        " WHERE s.want_create = 0 AND s.local = 0 AND s.id <> o.id"
    )
    theirs = tx.value(sql, folder_id)
    if theirs is None:
        return
    tx.changes.folders.update({folder_id, theirs})
    sql = "UPDATE message SET want_folder_id = nullif(?1, folder_id) WHERE want_folder_id = ?2 RETURNING id"
    tx.changes.messages.update(row[0] for row in tx.rows(sql, theirs, folder_id))
    sql = "UPDATE message SET folder_id = ?1 WHERE folder_id = ?2 RETURNING id"
    tx.changes.messages.update(row[0] for row in tx.rows(sql, theirs, folder_id))
    tx.run("UPDATE history_item SET folder_id = ?1 WHERE folder_id = ?2", theirs, folder_id)
    tx.run("DELETE FROM folder WHERE id = ?", folder_id)


def folder_created(tx: Tx, folder_id: FolderId) -> None:
    """The server has this folder now."""
    tx.run("UPDATE folder SET want_create = 0, problem = '' WHERE id = ?", folder_id)
    tx.changes.folders.add(folder_id)


def left_server(tx: Tx, folder_id: FolderId, count: int) -> None:
    """By our doing so many messages fewer are in this folder on the server."""
    tx.run("UPDATE folder SET on_server = max(on_server - ?, 0) WHERE id = ?", count, folder_id)
    tx.changes.folders.add(folder_id)


def uids(db: Db, folder_id: FolderId, low: int = 1) -> set[int]:
    """The UIDs of a folder that are here, from ``low`` up."""
    return {row[0] for row in db.rows("SELECT uid FROM message WHERE folder_id = ? AND uid >= ?", folder_id, low)}


def ids_of(db: Db, folder_id: FolderId, uids: Sequence[int]) -> dict[int, MessageId]:
    """UID -> id of those that are here."""
    wanted = set(uids)
    low = min(wanted, default=0)
    found = db.rows("SELECT uid, id FROM message WHERE folder_id = ? AND uid >= ?", folder_id, low)
    return {row[0]: MessageId(row[1]) for row in found if row[0] in wanted}


def fetched_after_all(tx: Tx, folder_id: FolderId, uids: Sequence[int]) -> None:
    """These messages, which the policy had left on the server, have rows now."""
    sql = (
        "UPDATE folder SET left_there = max(0, left_there - (SELECT count(*) FROM json_each(?1) WHERE value < uidnext))"
        " WHERE id = ?2"
    )
    tx.run(sql, json.dumps(list(uids)), folder_id)
    tx.changes.folders.add(folder_id)


def stored(db: Db, folder_id: FolderId) -> int:
    """How many messages of a folder are here (those whose UID is known)."""
    return int(db.value("SELECT count(*) FROM message WHERE folder_id = ? AND uid IS NOT NULL", folder_id))


def identities(db: Db, folder_id: FolderId) -> list[Identity]:
    """Every message of a folder that the server has or had, as it can be recognised."""
    sql = (
        "SELECT id, message_id, size, internaldate, subject FROM message"
        " WHERE folder_id = ? AND want_append = 0 ORDER BY id"
    )
    return [Identity(*row) for row in db.rows(sql, folder_id)]


def without_uid(db: Db, folder_id: FolderId) -> list[Identity]:
    """Messages that the server has here under a UID that it did not tell."""
    sql = (
        "SELECT id, message_id, size, internaldate, subject FROM message"
        " WHERE folder_id = ? AND uid IS NULL AND want_append = 0 ORDER BY id"
    )
    return [Identity(*row) for row in db.rows(sql, folder_id)]


def twins(db: Db, folder_id: FolderId, ours: Sequence[Identity]) -> list[Identity]:
    """Messages of a folder with a known UID (the key) that may be one of ``ours``."""
    found: list[Identity] = []
    for one in ours:
        sql = (
            "SELECT uid, message_id, size, internaldate, subject FROM message"
            " WHERE folder_id = ?1 AND uid IS NOT NULL AND want_gone = 0 AND message_id = ?2"
            " AND (?2 <> '' OR size = ?3)"
        )
        found += [Identity(*row) for row in db.rows(sql, folder_id, one.message_id, one.size)]
    return list({one.key: one for one in found}.values())


def reset_uids(tx: Tx, folder_id: FolderId, matched: dict[int, int], state: FolderState, now: int) -> list[MessageId]:
    """UIDVALIDITY changed: the matched rows get their new UIDs, the others go into the ledger; returns those."""
    tx.run("UPDATE message SET uid = NULL WHERE folder_id = ?", folder_id)
    # An upload or a copy that was begun is looked for in the whole folder: the UIDNEXT noted means nothing any more.
    tx.run("UPDATE message SET want_append = 2 WHERE folder_id = ? AND want_append > 2", folder_id)
    tx.run("UPDATE copying SET low = 1 WHERE folder_id = ?", folder_id)
    for one, uid in matched.items():
        write.set_uid(tx, MessageId(one), uid)
    lost = [MessageId(one.key) for one in without_uid(tx, folder_id)]
    write.remove_messages(tx, lost, Claim.RENUMBERED, now)
    write.set_folder_state(tx, folder_id, state)
    return lost


def remove_uids(tx: Tx, folder_id: FolderId, gone: Iterable[int], claim: Claim, now: int) -> int:
    """The server confirmed that these are gone; rows that moved elsewhere meanwhile stay.  Returns how many went."""
    sql = "SELECT id FROM message WHERE folder_id = ? AND uid = ?"
    found = [tx.value(sql, folder_id, uid) for uid in gone]
    ids = [MessageId(one) for one in found if one is not None]
    write.remove_messages(tx, ids, claim, now)
    return len(ids)


def append_started(tx: Tx, message_id: MessageId, uidnext: int) -> None:
    """An APPEND is about to begin, when the folder's UIDNEXT is at least ``uidnext``.

    Whoever finds the mark looks for the message among the UIDs from there up before beginning again.
    """
    tx.run("UPDATE message SET want_append = ? WHERE id = ? AND want_append <> 0", uidnext + 1, message_id)


def copy_started(tx: Tx, message_ids: Iterable[MessageId], folder_id: FolderId, uidnext: int) -> None:
    """A COPY into a folder is about to begin, when its UIDNEXT is at least ``uidnext``."""
    rows = [(one, folder_id, uidnext) for one in message_ids]
    tx.run_many("INSERT OR REPLACE INTO copying(message_id, folder_id, low) VALUES (?,?,?)", rows)


def copies_begun(db: Db, message_ids: Sequence[int], folder_id: FolderId) -> tuple[int, list[Identity]]:
    """(from which UID up, which of these messages) an earlier attempt may have copied into the folder."""
    sql = (
        "SELECT m.id, m.message_id, m.size, m.internaldate, m.subject, c.low FROM copying c"
        f" JOIN message m ON m.id = c.message_id WHERE c.folder_id = {int(folder_id)} AND m.id IN"
    )
    found = db.rows_of(sql, message_ids)
    return min((row[5] for row in found), default=1), [Identity(*row[:5]) for row in found]


def append_facts(db: Db, message_id: MessageId) -> tuple[int, str, int, Flag, tuple[str, ...]] | None:
    """(UIDNEXT when an attempt began, else 0; Message-ID, internal date, flags, keywords) of a message to upload."""
    sql = (
        "SELECT want_append, message_id, internaldate, shown_flags, shown_keywords FROM message"
        " WHERE id = ? AND uid IS NULL"
    )
    row = db.row(sql, message_id)
    if row is None or not row[0]:
        return None
    return row[0] - 1, row[1], row[2], Flag(row[3]), tuple(row[4].split())


def wanted_bodies(db: Db, account_id: AccountId) -> list[tuple[MessageId, FolderId, int, int]]:
    """(id, folder, UID, octets) of the bodies that a person waits for."""
    sql = (
        "SELECT id, folder_id, uid, size FROM message WHERE account_id = ? AND want_body <> 0 AND has_body = 0"
        " AND uid IS NOT NULL ORDER BY id DESC LIMIT 50"
    )
    return [(MessageId(row[0]), FolderId(row[1]), row[2], row[3]) for row in db.rows(sql, account_id)]


def bodiless(
    db: Db, account_id: AccountId, folder_id: FolderId, below: int, limit: int, since: int = 0
) -> list[tuple[int, int, int]]:
    """(id, UID, octets) of messages without a body, received ``since`` then, newest first, with ids under ``below``."""
    sql = (
        "SELECT id, uid, size FROM message WHERE account_id = ? AND folder_id = ? AND has_body = 0 AND id < ?"
        " AND id >= ? AND uid IS NOT NULL ORDER BY id DESC LIMIT ?"
    )
    lowest = since << SEQUENCE_BITS
    return [(row[0], row[1], row[2]) for row in db.rows(sql, account_id, folder_id, below, lowest, limit)]


def copies_here(db: Db, message_ids: Sequence[int]) -> dict[int, list[int]]:
    """Id -> other copies of the same message whose bytes are here: one that is shown, one that disappeared lately.

    The server says that they are the same (``object_id``), and their sizes do not contradict it.  Every copy is looked
    at once, however many of these messages are said to be the same.
    """
    sql = "SELECT id, account_id, object_id, size FROM message WHERE object_id <> '' AND id IN"
    waiting = db.rows_of(sql, message_ids)
    named: dict[int, set[str]] = {}
    for _, account_id, object_id, _ in waiting:
        named.setdefault(account_id, set()).add(object_id)
    found: dict[int, list[int]] = {}
    for table, kept in (("message", ""), ("removal", " AND purged = 0")):
        newest = (
            f"SELECT object_id, size, max(id) FROM {table} WHERE account_id = ? AND has_body > 0{kept}"
            " AND object_id <> '' AND object_id IN (SELECT value FROM json_each(?)) GROUP BY object_id, size"
        )
        here = {
            (account_id, object_id, size): copy
            for account_id, names in named.items()
            for object_id, size, copy in db.rows(newest, account_id, json.dumps(sorted(names)))
        }
        for one, *same in waiting:
            copy = here.get(tuple(same))
            if copy is not None and copy != one:
                found.setdefault(one, []).append(copy)
    return found


def still_bodiless(db: Db, message_ids: Sequence[int]) -> set[int]:
    """Those of these messages that are still there and have no body."""
    return {row[0] for row in db.rows_of("SELECT id FROM message WHERE has_body = 0 AND id IN", message_ids)}


def lacks_bodies(db: Db, account_id: AccountId) -> bool:
    """Whether there may be a message whose bytes are only on the server and should be here."""
    sql = (
        "SELECT EXISTS(SELECT 1 FROM folder f JOIN account a ON a.id = f.account_id"
        " WHERE a.id = ? AND coalesce(nullif(f.policy, ''), a.policy) <> 'headers' AND EXISTS("
        "SELECT 1 FROM message m WHERE m.account_id = a.id AND m.folder_id = f.id AND m.has_body = 0"
        " AND m.uid IS NOT NULL))"
    )
    return bool(db.value(sql, account_id))


def body_wanted(db: Db, message_id: MessageId) -> bool:
    """Whether a person still waits for this body."""
    return bool(db.value("SELECT want_body FROM message WHERE id = ? AND has_body = 0", message_id))


def body_refused(tx: Tx, message_id: MessageId, problem: str) -> None:
    """This body cannot be had, and the row says why; nobody waits for it any more."""
    sql = "UPDATE message SET want_body = 0, problem = ? WHERE id = ? AND has_body = 0"
    if tx.run(sql, problem, message_id):
        tx.changes.messages.add(message_id)


def body_counts(db: Db, account_id: AccountId) -> tuple[int, int]:
    """(messages with body, messages) of an account, from the counters of the folders whose bodies are fetched."""
    sql = (
        "SELECT sum(f.with_body), sum(f.total) FROM folder f JOIN account a ON a.id = f.account_id"
        " WHERE a.id = ? AND coalesce(nullif(f.policy, ''), a.policy) <> 'headers'"
    )
    row = db.row(sql, account_id) or (0, 0)
    return int(row[0] or 0), int(row[1] or 0)


def positions(db: Db, message_ids: Sequence[int]) -> dict[int, tuple[int, int | None]]:
    """Where these rows are now: id -> (folder id, UID); those that are gone are left out."""
    found = db.rows_of("SELECT id, folder_id, uid FROM message WHERE id IN", message_ids)
    return {row[0]: (row[1], row[2]) for row in found}
