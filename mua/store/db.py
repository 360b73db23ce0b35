"""Opening, migrating, and the one way to change anything: ``with store.write() as tx``.

Theory of operation: WAL; one writer connection behind a lock, in the engine only; a read-only connection per reading
thread, here and in every window and command line.  A transaction collects what it changed (``tx.changes``); after the
commit the store hands that to ``on_commit``, and the engine tells its clients.  Parse before you write: the lock is
held for SQL only.
"""

import itertools
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import apsw

from mua.errors import Kind, MailError, Retry
from mua.paths import Profile
from mua.store import schema
from mua.store.schema import VERSION as VERSION

BUSY_MS = 10_000
CACHE = 16 * 1024  # KiB of pages that a connection keeps
THREAD_CACHE = 2 * 1024  # the same for each of the engine's threads: there are many, and they look at little
CHUNK = 500  # ids of one statement
TOGETHER = 50  # rows of one INSERT
_LOOK_EVERY = 20_000  # steps of SQLite's machine, about a millisecond


@dataclass(slots=True)
class Changes:
    """What one or several transactions changed, by id."""

    accounts: bool = False
    folders: set[int] = field(default_factory=set)
    messages: set[int] = field(default_factory=set)
    arrived: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    outgoing: set[int] = field(default_factory=set)
    contacts: bool = False
    reports: bool = False  # a bounce or a receipt may have come; nobody's business but the sender's

    def merge(self, other: "Changes") -> None:
        """Add what ``other`` changed."""
        self.accounts |= other.accounts
        self.folders |= other.folders
        self.messages |= other.messages
        self.arrived |= other.arrived
        self.removed |= other.removed
        self.outgoing |= other.outgoing
        self.contacts |= other.contacts

    def __bool__(self) -> bool:
        mail = self.folders or self.messages or self.arrived or self.removed or self.outgoing
        return bool(self.accounts or mail or self.contacts)


class Db:
    """A connection that speaks SQL: rows as tuples, errors as MailError."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Every row of the answer."""
        with translated():
            return list(self.connection.execute(sql, values))

    def each(self, sql: str, *values: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of a long answer, one by one."""
        with translated():
            for found in self.connection.execute(sql, values):
                yield tuple(found)

    def rows_of(self, sql: str, ids: Sequence[int | str], *values: Any) -> list[tuple[Any, ...]]:
        """Every row of a query that ends in ``IN``, for any number of ids, in no order; ``values`` come before."""
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(ids), CHUNK):
            chunk = ids[start : start + CHUNK]
            found += self.rows(f"{sql} ({','.join('?' * len(chunk))})", *values, *chunk)
        return found

    def row(self, sql: str, *values: Any) -> tuple[Any, ...] | None:
        """The first row of the answer, or None."""
        with translated():
            for found in self.connection.execute(sql, values):
                return tuple(found)
        return None

    def value(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        found = self.row(sql, *values)
        return None if found is None else found[0]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Several questions, answered as of one moment: others may commit in between."""
        with translated(), self.connection:
            yield

    @contextmanager
    def within(self, steps: int) -> Iterator[None]:
        """What takes more than so many steps of SQLite's machine (a few million a second) ends as "interrupted"."""
        self.connection.set_progress_handler(lambda: True, steps)
        try:
            yield
        finally:
            self.connection.set_progress_handler(None)

    def end_when(self, unwanted: Callable[[], bool]) -> None:
        """From now on a statement ends as "interrupted" soon after ``unwanted`` says so (any thread may decide it)."""
        self.connection.set_progress_handler(unwanted, _LOOK_EVERY)

    def close(self) -> None:
        """Close the connection; idempotent."""
        self.connection.close()


class Tx(Db):
    """A running write transaction.  Lives only inside ``with store.write()``."""

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(connection)
        self.changes = Changes()

    def run(self, sql: str, *values: Any) -> int:
        """Run one change; returns the number of rows it changed."""
        with translated():
            self.connection.execute(sql, values)
            return self.connection.changes()

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one change for each of ``rows``."""
        with translated():
            self.connection.executemany(sql, rows)

    def insert_all(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Insert many rows: ``sql`` ends in VALUES.

        Several of them are one statement: to begin one, and to leave and to enter Python around it, costs a third of
        what inserting a row does, and whoever waits for the interpreter has it meanwhile.
        """
        with translated():
            for values, bound in _together(rows):
                self.connection.execute(f"{sql} {values}", bound)

    def update_all(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Change many rows in the same way: ``sql`` ends before its WHERE; its ``column1`` is the id of each."""
        with translated():
            for values, bound in _together(rows):
                self.connection.execute(f"{sql} FROM (VALUES {values}) WHERE id = column1", bound)

    def insert(self, sql: str, *values: Any) -> int:
        """Run one INSERT; returns the new rowid."""
        with translated():
            self.connection.execute(sql, values)
            return self.connection.last_insert_rowid()


def _together(rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Rows as the VALUES of statements, and what is bound to them."""
    one = f"({','.join('?' * len(rows[0]))})" if rows else ""
    for start in range(0, len(rows), TOGETHER):
        some = rows[start : start + TOGETHER]
        yield ",".join([one] * len(some)), tuple(itertools.chain.from_iterable(some))


class Store:
    """The engine's store: the only writer of a profile."""

    def __init__(self, profile: Profile, on_commit: Callable[[Changes], None] | None = None) -> None:
        self.profile = profile.create()
        self.on_commit = on_commit
        self._lock = threading.RLock()
        self._local = threading.local()
        self._durable: bool | None = None  # as the writer's commits are now
        self._readers: weakref.WeakSet[Db] = weakref.WeakSet()  # a thread's goes with the thread
        self._writer = _open(str(profile.cache_db), apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
        Db(self._writer).rows(
            "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=4000"
        )
        migrate(self._writer)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Tx]:
        """One transaction.  ``durable``: on disk when the block ends (POP3, outbox, what a person did)."""
        with self._lock:
            with translated():
                if durable is not self._durable:
                    self._writer.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                    self._durable = durable
                self._writer.execute("BEGIN IMMEDIATE")
            tx = Tx(self._writer)
            try:
                yield tx
                with translated():
                    self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise
        if tx.changes and self.on_commit is not None:
            self.on_commit(tx.changes)

    def reader(self) -> Db:
        """This thread's read-only connection."""
        reader: Db | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = open_reader(self.profile, THREAD_CACHE)
            self._local.reader = reader
            with self._lock:
                self._readers.add(reader)
        return reader

    def shrink(self) -> None:
        """Give back what the writing connection and this thread's own keep, and what was freed elsewhere: there is
        nothing to do.  Takes a millisecond.
        """
        with self._lock, translated():
            self._writer.execute("PRAGMA shrink_memory")
            self.reader().connection.execute("PRAGMA shrink_memory")
        _trim()

    def close(self) -> None:
        """Close everything; the store must not be used afterwards.  Who is just reading has the end of it, and what it
        reads by is closed with the process.
        """
        with self._lock:
            for reader in list(self._readers):
                with suppress(apsw.ThreadingViolationError):
                    reader.close()
            self._writer.close()


def open_reader(profile: Profile, cache: int = CACHE) -> Db:
    """A read-only connection for a window, a command line or a thread; ``cache`` is KiB at most.

    Raises MailError code "store-missing" (nothing there yet) or "store-version" (made by another version).
    """
    if not profile.cache_db.exists():
        raise MailError(Kind.LOCAL, Retry.ASK, "This profile is empty; add an account first.", code="store-missing")
    with translated():
        connection = _open(str(profile.cache_db), apsw.SQLITE_OPEN_READONLY, cache)
        version = _user_version(connection)
        if version != schema.VERSION:
            connection.close()
            raise _version_error(version)
    return Db(connection)


def _trim() -> None:
    """Tell the C library to give freed memory back: glibc keeps what lies between pieces that are in use."""
    if sys.platform == "linux":
        import ctypes

        with suppress(OSError, AttributeError):  # a library that has no such function
            ctypes.CDLL(None).malloc_trim(0)


def release_memory() -> None:
    """Give back what SQLite's caches hold, when there is nothing to do for a while."""
    apsw.release_memory(1 << 30)


def migrate(connection: apsw.Connection) -> None:
    """Bring cache.db to ``schema.VERSION``, each step in one transaction; refuse a newer one."""
    version = _user_version(connection)
    if version > schema.VERSION:
        raise _version_error(version)
    if version == 0:
        version = _begin(connection)
    if version < schema.VERSION:
        step_by_step(connection, version, schema.VERSION)


def _begin(connection: apsw.Connection) -> int:
    """Make of an empty file what the first steps together would, in one transaction; returns how many these are."""
    from mua.store import fresh

    with translated():
        connection.execute(f"BEGIN IMMEDIATE; {fresh.SCHEMA} PRAGMA user_version={fresh.VERSION}; COMMIT")
    return fresh.VERSION


def step_by_step(connection: apsw.Connection, version: int, wanted: int) -> None:
    """Bring cache.db from ``version`` to ``wanted``, each step in one transaction."""
    _teach(connection)
    for number in range(version, wanted):
        with translated():
            connection.execute(
                f"BEGIN IMMEDIATE; {schema.MIGRATIONS[number]}; PRAGMA user_version={number + 1}; COMMIT"
            )


def _teach(connection: apsw.Connection) -> None:
    """What migrations ask of us about the mail that is there; a meaning that changes is a new step."""
    import json

    from mua.mime import subject

    functions: dict[str, Callable[..., str | int]] = {
        "mua_topic": lambda text: subject.topic(text)[0],
        "mua_answers": lambda text: int(subject.topic(text)[1]),
        "mua_who": lambda people: subject.whoever(json.loads(people)),
    }
    for name, function in functions.items():
        connection.create_scalar_function(name, function, 1, deterministic=True)


def _user_version(connection: apsw.Connection) -> int:
    return int(Db(connection).value("PRAGMA user_version"))


def _version_error(version: int) -> MailError:
    text = (
        "This profile was written by a newer Mua; update Mua to open it."
        if version > schema.VERSION
        else "The profile is being brought up to date; this takes a moment."
    )
    return MailError(Kind.LOCAL, Retry.ASK, text, f"schema {version}, expected {schema.VERSION}", "store-version")


def _open(path: str, flags: int, cache: int = CACHE) -> apsw.Connection:
    with translated():
        connection = apsw.Connection(path, flags=flags)
        connection.set_busy_timeout(BUSY_MS)
        connection.execute(f"PRAGMA cache_size=-{cache}; PRAGMA temp_store=MEMORY")
        return connection


class _Translated:
    """A class, not a generator: this is entered around every statement, a hundred thousand times in a first sync."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, apsw.Error):
            raise _mail_error(error) from error


_TRANSLATED = _Translated()


def translated() -> _Translated:
    """SQLite's errors as MailErrors: a full disk is a sentence, not a traceback."""
    return _TRANSLATED


def _mail_error(error: apsw.Error) -> MailError:
    said = str(error)
    if isinstance(error, apsw.FullError):
        return disk_full(said)
    if isinstance(error, apsw.IOError | apsw.CantOpenError | apsw.ReadOnlyError | apsw.PermissionsError):
        no_room = getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE  # the file beside it does not fit
        if no_room or "full" in said.lower() or "No space" in said:
            return disk_full(said)
        text = "The profile on this computer cannot be read or written; check the disk and its permissions."
        return MailError(Kind.LOCAL, Retry.ASK, text, said, "disk-error")
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        text = (
            "The profile's database is damaged; the mail on the server is safe. Move the profile away and start anew."
        )
        return MailError(Kind.LOCAL, Retry.NEVER, text, said, "store-damaged")
    if isinstance(error, apsw.InterruptError):
        return MailError(Kind.LOCAL, Retry.SOON, "This was not looked up to its end.", "", "interrupted")
    return _broken(error)


def _broken(error: apsw.Error) -> MailError:
    text = "Mua's store did not do what it should; nothing that was saved is lost. Please report it with the log."
    return MailError(Kind.BUG, Retry.SOON, text, f"{type(error).__name__}: {error}", "store-error")


def disk_full(detail: str) -> MailError:
    """The error of a full disk: nothing was lost, since nothing half-written is ever committed."""
    text = "The disk of this computer is full; nothing is lost. Free some space, and Mua goes on by itself."
    return MailError(Kind.LOCAL, Retry.SOON, text, detail, "disk-full")
