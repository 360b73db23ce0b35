"""What is written -> HTML that every program shows alike, and HTML of anybody -> what is written.

Rules of the file: pure, and never raises.  Out goes little HTML with styles on the elements only, no colour of ground
or text but a person's own, so that it reads well in the dark.  In comes what has a meaning (words, emphasis, links,
lists, headings, code, tables, pictures that the message itself holds); whatever loads, runs or only decorates does not.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Final
from unicodedata import bidirectional

from selectolax.lexbor import LexborHTMLParser, LexborNode

from mua.mime.prose_text import from_text
from mua.mime.text import is_bomb, stripped
from mua.model.prose import Block, Cell, Image, Kind, Prose, Run

MAX_HTML: Final = 4_000_000  # characters
MAX_DEPTH: Final = 200
MAX_SIDE: Final = 10_000  # pixels of a picture
QUOTE: Final = '<blockquote type="cite" style="margin:0 0 0 .8ex;border-left:2px solid #b8bec8;padding-left:1ex">'
_TABLE: Final = '<table border="1" cellspacing="0" cellpadding="6" style="border-collapse:collapse">'
_PRE: Final = '<pre style="font-family:monospace;white-space:pre-wrap;margin:0">'
_LINE = "\u2028"

# --- out -------------------------------------------------------------------------------------------------------------


def to_html(prose: Prose) -> str:
    """The page that is sent beside the plain text.  Lines are ``div``; a list inside a list is part of its item."""
    page = _Page()
    for block in prose:
        page.add(block)
    return "<html><body>" + "\n".join(page.finish()) + "</body></html>"


class _Page:
    """HTML that is being written: what is open, in order."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._quote = 0
        self._lists: list[str] = []
        self._coding = False

    def add(self, block: Block) -> None:
        listed = block.kind in (Kind.BULLET, Kind.NUMBER)
        if self._coding and (block.kind is not Kind.CODE or block.quote != self._quote):
            self._out[-1] += "</pre>"
            self._coding = False
        if not listed or block.quote != self._quote:
            self._close_lists(0)
        self._quote_to(block.quote)
        inside = runs_html(block.runs)
        if listed:
            self._item(block, inside)
        elif block.kind is Kind.CODE:
            self._out.append(("" if self._coding else _PRE) + inside.replace("<br>", "\n").replace("&nbsp;", " "))
            self._coding = True
        else:
            self._out.append(_block_html(block, inside))

    def finish(self) -> list[str]:
        if self._coding:
            self._out[-1] += "</pre>"
        self._close_lists(0)
        self._quote_to(0)
        return self._out

    def _quote_to(self, quote: int) -> None:
        if quote > self._quote:
            self._out.append(QUOTE * (quote - self._quote))
        elif quote < self._quote:
            self._out.append("</blockquote>" * (self._quote - quote))
        self._quote = quote

    def _item(self, block: Block, inside: str) -> None:
        tag, level = "ol" if block.kind is Kind.NUMBER else "ul", max(1, block.level)
        if block.number and len(self._lists) >= level:
            self._close_lists(level - 1)
        if len(self._lists) > level or (len(self._lists) == level and self._lists[-1] != tag):
            self._close_lists(level if self._lists[level - 1] == tag else level - 1)
        while len(self._lists) < level:
            if self._lists:
                self._out[-1] = self._out[-1].removesuffix("</li>") if self._lists else self._out[-1]
            self._lists.append(tag if len(self._lists) == level - 1 else "ul")
            start = f' start="{block.number}"' if block.number > 1 and len(self._lists) == level else ""
            far = "" if len(self._lists) > 1 else ' style="margin:0"'
            self._out.append(f"<{self._lists[-1]}{start}{_turned(block.text)}{far}>")
            if len(self._lists) < level:
                self._out.append("<li></li>")
        self._out.append(f"<li{_turned(block.text)}>{inside}</li>")

    def _close_lists(self, keep: int) -> None:
        while len(self._lists) > keep:
            end = f"</{self._lists.pop()}>"
            self._out.append(end + ("</li>" if self._lists else ""))


def _block_html(block: Block, inside: str) -> str:
    if block.kind is Kind.HEADING:
        level = min(6, max(1, block.level))
        return f'<h{level}{_turned(block.text)} style="margin:.5em 0 .2em">{inside}</h{level}>'
    if block.kind is Kind.RULE:
        return "<hr>"
    if block.kind is Kind.TABLE:
        rows = ("".join(map(_cell_html, row)) for row in block.rows)
        return _TABLE + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"
    return f"<div{_turned(block.text)}>{inside or '<br>'}</div>"


def _cell_html(cell: Cell) -> str:
    return f"<td{_turned(''.join(run.text for run in cell))}>{runs_html(cell) or '&nbsp;'}</td>"


def _turned(text: str) -> str:
    """The attribute of a line that is read from right to left: its first letter says so, as in the editor."""
    for one in text:
        way = bidirectional(one)
        if way in ("L", "R", "AL"):
            return "" if way == "L" else ' dir="rtl"'
    return ""


def runs_html(runs: Sequence[Run]) -> str:
    """Runs as HTML; a blank at the beginning stays one."""
    inside = "".join(map(_run_html, runs))
    return "&nbsp;" + inside[1:] if inside.startswith(" ") else inside


def _run_html(run: Run) -> str:
    if run.image is not None:
        image = run.image
        size = "".join(f' {side}="{long}"' for side, long in (("width", image.width), ("height", image.height)) if long)
        return f'<img src="cid:{escape(image.name)}" alt="{escape(image.text)}"{size} style="max-width:100%">'
    inside = escape(run.text, quote=False).replace(_LINE, "<br>").replace("\u00a0", "&nbsp;").replace("  ", "&nbsp; ")
    if not inside:
        return ""
    code = '<code style="font-family:monospace">'
    for tag, end, wanted in (
        (code, "</code>", run.code), ("<b>", "</b>", run.bold), ("<i>", "</i>", run.italic), ("<s>", "</s>", run.struck)
    ):  # fmt: skip
        inside = f"{tag}{inside}{end}" if wanted else inside
    if run.colour:
        inside = f'<span style="color:{run.colour}">{inside}</span>'
    return f'<a href="{escape(run.link)}">{inside}</a>' if run.link else inside


_DATA = re.compile(r'src="data:image/(?:png|jpeg|gif);base64,([A-Za-z0-9+/=]+)"')
MAX_PICTURE: Final = 400_000  # octets of one inside HTML


def by_name(html: str) -> tuple[str, dict[str, bytes]]:
    """HTML with the pictures that it holds itself (data: URLs) by name instead, and those pictures."""
    found: dict[str, bytes] = {}

    def name(match: re.Match[str]) -> str:
        try:
            data = base64.b64decode(match[1], validate=True)
        except binascii.Error:
            return 'src=""'
        if len(data) > MAX_PICTURE:
            return 'src=""'
        found[name_of(data)] = data
        return f'src="cid:{name_of(data)}"'

    return _DATA.sub(name, html), found


def name_of(picture: bytes) -> str:
    """A Content-ID for a picture, the same for the same one."""
    return f"{hashlib.blake2b(picture, digest_size=12).hexdigest()}@picture"


# --- in --------------------------------------------------------------------------------------------------------------

_UNSEEN: Final = frozenset(
    "style script title head template noscript meta link object embed svg math form select -comment".split()
)
_BLOCKS: Final = frozenset(
    "p div section article header footer main address center ul ol li dl dt dd table tbody thead tfoot tr td th"
    " blockquote pre h1 h2 h3 h4 h5 h6 hr form fieldset figure figcaption details summary nav aside body html".split()
)
_APART: Final = frozenset({"p", "dl", "figure"})
"""What has an empty line around it, unless its margins are none."""
_NO_MARGIN = re.compile(r"margin(?:-top|-bottom)?\s*:\s*0(?:\.0+)?(?:cm|in|px|pt|em|%)?(?![\w.%])", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all|visibility\s*:\s*hidden", re.IGNORECASE)
_STYLED = re.compile(r"\s*([\w-]+)\s*:\s*([^;]+)")
_COLOUR = re.compile(r"#[0-9a-f]{6}\Z|#[0-9a-f]{3}\Z", re.IGNORECASE)
_RGB = re.compile(r"rgb\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*\)")
_TARGET = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_WORD_LIST = re.compile(r"mso-list\s*:\s*l\d+\s+level(\d)", re.IGNORECASE)
_WORD_MARK = re.compile(r"^\s*(?:[\u00b7\u2022\u00a7o\u25aa\uf0b7-]|(\d{1,3}|[a-z])[.)])[\s\u00a0]+")
_NO_TEXT = re.compile(r"[\x00-\x08\x0a-\x1f\ufffc]")
_MEANT: Final = frozenset("b strong th i em cite dfn var s del strike code tt kbd samp a font".split())
_MAX_CELL: Final = 2_000  # characters: a longer one is layout


def from_html(
    source: str, *, pictures: Callable[[str], bool] = lambda _: False, colours: bool = True, seen: bool = False
) -> Prose:
    """The meaning of HTML: what a person pastes, quotes, or goes on with.

    ``pictures`` says of a Content-ID whether the letter has that picture; others leave their words.  ``colours``: text
    keeps its colour; ``seen``: only what a person who looks at it sees (``mime.unseen``).
    """
    source = source[:MAX_HTML]
    if is_bomb(source):
        return from_text(stripped(source))
    reader = _Reader(pictures, colours)
    page = LexborHTMLParser(source)
    if seen:
        from mua.mime.unseen import prune

        prune(page)
    root = page.body
    if root is not None:
        reader.children(root, _Look(), 0)
    return reader.result()


class _Look:
    """How text looks at a place of the tree."""

    __slots__ = ("bold", "code", "colour", "italic", "level", "link", "listed", "pre", "quote", "struck")

    def __init__(self, other: "_Look | None" = None) -> None:
        if other is None:
            self.bold = self.italic = self.struck = self.code = self.pre = False
            self.link = self.colour = self.listed = ""
            self.quote = self.level = 0
            return
        self.bold, self.italic, self.struck = other.bold, other.italic, other.struck
        self.code, self.pre, self.link, self.colour = other.code, other.pre, other.link, other.colour
        self.quote, self.level, self.listed = other.quote, other.level, other.listed

    def run(self, text: str) -> Run:
        return Run(text, self.bold, self.italic, self.struck, self.code, self.link, self.colour)


class _Reader:
    """Walks the tree and makes blocks."""

    def __init__(self, pictures: Callable[[str], bool], colours: bool) -> None:
        self._pictures, self._colours = pictures, colours
        self._blocks: list[Block] = []
        self._runs: list[Run] = []
        self._kind, self._level, self._quote = Kind.TEXT, 0, 0
        self._begun = False
        self._blank = False
        """An empty line is due before the next one."""
        self._number = 0
        """What the next numbered item counts from."""

    def result(self) -> Prose:
        self.end()
        blocks = self._blocks
        while blocks and blocks[-1].kind is Kind.TEXT and not blocks[-1].runs and self._blank:
            blocks.pop()
        return tuple(blocks)

    # ---- lines
    def begin(self, look: _Look, kind: Kind = Kind.TEXT, level: int = 0) -> None:
        """A new line."""
        self.end()
        self._kind, self._level, self._quote = kind, level, look.quote

    def end(self) -> None:
        """The line is over, if there was one."""
        runs = _trimmed(self._runs, keep=self._kind is Kind.CODE)
        if runs or self._begun:
            number = 0
            if self._kind is Kind.NUMBER:
                number, self._number = self._number, 0
            self._put(Block(tuple(runs), self._kind, self._level, self._quote, number=number))
        self._runs, self._begun = [], False
        self._kind, self._level = Kind.TEXT, 0

    def _put(self, block: Block) -> None:
        if self._blank and self._blocks:
            last = self._blocks[-1]
            if last.runs or last.kind is not Kind.TEXT:
                self._blocks.append(Block(quote=min(last.quote, block.quote)))
        self._blank = False
        self._blocks.append(block)

    def _goes_on(self, look: _Look) -> bool:
        """A list that begins here would be taken for more of the one before."""
        last = self._blocks[-1] if self._blocks and not self._blank else None
        return last is not None and (last.kind, last.level, last.quote) == (Kind.NUMBER, look.level, look.quote)

    def apart(self) -> None:
        """An empty line, if something follows."""
        self.end()
        self._blank = bool(self._blocks)

    def text(self, text: str, look: _Look) -> None:
        if not self._runs and not self._begun:
            self._quote = look.quote
        if look.pre:
            first, *rest = text.replace("\r\n", "\n").split("\n")
            self._add(first, look)
            for line in rest:
                self._begun = True
                kind = self._kind
                self.end()
                self._kind, self._quote = kind, look.quote
                self._add(line, look)
            return
        text = _BLANKS.sub(" ", text)
        if text.startswith(" ") and (not self._runs or self._runs[-1].text.endswith((" ", _LINE))):
            text = text[1:]
        self._add(text, look)

    def _add(self, text: str, look: _Look) -> None:
        if not text:
            return
        text = _NO_TEXT.sub("", text)
        run = look.run(text)
        last = self._runs[-1] if self._runs else None
        if last is not None and last.image is None and look.run(last.text) == last:
            self._runs[-1] = look.run(last.text + text)
        elif text:
            self._runs.append(run)

    def line_end(self, look: _Look) -> None:
        """``<br>``: the line is over, also where it is empty; the next one is like it."""
        kind, level = self._kind, self._level
        if kind in (Kind.BULLET, Kind.NUMBER, Kind.HEADING):
            self._runs.append(Run(_LINE))
            return
        if not self._runs:
            self._quote = look.quote
        self._begun = True
        self.end()
        self._kind, self._level, self._quote = kind, level, look.quote

    # ---- nodes
    def children(self, node: LexborNode, look: _Look, depth: int) -> None:
        if depth > MAX_DEPTH:
            self.text(node.text(deep=True), look)
            return
        child = node.child
        while child is not None:
            self.node(child, look, depth)
            child = child.next

    def node(self, node: LexborNode, look: _Look, depth: int) -> None:
        tag = (node.tag or "").lower()
        if tag == "-text":
            self.text(node.text_content or "", look)
            return
        attributes = node.attributes if tag and not tag.startswith("-") else {}
        style = attributes.get("style") or ""
        if tag in _UNSEEN or (style and _HIDDEN.search(style)):
            return
        if tag == "br":
            self.line_end(look)
        elif tag == "img":
            self._image(attributes, look)
        elif tag == "hr":
            self.begin(look, Kind.RULE)
            self._begun = True
            self.end()
        elif tag == "table":
            self._table(node, look, depth)
        elif tag in _BLOCKS:
            self._block(tag, node, attributes, look, depth)
        else:
            self.children(node, _restyled(tag, attributes, look, self._colours), depth + 1)

    def _image(self, attributes: dict[str, str | None], look: _Look) -> None:
        source, words = attributes.get("src") or "", (attributes.get("alt") or "").strip()
        if source.lower().startswith("cid:") and self._pictures(source[4:]):
            width, height = _length(attributes.get("width")), _length(attributes.get("height"))
            self._runs.append(Run("", image=Image(source[4:], words, width, height)))
        elif words and not _is_tiny(attributes):
            self.text(f"[{words}]", look)

    def _block(self, tag: str, node: LexborNode, attributes: dict[str, str | None], look: _Look, depth: int) -> None:
        style = attributes.get("style") or ""
        inner = _Look(_restyled(tag, attributes, look, self._colours))
        word = _WORD_LIST.search(style) if style else None
        apart = tag in _APART and not _NO_MARGIN.search(style) and not look.listed and not word
        if apart or tag == "blockquote":
            self.apart() if apart else self.end()
        if tag in ("ul", "ol"):
            inner.listed, inner.level = tag, look.level + 1
            self._number = (_number(attributes.get("start")) if tag == "ol" else 0) or 1
            self._number = self._number if self._number > 1 or self._goes_on(inner) else 0
            self.end()
        elif tag == "blockquote":
            inner.quote = look.quote + 1
        if tag == "li":
            self.begin(inner, Kind.NUMBER if look.listed == "ol" else Kind.BULLET, max(1, look.level))
            self._begun = True
        elif tag == "pre":
            inner.pre = True
            self.begin(inner, Kind.CODE)
        elif len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            inner.bold = look.bold
            self.begin(inner, Kind.HEADING, int(tag[1]))
        elif not (look.listed and self._kind is not Kind.TEXT and not self._runs):
            self.begin(inner)
        self.children(node, inner, depth + 1)
        if word and self._runs:
            self._word_item(int(word[1]))
        kind = self._kind
        self.end()
        if tag == "pre" and kind is Kind.CODE:
            self._drop_empty_code()
        if apart:
            self._blank = bool(self._blocks)

    def _drop_empty_code(self) -> None:
        if self._blocks and self._blocks[-1].kind is Kind.CODE and not self._blocks[-1].runs:
            self._blocks.pop()

    def _word_item(self, level: int) -> None:
        """Word writes list items as paragraphs that begin with their mark."""
        match = _WORD_MARK.match("".join(run.text for run in self._runs))
        left = len(match[0]) if match else 0
        runs: list[Run] = []
        for run in self._runs:
            cut = min(left, len(run.text))
            left -= cut
            if run.text[cut:] or run.image:
                runs.append(
                    Run(run.text[cut:], run.bold, run.italic, run.struck, run.code, run.link, run.colour, run.image)
                )
        self._runs = runs
        self._kind, self._level = (Kind.NUMBER if match and match[1] else Kind.BULLET), level

    def _table(self, node: LexborNode, look: _Look, depth: int) -> None:
        rows = _data_rows(node)
        if rows is None:
            self.end()
            self.children(node, look, depth + 1)
            self.end()
            return
        self.end()
        made: list[tuple[Cell, ...]] = []
        for row in rows:
            cells: list[Cell] = []
            for cell in row:
                reader = _Reader(self._pictures, self._colours)
                reader.children(cell, _restyled("td", cell.attributes, _Look(), self._colours), depth + 1)
                cells.append(_joined(reader.result()))
            made.append(tuple(cells))
        width = max(map(len, made))
        full = tuple((*row, *(() for _ in range(width - len(row)))) for row in made)
        self._put(Block(kind=Kind.TABLE, quote=look.quote, rows=full))


def _restyled(tag: str, attributes: dict[str, str | None], look: _Look, colours: bool) -> _Look:
    """The look inside an element; the same where it says nothing."""
    said = attributes.get("style") or ""
    if not said and tag not in _MEANT:
        return look
    found, style = _Look(look), _styles(said)
    weight = style.get("font-weight", "")
    if tag in ("b", "strong", "th") or weight in ("bold", "bolder", "600", "700", "800", "900"):
        found.bold = True
    if weight in ("normal", "400"):
        found.bold = False
    if tag in ("i", "em", "cite", "dfn", "var") or style.get("font-style") == "italic":
        found.italic = True
    if tag in ("s", "del", "strike") or "line-through" in style.get("text-decoration", ""):
        found.struck = True
    if tag in ("code", "tt", "kbd", "samp"):
        found.code = True
    if tag == "a":
        target = (attributes.get("href") or "").strip()
        found.link = target if _TARGET.match(target) and "\n" not in target else ""
    if colours and not found.link:
        found.colour = (
            _colour(style.get("color") or (attributes.get("color") if tag == "font" else "") or "") or look.colour
        )
    return found


@lru_cache(maxsize=256)
def _styles(said: str) -> Mapping[str, str]:
    return {one[1].lower(): one[2].strip().lower() for one in _STYLED.finditer(said)} if said else {}


@lru_cache(maxsize=256)
def _colour(said: str) -> str:
    """As #rrggbb; empty for black, white, greys and whatever else is no choice of anybody."""
    rgb = _RGB.match(said)
    if rgb:
        said = "#" + "".join(f"{min(255, int(one)):02x}" for one in rgb.groups())
    if not _COLOUR.match(said):
        return ""
    said = said.lower()
    if len(said) == 4:
        said = "#" + "".join(one * 2 for one in said[1:])
    parts = [int(said[at : at + 2], 16) for at in (1, 3, 5)]
    return said if max(parts) - min(parts) > 40 else ""


def _number(said: str | None) -> int:
    """A number of an attribute; 0 for what is none, or none of this world."""
    return int(said) if said and said.isdecimal() and len(said) < 10 else 0


def _length(said: str | None) -> int:
    """A side of a picture in pixels; 0: its own."""
    return found if (found := _number(said)) <= MAX_SIDE else 0


def _is_tiny(attributes: dict[str, str | None]) -> bool:
    return any((attributes.get(side) or "") in ("0", "1", "2") for side in ("width", "height"))


def _data_rows(table: LexborNode) -> list[list[LexborNode]] | None:
    """The cells of a table that holds data; None where it only lays out a page."""
    rows = [[cell for cell in _elements(row) if cell.tag in ("td", "th")] for row in table.css("tr")]
    rows = [row for row in rows if row]
    if len(rows) < 1 or max(map(len, rows), default=0) < 2 or sum(map(len, rows)) > 20_000:
        return None
    if table.css_first("table table, td ul, td ol, td blockquote, td h1, td h2, td h3, td pre") is not None:
        return None
    if len(table.css("td img")) > len(rows):
        return None
    if any(len(cell.text(deep=True)) > _MAX_CELL for row in rows for cell in row):
        return None
    return rows


def _elements(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        yield child
        child = child.next


def _joined(prose: Prose) -> Cell:
    """The lines of a cell as one."""
    runs: list[Run] = []
    for block in prose:
        if runs and block.runs:
            runs.append(Run(_LINE))
        runs += block.runs
    return tuple(runs)


def _trimmed(runs: list[Run], *, keep: bool) -> list[Run]:
    """Without the blanks at the end, and what ends a line that is over."""
    if keep or "".join(run.text for run in runs) == "-- ":
        return runs
    runs = list(runs)
    while runs and runs[-1].image is None:
        last = runs[-1]
        text = last.text.rstrip(" \t\n" + _LINE)
        if text == last.text:
            break
        if text:
            runs[-1] = Run(text, last.bold, last.italic, last.struck, last.code, last.link, last.colour)
            break
        runs.pop()
    return runs
