"""The way that mail for a recipient leaves this computer by, and the rules that choose it."""

import re
from enum import StrEnum

from mua.records import dataclass

_HOST = re.compile(r"(?P<kind>smtp|lmtp)://(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253})(?::(?P<port>\d{1,5}))?")
_SOCKET = re.compile(r"lmtp:(?P<path>/(?!/)[ -~]{1,106})")  # sun_path has 108 octets
_ACCOUNT = re.compile(r"account:(?P<id>\d{1,18})")
_PATTERN = re.compile(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_PORTS = {"smtp": 25, "lmtp": 24}


class Hop(StrEnum):
    """Who is spoken to next, and how."""

    SUBMISSION = "submission"  # the account's own submission server
    DIRECT = "direct"  # the exchangers of the recipient's domain
    SMTP = "smtp"  # this host, whatever the DNS says: a smart host, a server of the LAN
    LMTP = "lmtp"  # the same, by RFC 2033: the last hop, into mailboxes
    ACCOUNT = "account"  # another account's submission server


@dataclass(frozen=True, slots=True)
class Way:
    """One way.  ``host`` is a name, an IP address, or the path of a socket (LMTP); for DIRECT the domain (an A-label,
    or empty in a rule: the recipient's); for ACCOUNT the account's id.
    """

    hop: Hop
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        if self.hop is Hop.ACCOUNT:
            return f"account:{self.host}"
        if self.hop in (Hop.SUBMISSION, Hop.DIRECT):
            return self.hop.value
        if self.host.startswith("/"):
            return f"lmtp:{self.host}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.hop}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Rule:
    """Mail for the domains that ``pattern`` names goes by ``way``.

    A pattern is a domain (A-label, lower case), ``.example.org`` for all below it, or ``*``; the closest one counts.
    """

    pattern: str
    way: Way


def way_from(text: str) -> Way:
    """The way that ``str`` made of it; raises ValueError on anything else."""
    if found := _HOST.fullmatch(text):
        port = int(found["port"] or _PORTS[found["kind"]])
        if 0 < port < 65536:
            return Way(Hop(found["kind"]), found["host"].strip("[]").lower(), port)
    if found := _SOCKET.fullmatch(text):
        return Way(Hop.LMTP, found["path"])
    if found := _ACCOUNT.fullmatch(text):
        return Way(Hop.ACCOUNT, found["id"])
    if text in (Hop.SUBMISSION, Hop.DIRECT):
        return Way(Hop(text))
    raise ValueError(f"no way: {text[:80]!r}")


def pattern_from(text: str) -> str:
    """A rule's pattern, or ValueError."""
    if not _PATTERN.fullmatch(text) or len(text) > 254:
        raise ValueError(f"no pattern of domains: {text[:80]!r}")
    return text


def rules_text(rules: tuple[Rule, ...]) -> str:
    """The rules as they are stored: a line each."""
    return "".join(f"{one.pattern} {one.way}\n" for one in rules)


def rules_from(text: str) -> tuple[Rule, ...]:
    """The rules that ``rules_text`` made of it; raises ValueError on anything else."""
    lines = (line.partition(" ") for line in text.splitlines())
    return tuple(Rule(pattern_from(pattern), way_from(way)) for pattern, _, way in lines)
