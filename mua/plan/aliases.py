"""``/etc/aliases``: to whom mail for a local name goes.  Pure.

Rules of the file: a name is local where its domain is this computer's; what would run a program or write into a file is
refused, and said, and so is one that leads to nobody; ``/dev/null`` is taken at its word; a name that leads back to
itself ends there.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from mua.records import dataclass

MAX_TARGETS = 1000  # addresses that the aliases of one message make
MAX_DEPTH = 20  # aliases of aliases
STANDING = {"mailer-daemon": ("postmaster",), "postmaster": ("root",)}  # where the file says nothing (RFC 5321 s.4.5.1)

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|[^,"\s](?:[^,"]|"(?:[^"\\]|\\.)*")*')

Table = Mapping[str, tuple[str, ...]]


def table(text: str) -> dict[str, tuple[str, ...]]:
    """The entries of an aliases file: names in lower case; of equal ones the last counts."""
    found: dict[str, tuple[str, ...]] = {}
    for line in _lines(text):
        name, colon, value = _divided(line)
        if colon and name:
            found[name] = targets(value)
    return found


def targets(text: str) -> tuple[str, ...]:
    """The words of a list of targets, without quotes around a whole one; comments are not known here."""
    return tuple(_unquoted(one.strip()) for one in _WORD.findall(text) if one.strip())


def _lines(text: str) -> list[str]:
    """Logical lines: comments gone, continuation lines joined (aliases(5))."""
    found: list[str] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] in " \t" and found:
            found[-1] += " " + line.strip()
        else:
            found.append(line.strip())
    return found


def _divided(line: str) -> tuple[str, str, str]:
    if line.startswith('"'):
        quoted = _WORD.match(line)
        end = quoted.end() if quoted and quoted[0].endswith('"') else 0
        rest = line[end:].lstrip()
        return _unquoted(line[:end]).strip().lower(), rest[:1] if rest[:1] == ":" else "", rest[1:]
    name, colon, value = line.partition(":")
    return name.strip().lower(), colon, value


def _unquoted(word: str) -> str:
    if len(word) > 1 and word[0] == word[-1] == '"':
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    return word


@dataclass(frozen=True, slots=True)
class Expanded:
    """Who gets a message; ``refused``: the addresses that lead to something that Mua does not do, and what.

    Both empty: it is for ``/dev/null`` alone.
    """

    recipients: tuple[str, ...]
    refused: dict[str, str]


def expanded(
    recipients: Iterable[str],
    known: Table,
    domains: Sequence[str],
    include: Callable[[str], str | None],
    on_wire: Callable[[str], str | None],
) -> Expanded:
    """To whom mail for ``recipients`` (with domains) goes.

    ``domains`` are this computer's own, the first one is what its names get; ``include`` gives the text of a file,
    ``on_wire`` an address as it goes there.  Words that are none are in no answer: they may be from any file.
    """
    work = _Expansion(known, domains, include, on_wire)
    for one in recipients:
        work.follow(one, one, ())
    found = tuple(work.found)
    return Expanded(found, {one: why for one, why in work.refused.items() if one not in work.found})


class _Expansion:
    """One message's recipients being looked up."""

    def __init__(
        self,
        known: Table,
        domains: Sequence[str],
        include: Callable[[str], str | None],
        on_wire: Callable[[str], str | None],
    ) -> None:
        self.found: dict[str, None] = {}
        self.refused: dict[str, str] = {}
        self._known = known
        self._domains = domains
        self._include = include
        self._on_wire = on_wire
        self._met: set[str] = set()

    def follow(self, address: str, origin: str, way: tuple[str, ...]) -> None:
        """``origin`` is what the sender wrote, ``way`` the names that led here from it."""
        local, at, domain = address.rpartition("@")
        name = (local if at else address).removeprefix("\\")
        key = name.lower()
        entry = self._known.get(key) or STANDING.get(key)
        if at and domain.lower() not in self._domains:
            self._add(address, origin, way)
        elif entry is None or key in way or address.startswith("\\"):
            self._add(f"{name}@{self._domains[0]}", origin, way)
        elif key not in self._met:  # else its targets are there already: aliases of aliases cannot multiply
            self._met.add(key)
            targets = _included(entry, self._include)
            if not targets:  # a list with nobody on it: its mail must not end unseen
                self.refused[origin] = f"5.3.5 The alias {name} leads to nobody."
            for target in targets:
                self._target(target, name, origin, (*way, key))

    def _target(self, target: str, name: str, origin: str, way: tuple[str, ...]) -> None:
        if target == "/dev/null":
            return
        if target.startswith(("|", "/")):
            what = "a program" if target[0] == "|" else "a file"
            self.refused[origin] = f"5.3.5 The alias {name} hands mail to {what}, which Mua does not do."
        elif target.startswith(":"):
            self.refused[origin] = f"5.3.5 The alias {name} names a file that cannot be read."
        elif len(way) < MAX_DEPTH:
            self.follow(target, origin, way)
        else:
            self.refused[origin] = f"5.4.6 The alias {name} is the last of {MAX_DEPTH} that lead to each other."

    def _add(self, address: str, origin: str, way: tuple[str, ...]) -> None:
        known = self._on_wire(address)
        if known is None:
            self.refused[origin] = f"5.1.3 The alias {way[-1] if way else origin} leads to a word that is no address."
        elif len(self.found) < MAX_TARGETS or known in self.found:
            self.found[known] = None
        else:
            self.refused[origin] = f"5.4.6 The aliases lead to more than {MAX_TARGETS} addresses."


def _included(entry: tuple[str, ...], include: Callable[[str], str | None]) -> list[str]:
    """The targets, those in files in their place; a file that cannot be read stays as it is."""
    made: list[str] = []
    for target in entry:
        path = target[9:].strip() if target.lower().startswith(":include:") else ""
        text = include(path) if path.startswith("/") else None
        if text is None:
            made.append(target)
        else:
            lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
            made += [one for line in lines for one in targets(line) if not one.startswith(":")]
    return made
