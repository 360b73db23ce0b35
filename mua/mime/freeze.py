"""Any message that a person wants sent -> the bytes that go on the wire, the copy that is kept, and the envelope.

Rules of the file
- Clean input is not touched: its parts are byte-identical on the wire (signatures survive).
- What SMTP cannot carry (bare CR or LF, NUL, lines over 998) is mended when that changes no signed byte, else refused
  with a sentence in ``problems``; a message with problems must not be sent.
- Header fields in raw UTF-8 become encoded words and RFC 2231 parameters, since few servers take them as they are
  (SMTPUTF8).  What has no such form (a local part, a Message-ID) stays; other servers get it by ``ascii_header``.
- Bcc leaves the wire and stays in the copy (RFC 5322 s.3.6.3).  Resent fields are somebody else's and are ignored.
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

from mua.errors import MailError
from mua.mime.encode import (
    MAX_LINE,
    address_field,
    base64_lines,
    crlf,
    date_text,
    encode_body,
    field,
    parameter,
    wire_address,
)
from mua.mime.headers import addresses
from mua.mime.params import parameters
from mua.mime.pieces import Pieces, blocks
from mua.mime.scan import Part, decode, scan
from mua.mime.words import decode_words
from mua.model.message import REQUIRE_TLS, WRITING
from mua.records import dataclass

FIELD_LINES = re.compile(rb"([^\r\n:]+?)[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*|[^\n]*\n?")
_LONG_LINE = re.compile(rb"[^\n]{%d}" % (MAX_LINE + 2))  # 998 and its CR fit in 999
_ENCODING_FIELD = re.compile(rb"content-transfer-encoding[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*", re.IGNORECASE)
_BLANK = re.compile(rb"[ \t]+")
_HIDDEN: Final = frozenset({b"bcc", b"resent-bcc", REQUIRE_TLS[0].lower().encode(), WRITING.lower().encode()})
_DATED: Final = frozenset({b"date", b"dkim-signature"})
_MAILBOXES: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
_WITH_PARAMETERS: Final = frozenset({"content-type", "content-disposition"})
_IDENTIFIERS: Final = frozenset({"message-id", "in-reply-to", "references", "content-id", "received", "return-path"})
_FOLD_AT: Final = 900


@dataclass(frozen=True, slots=True)
class Frozen:
    """A message ready for the outbox: its header as it goes to servers (``head``) and as it is filed (``full_head``,
    with Bcc; the same object when there is none), and everything behind either.

    ``problems`` not empty: it cannot be sent, and why.
    """

    head: bytes
    full_head: bytes
    rest: Pieces
    message_id: str
    envelope_from: str
    recipients: tuple[str, ...]
    subject: str
    problems: tuple[str, ...]

    @property
    def wire(self) -> bytes:
        """The whole message as it goes to servers: for messages that are known to be small."""
        return b"".join(blocks((self.head, *self.rest)))

    @property
    def copy(self) -> bytes:
        """The same with Bcc."""
        return b"".join(blocks((self.full_head, *self.rest)))


def freeze(
    raw: bytes | Pieces,
    *,
    now: int,
    message_id_if_missing: str,
    utc_offset_minutes: int = 0,
    sender_if_missing: str = "",
    seven_bit: bool = False,
    envelope: tuple[str, tuple[str, ...]] | None = None,
) -> Frozen:
    """Normalise ``raw`` (any RFC 5322 message, LF or CRLF) and take its envelope from its header.

    ``envelope`` (sender, recipients) is who it is from and to where the header has no say: on the wire already.

    Of pieces the first must hold the whole header; what lies in files is not looked at here, and never mended.
    ``now`` (UTC seconds) and ``message_id_if_missing`` (no angle brackets) fill in for missing Date and Message-ID;
    ``sender_if_missing`` (an addr-spec) for a missing From; ``seven_bit``: what may be re-encoded for servers without
    8BITMIME is so now, for the sake of a signature over the whole.  Never raises.
    """
    raw, more = (raw, ()) if isinstance(raw, bytes) else _divided(raw)
    raw = crlf(raw)
    if raw.startswith((b"From ", b">From ")):
        raw = raw[raw.find(b"\n") + 1 :]
    problems: list[str] = []
    raw = _mended(raw, problems)
    if seven_bit and not problems:
        raw = downgrade(raw) or raw
    end = header_end(raw)
    header, rest = raw[:end], raw[end:]
    added, message_id = _missing_fields(header, now, message_id_if_missing, utc_offset_minutes, sender_if_missing)
    if not rest.startswith(b"\r\n"):
        rest = b"\r\n" + rest
    if not more and not rest.endswith(b"\n"):
        rest += b"\r\n"
    visible, full_head = _without_hidden(header), header + added
    head = full_head if visible == header else visible + added
    fields = scan(header + added + b"\r\n").fields
    envelope_from, recipients = envelope or _envelope(fields, problems)
    subject = next((decode_words(value) for name, value in fields if name == "subject"), "")
    found = (message_id, envelope_from, recipients, subject, tuple(problems))
    return Frozen(head, full_head, (rest, *more), *found)


def redated(header: bytes, at: int, utc_offset_minutes: int) -> bytes:
    """A frozen header with another Date, ``at`` (UTC seconds) by a clock so far ahead; every other byte stays.

    DKIM signatures go: they were over the Date of before.
    """
    date = f"Date: {date_text(at, utc_offset_minutes)}\r\n".encode("ascii")
    lines = FIELD_LINES.finditer(header)
    kept = b"".join(line[0] for line in lines if (line[1] or b"").strip().lower() not in _DATED)
    return date + kept


def _divided(pieces: Pieces) -> tuple[bytes, Pieces]:
    first = pieces[0]
    if not isinstance(first, bytes):
        raise TypeError("the first piece holds the header")
    return first, pieces[1:]


def header_end(raw: bytes) -> int:
    """Where the header of a CRLF message ends: behind the last field's line end."""
    if raw.startswith(b"\r\n"):
        return 0
    end = raw.find(b"\r\n\r\n")
    if end >= 0:
        return end + 2
    return len(raw) if raw.endswith(b"\r\n") else scan(raw).body_start


def _missing_fields(
    header: bytes, now: int, message_id: str, utc_offset_minutes: int, sender: str
) -> tuple[bytes, str]:
    """(fields to add, the Message-ID that the message then has)."""
    present = dict(reversed(scan(header + b"\r\n").fields))
    added = b"" if header.endswith(b"\r\n") or not header else b"\r\n"
    if "from" not in present and sender:
        added += f"From: {sender}\r\n".encode()
    if not present.get("date", b"").strip():
        added += f"Date: {date_text(now, utc_offset_minutes)}\r\n".encode("ascii")
    own = re.search(rb"<([^<>\s]+)>", present.get("message-id", b""))
    if own:
        return added, own[1].decode("ascii", "replace")
    return added + f"Message-ID: <{message_id}>\r\n".encode(), message_id


def _without_hidden(header: bytes) -> bytes:
    """``header`` without Bcc and without our own field of a draft; every other byte as it was."""
    lower = header.lower()
    if not any(name in lower for name in _HIDDEN):
        return header
    lines = FIELD_LINES.finditer(header)
    return b"".join(line[0] for line in lines if (line[1] or b"").strip().lower() not in _HIDDEN)


def _envelope(fields: list[tuple[str, bytes]], problems: list[str]) -> tuple[str, tuple[str, ...]]:
    """(MAIL FROM, RCPT TOs) from From, Sender, To, Cc, Bcc; groups flattened, each address once."""
    authors = [one.address for name, value in fields if name == "from" for one in addresses(value)]
    sender = [one.address for name, value in fields if name == "sender" for one in addresses(value)]
    if not authors:
        problems.append("The message has no From address; say who sends it.")
    if len(authors) > 1 and not sender:
        problems.append("The message has several From addresses and no Sender (RFC 5322 section 3.6.2).")
    origin = _on_wire((sender or authors)[0], problems) if (sender or authors) else ""
    found: dict[str, str] = {}
    for name, value in fields:
        if name in ("to", "cc", "bcc"):
            for one in addresses(value):
                address = _on_wire(one.address or one.name, problems)
                local, _, domain = address.rpartition("@")
                if address:
                    found.setdefault(f"{local}@{domain.lower()}", address)
    if not found and not problems:
        problems.append("The message has no recipient; fill in To, Cc or Bcc.")
    return origin, tuple(found.values())


def _on_wire(address: str, problems: list[str]) -> str:
    try:
        return wire_address(address)
    except MailError as error:
        problems.append(error.text)
        return ""


# --- what SMTP cannot carry ------------------------------------------------------------------------------------------


def _mended(raw: bytes, problems: list[str]) -> bytes:
    """``raw`` without NULs, lines over 998 and header fields beyond ASCII, re-encoding the parts that hold them."""
    if raw.isascii() and not _offends(raw):
        return raw
    mended = _reencoded(raw, _offends, problems)
    if not problems and _offends(mended):
        problems.append("Text between or behind the parts of the message has lines that mail servers would cut.")
    return mended


def _offends(data: bytes) -> bool:
    return b"\0" in data or _LONG_LINE.search(data) is not None


def downgrade(wire: bytes) -> bytes | None:
    """``wire`` with every 8-bit part re-encoded for a server without 8BITMIME (RFC 6152 s.3).

    None when that is impossible: a signed part would change, or the header itself is not ASCII.
    """
    problems: list[str] = []
    changed = _reencoded(wire, lambda data: not data.isascii(), problems)
    return None if problems or not changed.isascii() else changed


def _reencoded(raw: bytes, offends: Callable[[bytes], bool], problems: list[str]) -> bytes:
    """``raw`` with the leaves for which ``offends`` is true re-encoded, long header lines folded, and fields in ASCII.

    The fields of a signed part, or of an attached message, are not ours to write otherwise.
    """
    root = scan(raw)
    signed = [part for part in root.walk() if part.type in ("multipart/signed", "multipart/encrypted")]
    foreign = [*signed, *(part for part in root.walk() if part.type.startswith("message/"))]
    edits: list[tuple[int, int, bytes]] = []
    for part in root.walk():
        header = raw[part.header_start : part.body_start]
        leaf = not part.children
        bad_body = leaf and offends(raw[part.body_start : part.body_end])
        bad_header = offends(header)
        ours = not header.isascii() and not _is_inside(part, foreign)
        if not bad_body and not bad_header and not ours:
            continue
        if (bad_body or bad_header) and _is_inside(part, signed):
            problems.append("A signed part of the message has lines or characters that mail servers would change.")
            return raw
        header = _mended_header(_ascii_fields(header) if ours else header, problems)
        if bad_body:
            encoding, body = _reencoded_body(raw, part)
            header = _with_encoding(header, encoding)
            edits.append((part.body_start, part.body_end, body))
        edits.append((part.header_start, part.body_start, header))
    return _edited(raw, edits)


def _is_inside(part: Part, others: Iterable[Part]) -> bool:
    return any(
        one.body_start <= part.header_start and part.body_end <= one.body_end for one in others if one is not part
    )


def _ascii_fields(header: bytes) -> bytes:
    """``header`` with the fields that are beyond ASCII written anew, as far as they can be."""
    return _each_field(header, _ascii_field)


def ascii_header(wire: bytes) -> bytes | None:
    """A frozen message for a server without SMTPUTF8: in its header stand names for the addresses that need it.

    None when something else of the header is beyond ASCII (a Message-ID).
    """
    end = header_end(wire)
    header = _each_field(wire[:end], lambda line: _ascii_field(line, ascii_only=True))
    return header + wire[end:] if header.isascii() else None


def _each_field(header: bytes, change: Callable[[re.Match[bytes]], bytes]) -> bytes:
    """``header`` with every field that is beyond ASCII changed."""
    return b"".join(line[0] if line[0].isascii() else change(line) for line in FIELD_LINES.finditer(header))


def _ascii_field(line: re.Match[bytes], *, ascii_only: bool = False) -> bytes:
    """One field in ASCII; as it is when it cannot be, and then only SMTPUTF8 carries it (RFC 6532)."""
    raw_name = (line[1] or b"").strip()
    if not raw_name or not raw_name.isascii() or not line[0].endswith(b"\n"):
        return line[0]
    name, value = raw_name.decode("ascii"), line[0].partition(b":")[2]
    kind = name.lower().removeprefix("resent-")
    if kind in _MAILBOXES:
        try:
            return address_field(name, addresses(value), ascii_only=ascii_only)
        except MailError:  # what it is to be called a problem for is decided with the envelope
            return line[0]
    if kind in _WITH_PARAMETERS:
        word, given, _ = parameters(value)
        made = word + "".join(parameter(key, told) for key, told in given.items())
        same = word.isascii() and parameters(made.encode())[:2] == (word, given)
        return f"{name}: {made}\r\n".encode() if same else line[0]
    return line[0] if kind in _IDENTIFIERS else field(name, decode_words(value))


def _mended_header(header: bytes, problems: list[str]) -> bytes:
    if b"\0" in header:
        problems.append("A header of the message holds a NUL character.")
        return header
    if not _LONG_LINE.search(header):
        return header
    lines = [_folded_line(line) for line in header.split(b"\r\n")]
    if any(len(piece) > MAX_LINE for line in lines for piece in line.split(b"\r\n")):
        problems.append("A header line of the message is longer than 998 characters and cannot be folded.")
        return header
    return b"\r\n".join(lines)


def _folded_line(line: bytes) -> bytes:
    if len(line) <= MAX_LINE:
        return line
    out, start, last = [], 0, 0
    for match in _BLANK.finditer(line, 1):
        if match.start() - start > _FOLD_AT and last > start:
            out.append(line[start:last])
            start = last
        last = match.start()
    if len(line) - start > MAX_LINE and last > start:
        out.append(line[start:last])
        start = last
    return b"\r\n".join([*out, line[start:]])


def _reencoded_body(raw: bytes, part: Part) -> tuple[str, bytes]:
    data = decode(raw, part)
    if part.type.startswith("text/"):
        encoding, body = encode_body(data.replace(b"\r\n", b"\n"))
        return encoding, body
    return "base64", base64_lines(data)


def _with_encoding(header: bytes, encoding: str) -> bytes:
    """``header`` (up to the body, with its empty line) with its Content-Transfer-Encoding replaced."""
    separator = b"\r\n" if header.endswith(b"\r\n\r\n") or header == b"\r\n" else b""
    fields = header[: len(header) - len(separator)]
    kept = b"".join(match[0] for match in FIELD_LINES.finditer(fields) if not _ENCODING_FIELD.match(match[0]))
    if kept and not kept.endswith(b"\r\n"):
        kept += b"\r\n"
    return kept + f"Content-Transfer-Encoding: {encoding}\r\n".encode("ascii") + (separator or b"\r\n")


def _edited(raw: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    pieces, position = [], 0
    for start, end, new in sorted(edits):
        pieces += [raw[position:start], new]
        position = end
    return b"".join([*pieces, raw[position:]])
