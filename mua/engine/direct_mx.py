"""Delivering directly to the mail exchangers of one domain (RFC 5321 s.5), or to one host that a rule names.

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
- The connection that took a message is kept for the next one (s.4.5.4.2 of RFC 5321 speaks of that in passing); when it
  turns out to be closed, nothing was attempted.
"""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from mua.log import SMTP
from mua.model.account import DirectOptions
from mua.model.outgoing import Phase, RecipientState
from mua.model.way import Hop, Way
from mua.net.awake import Awake
from mua.net.dns import known_addresses
from mua.net.smtp import Exchanger, HostFailed, Protection, deliver, open_exchanger
from mua.net.smtp_outcome import Job, Outcome, stale
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
MAX_USES = 100  # messages over one connection


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


class Line:
    """The way to one destination; keeps its last connection from one message to the next, until ``close``.

    ``way.host`` is a domain (A-label or literal) whose exchangers are looked up with ``names``, or the host itself.
    ``awake`` surrounds each transaction; ``ca_file`` (PEM) is trusted beside the system's authorities.
    """

    def __init__(
        self,
        way: Way,
        options: DirectOptions,
        names: Names,
        *,
        lot: Callable[[], float],
        timeouts: Timeouts | None = None,
        awake: Awake | None = None,
        ca_file: str = "",
    ) -> None:
        self.way, self.options, self.names = way, options, names
        self.timeouts, self.awake, self.ca_file = timeouts or Timeouts(), awake or Awake(), ca_file
        self._lot = lot
        self._kept: tuple[Demand, Session] | None = None
        self._uses = 0  # of the kept session

    async def deliver(
        self, job: Job, *, before_dot: BeforeDot, settle: Settle, policy: sts.Policy | None = None
    ) -> Attempt:
        """One attempt for the recipients of ``job``, all at this destination; ``policy`` binds mail to the domain.

        ``settle`` is given what an exchanger decided for good, before anything else happens; the rest is returned.
        Raises what ``before_dot`` raises, and OSError when the message cannot be read.
        """
        demand = Demand(self.way.host, policy, self.ca_file)
        round_trip = _Round(self, job, before_dot, settle, demand)
        kept = await self._take(demand)
        if kept is not None and await round_trip.again(kept):
            return round_trip.result()
        found = await self._targets(policy)
        if isinstance(found, Verdict):
            return Attempt([_undeliverable(address, found) for address in round_trip.pending], found.offline)
        await round_trip.run(found)
        return round_trip.result()

    @property
    def port(self) -> int:
        """The port of the servers."""
        return self.options.mx_port if self.way.hop is Hop.DIRECT else self.way.port

    async def _targets(self, policy: sts.Policy | None) -> tuple[Target, ...] | Verdict:
        if self.way.hop is Hop.DIRECT:
            return await find_targets(self.way.host, self.options, self.names, self._lot(), policy)
        try:
            return tuple(Target(self.way.host, address) for address in await known_addresses(self.way.host))
        except OSError as error:
            return Verdict(False, "4.4.3", f"{self.way.host} could not be looked up: {error.strerror or error}.")

    async def _take(self, demand: "Demand") -> Session | None:
        """The connection of the last message, if it may carry this one."""
        kept, self._kept = self._kept, None
        if kept is None:
            return None
        if kept[0] == demand and kept[1].usable and self._uses < MAX_USES:
            return kept[1]
        await kept[1].quit()
        return None

    async def keep(self, demand: "Demand", session: Session, *, again: bool = False) -> None:
        """A transaction is over: the connection may carry the next message."""
        self._uses = self._uses + 1 if again else 1
        await self.close()
        if session.usable:
            self._kept = demand, session
        else:
            await session.quit()

    async def close(self) -> None:
        """No further message."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept[1].quit()


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


def ehlo_name(options: DirectOptions) -> str:
    """The name that the account says, else this computer's where it is a full one; empty: its address literal is used
    (RFC 5321 s.4.1.4).
    """
    name = options.ehlo or platform.node()
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

    def __init__(self, line: Line, job: Job, before_dot: BeforeDot, settle: Settle, demand: Demand) -> None:
        self._line, self._job, self._demand = line, job, demand
        self._before_dot, self._settle = before_dot, settle
        self._outcomes: dict[str, Outcome] = {}
        self.pending = list(job.recipients)
        self._asked: set[str] = set()  # who has named its verdicts, as ``Session.host``
        self._answered = 0
        self._unreachable = True

    async def again(self, session: Session) -> bool:
        """Over a connection that carried a message before.  False: someone is left, and others are to be asked."""
        await self._with(session, again=True)
        return not self.pending

    async def run(self, found: tuple[Target, ...]) -> None:
        """Try the targets until everyone is settled."""
        loop = asyncio.get_running_loop()
        end = loop.time() + MAX_SECONDS
        for target in found:
            if not self.pending or self._answered >= MAX_ANSWERED or loop.time() > end:
                return
            line = self._line
            exchanger = Exchanger(target.host, target.address, line.port, lmtp=line.way.hop is Hop.LMTP)
            if exchanger.label not in self._asked and (session := await self._open(exchanger)) is not None:
                await self._with(session)

    async def _with(self, session: Session, *, again: bool = False) -> None:
        try:
            await self._deliver(session, again=again)
        except BaseException:
            await session.quit()
            raise
        await self._line.keep(self._demand, session, again=again)

    def result(self) -> Attempt:
        """The outcomes of those whom nobody settled."""
        return Attempt([self._outcomes[address] for address in self.pending], self._unreachable)

    async def _open(self, exchanger: Exchanger) -> Session | None:
        """A session with the exchanger, in clear when TLS may fail and does; None: on to the next one."""
        for protection in self._demand.ladder():
            try:
                return await open_exchanger(
                    exchanger, protection, ca_file=self._demand.ca_file, ehlo=ehlo_name(self._line.options),
                    transcript=self._demand.transcript(), timeouts=self._line.timeouts,
                )  # fmt: skip
            except HostFailed as failed:
                self._answered += failed.outcome.phase is not Phase.CONNECT
                self._unreachable &= failed.unreachable
                self._note(self._demand.explained(failed.outcome, protection), self.pending)
                if not failed.handshake or protection is not Protection.WHATEVER:
                    return None
                SMTP.info("%s: TLS failed, in clear: %s", exchanger.name, failed)
        return None

    def _note(self, outcome: Outcome, addresses: list[str]) -> None:
        """Remember the last failure; words of a server are worth more than a connection that did not come about."""
        for address in addresses:
            known = self._outcomes.get(address)
            if known is None or known.code is None or outcome.code is not None:
                self._outcomes[address] = replace(outcome, address=address)

    async def _deliver(self, session: Session, *, again: bool) -> None:
        todo, still = self.pending, list[str]()
        for at in range(0, len(todo), MAX_RECIPIENTS):
            part = tuple(todo[at : at + MAX_RECIPIENTS])
            if not session.usable:
                still += part
                self._note_unasked(part)
                continue
            job = replace(self._job, recipients=part)
            with self._line.awake:
                outcomes = await deliver(session, job, before_dot=self._before_dot)
            if again and not at and stale(outcomes):  # it had been closed meanwhile: nobody was asked
                return
            open_ones = [one for one in outcomes if one.next_host and not greylisted(one.code, one.text)]
            await self._settle([one for one in outcomes if one not in open_ones])
            self._outcomes.update({one.address: one for one in open_ones})
            still += [one.address for one in open_ones]
        self.pending, self._unreachable = still, False
        self._answered += 1
        self._asked.add(session.host)

    def _note_unasked(self, addresses: tuple[str, ...]) -> None:
        text = "The connection was lost before this recipient was named."
        for address in addresses:
            self._outcomes.setdefault(
                address, Outcome(address, RecipientState.DEFERRED, Phase.MAIL, None, text, next_host=True)
            )


def _undeliverable(address: str, verdict: Verdict) -> Outcome:
    state = RecipientState.REFUSED if verdict.permanent else RecipientState.DEFERRED
    return Outcome(address, state, Phase.CONNECT, None, f"{verdict.status} {verdict.text}")
