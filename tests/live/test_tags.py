"""Tags are IMAP keywords: set here, seen there; set there, seen here; and taken back."""

from pathlib import Path

import pytest
from lab import Lab, User, message, until

pytestmark = pytest.mark.live


@pytest.fixture
def user(lab: Lab, profile: Path) -> User:
    user = lab.user("tagger")
    lab.add_account(profile, user).ok()
    lab.fill(user, [message(f"Number {n}") for n in range(4)])
    lab.mua("sync", "--until-complete", profile=profile).ok()
    return user


def ids(lab: Lab, profile: Path) -> dict[str, str]:
    return {row["subject"]: row["id"] for row in lab.mua("list", "INBOX", profile=profile).ok()}


def flags(lab: Lab, profile: Path) -> dict[str, set[str]]:
    return {row["subject"]: set(row["flags"]) for row in lab.mua("list", "INBOX", profile=profile).ok()}


def server(lab: Lab, user: User) -> dict[str, frozenset[str]]:
    held = lab.messages(user, "INBOX").values()
    return {raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode(): names for raw, names in held}


def test_a_tag_goes_to_the_server_and_comes_from_there(lab: Lab, profile: Path, user: User) -> None:
    known = ids(lab, profile)
    with lab.engine(profile):
        done = lab.mua("act", "tag", known["Number 1"], known["Number 2"], "--tag", "important", profile=profile).ok()
        assert done["label"] == "Tagged 2 messages as Important"
        assert flags(lab, profile)["Number 1"] == {"$label1"}
        until(lambda: server(lab, user)["Number 2"] == {"$label1"}, "the tag on the server")
        lab.mua("act", "untag", known["Number 2"], "--tag", "Important", profile=profile).ok()
        until(lambda: server(lab, user)["Number 2"] == frozenset(), "no tag on the server")
        lab.mua("undo", profile=profile).ok()
        until(lambda: server(lab, user)["Number 2"] == {"$label1"}, "the tag again")
        with lab.imap(user) as other:
            other.select("INBOX")
            _, [found] = other.search(None, "SUBJECT", '"Number 3"')
            other.store(found.decode(), "+FLAGS", "($label4 Holiday)")
        until(lambda: flags(lab, profile)["Number 3"] == {"$label4", "Holiday"}, "what another program set")
        moved = ids(lab, profile)["Number 3"]
        lab.mua("act", "tag", moved, "--tag", "Very own", profile=profile).ok()
        lab.mua("act", "archive", moved, profile=profile).ok()
        until(lambda: len(lab.messages(user, "Archive")) == 1, "the message in the archive")
        [(_, names)] = lab.messages(user, "Archive").values()
        assert names == {"$label4", "Holiday", "very_own"}


def test_tags_of_a_mailbox_on_this_computer(lab: Lab, profile: Path, tmp_path: Path) -> None:
    lab.mua("account", "add", "--name", "l", "--email", "l@example.org", "--local", profile=profile).ok()
    file = tmp_path / "one.eml"
    file.write_bytes(message("Kept here"))
    lab.mua("import", file, "INBOX", profile=profile).ok()
    [row] = lab.mua("list", "INBOX", profile=profile).ok()
    lab.mua("act", "tag", row["id"], "--tag", "Zürich", profile=profile).ok()
    [row] = lab.mua("list", "INBOX", profile=profile).ok()
    [name] = row["flags"]
    assert name.startswith("tag-")
    lab.mua("act", "untag", row["id"], "--tag", "Zürich", profile=profile).ok()
    assert lab.mua("list", "INBOX", profile=profile).ok()[0]["flags"] == []
