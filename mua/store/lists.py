"""Of which messages' lists a person said that they want no more."""

from mua.model.message import MessageId
from mua.store.db import Db, Tx


def unsubscribed_at(db: Db, message_id: MessageId) -> int:
    """When the list of a message was told so (UTC seconds; 0: never)."""
    return int(db.value("SELECT at FROM unsubscribed WHERE message_id = ?", message_id) or 0)


def claim(tx: Tx, message_id: MessageId, now: int) -> bool:
    """It is told so now; False: it was told before, or is being told."""
    sql = "INSERT OR IGNORE INTO unsubscribed(message_id, at) SELECT id, ? FROM message WHERE id = ? RETURNING 1"
    return tx.value(sql, now, message_id) is not None


def withdraw(tx: Tx, message_id: MessageId) -> None:
    """It did not take it."""
    tx.run("DELETE FROM unsubscribed WHERE message_id = ?", message_id)
