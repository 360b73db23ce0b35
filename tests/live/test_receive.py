"""Receiving by IMAP, as a script sees it: account, sync, folders, list, show, save, search."""

import email
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lab import Filled, Lab, User, message, until

pytestmark = pytest.mark.live

NOON = 1_700_000_000
MESSAGE_KEYS = {
    "id", "uid", "account", "folder", "from", "to", "subject", "date", "flags", "size", "has_attachments", "thread_id",
}  # fmt: skip
ATTACHED = b"""From: "Zo\xc3\xab" <zoe@elsewhere.test>
To: Bela <bela@good.test>, carol@good.test
Cc: dora@good.test
Subject: =?utf-8?Q?Caf=C3=A9_plans?=
Date: Tue, 14 Nov 2023 23:13:20 +0100
Message-ID: <cafe@elsewhere.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/alternative; boundary=c

--c
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Let us meet at the caf=C3=A9.

--c
Content-Type: text/html; charset=utf-8

<p onclick="steal()">Let us meet at the <b>caf\xc3\xa9</b>.<script>alert(1)</script>
<img src="https://track.test/pixel.gif"></p>

--c--

--b
Content-Type: application/pdf; name="menu.pdf"
Content-Disposition: attachment; filename="menu.pdf"
Content-Transfer-Encoding: base64

JVBERi0xLjQKMSAwIG9iago=

--b--
""".replace(b"\n", b"\r\n")


def sync(lab: Lab, profile: Path) -> dict[str, dict]:
    """One complete sync: folder name -> its row."""
    return {row["folder"]: row for row in lab.mua("sync", "--until-complete", profile=profile).ok()}


def listing(lab: Lab, profile: Path, folder: str = "INBOX", *more: object) -> list[dict]:
    return lab.mua("list", folder, *more, profile=profile).ok()


def test_one_sync_brings_everything(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [Filled(message(f"Number {n}"), NOON + n, "S" if n else "FS") for n in range(3)])
    lab.fill(account, [message("Old")], "Archive")
    rows = sync(lab, profile)
    for folder, count in (("INBOX", 3), ("Archive", 1), ("Sent", 0)):
        row = rows[folder]
        assert row["account"] == "lab"
        assert [row[key] for key in ("on_server", "in_store", "with_body", "indexed")] == [count] * 4, row


def test_a_listing_tells_what_the_server_holds_newest_first(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [Filled(message(f"Number {n}"), NOON + n, "S" if n else "FS") for n in range(3)])
    sync(lab, profile)
    rows = listing(lab, profile)
    assert [row["subject"] for row in rows] == ["Number 2", "Number 1", "Number 0"]
    assert rows[0].keys() >= MESSAGE_KEYS
    assert all(isinstance(row["id"], str) for row in rows)
    assert set(rows[2]["flags"]) == {"\\Seen", "\\Flagged"}
    assert rows[0]["from"] == [{"name": "", "address": "someone@elsewhere.test"}]
    held = lab.raw_messages(account)
    assert {row["uid"]: row["size"] for row in rows} == {uid: len(raw) for uid, raw in held.items()}
    assert len(listing(lab, profile, "INBOX", "--limit", 2)) == 2


def test_folders_have_roles_and_counts(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [Filled(message("Seen"), flags="S"), message("Unseen")])
    sync(lab, profile)
    folders = {row["name"]: row for row in lab.mua("folders", profile=profile).ok()}
    roles = {name: row["role"] for name, row in folders.items()}
    assert roles == {
        "INBOX": "inbox", "Sent": "sent", "Drafts": "drafts", "Archive": "archive", "Junk": "junk", "Trash": "trash",
    }  # fmt: skip
    assert (folders["INBOX"]["account"], folders["INBOX"]["unread"], folders["INBOX"]["total"]) == ("lab", 1, 2)


def test_show_tells_the_whole_message(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [ATTACHED])
    sync(lab, profile)
    row = listing(lab, profile)[0]
    shown = lab.mua("show", row["id"], profile=profile).ok()
    assert shown["from"] == [{"name": "Zoë", "address": "zoe@elsewhere.test"}]
    assert [to["address"] for to in shown["to"]] == ["bela@good.test", "carol@good.test"]
    assert [cc["address"] for cc in shown["cc"]] == ["dora@good.test"]
    assert shown["subject"] == row["subject"] == "Café plans"
    assert datetime.fromisoformat(shown["date"]) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert shown["message_id"].strip("<>") == "cafe@elsewhere.test"
    assert "meet at the café" in shown["text"]
    assert "café" in shown["html"]
    assert not [word for word in ("script", "onclick", 'src="http') if word in shown["html"]]
    (attached,) = shown["attachments"]
    assert attached.items() >= {"part": "2", "name": "menu.pdf", "type": "application/pdf", "size": 17}.items()
    assert row["has_attachments"] is True


def test_show_raw_text_and_html_are_the_thing_itself(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [ATTACHED])
    sync(lab, profile)
    number = listing(lab, profile)[0]["id"]
    raw = lab.mua("show", number, "--raw", profile=profile, as_json=False)
    assert raw.stdout == lab.raw_messages(account)[1]
    text = lab.mua("show", number, "--text", profile=profile, as_json=False)
    assert "Let us meet at the café." in text.stdout.decode()
    html = lab.mua("show", number, "--html", profile=profile, as_json=False)
    assert b"<script" not in html.stdout
    assert "<b>café</b>" in html.stdout.decode()


def test_an_attachment_is_saved_as_it_was(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [ATTACHED])
    sync(lab, profile)
    number = listing(lab, profile)[0]["id"]
    target = lab.folder / "saved"
    target.mkdir(exist_ok=True)
    assert lab.mua("save", number, "2", target, profile=profile).code == 0
    assert [path.read_bytes() for path in target.iterdir()] == [b"%PDF-1.4\n1 0 obj\n"]


def test_inspect_reads_a_file_without_an_account(lab: Lab, profile: Path) -> None:
    path = lab.folder / "inspected.eml"
    path.write_bytes(ATTACHED)
    shown = lab.mua("inspect", path, profile=profile).ok()
    assert shown["subject"] == "Café plans"
    assert [part["name"] for part in shown["attachments"]] == ["menu.pdf"]


def test_search_finds_words_of_body_subject_and_sender(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [message("Garden", "rosa@elsewhere.test", "The wheelbarrow squeaks.\n"), message("Kitchen")])
    sync(lab, profile)
    for query in ("wheelbarrow", "garden", "from:rosa", "squeaks wheelbarrow"):
        found = lab.mua("search", query, profile=profile).ok()
        assert [row["subject"] for row in found] == ["Garden"], query
    assert lab.mua("search", "nowhere", profile=profile).ok() == []


def test_a_second_sync_brings_only_the_news(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [message("First")])
    sync(lab, profile)
    before = listing(lab, profile)
    lab.deliver(account, message("Second"))
    rows = sync(lab, profile)
    after = listing(lab, profile)
    assert rows["INBOX"]["in_store"] == 2
    assert [row["subject"] for row in after] == ["Second", "First"]
    assert after[1]["id"] == before[0]["id"]


def test_changes_of_another_client_arrive(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [message(f"Number {n}") for n in range(4)])
    sync(lab, profile)
    with lab.imap(account) as other:
        other.select("INBOX")
        other.uid("STORE", "1", "+FLAGS", "(\\Flagged \\Seen)")
        other.uid("STORE", "2", "+FLAGS", "(\\Deleted)")
        other.expunge()
        other.uid("MOVE", "3", "Archive")
        other.create("Later")
    sync(lab, profile)
    rows = {row["uid"]: row for row in listing(lab, profile)}
    assert rows.keys() == {1, 4}
    assert set(rows[1]["flags"]) == {"\\Seen", "\\Flagged"}
    assert [row["subject"] for row in listing(lab, profile, "Archive")] == ["Number 2"]
    assert "Later" in {row["name"] for row in lab.mua("folders", profile=profile).ok()}


def test_folder_names_in_other_scripts(lab: Lab, profile: Path, account: User) -> None:
    with lab.imap(account) as other:
        other.create('"Entw&APw-rfe"')
        other.create('"Entw&APw-rfe.&BB8EQAQ4-"')
        other.append('"Entw&APw-rfe.&BB8EQAQ4-"', None, None, message("Inside"))
    sync(lab, profile)
    names = {row["name"] for row in lab.mua("folders", profile=profile).ok()}
    inner = next(name for name in names if name.endswith("При"))
    assert "Entwürfe" in names
    assert [row["subject"] for row in listing(lab, profile, inner)] == ["Inside"]


def test_every_command_brings_its_own_engine(lab: Lab, profile: Path, alice: User) -> None:
    """None runs: each command starts one, which ends with it, and leaves a profile that the next can use."""
    lab.fill(alice, [message("Nobody was there")])
    lab.add_account(profile, alice).ok()
    assert sync(lab, profile)["INBOX"]["indexed"] == 1
    number = listing(lab, profile)[0]["id"]
    lab.mua("act", "flag", number, profile=profile).ok()
    until(lambda: lab.messages(alice)[1][1] == {"\\Flagged"}, "the star on the server")
    until(lambda: lab.engine_pid(profile) is None, "the engine to end by itself")


def test_mail_by_tls_from_the_first_byte(lab: Lab, profile: Path, alice: User) -> None:
    lab.fill(alice, [message("Over 993")])
    host = f"{lab.plan.imap_host}:{lab.plan.imaps}"
    lab.add_account(profile, alice, imap=host, imap_security="tls").ok()
    assert sync(lab, profile)["INBOX"]["with_body"] == 1


@pytest.mark.msa
def test_accounts_are_listed_checked_and_removed(lab: Lab, profile: Path, account: User) -> None:
    listed = lab.mua("account", "list", profile=profile)
    assert [row["name"] for row in listed.ok()] == ["lab"]
    assert account.password.encode() not in listed.stdout
    checked = lab.mua("account", "check", "lab", profile=profile)
    assert checked.code == 0, checked.explain()
    lab.mua("account", "remove", "lab", profile=profile).ok()
    assert lab.mua("account", "list", profile=profile).ok() == []


def test_two_accounts_live_in_one_profile(lab: Lab, profile: Path, account: User) -> None:
    bob = lab.user("bob")
    lab.add_account(profile, bob, name="second").ok()
    lab.fill(account, [message("For alice")])
    lab.fill(bob, [message("For bob"), message("Also for bob")])
    rows = lab.mua("sync", "--until-complete", profile=profile).ok()
    assert {row["account"]: row["in_store"] for row in rows if row["folder"] == "INBOX"} == {"lab": 1, "second": 2}
    mine = lab.mua("list", "INBOX", "--account", "second", profile=profile).ok()
    assert {row["subject"] for row in mine} == {"For bob", "Also for bob"}


def test_the_running_engine_hears_of_new_mail_by_idle(lab: Lab, profile: Path, account: User) -> None:
    sync(lab, profile)
    lab.deliver(account, message("Pushed"))
    until(lambda: [row for row in listing(lab, profile) if row["subject"] == "Pushed"], "mail by IDLE")


def test_the_password_is_in_no_file_of_the_profile(lab: Lab, profile: Path, account: User) -> None:
    sync(lab, profile)
    for path in (path for path in profile.rglob("*") if path.is_file()):
        assert account.password.encode() not in path.read_bytes(), path


def test_options_stand_before_or_behind_the_words(lab: Lab, profile: Path, account: User) -> None:
    before = lab.mua("--json", "--profile", profile, "account", "list", as_json=False)
    assert json.loads(before.stdout) == lab.mua("account", "list", profile=profile).ok()


@pytest.mark.parametrize("words", [("no-such-command",), ("list",), ("act", "fly", "1"), ("sync", "--backwards")])
def test_bad_usage_exits_with_two(lab: Lab, profile: Path, words: tuple[str, ...]) -> None:
    done = lab.mua(*words, profile=profile)
    assert done.code == 2, done.explain()
    assert "usage" in done.stderr.lower() or done.stderr.strip()


def test_what_is_unknown_fails_with_a_sentence(lab: Lab, profile: Path, account: User) -> None:
    sync(lab, profile)
    for words in (("list", "Nowhere"), ("show", "123456789"), ("sync", "--account", "nobody")):
        done = lab.mua(*words, profile=profile)
        assert done.code == 1, done.explain()
        assert done.stderr.strip(), done.explain()
        assert "Traceback" not in done.stderr


def test_plain_text_output_is_for_people(lab: Lab, profile: Path, account: User) -> None:
    lab.fill(account, [message("A plain subject")])
    sync(lab, profile)
    done = lab.mua("list", "INBOX", profile=profile, as_json=False)
    assert b"A plain subject" in done.stdout
    assert email.message_from_bytes(done.stdout).get("Subject") is None
