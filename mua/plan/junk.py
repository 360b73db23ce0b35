"""Whether a message looks like junk, by the words of what a person marked before.  Pure.

Naive Bayes after Robinson: each word has a probability, drawn towards 1/2 the less was seen of it; the words that tell
most are combined by Fisher's method (an inverse chi-square), which yields near 1/2 where they contradict each other.
Words are kept as numbers only: what is learned holds no mail.
"""

import math
import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from mua.records import dataclass

ENOUGH = 15  # messages of each kind before anything is judged
SURE = 0.97  # from there on it is junk
MOST = 500  # words of a message that are looked at
TELLING = 120  # of those the ones that tell most
STRENGTH, PRIOR = 0.45, 0.5  # Robinson's s and x
NEAR = 0.1  # a word so near 1/2 tells nothing
_WORD = re.compile(r"[\w$€£%!'-]{3,30}")
_LINK = re.compile(r"https?://([^\s/<>\"')]{3,100})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Letter:
    """What of a message is looked at."""

    sender: str
    subject: str
    text: str
    list_id: str = ""
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Learned:
    """How many messages of each kind were learned, and in how many of them each word was: word -> (junk, good)."""

    junk: int
    good: int
    words: Mapping[int, tuple[int, int]]

    @property
    def enough(self) -> bool:
        """Whether there is enough to judge by."""
        return min(self.junk, self.good) >= ENOUGH


def words(letter: Letter) -> frozenset[int]:
    """The words of a message, as numbers; where a word stands is part of it."""
    found: dict[int, None] = {}
    for mark, values in (
        ("from:", (letter.sender.lower(), letter.sender.lower().rpartition("@")[2])),
        ("list:", (letter.list_id.lower(),)),
        ("file:", (name.lower().rpartition(".")[2] for name in letter.attachments)),
        ("link:", (one.lower() for one in _LINK.findall(letter.text[:200_000])[:50])),
        ("subject:", _split(letter.subject[:1_000])),
        ("", _split(letter.text[:20_000])),
    ):
        for value in values:
            if value and len(found) < MOST:
                found.setdefault(number_of(mark + value))
    return frozenset(found)


def number_of(word: str) -> int:
    """A word as it is kept: a number of 62 bits from which it cannot be read."""
    return int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "big") >> 2


def _split(text: str) -> Iterable[str]:
    return (one.casefold() for one in _WORD.findall(text))


def probability(found: Iterable[int], learned: Learned) -> float:
    """How likely a message with these words is junk: 0 to 1; 1/2 where nothing is known."""
    if not learned.junk or not learned.good:
        return 0.5
    known = (_word(learned, *learned.words[one]) for one in found if one in learned.words)
    telling = sorted((p for p in known if abs(p - 0.5) >= NEAR), key=lambda p: -abs(p - 0.5))[:TELLING]
    if not telling:
        return 0.5
    as_good = _chi2(-2.0 * sum(math.log(1.0 - p) for p in telling), 2 * len(telling))
    as_junk = _chi2(-2.0 * sum(math.log(p) for p in telling), 2 * len(telling))
    return (1.0 + as_junk - as_good) / 2.0


def is_junk(found: Iterable[int], learned: Learned) -> bool:
    """Whether it is to be treated as junk."""
    return learned.enough and probability(found, learned) >= SURE


def _word(learned: Learned, junk: int, good: int) -> float:
    """Robinson's f(w)."""
    in_junk, in_good = min(junk / learned.junk, 1.0), min(good / learned.good, 1.0)
    seen = junk + good
    if not seen or not in_junk + in_good:
        return PRIOR
    p = in_junk / (in_junk + in_good)
    return min(max((STRENGTH * PRIOR + seen * p) / (STRENGTH + seen), 0.001), 0.999)


def _chi2(chi: float, degrees: int) -> float:
    """The probability of at least so large a chi-square with an even number of degrees of freedom."""
    half = chi / 2.0
    total = term = math.exp(-half)
    for step in range(1, degrees // 2):
        term *= half / step
        total += term
    return min(total, 1.0)
