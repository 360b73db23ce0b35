"""A profile with one POP3 account, and the worker and what else of an engine it needs, in the test's own process.

with houses(tmp_path) as house:
    home = house(drop.port, pop=PopOptions(keep_days=0))
    assert home.start().sync(complete=True) == []
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from mua import wire
from mua.engine.context import Context
from mua.engine.pop_visit import Trouble, visit
from mua.engine.pop_worker import PopWorker
from mua.errors import MailError
from mua.model.account import Account, AccountId, Incoming, Security, Server
from mua.model.folder import Folder, Role
from mua.model.message import MessageId
from mua.paths import Profile
from mua.store import read, write
from mua.store.blobs import Bodies
from mua.store.db import Store

NOW = 1_800_000_000


def letter(number: int, size: int = 50) -> bytes:
    """A small message with a line that begins with a dot."""
    stamp = f"Mon, 2 Nov 2026 10:{number // 60 % 60:02d}:{number % 60:02d} +0000"
    head = f"Received: by x; {stamp}\r\nFrom: a@example.org\r\nSubject: letter {number}\r\nMessage-ID: <{number}@x>\r\n"
    return head.encode() + b"\r\n.dot\r\n" + b"x" * size + b"\r\n"


def letters(count: int, size: int = 50) -> dict[str, bytes]:
    """Unique id -> message, for a ``Maildrop``."""
    return {f"uid-{number}": letter(number, size) for number in range(1, count + 1)}


@dataclass
class House:
    """The profile.  ``now`` is what its clock says; None: the real one."""

    store: Store
    bodies: Bodies
    account: Account
    events: list[wire.Event] = field(default_factory=list)
    password: str = "right"
    workers: list[PopWorker] = field(default_factory=list)
    now: int | None = None

    def context(self) -> Context:
        """What the engine would give to a worker."""
        made = Context(self.store, self.bodies, lambda _: self.password, self.events.append)
        clock = made.now
        made.now = lambda: clock() if self.now is None else self.now
        return made

    def visit(self) -> list[MailError]:
        """One visit, without a worker; raises MailError."""
        return visit(self.context(), self.account, Trouble(), lambda _: None, lambda: None, lambda _: None)

    def start(self, interval: float = 300.0) -> PopWorker:
        """A running worker."""
        worker = PopWorker(self.context(), self.account, interval)
        self.workers.append(worker)
        worker.start()
        return worker

    def restart(self, **changes: object) -> PopWorker:
        """Another worker, with other settings of the account."""
        self.stop()
        self.account = replace(self.account, **changes)  # type: ignore[arg-type]
        with self.store.write() as tx:
            write.update_account(tx, self.account)
        return self.start()

    def stop(self) -> None:
        """End what runs."""
        for worker in self.workers:
            worker.stop()
            worker.join(5)
            assert not worker._thread.is_alive()
        self.workers.clear()

    def close(self) -> None:
        """End everything."""
        self.stop()
        self.bodies.close()
        self.store.close()

    def folder(self, role: Role = Role.INBOX, account: AccountId | None = None) -> Folder:
        """A folder by its role, made if it is not there."""
        owner = account or self.account.id
        found = read.folder_with_role(self.store.reader(), owner, role)
        if found is None:
            with self.store.write() as tx:
                write.put_folder(tx, owner, role.value.capitalize(), role=role, local=True)
            return self.folder(role, account)
        return found

    def raws(self, folder: Folder) -> list[bytes]:
        """The raw messages of a folder, oldest row first."""
        ids = sorted(read.folder_order(self.store.reader(), folder.id))
        return [self.bodies.get(MessageId(one)) or b"" for one in ids]

    def inbox(self) -> list[bytes]:
        """The raw messages of INBOX, oldest row first."""
        folder = read.folder_with_role(self.store.reader(), self.account.id, Role.INBOX)
        assert folder is not None
        return self.raws(folder)

    def ids(self) -> dict[str, MessageId]:
        """Unique id -> message."""
        return read.uidls(self.store.reader(), self.account.id)

    def move(self, message: MessageId, role: Role) -> None:
        """What a person's act does, settled."""
        target = self.folder(role)
        with self.store.write() as tx:
            write.wish_move(tx, [message], target.id, NOW)
            write.settle_local(tx, self.account.id, NOW)

    def delete(self, message: MessageId) -> None:
        """Deleted for ever."""
        with self.store.write() as tx:
            write.wish_gone(tx, [message], NOW)
            write.settle_local(tx, self.account.id, NOW)

    def problem(self) -> str:
        """What is wrong with the account."""
        return "".join(one.code for one in read.problems(self.store.reader()))


@contextmanager
def houses(root: Path) -> Iterator[Callable[..., House]]:
    """Makes houses; each is closed in the end."""
    made: list[House] = []

    def make(port: int, **changes: object) -> House:
        profile = Profile(root / f"profile-{len(made)}")
        store = Store(profile)
        server = Server("127.0.0.1", port, Security.NONE, "ada")
        settings = {"incoming": Incoming.POP3, "incoming_server": server} | changes
        with store.write() as tx:
            account_id = write.add_account(tx, Account(AccountId(0), "Ada", "ada@example.org", **settings))  # type: ignore[arg-type]
        account = read.account(store.reader(), account_id)
        assert account is not None
        made.append(House(store, Bodies(profile), account))
        return made[-1]

    try:
        yield make
    finally:
        for one in made:
            one.close()
