"""Calendar parts read: what, when, where and who (RFC 5545, 5546).

Rules of the file
- Nothing raises; linear; what is beyond a cap is not read.
- Nothing is fetched, run or expanded: ATTACH, VALARM and PROCEDURE are not even looked at, a rule of repetition is told
  in words.
- Who organises is what the sender claims; the names of the fields say no more.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from mua.mime.text import neutralise, neutralise_body
from mua.model.event import Event
from mua.records import dataclass

MAX_CALENDAR: Final = 256 * 1024  # characters that are read
MAX_EVENTS: Final = 20
MAX_ATTENDEES: Final = 100
MAX_VALUE: Final = 500  # characters of a field that is shown in one line
MAX_NOTE: Final = 8000

_COMPONENTS: Final = ("VEVENT", "VTODO", "VJOURNAL")
_FOLD = re.compile(r"\r?\n[ \t]")
_LINE = re.compile(r"^([A-Za-z0-9-]++)((?:;[^=:;\"\n]*+=(?:\"[^\"\n]*+\"|[^\":;\n])*+)*+):([^\n]*+)", re.MULTILINE)
_PARAMETER = re.compile(r";([^=:;\"]*)=((?:\"[^\"]*\"|[^\":;])*)")
_ESCAPED = re.compile(r"\\(.)")
_DATE = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?\Z")
_DURATION = re.compile(r"([+-]?)P(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?\Z")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EVERY: Final = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year", "HOURLY": "hour"}
_WEEKDAYS: Final = dict(zip(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), _DAYS, strict=True))
_ANSWERS: Final = {
    "ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "perhaps", "DELEGATED": "delegated",
}  # fmt: skip

Property = tuple[dict[str, str], str]


@dataclass(frozen=True, slots=True)
class _Moment:
    """A date, or a time with its zone: ``at`` has a zone when that is known."""

    at: datetime
    day: bool
    zone: str


def events(text: str) -> tuple[Event, ...]:
    """The events of a calendar; at most ``MAX_EVENTS``.  Never raises."""
    text = _FOLD.sub("", text[:MAX_CALENDAR]).replace("\r", "\n")
    method, found = "", list[Event]()
    component: dict[str, list[Property]] | None = None
    inner = 0  # alarms and what else is inside an event
    for name, given, value in _lines(text):
        if name == "BEGIN":
            if component is None and value in _COMPONENTS:
                component, inner = {}, 0
            elif component is not None:
                inner += 1
        elif name == "END" and component is not None:
            if inner:
                inner -= 1
                continue
            found.append(_event(method, component))
            component = None
            if len(found) >= MAX_EVENTS:
                break
        elif component is not None and not inner:
            component.setdefault(name, []).append((given, value))
        elif name == "METHOD" and not method:
            method = value
    return tuple(found)


def _lines(text: str) -> Iterator[tuple[str, dict[str, str], str]]:
    for match in _LINE.finditer(text):
        name = match[1].upper()
        given = {key.upper(): value.strip('"') for key, value in _PARAMETER.findall(match[2])} if match[2] else {}
        yield name, given, match[3].strip().upper() if name in ("BEGIN", "END") else match[3]


def _event(method: str, fields: dict[str, list[Property]]) -> Event:
    start = _moment(fields.get("DTSTART") or fields.get("DUE"))
    end = _moment(fields.get("DTEND")) or _after(start, fields.get("DURATION"))
    attendees = tuple(_person(one) for one in fields.get("ATTENDEE", ())[:MAX_ATTENDEES])
    more = len(fields.get("ATTENDEE", ())) - MAX_ATTENDEES
    return Event(
        method=neutralise(method.lower())[:40],
        summary=_first(fields, "SUMMARY"),
        when=_when(start, end),
        zone=start.zone if start is not None else "",
        starts=_seconds(start),
        ends=_seconds(end),
        where=_first(fields, "LOCATION"),
        organizer=_person(fields["ORGANIZER"][0]) if "ORGANIZER" in fields else "",
        attendees=attendees + ((f"and {more} more",) if more > 0 else ()),
        repeats=_repeats(fields),
        status=_first(fields, "STATUS").lower(),
        uid=_first(fields, "UID"),
        note=_note(fields),
    )


def _first(fields: dict[str, list[Property]], name: str) -> str:
    return neutralise(_unescaped(fields[name][0][1][: 2 * MAX_VALUE]))[:MAX_VALUE] if name in fields else ""


def _note(fields: dict[str, list[Property]]) -> str:
    given = _unescaped(fields["DESCRIPTION"][0][1][: 2 * MAX_NOTE]) if "DESCRIPTION" in fields else ""
    return neutralise_body(given).strip()[:MAX_NOTE]


def _unescaped(value: str) -> str:
    """RFC 5545 s.3.3.11."""
    return _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], value)


def _person(given: Property) -> str:
    parameters, value = given
    address = neutralise(re.sub(r"(?i)^mailto:", "", value[: 2 * MAX_VALUE].strip()))[:MAX_VALUE]
    name = neutralise(parameters.get("CN", "")[: 2 * MAX_VALUE])[:MAX_VALUE]
    answer = _ANSWERS.get(parameters.get("PARTSTAT", "").upper(), "")
    shown = f"{name} <{address}>" if name and name != address else address
    return f"{shown} ({answer})" if answer else shown


def _moment(given: list[Property] | None) -> _Moment | None:
    """RFC 5545 s.3.3.4-5; an impossible date is none."""
    if not given:
        return None
    parameters, value = given[0]
    match = _DATE.match(value.strip())
    if match is None:
        return None
    year, month, day, hour, minute, second, zulu = match.groups()
    zone = "UTC" if zulu else neutralise(parameters.get("TZID", ""))[:100]
    try:
        clock = int(hour or 0), int(minute or 0), min(59, int(second or 0))
        at = datetime(int(year), int(month), int(day), *clock, tzinfo=_zone(zone))
    except ValueError:
        return None
    return _Moment(at, hour is None, "" if hour is None else zone)


def _zone(name: str) -> tzinfo | None:
    if name == "UTC":
        return UTC
    if not name:
        return None
    from zoneinfo import ZoneInfo  # few mails hold a calendar

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def _after(start: _Moment | None, given: list[Property] | None) -> _Moment | None:
    match = _DURATION.match(given[0][1].strip()) if start is not None and given else None
    if start is None or match is None or match[1] == "-":
        return None
    weeks, days, hours, minutes, seconds = (int(one or 0) for one in match.groups()[1:])
    try:
        length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        return _Moment(start.at + length, start.day, start.zone)
    except OverflowError:
        return None


def _seconds(moment: _Moment | None) -> int | None:
    if moment is None or moment.day or moment.at.tzinfo is None:
        return None
    try:
        return int(moment.at.timestamp())
    except (ValueError, OverflowError):
        return None


def _when(start: _Moment | None, end: _Moment | None) -> str:
    """``Tue 3 Feb 2026, 10:00 to 11:00 (Europe/Berlin)``; the end of whole days is the last of them."""
    if start is None:
        return ""
    if start.day:
        try:
            last = end.at - timedelta(days=1) if end is not None else start.at
        except OverflowError:
            last = start.at
        return _day(start.at) if last <= start.at else f"{_day(start.at)} to {_day(last)}"
    said = f"{_day(start.at)}, {start.at:%H:%M}"
    if end is not None and end.at.replace(tzinfo=None) != start.at.replace(tzinfo=None):
        same = end.at.date() == start.at.date()
        said += f" to {end.at:%H:%M}" if same else f" to {_day(end.at)}, {end.at:%H:%M}"
        if end.zone != start.zone:
            return f"{said} (from {start.zone or 'local time'} to {end.zone or 'local time'})"
    return f"{said} ({start.zone or 'local time'})"


def _day(at: datetime) -> str:
    return f"{_DAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]} {at.year}"


def _repeats(fields: dict[str, list[Property]]) -> str:
    """A rule in words, as far as it goes: ``every 2 weeks on Mon, Fri, 10 times``."""
    if "RRULE" not in fields:
        return "on other days, too" if "RDATE" in fields else ""
    rule = dict(piece.upper().partition("=")[::2] for piece in fields["RRULE"][0][1][:MAX_VALUE].split(";"))
    unit = _EVERY.get(rule.get("FREQ", ""))
    if unit is None:
        return "by a rule of its own"
    count = rule.get("INTERVAL", "1")
    words = f"every {count} {unit}s" if count.isdecimal() and int(count[:6]) > 1 else f"every {unit}"
    days = [_WEEKDAYS[one] for one in rule.get("BYDAY", "").split(",") if one in _WEEKDAYS]
    words += f" on {', '.join(days)}" if days else ""
    if rule.get("COUNT", "").isdecimal():
        return f"{words}, {rule['COUNT'][:6]} times"
    until = _moment([({}, rule["UNTIL"])]) if "UNTIL" in rule else None
    return f"{words} until {_day(until.at)}" if until is not None else words
