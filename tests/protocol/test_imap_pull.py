"""Pulling from a server that lies: conversations with ``engine.pull``, and what the store holds afterwards."""

import dataclasses
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from imap_talk import hello, talking
from memory import Peak, pss
from plans import scans
from retrieval import Desk
from scripted import Conversation, Scripted

from mua.engine import pull as pulling
from mua.engine.bodies import fetch_bodies, fetch_wanted
from mua.engine.imap_worker import ImapWorker
from mua.engine.pull import pull_folder, pull_folders
from mua.engine.push import push
from mua.errors import Kind, MailError
from mua.model.account import Security, Server
from mua.model.folder import FolderState, Role
from mua.model.message import Envelope, Flag, MessageId
from mua.net.imap_wire import Limits
from mua.store import mirror, read, write
from mua.store.write import NewMessage

KNOWN = 30


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Desk]:
    """Thirty messages of an inbox, pulled before; the worker itself does not run."""
    desk = Desk(tmp_path / "profile", Server("127.0.0.1", 1, Security.NONE, "ann"), "s3cr3t")
    with desk.store.write() as tx:
        inbox = write.put_folder(tx, desk.account.id, "INBOX", role=Role.INBOX)
        news = [NewMessage(Envelope(message_id=f"{uid}@x"), 1000 + uid, 10, uid=uid) for uid in range(1, KNOWN + 1)]
        write.add_messages(tx, desk.account.id, inbox, news)
        write.set_folder_state(tx, inbox, FolderState(7, KNOWN + 1, 0, KNOWN))
    yield desk
    desk.worker.join(0)
    desk.bodies.close()
    desk.store.close()


def pull(here: Desk, *script: str) -> None:
    with talking(*script) as connection:
        for _ in pull_folder(here.worker.shared, connection, here.folder("INBOX")):
            pass


def count(here: Desk) -> int:
    return mirror.stored(here.store.reader(), here.folder("INBOX").id)


def select(exists: int, uidnext: int = KNOWN + 1, uidvalidity: str = "S: * OK [UIDVALIDITY 7] x") -> str:
    return f"""
        C: {{tag}} SELECT "INBOX"
        S: * {exists} EXISTS
        {uidvalidity}
        S: * OK [UIDNEXT {uidnext}] x
        S: {{tag}} OK [READ-WRITE] done
        """


def search(what: str, found: str) -> str:
    return f"""
        C: {{tag}} UID SEARCH RETURN (ALL) {what}
        S: * ESEARCH (TAG "{{tag}}") UID{found and " ALL " + found}
        S: {{tag}} OK x
        """


NO_FLAGS = "C: {tag} UID FETCH 1:* (UID FLAGS)\nS: {tag} OK x\n"


def test_a_pull_looks_through_no_message_of_another_folder(here):
    with scans(here.store.reader(), "message") as guilty:
        pull(here, select(KNOWN) + NO_FLAGS)
    assert not guilty


def test_an_inbox_that_seems_empty_is_not_believed_at_once(here):
    again = "C: {tag} UNSELECT\nS: {tag} OK x\n" + select(KNOWN)
    first = select(0) + search("UID 1:30", "") + again + search("UID 1:30", "1:30") + NO_FLAGS
    second = select(0) + search("UID 1:30", "") + again + search("UID 1:30", "1:30") + NO_FLAGS
    pull(here, first, second)
    assert count(here) == KNOWN
    assert here.store.reader().value("SELECT count(*) FROM removal") == 0


def test_what_is_gone_twice_is_gone_and_its_bytes_are_kept(here):
    ids = list(here.shown())
    here.bodies.put([(one, b"body") for one in ids])
    again = "C: {tag} UNSELECT\nS: {tag} OK x\n" + select(0)
    pull(here, select(0) + search("UID 1:30", "") + again + search("UID 1:30", "") + NO_FLAGS)
    assert count(here) == 0
    assert here.store.reader().value("SELECT count(*) FROM removal") == KNOWN
    assert here.bodies.get(ids[0]) == b"body"


def test_a_listing_that_leaves_one_out_is_asked_for_it(here):
    pull(here, select(KNOWN - 1) + search("ALL", "1:4,6:30") + search("UID 5", "5") + NO_FLAGS, select(KNOWN - 1)
         + search("ALL", "1:4,6:30") + search("UID 5", "5") + NO_FLAGS)  # fmt: skip
    assert count(here) == KNOWN


@pytest.mark.parametrize("line", ["S: * OK hm", "S: * OK [UIDVALIDITY 0] x", "S: * OK [UIDVALIDITY x] x"])
def test_without_uidvalidity_nothing_is_touched(here, line):
    with pytest.raises(MailError) as caught:
        pull(here, select(0, uidvalidity=line))
    assert (caught.value.kind, caught.value.code) == (Kind.FOLDER, "no-uidvalidity")
    assert count(here) == KNOWN


def test_an_exists_that_lies_costs_two_looks_and_no_more(here):
    look = select(54321) + search("ALL", "1:30") + NO_FLAGS
    pull(here, look, look)
    assert count(here) == KNOWN


def test_a_uidnext_that_runs_backwards_is_compared_in_full(here):
    pull(here, select(KNOWN, uidnext=3) + search("ALL", "1:30") + NO_FLAGS)
    assert count(here) == KNOWN


def test_a_list_without_folders_removes_none(here):
    script = 'C: {tag} LIST "" "*"\nS: {tag} OK x\nC: {tag} LSUB "" "*"\nS: {tag} OK x'
    with talking(script) as connection:
        pull_folders(here.worker.shared, connection)
    assert here.folder("INBOX").total == KNOWN


def test_a_list_that_forgets_a_folder_is_asked_for_it_by_name(here):
    script = """
        C: {tag} LIST "" "*"
        S: * LIST () "/" Other
        S: {tag} OK x
        C: {tag} LSUB "" "*"
        S: {tag} OK x
        C: {tag} STATUS "Other" {}
        S: * STATUS Other (MESSAGES 30 UIDNEXT 31 UIDVALIDITY 8)
        S: {tag} OK x
        C: {tag} STATUS "INBOX" {}
        S: * STATUS INBOX (MESSAGES 30 UIDVALIDITY 7)
        S: {tag} OK x
        """
    with talking(script) as connection:
        pull_folders(here.worker.shared, connection)
    assert here.folder("INBOX").total == KNOWN


def test_nothing_is_pushed_into_a_folder_that_was_numbered_anew(here):
    """Old UIDs name other messages now: a deletion would hit the wrong one."""
    one = min(here.shown())
    with here.store.write() as tx:
        write.wish_gone(tx, [one], 1)
        write.wish_flags(tx, [max(here.shown())], Flag.SEEN, Flag(0), 1)
    renumbered = select(KNOWN, uidvalidity="S: * OK [UIDVALIDITY 8] x")
    with talking(renumbered) as connection:
        folders = [folder.name for folder in push(here.worker.shared, connection)]
    assert folders == ["INBOX"]
    assert len(mirror.wishes(here.store.reader(), here.account.id)) == 2


def test_a_refused_wish_comes_back_with_the_servers_words(here):
    one = max(here.shown())
    with here.store.write() as tx:
        write.wish_flags(tx, [one], Flag.SEEN, Flag(0), 1)
    script = select(KNOWN) + "C: {tag} UID STORE 30 {}\nS: {tag} NO [NOPERM] look, do not touch"
    with talking(script) as connection:
        assert list(push(here.worker.shared, connection)) == []
    row = read.row(here.store.reader(), one)
    assert row is not None
    assert not row.flags & Flag.SEEN
    assert "do not touch" in here.store.reader().value("SELECT problem FROM message WHERE id = ?", one)


def test_a_refusal_for_now_keeps_the_wish(here):
    one = max(here.shown())
    with here.store.write() as tx:
        write.wish_flags(tx, [one], Flag.SEEN, Flag(0), 1)
    script = select(KNOWN) + "C: {tag} UID STORE 30 {}\nS: {tag} NO [INUSE] busy"
    with talking(script) as connection:
        list(push(here.worker.shared, connection))
    assert len(mirror.wishes(here.store.reader(), here.account.id)) == 1


def test_cut_in_the_middle_of_the_headers_goes_on_where_it_was(here):
    date = 'INTERNALDATE "17-Jul-1996 02:44:25 -0700"'

    def header(uid: int) -> str:
        text = f"Message-ID: <{uid}@y>"
        return (
            rf"S- * {uid} FETCH (UID {uid} FLAGS () {date} RFC822.SIZE 20 BODY[HEADER.FIELDS (X)] "
            rf"{{{len(text) + 2}}}\r\n{text}\r\n)\r\n"
            "\n"
        )

    begun = select(90, uidnext=91) + search("UID 31:*", "31:90") + NO_FLAGS
    with pytest.raises(MailError):
        pull(here, begun, "C: {tag} UID FETCH 41:90 {}\n", *map(header, range(41, 91)),
             "S: {tag} OK x\nC: {tag} UID FETCH 31:40 {}\n", header(31), "DROP")  # fmt: skip
    assert count(here) == KNOWN + 50
    resumed = select(90, uidnext=91) + search("UID 31:*", "31:90") + NO_FLAGS
    pull(here, resumed, "C: {tag} UID FETCH 31:40 {}\n", *map(header, range(31, 41)), "S: {tag} OK x")
    assert count(here) == 90
    assert here.folder("INBOX").state == FolderState(7, 91, 0, 90)


@pytest.mark.parametrize("moved", [True, False])
def test_a_header_that_comes_late_makes_no_row_of_a_message_that_has_left(here, monkeypatch, moved):
    """One thread fetches a new header; the other has pulled, and pushed a move or a deletion, before it is committed.

    What a person then did to the row of nothing would be lost.
    """
    real = pulling.new_messages

    def late(*what):
        monkeypatch.setattr(pulling, "new_messages", real)
        news = NewMessage(Envelope(message_id="31@y"), 1031, 20, uid=31)
        with here.store.write() as tx:
            archive = write.put_folder(tx, here.account.id, "Archive", role=Role.ARCHIVE)
            (one,) = write.add_messages(tx, here.account.id, here.folder("INBOX").id, [news])
            (write.wish_move(tx, [one], archive, 1) if moved else write.wish_gone(tx, [one], 1))
        away = 'C: {tag} UID MOVE 31 "Archive"\nS: * OK [COPYUID 9 31 1] x\nS: * 31 EXPUNGE\nS: {tag} OK x\n'
        gone = "C: {tag} UID STORE 31 {}\nS: {tag} OK x\nC: {tag} UID EXPUNGE 31\nS: * 31 EXPUNGE\nS: {tag} OK x\n"
        with talking(select(31, 32) + (away if moved else gone)) as other:
            list(push(here.worker.shared, other))
        return real(*what)

    monkeypatch.setattr(pulling, "new_messages", late)
    text = "Message-ID: <31@y>"
    header = (
        r'S- * 31 FETCH (UID 31 FLAGS () INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 20'
        rf" BODY[HEADER.FIELDS (X)] {{{len(text) + 2}}}\r\n{text}\r\n)\r\n" + "\n"
    )
    first = select(31, 32) + search("UID 31:*", "31") + NO_FLAGS
    again = select(KNOWN, 32) + search("ALL", "1:30") + NO_FLAGS
    pull(here, first, "C: {tag} UID FETCH 31 {}\n", header, "S: {tag} OK x\n", again)
    assert count(here) == KNOWN
    assert len(read.with_message_id(here.store.reader(), "31@y", here.account.id)) == int(moved)


def test_one_poisonous_message_does_not_keep_the_others_away(here):
    """A literal of 10 GB kills its connection: next time one by one, and then without it."""

    def fetch(*script: str) -> None:
        with talking(select(KNOWN).replace("SELECT", "EXAMINE"), *script, partial=True) as connection:
            for _ in fetch_bodies(here.worker.shared, connection, here.folder("INBOX")):
                pass

    def body(uid: int) -> str:
        return rf"S- * {uid} FETCH (UID {uid} BODY[] {{4}}\r\nmail)\r\n" + "\n"

    with here.store.write() as tx:
        tx.run("DELETE FROM message WHERE uid > 3")
    poison = r"S- * 2 FETCH (UID 2 BODY[] {10737418240}\r\nxxx"
    with pytest.raises(MailError):
        fetch("C: {tag} UID FETCH 1:3 {}\n", body(3), poison)
    assert here.folder("INBOX").with_body == 0
    with pytest.raises(MailError):
        fetch("C: {tag} UID FETCH 3 {}\n", body(3), "S: {tag} OK x\nC: {tag} UID FETCH 2 {}\n", poison)
    fetch("C: {tag} UID FETCH 1 {}\n", body(1), "S: {tag} OK x")
    assert here.folder("INBOX").with_body == 2
    problems = {row.uid: row.problem for row in read.rows(here.store.reader(), list(here.shown()))}
    assert "instead of this message" in problems.pop(2)  # the row says why its text is not here
    assert set(problems.values()) == {""}


def test_what_is_larger_than_mua_takes_is_left_there_and_the_row_says_so(here):
    with here.store.write() as tx:
        tx.run("DELETE FROM message WHERE uid > 1")
        tx.run("UPDATE message SET size = 10737418240")
    [one] = here.shown()
    with here.store.write() as tx:
        write.want_body(tx, [MessageId(one)])
    assert mirror.body_wanted(here.store.reader(), MessageId(one))
    with talking(select(1).replace("SELECT", "EXAMINE"), partial=True) as connection:
        fetch_wanted(here.worker.shared, connection, set())
    row = read.row(here.store.reader(), MessageId(one))
    assert row is not None
    assert row.problem.startswith("This message is larger than Mua takes (10.0 GB)")
    assert not mirror.body_wanted(here.store.reader(), MessageId(one))


def large(here: Desk, size: int) -> MessageId:
    """The only message of the inbox, which is said to have so many octets."""
    with here.store.write() as tx:
        tx.run("DELETE FROM message WHERE uid > 1")
        tx.run("UPDATE message SET size = ?", size)
    [one] = here.shown()
    return MessageId(one)


def part(offset: int, octets: bytes, announced: int = -1, section: str = "") -> Callable[[Conversation], None]:
    """The answer to a FETCH of a part; one that announces more than it says ends with the connection."""

    def say(talk: Conversation) -> None:
        line = talk.line()
        tag = line.split()[0]
        assert line == tag + b" UID FETCH 1 (UID BODY.PEEK[]<%d.1000>)" % offset, line
        name = (section or f"BODY[]<{offset}>").encode()
        size = len(octets) if announced < 0 else announced
        talk.send(b"* 1 FETCH (UID 1 %s {%d}\r\n%s" % (name, size, octets))
        if announced < 0:
            talk.send(b")\r\n" + tag + b" OK x\r\n")
        else:
            talk.sock.shutdown(socket.SHUT_WR)

    return say


def fetch_parts(here: Desk, *script: Callable[[Conversation], None], opened: int = 1) -> None:
    examine = select(1).replace("SELECT", "EXAMINE")
    with talking(*[examine] * opened, *script, limits=Limits(inline=100), partial=True, timeout=5) as connection:
        for _ in fetch_bodies(here.worker.shared, connection, here.folder("INBOX")):
            pass


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr("mua.engine.bodies.PART", 1000)
    monkeypatch.setattr("mua.engine.bodies._LEAST", 500)


LONG = b"Subject: long\r\n\r\n" + bytes(range(32, 127)) * 26


@pytest.mark.parametrize("said", [len(LONG), len(LONG) + 400, 1001])
def test_a_large_message_comes_in_parts_whatever_its_size_was_said_to_be(here, small_parts, said):
    one = large(here, said)
    end = [part(len(LONG), b"")] if said > len(LONG) else []
    fetch_parts(here, part(0, LONG[:1000]), part(1000, LONG[1000:2000]), part(2000, LONG[2000:]), *end)
    assert here.bodies.get(one) == LONG
    assert read.rows(here.store.reader(), [one])[0].size == len(LONG)
    assert not list(here.store.profile.big.glob("*.part"))


def test_a_large_message_goes_on_where_the_line_broke(here, small_parts):
    one = large(here, len(LONG))
    with pytest.raises(MailError) as caught:
        fetch_parts(here, part(0, LONG[:1000]), part(1000, LONG[1000:1700], announced=1000))
    assert caught.value.code == "connection-lost"
    assert here.bodies.get(one) is None
    fetch_parts(here, part(1700, LONG[1700:]))
    assert here.bodies.get(one) == LONG
    assert here.worker.shared.halves == {}
    assert not list(here.store.profile.big.glob("*.part"))


def test_parts_that_end_early_are_not_taken_for_the_whole(here, small_parts):
    one = large(here, len(LONG))
    fetch_parts(here, part(0, LONG[:600]), part(600, LONG[600:1600]), part(1600, LONG[1600:2600]))
    assert here.bodies.get(one) == LONG[:2600] == LONG


def answered(*said: bytes, broken: bool = False) -> Callable[[Conversation], None]:
    """The answer to a FETCH of a part: whatever is given; ``broken``: the line breaks after it."""

    def say(talk: Conversation) -> None:
        tag = talk.line().split()[0]
        talk.send(b"".join(said))
        if broken:
            talk.sock.shutdown(socket.SHUT_WR)
        else:
            talk.send(tag + b" OK x\r\n")

    return say


FIRST = b"* 1 FETCH (UID 1 BODY[]<0> {1000}\r\n" + LONG[:1000] + b")\r\n"
ALIEN = b"E" * 900


@pytest.mark.parametrize(
    "said",
    [
        [b"* 9 FETCH (UID 9 BODY[]<0> {900}\r\n" + ALIEN + b")\r\n"] * 20 + [FIRST],
        [b"* 1 FETCH (UID 1 BODY[1] {900}\r\n" + ALIEN + b" BODY[]<0> {1000}\r\n" + LONG[:1000] + b")\r\n"],
        [FIRST[:-3] + b" BODY[1] {900}\r\n" + ALIEN + b")\r\n"],
        [b"* 1 FETCH (BODY[]<0> {1000}\r\n" + LONG[:1000] + b" UID 1)\r\n"],
        [b"* 1 FETCH (BODY[]<0> {1000}\r\n" + LONG[:1000] + b"* x UID 1 BODY[1] {900}\r\n" + ALIEN + b")\r\n"],
        [b"* 1 FETCH (FLAGS (x) UID 1 BODY[]<0> {900}\r\n" + ALIEN + b" UID 9)\r\n", FIRST],
    ],
    ids=[
        "another message",
        "another section",
        "another section after it",
        "UID at last",
        "as if another",
        "UID told twice",
    ],
)
def test_only_the_part_that_was_asked_for_reaches_the_file(here, small_parts, said):
    one = large(here, len(LONG))
    fetch_parts(here, answered(*said), part(1000, LONG[1000:2000]), part(2000, LONG[2000:]))
    assert here.bodies.get(one) == LONG


def test_a_line_that_breaks_in_another_message_leaves_nothing_of_it(here, small_parts):
    one = large(here, len(LONG))
    alien = b"* 9 FETCH (UID 9 BODY[]<1000> {900}\r\n" + ALIEN[:700]
    with pytest.raises(MailError) as caught:
        fetch_parts(here, part(0, LONG[:1000]), answered(alien, broken=True))
    assert caught.value.code == "connection-lost"
    fetch_parts(here, part(1000, LONG[1000:2000]), part(2000, LONG[2000:]))
    assert here.bodies.get(one) == LONG


def test_a_part_of_a_message_that_is_gone_is_not_kept(here, small_parts):
    large(here, len(LONG))
    with pytest.raises(MailError):
        fetch_parts(here, part(0, LONG[:1000]), part(1000, LONG[1000:1700], announced=1000))
    assert list(here.store.profile.big.glob("*.part"))
    with here.store.write() as tx:
        tx.run("DELETE FROM message")
    fetch_parts(here, opened=0)
    assert here.worker.shared.halves == {}
    assert not list(here.store.profile.big.glob("*.part"))


def test_a_server_that_hands_out_crumbs_is_hung_up_on(here, small_parts):
    one = large(here, len(LONG))
    with pytest.raises(MailError) as caught:
        fetch_parts(here, part(0, LONG[:499]), part(499, LONG[499:600]))
    assert caught.value.code == "protocol-error"
    fetch_parts(here, opened=0)
    assert "instead of this message" in read.rows(here.store.reader(), [one])[0].problem
    assert not list(here.store.profile.big.glob("*.part"))


@pytest.mark.parametrize(
    "lie",
    [
        part(0, LONG, section="BODY[]"),
        part(0, b"x" * 50, announced=10 << 30),
        answered(b"* 9 FETCH (UID 9 BODY[] {1001}\r\n" + b"x" * 1001 + b")\r\n", FIRST),
    ],
)
def test_a_server_that_sends_another_part_or_announces_ten_gigabytes_is_left_alone(here, small_parts, lie):
    one = large(here, len(LONG))
    with pytest.raises(MailError) as caught:
        fetch_parts(here, lie)
    assert caught.value.code == "protocol-error"
    fetch_parts(here, opened=0)
    assert "instead of this message" in read.rows(here.store.reader(), [one])[0].problem
    assert not list(here.store.profile.big.glob("*.part"))


STREAM = 300 << 20  # octets that a server really sends


def flood(announced: int) -> Callable[[Conversation], None]:
    """The answer to a FETCH of a body: a literal said to have so many octets, of which ``STREAM`` come."""

    def say(talk: Conversation) -> None:
        tag = talk.line().split()[0]
        talk.send(b"* 1 FETCH (UID 1 BODY[] {%d}\r\n" % announced)
        block = b"x" * 78 + b"\r\n"
        for _ in range(STREAM // len(block * 1024)):
            talk.sock.sendall(block * 1024)
        talk.send(b"x" * (STREAM % len(block * 1024)) + b")\r\n" + tag + b" OK x\r\n")

    return say


def fetched(here: Desk, announced: int) -> str:
    """Fetch the only body from that server; the code of what went wrong."""
    script = select(1).replace("SELECT", "EXAMINE")
    with talking(script, flood(announced), partial=True, timeout=30) as connection:
        try:
            list(fetch_bodies(here.worker.shared, connection, here.folder("INBOX")))
        except MailError as error:
            return error.code
    return ""


@pytest.mark.parametrize("announced, code", [(10 << 30, "protocol-error"), (STREAM, "")], ids=["10 GB", "300 MB"])
def test_however_much_a_server_streams_memory_stays_what_it_was(here, announced, code):
    """The size was said to be small.  Ten gigabytes are refused when they are announced, the rest goes to the disk."""
    one = large(here, 500)
    before = pss(os.getpid())
    with Peak(os.getpid()) as peak:
        assert fetched(here, announced) == code
    assert peak.most - before < 48, f"{peak.most:.0f} MB, {before:.0f} MB before"
    path = here.bodies.path(one)
    assert (path.stat().st_size if path.exists() else 0) == (0 if code else STREAM)
    assert not list(here.store.profile.big.glob("*.part"))


def test_more_than_mua_takes_is_left_there_though_the_server_said_less(here, small_parts, monkeypatch):
    monkeypatch.setattr("mua.engine.bodies.MAX_MESSAGE", 1500)
    one = large(here, 1400)
    fetch_parts(here, part(0, LONG[:1000]), part(1000, LONG[1000:2000]))
    assert read.rows(here.store.reader(), [one])[0].problem.startswith("This message is larger than Mua takes")
    assert not list(here.store.profile.big.glob("*.part"))


def test_what_a_broken_line_left_of_a_message_is_not_kept_on_the_disk(here):
    large(here, 500)
    poison = r"S- * 1 FETCH (UID 1 BODY[] {500}\r\nxxx" + "\nDROP\n"
    script = select(1).replace("SELECT", "EXAMINE") + "C: {tag} UID FETCH 1 {}\n" + poison
    with talking(script, limits=Limits(inline=100), partial=True) as connection, pytest.raises(MailError):
        list(fetch_bodies(here.worker.shared, connection, here.folder("INBOX")))
    assert not list(here.store.profile.big.glob("*.part"))


EVERYTHING = "IMAP4rev1 SASL-IR AUTH=PLAIN IDLE ENABLE CONDSTORE QRESYNC LIST-EXTENDED LIST-STATUS UIDPLUS"
STATES = r"""
    C: {tag} LIST "" "*" RETURN (SUBSCRIBED STATUS (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ))
    S: * LIST (\Subscribed) "/" INBOX
    S: * STATUS INBOX (MESSAGES 30 UIDNEXT 31 UIDVALIDITY 7 UNSEEN 0 HIGHESTMODSEQ 99)
    S: {tag} OK done
    """
OPENED = """
    S: * 30 EXISTS
    S: * OK [UIDVALIDITY 7] x
    S: * OK [UIDNEXT 31] x
    S: * OK [HIGHESTMODSEQ 99] x
    S: {tag} OK [READ-WRITE] done
    """
SELECT_AGAIN = 'C: {tag} SELECT "INBOX" (QRESYNC (7 99))\n'


def test_nothing_new_is_told_after_one_round_trip_over_one_connection(here):
    """Each answer waits for LIST only: the SELECT that follows is held back.  A second connection would be an error."""
    with here.store.write() as tx:
        tx.run("UPDATE message SET has_body = 1")
        write.set_folder_state(tx, here.folder("INBOX").id, FolderState(7, KNOWN + 1, 99, KNOWN))
    enable = "C: {tag} ENABLE CONDSTORE QRESYNC\nS: * ENABLED CONDSTORE QRESYNC\nS: {tag} OK x\n"
    idle = "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\nS: + go on\nSIGNAL idle\n"
    first = STATES + SELECT_AGAIN + "STALL first\n" + OPENED + idle
    told = "C: {tag} NOOP\nS: {tag} OK x\n"  # what is open is looked at anew, in the same round trip
    then = (
        "C: DONE\nS: {tag} OK x\n"
        + told
        + STATES
        + SELECT_AGAIN
        + "STALL then\n"
        + OPENED
        + "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\nS: + go on\n"
    )
    with Scripted(hello(EVERYTHING), enable, first, then, partial=True) as server:
        worker = ImapWorker(
            here.context,
            dataclasses.replace(here.account, incoming_server=Server("127.0.0.1", server.port, Security.NONE, "ann")),
        )
        worker.start()
        try:
            assert worker.sync(complete=False) == []
            server.release("first")
            server.wait("idle")
            assert worker.sync(complete=False) == []
            server.release("then")
        finally:
            worker.stop()
            worker.join(10)


def test_how_full_the_account_is_is_asked_after_everything_else_and_once(here):
    """The person who waits is answered before; and the second turn, in which nothing changed, asks nothing."""
    with here.store.write() as tx:
        tx.run("UPDATE message SET has_body = 1")
        write.set_folder_state(tx, here.folder("INBOX").id, FolderState(7, KNOWN + 1, 99, KNOWN))
    enable = "C: {tag} ENABLE CONDSTORE QRESYNC\nS: * ENABLED CONDSTORE QRESYNC\nS: {tag} OK x\n"
    room = 'C: {tag} GETQUOTAROOT "INBOX"\nSTALL told\nS: * QUOTA "" (STORAGE 95 100)\nS: {tag} OK x\n'
    idle = "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\nS: + go on\nSIGNAL idle\n"
    again = "C: DONE\nS: {tag} OK x\nC: {tag} NOOP\nS: {tag} OK x\n" + STATES + SELECT_AGAIN + OPENED
    end = "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\nS: + go on\nSIGNAL end\n"
    script = (enable, STATES + SELECT_AGAIN + OPENED, room + idle, again, end)
    with Scripted(hello(EVERYTHING + " QUOTA"), *script, partial=True) as server:
        there = Server("127.0.0.1", server.port, Security.NONE, "ann")
        worker = ImapWorker(here.context, dataclasses.replace(here.account, incoming_server=there))
        waits = worker.rounds.ask()  # before the first turn begins, which the script is about
        worker.start()
        try:
            assert worker.rounds.wait(waits, complete=False) == []
            server.release("told")
            server.wait("idle")
            assert [one.percent for one in read.quotas(here.store.reader(), here.account.id)] == [95]
            assert worker.sync(complete=False) == []
            server.wait("end")
        finally:
            worker.stop()
            worker.join(10)


def test_a_server_with_news_at_every_turn_does_not_keep_us_spinning(here):
    """Some say EXISTS whenever IDLE begins; each costs a look, but not as many looks as the network carries."""
    worker = here.worker
    turns = []

    class Chatty:
        selected, news, told = "INBOX", {"EXISTS"}, FolderState()

    for _ in range(12):
        worker._idle(Chatty(), here.folder("INBOX"))
        turns.append(time.monotonic())
    assert turns[-1] - turns[0] >= 2
    served: list[float] = []
    while len(served) < 5 and min(served, default=1.0) >= 1:
        worker.poke()
        started = time.monotonic()
        worker._idle(Chatty(), here.folder("INBOX"))
        served.append(time.monotonic() - started)
    assert min(served) < 1  # a person is served at once


def test_a_server_that_calls_itself_broken_is_asked_on_another_connection_before_it_is_believed(here):
    one = next(iter(here.shown()))
    with here.store.write() as tx:
        write.wish_flags(tx, [one], Flag.FLAGGED, Flag(0), 5)
    broken = 'C: {tag} SELECT "INBOX"\nS: {tag} NO [SERVERBUG] Internal error occurred.\n'
    with talking(broken) as connection, pytest.raises(MailError) as caught:
        list(push(here.worker.shared, connection))
    assert (caught.value.kind, caught.value.code) == (Kind.CONNECTION, "server-bug")
    with talking(broken) as connection:  # so it is: the wish waits, and whatever else there is goes on
        list(push(here.worker.shared, connection))
    assert len(mirror.wishes(here.store.reader(), here.account.id)) == 1
    row = read.row(here.store.reader(), one)
    assert row is not None
    assert row.problem == ""
