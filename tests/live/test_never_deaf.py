"""Never deaf: dead connections, another network, few connections, and one slow account beside another."""

import dataclasses
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Lab, User, message, missing
from lab_proxy import Proxy
from retrieval import PATIENCE, Desk
from scripted import Scripted

from mua.engine import imap_worker
from mua.engine.imap_worker import ImapWorker
from mua.model.account import Account, AccountId, Incoming, Security, Server
from mua.net import imap_watch
from mua.net.imap import ImapConnection
from mua.plan import sync
from mua.store import mirror, read, write

pytestmark = pytest.mark.live


def laboratory(connections: int = 1000) -> Lab:
    reason = missing(namespace=False)
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    return Lab(namespace=False, connections=connections)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Lab]:
    with laboratory() as running:
        yield running


@pytest.fixture
def ann(dovecot: Lab) -> User:
    return dovecot.user("ann")


@pytest.fixture
def proxy(dovecot: Lab) -> Proxy:
    return dovecot.proxy(dovecot.plan.imap, "127.0.0.1")


@pytest.fixture
def here(dovecot: Lab, ann: User, proxy: Proxy, tmp_path: Path) -> Iterator[Desk]:
    """ann's account, behind a proxy that can go bad; not started."""
    server = Server("localhost", proxy.port, Security.STARTTLS, ann.name)
    made = Desk(tmp_path / "profile", server, ann.password, str(dovecot.ca))
    try:
        yield made
    finally:
        made.close()


def start(here: Desk) -> None:
    here.worker.start()
    here.sync()
    here.until(lambda: idle(here), "IDLE")


def idle(here: Desk) -> bool:
    states = [one for one in here.events if type(one).__name__ == "Status"]
    return bool(states) and states[-1].state == "idle"


def arrives(here: Desk, dovecot: Lab, ann: User) -> None:
    """New mail is here before the next look of an account that hears nothing."""
    assert imap_worker.POLL_SECONDS > 2 * PATIENCE
    dovecot.deliver(ann, message("is anybody there"))
    here.until(lambda: "is anybody there" in here.shown().values(), "the new mail")


def test_a_dead_connection_is_found_out_when_the_network_changed(here, dovecot, ann, proxy, monkeypatch):
    here.context.patience = 5.0  # it may die between two commands, too
    monkeypatch.setattr(imap_watch, "_DONE", 1.0)
    start(here)
    proxy.swallow()
    here.worker.network_changed()
    arrives(here, dovecot, ann)


def test_a_dead_connection_is_found_out_by_time_alone(here, dovecot, ann, proxy, monkeypatch):
    here.context.patience = 5.0  # it may die between two commands, too
    monkeypatch.setattr(imap_watch, "_DONE", 1.0)
    monkeypatch.setattr(imap_worker, "IDLE_SECONDS", 1.5)
    start(here)
    proxy.swallow()
    arrives(here, dovecot, ann)


def test_a_live_connection_survives_a_change_of_the_network(here, dovecot, ann, proxy):
    start(here)
    before = proxy.connections
    here.worker.network_changed()
    here.sync()
    arrives(here, dovecot, ann)
    assert proxy.connections == before


def test_nobody_waits_out_a_pause_of_another_network(here, dovecot, ann, proxy, monkeypatch):
    monkeypatch.setattr(sync, "backoff", lambda failures, lot: 3600.0)
    proxy.refuse()
    here.worker.start()
    here.until(lambda: bool(read.problems(here.store.reader())) or offline(here), "a failure")
    proxy.resume()
    started = time.monotonic()
    here.worker.network_changed()
    here.sync()
    assert time.monotonic() - started < 600, "the pause is an hour"
    assert not read.problems(here.store.reader())


def offline(here: Desk) -> bool:
    return any(getattr(one, "state", "") == "offline" for one in here.events)


def test_when_it_was_last_checked_is_told_also_when_nothing_was_new(here, dovecot, ann, proxy):
    now = [1_800_000_000]
    here.context.now = lambda: now[0]
    start(here)
    assert read.synced_at(here.store.reader(), here.account.id) == now[0]
    now[0] += 500
    here.sync()
    assert read.synced_at(here.store.reader(), here.account.id) == now[0]


@pytest.mark.parametrize("allowed", [1, 2, 4])
def test_a_server_that_allows_few_connections(allowed, tmp_path):
    """Beside another program that holds one (where there is room for it), all is fetched and news arrive."""
    with laboratory(allowed) as few:
        ann = few.user("ann")
        few.deliver_all(ann, [message(f"number {number}") for number in range(60)])
        other = few.imap(ann) if allowed > 1 else None
        server = Server("127.0.0.1", few.plan.imap, Security.STARTTLS, ann.name)
        made = Desk(tmp_path / "profile", server, ann.password, str(few.ca))
        try:
            made.worker.start()
            made.sync()
            assert len(made.shown()) == 60 == made.folder("INBOX").with_body
            arrives(made, few, ann)
            assert not read.problems(made.store.reader())
        finally:
            made.close()
            if other is not None:
                other.logout()


def test_mail_that_comes_while_the_only_connection_is_elsewhere(tmp_path, monkeypatch):
    """The inbox was compared, other folders are being looked at: IDLE will not tell what the next SELECT tells.

    A server with NOTIFY tells it, if the SELECT does not come first; so this is one without.
    """
    monkeypatch.setattr(ImapConnection, "notify", lambda connection: None)
    with laboratory(1) as single:
        ann = single.user("ann")
        single.deliver(ann, message("number 1"))
        server = Server("127.0.0.1", single.plan.imap, Security.STARTTLS, ann.name)
        made = Desk(tmp_path / "profile", server, ann.password, str(single.ca))
        pulled = made.worker.rounds.pulled

        def deliver_first(ticket: int) -> None:
            made.worker.rounds.pulled = pulled
            single.deliver(ann, message("late"))
            pulled(ticket)

        made.worker.rounds.pulled = deliver_first
        try:
            made.worker.start()
            made.sync()
            made.until(lambda: "late" in made.shown().values(), "the mail that came during the round")
        finally:
            made.close()


def test_a_slow_account_delays_no_other(here, dovecot, ann):
    greeting = "S: * OK slow\nC: {tag} CAPABILITY\nS: * CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\nSTALL for-ever\n"
    with Scripted(greeting, greeting, partial=True) as slow:
        server = Server("127.0.0.1", slow.port, Security.NONE, "bo")
        other = Account(AccountId(0), "slow", "bo@example.org", incoming=Incoming.IMAP, incoming_server=server)
        with here.store.write() as tx:
            other = dataclasses.replace(other, id=write.add_account(tx, other))
        stuck = ImapWorker(here.context, other)
        stuck.start()
        try:
            start(here)
            arrives(here, dovecot, ann)
        finally:
            slow.release("for-ever")
            stuck.stop()
            stuck.join(10)


def test_a_server_whose_master_died_under_an_open_connection(tmp_path):
    """What is left of it answers SERVERBUG for ever: only a new connection brings the account back."""
    with laboratory() as fragile:
        ann = fragile.user("ann")
        fragile.deliver(ann, message("number 1"))
        server = Server("127.0.0.1", fragile.plan.imap, Security.STARTTLS, ann.name)
        made = Desk(tmp_path / "profile", server, ann.password, str(fragile.ca))
        try:
            start(made)
            os.kill(int((fragile.plan.folder / "dovecot" / "master.pid").read_text()), signal.SIGKILL)
            with made.store.write(durable=True) as tx:
                write.wish_move(tx, [made.find("number 1")], made.folder("Archive").id, int(time.time()))
            made.worker.poke()
            fragile.stop_server("dovecot")
            fragile.restart_dovecot()
            made.worker.poke()
            made.until(lambda: not mirror.wishes(made.store.reader(), made.account.id), "the move")
            made.worker.network_changed()
            made.sync()
            assert list(made.shown("Archive").values()) == ["number 1"]
            assert not read.rows(made.store.reader(), list(made.shown("Archive")))[0].problem
            assert not made.folder("INBOX").problem
        finally:
            made.close()
