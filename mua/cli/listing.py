"""Commands that list: folders, list, search.  They ask the store, and start no engine (but for ``search --server``)."""

import time
from collections.abc import Sequence

from mua.cli.documents import date_json, folder_document, message_document, table
from mua.cli.session import Result, Session
from mua.model import naming
from mua.model.account import AccountId
from mua.model.message import Flag, MessageRow
from mua.store import find, read


def folders(session: Session) -> Result:
    """``folders``."""
    found = [
        (one.name, folder) for one in session.accounts() for folder in read.folders(session.db, one.id, shown=True)
    ]
    lines = [(name, folder.name, folder.role, folder.unread, folder.total) for name, folder in found]
    documents = [folder_document(folder, name, read.policy(session.db, folder.id)) for name, folder in found]
    return Result(documents, table(lines))


def listing(session: Session) -> Result:
    """``list FOLDER``."""
    ids = read.folder_order(session.db, session.folder(session.arguments.folder).id)
    return _messages(session, list(ids[: session.arguments.limit]))


def search(session: Session) -> Result:
    """``search QUERY [--server]``: what this computer finds, then what only the servers find."""
    from mua.plan.search import Scope, parse

    text, limit = " ".join(session.arguments.query), session.arguments.limit
    chosen = session.account().id if session.arguments.account else None
    wanted = parse(text, int(time.time()), None).within(Scope(chosen))
    here = find.find(session.db, wanted, limit)
    return _search_servers(session, text, limit, chosen, here) if session.arguments.server else _found(session, here)


def _search_servers(session: Session, text: str, limit: int, chosen: AccountId | None, here: list[int]) -> Result:
    from mua import wire

    asked = session.engine.ask(wire.SearchServers(text, chosen, max(limit, 1)), wire.ServersSearched)
    found = _found(session, here, [one for one in asked.messages if one not in set(here)][:limit])
    if not asked.problems:
        return found
    error = {"code": asked.codes[0], "text": asked.problems[0]}
    return Result({"error": error, "messages": found.document}, found.text, failed=" ".join(asked.problems))


def _found(session: Session, here: list[int], there: Sequence[int] = ()) -> Result:
    found = _messages(session, [*here, *there])
    for document in found.document:
        document["where"] = "server" if int(document["id"]) in there else "local"
    return found


def _messages(session: Session, ids: list[int]) -> Result:
    names = {one.id: one.name for one in read.accounts(session.db)}
    where = {folder.id: folder.name for folder in read.folders(session.db, shown=True)}
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
    return naming.people(row.sender)


COMMANDS = {"folders": folders, "list": listing, "search": search}
