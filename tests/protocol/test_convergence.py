"""Convergence: the engine's own pull, push and store against a simulated server, under whatever may happen.

Mail arrives, another client reads, moves and deletes, the person acts, folders are numbered anew, connections break at
every place, before and after a command's effect.  In the end store and server are the same, nothing that nobody deleted
is gone, nothing is there twice, and one more round changes nothing.
"""

import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retrieval import Desk
from simulation import ABILITIES, SimConnection, SimServer

from mua.engine.bodies import fetch_bodies
from mua.engine.pull import pull_folder, pull_folders
from mua.engine.push import push
from mua.engine.reading import Whole, file_whole
from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.model.message import Flag
from mua.model.policy import EVERYTHING, Keep, Policy
from mua.net.imap_answers import Woken
from mua.plan.sync import DAY
from mua.store import mirror, read, write

NOW = 1_800_000_000
FOLDERS = ("INBOX", "Archive", "Trash")
NAMES = {Flag.SEEN: "\\Seen", Flag.FLAGGED: "\\Flagged"}

number = st.integers(0, 30)
HAPPENINGS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), number, number),
        st.tuples(st.sampled_from(["flag_there", "expunge_there", "move_there"]), number, number),
        st.tuples(st.sampled_from(["flag_here", "move_here", "delete_here", "write_here"]), number, number),
        st.tuples(st.just("renumber"), number, number),
        st.tuples(st.just("sync"), number, number),
    ),
    max_size=25,
)


class World:
    """One server, one store, and the books: what exists, and what somebody deleted."""

    def __init__(self, root: Path, abilities: Iterable[str], policy: Policy) -> None:
        self.server = SimServer(*FOLDERS, abilities=frozenset(abilities))
        self.desk = Desk(root, Server("sim.example.org", 143, Security.TLS, "ann"), "x")
        self.desk.context.now = lambda: NOW
        self.shared = self.desk.worker.shared
        self.deleted: set[str] = set()
        self.made: set[str] = set()
        self.pending: list[tuple[str, int, int]] = []
        self.letters = itertools.count(1)
        with self.desk.store.write() as tx:
            write.set_policy(tx, self.desk.account.id, None, policy)

    # -- what happens there

    def arrive(self, a: int, b: int) -> None:
        received = NOW - (a * b % 90) * DAY
        self.made.add(self.server.deliver(FOLDERS[a % 3], f"mid{b % 7}@example.org", received, b % 3))

    def _there(self, a: int, b: int) -> tuple[str, int] | None:
        name = FOLDERS[a % 3]
        uids = sorted(self.server.folders[name].mail)
        return (name, uids[b % len(uids)]) if uids else None

    def flag_there(self, a: int, b: int) -> None:
        if found := self._there(a, b):
            box, flag = self.server.folders[found[0]], list(NAMES.values())[b % 2]
            had = flag in box.mail[found[1]].flags
            box.flag(found[1], () if had else (flag,), (flag,) if had else ())

    def expunge_there(self, a: int, b: int) -> None:
        if found := self._there(a, b):
            self.deleted.add(self.server.folders[found[0]].take(found[1]).key)

    def move_there(self, a: int, b: int) -> None:
        if found := self._there(a, b):
            self.server.folders[FOLDERS[(a + 1) % 3]].add(self.server.folders[found[0]].take(found[1]))

    def renumber(self, a: int, _b: int) -> None:
        self.server.folders[FOLDERS[a % 3]].renumber(next(self.server.numbers) + 1000)

    # -- what the person does

    def _shown(self, a: int, b: int) -> int | None:
        folder = read.folder_named(self.desk.store.reader(), self.desk.account.id, FOLDERS[a % 3])
        ids = list(read.folder_order(self.desk.store.reader(), folder.id)) if folder else []
        return ids[b % len(ids)] if ids else None

    def flag_here(self, a: int, b: int) -> None:
        if (one := self._shown(a, b)) is not None:
            flag = list(NAMES)[b % 2]
            row = read.row(self.desk.store.reader(), one)
            assert row is not None
            add, remove = (Flag(0), flag) if row.flags & flag else (flag, Flag(0))
            with self.desk.store.write() as tx:
                write.wish_flags(tx, [one], add, remove, NOW)

    def move_here(self, a: int, b: int) -> None:
        target = read.folder_named(self.desk.store.reader(), self.desk.account.id, FOLDERS[b % 3])
        if (one := self._shown(a, b)) is not None and target is not None:
            with self.desk.store.write() as tx:
                write.wish_move(tx, [one], target.id, NOW)

    def delete_here(self, a: int, b: int) -> None:
        if (one := self._shown(a, b)) is not None:
            row = read.row(self.desk.store.reader(), one)
            assert row is not None
            self.deleted.add(row.subject)
            with self.desk.store.write() as tx:
                write.wish_gone(tx, [one], NOW)

    def write_here(self, a: int, _b: int) -> None:
        folder = read.folder_named(self.desk.store.reader(), self.desk.account.id, FOLDERS[a % 3])
        if folder is None:
            return
        key = f"own{next(self.letters)}"
        raw = f"From: ann@example.org\r\nSubject: {key}\r\nMessage-ID: <{key}@example.org>\r\n\r\nx\r\n".encode()
        self.made.add(key)
        with self.desk.store.write() as tx:
            file_whole(self.desk.context, tx, self.desk.account.id, folder.id, [Whole(raw, NOW)], append=True)

    # -- synchronising

    def sync(self, a: int, b: int) -> None:
        """A round whose connection breaks somewhere, while more happens between its units."""
        connection = SimConnection(self.server, cut=a, late=bool(b % 2), ahead=1 + b % 3)
        with suppress(MailError):
            self.round(connection)

    def round(self, connection: SimConnection) -> None:
        for folder in push(self.shared, connection):
            self._pull(connection, folder)
        pull_folders(self.shared, connection)
        for folder in self.shared.folders():
            self._pull(connection, folder)
        for folder in self.shared.folders():
            for _ in fetch_bodies(self.shared, connection, folder):
                self._meanwhile(connection)

    def _pull(self, connection: SimConnection, folder) -> None:
        try:
            for _ in pull_folder(self.shared, connection, folder):
                self._meanwhile(connection)
        except MailError as error:
            if error.kind is not Kind.FOLDER:
                raise

    def _meanwhile(self, connection: SimConnection) -> None:
        if self.pending and self.pending[0][0] != "sync":
            what, a, b = self.pending.pop(0)
            getattr(self, what)(a, b)
            connection.news.add("EXISTS")

    def play(self, happenings: list[tuple[str, int, int]]) -> None:
        self.pending = list(happenings)
        while self.pending:
            what, a, b = self.pending.pop(0)
            getattr(self, what)(a, b)

    def settle(self, rounds: int = 4) -> None:
        for _ in range(rounds):
            self.round(SimConnection(self.server))

    # -- the books

    def rows(self, name: str) -> dict[int, tuple[str, int]]:
        sql = "SELECT uid, subject, flags FROM message WHERE folder_id = ?"
        found = self.desk.store.reader().rows(sql, self.desk.folder(name).id)
        assert all(row[0] is not None for row in found), found
        return {row[0]: (row[1], row[2] & 5) for row in found}

    def there(self, name: str, since: int = 0) -> dict[int, tuple[str, int]]:
        box = self.server.folders[name]
        return {
            uid: (one.key, sum(int(bit) for bit, flag in NAMES.items() if flag in one.flags))
            for uid, one in box.mail.items()
            if one.received >= since
        }


@contextmanager
def world(abilities: Iterable[str] = ABILITIES, policy: Policy = EVERYTHING) -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="mua-world-") as root:
        made = World(Path(root), abilities, policy)
        try:
            yield made
        finally:
            made.desk.close()


KINDS = [ABILITIES, ABILITIES - {"QRESYNC"}, ABILITIES - {"QRESYNC", "CONDSTORE", "MOVE"}]


UPLOADS = [  # into a folder that was never pulled, cut before or after its effect, and then numbered anew
    [("arrive", 1, 0), ("sync", 1, 0), ("write_here", 1, 0), ("sync", cut, late), ("renumber", 1, 0)]
    for cut in (1, 2, 3)
    for late in (0, 1)
]


@pytest.mark.parametrize("happenings", UPLOADS)
def test_an_upload_meets_a_new_numbering(happenings):
    with world() as here:
        here.play(happenings)
        here.settle()
        assert here.rows("Archive") == here.there("Archive")
        assert set(Counter(here.server.keys()).values()) == {1}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(HAPPENINGS, st.sampled_from(KINDS))
def test_whatever_happens_both_sides_come_to_be_the_same(happenings, abilities):
    with world(abilities) as here:
        here.play(happenings)
        here.settle()
        for name in FOLDERS:
            assert here.rows(name) == here.there(name)
        assert not mirror.wishes(here.desk.store.reader(), here.desk.account.id)
        counted = Counter(here.server.keys())
        assert not {key: times for key, times in counted.items() if times > 1}
        assert here.made - here.deleted <= set(counted)
        before, ids = here.server.snapshot(), [list(here.desk.shown(name)) for name in FOLDERS]
        here.round(SimConnection(here.server))
        assert here.server.snapshot() == before
        assert [list(here.desk.shown(name)) for name in FOLDERS] == ids


@settings(max_examples=30, deadline=None, derandomize=True)
@given(HAPPENINGS, st.sampled_from(KINDS))
def test_what_a_policy_leaves_there_is_counted_and_the_rest_is_here(happenings, abilities):
    with world(abilities, Policy(Keep.DAYS, 30)) as here:
        here.play(happenings)
        here.settle()
        for name in FOLDERS:
            rows, there = here.rows(name), here.there(name)
            assert rows.items() <= there.items()
            assert here.there(name, NOW - 30 * DAY).items() <= rows.items()
            assert here.desk.folder(name).state.left_there == len(there) - len(rows)
        assert here.made - here.deleted <= set(here.server.keys())


def test_mail_of_one_message_id_size_and_second_is_not_mistaken_for_the_other_when_it_is_numbered_anew():
    with world() as here:
        here.play([("arrive", 0, 0), ("arrive", 3, 0)])
        here.settle(1)
        before = here.desk.shown("INBOX")
        here.renumber(0, 0)
        here.settle(2)
        assert here.desk.shown("INBOX") == before
        assert here.rows("INBOX") == here.there("INBOX")


@pytest.mark.parametrize(
    "abilities, again", [(ABILITIES, True), (ABILITIES | {"OBJECTID"}, False)], ids=["-", "OBJECTID"]
)
def test_what_is_here_in_another_folder_is_not_fetched_again(abilities, again):
    """What another client moved or copied; without OBJECTID nothing tells that the bytes are the same."""
    with world(abilities) as here:
        here.play([("arrive", 0, number) for number in range(6)])
        here.settle(1)
        assert here.server.handed_out == 6
        box, other, third = (here.server.folders[name] for name in FOLDERS)
        uids = sorted(box.mail)
        other.add(box.take(uids[0]))
        third.add(replace(box.mail[uids[1]]))
        box.mail[uids[2]].raw += b"longer than its twin\r\n"
        other.add(box.take(uids[2]))  # the same name for other bytes: not believed
        here.settle(2)
        assert (here.server.handed_out == 7) is not again
        for name, there in zip(FOLDERS, (box, other, third), strict=True):
            assert {uid: raw for uid, (raw, _) in here.desk.mirrored(name).items()} == {
                uid: one.raw for uid, one in there.mail.items()
            }
        assert {row.size for row in read.rows(here.desk.store.reader(), list(here.desk.shown(FOLDERS[2])))} == {
            len(one.raw) for one in third.mail.values()
        }


def test_a_poke_that_comes_while_a_busy_server_is_made_to_wait_is_not_lost():
    with world() as here:
        here.settle(1)
        worker = here.desk.worker
        worker._turns.extend([time.monotonic()] * 20)
        worker.poke()
        assert worker._idle(SimConnection(here.server), here.desk.folder("INBOX")) is Woken.POKE


@pytest.mark.parametrize("abilities", [ABILITIES, ABILITIES - {"MOVE"}], ids=["MOVE", "COPY"])
def test_a_cut_at_every_command_before_and_after_its_effect(abilities):
    for late in (False, True):
        for cut in range(60):
            with world(abilities) as here:
                here.play([("arrive", number, number) for number in range(9)])
                here.settle(1)
                acts = [("move_here", 0, 1), ("flag_here", 1, 0), ("delete_here", 2, 0), ("write_here", 2, 0)]
                here.play([*acts, ("arrive", 0, 0), ("move_there", 0, 0)])
                connection = SimConnection(here.server, cut, late)
                with suppress(MailError):
                    here.round(connection)
                here.settle(2)
                for name in FOLDERS:
                    assert here.rows(name) == here.there(name), (cut, late, name)
                counted = Counter(here.server.keys())
                assert set(counted.values()) <= {1}, (cut, late)
                assert here.made - here.deleted <= set(counted), (cut, late)
                if connection._left > 0:
                    break


def test_headers_are_committed_in_ever_larger_parts_and_what_came_before_a_break_stays(monkeypatch):
    parts = list[int]()
    add = write.add_messages

    def noted(tx, account_id, folder_id, messages):
        parts.append(len(messages))
        return add(tx, account_id, folder_id, messages)

    with world() as here:
        for number in range(5000):
            here.server.deliver("INBOX", f"{number}@example.org", NOW)
        monkeypatch.setattr(write, "add_messages", noted)
        connection = SimConnection(here.server, ahead=4)
        pull_folders(here.shared, connection)
        inbox = here.desk.folder("INBOX")
        coming = pull_folder(here.shared, connection, inbox)
        next(coming)
        assert parts == [50]  # a screenful, before anything else
        while sum(parts) < 3000:
            next(coming)
        before = sum(parts)
        next(coming)
        assert sum(parts) == before  # more has come, and waits for its transaction
        with pytest.raises(MailError):
            coming.throw(MailError(Kind.CONNECTION, Retry.SOON, "The line broke."))
        assert mirror.stored(here.desk.store.reader(), inbox.id) == sum(parts) == before + 200
        here.settle(1)
        assert mirror.stored(here.desk.store.reader(), inbox.id) == 5000
        assert max(parts) >= 400 and parts[1] == 200


def test_a_policy_that_is_chosen_while_the_folder_is_pulled_counts():
    with world(policy=Policy(Keep.DAYS, 30)) as here:
        here.play([("arrive", 9 * (number % 2), 3 + number) for number in range(12)])
        connection = SimConnection(here.server)
        pull_folders(here.shared, connection)
        coming = pull_folder(here.shared, connection, here.desk.folder("INBOX"))
        next(coming)
        with here.desk.store.write() as tx:
            write.set_policy(tx, here.desk.account.id, None, EVERYTHING)
        for _ in coming:
            pass
        assert here.rows("INBOX") != here.there("INBOX")
        here.settle(1)
        assert here.rows("INBOX") == here.there("INBOX")
