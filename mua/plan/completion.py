"""What may go on where the cursor is in the search field: operators, and their values.

``where`` says which piece of the text is being written, ``suggestions`` what it could become.  People are found by
whoever asks, since that takes a look into the store; they are handed in.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date

from mua.language import tr
from mua.model.address import Address
from mua.model.tag import Tag
from mua.plan.periods import period
from mua.plan.search import OPERATORS
from mua.records import dataclass

MEANING = {
    "from": tr("who wrote it"),
    "to": tr("who it is to"),
    "cc": tr("who has a copy"),
    "subject": tr("words of the subject"),
    "body": tr("words of the text"),
    "filename": tr("names of attachments"),
    "attachment": tr("words inside attachments"),
    "list": tr("a mailing list"),
    "tag": tr("a tag"),
    "has": tr("attachment, tag, list, star"),
    "is": tr("unread, starred, answered"),
    "in": tr("a folder"),
    "before": tr("a day, june, 2024, last week"),
    "after": tr("a day, june, 2024, last week"),
    "on": tr("a day, june, 2024, last week"),
    "larger": tr("than 5mb"),
    "smaller": tr("than 5mb"),
}
STATES = ("unread", "read", "starred", "unstarred", "pinned", "answered", "draft")
"""What a message can be, each by one name."""
DAYS = (
    tr("today"),
    tr("yesterday"),
    tr("this week"),
    tr("last week"),
    tr("this month"),
    tr("last month"),
    tr("this year"),
    tr("last year"),
)
"""As the window speaks, where ``plan.periods`` understands it."""
SIZES = ("100kb", "1mb", "5mb", "10mb", "25mb")
LEAST = 2  # letters of an operator's name
_SPAN = re.compile(r"(?:^|(?<=[\s(]))[^\s\"():]+(?: [^\s\"():]+){0,2}$")
_ANY_DAY = date(2000, 2, 29)
_PIECE = re.compile(r'(?:^|(?<=[\s(]))(?P<minus>-?)(?:(?P<name>[A-Za-z]+):)?(?P<value>"[^"]*|[^\s"()]*)$')


@dataclass(frozen=True, slots=True)
class Piece:
    """The piece before the cursor: from ``start`` on; ``name`` of its operator (empty: none), ``value`` so far.

    ``value`` is several words where these are a span of days, or begin one: "last w".
    """

    start: int
    minus: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """``shown`` and ``detail`` are for the person; ``text`` takes the piece's place."""

    shown: str
    detail: str
    text: str


def where(before: str) -> Piece | None:
    """The piece that ends at the cursor, of the text ``before`` it; None inside something that is no operator."""
    found = _PIECE.search(before)
    if found is None:
        return None
    name = (found["name"] or "").lower()
    if name and name not in OPERATORS:
        return None
    if not name and (span := _span(before)) is not None:
        return Piece(span, "", "", before[span:])
    return Piece(found.start("minus"), found["minus"], name, found["value"].lstrip('"'))


def _span(before: str) -> int | None:
    """Where the several words begin that end at the cursor and are said of days; None where none do."""
    found = _SPAN.search(before)
    starts = [found.start() + match.end() for match in re.finditer(r"^| ", found[0])] if found else []
    return next((start for start in starts if " " in before[start:] and _days(before[start:])), None)


def _days(words: str) -> list[str]:
    """The spans of days that ``words`` begin or are."""
    typed = words.lower()
    known = [one for one in DAYS if one.startswith(typed)]
    return known or ([typed] if len(typed) > 3 and period(typed, _ANY_DAY) is not None else [])


def suggestions(
    piece: Piece, folders: Sequence[str] = (), tags: Sequence[Tag] = (), people: Sequence[Address] = ()
) -> list[Suggestion]:
    """What the piece could become, the likeliest first."""
    if not piece.name:
        return _operators(piece)
    if piece.name in ("from", "to", "cc"):
        return [Suggestion(one.name or one.address, one.address, _whole(piece, one.address)) for one in people]
    if piece.name == "is":
        return _values(piece, STATES)
    if piece.name == "has":
        return _values(piece, ("attachment", "tag", "list", "star"))
    if piece.name == "in":
        return _values(piece, dict.fromkeys(folders))
    if piece.name == "tag":
        return _values(piece, [one.name for one in tags])
    if piece.name in ("before", "after", "on"):
        return _values(piece, DAYS)
    return _values(piece, SIZES) if piece.name in ("larger", "smaller") else []


def _operators(piece: Piece) -> list[Suggestion]:
    typed = piece.value.lower()
    if len(typed) < LEAST:
        return []
    names = [name for name in OPERATORS if name.startswith(typed)]
    spans = [one for one in _days(typed) if not one.isdecimal()]
    return [Suggestion(f"{name}:", MEANING[name], f"{piece.minus}{name}:") for name in names] + [
        Suggestion(f"on:{one}", tr("what came then"), _whole(Piece(0, piece.minus, "on", ""), one)) for one in spans
    ]


def _values(piece: Piece, known: Iterable[str]) -> list[Suggestion]:
    """Those that begin so, then those with a word or a part that does."""
    typed = piece.value.casefold()
    fitting = [one for one in known if typed in one.casefold() and typed != one.casefold()]
    fitting.sort(key=lambda one: not one.casefold().startswith(typed))
    return [Suggestion(one, "", _whole(piece, one)) for one in fitting]


def _whole(piece: Piece, value: str) -> str:
    value = value.replace('"', "")
    quoted = f'"{value}"' if re.search(r"[\s()]", value) else value
    return f"{piece.minus}{piece.name}:{quoted} "
