"""How long a look-up takes on the network, by a clock of the test: only answers take time, a busy machine none."""

import random
import threading
from collections.abc import Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future
from concurrent.futures import wait as really_wait
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from mua.engine import doctor
from mua.errors import Kind, MailError, Retry
from mua.model.account import Server
from mua.plan import discover as plan
from mua.plan.discover import Service

EMAIL = "ada@example.org"
NEVER = 60.0  # seconds: longer than anybody waits
GOAL = 2.0  # seconds of network time to the first good answer
CONFIG = b"""<clientConfig version="1.1"><emailProvider id="x"><incomingServer type="imap">
<hostname>in.example.org</hostname><port>993</port><socketType>SSL</socketType><username>%EMAILADDRESS%</username><authentication>password-cleartext
</authentication></incomingServer></emailProvider></clientConfig>"""
ASKED = ("desktop", "autoconfig", "well-known", "mx", "srv", "probe")


@dataclass
class Question:
    """One that is on the network until ``due``."""

    what: str
    due: float
    answered: threading.Event = field(default_factory=threading.Event)


class World:
    """Everybody that a look-up asks: who answers after how many seconds, and who of them has something to say."""

    def __init__(self, seconds: dict[str, float], good: Collection[str]) -> None:
        self.now = 0.0
        self._seconds, self._good = seconds, good
        self._open: list[Question] = []
        self._came = threading.Condition()
        offered = plan.guesses(EMAIL)
        self._probes = len(offered.imap) + len(offered.pop3) + len(offered.smtp)
        self._expected = len(plan.autoconfig_urls(EMAIL)) + 3 + self._probes

    def ways(self) -> doctor.Ways:
        return doctor.Ways(self._fetch, self._probe, self._mx, self._services, self._desktop)

    def first(self) -> float:
        """When the first good answer is there."""
        return min((self._seconds[one] for one in self._good), default=NEVER)

    def _ask(self, what: str) -> bool:
        question = Question(what, self._seconds[what])
        with self._came:
            self._open.append(question)
            self._came.notify_all()
        question.answered.wait()
        return what in self._good

    def _fetch(self, url: str) -> bytes:
        if not self._ask("well-known" if ".well-known" in url else "autoconfig"):
            raise MailError(Kind.CONNECTION, Retry.SOON, "nobody", code="unknown-host")
        return CONFIG

    def _probe(self, _: Server, __: str) -> None:
        if not self._ask("probe"):
            raise MailError(Kind.CONNECTION, Retry.SOON, "nobody", code="unknown-host")

    def _mx(self, _: str) -> Sequence[str]:
        return ["aspmx.l.google.com"] if self._ask("mx") else []

    def _services(self, _: str) -> dict[str, Sequence[Service]]:
        return {"_imaps": [Service(0, 0, 993, "in.example.org")]} if self._ask("srv") else {}

    def _desktop(self) -> list[dict[str, object]]:
        self._ask("desktop")
        known = {"EmailAddress": EMAIL, "ImapHost": "in.example.org", "ImapUserName": "ada", "ImapUseSsl": True}
        return [known] if "desktop" in self._good else []

    def wait(self, waiting: set["Future[Any]"], timeout: float, return_when: str) -> Any:
        """As ``concurrent.futures.wait``, but time goes only here: from one answer to the next."""
        assert return_when == FIRST_COMPLETED
        with self._came:
            assert self._came.wait_for(lambda: len(self._open) == self._expected, 60), "somebody was not asked"
        end = self.now + timeout
        while not any(one.done() for one in waiting):
            due = [one for one in self._open if not one.answered.is_set()]
            soonest = min(due, key=lambda one: one.due, default=None)
            if soonest is None or soonest.due > end:
                self.now = end
                break
            self.now = max(self.now, soonest.due)
            together = [one for one in due if one.what == soonest.what == "probe"] or [soonest]
            for one in together:
                one.answered.set()
            assert really_wait(
                waiting, 60, FIRST_COMPLETED
            ).done  # what an answer is worth takes no time of the network
        done = {one for one in waiting if one.done()}
        return done, waiting - done

    def end(self) -> None:
        """Nobody is kept."""
        for one in self._open:
            one.answered.set()


def seconds_of(monkeypatch: pytest.MonkeyPatch, world: World) -> float:
    """Seconds of the network until the look-up ends; it has to find something where somebody answers well in time."""
    monkeypatch.setattr(doctor, "time", SimpleNamespace(monotonic=lambda: world.now))
    monkeypatch.setattr(doctor, "wait", world.wait)
    try:
        found = doctor.find(EMAIL, world.ways())
        assert found
    except MailError:
        assert world.first() > doctor.PATIENCE
    finally:
        world.end()
    return world.now


@pytest.mark.parametrize(
    ("answers", "took"),
    [
        ({"desktop": 0.01}, 0.01),
        ({"autoconfig": 0.4}, 0.4),
        ({"autoconfig": 0.4, "desktop": NEVER}, doctor.GRACE),
        ({"srv": 0.2, "autoconfig": NEVER}, doctor.GRACE),
        ({"srv": 0.2, "autoconfig": 0.9}, 0.9),
        ({"mx": 0.1}, 0.3),
        ({"probe": 1.2}, 1.2),
        ({"well-known": 1.9, "autoconfig": NEVER}, 1.9),
        ({"probe": 9.0}, 9.0),
        ({}, 0.3),
    ],
)
def test_the_network_s_part_of_a_look_up(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, float], took: float
) -> None:
    """Whoever is not named says after 0.3 s that they know nothing; who is named NEVER does not say even that."""
    good = {one for one, when in answers.items() if when < NEVER}
    world = World(dict.fromkeys(ASKED, 0.3) | answers, good)
    assert seconds_of(monkeypatch, world) == pytest.approx(took)


def test_a_good_answer_is_given_within_two_seconds_whoever_else_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(9)
    for _ in range(40):
        seconds = {one: chance.choice((0.05, 0.3, 1.0, 1.6, 1.9, 3.0, NEVER)) for one in ASKED}
        world = World(seconds, {one for one in ASKED if chance.random() < 0.5 and seconds[one] < NEVER})
        took = seconds_of(monkeypatch, world)
        if world.first() < GOAL:
            assert world.first() <= took < GOAL, (seconds, world.first())
