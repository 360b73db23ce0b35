"""A store and an IMAP worker in this process, for tests that look at both sides of one account."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mua.engine.context import Context
from mua.engine.imap_worker import ImapWorker
from mua.errors import MailError
from mua.model.account import Account, AccountId, Incoming, Security, Server
from mua.model.folder import Folder
from mua.paths import Profile
from mua.store import read, write
from mua.store.blobs import Bodies
from mua.store.db import Changes, Store

PATIENCE = 30.0


class Desk:
    """One profile with one account, and what the engine around a worker would give it."""

    def __init__(self, root: Path, server: Server, password: str, ca_file: str = "", name: str = "test") -> None:
        self.password = password
        self.events: list[object] = []
        self.store = Store(Profile(root), self._committed)
        self.bodies = Bodies(Profile(root))
        self.context = Context(self.store, self.bodies, lambda account: self.password, self.events.append)
        known = read.account_named(self.store.reader(), name)
        if known is None:
            account = Account(
                AccountId(0), name, "ann@example.org", incoming=Incoming.IMAP, incoming_server=server, ca_file=ca_file
            )
            with self.store.write() as tx:
                account_id = write.add_account(tx, account)
            known = dataclasses.replace(account, id=account_id)
        self.account = known
        self.worker = ImapWorker(self.context, known)

    def _committed(self, changes: Changes) -> None:
        with self.context.committed:
            self.context.committed.notify_all()

    def sync(self, complete: bool = True) -> None:
        """One whole round; fails with what went wrong."""
        problems = self.worker.sync(complete)
        assert not problems, [(one.text, one.detail) for one in problems]

    def failed_sync(self) -> MailError:
        """One round that has to fail."""
        [problem] = self.worker.sync(False)
        return problem

    def folder(self, name: str) -> Folder:
        found = read.folder_named(self.store.reader(), self.account.id, name)
        assert found is not None, name
        return found

    def shown(self, name: str = "INBOX") -> dict[int, str]:
        """id -> subject of what a folder shows, newest first."""
        ids = read.folder_order(self.store.reader(), self.folder(name).id)
        return {row.id: row.subject for row in read.rows(self.store.reader(), ids)}

    def find(self, subject: str, name: str = "INBOX") -> int:
        """The id of the message with this subject."""
        return next(one for one, text in self.shown(name).items() if text == subject)

    def mirrored(self, name: str = "INBOX") -> dict[int, tuple[bytes | None, int]]:
        """uid -> (bytes, flag bits) of the rows of a folder."""
        sql = "SELECT id, uid, flags FROM message WHERE folder_id = ?"
        rows = self.store.reader().rows(sql, self.folder(name).id)
        return {row[1]: (self.bodies.get(row[0]), row[2]) for row in rows}

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for the store to show something."""
        end = time.monotonic() + PATIENCE
        with self.context.committed:
            while not condition():
                left = end - time.monotonic()
                assert left > 0, f"never: {what}"
                self.context.committed.wait(min(left, 0.5))

    def close(self) -> None:
        self.worker.stop()
        self.worker.join(30)
        assert not [one for one in threading.enumerate() if one.name.startswith(f"imap-{self.account.id}")]
        self.bodies.close()
        self.store.close()


@contextmanager
def desk(
    root: Path, port: int, user: str, password: str, *, ca_file: str = "", security: Security = Security.STARTTLS
) -> Iterator[Desk]:
    """A desk whose worker runs until the block ends."""
    made = Desk(root, Server("localhost", port, security, user), password, ca_file)
    try:
        made.worker.start()
        yield made
    finally:
        made.close()
