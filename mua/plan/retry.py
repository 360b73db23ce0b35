"""When a deferred message is tried again, and when it is given up (RFC 5321 s.4.5.4.1).  Pure; times in UTC seconds.

Soon at first, because most deferrals are greylisting or a restart; later every four hours, spread by chance so that
many messages to one sick server do not come in step.  After four days the sender is told.  Being off-line burns no
attempt, and a message that waited for the network for days still gets its tries before it is given up.
"""

import re

MINUTE, HOUR, DAY = 60, 3600, 86400
SCHEDULE = (1 * MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE, 1 * HOUR, 2 * HOUR)
LATER, SPREAD = 4 * HOUR, 0.2
EXPIRY = 4 * DAY
LEAST_HINT, MOST_HINT = 1 * MINUTE, 4 * HOUR
POSTPONED = (30, 1 * MINUTE, 2 * MINUTE, 5 * MINUTE, 15 * MINUTE)

_CLOCK = re.compile(r"\b(?:in|after|for)\s+(\d{1,2}):(\d{2}):(\d{2})\b", re.IGNORECASE)
_WORDS = re.compile(
    r"\b(?:in|after|for|wait|delay(?:ed)?)\s+(?:at least\s+|about\s+)?(\d{1,5})\s*"
    r"(s|sec|secs|seconds?|m|mins?|minutes?|h|hours?)\b",
    re.IGNORECASE,
)
_UNITS = {"s": 1, "m": MINUTE, "h": HOUR}


def delay(attempts: int, lot: float) -> int:
    """Seconds to wait after the ``attempts``-th failed attempt (1, 2, ...); ``lot`` in 0..1."""
    if attempts <= len(SCHEDULE):
        return SCHEDULE[max(attempts, 1) - 1]
    return round(LATER * (1 - SPREAD + 2 * SPREAD * lot))


def hint(text: str) -> int | None:
    """How many seconds a greylisting server asks us to wait ("try again in 5 minutes"), within reason, or None."""
    if clock := _CLOCK.search(text):
        hours, minutes, seconds = map(int, clock.groups())
        return _reasonable(hours * HOUR + minutes * MINUTE + seconds)
    if words := _WORDS.search(text):
        return _reasonable(int(words[1]) * _UNITS[words[2][0].lower()])
    return None


def greylisted(code: int | None, text: str) -> bool:
    """The server wants to see us again, not to be rid of us: another exchanger would say the same."""
    return code in (450, 451) and (hint(text) is not None or "grey" in text.lower() or "gray" in text.lower())


def next_attempt(*, attempts: int, since: int, now: int, lot: float, text: str = "") -> int | None:
    """When to try again after ``attempts`` failed ones, the last answered with ``text``.  None: give it up.

    ``since``: when the first attempt was allowed.
    """
    if now - since >= EXPIRY and attempts > len(SCHEDULE):
        return None
    return now + (hint(text) or delay(attempts, lot))


def postponed(failures: int, now: int) -> int:
    """When to look again after ``failures`` tries in a row that did not count: no network, a server that is down."""
    return now + POSTPONED[min(max(failures, 1), len(POSTPONED)) - 1]


def _reasonable(seconds: int) -> int:
    return min(max(seconds, LEAST_HINT), MOST_HINT)
