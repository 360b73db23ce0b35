"""Where address books are looked for, and what a difference between a server and the copy here means.

Rules of the file: pure; a credential goes to the house that it is for, and to no other; nothing that a person changed
is given up because a server says that it is gone.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from mua.errors import Kind, MailError, Retry
from mua.model.account import Account
from mua.model.domain import akin
from mua.plan.domains import is_address
from mua.records import dataclass

WELL_KNOWN: Final = "/.well-known/carddav"
SERVICE: Final = "_carddavs._tcp"
FEW: Final = 20  # contacts that may vanish without a second look
_SAFE: Final = "/:@!$&'()*+,;=~-._"
_HERE: Final = ("127.0.0.1", "::1", "localhost")


class Fate(StrEnum):
    """What becomes of a contact that a server does not list any more."""

    FORGET = "forget"
    """It was deleted here, too."""
    AGAIN = "again"
    """It was changed here meanwhile: the server gets it anew."""
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Difference:
    """``fetch``: hrefs whose cards are to be read; ``gone``: hrefs that the server does not have any more."""

    fetch: tuple[str, ...]
    gone: tuple[str, ...]


def difference(listed: Mapping[str, str], known: Mapping[str, str]) -> Difference:
    """A whole listing (href -> etag) held against what is here; an empty etag is never the same."""
    fetch = tuple(href for href, etag in listed.items() if not etag or known.get(href) != etag)
    return Difference(fetch, tuple(href for href in known if href not in listed))


def is_suspicious(gone: int, known: int) -> bool:
    """Half of an address book does not vanish every day: it is asked for once more before that is believed."""
    return gone > FEW and gone * 2 > known


def is_incredible(gone: int, known: int) -> bool:
    """All of it gone at once is believed only when the next visit finds it so, too."""
    return gone > 1 and gone >= known


def fate(*, dirty: bool, gone: bool) -> Fate:
    """Of a contact that a server does not list any more, which was changed (``dirty``) or deleted (``gone``) here."""
    if gone:
        return Fate.FORGET
    return Fate.AGAIN if dirty else Fate.DELETE


# ---- where
def starts(address: str, services: Iterable[tuple[str, int]] = ()) -> list[str]:
    """The URLs at which discovery begins (RFC 6764 s.6), best first.  ``services``: what SRV records say.

    ``address``: a mail address, a domain, or a URL.  Raises MailError "bad-address".
    """
    text = address.strip()
    if "://" in text:
        parts = urlsplit(text if domain_of(text) else "")
        if (
            parts.scheme not in ("https", "http")
            or not parts.hostname
            or (parts.scheme == "http" and parts.hostname not in _HERE)
        ):
            said = "An address book is reached over https only; check the address."
            raise MailError(Kind.ACCOUNT, Retry.ASK, said, text[:200], "bad-address")
        root = f"{parts.scheme}://{parts.netloc}"
        return list(dict.fromkeys((text, root + WELL_KNOWN, f"{root}/")))
    domain = domain_of(text)
    if "." not in domain or not all(one.isalnum() or one in "-.:" for one in domain):
        said = "Type a mail address, a domain, or the https address of a server."
        raise MailError(Kind.ACCOUNT, Retry.ASK, said, text[:200], "bad-address")
    hosts = [host if port == 443 else f"{host}:{port}" for host, port in services]
    return [f"https://{host}{WELL_KNOWN}" for host in dict.fromkeys((*hosts, domain))]


def domain_of(address: str) -> str:
    """The domain of a mail address, a domain or a URL; empty: it has none."""
    if "://" in address:
        try:
            return urlsplit(address).hostname or ""
        except ValueError:
            return ""
    return address.rpartition("@")[2].strip().lower()


def may_sign_in(url: str, named: str) -> bool:
    """Whether what signs in at ``named``, a host or a domain, may go to ``url``: the same host, or one of its house."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _HERE):
        return False
    if host == named.lower():
        return True
    return not (host in _HERE or is_address(host) or is_address(named)) and akin(host, named)


def houses(account: Account) -> tuple[str, ...]:
    """Whose an account's password or token is: its own servers.  Its address may be of a domain that others serve."""
    servers = (account.incoming_server, account.submission)
    return tuple(dict.fromkeys(one.host for one in servers if one is not None))


def followed(base: str, href: str) -> str:
    """The URL of an (unescaped) href at ``base``."""
    if "://" in href:
        parts = urlsplit(href)
        return parts._replace(path=quote(parts.path, safe=_SAFE)).geturl()
    return urljoin(base, quote(href, safe=_SAFE))


def path_of(href: str, base: str) -> str:
    """An href as this computer keeps it: the path, unescaped, whichever way the server writes it."""
    if "://" in href:
        return urlsplit(href).path
    return href if href.startswith("/") else f"{base}{href}"


def new_name(uid: str) -> str:
    """What a new card is called on the server: its UID, as far as that is a name."""
    bare = uid.removeprefix("urn:uuid:")
    clean = "".join(one if one.isascii() and (one.isalnum() or one in "-_.") else "-" for one in bare)[:100]
    return f"{clean.strip('.') or 'contact'}.vcf"
