"""Bodies as the rich-text widget wants them: plain text with links and quote bars, simple HTML made readable.

Rules of the file: pure text in, HTML 4 subset out; what comes out of ``plain`` is escaped throughout; ``simple`` takes
only HTML that the sanitiser called simple.  Colours of the author stay only where they can be read on our ground.
"""

import re
from collections.abc import Iterator
from html import escape

from mua.gui.theme import Colours, contrast
from mua.language import tr
from mua.mime import quotes
from mua.mime.page import QUOTE, quote_of

MAX_SHOWN = 300_000
PIECE = 60_000  # characters of markup
_PARAGRAPH = '<p style="white-space:pre-wrap'
_ROWS = 400  # lines of one paragraph
FOLD = "mua-fold:"  # where the line leads that opens and closes a quote; no mail can have such a link
CUT_NOTE = tr("The rest of this long message is in its source (Ctrl+U).")

_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>\"']+|www\.[^\s<>\"']+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.UNICODE)
_TRAIL = re.compile(r"[.,;:!?)\]}'\"]+$")
_QUOTE = re.compile(r"^((?:>\s?)+)(.*)$")
_STYLE = re.compile(r'(<[a-z][^<>]*?\sstyle=")([^"]*)')  # the sanitiser leaves "<", ">" and quotes nowhere else
_COLOUR = re.compile(r"(?<![-\w])color\s*:\s*([^;\"']+);?", re.IGNORECASE)
_FONT_COLOUR = re.compile(r"(<font\b[^>]*?)\scolor=\"?([#\w]+)\"?", re.IGNORECASE)
_MAX_DEPTH = 6
_TAG = re.compile(r"<([a-z][a-z0-9]*)((?:\s[^<>]*)?)>", re.IGNORECASE)
_INLINE = re.compile(r'style="([^"]*)"')
_PICTURE_BELOW = re.compile(  # Qt puts it behind the words of the paragraph before, unless it begins with a character
    r"(</(?:p|div|ul|ol|h[1-6]|blockquote|pre)>)(\s*(?:<(?:a|b|big|em|font|i|span|strong|u)\b[^<>]*>\s*){0,9}<img\b)"
)
_HEAVY = re.compile(r"\b(?:background|bgcolor|data-remote)=")
_FOLD_ATTRIBUTE = QUOTE.removeprefix("<details").removesuffix(">")
_TAGS = frozenset(
    "a abbr b bdi big blockquote br code del div em font h1 h2 h3 h4 h5 h6 hr i img ins li ol p pre s small span strike"
    " strong sub sup tt u ul".split()
)
_PROPERTIES = frozenset(
    "color direction font font-family font-size font-style font-weight line-height margin margin-bottom margin-left"
    " margin-right margin-top text-align text-decoration white-space".split()
)


def style(colours: Colours, scale: float = 1.0) -> str:
    """The base style sheet of a message body."""
    return (
        f"body, p, div, li, td, pre {{ color: {colours.text}; line-height: 118%; }}"
        "p { margin: 0 0 12px 0; } ul, ol { margin: 0 0 12px 0; } li { margin-bottom: 5px; }"
        f"a {{ color: {colours.accent}; }} .quote, .quote p, .quote div {{ color: {colours.secondary}; }}"
        f".dim {{ color: {colours.tertiary}; }} pre, code, tt {{ font-family: monospace; }}"
        f"h1 {{ font-size: {round(20 * scale)}px; }} h2 {{ font-size: {round(17 * scale)}px; }}"
        f"h3 {{ font-size: {round(15 * scale)}px; }}"
    )


def plain(text: str, colours: Colours, folded: bool | None = None) -> str:
    """Plain text as HTML: blank lines part paragraphs, ">" becomes a bar, addresses become links.

    ``folded``: what is quoted at the end is one line that opens it (True), or lies open below that line (False).
    """
    cut = len(text) > MAX_SHOWN
    lines = [_depth(line) for line in text[:MAX_SHOWN].splitlines()]
    found = quotes.fold([level for level, _ in lines], [line for _, line in lines]) if folded is not None else None
    if found is None:
        body = "".join(_levels(lines, colours))
    else:
        first, end = found
        quote = "" if folded else "".join(_levels(lines[first:end], colours))
        before, after = _levels(lines[:first], colours), _levels(lines[end:], colours)
        body = "".join([*before, fold_line(not folded), quote, *after])
    return body + (f'<p class="dim">{CUT_NOTE}</p>' if cut else "")


def shown(text: str) -> str:
    """What ``plain`` needs of a text: what it shows, and whether there is more."""
    return text[: MAX_SHOWN + 1]


def pieces(html: str) -> tuple[str, list[str]]:
    """A body in pieces that are laid out in a moment each: the first, and the rest; cut only between paragraphs.

    A paragraph of ``plain`` stands in nothing where no quote is open; HTML of others is not cut.
    """
    if len(html) <= 2 * PIECE or "<table" in html or not html.startswith(_PARAGRAPH):
        return html, []
    found: list[str] = []
    start = 0
    while (end := html.find(_PARAGRAPH, start + PIECE)) > 0:
        found.append(html[start:end])
        start = end
    found.append(html[start:])
    return found[0], found[1:]


def fold_line(is_open: bool) -> str:
    """The line that opens or closes a quote."""
    said = tr("Hide earlier messages") if is_open else tr("Show earlier messages")
    return f'<p class="dim"><a href="{FOLD}">{said}</a></p>'


def simple(html: str, colours: Colours, folded: bool | None = None) -> str:
    """Simple HTML with quote bars, and without colours that nobody can read here.  ``folded`` as in ``plain``."""
    before, quote, after = quote_of(html)
    if folded is not None and quote:
        html = before + fold_line(not folded) + ("" if folded else quote) + after
    else:
        html = before + quote + after

    def legible(style: str) -> str:
        return _COLOUR.sub(lambda match: match[0] if _readable(match[1], colours) else "", style)

    html = _STYLE.sub(lambda match: match[1] + legible(match[2]), html)
    html = _FONT_COLOUR.sub(lambda match: match[0] if _readable(match[2], colours) else match[1], html)
    html = _PICTURE_BELOW.sub("\\1\u200b\\2", html)
    html = re.sub(r"<blockquote\b[^>]*>", _bar_start(colours), html)
    return html.replace("</blockquote>", _BAR_END)


def shows(html: str) -> bool:
    """Whether ``simple`` shows this sanitised HTML truthfully though its quotes have a style of their own.

    Nearly every reply written elsewhere is such a mail: plain paragraphs above a quote with a border.
    """
    for tag, attributes in _TAG.findall(html):
        if tag == "blockquote" or (tag == "details" and attributes == _FOLD_ATTRIBUTE):
            continue
        if tag not in _TAGS or _HEAVY.search(attributes):
            return False
        style = _INLINE.search(attributes)
        names = {one.split(":", 1)[0].strip().lower() for one in style[1].split(";") if one.strip()} if style else set()
        if not names <= _PROPERTIES:
            return False
    return True


def _levels(lines: list[tuple[int, str]], colours: Colours) -> Iterator[str]:
    depth, block = 0, list[str]()
    dim = False
    for level, rest in lines:
        if level != depth:
            yield _paragraphs(block, dim)
            block = []
            yield _bar_start(colours) * (level - depth) if level > depth else _BAR_END * (depth - level)
            depth = level
        if rest.rstrip("\r\n") == "-- " and not level:
            yield _paragraphs(block, dim)
            block, dim = [], True
        block.append(rest)
    yield _paragraphs(block, dim)
    yield _BAR_END * depth


def _depth(line: str) -> tuple[int, str]:
    match = _QUOTE.match(line)
    return (min(match[1].count(">"), _MAX_DEPTH), match[2]) if match else (0, line)


def _paragraphs(lines: list[str], dim: bool) -> str:
    blocks = re.split(r"\n\s*\n", "\n".join(lines).strip("\n"))
    kind = ' class="dim"' if dim else ""
    out: list[str] = []
    for block in blocks:
        if block.strip():
            rows = block.splitlines()
            for start in range(0, len(rows), _ROWS):  # a very long one in several, so that it can be laid out in pieces
                last = start + _ROWS >= len(rows)
                style = "white-space:pre-wrap" if last else "white-space:pre-wrap;margin-bottom:0"
                out.append(f'<p{kind} style="{style}">{"<br>".join(map(_linked, rows[start : start + _ROWS]))}</p>')
    return "".join(out)


def _linked(line: str) -> str:
    if "@" not in line and ":" not in line and "www." not in line:  # what looks for them takes its time
        return escape(line)
    out, end = [], 0
    for match in _LINK.finditer(line):
        address = _TRAIL.sub("", match[0])
        target = address
        if address.startswith("www."):
            target = "https://" + address
        elif "://" not in address and not address.startswith("mailto:"):
            target = "mailto:" + address
        out.append(escape(line[end : match.start()]))
        out.append(f'<a href="{escape(target)}">{escape(address)}</a>')
        end = match.start() + len(address)
    return "".join([*out, escape(line[end:])])


def _bar_start(colours: Colours) -> str:
    return (
        '<table cellpadding="0" cellspacing="0" width="100%" style="margin-top:8px; margin-bottom:12px"><tr>'
        f'<td width="3" bgcolor="{colours.line}"></td><td class="quote" style="padding-left:12px">'
    )


_BAR_END = "</td></tr></table>"


def _readable(colour: str, colours: Colours) -> bool:
    from PySide6.QtGui import QColor

    named = QColor.fromString(colour.strip())
    return named.isValid() and contrast(named.name(), colours.reader) >= 4.5
