"""Delivering directly to the mail exchangers of one domain (RFC 5321 s.5), or to one host that a rule names.

Rules of the file:
- Hosts are tried in order of preference; what one of them decided about a recipient is final for this attempt, unless
  the host itself failed or deferred, then the next one is asked about that recipient.
- After a loss at the final dot no other exchanger is tried: the first may have the message.
- What an exchanger has to offer is for ``plan/protection`` to decide (``demands`` asks for what that needs); what does
  not come about is deferred.
- Where nobody demands anything TLS is opportunistic (RFC 7435): used when offered, whatever the certificate says; when
  STARTTLS is refused or the handshake fails the message goes in clear to the same host, since anyone who can bring that
  about could also hide the offer.  A reply injected behind the 220 is no failed handshake, and defers.
- Addresses that do not answer use up nothing but time.
- The connection that took a message is kept for the next one (s.4.5.4.2 of RFC 5321 speaks of that in passing), while
  nothing more is demanded than it has; when it turns out to be closed, nothing was attempted.
"""

import asyncio
import platform
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from mua.engine.demands import Demands, Vouched, find_demands
from mua.engine.levels import Levels
from mua.log import SMTP
from mua.model.account import DirectOptions
from mua.model.outgoing import Phase, RecipientState
from mua.model.way import Hop, Way
from mua.net.awake import Awake
from mua.net.dns import known_addresses
from mua.net.smtp import Exchanger, HostFailed, deliver, open_exchanger
from mua.net.smtp_outcome import Job, Outcome, announced_size, stale
from mua.net.smtp_transaction import BeforeDot, Session
from mua.net.smtp_wire import Timeouts
from mua.plan import dane, sts
from mua.plan.mx import (
    AddressAnswer,
    MxAnswer,
    Status,
    Target,
    Targets,
    Verdict,
    exchangers,
    forbidden,
    lacking,
    literal,
    targets,
)
from mua.plan.preflight import Offer
from mua.plan.protection import Best, By, Demand, Level, Protection, Trouble
from mua.plan.retry import greylisted
from mua.records import dataclass

MAX_ANSWERED = 5  # exchangers that answered and took nothing: the next one will not either
MAX_SECONDS = 600  # for connecting, over all addresses
MAX_RECIPIENTS = 50  # of one transaction (RFC 5321 s.4.5.3.1.8 makes servers take 100)
MAX_QUESTIONS = 10  # look-ups at once
MAX_USES = 100  # messages over one connection


Settle = Callable[[Sequence[Outcome]], Awaitable[None]]


class Names(Vouched, Protocol):
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

    ``offline``: there is no network, the attempt does not count; ``stale``: nothing was attempted at all, since the
    connection had been closed since it was used before, or a person took one of several recipients back.
    """

    outcomes: list[Outcome]
    offline: bool = False
    stale: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """A session that took a message, ``protected`` like this, under the domain's ``policy``."""

    session: Session
    protected: Best
    policy: sts.Policy | None


class Line:
    """The way to one destination; keeps its last connection from one message to the next, until ``close``.

    ``way.host`` is a domain (A-label or literal) whose exchangers are looked up with ``names``, or the host itself.
    ``awake`` surrounds each transaction; ``levels`` remembers how well mail to a domain was protected; ``ca_file``
    (PEM) is trusted beside the system's authorities.
    """

    def __init__(
        self,
        way: Way,
        options: DirectOptions,
        names: Names,
        *,
        lot: Callable[[], float],
        levels: Levels,
        timeouts: Timeouts | None = None,
        awake: Awake | None = None,
        ca_file: str = "",
    ) -> None:
        self.way, self.options, self.names = way, options, names
        self.timeouts, self.awake, self.ca_file = timeouts or Timeouts(), awake or Awake(), ca_file
        self._lot, self._levels = lot, levels
        self._kept: Kept | None = None
        self._uses = 0  # of the kept session

    async def deliver(
        self, job: Job, *, before_dot: BeforeDot, settle: Settle, policy: sts.Policy | None = None
    ) -> Attempt:
        """One attempt for the recipients of ``job``, all at this destination; ``policy`` binds mail to the domain.

        ``settle`` is given what an exchanger decided for good, before anything else happens; the rest is returned.
        Raises what ``before_dot`` raises, and OSError when the message cannot be read.
        """
        round_trip = _Round(self, job, before_dot, settle, policy)
        kept = await self._take(policy)
        if kept is not None and await round_trip.again(kept):
            return round_trip.result()
        found = await self._targets()
        if isinstance(found, Verdict):
            return Attempt([_undeliverable(address, found) for address in round_trip.pending], found.offline)
        await round_trip.run(found.found, await self._demands(found, policy))
        if self.way.hop is Hop.DIRECT:
            self._levels.note(self.way.host, round_trip.reached, round_trip.held)
        return round_trip.result()

    @property
    def port(self) -> int:
        """The port of the servers."""
        return self.options.mx_port if self.way.hop is Hop.DIRECT else self.way.port

    async def _targets(self) -> Targets | Verdict:
        if self.way.hop is Hop.DIRECT:
            return await find_targets(self.way.host, self.options, self.names, self._lot())
        try:
            return Targets(tuple(Target(self.way.host, one) for one in await known_addresses(self.way.host)))
        except OSError as error:
            text = f"{self.way.host} could not be looked up: {error.strerror or error}."
            return Verdict(False, "4.4.3", text, offline=True)  # it was named by a person, and nobody was asked yet

    async def _demands(self, found: Targets, policy: sts.Policy | None) -> Demands:
        if self.way.hop is Hop.DIRECT:
            return await find_demands(self.way.host, found, self.port, self.names, self._levels, policy)
        return Demands.none(self.way.host)

    async def _take(self, policy: sts.Policy | None) -> Kept | None:
        """The connection of the last message, if it may carry this one."""
        kept, self._kept = self._kept, None
        if kept is None:
            return None
        direct = self.way.hop is Hop.DIRECT
        enough = not direct or kept.protected.level >= self._levels.best(self.way.host, (), policy).level
        if enough and kept.policy == policy and kept.session.usable and self._uses < MAX_USES:
            return kept
        await kept.session.quit()
        return None

    async def keep(self, kept: Kept, *, again: bool = False) -> None:
        """A transaction is over: the connection may carry the next message."""
        self._uses = self._uses + 1 if again else 1
        await self.close()
        if kept.session.usable:
            self._kept = kept
        else:
            await kept.session.quit()

    def offered(self, session: Session) -> None:
        """An exchanger of the domain said what it takes; remembered for whoever writes to it."""
        if self.way.hop is Hop.DIRECT:
            self._levels.offered(self.way.host, Offer(announced_size(session), session.has("SMTPUTF8")))

    async def close(self) -> None:
        """No further message."""
        kept, self._kept = self._kept, None
        if kept is not None:
            await kept.session.quit()


async def find_targets(domain: str, options: DirectOptions, names: Names, lot: float) -> Targets | Verdict:
    """Where to deliver mail for ``domain``, in order, or why nowhere."""
    address = literal(domain)
    if address is not None:
        if forbidden(domain, address, options):
            return Verdict(True, "5.4.6", f"{domain} is an address of this computer's own network.")
        return Targets((Target(domain, address),))
    answer = await names.mx(domain)
    hosts = exchangers(domain, answer, lot)
    if isinstance(hosts, Verdict):
        return hosts
    gate = asyncio.Semaphore(MAX_QUESTIONS)

    async def ask(host: str) -> AddressAnswer:
        async with gate:
            return await names.addresses(host)

    known = dict(zip(hosts, await asyncio.gather(*map(ask, hosts)), strict=True))
    found = targets(domain, hosts, known, options, lot)
    if isinstance(found, Verdict):
        return found
    secure = answer.secure or answer.status is Status.NO_DATA  # the domain itself: its own address is what counts
    whole = tuple(replace(one, bases=dane.bases(one.host, secure, known[one.host])) for one in found)
    return Targets(whole, lacking(answer, found))


def ehlo_name(options: DirectOptions) -> str:
    """The name that the account says, else this computer's where it is a full one; empty: its address literal is used
    (RFC 5321 s.4.1.4).
    """
    name = options.ehlo or platform.node()
    return name if "." in name.strip(".") and name.isascii() and not name.endswith(".local") else ""


class _Round:
    """One walk over the targets; keeps who is settled.  ``reached``: how well what was accepted was protected."""

    def __init__(self, line: Line, job: Job, before_dot: BeforeDot, settle: Settle, policy: sts.Policy | None) -> None:
        self.reached: Best | None = None
        self._less: set[str] = set()  # sentences that say that there was better protection before
        self._line, self._job, self._policy = line, job, policy
        self._before_dot, self._settle = before_dot, settle
        self._outcomes: dict[str, Outcome] = {}
        self.pending = list(job.recipients)
        self._asked: set[str] = set()  # who has named its verdicts, as ``Session.host``
        self._answered = 0
        self._unreachable = True

    async def again(self, kept: Kept) -> bool:
        """Over a connection that carried a message before.  False: someone is left, and others are to be asked."""
        await self._with(kept, again=True)
        return not self.pending

    async def run(self, found: tuple[Target, ...], demands: Demands) -> None:
        """Try the targets until everyone is settled."""
        loop = asyncio.get_running_loop()
        end = loop.time() + MAX_SECONDS
        for target in found:
            if not self.pending or self._answered >= MAX_ANSWERED or loop.time() > end:
                return
            line, wanted = self._line, demands.of[target.host]
            exchanger = Exchanger(
                target.host, target.address, line.port, line.way.hop is Hop.LMTP, wanted.domain,
                demands.standings[target.host],
            )  # fmt: skip
            if exchanger.label in self._asked:
                continue
            if not wanted.ladder:
                self._leave_out(wanted, target.host, demands)
            elif (session := await self._open(exchanger, wanted, demands)) is not None:
                await self._with(Kept(session, _protected(session, wanted.by), self._policy))

    async def _with(self, kept: Kept, *, again: bool = False) -> None:
        try:
            if not again:
                self._line.offered(kept.session)
            await self._deliver(kept, again=again)
        except BaseException:
            await kept.session.quit()
            raise
        await self._line.keep(kept, again=again)

    @property
    def held(self) -> bool:
        """Somebody waits only because less is offered than there was before."""
        return any(self._outcomes[address].text in self._less for address in self.pending)

    def result(self) -> Attempt:
        """The outcomes of those whom nobody settled."""
        return Attempt([self._outcomes[address] for address in self.pending], self._unreachable)

    async def _open(self, exchanger: Exchanger, wanted: Demand, demands: Demands) -> Session | None:
        """A session with the exchanger, protected as it has to be; None: on to the next one."""
        for protection in wanted.ladder:
            try:
                return await open_exchanger(
                    exchanger, protection, ca_file=self._line.ca_file, ehlo=ehlo_name(self._line.options),
                    transcript=demands.transcript(exchanger.name), timeouts=self._line.timeouts,
                )  # fmt: skip
            except HostFailed as failed:
                self._answered += failed.outcome.phase is not Phase.CONNECT
                self._unreachable &= failed.unreachable
                self._note(self._explained(failed, wanted), self.pending)
                if failed.trouble is not Trouble.BROKEN or protection is not Protection.WHATEVER:
                    return None
                SMTP.info("%s: TLS failed, in clear: %s", exchanger.name, failed)
        return None

    def _leave_out(self, wanted: Demand, host: str, demands: Demands) -> None:
        """Without calling it."""
        self._unreachable = False
        said = demands.transcript(host).text
        outcome = Outcome("", RecipientState.DEFERRED, Phase.CONNECT, None, wanted.refusal, host, dialogue=said)
        if wanted.by is By.EARLIER:
            self._less.add(wanted.refusal)
            self._note(outcome, self.pending)
        else:
            self._note(outcome, [address for address in self.pending if address not in self._outcomes])

    def _explained(self, failed: HostFailed, wanted: Demand) -> Outcome:
        """Why TLS that failed was needed, for a person; what failed is in the dialogue."""
        outcome = failed.outcome
        text = wanted.sentence(outcome.host, failed.trouble) if outcome.phase is Phase.TLS else ""
        if not text:
            return outcome
        if wanted.by is By.EARLIER:
            self._less.add(text)
        return replace(outcome, code=None, text=text, dialogue=f"{outcome.dialogue}\n{outcome.text}".strip())

    def _note(self, outcome: Outcome, addresses: list[str]) -> None:
        """Remember the last failure; words of a server are worth more than a connection that did not come about."""
        for address in addresses:
            known = self._outcomes.get(address)
            if known is None or known.code is None or outcome.code is not None:
                self._outcomes[address] = replace(outcome, address=address)

    async def _deliver(self, kept: Kept, *, again: bool) -> None:
        session, todo, still = kept.session, self.pending, list[str]()
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
            if any(one.state is RecipientState.ACCEPTED for one in outcomes):
                self.reached = kept.protected
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


def _protected(session: Session, by: By) -> Best:
    """How well an open session is protected; ``by`` what verified it, where it is."""
    if session.verified:
        return Best(Level.VERIFIED, by)
    return Best(Level.TLS if session.tls else Level.CLEAR)


def _undeliverable(address: str, verdict: Verdict) -> Outcome:
    state = RecipientState.REFUSED if verdict.permanent else RecipientState.DEFERRED
    return Outcome(address, state, Phase.CONNECT, None, f"{verdict.status} {verdict.text}")
