"""A POP3 session: connected, protected, logged in; then what is there, its octets, and deletions (RFC 1939).

The standard library's poplib is not used: it refuses lines over 2,048 octets, which real mail has, holds whole messages
as lists of lines, and does not notice what was injected behind the answer to STLS (docs/decisions/0012).

Rules of the file: a password is asked for after the certificate was verified (``pop3_login`` has the rest); what a
server can do is asked again after TLS and after the log-in, and what it said before is forgotten; deletions count only
when ``quit`` returned (RFC 1939 s.6).
"""

import ssl
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Protocol, TypeVar

from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.model.connection import Facts
from mua.net import tls
from mua.net.pop3_line import Line
from mua.net.pop3_login import log_in
from mua.net.pop3_wire import Capabilities, Reply, parse_capabilities, parse_numbered
from mua.net.sasl import Who
from mua.net.wirelog import WireLog
from mua.plan.pop import Listed

WINDOW = 64  # commands on their way where the server allows PIPELINING (RFC 2449 s.6.6): under a kilobyte
MAX_MESSAGES = 500_000
MAX_LISTING = 64 << 20  # octets of LIST or UIDL
MAX_CAPABILITIES = 64 << 10  # octets
MAX_HEADER = 256 << 10  # octets of a header that are looked at
MAX_MESSAGE = 512 << 20  # octets


class Sink(Protocol):
    """Where a message is written to."""

    def write(self, data: bytes, /) -> object:
        """Take the next octets."""

    def close(self) -> object:
        """There is nothing to keep."""


S = TypeVar("S", bound=Sink)


class Session:
    """One connection.  Raises MailError: kind CONNECTION means that the session is over, ACCOUNT that a person is
    needed, MESSAGE that only this message is in trouble.  ``timeout`` (seconds) bounds every wait.

    A ``token`` of OAuth 2 excludes the password; ``certificate`` (PEM file with its key) does so where EXTERNAL is
    offered; ``mechanism`` is how the log-in was done, ``before`` how it was done last time (see ``pop3_login``).

    One thread owns a session; ``abort`` is safe from any.
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
        token: Callable[[], str] | None = None,
        certificate: str = "",
        before: str = "",
    ) -> None:
        self.server = server
        self.mechanism = ""
        self.max_message = max_message
        self.capabilities: Capabilities = {}
        context = tls.context(ca_file, certificate) if server.security is not Security.NONE else None
        if context is None and not (allow_plaintext or tls.is_loopback(server.host)):
            text = "This account is set to an unprotected connection, which Mua does not use; choose TLS or STARTTLS."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="plaintext-refused")
        self._line = Line(server.host, server.port, timeout)
        try:
            greeting = self._open(context)
            who = self._who(password, token, bool(certificate))
            self.mechanism = log_in(self._line, who, self.capabilities, greeting, before)
            self._ask_capabilities()
        except BaseException as error:
            self.abort()
            if self._line.in_clear and server.security is Security.STARTTLS and isinstance(error, MailError):
                tls.mark_in_clear(error)
            raise

    @property
    def log(self) -> WireLog:
        """What was said, secrets masked."""
        return self._line.log

    def facts(self) -> Facts:
        """What there is to know about this connection, or was when it ended."""
        line = self._line
        words = tuple(sorted(self.capabilities))
        return Facts(self.mechanism, line.tls, words, octets_in=line.octets_in, octets_out=line.octets_out)

    # -- opening

    def _open(self, context: ssl.SSLContext | None) -> str:
        """Up to the log-in; returns the greeting, if nobody else can have written it."""
        if context is not None and self.server.security is Security.TLS:
            self._line.protect(context)
        greeting = self._line.reply()
        if not greeting.ok:
            raise self._turned_away(greeting)
        self._ask_capabilities()
        if context is not None and self.server.security is Security.STARTTLS:
            self._protect(context)
            greeting = Reply(True, "")
        if "UTF8" in self.capabilities:  # before the log-in, and after TLS (RFC 6856 s.2)
            self._line.command("UTF8")
        return greeting.text

    def _who(self, password: Callable[[], str], token: Callable[[], str] | None, certificate: bool) -> Who:
        server, cert = self.server, self._line.server_cert
        by_certificate = certificate and bool(cert) and "EXTERNAL" in self.capabilities.get("SASL", ())
        return Who(
            server.user,
            password=password() if token is None and not by_certificate else "",
            token=token() if token is not None and not by_certificate else "",
            certificate=by_certificate,
            server_cert=cert,
            host=server.host,
            port=server.port,
        )

    def _protect(self, context: ssl.SSLContext) -> None:
        """STLS (RFC 2595 s.4), after which everything that was said before is forgotten."""
        if "STLS" not in self.capabilities:
            raise self._no_starttls("STLS is not offered")
        reply = self._line.command("STLS")
        if not reply.ok:
            raise self._no_starttls(reply.text)
        self._line.protect(context)
        self._ask_capabilities()

    def _ask_capabilities(self) -> None:
        """CAPA; a server that does not know it has none."""
        self.capabilities = {}
        if self._line.command("CAPA").ok:
            self.capabilities = parse_capabilities(self._line.lines(MAX_CAPABILITIES))

    # -- what a session is for

    def listing(self) -> list[Listed]:
        """What is there, ascending by number; a server without UIDL gives empty unique ids.

        One that offers UIDL and refuses it is in trouble, and the session is over: its mail must not look new.
        """
        if not (reply := self._line.command("LIST")).ok:
            raise self._no_listing(reply)
        sizes = self._numbered()
        uids: dict[int, bytes] = {}
        if (reply := self._line.command("UIDL")).ok:
            uids = self._numbered()
        elif "UIDL" in self.capabilities or reply.code.startswith("SYS/"):
            raise self._no_listing(reply)
        return [
            Listed(number, uids.get(number, b"").decode("latin-1"), int(size) if size.isdigit() else 0)
            for number, size in sorted(sizes.items())
        ]

    def _numbered(self) -> dict[int, bytes]:
        found = dict(islice(parse_numbered(self._line.lines(MAX_LISTING)), MAX_MESSAGES + 1))
        if len(found) > MAX_MESSAGES:
            self.abort()
            text = (
                f"{self.server.host} lists more than {MAX_MESSAGES:,} messages, which is more than Mua takes by POP3."
            )
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="too-many-messages")
        return found

    def headers(self, numbers: Sequence[int]) -> Iterator[tuple[int, bytes | MailError]]:
        """The header of each (TOP n 0, or RETR where the server knows no TOP), up to ``MAX_HEADER`` octets of it."""
        whole = bool(self.capabilities) and "TOP" not in self.capabilities
        for number in self._each("RETR {}" if whole else "TOP {} 0", numbers):
            reply = self._line.reply()
            yield number, self._header() if reply.ok else self._message_refused(reply)

    def _header(self) -> bytes:
        found = bytearray()
        for piece in self._message():
            found += piece[: MAX_HEADER - len(found)]
        return (b"\r\n" + bytes(found)).partition(b"\r\n\r\n")[0].removeprefix(b"\r\n")

    def retrieve(self, numbers: Sequence[int], sink: Callable[[], S]) -> Iterator[tuple[int, S | MailError]]:
        """Messages in the order asked for, each written into what ``sink`` made; the caller closes it.

        A message that the server refuses or that is over ``max_message`` comes as its MailError (kind MESSAGE), the
        latter ends the session after it.  A caller that stops early, with answers on their way, ends it too.
        """
        for number in self._each("RETR {}", numbers):
            yield number, self._retrieved(sink)

    def delete(self, numbers: Sequence[int]) -> Iterator[tuple[int, MailError | None]]:
        """Mark messages as deleted; ``quit`` makes it so."""
        for number in self._each("DELE {}", numbers):
            reply = self._line.reply()
            yield number, None if reply.ok else self._message_refused(reply)

    def quit(self) -> None:
        """Carry out the deletions and say goodbye.  Raises MailError if the server did not confirm them."""
        reply = self._line.command("QUIT")
        self.abort()
        if not reply.ok:
            text = f"{self.server.host} could not remove all messages that were to be deleted; Mua will try again."
            raise MailError(Kind.FOLDER, Retry.SOON, text, reply.text, "not-deleted")

    def abort(self) -> None:
        """Close the connection; what was marked as deleted stays on the server."""
        self._line.abort()

    # -- inside

    def _each(self, command: str, numbers: Sequence[int]) -> Iterator[int]:
        """Say ``command`` for each number, some ahead where the server allows; the caller reads one answer a turn."""
        todo, asked = iter(numbers), deque[int]()
        try:
            for number in islice(todo, WINDOW if "PIPELINING" in self.capabilities else 1):
                self._line.send(command.format(number))
                asked.append(number)
            while asked:
                yield asked[0]
                asked.popleft()
                for number in islice(todo, 1):
                    asked.append(number)
                    self._line.send(command.format(number))
        finally:
            if asked:
                self.abort()

    def _retrieved(self, sink: Callable[[], S]) -> S | MailError:
        """The answer to one RETR."""
        reply = self._line.reply()
        if not reply.ok:
            return self._message_refused(reply)
        file = sink()
        try:
            for piece in self._message():
                file.write(piece)
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

    def _message(self) -> Iterator[bytes]:
        """The octets of a message; over ``max_message`` the session ends with kind MESSAGE."""
        size = 0
        for piece in self._line.dotted():
            size += len(piece)
            if size > self.max_message:
                self.abort()
                text = f"A message on {self.server.host} is larger than Mua accepts; it stays on the server."
                detail = f"more than {self.max_message} octets"
                raise MailError(Kind.MESSAGE, Retry.NEVER, text, detail, "too-big")
            yield piece

    # -- refusals in plain words

    def _no_starttls(self, detail: str) -> MailError:
        text = f"{self.server.host} does not offer a protected connection here, so your password was not sent."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, detail, "no-starttls")

    def _turned_away(self, reply: Reply) -> MailError:
        text = f"{self.server.host} turned Mua away; it will try again by itself."
        return MailError(Kind.CONNECTION, Retry.SOON, text, reply.text, "turned-away")

    def _no_listing(self, reply: Reply) -> MailError:
        text = f"{self.server.host} could not list its messages; Mua will try again by itself."
        return MailError(Kind.CONNECTION, Retry.SOON, text, reply.text, "listing-refused")

    def _message_refused(self, reply: Reply) -> MailError:
        text = f"{self.server.host} did not hand over one message; Mua will ask for it again."
        return MailError(Kind.MESSAGE, Retry.SOON, text, reply.text, "message-refused")


def _disk_trouble(error: OSError) -> MailError:
    text = "A message could not be written to this computer's disk; free some space, and Mua goes on by itself."
    return MailError(Kind.LOCAL, Retry.SOON, text, str(error), "disk-full")
