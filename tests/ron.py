"""Just enough of RON (Rusty Object Notation) to read STARTTLS test cases that lie beside the checkout as data.

``load(text)``: structs and maps become dicts (of two equal fields the first counts), lists and tuples lists,
``Name(...)`` a pair ("Name", content), bare names strings.  ``variants(text)``: the same document with one block of
commented-out fields after another put in: the collection leaves some attacks to be switched on by hand.
"""

import re

_TOKEN = re.compile(r'\s+|//[^\n]*|"(?P<text>(?:\\.|[^"\\])*)"|(?P<word>[A-Za-z0-9_.+-]+)|(?P<mark>[()\[\]{}:,])')
_COMMENT = re.compile(r"\s*//\s?(.*)")
_FIELD = re.compile(r"\s*[a-z_]+:\s")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def load(text: str) -> object:
    """The one value in a document."""
    tokens = [match for match in _tokens(text) if match.lastgroup]
    value, at = _value(tokens, 0)
    if at != len(tokens):
        raise ValueError("more than one value")
    return value


def variants(text: str) -> list[str]:
    """One document for each block of comment lines that holds fields, with these fields before the others."""
    lines, found, at = text.splitlines(), [], 0
    while at < len(lines):
        end = at
        while end < len(lines) and _COMMENT.fullmatch(lines[end]):
            end += 1
        fields = _fields([_COMMENT.fullmatch(line)[1] for line in lines[at:end]])  # type: ignore[index]
        if fields:
            found.append("\n".join([*lines[:at], *fields, *lines[end:]]))
        at = max(end, at + 1)
    return found


def _fields(lines: list[str]) -> list[str]:
    """The lines of a comment that are fields (up to where their brackets close), without the prose."""
    kept: list[str] = []
    depth = 0
    for line in lines:
        if depth or _FIELD.match(line):
            kept.append(line)
            bare = re.sub(r'"(?:\\.|[^"\\])*"', "", line)
            depth += sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}"))
    return kept


def _tokens(text: str) -> list[re.Match[str]]:
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"not RON: {text[at : at + 20]!r}")
        found.append(match)
        at = match.end()
    return found


def _value(tokens: list[re.Match[str]], at: int) -> tuple[object, int]:
    token = tokens[at]
    if token["text"] is not None:
        return _unescaped(token["text"]), at + 1
    if token["mark"]:
        return _collection(tokens, at)
    word = token["word"]
    if at + 1 < len(tokens) and tokens[at + 1]["mark"] == "(":
        content, at = _collection(tokens, at + 1)
        return (word, content), at
    return {"true": True, "false": False}.get(word, word), at + 1


def _collection(tokens: list[re.Match[str]], at: int) -> tuple[object, int]:
    closing, at = _CLOSING[tokens[at]["mark"]], at + 1
    items: list[object] = []
    fields: dict[object, object] = {}
    while tokens[at]["mark"] != closing:
        value, at = _value(tokens, at)
        if tokens[at]["mark"] == ":":
            content, at = _value(tokens, at + 1)
            fields.setdefault(value, content)
        else:
            items.append(value)
        if tokens[at]["mark"] == ",":
            at += 1
    return fields or items, at + 1


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        return chr(int(match[1][1:], 16)) if match[1][0] == "x" else _ESCAPES.get(match[1], match[1])

    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", one, text, flags=re.DOTALL)
