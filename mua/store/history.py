"""What a person did, so that it can be taken back: how each message was shown before the act."""

import json
from collections import defaultdict
from collections.abc import Sequence

from mua.model import tag
from mua.model.folder import FolderId
from mua.model.message import Flag, MessageId
from mua.store import folder_wishes, tags, write
from mua.store.db import Db, Tx


def remember(
    tx: Tx,
    ids: Sequence[MessageId],
    label: str,
    changed: Flag,
    now: int,
    *,
    moved: bool = False,
    tags: str = "",
    folders: Sequence[dict[str, object]] = (),
    into: int | None = None,
) -> int:
    """Note how these messages are shown, for undo, before an act on these flags, folders or keywords (``tags``: the
    wish), or on ``folders`` themselves (``folder_wishes.remembered``); returns the history id.
    ``into``: it is a part of that act.
    """
    told = json.dumps(list(folders)) if folders else ""
    sql = "INSERT INTO history(at, label, folders) VALUES (?, ?, ?)"
    history_id = tx.insert(sql, now, label, told) if into is None else into
    these = json.dumps(list(ids))
    tx.run(
        "INSERT INTO history_item(history_id, message_id, folder_id, flags, changed, moved)"
        " SELECT ?, id, shown_folder, shown_flags, ?, ? FROM message"
        " WHERE id IN (SELECT value FROM json_each(?)) AND shown_folder IS NOT NULL",
        history_id, int(changed), moved, these,
    )  # fmt: skip
    if moved:
        sql = (
            "UPDATE history_item SET snoozed_until = s.until, snoozed_from = s.folder_id FROM snooze s"
            " WHERE history_id = ? AND s.message_id = history_item.message_id"
            " AND history_item.message_id IN (SELECT value FROM json_each(?))"
        )
        tx.run(sql, history_id, these)
    if tags:
        found = tx.rows_of("SELECT id, shown_keywords FROM message WHERE id IN", ids)
        sql = "UPDATE history_item SET keywords = ? WHERE history_id = ? AND message_id = ?"
        tx.run_many(sql, [(tag.reverse(shown.split(), tags), history_id, one) for one, shown in found])
    return history_id


def undo(tx: Tx, history_id: int | None, now: int) -> tuple[int, str, list[MessageId], set[int]] | None:
    """Take back an act (the latest when None), or None when there is nothing: (history id, label, messages, accounts
    whose folders it was about).
    """
    found = latest(tx, history_id)
    if found is None:
        return None
    number, label = found
    accounts = begin_undo(tx, number)
    ids = messages(tx, number)
    take_back(tx, number, ids, now)
    return number, label, ids, accounts


def latest(db: Db, history_id: int | None) -> tuple[int, str] | None:
    """(history id, label) of the act that would be taken back: the latest, or this one; None: there is none."""
    sql = "SELECT id, label FROM history WHERE undone = 0 AND (?1 IS NULL OR id = ?1) ORDER BY id DESC LIMIT 1"
    row = db.row(sql, history_id)
    return None if row is None else (int(row[0]), str(row[1]))


def messages(db: Db, history_id: int) -> list[MessageId]:
    """The messages of an act."""
    sql = "SELECT message_id FROM history_item WHERE history_id = ? ORDER BY message_id"
    return [MessageId(row[0]) for row in db.rows(sql, history_id)]


def rename(tx: Tx, history_id: int, label: str) -> None:
    """What an act is called."""
    tx.run("UPDATE history SET label = ? WHERE id = ?", label, history_id)


def begin_undo(tx: Tx, history_id: int) -> set[int]:
    """The act counts as taken back, and what it did to folders is; returns the accounts of those."""
    told = tx.value("UPDATE history SET undone = 1 WHERE id = ? RETURNING folders", history_id)
    return folder_wishes.take_back(tx, told or "")


def take_back(tx: Tx, history_id: int, ids: Sequence[MessageId], now: int) -> None:
    """Wish what was shown of these messages of an act before it."""
    sql = (
        "SELECT message_id, folder_id, flags & changed, changed, moved, keywords FROM history_item"
        " WHERE history_id = ? AND message_id IN (SELECT value FROM json_each(?))"
    )
    flags: dict[tuple[int, int], list[MessageId]] = defaultdict(list)
    places: dict[int, list[MessageId]] = defaultdict(list)
    words: dict[str, list[MessageId]] = defaultdict(list)
    for message_id, folder_id, before, changed, moved, keywords in tx.rows(sql, history_id, json.dumps(list(ids))):
        one = MessageId(message_id)
        if changed:
            flags[before, changed].append(one)
        if moved:
            places[folder_id].append(one)
        if keywords:
            words[keywords].append(one)
    for (before, changed), some in flags.items():
        write.wish_flags(tx, some, Flag(before), Flag(~before & changed), now)
    for folder_id, some in places.items():
        write.wish_move(tx, some, FolderId(folder_id), now)
    for keywords, some in words.items():
        tags.wish(tx, some, keywords, now)
    sql = (
        "INSERT OR REPLACE INTO snooze(message_id, until, folder_id, at)"
        " SELECT message_id, snoozed_until, snoozed_from, ? FROM history_item WHERE history_id = ?"
        " AND snoozed_until > 0 AND message_id IN (SELECT value FROM json_each(?) JOIN message ON message.id = value)"
    )
    tx.run(sql, now, history_id, json.dumps(list(ids)))
