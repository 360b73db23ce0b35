"""Bounces and receipts in the store: which messages may be one, and what they told of our recipients.

Rules of the file: ``message.reports`` is a level, set with the body and settled once (``NONE``, ``UNREAD``, ``OURS``,
``STRANGE``); what came back is only ever added.  A report changes no verdict but one: a recipient of whom nobody knew
whether the server took the message had it, or nothing could have come back.  Not even that where the report names an
envelope id that is not the message's: then somebody who knows no more than the Message-ID may have written it.
"""

from enum import IntEnum

from mua.model.message import MessageId
from mua.model.outgoing import OutgoingId
from mua.model.report import UNDELIVERED, Action, Report, Reported
from mua.plan.reports import about
from mua.store import dispatch
from mua.store.db import Db, Tx

BATCH = 200
_FAILED = Reported("", Action.FAILED)  # of a report that names nobody
RESOLVED = "The connection was lost at the end, but a report about the message has come back: it was sent."


class Standing(IntEnum):
    """What is known about a message as a report."""

    NONE = 0
    UNREAD = 1
    OURS = 2  # about a message that we sent
    STRANGE = 3  # about one that we know nothing of


def unread(db: Db) -> list[tuple[MessageId, int]]:
    """(id, received in UTC seconds) of messages that may be reports and were not read yet, oldest first."""
    sql = "SELECT id, internaldate FROM message WHERE reports = 1 AND has_body > 0 ORDER BY id LIMIT ?"
    return [(MessageId(one), at) for one, at in db.rows(sql, BATCH)]


def settle(tx: Tx, message_id: MessageId, found: Report | None, at: int) -> int:
    """Note what a received message reports; returns how many of our recipients it told of."""
    outgoing_id, sure = _sent(tx, found) if found is not None else (None, False)
    told = 0
    if found is not None and outgoing_id is not None:
        sent_to = [row[0] for row in tx.rows("SELECT address FROM recipient WHERE outgoing_id = ?", outgoing_id)]
        for one in found.recipients or (_FAILED,):
            address = about(one, sent_to)
            if address is not None and _add(tx, outgoing_id, address, one, message_id, at):
                told += 1
                if sure:
                    dispatch.resolve(tx, outgoing_id, [address], RESOLVED, at)
    if found is not None and outgoing_id is None:
        _keep_strange(tx, message_id, found)
    standing = Standing.NONE if found is None else Standing.STRANGE if outgoing_id is None else Standing.OURS
    tx.run("UPDATE message SET reports = ? WHERE id = ?", standing, message_id)
    return told


def _sent(tx: Tx, found: Report) -> tuple[OutgoingId | None, bool]:
    """The outgoing message: by our own envelope id, which nobody can guess, or by its Message-ID.

    The second is False where the report contradicts itself: our Message-ID, and another's envelope id.
    """
    for column, value in (("envid", found.envid), ("message_id", found.message_id)):
        if value:
            row = tx.row(f"SELECT id FROM outgoing WHERE {column} = ? ORDER BY id DESC LIMIT 1", value)
            if row is not None:
                return OutgoingId(row[0]), column == "envid" or not found.envid
    return None, False


def _keep_strange(tx: Tx, message_id: MessageId, found: Report) -> None:
    """Note what says that something was not delivered which was not sent from here, and names it."""
    if found.message_id and any(one.action in UNDELIVERED for one in found.recipients or (_FAILED,)):
        tx.run("INSERT OR IGNORE INTO backscatter(message_id, about) VALUES (?, ?)", message_id, found.message_id)
        tx.changes.messages.add(message_id)


def _add(tx: Tx, outgoing_id: OutgoingId, address: str, one: Reported, message_id: MessageId, at: int) -> bool:
    sql = (
        "INSERT OR IGNORE INTO came_back(recipient_id, message_id, at, action, status, text, remote, until)"
        " SELECT id, ?, ?, ?, ?, ?, ?, ? FROM recipient WHERE outgoing_id = ? AND address = ?"
    )
    values = (message_id, at, one.action, one.status, one.text, one.remote, one.until, outgoing_id, address)
    if not tx.run(sql, *values):
        return False
    tx.changes.outgoing.add(outgoing_id)
    return True
