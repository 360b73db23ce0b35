"""HTML of a mail -> HTML that may be shown: nothing in it loads, runs, posts or leaves its frame.

Theory of operation.  Three passes.  (1) lexbor parses; style sheets are collected and cleaned (``css``); remote
references become ``data-remote`` on their element, so that "load images" can bring them back, and are noted
(``remote``); a quote that is worth folding is found (``quotes``) and stands in ``QUOTE`` ... ``QUOTE_END`` at last.
(2) nh3 (ammonia) is the gate: it parses again, lets only the tags, attributes and schemes of the mail profile through,
and its attribute filter refuses every URL that would load.  What pass 1 missed, pass 2 drops.  (3) ``page.document``
wraps the result with a Content-Security-Policy that allows no network at all, first thing in the head.

Rules of the file: never raises (nh3 is Rust and may panic: its PanicException is a BaseException); input and style are
capped and the cut is said in the page.
"""

import re
from html import escape
from typing import Final

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from mua.mime import quotes
from mua.mime.css import CssCleaner
from mua.mime.page import QUOTE, QUOTE_END, SafeHtml
from mua.mime.remote import TINY, Wishes, address, image_name
from mua.mime.text import is_bomb, stripped

SANITISER_VERSION: Final = 5  # part of the key under which views are cached
MAX_HTML: Final = 2_000_000  # characters
MAX_ENTITIES: Final = 150_000  # character references in one page: html5ever is quadratic in them
MAX_DEPTH: Final = 512  # nested elements; deeper is shown as text
CUT_NOTE: Final = "This message is too large to be shown whole. The rest is in its source."

_TAGS: Final = (nh3.ALLOWED_TAGS | {"font", "center", "tfoot", "main", "section", "address", "big"}) - {"area", "map"}
_LOOK: Final = frozenset(
    [
        "style",
        "class",
        "id",
        "align",
        "valign",
        "width",
        "height",
        "bgcolor",
        "color",
        "dir",
        "border",
        "background",
        "cellpadding",
        "cellspacing",
        "nowrap",
        "lang",
        "title",
        "data-remote",
    ]
)
_ATTRIBUTES: Final[dict[str, set[str]]] = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": set(_LOOK),
    "a": {"href", "name"},
    "img": {"src", "alt", "width", "height", "align", "border", "hspace", "vspace"},
    "font": {"face", "size", "color"},
    "ol": {"start", "type"},
    "ul": {"type"},
    "li": {"value", "type"},
    "td": {"colspan", "rowspan", "align", "valign", "headers"},
    "th": {"colspan", "rowspan", "align", "valign", "headers", "scope"},
    "table": {"align", "rules", "frame"},
    "details": {"open"},
}
_SCHEMES: Final = {"http", "https", "mailto", "tel", "cid", "data"}
_DATA_IMAGE = re.compile(r"data:image/(?:png|jpeg|jpg|gif|webp|bmp|x-icon|avif)[;,]", re.IGNORECASE)
_REMOTE = re.compile(r"(?:https?:|ftp:)?//", re.IGNORECASE)
_LOADING: Final = ("src", "srcset", "background", "poster", "data", "dynsrc", "lowsrc", "longdesc", "code", "codebase")
_LOADING_SELECTOR: Final = ",".join(f"[{name}]" for name in _LOADING)
_COLOUR = re.compile(r"#?\w{1,30}", re.ASCII)
_USUAL: Final = {
    "bgcolor": frozenset({"#ffffff", "#fff", "white", "ffffff"}),
    "text": frozenset({"#000000", "#000", "black", "000000"}),
    "link": frozenset({"#0000ff", "#0000ee", "blue"}),
}
_PLAIN_BODY: Final = frozenset(  # what the common programs write on every message
    {"", "word-wrap:break-word", "-webkit-nbsp-mode:space", "line-break:after-white-space", "overflow-wrap:break-word"}
    | {"-webkit-line-break:after-white-space"}
)
_DOCTYPE = re.compile(r"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<!doctype\s+([^>]*)>", re.IGNORECASE | re.DOTALL)
_LIMITED = re.compile(
    r"xhtml 1\.[01] (?:transitional|frameset)|html 4\.01 (?:transitional|frameset)//en\"?\s+[\"']", re.IGNORECASE
)
_STRICT = re.compile(
    r"html\s*(?:system\s+[\"']about:legacy-compat[\"']\s*)?\Z|html 4\.01//|xhtml 1\.[01](?: strict)?//|html 4\.0//",
    re.IGNORECASE,
)
_MEDIA = re.compile(r"[\w\s(),.:/<=>-]{1,500}", re.ASCII)
_DARK_META = re.compile(r"color-scheme", re.IGNORECASE)
_OPENING_TAG = re.compile(r"<([a-z][a-z0-9]*)((?:\s[^<>]*)?)/?>")
_STYLE_VALUE = re.compile(r'style="([^"]*)"')

_SIMPLE_TAGS: Final = frozenset(
    [
        "a",
        "abbr",
        "b",
        "bdi",
        "big",
        "blockquote",
        "br",
        "center",
        "cite",
        "code",
        "dd",
        "del",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "tt",
        "u",
        "ul",
        "var",
    ]
)
_SIMPLE_PROPERTIES: Final = frozenset(
    [
        "color",
        "font",
        "font-family",
        "font-size",
        "font-style",
        "font-weight",
        "text-align",
        "text-decoration",
        "margin",
        "margin-top",
        "margin-bottom",
        "margin-left",
        "margin-right",
        "white-space",
        "line-height",
        "direction",
    ]
)
_SIMPLE_ATTRIBUTES = re.compile(r"(?:background|bgcolor|data-remote|hspace|vspace)=")


def sanitise(html: str, *, dark: bool = False) -> SafeHtml:
    """``html`` made safe to show (see the module).  ``dark`` keeps the author's dark styles in force.  Never raises.

    Without ``dark``, ``@media (prefers-color-scheme: dark)`` stays in the sheet, and ``document`` decides.
    """
    cut = len(html) > MAX_HTML
    wishes = Wishes()
    cleaner = CssCleaner(wishes)
    if is_bomb(html[:MAX_HTML]):
        return _as_text(html[:MAX_HTML])
    begin, end = _marks(html)
    try:
        prepared, css, declared = _prepare(html[:MAX_HTML].replace("\0", ""), cleaner, begin, end)
        if prepared.count("&") > MAX_ENTITIES:
            raise _UnfitError
        body = _gate(prepared, cleaner)
    except Exception:  # noqa: BLE001 - two foreign parsers fed with hostile input: their text is the answer to all
        return _as_text(html[:MAX_HTML])
    except BaseException as panic:  # pyo3's PanicException; a KeyboardInterrupt is none of ours
        if type(panic).__name__ != "PanicException":
            raise
        return _as_text(html[:MAX_HTML])
    if cut:
        body += f"<hr><p>{escape(CUT_NOTE)}</p>"
    style = f"<style>{css}</style>" if css else ""
    simple = not style and not cut and _is_simple(body)
    body = body.replace(begin, QUOTE, 1).replace(end, QUOTE_END, 1)
    images = tuple(wishes.images.values())
    ready = declared or cleaner.dark_ready or dark
    layout = layout_of(html)
    return SafeHtml(style + body, wishes.count, simple, cut, ready, wishes.hosts(), images, layout)


def _marks(html: str) -> tuple[str, str]:
    """Texts that cannot be in ``html``: around a quote, until the gate has let everything else through."""
    name = image_name(html)
    return f"\ue000{name}(\ue000", f"\ue000){name}\ue000"


def layout_of(html: str) -> str:
    """By which rules a page is laid out, as its doctype says (HTML s.13.2.6.4.1): "" today's, "limited", "quirks".

    Most mail has none, and is laid out as browsers did twenty years ago.
    """
    match = _DOCTYPE.match(html[:4096])
    if match is None:
        return "quirks"
    if _LIMITED.search(match[1]):
        return "limited"
    return "" if _STRICT.search(match[1].strip()) else "quirks"


def _as_text(html: str) -> SafeHtml:
    """The last resort for what no parser takes: its text, not parsed again."""
    return SafeHtml(f"<pre>{escape(stripped(html), quote=False)}</pre>", cut=len(html) >= MAX_HTML)


class _UnfitError(Exception):
    """This HTML would cost a parser more than it is worth."""


def _prepare(html: str, cleaner: CssCleaner, begin: str, end: str) -> tuple[str, str, bool]:
    """Pass 1: (HTML without styles and remote references, cleaned CSS, whether its author speaks of dark screens)."""
    tree = LexborHTMLParser(html)
    if tree.root is None:
        return "", "", False
    if _too_deep(tree.root):
        raise _UnfitError
    css = "\n".join(cleaner.sheet(_sheet(node)) for node in tree.css("style")).strip()
    declared = any(_declares_dark(node) for node in tree.css("meta[name]"))
    for node in tree.css("link[href]"):
        target = node.attributes.get("href") or ""
        if _is_remote(target.strip()):
            cleaner.wishes.other(target)
    for node in tree.css(_LOADING_SELECTOR):
        _disarm(node, cleaner.wishes)
    body = tree.body
    if body is not None:
        quotes.mark(body, begin, end)
        css = "\n".join(filter(None, (_of_body(body, cleaner), css)))
    inner = (body.inner_html if body is not None else tree.html) or ""
    inner = inner.replace("&nbsp;", "\u00a0")  # see MAX_ENTITIES
    return inner, css, declared


def _sheet(node: LexborNode) -> str:
    """What a ``<style>`` says: nothing where it is of another language, within its media (HTML s.4.2.6)."""
    kind, media = (node.attributes.get(name) or "" for name in ("type", "media"))
    if kind and kind.lower() != "text/css":
        return ""
    text = node.text(deep=True)
    if not media.strip():
        return text
    return f"@media {media} {{ {text} }}" if _MEDIA.fullmatch(media) else ""


def _declares_dark(node: LexborNode) -> bool:
    """``<meta name="color-scheme" content="light dark">``, and Apple's older word for it."""
    name, content = node.attributes.get("name") or "", node.attributes.get("content") or ""
    return bool(_DARK_META.search(name)) and "dark" in content.lower()


def _of_body(body: LexborNode, cleaner: CssCleaner) -> str:
    """What the author set on ``<body>``, as rules: its colours, its ground, its links; black on white is nothing."""
    attributes = body.attributes
    declared: list[str] = []
    for name, prop in (("bgcolor", "background-color"), ("text", "color")):
        value = (attributes.get(name) or "").strip()
        if _COLOUR.fullmatch(value) and value.lower() not in _USUAL[name]:
            declared.append(f"{prop}: {value}")
    if style := (attributes.get("style") or "").strip():
        declared.append(style)
    rules = f"body {{ {'; '.join(declared)} }}" if declared else ""
    link = (attributes.get("link") or "").strip()
    if _COLOUR.fullmatch(link) and link.lower() not in _USUAL["link"]:
        rules += f" a:link {{ color: {link} }}"
    if set(style.lower().replace(" ", "").strip(";").split(";")) <= _PLAIN_BODY and not rules.count("color"):
        return ""
    return CssCleaner(cleaner.wishes).sheet(rules)


def _too_deep(root: LexborNode) -> bool:
    """Is an element nested more than ``MAX_DEPTH`` deep?  A loop with its own stack of what comes after."""
    node: LexborNode | None = root
    following: list[LexborNode | None] = []
    while node is not None:
        child = node.first_child
        if child is not None:
            following.append(node.next)
            node = child
            if len(following) > MAX_DEPTH:
                return True
            continue
        node = node.next
        while node is None and following:
            node = following.pop()
    return False


def _disarm(node: LexborNode, wishes: Wishes) -> None:
    """Move what would load from elsewhere to ``data-remote`` (pictures) or into the style (grounds), or drop it."""
    attrs = node.attrs
    targets: dict[str, str] = {}
    for name in _LOADING:
        value = node.attributes.get(name)
        if value is None:
            continue
        value = value.strip()
        if name == "src" and not _is_remote(value):
            continue
        if _is_remote(value):
            targets[name] = value
        del attrs[name]
    if not targets:
        return
    picture = node.tag in ("img", "image")
    for name, value in targets.items():
        if name == "background" and (told := address(value)) and "'" not in told:
            attrs["style"] = (
                f"background-image:url('{told}');{node.attributes.get('style') or ''}"  # the cleaner notes it
            )
        elif not picture or name not in ("src", "srcset"):
            wishes.other(value.split()[0])
    target = targets.get("src") or (targets.get("srcset") or " ").split()[:1]
    if picture and target:
        target = target if isinstance(target, str) else target[0].rstrip(",")
        wishes.image(target, tiny=_is_tiny(node))
        attrs["data-remote"] = target[:4096]


def _is_tiny(node: LexborNode) -> bool:
    """Is this picture too small, or too hidden, to be seen?"""
    attributes = node.attributes
    style = (attributes.get("style") or "").replace(" ", "").lower()
    sizes = [attributes.get(name) or "" for name in ("width", "height")]
    sizes += [found[1] for found in re.finditer(r"(?<![-\w])(?:max-)?(?:width|height):(\d+)(?:px)?(?:;|!|$)", style)]
    numbers = [int(digits[0]) for one in sizes if (digits := re.match(r"\s*(\d{1,6})(?:px)?\s*$", one))]
    return (len(numbers) >= 2 and max(numbers) <= TINY) or 0 in numbers or "visibility:hidden" in style


def _is_remote(value: str) -> bool:
    return bool(_REMOTE.match(re.sub(r"[\s\x00-\x1f\\]+", lambda match: "/" * match[0].count("\\"), value)))


def _gate(html: str, cleaner: CssCleaner) -> str:
    """Pass 2: nh3 with the mail profile."""

    def keep(tag: str, name: str, value: str) -> str | None:
        if name == "style":
            return cleaner.declarations(value) or None
        if name == "src":
            return value if value[:4].lower() == "cid:" or _DATA_IMAGE.match(value) else None
        if name == "href":
            return None if value[:5].lower() == "data:" or value[:4].lower() == "cid:" else value
        if name in ("background", "cite"):
            return None
        if name == "data-remote":
            return value if tag == "img" and _is_remote(value) else None
        return value

    return nh3.clean(
        html,
        tags=set(_TAGS),
        clean_content_tags={"script", "style", "title", "noscript", "template"},
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        url_schemes=_SCHEMES,
        url_relative="deny",
        link_rel="noopener noreferrer",
    )


def _is_simple(html: str) -> bool:
    for tag, attributes in _OPENING_TAG.findall(html):
        if tag not in _SIMPLE_TAGS or (attributes and _SIMPLE_ATTRIBUTES.search(attributes)):
            return False
        style = _STYLE_VALUE.search(attributes) if "style=" in attributes else None
        if style and not _simple_style(style[1]):
            return False
    return True


def _simple_style(style: str) -> bool:
    names = {piece.split(":", 1)[0].strip().lower() for piece in style.split(";") if piece.strip()}
    return names <= _SIMPLE_PROPERTIES
