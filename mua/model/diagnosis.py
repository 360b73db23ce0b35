"""How the world sees mail that this computer delivers by itself."""

from enum import StrEnum

from mua.model.records import DnsRecord
from mua.records import dataclass


class Grade(StrEnum):
    """How one thing is."""

    GOOD = "good"
    DOUBTFUL = "doubtful"  # some receivers mind
    BAD = "bad"  # many refuse mail for it
    UNKNOWN = "unknown"  # it could not be found out, which is no fault


class Reach(StrEnum):
    """How far mail gets."""

    ANYONE = "anyone"
    NEAR = "near"  # one's own network, and whoever is not strict
    RELAY = "relay"  # nobody: it has to go through a provider's server


@dataclass(frozen=True, slots=True)
class Symptom:
    """One thing that was looked at: ``what`` is "from", "port", "address", "reverse", "generic", "ehlo", "spf", "dkim",
    "dmarc", "bounces" or "blocklist"; ``text`` one sentence.
    """

    what: str
    grade: Grade
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The verdict in three sentences, what it rests on, and the records that the domain should publish.

    ``relay``: an account whose server could take this one's mail; 0: there is none.
    """

    domain: str
    reach: Reach
    text: str
    symptoms: tuple[Symptom, ...]
    records: tuple[DnsRecord, ...] = ()
    relay: int = 0
