"""A message of Apple Mail's ``.partial.emlx``, whose attachments lie beside it as files: where they go, and put back.

A part that was taken out has an ``X-Apple-Content-Length`` field and no body.  The result has the same contents; the
lines of its base64 are as most programs make them, which need not be how they were.
"""

import base64
import quopri
from collections.abc import Mapping

from mua.mime.scan import Part, scan
from mua.records import dataclass

_MARK = "x-apple-content-length"
_LINE = 57  # octets that make a line of 76 characters


@dataclass(frozen=True, slots=True)
class Hole:
    """A part that was taken out: its section number (RFC 9051 s.6.4.5), which names its folder among the files."""

    section: str
    start: int
    end: int
    encoding: str


def holes(raw: bytes) -> list[Hole]:
    """The parts that are missing, in the order of the message."""
    found = [one for one in scan(raw).walk() if _is_hole(raw, one)]
    return [Hole(one.section, one.body_start, one.body_end, one.encoding) for one in found]


def _is_hole(raw: bytes, part: Part) -> bool:
    return part.field(_MARK) is not None and not part.children and not raw[part.body_start : part.body_end].strip()


def filled(raw: bytes, files: Mapping[str, bytes]) -> bytes:
    """The message with these files in its holes, by section; a hole without a file stays one."""
    pieces: list[bytes] = []
    place = 0
    end = b"\r\n" if b"\r\n" in raw[:2000] else b"\n"
    for hole in sorted(holes(raw), key=lambda one: one.start):
        if hole.section in files:
            pieces += [raw[place : hole.start], _encoded(files[hole.section], hole.encoding, end)]
            place = hole.end
    return b"".join([*pieces, raw[place:]])


def _encoded(data: bytes, encoding: str, end: bytes) -> bytes:
    if encoding == "base64":
        return end.join(base64.b64encode(data[at : at + _LINE]) for at in range(0, len(data), _LINE))
    if encoding == "quoted-printable":
        return quopri.encodestring(data).replace(b"\r\n", b"\n").replace(b"\n", end)
    return data
