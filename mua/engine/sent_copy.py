"""The sent copy: a step of its own, which never turns "sent" into "failed".

A copy becomes an ordinary message of the account's Sent folder, wished onto the server (``append``): the account's
worker searches the server by Message-ID before it appends, so a copy that the server filed itself is not doubled.
On accounts without IMAP the row is all there is to do.

Whether a server files what is sent through it is learned by seeing it do so (``push``, ``settle_doubled``).  From then
on its copy is waited for; when it does not come, ours is filed after all.

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
from mua.plan import identities
from mua.store import dispatch, outbox, read, wire_files, write
from mua.store.db import Tx

BATCH = 50  # copies of one transaction: a disk confirms some hundred transactions a second, not more
BATCH_SIZE = 16 << 20  # octets
SERVERS_TURN = 15  # seconds that the server's own copy may take to appear


def file_copies(context: Context, copies: Sequence[outbox.Copy]) -> tuple[set[AccountId], bool]:
    """File sent copies: (the accounts whose server has to be told, nothing has to wait).

    A copy waits while the folders of its account are not known, and where the server usually files one itself.
    Raises MailError when this computer cannot.
    """
    told: set[AccountId] = set()
    complete = True
    for account_id in dict.fromkeys(copy.account_id for copy in copies):
        account = read.account(context.store.reader(), account_id)
        if account is None:
            continue
        of_account: dict[str, list[outbox.Copy]] = {}
        for copy in copies:
            if copy.account_id == account_id:
                of_account.setdefault(_wanted_folder(account, copy.author), []).append(copy)
        for name, mine in of_account.items():
            folder = _sent_folder(context, account, name)
            ours = mine if folder is None else _left_to_us(context, account, folder, mine)
            complete = complete and folder is not None and len(ours) == len(mine)
            if folder is not None and ours:
                _put_all(context, account, folder, ours)
                told.add(account_id)
    return told, complete


def _wanted_folder(account: Account, author: str) -> str:
    """The folder that the identity of an author wants its copies in; empty: the usual one."""
    found = identities.sender_for([account], author)
    return found.identity.sent_folder if found is not None else ""


def _left_to_us(
    context: Context, account: Account, folder: Folder, copies: Sequence[outbox.Copy]
) -> Sequence[outbox.Copy]:
    """The copies that the server will not file, as far as is known by now; what it has filed is settled."""
    db, now = context.store.reader(), context.now()
    if account.incoming is not Incoming.IMAP or not read.saves_sent(db, account.id):
        return copies
    ours: list[outbox.Copy] = []
    for copy in copies:
        there = read.with_message_id(db, copy.message_id, account.id)
        if any(row.folder_id == folder.id and row.uid is not None for row in there):
            _settle(context, copy, SentCopy.SERVER)
        elif now - copy.accepted_at >= SERVERS_TURN:
            ours.append(copy)
    return ours


def settle_doubled(context: Context) -> set[AccountId]:
    """Where the server filed a copy beside ours, ours goes, and what it does is known from now on.

    Ours stays where it is the only one with the Bcc.  Returns the accounts whose server has to be told.
    """
    doubled = outbox.doubled(context.store.reader())
    if doubled:
        with context.store.write(durable=True) as tx:
            for one in doubled:
                write.learn_saves_sent(tx, one.account_id, True)
                dispatch.set_sent_copy(tx, one.id, SentCopy.SERVER)
                if not one.hidden:
                    write.wish_gone(tx, [one.copy_id], context.now())
    return {one.account_id for one in doubled}


def _put_all(context: Context, account: Account, folder: Folder, copies: Sequence[outbox.Copy]) -> None:
    batch: list[tuple[outbox.Copy, Whole]] = []
    for copy in copies:
        path = wire_files.wire_path(context.store.profile, copy.copy_file)
        try:
            batch.append((copy, Whole.of_file(path, copy.written_at, Flag.SEEN)))
        except FileNotFoundError:
            ENGINE.error("the sent copy of outgoing message %d is gone: %s", copy.id, path.name)
            _settle(context, copy, SentCopy.NONE)
            continue
        if len(batch) >= BATCH or sum(len(one.raw) for _, one in batch) >= BATCH_SIZE:
            _put(context, account, folder, batch)
            batch = []
    if batch:
        _put(context, account, folder, batch)


def _put(context: Context, account: Account, folder: Folder, batch: Sequence[tuple[outbox.Copy, Whole]]) -> None:
    append = account.incoming is Incoming.IMAP
    with context.store.write(durable=True) as tx:
        wholes = [whole for _, whole in batch]
        filed = file_whole(context, tx, account.id, folder.id, wholes, append=append)
        for copy_id, (copy, _) in zip(filed, batch, strict=True):
            _mark_answered(tx, copy, context.now())
            dispatch.set_sent_copy(tx, copy.id, SentCopy.FILED, copy_id if append else None)


def _settle(context: Context, copy: outbox.Copy, where: SentCopy) -> None:
    with context.store.write(durable=True) as tx:
        _mark_answered(tx, copy, context.now())
        dispatch.set_sent_copy(tx, copy.id, where)


def _mark_answered(tx: Tx, copy: outbox.Copy, now: int) -> None:
    """The message that was answered or forwarded says so, here and on its server."""
    for one, flag in ((copy.answers, Flag.ANSWERED), (copy.forwards, Flag.FORWARDED)):
        if one is not None and tx.value("SELECT 1 FROM message WHERE id = ?", one):
            write.wish_flags(tx, [MessageId(one)], flag, Flag(0), now)


def _sent_folder(context: Context, account: Account, name: str = "") -> Folder | None:
    """The folder of this name, where there is one; else the Sent folder, made when the account has none.

    None while an IMAP account's folders are still unknown.
    """
    db = context.store.reader()
    found = read.folder_named(db, account.id, name) if name else None
    found = found or read.folder_with_role(db, account.id, Role.SENT)
    if found is not None:
        return found
    local = account.incoming is not Incoming.IMAP
    if not local and not read.synced_at(db, account.id):
        return None
    with context.store.write(durable=True) as tx:
        write.put_folder(tx, account.id, "Sent", role=Role.SENT, local=local, create=not local)
    return read.folder_with_role(db, account.id, Role.SENT)
