"""Bodies: whole messages from the server into the store, as received, in small committed batches.

The bytes are written before the row that says so; where a power cut took them all the same, they are fetched once more
when the message is opened.  Messages over a megabyte go straight to a file in ``big/``; a list needs only the beginning
of such a message.  What is larger than a part of 16 MB comes part by part, with others in between, and goes on where it
was when the line broke.  A body that the server does not hand out is not asked for again in this round, and one that is
larger than we take, or that breaks the connection, does not keep the others away.
"""

import dataclasses
import functools
import itertools
import os
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO

from mua.engine.pull import Shared
from mua.errors import Kind, MailError
from mua.model.folder import Folder, FolderId
from mua.model.message import MessageId
from mua.net.imap import ImapConnection
from mua.plan import sync
from mua.store import mirror, read, write
from mua.store.blobs import MAX_MESSAGE, file_errors
from mua.store.write import BodyFacts

_HEAD = 1 << 20  # octets of a large message that are parsed for the list
PART = 16 << 20  # octets that are asked for at once
_LEAST = 64 << 10  # octets of a part that has another one after it
_LOOKAHEAD = 2000
_LAST = 2**62


def fetch_wanted(shared: Shared, connection: ImapConnection, tried: set[int]) -> bool:
    """Fetch what a person waits for; ids in ``tried`` are not asked for again.  Returns whether there was something."""
    wanted = mirror.wanted_bodies(shared.context.store.reader(), shared.account.id)
    by_folder: dict[FolderId, list[tuple[int, int, int]]] = {}
    for message_id, folder_id, uid, size in wanted:
        if message_id not in tried:
            by_folder.setdefault(folder_id, []).append((message_id, uid, size))
            tried.add(message_id)
    for folder_id, listed in by_folder.items():
        waiting = _not_here_yet(shared, connection, listed)
        folder = read.folder(shared.context.store.reader(), folder_id)
        if waiting and folder is not None and _open(connection, folder):
            while waiting:
                batch = _next_batch(shared, waiting)
                if not batch:
                    _say_why(shared, connection, waiting[0])
                for _ in _fetch(shared, connection, folder, [batch]):
                    pass
                waiting = waiting[max(len(batch), 1) :]
    return bool(by_folder)


def fetch_bodies(shared: Shared, connection: ImapConnection, folder: Folder) -> Iterator[None]:
    """Fetch every body that a folder lacks and its policy wants, newest first; yields after each committed batch."""
    _forget_halves(shared)
    below, opened = _LAST, False
    since = sync.bodies_since(read.policy(shared.context.store.reader(), folder.id), shared.context.now())
    while since is not None and not shared.stopping.is_set():
        db = shared.context.store.reader()
        waiting = mirror.bodiless(db, shared.account.id, folder.id, below, _LOOKAHEAD, since)
        if not waiting:
            return
        below = waiting[-1][0]
        waiting = _not_here_yet(shared, connection, waiting)
        if not waiting:
            continue
        batches, below = _plan(shared, waiting, connection)
        if not batches:
            continue
        opened = opened and connection.selected == folder.name
        if not opened and not _open(connection, folder):
            return
        opened = True
        for _ in _fetch(shared, connection, folder, batches):
            shared.progress("messages", *mirror.body_counts(db, shared.account.id))
            yield


def _forget_halves(shared: Shared) -> None:
    """Of messages that are gone, or whole, no part is kept on the disk."""
    halves = list(shared.halves)
    for gone in set(halves) - mirror.still_bodiless(shared.context.store.reader(), halves):
        path = shared.halves.pop(gone, None)  # the other thread may have been faster
        if path is not None:
            path.unlink(missing_ok=True)


def _not_here_yet(
    shared: Shared, connection: ImapConnection, waiting: list[tuple[int, int, int]]
) -> list[tuple[int, int, int]]:
    """Those of the waiting (id, UID, octets) of which no other copy is here; the others take its bytes over.

    So what another client moved, and what a server shows in several folders, is not fetched again.
    """
    from mua.engine.reading import facts

    copies = (
        mirror.copies_here(shared.context.store.reader(), [one[0] for one in waiting])
        if connection.tells_copies
        else {}
    )
    bodies, found = shared.context.bodies, list[BodyFacts]()
    for message_id, sources in copies.items():
        place = next((place for one in sources if (place := bodies.copy(one, message_id))), 0)
        if place and (raw := bodies.skimmed(message_id)) is not None:
            found.append(facts(MessageId(message_id), place, raw))
    if found:
        sizes = {one: size for one, _, size in waiting}
        with shared.context.store.write() as tx:
            write.set_bodies(tx, [dataclasses.replace(one, size=sizes[one.id]) for one in found])
    here = {one.id for one in found}
    return [one for one in waiting if one[0] not in here]


def _plan(
    shared: Shared, waiting: list[tuple[int, int, int]], connection: ImapConnection
) -> tuple[list[dict[int, MessageId]], int]:
    """(batches to fetch in one go, the last id that was looked at); whatever needs care goes alone, or not at all."""
    batches: list[dict[int, MessageId]] = []
    below = _LAST
    while waiting and not (batches and (connection.ahead == 1 or _needs_care(shared, *waiting[0]))):
        batch = _next_batch(shared, waiting)
        below = waiting[max(len(batch), 1) - 1][0]
        alone = _needs_care(shared, *waiting[0])
        if not batch:
            _say_why(shared, connection, waiting[0])
        waiting = waiting[max(len(batch), 1) :]
        if batch:
            batches.append(batch)
        if alone:
            break
    return batches, below


def _next_batch(shared: Shared, waiting: list[tuple[int, int, int]]) -> dict[int, MessageId]:
    """UID -> id of the messages to fetch next, from the front of (id, UID, octets); empty: leave the first one out."""
    first, uid, size = waiting[0]
    if size > MAX_MESSAGE or first in shared.poisonous:
        return {}
    if first in shared.suspects or size > PART:
        return {uid: MessageId(first)}
    waiting = waiting[: sync.body_batch([(uid, size) for _, uid, size in waiting])]
    sound = itertools.takewhile(lambda one: not _needs_care(shared, *one), waiting)
    return {uid: MessageId(one) for one, uid, _ in sound}


def _needs_care(shared: Shared, message_id: int, _uid: int, size: int) -> bool:
    return size > PART or message_id in shared.suspects or message_id in shared.poisonous


def _say_why(shared: Shared, connection: ImapConnection, left_out: tuple[int, int, int]) -> None:
    """The row of a message that is not fetched says so."""
    message_id, _, size = left_out
    host = connection.server.host
    text = f"This message is larger than Mua takes ({size / 2**30:.1f} GB); it stays on {host}."
    if size <= MAX_MESSAGE:
        text = f"{host} breaks the connection off or sends nonsense instead of this message; Mua leaves it there."
    known = read.row(shared.context.store.reader(), MessageId(message_id))
    if known is not None and (not known.problem or mirror.body_wanted(shared.context.store.reader(), known.id)):
        with shared.context.store.write() as tx:
            mirror.body_refused(tx, known.id, text)


def _open(connection: ImapConnection, folder: Folder) -> bool:
    """Select without asking for news; False when its UIDs are not ours (a pull will see to it)."""
    return connection.select(folder.name, readonly=True).state.uidvalidity == folder.state.uidvalidity


def _fetch(
    shared: Shared, connection: ImapConnection, folder: Folder, batches: list[dict[int, MessageId]]
) -> Iterator[None]:
    """Fetch and commit batches (UID -> id); yields after each.  Remembers what may have broken the connection."""
    waiting = {uid: one for batch in batches for uid, one in batch.items()}
    alone = len(waiting) == 1
    size = _size_of(shared, *waiting.values()) if alone else 0
    try:
        if size > PART:
            [(uid, message_id)] = waiting.items()
            yield from _fetch_in_parts(shared, connection, folder, uid, message_id, size)
        else:
            yield from _fetch_whole(shared, connection, batches, waiting)
    except MailError as error:
        if error.code == "protocol-error":
            late = [batch for batch in batches if not waiting.keys().isdisjoint(batch)][: connection.ahead]
            under_way = {one for batch in late for uid, one in batch.items() if uid in waiting}
            (shared.poisonous if alone else shared.suspects).update(under_way)
        raise
    shared.suspects.difference_update(one for batch in batches for one in batch.values())


def _fetch_whole(
    shared: Shared, connection: ImapConnection, batches: list[dict[int, MessageId]], waiting: dict[int, MessageId]
) -> Iterator[None]:
    """Each message as one literal; what came is taken out of ``waiting``."""
    landed: list[Path] = []
    sink = functools.partial(_landing, shared.context.store.profile.big, landed)
    try:
        for bodies in connection.fetch_body_batches(batches, sink):
            _commit(shared, [(waiting.pop(one.uid), one.body) for one in bodies if one.uid in waiting])
            yield
    finally:
        for path in landed:  # what was committed has another name
            path.unlink(missing_ok=True)


def _size_of(shared: Shared, message_id: MessageId) -> int:
    known = read.row(shared.context.store.reader(), message_id)
    return known.size if known is not None else 0


def _fetch_in_parts(
    shared: Shared, connection: ImapConnection, folder: Folder, uid: int, message_id: MessageId, size: int
) -> Iterator[None]:
    """Fetch and commit one large message; yields after each part.  What a broken line left is kept for the next one.

    Two threads may want the same message: the half is whose took it, the other begins anew.
    """
    path = shared.halves.pop(message_id, None) or _new_file(shared.context.store.profile.big)
    try:
        if (yield from _parts(connection, folder, uid, path, size)):
            with file_errors():
                whole = path.open("r+b")
            _commit(shared, [(message_id, whole)])
        elif path.stat().st_size > MAX_MESSAGE:
            _say_why(shared, connection, (message_id, uid, path.stat().st_size))
    except MailError as error:
        if error.kind is Kind.CONNECTION and error.code != "protocol-error":
            shared.halves[message_id] = path
        raise
    finally:
        if message_id not in shared.halves:
            path.unlink(missing_ok=True)


def _parts(connection: ImapConnection, folder: Folder, uid: int, path: Path, size: int) -> Generator[None, None, bool]:
    """Add what is missing to the file; True when it is the whole message.

    A part that is short is the last one, unless the server said that there is more; an empty one is, whatever it said.
    A server that hands out crumbs is hung up on.
    """
    crumb = False
    with file_errors(), path.open("ab") as file:
        while file.tell() <= MAX_MESSAGE and (connection.selected == folder.name or _open(connection, folder)):
            so_far = file.tell()
            got = connection.fetch_part(uid, so_far, PART, file)
            if got and crumb:
                raise connection.wire.broken(f"a message in parts of less than {_LEAST} octets")
            if not got or (got < PART and file.tell() >= size):
                return got is not None and file.tell() > 0
            crumb = got < _LEAST
            yield
    return False


def _new_file(folder: Path) -> Path:
    with file_errors(), _landing(folder, [], 0, b"") as file:
        return Path(file.name)


def _landing(folder: Path, landed: list[Path], _size: int, _before: bytes) -> BinaryIO:
    file = tempfile.NamedTemporaryFile(dir=folder, prefix="in-", suffix=".part", delete=False)  # noqa: SIM115 - whoever has the bytes
    landed.append(Path(file.name))
    return file  # type: ignore[return-value]


def _commit(shared: Shared, bodies: list[tuple[MessageId, bytes | BinaryIO]]) -> None:
    from mua.engine.gists import MAX_RAW  # loaded by the first mail that comes
    from mua.engine.reading import facts, light_gist

    small = [(one, body) for one, body in bodies if isinstance(body, bytes)]
    found = [_adopt(shared, one, body) for one, body in bodies if not isinstance(body, bytes)]
    places = shared.context.bodies.put(small)
    told = [light_gist(raw) for _, raw in small]
    found += [facts(one, places[one], raw, gist) for (one, raw), gist in zip(small, told, strict=True)]
    shared.context.tell_index([(one, gist) for (one, raw), gist in zip(small, told, strict=True) if len(raw) < MAX_RAW])
    with shared.context.store.write() as tx:
        write.set_bodies(tx, found)


def _adopt(shared: Shared, message_id: MessageId, file: BinaryIO) -> BodyFacts:
    """Make a streamed file durable and name it after its message."""
    from mua.engine.reading import facts

    with file_errors(), file:
        head = file.read(_HEAD)
        size = file.seek(0, os.SEEK_END)
        file.flush()
        os.fsync(file.fileno())
    place = shared.context.bodies.adopt(message_id, Path(file.name))
    return dataclasses.replace(facts(message_id, place, head), size=size)
