"""The store: wishes, counters, threads, undo, the ledger, and what a crash may leave."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from plans import scans

from mua.errors import MailError
from mua.model.account import Account, AccountId, PopOptions
from mua.model.address import Address
from mua.model.folder import FolderId, Role, Space
from mua.model.ledger import KEEP_GONE_SECONDS, Claim
from mua.model.message import Envelope, Flag, MessageId
from mua.model.policy import EVERYTHING
from mua.paths import Profile
from mua.plan.pop import Fetched, Ours
from mua.store import blobs, history, ledger, mirror, read, schema, write
from mua.store.db import Changes, Store, open_reader


class Box:
    """A store with one account and three folders."""

    def __init__(self, store: Store) -> None:
        self.store = store
        with store.write() as tx:
            self.account = write.add_account(tx, Account(AccountId(0), "home", "maya@example.org"))
            self.inbox = write.put_folder(tx, self.account, "INBOX", role=Role.INBOX)
            self.archive = write.put_folder(tx, self.account, "Archive", role=Role.ARCHIVE)
            self.trash = write.put_folder(tx, self.account, "Trash", role=Role.TRASH)

    def add(self, *uids: int, at: int = 1_700_000_000, **envelope: object) -> list[MessageId]:
        with self.store.write() as tx:
            news = [write.NewMessage(Envelope(subject=f"m{uid}", **envelope), at, 100, uid) for uid in uids]  # type: ignore[arg-type]
            return write.add_messages(tx, self.account, self.inbox, news)

    def counts(self, folder_id: FolderId) -> tuple[int, int]:
        folder = read.folder(self.store.reader(), folder_id)
        assert folder is not None
        return folder.total, folder.unread

    def shown(self, folder_id: FolderId) -> list[int]:
        return list(read.folder_order(self.store.reader(), folder_id))


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    store = Store(Profile(tmp_path))
    yield Box(store)
    store.close()


def test_newest_first_and_counted(box: Box) -> None:
    old, new = box.add(1, at=1_600_000_000), box.add(2, 3, at=1_700_000_000)
    assert box.shown(box.inbox) == [new[1], new[0], old[0]]
    assert box.counts(box.inbox) == (3, 3)


def test_many_rows_in_one_statement_are_what_each_is_alone(box: Box) -> None:
    ids = box.add(*range(1, 124))
    gone = ids[60]
    with box.store.write() as tx:
        write.remove_messages(tx, [gone], Claim.VANISHED, 1)
    told = [write.BodyFacts(one, 1, f"text {one}", one == ids[3], 700 if one == ids[5] else 100) for one in ids]
    with box.store.write() as tx:
        write.set_bodies(tx, list(reversed(told)))
        assert tx.changes.messages == set(ids) - {gone}
    kept = [one for one in ids if one != gone]
    rows = box.store.reader().rows(
        "SELECT id, has_body, snippet, has_attachments, size FROM message ORDER BY index_seq"
    )
    assert rows == [(one, 1, f"text {one}", int(one == ids[3]), 700 if one == ids[5] else 100) for one in kept]
    folder = read.folder(box.store.reader(), box.inbox)
    assert folder is not None
    assert (folder.total, folder.with_body) == (122, 122)


def test_what_others_share_is_not_among_what_is_unread_or_starred(box: Box) -> None:
    [mine] = box.add(1)
    with box.store.write() as tx:
        hers = write.put_folder(tx, box.account, "user/carol", space=Space.OTHERS, prefix="user/")
        news = [write.NewMessage(Envelope(), 1_700_000_000, 100, uid, Flag.FLAGGED) for uid in (1, 2)]
        shared = write.add_messages(tx, box.account, hers, news)
    db = box.store.reader()
    assert box.counts(hers) == (2, 2)
    assert list(read.saved_order(db, read.Saved.UNREAD)) == [mine]
    assert not list(read.saved_order(db, read.Saved.STARRED))
    assert read.saved_counts(db) == {read.Saved.ALL_INBOXES: 1, read.Saved.UNREAD: 1}
    assert set(read.among(db, read.Saved.UNREAD, read.Filter.ALL, [mine, *shared])) == {mine}
    assert str(read.policy(db, hers)) == "headers"


def test_what_is_in_the_store_is_reported_by_folder(box: Box) -> None:
    ids = box.add(*range(1, 8))
    with box.store.write() as tx:
        pop = write.put_folder(tx, box.account, "On this computer", local=True)
        kept = write.add_messages(tx, box.account, pop, [write.NewMessage(Envelope(), 9, 100, None) for _ in range(3)])
        write.add_messages(tx, box.account, box.archive, [write.NewMessage(Envelope(), 9, 100, None)])  # not there yet
        write.set_bodies(tx, [write.BodyFacts(one, 1, "", False, 100) for one in (*ids[:3], *kept[:2])])
    db = box.store.reader()
    mark = int(db.value("SELECT index_seq FROM message WHERE id = ?", kept[0]))
    by_rows = dict[int, tuple[int, int, int]]()
    for folder in (box.inbox, pop):
        rows = db.rows("SELECT has_body, index_seq FROM message WHERE folder_id = ?", folder)
        bodies = [sequence for has_body, sequence in rows if has_body]
        by_rows[folder] = (len(rows), len(bodies), sum(sequence <= mark for sequence in bodies))
    assert read.in_store(db, mark) == by_rows
    assert (
        by_rows[box.inbox][:2] == (7, 3)
        and by_rows[pop][:2] == (3, 2)
        and 0 < sum(one[2] for one in by_rows.values()) < 5
    )


def test_a_message_is_found_by_its_message_id_without_looking_at_others(box: Box) -> None:
    [mine], gone = box.add(1, message_id="one@x"), box.add(2, message_id="one@x")
    with box.store.write() as tx:
        write.remove_messages(tx, gone, Claim.VANISHED, 5)
    db = box.store.reader()
    with scans(db, "message", "m", "s") as guilty:
        assert [row.id for row in read.with_message_id(db, "one@x")] == [mine] and not read.with_message_id(db, "")
        assert not read.is_backscatter(db, mine)
        assert ledger.entries(db)[0].now_in == ("INBOX",)
    assert not guilty


def test_the_same_uid_twice_is_one_message(box: Box) -> None:
    assert box.add(1) == box.add(1)
    [first, second] = box.add(2, 2)
    assert first == second
    assert box.counts(box.inbox) == (2, 2)


def test_an_id_is_never_used_again(box: Box) -> None:
    first = box.add(1)
    with box.store.write() as tx:
        write.remove_messages(tx, first, Claim.VANISHED, 5)
    assert box.add(2) != first


def test_a_wish_is_shown_at_once_and_fulfilling_it_changes_nothing(box: Box) -> None:
    ids = box.add(1, 2)
    with box.store.write() as tx:
        write.wish_flags(tx, ids[:1], Flag.SEEN | Flag.FLAGGED, Flag(0), 1)
        write.wish_move(tx, ids[:1], box.archive, 1)
    assert box.shown(box.inbox) == [ids[1]] and box.shown(box.archive) == [ids[0]]
    assert box.counts(box.inbox) == (1, 1) and box.counts(box.archive) == (1, 0)
    with box.store.write() as tx:
        write.flags_pushed(tx, ids[:1], Flag.SEEN | Flag.FLAGGED, Flag(0))
        write.moved(tx, ids[0], box.archive, 77)
    assert box.shown(box.archive) == [ids[0]]
    assert box.counts(box.archive) == (1, 0)
    wishes = box.store.reader().row("SELECT want_folder_id, want_set, want_clear FROM message WHERE id = ?", ids[0])
    assert wishes == (None, 0, 0)


def test_a_refused_wish_is_shown_where_the_server_has_it_and_says_why(box: Box) -> None:
    ids = box.add(1)
    with box.store.write() as tx:
        write.wish_move(tx, ids, box.archive, 1)
        write.wish_refused(tx, ids, "The server does not allow it. (no permission)")
    assert box.shown(box.inbox) == ids and box.shown(box.archive) == []
    row = read.row(box.store.reader(), ids[0])
    assert row is not None and row.problem == "The server does not allow it. (no permission)"
    with box.store.write() as tx:
        write.wish_move(tx, ids, box.archive, 2)
    row = read.row(box.store.reader(), ids[0])
    assert row is not None and row.problem == ""


def test_a_newer_wish_survives_the_push_of_an_older_one(box: Box) -> None:
    (one,) = box.add(1)
    with box.store.write() as tx:
        write.wish_flags(tx, [one], Flag.FLAGGED, Flag(0), 1)
    with box.store.write() as tx:  # while the star is on its way, the person takes it off
        write.wish_flags(tx, [one], Flag(0), Flag.FLAGGED, 2)
    with box.store.write() as tx:
        write.flags_pushed(tx, [one], Flag.FLAGGED, Flag(0))
    row = read.row(box.store.reader(), one)
    assert row is not None and not row.flags & Flag.FLAGGED
    assert box.store.reader().row("SELECT want_set, want_clear FROM message WHERE id = ?", one) == (0, 4)


def test_the_servers_flags_do_not_overrule_a_wish(box: Box) -> None:
    (one,) = box.add(1)
    with box.store.write() as tx:
        write.wish_flags(tx, [one], Flag.SEEN, Flag(0), 1)
        write.set_server_flags(tx, box.inbox, [(1, Flag.ANSWERED, ("todo",))])
    row = read.row(box.store.reader(), one)
    assert row is not None and row.flags == Flag.SEEN | Flag.ANSWERED and row.keywords == ("todo",)


def test_undo_puts_back_what_was_shown(box: Box) -> None:
    ids = box.add(1, 2)
    with box.store.write() as tx:
        history.remember(tx, ids, "Archived", Flag(0), 1, moved=True)
        write.wish_move(tx, ids, box.archive, 1)
    with box.store.write() as tx:
        write.moved(tx, ids[0], box.archive, 9)  # the server was quick with one of them
    with box.store.write() as tx:
        undone = history.undo(tx, None, 2)
    assert undone is not None and set(undone[2]) == set(ids)
    assert box.shown(box.inbox) == sorted(ids, reverse=True)
    assert box.store.reader().value("SELECT want_folder_id FROM message WHERE id = ?", ids[0]) == box.inbox
    with box.store.write() as tx:
        assert history.undo(tx, None, 3) is None


def test_an_act_on_flags_and_folder_is_undone_as_one(box: Box) -> None:
    ids = box.add(1, 2)
    with box.store.write() as tx:
        history.remember(tx, ids, "Junk", Flag.JUNK | Flag.NOT_JUNK, 1, moved=True)
        write.wish_flags(tx, ids, Flag.JUNK, Flag.NOT_JUNK, 1)
        write.wish_move(tx, ids, box.trash, 1)
        history.undo(tx, None, 2)
    assert box.shown(box.inbox) == sorted(ids, reverse=True)
    assert [row.flags for row in read.rows(box.store.reader(), ids)] == [Flag(0), Flag(0)]
    left = mirror.wishes(box.store.reader(), box.account)  # in case that the server heard of the first
    assert [(one.add, one.remove, one.target) for one in left] == [(Flag(0), Flag.JUNK, None)] * 2


def test_a_refused_wish_can_be_wished_again_or_put_away(box: Box) -> None:
    first, second = box.add(1, 2)
    with box.store.write() as tx:
        write.wish_move(tx, [first, second], box.archive, 1)
        write.wish_flags(tx, [first], Flag.FLAGGED, Flag(0), 1)
        write.wish_refused(tx, [first, second], "Over quota.")
        write.settle_refused(tx, [second], again=False, now=2)
    assert [row.problem for row in read.rows(box.store.reader(), [first, second])] == ["Over quota.", ""]
    with box.store.write() as tx:
        write.settle_refused(tx, [first, second], again=True, now=3)
    assert (box.shown(box.archive), box.shown(box.inbox)) == ([first], [second])
    [row] = read.rows(box.store.reader(), [first])
    assert (row.problem, row.flags) == ("", Flag.FLAGGED)


def test_a_folder_made_for_a_role_gives_way_to_the_server_s(box: Box) -> None:
    (one,) = box.add(1)
    with box.store.write() as tx:
        ours = write.put_folder(tx, box.account, "Spam", role=Role.JUNK, create=True)
        write.wish_move(tx, [one], ours, 1)
        [draft] = write.add_messages(tx, box.account, ours, [write.NewMessage(Envelope(), 1, 10, append=True)])
        mirror.give_way(tx, ours)
        assert mirror.waiting_for_list(tx, box.account) == {ours}  # nobody else has the role
        theirs = write.put_folder(tx, box.account, "Bulk", role=Role.JUNK)
        mirror.give_way(tx, ours)
    assert box.shown(theirs) == sorted([one, draft], reverse=True)
    assert read.folder(box.store.reader(), ours) is None
    assert box.counts(theirs) == (2, 2)


def test_undo_of_a_flag_leaves_other_flags_alone(box: Box) -> None:
    (one,) = box.add(1)
    with box.store.write() as tx:
        history.remember(tx, [one], "Starred", Flag.FLAGGED, 1)
        write.wish_flags(tx, [one], Flag.FLAGGED, Flag(0), 1)
        write.wish_flags(tx, [one], Flag.SEEN, Flag(0), 2)
    with box.store.write() as tx:
        history.undo(tx, None, 3)
    row = read.row(box.store.reader(), one)
    assert row is not None and row.flags == Flag.SEEN


def test_deleted_for_ever_is_not_shown_and_the_ledger_knows(box: Box) -> None:
    ids = box.add(1, 2)
    with box.store.write() as tx:
        write.wish_gone(tx, ids[:1], 1)
    assert box.shown(box.inbox) == [ids[1]] and box.counts(box.inbox) == (1, 1)
    with box.store.write() as tx:
        write.remove_messages(tx, ids[:1], Claim.DELETED, 10)
    assert box.store.reader().rows("SELECT id, claim FROM removal") == [(ids[0], "deleted")]
    with box.store.write() as tx:
        assert ledger.purgeable(tx, 10) == []
        assert ledger.purgeable(tx, 11 + KEEP_GONE_SECONDS) == [ids[0]]


def test_threads_join_whatever_the_order_of_arrival(box: Box) -> None:
    reply = box.add(1, message_id="c@x", references=("a@x", "b@x"))
    stray = box.add(2, message_id="d@x", references=("e@x",))
    root = box.add(3, message_id="a@x")
    link = box.add(4, message_id="e@x", references=("b@x",))
    threads = {row.thread_id for row in read.rows(box.store.reader(), [*reply, *stray, *root, *link])}
    assert len(threads) == 1
    assert len(read.thread(box.store.reader(), threads.pop())) == 4


def test_a_pull_that_saw_the_arrival_first_is_absorbed(box: Box) -> None:
    (one,) = box.add(1)
    with box.store.write() as tx:
        write.wish_move(tx, [one], box.archive, 1)
    with box.store.write() as tx:
        write.add_messages(tx, box.account, box.archive, [write.NewMessage(Envelope(subject="m1"), 1, 1, 50)])
    with box.store.write() as tx:
        write.moved(tx, one, box.archive, 50)
    assert box.shown(box.archive) == [one] and box.counts(box.archive) == (1, 1)


def test_removing_an_account_removes_its_mail(box: Box) -> None:
    ids = box.add(1, 2)
    with box.store.write() as tx:
        assert sorted(write.remove_account(tx, box.account)) == sorted(ids)
    reader = box.store.reader()
    assert [reader.value(f"SELECT count(*) FROM {table}") for table in ("account", "folder", "message")] == [0, 0, 0]


def test_a_commit_says_what_changed_and_a_rollback_nothing(box: Box) -> None:
    heard: list[Changes] = []
    box.store.on_commit = heard.append
    ids = box.add(1)
    assert heard[0].messages == set(ids) and heard[0].folders == {box.inbox}
    with pytest.raises(RuntimeError), box.store.write() as tx:
        write.wish_gone(tx, ids, 1)
        raise RuntimeError
    assert len(heard) == 1 and box.shown(box.inbox) == ids


def test_counters_equal_a_recount_after_random_acts(box: Box) -> None:
    import random

    rng = random.Random(7)
    ids = box.add(*range(1, 60))
    for step in range(300):
        some = rng.sample(ids, 5)
        with box.store.write() as tx:
            match rng.randrange(4):
                case 0:
                    write.wish_flags(tx, some, rng.choice([Flag.SEEN, Flag.FLAGGED]), Flag(0), step)
                case 1:
                    write.wish_flags(tx, some, Flag(0), Flag.SEEN, step)
                case 2:
                    write.wish_move(tx, some, rng.choice([box.inbox, box.archive, box.trash]), step)
                case _:
                    write.moved(tx, some[0], rng.choice([box.inbox, box.archive]), None)
    for folder in (box.inbox, box.archive, box.trash):
        sql = "SELECT count(*), coalesce(sum(shown_flags & 1 = 0), 0) FROM message WHERE shown_folder = ?"
        assert box.counts(folder) == box.store.reader().row(sql, folder)


def test_a_profile_of_the_first_version_keeps_what_was_chosen_for_pop3(tmp_path: Path) -> None:
    import apsw

    profile = Profile(tmp_path).create()
    connection = apsw.Connection(str(profile.cache_db))
    connection.execute(schema.CACHE_1 + "PRAGMA user_version = 1;")
    for name, leave in (("keeps", 1), ("empties", 0)):
        sql = "INSERT INTO account(name, email, incoming, leave_on_server) VALUES (?, 'a@example.org', 'pop3', ?)"
        connection.execute(sql, (name, leave))
    connection.execute("INSERT INTO uidl(account_id, uidl, message_id, at) VALUES (1, 'uid', 7, 8)")
    connection.close()
    store = Store(profile)
    assert [one.pop for one in read.accounts(store.reader())] == [PopOptions(), PopOptions(keep_days=0)]
    assert read.fetched(store.reader(), AccountId(1)) == {"uid": Fetched(MessageId(7), 8, b"", Ours.GONE)}
    store.close()


def test_a_newer_profile_is_refused(tmp_path: Path) -> None:
    Store(Profile(tmp_path)).close()
    import apsw

    connection = apsw.Connection(str(Profile(tmp_path).cache_db))
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    for opening in (lambda: Store(Profile(tmp_path)), lambda: open_reader(Profile(tmp_path))):
        with pytest.raises(MailError) as caught:
            opening()
        assert caught.value.code == "store-version"


def test_a_profile_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    import apsw

    profile = Profile(tmp_path).create()
    connection = apsw.Connection(str(profile.cache_db))
    connection.execute(f"BEGIN; {schema.CACHE_1}; PRAGMA user_version=1; COMMIT")
    connection.execute(
        "INSERT INTO account(name, email) VALUES ('home', 'maya@example.org');"
        "INSERT INTO folder(account_id, name, role, on_server) VALUES (1, 'INBOX', 'inbox', 7);"
        "INSERT INTO message(id, account_id, folder_id, uid, subject) VALUES (5, 1, 1, 3, 'kept');"
        "INSERT INTO removal(id, account_id, folder, uid, message_id, subject, at, reason)"
        " VALUES (4, 1, 'INBOX', 2, 'a@x', 'gone', 10, 'not on the server any more')"
    )
    connection.close()
    store = Store(profile)
    [account], [folder] = read.accounts(store.reader()), read.folders(store.reader())
    assert (account.policy, folder.policy, folder.state.left_there) == (EVERYTHING, None, 0)
    assert (folder.state.on_server, folder.total) == (7, 1)
    [entry] = ledger.entries(store.reader())
    assert (entry.reason, entry.claim, entry.restorable_until) == (
        "not on the server any more",
        "",
        10 + KEEP_GONE_SECONDS,
    )
    store.close()


def test_the_ledger_forgets_a_removed_account(tmp_path: Path) -> None:
    box = Box(Store(Profile(tmp_path)))
    [one, other] = box.add(1, 2, message_id="a@x")
    with box.store.write() as tx:
        write.remove_messages(tx, [one], Claim.VANISHED, 10)
    [entry] = ledger.entries(box.store.reader())
    assert (entry.id, entry.subject, entry.now_in, entry.restorable_until) == (one, "m1", ("INBOX",), 0)
    with box.store.write() as tx:
        write.remove_account(tx, box.account)
        assert sorted(ledger.unnamed(tx, [one, other])) == [one, other]
    assert ledger.entries(box.store.reader()) == []
    assert box.store.reader().value("SELECT count(*) FROM removal WHERE subject <> '' OR message_id <> ''") == 0
    box.store.close()


def test_raw_messages_come_back_byte_for_byte(tmp_path: Path) -> None:
    bodies = blobs.Bodies(Profile(tmp_path).create())
    raws = {1: b"", 2: b"a\r\n\0\xff" * 10, 3: b"x" * (blobs.BIG + 1)}
    places = bodies.put(list(raws.items()))
    assert places == {1: blobs.IN_DB, 2: blobs.IN_DB, 3: blobs.IN_FILE}
    bodies.train(
        [f"Subject: number {n}\r\nFrom: a{n}@example.org\r\n\r\nHello {n * 7}\r\n".encode() * 3 for n in range(400)]
    )
    bodies.put([(4, raws[2])])
    again = blobs.Bodies(Profile(tmp_path), readonly=True)
    assert {one: again.get(one) for one in (1, 2, 3, 4)} == {**raws, 4: raws[2]}
    bodies.delete([2, 3])
    assert again.get(2) is None and again.get(3) is None and again.get(99) is None
    again.close()
    bodies.close()


def test_what_lists_show_is_harmless(box: Box) -> None:
    (one,) = box.add(1, message_id="x@y", sender=(Address("Bank\u202egnp.exe", "a\u200b@b.example"),))
    row = read.row(box.store.reader(), one)
    assert row is not None
    assert "\u202e" not in row.sender[0].name
    assert "\u200b" not in row.sender[0].address


# -- copies of what is here


@pytest.mark.parametrize("here", [0, 500])
def test_copies_of_what_a_server_calls_all_the_same_are_found_in_one_pass(box: Box, here: int) -> None:
    """Every message has the same object id: neither the rows nor the work are their product."""
    waiting = box.add(*range(1, 2001))
    held = box.add(*range(3001, 3001 + max(here, 500)))
    other_size = held.pop()
    with box.store.write() as tx:
        tx.run("UPDATE message SET object_id = 'X'")
        tx.run("UPDATE message SET size = 7, has_body = 1 WHERE id = ?", other_size)
        tx.run("UPDATE message SET has_body = ? WHERE uid > 3000 AND size <> 7", int(here > 0))
    db = box.store.reader()
    with db.within(1_000_000):  # steps; a pair costs six at least
        found = mirror.copies_here(db, waiting)
    assert found == {one: [max(held)] for one in waiting if here}


def test_a_wish_taken_back_before_it_is_pushed_is_told_to_the_server(box: Box) -> None:
    """The engine may have died between the server's OK and our commit: the server has what nobody wants any more."""
    (one,) = box.add(1)
    with box.store.write() as tx:
        write.wish_flags(tx, [one], Flag.SEEN, Flag(0), 1)
        write.wish_flags(tx, [one], Flag(0), Flag.SEEN, 2)
    (wish,) = mirror.wishes(box.store.reader(), box.account)
    assert (wish.add, wish.remove) == (Flag(0), Flag.SEEN)
    with box.store.write() as tx:
        write.set_server_flags(tx, box.inbox, [(1, Flag.SEEN, ())])
    row = read.row(box.store.reader(), one)
    assert row is not None
    assert not row.flags & Flag.SEEN
    with box.store.write() as tx:
        write.flags_pushed(tx, [one], Flag(0), Flag.SEEN)
    assert mirror.wishes(box.store.reader(), box.account) == []


def test_what_is_done_to_a_row_that_gives_way_is_not_lost(box: Box) -> None:
    """A moved message was seen in its new folder before the move was known to be done: for a moment it has two rows."""
    (old,) = box.add(1)
    with box.store.write() as tx:
        write.wish_move(tx, [old], box.archive, 1)
        news = [write.NewMessage(Envelope(), 1_700_000_000, 100, 9, Flag.SEEN)]
        (new,) = write.add_messages(tx, box.account, box.archive, news)
        write.wish_flags(tx, [new], Flag.FLAGGED, Flag.SEEN, 2)
        write.moved(tx, old, box.archive, 9)
    (wish,) = mirror.wishes(box.store.reader(), box.account)
    assert (wish.id, wish.uid, wish.add, wish.remove, wish.target) == (old, 9, Flag.FLAGGED, Flag.SEEN, None)
    assert read.row(box.store.reader(), new) is None


def test_what_was_done_last_stands_also_when_it_is_pushed_already(box: Box) -> None:
    """The older row still wishes a flag that a person has taken off the newer one since."""
    (old,) = box.add(1)
    with box.store.write() as tx:
        write.wish_flags(tx, [old], Flag.SEEN, Flag(0), 1)
        write.wish_move(tx, [old], box.archive, 1)
        news = [write.NewMessage(Envelope(), 1_700_000_000, 100, 9, Flag.SEEN)]
        (new,) = write.add_messages(tx, box.account, box.archive, news)
        write.wish_flags(tx, [new], Flag(0), Flag.SEEN, 2)
        write.flags_pushed(tx, [new], Flag(0), Flag.SEEN)
        write.moved(tx, old, box.archive, 9)
    assert mirror.wishes(box.store.reader(), box.account) == []
    row = read.row(box.store.reader(), old)
    assert row is not None
    assert not row.flags & Flag.SEEN


def test_what_another_thread_is_reading_is_read_before_the_bodies_are_closed(tmp_path: Path) -> None:
    bodies = blobs.Bodies(Profile(tmp_path).create())
    bodies.put([(1, b"all of it")])
    reading, go_on = threading.Event(), threading.Event()

    def wait() -> bool:
        reading.set()
        return not go_on.wait(20)  # true would end the statement

    bodies._db.set_progress_handler(wait, 1)
    with ThreadPoolExecutor(2) as pool:
        found = pool.submit(bodies.get, 1)
        assert reading.wait(20)
        closed = pool.submit(bodies.close)
        with pytest.raises(TimeoutError):
            closed.result(0.05)
        go_on.set()
        assert found.result(20) == b"all of it"
        closed.result(20)


def test_a_store_is_closed_while_somebody_reads(tmp_path: Path) -> None:
    """A thread that nobody waits for, such as a look at a server's answer, may be reading when the engine ends."""
    store = Store(Profile(tmp_path))
    begun, go_on, seen = threading.Event(), threading.Event(), list[int]()

    def stay() -> int:
        begun.set()
        assert go_on.wait(60)
        return 7

    def look() -> None:
        reader = store.reader()
        reader.connection.create_scalar_function("stay", stay, 0)
        seen.append(reader.value("SELECT stay()"))

    thread = threading.Thread(target=look)
    thread.start()
    assert begun.wait(60)
    store.close()
    go_on.set()
    thread.join(60)
    assert seen == [7]
