"""``./run bench queue [--count N]``: what one mail costs in a queue of 100,000, against the same in one of 1,000.

    pick-up   a submission taken from the drop folder, durably
    look      a look into an empty drop folder, reports and files included (every ten seconds)
    deliver   a mail delivered to its exchanger, while all others wait for a later attempt
    pass      a message of whom the sender is told that it is next, while everybody is due
    list      a message in ``mua queue list``
    mailq     the same in ``mailq``
    start     an engine's start, for each message

The engine's parts work in this process, on a profile of their own; the exchanger takes all and keeps nothing
(``mail_sink``).  A second table, and with ``--memory`` the only one, is what a real engine keeps of memory at rest:
with nothing in its queue and with all of it, before and after mail was delivered.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent), str(ROOT)]

from dns_server import DnsServer  # noqa: E402
from exchangers import free_port  # noqa: E402
from mail_sink import MailSink  # noqa: E402
from memory import pss, rss  # noqa: E402
from post_office import PostOffice  # noqa: E402

from mua.cli.queue import mailq  # noqa: E402
from mua.engine.bounces import remove_spent  # noqa: E402
from mua.engine.pickup import PickUp  # noqa: E402
from mua.model.submission import Submission  # noqa: E402
from mua.store import drop, outbox, queue, wire_files  # noqa: E402
from mua.store.db import Db, Store  # noqa: E402

SMALL, LARGE = 1000, int(sys.argv[sys.argv.index("--count") + 1]) if "--count" in sys.argv else 100_000
SAMPLE = 300  # mails of one measurement
MAILS = 100  # delivered one by one before an engine's memory is looked at
STILL = 3.0  # seconds without work: it rests
DOMAINS = 200  # among which those that wait are spread
HEAD = b"From: cron@here.test\r\nSubject: A report of the night\r\nDate: Mon, 30 Nov 2026 02:32:41 +0000\r\n"
BODY = b"It went well, as it did every night.\r\n" * 30


class Queue:
    """A system's queue of any length, its exchanger and its drop folder."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        folder.mkdir(exist_ok=True)
        port = free_port()
        self.sink = stack.enter_context(MailSink(host="127.0.1.1", port=port))
        names = {("good.test", "MX"): ["10 mx.good.test."], ("mx.good.test", "A"): ["127.0.1.1"]}
        names |= {(f"d{n}.test", "MX"): [f"10 mx.d{n}.test."] for n in range(DOMAINS)}
        names |= {(f"mx.d{n}.test", "A"): ["127.0.1.2"] for n in range(DOMAINS)}  # nobody listens there
        self.dns = stack.enter_context(DnsServer(names))
        self.folder = folder
        self.post = PostOffice.direct(folder / "profile", self.dns.address, port)
        self.post.clock = int(time.time())  # a real engine has the profile later: what waits for years is due there
        self.ours = stack.enter_context(contextlib.ExitStack())  # until another engine has the profile
        self.ours.enter_context(self.post)
        self.post.sender.start()
        with self.post.store.write() as tx:
            tx.run("UPDATE account SET name = 'system'")
        self.drop = folder / "drop"
        self.pickup = PickUp(self.post.context, self.drop, lambda: None)
        self.length = 0

    def leave(self, count: int, domain: str = "") -> None:
        """Put submissions into the folder, as ``sendmail`` does but for its wait for the disk."""
        for _ in range(count):
            self.length += not domain
            to = f"ann@{domain or f'd{self.length % DOMAINS}.test'}"
            given = Submission("cron@here.test", (to,))
            name = os.urandom(16).hex()
            line = drop._first_line(given)
            (self.drop / name).write_bytes(line + HEAD + b"Message-ID: <%s@here.test>\r\n\r\n" % name.encode() + BODY)

    def take(self) -> None:
        """Pick up everything."""
        while self.pickup.look():
            pass

    def fill(self, length: int) -> float:
        """Make it that long; everybody waits for a later attempt.  Returns seconds for each of the last ``SAMPLE``.

        Only those wait for the disk: the others would take an hour, and leave the same queue.
        """
        with careless(self.post.store):
            while self.length < length - SAMPLE:
                self.leave(min(500, length - SAMPLE - self.length))
                self.take()
        self.leave(SAMPLE)
        took = timed(self.take)
        self.later()
        return took / SAMPLE

    def multiply(self, times: int) -> None:
        """Copies of all that waits, with numbers and files of their own: picking up so many would take an hour."""
        self.later()
        step, big = self.length, self.post.profile.big
        for number in range(1, times):
            other = {
                "id": f"id + {step * number}", "outgoing_id": f"outgoing_id + {step * number}",
                "message_id": f"message_id || '.{number}'", "envid": f"substr(envid, 9) || '{number:08x}'",
                "submission": f"substr(submission, 9) || '{number:08x}'",
                "wire_file": f"replace(wire_file, '.eml', '.{number}.eml')",
                "copy_file": f"replace(copy_file, '.eml', '.{number}.eml')",
            }  # fmt: skip
            with self.post.store.write() as tx:
                for table in ("outgoing", "recipient"):
                    names = [row[0] for row in tx.rows("SELECT name FROM pragma_table_info(?)", table)]
                    wanted = ", ".join(other.get(name, name) for name in names)
                    tx.run(f"INSERT INTO {table}({', '.join(names)}) SELECT {wanted} FROM {table} WHERE id <= {step}")
            for path in [one for one in big.glob("outgoing-*.eml") if one.name.count(".") == 1]:
                os.link(path, path.with_suffix(f".{number}.eml"))
        self.length = step * times

    def later(self, at: int = 3600) -> None:
        """Nobody of those who wait is due before so many seconds."""
        with self.post.store.write() as tx:
            sql = "UPDATE recipient SET state = 'deferred', attempts = 1, next_attempt = ?"
            tx.run(f"{sql} WHERE state IN ('queued', 'deferred')", self.post.clock + at)

    def deliver(self) -> float:
        """Seconds for a mail that is delivered."""
        self.leave(SAMPLE, "good.test")
        self.take()
        before = len(self.sink.copies("ann@good.test"))
        began = time.monotonic()
        self.post.sender.look()
        self.sink.wait_for("ann@good.test", before + SAMPLE, 600)
        return (time.monotonic() - began) / SAMPLE


@contextlib.contextmanager
def careless(store: Store) -> Iterator[None]:
    """Nothing waits for the disk."""
    write, sync = store.write, os.fsync
    store.write = lambda durable=False: write()  # type: ignore[method-assign]
    os.fsync = lambda _: None
    try:
        yield
    finally:
        os.fsync = sync
        del store.write


def timed(work: Callable[[], object]) -> float:
    """Seconds."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def best(work: Callable[[], object], rounds: int = 3) -> float:
    """The shortest of a few times."""
    return min(timed(work) for _ in range(rounds))


def measured(one: Queue, length: int) -> Iterator[tuple[str, float]]:
    """(what, seconds for a mail) at this length."""
    yield "pick-up", one.fill(length)
    yield "deliver", min(one.deliver() for _ in range(2))
    while remove_spent(one.post.context):
        pass
    yield "look", best(lambda: (one.pickup.look(), one.pickup.settle()))
    db = one.post.store.reader()
    one.later(-10)
    yield "pass", min(next_ones(db, one.post.clock) for _ in range(3))
    one.later()
    yield "list", best(lambda: queue.waiting(db)) / length
    yield "mailq", best(lambda: mailq(queue.waiting(db))) / length
    yield "start", best(lambda: wire_files.sweep(db, one.post.profile)) / length


def next_ones(db: Db, now: int) -> float:
    """Seconds for each message that ``engine.sender`` is told of, before it gives work to its lanes."""
    began = time.monotonic()
    count = sum(len(outbox.due(db, now, domain)) for domain in ["", *outbox.due_domains(db, now)[0][:4]])
    return (time.monotonic() - began) / count


class Engine:
    """A real one, as a service runs it."""

    def __init__(self, one: Queue) -> None:
        self._queue = one
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "MUA_SECRETS": "session"}
        words = [sys.executable, "-P", "-m", "mua", "engine", "--foreground", "--profile", str(one.post.profile.root)]
        words += ["--system", "--drop", str(one.drop), "--user", "root"]
        self._process = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def kept(self) -> tuple[float, float]:
        """MB at rest: resident, and in proportion."""
        before = -1.0
        while (spent := self._spent()) != before:
            before = spent
            time.sleep(STILL)
        return rss(self._process.pid), pss(self._process.pid)

    def _spent(self) -> float:
        """Ticks of a processor."""
        assert self._process.poll() is None, "the engine has ended"
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return float(words[11]) + float(words[12])

    def deliver(self, count: int) -> None:
        """Mails that come one after the other."""
        for _ in range(count):
            known = len(self._queue.sink.copies("ann@good.test"))
            head = HEAD + b"Message-ID: <%s@here.test>\r\n\r\n" % os.urandom(8).hex().encode()
            drop.leave(self._queue.drop, Submission("cron@here.test", ("ann@good.test",)), [head, BODY])
            self._queue.sink.wait_for("ann@good.test", known + 1, 600)


def memory(folder: Path, waiting: int) -> Iterator[tuple[str, float, float]]:
    """(what, MB resident, MB in proportion) of an engine with so many that wait."""
    with contextlib.ExitStack() as stack:
        one = Queue(folder / f"{waiting}", stack)
        one.post.sender.stop()
        one.post.sender.join(60)
        with careless(one.post.store):
            one.leave(min(waiting, SMALL))
            one.take()
            if waiting > SMALL:
                one.multiply(waiting // SMALL)
        one.later()
        one.ours.close()
        with Engine(one) as engine:
            yield f"{waiting:,} wait, after the start", *engine.kept()
            engine.deliver(1)
            yield f"{waiting:,} wait, after a mail", *engine.kept()
            engine.deliver(MAILS)
            yield f"{waiting:,} wait, after {MAILS} more", *engine.kept()


def compared(folder: Path) -> None:
    """Print what a mail costs."""
    with contextlib.ExitStack() as stack:
        one = Queue(folder / "both", stack)
        few = dict(measured(one, SMALL))
        many = dict(measured(one, LARGE))
    print(f"| what | in a queue of {SMALL:,} | of {LARGE:,} | ratio |\n|---|---|---|---|")
    for what, before in few.items():
        print(f"| {what} | {before * 1000:.3f} ms | {many[what] * 1000:.3f} ms | {many[what] / before:.2f} |")
    print()


def main() -> None:
    """Print the tables."""
    os.umask(0o022)
    with tempfile.TemporaryDirectory(prefix="mua-bench-queue-") as folder:
        if "--memory" not in sys.argv:
            compared(Path(folder))
        print("| an engine at rest | resident | proportional |\n|---|---|---|")
        for waiting in (0, LARGE):
            for what, resident, proportional in memory(Path(folder), waiting):
                print(f"| {what} | {resident:.1f} MB | {proportional:.1f} MB |", flush=True)


if __name__ == "__main__":
    main()
    sys.exit()
