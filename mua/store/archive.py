"""A whole profile as one file, and a profile out of such a file.

The file is a tar archive (POSIX, not compressed: mail in it is already): ``cache.db`` and ``body.db`` as they were at
one moment, ``big/``, ``drafts/``, ``settings.toml``, ``secrets`` where that was asked for, and last ``manifest.json``
with the size and SHA-256 of each.  The search index is left out: it is made again.

Rules of the file
- A backup is complete and was read back, or it is not there; nothing is written over.
- Rows are copied before bytes: bytes are there before the rows that name them, so no row of the copy misses any.
- Restoring believes nothing: names are known ones, hashes are compared, databases are checked, and the profile is empty
  before.  What waited to be sent is held, or two computers would send it.
"""

import errno
import hashlib
import io
import json
import os
import re
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import apsw

from mua.errors import Kind, MailError, Retry
from mua.model.outgoing import OutgoingId, Tending
from mua.paths import Profile
from mua.records import dataclass
from mua.store import queue
from mua.store.blobs import IN_DB, IN_FILE, sync_folder
from mua.store.db import Db, Tx, migrate, translated

FORMAT = "mua-backup-1"
SECRETS = "secrets"
MANIFEST = "manifest.json"
_NAME = re.compile(r"(?:cache\.db|body\.db|settings\.toml|secrets|(?:big|drafts)/[A-Za-z0-9][A-Za-z0-9._-]{0,200})")
_MAX_MANIFEST = 256 << 20  # octets
_CHUNK = 1 << 20
_BUSY = 10_000  # milliseconds

Told = Callable[[int, int], bool]
"""Given octets done and to do; True: stop."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What is in a backup.  ``missing``: messages whose bytes should be here, and are not."""

    messages: int
    files: int
    octets: int
    missing: int
    secrets: bool


class Stopped(Exception):
    """The person ended it; nothing is left behind."""


# ---- making one
def pack(profile: Profile, target: Path, secrets: bytes, told: Told) -> Packed:
    """Write the backup.  Raises OSError, ``Stopped``, or MailError "backup-damaged" when it reads back wrong."""
    fresh = target.with_name(f"{target.name}.new")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".mua-backup-") as folder:
            copies = [_copy(profile.cache_db, Path(folder)), _copy(profile.body_db, Path(folder))]
            messages, missing = _counted(Path(folder), profile.big)
            members = [(one.name, one) for one in copies] + list(_others(profile))
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                found = _write(file, members, secrets, told)
        if read_back(fresh) != found:
            raise _damaged("what was written reads back differently")
        _place(fresh, target)
        sync_folder(target.parent)
    finally:
        fresh.unlink(missing_ok=True)
    octets = sum(size for size, _ in found.values())
    return Packed(messages, len(found), octets, missing, SECRETS in found)


def _copy(path: Path, folder: Path) -> Path:
    """A database as it is at one moment, while others write to it."""
    copy = folder / path.name
    with translated():
        source = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        made = apsw.Connection(str(copy))
        with made.backup("main", source, "main") as work:
            work.step()
        made.close()
        source.close()
    return copy


def _counted(folder: Path, big: Path) -> tuple[int, int]:
    """(messages, those of them whose bytes are said to be here and are not) in copies of the databases."""
    connection = apsw.Connection(str(folder / "cache.db"), flags=apsw.SQLITE_OPEN_READONLY)
    with translated():
        connection.execute("ATTACH ? AS bodies", (str(folder / "body.db"),))
        db = Db(connection)
        sql = "SELECT count(*) FROM message WHERE has_body = ? AND id NOT IN (SELECT id FROM bodies.raw)"
        missing = db.value(sql, IN_DB)
        large = db.each("SELECT id FROM message WHERE has_body = ?", IN_FILE)
        missing += sum(not (big / f"{one}.eml").exists() for (one,) in large)
        messages = db.value("SELECT count(*) FROM message")
        connection.close()
    return int(messages), int(missing)


def _others(profile: Profile) -> Iterator[tuple[str, Path]]:
    if profile.settings.is_file():
        yield "settings.toml", profile.settings
    for folder in (profile.big, profile.drafts):
        for one in sorted(folder.iterdir()) if folder.is_dir() else ():
            name = f"{folder.name}/{one.name}"
            if one.is_file() and not one.is_symlink() and _NAME.fullmatch(name):
                yield name, one


def _write(file: IO[bytes], members: list[tuple[str, Path]], secrets: bytes, told: Told) -> dict[str, tuple[int, str]]:
    found: dict[str, tuple[int, str]] = {}
    total = sum(path.stat().st_size for _, path in members if path.exists())
    done = 0
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, path in members:
            try:
                stream = path.open("rb")
            except FileNotFoundError:
                continue  # sent or purged meanwhile; no row of the copy that was counted names it
            with stream:
                found[name] = _add(tar, name, stream, os.fstat(stream.fileno()).st_size)
            done += found[name][0]
            if told(done, total):
                raise Stopped
        if secrets:
            found[SECRETS] = _add(tar, SECRETS, io.BytesIO(secrets), len(secrets))
        manifest = json.dumps({"format": FORMAT, "made": int(time.time()), "files": found}).encode()
        _add(tar, MANIFEST, io.BytesIO(manifest), len(manifest))
    file.flush()
    os.fsync(file.fileno())
    return found


class _Hashing:
    """A stream that knows the hash of what was read of it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next octets."""
        data = self._stream.read(size)
        self.hash.update(data)
        return data


def _add(tar: tarfile.TarFile, name: str, stream: IO[bytes], size: int) -> tuple[int, str]:
    about = tarfile.TarInfo(name)
    about.size, about.mode, about.mtime = size, 0o600, int(time.time())
    hashing = _Hashing(stream)
    tar.addfile(about, hashing)
    return size, hashing.hash.hexdigest()


# ---- reading one
def read_back(path: Path) -> dict[str, tuple[int, str]]:
    """Name -> size and SHA-256 of what is in a backup.  Raises MailError "backup-damaged" where that is not so."""
    return _each(path, lambda _name, _data: None)


def _each(path: Path, take: Callable[[str, bytes | None], None]) -> dict[str, tuple[int, str]]:
    """Read a backup once, piece by piece; ``take`` gets a name with its next octets, and None at its end."""
    found: dict[str, tuple[int, str]] = {}
    manifest = b""
    with path.open("rb") as file, _archive(file) as tar:
        for one in tar:
            stream = tar.extractfile(one) if one.isreg() else None
            if stream is None or one.name in found or not (_NAME.fullmatch(one.name) or one.name == MANIFEST):
                raise _damaged(f"an entry {one.name[:80]!r}")
            if one.name == MANIFEST:
                manifest = stream.read(_MAX_MANIFEST)
                continue
            hashes = hashlib.sha256()
            while data := stream.read(_CHUNK):
                hashes.update(data)
                take(one.name, data)
            take(one.name, None)
            found[one.name] = one.size, hashes.hexdigest()
    if _promised(manifest) != found:
        raise _damaged("its list and its files differ")
    return found


@contextmanager
def _archive(file: IO[bytes]) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            yield tar
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise _damaged(str(error)[:200]) from error


def _promised(manifest: bytes) -> dict[str, tuple[int, str]]:
    try:
        told: Any = json.loads(manifest)
        if told["format"] != FORMAT:
            raise _damaged("another format")
        return {str(name): (int(size), str(digest)) for name, (size, digest) in told["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged("its list cannot be read") from error


def secrets_of(path: Path) -> bytes:
    """The sealed secrets in a backup; empty where it has none."""
    found: list[bytes] = []
    _each(path, lambda name, data: found.append(data) if name == SECRETS and data else None)
    return b"".join(found)


def restore(profile: Profile, path: Path) -> Packed:
    """Make an empty profile what a backup holds.

    Raises MailError "profile-not-empty", "backup-damaged", "store-version" or OSError; the profile is then as it was.
    """
    if profile.cache_db.exists() or profile.body_db.exists():
        text = "There is mail in this profile already; restore into a new one with --profile FOLDER."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="profile-not-empty")
    profile.create()
    return _restored(profile, path, _move)


def fill(profile: Profile, path: Path) -> Packed:
    """The same for a profile in use that nobody has put anything into yet; whoever uses it has to begin anew then.

    Raises like ``restore``.
    """
    _ask_unused(profile)
    return _restored(profile, path, _pour)


def _restored(profile: Profile, path: Path, put: Callable[[Path, Profile, dict[str, tuple[int, str]]], None]) -> Packed:
    with tempfile.TemporaryDirectory(dir=profile.root, prefix=".restoring-") as folder:
        staged = Path(folder)
        found = _unpack(path, staged)
        if not {"cache.db", "body.db"} <= found.keys():
            raise _damaged("a database is missing")
        for name in ("cache.db", "body.db"):
            _check(staged / name)
        _hold(staged / "cache.db")
        messages, missing = _counted(staged, staged / "big")
        put(staged, profile, found)
    return Packed(messages, len(found), sum(size for size, _ in found.values()), missing, SECRETS in found)


def _ask_unused(profile: Profile) -> None:
    """Raises MailError "profile-not-empty" where anything is in a profile."""
    connection = apsw.Connection(str(profile.cache_db), flags=apsw.SQLITE_OPEN_READONLY)
    with translated():
        tables = ("account", "message", "outgoing", "contact")
        used = any(Db(connection).value(f"SELECT 1 FROM {one} LIMIT 1") for one in tables)
        connection.close()
    if used:
        text = "There are accounts or contacts in this profile already, and a restored backup would take their place."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="profile-not-empty")


def _unpack(path: Path, staged: Path) -> dict[str, tuple[int, str]]:
    """Write what is in a backup below ``staged``; the secrets stay in the backup."""
    for name in ("big", "drafts"):
        (staged / name).mkdir(mode=0o700)
    writing: dict[str, IO[bytes]] = {}

    def take(name: str, data: bytes | None) -> None:
        if name == SECRETS:
            return
        if name not in writing:
            handle = os.open(staged / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            writing[name] = os.fdopen(handle, "wb")
        if data is not None:
            writing[name].write(data)
            return
        with writing.pop(name) as file:
            file.flush()
            os.fsync(file.fileno())

    try:
        return _each(path, take)
    finally:
        for file in writing.values():
            file.close()


def _check(path: Path) -> None:
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        said = [row[0] for row in connection.execute("PRAGMA quick_check(1)")]
        connection.close()
    except apsw.Error as error:
        raise _damaged(str(error)[:200]) from error
    if said != ["ok"]:
        raise _damaged(str(said[:1])[:200])


def _hold(path: Path) -> None:
    """Bring the rows up to date, and hold what waits to be sent."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        migrate(connection)
        tx = Tx(connection)
        with translated(), connection:
            after = OutgoingId(0)
            while ids := queue.open_ids(tx, after, 1000):
                queue.tend(tx, Tending.HOLD, ids, int(time.time()))
                after = ids[-1]
    finally:
        connection.close()


def _move(staged: Path, profile: Profile, found: dict[str, tuple[int, str]]) -> None:
    """Put everything in place; the rows last, which make a profile of it."""
    _move_files(staged, profile, found.keys() - {"cache.db", SECRETS})
    try:
        _place(staged / "cache.db", profile.cache_db)
    except FileExistsError as error:
        text = "Another Mua began to use this profile meanwhile; close it, and restore into a new one."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="profile-not-empty") from error
    sync_folder(profile.root)


def _pour(staged: Path, profile: Profile, found: dict[str, tuple[int, str]]) -> None:
    """The same under the eyes of those who have the databases open: each changes at once, the rows last."""
    _move_files(staged, profile, found.keys() - {"cache.db", "body.db", SECRETS})
    _pour_one(staged / "body.db", profile.body_db)
    _ask_unused(profile)
    _pour_one(staged / "cache.db", profile.cache_db)
    for tail in ("", "-wal", "-shm"):  # the index is of what was here before
        profile.fts_db.with_name(profile.fts_db.name + tail).unlink(missing_ok=True)


def _pour_one(path: Path, target: Path) -> None:
    with translated():
        source = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        into = apsw.Connection(str(target), flags=apsw.SQLITE_OPEN_READWRITE)
        into.set_busy_timeout(_BUSY)
        with into.backup("main", source, "main") as work:
            work.step()
        into.close()
        source.close()


def _move_files(staged: Path, profile: Profile, names: Iterable[str]) -> None:
    for name in names:
        (staged / name).replace(profile.root / name)
    for folder in (profile.big, profile.drafts, profile.root):
        sync_folder(folder)


def _place(path: Path, target: Path) -> None:
    """Give a file its name, unless there is one of that name meanwhile: FileExistsError."""
    try:
        os.link(path, target)
    except FileExistsError:
        raise
    except OSError as error:  # a file system without links, as sticks have
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, "there already", str(target)) from error
        path.rename(target)


def _damaged(why: str) -> MailError:
    text = "This is no backup of Mua, or it was damaged; nothing was changed. Use another copy of it."
    return MailError(Kind.LOCAL, Retry.ASK, text, why, "backup-damaged")
