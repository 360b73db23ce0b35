"""What is read of messages that are put aside, and of those that stay in sight (``store.aside`` changes them)."""

from collections.abc import Sequence

from mua.model.folder import FolderId
from mua.model.message import MessageId
from mua.store import read
from mua.store.db import Db
from mua.store.read import Chosen, Saved

MOST = 50  # messages of one list that are kept in sight


def in_sight(db: Db, place: FolderId | Saved, chosen: Chosen) -> list[tuple[MessageId, bool]]:
    """(message, it came back) of what is kept in sight above a list: first what came back, the latest first."""
    where, key = read.listed(place, chosen)
    sql = (
        f"SELECT p.message_id, p.returned FROM pin p CROSS JOIN message ON message.id = p.message_id WHERE {where}"
        " ORDER BY p.returned DESC, p.at DESC LIMIT ?"
    )
    return [(MessageId(row[0]), bool(row[1])) for row in db.rows(sql, *key, MOST)]


def until(db: Db, ids: Sequence[int]) -> dict[int, int]:
    """Until when these are snoozed (UTC seconds)."""
    return dict(db.rows_of("SELECT message_id, until FROM snooze WHERE message_id IN", ids))


def pinned(db: Db, ids: Sequence[int]) -> set[int]:
    """Which of these a person pinned."""
    return {row[0] for row in db.rows_of("SELECT message_id FROM pin WHERE returned = 0 AND message_id IN", ids)}
