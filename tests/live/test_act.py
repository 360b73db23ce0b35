"""Star, mark read, archive, move, delete, undo: at once in the store, on the server when it can be reached."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab import Lab, message, until
from lab_proxy import Proxy

pytestmark = pytest.mark.live


class Desk:
    """One profile with ten messages on the server, which a switch makes unreachable."""

    def __init__(self, lab: Lab, profile: Path) -> None:
        self.lab, self.profile, self.user = lab, profile, lab.user("alice")
        self.switch: Proxy = lab.proxy(lab.plan.imap)
        lab.add_account(profile, self.user, imap=f"{lab.plan.imap_host}:{self.switch.port}").ok()
        lab.fill(self.user, [message(f"Number {n}") for n in range(10)])
        self.sync()

    def sync(self) -> None:
        self.lab.mua("sync", "--until-complete", profile=self.profile).ok()

    def act(self, *words: object) -> None:
        self.lab.mua("act", *words, profile=self.profile).ok()

    def ids(self, folder: str = "INBOX") -> dict[str, str]:
        """Subject -> id, as the store has it."""
        rows = self.lab.mua("list", folder, profile=self.profile).ok()
        return {row["subject"]: row["id"] for row in rows}

    def flags(self) -> dict[str, set[str]]:
        rows = self.lab.mua("list", "INBOX", profile=self.profile).ok()
        return {row["subject"]: set(row["flags"]) for row in rows}

    def server(self, folder: str = "INBOX") -> dict[str, frozenset[str]]:
        """Subject -> flags, as the server has it."""
        held = self.lab.messages(self.user, folder).values()
        return {raw.split(b"Subject: ")[1].split(b"\r\n")[0].decode(): flags for raw, flags in held}


@pytest.fixture(params=["online", "offline"])
def desk(lab: Lab, profile: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """The same acts with the server there and a running engine, and with neither until ``settle``."""
    if request.param == "online":
        with lab.engine(profile):
            yield Desk(lab, profile)
    else:
        desk = Desk(lab, profile)
        desk.switch.refuse()
        yield desk


def settle(desk: Desk) -> None:
    """The server is there (again), and one sync has passed."""
    desk.switch.resume()
    desk.sync()


def test_a_star_and_a_mark(desk: Desk) -> None:
    ids = desk.ids()
    desk.act("flag", ids["Number 1"], ids["Number 2"])
    desk.act("read", ids["Number 2"])
    assert desk.flags()["Number 1"] == {"\\Flagged"}
    assert desk.flags()["Number 2"] == {"\\Flagged", "\\Seen"}
    settle(desk)
    held = desk.server()
    assert (held["Number 1"], held["Number 2"]) == ({"\\Flagged"}, {"\\Flagged", "\\Seen"})
    desk.act("unflag", ids["Number 1"])
    desk.act("unread", ids["Number 2"])
    settle(desk)
    assert (desk.server()["Number 1"], desk.server()["Number 2"]) == (set(), {"\\Flagged"})


@pytest.mark.parametrize(
    "words, target", [(("archive",), "Archive"), (("move", "--to", "Junk"), "Junk"), (("delete",), "Trash")]
)
def test_a_message_goes_elsewhere(desk: Desk, words: tuple[str, ...], target: str) -> None:
    raw = next(raw for raw in desk.lab.raw_messages(desk.user).values() if b"Number 3\r\n" in raw)
    number = desk.ids()["Number 3"]
    desk.act(words[0], number, *words[1:])
    assert "Number 3" not in desk.ids()
    assert list(desk.ids(target)) == ["Number 3"]
    settle(desk)
    assert "Number 3" not in desk.server()
    assert list(desk.lab.raw_messages(desk.user, target).values()) == [raw]
    assert list(desk.ids(target)) == ["Number 3"]
    assert len(desk.ids()) == 9


def test_undo_takes_a_move_back(desk: Desk) -> None:
    desk.act("archive", desk.ids()["Number 4"])
    desk.lab.mua("undo", profile=desk.profile).ok()
    assert "Number 4" in desk.ids()
    settle(desk)
    assert len(desk.server()) == 10
    assert desk.server("Archive") == {}


def test_undo_takes_a_star_back(desk: Desk) -> None:
    desk.act("flag", *desk.ids().values())
    desk.lab.mua("undo", profile=desk.profile).ok()
    settle(desk)
    assert set(desk.server().values()) == {frozenset()}


def test_many_acts_on_one_message_end_as_the_last_says(desk: Desk) -> None:
    number = desk.ids()["Number 5"]
    for words in (("flag", number), ("move", number, "--to", "Archive"), ("read", number), ("unflag", number)):
        desk.act(*words)
    settle(desk)
    assert desk.server("Archive") == {"Number 5": {"\\Seen"}}
    assert len(desk.server()) == 9


def test_deleting_from_the_trash_is_for_good(desk: Desk) -> None:
    desk.act("delete", desk.ids()["Number 6"])
    settle(desk)
    desk.act("delete", desk.ids("Trash")["Number 6"])
    settle(desk)
    assert desk.server("Trash") == {}
    assert len(desk.server()) == 9


def test_a_running_engine_follows_at_once(lab: Lab, profile: Path) -> None:
    with lab.engine(profile):
        desk = Desk(lab, profile)
        desk.act("flag", desk.ids()["Number 0"])
        until(lambda: desk.server()["Number 0"] == {"\\Flagged"}, "the star on the server")


def test_both_sides_changed_while_apart(lab: Lab, profile: Path) -> None:
    desk = Desk(lab, profile)
    desk.switch.refuse()
    ids = desk.ids()
    desk.act("flag", ids["Number 0"])
    desk.act("move", ids["Number 1"], "--to", "Archive")
    desk.act("read", ids["Number 2"])
    with lab.imap(desk.user) as other:
        other.select("INBOX")
        other.uid("STORE", "1:10", "+FLAGS", "($Label1)")
        for subject in ("Number 2", "Number 3"):
            (found,) = other.uid("SEARCH", "SUBJECT", f'"{subject}"')[1]
            other.uid("STORE", found.decode(), "+FLAGS", "(\\Deleted)")
        other.expunge()
    settle(desk)
    held = desk.server()
    assert held["Number 0"] == {"\\Flagged", "$Label1"}
    assert held.keys() == {f"Number {n}" for n in (0, 4, 5, 6, 7, 8, 9)}
    assert desk.server("Archive").keys() == {"Number 1"}
    assert desk.ids().keys() == held.keys()
