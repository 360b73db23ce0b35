"""MTA-STS (RFC 8461): what a domain says of how its mail exchangers are to be reached, and what follows from it.  Pure.

Rules of the file: what is malformed is no policy, since a stranger must not be able to stop mail with nonsense; a
policy that is kept holds until it expires, whatever the DNS or the web server of the domain says meanwhile.
"""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from mua.records import dataclass

LONGEST = 31_557_600  # seconds (s.3.2)
REFRESH = 86_400  # seconds after which a policy is fetched again though its id is the same (s.3.3)
MAX_OCTETS = 64 << 10  # of a policy (s.3.3)
MAX_PATTERNS = 200
MAX_NAME = 253
_PATTERN = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_RECORD = re.compile(r"v[ \t]*=[ \t]*STSv1[ \t]*;")
_ID = re.compile(r"id[ \t]*=[ \t]*([A-Za-z0-9]{1,32})")


class Mode(StrEnum):
    """What becomes of an exchanger that does not keep to the policy."""

    ENFORCE = "enforce"  # nothing is delivered to it
    TESTING = "testing"  # it is only noted
    NONE = "none"  # there is no policy any more


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy: the patterns of ``mx`` in lower case, ``max_age`` in seconds."""

    mode: Mode
    mx: tuple[str, ...] = ()
    max_age: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """A policy with the id of the record that announced it, fetched at (UTC seconds)."""

    id: str
    policy: Policy
    fetched_at: int

    def holds(self, now: int) -> bool:
        """Whether it is still in force (also where the clock was set back since)."""
        return now < self.fetched_at + self.policy.max_age

    def is_current(self, record: str, now: int) -> bool:
        """Whether it need not be fetched again when ``record`` is the id of today."""
        return self.holds(now) and self.id == record and 0 <= now - self.fetched_at < REFRESH


def record_id(texts: Iterable[str]) -> str:
    """The id in the TXT records of ``_mta-sts.DOMAIN``; empty where not exactly one of them is sound (s.3.1)."""
    records = [text for text in texts if _RECORD.match(text)]
    if len(records) != 1:
        return ""
    fields = (one.strip(" \t") for one in records[0].split(";")[1:])
    found = next((match for one in fields if (match := _ID.fullmatch(one))), None)
    return found[1] if found else ""


def parse(raw: bytes) -> Policy | None:
    """The policy in a file (s.3.2), or None.  The first of several equal keys counts, but for mx."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    known: dict[str, str] = {}
    patterns: list[str] = []
    for line in text.splitlines():
        key, _, value = (part.strip(" \t") for part in line.partition(":"))
        if key == "mx":
            patterns.append(value.lower().removesuffix("."))
        else:
            known.setdefault(key, value)
    age = known.get("max_age", "")
    if known.get("version") != "STSv1" or not re.fullmatch(r"[0-9]{1,10}", age):
        return None
    mode = next((one for one in Mode if one == known.get("mode")), None)
    allowed = tuple(one for one in patterns if len(one) <= MAX_NAME and _PATTERN.fullmatch(one))
    if mode is None or (mode is not Mode.NONE and not allowed):
        return None
    return Policy(mode, allowed[:MAX_PATTERNS], min(int(age), LONGEST))


def matches(host: str, patterns: Sequence[str]) -> bool:
    """Whether an exchanger's name (an A-label) is one of the patterns; ``*`` is one whole first label (s.4.1)."""
    host = host.lower().removesuffix(".")
    first, _, rest = host.partition(".")
    return host in patterns or bool(first and rest and f"*.{rest}" in patterns)
