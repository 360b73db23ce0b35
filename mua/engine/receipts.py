"""A person's answer to a message that asks to be told that it was read (RFC 8098): a receipt is queued, or is not.

Rules of the file: nothing is sent that a person did not say, to nobody else than they were shown; whatever they said,
$MDNSent says that it was asked (RFC 3503), so that no other program asks again.

Theory of operation: the receipt is a submission named by account and Message-ID, so there is one at most, also of two
copies of a message, after a crash before the flag is set, and for ever.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import accounts, acts, direct, dkim
from mua.engine.reading import view_of
from mua.errors import Kind, MailError, Retry
from mua.mime.build import new_message_id
from mua.mime.freeze import freeze
from mua.mime.receipt import Displayed, receipt
from mua.model.folder import Role
from mua.model.message import Flag, MessageRow
from mua.plan.receipt import asked
from mua.store import dispatch, read, write
from mua.store.dkim import keys

if TYPE_CHECKING:
    from mua.engine.main import Engine

_ONE = threading.Lock()  # of two presses at once the second finds the first one's answer


def answer(engine: Engine, command: wire.AnswerReceipt) -> wire.Done:
    """Queue the receipt if it is wanted, and set $MDNSent in any case."""
    with _ONE:
        (row,) = acts.rows_of(engine, [command.message_id])
        if command.send:
            _queue(engine, row, command.to)
        with engine.store.write(durable=True) as tx:
            write.wish_flags(tx, [row.id], Flag.MDN_SENT, Flag(0), engine.context.now())
    engine.settle_local(row.account_id)
    engine.poke(row.account_id)
    engine.sender.poke()
    return wire.Done()


def _queue(engine: Engine, row: MessageRow, to: tuple[str, ...]) -> None:
    db, now = engine.store.reader(), engine.context.now()
    if row.flags & Flag.MDN_SENT:
        text = (
            "Whether a receipt is sent for this message was answered before, here or elsewhere, so none was sent now."
        )
        raise MailError(Kind.MESSAGE, Retry.NEVER, text, code="receipt-answered")
    account = accounts.find_sending(engine, row.account_id)
    view, folder = view_of(engine.context, row.id), read.folder(db, row.folder_id)
    mine = frozenset(one.email.lower() for one in read.accounts(db))
    found = asked(view, row.flags, folder.role if folder else Role.NONE, account.email, mine)
    if found is None or found.to != to:
        text = "This message does not ask for a receipt to where you were told, so none was sent."
        raise MailError(Kind.MESSAGE, Retry.NEVER, text, code="receipt-changed")
    original = next((value for name, value in view.headers if name == "Original-Recipient"), "")
    message_id = new_message_id(account.email, os.urandom(16))
    raw = receipt(
        Displayed(view.message_id, view.subject, view.date, original), to,
        sender=account.email, message_id=message_id, now=now, utc_offset_minutes=time.localtime(now).tm_gmtoff // 60,
    )  # fmt: skip
    frozen = freeze(raw, now=now, message_id_if_missing=message_id, seven_bit=bool(keys(db)))
    if frozen.problems:
        raise MailError(Kind.MESSAGE, Retry.ASK, frozen.problems[0], "; ".join(frozen.problems), "unsendable")
    direct.check_author(account, account.email, frozen.recipients, direct=False)
    name = hashlib.sha256(f"{account.id} {view.message_id or row.id}".encode()).hexdigest()
    dispatch.queue(
        engine.store, account, replace(frozen, envelope_from=""), now=now, not_before=now,
        origin=dispatch.Origin(None, f"receipt-{name}"), sign=partial(dkim.signing, engine),
    )  # fmt: skip
