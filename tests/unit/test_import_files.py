"""What an import reads: real files only, every dialect and layout, with what programs note beside the mail."""

import base64
import mailbox
import os
import plistlib
import shutil
import struct
import tempfile
import threading
import time
from pathlib import Path

import pytest

from mua.engine import outlook
from mua.engine.card_files import cards_of
from mua.engine.files import readable
from mua.engine.mailfiles import Reader, listing, single
from mua.errors import MailError
from mua.mime import vcard
from mua.model.arrival import Form, Marks
from mua.model.message import Flag
from mua.plan import arriving

ONE = b"Subject: one\r\n\r\n"


def taken(path: Path, dialect: str = "") -> dict[tuple[str, ...], list[tuple[bytes, Marks]]]:
    """The messages at a path, by the names of their folders."""
    with readable(path):
        layout = arriving.recognise(listing(path)[0]) if path.is_dir() else single(path)
        reader = Reader(path, dialect)
        return {box.name: list(reader.letters(box, "/".join(box.name))) for box in layout.boxes}


def raws(path: Path, dialect: str = "") -> dict[tuple[str, ...], list[bytes]]:
    return {name: [raw for raw, _ in found] for name, found in taken(path, dialect).items()}


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    folder = tmp_path / "maildir"
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "cur" / "1.x:2,S").write_bytes(ONE)
    return folder


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


# ---- hostile files
def test_a_link_in_a_maildir_brings_nothing_in(maildir: Path, tmp_path: Path) -> None:
    secret = tmp_path / "id_ed25519"
    secret.write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----")
    (maildir / "new" / "2.x").symlink_to(secret)
    os.mkfifo(maildir / "new" / "3.x")
    assert raws(maildir) == {(): [ONE]}


def test_a_folder_that_is_a_link_brings_nothing_in(maildir: Path, tmp_path: Path) -> None:
    put(tmp_path / "keys" / "id_ed25519", b"-----BEGIN OPENSSH PRIVATE KEY-----")
    (maildir / "new").rmdir()
    (maildir / "new").symlink_to(tmp_path / "keys")
    (maildir / "in.mbox").symlink_to(tmp_path / "keys" / "id_ed25519")
    assert raws(maildir) == {(): [ONE]}
    assert listing(maildir)[1] == 2


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
    assert len(raws(tmp_path / "mbox")[()]) == 1
    assert time.process_time() - started < 10  # it was minutes


def test_what_never_ends_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path / "nothing"):
        with pytest.raises(MailError) as caught:
            taken(path)
        assert caught.value.code == "file-unreadable"


# ---- layouts
def test_maildirs_in_a_maildir_keep_their_nesting_and_flags(maildir: Path) -> None:
    put(maildir / ".Work.B&APw-ro" / "cur" / "1.y:2,FRab", b"Subject: two\n\n")
    put(maildir / ".Work.B&APw-ro" / "dovecot-keywords", b"0 $label1\n1 errand\n")
    found = taken(maildir)
    ((raw, noted),) = found["Work", "Büro"]
    assert raw == b"Subject: two\n\n"
    assert (noted.flags, noted.keywords) == (Flag.FLAGGED | Flag.ANSWERED, ("$label1", "errand"))
    assert found[()][0][1].flags == Flag.SEEN


def test_thunderbirds_folders_lie_in_each_other(tmp_path: Path) -> None:
    head = b"From - Mon Jan 05 10:00:00 2026\nX-Mozilla-Status: 0005\nX-Mozilla-Status2: 00000000\n"
    keys = b"X-Mozilla-Keys: $label4 my_tag NonJunk                       \n"
    gone = b"From - Mon Jan 05 10:00:00 2026\nX-Mozilla-Status: 0009\n\ndeleted\n\n"
    put(tmp_path / "Inbox", head + keys + b"Subject: kept\n\nHello\n\n" + gone)
    put(tmp_path / "Inbox.msf", b'// <!-- <mdb:mork:z v="1.4"/> -->')
    put(tmp_path / "Inbox.sbd" / "Deep", head + b"\nx\n")
    put(tmp_path / "Inbox.sbd" / "Deep.msf", b"//")
    put(tmp_path / "Empty", b"")
    put(tmp_path / "Empty.msf", b"//")
    found = taken(tmp_path)
    assert set(found) == {("Inbox",), ("Inbox", "Deep"), ("Empty",)}
    ((raw, noted),) = found["Inbox",]
    assert raw == b"Subject: kept\n\nHello\n", "what Thunderbird put before it is no part of it"
    assert noted == Marks(Flag.SEEN | Flag.FLAGGED | Flag.NOT_JUNK, ("$label4", "my_tag"), False, 1767607200)


def test_apple_mail_has_an_mbox_in_a_folder_or_a_file_for_each(tmp_path: Path) -> None:
    put(tmp_path / "Old.mbox" / "mbox", b"From a@b Mon Jan  5 10:00:00 2026\nSubject: old\n\nx\n")
    put(tmp_path / "Old.mbox" / "table_of_contents", b"\0\0")
    notes = plistlib.dumps({"flags": 1 | 16 | 4, "date-received": 1700000000, "subject": "x"})
    raw = b"Subject: new\n\nbody\n"
    inside = tmp_path / "INBOX.mbox" / "D9C86F4E-5D3A-4B1F-8A60-1B1C1E3C2F11" / "Data" / "2" / "Messages"
    put(inside / "2001.emlx", f"{len(raw):<10}\n".encode() + raw + notes)
    put(inside / "2002.partial.emlx", f"{len(raw):<10}\n".encode() + raw + notes)
    put(inside / "2003.emlx", b"99999\nshort")
    found = taken(tmp_path)
    assert [one for one, _ in found["Old",]] == [b"Subject: old\n\nx\n"]
    assert found["INBOX",] == [(raw, Marks(Flag.SEEN | Flag.ANSWERED | Flag.FLAGGED, (), False, 1700000000))] * 2


def test_an_mh_folder_says_what_was_read(tmp_path: Path) -> None:
    for number in (1, 2, 10):
        put(tmp_path / "inbox" / str(number), f"Subject: {number}\nDate: Mon, 5 Jan 2026 10:00:00 +0000\n\n".encode())
    put(tmp_path / "inbox" / ".mh_sequences", b"unseen: 2-3 10\nflagged: 10\n")
    assert [(raw[9:11].strip(), noted.flags) for raw, noted in taken(tmp_path)["inbox",]] == [
        (b"1", Flag.SEEN), (b"2", Flag(0)), (b"10", Flag.FLAGGED),
    ]  # fmt: skip
    put(tmp_path / "inbox" / ".claws_mark", struct.pack("=5I", 2, 1, 2, 2, 0x14))
    assert [noted.flags for _, noted in taken(tmp_path)["inbox",]] == [
        Flag(0), Flag.SEEN | Flag.FLAGGED | Flag.ANSWERED, Flag.SEEN,
    ]  # fmt: skip


def test_kmail_and_evolution_name_their_folders_in_their_own_way(tmp_path: Path) -> None:
    put(tmp_path / "kmail" / "inbox" / "cur" / "1:2,S", ONE)
    put(tmp_path / "kmail" / ".inbox.directory" / "lists" / "new" / "2", ONE)
    put(tmp_path / "evolution" / ".A_2EB" / "cur" / "1:2,S", ONE)
    put(tmp_path / "evolution" / "new" / "1", ONE)
    put(tmp_path / "evolution" / ".A_2EB.cmeta", b"x")
    assert set(raws(tmp_path / "kmail")) == {("inbox",), ("inbox", "lists")}
    assert set(raws(tmp_path / "evolution")) == {(), ("A.B",)}


def test_a_tree_of_files_is_a_tree_of_folders_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9):
        put(tmp_path / "a" / "b" / f"{number}.eml", b"Subject: %d\n\n" % number)
    put(tmp_path / "a" / "top.EML", ONE)
    put(tmp_path / "a" / "picture.png", b"\x89PNG")
    layout = arriving.recognise(listing(tmp_path)[0])
    assert raws(tmp_path) == {("a",): [ONE], ("a", "b"): [b"Subject: 9\n\n", b"Subject: 10\n\n"]}
    assert [(one.what, one.why) for one in layout.left] == [("a/picture.png", "It is no mail.")]
    assert {box.form for box in layout.boxes} == {Form.EML}


# ---- dialects
BODY = b"Subject: x\n\nFrom me\n>From you\n>>From them\nFrom a@b Mon Jan  5 10:00:00 2026\n"
SEPARATOR = b"From a@b Mon Jan  5 10:00:00 2026\n"


def quoted(raw: bytes, dialect: str) -> bytes:
    """As a program that writes this dialect has it."""
    head, _, body = raw.partition(b"\n\n")
    if dialect in ("mboxrd", "mboxcl"):
        body = b"".join(
            b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in body.splitlines(True)
        )
    elif dialect == "mboxo":
        body = b"".join(b">" + line if line.startswith(b"From ") else line for line in body.splitlines(True))
    if dialect.startswith("mboxcl"):
        head += b"\nContent-Length: %d" % len(body)
    return SEPARATOR + head + b"\n\n" + body + b"\n"


@pytest.mark.parametrize("dialect", ["mboxrd", "mboxcl", "mboxcl2"])
def test_a_dialect_that_can_be_undone_is_undone(dialect: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(quoted(BODY, dialect) * 3)
    for said in ("", dialect):
        got = raws(tmp_path / "in", said)[()]
        assert [raw.partition(b"\n\n")[2] for raw in got] == [BODY.partition(b"\n\n")[2]] * 3


def test_mboxo_loses_what_it_lost_and_nothing_else(tmp_path: Path) -> None:
    """ ">From " and "From " look the same in it; a line with two marks had two."""
    (tmp_path / "in").write_bytes(quoted(BODY, "mboxo"))
    assert raws(tmp_path / "in", "mboxo")[()] == [BODY.replace(b"\n>From you", b"\nFrom you")]


def test_a_quoted_line_stays_where_the_file_quotes_nothing(tmp_path: Path) -> None:
    second = b"Subject: y\n\n>From a forwarded mail\n"
    (tmp_path / "in").write_bytes(quoted(BODY, "mboxcl2") + quoted(second, "mboxcl2"))
    assert raws(tmp_path / "in")[()][1].endswith(b"\n\n>From a forwarded mail\n")


def test_python_reads_a_maildir_as_we_do(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "m")
    for number in range(20):
        box.add(b"Subject: %d\n\n" % number)
    assert sorted(raws(tmp_path / "m")[()]) == sorted(box.get_bytes(key) for key in box.iterkeys())


PARTED = (
    b"Subject: parted\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n"
    b"--b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n"
    b"X-Apple-Content-Length: 99\n\n%s\n"
    b"--b\nContent-Type: text/plain; name=b.txt\nX-Apple-Content-Length: 5\n\n%s\n--b--\n"
)


def test_what_apple_mail_keeps_beside_a_message_is_put_back(tmp_path: Path) -> None:
    inside = tmp_path / "INBOX.mbox" / "Data" / "Messages"
    beside = inside.parent / "Attachments"
    raw = PARTED % (b"", b"")
    for number in (7, 8):
        put(inside / f"{number}.partial.emlx", f"{len(raw):<10}\n".encode() + raw + plistlib.dumps({"flags": 1}))
    put(beside / "7" / "2" / "a.pdf", bytes(range(256)))
    put(beside / "7" / "3" / "b.txt", b"plain")
    put(tmp_path / "secret", b"secret")
    (beside / "8" / "2").mkdir(parents=True)
    (beside / "8" / "2" / "a.pdf").symlink_to(tmp_path / "secret")
    layout = arriving.recognise(listing(tmp_path)[0])
    reader = Reader(tmp_path)
    (box,) = (one for one in layout.boxes if one.form is Form.EMLX)
    first, second = [found for found, _ in reader.letters(box, "INBOX")]
    lines = base64.b64encode(bytes(range(256))).decode()
    folded = "\n".join(lines[at : at + 76] for at in range(0, len(lines), 76))
    assert first == PARTED % (folded.encode(), b"plain")
    assert second == raw
    assert sum(reader.left.values()) == 2


def test_a_card_that_is_too_large_is_spoilt_and_not_kept_without_what_is_too_large(tmp_path: Path) -> None:
    photo = b"PHOTO;ENCODING=b:" + b"A" * (vcard.MAX_CARD + 10) + b"\r\n"
    card = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:%s\r\n%sEND:VCARD\r\n"
    file = tmp_path / "some.vcf"
    file.write_bytes(card % (b"Large", photo) + card % (b"Small", b""))
    assert list(cards_of(file)) == [None, card % (b"Small", b"")]


# ---- Outlook's files
def test_without_readpst_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    put(tmp_path / "a.pst", b"!BDN and more")
    assert outlook.is_outlook(tmp_path / "a.pst")
    with pytest.raises(MailError, match="package pst-utils") as caught, outlook.unpacked(tmp_path / "a.pst", _NEVER):
        pass
    assert caught.value.code == "no-readpst"


@pytest.mark.may_skip("readpst is optional, and Debian's; without it an import says what to install")
@pytest.mark.skipif(not shutil.which("readpst"), reason="pst-utils is not installed")
def test_a_damaged_file_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    put(tmp_path / "a.pst", b"!BDN" + bytes(2000))
    with pytest.raises(MailError, match="damaged") as caught, outlook.unpacked(tmp_path / "a.pst", _NEVER):
        pass
    assert caught.value.code == "file-unreadable"
    assert [one.name for one in tmp_path.iterdir()] == ["a.pst"]


def test_a_readpst_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "bin" / "readpst", b"#!/bin/sh\necho $$ > " + os.fsencode(tmp_path / "pid") + b"\nexec sleep 1000\n")
    (tmp_path / "bin" / "readpst").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    put(tmp_path / "a.pst", b"!BDN")
    stopped = threading.Event()
    stopped.set()
    with outlook.unpacked(tmp_path / "a.pst", stopped) as (folder, skipped):
        assert (list(folder.iterdir()), skipped) == ([], 0), "a person has stopped it"
    monkeypatch.setattr(outlook, "SECONDS", 0.5)
    with pytest.raises(MailError) as caught, outlook.unpacked(tmp_path / "a.pst", _NEVER):
        pass
    assert caught.value.code == "timeout"
    pid = (tmp_path / "pid").read_text().strip() if (tmp_path / "pid").exists() else ""
    assert not pid or not Path(f"/proc/{pid}").exists()


_NEVER = threading.Event()
