"""Retrieval beside servers that have nothing in common: Dovecot, pymap (PyPI) and our own demo's, by the same tests.

The oracle is the standard library's imaplib on the same server.  A server that lacks something is no excuse: what is
tested is what each of them has to be able to do.
"""

import contextlib
import imaplib
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import certs
import demo_server
import pytest
from lab import Lab, free_ports, missing, until
from retrieval import Desk, desk

from mua.engine.reading import facts
from mua.mime.headers import envelope
from mua.model.account import Security
from mua.model.message import Flag
from mua.store import mirror, read, write
from mua.store.write import NewMessage

pytestmark = pytest.mark.live


@dataclass(frozen=True, slots=True)
class Far:
    """The other side: where it listens, and who has the mailbox."""

    port: int
    user: str
    password: str
    security: Security
    ca_file: str

    @contextlib.contextmanager
    def client(self) -> Iterator[imaplib.IMAP4]:
        """Another program on the same mailbox."""
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        if self.security is Security.STARTTLS:
            client.starttls(ssl.create_default_context(cafile=self.ca_file))
        client.login(self.user, self.password)
        yield client
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            client.logout()

    def fill(self, mails: list[bytes], folder: str = "INBOX") -> None:
        """Put messages there."""
        with self.client() as client:
            for raw in mails:
                done, words = client.append(folder, "", "", raw)
                assert done == "OK", words

    def messages(self, folder: str = "INBOX") -> dict[int, tuple[bytes, int]]:
        """uid -> (bytes, flag bits) of what is not marked as deleted."""
        found = {}
        with self.client() as client:
            assert client.select(f'"{folder}"', readonly=True)[0] == "OK"
            for uid in client.uid("SEARCH", "ALL")[1][0].split():
                parts = client.uid("FETCH", uid.decode(), "(FLAGS BODY.PEEK[])")[1]
                text = b" ".join(part if isinstance(part, bytes) else part[0] for part in parts)
                [raw] = [part[1] for part in parts if isinstance(part, tuple)]
                if b"\\Deleted" not in text:
                    bits = (1 if b"\\Seen" in text else 0) | (4 if b"\\Flagged" in text else 0)
                    found[int(uid)] = (raw, bits)
        return found


@contextlib.contextmanager
def dovecot(folder: Path) -> Iterator[Far]:
    reason = missing(namespace=False)
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    with Lab(namespace=False) as lab:
        user = lab.user("ann")
        yield Far(lab.plan.imap, user.name, user.password, Security.STARTTLS, str(lab.ca))


@contextlib.contextmanager
def pymap(folder: Path) -> Iterator[Far]:
    program = shutil.which("pymap", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
    if program is None:
        pytest.skip("pymap is not installed")
    [port] = free_ports(1)
    cert, key = certs.authority().leaf("good")
    words = ["--host", "127.0.0.1", "--port", str(port), "--cert", str(cert), "--key", str(key)]
    backend = ["dict", "--demo-data", "--demo-user", "ann", "--demo-password", "s3cr3t"]
    with (folder / "pymap.log").open("wb") as log:
        server = subprocess.Popen([program, *words, *backend], stdout=log, stderr=log)
    far = Far(port, "ann", "s3cr3t", Security.STARTTLS, str(certs.authority().ca_file))
    try:
        until(lambda: _listens(port), "pymap to listen")
        with far.client() as client:  # its own demonstration data
            client.select("INBOX")
            client.store("1:*", "+FLAGS", "\\Deleted")
            client.expunge()
        yield far
    finally:
        server.terminate()
        server.wait(20)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[Far]:
    with demo_server.house() as house:
        yield Far(house.imap_port, house.login.user, house.login.password, Security.NONE, "")


SERVERS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Far]]] = {
    "dovecot": dovecot,
    "pymap": pymap,
    "demo": demo,
}


@pytest.fixture(params=SERVERS)
def far(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Far]:
    with SERVERS[request.param](tmp_path) as there:
        with there.client() as client:
            client.create("Archive")
        yield there


@pytest.fixture
def here(far: Far, tmp_path: Path) -> Iterator[Desk]:
    with desk(
        tmp_path / "profile", far.port, far.user, far.password, ca_file=far.ca_file, security=far.security
    ) as made:
        yield made


def mail(number: int, size: int = 0) -> bytes:
    head = (
        f"From: Bo <bo@example.org>\r\nTo: ann@example.org\r\nSubject: number {number}\r\n"
        f"Message-ID: <{number}@example.org>\r\nDate: Thu, 05 Nov 2026 10:{number % 60:02d}:00 +0000\r\n\r\n"
    )
    return head.encode() + b"hello there, \xc3\xa4\r\n" + b"x" * size + b"\r\n" * bool(size)


def same(here: Desk, far: Far, *folders: str) -> None:
    """What is not marked as deleted is on both sides, with the same bytes and flags."""
    for folder in folders:
        ours = {uid: found for uid, found in here.mirrored(folder).items() if not found[1] & Flag.DELETED}
        theirs = far.messages(folder)
        assert ours.keys() == theirs.keys(), folder
        assert {uid: (raw, bits & 5) for uid, (raw, bits) in ours.items()} == theirs, folder


def test_everything_is_here_after_one_sync(here, far):
    far.fill([mail(number) for number in range(30)] + [mail(99, 1_500_000)])
    far.fill([mail(number) for number in range(40, 45)], "Archive")
    here.sync()
    same(here, far, "INBOX", "Archive")
    assert here.folder("INBOX").with_body == 31
    assert read.row(here.store.reader(), here.find("number 3")).snippet.startswith("hello there")


def test_nothing_new_changes_nothing(here, far):
    far.fill([mail(number) for number in range(5)])
    here.sync()
    before = here.shown()
    here.sync()
    assert here.shown() == before
    assert here.store.reader().value("SELECT count(*) FROM removal") == 0


def test_acts_reach_the_server(here, far):
    far.fill([mail(number) for number in range(8)])
    here.sync()
    ids = [here.find(f"number {number}") for number in range(8)]
    with here.store.write(durable=True) as tx:
        write.wish_flags(tx, ids[:2], Flag.SEEN | Flag.FLAGGED, Flag(0), 1)
        write.wish_move(tx, ids[2:5], here.folder("Archive").id, 1)
        write.wish_gone(tx, ids[5:6], 1)
    here.worker.poke()
    here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the wishes to be pushed")
    here.sync()
    same(here, far, "INBOX", "Archive")
    assert set(here.shown("Archive")) == set(ids[2:5])  # the very rows, their bytes not fetched again
    assert len(far.messages()) == 4


def test_changes_made_elsewhere_are_seen(here, far):
    far.fill([mail(number) for number in range(6)])
    here.sync()
    uids = sorted(far.messages())
    with far.client() as client:
        client.select("INBOX")
        client.uid("STORE", str(uids[0]), "+FLAGS", "(\\Seen)")
        client.uid("STORE", str(uids[1]), "+FLAGS", "(\\Deleted)")
        client.expunge()
    here.until(lambda: len(here.shown()) == 5, "the expunged to go")
    here.sync()
    same(here, far, "INBOX")


def test_new_mail_is_noticed_without_being_asked_for(here, far):
    here.sync()
    far.fill([mail(1)])
    here.until(lambda: len(here.shown()) == 1, "the new mail")
    here.until(lambda: here.folder("INBOX").with_body == 1, "its body")


def test_a_message_of_ours_is_uploaded_once(here, far):
    here.sync()
    raw = mail(7)
    with here.store.write(durable=True) as tx:
        new = NewMessage(envelope(raw), 1_700_000_000, len(raw), flags=Flag.SEEN, append=True)
        [one] = write.add_messages(tx, here.account.id, here.folder("Archive").id, [new])
        place = here.bodies.put([(one, raw)], durable=True)[one]
        write.set_bodies(tx, [facts(one, place, raw)])
    here.worker.poke()
    here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the upload")
    here.sync()
    assert [found for found, _ in far.messages("Archive").values()] == [raw]
    assert list(here.shown("Archive")) == [one]


def test_folders_come_and_go_and_change_their_names(here, far):
    with far.client() as client:
        client.create("Work")
        client.append("Work", "", "", mail(1))
    here.sync()
    one = here.find("number 1", "Work")
    with far.client() as client:
        assert client.rename("Work", "Office")[0] == "OK"
        assert client.create('"Entw&APw-rfe 2"')[0] == "OK"
    here.sync()
    assert here.find("number 1", "Office") == one
    assert here.folder("Entwürfe 2").total == 0
    assert read.folder_named(here.store.reader(), here.account.id, "Work") is None
    with far.client() as client:
        assert client.delete("Office")[0] == "OK"
    here.sync()
    assert read.folder_named(here.store.reader(), here.account.id, "Office") is None


def test_an_act_in_a_burst_of_news_is_not_forgotten(here, far):
    """The worker rests a while when news come at every turn; who wants something then is not left for the next IDLE."""
    here.sync()
    for number in range(8):
        far.fill([mail(number)])
        here.until(lambda wanted=number: len(here.shown()) > wanted, "the new mail")
    with here.store.write(durable=True) as tx:
        write.wish_flags(tx, [here.find("number 1")], Flag.FLAGGED, Flag(0), 1)
    here.worker.poke()
    here.until(lambda: not mirror.wishes(here.store.reader(), here.account.id), "the wish to be pushed")
