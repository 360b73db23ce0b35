"""Commands that bring mail in from files and take it out again: import, export."""

import contextlib
import os
from dataclasses import asdict
from pathlib import Path

from mua import wire
from mua.cli.documents import table
from mua.cli.session import Result, Session, files_at_the_edge
from mua.errors import MailError
from mua.store import read


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
        command = wire.Import(file, folder, account_id, token, given.dialect or "", not given.mail_only)
        told.append(session.engine.ask(command, wire.Imported))
    lost = sum(one.lost for one in told)
    failed = f"{lost} messages could not be imported." if lost else ""
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
    }


def _lines(told: list[wire.Imported]) -> list[str]:
    found, taken, lost = (sum(getattr(one, name) for one in told) for name in ("found", "imported", "lost"))
    rows = [(one.name, str(one.found), str(one.imported), one.digest[:16]) for each in told for one in each.folders]
    lines = [table(rows)] if len(rows) > 1 else []
    lines += [f"Account “{name}” was added, without its password." for one in told for name in one.accounts]
    lines += [f"Left out: {one.what} ({one.count}). {one.why}" for each in told for one in each.left]
    return [*lines, f"{found} messages found, {taken} imported, {lost} lost."]


def export(session: Session) -> Result:
    """``export FOLDER FILE.mbox``: oldest first, mboxrd, no byte lost."""
    from mua.mime import mbox

    ids = list(read.folder_order(session.db, session.folder(session.arguments.folder).id))
    path = Path(session.arguments.file)
    with files_at_the_edge(), path.open("wb") as stream:
        for one in reversed(ids):
            row = session.message(str(one))
            sender = row.sender[0].address if row.sender else ""
            mbox.append(stream, session.raw(row), sender, row.date)
    return Result({"path": str(path), "exported": len(ids)}, f"{len(ids)} messages exported to {path}.")


COMMANDS = {"import": import_files, "export": export}
