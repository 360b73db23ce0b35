"""Where a message lands while it is fetched, before it has a row: in memory, or from a size on in a file of ``big/``.

Rule of the file: a landing that nobody keeps leaves nothing behind; a crash leaves a ``.part`` that upkeep sweeps.
"""

import contextlib
import dataclasses
import hashlib
import os
import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import IO

from mua.engine.context import Context
from mua.engine.reading import facts
from mua.mime.message import Gist, Parsed, gist_of, parse
from mua.mime.text import light_text
from mua.model.message import MessageId
from mua.store.blobs import file_errors
from mua.store.write import BodyFacts

IN_MEMORY = 1 << 20  # octets
HEAD = 1 << 20  # octets of a large message that are parsed for the list


class Landing:
    """One message on its way in; ``size`` octets so far.  It is written, then ``land``ed, then stored or closed."""

    def __init__(self, folder: Path) -> None:
        self.size = 0
        self.raw = b""  # once landed: all of it, or of a large message the beginning
        self.parsed: Parsed | None = None  # once landed
        self.path: Path | None = None
        self._folder = folder
        self._file: IO[bytes] = BytesIO()
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> bytes:
        """SHA-256 of what was written."""
        return self._hash.digest()

    def write(self, data: bytes, /) -> None:
        """Take the next octets.  Raises OSError."""
        self.size += len(data)
        self._hash.update(data)
        if self.path is None and self.size > IN_MEMORY:
            self._move_to_disk()
        self._file.write(data)

    def _move_to_disk(self) -> None:
        memory = self._file
        handle, name = tempfile.mkstemp(dir=self._folder, prefix="in-", suffix=".part")
        self._file, self.path = os.fdopen(handle, "w+b"), Path(name)
        memory.seek(0)
        self._file.write(memory.read())

    def land(self) -> None:
        """Everything was written: make a file durable, and look at the beginning."""
        with file_errors():
            self._file.seek(0)
            self.raw = self._file.read(HEAD if self.path else -1)
            if self.path is not None:
                os.fsync(self._file.fileno())
            self._file.close()
        self.parsed = parse(self.raw, light_text)

    def close(self) -> None:
        """Nobody keeps it; after ``store`` this does nothing."""
        self._file.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink(missing_ok=True)


def store(context: Context, landed: Sequence[tuple[MessageId, Landing]]) -> list[BodyFacts]:
    """Make the bytes of these messages durable under their ids; returns what a list shows of them."""
    small = [(one, landing) for one, landing in landed if landing.path is None]
    places = context.bodies.put([(one, landing.raw) for one, landing in small], durable=True)
    places |= {one: context.bodies.adopt(one, landing.path) for one, landing in landed if landing.path is not None}
    found = [(landing, facts(one, places[one], landing.raw, _gist(landing))) for one, landing in landed]
    return [dataclasses.replace(fact, size=landing.size) for landing, fact in found]


def _gist(landing: Landing) -> Gist | None:
    return gist_of(landing.parsed) if landing.parsed is not None else None
