"""The sender: empties the outbox, one thread for all accounts.

Theory of operation: the truth is in the store.  A pass asks the store who is due and hands each piece of work to a
lane: one for each account's submission server, one for each domain of direct delivery; a lane is a task that opens a
connection, sends what it was given, and writes each verdict before it goes on.  A lane that hangs holds up nobody
else.  Between passes the thread sleeps until it is poked, a lane ends, or somebody becomes due.

Rules of the file:
- ``phase = dot`` is on disk before the final dot is on the wire (``_before_dot``), the verdict before QUIT.
- A reply that cannot be written (disk full) is kept and written as soon as it can be: it is never asked for again.
- What concerns the account or the network is no attempt: the recipients are deferred without being counted, the
  account gets a problem, and a poke tries at once.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from mua import wire
from mua.engine.context import Context
from mua.engine.direct_mx import Attempt, Names, deliver_directly
from mua.engine.sent_copy import file_copies
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE, SMTP
from mua.model.account import Account, AccountId, DirectOptions, Route
from mua.model.folder import Role
from mua.model.outgoing import OutgoingId, Phase, Recipient, RecipientState
from mua.net.dns import Resolver
from mua.net.smtp import deliver, open_submission
from mua.net.smtp_body import Body
from mua.net.smtp_outcome import Job, Outcome
from mua.net.smtp_refusal import setup_error
from mua.net.smtp_transaction import BeforeDot, Session
from mua.net.smtp_wire import Timeouts
from mua.plan import retry
from mua.plan.domains import a_label, split_address
from mua.store import outbox, read
from mua.store.outbox import Due, Verdict

MAX_DIRECT = 4  # connections to exchangers at once
LONGEST_SLEEP = 60.0  # seconds; the clock may jump (suspend), then this is how late we can be
COPY_SLEEP = 2.0  # seconds between looks whether a sent copy can be filed
LOCAL_SLEEP = 5.0  # seconds before the disk is tried again
LARGE = 1 << 20  # octets of a message whose way is shown
PROGRESS_PAUSE = 0.25  # seconds
FAREWELL = 15.0  # seconds that a lane at the dot may take when the engine ends
ACCOUNT_PAUSE = 300  # seconds before a poke asks a server again that refused the account
ACCOUNT_WAIT = 3600  # seconds before an account that needs a person is tried without one

Lane = tuple[AccountId, str]  # the domain of direct delivery, or "" for the submission server


@dataclass(frozen=True, slots=True)
class Piece:
    """Some recipients of one message, for one lane."""

    due: Due
    addresses: tuple[str, ...]


class Sender:
    """Owns the outbox's thread.

    ``names`` makes the resolver of an account; ``lot`` is chance, 0..1; ``filed`` is told when a sent copy waits to be
    put on an account's server (called on the sender's thread; it must not block).
    """

    def __init__(
        self,
        context: Context,
        *,
        timeouts: Timeouts | None = None,
        names: Callable[[DirectOptions], Names] | None = None,
        lot: Callable[[], float] = random.random,
        filed: Callable[[AccountId], None] = lambda account_id: None,
    ) -> None:
        self._context = context
        self._timeouts = timeouts or Timeouts()
        self._names = names or (lambda options: Resolver(options.dns))
        self._lot = lot
        self._filed = filed
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: asyncio.Event | None = None
        self._lanes: dict[Lane, asyncio.Task[None]] = {}
        self._carried: dict[Lane, set[OutgoingId]] = {}
        self._confirming: set[Lane] = set()
        self._reported: set[AccountId] = set()
        self._refused: dict[AccountId, int] = {}  # account -> when it was found to need a person
        self._interrupted = True  # something may be left in the state "trying"
        self._stopping = self._over = False
        self._pokes = 0
        self._served = threading.Condition()
        self._quiet_at = -1  # the last poke after which nothing was left to do

    # -- from any thread

    def start(self) -> None:
        """Start the thread; what a crash left behind is settled first.  Call it before anyone can queue a message."""
        outbox.sweep(self._context.store.reader(), self._context.store.profile)
        self._thread.start()

    def poke(self) -> None:
        """There is something new, or the network is back, or a person says "now"."""
        self._pokes += 1
        self._wake()

    def stop(self) -> None:
        """End soon; a message at its final dot gets a moment for its answer.  Idempotent, does not wait."""
        self._stopping = True
        self._wake()

    def join(self, timeout: float) -> None:
        """Wait for the thread to end."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def drain(self, seconds: float) -> bool:
        """Try everything that is due now and wait until it has its verdict; False when the time was not enough."""
        self.poke()
        wanted = self._pokes
        with self._served:
            self._served.wait_for(lambda: self._quiet_at >= wanted or self._over, seconds)
            return self._quiet_at >= wanted

    def _wake(self) -> None:
        loop, changed = self._loop, self._changed
        if loop is not None and changed is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(changed.set)

    # -- the thread

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        finally:
            with self._served:
                self._over = True
                self._served.notify_all()

    async def _main(self) -> None:
        self._loop, self._changed = asyncio.get_running_loop(), asyncio.Event()
        pokes = -1
        while not self._stopping:
            self._changed.clear()
            poked, pokes = pokes != self._pokes, self._pokes
            try:
                nap = self._pass(poked)
            except MailError as error:
                nap = self._stumble(error)
            except Exception:  # noqa: BLE001 -- a mistake of ours must not end all sending
                ENGINE.exception("a pass over the outbox failed")
                nap = LONGEST_SLEEP
            else:
                self._tell_quiet(pokes)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), nap)
        await self._farewell()

    def _pass(self, poked: bool) -> float:
        """Start what is due; returns how many seconds to sleep at most."""
        context, now = self._context, self._context.now()
        if self._interrupted:
            self._recover(now)
        if poked:
            self._wake_postponed(now)
        for lane, (account, pieces) in self._work(outbox.due(context.store.reader(), now)).items():
            self._start(lane, account, pieces)
        self._look_for_unknown(now)
        return self._nap(now, self._file_copies())

    def _wake_postponed(self, now: int) -> None:
        """Whoever waits for the network or for a person is due again.

        Where the server refused a password or its certificate was bad, a poke alone does not ask again within
        ``ACCOUNT_PAUSE``: other mail is written meanwhile, and each refused login brings the account nearer to a lock.
        When the problem was taken from the account (a new password), it is asked at once.
        """
        troubled = {problem.account_id for problem in read.problems(self._context.store.reader())}
        self._refused = {one: at for one, at in self._refused.items() if one in troubled and now - at < ACCOUNT_PAUSE}
        with self._context.store.write() as tx:
            outbox.wake(tx, now, tuple(self._refused))

    def _file_copies(self) -> bool:
        """File the sent copies that are due; False when one has to wait."""
        told, complete = file_copies(self._context, outbox.copies(self._context.store.reader()))
        for account_id in told:
            self._filed(account_id)
        return complete

    def _nap(self, now: int, filed: bool) -> float:
        coming = outbox.next_due(self._context.store.reader())
        longest = LONGEST_SLEEP if filed else COPY_SLEEP
        if coming is None or coming <= now:  # what is due and not started waits for a lane to end
            return longest
        return min(longest, coming - now)

    def _stumble(self, error: MailError) -> float:
        """The store cannot be written just now."""
        ENGINE.warning("the outbox cannot go on: %s (%s)", error.text, error.detail)
        self._context.publish(wire.Notice(error.text, error.code, error.detail))
        self._interrupted = True
        return LOCAL_SLEEP

    def _tell_quiet(self, pokes: int) -> None:
        if self._lanes or outbox.due(self._context.store.reader(), self._context.now()):
            return
        with self._served:
            self._quiet_at = pokes
            self._served.notify_all()

    async def _farewell(self) -> None:
        """Lanes at the dot get a moment; the others are cut off, which is safe before the dot."""
        for lane, task in self._lanes.items():
            if lane not in self._confirming:
                task.cancel()
        if self._lanes:
            await asyncio.wait(self._lanes.values(), timeout=FAREWELL)
        for task in list(self._lanes.values()):
            task.cancel()
        await asyncio.gather(*self._lanes.values(), return_exceptions=True)
        with contextlib.suppress(MailError):  # what cannot be written now is found at the next start
            self._recover(self._context.now())

    def _recover(self, now: int) -> None:
        """Settle what ended without a verdict, lanes at work excepted."""
        busy = tuple(set[OutgoingId]().union(*self._carried.values()))
        with self._context.store.write(durable=True) as tx:
            waiting, unknown = outbox.recover(tx, now, busy)
        if waiting or unknown:
            ENGINE.info("outbox: %d recipients wait again, %d are unknown", waiting, unknown)
        self._interrupted = bool(busy)

    # -- who is due, and where

    def _work(self, found: Sequence[Due]) -> dict[Lane, tuple[Account, list[Piece]]]:
        """What is due, by lane; lanes at work are left alone."""
        work: dict[Lane, tuple[Account, list[Piece]]] = {}
        accounts: dict[AccountId, Account | None] = {}
        for due in found:
            if due.account_id not in accounts:
                accounts[due.account_id] = read.account(self._context.store.reader(), due.account_id)
            account = accounts[due.account_id]
            if account is None:
                continue
            for domain, addresses in _by_lane(account, due).items():
                lane = (account.id, domain)
                if lane not in self._lanes:
                    work.setdefault(lane, (account, []))[1].append(Piece(due, addresses))
        return work

    def _start(self, lane: Lane, account: Account, pieces: list[Piece]) -> None:
        direct = account.route is Route.DIRECT
        if direct and sum(1 for _, domain in self._lanes if domain) >= MAX_DIRECT:
            return
        run = self._send_directly(account, lane, pieces) if direct else self._submit(account, lane, pieces)
        self._carried[lane] = {piece.due.id for piece in pieces}
        task = asyncio.get_running_loop().create_task(run, name=f"lane {lane}")
        self._lanes[lane] = task
        task.add_done_callback(lambda _: self._ended(lane))

    def _ended(self, lane: Lane) -> None:
        task = self._lanes.pop(lane)
        self._carried.pop(lane, None)
        self._confirming.discard(lane)
        if self._changed is not None:
            self._changed.set()
        if task.cancelled():
            self._interrupted = True
        elif isinstance(error := task.exception(), MailError):
            self._stumble(error)
        elif isinstance(error, Exception):
            self._interrupted = True
            ENGINE.error("sending stopped: %s", error, exc_info=error)

    # -- lanes

    async def _submit(self, account: Account, lane: Lane, pieces: list[Piece]) -> None:
        """Send the pieces through the account's submission server, over one connection where it lasts."""
        session: Session | None = None
        rest = list(pieces)
        try:
            while rest and not self._stopping:
                fresh = session is None or not session.usable
                if session is None or not session.usable:
                    session = await self._open(account)
                await self._submit_one(session, account, lane, rest[0], fresh)
                rest.pop(0)
        except MailError as error:
            await self._postpone(account, rest, error)
        finally:
            if session is not None:
                await session.quit()
                SMTP.debug("%s", session.transcript.text)

    async def _open(self, account: Account) -> Session:
        server = account.submission
        if account.route is not Route.SMTP or server is None:
            text = f"“{account.name}” has no server for sending; add one in its settings."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-route")
        password = await asyncio.to_thread(self._context.password, account) if server.user else ""
        session = await open_submission(
            server, password, account.ca_file, allow_plaintext=account.allow_plaintext, timeouts=self._timeouts
        )
        if account.id in self._reported:
            self._reported.discard(account.id)
            self._context.all_well(account.id)
        return session

    async def _submit_one(self, session: Session, account: Account, lane: Lane, piece: Piece, fresh: bool) -> None:
        async def send(job: Job, before_dot: BeforeDot) -> Attempt:
            progress = self._progress(account.id, job.body.facts.size)
            outcomes = await deliver(session, job, before_dot=before_dot, progress=progress)
            problem = setup_error(outcomes, session.host)
            if problem is not None:
                raise problem
            return Attempt(outcomes, stale=not fresh and _stale(outcomes))

        await self._attempt(lane, piece, send)

    def _progress(self, account_id: AccountId, total: int) -> Callable[[int], None]:
        """Tells the clients how far a large message is, a few times a second."""
        loop, told = asyncio.get_running_loop(), 0.0

        def tell(sent: int) -> None:
            nonlocal told
            if total >= LARGE and (sent >= total or loop.time() - told >= PROGRESS_PAUSE):
                told = loop.time()
                self._context.publish(wire.Progress(account_id, "sending", min(sent, total), total))

        return tell

    async def _send_directly(self, account: Account, lane: Lane, pieces: list[Piece]) -> None:
        """Send the pieces to the exchangers of their domain."""
        options = account.direct or DirectOptions()
        names = self._names(options)
        rest = list(pieces)
        try:
            while rest and not self._stopping:
                await self._attempt(lane, rest[0], self._direct_attempt(rest[0].due, lane[1], options, names))
                rest.pop(0)
        except MailError as error:
            await self._postpone(account, rest, error)

    def _direct_attempt(
        self, due: Due, domain: str, options: DirectOptions, names: Names
    ) -> Callable[[Job, BeforeDot], Awaitable[Attempt]]:
        async def settle(outcomes: Sequence[Outcome]) -> None:
            await self._record(due, Attempt(list(outcomes)))

        async def send(job: Job, before_dot: BeforeDot) -> Attempt:
            if domain == _NO_DOMAIN:
                text = "5.1.3 This is not an address that mail can be delivered to."
                refused = (Outcome(a, RecipientState.REFUSED, Phase.CONNECT, None, text) for a in job.recipients)
                return Attempt(list(refused))
            return await deliver_directly(
                job, domain, options, names,
                lot=self._lot(), before_dot=before_dot, settle=settle, timeouts=self._timeouts,
            )  # fmt: skip

        return send

    # -- one attempt, step by step on disk

    async def _attempt(self, lane: Lane, piece: Piece, send: Callable[[Job, BeforeDot], Awaitable[Attempt]]) -> None:
        """Begin, send, write the verdicts.  Raises MailError when the account or this computer cannot."""
        context, due = self._context, piece.due
        with context.store.write() as tx:
            addresses = outbox.begin(tx, due.id, piece.addresses)
        if not addresses:
            return

        def before_dot(admitted: tuple[str, ...]) -> None:
            with context.store.write(durable=True) as tx:
                outbox.at_dot(tx, due.id, admitted)
            self._confirming.add(lane)

        try:
            body = await asyncio.to_thread(Body.of, outbox.wire_path(context.store.profile, due.wire_file))
            attempt = await send(Job(due.envelope_from, tuple(addresses), body, due.envid), before_dot)
        except OSError as error:
            attempt = Attempt([_unreadable(address, error) for address in addresses])
        await self._record(due, attempt)
        self._confirming.discard(lane)

    async def _record(self, due: Due, attempt: Attempt) -> None:
        """Write the verdicts durably; when the disk refuses, hold them and insist: they cannot be asked for again."""
        now = self._context.now()
        verdicts = [self._verdict(due, outcome, attempt, now) for outcome in attempt.outcomes]
        if not verdicts:
            return
        for outcome in attempt.outcomes:
            SMTP.info("outgoing %d: %s at %s", due.id, outcome.state, outcome.phase)
        while True:
            try:
                with self._context.store.write(durable=True) as tx:
                    outbox.record(tx, due.id, verdicts, now)
                return
            except MailError as error:
                self._stumble(error)
                await asyncio.sleep(LOCAL_SLEEP)

    def _verdict(self, due: Due, outcome: Outcome, attempt: Attempt, now: int) -> Verdict:
        attempts, postponed = due.recipients[outcome.address]
        one = Recipient(
            outcome.address,
            outcome.state,
            outcome.phase,
            outcome.code,
            outcome.text,
            host=outcome.host,
            tls=outcome.tls,
        )
        if outcome.state is not RecipientState.DEFERRED:
            return Verdict(one)
        if attempt.stale:
            return Verdict(replace(one, next_attempt=now), counted=False)
        if attempt.offline:
            return Verdict(replace(one, next_attempt=retry.postponed(postponed + 1, now)), counted=False)
        if outcome.at_once:
            return Verdict(replace(one, next_attempt=now))
        when = retry.next_attempt(
            attempts=attempts + 1,
            queued_at=due.queued_at,
            now=now,
            lot=self._lot(),
            text=outcome.text if outcome.code else "",
        )
        if when is None:
            return Verdict(replace(one, state=RecipientState.REFUSED, text=f"Given up after 4 days: {one.text}"))
        return Verdict(replace(one, next_attempt=when))

    async def _postpone(self, account: Account, pieces: Sequence[Piece], error: MailError) -> None:
        """Nothing was attempted: everyone waits, uncounted, with the reason; the account has a problem."""
        now = self._context.now()
        for piece in pieces:
            verdicts = [
                Verdict(
                    Recipient(
                        address,
                        RecipientState.DEFERRED,
                        _phase(error),
                        text=error.text,
                        next_attempt=_later(error, piece.due.recipients[address][1] + 1, now),
                    ),
                    counted=False,
                )
                for address in piece.addresses
            ]
            with self._context.store.write(durable=True) as tx:
                outbox.record(tx, piece.due.id, verdicts, now)
        if error.kind is not Kind.LOCAL or error.code.startswith(("no-", "keyring", "secrets")):
            self._reported.add(account.id)
            if error.kind is Kind.ACCOUNT:
                self._refused[account.id] = now
            self._context.report(account.id, error)

    # -- what became of the unknown

    def _look_for_unknown(self, now: int) -> None:
        """A message lost at the dot that turns up in Sent (filed by the server) or in our own inbox was sent."""
        for unknown in outbox.unknowns(self._context.store.reader()):
            found = self._found(unknown)
            if found:
                text = "The connection was lost at the end, but the message has turned up: it was sent."
                with self._context.store.write(durable=True) as tx:
                    outbox.resolve(tx, unknown.id, found, text, now)

    def _found(self, unknown: outbox.Unknown) -> tuple[str, ...]:
        db = self._context.store.reader()
        roles = {folder.id: folder.role for folder in read.folders(db, unknown.account_id)}
        rows = read.with_message_id(db, unknown.message_id, unknown.account_id)
        seen = {roles.get(row.folder_id, Role.NONE) for row in rows if row.uid is not None}
        if Role.SENT in seen and not unknown.filed:
            return unknown.addresses
        account = read.account(db, unknown.account_id)
        if account is None or Role.INBOX not in seen:
            return ()
        return tuple(address for address in unknown.addresses if address.lower() == account.email.lower())


_NO_DOMAIN = "?"


def _by_lane(account: Account, due: Due) -> dict[str, tuple[str, ...]]:
    """The due recipients by what follows the account in a lane: nothing for submission, their domain for direct."""
    if account.route is not Route.DIRECT:
        return {"": tuple(due.recipients)}
    domains: dict[str, list[str]] = {}
    for address in due.recipients:
        domains.setdefault(_domain(address), []).append(address)
    return {domain: tuple(addresses) for domain, addresses in domains.items()}


def _domain(address: str) -> str:
    try:
        return a_label(split_address(address)[1])
    except ValueError:
        return _NO_DOMAIN


def _stale(outcomes: Sequence[Outcome]) -> bool:
    """The server had closed a connection that was used before: no verdict on the message that found out."""
    return all(
        outcome.state is RecipientState.DEFERRED and outcome.phase is Phase.MAIL and outcome.code in (None, 421)
        for outcome in outcomes
    )


def _unreadable(address: str, error: OSError) -> Outcome:
    text = f"The message cannot be read from this computer's disk any more ({error.strerror or error})."
    return Outcome(address, RecipientState.REFUSED, Phase.NONE, None, text)


def _phase(error: MailError) -> Phase:
    if error.code in ("wrong-password", "app-password", "password-disabled", "no-mechanism", "no-password"):
        return Phase.AUTH
    if error.code.startswith(("certificate", "tls", "no-starttls")):
        return Phase.TLS
    return Phase.CONNECT


def _later(error: MailError, tries: int, now: int) -> int:
    """A server that is away is looked for often; a password that is wrong is not tried again and again."""
    return now + ACCOUNT_WAIT if error.kind is Kind.ACCOUNT else retry.postponed(tries, now)
