"""What a person wrote becomes a message: queued for the sender, or put into Drafts.

Apart from ``commands.py``, because an engine that only retrieves mail does not load what builds it.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import accounts, direct, dkim, drafts, files
from mua.engine.reading import content_of, draft_pieces
from mua.errors import Kind, MailError, Retry
from mua.mime import build
from mua.mime.encode import wire_address
from mua.mime.freeze import freeze, redated
from mua.mime.pieces import Pieces, whole_or_divided
from mua.model.message import REQUIRE_TLS, MessageId
from mua.model.outgoing import NO_TERMS, OutgoingId, Terms
from mua.plan import later
from mua.store import dispatch, outbox
from mua.store.dkim import keys

if TYPE_CHECKING:
    from mua.engine.main import Engine
    from mua.model.outgoing import Draft

_REQUIRES_TLS = re.compile(rb"(?im)^%s[ \t]*:" % REQUIRE_TLS[0].encode())


def send(engine: Engine, command: wire.Send) -> wire.Queued:
    """Freeze the message and queue it durably; the sender does the rest."""
    account = accounts.find_sending(engine, command.account_id, direct=command.direct)
    now = engine.context.now()
    _check_time(command.at, now, command.terms)
    envelope: tuple[str, tuple[str, ...]] | None = None
    if command.redirects is not None and command.draft is not None:
        given, envelope = _redirected(engine, command.draft, command.redirects)
    elif command.draft is not None:
        given = draft_pieces(engine.context, command.draft, command.forwards, command.forwarded_parts)
    else:
        given = _file_pieces(Path(command.file))
    message_id = build.new_message_id(account.email, os.urandom(16))
    frozen = freeze(
        given, now=now, message_id_if_missing=message_id, sender_if_missing=account.email,
        seven_bit=envelope is None and bool(keys(engine.store.reader())),  # of whichever domain the author is
        envelope=envelope,
    )  # fmt: skip
    if not (frozen.recipients or frozen.problems):
        raise MailError(Kind.MESSAGE, Retry.ASK, "The message has no recipient; add one first.", code="no-recipient")
    if frozen.problems:
        code = "unsendable" if frozen.recipients else "no-recipient"
        raise MailError(Kind.MESSAGE, Retry.ASK, frozen.problems[0], "; ".join(frozen.problems), code)
    author = envelope[0] if envelope else dkim.author(frozen.head)
    direct.check_author(account, author, frozen.recipients, direct=command.direct)
    terms = command.terms
    if _REQUIRES_TLS.search(frozen.full_head):  # a draft that was taken out as a file
        terms = replace(terms, require_tls=True)
    not_before = now + command.delay if command.at is None else command.at
    if command.at is not None:
        head, full_head = _redated(frozen.head, command.at), _redated(frozen.full_head, command.at)
        frozen = replace(frozen, head=head, full_head=full_head)
    with _full_disk_said():
        outgoing_id = dispatch.queue(
            engine.store, account, frozen, now=now, not_before=not_before, scheduled=command.at is not None,
            terms=terms, direct=command.direct, answers=command.answers, forwards=command.forwards,
            sign=partial(dkim.signing, engine), also=partial(drafts.drop, command=command, now=now),
        )  # fmt: skip
    if command.take_file and command.file:
        Path(command.file).unlink(missing_ok=True)
    if command.replaces_draft is not None or command.draft_key:
        engine.settle_local(account.id)
        engine.poke(account.id)
    engine.sender.poke()
    return wire.Queued(outgoing_id, frozen.message_id)


def _redirected(engine: Engine, draft: Draft, message_id: int) -> tuple[Pieces, tuple[str, tuple[str, ...]]]:
    """A message as it is, behind the fields that say who passed it on; and the envelope, which is theirs."""
    raw = engine.bodies.get(MessageId(message_id))
    if raw is None:
        text = "The message is not on this computer yet; open it first, then redirect it again."
        raise MailError(Kind.MESSAGE, Retry.SOON, text, code="no-body")
    now = engine.context.now()
    head = build.resent(
        draft.sender, draft.to, draft.cc, now=now, message_id=build.new_message_id(draft.sender, os.urandom(16)),
        utc_offset_minutes=time.localtime(now).tm_gmtoff // 60,
    )  # fmt: skip
    people = dict.fromkeys(wire_address(one.address) for one in (*draft.to, *draft.cc, *draft.bcc))
    return (head + raw,), (wire_address(draft.sender.address), tuple(people))


def reschedule(engine: Engine, command: wire.RescheduleOutgoing) -> wire.Done:
    """Freeze a message that nobody has yet anew, with the Date of the time when it goes now, and so signed anew."""
    now = engine.context.now()
    found = outbox.outgoing(engine.store.reader(), OutgoingId(command.outgoing_id))
    _check_time(command.at, now, found.terms if found is not None else NO_TERMS)
    at = now if command.at is None else command.at
    with _full_disk_said():
        done = dispatch.reschedule(
            engine.store,
            OutgoingId(command.outgoing_id),
            lambda head: _redated(head, at),
            not_before=at,
            scheduled=command.at is not None,
            sign=partial(dkim.signing, engine),
        )
    if not done:
        text = "This message is on its way already, so its time was not changed; the outbox says where it is."
        raise MailError(Kind.MESSAGE, Retry.ASK, text, code="too-late")
    engine.sender.poke()
    return wire.Done()


def _check_time(at: int | None, now: int, terms: Terms) -> None:
    """``at``: None for now."""
    problem = "" if at is None else later.problem(at, now)
    if not problem and terms.deliver_by is not None and terms.deliver_by <= (now if at is None else at):
        problem = "The message is to be delivered before that time, so it cannot be sent then; choose an earlier one."
        if terms.deliver_by <= now:
            problem = "The time to deliver the message by is past, so it was not sent; choose a later one."
    if problem:
        raise MailError(Kind.MESSAGE, Retry.ASK, problem, code="bad-time")


def _redated(head: bytes, at: int) -> bytes:
    """With the Date of ``at``, as this computer's clock will show it then."""
    return redated(head, at, time.localtime(at).tm_gmtoff // 60)


@contextmanager
def _full_disk_said() -> Iterator[None]:
    try:
        yield
    except MailError as error:
        if error.code != "disk-full":
            raise
        text = "The disk of this computer is full, so the message was not sent; free some space, then send it again."
        raise MailError(Kind.LOCAL, Retry.ASK, text, error.detail, error.code) from error


def _file_pieces(path: Path) -> Pieces:
    """The message in a file that a person named; of a large one the header, and where the rest is."""
    with files.readable(path):
        path = path.resolve()
        return whole_or_divided(content_of(path, path.stat().st_size))
