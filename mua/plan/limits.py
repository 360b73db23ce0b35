"""When a server says that too much was sent, and for how long nothing more is sent through it then.  Pure.

The reply belongs to one message and means all of them: asking on behalf of the next one would only burn its attempts,
and many servers count refused tries against the sender.  So the lane pauses (``engine/lane``).

Rules of the file: codes alone say too little, since 4.7.1 is greylisting and 4.5.3 one message with too many
recipients, so the words decide with them; a limit of the recipient's mailbox (x.2.x) is not ours; a server's own "in 5
minutes" goes before our schedule.  Whether a reply may be about the lane at all is for the lane to know: only a
submission server's 5 is.
"""

import re
from enum import StrEnum

from mua.plan.retry import HOUR, MINUTE, hint

PAUSES = (10 * MINUTE, 30 * MINUTE, 1 * HOUR, 2 * HOUR)  # one after the other, until something is accepted again
A_DAY = 4 * HOUR  # between two looks whether a limit for the day has passed: most count the last 24 hours

_ENHANCED = re.compile(r"(?<![\d.])[45]\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_DAILY = re.compile(
    r"\b(daily|per day|a day|for today|24[ -]?h(ours?)?)\b.{0,80}\b(limit|quota|exceed|maximum|allowed)"
    r"|\b(limit|quota|exceed\w*|maximum)\b.{0,80}\b(daily|per day|a day|for today|24[ -]?h(ours?)?)\b",
    re.IGNORECASE | re.DOTALL,
)
_RATE = re.compile(
    r"\brate\b.{0,40}(limit|exceed|control|too)|\blimit\w*.{0,40}\brate\b|\bunusual(ly)? (high )?rate\b"
    r"|\bthrottl|\btoo (fast|quickly)\b|\bslow down\b"
    r"|\btoo (much|many) (e-?mails?|mails?|messages|connections?|sessions|recipients from|requests)\b"
    r"|\b(sending|message|submission|recipients?|outbound|hourly|smtp) (limit|quota)\b.{0,40}(exceed|reach)"
    r"|\bexceed\w*.{0,60}\b(sending|message|submission|outbound|hourly|per hour|per minute)\b"
    r"|\b(connections?|messages) limit exceeded\b",
    re.IGNORECASE | re.DOTALL,
)
_ADDRESS = re.compile(r'"[^"]*"@\S*|(?<!\S)\S*@\S*')  # replies quote addresses, and their words are a stranger's
_GREY = re.compile(r"gr[ea]y", re.IGNORECASE)
_SUBJECTS = frozenset({"", "3", "4", "5", "7"})  # of RFC 3463: system, network, protocol, policy; or not said
_FLOOD = "7.28"  # RFC 7372's registry: mail flood detected
_CLOSED = "7.0"  # with 421, how the largest provider says it, without a word about rates


class Limit(StrEnum):
    """What the server limits."""

    RATE = "rate"
    DAY = "day"


def limit(code: int | None, text: str) -> Limit | None:
    """Whether a reply to one message means that nothing more should be sent through this server now."""
    text = _ADDRESS.sub("", text)
    if code is None or code < 400 or _GREY.search(text):
        return None
    status = _ENHANCED.search(text)
    subject, whole = (status[1], f"{status[1]}.{status[2]}") if status else ("", "")
    if subject not in _SUBJECTS and whole != "1.90":  # 5.1.90: a large provider's limit of recipients a day
        return None
    if _DAILY.search(text):
        return Limit.DAY
    if code >= 500:
        return Limit.DAY if whole == "4.5" and _RATE.search(text) else None
    if whole == _FLOOD or (code == 421 and whole == _CLOSED) or _RATE.search(text):
        return Limit.RATE
    return None


def pause(found: Limit, text: str, before: int) -> int:
    """Seconds for which nothing is sent, after ``before`` such pauses in a row."""
    if found is Limit.DAY:
        return A_DAY
    return hint(text) or PAUSES[min(before, len(PAUSES) - 1)]
