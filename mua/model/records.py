"""Records that a domain has to publish for its mail to be taken, and whether it does."""

from enum import StrEnum

from mua.records import dataclass


class Published(StrEnum):
    """What is known of a record."""

    FOUND = "found"  # as it was seen last
    NOT_SEEN = "not seen"  # nobody has looked, or it was not there
    MISSING = "missing"
    OTHER = "other"  # something else is there
    UNKNOWN = "unknown"  # nobody knows: the look-up failed


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One TXT record: ``what`` is "dkim", "spf" or "dmarc"; ``line`` is the whole as a zone file has it."""

    what: str
    name: str
    value: str
    line: str
    state: Published
