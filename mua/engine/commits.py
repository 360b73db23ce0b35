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
ALONE = 1  # the same where there is one lane: what it wants written together it says in one turn
T = TypeVar("T")
_Wanted = tuple[Callable[[Tx], Any], bool, "asyncio.Future[Any]"]


class Commits:
    """Belongs to one loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: list[_Wanted] = []
        self.turns = ALONE  # to wait for others

    async def write(self, change: Callable[[Tx], T], *, durable: bool = False) -> T:
        """Make ``change``; returns what it returns, once it is committed (``durable``: and on disk).

        Raises MailError (disk), and what ``change`` raises.  It is made also when nobody waits for it any more.
        """
        return await self.soon(change, durable=durable)

    def soon(self, change: Callable[[Tx], T], *, durable: bool = False) -> "asyncio.Future[T]":
        """The same, for who has something else to do meanwhile."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._wanted.append((change, durable, done))
        if len(self._wanted) == 1:
            self._soon(loop, self.turns)
        return done

    def flush(self) -> None:
        """Make what is wanted now."""
        wanted, self._wanted = self._wanted, []
        if wanted:
            self._make(wanted)

    def _soon(self, loop: asyncio.AbstractEventLoop, turns: int) -> None:
        if turns:
            loop.call_soon(self._soon, loop, turns - 1)
        else:
            self.flush()

    def _make(self, wanted: list[_Wanted]) -> None:
        try:
            with self._store.write(durable=any(durable for _, durable, _ in wanted)) as tx:
                results = [change(tx) for change, _, _ in wanted]
        except Exception as error:  # noqa: BLE001 - it is a lane's own; whose shows when each is tried alone
            if len(wanted) > 1:
                for one in wanted:
                    self._make([one])
            elif not wanted[0][2].done():
                wanted[0][2].set_exception(error)
            return
        for (_, _, done), result in zip(wanted, results, strict=True):
            if not done.done():  # else nobody waits for it any more
                done.set_result(result)
