"""The sender: empties the outbox, one thread for all accounts.

Theory of operation: the truth is in the store. A pass asks the store who is due and hands each piece of work to a
lane: one for each account's submission server, for each domain of direct delivery, for each host that an account's
rules name; a lane is a task that opens a connection, sends what it was given, and writes each verdict before it goes
on. A lane that hangs holds up nobody else. Between passes the thread sleeps until it is poked, a lane ends, or
somebody becomes due.

Rule of the file: nothing here talks to a server (``lane.py`` does), and nothing is remembered that matters after a
crash.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable, Mapping
from itertools import chain

from mua import wire
from mua.engine import lane
from mua.engine.commits import ALONE, TURNS, Commits
from mua.engine.context import Context
from mua.engine.direct_mx import Names
from mua.engine.lane import Lane, Means, Piece, Place
from mua.engine.levels import Levels
from mua.engine.rates import Rates
from mua.engine.reports import annotate
from mua.engine.sts import Fetch, Policies
from mua.errors import MailError
from mua.log import ENGINE
from mua.model.account import Account, AccountId, DirectOptions, Side
from mua.model.folder import Role
from mua.model.outgoing import OutgoingId
from mua.model.way import Hop, Way
from mua.net.awake import Awake
from mua.net.dns import Resolver
from mua.net.smtp_wire import Timeouts
from mua.net.sts import PolicyFetcher
from mua.plan.routes import way_for
from mua.store import dispatch, outbox, read
from mua.store.outbox import Due

MAX_DIRECT = 50  # domains that exchangers are called for at once
LONGEST_SLEEP = 60.0  # seconds; the clock may jump (suspend), then this is how late we can be
COPY_SLEEP = 2.0  # seconds between looks whether a sent copy can be filed
FAREWELL = 15.0  # seconds that a lane at the dot may take when the engine ends
CLOCK_BACK = 60  # seconds by which a clock is put back that was wrong, not only drifting
ACCOUNT_PAUSE = 300  # seconds before a poke asks a server again that refused the account


class Sender:
    """Owns the outbox's thread.

    ``names`` makes the resolver of an account; ``lot`` is chance, 0..1; ``filed`` is told when a sent copy waits to be
    put on an account's server (called on the sender's thread; it must not block); ``awake`` keeps the computer awake
    while a message is handed over; ``policy`` fetches a domain's MTA-STS policy.
    """

    def __init__(
        self,
        context: Context,
        *,
        timeouts: Timeouts | None = None,
        names: Callable[[DirectOptions], Names] | None = None,
        lot: Callable[[], float] = random.random,
        filed: Callable[[AccountId], None] = lambda account_id: None,
        awake: Awake | None = None,
        policy: Fetch | None = None,
    ) -> None:
        self._context = context
        names = names or (lambda options: Resolver(options.dns))
        timeouts = timeouts or Timeouts(connect=min(Timeouts().connect, context.patience))
        policies = Policies(context.store, context.now, policy or PolicyFetcher())
        self._means = Means(
            context, timeouts, names, lot, self._stumble, awake or Awake(), policies,
            Levels(context.store, context.now), Commits(context.store), Rates(context),
        )  # fmt: skip
        self._filed = filed
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: asyncio.Event | None = None
        self._lanes: dict[Place, tuple[Lane, asyncio.Task[None]]] = {}
        self._interrupted = True  # something may be left in the state "trying"
        self._clock = 0  # at the last pass
        self._stopping = self._over = False
        self._insisted: set[AccountId] = set()
        self._turn, self._turns = 0, dict[str, int]()  # when a domain of direct mail came, or was served last
        self._after = ""  # the domain behind which the next pass goes on, where there are more than one can look at
        self._pokes = 0
        self._served = threading.Condition()
        self._quiet_at = -1  # the last poke after which nothing was left to do

    # -- from any thread

    def start(self) -> None:
        """Start the thread; what a crash left in the state "trying" is settled first."""
        self._thread.start()

    def poke(self) -> None:
        """There is something new, or the network is back, or a person says "now"."""
        self._pokes += 1
        self._wake()

    def go_on(self, account_id: AccountId) -> None:
        """A person says "now": a limit that the account's server spoke of is put to the test."""
        self._insisted.add(account_id)
        self.poke()

    def look(self) -> None:
        """Something was queued, or may have come back about what was sent; a pause that somebody waits out goes on."""
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
        self._interrupted |= now < self._clock - CLOCK_BACK
        self._clock = now
        if self._interrupted:
            self._recover(now)
        if poked:
            self._cut_taken_back()
            self._wake_postponed(now)
        while self._insisted:
            insisted = self._insisted.pop()
            self._means.paused = {place: one for place, one in self._means.paused.items() if place[0] != insisted}
        self._means.rates.look()
        for place, (account, found) in self._work(now).items():
            pieces = list(found.values())
            pause = self._means.paused.get(place)
            if pause is None or pause.until <= now:
                self._means.paused.pop(place, None)
                self._start(place, account, pieces)
            else:
                lane.hold(context, pieces, pause, now)
        annotate(context)
        self._look_for_unknown(now)
        return self._nap(now, self._file_copies())

    def _wake_postponed(self, now: int) -> None:
        """Whoever waits for the network or for a person is due again.

        Where the server refused a password or its certificate was bad, a poke alone does not ask again within
        ``ACCOUNT_PAUSE``: other mail is written meanwhile, and each refused login brings the account nearer to a lock.
        When the problem was taken from the account (a new password), it is asked at once.  Nor does a poke end a pause
        that a server's limit made.
        """
        troubled = {problem.account_id for problem in read.problems(self._context.store.reader(), Side.OUTGOING)}
        refused = {one: at for one, at in self._means.refused.items() if one in troubled and now - at < ACCOUNT_PAUSE}
        self._means.refused = refused
        self._means.reported |= troubled  # perhaps by an engine before this one
        with self._context.store.write() as tx:
            pauses = self._means.paused.items()  # of one domain: what is woken for it is held again
            paused = (one for (one, way), pause in pauses if way.hop is Hop.SUBMISSION and pause.until > now)
            dispatch.wake(tx, now, (*refused, *paused))

    def _cut_taken_back(self) -> None:
        """What a person takes back while it is on its way is cut off, which is safe before the dot."""
        for one, task in self._lanes.values():
            busy = one.trying is not None and not one.confirming
            if busy and one.trying and outbox.taken_back(self._context.store.reader(), *one.trying):
                task.cancel()

    def _file_copies(self) -> bool:
        """File the sent copies that are due; False when one has to wait."""
        db = self._context.store.reader()
        copies = outbox.copies(db)
        if not copies and not outbox.doubled(db):
            return True
        from mua.engine.sent_copy import file_copies, settle_doubled  # reads mail: a server's engine never needs it

        told, complete = file_copies(self._context, copies)
        for account_id in told | settle_doubled(self._context):
            self._filed(account_id)
        return complete

    def _nap(self, now: int, filed: bool) -> float:
        coming = outbox.next_due(self._context.store.reader())
        longest = min(LONGEST_SLEEP if filed else COPY_SLEEP, self._means.rates.next_free())
        if coming is None or coming <= now:  # what is due and not started waits for a lane to end
            return longest
        return min(longest, coming - now)

    def _stumble(self, error: MailError) -> float:
        """The store cannot be written just now."""
        ENGINE.warning("the outbox cannot go on: %s (%s)", error.text, error.detail)
        self._context.publish(wire.Notice(error.text, error.code, error.detail))
        self._interrupted = True
        return lane.LOCAL_SLEEP

    def _tell_quiet(self, pokes: int) -> None:
        coming = outbox.next_due(self._context.store.reader())
        if self._lanes or (coming is not None and coming <= self._context.now()):
            return
        self._context.store.shrink()  # of a long queue that is sixteen megabytes
        with self._served:
            self._quiet_at = pokes
            self._served.notify_all()

    async def _farewell(self) -> None:
        """Lanes at the dot get a moment; the others are cut off, which is safe before the dot."""
        for one, task in self._lanes.values():
            one.leaving = True
            if not one.confirming:
                task.cancel()
        tasks = [task for _, task in self._lanes.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=FAREWELL)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(MailError):  # what cannot be written now is found at the next start
            self._recover(self._context.now())

    def _recover(self, now: int) -> None:
        """Settle what ended without a verdict, lanes at work excepted."""
        self._means.commits.flush()
        busy = tuple(frozenset[OutgoingId]().union(*(one.carried for one, _ in self._lanes.values())))
        with self._context.store.write(durable=True) as tx:
            waiting, unknown = dispatch.recover(tx, now, busy)
        if waiting or unknown:
            ENGINE.info("outbox: %d recipients wait again, %d are unknown", waiting, unknown)
        self._interrupted = bool(busy)

    # -- who is due, and where

    def _work(self, now: int) -> dict[Place, tuple[Account, dict[OutgoingId, Piece]]]:
        """What is due, by lane; where a lane is at work, the rest waits for its end."""
        db = self._context.store.reader()
        waiting = [*outbox.due(db, now), *chain(*(outbox.due(db, now, one) for one in self._next_domains(now)))]
        accounts = {one.id: one for one in read.accounts(db)}  # behind the messages: none goes by what was before it
        work: dict[Place, tuple[Account, dict[OutgoingId, Piece]]] = {}
        for due in waiting:
            for address in due.recipients:
                found = _way(accounts, due, address)
                if found is None:
                    continue
                account, way = found
                if (account.id, way) in self._lanes or not self._means.rates.allow([address]):
                    continue
                _, pieces = work.setdefault((account.id, way), (account, {}))
                known = pieces.get(due.id)
                pieces[due.id] = Piece(due, (address,)) if known is None else known.joined(due, address)
        return work

    def _next_domains(self, now: int) -> list[str]:
        """The domains of direct mail whose turn it is: who has waited longest for one, since it came or was served."""
        busy, allows = {way.host for _, way in self._lanes if way.hop is Hop.DIRECT}, self._means.rates.allows
        free, waiting = MAX_DIRECT - len(busy), dict[str, None]()  # in order, each once
        started = self._after
        while free > len(waiting):
            found, self._after = outbox.due_domains(self._context.store.reader(), now, self._after)
            waiting |= dict.fromkeys(one for one in found if one not in busy and allows(one))
            if not self._after:
                if not started:
                    break
                started = ""  # the last page was not the whole: once more from the beginning
        self._turn += 2
        known = self._turns if len(self._turns) < 2 * outbox.MAX_DOMAINS else {}
        self._turns = known | {one: known.get(one, self._turn) for one in waiting}
        chosen = sorted(waiting, key=self._turns.__getitem__)[: max(free, 0)]
        self._turns |= dict.fromkeys(chosen, self._turn + 1)
        return chosen

    def _start(self, place: Place, account: Account, pieces: list[Piece]) -> None:
        way = place[1]
        if way.hop is Hop.DIRECT and sum(1 for _, other in self._lanes if other.hop is Hop.DIRECT) >= MAX_DIRECT:
            return
        lane = Lane(self._means, account, way, pieces)
        task = asyncio.get_running_loop().create_task(lane.run(), name=f"lane {account.id} {way}")
        self._lanes[place] = (lane, task)
        self._means.commits.turns = TURNS if len(self._lanes) > 1 else ALONE
        task.add_done_callback(lambda _: self._ended(place))

    def _ended(self, place: Place) -> None:
        _, task = self._lanes.pop(place)
        self._means.commits.turns = TURNS if len(self._lanes) > 1 else ALONE
        if self._changed is not None:
            self._changed.set()
        if task.cancelled():
            self._interrupted = True
        elif isinstance(error := task.exception(), MailError):
            self._stumble(error)
        elif isinstance(error, Exception):
            self._interrupted = True
            ENGINE.error("sending stopped: %s", error, exc_info=error)

    # -- what became of the unknown

    def _look_for_unknown(self, now: int) -> None:
        """A message lost at the dot that turns up in Sent (filed by the server) or in our own inbox was sent."""
        for unknown in outbox.unknowns(self._context.store.reader()):
            found = self._found(unknown)
            if found:
                text = "The connection was lost at the end, but the message has turned up: it was sent."
                with self._context.store.write(durable=True) as tx:
                    dispatch.resolve(tx, unknown.id, found, text, now)

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


def _way(accounts: Mapping[AccountId, Account], due: Due, address: str) -> tuple[Account, Way] | None:
    """Whose lane takes this recipient, and where it leads; None: the account is gone."""
    account = accounts.get(due.account_id)
    if account is None:
        return None
    way = way_for(account, address, direct=due.direct)
    if way is not None and way.hop is Hop.ACCOUNT:
        account, way = accounts.get(AccountId(int(way.host)), account), None
    return account, way or Way(Hop.SUBMISSION)  # where there is no server, the lane says so
