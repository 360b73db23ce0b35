"""Searching on the server: for what is not here, or whose text is not.

Theory of operation: a search is asked of one folder after the other, those with the most that is not here first, on
the bulk connection between its other units (where there is one connection only, between the turns of that).  A hit
that has no row here gets one, so that whatever was found can be listed and opened like any other message; hits are
told folder by folder.  When the connection breaks, the folders that are left are asked on the next one, until the
person's patience ends.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from mua.engine.pull import Shared, new_messages
from mua.errors import Kind, MailError, Retry
from mua.model.folder import Folder, FolderId, FolderState
from mua.model.message import MessageId, MessageRow
from mua.net.imap import ImapConnection
from mua.net.imap_tokens import quoted
from mua.plan.search import Search, Sent
from mua.plan.search_keys import Key, Quote, attachments_of, folder_of, imap_keys
from mua.store import mirror, read, write

SECONDS = 60.0  # that a search may take, all folders together
MOST = 1000  # hits of a folder that are told


@dataclass(slots=True)
class Asked:
    """One search of one account.  ``tell`` is called with the ids of each folder's hits, newest first.

    ``over`` is set at its end, ``problems`` then say what was not searched.
    """

    search: Search
    limit: int
    tell: Callable[[list[MessageId]], None]
    over: threading.Event = field(default_factory=threading.Event)
    problems: list[MailError] = field(default_factory=list)
    folders: int = 0
    left: list[FolderId] | None = None
    until: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    def wait(self) -> None:
        """Until it is over, or the patience is."""
        if not self.over.wait(max(0.0, self.until - time.monotonic()) + 1):
            text = "The server could not be asked in time; what is listed is on this computer."
            self.end(MailError(Kind.CONNECTION, Retry.ASK, text, code="search-unfinished"))

    def end(self, problem: MailError | None = None) -> None:
        """Nothing more is told."""
        if problem is not None and not self.over.is_set():
            self.problems.append(problem)
        self.over.set()


class Searches:
    """What an account's server is to be asked, in order; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Asked] = []

    def add(self, asked: Asked) -> None:
        """One more."""
        with self._lock:
            self._waiting.append(asked)

    def next(self) -> Asked | None:
        """The first that is not over."""
        with self._lock:
            self._waiting = [one for one in self._waiting if not one.over.is_set()]
            return self._waiting[0] if self._waiting else None

    def fail(self, problem: MailError) -> None:
        """The server cannot be asked now."""
        with self._lock:
            for one in self._waiting:
                one.end(problem)


def serve(shared: Shared, connection: ImapConnection, searches: Searches) -> Iterator[None]:
    """Carry out what waits; yields after each folder."""
    while (asked := searches.next()) is not None:
        keys = imap_keys(asked.search)
        if keys is None:
            asked.end(_cannot(connection))
            continue
        if asked.left is None:
            asked.left = [one.id for one in _folders(shared, folder_of(asked.search))]
        while asked.left and not asked.over.is_set():
            if time.monotonic() > asked.until or shared.stopping.is_set():
                asked.end(_too_long(connection))
                break
            _ask_folder(shared, connection, asked, keys)
            yield
        asked.end()


def _folders(shared: Shared, name: str) -> list[Folder]:
    """The folders to ask, those with the most that is not here first."""
    found = [one for one in shared.folders() if one.selectable]
    if name:
        wanted = name.casefold()
        found = [one for one in found if wanted in (one.name.casefold(), one.role)]
    return sorted(found, key=lambda one: one.with_body - one.state.on_server)


def _ask_folder(shared: Shared, connection: ImapConnection, asked: Asked, keys: tuple[Key, ...]) -> None:
    """Search the next folder; one that cannot be searched is a problem of its own."""
    assert asked.left
    folder = read.folder(shared.context.store.reader(), asked.left[0])
    try:
        ids = [] if folder is None else _find(shared, connection, folder, asked, keys)
    except MailError as error:
        if error.kind not in (Kind.FOLDER, Kind.MESSAGE):
            raise
        asked.problems.append(error)
        ids = []
    asked.left = asked.left[1:]
    asked.folders += 1
    if ids and not asked.over.is_set():
        asked.tell(ids)


def _find(
    shared: Shared, connection: ImapConnection, folder: Folder, asked: Asked, keys: tuple[Key, ...]
) -> list[MessageId]:
    selected = connection.select(folder.name, readonly=True)
    validity = selected.state.uidvalidity
    if not validity or folder.state.uidvalidity not in (0, validity):
        return []  # numbered anew: a pull has to come first, and is on its way
    criteria = [quoted(one.text) if isinstance(one, Quote) else one for one in keys]
    uids = connection.uid_search(*criteria)[-min(asked.limit, MOST) :] if selected.state.on_server else []
    here = mirror.ids_of(shared.context.store.reader(), folder.id, uids)
    absent = [uid for uid in uids if uid not in here]
    if absent:
        here |= _add_rows(shared, connection, folder, validity, absent)
    rows = read.rows(shared.context.store.reader(), sorted(here.values(), reverse=True))
    return [one.id for one in rows if _is_meant(one, asked.search)]


def _is_meant(row: MessageRow, search: Search) -> bool:
    """What the server was not asked for, or not as exactly: attachments, and from when to when."""
    attached = attachments_of(search)
    spans = [part for part in search.parts if isinstance(part, Sent)]
    return (attached is None or row.has_attachments == attached) and all(
        (span.start is None or row.date >= span.start) and (span.end is None or row.date < span.end) for span in spans
    )


def _add_rows(
    shared: Shared, connection: ImapConnection, folder: Folder, validity: int, uids: list[int]
) -> dict[int, MessageId]:
    """Rows for messages that have none yet."""
    headers = list(connection.fetch_headers(uids))
    news = new_messages(connection, headers, shared.context.now())
    with shared.lock, shared.context.store.write() as tx:
        now = read.folder(tx, folder.id)
        if now is None or now.state.uidvalidity not in (0, validity):
            return {}
        if not now.state.uidvalidity:  # never pulled: from now on its UIDs mean something
            write.set_folder_state(tx, folder.id, FolderState(validity))
        fresh = [one.uid for one in news if one.uid is not None]
        known = mirror.ids_of(tx, folder.id, fresh)
        write.add_messages(tx, shared.account.id, folder.id, news)
        mirror.fetched_after_all(tx, folder.id, [uid for uid in fresh if uid not in known])
        return mirror.ids_of(tx, folder.id, fresh)


def _cannot(connection: ImapConnection) -> MailError:
    text = f"{connection.server.host} cannot search for names or text of attachments; search for other words there."
    return MailError(Kind.MESSAGE, Retry.NEVER, text, code="search-unsupported")


def _too_long(connection: ImapConnection) -> MailError:
    text = f"{connection.server.host} took too long to search every folder; what it found is listed."
    return MailError(Kind.CONNECTION, Retry.ASK, text, code="search-unfinished")
