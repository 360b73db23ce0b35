"""Commands that send: send, compose, and the outbox."""

import os
import shutil
import sys
import tempfile
import zoneinfo
from dataclasses import replace
from pathlib import Path

from mua import wire
from mua.cli.documents import date_json, outgoing_document, table, timeline_document
from mua.cli.session import Result, Session, files_at_the_edge
from mua.errors import Kind, MailError, Retry, UsageError
from mua.mime.headers import addresses
from mua.mime.view import view
from mua.model.account import Account
from mua.model.address import Address
from mua.model.outgoing import Draft, DraftAttachment, Outgoing, OutgoingId, Recipient, RecipientState, Terms
from mua.plan import later
from mua.store import outbox, read

_HEAD = 1 << 20  # octets of a message in which its sender is looked for


def send(session: Session) -> Result:
    """``send FILE|-``."""
    given, direct = session.arguments.file, session.arguments.direct
    if given != "-":
        with files_at_the_edge(), Path(given).open("rb") as file:
            raw = file.read(_HEAD)
        path, terms = str(Path(given).absolute()), _terms(session)
        command = wire.Send(_sending_account(session, raw).id, file=path, at=_time(session), terms=terms, direct=direct)
        return _queued(session, command)
    at, terms = _time(session), _terms(session)
    raw = sys.stdin.buffer.read(_HEAD)
    chosen = _sending_account(session, raw)
    with files_at_the_edge():
        handle, path = tempfile.mkstemp(dir=session.profile.create().drafts, suffix=".eml")
        try:
            with os.fdopen(handle, "wb") as spool:
                spool.write(raw)
                shutil.copyfileobj(sys.stdin.buffer, spool)
        except BaseException:
            Path(path).unlink()
            raise
    return _queued(session, wire.Send(chosen.id, file=path, take_file=True, at=at, terms=terms, direct=direct))


def _time(session: Session) -> int | None:
    """When ``--at`` says; UTC seconds."""
    return _instant(session.arguments.at)


def _terms(session: Session) -> Terms:
    return Terms(session.arguments.require_tls, _instant(session.arguments.deliver_by))


def _instant(given: str) -> int | None:
    if not given:
        return None
    clock, _, place = given.rpartition(" ")
    try:
        if "/" in place:  # by the clocks of Asia/Tokyo
            return later.parse(clock, zoneinfo.ZoneInfo(place)).at
        return later.parse(given).at
    except zoneinfo.ZoneInfoNotFoundError as error:
        raise UsageError(f"{place!r} is no time zone, such as Asia/Tokyo") from error
    except ValueError as error:
        raise UsageError(str(error)) from error


def _sending_account(session: Session, raw: bytes) -> Account:
    if session.arguments.account:
        return session.account()
    sender = {one.address.lower() for one in view(raw).sender}
    mine = [one for one in read.accounts(session.db) if one.email.lower() in sender]
    return mine[0] if mine else session.account()


def compose(session: Session) -> Result:
    """``compose --to A --subject S --body T``."""
    given, at, terms = session.arguments, _time(session), _terms(session)
    chosen = session.account()
    body = sys.stdin.read() if given.body == "-" else given.body
    draft = Draft(
        Address(chosen.full_name, chosen.email),
        to=_addresses(given.to),
        cc=_addresses(given.cc),
        bcc=_addresses(given.bcc),
        subject=given.subject,
        text=body,
        attachments=tuple(DraftAttachment(str(Path(one).resolve()), Path(one).name) for one in given.attach),
    )
    return _queued(session, wire.Send(chosen.id, draft=draft, at=at, terms=terms, direct=given.direct))


def _addresses(given: list[str]) -> tuple[Address, ...]:
    found = tuple(one for text in given for one in addresses(text.encode()))
    wrong = [one for one in given if not addresses(one.encode())] + [
        one.address for one in found if "@" not in one.address
    ]
    if wrong:
        raise UsageError(f"{wrong[0]!r} is not a mail address")
    return found


def _queued(session: Session, command: wire.Send) -> Result:
    queued = session.engine.ask(command, wire.Queued)
    if session.arguments.wait:
        session.engine.ask(wire.AwaitVerdicts(queued.outgoing_id), wire.Done)
    found = outbox.outgoing(session.db, OutgoingId(queued.outgoing_id))
    if found is None:
        raise MailError(Kind.BUG, Retry.NEVER, "The message is not in the outbox.", code="bug")
    if session.arguments.wait:
        found = replace(found, recipients=tuple(map(_had_verdict, found.recipients)))
    refused = [one for one in found.recipients if one.state is not RecipientState.ACCEPTED]
    failed = (
        f"{refused[0].address}: {refused[0].text or refused[0].state}" if refused and session.arguments.wait else ""
    )
    return Result(outgoing_document(found), _outgoing_text([found]), failed=failed)


def _had_verdict(one: Recipient) -> Recipient:
    """Who was deferred stays so while the next attempt runs."""
    again = one.state is RecipientState.TRYING and one.attempts > 0
    return replace(one, state=RecipientState.DEFERRED) if again else one


def list_outbox(session: Session) -> Result:
    """``outbox [--all]``."""
    found = outbox.listed(session.db, finished=session.arguments.all)
    if session.arguments.account:
        found = [one for one in found if one.account_id == session.account().id]
    return Result([outgoing_document(one) for one in found], _outgoing_text(found) or "The outbox is empty.")


def cancel(session: Session) -> Result:
    """``cancel ID [ADDRESS...]``."""
    found, addresses = _chosen(session, {RecipientState.QUEUED, RecipientState.TRYING, RecipientState.DEFERRED})
    session.engine.ask(wire.CancelOutgoing(found.id, addresses), wire.Done)
    now = _outgoing(session, str(found.id))
    return Result(outgoing_document(now), _outgoing_text([now]))


def retry(session: Session) -> Result:
    """``retry ID [ADDRESS...] [--through ACCOUNT] [--less-protection]``."""
    final = {RecipientState.TRYING, RecipientState.ACCEPTED, RecipientState.CANCELLED}
    found, addresses = _chosen(session, set(RecipientState) - final)
    through = session.arguments.through
    via = session.account(through).id if through else None
    session.engine.ask(wire.RetryOutgoing(found.id, addresses, via, session.arguments.less_protection), wire.Done)
    now = _outgoing(session, str(found.id))
    return Result(outgoing_document(now), _outgoing_text([now]))


def reschedule(session: Session) -> Result:
    """``reschedule ID --at TIME|--now``."""
    at, found = _time(session), _outgoing(session, session.arguments.id)
    session.engine.ask(wire.RescheduleOutgoing(found.id, at), wire.Done)
    now = _outgoing(session, str(found.id))
    return Result(outgoing_document(now), _outgoing_text([now]))


def _chosen(session: Session, states: set[RecipientState]) -> tuple[Outgoing, tuple[str, ...]]:
    """The message and the recipients that the arguments name, each of which has to be in one of the states."""
    found = _outgoing(session, session.arguments.id)
    known = {one.address.lower(): one for one in found.recipients}
    chosen = []
    for given in session.arguments.addresses:
        one = known.get(given.lower())
        if one is None or one.state not in states:
            why = "not one of its recipients" if one is None else f"{one.state}, and that stays so"
            text = f"Message {found.id}: {given} is {why}."
            raise MailError(Kind.MESSAGE, Retry.ASK, text, code="no-such-recipient")
        chosen.append(one.address)
    return found, tuple(chosen)


def _outgoing(session: Session, given: str) -> Outgoing:
    found = outbox.outgoing(session.db, OutgoingId(int(given))) if given.isdecimal() and len(given) < 19 else None
    if found is None:
        raise MailError(Kind.MESSAGE, Retry.ASK, f"There is no sent message {given}.", code="no-such-message")
    return found


def timeline(session: Session) -> Result:
    """``timeline ID``: every step of one message, for each recipient."""
    found = _outgoing(session, session.arguments.id)
    steps = {one.address: outbox.attempts(session.db, found.id, one.address) for one in found.recipients}
    news = {one.address: outbox.came_back(session.db, found.id, one.address) for one in found.recipients}
    said = {one.dialogue: outbox.dialogue(session.db, one.dialogue) for some in steps.values() for one in some}
    document = timeline_document(found, steps, news, said)
    lines: list[tuple[object, ...]] = [(date_json(found.queued_at), "", "queued", "", "", "", "")]
    for to, some in steps.items():
        for one in some:
            was = one.was
            lines.append((date_json(one.at), to, was.state, was.host, was.tls, was.code or "", was.text))
        lines.extend((date_json(one.at), to, one.action, one.remote, "", one.status, one.text) for one in news[to])
    return Result(document, table(lines))


def _outgoing_text(found: list[Outgoing]) -> str:
    lines = [
        (
            one.id,
            one.subject[:40],
            to.address,
            to.state,
            to.code or "",
            _told(one, to),
            date_json(to.next_attempt) or "",
        )
        for one in found
        for to in one.recipients
    ]
    return table(lines)


def _told(one: Outgoing, to: Recipient) -> str:
    """What the server said, or how much of a large message it has."""
    if to.unmet:
        return f"without {to.unmet}, which the server does not offer"
    return f"{100 * to.gone // max(one.size, 1)} % has gone" if to.gone else to.text[:60]


COMMANDS = {
    "send": send,
    "compose": compose,
    "outbox": list_outbox,
    "cancel": cancel,
    "retry": retry,
    "reschedule": reschedule,
    "timeline": timeline,
}
