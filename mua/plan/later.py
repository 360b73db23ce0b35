"""When a message goes that is to be sent later: what a person means, what is proposed, and what is refused.  Pure.

An instant is UTC seconds, a wall clock shows it in a ``zone``: a ``tzinfo``, or None for the one of this computer.
What is kept is the instant, so it stays when the computer travels; a clock that is set, or stood still while the
computer slept, makes nobody's mail go twice or never: it goes as soon as the clock has reached the instant.

Where the clocks go forward, a time that no clock shows is the same span after midnight (02:30 becomes 03:30); where
they go back, of the two the first is meant, unless the offset is written (RFC 3339).
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum

from mua.language import tr
from mua.records import dataclass

MINUTE, HOUR, DAY = 60, 3600, 86400
FARTHEST = 3650 * DAY  # a later year is a slip of the fingers
LATE = 15 * MINUTE  # a message that goes so long after its time went late
EVENING, MORNING = 21, 9  # o'clock: later today is not proposed after the one, mornings are at the other
MONDAY = 0

_TEXT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[ Tt](\d{2}:\d{2}(?::\d{2})?)(?:\.\d+)?\s*([Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)  # fmt: skip


class Clock(StrEnum):
    """What the clocks do at a local time."""

    PLAIN = "plain"
    SKIPPED = "skipped"  # they go forward over it
    TWICE = "twice"  # they go back over it


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant (UTC seconds), and how the local time by which it was named stands."""

    at: int
    clock: Clock = Clock.PLAIN


@dataclass(frozen=True, slots=True)
class Proposal:
    """A time that many people want: its name, and the instant."""

    name: str
    at: int


def moment(local: datetime, zone: tzinfo | None = None) -> Moment:
    """The instant at which clocks in ``zone`` show ``local`` (naive).  Raises ValueError beyond every calendar."""
    try:
        first, second = (int(local.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
        shown = datetime.fromtimestamp(first, zone).replace(tzinfo=None, fold=0)
    except (OverflowError, OSError) as error:
        raise ValueError("no calendar holds that time") from error
    if shown != local.replace(tzinfo=None, fold=0, microsecond=0):
        return Moment(first, Clock.SKIPPED)
    return Moment(first, Clock.PLAIN if first == second else Clock.TWICE)


def parse(text: str, zone: tzinfo | None = None) -> Moment:
    """What is typed: ``2026-12-01 09:00`` as clocks in ``zone`` show it, or RFC 3339 with its offset.

    Raises ValueError, whose text says how it is meant.
    """
    found = _TEXT.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError
        local = datetime.fromisoformat(f"{found[1]}T{found[2]}")
        if found[3] is None:
            return moment(local, zone)
        if found[3] in "Zz":
            return Moment(int(local.replace(tzinfo=UTC).timestamp()))
        return Moment(int(datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3]}").timestamp()))
    except ValueError as error:
        meant = tr("a time is 2026-12-01 09:00 (this computer's clock) or 2026-12-01T09:00:00+01:00")
        raise ValueError(f"{text!r} is no time; {meant}") from error


def problem(at: int, now: int) -> str:
    """Why a message cannot be sent at that instant, in a sentence; empty when it can."""
    if at <= now:
        return tr("That time is past; choose a later one.")
    if at - now > FARTHEST:
        return tr("That is more than ten years away; check the year.")
    return ""


def proposals(now: int, zone: tzinfo | None = None) -> tuple[Proposal, ...]:
    """Later today (two to three hours from now, at a full hour, not at night), tomorrow morning, Monday morning."""
    local = datetime.fromtimestamp(now, zone).replace(tzinfo=None, fold=0)
    hour = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
    found = []
    if hour.date() == local.date() and hour.hour <= EVENING:
        found.append(Proposal(tr("Later today"), moment(hour, zone).at))
    tomorrow = _morning(local, 1)
    monday = _morning(local, (MONDAY - local.weekday() - 1) % 7 + 1)
    found.append(Proposal(tr("Tomorrow morning"), moment(tomorrow, zone).at))
    if monday != tomorrow:
        found.append(Proposal(tr("Monday morning"), moment(monday, zone).at))
    return tuple(found)


def _morning(local: datetime, days: int) -> datetime:
    return (local + timedelta(days=days)).replace(hour=MORNING, minute=0, second=0, microsecond=0)


def offset_minutes(at: int, zone: tzinfo | None = None) -> int:
    """How far clocks in ``zone`` are ahead of UTC at that instant, in minutes."""
    offset = datetime.fromtimestamp(at, zone).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds() // 60)


def zone_words(at: int, zone: tzinfo | None = None) -> str:
    """The zone as people write it then: "CET, UTC+01:00"."""
    name = datetime.fromtimestamp(at, zone).astimezone(zone).strftime("%Z")
    minutes = offset_minutes(at, zone)
    sign, size = ("-", -minutes) if minutes < 0 else ("+", minutes)
    offset = f"UTC{sign}{size // 60:02}:{size % 60:02}" if minutes else "UTC"
    return f"{name}, {offset}" if name.isalpha() and name != "UTC" else offset


def went_late(not_before: int, first_try: int) -> bool:
    """Whether a message that was to go at ``not_before`` was first tried much later: nothing was running then."""
    return first_try - not_before > LATE
