"""Snoozed mail: out of the inbox here and on the server, back on time, after a restart too, and taken back."""

import time
from pathlib import Path

import apsw
import pytest
from lab import Lab, User, message, until

pytestmark = pytest.mark.live


@pytest.fixture
def user(lab: Lab, profile: Path) -> User:
    user = lab.user("sleeper")
    lab.add_account(profile, user).ok()
    lab.fill(user, [message(f"Number {n}") for n in range(3)])
    lab.mua("sync", "--until-complete", profile=profile).ok()
    return user


def rows(lab: Lab, profile: Path, folder: str) -> dict[str, dict[str, object]]:
    return {row["subject"]: row for row in lab.mua("list", folder, profile=profile).ok()}


def snooze_for_a_moment(lab: Lab, profile: Path, one: object) -> None:
    """On a busy machine a command alone may take longer than that."""
    for seconds in (3, 15, 60):
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(time.time() + seconds))
        done = lab.mua("act", "snooze", one, "--until", at, profile=profile)
        if not done.code:
            return
    done.ok()


def test_a_message_is_aside_until_its_time_has_come(lab: Lab, profile: Path, user: User) -> None:
    with lab.engine(profile):
        one = rows(lab, profile, "INBOX")["Number 1"]["id"]
        lab.mua("act", "read", one, profile=profile).ok()
        lab.mua("act", "snooze", one, "--until", "4 minutes", profile=profile).ok()
        assert set(rows(lab, profile, "INBOX")) == {"Number 0", "Number 2"}
        until(lambda: len(lab.messages(user, "Snoozed")) == 1, "the message in the folder for that")
        snooze_for_a_moment(lab, profile, one)
        until(lambda: "Number 1" in rows(lab, profile, "INBOX"), "the message back by itself")
        assert rows(lab, profile, "INBOX")["Number 1"]["flags"] == []
        until(lambda: len(lab.messages(user, "INBOX")) == 3, "the message back on the server")
        until(lambda: lab.messages(user, "Snoozed") == {}, "the end of the move")


def test_what_became_due_while_nothing_ran_comes_back_at_the_start(lab: Lab, profile: Path, user: User) -> None:
    with lab.engine(profile):
        one = rows(lab, profile, "INBOX")["Number 1"]["id"]
        lab.mua("act", "snooze", one, "--until", "2h", profile=profile).ok()
    with apsw.Connection(str(profile / "cache.db")) as db:
        db.execute("UPDATE snooze SET until = ?", (int(time.time()) - 1,))
    assert set(rows(lab, profile, "Snoozed")) == {"Number 1"}
    with lab.engine(profile):
        until(lambda: len(lab.messages(user, "INBOX")) == 3, "the message back")


def test_it_is_taken_back_and_woken(lab: Lab, profile: Path, user: User) -> None:
    with lab.engine(profile):
        one = rows(lab, profile, "INBOX")["Number 1"]["id"]
        lab.mua("act", "snooze", one, "--until", "2h", profile=profile).ok()
        lab.mua("undo", profile=profile).ok()
        assert len(rows(lab, profile, "INBOX")) == 3
        lab.mua("act", "snooze", one, "--until", "2h", profile=profile).ok()
        lab.mua("act", "wake", one, profile=profile).ok()
        assert len(rows(lab, profile, "INBOX")) == 3
        lab.mua("undo", profile=profile).ok()  # snoozed again, until then
        assert set(rows(lab, profile, "Snoozed")) == {"Number 1"}
        lab.mua("act", "move", one, "--to", "INBOX", profile=profile).ok()
        lab.mua("act", "wake", one, profile=profile).ok()  # it is not snoozed any more: nothing happens
        until(lambda: len(lab.messages(user, "INBOX")) == 3, "all of it in the inbox")


def test_archived_by_years(lab: Lab, profile: Path, user: User) -> None:
    with lab.engine(profile):
        one = rows(lab, profile, "INBOX")["Number 1"]["id"]
        lab.mua("act", "archive", one, "--years", profile=profile).ok()
        name = f"Archive.{time.localtime().tm_year}"
        until(lambda: name in lab.folders(user) and len(lab.messages(user, name)) == 1, "the message in its year")
