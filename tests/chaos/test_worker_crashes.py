"""The IMAP worker dies at every commit, before or after it, and begins again: nothing is lost, nothing is doubled."""

import contextlib
import time
from collections.abc import Iterator

import pytest
from lab import Lab, User, missing
from retrieval import Desk, desk

from mua.engine.imap_worker import ImapWorker
from mua.engine.reading import facts
from mua.mime.headers import envelope
from mua.model.message import Flag
from mua.store import mirror, write
from mua.store.db import Store
from mua.store.write import NewMessage

pytestmark = [pytest.mark.live, pytest.mark.chaos]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Lab]:
    reason = missing(namespace=False)
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    with Lab(namespace=False) as running:
        yield running


def mail(number: int) -> bytes:
    head = f"From: Bo <bo@example.org>\r\nSubject: number {number}\r\nMessage-ID: <{number}@example.org>\r\n\r\n"
    return head.encode() + b"hello\r\n"


class Killed(BaseException):
    """What SIGKILL would be: nothing after it runs."""


class Gallows:
    """Ends the worker's threads at the n-th write transaction: before it begins, or after it is committed."""

    def __init__(self, store: Store, after: int, late: bool) -> None:
        self.left = after
        self.late = late
        self.reached = False
        self._write = store.write
        store.write = self.write  # type: ignore[method-assign]

    @contextlib.contextmanager
    def write(self, *, durable: bool = False):
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.late):
            self.reached = True
            raise Killed
        with self._write(durable=durable) as tx:
            yield tx
        if self.left == 0:
            self.reached = True
            raise Killed


def wish_everything(here: Desk) -> None:
    """A flag, a move, a deletion, an upload and a new folder."""
    ids = [here.find(f"number {number}") for number in range(5)]
    archive, drafts = here.folder("Archive"), here.folder("Drafts")
    raw = mail(100)
    with here.store.write(durable=True) as tx:
        write.wish_flags(tx, ids[:1], Flag.SEEN | Flag.FLAGGED, Flag(0), 1)
        write.wish_move(tx, ids[1:3], archive.id, 1)
        write.wish_gone(tx, ids[3:4], 1)
        made = write.put_folder(tx, here.account.id, "Fresh", create=True)
        write.wish_move(tx, ids[4:5], made, 1)
        [one] = write.add_messages(
            tx, here.account.id, drafts.id, [NewMessage(envelope(raw), 1_700_000_000, len(raw), append=True)]
        )
        place = here.bodies.put([(one, raw)], durable=True)[one]
        write.set_bodies(tx, [facts(one, place, raw)])


def subjects(lab: Lab, user: User) -> dict[str, list[bytes]]:
    """folder -> the sorted messages there."""
    return {
        name: sorted(lab.raw_messages(user, name).values())
        for name in ("INBOX", "Archive", "Drafts", "Fresh", "Trash")
        if name in lab.folders(user)
    }


@pytest.mark.parametrize("late", [False, True])
def test_killed_at_every_commit(dovecot, tmp_path, late, monkeypatch):
    monkeypatch.setattr("threading.excepthook", lambda args: None)
    settled = 0
    for number in range(1, 60):
        user = dovecot.user("eve")
        dovecot.fill(user, [mail(one) for one in range(8)])
        profile = tmp_path / str(number)
        with desk(profile, dovecot.plan.imap, user.name, user.password, ca_file=str(dovecot.ca)) as here:
            here.sync()
            here.worker.stop()
            here.worker.join(60)
            wish_everything(here)
            gallows = Gallows(here.store, number, late)
            here.worker = ImapWorker(here.context, here.account)
            here.worker.start()
            end = time.monotonic() + 60
            while not gallows.reached and mirror.wishes(here.store.reader(), here.account.id):
                assert time.monotonic() < end
                time.sleep(0.01)
            settled = 0 if gallows.reached else settled + 1
        with desk(profile, dovecot.plan.imap, user.name, user.password, ca_file=str(dovecot.ca)) as here:
            here.sync()
            here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the wishes")
            here.sync()
            wanted = {
                "INBOX": [mail(0), mail(5), mail(6), mail(7)],
                "Archive": [mail(1), mail(2)],
                "Drafts": [mail(100)],
                "Fresh": [mail(4)],
                "Trash": [],
            }
            assert subjects(dovecot, user) == {name: sorted(raws) for name, raws in wanted.items()}, number
            for name in wanted:
                ours = here.mirrored(name)
                assert {uid: raw for uid, (raw, _) in ours.items()} == dovecot.raw_messages(user, name), (number, name)
            [starred] = [flags for raw, flags in here.mirrored("INBOX").values() if raw == mail(0)]
            assert starred == Flag.SEEN | Flag.FLAGGED
        if settled >= 2:
            return
    pytest.fail("the worker never came to an end")


@pytest.mark.parametrize("where", range(12))
def test_cut_anywhere_in_the_traffic(dovecot, tmp_path, where):
    """A proxy cuts after so many bytes of the server's; the worker begins again and ends at the same place."""
    user = dovecot.user("cut")
    dovecot.fill(user, [mail(one) for one in range(8)])
    proxy = dovecot.proxy(dovecot.plan.imap)
    with desk(tmp_path / "profile", proxy.port, user.name, user.password, ca_file=str(dovecot.ca)) as here:
        here.sync()
        wish_everything(here)
        proxy.cut_after(200 + where * 290)
        here.worker.poke()
        assert proxy.wait_for_cut()
        here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the wishes")
        here.sync()
        for name in ("INBOX", "Archive", "Drafts", "Fresh"):
            ours = here.mirrored(name)
            assert {uid: raw for uid, (raw, _) in ours.items()} == dovecot.raw_messages(user, name), name
        assert sorted(dovecot.raw_messages(user, "Drafts").values()) == [mail(100)]
        assert len(dovecot.raw_messages(user, "INBOX")) == 4
