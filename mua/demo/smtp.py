"""The submission server of the demo account: asyncio, on loopback (RFC 6409, RFC 5321, RFC 4954).

What becomes of a message is decided in ``post.py``; nothing here connects anywhere.  ``Faults`` works as in the IMAP
server, with SMTP commands, and ``.`` for the end of the data; a refusal there is a whole reply (``451 4.3.0 ...``).

Rule of the file: a client can end its own session, never the server; sizes are capped while reading.
"""

import asyncio
import base64
import re
import time
from dataclasses import dataclass, field

from mua.demo.listener import Listener
from mua.demo.mailbox import Refused
from mua.demo.post import Post
from mua.demo.session import Faults, Login

SIZE_LIMIT = 50 << 20
RECIPIENTS_LIMIT = 100
LINE_LIMIT = 1 << 16
EXTENSIONS = (
    "PIPELINING",
    f"SIZE {SIZE_LIMIT}",
    "8BITMIME",
    "SMTPUTF8",
    "ENHANCEDSTATUSCODES",
    "DSN",
    "AUTH PLAIN LOGIN",
)
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>((?: [!-~]+)*)$", re.IGNORECASE)


class _Ended(ConnectionError):
    """The connection ends now."""


@dataclass(slots=True)
class _Transaction:
    sender: str
    recipients: list[str] = field(default_factory=list)


class SmtpServer(Listener):
    """A session must log in before MAIL."""

    protocol = "SMTP"
    line_limit = LINE_LIMIT

    def __init__(self, post: Post, login: Login, faults: Faults | None = None) -> None:
        super().__init__()
        self.post = post
        self.login = login
        self.faults = faults or Faults()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session (RFC 5321 s.3)."""
        await _Session(self, reader, writer).serve()

    async def close(self) -> None:
        """Stop listening, end every session, give no more answers."""
        self.post.close()
        await super().close()


class _Session:
    def __init__(self, server: SmtpServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._authenticated = False
        self._transaction: _Transaction | None = None

    async def serve(self) -> None:
        await self._say("220 demo.mua.example Mua demo server")
        while True:
            line = await self._line()
            verb, _, rest = line.partition(" ")
            verb = verb.upper()
            if verb in self._server.faults.drop_on:
                raise _Ended
            reply = self._server.faults.refuse.get(verb) or await self._do(verb, rest.strip())
            if verb in self._server.faults.drop_before_ok:
                raise _Ended
            await self._say(reply)
            if verb == "QUIT":
                return

    async def _do(self, verb: str, rest: str) -> str:
        match verb:
            case "EHLO":
                self._transaction = None
                return "250-demo.mua.example\r\n" + self._extensions()
            case "HELO" | "RSET":
                self._transaction = None
                return "250 2.0.0 Fine"
            case "NOOP":
                return "250 2.0.0 Fine"
            case "VRFY":
                return "252 2.1.5 Send it, then we shall see"
            case "QUIT":
                return "221 2.0.0 Until next time"
            case "AUTH":
                return await self._auth(rest)
            case "MAIL" | "RCPT" | "DATA" if not self._authenticated:
                return "530 5.7.0 Log in first"
            case "MAIL":
                return self._mail(rest)
            case "RCPT":
                return self._rcpt(rest)
            case "DATA":
                return await self._data()
        return "502 5.5.1 This command is not known here"

    def _extensions(self) -> str:
        kept = [word for word in EXTENSIONS if word.split()[0] not in self._server.faults.without]
        *first, last = kept or ["HELP"]
        return "".join(f"250-{word}\r\n" for word in first) + f"250 {last}"

    async def _auth(self, rest: str) -> str:
        if self._authenticated:
            return "503 5.5.1 You are logged in"
        mechanism, _, initial = rest.partition(" ")
        try:
            if mechanism.upper() == "PLAIN":
                user, password = (await self._answer("", initial)).split("\0")[1:]
            elif mechanism.upper() == "LOGIN":
                user = await self._answer("VXNlcm5hbWU6", initial)
                password = await self._answer("UGFzc3dvcmQ6", "")
            else:
                return "504 5.5.4 PLAIN or LOGIN, please"
        except ValueError:
            return "501 5.5.2 This answer cannot be read"
        self._authenticated = self._server.login.admits(user, password)
        return "235 2.7.0 Welcome" if self._authenticated else "535 5.7.8 The user name or the password is wrong"

    async def _answer(self, challenge: str, initial: str) -> str:
        if not initial:
            await self._say(f"334 {challenge}")
            initial = await self._line()
        return base64.b64decode("" if initial == "=" else initial, validate=True).decode("utf-8")

    def _mail(self, rest: str) -> str:
        found = _PATH.match(rest)
        if self._transaction:
            return "503 5.5.1 One message at a time"
        if not found:
            return "501 5.5.4 This is not MAIL FROM:<address>"
        parameters = dict(word.upper().partition("=")[::2] for word in found[2].split())
        size = parameters.get("SIZE", "0")
        if not size.isdecimal() or int(size[:15]) > SIZE_LIMIT:
            return "552 5.3.4 This message is larger than what is taken here"
        self._transaction = _Transaction(found[1])
        return "250 2.1.0 Sender OK"

    def _rcpt(self, rest: str) -> str:
        found = _PATH.match(rest)
        if not self._transaction:
            return "503 5.5.1 MAIL first"
        if not found:
            return "501 5.5.4 This is not RCPT TO:<address>"
        if len(self._transaction.recipients) >= RECIPIENTS_LIMIT:
            return "452 4.5.3 Too many recipients"
        verdict = self._server.post.verdict(self._transaction.sender, found[1])
        if verdict.startswith("250"):
            self._transaction.recipients.append(found[1])
        return verdict

    async def _data(self) -> str:
        transaction = self._transaction
        if not transaction or not transaction.recipients:
            return "554 5.5.1 No recipient was accepted" if transaction else "503 5.5.1 MAIL first"
        await self._say("354 End it with a dot on a line of its own")
        data = await self._message()
        self._transaction = None
        faults = self._server.faults
        if "." in faults.drop_on:
            raise _Ended
        if "." in faults.refuse:
            return faults.refuse["."]
        if data is None:
            return "552 5.3.4 This message is larger than what is taken here"
        try:
            self._deliver(transaction, data)
        except (Refused, OSError):
            return "452 4.3.1 The demo mailbox cannot be written to"
        if "." in faults.drop_before_ok:
            raise _Ended
        return "250 2.0.0 Taken"

    def _deliver(self, transaction: _Transaction, data: bytes) -> None:
        now = int(time.time())
        self._server.post.deliver(transaction.sender, transaction.recipients, data, now)
        if self._server.faults.files_sent:
            self._server.post.file_sent(data, now)

    async def _message(self) -> bytes | None:
        """The data, dots unstuffed; None when it is too large (it is read to its end all the same)."""
        lines: list[bytes] = []
        size = 0
        while True:
            line = await self._raw_line()
            if line in (b".\r\n", b".\n"):
                return b"".join(lines) if size <= SIZE_LIMIT else None
            size += len(line)
            if size <= SIZE_LIMIT:
                lines.append(line[1:] if line.startswith(b".") else line)

    async def _line(self) -> str:
        return (await self._raw_line()).decode("utf-8", "replace").rstrip("\r\n")

    async def _raw_line(self) -> bytes:
        try:
            line = await self._reader.readline()
        except ValueError as error:
            raise _Ended from error
        if not line.endswith(b"\n"):
            raise _Ended
        return line

    async def _say(self, reply: str) -> None:
        if self._server.faults.delay:
            await asyncio.sleep(self._server.faults.delay)
        self._writer.write(reply.encode("utf-8") + b"\r\n")
        await self._writer.drain()
