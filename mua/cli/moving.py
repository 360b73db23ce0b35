"""Commands that bring mail in from files and take it out again: import, export, backup, restore."""

import contextlib
import os
from dataclasses import asdict
from pathlib import Path

from mua import wire
from mua.cli.documents import table
from mua.cli.session import Result, Session, files_at_the_edge, passphrase
from mua.errors import MailError, UsageError


def import_files(session: Session) -> Result:
    """``import PATH [FOLDER]``, ``import PATH... FOLDER``: folders are made when they are missing."""
    given = session.arguments
    *paths, last = given.words
    folder = last if paths else ""
    account_id = _account_id(session, folder)
    told: list[wire.Imported] = []
    for path in paths or [last]:
        token = f"{os.getpid()}-{len(told)}"
        file = str(Path(path).absolute())
        command = wire.Import(
            file, folder, account_id, token, given.dialect or "", not given.mail_only, not given.mail_only
        )
        told.append(session.engine.ask_long(command, wire.Imported, token))
        if told[-1].stopped:
            break
    lost = sum(one.lost for one in told)
    failed = f"{lost} messages could not be imported." if lost else ""
    contacts = sum(one.contacts.lost for one in told if one.contacts is not None)
    failed = failed or (f"{contacts} contacts could not be imported." if contacts else "")
    if any(one.stopped for one in told):
        failed = "The import was stopped; what had come stays, and the same command brings the rest."
    return Result(_document(told), "\n".join(_lines(told)), failed=failed)


def _account_id(session: Session, folder: str) -> int:
    """The account whose folder it is; 0: the one of this computer."""
    if session.arguments.account:
        return int(session.account().id)
    if not folder or not session.accounts():
        return 0
    with contextlib.suppress(MailError):
        return int(session.folder(folder).account_id)
    return int(session.account().id)


def _document(told: list[wire.Imported]) -> dict[str, object]:
    return {
        "found": sum(one.found for one in told),
        "imported": sum(one.imported for one in told),
        "lost": sum(one.lost for one in told),
        "octets": sum(one.octets for one in told),
        "program": next((one.program for one in told if one.program), None),
        "folders": [asdict(folder) | {"folder_id": str(folder.folder_id)} for one in told for folder in one.folders],
        "left_out": [asdict(left) for one in told for left in one.left],
        "accounts": [name for one in told for name in one.accounts],
        "tags": [asdict(tag) for one in told for tag in one.tags],
        "stopped": any(one.stopped for one in told),
        "contacts": {
            name: sum(getattr(one.contacts, name) for one in told if one.contacts is not None)
            for name in ("found", "imported", "here", "lost")
        },
    }


def _lines(told: list[wire.Imported]) -> list[str]:
    found, taken, lost = (sum(getattr(one, name) for one in told) for name in ("found", "imported", "lost"))
    rows = [(one.name, str(one.found), str(one.imported), one.digest[:16]) for each in told for one in each.folders]
    lines = [table(rows)] if len(rows) > 1 else []
    lines += [f"Account “{name}” was added, without its password." for one in told for name in one.accounts]
    lines += [f"Left out: {one.what} ({one.count}). {one.why}" for each in told for one in each.left]
    lines += [
        f"{one.found} contacts found, {one.imported} imported, {one.here} here already, {one.lost} lost."
        for each in told
        if (one := each.contacts) is not None
    ]
    return [*lines, f"{found} messages found, {taken} imported, {lost} lost."]


def export(session: Session) -> Result:
    """``export FOLDER PATH``, ``export PATH``: oldest first, no byte lost; a whole account without FOLDER."""
    given = session.arguments
    *folders, last = given.words
    if len(folders) > 1:
        raise UsageError("export takes one folder, or none for the whole account")
    file = str(Path(last).absolute())
    folder = session.folder(folders[0]) if folders else None
    account_id = folder.account_id if folder else session.account().id
    if given.flags and given.form != "mbox":
        raise UsageError("--flags is for an mbox; a Maildir says flags and tags anyway, and .eml files have no place")
    token = f"{os.getpid()}"
    command = wire.Export(file, account_id, folder.id if folder else None, given.form, token, given.flags)
    told = session.engine.ask_long(command, wire.Exported, token)
    document = {
        "path": file,
        "found": told.found,
        "exported": told.exported,
        "folders": [asdict(one) | {"folder_id": str(one.folder_id)} for one in told.folders],
        "left_out": [asdict(one) for one in told.left],
        "stopped": told.stopped,
    }
    lines = [f"Left out: {one.what} ({one.count}). {one.why}" for one in told.left]
    missing = told.found - told.exported
    failed = "The export was stopped; what is written stays." if told.stopped else ""
    failed = failed or f"{missing} messages were not written as they are." if missing else ""
    return Result(document, "\n".join([*lines, f"{told.exported} messages exported to {file}."]), failed=failed)


def backup(session: Session) -> Result:
    """``backup FILE``: the whole profile; read back before it counts."""
    file = str(Path(session.arguments.file).absolute())
    token = f"{os.getpid()}"
    told = session.engine.ask_long(wire.Backup(file, passphrase(session), token), wire.BackedUp, token)
    return _told(file, "Written and read back", told.messages, told.octets, told.missing, told.secrets)


def restore(session: Session) -> Result:
    """``restore FILE``: into a profile that is empty."""
    from mua.store import archive

    file = Path(session.arguments.file).absolute()
    phrase = passphrase(session)
    with files_at_the_edge():
        found = archive.restore(session.profile, file)
    if phrase:
        try:
            session.engine.ask(wire.TakeSecrets(str(file), phrase), wire.SettingsImported)
        except MailError as error:
            text = f"The mail is here, its passwords are not: {error.text} Enter them in the settings."
            raise MailError(error.kind, error.retry, text, error.detail, error.code) from error
    return _told(str(file), "Restored", found.messages, found.octets, found.missing, bool(phrase))


def _told(file: str, did: str, messages: int, octets: int, missing: int, secrets: bool) -> Result:
    document = {"file": file, "messages": messages, "octets": octets, "missing": missing, "with_passwords": secrets}
    failed = f"{missing} messages had no bytes to copy; the rest is complete." if missing else ""
    with_them = "with" if secrets else "without"
    return Result(document, f"{did}: {messages} messages, {with_them} passwords ({file}).", failed=failed)


COMMANDS = {"import": import_files, "export": export, "backup": backup, "restore": restore}
