"""The ledger: what disappeared on a real server, why, and bringing it back there."""

from pathlib import Path

import pytest
from lab import Filled, Lab, User, message, until

pytestmark = pytest.mark.live


def entries(lab: Lab, profile: Path) -> dict[str, dict]:
    return {one["subject"]: one for one in lab.mua("ledger", profile=profile).ok()}


def sync(lab: Lab, profile: Path) -> None:
    lab.mua("sync", "--until-complete", profile=profile).ok()


def delete(lab: Lab, user: User, uids: str, folder: str = "INBOX") -> None:
    """What another mail program does."""
    client = lab.imap(user)
    client.select(folder)
    client.uid("STORE", uids, "+FLAGS", "(\\Deleted)")
    client.expunge()
    client.logout()


def test_what_another_program_deleted_comes_back(lab, profile, account):
    raw = message("precious", message_id="<p@elsewhere.test>")
    lab.fill(account, [Filled(raw, 1_700_000_000, "FS"), Filled(message("worthless"))])
    sync(lab, profile)
    [uid] = [one["uid"] for one in lab.mua("list", "INBOX", profile=profile).ok() if one["subject"] == "precious"]
    delete(lab, account, str(uid))
    sync(lab, profile)
    gone = entries(lab, profile)
    assert list(gone) == ["precious"]
    entry = gone["precious"]
    assert entry["claim"] in ("vanished", "unlisted")
    assert "server" in entry["reason"]
    assert entry["restorable_until"] > entry["at"]
    assert (entry["folder"], entry["uid"], entry["now_in"]) == ("INBOX", uid, [])
    done = lab.mua("ledger", "restore", entry["id"], profile=profile).ok()
    sync(lab, profile)
    assert [one["id"] for one in lab.mua("list", "INBOX", profile=profile).ok() if one["subject"] == "precious"] == (
        done["messages"]
    )
    [(there, flags)] = [found for found in lab.messages(account).values() if b"precious" in found[0]]
    assert there == raw
    assert {"\\Seen", "\\Flagged"} <= flags
    assert lab.mua("ledger", "restore", entry["id"], profile=profile).ok() == done  # once, however often it is asked
    sync(lab, profile)
    assert len(lab.messages(account)) == 2
    assert entries(lab, profile)["precious"]["now_in"] == ["INBOX"]


def test_a_folder_that_was_removed_is_made_again(lab, profile, account):
    client = lab.imap(account)
    client.create("Letters")
    lab.fill(account, [Filled(message("from the folder"))], "Letters")
    sync(lab, profile)
    client.delete("Letters")
    client.logout()
    sync(lab, profile)
    entry = entries(lab, profile)["from the folder"]
    assert (entry["claim"], entry["folder"]) == ("folder-removed", "Letters")
    lab.mua("ledger", "restore", entry["id"], profile=profile).ok()
    until(lambda: "Letters" in " ".join(lab.folders(account)), "the folder on the server")
    sync(lab, profile)
    assert len(lab.messages(account, "Letters")) == 1


def test_what_was_deleted_here_is_in_it_too(lab, profile, account):
    lab.fill(account, [Filled(message("mine"))])
    sync(lab, profile)
    [one] = lab.mua("list", "INBOX", profile=profile).ok()
    lab.mua("act", "delete", one["id"], profile=profile).ok()
    sync(lab, profile)
    lab.mua("act", "delete", one["id"], profile=profile).ok()  # out of the trash
    sync(lab, profile)
    entry = entries(lab, profile)["mine"]
    assert (entry["claim"], entry["folder"]) == ("deleted", "Trash")


def test_what_cannot_be_brought_back(lab, profile, account):
    assert lab.mua("ledger", profile=profile).ok() == []
    lab.mua("ledger", "restore", "77", profile=profile).failed("no-such-entry")
    assert lab.mua("ledger", "restore", "x", profile=profile).code == 2
    assert lab.mua("ledger", "restore", profile=profile).code == 2
    lab.mua("account", "policy", "lab", "headers", profile=profile).ok()
    lab.fill(account, [Filled(message("never fetched"))])
    sync(lab, profile)
    delete(lab, account, "1")
    sync(lab, profile)
    entry = entries(lab, profile)["never fetched"]
    assert entry["restorable_until"] is None
    lab.mua("ledger", "restore", entry["id"], profile=profile).failed("no-body")
