"""Receiving by POP3: each message once, left on the server, whatever happens in between."""

from contextlib import closing
from pathlib import Path

import pytest
from lab import Lab, User, message

from mua.paths import Profile
from mua.store.blobs import Bodies

pytestmark = pytest.mark.live


def sync_inbox(lab: Lab, profile: Path) -> dict:
    rows = lab.mua("sync", "--until-complete", profile=profile).ok()
    return next(row for row in rows if row["folder"].upper() == "INBOX")


@pytest.fixture
def pop_user(lab: Lab, profile: Path) -> User:
    user = lab.user("polly")
    lab.add_account(profile, user, kind="pop3").ok()
    return user


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_mail_comes_once_and_stays_on_the_server(lab: Lab, profile: Path, security: str) -> None:
    user = lab.user("polly")
    port = lab.plan.pop3 if security == "starttls" else lab.plan.pop3s
    server = f"{lab.plan.imap_host}:{port}"
    lab.add_account(profile, user, kind="pop3", pop3=server, pop3_security=security).ok()
    lab.fill(user, [message(f"Letter {n}", body=".dot\n..two\n\nend\n") for n in range(5)])
    held = lab.raw_messages(user)
    row = sync_inbox(lab, profile)
    assert [row[key] for key in ("on_server", "in_store", "with_body", "indexed")] == [5] * 4
    rows = lab.mua("list", "INBOX", profile=profile).ok()
    raws = [lab.mua("show", row["id"], "--raw", profile=profile, as_json=False).stdout for row in rows]
    assert sorted(raws) == sorted(held.values())
    assert lab.raw_messages(user) == held


def test_a_second_sync_fetches_nothing(lab: Lab, profile: Path, pop_user: User) -> None:
    lab.fill(pop_user, [message("Only once", body="x" * 70 + "\n") for _ in range(20)])
    sync_inbox(lab, profile)
    first = lab.mua("list", "INBOX", profile=profile).ok()
    proxy = lab.proxy(lab.plan.pop3)
    log = lab.folder / "dovecot.log"
    seen = log.stat().st_size
    assert sync_inbox(lab, profile)["in_store"] == 20
    with log.open() as lines:
        lines.seek(seen)
        sessions = [line for line in lines if f"pop3({pop_user.name})" in line and "Disconnected" in line]
    assert sessions
    assert all("retr=0/0" in line for line in sessions), sessions
    assert lab.mua("list", "INBOX", profile=profile).ok() == first
    assert proxy.connections == 0


def test_new_mail_is_added_to_what_is_there(lab: Lab, profile: Path, pop_user: User) -> None:
    lab.fill(pop_user, [message("First")])
    sync_inbox(lab, profile)
    lab.deliver(pop_user, message("Second"))
    assert sync_inbox(lab, profile)["in_store"] == 2
    subjects = [row["subject"] for row in lab.mua("list", "INBOX", profile=profile).ok()]
    assert sorted(subjects) == ["First", "Second"]


def test_mail_that_another_client_removed_stays_here(lab: Lab, profile: Path, pop_user: User) -> None:
    lab.fill(pop_user, [message("Kept here"), message("Removed there")])
    sync_inbox(lab, profile)
    with lab.imap(pop_user) as other:
        other.select("INBOX")
        other.store("1:2", "+FLAGS", "(\\Deleted)")
        other.expunge()
    sync_inbox(lab, profile)
    assert len(lab.mua("list", "INBOX", profile=profile).ok()) == 2


def test_a_cut_connection_neither_loses_nor_doubles(lab: Lab, profile: Path) -> None:
    user = lab.user("polly")
    proxy = lab.proxy(lab.plan.pop3s)
    server = f"{lab.plan.imap_host}:{proxy.port}"
    lab.add_account(profile, user, kind="pop3", pop3=server, pop3_security="tls").ok()
    lab.fill(user, [message(f"Letter {n}", body=f"{n}\n" * 20_000) for n in range(10)])
    proxy.cut_after(300_000)
    lab.mua("sync", "--until-complete", profile=profile)
    assert proxy.wait_for_cut()
    assert sync_inbox(lab, profile)["with_body"] == 10
    assert len(lab.mua("list", "INBOX", profile=profile).ok()) == 10


def test_a_message_flagged_and_deleted_here_stays_so(lab: Lab, profile: Path, pop_user: User) -> None:
    lab.fill(pop_user, [message("Flag me"), message("Delete me")])
    sync_inbox(lab, profile)
    ids = {row["subject"]: row["id"] for row in lab.mua("list", "INBOX", profile=profile).ok()}
    lab.mua("act", "flag", ids["Flag me"], profile=profile).ok()
    lab.mua("act", "delete", ids["Delete me"], profile=profile).ok()
    sync_inbox(lab, profile)
    rows = lab.mua("list", "INBOX", profile=profile).ok()
    assert [row["subject"] for row in rows] == ["Flag me"]
    assert "\\Flagged" in rows[0]["flags"]


def on_server(lab: Lab, user: User) -> list[str]:
    raws = lab.raw_messages(user).values()
    return sorted(line[9:].decode() for raw in raws for line in raw.splitlines() if line.startswith(b"Subject: "))


def test_deleted_there_once_it_is_here(lab: Lab, profile: Path) -> None:
    user = lab.user("polly")
    lab.add_account(profile, user, kind="pop3", delete_fetched=True).ok()
    lab.fill(user, [message(f"Letter {n}") for n in range(30)])
    held = sorted(lab.raw_messages(user).values())
    assert sync_inbox(lab, profile)["in_store"] == 30
    assert lab.raw_messages(user) == {}
    lab.deliver(user, message("One more"))
    assert sync_inbox(lab, profile)["in_store"] == 31
    assert lab.raw_messages(user) == {}
    rows = lab.mua("list", "INBOX", profile=profile).ok()
    with closing(Bodies(Profile(profile), readonly=True)) as bodies:
        assert set(held) < {bodies.get(row["id"]) for row in rows}


def test_deleted_there_when_it_is_deleted_here(lab: Lab, profile: Path) -> None:
    user = lab.user("polly")
    lab.add_account(profile, user, kind="pop3", keep_days=7, delete_when_deleted=True).ok()
    lab.fill(user, [message("Keep me"), message("Trash me"), message("File me")])
    sync_inbox(lab, profile)
    ids = {row["subject"]: row["id"] for row in lab.mua("list", "INBOX", profile=profile).ok()}
    lab.mua("act", "delete", ids["Trash me"], profile=profile).ok()
    lab.mua("act", "archive", ids["File me"], profile=profile).ok()
    sync_inbox(lab, profile)
    assert on_server(lab, user) == ["File me", "Keep me"]
    assert [row["subject"] for row in lab.mua("list", "Trash", profile=profile).ok()] == ["Trash me"]
