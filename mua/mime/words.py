"""Encoded words of headers (RFC 2047), raw 8-bit headers (RFC 6532 and worse), unfolding.

Rules of the file: never raises; the bytes of adjacent words in one charset are joined before they are decoded, because
real mailers cut a character in two; at most ``MAX_VALUE`` bytes of a value are decoded.
"""

import binascii
import re
from typing import Final

from mua.mime.charset import decode_text

MAX_VALUE: Final = 64 * 1024

_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_WORD = re.compile(rb"=\?([^\s?]{1,60})\?([bBqQ])\?([^?]*(?:\?(?!=)[^?]*){0,20}?)\?=")
_Q_ESCAPE = re.compile(rb"=([0-9A-Fa-f]{2})")
_NOT_BASE64: Final = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))


def unfold(raw: bytes) -> bytes:
    """One line: folds undone (RFC 5322 s.2.2.3), stray line ends and NULs turned into blanks, ends trimmed."""
    if b"\n" in raw or b"\r" in raw:
        raw = _FOLD.sub(b"", raw).replace(b"\r", b" ").replace(b"\n", b" ")
    return raw.strip()


def decode_words(raw: bytes) -> str:
    """A raw unstructured header value as text: unfolded, encoded words decoded, no line end or NUL left in it."""
    raw = unfold(raw[:MAX_VALUE])
    if b"=?" not in raw:
        text = raw.decode("ascii") if raw.isascii() else decode_text(raw, None)
    else:
        text = "".join(_pieces(raw))
    if "\0" in text or "\n" in text or "\r" in text:
        text = text.replace("\0", "").replace("\r\n", " ").replace("\n", " ").replace("\r", " ")
    return text


def _pieces(raw: bytes) -> list[str]:
    pieces: list[str] = []
    charset, data, position = "", b"", 0
    chunks: list[bytes] = []
    for match in _WORD.finditer(raw):
        gap = raw[position : match.start()]
        label = match[1].decode("ascii", "replace").split("*")[0].lower()
        data = _word_bytes(match[2], match[3])
        if chunks and (gap.strip() or label != charset):
            pieces.append(decode_text(b"".join(chunks), charset))
            chunks = []
        if gap and (gap.strip() or (not pieces and not chunks)):
            pieces.append(_plain(gap))
        charset = label
        chunks.append(data)
        position = match.end()
    if chunks:
        pieces.append(decode_text(b"".join(chunks), charset))
    if position < len(raw):
        pieces.append(_plain(raw[position:]))
    return pieces


def _plain(raw: bytes) -> str:
    return raw.decode("ascii") if raw.isascii() else decode_text(raw, None)


def _word_bytes(encoding: bytes, data: bytes) -> bytes:
    if encoding in b"qQ":
        return _Q_ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), data.replace(b"_", b" "))
    letters = data.replace(b"-", b"+").replace(b"_", b"/").translate(None, _NOT_BASE64)
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))
