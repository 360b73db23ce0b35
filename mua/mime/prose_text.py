"""What is written -> plain text that reads well, and back.

Rules of the file: pure; quotes are lines that begin with ">" (RFC 3676 s.4.5); lists keep their marks, links their
target, tables stand in columns; formats that plain text has no sign for are left out.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from mua.model.prose import Block, Cell, Kind, Prose, Run, told_link

_QUOTED = re.compile(r"((?:> ?)*>)( ?)(.*)\Z", re.DOTALL)
_WIDE_TABLE = 76  # columns
_LINE = "\u2028"


def from_text(text: str) -> Prose:
    """Each line a block; what begins with ">" is quoted."""
    return tuple(_line(line) for line in text.replace("\r\n", "\n").split("\n"))


def _line(line: str) -> Block:
    match = _QUOTED.match(line) if line.startswith(">") else None
    if match is None:
        return Block((Run(line),) if line else ())
    return Block((Run(match[3]),) if match[3] else (), quote=match[1].count(">"))


def to_text(prose: Prose) -> str:
    """The text as it is sent."""
    lines: list[str] = []
    for block, number in numbered(prose):
        mark = ">" * block.quote
        lines += [f"{mark} {line}".rstrip() if mark else line for line in _lines(block, number)]
    return "\n".join(lines).replace("\u00a0", " ")


def numbered(prose: Prose) -> Iterator[tuple[Block, int]]:
    """Each block with its number in its list (from 1; 0: it is in none that counts)."""
    counts: dict[int, int] = {}
    before = 0
    for block in prose:
        if block.quote != before or block.kind not in (Kind.BULLET, Kind.NUMBER):
            counts, before = {}, block.quote
        number = 0
        if block.kind in (Kind.BULLET, Kind.NUMBER):
            counts = {level: count for level, count in counts.items() if level <= block.level}
            if block.kind is Kind.NUMBER:
                number = counts[block.level] = block.number or counts.get(block.level, 0) + 1
            else:
                counts.pop(block.level, None)
        yield block, number


def _lines(block: Block, number: int) -> list[str]:
    if block.kind is Kind.TABLE:
        return _table(block.rows)
    if block.kind is Kind.RULE:
        return ["-" * 40]
    lines = inline(block.runs).split(_LINE)
    if block.kind is Kind.CODE:
        return [f"    {line}" if line else "" for line in lines]
    if block.kind in (Kind.BULLET, Kind.NUMBER):
        sign = f"{number}. " if block.kind is Kind.NUMBER else "* "
        inset = "  " * (block.level - 1)
        return [inset + (sign if place == 0 else " " * len(sign)) + line for place, line in enumerate(lines)]
    if block.kind is Kind.HEADING and block.level <= 2 and any(line.strip() for line in lines):
        return [*lines, ("=" if block.level == 1 else "-") * min(72, max(map(_width, lines)))]
    return lines


def inline(runs: Sequence[Run]) -> str:
    """Runs as plain text: a link with its target behind its text, an image by its words."""
    out: list[str] = []
    for place, run in enumerate(runs):
        if run.image is not None:
            out.append(f"[{run.image.text or 'image'}]")
            continue
        out.append(run.text)
        follows = place + 1 < len(runs) and runs[place + 1].link == run.link
        if run.link and not follows and run.text.strip() and _needs_target(runs, place):
            out.append(f" <{run.link.removeprefix('mailto:')}>")
    return "".join(out)


def _needs_target(runs: Sequence[Run], place: int) -> bool:
    """Whether the words of a link, which may be several runs, leave out where it leads."""
    start = place
    while start and runs[start - 1].link == runs[place].link:
        start -= 1
    return bool(told_link(Run("".join(run.text for run in runs[start : place + 1]), link=runs[place].link)))


def _table(rows: Sequence[Sequence[Cell]]) -> list[str]:
    """In columns where that fits into a line; else cell by cell."""
    texts = [[inline(cell).replace(_LINE, " ").strip() for cell in row] for row in rows]
    columns = max(map(len, texts), default=0)
    widths = [max((_width(row[at]) for row in texts if at < len(row)), default=0) for at in range(columns)]
    if sum(widths) + 3 * columns > _WIDE_TABLE:
        return [one for row in texts for one in (*(cell for cell in row if cell), "")]
    lines = [
        " | ".join(cell + " " * (widths[at] - _width(cell)) for at, cell in enumerate(row)).rstrip() for row in texts
    ]
    if len(lines) > 1:
        lines.insert(1, "-+-".join("-" * width for width in widths))
    return lines


def _width(text: str) -> int:
    """Columns of a fixed-width screen."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in text if not unicodedata.combining(one))
