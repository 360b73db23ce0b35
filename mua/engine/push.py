"""Pushing: the server follows the person.  Each step of ``plan.replay`` is done, then committed.

Theory of operation: a crash between the server's OK and our commit leaves the wish, and the next push finds that it is
fulfilled already: flags are absolute, a message that is no longer in the source of a move is looked for in its target,
and an APPEND, or a COPY for lack of MOVE, that was begun before is searched for before it is begun again.  One refused
wish goes back to the screen with the server's words and does not hold up the others.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from mua.engine.folder_push import FolderPush
from mua.engine.pull import Shared, identities
from mua.errors import Kind, MailError, Retry
from mua.log import IMAP
from mua.model import tag
from mua.model.folder import Folder, FolderId, FolderState, Role
from mua.model.ledger import Claim
from mua.model.message import Flag, MessageId, flag_names
from mua.net.imap import ImapConnection
from mua.net.imap_answers import Placed, Selected
from mua.plan import replay, sync
from mua.plan.replay import (
    Append,
    CreateFolder,
    Delete,
    DeleteFolder,
    Forget,
    Move,
    RenameFolder,
    Step,
    StoreFlags,
    StoreKeywords,
    SubscribeFolder,
)
from mua.store import folder_wishes, mirror, outbox, read, tags, write
from mua.store.blobs import file_errors

_BLOCK = 1 << 20  # octets
_BARE_NEWLINE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


class Renumbered(Exception):
    """The folder has another UIDVALIDITY: nothing may be pushed into it before it was pulled."""

    def __init__(self, folder: Folder) -> None:
        super().__init__(folder.name)
        self.folder = folder


def push(shared: Shared, connection: ImapConnection) -> Iterator[Folder]:
    """Fulfil every wish that can be; yields the folders that have to be pulled because of it.

    Raises MailError of kind CONNECTION or LOCAL, after which the wishes that are left are still there.
    """
    db = shared.context.store.reader()
    wishes = mirror.wishes(db, shared.account.id)
    new_folders = mirror.folders_to_create(db, shared.account.id)
    held = frozenset() if shared.listed else mirror.waiting_for_list(db, shared.account.id)
    of_folders = folder_wishes.wished(db, shared.account.id)
    if not wishes and not new_folders and not of_folders:
        return
    worker = _Push(shared, connection)
    todo = replay.steps(wishes, new_folders, held=held, can_expunge=connection.can("UIDPLUS"))
    for step in (*replay.renaming(of_folders), *todo, *replay.ending(of_folders)):
        if shared.stopping.is_set():
            return
        try:
            worker.do(step)
            shared.doubted.discard("push")
        except Renumbered as error:  # every UID of the steps that are left may be void
            yield error.folder
            break
        except MailError as error:
            if error.kind not in (Kind.FOLDER, Kind.MESSAGE):
                raise
            shared.doubt("push", error)
            worker.refused(step, error)
    yield from worker.touched.values()


class _Push:
    """The steps of one push over one connection."""

    def __init__(self, shared: Shared, connection: ImapConnection) -> None:
        self.shared = shared
        self.connection = connection
        self.store = shared.context.store
        self.touched: dict[FolderId, Folder] = {}
        self._uidnext: dict[FolderId, int] = {}

    def do(self, step: Step) -> None:
        match step:
            case CreateFolder():
                self._create(step)
            case Append():
                self._append(step)
            case RenameFolder() | SubscribeFolder() | DeleteFolder():
                FolderPush(self.shared, self.connection).do(step)
            case Forget():
                with self.store.write() as tx:
                    write.remove_messages(tx, step.ids, Claim.NEVER_UPLOADED, self.shared.context.now())
            case StoreFlags():
                self._store_flags(step)
            case StoreKeywords():
                self._store_keywords(step)
            case Move():
                self._move(step)
            case Delete():
                self._delete(step)

    def refused(self, step: Step, error: MailError) -> None:
        """A refusal for good goes back to the screen; one for now waits for the next push."""
        IMAP.info("account %d: %s refused: %s", self.shared.account.id, type(step).__name__, error.code)
        self.shared.no_room |= error.code == "over-quota"
        with self.store.write(durable=True) as tx:
            if isinstance(step, CreateFolder):
                write.set_folder_problem(tx, step.folder_id, error.text)
            elif isinstance(step, RenameFolder | SubscribeFolder | DeleteFolder):
                if error.retry is not Retry.SOON:
                    folder_wishes.refused(tx, step.folder_id, error.text)
            elif isinstance(step, StoreKeywords):
                if error.retry is not Retry.SOON:
                    tags.refused(tx, step.messages, error.text)
            elif error.retry is not Retry.SOON or error.code == "folder-gone":
                write.wish_refused(tx, _ids(step), f"{error.text} ({error.detail})" if error.detail else error.text)

    # -- folders

    def _folder(self, folder_id: FolderId) -> Folder:
        found = read.folder(self.store.reader(), folder_id)
        if found is None:
            raise MailError(Kind.FOLDER, Retry.NEVER, "That folder is not there any more.", code="folder-gone")
        return found

    def _open(self, folder: Folder) -> Selected:
        """SELECT, refusing to touch a folder whose UIDs are not those that we know."""
        selected = self.connection.select(folder.name)
        if folder.state.uidvalidity not in (0, selected.state.uidvalidity):
            raise Renumbered(folder)
        if selected.readonly:
            raise self._not_allowed("changes", folder)
        return selected

    def _not_allowed(self, what: str, folder: Folder) -> MailError:
        text = f'{self.connection.server.host} does not allow {what} in the folder "{folder.name}".'
        return MailError(Kind.FOLDER, Retry.NEVER, text, code="no-permission")

    def _create(self, step: CreateFolder) -> None:
        folder = self._folder(step.folder_id)
        name = self._placed_name(folder.name)
        self.connection.create_folder(name)
        with self.store.write(durable=True) as tx:
            if name != folder.name:
                write.rename_folder(tx, folder.id, name)
            mirror.folder_created(tx, folder.id)

    def _placed_name(self, name: str) -> str:
        """Where the server wants a person's folders (RFC 2342): ``INBOX.Work.2026`` rather than ``Work/2026``."""
        prefix, delimiter = self.connection.namespace()
        placed = name.replace("/", delimiter) if delimiter else name
        return placed if placed.startswith(prefix) else prefix + placed

    # -- messages

    def _current(self, folder_id: FolderId, messages: dict[MessageId, int]) -> dict[MessageId, int]:
        """Those that are still where the step was made for; the other thread may have pulled meanwhile."""
        now = mirror.positions(self.store.reader(), list(messages))
        return {one: uid for one, uid in messages.items() if now.get(one) == (folder_id, uid)}

    def _store_flags(self, step: StoreFlags) -> None:
        folder = self._folder(step.folder_id)
        with self.shared.lock:
            selected = self._open(folder)
            messages = self._current(folder.id, step.messages)
            add, remove = (_allowed(flags, selected) for flags in (step.add, step.remove))
            self.connection.store_flags(messages.values(), flag_names(add), flag_names(remove))
            with self.store.write(durable=True) as tx:
                write.flags_pushed(tx, messages, step.add, step.remove)

    def _store_keywords(self, step: StoreKeywords) -> None:
        folder = self._folder(step.folder_id)
        add, remove = tag.parts_of(step.keywords)
        with self.shared.lock:
            kept = {name.lower() for name in self._open(folder).permanent_flags}
            if kept and "\\*" not in kept and not {name.lower() for name in add} <= kept:
                raise self._not_allowed("tags", folder)
            messages = self._current(folder.id, step.messages)
            self.connection.store_flags(messages.values(), add, remove)
            with self.store.write(durable=True) as tx:
                tags.pushed(tx, messages, step.keywords)

    def _move(self, step: Move) -> None:
        source, target = self._folder(step.folder_id), self._folder(step.target)
        with self.shared.lock:
            messages = self._current(source.id, step.messages)
            if not self.connection.can("MOVE"):
                messages = self._finish_moves(source, target, messages)
            self._open(source)
            placed = self.connection.move(list(messages.values()), target.name) if messages else None
            left = self._left_behind(list(messages.values()), placed)
            self._departed(source, (uid for uid in messages.values() if uid not in left))
            with self.store.write(durable=True) as tx:
                if placed is not None and not target.state.uidvalidity:  # never pulled: now its new UIDs mean something
                    write.set_folder_state(tx, target.id, FolderState(placed.uidvalidity))
                for message_id, uid in messages.items():
                    if uid not in left:
                        write.moved(tx, message_id, target.id, _uid_there(placed, uid, target.state))
                if self.connection.can("MOVE") or self.connection.can("UIDPLUS"):
                    mirror.left_server(tx, source.id, len(messages) - len(left))
        self.touched[target.id] = target

    def _finish_moves(self, source: Folder, target: Folder, messages: dict[MessageId, int]) -> dict[MessageId, int]:
        """Delete here what an attempt before us has copied there; returns the rest, which is still to be copied."""
        there = self._copies(target, list(messages))
        if there:
            self._open(source)
            self.connection.expunge([messages[one] for one in there])
            self._departed(source, (messages[one] for one in there))
            with self.store.write(durable=True) as tx:
                for message_id, uid in there.items():
                    write.moved(tx, message_id, target.id, uid if target.state.uidvalidity else None)
                if self.connection.can("UIDPLUS"):
                    mirror.left_server(tx, source.id, len(there))
        return {one: uid for one, uid in messages.items() if one not in there}

    def _copies(self, target: Folder, messages: list[MessageId]) -> dict[MessageId, int]:
        """Id -> UID in ``target`` of those that a COPY before us, whose end nobody saw, has put there.

        The others are noted as being copied from now on: without MOVE (RFC 6851) a cut may come between the copy and
        the deletion, and the next attempt would make another copy.
        """
        low, begun = mirror.copies_begun(self.store.reader(), messages, target.id)
        found: dict[int, int] = {}
        if begun:
            self._open(target)
            later = [uid for uid in self.connection.uid_search(f"UID {low}:*") if uid >= low]
            found = sync.reidentify(begun, identities(self.connection, later)) if later else {}
            if self.connection.selected:
                self.connection.unselect()  # or its STATUS may be what this connection knows already
        rest = [one for one in messages if one not in found]
        if rest:
            uidnext = self.connection.status(target.name).uidnext or 1
            with self.store.write(durable=True) as tx:
                mirror.copy_started(tx, rest, target.id, uidnext)
        return {MessageId(one): uid for one, uid in found.items()}

    def _departed(self, folder: Folder, uids: Iterable[int]) -> None:
        """These are not in the folder any more, whatever the other thread has heard of it before."""
        self.shared.departed.update((folder.id, uid) for uid in uids)

    def _left_behind(self, uids: list[int], placed: Placed | None) -> set[int]:
        """Messages that the server did not say to have moved, and that are still in the source."""
        silent = [uid for uid in uids if placed is None or uid not in placed.uids]
        if not silent or not self.connection.can("UIDPLUS"):
            return set()  # without UIDPLUS nothing is told, and the source may keep marked copies
        return set(self.connection.uid_search("UID " + ",".join(map(str, sorted(silent)))))

    def _delete(self, step: Delete) -> None:
        folder = self._folder(step.folder_id)
        with self.shared.lock:
            if not _allowed(Flag.DELETED, self._open(folder)):  # some servers say OK all the same, and keep it
                raise self._not_allowed("you to delete anything", folder)
            messages = self._current(folder.id, step.messages)
            self.connection.expunge(list(messages.values()))
            if self.connection.can("UIDPLUS"):
                self._departed(folder, messages.values())
            with self.store.write(durable=True) as tx:
                if self.connection.can("UIDPLUS"):
                    write.remove_messages(tx, list(messages), Claim.DELETED, self.shared.context.now())
                    mirror.left_server(tx, folder.id, len(messages))
                else:
                    write.flags_pushed(tx, messages, Flag.DELETED, Flag(0))

    # -- APPEND

    def _append(self, step: Append) -> None:
        """Upload a message once: what an attempt that was cut may have left there is looked for first."""
        folder = self._folder(step.folder_id)
        facts = mirror.append_facts(self.store.reader(), step.id)
        if facts is None:
            return
        begun, message_id, internaldate, flags, keywords = facts
        raw = self._bytes(step.id)
        with self.shared.lock:
            pulled = bool(folder.state.uidvalidity)  # until then no UID means anything: the pull finds the message
            low = 1 if folder.role is Role.SENT or (begun and not pulled) else begun  # many servers file what was sent
            uid = self._find(folder, message_id, _size(raw), low) if low else None
            if not begun and outbox.is_copy(self.store.reader(), step.id):
                self._learn(uid is not None)
            if uid is None:
                names = flag_names(flags & ~Flag.DELETED, keywords)
                uid = self._upload(folder, step.id, raw, names, internaldate)
            with self.store.write(durable=True) as tx:
                write.appended(tx, step.id, uid if pulled else None)
        self.touched[folder.id] = folder

    def _learn(self, saves: bool) -> None:
        """A sent message was there before we put it there, or was not: does the server file what is sent?"""
        if saves != read.saves_sent(self.store.reader(), self.shared.account.id):
            with self.store.write() as tx:
                write.learn_saves_sent(tx, self.shared.account.id, saves)

    def _bytes(self, message_id: MessageId) -> bytes | Path:
        """The message with CRLF line ends, as IMAP wants literals; a large one, that has them, by its file."""
        path = self.shared.context.bodies.file(message_id)
        if path is not None and _is_canonical(path):
            return path
        raw = self.shared.context.bodies.get(message_id)
        if raw is None:
            text = "The text of this message is not on this computer any more, so it cannot be put on the server."
            raise MailError(Kind.MESSAGE, Retry.NEVER, text, code="no-body")
        return _BARE_NEWLINE.sub(b"\r\n", raw)

    def _upload(
        self, folder: Folder, message_id: MessageId, raw: bytes | Path, names: list[str], when: int
    ) -> int | None:
        uidnext = self._uidnext.pop(folder.id, 0) or self.connection.status(folder.name).uidnext or 1
        with self.store.write(durable=True) as tx:
            mirror.append_started(tx, message_id, uidnext)
        placed = self.connection.append(folder.name, raw, names, when)
        if placed is not None:
            self._uidnext[folder.id] = placed.uids[0] + 1
        return _uid_there(placed, 0, folder.state)

    def _find(self, folder: Folder, message_id: str, size: int, low: int) -> int | None:
        """The UID of this message in the folder, from ``low`` up, if the server has it."""
        self._open(folder)
        if message_id:
            found = self.connection.search_message_id(message_id)
        else:
            found = self.connection.uid_search(f"LARGER {max(size - 1, 0)} SMALLER {size + 1}")
        return max((uid for uid in found if uid >= low), default=None)


def _size(raw: bytes | Path) -> int:
    return len(raw) if isinstance(raw, bytes) else raw.stat().st_size


def _is_canonical(path: Path) -> bool:
    """Every line of the file ends in CRLF, and nothing else does."""
    with file_errors(), path.open("rb") as file:
        held = b""  # a CR at the end of a block belongs to the next one
        while block := file.read(_BLOCK):
            block = held + block
            held = b"\r" if block.endswith(b"\r") else b""
            if not block.count(b"\r\n") == block.count(b"\n") == block.count(b"\r") - len(held):
                return False
    return not held


def _ids(step: Step) -> list[MessageId]:
    match step:
        case Append():
            return [step.id]
        case StoreFlags() | StoreKeywords() | Move() | Delete():
            return list(step.messages)
    return []


def _uid_there(placed: Placed | None, uid: int, state: FolderState) -> int | None:
    """The UID at the target, when it was told and belongs to the numbering that we know."""
    if placed is None or state.uidvalidity not in (0, placed.uidvalidity):
        return None
    return placed.uids.get(uid)


def _allowed(flags: Flag, selected: Selected) -> Flag:
    """The flags that this folder keeps; a keyword that it does not know is kept here only."""
    permanent = {name.lower() for name in selected.permanent_flags}
    if not permanent or "\\*" in permanent:
        return flags
    names: Iterable[Flag] = (one for one in Flag if flags & one)
    kept = Flag(0)
    for one in names:
        if flag_names(one)[0].lower() in permanent:
            kept |= one
    return kept
