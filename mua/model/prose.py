"""What a person writes, as data: lines of text with few formats, between an editor, HTML, Markdown and plain text.

Rule of the file: whatever a piece of writing goes through, its words stay; a format that a form does not have is left
out there.  A line is a ``Block``: paragraphs are told apart by empty lines, as in plain text.
"""

from enum import StrEnum

from mua.records import dataclass


class Kind(StrEnum):
    """What a line is."""

    TEXT = "text"
    HEADING = "heading"
    CODE = "code"
    BULLET = "bullet"
    NUMBER = "number"
    RULE = "rule"
    TABLE = "table"
    """The whole table is one block: ``rows``."""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture in the text: ``name`` is its Content-ID (RFC 2392) without brackets; sizes in pixels, 0: its own."""

    name: str
    text: str = ""
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """Text of one look.  ``link`` is where it leads; ``colour`` is #rrggbb or empty; with ``image`` there is no text.

    U+2028 ends a line inside a block.
    """

    text: str
    bold: bool = False
    italic: bool = False
    struck: bool = False
    code: bool = False
    link: str = ""
    colour: str = ""
    image: Image | None = None

    @property
    def plain(self) -> bool:
        """Plain text says as much."""
        looks = self.bold or self.italic or self.struck or self.code or self.colour
        return not (self.text.strip() and (looks or told_link(self))) and self.image is None


Cell = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """A line, or a table.  ``level``: of a heading, or how deep a list item stands (from 1); ``quote``: how often it
    is quoted; ``number``: what a numbered item begins to count from (0: it goes on from the one before).
    """

    runs: tuple[Run, ...] = ()
    kind: Kind = Kind.TEXT
    level: int = 0
    quote: int = 0
    rows: tuple[tuple[Cell, ...], ...] = ()
    number: int = 0

    def quoted(self, times: int) -> "Block":
        """The same, quoted so often."""
        return Block(self.runs, self.kind, self.level, times, self.rows, self.number)

    @property
    def text(self) -> str:
        """Its words."""
        return "".join(run.text for run in self.runs)

    @property
    def plain(self) -> bool:
        """Plain text says as much."""
        return self.kind is Kind.TEXT and all(run.plain for run in self.runs)


Prose = tuple[Block, ...]


def told_link(run: Run) -> str:
    """Where a run leads, unless its own text says so."""
    text = run.text
    same = (text, "mailto:" + text, "https://" + text, "http://" + text)
    return "" if run.link in same or run.link.rstrip("/") in same else run.link


def is_formatted(prose: Prose) -> bool:
    """Whether plain text alone would lose something."""
    return not all(block.plain for block in prose)


def images(prose: Prose) -> tuple[str, ...]:
    """The names of the pictures in it, in order."""
    cells = (cell for block in prose for row in block.rows for cell in row)
    runs = (run for some in (*(block.runs for block in prose), *cells) for run in some)
    return tuple(dict.fromkeys(run.image.name for run in runs if run.image is not None))


def quoted(prose: Prose) -> Prose:
    """The same, quoted once more."""
    return tuple(one.quoted(one.quote + 1) for one in prose)
