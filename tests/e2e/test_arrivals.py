"""Coming from elsewhere, by the whole program: a Thunderbird profile, a tree of Maildirs, and what the report says."""

import contextlib
import hashlib
import io
import mailbox
import os
import random
import shutil
import sqlite3
import subprocess
from pathlib import Path

import corpora
import pytest
import returning
import thunderbird as real
from commands import PASSPHRASE, Mua
from lab import free_ports
from mailgen import letters

from mua.mime.mbox import split
from mua.net.sealed import SealedFile

LETTERS = [
    b"Subject: letter %d\nMessage-ID: <%d@b.test>\nDate: Mon, 5 Jan 2026 10:0%d:00 +0000\n\nFrom\n" % ((number,) * 3)
    for number in range(5)
]
PREFS = """
user_pref("mail.accountmanager.accounts", "account1,account2");
user_pref("mail.account.account1.server", "server1");
user_pref("mail.account.account2.server", "server2");
user_pref("mail.account.account2.identities", "id1");
user_pref("mail.identity.id1.useremail", "robin@good.test");
user_pref("mail.server.server1.type", "none");
user_pref("mail.server.server1.name", "Local Folders");
user_pref("mail.server.server1.directory-rel", "[ProfD]Mail/Local Folders");
user_pref("mail.server.server2.type", "pop3");
user_pref("mail.server.server2.name", "Robin's mail");
user_pref("mail.server.server2.hostname", "127.0.0.1");
user_pref("mail.server.server2.port", 9);
user_pref("mail.server.server2.socketType", 3);
user_pref("mail.server.server2.directory-rel", "[ProfD]Mail/127.0.0.1");
user_pref("mailnews.tags.errand.tag", "Errands");
"""


@pytest.fixture
def mua(tmp_path: Path) -> Mua:
    return Mua(tmp_path / "profile")


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def abook(path: Path) -> None:
    """An address book as Thunderbird 102 and newer has it, with a card of before, and a mailing list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path)
    db.executescript(
        "CREATE TABLE properties (card TEXT, name TEXT, value TEXT);"
        "CREATE TABLE lists (uid TEXT PRIMARY KEY, name TEXT, nickName TEXT, description TEXT);"
        "CREATE TABLE list_cards (list TEXT, card TEXT, PRIMARY KEY(list, card));"
    )
    card = (
        "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Ann Lee\r\nEMAIL;PREF=1:ann@a.example\r\nX-TB:kept\r\nUID:u1\r\nEND:VCARD\r\n"
    )
    old = (("DisplayName", "Bo Ek"), ("PrimaryEmail", "bo@b.example"), ("CellularNumber", "+1 2"), ("Notes", "a, b;"))
    db.executemany("INSERT INTO properties VALUES ('u1', ?, ?)", [("_vCard", card), ("DisplayName", "Ann Lee")])
    db.executemany("INSERT INTO properties VALUES ('u2', ?, ?)", old)
    db.execute("INSERT INTO lists VALUES ('l1', 'Chess club', '', '')")
    db.execute("INSERT INTO list_cards VALUES ('l1', 'u2')")
    db.commit()
    db.close()


GEARY = """[Account]
label=Home
sender_mailboxes=Robin Vale <robin@good.test>;
[Incoming]
host=imap.good.test
transport_security=transport
[Outgoing]
host=smtp.good.test
transport_security=start-tls
"""


def thunderbird(root: Path) -> None:
    """A profile as Thunderbird documents it: local folders, a POP3 account's, a copy of an IMAP account's."""
    separator = b"From - Mon Jan 05 10:00:00 2026\n"
    local = root / "Mail" / "Local Folders"
    put(root / "prefs.js", PREFS.encode())
    abook(root / "abook.sqlite")
    put(root / "old.mab", b'// <!-- <mdb:mork:z v="1.4"/> -->')
    put(local / "Old", b"".join(separator + raw + b"\n" for raw in LETTERS[:2]))
    put(local / "Old.msf", b"//")
    noted = b"X-Mozilla-Status: 0005\nX-Mozilla-Keys: errand\n" + LETTERS[2]
    gone = b"X-Mozilla-Status: 0008\n" + LETTERS[3]
    put(local / "Old.sbd" / "Deep", separator + noted + b"\n" + separator + gone + b"\n")
    put(root / "Mail" / "127.0.0.1" / "Inbox", separator + LETTERS[4] + b"\n")
    put(root / "ImapMail" / "imap.good.test" / "INBOX", separator + b"Subject: a copy\n\n\n")


def test_a_thunderbird_profile_comes_in_whole(mua: Mua, tmp_path: Path) -> None:
    thunderbird(tmp_path / "tb")
    with mua.engine():
        told = mua.json("import", str(tmp_path / "tb"))
        assert (told["found"], told["imported"], told["lost"], told["program"]) == (4, 4, 0, "Thunderbird")
        folders = {one["name"]: one for one in told["folders"]}
        assert {name: one["imported"] for name, one in folders.items()} == {
            "Old": 2, "Old/Deep": 1, "Robin's mail/Inbox": 1,
        }  # fmt: skip
        hashes = hashlib.sha256(b"".join(hashlib.sha256(raw).digest() for raw in LETTERS[:2])).hexdigest()
        assert folders["Old"]["digest"] == hashes
        why = " ".join(one["why"] for one in told["left_out"])
        for words in ("address book cannot be read", "copy of what", "deleted there", "paused"):
            assert words in why
        assert told["contacts"] == {"found": 2, "imported": 2, "here": 0, "lost": 0}
        (book,) = mua.json("contacts", "books")
        assert (book["name"], book["count"]) == ("Thunderbird", 2)
        ann, bo = mua.json("contacts", "list")
        assert "X-TB:kept\r\n" in mua.json("contacts", "show", ann["id"])["card"]
        assert (bo["addresses"], bo["groups"]) == (["bo@b.example"], ["Chess club"])
        assert told["accounts"] == ["Robin's mail"]
        assert [one["name"] for one in told["tags"]] == ["Errands"]
        account = next(one for one in mua.json("account", "list") if one["name"] == "Robin's mail")
        assert (account["incoming"], account["paused"]) == ("pop3", True)
        (deep,) = mua.json("list", "Old/Deep")
        assert {"\\Seen", "\\Flagged"} <= set(deep["flags"])
        assert "errand" in deep["flags"] + deep.get("keywords", [])
        again = mua.json("import", "--mail-only", str(tmp_path / "tb"))
        assert (again["found"], again["imported"], again["accounts"]) == (0, 0, [])
        assert sum(one["count"] for one in again["left_out"] if "already" in one["why"]) == 4


def test_accounts_of_geary_come_in(mua: Mua, tmp_path: Path) -> None:
    put(tmp_path / "geary" / "account_01" / "geary.ini", GEARY.encode())
    with mua.engine():
        told = mua.json("import", str(tmp_path / "geary"))
        assert (told["program"], told["found"], told["accounts"]) == ("Geary", 0, ["Home"])
        (account,) = mua.json("account", "list")
        assert account["email"] == "robin@good.test"


def test_what_is_there_already_stands_for_one_copy(mua: Mua, tmp_path: Path) -> None:
    """An import that was stopped can be done again, and two copies stay two."""
    separator = b"From a@b Mon Jan 05 10:00:00 2026\n"
    with mua.engine():
        for count, raws in ((2, LETTERS[:2]), (2, [*LETTERS[:3], LETTERS[0]]), (0, [*LETTERS[:3], LETTERS[0]])):
            put(tmp_path / "one.mbox", b"".join(separator + raw + b"\n" for raw in raws))
            assert mua.json("import", str(tmp_path / "one.mbox"), "Old")["imported"] == count
        assert len(mua.json("list", "Old")) == 4


def test_a_maildir_tree_goes_below_the_folder_that_was_asked_for(mua: Mua, tmp_path: Path) -> None:
    put(tmp_path / "box" / "cur" / "1:2,S", LETTERS[0])
    put(tmp_path / "box" / ".Work.Deep" / "new" / "2", LETTERS[1])
    with mua.engine():
        mua.json("account", "add", "--name", "here", "--email", "me@good.test", "--local")
        told = mua.json("import", str(tmp_path / "box"), "From before")
        assert [(one["name"], one["imported"]) for one in told["folders"]] == [
            ("From before", 1), ("From before/Work/Deep", 1),
        ]  # fmt: skip
        (row,) = mua.json("list", "From before")
        assert mua.run("show", row["id"], "--raw").stdout == LETTERS[0]


def test_a_sample_of_awkward_mail_comes_back_by_every_way(mua: Mua, tmp_path: Path) -> None:
    """The whole of it: ``./run bench returning``."""
    known = [raw for _, raw in corpora.distinct() if raw]
    if not known:
        pytest.skip("the shared corpora are not here")
    raws = random.Random(20261130).sample(known, min(80, len(known)))
    with mua.engine():
        mua.json("account", "add", "--name", "here", "--email", "me@good.test", "--local")
        assert returning.there_and_back(mua, raws, tmp_path) == []


def test_an_account_goes_out_with_its_folders_and_comes_back(mua: Mua, tmp_path: Path) -> None:
    put(tmp_path / "box" / "cur" / "1700000000.a:2,FSa", LETTERS[0])
    put(tmp_path / "box" / "dovecot-keywords", b"0 errand\n")
    with mua.engine():
        mua.json("account", "add", "--name", "here", "--email", "me@good.test", "--local")
        for form in returning.FORMS:
            mua.json("account", "add", "--name", form, "--email", "me@good.test", "--local")
        for name in ("../../Büro.v2", "Old/Deep & far", "Old"):
            mua.json("import", "--account", "here", str(tmp_path / "box"), name)
        for form in returning.FORMS:
            out = tmp_path / "out" / form
            told = mua.json("export", "--account", "here", str(out), "--as", form)
            assert (told["found"], told["exported"]) == (3, 3)
            assert mua.run("export", "--account", "here", str(out), "--as", form).returncode == 1, (
                "nothing is written over"
            )
            back = mua.json("import", "--account", form, str(out))
            assert back["imported"] == 3
            names = {one["name"] for one in back["folders"] if one["imported"]}
            assert {"Old", "Old/Deep & far"} < names
            assert any("Büro.v2" in name for name in names)
        assert sorted(one.name for one in tmp_path.iterdir()) == ["box", "out", "profile"]
        (row,) = mua.json("list", "--account", "maildir", "Old")
        assert {"\\Seen", "\\Flagged", "errand"} <= {*row["flags"], *row.get("keywords", [])}


def test_a_whole_profile_moves_to_another_computer(mua: Mua, tmp_path: Path) -> None:
    put(tmp_path / "box" / "cur" / "1700000000.a:2,FS", LETTERS[0])
    file, other = tmp_path / "all.mua", Mua(tmp_path / "other")
    phrase = b"a long passphrase\n"
    post = ("account", "add", "--name", "post", "--email", "me@good.test", "--imap", f"127.0.0.1:{free_ports(1)[0]}")
    with mua.engine():
        mua.json("account", "add", "--name", "here", "--email", "me@good.test", "--local")
        mua.json(*post, "--password-stdin", stdin=b"open sesame\n")
        mua.json("import", "--account", "here", str(tmp_path / "box"), "Old/Deep")
        told = mua.json("backup", str(file), "--with-passwords", stdin=phrase)
        assert (told["messages"], told["missing"], told["with_passwords"]) == (1, 0, True)
        assert mua.run("backup", str(file)).returncode == 1, "nothing is written over"
    assert other.json("restore", str(file))["messages"] == 1
    with other.engine():
        (row,) = other.json("list", "Old/Deep")
        assert {"\\Seen", "\\Flagged"} <= set(row["flags"])
        assert other.run("show", row["id"], "--raw").stdout == LETTERS[0]
    assert other.json("restore", str(file), code=1)["error"]["code"] == "profile-not-empty"
    assert not (other.profile / "secrets.enc").exists(), "passwords come only if asked"
    moved = Mua(tmp_path / "moved")
    with_them = moved.json("restore", str(file), "--with-passwords", stdin=phrase)
    assert with_them["with_passwords"]
    assert "open sesame" in SealedFile(moved.profile / "secrets.enc", PASSPHRASE).read().values()
    assert b"open sesame" not in file.read_bytes()
    third = Mua(tmp_path / "third")
    wrong = third.json("restore", str(file), "--with-passwords", stdin=b"another\n", code=1)["error"]
    assert "its passwords are not" in wrong["text"]


@pytest.mark.may_skip("it is 250 MB that a computer may have no room for; there layouts made by hand stand for it")
def test_a_profile_that_thunderbird_made_comes_in_as_it_was(mua: Mua, tmp_path: Path) -> None:
    """Its letters are byte for byte what it was given."""
    if not real.program():
        pytest.skip("Thunderbird is not installed, and MUA_THUNDERBIRD does not name one")
    given = {one.message_id: one.raw.rstrip(b"\r\n") + b"\r\n" for one in letters(8)}
    files = [tmp_path / "letters" / f"{number}.eml" for number in range(len(given))]
    for file, raw in zip(files, given.values(), strict=True):
        put(file, raw)
    told = real.make(tmp_path / "home" / "profile", files)
    with mua.engine():
        said = mua.json("import", str(tmp_path / "home" / "profile"))
        assert (said["program"], said["found"], said["lost"]) == ("Thunderbird", len(given) - 1, 0)
        counts = {one["name"]: one["imported"] for one in said["folders"] if one["imported"]}
        assert counts == {"Old letters": 3, "Old letters/Büro": 4}
        assert said["accounts"] == ["Robin's mail"]
        (ann,) = mua.json("contacts", "list")
        assert (ann["name"], ann["addresses"], ann["groups"]) == ("Ann Büro", ["ann@good.test"], ["Chess club"])
        assert [one["name"] for one in said["tags"] if one["keyword"] == "errand"] == ["Errands"]
        for name in counts:
            out = tmp_path / f"{counts[name]}.mbox"
            mua.json("export", name, str(out))
            with out.open("rb") as stream:
                back = set(split(stream))
            assert back < set(given.values()), name
            assert len(back) == counts[name]
            assert not any(told["deleted"].encode() in raw for raw in back)
        rows = mua.json("list", "Old letters")
        (flagged,) = [row for row in rows if "\\Flagged" in row["flags"]]
        assert flagged["message_id"].strip("<>") == told["flagged"]
        assert {"\\Seen", "errand", "$label1"} <= {*flagged["flags"], *flagged.get("keywords", [])}


def test_flags_and_tags_go_out_and_what_has_no_room_is_told(mua: Mua, tmp_path: Path) -> None:
    """An mbox with flags comes back byte for byte with them; a Maildir says which tags it has no letters for."""
    tags = "".join(f"{number} tag{number:02}\n" for number in range(26))
    for number, raw in enumerate(LETTERS[:3]):
        put(tmp_path / "box" / "cur" / f"170000000{number}.a:2,FRS{'abcdefghijklmnopqrstuvwxyz' * (number < 1)}", raw)
    put(tmp_path / "box" / "dovecot-keywords", tags.encode())
    file, again = tmp_path / "out.mbox", tmp_path / "again.mbox"
    with mua.engine():
        mua.json("import", str(tmp_path / "box"), "Old")
        rows = mua.json("list", "Old")
        mua.json("act", "tag", rows[0]["id"], "--tag", "another")
        mua.json("export", "Old", str(file), "--flags")
        mua.json("import", str(file), "Back")
        for before, after in zip(mua.json("list", "Old"), mua.json("list", "Back"), strict=True):
            assert set(before["flags"]) == set(after["flags"])
            assert before.get("keywords") == after.get("keywords")
        mua.json("export", "Back", str(again))
        assert set(split(io.BytesIO(again.read_bytes()))) == set(LETTERS[:3])
        told = mua.json("export", "Old", str(tmp_path / "maildir"), "--as", "maildir")
        assert [(one["what"].rpartition(" ")[2], one["count"]) for one in told["left_out"]] == [("another", 1)]
        assert mua.run("export", "Old", str(tmp_path / "x"), "--as", "eml", "--flags").returncode == 2


def test_address_books_of_other_programs_come_along(mua: Mua, tmp_path: Path) -> None:
    """Google's Takeout, KDE's, Evolution's and Claws Mail's, each where that program has it."""
    card = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:%s\r\nEMAIL:%s@a.example\r\nEND:VCARD\r\n"
    takeout = tmp_path / "Takeout"
    put(takeout / "Mail" / "All mail.mbox", b"From 1@xxx Mon Jan 05 10:00:00 2026\n" + LETTERS[0] + b"\n")
    put(takeout / "Contacts" / "All Contacts" / "All Contacts.vcf", card % (b"Ann", b"ann") + card % (b"Bo", b"bo"))
    put(takeout / "Contacts" / "My Contacts" / "My Contacts.vcf", card % (b"Ann", b"ann"))
    put(tmp_path / "kde" / "std.vcf", card % (b"Kim", b"kim"))
    put(
        tmp_path / "claws" / "addrbook-000001.xml",
        b'<?xml version="1.0" encoding="UTF-8" ?>\n<address-book name="Personal">\n<person uid="1" first-name=""'
        b' last-name="" nick-name="Z" cn="Zo\xc3\xab &amp; co"><address-list><address uid="2" alias=""'
        b' email="zoe@a.example" remarks="a remark"/></address-list><attribute-list><attribute uid="3" name="phone">'
        b"+1 2</attribute></attribute-list></person>\n"
        b'<group uid="9" name="Choir"><member-list><member pid="1" eid="2"/></member-list></group></address-book>\n',
    )
    evolution = tmp_path / "evolution" / "system" / "contacts.db"
    evolution.parent.mkdir(parents=True)
    db = sqlite3.connect(evolution)
    db.execute("CREATE TABLE 'folder_id' (uid TEXT PRIMARY KEY, file_as TEXT, vcard TEXT)")
    db.execute("INSERT INTO folder_id VALUES ('pas-1', 'Eve', ?)", [(card % (b"Eve", b"eve")).decode()])
    db.commit()
    db.close()
    with mua.engine():
        told = mua.json("import", str(takeout))
        assert (told["found"], told["imported"]) == (1, 1)
        assert told["contacts"] == {"found": 3, "imported": 2, "here": 1, "lost": 0}
        for folder in ("kde", "claws", "evolution"):
            assert mua.json("import", str(tmp_path / folder))["contacts"]["imported"] == 1
            assert mua.json("import", str(tmp_path / folder))["contacts"]["here"] == 1
        assert [one["name"] for one in mua.json("contacts", "list")] == ["Ann", "Bo", "Eve", "Kim", "Zoë & co"]
        (zoe,) = mua.json("contacts", "list", "--group", "Choir")
        shown = mua.json("contacts", "show", zoe["id"])["card"]
        assert "a remark" in shown
        assert "phone: +1 2" in shown
        assert mua.json("import", "--mail-only", str(takeout))["contacts"]["found"] == 0
        put(tmp_path / "one.vcf", card % (b"Uma", b"uma"))
        assert mua.json("import", str(tmp_path / "one.vcf"))["contacts"]["imported"] == 1


@pytest.mark.may_skip("nobody's file of Outlook can be kept here; MUA_PST names one")
def test_a_file_of_outlook_comes_in_whole(mua: Mua, tmp_path: Path) -> None:
    """What readpst itself writes of the file is what is found, with its folders."""
    sample = Path(os.environ.get("MUA_PST", "none"))
    if not sample.is_file() or not shutil.which("readpst"):
        pytest.skip("there is no file of Outlook, or no readpst")
    words = ["readpst", "-q", "-r", "-te", "-D", "-o", str(tmp_path), str(sample)]
    subprocess.run(words, check=True, capture_output=True, timeout=300)
    expected: dict[str, int] = {}
    for path in tmp_path.rglob("mbox"):
        with contextlib.closing(mailbox.mbox(path)) as box:
            expected[str(path.parent.relative_to(tmp_path))] = len(box)
    before = sample.read_bytes()
    with mua.engine():
        told = mua.json("import", str(sample))
        assert told["found"] == told["imported"] == sum(expected.values()) > 0
        assert (told["lost"], told["program"]) == (0, "Outlook")
        assert {one["name"]: one["imported"] for one in told["folders"]} == expected
    assert sample.read_bytes() == before
