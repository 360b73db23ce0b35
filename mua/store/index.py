"""The full-text index, fts.db: its own file, so that index commits never block a list, and rebuildable at any time.

Its sole writer is the indexer (a child of the engine); ``store/find`` looks into it.  Both kinds of tables are
contentless: the words are here, the text is in body.db.

``mail_N`` and ``crowd_N`` hold one document a message, of half a year of ids each (``store/shards`` says where).
FTS5 reads every place of every word that a prefix stands for before it gives its first hit; so it is asked half a
year at a time, newest first, and whoever wants fifty hits has them from the first of them.  ``shard`` says which
there are.  The column ``short`` has the first letter and the first two of each word of subjects and addresses as
words of their own, for the first two letters while typing: a mark of ``SHORT`` before them says of which field, and
nobody types those.

``word`` has each word of four letters and more once, and ``part`` its trigrams: a word is found by what is inside it,
too, and that costs what the words cost and not what the mail does.  The words of a few messages are taken from their
texts at once.  Of many, the index itself tells them (fts5vocab) for a third of that, but only all words of a table
together: ``added`` says how many messages of each were added since, and ``read_words`` asks when that pays.

``Progress.mark`` is how far into ``message.index_seq`` the index has come, ``whole`` the same for messages that have a
body, ``removed`` for the ledger of removals.
"""

from collections.abc import Iterable, Sequence

import apsw

from mua.model.message import MessageId
from mua.paths import Profile
from mua.plan.search import spaced
from mua.records import dataclass
from mua.store.db import BUSY_MS, Db, Tx, open_reader, translated
from mua.store.shards import Shard, shard_of, shards

VERSION = 6  # of what is in the index: another one is thrown away, and the mail indexed again
TOKENS = 'tokenize="unicode61 remove_diacritics 2"'
# the body first: FTS5 notes the column of each place of a word, unless it is the first one
COLUMNS = ("body", "subject", "sender", "recipients", "cc", "files", "attached", "list", "short")
SHORT = {"subject": "\ue000", "sender": "\ue001", "recipients": "\ue002", "cc": "\ue003"}
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS progress(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO progress VALUES ('mark', 0), ('whole', 0), ('removed', 0), ('version', {VERSION});
CREATE TABLE IF NOT EXISTS shard(number INTEGER, crowded INTEGER, PRIMARY KEY(number, crowded)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS word(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE VIRTUAL TABLE IF NOT EXISTS part USING fts5(text,
  content='word', content_rowid='id', detail=none, tokenize="trigram case_sensitive 1");
CREATE TABLE IF NOT EXISTS added(number INTEGER, crowded INTEGER, messages INTEGER NOT NULL,
  PRIMARY KEY(number, crowded)) STRICT, WITHOUT ROWID;
"""
SHARD = f"CREATE VIRTUAL TABLE {{}} USING fts5({', '.join(COLUMNS)}, content='', contentless_delete=1, {TOKENS})"
HASH_BYTES = 64 * 1024 * 1024
MERGE_PAGES = 200  # written by one step of ``tidy``: a few hundredths of a second
WORD = range(4, 41)  # letters of the words that are found by what is inside them
FEW = 50  # messages added at once whose words are taken from their texts
PAYS = 4  # tables of so many times the messages that were added are asked for their words
SHORTS, LONG = 4096, 200  # fields whose beginnings are kept, and characters from which on one is not


@dataclass(frozen=True, slots=True)
class Document:
    """What is indexed of one message.  ``body`` is empty while only its header is here.

    ``files`` are names of attachments, ``attached`` the text in them; ``list`` is the List-Id.
    """

    id: MessageId
    subject: str
    sender: str
    recipients: str
    body: str = ""
    files: str = ""
    cc: str = ""
    attached: str = ""
    list: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index has come; see above."""

    mark: int
    whole: int
    removed: int


def open_index(profile: Profile) -> Tx:
    """The indexer's connection; makes the file when it is missing, and its tables when they are of another version."""
    with translated():
        connection = apsw.Connection(str(profile.fts_db))
        connection.set_busy_timeout(BUSY_MS)
        db = Tx(connection)
        db.rows("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL")
        if _has_progress(db) and db.value("SELECT value FROM progress WHERE key = 'version'") != VERSION:
            _drop(db)
        connection.execute(SCHEMA)
    return db


def _drop(db: Tx) -> None:
    """Forget everything; what reads meanwhile finds an empty index."""
    with translated(), db.connection:
        virtual = "type = 'table' AND sql LIKE 'CREATE VIRTUAL%'"
        for condition in (virtual, "type = 'table' AND name NOT LIKE 'sqlite_%'"):
            for (name,) in db.rows(f"SELECT name FROM sqlite_master WHERE {condition}"):
                db.run(f"DROP TABLE {name}")


def _has_progress(db: Db, schema: str = "main") -> bool:
    return db.value(f"SELECT 1 FROM {schema}.sqlite_master WHERE name = 'progress'") is not None


def tokens(db: Db, text: str) -> list[str]:
    """The words of a text as the index has them: without case and accents."""
    split = db.connection.fts5_tokenizer("unicode61", ["remove_diacritics", "2"])
    octets = text.encode("utf-8", "replace")
    found = split(octets, apsw.FTS5_TOKENIZE_DOCUMENT, None, include_offsets=False, include_colocated=False)
    return [str(one) for one in found]


class Beginnings:
    """The beginnings of the words of a field; most mail is from few people, about few things."""

    def __init__(self, db: Tx) -> None:
        self._db = db
        self._known: dict[tuple[str, str], str] = {}

    def of(self, column: str, text: str) -> str:
        """The first letter and the first two of each word, marked as of this column (one of ``SHORT``)."""
        found = self._known.get((column, text))
        if found is None:
            words = tokens(self._db, text) if text else ()
            found = " ".join({SHORT[column] + word[:letters] for word in words for letters in (1, 2)})
            if len(self._known) >= SHORTS:
                self._known.clear()
            if len(text) < LONG:
                self._known[column, text] = found
        return found


def add(db: Tx, documents: Iterable[Document], mark: int, whole: int, beginnings: Beginnings | None = None) -> None:
    """Index documents (each replaces an earlier one of the same message) and remember how far we came."""
    with translated(), db.connection:
        beginnings = beginnings or Beginnings(db)
        rows: dict[Shard, list[_Row]] = {}
        for one in sorted(documents, key=lambda document: document.id):
            rows.setdefault(shard_of(one.id), []).append(_row(beginnings, one))
        known = set(shards(db))
        marks = ", ".join("?" * len(COLUMNS))
        for shard, some in rows.items():
            if shard not in known:
                _new_shard(db, shard)
            sql = f"INSERT OR REPLACE INTO {shard.name}(rowid, {', '.join(COLUMNS)}) VALUES (?, {marks})"
            db.run_many(sql, ((shard.row(row[0]), *row[1:]) for row in some))
        together = [row for some in rows.values() for row in some]
        if len(together) <= FEW:
            _learn(db, together)
        else:
            added = ((shard.number, int(shard.crowded), len(some)) for shard, some in rows.items())
            db.run_many(_ADDED, added)
        db.run_many("UPDATE progress SET value = ? WHERE key = ?", [(mark, "mark"), (whole, "whole")])


_ADDED = "INSERT INTO added VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET messages = messages + excluded.messages"
_Row = tuple[int, str, str, str, str, str, str, str, str, str]


def _learn(db: Tx, rows: "Sequence[_Row]") -> None:
    """Keep the words of these rows that are new; within a transaction."""
    pieces = {piece for row in rows for text in row[1:-1] for piece in text.split()}
    words = sorted({one for one in tokens(db, " ".join(pieces)) if len(one) in WORD})
    last = _last_word(db)
    db.run_many("INSERT OR IGNORE INTO word(text) VALUES (?)", ((one,) for one in words))
    _divide(db, last)


def read_words(db: Tx, *, every: bool = False) -> bool:
    """Keep the new words of one table that has many, or ``every``, of any; False when there is no such table."""
    for number, crowded, messages in db.rows("SELECT number, crowded, messages FROM added"):
        table = Shard(number, bool(crowded)).name
        if every or db.value(f"SELECT count(*) FROM {table}_docsize") <= PAYS * messages:
            _read_words(db, table)
            db.run("DELETE FROM added WHERE number = ? AND crowded = ?", number, crowded)
            return True
    return False


def _read_words(db: Tx, table: str) -> None:
    with translated(), db.connection:
        db.run(f"CREATE VIRTUAL TABLE temp.vocabulary USING fts5vocab(main, {table}, row)")
        last = _last_word(db)
        sql = "INSERT OR IGNORE INTO word(text) SELECT term FROM temp.vocabulary WHERE length(term) BETWEEN ? AND ?"
        db.run(sql, WORD.start, WORD.stop - 1)
        _divide(db, last)
        db.run("DROP TABLE temp.vocabulary")


def _last_word(db: Db) -> int:
    return int(db.value("SELECT coalesce(max(id), 0) FROM word"))


def _divide(db: Tx, last: int) -> None:
    """The trigrams of the words after ``last``."""
    db.run("INSERT INTO part(rowid, text) SELECT id, text FROM word WHERE id > ?", last)


def _row(beginnings: Beginnings, one: Document) -> _Row:
    """The id, and the values of ``COLUMNS``."""
    subject, sender, recipients, cc = map(spaced, (one.subject, one.sender, one.recipients, one.cc))
    short = (beginnings.of(column, text) for column, text in zip(SHORT, (subject, sender, recipients, cc), strict=True))
    body, files, attached = map(spaced, (one.body, one.files, one.attached))
    return one.id, body, subject, sender, recipients, cc, files, attached, one.list, " ".join(short)


def searched(one: Document) -> str:
    """Everything of a document that can be found."""
    return spaced(
        "\n".join((one.subject, one.sender, one.recipients, one.cc, one.body, one.files, one.attached, one.list))
    )


def _new_shard(db: Tx, shard: Shard) -> None:
    name = shard.name
    db.run(SHARD.format(name))
    db.run("INSERT INTO shard VALUES (?, ?)", shard.number, int(shard.crowded))
    db.run(f"INSERT INTO {name}({name}, rank) VALUES ('hashsize', ?)", HASH_BYTES)
    db.run(f"INSERT INTO {name}({name}, rank) VALUES ('automerge', 0)")  # ``tidy`` does it


def tidy(db: Tx) -> bool:
    """One small step of merging the segments that commits left; False when there is nothing left to merge."""
    for table in ("part", *(shard.name for shard in shards(db))):
        before = db.connection.total_changes()
        with translated(), db.connection:
            db.run(f"INSERT INTO {table}({table}, rank) VALUES ('merge', ?)", MERGE_PAGES)
        if db.connection.total_changes() - before > 1:
            return True
    return False


def remove(db: Tx, ids: Sequence[int], mark: int) -> None:
    """Forget messages that disappeared; ``mark`` is the last ledger entry seen."""
    with translated(), db.connection:
        _forget(db, ids)
        db.run("UPDATE progress SET value = ? WHERE key = 'removed'", mark)


def forget(db: Tx, ids: Sequence[int]) -> None:
    """Forget messages that should not be there."""
    if not ids:
        return
    with translated(), db.connection:
        _forget(db, ids)


def _forget(db: Tx, ids: Sequence[int]) -> None:
    known = set(shards(db))
    for one in ids:
        shard = shard_of(one)
        if shard in known:
            db.run(f"DELETE FROM {shard.name} WHERE rowid = ?", shard.row(one))


def progress(db: Db, schema: str = "main") -> Progress:
    """How far the index has come."""
    found = dict(db.rows(f"SELECT key, value FROM {schema}.progress"))
    return Progress(found["mark"], found.get("whole", 0), found["removed"])


def marks(profile: Profile) -> tuple[int, int]:
    """(mark, removed) of the profile's index as it is on the disk; (0, 0) where there is none, or an old one."""
    if not profile.fts_db.exists():
        return 0, 0
    with translated():
        connection = apsw.Connection(str(profile.fts_db), flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(BUSY_MS)
    db = Db(connection)
    try:
        if not is_current(db):
            return 0, 0
        found = progress(db)
        return found.mark, found.removed
    finally:
        db.close()


def is_current(db: Db, schema: str = "main") -> bool:
    """Whether the indexer has been here, and is of our version."""
    if not _has_progress(db, schema):
        return False
    return bool(db.value(f"SELECT value FROM {schema}.progress WHERE key = 'version'") == VERSION)


def open_search(profile: Profile) -> Db:
    """A read-only connection to cache.db with fts.db attached as ``fts`` (absent until the indexer ran once)."""
    db = open_reader(profile)
    if profile.fts_db.exists():
        db.rows("ATTACH ? AS fts", str(profile.fts_db))
    return db


def is_attached(db: Db) -> bool:
    """Whether a connection of ``open_search`` has an index that can be looked into."""
    return any(row[1] == "fts" for row in db.rows("PRAGMA database_list")) and is_current(db, "fts")


def index_mark(db: Db) -> int:
    """How far the index has come in whole messages, over a connection of ``open_search``; 0 without an index."""
    if not is_attached(db):
        return 0
    found = progress(db, "fts")
    return max(found.mark, found.whole)
