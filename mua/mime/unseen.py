"""What of an HTML page nobody sees: taken out before the page is quoted, so that an answer carries what was read.

Rules of the file: in doubt a thing is unseen: what is left out of a quote can be asked for, what is sent is out.
Styles are read as the author wrote them, by a real tokenizer, in a window of ``WIDTH`` pixels and light colours; of two
rules the later one counts, whatever its selector weighs.  Never raises; its steps are bounded, and of a page that needs
more nothing is taken to be seen.

Theory of operation.  A sender can hide words by a style, and have them shown, or signed, or decrypted, where a reply or
a forward leaves the style behind ("Johnny, you are fired", "Kobold letters").  So each element gets the declarations
that concern it; what hides a whole (``display``, ``opacity``, no size, far outside) takes all of it away, what is
inherited (``visibility``, size and colour of letters) takes the words that it reaches.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import tinycss2
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError
from tinycss2.color3 import parse_color

from mua.mime.css import MAX_CSS
from mua.mime.text import MAX_HTML, is_bomb
from mua.records import dataclass

WIDTH: Final = 700  # pixels
_MOST_STEPS: Final = 1_000_000  # of a microsecond or so each: no window waits longer for an answer
_FAR: Final = 900.0  # pixels outside
_LEAST_LETTER: Final = 2.0  # pixels
_LEAST_OPACITY: Final = 0.1
_ALIKE: Final = 0.05  # of a channel: letters and their ground
_NAMES: Final = frozenset(
    "display visibility content-visibility opacity filter font-size font color height max-height width max-width"
    " overflow overflow-x overflow-y text-indent left right top bottom margin-left margin-top clip clip-path transform"
    " scale zoom background background-color background-image -webkit-text-fill-color".split()
)
_STATES = re.compile(
    r"::|:(?:hover|focus|active|visited|target|checked|focus-within|focus-visible|before|after|first-l\w+)\b",
    re.IGNORECASE,
)
"""Of an element that somebody points at, and of what is no element."""
_PSEUDO = re.compile(r"::?[\w-]+(?:\([^)]*\))?")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
_FONT_SIZE = re.compile(r"[\d.]+(?:px|pt|r?em|%)|[\d.]+(?=\s*/)")
_FEATURE = re.compile(r"\(\s*(min|max)-(?:device-)?width\s*:\s*([\d.]+)\s*(px|em|rem)?\s*\)", re.IGNORECASE)
_WORD = re.compile(r"[\w-]+")
_INDENT = re.compile(r"\(\s*-?\d{4,}|(?<![\w.])-\d{4,}")
_WHITE: Final = (1.0, 1.0, 1.0, 1.0)
_BLACK: Final = (0.0, 0.0, 0.0, 1.0)

Colour = tuple[float, float, float, float]
Style = dict[str, tuple[bool, str]]
"""Declarations by their name: whether each is important, and its value in small letters."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What an element hands on to what is in it."""

    colour: Colour | None = _BLACK
    ground: Colour | None = _WHITE
    shown: bool = True
    letters: float = 16.0
    opacity: float = 1.0

    @property
    def is_seen(self) -> bool:
        """Whether words stand out from their ground."""
        solid = self.opacity * (self.colour[3] if self.colour is not None else 1.0)
        if not self.shown or self.letters <= _LEAST_LETTER or solid < _LEAST_OPACITY:
            return False
        if self.colour is None or self.ground is None:
            return True
        return any(abs(one - other) > _ALIKE for one, other in zip(self.colour[:3], self.ground[:3], strict=True))


def pruned(html: str) -> str:
    """A page (its first ``MAX_HTML`` characters) without what nobody sees of it."""
    html = html[:MAX_HTML]
    if is_bomb(html):
        return html
    page = LexborHTMLParser(html)
    prune(page)
    return page.html or ""


def prune(page: LexborHTMLParser) -> None:
    """Take out of a page what its styles keep from being seen."""
    body = page.body
    if body is None:
        return
    styles: dict[int, Style] = {}
    source = (page.html or "").lower()
    left, counting = _MOST_STEPS, -1
    for selector, declarations in _rules(page):
        if ":nth" in selector.lower():  # counts the elements before each
            counting = _counting(page) if counting < 0 else counting
            left -= counting
        nodes = _matched(page, selector, source) if left > 0 else []
        left -= 10 + len(source) // 1_000 + len(nodes)
        if left <= 0:
            body.inner_html = ""
            return
        for node in nodes:
            _add(styles.setdefault(node.mem_id, {}), declarations)
    gone: list[LexborNode] = []
    stack: list[tuple[LexborNode, _Look]] = [(body, _Look())]
    while stack:
        node, look = stack.pop()
        if node.tag == "-text":
            if not look.is_seen and (node.text_content or "").strip():
                gone.append(node)
            continue
        style = _style_of(node, styles.get(node.mem_id, {}))
        if _hides(style):
            gone.append(node)
            continue
        look = _inherited(node, style, look)
        child = node.child
        while child is not None:
            stack.append((child, look))
            child = child.next
    for node in gone:
        node.decompose()


# ---- rules
def _rules(page: LexborHTMLParser) -> Iterator[tuple[str, Style]]:
    """Selectors with what concerns us of their declarations, in the order of the sheets."""
    sheets = "\n".join(one.text(deep=True) for one in page.css("style"))[:MAX_CSS]
    found = tinycss2.parse_stylesheet(sheets, skip_comments=True, skip_whitespace=True)
    return ((selector, style) for selector, style in _flat(found) if style)


def _counting(page: LexborHTMLParser) -> int:
    """The steps of a selector that counts: of all children of one element as many as their square."""
    crowds = Counter(node.parent.mem_id for node in page.css("body *") if node.parent is not None)
    return sum(many * many for many in crowds.values()) // 200


def _flat(rules: list[Any]) -> Iterator[tuple[str, Style]]:
    stack = list(reversed(rules))
    while stack:
        rule = stack.pop()
        if rule.type == "qualified-rule":
            yield tinycss2.serialize(rule.prelude).strip(), _declared(rule.content)
        elif rule.type == "at-rule" and rule.lower_at_keyword == "media" and rule.content is not None:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            stack.extend(reversed(inner) if _applies(tinycss2.serialize(rule.prelude)) else ())


def _applies(media: str) -> bool:
    """Whether a media query holds for a light window of ``WIDTH`` pixels; what cannot be told holds."""
    return any(_holds(one) for one in media.lower().split(","))


def _holds(query: str) -> bool:
    words = query.split()
    negated = bool(words) and words[0] == "not"
    told = not ("print" in words or "speech" in words or ("prefers-color-scheme" in query and "dark" in query))
    for side, number, unit in _FEATURE.findall(query):
        pixels = float(number) * (16 if unit in ("em", "rem") else 1)
        told = told and (pixels <= WIDTH if side == "min" else pixels >= WIDTH)
    return told is not negated


def _matched(page: LexborHTMLParser, selector: str, source: str) -> list[LexborNode]:
    """The elements of a selector; of one that is not understood those of what is left without its pseudo-classes."""
    if _STATES.search(selector):
        return []
    bare = selector.lower() if ":" not in selector and "[" not in selector else ""
    if bare and not any(all(word in source for word in _WORD.findall(one)) for one in bare.split(",")):
        return []
    for one in (selector, _PSEUDO.sub("", selector)):
        try:
            return page.css(one)
        except (SelectolaxError, ValueError):
            continue
    return []


def _declared(content: list[Any]) -> Style:
    found: Style = {}
    for one in tinycss2.parse_blocks_contents(content, skip_comments=True, skip_whitespace=True):
        if one.type == "declaration" and one.lower_name in _NAMES:
            _add(found, {one.lower_name: (one.important, tinycss2.serialize(one.value).strip().lower())})
    return found


def _add(style: Style, more: Style) -> None:
    for name, (important, value) in more.items():
        if important or not style.get(name, (False, ""))[0]:
            style[name] = (important, value)


def _style_of(node: LexborNode, style: Style) -> Style:
    attributes = node.attributes
    own = attributes.get("style")
    if own:
        style = dict(style)
        _add(style, _declared(tinycss2.parse_component_value_list(own[: MAX_CSS // 16], skip_comments=True)))
    return style


# ---- what hides
def _hides(style: Style) -> bool:
    """Whether declarations keep a whole element from being seen, with all that is in it."""
    if not style:
        return False
    value = {name: told for name, (_, told) in style.items()}
    if value.get("display") == "none" or value.get("content-visibility") == "hidden":
        return True
    if _number(value.get("opacity")) < _LEAST_OPACITY or _number(value.get("zoom")) <= 0:
        return True
    if re.search(r"opacity\(\s*0(?:\.0\d*)?%?\s*\)", value.get("filter", "")):
        return True
    cut = any(value.get(name, "").startswith(("hidden", "clip")) for name in ("overflow", "overflow-x", "overflow-y"))
    if cut and any(_is_nothing(value.get(name, "")) for name in ("height", "max-height", "width", "max-width")):
        return True
    if any(_pixels(value.get(name, "")) <= -_FAR for name in ("left", "top", "margin-left", "margin-top")):
        return True
    if any(_pixels(value.get(name, "")) >= _FAR for name in ("right", "bottom")):
        return True
    if _pixels(value.get("text-indent", "")) <= -_FAR or _INDENT.search(value.get("transform", "")):
        return True
    return _is_clipped(value)


def _is_clipped(value: dict[str, str]) -> bool:
    clip, path = value.get("clip", ""), value.get("clip-path", "")
    if clip.startswith("rect") and all(abs(float(one)) <= 1 for one in _NUMBER.findall(clip)):
        return True
    inset = _number(path.partition("(")[2]) if path.startswith(("inset", "circle")) else -1.0
    if (path.startswith("inset") and inset >= 50) or (path.startswith("circle") and 0 <= inset <= 1):
        return True
    scale = re.search(rf"scale(?:x|y)?\(\s*({_NUMBER.pattern})", value.get("transform", ""))
    return bool(scale and abs(float(scale[1])) < 0.05) or abs(_number(value.get("scale"))) < 0.05


def _number(value: str | None) -> float:
    """The number at the beginning of a value; a large one where there is none."""
    found = _NUMBER.match(value.strip()) if value else None
    number = float(found[0]) if found else 1e9
    return number / 100 if value and value.strip().endswith("%") and number <= 100 and "." not in value else number


def _pixels(value: str) -> float:
    """A length; 0 where it is none."""
    found = _NUMBER.match(value)
    return float(found[0]) * (16 if value.endswith("em") else 1) if found else 0.0


def _is_nothing(value: str) -> bool:
    """Whether a length leaves no room for a letter."""
    found = _NUMBER.match(value)
    return found is not None and (not float(found[0]) or (value.endswith(("px", "pt")) and float(found[0]) <= 1))


# ---- what is inherited
def _inherited(node: LexborNode, style: Style, look: _Look) -> _Look:
    attributes = node.attributes
    if not style and not attributes:
        return look
    value = {name: told for name, (_, told) in style.items()}
    colour = value.get("-webkit-text-fill-color") or value.get("color") or attributes.get("color") or ""
    ground = value.get("background-color") or value.get("background") or attributes.get("bgcolor") or ""
    shown = {"hidden": False, "collapse": False, "visible": True}.get(value.get("visibility", ""), look.shown)
    size = value.get("font-size") or next(iter(_FONT_SIZE.findall(value.get("font", ""))), "")
    opacity = min(1.0, _number(value.get("opacity")))
    if attributes.get("background") or "url(" in value.get("background-image", ""):
        ground = "url()"
    return _Look(
        _colour(colour, look.colour) if colour else look.colour,
        _ground(ground, look.ground) if ground else look.ground,
        shown,
        _letters(size, look.letters),
        look.opacity * opacity,
    )


def _letters(size: str, before: float) -> float:
    """The size of letters in pixels; that of what they stand in where it has no number."""
    found = _NUMBER.match(size)
    if found is None:
        return before if size in ("", "inherit", "unset", "smaller", "larger") else 16.0
    number = float(found[0])
    if size.endswith("%"):
        return before * number / 100
    if size.endswith("rem"):
        return number * 16
    if size.endswith("em"):
        return before * number
    return number * (4 / 3 if size.endswith("pt") else 1)


def _colour(text: str, before: Colour | None) -> Colour | None:
    if text in ("inherit", "currentcolor", "unset"):
        return before
    found = parse_color(text if text[:1].isalpha() or text.startswith("#") else f"#{text}")
    return None if found is None or isinstance(found, str) else (found.red, found.green, found.blue, found.alpha)


def _ground(text: str, before: Colour | None) -> Colour | None:
    """The colour behind; None: a picture, or a colour that is not understood."""
    if text in ("none", "transparent", "inherit", "unset", "initial"):
        return before
    if "url(" in text or "gradient" in text:
        return None
    words = tinycss2.parse_component_value_list(text)
    for one in words:
        found = parse_color(one)
        if found is not None and not isinstance(found, str):
            return (found.red, found.green, found.blue, found.alpha) if found.alpha > 0.5 else before
    return _colour(text, before) if len(words) == 1 else before
