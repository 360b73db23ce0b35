"""Sanitised HTML -> the page that is shown: policy, the reader's own style, folded quotes, pictures that were allowed.

Rules of the file: no parser, so that the window can do it in a moment; only what the sanitiser made comes in here.
"""

import re
from html import escape, unescape
from typing import Final

from mua.mime.remote import SCHEME, address, image_name
from mua.model.message import Wanted
from mua.records import dataclass

POLICY: Final = (
    "default-src 'none'; img-src cid: data:; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-src 'none'"
)
QUOTE: Final = '<details data-quote="">'
QUOTE_END: Final = "</details>"
QUOTE_WORDS: Final = "Earlier messages"

_DOCTYPES: Final = {
    "": "<!DOCTYPE html>",
    "limited": '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
    '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">',
    "quirks": "",
}
_FOLD_STYLE: Final = (
    "details[data-quote]>summary{all:revert;cursor:pointer;font:12px sans-serif;opacity:.75;margin:6px 0;"
    "width:fit-content;user-select:none}"
)
_REMOTE_IMAGE = re.compile(r'\sdata-remote="([^"]*)"')
_SCHEME_QUERY = re.compile(r"\(\s*prefers-color-scheme\s*:\s*(dark|light)\s*\)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SafeHtml:
    """Sanitised HTML: a fragment with its cleaned ``<style>`` in front.

    ``remote`` counts the references that would have loaded from elsewhere, ``wanted`` are their hosts, ``images`` the
    addresses of the pictures that may be loaded on request; ``simple``: a rich-text widget shows it truthfully;
    ``cut``: it was larger than ``MAX_HTML``; ``dark_ready``: its author wrote styles for dark screens;
    ``layout``: by which rules it is laid out ("", "limited", "quirks").
    """

    html: str
    remote: int = 0
    simple: bool = True
    cut: bool = False
    dark_ready: bool = False
    wanted: tuple[Wanted, ...] = ()
    images: tuple[str, ...] = ()
    layout: str = ""


def page_policy(images: bool) -> str:
    """The Content-Security-Policy of a page; ``images``: with pictures that our own scheme serves."""
    return POLICY.replace("cid: data:", f"cid: data: {SCHEME}:") if images else POLICY


def document(
    safe: SafeHtml,
    dark: bool = False,
    *,
    font: str = "sans-serif",
    unfolded: bool = False,
    images: bool = False,
    style: str = "",
) -> str:
    """A whole page around ``safe``: policy first, then the reader's own base style and ``style``, then the mail.

    ``dark``: for a dark window; a mail that speaks of dark screens itself, and a simple one, follow; any other keeps
    the light page that its author designed for.  ``unfolded``: quotes lie open.  ``images``: its pictures from
    elsewhere are named, for the viewer's own scheme to serve.
    """
    policy = page_policy(images)
    follow = dark and (safe.simple or safe.dark_ready)
    scheme, ground, ink = ("dark", "#1e1f22", "#e6e6e6") if follow else ("light", "#ffffff", "#1a1a1a")
    base = (
        f":root{{color-scheme:{scheme}}}body{{margin:16px;background:{ground};color:{ink};"
        f"font-family:{font};overflow-wrap:break-word}}img:not(table img){{max-width:100%}}"
        "img[data-remote]{background:rgba(128,128,128,.12);min-width:1px;min-height:1px}"
        "blockquote{margin:0 0 0 .8ex;border-left:2px solid rgba(128,128,128,.5);padding-left:1ex}"
        "pre{white-space:pre-wrap}"
        f"{_FOLD_STYLE}{style}"
    )
    html = with_images(safe.html) if images else safe.html
    html = _folds(_for_scheme(html, follow), unfolded)
    return (
        f"{_DOCTYPES[safe.layout]}<html><head>"
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy, quote=True)}">'
        '<meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f"<style>{base}</style></head><body>{html}</body></html>"
    )


def unfolded(html: str) -> str:
    """Sanitised HTML without the folds around its quotes: for whoever goes on with it elsewhere."""
    return "".join(quote_of(html))


def _matched(rest: str) -> tuple[str, str, str]:
    """Split where the fold that is open at the beginning of ``rest`` ends: a mail may have ``<details>`` of its own."""
    depth = 1
    for match in re.finditer(r"<details\b[^<>]*>|</details>", rest):
        depth += -1 if match[0] == QUOTE_END else 1
        if depth == 0:
            return rest[: match.start()], QUOTE_END, rest[match.end() :]
    return rest, "", ""


def quote_of(html: str) -> tuple[str, str, str]:
    """(what stands before the folded quote, the quote, what stands behind it); no quote: all is before."""
    before, begin, rest = html.partition(QUOTE)
    quote, end, after = _matched(rest)
    return (before, quote, after) if begin and end else (html, "", "")


def with_images(html: str) -> str:
    """Sanitised HTML in which remote pictures are named instead of kept out (``remote.image_name``)."""

    def named(match: re.Match[str]) -> str:
        told = address(unescape(match[1]))
        return f' src="{SCHEME}:{image_name(told)}"' if told else match[0]

    return _REMOTE_IMAGE.sub(named, html)


def _for_scheme(html: str, dark: bool) -> str:
    """The author's styles for dark screens, where this page is dark; his styles for light ones, where it is not.

    The engine that shows the page would go by the desktop's colours, and a light card in a dark window is light.
    """
    if not html.startswith("<style>"):
        return html
    sheet, end, body = html.partition("</style>")
    wanted = "dark" if dark else "light"
    sheet = _SCHEME_QUERY.sub(lambda m: "(min-width:0)" if m[1].lower() == wanted else "(max-width:0)", sheet)
    return sheet + end + body


def _folds(html: str, opened: bool) -> str:
    head = f'<details data-quote=""{" open" if opened else ""}><summary>{QUOTE_WORDS}</summary>'
    return html.replace(QUOTE, head)
