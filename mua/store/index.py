"""The full-text index, fts.db: its own file, so that index commits never block a list, and rebuildable at any time.

Its sole writer is the indexer (a child of the engine).  ``mail`` holds one document a message under the message's
id; since ids grow with time, ``ORDER BY rowid DESC LIMIT n`` stops early and newest comes first for nothing.  ``head``
holds subjects and addresses only, with prefix indexes, for the first two letters while typing.  Both are contentless:
the words are here, the text is in body.db.

``Progress.mark`` is how far into ``message.index_seq`` the index has come, ``whole`` the same for messages that have a
body, ``removed`` for the ledger of removals.
"""

import re
from collections.abc import Iterable, Sequence

import apsw

from mua.model.account import AccountId
from mua.model.message import MessageId
from mua.paths import Profile
from mua.plan.search import Search, Term, spaced
from mua.records import dataclass
from mua.store.db import BUSY_MS, Db, Tx, open_reader, translated

SCHEMA = """
CREATE VIRTUAL TABLE IF NOT EXISTS mail USING fts5(subject, sender, recipients, body, files,
  content='', contentless_delete=1, tokenize="unicode61 remove_diacritics 2");
CREATE VIRTUAL TABLE IF NOT EXISTS head USING fts5(subject, people,
  content='', contentless_delete=1, prefix='1 2', tokenize="unicode61 remove_diacritics 2");
CREATE TABLE IF NOT EXISTS progress(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO progress VALUES ('mark', 0), ('whole', 0), ('removed', 0), ('version', 1);
"""
VERSION = 1  # of what is in the index: another one is made anew
TABLES = ("mail", "head")
HASH_BYTES = 64 * 1024 * 1024
MERGE_PAGES = 200  # written by one step of ``tidy``: a few hundredths of a second


@dataclass(frozen=True, slots=True)
class Document:
    """What is indexed of one message.  ``body`` is empty while only its header is here."""

    id: MessageId
    subject: str
    sender: str
    recipients: str
    body: str = ""
    files: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index has come; see above."""

    mark: int
    whole: int
    removed: int


def open_index(profile: Profile) -> Tx:
    """The indexer's connection; makes the file when it is missing."""
    with translated():
        connection = apsw.Connection(str(profile.fts_db))
        connection.set_busy_timeout(BUSY_MS)
        db = Tx(connection)
        db.rows("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL")
        connection.execute(SCHEMA)
        connection.execute("INSERT INTO mail(mail, rank) VALUES ('hashsize', ?)", (HASH_BYTES,))
        for table in TABLES:  # a commit does not wait for merges: ``tidy`` does them
            connection.execute(f"INSERT INTO {table}({table}, rank) VALUES ('automerge', 0)")
    return db


def add(db: Tx, documents: Iterable[Document], mark: int, whole: int) -> None:
    """Index documents (each replaces an earlier one of the same message) and remember how far we came."""
    with translated(), db.connection:
        ordered = sorted(documents, key=lambda document: document.id)
        db.run_many("INSERT OR REPLACE INTO head(rowid, subject, people) VALUES (?, ?, ?)", map(_head, ordered))
        sql = "INSERT OR REPLACE INTO mail(rowid, subject, sender, recipients, body, files) VALUES (?,?,?,?,?,?)"
        db.run_many(sql, map(_mail, ordered))
        db.run_many("UPDATE progress SET value = ? WHERE key = ?", [(mark, "mark"), (whole, "whole")])


def _head(one: Document) -> tuple[object, ...]:
    return one.id, spaced(one.subject), spaced(f"{one.sender} {one.recipients}")


def _mail(one: Document) -> tuple[object, ...]:
    return one.id, *map(spaced, (one.subject, one.sender, one.recipients, one.body, one.files))


def tidy(db: Tx) -> bool:
    """One small step of merging the segments that commits left; False when there is nothing left to merge."""
    before = db.connection.total_changes()
    with translated(), db.connection:
        for table in TABLES:
            db.run(f"INSERT INTO {table}({table}, rank) VALUES ('merge', ?)", MERGE_PAGES)
    return db.connection.total_changes() - before > len(TABLES)


def remove(db: Tx, ids: Sequence[int], mark: int) -> None:
    """Forget messages that disappeared; ``mark`` is the last ledger entry seen."""
    with translated(), db.connection:
        for one in ids:
            db.run("DELETE FROM mail WHERE rowid = ?", one)
            db.run("DELETE FROM head WHERE rowid = ?", one)
        db.run("UPDATE progress SET value = ? WHERE key = 'removed'", mark)


def progress(db: Db, schema: str = "main") -> Progress:
    """How far the index has come."""
    found = dict(db.rows(f"SELECT key, value FROM {schema}.progress"))
    return Progress(found["mark"], found.get("whole", 0), found["removed"])


def marks(profile: Profile) -> tuple[int, int]:
    """(mark, removed) of the profile's index as it is on the disk; (0, 0) where there is none yet."""
    if not profile.fts_db.exists():
        return 0, 0
    with translated():
        connection = apsw.Connection(str(profile.fts_db), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(BUSY_MS)
    db = Db(connection)
    try:
        if db.value("SELECT 1 FROM sqlite_master WHERE name = 'progress'") is None:
            return 0, 0
        found = progress(db)
        return found.mark, found.removed
    finally:
        db.close()


def open_search(profile: Profile) -> Db:
    """A read-only connection to cache.db with fts.db attached as ``fts`` (absent until the indexer ran once)."""
    db = open_reader(profile)
    if profile.fts_db.exists():
        db.rows("ATTACH ? AS fts", str(profile.fts_db))
    return db


def index_mark(db: Db) -> int:
    """How far the index has come in whole messages, over a connection of ``open_search``; 0 without an index."""
    if not _has_index(db):
        return 0
    found = progress(db, "fts")
    return max(found.mark, found.whole)


def find(db: Db, search: Search, limit: int = 50, account_id: AccountId | None = None) -> list[int]:
    """The newest ``limit`` messages (of one account) that match, newest first; over ``open_search``'s connection."""
    where, values = _filters(search)
    if account_id is not None:
        where, values = f"{where} AND m.account_id = ?", [*values, account_id]
    match = _match(search.terms)
    if match is None:
        sql = f"SELECT m.id FROM message m WHERE {where} ORDER BY m.id DESC LIMIT ?"
        return [row[0] for row in db.rows(sql, *values, limit)]
    if not _has_index(db):
        return []
    table, expression = match
    sql = (
        f"SELECT m.id FROM fts.{table} f CROSS JOIN message m ON m.id = f.rowid"
        f" WHERE f.{table} MATCH ? AND {where} ORDER BY f.rowid DESC LIMIT ?"
    )
    return [row[0] for row in db.rows(sql, expression, *values, limit)]


def _has_index(db: Db) -> bool:
    """Whether the indexer has been here: the file is attached, and its tables are made."""
    if not any(row[1] == "fts" for row in db.rows("PRAGMA database_list")):
        return False
    return db.value("SELECT 1 FROM fts.sqlite_master WHERE name = 'progress'") is not None


def _match(terms: Sequence[Term]) -> tuple[str, str] | None:
    """(table, FTS5 expression), or None when there is no positive word to look for."""
    wanted = [one for term in terms if not term.negated and (one := _expression(term))]
    unwanted = [one for term in terms if term.negated and (one := _expression(term))]
    if not wanted:
        return None
    short = not unwanted and all(not term.field and len(term.text) <= 2 and term.text.isascii() for term in terms)
    expression = " AND ".join(wanted)
    if unwanted:
        expression = f"({expression}) NOT ({' OR '.join(unwanted)})"
    return ("head" if short else "mail"), expression


def _expression(term: Term) -> str:
    words = re.findall(r"\w+", spaced(term.text))
    if not words:
        return ""
    quoted = " ".join(words)
    prefix = "" if term.phrase and not term.field else "*"
    column = f"{term.field} : " if term.field else ""
    return f'{column}"{quoted}"{prefix if words[-1].isascii() or len(words) == 1 else ""}'


def _filters(search: Search) -> tuple[str, list[object]]:
    clauses, values = ["m.want_gone = 0"], list[object]()
    for flag, wanted in search.flags:
        clauses.append(f"m.shown_flags & {int(flag)} {'<>' if wanted else '='} 0")
    if search.attachments is not None:
        clauses.append(f"m.has_attachments = {int(search.attachments)}")
    if search.folder:
        clauses.append("m.shown_folder IN (SELECT id FROM folder WHERE lower(name) = lower(?) OR role = lower(?))")
        values += [search.folder, search.folder]
    for clause, value in (
        ("m.date >= ?", search.after),
        ("m.date < ?", search.before),
        ("m.size > ?", search.larger),
        ("m.size < ?", search.smaller),
    ):
        if value is not None:
            clauses.append(clause)
            values.append(value)
    return " AND ".join(clauses), values
