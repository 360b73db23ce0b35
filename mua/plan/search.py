"""What a person types into the search field, understood: words, phrases, operators, negation.

``from: to: cc: subject: body: filename: has:attachment is:unread|read|starred|answered in: before: after: on: larger:
smaller: list: "phrase" -not``.  What is not an operator is searched everywhere.  Nothing a person types is an error: an
operator that makes no sense is searched as the words it is.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache

from mua.model.message import Flag
from mua.records import dataclass

FIELDS = {
    "from": "sender",
    "to": "recipients",
    "cc": "recipients",
    "subject": "subject",
    "body": "body",
    "filename": "files",
}
IS = {
    "unread": (Flag.SEEN, False),
    "read": (Flag.SEEN, True),
    "starred": (Flag.FLAGGED, True),
    "flagged": (Flag.FLAGGED, True),
    "answered": (Flag.ANSWERED, True),
    "draft": (Flag.DRAFT, True),
}
UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "m": 1024**2, "mb": 1024**2, "g": 1024**3}
MAX_QUERY = 10_000  # characters that are looked at
_TOKEN = re.compile(r'(-?)(?:([A-Za-z]+):)?(?:"([^"]*)"?|([^\s"]+))')


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase.  ``field`` empty: anywhere.  ``prefix``: the last word may go on."""

    text: str
    field: str = ""
    negated: bool = False
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class Search:
    """A search, understood.  Times are UTC seconds, sizes octets; None: no limit."""

    terms: tuple[Term, ...] = ()
    flags: tuple[tuple[Flag, bool], ...] = ()
    attachments: bool | None = None
    folder: str = ""
    after: int | None = None
    before: int | None = None
    larger: int | None = None
    smaller: int | None = None


def parse(text: str, now: int) -> Search:
    """Understand ``text``; ``now`` (UTC seconds) gives "today" and "yesterday" their meaning."""
    terms: list[Term] = []
    rest: dict[str, object] = {}
    flags: list[tuple[Flag, bool]] = []
    sayable = text[:MAX_QUERY].encode("utf-8", "replace").decode()  # lone surrogates are in no store and on no wire
    for minus, name, quoted, word in _TOKEN.findall(sayable):
        value, name = quoted or word, name.lower()
        if name in FIELDS and value:
            terms.append(Term(value, FIELDS[name], bool(minus), bool(quoted)))
        elif name == "is" and value.lower() in IS:
            flag, wanted = IS[value.lower()]
            flags.append((flag, wanted != bool(minus)))
        elif (found := _filter(name, value, now)) is not None:
            rest |= {"attachments": False} if minus and "attachments" in found else found
        elif value:
            terms.append(Term(f"{name} {value}" if name else value, "", bool(minus), bool(quoted or name)))
    return Search(tuple(terms), tuple(flags), **rest)  # type: ignore[arg-type]


def _filter(name: str, value: str, now: int) -> dict[str, object] | None:
    if name == "has" and value.lower().startswith("attach"):
        return {"attachments": True}
    if name == "in" and value:
        return {"folder": value}
    if name in ("larger", "smaller"):
        size = re.fullmatch(r"(\d{1,12})([kmg]?b?)", value.lower())
        return {name: int(size[1]) * UNITS.get(size[2], 1)} if size else None
    if name in ("before", "after", "on"):
        day = _day(value, now)
        if day is None:
            return None
        start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
        end = start + 24 * 3600
        limits: dict[str, dict[str, object]] = {
            "before": {"before": start},
            "after": {"after": end},
            "on": {"after": start, "before": end},
        }
        return limits[name]
    return None


def _day(value: str, now: int) -> date | None:
    today = datetime.fromtimestamp(now, UTC).date()
    words = {"today": today, "yesterday": today - timedelta(days=1)}
    if value.lower() in words:
        return words[value.lower()]
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


# -- the same, asked of a server


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of the person inside a SEARCH command: whoever sends them quotes them."""

    text: str


Key = str | Quote
_KEYS = {"": ("TEXT",), "sender": ("FROM",), "recipients": ("TO", "CC"), "subject": ("SUBJECT",), "body": ("BODY",)}
_FLAG_KEYS = {Flag.SEEN: "SEEN", Flag.FLAGGED: "FLAGGED", Flag.ANSWERED: "ANSWERED", Flag.DRAFT: "DRAFT"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def imap_keys(search: Search) -> tuple[Key, ...] | None:
    """The SEARCH keys (RFC 9051 s.6.4.4) of a search; None when it asks for what IMAP cannot search for.

    ``folder`` and ``attachments`` are not among the keys: the first says which folders to ask, the second is looked
    for among the answers.
    """
    if any(term.field not in _KEYS for term in search.terms):
        return None
    keys: list[Key] = [key for term in search.terms for key in _term_keys(term)]
    keys += ["UN" * (not wanted) + _FLAG_KEYS[flag] for flag, wanted in search.flags]
    keys += _limit_keys(search)
    return tuple(keys) or ("ALL",)


def _term_keys(term: Term) -> Iterator[Key]:
    words = Quote(" ".join(term.text.split()))
    if term.negated:
        yield "NOT"
    names = _KEYS[term.field]
    if len(names) == 2:
        yield "OR"
    for name in names:
        yield name
        yield words


def _limit_keys(search: Search) -> list[Key]:
    """Dates as the Date header has them, like the dates that are shown; sizes in octets."""
    found: list[Key] = []
    if search.after is not None:
        found.append(f"SENTSINCE {imap_day(search.after)}")
    if search.before is not None:
        found.append(f"SENTBEFORE {imap_day(search.before)}")
    if search.larger is not None:
        found.append(f"LARGER {search.larger}")
    if search.smaller is not None:
        found.append(f"SMALLER {search.smaller}")
    return found


def imap_day(seconds: int) -> str:
    """The date of RFC 9051 s.9, in UTC."""
    when = datetime.fromtimestamp(min(max(seconds, 0), 253402300799), UTC)
    return f"{when.day}-{_MONTHS[when.month - 1]}-{when.year:04d}"


def spaced(text: str) -> str:
    """``text`` with every CJK character a word of its own: they are written without blanks between words."""
    if text.isascii():
        return text
    try:
        text.encode("latin-1")  # thirty times faster than looking for what cannot be there
    except UnicodeEncodeError:
        return _cjk().sub(lambda run: f" {' '.join(run[0])} ", text)
    return text


@cache
def _cjk() -> re.Pattern[str]:
    """Compiled for the first text that needs it: that takes 5 ms, which every start would pay."""
    return re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]+")
