"""Files that a person names, and messages that come from this computer: imported ones, drafts that are kept."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mua import wire
from mua.engine.reading import Whole, file_whole
from mua.errors import Kind, MailError, Retry
from mua.mime import mbox
from mua.mime.message import parse
from mua.mime.text import light_text
from mua.model.account import Incoming
from mua.model.folder import Folder, FolderId
from mua.model.message import Flag, MessageId
from mua.store import read

if TYPE_CHECKING:
    from mua.engine.main import Engine

IMPORT_BATCH, IMPORT_SIZE = 200, 16 << 20  # messages, octets of one commit


def import_file(engine: Engine, command: wire.ImportFile) -> wire.Imported:
    """Read messages from files into a folder, in batches; each becomes a message to be put on the server too."""
    folder = read.folder(engine.store.reader(), FolderId(command.folder_id))
    if folder is None:
        raise MailError(Kind.FOLDER, Retry.NEVER, "That folder is not there any more.", code="folder-gone")
    found = imported = size = 0
    batch: list[Whole] = []
    for raw, flags in messages_in(Path(command.path)):
        found += 1
        parsed = parse(raw, light_text)
        batch.append(Whole(raw, parsed.envelope.date or engine.context.now(), flags, parsed))
        size += len(raw)
        if len(batch) >= IMPORT_BATCH or size >= IMPORT_SIZE:
            imported += len(add_local(engine, folder, batch))
            batch, size = [], 0
    imported += len(add_local(engine, folder, batch))
    engine.poke(folder.account_id)
    return wire.Imported(found, imported)


def messages_in(path: Path) -> Iterator[tuple[bytes, Flag]]:
    """The raw messages of an mbox, a Maildir or a file with one message, with the flags that a Maildir knows.

    Only real files are read: a link inside a Maildir would bring in what it points to, a pipe or a device never ends.
    """
    with readable(path):
        yield from _messages_in(path)


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


def _messages_in(path: Path) -> Iterator[tuple[bytes, Flag]]:
    if path.is_dir():
        folders = [path / name for name in ("cur", "new") if not (path / name).is_symlink()]
        for file in sorted(file for folder in folders for file in folder.glob("*")):
            if file.is_file() and not file.is_symlink():
                yield file.read_bytes(), _maildir_flags(file.name)
        return
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a file")
    with path.open("rb") as stream:
        if stream.read(5) != b"From ":
            stream.seek(0)
            yield stream.read(), Flag(0)
            return
        stream.seek(0)
        for raw in mbox.split(stream):
            yield raw, Flag(0)


def _maildir_flags(name: str) -> Flag:
    letters = name.rpartition(":2,")[2] if ":2," in name else ""
    known = {"S": Flag.SEEN, "R": Flag.ANSWERED, "F": Flag.FLAGGED, "D": Flag.DRAFT, "P": Flag.FORWARDED}
    flags = Flag(0)
    for letter in letters:
        flags |= known.get(letter, Flag(0))
    return flags


def add_local(engine: Engine, folder: Folder, items: Sequence[Whole]) -> list[MessageId]:
    """Add whole messages that did not come from this folder's server; an IMAP server gets them too."""
    account = read.account(engine.store.reader(), folder.account_id)
    append = account is not None and account.incoming is Incoming.IMAP
    with engine.store.write(durable=True) as tx:
        return file_whole(engine.context, tx, folder.account_id, folder.id, items, append=append)
