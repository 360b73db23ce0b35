"""The drafts of letters that are being written: one for each, here and on the server.

Theory of operation: a letter has a key, and the store knows which message is its draft (``draft``).  Saving adds the
new one and wishes the old one away in one transaction, so that no crash leaves two; sending drops it in the
transaction that queues the message.  The worker puts the new one on the server and removes there the one that it made
(APPEND, then UID EXPUNGE).

Rule of the file: what somebody else did to a draft is never undone: where the one of before is gone, both are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mua import wire
from mua.engine import accounts, acts
from mua.engine.reading import Whole, draft_pieces, file_whole
from mua.errors import Kind, MailError, Retry
from mua.mime.pieces import blocks
from mua.model.account import Account, Incoming
from mua.model.folder import TEMPLATES, Folder, Role, is_templates
from mua.model.message import REQUIRE_TLS, WRITING, Flag, MessageId
from mua.store import read, write
from mua.store.db import Db, Tx

if TYPE_CHECKING:
    from mua.engine.main import Engine


def save(engine: Engine, command: wire.SaveDraft) -> wire.Saved:
    """Put the draft into Drafts; the one of before goes."""
    account = accounts.find(engine, command.account_id)
    folder = _templates(engine, account) if command.template else acts.folder_for(engine, account.id, Role.DRAFTS)
    now = engine.context.now()
    raw = b"".join(blocks(draft_pieces(engine.context, command.draft)))
    if command.require_tls:
        raw = ": ".join(REQUIRE_TLS).encode() + b"\r\n" + raw
    if command.writing in ("markdown", "plain"):
        raw = f"{WRITING}: {command.writing}\r\n".encode() + raw
    whole = Whole(raw, now, Flag.SEEN if command.template else Flag.DRAFT | Flag.SEEN)
    with engine.store.write(durable=True) as tx:
        known = tx.row("SELECT message_id, at FROM draft WHERE key = ?", command.key) if command.key else None
        append = account.incoming is Incoming.IMAP
        (saved,) = file_whole(engine.context, tx, account.id, folder.id, [whole], append=append)
        before = {command.replaces, known[0] if known else None} - {None, saved}
        there = [one for one in before if one is not None and _is_draft(tx, one)]
        write.wish_gone(tx, [MessageId(one) for one in there], now)
        elsewhere = any(one not in there for one in before)
        since = int(known[1]) if known else now
        other = _other(tx, folder.id, saved, command.draft.subject, since) if elsewhere else None
        if command.key:
            sql = "INSERT OR REPLACE INTO draft(key, message_id, at) VALUES (?,?,?)"
            tx.run(sql, command.key, saved, now)
    engine.settle_local(account.id)
    engine.poke(account.id)
    return wire.Saved(saved, elsewhere, other)


def _templates(engine: Engine, account: Account) -> Folder:
    """The account's folder for templates, made when it has none."""

    def found() -> Folder | None:
        some = read.folders(engine.store.reader(), account.id)
        return next((one for one in some if is_templates(one)), None)

    if found() is None:
        imap = account.incoming is Incoming.IMAP
        with engine.store.write(durable=True) as tx:
            write.put_folder(tx, account.id, TEMPLATES, local=not imap, create=imap)
    made = found()
    if made is None:
        raise MailError(Kind.BUG, Retry.NEVER, "No folder for templates could be made.", code="bug")
    return made


def drop(tx: Tx, *, command: wire.Send, now: int) -> None:
    """The letter is on its way: its draft goes."""
    known = tx.value("SELECT message_id FROM draft WHERE key = ?", command.draft_key) if command.draft_key else None
    for one in {command.replaces_draft, known} - {None}:
        if one is not None and _is_draft(tx, one):
            write.wish_gone(tx, [MessageId(one)], now)
    tx.run("DELETE FROM draft WHERE key = ?", command.draft_key)


def _is_draft(db: Db, message_id: int) -> bool:
    """It is still there, in a folder for drafts."""
    row = read.row(db, MessageId(message_id))
    folder = read.folder(db, row.folder_id) if row is not None else None
    return folder is not None and folder.role is Role.DRAFTS


def _other(db: Db, folder_id: int, saved: int, subject: str, since: int) -> int | None:
    """What came into the folder in place of a draft of before: the newest with this subject."""
    sql = (
        "SELECT id FROM message WHERE shown_folder = ? AND id <> ? AND subject = ? AND (id >> 20) >= ? - 86400"
        " ORDER BY id DESC LIMIT 1"
    )
    found = db.value(sql, folder_id, saved, subject.strip(), since)
    return None if found is None else int(found)
