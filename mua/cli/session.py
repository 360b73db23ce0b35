"""One command being carried out: its arguments, its profile, and (only when needed) the store and the engine."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mua.errors import Kind, MailError, Retry, UsageError
from mua.masking import mask
from mua.model.account import Account
from mua.model.folder import Folder
from mua.model.message import MessageId, MessageRow
from mua.paths import Profile, system_profile
from mua.records import dataclass
from mua.store import index, read
from mua.store.db import Db, disk_full

if TYPE_CHECKING:
    from mua.cli.client import EngineClient

StartEngine = Callable[[Profile], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What a command says: a document for scripts, a text for people, raw bytes where those were asked for."""

    document: Any
    text: str = ""
    raw: bytes | None = None
    failed: str = ""


class Session:
    """One command being carried out: the profile, the arguments, and (only when needed) store and engine."""

    def __init__(self, arguments: argparse.Namespace, profile: Profile, start_engine: StartEngine) -> None:
        self.arguments = arguments
        self.profile = profile
        self._start_engine = start_engine
        self._engine: EngineClient | None = None
        self._db: Db | None = None

    @property
    def engine(self) -> "EngineClient":
        """The running engine, started when there is none."""
        if self._engine is None:
            from mua.cli.client import EngineClient

            self.profile.create()
            self._engine = EngineClient(self.profile, self._start_engine)
        return self._engine

    @property
    def db(self) -> Db:
        """The store, read-only; the engine makes it, or brings it up to date, first."""
        if self._db is None:
            try:
                self._db = index.open_search(self.profile)
            except MailError as error:
                if error.code not in ("store-missing", "store-version"):
                    raise
                _ = self.engine
                self._db = index.open_search(self.profile)
        return self._db

    def close(self) -> None:
        """Leave the engine and the store."""
        if self._engine is not None:
            self._engine.close()
        if self._db is not None:
            self._db.close()

    # ---- names
    def account(self, name: str | None = None) -> Account:
        """The account of this name, or the one that --account says, or the only one."""
        wanted = name or self.arguments.account
        if wanted:
            found = read.account_named(self.db, wanted)
            if found is None:
                raise MailError(Kind.ACCOUNT, Retry.ASK, f"There is no account “{wanted}”.", code="no-such-account")
            return found
        known = read.accounts(self.db)
        if len(known) != 1:
            raise UsageError(
                "say which account with --account N" if known else f"there is no account yet{_elsewhere()}"
            )
        return known[0]

    def accounts(self) -> list[Account]:
        """The chosen account, or all."""
        return [self.account()] if self.arguments.account else read.accounts(self.db)

    def folder(self, name: str) -> Folder:
        """The folder of this name in the chosen account, or in the first that has one."""
        for account in self.accounts():
            found = read.folder_named(self.db, account.id, name)
            if found is not None:
                return found
        raise MailError(Kind.FOLDER, Retry.ASK, f"There is no folder “{name}”.", code="no-such-folder")

    def message(self, text: str) -> MessageRow:
        """The message with this id."""
        row = read.row(self.db, MessageId(int(text))) if text.isdecimal() and len(text) < 19 else None
        if row is None:
            raise MailError(Kind.MESSAGE, Retry.ASK, f"There is no message {text}.", code="no-such-message")
        return row

    def raw(self, row: MessageRow) -> bytes:
        """The message as received; fetched now when it is not here yet."""
        from mua import wire
        from mua.store.blobs import Bodies

        for fetch in (False, True):
            if fetch:
                self.engine.ask(wire.OpenMessage(row.id), wire.Done)
            elif not self.profile.body_db.exists():
                continue
            bodies = Bodies(self.profile, readonly=True)
            raw = bodies.get(row.id)
            bodies.close()
            if raw is not None:
                return raw
        raise MailError(Kind.MESSAGE, Retry.SOON, "This message is not on this computer yet.", code="no-body")


def passphrase(session: Session) -> str:
    """Of a file with passwords, from stdin; empty where none are asked for."""
    if not session.arguments.with_passwords:
        return ""
    phrase = sys.stdin.readline().rstrip("\r\n")
    mask(phrase)
    if not phrase:
        raise UsageError("the first line of stdin has to be the passphrase of the file")
    return phrase


def file_bytes(name: str) -> bytes:
    """What is in a file that a person named."""
    with files_at_the_edge():
        return Path(name).read_bytes()


@contextmanager
def files_at_the_edge() -> Iterator[None]:
    """What the system says about a file, as a sentence."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise disk_full(str(error)) from error
        text = f"{error.filename or 'The file'} cannot be read or written: {error.strerror}."
        raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "file-unreadable") from error


def _elsewhere() -> str:
    """For root, whose own profile is seldom meant: where the computer's queue keeps its account."""
    if os.geteuid() != 0 or not system_profile().exists():
        return ""
    return f"; the one of this computer's mail queue is in --profile {system_profile()}"
