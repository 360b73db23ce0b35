"""What a person does to folders: rename, delete, empty, mark all read, subscribe.  Each can be taken back but emptying,
which can as long as the server has not heard of it; after that the ledger restores for 30 days.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import accounts, acts
from mua.errors import Kind, MailError, Retry
from mua.model.account import Incoming
from mua.model.folder import Folder, FolderId, Role
from mua.model.message import Flag, MessageId
from mua.store import folder_wishes, history, read, write
from mua.store.db import Tx

if TYPE_CHECKING:
    from mua.engine.main import Engine

MAX_NAME = 200  # characters
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def rename_folder(engine: Engine, command: wire.RenameFolder) -> wire.Acted:
    """Another name, perhaps below another folder; those below it go along."""
    folder = _own(engine, command.folder_id, "renamed")
    name = _checked(engine, folder, command.name)
    label = f"Renamed {folder.leaf} to {name.rsplit(folder.delimiter, 1)[-1] if folder.delimiter else name}"
    with engine.store.write(durable=True) as tx:
        history_id = history.remember(
            tx, [], label, Flag(0), engine.context.now(), folders=[folder_wishes.remembered(folder, renamed=name)]
        )
        folder_wishes.wish_name(tx, folder, name)
    engine.poke(folder.account_id)
    return wire.Acted(history_id, label, ())


def _checked(engine: Engine, folder: Folder, name: str) -> str:
    name = name.strip().strip(folder.delimiter)
    if not name or len(name) > MAX_NAME or _CONTROL.search(name):
        raise _no("A folder needs a name of its own, in one line; nothing was changed.", "bad-name")
    if folder.delimiter and name.startswith(folder.name + folder.delimiter):
        raise _no("A folder cannot be put into itself; nothing was changed.", "bad-name")
    known = read.folders(engine.store.reader(), folder.account_id, shown=True)
    if any(one.name == name and one.id != folder.id for one in known):
        raise _no(f"There is a folder “{name}” already; choose another name.", "name-taken")
    return name


def delete_folder(engine: Engine, command: wire.DeleteFolder) -> wire.Acted:
    """Its messages go into the bin, then it and the folders below it go; what the server holds alone stays there."""
    folder = _own(engine, command.folder_id, "deleted")
    trash = acts.folder_for(engine, folder.account_id, Role.TRASH)
    db, now = engine.store.reader(), engine.context.now()
    doomed = folder_wishes.inside(db, folder)
    if any(one.role in folder_wishes.PROTECTED for one in doomed):
        raise _no(f"“{folder.leaf}” holds a folder that is used for something; nothing was deleted.", "folder-needed")
    ids = [MessageId(one) for each in doomed for one in read.folder_order(db, each.id)]
    label = f"Deleted the folder {folder.leaf}"
    with engine.store.write(durable=True) as tx:
        told = [folder_wishes.remembered(one, deleted=True) for one in reversed(doomed)]
        history_id = history.remember(tx, ids, label, Flag(0), now, moved=True, folders=told)
        write.wish_move(tx, ids, trash.id, now)
        for one in doomed:
            folder_wishes.wish_gone(tx, one.id)
    engine.settle_local(folder.account_id)
    engine.poke(folder.account_id)
    return wire.Acted(history_id, label, tuple(ids))


def empty_folder(engine: Engine, command: wire.EmptyFolder) -> wire.Acted:
    """Delete for ever what is in a bin or a junk folder."""
    folder = _folder(engine, command.folder_id)
    if folder.role not in (Role.TRASH, Role.JUNK):
        raise _no("Only a bin or a junk folder can be emptied; nothing was deleted.", "not-for-emptying")
    ids = [MessageId(one) for one in read.folder_order(engine.store.reader(), folder.id)]
    label = f"Deleted {acts.messages_words(len(ids))} for ever"

    def wish(tx: Tx, chosen: list[MessageId], now: int) -> None:
        write.wish_gone(tx, chosen, now)

    return acts.act(engine, ids, label, Flag(0), wish, moved=True)


def mark_folder_read(engine: Engine, command: wire.MarkFolderRead) -> wire.Acted:
    """Every message of it counts as read."""
    folder = _folder(engine, command.folder_id)
    ids = folder_wishes.unread(engine.store.reader(), folder.id)
    label = f"Marked {acts.messages_words(len(ids))} as read"

    def wish(tx: Tx, chosen: list[MessageId], now: int) -> None:
        write.wish_flags(tx, chosen, Flag.SEEN, Flag(0), now)

    return acts.act(engine, ids, label, Flag.SEEN, wish)


def subscribe_folder(engine: Engine, command: wire.SubscribeFolder) -> wire.Acted:
    """Subscribe, or do not any more."""
    folder = _folder(engine, command.folder_id)
    if accounts.find(engine, folder.account_id).incoming is not Incoming.IMAP:
        raise _no("Folders on this computer need no subscription; nothing was changed.", "no-subscription")
    label = f"{'Subscribed to' if command.subscribed else 'No longer subscribed to'} {folder.leaf}"
    with engine.store.write(durable=True) as tx:
        told = [folder_wishes.remembered(folder, asked=command.subscribed)]
        history_id = history.remember(tx, [], label, Flag(0), engine.context.now(), folders=told)
        folder_wishes.wish_subscribed(tx, folder.id, command.subscribed)
    engine.poke(folder.account_id)
    return wire.Acted(history_id, label, ())


def _own(engine: Engine, folder_id: int, what: str) -> Folder:
    """A folder that a person may take away or rename."""
    folder = _folder(engine, folder_id)
    if folder.role in folder_wishes.PROTECTED:
        text = f"“{folder.leaf}” is used for something by your mail programs; it cannot be {what}."
        raise _no(text, "folder-needed")
    return folder


def _folder(engine: Engine, folder_id: int) -> Folder:
    found = read.folder(engine.store.reader(), FolderId(folder_id), shown=True)
    if found is None:
        raise _no("That folder is not there any more.", "folder-gone")
    return found


def _no(text: str, code: str) -> MailError:
    return MailError(Kind.FOLDER, Retry.NEVER, text, code=code)
