"""What is written -> Markdown, and back: CommonMark with tables and struck text, as people write it in a mail.

Rules of the file: pure, and never raises.  A line is a line (no line joins the one before), an empty line stays, lines
that begin with ">" are quoted and no other; HTML, references, underlined headings and indented code are not read, so
that no words get lost.  What is written out is read again, line by line: where that gives other words, the line goes
without its formats.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from mua.mime.prose_text import from_text, inline, numbered
from mua.model.prose import Block, Cell, Image, Kind, Prose, Run

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

_LINE: Final = "\u2028"
_SIGNATURE: Final = "-- "
_QUOTED = re.compile(r"((?:> ?)*>) ?")
_FENCE = re.compile(r" {0,3}(`{3,}(?!.*`)|~{3,})")
_BAR = re.compile(r"(?<!\\)\|")
_SIZE = re.compile(r"(\d{0,5})x(\d{0,5})\Z")
_TARGET = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_SPECIAL = re.compile(r"([\\`*\[\]<|~])|(?<![^\W_])(_)|(_)(?![^\W_])|(!(?=\[|\Z))|(&(?=#?\w+;))")
_OPENS = re.compile(
    r"(\s*)(?:(#{1,6})(?=\s|$)|([-+])(?=\s|$)|(\d{1,9})([.)])(?=\s|$)|(>)|([-_=](?=(?:\s*[-_=]){2,}\s*$)))"
)


# --- in --------------------------------------------------------------------------------------------------------------


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False})
    made.enable(["table", "strikethrough"])
    made.disable(["html_block", "html_inline", "reference", "lheading", "code", "blockquote"])
    made.validateLink = _may_lead_to  # type: ignore[method-assign]  # the library's own way to say it
    made.block.ruler.before("paragraph", "mail_line", _no_lazy_line, {"alt": ["paragraph"]})
    made.block.ruler.before("paragraph", "row_end", _no_row, {"alt": ["blockquote"]})
    return made


def _may_lead_to(url: str) -> bool:
    return bool(_TARGET.match(url)) or url.lower().startswith("cid:")


def _no_lazy_line(state: "StateBlock", line: int, _end: int, _silent: bool) -> bool:
    """A line that stands less far in than the list item before it does not belong to it."""
    return _silent and state.sCount[line] < state.blkIndent


def _no_row(state: "StateBlock", line: int, _end: int, silent: bool) -> bool:
    """A line without a bar is no row of the table before it: the table's rule asks those that end a quote."""
    return silent and not _BAR.search(state.src[state.bMarks[line] : state.eMarks[line]])


def from_markdown(source: str) -> Prose:
    """What Markdown means."""
    blocks: list[Block] = []
    for quote, lines in _stretches(source.replace("\r\n", "\n").split("\n")):
        if lines == [_SIGNATURE] and not quote:
            blocks.append(Block((Run(_SIGNATURE),)))
        else:
            blocks += [one.quoted(quote) for one in _read(lines)]
    return tuple(blocks)


def _stretches(lines: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Lines that are quoted equally often; inside a fence a ">" is code."""
    depth, held, fence = 0, list[str](), ""
    for line in lines:
        match = re.match(rf"(?:> ?){{{depth}}}", line) if fence else _QUOTED.match(line)
        level, rest = (match[0].count(">"), line[match.end() :]) if match else (0, line)
        apart = not level and line == _SIGNATURE and not fence
        if held and (level != depth or apart or held == [_SIGNATURE]):
            yield depth, held
            held, fence = [], ""
        depth = level
        held.append(rest)
        found = _FENCE.match(rest)
        if found and not fence:
            fence = found[1]
        elif fence and rest.strip().startswith(fence) and not rest.strip().strip(fence[0]):
            fence = ""
    if held:
        yield depth, held


def _read(lines: Sequence[str]) -> list[Block]:
    """The blocks of lines without quote marks; empty lines between them stay."""
    tokens = _parser().parse("\n".join(lines))
    out: list[Block] = []
    at = 0  # the first line that is not in ``out`` yet
    lists: list[Kind] = []
    start = 0  # what the list that just began counts from
    item = False  # the next line of text begins a list item
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.type in ("bullet_list_open", "ordered_list_open"):
            lists.append(Kind.BULLET if token.type.startswith("b") else Kind.NUMBER)
            start = int(token.attrs.get("start", 0))
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            lists.pop()
        elif token.type == "list_item_open":
            if item and lists:
                out.append(Block((), lists[-1], max(1, len(lists) - 1)))
            item = True
            at = _blank_until(out, at, token)
            if tokens[place + 1].type == "list_item_close":
                out.append(Block((), lists[-1], len(lists), number=start))
                item, at, start = False, (token.map or [at, at + 1])[1], 0
        elif token.map and token.type in ("paragraph_open", "heading_open", "fence", "hr", "table_open"):
            at = _blank_until(out, at, token)
            made, place = _blocks_of(tokens, place)
            if item and lists and token.type == "paragraph_open":
                first = [one for block in made for one in (Run(_LINE), *block.runs)][1:]
                made = [Block(tuple(first), lists[-1], len(lists), number=start)]
            elif item and lists:
                made.insert(0, Block((), lists[-1], len(lists), number=start))
            item, start = False, 0
            out += made
            at = token.map[1]
        place += 1
    out += [Block() for _ in range(len(lines) - at)]
    return out


def _blank_until(out: list[Block], at: int, token: "Token") -> int:
    start = token.map[0] if token.map else at
    out += [Block() for _ in range(start - at)]
    return max(at, start)


def _blocks_of(tokens: Sequence["Token"], place: int) -> tuple[list[Block], int]:
    """(what a block token and its children are, where its last token stands)"""
    token = tokens[place]
    if token.type == "hr":
        return [Block(kind=Kind.RULE)], place
    if token.type == "fence":
        code = token.content.removesuffix("\n").split("\n")
        return [Block((Run(line),) if line else (), Kind.CODE) for line in code], place
    if token.type == "table_open":
        return _table_of(tokens, place)
    content = tokens[place + 1]
    if token.type == "heading_open":
        return [Block(tuple(_runs_of(content.children or ())), Kind.HEADING, int(token.tag[1]))], place + 2
    lines = _lines_of(_runs_of(content.children or ()))
    return [Block(tuple(line)) for line in lines], place + 2


def _table_of(tokens: Sequence["Token"], place: int) -> tuple[list[Block], int]:
    rows: list[list[Cell]] = []
    while tokens[place].type != "table_close":
        token = tokens[place]
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(tuple(_runs_of(token.children or ())))
        place += 1
    return [Block(kind=Kind.TABLE, rows=tuple(tuple(row) for row in rows))], place


def _lines_of(runs: Sequence[Run]) -> list[list[Run]]:
    lines: list[list[Run]] = [[]]
    for run in runs:
        if run.text == _LINE:
            lines.append([])
        else:
            lines[-1].append(run)
    return lines


def _runs_of(tokens: Sequence["Token"]) -> list[Run]:
    found: list[Run] = []
    looks = {"strong": 0, "em": 0, "s": 0}
    link = ""
    for token in tokens:
        name, _, end = token.type.rpartition("_")
        if name in looks:
            looks[name] += 1 if end == "open" else -1
        elif name == "link":
            link = str(token.attrs.get("href", "")) if end == "open" else ""
        elif token.type in ("softbreak", "hardbreak"):
            found.append(Run(_LINE))
        elif token.type == "image":
            found.append(_image_of(token))
        elif token.content:
            code = token.type == "code_inline"
            run = Run(token.content, looks["strong"] > 0, looks["em"] > 0, looks["s"] > 0, code, link)
            last = found[-1] if found else None
            if last is not None and last.image is None and last.text != _LINE and _same(last, run):
                found[-1] = Run(last.text + run.text, run.bold, run.italic, run.struck, run.code, run.link)
            else:
                found.append(run)
    return found


def _same(one: Run, other: Run) -> bool:
    return (one.bold, one.italic, one.struck, one.code, one.link) == (
        other.bold, other.italic, other.struck, other.code, other.link
    )  # fmt: skip


def _image_of(token: "Token") -> Run:
    source = str(token.attrs.get("src", ""))
    size = _SIZE.match(str(token.attrs.get("title", "")))
    if not source.lower().startswith("cid:"):  # a picture from elsewhere is a link: nothing is loaded
        return Run(token.content or source, link=source)
    sides = [int(one) if one else 0 for one in size.groups()] if size else [0, 0]
    return Run("", image=Image(source[4:], token.content, *sides))


# --- out -------------------------------------------------------------------------------------------------------------


def to_markdown(prose: Prose) -> str:
    """The same as Markdown.  A colour has no sign there and is left out."""
    lines: list[str] = []
    before: Block | None = None
    inset: list[tuple[int, int]] = []
    fence = ""
    for place, (block, number) in enumerate(numbered(prose)):
        mark = "> " * block.quote
        after = prose[place + 1] if place + 1 < len(prose) else None
        same = before is not None and before.quote == block.quote
        if block.kind is Kind.TABLE and same and before is not None and before.kind is Kind.TABLE:
            lines.append(mark)
        if block.kind is Kind.CODE and not (same and before is not None and before.kind is Kind.CODE):
            fence = _fence(prose, place)
            lines.append(mark + fence)
        listed = block.kind in (Kind.BULLET, Kind.NUMBER)
        if listed and same and before is not None and before.runs and _parts(before, block, number):
            lines.append(mark)
        inset = [one for one in inset if one[0] < block.level] if listed and same else []
        lines += [(mark + line).rstrip(" ") if mark else line for line in _written(block, number, inset)]
        if block.kind is Kind.CODE and not (after and after.kind is Kind.CODE and after.quote == block.quote):
            lines.append(mark + fence)
        before = block
    return "\n".join(lines)


def _parts(before: Block, block: Block, number: int) -> bool:
    """A list item that would be taken for more of the line before it: an empty one, or one that counts from 2."""
    begins = before.kind is Kind.TEXT or (before.kind, before.level) != (block.kind, block.level)
    return begins and (not block.text.split(_LINE)[0].strip() or number > 1)


def _fence(prose: Prose, place: int) -> str:
    """One that the code from there on does not hold."""
    longest = 2
    for block in prose[place:]:
        if block.kind is not Kind.CODE:
            break
        longest = max([longest, *map(len, re.findall("`+", block.text))])
    return "`" * (longest + 1)


def _written(block: Block, number: int, inset: list[tuple[int, int]]) -> list[str]:
    """The lines of a block without quote marks; ``inset``: (level, columns) of each list item that it is in."""
    if block.kind is Kind.RULE:
        return ["---"]
    if block.kind is Kind.TABLE:
        return _table(block.rows)
    if block.kind is Kind.CODE:
        return block.text.split(_LINE)
    if block.kind is Kind.TEXT and block.text == _SIGNATURE and not block.quote:
        return [_SIGNATURE]
    lines = [_line(line) for line in _split(block.runs)]
    if block.kind is Kind.HEADING:
        words = " ".join(lines)
        return ["#" * min(6, max(1, block.level)) + " " + (words[:-1] + "\\#" if words.endswith("#") else words)]
    if block.kind not in (Kind.BULLET, Kind.NUMBER):
        return lines
    sign = f"{number}. " if block.kind is Kind.NUMBER else "- "
    left = sum(columns for _, columns in inset)
    inset.append((block.level, len(sign)))
    return [" " * left + (sign if at == 0 else " " * len(sign)) + line for at, line in enumerate(lines)]


def _split(runs: Sequence[Run]) -> list[list[Run]]:
    """The runs of each line of a block."""
    lines: list[list[Run]] = [[]]
    for run in runs:
        first, *rest = run.text.split(_LINE)
        for number, text in enumerate([first, *rest]):
            if number:
                lines.append([])
            if text or run.image:
                lines[-1].append(Run(text, run.bold, run.italic, run.struck, run.code, run.link, "", run.image))
    return lines


def _line(runs: Sequence[Run]) -> str:
    """One line, with its formats where it reads back with the same words."""
    words = inline([Run(run.text, image=run.image) for run in runs])
    if all(run.plain and not run.link for run in runs):
        return _at_start(_escaped(words))
    formatted = _at_start("".join(_marked(run) for run in _merged(runs)))
    if _reads_as(formatted, runs):
        return formatted
    linked = _at_start("".join(_marked(Run(run.text, link=run.link, image=run.image)) for run in runs))
    return linked if _reads_as(linked, runs) else _at_start(_escaped(inline(runs)))


def _reads_as(line: str, runs: Sequence[Run]) -> bool:
    read = _read([line])
    return (
        len(read) == 1
        and read[0].kind is Kind.TEXT
        and _comparable(read[0].runs) == _comparable(runs)
        and [run.image.name for run in read[0].runs if run.image] == [run.image.name for run in runs if run.image]
    )


def _comparable(runs: Sequence[Run]) -> str:
    return "".join(run.text for run in runs).replace("\u00a0", " ").strip(" ")


def _merged(runs: Sequence[Run]) -> list[Run]:
    """Blanks at the ends of a run belong to no format; neighbours that look alike are one."""
    out: list[Run] = []
    for run in runs:
        text = run.text
        if run.image is None and (run.bold or run.italic or run.struck) and not run.code and text.strip(" "):
            before, after = text[: len(text) - len(text.lstrip(" "))], text[len(text.rstrip(" ")) :]
            middle = Run(text.strip(" "), run.bold, run.italic, run.struck, link=run.link)
            out += [one for one in (Run(before), middle, Run(after)) if one.text]
        else:
            out.append(run)
    return out


def _marked(run: Run) -> str:
    if run.image is not None:
        size = f' "{run.image.width or ""}x{run.image.height or ""}"' if run.image.width or run.image.height else ""
        return f"![{_escaped(run.image.text)}](<cid:{run.image.name}>{size})"
    if not run.text:
        return ""
    if run.code:
        ticks = "`" * (max(map(len, re.findall("`+", run.text)), default=0) + 1)
        pad = " " if "`" in run.text or (run.text[0] == run.text[-1] == " " and run.text.strip()) else ""
        text = f"{ticks}{pad}{run.text}{pad}{ticks}"
    else:
        text = _escaped(run.text)
    if run.text.strip():
        for sign, wanted in (("~~", run.struck), ("*", run.italic), ("**", run.bold)):
            text = f"{sign}{text}{sign}" if wanted else text
    if run.link:
        target = run.link.replace("<", "%3C").replace(">", "%3E").replace("\n", "%0A")
        text = f"[{text}](<{target}>)" if re.search(r"[\s()<>\\]", target) else f"[{text}]({target})"
    return text


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda match: "\\" + match[0], text)


def _at_start(line: str) -> str:
    """So that the beginning of a line opens nothing, and its blanks stay."""
    bare = line.lstrip(" \t")
    if not bare:
        return ""
    blanks = line[: len(line) - len(bare)].replace("\t", "    ").replace(" ", "\u00a0")
    match = _OPENS.match(bare)
    if match:
        start = match.start(5) if match[4] else match.start() + len(match[1])
        bare = bare[:start] + "\\" + bare[start:]
    return blanks + bare.rstrip(" ")


def _table(rows: Sequence[Sequence[Cell]]) -> list[str]:
    lines = []
    for row in rows:
        cells = (_BAR.sub(r"\\|", " ".join(_line(line) for line in _split(cell))) for cell in row)
        lines.append("| " + " | ".join(cells) + " |")
    if rows:
        lines.insert(1, "|" + " --- |" * len(rows[0]))
    return lines


def same_words(one: Prose, other: Prose) -> bool:
    """Whether two pieces of writing say the same in the same order, whatever their formats and empty lines."""
    return _words(one) == _words(other)


def _words(prose: Prose) -> list[str]:
    found: list[str] = []
    for block in prose:
        cells = [cell for row in block.rows for cell in row] or [block.runs]
        for cell in cells:
            found += "".join(run.text or "\ufffc" for run in cell).split()
    return found


__all__ = ["from_markdown", "from_text", "same_words", "to_markdown"]
