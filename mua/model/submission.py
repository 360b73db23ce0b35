"""What a local user's program gives to the system's mail queue, as data."""

from mua.records import dataclass

NOTIFY: tuple[str, ...] = ("failure", "delay")


@dataclass(frozen=True, slots=True)
class Submission:
    """The first line of a file in the drop folder; the message follows it.

    ``sender`` is the envelope's (empty: no reports, please), ``recipients`` have their domains.  ``notify`` is of what
    its sender wants to hear (RFC 3461 s.4.1; empty: NEVER).
    """

    sender: str
    recipients: tuple[str, ...]
    version: int = 1
    notify: tuple[str, ...] = NOTIFY
