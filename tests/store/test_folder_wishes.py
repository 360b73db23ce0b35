"""Folders renamed and deleted in the store: on this computer at once, on a server as wishes, and taken back."""

from pathlib import Path

import pytest

from mua.model.account import Account, AccountId, Incoming
from mua.model.folder import FolderId, Role
from mua.model.message import Envelope, Flag, MessageId
from mua.paths import Profile
from mua.store import folder_wishes, history, mirror, read, write
from mua.store.db import Store, Tx

ON_SERVER = [False, True]


def box(tmp_path: Path, on_server: bool) -> tuple[Store, AccountId, FolderId, list[MessageId]]:
    """A with A/B inside, a bin, and a message in A/B."""
    store = Store(Profile(tmp_path))
    incoming = Incoming.IMAP if on_server else Incoming.LOCAL
    with store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "home", "m@example.org", incoming=incoming))
        local = not on_server
        write.put_folder(tx, account, "Trash", role=Role.TRASH, local=local)
        outer = write.put_folder(tx, account, "A", local=local)
        inner = write.put_folder(tx, account, "A/B", local=local)
        uid = 1 if on_server else None
        ids = write.add_messages(tx, account, inner, [write.NewMessage(Envelope(), 1_700_000_000, 9, uid)])
    return store, account, outer, ids


def names(store: Store) -> list[str]:
    return sorted(one.name for one in read.folders(store.reader(), shown=True))


def delete(tx: Tx, store: Store, outer: FolderId, ids: list[MessageId]) -> int:
    folder = read.folder(store.reader(), outer, shown=True)
    trash = read.folder_named(store.reader(), read.accounts(store.reader())[0].id, "trash")
    assert folder is not None and trash is not None
    doomed = folder_wishes.inside(tx, folder)
    told = [folder_wishes.remembered(one, deleted=True) for one in reversed(doomed)]
    number = history.remember(tx, ids, "Deleted", Flag(0), 1, moved=True, folders=told)
    write.wish_move(tx, ids, trash.id, 1)
    for one in doomed:
        folder_wishes.wish_gone(tx, one.id)
    return number


@pytest.mark.parametrize("on_server", ON_SERVER)
def test_a_name_is_shown_at_once_also_below(tmp_path: Path, on_server: bool) -> None:
    store, account, outer, _ = box(tmp_path, on_server)
    folder = read.folder(store.reader(), outer)
    assert folder is not None
    with store.write() as tx:
        history.remember(tx, [], "Renamed", Flag(0), 1, folders=[folder_wishes.remembered(folder, renamed="C")])
        folder_wishes.wish_name(tx, folder, "C")
    assert names(store) == ["C", "C/B", "Trash"]
    wished = [(one.name, one.wanted) for one in folder_wishes.wished(store.reader(), account)]
    assert wished == ([("A/B", "C/B"), ("A", "C")] if on_server else [])
    if on_server:
        with store.write() as tx:
            folder_wishes.named(tx, outer, "A", "C", "/")
        assert folder_wishes.wished(store.reader(), account) == [] and names(store) == ["C", "C/B", "Trash"]
    with store.write() as tx:
        history.undo(tx, None, 2)
    assert names(store) == ["A", "A/B", "Trash"]
    store.close()


@pytest.mark.parametrize("on_server", ON_SERVER)
def test_a_deleted_folder_comes_back_with_what_was_in_it(tmp_path: Path, on_server: bool) -> None:
    store, account, outer, ids = box(tmp_path, on_server)
    with store.write() as tx:
        delete(tx, store, outer, ids)
    assert names(store) == ["Trash"]
    with store.write() as tx:
        write.settle_local(tx, account, 2)
        folder_wishes.settle_local(tx, account, 2)
        if on_server:  # a server was quick: it moved the message, and both folders are gone there
            trash = read.folder_named(tx, account, "trash")
            assert trash is not None
            write.moved(tx, ids[0], trash.id, 7)
            for one in folder_wishes.wished(tx, account):
                assert not folder_wishes.holds(tx, one.id)
                write.remove_folder(tx, one.id, 2)
    assert len(read.folders(store.reader())) == 1
    with store.write() as tx:
        history.undo(tx, None, 3)
    assert names(store) == ["A", "A/B", "Trash"]
    inner = read.folder_named(store.reader(), account, "A/B")
    assert inner is not None and list(read.folder_order(store.reader(), inner.id)) == ids
    assert len(mirror.folders_to_create(store.reader(), account)) == (2 if on_server else 0)
    store.close()


def test_a_refusal_shows_the_folder_as_it_is_there(tmp_path: Path) -> None:
    store, account, outer, _ = box(tmp_path, True)
    with store.write() as tx:
        folder_wishes.wish_gone(tx, outer)
        folder_wishes.refused(tx, outer, "It is needed.")
    folder = read.folder(store.reader(), outer)
    assert folder is not None and (folder.gone, folder.problem) == (False, "It is needed.")
    assert folder_wishes.wished(store.reader(), account) == []
    store.close()
