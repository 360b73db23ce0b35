"""Does a mail server answer here, with a certificate for its name?  Asked without any credential, for discovery.

Rules of the file: the protection of the account's own connections (TLS first, or STARTTLS and nothing else); nothing is
sent but what is needed to get there, and nothing is believed that was said before TLS.
"""

import contextlib
import socket
import time
from collections.abc import Callable

from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.net import tls

MAX_LINES, MAX_LINE = 100, 4096
_GREETINGS = {"imap": b"* OK", "pop3": b"+OK", "smtp": b"220"}


class _Lines:
    """Lines of a socket, bounded in number, length and time."""

    def __init__(self, sock: socket.socket, host: str, end: float) -> None:
        self.sock = sock
        self._host = host
        self._end = end
        self._buffer = b""
        self._count = 0

    def next(self) -> bytes:
        """The next line without its end."""
        self._count += 1
        while b"\n" not in self._buffer:
            if len(self._buffer) > MAX_LINE or self._count > MAX_LINES:
                raise _other(self._host, "it talks too much")
            self._buffer += self._received()
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def _received(self) -> bytes:
        left = self._end - time.monotonic()
        if left <= 0:
            raise tls.os_error(TimeoutError("too slow"), self._host)
        self.sock.settimeout(left)
        data = self.sock.recv(4096)
        if not data:
            raise tls.os_error(ConnectionError("closed by the server"), self._host)
        return data

    def say(self, line: bytes) -> None:
        """Send a command."""
        self.sock.sendall(line + b"\r\n")

    def nothing_left(self) -> bool:
        """Whether everything that was received has been read."""
        return not self._buffer


def probe(server: Server, protocol: str, ca_file: str = "", timeout: float = 5.0) -> None:
    """Return if a server of ``protocol`` ("imap", "pop3", "smtp") answers with a verified certificate.

    Raises MailError as ``net.tls`` does, and "no-starttls", "protocol-error" or "plaintext-refused".
    """
    if server.security is Security.NONE:
        text = "Mua looks only for servers with a protected connection."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="plaintext-refused")
    end = time.monotonic() + timeout
    context = tls.context(ca_file)
    sock = tls.connect(server.host, server.port, timeout)
    in_clear = server.security is Security.STARTTLS  # until the handshake begins
    try:
        sock.settimeout(max(0.1, end - time.monotonic()))
        if server.security is Security.TLS:
            sock = tls.wrap(sock, context, server.host)
        lines = _Lines(sock, server.host, end)
        _greeted(lines, protocol, server.host)
        if server.security is Security.STARTTLS:
            _UPGRADES[protocol](lines, server.host)
            if not lines.nothing_left():
                raise _other(server.host, "data after the answer to STARTTLS")
            in_clear = False
            sock = tls.wrap(sock, context, server.host)
    except OSError as error:
        raise tls.os_error(error, server.host) from error
    except MailError as error:
        if in_clear:
            tls.mark_in_clear(error)
        raise
    finally:
        with contextlib.suppress(OSError):
            sock.close()


def _greeted(lines: _Lines, protocol: str, host: str) -> None:
    line = lines.next()
    if not line.startswith(_GREETINGS[protocol]):
        raise _other(host, repr(line[:80]))
    while protocol == "smtp" and line[3:4] == b"-":
        line = lines.next()


def _imap(lines: _Lines, host: str) -> None:
    lines.say(b"a STARTTLS")
    line = lines.next()
    while line.startswith(b"* "):
        line = lines.next()
    if not line.startswith(b"a OK"):
        raise _no_starttls(host, line)


def _pop3(lines: _Lines, host: str) -> None:
    lines.say(b"STLS")
    line = lines.next()
    if not line.startswith(b"+OK"):
        raise _no_starttls(host, line)


def _smtp(lines: _Lines, host: str) -> None:
    for command in (b"EHLO [127.0.0.1]", b"STARTTLS"):
        lines.say(command)
        line = lines.next()
        while line[3:4] == b"-":
            line = lines.next()
        if not line.startswith(b"2"):
            raise _no_starttls(host, line)


_UPGRADES: dict[str, Callable[[_Lines, str], None]] = {"imap": _imap, "pop3": _pop3, "smtp": _smtp}


def _other(host: str, detail: str) -> MailError:
    text = f"Something answers at {host}, but it is no mail server of this kind."
    return MailError(Kind.ACCOUNT, Retry.ASK, text, detail, "protocol-error")


def _no_starttls(host: str, line: bytes) -> MailError:
    text = f"{host} does not offer a protected connection here."
    return MailError(Kind.ACCOUNT, Retry.ASK, text, repr(line[:80]), "no-starttls")
