"""What a search should find, found by looking at every message: with nothing of the index, and nothing of SQLite.

The scope of it is ``store/find``'s: one or two letters are looked for at the beginnings of words of subjects and
addresses; a longer word at the beginnings of all words, the last one of several may go on; where that finds fewer than
``FEW`` messages, a single word of at least ``INSIDE`` letters is looked for inside words, too (of 4 to 40 letters),
unless more than ``WORDS`` different words hold it so.
"""

import functools
import random
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from million import Entry

from mua.model.message import Flag
from mua.plan.search import Either, Every, Has, Is, Node, Not, Search, Sent, Sized, Term, spaced
from mua.store.find import FEW, INSIDE, WORDS

_WORD = re.compile(r"[^\W_]+")
HEADS = ("subject", "sender", "recipients")


class Sight:
    """A message as a person sees it: the words of each of its fields."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        to = " ".join(f"{name} {address}" for name, address in entry.to)
        texts = {"subject": entry.subject, "sender": " ".join(entry.sender), "recipients": to, "body": entry.snippet}
        self.words = {field: words(text) for field, text in texts.items()}
        self.lines = {field: f" {' '.join(have)} " for field, have in self.words.items()}  # a blank around each word

    def has(self, term: Term, inside: frozenset[str]) -> bool:
        """``inside``: the words that are looked for inside words, too."""
        wanted = words(term.text)
        if not wanted:
            return True
        short = len(term.text) <= 2 and term.text.isascii() and term.field in ("", *HEADS)
        fields = [term.field] if term.field else HEADS if short else tuple(self.words)
        return any(self._in(field, wanted, term.phrase, inside) for field in fields)

    def _in(self, field: str, wanted: Sequence[str], phrase: bool, inside: frozenset[str]) -> bool:
        line = self.lines.get(field, "")
        if f" {' '.join(wanted)}{' ' if phrase else ''}" in line:
            return True
        single = not phrase and len(wanted) == 1 and wanted[0] in inside
        return single and wanted[0] in line and any(_holds(one, wanted[0]) for one in self.words[field])


@functools.lru_cache(maxsize=1000)
def words(text: str) -> tuple[str, ...]:
    """The words of a text, in any letter case and without accents; a CJK character is a word."""
    plain = "".join(
        one for one in unicodedata.normalize("NFKD", spaced(text).lower()) if not unicodedata.combining(one)
    )
    return tuple(_WORD.findall(plain))


def _holds(word: str, piece: str) -> bool:
    return 4 <= len(word) <= 40 and word.find(piece) > 0


class Everything:
    """All messages, and all of their words."""

    def __init__(self, sights: Iterable[Sight]) -> None:
        self.sights = list(sights)
        lists = {word for one in self.sights for word in words(one.entry.list_id)}
        self.words = lists | {word for one in self.sights for some in one.words.values() for word in some}

    def found(self, search: Search) -> list[int]:
        """The ids of all that match, newest first."""
        hits = self._found(search, frozenset())
        if len(hits) < FEW:
            hits = self._found(search, frozenset(self._inside(search)))
        return sorted(hits, reverse=True)

    def _found(self, search: Search, inside: frozenset[str]) -> list[int]:
        return [one.entry.id for one in self.sights if all(_true(one, part, inside) for part in search.parts)]

    def _inside(self, search: Search) -> Iterator[str]:
        """The pieces that are looked for inside words."""
        for leaf, _ in search.leaves():
            if isinstance(leaf, Term) and not leaf.phrase and len(several := words(leaf.text)) == 1:
                [piece] = several
                if len(piece) >= INSIDE and sum(_holds(one, piece) for one in self.words) <= WORDS:
                    yield piece


def _true(one: Sight, node: Node, inside: frozenset[str]) -> bool:
    if isinstance(node, Term):
        return one.has(node, inside)
    if isinstance(node, Not):
        return not _true(one, node.part, inside)
    if isinstance(node, Every):
        return all(_true(one, part, inside) for part in node.parts)
    if isinstance(node, Either):
        return any(_true(one, part, inside) for part in node.parts)
    if isinstance(node, Is):
        return bool(Flag(one.entry.flags) & node.flag) is node.wanted
    if isinstance(node, Has):
        return bool(one.entry.attachments if node.what == "attachment" else one.entry.list_id)
    if isinstance(node, Sent):
        return (node.start is None or one.entry.date >= node.start) and (node.end is None or one.entry.date < node.end)
    if isinstance(node, Sized):
        above = node.above is None or one.entry.size > node.above
        return above and (node.below is None or one.entry.size < node.below)
    raise TypeError(node)


def queries(sights: Sequence[Sight], many: int, seed: int = 11) -> list[str]:
    """Random searches as people write them, of words that there are: prefixes, phrases, operators, OR, negation."""
    dice = random.Random(seed)

    def word(field: str = "body") -> str:
        have = dice.choice(sights).words[field] or ("the",)
        return dice.choice(have)

    def phrase() -> str:
        have = dice.choice(sights).words["body"]
        start = dice.randrange(max(1, len(have) - 3))
        return f'"{" ".join(have[start : start + dice.randint(2, 3)])}"'

    kinds: list[Callable[[], str]] = [
        lambda: word()[: dice.randint(1, 6)],
        lambda: f"{word()[: dice.randint(3, 6)]} {word()[: dice.randint(3, 6)]}",
        lambda: f"{word()} {word('sender')[:2]}",
        phrase,
        lambda: f"from:{word('sender')}",
        lambda: f"to:{word('recipients')} subject:{word('subject')[:4]}",
        lambda: f"{word()} -{word()}",
        lambda: f"{word()} OR {phrase()}",
        lambda: f"({word('subject')} from:{word('sender')}) OR is:starred {word()[:3]}",
        lambda: f"-{word()} is:unread",
        lambda: f"{word()[1:]}",
        lambda: f"is:unread {word()[:4]} larger:10k",
        lambda: f"has:attachment after:2019 before:2023-06 {word()[:3]}",
        lambda: f"{word()[: dice.randint(2, 4)]} -(is:read OR from:{word('sender')})",
    ]
    return [dice.choice(kinds)() for _ in range(many)]
