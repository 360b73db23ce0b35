"""Pulling: the store follows the server, folder by folder, newest first, in committed batches.

Theory of operation: ``plan.sync`` decides, this file asks and commits.  A folder's state is recorded only after a whole
pull, so that a crash anywhere leaves a folder that is compared in full next time.  The comparison of UIDs and flags
holds ``Shared.lock``, so that the other thread's moves and stores are not half seen; fetching headers does not.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from mua import wire
from mua.engine.context import Context
from mua.errors import Kind, MailError, Retry
from mua.log import IMAP
from mua.model.account import Account
from mua.model.folder import Folder, FolderState, Role
from mua.model.ledger import Claim
from mua.model.message import MessageId, flags_from_names
from mua.model.policy import Keep
from mua.net.imap import ImapConnection
from mua.net.imap_answers import FetchedHeader, FlagNews, ListedFolder, Namespace, Selected
from mua.net.imap_tokens import uid_sets
from mua.plan import sync
from mua.plan.roles import Candidate, assign_roles
from mua.plan.search_keys import imap_day
from mua.plan.sync import FolderPlan, Identity, Listing, Refresh
from mua.store import mirror, read, write
from mua.store.db import Tx

_ASKED_ABOUT = 50  # new folders that are asked for their state when another one is missing
_PROGRESS = 0.25  # seconds between two progress events
_FLAG_BATCH = 2000


@dataclass(slots=True)
class Shared:
    """What the two threads of an account share: the account, the engine's parts, and the lock over comparisons.

    ``listed``: the server's folders are known, in this run of the engine; until then none is made for a role.
    ``suspects`` are messages in whose batch a connection died of a broken answer: they are fetched one by one; one that
    kills its connection alone is ``poisonous``, and left alone until the engine starts again.  ``doubted`` names what a
    connection answered with SERVERBUG, and what nothing better was heard of since.  ``halves`` are the files of large
    messages of which a part is here.  ``no_room``: something was refused because the account is full there.
    ``departed`` are the (folder, UID) that we moved away or deleted in this run of the engine: a header of one of them,
    fetched by the other thread before and committed after, would make a row of nothing.
    """

    context: Context
    account: Account
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)
    names: dict[str, bytes] = field(default_factory=dict)
    spaces: list[Namespace] = field(default_factory=list)
    listed: bool = False
    suspects: set[int] = field(default_factory=set)
    poisonous: set[int] = field(default_factory=set)
    halves: dict[int, Path] = field(default_factory=dict)
    doubted: set[str] = field(default_factory=set)
    no_room: bool = False
    departed: set[tuple[int, int]] = field(default_factory=set)
    _told: float = 0.0

    def folders(self) -> list[Folder]:
        """The account's folders in the order in which they are pulled."""
        found = read.folders(self.context.store.reader(), self.account.id)
        return sorted(found, key=lambda one: (bool(one.space), sync.folder_order(one.role, one.name)))

    def folder(self, name: str) -> Folder | None:
        """A folder by its exact name."""
        return next((one for one in self.folders() if one.name == name), None)

    def doubt(self, what: str, error: MailError) -> None:
        """Raise a CONNECTION error when ``error`` is a SERVERBUG, the first time: a new connection may know better.

        A server whose parts died under an open connection says nothing else on it, for ever.
        """
        if error.code == "server-bug" and what not in self.doubted:
            self.doubted.add(what)
            raise MailError(Kind.CONNECTION, Retry.SOON, error.text, error.detail, error.code) from error

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell the clients, not too often."""
        now = time.monotonic()
        if done >= total or now - self._told >= _PROGRESS:
            self._told = now
            self.context.publish(wire.Progress(self.account.id, what, done, total))


# -- the list of folders


def pull_folders(shared: Shared, connection: ImapConnection) -> dict[int, FolderState | None]:
    """Make the store's folders those of the server; returns folder id -> what STATUS said (None: not told)."""
    listed = {one.name: one for one in connection.list_folders()}
    if not listed:
        IMAP.info("account %d: the server lists no folder at all; not believed", shared.account.id)
        return {one.id: None for one in shared.folders()}
    ours = {one.name: one for one in shared.folders()}
    lost = {name: one.state for name, one in ours.items() if name not in listed}
    if lost:
        listed |= _asked_about(connection, [one for name, one in listed.items() if name not in ours])
    fresh = {name: one.state for name, one in listed.items() if name not in ours and one.state is not None}
    known_ids = {name: one.object_id for name, one in ours.items()}
    new_names = sync.renamed(lost, fresh, known_ids, {name: one.object_id for name, one in listed.items()})
    with shared.context.store.write() as tx:
        for old, new in new_names.items():
            write.rename_folder(tx, ours[old].id, new)
        _describe(tx, shared, listed, ours)
        for folder_id in mirror.waiting_for_list(tx, shared.account.id):
            mirror.give_way(tx, folder_id)
    shared.listed = True
    waiting = set(mirror.folders_to_create(shared.context.store.reader(), shared.account.id))
    for name in lost.keys() - new_names.keys():
        if ours[name].id not in waiting:
            _confirm_removal(shared, connection, ours[name])
    states = {name: one.state for name, one in listed.items()}
    return {one.id: states.get(one.name) for one in shared.folders() if one.name in states}


def _asked_about(connection: ImapConnection, appeared: list[ListedFolder]) -> dict[str, ListedFolder]:
    """New folders with their STATUS, where LIST did not tell it: one of them may be a lost one under another name."""
    told = {}
    for one in [one for one in appeared if one.state is None and one.selectable][:_ASKED_ABOUT]:
        try:
            told[one.name] = replace(one, state=connection.status(one.name))
        except MailError as error:
            if error.kind is not Kind.FOLDER:
                raise
    return told


def _describe(tx: Tx, shared: Shared, listed: dict[str, ListedFolder], ours: dict[str, Folder]) -> None:
    own = [one for one in listed.values() if not one.space]
    candidates = [Candidate(one.name, one.delimiter, one.attributes, one.selectable) for one in own]
    account = read.account(tx, shared.account.id)  # as it is now: a folder that was renamed keeps its purpose
    roles = assign_roles(candidates, account.habits.roles if account else ())
    for one in ours.values():  # a role that was given here, to a folder the server does not mark, stays
        found = listed.get(one.name)
        if one.role is not Role.NONE and one.role not in roles.values() and found is not None and not found.space:
            roles.setdefault(one.name, one.role)
    for name, found in listed.items():
        write.put_folder(
            tx,
            shared.account.id,
            name,
            role=roles.get(name, Role.NONE),
            delimiter=found.delimiter,
            selectable=found.selectable,
            subscribed=found.subscribed,
            space=found.space,
            prefix=found.prefix,
            object_id=found.object_id,
        )


def _confirm_removal(shared: Shared, connection: ImapConnection, folder: Folder) -> None:
    """A folder that LIST lacks is removed only when the server, asked for it by name, says that it is not there."""
    if connection.selected == folder.name:  # a server may answer for what is open, though it is gone
        connection.unselect()
    try:
        connection.status(folder.name)
    except MailError as error:
        if error.kind is not Kind.FOLDER:
            raise
        if error.code == "folder-gone":
            with shared.context.store.write(durable=True) as tx:
                write.remove_folder(tx, folder.id, shared.context.now())


# -- one folder


def pull_folder(shared: Shared, connection: ImapConnection, folder: Folder) -> Iterator[None]:
    """Bring one folder up to date; yields after each batch that came.

    Raises MailError of kind FOLDER when the server refuses this folder.
    """
    yield from _Pull(shared, connection, folder).run()


class _Pull:
    """One pull of one folder."""

    def __init__(self, shared: Shared, connection: ImapConnection, folder: Folder) -> None:
        self.shared = shared
        self.connection = connection
        self.folder = folder
        self.store = shared.context.store
        self.nameless: list[Identity] = []
        self.policy = read.policy(self.store.reader(), folder.id)

    def run(self) -> Iterator[None]:
        self.nameless = mirror.without_uid(self.store.reader(), self.folder.id)
        nameless = [one.key for one in self.nameless]
        seen, wanted = self._compare(again=False)
        yield from self._fetch(wanted)
        if not self._finish(seen):
            seen, wanted = self._compare(again=True)
            yield from self._fetch(wanted)
            if not self._finish(seen):
                IMAP.info("folder %d: the server's count does not fit its messages", self.folder.id)
        self._settle(nameless)
        self._problem("")

    def _problem(self, text: str) -> None:
        if self.folder.problem != text:
            with self.store.write() as tx:
                write.set_folder_problem(tx, self.folder.id, text)

    # comparing

    def _compare(self, again: bool) -> tuple[FolderState, list[int]]:
        """Everything but new headers: (what the server said, UIDs to fetch).  ``again``: compare everything."""
        with self.shared.lock:
            known = self._known_state()
            known = FolderState(known.uidvalidity) if again else known
            selected = self.connection.select(self.folder.name, known)
            remote = selected.state
            if not remote.uidvalidity:
                raise self._no_uidvalidity()
            stored = mirror.stored(self.store.reader(), self.folder.id)
            plan = sync.plan_folder(known, stored, remote, resynced=self._resynced(selected, known))
            if plan.restart:
                self._restart(remote)
                plan = replace(plan, refresh=Refresh.ALL)
            self._begin(plan, known, remote)
            listed = self._listed(plan, remote)
            here = self._here(plan, selected)
            self._drop_gone(selected, plan, here, listed)
            self._take_flags(selected, plan)
        wanted, left = self._divided(plan, sync.missing(here, listed, plan.low))
        before = 0 if plan.listing is Listing.ALL else known.left_there
        return replace(remote, left_there=before + left), wanted

    def _divided(self, plan: FolderPlan, absent: list[int]) -> tuple[list[int], int]:
        """(UIDs to fetch, how many the folder's policy leaves on the server) of those that are not here."""
        since = self._since(self.nameless)
        if not since or not absent:
            return absent, 0
        recent = self.connection.uid_search(f"UID {plan.low}:* SINCE {imap_day(since)}")
        return sync.divided(absent, recent)

    def _since(self, looked_for: list[Identity]) -> int:
        """From when on messages are fetched (0: all): the policy, and what has to be recognised."""
        policy = read.policy(self.store.reader(), self.folder.id)
        return sync.reach(policy, self.shared.context.now(), [one.internaldate for one in looked_for])

    def _known_state(self) -> FolderState:
        found = read.folder(self.store.reader(), self.folder.id)
        return FolderState() if found is None else found.state

    def _no_uidvalidity(self) -> MailError:
        text = f"{self.connection.server.host} does not say how it numbers the messages of this folder."
        return MailError(Kind.FOLDER, Retry.SOON, text, code="no-uidvalidity")

    @staticmethod
    def _resynced(selected: Selected, known: FolderState) -> bool:
        return selected.resynced and selected.state.uidvalidity == known.uidvalidity

    def _here(self, plan: FolderPlan, selected: Selected) -> set[int]:
        """The UIDs in the store that this plan has to look at."""
        low = 1 if plan.listing is Listing.ALL or selected.vanished else plan.low
        return mirror.uids(self.store.reader(), self.folder.id, low)

    def _begin(self, plan: FolderPlan, known: FolderState, remote: FolderState) -> None:
        """Note how much there is; a pull that compares everything counts as interrupted until it is whole."""
        state = replace(known, on_server=remote.on_server)
        if plan.listing is Listing.ALL:
            state = FolderState(remote.uidvalidity, 0, 0, remote.on_server)
        if state != self.folder.state:
            with self.store.write() as tx:
                self._record(tx, state)

    def _listed(self, plan: FolderPlan, remote: FolderState) -> list[int]:
        if plan.listing is Listing.NONE or (plan.listing is Listing.ALL and not remote.on_server):
            return []
        if plan.listing is Listing.ALL:
            return self.connection.uid_search("ALL")
        return [uid for uid in self.connection.uid_search(f"UID {plan.low}:*") if uid >= plan.low]

    def _drop_gone(self, selected: Selected, plan: FolderPlan, here: set[int], listed: list[int]) -> None:
        """What vanished or is not listed is asked for once more, by its UID; and twice when it is half the folder."""
        whole = plan.listing is Listing.ALL
        claimed = sync.candidates(here, listed) if whole else sync.within(here, selected.vanished)
        gone = self._confirmed(claimed)
        if sync.is_suspicious(len(gone), len(here)):
            self.connection.unselect()
            self.connection.select(self.folder.name)
            gone = self._confirmed(gone)
            IMAP.info("folder %d: %d of %d messages are gone on the server", self.folder.id, len(gone), len(here))
        if gone:
            with self.store.write() as tx:
                claim = Claim.UNLISTED if whole else Claim.VANISHED
                mirror.remove_uids(tx, self.folder.id, gone, claim, self.shared.context.now())
            here.difference_update(gone)

    def _confirmed(self, claimed: list[int]) -> list[int]:
        there: set[int] = set()
        for chunk in uid_sets(claimed, count=10_000):
            there.update(self.connection.uid_search(b"UID " + chunk))
        return [uid for uid in claimed if uid not in there]

    def _take_flags(self, selected: Selected, plan: FolderPlan) -> None:
        news: list[FlagNews] = list(selected.changed)
        if plan.refresh is not Refresh.NONE:
            since = plan.since if plan.refresh is Refresh.CHANGED else 0
            for one in self.connection.fetch_flags("1:*", changed_since=since):
                news.append(one)
                if len(news) >= _FLAG_BATCH:
                    self._commit_flags(news)
                    news = []
        if news:
            self._commit_flags(news)

    def _commit_flags(self, news: list[FlagNews]) -> None:
        with self.store.write() as tx:
            write.set_server_flags(tx, self.folder.id, [(one.uid, *flags_from_names(one.flags)) for one in news])

    # another UIDVALIDITY

    def _restart(self, remote: FolderState) -> None:
        """Every UID is void: recognise the messages, in one transaction."""
        self.shared.departed = {one for one in self.shared.departed if one[0] != self.folder.id}
        theirs: list[Identity] = []
        if remote.on_server:
            since = self._since(mirror.identities(self.store.reader(), self.folder.id))
            chosen = self.connection.uid_search(f"SINCE {imap_day(since)}") if since else "1:*"
            theirs = identities(self.connection, chosen)
        with self.store.write(durable=True) as tx:
            matched = sync.reidentify(mirror.identities(tx, self.folder.id), theirs)
            state = FolderState(remote.uidvalidity, 0, 0, remote.on_server)
            lost = mirror.reset_uids(tx, self.folder.id, matched, state, self.shared.context.now())
        IMAP.info("folder %d: new UIDVALIDITY, %d kept, %d not found", self.folder.id, len(matched), len(lost))

    # new headers

    def _fetch(self, wanted: list[int]) -> Iterator[None]:
        batches = list(sync.newest_first(wanted))
        total, done = len(wanted), 0
        here = mirror.stored(self.store.reader(), self.folder.id)
        previews = read.policy(self.store.reader(), self.folder.id).keep is Keep.HEADERS  # else the text itself comes
        step = 1 if self.connection.ahead == 1 else len(batches)  # how many before the connection is free in between
        for start in range(0, len(batches), max(step, 1)):
            waiting: list[FetchedHeader] = []
            enough = 1  # the first screenful is there at once
            try:
                for headers in self.connection.fetch_header_batches(batches[start : start + step], previews=previews):
                    waiting += headers
                    done += len(headers)
                    if self.connection.ahead == 1 or len(waiting) >= enough:
                        headers, waiting, enough = waiting, [], sync.header_commit(here + done)
                        self._commit_headers(headers)
                        self.shared.progress("headers", done, total)
                    yield
            finally:  # also where the line broke: what came is kept
                self._commit_headers(waiting)
            self._reopen()
        self.shared.progress("headers", done, total)

    def _reopen(self) -> None:
        """Whoever used the connection meanwhile may have selected another folder."""
        if self.connection.selected == self.folder.name:
            return
        selected = self.connection.select(self.folder.name)
        if selected.state.uidvalidity != self._known_state().uidvalidity:
            text = f"{self.connection.server.host} numbered this folder anew; Mua will look at it again."
            raise MailError(Kind.FOLDER, Retry.SOON, text, code="renumbered")

    def _commit_headers(self, headers: list[FetchedHeader]) -> None:
        if not headers:
            return
        news = new_messages(self.connection, headers, self.shared.context.now())
        with self.shared.lock, self.store.write() as tx:
            news = [one for one in news if (self.folder.id, one.uid) not in self.shared.departed]
            write.add_messages(tx, self.shared.account.id, self.folder.id, news)
            _recognise(tx, self.folder)

    def _settle(self, nameless: list[int]) -> None:
        """Rows that were without a UID before this pull: found among the others, or, after a whole pull, gone."""
        if not nameless:
            return
        with self.shared.lock, self.store.write() as tx:
            _recognise(tx, self.folder)
            rest = [MessageId(one.key) for one in mirror.without_uid(tx, self.folder.id) if one.key in nameless]
            if rest and not self.connection.news:
                write.remove_messages(tx, rest, Claim.NOT_FOUND, self.shared.context.now())

    def _finish(self, seen: FolderState) -> bool:
        """Record the state when the store has what the server counts (or when something changed meanwhile).

        In one transaction: a search on the server may bring messages that were left there.
        """
        with self.store.write() as tx:
            if not sync.is_whole(mirror.stored(tx, self.folder.id), seen) and not self.connection.news:
                return False
            self._record(tx, seen)
        return True

    def _record(self, tx: Tx, state: FolderState) -> None:
        """Record the folder's state, unless its policy is another one by now: that asked for a look at everything."""
        if read.policy(tx, self.folder.id) == self.policy:
            write.set_folder_state(tx, self.folder.id, state)


def identities(connection: ImapConnection, uids: Iterable[int] | str) -> list[Identity]:
    """Messages of the selected folder, by their UIDs, as they can be recognised."""
    from mua.mime.headers import envelope
    from mua.mime.text import neutralise

    theirs: list[Identity] = []
    for one in connection.fetch_headers(uids):
        found = envelope(one.header)
        mid, subject = found.message_id[: write.MAX_MID], neutralise(found.subject)
        theirs.append(Identity(one.uid, mid, one.size, one.internaldate, subject))
    return theirs


def new_messages(connection: ImapConnection, headers: list[FetchedHeader], now: int) -> list[write.NewMessage]:
    """Fetched headers as rows to be."""
    if not connection.can("UIDPLUS"):  # what was moved or deleted stays there, marked, until somebody expunges
        headers = [one for one in headers if "\\deleted" not in map(str.lower, one.flags)]
    return [_new_message(one, now) for one in headers]


def _new_message(one: FetchedHeader, now: int) -> write.NewMessage:
    from mua.mime.headers import envelope  # loaded by the first mail that comes
    from mua.mime.message import snippet

    flags, keywords = flags_from_names(one.flags)
    found = envelope(one.header)
    return write.NewMessage(
        envelope=found,
        internaldate=one.internaldate or found.date or now,
        size=one.size,
        uid=one.uid,
        flags=flags,
        keywords=keywords,
        object_id=one.object_id,
        snippet=snippet(one.preview) if one.preview else "",
        server_thread=one.server_thread,
    )


def _recognise(tx: Tx, folder: Folder) -> None:
    """Messages that came here without being told their UID take it over from the row that a fetch made."""
    ours = mirror.without_uid(tx, folder.id)
    if ours:
        theirs = mirror.twins(tx, folder.id, ours)
        for one, uid in sync.reidentify(ours, theirs, loose=True).items():
            write.moved(tx, MessageId(one), folder.id, uid)
