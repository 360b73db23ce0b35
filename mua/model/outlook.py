"""What is known, before a letter is sent, of how a domain takes mail that this computer delivers by itself."""

from enum import StrEnum

from mua.records import dataclass


class Seal(StrEnum):
    """How the way to the domain would be protected."""

    UNKNOWN = ""
    NONE = "none"  # mail went there unprotected
    TLS = "TLS"  # with whatever certificate
    STS = "MTA-STS"  # the domain says that it demands verified TLS, or tests it
    DANE = "DANE"  # the domain's own keys prove who its servers are


@dataclass(frozen=True, slots=True)
class Outlook:
    """Of one domain (an A-label).  ``problem``: why mail cannot be handed over now; ``final``: nor later.

    ``size``: the most octets that its servers said they take, 0 when they did not say; ``utf8``: whether they take
    addresses with letters beyond ASCII before the @; None where no server of it was spoken to yet.
    """

    domain: str
    problem: str = ""
    final: bool = False
    seal: Seal = Seal.UNKNOWN
    size: int = 0
    utf8: bool | None = None
