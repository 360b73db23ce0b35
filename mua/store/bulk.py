"""Acts on very many messages, which are carried out part by part: what is left of each, so that a crash loses none."""

import json

from mua.records import dataclass
from mua.store.db import Db, Tx


@dataclass(frozen=True, slots=True)
class Bulk:
    """One act: its entry in the history, the command (a line of the wire; empty: it is being taken back), how far."""

    history_id: int
    command: str
    done: int
    messages: tuple[int, ...]


def begin(tx: Tx, bulk: Bulk) -> None:
    """Remember what is to be done."""
    sql = "INSERT OR REPLACE INTO bulk(history_id, command, messages) VALUES (?, ?, ?)"
    tx.run(sql, bulk.history_id, bulk.command, json.dumps(bulk.messages))
    tx.run("INSERT INTO bulk_done(history_id, done) VALUES (?, ?)", bulk.history_id, bulk.done)


def advance(tx: Tx, history_id: int, done: int) -> None:
    """So many of its messages are done."""
    tx.run("UPDATE bulk_done SET done = ? WHERE history_id = ?", done, history_id)


def end(tx: Tx, history_id: int) -> None:
    """It is done, or the rest is not wanted."""
    tx.run("DELETE FROM bulk WHERE history_id = ?", history_id)


def unfinished(db: Db) -> list[Bulk]:
    """Everything that a crash interrupted, oldest first."""
    rows = db.rows(
        "SELECT b.history_id, b.command, d.done, b.messages FROM bulk b JOIN bulk_done d USING (history_id) ORDER BY 1"
    )
    return [Bulk(row[0], row[1], row[2], tuple(json.loads(row[3]))) for row in rows]
