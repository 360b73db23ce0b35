"""Just enough of RON (Rusty Object Notation) to read STARTTLS test cases that lie beside the checkout as data.

``load(text)``: structs and maps become dicts, lists and tuples lists, ``Name(...)`` a pair ("Name", content), bare
names strings.
"""

import re

_TOKEN = re.compile(r'\s+|//[^\n]*|"(?P<text>(?:\\.|[^"\\])*)"|(?P<word>[A-Za-z0-9_.+-]+)|(?P<mark>[()\[\]{}:,])')
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def load(text: str) -> object:
    """The one value in a document."""
    tokens = [match for match in _tokens(text) if match.lastgroup]
    value, at = _value(tokens, 0)
    if at != len(tokens):
        raise ValueError("more than one value")
    return value


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
            fields[value], at = _value(tokens, at + 1)
        else:
            items.append(value)
        if tokens[at]["mark"] == ",":
            at += 1
    return fields or items, at + 1


def _unescaped(text: str) -> str:
    def one(match: re.Match[str]) -> str:
        return chr(int(match[1][1:], 16)) if match[1][0] == "x" else _ESCAPES.get(match[1], match[1])

    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", one, text, flags=re.DOTALL)
