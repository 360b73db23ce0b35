"""One POP3 account: look, fetch what is new, delete there only what is safe here.

Theory of operation.  One thread visits the server every few minutes, or when poked.  A visit lists the messages,
fetches the new ones newest first, and commits them in small groups: bytes durable in body.db, then rows *and* unique
ids in one durable transaction of cache.db.  So after a crash at any moment a message was either fetched with its id, or
will be fetched again: exactly once either way.  The worker keeps nothing that the store does not know, except which
messages it gave up on in this run.

The mailbox is INBOX; every other folder of the account lives on this computer only.
"""

import hashlib
import random
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import IO

from mua import wire
from mua.engine.context import Context
from mua.engine.reading import Whole, facts, file_whole
from mua.engine.server_search import Asked
from mua.errors import Kind, MailError, Retry
from mua.log import POP3 as LOG
from mua.mime.headers import date
from mua.mime.message import parse
from mua.mime.scan import Field
from mua.model.account import Account
from mua.model.folder import FolderId, FolderState, Role
from mua.model.message import MessageId
from mua.net.pop3 import Session
from mua.plan import pop
from mua.store import read, write

INTERVAL = 300.0  # seconds between visits
POKE_PAUSE = 15.0  # a poke sooner after a visit than this waits: stars and moves need no visit
MAX_MESSAGE = 256 << 20  # octets
GROUP_COUNT, GROUP_SIZE, GROUP_SECONDS = 32, 1 << 20, 0.5  # messages, octets and patience of one commit
IN_MEMORY = 1 << 20  # octets; larger messages land in a file first


@dataclass(slots=True)
class _Group:
    """Messages that are committed together."""

    keys: list[str] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    size: int = 0
    began: float = field(default_factory=time.monotonic)

    def add(self, key: str, raw: bytes) -> None:
        self.keys.append(key)
        self.raws.append(raw)
        self.size += len(raw)

    @property
    def full(self) -> bool:
        late = time.monotonic() - self.began >= GROUP_SECONDS
        return len(self.keys) >= GROUP_COUNT or self.size >= GROUP_SIZE or late


class PopWorker:
    """Retrieves one POP3 account (see ``engine.context.Worker``)."""

    def __init__(self, context: Context, account: Account, interval: float = INTERVAL) -> None:
        self.context = context
        self.account = account
        self.interval = interval
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._poked = False
        self._asked = self._answered = self._covered = 0
        self._problems: list[MailError] = []
        self._session: Session | None = None
        self._given_up: set[str] = set()
        self._thread = threading.Thread(target=self._run, name=f"pop3-{account.name}", daemon=True)

    # -- for the engine

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def poke(self) -> None:
        """Visit soon."""
        with self._changed:
            self._poked = True
            self._changed.notify_all()

    def stop(self) -> None:
        """End soon, also in the middle of a message."""
        with self._changed:
            self._stopping.set()
            session = self._session
            self._changed.notify_all()
        if session is not None:
            session.abort()

    def join(self, timeout: float) -> None:
        """Wait for the thread to end."""
        if self._thread.is_alive():
            self._thread.join(timeout)

    def sync(self, complete: bool) -> list[MailError]:
        """Visit now and wait for the end of it.  POP3 has no message without its body, so ``complete`` is no more."""
        with self._changed:
            self._asked += 1
            mine = self._asked
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._answered >= mine or self._stopping.is_set())
            return list(self._problems)

    def compare(self) -> None:
        """A POP3 account has one mailbox, and all of it is fetched."""
        self.poke()

    def search(self, asked: Asked) -> None:
        """POP3 has no search, and all that its server has is here."""
        asked.end()

    # -- the thread

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            with self._changed:
                self._poked, self._covered = False, self._asked
            problems = self._visit()
            if self._asked > self._answered and any(problem.kind is Kind.CONNECTION for problem in problems):
                problems = self._visit()  # somebody waits: once more before the error is the answer
            if self._stopping.is_set():
                return
            failures = failures + 1 if problems else 0
            self._answer(problems)
            self._rest(failures)

    def _answer(self, problems: list[MailError]) -> None:
        with self._changed:
            self._answered, self._problems = self._covered, problems
            self._changed.notify_all()

    def _rest(self, failures: int) -> None:
        """Sleep until the next visit, a poke (not too soon) or somebody who waits for a sync."""
        now = time.monotonic()
        due = pop.next_visit(now, failures, self.interval, self._login_delay(), random.random())
        if any(problem.retry is not Retry.SOON and problem.kind is not Kind.MESSAGE for problem in self._problems):
            due = float("inf")  # only a person can help: changed settings start a new worker, and a poke tries again
        with self._changed:
            while not (self._stopping.is_set() or self._asked > self._answered):
                wake = min(due, now + POKE_PAUSE) if self._poked else due
                left = wake - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(min(left, 3600.0))

    def _login_delay(self) -> float:
        offered = self._session.capabilities.get("LOGIN-DELAY", ()) if self._session is not None else ()
        return min(float(offered[0]), 3600.0) if offered and offered[0].isascii() and offered[0].isdigit() else 0.0

    def _visit(self) -> list[MailError]:
        """One visit; its errors are reported and returned, none is raised."""
        try:
            self._tell(wire.State.CONNECTING)
            problems = self._converse()
            self.context.all_well(self.account.id)
            self._tell(wire.State.IDLE)
        except MailError as error:
            problems = [error]
        except Exception as error:  # noqa: BLE001 - a bug in one account must not end its thread
            LOG.exception("a visit failed")
            text = f"Mua made a mistake while fetching the mail of {self.account.name}; nothing is lost."
            problems = [MailError(Kind.BUG, Retry.SOON, text, type(error).__name__, "bug")]
        grave = [problem for problem in problems if problem.kind is not Kind.MESSAGE]
        if grave and not self._stopping.is_set():
            self.context.report(self.account.id, grave[0])
        return problems

    def _tell(self, state: wire.State) -> None:
        self.context.publish(wire.Status(self.account.id, state))

    # -- one visit

    def _converse(self) -> list[MailError]:
        """Everything between connecting and QUIT; returns what went wrong with single messages."""
        session = self._connect()
        try:
            self._tell(wire.State.SYNCING)
            with self._changed:
                self._covered = self._asked  # who asked before the listing is answered by it
            there = pop.keyed(self._identified(session))
            inbox = self._inbox(len(there))
            known = read.uidls(self.context.store.reader(), self.account.id)
            problems = self._fetch(session, inbox, pop.to_fetch(there, known, self._given_up, MAX_MESSAGE))
            self._restore(session, there)
            too_big = sum(one.size > MAX_MESSAGE for one in there)
            self._note_too_big(inbox, too_big + len(self._given_up))
            self._delete(session, there)
            session.quit()
        finally:
            session.abort()
        with self.context.store.write() as tx:
            write.set_synced(tx, self.account.id, self.context.now())
        return problems

    def _connect(self) -> Session:
        assert self.account.incoming_server is not None
        session = Session(
            self.account.incoming_server,
            lambda: self.context.password(self.account),
            self.account.ca_file,
            allow_plaintext=self.account.allow_plaintext,
            max_message=MAX_MESSAGE,
        )
        with self._changed:
            self._session = session
        if self._stopping.is_set():
            session.abort()
        return session

    def _identified(self, session: Session) -> Iterator[pop.Listed]:
        """The listing; what the server gives no unique id is known by its header."""
        for one in session.listing():
            if one.uid:
                yield one
            else:
                digest = hashlib.sha256(session.header(one.number)).hexdigest()
                yield replace(one, uid=f"sha256:{digest}")

    def _inbox(self, on_server: int) -> FolderId:
        folder = read.folder_with_role(self.context.store.reader(), self.account.id, Role.INBOX)
        if folder is not None and folder.state.on_server == on_server:
            return folder.id
        with self.context.store.write() as tx:
            inbox = folder.id if folder else write.put_folder(tx, self.account.id, "INBOX", role=Role.INBOX, local=True)
            write.set_folder_state(tx, inbox, FolderState(on_server=on_server))
        return inbox

    def _fetch(self, session: Session, inbox: FolderId, wanted: Sequence[pop.Keyed]) -> list[MailError]:
        problems, group, done = [], _Group(), 0
        keys = {one.number: one.key for one in wanted}
        try:
            for number, answer in session.retrieve(list(keys), self._landing):
                done += 1
                if isinstance(answer, MailError):
                    problems.append(answer)
                    if answer.retry is Retry.NEVER:
                        self._given_up.add(keys[number])
                    continue
                with answer:
                    group.add(keys[number], answer.read())
                if group.full or done == 1:  # the newest one at once
                    self._commit(inbox, group)
                    group = _Group()
                    self.context.publish(wire.Progress(self.account.id, "messages", done, len(wanted)))
        finally:
            self._commit(inbox, group)  # what is whole is kept, even if the connection ended after it
        if wanted:
            self.context.publish(wire.Progress(self.account.id, "messages", len(wanted), len(wanted)))
        return problems

    def _landing(self) -> IO[bytes]:
        return tempfile.SpooledTemporaryFile(IN_MEMORY, dir=str(self.context.store.profile.big))

    def _commit(self, inbox: FolderId, group: _Group) -> None:
        """Bytes, rows and unique ids, durable; the rows and the ids in one transaction."""
        if not group.keys:
            return
        now = self.context.now()
        items = [_whole(raw, now) for raw in group.raws]
        with self.context.store.write(durable=True) as tx:
            ids = file_whole(self.context, tx, self.account.id, inbox, items, append=False)
            for key, one in zip(group.keys, ids, strict=True):
                write.record_uidl(tx, self.account.id, key, one, now)

    def _restore(self, session: Session, there: Sequence[pop.Keyed]) -> None:
        """Bytes that were lost here are fetched once more, for the rows that they belong to."""
        lost = read.uidls_without_body(self.context.store.reader(), self.account.id)
        numbers = {one.number: lost[one.key] for one in there if one.key in lost}
        for number, answer in session.retrieve(list(numbers), self._landing):
            if isinstance(answer, MailError):
                continue
            with answer:
                raw = answer.read()
            one = numbers[number]
            place = self.context.bodies.put([(one, raw)], durable=True)[one]
            found = facts(one, place, raw)
            with self.context.store.write(durable=True) as tx:
                write.set_bodies(tx, [found])

    def _note_too_big(self, inbox: FolderId, count: int) -> None:
        what = "1 message" if count == 1 else f"{count} messages"
        limit = MAX_MESSAGE >> 20
        text = f"{what} larger than {limit} MB stay on the server; Mua does not fetch that much." if count else ""
        folder = read.folder(self.context.store.reader(), inbox)
        if folder is not None and folder.problem != text:
            with self.context.store.write() as tx:
                write.set_folder_problem(tx, inbox, text)

    def _delete(self, session: Session, there: Sequence[pop.Keyed]) -> None:
        if self.account.leave_on_server:
            return
        known = read.uidls(self.context.store.reader(), self.account.id)
        for one in pop.to_delete(there, known, self.account.leave_on_server):
            if self._is_safe(known[one.key]):
                session.delete(one.number)

    def _is_safe(self, message_id: MessageId) -> bool:
        """Its bytes can be read back, or a person deleted it here."""
        if read.row(self.context.store.reader(), message_id) is None:
            return True
        return self.context.bodies.get(message_id) is not None


def _whole(raw: bytes, now: int) -> Whole:
    parsed = parse(raw)
    return Whole(raw, arrival(parsed.root.fields, now), parsed=parsed)


def arrival(fields: Sequence[Field], now: int) -> int:
    """When a message reached its mailbox (UTC seconds): the topmost Received, else Date, else ``now``; never later."""
    stamps = [value.rpartition(b";")[2] for name, value in fields if name == "received"][:1]
    stamps += [value for name, value in fields if name == "date"][:1]
    found = next((seconds for stamp in stamps if (seconds := date(stamp)) is not None), now)
    return max(0, min(found, now))
