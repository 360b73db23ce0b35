"""An IMAP session: connected, protected, logged in; commands go in, results and news come out.

imapclient (on our own ``imaplib.IMAP4``, see ``_Imaplib``) opens the session, upgrades it to TLS, and runs the plain
folder commands; everything whose answer matters to the byte goes through ``Session.command`` on the same ``Wire``.

Rules of the file: nothing that arrived before TLS survives it (NO STARTTLS, USENIX Security 2021); a password is asked
for after the certificate was verified, and tried once; what a server says about the selected mailbox on the side is
*news*: a level, not a list of events, because whoever reads it compares the mailbox anyway.
"""

import base64
import contextlib
import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from imapclient import IMAPClient
from imapclient.imap4 import IMAP4WithTimeout

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.net import tls
from mua.net.imap_tokens import BadSyntax, Literal, Status, Untagged, argument, quoted, status, text, untagged
from mua.net.imap_wire import Chunk, Limits, Sink, Wire, spool
from mua.net.wirelog import WireLog

Part = str | bytes

_NEWS = frozenset({b"EXISTS", b"EXPUNGE", b"VANISHED", b"FETCH"})
_STATUSES = frozenset({b"OK", b"NO", b"BAD"})
_SMALL_LITERAL = 4096  # what LITERAL- allows without asking (RFC 7888 s.5)


@dataclass(slots=True)
class Result:
    """The end of a command that was OK, and the untagged responses that were asked for."""

    status: Status
    untagged: list[Untagged] = field(default_factory=list)


class _Imaplib(IMAP4WithTimeout):  # type: ignore[misc]  # imapclient has no types
    """imaplib on a ``Wire``: the methods that imaplib documents as overridable, and STARTTLS."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        super().__init__(session.server.host, session.server.port, session.timeout)

    def open(self, host: str = "", port: int = 143, timeout: float | None = None) -> None:
        """Connect, with TLS at once where the account says so."""
        self.host, self.port = host, port
        self.sock = self._session.connect_socket()

    def read(self, size: int) -> bytes:
        """Imaplib's reads come out of the shared buffer."""
        return self._session.wire.read(size)

    def readline(self) -> bytes:
        """Imaplib's lines come out of the shared buffer."""
        return self._session.wire.readline()

    def send(self, data: bytes) -> None:
        """Imaplib's commands go through the shared wire."""
        self._session.wire.send(data)

    def shutdown(self) -> None:
        """Close the socket."""
        self._session.wire.close()

    def starttls(self, ssl_context: ssl.SSLContext | None = None) -> tuple[str, list[bytes]]:
        """STARTTLS, and forget everything that was said before it."""
        assert ssl_context is not None
        kind, data = self._simple_command("STARTTLS")
        if kind != "OK":
            raise self.error(b" ".join(part or b"" for part in data).decode("utf-8", "replace"))
        self.sock = self._session.protect_socket(ssl_context)
        self.untagged_responses.clear()
        self.tagged_commands.clear()
        self.welcome = None
        self._tls_established = True
        self._get_capabilities()
        return kind, data

    def _command(self, name: str, *args: Any) -> Any:
        for value in args:
            if isinstance(value, str | bytes):
                argument(value)
        self._session.ready()
        self.untagged_responses.clear()  # imaplib itself never forgets
        return super()._command(name, *args)

    def _append_untagged(self, kind: str, data: Any) -> None:
        if kind.encode() in _NEWS:
            self._session.news.add(kind)
        super()._append_untagged(kind, data)

    def _log(self, line: str) -> None:
        """Not kept: imaplib's own memory of the last commands holds LOGIN."""


class _Client(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """imapclient with our imaplib underneath, and its byte-by-byte debug output off."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        super().__init__(session.server.host, session.server.port, ssl=False, timeout=session.timeout)
        self._imap.debug = 0

    def _create_IMAP4(self) -> _Imaplib:
        return _Imaplib(self._session)


class Session:
    """One connection, owned by one thread.  Every failure is a MailError; after kind CONNECTION the session is dead.

    ``news`` is a set of kinds ("EXISTS", "EXPUNGE", "VANISHED", "FETCH") said about the selected mailbox on the side.
    """

    def __init__(
        self,
        server: Server,
        password: Callable[[], str],
        ca_file: str = "",
        timeout: float = 60.0,
        *,
        allow_plaintext: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.server = server
        self.timeout = timeout
        self.limits = limits or Limits()
        self.log = WireLog()
        self.news: set[str] = set()
        self.capabilities: frozenset[str] = frozenset()
        self.enabled: frozenset[str] = frozenset()
        self.busy = ""
        self._wire: Wire | None = None
        self._allow_plaintext = allow_plaintext
        self._in_clear = server.security is Security.STARTTLS  # until the handshake begins
        self._context: ssl.SSLContext | None = None
        if server.security is not Security.NONE:
            self._context = tls.context(ca_file)
        try:
            self._open(password)
        except BaseException as error:
            self.abort()
            if self._in_clear and isinstance(error, MailError):
                tls.mark_in_clear(error)
            raise

    # -- opening

    def _open(self, password: Callable[[], str]) -> None:
        if self._context is None and not (self._allow_plaintext or tls.is_loopback(self.server.host)):
            text = "This account is set to an unprotected connection, which Mua does not use; choose TLS or STARTTLS."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="plaintext-refused")
        with self._library("connect"):
            self._client = _Client(self)
            self._know(self._client._imap.capabilities)
        if self.server.security is Security.STARTTLS:
            self._starttls()
        if self._client._imap.state != "AUTH":
            self._log_in(password())
        self._enable()

    def connect_socket(self) -> Any:
        """A connected socket under a fresh Wire (called back by imaplib)."""
        sock = tls.connect(self.server.host, self.server.port, self.timeout)
        if self._context is not None and self.server.security is Security.TLS:
            sock = tls.wrap(sock, self._context, self.server.host)
        self._wire = Wire(sock, self.server.host, self.limits, self.log)
        return sock

    def protect_socket(self, context: ssl.SSLContext) -> Any:
        """The TLS handshake after STARTTLS; what came along with the OK is an injection (called back by imaplib)."""
        wire = self.wire
        if len(wire.buffer) > wire.at:
            wire.refuse("data after the answer to STARTTLS")
        self._in_clear = False
        sock = tls.wrap(wire.sock, context, self.server.host)
        self._wire = Wire(sock, self.server.host, self.limits, self.log)
        self.log.note("TLS")
        self.news.clear()
        return sock

    def _starttls(self) -> None:
        if self._client._imap.state != "NONAUTH" or "STARTTLS" not in self.capabilities:
            raise self._no_starttls("PREAUTH" if self._client._imap.state != "NONAUTH" else "STARTTLS is not offered")
        try:
            with self._library("STARTTLS"):
                self._client.starttls(self._context)
                self._know(self._client._imap.capabilities)
        except MailError as error:
            if error.kind is Kind.FOLDER:  # NO or BAD
                raise self._no_starttls(error.detail) from error
            raise

    def _no_starttls(self, detail: str) -> MailError:
        text = f"{self.server.host} does not offer a protected connection here, so your password was not sent."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, detail, "no-starttls")

    def _log_in(self, password: str) -> None:
        log.mask(password)
        user = self.server.user
        log.mask(password.replace("\\", "\\\\").replace('"', '\\"'))  # as LOGIN quotes it, and a server may echo it
        if "AUTH=PLAIN" in self.capabilities:
            token = base64.b64encode(b"\0".join((b"", user.encode(), password.encode())))
            log.mask(token.decode())
            end = self._authenticate_plain(token)
        elif "LOGINDISABLED" in self.capabilities:
            text = f"{self.server.host} does not accept a password on this connection; choose TLS or STARTTLS."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, " ".join(sorted(self.capabilities)), "login-disabled")
        else:
            end = self._finish(self.start(["LOGIN", quoted(user), quoted(password)], secret=True), frozenset(), spool)
        if end.status.kind != b"OK":
            raise self._login_refused(end.status)
        self._client._imap.state = "AUTH"
        self._learn_capabilities(end)

    def _authenticate_plain(self, token: bytes) -> Result:
        """AUTHENTICATE PLAIN (RFC 4616), in one trip where SASL-IR allows (RFC 4959)."""
        if "SASL-IR" in self.capabilities:
            return self._finish(self.start(["AUTHENTICATE PLAIN", token], secret=True), frozenset(), spool)
        tag = self.start(["AUTHENTICATE PLAIN"])
        refused = self._await_go_ahead(tag)
        if refused is not None:
            return Result(refused)
        self.wire.send(token + b"\r\n", secret=True)
        return self._finish(tag, frozenset(), spool)

    def _login_refused(self, end: Status) -> MailError:
        words = log.masked(f"{end.kind.decode()} {end.code_name} {end.text}".replace("  ", " "))
        host = self.server.host
        busy = end.code_name in ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG")
        if busy or (not end.code_name and re.search(r"(?i)too many|temporar|try again|unavailable", end.text)):
            text = f"{host} does not let Mua in right now, perhaps because of too many connections; it will try again."
            return MailError(Kind.CONNECTION, Retry.SOON, text, words, "too-many-connections")
        text = f"{host} does not accept this user name and password; check both in the account's settings."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, words, "wrong-password")

    def _learn_capabilities(self, end: Result) -> None:
        """Capabilities change at login: the OK may carry them, else we ask (RFC 9051 s.6.1.1)."""
        if end.status.code_name == "CAPABILITY":
            self._know(text(value) for value in end.status.code[1:])
            return
        answer = self.command("CAPABILITY", answers={b"CAPABILITY"})
        self._know(text(value) for one in answer.untagged for value in one.values)

    def _know(self, names: Any) -> None:
        self.capabilities = frozenset(name.upper() for name in names)

    def _enable(self) -> None:
        wanted = [name for name in ("CONDSTORE", "QRESYNC") if name in self.capabilities]
        if "ENABLE" not in self.capabilities or not wanted:
            return
        with contextlib.suppress(MailError):
            answer = self.command("ENABLE", *wanted, answers={b"ENABLED"})
            self.enabled = frozenset(text(value).upper() for one in answer.untagged for value in one.values)
        if self.wire.dead is not None:
            raise self.wire.dead

    # -- state

    @property
    def wire(self) -> Wire:
        """The buffer and socket of this session."""
        assert self._wire is not None
        return self._wire

    def can(self, capability: str) -> bool:
        """Whether the server offers this capability now."""
        return capability in self.capabilities

    def ready(self) -> None:
        """Raise when a stream or IDLE is running, or the connection is gone."""
        if self._wire is not None and self._wire.dead is not None:
            raise self._wire.dead
        if self.busy:
            raise MailError(Kind.BUG, Retry.NEVER, "Mua made a mistake in a conversation.", f"{self.busy} is running")

    def interrupt(self) -> None:
        """From any thread: whatever the owner waits for fails at once.  The owner still has to ``abort``."""
        if self._wire is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._wire.sock, socket.SHUT_RDWR)  # past ssl, which is not ours to touch

    def abort(self) -> None:
        """Close the socket without a word; idempotent."""
        if self._wire is not None:
            self._wire.close()

    def log_out(self) -> None:
        """Say goodbye if that is possible within three seconds, and close."""
        if self._wire is None or self._wire.dead is not None:
            return
        try:
            self._wire.sock.settimeout(3)
            with self._library("LOGOUT"):
                self._client.logout()
        except (MailError, OSError):
            pass  # we are leaving anyway
        finally:
            self.abort()

    # -- commands

    @contextlib.contextmanager
    def _library(self, what: str, folder: str = "") -> Iterator[None]:
        """Run a call of imapclient; its errors, and whatever hostile input made it raise, become MailErrors."""
        try:
            yield
        except MailError:
            raise
        except imaplib.IMAP4.abort as error:
            self._broken(str(error))
        except imaplib.IMAP4.error as error:
            if what == "connect":
                self._not_welcome(str(error))
            raise self.refusal(status(b"NO " + _words(str(error))), what, folder) from error
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
            self._broken(f"{type(error).__name__}: {error}")

    def _broken(self, detail: str) -> NoReturn:
        if self._wire is None:
            raise MailError(Kind.BUG, Retry.SOON, "Mua could not open a connection.", detail, "bug")
        self._wire.refuse(log.masked(detail[:500]))

    def _not_welcome(self, detail: str) -> NoReturn:
        text = f"{self.server.host} turned Mua away; it will try again by itself."
        self.wire.die(MailError(Kind.CONNECTION, Retry.SOON, text, detail[:500], "turned-away"))

    def command(self, *parts: Part, answers: Collection[bytes] = (), folder: str = "", sink: Sink = spool) -> Result:
        """Run one command; ``parts`` are joined by spaces, a ``Literal`` is sent as one.

        Untagged responses of the kinds in ``answers`` come back in the Result; others are news or nothing.
        Raises MailError of kind FOLDER for NO and BAD (``folder`` names it), CONNECTION when the session is over.
        """
        end = self._finish(self.start(parts), answers, sink)
        if end.status.kind != b"OK":
            raise self.refusal(end.status, text(argument(parts[0])).split(" (")[0], folder)
        return end

    def start(self, parts: Collection[Part], *, secret: bool = False) -> bytes:
        """Send a command (FetchStream and IDLE read the answers themselves); returns its tag."""
        self.ready()
        pieces = [argument(part) for part in parts]
        tag: bytes = self._client._imap._new_tag()
        self._client._imap.tagged_commands.pop(tag, None)
        out = bytearray(tag)
        for piece in pieces:
            out += b" "
            if not isinstance(piece, Literal):
                out += piece
                continue
            self._announce(out, len(piece), tag, secret)
            out = bytearray(piece)
        self.wire.send(out + b"\r\n", secret=secret)
        return tag

    def start_literal(self, parts: Collection[Part], size: int) -> bytes:
        """Send a command up to the announcement of a literal that the caller sends; returns the tag."""
        self.ready()
        tag: bytes = self._client._imap._new_tag()
        self._client._imap.tagged_commands.pop(tag, None)
        self._announce(bytearray(b" ".join([tag, *map(argument, parts)]) + b" "), size, tag, False)
        return tag

    def _announce(self, out: bytearray, size: int, tag: bytes, secret: bool) -> None:
        """Send ``out`` and a literal's size, and wait for the go-ahead where the server wants to be asked."""
        small = size <= _SMALL_LITERAL and self.can("LITERAL-")
        if self.can("LITERAL+") or small:
            self.wire.send(out + b"{%d+}\r\n" % size, secret=secret)
            return
        self.wire.send(out + b"{%d}\r\n" % size, secret=secret)
        refused = self._await_go_ahead(tag)
        if refused is not None:
            raise self.refusal(refused, "literal")

    def _await_go_ahead(self, tag: bytes) -> Status | None:
        """Wait for ``+``; a Status means that the command ended instead."""
        while True:
            chunks = self._response(spool)
            head = chunks[0]
            assert isinstance(head, bytes)
            if head.startswith(b"+"):
                return None
            end = self.handle(tag, chunks)
            if isinstance(end, Status):
                return end

    def _finish(self, tag: bytes, answers: Collection[bytes], sink: Sink) -> Result:
        found: list[Untagged] = []
        held = 0
        for _ in range(self.limits.responses):
            chunks = self._response(sink)
            reply = self.handle(tag, chunks, answers)
            if isinstance(reply, Status):
                return Result(reply, found)
            if reply is not None:
                found.append(reply)
                held += sum(len(chunk) for chunk in chunks if isinstance(chunk, bytes))
            if held > self.limits.answers:
                break
        raise self.wire.broken("responses without end")

    def _response(self, sink: Sink) -> list[Chunk]:
        return self.wire.response(sink)

    def handle(self, tag: bytes, chunks: list[Chunk], answers: Collection[bytes] = ()) -> Status | Untagged | None:
        """A Status when ``chunks`` ends the command ``tag``; an Untagged of a kind in ``answers``; None otherwise."""
        head = chunks[0]
        assert isinstance(head, bytes)
        if head.startswith(b"* "):
            reply = self.understood(chunks)
            if reply.kind in answers:
                return reply
            self.take_note(reply)
            return None
        if head.startswith(tag + b" "):
            end = status(head[len(tag) + 1 :])
            if end.kind in _STATUSES:
                return end
        raise self.wire.broken(f"unexpected {head[:80]!r}")

    def understood(self, chunks: list[Chunk]) -> Untagged:
        """An untagged response; BYE and nonsense end the session."""
        try:
            reply = untagged(chunks)
        except (BadSyntax, ValueError) as error:
            self.wire.refuse(str(error)[:200])
        if reply.kind == b"BYE":
            text = f"{self.server.host} closed the connection; Mua will connect again by itself."
            words = log.masked(reply.values[0].text)
            self.wire.die(MailError(Kind.CONNECTION, Retry.SOON, text, words, "server-closed"))
        return reply

    def take_note(self, reply: Untagged) -> None:
        """Remember that the selected mailbox changed; a FETCH without flags (our own MODSEQ) is no news."""
        if reply.kind not in _NEWS or (
            reply.kind == b"FETCH" and (reply.fetched is None or reply.fetched.flags is None)
        ):
            return
        self.news.add(reply.kind.decode())

    def take_news(self) -> set[str]:
        """The news so far, which are then forgotten."""
        news, self.news = self.news, set()
        return news

    def refusal(self, end: Status, command: str, folder: str = "") -> MailError:
        """A NO or BAD in plain words, classified by its response code (RFC 5530, RFC 9051 s.7.1)."""
        code, retry, sentence = _reason(end)
        where = f'the folder "{folder}"' if folder else "this"
        text = sentence.format(host=self.server.host, where=where, command=command)
        words = " ".join(filter(None, [end.kind.decode(), f"[{end.code_name}]" if end.code else "", end.text]))
        return MailError(Kind.FOLDER, retry, text, log.masked(words), code)


_GONE = "{host} does not have {where} any more; Mua will look at its folders again."
_BUSY = "{host} cannot do this right now; Mua will try again by itself."
_REASONS: dict[str, tuple[str, Retry, str]] = {
    "NONEXISTENT": ("folder-gone", Retry.SOON, _GONE),
    "TRYCREATE": ("folder-gone", Retry.SOON, _GONE),
    "OVERQUOTA": ("over-quota", Retry.ASK, "The mailbox at {host} is full; delete something there, then try again."),
    "TOOBIG": ("too-big", Retry.NEVER, "This message is larger than {host} accepts."),
    "LIMIT": ("server-limit", Retry.SOON, "{host} says that a limit is reached; Mua will try again later."),
    "ALREADYEXISTS": ("already-exists", Retry.NEVER, "{host} has {where} already."),
    "NOPERM": ("no-permission", Retry.ASK, "{host} does not allow you to do that with {where}."),
    "READ-ONLY": ("no-permission", Retry.ASK, "{host} does not allow changes in {where}."),
    "CANNOT": ("refused", Retry.NEVER, "{host} says that this cannot be done with {where}."),
    "INUSE": ("server-busy", Retry.SOON, _BUSY),
    "UNAVAILABLE": ("server-busy", Retry.SOON, _BUSY),
    "SERVERBUG": ("server-busy", Retry.SOON, _BUSY),
    "CORRUPTION": ("server-busy", Retry.SOON, _BUSY),
}
_NO_SUCH = re.compile(
    r"(?i)(mailbox|folder|does).{0,40}(not? exist|n't exist|not found|unknown|no such)|unknown mailbox|no such"
)


def _reason(end: Status) -> tuple[str, Retry, str]:
    known = _REASONS.get(end.code_name)
    if known is not None:
        return known
    if end.kind == b"NO" and _NO_SUCH.search(end.text):
        return _REASONS["NONEXISTENT"]
    return "refused", Retry.NEVER, "{host} refused what Mua asked of {where}."


def _words(error: str) -> bytes:
    """The server's words out of imapclient's ``create failed: [ALREADYEXISTS] ...``."""
    return error.partition(" failed: ")[2].encode("utf-8", "replace") or error.encode("utf-8", "replace")
