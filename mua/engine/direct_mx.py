"""Delivering one message directly to the mail exchangers of one domain (RFC 5321 s.5).

Rules of the file:
- Hosts are tried in order of preference; what one of them decided about a recipient is final for this attempt, unless
  the host itself failed or deferred, then the next one is asked about that recipient.
- After a loss at the final dot no other exchanger is tried: the first may have the message.
- TLS is opportunistic (RFC 7435): used when offered, whatever the certificate says; when the handshake fails the
  message goes in clear to the same host, since anyone who can break the handshake could also hide the offer.  A reply
  injected behind the 220 is no failed handshake, and defers.
- Where the domain's MTA-STS policy is enforced (RFC 8461), only exchangers that it lists are called, only verified TLS
  will do, and what does not come about is deferred.
- Addresses that do not answer use up nothing but time.
"""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from mua.log import SMTP
from mua.model.account import DirectOptions
from mua.model.outgoing import Phase, RecipientState
from mua.net.awake import Awake
from mua.net.smtp import Exchanger, HostFailed, Protection, deliver, open_exchanger
from mua.net.smtp_outcome import Job, Outcome
from mua.net.smtp_transaction import BeforeDot, Session
from mua.net.smtp_wire import Timeouts, Transcript
from mua.plan import sts
from mua.plan.mx import AddressAnswer, MxAnswer, Target, Verdict, exchangers, forbidden, literal, targets
from mua.plan.retry import greylisted
from mua.records import dataclass

MAX_ANSWERED = 5  # exchangers that answered and took nothing: the next one will not either
MAX_SECONDS = 600  # for connecting, over all addresses
MAX_RECIPIENTS = 50  # of one transaction (RFC 5321 s.4.5.3.1.8 makes servers take 100)
MAX_QUESTIONS = 10  # look-ups at once


Settle = Callable[[Sequence[Outcome]], Awaitable[None]]


class Names(Protocol):
    """What is needed of a resolver (``net.dns.Resolver``)."""

    def mx(self, domain: str) -> Awaitable[MxAnswer]:
        """The MX records of a domain."""

    def addresses(self, host: str) -> Awaitable[AddressAnswer]:
        """The addresses of a host."""

    def texts(self, name: str) -> Awaitable[list[str]]:
        """The TXT records of a name; none when nobody knows."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of one attempt: an outcome for each recipient that was not settled on the way.

    ``offline``: there is no network, the attempt does not count; ``stale``: the connection had been closed since it
    was used before, so nothing was attempted at all.
    """

    outcomes: list[Outcome]
    offline: bool = False
    stale: bool = False


async def deliver_directly(
    job: Job,
    domain: str,
    options: DirectOptions,
    names: Names,
    *,
    lot: float,
    before_dot: BeforeDot,
    settle: Settle,
    timeouts: Timeouts | None = None,
    awake: Awake | None = None,
    policy: sts.Policy | None = None,
    ca_file: str = "",
) -> Attempt:
    """One attempt for the recipients of ``job``, all in ``domain`` (A-label or literal).  ``awake`` surrounds each
    transaction; ``policy`` binds mail to the domain, ``ca_file`` (PEM) is trusted beside the system's authorities.

    ``settle`` is given what an exchanger decided for good, before anything else happens; the rest is returned.
    Raises what ``before_dot`` raises, and OSError when the message cannot be read.
    """
    timeouts = timeouts or Timeouts()
    found = await find_targets(domain, options, names, lot, policy)
    if isinstance(found, Verdict):
        return Attempt([_undeliverable(address, found) for address in job.recipients], found.offline)
    demand = Demand(domain, policy, ca_file)
    round_trip = _Round(job, options.mx_port, before_dot, settle, timeouts, awake or Awake(), demand)
    await round_trip.run(found)
    return round_trip.result()


async def find_targets(
    domain: str, options: DirectOptions, names: Names, lot: float, policy: sts.Policy | None = None
) -> tuple[Target, ...] | Verdict:
    """Where to deliver mail for ``domain``, in order, or why nowhere."""
    address = literal(domain)
    if address is not None:
        if forbidden(domain, address, options):
            return Verdict(True, "5.4.6", f"{domain} is an address of this computer's own network.")
        return (Target(domain, address),)
    hosts = exchangers(domain, await names.mx(domain), lot)
    if isinstance(hosts, Verdict):
        return hosts
    if policy is not None and policy.mode is sts.Mode.ENFORCE:
        hosts = tuple(host for host in hosts if sts.matches(host, policy.mx))
        if not hosts:
            text = f"None of the mail servers of {domain} is one that it allows (MTA-STS), so nothing was sent."
            text += " Its operator must mend that; Mua goes on trying."
            return Verdict(False, "4.7.5", text)
    gate = asyncio.Semaphore(MAX_QUESTIONS)

    async def ask(host: str) -> AddressAnswer:
        async with gate:
            return await names.addresses(host)

    answers = await asyncio.gather(*map(ask, hosts))
    return targets(domain, hosts, dict(zip(hosts, answers, strict=True)), options, lot)


def ehlo_name() -> str:
    """This computer's name where it is a full one; empty: its address literal is used (RFC 5321 s.4.1.4)."""
    name = platform.node()
    return name if "." in name.strip(".") and name.isascii() and not name.endswith(".local") else ""


@dataclass(frozen=True, slots=True)
class Demand:
    """What a domain demands of the connection."""

    domain: str
    policy: sts.Policy | None
    ca_file: str

    def ladder(self) -> tuple[Protection, ...]:
        """The protections to try with one host, one after the other."""
        enforced = self.policy is not None and self.policy.mode is sts.Mode.ENFORCE
        return (Protection.VERIFIED,) if enforced else (Protection.WHATEVER, Protection.NONE)

    def explained(self, failed: Outcome, protection: Protection) -> Outcome:
        """Why TLS that failed was needed, for a person; what failed is in the dialogue."""
        if protection is not Protection.VERIFIED or failed.phase is not Phase.TLS:
            return failed
        text = f"4.7.5 {self.domain} demands verified encryption (MTA-STS), and {failed.host} does not offer it, so"
        text += " nothing was sent. Its operator must mend that; Mua goes on trying."
        return replace(failed, code=None, text=text, dialogue=f"{failed.dialogue}\n{failed.text}".strip())

    def transcript(self) -> Transcript:
        """A record that begins with what is demanded."""
        made = Transcript()
        if self.policy is not None and self.policy.mode is not sts.Mode.NONE:
            made.note(f"MTA-STS of {self.domain}: {self.policy.mode}, max_age {self.policy.max_age}")
        return made


class _Round:
    """One walk over the targets; keeps who is settled."""

    def __init__(
        self,
        job: Job,
        port: int,
        before_dot: BeforeDot,
        settle: Settle,
        timeouts: Timeouts,
        awake: Awake,
        demand: Demand,
    ) -> None:
        self._job = job
        self._port = port
        self._before_dot = before_dot
        self._settle, self._awake = settle, awake
        self._timeouts = timeouts
        self._demand = demand
        self._outcomes: dict[str, Outcome] = {}
        self._pending = list(job.recipients)
        self._answered = 0
        self._unreachable = True

    async def run(self, found: tuple[Target, ...]) -> None:
        """Try the targets until everyone is settled."""
        loop = asyncio.get_running_loop()
        end = loop.time() + MAX_SECONDS
        for target in found:
            if not self._pending or self._answered >= MAX_ANSWERED or loop.time() > end:
                return
            session = await self._open(target)
            if session is not None:
                self._unreachable = False
                try:
                    await self._deliver(session)
                finally:
                    await session.quit()

    def result(self) -> Attempt:
        """The outcomes of those whom nobody settled."""
        return Attempt([self._outcomes[address] for address in self._pending], self._unreachable)

    async def _open(self, target: Target) -> Session | None:
        """A session with the target, in clear when TLS may fail and does; None: on to the next one."""
        exchanger = Exchanger(target.host, target.address, self._port)
        for protection in self._demand.ladder():
            try:
                return await open_exchanger(
                    exchanger, protection, ca_file=self._demand.ca_file, ehlo=ehlo_name(),
                    transcript=self._demand.transcript(), timeouts=self._timeouts,
                )  # fmt: skip
            except HostFailed as failed:
                self._answered += failed.outcome.phase is not Phase.CONNECT
                self._unreachable &= failed.unreachable
                self._note(self._demand.explained(failed.outcome, protection), self._pending)
                if not failed.handshake or protection is not Protection.WHATEVER:
                    return None
                SMTP.info("%s: TLS failed, in clear: %s", target.host, failed)
        return None

    def _note(self, outcome: Outcome, addresses: list[str]) -> None:
        """Remember the last failure; words of a server are worth more than a connection that did not come about."""
        for address in addresses:
            known = self._outcomes.get(address)
            if known is None or known.code is None or outcome.code is not None:
                self._outcomes[address] = replace(outcome, address=address)

    async def _deliver(self, session: Session) -> None:
        self._answered += 1
        todo, still = self._pending, list[str]()
        for at in range(0, len(todo), MAX_RECIPIENTS):
            part = tuple(todo[at : at + MAX_RECIPIENTS])
            if not session.usable:
                still += part
                self._note_unasked(part)
                continue
            job = replace(self._job, recipients=part)
            with self._awake:
                outcomes = await deliver(session, job, before_dot=self._before_dot)
            open_ones = [one for one in outcomes if one.next_host and not greylisted(one.code, one.text)]
            await self._settle([one for one in outcomes if one not in open_ones])
            self._outcomes.update({one.address: one for one in open_ones})
            still += [one.address for one in open_ones]
        self._pending = still

    def _note_unasked(self, addresses: tuple[str, ...]) -> None:
        text = "The connection was lost before this recipient was named."
        for address in addresses:
            self._outcomes.setdefault(
                address, Outcome(address, RecipientState.DEFERRED, Phase.MAIL, None, text, next_host=True)
            )


def _undeliverable(address: str, verdict: Verdict) -> Outcome:
    state = RecipientState.REFUSED if verdict.permanent else RecipientState.DEFERRED
    return Outcome(address, state, Phase.CONNECT, None, f"{verdict.status} {verdict.text}")
