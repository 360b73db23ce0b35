"""One IMAP account: store and server are made to agree, by two threads with a connection each.

Theory of operation.  The *interactive* thread pushes wishes, fetches what a person waits for, pulls the inbox, and then
waits in IDLE until the server has news or somebody pokes it.  The *bulk* thread compares every folder and fills in the
bodies, newest first, after each push and every few minutes; so opening a mail never waits behind a back-fill.  Where a
server allows only one connection, the interactive thread does the bulk rounds too, in small units between which it
looks for pokes.  Everything is level-triggered: a poke says *that* something changed; what, is in the store.

Where one LIST tells the state of every folder (LIST-STATUS, CONDSTORE), "is there anything new?" is that one round
trip: over the bulk connection while the other stays in IDLE, or, while that is busy or not open, over the interactive
one.  So an account to which nothing happens has one connection; the bulk thread opens another when there is bulk.

A failed connection is tried again with growing pauses; a failure of the account (password, certificate) waits for a
person: the same wrong password is not tried again by itself.
"""

import contextlib
import random
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from mua import wire
from mua.engine.bodies import fetch_bodies, fetch_wanted
from mua.engine.context import Context
from mua.engine.pull import Shared, pull_folder, pull_folders
from mua.engine.pulse import Pulse
from mua.engine.push import push
from mua.engine.quota import QuotaWatch
from mua.engine.rounds import Rounds, Work
from mua.engine.server_search import Asked, Searches
from mua.engine.server_search import serve as serve_searches
from mua.engine.tokens import with_token
from mua.errors import Kind, MailError, Retry
from mua.log import IMAP
from mua.model.account import Account, Server
from mua.model.folder import Folder, FolderState, Role
from mua.net.imap import ImapConnection
from mua.net.imap_answers import Woken
from mua.plan import replay, sync
from mua.store import folder_wishes, mirror, write

THOROUGH_SECONDS = 1800.0  # between two comparisons of all flags where the server counts no changes (CONDSTORE)
PROBE = 10.0  # seconds for the answer of a connection that may be dead
IDLE_SECONDS = 540.0  # renew before any NAT forgets us, and long before the server's 30 minutes (RFC 2177)
SIZES_SECONDS = 24 * 3600.0  # between two questions how large every folder is
LOCAL_SECONDS = 10.0  # between two tries on a full disk
POLL_SECONDS = 300.0  # between two bulk rounds without a reason
POLL_CHEAPLY = 120.0  # the same, where one round trip tells about every folder
_BURST, _BURST_SECONDS = 8, 2.0  # so many turns in so short a time, and then a pause of as long
_TOO_MANY = frozenset({"too-many-connections", "turned-away", "server-closed", "connection-lost"})
WHEN_ASKED_SECONDS = 7 * 24 * 3600.0
AHEAD = 4  # batches under way on the bulk connection: 800 headers hide a tenth of a second of distance
ALONE_SECONDS = 600.0  # before a second connection is tried again where it was refused


class ImapWorker:
    """Retrieval of one account; see ``engine.context.Worker`` for the contract."""

    def __init__(self, context: Context, account: Account) -> None:
        if account.incoming_server is None:
            raise MailError(Kind.ACCOUNT, Retry.ASK, "This account has no server to fetch mail from.", code="no-server")
        self.context = context
        self.account = account
        self.server: Server = account.incoming_server
        self.shared = Shared(context, account)
        self.rounds = Rounds(self.shared.stopping)
        self.searches = Searches()
        self.pulse = Pulse(context.now)
        self._connections: set[ImapConnection] = set()
        self._poke_read, self._poke_write = socket.socketpair()
        self._poke_read.setblocking(False)
        self._poke_write.setblocking(False)
        self._refused: tuple[str, MailError] | None = None  # a password, and what the server said to it
        self._forced = False
        self._nudged = False
        self._idling = self._bulk_is_ready = False
        self._reported = False
        self._turns: deque[float] = deque(maxlen=_BURST)
        self._alone_until = 0.0
        self._sizes_due = 0.0
        self._thorough_ticket, self._thorough_at = -1, 0.0
        self._network = 0  # how often it changed
        self._doubting: set[threading.Thread] = set()
        self._threads = [
            threading.Thread(target=self._run, args=(self._interactive,), name=f"imap-{account.id}", daemon=True),
            threading.Thread(target=self._run, args=(self._bulk,), name=f"imap-{account.id}-bulk", daemon=True),
        ]

    # -- the contract

    def start(self) -> None:
        """Start both threads."""
        for thread in self._threads:
            thread.start()

    def poke(self) -> None:
        """There is something to do; ends IDLE and back-off."""
        with contextlib.suppress(OSError):  # full: it is poked already; closed: it has ended
            self._poke_write.send(b"!")
        self.rounds.wake()

    def stop(self) -> None:
        """End soon, whatever the threads are waiting for."""
        self.shared.stopping.set()
        for connection in list(self._connections):
            connection.interrupt()
        self.poke()

    def join(self, timeout: float) -> None:
        """Wait for the threads to end."""
        end = time.monotonic() + timeout
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, end - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self._poke_read.close()
            self._poke_write.close()

    def sync(self, complete: bool) -> list[MailError]:
        """Compare everything with the server once from now on; see the contract."""
        ticket = self.rounds.ask()
        self._forced = True
        if self._idling and self._bulk_is_ready and not self._is_wished():
            self.rounds.pushed(ticket.number, Work.ROUND)  # nothing to push: IDLE goes on
        else:
            self.poke()
        return self.rounds.wait(ticket, complete)

    def network_changed(self) -> None:
        """End each back-off, which begins anew, and have both threads see whether their connections live."""
        self._network += 1
        self._doubting.update(self._threads)
        self.poke()

    def compare(self) -> None:
        """Compare everything with the server soon."""
        self.rounds.ask()
        self.poke()

    def search(self, asked: Asked) -> None:
        """Search on the server as soon as it can be asked; ``asked.over`` tells the end."""
        self.searches.add(asked)
        self.rounds.want(Work.SEARCH)
        self.poke()

    def _every(self, usual: float) -> float:
        """Seconds between two looks at every folder: as usual, or as the person likes."""
        minutes = self.account.habits.minutes
        return usual if not minutes else min(60.0 * minutes, WHEN_ASKED_SECONDS) if minutes > 0 else WHEN_ASKED_SECONDS

    def _is_wished(self) -> bool:
        """Whether the interactive thread has something to do for a person."""
        db, account_id = self.context.store.reader(), self.account.id
        return bool(
            mirror.wishes(db, account_id)
            or mirror.folders_to_create(db, account_id)
            or folder_wishes.wished(db, account_id)
            or mirror.wanted_bodies(db, account_id)
        )

    # -- both threads

    def _run(self, session: Callable[[], None]) -> None:
        """Run sessions until stopped; each failure is told, and followed by a pause."""
        failures, network = 0, self._network
        while not self.shared.stopping.is_set():
            started = time.monotonic()
            try:
                session()
                failures = 0
                continue
            except MailError as error:
                trouble = _worth_another(error)
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not end retrieval
                trouble = self._mistake(error)
            if self.shared.stopping.is_set():
                return
            rested = time.monotonic() - started > POLL_SECONDS or network != self._network
            failures, network = 1 if rested else failures + 1, self._network
            self._tell(trouble, failures)
            self._pause(trouble, failures)

    def _mistake(self, error: Exception) -> MailError:
        if not self.shared.stopping.is_set():
            IMAP.exception("account %d: retrieval failed", self.account.id)
        text = "Mua made a mistake while fetching mail; nothing is lost, and it will try again."
        return MailError(Kind.BUG, Retry.SOON, text, f"{type(error).__name__}: {error}", "bug")

    def _tell(self, error: MailError, failures: int) -> None:
        """A connection that was lost once is mended silently; everything else is shown."""
        IMAP.info("account %d: %s (%s)", self.account.id, error.code or error.kind, error.detail)
        if failures > 1 or error.kind is not Kind.CONNECTION:
            self.searches.fail(error)
        if error.kind is not Kind.CONNECTION or failures > 1:
            self._reported = True
            self.context.report(self.account.id, error)
        else:
            self.context.publish(wire.Status(self.account.id, wire.State.OFFLINE, error.text, error.code))
        self.rounds.failed(error)  # last: who is answered now finds the problem in the store

    def _pause(self, error: MailError, failures: int) -> None:
        pause = sync.backoff(failures, random.random())
        if error.kind is Kind.LOCAL:  # space on the disk: trying costs no server anything
            pause = min(pause, LOCAL_SECONDS)
        if threading.current_thread() is not self._threads[0]:
            self.rounds.sleep(pause)
            self.rounds.want()  # the round that failed
        else:
            pause = sync.MAX_BACKOFF if error.kind is Kind.ACCOUNT else pause
            self.pulse.paused(failures, pause)
            self._wait_for_poke(pause)

    def _wait_for_poke(self, seconds: float) -> bool:
        """Whether one came in time; it is taken."""
        self._poke_read.settimeout(seconds)
        try:
            return bool(self._poke_read.recv(4096))
        except OSError:
            return False  # the time is up
        finally:
            self._poke_read.setblocking(False)

    def _drain_pokes(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._poke_read.recv(4096):
                pass

    def _reassure(self, connection: ImapConnection) -> None:
        """After a change of the network: a dead connection must not look alive for long."""
        if threading.current_thread() in self._doubting:
            self._doubting.discard(threading.current_thread())
            connection.probe(PROBE)

    @contextlib.contextmanager
    def _using(self, connection: ImapConnection) -> Iterator[None]:
        """While it is used, ``stop`` can interrupt the connection."""
        self._connections.add(connection)
        self._doubting.discard(threading.current_thread())  # this one is new
        try:
            if self.shared.stopping.is_set():
                connection.interrupt()
            yield
            connection.log_out()
        finally:
            self._connections.discard(connection)
            self.pulse.closed(connection.facts())
            connection.abort()

    def _connect(self) -> ImapConnection:
        tried: list[str] = []

        def told(ask: Callable[[], str]) -> str:
            tried.append(self._unless_refused(ask()))
            return tried[-1]

        opened: list[ImapConnection] = []

        def adopt(connection: ImapConnection) -> None:
            opened.append(connection)
            self._connections.add(connection)
            if self.shared.stopping.is_set():
                connection.interrupt()

        def attempt(token: Callable[[], str] | None) -> ImapConnection:
            return ImapConnection(
                self.server,
                lambda: told(lambda: self.context.password(self.account)),
                self.account.ca_file,
                self.context.patience,
                allow_plaintext=self.account.allow_plaintext,
                names=self.shared.names,
                spaces=self.shared.spaces,
                certificate=self.account.client_cert,
                before=self.context.mechanism(self.account.id),
                token=None if token is None else lambda: told(token),
                adopt=adopt,
            )

        try:
            connection = with_token(self.context, self.account, attempt)
        except MailError as error:
            self._connections.difference_update(opened)
            if error.kind is Kind.ACCOUNT and tried:
                self._refused = tried[-1], error
            raise
        self._refused = None
        self.context.logged_in(self.account.id, connection.mechanism)
        return connection

    def _unless_refused(self, secret: str) -> str:
        """The password or token; a refused one is not sent again unless a person asks for it."""
        if self._refused is not None and secret == self._refused[0] and not self._forced:
            raise self._refused[1]
        self._forced = False
        return secret

    # -- the interactive thread

    def _interactive(self) -> None:
        self._status(wire.State.CONNECTING)
        connection = self._connect()
        with self._using(connection):
            with contextlib.suppress(MailError):  # a server may refuse to be asked for its name
                connection.identify()
            self._all_well()
            self.pulse.well()
            self.rounds.online = True
            quota = QuotaWatch()
            try:
                work = Work.ROUND
                while not self.shared.stopping.is_set():
                    work = self._attend(connection, work, quota)
            finally:
                self.rounds.online = False

    def _attend(self, connection: ImapConnection, work: Work, quota: QuotaWatch) -> Work:
        """One turn: push, fetch what is waited for, pull the inbox, wait.  Returns what is to be done in bulk next."""
        self._drain_pokes()  # before anything is looked at: what is written later pokes again
        ticket = self.rounds.asked
        asked = ticket > self.rounds.pushed_ticket
        if asked:
            work = Work.ROUND
        nudged = self._nudged and work is Work.BODIES
        if nudged:
            work = Work.NOTHING  # the bulk thread poked, and knows
        self._nudged = False
        self._reassure(connection)
        self._status(wire.State.SYNCING)
        self._serve(connection)
        if asked and not self._bulk_is_ready and self._is_unchanged(connection, ticket):
            work = Work.BODIES
        inbox = self._inbox()
        if inbox.state.uidnext or self._alone:
            self._exhaust(pull_folder(self.shared, connection, inbox))
        elif work is Work.BODIES:
            work = Work.ROUND  # the bulk thread has not been through the inbox yet
        if nudged and mirror.lacks_bodies(self.context.store.reader(), self.account.id):
            work = Work.BODIES  # mail has come in the same moment
        if connection.selected != inbox.name:
            connection.select(inbox.name)
        connection.notify()  # before the bulk thread compares: what happens from now on is told
        self.rounds.pushed(ticket, work)
        if self._alone and work is not Work.NOTHING:
            self._do_round_here(connection, ticket, work)
        quota.look(self.shared, connection)
        self._status(wire.State.IDLE)
        self.pulse.open(connection.facts())
        woken = self._idle(connection, inbox)
        self.pulse.woke(woken.value)
        if woken is Woken.TIMEOUT:
            return Work.ROUND if self._alone else Work.NOTHING
        elsewhere = connection.take_elsewhere()
        if elsewhere or woken is Woken.SLEPT or (woken is Woken.NEWS and _compares_cheaply(connection)):
            return Work.ROUND  # what left the inbox is in another folder now
        return Work.BODIES

    def _serve(self, connection: ImapConnection) -> None:
        """Everything that a person waits for."""
        tried: set[int] = set()
        fetch_wanted(self.shared, connection, tried)
        for folder in push(self.shared, connection):
            self._exhaust(self._guarded(connection, folder))
        while fetch_wanted(self.shared, connection, tried):
            pass
        if self._alone:
            self._exhaust(serve_searches(self.shared, connection, self.searches))

    @staticmethod
    def _exhaust(units: Iterator[None]) -> None:
        for _ in units:
            pass

    def _inbox(self) -> Folder:
        found = next((one for one in self.shared.folders() if one.role is Role.INBOX), None)
        if found is not None:
            return found
        with self.context.store.write() as tx:
            write.put_folder(tx, self.account.id, "INBOX", role=Role.INBOX)
        return self._inbox()

    def _idle(self, connection: ImapConnection, inbox: Folder) -> Woken:
        if connection.selected != inbox.name:
            connection.select(inbox.name)
        self._turns.append(time.monotonic())
        spinning = len(self._turns) == _BURST and self._turns[-1] - self._turns[0] < _BURST_SECONDS
        if spinning and self._wait_for_poke(_BURST_SECONDS):  # news at every turn; but no poke is lost by the pause
            return Woken.POKE
        known = self._inbox().state
        told = known.uidnext and connection.told != replace(known, left_there=0)  # by a SELECT: IDLE will not repeat it
        if told or connection.news or connection.elsewhere:
            return Woken.NEWS
        self._idling = not self._alone
        try:
            patience = min(self._every(POLL_SECONDS), IDLE_SECONDS) if self._alone else IDLE_SECONDS
            woken = connection.idle(self._poke_read, patience)
        finally:
            self._idling = False
        if woken is Woken.SLEPT:
            connection.probe(PROBE)
        return woken

    # -- the bulk thread

    @property
    def _alone(self) -> bool:
        """The server does not let us have a second connection."""
        return time.monotonic() < self._alone_until

    def _bulk(self) -> None:
        """One connection's worth of rounds; only while the interactive thread is online."""
        work = self.rounds.wait_for_work(self._every(POLL_SECONDS))
        if work is Work.NOTHING or self._alone:
            return
        if work is Work.BODIES and not mirror.lacks_bodies(self.context.store.reader(), self.account.id):
            self.rounds.completed(self.rounds.pulled_ticket)
            return
        try:
            connection = self._connect()
        except MailError as error:
            if error.code not in _TOO_MANY or not self.rounds.online:
                raise
            IMAP.info("account %d: one connection only (%s)", self.account.id, error.code)
            self._alone_until = time.monotonic() + ALONE_SECONDS
            self.pulse.alone = True
            self.rounds.asked_again()
            self.poke()
            return
        connection.ahead = AHEAD
        with self._using(connection):
            pause = self._every(POLL_CHEAPLY if _compares_cheaply(connection) else POLL_SECONDS)
            while work is not Work.NOTHING:
                self._reassure(connection)
                self.pulse.open(connection.facts())
                self._exhaust(self._round(connection, self.rounds.pushed_ticket, work))
                self._look_at_sizes(connection)
                self._bulk_is_ready = True
                work = self.rounds.wait_for_work(pause)
                self._bulk_is_ready = False

    def _look_at_sizes(self, connection: ImapConnection) -> None:
        """Once a day, when nothing else is to be done: the server may have to read every message for it."""
        if time.monotonic() < self._sizes_due or self.rounds.has_work:
            return
        self._sizes_due = time.monotonic() + SIZES_SECONDS
        try:
            told = connection.folder_sizes()
        except MailError as error:
            if error.kind is not Kind.FOLDER:
                raise
            IMAP.info("account %d: does not tell how large folders are (%s)", self.account.id, error.code)
            return
        if told:
            with self.context.store.write() as tx:
                write.set_folder_sizes(tx, self.account.id, told)

    def _do_round_here(self, connection: ImapConnection, ticket: int, work: Work) -> None:
        """A bulk round on the interactive connection: pokes are served between its units."""
        for _ in self._round(connection, ticket, work):
            if self.shared.stopping.is_set():
                return
            try:
                self._poke_read.recv(4096)
            except BlockingIOError:
                continue
            self._serve(connection)
        if self.rounds.asked > ticket:  # by a poke that was taken above
            self.poke()

    def _round(self, connection: ImapConnection, ticket: int, work: Work) -> Iterator[None]:
        """Every folder compared (a whole round), then every body; yields after each bounded unit.

        What a person searches comes before each of them.
        """
        compared = ticket if work is Work.ROUND else self.rounds.pulled_ticket
        for _ in self._units(connection, ticket, work):
            yield
            yield from serve_searches(self.shared, connection, self.searches)
        if work is not Work.SEARCH:
            self.rounds.completed(compared)
        if self._reported and self.rounds.online:
            self._all_well()

    def _units(self, connection: ImapConnection, ticket: int, work: Work) -> Iterator[None]:
        yield
        if work is Work.ROUND:
            yield from self._compare_folders(connection, ticket)
        for folder in self.shared.folders() if work is not Work.SEARCH else []:
            if folder.selectable:
                yield from fetch_bodies(self.shared, connection, folder)

    def _compare_folders(self, connection: ImapConnection, ticket: int) -> Iterator[None]:
        started = time.monotonic()
        thorough = ticket > self._thorough_ticket or started - self._thorough_at > THOROUGH_SECONDS
        first = not self.shared.listed
        states = pull_folders(self.shared, connection)
        if first and mirror.folders_to_create(self.context.store.reader(), self.account.id):
            self._nudged = True  # what waited for the list can be pushed now
            self.poke()
        yield
        for folder in self.shared.folders():
            if folder.id not in states or not folder.selectable:
                continue
            if self._may_have_news(connection, folder, states[folder.id], thorough):
                yield from self._guarded(connection, folder)
        if thorough:
            self._thorough_ticket, self._thorough_at = ticket, started
        self._nudge()
        self._compared(ticket)

    def _is_unchanged(self, connection: ImapConnection, ticket: int) -> bool:
        """Whether one round trip tells that no folder has anything new; who waits for that is answered."""
        if self._alone or not _compares_cheaply(connection) or not self._inbox().state.uidnext:
            return False
        states = pull_folders(self.shared, connection)
        known = [one for one in self.shared.folders() if one.id in states and one.selectable]
        if any(states[one.id] is None or self._may_have_news(connection, one, states[one.id], True) for one in known):
            return False
        self._compared(ticket)
        return True

    def _compared(self, ticket: int) -> None:
        """Every folder has been compared with the server."""
        self.rounds.pulled(ticket)
        with self.context.store.write() as tx:
            write.set_synced(tx, self.account.id, self.context.now())

    def _nudge(self) -> None:
        """Wishes of messages whose UID has just become known are waiting for the interactive thread."""
        wishes = mirror.wishes(self.context.store.reader(), self.account.id)
        if threading.current_thread() is not self._threads[0] and replay.steps(wishes):
            self._nudged = True
            self.poke()

    def _may_have_news(
        self, connection: ImapConnection, folder: Folder, remote: FolderState | None, thorough: bool
    ) -> bool:
        """Whether opening the folder may show something new; where flags cannot be compared, only now and then."""
        db = self.context.store.reader()
        if mirror.without_uid(db, folder.id):
            return True
        try:
            told = connection.status(folder.name) if remote is None else remote
        except MailError as error:
            if error.kind is not Kind.FOLDER:
                raise
            return True  # opening it will say why
        return sync.may_have_news(folder.state, mirror.stored(db, folder.id), told, thorough=thorough)

    def _guarded(self, connection: ImapConnection, folder: Folder) -> Iterator[None]:
        """Pull a folder; what is wrong with this folder only is noted on it and does not stop the others."""
        try:
            yield from pull_folder(self.shared, connection, folder)
            self.shared.doubted.discard(folder.name)
        except MailError as error:
            if error.kind is not Kind.FOLDER:
                raise
            self.shared.doubt(folder.name, error)
            IMAP.info("folder %d: %s", folder.id, error.code)
            if error.code != "folder-gone":
                with self.context.store.write() as tx:
                    write.set_folder_problem(tx, folder.id, error.text)

    def _all_well(self) -> None:
        self._reported = False
        self.context.all_well(self.account.id)

    def _status(self, state: wire.State) -> None:
        self.context.publish(wire.Status(self.account.id, state))


def _worth_another(error: MailError) -> MailError:
    """SERVERBUG ends a session like a lost connection does, whatever it was said about."""
    if error.code != "server-bug":
        return error
    return MailError(Kind.CONNECTION, Retry.SOON, error.text, error.detail, error.code)


def _compares_cheaply(connection: ImapConnection) -> bool:
    """Whether one round trip tells which folders have news."""
    return connection.can("LIST-STATUS") and connection.can("CONDSTORE")
