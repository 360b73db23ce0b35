"""What Dovecot offers beyond the basics: COMPRESS on a slow line, NOTIFY for every folder."""

from collections.abc import Iterator
from pathlib import Path

import mailgen
import pytest
from lab import Lab, User, missing
from retrieval import Desk, desk

from mua.engine import imap_worker
from mua.model.account import Security, Server
from mua.model.message import Flag
from mua.net.imap import ImapConnection

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


def enter(lab: Lab, user: User, port: int = 0) -> ImapConnection:
    server = Server(lab.plan.imap_host, port or lab.plan.imaps, Security.TLS, user.name)
    return ImapConnection(server, lambda: user.password, str(lab.ca), 10)


def test_a_slow_line_is_noticed_and_compressed(dovecot: Lab, ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    mails = [letter.raw for letter in mailgen.letters(40)]
    line = b"Words that repeat themselves, as mail is wont to do.\r\n"
    mails += [b"Subject: long\r\n\r\n" + line * 8000 for _ in range(6)]
    dovecot.fill(ann, mails)
    monkeypatch.setattr("mua.net.imap_reading.is_far", lambda sock: True)
    proxy = dovecot.proxy(dovecot.plan.imaps, dovecot.plan.imap_ip)
    proxy.delay = 0.01  # 1.6 MB a second
    connection = enter(dovecot, ann, proxy.port)
    connection.select("INBOX")
    first = {one.uid: one.body for one in connection.fetch_bodies(range(1, 47))}
    assert not connection.facts().compressed
    before = proxy.downstream
    again = {one.uid: one.body for one in connection.fetch_bodies(range(1, 47))}
    assert connection.facts().compressed
    assert again == first
    assert list(again.values()) == mails
    assert (proxy.downstream - before) * 4 < sum(map(len, mails))
    placed = connection.append("INBOX", mails[-1])
    assert placed is not None
    [back] = connection.fetch_bodies([placed.uids[0]])
    assert back.body == mails[-1]
    connection.log_out()


def test_a_line_on_this_computer_is_not(dovecot: Lab, ann: User) -> None:
    dovecot.fill(ann, [b"Subject: long\r\n\r\n" + b"words\r\n" * 100_000] * 4)
    connection = enter(dovecot, ann)
    connection.select("INBOX")
    for _ in range(2):
        assert len(list(connection.fetch_bodies(range(1, 5)))) == 4
    assert connection.wire.rate()
    assert not connection.facts().compressed
    connection.log_out()


@pytest.fixture
def here(dovecot: Lab, ann: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for name in ("POLL_SECONDS", "POLL_CHEAPLY", "IDLE_SECONDS"):
        monkeypatch.setattr(imap_worker, name, 600.0)  # nothing is found by looking now and then
    with desk(tmp_path / "profile", dovecot.plan.imap, ann.name, ann.password, ca_file=str(dovecot.ca)) as made:
        yield made


def mail(number: int) -> bytes:
    return f"From: Bo <bo@example.org>\r\nSubject: number {number}\r\nMessage-ID: <{number}@x>\r\n\r\nhi\r\n".encode()


def test_every_folder_is_watched(here: Desk, dovecot: Lab, ann: User) -> None:
    """A message, a flag, a deletion and a new folder, none of them in the inbox, made by another client."""
    here.sync()
    client = dovecot.imap(ann)
    client.append("Archive", "", None, mail(1))
    here.until(lambda: list(here.shown("Archive").values()) == ["number 1"], "the message in Archive")
    client.select("Archive")
    client.store("1", "+FLAGS", "(\\Flagged)")
    here.until(lambda: here.mirrored("Archive")[1][1] & Flag.FLAGGED != 0, "its flag")
    client.store("1", "+FLAGS", "(\\Deleted)")
    client.expunge()
    here.until(lambda: not here.shown("Archive"), "its end")
    client.create("Lists")
    here.until(lambda: "Lists" in [one.name for one in here.worker.shared.folders()], "the new folder")
    client.logout()
