"""The IMAP worker beside a real Dovecot: what is on one side comes to be on the other, once."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Lab, User, missing
from retrieval import Desk, desk

from mua.mime.headers import envelope
from mua.model.folder import Role
from mua.model.ledger import Claim
from mua.model.message import Flag
from mua.store import ledger, mirror, read, write
from mua.store.write import NewMessage

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Lab]:
    reason = missing(namespace=False)
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    with Lab(namespace=False) as running:
        yield running


@pytest.fixture
def ann(dovecot: Lab) -> User:
    return dovecot.user("ann")


@pytest.fixture
def here(dovecot: Lab, ann: User, tmp_path: Path) -> Iterator[Desk]:
    with desk(tmp_path / "profile", dovecot.plan.imap, ann.name, ann.password, ca_file=str(dovecot.ca)) as made:
        yield made


def mail(number: int, size: int = 0, subject: str = "") -> bytes:
    subject = subject or f"number {number}"
    head = (
        f"From: Bo <bo@example.org>\r\nTo: ann@example.org\r\nSubject: {subject}\r\n"
        f"Message-ID: <{number}@example.org>\r\nDate: Thu, 05 Nov 2026 10:{number % 60:02d}:00 +0000\r\n\r\n"
    )
    return head.encode() + b"hello there\r\n" + b"x" * size + b"\r\n" * bool(size)


def same(here: Desk, dovecot: Lab, ann: User, folder: str = "INBOX") -> None:
    """The store has exactly the server's messages, bytes and flags."""
    there = {
        uid: (raw, sum(bit for bit, name in ((1, "\\Seen"), (4, "\\Flagged")) if name in flags))
        for uid, (raw, flags) in dovecot.messages(ann, folder).items()
    }
    assert here.mirrored(folder) == there


def test_everything_is_here_after_one_sync(here, dovecot, ann):
    dovecot.deliver_all(ann, [mail(number) for number in range(120)] + [mail(999, 3_000_000), mail(998, 400_000)])
    here.sync()
    same(here, dovecot, ann)
    inbox = here.folder("INBOX")
    assert (inbox.total, inbox.with_body, inbox.state.on_server) == (122, 122, 122)
    assert inbox.role is Role.INBOX
    roles = {one.role for one in here.worker.shared.folders()}
    assert {Role.SENT, Role.DRAFTS, Role.TRASH} <= roles
    row = read.row(here.store.reader(), here.find("number 3"))
    assert row is not None
    assert row.snippet == "hello there"


def test_new_mail_arrives_by_idle(here, dovecot, ann):
    here.sync()
    dovecot.deliver(ann, mail(1))
    here.until(lambda: len(here.shown()) == 1, "the new mail")
    here.until(lambda: here.folder("INBOX").with_body == 1, "its body")


def test_changes_made_elsewhere(here, dovecot, ann):
    dovecot.deliver_all(ann, [mail(number) for number in range(10)])
    here.sync()
    client = dovecot.imap(ann)
    client.select("INBOX")
    client.uid("STORE", "1:3", "+FLAGS", "(\\Seen)")
    client.uid("STORE", "5", "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.create("Kept")
    client.uid("MOVE", "7", "Kept")
    client.logout()
    here.until(lambda: len(here.shown()) == 8, "the expunged to go")
    here.sync()
    same(here, dovecot, ann)
    same(here, dovecot, ann, "Kept")
    removed = ledger.entries(here.store.reader())
    assert {one.claim for one in removed} <= {Claim.VANISHED, Claim.UNLISTED}
    assert sorted(one.now_in for one in removed) == [(), ("Kept",)]


def test_wishes_reach_the_server(here, dovecot, ann):
    dovecot.deliver_all(ann, [mail(number) for number in range(6)])
    here.sync()
    trash, archive = here.folder("Trash"), here.folder("Archive")
    ids = [here.find(f"number {number}") for number in range(6)]
    now = int(time.time())
    with here.store.write(durable=True) as tx:
        write.wish_flags(tx, ids[:2], Flag.SEEN | Flag.FLAGGED, Flag(0), now)
        write.wish_move(tx, ids[2:4], archive.id, now)
        write.wish_move(tx, ids[4:5], trash.id, now)
        write.wish_gone(tx, ids[5:], now)
    assert len(here.shown()) == 2  # on screen at once
    here.worker.poke()
    here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the wishes to be pushed")
    here.sync()
    for folder in ("INBOX", "Archive", "Trash"):
        same(here, dovecot, ann, folder)
    assert set(here.shown("Archive")) == set(ids[2:4])  # the same rows, their bytes not fetched again
    assert sorted(len(dovecot.messages(ann, one)) for one in ("INBOX", "Archive", "Trash")) == [1, 2, 2]


def test_a_message_of_ours_is_uploaded_once(here, dovecot, ann):
    here.sync()
    sent = here.folder("Sent")
    raw = mail(7, subject="our own").replace(b"\r\n", b"\n")
    from mua.engine.reading import facts

    with here.store.write(durable=True) as tx:
        new = NewMessage(envelope(raw), 1_700_000_000, len(raw), flags=Flag.SEEN, append=True)
        [one] = write.add_messages(tx, here.account.id, sent.id, [new])
        place = here.bodies.put([(one, raw)], durable=True)[one]
        write.set_bodies(tx, [facts(one, place, raw)])
    here.worker.poke()
    here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the upload")
    here.sync()
    [(uid, (there, flags))] = dovecot.messages(ann, "Sent").items()
    assert (there, flags) == (raw.replace(b"\n", b"\r\n"), frozenset({"\\Seen"}))
    assert list(here.shown("Sent")) == [one]
    assert list(here.mirrored("Sent")) == [uid]


def test_an_upload_whose_answer_was_lost_is_not_repeated(here, dovecot, ann):
    here.sync()
    drafts = here.folder("Drafts")
    raw = mail(8, subject="half done")
    client = dovecot.imap(ann)
    client.append("Drafts", "", "", mail(7))
    client.append("Drafts", "", "", raw)  # what the cut attempt left there
    client.logout()

    here.worker.stop()
    here.worker.join(5)
    with here.store.write(durable=True) as tx:
        new = NewMessage(envelope(raw), 1_700_000_000, len(raw), append=True)
        [one] = write.add_messages(tx, here.account.id, drafts.id, [new])
        here.bodies.put([(one, raw)], durable=True)
        mirror.append_started(tx, one, 1)
    from mua.engine.imap_worker import ImapWorker

    here.worker = ImapWorker(here.context, here.account)
    here.worker.start()
    here.sync()
    assert len(dovecot.messages(ann, "Drafts")) == 2
    assert len(here.shown("Drafts")) == 2
    assert one in here.shown("Drafts")


def test_a_new_uidvalidity_keeps_rows_and_bytes(here, dovecot, ann):
    dovecot.deliver_all(ann, [mail(number) for number in range(30)])
    here.sync()
    before = here.shown()
    here.worker.stop()
    here.worker.join(5)
    dovecot.renumber(ann)
    validity = here.folder("INBOX").state.uidvalidity
    from mua.engine.imap_worker import ImapWorker

    here.worker = ImapWorker(here.context, here.account)
    here.worker.start()
    here.sync()
    assert here.folder("INBOX").state.uidvalidity != validity
    assert here.shown() == before
    same(here, dovecot, ann)


def test_folders_come_and_go_and_change_their_names(here, dovecot, ann):
    client = dovecot.imap(ann)
    client.create("Work")
    client.append("Work", "", "", mail(1))
    here.sync()
    one = here.find("number 1", "Work")
    client.create('"Entw&APw-rfe 2"')  # before the renaming: what follows one within a second, Dovecot 2.3 may not list
    client.rename("Work", "Office")
    here.sync()
    assert here.find("number 1", "Office") == one
    assert here.folder("Entwürfe 2").total == 0
    assert read.folder_named(here.store.reader(), here.account.id, "Work") is None
    client.delete("Office")
    client.logout()
    here.sync()
    assert read.folder_named(here.store.reader(), here.account.id, "Office") is None
    [removal] = ledger.entries(here.store.reader())
    assert (removal.id, removal.claim, removal.folder) == (one, Claim.FOLDER_REMOVED, "Office")
    assert here.bodies.get(one) == mail(1)  # the bytes stay for a while


def test_a_folder_made_here_is_made_there(here, dovecot, ann):
    dovecot.deliver(ann, mail(1))
    here.sync()
    with here.store.write(durable=True) as tx:
        made = write.put_folder(tx, here.account.id, "Projekte/Grün", create=True, delimiter=".")
        write.wish_move(tx, [here.find("number 1")], made, 0)
    here.worker.poke()
    here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the move")
    here.sync()
    assert any("Gr&APw-n" in name for name in dovecot.folders(ann))


def test_a_folder_for_a_role_waits_for_the_server_s_list(here, dovecot, ann):
    with here.store.write(durable=True) as tx:
        ours = write.put_folder(tx, here.account.id, "Old papers", role=Role.ARCHIVE, create=True)
        new = NewMessage(envelope(mail(1)), 1_700_000_000, len(mail(1)), append=True)
        [one] = write.add_messages(tx, here.account.id, ours, [new])
        here.bodies.put([(one, mail(1))], durable=True)
    here.sync()
    here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the upload")
    assert "Old papers" not in dovecot.folders(ann)
    assert len(dovecot.messages(ann, "Archive")) == 1
    assert list(here.shown("Archive")) == [one]


def test_a_wish_for_a_folder_that_is_gone_comes_back(here, dovecot, ann):
    client = dovecot.imap(ann)
    client.create("Gone")
    dovecot.deliver(ann, mail(1))
    here.sync()
    one, gone = here.find("number 1"), here.folder("Gone")
    client.delete("Gone")
    client.logout()
    with here.store.write(durable=True) as tx:
        write.wish_move(tx, [one], gone.id, 0)
    here.worker.poke()
    here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the refusal")
    assert one in here.shown()
    assert "Gone" in here.store.reader().value("SELECT problem FROM message WHERE id = ?", one)


def test_a_wanted_body_comes_first(here, dovecot, ann):
    dovecot.deliver_all(ann, [mail(number) for number in range(5)])
    here.sync()
    one = here.find("number 2")
    here.bodies.delete([one])
    with here.store.write() as tx:
        write.lost_body(tx, one)
    here.worker.poke()
    here.until(lambda: bool(read.row(here.store.reader(), one).has_body), "the body")
    assert here.bodies.get(one) == dovecot.raw_messages(ann)[3]


def test_wrong_password_is_told_and_not_tried_again(here, dovecot, ann):
    here.sync()
    here.worker.stop()
    here.worker.join(5)
    from mua.engine.imap_worker import ImapWorker

    asked = []
    here.context.password = lambda account: asked.append(1) or "wrong"
    here.worker = ImapWorker(here.context, here.account)
    here.worker.start()
    problem = here.failed_sync()
    assert problem.code == "wrong-password"
    assert [one.code for one in read.problems(here.store.reader())] == ["wrong-password"]
    tried = len(asked)
    here.worker.poke()
    here.worker.poke()
    here.context.password = lambda account: ann.password
    here.sync()
    assert read.problems(here.store.reader()) == []
    assert tried <= 2


def test_nothing_new_is_one_round_trip(here, dovecot, ann):
    dovecot.deliver_all(ann, [mail(number) for number in range(5)])
    here.sync()
    here.sync()
    here.until(lambda: here.worker._idling and here.worker._bulk_is_ready, "both threads to have nothing to do")
    connections = list(here.worker._connections)
    assert len(connections) == 2

    def lines() -> int:
        before = sum(one.log.lines_sent for one in connections)
        here.sync()
        return sum(one.log.lines_sent for one in connections) - before

    assert min(lines() for _ in range(5)) == 1  # IDLE was not even interrupted; NOTIFY may tell of what was done before
    assert here.worker._connections == set(connections)


def test_mail_moved_out_of_the_inbox_elsewhere_turns_up_where_it_went(here, dovecot, ann):
    dovecot.deliver_all(ann, [mail(number) for number in range(3)])
    here.sync()
    client = dovecot.imap(ann)
    client.select("INBOX")
    client.uid("MOVE", "2", "Archive")
    client.logout()
    here.until(lambda: len(here.shown("Archive")) == 1, "the moved message")
    here.until(lambda: len(here.shown()) == 2, "its leaving the inbox")
    here.sync()
    same(here, dovecot, ann)
    same(here, dovecot, ann, "Archive")
