"""A search, asked of an IMAP server: the keys of its SEARCH command (RFC 9051 s.6.4.4).

Theory of operation: SEARCH has AND (keys beside each other), OR of two keys and NOT of one; whatever is deeper would
need parentheses around quoted words.  So a search is turned into a conjunction of alternatives of single conditions,
which needs none; one that would become too long so is not asked.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain, product

from mua.model.message import Flag
from mua.model.tag import is_keyword
from mua.plan.search import Either, Every, Has, In, Is, Leaf, Node, Not, Search, Sent, Sized, Tagged, Term
from mua.records import dataclass

MAX_CLAUSES = 100
_DAY = 24 * 3600
_LAST = 253402300799  # the last second of the year 9999


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of the person inside a SEARCH command: whoever sends them quotes them."""

    text: str


Key = str | Quote
_Clause = tuple[tuple[Leaf, bool], ...]
_KEYS = {
    "": "TEXT",
    "sender": "FROM",
    "recipients": "TO",
    "cc": "CC",
    "subject": "SUBJECT",
    "body": "BODY",
    "list": "HEADER List-Id",
}
_FLAG_KEYS = {Flag.SEEN: "SEEN", Flag.FLAGGED: "FLAGGED", Flag.ANSWERED: "ANSWERED", Flag.DRAFT: "DRAFT"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def imap_keys(search: Search) -> tuple[Key, ...] | None:
    """The keys, or None when it asks for what IMAP cannot search for.

    ``In`` and ``Has`` that stand alone are not among the keys: the first says which folders to ask (``folder_of``),
    the second is looked for among the answers (``attachments_of``).  Days are a day wider on each side than was asked,
    since the server's are of no time zone.
    """
    clauses: list[_Clause] = []
    for part in search.parts:
        if isinstance(part, In) or _attachments(part) is not None:
            continue
        found = _clauses(part, True)
        if found is None:
            return None
        clauses += found
    if any(_key(leaf) is None for leaf, _ in chain.from_iterable(clauses)):
        return None
    return tuple(key for clause in clauses for key in _alternatives(clause)) or ("ALL",)


def folder_of(search: Search) -> str:
    """The name of the folders that alone are to be asked; empty: all of them."""
    return next((part.folder for part in search.parts if isinstance(part, In)), "")


def attachments_of(search: Search) -> bool | None:
    """Whether the answers must have attachments, or must not have any; None: as may be."""
    return next((found for part in search.parts if (found := _attachments(part)) is not None), None)


def _attachments(node: Node) -> bool | None:
    wanted = not isinstance(node, Not)
    inside = node.part if isinstance(node, Not) else node
    return wanted if isinstance(inside, Has) and inside.what == "attachment" else None


def _clauses(node: Node, wanted: bool) -> list[_Clause] | None:
    """A conjunction of alternatives; None: too many of them."""
    if isinstance(node, Not):
        return _clauses(node.part, not wanted)
    if not isinstance(node, Every | Either):
        return [((node, wanted),)]
    parts = [_clauses(part, wanted) for part in node.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if isinstance(node, Every) is wanted:
        found = list(chain.from_iterable(known))
        return found if len(found) <= MAX_CLAUSES else None
    number = 1
    for part in known:
        number *= len(part)
        if number > MAX_CLAUSES:
            return None
    return [tuple(dict.fromkeys(chain.from_iterable(some))) for some in product(*known)]


def _alternatives(clause: _Clause) -> Iterator[Key]:
    for place, (leaf, wanted) in enumerate(clause):
        if place < len(clause) - 1:
            yield "OR"
        if isinstance(leaf, Is):
            yield "UN" * (leaf.wanted is not wanted) + _FLAG_KEYS[leaf.flag]
        else:
            if not wanted:
                yield "NOT"
            yield from _key(leaf, wanted) or ()


def _key(leaf: Leaf, wanted: bool = True) -> tuple[Key, ...] | None:
    """The keys of one condition, as one key; ``wanted``: it stands without a NOT."""
    if isinstance(leaf, Term):
        return (_KEYS[leaf.field], Quote(" ".join(leaf.text.split()))) if leaf.field in _KEYS else None
    if isinstance(leaf, Is):
        return (_FLAG_KEYS[leaf.flag],)
    if isinstance(leaf, Tagged):
        return (f"KEYWORD {leaf.keyword}",) if is_keyword(leaf.keyword) else None
    if isinstance(leaf, Sent):
        more = _DAY if wanted else -_DAY
        found = [] if leaf.start is None else [f"SENTSINCE {imap_day(leaf.start - more)}"]
        found += [] if leaf.end is None else [f"SENTBEFORE {imap_day(leaf.end + more)}"]
        return (f"({found[0]} {found[1]})" if len(found) > 1 else found[0],)
    if isinstance(leaf, Sized):
        return (f"LARGER {leaf.above}",) if leaf.above is not None else (f"SMALLER {leaf.below}",)
    return None


def imap_day(seconds: float) -> str:
    """The date of RFC 9051 s.9, in UTC."""
    when = datetime.fromtimestamp(min(max(seconds, 0), _LAST), UTC)
    return f"{when.day}-{_MONTHS[when.month - 1]}-{when.year:04d}"
