"""The sent copy: a step of its own, which never turns "sent" into "failed".

A copy becomes an ordinary message of the account's Sent folder, wished onto the server (``append``): the account's
worker searches the server by Message-ID before it appends, so a copy that the server filed itself is not doubled.
On accounts without IMAP the row is all there is to do.

Rule of the file: one transaction files the copy, marks what was answered, and says so in the outbox; a crash before
it leaves the step to be done again, a crash after it leaves nothing to do.
"""

from mua.engine.context import Context
from mua.engine.reading import facts
from mua.log import ENGINE
from mua.mime.headers import envelope
from mua.model.account import Account, AccountId, Incoming
from mua.model.folder import Folder, Role
from mua.model.message import Flag, MessageId
from mua.model.outgoing import SentCopy
from mua.store import outbox, read, write
from mua.store.db import Tx


def file_copy(context: Context, copy: outbox.Copy) -> bool:
    """File one sent copy.  False: not possible yet (the folders of the account are not known).

    Raises MailError when this computer cannot (disk full).
    """
    db = context.store.reader()
    account = read.account(db, copy.account_id)
    if account is None:
        return False
    if _server_files(context, copy.account_id):
        return _settle(context, copy, SentCopy.SERVER)
    folder = _sent_folder(context, account)
    if folder is None:
        return False
    path = outbox.wire_path(context.store.profile, copy.copy_file)
    if not path.exists():
        ENGINE.error("the sent copy of outgoing message %d is gone: %s", copy.id, path.name)
        return _settle(context, copy, SentCopy.NONE)
    _put(context, copy, account, folder, path.read_bytes())
    return True


def _put(context: Context, copy: outbox.Copy, account: Account, folder: Folder, raw: bytes) -> None:
    on_server = account.incoming is Incoming.IMAP
    new = write.NewMessage(envelope(raw), copy.queued_at, len(raw), flags=Flag.SEEN, append=on_server)
    with context.store.write(durable=True) as tx:
        (message_id,) = write.add_messages(tx, account.id, folder.id, [new])
        places = context.bodies.put([(message_id, raw)], durable=True)
        write.set_bodies(tx, [facts(message_id, places[message_id], raw)])
        _mark_answered(tx, copy, context.now())
        outbox.set_sent_copy(tx, copy.id, SentCopy.FILED)


def _settle(context: Context, copy: outbox.Copy, where: SentCopy) -> bool:
    with context.store.write(durable=True) as tx:
        _mark_answered(tx, copy, context.now())
        outbox.set_sent_copy(tx, copy.id, where)
    return True


def _mark_answered(tx: Tx, copy: outbox.Copy, now: int) -> None:
    """The message that was answered or forwarded says so, here and on its server."""
    for one, flag in ((copy.answers, Flag.ANSWERED), (copy.forwards, Flag.FORWARDED)):
        if one is not None and tx.value("SELECT 1 FROM message WHERE id = ?", one):
            write.wish_flags(tx, [MessageId(one)], flag, Flag(0), now)


def _server_files(context: Context, account_id: AccountId) -> bool:
    return bool(context.store.reader().value("SELECT server_saves_sent = 1 FROM account WHERE id = ?", account_id))


def _sent_folder(context: Context, account: Account) -> Folder | None:
    """The Sent folder, made when the account has none.  None while an IMAP account's folders are still unknown."""
    db = context.store.reader()
    found = read.folder_with_role(db, account.id, Role.SENT)
    if found is not None:
        return found
    local = account.incoming is not Incoming.IMAP
    if not local and not read.synced_at(db, account.id):
        return None
    with context.store.write(durable=True) as tx:
        write.put_folder(tx, account.id, "Sent", role=Role.SENT, local=local, create=not local)
    return read.folder_with_role(db, account.id, Role.SENT)
