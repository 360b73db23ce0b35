"""What was learned of junk: how often each word (a number) was in junk and in good mail, and which mail taught it.

Rules of the file: bounded: the rarest words go first; a message teaches once, and what it taught can be taken back.
"""

from collections.abc import Iterable, Sequence

from mua.model.account import AccountId
from mua.model.message import MessageId
from mua.plan.junk import ENOUGH, Learned
from mua.store.db import Db, Tx

MOST_WORDS = 60_000
SETTING = "junk_filter"


def learned(db: Db, words: Iterable[int]) -> Learned:
    """What is known, as far as these words need it."""
    junk, good = counts(db)
    found = db.rows_of("SELECT word, junk, good FROM junk_word WHERE word IN", list(words))
    return Learned(junk, good, {row[0]: (row[1], row[2]) for row in found})


def counts(db: Db) -> tuple[int, int]:
    """(junk, good) messages that were learned."""
    row = db.row("SELECT coalesce(sum(junk <> 0), 0), coalesce(sum(junk = 0), 0) FROM junk_lesson")
    return (int(row[0]), int(row[1])) if row is not None else (0, 0)


def lessons(db: Db, ids: Sequence[int]) -> dict[int, bool]:
    """Which of these messages taught, and whether as junk."""
    return {
        row[0]: bool(row[1]) for row in db.rows_of("SELECT message_id, junk FROM junk_lesson WHERE message_id IN", ids)
    }


def learn(tx: Tx, message_id: int, words: Iterable[int], junk: bool, now: int) -> None:
    """Learn a message as junk or as good; ``forget`` it first where it taught otherwise."""
    tx.run("INSERT OR REPLACE INTO junk_lesson(message_id, junk, at) VALUES (?, ?, ?)", message_id, junk, now)
    sql = (
        "INSERT INTO junk_word(word, junk, good, at) VALUES (?1, ?2, NOT ?2, ?3) ON CONFLICT DO UPDATE SET"
        " junk = junk + excluded.junk, good = good + excluded.good, at = excluded.at"
    )
    tx.run_many(sql, [(one, int(junk), now) for one in words])
    if int(tx.value("SELECT count(*) FROM junk_word")) > MOST_WORDS:
        sql = "DELETE FROM junk_word WHERE word IN (SELECT word FROM junk_word ORDER BY junk + good, at LIMIT ?)"
        tx.run(sql, MOST_WORDS // 5)
    _ready(tx, now)


def forget(tx: Tx, message_id: int, words: Iterable[int], junk: bool) -> None:
    """Take back what a message taught."""
    tx.run("DELETE FROM junk_lesson WHERE message_id = ?", message_id)
    column = "junk" if junk else "good"
    sql = f"UPDATE junk_word SET {column} = max({column} - 1, 0) WHERE word = ?"
    tx.run_many(sql, [(one,) for one in words])


def _ready(tx: Tx, now: int) -> None:
    """From the moment on when enough was learned, new mail is judged (a trigger notes it)."""
    if min(counts(tx)) >= ENOUGH:
        tx.run("INSERT OR IGNORE INTO meta(key, value) VALUES ('junk_from', ?)", now)


def waiting(db: Db) -> list[tuple[MessageId, AccountId]]:
    """New mail of inboxes, with its text here, that was not judged."""
    sql = (
        "SELECT m.id, m.account_id FROM unjudged u CROSS JOIN message m ON m.id = u.message_id"
        " CROSS JOIN folder f ON f.id = m.shown_folder WHERE f.role = 'inbox' ORDER BY u.message_id LIMIT 500"
    )
    return [(MessageId(row[0]), AccountId(row[1])) for row in db.rows(sql)]


def judged(tx: Tx, ids: Sequence[int]) -> None:
    """These were judged."""
    tx.run_many("DELETE FROM unjudged WHERE message_id = ?", [(one,) for one in ids])


def elsewhere(tx: Tx) -> None:
    """What left the inbox meanwhile is not judged."""
    here = "SELECT m.id FROM message m JOIN folder f ON f.id = m.shown_folder WHERE m.id = message_id"
    sql = f"DELETE FROM unjudged WHERE NOT EXISTS({here} AND f.role = 'inbox')"
    tx.run(sql)


def server_filters(db: Db, account_id: AccountId) -> bool:
    """Whether the account's server, or another program, was seen to put mail into the junk folder by itself."""
    sql = (
        "SELECT EXISTS(SELECT 1 FROM message m JOIN folder f ON f.id = m.folder_id AND f.role = 'junk'"
        " WHERE f.account_id = ? AND f.local = 0 AND m.id NOT IN (SELECT message_id FROM junk_lesson)"
        " AND m.id NOT IN (SELECT message_id FROM ruled))"
    )
    return bool(db.value(sql, account_id))


def is_known(db: Db, message_id: int) -> bool:
    """Whether its author is somebody the person has written to."""
    sql = (
        "SELECT EXISTS(SELECT 1 FROM message m CROSS JOIN correspondent c"
        " ON c.address = json_extract(m.sender, '$[0][1]') WHERE m.id = ?)"
    )
    return bool(db.value(sql, message_id))
