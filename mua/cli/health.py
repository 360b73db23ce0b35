"""How each account is, for people, for scripts, and as a bundle for a report."""

import dataclasses
from pathlib import Path

from mua import wire
from mua.cli.documents import Document, date_json
from mua.cli.session import Result, Session
from mua.model.quota import Quota

_TIMES = ("woken_at", "checked_at", "paused_until")


def health(session: Session) -> Result:
    """``health`` and ``health --bundle FILE``."""
    if session.arguments.bundle:
        path = Path(session.arguments.bundle).absolute()
        session.engine.ask(wire.SaveBundle(str(path)), wire.Done)
        return Result({"path": str(path)}, f"Saved {path}; nothing private is in it, but look before you share it.")
    chosen = session.account().id if session.arguments.account else None
    names = {int(one.id): one.name for one in session.accounts()}
    told = session.engine.ask(wire.Health(chosen), wire.HealthTold).accounts
    documents = [_document(one, names.get(one.account_id, "")) for one in told]
    return Result(documents, "\n\n".join(map(_text, documents)) or "No account yet.")


def _document(one: wire.AccountHealth, name: str) -> Document:
    document: Document = {"account": name, "host": "", "state": ""} | _all(one)
    document["id"] = str(document.pop("account_id"))
    return document | {key: date_json(document[key] or None) for key in _TIMES}


def _all(one: wire.AccountHealth) -> Document:
    """Every field, also one that has its default."""
    return {key: list(value) if isinstance(value, tuple) else value for key, value in dataclasses.asdict(one).items()}


def _text(one: Document) -> str:
    if not one["host"]:
        return f"{one['account']}: mail on this computer only."
    lines = [
        f"{one['account']}: {one['state'] or 'not started'}, {one['incoming']} at {one['host']}:{one['port']}",
        f"  server       {one['software'] or 'does not say what it is'}",
        f"  protection   {one['tls'] or one['security']}, log-in by {one['mechanism'] or '?'}",
        f"  in use       {' '.join(one['in_use']) or 'nothing'}",
        f"  quirks       {' '.join(one['quirks']) or 'none'}",
        f"  connections  {one['connections']} open, {one['allowed'] or 'as many as wanted'} allowed",
        f"  last wake    {one['woken_at'] or 'never'} {one['woken_by']}",
        f"  last checked {one['checked_at'] or 'never'}",
        f"  messages     {one['on_server']} on the server, {one['in_store']} here, {one['with_body']} with their text",
        f"  waiting      {one['not_indexed']} to be indexed, {one['wishes']} to be changed on the server",
        f"  octets       {one['octets_in']} in, {one['octets_out']} out",
    ]
    lines += [f"  room         {Quota(**quota)}" for quota in one["quotas"]]
    if one["paused_until"]:
        lines.append(f"  next try     {one['paused_until']}, after {one['failures']} failures")
    return "\n".join(lines + [f"  problem      {text}" for text in one["problems"]])


def verify(session: Session) -> Result:
    """``verify [--all] [--rebuild]``."""
    wanted = wire.VerifyIndex(session.arguments.all, session.arguments.rebuild)
    told = session.engine.ask(wanted, wire.IndexVerified)
    document: Document = dataclasses.asdict(told)
    lines = [
        f"  messages   {told.messages:,}, {told.indexed:,} of them in the index, {told.waiting:,} waiting for it",
        f"  missing    {told.missing:,}",
        f"  surplus    {told.surplus:,}",
        f"  not found  {told.wrong:,} of {told.checked:,} that were looked for by their own words",
    ]
    if told.damaged:
        lines.append("  The index is damaged.")
    if told.repairing:
        lines.append("It is being mended in the background; searching goes on meanwhile.")
    whole = "The index is whole." if not told.repairing else "The index:"
    return Result(document, "\n".join([whole, *lines]))


COMMANDS = {"health": health, "verify": verify}
