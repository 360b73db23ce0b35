"""What the command line prints cannot drive the terminal, and what it writes is nobody else's to read."""

import contextlib
import os
import pty
import re
import subprocess
from pathlib import Path

from commands import Mua

HOSTILE = (
    b"From: =?utf-8?q?Evil=1B]0;owned=07?= <a\x1b[31m@example.org>\r\n"
    b"Subject: =?utf-8?q?hi=1B[2J=C2=9Bthere=0A1_*_2026_forged=E2=80=AE_row?=\r\nMessage-ID: <x\x1b[1m@example.org>\r\n"
    b"Date: Mon, 02 Nov 2026 10:00:00 +0100\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<p>body \x1b[31m&#27;[2J \xc2\x9b31m \xe2\x80\xaeover</p>\r\n"
)
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def test_no_control_character_of_a_mail_reaches_the_terminal(tmp_path: Path) -> None:
    mua, letter = Mua(tmp_path / "profile"), tmp_path / "hostile.eml"
    letter.write_bytes(HOSTILE)
    with mua.engine():
        mua.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
        mua.json("import", str(letter), "Inbox")
        shown = [mua.run("list", "Inbox"), mua.run("--json", "list", "Inbox"), mua.run("list", "No\x1b[2Jsuch")]
        shown += [mua.run("inspect", str(letter), *option) for option in ([], ["--html"], ["--json"])]
    for one in shown:
        said = (one.stdout + one.stderr).decode()
        assert said, one.args
        assert not ACTING.search(said), one.args
    assert len(shown[0].stdout.splitlines()) == 1, "a line end in a subject forged a row"


def test_the_source_is_whole_in_a_file_and_harmless_on_a_terminal(tmp_path: Path) -> None:
    mua, letter = Mua(tmp_path / "profile"), tmp_path / "hostile.eml"
    letter.write_bytes(HOSTILE)
    with mua.engine():
        mua.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
        mua.json("import", str(letter), "Inbox")
        (row,) = mua.json("list", "Inbox")
        source = mua.command("show", "--raw", row["id"])
        assert mua.run("show", "--raw", row["id"]).stdout == HOSTILE
        main, terminal = pty.openpty()
        subprocess.run(source, stdin=subprocess.DEVNULL, stdout=terminal, env=mua.settings(), check=True)
        os.close(terminal)
        said = b""
        with contextlib.suppress(OSError):  # EIO: nothing more, and nobody to write it
            while block := os.read(main, 1 << 16):
                said += block
        os.close(main)
    assert "Subject: =?utf-8?q?hi=1B[2J=C2=9Bthere" in said.decode()
    assert not ACTING.search(said.decode().replace("\r\n", "\n")), "a terminal writes its own line ends"


def test_the_files_of_a_profile_are_private_even_in_a_folder_that_is_not(tmp_path: Path) -> None:
    folder = tmp_path / "profile"
    folder.mkdir(mode=0o755)
    mua = Mua(folder)
    with mua.engine():
        mua.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
        open_to_others = [path.name for path in folder.rglob("*") if path.lstat().st_mode & 0o077]
    assert not open_to_others


def test_octets_that_are_no_text_are_a_sentence_in_every_argument(tmp_path: Path) -> None:
    mua = Mua(tmp_path / "profile")
    with mua.engine():
        mua.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
        assert mua.run("search", "caf\udce9").returncode == 0
        for words in (("list", "caf\udce9"), ("show", "\udce9"), ("act", "flag", "\udce9")):
            done = mua.run(*words)
            assert done.returncode in (1, 2), words
            assert b"Traceback" not in done.stderr, words
