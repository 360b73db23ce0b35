"""What a mail would have asked of others while it was read: hosts, who watches, pictures that could be shown.

Rules of the file: pure; never raises; bounded, however many references there are.  A picture is known by a name that is
made of its address: so the same address is one file, and a page that names it says nothing to anybody.
"""

import re
from hashlib import sha256
from typing import Final
from urllib.parse import SplitResult, urlsplit

from mua.mime import sniff
from mua.mime.trackers import tracker
from mua.model.message import Wanted

SCHEME: Final = "mua-image"
MAX_IMAGES: Final = 300  # of one mail
MAX_HOSTS: Final = 200
MAX_URL: Final = 4096  # characters
TINY: Final = 3  # dots: a picture that small is there to be fetched, not to be seen
_SHOWN: Final = frozenset(f"image/{one}" for one in ("png", "jpeg", "gif", "bmp", "x-icon", "webp", "avif"))
_BLANKS = re.compile(r"[\s\x00-\x1f]+")


def image_name(url: str) -> str:
    """The name of the picture at ``url``: 32 hexadecimal digits."""
    return sha256(url.encode("utf-8", "replace")).hexdigest()[:32]


def address(url: str) -> str:
    """``url`` as it would be asked for: absolute, http or https; empty when it is nothing of that kind."""
    told = _BLANKS.sub("", url).replace("\\", "/")[:MAX_URL]
    if told.startswith("//"):
        told = "https:" + told
    parts = parts_of(told)
    return told if parts and parts.scheme in ("http", "https") and parts.hostname else ""


def media_type(data: bytes) -> str:
    """What a picture really is, by its first octets; empty when it is none that is shown (SVG is a document)."""
    found = sniff.media_type(data)
    return found if found in _SHOWN else ""


class Wishes:
    """What one mail wants to load.  ``images``: name -> address of the pictures worth showing."""

    def __init__(self) -> None:
        self.count = 0
        self.images: dict[str, str] = {}
        self._hosts: dict[str, list[str | int]] = {}

    def image(self, url: str, *, tiny: bool = False) -> str:
        """A picture is wanted; its name where it may be shown on request, else empty (a pixel that nobody can see)."""
        told = self._note(url, tiny=tiny)
        if not told or tiny or len(told) >= MAX_URL:
            return ""
        name = image_name(told)
        if name not in self.images and len(self.images) >= MAX_IMAGES:
            return ""
        if self._watcher(told):
            return ""
        self.images[name] = told
        return name

    def other(self, url: str) -> None:
        """Something else is wanted: a font, a style sheet, a frame, a film."""
        self._note(url)

    def hosts(self) -> tuple[Wanted, ...]:
        """Each host once, those who watch first."""
        found = [Wanted(host, int(one[0]), str(one[1]), int(one[2])) for host, one in self._hosts.items()]
        return tuple(sorted(found, key=lambda one: (not one.watches, one.host)))

    def _note(self, url: str, *, tiny: bool = False) -> str:
        self.count += 1
        told = address(url)
        parts = parts_of(told)
        if parts is None or not parts.hostname:
            return ""
        host = parts.hostname[:253]
        if host in self._hosts or len(self._hosts) < MAX_HOSTS:
            kept = self._hosts.setdefault(host, [0, "", 0])
            kept[0] = int(kept[0]) + 1
            kept[1] = kept[1] or self._watcher(told, tiny=tiny)
            kept[2] = int(kept[2]) + tiny
        return told

    def _watcher(self, url: str, *, tiny: bool = False) -> str:
        parts = parts_of(url)
        if parts is None:
            return ""
        return tracker(parts.hostname or "", f"{parts.path}?{parts.query}", tiny=tiny)


def parts_of(url: str) -> SplitResult | None:
    """The parts of an address (RFC 3986); None where it cannot be read, its port included."""
    try:
        found = urlsplit(url)
        return found if found.port is None or found.port >= 0 else None
    except ValueError:
        return None
