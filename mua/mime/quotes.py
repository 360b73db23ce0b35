"""Where a mail repeats what was written before: quotes in HTML as the common clients mark them, and in plain text.

Rules of the file: what is found is only ever folded, never left out; forwarded text is the point of its mail and is no
quote; a mail that is nothing but a quote has nothing to fold.  Quotes that somebody wrote in between stay in sight.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_QUOTES: Final = 200
MAX_STEPS: Final = 20_000  # nodes looked at for one question
LONG: Final = 400  # characters: a quote above the answer is folded when it is longer
LONG_LINES: Final = 5  # the same for plain text
_OPENERS: Final = (  # from here to the end of what it stands in
    "#divRplyFwdMsg, #appendonsend, .OutlookMessageHeader, hr#stopSpelling, #mail-editor-reference-message-container, "
    "#OLK_SRC_BODY_SECTION, #reply-intro"
)
_WHOLE: Final = (
    "blockquote, .gmail_quote_container, .gmail_quote, .yahoo_quoted, .protonmail_quote, .zmail_extra"
    ', div[name="quote"], .tutanota_quote, #isForwardContent'
)
_BORDERED: Final = 'div[style*="border-top"]'
_SHORT: Final = 300  # characters of an attribution
_OUTLOOK_LINE = re.compile(r"border-top:\s*solid\s*#(?:e1e1e1|b5c4df|c1c1c1)", re.IGNORECASE)
_FROM_LINE = re.compile(r"\s*(?:from|von|de|da|van|från|fra|od|от|差出人|发件人)\s*:", re.IGNORECASE)
_FORWARDED = re.compile(
    r"(?:-{2,}|begin)\s*(?:original\s+)?(?:forwarded message|weitergeleitete nachricht|message transféré"
    r"|mensaje reenviado|messaggio inoltrato|doorgestuurd bericht|转发的邮件|пересылаемое сообщение)"
    r"|begin forwarded message",
    re.IGNORECASE,
)
_SAYS_SO = re.compile(
    r"(?:schrieb|schreef|skrev|escribió)[^:\n]{0,100}:\s*$|(?:wrote|writes|a écrit|ha scritto|napisał(?:\(a\))?"
    r"|escreveu|пишет|написал(?:а|\(а\))?|kirjoitti|yazdı|写道|書きました|のメール)\s*[:：]?\s*$",
    re.IGNORECASE,
)
_OPENS_WITH = re.compile(
    r"\s*(?:on|am|le|el|il|op|den|em|dnia|в|\d{4})\b[^\n]{5,250}?"
    r"(?:wrote|schrieb|schreef|a écrit|escribió|escreveu|ha scritto|skrev|napisał|написал)[^\n]{0,40}[:：]",
    re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"^\s*-{2,}\s*(?:original message|original appointment|ursprüngliche nachricht|message d'origine|mensaje original"
    r"|messaggio originale|oorspronkelijk bericht)\s*-{2,}\s*$",
    re.IGNORECASE,
)
_HOLDS_NO_BLOCK: Final = frozenset(
    "table tbody thead tfoot tr ul ol dl colgroup p pre h1 h2 h3 h4 h5 h6 summary button".split()
)
_UNSEEN: Final = frozenset({"style", "script", "title", "head", "template", "-comment"})
_BLOCKS: Final = frozenset({"p", "div", "blockquote", "table", "ul", "ol", "hr", "pre", "br", "details"})


def mark(body: LexborNode, begin: str, end: str) -> None:
    """Put the texts ``begin`` and ``end`` around the quote of a page that is worth folding, as siblings of it.

    Of several quotes it is the last, if nothing follows it: the others were answered bit by bit.
    """
    ranges = _ranges(body)
    if not ranges:
        return
    first, last = ranges[-1]
    if _FORWARDED.search(_words(first, 300)):
        return
    first = _with_attribution(first)
    if _reads(last, body, forward=True):
        if len(ranges) > 1 or len(_words(first, LONG + 1)) <= LONG:
            return
    elif not _reads(first, body, forward=False):
        return
    first.insert_before(begin)
    last.insert_after(end)


def _ranges(body: LexborNode) -> list[tuple[LexborNode, LexborNode]]:
    """The outermost quotes in the order of the page: first and last node of each, which are siblings."""
    opens = {one.mem_id for one in body.css(_OPENERS)}
    opens |= {one.mem_id for one in body.css(_BORDERED)[:MAX_QUOTES] if _is_outlooks(one)}
    found: list[tuple[LexborNode, LexborNode]] = []
    taken: set[int] = set()
    for node in body.css(f"{_WHOLE}, {_OPENERS}, {_BORDERED}")[: 2 * MAX_QUOTES]:
        opening = node.mem_id in opens
        if _is_within(node, taken) or not (opening or _is_quote(node)):
            continue
        first = last = _risen(node, body) if opening else node
        if first.parent is None or first.parent.tag in _HOLDS_NO_BLOCK:
            continue
        taken.add(first.mem_id)
        while opening and last.next is not None and len(taken) < MAX_STEPS:
            last = last.next
            taken.add(last.mem_id)
        found.append((first, last))
        if len(found) == MAX_QUOTES:
            break
    return found


def _is_quote(node: LexborNode) -> bool:
    if node.tag != "blockquote":
        named = f"{node.attributes.get('class')} {node.attributes.get('name')}"
        return "quote" in named or "zmail_extra" in named
    attributes = node.attributes
    if (attributes.get("type") or "").lower() == "cite" or "quote" in (attributes.get("class") or ""):
        return True
    return bool(_OPENS_WITH.match(_words(node, _SHORT))) or _with_attribution(node).mem_id != node.mem_id


def _is_outlooks(node: LexborNode) -> bool:
    """The line that Outlook draws above what it quotes, with the From line below."""
    return bool(_OUTLOOK_LINE.search(node.attributes.get("style") or "") and _FROM_LINE.match(_words(node, 40)))


def _is_within(node: LexborNode, taken: set[int]) -> bool:
    above: LexborNode | None = node
    while above is not None:
        if above.mem_id in taken:
            return True
        above = above.parent
    return False


def _risen(node: LexborNode, body: LexborNode) -> LexborNode:
    """The outermost element that begins with ``node``."""
    while True:
        parent, before = node.parent, node.prev
        while before is not None and not _words(before, 1):
            before = before.prev
        if before is not None or parent is None or parent.mem_id == body.mem_id or parent.tag in ("body", "html"):
            return node
        node = parent


def _with_attribution(quote: LexborNode) -> LexborNode:
    """The node with which "On ... wrote:" above a quote begins, or the quote itself."""
    node = quote.prev
    while node is not None and (node.tag == "br" or not _words(node, 1)):
        node = node.prev
    if node is None:
        return quote
    if node.tag in _BLOCKS:
        words = _words(node, _SHORT + 1)
        return node if len(words) <= _SHORT and _SAYS_SO.search(words) else quote
    said, first = "", node
    while node is not None and node.tag not in _BLOCKS and len(said) <= _SHORT:
        said, first = _words(node, _SHORT + 1) + said, node
        node = node.prev
    return first if len(said) <= _SHORT and _SAYS_SO.search(said) else quote


def _reads(node: LexborNode, body: LexborNode, *, forward: bool) -> bool:
    """Is there something to read after (or before) ``node``?"""
    at: LexborNode | None = node
    while at is not None and at.mem_id != body.mem_id:
        beside = at.next if forward else at.prev
        while beside is not None:
            if _words(beside, 1) or beside.tag == "img":
                return True
            beside = beside.next if forward else beside.prev
        at = at.parent
    return False


def _words(root: LexborNode, limit: int) -> str:
    """The first ``limit`` characters that are to be read in ``root``, blanks at the beginning left out."""
    if root.tag == "-text":
        return (root.text_content or "").lstrip()[:limit]
    found: list[str] = []
    size = 0
    node = root.first_child if root.tag not in _UNSEEN else None
    above: list[LexborNode] = []
    for _ in range(MAX_STEPS):
        if node is None or size >= limit:
            break
        if node.tag == "-text":
            piece = node.text_content or ""
            found.append(piece if found else piece.lstrip())
            size += len(found[-1])
        elif node.tag in _BLOCKS and found:
            found.append("\n")
        child = node.first_child if node.tag not in _UNSEEN else None
        if child is not None:
            above.append(node)
            node = child
            continue
        node = node.next
        while node is None and above:
            node = above.pop().next
    return "".join(one for one in found if one).lstrip()[:limit]


# ---- plain text


def fold(levels: list[int], lines: list[str]) -> tuple[int, int] | None:
    """The lines of a plain text that are worth folding: (first, behind the last), attribution included; or None.

    ``levels`` are how often each line is quoted, ``lines`` the lines without their marks.  The rule is ``mark``'s.
    """
    for at, line in enumerate(lines):
        if not levels[at] and _ORIGINAL.match(line):
            return (at, len(lines)) if any(map(str.strip, lines[:at])) else None
    blocks: list[list[int]] = []
    for at, level in enumerate(levels):
        if level:
            if blocks and not any(lines[between].strip() for between in range(blocks[-1][1], at)):
                blocks[-1][1] = at + 1
            else:
                blocks.append([at, at + 1])
    if not blocks:
        return None
    first, end = blocks[-1]
    if _FORWARDED.search("\n".join(lines[first : first + 3])):
        return None
    answered = any(map(str.strip, lines[end:]))
    if answered and (len(blocks) > 1 or end - first <= LONG_LINES):
        return None
    first = _attributed(lines, levels, first)
    if not answered and not any(map(str.strip, lines[:first])):
        return None
    return first, end


def _attributed(lines: list[str], levels: list[int], first: int) -> int:
    """Where "On ... wrote:" above line ``first`` begins: on one line or on two."""
    at = first - 1
    while at >= 0 and not lines[at].strip():
        at -= 1
    if at < 0 or levels[at] or not _SAYS_SO.search(lines[at]):
        return first
    above = lines[at - 1].strip() if at else ""
    split = (
        above and not levels[at - 1] and len(above) > 30 and re.match(r"(?:on|am|le|el|il|op)\b", above, re.IGNORECASE)
    )
    return at - 1 if split and not _OPENS_WITH.match(lines[at]) else at
