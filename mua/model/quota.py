"""How much room an account has on its server (RFC 9208), and when that is said before it is too late."""

from collections.abc import Iterable

from mua.records import dataclass

NEARLY = 90  # percent, from which on a person is warned
LARGEST = 3  # folders that are named then
UNIT = 1024  # octets that a STORAGE quota counts in


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit of one quota root.  ``resource``: "STORAGE" (``used`` and ``limit`` in octets), "MESSAGE", or another
    (in the server's units).
    """

    root: str
    resource: str
    used: int
    limit: int

    @property
    def percent(self) -> int:
        """How much of it is used, rounded down; a limit of nothing is used up."""
        return 100 * self.used // self.limit if self.limit else 100

    @property
    def nearly_full(self) -> bool:
        """Whether a person should know before mail is refused."""
        return self.percent >= NEARLY

    def __str__(self) -> str:
        """In words: ``9.1 MB of 10.0 MB (91 %)``."""
        if self.resource == "STORAGE":
            return f"{_size(self.used)} of {_size(self.limit)} ({self.percent} %)"
        what = {"MESSAGE": "messages", "MAILBOX": "folders"}.get(self.resource, self.resource.lower())
        return f"{self.used} of {self.limit} {what} ({self.percent} %)"


def warning(host: str, quotas: Iterable[Quota], folders: Iterable[tuple[str, int]] = ()) -> str:
    """One sentence about the fullest limit that is nearly reached, or nothing.

    ``folders``: names, and octets on the server; the largest are named.
    """
    full = max((one for one in quotas if one.nearly_full), key=lambda one: one.percent, default=None)
    if full is None:
        return ""
    largest = sorted((one for one in folders if one[1] > 0), key=lambda one: -one[1])[:LARGEST]
    where = f" (most is in {', '.join(f'{name}: {_size(octets)}' for name, octets in largest)})" if largest else ""
    if full.percent >= 100:
        return f"The mailbox at {host} is full: {full}; new mail is refused there until you delete something{where}."
    return f"The mailbox at {host} is nearly full: {full}; delete something there{where} before new mail is refused."


def _size(octets: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if octets >= unit:
            return f"{octets / unit:.1f} {name}"
    return f"{octets / 1e3:.1f} kB"
