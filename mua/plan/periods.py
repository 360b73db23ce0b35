"""Days and spans of days in plain language: "last week", "3 days ago", "june", "11 june 2024", "2024-06".

The same in German, whatever the window speaks: "letzte woche", "vor 3 tagen", "11. juni 2024".

A period is (first day, day after its last).  A word without a year means the latest such time that has begun: in March,
"june" is last year's.
"""

import re
from datetime import date, timedelta

Period = tuple[date, date]
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = timedelta(days=1)
_UNITS = {"d": "day", "w": "week", "m": "month", "y": "year"}
_AGO = re.compile(r"(\d{1,4}|an?|one|two|three|four|five|six) ?(d|day|w|week|m|month|y|year)s?( ago)?")
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_RELATIVE = re.compile(r"(last|previous|this|current) (week|month|year)")
_DATES = (
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})(?:[-/.](?P<d>\d{1,2}))?"),
    re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})"),
    re.compile(r"(?P<y>\d{4})"),
)
_NAMED = (
    re.compile(r"(?:(?P<d>\d{1,2})(?:st|nd|rd|th)?\.? )?(?P<m>[a-z]{3,9})\.?(?:,? (?P<y>\d{4}))?"),
    re.compile(r"(?P<m>[a-z]{3,9})\.? (?P<d>\d{1,2})(?:st|nd|rd|th)?(?:,? (?P<y>\d{4}))?"),
)

_GERMAN = dict(
    pair.split("=")
    for pair in (
        "heute=today gestern=yesterday morgen=tomorrow januar=january februar=february märz=march maerz=march mai=may"
        " juni=june juli=july oktober=october okt=oct dezember=december dez=dec montag=monday dienstag=tuesday"
        " mittwoch=wednesday donnerstag=thursday freitag=friday samstag=saturday sonnabend=saturday sonntag=sunday"
        " tag=day tage=day tagen=day woche=week wochen=week monat=month monate=month monaten=month monats=month"
        " jahr=year jahre=year jahren=year jahres=year letzte=last letzten=last letzter=last letztes=last vorige=last"
        " voriger=last vorigen=last voriges=last diese=this dieser=this diesen=this dieses=this"
        " ein=one eine=one einem=one einen=one einer=one zwei=two drei=three vier=four fünf=five sechs=six"
    ).split()
)
_VOR = re.compile(r"vor (\S+ \S+)")


def period(words: str, today: date) -> Period | None:
    """The days that ``words`` name as they are said on ``today``; None when they name none."""
    text = _english(" ".join(re.split(r"[\s_]+", words.strip().casefold())))
    try:
        return _near(text, today) or _span(text, today) or _written(text, today)
    except (ValueError, OverflowError):  # the 31st of February; the year 0
        return None


def _english(text: str) -> str:
    """German words of time as the English ones; what is none stays as it is."""
    if text == "vorgestern":
        return "2 days ago"
    text = re.sub(r"[^\W\d_]+", lambda word: _GERMAN.get(word[0], word[0]), text)
    found = _VOR.fullmatch(text)
    return f"{found[1]} ago" if found else text


def _near(text: str, today: date) -> Period | None:
    if text in ("today", "yesterday", "tomorrow"):
        day = today + {"today": 0, "yesterday": -1, "tomorrow": 1}[text] * _DAY
        return day, day + _DAY
    name = text.removeprefix("last ")
    found = [number for number, day in enumerate(WEEKDAYS) if name in (day, day[:3])]
    if not found:
        return None
    back = (today.weekday() - found[0]) % 7
    day = today - timedelta(days=back or (7 if name != text else 0))
    return day, day + _DAY


def _span(text: str, today: date) -> Period | None:
    text = text.replace("-", " ")
    if found := _RELATIVE.fullmatch(text):
        start = _start(today, found[2])
        now = found[1] in ("this", "current")
        return (start, _back(start, found[2], -1)) if now else (_back(start, found[2], 1), start)
    found = _AGO.fullmatch(text)
    if found is None:
        return None
    number = int(found[1]) if found[1].isdigit() else _NUMBERS[found[1]]
    unit = _UNITS[found[2][0]]
    if found[3] is None:
        return _back(today, unit, number), today + _DAY
    if unit == "day":
        day = _back(today, unit, number)
        return day, day + _DAY
    start = _back(_start(today, unit), unit, number)
    return start, _back(start, unit, -1)


def _start(day: date, unit: str) -> date:
    """The first day of the week, month or year that ``day`` is in."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day.replace(month=1, day=1)


def _back(day: date, unit: str, number: int) -> date:
    """So many days, weeks, months or years before ``day``; the last of a month where that is shorter."""
    if unit in ("day", "week"):
        return day - timedelta(days=number * (7 if unit == "week" else 1))
    months = day.year * 12 + day.month - 1 - number * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    first, following = _month(year, month + 1)
    return date(year, month + 1, min(day.day, (following - first).days))


def _month(year: int, month: int) -> Period:
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def _written(text: str, today: date) -> Period | None:
    for form in _DATES:
        if found := form.fullmatch(text):
            parts = found.groupdict()
            year, month, day = (int(parts[key]) if parts.get(key) else 0 for key in "ymd")
            return _period(year, month, day)
    for form in _NAMED:
        found = form.fullmatch(text)
        month = next((at for at, name in enumerate(MONTHS, 1) if found and found["m"] in (name, name[:3])), 0)
        if found and month:
            day, year = int(found["d"] or 0), int(found["y"] or today.year)
            this = _period(year, month, day)
            return this if found["y"] or this[0] <= today else _period(year - 1, month, day)
    return None


def _period(year: int, month: int, day: int) -> Period:
    if day:
        return date(year, month, day), date(year, month, day) + _DAY
    return _month(year, month) if month else (date(year, 1, 1), date(year + 1, 1, 1))
