"""Whom a few letters may mean: people ranked by how often and how lately there was mail, found also where a letter is
wrong.

Theory of operation: everybody is a line of one text, the likeliest first, so that a search is a walk through memory
from the beginning that ends when enough were found.  Letters that are wrong in one place leave one half of themselves
right: both halves are searched, and what stands around them is compared.

Rules of the file: pure; who does not know the letters' order finds people by the beginnings of several words ("ma li").
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from mua.model.address import Address
from mua.model.contact import Contact, Group, fold
from mua.records import dataclass

DAY: Final = 86_400  # seconds
HALF_LIFE: Final = 120 * DAY  # after which mail counts half
KEPT: Final = 5.0  # what it says that somebody is in an address book: half a letter of today
WRITTEN_TO: Final = 10  # how much more it says that the person wrote than that somebody wrote
FUZZY_FROM: Final = 4  # letters: shorter words are meant as they are
_MOST_HITS: Final = 700  # looked at for one question, so that none takes longer than a frame
_MOST_NEAR: Final = 150  # the same where a letter may be wrong
_PARTS: Final = frozenset(" .@-_<+'\"(")


@dataclass(frozen=True, slots=True)
class Met:
    """Somebody there was mail with: how often the person wrote (``written``) and they did (``got``), the last time
    ``last`` (UTC seconds).  ``kept``: they are in an address book.
    """

    address: str
    name: str
    written: int
    got: int
    last: int
    kept: bool = False


def weight(one: Met, now: int) -> float:
    """How likely somebody is meant, before a letter is typed."""
    age = max(0, now - one.last)
    return float((WRITTEN_TO * one.written + one.got) * 0.5 ** (age / HALF_LIFE)) + KEPT * one.kept


def known(history: Iterable[Met], contacts: Iterable[Contact]) -> list[Met]:
    """Everybody there was mail with and everybody in an address book, by whose names contacts are called."""
    found = {one.address.casefold(): one for one in history}
    for contact in contacts:
        for address in contact.addresses:
            before = found.get(address.casefold()) or Met(address, "", 0, 0, 0)
            if not before.kept:
                name = contact.name if contact.name != address else before.name
                found[address.casefold()] = replace(before, name=name, kept=True)
    return list(found.values())


class Book:
    """Everybody, as they were ``now`` (UTC seconds)."""

    def __init__(self, people: Iterable[Met], now: int, groups: Iterable[Group] = ()) -> None:
        self._groups = [(_folded(one.name), one) for one in groups if one.members]
        ranked = sorted(people, key=lambda one: weight(one, now), reverse=True)
        self._people = [Address(one.name, one.address) for one in ranked]
        self._text = "\n" + "\n".join(_folded(f"{one.name} {one.address}") for one in self._people) + "\n"
        self._starts: list[int] = []
        at = 1
        while at < len(self._text):
            self._starts.append(at)
            at = self._text.index("\n", at) + 1

    def __len__(self) -> int:
        return len(self._people)

    def find(self, letters: str, limit: int) -> list[Address]:
        """The likeliest whose name or address holds the letters; at most ``limit``.

        First where a name or the address begins so, then a word of the address, then where it is inside; where that is
            not enough, with one letter wrong.
        """
        words = _folded(letters).split()
        if not words or not self._people:
            return []
        longest = max(words, key=len)
        ranks: tuple[list[int], list[int], list[int]] = ([], [], [])
        for person, rank in self._hits(longest):
            if len(ranks[0]) >= limit:
                break
            if len(words) == 1 or (
                rank < 2 and all(self._begins(person, word) for word in words if word is not longest)
            ):
                ranks[rank].append(person)
        found = dict.fromkeys(person for some in ranks for person in some)
        if len(found) < limit and len(words) == 1 and len(longest) >= FUZZY_FROM:
            found |= dict.fromkeys(self._nearly(longest, limit - len(found)))
        return [self._people[one] for one in list(found)[:limit]]

    def groups(self, letters: str, limit: int) -> list[Group]:
        """The groups in whose names some words begin with all of these."""
        words = _folded(letters).split()
        if not words:
            return []
        found = (
            one
            for name, one in self._groups
            if all(any(part.startswith(word) for part in re.split(r"[^\w]+", name)) for word in words)
        )
        return list(islice(found, limit))

    # ---- inside
    def _hits(self, word: str) -> Iterator[tuple[int, int]]:
        """(who, 0 to 2: how good a hit it is), the likeliest first, each once with the best of their hits."""
        at, looked = self._text.find(word), 0
        while at >= 0 and looked < _MOST_HITS:
            person = self._person(at)
            end = self._end(person)
            best = 2
            while 0 <= at < end:
                before = self._text[at - 1]
                best = min(best, 0 if before in " \n" else 1 if before in _PARTS else 2)
                at = self._text.find(word, at + 1)
            yield person, best
            looked += 1

    def _nearly(self, word: str, limit: int) -> list[int]:
        """Who has a word that differs in one letter."""
        middle = len(word) // 2
        found: dict[int, None] = {}
        for half, before in ((word[:middle], 0), (word[middle:], middle)):
            at, looked = self._text.find(half), 0
            while at >= 0 and looked < _MOST_NEAR and len(found) < limit:
                looked += 1
                person = self._person(at)
                start, end = self._starts[person], self._end(person)
                for shift in (0, 1, -1):
                    begin = at - before - shift
                    if begin < start or not (self._text[begin - 1] in _PARTS or self._text[begin - 1] == "\n"):
                        continue
                    if any(_one_apart(word, self._text[begin : min(end, begin + long)]) for long in _lengths(word)):
                        found.setdefault(person)
                        break
                at = self._text.find(half, at + 1)
        return sorted(found)

    def _begins(self, person: int, word: str) -> bool:
        at = self._text.find(word, self._starts[person], self._end(person))
        while at >= 0:
            if self._text[at - 1] in _PARTS or self._text[at - 1] == "\n":
                return True
            at = self._text.find(word, at + 1, self._end(person))
        return False

    def _person(self, at: int) -> int:
        """Whose line it is."""
        return bisect_right(self._starts, at) - 1

    def _end(self, person: int) -> int:
        return self._starts[person + 1] - 1 if person + 1 < len(self._starts) else len(self._text) - 1


def _lengths(word: str) -> tuple[int, int, int]:
    return len(word), len(word) - 1, len(word) + 1


def _one_apart(one: str, other: str) -> bool:
    """One letter more, less, another, or two that are swapped."""
    if len(one) > len(other):
        one, other = other, one
    same = 0
    while same < len(one) and one[same] == other[same]:
        same += 1
    if len(one) == len(other):
        swapped = one[same : same + 2] == other[same : same + 2][::-1] and one[same + 2 :] == other[same + 2 :]
        return swapped or one[same + 1 :] == other[same + 1 :]
    return len(other) - len(one) == 1 and one[same:] == other[same + 1 :]


def _folded(text: str) -> str:
    """Small letters without accents, on one line."""
    return fold(text).replace("\n", " ")
