"""How each account is: connections, extensions, wakes, lag, bytes; and a bundle of it that strangers may read."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mua import __version__, wire
from mua.engine.files import writable
from mua.jsonable import to_json
from mua.masking import masked
from mua.model.account import Account
from mua.model.connection import Facts
from mua.model.quota import warning
from mua.plan.redact import redacted
from mua.store import read

if TYPE_CHECKING:
    from mua.engine.main import Engine
    from mua.engine.pulse import Pulse

LOG_TAIL = 256 * 1024  # octets of the log that a bundle holds
NEWEST = 5000  # messages whose words are looked for in it, to be taken out
# What Mua uses of what servers offer (RFC numbers in net/imap).
USED = frozenset(
    "AUTH ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS SPECIAL-USE ESEARCH IDLE ID NAMESPACE UIDPLUS MOVE"
    " LITERAL+ LITERAL- SASL-IR UNSELECT UTF8=ACCEPT IMAP4REV2 QUOTA NOTIFY COMPRESS APPENDLIMIT OBJECTID"
    " X-GM-EXT-1 PREVIEW STATUS=SIZE STARTTLS"
    " UIDL TOP PIPELINING STLS SASL UTF8 LOGIN-DELAY".split()
)


def health(engine: Engine, command: wire.Health) -> wire.HealthTold:
    """Every account's health, or one's."""
    db = engine.store.reader()
    lag = read.unindexed(db, engine.indexer.mark)
    chosen = [one for one in read.accounts(db) if command.account_id in (None, one.id)]
    return wire.HealthTold(tuple(_account_health(engine, one, lag.get(one.id, 0)) for one in chosen))


def _account_health(engine: Engine, account: Account, lag: int) -> wire.AccountHealth:
    db, server = engine.store.reader(), account.incoming_server
    worker = engine.workers_by_id(account.id).get(account.id)
    pulse = None if worker is None else worker.pulse
    folders = read.folders(db, account.id)
    problems = [one for one in read.problems(db) if one.account_id == account.id]
    quotas = tuple(read.quotas(db, account.id))
    full = warning(server.host if server else "", quotas, [(one.name, one.octets) for one in folders if not one.space])
    return wire.AccountHealth(
        account_id=account.id,
        incoming=account.incoming,
        host=server.host if server else "",
        port=server.port if server else 0,
        security=server.security if server else "",
        state=engine.states[account.id].state if account.id in engine.states else "",
        checked_at=read.synced_at(db, account.id),
        on_server=sum(one.state.on_server for one in folders),
        in_store=sum(one.total for one in folders),
        with_body=sum(one.with_body for one in folders),
        not_indexed=lag,
        wishes=read.wishes_of(db, account.id),
        problems=(
            *(one.text for one in problems),
            *(one.problem for one in folders if one.problem),
            *([full] if full else []),
        ),
        codes=tuple(one.code for one in problems) + ("nearly-full",) * bool(full),
        quotas=quotas,
        **({} if pulse is None else _pulse(pulse)),
    )


def _pulse(pulse: Pulse) -> dict[str, Any]:
    facts, count = pulse.facts()
    received, sent = pulse.octets()
    return {
        "software": _software(facts),
        "tls": facts.tls,
        "mechanism": facts.mechanism,
        "offered": facts.capabilities,
        "in_use": tuple(one for one in facts.capabilities if _is_used(one) and one not in facts.quirks),
        "enabled": facts.enabled,
        "quirks": facts.quirks + ("one-connection",) * pulse.alone,
        "compressed": facts.compressed,
        "connections": count,
        "allowed": 1 if pulse.alone else 0,
        "woken_at": pulse.woken_at,
        "woken_by": pulse.woken_by,
        "octets_in": received,
        "octets_out": sent,
        "failures": pulse.failures,
        "paused_until": pulse.paused_until,
    }


def _is_used(capability: str) -> bool:
    return capability in USED or capability.split("=")[0] in USED


def _software(facts: Facts) -> str:
    told = {key.lower(): value for key, value in facts.server}
    return " ".join(filter(None, (told.get("name", ""), told.get("version", ""))))


# ---- the bundle


def save_bundle(engine: Engine, command: wire.SaveBundle) -> wire.Done:
    """Write a file for a report of a problem: no secret, no address, no subject, no name of a person is in it."""
    path = Path(command.path)
    private = set(_private(engine))
    hosts = [server.host for one in read.accounts(engine.store.reader()) for server in _servers(one)]

    def clean(text: str) -> str:
        return redacted(masked(text), private, hosts)

    accounts = [to_json(_clean(one, clean)) for one in health(engine, wire.Health()).accounts]
    document = {
        "mua": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "accounts": accounts,
        "log": clean(_log_tail(engine.profile.log_file)).splitlines(),
    }
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    with writable(path):
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(text, "utf-8")
    return wire.Done()


def _clean(one: wire.AccountHealth, clean: Callable[[str], str]) -> wire.AccountHealth:
    """What a server said of itself, and sentences: everything else in it is numbers and words of ours."""
    offered = tuple(map(clean, one.offered))
    problems = tuple(map(clean, one.problems))
    quotas = tuple(replace(quota, root=clean(quota.root), resource=clean(quota.resource)) for quota in one.quotas)
    return replace(one, software=clean(one.software), offered=offered, problems=problems, quotas=quotas)


def _log_tail(path: Path) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - LOG_TAIL))
        return log.read().decode("utf-8", "replace")


def _private(engine: Engine) -> Iterator[str]:
    """Whatever a person would not show to strangers and might stand in a log or in a server's words."""
    db = engine.store.reader()
    for one in read.accounts(db):
        yield from (one.name, one.email, one.email.partition("@")[0], one.full_name, *one.full_name.split())
        yield from (server.user for server in _servers(one))
    yield from (part for one in read.folders(db) if not one.role for part in one.name.split(one.delimiter or "\0"))
    yield from read.words_of_newest(db, NEWEST)
    yield from (str(engine.profile.root), str(Path.home()), platform.node())


def _servers(account: Account) -> list[Any]:
    return [one for one in (account.incoming_server, account.submission) if one is not None]
