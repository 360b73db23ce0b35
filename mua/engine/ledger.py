"""Bringing back what disappeared: its bytes become a message of its folder again, and the server gets them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mua import wire
from mua.engine.reading import Whole, file_whole
from mua.errors import Kind, MailError, Retry
from mua.model.account import Account, Incoming
from mua.model.folder import FolderId
from mua.model.ledger import Removal
from mua.model.message import Flag, MessageId
from mua.store import ledger, read, write

if TYPE_CHECKING:
    from mua.engine.main import Engine


def restore(engine: Engine, command: wire.RestoreMessages) -> wire.Restored:
    """Restore each; one that cannot be is a problem of its own."""
    restored: list[int] = []
    problems: list[MailError] = []
    for entry in dict.fromkeys(command.entries):
        try:
            restored.append(_restore(engine, entry))
        except MailError as error:
            if error.kind is Kind.LOCAL:
                raise
            problems.append(error)
    return wire.Restored(
        tuple(restored), tuple(one.text for one in problems), tuple(one.code or one.kind for one in problems)
    )


def _restore(engine: Engine, entry: int) -> MessageId:
    db = engine.store.reader()
    removal = ledger.entry(db, entry)
    account = None if removal is None else read.account(db, removal.account_id)
    if removal is None or account is None:
        raise MailError(Kind.MESSAGE, Retry.NEVER, f"There is no entry {entry} in the ledger.", code="no-such-entry")
    if removal.restored_as is not None and read.row(db, MessageId(removal.restored_as)) is not None:
        return MessageId(removal.restored_as)
    raw = engine.bodies.get(removal.id)
    if raw is None:
        text = f"The text of “{removal.subject}” is not on this computer, so it cannot be brought back from here."
        raise MailError(Kind.MESSAGE, Retry.NEVER, text, code="no-body")
    restored = _file(engine, account, removal, raw)
    engine.poke(account.id)
    return restored


def _file(engine: Engine, account: Account, removal: Removal, raw: bytes) -> MessageId:
    """Row, bytes and the mark in the ledger are one durable change."""
    on_server = account.incoming is Incoming.IMAP
    received, flags, keywords = ledger.as_it_was(engine.store.reader(), removal.entry)
    whole = Whole(raw, received, flags & ~Flag.DELETED, keywords=keywords)
    with engine.store.write(durable=True) as tx:
        folder_id = _folder(engine, account, removal.folder)
        if folder_id is None:
            folder_id = write.put_folder(tx, account.id, removal.folder, local=not on_server, create=on_server)
        [restored] = file_whole(engine.context, tx, account.id, folder_id, [whole], append=on_server)
        ledger.set_restored(tx, removal.entry, restored)
    return restored


def _folder(engine: Engine, account: Account, name: str) -> FolderId | None:
    found = read.folder_named(engine.store.reader(), account.id, name)
    return None if found is None else found.id
