"""Commands about folders: making one, how much of one is fetched, and what it is used for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import accounts
from mua.errors import Kind, MailError, Retry
from mua.model.account import Incoming
from mua.model.folder import Folder, FolderId, Role
from mua.plan.roles import CHOOSABLE
from mua.store import read, write

if TYPE_CHECKING:
    from mua.engine.main import Engine


def create_folder(engine: Engine, command: wire.CreateFolder) -> wire.FolderMade:
    """The folder of this name; one that is missing is made here, and an IMAP server follows.

    Whether it is missing is asked inside the change: the server's own folders arrive at any time.
    """
    owner = accounts.find(engine, command.account_id)
    local = owner.incoming is not Incoming.IMAP
    with engine.store.write(durable=True) as tx:
        known = read.folder_named(tx, owner.id, command.name)
        if known is not None:
            return wire.FolderMade(known.id)
        made = write.put_folder(tx, owner.id, command.name, local=local, create=not local)
    engine.poke(owner.id)
    return wire.FolderMade(made)


def set_policy(engine: Engine, command: wire.SetPolicy) -> wire.Done:
    """Choose how much is fetched; what a wider policy adds is fetched at once."""
    folder = None if command.folder_id is None else _folder(engine, command.folder_id)
    owner = accounts.find(engine, (command.account_id or 0) if folder is None else folder.account_id)
    if owner.incoming is not Incoming.IMAP:
        text = f"“{owner.name}” keeps all of its mail on this computer; there is nothing to choose."
        raise MailError(Kind.FOLDER, Retry.NEVER, text, code="no-policy")
    with engine.store.write(durable=True) as tx:
        write.set_policy(tx, owner.id, None if folder is None else folder.id, command.policy)
    for worker in engine.workers_of(owner.id):
        worker.compare()
    return wire.Done()


def set_role(engine: Engine, command: wire.SetRole) -> wire.Done:
    """Use a folder for a purpose, whatever the server says about it."""
    folder = _folder(engine, command.folder_id)
    owner = accounts.find(engine, folder.account_id)
    if command.role not in CHOOSABLE or folder.role is Role.INBOX or folder.space or not folder.selectable:
        text = f"“{folder.name}” cannot be used for that; choose another folder."
        raise MailError(Kind.FOLDER, Retry.ASK, text, code="no-such-role")
    roles = {**dict(owner.habits.roles), command.role: folder.name}
    roles = {role: name for role, name in roles.items() if name != folder.name or role == command.role}
    with engine.store.write(durable=True) as tx:
        habits = replace(owner.habits, roles=tuple(roles.items()))
        write.update_account(tx, replace(owner, habits=habits))
        write.set_role(tx, owner.id, folder.id, Role(command.role))
    engine.restart_worker(owner.id)
    return wire.Done()


def _folder(engine: Engine, folder_id: int) -> Folder:
    found = read.folder(engine.store.reader(), FolderId(folder_id))
    if found is None:
        raise MailError(Kind.FOLDER, Retry.NEVER, "That folder is not there any more.", code="folder-gone")
    return found
