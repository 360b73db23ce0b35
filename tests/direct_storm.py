"""Chaos over direct sending: the engine is killed at random moments while it delivers to exchangers, then the books.

Theory of operation: each round starts an engine, queues a few messages over its own socket, and sends SIGKILL after a
random part of the time that such mail takes.  The exchangers are those of ``lab_exchangers``: some take their time,
some send on to the next, and two are lost at the dot, with the message and without it.  What was confirmed before
the engine died is a promise.  At the end a last engine is left in peace, and then for each recipient:

* lost: accepted, and no exchanger has it; or queued for certain, and neither accepted nor unknown;
* doubled: more than one copy anywhere, or one at the next exchanger after a loss at the dot of the first;
* differences: a copy where the verdict says that there is none.
"""

import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing

from lab import Lab, answers, message, until
from storm import PATIENCE, Report, nobody

from mua import wire
from mua.cli.client import EngineClient
from mua.errors import MailError
from mua.paths import Profile
from mua.store import read
from mua.store.db import open_reader

DOMAINS = ("steady", "steady", "good", "prefs", "mailpair", "busypair", "bodypair", "partial", "tarpit", "dotpair")
LOST_AT_THE_DOT = ("dotpair", "dot2pair")  # behind each of them is an exchanger that takes everything
USUAL = 0.6  # seconds that a round's mail takes


class DirectStorm:
    """One storm over one laboratory.  The same ``seed`` plans the same work (the moments still vary)."""

    def __init__(self, lab: Lab, seed: int, say: Callable[[str], None] = lambda line: None) -> None:
        self.lab, self.dice, self.say = lab, random.Random(seed), say
        self.folder = lab.profile()
        self.profile = Profile(self.folder)
        self.report = Report()
        self.promised: set[str] = set()  # addresses of confirmed messages, each named once
        self._number = 0
        self._usual = USUAL

    def run(self, kills: int) -> Report:
        """Kill ``kills`` times, then let it settle and balance the books."""
        self.taken = self.lab.start_exchangers()
        options = {"smtp": None, "smtp_security": None, "direct": True, "allow_private_mx": True, "local": True}
        self.lab.add_account(self.folder, self.lab.user("alice"), kind="local", **options).ok()
        self.lab.stop_engine(self.folder)
        while self.report.kills < kills:
            self._disturbed()
            if self.report.kills % 20 == 0:
                self.say(f"{self.report.kills} of {kills}: {self._number} sent")
        self._settle()
        self._balance()
        return self.report

    def _disturbed(self) -> None:
        engine = self.lab.start_engine(self.folder)
        killer = threading.Timer(self.dice.random() * 2 * self._usual, engine.kill)
        during = "sending"
        try:
            until(lambda: answers(self.profile.socket) or engine.poll() is not None, "the engine to listen", 60)
            with closing(EngineClient(self.profile, nobody)) as client:
                began = time.monotonic()
                killer.start()
                ids = [self._send(client) for _ in range(self.dice.randint(1, 6))]
                during = "confirming"
                for one in ids:
                    client.ask(wire.AwaitVerdicts(one), wire.Done)
                self._usual = 0.8 * self._usual + 0.2 * (time.monotonic() - began)
                during = "idle"
        except (MailError, OSError):
            pass  # this is what we came for
        if not killer.is_alive() and engine.poll() is None:
            engine.kill()
        killer.join()
        engine.wait()
        self.report.kills += 1
        self.report.during[during] += 1

    def _send(self, client: EngineClient, domains: Sequence[str] = ()) -> int:
        domains = domains or self.dice.sample([*DOMAINS, "dot2pair"], self.dice.choice((1, 1, 2, 4)))
        people = [f"n{self._number}x{index}@{domain}.evil.test" for index, domain in enumerate(dict.fromkeys(domains))]
        self._number += 1
        body = "storm\n" * self.dice.choice((20, 500, 60_000))
        path = self.lab.folder / f"direct-{self._number}.eml"
        path.write_bytes(message("Storm", "alice@good.test", body, to=", ".join(people)))
        with closing(open_reader(self.profile)) as db:
            account = read.accounts(db)[0]
        queued = client.ask(wire.Send(account.id, file=str(path)), wire.Queued)
        self.promised |= set(people)
        path.unlink()
        return queued.outgoing_id

    def _settle(self) -> None:
        """A last engine, undisturbed, until nothing waits; a slow exchanger may take as long as it takes from us."""
        deadline, before = time.monotonic() + PATIENCE, 0
        with self.lab.engine(self.folder):
            with closing(EngineClient(self.profile, nobody)) as client:  # on a busy machine no kill may come so late
                self._send(client, LOST_AT_THE_DOT)
            while waiting := [who for who, state in self._states().items() if state not in ("accepted", "unknown")]:
                if len(waiting) != before:
                    deadline, before = time.monotonic() + PATIENCE, len(waiting)
                if time.monotonic() > deadline:
                    self.report.differences.append(f"nothing settled for {PATIENCE:.0f} s: {waiting[:5]}")
                    return
                for one in self.lab.mua("outbox", profile=self.folder).ok():
                    self.lab.mua("retry", one["id"], profile=self.folder).ok()
                time.sleep(0.5)

    def _states(self) -> dict[str, str]:
        listed = self.lab.mua("outbox", "--all", profile=self.folder).ok()
        return {each["address"]: each["state"] for one in listed for each in one["recipients"]}

    def _balance(self) -> None:
        states, report = self._states(), self.report
        copies: dict[str, list[str]] = defaultdict(list)
        for path in self.taken.glob("*/*"):
            copies[path.name.partition("-")[2]].append(path.parent.name)
        report.sent, report.unknown = self._number, Counter(states.values())["unknown"]
        report.lost += [f"lost: {who} was promised, and is not in the outbox" for who in self.promised - states.keys()]
        for who, state in states.items():
            where, shape = copies[who], who.partition("@")[2].partition(".")[0]
            if state == "accepted" and not where:
                report.lost.append(f"lost: {who} is {state}, and nobody has it")
            if len(where) > 1 or (shape in LOST_AT_THE_DOT and "good" in where):
                report.doubled.append(f"doubled: {who} is at {where}")
            if where and state not in ("accepted", "unknown"):
                report.differences.append(f"{who} is {state}, and {where} have it")
