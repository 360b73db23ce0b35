"""``./run bench search [--store FOLDER] [--count N] [--peers]``: searching as one types, and beside notmuch and mu.

Without ``--peers``: stores of 10,000, 100,000 and 1,000,000 generated messages (``tests/million.py``; ``--count`` is
the largest), kept in FOLDER for the next time; for each kind of search the time until its first 50 hits are there, as
the seeker's thread spends it (p50 and p99 of 100 searches), and how large the index is.

With ``--peers``: the same 10,000 whole mails (``tests/mailgen.py``) as a Maildir and in a store; indexed by notmuch, by
mu and by our indexer, in this run, one after the other; then the same words searched, the start of a process set aside.
"""

import argparse
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent), str(ROOT)]

from mailgen import Letter, letters, vocabulary  # noqa: E402
from million import COUNT, million  # noqa: E402

from mua.engine.indexing import Indexing  # noqa: E402
from mua.engine.reading import facts  # noqa: E402
from mua.mime.headers import envelope  # noqa: E402
from mua.mime.message import gist  # noqa: E402
from mua.model.account import Account, AccountId  # noqa: E402
from mua.model.message import Flag, MessageId  # noqa: E402
from mua.paths import Profile  # noqa: E402
from mua.plan.search import parse  # noqa: E402
from mua.store import find, index, read, write  # noqa: E402
from mua.store.blobs import Bodies  # noqa: E402
from mua.store.db import Db, Store, open_reader  # noqa: E402

SAMPLE = 100  # searches of each kind
ROUNDS = 3  # of each peer's search
PEER_QUERIES = 12
_BATCH = 500


# -- at any size


def kinds(dice: random.Random) -> dict[str, list[str]]:
    """Searches as they are typed, by what they are."""
    pools, people = vocabulary()
    words = pools["latin"]

    def beginning(letters: int) -> str:
        return next(one[:letters] for one in iter(lambda: dice.choice(words), None) if len(one) >= letters)

    def phrase() -> str:
        start = dice.randrange(len(words) - 4)
        return f'"{" ".join(words[start : start + dice.randint(2, 3)])}"'

    def family() -> str:
        return dice.choice(people)[0].split()[-1][:6]

    made: dict[str, Callable[[], str]] = {
        **{f"{n} letter{'s' * (n > 1)}": lambda n=n: beginning(n) for n in range(1, 7)},  # type: ignore[misc]
        "two words": lambda: f"{beginning(4)} {beginning(5)}",
        "phrase": phrase,
        "from:": lambda: f"from:{family()}",
        "from: and a word": lambda: f"from:{family()} {beginning(4)}",
        "in the middle of words": lambda: dice.choice([one for one in words[:5000] if len(one) > 6])[2:7],
        "nothing like it": lambda: f"zq{dice.randrange(10**6)}x",
    }
    return {name: [make() for _ in range(SAMPLE)] for name, make in made.items()} | {"half of all mail": ["the"] * 20}


def first_hits(db: Db, query: str) -> float:
    """Milliseconds of this thread until the first hits are there."""
    search = parse(query, 0)
    began = time.thread_time()
    next(find.hits(db, search))
    return (time.thread_time() - began) * 1000


def measured(profile: Profile) -> dict[str, tuple[float, float]]:
    """(p50, p99) of each kind."""
    db = index.open_search(profile)
    told: dict[str, tuple[float, float]] = {}
    for name, queries in kinds(random.Random(3)).items():
        first_hits(db, queries[0])
        times = sorted(first_hits(db, query) for query in queries)
        told[name] = statistics.median(times), times[max(0, round(len(times) * 0.99) - 1)]
    db.close()
    return told


def at_any_size(store: Path, largest: int) -> None:
    """The table of times by size."""
    sizes = [size for size in (10_000, 100_000, COUNT) if size < largest] + [largest]
    tables = {}
    for size in sizes:
        profile = million(store / str(size), size)
        tables[size] = measured(profile)
        text = int(open_reader(profile).value(_TEXT))
        print(f"{size:,} messages: index of {profile.fts_db.stat().st_size / text:.2f} of what is indexed", flush=True)
    print("\n| p50 / p99 in ms | " + " | ".join(f"{size:,}" for size in sizes) + " |")
    print("|---|" + "---|" * len(sizes))
    for name in tables[sizes[0]]:
        cells = [f"{tables[size][name][0]:.1f} / {tables[size][name][1]:.1f}" for size in sizes]
        print(f"| {name} | " + " | ".join(cells) + " |")


_TEXT = (
    "SELECT sum(octet_length(subject) + octet_length(sender) + octet_length(recipients) + octet_length(snippet))"
    " FROM message"
)


# -- beside others


def beside_others(folder: Path, many: int) -> None:
    """Index the same mail three times, and search in it."""
    mails = list(letters(many))
    maildir, profile = folder / "mail", Profile(folder / "profile")
    _fill_maildir(maildir, mails)
    _fill_store(profile, mails)
    text = sum(len(gist(one.raw).text.encode()) + len(one.subject.encode()) for one in mails)
    del mails
    rates = {"mua": many / _index(profile), "notmuch": many / _notmuch(folder), "mu": many / _mu(folder)}
    sizes = {
        "mua": profile.fts_db.stat().st_size,
        "notmuch": _size(maildir / ".notmuch"),
        "mu": _size(folder / "mu"),
    }
    print("\n| index | messages a second | ours is | index / text |\n|---|---|---|---|")
    for name, rate in rates.items():
        print(f"| {name} | {rate:,.0f} | {rates['mua'] / rate:.1f} x | {sizes[name] / text:.2f} |")
    _search_beside(folder, profile)


def _fill_maildir(maildir: Path, mails: Iterable[Letter]) -> None:
    for part in ("cur", "new", "tmp"):
        (maildir / part).mkdir(parents=True)
    for number, one in enumerate(mails):
        (maildir / "cur" / f"{one.date}.{number}.here:2,{one.flags}").write_bytes(one.raw.replace(b"\r\n", b"\n"))


def _fill_store(profile: Profile, mails: Iterable[Letter]) -> None:
    store, bodies = Store(profile), Bodies(profile)
    with store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "home", "maya@example.org"))
        inbox = write.put_folder(tx, account, "INBOX")
    coming, number = iter(mails), 0
    while some := list(islice(coming, _BATCH)):
        with store.write() as tx:
            news = [
                write.NewMessage(envelope(one.raw), one.date, len(one.raw), number + place, Flag.SEEN)
                for place, one in enumerate(some, 1)
            ]
            ids = write.add_messages(tx, account, inbox, news)
        number += len(some)
        places = bodies.put([(message_id, one.raw) for message_id, one in zip(ids, some, strict=True)])
        with store.write() as tx:
            write.set_bodies(
                tx, [facts(MessageId(key), places[key], one.raw) for key, one in zip(ids, some, strict=True)]
            )
    bodies.close()
    store.close()


def _index(profile: Profile) -> float:
    """Seconds of our indexer, its last merge included."""
    began = time.monotonic()
    cache, bodies, fts = open_reader(profile), Bodies(profile, readonly=True), index.open_index(profile)
    work = Indexing(cache, bodies, fts)
    while work.advance(quiet=True) is not None:
        pass
    took = time.monotonic() - began
    assert work.mark >= read.index_seq(cache)
    work.close()
    for one in (fts, bodies, cache):
        one.close()
    return took


def _timed(command: list[str]) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def _notmuch(folder: Path) -> float:
    config = folder / "notmuch.conf"
    config.write_text(f"[database]\npath={folder / 'mail'}\n[user]\nname=Maya\nprimary_email=maya@example.org\n")
    return _timed(["notmuch", f"--config={config}", "new", "--quiet"])


def _mu(folder: Path) -> float:
    home = [f"--muhome={folder / 'mu'}"]
    _timed(["mu", "init", *home, f"--maildir={folder / 'mail'}"])
    return _timed(["mu", "index", *home, "--quiet"])


def _search_beside(folder: Path, profile: Profile) -> None:
    pools, _ = vocabulary()
    dice = random.Random(5)
    words = [dice.choice([one for one in pools["latin"][:3000] if one.isascii() and len(one) > 3]) for _ in range(12)]
    queries = [*words[:8], *(f"{one} {other}" for one, other in zip(words[8:10], words[10:], strict=True))][
        :PEER_QUERIES
    ]
    notmuch = ["notmuch", f"--config={folder / 'notmuch.conf'}"]
    starts = {"notmuch": _best(["notmuch", "--version"]), "mu": _best(["mu", "--version"])}
    ours, theirs, mus = [], [], []
    db = index.open_search(profile)
    for query in queries:
        ours.append(min(_ours(db, query) for _ in range(ROUNDS)))
        theirs.append(_best([*notmuch, "search", "--limit=50", query]) - starts["notmuch"])
        mus.append(_best(["mu", "find", f"--muhome={folder / 'mu'}", "--maxnum=50", query], ok=(0, 4)) - starts["mu"])
    db.close()
    print("\n| search, 50 newest | median in ms | ours is |\n|---|---|---|")
    mine = statistics.median(ours)
    for name, times in (("mua", ours), ("notmuch search --limit=50", theirs), ("mu find --maxnum=50", mus)):
        median = statistics.median(times)
        print(f"| {name} | {median * 1000:.2f} | {median / mine:.1f} x |")


def _ours(db: Db, query: str) -> float:
    """Seconds to find, and to read the rows that are listed."""
    began = time.monotonic()
    read.rows(db, find.find(db, parse(query, 0), 50))
    return time.monotonic() - began


def _best(command: list[str], ok: tuple[int, ...] = (0,)) -> float:
    """The shortest of some runs; ``mu find`` ends with 4 where nothing is found."""
    times = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode
        times.append(time.monotonic() - began)
        assert ended in ok, command
    return min(times)


def _size(folder: Path) -> int:
    return sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?")  # as ``./run bench`` calls it
    parser.add_argument("--store", type=Path, default=Path(tempfile.gettempdir()) / "mua-search-stores")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--peers", action="store_true")
    given = parser.parse_args()
    if not given.peers:
        at_any_size(given.store, given.count)
        return 0
    if absent := [one for one in ("notmuch", "mu") if shutil.which(one) is None]:
        print(f"not installed: {', '.join(absent)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="mua-search-") as folder:
        beside_others(Path(folder), min(given.count, 10_000))
    return 0


if __name__ == "__main__":
    sys.exit(main())
