"""Commands that read: sync, folders, list, search, show, inspect, save."""

import argparse
import time
from pathlib import Path

from mua import wire
from mua.cli.documents import CONTROLS, folder_document, message_document, table
from mua.cli.session import Result, Session, file_bytes, files_at_the_edge
from mua.errors import Kind, MailError, Retry
from mua.mime.message import part_bytes
from mua.mime.view import date_json, view, view_json
from mua.model.address import Address
from mua.model.message import Flag, MessageRow, MessageView, flag_names
from mua.plan.search import parse
from mua.store import index, read


def sync(session: Session) -> Result:
    """``sync``: pull, push, send what is due; then what each folder holds."""
    chosen = session.account().id if session.arguments.account else None
    done = session.engine.ask(wire.Sync(chosen, session.arguments.until_complete), wire.Synced)
    stored = read.in_store(session.db, index.index_mark(session.db))
    documents = []
    for one in session.accounts():
        for folder in read.folders(session.db, one.id):
            here, bodies, indexed = stored.get(folder.id, (0, 0, 0))
            documents.append(
                {
                    "account": one.name,
                    "folder": folder.name,
                    "on_server": folder.state.on_server,
                    "in_store": here,
                    "with_body": bodies,
                    "indexed": indexed,
                }
            )
    if done.problems:
        document = {"error": {"code": done.codes[0], "text": done.problems[0]}, "folders": documents}
        return Result(document, failed=" ".join(done.problems))
    lines: list[tuple[str, ...]] = [("folder", "on server", "here", "bodies", "indexed")]
    keys = ("folder", "on_server", "in_store", "with_body", "indexed")
    lines += [tuple(str(one[key]) for key in keys) for one in documents]
    return Result(documents, table(lines))


def folders(session: Session) -> Result:
    """``folders``."""
    found = [(one.name, folder) for one in session.accounts() for folder in read.folders(session.db, one.id)]
    lines = [(name, folder.name, folder.role, folder.unread, folder.total) for name, folder in found]
    return Result([folder_document(folder, name) for name, folder in found], table(lines))


def listing(session: Session) -> Result:
    """``list FOLDER``."""
    ids = read.folder_order(session.db, session.folder(session.arguments.folder).id)
    return _messages(session, list(ids[: session.arguments.limit]))


def search(session: Session) -> Result:
    """``search QUERY``."""
    query = parse(" ".join(session.arguments.query), int(time.time()))
    chosen = session.account().id if session.arguments.account else None
    return _messages(session, index.find(session.db, query, max(session.arguments.limit, 0), chosen))


def _messages(session: Session, ids: list[int]) -> Result:
    names = {one.id: one.name for one in read.accounts(session.db)}
    where = {folder.id: folder.name for folder in read.folders(session.db)}
    rows = read.rows(session.db, ids)
    documents = [message_document(row, names[row.account_id], where.get(row.folder_id, "")) for row in rows]
    lines = [
        (
            row.id,
            " " if row.flags & Flag.SEEN else "*",
            (date_json(row.date) or "")[:10],
            _who(row)[:24],
            row.subject[:70],
        )
        for row in rows
    ]
    return Result(documents, table(lines))


def _who(row: MessageRow) -> str:
    return (row.sender[0].name or row.sender[0].address) if row.sender else ""


def show(session: Session) -> Result:
    """``show ID``."""
    row = session.message(session.arguments.id)
    return _shown(session.arguments, session.raw(row), flag_names(row.flags, row.keywords))


def inspect(session: Session) -> Result:
    """``inspect FILE.eml``."""
    return _shown(session.arguments, file_bytes(session.arguments.file), [])


def _shown(arguments: argparse.Namespace, raw: bytes, flags: list[str]) -> Result:
    if arguments.raw:
        return Result(None, raw=raw)
    shown = view(raw)
    text = CONTROLS.sub("", shown.html) if arguments.html else shown.text if arguments.text else _readable(shown)
    return Result(view_json(shown, flags), text)


def _readable(shown: MessageView) -> str:
    head = [f"From: {_list(shown.sender)}", f"To: {_list(shown.to)}"]
    head += [f"Cc: {_list(shown.cc)}"] if shown.cc else []
    head += [f"Date: {date_json(shown.date) or '?'}", f"Subject: {shown.subject}"]
    head += [f"Attachment {one.part}: {one.name} ({one.type}, {one.size} octets)" for one in shown.attachments]
    head += [f"Warning: {one}" for one in shown.warnings]
    return "\n".join(head) + "\n\n" + shown.text


def _list(people: tuple[Address, ...]) -> str:
    return ", ".join(map(str, people))


def save(session: Session) -> Result:
    """``save ID PART DIR``: never over an existing file."""
    row = session.message(session.arguments.id)
    try:
        attached, data = part_bytes(session.raw(row), session.arguments.part)
    except KeyError:
        text = f"The message has no part {session.arguments.part}."
        raise MailError(Kind.MESSAGE, Retry.ASK, text, code="no-such-part") from None
    folder = Path(session.arguments.folder)
    with files_at_the_edge():
        folder.mkdir(parents=True, exist_ok=True)
        path = _write_new(folder, attached.name or f"part-{attached.part}", data)
    return Result({"path": str(path), "name": path.name, "size": len(data)}, f"Saved {path}")


def _write_new(folder: Path, name: str, data: bytes) -> Path:
    for number in range(1, 10_000):
        path = folder / (name if number == 1 else f"{Path(name).stem} ({number}){Path(name).suffix}")
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(name)
