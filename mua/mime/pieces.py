"""A message as pieces: octets that are here, and files whose octets are read when they are needed.

Rule of the file: whatever the size of a message, ``blocks`` holds one block of it; nothing is opened but by
``Content.open``, and nothing is written.

``skim`` is the other direction: of a message in a file, what lists and the search index want to know.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import BinaryIO, Final

from mua.errors import Kind, MailError, Retry
from mua.mime.encode import MAX_LINE, base64_lines, crlf
from mua.mime.scan import body_start
from mua.records import dataclass

BLOCK: Final = 57 * 2048  # octets: a multiple of what one line of base64 holds
SKIMMED: Final = 1 << 20  # octets of a large message that are read as they are; behind them only where parts begin
MENDED: Final = 16 << 20  # octets of a file that is read at once, and mended where SMTP could not carry it
MAX_HEADER: Final = 1 << 20  # octets
_PART_HEAD: Final = 8 * 1024  # octets kept from the beginning of each later part
_MAX_SKIM: Final = 4 << 20
_LONG_LINE = re.compile(rb"[^\n]{%d}" % (MAX_LINE + 2))  # 998 and its CR fit in 999


@dataclass(frozen=True, slots=True)
class Content:
    """Octets outside: ``open`` gives a fresh stream of them, ``size`` is how many there were when it was made."""

    open: Callable[[], BinaryIO]
    size: int


@dataclass(frozen=True, slots=True)
class Encoded:
    """Content as an attachment: base64 in lines of 76 characters (RFC 2045 s.6.8)."""

    content: Content


@dataclass(frozen=True, slots=True)
class Body:
    """A whole message's body, from ``start`` on, with CRLF for whatever line ends it has."""

    content: Content
    start: int


Piece = bytes | Encoded | Body
Pieces = Sequence[Piece]


def whole_or_divided(content: Content, start: int = 0) -> Pieces:
    """The message that begins at ``start``: in one piece where it is small enough to be mended; else its header, and
    where the rest is.  Raises OSError, and MailError "attachment-changed".
    """
    with content.open() as file:
        file.seek(start)
        if content.size - start <= MENDED:
            whole = _filled(file, content.size - start)
            if len(whole) < content.size - start or file.read(1):
                raise _changed()
            return (whole,)
        head = file.read(MAX_HEADER)
    end = body_start(head)
    return (head[:end], Body(content, start + end))


def blocks(pieces: Pieces) -> Iterator[bytes]:
    """The octets of a message.  Raises MailError "attachment-missing" or "attachment-changed", and "unsendable" for a
    ``Body`` with what SMTP cannot carry: it is too large to be mended (``freeze`` does that to smaller ones).
    """
    for piece in pieces:
        if isinstance(piece, bytes):
            yield piece
            continue
        try:
            yield from _encoded(piece.content) if isinstance(piece, Encoded) else _canonical(piece)
        except OSError as error:
            text = "A file of the message cannot be read, so nothing was sent; it may have been moved. Attach it again."
            raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "attachment-missing") from error


def _encoded(content: Content) -> Iterator[bytes]:
    """Exactly as many octets as there were: a file that grows meanwhile is sent as it was found."""
    left = content.size
    with content.open() as file:
        while left:
            block = _filled(file, min(BLOCK, left))
            if not block:
                raise _changed()
            left -= len(block)
            yield base64_lines(block)


def _changed() -> MailError:
    text = "A file of the message changed while it was read, so nothing was sent; send it again."
    return MailError(Kind.LOCAL, Retry.ASK, text, code="attachment-changed")


def _filled(file: BinaryIO, size: int) -> bytes:
    """``size`` octets, fewer only at the end: lines must not end in the middle of the file."""
    block = file.read(size)
    while block and len(block) < size and (more := file.read(size - len(block))):
        block += more
    return block


def _canonical(body: Body) -> Iterator[bytes]:
    """Exactly what there was; a file that has become longer is refused, too: whoever writes into it is not done."""
    left, tail = body.content.size - body.start, b""
    with body.content.open() as file:
        file.seek(body.start)
        while left:
            block = file.read(min(BLOCK, left))
            if not block:
                raise _changed()
            left -= len(block)
            whole = tail + block
            end = whole.rfind(b"\n") + 1
            tail = whole[end:]
            yield _carried(crlf(whole[:end]))
            _carried(tail)
        if file.read(1):
            raise _changed()
    if tail:
        yield _carried(crlf(tail.removesuffix(b"\r") + b"\r\n"))


def _carried(lines: bytes) -> bytes:
    if b"\0" not in lines and not _LONG_LINE.search(lines):
        return lines
    text = "The message holds lines or characters that mail servers would cut, and it is too large to be mended."
    raise MailError(Kind.MESSAGE, Retry.ASK, text, code="unsendable")


class Meter:
    """Counts what passes through it.  ``size`` in octets, ``eight_bit``, ``digest``: as it was so far."""

    def __init__(self) -> None:
        self.size = 0
        self.eight_bit = False
        self._hash = new_digest()

    def through(self, given: Iterable[bytes]) -> Iterator[bytes]:
        """The same blocks, counted."""
        for block in given:
            self.size += len(block)
            self.eight_bit = self.eight_bit or not block.isascii()
            self._hash.update(block)
            yield block

    @property
    def digest(self) -> bytes:
        """Of everything that has passed."""
        return self._hash.digest()


def new_digest() -> "hashlib.blake2b":
    """The hash of frozen messages: against a disk that forgets, not against people."""
    return hashlib.blake2b(digest_size=16)


def skim(file: BinaryIO) -> bytes:
    """A message without the inside of its large parts: the first ``SKIMMED`` octets, and where later parts begin.

    What was left out changes no offset that matters, since nobody looks for offsets in what this returns.
    """
    head = file.read(SKIMMED)
    kept, size, tail = [head], len(head), b""
    while size < _MAX_SKIM and (block := file.read(1 << 20)):
        whole = tail + block
        at = whole.find(b"\n--")
        while 0 <= at < len(whole) - _PART_HEAD:
            kept.append(whole[at : at + _PART_HEAD])
            size += _PART_HEAD
            at = whole.find(b"\n--", at + _PART_HEAD)
        tail = whole[at:] if at >= 0 else whole[-2:]
    return b"".join([*kept, tail[tail.find(b"\n--") :] if b"\n--" in tail else b""])
