"""``queue``: what waits to be sent from this computer, and what an administrator does about it; and ``mailq``."""

import time
from collections.abc import Iterable

from mua import wire
from mua.cli.documents import Document, date_json, table
from mua.cli.sending import timeline
from mua.cli.session import Result, Session
from mua.errors import Kind, MailError, Retry, UsageError
from mua.masking import visible
from mua.model.domain import a_label
from mua.model.outgoing import OutgoingId, RecipientState, Tending
from mua.paths import Profile
from mua.plan import rates
from mua.store import outbox, queue, read
from mua.store.queue import Waiting

_DONE = {
    Tending.HOLD: "held",
    Tending.RELEASE: "released",
    Tending.RETRY: "to be tried again",
    Tending.REMOVE: "removed",
    Tending.FLUSH: "due now",
}
_VERB = _DONE | {Tending.RETRY: "tried again"}


def command(session: Session) -> Result:
    """``queue list|show|hold|release|retry|remove|flush``."""
    verb = session.arguments.verb
    check(session.profile)
    if verb == "list":
        found = queue.waiting(session.db, -1 if session.arguments.limit is None else session.arguments.limit)
        return Result([_document(one) for one in found], table(_lines(found)) or "The queue is empty.")
    if verb == "show":
        return _show(session)
    if verb == "limit":
        return _limit(session)
    do = Tending(verb)
    ids = () if do is Tending.FLUSH else _ids(session)
    count = session.engine.ask(wire.TendQueue(do, ids), wire.Tended).count
    what = f"{'recipient' if do is Tending.FLUSH else 'message'}{'s' * (count != 1)}"
    if ids and not count:
        failed = f"No message of that number can be {_VERB[do]}; mua queue list shows what waits."
        return Result({"count": 0}, "", failed=failed)
    return Result({"count": count}, f"{count} {what} {_DONE[do]}.")


def check(profile: Profile) -> None:
    """Raises MailError where there is no queue: a look must not make one, which would be root's."""
    if not profile.cache_db.exists():
        text = f"There is no mail queue in {profile.root} yet; mua engine --foreground --system makes it."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="no-queue")


def _limit(session: Session) -> Result:
    """Show the limits, or set one."""
    given = session.arguments
    if given.domain and given.number is None:
        raise UsageError("say how many messages a minute; 0 takes the limit away")
    if given.domain:
        try:
            domain = rates.ALL if given.domain == "all" else a_label(given.domain)
        except ValueError as error:
            raise UsageError(f"{given.domain!r} is not a domain") from error
        session.engine.ask(wire.LimitRate(domain, given.number), wire.Done)
    known = rates.limits(read.setting(session.db, "rates"))
    text = table((name or "all", f"{most} a minute") for name, most in sorted(known.items()))
    return Result({name or "all": most for name, most in known.items()}, text or "There is no limit.")


def _ids(session: Session) -> tuple[int, ...]:
    given, everything = session.arguments.ids, session.arguments.all
    if bool(given) is everything:
        raise UsageError("name messages, or say --all")
    wrong = [one for one in given if not one.isdecimal() or len(one) > 18]
    if wrong:
        raise UsageError(f"{wrong[0]!r} is not the number of a message")
    return tuple(map(int, given))


def _show(session: Session) -> Result:
    """Each step of one message, and its header."""
    steps = timeline(session)
    header = _header(session, OutgoingId(int(session.arguments.id)))
    return Result({**steps.document, "header": header}, f"{steps.text}\n\n{header.replace(chr(13), '')}")


def _header(session: Session, outgoing_id: OutgoingId) -> str:
    try:
        return outbox.returned(session.db, session.profile, outgoing_id)[0].decode("utf-8", "replace")
    except MailError:  # it is gone: everybody has the message
        return ""


def _document(one: Waiting) -> Document:
    recipients = [
        {
            "address": to.address,
            "state": to.state,
            "code": to.code,
            "text": to.text,
            "next_attempt": date_json(to.next_attempt),
        }
        for to in one.recipients
    ]
    facts = {"id": str(one.id), "size": one.size, "queued_at": date_json(one.queued_at), "sender": one.sender}
    return {**facts, "user": one.uid, "held": one.held, "recipients": recipients}


def _lines(found: Iterable[Waiting]) -> Iterable[tuple[object, ...]]:
    for one in found:
        for to in one.recipients:
            when = "held" if one.held else date_json(to.next_attempt) or ""
            yield one.id, one.size, one.sender or "<>", to.address, to.state, when, to.code or "", to.text[:60]


def mailq(found: list[Waiting]) -> str:
    """The queue as ``mailq`` has always printed it; ``*``: on its way now, ``!``: held."""
    if not found:
        return "Mail queue is empty\n"
    lines = ["-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"]
    for one in found:
        trying = any(to.state is RecipientState.TRYING for to in one.recipients)
        name = f"{one.id}{'*' if trying else '!' if one.held else ''}"
        at = time.strftime("%a %b %d %H:%M:%S", time.localtime(one.queued_at))
        lines.append(f"{name:<11}{one.size:>9} {at:<20}  {visible(one.sender) or 'MAILER-DAEMON'}")
        for to in one.recipients:
            if to.text:
                lines.append(f"  ({visible(' '.join(to.text.split()))[:300]})")
            lines.append(f"{'':<41}  {visible(to.address)}")
        lines.append("")
    octets = sum(one.size for one in found)
    many = "s" * (len(found) != 1)
    return "\n".join([*lines, f"-- {max(octets >> 10, 1)} Kbytes in {len(found)} Request{many}.", ""])


COMMANDS = {"queue": command}
