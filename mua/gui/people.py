"""The people known: who a few letters may mean, found on a thread of its own while the person types.

Rules of the file: the newest question only; whoever asked an older one hears nothing more; names and addresses come
harmless.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua.gui import words
from mua.gui.seeker import Seeker
from mua.model.address import Address
from mua.store import read
from mua.store.db import Db

if TYPE_CHECKING:
    from mua.gui.desk import Desk

_OFFERED = 12
Told = Callable[[list[Address]], object]


class People(QObject):
    """Who the store knows, for the address fields of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._seeker = Seeker(desk.library.profile, self)
        self._question = 0
        self._told: Told | None = None
        self._seeker.found.connect(self._found)
        self._seeker.failed.connect(lambda question, _: self._found(question, []))

    def find(self, letters: str, told: Told) -> None:
        """Tell ``told`` the people whose name or address holds ``letters``, the likeliest first, oneself last."""

        def ask(db: Db) -> Iterator[tuple[object, bool]]:
            yield read.known_addresses(db, letters, _OFFERED), True

        self._told = told
        self._question = self._seeker.ask(ask)

    def close(self) -> None:
        """End the thread."""
        self._told = None
        self._seeker.close()

    def _found(self, question: int, found: object, _: bool = True) -> None:
        told = self._told
        if question != self._question or told is None or not isinstance(found, list):
            return
        self._told = None
        mine = {account.email.lower() for account in self._desk.accounts}
        clean = [Address(words.shown(one.name, 100), words.shown(one.address, 300)) for one in found]
        told(sorted(clean, key=lambda one: one.address.lower() in mine))
