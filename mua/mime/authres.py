"""Authentication-Results (RFC 8601 s.2.2): strictly, or not at all.

Rule of the file: a field that does not follow the grammar says nothing; whether one that does is to be believed is
decided in ``journey``.  Properties are read a little wider than the grammar has them (addresses and base64 without
quotes): that is how all servers write them.
"""

import re
from typing import Final

from mua.model.journey import Result, Stamp

MAX_RESULTS: Final = 50
_SCAN = re.compile(
    r"(?P<space>\s+)|(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<semicolon>;)|(?P<equals>=)|(?P<open>\()"
    r"|(?P<word>[^\s\"();=]+)"
)
_METHOD = re.compile(r"([A-Za-z][A-Za-z0-9-]*)(?:/\d+)?\Z")
_PROPERTY = re.compile(r"([a-z][a-z0-9-]*)\.([A-Za-z][A-Za-z0-9_.-]*)\Z")
_RESULT = re.compile(r"[A-Za-z][A-Za-z0-9-]*\Z")
_SERVER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z")


def stamp(text: str) -> Stamp | None:
    """What a field says; None where it does not follow the grammar."""
    sections = _sections(text[:16_384])
    if not sections or not sections[0]:
        return None
    server, *version = sections[0]
    if not _SERVER.match(server) or len(version) > 1 or (version and version[0] != "1"):
        return None
    found: list[Result] = []
    for words in sections[1:]:
        if words == ["none"] and len(sections) == 2:
            return Stamp(server, ())
        if not words and words is sections[-1] and found:
            continue  # a semicolon at the end
        result = _result(words)
        if result is None or len(found) >= MAX_RESULTS:
            return None
        found.append(result)
    return Stamp(server, tuple(found)) if found else None


def _sections(text: str) -> list[list[str]] | None:
    """The words between semicolons, without comments; a property is one word, "header.d=example.org"."""
    sections: list[list[str]] = [[]]
    position, glued = 0, False
    while position < len(text):
        match = _SCAN.match(text, position)
        if match is None:
            return None
        kind, position = match.lastgroup, match.end()
        words = sections[-1]
        if kind == "open":
            end = _comment_end(text, position)
            if end < 0:
                return None
            position = end
        elif kind == "semicolon":
            sections.append([])
            glued = False
        elif kind == "equals":
            if not words:
                return None
            words[-1] += "="
            glued = True
        elif kind != "space":
            piece = re.sub(r"\\(.)", r"\1", match[0][1:-1]) if kind == "quoted" else match[0]
            if glued:
                words[-1] += piece
            else:
                words.append(piece)
            glued = False
    return sections


def _comment_end(text: str, position: int) -> int:
    depth = 1
    while position < len(text):
        letter = text[position]
        if letter == "\\":
            position += 1
        elif letter in "()":
            depth += 1 if letter == "(" else -1
            if depth == 0:
                return position + 1
        position += 1
    return -1


def _result(words: list[str]) -> Result | None:
    if not words:
        return None
    method, equals, result = words[0].partition("=")
    match = _METHOD.match(method)
    if match is None or not equals or not _RESULT.match(result):
        return None
    reason, properties = "", list[tuple[str, str]]()
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if not equals:
            return None
        if name == "reason" and not properties and not reason:
            reason = value
        elif _PROPERTY.match(name):
            properties.append((name.lower(), value))
        elif name != "action":  # Microsoft's
            return None
    return Result(match[1].lower(), result.lower(), reason[:200], tuple(properties))
