"""The ledger: what disappeared, when, why, until when it can be brought back; and bringing it back."""

from mua import wire
from mua.cli.documents import Document, address_json, date_json, table
from mua.cli.session import Result, Session
from mua.errors import UsageError
from mua.model.ledger import Removal
from mua.store import ledger as store
from mua.store import read


def ledger(session: Session) -> Result:
    """``ledger`` and ``ledger restore ID...``."""
    return _restore(session) if session.arguments.verb else _list(session)


def _list(session: Session) -> Result:
    names = {one.id: one.name for one in read.accounts(session.db)}
    chosen = session.account().id if session.arguments.account else None
    found = store.entries(session.db, chosen, session.arguments.limit)
    lines = [
        (one.entry, (date_json(one.at) or "")[:16], one.folder, one.subject[:50], one.reason, _outlook(one))
        for one in found
    ]
    return Result([_document(one, names[one.account_id]) for one in found], table(lines) or "Nothing has disappeared.")


def _document(one: Removal, account: str) -> Document:
    return {
        "id": str(one.entry),
        "account": account,
        "folder": one.folder,
        "uid": one.uid,
        "from": address_json(one.sender),
        "subject": one.subject,
        "message_id": one.message_id,
        "at": date_json(one.at),
        "claim": one.claim,
        "reason": one.reason,
        "restorable_until": date_json(one.restorable_until or None),
        "restored_as": None if one.restored_as is None else str(one.restored_as),
        "now_in": list(one.now_in),
    }


def _outlook(one: Removal) -> str:
    if one.now_in:
        return f"now in {', '.join(one.now_in)}"
    until = (date_json(one.restorable_until or None) or "")[:10]
    return f"restorable until {until}" if until else "not on this computer"


def _restore(session: Session) -> Result:
    given = session.arguments.entries
    wrong = [one for one in given if not (one.isdecimal() and len(one) < 19)]
    if wrong or not given:
        raise UsageError(f"{wrong[0]!r} is not an entry of the ledger" if wrong else "say which entries to restore")
    done = session.engine.ask(wire.RestoreMessages(tuple(map(int, given))), wire.Restored)
    document: Document = {"messages": [str(one) for one in done.messages], "problems": list(done.problems)}
    if done.problems:
        document["error"] = {"code": done.codes[0], "text": done.problems[0]}
    count = len(done.messages)
    text = f"{count} message{'s' * (count != 1)} brought back."
    return Result(document, text, failed=" ".join(done.problems))


COMMANDS = {"ledger": ledger}
