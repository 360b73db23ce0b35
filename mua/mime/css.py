"""CSS of a mail, cleaned: the look stays, everything that could fetch, run or measure goes.

Rules of the file: a real tokenizer (tinycss2) decides, so that escapes and comments cannot hide a ``url(``; functions
are allowed by name, at-rules too (only ``@media``); the output is serialised from tokens, never cut from the input.
A remote picture of a ground or a list becomes its name (``remote``), which our own scheme serves where the person asked
for it; nothing is nailed to the screen, only to the page.  Never raises; at most ``MAX_CSS`` characters are read.
"""

import re
from functools import lru_cache
from typing import Any, Final

import tinycss2

from mua.mime.remote import SCHEME, Wishes, address

MAX_CSS: Final = 256 * 1024
_MAX_BLOCKS: Final = 8  # nested @media

_SAFE_FUNCTIONS: Final = frozenset(
    [
        "rgb",
        "rgba",
        "hsl",
        "hsla",
        "hwb",
        "lab",
        "lch",
        "oklab",
        "oklch",
        "color-mix",
        "light-dark",
        "calc",
        "min",
        "max",
        "clamp",
        "var",
        "linear-gradient",
        "radial-gradient",
        "conic-gradient",
        "repeating-linear-gradient",
        "repeating-radial-gradient",
        "translate",
        "translatex",
        "translatey",
        "rotate",
        "scale",
        "scalex",
        "scaley",
        "skew",
        "matrix",
        "cubic-bezier",
        "counter",
        "counters",
        "not",
        "is",
        "where",
        "nth-child",
        "nth-last-child",
        "nth-of-type",
        "first-child",
        "last-child",
        "rect",
        "inset",
        "circle",
        "ellipse",
        "polygon",
        "minmax",
        "repeat",
        "fit-content",
    ]
)
_BAD_PROPERTIES: Final = frozenset({"behavior", "behaviour", "-moz-binding", "-webkit-user-modify", "src"})
_PICTURES: Final = frozenset({"background", "background-image", "list-style", "list-style-image"})
_ON_THE_PAGE: Final = {"fixed": "absolute", "sticky": "relative", "-webkit-sticky": "relative"}
_PLAIN_DECLARATIONS = re.compile(r"[^\\(){}@<>/\x00-\x08]*\Z")
_FUNCTION = re.compile(r"([a-zA-Z-]+)\(")
_REMOTE = re.compile(r"\s*(?:https?:|//|ftp:)", re.IGNORECASE)


class CssCleaner:
    """Cleans style sheets and style attributes of one mail and tells ``wishes`` the remote references it took out."""

    def __init__(self, wishes: Wishes | None = None) -> None:
        self.wishes = wishes or Wishes()
        self.dark_ready = False
        self._left = MAX_CSS

    def sheet(self, css: str) -> str:
        """A style sheet with only harmless rules; may be empty.  ``MAX_CSS`` is for all sheets of the mail together."""
        css = css[: self._left]
        self._left -= len(css)
        try:
            return self._rules(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), 0)
        except Exception:  # noqa: BLE001 - a tokenizer fed with hostile text: RecursionError and whatever else; no style is the answer
            return ""

    def declarations(self, css: str) -> str:
        """A style attribute with only harmless declarations."""
        css = css[: MAX_CSS // 16]
        if _is_plain(css):
            return css
        text, found = _clean_declarations(css)
        return self._named(text, found)

    def _named(self, text: str, found: tuple[tuple[str, bool], ...]) -> str:
        """Tell what was found; the pictures among it have a place in ``text``, where their names go."""
        for url, shown in found:
            if not shown:
                self.wishes.other(url)
                continue
            name = self.wishes.image(url)
            text = text.replace(_PLACE, f"url({SCHEME}:{name})" if name else "none", 1)
        return text

    def _rules(self, rules: list[Any], depth: int) -> str:
        out = []
        for rule in rules:
            if rule.type == "qualified-rule":
                out.append(self._qualified(rule))
            elif rule.type == "at-rule":
                out.append(self._at_rule(rule, depth))
        return "\n".join(text for text in out if text)

    def _qualified(self, rule: Any) -> str:
        if not _tokens_are_safe(rule.prelude)[0]:
            return ""
        text = self._named(*_declarations_text(rule.content))
        return f"{_serialise(rule.prelude).strip()} {{ {text} }}" if text else ""

    def _at_rule(self, rule: Any, depth: int) -> str:
        name = rule.lower_at_keyword
        if name != "media" or rule.content is None or depth >= _MAX_BLOCKS:
            tokens = list(rule.prelude) + list(rule.content or [])
            found = _tokens_are_safe(tokens)[1]
            if name == "import" and not found:
                found = tuple(one.value for one in rule.prelude if one.type == "string")[:1]
            for url in found:
                self.wishes.other(url)
            return ""
        if not _tokens_are_safe(rule.prelude)[0]:
            return ""
        prelude = _serialise(rule.prelude).strip()
        self.dark_ready = self.dark_ready or "prefers-color-scheme" in prelude
        inner = self._rules(tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True), depth + 1)
        return f"@media {prelude} {{\n{inner}\n}}" if inner else ""


def _is_plain(css: str) -> bool:
    """Nearly every style attribute: nothing in it that could be a function, an escape, a comment or a block."""
    if _PLAIN_DECLARATIONS.match(css):
        return not _needs_a_look(css)
    if "\\" in css or "/" in css or "{" in css or "@" in css or "<" in css or "\0" in css:
        return False
    if not all(name.lower() in _SAFE_FUNCTIONS for name in _FUNCTION.findall(css)) or _needs_a_look(css):
        return False
    return css.count("(") == len(_FUNCTION.findall(css))


def _needs_a_look(css: str) -> bool:
    lowered = css.lower()
    return any(one in lowered for one in ("behavio", "-moz-binding", "src", "user-modify", "fixed", "sticky"))


@lru_cache(maxsize=2048)
def _clean_declarations(css: str) -> tuple[str, tuple[tuple[str, bool], ...]]:
    try:
        return _declarations_text(tinycss2.parse_component_value_list(css, skip_comments=True))
    except Exception:  # noqa: BLE001 - see ``CssCleaner.sheet``
        return "", ()


_PLACE: Final = "\ue000mua-picture\ue000"  # never in what is serialised: see ``_serialise``


def _declarations_text(content: list[Any]) -> tuple[str, tuple[tuple[str, bool], ...]]:
    """(safe declarations as text, remote addresses and whether each has a ``_PLACE`` in it) of a block's content."""
    kept: list[str] = []
    found: list[tuple[str, bool]] = []
    for node in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if node.type != "declaration":
            continue
        name, value = node.lower_name, node.value
        text, pictures = _with_places(value) if name in _PICTURES else ("", [])
        if not pictures:
            safe, remote = _tokens_are_safe(value)
            found += [(url, False) for url in remote]
            if not safe or name in _BAD_PROPERTIES:
                continue
            text = _serialise(value).strip()
        found += [(url, True) for url in pictures]
        if name == "position":
            text = "static" if "(" in text else _ON_THE_PAGE.get(text.lower(), text)
        kept.append(f"{_serialise_name(node.name)}: {text}{' !important' if node.important else ''}")
    return "; ".join(kept), tuple(found)


def _with_places(tokens: list[Any]) -> tuple[str, list[str]]:
    """The value with a ``_PLACE`` for each remote picture, and their addresses; none when something else is unsafe."""
    pictures: list[str] = []
    pieces: list[str] = []
    for token in tokens:
        url = _url_of(token)
        if url and address(url):
            pictures.append(address(url))
            pieces.append(_PLACE)
        elif _tokens_are_safe([token])[0]:
            pieces.append(_serialise([token]))
        else:
            return "", []
    return "".join(pieces).strip(), pictures


def _url_of(token: Any) -> str:
    if token.type == "url":
        return str(token.value)
    if token.type == "function" and token.lower_name == "url" and len(token.arguments) == 1:
        return str(token.arguments[0].value) if token.arguments[0].type == "string" else ""
    return ""


def _serialise_name(name: str) -> str:
    return str(tinycss2.serializer.serialize_identifier(name)).replace("<", "").replace("\ue000", "")


def _serialise(tokens: list[Any]) -> str:
    """Tokens as CSS that cannot end a style element, and that nobody mistakes for a place of ours."""
    return str(tinycss2.serialize(tokens)).replace("<", "\\3c ").replace("\ue000", "")


def _tokens_are_safe(tokens: list[Any]) -> tuple[bool, tuple[str, ...]]:
    """(nothing in these tokens can fetch or run, the remote addresses met).  A loop, not a recursion."""
    safe, remote = True, list[str]()
    stack = list(tokens)
    while stack:
        token = stack.pop()
        kind = token.type
        if kind == "url":
            safe = False
            if _REMOTE.match(token.value):
                remote.append(token.value)
        elif kind == "function":
            if token.lower_name not in _SAFE_FUNCTIONS:
                safe = False
                remote += [one.value for one in token.arguments if one.type == "string" and _REMOTE.match(one.value)]
            stack.extend(token.arguments)
        elif kind in ("() block", "[] block", "{} block"):
            stack.extend(token.content)
        elif kind == "error":
            safe = False
    return safe, tuple(remote)
