"""A folder that a person chose for a purpose, and an account that is paused, beside a real Dovecot."""

from pathlib import Path

import pytest
from lab import Lab, User, message, until

pytestmark = pytest.mark.live


@pytest.mark.msa
def test_the_sent_copy_goes_where_a_person_wants_it(lab: Lab, profile: Path, account: User) -> None:
    client = lab.imap(account)
    client.create("Versand")
    client.subscribe("Versand")
    client.logout()
    lab.mua("sync", profile=profile).ok()
    lab.mua("folder", "use", "Versand", "sent", profile=profile).ok()
    lab.mua("sync", profile=profile).ok()  # the server marks another one, and says so again
    roles = {one["name"]: one["role"] for one in lab.mua("folders", profile=profile).ok()}
    assert (roles["Versand"], roles["Sent"]) == ("sent", "")
    words = ("compose", "--to", "bob@elsewhere.test", "--subject", "out", "--body", "x", "--wait")
    lab.mua(*words, profile=profile).ok()
    until(lambda: lab.raw_messages(account, "Versand"), "the copy")
    assert lab.raw_messages(account, "Sent") == {}


def test_nothing_is_fetched_while_an_account_is_paused(lab: Lab, profile: Path, account: User) -> None:
    lab.mua("sync", profile=profile).ok()
    lab.mua("account", "set", "lab", "--pause", profile=profile).ok()
    lab.deliver(account, message("later"))
    lab.mua("sync", profile=profile)
    assert lab.mua("list", "INBOX", profile=profile).ok() == []
    lab.mua("account", "set", "lab", "--go-on", profile=profile).ok()
    until(lambda: lab.mua("list", "INBOX", profile=profile).ok(), "the mail")


def test_a_folder_that_is_renamed_keeps_its_purpose(lab: Lab, profile: Path, account: User) -> None:
    lab.mua("folder", "create", "Ablage", profile=profile).ok()
    lab.mua("sync", profile=profile).ok()
    lab.mua("folder", "use", "Ablage", "archive", profile=profile).ok()
    client = lab.imap(account)
    client.rename("Ablage", "Keller")  # by another program: what is used for something is not renamed here
    client.subscribe("Keller")
    client.logout()
    lab.mua("sync", profile=profile).ok()
    roles = {one["name"]: one["role"] for one in lab.mua("folders", profile=profile).ok()}
    assert (roles["Keller"], roles["Archive"]) == ("archive", "")
