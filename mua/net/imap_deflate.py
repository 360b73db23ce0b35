"""COMPRESS=DEFLATE (RFC 4978): a socket whose bytes are deflated, both ways.

Theory of operation: a ``Wire`` reads and writes it like the socket underneath.  What comes out of one read is bounded
by the reader's buffer, however small the server's packet was: a bomb costs time, which the limits of ``Wire`` end, not
memory.  What does not fit stays deflated until the next read.
"""

import contextlib
import socket
import ssl
import zlib
from typing import Any

_READ = 1 << 16
_WINDOW = -15  # raw deflate


class DeflatedSocket:
    """The part of a socket that a ``Wire`` uses.  ``already`` is what was received beyond the answer to COMPRESS."""

    def __init__(self, sock: socket.socket, already: bytes = b"") -> None:
        self.plain = sock
        self._inflate = zlib.decompressobj(_WINDOW)
        self._deflate = zlib.compressobj(wbits=_WINDOW)
        self._rest = already
        self._full = False  # the last read filled its buffer: more may come out without going in

    def recv_into(self, buffer: bytearray) -> int:
        """Read into ``buffer``; 0 at the end.  Raises what the socket raises, and OSError for a broken stream."""
        while True:
            if not self._rest and not self._full:
                self._rest = self.plain.recv(_READ)
                if not self._rest:
                    return 0
            found = self._inflated(len(buffer))
            if found:
                buffer[: len(found)] = found
                return len(found)

    def _inflated(self, most: int) -> bytes:
        try:
            found = self._inflate.decompress(self._rest, most)
        except zlib.error as error:
            raise OSError(f"broken compression: {error}") from error
        if self._inflate.eof:
            raise OSError("the compressed stream ended")
        self._rest = self._inflate.unconsumed_tail
        self._full = len(found) == most
        return found

    def pending(self) -> int:
        """How much may be read without the socket having anything new (at least)."""
        below = self.plain.pending() if isinstance(self.plain, ssl.SSLSocket) else 0
        return len(self._rest) + self._full + below

    def sendall(self, data: bytes | bytearray | memoryview) -> None:
        """Send everything, and leave nothing of it in the compressor."""
        self.plain.sendall(self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)  # settimeout, fileno, getpeername, close, version, getpeercert


def is_far(sock: socket.socket) -> bool:
    """Whether the peer is neither on this computer nor in a private network."""
    import ipaddress

    with contextlib.suppress(OSError, ValueError):
        return ipaddress.ip_address(sock.getpeername()[0]).is_global
    return False
