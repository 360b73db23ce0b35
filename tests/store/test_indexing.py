"""The indexer's work: what is put off, what a crash leaves, and that the marks never claim more than there is."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mua.engine import gists, indexing
from mua.engine.gists import Teller, Told
from mua.engine.indexer import Indexer
from mua.engine.indexing import Indexing, document_of
from mua.engine.reading import facts, light_gist
from mua.model.account import Account, AccountId
from mua.model.folder import FolderId
from mua.model.ledger import Claim
from mua.model.message import Envelope, MessageId
from mua.paths import Profile
from mua.store import index, read, write
from mua.store.blobs import Bodies
from mua.store.db import Store, open_reader
from mua.store.shards import shards

_FOUND = "SELECT {1} FROM {0} WHERE {0} MATCH ? ORDER BY rowid"


class Room:
    """A profile with one folder, and an indexer's work in this process."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.store, self.bodies = Store(profile), Bodies(profile)
        with self.store.write() as tx:
            self.account = write.add_account(tx, Account(AccountId(0), "home", "maya@example.org"))
            self.inbox: FolderId = write.put_folder(tx, self.account, "INBOX")
        self.fts = index.open_index(profile)
        self.begin()

    def begin(self) -> None:
        """As after a restart: what is known is what was committed."""
        self.told = Told()
        self.work = Indexing(open_reader(self.profile), Bodies(self.profile, readonly=True), self.fts, self.told)

    def headers(self, *subjects: str) -> list[MessageId]:
        with self.store.write() as tx:
            news = [write.NewMessage(Envelope(subject=one), 1_700_000_000, 1) for one in subjects]
            return write.add_messages(tx, self.account, self.inbox, news)

    def body(self, message_id: MessageId, text: str) -> None:
        raw = b"Subject: s\r\n\r\n" + text.encode()
        place = self.bodies.put([(message_id, raw)])[message_id]
        with self.store.write() as tx:
            write.set_bodies(tx, [facts(message_id, place, raw)])

    def found(self, word: str) -> list[int]:
        found = [(_FOUND.format(one.name, one.id_of("rowid")), word) for one in shards(self.fts)]
        return sorted(row[0] for asked in found for row in self.fts.rows(*asked))

    def is_behind(self) -> bool:
        return self.work.mark < read.index_seq(self.store.reader())

    def finish(self) -> None:
        """Let the time pass that the work asks for, without news, until it has nothing left to do."""
        while self.work.advance(quiet=True) is not None:
            pass

    def close(self) -> None:
        self.store.close()
        self.bodies.close()
        self.fts.close()


def indexed(room: Room) -> set[int]:
    """What the index has, as its own tables say."""
    asked = [f"SELECT {one.id_of('id')} FROM {one.name}_docsize" for one in shards(room.fts)]
    return {row[0] for sql in asked for row in room.fts.rows(sql)}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(Profile(tmp_path / "profile"))
    yield made
    made.close()


def test_a_message_is_indexed_once_with_its_body(room: Room) -> None:
    [first, second] = room.headers("garden", "letter")
    assert room.work.advance(quiet=False) == indexing.PATIENCE
    room.body(first, "potatoes")
    assert room.work.advance(quiet=False) == indexing.LULL  # more may come: nothing is committed yet
    assert room.found("potatoes") == []
    assert room.work.advance(quiet=True) == indexing.PATIENCE
    assert room.found("potatoes") == room.found("garden") == [first]
    assert room.found("letter") == []
    assert index.progress(room.fts).whole > room.work.mark
    room.body(second, "tomatoes")
    room.finish()
    assert room.found("tomatoes") == room.found("letter") == [second]
    assert not room.is_behind()


def test_the_text_inside_an_attachment_is_found(room: Room) -> None:
    [first] = room.headers("garden")
    kind = "Content-Type: text/csv\r\nContent-Disposition: attachment; filename=plan.csv\r\n\r\npotatoes;tomatoes"
    head = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee\r\n"
    raw = f"{head}--b\r\n{kind}\r\n--b--\r\n"
    place = room.bodies.put([(first, raw.encode())])[first]
    with room.store.write() as tx:
        write.set_bodies(tx, [facts(first, place, raw.encode())])
    room.finish()
    assert [room.found(f"{column} : tomatoes") for column in ("attached", "body")] == [[first], []]
    assert room.found("files : plan") == [first]


def test_what_took_long_is_put_down_at_once(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = room.headers("garden", "letter")
    for one in ids:
        room.body(one, "potatoes")
    monkeypatch.setattr(indexing, "SLOW", 0.0)
    room.work.advance(quiet=False)
    assert room.found("potatoes") == ids
    room.begin()  # killed here, nothing is read again
    assert room.work.mark == read.index_seq(room.store.reader())


def test_what_stays_without_a_body_is_found_by_its_header(room: Room) -> None:
    [first, second] = room.headers("garden", "letter")
    room.body(second, "tomatoes")
    room.finish()
    assert (room.found("garden"), room.found("tomatoes")) == ([first], [second])
    assert not room.is_behind()
    room.body(first, "potatoes")
    room.finish()
    assert room.found("garden") == room.found("potatoes") == [first]


def test_a_message_is_not_put_off_for_ever(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    [first] = room.headers("garden")
    room.work.advance(quiet=False)
    monkeypatch.setattr(indexing, "LONGEST", 0.0)
    room.work.advance(quiet=False)
    assert room.found("garden") == [first]


@pytest.mark.parametrize("steps", range(5))
def test_a_killed_indexer_goes_on_where_it_was(room: Room, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing, "BATCH", 2)
    ids = room.headers("garden", "letter", "window", "ladder", "river")
    for message_id in reversed(ids[1:]):
        room.body(message_id, f"body{message_id}")
    for _ in range(steps):
        room.work.advance(quiet=True)
        marks = index.progress(room.fts)
        sql = "SELECT id FROM message WHERE index_seq <= ? AND (has_body > 0 OR index_seq <= ?)"
        claimed = {row[0] for row in room.store.reader().rows(sql, max(marks.mark, marks.whole), marks.mark)}
        assert claimed <= indexed(room)
    room.begin()
    room.finish()
    assert [room.found(word) for word in ("garden", "letter", "river")] == [[ids[0]], [ids[1]], [ids[4]]]
    assert [room.found(f"body{one}") for one in ids[1:]] == [[one] for one in ids[1:]]
    assert not room.is_behind()


def test_what_is_gone_is_forgotten_and_segments_are_merged(room: Room) -> None:
    for number in range(40):
        [one] = room.headers(f"subject{number}")
        room.body(one, "common")
        room.work.advance(quiet=True)
        room.work.advance(quiet=True)
    assert len(room.found("common")) == 40
    with room.store.write() as tx:
        write.remove_messages(tx, [MessageId(room.found("subject7")[0])], Claim.VANISHED, 1)
    room.finish()
    assert (len(room.found("common")), room.found("subject7")) == (39, [])
    assert not index.tidy(room.fts)


def test_what_the_engine_has_read_is_not_read_again(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    [first, second] = room.headers("garden", "letter")
    assert room.told.hear(gists.line([(first, light_gist(b"Subject: s\r\n\r\npotatoes"))]))
    for one, text in ((first, "potatoes"), (second, "tomatoes")):
        room.body(one, text)
    looked_at = list[int]()
    skimmed = Bodies.skimmed

    def noted(bodies: Bodies, message_id: int) -> bytes | None:
        looked_at.append(message_id)
        return skimmed(bodies, message_id)

    monkeypatch.setattr(Bodies, "skimmed", noted)
    room.finish()
    assert (room.found("potatoes"), room.found("tomatoes")) == ([first], [second])
    assert looked_at == [second]


def test_what_is_told_is_what_is_read(shared: Any) -> None:
    """For every awkward mail that is small enough to be told: the same document, whoever made its text."""
    from corpora import distinct

    shared("corpora")
    one, compared = read.Unindexed(1, MessageId(7), "s", (), (), (), True, ""), 0
    for _, raw in distinct():
        if len(raw) < gists.MAX_RAW:
            told = Told()
            told.hear(gists.line([(7, light_gist(raw))]))
            assert document_of(one, None, told.take(7)) == document_of(one, raw)
            compared += 1
            if compared == 300:
                break
    assert compared == 300


def test_a_child_that_does_not_listen_holds_nobody_up() -> None:
    receiving, sending = os.pipe()
    told = [(7, light_gist(b"Subject: s\r\n\r\n" + b"potatoes\r\n" * 2000))]
    with os.fdopen(receiving) as child, os.fdopen(sending, "w", buffering=1) as pipe:
        teller = Teller(pipe)
        taken = sum(teller.tell(told) for _ in range(200))
        assert 0 < taken < 200  # the pipe is full, and nothing waited for it
        heard = Told()
        assert all(heard.hear(child.readline()) for _ in range(taken))
        assert heard.take(7) == told[0][1]
        assert teller.tell(told)


def test_a_child_that_is_just_ending_is_told_and_poked_in_vain(room: Room) -> None:
    indexer = Indexer(room.profile, room.store.reader, lambda: None)
    with subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        child.wait()
        child.stdin.close()  # as the thread does that heard its end, before it says so
        indexer._child, indexer._idle = child, True
        indexer.tell([(7, light_gist(b"Subject: s\r\n\r\npotatoes"))])
        indexer.poke()


def test_what_nobody_comes_to_is_not_kept_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gists, "KEPT", 100)
    told = Told()
    for number in range(20):
        told.hear(gists.line([(number, light_gist(b"\r\n" + b"a" * 29))]))
    assert [number for number in range(20) if told.take(number)] == [0, 1, 2]
    told.hear(gists.line([(30, light_gist(b"\r\nanew"))]))
    told.forget()
    assert told.take(30) is None


@pytest.mark.parametrize("cut", ['told [[7, "half a te', "12 3456"])
def test_a_line_that_the_end_of_the_engine_cut_says_nothing(cut: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"5\n{cut}"))
    told = Told()
    pokes = indexing._Pokes(told)
    while not pokes.ended:
        assert pokes.wait(10)
    assert (pokes.unwanted(), told.take(7)) == ([5], None)
