"""The container that Outlook's .msg files are: storages and streams in a file (MS-CFB).

Rules of the file: never raises; each sector is followed at most once, so no chain of them loops; a stream is no longer
than the file.
"""

import struct
from typing import Final

from mua.records import dataclass

SIGNATURE: Final = bytes.fromhex("d0cf11e0a1b11ae1")
MAX_ENTRIES: Final = 50_000

_END: Final = 0xFFFFFFFA  # sector numbers from here on are marks
_STORAGE, _STREAM = 1, 2


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: int
    left: int
    right: int
    child: int
    start: int
    size: int


class Container:
    """The streams of a file by their paths (``storage/stream``); empty when the file is none."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._paths: dict[str, _Entry] = {}
        self._fat: list[int] = []
        self._mini: list[int] = []
        self._mini_stream = b""
        self._sector, self._mini_size, self._cutoff = 512, 64, 4096
        try:
            self._open()
        except (struct.error, ValueError, IndexError):
            self._paths = {}

    def names(self) -> list[str]:
        """The paths of all streams."""
        return [path for path, entry in self._paths.items() if entry.kind == _STREAM]

    def stream(self, path: str) -> bytes:
        """The octets of a stream; empty when there is none."""
        entry = self._paths.get(path)
        if entry is None or entry.kind != _STREAM:
            return b""
        if entry.size < self._cutoff:
            chain = self._chain(entry.start, self._mini)
            pieces = [self._mini_stream[at * self._mini_size : (at + 1) * self._mini_size] for at in chain]
            return b"".join(pieces)[: entry.size]
        return self._sectors(entry.start)[: entry.size]

    def _open(self) -> None:
        data = self._data
        if not data.startswith(SIGNATURE):
            raise ValueError("none")
        shift, mini_shift = struct.unpack_from("<HH", data, 30)
        if shift not in (9, 12) or mini_shift != 6:
            raise ValueError("sectors of a size that is none")
        self._sector, self._mini_size = 1 << shift, 1 << mini_shift
        directory, self._cutoff, mini, _, further, _ = struct.unpack_from("<I4xIIIII", data, 48)
        self._fat = self._table([at for at in self._fat_sectors(further) if at < _END])
        self._mini = self._table(self._chain(mini, self._fat))
        raw = self._sectors(directory)
        entries = [_entry(raw, at) for at in range(0, min(len(raw) - 127, 128 * MAX_ENTRIES), 128)]
        self._mini_stream = self._sectors(entries[0].start)[: entries[0].size]
        self._walk(entries)

    def _fat_sectors(self, further: int) -> list[int]:
        found, seen = list(struct.unpack_from("<109I", self._data, 76)), set[int]()
        per_sector = self._sector // 4 - 1
        while further < _END and further not in seen:
            seen.add(further)
            *more, further = struct.unpack_from(f"<{per_sector + 1}I", self._data, (further + 1) * self._sector)
            found += more
        return found

    def _table(self, sectors: list[int]) -> list[int]:
        raw = b"".join(self._at(one) for one in dict.fromkeys(sectors))
        return list(struct.unpack(f"<{len(raw) // 4}I", raw[: len(raw) // 4 * 4]))

    def _at(self, sector: int) -> bytes:
        return self._data[(sector + 1) * self._sector : (sector + 2) * self._sector]

    def _chain(self, sector: int, table: list[int]) -> list[int]:
        chain: dict[int, None] = {}
        while sector < len(table) and sector not in chain:
            chain[sector] = None
            sector = table[sector]
        return list(chain)

    def _sectors(self, start: int) -> bytes:
        return b"".join(self._at(one) for one in self._chain(start, self._fat))

    def _walk(self, entries: list[_Entry]) -> None:
        """From the root down; each entry once, so that a tree that is none ends."""
        seen, stack = {0}, [(entries[0].child, "")]
        while stack:
            number, prefix = stack.pop()
            if number >= len(entries) or number in seen:
                continue
            seen.add(number)
            entry = entries[number]
            stack += [(entry.left, prefix), (entry.right, prefix)]
            self._paths.setdefault(prefix + entry.name, entry)
            if entry.kind == _STORAGE and prefix.count("/") < 20:
                stack.append((entry.child, f"{prefix}{entry.name}/"))


def _entry(raw: bytes, at: int) -> _Entry:
    length, kind = struct.unpack_from("<HB", raw, at + 64)
    left, right, child = struct.unpack_from("<III", raw, at + 68)
    start, size = struct.unpack_from("<II", raw, at + 116)
    name = raw[at : at + min(max(length - 2, 0), 62)].decode("utf-16-le", "replace")
    return _Entry(name, kind, left, right, child, start, size)
