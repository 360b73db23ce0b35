"""What the two threads of an IMAP account tell each other: how much is to be done, and since when it has been.

Theory of operation.  Who wants everything compared draws a *ticket*.  The interactive thread stamps it when the wishes
of before are pushed, the bulk thread when every folder has been compared since, and again when every body is here.
Nothing else is shared: a thread that dies leaves numbers that are too small, never ones that promise too much.

Rule of the file: no store, no network; one condition guards all of it, and nothing is called while it is held.
"""

import threading
from enum import Enum

from mua.errors import Kind, MailError
from mua.records import dataclass


class Work(Enum):
    """What the bulk thread should do: compare every folder, only fetch missing bodies, only search, or nothing."""

    NOTHING = 0
    SEARCH = 1
    BODIES = 2
    ROUND = 3


@dataclass(frozen=True, slots=True)
class Ticket:
    """A number, and how many sessions had failed when it was drawn."""

    number: int
    failures: int
    hopeless: int


class Rounds:
    """Who has done what since when: tickets that ``sync`` draws and the threads stamp."""

    def __init__(self, stopping: threading.Event) -> None:
        self._changed = threading.Condition()
        self._stopping = stopping
        self._online = False
        self._woken = False
        self._work = Work.NOTHING
        self._failures = self._hopeless = 0
        self._last_error: list[MailError] = []
        self._pulled = self._complete = -1
        self.asked = 0
        self.pushed_ticket = -1

    @property
    def online(self) -> bool:
        """Whether the interactive thread is logged in."""
        return self._online

    @online.setter
    def online(self, value: bool) -> None:
        with self._changed:
            self._online = value
            self._changed.notify_all()

    def ask(self) -> Ticket:
        """Draw a ticket: everything is to be compared once from now on."""
        with self._changed:
            self.asked += 1
            return Ticket(self.asked, self._failures, self._hopeless)

    def wake(self) -> None:
        """End a pause."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def pushed(self, ticket: int, work: Work) -> None:
        """What was wished before ``ticket`` was drawn is pushed, and so much work is left for the bulk thread."""
        with self._changed:
            self.pushed_ticket = max(self.pushed_ticket, ticket)
        self.want(work)

    def want(self, work: Work = Work.ROUND) -> None:
        """So much is to be done, whatever was pushed."""
        with self._changed:
            self._work = max(self._work, work, key=lambda one: one.value)
            self._changed.notify_all()

    def asked_again(self) -> None:
        """The round that was handed to the bulk thread has to be done by the interactive one."""
        with self._changed:
            self.pushed_ticket = min(self.pushed_ticket, self.asked - 1)

    @property
    def pulled_ticket(self) -> int:
        """The last ticket since which every folder was compared."""
        return self._pulled

    def pulled(self, ticket: int) -> None:
        """Every folder was compared."""
        with self._changed:
            self._pulled = max(self._pulled, ticket)
            self._changed.notify_all()

    def completed(self, ticket: int) -> None:
        """Every body is here."""
        with self._changed:
            self._complete = max(self._complete, ticket)
            self._changed.notify_all()

    def failed(self, error: MailError) -> None:
        """A session failed; a failure that another try would repeat is hopeless."""
        with self._changed:
            self._failures += 1
            self._hopeless += error.kind is not Kind.CONNECTION
            self._last_error = [error]
            self._changed.notify_all()

    def sleep(self, seconds: float) -> None:
        """A pause that ``wake`` ends."""
        with self._changed:
            self._woken = False
            self._changed.wait_for(lambda: self._woken or self._stopping.is_set(), seconds)

    @property
    def has_work(self) -> bool:
        """Whether the bulk thread has something to do."""
        return self._work is not Work.NOTHING

    def wait_for_work(self, seconds: float) -> Work:
        """Wait until there is work; after so long, a round.  NOTHING when the account is off-line or ending."""
        with self._changed:
            told = self._changed.wait_for(lambda: self._work is not Work.NOTHING or self._stopping.is_set(), seconds)
            work, self._work = self._work if told else Work.ROUND, Work.NOTHING
            return work if self._online and not self._stopping.is_set() else Work.NOTHING

    def wait(self, ticket: Ticket, complete: bool) -> list[MailError]:
        """Until a round that began after ``ticket`` has ended, or two sessions failed (one, for good reasons)."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_done(ticket, complete) or self._is_lost(ticket))
            return [] if self._is_done(ticket, complete) else list(self._last_error)

    def _is_done(self, ticket: Ticket, complete: bool) -> bool:
        return (self._complete if complete else self._pulled) >= ticket.number

    def _is_lost(self, ticket: Ticket) -> bool:
        hopeless = self._hopeless > ticket.hopeless
        return hopeless or self._failures >= ticket.failures + 2 or self._stopping.is_set()
