"""Folders renamed, deleted, emptied, marked read, subscribed: here at once, on the server when it is there, undone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Lab, message, until
from lab_proxy import Proxy

pytestmark = pytest.mark.live


class Desk:
    """One profile; Work (two messages) with Work.Old (one) on the server, which a switch makes unreachable."""

    offline = False

    def __init__(self, lab: Lab, profile: Path) -> None:
        self.lab, self.profile, self.user = lab, profile, lab.user("folders")
        self.switch: Proxy = lab.proxy(lab.plan.imap)
        lab.add_account(profile, self.user, imap=f"{lab.plan.imap_host}:{self.switch.port}").ok()
        lab.fill(self.user, [message(f"Work {n}") for n in range(2)], folder="Work")
        lab.fill(self.user, [message("Old")], folder="Work.Old")
        self.sync()

    def sync(self) -> None:
        self.lab.mua("sync", "--until-complete", profile=self.profile).ok()

    def do(self, *words: object) -> dict[str, object]:
        done: dict[str, object] = self.lab.mua(*words, profile=self.profile).ok()
        return done

    def folders(self) -> dict[str, tuple[int, int]]:
        """Name -> (messages, unread), as the store shows it."""
        return {
            one["name"]: (one["total"], one["unread"]) for one in self.lab.mua("folders", profile=self.profile).ok()
        }

    def held(self, folder: str) -> int:
        return len(self.lab.messages(self.user, folder))


@pytest.fixture(params=["online", "offline"])
def desk(lab: Lab, profile: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """With the server there and a running engine, and with neither until ``settle``."""
    if request.param == "online":
        with lab.engine(profile):
            yield Desk(lab, profile)
    else:
        desk = Desk(lab, profile)
        desk.switch.refuse()
        desk.offline = True
        yield desk


def settle(desk: Desk) -> None:
    desk.switch.resume()
    desk.sync()


def test_a_folder_and_those_below_it_get_another_name(desk: Desk) -> None:
    desk.do("folder", "rename", "Work", "Office")
    assert "Work" not in desk.folders() and desk.folders()["Office.Old"] == (1, 1)
    settle(desk)
    until(lambda: {"Office", "Office.Old"} <= set(desk.lab.folders(desk.user)), "the new names on the server")
    assert "Work" not in desk.lab.folders(desk.user)
    desk.do("undo")
    settle(desk)
    until(lambda: {"Work", "Work.Old"} <= set(desk.lab.folders(desk.user)), "the old names again")
    assert desk.folders()["Work"] == (2, 2) and desk.held("Work.Old") == 1
    desk.lab.mua("folder", "rename", "Work", "Work.Inside", profile=desk.profile).failed("bad-name")
    desk.lab.mua("folder", "rename", "Work.Old", "INBOX", profile=desk.profile).failed("name-taken")
    desk.lab.mua("folder", "rename", "INBOX", "Elsewhere", profile=desk.profile).failed("folder-needed")


def test_a_deleted_folder_s_mail_is_in_the_bin_and_comes_back_with_it(desk: Desk) -> None:
    desk.do("folder", "delete", "Work")
    assert not {"Work", "Work.Old"} & set(desk.folders()) and desk.folders()["Trash"] == (3, 3)
    settle(desk)
    until(lambda: not {"Work", "Work.Old"} & set(desk.lab.folders(desk.user)), "no such folder on the server")
    until(lambda: desk.held("Trash") == 3, "the messages in the bin")
    desk.do("undo")
    assert desk.folders()["Work"] == (2, 2) and desk.folders()["Work.Old"] == (1, 1)
    settle(desk)
    until(lambda: desk.held("Work") == 2 and desk.held("Work.Old") == 1, "all of it on the server again")
    until(lambda: desk.held("Trash") == 0, "the end of the move")


def test_a_folder_that_got_mail_meanwhile_is_not_deleted(desk: Desk) -> None:
    if desk.offline:
        desk.do("folder", "delete", "Work.Old")
        desk.lab.fill(desk.user, [message("Too late")], folder="Work.Old")
        settle(desk)
        assert desk.held("Work.Old") == 1
        [folder] = [one for one in desk.lab.mua("folders", profile=desk.profile).ok() if one["name"] == "Work.Old"]
        assert folder["total"] == 1


def test_all_read_and_the_bin_emptied(desk: Desk) -> None:
    desk.do("folder", "read", "Work")
    assert desk.folders()["Work"] == (2, 0)
    desk.do("undo")
    assert desk.folders()["Work"] == (2, 2)
    desk.do("folder", "delete", "Work.Old")
    desk.do("folder", "empty", "Trash")
    assert desk.folders()["Trash"] == (0, 0)
    settle(desk)
    until(lambda: desk.held("Trash") == 0 and "Work.Old" not in desk.lab.folders(desk.user), "nothing in the bin")
    desk.lab.mua("folder", "empty", "Work", profile=desk.profile).failed("not-for-emptying")


def test_a_subscription(desk: Desk) -> None:
    def subscribed() -> bool:
        with desk.lab.imap(desk.user) as other:
            _, lines = other.lsub()
        return any(b'"Work"' in (line or b"") or (line or b"").endswith(b" Work") for line in lines)

    settle(desk)
    before = subscribed()
    desk.do("folder", "unsubscribe" if before else "subscribe", "Work")
    until(lambda: subscribed() is not before, "the subscription on the server")
    desk.do("undo")
    until(lambda: subscribed() is before, "as it was before")
