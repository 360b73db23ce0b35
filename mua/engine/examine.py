"""Where a message comes from: what receives its account's mail, and whether its signatures hold.

Rules of the file: the DNS is asked only where a person agreed, since the name of a key may be made for one message
and tell its sender that it is read; what is found is kept, and asked again only where nobody could tell.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import accounts, acts
from mua.jsonable import from_json
from mua.mime.journey import Header, learned
from mua.mime.list_fields import list_fields
from mua.mime.scan import MAX_HEADER, body_start, split_fields
from mua.mime.verify import Answers, check, completed, questions
from mua.mime.words import decode_words
from mua.model.account import AccountId
from mua.model.evidence import Evidence, Outcome
from mua.model.message import MessageId, MessageView
from mua.net.dns import Resolver
from mua.plan.mx import Status
from mua.store import origin, read

if TYPE_CHECKING:
    from mua.engine.main import Engine

PATIENCE = 8.0  # seconds for all of it
AGAIN = 3_600  # seconds after which an account's mail is looked at again


def examine(engine: Engine, command: wire.Examine) -> wire.Done:
    """Learn, and check where that is wanted."""
    found = acts.rows_of(engine, [MessageId(command.message_id)])[0]
    _learn(engine, found.account_id)
    known = origin.evidence(engine.store.reader(), found.id)
    if known is not None and not _is_open(known):
        _complete(engine, found.id, known)
    elif command.ask:
        raw = engine.context.bodies.get(found.id)
        if raw is not None:
            dns = accounts.find(engine, found.account_id).direct.dns
            answers = asyncio.run(_asked(questions(raw), Resolver(dns, PATIENCE)))
            evidence = check(raw, answers, engine.context.now())
            with engine.store.write() as tx:
                origin.set_evidence(tx, found.id, evidence)
    return wire.Done()


def _complete(engine: Engine, message_id: MessageId, known: Evidence) -> None:
    """Note what evidence of an earlier version does not say, of a message whose list can be left by one click."""
    view = read.view_json(engine.store.reader(), message_id, wire.VIEW_VERSION)
    if view is None or any(one.covers_leaving for one in known.signatures):
        return
    fields = list_fields(from_json(MessageView, json.loads(view)).headers)
    raw = engine.context.bodies.get(message_id) if fields.one_click else None
    if raw is None:
        return
    better = completed(raw, known)
    if better != known:
        with engine.store.write() as tx:
            origin.set_evidence(tx, message_id, better)


def _is_open(evidence: Evidence | None) -> bool:
    """Whether something could be found out that is not known."""
    return evidence is None or any(one.outcome is Outcome.UNKNOWN for one in evidence.signatures)


async def _asked(names: tuple[str, ...], resolver: Resolver) -> Answers:
    async def one(name: str) -> list[str] | None:
        found = await resolver.records(name, "TXT")
        gone = found.status in (Status.NO_NAME, Status.NO_DATA)
        return list(found.values) if found.status is Status.FOUND else [] if gone else None

    return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))


def _learn(engine: Engine, account_id: AccountId) -> None:
    db, now = engine.store.reader(), engine.context.now()
    if 0 <= now - origin.learned_at(db, account_id) < AGAIN:
        return
    samples = [
        (domain, _headers(raw))
        for one, domain in origin.samples(db, account_id)
        if (raw := engine.context.bodies.get(one))
    ]
    trust = learned(samples)
    with engine.store.write() as tx:
        origin.set_trust(tx, account_id, trust, now)


def _headers(raw: bytes) -> list[Header]:
    fields, _ = split_fields(raw[: min(body_start(raw), MAX_HEADER)])
    return [(name, decode_words(value)) for name, value in fields if name in ("received", "authentication-results")]
