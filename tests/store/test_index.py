"""The full-text index: what is found, in which order, and how operators and hostile input behave."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mua.model.account import Account, AccountId
from mua.model.address import Address
from mua.model.folder import Role
from mua.model.message import Envelope, Flag, MessageId
from mua.paths import Profile
from mua.plan.search import parse
from mua.store import aside, find, index, tags, write
from mua.store.db import Db, Store
from mua.store.shards import SPAN, Shard, shard_of, shards

NOW = 1_700_000_000
MAILS = [
    ("Quarterly numbers", "Tomas Ferreira", "The café is closed on Monday", "report.pdf"),
    ("東京への旅行", "愛子 田中", "新幹線の切符を買いました", ""),
    ("Re: Garden party", "Änne Müller", "Bring the salad, please; a well-known recipe", ""),
    ("Invoice 4711", "Build Bot", "pay within 14 days. quarterly report attached", "invoice.xlsx"),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Db]:
    profile = Profile(tmp_path_factory.mktemp("index"))
    store = Store(profile)
    with store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "home", "maya@example.org"))
        inbox = write.put_folder(tx, account, "INBOX", role=Role.INBOX)
        news = [
            write.NewMessage(
                Envelope(sender=(Address(who, f"p{n}@example.org"),), subject=subject, date=NOW - 86400 * n),
                NOW - 86400 * n,
                1000 * (n + 1),
                n + 1,
                Flag.FLAGGED if n == 2 else Flag.SEEN,
            )
            for n, (subject, who, _, _) in enumerate(MAILS)
        ]
        ids = write.add_messages(tx, account, inbox, news)
        write.set_bodies(tx, [write.BodyFacts(ids[3], 1, "", True, 4000)])
        aside.pin(tx, [ids[2]], True, NOW)
        tags.put(tx, ids[1], "$Label2", "")
    writer = index.open_index(profile)
    index.add(
        writer,
        [
            index.Document(MessageId(ids[n]), s, f"{w} p{n}@example.org", "", b, f)
            for n, (s, w, b, f) in enumerate(MAILS)
        ],
        99,
        99,
    )
    reader = index.open_search(profile)
    yield reader
    reader.close()
    writer.close()
    store.close()


def hits(db: Db, query: str, limit: int = 50) -> list[str]:
    ids = find.find(db, parse(query, NOW), limit)
    return [str(db.value("SELECT subject FROM message WHERE id = ?", one))[:6] for one in ids]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("quarterly", ["Quarte", "Invoic"]),
        ("QUART", ["Quarte", "Invoic"]),
        ("cafe", ["Quarte"]),
        ("anne muller", ["Re: Ga"]),
        ("旅行", ["東京への旅行"[:6]]),
        ("切符", ["東京への旅行"[:6]]),
        ('"report attached"', ["Invoic"]),
        ('"attached report"', []),
        ("well-known", ["Re: Ga"]),
        ("from:tomas", ["Quarte"]),
        ("from:p1@example.org", ["東京への旅行"[:6]]),
        ("subject:quarterly", ["Quarte"]),
        ("quarterly -invoice", ["Quarte"]),
        ("filename:xlsx", ["Invoic"]),
        ("has:attachment", ["Invoic"]),
        ("is:starred", ["Re: Ga"]),
        ("-is:unread is:read quarterly", ["Quarte", "Invoic"]),
        ("in:inbox salad", ["Re: Ga"]),
        ("in:archive salad", []),
        ("before:2023-11-12", ["Invoic"]),
        ("larger:3k", ["Invoic"]),
        ("q", ["Quarte"]),
        ("nothing:here", []),
        ("from:tomas OR from:änne", ["Quarte", "Re: Ga"]),
        ("from:(tomas OR bot) report", ["Quarte", "Invoic"]),
        ("is:starred OR report", ["Quarte", "Re: Ga", "Invoic"]),
        ("-quarterly", ["東京への旅行"[:6], "Re: Ga"]),
        ("-(quarterly OR is:starred)", ["東京への旅行"[:6]]),
        ("uarterl", ["Quarte", "Invoic"]),
        ("subject:arde", ["Re: Ga"]),
        ("body:arde", []),
        ("lad OR ecip", ["Re: Ga"]),
        ("in:nowhere", []),
        ("is:pinned", ["Re: Ga"]),
        ("-is:pinned quarterly", ["Quarte", "Invoic"]),
        ("has:tag", ["東京への旅行"[:6]]),
        ("tag:work 旅行", ["東京への旅行"[:6]]),
        ("tag:work garden", []),
        ("from:t", ["Quarte"]),
        ("subject:i", ["Invoic"]),
        ("to:q", []),
        ("smaller:2k -is:starred", ["Quarte", "東京への旅行"[:6]]),
        ("after:2023-11-13", ["Quarte", "東京への旅行"[:6]]),
        ("-after:2023-11-13", ["Re: Ga", "Invoic"]),
        ("", ["Quarte", "東京への旅行"[:6], "Re: Ga", "Invoic"]),
    ],
)
def test_what_is_found(found: Db, query: str, expected: list[str]) -> None:
    assert hits(found, query) == expected


def test_the_newest_come_first_and_no_more_than_asked(found: Db) -> None:
    assert hits(found, "example", 2) == ["Quarte", "東京への旅行"[:6]]


def test_a_removed_message_is_not_found(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    store = Store(profile)
    writer = index.open_index(profile)
    index.add(writer, [index.Document(MessageId(5), "hello", "", "", "world")], 1, 3)
    index.add(writer, [index.Document(MessageId(5), "hello", "", "", "moon")], 2, 3)
    table = shard_of(5).name
    counted = f"SELECT count(*) FROM {table} WHERE {table} MATCH ?"
    assert [writer.value(counted, word) for word in ("world", "moon")] == [0, 1]
    index.remove(writer, [5], 1)
    assert writer.value(counted, "moon") == 0
    assert index.progress(writer) == index.Progress(mark=2, whole=3, removed=1)
    writer.close()
    store.close()


def test_the_words_of_many_messages_are_those_of_each(tmp_path: Path) -> None:
    """What the index tells of a whole table is what is read from the texts of few messages."""
    texts = [
        "Änderung STRASSE İstanbul Ａｂｃｄ",
        "東京 ab abc abcd " + "x" * 40 + " " + "y" * 41,
        "don't well-known a_b_c_d",
    ]
    texts += [
        "𐐨𐐨𐐨𐐨 naïve e\u0301e\u0301e\u0301e\u0301 \ue000abc x\0hidden",
        "¼½¾² 12345 русский слова",
        "caffè\tlatte\r\nnero",
    ]
    documents = [
        index.Document(
            MessageId(n << 20), f"subject{n}", f"sender{n}", "", texts[n % len(texts)], attached=f"file{n:04}"
        )
        for n in range(2 * index.FEW)
    ]
    known = list[list[str]]()
    for name, size in (("few", index.FEW), ("many", 2 * index.FEW)):
        profile = Profile(tmp_path / name).create()
        writer = index.open_index(profile)
        for start in range(0, len(documents), size):
            index.add(writer, documents[start : start + size], 1, 1)
        assert index.read_words(writer) is (name == "many")
        assert not index.read_words(writer, every=True)
        known.append([row[0] for row in writer.rows("SELECT text FROM word ORDER BY text")])
        sql = "SELECT w.text FROM part p JOIN word w ON w.id = p.rowid WHERE p.part MATCH 'ile' ORDER BY 1"
        assert [row[0] for row in writer.rows(sql)] == [f"file{n:04}" for n in range(2 * index.FEW)]
        writer.close()
    assert known[0] == known[1]
    assert {"strasse", "istanbul", "x" * 40} < set(known[0])


def test_a_large_table_is_asked_for_its_words_where_that_pays(tmp_path: Path) -> None:
    profile = Profile(tmp_path).create()
    writer = index.open_index(profile)

    def add(first: int, count: int) -> None:
        ids = range(first, first + count)
        index.add(writer, [index.Document(MessageId(n << 20), "", "", "", f"word{n}") for n in ids], 1, 1)

    def known(number: int) -> bool:
        return writer.value("SELECT 1 FROM word WHERE text = ?", f"word{number}") is not None

    many, more = 6 * index.FEW, index.FEW + 1
    add(0, many)
    assert index.read_words(writer) and known(many - 1)
    add(many, more)
    add(many + more, 1)
    assert not index.read_words(writer)
    assert known(many + more) and not known(many), "one message's words are known at once"
    writer.close()
    writer = index.open_index(profile)
    assert index.read_words(writer, every=True) and known(many)
    assert not index.read_words(writer, every=True)
    writer.close()


@settings(deadline=None)
@given(st.integers(0, 1 << 55) | st.integers(0, 1 << 24).map(lambda second: second << 20) | st.integers(0, 1 << 23))
def test_a_row_of_the_index_is_of_one_message(message_id: int) -> None:
    shard = shard_of(message_id)
    sql = f"SELECT {shard.id_of('?1')}, {shard.holds('?2')}, {Shard(shard.number, not shard.crowded).holds('?2')}"
    with closing(sqlite3.connect(":memory:")) as db:
        assert db.execute(sql, (shard.row(message_id), message_id)).fetchone() == (message_id, 1, 0)
    assert shard.low <= message_id < shard.low + (1 << SPAN)


def test_of_a_full_second_everything_is_found_once_and_newest_first(tmp_path: Path) -> None:
    """What many messages of one second are put beside is asked, ordered and forgotten like the rest."""
    profile = Profile(tmp_path)
    store = Store(profile)
    with store.write() as tx:
        account = write.add_account(tx, Account(AccountId(0), "home", "maya@example.org"))
        inbox = write.put_folder(tx, account, "INBOX", role=Role.INBOX)
        seconds = [1_700_000_000] * 7 + [1_700_000_001] * 3 + [1_700_000_002] * 6
        news = [write.NewMessage(Envelope(subject=f"word {n}"), second, 1) for n, second in enumerate(seconds)]
        ids = write.add_messages(tx, account, inbox, news)
        write.wish_flags(tx, ids[::3], Flag.SEEN, Flag(0), 1)
    writer = index.open_index(profile)
    index.add(writer, [index.Document(one, f"word {n}", "", "", "") for n, one in enumerate(ids)], len(ids), len(ids))
    assert [(one.crowded) for one in shards(writer)] == [False, True]
    db = index.open_search(profile)

    def found(query: str, limit: int = 50) -> list[int]:
        return find.find(db, parse(query, 1_700_000_100), limit)

    newest = ids[::-1]
    unread = [one for one in newest if one not in ids[::3]]
    assert found("word") == newest
    assert found("word", 6) == newest[:6]
    assert found("word is:unread") == unread
    assert found("word is:unread", 4) == unread[:4]
    assert found("is:unread OR subject:word", 9) == newest[:9]
    assert found("is:unread -(is:unread subject:word)") == []
    assert found("word in:inbox", 6) == newest[:6]
    index.forget(writer, ids[4:8])
    assert found("word") == [one for one in newest if one not in ids[4:8]]
    assert found("is:read OR subject:word") == [one for one in newest if one not in ids[4:8] or one in ids[::3]]
    for one in (db, writer, store):
        one.close()


@settings(max_examples=300, deadline=None)
@given(query=st.text(max_size=40) | st.text(alphabet="\"-:(){}*^+ANDORNOTabc '", max_size=30))
def test_nothing_that_is_typed_is_an_error(found: Db, query: str) -> None:
    hits(found, query)
