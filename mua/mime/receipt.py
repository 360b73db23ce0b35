"""A receipt: the report that a message was displayed, sent because a person said so (RFC 8098).

Rules of the file: it says no more than what was asked: no name of this program, no name of the person, no time of
reading but its own Date, nothing of the body.  Pure.
"""

import re
from collections.abc import Sequence
from typing import Final

from mua.mime.bounce import multipart_report, text_part, typed
from mua.mime.encode import address_field, date_text, field, id_field, one_line
from mua.model.address import Address
from mua.records import dataclass

_ORIGINAL: Final = re.compile(r"[\w-]{1,40};\s*[!-~]{1,320}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Displayed:
    """The message that was displayed: its id (no brackets), its Date (UTC seconds), its Original-Recipient, if any."""

    message_id: str
    subject: str
    date: int | None = None
    original_recipient: str = ""


def receipt(
    about: Displayed, to: Sequence[str], *, sender: str, message_id: str, now: int, utc_offset_minutes: int = 0
) -> bytes:
    """The receipt of ``sender`` (an address) for those who asked.  Raises MailError where one of them is no address."""
    header = (
        field("Date", date_text(now, utc_offset_minutes)),
        address_field("From", [Address("", sender)]),
        address_field("To", [Address("", one) for one in to]),
        field("Subject", f"Displayed: {about.subject}".removesuffix(": ")),
        id_field("In-Reply-To", [about.message_id]),
    )
    parts = (text_part(_text(about, sender)), ("message/disposition-notification", "7bit", _fields(about, sender)))
    return multipart_report("disposition-notification", header, parts, message_id)


def _text(about: Displayed, sender: str) -> str:
    lines = [
        f"The message that is named below was displayed to {sender}.",
        "That does not say that it was read to its end, or understood.",
        "",
        f"Subject: {one_line(about.subject)}",
    ]
    if about.date is not None:
        lines.append(f"Date: {date_text(about.date)}")
    if about.message_id:
        lines.append(f"Message-ID: <{one_line(about.message_id)}>")
    return "\n".join([*lines, ""])


def _fields(about: Displayed, sender: str) -> bytes:
    """The part for programs (RFC 8098 s.3.1).  Reporting-UA may be left out, and is: it tells what to attack."""
    original = about.original_recipient.strip()
    return b"".join(
        [
            f"Original-Recipient: {original}\r\n".encode() if _ORIGINAL.fullmatch(original) else b"",
            f"Final-Recipient: {typed(sender)}\r\n".encode(),
            id_field("Original-Message-ID", [about.message_id]),
            b"Disposition: manual-action/MDN-sent-manually; displayed\r\n",
        ]
    )
