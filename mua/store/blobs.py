"""Raw messages: kept as received, byte for byte.

Up to 256 KB a message is a zstd-compressed row of body.db; above, a file in ``big/``.  Both are durable *before* the
row of cache.db that names them, so that a crash leaves only orphans, never a message without its bytes.  The bytes of a
message that disappeared are kept 30 days (``store/ledger.purgeable``, ``engine/upkeep``).
"""

import errno
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import apsw
import zstandard

from mua.errors import Kind, MailError, Retry
from mua.paths import Profile
from mua.store import schema
from mua.store.db import BUSY_MS, Db, disk_full, translated

BIG = 256 * 1024
LEVEL = 3
MAX_MESSAGE = 512 * 1024 * 1024

IN_DB, IN_FILE = 1, 2


class Bodies:
    """The raw messages of a profile.  One writer (the engine), any number of readers (``readonly``)."""

    def __init__(self, profile: Profile, *, readonly: bool = False) -> None:
        self.profile = profile
        self._lock = threading.Lock()
        self._dictionaries: dict[int, zstandard.ZstdCompressionDict] = {}
        self._decompressors: dict[int, zstandard.ZstdDecompressor] = {}  # used under the lock
        flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
        with translated():
            self._db = apsw.Connection(str(profile.body_db), flags=flags)
            self._db.set_busy_timeout(BUSY_MS)
            if not readonly:
                Db(self._db).rows("PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL")
                self._db.execute(schema.BODY)
        self._compressor = zstandard.ZstdCompressor(level=LEVEL)
        self._dictionary = 0
        if not readonly:
            self._use_newest_dictionary()

    def put(self, items: Sequence[tuple[int, bytes]], *, durable: bool = False) -> dict[int, int]:
        """Store raw messages by id; returns per id where it went (the value of message.has_body)."""
        places = {}
        with self._lock, translated():
            small = [(one, raw) for one, raw in items if len(raw) <= BIG]
            packed = [(one, len(raw), self._dictionary, self._compressor.compress(raw)) for one, raw in small]
            if packed:
                self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
                with self._db:
                    self._db.executemany(
                        "INSERT OR REPLACE INTO raw(id, size, dictionary, data) VALUES (?,?,?,?)", packed
                    )
                places.update({one: IN_DB for one, _ in small})
        for one, raw in items:
            if len(raw) > BIG:
                self._put_file(one, raw)
                places[one] = IN_FILE
        return places

    def _put_file(self, message_id: int, raw: bytes) -> None:
        write_file(self.path(message_id), raw)
        self._forget_row(message_id)

    def _forget_row(self, message_id: int) -> None:
        """A row that a crash left behind must not hide the file of the message that got its id."""
        with self._lock, translated():
            self._db.execute("DELETE FROM raw WHERE id = ?", (message_id,))

    def adopt(self, message_id: int, path: Path) -> int:
        """Take over a file that was streamed into ``big/`` (already fsynced) as this message's bytes."""
        with file_errors():
            path.replace(self.path(message_id))
            sync_folder(self.profile.big)
        self._forget_row(message_id)
        return IN_FILE

    def link(self, message_id: int, path: Path) -> int:
        """Take a durable file that stays where it is as this message's bytes too, as a link where those are."""
        with file_errors():
            own = self.path(message_id)
            try:
                own.unlink(missing_ok=True)
                own.hardlink_to(path)
            except OSError:  # a file system without links
                with path.open("rb") as file:
                    write_file(own, iter(partial(file.read, BIG), b""))
            sync_folder(self.profile.big)
        self._forget_row(message_id)
        return IN_FILE

    def copy(self, source: int, message_id: int) -> int:
        """Make one message's bytes another one's too; returns as ``put``, 0 when they are not here."""
        path = self.file(source)
        if path is not None:
            return self.link(message_id, path)
        sql = "INSERT OR REPLACE INTO raw(id, size, dictionary, data) SELECT ?, size, dictionary, data FROM raw"
        with self._lock, translated():
            self._db.execute(f"{sql} WHERE id = ?", (message_id, source))
            return IN_DB if self._db.changes() else 0

    def file(self, message_id: int) -> Path | None:
        """The file of a big message that is here; None for one in body.db, or not here."""
        path = self.path(message_id)
        return path if path.exists() and not self._has_row(message_id) else None

    def skimmed(self, message_id: int) -> bytes | None:
        """The message, or of a large one what is needed to list and to find it (``mime.pieces.skim``)."""
        row = self._of_row(message_id)
        if row is not None:
            return row
        path = self.path(message_id)
        if not path.exists():
            return None
        from mua.mime.pieces import SKIMMED, skim  # loaded by the first large mail

        with file_errors(), path.open("rb") as file:
            return file.read() if path.stat().st_size <= SKIMMED else skim(file)

    def path(self, message_id: int) -> Path:
        """The file of a big message."""
        return self.profile.big / f"{message_id}.eml"

    def get(self, message_id: int) -> bytes | None:
        """The message as received, or None when its bytes are not here."""
        row = self._of_row(message_id)
        if row is not None:
            return row
        path = self.path(message_id)
        with file_errors():
            return path.read_bytes() if path.exists() else None

    def _of_row(self, message_id: int) -> bytes | None:
        """The bytes of a message that is kept in body.db."""
        with self._lock, translated():
            found = self._db.execute("SELECT size, dictionary, data FROM raw WHERE id = ?", (message_id,)).fetchone()
            if found is None:
                return None
            size, dictionary, data = found
            return self._decompressor(dictionary).decompress(data, max_output_size=size)

    def digest(self, message_id: int) -> bytes:
        """SHA-256 of the bytes as they are read back now; empty when they are not here."""
        if self._has_row(message_id):
            return hashlib.sha256(self.get(message_id) or b"").digest()
        path = self.path(message_id)
        if not path.exists():
            return b""
        with file_errors(), path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()

    def _has_row(self, message_id: int) -> bool:
        with self._lock, translated():
            return self._db.execute("SELECT 1 FROM raw WHERE id = ?", (message_id,)).fetchone() is not None

    def delete(self, ids: list[int]) -> None:
        """Forget the bytes of these messages for good."""
        with self._lock, translated(), self._db:
            self._db.executemany("DELETE FROM raw WHERE id = ?", [(one,) for one in ids])
        for one in ids:
            self.path(one).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a crash left half written; only before anybody writes."""
        for path in self.profile.big.glob("*.part"):
            with file_errors():
                path.unlink(missing_ok=True)

    @property
    def has_dictionary(self) -> bool:
        """Whether new messages are compressed with a dictionary."""
        return bool(self._dictionary)

    def samples(self, count: int) -> list[bytes]:
        """The newest ``count`` small messages, or fewer."""
        with self._lock, translated():
            sql = "SELECT id FROM raw WHERE size < 65536 ORDER BY id DESC LIMIT ?"
            ids = [row[0] for row in self._db.execute(sql, (count,))]
        return [raw for one in ids if (raw := self.get(one)) is not None]

    def chunks(self, count: int) -> Iterator[list[int]]:
        """The ids of everything kept here, in chunks: first the rows of body.db, then the files in ``big/``."""
        last = -1
        while True:
            with self._lock, translated():
                sql = "SELECT id FROM raw WHERE id > ? ORDER BY id LIMIT ?"
                found = [int(row[0]) for row in self._db.execute(sql, (last, count))]
            if not found:
                break
            yield found
            last = found[-1]
        files = [int(path.stem) for path in self.profile.big.glob("*.eml") if path.stem.isdecimal()]
        for start in range(0, len(files), count):
            yield files[start : start + count]

    def train(self, samples: Sequence[bytes]) -> None:
        """Make a dictionary from small messages of this person: they compress to two thirds of what they did."""
        dictionary = zstandard.train_dictionary(64 * 1024, list(samples))
        with self._lock, translated(), self._db:
            self._db.execute("INSERT INTO dictionary(data) VALUES (?)", (dictionary.as_bytes(),))
        self._use_newest_dictionary()

    def close(self) -> None:
        """Close body.db, after what another thread is reading."""
        with self._lock:
            self._db.close()

    def _use_newest_dictionary(self) -> None:
        newest = Db(self._db).value("SELECT max(id) FROM dictionary")
        if newest:
            self._dictionary = newest
            self._compressor = zstandard.ZstdCompressor(level=LEVEL, dict_data=self._load(newest))

    def _decompressor(self, number: int) -> zstandard.ZstdDecompressor:
        if number not in self._decompressors:
            dictionary = self._load(number) if number else None
            self._decompressors[number] = zstandard.ZstdDecompressor(dict_data=dictionary)
        return self._decompressors[number]

    def _load(self, number: int) -> zstandard.ZstdCompressionDict:
        if number not in self._dictionaries:
            data = Db(self._db).value("SELECT data FROM dictionary WHERE id = ?", number)
            self._dictionaries[number] = zstandard.ZstdCompressionDict(data)
        return self._dictionaries[number]


def write_file(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write ``data`` so that after a crash ``path`` is whole or absent: temporary, fsync, rename, fsync folder.

    Blocks are written as they come; when they end in an exception, or the disk is full, nothing is left.
    """
    temporary = path.with_name(path.name + ".part")
    try:
        with file_errors():
            with temporary.open("wb") as file:
                file.writelines((data,) if isinstance(data, bytes) else data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` durable (a no-op where folders cannot be opened)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def file_errors() -> Iterator[None]:
    """A full disk or a missing permission, as a MailError."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(str(error)) from error
        text = "A file of the profile cannot be read or written; check the disk and its permissions."
        raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "disk-error") from error
