"""Bodies: whole messages from the server into the store, as received, in small committed batches.

The bytes are durable before the row that says so.  Messages over a megabyte go straight to a file in ``big/``; a list
needs only the beginning of such a message.  A body that the server does not hand out is not asked for again in this
round.
"""

import dataclasses
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mua.engine.pull import Shared
from mua.engine.reading import facts
from mua.model.folder import Folder, FolderId
from mua.model.message import MessageId
from mua.net.imap import ImapConnection
from mua.plan import sync
from mua.store import mirror, read, write
from mua.store.blobs import file_errors
from mua.store.write import BodyFacts

_HEAD = 1 << 20  # octets of a large message that are parsed for the list
_LOOKAHEAD = 400
_LAST = 2**62


def fetch_wanted(shared: Shared, connection: ImapConnection, tried: set[int]) -> bool:
    """Fetch what a person waits for; ids in ``tried`` are not asked for again.  Returns whether there was something."""
    waiting = [
        one for one in mirror.wanted_bodies(shared.context.store.reader(), shared.account.id) if one[0] not in tried
    ]
    by_folder: dict[FolderId, dict[int, MessageId]] = {}
    for message_id, folder_id, uid, _ in waiting:
        by_folder.setdefault(folder_id, {})[uid] = message_id
        tried.add(message_id)
    for folder_id, messages in by_folder.items():
        folder = read.folder(shared.context.store.reader(), folder_id)
        if folder is not None and _open(connection, folder):
            _fetch(shared, connection, messages)
    return bool(waiting)


def fetch_bodies(shared: Shared, connection: ImapConnection, folder: Folder) -> Iterator[None]:
    """Fetch every body that a folder lacks, newest first; yields after each committed batch."""
    below, opened = _LAST, False
    while not shared.stopping.is_set():
        db = shared.context.store.reader()
        waiting = mirror.bodiless(db, shared.account.id, folder.id, below, _LOOKAHEAD)
        if not waiting:
            return
        if connection.selected != folder.name:
            opened = False
        if not opened and not _open(connection, folder):
            return
        opened = True
        waiting = waiting[: sync.body_batch([(uid, size) for _, uid, size in waiting])]
        _fetch(shared, connection, {uid: MessageId(one) for one, uid, _ in waiting})
        below = waiting[-1][0]
        shared.progress("messages", *mirror.body_counts(db, shared.account.id))
        yield


def _open(connection: ImapConnection, folder: Folder) -> bool:
    """Select without asking for news; False when its UIDs are not ours (a pull will see to it)."""
    return connection.select(folder.name, readonly=True).state.uidvalidity == folder.state.uidvalidity


def _fetch(shared: Shared, connection: ImapConnection, messages: dict[int, MessageId]) -> None:
    """Fetch and commit one batch (UID -> id)."""
    small: list[tuple[MessageId, bytes]] = []
    large: list[BodyFacts] = []

    def sink(_size: int) -> BinaryIO:
        big = shared.context.store.profile.big
        return tempfile.NamedTemporaryFile(dir=big, prefix="in-", suffix=".part", delete=False)  # type: ignore[return-value]

    for one in connection.fetch_bodies(messages, sink):
        message_id = messages[one.uid]
        if isinstance(one.body, bytes):
            small.append((message_id, one.body))
        else:
            large.append(_adopt(shared, message_id, one.body))
    places = shared.context.bodies.put([(int(one), raw) for one, raw in small])
    found = [facts(one, places[one], raw) for one, raw in small]
    with shared.context.store.write() as tx:
        write.set_bodies(tx, found + large)


def _adopt(shared: Shared, message_id: MessageId, file: BinaryIO) -> BodyFacts:
    """Make a streamed file durable and name it after its message."""
    with file_errors(), file:
        head = file.read(_HEAD)
        size = file.seek(0, os.SEEK_END)
        file.flush()
        os.fsync(file.fileno())
    place = shared.context.bodies.adopt(message_id, Path(file.name))
    return dataclasses.replace(facts(message_id, place, head), size=size)
