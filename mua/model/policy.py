"""How much of a folder is fetched to this computer.  The rest is on the server, and can be searched there.

A policy says what is *fetched*: what is here already stays here, and a message that is opened is fetched in any case.
"""

import re
from enum import StrEnum

from mua.records import dataclass

MAX_DAYS = 36_500


class Keep(StrEnum):
    """What is fetched without being asked for: all of it, what came in the last days, or header rows only."""

    EVERYTHING = "everything"
    DAYS = "days"
    HEADERS = "headers"


@dataclass(frozen=True, slots=True)
class Policy:
    """One choice; ``days`` counts for ``Keep.DAYS`` only."""

    keep: Keep = Keep.EVERYTHING
    days: int = 0

    def __str__(self) -> str:
        return f"days:{self.days}" if self.keep is Keep.DAYS else self.keep.value


EVERYTHING = Policy()


def policy_from(text: str) -> Policy:
    """The policy that ``str`` made of it; raises ValueError on anything else."""
    if found := re.fullmatch(r"days:(\d{1,5})", text):
        days = int(found[1])
        if not 0 < days <= MAX_DAYS:
            raise ValueError(f"{days} days")
        return Policy(Keep.DAYS, days)
    keep = Keep(text)
    if keep is Keep.DAYS:
        raise ValueError("days without a number")
    return Policy(keep)
