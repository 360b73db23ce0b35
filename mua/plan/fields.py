"""Fields in a text that is kept and used again: ``{{first name}}``, and with words for when there is none,
``{{first name|there}}``.

Rules of the file: pure; the names of fields are told apart by their words alone, not by capitals or blanks; a field
that nobody has an answer for stays as it is written, so that it is seen.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import quote, unquote

from mua.model.prose import Block, Prose, Run

CURSOR: Final = "{{cursor}}"
_FIELD = re.compile(r"\{\{([^{}|]{1,80})(?:\|([^{}]{0,400}))?\}\}")
_IN_LINK = re.compile(r"(?:%7B|\{){2}([^{}]{1,500}?)(?:%7D|\}){2}", re.IGNORECASE)
_LINE = "\u2028"


def name_of(text: str) -> str:
    """How a field is called, however it is written."""
    return " ".join(text.split()).casefold()


def names(text: str) -> tuple[str, ...]:
    """The fields of a text, each once, in order."""
    return tuple(dict.fromkeys(name_of(match[1]) for match in _FIELD.finditer(text)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its fields filled in; ``values`` by ``name_of``."""

    def answer(match: re.Match[str]) -> str:
        value = values.get(name_of(match[1]))
        return match[0] if value is None else value.strip() or (match[2] or "")

    return _FIELD.sub(answer, text)


def fill_prose(prose: Prose, values: Mapping[str, str]) -> Prose:
    """The same for what has formats: a field has the look of where it stands."""
    lined = {name: value.replace("\r\n", "\n").replace("\n", _LINE) for name, value in values.items()}

    def runs(some: tuple[Run, ...]) -> tuple[Run, ...]:
        return tuple(replace(one, text=fill(one.text, lined), link=_fill_link(one.link, values)) for one in some)

    def block(one: Block) -> Block:
        return replace(one, runs=runs(one.runs), rows=tuple(tuple(runs(cell) for cell in row) for row in one.rows))

    return tuple(block(one) if "{{" in _all_text(one) else one for one in prose)


def _fill_link(link: str, values: Mapping[str, str]) -> str:
    """An answer inside an address is escaped (RFC 3986 s.2.1)."""

    def answer(match: re.Match[str]) -> str:
        field = "{{" + unquote(match[1]) + "}}"
        filled = fill(field, values)
        return match[0] if filled == field else quote(filled, safe="@")

    return _IN_LINK.sub(answer, link)


def first_name(name: str) -> str:
    """What a person is called by: of "Okoye, Amara" as of "Amara Okoye"."""
    family, _, given = name.partition(",")
    rest = given.split() or family.split()
    return rest[0] if rest else ""


def _all_text(block: Block) -> str:
    cells = (run for row in block.rows for cell in row for run in cell)
    return "".join(run.text + _IN_LINK.sub("{{", run.link) for run in (*block.runs, *cells))
