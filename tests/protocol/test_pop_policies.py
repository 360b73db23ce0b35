"""What becomes of mail on a POP3 server, how it is known again, and whose inbox it goes into."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from maildrop import Maildrop
from pop_house import NOW, House, houses, letter, letters

from mua import wire
from mua.engine import landing, pop_visit
from mua.errors import Kind, MailError
from mua.model.account import Account, AccountId, PopOptions
from mua.model.folder import Role
from mua.store import read, write

DAY = 86_400


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    with houses(tmp_path) as make:
        yield make


# --- deleted there, and when ------------------------------------------------------------------------------------


def test_mail_is_deleted_there_days_after_it_was_fetched(house: Callable[..., House]) -> None:
    with Maildrop(letters(2)) as drop:
        home = house(drop.port, pop=PopOptions(keep_days=14))
        home.now = NOW
        worker = home.start()
        assert worker.sync(complete=True) == []
        drop.messages["uid-3"] = letter(3)
        home.now = NOW + 14 * DAY - 1
        assert worker.sync(complete=True) == []
        assert list(drop.messages) == ["uid-1", "uid-2", "uid-3"]
        home.now += 1
        assert worker.sync(complete=True) == []
        assert list(drop.messages) == ["uid-3"]
        assert home.inbox() == [letter(1), letter(2), letter(3)]


def test_what_is_deleted_here_is_deleted_there(house: Callable[..., House]) -> None:
    mail = letters(5)
    with Maildrop(mail) as drop:
        home = house(drop.port, pop=PopOptions(delete_with_ours=True))
        worker = home.start()
        assert worker.sync(complete=True) == []
        assert drop.messages == mail
        ids = home.ids()
        home.move(ids["uid-1"], Role.TRASH)
        home.delete(ids["uid-2"])
        home.move(ids["uid-3"], Role.ARCHIVE)
        home.move(ids["uid-4"], Role.TRASH)
        home.move(ids["uid-4"], Role.INBOX)  # taken back before the server heard of it
        assert worker.sync(complete=True) == []
        assert list(drop.messages) == ["uid-3", "uid-4", "uid-5"]
        assert worker.sync(complete=True) == []
        assert len(drop.retrieved) == 5
        assert home.raws(home.folder(Role.TRASH)) == [letter(1)], "it can still be taken out of the trash"


def test_left_there_what_is_deleted_here_stays_there_and_does_not_come_back(house: Callable[..., House]) -> None:
    mail = letters(3)
    with Maildrop(mail) as drop:
        home = house(drop.port)
        worker = home.start()
        assert worker.sync(complete=True) == []
        home.delete(home.ids()["uid-2"])
        assert worker.sync(complete=True) == []
        assert drop.messages == mail
        assert len(drop.retrieved) == 3
        assert home.inbox() == [letter(1), letter(3)]


def test_bytes_that_changed_on_our_disk_are_not_a_copy(house: Callable[..., House]) -> None:
    with Maildrop(letters(2)) as drop:
        home = house(drop.port)
        assert home.start().sync(complete=True) == []
        home.bodies.put([(home.ids()["uid-1"], letter(1)[:-3])], durable=True)
        assert home.restart(pop=PopOptions(keep_days=0)).sync(complete=True) == []
        assert list(drop.messages) == ["uid-1"]


@pytest.mark.parametrize("end", ["forget", "half"])
def test_deletions_that_the_server_did_not_carry_out_are_asked_for_again(house: Callable[..., House], end: str) -> None:
    mail = letters(4)
    with Maildrop(mail) as drop:
        home = house(drop.port, pop=PopOptions(keep_days=0))
        worker = home.start()
        drop.at_quit = end
        (problem,) = worker.sync(complete=True)
        assert (problem.code, problem.kind) in (("connection-lost", Kind.CONNECTION), ("not-deleted", Kind.FOLDER))
        assert drop.messages
        drop.at_quit = "update"
        assert worker.sync(complete=True) == []
        assert drop.messages == {}
        assert len(drop.retrieved) == 4, "nothing is fetched again"
        assert home.inbox() == list(mail.values())


# --- cut at every octet -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", range(4))
def test_cut_at_every_octet_of_a_session_with_two_messages(house: Callable[..., House], share: int) -> None:
    """From the greeting to the answer to QUIT, the update state in doubt included; then a clean session.

    Each fourth octet is one test's share.
    """
    with Maildrop({}) as drop:
        home = house(drop.port, pop=PopOptions(keep_days=0))

        def fresh(cut: int) -> list[bytes]:
            """Two messages, and a session that is as long as every other."""
            raws = [letter(1000 + 2 * cut, 5), letter(1001 + 2 * cut, 5)]
            drop.messages |= {f"a-{cut:04}": raws[0], f"b-{cut:04}": raws[1]}
            return raws

        expected = fresh(0)
        assert home.visit() == []
        whole = drop.sent
        assert drop.commands[-5:] == ["RETR 2", "RETR 1", "DELE 1", "DELE 2", "QUIT"]
        last_heard, in_doubt = set(), 0
        for cut in range(1 + share, whole, 4):
            expected += fresh(cut)
            drop.cut_after = cut
            with pytest.raises(MailError) as caught:
                home.visit()
            assert caught.value.code == "connection-lost"
            last_heard.add(drop.commands[-1].split()[0])
            in_doubt += not drop.messages
            stored, before = set(home.ids()), len(drop.retrieved)
            drop.cut_after = None
            assert home.visit() == [], cut
            assert drop.messages == {}, cut
            assert not stored & set(drop.retrieved[before:]), "what has a row is not fetched again"
        assert last_heard >= {"CAPA", "USER", "PASS", "LIST", "UIDL", "RETR", "DELE", "QUIT"}
        assert in_doubt, "deleted, and the answer to QUIT was lost"
        assert sorted(home.inbox()) == sorted(expected)


# --- how a message is known again -------------------------------------------------------------------------------


def test_a_server_that_moved_gives_new_ids_and_nothing_comes_twice(house: Callable[..., House]) -> None:
    mail = letters(4)
    twins = {"twin": letter(9), "twin-2": letter(9)}
    with Maildrop(mail | twins) as drop:
        home = house(drop.port)
        worker = home.start()
        assert worker.sync(complete=True) == []
        home.delete(home.ids()["uid-2"])
        before = home.inbox()
        assert before.count(letter(9)) == 2, "two copies are two messages"
        drop.messages = {f"moved-{uid}": raw for uid, raw in drop.messages.items()}
        drop.messages["new"] = letter(5)
        assert worker.sync(complete=True) == []
        assert sorted(home.inbox()) == sorted([*before, letter(5)])
        fetched = len(drop.retrieved)
        assert worker.sync(complete=True) == []
        assert len(drop.retrieved) == fetched


def inbox_note(home: House) -> str:
    return home.folder().problem


@pytest.mark.parametrize("kind", ["no UIDL", "numbers", "twins", "no TOP either"])
def test_a_server_whose_ids_tell_nothing_apart(house: Callable[..., House], kind: str) -> None:
    """Old mail is deleted and new mail takes its numbers and its ids: nothing is missed, and a person is told."""
    with Maildrop({}, uids=kind not in ("no UIDL", "no TOP either")) as drop:
        drop.numbers_as_uids, drop.top = kind == "numbers", kind != "no TOP either"
        name = (lambda n: f"same#{n}") if kind == "twins" else str
        drop.messages = {name(n): letter(n) for n in range(1, 5)}
        home = house(drop.port)
        worker = home.start()
        assert worker.sync(complete=True) == []
        assert inbox_note(home).startswith("This server gives its messages no unique ids")
        del drop.messages[name(1)], drop.messages[name(3)]
        drop.messages |= {name(7): letter(7), name(8): letter(8)}
        assert worker.sync(complete=True) == []
        assert home.inbox() == [letter(n) for n in (1, 2, 3, 4, 7, 8)]
        drop.uids, drop.numbers_as_uids = True, False
        drop.messages = {f"real-{uid.replace('#', '')}": raw for uid, raw in drop.messages.items()}
        assert worker.sync(complete=True) == []
        assert home.inbox() == [letter(n) for n in (1, 2, 3, 4, 7, 8)], "it has learnt UIDL meanwhile"
        assert inbox_note(home) == ""


def test_a_server_that_forgets_its_unique_ids_for_a_while_sends_nothing_twice(house: Callable[..., House]) -> None:
    mail = letters(3)
    with Maildrop(mail) as drop:
        home = house(drop.port)
        worker = home.start()
        assert worker.sync(complete=True) == []
        drop.uids = False
        assert worker.sync(complete=True) == []
        drop.uids = True
        assert worker.sync(complete=True) == []
        assert home.inbox() == list(mail.values())


# --- messages that make trouble ---------------------------------------------------------------------------------


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_message_that_ends_every_session_keeps_no_other_away(house: Callable[..., House], pipelining: bool) -> None:
    mail = letters(4)
    with Maildrop(mail, pipelining=pipelining) as drop:
        home = house(drop.port, pop=PopOptions(keep_days=0))
        home.now = NOW
        worker = home.start()
        drop.deadly = {"uid-4"}  # the newest: it would be asked for first, for ever
        for _ in range(4):
            worker.sync(complete=True)
        assert worker.sync(complete=True) == []
        assert home.inbox() == list(mail.values())[:3]
        assert list(drop.messages) == ["uid-4"]
        assert "1 message could not be fetched" in inbox_note(home)
        home.now += pop_visit.STUCK_SECONDS
        drop.deadly = set()
        assert worker.sync(complete=True) == []
        assert home.inbox() == list(mail.values())
        assert worker.sync(complete=True) == []
        assert inbox_note(home) == ""


def test_large_messages_go_to_a_file_and_leave_nothing_else(house: Callable[..., House]) -> None:
    mail = {"big": letter(1, 3_000_000), "refused": letter(2, 2_000_000), "small": letter(3)}
    with Maildrop(mail) as drop:
        home = house(drop.port, pop=PopOptions(keep_days=0))
        drop.refuse = {"refused"}
        worker = home.start()
        worker.sync(complete=True)
        drop.cut_after = 1_800_000
        drop.refuse = set()
        worker.sync(complete=True)
        drop.cut_after = None
        assert worker.sync(complete=True) == []
        assert home.inbox() == list(mail.values())
        assert drop.messages == {}
    big = home.store.profile.big
    assert sorted(path.name for path in big.iterdir()) == sorted(f"{home.ids()[uid]}.eml" for uid in ("big", "refused"))
    row = read.row(home.store.reader(), home.ids()["big"])
    assert row is not None
    assert (row.size, row.subject) == (len(mail["big"]), "letter 1")


def test_a_landing_keeps_a_beginning_in_memory_and_no_more(tmp_path: Path) -> None:
    one = landing.Landing(tmp_path)
    for _ in range(64):
        one.write(b"x" * (1 << 16))
    one.land()
    assert (one.size, len(one.raw)) == (4 << 20, landing.HEAD)
    one.close()
    assert list(tmp_path.iterdir()) == []


def test_a_hundred_thousand_messages_are_compared_in_no_time(house: Callable[..., House]) -> None:
    """Against a tenth of that, in processor time: only a quadratic comparison would fail."""

    def seconds(count: int) -> float:
        mail = {f"uid-{n}": b"" for n in range(count)}
        with Maildrop(mail) as drop:
            home = house(drop.port)
            home.now = NOW
            with home.store.write() as tx:
                write.put_folder(tx, home.account.id, "INBOX", role=Role.INBOX, local=True)
                tx.run(
                    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 - 1)"
                    " INSERT INTO uidl(account_id, uidl, message_id, at) SELECT ?2, 'uid-' || i, i + 1, ?3 FROM n",
                    count, home.account.id, NOW,
                )  # fmt: skip
            home.account = replace(home.account, pop=PopOptions(keep_days=30))
            drop.messages["new"] = letter(1)
            began = time.thread_time()
            assert home.visit() == []
            took = time.thread_time() - began
            assert home.inbox() == [letter(1)]
            assert drop.retrieved == ["new"]
            return took

    assert seconds(100_000) < 30 * (seconds(10_000) + 0.05)


# --- several accounts, one inbox --------------------------------------------------------------------------------


def other_account(home: House, name: str, **changes: object) -> AccountId:
    with home.store.write() as tx:
        made = write.add_account(tx, Account(AccountId(0), name, f"{name}@example.org", **changes))  # type: ignore[arg-type]
        write.put_folder(tx, made, "INBOX", role=Role.INBOX, local=True)
    return made


def test_mail_goes_into_the_inbox_of_another_account(house: Callable[..., House]) -> None:
    with Maildrop(letters(2)) as drop:
        home = house(drop.port)
        local = other_account(home, "here")
        worker = home.restart(pop=PopOptions(inbox_of=local))
        assert worker.sync(complete=True) == []
        assert home.inbox() == []
        assert home.raws(home.folder(account=local)) == [letter(1), letter(2)]
        row = read.row(home.store.reader(), home.ids()["uid-1"])
        assert row is not None
        assert row.account_id == local, "acts find the folders of the account that has it"
        assert home.folder().state.on_server == 2
        assert worker.sync(complete=True) == []
        assert len(drop.retrieved) == 2


def test_when_that_account_is_removed_the_mail_comes_into_the_own_inbox(house: Callable[..., House]) -> None:
    mail = letters(2)
    with Maildrop(mail) as drop:
        home = house(drop.port)
        local = other_account(home, "here")
        worker = home.restart(pop=PopOptions(inbox_of=local, delete_with_ours=True))
        assert worker.sync(complete=True) == []
        with home.store.write() as tx:
            home.bodies.delete(write.remove_account(tx, local))
        assert worker.sync(complete=True) == []
        assert drop.messages == mail, "nobody wished that it is deleted there"
        assert home.inbox() == list(mail.values())
        stored = read.account(home.store.reader(), home.account.id)
        assert stored is not None
        assert stored.pop == PopOptions(delete_with_ours=True)
    assert not [event for event in home.events if isinstance(event, wire.Status) and event.state is wire.State.PROBLEM]
