"""Scenarios of sending (docs/scenarios.md) that no real server plays: scripted ones, under a whole outbox."""

import email
import email.policy
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import certs
import pytest
from mail_sink import MailSink
from post_office import ME, PATIENT, PostOffice
from scripted import Conversation, Mismatch, Scripted

from mua.model.account import Security, Server
from mua.model.outgoing import Phase, RecipientState
from mua.net.smtp_wire import Timeouts
from mua.plan.retry import HOUR, MINUTE
from mua.store import outbox

ANN, BEN = "ann@example.net", "ben@example.net"
ACCEPTED, DEFERRED, REFUSED = RecipientState.ACCEPTED, RecipientState.DEFERRED, RecipientState.REFUSED
GREET = "S: 220 msa\nC: EHLO [127.0.0.1]\n"
HELLO = GREET + "S: 250 msa\n"
MAIL = f"C: MAIL FROM:<{ME}>\n"
RCPT = f"C: RCPT TO:<{ANN}>\n"
SENT = f"{HELLO}{MAIL}S: 250 ok\n{RCPT}S: 250 ok\nC: DATA\nS: 354 go\nC.\nS: 250 2.0.0 taken\n"
LINE = "x" * 70 + "\r\n"

Part = str | Callable[[Conversation], object]


def office(folder: Path, server: Scripted, **options: object) -> PostOffice:
    """``options`` are the sender's."""
    post = PostOffice.submitting(folder, server.port)
    post.options = options
    post.restart()
    return post


def dialogue(post: PostOffice, outgoing_id: int) -> list[str]:
    """What was said in the last attempt for the first recipient."""
    db = post.store.reader()
    *_, last = outbox.attempts(db, outgoing_id, post.get(outgoing_id).recipients[0].address)
    return outbox.dialogue(db, last.dialogue).splitlines()


# -- 5, 7: before any password


def tls(leaf: str) -> str:
    return GREET + f"S: 250-msa\nS: 250-AUTH PLAIN\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS: {leaf}"


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (GREET + "S: 250-msa\nS: 250 AUTH PLAIN", "no-starttls"),
        (tls("expired"), "certificate-expired"),
        (tls("wrong-name"), "certificate-wrong-name"),
        (tls("self-signed"), "certificate-untrusted"),
    ],
)
def test_without_protection_no_password_is_said_and_the_mail_waits(tmp_path: Path, script: str, problem: str) -> None:
    ca = str(certs.authority().ca_file)
    with (
        Scripted(script, partial=True) as server,
        PostOffice(
            tmp_path, route="smtp", submission=Server("127.0.0.1", server.port, Security.STARTTLS, "me"), ca_file=ca
        ) as post,
    ):
        one = post.queue(ANN)
        post.sender.start()
        assert post.sender.drain(20)
        (ann,) = post.get(one).recipients
        assert (ann.state, ann.attempts) == (DEFERRED, 0)
        assert ann.next_attempt == post.clock + HOUR, "it is not tried again and again"
        assert ann.text.endswith(".")
        assert post.problem() == problem
        assert not [line for line in server.lines if line.startswith(("AUTH", "MAIL"))]


# -- 30: a local part that is not ASCII


def test_a_letter_beyond_ascii_before_the_at_goes_by_smtputf8(tmp_path: Path) -> None:
    zoe = "zoë@bücher.example"
    script = (
        GREET + "S: 250-msa\nS: 250-8BITMIME\nS: 250 SMTPUTF8\n"
        f"C: MAIL FROM:<{ME}> BODY=8BITMIME SMTPUTF8\nS: 250 ok\n"
        "C: RCPT TO:<{}@xn--bcher-kva.example>\nS: 250 ok\nC: DATA\nS: 354 go\nC.\nS: 250 2.0.0 taken"
    )
    with Scripted(script) as server, office(tmp_path, server) as post:
        one = post.queue(zoe)
        assert post.sender.drain(20)
        assert post.states(one) == [ACCEPTED]
        assert "To: zoë@".encode() in server.received[0]
        assert "zoë@" in server.lines[2].encode("latin-1").decode()


# -- 34, 37, 42: refused, for now or for good


THREE = tuple(f"u{number}@example.net" for number in range(3))


def test_421_among_the_recipients_defers_all_of_them(tmp_path: Path) -> None:
    """Also the one who was admitted before; the server's words are kept, and each gets it once."""
    rcpt = [f"C: RCPT TO:<{one}>\nS: 250 ok\n" for one in THREE]
    first = f"{HELLO}{MAIL}S: 250 ok\n{rcpt[0]}C: RCPT TO:<{THREE[1]}>\nS: 421 4.3.2 going down\nDROP\n"
    second = f"{HELLO}{MAIL}S: 250 ok\n{''.join(rcpt)}C: DATA\nS: 354 go\nC.\nS: 250 2.0.0 taken"
    with Scripted(f"{first}---\n{second}") as server, office(tmp_path, server) as post:
        one = post.queue(*THREE)
        assert post.sender.drain(20)
        found = post.get(one).recipients
        assert {(each.state, each.code, each.text) for each in found} == {(DEFERRED, 421, "4.3.2 going down")}
        assert {each.attempts for each in found} == {1}
        post.later(MINUTE)
        assert set(post.states(one)) == {ACCEPTED}
        assert len(server.received) == 1


def test_too_large_though_no_size_was_told_is_refused(tmp_path: Path) -> None:
    with (
        Scripted(SENT.replace("S: 250 2.0.0 taken", "S: 552 5.3.4 too large")) as server,
        office(tmp_path, server) as post,
    ):
        one = post.queue(ANN)
        assert post.sender.drain(20)
        (ann,) = post.get(one).recipients
        assert (ann.state, ann.phase, ann.code, ann.next_attempt) == (REFUSED, Phase.DONE, 552, None)
        assert not post.sent()


@pytest.mark.parametrize("command", ["MAIL", "DATA"])
def test_refused_for_now_is_tried_later(tmp_path: Path, command: str) -> None:
    lines = {"MAIL": HELLO + MAIL, "DATA": f"{HELLO}{MAIL}S: 250 ok\n{RCPT}S: 250 ok\nC: DATA\n"}
    with (
        Scripted(f"{lines[command]}S: 452 4.3.1 no room\n---\n{SENT}") as server,
        office(tmp_path, server) as post,
    ):
        one = post.queue(ANN)
        assert post.sender.drain(20)
        (ann,) = post.get(one).recipients
        assert (ann.state, ann.phase, ann.code) == (DEFERRED, Phase(command.lower()), 452)
        post.later(MINUTE)
        assert post.states(one) == [ACCEPTED]


# -- 44, 46: what is sent, and how a server may say that it has it


def test_eight_bits_stay_in_the_copy_and_go_as_seven(tmp_path: Path) -> None:
    with Scripted(SENT) as server, office(tmp_path, server) as post:
        one = post.queue(ANN, body="Grüße\r\n")
        assert post.sender.drain(20)
        assert post.states(one) == [ACCEPTED]
        assert server.received[0].isascii()
        parsed = email.message_from_bytes(server.received[0], policy=email.policy.default)
        assert parsed.get_payload(decode=True).strip() == "Grüße".encode()  # type: ignore[union-attr]
        (row,) = post.sent()
        assert "Grüße".encode() in (post.bodies.get(row.id) or b"")


def test_replies_of_many_lines_long_ones_bare_line_feeds_and_bytes_one_by_one(tmp_path: Path) -> None:
    script = SENT.replace("S: 250 msa", "S- 250-msa\\n250-" + "X" * 3000 + "\\n250 HELP\\n", 1)
    script = script.replace("S: 250 2.0.0 taken", "S- 250-2.0.0 taken\\r\\n250-" + "y" * 3000 + "\\n250 2.0.0 as 1\\n")
    with Scripted("SPLIT\n" + script) as server, office(tmp_path, server) as post:
        one = post.queue(ANN)
        assert post.sender.drain(60)
        assert post.states(one) == [ACCEPTED]
        assert post.get(one).recipients[0].text.startswith("2.0.0 taken\ny")


# -- 41, 43, 45: servers that are slow, old, or odd


def test_a_server_that_takes_its_time_for_every_reply_is_waited_for(tmp_path: Path) -> None:
    """Eight replies of 0.7 s: none of them is late, though all together are."""
    with MailSink(lambda event, what: time.sleep(0.7)) as sink:
        post = PostOffice.submitting(tmp_path, sink.port)
        post.sender._means.timeouts = Timeouts(*[2.0] * 9, 1.0)
        with post:
            one = post.queue(ANN, BEN)
            began = time.monotonic()
            post.sender.start()
            assert post.sender.drain(30)
            assert post.states(one) == [ACCEPTED, ACCEPTED]
            assert time.monotonic() - began > 2 * 2.0
            assert (len(sink.copies(ANN)), len(sink.copies(BEN))) == (1, 1)


def test_a_server_that_knows_no_ehlo_gets_a_message_without_parameters(tmp_path: Path) -> None:
    script = SENT.replace("S: 250 msa\n", "S: 500 5.5.2 what\nC: HELO [127.0.0.1]\nS: 250 msa\n", 1)
    with Scripted(script) as server, office(tmp_path, server) as post:
        one = post.queue(ANN)
        assert post.sender.drain(20)
        assert post.states(one) == [ACCEPTED]


@pytest.mark.parametrize(
    "offers",
    [
        "S: 250",
        "S: 250 ",
        "S- 250-msa\\r\\n250-\\xff\\xfe\\x00\\r\\n250 X-\\xf0",
        "S: 250-msa\nS: 250-SIZE 10000\nS: 250 SIZE 1",
        "S: 250-msa\nS: 250-SIZE\nS: 250 SIZE banana",
        "S: 250-msa\nS: 250-AUTH=LOGIN PLAIN\nS: 250 auth",
        "S: 250-msa\nS: 250-\nS: 250-  \nS: 250 8bitmime",
    ],
    ids=["nothing", "a blank", "no text", "SIZE twice", "SIZE of nothing", "AUTH=", "empty lines"],
)
def test_an_odd_greeting_is_no_reason_not_to_send(tmp_path: Path, offers: str) -> None:
    if offers.startswith("S-"):
        offers += "\\r\\n"
    script = SENT.replace("S: 250 msa", offers, 1).replace(MAIL, "C: MAIL FROM:{}\n")
    with Scripted(script) as server, office(tmp_path, server) as post:
        one = post.queue(ANN)
        assert post.sender.drain(20)
        assert post.states(one) == [ACCEPTED], post.get(one).recipients


# -- 47: what is no reply


def hung_up(talk: Conversation) -> None:
    """The client says nothing more."""
    try:
        said = talk.sock.recv(1000)
    except ConnectionResetError:
        return
    if said:
        raise Mismatch(f"instead of hanging up the client said {said!r}")


NONSENSE = {
    "a line without end": "250-" + "x" * 9000,
    "a long line": "250 " + "x" * 9000 + "\r\n",
    "lines without end": "250-more\r\n" * 300,
    "another code in the middle": "250-one\r\n550 two\r\n",
    "no digits": "OK\r\n",
    "too few digits": "25 ok\r\n",
    "a code that there is not": "650 ok\r\n",
    "no blank": "250ok\r\n",
}
PLACES = {
    "greeting": "",
    "EHLO": GREET,
    "MAIL": HELLO + MAIL,
    "RCPT": HELLO + MAIL + "S: 250 ok\n" + RCPT,
    "DATA": HELLO + MAIL + "S: 250 ok\n" + RCPT + "S: 250 ok\nC: DATA",
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_what_is_no_reply_ends_the_connection_and_the_mail_goes_later(
    tmp_path: Path, place: str, nonsense: str
) -> None:
    def babble(talk: Conversation) -> None:
        talk.send(NONSENSE[nonsense].encode())

    quick = replace(PATIENT, greeting=3.0)  # only a greeting may be as long as it likes, for so long
    with (
        Scripted(PLACES[place], babble, hung_up, "DROP\n---", SENT) as server,
        office(tmp_path, server, timeouts=quick) as post,
    ):
        one = post.queue(ANN)
        assert post.sender.drain(20)
        (ann,) = post.get(one).recipients
        assert (ann.state, ann.code) == (DEFERRED, None)
        assert ann.next_attempt is not None
        assert len(ann.text) < 300
        post.later(HOUR)
        assert post.states(one) == [ACCEPTED]
        assert len(server.received) == 1


# -- 48, 49: chunks


CHUNKED = GREET + "S: 250-msa\nS: 250-PIPELINING\nS: 250 CHUNKING\n"
NAMED = MAIL + RCPT + "S: 250 ok\nS: 250 ok\n"
BODY = ".\r\n..\r\n" + LINE * 20_000  # 1.4 MB: two chunks
DOT = "C: BDAT 0 LAST\nS: 250 2.0.0 taken\n"


def taken(talk: Conversation) -> None:
    """One chunk, to its last octet."""
    word, size = talk.line().split()
    if word != b"BDAT":
        raise Mismatch(f"{word!r} instead of BDAT")
    talk.server.received.append(talk.read(int(size)))
    talk.transcript.append(f"C: BDAT {int(size)}")


def test_a_large_message_goes_in_chunks_and_an_empty_one_is_the_dot(tmp_path: Path) -> None:
    marked: list[str] = []

    def at_the_dot(talk: Conversation) -> None:
        marked.append(post.get(one).recipients[0].phase)

    parts: list[Part] = [CHUNKED + NAMED, taken, "S: 250 ok", taken, "S: 250 ok\nC: BDAT 0 LAST", at_the_dot]
    with Scripted(*parts, "S: 250 2.0.0 taken") as server, office(tmp_path, server) as post:
        one = post.queue(ANN, body=BODY)
        assert post.sender.drain(20)
        assert post.states(one) == [ACCEPTED]
        whole = b"".join(server.received)
        assert whole.endswith(BODY.encode()), "no dot is doubled"
        assert len(server.received) == 2
        assert len(whole) == post.get(one).size
        assert marked == [Phase.DOT], "on disk before the last chunk is said"
        assert dialogue(post, one)[-4:] == ["S: 250 ok", f"-- {len(whole)} octets of message", "C: BDAT 0 LAST",
                                            "S: 250 2.0.0 taken"]  # fmt: skip


@pytest.mark.parametrize(("reply", "state"), [("452 4.3.1 no room", DEFERRED), ("552 5.3.4 too much", REFUSED)])
def test_a_chunk_that_is_refused_is_the_last_and_the_next_message_begins_anew(
    tmp_path: Path, reply: str, state: RecipientState
) -> None:
    second = f"C: RSET\nS: 250 ok\n{MAIL}C: RCPT TO:<{BEN}>\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 ok"
    with (
        Scripted(CHUNKED + NAMED, taken, f"S: {reply}", second) as server,
        PostOffice.submitting(tmp_path, server.port) as post,
    ):
        one, two = post.queue(ANN, body=BODY), post.queue(BEN)
        post.sender.start()
        assert post.sender.drain(20)
        assert post.states(two) == [ACCEPTED]
        (ann,) = post.get(one).recipients
        assert (ann.state, ann.phase, f"{ann.code} {ann.text}") == (state, Phase.DATA, reply)
        assert ann.next_attempt == (post.clock + MINUTE if state is DEFERRED else None)
        assert not [line for line in server.lines if "LAST" in line]


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ("DROP", DEFERRED),
        ("S: 354 go on", DEFERRED),
        ("S: 250 ok\\r\\n250 2.0.0 stray\nSTALL for ever", DEFERRED),
        ("S: 250 ok\nC: BDAT 0 LAST\nDROP", RecipientState.UNKNOWN),
        ("S: 250 ok\nC: BDAT 0 LAST\nS: 354 go on", RecipientState.UNKNOWN),
        ("S: 250 ok\nC: BDAT 0 LAST\nS: 451 4.3.0 later", DEFERRED),
        ("S: 250 ok\nC: BDAT 0 LAST\nS: 554 5.7.1 no", REFUSED),
    ],
)
def test_what_is_known_after_the_last_chunk(tmp_path: Path, end: str, state: RecipientState) -> None:
    parts: list[Part] = [CHUNKED + NAMED, taken, "S: 250 ok", taken, end]
    with Scripted(*parts, partial=True) as server, office(tmp_path, server) as post:
        one = post.queue(ANN, body=BODY)
        assert post.sender.drain(20)
        assert post.states(one) == [state]


def test_nobody_admitted_means_no_chunk(tmp_path: Path) -> None:
    script = CHUNKED + MAIL + RCPT + "S: 250 ok\nS: 550 5.1.1 nobody"
    with Scripted(script) as server, office(tmp_path, server) as post:
        one = post.queue(ANN, body=BODY)
        assert post.sender.drain(20)
        assert post.states(one) == [REFUSED]


def test_a_small_message_goes_without_chunks(tmp_path: Path) -> None:
    script = CHUNKED + MAIL + RCPT + "C: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nC.\nS: 250 2.0.0 taken"
    with Scripted(script) as server, office(tmp_path, server) as post:
        one = post.queue(ANN)
        assert post.sender.drain(20)
        assert post.states(one) == [ACCEPTED]


# -- 50: nobody admitted, and yet 354


def test_an_empty_message_where_nobody_was_admitted_is_no_mail(tmp_path: Path) -> None:
    script = (
        f"{GREET}S: 250-msa\nS: 250 PIPELINING\n{MAIL}{RCPT}C: DATA\nS: 250 ok\nS: 550 5.1.1 nobody\nS: 354 go\n"
        "C.\nS: 250 2.0.0 taken, whatever it was"
    )
    with Scripted(script) as server, office(tmp_path, server) as post:
        one = post.queue(ANN)
        assert post.sender.drain(20)
        (ann,) = post.get(one).recipients
        assert (ann.state, ann.code) == (REFUSED, 550)
        assert server.received == [b""]
        assert not post.sent()
