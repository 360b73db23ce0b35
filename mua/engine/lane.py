"""One lane of the sender: some messages on their way to a submission server, a domain, or a host that a rule names.

A lane is a task.  It opens a connection, sends its pieces one after the other, and writes each verdict before it goes
on; it remembers nothing that the store does not know, save whether it is at the dot.

Rules of the file:
- ``phase = dot`` is on disk before the final dot is on the wire (``before_dot``), the verdict before QUIT.
- A verdict is on its way to the disk before anything else is done; it may share a commit with the next message's begin,
  or with its dot, where that was begun ahead (docs/decisions/0056).
- A reply that cannot be written (disk full) is held and written as soon as it can be: it is never asked for again.
- A reply that limits how much may be sent pauses the lane (``plan/limits``): it was an attempt for the message that got
  it, for the others it is none.
- A mistake of ours, which a server's words may have found, is an attempt: never one that is made again at once.
- What concerns the account or the network is no attempt: the recipients are deferred without being counted, and the
  account gets a problem.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mua import wire
from mua.engine.commits import Commits
from mua.engine.context import Context
from mua.engine.direct_mx import Attempt, Line, Names
from mua.engine.levels import Levels
from mua.engine.rates import Rates
from mua.engine.sts import Policies
from mua.engine.tokens import REFUSED
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE, SMTP, word
from mua.model.account import Account, AccountId, DirectOptions, Route, Server, Side
from mua.model.outgoing import OutgoingId, Phase, Recipient, RecipientState
from mua.model.way import Hop, Way
from mua.net.awake import Awake
from mua.net.smtp import deliver, open_submission
from mua.net.smtp_body import Body, BodyFacts, has_utf8_header
from mua.net.smtp_outcome import Job, Outcome, announced_size, stale
from mua.net.smtp_refusal import setup_error
from mua.net.smtp_transaction import BeforeDot, Session
from mua.net.smtp_wire import Timeouts
from mua.plan import limits, retry, sts
from mua.plan.preflight import Offer
from mua.plan.routes import NO_DOMAIN
from mua.store import dispatch, wire_files
from mua.store.db import Tx
from mua.store.dispatch import Verdict
from mua.store.outbox import Due

LOCAL_SLEEP = 5.0  # seconds before the disk is tried again
SAID = 300  # characters of a server's words in the log
LARGE = 1 << 20  # octets of a message whose way is shown
SMALL = 64 << 10  # octets of a message that may be begun before the one before it has its verdict
PROGRESS_PAUSE = 0.25  # seconds
ACCOUNT_WAIT = 3600  # seconds before an account that needs a person is tried without one
OWN_DISK = frozenset({"disk-full", "disk-error", "store-damaged"})  # codes that are no account's problem

Place = tuple[AccountId, Way]  # of a lane: whose, and where it leads


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing more is sent by a lane before ``until`` (UTC seconds), in a person's words why."""

    until: int
    text: str


@dataclass(slots=True)
class _Unwritten:
    """Verdicts on their way to the disk; ``eased``: the server took a message, so that a limit is over."""

    write: Callable[[Tx], None]
    done: "asyncio.Future[None]"
    eased: bool


class TakenBack(Exception):
    """A person took a recipient back in the last moment: the final dot is not written."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some recipients of one message, for one lane."""

    due: Due
    addresses: tuple[str, ...]

    def joined(self, due: Due, address: str) -> "Piece":
        """With one more recipient of the same message, who may have been asked for apart."""
        both = replace(self.due, recipients=self.due.recipients | due.recipients)
        return Piece(both, (*self.addresses, address))


@dataclass(slots=True)
class Means:
    """What every lane is given, and what they learn about accounts together.

    ``stumble`` is told when the store cannot be written; ``awake`` surrounds each transaction; ``refused`` says since
    when an account needs a person; ``paused`` which lanes wait because of a limit, ``limited`` which messages met one
    since the last was accepted; ``single`` where no message is begun ahead.
    """

    context: Context
    timeouts: Timeouts
    names: Callable[[DirectOptions], Names]
    lot: Callable[[], float]
    stumble: Callable[[MailError], float]
    awake: Awake
    policies: Policies
    levels: Levels
    commits: Commits
    rates: Rates
    reported: set[AccountId] = field(default_factory=set)
    refused: dict[AccountId, int] = field(default_factory=dict)
    paused: dict[Place, Pause] = field(default_factory=dict)
    limited: dict[Place, list[OutgoingId]] = field(default_factory=dict)
    single: set[Place] = field(default_factory=set)


class Lane:
    """One run: ``pieces`` of one account, by one way."""

    def __init__(self, means: Means, account: Account, way: Way, pieces: Sequence[Piece]) -> None:
        self.confirming = False  # at the dot: to be waited for, not cut off
        self.leaving = False  # no further piece
        self._means = means
        self._context = means.context
        self._account = account
        self._way = way
        self._place: Place = (account.id, way)
        met = means.limited.get(self._place, ())  # a limit may be of one message only: the others go first
        self._pieces = sorted(pieces, key=lambda one: one.due.id in met)
        self.trying: tuple[OutgoingId, tuple[str, ...]] | None = None  # what is on its way now
        self._ahead: tuple[OutgoingId, Job] | None = None  # was begun behind the message before it
        self._unwritten: _Unwritten | None = None
        self.carried: frozenset[OutgoingId] = frozenset(piece.due.id for piece in pieces)

    async def run(self) -> None:
        """Send the pieces.  Raises MailError when the store cannot be written."""
        try:
            if self._way.hop is Hop.SUBMISSION:
                await self._submit()
            else:
                await self._send_directly()
        except MailError as error:
            await self._postpone(error)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it must not be tried again at once
            await self._break_off(error)

    # -- through the submission server

    async def _submit(self) -> None:
        """Over one connection, as long as it lasts."""
        session: Session | None = None
        try:
            while self._pieces and not self._halted():
                fresh = session is None or not session.usable
                if session is None or not session.usable:
                    session = await self._open()
                    offer = Offer(announced_size(session), session.has("SMTPUTF8"))
                    self._means.levels.offered(session.host, offer)  # composers tell by it what is too large
                await self._attempt(self._pieces[0], self._submission(session, fresh))
                self._pieces.pop(0)
            await self._settled()
        finally:
            if session is not None:
                await session.quit()

    async def _open(self) -> Session:
        account, means = self._account, self._means
        server = account.submission
        if account.route is not Route.SMTP or server is None:
            text = f"“{account.name}” has no server for sending; add one in its settings."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-route")
        session = await self._log_in(account, server)
        self._context.logged_in(account.id, session.mechanism, Side.OUTGOING)
        if account.id in means.reported:
            means.reported.discard(account.id)
            self._context.all_well(account.id, Side.OUTGOING)
        return session

    async def _log_in(self, account: Account, server: Server) -> Session:
        """A session; a token that the server refuses is renewed once."""

        async def attempt(password: str, token: str = "") -> Session:
            return await open_submission(
                server, password, account.ca_file, allow_plaintext=account.allow_plaintext,
                timeouts=self._means.timeouts, certificate=account.client_cert,
                before=self._context.mechanism(account.id, Side.OUTGOING), token=token,
            )  # fmt: skip

        if not server.user:
            return await attempt("")
        if account.oauth is None:
            return await attempt(await asyncio.to_thread(self._context.password, account))
        token = await asyncio.to_thread(self._context.token, account, "")
        try:
            return await attempt("", token)
        except MailError as error:
            if error.code not in REFUSED:
                raise
        return await attempt("", await asyncio.to_thread(self._context.token, account, token))

    def _submission(self, session: Session, fresh: bool) -> "Send":
        async def send(job: Job, before_dot: BeforeDot) -> Attempt:
            progress = self._progress(job)
            with self._means.awake:
                outcomes = await deliver(
                    session, job, before_dot=before_dot, progress=progress, follow=self._following
                )  # fmt: skip
            if self._ahead is not None and any(one.state is RecipientState.UNKNOWN for one in outcomes):
                self._means.single.add(self._place)  # in case that it was what followed the dot which broke it
            problem = setup_error(outcomes, session.host)
            if problem is not None:
                raise problem
            return Attempt(outcomes, stale=not fresh and stale(outcomes))

        return send

    def _following(self) -> Job | None:
        """The next message, where it is small and nothing is left to look up: its envelope travels with this dot."""
        self._ahead = None
        if len(self._pieces) < 2 or self.leaving or self._place in self._means.single:
            return None
        due, addresses = self._pieces[1].due, self._pieces[1].addresses
        if not due.digest or due.eight_bit or due.size > SMALL or not self._means.rates.allow(addresses):
            return None
        body = Body(self._file(due), BodyFacts(due.size, False, digest=due.digest))
        self._ahead = (
            due.id,
            Job(due.envelope_from, addresses, body, due.envid, due.notify, due.terms, self._context.now()),
        )
        return self._ahead[1]

    def _progress(self, job: Job) -> Callable[[int], None]:
        """Notes how far a large message is and tells the clients, a few times a second."""
        loop, total = asyncio.get_running_loop(), job.body.facts.size
        told, outgoing_id = 0.0, self._pieces[0].due.id

        def tell(sent: int) -> None:
            nonlocal told
            if total >= LARGE and (sent >= total or loop.time() - told >= PROGRESS_PAUSE):
                told = loop.time()
                with self._context.store.write() as tx:
                    dispatch.has_gone(tx, outgoing_id, job.recipients, min(sent, total))
                self._context.publish(wire.Progress(self._account.id, "sending", min(sent, total), total))

        return tell

    def _halted(self) -> bool:
        """No further piece now; what a limit leaves over waits with its reason, and our own pace leaves it due."""
        while self._pieces and not self._means.rates.allow(self._pieces[0].addresses):
            self._pieces.pop(0)
        pause = self._means.paused.get(self._place)
        if pause is not None:
            hold(self._context, self._pieces, pause, self._context.now())
        if self.leaving or pause is not None or not self._pieces:
            return True
        self._means.rates.count(self._pieces[0].addresses)  # at once: another lane may ask while this one waits
        return False

    # -- to the exchangers, or to a host that a rule names

    async def _send_directly(self) -> None:
        account, means, way = self._account, self._means, self._way
        line = Line(
            way, account.direct, means.names(account.direct), lot=means.lot, timeouts=means.timeouts,
            awake=means.awake, ca_file=account.ca_file, levels=means.levels,
        )  # fmt: skip
        try:
            while self._pieces and not self._halted():
                await self._attempt(self._pieces[0], self._exchange(self._pieces[0].due, line))
                self._pieces.pop(0)
            await self._settled()
        finally:
            await line.close()

    def _exchange(self, due: Due, line: Line) -> "Send":
        async def settle(outcomes: Sequence[Outcome]) -> None:
            await self._record(due, Attempt(list(outcomes)))
            await self._settled()

        async def send(job: Job, before_dot: BeforeDot) -> Attempt:
            if self._way.host == NO_DOMAIN:
                text = "5.1.3 This is not an address that mail can be delivered to."
                refused = (Outcome(a, RecipientState.REFUSED, Phase.CONNECT, None, text) for a in job.recipients)
                return Attempt(list(refused))
            policy = await self._policy(line.names) if self._way.hop is Hop.DIRECT else None
            return await line.deliver(job, before_dot=before_dot, settle=settle, policy=policy)

        return send

    async def _policy(self, names: Names) -> sts.Policy | None:
        account = self._account
        return await self._means.policies.of(self._way.host, names, account.ca_file, account.direct.allow_private_mx)

    # -- one attempt, step by step on disk

    async def _attempt(self, piece: Piece, send: "Send") -> None:
        """Begin, send, write the verdicts.  Raises MailError when the account or this computer cannot."""
        due, ahead, self._ahead = piece.due, self._ahead, None
        self.confirming = False
        job = ahead[1] if ahead is not None and ahead[0] == due.id else None
        addresses = piece.addresses if job is not None else await self._begin(piece)
        if not addresses:
            return

        def at_dot(tx: Tx, admitted: tuple[str, ...]) -> None:
            if job is not None and len(dispatch.begin(tx, due.id, addresses, due.wire_file)) < len(addresses):
                raise TakenBack
            if not dispatch.at_dot(tx, due.id, admitted):
                raise TakenBack

        async def before_dot(admitted: tuple[str, ...]) -> None:
            self.confirming = True  # before it is on disk: a lane that is cut off in between leaves nothing unknown
            try:
                marked = self._means.commits.soon(lambda tx: at_dot(tx, admitted), durable=True)
                await self._settled()
                await marked
            except BaseException:
                self.confirming = False
                raise

        self.trying = (due.id, addresses)
        try:
            attempt = await send(job or self._job(due, addresses, await self._body(due)), before_dot)
        except OSError as error:
            if self.confirming:  # whatever it is, the message may have been sent: settled as unknown
                raise
            attempt = Attempt([_unreadable(address, error) for address in addresses])
        except TakenBack:  # for some; the others are sent it anew
            attempt = Attempt([_begun_anew(address) for address in addresses], stale=True)
        finally:
            self.trying = None
        await self._record(due, attempt, only_as=due.wire_file if job is not None else "")

    async def _begin(self, piece: Piece) -> tuple[str, ...]:
        """The attempt is on disk (not durably); returns whom it is for."""
        due = piece.due
        begun = self._means.commits.soon(lambda tx: dispatch.begin(tx, due.id, piece.addresses, due.wire_file))
        await self._settled()
        return tuple(await begun)

    def _job(self, due: Due, addresses: tuple[str, ...], body: Body) -> Job:
        return Job(due.envelope_from, addresses, body, due.envid, due.notify, due.terms, self._context.now())

    def _file(self, due: Due) -> Path:
        return wire_files.wire_path(self._context.store.profile, due.wire_file)

    async def _body(self, due: Due) -> Body:
        """The frozen message.  OSError when it cannot be read."""
        path = self._file(due)
        if not due.digest:
            return await asyncio.to_thread(Body.of, path)
        utf8 = due.eight_bit and await asyncio.to_thread(_has_utf8_header, path)
        return Body(path, BodyFacts(due.size, due.eight_bit, digest=due.digest, utf8=utf8))

    async def _record(self, due: Due, attempt: Attempt, *, only_as: str = "") -> None:
        """Begin to write the verdicts, durably; ``_settled`` sees to it that they are.  ``only_as``: the message was
        begun ahead, so that a person may have put it off until its dot: then it is not this file any more.
        """
        await self._settled()
        now = self._context.now()
        pause = self._pause(due.id, attempt, now)
        verdicts = [self._verdict(due, outcome, attempt, now, pause) for outcome in attempt.outcomes]
        if not verdicts:
            return
        for verdict in verdicts:
            self._tell(due, verdict.recipient)
        eased = pause is None and any(one.state is RecipientState.ACCEPTED for one in attempt.outcomes)

        def write(tx: Tx) -> None:
            if only_as and not dispatch.is_frozen_as(tx, due.id, only_as):
                return
            dispatch.record(tx, due.id, verdicts, now)
            if eased and (met := self._means.limited.get(self._place)):  # whoever waits because of the limit is due
                dispatch.wake(tx, now, only=self._account.id, also=met)

        self._unwritten = _Unwritten(write, self._means.commits.soon(write, durable=True), eased)

    async def _settled(self) -> None:
        """The last verdicts are on disk; when it refuses, insist: they cannot be asked for again."""
        while (last := self._unwritten) is not None:
            try:
                await last.done
                self._unwritten = None
                if last.eased:
                    self._means.limited.pop(self._place, None)
            except MailError as error:
                self._means.stumble(error)
                await asyncio.sleep(LOCAL_SLEEP)
                last.done = self._means.commits.soon(last.write, durable=True)

    def _tell(self, due: Due, one: Recipient) -> None:
        """The line in the log, and the count, of one attempt for one recipient."""
        self._context.tally.add("mua_attempts_total", f'state="{one.state}"')
        SMTP.info(
            "outgoing %d: %s at %s: from=<%s> to=<%s> host=%s tls=%s code=%s %s", due.id, one.state, one.phase or "-",
            word(due.envelope_from), word(one.address), word(one.host) or "-", one.tls or "-", one.code or "-",
            one.text[:SAID],
        )  # fmt: skip

    def _limit(self, outcome: Outcome) -> limits.Limit | None:
        """What is about the lane.  "For good" is about the recipient, save where a submission server may mean its
        customer; and by LMTP a reply to the dot is a mailbox's own (RFC 2033 s.4.2), in the words of its owner.
        """
        for_good = outcome.state is RecipientState.REFUSED and self._way.hop is not Hop.SUBMISSION
        its_own = outcome.phase is Phase.DONE and self._way.hop is Hop.LMTP
        return None if outcome.at_once or for_good or its_own else limits.limit(outcome.code, outcome.text)

    def _pause(self, outgoing_id: OutgoingId, attempt: Attempt, now: int) -> Pause | None:
        """The pause of this lane that the replies ask for."""
        met = [(found, one) for one in attempt.outcomes if (found := self._limit(one)) is not None]
        if not met or attempt.stale:
            return None
        found, one = max(met, key=lambda pair: pair[0] is limits.Limit.DAY)
        before = self._means.limited.setdefault(self._place, [])
        who = f"The servers of {self._way.host}" if self._way.host else f"The server of “{self._account.name}”"
        much = "for today" if found is limits.Limit.DAY else "at a time"
        text = f"{who} limits how much it takes {much}, and answered another message: {one.code} {one.text}"
        pause = self._means.paused[self._place] = Pause(now + limits.pause(found, one.text, len(before)), text)
        before.append(outgoing_id)
        SMTP.info("a limit was met; the lane pauses for %d seconds", pause.until - now)
        return pause

    def _verdict(self, due: Due, outcome: Outcome, attempt: Attempt, now: int, pause: Pause | None) -> Verdict:
        attempts, postponed = due.recipients[outcome.address]
        one = Recipient(
            outcome.address,
            outcome.state,
            outcome.phase,
            outcome.code,
            outcome.text,
            host=outcome.host,
            tls=outcome.tls,
            unmet=outcome.unmet,
        )
        said = outcome.dialogue
        limited = pause is not None and self._limit(outcome) is not None
        if limited and outcome.state is RecipientState.REFUSED:  # "daily limit exceeded" with a 5: not for good
            one = replace(one, state=RecipientState.DEFERRED)
            outcome = replace(outcome, state=RecipientState.DEFERRED)
        if outcome.state is not RecipientState.DEFERRED:
            return Verdict(one, said)
        if attempt.stale:
            return Verdict(replace(one, next_attempt=now), said, counted=False)
        if attempt.offline:
            return Verdict(replace(one, next_attempt=retry.postponed(postponed + 1, now)), said, counted=False)
        if outcome.at_once:
            return Verdict(replace(one, next_attempt=now), said)
        when = retry.next_attempt(
            attempts=attempts + 1,
            since=due.since,
            now=now,
            lot=self._means.lot(),
            text=outcome.text if outcome.code else "",
        )
        if when is None:
            return Verdict(replace(one, state=RecipientState.REFUSED, text=f"Given up after 4 days: {one.text}"), said)
        if limited and pause is not None:
            when = pause.until
        return Verdict(replace(one, next_attempt=when), said)

    async def _postpone(self, error: MailError) -> None:
        """Nothing was attempted: everyone waits, uncounted, with the reason; the account has a problem."""
        await self._settled()
        account, means, now = self._account, self._means, self._context.now()

        def again(postponed: int) -> int:
            return _later(error, postponed + 1, now)

        _put_off(self._context, self._pieces, error.text, _phase(error), again, now)
        if error.code not in OWN_DISK:
            means.reported.add(account.id)
            if error.kind is Kind.ACCOUNT:
                means.refused[account.id] = now
            self._context.report(account.id, error, Side.OUTGOING)

    async def _break_off(self, error: Exception) -> None:
        """A mistake of ours, which a server may have brought about: for the message it was an attempt that failed."""
        ENGINE.error("sending stopped: %s", error, exc_info=error)
        await self._settled()
        if not self._pieces:
            return
        piece, now = self._pieces[0], self._context.now()

        def end(tx: Tx) -> list[str]:
            return dispatch.break_off(tx, piece.due.id, piece.addresses, now)

        left = await self._means.commits.write(end, durable=True)
        await self._record(piece.due, Attempt([_mistaken(address) for address in left]))
        await self._settled()


Send = Callable[[Job, BeforeDot], Awaitable[Attempt]]


def hold(context: Context, pieces: Sequence[Piece], pause: Pause, now: int) -> None:
    """Nothing was attempted, because of a limit: everyone waits until it may be over.  Raises MailError (disk)."""
    _put_off(context, pieces, pause.text, Phase.NONE, lambda _: pause.until, now)


def _put_off(
    context: Context, pieces: Sequence[Piece], text: str, phase: Phase, when: Callable[[int], int], now: int
) -> None:
    """Defer, uncounted; ``when`` is given how often that happened before in a row."""
    with context.store.write(durable=True) as tx:
        for piece in pieces:
            if not dispatch.is_frozen_as(tx, piece.due.id, piece.due.wire_file):  # it was put off meanwhile
                continue
            waits = [
                Recipient(address, RecipientState.DEFERRED, phase, text=text, next_attempt=when(postponed))
                for address in piece.addresses
                for _, postponed in [piece.due.recipients[address]]
            ]
            dispatch.record(tx, piece.due.id, [Verdict(one, counted=False) for one in waits], now)


def _begun_anew(address: str) -> Outcome:
    return Outcome(address, RecipientState.DEFERRED, Phase.DATA, None, "")


def _mistaken(address: str) -> Outcome:
    text = "Mua made a mistake while it sent this, which its log describes; it goes on trying."
    return Outcome(address, RecipientState.DEFERRED, Phase.NONE, None, text)


def _has_utf8_header(path: Path) -> bool:
    with path.open("rb") as file:
        return has_utf8_header(file)


def _unreadable(address: str, error: OSError) -> Outcome:
    """A file that is gone will not come back; rights, a disk, or too many open files can be put right in time."""
    why = error.strerror or error
    if isinstance(error, FileNotFoundError) or error.errno is None:  # or is not what was frozen
        text = f"The message cannot be read from this computer's disk any more ({why})."
        return Outcome(address, RecipientState.REFUSED, Phase.NONE, None, text)
    text = f"The message cannot be read from this computer's disk ({why}); Mua goes on trying."
    return Outcome(address, RecipientState.DEFERRED, Phase.NONE, None, text)


def _phase(error: MailError) -> Phase:
    if error.code in (
        "wrong-password",
        "app-password",
        "password-disabled",
        "no-mechanism",
        "no-password",
        "weaker-log-in",
        "token-refused",
        "signed-out",
    ):
        return Phase.AUTH
    if error.code.startswith(("certificate", "tls", "no-starttls")):
        return Phase.TLS
    return Phase.CONNECT


def _later(error: MailError, tries: int, now: int) -> int:
    """A server that is away is looked for often; a password that is wrong is not tried again and again."""
    return now + ACCOUNT_WAIT if error.kind is Kind.ACCOUNT else retry.postponed(tries, now)
