"""Wishes into steps: what to tell the server, in which order, in which batches.  Pure.

The order (folders, appends, flags, keywords, moves, deletions) makes each step possible and none undo another: flags
travel with a moved message, and a deletion comes last.  Idempotent by construction: steps are made from the wishes that
are left, and a fulfilled wish leaves none.  A message whose UID is not known (yet) waits for the next pull.
"""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import field, replace
from typing import TypeVar

from mua.model.folder import FolderId
from mua.model.message import Flag, MessageId
from mua.records import dataclass

NONE = Flag(0)
FLAG_BATCH = 500
MOVE_BATCH = 200


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants of one message.

    ``append``: it has to be put on the server first.  ``keywords``: to be set and cleared (``model.tag``).
    """

    id: MessageId
    folder_id: FolderId
    uid: int | None
    flags: Flag = NONE
    add: Flag = NONE
    remove: Flag = NONE
    target: FolderId | None = None
    gone: bool = False
    append: bool = False
    keywords: str = ""


@dataclass(frozen=True, slots=True)
class CreateFolder:
    """CREATE."""

    folder_id: FolderId


@dataclass(frozen=True, slots=True)
class Append:
    """APPEND of a message that the server does not have."""

    id: MessageId
    folder_id: FolderId


@dataclass(frozen=True, slots=True)
class Forget:
    """A message that the server never had is not wanted any more."""

    ids: tuple[MessageId, ...]


@dataclass(frozen=True, slots=True)
class StoreFlags:
    """STORE: the same change for these messages of one folder (``messages``: id -> UID)."""

    folder_id: FolderId
    add: Flag
    remove: Flag
    messages: dict[MessageId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoreKeywords:
    """STORE of keywords, apart from the flags: a folder may keep the ones and not the others."""

    folder_id: FolderId
    keywords: str
    messages: dict[MessageId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Move:
    """MOVE from one folder to another."""

    folder_id: FolderId
    target: FolderId
    messages: dict[MessageId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete for ever."""

    folder_id: FolderId
    messages: dict[MessageId, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RenameFolder:
    """RENAME; the folders below go along."""

    folder_id: FolderId
    wanted: str


@dataclass(frozen=True, slots=True)
class SubscribeFolder:
    """SUBSCRIBE or UNSUBSCRIBE."""

    folder_id: FolderId
    name: str
    subscribed: bool


@dataclass(frozen=True, slots=True)
class DeleteFolder:
    """DELETE, when nothing is in it any more."""

    folder_id: FolderId


@dataclass(frozen=True, slots=True)
class FolderWish:
    """What a person wants of one folder.  ``subscribed`` None: nothing."""

    id: FolderId
    name: str
    wanted: str
    gone: bool
    subscribed: bool | None


Group = TypeVar("Group", bound=tuple[int | str, ...])

Step = (
    CreateFolder | Append | Forget | StoreFlags | StoreKeywords | Move | Delete
    | RenameFolder | SubscribeFolder | DeleteFolder
)  # fmt: skip


def renaming(wishes: Iterable[FolderWish]) -> list[Step]:
    """What comes first: the outermost folder is renamed before those below it, which then have their names already."""
    found = sorted((one for one in wishes if one.wanted and not one.gone), key=lambda one: len(one.name))
    return [RenameFolder(one.id, one.wanted) for one in found]


def ending(wishes: Iterable[FolderWish]) -> list[Step]:
    """What comes last: subscriptions, then the end of folders that are empty by now, the innermost first."""
    ordered = list(wishes)
    subscribing = [
        SubscribeFolder(one.id, one.name, bool(one.subscribed)) for one in ordered if one.subscribed is not None
    ]
    doomed = sorted((one for one in ordered if one.gone), key=lambda one: -len(one.name))
    return [*subscribing, *(DeleteFolder(one.id) for one in doomed)]


def steps(
    wishes: Iterable[Wish],
    new_folders: Iterable[FolderId] = (),
    *,
    held: Container[FolderId] = (),
    can_expunge: bool = True,
) -> list[Step]:
    """The steps that fulfil these wishes.

    ``held`` folders are not to be made yet; what has to go into them waits with them.
    Without ``can_expunge`` (no UIDPLUS) a deletion ends with the mark ``\\Deleted``; one that is marked stays as it is.
    """
    rows = [replace(row, target=None) if row.target in held else row for row in wishes if row.folder_id not in held]
    if not can_expunge:
        rows = [row for row in rows if not (row.gone and row.flags & Flag.DELETED)]
    never_there = tuple(row.id for row in rows if row.gone and row.uid is None and row.append)
    return [
        *(CreateFolder(one) for one in new_folders if one not in held),
        *([Forget(never_there)] if never_there else []),
        *(Append(row.id, row.folder_id) for row in rows if row.append and row.uid is None and not row.gone),
        *_flag_steps(rows),
        *_keyword_steps(rows),
        *_move_steps(rows),
        *_delete_steps(rows),
    ]


def _flag_steps(rows: list[Wish]) -> Iterator[StoreFlags]:
    groups: dict[tuple[FolderId, Flag, Flag], list[Wish]] = defaultdict(list)
    for row in rows:
        if row.uid is not None and not row.gone and (row.add or row.remove):
            groups[row.folder_id, row.add, row.remove].append(row)
    for (folder_id, add, remove), members in _sorted(groups):
        for batch in _batches(members, FLAG_BATCH):
            yield StoreFlags(folder_id, add, remove, batch)


def _keyword_steps(rows: list[Wish]) -> Iterator[StoreKeywords]:
    groups: dict[tuple[FolderId, str], list[Wish]] = defaultdict(list)
    for row in rows:
        if row.uid is not None and not row.gone and row.keywords:
            groups[row.folder_id, row.keywords].append(row)
    for (folder_id, keywords), members in _sorted(groups):
        for batch in _batches(members, FLAG_BATCH):
            yield StoreKeywords(folder_id, keywords, batch)


def _move_steps(rows: list[Wish]) -> Iterator[Move]:
    groups: dict[tuple[FolderId, FolderId], list[Wish]] = defaultdict(list)
    for row in rows:
        if row.uid is not None and not row.gone and row.target is not None and row.target != row.folder_id:
            groups[row.folder_id, row.target].append(row)
    for (folder_id, target), members in _sorted(groups):
        for batch in _batches(members, MOVE_BATCH):
            yield Move(folder_id, target, batch)


def _delete_steps(rows: list[Wish]) -> Iterator[Delete]:
    groups: dict[tuple[FolderId], list[Wish]] = defaultdict(list)
    for row in rows:
        if row.uid is not None and row.gone:
            groups[(row.folder_id,)].append(row)
    for (folder_id,), members in _sorted(groups):
        for batch in _batches(members, MOVE_BATCH):
            yield Delete(folder_id, batch)


def _sorted(groups: dict[Group, list[Wish]]) -> list[tuple[Group, list[Wish]]]:
    return sorted(groups.items(), key=lambda item: item[0])


def _batches(members: list[Wish], size: int) -> Iterator[dict[MessageId, int]]:
    ordered = sorted(members, key=lambda row: row.uid or 0)
    for start in range(0, len(ordered), size):
        yield {row.id: row.uid or 0 for row in ordered[start : start + size]}
