"""A disk that loses power: what was synced is there afterwards, of the rest whatever a seed decides.

    with Disk(folder, seed) as disk:
        ...                          # databases and files are opened and written in ``folder``
        disk.lose_power(image)       # what a start after a power cut at this moment finds

Theory of operation: SQLite writes through a VFS of ours (over its own), so each write and sync of a database and its
log is seen; of other files each ``os.fsync`` is.  A file's bytes are safe when the file was synced, its name when the
folder was.  An unsynced write of a database may have reached the disk or not, one by one.  Names may reach it long
before the bytes, so half of the seeds keep every new name (and find the file empty), the others none.
"""

import os
import random
import stat
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import apsw

_VFS = "mua-disk"


class Disk:
    """``on_sync`` is called after each sync, while it is set."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.dice = random.Random(seed)
        self.keeps_names = self.dice.random() < 0.5
        self.on_sync: Callable[[], None] | None = None
        self._safe: dict[str, bytes] = {}  # databases: path -> what was synced
        self._flying: dict[str, list[tuple[int, bytes | None]]] = {}  # since then: (offset, data), or (length, None)
        self._bytes: dict[int, bytes] = {}  # other files: inode -> what was synced
        self._held: list[int] = []  # handles that keep an inode from being given to another file
        self._names: dict[Path, dict[str, int]] = {}  # folders: what was synced

    def __enter__(self) -> Self:
        self._vfs = _Vfs(self)
        self._fsync, os.fsync = os.fsync, self._synced_file  # type: ignore[assignment]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.fsync = self._fsync
        self._vfs.unregister()
        for handle in self._held:
            os.close(handle)

    # -- what is seen

    def opened(self, path: str) -> None:
        """A database file, or its log, is opened."""
        if path not in self._safe:
            self._safe[path] = Path(path).read_bytes() if Path(path).exists() else b""
            self._flying[path] = []

    def written(self, path: str, offset: int, data: bytes | None) -> None:
        """Bytes were written, or (None) the file was cut to that length."""
        self._flying[path].append((offset, data))

    def synced(self, path: str) -> None:
        """Everything written to a database file is safe now."""
        self._safe[path] = _after(self._safe[path], self._flying[path])
        self._flying[path] = []
        self._tell()

    def removed(self, path: str) -> None:
        """SQLite removed a file (a log that is not needed any more)."""
        self._safe.pop(path, None)
        self._flying.pop(path, None)

    def _synced_file(self, file: Any) -> None:
        handle = file if isinstance(file, int) else file.fileno()
        self._fsync(handle)
        found = os.fstat(handle)
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if not path.is_relative_to(self.folder):
            return
        if stat.S_ISDIR(found.st_mode):
            self._names[path] = _listed(path)
        else:
            self._bytes[found.st_ino] = Path(f"/proc/self/fd/{handle}").read_bytes()
            self._held.append(os.dup(handle))
        self._tell()

    def _tell(self) -> None:
        if self.on_sync is not None:
            self.on_sync()

    # -- what is left

    def lose_power(self, image: Path) -> None:
        """Make ``image`` a copy of the folder as the next start finds it."""
        for folder in (path for path in [self.folder, *self.folder.rglob("*")] if path.is_dir()):
            (image / folder.relative_to(self.folder)).mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, safe in self._safe.items():
            kept = [write for write in self._flying[path] if self.dice.random() < 0.5]
            (image / Path(path).relative_to(self.folder)).write_bytes(_after(safe, kept))
        for folder, names in self._names.items():
            names = (_listed(folder) if self.keeps_names else {}) | names
            for name, inode in names.items():
                target = image / folder.relative_to(self.folder) / name
                if not target.exists():
                    target.write_bytes(self._bytes.get(inode, b""))


def _listed(folder: Path) -> dict[str, int]:
    with os.scandir(folder) as entries:
        return {entry.name: entry.inode() for entry in entries if entry.is_file()}


def _after(data: bytes, writes: list[tuple[int, bytes | None]]) -> bytes:
    whole = bytearray(data)
    for offset, new in writes:
        if new is None:
            del whole[offset:]
        else:
            whole.extend(bytes(max(0, offset - len(whole))))
            whole[offset : offset + len(new)] = new
    return bytes(whole)


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        super().__init__(_VFS, "unix", makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> "_File":
        return _File(self.disk, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        super().xDelete(filename, syncdir)
        self.disk.removed(filename)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name or "")
        self.disk, self.path = disk, path if path.startswith(str(disk.folder)) else ""
        if self.path:
            disk.opened(self.path)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        super().xWrite(data, offset)
        if self.path:
            self.disk.written(self.path, offset, bytes(data))

    def xTruncate(self, newsize: int) -> None:
        super().xTruncate(newsize)
        if self.path:
            self.disk.written(self.path, newsize, None)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        if self.path:
            self.disk.synced(self.path)
