"""WebDAV's XML: what is asked of a CardDAV server, and what a multistatus says (RFC 4918, RFC 6352, RFC 6578).

Rules of the file: pure; a document with a DTD (and with it every entity) is refused in whatever encoding it hides; what
an answer says beyond its bounds is a ValueError, and so is an href that is none.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from mua import xml_tree
from mua.records import dataclass

DAV: Final = "DAV:"
CARD: Final = "urn:ietf:params:xml:ns:carddav"
MAX_DEPTH: Final = 30
_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>\n'
_SPACES: Final = f'xmlns:D="{DAV}" xmlns:C="{CARD}"'

PRINCIPAL: Final = (
    f"{_HEAD}<D:propfind {_SPACES}><D:prop><D:current-user-principal/><D:resourcetype/></D:prop></D:propfind>"
)
HOME: Final = f"{_HEAD}<D:propfind {_SPACES}><D:prop><C:addressbook-home-set/></D:prop></D:propfind>"
BOOKS: Final = (
    f"{_HEAD}<D:propfind {_SPACES}><D:prop><D:resourcetype/><D:displayname/>"
    "<C:supported-address-data/></D:prop></D:propfind>"
)
LISTING: Final = f"{_HEAD}<D:propfind {_SPACES}><D:prop><D:getetag/><D:resourcetype/></D:prop></D:propfind>"
TOKEN: Final = f"{_HEAD}<D:propfind {_SPACES}><D:prop><D:sync-token/></D:prop></D:propfind>"


@dataclass(frozen=True, slots=True)
class Response:
    """One resource of a multistatus.  ``href`` is a path, unescaped once; ``status`` 0: its properties say.

    ``kinds``: its resource types; ``links``: hrefs inside properties, by the property's name; ``takes4``: it takes
    vCard 4.0.
    """

    href: str
    status: int = 0
    etag: str = ""
    data: str = ""
    name: str = ""
    kinds: frozenset[str] = frozenset()
    links: tuple[tuple[str, str], ...] = ()
    takes4: bool = False

    def link(self, name: str) -> str:
        """The first href of a property; empty: none."""
        return next((href for key, href in self.links if key == name), "")


@dataclass(frozen=True, slots=True)
class Multistatus:
    """An answer; ``token``: up to which state of the collection (RFC 6578); ``whole``: there is no more of it."""

    responses: tuple[Response, ...]
    token: str = ""
    whole: bool = True


def sync_collection(token: str) -> str:
    """What has changed since ``token``; empty: everything there is."""
    return (
        f"{_HEAD}<D:sync-collection {_SPACES}><D:sync-token>{escape(token)}</D:sync-token>"
        "<D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>"
    )


def multiget(hrefs: Iterable[str]) -> str:
    """The cards at these (escaped) hrefs (RFC 6352 s.8.7)."""
    wanted = "".join(f"<D:href>{escape(one)}</D:href>" for one in hrefs)
    return (
        f"{_HEAD}<C:addressbook-multiget {_SPACES}><D:prop><D:getetag/><C:address-data/></D:prop>"
        f"{wanted}</C:addressbook-multiget>"
    )


def multistatus(document: bytes) -> Multistatus:
    """What a 207 says.  Raises ValueError."""
    root = xml_tree.parse(document, MAX_DEPTH, namespaces=True)
    if root.tag != f"{DAV} multistatus":
        raise ValueError(f"its root is {root.tag[:60]}")
    found = tuple(_response(one) for one in root.findall(f"{DAV} response"))
    # 507 for the collection itself: the answer was cut, and the rest is asked for with its token (RFC 6578 s.3.6)
    whole = not any(one.status == 507 for one in found)
    kept = tuple(one for one in found if one.status != 507)
    return Multistatus(kept, (root.findtext(f"{DAV} sync-token") or "").strip(), whole)


def _response(one: Element) -> Response:
    href = _href(one.findtext(f"{DAV} href"))
    status = _code(one.findtext(f"{DAV} status"))
    found = [
        prop
        for stat in one.findall(f"{DAV} propstat")
        if _code(stat.findtext(f"{DAV} status")) in (0, 200)
        for prop in stat.findall(f"{DAV} prop")
    ]
    props = {inner.tag: inner for prop in found for inner in prop}
    links = tuple(
        (tag.partition(" ")[2], _href(link.text)) for tag, inner in props.items() for link in inner.iter(f"{DAV} href")
    )
    taken = props.get(f"{CARD} supported-address-data")
    return Response(
        href,
        status,
        _text(props.get(f"{DAV} getetag")),
        (props[f"{CARD} address-data"].text or "") if f"{CARD} address-data" in props else "",
        _text(props.get(f"{DAV} displayname")),
        frozenset(kind.tag.partition(" ")[2] for kind in props.get(f"{DAV} resourcetype", Element("none"))),
        links,
        taken is not None and any(one.get("version") == "4.0" for one in taken),
    )


def _href(text: str | None) -> str:
    """Unescaped once.  Raises ValueError where nobody can take it apart."""
    href = unquote((text or "").strip())
    urlsplit(href)
    return href


def _text(one: Element | None) -> str:
    return (one.text or "").strip() if one is not None else ""


def _code(line: str | None) -> int:
    """200 of ``HTTP/1.1 200 OK``; 0: there is none."""
    words = (line or "").split()
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() and len(words[1]) == 3 else 0
