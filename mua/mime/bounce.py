"""A report that a message was not delivered, or not yet (RFC 3461, 3462, 3464): a text for people, fields for programs,
its header.

Rules of the file: the output is 7-bit clean; nothing of the body goes back, and what a server said stands in the report
as it said it, on one line.  Pure.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from mua.mime.encode import address_field, date_text, encode_body, encode_text, field, id_field, one_line
from mua.mime.status import explain
from mua.model.address import Address
from mua.model.outgoing import Recipient, RecipientState
from mua.records import dataclass

MAX_HEADER: Final = 64 * 1024  # octets of the header that goes back
_STATUS = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")
WAITING = frozenset({RecipientState.QUEUED, RecipientState.TRYING, RecipientState.DEFERRED})
_GIVEN_UP: Final = "Given up"  # how the sender begins its own verdict


@dataclass(frozen=True, slots=True)
class Returned:
    """The message that is reported on: its ``header`` as sent, its id (no brackets), when it came and ``until`` when it
    is tried (UTC seconds).
    """

    header: bytes
    message_id: str
    subject: str
    arrived: int
    envid: str = ""
    until: int = 0


def bounce(
    about: Returned,
    failed: Sequence[Recipient],
    *,
    sender: str,
    mail_name: str,
    message_id: str,
    now: int,
    utc_offset_minutes: int = 0,
) -> bytes:
    """The report for ``sender`` (an address) on the recipients that ``about`` did not reach: all of them for good, or
    all not yet.
    """
    delayed = failed[0].state in WAITING
    daemon = Address("Mail Delivery System", f"MAILER-DAEMON@{mail_name}")
    header_encoding, returned = encode_body(about.header[:MAX_HEADER].replace(b"\r\n", b"\n"))
    parts = (
        text_part(_text(about, failed, mail_name)),
        ("message/delivery-status", "7bit", _fields(about, failed, mail_name, now, utc_offset_minutes)),
        ("text/rfc822-headers", header_encoding, returned),
    )
    header = (
        field("Date", date_text(now, utc_offset_minutes)),
        address_field("From", [daemon]),
        address_field("To", [Address("", sender)]),
        field("Subject", f"{'Not delivered yet' if delayed else 'Not delivered'}: {about.subject}".removesuffix(": ")),
        id_field("In-Reply-To", [about.message_id]),
    )
    return multipart_report("delivery-status", header, parts, message_id)


def multipart_report(
    kind: str, header: Iterable[bytes], parts: Iterable[tuple[str, str, bytes]], message_id: str
) -> bytes:
    """An automatic answer (RFC 3834) whose body is a report of that ``kind`` (RFC 6522), with ``header`` before it.

    A part is (type, transfer encoding, encoded octets with CRLF); none may hold a line that begins as a boundary does.
    """
    boundary = f"=_report_{message_id.partition('@')[0]}"
    body = (
        f"--{boundary}\r\nContent-Type: {type_}\r\nContent-Transfer-Encoding: {how}\r\n\r\n".encode() + data + b"\r\n"
        for type_, how, data in parts
    )
    about = f'Content-Type: multipart/report; report-type={kind};\r\n boundary="{boundary}"\r\n\r\n'
    return b"".join(
        [
            *header,
            id_field("Message-ID", [message_id]),
            b"Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n",
            about.encode(),
            *body,
            f"--{boundary}--\r\n".encode(),
        ]
    )


def text_part(text: str) -> tuple[str, str, bytes]:
    """The part for people."""
    encoding, data = encode_text(text)
    return f"text/plain; charset={'us-ascii' if encoding == '7bit' else 'utf-8'}", encoding, data


def status(one: Recipient) -> str:
    """The enhanced status code of a verdict (RFC 3463): the server's own, or what the verdict means."""
    if one.state is RecipientState.UNKNOWN:
        return "4.4.2"
    said = _STATUS.search(one.text)
    if one.state in WAITING:
        return said[0] if said and said[0].startswith("4") else "4.0.0"
    if said:
        return said[0]
    return "5.4.7" if one.text.startswith(_GIVEN_UP) else "5.0.0"


def _text(about: Returned, failed: Sequence[Recipient], mail_name: str) -> str:
    lines = [f"This is the mail system of {mail_name}.", ""]
    if failed[0].state in WAITING:
        until = date_text(about.until, 0)
        lines += ["Your message has not reached everybody yet; its header is attached.  You need do nothing:"]
        lines += [f"it is tried until {until}, and you hear of it again only if that fails.", ""]
    else:
        lines += ["Your message could not be delivered to everybody; its header is attached.", ""]
    for one in failed:
        lines += [f"{one.address}:", *(f"    {line}" for line in _told(one)), ""]
    return "\n".join([*lines, f"Subject: {one_line(about.subject)}", f"Message-ID: <{about.message_id}>", ""])


def _told(one: Recipient) -> list[str]:
    """What became of it, and below that the server's words; where no server was asked, our own sentence is all."""
    said = f"{one.code or ''} {one_line(one.text)}".strip()
    asked = one.host or one.code is not None
    if said and not asked and one.state is not RecipientState.UNKNOWN and not one.text.startswith(_GIVEN_UP):
        return [said]
    label = f"{one.host} said: " if one.host and one.code else "Said: " if asked else ""
    return [_explained(one), f"{label}{said}"] if said else [_explained(one)]


def _explained(one: Recipient) -> str:
    if one.state is RecipientState.UNKNOWN:
        return "The connection broke while the server confirmed it; it may have arrived, so it is not sent again."
    if one.text.startswith(_GIVEN_UP):
        return "It was tried for days, and is not tried any more."
    if one.state in WAITING and not one.text:
        return "It has not been tried yet."
    return explain(one.code, one.text)


def _fields(about: Returned, failed: Sequence[Recipient], mail_name: str, now: int, utc_offset_minutes: int) -> bytes:
    """The part for programs (RFC 3464 s.2): a group about the message, and one for each recipient."""
    first = [field("Reporting-MTA", f"dns; {mail_name}")]
    if about.envid:
        first.insert(0, field("Original-Envelope-Id", about.envid))
    first.append(field("Arrival-Date", date_text(about.arrived, utc_offset_minutes)))
    return b"\r\n".join([b"".join(first), *(_group(one, about, now, utc_offset_minutes) for one in failed)])


def _group(one: Recipient, about: Returned, now: int, utc_offset_minutes: int) -> bytes:
    delayed = one.state in WAITING
    lines = [
        f"Final-Recipient: {typed(one.address)}\r\n".encode(),
        field("Action", "delayed" if delayed else "failed"),
        field("Status", status(one)),
    ]
    if one.host:
        lines.append(field("Remote-MTA", f"dns; {_ascii(one.host)}"))
    if one.code:
        lines.append(_folded(f"Diagnostic-Code: smtp; {one.code} {_ascii(one_line(one.text))}"))
    if delayed:
        lines.append(field("Will-Retry-Until", date_text(about.until, utc_offset_minutes)))
    else:
        lines.append(field("Last-Attempt-Date", date_text(now, utc_offset_minutes)))
    return b"".join(lines)


def typed(address: str) -> str:
    """``rfc822; address``, or the form for addresses beyond ASCII (RFC 6533 s.3)."""
    if address.isascii():
        return f"rfc822; {address}"
    return "utf-8; " + "".join(one if one.isascii() else f"\\x{{{ord(one):X}}}" for one in address)


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")


def _folded(line: str) -> bytes:
    """A field on lines that hold at most 76 characters, where blanks allow it, and 998 in any case."""
    lines = [""]
    for word in line.split(" "):
        while len(word) > 900:
            lines += [word[:900]]
            word = word[900:]
        if len(lines[-1]) + len(word) > 76 and lines[-1]:
            lines.append("")
        lines[-1] += ("" if not lines[-1] else " ") + word
    return "\r\n ".join(one for one in lines if one).encode("ascii") + b"\r\n"
