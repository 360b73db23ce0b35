"""Where a message comes from: what receives its account's mail, and whether its signatures hold.

Rules of the file: the DNS is asked only where a person agreed, since the name of a key may be made for one message
and tell its sender that it is read; what is found is kept, and asked again only where nobody could tell.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import acts, folders
from mua.mime.journey import Header, learned
from mua.mime.scan import MAX_HEADER, body_start, split_fields
from mua.mime.verify import Answers, check, questions
from mua.mime.words import decode_words
from mua.model.account import AccountId
from mua.model.evidence import Evidence, Outcome
from mua.model.message import MessageId
from mua.net.dns import Resolver
from mua.plan.mx import Status
from mua.store import origin

if TYPE_CHECKING:
    from mua.engine.main import Engine

PATIENCE = 8.0  # seconds for all of it
AGAIN = 3_600  # seconds after which an account's mail is looked at again


def examine(engine: Engine, command: wire.Examine) -> wire.Done:
    """Learn, and check where that is wanted."""
    found = acts.rows_of(engine, [MessageId(command.message_id)])[0]
    _learn(engine, found.account_id)
    if command.ask and _is_open(origin.evidence(engine.store.reader(), found.id)):
        raw = engine.context.bodies.get(found.id)
        if raw is not None:
            dns = folders.account(engine, found.account_id).direct.dns
            answers = asyncio.run(_asked(questions(raw), Resolver(dns, PATIENCE)))
            evidence = check(raw, answers, engine.context.now())
            with engine.store.write() as tx:
                origin.set_evidence(tx, found.id, evidence)
    return wire.Done()


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
