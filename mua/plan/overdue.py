"""When a person is told that a message has not gone yet (RFC 5321 s.4.5.4.1 gives a sender days).  Pure; UTC seconds.

A quiet note after half an hour, since then it is no greylisting any more; a warning after four hours; after a day the
window says so plainly and offers another way out.  Each is said once for a message, also after a restart; of what
became overdue while nobody looked only the last.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum

from mua.model.outgoing import FINAL, Outgoing

MINUTE, HOUR, DAY = 60, 3600, 86400


class Stage(IntEnum):
    """How long a message waits already."""

    NONE = 0
    NOTE = 1
    WARNING = 2
    DAY = 3


AFTER = {Stage.NOTE: 30 * MINUTE, Stage.WARNING: 4 * HOUR, Stage.DAY: DAY}


def since(message: Outgoing) -> int:
    """When it could have gone first."""
    return max(message.queued_at, message.not_before)


def stage(message: Outgoing, now: float) -> Stage:
    """How overdue a message is: NONE when nobody waits for it, and before its time."""
    if all(one.state in FINAL for one in message.recipients):
        return Stage.NONE
    waited = now - since(message)
    return max((one for one, after in AFTER.items() if waited >= after), default=Stage.NONE)


def to_tell(
    messages: Iterable[Outgoing], told: Mapping[int, Stage], now: float
) -> tuple[list[Outgoing], dict[int, Stage]]:
    """(whose stage is news, the most overdue first; what has been told then).  What waits no more is forgotten."""
    stages = {message: found for message in messages if (found := stage(message, now)) is not Stage.NONE}
    news = [message for message, found in stages.items() if found > told.get(int(message.id), Stage.NONE)]
    known = {int(one.id): max(found, told.get(int(one.id), Stage.NONE)) for one, found in stages.items()}
    return sorted(news, key=since), known


def next_news(messages: Iterable[Outgoing], now: float) -> float | None:
    """In how many seconds a message becomes more overdue than it is; None: none will."""
    waits = [one for one in messages if any(to.state not in FINAL for to in one.recipients)]
    ahead = [since(one) + after - now for one in waits for after in AFTER.values()]
    return min((one for one in ahead if one > 0), default=None)
