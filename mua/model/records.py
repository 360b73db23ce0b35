"""Records that a domain has to publish for its mail to be taken, and whether it does."""

import re
from enum import StrEnum
from typing import Final

from mua.records import dataclass

_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
MAX_STRING: Final = 255  # octets of one string of a TXT record (RFC 1035 s.3.3)


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


def tags(text: str) -> dict[str, str]:
    """A list of tags (RFC 6376 s.3.2), the blanks inside values left out; the first of equal names."""
    found: dict[str, str] = {}
    for one in text.split(";"):
        name, equals, value = one.partition("=")
        if equals:
            found.setdefault(name.strip(), "".join(value.split()))
    return found


def tag_list(text: str) -> dict[str, str] | None:
    """The same to the letter, for what is to be verified: None where it is no list of tags, or names one twice."""
    found: dict[str, str] = {}
    pieces = text.split(";")
    for place, piece in enumerate(pieces):
        if not piece.strip():
            if place < len(pieces) - 1:
                return None
            continue
        name, equals, rest = piece.partition("=")
        name = name.strip()
        if not equals or not _TAG_NAME.match(name) or name in found:
            return None
        found[name] = "".join(rest.split())
    return found


def zone_line(name: str, text: str) -> str:
    """A TXT record as a zone file has it: strings of at most 255 octets (RFC 6376 s.3.6.2.2)."""
    strings = (text[at : at + MAX_STRING] for at in range(0, len(text), MAX_STRING))
    return f"{name}. IN TXT " + " ".join(f'"{one}"' for one in strings)
