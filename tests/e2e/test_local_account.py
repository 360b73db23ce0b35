"""A local account through the command line: every command that needs no server, and the engine's life around it."""

import contextlib
import mailbox
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Mua

LETTER = (
    b"From: Tomas Ferreira <tomas@example.org>\r\nTo: Maya <maya@example.org>\r\nSubject: =?utf-8?q?Caf=C3=A9?= %d\r\n"
    b"Date: Mon, 02 Nov 2026 10:%02d:00 +0100\r\nMessage-ID: <%d@example.org>\r\n\r\nThe venue is booked.\r\n%s"
)
ATTACHED = (
    b"From: tomas@example.org\r\nSubject: with a file\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n"
    b"\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee there\r\n--b\r\nContent-Type: application/pdf\r\n"
    b'Content-Disposition: attachment; filename="../plan.pdf"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n--b--\r\n"
)


def letter(number: int) -> bytes:
    return LETTER % (number, number, number, b"From me\r\n>From you\r\n")


def fill(mua: Mua, folder: Path) -> None:
    mua.json("account", "add", "--name", "home", "--email", "maya@example.org", "--local")
    for number in range(3):
        (folder / f"{number}.eml").write_bytes(letter(number))
    files = [str(folder / f"{number}.eml") for number in range(3)]
    told = mua.json("import", *files, "Inbox")
    assert (told["found"], told["imported"], told["lost"]) == (3, 3, 0)


@pytest.fixture
def mua(tmp_path: Path) -> Iterator[Mua]:
    """A profile with three letters and a running engine, which the commands join."""
    found = Mua(tmp_path / "profile")
    with found.engine():
        fill(found, tmp_path)
        yield found


@pytest.fixture
def quiet(tmp_path: Path) -> Mua:
    """The same without an engine: each command that needs one starts its own."""
    found = Mua(tmp_path / "profile")
    fill(found, tmp_path)
    return found


def ids(mua: Mua, folder: str = "Inbox") -> list[str]:
    return [str(one["id"]) for one in mua.json("list", folder)]


def test_folders_have_roles_and_counts(mua: Mua) -> None:
    found = {one["role"]: one for one in mua.json("folders")}
    assert set(found) == {"inbox", "drafts", "sent", "archive", "junk", "trash"}
    assert (found["inbox"]["total"], found["inbox"]["unread"], found["inbox"]["account"]) == (3, 3, "home")


def test_a_list_is_newest_first_and_complete(mua: Mua) -> None:
    listed = mua.json("list", "Inbox")
    assert [one["subject"] for one in listed] == ["Café 2", "Café 1", "Café 0"]
    first = listed[0]
    assert first["from"] == [{"name": "Tomas Ferreira", "address": "tomas@example.org"}]
    assert first["date"] == "2026-11-02T09:02:00Z"
    assert first["folder"] == "INBOX"
    assert len(mua.json("list", "inbox", "--limit", "2")) == 2


def test_show_gives_the_very_bytes(mua: Mua) -> None:
    assert mua.run("show", ids(mua)[0], "--raw").stdout == letter(2)
    shown = mua.json("show", ids(mua)[0])
    assert shown["text"].startswith("The venue is booked.")
    assert shown["message_id"] == "2@example.org"


def test_inspect_and_save_an_attachment_safely(mua: Mua, tmp_path: Path) -> None:
    path = tmp_path / "attached.eml"
    path.write_bytes(ATTACHED)
    (attached,) = mua.json("inspect", str(path))["attachments"]
    assert (attached["part"], attached["name"], attached["type"], attached["size"]) == (
        "2",
        "plan.pdf",
        "application/pdf",
        4,
    )
    mua.json("import", str(path), "Inbox")
    one = next(one for one in mua.json("list", "Inbox") if one["subject"] == "with a file")
    assert one["has_attachments"]
    for expected in ("plan.pdf", "plan (2).pdf"):
        saved = mua.json("save", one["id"], "2", str(tmp_path / "saved"))
        assert Path(saved["path"]) == tmp_path / "saved" / expected
        assert Path(saved["path"]).read_bytes() == b"%PDF"


def test_search_after_a_sync(mua: Mua) -> None:
    rows = mua.json("sync", "--until-complete")
    inbox = next(one for one in rows if one["folder"] == "INBOX")
    assert (inbox["in_store"], inbox["with_body"], inbox["indexed"]) == (3, 3, 3)
    assert [one["subject"] for one in mua.json("search", "cafe", "venue")] == ["Café 2", "Café 1", "Café 0"]
    assert mua.json("search", "nowhere") == []


def test_acts_and_undo(mua: Mua) -> None:
    newest = ids(mua)[0]
    mua.json("act", "flag", newest)
    mua.json("act", "read", newest)
    assert set(mua.json("list", "Inbox")[0]["flags"]) == {"\\Seen", "\\Flagged"}
    mua.json("act", "archive", newest)
    assert ids(mua, "archive") == [newest]
    mua.json("undo")
    assert ids(mua, "archive") == []
    mua.json("act", "move", newest, "--to", "Trash")
    mua.json("act", "delete", newest)
    assert ids(mua, "Trash") == []
    assert len(ids(mua)) == 2


def test_import_and_export_lose_no_byte(mua: Mua, tmp_path: Path) -> None:
    out = tmp_path / "out.mbox"
    assert mua.json("export", "Inbox", str(out))["exported"] == 3
    with contextlib.closing(mailbox.mbox(str(out))) as box:
        assert len(box) == 3
    mua.json("import", str(out), "Copies")
    again = [mua.run("show", one, "--raw").stdout for one in ids(mua, "Copies")]
    assert again == [letter(2), letter(1), letter(0)]


def test_a_maildir_keeps_its_flags(mua: Mua, tmp_path: Path) -> None:
    box = mailbox.Maildir(str(tmp_path / "md"))
    message = mailbox.MaildirMessage(letter(9))
    message.set_flags("SF")
    message.set_subdir("cur")
    box.add(message)
    assert mua.json("import", str(tmp_path / "md"), "Old")["imported"] == 1
    assert set(mua.json("list", "Old")[0]["flags"]) == {"\\Seen", "\\Flagged"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["show", "12345"], "no-such-message"),
        (["show", "../../etc"], "no-such-message"),
        (["list", "Nowhere"], "no-such-folder"),
        (["inspect", "/nonexistent.eml"], "file-unreadable"),
        (["health", "--bundle", "/nonexistent/report.json"], "file-unwritable"),
        (["list", "Inbox", "--account", "work"], "no-such-account"),
        (["account", "add", "--name", "home", "--email", "x@y.example", "--local"], "name-taken"),
        (["account", "add", "--name", "p", "--email", "x@y.example", "--imap", "imap.example.org:143",
          "--imap-security", "none"], "plaintext-refused"),
    ],
)  # fmt: skip
def test_failures_are_one_document_and_one_sentence(mua: Mua, words: list[str], code: str) -> None:
    failed: Any = mua.json(*words, code=1)
    assert failed["error"]["code"] == code
    assert failed["error"]["text"].endswith(".")


def test_wrong_use_exits_with_two(mua: Mua) -> None:
    done = mua.run("act", "move", ids(mua)[0])
    assert done.returncode == 2
    assert b"--to" in done.stderr
    assert done.stdout == b""


def test_a_second_engine_is_refused_and_commands_join_the_first(quiet: Mua) -> None:
    with quiet.engine() as first:
        quiet.json("act", "flag", ids(quiet)[0])
        assert quiet.engine_pid() == first.pid
        second = quiet.run("--stay", "engine")
        assert second.returncode == 1
        assert b"already running" in second.stderr
    assert first.returncode == 0
    assert quiet.engine_pid() == 0


def test_a_killed_engine_leaves_a_profile_that_works(quiet: Mua) -> None:
    with quiet.engine() as engine:
        quiet.json("act", "archive", ids(quiet)[0])
        engine.kill()
        engine.wait(30)
    assert len(ids(quiet)) == 2
    assert len(ids(quiet, "Archive")) == 1
    quiet.json("undo")
    assert len(ids(quiet)) == 3


def test_removing_an_account_leaves_nothing(quiet: Mua) -> None:
    quiet.json("account", "remove", "home")
    assert quiet.json("account", "list") == []
    assert quiet.json("folders") == []
