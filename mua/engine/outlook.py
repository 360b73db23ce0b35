"""Outlook's files (.pst): ``readpst`` (Debian's pst-utils), where it is installed, makes .eml files and vCards of one.

Rules of the file: the file itself is only read; ``readpst`` is a process of its own with a bound for its time, its
memory and the disk, and ends when a person stops the import; what it wrote is gone when it has been read.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from mua.engine.mailfiles import notes
from mua.errors import Kind, MailError, Retry

MAGIC = b"!BDN"  # [MS-PST] 2.2.2.6
SECONDS = 3600.0
MEMORY = 2 << 30  # octets
SPARE = 256 << 20  # octets of the disk that stay free
_TURN = 0.2  # seconds between two looks at it
_SKIPPED = re.compile(rb"items done, (\d+) items skipped")


def is_outlook(path: Path) -> bool:
    """Whether a file is one of Outlook's, by its first octets."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


@contextlib.contextmanager
def unpacked(path: Path, stop: threading.Event) -> Iterator[tuple[Path, int]]:
    """(a folder with what is in the file, how many items readpst did not write); the folder goes with the block.

    Raises MailError "no-readpst", "file-unreadable", "disk-full" or "timeout".
    """
    program = shutil.which("readpst")
    if program is None:
        text = (
            "Outlook's files are read by readpst, which is not installed on this computer; install the package"
            " pst-utils (in some systems it is called libpst), then import the file again."
        )
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="no-readpst")
    with tempfile.TemporaryDirectory(prefix="mua-outlook-", ignore_cleanup_errors=True) as top:
        folder, said = Path(top) / path.stem, Path(top) / "said"
        folder.mkdir()
        command = [program, "-e", "-D", "-j", "0", "-o", str(folder), str(path.resolve())]
        with said.open("wb") as words:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words)
        try:
            _bound(child)
            _wait(child, path, folder, stop)
        finally:
            child.kill()
            child.wait()
        if child.returncode and not stop.is_set():
            text = f"readpst could not read “{path.name}”: it is damaged, or of a kind that readpst does not know."
            raise MailError(Kind.LOCAL, Retry.ASK, text, f"exit {child.returncode}", "file-unreadable")
        yield folder, sum(int(one) for one in _SKIPPED.findall(notes(said)))


def _bound(child: subprocess.Popen[bytes]) -> None:
    """A file that was made to be swallowed whole takes no more memory than that."""
    with contextlib.suppress(ImportError, AttributeError, OSError):  # Linux has it
        import resource

        resource.prlimit(child.pid, resource.RLIMIT_AS, (MEMORY, MEMORY))


def _wait(child: subprocess.Popen[bytes], path: Path, folder: Path, stop: threading.Event) -> None:
    end = time.monotonic() + SECONDS
    while child.poll() is None and not stop.wait(_TURN):
        if time.monotonic() > end:
            text = f"readpst did not come to the end of “{path.name}” in an hour and was stopped; nothing was imported."
            raise MailError(Kind.LOCAL, Retry.ASK, text, code="timeout")
        if shutil.disk_usage(folder).free < SPARE:
            text = (
                f"There is no room to unpack “{path.name}”: make some where temporary files are, then import it again."
            )
            raise MailError(Kind.LOCAL, Retry.ASK, text, code="disk-full")
