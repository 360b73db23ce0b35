"""A whole profile into one file, while the program runs; passwords only if asked, sealed under a passphrase."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import portable
from mua.engine.files import readable, writable
from mua.engine.works import stoppable
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE
from mua.store import archive, read

if TYPE_CHECKING:
    from mua.engine.main import Engine


def backup(engine: Engine, command: wire.Backup) -> wire.BackedUp:
    """Write it and read it back.  Raises MailError "file-there", "file-unwritable", "stopped", "backup-damaged"."""
    path = Path(command.path)
    if os.path.lexists(path):
        text = f"“{path.name}” is there already; choose another name, so that nothing is written over."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="file-there")
    sealed = b""
    if command.passphrase:
        sealed = portable.sealed_secrets(engine, command.passphrase, books=True)
    with writable(path), stoppable(engine, command.token) as stop:

        def told(done: int, total: int) -> bool:
            engine.context.publish(wire.Importing(command.token, "", 0, done, total))
            return stop.is_set()

        try:
            found = archive.pack(engine.profile, path, sealed, told)
        except archive.Stopped as error:
            text = "The backup was stopped; no file was left behind."
            raise MailError(Kind.LOCAL, Retry.NEVER, text, code="stopped") from error
    return wire.BackedUp(found.messages, found.files, found.octets, found.missing, found.secrets)


def restore(engine: Engine, command: wire.RestoreBackup) -> wire.BackedUp:
    """Fill this profile, which is empty.  Raises MailError "sealed", "wrong-passphrase", "profile-not-empty" ..."""
    path = Path(command.path)
    with readable(path):
        sealed = archive.secrets_of(path)
        if sealed and not command.passphrase and not command.bare:
            text = "Passwords are in this backup, too: type its passphrase, or restore it without them."
            raise MailError(Kind.LOCAL, Retry.ASK, text, code="sealed")
        wanted = portable.opened(command.passphrase, sealed) if sealed and not command.bare else {}
        engine.upkeep.stop()  # or what has no row yet would be swept
        found = archive.fill(engine.profile, path)
    if wanted:
        same = {int(one.id): one.id for one in read.accounts(engine.store.reader())}
        try:
            portable.keep(engine, same, wanted, books=True)
        except MailError as error:
            ENGINE.info("the passwords of a backup: %s (%s)", error.code, error.detail)
            return wire.BackedUp(found.messages, found.files, found.octets, found.missing, False)
    return wire.BackedUp(found.messages, found.files, found.octets, found.missing, bool(wanted))


def take_secrets(engine: Engine, command: wire.TakeSecrets) -> wire.SettingsImported:
    """Keep the passwords of a backup for the accounts that came from it.  Raises MailError "wrong-passphrase" ..."""
    path = Path(command.path)
    with readable(path):
        sealed = archive.secrets_of(path)
    if not sealed:
        text = "There are no passwords in this backup; enter them in the settings."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="no-secrets")
    same = {int(one.id): one.id for one in read.accounts(engine.store.reader())}
    kept = portable.keep(engine, same, portable.opened(command.passphrase, sealed), books=True)
    for account_id in same.values():
        engine.poke(account_id)
    return wire.SettingsImported(0, (), kept)
