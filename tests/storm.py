"""Chaos: the engine is killed at random moments of real work, and afterwards the books must balance.

Theory of operation: one profile, one mailbox ("alice"), and the people she writes to ("bob", "carol").  Each round
starts an engine, gives it work over its own socket, and sends SIGKILL after a random part of the time that such work
takes.  What the engine *confirmed* before it died is a promise; what it did not confirm may have happened or not.  At
the end a last engine is left in peace, and then:

* lost: a message that was delivered to alice, or a send that was confirmed, and is nowhere now (an outgoing message
  whose verdict is "unknown" may have arrived or not: it is counted, and shown to the person, but not lost);
* doubled: a Message-ID more than once at a recipient, or in more than one place of alice's mailbox;
* the store's idea of every folder (messages, flags, bytes) must be the server's, and every confirmed act must hold.
"""

import random
import re
import subprocess
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from lab import Lab, User, answers, message, until

from mua import wire
from mua.cli.client import EngineClient
from mua.errors import MailError
from mua.model.message import Flag
from mua.model.outgoing import OutgoingId
from mua.paths import Profile
from mua.store import read
from mua.store.db import open_reader

FOLDERS = ("INBOX", "Archive", "Junk", "Trash")
OUR_MARK = re.compile(rb"^Message-ID: <((?:got|sent)-\d+@storm\.test)>", re.M | re.I)
PATIENCE = 60.0  # seconds that the last engine may take to bring everything in order


@dataclass(slots=True)
class Report:
    """What a storm did and found.  ``differences`` are sentences; an empty list and two zeros are what we promise."""

    kills: int = 0
    delivered: int = 0
    sent: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unknown: int = 0
    differences: list[str] = field(default_factory=list)
    during: Counter[str] = field(default_factory=Counter)

    @property
    def good(self) -> bool:
        """Nothing lost, nothing doubled, both sides equal."""
        return not (self.lost or self.doubled or self.differences)

    def __str__(self) -> str:
        rounds = ", ".join(f"{name} {count}" for name, count in sorted(self.during.items()))
        work = f"kills {self.kills} ({rounds})  delivered {self.delivered}  sent {self.sent}"
        books = f"lost {len(self.lost)}  doubled {len(self.doubled)}  unknown {self.unknown}"
        books += f"  differences {len(self.differences)}"
        return "\n".join([work, books, *self.lost[:10], *self.doubled[:10], *self.differences[:20]])


class Storm:
    """One storm over one laboratory.  The same ``seed`` plans the same work (the moments still vary)."""

    def __init__(self, lab: Lab, seed: int, say: Callable[[str], None] = lambda line: None) -> None:
        self.lab, self.dice, self.say = lab, random.Random(seed), say
        self.alice, self.bob, self.carol = lab.user("alice"), lab.user("bob"), lab.user("carol")
        self.folder = lab.profile()
        self.profile = Profile(self.folder)
        self.report = Report()
        self.usual = {"sync": 0.4, "act": 0.15, "send": 0.9, "start": 0.5}  # seconds; learned as we go
        self.delivered: set[str] = set()
        self.promised: dict[str, tuple[User, ...]] = {}  # Message-ID -> those who must get it (confirmed sends)
        self.attempted: set[str] = set()
        self.wanted: dict[str, dict[Flag, bool | None]] = defaultdict(dict)  # None: not confirmed, either way is right
        self.places: dict[str, str | None] = {}
        self.engine: subprocess.Popen[bytes] | None = None

    # -- the storm ---------------------------------------------------------------------------------------------------

    def run(self, kills: int) -> Report:
        """Kill ``kills`` times, then let it settle and balance the books."""
        self._add_account()
        self.lab.stop_engine(self.folder)
        self._deliver(20)
        self._undisturbed(self._sync)
        while self.report.kills < kills:
            work = self.dice.choice((self._sync, self._act, self._act, self._send, self._send, self._start))
            self._disturbed(work)
            if self.report.kills % 10 == 0:
                self.say(f"{self.report.kills} of {kills}: {len(self.delivered)} delivered, {len(self.attempted)} sent")
                self._undisturbed(self._sync)
        self._settle()
        self._balance()
        return self.report

    def _add_account(self) -> None:
        """Both servers answer a little late, so that a kill finds the engine in the middle of what it says to them."""
        plan = self.lab.plan
        imap, smtp = self.lab.proxy(plan.imap, delay=0.005), self.lab.proxy(plan.submission, plan.msa_ip, delay=0.04)
        servers = {"imap": f"{plan.imap_host}:{imap.port}", "smtp": f"{plan.msa_host}:{smtp.port}"}
        self.lab.add_account(self.folder, self.alice, name="storm", **servers).ok()

    def _undisturbed(self, work: Callable[[EngineClient], None]) -> None:
        with self._client() as client:
            began = time.monotonic()
            work(client)
            self._learn(work.__name__.strip("_"), time.monotonic() - began)

    def _disturbed(self, work: Callable[[EngineClient], None]) -> None:
        """Start ``work`` and kill the engine at a random moment of it (``_start``: counted from its birth)."""
        name = work.__name__.strip("_")
        engine = self._running()
        killer = threading.Timer(self.dice.random() * 1.3 * max(0.15, self.usual[name]), engine.kill)
        if name == "start":
            killer.start()
        began = time.monotonic()
        try:
            with self._client() as client:
                if name != "start":
                    began = time.monotonic()
                    killer.start()
                work(client)
                self._learn(name, time.monotonic() - began)
                for _ in range(2):
                    work(client)
        except (MailError, OSError):
            pass  # this is what we came for
        if not killer.is_alive() and engine.poll() is None:
            engine.kill()  # it never became reachable
        engine.wait()
        killer.join()
        self.report.kills += 1
        self.report.during[name] += 1

    def _learn(self, name: str, seconds: float) -> None:
        self.usual[name] = 0.8 * self.usual[name] + 0.2 * seconds

    def _running(self) -> subprocess.Popen[bytes]:
        """The engine's process, started when there is none."""
        if self.engine is None or self.engine.poll() is not None:
            self.engine = self.lab.start_engine(self.folder)
        return self.engine

    def _client(self) -> EngineClient:
        """A connection to the running engine; OSError when it died before it could be reached."""
        engine = self._running()
        until(lambda: answers(self.profile.socket) or engine.poll() is not None, "the engine to listen", 60)
        return EngineClient(self.profile, nobody)

    # -- kinds of work -----------------------------------------------------------------------------------------------

    def _start(self, client: EngineClient) -> None:
        """The engine's own beginning: it recovers, connects, and looks for news."""
        client.ask(wire.Sync(), wire.Synced)

    def _sync(self, client: EngineClient) -> None:
        self._deliver(self.dice.randint(1, 6))
        client.ask(wire.Sync(complete=True), wire.Synced)

    def _act(self, client: EngineClient) -> None:
        with closing(open_reader(self.profile)) as db:
            folders = {folder.name: folder for folder in read.folders(db)}
            order = read.folder_order(db, folders[self.dice.choice(FOLDERS[:2])].id)
            rows = read.rows(db, self.dice.sample(list(order), min(len(order), self.dice.randint(1, 4))))
        marks = {row.message_id: row.id for row in rows if row.message_id in self.delivered}
        if not marks:
            return
        if self.dice.random() < 0.6:
            flag, on = self.dice.choice((Flag.SEEN, Flag.FLAGGED)), self.dice.random() < 0.6
            order_ = wire.SetFlags(tuple(marks.values()), **({"add": int(flag)} if on else {"remove": int(flag)}))
            self._promise(client, order_, [(self.wanted[mark], flag, on) for mark in marks])
        else:
            target = self.dice.choice(FOLDERS)
            order_ = wire.MoveMessages(tuple(marks.values()), folders[target].id)
            self._promise(client, order_, [(self.places, mark, target) for mark in marks])

    def _promise(self, client: EngineClient, order: wire.Command, terms: list[tuple[dict, object, object]]) -> None:
        """Give an order; its terms are open until the engine confirms them."""
        for book, key, _ in terms:
            book[key] = None
        client.ask(order, wire.Acted)
        for book, key, value in terms:
            book[key] = value

    def _send(self, client: EngineClient) -> None:
        """One letter, or some that go over one connection, each begun with the end of the one before."""
        queued = [self._queue(client) for _ in range(self.dice.choice((1, 1, 5)))]
        for one in queued:
            client.ask(wire.AwaitVerdicts(one), wire.Done)

    def _queue(self, client: EngineClient) -> OutgoingId:
        mark = f"sent-{len(self.attempted)}@storm.test"
        people = self.dice.choice(((self.bob,), (self.bob, self.carol)))
        size = self.dice.choice((100, 3_000, 400_000))
        to = ", ".join(user.address for user in people) + self.dice.choice(("", ", refused@good.test"))
        path = self.lab.folder / f"{mark}.eml"
        body = "storm\n" * (size // 6)
        path.write_bytes(message("Storm", self.alice.address, body, to=to, message_id=f"<{mark}>"))
        self.attempted.add(mark)
        with closing(open_reader(self.profile)) as db:
            account = read.accounts(db)[0]
        queued = client.ask(wire.Send(account.id, file=str(path)), wire.Queued)
        self.promised[mark] = people
        return queued.outgoing_id

    def _deliver(self, count: int) -> None:
        for _ in range(count):
            mark = f"got-{len(self.delivered)}@storm.test"
            body = "Some words.\n" * self.dice.choice((1, 50, 2_000))
            refusal = self.lab.deliver(self.alice, message(f"Letter {mark}", message_id=f"<{mark}>", body=body))
            assert not refusal, refusal
            self.delivered.add(mark)

    # -- the books ---------------------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """A last engine, undisturbed, until nothing is pending."""
        deadline = time.monotonic() + PATIENCE
        with self._client() as client:
            while True:
                client.ask(wire.Poke(), wire.Done)
                found = client.ask(wire.Sync(complete=True), wire.Synced)
                with closing(open_reader(self.profile)) as db:
                    wishes = read.wishes_pending(db)
                waiting = [states for states in self._outbox().values() if {"queued", "trying", "deferred"} & states]
                if not (found.problems or wishes or waiting):
                    break
                if time.monotonic() > deadline:
                    state = f"{found.problems}, {wishes} wishes, {len(waiting)} waiting in the outbox"
                    self.report.differences.append(f"not settled after {PATIENCE:.0f} s: {state}")
                    break
                time.sleep(0.5)
        queue = self.lab.folder / "postfix-queue"
        queues = [queue / name for name in ("active", "incoming", "maildrop", "deferred")]
        until(lambda: not any(path.is_file() for each in queues for path in each.rglob("*")), "an empty Postfix queue")
        with self._client() as client:
            client.ask(wire.Sync(complete=True), wire.Synced)

    def _outbox(self) -> dict[str, set[str]]:
        listed = self.lab.mua("outbox", "--all", profile=self.folder).ok()
        return {one["message_id"].strip("<>"): {each["state"] for each in one["recipients"]} for one in listed}

    def _balance(self) -> None:
        self.report.delivered, self.report.sent = len(self.delivered), len(self.attempted)
        self._compare_mailbox()
        self._compare_sent()
        if self.engine:
            self.engine.terminate()
            self.engine.wait(20)

    def _compare_mailbox(self) -> None:
        """Alice's folders: each delivered message in one place, store and server equal, promises kept."""
        found: dict[str, list[str]] = defaultdict(list)
        for folder in FOLDERS:
            server = self.lab.messages(self.alice, folder)
            rows = self.lab.mua("list", folder, "--limit", 10**6, profile=self.folder).ok()
            here = {row["uid"]: frozenset(row["flags"]) for row in rows}
            there = {uid: flags for uid, (_, flags) in server.items()}
            for uid in here.keys() | there.keys():
                if here.get(uid) != there.get(uid):
                    text = f"{folder} {uid}: here {here.get(uid)}, on the server {there.get(uid)}"
                    self.report.differences.append(text)
            self._compare_bytes(folder, rows, server)
            for raw, flags in server.values():
                if mark := OUR_MARK.search(raw):
                    found[mark[1].decode()].append(folder)
                    self._check_promises(mark[1].decode(), folder, flags)
        self.report.lost += [f"lost: {mark} is in no folder" for mark in self.delivered - found.keys()]
        self.report.doubled += [f"doubled: {mark} is in {where}" for mark, where in found.items() if len(where) > 1]

    def _compare_bytes(self, folder: str, rows: list[dict], server: dict[int, tuple[bytes, frozenset[str]]]) -> None:
        runs = self.lab.mua_many((("show", row["id"], "--raw") for row in rows), self.folder)
        for row, run in zip(rows, runs, strict=True):
            if row["uid"] in server and run.stdout != server[row["uid"]][0]:
                self.report.differences.append(f"{folder} {row['uid']}: other bytes here; {run.stderr[-200:]}")

    def _check_promises(self, mark: str, folder: str, flags: frozenset[str]) -> None:
        names = {Flag.SEEN: "\\Seen", Flag.FLAGGED: "\\Flagged"}
        for flag, on in self.wanted.get(mark, {}).items():
            if on is not None and (names[flag] in flags) is not on:
                self.report.differences.append(f"{mark}: {names[flag]} should be {on} in {folder}")
        place = self.places.get(mark)
        if place is not None and place != folder:
            self.report.differences.append(f"{mark}: should be in {place}, is in {folder}")

    def _compare_sent(self) -> None:
        """What bob and carol got, and alice's sent copies."""
        outbox = self._outbox()
        unknown = {mark for mark, states in outbox.items() if "unknown" in states}
        self.report.unknown = len(unknown)
        for user in (self.bob, self.carol):
            got = Counter(_marks(self.lab.raw_messages(user)))
            who = user.name
            self.report.doubled += [f"doubled: {mark} came {n} times to {who}" for mark, n in got.items() if n > 1]
            missing = [mark for mark, people in self.promised.items() if user in people and not got[mark]]
            self.report.lost += [f"lost: {mark} never came to {who}" for mark in missing if mark not in unknown]
        copies = Counter(_marks(self.lab.raw_messages(self.alice, "Sent")))
        self.report.doubled += [f"doubled: {mark} is {n} times in Sent" for mark, n in copies.items() if n > 1]
        uncopied = [mark for mark, states in outbox.items() if "accepted" in states and not copies[mark]]
        self.report.lost += [f"lost: no sent copy of {mark}" for mark in uncopied]


def nobody(profile: Profile) -> None:
    raise ConnectionRefusedError(f"no engine for {profile.root}")


def _marks(held: dict[int, bytes]) -> list[str]:
    return [mark[1].decode() for raw in held.values() if (mark := OUR_MARK.search(raw))]


def left_running(profile: Path) -> list[str]:
    """Command lines of processes that still work for ``profile``."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(profile) in words:
            found.append(words)
    return found
