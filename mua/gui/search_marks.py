"""The words that were searched, marked in the message that is read.

Rules of the file: words are marked as they are found, by their beginnings, in any letter case, with or without accents;
one pattern for both engines of regular expressions, Qt's and the browser's.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QRegularExpression, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QTextEdit

from mua.gui.theme import theme
from mua.plan.search import Search, spaced

if TYPE_CHECKING:
    from mua.gui.message_body import Body

MOST = 500  # marks of one text
_FIELDS = ("", "body")
_WORDS = 30  # of a search


def words_of(search: Search | None) -> tuple[str, ...]:
    """What is to be marked of a search: its words and phrases, as far as a body holds them."""
    if search is None:
        return ()
    found = (" ".join(term.text.split()) for term in search.words() if term.field in _FIELDS)
    return tuple(one for one in dict.fromkeys(found) if any(map(str.isalnum, one)))[:_WORDS]


def mark(body: "Body", words: Sequence[str]) -> None:
    """Mark them in what a body shows; without words, nothing is marked any more."""
    if body.is_web and body.web is not None:
        from mua.gui.page_marks import SEARCHED, paint

        paint(body.web, SEARCHED, "|".join(map(pattern, words)), lambda _: None, most=MOST)
        return
    marks: list[QTextEdit.ExtraSelection] = []
    for cursor in _hits(body, words):
        one = QTextEdit.ExtraSelection()
        one.cursor = cursor
        one.format.setBackground(theme().colour("star"))
        one.format.setForeground(Qt.GlobalColor.black)
        marks.append(one)
    body.text.setExtraSelections(marks)


def _hits(body: "Body", words: Sequence[str]) -> Iterator[QTextCursor]:
    if not words:
        return
    options = (
        QRegularExpression.PatternOption.CaseInsensitiveOption
        | QRegularExpression.PatternOption.UseUnicodePropertiesOption
    )
    wanted = QRegularExpression("|".join(map(pattern, words)), options)
    document, cursor = body.text.document(), QTextCursor(body.text.document())
    for _ in range(MOST):
        cursor = document.find(wanted, cursor)
        if cursor.isNull() or not cursor.hasSelection():
            return
        yield QTextCursor(cursor)


def pattern(words: str) -> str:
    """A regular expression for words at the beginning of a word; a CJK character begins one."""
    pieces = [
        r"[^\p{L}\p{N}]*" if not one.isalnum() else _letters().get(one.lower(), re.escape(one)) for one in _plain(words)
    ]
    return ("" if spaced(words[:1]) != words[:1] else r"(?<![\p{L}\p{N}])") + "".join(pieces)


def _plain(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))


@lru_cache(maxsize=1)
def _letters() -> dict[str, str]:
    """Each letter of the Latin alphabet, as a set of itself and of those that it is without its accents."""
    found: dict[str, str] = {}
    for one in map(chr, range(0xC0, 0x250)):
        plain = unicodedata.normalize("NFD", one)[0].lower()
        if plain.isascii() and plain.isalpha():
            found[plain] = found.get(plain, plain) + one
    return {plain: f"[{several}][\u0300-\u036f]*" for plain, several in found.items()}
