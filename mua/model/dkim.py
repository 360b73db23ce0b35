"""The keys that sign a domain's mail (DKIM, RFC 6376).  The private halves are in ``net/secrets`` only."""

from enum import StrEnum

from mua.records import dataclass


class Algorithm(StrEnum):
    """``k=`` of a record; with ``-sha256`` behind it ``a=`` of a signature (RFC 8463 for Ed25519)."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class DkimKey:
    """One key of a domain (A-label).  ``public`` is what ``p=`` of its record has to say; times in UTC seconds."""

    domain: str
    selector: str
    algorithm: Algorithm
    public: str
    made_at: int
    seen_at: int = 0  # when its record was last found in the DNS; 0: it was not, so the key does not sign
