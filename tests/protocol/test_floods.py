"""Servers that never stop: endless lines, answers, brackets and continuations, at every place, for all three protocols.

Nothing here runs on a network: what a session reads comes from ``Flood``, which counts how much it was asked for.  Each
flood ends in a MailError, after a bounded number of octets, in bounded memory (as ``tracemalloc`` sees it).
"""

import contextlib
import tracemalloc
from collections.abc import Callable
from unittest import mock

import pytest
from imap_talk import talking
from scripted import Conversation, Scripted
from transcripts import Puppet, PuppetSocket, Transcript, connecting, load
from walks import WALKS

from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.net.imap_wire import Limits

MEGA = 1 << 20
KILO = 1 << 10
SMALL = Limits(
    line=64 * KILO,
    numbers=256 * KILO,
    literal=MEGA,
    inline=32 * KILO,
    response=256 * KILO,
    responses=1_000,
    answers=MEGA,
    aside=256 * KILO,
)
SERVER = Server("127.0.0.1", 1, Security.NONE, "walker")


class Flood(PuppetSocket):
    """A puppet that begins to say ``piece`` for ever in place of its answer number ``place``, or behind ``first``."""

    def __init__(self, transcript: Transcript, place: int, piece: bytes, first: bytes = b"") -> None:
        answers = [*transcript.answers[:place], first]
        super().__init__(Puppet(transcript, answers))
        self._left = sum(map(len, answers))
        self._place = place
        self._block = piece * max(1, 65536 // len(piece))
        self.served = 0
        self.most = 40 * MEGA

    def recv(self, size: int) -> bytes:
        """As told; then the flood."""
        data = super().recv(size)
        if data or len(self.puppet.heard) < self._place:
            return data
        assert self.served < self.most, "it swallows everything"
        self.served += len(self._block)
        return self._block[:size]


def drown(flood: Flood, walk: Callable[[], object], measured: bool = True) -> tuple[MailError, int]:
    """Walk into it: (what came out, the most memory that was held meanwhile, where it is measured)."""
    with mock.patch("mua.net.tls.connect", connecting(flood)):
        if measured:
            tracemalloc.start()
        try:
            with pytest.raises(MailError) as caught:
                walk()
            return caught.value, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


IMAP_PIECES = {
    "a line": b"x",
    "blanks": b" ",
    "brackets": b"(",
    "quotes": b'"\\',
    "untagged": b"* OK still here\r\n",
    "short untagged": b"* 1 EXISTS\r\n",
    "continuations": b"+ go on\r\n",
    "flags of others": b"* 3 FETCH (UID 44 FLAGS (a b c))\r\n",
    "folders": b'* LIST () "/" x\r\n',
    "deep folders": b"* LIST (" + b"(" * 90 + b")" * 90 + b') "/" x\r\n',
    "numbers": b"* SEARCH " + b"1 " * 1000 + b"\r\n",
    "vanished": b"* VANISHED 1:4294967295\r\n",
    "capabilities": b"* CAPABILITY IMAP4rev1 X Y Z\r\n",
    "literals": b"* LIST {3}\r\nabc {3}\r\nabc {3}\r\nabc\r\n",
    "one response of literals": b"{3}\r\nabc ",
    "expunged": b"* 1 EXPUNGE\r\n",
    "nul": b"\0",
    "line ends": b"\r\n",
}
_IMAP = load("imap")
IMAP_PLACES = {
    "greeting": 0,
    **{
        verb: next(number for number, one in enumerate(_IMAP.exchanges, 1) if verb.encode() in one.command)
        for verb in (
            *("CAPABILITY", "AUTHENTICATE", "LIST", "SEARCH", "CHANGEDSINCE", "UID BODY.PEEK[]"),
            *("APPEND", "NOOP", "LOGOUT"),
        )
    },
}


WORST = ("short untagged", "literals", "deep folders", "numbers")  # measuring makes it four times slower


@pytest.mark.parametrize("place", IMAP_PLACES)
def test_imap(place: str) -> None:
    for name, piece in IMAP_PIECES.items():
        first = b"* LIST () " if name == "one response of literals" else b""
        flood = Flood(_IMAP, IMAP_PLACES[place], piece, first)
        if place == "LOGOUT":  # leaving anyway: it must only end
            with mock.patch("mua.net.tls.connect", connecting(flood)):
                WALKS["imap"](SERVER, limits=SMALL)
            continue
        error, most = drown(
            flood, lambda: WALKS["imap"](SERVER, limits=SMALL), place in ("LIST", "NOOP") and name in WORST
        )
        signing_in = place == "AUTHENTICATE" and name == "continuations"
        assert error.code == ("server-not-authentic" if signing_in else error.code)
        assert error.kind is Kind.CONNECTION or signing_in, (name, error)
        assert most < 6 * MEGA, (name, most)


def test_the_estimate_of_memory_is_no_fancy() -> None:
    """The worst that fits into an answer, with everything else as everybody has it."""
    flood = Flood(_IMAP, IMAP_PLACES["LIST"], IMAP_PIECES["deep folders"])
    error, most = drown(flood, lambda: WALKS["imap"](SERVER, limits=Limits(answers=8 * MEGA)))
    assert error.code == "protocol-error"
    assert most < 12 * MEGA


# -- POP3


POP3_PIECES = {
    "a line": b"x",
    "blanks": b" ",
    "line ends": b"\r\n",
    "short lines": b"1 2\r\n",
    "numbers": b"99999999999999999999 1\r\n",
    "dots": b".",
    "stuffed dots": b"..\r\n",
    "fine": b"+OK\r\n",
    "nul": b"\0",
}
_POP3 = load("pop3")
POP3_PLACES = {
    "greeting": 0,
    **{
        verb: next(number for number, one in enumerate(_POP3.exchanges, 1) if one.command.startswith(verb.encode()))
        for verb in ("CAPA", "AUTH", "LIST", "UIDL", "TOP", "RETR", "DELE", "QUIT")
    },
}


@pytest.mark.parametrize("several", [True, False])
@pytest.mark.parametrize("place", POP3_PLACES)
def test_pop3(place: str, several: bool) -> None:
    """With ``several`` the answer begins as a good one of many lines."""
    for name, piece in POP3_PIECES.items():
        flood = Flood(_POP3, POP3_PLACES[place], piece, b"+OK\r\n" * several)
        with mock.patch.multiple("mua.net.pop3", MAX_LISTING=MEGA // 2, MAX_MESSAGES=1_000):
            error, most = drown(flood, lambda: _drained(WALKS["pop3"](SERVER, max_message=2 * MEGA)))
        assert error.kind in (Kind.CONNECTION, Kind.MESSAGE, Kind.ACCOUNT), (name, error)
        assert most < 16 * MEGA, (name, most)


def _drained(steps: list[str]) -> None:
    """A walk that came to its end although the flood ran: what was learned has to say so."""
    raise MailError(Kind.MESSAGE, Retry.NEVER, "it ended by itself", " ".join(steps)[:200])


# -- SMTP


def pour(piece: bytes) -> Callable[[Conversation], None]:
    """Say it until the client has hung up."""

    def flood(talk: Conversation) -> None:
        with contextlib.suppress(OSError):
            for _ in range(2000):
                talk.send(piece * (8192 // len(piece)))
            talk.server.errors.append("it swallows everything")

    return flood


@pytest.mark.parametrize("piece", [b"x", b"250-more\r\n", b"220-more\r\n", b"250 fine\r\n", b"\r\n", b"\0"])
@pytest.mark.parametrize(
    "before", ["", "S: 220 msa\nC: EHLO {}", "S: 220 msa\nC: EHLO {}\nS: 250-msa\nS: 250 AUTH PLAIN\nC: AUTH {}"]
)
def test_submission(before: str, piece: bytes) -> None:
    tracemalloc.start()
    try:
        with Scripted(before, pour(piece), partial=True) as server, pytest.raises(MailError) as caught:
            place = Server("127.0.0.1", server.port, Security.NONE, "ann")
            _drained(WALKS["smtp"](place))  # "250 fine" is a yes to AUTH; what follows makes it one of nothing
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert caught.value.kind in (Kind.CONNECTION, Kind.ACCOUNT, Kind.MESSAGE)
    assert "accepted" not in caught.value.detail
    assert most < 24 * MEGA
    assert not server.errors


def test_still_working_is_no_answer() -> None:
    """Each response is whole and in time, and says nothing: a command has an end all the same."""

    def drone(talk: Conversation) -> None:
        with contextlib.suppress(OSError):
            while not talk.server.event("enough").wait(0.01):
                talk.send(b"* OK still here\r\n")

    with talking("C: {tag} NOOP", drone, partial=True, timeout=0.02) as connection:
        with pytest.raises(MailError) as caught:
            connection.noop()
        assert caught.value.code == "timeout"
