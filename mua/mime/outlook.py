"""What Outlook keeps of a message (MAPI properties: MS-OXPROPS, MS-OXCMSG) as data, and that as an RFC 5322 message.

Rules of the file
- Nothing raises; what cannot be read is left out, and every count is capped.
- The message that is made is read by ``mime.message`` like any other: nothing of Outlook's gets around its rules.
- Names in angle brackets below are those of the properties.
"""

import base64
import hashlib
import mimetypes
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from mua.mime.charset import decode_text
from mua.mime.rtf import decompressed
from mua.records import dataclass

MAX_FILES: Final = 500  # of one message
MAX_RECIPIENTS: Final = 2000
MAX_DEPTH: Final = 5  # messages inside each other

SUBJECT, HEADERS, BODY, RTF, HTML = 0x0037, 0x007D, 0x1000, 0x1009, 0x1013
SUBMITTED, DELIVERED, MESSAGE_ID = 0x0039, 0x0E06, 0x1035
SENDER_NAME, SENDER_ADDRESS, SENDER_SMTP, SENT_NAME, SENT_ADDRESS, SENT_SMTP = (
    0x0C1A, 0x0C1F, 0x5D01, 0x0042, 0x0065, 0x5D02,
)  # fmt: skip
RECIPIENT_TYPE, DISPLAY_NAME, ADDRESS, SMTP = 0x0C15, 0x3001, 0x3003, 0x39FE
DATA, FILE_NAME, LONG_NAME, MIME_TAG, CONTENT_ID = 0x3701, 0x3704, 0x3707, 0x370E, 0x3712
CODE_PAGE, MESSAGE_CODE_PAGE = 0x3FDE, 0x3FFD

STRING8, UNICODE, BINARY, OBJECT, TIME = 0x1E, 0x1F, 0x102, 0x0D, 0x40
_FIXED: Final = {2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 2, 0x14: 8, TIME: 8, 0x48: 16}
_UNTIL_1970: Final = datetime(1601, 1, 1, tzinfo=UTC)
_KEPT_OUT: Final = ("content-", "mime-version", "x-mozilla-external")

Properties = dict[int, tuple[int, bytes]]  # number -> (type, octets as they are stored)


@dataclass(frozen=True, slots=True)
class File:
    """A file that was attached.  ``name`` is not made safe; ``type`` may be empty."""

    name: str
    data: bytes
    type: str = ""
    content_id: str = ""


def fixed_size(kind: int) -> int | None:
    """How many octets a value of this type has; None: as many as it says."""
    return _FIXED.get(kind)


def string(properties: Properties, *numbers: int) -> str:
    """The first of these properties that is text, without NULs."""
    for number in numbers:
        kind, data = properties.get(number, (0, b""))
        if kind == UNICODE:
            found = data.decode("utf-16-le", "replace")
        elif kind in (STRING8, BINARY):
            found = decode_text(data, code_page(properties))
        else:
            continue
        if found := found.split("\0")[0] if kind != BINARY else found.rstrip("\0"):
            return found
    return ""


def code_page(properties: Properties) -> str | None:
    """The charset of 8-bit text; None: not said."""
    for number in (CODE_PAGE, MESSAGE_CODE_PAGE):
        kind, data = properties.get(number, (0, b""))
        if kind == 3 and (page := int.from_bytes(data[:4], "little")):
            return {65001: "utf-8", 20127: "us-ascii", 28591: "iso-8859-1", 50220: "iso-2022-jp"}.get(page, f"cp{page}")
    return None


def number(properties: Properties, key: int) -> int | None:
    """A whole number."""
    kind, data = properties.get(key, (0, b""))
    return int.from_bytes(data[:4], "little") if kind in (2, 3, 0xB) else None


def moment(properties: Properties, *keys: int) -> datetime | None:
    """The first of these times that can be."""
    for key in keys:
        kind, data = properties.get(key, (0, b""))
        if kind == TIME and len(data) == 8 and (ticks := int.from_bytes(data, "little")):
            try:
                return _UNTIL_1970 + timedelta(microseconds=ticks // 10)
            except OverflowError:
                continue
    return None


def bodies(properties: Properties) -> list[File]:
    """The text, the HTML and the formatted text that a message has; ``type`` says which."""
    found = []
    if text := string(properties, BODY):
        found.append(File("body.txt", text.encode("utf-8", "replace"), "text/plain"))
    kind, html = properties.get(HTML, (0, b""))
    if html and kind in (STRING8, BINARY):
        found.append(File("body.html", html.rstrip(b"\0"), "text/html"))
    elif html:
        found.append(File("body.html", string(properties, HTML).encode("utf-8", "replace"), "text/html"))
    if rtf := decompressed(properties.get(RTF, (0, b""))[1]):
        found.append(File("body.rtf", rtf, "application/rtf"))
    return found


def attached(properties: Properties, data: bytes) -> File:
    """An attachment with these properties and octets."""
    name = string(properties, LONG_NAME, FILE_NAME, DISPLAY_NAME)
    return File(name, data, string(properties, MIME_TAG), string(properties, CONTENT_ID))


def message(properties: Properties, recipients: Iterable[Properties], files: Iterable[File]) -> bytes:
    """The RFC 5322 message; its text is UTF-8, its header, too (RFC 6532)."""
    parts = [_entity(one, code_page(properties) if one.type == "text/html" else "utf-8") for one in bodies(properties)]
    shown, formatted = parts, list[bytes]()
    if len(parts) > 1 and b"application/rtf" in parts[-1]:
        shown, formatted = parts[:-1], parts[-1:]  # what the text and the HTML say, once more
    if not shown:
        shown = [_entity(File("", b"", "text/plain"), "utf-8")]
    body = _multipart("alternative", shown) if len(shown) > 1 else shown[0]
    more = [_entity(one, None) for one in files]
    whole = _multipart("mixed", [body, *formatted, *more]) if formatted or more else body
    return _header(properties, recipients).encode("utf-8", "replace") + b"MIME-Version: 1.0\r\n" + whole


def _header(properties: Properties, recipients: Iterable[Properties]) -> str:
    given = string(properties, HEADERS)
    if given.strip():
        return _kept(given)
    lines = [
        f"From: {_mailbox(properties, (SENT_SMTP, SENDER_SMTP, SENT_ADDRESS, SENDER_ADDRESS), SENT_NAME, SENDER_NAME)}"
    ]
    groups: dict[int, list[str]] = {1: [], 2: [], 3: []}
    for one in recipients:
        groups.get(number(one, RECIPIENT_TYPE) or 1, groups[1]).append(_mailbox(one, (SMTP, ADDRESS), DISPLAY_NAME))
    lines += [f"{name}: {', '.join(groups[key])}" for key, name in ((1, "To"), (2, "Cc"), (3, "Bcc")) if groups[key]]
    lines.append(f"Subject: {_line(string(properties, SUBJECT))}")
    if (at := moment(properties, SUBMITTED, DELIVERED)) is not None:
        lines.append(f"Date: {format_datetime(at)}")
    if told := _line(string(properties, MESSAGE_ID)):
        lines.append(f"Message-ID: {told}")
    return "".join(f"{line}\r\n" for line in lines)


def _kept(given: str) -> str:
    """The header that the message came with, but for what speaks of the form of its body."""
    kept, keep = list[str](), True
    for line in given.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if not line.strip():
            continue
        if line[0] not in " \t":
            keep = ":" in line and not line.lower().startswith(_KEPT_OUT)
        elif not kept:
            continue
        if keep:
            kept.append(f"{line}\r\n")
    return "".join(kept)


def _mailbox(properties: Properties, addresses: tuple[int, ...], *names: int) -> str:
    found = [_line(string(properties, one)) for one in addresses]
    address = next((one for one in found if "@" in one and not set(one) & set('<>" ')), "")
    name = _line(string(properties, *names)).replace("\\", "\\\\").replace('"', '\\"')
    if not address:
        return f'"{name}"' if name else ""
    return f'"{name}" <{address}>' if name and name != address else address


def _line(text: str) -> str:
    return " ".join(text.split())[:2000]


def _entity(file: File, charset: str | None) -> bytes:
    kind = file.type if file.type.isascii() and file.type.count("/") == 1 and " " not in file.type else ""
    kind = _line(kind) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if kind.startswith(("multipart/", "message/")) and kind != "message/rfc822":
        kind = "application/octet-stream"  # its octets are a file, whatever it is called
    quoted = _line(file.name).replace("\\", "\\\\").replace('"', '\\"')
    head = f"Content-Type: {kind}" + (f"; charset={charset}" if charset else "") + "\r\n"
    head += "Content-Transfer-Encoding: base64\r\n"
    if kind not in ("text/plain", "text/html") or charset is None:
        head += f'Content-Disposition: attachment; filename="{quoted}"\r\n'
    if file.content_id:
        head += f"Content-ID: <{_line(file.content_id).strip('<>')}>\r\n"
    return head.encode("utf-8", "replace") + b"\r\n" + base64.encodebytes(file.data).replace(b"\n", b"\r\n")


def _multipart(kind: str, parts: list[bytes]) -> bytes:
    boundary = hashlib.sha256(b"".join(parts)).hexdigest()[:32].encode()
    inside = b"".join(b"--" + boundary + b"\r\n" + one + b"\r\n" for one in parts)
    head = b"Content-Type: multipart/" + kind.encode() + b'; boundary="' + boundary + b'"\r\n\r\n'
    return head + inside + b"--" + boundary + b"--\r\n"
