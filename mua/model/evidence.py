"""What was found out here about the signatures of a message."""

from enum import StrEnum

from mua.records import dataclass


class Outcome(StrEnum):
    """What became of a signature when it was checked."""

    HOLDS = "pass"
    BROKEN = "fail"  # what it signs is not what is here
    WEAK = "policy"  # nobody should go by it: rsa-sha1, a short key, expired
    UNUSABLE = "permerror"  # it, or its key, cannot be read, or there is no key
    UNKNOWN = "temperror"  # its key could not be asked for


@dataclass(frozen=True, slots=True)
class Signature:
    """A DKIM signature, or a seal of an ARC chain (``kind`` "dkim", "arc").

    ``why``: in words, where it does not hold.  ``open_octets``: of the body behind what it covers (``l=``); -1: it
    covers all.  ``open_fields``: what a reader is shown of the header, and it does not cover.  ``testing``: its domain
    says that it is only trying this out.  ``covers_leaving``: it covers List-Unsubscribe and List-Unsubscribe-Post,
    each of which stands once (RFC 8058 s.4).
    """

    kind: str
    domain: str
    selector: str
    algorithm: str
    outcome: Outcome
    why: str = ""
    open_octets: int = -1
    open_fields: tuple[str, ...] = ()
    testing: bool = False
    covers_leaving: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """All signatures of a message, as they were checked ``at`` (UTC seconds); ``more`` were not.

    ``chain``: what the ARC chain comes to; empty: there is none.
    """

    at: int
    signatures: tuple[Signature, ...] = ()
    chain: str = ""
    more: int = 0
