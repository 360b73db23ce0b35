"""Raw bytes -> what a reader shows, and the JSON documents of the command line.

Rules of the file: everything in a ``MessageView`` is safe to show (names, subject and file names neutralised, HTML
sanitised); JSON keys are those that scripts rely on and are never renamed.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from mua.mime.html import CUT_NOTE, sanitise
from mua.mime.message import Parsed, parse
from mua.mime.text import neutralise
from mua.mime.words import decode_words
from mua.model.address import Address
from mua.model.message import Envelope, MessageView

MAX_FIELDS: Final = 500  # header fields shown; the source has all
MAX_FIELD: Final = 16 * 1024

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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
    )


def _headers(parsed: Parsed) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.title(), neutralise(decode_words(value[:MAX_FIELD])))
        for name, value in parsed.root.fields[:MAX_FIELDS]
        if name
    )


def clean_addresses(addresses: Iterable[Address]) -> tuple[Address, ...]:
    """Addresses with names and addresses neutralised for showing."""
    return tuple(Address(neutralise(one.name), neutralise(one.address)) for one in addresses)


def clean_envelope(envelope: Envelope) -> Envelope:
    """An envelope whose names and subject are safe to show in a list."""
    return Envelope(
        sender=clean_addresses(envelope.sender),
        to=clean_addresses(envelope.to),
        cc=clean_addresses(envelope.cc),
        bcc=clean_addresses(envelope.bcc),
        reply_to=clean_addresses(envelope.reply_to),
        subject=neutralise(envelope.subject),
        date=envelope.date,
        message_id=envelope.message_id,
        references=envelope.references,
        list_id=envelope.list_id,
        attachment_hint=envelope.attachment_hint,
    )


def view_json(shown: MessageView, flags: Iterable[str] = ()) -> dict[str, Any]:
    """The document of ``show --json`` and ``inspect``; ``flags`` by their IMAP names."""
    return {
        "from": address_json(shown.sender),
        "to": address_json(shown.to),
        "cc": address_json(shown.cc),
        "bcc": address_json(shown.bcc),
        "reply_to": address_json(shown.reply_to),
        "subject": shown.subject,
        "date": date_json(shown.date),
        "message_id": shown.message_id,
        "text": shown.text,
        "html": shown.html,
        "attachments": [
            {
                "part": one.part,
                "name": one.name,
                "type": one.type,
                "size": one.size,
                "content_id": one.content_id,
                "inline": one.inline,
            }
            for one in shown.attachments
        ],
        "flags": list(flags),
        "warnings": list(shown.warnings),
        "remote": shown.remote,
    }


def address_json(addresses: Iterable[Address]) -> list[dict[str, str]]:
    """Addresses as ``{"name", "address"}``."""
    return [{"name": one.name, "address": one.address} for one in addresses]


def date_json(seconds: int | None) -> str | None:
    """UTC seconds as RFC 3339 (``2026-11-22T02:00:00Z``); None for none, and for what no calendar holds."""
    if seconds is None:
        return None
    try:
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return None
