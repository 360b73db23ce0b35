"""NOTIFY, COMPRESS, UTF8=ACCEPT and IMAP4rev2, which change how a connection works; limits (APPENDLIMIT, QUOTA)."""

import socket
import zlib
from collections.abc import Callable, Iterator

import pytest
from imap_talk import CAPABILITIES, SELECT, hello, talking
from scripted import Conversation

from mua.errors import Kind, MailError, Retry
from mua.model.quota import Quota
from mua.net import imap_deflate, imap_wire
from mua.net.imap_answers import Woken
from mua.net.imap_wire import Limits

HERE = "(SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))"
NOTIFY = f"C: {{tag}} NOTIFY SET {HERE} (PERSONAL (MessageNew MessageExpunge FlagChange MailboxName))\n"
IDLE = "C: {tag} NOOP\nS: {tag} OK x\nC: {tag} IDLE\n"


@pytest.fixture
def poke() -> Iterator[tuple[socket.socket, socket.socket]]:
    pair = socket.socketpair()
    yield pair
    for one in pair:
        one.close()


# -- NOTIFY


def test_news_of_other_mailboxes_end_a_wait(poke):
    script = NOTIFY + "S: {tag} OK\n" + IDLE + 'S: + i\nS: * STATUS "Lists/a" (UIDNEXT 4)\nC: DONE\nS: {tag} OK x'
    with talking(SELECT, script, capabilities=CAPABILITIES + " NOTIFY") as connection:
        connection.select("INBOX")
        assert connection.notify()
        assert connection.notify()  # once is enough
        assert connection.idle(poke[0], 5) is Woken.NEWS
        assert not connection.news
        assert connection.take_elsewhere()
        assert not connection.take_elsewhere()


@pytest.mark.parametrize(
    "told", ['* LIST () "/" "New"', '* LIST (\\NonExistent) "/" "Gone"', "* STATUS b (MESSAGES 1)"]
)
def test_what_is_told_between_commands_is_kept_until_it_is_read(told):
    script = NOTIFY + "S: {tag} OK\nC: {tag} NOOP\nS: " + told + "\nS: {tag} OK x"
    with talking(script, SELECT, capabilities=CAPABILITIES + " NOTIFY") as connection:
        connection.notify()
        connection.noop()
        connection.select("INBOX")
        assert connection.elsewhere


def test_a_status_that_was_asked_for_is_not_mixed_up_with_one_that_was_not():
    script = "C: {tag} STATUS {}\nS: * STATUS Other (UIDNEXT 99 UIDVALIDITY 9)\n"
    script += "S: * STATUS Lists (UIDNEXT 4 UIDVALIDITY 2)\n"
    with talking(script + "S: * STATUS Third (UIDNEXT 7 UIDVALIDITY 1)\nS: {tag} OK x") as connection:
        assert connection.status("Lists").uidnext == 4


def test_a_server_that_does_not_watch_flags_elsewhere_watches_the_rest():
    less = f"C: {{tag}} NOTIFY SET {HERE} (PERSONAL (MessageNew MessageExpunge MailboxName))\nS: {{tag}} OK"
    script = NOTIFY + "S: {tag} NO [BADEVENT (MessageNew MessageExpunge)] no\n" + less
    with talking(script, capabilities=CAPABILITIES + " NOTIFY") as connection:
        assert connection.notify()
        assert connection.facts().quirks == ()


def test_a_server_that_refuses_is_not_asked_again():
    with talking(
        NOTIFY + "S: {tag} BAD no\nC: {tag} NOTIFY {}\nS: {tag} BAD no",
        capabilities="IMAP4rev1 NOTIFY AUTH=PLAIN SASL-IR",
    ) as one:
        assert not one.notify()
        assert not one.notify()
        assert one.facts().quirks == ("NOTIFY",)


def test_an_overflow_goes_back_to_polling(poke):
    script = NOTIFY + "S: {tag} OK\n" + IDLE + "S: + i\nS: * OK [NOTIFICATIONOVERFLOW] too much\nC: DONE\nS: {tag} OK x"
    with talking(SELECT, script, capabilities=CAPABILITIES + " NOTIFY") as connection:
        connection.select("INBOX")
        connection.notify()
        assert connection.idle(poke[0], 5) is Woken.NEWS
        assert connection.take_elsewhere()
        assert not connection.notify()
        assert connection.facts().quirks == ("NOTIFICATIONOVERFLOW",)


# -- COMPRESS


def deflated(*answers: bytes, first: bytes = b"") -> Callable[[Conversation], None]:
    """Accept COMPRESS, then answer each command with what is given ({} is its tag), deflated; ``first`` as it is."""

    def play(talk: Conversation) -> None:
        tag, verb, kind = talk.line().split()
        assert (verb, kind) == (b"COMPRESS", b"DEFLATE")
        out = zlib.compressobj(wbits=-15)
        talk.send(tag + b" OK go\r\n" + first)
        into, known = zlib.decompressobj(-15), b""
        for answer in answers:
            while b"\r\n" not in known:
                known += into.decompress(talk.sock.recv(65536))
            line, _, known = known.partition(b"\r\n")
            whole = answer.replace(b"{}", line.split()[0])
            talk.send(out.compress(whole) + out.flush(zlib.Z_SYNC_FLUSH))

    return play


FETCHED = b"* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n{} OK x\r\n"


def test_both_directions_are_deflated():
    with talking(SELECT, deflated(FETCHED, b"{} OK x\r\n"), partial=True) as connection:
        connection.select("INBOX")
        connection.compress()
        assert [one.body for one in connection.fetch_bodies([1])] == [b"abc"]
        connection.noop()
        assert connection.facts().compressed


def test_a_refusal_leaves_the_connection_as_it_was():
    script = "C: {tag} COMPRESS DEFLATE\nS: {tag} NO [COMPRESSIONACTIVE] the line does it\nC: {tag} NOOP\nS: {tag} OK x"
    with talking(script) as connection:
        connection.compress()
        assert not connection.facts().compressed
        assert connection.facts().quirks == ("COMPRESS",)
        connection.noop()


@pytest.mark.parametrize("junk", [b"* BYE in the clear\r\n", b"\xff" * 100])
def test_a_broken_stream_ends_the_connection(junk):
    with talking(deflated(first=junk), partial=True) as connection:
        connection.compress()
        with pytest.raises(MailError) as caught:
            connection.noop()
        assert caught.value.kind is Kind.CONNECTION


def test_a_bomb_costs_no_memory():
    """A gigabyte of zeros in a megabyte: the line without end is noticed after the limit, not after the gigabyte."""
    out = zlib.compressobj(wbits=-15)
    bomb = b"".join([out.compress(b"* OK " + b"0" * (1 << 20)), *(out.compress(bytes(1 << 20)) for _ in range(1000))])
    with talking(deflated(first=bomb), partial=True, limits=Limits(line=1 << 20)) as connection:
        connection.compress()
        wire = connection.wire
        with pytest.raises(MailError) as caught:
            connection.noop()
        assert caught.value.code == "protocol-error"
        assert len(wire.buffer) < 4 << 20


class Line:
    """A socket that hands out bytes in the given pieces, then nothing for now."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def recv(self, _most: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        return self.pieces.pop(0)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_every_byte_comes_out_whatever_the_pieces(size):
    data = b"".join(b"* %d EXISTS\r\n" % number for number in range(3000))
    out = zlib.compressobj(wbits=-15)
    packed = out.compress(data) + out.flush(zlib.Z_SYNC_FLUSH)
    line = imap_deflate.DeflatedSocket(
        Line([packed[at : at + size] for at in range(10, len(packed), size)]), packed[:10]
    )
    found, landing = b"", bytearray(512)
    while True:
        try:
            count = line.recv_into(landing)
        except BlockingIOError:
            break
        found += landing[:count]
    assert found == data
    assert not line.pending()


FETCH = r"""
    C: {tag} UID FETCH {}
    S: * 1 FETCH (UID 1 BODY[] {3}
    S- abc)\r\n
    S: {tag} OK x
    """


@pytest.mark.parametrize(
    "rate, far, offered, asked",
    [
        (1e6, True, "COMPRESS=DEFLATE", True),
        (None, True, "COMPRESS=DEFLATE", False),  # too little came to tell
        (5e7, True, "COMPRESS=DEFLATE", False),
        (1e6, False, "COMPRESS=DEFLATE", False),
        (1e6, True, "", False),
    ],
)
def test_only_a_slow_line_to_somewhere_far_is_compressed(monkeypatch, rate, far, offered, asked):
    script = "C: {tag} COMPRESS DEFLATE\nS: {tag} NO" if asked else ""
    monkeypatch.setattr(imap_wire.Wire, "rate", lambda wire: rate)
    monkeypatch.setattr("mua.net.imap_reading.is_far", lambda sock: far)
    with talking(SELECT, script, FETCH, FETCH, capabilities=f"{CAPABILITIES} {offered}") as connection:
        connection.select("INBOX")
        for _ in range(2):  # a refusal is not asked for again
            assert len(list(connection.fetch_bodies([1]))) == 1


def test_this_computer_and_its_network_are_not_far():
    with talking() as connection:
        assert not imap_deflate.is_far(connection.wire.plain)
    assert not imap_deflate.is_far(connection.wire.plain)  # closed


# -- IMAP4rev2 and UTF-8


def test_utf8_names_and_searches():
    capabilities = "IMAP4rev1 AUTH=PLAIN SASL-IR ENABLE UTF8=ACCEPT ESEARCH"
    script = (
        hello(capabilities)
        + r"""
        C: {tag} ENABLE UTF8=ACCEPT
        S: * ENABLED UTF8=ACCEPT
        S: {tag} OK x
        C: {tag} LIST "" "*"
        S: * LIST () "/" "Entwürfe"
        S: * LIST () "/" "A&-B"
        S: {tag} OK x
        C: {tag} LSUB "" "*"
        S: {tag} OK x
        C: {tag} SELECT "Entw\xc3\xbcrfe"
        S: * OK [UIDVALIDITY 1] x
        S: {tag} OK x
        C: {tag} UID SEARCH RETURN (ALL) SUBJECT "fa\xc3\xa7ade"
        S: * ESEARCH (TAG "{tag}") UID ALL 3
        S: {tag} OK x
        C: {tag} CREATE "Neuigkeit\xc3\xa9n"
        S: {tag} OK x
        C: {tag} SUBSCRIBE "Neuigkeit\xc3\xa9n"
        S: {tag} OK x
        """
    )
    with talking(greeting=script) as connection:
        assert [one.name for one in connection.list_folders()] == ["Entwürfe", "A&-B"]
        connection.select("Entwürfe")
        assert connection.uid_search("SUBJECT", '"façade"') == [3]
        connection.create_folder("Neuigkeitén")


def test_imap4rev2_brings_its_parts():
    script = hello("IMAP4rev2 AUTH=PLAIN SASL-IR") + "C: {tag} ENABLE IMAP4REV2\nS: * ENABLED IMAP4rev2\nS: {tag} OK x"
    with talking(greeting=script) as connection:
        for part in ("IDLE", "MOVE", "UIDPLUS", "ESEARCH", "LIST-STATUS", "NAMESPACE"):
            assert connection.can(part)
        assert connection.facts().enabled == ("IMAP4REV2",)


def test_enable_refused_is_a_quirk_and_not_the_end():
    script = hello("IMAP4rev1 AUTH=PLAIN SASL-IR ENABLE CONDSTORE") + "C: {tag} ENABLE CONDSTORE\nS: {tag} BAD no"
    with talking(greeting=script) as connection:
        assert connection.facts().quirks == ("ENABLE",)
        assert not connection.facts().enabled


# -- APPENDLIMIT


@pytest.mark.parametrize("as_file", [False, True])
def test_a_message_that_is_too_large_is_not_even_sent(tmp_path, as_file):
    path = tmp_path / "large.eml"
    path.write_bytes(b"x" * 101)
    accepted = "C: {tag} APPEND {}\nC# 100\nC: \nS: {tag} OK x"
    with talking(accepted, capabilities=CAPABILITIES + " APPENDLIMIT=100") as connection:
        with pytest.raises(MailError) as caught:
            connection.append("Sent", path if as_file else path.read_bytes())
        assert (caught.value.code, caught.value.kind, caught.value.retry) == ("too-big", Kind.FOLDER, Retry.NEVER)
        connection.append("Sent", b"x" * 100)


def test_a_limit_of_each_mailbox_is_asked_for_once():
    asked = 'C: {tag} STATUS "Sent" (APPENDLIMIT)\nS: * STATUS Sent (APPENDLIMIT 100)\nS: {tag} OK x\n'
    none = 'C: {tag} STATUS "Other" (APPENDLIMIT)\nS: * STATUS Other (APPENDLIMIT NIL)\nS: {tag} OK x\n'
    silent = 'C: {tag} STATUS "Old" (APPENDLIMIT)\nS: {tag} BAD what\n'
    accepted = "C: {tag} APPEND {}\nC# 200\nC: \nS: {tag} OK x"
    with talking(asked, none, accepted, silent, accepted, capabilities=CAPABILITIES + " APPENDLIMIT") as connection:
        for _ in range(2):
            with pytest.raises(MailError):
                connection.append("Sent", b"x" * 200)
        connection.append("Other", b"x" * 200)
        connection.append("Old", b"x" * 200)


@pytest.mark.parametrize("limit", ["", "-1", "x", "9" * 30])
def test_a_limit_that_is_none(limit):
    accepted = "C: {tag} APPEND {}\nC# 3\nC: \nS: {tag} OK x"
    with talking(accepted, capabilities=f"{CAPABILITIES} APPENDLIMIT={limit}") as connection:
        connection.append("Sent", b"abc")


# -- QUOTA


QUOTA = 'C: {tag} GETQUOTAROOT "INBOX"\n'


@pytest.mark.parametrize(
    "told, limits",
    [
        ('S: * QUOTAROOT INBOX ""\nS: * QUOTA "" (STORAGE 10 512)', [Quota("", "STORAGE", 10240, 524288)]),
        (
            "S: * QUOTAROOT INBOX a b\nS: * QUOTA a (STORAGE 9 10 MESSAGE 3 4)\nS: * QUOTA b (mailbox 1 0)",
            [Quota("a", "STORAGE", 9216, 10240), Quota("a", "MESSAGE", 3, 4), Quota("b", "MAILBOX", 1, 0)],
        ),
        ("S: * QUOTAROOT INBOX", []),
        ("S: * QUOTA a ()", []),
        ("S: * QUOTA a (STORAGE 9)\nS: * QUOTA a (STORAGE x 10)\nS: * QUOTA a\nS: * QUOTA", []),
        ("S: * QUOTA a (STORAGE -9 9999999999999999999)", [Quota("a", "STORAGE", 0, (1 << 52) * 1024)]),
        ("S: * QUOTA a (STORAGE (1) 2)", []),
    ],
)
def test_limits_as_they_are_told(told, limits):
    with talking(f"{QUOTA}{told}\nS: {{tag}} OK x", capabilities=CAPABILITIES + " QUOTA") as connection:
        assert connection.quota() == limits


def test_more_limits_than_any_account_has_are_not_kept():
    told = "".join(f"S: * QUOTA r{number} (STORAGE 1 2)\n" for number in range(200))
    with talking(f"{QUOTA}{told}S: {{tag}} OK x", capabilities=CAPABILITIES + " QUOTA") as connection:
        assert len(connection.quota()) == 50


def test_a_server_without_quotas_is_not_asked():
    with talking() as connection:
        assert connection.quota() == []
