"""The sent copy: a step of its own, which never turns "sent" into "failed".

A copy becomes an ordinary message of the account's Sent folder, wished onto the server (``append``): the account's
worker searches the server by Message-ID before it appends, so a copy that the server filed itself is not doubled.
On accounts without IMAP the row is all there is to do.

Rule of the file: one transaction files the copy, marks what was answered, and says so in the outbox; a crash before
it leaves the step to be done again, a crash after it leaves nothing to do.
"""

from collections.abc import Sequence

from mua.engine.context import Context
from mua.engine.reading import Whole, file_whole
from mua.log import ENGINE
from mua.model.account import Account, AccountId, Incoming
from mua.model.folder import Folder, Role
from mua.model.message import Flag, MessageId
from mua.model.outgoing import SentCopy
from mua.store import outbox, read, write
from mua.store.db import Tx

BATCH = 50  # copies of one transaction: a disk confirms some hundred transactions a second, not more
BATCH_SIZE = 16 << 20  # octets


def file_copies(context: Context, copies: Sequence[outbox.Copy]) -> tuple[set[AccountId], bool]:
    """File sent copies: (the accounts whose server has to be told, nothing has to wait).

    A copy waits while the folders of its account are not known.  Raises MailError when this computer cannot.
    """
    told: set[AccountId] = set()
    complete = True
    for account_id in dict.fromkeys(copy.account_id for copy in copies):
        mine = [copy for copy in copies if copy.account_id == account_id]
        account = read.account(context.store.reader(), account_id)
        if account is None:
            continue
        folder = None if _server_files(context, account_id) else _sent_folder(context, account)
        if folder is not None:
            _put_all(context, account, folder, mine)
            told.add(account_id)
        elif _server_files(context, account_id):
            _settle(context, mine, SentCopy.SERVER)
        else:
            complete = False
    return told, complete


def _put_all(context: Context, account: Account, folder: Folder, copies: Sequence[outbox.Copy]) -> None:
    batch: list[tuple[outbox.Copy, Whole]] = []
    for copy in copies:
        path = outbox.wire_path(context.store.profile, copy.copy_file)
        try:
            batch.append((copy, Whole.of_file(path, copy.queued_at, Flag.SEEN)))
        except FileNotFoundError:
            ENGINE.error("the sent copy of outgoing message %d is gone: %s", copy.id, path.name)
            _settle(context, [copy], SentCopy.NONE)
            continue
        if len(batch) >= BATCH or sum(len(one.raw) for _, one in batch) >= BATCH_SIZE:
            _put(context, account, folder, batch)
            batch = []
    if batch:
        _put(context, account, folder, batch)


def _put(context: Context, account: Account, folder: Folder, batch: Sequence[tuple[outbox.Copy, Whole]]) -> None:
    append = account.incoming is Incoming.IMAP
    with context.store.write(durable=True) as tx:
        file_whole(context, tx, account.id, folder.id, [whole for _, whole in batch], append=append)
        for copy, _ in batch:
            _mark_answered(tx, copy, context.now())
            outbox.set_sent_copy(tx, copy.id, SentCopy.FILED)


def _settle(context: Context, copies: Sequence[outbox.Copy], where: SentCopy) -> None:
    with context.store.write(durable=True) as tx:
        for copy in copies:
            _mark_answered(tx, copy, context.now())
            outbox.set_sent_copy(tx, copy.id, where)


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
