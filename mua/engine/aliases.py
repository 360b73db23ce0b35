"""The aliases of this computer: ``/etc/aliases`` and the files that it includes, read when they have changed.

Rule of the file: what cannot be read is as if it were not there, and said once; nothing in it is ever executed.
"""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from mua.errors import MailError
from mua.log import ENGINE
from mua.mime.encode import wire_address
from mua.paths import etc, mail_name
from mua.plan import aliases
from mua.plan.aliases import Expanded

MAX_FILE = 1 << 20  # octets
MAX_SAID = 1000  # lines of the log that are remembered, so that each is there once
LOCAL = ("localhost", "localhost.localdomain")


class Aliases:
    """To whom mail for this computer's names goes."""

    def __init__(self) -> None:
        self._read: tuple[int, int, int] | None = None
        self._table: dict[str, tuple[str, ...]] = {}
        self._said: set[str] = set()

    def expanded(self, recipients: Iterable[str]) -> Expanded:
        """Who gets a message for ``recipients``, and which of them are refused."""
        self._look()
        name = mail_name()
        domains = tuple(dict.fromkeys((name, os.uname().nodename.lower(), *LOCAL)))
        found = aliases.expanded(recipients, self._table, domains, self._include, _on_wire)
        for text in found.refused.values():
            self._say(text)
        return found

    def _look(self) -> None:
        path = etc() / "aliases"
        try:
            facts = path.stat()
            mark = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
            if mark != self._read:
                self._table = aliases.table(_text(path))
                self._read = mark
        except FileNotFoundError:
            self._table, self._read = {}, None
        except OSError as error:
            self._say(f"{path} cannot be read: {error.strerror}")

    def _include(self, path: str) -> str | None:
        try:
            return _included(path)
        except OSError as error:
            self._say(f"{path}, which an alias includes, cannot be read: {error.strerror}")
        except ValueError:  # no name of a file
            pass
        return None

    def _say(self, text: str) -> None:
        if len(self._said) >= MAX_SAID:  # a name may be written in many ways
            self._said.clear()
        if text not in self._said:
            self._said.add(text)
            ENGINE.warning("%s", text)


def _on_wire(address: str) -> str | None:
    try:
        return wire_address(address)
    except MailError:
        return None


def _included(path: str) -> str:
    """A list that an alias includes, which any user may keep: what only the engine can read comes into no report.

    Raises OSError.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(errno.EINVAL, "it is no file")
        if facts.st_uid != 0 and not facts.st_mode & stat.S_IROTH:
            raise PermissionError(errno.EACCES, "it is neither root's nor everybody's to read")
        if facts.st_size > MAX_FILE:
            raise OSError(errno.EFBIG, "it is too large")
        return os.read(handle, MAX_FILE).decode("utf-8", "replace")
    finally:
        os.close(handle)


def _text(path: Path) -> str:
    """A regular file's text; whatever is none would keep us waiting."""
    if not path.is_file():
        raise FileNotFoundError(2, "it is no file", str(path))
    with path.open("rb") as file:
        return file.read(MAX_FILE).decode("utf-8", "replace")
