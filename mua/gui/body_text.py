"""The text that is written: the editor's document as data (``model.prose``), and data in the editor.

Rules of the file: no widget; the document's own formats carry the meaning (a quote's level, a heading's, a list), and
their look follows from it; what the document holds beside that is not read.  In plain text and in Markdown a quote is
a line that begins with ">".
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontDatabase,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrame,
    QTextImageFormat,
    QTextList,
    QTextListFormat,
    QTextTable,
    QTextTableFormat,
)

from mua.gui.theme import BODY, theme
from mua.mime.prose_html import to_html
from mua.mime.prose_text import from_text, to_text
from mua.model import prose as told
from mua.model.prose import Block, Cell, Image, Kind, Prose, Run

QUOTE_STEP = 16  # pixels that each level of a quote stands in
_USER = QTextFormat.Property.UserProperty.value
COLOUR, CODE, MODE = (_USER + number for number in (1, 2, 3))
"""Own properties: of letters their colour, of a line that it is code, of the document in which way it is written."""
_LEVEL, QUOTE = QTextFormat.Property.HeadingLevel, QTextFormat.Property.BlockQuoteLevel
_RULER = QTextFormat.Property.BlockTrailingHorizontalRulerWidth
_HEADINGS = {1: 1.55, 2: 1.3, 3: 1.12}
_OBJECT, _LINE = "\ufffc", "\u2028"
_NUMBERED = (QTextListFormat.Style.ListDecimal, QTextListFormat.Style.ListLowerAlpha)
_BULLETS = (QTextListFormat.Style.ListDisc, QTextListFormat.Style.ListCircle, QTextListFormat.Style.ListSquare)
_PLAIN = Block()


def blocks(document: QTextDocument) -> Iterator[QTextBlock]:
    """Every paragraph."""
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()


def list_of(cursor: QTextCursor) -> QTextList | None:
    """The list that the cursor is in."""
    return cursor.currentList()


def list_at(block: QTextBlock) -> QTextList | None:
    """The list that a line is in."""
    return block.textList()


def table_of(cursor: QTextCursor) -> QTextTable | None:
    """The table that the cursor is in."""
    return cursor.currentTable()


def _frame_at(place: QTextFrame.iterator) -> QTextFrame | None:
    return place.currentFrame()


# --- out -------------------------------------------------------------------------------------------------------------


def read(document: QTextDocument) -> Prose:
    """What the document says.  A line that begins with ">" as a person typed it is a quote, too."""
    if not document.rootFrame().childFrames() and not any(map(_may_mark, document.allFormats())):
        return from_text(document.toPlainText())  # by far the fastest way for by far the most letters
    return tuple(_in_frame(document.rootFrame()))


def _in_frame(frame: QTextFrame) -> Iterator[Block]:
    place = frame.begin()
    while not place.atEnd():
        inner = _frame_at(place)
        if isinstance(inner, QTextTable):
            yield _table(inner)
        elif inner is not None:
            yield from _in_frame(inner)
        else:
            block = place.currentBlock()
            yield block_of(block)
        place += 1


def block_of(block: QTextBlock) -> Block:
    """One line of the document."""
    how = block.blockFormat()
    quote = int(how.property(QUOTE) or 0)
    runs = runs_of(block)
    if how.hasProperty(_RULER):
        return Block(kind=Kind.RULE, quote=quote)
    if how.property(CODE):
        return Block(merged(Run(run.text) for run in runs), Kind.CODE, 0, quote)
    if level := how.headingLevel():
        return Block(_without_bold(runs), Kind.HEADING, level, quote)
    found = list_at(block)
    if found is not None:
        numbered = found.format().style() in _NUMBERED
        first = numbered and found.itemNumber(block) == 0
        start = found.format().start() if first else 0
        return Block(
            runs, Kind.NUMBER if numbered else Kind.BULLET, max(1, found.format().indent()), quote,
            number=start if start > 1 or (first and _follows_another(block, found)) else 0,
        )  # fmt: skip
    if not quote and len(runs) == 1 and runs[0].text.startswith(">") and runs[0].plain:
        return from_text(runs[0].text)[0]
    return Block(runs, quote=quote) if runs or quote else _PLAIN


def _follows_another(block: QTextBlock, found: QTextList) -> bool:
    """The line before is of a list that this one would be taken for more of."""
    other = list_at(block.previous()) if block.previous().isValid() else None
    if other is None or other.objectIndex() == found.objectIndex():
        return False
    return other.format().style() in _NUMBERED and other.format().indent() == found.format().indent()


def _without_bold(runs: Sequence[Run]) -> tuple[Run, ...]:
    """A heading is bold by itself."""
    return merged(
        Run(one.text, False, one.italic, one.struck, one.code, one.link, one.colour, one.image) for one in runs
    )


def merged(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Neighbours that look alike as one."""
    found: list[Run] = []
    for run in runs:
        last = found[-1] if found else None
        if last is not None and last.image is None and run.image is None and replace(last, text=run.text) == run:
            found[-1] = replace(last, text=last.text + run.text)
        else:
            found.append(run)
    return tuple(found)


def _table(table: QTextTable) -> Block:
    rows: list[tuple[Cell, ...]] = []
    quote = 0
    for row in range(table.rows()):
        cells: list[Cell] = []
        for column in range(table.columns()):
            cursor, last = (
                table.cellAt(row, column).firstCursorPosition(),
                table.cellAt(row, column).lastCursorPosition(),
            )
            quote = int(cursor.blockFormat().property(QUOTE) or 0)
            runs: list[Run] = []
            block = cursor.block()
            while block.isValid() and block.position() <= last.position():
                if runs:
                    runs.append(Run(_LINE))
                runs += runs_of(block)
                block = block.next()
            cells.append(tuple(runs))
        rows.append(tuple(cells))
    return Block(kind=Kind.TABLE, quote=quote, rows=tuple(rows))


def runs_of(block: QTextBlock) -> tuple[Run, ...]:
    """The text of a line by its formats."""
    found: list[Run] = []
    place = block.begin()
    while not place.atEnd():
        fragment = place.fragment()
        how, text = fragment.charFormat(), fragment.text()
        if how.isImageFormat():
            found += [_image(how.toImageFormat())] * text.count(_OBJECT)
        elif text := text.replace(_OBJECT, ""):
            run = _run(text, how)
            last = found[-1] if found else None
            if last is not None and last.image is None and _run(last.text, how) == last:
                run = _run(last.text + text, how)
                found.pop()
            found.append(run)
        place += 1
    return tuple(found)


def _run(text: str, how: QTextCharFormat) -> Run:
    return Run(
        text,
        how.fontWeight() >= QFont.Weight.DemiBold,
        how.fontItalic(),
        how.fontStrikeOut(),
        how.fontFixedPitch(),
        how.anchorHref() if how.isAnchor() else "",
        str(how.property(COLOUR) or ""),
    )


def _image(how: QTextImageFormat) -> Run:
    name = how.name().removeprefix("cid:")
    return Run(
        "",
        image=Image(
            name, how.property(QTextFormat.Property.ImageAltText) or "", round(how.width()), round(how.height())
        ),
    )


def _may_mark(how: QTextFormat) -> bool:
    """A format of the document, in use or not any more, that plain text has no sign for."""
    if how.isListFormat() or how.isTableFormat() or how.isImageFormat():
        return True
    if how.isCharFormat():
        letters = how.toCharFormat()
        return (
            letters.fontWeight() >= QFont.Weight.DemiBold
            or letters.fontItalic()
            or letters.isAnchor()
            or letters.fontStrikeOut()
            or letters.fontFixedPitch()
            or how.hasProperty(COLOUR)
        )
    return how.isBlockFormat() and (how.hasProperty(QUOTE) or how.hasProperty(CODE) or how.hasProperty(_LEVEL))


def is_formatted(document: QTextDocument) -> bool:
    """Whether plain text alone would lose something."""
    return told.is_formatted(read(document))


def plain(document: QTextDocument) -> str:
    """The text as it is sent."""
    return to_text(read(document))


def html(document: QTextDocument) -> str:
    """The same as HTML."""
    return to_html(read(document))


# --- in --------------------------------------------------------------------------------------------------------------


def load(document: QTextDocument, prose: Prose) -> None:
    """Show this instead; what could be undone before cannot any more."""
    flat = _flat(prose)
    document.setUndoRedoEnabled(False)
    if flat is None:
        document.clear()
        write(QTextCursor(document), prose)
    else:
        document.setPlainText(flat)
        _mark_quotes(document, prose)
    document.setUndoRedoEnabled(True)
    document.setModified(False)


def _flat(prose: Prose) -> str | None:
    """The words of lines that have no format but a quote; None where there is another."""
    if all(block.kind is Kind.TEXT and all(run.plain and not run.link for run in block.runs) for block in prose):
        return "\n".join(block.text for block in prose)
    return None


def _mark_quotes(document: QTextDocument, prose: Prose) -> None:
    """At once for each stretch: line by line a long quote would take seconds."""
    at = 0
    for quote, some in groupby(prose, key=lambda block: block.quote):
        count = sum(1 for _ in some)
        if quote:
            cursor = QTextCursor(document.findBlockByNumber(at))
            cursor.setPosition(document.findBlockByNumber(at + count - 1).position(), QTextCursor.MoveMode.KeepAnchor)
            cursor.setBlockFormat(block_format(Block(quote=quote)))
        at += count


def write(cursor: QTextCursor, prose: Prose) -> None:
    """Write at a cursor, whose line is empty: one step to undo."""
    cursor.beginEditBlock()
    lists: list[tuple[int, QTextList]] = []
    fresh = True
    for block in prose:
        if block.kind is Kind.TABLE:
            _write_table(cursor, block)
            lists, fresh = [], True  # behind a table there is a line already
            continue
        if not fresh:
            cursor.insertBlock(block_format(block), char_format(block))
            if (before := list_of(cursor)) is not None:
                before.remove(cursor.block())
                cursor.setBlockFormat(block_format(block))
        else:
            cursor.setBlockFormat(block_format(block))
            cursor.setBlockCharFormat(char_format(block))
        lists = _write_list(cursor, block, lists)
        write_runs(cursor, block)
        fresh = False
    cursor.endEditBlock()


def _write_list(cursor: QTextCursor, block: Block, lists: list[tuple[int, QTextList]]) -> list[tuple[int, QTextList]]:
    """Put the line into its list; returns the lists that are open behind it."""
    if block.kind not in (Kind.BULLET, Kind.NUMBER):
        return []
    style = list_style(block.kind, block.level)
    lists = [one for one in lists if one[0] <= block.level]
    if lists and lists[-1][0] == block.level and lists[-1][1].format().style() == style and not block.number:
        lists[-1][1].add(cursor.block())
        return lists
    made = QTextListFormat()
    made.setStyle(style)
    made.setIndent(block.level)
    if block.number > 1:
        made.setStart(block.number)
    lists = [one for one in lists if one[0] < block.level]
    return [*lists, (block.level, cursor.createList(made))]


def list_style(kind: Kind, level: int) -> QTextListFormat.Style:
    """How a list of this depth is marked."""
    some = _NUMBERED if kind is Kind.NUMBER else _BULLETS
    return some[min(level, len(some)) - 1]


def write_runs(cursor: QTextCursor, block: Block) -> None:
    """The text of a line where the cursor is."""
    for run in block.runs:
        if run.image is not None:
            cursor.insertImage(image_format(run.image))
        else:
            cursor.insertText(run.text, char_format(block, run))


def _write_table(cursor: QTextCursor, block: Block) -> None:
    how = QTextTableFormat()
    how.setBorder(1)
    how.setBorderCollapse(True)
    how.setBorderStyle(QTextTableFormat.BorderStyle.BorderStyle_Solid)
    how.setBorderBrush(QBrush(QColor(128, 128, 128, 130)))  # on light and on dark
    how.setCellPadding(5)
    how.setTopMargin(6)  # an empty line beside a table has no height
    how.setBottomMargin(6)
    how.setCellSpacing(0)
    how.setLeftMargin(QUOTE_STEP * block.quote)
    rows, columns = len(block.rows), max(map(len, block.rows), default=0)
    if not rows or not columns:
        return
    table = cursor.insertTable(rows, columns, how)
    for row, cells in enumerate(block.rows):
        for column, cell in enumerate(cells):
            inside = table.cellAt(row, column).firstCursorPosition()
            if block.quote:
                inside.setBlockFormat(block_format(Block(quote=block.quote)))
            write_runs(inside, Block(cell))
    cursor.setPosition(table.lastPosition() + 1)


def block_format(block: Block) -> QTextBlockFormat:
    """How a line of this kind stands."""
    made = QTextBlockFormat()
    if block.quote:
        made.setProperty(QUOTE, block.quote)
        made.setLeftMargin(QUOTE_STEP * block.quote)
        made.setRightMargin(QUOTE_STEP * block.quote)  # where a line is read from right to left its bars are there
    if block.kind is Kind.HEADING:
        made.setHeadingLevel(min(6, max(1, block.level)))
        made.setTopMargin(6)
    elif block.kind is Kind.CODE:
        made.setProperty(CODE, True)
        made.setNonBreakableLines(False)
    elif block.kind is Kind.RULE:
        made.setProperty(_RULER, True)
    return made


def char_format(block: Block, run: Run | None = None) -> QTextCharFormat:
    """How letters look: by their line, and by themselves."""
    made = QTextCharFormat()
    if block.kind is Kind.HEADING:
        made.setFontWeight(QFont.Weight.Bold)
        made.setProperty(QTextFormat.Property.FontPixelSize, _heading_pixels(block.level))
    if block.kind is Kind.CODE or (run is not None and run.code):
        code_format(made)
    if run is None:
        return made
    if run.bold:
        made.setFontWeight(QFont.Weight.Bold)
    if run.italic:
        made.setFontItalic(True)
    if run.struck:
        made.setFontStrikeOut(True)
    if run.colour:
        colour_format(made, run.colour)
    if run.link:
        link_format(made, run.link)
    return made


def code_format(made: QTextCharFormat) -> None:
    """Make letters code."""
    made.setFontFixedPitch(True)
    made.setFontFamilies(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont).families())


def colour_format(made: QTextCharFormat, colour: str) -> None:
    """Give letters a colour (#rrggbb)."""
    made.setProperty(COLOUR, colour)
    made.setForeground(QBrush(QColor(colour)))


def link_format(made: QTextCharFormat, target: str) -> None:
    """Make a character format a link."""
    made.setAnchor(True)
    made.setAnchorHref(target)  # its colour is the marks': it follows the theme
    made.setFontUnderline(True)


def image_format(image: Image) -> QTextImageFormat:
    """How a picture stands in the text."""
    made = QTextImageFormat()
    made.setName(f"cid:{image.name}")
    made.setProperty(QTextFormat.Property.ImageAltText, image.text)
    if image.width:
        made.setWidth(image.width)
    if image.height:
        made.setHeight(image.height)
    made.setVerticalAlignment(QTextCharFormat.VerticalAlignment.AlignBottom)
    return made


def units(text: str) -> int:
    """How long a text is as Qt counts: in units of UTF-16, of which an emoji has two."""
    return len(text) if text.isascii() else len(text) + sum(one > "\uffff" for one in text)


def before(cursor: QTextCursor) -> str:
    """What stands before the cursor in its line."""
    whole = QTextCursor(cursor.block())
    whole.setPosition(cursor.position(), QTextCursor.MoveMode.KeepAnchor)
    return whole.selectedText()


def mode(document: QTextDocument) -> str:
    """In which way it is written: kept in the document, so that undoing a switch switches back."""
    return str(document.rootFrame().frameFormat().property(MODE) or "")


def set_mode(document: QTextDocument, name: str) -> None:
    """Note that; part of the step to undo that is open."""
    how = document.rootFrame().frameFormat()
    how.setProperty(MODE, name)
    document.rootFrame().setFrameFormat(how)


def _heading_pixels(level: int) -> int:
    return round(theme().font(BODY).pixelSize() * _HEADINGS.get(level, 1.0))
