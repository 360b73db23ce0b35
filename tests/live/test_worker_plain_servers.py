"""The IMAP worker with servers that can less: no QRESYNC, CONDSTORE, MOVE, UIDPLUS or IDLE; one connection."""

import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import lab_config
import pytest
from lab import Lab, User, missing
from retrieval import Desk, desk

from mua.engine import imap_worker
from mua.engine.pull import pull_folder, pull_folders
from mua.engine.push import push
from mua.errors import MailError
from mua.model.account import Security, Server
from mua.model.message import Flag
from mua.net.imap import ImapConnection
from mua.store import mirror, write

pytestmark = pytest.mark.live

SERVERS = {
    "condstore": "IMAP4rev1 SASL-IR LITERAL+ IDLE STARTTLS UIDPLUS MOVE ESEARCH ENABLE CONDSTORE LIST-EXTENDED",
    "uidplus": "IMAP4rev1 STARTTLS IDLE UIDPLUS NAMESPACE",
    "nothing": "IMAP4rev1 STARTTLS",
}


@pytest.fixture(scope="module", params=SERVERS)
def dovecot(request: pytest.FixtureRequest) -> Iterator[Lab]:
    reason = missing(namespace=False)
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    whole = lab_config.dovecot_conf
    with pytest.MonkeyPatch.context() as patch:
        capability = f"\nimap_capability = {SERVERS[request.param]}\n"
        patch.setattr(lab_config, "dovecot_conf", lambda plan: whole(plan) + capability)
        patch.setattr("mua.net.imap_watch._POLL", 0.5)
        with Lab(namespace=False) as running:
            yield running


@pytest.fixture
def ann(dovecot: Lab) -> User:
    return dovecot.user("ann")


@pytest.fixture
def here(dovecot: Lab, ann: User, tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path / "profile", dovecot.plan.imap, ann.name, ann.password, ca_file=str(dovecot.ca)) as made:
        yield made


def mail(number: int) -> bytes:
    head = f"From: Bo <bo@example.org>\r\nSubject: number {number}\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
    return head.encode() + b"hello\r\n"


def same(here: Desk, dovecot: Lab, ann: User, folder: str) -> None:
    """What is not marked as deleted is on both sides, with the same flags."""
    there = {
        uid: (raw, sum(bit for bit, name in ((1, "\\Seen"), (4, "\\Flagged")) if name in flags))
        for uid, (raw, flags) in dovecot.messages(ann, folder).items()
        if "\\Deleted" not in flags
    }
    ours = {uid: found for uid, found in here.mirrored(folder).items() if not found[1] & Flag.DELETED}
    assert ours == there


def test_both_sides_come_to_be_the_same(here, dovecot, ann):
    dovecot.fill(ann, [mail(number) for number in range(12)])
    here.sync()
    same(here, dovecot, ann, "INBOX")
    ids = [here.find(f"number {number}") for number in range(12)]
    client = dovecot.imap(ann)
    client.select("INBOX")
    client.uid("STORE", "1:3", "+FLAGS", "(\\Seen)")
    client.uid("STORE", "12", "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.logout()
    with here.store.write(durable=True) as tx:
        write.wish_flags(tx, ids[3:5], Flag.FLAGGED, Flag(0), 1)
        write.wish_move(tx, ids[5:7], here.folder("Archive").id, 1)
        write.wish_gone(tx, ids[7:8], 1)
    here.worker.poke()
    here.until(
        lambda: not [one for one in mirror.wishes(here.store.reader(), here.account.id) if not one.gone], "the wishes"
    )
    for _ in range(2):
        here.sync()
        for folder in ("INBOX", "Archive"):
            same(here, dovecot, ann, folder)
    assert len(here.shown()) == 8
    assert set(here.shown("Archive")) == set(ids[5:7])  # the very rows


def test_the_book_of_a_folder_that_something_left_is_right_at_once(here, dovecot, ann):
    """It is compared again minutes later only, and until then health would say that not all of its mail is here."""
    client = dovecot.imap(ann)
    client.create("Work")
    client.logout()
    dovecot.fill(ann, [mail(number) for number in range(5)], "Work")
    here.sync()
    ids = [here.find(f"number {number}", "Work") for number in range(3)]
    with here.store.write(durable=True) as tx:
        write.wish_move(tx, ids[:2], here.folder("INBOX").id, 1)
        write.wish_gone(tx, ids[2:], 1)
    here.worker.poke()
    here.until(lambda: len(here.shown()) == 2 and len(here.shown("Work")) == 2, "both")
    here.until(lambda: here.folder("INBOX").state.on_server == 2, "the book of the target")
    here.until(lambda: here.folder("Work").state.on_server == len(dovecot.messages(ann, "Work")), "that of the source")


def test_new_mail_is_noticed(here, dovecot, ann):
    here.sync()
    dovecot.deliver(ann, mail(1))
    here.until(lambda: len(here.shown()) == 1, "the new mail")


def test_mail_that_comes_while_the_other_thread_pokes_gets_its_text_too(here, dovecot, ann, monkeypatch):
    """Both wake the same wait: what woke it first must not hide the other."""
    here.sync()
    monkeypatch.setattr(
        imap_worker.ImapWorker, "_nudged", property(lambda self: True, lambda self, value: None), raising=False
    )
    dovecot.deliver(ann, mail(1))
    here.until(lambda: len(here.shown()) == 1, "the new mail")
    here.until(lambda: not mirror.lacks_bodies(here.store.reader(), here.account.id), "its text")


def test_one_connection_is_enough(here, dovecot, ann, monkeypatch):
    """The second connection is turned away: the first does everything, and still serves a person at once."""
    from mua.errors import Kind, MailError, Retry

    here.worker.stop()
    here.worker.join(5)
    real = imap_worker.ImapConnection

    def one_only(*args, **more):
        if made.rounds.online:
            raise MailError(Kind.CONNECTION, Retry.SOON, "too many", code="too-many-connections")
        return real(*args, **more)

    monkeypatch.setattr(imap_worker, "ImapConnection", one_only)
    made = here.worker = imap_worker.ImapWorker(here.context, here.account)
    dovecot.fill(ann, [mail(number) for number in range(300)])
    made.start()
    here.sync()
    same(here, dovecot, ann, "INBOX")
    one = here.find("number 7")
    with here.store.write(durable=True) as tx:
        write.wish_flags(tx, [one], Flag.SEEN, Flag(0), int(time.time()))
    made.poke()
    here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the flag")
    here.sync()
    same(here, dovecot, ann, "INBOX")


def test_a_cut_anywhere_in_a_move_doubles_nothing(dovecot, ann, tmp_path):
    """Without MOVE it is a copy and a deletion: the line is cut in every answer in between, every few bytes."""
    mails = {mail(1), mail(2)}
    dovecot.fill(ann, mails)
    proxy = dovecot.proxy(dovecot.plan.imap, dovecot.plan.imap_ip)
    desk = Desk(tmp_path / "profile", Server("127.0.0.1", proxy.port, Security.NONE, ann.name), ann.password)

    def enter() -> ImapConnection:
        return ImapConnection(desk.worker.server, lambda: ann.password, timeout=10)

    def synchronise() -> None:
        connection = enter()
        for folder in push(desk.worker.shared, connection):
            list(pull_folder(desk.worker.shared, connection, folder))
        pull_folders(desk.worker.shared, connection)
        for name in ("INBOX", "Archive"):
            list(pull_folder(desk.worker.shared, connection, desk.folder(name)))
        connection.log_out()

    def move(source: str, target: str, cut: int | None) -> int:
        """One attempt, which is cut after so many octets from the server, and then the next; how many there were."""
        with desk.store.write() as tx:
            write.wish_move(tx, list(desk.shown(source)), desk.folder(target).id, 1)
        connection = enter()
        before = proxy.downstream
        if cut is not None:
            proxy.cut_after(cut)
        with suppress(MailError):
            list(push(desk.worker.shared, connection))
        connection.abort()
        proxy.resume()
        octets = proxy.downstream - before
        synchronise()
        there = [raw for raw, flags in dovecot.messages(ann, target).values() if "\\Deleted" not in flags]
        left = [raw for raw, flags in dovecot.messages(ann, source).values() if "\\Deleted" not in flags]
        assert (sorted(there), left) == (sorted(mails), []), (cut, source)
        assert len(desk.shown(target)) == 2
        return octets

    synchronise()
    ways = itertools.cycle([("INBOX", "Archive"), ("Archive", "INBOX")])
    octets = move(*next(ways), None)
    assert octets > 100
    for cut in range(0, octets, 11):
        move(*next(ways), cut)
    desk.worker.join(0)
    desk.bodies.close()
    desk.store.close()
