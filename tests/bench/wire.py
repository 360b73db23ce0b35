"""What the wire alone can do: run inside the laboratory by ``run.py``, prints one JSON document.

The order on stdin: {"host", "port", "user", "password", "ca", "rounds"}.  Each round, one after the other and over TLS:
draining the answer to one FETCH off the socket without looking at it, the same through our FETCH path, parsing the
header blocks that came, and inserting rows of them into a table without any index.
"""

import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from mua.mime.headers import envelope  # noqa: E402
from mua.model.account import Security, Server  # noqa: E402
from mua.net.imap import ImapConnection  # noqa: E402
from mua.net.imap_answers import FetchedHeader  # noqa: E402
from mua.net.imap_reading import HEADER_FIELDS  # noqa: E402

HEADERS = f"UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({HEADER_FIELDS})]"
BODIES = "UID BODY.PEEK[]"
TAIL = 200


def drain(connection: ImapConnection, items: str) -> int:
    """Read the answer and throw it away; returns its octets."""
    connection.wire.send(f"drain UID FETCH 1:* ({items})\r\n".encode())
    block, tail, octets = bytearray(1 << 18), b"", 0
    while b"\r\ndrain OK" not in tail:
        count = connection.wire.sock.recv_into(block)
        if not count:
            raise SystemExit("the server hung up")
        octets += count
        tail = (tail + bytes(block[max(0, count - TAIL) : count]))[-TAIL:]
    return octets


def insert(headers: list[FetchedHeader]) -> None:
    """The bare rows of these headers, in commits of 200."""
    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(f"{folder}/bare.db", isolation_level=None)
        db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL")
        db.execute("CREATE TABLE bare(id INTEGER PRIMARY KEY, flags TEXT, date INTEGER, size INTEGER, head BLOB)")
        for start in range(0, len(headers), 200):
            rows = [(one.uid, "", one.internaldate, one.size, one.header) for one in headers[start : start + 200]]
            db.execute("BEGIN")
            db.executemany("INSERT INTO bare VALUES (?,?,?,?,?)", rows)
            db.execute("COMMIT")
        db.close()


def parse(headers: list[FetchedHeader]) -> None:
    """An envelope of each, thrown away."""
    for one in headers:
        envelope(one.header)


def timed(into: list[float], work: Callable[..., Any], *values: Any) -> Any:
    """Do ``work`` and note its seconds."""
    began = time.monotonic()
    done = work(*values)
    into.append(time.monotonic() - began)
    return done


def peak_kb(*, anew: bool = False) -> int:
    """The most memory that this process has had, or (``anew``) has now; getrusage would tell the parent's."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def count_bodies(connection: ImapConnection) -> int:
    """Every message through our path, one in memory at a time."""
    return sum(1 for _ in connection.fetch_bodies("1:*"))


def main() -> None:
    """Take the rounds and print their medians."""
    order = json.load(sys.stdin)
    server = Server(order["host"], order["port"], Security.TLS, order["user"])
    connection = ImapConnection(server, lambda: order["password"], order["ca"])
    connection.select("INBOX", readonly=True)
    took: dict[str, list[float]] = {
        name: [] for name in ("drain", "fetch", "parse", "insert", "drain_bodies", "fetch_bodies")
    }
    count = octets = growth = 0
    for _ in range(order["rounds"]):  # bodies first: headers are kept, and would hide what bodies take
        octets = timed(took["drain_bodies"], drain, connection, BODIES)
        before = peak_kb(anew=True)
        count = timed(took["fetch_bodies"], count_bodies, connection)
        growth = max(growth, peak_kb() - before)
        timed(took["drain"], drain, connection, HEADERS)
        headers = timed(took["fetch"], list, connection.fetch_headers("1:*"))
        timed(took["parse"], parse, headers)
        timed(took["insert"], insert, headers)
        assert len(headers) == count
        del headers
    connection.log_out()
    found = {name: median(seconds) for name, seconds in took.items()}
    print(json.dumps(found | {"count": count, "octets": octets, "growth_kb": growth}))


if __name__ == "__main__":
    main()
