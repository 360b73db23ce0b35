"""Searching on this computer: a ``Search`` as SQL over cache.db and the full-text index, newest hits first.

Theory of operation.  What is nothing but words becomes one FTS5 expression; everything else becomes a condition on the
row, and words inside such a condition (``is:unread OR subject:x``) a set of ids.  The index is asked table by table,
newest first (``store/index`` says why), so the first hits come early whatever the search is, and a long one can be
ended between and inside tables.  Only where there are conditions are rows read; else what is gone is taken out of the
hits, which is little.

Words are found by their beginnings; one or two letters only in subjects and addresses.  Where that finds fewer than
``FEW`` messages, words are found by what is inside them, too, unless that is inside of more than ``WORDS`` words.

A connection of ``index.open_search`` is wanted everywhere here.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from mua.plan.search import (
    Either,
    Every,
    Has,
    In,
    Is,
    Leaf,
    Node,
    Not,
    Scope,
    Search,
    Sent,
    Sized,
    Tagged,
    Term,
    is_words,
    spaced,
)
from mua.records import dataclass
from mua.store import index
from mua.store.db import Db
from mua.store.schema import WISHED
from mua.store.shards import Shard, shards

FEW = 50  # hits that make looking inside words unnecessary
INSIDE = 3  # letters that are looked for inside words
WORDS = 200  # that hold a piece: of more, none is meant by it
SMALL = 50_000  # messages of folders that are gone through, to see which are hits
# in a condition: the table of the index that is asked, and SQL for the id of one of its rows
_TABLE, _NAME, _ID = "{table}", "{name}", "{id}"


_Expand = Callable[[Term], str]


@dataclass(frozen=True, slots=True)
class _Question:
    """``match`` is an FTS5 expression (empty: none); ``where`` a condition on the row."""

    match: str
    where: str
    values: tuple[object, ...]
    folders: tuple[int, ...] | None
    """Only in these folders."""
    inside: bool
    """The condition looks into the index, too."""


def find(db: Db, search: Search, limit: int = 50) -> list[int]:
    """The newest ``limit`` messages that match (-1: all that do), newest first."""
    return next(found for found, whole in hits(db, search, limit) if whole)


def count(db: Db, search: Search) -> int:
    """How many messages match."""
    return next(len(found) for found, whole in hits(db, search) if whole)


def unindexed(db: Db, search: Search) -> int:
    """How many messages could not be searched, since the index has not seen them; without words all can be."""
    if not any(isinstance(leaf, Term) for leaf, _ in search.leaves()):
        return 0
    if not index.is_attached(db):
        return int(db.value("SELECT coalesce(sum(total), 0) FROM folder"))
    done = index.progress(db, "fts")
    sql = "SELECT count(*) FROM message WHERE index_seq > ? AND (has_body = 0 OR index_seq > ?)"
    return int(db.value(sql, done.mark, max(done.mark, done.whole)))


def hits(db: Db, search: Search, limit: int = -1) -> Iterator[tuple[list[int], bool]]:
    """What is found: at first the newest ``FEW``, at last all (the newest ``limit``), and whether these are all."""
    terms = [leaf for leaf, _ in search.leaves() if isinstance(leaf, Term)]
    if terms and not (index.is_attached(db) and shards(db, "fts")):
        yield [], True
        return
    question = _question(db, search, _expression)
    found = list(_ask(db, question, FEW))
    if len(found) < FEW and (words := _insides(db, terms)):
        if found:
            yield found[:limit] if limit >= 0 else found, False
        question = _question(db, search, lambda term: words.get(term) or _expression(term))
        yield list(_ask(db, question, limit)), True
    elif len(found) < FEW or 0 <= limit <= FEW:
        yield found[:limit] if limit >= 0 else found, True
    else:
        yield found, False
        yield list(_ask(db, question, limit)), True


# -- asking


def _ask(db: Db, question: _Question, limit: int) -> Iterator[int]:
    """The ids, read one table at a time."""
    gone = frozenset[int]() if question.where or not question.match else _gone(db)
    left = limit
    for statements in _statements(db, question):
        most = left + len(gone) if limit >= 0 else -1
        found = [one for sql, values in statements for one in _read(db, sql, values, most) if one not in gone]
        if len(statements) > 1:
            found.sort(reverse=True)
        if limit >= 0:
            found = found[:left]
            left -= len(found)
        yield from found
        if limit >= 0 and not left:
            return


_Statement = tuple[str, list[object]]


def _read(db: Db, sql: str, values: Sequence[object], most: int) -> Iterator[int]:
    """One value a statement: Python's lock is held for a moment only, however many there are."""
    text = db.value(f"SELECT group_concat(id) FROM ({sql} LIMIT ?)", *values, most)
    return map(int, text.split(",")) if text else iter(())


def _statements(db: Db, question: _Question) -> Iterator[list[_Statement]]:
    """Those of one half year after the other, newest first."""
    if not (question.match or question.inside):
        where, values = _in_folders(question)
        yield [(f"SELECT m.id AS id FROM message m WHERE {where} ORDER BY m.id DESC", values)]
        return
    above = 1 << 62
    tables = list[Shard]()
    for _, some in groupby(shards(db, "fts"), key=lambda shard: shard.number):
        tables = list(some)
        low = tables[0].low
        beside = len(tables) > 1
        yield [_statement(question, one, low, above, one.holds("m.id") if beside else "1") for one in tables]
        above = low
    if not question.match and above > 0:  # what the index has not seen yet, below all of it
        yield [_statement(question, tables[0], 0, above, "1")]


def _statement(question: _Question, table: Shard, low: int, above: int, here: str) -> _Statement:
    """Within one table; ``here``: SQL for whether a message of the half year is of this one."""
    where, values = _in_folders(question)
    where = where.replace(_TABLE, f"fts.{table.name}").replace(_NAME, table.name).replace(_ID, table.id_of("rowid"))
    indexed = " INDEXED BY message_shown" if question.folders is not None else ""
    within = f"SELECT m.id AS id FROM message m{indexed} WHERE m.id >= {low} AND m.id < {above} AND {here} AND {where}"
    if not question.match:
        return f"{within} ORDER BY m.id DESC", values
    matching = f"FROM fts.{table.name} f WHERE f.{table.name} MATCH ?"
    if not question.where:
        return f"SELECT {table.id_of('f.rowid')} AS id {matching} ORDER BY f.rowid DESC", [question.match]
    if question.folders is not None:  # few: those of the folder that are among the hits
        inside = f"SELECT {table.id_of('f.rowid')} {matching}"
        return f"{within} AND +m.id IN ({inside}) ORDER BY m.id DESC", [*values, question.match]
    joined = f"FROM fts.{table.name} f CROSS JOIN message m ON m.id = {table.id_of('f.rowid')}"
    return (
        f"SELECT m.id AS id {joined} WHERE f.{table.name} MATCH ? AND {where} ORDER BY f.rowid DESC",
        [question.match, *values],
    )


def _in_folders(question: _Question) -> tuple[str, list[object]]:
    where = question.where or "m.want_gone = 0"
    if question.folders is None:
        return where, list(question.values)
    return f"m.shown_folder IN ({','.join(map(str, question.folders))}) AND {where}", list(question.values)


def _gone(db: Db) -> frozenset[int]:
    """What the index may still have though it is not to be shown: wished gone, or removed and not yet forgotten."""
    wished = db.rows(f"SELECT id FROM message WHERE want_gone <> 0 AND ({WISHED})")
    removed = db.rows("SELECT id FROM removal WHERE seq > ?", index.progress(db, "fts").removed)
    back = {row[0] for row in db.rows_of("SELECT id FROM message WHERE id IN", [row[0] for row in removed])}
    return frozenset(row[0] for row in wished) | (frozenset(row[0] for row in removed) - back)


# -- from a search to a question


def _question(db: Db, search: Search, expand: _Expand) -> _Question:
    spoken = [part for part in search.parts if is_words(part)]
    wanted = [text for part in spoken if not isinstance(part, Not) and (text := _words(part, expand))]
    unwanted = [text for part in spoken if isinstance(part, Not) and (text := _words(part.part, expand))]
    match = " AND ".join(wanted)
    if match and unwanted:
        match = f"({match}) NOT ({' OR '.join(unwanted)})"
    rest = [part for part in search.parts if not is_words(part)]
    if not match:
        rest += [part for part in spoken if isinstance(part, Not)]
    folders, rest = _folders(db, rest, search.scope)
    clauses, values = list[str](), list[object]()
    for part in rest:
        clause, some = _condition(part, expand)
        clauses.append(clause)
        values += some
    if search.scope.account_id is not None:
        clauses.append("m.account_id = ?")
        values.append(search.scope.account_id)
    if folders is not None and match and not _is_small(db, folders):
        clauses.append(f"m.shown_folder IN ({','.join(map(str, folders))})")
        folders = None
    where = " AND ".join(["m.want_gone = 0", *clauses]) if clauses or folders is not None else ""
    inside = any(_TABLE in clause for clause in clauses)
    return _Question(match, where, tuple(values), folders, inside)


def _folders(db: Db, parts: Sequence[Node], scope: Scope) -> tuple[tuple[int, ...] | None, list[Node]]:
    """The folders that alone are looked into (None: all), and what else is asked."""
    folders = None if scope.folder_id is None else {int(scope.folder_id)}
    rest: list[Node] = []
    for part in parts:
        if isinstance(part, In):
            named = {row[0] for row in db.rows(f"SELECT id FROM folder WHERE {_NAMED}", *[_like(part.folder)] * 3)}
            folders = named if folders is None else folders & named
        else:
            rest.append(part)
    return None if folders is None else tuple(sorted(folders)), rest


# by its role, its whole name, or the last piece of it; LIKE is for any letter case of ASCII
_NAMED = "role LIKE ? ESCAPE '\\' OR name LIKE ? ESCAPE '\\' OR name LIKE '%' || delimiter || ? ESCAPE '\\'"


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _is_small(db: Db, folders: Sequence[int]) -> bool:
    marks = ",".join(map(str, folders))
    return int(db.value(f"SELECT coalesce(sum(total), 0) FROM folder WHERE id IN ({marks})")) <= SMALL


def _words(node: Node, expand: _Expand) -> str:
    """An FTS5 expression of words alone; empty where they are only punctuation."""
    if isinstance(node, Term):
        return expand(node)
    if isinstance(node, Either):
        some = [text for part in node.parts if (text := _words(part, expand))]
        return f"({' OR '.join(some)})" if some else ""
    if isinstance(node, Every):
        wanted = [text for part in node.parts if not isinstance(part, Not) and (text := _words(part, expand))]
        unwanted = [text for part in node.parts if isinstance(part, Not) and (text := _words(part.part, expand))]
        match = " AND ".join(wanted)
        return f"(({match}) NOT ({' OR '.join(unwanted)}))" if match and unwanted else f"({match})" if match else ""
    return ""


def _expression(term: Term) -> str:
    """The beginning of a word or, where it is several, of the last of them; of a phrase all are whole."""
    text = " ".join(_PRIVATE.sub(" ", unicodedata.normalize("NFC", spaced(term.text))).split())
    if not any(map(str.isalnum, text)):
        return ""
    if len(text) <= 2 and text.isascii() and text.isalnum() and not term.phrase and term.field in _SHORT:
        return f"({' OR '.join([chr(34) + mark + text + chr(34) for mark in _SHORT[term.field]])})"
    column = f"{term.field} : " if term.field else ""
    return f'{column}"{text}"{"" if term.phrase or not text[-1].isalnum() else "*"}'


_PRIVATE = re.compile('["\0\ue000-\uf8ff]')  # what ends a string of FTS5, and what marks words of ours
_SHORT = {"": tuple(dict.fromkeys(index.SHORT.values())), **{name: (mark,) for name, mark in index.SHORT.items()}}


def _condition(node: Node, expand: _Expand) -> tuple[str, list[object]]:
    if isinstance(node, Not):
        clause, values = _condition(node.part, expand)
        return f"NOT ({clause})", values
    if isinstance(node, Every | Either):
        some = [_condition(part, expand) for part in node.parts]
        joined = (" AND " if isinstance(node, Every) else " OR ").join(clause for clause, _ in some)
        return f"({joined})", [value for _, values in some for value in values]
    if isinstance(node, Term):
        match = expand(node)
        return (f"m.id IN (SELECT {_ID} FROM {_TABLE} WHERE {_NAME} MATCH ?)", [match]) if match else ("1", [])
    return _leaf(node)


_HAS = {
    "attachment": "m.has_attachments <> 0",
    "list": "m.list_id <> ''",
    "pin": "m.id IN (SELECT message_id FROM pin WHERE returned = 0)",
}


def _leaf(leaf: Leaf) -> tuple[str, list[object]]:
    if isinstance(leaf, Is):
        return f"m.shown_flags & {int(leaf.flag)} {'<>' if leaf.wanted else '='} 0", []
    if isinstance(leaf, Has):
        return _HAS[leaf.what], []
    if isinstance(leaf, In):
        return f"m.shown_folder IN (SELECT id FROM folder WHERE {_NAMED})", [_like(leaf.folder)] * 3
    if isinstance(leaf, Tagged):
        return "m.id IN (SELECT message_id FROM tag WHERE name = ?)", [leaf.keyword]
    clauses, values = ["1"], list[object]()
    bounds: tuple[tuple[str, int | None], ...] = ()
    if isinstance(leaf, Sent):
        bounds = ("m.date >= ?", leaf.start), ("m.date < ?", leaf.end)
    elif isinstance(leaf, Sized):
        bounds = ("m.size > ?", leaf.above), ("m.size < ?", leaf.below)
    for clause, value in bounds:
        if value is not None:
            clauses.append(clause)
            values.append(value)
    return " AND ".join(clauses), values


# -- inside words


def _insides(db: Db, terms: Sequence[Term]) -> dict[Term, str]:
    """For each term that is (a piece of) one word: an expression for the words that it is inside of."""
    found: dict[Term, str] = {}
    for term in terms:
        pieces = index.tokens(db, spaced(term.text))
        if term.phrase or len(pieces) != 1 or len(pieces[0]) < INSIDE:
            continue
        words = _words_with(db, pieces[0])
        if words:
            column = f"{term.field} : " if term.field else ""
            either = " OR ".join((f'"{pieces[0]}"*', *(f'"{word}"' for word in words)))
            found[term] = f"{column}({either})"
    return found


def _words_with(db: Db, piece: str) -> list[str]:
    """The words that ``piece`` is inside of, and not the beginning of; none where they are too many."""
    grams = " AND ".join(f'"{piece[at : at + 3]}"' for at in range(len(piece) - 2))
    sql = (
        "SELECT w.text FROM fts.part p CROSS JOIN fts.word w ON w.id = p.rowid"
        " WHERE p.part MATCH ? AND instr(w.text, ?) > 1 LIMIT ?"
    )
    found = [str(row[0]) for row in db.rows(sql, grams, piece, WORDS + 1)]
    return found if len(found) <= WORDS else []
