"""What has to be known before the exchangers of a domain are called: their TLSA records, beside the domain's policy and
what mail to it had before.  ``plan/protection`` decides what follows.
"""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from mua.engine.levels import Levels
from mua.net.smtp_wire import Transcript
from mua.plan import dane, sts
from mua.plan.dane import Stance, Standing, TlsaAnswer
from mua.plan.mx import Target, Targets, literal
from mua.plan.protection import Best, Demand, demand
from mua.records import dataclass

MAX_QUESTIONS = 10  # look-ups at once


class Vouched(Protocol):
    """What is needed of a resolver."""

    def tlsa(self, base: str, port: int) -> Awaitable[TlsaAnswer]:
        """The TLSA records of a host's port."""

    def unvalidated(self) -> Awaitable[str]:
        """Why nothing that it says is known to be validated by DNSSEC; empty where it validates."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What is demanded of each exchanger of a domain, by its name; ``notes`` begin the dialogue with each."""

    of: Mapping[str, Demand]
    standings: Mapping[str, Standing]
    notes: tuple[str, ...] = ()

    @classmethod
    def none(cls, host: str) -> "Demands":
        """Nothing is demanded of the host that a person named."""
        return cls({host: demand(host, host, Standing(), None, Best())}, {host: Standing()})

    def transcript(self, host: str) -> Transcript:
        """A record that begins with what is demanded."""
        made, standing = Transcript(), self.standings[host]
        for note in self.notes:
            made.note(note)
        if standing.stance is not Stance.UNSIGNED:
            made.note(f"DANE of {host}: {standing}")
        return made


async def find_demands(
    domain: str, targets: Targets, port: int, names: Vouched, levels: Levels, policy: sts.Policy | None
) -> Demands:
    """Ask for the TLSA records of all hosts, and put them beside what else binds."""
    found = targets.found
    standings = await find_standings(found, port, names)
    unvalidated = "" if any(one.bases for one in found) or literal(domain) else await names.unvalidated()
    unseen = (Standing(Stance.FAILED, host, why="it has no address") for host in targets.lacking)
    best = levels.best(domain, [*standings.values(), *unseen], policy)
    demands = {host: demand(domain, host, one, policy, best, unvalidated) for host, one in standings.items()}
    notes = [f"DANE not checked: {unvalidated}"] if unvalidated else []
    if policy is not None and policy.mode is not sts.Mode.NONE:
        notes.append(f"MTA-STS of {domain}: {policy.mode}, max_age {policy.max_age}")
    return Demands(demands, standings, tuple(notes))


async def find_standings(found: Sequence[Target], port: int, names: Vouched) -> dict[str, Standing]:
    """What the TLSA records of each host mean, by its name."""
    gate = asyncio.Semaphore(MAX_QUESTIONS)

    async def ask(bases: tuple[str, ...]) -> Standing:
        async with gate:
            return await _standing(bases, port, names)

    bases = {one.host: one.bases for one in found}
    return dict(zip(bases, await asyncio.gather(*map(ask, bases.values())), strict=True))


async def _standing(bases: tuple[str, ...], port: int, names: Vouched) -> Standing:
    denied = bool(bases)
    for base in bases:
        answer = await names.tlsa(base, port)
        if (found := dane.judged(base, answer)) is not None:
            return found
        denied &= answer.secure
    return Standing(Stance.ABSENT if denied else Stance.UNSIGNED)
