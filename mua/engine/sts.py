"""Which MTA-STS policy (RFC 8461) binds mail to a domain: the kept one, or the one that is fetched now.

Rule of the file: nothing raises because of a domain.  Who cannot be asked has the policy that is kept, or none: an
outsider who can keep us from asking could keep us from seeing the record, too.
"""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from mua.errors import MailError
from mua.log import SMTP
from mua.plan import sts
from mua.store import sts as shelf
from mua.store.db import Store

PAUSE = 300  # seconds before a policy that was not to be had is asked for again (s.3.3)
REMEMBERED = 1000  # domains

Fetch = Callable[[str, str, bool], Awaitable[bytes]]


class Texts(Protocol):
    """What is needed of a resolver."""

    def texts(self, name: str) -> Awaitable[list[str]]:
        """The TXT records of a name; none when nobody knows."""


class Policies:
    """The policies of all domains; ``get`` fetches a policy's octets or raises MailError."""

    def __init__(self, store: Store, now: Callable[[], int], get: Fetch) -> None:
        self._store, self._now, self._get = store, now, get
        self._failed: dict[str, tuple[str, int]] = {}

    async def of(self, domain: str, names: Texts, ca_file: str, allow_private: bool) -> sts.Policy | None:
        """The policy that binds mail to ``domain`` (an A-label) now, or None.  Raises MailError "ca-file"."""
        known = shelf.kept(self._store.reader(), domain)
        record = sts.record_id(await names.texts(f"_mta-sts.{domain}"))
        failed, at = self._failed.get(domain, ("", 0))
        due = failed != record or self._now() - at >= PAUSE
        if record and due and not (known and known.is_current(record, self._now())):
            fresh = await self._fetched(domain, record, ca_file, allow_private)
            if fresh is not None:
                return fresh
            if len(self._failed) >= REMEMBERED:
                self._failed.clear()
            self._failed[domain] = record, self._now()
        return known.policy if known is not None and known.holds(self._now()) else None

    async def _fetched(self, domain: str, record: str, ca_file: str, allow_private: bool) -> sts.Policy | None:
        try:
            raw = await self._get(domain, ca_file, allow_private)
        except MailError as error:
            if error.code == "ca-file":  # the account's own trouble, and no reason to go without
                raise
            SMTP.info("%s: its MTA-STS policy is not to be had (%s)", domain, error.code)
            return None
        policy = sts.parse(raw)
        if policy is None:
            SMTP.info("%s: its MTA-STS policy makes no sense", domain)
            return None
        with contextlib.suppress(MailError), self._store.write() as tx:  # a full disk: it binds all the same
            shelf.keep(tx, domain, sts.Kept(record, policy, self._now()))
        return policy
