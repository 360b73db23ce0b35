"""Bodies: whole messages from the server into the store, as received, in small committed batches.

The bytes are durable before the row that says so.  Messages over a megabyte go straight to a file in ``big/``; a list
needs only the beginning of such a message.  A body that the server does not hand out is not asked for again in this
round, and one that is larger than we take, or that breaks the connection, does not keep the others away.
"""

import dataclasses
import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mua.engine.pull import Shared
from mua.engine.reading import facts
from mua.errors import MailError
from mua.model.folder import Folder, FolderId
from mua.model.message import MessageId
from mua.net.imap import ImapConnection
from mua.plan import sync
from mua.store import mirror, read, write
from mua.store.blobs import MAX_MESSAGE, file_errors
from mua.store.write import BodyFacts

_HEAD = 1 << 20  # octets of a large message that are parsed for the list
_LOOKAHEAD = 400
_LAST = 2**62


def fetch_wanted(shared: Shared, connection: ImapConnection, tried: set[int]) -> bool:
    """Fetch what a person waits for; ids in ``tried`` are not asked for again.  Returns whether there was something."""
    wanted = mirror.wanted_bodies(shared.context.store.reader(), shared.account.id)
    by_folder: dict[FolderId, list[tuple[int, int, int]]] = {}
    for message_id, folder_id, uid, size in wanted:
        if message_id not in tried:
            by_folder.setdefault(folder_id, []).append((message_id, uid, size))
            tried.add(message_id)
    for folder_id, waiting in by_folder.items():
        folder = read.folder(shared.context.store.reader(), folder_id)
        if folder is not None and _open(connection, folder):
            while waiting:
                batch = _next_batch(shared, waiting)
                _fetch(shared, connection, batch)
                waiting = waiting[max(len(batch), 1) :]
    return bool(by_folder)


def fetch_bodies(shared: Shared, connection: ImapConnection, folder: Folder) -> Iterator[None]:
    """Fetch every body that a folder lacks and its policy wants, newest first; yields after each committed batch."""
    below, opened = _LAST, False
    since = sync.bodies_since(read.policy(shared.context.store.reader(), folder.id), shared.context.now())
    while since is not None and not shared.stopping.is_set():
        db = shared.context.store.reader()
        waiting = mirror.bodiless(db, shared.account.id, folder.id, below, _LOOKAHEAD, since)
        if not waiting:
            return
        batch = _next_batch(shared, waiting)
        below = waiting[max(len(batch), 1) - 1][0]
        if not batch:
            continue
        opened = opened and connection.selected == folder.name
        if not opened and not _open(connection, folder):
            return
        opened = True
        _fetch(shared, connection, batch)
        shared.progress("messages", *mirror.body_counts(db, shared.account.id))
        yield


def _next_batch(shared: Shared, waiting: list[tuple[int, int, int]]) -> dict[int, MessageId]:
    """UID -> id of the messages to fetch next, from the front of (id, UID, octets); empty: leave the first one out."""
    first, uid, size = waiting[0]
    if size > MAX_MESSAGE or first in shared.poisonous:
        return {}
    if first in shared.suspects:
        return {uid: MessageId(first)}
    waiting = waiting[: sync.body_batch([(uid, size) for _, uid, size in waiting])]
    sound = itertools.takewhile(lambda one: not _needs_care(shared, *one), waiting)
    return {uid: MessageId(one) for one, uid, _ in sound}


def _needs_care(shared: Shared, message_id: int, _uid: int, size: int) -> bool:
    return size > MAX_MESSAGE or message_id in shared.suspects or message_id in shared.poisonous


def _open(connection: ImapConnection, folder: Folder) -> bool:
    """Select without asking for news; False when its UIDs are not ours (a pull will see to it)."""
    return connection.select(folder.name, readonly=True).state.uidvalidity == folder.state.uidvalidity


def _fetch(shared: Shared, connection: ImapConnection, messages: dict[int, MessageId]) -> None:
    """Fetch and commit one batch (UID -> id); remember which batch broke the connection."""
    try:
        _fetch_batch(shared, connection, messages)
    except MailError as error:
        if error.code == "protocol-error":
            (shared.poisonous if len(messages) == 1 else shared.suspects).update(messages.values())
        raise
    shared.suspects.difference_update(messages.values())


def _fetch_batch(shared: Shared, connection: ImapConnection, messages: dict[int, MessageId]) -> None:
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
