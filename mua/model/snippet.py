"""A text that a person keeps and uses again."""

import re

from mua.records import dataclass

MAX_WORD = 30  # characters
MAX_TEXT = 20_000
MOST = 300  # that are kept
_WORD = re.compile(r"[^\W_](?:[\w.-]*\w)?")


@dataclass(frozen=True, slots=True)
class Snippet:
    """``word`` is what is typed for it; ``text`` is Markdown with fields (``plan/fields``)."""

    word: str
    text: str


def is_word(text: str) -> bool:
    """Whether it can be a snippet's word: letters and digits, without a blank."""
    return len(text) <= MAX_WORD and _WORD.fullmatch(text) is not None


def snippet_line(snippet: Snippet) -> str:
    """A snippet as a line of the settings: ``word = text``."""
    return f"{snippet.word} = {snippet.text}"


def snippets_from(lines: object) -> tuple[Snippet, ...]:
    """The snippets of a list of lines, as the settings hold it; what is none is left out."""
    found: dict[str, Snippet] = {}
    for line in lines if isinstance(lines, list | tuple) else ():
        word, mark, text = str(line).partition("=")
        word, text = word.strip(), text.removeprefix(" ")
        if mark and is_word(word) and text.strip():
            found.setdefault(word.casefold(), Snippet(word, text[:MAX_TEXT]))
    return tuple(found.values())[:MOST]
