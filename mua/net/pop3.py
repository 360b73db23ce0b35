"""A POP3 session: connected, protected, logged in; then what is there, its octets, and deletions (RFC 1939).

The standard library's poplib is not used: it refuses lines over 2,048 octets, which real mail has, holds whole messages
as lists of lines, and does not notice what was injected behind the answer to STLS (docs/decisions/0012).

Rules of the file: nothing that arrived before TLS survives it; a password is asked for after the certificate was
verified, sent once, and never by APOP (RFC 6151); a session that failed in the middle of an answer is dead and says so;
deletions count only when ``quit`` returned (RFC 1939 s.6).  One thread owns a session; ``abort`` is safe from any.
"""

import base64
import contextlib
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import IO, NoReturn

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.net import tls
from mua.net.pop3_wire import (
    MAX_LINE,
    BadReply,
    Reply,
    Unstuffer,
    parse_capabilities,
    parse_numbered,
    parse_reply,
)
from mua.net.wirelog import WireLog
from mua.plan.pop import Listed

Sink = Callable[[], IO[bytes]]

WINDOW = 16  # RETR commands on their way, where the server allows PIPELINING (RFC 2449 s.6.6)
MAX_LISTING = 64 << 20  # octets of LIST or UIDL: more than a million messages
MAX_MESSAGE = 512 << 20  # octets
_READ = 1 << 16
_SLOWEST = 2048  # octets a second below which an answer counts as stalled, whatever trickles in
_BUSY = re.compile(r"(?i)\block|in use|busy|too many|temporar|try again|wait")


class Session:
    """One connection.  Raises MailError: kind CONNECTION means that the session is over, ACCOUNT that a person is
    needed, MESSAGE that only this message is in trouble.  ``timeout`` (seconds) bounds every wait.
    """

    def __init__(
        self,
        server: Server,
        password: Callable[[], str],
        ca_file: str = "",
        timeout: float = 60.0,
        *,
        allow_plaintext: bool = False,
        max_message: int = MAX_MESSAGE,
    ) -> None:
        self.server = server
        self.timeout = timeout
        self.max_message = max_message
        self.log = WireLog()
        self.capabilities: dict[str, tuple[str, ...]] = {}
        self._dead: MailError | None = None
        self._sock: socket.socket | None = None
        self._buffer = b""
        self._in_clear = server.security is Security.STARTTLS  # until the handshake begins
        self._began, self._got = time.monotonic(), 0
        context = tls.context(ca_file) if server.security is not Security.NONE else None
        if context is None and not (allow_plaintext or tls.is_loopback(server.host)):
            text = "This account is set to an unprotected connection, which Mua does not use; choose TLS or STARTTLS."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="plaintext-refused")
        try:
            self._open(context)
            self._log_in(password())
            self.capabilities = self._ask_capabilities()
        except BaseException as error:
            self.abort()
            if self._in_clear and isinstance(error, MailError):
                tls.mark_in_clear(error)
            raise

    # -- opening

    def _open(self, context: ssl.SSLContext | None) -> None:
        host = self.server.host
        self._sock = tls.connect(host, self.server.port, self.timeout)
        if context is not None and self.server.security is Security.TLS:
            self._sock = tls.wrap(self._sock, context, host)
            self.log.note("TLS")
        greeting = self._reply()
        if not greeting.ok:
            raise self._turned_away(greeting)
        self.capabilities = self._ask_capabilities()
        if context is not None and self.server.security is Security.STARTTLS:
            self._protect(context)

    def _protect(self, context: ssl.SSLContext) -> None:
        """STLS (RFC 2595 s.4), after which everything that was said before is forgotten."""
        if "STLS" not in self.capabilities:
            raise self._no_starttls("STLS is not offered")
        reply = self._command("STLS")
        if not reply.ok:
            raise self._no_starttls(reply.text)
        if self._buffer:
            self._break("data after the answer to STLS")
        assert self._sock is not None
        self._in_clear = False
        self._sock = tls.wrap(self._sock, context, self.server.host)
        self.log.note("TLS")
        self.capabilities = self._ask_capabilities()

    def _ask_capabilities(self) -> dict[str, tuple[str, ...]]:
        """CAPA; a server that does not know it has none."""
        return parse_capabilities(self._lines()) if self._command("CAPA").ok else {}

    def _log_in(self, password: str) -> None:
        log.mask(password)
        user = self.server.user
        if any(char in user + password for char in "\r\n\0"):
            text = "A user name or password cannot hold a line break; check both in the account's settings."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="wrong-password")
        if "PLAIN" in self.capabilities.get("SASL", ()):
            reply = self._authenticate(f"\0{user}\0{password}")
        elif self.capabilities and "USER" not in self.capabilities:
            text = f"{self.server.host} does not accept a password on this connection; choose TLS or STARTTLS."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, " ".join(sorted(self.capabilities)), "login-disabled")
        else:
            reply = self._command(f"USER {user}", secret=True)
            if reply.ok:
                reply = self._command(f"PASS {password}", secret=True)
        if not reply.ok:
            raise self._login_refused(reply)

    def _authenticate(self, message: str) -> Reply:
        """AUTH PLAIN (RFC 4616, RFC 5034), in one line where it fits into one."""
        response = base64.b64encode(_octets(message)).decode()
        log.mask(response)
        if len(response) <= 240:
            return self._command(f"AUTH PLAIN {response}", secret=True)
        self._send(b"AUTH PLAIN\r\n")
        line = self._line()
        if not line.startswith(b"+") or line.upper().startswith(b"+OK"):
            return self._understood(line)
        return self._command(response, secret=True)

    # -- what a session is for

    def listing(self) -> list[Listed]:
        """What is there, ascending by number; a server without UIDL gives empty unique ids."""
        sizes = dict(parse_numbered(self._multi_line("LIST")))
        uids = {}
        if self._command("UIDL").ok:
            uids = dict(parse_numbered(self._lines()))
        return [
            Listed(number, uids.get(number, b"").decode("latin-1"), int(size) if size.isdigit() else 0)
            for number, size in sorted(sizes.items())
        ]

    def header(self, number: int) -> bytes:
        """The header of a message (TOP n 0)."""
        reply = self._command(f"TOP {number} 0")
        if not reply.ok:
            raise self._message_refused(reply)
        return b"\r\n".join(self._lines())

    def retrieve(self, numbers: Sequence[int], sink: Sink) -> Iterator[tuple[int, IO[bytes] | MailError]]:
        """Messages in the order asked for, each written to a file that ``sink`` opened (rewound; the caller closes it).

        A message that the server refuses or that is over ``max_message`` comes as its MailError (kind MESSAGE), the
        latter ends the session after it.  A caller that stops early, with answers on their way, ends it too.
        """
        ahead = WINDOW if "PIPELINING" in self.capabilities else 1
        todo, running = iter(numbers), 0
        try:
            for number in islice(todo, ahead):
                self._send(b"RETR %d\r\n" % number)
                running += 1
            for number in numbers:
                answer = self._retrieved(sink)
                running -= 1
                following = next(todo, None)
                if following is not None and self._dead is None:
                    self._send(b"RETR %d\r\n" % following)
                    running += 1
                yield number, answer
        finally:
            if running:
                self.abort()

    def delete(self, number: int) -> None:
        """Mark a message as deleted; ``quit`` makes it so."""
        reply = self._command(f"DELE {number}")
        if not reply.ok:
            raise self._message_refused(reply)

    def quit(self) -> None:
        """Carry out the deletions and say goodbye.  Raises MailError if the server did not confirm them."""
        reply = self._command("QUIT")
        self.abort()
        if not reply.ok:
            text = f"{self.server.host} could not remove all messages that were to be deleted; Mua will try again."
            raise MailError(Kind.FOLDER, Retry.SOON, text, reply.text, "not-deleted")

    def abort(self) -> None:
        """Close the connection; what was marked as deleted stays on the server."""
        self._dead = self._dead or _gone(self.server.host, "closed here")
        if self._sock is not None:
            with contextlib.suppress(OSError, ValueError):
                self._sock.shutdown(socket.SHUT_RDWR)
            self._sock.close()

    # -- commands and answers

    def _command(self, line: str, *, secret: bool = False) -> Reply:
        self._send(_octets(line) + b"\r\n", secret=secret)
        return self._reply()

    def _multi_line(self, command: str) -> list[bytes]:
        reply = self._command(command)
        if not reply.ok:
            text = f"{self.server.host} could not list its messages; Mua will try again by itself."
            raise MailError(Kind.CONNECTION, Retry.SOON, text, reply.text, "listing-refused")
        return self._lines()

    def _lines(self) -> list[bytes]:
        """The lines of a multi-line answer."""
        data = bytearray()
        for piece in self._dotted(MAX_LISTING):
            data += piece
        return bytes(data).split(b"\r\n")[:-1]

    def _retrieved(self, sink: Sink) -> IO[bytes] | MailError:
        """The answer to one RETR."""
        reply = self._reply()
        if not reply.ok:
            return self._message_refused(reply)
        file = sink()
        try:
            for piece in self._dotted(self.max_message):
                file.write(piece)
            file.seek(0)
        except OSError as error:
            file.close()
            self.abort()
            raise _disk_trouble(error) from error
        except MailError as error:
            file.close()
            if error.kind is Kind.MESSAGE:
                return error
            raise
        return file

    def _dotted(self, limit: int) -> Iterator[bytes]:
        """The octets of a multi-line answer; over ``limit`` the session ends with kind MESSAGE."""
        unstuffer, size = Unstuffer(), 0
        data, self._buffer = self._buffer, b""
        while True:
            piece = unstuffer.feed(data)
            size += len(piece)
            if size > limit:
                self.abort()
                text = f"A message on {self.server.host} is larger than Mua accepts; it stays on the server."
                raise MailError(Kind.MESSAGE, Retry.NEVER, text, f"more than {limit} octets", "too-big")
            yield piece
            if unstuffer.finished:
                self._buffer = unstuffer.rest
                return
            data = self._receive()

    def _reply(self) -> Reply:
        return self._understood(self._line())

    def _understood(self, line: bytes) -> Reply:
        try:
            return parse_reply(line)
        except BadReply as error:
            self._break(str(error))

    def _line(self) -> bytes:
        self._began, self._got = time.monotonic(), 0
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > MAX_LINE:
                self._break("a line without end")
            self._buffer += self._receive()
        line, self._buffer = self._buffer[:end].removesuffix(b"\r"), self._buffer[end + 1 :]
        self.log.received(line)
        return line

    # -- octets

    def _send(self, data: bytes, *, secret: bool = False) -> None:
        if self._dead is not None or self._sock is None:
            raise self._dead or _gone(self.server.host, "not connected")
        self.log.sent(data, secret)
        try:
            self._sock.sendall(data)
        except (OSError, ValueError) as error:
            self._die(error)

    def _receive(self) -> bytes:
        if self._dead is not None or self._sock is None:
            raise self._dead or _gone(self.server.host, "not connected")
        if time.monotonic() - self._began > 2 * self.timeout + self._got / _SLOWEST:
            self._die(TimeoutError("the answer trickled in too slowly"))
        try:
            data = self._sock.recv(_READ)
        except (OSError, ValueError) as error:  # ValueError: closed by another thread
            self._die(error)
        if not data:
            self._die(ConnectionError("the server closed the connection"))
        self._got += len(data)
        return data

    def _die(self, error: Exception) -> NoReturn:
        host = self.server.host
        problem = tls.os_error(error, host) if isinstance(error, OSError) else _gone(host, str(error))
        self._dead = self._dead or problem
        self.abort()
        raise self._dead

    def _break(self, what: str) -> NoReturn:
        """The server broke the protocol: hang up and raise."""
        text = f"{self.server.host} sent something that no mail server should send; Mua hung up and will connect again."
        self._dead = MailError(Kind.CONNECTION, Retry.SOON, text, log.masked(what), "protocol-error")
        self.abort()
        raise self._dead

    # -- refusals in plain words

    def _no_starttls(self, detail: str) -> MailError:
        text = f"{self.server.host} does not offer a protected connection here, so your password was not sent."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, detail, "no-starttls")

    def _turned_away(self, reply: Reply) -> MailError:
        text = f"{self.server.host} turned Mua away; it will try again by itself."
        return MailError(Kind.CONNECTION, Retry.SOON, text, reply.text, "turned-away")

    def _login_refused(self, reply: Reply) -> MailError:
        """RFC 2449 s.8.1 and RFC 3206 where the server speaks them, its words where it does not."""
        host, said = self.server.host, log.masked(reply.text)
        told = bool(reply.code)
        if reply.code in ("IN-USE", "LOGIN-DELAY") or (not told and _BUSY.search(reply.text)):
            text = f"{host} is busy with this mailbox or wants a pause between visits; Mua will try again by itself."
            code = "login-delay" if reply.code == "LOGIN-DELAY" else "mailbox-in-use"
            return MailError(Kind.CONNECTION, Retry.SOON, text, said, code)
        if reply.code == "SYS/PERM":
            text = f"{host} says that this mailbox cannot be opened until its operator or you change something there."
            return MailError(Kind.ACCOUNT, Retry.ASK, text, said, "login-refused")
        if reply.code.startswith("SYS/") or (not told and "AUTH-RESP-CODE" in self.capabilities):
            text = f"{host} does not let Mua in right now, for a reason of its own; it will try again by itself."
            return MailError(Kind.CONNECTION, Retry.SOON, text, said, "server-trouble")
        text = f"{host} does not accept this user name and password; check both in the account's settings."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, said, "wrong-password")

    def _message_refused(self, reply: Reply) -> MailError:
        text = f"{self.server.host} did not hand over one message; Mua will ask for it again."
        return MailError(Kind.MESSAGE, Retry.SOON, text, reply.text, "message-refused")


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _gone(host: str, detail: str) -> MailError:
    text = f"The connection to {host} was lost; Mua will connect again by itself."
    return MailError(Kind.CONNECTION, Retry.SOON, text, detail, "connection-lost")


def _disk_trouble(error: OSError) -> MailError:
    text = "A message could not be written to this computer's disk; free some space, and Mua goes on by itself."
    return MailError(Kind.LOCAL, Retry.SOON, text, str(error), "disk-full")
