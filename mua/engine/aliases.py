"""The aliases of this computer: ``/etc/aliases`` and the files that it includes, read when they have changed.

Rule of the file: what cannot be read is as if it were not there, and said once; nothing in it is ever executed.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from mua.errors import MailError
from mua.log import ENGINE
from mua.mime.encode import wire_address
from mua.paths import etc, mail_name
from mua.plan import aliases
from mua.plan.aliases import Expanded

MAX_FILE = 1 << 20  # octets
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
        found = aliases.expanded(recipients, self._table, domains, self._include)
        whole: dict[str, None] = {}
        refused = dict(found.refused)
        for one in found.recipients:
            try:
                whole[wire_address(one)] = None
            except MailError as error:
                refused[one] = f"5.1.3 {error.text}"
        for text in refused.values():
            self._say(text)
        return Expanded(tuple(whole), refused)

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
            return _text(Path(path))
        except OSError as error:
            self._say(f"{path}, which an alias includes, cannot be read: {error.strerror}")
            return None

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            ENGINE.warning("%s", text)


def _text(path: Path) -> str:
    """A regular file's text; whatever is none would keep us waiting."""
    if not path.is_file():
        raise FileNotFoundError(2, "it is no file", str(path))
    with path.open("rb") as file:
        return file.read(MAX_FILE).decode("utf-8", "replace")
