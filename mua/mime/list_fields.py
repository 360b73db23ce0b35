"""What a mailing list says of itself: List-Unsubscribe, List-Post, List-Archive, List-Help (RFC 2369), RFC 8058.

Rule of the file: only what a person may press on comes out: https (and http) addresses with a host, mailto: addresses
with a recipient; everything else is nothing.
"""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from mua.records import dataclass

_ANGLE: Final = re.compile(r"<([^<>]{1,4000})>")
_COMMENT: Final = re.compile(r"\([^()]{0,500}\)")
_ONE_CLICK: Final = "List-Unsubscribe=One-Click"


@dataclass(frozen=True, slots=True)
class ListFields:
    """The addresses, the first of each kind; empty where there is none.

    ``says_one_click``: the list says that it can be left by a POST (RFC 8058 s.3.1); ``one_click`` is the one https
    address for it, empty where there are none or several.  Whether it may be asked depends on a signature over both
    fields, which nobody here has looked at (``plan.unsubscribe``).
    """

    leave_mail: str = ""
    leave_page: str = ""
    one_click: str = ""
    says_one_click: bool = False
    post: str = ""
    archive: str = ""
    help: str = ""
    no_posting: bool = False


def list_fields(headers: Sequence[tuple[str, str]]) -> ListFields:
    """Read the header fields of a ``MessageView``.  A field that occurs twice says nothing: which one is the list's?"""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in headers:
        key = name.lower()
        if key in found:
            twice.add(key)
        found[key] = value

    def of(name: str) -> list[str]:
        return [] if name in twice else _addresses(found.get(name, ""))

    leave = of("list-unsubscribe")
    secure = [one for one in leave if _first([one], ("https",))]
    says = found.get("list-unsubscribe-post", "").strip() == _ONE_CLICK and "list-unsubscribe-post" not in twice
    post = of("list-post")
    return ListFields(
        leave_mail=_first(leave, ("mailto",)),
        leave_page=secure[0] if secure else _first(leave, ("http",)),
        one_click=secure[0] if says and len(secure) == 1 and _is_plain(secure[0]) else "",
        says_one_click=says,
        post=_first(post, ("mailto",)),
        archive=_first(of("list-archive"), ("https", "http")),
        help=_first(of("list-help"), ("https", "http", "mailto")),
        no_posting=found.get("list-post", "").strip().upper() == "NO",
    )


def _addresses(value: str) -> list[str]:
    """The addresses in angle brackets, in order; what is folded into them is taken out (RFC 2369 s.2)."""
    outside = _COMMENT.sub(" ", value) if "<" not in value else value
    return ["".join(one.split()) for one in _ANGLE.findall(outside)][:10]


def _first(addresses: Sequence[str], schemes: Sequence[str]) -> str:
    for one in addresses:
        try:
            parts = urlsplit(one)
        except ValueError:
            continue
        if parts.scheme.lower() not in schemes or not one.isprintable():
            continue
        if parts.scheme.lower() == "mailto":
            if "@" in parts.path:
                return one
        elif parts.hostname and parts.username is None:
            return one
    return ""


def _is_plain(address: str) -> bool:
    """Whether a request can be made of it as it is (RFC 3986 has no other letters)."""
    try:
        return address.isascii() and urlsplit(address).port != 0
    except ValueError:
        return False
