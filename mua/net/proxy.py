"""A connection through a proxy that the person named: SOCKS 5 (RFC 1928), or CONNECT of HTTP (RFC 9110 s.9.3.6).

Rules of the file: the proxy is given the name and looks it up, this computer asks no DNS for it; no credential is sent;
whatever the proxy says is bounded, and its failure is said to be its own.
"""

import socket
import time

from mua.errors import Kind, MailError, Retry
from mua.net import tls
from mua.plan.proxy import Proxy, Scheme

UNREACHABLE = "proxy-unreachable"
_MOST = 8 << 10  # octets of an answer to CONNECT
_ADDRESS = {1: 4, 4: 16}  # octets of a bound address by its type (RFC 1928 s.5)


def connect(proxy: Proxy, seconds: float) -> socket.socket:
    """A connection to the proxy itself.  Raises MailError ``UNREACHABLE``."""
    try:
        return tls.connect(proxy.host, proxy.port, seconds)
    except MailError as error:
        text = f"The proxy {proxy.host} cannot be reached, so nothing was asked for; see Settings."
        raise MailError(Kind.CONNECTION, Retry.ASK, text, error.detail, UNREACHABLE) from error


def tunnel(proxy: Proxy, host: str, port: int, seconds: float) -> socket.socket:
    """A connection to ``host`` (a name, or an address) through the proxy, within so many seconds.

    Raises MailError ``UNREACHABLE``, or "proxy-refused" where it does not lead there.
    """
    end = time.monotonic() + seconds
    sock = connect(proxy, seconds)
    try:
        speak = _socks if proxy.scheme is Scheme.SOCKS5 else _http
        speak(sock, end, host, port)
    except (OSError, _Refused) as error:
        sock.close()
        text = f"The proxy {proxy.host} did not lead to {host}."
        raise MailError(Kind.CONNECTION, Retry.SOON, text, str(error)[:200], "proxy-refused") from error
    return sock


class _Refused(Exception):
    """What the proxy said is no way there."""


def _socks(sock: socket.socket, end: float, host: str, port: int) -> None:
    name = host.encode("ascii")
    if len(name) > 255:
        raise _Refused("a name of more than 255 octets")
    sock.sendall(b"\x05\x01\x00")
    if _read(sock, end, 2) != b"\x05\x00":
        raise _Refused("it wants a password, or is no SOCKS 5")
    sock.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"))
    version, reply, _, kind = _read(sock, end, 4)
    if version != 5 or reply:
        raise _Refused(f"reply {reply}")
    octets = _ADDRESS.get(kind) or (_read(sock, end, 1)[0] if kind == 3 else 0)
    _read(sock, end, octets + 2)


def _http(sock: socket.socket, end: float, host: str, port: int) -> None:
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    sock.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode("ascii"))
    told = bytearray()
    while not told.endswith(b"\r\n\r\n"):
        if len(told) >= _MOST:
            raise _Refused("an endless header")
        told += _read(sock, end, 1)  # what follows is of the tunnel
    status = bytes(told).split(b"\r\n", 1)[0].split(b" ")
    if not status[0].startswith(b"HTTP/1.") or len(status) < 2 or not status[1].startswith(b"2"):
        raise _Refused(b" ".join(status)[:100].decode("ascii", "replace"))


def _read(sock: socket.socket, end: float, number: int) -> bytes:
    found = bytearray()
    while len(found) < number:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("too slow")
        sock.settimeout(left)
        more = sock.recv(number - len(found))
        if not more:
            raise ConnectionError("it ended the connection")
        found += more
    return bytes(found)
