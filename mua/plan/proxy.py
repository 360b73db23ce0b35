"""A proxy as a person writes it down, and what may be asked of one.  Pure.

Rule of the file: a name that is handed to a proxy is looked up there, so what it leads to cannot be seen from here;
what names a private place by itself is refused before.
"""

from enum import StrEnum
from typing import Final
from urllib.parse import urlsplit

from mua.plan.domains import is_address
from mua.records import dataclass

_PRIVATE: Final = (
    "localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa",
)  # fmt: skip
"""Last labels of names that lead nowhere on the internet (RFC 6761, RFC 6762 and app. G, RFC 8375), and that of
``localhost.localdomain``, which many hosts' own files have."""


class Scheme(StrEnum):
    """How a proxy is spoken to: RFC 1928, or CONNECT of HTTP (RFC 9110 s.9.3.6)."""

    SOCKS5 = "socks5"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Proxy:
    """Where it listens."""

    scheme: Scheme
    host: str
    port: int


def proxy_of(text: str) -> Proxy | None:
    """``socks5://127.0.0.1:9050``, ``http://proxy.example:3128``; nothing: none.  Raises ValueError with a sentence."""
    text = text.strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        scheme, host, port = parts.scheme.replace("socks5h", "socks5"), parts.hostname or "", parts.port or 0
    except ValueError:
        parts, scheme, host, port = urlsplit(""), "", "", 0
    if scheme not in tuple(Scheme) or not host or not host.isascii() or not port > 0:
        raise ValueError("A proxy is written like socks5://127.0.0.1:9050 or http://proxy.example:3128.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("A proxy that asks for a password cannot be used; write it without a name and a password.")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("A proxy has no path; write it like socks5://127.0.0.1:9050.")
    return Proxy(Scheme(scheme), host, port)


def is_elsewhere(host: str) -> bool:
    """Whether a name may be handed to a proxy: one of the public DNS, as far as it tells.  Addresses are not names."""
    name = host.rstrip(".").lower()
    return "." in name and not is_address(name) and name.rpartition(".")[2] not in _PRIVATE
