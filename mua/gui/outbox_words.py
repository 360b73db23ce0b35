"""Where a sent message is, in words: one line for the message, one for each recipient, one for each step.

Rules of the file: pure; the server's own words are quoted as they came (made harmless), never replaced by ours.
"""

import re
import time
from collections.abc import Iterable

from mua.gui import words
from mua.language import inside, tr
from mua.model.outgoing import FINAL, Outgoing, Phase, Recipient, RecipientState, SentCopy, Step
from mua.model.report import Action, Reported
from mua.plan import later

State = RecipientState
# state -> (icon, colour role, word)
LOOKS = {
    State.QUEUED: ("clock", "tertiary", tr("Waiting")),
    State.TRYING: ("send", "accent", tr("On its way")),
    State.ACCEPTED: ("circle-check", "good", tr("Accepted")),
    State.DEFERRED: ("clock", "on_warning", tr("Not yet")),
    State.REFUSED: ("circle-x", "on_danger", tr("Refused")),
    State.UNKNOWN: ("circle-help", "on_danger", tr("Not known")),
    State.CANCELLED: ("ban", "tertiary", tr("Taken back")),
}
BACK = ("circle-x", "on_danger", tr("Came back"))
# what a report says -> words for it
_REPORTED = {
    Action.FAILED: tr("It came back, undelivered"),
    Action.DELAYED: tr("A server on the way cannot deliver it yet, and goes on trying"),
    Action.DELIVERED: tr("It was delivered"),
    Action.RELAYED: tr("It went on to a server that sends no further news"),
    Action.EXPANDED: tr("It went on to the members of a list; there will be no further news"),
    Action.DISPLAYED: tr("It was opened"),
    Action.DELETED: tr("It was deleted without being opened"),
    Action.PROCESSED: tr("A program of the recipient took it"),
}
_PHASES = {
    Phase.CONNECT: "connecting",
    Phase.GREETING: tr("greeting the server"),
    Phase.TLS: tr("protecting the connection"),
    Phase.AUTH: tr("signing in"),
    Phase.MAIL: tr("announcing the sender"),
    Phase.RCPT: tr("announcing the recipient"),
    Phase.DATA: tr("handing over the text"),
    Phase.DOT: tr("waiting for the server's confirmation"),
}
_REFUSAL = re.compile(r"S: [45]\d\d")
_SPANS = 5_400  # seconds: what is nearer is told as a span
LOOPBACK = ("127.0.0.1", "::1", "localhost")
TWICE = tr("It may have arrived, and then it arrives twice.")


def less(domain: str) -> str:
    """What it means to send with less protection than before."""
    who = words.shown(domain, 100)
    return tr(
        "Mail to {who} was better protected before; what is sent now could be read, or be taken by somebody else.",
        who=who,
    )


def sentence(one: Recipient, now: float) -> str:
    """What is known about a recipient and what happens next."""
    if one.reported is not None:
        return reported(one.reported, now)
    said = quoted(one)
    if one.state is State.QUEUED:
        later = one.next_attempt is not None and one.next_attempt > now + 1
        return tr("Goes out {when}", when=moment(one.next_attempt, now)) if later else tr("Goes out now")
    if one.state is State.TRYING and one.gone and one.phase is not Phase.DOT:
        return tr("{size} of it have gone so far", size=words.size(one.gone))
    if one.state is State.TRYING:
        return _PHASES.get(one.phase, tr("being sent")).capitalize()
    if one.state is State.ACCEPTED:
        if not one.host:
            return tr("Accepted")
        if one.host in LOOPBACK:
            return tr("Accepted by a server on this computer")
        unsafe = "" if one.tls else tr(", over an unprotected connection")
        untold = tr("; it cannot be told by when to deliver (DELIVERBY)") if one.unmet else ""
        return tr("Accepted by {host}{unsafe}{untold}", host=words.shown(one.host, 80), unsafe=unsafe, untold=untold)
    if one.state is State.DEFERRED:
        when = tr(" Next try {when}.", when=moment(one.next_attempt, now)) if one.next_attempt is not None else ""
        said = said or tr("Could not be delivered yet")
        return f"{said}{'' if said[-1] in '.!?' else '.'}{when}"
    if one.state is State.UNKNOWN:
        return said or tr(
            "The connection broke while the server was confirming; nobody knows whether it took the message."
        )
    if one.state is State.REFUSED:
        return said or tr("Refused; it is not tried again by itself.")
    return tr("You took it back; it was not sent.")


def reported(one: Reported, now: float) -> str:
    """What came back, in words, and in those of the server that sent it."""
    until = (
        tr(" until {day}", day=moment(one.until, now)) if one.until is not None and one.action is Action.DELAYED else ""
    )
    quote = f": {words.shown(one.text or one.status, 500)}" if one.text or one.status[:1] in ("4", "5") else ""
    return f"{_REPORTED[one.action]}{until}{quote or '.'}"


def look(one: Recipient) -> tuple[str, str, str]:
    """(icon, colour role, word) for one recipient."""
    return BACK if came_back(one) else LOOKS[one.state]


def came_back(one: Recipient) -> bool:
    """A report says that it was not delivered after all."""
    return one.reported is not None and one.reported.action is Action.FAILED


def quoted(one: Recipient) -> str:
    """The server's own words, with its code."""
    text = words.shown(one.text, 500)
    if one.code is None or text.startswith(str(one.code)):
        return text
    return f"{one.code} {text}".strip()


def headline(message: Outgoing, now: float) -> tuple[str, str, str]:
    """(icon, colour role, words) for a message as a whole: trouble first."""
    if message.ahead(now):
        return "calendar", "accent", tr("Scheduled: {when}", when=moment(message.not_before, now))
    looks = [look(one) for one in message.recipients]
    states = (State.UNKNOWN, State.REFUSED, State.TRYING, State.DEFERRED, State.QUEUED, State.CANCELLED)
    for icon, role, word in (BACK, *(LOOKS[state] for state in states)):
        number = looks.count((icon, role, word))
        if number:
            return (
                icon,
                role,
                word
                if number == len(looks)
                else tr("{word}: {number} of {total}", word=word, number=number, total=len(looks)),
            )
    filed = tr(" · copy kept in Sent") if message.sent_copy in (SentCopy.FILED, SentCopy.SERVER) else ""
    return "circle-check", "good", tr("Accepted{filed}", filed=filed)


def journey(message: Outgoing, now: float) -> str:
    """One line over a message that was sent: what is known of its only recipient, or of all of them."""
    if len(message.recipients) == 1:
        return sentence(message.recipients[0], now)
    _, _, line = headline(message, now)
    return (
        line
        if " of " in line
        else tr(
            "{partition}, all {number} recipients", partition=line.partition(" · ")[0], number=len(message.recipients)
        )
    )


def step(taken: Step, now: float) -> str:
    """One line of a timeline."""
    at, one = taken.at, taken.was
    where = tr(" at {host}", host=words.shown(one.host, 80)) if one.host else ""
    safe = f", {words.shown(one.tls, 60)}" if one.tls else ""
    said = quoted(one)
    return f"{moment(at, now)} · {LOOKS[one.state][2]}{where}{safe}" + (f" · {said}" if said else "")


def dialogue(text: str) -> list[str]:
    """The lines of a dialogue, made harmless; an arrow stands before each refusal."""
    return [("→ " if _REFUSAL.match(line) else "   ") + words.shown(line, 500) for line in text.split("\n")]


def moment(at: int | None, now: float) -> str:
    """A time, near ones as a span: "in 3 min", "in 20 s", "today, 09:42"."""
    if at is None:
        return tr("soon")
    ahead = round(at - now)
    if 0 < ahead < 90:
        return tr("in {ahead} s", ahead=ahead)
    if 0 < ahead < _SPANS:
        return tr("in {number} min", number=round(ahead / 60))
    if -60 < ahead <= 0:
        return tr("now") if ahead > -5 else time.strftime("%H:%M:%S", time.localtime(at))
    return day(at, now)


def day(at: int, now: float) -> str:
    """A time within a sentence: "tomorrow, 09:00", "Wed 12 Nov 2025, 16:04"."""
    whole = words.full_time(at, now)
    return inside(whole) if words.near(at, now) else whole


def lateness(message: Outgoing, first_try: int | None, now: float) -> str:
    """That a scheduled message went much later than it was to go; else nothing."""
    if not message.scheduled or first_try is None or not later.went_late(message.not_before, first_try):
        return ""
    meant, went = moment(message.not_before, now), moment(first_try, now)
    why = tr("this computer was off, asleep or offline until then, or the account waited")
    return tr("It was to go {meant}, and went {went}: {why}.", meant=meant, went=went, why=why)


def counts_down(message: Outgoing, now: float) -> bool:
    """What is said about it changes from second to second."""
    soon = now + _SPANS
    return any(one.state not in FINAL and (one.next_attempt or 0) < soon for one in message.recipients)


def failed_addresses(message: Outgoing) -> list[str]:
    """Whom it did not reach, or perhaps did not."""
    return [one.address for one in message.recipients if failed(one)]


def failed(one: Recipient) -> bool:
    """It did not reach this recipient, or perhaps did not."""
    return one.state in (State.REFUSED, State.UNKNOWN) or came_back(one)


def needs_attention(messages: Iterable[Outgoing], seen_at: int, now: float) -> int:
    """How many messages wait (not those that are scheduled), or failed or came back since the outbox was looked at."""
    return sum(
        not one.finished or (_last_news(one) > seen_at and bool(failed_addresses(one)))
        for one in messages
        if not one.ahead(now)
    )


def _last_news(message: Outgoing) -> int:
    return max(
        [
            message.queued_at,
            message.not_before,
            *(one.reported.at for one in message.recipients if one.reported is not None),
        ]
    )
