"""What is remembered of how well mail to a domain was protected, between one attempt and the next.

Rule of the file: a disk that is full does not hold mail up; what could not be noted is noted another time.
"""

import contextlib
from collections.abc import Callable, Collection

from mua.errors import MailError
from mua.plan import sts
from mua.plan.dane import Standing
from mua.plan.preflight import Offer
from mua.plan.protection import Best, remembered
from mua.store import protection
from mua.store.db import Store, Tx


class Levels:
    """The domains' levels, in the store."""

    def __init__(self, store: Store, now: Callable[[], int]) -> None:
        self._store, self._now = store, now

    def best(self, domain: str, standings: Collection[Standing], policy: sts.Policy | None) -> Best:
        """The best that mail to ``domain`` had; what the domain itself took back is forgotten."""
        now = self._now()
        known = protection.best(self._store.reader(), domain, now)
        valid = remembered(known, standings, policy)
        if valid != known:
            self._write(lambda tx: protection.lower(tx, domain, now))
        return valid

    def note(self, domain: str, reached: Best | None, held: bool) -> None:
        """An attempt is over: how mail went (None: it did not), and whether it waits because only less was offered."""
        db, now = self._store.reader(), self._now()
        if reached is not None and not protection.is_noted(db, domain, reached, now):
            self._write(lambda tx: protection.reached(tx, domain, reached, now))
        if held != (domain in protection.held(db, (domain,))):
            self._write(lambda tx: protection.hold(tx, domain, held))

    def offered(self, domain: str, offer: Offer) -> None:
        """What an exchanger of the domain says that it takes."""
        if offer != protection.offer(self._store.reader(), domain):
            self._write(lambda tx: protection.offered(tx, domain, offer))

    def _write(self, change: Callable[[Tx], None]) -> None:
        with contextlib.suppress(MailError), self._store.write() as tx:
            change(tx)
