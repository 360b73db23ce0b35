"""The demo server as a process: it starts, keeps its mailbox, hides its password and ends with its parent."""

import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import imapclient
import pytest

from mua.demo import process
from mua.demo.files import Files
from mua.demo.mailbox import Mailbox, Refused
from mua.errors import Kind, MailError

ROOT = Path(__file__).resolve().parents[2]
PARENT = """
import pathlib, sys, time
from mua.demo import process
print(process.start(pathlib.Path(sys.argv[1])).process.pid, flush=True)
time.sleep(60)
"""


def connect(server: process.DemoServer) -> imapclient.IMAPClient:
    client = imapclient.IMAPClient("127.0.0.1", server.imap_port, ssl=False, timeout=10)
    client.login(server.user, server.password)
    return client


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that a first start has filled."""
    directory = tmp_path_factory.mktemp("demo") / "first"
    server = process.start(directory)
    server.close()
    assert server.process.returncode == 0
    return directory


@pytest.fixture
def directory(seeded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(seeded, tmp_path / "demo"))


def test_a_restart_keeps_uids_flags_folders_and_what_came(directory: Path) -> None:
    server = process.start(directory)
    client = connect(server)
    before = client.select_folder("INBOX")
    client.add_flags([2], [b"\\Flagged", b"$Forwarded", b"a.b+c"])
    client.delete_messages([1])
    client.expunge([1])
    client.create_folder("Neu/Ordner")
    client.append("INBOX", b"Subject: kept\r\n\r\nyes\r\n", [b"\\Seen"])
    expected = client.fetch(client.search("ALL"), ["FLAGS", "INTERNALDATE", "BODY.PEEK[]", "MODSEQ"])
    client.shutdown()
    os.kill(server.process.pid, signal.SIGKILL)
    server.close()

    again = process.start(directory)
    assert again.password != server.password
    client = connect(again)
    after = client.select_folder("INBOX")
    assert after[b"UIDVALIDITY"] == before[b"UIDVALIDITY"]
    assert client.fetch(client.search("ALL"), ["FLAGS", "INTERNALDATE", "BODY.PEEK[]", "MODSEQ"]) == expected
    assert client.folder_exists("Neu/Ordner")
    assert after[b"UIDNEXT"] == before[b"UIDNEXT"] + 1
    client.logout()
    again.close()


def test_the_password_is_in_no_process_list(directory: Path) -> None:
    server = process.start(directory)
    listed = subprocess.run(["ps", "-ww", "eax"], capture_output=True, text=True, check=True).stdout
    assert "demo-server" in listed
    assert server.password not in listed
    assert server.password not in repr(server)
    server.close()


def test_ctrl_c_in_the_terminal_is_left_to_the_parent(directory: Path) -> None:
    server = process.start(directory)
    server.process.send_signal(signal.SIGINT)
    connect(server).logout()
    assert server.alive
    server.close()
    assert server.process.returncode == 0


def test_it_ends_when_its_parent_is_killed(directory: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(directory)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    watch = os.pidfd_open(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    ended = select.select([watch], [], [], 10)[0]  # a pidfd is readable once its process has ended
    os.close(watch)
    assert ended, "the demo server outlived its parent"


def test_a_directory_that_cannot_be_written_is_a_plain_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(MailError) as failure:
        process.start(tmp_path / "file" / "demo")
    assert failure.value.kind is Kind.LOCAL
    assert failure.value.code == "demo-failed"


def test_an_unfinished_seeding_is_started_again(directory: Path) -> None:
    total = sum(len(folder.messages) for folder in Mailbox(directory).folders.values())
    (directory / "seeded").unlink()
    next(directory.glob("0001/*.eml")).unlink()
    server = process.start(directory)
    server.close()
    assert sum(len(folder.messages) for folder in Mailbox(directory).folders.values()) == total


def test_a_mailbox_killed_between_two_writes_still_loads(tmp_path: Path) -> None:
    mailbox = Mailbox(tmp_path)
    inbox = mailbox.find("INBOX")
    first, second = inbox.add(b"one", 1), inbox.add(b"two", 2)
    Files(tmp_path).mark_seeded()
    assert first.path is not None
    assert second.path is not None
    kept = second.path.read_bytes()
    inbox.expunge([second.uid])
    second.path.write_bytes(kept)  # killed after the record of the end, before the removal
    (tmp_path / "0001" / "9.9.9..eml.new").write_bytes(b"hal")  # killed while writing
    (tmp_path / "0007").mkdir()  # killed while making a folder
    again = Mailbox(tmp_path)
    assert list(again.folders) == ["INBOX"]
    assert list(again.find("INBOX").messages) == [first.uid]
    assert again.find("INBOX").uidnext == second.uid + 1


def test_names_and_flags_that_cannot_be_are_refused() -> None:
    mailbox = Mailbox()
    for name in ("", "/", "a//b", "x" * 201, "a%b", "a\nb", "/".join("abcdefghijkl"), "inbox"):
        with pytest.raises(Refused):
            mailbox.create(name)
    with pytest.raises(Refused, match="LIMIT"):
        mailbox.find("INBOX").add(b"", 0, [f"$keyword-{number}" for number in range(40)])
