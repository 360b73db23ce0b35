"""TCP and TLS, and what their failures mean to a person.

The rule of the file: no connection counts as protected before its certificate chain and its name were verified, and no
``OSError`` or ``ssl.SSLError`` leaves ``net/`` untranslated.  ``connect`` tries every address of a host in turn, IPv6
and IPv4 alternating (RFC 8305 s.4 without the racing), each with a bounded share of the time.
"""

import contextlib
import errno
import functools
import ipaddress
import itertools
import socket
import ssl
import time
from pathlib import Path
from typing import Any

from mua.errors import Kind, MailError, Retry
from mua.model.domain import a_label

IN_CLEAR = "unprotected, so perhaps not from the server: "
UNSENT = 128 * 1024  # octets that wait in the kernel at most
_FIRST_TRY = 10.0  # seconds for one address while others remain

_EXPIRED, _NOT_YET_VALID = 10, 9  # X509_V_ERR_* of OpenSSL
_SELF_SIGNED = 18  # the leaf itself; 19 is an authority that is not known here
_WRONG_NAME = frozenset({62, 63, 64})
_DOWN = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})
_OFFLINE = "this computer seems to be offline; Mua goes on by itself when it is back."


class TlsSocket(ssl.SSLSocket):
    """A TLS socket that is closed if its peer was gone before the handshake; ``ssl`` leaves it to the collector."""

    def getpeername(self) -> Any:
        """The peer's address; asked by ``ssl`` before the handshake, also of a socket that listens and has none."""
        try:
            return super().getpeername()
        except OSError:
            if not self.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                self.close()
            raise


def context(ca_file: str = "", client_cert: str = "") -> ssl.SSLContext:
    """A client context: chain and name verified, TLS 1.2 or newer.  Do not change it: others have it, too.

    ``ca_file`` (PEM) is a private authority trusted beside the system's own; ``client_cert`` (PEM, certificate and
    key, without a passphrase) is what we present to a server that asks.  Raises MailError "ca-file", "client-cert".
    """
    if not client_cert:
        return _shared(ca_file, _authorities(ca_file))
    made = _made(ca_file)  # its key goes with the connections that it was made for
    try:
        made.load_cert_chain(client_cert, password=lambda: "")  # or OpenSSL would ask on the terminal
    except (OSError, ValueError) as error:
        text = f"{client_cert} does not hold a certificate and its key that Mua can use; choose another file."
        raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "client-cert") from error
    return made


def _authorities(ca_file: str) -> tuple[object, ...]:
    """Changes when one of the files does in which the authorities are."""
    system = ssl.get_default_verify_paths()
    return tuple(_edition(path) for path in (system.cafile, system.capath, ca_file) if path)


def _edition(path: str) -> tuple[str, int, int, int]:
    try:
        found = Path(path).stat()
    except OSError:
        return path, 0, 0, 0
    return path, found.st_ino, found.st_size, found.st_mtime_ns


@functools.lru_cache(maxsize=16)
def _shared(ca_file: str, _: tuple[object, ...]) -> ssl.SSLContext:
    """Reading the system's authorities takes twenty milliseconds and a megabyte, at each connection otherwise."""
    return _made(ca_file)


def _made(ca_file: str) -> ssl.SSLContext:
    made = ssl.create_default_context()
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.options |= ssl.OP_NO_RENEGOTIATION
    made.sslsocket_class = TlsSocket
    if ca_file:
        try:
            made.load_verify_locations(cafile=ca_file)
        except OSError as error:
            text = f"The certificate file {ca_file} cannot be read; choose another one in the account's settings."
            raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "ca-file") from error
    return made


def connect(host: str, port: int, timeout: float = 30.0) -> socket.socket:
    """A connected TCP socket with ``timeout`` (seconds) set, small writes sent at once, and keep-alive on.

    Raises MailError "unknown-host", "connection-refused", "timeout" or "network-down".
    """
    end = time.monotonic() + timeout
    addresses = _alternating(_resolve(host, port))
    failure: OSError = OSError("no address")
    for nth, (family, _, _, _, address) in enumerate(addresses, 1):
        left = end - time.monotonic()
        if left <= 0:
            break
        try:
            return _open(family, address, left if nth == len(addresses) else min(left, _FIRST_TRY), timeout)
        except OSError as error:
            failure = error
    raise os_error(failure, host) from failure


def wrap(sock: socket.socket, tls: ssl.SSLContext, host: str) -> ssl.SSLSocket:
    """Do the TLS handshake as a client of ``host``; on failure close the socket and raise MailError."""
    try:
        return tls.wrap_socket(sock, server_hostname=ascii_host(host))
    except (OSError, ValueError) as error:
        sock.close()
        raise tls_error(error, host) from error


def presented(connection: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates (DER) that the peer sent, its own first, verified or not; none where it sent none.

    A public method from Python 3.13 on; before it is the object inside that has it.
    """
    if hasattr(connection, "get_unverified_chain"):
        return tuple(connection.get_unverified_chain())
    inner: Any = connection._sslobj  # type: ignore[attr-defined]  # noqa: SLF001
    return tuple(ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in inner.get_unverified_chain() or ())


def tls_error(error: Exception, host: str) -> MailError:
    """A failed handshake in plain words; codes "certificate-expired", "-wrong-name", "-untrusted" and "tls-failed"."""
    if isinstance(error, ssl.SSLCertVerificationError):
        code, text = _certificate_problem(error.verify_code, host)
        return MailError(Kind.ACCOUNT, Retry.ASK, text, error.verify_message, code)
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return os_error(error, host)
    text = f"{host} could not set up a protected connection, so nothing was sent to it."
    return MailError(Kind.CONNECTION, Retry.SOON, text, str(error), "tls-failed")


def os_error(error: OSError, host: str) -> MailError:
    """A failed connection in plain words; codes as ``connect``, and "connection-lost"."""
    if isinstance(error, TimeoutError):
        code, text = "timeout", f"{host} did not answer in time; Mua will try again by itself."
    elif isinstance(error, ConnectionRefusedError):
        text = f"{host} refuses connections on this port; the server may be down, and Mua will try again by itself."
        code = "connection-refused"
    elif error.errno in _DOWN:
        code, text = "network-down", f"There is no way to {host}: {_OFFLINE}"
    else:
        code, text = "connection-lost", f"The connection to {host} was lost; Mua will connect again by itself."
    return MailError(Kind.CONNECTION, Retry.SOON, text, str(error) or type(error).__name__, code)


def mark_in_clear(error: MailError) -> None:
    """Mark the error of an opening that was to be protected and was not yet: its details may be anybody's words."""
    if error.detail:
        error.detail = IN_CLEAR + error.detail


def is_loopback(host: str) -> bool:
    """Whether ``host`` can only be this computer."""
    return host == "localhost" or host == "::1" or (host.startswith("127.") and host.replace(".", "").isdigit())


_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


def ascii_host(host: str) -> str:
    """The name or address as DNS, SNI and certificates have it (RFC 5891).  Raises ValueError for what is neither."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return a_label(host)


def _resolve(host: str, port: int) -> list[_Address]:
    try:
        return list(socket.getaddrinfo(ascii_host(host), port, type=socket.SOCK_STREAM))
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            text = f"The address of {host} could not be looked up: {_OFFLINE}"
            raise MailError(Kind.CONNECTION, Retry.SOON, text, str(error), "network-down") from error
        raise _unknown(host, error) from error
    except (ValueError, OSError) as error:
        raise _unknown(host, error) from error


def _unknown(host: str, error: Exception) -> MailError:
    text = f"There is no server named {host}; check its name in the account's settings."
    return MailError(Kind.CONNECTION, Retry.SOON, text, str(error), "unknown-host")


def _alternating(found: list[_Address]) -> list[_Address]:
    first = [entry for entry in found if entry[0] == found[0][0]]
    other = [entry for entry in found if entry[0] != found[0][0]]
    pairs = itertools.zip_longest(first, other)
    return [entry for pair in pairs for entry in pair if entry is not None]


def _open(family: socket.AddressFamily, address: Any, patience: float, timeout: float) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(patience)
        sock.connect(address)
        sock.settimeout(timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _keep_alive(sock)
        hold_little(sock)
    except OSError:
        sock.close()
        raise
    return sock


def hold_little(sock: socket.socket) -> None:
    """Let the kernel hold little that is not on its way yet.

    Or it takes megabytes at once: over a slow line the server's answer then comes minutes after the last octet was
    "sent", past every time-out, and what is shown as gone has not gone.
    """
    if hasattr(socket, "TCP_NOTSENT_LOWAT"):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT)


def _keep_alive(sock: socket.socket) -> None:
    """Probe a silent peer after a minute, so that an IDLE over a dead network ends in minutes, not in days."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _certificate_problem(verify_code: int, host: str) -> tuple[str, str]:
    sent = "so your password was not sent"
    if verify_code == _EXPIRED:
        return "certificate-expired", f"The certificate of {host} has expired, {sent}; its operator must renew it."
    if verify_code == _NOT_YET_VALID:
        return (
            "certificate-expired",
            f"The certificate of {host} is not valid yet, {sent}; check this computer's clock.",
        )
    if verify_code in _WRONG_NAME:
        named = f"The server that answered as {host} has a certificate for another name, {sent}"
        return "certificate-wrong-name", f"{named}; check the server's name, or ask its operator."
    yours = "if it is your own server, choose its certificate authority's file in the account's form."
    whose = (
        "is signed by nobody but itself"
        if verify_code == _SELF_SIGNED
        else "is not signed by anyone this computer trusts"
    )
    return "certificate-untrusted", f"The certificate of {host} {whose}, {sent}; {yours}"
