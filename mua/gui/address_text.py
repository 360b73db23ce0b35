"""Addresses as people type and paste them, as data.

Rules of the file: pure; what cannot be an address is kept as it was typed (name empty, ``problem`` says what is wrong),
never dropped.  Separators are commas, semicolons and line ends, outside quotes and angle brackets (RFC 5322 s.3.4; the
semicolon is what other programs paste).
"""

import re
from urllib.parse import parse_qsl, unquote, urlsplit

from mua.errors import MailError
from mua.language import tr
from mua.mime.encode import wire_address
from mua.mime.headers import addresses
from mua.mime.text import neutralise, neutralise_body
from mua.model.address import Address
from mua.model.outgoing import Draft

MAX_PASTED = 2_000_000  # characters
_PIECE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|<[^<>]*>|[^,;\r\n])+')


def split(text: str) -> list[Address]:
    """Every address in ``text``, in order, each address once; what is none is kept as written."""
    found: dict[str, Address] = {}
    for piece in _PIECE.findall(text[:MAX_PASTED]):
        written = neutralise(piece)
        for one in _read(written) if written else ():
            found.setdefault(one.address.lower(), one)
    return list(found.values())


def _read(piece: str) -> list[Address]:
    text = piece.removeprefix("mailto:")
    read = [
        Address(neutralise(one.name), neutralise(one.address)) for one in addresses(text.encode("utf-8", "replace"))
    ]
    usable = [one for one in read if "@" in one.address]
    return usable if usable else [Address("", piece)]


def problem(address: Address) -> str:
    """What is wrong with an address, as one sentence; empty when nothing is."""
    try:
        domain = wire_address(address.address).rpartition("@")[2]
    except MailError:
        return tr("“{address}” is not an email address; it looks like name@example.org.", address=address.address[:80])
    if domain.startswith("[") or "." in domain or domain == "localhost":
        return ""
    return tr(
        "“{address}” has no complete domain after the @; it looks like name@example.org.", address=address.address[:80]
    )


def joined(many: tuple[Address, ...] | list[Address]) -> str:
    """The addresses as text that ``split`` reads again."""
    return ", ".join(_written(one) for one in many)


def _written(one: Address) -> str:
    if not one.name:
        return one.address
    plain = re.fullmatch(r"[\w .'-]+", one.name)
    name = one.name if plain else '"' + one.name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{name} <{one.address}>"


def from_mailto(link: str, sender: Address) -> Draft:
    """A mailto: URL (RFC 6068) as a draft.  Only To, Cc, Bcc, Subject and body are obeyed: never a file to attach."""
    parts = urlsplit(link)
    fields: dict[str, list[str]] = {"to": [unquote(parts.path)] if parts.path else []}
    for name, value in parse_qsl(parts.query.replace("+", "%2B"), keep_blank_values=True):
        fields.setdefault(name.lower(), []).append(value)

    def people(name: str) -> tuple[Address, ...]:
        return tuple(split(", ".join(fields.get(name, ()))))

    return Draft(
        sender=sender,
        to=people("to"),
        cc=people("cc"),
        bcc=people("bcc"),
        subject=neutralise(" ".join(fields.get("subject", ()))),
        text=neutralise_body("\n".join(fields.get("body", ()))),
    )
