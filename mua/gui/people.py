"""The people known: who a few letters may mean, found on a thread of its own while the person types.

Theory of operation: everybody (of the mail there was, and of the address books) is read once, when the first composer
opens, into a ``plan.address_book.Book`` that answers each question in a moment; it is read anew when it is some minutes
old, or an address book has changed.

Rules of the file: the newest question only; whoever asked an older one hears nothing more; names and addresses come
harmless.
"""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from mua.gui import words
from mua.gui.seeker import Seeker
from mua.model.address import Address
from mua.model.contact import Group
from mua.plan.address_book import Book, known
from mua.store import contacts, read
from mua.store.db import Db

if TYPE_CHECKING:
    from mua.gui.desk import Desk

_OFFERED, _GROUPS = 12, 3
_FRESH = 180.0  # seconds
Told = Callable[[list[Address]], object]


class People(QObject):
    """Who the store knows, for the address fields of one window."""

    def __init__(self, desk: "Desk") -> None:
        super().__init__(desk)
        self._desk = desk
        self._seeker = Seeker(desk.library.profile, self)
        self._question = 0
        self._book: Book | None = None
        self._read_at = 0.0
        self._told: Callable[[list[Address | Group]], object] | None = None
        self._seeker.found.connect(self._found)
        desk.contacts_changed.connect(self.forget)
        self._seeker.failed.connect(lambda question, _: self._found(question, ([], [])))

    def find(self, letters: str, told: Told) -> None:
        """Tell ``told`` the people whose name or address holds ``letters``, the likeliest first, oneself last."""
        self.find_any(letters, lambda found: told([one for one in found if isinstance(one, Address)]))

    def find_any(self, letters: str, told: Callable[[list[Address | Group]], object]) -> None:
        """The same with groups, which come after the likeliest person."""

        def ask(db: Db) -> Iterator[tuple[object, bool]]:
            book = self._book_of(db)
            yield (book.find(letters, _OFFERED), book.groups(letters, _GROUPS)), True

        self._told = told
        self._question = self._seeker.ask(ask)

    def forget(self) -> None:
        """An address book has changed: read everybody anew for the next question."""
        self._read_at = -_FRESH

    def warm(self) -> None:
        """Read everybody, before the first letter is typed."""

        def ask(db: Db) -> Iterator[tuple[object, bool]]:
            self._book_of(db)
            yield ([], []), True

        self._told = None
        self._question = self._seeker.ask(ask)

    def _book_of(self, db: Db) -> Book:
        """Everybody; on the seeker's thread."""
        if self._book is None or time.monotonic() - self._read_at > _FRESH:
            self._read_at = time.monotonic()
            everybody = known(read.people(db), contacts.everybody(db))
            self._book = Book(everybody, int(time.time()), contacts.groups(db))
        return self._book

    def close(self) -> None:
        """End the thread."""
        self._told = None
        self._seeker.close()

    def _found(self, question: int, found: object, _: bool = True) -> None:
        told = self._told
        if question != self._question or told is None or not isinstance(found, tuple):
            return
        self._told = None
        mine = {account.email.lower() for account in self._desk.accounts}
        people, groups = found
        clean = [_clean(one) for one in people]
        people = sorted(clean, key=lambda one: one.address.lower() in mine)
        many = [Group(words.shown(one.name, 100), tuple(map(_clean, one.members))) for one in groups]
        told([*people[:1], *many, *people[1:]])


def _clean(one: Address) -> Address:
    return Address(words.shown(one.name, 100), words.shown(one.address, 300))
