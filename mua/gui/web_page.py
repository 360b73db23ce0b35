"""The page that the web view shows of a message: how it looks in a light and in a dark window.

Rules of the file: a mail is shown as its author made it, on a white card of its own, unless the author speaks of dark
screens; the other way is one key away (``Look.flipped``).
"""

from mua.gui.look import Look
from mua.gui.page_marks import style as marks_style
from mua.gui.theme import LIGHT, Theme
from mua.mime.page import SafeHtml, document
from mua.model.message import MessageView
from mua.records import dataclass

LONG = 400_000  # characters
BEGINNING = 150_000  # characters of a longer page that are shown first: a tenth of a second's work for the engine


@dataclass(frozen=True, slots=True)
class Page:
    """A page, the colour of its ground, and whether the engine is to make light colours dark."""

    html: str
    ground: str
    adapted: bool


def page_of(view: MessageView, now: Theme, look: Look, family: str) -> Page:
    """The page of a message's HTML."""
    authors_dark = now.dark and view.dark_ready and not look.flipped
    adapted = now.dark and not view.dark_ready and look.flipped and not view.simple
    shown = beginning(view.html) if is_cut(view, look) else view.html
    safe = SafeHtml(shown, simple=False, dark_ready=authors_dark, layout=view.layout)
    font = "'" + family.replace("'", "") + "', sans-serif"
    style = _style(now, authors_dark=authors_dark)
    html = document(safe, authors_dark, font=font, unfolded=look.unfolded, images=look.images, style=style)
    return Page(html, now.colours.reader if authors_dark or adapted else "#ffffff", adapted)


def is_cut(view: MessageView, look: Look) -> bool:
    """Whether a page is so long that its beginning is shown first: laying out 2 MB takes the engine a second and more.

    Where no more than a beginning is here, it is cut as the beginning of the whole will be.
    """
    return not look.whole and (look.begun or len(view.html) > LONG)


def beginning(html: str) -> str:
    """The first ``BEGINNING`` characters of sanitised HTML, with its whole style sheet; never half a tag."""
    cut = html[: max(BEGINNING, html.find("</style>") + BEGINNING // 2)]
    return cut[: cut.rfind("<")] if cut.rfind("<") > cut.rfind(">") else cut


def _style(now: Theme, *, authors_dark: bool) -> str:
    """Our part of a page's look: its ground and links, thin scroll bars, the margin that its ground needs.

    Sizes and spaces are left to the engine: newsletters are made for its own.
    """
    on_card = now.dark and not authors_dark
    colours = LIGHT if on_card else now.colours
    ground = f"background:{colours.reader};color:{colours.text};" if authors_dark else ""
    return (
        f"{marks_style(colours)}body{{{ground}margin:{'16px' if on_card else '0'}}}a{{color:{colours.accent}}}"
        "::-webkit-scrollbar{width:10px;height:10px}::-webkit-scrollbar-button{display:none}"
        f"::-webkit-scrollbar-thumb{{background:{colours.line};border-radius:5px;border:2px solid transparent;"
        "background-clip:content-box}::-webkit-scrollbar-corner{background:transparent}"
    )
