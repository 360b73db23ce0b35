"""The fetch stream: whole, split, cut, lying and far too large."""

import resource
import tracemalloc

import pytest
from imap_talk import SELECT, talking

from mua.errors import Kind, MailError
from mua.net.imap_fetch import FetchStream
from mua.net.imap_reading import HEADER_FIELDS
from mua.net.imap_tokens import MAX_PREVIEW, untagged
from mua.net.imap_wire import Limits

ITEMS = f"(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER.FIELDS ({HEADER_FIELDS})])"
FIELDS = f"BODY[HEADER.FIELDS ({HEADER_FIELDS})]"
DATE = 'INTERNALDATE "17-Jul-1996 02:44:25 -0700"'


def headers(connection, uids="1:*"):
    return list(connection.fetch_headers(uids))


def bodies(connection, uids):
    return {one.uid: one.body for one in connection.fetch_bodies(uids)}


ANSWERS = rf"""
    S- * 1 FETCH (UID 1 FLAGS (\Seen x) {DATE} RFC822.SIZE 90 MODSEQ (77) {FIELDS} {{6}}\r\nTo: a\n)\r\n
    S- * 2 FETCH (FLAGS () {FIELDS} {{4}}\r\n{{b}})RFC822.SIZE 7 UID 2 {DATE})\r\n
    S- * 3 FETCH (UID 3 FLAGS () {DATE} RFC822.SIZE 8 {FIELDS} "q\"\\")\r\n
    S- * 4 FETCH (UID 4 FLAGS NIL {DATE} RFC822.SIZE 8 {FIELDS} NIL)\r\n
    S: {{tag}} OK done
    """


@pytest.mark.parametrize("pace", ["WHOLE", "SPLIT"])
def test_every_shape_of_an_answer_whole_or_byte_by_byte(pace):
    fetch = f"C: {{tag}} UID FETCH 1:* {ITEMS}\n{pace}\n{ANSWERS}".replace("FLAGS NIL", "FLAGS ()")
    with talking(SELECT, fetch) as connection:
        connection.select("INBOX")
        got = headers(connection)
    assert [(one.uid, one.header) for one in got] == [(1, b"To: a\n"), (2, b"{b})"), (3, b'q"\\'), (4, b"")]
    assert got[0].flags == ("\\Seen", "x")
    assert (got[0].internaldate, got[0].size, got[0].modseq) == (837596665, 90, 77)


def test_a_usual_answer_is_a_usual_one_wherever_a_read_ends(monkeypatch):
    unusual = list[int]()
    slow = FetchStream._unusual

    def counted(stream):
        unusual.append(1)
        return slow(stream)

    monkeypatch.setattr(FetchStream, "_unusual", counted)
    usual = rf"S- * 1 FETCH (UID 1 FLAGS () {DATE} RFC822.SIZE 90 {FIELDS} {{6}}\r\nTo: a\n)\r\n"
    fetch = f"C: {{tag}} UID FETCH 1 {ITEMS}\nSPLIT\n{usual}\nS: {{tag}} OK done"
    with talking(SELECT, fetch) as connection:
        connection.select("INBOX")
        assert [one.header for one in headers(connection, "1")] == [b"To: a\n"]
    assert len(unusual) == 1  # the end of the command


def test_other_peoples_news_are_not_answers():
    fetch = r"""
        C: {tag} UID FETCH 1:2 (UID BODY.PEEK[])
        S- * 1 FETCH (UID 1 BODY[] {5}\r\nhello)\r\n
        S: * 9 EXISTS
        S: * 4 FETCH (UID 44 FLAGS (x))
        S- * 2 FETCH (BODY[] {3}\r\nabc UID 2 FLAGS ())\r\n
        S: * 3 EXPUNGE
        S: * VANISHED 7:8
        S: * 2 FETCH (FLAGS (late))
        S: {tag} OK done
        """
    with talking(SELECT, fetch) as connection:
        connection.select("INBOX")
        assert bodies(connection, [1, 2]) == {1: b"hello", 2: b"abc"}
        assert connection.take_news() == {"EXISTS", "FETCH", "EXPUNGE", "VANISHED"}
        assert connection.take_news() == set()


def test_a_message_nobody_asked_for_is_not_stored_under_another_name():
    fetch = r"""
        C: {tag} UID FETCH 5,7 (UID BODY.PEEK[])
        S- * 1 FETCH (UID 6 BODY[] {3}\r\nbad)\r\n
        S- * 1 FETCH (BODY[] {3}\r\nbad)\r\n
        S- * 1 FETCH (UID 0 BODY[] {3}\r\nbad)\r\n
        S- * 2 FETCH (UID 7 BODY[] {4}\r\ngood)\r\n
        S: {tag} OK done
        """
    with talking(SELECT, fetch) as connection:
        connection.select("INBOX")
        assert bodies(connection, [5, 7]) == {7: b"good"}


def test_a_uid_told_twice_counts_once():
    one = rf"S- * 1 FETCH (UID 1 FLAGS () {DATE} RFC822.SIZE 1 {FIELDS} {{1}}\r\na)\r\n" + "\n"
    with talking(SELECT, "C: {tag} UID FETCH 1:* {}\n", one, one, "S: {tag} OK x") as connection:
        connection.select("INBOX")
        assert len(headers(connection)) == 1


def test_three_commands_in_flight_and_a_refusal_in_the_middle():
    script = r"""
        C: {tag} UID FETCH 1 (UID FLAGS)
        C: {tag} UID FETCH 3 (UID FLAGS)
        C: {tag} UID FETCH 5 (UID FLAGS)
        S: * 1 FETCH (UID 1 FLAGS ())
        S: {tag-2} OK a
        C: {tag} UID FETCH 7 (UID FLAGS)
        S: * 1 FETCH (UID 3 FLAGS ())
        S: {tag-2} NO sorry
        S: * 1 FETCH (UID 5 FLAGS ())
        S: {tag-1} OK c
        S: * 1 FETCH (UID 7 FLAGS ())
        S: {tag} OK d
        C: {tag} NOOP
        S: {tag} OK alive
        """
    from mua.net.imap_fetch import FetchStream

    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        got = []
        with pytest.raises(MailError, match="refused") as caught:
            got.extend(one.uid for one in FetchStream(connection, [b"1", b"3", b"5", b"7", b"9"], "UID FLAGS"))
        assert got == [1, 3, 5, 7]
        assert caught.value.kind is Kind.FOLDER
        assert "sorry" in caught.value.detail
        connection.noop()


def test_expunged_meanwhile_is_no_error():
    script = r"""
        C: {tag} UID FETCH 1:2 (UID BODY.PEEK[])
        S- * 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n
        S: {tag} NO [EXPUNGEISSUED] some are gone
        """
    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        assert bodies(connection, [1, 2]) == {1: b"a"}


def test_no_other_command_while_streaming_and_an_early_end_is_clean():
    script = r"""
        C: {tag} UID FETCH 1:2 (UID BODY.PEEK[])
        S- * 1 FETCH (UID 1 BODY[] {1}\r\na)\r\n
        S- * 2 FETCH (UID 2 BODY[] {1}\r\nb)\r\n
        S: * 8 EXISTS
        S: {tag} OK x
        C: {tag} NOOP
        S: {tag} OK alive
        """
    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        stream = connection.fetch_bodies([1, 2])
        next(stream)
        with pytest.raises(MailError) as caught:
            connection.noop()
        assert caught.value.kind is Kind.BUG
        stream.close()
        connection.noop()
        assert connection.take_news() == {"EXISTS"}


def test_batches_are_asked_for_before_the_last_is_read():
    """The second command goes out before the first is answered; an answer out of turn is not lost."""
    script = r"""
        C: {tag} UID FETCH 5:6 (UID BODY.PEEK[])
        C: {tag} UID FETCH 3:4 (UID BODY.PEEK[])
        S- * 5 FETCH (UID 5 BODY[] {1}\r\ne)\r\n
        S- * 3 FETCH (UID 3 BODY[] {1}\r\nc)\r\n
        S- * 6 FETCH (UID 6 BODY[] {1}\r\nf)\r\n
        S: {tag-1} OK x
        C: {tag} UID FETCH 2 (UID BODY.PEEK[])
        S: {tag-1} OK x
        S- * 2 FETCH (UID 2 BODY[] {1}\r\nb)\r\n
        S: {tag} OK x
        """
    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        connection.ahead = 2
        got = [[one.uid for one in group] for group in connection.fetch_body_batches([[5, 6], [4, 3], [2]])]
    assert got == [[5], [3, 6], [2]]


def test_cut_in_the_middle_of_a_message():
    script = r"""
        C: {tag} UID FETCH 1:2 (UID BODY.PEEK[])
        S- * 1 FETCH (UID 1 BODY[] {5}\r\nhello)\r\n* 2 FETCH (UID 2 BODY[] {500}\r\nhalf
        DROP
        """
    with talking(SELECT, script) as connection:
        connection.select("INBOX")
        got = []
        with pytest.raises(MailError) as caught:
            got.extend(one.uid for one in connection.fetch_bodies([1, 2]))
        assert (caught.value.kind, caught.value.code) == (Kind.CONNECTION, "connection-lost")
        with pytest.raises(MailError):
            connection.noop()


def test_a_large_message_goes_to_a_file_and_not_to_memory():
    size = 60 << 20

    def feed(talk):
        talk.send(b"* 1 FETCH (UID 1 BODY[] {%d}\r\n" % size)
        for _ in range(60):
            talk.send(bytes(1 << 20))

    script = "C: {tag} UID FETCH 1 (UID BODY.PEEK[])"
    with talking(SELECT, script, feed, "S:  FLAGS ())\nS: {tag} OK x") as connection:
        connection.select("INBOX")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        [one] = connection.fetch_bodies([1])
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with one.body as file:
            assert not isinstance(file, bytes)
            assert len(file.read()) == size
    assert after - before < 8 << 10


@pytest.mark.parametrize("announced", ["10737418240", "4294967296", "99999999999999999999"])
def test_a_literal_of_ten_gigabytes_is_refused(announced):
    script = r"C: {tag} UID FETCH 1 (UID BODY.PEEK[])" + "\n" + rf"S- * 1 FETCH (UID 1 BODY[] {{{announced}}}\r\nx"
    with talking(SELECT, script, partial=True) as connection:
        connection.select("INBOX")
        with pytest.raises(MailError) as caught:
            bodies(connection, [1])
        assert caught.value.code == "protocol-error"
        with pytest.raises(MailError):
            connection.noop()


def test_a_negative_literal_is_nonsense_not_a_wait():
    script = "C: {tag} UID FETCH 1 (UID BODY.PEEK[])\n" + r"S- * 1 FETCH (UID 1 BODY[] {-1}\r\n"
    with talking(SELECT, script, partial=True) as connection:
        connection.select("INBOX")
        with pytest.raises(MailError) as caught:
            bodies(connection, [1])
        assert caught.value.code == "protocol-error"


def test_a_huge_literal_in_an_ordinary_answer_is_refused():
    script = "C: {tag} NOOP\n" + r"S- * OK x\r\n* LIST () NIL {2000000}\r\nx"
    with talking(script, partial=True) as connection:
        with pytest.raises(MailError) as caught:
            connection.noop()
        assert caught.value.code == "protocol-error"


@pytest.mark.parametrize("verb", ["UID FETCH", "NOOP"])
def test_a_line_without_end_is_refused(verb):
    def flood(talk):
        try:
            for _ in range(400):
                talk.send(b"x" * 65536)
        except OSError:
            pass

    with talking(SELECT, f"C: {{tag}} {verb}{{}}", flood, limits=Limits(line=1 << 20), partial=True) as connection:
        connection.select("INBOX")
        with pytest.raises(MailError) as caught:
            headers(connection) if verb != "NOOP" else connection.noop()
        assert caught.value.code == "protocol-error"
        assert len(connection.wire.buffer) < 3 << 20


def test_answers_without_end_are_refused():
    def flood(talk):
        try:
            for _ in range(1000):
                talk.send(b"* OK still here\r\n" * 100)
        except OSError:
            pass

    with talking("C: {tag} UNSELECT{}", flood, limits=Limits(responses=5000), partial=True) as connection:
        with pytest.raises(MailError) as caught:
            connection.command("UNSELECT")
        assert caught.value.code == "protocol-error"


def test_answers_that_are_kept_are_bounded_together():
    def flood(talk):
        try:
            for number in range(1000):
                talk.send(b'* LIST () "/" "%d%s"\r\n' % (number, b"x" * 900))
        except OSError:
            pass

    with talking('C: {tag} LIST "" "*"', flood, limits=Limits(answers=100_000), partial=True) as connection:
        with pytest.raises(MailError) as caught:
            connection.list_folders()
        assert caught.value.code == "protocol-error"


@pytest.mark.parametrize(
    "nonsense",
    [
        "* 1 FETCH",
        "* 1 FETCH UID",
        "* 1 FETCH (FLAGS 3)",
        "* 1 FETCH (UID",
        "* 1 FETCH (UID (1))",
        "* 1 FETCH (MODSEQ ())",
        "* 1 FETCH (1 2)",
        "* 1 FETCH (UID 1 FLAGS)",
        '* 1 FETCH (UID 1 BODY[] "open)',
        "* 1 FETCH " + "(" * 5000,
        "?",
        "",
        "X99 OK what",
        "+ what",
    ],
)
def test_nonsense_ends_the_connection_and_nothing_else(nonsense):
    script = f"C: {{tag}} UID FETCH {{}}\nS: {nonsense}\nS: {{tag}} OK x"
    with talking(SELECT, script, partial=True) as connection:
        connection.select("INBOX")
        with pytest.raises(MailError) as caught:
            bodies(connection, [1])
        assert (caught.value.kind, caught.value.code) == (Kind.CONNECTION, "protocol-error")


def test_bye_in_the_middle():
    with talking(SELECT, "C: {tag} UID FETCH {}\nS: * BYE maintenance", partial=True) as connection:
        connection.select("INBOX")
        with pytest.raises(MailError) as caught:
            bodies(connection, [1])
        assert (caught.value.code, caught.value.detail) == ("server-closed", "maintenance")


def test_flags_changed_since():
    script = r"""
        C: {tag} UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 90)
        S: * 1 FETCH (UID 4 FLAGS (\Seen $Forwarded) MODSEQ (95))
        S: {tag} OK x
        """
    select = SELECT.replace('"INBOX"', '"INBOX" (CONDSTORE)')
    with talking(select, script, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN CONDSTORE") as connection:
        connection.select("INBOX")
        [news] = connection.fetch_flags("1:*", changed_since=90)
        assert (news.uid, news.flags, news.modseq) == (4, ("\\Seen", "$Forwarded"), 95)


@pytest.mark.parametrize(
    "offered, asked, told, known, thread",
    [
        ("OBJECTID", "EMAILID THREADID", "EMAILID (M6d99ac3275bb4e)", "M6d99ac3275bb4e", ""),
        ("OBJECTID", "EMAILID THREADID", "EMAILID (M6d99ac) THREADID (T64b478a75b7ea9)", "M6d99ac", "T64b478a75b7ea9"),
        ("OBJECTID", "EMAILID THREADID", "EMAILID (M6d99ac) THREADID NIL", "M6d99ac", ""),
        ("OBJECTID X-GM-EXT-1", "EMAILID THREADID", 'EMAILID ("odd but allowed")', "odd but allowed", ""),
        ("OBJECTID", "EMAILID THREADID", 'THREADID ("odd, too")', "", "odd, too"),
        ("X-GM-EXT-1", "X-GM-MSGID X-GM-THRID", "X-GM-MSGID 1278455344230334865", "1278455344230334865", ""),
        ("X-GM-EXT-1", "X-GM-MSGID X-GM-THRID", "X-GM-THRID 1266894439832287888", "", "1266894439832287888"),
        ("OBJECTID", "EMAILID THREADID", "MODSEQ (7)", "", ""),
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_the_name_of_the_bytes_is_asked_for_where_it_is_told(offered, asked, told, known, thread, place):
    items = [f"FLAGS () {DATE} RFC822.SIZE 5", told]
    answer = rf"S- * 1 FETCH (UID 4 {' '.join(items[:: -1 if place else 1])} {FIELDS} {{3}}\r\nabc)\r\n"
    wanted = f"UID FLAGS INTERNALDATE RFC822.SIZE {asked} BODY.PEEK[HEADER.FIELDS ({HEADER_FIELDS})]"
    script = f"C: {{tag}} UID FETCH 4 ({wanted})\n{answer}\nS: {{tag}} OK x"
    with talking(SELECT, script, capabilities=f"IMAP4rev1 SASL-IR AUTH=PLAIN {offered}") as connection:
        connection.select("INBOX")
        [one] = headers(connection, [4])
    assert (one.uid, one.object_id, one.server_thread, one.header, one.size) == (4, known, thread, b"abc", 5)


@pytest.mark.parametrize(
    "lie", ["EMAILID ()", "EMAILID x", "THREADID ()", "THREADID x", "X-GM-MSGID x", "X-GM-THRID x"]
)
def test_a_name_that_is_none_is_left_out_or_ends_the_connection(lie):
    answer = rf"S- * 1 FETCH (UID 4 FLAGS () {DATE} RFC822.SIZE 5 {lie} {FIELDS} {{3}}\r\nabc)\r\n"
    script = f"C: {{tag}} UID FETCH 4 {{}}\n{answer}\nS: {{tag}} OK x"
    with talking(SELECT, script, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN OBJECTID", partial=True) as connection:
        connection.select("INBOX")
        if lie.startswith(("EMAILID", "THREADID")):
            assert [one.object_id + one.server_thread for one in headers(connection, [4])] == [""]
            return
        with pytest.raises(MailError) as caught:
            headers(connection, [4])
    assert caught.value.code == "protocol-error"


@pytest.mark.parametrize(
    "told, begins",
    [
        ('PREVIEW "Hello \\"you\\" there"', 'Hello "you" there'),
        (r"PREVIEW {7}\r\nGr\xc3\xbc\xc3\x9fe", "Grüße"),
        (r"PREVIEW {4}\r\nab\xffc", "ab\ufffdc"),
        ('PREVIEW ""', ""),
        ("PREVIEW NIL", ""),
        ("PREVIEW 2026", "2026"),
        ("PREVIEW (x)", ""),
        ("MODSEQ (7)", ""),
    ],
)
def test_how_a_text_begins_is_told_before_it_is_here(told, begins):
    wanted = f"UID FLAGS INTERNALDATE RFC822.SIZE PREVIEW BODY.PEEK[HEADER.FIELDS ({HEADER_FIELDS})]"
    answer = rf"S- * 1 FETCH (UID 4 FLAGS () {DATE} RFC822.SIZE 5 {told} {FIELDS} {{3}}\r\nabc)\r\n"
    script = f"C: {{tag}} UID FETCH 4 ({wanted})\n{answer}\nS: {{tag}} OK x"
    with talking(SELECT, script, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN PREVIEW") as connection:
        connection.select("INBOX")
        [[one]] = connection.fetch_header_batches([[4]], previews=True)
    assert (one.uid, one.preview, one.header) == (4, begins, b"abc")


@pytest.mark.parametrize("offered, previews", [("PREVIEW", False), ("", True)])
def test_how_a_text_begins_is_asked_only_where_it_is_wanted_and_offered(offered, previews):
    answer = rf"S- * 1 FETCH (UID 4 FLAGS () {DATE} RFC822.SIZE 5 {FIELDS} {{3}}\r\nabc)\r\n"
    script = f"C: {{tag}} UID FETCH 4 {ITEMS}\n{answer}\nS: {{tag}} OK x"
    with talking(SELECT, script, capabilities=f"IMAP4rev1 SASL-IR AUTH=PLAIN {offered}") as connection:
        connection.select("INBOX")
        [[one]] = connection.fetch_header_batches([[4]], previews=previews)
    assert one.preview == ""


def test_items_that_are_never_asked_for_are_not_kept_and_a_preview_is_cut():
    long = b"p" * (MAX_PREVIEW + 1)
    answer = [
        b"* 1 FETCH (UID 4 X-A ",
        b"a",
        b" RFC822 ",
        b"b",
        b" BODYSTRUCTURE (1) BODY[] ",
        b"c",
        b" PREVIEW ",
        long,
        b")",
    ]
    fetched = untagged(answer).fetched
    assert fetched is not None
    assert fetched.sections == {b"BODY[]": b"c"}
    assert fetched.preview == "p" * MAX_PREVIEW


@pytest.mark.parametrize("ahead", [1, 2])
@pytest.mark.parametrize("more", ["X-A", "BODY[9]", "PREVIEW"])
def test_what_a_server_adds_to_headers_does_not_wait_for_the_end_of_the_batch(more, ahead):
    count, octets = 30, 1 << 20

    def say(talk):
        tag = talk.line().split()[0]
        for uid in range(1, count + 1):
            start = (
                f"* {uid} FETCH (UID {uid} FLAGS () {DATE} RFC822.SIZE 5 {FIELDS} {{3}}\r\nabc {more} {{{octets}}}\r\n"
            )
            talk.send(start.encode() + b"x" * octets + b")\r\n")
        talk.send(tag + b" OK x\r\n")

    with talking(SELECT, say, timeout=20) as connection:
        connection.select("INBOX")
        connection.ahead = ahead
        tracemalloc.start()
        try:
            [group] = connection.fetch_header_batches([range(1, count + 1)])
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert [one.header for one in group] == [b"abc"] * count
    assert peak < 12 * octets  # the server's own pieces are among them
