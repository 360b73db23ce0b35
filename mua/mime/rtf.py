"""Compressed RTF, as Outlook stores formatted text (MS-OXRTFCP).

Rules of the file: never raises; what comes out is at most ``MAX_RTF`` octets and never more than the input could say.
"""

import struct
from typing import Final

MAX_RTF: Final = 16 << 20  # octets

_COMPRESSED: Final = 0x75465A4C
_PLAIN: Final = 0x414C454D
_BEGINNING: Final = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans Serif"
    rb"SymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


def decompressed(data: bytes) -> bytes:
    """The RTF in ``data``; empty when it is none."""
    if len(data) < 16:
        return b""
    size, kind = struct.unpack_from("<4xII", data)
    if kind == _PLAIN:
        return data[16 : 16 + min(size, MAX_RTF)]
    return _decompressed(data, min(size, MAX_RTF)) if kind == _COMPRESSED else b""


def _decompressed(data: bytes, size: int) -> bytes:
    """A flag octet, then eight tokens: one octet as it is, or twelve bits of place and four of length."""
    out = bytearray(_BEGINNING)
    start, position, end = len(out), 16, len(data)
    while position < end and len(out) - start < size:
        flags = data[position]
        position += 1
        for bit in range(8):
            if position >= end:
                break
            if not flags >> bit & 1:
                out.append(data[position])
                position += 1
                continue
            token = int.from_bytes(data[position : position + 2], "big")
            position += 2
            distance = (len(out) - (token >> 4)) % 4096
            if distance == 0:  # the place where the next octet would go ends the text
                return bytes(out[start:])
            _copy(out, distance, (token & 15) + 2)
    return bytes(out[start : start + size])


def _copy(out: bytearray, distance: int, length: int) -> None:
    """Octets from ``distance`` back; they may overlap what is being written, and before the beginning are zeros."""
    at = len(out) - distance
    for index in range(at, at + length):
        out.append(out[index] if index >= 0 else 0)
