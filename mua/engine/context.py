"""What every thread of the engine is given, and what the engine expects of a worker.

A worker makes one account's server and the store agree.  It learns of wishes by ``poke`` and reads them from the store;
it tells of news by committing (the engine publishes ``Changed`` from the commit) and of its state by ``publish``.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mua import wire
from mua.engine.tally import Tally
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE
from mua.model.account import Account, AccountId, Side
from mua.store import mirror, write
from mua.store.blobs import Bodies
from mua.store.db import Store

if TYPE_CHECKING:
    from mua.engine.pulse import Pulse
    from mua.engine.server_search import Asked
    from mua.mime.message import Gist

PATIENCE = (
    60.0  # seconds for a single read or write of a server that mail is fetched from; a connection takes no longer
)


def utc_now() -> int:
    """The clock of the engine: UTC seconds."""
    return int(time.time())


def _no_token(account: Account, _refused: str) -> str:
    text = f"The sign-in of “{account.name}” is not known here; sign in again."
    raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="signed-out")


@dataclass(slots=True)
class Context:
    """The engine's shared parts.  ``password`` may block up to 10 s (keyring) and raises MailError; never log it.
    ``token`` is the same for an account that signs in by OAuth 2: see ``Tokens.access``.

    ``tell_index`` is told what bodies say before their rows have them: who indexes them need not read them once more.
    ``committed`` is notified after every commit of the store: wait on it with a predicate over the store.
    """

    store: Store
    bodies: Bodies
    password: Callable[[Account], str]
    publish: Callable[[wire.Event], None]
    now: Callable[[], int] = utc_now
    patience: float = PATIENCE
    committed: threading.Condition = field(default_factory=threading.Condition)
    tally: Tally = field(default_factory=Tally)
    token: Callable[[Account, str], str] = _no_token
    tell_index: Callable[[Sequence[tuple[int, "Gist"]]], None] = lambda _told: None

    def report(self, account_id: AccountId, error: MailError, side: Side = Side.INCOMING) -> None:
        """Remember an account's problem (survives a restart) and tell the clients; a full disk keeps neither back."""
        try:
            with self.store.write() as tx:
                write.set_problem(tx, account_id, error.code or error.kind, error.text, error.detail, side)
        except MailError as trouble:
            ENGINE.info("a problem of account %d is not kept: %s", account_id, trouble.detail)
        self.publish(wire.Status(account_id, wire.State.PROBLEM, error.text, error.code, error.detail))

    def mechanism(self, account_id: AccountId, side: Side = Side.INCOMING) -> str:
        """By which mechanism this side's server let us in last; a weaker one is refused until a person allows it."""
        return mirror.mechanism(self.store.reader(), account_id, side)

    def logged_in(self, account_id: AccountId, mechanism: str, side: Side = Side.INCOMING) -> None:
        """This side's server let us in by ``mechanism``, which survives a restart; a full disk keeps no mail back."""
        if mechanism == self.mechanism(account_id, side):
            return
        try:
            with self.store.write(durable=True) as tx:
                write.set_mechanism(tx, account_id, side, mechanism)
        except MailError as trouble:
            ENGINE.info("the log-in of account %d is not kept: %s", account_id, trouble.detail)

    def all_well(self, account_id: AccountId, side: Side = Side.INCOMING) -> None:
        """This side of the account works again: forget its problem."""
        with self.store.write() as tx:
            write.clear_problem(tx, account_id, side)


class Worker(Protocol):
    """One account's retrieval: ``ImapWorker(context, account)``, ``PopWorker(context, account)``."""

    pulse: "Pulse"

    def start(self) -> None:
        """Start the threads."""

    def poke(self) -> None:
        """There are wishes, a body is wanted, or a person says "now" (this also ends a back-off)."""

    def stop(self) -> None:
        """End soon: from any thread, idempotent, does not wait."""

    def join(self, timeout: float) -> None:
        """Wait for the threads to end."""

    def sync(self, complete: bool) -> list[MailError]:
        """Block until every folder was compared with the server once since this call began.

        ``complete``: also until every body is here.  Returns what went wrong (empty: nothing); a connection that
        fails is tried once more, then given up with its error, so that a command line always gets an answer.
        """

    def network_changed(self) -> None:
        """The network is another one, or the computer slept: try again at once, and see whether connections live."""

    def compare(self) -> None:
        """Compare everything with the server soon, because what is wanted of it has changed.  Does not wait."""

    def search(self, asked: "Asked") -> None:
        """Search on the server too, where it can; ``asked.over`` tells the end.  Does not wait."""
