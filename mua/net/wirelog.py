"""The last lines of one connection, for error reports and tests, with secrets masked.

A ring of short lines: ``> `` what we sent, ``< `` what we received.  Lines that carry credentials are cut after the
verb, whoever forgot to say ``secret``; registered secrets (``mua.log.mask``) are masked once more on the way out.
"""

import re
from collections import deque

from mua.log import masked

_WIDTH = 200
_CREDENTIALS = re.compile(
    rb"^((?:\S+ )?(?:(?:AUTHENTICATE|AUTH)\b(?: [A-Z0-9-]+(?= ))?|(?:LOGIN|PASS|APOP)\b))(.*)",
    re.IGNORECASE | re.DOTALL,
)


class WireLog:
    """A ring of the last ``lines`` lines of a conversation; ``lines_sent`` counts all of ours."""

    def __init__(self, lines: int = 100) -> None:
        self.lines_sent = 0
        self._ring: deque[str] = deque(maxlen=lines)

    def sent(self, data: bytes, secret: bool = False) -> None:
        """Note what we send; with ``secret`` only that something was sent."""
        self.lines_sent += 1
        if secret:
            self._ring.append("> ***")
            return
        hidden = _CREDENTIALS.match(data)
        self._ring.append("> " + (_shown(hidden[1]) + " ***" if hidden else _shown(data)))

    def received(self, line: bytes) -> None:
        """Note a line of the peer."""
        self._ring.append("< " + _shown(line))

    def note(self, text: str) -> None:
        """Note something else that happened (TLS, a literal left out)."""
        self._ring.append("-- " + text)

    def text(self) -> str:
        """The transcript, oldest line first."""
        return masked("\n".join(self._ring))


def _shown(data: bytes) -> str:
    text = bytes(data[:_WIDTH]).rstrip(b"\r\n").decode("ascii", "backslashreplace")
    text = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    return text + ("..." if len(data) > _WIDTH + 2 else "")
