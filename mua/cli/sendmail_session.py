"""``sendmail -bs``: SMTP on standard input and output (RFC 5321), small and strict.

Rules of the file: lines end in CRLF, and a message ends at CRLF.CRLF alone; what is no command of ours is refused and
changes nothing; a message is confirmed when it is on disk.
"""

import re
import tempfile
from collections.abc import Callable
from typing import BinaryIO

from mua.errors import MailError, Retry
from mua.paths import mail_name
from mua.plan.sendmail import Call, Exit

MAX_LINE = 2048  # octets of a command
MAX_ERRORS = 20
MAX_RECIPIENTS = 1000
SPOOLED = 16 << 20  # octets that are kept in memory

_PATH = re.compile(r"<([^<>\x00-\x20]*)>((?: [!-~]+)*)\Z")
_PARAMETER = re.compile(r"(?i)(SIZE=\d{1,12}|BODY=(7BIT|8BITMIME)|SMTPUTF8)\Z")
_OK = "250 2.0.0 Ok"


class Session:
    """One conversation; ``take`` is given each message with its envelope, and raises MailError for what it refuses."""

    def __init__(self, given: BinaryIO, out: BinaryIO, take: Callable[[Call, BinaryIO], None], most: int) -> None:
        self._given = given
        self._out = out
        self._take = take
        self._most = most  # octets of a message
        self._greeted = False
        self._errors = 0
        self._begin_anew()

    def run(self) -> int:
        """Serve until QUIT or the end of input; returns the exit code."""
        self._say(f"220 {mail_name()} ESMTP Mua")
        while line := self._given.readline(MAX_LINE):
            if not line.endswith(b"\r\n"):
                self._say("500 5.5.2 A line ends in CRLF and is not longer than 2048 octets")
                return Exit.DATA
            word, _, rest = line[:-2].decode("utf-8", "surrogateescape").partition(" ")
            if word.upper() == "QUIT":
                self._say("221 2.0.0 Bye")
                return Exit.OK
            reply = self._answer(word.upper(), rest.strip(" "))
            self._errors += reply.startswith("5")
            self._say(reply)
            if self._errors > MAX_ERRORS:
                self._say("421 4.7.0 Too many errors")
                return Exit.DATA
        return Exit.OK

    def _say(self, reply: str) -> None:
        self._out.write(reply.encode("ascii", "replace").replace(b"\n", b" ") + b"\r\n")
        self._out.flush()

    def _answer(self, word: str, rest: str) -> str:
        commands: dict[str, Callable[[str], str]] = {
            "HELO": self._hello, "EHLO": self._hello, "MAIL": self._mail, "RCPT": self._rcpt, "DATA": self._data,
            "RSET": self._reset, "NOOP": self._noop, "VRFY": self._verify,
        }  # fmt: skip
        known = commands.get(word)
        if known is None:
            return "502 5.5.1 That command is not served here"
        if word in ("HELO", "EHLO") and not rest:
            return "501 5.5.4 Say who you are"
        if word == "EHLO":
            known(rest)
            self._out.write(
                f"250-{mail_name()}\r\n250-SIZE {self._most}\r\n250-8BITMIME\r\n".encode("ascii", "replace")
            )
            return "250 ENHANCEDSTATUSCODES"
        return known(rest)

    def _begin_anew(self) -> None:
        self._sender: str | None = None
        self._recipients: list[str] = []

    def _hello(self, _: str) -> str:
        self._greeted = True
        self._begin_anew()
        return f"250 {mail_name()}"

    def _reset(self, _: str) -> str:
        self._begin_anew()
        return _OK

    def _noop(self, _: str) -> str:
        return _OK

    def _verify(self, _: str) -> str:
        return "252 2.1.5 Send it, and see"

    def _mail(self, rest: str) -> str:
        if not self._greeted or self._sender is not None:
            return "503 5.5.1 MAIL comes once, and after HELO or EHLO"
        found = _path("FROM:", rest)
        if found is None:
            return "501 5.5.4 MAIL FROM:<address>, with SIZE and BODY at most"
        if any(int(one[5:]) > self._most for one in found[1] if one.upper().startswith("SIZE=")):
            return "552 5.3.4 That is too large"
        self._sender = found[0]
        return "250 2.1.0 Ok"

    def _rcpt(self, rest: str) -> str:
        if self._sender is None:
            return "503 5.5.1 RCPT comes after MAIL"
        found = _path("TO:", rest)
        if found is None or not found[0] or found[1]:
            return "501 5.5.4 RCPT TO:<address>"
        if len(self._recipients) >= MAX_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        self._recipients.append(found[0])
        return "250 2.1.5 Ok"

    def _data(self, rest: str) -> str:
        if not self._recipients or rest:
            return "503 5.5.1 DATA comes alone, and after RCPT"
        self._say("354 End with a line that is a dot")
        with tempfile.SpooledTemporaryFile(max_size=SPOOLED) as spool:
            state = self._read_message(spool)
            if state:
                self._begin_anew()
                return state
            spool.seek(0)
            asked = Call(recipients=tuple(self._recipients), sender=self._sender)
            self._begin_anew()
            try:
                self._take(asked, spool)  # type: ignore[arg-type]  # it is a file in all but its class
            except MailError as error:
                return f"{'451 4.3.0' if error.retry is Retry.SOON else '554 5.6.0'} {error.text}"
        return "250 2.0.0 It is in the queue"

    def _read_message(self, spool: "tempfile.SpooledTemporaryFile[bytes]") -> str:
        """Write what comes before CRLF.CRLF, dots undone (s.4.5.2); returns what is wrong with it."""
        begins, size = True, 0
        while line := self._given.readline(1 << 16):
            if begins and line == b".\r\n":
                return "552 5.3.4 That is too large" if size > self._most else ""
            if begins and line.startswith(b"."):
                line = line[1:]
            size += len(line)
            begins = line.endswith(b"\r\n")
            if size <= self._most:
                spool.write(line)
        return "451 4.4.2 The message has no end"


def _path(word: str, rest: str) -> tuple[str, list[str]] | None:
    """The address and the parameters of MAIL or RCPT; None where they are not what we know."""
    if rest[: len(word)].upper() != word:
        return None
    found = _PATH.match(rest[len(word) :].lstrip(" "))
    if found is None or not all(_PARAMETER.match(one) for one in found[2].split()):
        return None
    return found[1], found[2].split()
