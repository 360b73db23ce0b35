"""Which contacts are listed, found on a thread of its own: of a book, a group, deleted ones, or collected addresses.

Rules of the file: the newest question only; collected addresses (whom the person wrote to and who is in no book) are
read out of the mail, and kept nowhere else.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from PySide6.QtCore import QObject

from mua.gui.seeker import Seeker
from mua.language import tr
from mua.model.contact import Book, BookId, Contact, ContactId, fold
from mua.paths import Profile
from mua.plan import duplicates
from mua.plan.address_book import Met, weight
from mua.plan.duplicates import Suspicion
from mua.records import dataclass
from mua.store import contacts, read
from mua.store.db import Db

_SUSPECTED = 200  # suspicions that are shown


@dataclass(frozen=True, slots=True)
class Shown:
    """What is listed: everybody, or a ``book``, a ``group``, or one of ``special``."""

    book: int = 0
    group: str = ""
    special: str = ""


COLLECTED, DELETED = Shown(special="collected"), Shown(special="deleted")


@dataclass(frozen=True, slots=True)
class Found:
    """The ids in order, the rows where those are known already; ``outline``: the books, and the groups with how many
    are in each, where that was asked for.
    """

    ids: list[int]
    rows: tuple[Contact, ...] = ()
    outline: tuple[list[Book], list[tuple[str, int]]] | None = None


class Finder(QObject):
    """Looks up lists of contacts for one page."""

    def __init__(self, profile: Profile, parent: QObject) -> None:
        super().__init__(parent)
        self._seeker = Seeker(profile, self)
        self._question = 0
        self._told: Callable[[object], object] | None = None
        self._seeker.found.connect(self._found)

    @staticmethod
    def choices(books: Sequence[Book], groups: Sequence[tuple[str, int]]) -> list[tuple[str, Shown]]:
        """What can be listed, with its name."""
        found = [(tr("All contacts"), Shown())]
        found += [(one.name, Shown(book=one.id)) for one in books] if len(books) > 1 else []
        found += [(tr("Group: {name}", name=name), Shown(group=name)) for name, _ in groups]
        return [*found, (tr("Written to, in no book"), COLLECTED), (tr("Deleted in the last 30 days"), DELETED)]

    def find(self, shown: Shown, letters: str, told: Callable[[Found], object], *, outline: bool = False) -> None:
        """Tell ``told`` who fits, later."""

        def ask(db: Db) -> Iterator[tuple[object, bool]]:
            about = (contacts.books(db), contacts.group_names(db)) if outline else None
            yield replace(_listed(db, shown, letters), outline=about), True

        self._ask(ask, lambda found: told(found) if isinstance(found, Found) else None)

    def duplicates(self, told: Callable[[list[Suspicion], dict[int, Contact]], object]) -> None:
        """Tell ``told`` who may be there twice, and who those are."""

        def ask(db: Db) -> Iterator[tuple[object, bool]]:
            found = duplicates.find(contacts.everybody(db))[:_SUSPECTED]
            ids = [one for each in found for one in each.contacts]
            yield (found, {one.id: one for one in contacts.rows(db, ids)}), True

        self._ask(ask, lambda found: told(*found) if isinstance(found, tuple) else None)

    def close(self) -> None:
        """End the thread."""
        self._told = None
        self._seeker.close()

    # ---- inside
    def _ask(self, ask: Callable[[Db], Iterator[tuple[object, bool]]], told: Callable[[object], object]) -> None:
        self._told = told
        self._question = self._seeker.ask(ask)

    def _found(self, question: int, found: object, _: bool) -> None:
        told = self._told
        if question == self._question and told is not None:
            self._told = None
            told(found)


def _listed(db: Db, shown: Shown, letters: str) -> Found:
    if shown == DELETED:
        rows = [one.contact for one in contacts.gone(db)]
        return _fitting(rows, letters)
    if shown == COLLECTED:
        return _fitting(_collected(db), letters)
    return Found([*contacts.order(db, shown.book or None, letters, shown.group)])


def _fitting(rows: list[Contact], letters: str) -> Found:
    words = fold(letters).split()
    fit = [one for one in rows if all(word in fold(f"{one.name} {' '.join(one.addresses)}") for word in words)]
    return Found([one.id for one in fit], tuple(fit))


def _collected(db: Db) -> list[Contact]:
    """Whom the person wrote to, the likeliest first; they have ids below zero."""
    now = int(time.time())
    written: list[Met] = [one for one in read.people(db) if one.written]
    here = contacts.addresses(db)
    fresh = [one for one in written if one.address.lower() not in here]
    fresh.sort(key=lambda one: weight(one, now), reverse=True)
    return [
        Contact(ContactId(-place), BookId(0), "", one.name or one.address, (one.address,))
        for place, one in enumerate(fresh, 1)
    ]
