"""The numbers of the sidebar are those of counting every message, whatever was done in whatever order."""

import random
from pathlib import Path

import pytest

from mua.model.account import Account, AccountId
from mua.model.folder import FolderId, Role
from mua.model.ledger import Claim
from mua.model.message import Envelope, Flag, MessageId
from mua.paths import Profile
from mua.store import read, write
from mua.store.db import Store
from mua.store.read import Saved
from mua.store.write import BodyFacts, NewMessage

ROLES = (
    ("INBOX", Role.INBOX),
    ("Archive", Role.ARCHIVE),
    ("Junk", Role.JUNK),
    ("Trash", Role.TRASH),
    ("Work", Role.NONE),
)
ACTS = 120


class House:
    """Two accounts, and whatever a person or a server does to their mail."""

    def __init__(self, root: Path, seed: int) -> None:
        self.store, self.dice = Store(Profile(root)), random.Random(seed)
        self.folders: dict[AccountId, list[FolderId]] = {}
        self.uid = 0
        for name in ("one", "two"):
            with self.store.write() as tx:
                account = write.add_account(tx, Account(AccountId(0), name, f"{name}@example.org"))
                self.folders[account] = [write.put_folder(tx, account, leaf, role=role) for leaf, role in ROLES]

    def act(self) -> None:
        """Something."""
        dice, account = self.dice, self.dice.choice(list(self.folders))
        folder = dice.choice(self.folders[account])
        ids = [
            MessageId(row[0])
            for row in self.store.reader().rows("SELECT id FROM message WHERE account_id = ?", account)
        ]
        some = dice.sample(ids, min(len(ids), dice.randrange(4)))
        flags = dice.choice((Flag.SEEN, Flag.FLAGGED, Flag.SEEN | Flag.FLAGGED))
        with self.store.write() as tx:
            kind = dice.randrange(9)
            if kind < 3:
                write.add_messages(tx, account, folder, [self._new() for _ in range(dice.randrange(1, 5))])
            elif kind == 3:
                write.wish_flags(tx, some, *dice.choice(((flags, Flag(0)), (Flag(0), flags))), 1)
            elif kind == 4:
                write.wish_move(tx, some, folder, 1)
            elif kind == 5:
                write.wish_gone(tx, some, 1)
            elif kind == 6:
                write.flags_pushed(tx, some, *dice.choice(((flags, Flag(0)), (Flag(0), flags))))
            elif kind == 7:
                write.remove_messages(tx, some[:1], Claim.DELETED, 1)
            else:
                write.set_bodies(tx, [BodyFacts(one, 1, "", dice.random() < 0.5, 10) for one in some])

    def _new(self) -> NewMessage:
        self.uid += 1
        flags = self.dice.choice((Flag(0), Flag.SEEN, Flag.FLAGGED))
        return NewMessage(
            Envelope(attachment_hint=self.dice.random() < 0.3), 1_700_000_000 + self.uid, 10, self.uid, flags
        )


@pytest.mark.parametrize("seed", range(8))
def test_the_numbers_are_those_of_counting(tmp_path: Path, seed: int) -> None:
    house = House(tmp_path / "profile", seed)
    db = house.store.reader()
    for _ in range(ACTS):
        house.act()
        rows = db.rows("SELECT shown_folder, shown_flags, has_attachments, id FROM message")
        folders = {one.id: one for one in read.folders(db)}
        for key, folder in folders.items():
            mine = [flags for where, flags, _, _ in rows if where == key]
            assert (folder.total, folder.unread) == (len(mine), sum(not flags & Flag.SEEN for flags in mine))
        unread = [folders[where].role for where, flags, _, _ in rows if where is not None and not flags & Flag.SEEN]
        assert read.saved_counts(db) == {
            Saved.ALL_INBOXES: sum(role is Role.INBOX for role in unread),
            Saved.UNREAD: sum(role not in (Role.JUNK, Role.TRASH) for role in unread),
        }
        wanted = {key for key, one in folders.items() if one.role not in (Role.JUNK, Role.TRASH)}
        for saved, holds in (
            (Saved.STARRED, lambda flags, _: flags & Flag.FLAGGED),
            (Saved.ATTACHMENTS, lambda _, clip: clip),
        ):
            found = [one for where, flags, clip, one in rows if where in wanted and holds(flags, clip)]
            assert list(read.saved_order(db, saved)) == sorted(found, reverse=True)
    house.store.close()
