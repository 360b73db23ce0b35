"""What a rule sends on: a short letter that has the message as it came as its only attachment.  Pure.

It says of itself that a program sent it (RFC 3834) and by which rule, so that no rule, here or elsewhere, forwards it
again.
"""

import base64
import hashlib

from mua.mime.encode import address_field, field, one_line
from mua.mime.scan import body_start, split_fields
from mua.model.address import Address

_LONGEST = 998  # octets of a line (RFC 5322 s.2.1.1)


def fields_of(raw: bytes) -> list[tuple[str, str]]:
    """The header fields of a message, undecoded."""
    found, _ = split_fields(raw[: body_start(raw)])
    return [(name, value.decode("latin-1")) for name, value in found]


def forwarding(raw: bytes, name: str, sender: str, to: str, subject: str, rule: str) -> bytes:
    """The letter of ``sender`` (called ``name``) to the address ``to``; Date and Message-ID are for who sends it."""
    boundary = f"=_{hashlib.blake2b(raw, digest_size=24).hexdigest()}"  # no message can hold its own
    how, kind, body = _attached(raw)
    head = (
        address_field("From", [Address(name, sender)]),
        address_field("To", [Address("", to)]),
        field("Subject", f"Fwd: {subject}"),
        b"Auto-Submitted: auto-generated\r\n",
        field("X-Mua-Rule", one_line(rule)),
        b"MIME-Version: 1.0\r\n",
        f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'.encode(),
    )
    text = f"Forwarded by a rule of {sender}; the message is attached as it came.\r\n".encode()
    return b"".join(
        (
            *head,
            f"--{boundary}\r\n".encode(),
            b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
            text,
            f"\r\n--{boundary}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {how}\r\n".encode(),
            b'Content-Disposition: attachment; filename="message.eml"\r\n\r\n',
            body,
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )


def _attached(raw: bytes) -> tuple[str, str, bytes]:
    """(transfer encoding, type, octets): as a message where that can travel as it is (RFC 2046 s.5.2.1)."""
    lines = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if raw.isascii() and b"\0" not in raw and max(map(len, lines)) <= _LONGEST:
        return "7bit", "message/rfc822", b"\r\n".join(lines)
    return "base64", "application/octet-stream", base64.encodebytes(raw).replace(b"\n", b"\r\n")
