"""The text of PDF files, made by a child process: a stranger's file may want all the time and memory there is.

Theory of operation: the child is started with the first PDF, gets one after the other (a line with its length and, if
it begins a message, its seconds; then its octets) and answers each with a line of JSON.  It has ``SECONDS`` of
processor time for those of one message together, and ``MEMORY`` octets for all; the kernel ends it when it wants more,
that PDF and those after it in the message have then no text, and the next message starts another child.  It reads with
pypdf, which is pure Python and loaded here only; where a distribution leaves it out, PDF files are found by their
names.
"""

import contextlib
import io
import json
import subprocess
import sys
from typing import Any

from mua.log import INDEX
from mua.paths import child_command, child_environment

SECONDS = 10  # of processor time for the files of one message
MEMORY = 1 << 30
MAX_PAGES = 500
MAX_TEXT = 500_000  # characters of one file


class Extractor:
    """The indexer's handle on its child."""

    def __init__(self, seconds: int = SECONDS) -> None:
        self._seconds = seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._begins, self._spent = True, False

    def begin(self) -> None:
        """What comes now are the files of another message."""
        self._begins, self._spent = True, False

    def text(self, data: bytes) -> str:
        """The text of a PDF; empty where none could be had, and after one of its message that was too much."""
        if self._spent:
            return ""
        try:
            if self._child is None:
                self._child = _start()
            assert self._child.stdin is not None
            assert self._child.stdout is not None
            self._child.stdin.write(b"%d %d\n" % (len(data), self._seconds if self._begins else 0))
            self._begins = False
            self._child.stdin.write(data)
            self._child.stdin.flush()
            return str(json.loads(self._child.stdout.readline()))
        except (OSError, ValueError) as error:
            INDEX.info("a PDF has no text for the index: %s", type(error).__name__)
            self._spent = True
            self.close()
            return ""

    def close(self) -> None:
        """End the child."""
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(1)
            return
        child.kill()
        child.wait()


def _start() -> "subprocess.Popen[bytes]":
    command = child_command("extractor")
    environment = {**child_environment(), "PYTHONUTF8": "1"}
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )


def main() -> int:
    """The child's life."""
    given, told = sys.stdin.buffer, sys.stdout
    while line := given.readline():
        length, seconds = map(int, line.split())
        data = given.read(length)
        if seconds:
            _limit(seconds)
        told.write(json.dumps(_text(data)) + "\n")
        told.flush()
    return 0


def _limit(more: int) -> None:
    import resource  # not on Windows, which has no such limits either

    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime) + more
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _text(data: bytes) -> str:
    try:
        from pypdf import PdfReader
    except ImportError:
        return ""
    found: list[str] = []
    left = MAX_TEXT
    try:
        for page in _pages(PdfReader(io.BytesIO(data))):
            found.append(page.extract_text()[:left])
            left -= len(found[-1])
            if left <= 0:
                break
    except Exception:  # noqa: BLE001  whatever a stranger's file does to it: what was read so far is text all the same
        pass
    return "\n".join(found)


def _pages(reader: Any) -> "list[Any]":
    if reader.is_encrypted:
        reader.decrypt("")  # most are only closed to changes
    return list(reader.pages[:MAX_PAGES])
