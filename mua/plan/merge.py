"""One letter to each person of a list: what a list says, and when each one goes.

Rules of the file: pure; a list is anybody's file and has caps; a row that cannot be written to is told by its number,
never left out in silence; nobody gets it twice.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Final

from mua.model.address import Address
from mua.plan.fields import first_name, name_of, names
from mua.records import dataclass

MOST_ROWS: Final = 10_000
MOST_LINES: Final = 500_000  # with empty ones
MOST_COLUMNS: Final = 100
MOST_OCTETS: Final = 20_000_000
_ADDRESS_NAMES: Final = (
    "email", "e-mail", "mail", "address", "email address", "e-mail address", "email 1", "e-mail 1 - value", "adresse",
    "e-mail-adresse", "courriel", "correo", "correo electrónico",
)  # fmt: skip
_NAMES: Final = ("name", "full name", "display name", "nom", "nombre")
_WRITTEN, _END = re.compile(r"\S"), re.compile(r"[\r\n]")
_LIKE_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")


@dataclass(frozen=True, slots=True)
class Table:
    """A list: ``columns`` as ``fields.name_of`` has them, ``rows`` with the number of the line that each stands on."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[int, tuple[str, ...]], ...] = ()
    cut: bool = False
    """There were more rows than are taken."""


@dataclass(frozen=True, slots=True)
class One:
    """One person's letter: to whom, and what its fields say."""

    to: Address
    values: dict[str, str]


@dataclass(frozen=True, slots=True)
class Merge:
    """What becomes of a list: ``letters`` go; ``left`` are (line, address, why): "none", "bad", "twice" or "had"."""

    letters: tuple[One, ...] = ()
    left: tuple[tuple[int, str, str], ...] = ()


def read_table(data: bytes) -> Table:
    """A list as a spreadsheet saves it: comma, semicolon or tab between, UTF-8, UTF-16 or Windows's letters.

    The first line has the names of the columns.  Whatever is wrong in it, this never raises.
    """
    text = _decoded(data[:MOST_OCTETS])
    between = max(",;\t", key=_first_line(text).count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=between)
    found: list[tuple[int, tuple[str, ...]]] = []
    columns: tuple[str, ...] = ()
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells[:MOST_COLUMNS]]
            if not any(cells):
                if reader.line_num > MOST_LINES:
                    return Table(columns, tuple(found), cut=True)
                continue
            if not columns:
                columns = tuple(name_of(cell) for cell in cells)
            elif len(found) == MOST_ROWS:
                return Table(columns, tuple(found), cut=True)
            else:
                found.append((reader.line_num, tuple(cells)))
    except csv.Error:  # a field without an end: what was read until then is the list
        return Table(columns, tuple(found), cut=True)
    return Table(columns, tuple(found))


def address_column(table: Table) -> int:
    """Which column has the addresses: by its name, else by what most of it looks like; -1: none."""
    for name in _ADDRESS_NAMES:
        if name in table.columns:
            return table.columns.index(name)
    some = table.rows[:200]
    counts = [
        sum(len(row) > at and _LIKE_ADDRESS.fullmatch(row[at]) is not None for _, row in some)
        for at in range(len(table.columns))
    ]
    best = max(range(len(counts)), key=counts.__getitem__, default=-1)
    return best if best >= 0 and counts[best] * 2 > len(some) else -1


def merge(table: Table, is_bad: Callable[[Address], bool], has_it: Callable[[One], bool] = lambda _: False) -> Merge:
    """Who gets a letter, and who does not; ``has_it``: whether somebody has this one already."""
    place = address_column(table)
    letters: list[One] = []
    left: list[tuple[int, str, str]] = []
    seen: set[str] = set()
    for line, row in table.rows:
        text = row[place] if 0 <= place < len(row) else ""
        values = dict(zip(table.columns, (*row, *("" for _ in table.columns)), strict=False))
        name = next((values[one] for one in _NAMES if values.get(one)), "")
        values.setdefault("first name", values.get("given name") or first_name(name))
        one, key = One(Address(name, text), values), text.lower()
        why = "none" if not text else "bad" if is_bad(one.to) else "twice" if key in seen else ""
        why = why or ("had" if has_it(one) else "")
        seen.add(key)
        if why:
            left.append((line, text, why))
        else:
            letters.append(one)
    return Merge(tuple(letters), tuple(left))


def unknown_fields(texts: Sequence[str], table: Table) -> tuple[str, ...]:
    """The fields of a letter that the list says nothing of."""
    known = {*table.columns, "first name"}
    return tuple(dict.fromkeys(one for text in texts for one in names(text) if one not in known))


def delays(count: int, a_minute: int, first: int) -> list[int]:
    """After how many seconds each goes: ``first`` for the first, ``a_minute`` of them a minute (0: all at once)."""
    return [first + (number * 60 // a_minute if a_minute else 0) for number in range(count)]


def _first_line(text: str) -> str:
    """The first line that says anything."""
    begin = _WRITTEN.search(text)
    if begin is None:
        return ""
    end = _END.search(text, begin.end())
    start = max(text.rfind(one, 0, begin.start()) for one in "\r\n") + 1
    return text[start : end.start() if end else len(text)]


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")
