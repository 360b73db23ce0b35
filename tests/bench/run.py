"""``./run bench [NAME...] [--full]``: how Mua compares with a peer measured in the same run.

    window   python -m mua until its window is painted          against a bare PySide6 window
    sync     the first 10,000 messages listed / synced, indexed  against mbsync of the same mailbox
    inbox    an inbox of 10,000 listed; its first screenful       against draining, parsing and inserting bare rows
    bodies   every message of it through our FETCH path           against draining them off the socket
    distance the same inbox listed at 100 ms round trip           against none, through the same proxy
    scale    --full only: CPU a message at ten times the number   against the same at 10,000
    smooth   frames of the window while all of it is fetched and indexed    against a bare window's beside it
    noop     a sync with nothing new, engine running / cold       against mbsync
    flags    1,000 flag changes made elsewhere, until seen        against mbsync
    memory   PSS of the idle program                              against a bare PySide6 window
    peak     the most that the engine and its children take while a 50 MB message arrives    against mbsync
    corpus   parsing the mail collection (tests/bench/corpus.py)
    sending  alone: the outbox against the disk, smtplib, smtp-source and swaks (tests/bench/sending.py)
    drain    alone: a queue of direct mail to 50 domains against Postfix's (tests/bench/drain.py)
    queue    alone: what a mail costs in a server's queue of 100,000, against 1,000 (tests/bench/long_queue.py)
    search       alone: the first hits at any size; --peers: beside notmuch and mu (tests/bench/searching.py)
    composer     alone: writing, against a bare text widget (tests/bench/composer.py)
    tasks        alone: ten tasks of writing in keys and clicks, beside Thunderbird (tests/bench/writing_tasks.py)
    firstrun     alone: an empty profile, two fields, one button, the first mail read (tests/bench/first_run.py)
    reading      alone: from the choice of a message to its sight, against bare widgets (tests/bench/reading.py)
    list     alone: a list of up to a million messages, against a bare QTableView (tests/bench/lists.py)
    leaks        alone, and not a race: every way in which a mail asks for something (tests/bench/leaks_all.py)
    returning    alone, and not a race: the collection of mail imported, exported, compared (tests/returning.py)
    starttls     alone, and not a race: the attacks on STARTTLS, case by case (tests/bench/starttls.py)
    transcripts  alone, and not a race: records sessions with real servers (tests/bench/transcripts.py)

The machine's load changes by the minute, so only ratios inside one run count: ours and the peer's alternate, medians
are taken, and a bare time is never a result.  ``--full`` takes more rounds and writes docs/bench.md.
"""

import argparse
import base64
import itertools
import json
import os
import platform
import resource
import runpy
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent), str(ROOT)]

from first_sync import Course, until_complete, watch  # noqa: E402
from lab import Filled, Lab, User, missing, until  # noqa: E402
from mailgen import Letter, letters  # noqa: E402
from memory import Peak, pss  # noqa: E402

from mua.paths import Profile  # noqa: E402
from mua.store.db import Store, open_reader  # noqa: E402

ALONE = {
    "returning": "../returning.py",
    "starttls": "starttls.py",
    "transcripts": "transcripts.py",
    "sending": "sending.py",
    "drain": "drain.py",
    "leaks": "leaks_all.py",
    "reading": "reading.py",
    "firstrun": "first_run.py",
    "composer": "composer.py",
    "tasks": "writing_tasks.py",
    "list": "lists.py",
    "search": "searching.py",
    "queue": "long_queue.py",  # no module here may have the name of one of the standard library: this folder goes first
}
IDLE = 10.0  # seconds of rest that are looked at
LATE = 50  # milliseconds that a frame may be late
MBSYNC = """\
FSync no

IMAPAccount lab
Host {host}
Port {port}
User {user}
Pass {password}
SSLType IMAPS
CertificateFile {ca}

IMAPStore far
Account lab

MaildirStore near
Path {folder}/
Inbox {folder}/INBOX
SubFolders Verbatim

Channel lab
Far :far:
Near :near:
Patterns *
Create Near
Sync Pull
SyncState *
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: medians of ours and of the peer's, in ``unit``; less is better."""

    name: str
    what: str
    ours: float
    peer_name: str
    peer: float
    unit: str
    split: str = ""  # what the numbers are made of

    @property
    def ratio(self) -> str:
        """How ours compares, in words."""
        factor = self.ours / self.peer
        better, worse = ("faster", "slower") if self.unit in ("s", "ms") else ("less", "more")
        return f"{1 / factor:.2f}x {better}" if factor < 1 else f"{factor:.2f}x {worse}"


@dataclass(slots=True)
class Bench:
    """One run over one laboratory."""

    lab: Lab
    rounds: int
    count: int
    rows: list[Row] = field(default_factory=list)
    _mailbox: User | None = None
    _inbox: User | None = None
    _profile: Path | None = None

    # -- window --------------------------------------------------------------------------------------------------------

    def window(self) -> None:
        """From process start to the first paint."""
        profile = self._synced_profile()
        bare, ours = [], []
        for _ in range(self.rounds * 2 + 1):
            bare.append(self._painted([sys.executable, str(HERE / "bare_window.py")]))
            ours.append(self._painted([sys.executable, "-m", "mua", "--profile", str(profile)]))
            self.lab.stop_engine(profile)
        self._add("window", f"window painted ({self.count} messages)", ours, "bare PySide6 window", bare)

    def _painted(self, argv: list[str]) -> float:
        began = time.monotonic()
        with self._start(argv, MUA_BENCH_PAINTED="1") as process:
            assert process.stdout
            for line in process.stdout:
                if line.strip() == b"painted":
                    took = time.monotonic() - began
                    process.wait(30)
                    return took
        raise SystemExit(f"{' '.join(argv)} ended without having painted (exit {process.returncode})")

    def _start(self, argv: list[str], **more: str) -> subprocess.Popen[bytes]:
        environment = self.lab.environment() | {"QT_QPA_PLATFORM": "offscreen"} | more
        environment |= {"QTWEBENGINE_DISABLE_SANDBOX": "1"} if os.geteuid() == 0 else {}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return subprocess.Popen(self.lab.command(*argv), cwd=ROOT, env=environment, **pipes)

    # -- smooth --------------------------------------------------------------------------------------------------------

    def smooth(self) -> None:
        """How late the window's thread is while everything is synchronised, parsed and indexed, and afterwards."""
        profile = self._fresh_profile(self._filled_mailbox())
        with self._ticking("bare") as bare, self._ticking("ours", str(profile)) as ours:
            began = time.monotonic()
            until_complete(profile, self.count)
            done = time.monotonic()
            time.sleep(IDLE)
            late, theirs = _ticks(ours), _ticks(bare)
        self.lab.stop_engine(profile)
        for what, since, to in (("at work", began, done), ("idle", done, done + IDLE)):
            both = [sorted(ms for at, ms in one if since <= at < to) for one in (late, theirs)]
            over = [sum(ms > LATE for ms in one) for one in both]
            split = f"{len(both[0])} frames, {over[0]} over {LATE} ms; the bare window's {len(both[1])} and {over[1]}"
            for name, place in (("p99", 0.99), ("worst", 1.0)):
                mine, peer = (max(0.01, one[int(place * (len(one) - 1))]) for one in both)
                said = f"frame lateness {what}, {name} ({self.count} messages)"
                self._add("smooth", said, [mine], "bare PySide6 window", [peer], "ms", split if place == 1 else "")

    @contextmanager
    def _ticking(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        with self._start([sys.executable, str(HERE / "frames.py"), *words]) as process:
            try:
                assert process.stdout
                assert process.stdout.readline() == b"ready\n"
                yield process
            finally:
                process.kill()

    # -- sync ----------------------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """A first sync of everything, from process start: until all is listed, and until the last index entry."""
        user = self._filled_mailbox()
        courses, theirs, cpu = list[Course](), list[float](), list[float]()
        for _ in range(self.rounds):
            profile = self._fresh_profile(user)
            courses.append(watch(self.lab, profile, self.count))
            self._profile = profile
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            maildir = self.lab.folder / f"mbsync-{len(theirs)}"
            shutil.rmtree(maildir, ignore_errors=True)  # another bench may have filled it
            theirs.append(self._mbsync(user, maildir))
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        peer = "mbsync, files only"
        self._add("sync", f"first {self.count} messages listed", [one.listed for one in courses], peer, theirs)
        times, cpus = (
            ", ".join(f"{name} {_median(getattr(one, name) for one in courses):.2f} s" for name in names)
            for names in (("login", "listed", "complete"), ("engine", "indexer"))
        )
        split = f"{times}; CPU: {cpus}, mbsync {_median(cpu):.2f} s"
        full = [one.complete for one in courses]
        self._add("sync", f"first {self.count} fully synced and indexed", full, peer, theirs, split=split)

    def scale(self) -> None:
        """CPU a message, ten times as many messages beside as many as elsewhere."""
        few = [self._cpu_of_first_sync(self._filled_mailbox(), self.count) for _ in range(self.rounds)]
        user = self.lab.user("many")
        self._fill(user, self.count * 10)
        many = [self._cpu_of_first_sync(user, self.count * 10)]
        self._add("scale", f"CPU a message, {self.count * 10} messages", many, f"{self.count} messages", few, "ms")

    def _cpu_of_first_sync(self, user: User, count: int) -> float:
        course = watch(self.lab, self._fresh_profile(user), count)
        return 1000 * (course.engine + course.indexer) / count

    def inbox(self) -> None:
        """From log-in until everything is listed, beside what that takes at the least."""
        user = self._filled_inbox()
        least, courses = list[dict[str, float]](), list[Course]()
        for _ in range(self.rounds):
            least.append(self._wire(user))
            courses.append(watch(self.lab, self._fresh_profile(user), self.count, complete=False))
        sums = [one["drain"] + one["parse"] + one["insert"] for one in least]
        names = ("drain", "parse", "insert")
        parts = ", ".join(f"{name} {_median(one[name] for one in least):.2f} s" for name in names)
        listed = [one.listed - one.login for one in courses]
        self._add("inbox", f"{self.count} listed, from log-in", listed, "drain+parse+insert", sums, split=parts)
        screenful = [one.screenful - one.login for one in courses]
        self._add("inbox", "first screenful, from log-in", screenful, "the goal", [0.5])

    def bodies(self) -> None:
        """Whole messages through our FETCH path alone."""
        found = [self._wire(self._filled_inbox()) for _ in range(self.rounds)]
        rate = _median(one["drain_bodies"] / one["fetch_bodies"] for one in found)
        growth = max(one["growth_kb"] for one in found) / 1024
        split = f"{found[0]['octets'] / 1e6:.0f} MB over TLS, {rate:.2f} of the drain's rate; memory +{growth:.1f} MB"
        ours, theirs = [one["fetch_bodies"] for one in found], [one["drain_bodies"] for one in found]
        self._add("bodies", f"{self.count} bodies off the wire", ours, "Dovecot drained", theirs, split=split)

    def distance(self) -> None:
        """Listing over a line of 100 ms; the peer is ourselves over one of none."""
        near, far = list[float](), list[float]()
        for _ in range(self.rounds):
            near.append(self._listed_over(0.0))
            far.append(self._listed_over(0.05))
        split = f"rate {_median(near) / _median(far):.2f} of that at 0 ms; both through the same proxy"
        self._add("distance", f"{self.count} listed at 100 ms, from log-in", far, "at 0 ms", near, split=split)

    def _listed_over(self, delay: float) -> float:
        user, plan = self._filled_inbox(), self.lab.plan
        argv = [sys.executable, str(HERE / "distance.py"), plan.imap_ip, str(plan.imaps), str(delay)]
        pipe = subprocess.PIPE
        with subprocess.Popen(self.lab.command(*argv), stdin=pipe, stdout=pipe) as line:
            assert line.stdout
            course = watch(self.lab, self._fresh_profile(user, int(line.stdout.readline())), self.count, complete=False)
            line.communicate()
        return course.listed - course.login

    def _wire(self, user: User) -> dict[str, float]:
        """What ``wire.py`` says inside the laboratory."""
        plan = self.lab.plan
        order = {"host": plan.imap_host, "port": plan.imaps, "user": user.name, "password": user.password}
        order |= {"ca": str(self.lab.ca), "rounds": 3}
        argv = self.lab.command(sys.executable, str(HERE / "wire.py"))
        done = subprocess.run(argv, input=json.dumps(order).encode(), stdout=subprocess.PIPE, timeout=900, check=True)
        found: dict[str, float] = json.loads(done.stdout)
        assert found["count"] == self.count, found
        return found

    def noop(self) -> None:
        """A sync that finds nothing new."""
        profile, user = self._synced_profile(), self._filled_mailbox()
        maildir = self.lab.folder / "mbsync-0"
        if not maildir.exists():
            self._mbsync(user, maildir)
        cold, warm, theirs = [], [], []
        for _ in range(self.rounds * 2 + 1):
            self.lab.stop_engine(profile)
            cold.append(_timed(lambda: self.lab.mua("sync", profile=profile).ok()))
            self.lab.stop_engine(profile)
            with self.lab.engine(profile):
                self.lab.mua("sync", profile=profile).ok()
                warm.append(_timed(lambda: self.lab.mua("sync", profile=profile).ok()))
            theirs.append(self._mbsync(user, maildir))
        self._add("noop", "sync with nothing new, engine running", warm, "mbsync", theirs)
        self._add("noop", "sync with nothing new, cold", cold, "mbsync", theirs)

    def _mbsync(self, user: User, folder: Path) -> float:
        """One run of mbsync into ``folder`` (created when absent)."""
        fresh = not folder.exists()
        folder.mkdir(exist_ok=True)
        plan = self.lab.plan
        settings = self.lab.folder / f"{folder.name}.rc"
        settings.write_text(
            MBSYNC.format(
                host=plan.imap_host,
                port=plan.imaps,
                user=user.name,
                password=user.password,
                ca=self.lab.ca,
                folder=folder,
            )
        )
        took = _timed(lambda: self._must("mbsync", "-q", "-c", str(settings), "-a"))
        held = sum(1 for each in ("cur", "new") for _ in folder.glob(f"*/{each}/*"))
        assert held == self.count, f"mbsync has {held} of {self.count} ({'first' if fresh else 'later'} run)"
        return took

    def _must(self, *argv: str) -> None:
        done = self.lab.exec(*argv, timeout=900)
        if done.returncode:
            raise SystemExit(f"{' '.join(argv)} failed: {done.stderr.decode()}")

    # -- memory --------------------------------------------------------------------------------------------------------

    def memory(self) -> None:
        """Proportional set size (shared pages divided among those who share them), idle and connected."""
        profile = self._synced_profile()
        with self.lab.engine(profile) as engine:
            self.lab.mua("sync", profile=profile).ok()
            time.sleep(3)  # idle is what is measured
            alone = pss(engine.pid)
        with self._start([sys.executable, str(HERE / "bare_window.py"), "--stay"]) as window:
            bare = self._settled(window)
        argv = [sys.executable, "-m", "mua", "--profile", str(profile)]
        with self._start(argv) as window:
            until(lambda: self.lab.engine_pid(profile), "the window's engine", 60)
            ours = self._settled(window, self.lab.engine_pid(profile) or 0)
        self.lab.stop_engine(profile)
        self._add("memory", "engine alone, idle", [alone], "bare PySide6 window", [bare], "MB")
        self._add("memory", "window and engine, idle", [ours], "bare PySide6 window", [bare], "MB")

    def _settled(self, window: subprocess.Popen[bytes], *more: int) -> float:
        time.sleep(8)  # idle is what is measured
        try:
            return pss(window.pid, *more)
        finally:
            window.terminate()
            window.wait(30)

    def peak(self) -> None:
        """The most memory while a message of 50 MB arrives: ours with all children, and mbsync's."""
        profile, user = self._synced_profile(), self._filled_mailbox()
        self._mbsync(user, self.lab.folder / "mbsync-peak")
        with self.lab.engine(profile) as engine:
            self.lab.mua("sync", profile=profile).ok()
            with Peak(engine.pid) as ours:
                self.lab.fill(user, [Filled(_large())])
                self.lab.mua("sync", "--until-complete", profile=profile, timeout=300).ok()
        settings = self.lab.folder / "mbsync-peak.rc"
        mbsync = subprocess.Popen(self.lab.command("mbsync", "-q", "-c", str(settings), "-a"))
        with Peak(mbsync.pid) as theirs:
            assert mbsync.wait(300) == 0
        self.count += 1
        self._add("peak", "a 50 MB message arrives", [ours.most], "mbsync", [theirs.most], "MB")

    # -- changes made elsewhere ----------------------------------------------------------------------------------------

    def flags(self) -> None:
        """From the server's OK to another client's changes of flags until they are here; the engine waits in IDLE."""
        profile, user = self._synced_profile(), self._filled_mailbox()
        maildir = self.lab.folder / "mbsync-0"
        self._mbsync(user, maildir)
        ours, theirs = [], []
        with self.lab.engine(profile), self.lab.imap(user) as client:
            self.lab.mua("sync", profile=profile).ok()
            db = open_reader(Profile(profile))
            client.select("INBOX")
            uids = client.uid("SEARCH", "ALL")[1][0].decode().split()[:1000]
            inbox = "(SELECT id FROM folder WHERE role = 'inbox')"
            count = (
                f"SELECT count(*) FROM message WHERE folder_id = {inbox} AND flags & 2 AND uid IN ({','.join(uids)})"
            )
            for _ in range(self.rounds * 2 + 1):
                for sign, wanted in (("+", len(uids)), ("-", 0)):
                    assert client.uid("STORE", ",".join(uids), f"{sign}FLAGS.SILENT", "(\\Answered)")[0] == "OK"
                    began = time.monotonic()
                    while db.value(count) != wanted:
                        assert time.monotonic() - began < 60, f"{db.value(count)} of {wanted}"
                        time.sleep(0.005)
                    ours.append(time.monotonic() - began)
                    theirs.append(self._mbsync(user, maildir))
            db.close()
        self._add("flags", f"{len(uids)} flag changes made elsewhere, seen", ours, "mbsync", theirs)

    # -- corpus --------------------------------------------------------------------------------------------------------

    def corpus(self) -> None:
        """The parsers' own bench prints its own table."""
        runpy.run_path(str(HERE / "corpus.py"), run_name="__main__")

    # -- what several need ---------------------------------------------------------------------------------------------

    def _filled_mailbox(self) -> User:
        if self._mailbox is None:
            self._mailbox = self.lab.user("bench")
            self._fill(self._mailbox, self.count)
        return self._mailbox

    def _filled_inbox(self) -> User:
        if self._inbox is None:
            self._inbox = self.lab.user("inbox")
            self._fill(self._inbox, self.count, "INBOX")
        return self._inbox

    def _fill(self, user: User, count: int, only: str = "") -> None:
        """Generated mail, in its folders or in one; Dovecot numbers it and warms its cache, for everybody alike."""
        folders = set[str]()
        for chunk in _chunks(letters(count), 1000):
            by_folder: dict[str, list[Filled]] = {}
            for letter in chunk:
                by_folder.setdefault(only or letter.folder, []).append(Filled(letter.raw, letter.date, letter.flags))
            for folder, filled in by_folder.items():
                self.lab.fill(user, filled, folder)
            folders |= by_folder.keys()
        for folder in folders:
            with self.lab.imap(user) as client:
                client.select(folder, readonly=True)
                client.uid("FETCH", "1:*", "(FLAGS RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER])")

    def _fresh_profile(self, user: User, port: int = 0) -> Path:
        profile = self.lab.profile()
        server = f"{self.lab.plan.imap_host}:{port or self.lab.plan.imaps}"
        self.lab.add_account(profile, user, imap=server, imap_security="tls").ok()
        self.lab.stop_engine(profile)
        _forget_mail(profile)
        return profile

    def _synced_profile(self) -> Path:
        if self._profile is None:
            self._profile = self._fresh_profile(self._filled_mailbox())
            self.lab.mua("sync", "--until-complete", profile=self._profile, timeout=900).ok()
            self.lab.stop_engine(self._profile)
        return self._profile

    def _add(
        self,
        name: str,
        what: str,
        ours: Iterable[float],
        peer_name: str,
        peer: Iterable[float],
        unit: str = "s",
        split: str = "",
    ) -> None:
        row = Row(name, what, _median(ours), peer_name, _median(peer), unit, split)
        self.rows.append(row)
        print(_line(row), flush=True)


def _large() -> bytes:
    """A message of 50 MB, nearly all of it one attachment."""
    line = base64.b64encode(bytes(range(54))) + b"\r\n"
    head = (
        b"From: Bo <bo@example.org>\r\nTo: ann@example.org\r\nSubject: the film\r\nMessage-ID: <film@example.org>\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: application/octet-stream; name=film.bin\r\n"
        b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=film.bin\r\n\r\n"
    )
    return head + line * (50_000_000 // len(line))


_median = statistics.median


def _ticks(process: subprocess.Popen[bytes]) -> list[tuple[float, float]]:
    """(when, milliseconds late) of each frame, once it is told to end."""
    assert process.stdin
    assert process.stdout
    process.stdin.close()
    return [(at, ms) for at, ms in json.loads(process.stdout.read())]


def _chunks(letters: Iterator[Letter], size: int) -> Iterator[list[Letter]]:
    while chunk := list(itertools.islice(letters, size)):
        yield chunk


def _forget_mail(profile: Path) -> None:
    """The engine that added the account has begun to fetch: that would be a start."""
    store = Store(Profile(profile))
    with store.write() as tx:
        for table in ("message", "mid", "folder", "removal"):
            tx.run(f"DELETE FROM {table}")
    store.close()
    for path in [*profile.glob("body.db*"), *profile.glob("fts.db*"), *profile.glob("big/*")]:
        path.unlink()


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _line(row: Row) -> str:
    ours, peer = f"{row.ours:.2f} {row.unit}", f"{row.peer:.2f} {row.unit}"
    split = f"\n         {row.split}" if row.split else ""
    return f"{row.name:8} {row.what:46} {ours:>11}   {row.peer_name:22} {peer:>11}   {row.ratio}{split}"


def _page(rows: list[Row], rounds: int) -> str:
    head = "| bench | what | ours | peer | peer's | ratio |\n|---|---|---|---|---|---|\n"
    body = "".join(
        f"| {row.name} | {row.what} | {row.ours:.2f} {row.unit} | {row.peer_name} | {row.peer:.2f} {row.unit}"
        f" | **{row.ratio}** |\n"
        for row in rows
    )
    splits = "".join(f"* {row.name}, {row.what}: {row.split}\n" for row in rows if row.split)
    where = f"Python {platform.python_version()}, {os.cpu_count()} cores, {rounds} rounds, medians"
    return (
        "# Benchmarks\n\nWritten by `./run bench --full`.  Ours and the peer's were measured alternating in one run;"
        " only the ratio means anything on another machine.  The mailbox is generated (`tests/mailgen.py`), the server"
        " is Dovecot over TLS on loopback, and mbsync runs without fsync.\n\n"
        f"{where}, {time.strftime('%d %B %Y', time.gmtime())}.\n\n{head}{body}\n{splits}"
    )


def main() -> int:
    """Run the named benchmarks, or all of them."""
    names = ["sync", "inbox", "bodies", "distance", "smooth", "noop", "flags", "window", "memory", "peak", "corpus"]
    parser = argparse.ArgumentParser(
        prog="./run bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--full", action="store_true", help="more rounds, and write docs/bench.md")
    parser.add_argument("--count", type=int, default=10_000, help="messages in the mailbox")
    options, more = parser.parse_known_args()
    if options.names and (script := ALONE.get(options.names[0])):  # what follows is for it
        runpy.run_path(str(HERE / script), run_name="__main__")
    if more:
        parser.error(f"{more[0]} is for a benchmark that runs alone")
    wanted = options.names or names + ["scale"] * options.full
    if unknown := set(wanted) - {*names, "scale"}:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    if reason := missing() or ("not installed: mbsync" if not shutil.which("mbsync") else ""):
        print(f"the mail laboratory {reason}", file=sys.stderr)
        return 2
    with Lab() as lab:
        bench = Bench(lab, rounds=3 if options.full else 1, count=options.count)
        for name in wanted:
            getattr(bench, name)()
        if options.full:
            page = ROOT / "docs/bench.md"
            _, heading, others = page.read_text().partition("\n## ")  # what other benches wrote stays
            page.write_text(_page(bench.rows, bench.rounds) + heading + others)
    return 0


if __name__ == "__main__":
    sys.exit(main())
