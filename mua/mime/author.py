"""Who says to have written a message, and what is odd about how it says so.

Rules of the file: only From names an author (RFC 5322 s.3.6.2): never Sender, nor a Resent field.  What a field tries
is undone by whoever reads it (``headers``, ``text``, ``model.naming``); here it is *named*, one plain sentence each.
``grave``: honest mail does not look so.  Nothing raises.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mua.mime.headers import addresses
from mua.mime.scan import Field
from mua.mime.text import has_hidden_controls, neutralise
from mua.mime.words import decode_words, unfold
from mua.model import naming
from mua.model.address import Address
from mua.model.author import Note
from mua.model.domain import u_label

MAX_LOOKED_AT: Final = 20  # authors
_CALLED: Final = 80  # characters of an address in a sentence
_BLANKS = re.compile("[\\s\u00a0\u1680\u2000-\u200b\u202f\u205f\u2800\u3000\u3164\uffa0]{16}")
_QUOTED = re.compile(rb"\"(?:[^\"\\]|\\.)*\"|\((?:[^()\\]|\\.)*\)", re.DOTALL)
_AFTER_ANGLE = re.compile(rb">\s*(?![\s,;]|\Z)|<[^>]*<")
_ROUTE = re.compile(rb"<\s*@[^>]*:")
_DOMAIN_NAME = re.compile(r"(?:[\w-]+\.)+(?:com|org|net|gov|edu|io|info|bank|de|fr|uk|eu)\Z", re.IGNORECASE)


def notes(fields: Sequence[Field], authors: Sequence[Address]) -> tuple[Note, ...]:
    """What is odd about the author of a message, the gravest first.

    ``authors`` are the addresses in all of its From fields (``Envelope.sender``).
    """
    found = [*_of_fields(fields, authors)]
    for one in authors[:MAX_LOOKED_AT]:
        found += _of_author(one)
    found += _elsewhere(fields, authors)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: not one.grave))


def _of_fields(fields: Sequence[Field], authors: Sequence[Address]) -> Iterator[Note]:
    raw = [value for name, value in fields if name == "from"]
    if len(raw) > 1:
        yield Note("two-from", "This message has more than one From field; all are shown, and any may be forged.")
    if not authors:
        yield Note("no-from", "This message does not say who wrote it: it has no From address.")
    elif len(raw) == 1 and len(authors) > 1:
        yield Note("many-authors", "This message names more than one sender address; all of them are shown.")
    for value in raw[:MAX_LOOKED_AT]:
        yield from _of_value(unfold(value[:4096]))


def _of_value(value: bytes) -> Iterator[Note]:
    bare = _QUOTED.sub(b"", value)
    if _AFTER_ANGLE.search(bare) or b"\\" in bare:
        yield Note(
            "malformed-from", "The From field is malformed: other programs may show another sender than this one."
        )
    if _ROUTE.search(bare):
        yield Note("route", "The sender's address holds a route, which nobody uses honestly any more; it is left out.")
    text = decode_words(value)
    if _BLANKS.search(text.rstrip()):
        yield Note("blanks", "The sender's name is filled with blanks, which would push the address out of sight.")


def _of_author(one: Address) -> Iterator[Note]:
    name, address = one.name, one.address
    if not address:
        yield Note("no-address", "A sender is named without an address.")
    if naming.lies(one):
        yield Note("address-in-name", "The sender's name looks like an address that is not the sender's.")
    elif _imitates_domain(name, address):
        yield Note("domain-in-name", "The sender's name looks like a domain that is not the sender's.", grave=False)
    if has_hidden_controls(name) or has_hidden_controls(address):
        yield Note("hidden", "The sender's name or address holds invisible or direction-changing characters.")
    if name and not neutralise(name):
        yield Note("blank-name", "The sender's name consists of nothing that can be seen.")
    if "=?" in address and "?=" in address:
        yield Note("encoded-address", "The sender's address is disguised by an encoding.")
    yield from _of_address(address)
    if len(name) > naming.MAX_NAME:
        yield Note("long-name", "The sender's name is very long and is shown cut.", grave=False)
    if any(
        len(found := naming.scripts(word)) > 1 and {"LATIN"} < found and found & _IMITATING
        for word in name[:400].split()
    ):
        yield Note("mixed-name", "The sender's name mixes alphabets and may imitate another one.")


_IMITATING: Final = {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}


def _of_address(address: str) -> Iterator[Note]:
    local, _, domain = address.rpartition("@")
    if "@" in local or "%" in local or ("!" in local and not local.startswith("!")):
        yield Note("address-in-address", "The sender's address holds another one; what counts is after the last @.")
    labels = domain.split(".")
    if any(naming.imitates(label, domain) for label in labels):
        shown = neutralise(naming.real(address).rpartition("@")[2])[:_CALLED]
        text = f"The sender's domain mixes alphabets and may imitate another one; in the DNS it is {shown}."
        yield Note("imitated-domain", text)
    elif any(label.lower().startswith("xn--") for label in labels):
        yield Note("punycode", _meant(domain), grave=False)


def _meant(domain: str) -> str:
    """What a domain in the form of the DNS would look like, in words."""
    try:
        meant = neutralise(u_label(domain))[:_CALLED]
    except ValueError:
        return "The sender's domain is written in the form of the DNS, and cannot be read."
    return f"The sender's domain is written in the form of the DNS; elsewhere it may be shown as {meant}."


def _imitates_domain(name: str, address: str) -> bool:
    said, domain = name.strip().lower(), address.rpartition("@")[2].lower()
    return bool(_DOMAIN_NAME.fullmatch(said)) and not f".{domain}".endswith(f".{said}")


def _elsewhere(fields: Sequence[Field], authors: Sequence[Address]) -> Iterator[Note]:
    """Who else has a hand in it: nothing wrong in itself, but to be said."""
    own = {one.address.lower() for one in authors}
    first: dict[str, bytes] = {}
    for name, value in fields:
        first.setdefault(name, value)
    for field, text in _OTHERS:
        others = [one for one in addresses(first.get(field, b"")) if one.address and one.address.lower() not in own]
        if others:
            shown = neutralise(naming.real(others[0].address))[:_CALLED]
            more = f" and {len(others) - 1} more" if len(others) > 1 else ""
            yield Note(field, text.format(shown + more), grave=False)


_OTHERS: Final = (
    ("reply-to", "An answer would go to {}, and not to the address it comes from."),
    ("sender", "It says to have been sent by {}, which is not the author."),
    ("resent-from", "It says to have been sent on by {}, who is not the author."),
)
