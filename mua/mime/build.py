"""A draft -> the bytes of a message.

Rules of the file: the same draft, files, time and Message-ID give the same bytes; the output is 7-bit clean, CRLF,
no line longer than 998; nothing about this computer is told (no host name, no user agent, no Received).
The Bcc field is written: ``freeze`` takes it off the wire and leaves it in the copy.
"""

import hashlib
import mimetypes
import re
from collections.abc import Iterator, Sequence
from typing import Final

from mua.mime.encode import (
    address_field,
    base64_lines,
    date_text,
    encode_text,
    field,
    id_field,
    one_line,
    parameter,
    wire_address,
)
from mua.mime.freeze import Frozen, downgrade, freeze
from mua.mime.pieces import Content, Encoded, Piece, Pieces, blocks
from mua.mime.text import flow, safe_filename, unflow
from mua.model.address import Address
from mua.model.outgoing import Draft, DraftAttachment, Priority

__all__ = ["Frozen", "build", "capped_references", "date_text", "downgrade", "freeze", "new_message_id"]

MAX_REFERENCES: Final = 50  # RFC 5322 sets no limit; other people's header parsers do

_TYPE = re.compile(r"[a-z0-9]+/[a-z0-9][a-z0-9.+_-]*\Z")

Entity = tuple[bytes, tuple[Piece, ...]]  # header fields of a part, its body


def build(
    draft: Draft,
    files: Sequence[tuple[DraftAttachment, bytes | Content]],
    *,
    now: int,
    message_id: str,
    utc_offset_minutes: int = 0,
) -> bytes:
    """The message for ``draft`` with the contents of its ``files`` (RFC 5322, 2045-2047, 2183, 2231).

    ``now`` is UTC seconds, ``message_id`` without angle brackets.  Raises MailError when an address is not one.
    """
    made = pieces(draft, files, now=now, message_id=message_id, utc_offset_minutes=utc_offset_minutes)
    return b"".join(blocks(made))


def pieces(
    draft: Draft,
    files: Sequence[tuple[DraftAttachment, bytes | Content]],
    *,
    now: int,
    message_id: str,
    utc_offset_minutes: int = 0,
) -> Pieces:
    """The same message, with the files that are ``Content`` left where they are; its first piece has the header."""
    boundary = _Boundaries(message_id)
    inside = [one for one in files if draft.html and one[0].content_id]
    header, body = _content(draft, inside, boundary)
    beside = [one for one in files if one not in inside] if inside else files
    if beside:
        header, body = _multipart("mixed", [(header, body), *(_attached(*file) for file in beside)], boundary)
    return _joined(*_header(draft, now, message_id, utc_offset_minutes), header, b"\r\n", *body)


def _joined(*given: Piece) -> tuple[Piece, ...]:
    """The same pieces, neighbouring octets made one."""
    found: list[Piece] = []
    octets: list[bytes] = []
    for one in given:
        if isinstance(one, bytes):
            octets.append(one)
        else:
            found += [b"".join(octets), one]
            octets = []
    return (*found, b"".join(octets))


def _header(draft: Draft, now: int, message_id: str, utc_offset_minutes: int) -> list[bytes]:
    lines = [
        field("Date", date_text(now, utc_offset_minutes)),
        address_field("From", [draft.sender]),
        id_field("Message-ID", [message_id]),
        field("Subject", draft.subject),
    ]
    for name, addresses in (("To", draft.to), ("Cc", draft.cc), ("Bcc", draft.bcc), ("Reply-To", draft.reply_to)):
        if addresses:
            lines.append(address_field(name, addresses))
    if draft.in_reply_to:
        lines.append(id_field("In-Reply-To", [draft.in_reply_to]))
    if draft.references:
        lines.append(id_field("References", capped_references(draft.references)))
    if draft.priority is not Priority.NORMAL:  # RFC 4021 s.2.1.54; the second is the one that others look at
        high = draft.priority is Priority.HIGH
        lines += [field("Importance", draft.priority.value), field("X-Priority", "1" if high else "5")]
    if draft.receipt:
        lines.append(address_field("Disposition-Notification-To", [draft.sender]))
    return [*lines, b"MIME-Version: 1.0\r\n"]


def resent(
    sender: Address,
    to: Sequence[Address],
    cc: Sequence[Address],
    *,
    now: int,
    message_id: str,
    utc_offset_minutes: int = 0,
) -> bytes:
    """The block of fields that goes before a message which is passed on as it is (RFC 5322 s.3.6.6).

    Who gets it blindly is not in it.  Raises MailError when an address is not one.
    """
    lines = [
        field("Resent-Date", date_text(now, utc_offset_minutes)),
        address_field("Resent-From", [sender]),
        id_field("Resent-Message-ID", [message_id]),
    ]
    lines += [address_field(name, some) for name, some in (("Resent-To", to), ("Resent-Cc", cc)) if some]
    return b"".join(lines)


def capped_references(references: Sequence[str]) -> tuple[str, ...]:
    """At most ``MAX_REFERENCES``: the first one and the newest (RFC 5536 s.3.2.10's advice for shortening)."""
    if len(references) <= MAX_REFERENCES:
        return tuple(references)
    return (references[0], *references[-(MAX_REFERENCES - 1) :])


def new_message_id(sender: Address | str, random: bytes) -> str:
    """A Message-ID without angle brackets: 128 random bits at the sender's own domain (no host name leaks)."""
    address = sender.address if isinstance(sender, Address) else sender
    domain = wire_address(address if "@" in address else f"x@{address}").rpartition("@")[2]
    return f"{int.from_bytes(random[:16], 'big'):032x}@{domain}"


class _Boundaries:
    """Boundaries that no content can hold by accident; ``=_`` never occurs in quoted-printable or base64."""

    def __init__(self, seed: str) -> None:
        self._seed = hashlib.blake2b(seed.encode("utf-8", "replace"), digest_size=12).hexdigest()
        self._count = 0

    def fresh(self, entities: Sequence[Entity]) -> bytes:
        while True:
            self._count += 1
            boundary = f"=_{self._seed}_{self._count}".encode("ascii")
            if not any(boundary in octets for header, body in entities for octets in (header, *_octets(body))):
                return boundary


def _octets(body: Sequence[Piece]) -> Iterator[bytes]:
    """Of a body what could hold a boundary: base64 cannot."""
    return (one for one in body if isinstance(one, bytes))


def _content(draft: Draft, inside: Sequence[tuple[DraftAttachment, bytes | Content]], boundary: _Boundaries) -> Entity:
    """The text; where there is HTML both, the better last (RFC 2046 s.5.1.4), with its pictures (RFC 2387)."""
    plain = _text("plain", draft.text)
    if not draft.html:
        return plain
    html = _text("html", draft.html)
    if inside:
        html = _multipart("related", [html, *(_attached(*file) for file in inside)], boundary)
    return _multipart("alternative", [plain, html], boundary)


def _text(subtype: str, text: str) -> Entity:
    """Plain text flows (RFC 3676) where it can be had back exactly as it was written."""
    text = text.replace("\0", "").replace("\r\n", "\n")
    if text and not text.endswith("\n"):
        text += "\n"
    flowed = ""
    if subtype == "plain" and text and unflow(made := flow(text)) == text:
        text, flowed = made, "; format=flowed"
    encoding, body = encode_text(text)
    charset = "us-ascii" if text.isascii() else "utf-8"
    header = f"Content-Type: text/{subtype}; charset={charset}{flowed}\r\nContent-Transfer-Encoding: {encoding}\r\n"
    return header.encode("ascii"), (body,)


def _multipart(kind: str, entities: Sequence[Entity], boundaries: _Boundaries) -> Entity:
    boundary = boundaries.fresh(entities)
    header = b'Content-Type: multipart/%s;\r\n boundary="%s"\r\n' % (kind.encode("ascii"), boundary)
    parts: list[Piece] = []
    for head, body in entities:
        # The line end before a delimiter belongs to it: text and messages keep their own last one by a second.
        encoded = b"Transfer-Encoding: base64\r\n" in head or head.startswith(b"Content-Type: multipart/")
        parts += [b"--", boundary, b"\r\n", head, b"\r\n", *body, b"" if encoded and any(body) else b"\r\n"]
    return header, _joined(*parts, b"--", boundary, b"--\r\n")


def _attached(attachment: DraftAttachment, data: bytes | Content) -> Entity:
    """One file: base64 always, so that its bytes arrive as they are; an attached message as RFC 2046 s.5.2.1 wants."""
    name = safe_filename(attachment.name or attachment.path.replace("\\", "/").rsplit("/", 1)[-1])
    kind = _media_type(attachment, name)
    if isinstance(data, Content) and not data.size:
        data = b""
    embedded = kind == "message/rfc822" and isinstance(data, bytes) and _is_seven_bit(data)
    if kind.startswith(("message/", "multipart/")) and not embedded:
        kind = "application/octet-stream"
    encoding = "7bit" if embedded else "base64"
    body = Encoded(data) if isinstance(data, Content) else data if embedded else base64_lines(data)
    header = f"Content-Type: {kind}{parameter('name', name) if name.isascii() else ''}\r\n"
    header += f"Content-Transfer-Encoding: {encoding}\r\n"
    if attachment.content_id:
        header += id_field("Content-ID", [attachment.content_id]).decode("ascii")
    place = "inline" if attachment.content_id else "attachment"
    header += f"Content-Disposition: {place}{parameter('filename', name)}\r\n"
    return header.encode("ascii"), (body,)


def _media_type(attachment: DraftAttachment, name: str) -> str:
    kind = one_line(attachment.type).lower() or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return kind if _TYPE.match(kind) else "application/octet-stream"


def _is_seven_bit(data: bytes) -> bool:
    """May ``data`` go unencoded and arrive as it is?"""
    lines = data.count(b"\n")
    return (
        data.isascii()
        and b"\0" not in data
        and data.count(b"\r\n") == lines == data.count(b"\r")
        and data.endswith(b"\r\n")
        and max(map(len, data.split(b"\r\n"))) <= 998
    )
