"""A window with a real engine beside it, and the demo servers to talk to: for tests of writing, sending and set-up."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo_server import House, house
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from mua import wire
from mua.demo.mailbox import Mailbox
from mua.gui import preferences as prefs
from mua.gui.app import Options, Program
from mua.gui.composer import Composer
from mua.gui.rooms import Rooms
from mua.gui.writing import Kind, Writing
from mua.model.account import Account, AccountId, Incoming, Route, Security, Server
from mua.model.folder import Role
from mua.paths import Profile, child_environment
from mua.store import outbox, read
from mua.store.db import Db

PATIENCE = 60.0  # seconds
FOLDERS = (("Drafts", "\\Drafts"), ("Sent", "\\Sent"), ("Trash", "\\Trash"), ("Archive", "\\Archive"))


def wait_until(condition: Callable[[], object], what: str = "") -> None:
    """Let Qt work until ``condition`` holds; fails after ``PATIENCE``."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()


@dataclass
class Office:
    """A program, its engine, and the servers."""

    program: Program
    servers: House

    @property
    def rooms(self) -> Rooms:
        assert self.program.rooms is not None
        return self.program.rooms

    @property
    def db(self) -> Db:
        assert self.program.library.open()
        assert self.program.library.db is not None
        return self.program.library.db

    def account(self, password: str = "") -> Account:
        """The demo person's account on these servers, as a person would enter it."""
        login = self.servers.login
        incoming = Server("127.0.0.1", self.servers.imap_port, Security.NONE, login.user)
        outgoing = Server("127.0.0.1", self.servers.smtp_port, Security.NONE, login.user)
        return Account(
            AccountId(0), login.user, login.user, "Robin Vale", Incoming.IMAP, incoming, Route.SMTP, outgoing
        )  # fmt: skip

    def ask(self, command: wire.Command) -> wire.Answer:
        """A command's answer, through the window's own line."""
        got: list[wire.Answer] = []
        failed: list[Exception] = []
        assert self.program.client is not None
        self.program.client.ask(command, got.append, failed.append)
        wait_until(lambda: got or failed, type(command).__name__)
        assert not failed, failed
        return got[0]

    def sign_in(self) -> None:
        """Add the account and wait for its folders."""
        self.ask(wire.AddAccount(self.account(), self.servers.login.password))
        wait_until(lambda: self.folder(Role.DRAFTS) and self.program.desk.accounts, "folders")

    def folder(self, role: Role) -> int:
        found = [one.id for one in read.folders(self.db) if one.role is role] if self.program.library.open() else []
        return found[0] if found else 0

    def write(self, kind: Kind = Kind.NEW, **values: object) -> Composer:
        """Open a composer."""
        composing = self.rooms.composing
        before = set(composing.composers)
        self.rooms.write(Writing(kind, **values))  # type: ignore[arg-type]
        wait_until(lambda: set(composing.composers) - before, "a composer")
        return composing.composers[(set(composing.composers) - before).pop()]

    def states(self) -> dict[str, str]:
        """Address -> state over the whole outbox."""
        return {to.address: to.state for one in outbox.listed(self.db, finished=True) for to in one.recipients}

    def mails(self, folder: str) -> list[bytes]:
        """What the server holds."""
        return [one.data for one in self.servers.do(lambda: list(self.servers.mailbox.find(folder).messages.values()))]


@contextmanager
def office(root: Path, undo_send: int = 0, secrets: str = "session") -> Iterator[Office]:
    """A new profile with its engine and servers; everything ends with the block."""
    profile = Profile(root).create()
    prefs.save(profile, prefs.Preferences(undo_send=undo_send, mark_read_after=-1))
    mailbox = Mailbox()
    for name, use in FOLDERS:
        mailbox.create(name, use)
    environment = {**child_environment(), "MUA_SECRETS": secrets}
    command = [sys.executable, "-P", "-m", "mua", "--profile", str(profile.root), "--stay", "engine"]
    with house(mailbox) as servers, (root / "engine.txt").open("wb") as words:
        engine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words, env=environment)
        program = Program(profile, Options())
        program.window.resize(1440, 900)
        try:
            program.show()
            wait_until(lambda: program.client is not None and program.client.is_ready, "the engine")
            yield Office(program, servers)
        finally:
            close(program)
            engine.send_signal(signal.SIGTERM)
            engine.wait(PATIENCE)


def close(program: Program) -> None:
    """End a program as its person would."""
    program.window.close()
    program.end()
    program.window.deleteLater()
    program.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    application = QApplication.instance()
    assert application is not None
    application.processEvents()
