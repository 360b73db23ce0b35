"""CSS of a mail, cleaned: the look stays, everything that could fetch, run or measure goes.

Rules of the file: a real tokenizer (tinycss2) decides, so that escapes and comments cannot hide a ``url(``; functions
are allowed by name, at-rules too (only ``@media``); the output is serialised from tokens, never cut from the input.
Never raises; at most ``MAX_CSS`` characters are read.
"""

import re
from functools import lru_cache
from typing import Any, Final

import tinycss2

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
_PLAIN_DECLARATIONS = re.compile(r"[^\\(){}@<>/\x00-\x08]*\Z")
_FUNCTION = re.compile(r"([a-zA-Z-]+)\(")
_REMOTE = re.compile(r"\s*(?:https?:|//|ftp:)", re.IGNORECASE)


class CssCleaner:
    """Cleans style sheets and style attributes of one mail and counts the remote references it took out."""

    def __init__(self) -> None:
        self.remote = 0
        self.dark_ready = False

    def sheet(self, css: str) -> str:
        """A style sheet with only harmless rules; may be empty."""
        try:
            return self._rules(tinycss2.parse_stylesheet(css[:MAX_CSS], skip_comments=True, skip_whitespace=True), 0)
        except Exception:  # noqa: BLE001 - a tokenizer fed with hostile text: RecursionError and whatever else; no style is the answer
            return ""

    def declarations(self, css: str) -> str:
        """A style attribute with only harmless declarations."""
        css = css[: MAX_CSS // 16]
        if _is_plain(css):
            return css
        text, remote = _clean_declarations(css)
        self.remote += remote
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
        text, remote = _declarations_text(rule.content)
        self.remote += remote
        return f"{_serialise(rule.prelude).strip()} {{ {text} }}" if text else ""

    def _at_rule(self, rule: Any, depth: int) -> str:
        name = rule.lower_at_keyword
        if name != "media" or rule.content is None or depth >= _MAX_BLOCKS:
            tokens = list(rule.prelude) + list(rule.content or [])
            self.remote += max(_tokens_are_safe(tokens)[1], int(name == "import"))
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
        return not _mentions_bad_property(css)
    if "\\" in css or "/" in css or "{" in css or "@" in css or "<" in css or "\0" in css:
        return False
    if not all(name.lower() in _SAFE_FUNCTIONS for name in _FUNCTION.findall(css)) or _mentions_bad_property(css):
        return False
    return css.count("(") == len(_FUNCTION.findall(css))


def _mentions_bad_property(css: str) -> bool:
    lowered = css.lower()
    return "behavio" in lowered or "-moz-binding" in lowered or "src" in lowered or "user-modify" in lowered


@lru_cache(maxsize=2048)
def _clean_declarations(css: str) -> tuple[str, int]:
    try:
        return _declarations_text(tinycss2.parse_component_value_list(css, skip_comments=True))
    except Exception:  # noqa: BLE001 - see ``CssCleaner.sheet``
        return "", 0


def _declarations_text(content: list[Any]) -> tuple[str, int]:
    """(safe declarations as text, remote references dropped) of a block's content."""
    kept, remote = [], 0
    for node in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if node.type != "declaration":
            continue
        safe, count = _tokens_are_safe(node.value)
        remote += count
        if safe and node.lower_name not in _BAD_PROPERTIES:
            important = " !important" if node.important else ""
            kept.append(f"{_serialise_name(node.name)}: {_serialise(node.value).strip()}{important}")
    return "; ".join(kept), remote


def _serialise_name(name: str) -> str:
    return str(tinycss2.serializer.serialize_identifier(name)).replace("<", "")


def _serialise(tokens: list[Any]) -> str:
    """Tokens as CSS that cannot end a style element."""
    return str(tinycss2.serialize(tokens)).replace("<", "\\3c ")


def _tokens_are_safe(tokens: list[Any]) -> tuple[bool, int]:
    """(nothing in these tokens can fetch or run, number of remote references met).  A loop, not a recursion."""
    safe, remote = True, 0
    stack = list(tokens)
    while stack:
        token = stack.pop()
        kind = token.type
        if kind == "url":
            safe = False
            remote += bool(_REMOTE.match(token.value))
        elif kind == "function":
            if token.lower_name not in _SAFE_FUNCTIONS:
                safe = False
                remote += any(child.type == "string" and bool(_REMOTE.match(child.value)) for child in token.arguments)
            stack.extend(token.arguments)
        elif kind in ("() block", "[] block", "{} block"):
            stack.extend(token.content)
        elif kind == "error":
            safe = False
    return safe, remote
