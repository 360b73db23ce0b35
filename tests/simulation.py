"""A simulated IMAP server in memory, with connections that can be cut anywhere: for what no real server lets happen.

What the engine's pull and push ask of ``ImapConnection`` is answered here from data, without a socket, and so much
faster than by a real server that random interleavings can be tried by the thousand.
"""

import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace

from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.model.folder import FolderState
from mua.net.imap_answers import FetchedBody, FetchedHeader, FlagNews, ListedFolder, Placed, Selected

ABILITIES = frozenset({"UIDPLUS", "MOVE", "UNSELECT", "LIST-STATUS", "ESEARCH", "CONDSTORE", "QRESYNC"})


@dataclass
class Mail:
    """One message; ``key`` is in its body and unique, its Message-ID need not be."""

    key: str
    raw: bytes
    received: int
    flags: set[str] = field(default_factory=set)
    modseq: int = 0


@dataclass
class Mailbox:
    """One folder of the server."""

    uidvalidity: int
    uidnext: int = 1
    modseq: int = 1
    mail: dict[int, Mail] = field(default_factory=dict)
    vanished: dict[int, int] = field(default_factory=dict)  # uid -> modseq

    def add(self, mail: Mail) -> int:
        self.modseq += 1
        mail.modseq = self.modseq
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.mail[uid] = mail
        return uid

    def take(self, uid: int) -> Mail:
        self.modseq += 1
        self.vanished[uid] = self.modseq
        return self.mail.pop(uid)

    def flag(self, uid: int, add: Collection[str] = (), remove: Collection[str] = ()) -> None:
        one = self.mail[uid]
        if (one.flags | set(add)) - set(remove) != one.flags:
            self.modseq += 1
            one.flags, one.modseq = (one.flags | set(add)) - set(remove), self.modseq

    def renumber(self, uidvalidity: int) -> None:
        """A new UIDVALIDITY: the same mail in another order, and no memory of what vanished."""
        old = [self.mail[uid] for uid in sorted(self.mail, reverse=True)]
        self.uidvalidity, self.uidnext, self.mail, self.vanished = uidvalidity, 1, {}, {}
        for one in old:
            self.add(one)


class SimServer:
    """Folders by name; ``abilities`` are its capabilities."""

    def __init__(self, *names: str, abilities: Collection[str] = ABILITIES) -> None:
        self.abilities = frozenset(abilities)
        self.numbers = itertools.count(1)
        self.handed_out = 0  # bodies
        self.folders = {name: Mailbox(next(self.numbers)) for name in names}

    def deliver(self, folder: str, message_id: str, received: int, size: int = 0) -> str:
        """A new message; returns its key."""
        key = f"key{next(self.numbers)}"
        head = f"From: bo@example.org\r\nSubject: {key}\r\nMessage-ID: <{message_id}>\r\n\r\n"
        self.folders[folder].add(Mail(key, head.encode() + key.encode() + b"x" * size + b"\r\n", received))
        return key

    def keys(self) -> list[str]:
        """Every message that is anywhere, once for each time that it is there."""
        return sorted(one.key for box in self.folders.values() for one in box.mail.values())

    def snapshot(self) -> object:
        """Everything, to compare."""
        return {
            name: (box.uidvalidity, {uid: (one.key, frozenset(one.flags)) for uid, one in box.mail.items()})
            for name, box in self.folders.items()
        }


class SimConnection:
    """A connection; it breaks at command number ``cut``, before its effect or (``late``) after it."""

    def __init__(self, server: SimServer, cut: int = -1, late: bool = False, ahead: int = 1) -> None:
        self.there = server
        self.server = Server("sim.example.org", 143, Security.TLS, "ann")
        self.news: set[str] = set()
        self.elsewhere: set[str] = set()
        self.selected = ""
        self.ahead = ahead
        self._left, self._late, self._dead = cut, late, False

    # -- how it breaks

    def _before(self) -> bool:
        """Whether the command that begins is the one whose answer will be lost; raises when it is lost itself."""
        if self._dead or self._left == 0:
            if self._left == 0 and self._late and not self._dead:
                self._dead = True
                return True
            self._dead = True
            raise self._lost()
        self._left -= 1
        return False

    def _lost(self) -> MailError:
        return MailError(Kind.CONNECTION, Retry.SOON, "The connection was lost.", code="connection-lost")

    def _box(self, name: str) -> Mailbox:
        if name not in self.there.folders:
            raise MailError(Kind.FOLDER, Retry.SOON, "no such folder", code="folder-gone")
        return self.there.folders[name]

    def can(self, capability: str) -> bool:
        return capability in self.there.abilities

    @property
    def tells_copies(self) -> bool:
        return self.can("OBJECTID")

    # -- folders

    def list_folders(self) -> list[ListedFolder]:
        if self._before():
            raise self._lost()
        return [
            ListedFolder(name, "/", frozenset(), True, self._state(box)) for name, box in self.there.folders.items()
        ]

    def _state(self, box: Mailbox) -> FolderState:
        modseq = box.modseq if self.can("CONDSTORE") else 0
        return FolderState(box.uidvalidity, box.uidnext, modseq, len(box.mail))

    def status(self, name: str) -> FolderState:
        if self._before():
            raise self._lost()
        return self._state(self._box(name))

    def namespace(self) -> tuple[str, str]:
        return "", "/"

    def create_folder(self, name: str) -> None:
        late = self._before()
        self.there.folders.setdefault(name, Mailbox(next(self.there.numbers)))
        if late:
            raise self._lost()

    def select(self, name: str, known: FolderState | None = None, *, readonly: bool = False) -> Selected:
        if self._before():
            raise self._lost()
        box = self._box(name)
        self.selected = name
        self.news.clear()
        resync = known is not None and bool(known.uidvalidity and known.highestmodseq) and self.can("QRESYNC")
        vanished: tuple[tuple[int, int], ...] = ()
        changed: tuple[FlagNews, ...] = ()
        if resync and known is not None and known.uidvalidity == box.uidvalidity:
            vanished = tuple((uid, uid) for uid, at in box.vanished.items() if at > known.highestmodseq)
            changed = tuple(
                FlagNews(uid, tuple(one.flags), one.modseq)
                for uid, one in box.mail.items()
                if one.modseq > known.highestmodseq
            )
        return Selected(name, self._state(box), readonly, ("\\*",), vanished, changed, resync)

    def unselect(self) -> None:
        self.selected = ""

    # -- reading

    def uid_search(self, criteria: str | bytes) -> list[int]:
        if self._before():
            raise self._lost()
        words = (criteria.decode() if isinstance(criteria, bytes) else criteria).split()
        found = sorted(self._box(self.selected).mail)
        if words and words[0] == "UID":
            wanted = _members(words[1], max(found, default=0))
            found = [uid for uid in found if uid in wanted]
            words = words[2:]
        if words and words[0] == "SINCE":
            found = [uid for uid in found if self._box(self.selected).mail[uid].received >= _day(words[1])]
        return found

    def search_message_id(self, message_id: str) -> list[int]:
        if self._before():
            raise self._lost()
        wanted = f"Message-ID: <{message_id}>".encode()
        return [uid for uid, one in self._box(self.selected).mail.items() if wanted in one.raw]

    def fetch_headers(self, uids: Iterable[int] | str) -> Iterator[FetchedHeader]:
        """In no order: the newest first."""
        for uid, one in self._chosen(uids):
            head = one.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            object_id = f"M{one.key}" if self.tells_copies else ""
            yield FetchedHeader(uid, tuple(one.flags), one.received, len(one.raw), head, one.modseq, object_id)

    def fetch_header_batches(
        self, batches: Iterable[Collection[int]], *, previews: bool = False
    ) -> Iterator[list[FetchedHeader]]:
        for one in batches:
            yield list(self.fetch_headers(one))

    def fetch_flags(self, uids: Iterable[int] | str, changed_since: int = 0) -> Iterator[FlagNews]:
        for uid, one in self._chosen(uids):
            if one.modseq > changed_since:
                yield FlagNews(uid, tuple(one.flags), one.modseq)

    def fetch_body_batches(self, batches: Iterable[Collection[int]], _sink: object) -> Iterator[list[FetchedBody]]:
        for uids in batches:
            self.there.handed_out += len(uids)
            yield [FetchedBody(uid, one.raw) for uid, one in self._chosen(uids)]

    def _chosen(self, uids: Iterable[int] | str) -> list[tuple[int, Mail]]:
        if self._before():
            raise self._lost()
        box = self._box(self.selected)
        wanted = set(box.mail) if isinstance(uids, str) else set(uids)
        return [(uid, box.mail[uid]) for uid in sorted(wanted & set(box.mail), reverse=True)]

    # -- changing

    def store_flags(self, uids: Iterable[int], add: Collection[str] = (), remove: Collection[str] = ()) -> None:
        late = self._before()
        box = self._box(self.selected)
        for uid in uids:
            if uid in box.mail:
                box.flag(uid, add, remove)
        if late:
            raise self._lost()

    def move(self, uids: Collection[int], folder: str) -> Placed | None:
        if not self.can("MOVE"):
            placed = self._copy(uids, folder)
            self.expunge(uids)
            return placed
        late = self._before()
        source, target = self._box(self.selected), self._box(folder)
        placed = {uid: target.add(source.take(uid)) for uid in sorted(uids) if uid in source.mail}
        if late:
            raise self._lost()
        return Placed(target.uidvalidity, placed) if placed and self.can("UIDPLUS") else None

    def _copy(self, uids: Collection[int], folder: str) -> Placed | None:
        late = self._before()
        source, target = self._box(self.selected), self._box(folder)
        there = [uid for uid in sorted(uids) if uid in source.mail]
        placed = {uid: target.add(replace(source.mail[uid], flags=set(source.mail[uid].flags))) for uid in there}
        if late:
            raise self._lost()
        return Placed(target.uidvalidity, placed) if placed and self.can("UIDPLUS") else None

    def expunge(self, uids: Collection[int]) -> None:
        self.store_flags(uids, ("\\Deleted",))
        late = self._before()
        box = self._box(self.selected)
        for uid in uids:
            if uid in box.mail:
                box.take(uid)
        if late:
            raise self._lost()

    def append(self, folder: str, raw: bytes, flags: Collection[str], when: int) -> Placed | None:
        late = self._before()
        box = self._box(folder)
        key = raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()
        uid = box.add(Mail(key, raw, when, set(flags)))
        if late:
            raise self._lost()
        return Placed(box.uidvalidity, {0: uid})


def _members(text: str, highest: int) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        low, _, high = part.partition(":")
        last = highest if high == "*" else int(high or low)
        found.update(range(min(int(low), last), max(int(low), last) + 1))
    return found


def _day(text: str) -> int:
    import datetime

    return int(datetime.datetime.strptime(text + " +0000", "%d-%b-%Y %z").timestamp())
