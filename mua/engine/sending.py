"""The door to the sender, behind which everything waits that it takes to speak SMTP.

Rule of the file: an engine that only retrieves mail never loads it.  Whether there is something to send, the outbox
tells; then the sender is made, and stays.
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from mua.engine.context import Context
from mua.model.account import AccountId
from mua.store import outbox, wire_files

if TYPE_CHECKING:
    from mua.engine.sender import Sender


class Sending:
    """``engine.sender.Sender`` from the first message on; see there for what each method does."""

    def __init__(self, context: Context, *, filed: Callable[[AccountId], None], wakeful: bool = True) -> None:
        """``wakeful``: the computer is kept awake meanwhile, where there is somebody who could let it sleep."""
        self._context = context
        self._wakeful = wakeful
        self._filed = filed
        self._lock = threading.Lock()
        self._sender: Sender | None = None
        self._over = False

    def start(self) -> None:
        """Remove what a crash left behind, while nobody can queue a message, and go on with what waits."""
        store = self._context.store
        wire_files.sweep(store.reader(), store.profile)
        self.poke()

    def poke(self) -> None:
        """There may be something to send; does not wait."""
        if self._sender is not None:
            self._sender.poke()
        elif outbox.unsettled(self._context.store.reader()):
            threading.Thread(target=self._open_and_poke, name="sender-door", daemon=True).start()

    def go_on(self, account_id: AccountId) -> None:
        """A person says "now", whatever limit a server spoke of."""
        if self._sender is not None:
            self._sender.go_on(account_id)
        else:
            self.poke()

    def look(self) -> None:
        """Something was queued, or may have come back about what was sent."""
        if self._sender is None:
            self.poke()
        else:
            self._sender.look()

    def drain(self, seconds: float) -> bool:
        """Try everything that is due now and wait until it has its verdict; False when the time was not enough."""
        if self._sender is None and not outbox.unsettled(self._context.store.reader()):
            return True
        self._open()
        return self._sender is not None and self._sender.drain(seconds)

    def _open_and_poke(self) -> None:
        self._open()
        if self._sender is not None:  # it may have been there before what we were poked for
            self._sender.poke()

    def _open(self) -> None:
        """Make the sender, once; that takes a moment, so not on a thread that somebody waits for."""
        with self._lock:
            if self._sender is not None or self._over:
                return
            from mua.engine.sender import Sender
            from mua.net.awake import Awake, logind, portal

            awake = Awake(logind, portal) if self._wakeful else Awake()
            sender = Sender(self._context, filed=self._filed, awake=awake)
            sender.start()
            self._sender = sender

    def stop(self) -> None:
        """End soon."""
        self._over = True
        if self._sender is not None:
            self._sender.stop()

    def join(self, timeout: float) -> None:
        """Wait for the end."""
        with self._lock:
            sender = self._sender
        if sender is not None:
            sender.stop()
            sender.join(timeout)
