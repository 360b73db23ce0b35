"""The index held against the store: which messages it lacks, which it should not have, and whether it is whole.

Rules of the file: read-only, over a connection of ``index.open_search``; each look is a short read transaction, so that
nobody waits, however large the mailbox is; what was found wrong while others committed is looked at once more.
"""

from collections.abc import Iterator, Sequence

from mua.model.message import MessageId
from mua.records import dataclass
from mua.store import index
from mua.store.db import Db
from mua.store.shards import SPAN, Shard, half_year, shard_of, shards

MAX_TOLD = 100_000  # ids of one kind that are remembered


@dataclass(frozen=True, slots=True)
class Found:
    """What holds of one part of the index; ``held`` is how many messages it has."""

    held: int
    missing: tuple[MessageId, ...]
    surplus: tuple[MessageId, ...]


def parts(db: Db) -> list[int]:
    """The half years of the store and of the index, newest first."""
    there = {row[0] for row in db.rows(f"SELECT DISTINCT id >> {SPAN} FROM message")}
    return sorted(there | {shard.number for shard in shards(db, "fts")}, reverse=True)


def compare(db: Db, number: int) -> Found:
    """One half year; its tables in the index are asked before the store, which may be ahead and not behind."""
    with db.snapshot():
        done = index.progress(db, "fts")
        low, high = number << SPAN, (number + 1) << SPAN
        held = set[int]().union(*(_held(db, shard) for shard in shards(db, "fts") if shard.number == number))
        claimed = "index_seq <= ? OR (has_body > 0 AND index_seq <= ?)"
        marks = done.mark, max(done.mark, done.whole)
        within = f"id >= {low} AND id < {high}"
        expected = _ids(db, f"SELECT id FROM message WHERE {within} AND ({claimed})", *marks)
        here = _ids(db, f"SELECT id FROM message WHERE {within}")
        going = _ids(db, "SELECT id FROM removal WHERE seq > ?", done.removed)
    return Found(len(held), _told(expected - held), _told(held - here - going))


def confirmed(db: Db, found: Sequence[Found]) -> tuple[list[MessageId], list[MessageId]]:
    """(missing, surplus) as of now, of what was found."""
    wrong = sorted({half_year(one) for part in found for one in (*part.missing, *part.surplus)})
    again = [compare(db, number) for number in wrong]
    missing = {one for part in found for one in part.missing} & {one for part in again for one in part.missing}
    surplus = {one for part in found for one in part.surplus} & {one for part in again for one in part.surplus}
    return sorted(missing), sorted(surplus)


def damage(db: Db) -> Iterator[str]:
    """What SQLite and FTS5 find broken in the index, table by table; nothing for a table that is whole."""
    names = "SELECT name FROM fts.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    for (name,) in db.rows(names):
        said = [row[0] for row in db.rows(f"PRAGMA fts.integrity_check({name})")]
        yield "" if said == ["ok"] else f"{name}: {said[0] if said else ''}"


def holds(db: Db, message_id: MessageId, word: str) -> bool:
    """Whether the index finds this message by this word (one token as ``index.tokens`` gives it)."""
    shard = shard_of(message_id)
    sql = f"SELECT 1 FROM fts.{shard.name} WHERE {shard.name} MATCH ? AND rowid = ?"
    return db.value(sql, '"' + word.replace('"', '""') + '"', shard.row(message_id)) is not None


def sample(db: Db, lot: int, many: int) -> list[MessageId]:
    """Some messages that the index should have with their text; another ``lot`` gives others.  -1: all of them."""
    done = index.progress(db, "fts")
    sql = (
        "SELECT id FROM message WHERE has_body > 0 AND index_seq <= ?"
        " ORDER BY (id >> 20) * ? % 1000003 LIMIT ?"  # as good as chance
    )
    return [MessageId(row[0]) for row in db.rows(sql, max(done.mark, done.whole), lot | 1, many)]


def _held(db: Db, shard: Shard) -> set[int]:
    return _ids(db, f"SELECT {shard.id_of('id')} AS id FROM fts.{shard.name}_docsize")


def _ids(db: Db, sql: str, *values: object) -> set[int]:
    text = db.value(f"SELECT group_concat(id) FROM ({sql})", *values)
    return set(map(int, text.split(","))) if text else set()


def _told(ids: set[int]) -> tuple[MessageId, ...]:
    return tuple(MessageId(one) for one in sorted(ids)[:MAX_TOLD])
