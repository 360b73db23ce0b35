"""What a person did, so that it can be taken back: how each message was shown before the act."""

import json
from collections.abc import Sequence

from mua.model import tag
from mua.model.folder import FolderId
from mua.model.message import Flag, MessageId
from mua.store import folder_wishes, tags, write
from mua.store.db import Tx


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
) -> int:
    """Note how these messages are shown, for undo, before an act on these flags, folders or keywords (``tags``: the
    wish), or on ``folders`` themselves (``folder_wishes.remembered``); returns the history id.
    """
    told = json.dumps(list(folders)) if folders else ""
    history_id = tx.insert("INSERT INTO history(at, label, folders) VALUES (?, ?, ?)", now, label, told)
    for one in ids:
        tx.run(
            "INSERT INTO history_item(history_id, message_id, folder_id, flags, changed, moved)"
            " SELECT ?, id, shown_folder, shown_flags, ?, ? FROM message WHERE id = ? AND shown_folder IS NOT NULL",
            history_id,
            int(changed),
            moved,
            one,
        )
    if moved:
        sql = (
            "UPDATE history_item SET snoozed_until = s.until, snoozed_from = s.folder_id FROM snooze s"
            " WHERE history_id = ? AND s.message_id = history_item.message_id"
        )
        tx.run(sql, history_id)
    if tags:
        found = tx.rows_of("SELECT id, shown_keywords FROM message WHERE id IN", ids)
        sql = "UPDATE history_item SET keywords = ? WHERE history_id = ? AND message_id = ?"
        tx.run_many(sql, [(tag.reverse(shown.split(), tags), history_id, one) for one, shown in found])
    return history_id


def undo(tx: Tx, history_id: int | None, now: int) -> tuple[int, str, list[MessageId], set[int]] | None:
    """Take back an act (the latest when None), or None when there is nothing: (history id, label, messages, accounts
    whose folders it was about).
    """
    sql = "SELECT id, label, folders FROM history WHERE undone = 0 AND (?1 IS NULL OR id = ?1) ORDER BY id DESC LIMIT 1"
    found = tx.row(sql, history_id)
    if found is None:
        return None
    tx.run("UPDATE history SET undone = 1 WHERE id = ?", found[0])
    accounts = folder_wishes.take_back(tx, found[2])
    sql = "SELECT message_id, folder_id, flags, changed, moved, keywords FROM history_item WHERE history_id = ?"
    items = tx.rows(sql, found[0])
    for message_id, folder_id, flags, changed, moved, keywords in items:
        one = MessageId(message_id)
        if changed:
            write.wish_flags(tx, [one], Flag(flags & changed), Flag(~flags & changed), now)
        if moved:
            write.wish_move(tx, [one], FolderId(folder_id), now)
        if keywords:
            tags.wish(tx, [one], keywords, now)
    sql = (
        "INSERT OR REPLACE INTO snooze(message_id, until, folder_id, at)"
        " SELECT message_id, snoozed_until, snoozed_from, ? FROM history_item"
        " WHERE history_id = ? AND snoozed_until > 0 AND message_id IN (SELECT id FROM message)"
    )
    tx.run(sql, now, found[0])
    return found[0], found[1], [MessageId(item[0]) for item in items], accounts
