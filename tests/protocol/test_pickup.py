"""The pick-up: what lies in the drop folder is queued once, whatever happens."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from post_office import PostOffice

from mua.engine import pickup
from mua.engine.pickup import PickUp, make_account
from mua.model.account import Route
from mua.model.submission import Submission
from mua.store import drop, outbox, read


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    with PostOffice(tmp_path / "profile") as post:
        yield post


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "drop"


def leave(folder: Path, *recipients: str, sender: str = "ann@example.org", body: bytes = b"Hi\r\n") -> str:
    folder.mkdir(exist_ok=True)
    head = b"From: ann@example.org\r\nSubject: x\r\nDate: Mon, 30 Nov 2026 02:32:41 +0000\r\nMessage-ID: <a@b>\r\n"
    return drop.leave(folder, Submission(sender, recipients or ("bob@example.net",)), [head, b"\r\n", body])


def picking(post: PostOffice, folder: Path, queued: Callable[[], None] = lambda: None) -> PickUp:
    return PickUp(post.context, folder, queued)


def test_it_is_queued_as_it_was_given_with_who_gave_it(office: PostOffice, folder: Path) -> None:
    name, told = leave(folder, "bob@example.net", "carol@example.net"), []
    assert not picking(office, folder, lambda: told.append(1)).look()
    [one] = office.outbox()
    assert told == [1]
    assert (one.envelope_from, [to.address for to in one.recipients]) == (
        "ann@example.org", ["bob@example.net", "carol@example.net"],
    )  # fmt: skip
    assert one.route is Route.DIRECT
    db = office.store.reader()
    assert db.row("SELECT uid, submission, sent_copy FROM outgoing") == (os.getuid(), name, "none")
    wire = outbox.wire_path(office.profile, str(db.value("SELECT wire_file FROM outgoing"))).read_bytes()
    trace, _, rest = wire.partition(b"From: ")
    assert f"from userid {os.getuid()})\r\n id {name};".encode() in trace
    assert rest.startswith(b"ann@example.org\r\nSubject: x\r\n")
    assert [path.name for path in folder.iterdir()] == ["bell"]


def test_a_large_message_is_never_whole_in_memory(office: PostOffice, folder: Path) -> None:
    body = b"0123456789abcdef" * 4 + b"\r\n"
    leave(folder, body=body * (18 << 14))
    picking(office, folder).look()
    [one] = office.outbox()
    assert one.size > 18 << 20
    wire = outbox.wire_path(office.profile, str(office.store.reader().value("SELECT wire_file FROM outgoing")))
    assert wire.read_bytes().endswith(b"\r\n\r\n" + body * (18 << 14))


@pytest.mark.parametrize(
    "sender, recipients",
    [
        ("not an address", ("a@b.test",)),
        ("", ("x\r\nRCPT TO:<y@z>",)),
        ("a@b.test", tuple(f"{n}@b" for n in range(1001))),
    ],
)
def test_what_our_own_sendmail_would_not_leave_is_thrown_away(
    office: PostOffice, folder: Path, sender: str, recipients: tuple[str, ...]
) -> None:
    leave(folder, *recipients, sender=sender)
    leave(folder, body=b"a" * 2000 + b"\0\r\n")
    picking(office, folder).look()
    assert [path.name for path in folder.iterdir()] == ["bell"]
    assert len(office.outbox()) <= 1  # what can be mended is


def test_users_take_turns_and_one_who_has_too_much_waits(
    office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid():
        pytest.skip("files of other users need root")
    monkeypatch.setattr(pickup, "PER_USER", 3)
    greedy = [leave(folder) for _ in range(5)]
    for name in greedy:
        os.chown(folder / name, 1234, -1)
    modest = leave(folder)
    os.chown(folder / modest, 1235, -1)
    it = picking(office, folder)
    it.look()
    db = office.store.reader()
    uids = [row[0] for row in db.rows("SELECT uid FROM outgoing ORDER BY id")]
    assert uids == [1234, 1235, 1234, 1234]
    assert len(list(folder.iterdir())) == 3  # two wait, and the bell
    it.look()
    assert len(office.outbox()) == 4
    with office.store.write(durable=True) as tx:
        outbox.cancel(tx, office.outbox()[-1].id, (), office.clock)
    it.look()
    assert len(office.outbox()) == 5


def test_a_user_with_too_many_octets_waits(office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid():
        pytest.skip("files of other users need root")
    monkeypatch.setattr(pickup, "PER_USER_OCTETS", 100_000)
    it = picking(office, folder)
    for _ in range(3):
        os.chown(folder / leave(folder, body=b"x" * 70 + b"\r\n" * 1 + b"y\r\n" * 20_000), 1234, -1)
        it.look()
    assert len(office.outbox()) == 2
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_every_commit_it_loses_and_doubles_nothing(tmp_path: Path, folder: Path, after: bool) -> None:
    """The one commit is the queueing; death before it, after it (the file is there still), and after the removal."""
    for die_at in (1, 2, 3):
        with PostOffice(tmp_path / f"profile-{die_at}-{after}") as post:
            leave(folder)
            leave(folder)
            it = picking(post, folder)  # the account is made before anybody dies
            post.store.die_at, post.store.die_after = post.store.commits + die_at, after
            if die_at < 3:
                with pytest.raises(SystemExit):
                    it.look()
            else:
                it.look()
            post.restart()
            picking(post, folder).look()
            assert len(post.outbox()) == 2
            files = [path for path in post.profile.big.iterdir() if path.name.startswith(outbox.PREFIX)]
            assert len(files) == 2
        assert [path.name for path in folder.iterdir()] == ["bell"]


def test_a_full_disk_keeps_it_where_it_is(office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mua.errors import MailError
    from mua.store.db import disk_full

    leave(folder)
    it = picking(office, folder)

    def full(*_: object, **__: object) -> None:
        raise disk_full("no space")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_write_files", full)
        with pytest.raises(MailError):
            it.look()
    assert len(list(folder.iterdir())) == 2
    it.look()
    assert len(office.outbox()) == 1


def test_the_account_is_made_once(office: PostOffice) -> None:
    make_account(office.store)
    make_account(office.store)
    found = read.account_named(office.store.reader(), "system")
    assert found is not None and found.route is Route.DIRECT
