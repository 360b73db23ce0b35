"""yEnc (draft of Juergen Helbing, 1.3): 8-bit files in the middle of news articles.  Never raises; linear."""

import re
from typing import Final

from mua.mime.uu import UuFile

_BEGIN = re.compile(
    rb"^=ybegin (?=[^\r\n]*\bline=)([^\r\n]{1,400})\r?\n(?:=ypart ([^\r\n]{1,200})\r?\n)?", re.MULTILINE
)
_END = re.compile(rb"^=yend\b[^\r\n]*(?:\r?\n|\Z)", re.MULTILINE)
_NAME = re.compile(rb"\bname=(.*)")
_PART = re.compile(rb"\bpart=(\d{1,6})")
_PLAIN: Final = bytes((octet - 42) % 256 for octet in range(256))
_ESCAPED: Final = bytes((octet - 64 - 42) % 256 for octet in range(256))


def find_yenc(body: bytes) -> list[UuFile]:
    """The yEnc files inside ``body``, in order; only whole ones.  One of several pieces has its number in its name."""
    found: list[UuFile] = []
    position = 0
    while (begin := _BEGIN.search(body, position)) is not None:
        end = _END.search(body, begin.end())
        if end is None:
            break
        data = decode_yenc(body[begin.end() : end.start()])
        found.append(UuFile(begin.start(), end.end(), _name(begin[1]), data))
        position = end.end()
    return found


def decode_yenc(lines: bytes) -> bytes:
    """The octets of yEnc lines."""
    first, *rest = lines.translate(None, b"\r\n").split(b"=")
    escaped = (piece[:1].translate(_ESCAPED) + piece[1:].translate(_PLAIN) for piece in rest)
    return b"".join([first.translate(_PLAIN), *escaped])


def _name(line: bytes) -> bytes:
    name, part = _NAME.search(line), _PART.search(line)
    given = name[1].strip().strip(b'"') if name else b""
    return given + b"." + part[1].zfill(3) if part else given
