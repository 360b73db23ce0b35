"""What the engine has read of a message as it came in, told to the indexer's child, so that nobody reads it again.

Theory of operation: a line on the child's stdin, written before the row says that the body is here.  It is a favour and
no promise: what does not fit into the pipe is not told, what the child cannot keep it forgets, and in either case the
child reads the bytes itself.  So the engine never waits for a child that is busy, or that hangs.
"""

import contextlib
import json
import struct
import threading
from collections.abc import Sequence
from typing import IO

from mua.mime.message import Gist
from mua.mime.text import LARGE

MAX_RAW = LARGE  # octets of a message; of a larger one the engine and the indexer make different texts
PIPE = 1 << 20  # octets that a pipe holds, where that can be asked for
KEPT = 4_000_000  # characters that the child keeps until it comes to them
_MARGIN = 64 << 10  # octets: a pipe counts in pages
_MARK = "told "


def line(told: Sequence[tuple[int, Gist]]) -> str:
    """One line for the child."""
    return f"{_MARK}{json.dumps([(number, one.text, one.names) for number, one in told])}\n"


class Teller:
    """The engine's end of one child's pipe."""

    def __init__(self, pipe: IO[str]) -> None:
        self._pipe = pipe
        self._size = _widened(pipe)

    def tell(self, told: Sequence[tuple[int, Gist]]) -> bool:
        """Whether it was told; raises OSError when the child is gone."""
        if not self._size or not told:
            return False
        text = line(told)  # ASCII
        if len(text) + _waiting(self._pipe) + _MARGIN > self._size:
            return False
        self._pipe.write(text)
        self._pipe.flush()
        return True


def _widened(pipe: IO[str]) -> int:
    """How many octets the pipe holds; 0: that is not known here, and nothing is told."""
    try:
        import fcntl

        with contextlib.suppress(OSError):  # more than a user may have
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)
        return fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
    except (ImportError, AttributeError, OSError):
        return 0


def _waiting(pipe: IO[str]) -> int:
    """Octets in the pipe that the child has not read."""
    import fcntl
    import termios

    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0\0\0\0"))
    return int(count)


class Told:
    """What the child was told and has not come to yet; heard on one thread, taken on another."""

    def __init__(self) -> None:
        self._gists: dict[int, Gist] = {}
        self._size = 0
        self._lock = threading.Lock()

    def hear(self, text: str) -> bool:
        """Whether a line of stdin was one of these."""
        if not text.startswith(_MARK):
            return False
        for number, body, names in json.loads(text[len(_MARK) :]):
            with self._lock:
                if self._size + len(body) <= KEPT and number not in self._gists:
                    self._gists[number] = Gist(body, tuple(names), bool(names))
                    self._size += len(body)
        return True

    def take(self, number: int) -> Gist | None:
        """What is known of a message, once."""
        with self._lock:
            found = self._gists.pop(number, None)
            if found is not None:
                self._size -= len(found.text)
        return found

    def forget(self) -> None:
        """There is nothing left to do: what is still here is about messages that are gone."""
        with self._lock:
            self._gists.clear()
            self._size = 0
