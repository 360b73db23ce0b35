"""The drop folder against those who write into it."""

import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mua.errors import MailError
from mua.model.submission import Submission
from mua.store import drop
from mua.store.drop import Refused

GIVEN = Submission("ann@example.org", ("bob@example.net",))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    bell = prepared(tmp_path / "drop")
    yield tmp_path / "drop"
    os.close(bell)


def prepared(folder: Path) -> int:
    bell = drop.prepare(folder)
    assert bell is not None
    return bell


def names(folder: Path, now: float | None = None) -> list[str]:
    return [one.name for one in drop.waiting(folder, time.time() if now is None else now)]


def text(folder: Path, name: str) -> str:
    try:
        with drop.opened(folder, name) as file:
            drop.read_first_line(file)
    except Refused as error:
        return str(error)
    return ""


def test_what_is_left_is_found_whole(folder: Path) -> None:
    name = drop.leave(folder, GIVEN, [b"Subject: x\r\n", b"\r\n", b"Hi\r\n"])
    [entry] = drop.waiting(folder, time.time())
    assert (entry.name, entry.uid) == (name, os.getuid())
    with drop.opened(folder, name) as file:
        assert drop.read_first_line(file) == GIVEN
        assert file.read() == b"Subject: x\r\n\r\nHi\r\n"
    drop.remove(folder, name)
    assert names(folder) == []


def test_only_the_engine_lists_it_and_reads_what_is_in_it(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o3733
    name = drop.leave(folder, GIVEN, [b"\r\n"])
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o640
    assert (folder / name).stat().st_gid == folder.stat().st_gid


def test_a_submission_that_breaks_off_leaves_nothing(folder: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"x"
        raise MemoryError

    with pytest.raises(MemoryError):
        drop.leave(folder, GIVEN, blocks())
    assert [path.name for path in folder.iterdir()] == ["bell"]


def test_without_a_folder_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(MailError) as caught:
        drop.leave(tmp_path / "nowhere", GIVEN, [b"\r\n"])
    assert caught.value.code == "no-drop"


def test_ringing_wakes_the_engine_and_never_waits(folder: Path) -> None:
    bell = prepared(folder)
    try:
        drop.ring(folder)
        assert os.read(bell, 10) == b"!"
        for _ in range(100_000):  # a pipe holds 64 KB
            drop.ring(folder)
    finally:
        os.close(bell)


def test_a_bell_of_somebody_else_is_not_rung(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("0123456789")
    (folder / "bell").unlink()
    (folder / "bell").symlink_to(target)
    drop.ring(folder)
    (folder / "bell").unlink()
    os.link(target, folder / "bell")
    drop.ring(folder)
    assert target.read_text() == "0123456789"
    os.close(prepared(folder))
    assert stat.S_ISFIFO((folder / "bell").lstat().st_mode)


def test_a_folder_in_the_place_of_the_bell_is_moved_away(folder: Path) -> None:
    (folder / "bell").unlink()
    (folder / "bell" / "x").mkdir(parents=True)
    if os.geteuid() == 0:
        os.chown(folder / "bell", 1234, -1)
    bell = prepared(folder)
    try:
        drop.ring(folder)
        assert os.read(bell, 10) == b"!"
    finally:
        os.close(bell)


def test_links_fifos_sockets_and_folders_are_not_followed_and_go(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b'{"version":1,"sender":"","recipients":["a@b"]}\nsecret')
    name = "0" * 31
    (folder / f"{name}1").symlink_to(secret)
    os.mkfifo(folder / f"{name}2")
    (folder / f"{name}3").mkdir()
    (folder / f"{name}4").mkdir()
    (folder / f"{name}4" / "x").touch()
    os.mknod(folder / f"{name}5", stat.S_IFSOCK | 0o600)
    for one in range(1, 6):
        with pytest.raises((Refused, OSError)):  # noqa: SIM117
            with drop.opened(folder, f"{name}{one}") as file:
                drop.read_first_line(file)
    assert names(folder) == []
    assert sorted(path.name for path in folder.iterdir()) == [f"{name}4", "bell"]
    assert secret.exists()


def test_a_file_with_another_name_is_somebody_elses(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b'{"version":1,"sender":"","recipients":["a@b"]}\nsecret')
    os.link(secret, folder / ("a" * 32))
    assert text(folder, "a" * 32) == "it has another name elsewhere"


def test_a_file_that_was_moved_here_was_not_submitted_by_its_owner(folder: Path, tmp_path: Path) -> None:
    others = [one for one in (1234, *os.getgroups()) if one != folder.stat().st_gid]
    moved = tmp_path / "report"
    moved.write_bytes(b'{"version":1,"sender":"","recipients":["a@b"]}\n')
    os.chown(moved, -1, others[0] if os.geteuid() == 0 else others[-1])
    moved.rename(folder / ("a" * 32))
    assert text(folder, "a" * 32) == "it was not written in this folder"


def test_a_giant_is_not_read(folder: Path) -> None:
    with (folder / ("b" * 32)).open("wb") as file:
        file.truncate(1 << 40)
    assert text(folder, "b" * 32) == "it is too large"


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\n", b"x" * (2 << 20), b"[]\n", b"{}\n", b"[" * 100_000 + b"\n", b"\xff\n",
        b'{"version":2,"sender":"","recipients":["a@b"]}\n', b'{"version":1,"sender":1,"recipients":["a@b"]}\n',
        b'{"version":1,"sender":"","recipients":[]}\n', b'{"version":1,"sender":"","recipients":[1]}\n',
        b'{"version":1,"sender":"","recipients":"a@b"}\n',
    ],
)  # fmt: skip
def test_a_first_line_that_is_not_ours_is_refused(folder: Path, line: bytes) -> None:
    (folder / ("c" * 32)).write_bytes(line)
    assert text(folder, "c" * 32) == "its first line is not Mua's"


def test_a_folder_full_of_one_users_files_is_looked_at_in_part(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drop, "MOST_OF_USER", 5)
    for number in range(20):
        (folder / f"{number:032x}").touch()
    assert len(names(folder)) == 5


def test_what_was_never_finished_goes_after_a_day(folder: Path) -> None:
    (folder / f".{'d' * 32}").touch()
    (folder / "README").touch()
    assert names(folder) == []
    assert len(list(folder.iterdir())) == 3
    assert names(folder, time.time() + 2 * 86400) == []
    assert [path.name for path in folder.iterdir()] == ["bell"]
