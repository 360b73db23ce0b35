"""One visit to a POP3 server: list, fetch what is new, delete there only what is safe here.

Theory of operation.  A visit lists the messages, fetches the new ones newest first, and commits them in small groups:
bytes durable in body.db or ``big/``, then rows *and* unique ids in one durable transaction of cache.db.  So after a
crash at any moment a message was either fetched with its id, or will be fetched again: exactly once either way.  What
may be deleted there is decided anew at each visit, from what is stored: a deletion that a cut connection undid, or left
in doubt, is simply asked for again, and nothing that was fetched is ever fetched again.

A message at which the connection breaks keeps no other one away: it is asked for last, and then only once an hour.

The mailbox is INBOX, the account's own or that of another account; every other folder lives on this computer only.
"""

import contextlib
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mua import wire
from mua.engine.context import Context
from mua.engine.landing import Landing, store
from mua.engine.tokens import with_token
from mua.errors import Kind, MailError, Retry
from mua.mime.headers import date
from mua.mime.scan import Field
from mua.model.account import Account, AccountId, Incoming
from mua.model.folder import Folder, FolderId, FolderState, Role
from mua.model.message import MessageId
from mua.net.pop3 import Session
from mua.plan import pop
from mua.plan.pop import Fetched, Keyed, Ours
from mua.store import read, write
from mua.store.db import Tx
from mua.store.write import NewMessage

MAX_MESSAGE = 256 << 20  # octets
PATIENCE = 3  # times that the connection may end at one message
STUCK_SECONDS = 3600  # that such a message is left alone
GROUP_COUNT, GROUP_SIZE, GROUP_SECONDS = 32, 1 << 20, 0.5  # messages, octets and patience of one commit
NO_IDS = (
    "This server gives its messages no unique ids of their own, so Mua knows them by their headers: each visit takes"
    " longer, and a message that is changed there may come twice."
)


@dataclass(slots=True)
class Trouble:
    """Messages that made trouble in this run of the engine, by their keys.

    ``big`` are not asked for again.  A message that was expected where the connection ended is asked for last; after
    ``PATIENCE`` times that others came and it did not, only once in a while.
    """

    big: set[str] = field(default_factory=set)
    broke: Counter[str] = field(default_factory=Counter)
    last: dict[str, int] = field(default_factory=dict)

    def blame(self, key: str, now: int, others_came: bool) -> None:
        """The connection ended at this message; unless ``others_came``, the line may be to blame."""
        self.last[key] = now
        self.broke[key] += others_came

    def stuck(self, now: int) -> set[str]:
        """What is not asked for now, because the server fails at it."""
        often = (key for key, times in self.broke.items() if times >= PATIENCE)
        return {key for key in often if now - self.last[key] < STUCK_SECONDS}


@dataclass(slots=True)
class _Group:
    """Messages that are committed together."""

    landed: dict[str, Landing] = field(default_factory=dict)
    size: int = 0
    began: float = field(default_factory=time.monotonic)

    def add(self, key: str, landing: Landing) -> None:
        self.landed[key] = landing
        self.size += len(landing.raw)

    @property
    def full(self) -> bool:
        late = time.monotonic() - self.began >= GROUP_SECONDS
        return len(self.landed) >= GROUP_COUNT or self.size >= GROUP_SIZE or late


def visit(
    context: Context,
    account: Account,
    trouble: Trouble,
    connected: Callable[[Session], None],
    listed: Callable[[], None],
    ended: Callable[[Session], None],
) -> list[MailError]:
    """Everything between connecting and QUIT; returns what went wrong with single messages.  Raises MailError.

    The three are called with the session once it is logged in, after the listing, and with the session that is over.
    """
    assert account.incoming_server is not None
    server = account.incoming_server

    def opened(token: Callable[[], str] | None) -> Session:
        return Session(
            server,
            lambda: context.password(account),
            account.ca_file,
            context.patience,
            allow_plaintext=account.allow_plaintext,
            max_message=MAX_MESSAGE,
            token=token,
            certificate=account.client_cert,
            before=context.mechanism(account.id),
        )

    session = with_token(context, account, opened)
    try:
        context.logged_in(account.id, session.mechanism)
        connected(session)
        listed()
        problems = _Visit(context, account, trouble, session).run()
        session.quit()
    finally:
        session.abort()
        ended(session)
    with context.store.write() as tx:
        write.set_synced(tx, account.id, context.now())
    return problems


class _Visit:
    """What the steps of one visit share."""

    def __init__(self, context: Context, account: Account, trouble: Trouble, session: Session) -> None:
        self.context = context
        self.account = account
        self.trouble = trouble
        self.session = session
        self.there: tuple[Keyed, ...] = ()
        self.without_ids = 0

    def run(self) -> list[MailError]:
        listing = self.session.listing()
        self.there = pop.keyed(listing, self._prints(pop.doubtful(listing)))
        own = self._own_inbox()
        known = read.uidls(self.context.store.reader(), self.account.id)
        left_out = self.trouble.big | self.trouble.stuck(self.context.now())
        wanted = pop.to_fetch(self.there, known, left_out, MAX_MESSAGE)
        problems = self._fetch(sorted(wanted, key=lambda one: self.trouble.last.get(one.key, 0)))
        self._restore()
        self._note(own)
        return problems + self._delete()

    # -- what is there

    def _prints(self, numbers: Sequence[int]) -> dict[int, str]:
        """Keys for what the server gives no id that can be relied upon; what it does not hand over waits."""
        self.without_ids = len(numbers)
        found = self.session.headers(numbers)
        return {number: "" if isinstance(header, MailError) else pop.header_print(header) for number, header in found}

    def _own_inbox(self) -> FolderId:
        """The account's own inbox, which also tells how many messages are on the server."""
        folder = read.folder_with_role(self.context.store.reader(), self.account.id, Role.INBOX)
        if folder is not None and folder.state.on_server == len(self.there):
            return folder.id
        with self.context.store.write() as tx:
            inbox = folder.id if folder else write.put_folder(tx, self.account.id, "INBOX", role=Role.INBOX, local=True)
            write.set_folder_state(tx, inbox, FolderState(on_server=len(self.there)))
        return inbox

    # -- fetching

    def _fetch(self, wanted: Sequence[Keyed]) -> list[MailError]:
        problems, group, done = [], _Group(), 0
        try:
            for key, answer in self._retrieved({one.number: one.key for one in wanted}):
                done += 1
                if isinstance(answer, MailError):
                    problems.append(answer)
                    if answer.retry is Retry.NEVER:
                        self.trouble.big.add(key)
                    continue
                group.add(key, answer)
                if group.full or done == 1:  # the newest one at once
                    group = self._commit(group)
                    self.context.publish(wire.Progress(self.account.id, "messages", done, len(wanted)))
        finally:
            self._commit(group)  # what is whole is kept, even if the connection ended after it
        if wanted:
            self.context.publish(wire.Progress(self.account.id, "messages", len(wanted), len(wanted)))
        return problems

    def _retrieved(self, keys: Mapping[int, str]) -> Iterator[tuple[str, Landing | MailError]]:
        """Retrieve by number, newest first as given; what comes is landed."""
        big = self.context.store.profile.big
        left = deque(keys)
        try:
            for number, answer in self.session.retrieve(tuple(keys), lambda: Landing(big)):
                left.popleft()
                if isinstance(answer, Landing):
                    answer.land()
                yield keys[number], answer
        except MailError as error:
            if error.kind is Kind.CONNECTION and left:
                others_came = len(left) < len(keys) or len(keys) == 1
                self.trouble.blame(keys[left[0]], self.context.now(), others_came)
            raise

    def _commit(self, group: _Group) -> _Group:
        """Bytes, rows and unique ids, durable; the rows and the ids in one transaction.  Returns the next group."""
        with contextlib.ExitStack() as stack:
            for landing in group.landed.values():
                stack.callback(landing.close)
            if group.landed:
                with self.context.store.write(durable=True) as tx:
                    self._record(tx, group.landed)
        return _Group()

    def _record(self, tx: Tx, landed: Mapping[str, Landing]) -> None:
        listed, now = {one.key for one in self.there}, self.context.now()
        twins = {key: self._twin(tx, one, listed) for key, one in landed.items()}
        new = {key: landing for key, landing in landed.items() if twins[key] is None}
        inbox = self._inbox(tx)
        rows = [_row(landing, now) for landing in new.values()]
        ids = dict(zip(new, write.add_messages(tx, inbox.account_id, inbox.id, rows), strict=True))
        facts = store(self.context, [(ids[key], landing) for key, landing in new.items()])
        write.set_bodies(tx, facts)
        for key, landing in landed.items():
            message_id = ids[key] if key in ids else twins[key]
            assert message_id is not None
            write.record_uidl(tx, self.account.id, key, message_id, now, landing.digest)

    def _twin(self, tx: Tx, landing: Landing, listed: Collection[str]) -> MessageId | None:
        return pop.known_as(read.uidls_with_digest(tx, self.account.id, landing.digest), listed)

    def _inbox(self, tx: Tx) -> Folder:
        """Where new mail goes: the inbox that the account names, if there is one (still), else its own."""
        other = read.account(tx, self.account.pop.inbox_of) if self.account.pop.inbox_of else None
        chosen = other.id if other is not None and other.incoming is not Incoming.IMAP else self.account.id
        found = self._inbox_of(tx, chosen) or self._inbox_of(tx, self.account.id)
        assert found is not None
        return found

    @staticmethod
    def _inbox_of(tx: Tx, account_id: AccountId) -> Folder | None:
        return read.folder_with_role(tx, account_id, Role.INBOX)

    def _restore(self) -> None:
        """Bytes that were lost here are fetched once more, for the rows that they belong to."""
        lost = read.uidls_without_body(self.context.store.reader(), self.account.id)
        keys = {one.number: one.key for one in self.there if one.key in lost}
        for key, answer in self._retrieved(keys):
            if isinstance(answer, MailError):
                continue
            with contextlib.closing(answer):
                facts = store(self.context, [(lost[key], answer)])
                with self.context.store.write(durable=True) as tx:
                    write.set_bodies(tx, facts)

    def _note(self, inbox: FolderId) -> None:
        """Say on the inbox what a person has to know about this server, or that there is nothing."""
        big = sum(one.size > MAX_MESSAGE or one.key in self.trouble.big for one in self.there)
        not_now = self.trouble.stuck(self.context.now())
        stuck = sum(one.key in not_now for one in self.there)
        text = " ".join(filter(None, (_left_there(big, stuck), NO_IDS if self.without_ids else "")))
        with self.context.store.write() as tx:
            write.set_folder_problem(tx, inbox, text)

    # -- deleting

    def _delete(self) -> list[MailError]:
        if self.account.pop.keep_days < 0 and not self.account.pop.delete_with_ours:
            return []
        fetched = read.fetched(self.context.store.reader(), self.account.id)
        due = pop.to_delete(self.there, fetched, self.account.pop, self.context.now())
        safe = [one.number for one in due if self._is_safe(fetched[one.key])]
        return [problem for _, problem in self.session.delete(safe) if problem is not None]

    def _is_safe(self, one: Fetched) -> bool:
        """Its bytes, read back now, are those that were fetched; or a person deleted it here for ever."""
        if one.ours is Ours.GONE:
            return True
        here = self.context.bodies.digest(one.id)
        return bool(here) and here == (one.digest or here)


def _row(landing: Landing, now: int) -> NewMessage:
    assert landing.parsed is not None
    return NewMessage(landing.parsed.envelope, arrival(landing.parsed.root.fields, now), landing.size)


def _left_there(big: int, stuck: int) -> str:
    parts = []
    if big:
        limit = MAX_MESSAGE >> 20
        parts.append(f"{_messages(big)} larger than {limit} MB stay on the server; Mua does not fetch that much.")
    if stuck:
        parts.append(
            f"{_messages(stuck)} could not be fetched, because the server fails at it; Mua will try again later."
        )
    return " ".join(parts)


def _messages(count: int) -> str:
    return "1 message" if count == 1 else f"{count} messages"


def arrival(fields: Sequence[Field], now: int) -> int:
    """When a message reached its mailbox (UTC seconds): the topmost Received, else Date, else ``now``; never later."""
    stamps = [value.rpartition(b";")[2] for name, value in fields if name == "received"][:1]
    stamps += [value for name, value in fields if name == "date"][:1]
    found = next((seconds for stamp in stamps if (seconds := date(stamp)) is not None), now)
    return max(0, min(found, now))
