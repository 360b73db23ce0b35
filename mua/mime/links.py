"""Where a link of a mail really leads: its host, who stands in between, whether its text says something else.

Rules of the file: pure, nothing is asked; never raises; what cannot be decoded without asking is left as it is.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlunsplit

from mua.language import tr
from mua.mime.link_parameters import tracks
from mua.mime.remote import parts_of
from mua.mime.text import neutralise
from mua.model.domain import a_label, akin, u_label
from mua.records import dataclass

OPENED: Final = frozenset({"http", "https", "mailto"})
"""The schemes that a click may open; everything else is told and goes nowhere."""
MAX_LINK: Final = 8192  # characters
_MAX_WRAPS: Final = 5  # one wrapped into another
_HOST_IN_TEXT = re.compile(
    r"(?:https?://|www\.|^)(?:[^\s/@]*@)?((?:[\w\u00a1-\uffff-]{1,63}\.)+[a-z\u00a1-\uffff][\w\u00a1-\uffff-]{1,30})\.?(?=[/:?#\s,;)\]>]|$)",
    re.IGNORECASE,
)
_FILES: Final = frozenset(
    "pdf doc docx xls xlsx ppt pptx zip txt png jpg jpeg gif html htm js py md csv exe eml ics".split()
)
_BOLD_NUMBER = re.compile(r"\d+(?:\.\d+)+$")


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a mail.

    ``target`` is where a click leads at last, as far as that can be read from it; ``host`` its host as it is looked up
    (A-labels), ``shown`` the same for people; ``wrappers`` are the services that the click passes through on its way.
    """

    target: str
    host: str
    shown: str
    wrappers: tuple[str, ...] = ()
    odd: str = ""
    """What makes the address itself deceptive, as a sentence; empty: nothing."""


def look(link: str) -> Link:
    """What is to be known about a link before it is opened."""
    target, wrappers = unwrapped(link)
    parts = parts_of(target)
    if parts is None or parts.scheme not in ("http", "https"):
        return Link(target, "", neutralise(target[:200]), wrappers)
    host = looked_up(parts.hostname or "")
    shown = host
    odd = ""
    if "@" in parts.netloc:
        odd = tr("What stands before the “@” in this address is a name, not the place; it leads to {host}.", host=host)
    elif any(label.startswith("xn--") for label in host.split(".")):
        odd = tr(
            "This address is written in letters of another alphabet; it leads to {pretty}, which is {host}.",
            pretty=_pretty(host),
            host=host,
        )
    elif _BOLD_NUMBER.match(host) or ":" in host:
        odd = tr("This address has a number, {host}, and no name.", host=host)
    return Link(target, host, shown, wrappers, odd)


def plainly(link: str) -> str:
    """A link as it may be shown: its host as it is looked up, so that no letter looks like another."""
    parts = parts_of(link)
    if parts is None or not parts.hostname:
        return neutralise(link)
    return neutralise(urlunsplit(_with_plain_host(parts)))


def _with_plain_host(parts: SplitResult) -> SplitResult:
    port = f":{parts.port}" if parts.port is not None else ""
    user = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    host = looked_up(parts.hostname or "")
    return parts._replace(netloc=f"{user}[{host}]{port}" if ":" in host else user + host + port)


def looked_up(host: str) -> str:
    """A host as it is looked up, in lower case; one that cannot be is quoted as it is."""
    host = host.rstrip(".").lower()
    if host.isascii():
        return neutralise(host)
    try:
        return a_label(host)
    except ValueError:
        return quote(host)


def _pretty(host: str) -> str:
    try:
        return neutralise(u_label(host))
    except ValueError:
        return host


def claimed_host(text: str) -> str:
    """The host that the text of a link names ("https://bank.example/login", "www.bank.example"), A-labels; or empty."""
    words = " ".join(text.split())
    match = _HOST_IN_TEXT.search(words[:500])
    if match is None:
        return ""
    bare = not words[match.start() :].lower().startswith(("http", "www."))
    host = match[1].lower()
    if bare and (len(words.split()) > 1 or host.rpartition(".")[2] in _FILES or "@" in words):
        return ""
    return looked_up(host)


def disagrees(text: str, link: str) -> str:
    """The host that ``text`` names when the link leads elsewhere; empty: it names none, or the same.

    A name below the same registered domain is the same place ("example.com" for "www.example.com").
    """
    claimed = claimed_host(text)
    parts = parts_of(unwrapped(link)[0])
    if not claimed or parts is None or parts.scheme not in ("http", "https"):
        return ""
    return "" if akin(claimed, looked_up(parts.hostname or "")) else claimed


def clean(link: str) -> str:
    """``link`` without what tells who clicked it: wrappers that can be read through, and tracking parameters."""
    target, _ = unwrapped(link)
    parts = parts_of(target)
    if parts is None or parts.scheme not in ("http", "https"):
        return target
    fragment = "" if tracks(parts.fragment.partition("=")[0]) else parts.fragment
    return urlunsplit(parts._replace(query=_clean_query(parts.query), fragment=fragment))


def _clean_query(query: str) -> str:
    """The query without tracking parameters; the others stay byte for byte as they are."""
    kept = [one for one in query.split("&") if not tracks(unquote(one.partition("=")[0]))]
    return "&".join(kept)


_WEB = re.compile(r"(https?):[\\/]*", re.IGNORECASE)
_NUMBER = re.compile(r"0x[0-9a-f]*|\d+", re.ASCII)


def written(link: str) -> str:
    """A web address as browsers write it anew before they follow it (WHATWG URL s.4.4); any other as it is.

    ``http:evil.test``, ``http:///evil.test:80`` and ``http:\\\\evil.test\\a\\..`` are one place, and whoever compares
    or shows them has to see it.
    """
    match = _WEB.match(link)
    if match is None:
        return link
    head, tail = _before_query(link[match.end() :])
    authority, slash, path = head.replace("\\", "/").partition("/")
    user, at, place = authority.rpartition("@")
    name, colon, port = (place, "", "") if place.endswith("]") else place.rpartition(":")
    if not colon:
        name, port = place, ""
    scheme = match[1].lower()
    if not port or port == {"http": "80", "https": "443"}[scheme]:
        colon = port = ""
    host = name if name.startswith("[") else _ipv4(unquote(name).lower())
    return f"{scheme}://{user}{at}{host}{colon}{port}{slash}{_without_dots(path)}{tail}"


def _before_query(text: str) -> tuple[str, str]:
    end = min((at for at in (text.find("?"), text.find("#")) if at >= 0), default=len(text))
    return text[:end], text[end:]


def _without_dots(path: str) -> str:
    kept: list[str] = []
    segments = path.split("/")
    for number, segment in enumerate(segments, 1):
        plain = segment.lower().replace("%2e", ".")
        if plain == ".." and kept:
            kept.pop()
        if plain not in (".", ".."):
            kept.append(segment)
        elif number == len(segments):
            kept.append("")
    return "/".join(kept)


def _ipv4(host: str) -> str:
    """A host that ends in a number is an IPv4 address, in whatever base and however short (WHATWG URL s.3.5)."""
    labels = host.removesuffix(".").split(".")
    if len(labels) > 4 or not all(map(_NUMBER.fullmatch, labels)):
        return host
    try:
        numbers = [
            int(one[2:] or "0", 16) if one[:2] == "0x" else int(one, 8 if one[0] == "0" else 10) for one in labels
        ]
    except ValueError:
        return host
    *first, last = numbers
    if any(one > 255 for one in first) or last >= 256 ** (5 - len(labels)):
        return host
    value = last + sum(one << 8 * (3 - place) for place, one in enumerate(first))
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


def unwrapped(link: str) -> tuple[str, tuple[str, ...]]:
    """(the address inside the known services that a click would pass through, their names, outermost first)."""
    link = written(link.strip()[:MAX_LINK])
    names: list[str] = []
    for _ in range(_MAX_WRAPS):
        parts = parts_of(link)
        found = _inside(parts) if parts is not None and parts.scheme in ("http", "https") else None
        if found is None:
            break
        names.append(found[0])
        link = written(found[1])
    return link, tuple(names)


def _inside(parts: SplitResult) -> tuple[str, str] | None:
    host, path = (parts.hostname or "").lower(), parts.path.lower()
    for end, start, name, read in _WRAPPERS:
        if (host == end.lstrip(".") or host.endswith(end)) and path.startswith(start):
            inner = read(parts)
            told = parts_of(inner)
            return (name, inner) if told is not None and told.scheme in ("http", "https") and told.hostname else None
    return None


def _query(*names: str) -> Callable[[SplitResult], str]:
    def read(parts: SplitResult) -> str:
        try:
            found = {value for name, value in parse_qsl(parts.query, max_num_fields=200) if name in names}
        except ValueError:
            return ""
        return found.pop() if len(found) == 1 else ""  # of two, nobody knows which one the service follows

    return read


def _proofpoint_2(parts: SplitResult) -> str:
    """v2: ``-`` for ``%`` and ``_`` for ``/``."""
    return unquote(_query("u")(parts).replace("-", "%").replace("_", "/"))


_V3 = re.compile(r"/v3/__(.+?)__;([\w-]*={0,2})!", re.ASCII)
_RUN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _proofpoint_3(parts: SplitResult) -> str:
    """v3: each ``*`` stands for the next character of the base64 behind it, ``**x`` for a run of them (from 2 on)."""
    match = _V3.match(unquote(parts.path) + (f"?{parts.query}" if parts.query else ""))
    if match is None:
        return ""
    url = match[1]
    if re.match(r"https?:/[^/]", url):
        url = url.replace(":/", "://", 1)
    try:
        left = base64.urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4)).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""

    def character(found: re.Match[str]) -> str:
        nonlocal left
        size = _RUN.index(found[1]) + 2 if found[1] else 1
        piece, left = left[:size], left[size:]
        return piece

    return re.sub(r"\*(?:\*([\w-]))?", character, url, flags=re.ASCII)


_WRAPPERS: Final[tuple[tuple[str, str, str, Callable[[SplitResult], str]], ...]] = (
    # the end of its host, the beginning of its path, what it is called, how its link is read
    (".safelinks.protection.outlook.com", "/", "Microsoft Safe Links", _query("url")),
    ("urldefense.proofpoint.com", "/v1/", "Proofpoint", _query("u")),
    ("urldefense.proofpoint.com", "/v2/", "Proofpoint", _proofpoint_2),
    ("urldefense.com", "/v3/", "Proofpoint", _proofpoint_3),
    ("urldefense.us", "/v3/", "Proofpoint", _proofpoint_3),
    ("linkprotect.cudasvc.com", "/url", "Barracuda", _query("a")),
    ("secure-web.cisco.com", "/", "Cisco Secure Email", lambda parts: unquote(parts.path.rpartition("/")[2])),
    ("clicktime.symantec.com", "/", "Symantec", _query("u")),
    ("nam.safelink.emails.azure.net", "/redirect", "Microsoft Azure", _query("destination")),
    (".google.com", "/url", "Google", _query("q", "url")),
    ("google.com", "/url", "Google", _query("q", "url")),
    ("l.facebook.com", "/l.php", "Facebook", _query("u")),
    ("l.instagram.com", "/", "Instagram", _query("u")),
    (".youtube.com", "/redirect", "YouTube", _query("q")),
    (".linkedin.com", "/safety/go", "LinkedIn", _query("url")),
    ("slack-redir.net", "/link", "Slack", _query("url")),
    ("vk.com", "/away.php", "VK", _query("to")),
    ("steamcommunity.com", "/linkfilter", "Steam", _query("url", "u")),
    ("deref-mail.com", "/mail/client", "mail.com", _query("redirectUrl")),
    ("deref-gmx.net", "/mail/client", "GMX", _query("redirectUrl")),
    ("deref-gmx.com", "/mail/client", "GMX", _query("redirectUrl")),
    ("deref-web.de", "/mail/client", "WEB.DE", _query("redirectUrl")),
    (".awstrack.me", "/l0/", "Amazon SES", lambda parts: unquote(parts.path[4:].partition("/")[0])),
    ("t.umblr.com", "/redirect", "Tumblr", _query("z")),
    ("out.reddit.com", "/", "Reddit", _query("url")),
    ("exit.sc", "/", "SoundCloud", _query("url")),
    ("duckduckgo.com", "/l/", "DuckDuckGo", _query("uddg")),
    ("href.li", "/", "href.li", lambda parts: parts.query),
)


# ---- the links of a page

_ANCHOR = re.compile(r"<a\b([^>]*)>(.*?)</a>", re.DOTALL | re.IGNORECASE)
_HREF = re.compile(r'\bhref="([^"]*)"', re.IGNORECASE)
_TAGS = re.compile(r"<[^>]*>")


def lie(html: str, link: str) -> str:
    """The host that sanitised ``html`` names as the text of ``link`` although it leads elsewhere; empty: none."""
    from html import unescape

    wanted = _comparable(link)
    for match in _ANCHOR.finditer(html):
        href = _HREF.search(match[1])
        if href is None or _comparable(unescape(href[1])) != wanted:
            continue
        words = unescape(_TAGS.sub("", match[2]))
        if claimed := disagrees(words, link):
            return claimed
    return ""


def _comparable(link: str) -> str:
    """A link whichever way a browser wrote it anew: no escapes, no letter case, no slash at its end."""
    link = written(link.strip())
    parts = parts_of(link)
    if parts is None:
        return unquote(link)
    return unquote(urlunsplit(_with_plain_host(parts)._replace(path=parts.path.rstrip("/")))).lower()
