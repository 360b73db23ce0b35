"""Until when a message is put aside: what is proposed, and what a person types.  Pure.

An instant is UTC seconds; clocks are those of a ``zone``: a ``tzinfo``, or None for this computer's (``plan.later``).
"""

import re
from datetime import datetime, timedelta, tzinfo

from mua.language import tr
from mua.plan import later
from mua.plan.later import Proposal, moment

EVENING, MORNING = 18, 8  # o'clock
SATURDAY = 5
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPANS = {"m": 60, "h": later.HOUR, "d": later.DAY, "w": 7 * later.DAY}
_SPAN = re.compile(r"(?:in )?(\d{1,4}) ?(m|min|minutes?|h|hours?|d|days?|w|weeks?)", re.ASCII)
_CLOCK = re.compile(r"(?:(?P<day>[a-z]+)[, ]*)?(?:(?:at )?(?P<hour>\d{1,2})(?::(?P<minute>\d{2}))?)?", re.ASCII)


def proposals(now: int, zone: tzinfo | None = None) -> tuple[Proposal, ...]:
    """Later today, tomorrow, at the weekend, next week: each once, the earliest first."""
    local = datetime.fromtimestamp(now, zone).replace(tzinfo=None, fold=0, second=0, microsecond=0)
    evening = max(local.replace(hour=EVENING, minute=0), local.replace(minute=0) + timedelta(hours=3))
    found: list[tuple[str, datetime]] = []
    if evening.date() == local.date():
        found.append((tr("Later today"), evening))
    found.append((tr("Tomorrow"), _morning(local, 1)))
    found.append((tr("This weekend"), _morning(local, (SATURDAY - local.weekday() - 1) % 7 + 1)))
    found.append((tr("Next week"), _morning(local, (0 - local.weekday() - 1) % 7 + 1)))
    once: dict[datetime, str] = {}
    for name, when in found:
        once.setdefault(when, name)
    return tuple(Proposal(name, moment(when, zone).at) for when, name in sorted(once.items()))


def parse(text: str, now: int, zone: tzinfo | None = None) -> int | None:
    """What is typed: ``3h``, ``in 2 days``, ``14:30``, ``friday``, ``tomorrow 9``, ``2026-12-01 09:00``; None: no time.

    A clock that is past today means tomorrow, a weekday the next one.
    """
    words = " ".join(text.lower().split())
    found: int | None
    if span := _SPAN.fullmatch(words):
        found = now + int(span[1]) * _SPANS[span[2][0]]
    elif (clock := _CLOCK.fullmatch(words)) and words:
        found = _clock(clock, now, zone)
    else:
        try:
            found = later.parse(text, zone).at
        except ValueError:
            return None
    return found if found is not None and not later.problem(found, now) else None


def _clock(given: "re.Match[str]", now: int, zone: tzinfo | None) -> int | None:
    """A day by its name, or a clock, or both."""
    local = datetime.fromtimestamp(now, zone).replace(tzinfo=None, fold=0, second=0, microsecond=0)
    days = 0 if given["day"] is None else _days(given["day"], local)
    hour = MORNING if given["hour"] is None else int(given["hour"])
    minute = int(given["minute"] or 0)
    if days is None or hour > 23 or minute > 59:
        return None
    when = (local + timedelta(days=days)).replace(hour=hour, minute=minute)
    if when <= local and given["day"] is None:
        when += timedelta(days=1)
    return moment(when, zone).at


def _days(word: str, local: datetime) -> int | None:
    """How many days ahead a day of that name is."""
    if word in ("today", "tomorrow"):
        return int(word == "tomorrow")
    fitting = [place for place, name in enumerate(_DAYS) if len(word) > 1 and name.startswith(word)]
    return (fitting[0] - local.weekday() - 1) % 7 + 1 if len(fitting) == 1 else None


def _morning(local: datetime, days: int) -> datetime:
    return (local + timedelta(days=days)).replace(hour=MORNING, minute=0)
