"""The pace of sending: what ``plan/rates`` is asked with, and what was sent in the last minute.

Rule of the file: only the sender's thread uses it; after a restart the minute begins anew.
"""

from collections import deque
from collections.abc import Iterable

from mua.engine.context import Context
from mua.plan import rates
from mua.plan.routes import domain_of
from mua.store import read

SETTING = "rates"


class Rates:
    """Limits as they are set now, and the messages that count."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._text = ""
        self._limits: dict[str, int] = {}
        self._times: dict[str, deque[int]] = {}

    def look(self) -> None:
        """Take over what an administrator has changed."""
        text = read.setting(self._context.store.reader(), SETTING)
        if text != self._text:
            self._text, self._limits = text, rates.limits(text)
            old = self._times
            self._times = {name: deque(old.get(name, ()), maxlen=most) for name, most in self._limits.items()}

    def free_at(self, domain: str) -> int:
        """When a message may go to this domain (UTC seconds); now, if it may."""
        now = self._context.now()
        return max(self._free_at(rates.ALL, now), self._free_at(domain, now))

    def allows(self, domain: str) -> bool:
        """A message may go to this domain now."""
        return not self._limits or self.free_at(domain) <= self._context.now()

    def allow(self, addresses: Iterable[str]) -> bool:
        """A message may go to these recipients now."""
        return not self._limits or all(map(self.allows, set(map(domain_of, addresses))))

    def count(self, addresses: Iterable[str]) -> None:
        """A message is on its way to these recipients."""
        for name in {rates.ALL, *map(domain_of, addresses)} if self._times else ():
            if name in self._times:
                self._times[name].append(self._context.now())

    def next_free(self) -> float:
        """Seconds until one of those that are at their limit is not; infinity: nobody is."""
        now = self._context.now()
        waits = [at - now for name in self._limits if (at := self._free_at(name, now)) > now]
        return min(waits, default=float("inf"))

    def _free_at(self, name: str, now: int) -> int:
        return rates.free_at(self._times.get(name, ()), self._limits.get(name, 0), now)
