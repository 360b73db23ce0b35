"""Text made harmless, text made from HTML, text made quotable.

Rules of the file: everything here takes hostile text and returns text that a list, a title, a notification or a file
system can take.  Nothing raises; everything is linear; no recursion (20,000 nested elements are a loop here).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_HTML: Final = 2_000_000  # characters of HTML that are turned into text
LARGE: Final = 200_000  # characters of HTML whose parsing takes 15 MB and a third of a second, where it is densest
MAX_NESTING: Final = 1000  # elements inside each other; real mail stays below 200
MAX_ATTRIBUTES: Final = 1000  # of one element; real mail stays below 50
MAX_REOPENED: Final = (
    100_000  # elements that stand nowhere in the HTML and that a parser has to make; each is 400 bytes
)
MAX_LINE: Final = 10_000  # characters of a line made from HTML; adding to a longer one costs the square of its length
MAX_FILENAME: Final = 200  # bytes of UTF-8

_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE: Final = (
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u2060-\u2064\u206a-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff"
)
_BRAILLE_BLANK: Final = "\u2800"  # the one blank that ``str.split`` does not know
_DROP = re.compile(f"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f{_BIDI}{_INVISIBLE}]")
_JOINERS = re.compile("[\u200c\u200d]")
_MARKS = re.compile("([\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]{4})[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]+")
_TEXT_DROP = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_BIDI}]")
_TEXT_SUSPECTS: Final = [chr(code) for code in range(0xA0) if _TEXT_DROP.match(chr(code))] + [
    chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
]
_ASCII_CONTROLS: Final = bytes(set(range(32)) - {9, 10} | {127})
_LATIN_CONTROLS: Final = bytes(code for code in range(0x100) if _TEXT_DROP.match(chr(code)))

_FORBIDDEN_IN_NAMES = re.compile(r"[<>:\"|?*]")
_VARIABLE = re.compile(r"%(\w+)%")
_EXPANSION = re.compile(r"\$(?=[\w({])|^~|`")
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?=\.|\Z)", re.I
)

_SKIPPED: Final = frozenset(
    {"script", "style", "title", "noscript", "head", "template", "object", "embed", "svg", "math", "select", "textarea"}
)
_PARAGRAPH: Final = frozenset({"p", "blockquote", "pre", "ul", "ol", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "table"})
_BLOCK: Final = _PARAGRAPH | {
    "div", "section", "article", "header", "footer", "aside", "nav", "main", "figure", "figcaption", "address",
    "form", "fieldset", "li", "dt", "dd", "tr", "thead", "tbody", "tfoot", "caption", "center", "hr", "body", "html",
    "details", "summary", "hgroup",
}  # fmt: skip
_NOT_NESTING: Final = frozenset(
    "p li td tr th tbody thead tfoot dt dd option br hr img input meta link col area base wbr param source".split()
)
_TAG = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|<(?:script|style|textarea|title|xmp)\b.*?(?:</(?:script|style|textarea|title|xmp)\b|\Z)"
    r"|<(/?)([a-zA-Z][^\s/>]*)",
    re.DOTALL | re.IGNORECASE,
)
_UNCLOSED_TAG = re.compile(r"</?[a-zA-Z]([^>]*+)")
_ATTRIBUTE = (  # as the HTML standard reads one
    r"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>"'][^\s>]*+)?+)?+"""
)
_TAG_AND_ATTRIBUTES = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|<(script|style|textarea|title|xmp|iframe|noembed|noframes)\b.*?(?:</\1\b|\Z)"
    rf"|</?[a-zA-Z][^\s/>]*+(?:{_ATTRIBUTE}){{0,{MAX_ATTRIBUTES}}}+({_ATTRIBUTE})?+",
    re.DOTALL | re.IGNORECASE,
)
_REOPENED: Final = frozenset("a b big code em font i nobr s small strike strong tt u".split())  # HTML s.13.2.4.3
_BARRIERS: Final = frozenset(  # what keeps a closing tag from what is open outside
    "applet button caption frameset html marquee math object select svg".split()
    + "table tbody td template tfoot th thead tr".split()
)
_USUALLY_OPEN: Final = 10
_MAX_BLOCKS: Final = 8  # rounds of the "adoption agency" (HTML s.13.2.6.4.7): what holds more of them stays open
_EACH_TAG = re.compile(
    r"<!--(?:-?>|.*?(?:--!?>|\Z))"
    r"|<(script|style|textarea|title|xmp|iframe|noembed|noframes)\b.*?(?:</\1\b|\Z)"
    rf"|<(/?)([a-zA-Z][^\s/>]*+)((?:{_ATTRIBUTE})*+)"
    r"|<[!?/][^>]*+",
    re.DOTALL | re.IGNORECASE,
)
_DRAWING = re.compile(r"<(?:svg|math)\b", re.IGNORECASE)
_OPENING = re.compile(rf"<()()([a-zA-Z][^\s/>]*+)((?:{_ATTRIBUTE})*+)", re.IGNORECASE)
_RAW_ELEMENT = re.compile(
    r"<(?:script|style)\b.*?(?:</(?:script|style)\b[^>]*>|\Z)|<!--.*?(?:-->|\Z)", re.DOTALL | re.IGNORECASE
)
_ANY_TAG = re.compile(r"<(?:/?([a-zA-Z][a-zA-Z0-9]*)|[!/?])[^<>]*>?")
_LEFT: Final = dict.fromkeys(_BLOCK | {"br"}, "\n") | dict.fromkeys(
    "a abbr b code em font i mark s small span strong sub sup u".split(), ""
)
"""What stands in the place of a tag; a blank in that of any other."""
_SPACE_RUN = re.compile(r" [ \t\n\r\f]+|[\t\n\r\f][ \t\n\r\f]*")  # a blank alone is left as it is: most of them are
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


FLOWED: Final = 72  # columns
_QUOTE_MARKS = re.compile(r"(?:> ?)*>(?: |(?=[^ ])|\Z)")


def neutralise(text: str) -> str:
    """``text`` for one line of a list, header bar, title or notification (names, subjects, addresses).

    Control, bidi-control and invisible characters are removed, every kind of blank becomes one space, towers of
    combining marks are cut.  Joiners stay where a script or an emoji needs them (between two non-ASCII characters).
    """
    if text.isprintable() and "  " not in text and (text.isascii() or _latin(text) is not None):
        return text.strip()
    text = " ".join(_DROP.sub("", text).replace(_BRAILLE_BLANK, " ").split())
    if "\u200c" in text or "\u200d" in text:
        text = _JOINERS.sub(_joiner, text)
    return _MARKS.sub(r"\1", text)


def neutralise_body(text: str) -> str:
    """Body text: lines and tabs stay, controls and bidi overrides go; joiners and soft hyphens are kept."""
    if text.isascii():  # by far the fastest way for by far the most texts
        data = text.encode("ascii")
        clean = data.translate(None, _ASCII_CONTROLS)
        return text if len(clean) == len(data) else clean.decode("ascii")
    if (latin := _latin(text)) is not None:
        clean = latin.translate(None, _LATIN_CONTROLS)
        return text if len(clean) == len(latin) else clean.decode("latin-1")
    return _TEXT_DROP.sub("", text) if any(one in text for one in _TEXT_SUSPECTS) else text


def _latin(text: str) -> bytes | None:
    """The octets of a text without a character above U+00FF: no mark, nothing bidirectional is among the rest."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None


def _joiner(match: re.Match[str]) -> str:
    text, start, end = match.string, match.start(), match.end()
    inside = start > 0 and end < len(text) and not text[start - 1].isascii() and not text[end].isascii()
    return match[0] if inside else ""


def has_hidden_controls(text: str) -> bool:
    """Does ``text`` hold characters that could make it look like something else (bidi, invisible, control)?"""
    return (not text.isascii() and bool(re.search(f"[{_BIDI}{_INVISIBLE}]", text))) or bool(
        re.search("[\x00-\x08\x0e-\x1f]", text)
    )


def safe_filename(name: str) -> str:
    """A bare, visible file name of at most 200 bytes for any system: no path, control, expansion or reserved word.

    The extension survives a cut.  Empty and dot-only names become ``attachment``.
    """
    name = neutralise(name.replace("\\", "/").rstrip("/ ").rsplit("/", 1)[-1])
    name = _EXPANSION.sub("_", _FORBIDDEN_IN_NAMES.sub("_", unicodedata.normalize("NFC", name)))
    name = _VARIABLE.sub(r"_\1_", name)
    name = name.strip(" .").lstrip("-")
    if not name:
        return "attachment"
    if _RESERVED.match(name):
        name = "_" + name
    return _shorten(name, MAX_FILENAME)


def _shorten(name: str, limit: int) -> str:
    if len(name.encode("utf-8", "replace")) <= limit:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension.encode("utf-8", "replace")) > 20:
        stem, extension = name, ""
    room = limit - len(extension.encode("utf-8", "replace")) - 1
    return (
        stem.encode("utf-8", "replace")[:room].decode("utf-8", "ignore").rstrip(" .")
        + dot * bool(extension)
        + extension
    )


def quote(text: str) -> str:
    """``text`` with ``>`` before each line (RFC 3676 s.4.5: no space between two quote marks)."""
    lines = text.rstrip("\n").split("\n")
    return "\n".join(f">{line}" if line.startswith(">") else f"> {line}".rstrip() for line in lines) + "\n"


def flow(text: str) -> str:
    """Text as format=flowed (RFC 3676 s.4): long lines broken at blanks, to be joined again; quotes and "-- " stay.

    ``unflow`` gives the same text back but for blanks at line ends.
    """
    return "\n".join(_flowed(line) for line in text.split("\n"))


def _flowed(line: str) -> str:
    if line == "-- ":
        return line
    match = _QUOTE_MARKS.match(line)
    depth = match[0].count(">") if match else 0
    rest = line[match.end() :].rstrip(" ") if match else line.rstrip(" ")
    prefix = ">" * depth + (" " if depth and rest else "")
    if len(prefix) + len(rest) <= FLOWED:
        stuffed = not depth and rest.startswith((" ", "From "))
        return prefix + (" " if stuffed else "") + rest
    out, start = list[str](), 0
    while len(rest) - start > FLOWED - len(prefix):
        end = rest.rfind(" ", start + 1, start + FLOWED - len(prefix))
        if end <= start or rest[start:end].isspace():
            end = rest.find(" ", start + FLOWED - len(prefix))
        while end > 0 and (rest[end + 1 : end + 2] in (" ", ">") or rest[start : end + 1] == "-- "):
            end = rest.find(" ", end + 1)  # such a line would be read otherwise
        if end < 0:
            break
        out.append(rest[start : end + 1])
        start = end + 1
    out.append(rest[start:])
    return "\n".join(prefix + (" " if not depth and one.startswith((" ", "From ")) else "") + one for one in out)


def unflow(text: str, *, delsp: bool = False) -> str:
    """format=flowed (RFC 3676) as plain paragraphs: soft line ends joined within one quote depth, stuffing removed."""
    paragraphs: list[list[str]] = []  # in pieces: adding to a long text costs the square of its length
    open_depth = -1  # quote depth of the paragraph that is still flowing; -1: none
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare[1:] if bare.startswith(" ") else bare
        flows = bare.endswith(" ") and bare != "-- "
        content = bare[:-1] if flows and delsp else bare
        if open_depth == depth and bare != "-- ":
            paragraphs[-1].append(content)
        else:
            paragraphs.append([(">" * depth + " " if depth else "") + content])
        open_depth = depth if flows else -1
    return "\n".join("".join(pieces) if len(pieces) > 1 else _unquoted(pieces[0]) for pieces in paragraphs)


def _unquoted(line: str) -> str:
    """An empty quoted line has nothing behind its marks."""
    return line.rstrip(" ") if line.startswith(">") and not line.strip("> ") else line


def html_to_text(html: str) -> str:
    """The text of an HTML body: blocks on lines, list items marked, links as ``text <url>``, quotations with ``>``.

    Looks at the first ``MAX_HTML`` characters.  Hidden preheaders (display:none) are left out.
    """
    html = html[:MAX_HTML]
    if is_bomb(html):
        return stripped(html)
    from selectolax.lexbor import LexborHTMLParser  # for those who read mail; who only passes it on does without

    root = LexborHTMLParser(html).root
    if root is None:
        return ""
    writer = _TextWriter()
    _walk(root, writer)
    return writer.result()


def light_text(html: str) -> str:
    """The same for a process that has to stay small and quick: no parser sees more than ``LARGE`` characters.

    For the tree of 2 MB of HTML a parser takes up to 150 MB.
    """
    return html_to_text(html) if len(html) <= LARGE else stripped(html[:MAX_HTML])


@lru_cache(maxsize=1)
def is_bomb(html: str) -> bool:
    """Would a parser choke on this?

    Elements nested by the thousand cost every parser the square of their depth, attributes by the thousand on one
    element the square of their number, and a hundred fonts that are never closed are made anew in each paragraph.
    The text and the page of a mail are made one after the other, of the same HTML; of 2 MB the answer takes 60 ms.
    """
    if len(html) > 15 * MAX_ATTRIBUTES and _is_laden(html):
        return True
    tags = html.count("<")
    if tags * tags > 4 * MAX_REOPENED and _reopens(html):
        return True
    if tags < 4 * MAX_NESTING:
        return False
    depth: dict[str, int] = {}
    opened = 0
    for match in _TAG.finditer(html):
        name = (match[2] or "").lower()
        if not name or name in _NOT_NESTING:
            continue
        if match[1]:
            depth[name] = max(0, depth.get(name, 0) - 1)
            continue
        opened += 1
        depth[name] = depth.get(name, 0) + 1
        if depth[name] > MAX_NESTING or opened > 20 * MAX_NESTING:
            return True
    return sum(depth.values()) > 2 * MAX_NESTING


def _is_laden(html: str) -> bool:
    """Does a tag hold more than ``MAX_ATTRIBUTES``?  Asked with the eyes of the standard, and blind to quotes."""
    for match in _UNCLOSED_TAG.finditer(html):
        if match.end() - match.start() > 5 * MAX_ATTRIBUTES and len(match[1].split()) > 5 * MAX_ATTRIBUTES:
            return True
    return any(match[2] is not None for match in _TAG_AND_ATTRIBUTES.finditer(html))


def _reopens(html: str) -> bool:
    """May a parser make what was left open anew more than ``MAX_REOPENED`` times?  In doubt it was left open.

    Of equal ones three stay open, of links one; ten at once are not counted: honest mail has them everywhere.  Inside
    a drawing other rules say what is text, so nothing is believed to be closed where there is one.
    """
    drawn = _DRAWING.search(html) is not None
    opened: list[tuple[str, str, int]] = []  # name, attributes, number of the tag
    kept: dict[tuple[str, str], int] = {}
    made = barrier = 0
    for number, match in enumerate((_OPENING if drawn else _EACH_TAG).finditer(html)):
        name = (match[3] or "").lower()
        made += max(0, len(opened) - _USUALLY_OPEN) * match[0].count("<")
        if made > MAX_REOPENED:
            return True
        if name in _BARRIERS:
            barrier = number
        if name not in _REOPENED:
            continue
        if match[2]:
            for place in range(len(opened) - 1, max(-1, len(opened) - 1 - _USUALLY_OPEN), -1):
                one, attributes, since = opened[place]
                if since < max(barrier, number - 2 * _MAX_BLOCKS):
                    break
                if one == name:
                    kept[one, attributes] -= 1
                    del opened[place]
                    break
            continue
        key = (name, "" if name in ("a", "nobr") else match[4])
        if kept.get(key, 0) < (1 if name in ("a", "nobr") else 3):
            kept[key] = kept.get(key, 0) + 1
            opened.append((*key, number))
    return False


def stripped(html: str) -> str:
    """The text of HTML that is not worth a parser: tags out, a line for each block, entities decoded."""
    from html import unescape  # its table of 2,231 names is large, and most who build mail decode none

    pieces = _ANY_TAG.split(_RAW_ELEMENT.sub(" ", html))
    pieces[1::2] = [_LEFT.get((name or "").lower(), " ") for name in pieces[1::2]]
    text = unescape("".join(pieces))
    return neutralise_body("\n".join(line for line in (piece.strip() for piece in text.split("\n")) if line))


def _walk(root: LexborNode, writer: _TextWriter) -> None:
    """Depth first without recursion: ``enter`` on the way down, ``leave`` on the way up."""
    node: LexborNode | None = root
    open_nodes: list[tuple[LexborNode, str]] = []
    while node is not None:
        tag = node.tag or ""
        if tag == "-text":
            writer.text(node.text_content or "")
        elif tag in _SKIPPED or tag.startswith(("-", "!")) or not writer.enter(tag, node):
            pass
        elif (child := node.first_child) is not None:
            open_nodes.append((node, tag))
            node = child
            continue
        else:
            writer.leave(tag)
        following = node.next
        while following is None and open_nodes:
            parent, parent_tag = open_nodes.pop()
            writer.leave(parent_tag)
            following = parent.next
        node = following if open_nodes or following is not None else None


class _TextWriter:
    """Collects lines; ``depth`` is the depth of quotation, ``links`` the open anchors as (target, start in line)."""

    __slots__ = ("depth", "gap", "line", "lines", "links", "lists", "pre")

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.line = ""
        self.gap = -1  # quote depth of the empty line that is due; -1: none
        self.depth = 0
        self.pre = 0
        self.links: list[tuple[str, str]] = []
        self.lists: list[int] = []

    def text(self, text: str) -> None:
        if self.pre:
            head, *rest = text.split("\n")
            self.line += head
            for line in rest:
                self._end_line(force=True)
                self.line = line
            return
        text = _SPACE_RUN.sub(" ", text)
        if text.startswith(" ") and (not self.line or self.line.endswith(" ")):
            text = text[1:]
        self.line += text
        if len(self.line) > MAX_LINE:
            self._end_line()
        if self.links and len(self.links[-1][1]) < 4096:
            self.links[-1] = (self.links[-1][0], self.links[-1][1] + text)

    def enter(self, tag: str, node: LexborNode) -> bool:
        """False: this element and what is in it are not shown."""
        if tag in _BLOCK:
            self._end_line()
            if tag in _PARAGRAPH and not (tag in ("ul", "ol") and self.lists):
                self._blank_line()
        if tag == "br":
            self._end_line(force=True)
        elif tag == "hr":
            self.line = "-" * 20
            self._end_line()
        elif tag in _STRUCTURAL or tag in _BLOCK:
            return self._enter_structural(tag, node)
        elif tag == "img":
            self.text((node.attributes.get("alt") or "").strip()[:500])
        return True

    def _enter_structural(self, tag: str, node: LexborNode) -> bool:
        style = node.attributes.get("style")
        if style and _HIDDEN_STYLE.search(style[:2000]):
            return False
        if tag == "a":
            self.links.append(((node.attributes.get("href") or "").strip(), ""))
        elif tag == "blockquote":
            self.depth += 1
        elif tag == "pre":
            self.pre += 1
        elif tag in ("ul", "ol"):
            self.lists.append(1 if tag == "ol" else 0)
        elif tag == "li":
            self._bullet()
        elif tag in ("td", "th") and self.line and not self.line.endswith((" ", "\t")):
            self.line += " "
        return True

    def _bullet(self) -> None:
        indent = "  " * max(0, min(len(self.lists), 20) - 1)
        if self.lists and self.lists[-1]:
            self.line = f"{indent}{self.lists[-1]}. "
            self.lists[-1] += 1
        else:
            self.line = f"{indent}* "

    def leave(self, tag: str) -> None:
        if tag == "a" and self.links:
            self._end_link(*self.links.pop())
        if tag in _BLOCK:
            self._end_line()
        if tag == "blockquote":
            self.depth = max(0, self.depth - 1)
        elif tag == "pre":
            self.pre = max(0, self.pre - 1)
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        if tag in _PARAGRAPH:
            self._blank_line()

    def _end_link(self, target: str, shown: str) -> None:
        if not target.lower().startswith(("http://", "https://", "mailto:", "ftp://")):
            return
        bare = target.removeprefix("mailto:")
        if shown.strip() and shown.strip().rstrip("/") not in (bare.rstrip("/"), bare.split("://", 1)[-1].rstrip("/")):
            self.line = f"{self.line.rstrip(' ')} <{target[:2000]}>"

    def _blank_line(self) -> None:
        if self.lines:
            self.gap = self.depth if self.gap < 0 else min(self.gap, self.depth)

    def _end_line(self, *, force: bool = False) -> None:
        line = self.line if self.pre else self.line.strip(" ") if not self.lists else self.line.rstrip(" ")
        self.line = ""
        if not line.strip() and not force:
            return
        prefix = ">" * min(self.depth, 20) + (" " if self.depth else "")
        if self.gap >= 0:
            self.lines.append(">" * min(self.gap, self.depth, 20))
            self.gap = -1
        self.lines.append((prefix + line).rstrip())

    def result(self) -> str:
        self._end_line()
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(self.lines)).strip("\n")
        text = text.replace("\u00a0", " ").replace("\u200b", "").replace("\u00ad", "").replace("\ufeff", "")
        text = neutralise_body(text)
        return f"{text}\n" if text else ""


_STRUCTURAL: Final = frozenset({"a", "span", "td", "th", "b", "i", "em", "strong", "font", "u", "small"})
