"""What is known of domains before a letter goes to them directly.

Rules of the file: only where a person agreed, since each look-up tells the resolver whom they write to; nothing but the
DNS is asked, and no exchanger or web server of a domain is called: what they say comes from earlier mail.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import accounts
from mua.engine.demands import find_standings
from mua.engine.direct_mx import find_targets
from mua.model.account import DirectOptions
from mua.model.outlook import Outlook
from mua.net.dns import Resolver
from mua.plan import preflight as plan
from mua.plan import sts
from mua.plan.mx import Verdict
from mua.plan.routes import NO_DOMAIN, domain_of
from mua.store import protection
from mua.store.db import Db

if TYPE_CHECKING:
    from mua.engine.main import Engine

PATIENCE = 8.0  # seconds for all of it: a person is typing
MAX_DOMAINS = 50


def preflight(engine: Engine, command: wire.Preflight) -> wire.Foreseen:
    """The outlook of each domain that could be looked up in time; no answer is no outlook."""
    options = accounts.find(engine, command.account_id).direct
    domains = tuple(dict.fromkeys(domain_of(f"x@{one}") for one in command.domains[:MAX_DOMAINS]))
    return wire.Foreseen(asyncio.run(look_ahead(domains, options, engine.store.reader(), engine.context.now())))


async def look_ahead(domains: tuple[str, ...], options: DirectOptions, db: Db, now: int) -> tuple[Outlook, ...]:
    """The outlooks of domains (A-labels); ``now`` in UTC seconds."""
    resolver = Resolver(options.dns, PATIENCE)
    tasks = [asyncio.ensure_future(_one(one, options, resolver, db, now)) for one in domains if one != NO_DOMAIN]
    if not tasks:
        return ()
    done, late = await asyncio.wait(tasks, timeout=PATIENCE)
    for task in late:
        task.cancel()
    return tuple(task.result() for task in tasks if task in done)


async def _one(domain: str, options: DirectOptions, resolver: Resolver, db: Db, now: int) -> Outlook:
    found, texts = await asyncio.gather(
        find_targets(domain, options, resolver, 0.5), resolver.texts(f"_mta-sts.{domain}")
    )
    if isinstance(found, Verdict):
        return plan.refused(domain, found)
    standings = await find_standings(found.found, options.mx_port, resolver)
    known = protection.known(db, domain, now)
    return plan.outlook(domain, standings.values(), bool(sts.record_id(texts)), known, protection.offer(db, domain))
