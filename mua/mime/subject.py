"""Subjects and names as they are compared: what mail is sorted by, and whether a subject says that it answers.

Rules of the file: no I/O; linear in what is looked at; loaded by the first mail that comes, never by a start.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from mua.model import naming
from mua.model.address import Address

MAX_KEY: Final = 80  # characters that are compared
_LOOKED_AT: Final = 1_000  # characters of a subject
_ROUNDS: Final = 50

REPLY_PREFIX = re.compile(
    r"(?:re|aw|antw|antwort|sv|vs|odp|ynt|r\u00e9f|rif|ris|res|ant|"
    r"b\u1ea3n tr\u1ea3 l\u1eddi|\u7b54\u590d|\u56de\u590d|\u56de\u8986|"
    r"\u03b1\u03c0|\u03c3\u03c7\u03b5\u03c4|\u043e\u0442\u0432|\u043d\u0430|\u05ea\u05d2\u05d5\u05d1\u05d4|\u0631\u062f)"
    r"\s*(?:\[\d+\]|\(\d+\)|\^\d+)?\s*[:\uff1a]\s*",
    re.IGNORECASE,
)
FORWARD_PREFIX = re.compile(
    r"(?:fwd?|wg|tr|rv|enc|doorst|vl|vb|pd|ilt|i|i\u0307let|\u8f6c\u53d1|\u8f49\u5bc4|\u03c0\u03c1\u03b8|\u043f\u0435\u0440)\s*[:\uff1a]\s*",
    re.IGNORECASE,
)
LIST_TAG = re.compile(r"\[[^\[\]]{1,60}\]\s*")
_TRAILER = re.compile(r"(?:\s*\(fwd\))+\s*$", re.IGNORECASE)
_WRAPPED = re.compile(r"\[fwd:\s*(.*)\]$", re.IGNORECASE)


@lru_cache(maxsize=2048)
def topic(subject: str) -> tuple[str, bool]:
    """The base subject (RFC 5256 s.2.1) as it is compared, and whether what was taken off said that it answers.

    Prefixes count in whatever language they are; a tag of a list is no part of a topic, unless there is nothing else.
    """
    rest, answers = " ".join(subject[:_LOOKED_AT].split()), False
    if ":" in rest or "\uff1a" in rest or rest.startswith("[") or rest.endswith(")"):
        for _ in range(_ROUNDS):
            before = rest
            if rest.endswith(")"):
                rest = _TRAILER.sub("", rest)
            if found := REPLY_PREFIX.match(rest):
                rest, answers = rest[found.end() :], True
            elif found := FORWARD_PREFIX.match(rest):
                rest = rest[found.end() :]
            elif found := _WRAPPED.match(rest):
                rest = found[1]
            elif (found := LIST_TAG.match(rest)) and found.end() < len(rest):
                rest = rest[found.end() :]
            if rest == before:
                break
    return folded(rest), answers


@lru_cache(maxsize=2048)
def who(people: tuple[Address, ...]) -> str:
    """Those people as a list shows them, to be sorted by; what stands around a name is passed over."""
    return folded(naming.people(people).lstrip("\"'`\u201c\u201e\u2018\u00ab([<. "))


def whoever(people: Iterable[Iterable[str]]) -> str:
    """The same of the store's form, pairs of a name and an address."""
    return who(tuple(Address(*one) for one in people))


def folded(text: str) -> str:
    """Letters without case and accents, compatibility forms as what they stand for; at most ``MAX_KEY`` of them."""
    if text.isascii():
        return text[:MAX_KEY].lower()
    from unicodedata import category, normalize

    plain = normalize("NFKD", text[:MAX_KEY].casefold())
    return "".join(one for one in plain if category(one) != "Mn")[:MAX_KEY]
