"""The pick-up: what lies in the drop folder is queued once, whatever happens."""

import errno
import fcntl
import json
import os
import signal
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from post_office import PostOffice

from mua.engine import pickup
from mua.engine.pickup import PickUp, make_account
from mua.errors import Kind, MailError, Retry
from mua.mime.freeze import Frozen
from mua.model.account import Route
from mua.model.submission import Submission
from mua.store import dispatch, drop, outbox, queue, read, wire_files


@pytest.fixture
def office(tmp_path: Path) -> Iterator[PostOffice]:
    with PostOffice(tmp_path / "profile") as post:
        yield post


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "drop"


@pytest.fixture
def refusing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mail to prog@here.test is refused at once."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "mailname").write_text("here.test\n")
    (tmp_path / "etc" / "aliases").write_text("prog: |/bin/true\n")
    monkeypatch.setenv("MUA_ETC", str(tmp_path / "etc"))


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
    wire = wire_files.wire_path(office.profile, str(db.value("SELECT wire_file FROM outgoing"))).read_bytes()
    trace, _, rest = wire.partition(b"From: ")
    assert f"from userid {os.getuid()})\r\n id {name};".encode() in trace
    assert rest.startswith(b"ann@example.org\r\nSubject: x\r\n")
    assert [path.name for path in folder.iterdir()] == ["bell"]


@pytest.mark.log_warning("leads to nobody")
def test_mail_for_nobody_is_refused_and_for_dev_null_is_gone(
    office: PostOffice, folder: Path, refusing: None, tmp_path: Path
) -> None:
    (tmp_path / "list").write_text("# nobody yet\n")
    (tmp_path / "etc" / "aliases").write_text(f"trash: /dev/null\nvoid: :include:{tmp_path}/list\n")
    for to in ("trash@here.test", "void@here.test"):
        leave(folder, to)
    pickup = picking(office, folder)
    pickup.look()
    assert [path.name for path in folder.iterdir()] == ["bell"]
    [one] = office.outbox()
    [void] = one.recipients
    assert (void.address, void.state) == ("void@here.test", "refused")
    assert queue.length(office.store.reader()) == (0, 0, 0)
    assert 'mua_submissions_total{outcome="discarded"} 1' in office.context.tally.text(office.store.reader(), 0)
    leave(folder, "void@here.test", sender="trash@here.test")
    pickup.look()
    pickup.settle()
    assert [one.envelope_from for one in office.outbox()] == ["", "trash@here.test", "ann@example.org"]  # one report


def test_a_large_message_is_never_whole_in_memory(office: PostOffice, folder: Path) -> None:
    body = b"0123456789abcdef" * 4 + b"\r\n"
    leave(folder, body=body * (18 << 14))
    picking(office, folder).look()
    [one] = office.outbox()
    assert one.size > 18 << 20
    wire = wire_files.wire_path(office.profile, str(office.store.reader().value("SELECT wire_file FROM outgoing")))
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
        dispatch.cancel(tx, office.outbox()[-1].id, (), office.clock)
    it.settle()
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


def test_octets_are_counted_within_a_look_too(
    office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pickup, "PER_USER_OCTETS", 100_000)
    it = picking(office, folder)
    for number in range(5):
        of_user(raw(folder, f"{number:032}", body=b"y\r\n" * 20_000))
    it.look()
    assert (len(office.outbox()), len(left(folder))) == (2, 3)


@pytest.mark.usefixtures("refusing")
@pytest.mark.log_warning("hands mail to a program")
def test_what_failed_is_kept_within_bounds(office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "MOST_KEPT_OCTETS", 150_000)
    it = picking(office, folder)
    for number in range(5):
        raw(folder, f"{number:032}", recipients=["prog@here.test"], sender="", body=b"y\r\n" * 20_000)
    it.look()
    assert outbox.waiting_of(office.store.reader(), os.getuid(), 100)[0] == 5  # until they are settled
    it.settle()
    assert outbox.waiting_of(office.store.reader(), os.getuid(), 100) == (0, 0)
    files = [path for path in office.profile.big.iterdir() if path.name.startswith(wire_files.PREFIX)]
    assert len(files) == 2
    assert wire_files.sweep(office.store.reader(), office.profile) == 0
    newest, *_, oldest = office.outbox()
    with office.store.write() as tx:
        assert dispatch.retry(tx, oldest.id, (), office.clock) == 0  # there is nothing left to be sent
        assert dispatch.retry(tx, newest.id, (), office.clock) == 1


@pytest.mark.usefixtures("refusing")
@pytest.mark.log_warning("hands mail to a program")
def test_what_is_over_is_known_within_bounds(office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "MOST_KEPT", 2)
    monkeypatch.setattr(dispatch, "MOST_OVER", 3)
    it = picking(office, folder)
    for number in range(9):
        head = HEAD + b"Subject: " + b"many words\r\n " * 9000 + b"\r\n"
        of_user(raw(folder, f"{number:032}", recipients=["prog@here.test"], sender="", head=head))
    it.look()
    assert {len(one.subject) for one in office.outbox()} == {dispatch.MAX_SUBJECT}
    it.settle()
    assert len(office.outbox()) == 5
    assert office.store.reader().value("SELECT count(*) FROM recipient") == 5


@pytest.mark.usefixtures("refusing")
@pytest.mark.log_warning("hands mail to a program")
def test_a_report_takes_the_room_of_who_is_told(
    office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pickup, "PER_USER", 2)
    it = picking(office, folder)
    for number in range(5):
        of_user(raw(folder, f"{number:032}", recipients=["prog@here.test"], sender="ann@slow.test"))
    for _ in range(3):
        it.look()
        it.settle()
    assert len(office.outbox()) == 4  # two, and their reports, which wait
    assert len(left(folder)) == 3


def test_a_file_that_grew_since_it_was_listed_has_another_turn(
    office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = picking(office, folder)
    path = raw(folder, "0" * 32)
    listed = drop.waiting

    def then_grown(*given: Any) -> list[drop.Entry]:
        found = listed(*given)
        with path.open("ab") as file:
            file.write(b"x\r\n")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(drop, "waiting", then_grown)
        it.look()
    assert (office.outbox(), left(folder)) == ([], [path.name])
    it.look()
    assert left(folder) == []


def test_with_little_of_the_disk_left_only_root_submits(
    office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pickup, "MIN_FREE", 1 << 62)
    it = picking(office, folder)
    waits = of_user(raw(folder, "0" * 32))
    if os.geteuid() == 0:
        raw(folder, "1" * 32)
    it.look()
    assert left(folder) == [waits.name]
    monkeypatch.setattr(pickup, "MIN_FREE", 0)
    it.look()
    assert left(folder) == []


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
            files = [path for path in post.profile.big.iterdir() if path.name.startswith(wire_files.PREFIX)]
            assert len(files) == 2
        assert [path.name for path in folder.iterdir()] == ["bell"]


def test_a_full_disk_keeps_it_where_it_is(office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mua.store.db import disk_full

    leave(folder)
    it = picking(office, folder)

    def full(*_: object, **__: object) -> None:
        raise disk_full("no space")

    with monkeypatch.context() as patch:
        patch.setattr(wire_files, "write_frozen", full)
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


HEAD = b"From: a@example.org\r\nDate: Mon, 30 Nov 2026 02:32:41 +0000\r\nMessage-ID: <a@b>\r\n"


def left(folder: Path) -> list[str]:
    """What is in the folder beside the bell."""
    return sorted(path.name for path in folder.iterdir() if path.name != drop.BELL)


def raw(folder: Path, name: str, *, head: bytes = HEAD, body: bytes = b"Hi\r\n", **told: object) -> Path:
    """A file as somebody writes it by hand."""
    line = {"version": 1, "sender": "ann@example.org", "recipients": ["bob@example.net"]} | told
    path = folder / name
    path.write_bytes(json.dumps(line).encode() + b"\n" + head + b"\r\n" + body)
    return path


def of_user(path: Path) -> Path:
    """The file is some user's, and not root's."""
    if os.geteuid() == 0:
        os.chown(path, 1234, -1)
    return path


def test_a_subject_that_no_store_takes_is_made_harmless(office: PostOffice, folder: Path) -> None:
    it = picking(office, folder)
    raw(folder, "0" * 32, head=HEAD + b"Subject: a =?utf-7?q?+2AA-?= b\r\n")
    it.look()
    [one] = office.outbox()
    assert one.subject.isprintable() and one.subject.startswith("a")
    assert left(folder) == []


@pytest.mark.parametrize("address", ["\ud800@example.org", '"\udcfc"@example.org', "us\udcfcr@example.org"])
def test_an_address_that_no_store_takes_is_refused(office: PostOffice, folder: Path, address: str) -> None:
    it = picking(office, folder)
    raw(folder, "0" * 32, sender=address)
    raw(folder, "1" * 32, recipients=[address])
    it.look()
    assert (office.outbox(), left(folder)) == ([], [])


@pytest.mark.log_warning("made the engine fail")
def test_what_makes_the_engine_fail_is_set_aside_and_the_thread_lives(
    office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = pickup.freeze

    def fragile(pieces: Any, **options: Any) -> Frozen:
        if b"X-Poison" in pieces[0]:
            raise RuntimeError("a mistake")
        return real(pieces, **options)

    monkeypatch.setattr(pickup, "freeze", fragile)
    monkeypatch.setattr(drop, "MOST_ASIDE", 2)
    it = picking(office, folder)
    (folder / drop.ASIDE).mkdir()  # a user's, who would like to have it: only as root is it somebody else's here
    if os.geteuid() == 0:
        os.chown(folder / drop.ASIDE, 1234, -1)
    (folder / drop.ASIDE / "x").touch()
    for number in range(3):
        raw(folder, f"{number:032}", head=b"X-Poison: 1\r\n" + HEAD)
    it.start()
    try:
        leave(folder)
        office.until(office.outbox)
        leave(folder)
        office.until(lambda: len(office.outbox()) == 2)
    finally:
        it.stop()
    kept = {path.name for path in (folder / drop.ASIDE).iterdir()}
    assert len(kept) == 2
    assert f"{2:032}" in kept
    assert stat.S_IMODE((folder / drop.ASIDE).stat().st_mode) & 0o077 == 0 or os.geteuid()


@pytest.mark.log_warning("a look into the drop folder failed")
def test_the_thread_outlives_whatever_a_look_raises(
    office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, failed = picking(office, folder), threading.Event()
    real = drop.waiting

    def once(*given: Any) -> list[drop.Entry]:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("a mistake")
        return real(*given)

    monkeypatch.setattr(drop, "waiting", once)
    it.start()
    try:
        assert failed.wait(10)
        leave(folder)
        office.until(office.outbox)
    finally:
        it.stop()


def test_a_file_that_its_owner_holds_keeps_nobody_else(office: PostOffice, folder: Path) -> None:
    """A lease: to open the file says EAGAIN, for as long as its owner likes (fcntl(2))."""
    it = picking(office, folder)
    evil = raw(folder, "f" * 32)
    os.utime(evil, (0, 0))
    handle = os.open(evil, os.O_WRONLY)
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        good = leave(folder)
        it.look()
        assert left(folder) == [evil.name]
        assert office.store.reader().value("SELECT submission FROM outgoing") == good
    finally:
        os.close(handle)
        signal.signal(signal.SIGIO, before)
    it.look()
    assert left(folder) == [evil.name]  # not yet again
    office.clock += 10
    it.look()
    assert left(folder) == []


def test_without_a_bell_it_works_and_ends(office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    leave(folder)
    with monkeypatch.context() as patch:
        patch.setattr(os, "mkfifo", full)
        it = picking(office, folder)
    it.start()
    office.until(office.outbox)
    it.stop()
    assert left(folder) == []


def test_who_rings_without_end_keeps_nobody_waiting(office: PostOffice, folder: Path) -> None:
    it = picking(office, folder)
    argv = ["dd", "if=/dev/zero", f"of={folder / drop.BELL}", "bs=64k", "status=none"]
    ringers = [subprocess.Popen(argv) for _ in range(4)]
    try:
        it.start()
        for number in range(3):
            leave(folder)
            office.until(lambda number=number: len(office.outbox()) > number)
    finally:
        it.stop()
        for one in ringers:
            one.kill()
            one.wait()


@pytest.mark.parametrize("grows", [False, True])
def test_a_file_that_changes_while_it_is_copied_is_refused(
    office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch, grows: bool
) -> None:
    it = picking(office, folder)
    path = raw(folder, "0" * 32, body=(b"y" * 76 + b"\r\n") * (17 * 13444))  # more than is read at once
    traced = pickup.received

    def meanwhile(*given: Any) -> bytes:
        with path.open("ab") as file:
            file.write(b"x\r\n") if grows else file.truncate(file.tell() - 3)
        return traced(*given)

    monkeypatch.setattr(pickup, "received", meanwhile)
    it.look()
    assert (office.outbox(), left(folder)) == ([], [])
    assert [one.name for one in office.profile.big.iterdir()] == []


def test_what_cannot_be_read_goes_after_a_day(
    office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = picking(office, folder)
    for number in range(3):
        raw(folder, f"{number:032}").chmod(0)
    if os.geteuid() == 0:  # whom no mode keeps out

        def closed(*_: object) -> None:
            raise PermissionError(errno.EACCES, "closed")

        monkeypatch.setattr(drop, "opened", closed)
    said: list[str] = []
    monkeypatch.setattr(pickup.ENGINE, "info", lambda text, *values: said.append(text % values))
    for _ in range(2):
        it.look()
        office.clock += 3600
    assert len(left(folder)) == 3
    assert len(said) == 1
    monkeypatch.setattr(drop, "STALE", 0)
    it.look()
    assert left(folder) == []


@pytest.mark.parametrize("head", [b"Subject: x\r\n", HEAD + b"from: b@bank.test\r\n", HEAD + b"Received: x\r\n" * 51])
def test_what_sendmail_refuses_is_refused_here_too(office: PostOffice, folder: Path, head: bytes) -> None:
    it = picking(office, folder)
    raw(folder, "0" * 32, head=head)
    it.look()
    assert (office.outbox(), left(folder)) == ([], [])


def test_a_message_that_cannot_be_signed_keeps_nobody_else(office: PostOffice, folder: Path) -> None:
    locked = True

    def sign(head: bytes) -> None:
        if locked and b"locked@" in head:
            raise MailError(Kind.LOCAL, Retry.ASK, "The key cannot be had.", code="locked")

    it = PickUp(office.context, folder, lambda: None, sign)
    waits = raw(folder, "0" * 32, head=HEAD.replace(b"a@", b"locked@"))
    os.utime(waits, (0, 0))
    leave(folder)
    it.look()
    assert left(folder) == [waits.name]
    assert len(office.outbox()) == 1
    locked = False
    office.clock += 10
    it.look()
    assert (left(folder), len(office.outbox())) == ([], 2)


@pytest.mark.parametrize("full", [False, True])
def test_a_folder_in_a_files_place_keeps_nobody_else(
    office: PostOffice, folder: Path, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    it = picking(office, folder)
    leave(folder)
    found = drop.waiting(folder, 0)
    (folder / ("d" * 32)).mkdir()
    if full:
        (folder / ("d" * 32) / "x").touch()
    swapped = replace(found[0], name="d" * 32)
    monkeypatch.setattr(drop, "waiting", lambda *_: [swapped, *found])
    it.look()
    assert not (folder / ("d" * 32)).exists()
    assert len(office.outbox()) == 1
