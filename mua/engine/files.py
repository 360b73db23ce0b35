"""Files that a person names, and messages that come from this computer: imported ones, drafts that are kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mua.engine.reading import Whole, file_whole
from mua.errors import Kind, MailError, Retry
from mua.model.account import Incoming
from mua.model.folder import Folder
from mua.model.message import MessageId
from mua.store import read

if TYPE_CHECKING:
    from mua.engine.main import Engine


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What the system says about a file that a person named, as MailError "file-unreadable"."""
    try:
        yield
    except OSError as error:
        text = f"“{path.name}” cannot be read; check its name and permissions."
        raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "file-unreadable") from error


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """The same for a file that is to be made: "file-unwritable"."""
    try:
        yield
    except OSError as error:
        text = f"“{path.name}” cannot be written; choose another folder, or make room there."
        raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "file-unwritable") from error


def add_local(engine: Engine, folder: Folder, items: Sequence[Whole]) -> list[MessageId]:
    """Add whole messages that did not come from this folder's server; an IMAP server gets them too."""
    account = read.account(engine.store.reader(), folder.account_id)
    append = account is not None and account.incoming is Incoming.IMAP
    with engine.store.write(durable=True) as tx:
        return file_whole(engine.context, tx, folder.account_id, folder.id, items, append=append)
