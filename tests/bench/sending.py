"""``./run bench sending``: the outbox against peers measured in the same run; less is better everywhere.

    queue    1,000 queued messages of 10 KB, one connection to smtp-sink    against durable commits, one a message
    plain    the same with durability off (in this bench only)              against Python's smtplib
    large    an attachment of 100 MB, from the queue to accepted            against smtp-source
    one      one mail, from Send to accepted, engine running                against swaks

The sender works in this process, on a profile of its own (``post_office``); ``one`` asks a real engine.  Memory is the
growth of this process's peak (VmHWM) while the message is composed, frozen, sent and filed.
"""

import contextlib
import json
import os
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent), str(ROOT)]

import apsw  # noqa: E402
from post_office import ME, PostOffice  # noqa: E402

from mua import wire  # noqa: E402
from mua.cli.client import EngineClient  # noqa: E402
from mua.engine.reading import draft_pieces  # noqa: E402
from mua.mime.freeze import freeze  # noqa: E402
from mua.model.address import Address  # noqa: E402
from mua.model.outgoing import Draft, DraftAttachment, RecipientState  # noqa: E402
from mua.paths import Profile  # noqa: E402
from mua.store import dispatch, read  # noqa: E402
from mua.store.db import Store  # noqa: E402

COUNT, OCTETS = 1000, 10_000
LARGE = int(os.environ.get("MUA_BENCH_LARGE", "100")) * 1_000_000
TO = "ann@example.net"
LINE = "The quick brown fox jumps over the lazy dog, and writes about it home.\r\n"


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Postfix's server that takes everything and keeps nothing, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(["smtp-sink", *user, f"127.0.0.1:{port}", "100"])
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def commits(path: Path) -> float:
    """Seconds that the disk needs for as many durable commits, each of one small row."""
    db = apsw.Connection(str(path))
    for sql in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)"):
        list(db.execute(sql))
    began = time.monotonic()
    for _ in range(COUNT):
        db.execute("BEGIN IMMEDIATE; INSERT INTO t(v) VALUES ('at the dot'); COMMIT")
    took = time.monotonic() - began
    db.close()
    return took


def queued(folder: Path, port: int, *, durable: bool = True) -> float:
    """Seconds until as many queued messages are accepted, over one connection; filing their copies comes after it."""
    with PostOffice.submitting(folder, port) as post, durability(durable):
        body = LINE * (OCTETS // len(LINE))
        ids = [post.queue(TO, body=body) for _ in range(COUNT)]
        open_ = "SELECT count(*) FROM recipient WHERE state <> 'accepted'"
        began = time.monotonic()
        post.sender.start()
        while post.store.reader().value(open_):
            time.sleep(0.002)
        took = time.monotonic() - began
        assert post.sender.drain(300)
        assert all(post.states(one) == [RecipientState.ACCEPTED] for one in ids)
    return took


@contextlib.contextmanager
def durability(wanted: bool) -> Iterator[None]:
    """Without it commits do not wait for the disk: what is left is our own work."""
    real = Store.write
    if not wanted:
        Store.write = lambda self, *, durable=False: real(self)  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Store.write = real  # type: ignore[method-assign]


def by_smtplib(port: int) -> float:
    """The same messages by Python's own client, from memory, with nothing written anywhere."""
    body = LINE * (OCTETS // len(LINE))
    mail = [f"From: {ME}\r\nTo: {TO}\r\nSubject: Number {n}\r\n\r\n{body}".encode() for n in range(COUNT)]
    with smtplib.SMTP("127.0.0.1", port) as client:
        began = time.monotonic()
        for one in mail:
            client.sendmail(ME, [TO], one)
        return time.monotonic() - began


def by_smtp_source(port: int, octets: int) -> float:
    """One message by Postfix's load generator."""
    argv = ["smtp-source", "-s", "1", "-m", "1", "-l", str(octets), "-f", ME, "-t", TO]
    return _timed(lambda: subprocess.run([*argv, f"127.0.0.1:{port}"], check=True, stdout=subprocess.DEVNULL))


def large(folder: Path, port: int) -> tuple[float, float, int, float]:
    """(seconds to freeze, seconds to send and file, octets sent, MB of memory over idle)."""
    attachment = folder / "film.bin"
    with attachment.open("wb") as file:
        for _ in range(LARGE // 1_000_000):
            file.write(os.urandom(1_000_000))
    with PostOffice.submitting(folder / "profile", port) as post:
        post.sender.start()
        post.queue(TO)
        assert post.sender.drain(60)  # everything that sending needs is loaded
        idle = _peak_kb(anew=True)
        draft = Draft(Address("", ME), to=(Address("", TO),), subject="film", attachments=(_attached(attachment),))
        frozen = freeze(draft_pieces(post.context, draft), now=post.clock, message_id_if_missing="x@example.org")
        account = read.account(post.store.reader(), post.account_id)
        assert account is not None
        began = time.monotonic()
        one = dispatch.queue(post.store, account, frozen, now=post.clock, not_before=post.clock)
        frozen_at = time.monotonic()
        assert post.sender.drain(3600)
        done = time.monotonic()
        assert post.states(one) == [RecipientState.ACCEPTED]
        assert len(post.sent()) == 2
        return frozen_at - began, done - frozen_at, post.get(one).size, (_peak_kb() - idle) / 1024


def _attached(path: Path) -> DraftAttachment:
    return DraftAttachment(str(path), path.name, "application/octet-stream")


def _peak_kb(*, anew: bool = False) -> int:
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def one_mail(folder: Path, port: int) -> tuple[float, float]:
    """Medians of (Send to accepted, a run of swaks)."""
    with PostOffice.submitting(folder, port):
        pass  # makes the profile
    argv = [sys.executable, "-P", "-m", "mua", "--profile", str(folder), "engine"]
    ours, theirs = list[float](), list[float]()
    with subprocess.Popen(argv, cwd=ROOT) as engine:
        while not Profile(folder).socket.exists():
            time.sleep(0.05)
        with EngineClient(Profile(folder), lambda _: None) as client:
            draft = Draft(Address("", ME), to=(Address("", TO),), subject="one", text="Hello.")
            for turn in range(12):
                ours.append(_timed(lambda: _send(client, draft)))
                theirs.append(_timed(lambda: _swaks(port)))
                del ours[:-turn], theirs[:-turn]  # the first loads what sending needs
            client.ask(wire.Shutdown(), wire.Done)
        engine.wait(30)
    return median(ours), median(theirs)


def _send(client: EngineClient, draft: Draft) -> None:
    queued_as = client.ask(wire.Send(1, draft=draft), wire.Queued)
    client.ask(wire.AwaitVerdicts(queued_as.outgoing_id), wire.Done)


def _swaks(port: int) -> None:
    argv = ["swaks", "--server", "127.0.0.1", "--port", str(port), "--from", ME, "--to", TO, "--silent", "3"]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _note(found: dict[str, list[tuple[float, float, float]]], name: str, peer: float, ours: float) -> None:
    """Seconds of the peer and of ours, and our rate in parts of the peer's."""
    found.setdefault(name, []).append((round(peer, 4), round(ours, 4), round(peer / ours, 2)))


def main() -> int:
    """Print a line for each comparison; the last is JSON."""
    names = (set(sys.argv[1:]) - {"sending"}) or {"queue", "plain", "large", "one"}
    found = dict[str, list[tuple[float, float, float]]]()
    with tempfile.TemporaryDirectory() as made, sink() as port:
        folder = Path(made)
        for turn in range(3 if "queue" in names else 0):
            _note(found, "queue", commits(folder / f"floor{turn}.db"), queued(folder / f"q{turn}", port))
        for turn in range(3 if "plain" in names else 0):
            _note(found, "plain", by_smtplib(port), queued(folder / f"p{turn}", port, durable=False))
        if "large" in names:
            freezing, sending, octets, memory = large(folder, port)
            _note(found, f"large: frozen in {freezing:.1f} s, +{memory:.0f} MB", by_smtp_source(port, octets), sending)
        if "one" in names:
            _note(found, "one", *reversed(one_mail(folder / "one", port)))
    for name, what in found.items():
        print(name, what, file=sys.stderr)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
