"""The engine: one per profile, the only writer, a child process of whoever needed it first.

Theory of operation: ``run`` takes the profile's lock, opens the store, starts one worker per account, one sender, the
indexer and the server, and then waits.  Workers and commands meet in the store only: a command writes a wish and pokes,
a worker reads the wish.  An engine that was started by a command line ends when its last client has left, nothing waits
in the outbox, and the workers have had a moment to carry the last wishes to their servers.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mua import __version__, wire
from mua.engine import commands, judging, ruling, talks
from mua.engine.bulk import Bulks
from mua.engine.context import PATIENCE, Context, Worker, utc_now
from mua.engine.indexer import Indexer
from mua.engine.lock import ProfileLock
from mua.engine.network import Network
from mua.engine.notify import notify
from mua.engine.publisher import Publisher
from mua.engine.sending import Sending
from mua.engine.server import Client, Server
from mua.engine.snoozing import Snoozer
from mua.engine.tokens import SECRET, Tokens
from mua.engine.upkeep import Upkeep
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE
from mua.model.account import Account, AccountId, Incoming, Side
from mua.model.folder import NO_NEWS, Role
from mua.model.message import SEQUENCE_BITS, Flag
from mua.net.secrets import Place, Secrets, open_secrets
from mua.paths import Profile
from mua.store import contacts, folder_wishes, outbox, read, write
from mua.store import dkim as dkim_keys
from mua.store.blobs import Bodies, file_errors
from mua.store.db import VERSION, Changes, Store

if TYPE_CHECKING:
    from pathlib import Path

    from mua.engine.card_sync import Cards
    from mua.engine.pickup import PickUp
    from mua.engine.server_search import Asked
    from mua.engine.sign_in import SignIn

FAREWELL_SECONDS = 15
LONELY_SECONDS = 10
FRESH_SECONDS = 3600
_TOLD = 500  # messages that come together of which clients hear
STOP_SECONDS = 30


class Engine:
    """Everything that runs for one profile."""

    def __init__(
        self,
        profile: Profile,
        lock: ProfileLock,
        *,
        stay: bool = False,
        patience: float = PATIENCE,
        drop: "Path | None" = None,
        metrics: "Path | None" = None,
    ) -> None:
        self.profile = profile
        self.lock = lock
        self.store = Store(profile, self._committed)
        self.bodies = Bodies(profile)
        self.secrets: Secrets = open_secrets(profile, read.setting(self.store.reader(), "secrets"))
        self.publisher = Publisher(self.tell, self._arrived)
        self.tokens = Tokens(profile, lambda: self.secrets, utc_now)
        self.context = Context(
            self.store, self.bodies, self.password, self.tell, patience=patience, token=self.tokens.access
        )
        self.indexer = Indexer(profile, self.store.reader, self._tell_waiting)
        self.context.tell_index = self.indexer.tell
        self.sender = Sending(self.context, filed=self.poke, wakeful=drop is None)
        self.pickup: PickUp | None = None
        if drop is not None:
            from mua.engine import pickup

            metrics = metrics or profile.metrics
            self.pickup = pickup.PickUp(self.context, drop, self.sender.look, self.signing, metrics)
        self.upkeep = Upkeep(self.context)
        self.snoozer = Snoozer(self)
        self._cards: Cards | None = None
        self.bulks = Bulks(self, commands.handler_of_many)
        self.network = Network(self.network_changed)
        self.server = Server(profile.socket, self._handle, self._last_gone)
        self.workers: dict[AccountId, Worker] = {}
        self.states: dict[int, wire.Status] = {}
        self.searching: dict[str, list[Asked]] = {}  # by the client's token
        self.sign_ins: dict[str, SignIn] = {}  # that are going on, by their names
        self.stops: dict[str, threading.Event] = {}  # what ends each long work, by its token
        self.demo_passwords: dict[int, str] = {}  # new at each start of the demo server: never kept
        self._stay = stay
        self._stopping = threading.Event()
        self._end, self.wakeup = os.pipe()  # a signal that comes just before the main thread sleeps must still wake it
        os.set_blocking(self.wakeup, False)
        self._lock = threading.Lock()

    # ---- life
    def run(self) -> None:
        """Work until ``stop_soon``, a signal, or the last client's leave."""
        self.bodies.sweep()
        self.publisher.start()
        for account in read.accounts(self.store.reader()):
            self.start_worker(account.id)
        self.sender.start()
        self.indexer.poke()
        self.upkeep.start()
        self.snoozer.poke()
        if contacts.has_servers(self.store.reader()):
            self.cards.poke()
        ruling.run(self)
        self.bulks.resume()
        self.network.start()
        self.server.start()
        if not self._stay:
            threading.Thread(target=self._await_first_client, name="lonely", daemon=True).start()
        if self.pickup is not None:
            self.pickup.start()
        self.store.shrink()  # what the start has read
        notify("READY=1")
        ENGINE.info("engine %s ready", __version__)
        while not self._stopping.is_set():
            os.read(self._end, 64)
        self._stop()

    def stop_soon(self) -> None:
        """End in order; from any thread or signal handler."""
        self._stopping.set()
        with contextlib.suppress(BlockingIOError):  # full of wakes
            os.write(self.wakeup, b"!")

    def _stop(self) -> None:
        notify("STOPPING=1")
        self.server.stop()
        if self.pickup is not None:
            self.pickup.stop()
        self.network.stop()
        self.snoozer.stop()
        if self._cards is not None:
            self._cards.stop()
        self.bulks.close()
        for worker in self.workers.values():
            worker.stop()
        self.sender.stop()
        for worker in self.workers.values():
            worker.join(5)
        self.sender.join(20)
        self.upkeep.stop()
        self.indexer.stop()
        self.publisher.stop()
        self.bodies.close()
        self.store.close()
        self.lock.release()

    def _await_first_client(self) -> None:
        """Who asked for this engine may have found another, or gone, while it was starting: nobody needs it."""
        if not self._stopping.wait(LONELY_SECONDS):
            self._leave()

    def _last_gone(self) -> None:
        if not self._stay:
            threading.Thread(target=self._leave, name="farewell", daemon=True).start()

    def _leave(self) -> None:
        try:
            self._farewell()
        except MailError as error:  # the store is gone from under us: there is nothing to stay for
            ENGINE.info("ending: %s", error.detail)
            self.stop_soon()

    def _farewell(self) -> None:
        """End when nobody is there and nothing is left to do; wishes get a bounded time to reach their servers.

        It begins when nothing else is left: a letter for later wishes its sent copy when it has gone.
        """
        deadline = 0.0
        while not self.server.busy and not self._stopping.is_set():
            db = self.store.reader()
            if outbox.waiting(db) or self.bulks.busy:
                deadline = 0.0
            else:
                deadline = deadline or time.monotonic() + FAREWELL_SECONDS
                troubled = bool(read.problems(db, Side.INCOMING))
                if read.wishes_pending(db) == 0 or troubled or time.monotonic() > deadline:
                    if self.server.stop_if_idle():
                        self.stop_soon()
                    return
            with self.context.committed:
                self.context.committed.wait(0.5)

    # ---- workers
    def start_worker(self, account_id: AccountId) -> None:
        """Start the retrieval of one account (nothing to do for local ones, and for those that are paused)."""
        account = read.account(self.store.reader(), account_id)
        if account is None or account.incoming is Incoming.LOCAL:
            return
        if account.habits.paused:
            self.tell(wire.Status(account_id, wire.State.IDLE))  # whatever it was about
            return
        with self._lock:
            worker = self.workers[account_id] = _worker(self.context, account)
        worker.start()

    def stop_worker(self, account_id: AccountId) -> None:
        """End the retrieval of one account and wait for it."""
        with self._lock:
            worker = self.workers.pop(account_id, None)
        if worker is not None:
            worker.stop()
            worker.join(30)

    def restart_worker(self, account_id: AccountId) -> None:
        """Begin anew with the settings as they are now."""
        self.stop_worker(account_id)
        self.start_worker(account_id)

    def workers_of(self, account_id: int | None) -> list[Worker]:
        """The worker of one account, or all."""
        return list(self.workers_by_id(account_id).values())

    def workers_by_id(self, account_id: int | None) -> dict[AccountId, Worker]:
        """The same, by account."""
        with self._lock:
            return {key: one for key, one in self.workers.items() if account_id is None or key == account_id}

    def poke(self, account_id: AccountId) -> None:
        """There is something to do for this account."""
        for worker in self.workers_of(account_id):
            worker.poke()

    def network_changed(self, _why: str) -> None:
        """Nobody waits out a pause that was made for another network."""
        for worker in self.workers_of(None):
            worker.network_changed()
        self.sender.poke()
        self.snoozer.poke()
        if self._cards is not None:
            self._cards.poke()

    @property
    def cards(self) -> "Cards":
        """Who keeps address books and their servers the same; nothing is loaded for that before it is needed."""
        from mua.engine.card_sync import Cards

        with self._lock:
            if self._cards is None:
                self._cards = Cards(self)
            return self._cards

    def settle_local(self, account_id: AccountId) -> None:
        """Fulfil the wishes that need no server."""
        with self.store.write(durable=True) as tx:
            write.settle_local(tx, account_id, self.context.now())
            folder_wishes.settle_local(tx, account_id, self.context.now())

    # ---- secrets
    def password(self, account: Account) -> str:
        """The account's password; raises MailError "no-password" when there is none and no certificate either."""
        if account.demo:
            found = self.demo_passwords.get(account.id)
            if found is None:
                text = "The demo mailbox runs only while the window of the demo is open; start Mua with --demo."
                raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="demo-asleep")
            return found
        found = self.secrets.get(str(account.id), "password")
        if found is None and account.client_cert:
            return ""  # the certificate opens it, where the server offers that
        if found is None:
            text = f"The password of “{account.name}” is not known here; enter it once more."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-password")
        return found

    def remember_password(self, account: Account, password: str) -> None:
        """Keep an account's password where secrets live."""
        if account.demo:
            self.demo_passwords[account.id] = password
        else:
            self.secrets.set(str(account.id), "password", password)

    def choose_secrets(self, place: str, passphrase: str) -> None:
        """Secrets live elsewhere from now on, or under another passphrase; what the old place holds moves along."""
        if Place(place) is self.secrets.place is Place.FILE:
            self.secrets.change_passphrase(passphrase)
            return
        old, new = self.secrets, Secrets(self.profile, Place(place), passphrase)
        from mua.engine import contacts as books
        from mua.engine import dkim, sign_in

        if Place(place) is Place.SESSION and dkim.secret_names(self):
            text = "The keys that sign your mail cannot be kept for this session only; choose another place, or remove"
            raise MailError(Kind.LOCAL, Retry.ASK, f"{text} them first.", code="secrets-place-session")
        accounts = read.accounts(self.store.reader())
        passwords = [(str(account.id), what) for account in accounts for what in ("password", SECRET)]
        held = old.held([*passwords, *dkim.secret_names(self), *sign_in.secret_names(self), *books.secret_names(self)])
        for name, value in held.items():
            new.set(*name, value)
        with self.store.write(durable=True) as tx:
            write.set_setting(tx, "secrets", place)
        self.secrets = new
        if not os.environ.get("MUA_SECRETS"):  # by whose word the next engine looks in the old place again
            with contextlib.suppress(MailError):
                for name in held:
                    old.delete(*name)

    def signing(self, head: bytes) -> Callable[[bytes], bytes] | None:
        """How a message with this header is signed (``wire_files.Signing``); without a key nothing is loaded for it."""
        if not any(key.seen_at for key in dkim_keys.keys(self.store.reader())):
            return None
        from mua.engine import dkim

        return dkim.signing(self, head)

    # ---- news
    def tell(self, event: wire.Event) -> None:
        """Send an event to every client; what an account does is told to those who come later, too."""
        if isinstance(event, wire.Status):
            self.states[event.account_id] = event
        self.server.tell(event)

    def wait_for(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until ``condition`` over the store holds; False when the time is up or the engine ends."""
        deadline = time.monotonic() + seconds
        with self.context.committed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0 or self._stopping.is_set():
                    return False
                self.context.committed.wait(min(left, 1.0))
        return True

    def await_index(self, seconds: float) -> None:
        """Wait until the index has seen everything that was in the store when this was called, or died over it."""
        target = read.index_seq(self.store.reader())
        self.indexer.poke()
        self.wait_for(lambda: self.indexer.has_seen(target) or self.indexer.is_dead, seconds)

    def _committed(self, changes: Changes) -> None:
        if changes.arrived:
            talks.push_quiet(self, changes.arrived)
            ruling.run(self)  # before anybody is told: what a rule moved away is not announced
        if changes.messages:
            ruling.forward_soon(self)
            judging.run(self)
        self.publisher.add(changes)
        if changes.messages or changes.removed:
            self.indexer.poke()
        if changes.reports:
            self.sender.look()
        self._tell_waiting()

    def _tell_waiting(self) -> None:
        with self.context.committed:
            self.context.committed.notify_all()

    def _arrived(self, ids: set[int]) -> None:
        horizon = self.context.now() - FRESH_SECONDS
        newest = sorted(one for one in ids if one >> SEQUENCE_BITS >= horizon)[-_TOLD:]
        if not newest:  # a first synchronisation brings thousands, and nearly all are old
            return
        db = self.store.reader()
        roles = {folder.id: folder.role for folder in read.folders(db)}
        rows = [row for row in read.rows(db, newest) if roles.get(row.folder_id, Role.JUNK) not in NO_NEWS]
        fresh = tuple(row.id for row in rows if not row.flags & Flag.SEEN)
        if fresh:
            self.tell(wire.Arrived(fresh))

    # ---- commands
    def _handle(self, client: Client, command: wire.Command) -> wire.Answer:
        if isinstance(command, wire.Hello):
            return self._welcome(client, command)
        return commands.handle(self, command)

    def _welcome(self, client: Client, hello: wire.Hello) -> wire.Welcome:
        if hello.protocol != wire.PROTOCOL:
            text = "This window and the running engine are of different versions of Mua; close Mua everywhere first."
            raise MailError(Kind.LOCAL, Retry.ASK, text, code="protocol")
        if hello.passphrase and self.secrets.place is Place.FILE:
            self.secrets.set_passphrase(hello.passphrase)
        client.name, client.events = hello.client, hello.events
        for state in list(self.states.values()):
            client.tell(state)
        return wire.Welcome(os.getpid(), __version__, self.secrets.place, VERSION)


def _worker(context: Context, account: Account) -> Worker:
    """The retrieval that fits the account; the other one, which nobody may need, is not loaded."""
    if account.incoming is Incoming.IMAP:
        from mua.engine.imap_worker import ImapWorker

        return ImapWorker(context, account)
    from mua.engine.pop_worker import PopWorker

    return PopWorker(context, account)


def main(
    profile: Profile,
    *,
    stay: bool = False,
    patience: float = PATIENCE,
    drop: "Path | None" = None,
    metrics: "Path | None" = None,
) -> int:
    """Run an engine in this process until it ends; returns the exit code.  ``patience``: see ``engine.context``.

    ``drop``: the folder where local users leave mail for the system's queue, which this engine then looks after;
    ``metrics``: the file for what it counts meanwhile, in place of the profile's own.
    """
    try:
        with file_errors():
            lock = _take_lock(profile.create())
        engine = Engine(profile, lock, stay=stay, patience=patience, drop=drop, metrics=metrics)
    except MailError as error:
        ENGINE.error("%s (%s)", error.text, error.detail)
        return 1
    except OSError as error:  # of the drop folder: the store translates its own
        ENGINE.error("the drop folder cannot be used: %s", error)
        return 1
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: engine.stop_soon())
    signal.set_wakeup_fd(engine.wakeup, warn_on_full_buffer=False)
    engine.run()
    return 0


def _take_lock(profile: Profile) -> ProfileLock:
    """The profile's lock; an engine that is on its way out (its door is shut already) is waited for."""
    deadline = time.monotonic() + STOP_SECONDS
    while True:
        try:
            return ProfileLock(profile)
        except MailError:
            if profile.socket.exists() or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
