"""A profile with a million messages in its inbox: headers, snippets, threads and the index; the same for the same seed.

``python tests/million.py FOLDER [--count N] [--seed N]`` makes it (or finds it there, made before), ``million(FOLDER)``
gives its ``Profile``.  For each twenty messages of the inbox there is one in Sent, half of all begin a conversation,
bodies are not there.  Rows go in in bulk, without the table's indexes and triggers, which are made afterwards; so a
million take a minute or two, and whoever changes something works on a copy.
"""

import argparse
import json
import random
import shutil
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from mailgen import FIRST_DAY, LAST_DAY, vocabulary  # noqa: E402

from mua.mime.subject import topic, who  # noqa: E402
from mua.model.account import Account, AccountId  # noqa: E402
from mua.model.address import Address  # noqa: E402
from mua.model.folder import Role  # noqa: E402
from mua.model.message import Flag, MessageId  # noqa: E402
from mua.paths import Profile  # noqa: E402
from mua.store import index, schema, write  # noqa: E402
from mua.store.db import Store, Tx  # noqa: E402

COUNT = 1_000_000
SENT = 20  # messages of the inbox for each in Sent
EDITION = 2  # of what is generated: another one is made anew
SNIPPET = 200  # characters
ME = ("Maya Lindqvist", "maya@example.org")
_BATCH = 10_000
_ROW = (
    "INSERT INTO message(id, account_id, folder_id, uid, flags, size, internaldate, date, subject, sender, recipients,"
    " message_id, refs, list_id, thread_id, snippet, has_attachments, index_seq, topic, author, addressee)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One message as the store has it; ``sent``: it lies in Sent.  ``number`` counts from 1."""

    number: int
    id: int
    sent: bool
    date: int
    flags: int
    size: int
    subject: str
    sender: tuple[str, str]
    to: tuple[tuple[str, str], ...]
    message_id: str
    references: str
    list_id: str
    thread_id: int
    snippet: str
    attachments: bool


@dataclass(slots=True)
class _Thread:
    id: int
    subject: str
    tongue: str
    other: tuple[str, str]
    ids: list[str]


def entries(count: int = COUNT, seed: int = 7) -> Iterator[Entry]:
    """``count`` messages of the inbox and those of Sent among them, oldest first."""
    dice = random.Random(seed)
    pools, people = vocabulary(seed)
    whole = count + count // SENT
    step = (LAST_DAY - FIRST_DAY) // whole
    open_threads = deque[_Thread](maxlen=300)
    for number in range(1, whole + 1):
        date = FIRST_DAY + number * step
        sent = number % (SENT + 1) == 0
        news = not sent and dice.random() < 0.12
        if open_threads and not news and dice.random() < 0.57:
            thread = open_threads[min(len(open_threads) - 1, int(dice.expovariate(1 / 40)))]
        else:
            tongue = dice.choices(("latin", "cyrillic", "han"), (90, 6, 4))[0]
            other = people[min(len(people) - 1, int(dice.expovariate(1 / 60)))]
            thread = _Thread(date << 20, _words(dice, pools[tongue], 2, 7, 100).capitalize(), tongue, other, [])
            if not news:
                open_threads.appendleft(thread)
        message_id = f"{number:x}.{seed}@{thread.other[1].rpartition('@')[2]}"
        yield Entry(
            number,
            date << 20,
            sent,
            date,
            _flags(dice, sent, recent=number > whole - 2000),
            int(min(30_000_000, dice.lognormvariate(9, 1.2))) + 400,
            f"Re: {thread.subject}" if thread.ids else thread.subject,
            ME if sent else ("Weekly news", "news@shop.test") if news else thread.other,
            (thread.other,) if sent else (ME, people[number % len(people)]) if number % 3 == 0 else (ME,),
            message_id,
            " ".join(dict.fromkeys((*thread.ids[:1], *thread.ids[-4:]))),
            "news.shop.test" if news else "",
            thread.id,
            _words(dice, pools[thread.tongue], 34, 35, SNIPPET),
            dice.random() < 0.08,
        )
        thread.ids = [*thread.ids[:1], *thread.ids[1:][-3:], message_id]


def _words(dice: random.Random, pool: list[str], least: int, most: int, length: int) -> str:
    start = int(dice.random() * (len(pool) - most))
    return " ".join(pool[start : start + int(least + dice.random() * (most - least))])[:length]


def _flags(dice: random.Random, sent: bool, recent: bool) -> Flag:
    luck = dice.random()
    flags = Flag.SEEN if sent or luck < (0.6 if recent else 0.97) else Flag(0)
    return flags | (Flag.FLAGGED if luck > 0.985 else Flag(0)) | (Flag.ANSWERED if luck < 0.15 else Flag(0))


def million(folder: Path, count: int = COUNT, seed: int = 7) -> Profile:
    """The profile in ``folder``, made anew unless it is there and of this edition of everything."""
    stamp = folder / "generated.json"
    wanted = [EDITION, schema.VERSION, index.VERSION, count, seed]
    if not (stamp.exists() and json.loads(stamp.read_text()) == wanted):
        building = folder.with_name(f"{folder.name}.building")
        for old in (folder, building):
            if old.exists():
                _remove(old)
        _build(Profile(building), count, seed)
        (building / stamp.name).write_text(json.dumps(wanted))
        building.rename(folder)
    return Profile(folder)


def _remove(folder: Path) -> None:
    """Only what was made here goes."""
    if not any((folder / name).exists() for name in ("generated.json", "cache.db")) and any(folder.iterdir()):
        raise SystemExit(f"{folder} is not a profile that was generated; it stays")
    shutil.rmtree(folder)


def _build(profile: Profile, count: int, seed: int) -> None:
    store = Store(profile)
    fts = index.open_index(profile)
    beginnings = index.Beginnings(fts)
    with store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "Home", ME[1], ME[0]))
        inbox = write.put_folder(tx, account, "INBOX", role=Role.INBOX)
        sent = write.put_folder(tx, account, "Sent", role=Role.SENT)
        for name, role in (("Archive", Role.ARCHIVE), ("Trash", Role.TRASH), ("Junk", Role.JUNK)):
            write.put_folder(tx, account, name, role=role)
        parts = "type IN ('index', 'trigger') AND tbl_name = 'message' AND sql IS NOT NULL"
        made = tx.rows(f"SELECT type, name, sql FROM sqlite_master WHERE {parts} ORDER BY type")
        for kind, name, _ in made:
            tx.run(f"DROP {kind} {name}")
        coming, last = entries(count, seed), 0
        while batch := list(islice(coming, _BATCH)):
            last = batch[-1].number
            tx.run_many(_ROW, (_row(one, account, sent if one.sent else inbox) for one in batch))
            index.add(fts, map(_document, batch), last, last, beginnings)
        for _, _, sql in made:
            tx.run(sql)
        _settle(tx, last)
    while index.read_words(fts) or index.tidy(fts):
        pass
    for one in (fts, store):
        one.close()


def _settle(tx: Tx, last: int) -> None:
    """What triggers and single insertions would have kept."""
    tx.run("INSERT OR REPLACE INTO mid(message_id, thread_id) SELECT message_id, thread_id FROM message ORDER BY 1")
    tx.run("UPDATE meta SET value = ? WHERE key = 'index_seq'", last)
    tx.run(
        "UPDATE folder SET (total, unread) = (SELECT count(*), coalesce(sum(shown_flags & 1 = 0), 0) FROM message"
        " WHERE shown_folder = folder.id)"
    )


def _row(one: Entry, account: int, folder: int) -> tuple[object, ...]:
    return (
        one.id, account, folder, one.number, one.flags, one.size, one.date, one.date, one.subject,
        json.dumps([one.sender], ensure_ascii=False), json.dumps(one.to, ensure_ascii=False), one.message_id,
        one.references, one.list_id, one.thread_id, one.snippet, one.attachments, one.number,
        topic(one.subject)[0], who((Address(*one.sender),)), who(tuple(Address(*person) for person in one.to)),
    )  # fmt: skip


def _document(one: Entry) -> index.Document:
    to = " ".join(f"{name} {address}" for name, address in one.to)
    return index.Document(MessageId(one.id), one.subject, " ".join(one.sender), to, one.snippet)


def main() -> int:
    """Make one, and say where it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    print(million(given.folder, given.count, given.seed).root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
