"""What a person types into the search field, understood: words, phrases, operators, negation, OR and parentheses.

``from: to: cc: subject: body: filename: attachment: list: tag: has: is: in: before: after: on: larger: smaller:
"phrase" -not OR ( )``.  Words that stand beside each other have all to be there; ``OR`` (in capitals, between two of
them) is for its two neighbours; ``from:(ann OR bo)`` is allowed.  What is not an operator is searched everywhere.
Nothing a person types is an error: an operator that makes no sense is searched as the words it is, and what is not
written to its end yet (``from:``) asks for nothing.

``before:june`` ends where June begins, and ``after:june`` begins there: the two together are all mail.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, tzinfo
from functools import cache
from typing import TypeGuard

from mua.model.account import AccountId
from mua.model.folder import FolderId
from mua.model.message import Flag
from mua.model.tag import TAGS, Tag, tag_named
from mua.plan.periods import period
from mua.records import dataclass

FIELDS = {
    "from": "sender",
    "to": "recipients",
    "cc": "cc",
    "subject": "subject",
    "body": "body",
    "filename": "files",
    "attachment": "attached",
    "list": "list",
}
IS = {
    "unread": (Flag.SEEN, False),
    "read": (Flag.SEEN, True),
    "starred": (Flag.FLAGGED, True),
    "flagged": (Flag.FLAGGED, True),
    "unstarred": (Flag.FLAGGED, False),
    "answered": (Flag.ANSWERED, True),
    "replied": (Flag.ANSWERED, True),
    "draft": (Flag.DRAFT, True),
}
HAS = ("attachment", "list", "pin")
OPERATORS = (*FIELDS, "tag", "has", "is", "in", "before", "after", "on", "larger", "smaller")
UNITS = {"": 1, "b": 1, "k": 1024, "kb": 1024, "m": 1024**2, "mb": 1024**2, "g": 1024**3, "gb": 1024**3}
MAX_QUERY = 10_000  # characters that are looked at
MAX_DEPTH = 30  # of parentheses
MAX_PARTS = 400  # words and operators that are looked at
MAX_OCTETS = (1 << 32) - 1  # what IMAP can ask for (RFC 9051 s.9, number), and more than any message has
_DATE_WORDS = 4  # of a date in plain language: "11 june 2024", "3 days ago"
_NO_MAIL = date(1900, 1, 1)
_TOKEN = re.compile(
    rf"""(?P<minus>-?)
    (?:(?P<operator>(?i:{"|".join(OPERATORS)})):[ \t]*|(?P<other>[A-Za-z]+):(?=\S))?
    (?:"(?P<quoted>[^"]*)"? | (?P<opening>\() | (?P<word>[^\s"()]+)) | (?P<closing>\))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase.  ``field`` empty: anywhere.  Of a phrase the last word is whole, too."""

    text: str
    field: str = ""
    phrase: bool = False


@dataclass(frozen=True, slots=True)
class Is:
    """A flag, as it is shown."""

    flag: Flag
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Has:
    """``what`` is one of ``HAS``."""

    what: str


@dataclass(frozen=True, slots=True)
class In:
    """In folders of this name or role."""

    folder: str


@dataclass(frozen=True, slots=True)
class Tagged:
    """With this keyword, in any letter case."""

    keyword: str


@dataclass(frozen=True, slots=True)
class Sent:
    """Dated from ``start`` on and before ``end``: UTC seconds; None: no limit."""

    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Sized:
    """Larger than ``above`` and smaller than ``below`` octets; None: no limit."""

    above: int | None = None
    below: int | None = None


@dataclass(frozen=True, slots=True)
class Not:
    """What ``part`` is not true of."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class Every:
    """All of them are true."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of them is."""

    parts: tuple["Node", ...]


Leaf = Term | Is | Has | In | Tagged | Sent | Sized
Node = Leaf | Not | Every | Either


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: in everything, in one account, or in one folder."""

    account_id: AccountId | None = None
    folder_id: FolderId | None = None


EVERYWHERE = Scope()


@dataclass(frozen=True, slots=True)
class Search:
    """A search, understood: all of ``parts`` are true of what it finds; without any, everything is found."""

    parts: tuple[Node, ...] = ()
    scope: Scope = EVERYWHERE

    def and_also(self, *parts: Node) -> "Search":
        """The same, narrowed."""
        return Search((*self.parts, *parts), self.scope)

    def within(self, scope: Scope) -> "Search":
        """The same, looked for there."""
        return Search(self.parts, scope)

    def leaves(self) -> Iterator[tuple[Leaf, bool]]:
        """Every single condition, and whether it is wanted (not negated)."""
        for part in self.parts:
            yield from _leaves(part, True)

    def words(self) -> tuple[Term, ...]:
        """The words that a hit may hold: for highlighting."""
        return tuple(leaf for leaf, wanted in self.leaves() if wanted and isinstance(leaf, Term))


def _leaves(node: Node, wanted: bool) -> Iterator[tuple[Leaf, bool]]:
    if isinstance(node, Not):
        yield from _leaves(node.part, not wanted)
    elif isinstance(node, Every | Either):
        for part in node.parts:
            yield from _leaves(part, wanted)
    else:
        yield node, wanted


def parse(text: str, now: int, zone: tzinfo | None = UTC, tags: Sequence[Tag] = TAGS) -> Search:
    """Understand ``text``; ``now`` (UTC seconds) gives "today" its meaning.

    ``zone`` None: the computer's own.  ``tags``: those that the person has names for.
    """
    sayable = text[:MAX_QUERY].encode("utf-8", "replace").decode()  # lone surrogates are in no store and on no wire
    tokens = [_Token(**found.groupdict("")) for found in _TOKEN.finditer(sayable)]
    return Search(_Parser(tokens[:MAX_PARTS], now, zone, tags).parts())


@dataclass(frozen=True, slots=True)
class _Token:
    """Of ``-from:"Ann B"`` the minus, the operator and what is quoted; or a word, or a parenthesis."""

    minus: str
    operator: str
    other: str
    """Something with a colon that is no operator."""
    quoted: str
    opening: str
    word: str
    closing: str

    @property
    def is_plain(self) -> bool:
        """A word and nothing else."""
        return bool(self.word) and not (self.minus or self.operator or self.other or self.is_or)

    @property
    def is_or(self) -> bool:
        """OR between its neighbours."""
        return self.word == "OR" and not (self.minus or self.operator or self.other)


class _Parser:
    """One pass over the tokens."""

    def __init__(self, tokens: list[_Token], now: int, zone: tzinfo | None, tags: Sequence[Tag]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0
        self._now, self._zone, self._tags = now, zone, tags

    def parts(self, field: str = "") -> tuple[Node, ...]:
        """What stands beside each other, up to the end or a closing parenthesis."""
        found: list[Node] = []
        either = False
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            self._at += 1
            if token.closing:
                if self._depth:
                    break
                continue
            if token.is_or:
                either = bool(found)
                continue
            node = self._node(token, field)
            if node is None:
                continue
            if either:
                last = found.pop()
                node = Either((*last.parts, node) if isinstance(last, Either) else (last, node))
                either = False
            found.append(node)
        return tuple(found)

    def _node(self, token: _Token, field: str) -> Node | None:
        name = token.operator.lower() or (field if not token.other else "")
        value = token.quoted or token.word
        if token.opening:
            node = self._group(name)
        elif not value or (value.lower().rstrip(":") in OPERATORS and value.endswith(":")):
            return None  # not written to its end yet
        else:
            value = f"{token.other}:{value}" if token.other else value
            node = self._leaf(name, value, token)
        return Not(node) if token.minus and node is not None else node

    def _group(self, field: str) -> Node | None:
        """Inside parentheses; beyond ``MAX_DEPTH`` they are not there."""
        if self._depth >= MAX_DEPTH:
            return None
        self._depth += 1
        inside = self.parts(field)
        self._depth -= 1
        return Every(inside) if len(inside) > 1 else inside[0] if inside else None

    def _leaf(self, name: str, value: str, token: _Token) -> Node:
        if name in FIELDS:
            return Term(value, FIELDS[name], bool(token.quoted))
        found = (
            self._date(name, value, token) if name in ("before", "after", "on") else _filter(name, value, self._tags)
        )
        return found or Term(f"{name} {value}" if name else value, "", bool(token.quoted))

    def _date(self, name: str, value: str, token: _Token) -> Sent | None:
        """The longest run of words that is a date."""
        today = datetime.fromtimestamp(self._now, self._zone).date()
        words = [value]
        for following in self._tokens[self._at : self._at + _DATE_WORDS - 1] if not token.quoted else ():
            if not following.is_plain:
                break
            words.append(following.word)
        for number in range(len(words), 0, -1):
            if days := period(" ".join(words[:number]), today):
                self._at += number - 1
                start, end = (self._midnight(day) for day in days)
                return {"before": Sent(None, start), "after": Sent(start), "on": Sent(start, end)}[name]
        return None

    def _midnight(self, day: date) -> int:
        day = max(day, _NO_MAIL)  # further back, a computer's own zone has no such times
        return int(datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp())


def _filter(name: str, value: str, tags: Sequence[Tag]) -> Node | None:
    word = value.lower()
    if name == "is" and word in IS:
        return Is(*IS[word])
    if name == "is" and word == "pinned":
        return Has("pin")
    if name == "has":
        return _has(word, tags)
    if name == "in":
        return In(value)
    if name == "tag":
        tag = tag_named(value, tags)
        return Tagged(tag.keyword if tag is not None else value)
    if name in ("larger", "smaller"):
        size = re.fullmatch(r"(\d{1,12})([kmg]?b?)", word)
        if size is None:
            return None
        octets = min(int(size[1]) * UNITS.get(size[2], 1), MAX_OCTETS)
        return Sized(above=octets) if name == "larger" else Sized(below=octets)
    return None


def _has(word: str, tags: Sequence[Tag]) -> Node | None:
    if word in ("tag", "tags"):
        return Either(tuple(Tagged(one.keyword) for one in tags))
    if word in ("star", "stars"):
        return Is(Flag.FLAGGED)
    found = [one for one in HAS if word in (one, f"{one}s")] or ["attachment"] * word.startswith("attach")
    return Has(found[0]) if found else None


def is_words(node: Node) -> TypeGuard[Term | Not | Every | Either]:
    """Whether nothing but words is asked for."""
    if isinstance(node, Not):
        return is_words(node.part)
    if isinstance(node, Every | Either):
        return all(map(is_words, node.parts))
    return isinstance(node, Term)


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
