"""The sender's changes: many lanes, one wait for the disk.

Theory of operation: a durable commit costs what the disk needs to answer, whether it holds one change or twenty.  So a
change waits for a few turns of the loop, in which other lanes come to theirs, and then all go in one transaction.
While the disk answers, the replies of the servers gather, and the next transaction is as large.

Rules of the file: a change is done when its ``write`` returns, and not done when that raises; what one change raises is
its own lane's, so after a failure each is tried by itself.
"""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from mua.store.db import Store, Tx

TURNS = 3  # of the loop: from a reply in the socket to the lane that waits for it
T = TypeVar("T")
_Wanted = tuple[Callable[[Tx], Any], bool, "asyncio.Future[Any]"]


class Commits:
    """Belongs to one loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: list[_Wanted] = []

    async def write(self, change: Callable[[Tx], T], *, durable: bool = False) -> T:
        """Make ``change``; returns what it returns, once it is committed (``durable``: and on disk).

        Raises MailError (disk), and what ``change`` raises.  It is made also when nobody waits for it any more.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._wanted.append((change, durable, done))
        if len(self._wanted) == 1:
            self._soon(loop, TURNS)
        return await done

    def flush(self) -> None:
        """Make what is wanted now."""
        wanted, self._wanted = self._wanted, []
        try:
            self._together(wanted)
        except Exception:  # noqa: BLE001 - whose fault it is shows when each is alone
            for one in wanted:
                self._alone(one)

    def _soon(self, loop: asyncio.AbstractEventLoop, turns: int) -> None:
        if turns:
            loop.call_soon(self._soon, loop, turns - 1)
        else:
            self.flush()

    def _together(self, wanted: list[_Wanted]) -> None:
        if not wanted:
            return
        if len(wanted) == 1:
            self._alone(wanted[0])
            return
        with self._store.write(durable=any(durable for _, durable, _ in wanted)) as tx:
            results = [change(tx) for change, _, _ in wanted]
        for (_, _, done), result in zip(wanted, results, strict=True):
            if not done.done():
                done.set_result(result)

    def _alone(self, one: _Wanted) -> None:
        change, durable, done = one
        try:
            with self._store.write(durable=durable) as tx:
                result = change(tx)
        except Exception as error:  # noqa: BLE001 - it is the lane's
            if not done.done():
                done.set_exception(error)
        else:
            if not done.done():
                done.set_result(result)
