"""One POP3 account: one thread that visits the server every few minutes, or when poked (``pop_visit``).

The worker keeps nothing that the store does not know, except which messages it gave up on in this run.
"""

import random
import threading
import time
from typing import TYPE_CHECKING

from mua import wire
from mua.engine.context import Context
from mua.engine.pop_visit import Trouble, visit
from mua.engine.pulse import Pulse
from mua.errors import Kind, MailError, Retry
from mua.log import POP3 as LOG
from mua.model.account import Account
from mua.net.pop3 import Session
from mua.plan import pop

if TYPE_CHECKING:
    from mua.engine.server_search import Asked

INTERVAL = 300.0  # seconds between visits
POKE_PAUSE = 15.0  # a poke sooner after a visit than this waits: stars and moves need no visit


class PopWorker:
    """Retrieves one POP3 account (see ``engine.context.Worker``)."""

    def __init__(self, context: Context, account: Account, interval: float = INTERVAL) -> None:
        self.context = context
        self.account = account
        minutes = account.habits.minutes
        self.interval = interval if not minutes else 60.0 * minutes if minutes > 0 else float("inf")
        self._changed = threading.Condition()
        self.pulse = Pulse(context.now)
        self._stopping = threading.Event()
        self._poked = False
        self._asked = self._answered = self._covered = 0
        self._problems: list[MailError] = []
        self._session: Session | None = None
        self._trouble = Trouble()
        self._thread = threading.Thread(target=self._run, name=f"pop3-{account.name}", daemon=True)

    # -- for the engine

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def poke(self) -> None:
        """Visit soon."""
        with self._changed:
            self._poked = True
            self._changed.notify_all()

    def stop(self) -> None:
        """End soon, also in the middle of a message."""
        with self._changed:
            self._stopping.set()
            session = self._session
            self._changed.notify_all()
        if session is not None:
            session.abort()

    def join(self, timeout: float) -> None:
        """Wait for the thread to end."""
        if self._thread.is_alive():
            self._thread.join(timeout)

    def sync(self, complete: bool) -> list[MailError]:
        """Visit now and wait for the end of it.  POP3 has no message without its body, so ``complete`` is no more."""
        with self._changed:
            self._asked += 1
            mine = self._asked
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answered >= mine or self._stopping.is_set())
            return list(self._problems)

    def network_changed(self) -> None:
        """Visit soon: no connection is kept that could have died."""
        self.poke()

    def compare(self) -> None:
        """A POP3 account has one mailbox, and all of it is fetched."""
        self.poke()

    def search(self, asked: "Asked") -> None:
        """POP3 has no search, and all that its server has is here."""
        asked.end()

    # -- the thread

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            with self._changed:
                self._poked, self._covered = False, self._asked
            problems = self._visit()
            if self._asked > self._answered and any(problem.kind is Kind.CONNECTION for problem in problems):
                problems = self._visit()  # somebody waits: once more before the error is the answer
            if self._stopping.is_set():
                return
            failures = failures + 1 if problems else 0
            self._answer(problems)
            self._rest(failures)

    def _answer(self, problems: list[MailError]) -> None:
        with self._changed:
            self._answered, self._problems = self._covered, problems
            self._changed.notify_all()

    def _rest(self, failures: int) -> None:
        """Sleep until the next visit, a poke (not too soon) or somebody who waits for a sync."""
        now = time.monotonic()
        due = pop.next_visit(now, failures, self.interval, self._login_delay(), random.random())
        if any(problem.retry is not Retry.SOON and problem.kind is not Kind.MESSAGE for problem in self._problems):
            due = float("inf")  # only a person can help: changed settings start a new worker, and a poke tries again
        self.pulse.paused(failures, min(due - now, 3600.0) if failures else 0)
        with self._changed:
            while not (self._stopping.is_set() or self._asked > self._answered):
                wake = min(due, now + POKE_PAUSE) if self._poked else due
                left = wake - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(min(left, 3600.0))

    def _login_delay(self) -> float:
        offered = self._session.capabilities.get("LOGIN-DELAY", ()) if self._session is not None else ()
        return min(float(offered[0]), 3600.0) if offered and offered[0].isascii() and offered[0].isdigit() else 0.0

    def _visit(self) -> list[MailError]:
        """One visit; its errors are reported and returned, none is raised."""
        try:
            self._tell(wire.State.CONNECTING)
            problems = visit(self.context, self.account, self._trouble, self._connected, self._listed, self._ended)
            self.context.all_well(self.account.id)
            self._tell(wire.State.IDLE)
        except MailError as error:
            problems = [error]
        except Exception as error:  # noqa: BLE001 - a bug in one account must not end its thread
            LOG.exception("a visit failed")
            text = f"Mua made a mistake while fetching the mail of {self.account.name}; nothing is lost."
            problems = [MailError(Kind.BUG, Retry.SOON, text, type(error).__name__, "bug")]
        grave = [problem for problem in problems if problem.kind is not Kind.MESSAGE]
        if grave and not self._stopping.is_set():
            self.context.report(self.account.id, grave[0])
        return problems

    def _tell(self, state: wire.State) -> None:
        self.context.publish(wire.Status(self.account.id, state))

    def _connected(self, session: Session) -> None:
        with self._changed:
            self._session = session
        if self._stopping.is_set():
            session.abort()
        self.pulse.open(session.facts())
        self._tell(wire.State.SYNCING)

    def _ended(self, session: Session) -> None:
        self.pulse.closed(session.facts())

    def _listed(self) -> None:
        """Who asked before the listing is answered by it."""
        with self._changed:
            self._covered = self._asked
