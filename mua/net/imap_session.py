"""Opening an IMAP session: connected, protected, logged in, and with the extensions switched on that need it.

imapclient (on our own ``imaplib.IMAP4``, see ``_Imaplib``) opens the session, upgrades it to TLS, and runs the plain
folder commands; everything whose answer matters to the byte goes through ``Dialogue.command`` on the same ``Wire``.

Rules of the file: nothing that arrived before TLS survives it (NO STARTTLS, USENIX Security 2021); a password is asked
for after the certificate was verified; capabilities are learned anew after each change of state.
"""

import contextlib
import imaplib
import ssl
from collections.abc import Iterator
from typing import Any, NoReturn

from imapclient import IMAPClient
from imapclient.imap4 import IMAP4WithTimeout

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.model.connection import Facts
from mua.net import tls
from mua.net.imap_dialogue import Dialogue, Result
from mua.net.imap_login import Keys, log_in
from mua.net.imap_tokens import argument, status, text
from mua.net.imap_wire import Limits, Wire

_ENABLE = ("CONDSTORE", "QRESYNC", "UTF8=ACCEPT", "IMAP4REV2")
_PART_OF_REV2 = frozenset(  # RFC 9051 s.E: what needs no capability of its own any more
    "BINARY ENABLE ESEARCH IDLE LIST-EXTENDED LIST-STATUS LITERAL- MOVE NAMESPACE SASL-IR SEARCHRES SPECIAL-USE"
    " STATUS=SIZE UIDPLUS UNSELECT".split()
)


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

    def _get_capabilities(self) -> None:
        """As imaplib, which knows no other version than IMAP4rev1."""
        super()._get_capabilities()
        self.offered = self.capabilities
        if "IMAP4REV2" in self.capabilities:
            self.capabilities += ("IMAP4REV1",)

    def _command(self, name: str, *args: Any) -> Any:
        for value in args:
            if isinstance(value, str | bytes):
                argument(value)
        self._session.ready()
        self.untagged_responses.clear()  # imaplib itself never forgets
        return super()._command(name, *args)

    def _append_untagged(self, kind: str, data: Any) -> None:
        self._session.overheard(kind.encode())
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


class Session(Dialogue):
    """One connection, owned by one thread.  Every failure is a MailError; after kind CONNECTION the session is dead.

    ``enabled`` is what ENABLE switched on, ``mechanism`` how we logged in, ``quirks`` what the server offers and cannot
    do, ``server_id`` what it says about itself once it was asked.
    """

    def __init__(
        self,
        server: Server,
        keys: Keys,
        ca_file: str = "",
        timeout: float = 60.0,
        *,
        allow_plaintext: bool = False,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(server, limits)
        self.timeout = timeout
        self.enabled: frozenset[str] = frozenset()
        self.mechanism = ""
        self.quirks: set[str] = set()
        self.server_id: dict[str, str] = {}
        self._allow_plaintext = allow_plaintext
        self._in_clear = server.security is Security.STARTTLS  # until the handshake begins
        self._context: ssl.SSLContext | None = None
        if server.security is not Security.NONE:
            self._context = tls.context(ca_file, keys.certificate)
        try:
            self._open(keys)
        except BaseException as error:
            self.abort()
            if self._in_clear and isinstance(error, MailError):
                tls.mark_in_clear(error)
            raise

    # -- opening

    def _open(self, keys: Keys) -> None:
        if self._context is None and not (self._allow_plaintext or tls.is_loopback(self.server.host)):
            text = "This account is set to an unprotected connection, which Mua does not use; choose TLS or STARTTLS."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="plaintext-refused")
        with self._library("connect"):
            self._client = _Client(self)
            self._know(self._client._imap.offered)
        if self.server.security is Security.STARTTLS:
            self._starttls()
        if self._client._imap.state != "AUTH":
            self.mechanism, end = log_in(self, keys)
            self._client._imap.state = "AUTH"
            self._learn_capabilities(end)
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
        sock = tls.wrap(wire.plain, context, self.server.host)
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
                self._know(self._client._imap.offered)
        except MailError as error:
            if error.kind is Kind.FOLDER:  # NO or BAD
                raise self._no_starttls(error.detail) from error
            raise

    def _no_starttls(self, detail: str) -> MailError:
        text = f"{self.server.host} does not offer a protected connection here, so your password was not sent."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, detail, "no-starttls")

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
        """ENABLE (RFC 9051 s.6.3.1) what changes the server's answers for the better."""
        wanted = [name for name in _ENABLE if name in self.capabilities]
        if not wanted or not ("ENABLE" in self.capabilities or "IMAP4REV2" in self.capabilities):
            return
        try:
            answer = self.command("ENABLE", *wanted, answers={b"ENABLED"})
        except MailError as error:
            if error.kind is not Kind.FOLDER:
                raise
            self.quirks.add("ENABLE")
            return
        self.enabled = frozenset(text(value).upper() for one in answer.untagged for value in one.values)
        if "IMAP4REV2" in self.enabled:
            self.capabilities |= _PART_OF_REV2
        if self.utf8:
            self._client.folder_encode = False
            self._client._imap._mode_utf8()

    # -- state

    @property
    def utf8(self) -> bool:
        """Whether names and searches are UTF-8 as they are (RFC 6855, RFC 9051)."""
        return not self.enabled.isdisjoint({"UTF8=ACCEPT", "IMAP4REV2"})

    def facts(self) -> Facts:
        """What there is to know about this connection now."""
        wire = self.wire
        return Facts(
            mechanism=self.mechanism,
            tls=(wire.plain.version() or "") if isinstance(wire.plain, ssl.SSLSocket) else "",
            capabilities=tuple(sorted(self.capabilities)),
            enabled=tuple(sorted(self.enabled)),
            server=tuple(self.server_id.items()),
            quirks=tuple(sorted(self.quirks)),
            compressed=wire.compressed,
            octets_in=wire.octets_in,
            octets_out=wire.octets_out,
        )

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

    # -- imapclient

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


def _words(error: str) -> bytes:
    """The server's words out of imapclient's ``create failed: [ALREADYEXISTS] ...``."""
    return error.partition(" failed: ")[2].encode("utf-8", "replace") or error.encode("utf-8", "replace")
