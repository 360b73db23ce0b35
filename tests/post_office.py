"""A store, an account and a sender for tests: write, send, crash, start again, and see who got what."""

import asyncio
import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mua.engine.context import Context
from mua.engine.sender import Sender
from mua.errors import MailError
from mua.mime.freeze import freeze
from mua.model.account import Account, AccountId, DirectOptions, Incoming, Route, Security, Server
from mua.model.folder import Role
from mua.model.message import MessageRow
from mua.model.outgoing import Outgoing, OutgoingId, RecipientState
from mua.net.smtp_wire import Timeouts
from mua.paths import Profile
from mua.store import dispatch, outbox, read, wire_files, write
from mua.store.blobs import Bodies
from mua.store.db import Changes, Store, Tx

ME = "me@example.org"
PATIENT = Timeouts(*[10.0] * 9, 1.0)


class MortalStore(Store):
    """A store whose process dies at its ``die_at``-th commit, before or just after it, as if by ``kill -9``."""

    def __init__(self, profile: Profile, on_commit: Callable[[Changes], None] | None = None) -> None:
        self.commits = 0
        self.die_at, self.die_after = 0, False
        self.dead = False
        super().__init__(profile, on_commit)

    @contextlib.contextmanager
    def write(self, *, durable: bool = False) -> Iterator[Tx]:
        """As the real one, until the end."""
        if self.dead:  # the loop is burying its tasks: none does anything more, and each closes its sockets
            raise asyncio.CancelledError
        self.commits += 1
        now = self.commits == self.die_at
        if now and self.die_after:
            with super().write(durable=durable) as tx:
                yield tx
            self.dead = True
            raise SystemExit
        with super().write(durable=durable) as tx:
            yield tx
            if now:
                self.dead = True
                raise SystemExit


class PostOffice:
    """One profile with one account.  ``clock`` is the engine's time, in UTC seconds."""

    def __init__(self, folder: Path, **account: Any) -> None:
        self.profile = Profile(folder)
        self.clock = 1_800_000_000
        self.password: Callable[[Account], str] = lambda account: "secret"
        self.events: list[object] = []
        self.options: dict[str, Any] = {}
        self.filed: list[AccountId] = []
        self._numbers = itertools.count(1)
        self._committed = threading.Condition()
        self.open()
        with self.store.write() as tx:
            self.account_id = write.add_account(tx, Account(AccountId(0), "me", ME, **account))
            if account.get("incoming", Incoming.LOCAL) is not Incoming.IMAP:
                for role in (Role.INBOX, Role.SENT):
                    write.put_folder(tx, self.account_id, role.value.capitalize(), role=role, local=True)

    @classmethod
    def submitting(cls, folder: Path, port: int, **account: Any) -> "PostOffice":
        """An account that submits to loopback, in clear and without a password."""
        server = Server("127.0.0.1", port, Security.NONE)
        return cls(folder, route=Route.SMTP, submission=server, **account)

    @classmethod
    def direct(cls, folder: Path, dns: str, port: int, **account: Any) -> "PostOffice":
        """An account that delivers to the exchangers itself."""
        return cls(folder, route=Route.DIRECT, direct=DirectOptions(dns, port, True), **account)

    # -- life

    def open(self) -> None:
        """Start the program (not yet the sender)."""
        self.store = MortalStore(self.profile, self._changed)
        wire_files.sweep(self.store.reader(), self.profile)  # as the engine does before anybody can queue
        self.bodies = Bodies(self.profile)
        password = lambda account: self.password(account)  # noqa: E731
        self.context = Context(self.store, self.bodies, password, self.events.append, lambda: self.clock)
        self.sender = Sender(
            self.context, **{"timeouts": PATIENT, "lot": lambda: 0.5, "filed": self._filed} | self.options
        )

    def close(self) -> None:
        """End the program in order."""
        self.sender.stop()
        self.sender.join(20)
        self.bodies.close()
        self.store.close()

    def restart(self) -> None:
        """End (or bury what was killed) and start again, sender included."""
        self.close()
        self.open()
        self.sender.start()

    def __enter__(self) -> "PostOffice":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _filed(self, account_id: AccountId) -> None:
        with self._committed:
            self.filed.append(account_id)
            self._committed.notify_all()

    def _changed(self, changes: Changes) -> None:
        with self._committed:
            self._committed.notify_all()

    def until(self, condition: Callable[[], object], seconds: float = 10) -> None:
        """Wait for something in the store."""
        with self._committed:
            assert self._committed.wait_for(condition, seconds), self.outbox()

    # -- mail

    def queue(self, *recipients: str, body: str = "Hello\r\n", delay: int = 0, **fields: Any) -> OutgoingId:
        """Write a message and put it into the outbox."""
        number = next(self._numbers)
        bcc = fields.pop("bcc", "")
        header = f"From: {ME}\r\nTo: {', '.join(recipients)}\r\nSubject: Number {number}\r\n"
        header += f"Bcc: {bcc}\r\n" if bcc else ""
        raw = f"{header}Message-ID: <n{number}@example.org>\r\n\r\n{body}".encode()
        frozen = freeze(raw, now=self.clock, message_id_if_missing="unused@example.org")
        account = read.account(self.store.reader(), self.account_id)
        assert account is not None
        return dispatch.queue(self.store, account, frozen, now=self.clock, not_before=self.clock + delay, **fields)

    def get(self, outgoing_id: OutgoingId) -> Outgoing:
        """How it is now."""
        found = outbox.outgoing(self.store.reader(), outgoing_id)
        assert found is not None
        return found

    def states(self, outgoing_id: OutgoingId) -> list[RecipientState]:
        """The states of its recipients."""
        return [one.state for one in self.get(outgoing_id).recipients]

    def outbox(self) -> list[Outgoing]:
        """Everything, for messages of failed assertions."""
        return outbox.listed(self.store.reader(), finished=True)

    def later(self, seconds: int) -> None:
        """Time passes, and whoever is due now is tried."""
        self.clock += seconds
        assert self.sender.drain(60)

    def sent(self) -> list[MessageRow]:
        """The messages in the Sent folder."""
        db = self.store.reader()
        folder = read.folder_with_role(db, self.account_id, Role.SENT)
        return read.rows(db, list(read.folder_order(db, folder.id))) if folder else []

    def problem(self) -> str:
        """The code of the account's problem."""
        found = read.problems(self.store.reader())
        return found[0].code if found else ""


def refuse(code: str, text: str = "") -> Callable[[Account], str]:
    """A password that cannot be had."""
    from mua.errors import Kind, Retry

    def ask(account: Account) -> str:
        raise MailError(Kind.ACCOUNT, Retry.ASK, text or "The password is not known.", code=code)

    return ask
