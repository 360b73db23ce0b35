"""Conversations with the demo IMAP server, held by the standard library's client and by imapclient."""

import email
import email.policy
import imaplib
import re
import socket
from collections.abc import Iterator
from random import Random

import pytest
from demo_server import House, house

from mua.demo.mailbox import Mailbox
from mua.demo.seed import fill, messages
from mua.demo.session import Faults
from mua.demo.syntax import LITERAL

NOW = 1_795_315_877
MAIL = b"From: Ruth <ruth@vale.example>\r\nSubject: Jars =?utf-8?q?=C3=A9t=C3=A9?=\r\n\r\nForty-one.\r\n"


@pytest.fixture
def empty() -> Iterator[House]:
    with house() as running:
        yield running


@pytest.fixture(scope="module")
def seeded() -> Iterator[House]:
    mailbox = Mailbox()
    fill(mailbox, NOW)
    with house(mailbox) as running:
        yield running


class Wire:
    """A client that says lines and reads answers, for what no library can say."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.file = self.socket.makefile("rb")
        assert self.file.readline().startswith(b"* OK [CAPABILITY")

    def say(self, line: bytes) -> list[bytes]:
        """Send ``line`` with a tag; the untagged lines, then the tagged one without its tag."""
        self.socket.sendall(b"t " + line + b"\r\n")
        return self.until(b"t ")

    def until(self, start: bytes) -> list[bytes]:
        lines: list[bytes] = []
        while line := self.file.readline():
            if line.startswith(start):
                return [*lines, line[len(start) :].strip()]
            lines.append(line.strip())
        return [*lines, b""]

    def login(self) -> "Wire":
        assert self.say(b'LOGIN robin@demo.mua.example "correct horse"')[-1].startswith(b"OK")
        return self

    def close(self) -> None:
        self.file.close()
        self.socket.close()


@pytest.fixture
def wire(empty: House) -> Iterator[Wire]:
    client = Wire(empty.imap_port).login()
    yield client
    client.close()


def add(running: House, count: int, folder: str = "INBOX") -> None:
    for number in range(count):
        running.do(running.mailbox.find(folder).add, MAIL, NOW + number)


def test_wrong_password_is_refused_with_its_code(empty: House) -> None:
    client = imaplib.IMAP4("127.0.0.1", empty.imap_port)
    with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
        client.login("robin@demo.mua.example", "wrong")
    client.shutdown()


def test_authenticate_plain_with_and_without_initial_response(empty: House) -> None:
    client = imaplib.IMAP4("127.0.0.1", empty.imap_port)
    client.authenticate("PLAIN", lambda _: b"\0robin@demo.mua.example\0correct horse")
    assert client.state == "AUTH"
    client.logout()
    wire = Wire(empty.imap_port)
    assert wire.say(b"AUTHENTICATE PLAIN AHJvYmluQGRlbW8ubXVhLmV4YW1wbGUAY29ycmVjdCBob3JzZQ==")[-1].startswith(b"OK")
    wire.close()


def test_nothing_is_told_before_login(empty: House) -> None:
    wire = Wire(empty.imap_port)
    assert wire.say(b"SELECT INBOX")[-1].startswith(b"BAD")
    assert wire.say(b'LIST "" "*"') == [b"BAD Unknown command, or not now"]
    wire.close()


def test_seeded_folders_have_their_uses(seeded: House) -> None:
    client = seeded.client()
    uses = {name: flags for flags, _, name in client.list_folders()}
    assert set(uses) == {
        *("INBOX", "Drafts", "Sent", "Archive", "Junk", "Trash", "Projects", "Projects/Contour", "Receipts"),
    }
    assert b"\\Sent" in uses["Sent"]
    assert b"\\Junk" in uses["Junk"]
    assert b"\\HasChildren" in uses["Projects"]
    client.logout()


def test_list_return_status_saves_round_trips(seeded: House) -> None:
    wire = Wire(seeded.imap_port).login()
    lines = wire.say(b'LIST "" "*" RETURN (SPECIAL-USE SUBSCRIBED STATUS (MESSAGES UNSEEN HIGHESTMODSEQ))')
    assert sum(line.startswith(b"* LIST") for line in lines) == 9
    assert sum(line.startswith(b"* STATUS") for line in lines) == 9
    assert any(
        re.fullmatch(rb'\* STATUS "INBOX" \(MESSAGES \d+ UNSEEN \d+ HIGHESTMODSEQ \d+\)', line) for line in lines
    )
    assert wire.say(b'LIST (SPECIAL-USE) "" "%"')[0] == b'* LIST (\\HasNoChildren \\Drafts) "/" "Drafts"'
    wire.close()


def test_every_seeded_message_comes_back_byte_for_byte(seeded: House) -> None:
    expected = sorted(data for letter, data in messages(NOW) if letter.folder == "INBOX")
    client = seeded.client()
    client.select_folder("INBOX", readonly=True)
    fetched = client.fetch(client.search("ALL"), ["BODY.PEEK[]", "RFC822.SIZE"])
    assert sorted(row[b"BODY[]"] for row in fetched.values()) == expected
    assert all(row[b"RFC822.SIZE"] == len(row[b"BODY[]"]) for row in fetched.values())
    client.logout()


def test_sections_agree_with_the_standard_library(seeded: House) -> None:
    client = seeded.client()
    client.select_folder("INBOX", readonly=True)
    [uid] = client.search(["SUBJECT", "map-makers", "FROM", "Mirela"])
    row = client.fetch([uid], ["BODY.PEEK[]", "BODYSTRUCTURE", "ENVELOPE", "BODY.PEEK[2]", "BODY.PEEK[1.2.MIME]"])[uid]
    whole = email.message_from_bytes(row[b"BODY[]"], policy=email.policy.default)
    pdf = next(part for part in whole.walk() if part.get_filename() == "floor-plan.pdf")
    assert row[b"BODY[2]"].replace(b"\r\n", b"") == pdf.get_payload().replace("\n", "").replace("\r", "").encode()
    assert b"text/html" in row[b"BODY[1.2.MIME]"]
    assert row[b"ENVELOPE"].subject == b"Re: Venue for the map-makers' weekend"
    assert row[b"ENVELOPE"].from_[0].mailbox == b"mirela.stan"
    parts, kind = row[b"BODYSTRUCTURE"][0], row[b"BODYSTRUCTURE"][1]
    assert kind == b"MIXED"
    assert len(parts) == 4
    assert row[b"BODYSTRUCTURE"].is_multipart
    client.logout()


def test_the_structure_of_every_seeded_message_can_be_read(seeded: House) -> None:
    client = seeded.client()
    for _, _, name in client.list_folders():
        client.select_folder(name, readonly=True)
        rows = client.fetch(client.search("ALL"), ["ENVELOPE", "BODYSTRUCTURE"])
        assert all(row[b"ENVELOPE"].message_id for row in rows.values())
    client.logout()


def test_partial_and_header_fields(empty: House, wire: Wire) -> None:
    add(empty, 1)
    wire.say(b"SELECT INBOX")
    lines = wire.say(b"UID FETCH 1 (BODY.PEEK[TEXT]<2.5> BODY.PEEK[HEADER.FIELDS (From)])")
    assert lines[0] == b"* 1 FETCH (UID 1 BODY[TEXT]<2> {5}"
    assert lines[1] == b"rty-o BODY[HEADER.FIELDS (From)] {34}"
    assert lines[2] == b"From: Ruth <ruth@vale.example>"


def test_reading_a_body_marks_it_seen_and_peeking_does_not(empty: House, wire: Wire) -> None:
    add(empty, 1)
    wire.say(b"SELECT INBOX")
    assert b"FLAGS" not in b"".join(wire.say(b"FETCH 1 BODY.PEEK[TEXT]"))
    assert b"FLAGS (\\Seen)" in b"".join(wire.say(b"FETCH 1 BODY[TEXT]"))


def test_search_finds_by_words_dates_flags_and_encoded_headers(empty: House) -> None:
    add(empty, 3)
    client = empty.client()
    client.select_folder("INBOX")
    client.add_flags([2], [b"\\Flagged", b"$Label1"])
    assert client.search(["SUBJECT", "ÉTÉ"], "UTF-8") == [1, 2, 3]
    assert client.search(["BODY", "forty"]) == [1, 2, 3]
    assert client.search(["HEADER", "From", "vale.example", "NOT", "FLAGGED"]) == [1, 3]
    assert client.search(["OR", "KEYWORD", "$label1", "UID", "3:*"]) == [2, 3]
    assert client.search(["BEFORE", "1-Jan-2020"]) == []
    assert client.search(["SINCE", "1-Jan-2020", "SMALLER", "1000"]) == [1, 2, 3]
    client.logout()


def test_esearch_answers_in_one_line(empty: House, wire: Wire) -> None:
    add(empty, 5)
    wire.say(b"SELECT INBOX")
    assert wire.say(b"UID SEARCH RETURN (MIN COUNT ALL) 2:5")[0] == b'* ESEARCH (TAG "t") UID COUNT 4 MIN 2 ALL 2:5'


def test_append_by_every_kind_of_literal(empty: House) -> None:
    client = empty.client()
    assert b"APPENDUID" in client.append("INBOX", MAIL, [b"\\Seen"])
    client.select_folder("INBOX")
    assert client.fetch([1], ["FLAGS"])[1][b"FLAGS"] == (b"\\Seen",)
    client.logout()
    wire = Wire(empty.imap_port).login()
    wire.socket.sendall(b'a APPEND INBOX (\\Flagged) "05-Feb-2024 10:00:00 +0100" {%d+}\r\n%s\r\n' % (len(MAIL), MAIL))
    assert b"APPENDUID" in wire.until(b"a ")[-1]
    wire.say(b"SELECT INBOX")
    answer = wire.say(b"FETCH 2 (INTERNALDATE FLAGS)")[0]
    assert answer == b'* 2 FETCH (INTERNALDATE "05-Feb-2024 09:00:00 +0000" FLAGS (\\Flagged))'
    assert wire.say(b"APPEND Nowhere {3+}\r\nabc")[-1].startswith(b"NO [TRYCREATE]")
    wire.close()


def test_idle_wakes_when_mail_comes(empty: House) -> None:
    client = empty.client()
    client.select_folder("INBOX")
    client.idle()
    add(empty, 1)
    assert client.idle_check(timeout=60) == [(1, b"EXISTS")]
    client.idle_done()
    client.logout()


def test_move_tells_both_uids_and_other_sessions_see_it_go(empty: House) -> None:
    add(empty, 3)
    empty.do(empty.mailbox.create, "Größe & Maß")
    mover, watcher = empty.client(), empty.client()
    mover.select_folder("INBOX")
    watcher.select_folder("INBOX")
    mover.move([1, 3], "Größe & Maß")
    copyuid = mover._imap.response("COPYUID")[1][0]
    assert copyuid.split()[1:] == [b"1,3", b"1:2"]
    assert watcher.noop()[1] == [(3, b"EXPUNGE"), (1, b"EXPUNGE")]
    assert mover.search("ALL") == [2]
    assert mover.folder_status("Größe & Maß", ["MESSAGES"]) == {b"MESSAGES": 2}
    mover.logout()
    watcher.logout()


def test_no_expunge_is_told_while_sequence_numbers_are_in_use(empty: House, wire: Wire) -> None:
    add(empty, 2)
    wire.say(b"SELECT INBOX")
    empty.do(empty.mailbox.find("INBOX").expunge, [1])
    assert all(b"EXPUNGE" not in line for line in wire.say(b"FETCH 2 (UID)"))
    assert wire.say(b"NOOP")[0] == b"* 1 EXPUNGE"


def test_qresync_tells_what_vanished_and_what_changed(empty: House, wire: Wire) -> None:
    add(empty, 5)
    wire.say(b"ENABLE QRESYNC")
    answer = wire.say(b"SELECT INBOX (CONDSTORE)")
    modseq = next(match[1] for line in answer if (match := re.search(rb"HIGHESTMODSEQ (\d+)", line)))
    validity = next(match[1] for line in answer if (match := re.search(rb"UIDVALIDITY (\d+)", line)))
    wire.say(b"UNSELECT")
    inbox = empty.mailbox.find("INBOX")
    empty.do(inbox.expunge, [2, 3])
    empty.do(inbox.set_flags, inbox.messages[5], ["\\Flagged"])
    answer = wire.say(b"SELECT INBOX (QRESYNC (%s %s))" % (validity, modseq))
    assert b"* VANISHED (EARLIER) 2:3" in answer
    assert any(re.fullmatch(rb"\* 3 FETCH \(UID 5 FLAGS \(\\Flagged\) MODSEQ \(\d+\)\)", line) for line in answer)
    assert sum(b"FETCH" in line for line in answer) == 1
    assert wire.say(b"SELECT INBOX (QRESYNC (99 1))")[0].startswith(b"* OK [CLOSED]")
    empty.do(inbox.expunge, [4])
    assert wire.say(b"NOOP")[0] == b"* VANISHED 4"
    assert b"* VANISHED (EARLIER) 2:4" in wire.say(b"UID FETCH 1:* (FLAGS) (CHANGEDSINCE %s VANISHED)" % modseq)


def test_store_unchangedsince_refuses_what_another_client_changed(empty: House, wire: Wire) -> None:
    add(empty, 2)
    inbox = empty.mailbox.find("INBOX")
    wire.say(b"SELECT INBOX")
    modseq = inbox.modseq
    empty.do(inbox.set_flags, inbox.messages[1], ["\\Flagged"])
    answer = wire.say(b"UID STORE 1:2 (UNCHANGEDSINCE %d) +FLAGS.SILENT (\\Seen)" % modseq)
    assert answer[-1].startswith(b"OK [MODIFIED 1]")
    assert inbox.messages[1].flags == {"\\Flagged"}
    assert inbox.messages[2].flags == {"\\Seen"}


def test_folders_are_made_renamed_and_deleted(empty: House) -> None:
    client = empty.client()
    client.create_folder("Reisen/Küste")
    client.rename_folder("Reisen", "Wege")
    assert {name for _, _, name in client.list_folders()} == {"INBOX", "Wege", "Wege/Küste"}
    with pytest.raises(imaplib.IMAP4.error, match="HASCHILDREN"):
        client.delete_folder("Wege")
    client.unsubscribe_folder("Wege")
    assert {name for _, _, name in client.list_sub_folders()} == {"INBOX", "Wege/Küste"}
    client.delete_folder("Wege/Küste")
    client.delete_folder("Wege")
    assert {name for _, _, name in client.list_folders()} == {"INBOX"}
    client.logout()


def test_a_session_in_a_deleted_folder_is_sent_away(empty: House, wire: Wire) -> None:
    empty.do(empty.mailbox.create, "Short")
    wire.say(b"SELECT Short")
    empty.do(empty.mailbox.delete, "Short")
    assert wire.say(b"NOOP")[0] == b"* BYE The selected folder was deleted"


def test_a_new_uidvalidity_starts_the_uids_again(empty: House) -> None:
    add(empty, 3)
    empty.do(empty.mailbox.find("INBOX").expunge, [1])
    client = empty.client()
    before = client.select_folder("INBOX")[b"UIDVALIDITY"]
    client.unselect_folder()
    empty.do(empty.mailbox.renumber, "INBOX")
    assert client.select_folder("INBOX")[b"UIDVALIDITY"] > before
    assert client.search("ALL") == [1, 2]
    client.logout()


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"FETCH", b"UID", b"UID FETCH 1", b"UID FETCH x (FLAGS)", b"UID FETCH 1 (BODY[HEADER.FIELDS ()"),
        *(b"SEARCH", b"SEARCH OR ALL", b"SEARCH " + b"NOT " * 500 + b"ALL", b"SEARCH " + b"(" * 200, b"STORE 1 +FLAGS"),
        *(b"STORE 1 FLAGS (\\Nonsense)", b"LIST", b"STATUS INBOX", b"STATUS INBOX (NONSENSE)", b"APPEND INBOX"),
        *(b"COPY 1", b"SEARCH SINCE yesterday", b"LOGIN a b", b"ENABLE ENABLE)", b'SELECT "open'),
    ],
)
def test_broken_commands_are_bad_and_end_nothing(empty: House, wire: Wire, line: bytes) -> None:
    add(empty, 1)
    wire.say(b"SELECT INBOX")
    assert wire.say(line)[-1].startswith(b"BAD")
    assert wire.say(b"NOOP")[-1].startswith(b"OK")


def test_mutilated_commands_never_fail_the_server(empty: House, wire: Wire) -> None:
    add(empty, 9)
    chance = Random(11)
    commands = [
        b'LIST (SUBSCRIBED) "" ("*" "%") RETURN (STATUS (MESSAGES SIZE) SPECIAL-USE)',
        b"UID FETCH 1:* (FLAGS BODY.PEEK[1.2.HEADER]<3.4> BODY.PEEK[HEADER.FIELDS (To Cc)]) (CHANGEDSINCE 2 VANISHED)",
        b'UID SEARCH RETURN (ALL) CHARSET UTF-8 OR NOT (SUBJECT "map" SINCE 1-Feb-2024) MODSEQ 3 LARGER 7',
        b"UID STORE 1:3,5 (UNCHANGEDSINCE 4) +FLAGS.SILENT (\\Seen $x)",
        b'SELECT "INBOX" (QRESYNC (2 5 1:9 (1,3 1,3)))',
        b"STATUS &ZeVnLIqe- (UIDNEXT HIGHESTMODSEQ)",
        b'CREATE "M&APw-ll" (USE (\\Junk))',
        b"FETCH 3:* (ENVELOPE BODYSTRUCTURE RFC822.TEXT)",
    ]
    wire.say(b"ENABLE QRESYNC")
    wire.say(b"SELECT INBOX")
    for _ in range(400):
        line = bytearray(chance.choice(commands))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(line))
            line[at : at + chance.randrange(3)] = chance.choice(
                [b"", b"(", b")", b'"', b"[", b"*", b"\\", b"9" * 12, b"\xff", b"&"]
            )
        if LITERAL.search(bytes(line)):
            continue
        assert wire.say(bytes(line))[-1][:2] in (b"OK", b"NO", b"BA"), bytes(line)


def test_a_stranger_cannot_make_the_server_hold_much(empty: House) -> None:
    wire = Wire(empty.imap_port)
    wire.socket.sendall(b"t LOGIN {99999999}\r\n")
    assert wire.until(b"t ")[0] == b"* BYE Too much"
    wire.close()


def test_faults_take_away_refuse_and_cut() -> None:
    faults = Faults(without={"CONDSTORE", "QRESYNC", "MOVE"}, refuse={"CREATE": "[OVERQUOTA] Full"})
    with house(faults=faults) as running:
        add(running, 2)
        client = running.client()
        assert not client.has_capability("MOVE")
        assert b"HIGHESTMODSEQ" not in client.select_folder("INBOX")
        with pytest.raises(imaplib.IMAP4.error, match="OVERQUOTA"):
            client.create_folder("More")
        faults.drop_before_ok.add("UID STORE")
        with pytest.raises(imaplib.IMAP4.abort):
            client.add_flags([1], [b"\\Seen"])
        client.shutdown()
        assert running.mailbox.find("INBOX").messages[1].flags == {"\\Seen"}
        running.do(running.mailbox.find("INBOX").add, MAIL * 1000, NOW)
        faults.drop_after = 9000
        client = running.client()
        client.select_folder("INBOX")
        with pytest.raises((imaplib.IMAP4.abort, OSError)):
            client.fetch([3], ["BODY.PEEK[]"])
        client.shutdown()
