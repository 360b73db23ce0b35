"""The text that is written: from the editor's document to what is sent (plain text, HTML), and back.

Rules of the file: no widget; a document is *formatted* when it holds bold, italic, a link with a text of its own, or a
list: only then is HTML sent, and then little of it, without style, so that it reads well anywhere and in the dark.
Quotes are lines that begin with ">" (RFC 3676 s.4.5) in the editor and in plain text, and blockquotes in HTML.
"""

import re
from collections.abc import Iterator
from html import escape

from PySide6.QtGui import (
    QFont,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextList,
    QTextListFormat,
)

from mua.gui.theme import theme

_QUOTED = re.compile(r"^((?:> ?)+)(.*)$", re.DOTALL)
_ORDERED = QTextListFormat.Style.ListDecimal
_INDENT = 40.0  # pixels that Qt gives each blockquote


def _list(block: QTextBlock) -> QTextList | None:
    return block.textList()


def blocks(document: QTextDocument) -> Iterator[QTextBlock]:
    """Every paragraph."""
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()


def list_of(cursor: QTextCursor) -> QTextList | None:
    """The list that the cursor is in."""
    return cursor.currentList()


def is_formatted(document: QTextDocument) -> bool:
    """Whether plain text alone would lose something."""
    if not any(map(_may_mark, document.allFormats())):  # by far the fastest way for by far the most letters
        return False
    return any(_list(block) is not None or any(map(_marked, _pieces(block))) for block in blocks(document))


def plain(document: QTextDocument) -> str:
    """The text as it is sent: lists with marks, links with their target."""
    if not is_formatted(document):
        return document.toPlainText()
    lines = []
    for block in blocks(document):
        text = "".join(_plain_piece(*piece) for piece in _pieces(block))
        lines.append(_bullet(block) + text)
    return "\n".join(lines).replace("\u2028", "\n").replace("\u00a0", " ")


def html(document: QTextDocument) -> str:
    """The same as HTML: p, br, b, i, a, ul, ol, li, blockquote; nothing else."""
    out: list[str] = []
    depth, listed = 0, ""
    for block in blocks(document):
        level = 0 if _list(block) is not None else _level(block.text())
        kind = _list_kind(block)
        if kind != listed:
            out.append((f"</{listed}>" if listed else "") + (f"<{kind}>" if kind else ""))
            listed = kind
        if level != depth:
            out.append("<blockquote>" * (level - depth) if level > depth else "</blockquote>" * (depth - level))
            depth = level
        inside = _html_line(block, level)
        out.append(f"<li>{inside}</li>" if kind else f"<div>{inside or '<br>'}</div>")
    out.append((f"</{listed}>" if listed else "") + "</blockquote>" * depth)
    return "<html><body>" + "\n".join(one for one in out if one) + "</body></html>"


def load_html(document: QTextDocument, source: str) -> None:
    """Show HTML in the editor: its words, bold, italic, links and lists; its quotes as ">" lines."""
    other = QTextDocument()
    other.setHtml(source)
    document.clear()
    cursor = QTextCursor(document)
    first, quoted = True, False
    for block in blocks(other):
        if not first:
            cursor.insertBlock()
            cursor.setBlockFormat(QTextDocument().begin().blockFormat())
        first = False
        quoted = _copy_block(cursor, block, quoted)


def _copy_block(cursor: QTextCursor, block: QTextBlock, quoted: bool) -> bool:
    """Whether it is in a quote; ``quoted``: the one before was.  Qt marks only the first, and indents them all."""
    found, here = _list(block), list_of(cursor)
    if found is not None:
        cursor.createList(found.format().style())
    elif here is not None:
        here.remove(cursor.block())
    level = round(block.blockFormat().leftMargin() / _INDENT)
    quoted = level > 0 and (quoted or block.blockFormat().hasProperty(QTextFormat.Property.BlockQuoteLevel))
    pieces: list[Piece] = [
        (text.replace("\ufffc", ""), bold, italic, target) for text, bold, italic, target in _pieces(block)
    ]
    if pieces:  # a line end at the end of a paragraph ends it, and begins no other line
        text, bold, italic, target = pieces[-1]
        pieces[-1] = (text.removesuffix("\u2028"), bold, italic, target)
    if quoted:
        blank = " " if any(text for text, *_ in pieces) else ""
        cursor.insertText(">" * level + blank, _format("", False, False))
    for text, bold, italic, target in pieces:
        cursor.insertText(text, _format(target, bold, italic))
    return quoted


def _format(target: str, bold: bool, italic: bool) -> QTextCharFormat:
    made = QTextCharFormat()
    if bold:
        made.setFontWeight(QFont.Weight.Bold)
    if italic:
        made.setFontItalic(True)
    if target:
        link_format(made, target)
    return made


def link_format(made: QTextCharFormat, target: str) -> None:
    """Make a character format a link."""
    made.setAnchor(True)
    made.setAnchorHref(target)
    made.setForeground(theme().colour("accent"))
    made.setFontUnderline(True)


Piece = tuple[str, bool, bool, str]


def _pieces(block: QTextBlock) -> Iterator[Piece]:
    """(text, bold, italic, target) of each run of equal format."""
    place = block.begin()
    while not place.atEnd():
        fragment = place.fragment()
        if fragment.isValid():
            how = fragment.charFormat()
            yield fragment.text(), how.fontWeight() >= QFont.Weight.DemiBold, how.fontItalic(), how.anchorHref()
        place += 1


def _may_mark(how: QTextFormat) -> bool:
    """A format of the document, in use or not any more."""
    if not how.isCharFormat():
        return how.isListFormat()
    letters = how.toCharFormat()
    return letters.fontWeight() >= QFont.Weight.DemiBold or letters.fontItalic() or letters.isAnchor()


def _marked(piece: Piece) -> bool:
    text, bold, italic, target = piece
    return bool(text.strip()) and (bold or italic or bool(target and target != text))


def _plain_piece(text: str, bold: bool, italic: bool, target: str) -> str:
    if not target or target in (text, "mailto:" + text, "https://" + text, "http://" + text):
        return text
    return f"{text} <{target}>"


def _html_line(block: QTextBlock, level: int) -> str:
    out: list[str] = []
    skip = _QUOTED.match(block.text())
    left = len(skip[1]) if skip and level else 0
    for text, bold, italic, target in _pieces(block):
        cut = min(left, len(text))
        left -= cut
        inside = escape(text[cut:], quote=False).replace("\u2028", "<br>").replace("  ", "&nbsp; ")
        if not inside:
            continue
        for tag, wanted in (("b", bold), ("i", italic)):
            inside = f"<{tag}>{inside}</{tag}>" if wanted else inside
        out.append(f'<a href="{escape(target)}">{inside}</a>' if target else inside)
    return "".join(out)


def _level(text: str) -> int:
    match = _QUOTED.match(text)
    return match[1].count(">") if match else 0


def _list_kind(block: QTextBlock) -> str:
    found = _list(block)
    if found is None:
        return ""
    return "ol" if found.format().style() == _ORDERED else "ul"


def _bullet(block: QTextBlock) -> str:
    found = _list(block)
    if found is None:
        return ""
    return f"{found.itemNumber(block) + 1}. " if _list_kind(block) == "ol" else "* "
