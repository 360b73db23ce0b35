"""What a list that is grouped by conversations reads."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mua.model.account import Account, AccountId
from mua.model.address import Address
from mua.model.folder import FolderId, Role
from mua.model.message import Envelope, Flag, MessageId
from mua.paths import Profile
from mua.store import read, write
from mua.store.db import Changes, Store
from mua.store.read import Filter, Saved
from mua.store.write import NewMessage

NOW = int(time.time())
ANA, BEN = Address("Ana Lima", "ana@example.org"), Address("Ben", "ben@example.org")


class Rig:
    """A store with an account, an inbox, an archive and a bin."""

    def __init__(self, root: Path) -> None:
        self.told: list[Changes] = []
        self.store = Store(Profile(root), self.told.append)
        self.db = self.store.reader()
        with self.store.write() as tx:
            self.account = write.add_account(tx, Account(AccountId(0), "One", "one@example.org"))
            self.inbox = write.put_folder(tx, self.account, "INBOX", role=Role.INBOX)
            self.archive = write.put_folder(tx, self.account, "Archive", role=Role.ARCHIVE)
            self.bin = write.put_folder(tx, self.account, "Trash", role=Role.TRASH)
        self.uid = 0

    def deliver(self, mid: str, *refs: str, folder: FolderId | None = None, flags: Flag = Flag.SEEN,
                sender: Address = ANA, clip: bool = False) -> MessageId:  # fmt: skip
        """One message, a minute after the one before."""
        self.uid += 1
        envelope = Envelope(
            sender=(sender,), subject=mid, message_id=f"{mid}@x", references=tuple(f"{one}@x" for one in refs),
            attachment_hint=clip,
        )  # fmt: skip
        new = NewMessage(envelope, NOW + 60 * self.uid, 10, self.uid, flags)
        with self.store.write() as tx:
            (one,) = write.add_messages(tx, self.account, folder or self.inbox, [new])
        return one

    def thread(self, one: MessageId) -> int:
        return read.threads_of(self.db, [one])[one]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "p")
    yield made
    made.store.close()


def test_the_order_has_the_thread_of_each_message_beside_it(rig: Rig) -> None:
    a1, b1, a2 = rig.deliver("a1"), rig.deliver("b1"), rig.deliver("a2", "a1")
    rig.deliver("a3", "a1", folder=rig.archive)
    ids, threads = read.threaded_order(rig.db, rig.inbox)
    assert list(ids) == list(read.folder_order(rig.db, rig.inbox)) == [a2, b1, a1]
    assert list(threads) == [rig.thread(a1), rig.thread(b1), rig.thread(a1)]
    ids, threads = read.threaded_order(rig.db, rig.inbox, below=a2, limit=1)
    assert (list(ids), list(threads)) == ([b1], [rig.thread(b1)])
    assert read.threaded_order(rig.db, rig.bin) == (ids[:0], ids[:0])


def test_one_pass_over_the_index_has_both(rig: Rig) -> None:
    """The rows of a large folder are not touched for it."""
    sql = "EXPLAIN SELECT id, thread_id FROM message WHERE shown_folder = 1 AND id < 9 ORDER BY id DESC LIMIT -1"
    opened = [row for row in rig.db.rows(sql) if row[1] == "OpenRead"]
    (root,) = [row[0] for row in rig.db.rows("SELECT rootpage FROM sqlite_master WHERE name = 'message_shown'")]
    seeks = [row for row in rig.db.rows(sql) if row[1] in ("DeferredSeek", "SeekRowid", "NotExists")]
    assert root in [row[3] for row in opened]
    reads = [row for row in rig.db.rows(sql) if row[1] == "Column" and row[2] in {row[2] for row in opened}]
    index = next(row[2] for row in opened if row[3] == root)
    assert {row[2] for row in reads} <= {index}, (seeks, reads)


def test_all_inboxes_are_one_order(rig: Rig) -> None:
    with rig.store.write() as tx:
        other = write.put_folder(tx, write.add_account(tx, Account(AccountId(0), "Two", "two@x")), "INBOX",
                                 role=Role.INBOX)  # fmt: skip
    one, two, three = rig.deliver("1"), rig.deliver("2", "1", folder=other), rig.deliver("3")
    ids, threads = read.threaded_order(rig.db, Saved.ALL_INBOXES)
    assert list(ids) == [three, two, one]
    assert threads[1] == threads[2] != threads[0]
    ids, _ = read.threaded_order(rig.db, Saved.ALL_INBOXES, limit=2)
    assert list(ids) == [three, two]


def test_only_members_that_are_listed_are_of_a_row(rig: Rig) -> None:
    first = rig.deliver("a1")
    unread = rig.deliver("a2", "a1", flags=Flag(0))
    rig.deliver("a3", "a1", folder=rig.archive)
    thread = rig.thread(first)
    assert read.listed_of(rig.db, rig.inbox, Filter.ALL, [thread]) == {thread: [unread, first]}
    assert read.listed_of(rig.db, rig.inbox, Filter.UNREAD, [thread]) == {thread: [unread]}
    assert read.listed_of(rig.db, Saved.UNREAD, Filter.ALL, [thread]) == {thread: [unread]}
    assert read.listed_of(rig.db, rig.bin, Filter.ALL, [thread]) == {}
    assert read.among(rig.db, rig.inbox, Filter.UNREAD, [first, unread]) == {unread: thread}


def test_a_row_tells_of_its_conversation(rig: Rig) -> None:
    first = rig.deliver("a1", flags=Flag(0), clip=True)
    rig.deliver("a2", "a1", sender=BEN, flags=Flag.SEEN | Flag.FLAGGED)
    rig.deliver("a3", "a1", folder=rig.archive, flags=Flag(0))
    rig.deliver("a3", "a1", folder=rig.archive, flags=Flag(0))  # a copy
    rig.deliver("a4", "a1", folder=rig.bin, sender=BEN)
    thread = rig.thread(first)
    told = read.conversations(rig.db, rig.inbox, Filter.ALL, [thread])[thread]
    assert (told.here, told.unread, told.starred, told.clip, told.refused) == (2, 1, True, True, False)
    assert told.whole == 3  # what lies in the bin is not shown, and a copy once
    assert told.writers == ((ANA,), (BEN,), (ANA,), (ANA,))
    assert read.conversations(rig.db, rig.inbox, Filter.STARRED, [thread])[thread].here == 1
    assert read.conversations(rig.db, rig.bin, Filter.ALL, [thread], aside=True)[thread].whole == 4
    assert read.conversations(rig.db, rig.bin, Filter.UNREAD, [thread]) == {}


def test_of_a_long_conversation_few_writers_are_read(rig: Rig) -> None:
    first = rig.deliver("a0", sender=BEN)
    for number in range(1, 40):
        rig.deliver(f"a{number}", "a0")
    thread = rig.thread(first)
    told = read.conversations(rig.db, rig.inbox, Filter.ALL, [thread])[thread]
    assert (told.here, told.whole, told.writers) == (40, 40, ((BEN,), *[(ANA,)] * 12))


def test_threads_that_are_tied_together_are_told(rig: Rig) -> None:
    """A list groups by them: whose thread became another one has changed, though nothing else of it did."""
    one, two = rig.deliver("1"), rig.deliver("2")
    assert rig.thread(one) != rig.thread(two)
    rig.told.clear()
    three = rig.deliver("3", "1", "2")
    assert rig.thread(one) == rig.thread(two) == rig.thread(three)
    assert two in rig.told[-1].messages
    assert one not in rig.told[-1].messages
