"""Import and export: an mbox, a Maildir and single files, without a lost byte."""

import mailbox
from pathlib import Path

import pytest
from lab import Lab, message
from mailgen import letters

pytestmark = pytest.mark.live

AWKWARD = b"Subject: From the start\nMessage-ID: <from@x.test>\n\nFrom here on\n>From quoted\n\nFrom there\n"


@pytest.fixture
def local(lab: Lab, profile: Path) -> Path:
    """A profile with a local account: no server is needed to read files."""
    words = ("account", "add", "--name", "here", "--email", "me@good.test", "--local")
    lab.mua(*words, profile=profile).ok()
    return profile


def shown(lab: Lab, profile: Path, folder: str) -> list[bytes]:
    rows = lab.mua("list", folder, "--limit", 1000, profile=profile).ok()
    runs = lab.mua_many([("show", row["id"], "--raw") for row in rows], profile)
    return [run.stdout for run in runs]


def test_an_mbox_comes_in_and_goes_out_whole(lab: Lab, local: Path) -> None:
    raws = [letter.raw.replace(b"\r\n", b"\n") for letter in letters(30)] + [AWKWARD]
    path = lab.folder / "in.mbox"
    box = mailbox.mbox(path)
    for raw in raws:
        box.add(raw)
    box.flush()
    expected = sorted(_canonical(box.get_bytes(key)) for key in box.iterkeys())
    box.close()
    lab.mua("import", path, "Old mail", profile=local).ok()
    assert sorted(map(_canonical, shown(lab, local, "Old mail"))) == expected
    out = lab.folder / "out.mbox"
    lab.mua("export", "Old mail", out, profile=local).ok()
    exported = mailbox.mbox(out)
    assert sorted(_canonical(exported.get_bytes(key)) for key in exported.iterkeys()) == expected
    exported.close()


def test_a_maildir_comes_in_with_its_flags(lab: Lab, local: Path) -> None:
    box = mailbox.Maildir(lab.folder / "in-maildir")
    flagged = mailbox.MaildirMessage(message("Flagged"))
    flagged.set_flags("FS")
    flagged.set_subdir("cur")
    box.add(flagged)
    box.add(message("Plain"))
    lab.mua("import", lab.folder / "in-maildir", "Maildir", profile=local).ok()
    rows = {row["subject"]: set(row["flags"]) for row in lab.mua("list", "Maildir", profile=local).ok()}
    assert rows["Flagged"] == {"\\Flagged", "\\Seen"}
    assert rows.keys() == {"Flagged", "Plain"}


def test_single_files_keep_their_bytes(lab: Lab, local: Path) -> None:
    raws = [message("With CRLF"), message("With LF").replace(b"\r\n", b"\n"), message("Binary") + b"\x00\xff\r", b"odd"]
    paths = [lab.folder / f"one-{number}.eml" for number in range(len(raws))]
    for path, raw in zip(paths, raws, strict=True):
        path.write_bytes(raw)
    lab.mua("import", *paths, "Single", profile=local).ok()
    assert sorted(shown(lab, local, "Single")) == sorted(raws)


def test_what_is_imported_reaches_the_server_once(lab: Lab, profile: Path, account) -> None:
    path = lab.folder / "pair.eml"
    path.write_bytes(message("Imported to the server"))
    lab.mua("import", path, "Archive", profile=profile).ok()
    for _ in range(2):
        lab.mua("sync", "--until-complete", profile=profile).ok()
        assert list(lab.raw_messages(account, "Archive").values()) == [path.read_bytes()]
    assert len(lab.mua("list", "Archive", profile=profile).ok()) == 1


def _canonical(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\n>From ", b"\nFrom ").rstrip(b"\n")
