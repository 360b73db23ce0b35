"""Text -> header fields and body encodings: the other direction of ``words``, ``params`` and ``scan.decode``.

Rules of the file: the output is 7-bit clean, lines end in CRLF and stay within 78 characters where they can, within
998 always; no control character of the input survives into a header.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from mua.errors import Kind, MailError, Retry
from mua.model.address import Address
from mua.model.domain import a_label

LINE: Final = 76
MAX_LINE: Final = 998
_WORD_BYTES: Final = 42  # bytes of UTF-8 in one encoded word: 75 characters with its frame, in base64

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*\Z")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+^_`{|}~.-]+\Z")
_DOMAIN = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\Z|\[[0-9A-Za-z.:]+\]\Z")
_LOCAL_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\ud7ff\ue000-\U0010ffff-]+\Z")
_LOCAL_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f\ud800-\udfff]|\\[ -~])*"\Z')


def field(name: str, value: str) -> bytes:
    """An unstructured field: encoded words where needed, folded."""
    return _folded(name, _unstructured(one_line(value)))


def address_field(name: str, addresses: Iterable[Address], *, ascii_only: bool = False) -> bytes:
    """A field of mailboxes, folded between them.  Raises MailError for an address that cannot be one.

    ``ascii_only``: an address that ASCII cannot write becomes a group without members that is called like it, to be
    read but not answered (as RFC 6857 does it).
    """
    words: list[str] = []
    mailboxes = [_mailbox(address, ascii_only) for address in addresses]
    for position, mailbox in enumerate(mailboxes):
        last = position == len(mailboxes) - 1
        words += [*mailbox[:-1], mailbox[-1] + ("" if last else ",")]
    return _folded(name, words)


def id_field(name: str, identifiers: Iterable[str]) -> bytes:
    """A field of Message-IDs (given without angle brackets), one to a line; no field where none of them is one."""
    found = [f"<{identifier}>" for identifier in identifiers if _is_id(identifier)]
    return _folded(name, found) if found else b""


def _is_id(identifier: str) -> bool:
    return identifier.isascii() and not re.search(r"[\s<>\x00-\x1f\x7f]", identifier) and 0 < len(identifier) < 900


def date_text(now: int, utc_offset_minutes: int = 0) -> str:
    """RFC 5322 s.3.3 date-time, English in every locale."""
    zone = timezone(timedelta(minutes=utc_offset_minutes)) if utc_offset_minutes else UTC
    moment = datetime.fromtimestamp(now, zone)
    sign, minutes = ("-", -utc_offset_minutes) if utc_offset_minutes < 0 else ("+", utc_offset_minutes)
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day} {_MONTHS[moment.month - 1]} {moment.year:04} "
        f"{moment:%H:%M:%S} {sign}{minutes // 60:02}{minutes % 60:02}"
    )


def one_line(text: str) -> str:
    """``text`` with control characters and line ends turned into single blanks."""
    return _CONTROL.sub(" ", text).strip()


def _folded(name: str, words: Iterable[str]) -> bytes:
    lines = [f"{name}:"]
    for word in words:
        if len(lines[-1]) + 1 + len(word) > LINE and lines[-1] != f"{name}:":
            lines.append("")
        lines[-1] += f" {word}"
    return "\r\n".join(lines).encode("utf-8") + b"\r\n"


def _unstructured(text: str) -> list[str]:
    """Words of a text; runs that need it as encoded words (the blanks between two of them inside the words)."""
    words: list[str] = []
    run: list[str] = []
    for word in text.split(" "):
        if word.isascii() and not word.startswith("=?") and "?=" not in word and len(word) <= LINE - 10 and word:
            if run:
                words += _encoded(" ".join(run))
                run = []
            words.append(word)
        else:
            run.append(word)
    return words + (_encoded(" ".join(run)) if run else [])


def _encoded(text: str) -> list[str]:
    """RFC 2047 words in UTF-8, never cutting a character; base64 or Q, whichever is shorter."""
    pieces, piece, size = [], "", 0
    for character in text:
        width = len(character.encode("utf-8", "replace"))
        if size + width > _WORD_BYTES:
            pieces.append(piece)
            piece, size = "", 0
        piece += character
        size += width
    return [_encoded_word(one) for one in [*pieces, piece] if one]


def _encoded_word(text: str) -> str:
    data = text.encode("utf-8", "replace")
    quoted = "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() else "_" if byte == 32 else f"={byte:02X}"
        for byte in data
    )
    if len(quoted) <= 4 * ((len(data) + 2) // 3) and len(quoted) <= 62:
        return f"=?utf-8?q?{quoted}?="
    return f"=?utf-8?b?{base64.b64encode(data).decode('ascii')}?="


def _mailbox(address: Address, ascii_only: bool = False) -> list[str]:
    spec = wire_address(address.address)
    name = one_line(address.name)
    if ascii_only and not spec.isascii():
        return [*_encoded(f"{name} {spec}".strip()), ":;"]
    if not name:
        return [spec]
    if not name.isascii() or "=?" in name or len(name) > 200:
        return [*_encoded(name), f"<{spec}>"]
    if _ATOMS.match(name):
        return [*name.split(" "), f"<{spec}>"]
    quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return [*quoted.split(" "), f"<{spec}>"]


def wire_address(address: str) -> str:
    """``address`` as it goes on the wire: domain in A-labels (RFC 5890).  A non-ASCII local part stays (RFC 6531).

    Raises MailError(MESSAGE, ASK, code "bad-address") for what is not an address.
    """
    local, at, domain = address.strip().rpartition("@")
    if (
        not at
        or not (_LOCAL_ATOMS.match(local) or _LOCAL_QUOTED.match(local))
        or len(local.encode("utf-8", "replace")) > 256
    ):
        raise bad_address(address)
    if not domain.isascii():
        try:
            domain = a_label(domain)
        except ValueError:
            raise bad_address(address) from None
    if not _DOMAIN.match(domain) or ".." in domain or len(domain) > 255:
        raise bad_address(address)
    return f"{local}@{domain}"


def bad_address(address: str) -> MailError:
    """The error for something that is not an address."""
    shown = one_line(address)[:80]
    return MailError(
        Kind.MESSAGE,
        Retry.ASK,
        f"\u201c{shown}\u201d is not an email address; correct it and send again.",
        code="bad-address",
    )


# --- bodies ----------------------------------------------------------------------------------------------------------


def crlf(data: bytes) -> bytes:
    """``data`` with every line end as CRLF; the same object when it is so already."""
    lines = data.count(b"\n")
    if data.count(b"\r\n") == lines == data.count(b"\r"):
        return data
    return re.sub(rb"\r\n|\r|\n", b"\r\n", data)


def encode_text(text: str) -> tuple[str, bytes]:
    """(transfer encoding, encoded bytes with CRLF) of a text body: 7bit if it is, else the shorter of QP and base64."""
    data = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    return encode_body(data)


def encode_body(data: bytes) -> tuple[str, bytes]:
    """As ``encode_text``, for text bytes in whatever charset with LF line ends."""
    longest = max(map(len, data.split(b"\n")), default=0)
    if data.isascii() and longest <= MAX_LINE and b"\0" not in data and b"\r" not in data:
        return "7bit", data.replace(b"\n", b"\r\n")
    quoted = quoted_printable(data)
    if b"\r" not in data and len(quoted) <= len(data) * 1.45:
        return "quoted-printable", quoted
    return "base64", base64_lines(data.replace(b"\n", b"\r\n"))


def quoted_printable(data: bytes) -> bytes:
    """Quoted-printable of text with LF line ends, with CRLF (RFC 2045 s.6.7)."""
    return binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n")


def base64_lines(data: bytes) -> bytes:
    """base64 in lines of 76 characters with CRLF (RFC 2045 s.6.8)."""
    letters = base64.b64encode(data)
    if not letters:
        return b""
    return b"\r\n".join([letters[start : start + 76] for start in range(0, len(letters), 76)]) + b"\r\n"


def parameter(name: str, value: str) -> str:
    """``; name=value`` on lines of its own: token, quoted string, or RFC 2231 in UTF-8, continued where long."""
    value = one_line(value)
    if _TOKEN.match(value) and len(value) < 60:
        return f";\r\n {name}={value}"
    if value.isascii() and len(value) < 60:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f';\r\n {name}="{escaped}"'
    return _extended(name, value)


def _extended(name: str, value: str) -> str:
    units = [_percent(character) for character in value]
    segments, current = [], "utf-8''"
    for unit in units:
        if len(current) + len(unit) > 60:
            segments.append(current)
            current = ""
        current += unit
    segments.append(current)
    if len(segments) == 1:
        return f";\r\n {name}*={segments[0]}"
    return "".join(f";\r\n {name}*{number}*={segment}" for number, segment in enumerate(segments))


def _percent(character: str) -> str:
    if character.isascii() and (character.isalnum() or character in "-._~!#$&+^`{|}"):
        return character
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "replace"))
