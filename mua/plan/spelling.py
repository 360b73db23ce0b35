"""Which words of a paragraph are spelt wrong: decided from what the dictionaries of several languages know.

Theory of operation: nobody says in which language a paragraph is; the language that knows most of its words is taken,
of equal ones the first that was chosen.  A word is wrong where that language does not know it.  A paragraph too
short to tell, or one in which no language knows half, is measured by all of them together; one of which all together do
not know half is in a language for which there is no dictionary, and nothing in it is called wrong.

Rules of the file: pure; what is no word of a language (addresses, file names, numbers, abbreviations in capitals, names
in code) is not looked at; words of scripts that no chosen language writes are not, either.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from mua.records import dataclass

LONGEST: Final = 60  # letters of a word that a dictionary is asked for
MOST: Final = 20_000  # characters of a paragraph that are looked at
_TELLING = 4  # words from which on a paragraph tells its language
_TOKEN = re.compile(r"\S+")
_LETTER = r"(?:[^\W\d_]|[\u0300-\u036f])"
_WORD = re.compile(rf"[^\W\d_]{_LETTER}*(?:['’]{_LETTER}+)*")
_NO_WORD = re.compile(r"[\d_@\\]|//|\w\.\w|\w/\w*/|^[#~]|^:[a-z+-]+:$|\bwww\.", re.IGNORECASE)
_CODE = re.compile(r"`[^`]*`")
_USUAL: Final = {"en": "en_US", "cs": "cs_CZ", "da": "da_DK", "sv": "sv_SE", "uk": "uk_UA"}
_SCRIPTS: Final = {
    "CYRILLIC": ("ru", "uk", "be", "bg", "mk", "sr", "kk", "mn"),
    "GREEK": ("el", "grc"),
    "HEBREW": ("he", "yi"),
    "ARABIC": ("ar", "fa", "ur", "ckb"),
    "ARMENIAN": ("hy",),
    "GEORGIAN": ("ka",),
    "HANGUL": ("ko",),
    "DEVANAGARI": ("hi", "mr", "ne", "sa"),
    "BENGALI": ("bn", "as"),
    "TAMIL": ("ta",),
    "TELUGU": ("te",),
    "GUJARATI": ("gu",),
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found out about a paragraph: its ``language`` ("" where it is not clear), and (from, to) of each word
    that is wrong.
    """

    language: str = ""
    wrong: tuple[tuple[int, int], ...] = ()


def base(language: str) -> str:
    """The language of ``de_AT`` without its country."""
    return language.replace("-", "_").partition("_")[0].lower()


def chosen(wanted: Sequence[str], installed: Collection[str]) -> tuple[str, ...]:
    """The dictionaries for languages as a person or a desktop names them (``de-AT``, ``en``): the very one, else the
    one of the language's own country, else any of the language.
    """
    found: list[str] = []
    for one in wanted:
        parts = one.replace("-", "_").split("_")
        name, language = "_".join([parts[0], *parts[-1:]]) if len(parts) > 1 else one, parts[0].lower()
        if name == language and any(base(other) == language for other in found):
            continue
        guesses = (name, language, _USUAL.get(language, f"{language}_{language.upper()}"))
        kin = sorted(other for other in installed if base(other) == language)
        best = next((guess for guess in (*guesses, *kin) if guess in installed), None)
        if best is not None:
            found.append(best)
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[tuple[int, str], ...]:
    """(where it begins, the word as dictionaries have it) of every word of a paragraph that could be spelt wrong."""
    text = _CODE.sub(lambda match: " " * len(match[0]), text[:MOST])
    found = []
    for token in _TOKEN.finditer(text):
        if len(token[0]) > 4 * LONGEST or _NO_WORD.search(token[0]):
            continue
        for match in _WORD.finditer(token[0]):
            word = match[0]
            if 1 < len(word) <= LONGEST and not _is_a_sign(word):
                found.append((token.start() + match.start(), word.replace("’", "'")))
    return tuple(found)


def check(text: str, known: Mapping[str, Collection[str]], languages: Sequence[str]) -> tuple[Checked, tuple[str, ...]]:
    """(what is wrong in a paragraph, the words that have to be looked up first).

    ``known``: of each word that was looked up the languages that know it.  One that was not counts for nothing.
    """
    scripts = _scripts_of(tuple(languages))
    found = [(at, word) for at, word in words_of(text) if _script(word) in scripts]
    missing = tuple(dict.fromkeys(word for _, word in found if word not in known))
    told = [(at, word) for at, word in found if word in known]
    counts = {one: sum(one in known[word] for _, word in told) for one in languages}
    if not told or not counts:
        return Checked(), missing
    best = max(languages, key=lambda one: (counts[one], -languages.index(one)))
    telling = len(told) >= _TELLING
    if telling and sum(bool(known[word]) for _, word in told) * 2 < len(told):
        return Checked(), missing
    clear = telling and counts[best] * 2 >= len(told)
    asked = {best} if clear else set(languages)
    wrong = tuple((at, at + len(word)) for at, word in told if asked.isdisjoint(known[word]))
    return Checked(best if clear else "", wrong), missing


def without(spans: Iterable[tuple[int, int]], left: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The spans that touch none of those that are ``left`` out."""
    return [(at, end) for at, end in spans if not any(at < other and begin < end for begin, other in left)]


def _is_a_sign(word: str) -> bool:
    """USA, iPhone, toHtml: no dictionary has them, and nobody misspelt them."""
    return (word.isupper() and len(word) <= 6) or any(
        one.isupper() and before.islower() for before, one in pairwise(word)
    )


@lru_cache(maxsize=256)
def _scripts_of(languages: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        next((script for script, many in _SCRIPTS.items() if base(one) in many), "LATIN") for one in languages
    )


@lru_cache(maxsize=65_536)
def _script(word: str) -> str:
    return unicodedata.name(word[0], "").partition(" ")[0]
