"""Text as it is shown: dates, sizes, counts, and strings from mail made harmless.

Rules of the file: pure functions, no widget; local time enters only through the ``now`` and ``time.localtime`` of the
caller's zone.  Text from a mail passes ``shown`` before it reaches any label, row or tooltip.
"""

import re
import time
from collections.abc import Iterable
from functools import lru_cache
from html import escape

from mua import language
from mua.language import sense, strftime, tr
from mua.model import naming
from mua.model.address import Address

_HIDDEN_RANGES = (
    (0x00, 0x1F),  # C0
    (0x7F, 0x9F),  # DEL, C1
    (0xAD, 0xAD),  # soft hyphen
    (0x34F, 0x34F),  # combining grapheme joiner
    (0x61C, 0x61C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180E, 0x180E),  # Mongolian vowel separator
    (0x200B, 0x200B),  # zero width space; 200C and 200D stay: Persian, Indic words and emoji need them
    (0x200E, 0x200F),  # direction marks
    (0x2028, 0x202E),  # separators, embeddings, overrides
    (0x2060, 0x206F),  # word joiner, isolates
    (0x3164, 0x3164),  # Hangul filler
    (0xFEFF, 0xFEFF),  # byte order mark
    (0xFFA0, 0xFFA0),  # halfwidth Hangul filler
    (0xFFF0, 0xFFFB),  # specials
    (0xE0000, 0xE007F),  # tags
)
_HIDDEN = {code: " " for first, last in _HIDDEN_RANGES for code in range(first, last + 1)}
_SPACES = re.compile(r"\s+")
_DAY = 86_400


def shown(text: str, limit: int = 1_000) -> str:
    """``text`` on one line, without control, bidi and invisible characters, at most ``limit`` characters."""
    return _SPACES.sub(" ", text[: limit * 2].translate(_HIDDEN)).strip()[:limit]


def tip(text: str) -> str:
    """``text`` as a tooltip, letter for letter: Qt takes for markup whatever looks like it, and loads its pictures."""
    return f"<span>{escape(text)}</span>".replace("\n", "<br>") if "<" in text or "&" in text else text


def person(addresses: Iterable[Address]) -> str:
    """Who a message is from, shortly: the name where it is honest, else the real address; several are counted."""
    everybody = list(addresses)
    several = sum(bool(one.address) for one in everybody)
    named = naming.people(everybody)
    return shown(tr("{number} senders: {names}", number=several, names=named) if several > 1 else named, 200)


def author(addresses: Iterable[Address], mine: frozenset[str]) -> str:
    """The same in a conversation: "me" where the only author is one of ``mine`` (lower case)."""
    everybody = list(addresses)
    if len(everybody) == 1 and everybody[0].address.lower() in mine:
        return tr("me")
    return people(everybody) if len(everybody) == 1 else person(everybody)


def people(addresses: Iterable[Address], mine: frozenset[str] = frozenset(), limit: int = 4) -> str:
    """Several addresses as a short list; addresses in ``mine`` (lower case) are "me"."""
    names = [sense("recipient", "me") if a.address.lower() in mine else shown(naming.person(a), 80) for a in addresses]
    if len(names) > limit:
        return tr("{names} and {number} more", names=", ".join(names[: limit - 1]), number=len(names) - limit + 1)
    return ", ".join(names)


def writers(senders: Iterable[Iterable[Address]], mine: frozenset[str] = frozenset()) -> str:
    """Who wrote in a conversation, oldest first: one by the whole name, several by their first names and "me".

    Of more than three the first and the last two are named.
    """
    last: dict[str, str] = {}
    for one in senders:
        several = list(one) or [Address("", "")]
        key = several[0].address.lower()
        whole = tr("me") if key in mine else person(several) or tr("Unknown sender")
        last[key if len(several) == 1 else whole] = whole
    names = list(last.values())
    if len(names) > 1:
        names = [name if "@" in name or ":" in name else name.split(",")[0].split(" ")[0] for name in names]
    return ", ".join(names) if len(names) < 4 else f"{names[0]} … {names[-2]}, {names[-1]}"


def initials(name: str, address: str = "") -> str:
    """One or two letters for an avatar."""
    whole = re.sub(r" \+\d+$", "", shown(name, 200)) or address  # "Amara +1" is Amara and one more
    words = [word for word in re.split(r"[\s._\-+@]+", whole) if word and word[0].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 and name else "")).upper()


def size(octets: int) -> str:
    """12 B, 412 KB, 1.9 MB (units of 1,000, like file managers)."""
    if octets < 1_000:
        return f"{octets} B"
    amount = float(octets)
    for unit in ("KB", "MB", "GB"):
        amount /= 1_000
        if amount < 999.5:
            return f"{amount:.1f} {unit}" if amount < 9.95 and unit != "KB" else f"{amount:.0f} {unit}"
    return f"{amount / 1_000:.1f} TB"


def count(number: int, singular: str, plural: str = "") -> str:
    """1 message, 1,204 messages; in the person's language, whose catalogue has both words after ``{number:,}``."""
    return language.plural(number, f"{{number:,}} {singular}", f"{{number:,}} {plural or singular + 's'}")


def midnight(now: float, days_ago: int = 0) -> int:
    """UTC seconds of the local midnight that began today, or ``days_ago`` days before (summer time respected)."""
    local = time.localtime(now)
    return _midnight(local.tm_year, local.tm_mon, local.tm_mday - days_ago, time.tzname)


@lru_cache(maxsize=64)
def _midnight(year: int, month: int, day: int, _zone: tuple[str, str]) -> int:
    return int(time.mktime((year, month, day, 0, 0, 0, 0, 0, -1)))


def list_time(date: int, now: float) -> str:
    """How a row tells its time: 09:42 for the last two days, Wed this week, 12 Nov, 12/11/2024."""
    if date >= midnight(now, 1) and date < now + _DAY:
        return time.strftime("%H:%M", time.localtime(date))
    if midnight(now, 6) <= date < now:
        return strftime("%a", time.localtime(date))
    moment = time.localtime(date)
    if moment.tm_year == time.localtime(now).tm_year:
        return strftime(tr("{day} %b", day=str(moment.tm_mday)), moment)
    return strftime(tr("%d/%m/%Y"), moment)


def own_time(date: int, now: float) -> str:
    """The same where no heading above says which day it was: a clock means today."""
    if midnight(now, 6) <= date < midnight(now):
        return strftime("%a", time.localtime(date))
    return list_time(date, now)


def full_time(date: int | None, now: float) -> str:
    """How the reader tells it: Today, 09:42 · Tomorrow, 09:00 · Yesterday, 18:20 · Wed 12 Nov 2025, 16:04."""
    if date is None:
        return tr("No date")
    moment = time.localtime(date)
    clock = time.strftime("%H:%M", moment)
    if midnight(now) <= date < midnight(now, -1):
        return tr("Today, {clock}", clock=clock)
    if midnight(now, -1) <= date < midnight(now, -2):
        return tr("Tomorrow, {clock}", clock=clock)
    if midnight(now, 1) <= date < midnight(now):
        return tr("Yesterday, {clock}", clock=clock)
    return strftime(tr("%a {day} %b %Y, %H:%M", day=str(moment.tm_mday)), moment)


def near(date: int, now: float) -> bool:
    """Does ``full_time`` name the day by a word: today, tomorrow, yesterday?"""
    return midnight(now, 1) <= date < midnight(now, -2)


def whole_time(date: int) -> str:
    """A time without what is known of today: Tuesday 1 December 2026 at 09:00."""
    moment = time.localtime(date)
    return strftime(tr("%A {day} %B %Y at %H:%M", day=str(moment.tm_mday)), moment)


def ago(at: float, now: float) -> str:
    """How long ago: just now, 2 min ago, 3 h ago, yesterday at 18:20, on Wed 12 Nov 2025 at 16:04."""
    minutes = int(now - at) // 60
    if minutes < 1:
        return tr("just now")
    if minutes < 60:
        return tr("{minutes} min ago", minutes=minutes)
    if minutes < 12 * 60:
        return tr("{hours} h ago", hours=minutes // 60)
    moment = time.localtime(at)
    clock = time.strftime("%H:%M", moment)
    if midnight(now) <= at:
        return tr("today at {clock}", clock=clock)
    if midnight(now, 1) <= at:
        return tr("yesterday at {clock}", clock=clock)
    return strftime(tr("on %a {day} %b %Y at %H:%M", day=str(moment.tm_mday)), moment)


def checked(at: float, now: float) -> str:
    """When an account was last checked."""
    return tr("Checked {when}", when=ago(at, now)) if at else tr("Not checked yet")


def periods(oldest: int, now: float) -> list[tuple[int, str]]:
    """(first second, heading) of each period that a list is grouped by, newest first, down to ``oldest``."""
    local = time.localtime(now)
    found = [(midnight(now, -1), tr("Later")), (midnight(now), tr("Today")), (midnight(now, 1), tr("Yesterday"))]
    monday = midnight(now, local.tm_wday)
    if monday < found[-1][0]:
        found.append((monday, tr("This week")))
    found.append((midnight(now, local.tm_wday + 7), tr("Last week")))
    year, month = local.tm_year, local.tm_mon
    while found[-1][0] > oldest and year >= 1970:
        start = int(time.mktime((year, month, 1, 0, 0, 0, 0, 0, -1)))
        if start < found[-1][0]:
            name = strftime("%B" if year == local.tm_year else "%B %Y", time.localtime(start + _DAY))
            found.append((start, name))
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return found
