"""POP3 as octets: whatever pieces they arrive in, and whatever a server makes of the RFC."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.net.pop3_wire import BadReply, Reply, Unstuffer, parse_capabilities, parse_numbered, parse_reply


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        (b"+OK", Reply(True, "")),
        (b"+OK 2 320", Reply(True, "2 320")),
        (b"+ok lower", Reply(True, "lower")),
        (b"-ERR", Reply(False, "")),
        (
            b"-ERR [IN-USE] Do you have another session?",
            Reply(False, "[IN-USE] Do you have another session?", "IN-USE"),
        ),
        (b"-ERR [sys/temp] later", Reply(False, "[sys/temp] later", "SYS/TEMP")),
        (b"-ERR no [AUTH] here", Reply(False, "no [AUTH] here")),
        (b"-ERR [] nothing", Reply(False, "[] nothing")),
        (b"+OK caf\xc3\xa9 \x1b[31m\xff", Reply(True, "café  [31m\N{REPLACEMENT CHARACTER}")),
    ],
)
def test_replies(line: bytes, reply: Reply) -> None:
    assert parse_reply(line) == reply


@pytest.mark.parametrize("line", [b"", b"OK", b"+OKAY", b"-ERROR", b"* OK IMAP4rev1", b"220 smtp", b" +OK", b"\0"])
def test_what_is_no_reply(line: bytes) -> None:
    with pytest.raises(BadReply):
        parse_reply(line)


@given(st.binary(max_size=2000))
def test_no_line_raises_anything_else(line: bytes) -> None:
    try:
        reply = parse_reply(line)
    except BadReply:
        return
    assert len(reply.text) <= 500
    assert reply.text.isprintable()


def test_listings_take_what_makes_sense() -> None:
    lines = [b"1 whqtswO00WBw418f9t5JxYwZ", b" 2  QhdPYR:00WBw1Ph7x7 trailing", b"2 again", b"0 zero", b"-1 minus",
             b"x y", b"3", b"4 ", b"99999999999 big", b"5 \xe9t\xe9", b"6 " + b"u" * 600]  # fmt: skip
    found = dict(parse_numbered(lines))
    assert found == {1: b"whqtswO00WBw418f9t5JxYwZ", 2: b"QhdPYR:00WBw1Ph7x7", 5: b"\xe9t\xe9", 6: b"u" * 512}


def test_capabilities() -> None:
    lines = [b"TOP", b"SASL plain login", b"", b"LOGIN-DELAY 900", b"\xff"]
    found = parse_capabilities(lines)
    assert found["SASL"] == ("PLAIN", "LOGIN")
    assert {"TOP", "LOGIN-DELAY"} <= found.keys()


def stuffed(message: bytes) -> bytes:
    """What a server sends for a message that ends with CRLF (or is empty)."""
    return (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


# Pieces that are likely to hit the marks: dots, line ends, and their halves.
TRICKY = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"..", b"a", b"\0", b"\xff", b".\r\n"]), max_size=30
)
MESSAGES = TRICKY.map(b"".join).map(lambda text: text + b"\r\n") | st.just(b"")


def well_formed(message: bytes) -> bool:
    """A sender splits lines at CRLF only; then every message survives."""
    return unstuffed([stuffed(message)]) == (message, b"")


def unstuffed(pieces: list[bytes]) -> tuple[bytes, bytes]:
    unstuffer = Unstuffer()
    out = b"".join(unstuffer.feed(piece) for piece in pieces)
    assert unstuffer.finished
    return out, unstuffer.rest


@given(MESSAGES)
def test_every_message_survives_the_dots(message: bytes) -> None:
    assert well_formed(message)


@given(MESSAGES, st.binary(max_size=10), st.lists(st.integers(0, 100), max_size=8))
def test_the_pieces_do_not_matter(message: bytes, after: bytes, cuts: list[int]) -> None:
    data = stuffed(message) + after
    places = sorted({min(cut, len(stuffed(message)) - 1) for cut in cuts})
    pieces = [data[begin:end] for begin, end in zip([0, *places], [*places, len(data)], strict=True)]
    assert unstuffed(pieces) == (message, after)


def test_split_at_every_octet_and_octet_by_octet() -> None:
    message = b".\r\n..\r\n...a\r\n\r\n.\n.\r.\r\n\r\n. \r\nend\r\n"
    data = stuffed(message) + b"+OK next"
    for cut in range(len(stuffed(message))):
        assert unstuffed([data[:cut], data[cut:]]) == (message, b"+OK next")
    unstuffer = Unstuffer()
    out = b""
    for at in range(len(data)):
        if unstuffer.finished:
            break
        out += unstuffer.feed(data[at : at + 1])
    assert out == message


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r\r\n", b"\r\n. \r\n", b"\r\n.\0\r\n"]
)
def test_only_crlf_dot_crlf_is_the_end(end: bytes) -> None:
    unstuffer = Unstuffer()
    unstuffer.feed(b"text" + end + b"more\r\n")
    assert not unstuffer.finished


def test_an_empty_answer() -> None:
    assert unstuffed([b".\r\n"]) == (b"", b"")


def test_long_lines_take_linear_time() -> None:
    unstuffer, piece = Unstuffer(), b"x\r" * 32768
    before = time.process_time()
    size = sum(len(unstuffer.feed(piece)) for _ in range(300))
    assert size > 19_000_000
    assert time.process_time() - before < 3
