"""The order of a list that is sorted by something else than its date: from A, by size, what is unread first.

Rules of the file: reads only.  ``first`` is for a window's own thread, by an index where a folder is listed; ``parts``
is not: it sorts a whole list inside SQLite, into a table of the connection's own, and hands it out in pieces, so that
neither Python's lock nor a read transaction is held for long.  Messages that are equal are newest first going down the
alphabet, and the other way round coming up: one index serves both.
"""

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain

from mua.model.folder import FolderId
from mua.model.sort import By, Sort
from mua.store import read
from mua.store.db import Db
from mua.store.read import Chosen, Saved

PART = 20_000  # ids of one piece
Key = tuple[str | int, int]
_TERMS = {By.FROM: "author", By.SUBJECT: "topic", By.SIZE: "size", By.DATE: "id"}


def term(sort: Sort, *, outgoing: bool) -> str:
    """The column that is compared."""
    return "addressee" if sort.by is By.FROM and outgoing else _TERMS[sort.by]


def first(
    db: Db, place: FolderId | Saved, chosen: Chosen, sort: Sort, limit: int, *, outgoing: bool = False
) -> "array[int]":
    """The first ``limit`` ids of a list (see the rules)."""
    if sort.by is By.UNREAD:
        return _first_unread(db, place, chosen, sort, limit)
    where, key = read.listed(place, chosen)
    column, way = term(sort, outgoing=outgoing), _way(sort)
    sql = f"SELECT id, {column}, age FROM message WHERE {where} ORDER BY {column}{way}, age{way} LIMIT ?"
    if place is not Saved.ALL_INBOXES:
        return array("q", (row[0] for row in db.rows(sql, *key, limit)))
    alone = sql.replace(where, read.listed(FolderId(0), chosen)[0])
    parts = [db.rows(alone, one, limit) for one in read.inboxes(db)]
    merged = sorted(chain.from_iterable(parts), key=lambda row: row[1:], reverse=sort.down)
    return array("q", (row[0] for row in merged[:limit]))


def parts(
    db: Db, place: FolderId | Saved, chosen: Chosen, sort: Sort, *, outgoing: bool = False
) -> "Iterator[array[int]]":
    """All ids of a list, piece by piece."""
    if sort.by is By.UNREAD:
        yield from _unread_parts(db, place, chosen, sort)
        return
    where, key = read.listed(place, chosen)
    column, way = term(sort, outgoing=outgoing), _way(sort)
    db.rows("DROP TABLE IF EXISTS temp.sorted")
    made = f"SELECT id FROM message WHERE {where} ORDER BY {column}{way}, age{way}"
    db.rows(f"CREATE TEMP TABLE sorted AS {made}", *key)
    yield from _handed_out(db)


def sorted_ids(db: Db, ids: Sequence[int], sort: Sort, *, outgoing: bool = False) -> "array[int]":
    """These messages as they are sorted, not by what is unread; those that are gone are left out."""
    db.rows("DROP TABLE IF EXISTS temp.found; DROP TABLE IF EXISTS temp.sorted")
    db.rows("CREATE TEMP TABLE found(id INTEGER PRIMARY KEY)")
    for begin in range(0, len(ids), PART):
        text = ",".join(map(str, ids[begin : begin + PART]))
        db.rows("INSERT INTO temp.found SELECT value FROM json_each(?)", f"[{text}]")
    column, way = term(sort, outgoing=outgoing), _way(sort)
    made = f"SELECT m.id AS id FROM temp.found CROSS JOIN message m USING (id) ORDER BY m.{column}{way}, m.age{way}"
    db.rows(f"CREATE TEMP TABLE sorted AS {made}")
    db.rows("DROP TABLE temp.found")
    return array("q", chain.from_iterable(_handed_out(db)))


def _handed_out(db: Db) -> "Iterator[array[int]]":
    """What ``temp.sorted`` has, piece by piece."""
    begin = 0
    while text := db.value("SELECT group_concat(id) FROM sorted WHERE rowid > ?1 AND rowid <= ?1 + ?2", begin, PART):
        yield read.numbers(text)
        begin += PART
    db.rows("DROP TABLE temp.sorted")


def unread_among(db: Db, ids: Sequence[int]) -> set[int]:
    """Which of these are unread."""
    return {row[0] for row in db.rows_of("SELECT id FROM message WHERE shown_flags & 1 = 0 AND id IN", ids)}


def keys(db: Db, ids: Sequence[int], sort: Sort, *, outgoing: bool = False) -> dict[int, Key]:
    """What is compared of each of these messages; those that are gone are left out."""
    sql = f"SELECT id, {term(sort, outgoing=outgoing)}, age FROM message WHERE id IN"
    return {one: (value, age) for one, value, age in db.rows_of(sql, ids)}


def _way(sort: Sort) -> str:
    return " DESC" if sort.down else ""


def _first_unread(db: Db, place: FolderId | Saved, chosen: Chosen, sort: Sort, limit: int) -> "array[int]":
    where, key = read.listed(place, chosen)
    found = array("q")
    for unread in (sort.down, not sort.down):
        condition = f"shown_flags & 1 {'=' if unread else '<>'} 0"
        sql = f"SELECT id FROM message WHERE {where} AND {condition} ORDER BY id DESC LIMIT ?"
        found.extend(row[0] for row in db.rows(sql, *key, limit - len(found)))
    return found


def _unread_parts(db: Db, place: FolderId | Saved, chosen: Chosen, sort: Sort) -> "Iterator[array[int]]":
    """Both halves are newest first.  What is read is what is listed without what is unread: each has an index.

    All of it is as of one moment, so that nothing that is unread and comes in between is taken for read.
    """
    with db.snapshot():
        where, key = read.listed(place, chosen)
        unread = array("q", (row[0] for row in db.rows(f"SELECT id FROM message WHERE {where} AND {_UNREAD}", *key)))
        apart = set(unread)
        if sort.down:
            yield array("q", sorted(unread, reverse=True))
        below = read.NEWEST
        while part := read.order(db, place, chosen, below, PART):
            below = part[-1]
            yield array("q", [one for one in part if one not in apart])
        if not sort.down:
            yield array("q", sorted(unread, reverse=True))


_UNREAD = "shown_flags & 1 = 0"
