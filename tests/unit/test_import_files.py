"""What an import reads: real files only, and an error a person understands for the rest."""

import os
import time
from pathlib import Path

import pytest

from mua.engine.files import messages_in
from mua.errors import MailError
from mua.model.message import Flag


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    folder = tmp_path / "maildir"
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "cur" / "1.x:2,S").write_bytes(b"Subject: one\r\n\r\n")
    return folder


def test_a_link_in_a_maildir_brings_nothing_in(maildir: Path, tmp_path: Path) -> None:
    secret = tmp_path / "id_ed25519"
    secret.write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    (maildir / "new" / "2.x").symlink_to(secret)
    os.mkfifo(maildir / "new" / "3.x")
    assert list(messages_in(maildir)) == [(b"Subject: one\r\n\r\n", Flag.SEEN)]


def test_a_folder_that_is_a_link_brings_nothing_in(maildir: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "id_ed25519").write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    (maildir / "new").rmdir()
    (maildir / "new").symlink_to(keys)
    assert list(messages_in(maildir)) == [(b"Subject: one\r\n\r\n", Flag.SEEN)]


@pytest.mark.parametrize(
    "mbox",
    [
        b"From a Mon Jan  1 00:00:00 2020\nContent-Length: 999999999\n\n"
        + b"From a Mon Jan  1 00:00:00 2020\n\n" * 100_000,
        b"From " + b"Mon Jan 1 " * 200_000 + b"\n",
    ],
)
def test_an_mbox_made_to_keep_us_busy_is_read_in_one_pass(mbox: bytes, tmp_path: Path) -> None:
    (tmp_path / "mbox").write_bytes(mbox)
    started = time.process_time()
    assert len(list(messages_in(tmp_path / "mbox"))) == 1
    assert time.process_time() - started < 10  # it was minutes


def test_what_never_ends_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path / "nothing"):
        with pytest.raises(MailError) as caught:
            list(messages_in(path))
        assert caught.value.code == "file-unreadable"
