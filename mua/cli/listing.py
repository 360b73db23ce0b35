"""Commands that list: folders, list, search.  They ask the store, and start no engine."""

import time

from mua.cli.documents import date_json, folder_document, message_document, table
from mua.cli.session import Result, Session
from mua.model.message import Flag, MessageRow
from mua.store import index, read


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
    from mua.plan.search import parse

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


COMMANDS = {"folders": folders, "list": listing, "search": search}
