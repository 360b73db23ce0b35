"""Raw bytes -> what a reader shows.

Rule of the file: everything in a ``MessageView`` is safe to show (names, subject and file names neutralised, HTML
sanitised).
"""

from collections.abc import Iterable
from typing import Final

from mua.errors import MailError
from mua.mime.encode import wire_address
from mua.mime.headers import addresses
from mua.mime.html import CUT_NOTE, sanitise
from mua.mime.message import Parsed, parse
from mua.mime.text import neutralise
from mua.mime.words import decode_words
from mua.model import naming
from mua.model.address import Address
from mua.model.message import MessageView

MAX_FIELDS: Final = 500  # header fields shown; the source has all
MAX_FIELD: Final = 16 * 1024


def view(raw: bytes) -> MessageView:
    """The view of a message.  Never raises; HTML is sanitised without loading anything."""
    return view_of(parse(raw))


def view_of(parsed: Parsed) -> MessageView:
    """The view of a message that is parsed already."""
    safe = sanitise(parsed.html) if parsed.html else None
    envelope = parsed.envelope
    warnings = parsed.warnings + ((CUT_NOTE,) if safe is not None and safe.cut else ())
    return MessageView(
        sender=clean_addresses(envelope.sender),
        to=clean_addresses(envelope.to),
        cc=clean_addresses(envelope.cc),
        reply_to=clean_addresses(envelope.reply_to),
        subject=neutralise(envelope.subject),
        date=envelope.date,
        message_id=neutralise(envelope.message_id),
        text=parsed.text,
        html=safe.html if safe is not None else "",
        attachments=parsed.attachments,
        warnings=warnings,
        simple=safe.simple if safe is not None else True,
        remote=safe.remote if safe is not None else 0,
        references=envelope.references,
        headers=_headers(parsed),
        bcc=clean_addresses(envelope.bcc),
        notes=parsed.notes,
        wanted=safe.wanted if safe is not None else (),
        images=safe.images if safe is not None else (),
        dark_ready=safe.dark_ready if safe is not None else False,
        layout=safe.layout if safe is not None else "",
        nature=parsed.nature,
        events=parsed.events,
        receipt_to=_receipt_to(parsed),
    )


def _headers(parsed: Parsed) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.title(), neutralise(decode_words(value[:MAX_FIELD])))
        for name, value in parsed.root.fields[:MAX_FIELDS]
        if name
    )


def _receipt_to(parsed: Parsed) -> tuple[Address, ...]:
    """Of every Disposition-Notification-To, what is an address that mail can go to."""
    values = [value for name, value in parsed.root.fields if name == "disposition-notification-to"]
    return tuple(one for value in values for one in clean_addresses(addresses(value)) if _takes_mail(one.address))


def _takes_mail(address: str) -> bool:
    try:
        wire_address(address)
    except MailError:
        return False
    return True


def clean_addresses(many: Iterable[Address]) -> tuple[Address, ...]:
    """Addresses as they are shown: neutralised, a domain that imitates another one as the DNS knows it."""
    return tuple(Address(neutralise(one.name), naming.real(neutralise(one.address))) for one in many)
