"""The command that makes here and there agree: sync."""

from mua import wire
from mua.cli.documents import table
from mua.cli.session import Result, Session
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


COMMANDS = {"sync": sync}
