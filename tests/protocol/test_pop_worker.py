"""One POP3 account against a server: each message once, newest first, nothing deleted that is not safe."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from maildrop import Maildrop
from pop_house import House, houses, letter, letters

from mua import wire
from mua.engine import pop_visit, pop_worker
from mua.engine.pop_visit import arrival
from mua.errors import Kind
from mua.mime.scan import split_fields
from mua.model.account import PopOptions
from mua.model.folder import Role
from mua.model.ledger import Claim
from mua.store import read, write


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Callable[..., House]]:
    with houses(tmp_path) as make:
        yield make


def test_everything_comes_once_newest_first_and_stays(house: Callable[..., House]) -> None:
    mail = letters(70)
    with Maildrop(mail) as drop:
        home = house(drop.port)
        worker = home.start()
        assert worker.sync(complete=True) == []
        assert home.inbox() == list(mail.values())
        assert drop.retrieved == list(reversed(mail))
        assert worker.sync(complete=True) == []
        assert len(drop.retrieved) == 70, "nothing is fetched again"
        assert drop.messages == mail
        drop.messages["uid-new"] = letter(71)
        assert worker.sync(complete=False) == []
        assert home.inbox() == [*mail.values(), letter(71)]
    folder = read.folder_with_role(home.store.reader(), home.account.id, Role.INBOX)
    assert folder is not None
    assert (folder.total, folder.with_body, folder.state.on_server, folder.name) == (71, 71, 71, "INBOX")
    progress = [event for event in home.events if isinstance(event, wire.Progress)]
    assert (progress[0].done, progress[0].total) == (1, 70), "the newest one is shown at once"


def test_without_pipelining(house: Callable[..., House]) -> None:
    with Maildrop(letters(5), pipelining=False) as drop:
        home = house(drop.port)
        assert home.start().sync(complete=True) == []
        assert len(home.inbox()) == 5


def test_a_server_without_unique_ids(house: Callable[..., House]) -> None:
    with Maildrop(letters(3), uids=False) as drop:
        home = house(drop.port)
        worker = home.start()
        assert worker.sync(complete=True) == []
        del drop.messages["uid-1"]  # the numbers move
        drop.messages["uid-9"] = letter(9)
        assert worker.sync(complete=True) == []
        assert home.inbox() == [letter(1), letter(2), letter(3), letter(9)]
        assert drop.retrieved == ["uid-3", "uid-2", "uid-1", "uid-9"]


def test_unequal_messages_with_equal_unique_ids(house: Callable[..., House]) -> None:
    with Maildrop({"same": letter(1), "same#2": letter(2), "other": letter(3)}) as drop:
        home = house(drop.port)
        worker = home.start()
        assert worker.sync(complete=True) == []
        assert worker.sync(complete=True) == []
        assert home.inbox() == [letter(1), letter(2), letter(3)]


def test_large_messages_and_strange_ones(house: Callable[..., House]) -> None:
    strange = {
        "big": letter(1, 3_000_000),
        "empty": b"",
        "no header": b"\r\njust text\r\n",
        "octets": bytes(range(1, 10)) + bytes(range(11, 13)) + bytes(range(14, 256)) + b"\r\n",
        "one long line": b"Subject: x\r\n\r\n" + b"y" * 200_000 + b"\r\n",
    }
    with Maildrop(strange) as drop:
        home = house(drop.port)
        assert home.start().sync(complete=True) == []
        assert sorted(home.inbox()) == sorted(strange.values())


def test_deleted_on_the_server_only_when_safe_here(house: Callable[..., House]) -> None:
    mail = letters(10)
    with Maildrop(mail) as drop:
        home = house(drop.port, pop=PopOptions(keep_days=0))
        drop.refuse = {"uid-4"}
        worker = home.start()
        problems = worker.sync(complete=True)
        assert [problem.code for problem in problems] == ["message-refused"]
        assert list(drop.messages) == ["uid-4"], "what could not be fetched is not deleted"
        assert home.problem() == "", "one message in trouble is no trouble of the account"
        drop.refuse = set()
        assert worker.sync(complete=True) == []
        assert drop.messages == {}
        assert sorted(home.inbox()) == sorted(mail.values())


def test_what_cannot_be_read_back_is_not_deleted(house: Callable[..., House]) -> None:
    mail = letters(2)
    with Maildrop(mail) as drop:
        home = house(drop.port)
        worker = home.start()
        assert worker.sync(complete=True) == []
        uids = read.uidls(home.store.reader(), home.account.id)
        home.bodies.delete([uids["uid-1"]])
        assert home.restart(pop=PopOptions(keep_days=0)).sync(complete=True) == []
        assert list(drop.messages) == ["uid-1"]


def test_a_message_deleted_here_is_not_fetched_again(house: Callable[..., House]) -> None:
    with Maildrop(letters(3)) as drop:
        home = house(drop.port)
        worker = home.start()
        worker.sync(complete=True)
        uids = read.uidls(home.store.reader(), home.account.id)
        with home.store.write() as tx:
            write.remove_messages(tx, [uids["uid-2"]], Claim.DELETED, 1_800_000_000)
        assert worker.sync(complete=True) == []
        assert home.inbox() == [letter(1), letter(3)]
        assert len(drop.retrieved) == 3


@pytest.mark.parametrize("told", [50_000, 7], ids=["told", "lied about"])
def test_a_message_that_is_too_big_stays_and_stops_nobody(
    house: Callable[..., House], monkeypatch: pytest.MonkeyPatch, told: int
) -> None:
    monkeypatch.setattr(pop_visit, "MAX_MESSAGE", 20_000)
    mail = letters(2) | {"big": letter(3, 50_000)} | {"last": letter(4)}
    with Maildrop(mail) as drop:
        drop.sizes = {"big": told}
        home = house(drop.port, pop=PopOptions(keep_days=0))
        worker = home.start()
        worker.sync(complete=True)
        assert worker.sync(complete=True) == []
        assert home.inbox() == [letter(1), letter(2), letter(4)]
        assert list(drop.messages) == ["big"]
    folder = read.folder_with_role(home.store.reader(), home.account.id, Role.INBOX)
    assert folder is not None
    assert folder.problem.startswith("1 message larger than")
    assert home.problem() == ""


def test_what_the_body_says_is_no_header(house: Callable[..., House]) -> None:
    body = b"Subject: a lie\r\nTo: nobody@example.org\r\nDate: Mon, 2 Nov 1998 10:00:00 +0000\r\n"
    raw = b"From: a@example.org\r\n\r\n" + body
    with Maildrop({"one": raw}) as drop:
        home = house(drop.port)
        assert home.start().sync(complete=True) == []
    (uid,) = read.uidls(home.store.reader(), home.account.id).values()
    row = read.row(home.store.reader(), uid)
    assert row is not None
    assert (row.subject, row.to, row.has_body, row.size) == ("", (), True, len(raw))
    assert row.snippet.startswith("Subject: a lie")
    assert row.date > NOW - 400 * 86400


def test_bytes_that_were_lost_here_are_fetched_once_more(house: Callable[..., House]) -> None:
    mail = letters(3)
    with Maildrop(mail) as drop:
        home = house(drop.port)
        worker = home.start()
        worker.sync(complete=True)
        known = read.uidls(home.store.reader(), home.account.id)
        home.bodies.delete([known["uid-2"]])
        with home.store.write() as tx:
            write.lost_body(tx, known["uid-2"])
        assert worker.sync(complete=True) == []
        assert home.inbox() == list(mail.values())
        assert drop.retrieved == ["uid-3", "uid-2", "uid-1", "uid-2"]
        assert read.uidls(home.store.reader(), home.account.id) == known


# --- trouble ----------------------------------------------------------------------------------------------------


def test_a_connection_that_is_cut_keeps_what_was_whole(house: Callable[..., House]) -> None:
    mail = letters(40, size=2000)
    with Maildrop(mail, pipelining=False) as drop:  # pipelined commands would turn the end into a reset
        drop.cut_after = 30_000
        home = house(drop.port)
        worker = home.start()
        problems = worker.sync(complete=True)
        assert [problem.code for problem in problems] == ["connection-lost"]
        assert home.problem() == "connection-lost"
        some = home.inbox()
        assert 20 <= len(some) < 40
        assert all(raw in mail.values() for raw in some)
        drop.cut_after = None
        assert worker.sync(complete=True) == []
        assert home.inbox() == list(mail.values())
        assert home.problem() == ""


def test_cut_at_many_places_and_still_each_once(house: Callable[..., House]) -> None:
    mail = letters(6)
    with Maildrop(mail) as drop:
        home = house(drop.port)
        worker = home.start()
        for cut in range(10, 1800, 60):
            drop.cut_after = cut
            worker.sync(complete=True)
            raws = home.inbox() if read.folders(home.store.reader()) else []
            assert len(raws) == len(set(raws))
            assert set(raws) <= set(mail.values())
        drop.cut_after = None
        assert worker.sync(complete=True) == []
        assert home.inbox() == list(mail.values())


def test_a_wrong_password_waits_for_a_person(house: Callable[..., House]) -> None:
    with Maildrop(letters(1)) as drop:
        home = house(drop.port)
        home.password = "wrong"
        worker = home.start(interval=0.01)
        (problem,) = worker.sync(complete=True)
        assert (problem.code, problem.kind) == ("wrong-password", Kind.ACCOUNT)
        assert home.problem() == "wrong-password"
        sessions = drop.sessions
        time.sleep(0.3)
        assert drop.sessions == sessions, "the same password is not tried again by itself"
        home.password = "right"
        assert worker.sync(complete=True) == []
        assert home.problem() == ""


def test_a_closed_port_is_an_answer(house: Callable[..., House]) -> None:
    with Maildrop({}) as drop:
        port = drop.port
    home = house(port)
    (problem,) = home.start().sync(complete=True)
    assert (problem.code, problem.kind) == ("connection-refused", Kind.CONNECTION)
    assert any(isinstance(event, wire.Status) and event.state is wire.State.PROBLEM for event in home.events)


def test_stopping_in_the_middle_of_a_message(house: Callable[..., House]) -> None:
    mail = letters(3, size=50_000)
    with Maildrop(mail) as drop:
        home = house(drop.port)
        drop.flowing.clear()
        worker = home.start()
        waiting = threading.Thread(target=worker.sync, args=(True,))
        waiting.start()
        assert drop.halfway.wait(60)
        home.stop()
        waiting.join(5)
        assert not waiting.is_alive()
        drop.flowing.set()
        assert home.start().sync(complete=True) == []
        assert home.inbox() == list(mail.values())


def test_visits_come_by_themselves(house: Callable[..., House]) -> None:
    with Maildrop({}) as drop:
        home = house(drop.port)
        worker = home.start(interval=0.05)
        worker.sync(complete=True)
        drop.messages["late"] = letter(5)
        wait_until(lambda: bool(home.inbox()))
        assert home.inbox() == [letter(5)]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    assert condition()


def test_a_poke_visits_soon_and_many_pokes_visit_once(
    house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Maildrop({}) as drop:
        home = house(drop.port)
        worker = home.start()
        worker.sync(complete=True)
        before = drop.sessions
        for _ in range(50):
            worker.poke()
        worker.sync(complete=True)
        assert drop.sessions == before + 1, "fifty stars are no fifty logins"
        monkeypatch.setattr(pop_worker, "POKE_PAUSE", 0.05)
        worker.poke()
        wait_until(lambda: drop.sessions == before + 2)


def test_the_servers_login_delay_is_kept(house: Callable[..., House]) -> None:
    with Maildrop({}) as drop:
        drop.capabilities = b"LOGIN-DELAY 900\r\n"
        worker = house(drop.port).start(interval=0.01)
        worker.sync(complete=True)
        before = drop.sessions
        time.sleep(0.3)
        assert drop.sessions == before
        assert worker.sync(complete=True) == [], "a person who asks is not kept waiting"


# --- when a message came ----------------------------------------------------------------------------------------

NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (b"Received: x; Mon, 2 Nov 2026 10:00:00 +0000\r\nReceived: y; Sun, 1 Nov 2026 00:00 +0000\r\n", 1793613600),
        (b"Date: Mon, 2 Nov 2026 10:00:00 +0000\r\n", 1793613600),
        (b"Received: nonsense\r\nDate: Mon, 2 Nov 2026 11:00:00 +0100\r\n", 1793613600),
        (b"Date: Mon, 2 Nov 2099 10:00:00 +0000\r\n", NOW),
        (b"Date: Mon, 2 Nov 1901 10:00:00 +0000\r\n", 0),
        (b"Subject: no date\r\n", NOW),
        (b"", NOW),
    ],
)  # fmt: skip
def test_arrival(header: bytes, expected: int) -> None:
    assert arrival(split_fields(header)[0], NOW) == expected
