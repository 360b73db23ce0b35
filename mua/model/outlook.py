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
    """Of one domain (an A-label).  ``problem`` is why mail would not arrive, ``final``: and would come back at once.

    ``size``: the most octets that its servers said they take, 0 when they did not say; ``utf8``: whether they take
    addresses with letters beyond ASCII before the @; None where no server of it was spoken to yet.
    """

    domain: str
    problem: str = ""
    final: bool = False
    seal: Seal = Seal.UNKNOWN
    size: int = 0
    utf8: bool | None = None

    def trouble(self, address: str, octets: int = 0) -> str:
        """Why a letter of so many octets would not get to this address there, as one sentence; or empty."""
        if self.problem:
            return self.problem
        if self.utf8 is False and not address.rpartition("@")[0].isascii():
            return f"The servers of {self.domain} take no address like {address}, with letters beyond ASCII."
        if self.size and octets > self.size:
            return f"The servers of {self.domain} take at most {self.size / 1_000_000:,.1f} MB; this message is larger."
        return ""
