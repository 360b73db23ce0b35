"""Two profiles of ours and somebody else's program on one mailbox at once: all come to show what the server has."""

import random
import ssl
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient
from lab import Filled, Lab, User, message, missing
from retrieval import Desk

from mua.model.account import Security, Server
from mua.model.message import Flag
from mua.store import mirror, read, write

pytestmark = pytest.mark.live
FOLDERS = ("INBOX", "Archive", "Trash")
FLAGS = (Flag.SEEN, Flag.FLAGGED)


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
def desks(dovecot: Lab, ann: User, tmp_path: Path) -> Iterator[list[Desk]]:
    server = Server("localhost", dovecot.plan.imap, Security.STARTTLS, ann.name)
    made = [Desk(tmp_path / name, server, ann.password, str(dovecot.ca)) for name in ("one", "two")]
    try:
        for desk in made:
            desk.worker.start()
        yield made
    finally:
        for desk in made:  # both have an account 1, whose threads have the same names
            desk.worker.stop()
        for desk in made:
            desk.worker.join(10)
        for desk in made:
            desk.close()


@pytest.fixture
def script(dovecot: Lab, ann: User) -> Iterator[IMAPClient]:
    client = IMAPClient("localhost", dovecot.plan.imap, ssl=False)
    client.starttls(ssl.create_default_context(cafile=str(dovecot.ca)))
    client.login(ann.name, ann.password)
    yield client
    client.logout()


def act_here(desk: Desk, dice: random.Random) -> None:
    """One wish of the person at this desk; nobody waits for it."""
    shown = list(desk.shown(dice.choice(FOLDERS)))
    if not shown:
        return
    some = dice.sample(shown, min(2, len(shown)))
    with desk.store.write(durable=True) as tx:
        if dice.random() < 0.5:
            pair = dice.sample([dice.choice(FLAGS), Flag(0)], 2)
            write.wish_flags(tx, some, pair[0], pair[1], int(time.time()))
        else:
            write.wish_move(tx, some, desk.folder(dice.choice(FOLDERS)).id, int(time.time()))
    desk.worker.poke()


def act_there(client: IMAPClient, dice: random.Random) -> set[str]:
    """One act of the other program; returns the subjects of what it deleted for ever."""
    client.select_folder(dice.choice(FOLDERS))
    uids = client.search()
    if not uids:
        return set()
    some = dice.sample(uids, min(2, len(uids)))
    what = dice.randrange(4)
    if what == 0:
        client.add_flags(some, [dice.choice([b"\\Seen", b"\\Flagged"])])
    elif what == 1:
        client.move(some, dice.choice(FOLDERS))
    elif what == 2:
        client.append("INBOX", message(f"appended {dice.random()}"))
    else:
        headers = client.fetch(some[:1], [b"BODY.PEEK[HEADER.FIELDS (SUBJECT)]"])
        client.add_flags(some[:1], [b"\\Deleted"])
        client.uid_expunge(some[:1])
        return {list(one.values())[-1].decode().partition(": ")[2].strip() for one in headers.values()}
    return set()


def settled(desk: Desk) -> None:
    """No wish is left, and everything was compared since."""
    for _ in range(10):
        desk.sync()
        if not mirror.wishes(desk.store.reader(), desk.account.id):
            desk.sync()
            return
    raise AssertionError(mirror.wishes(desk.store.reader(), desk.account.id))


@pytest.mark.parametrize("seed", [1, 2])
def test_three_programs_at_once(seed, dovecot, ann, desks, script):
    dice = random.Random(seed)
    dovecot.fill(ann, [Filled(message(f"number {number}")) for number in range(40)])
    for desk in desks:
        desk.sync()
    deleted: set[str] = set()
    for turn in range(60):
        actor = dice.randrange(4)
        if actor < 2:
            act_here(desks[actor], dice)
        elif actor == 2:
            deleted |= act_there(script, dice)
        else:
            dovecot.deliver(ann, message(f"arrived {turn}"))
    for desk in [*desks, *desks]:
        settled(desk)
    subjects: Counter[str] = Counter()
    for folder in FOLDERS:
        there = {
            uid: (raw, sum(bit for bit, name in ((1, "\\Seen"), (4, "\\Flagged")) if name in flags))
            for uid, (raw, flags) in dovecot.messages(ann, folder).items()
        }
        for desk in desks:
            assert {uid: (raw, flags & 5) for uid, (raw, flags) in desk.mirrored(folder).items()} == there, folder
        subjects.update(desks[0].shown(folder).values())
    assert max(subjects.values()) == 1
    assert {f"number {number}" for number in range(40)} - deleted <= set(subjects)
    for desk in desks:
        assert not read.problems(desk.store.reader())
