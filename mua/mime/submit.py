"""What a program gives to ``sendmail`` -> a whole message and its envelope.  Pure.

Programs write less than a message: no From, no Date, names without a domain, LF.  What is missing is added as the
sendmail of old did it; what is there stays, but for local names, which get the mail name of this computer.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from mua.errors import MailError
from mua.mime.encode import address_field, bad_address, crlf, date_text, wire_address
from mua.mime.freeze import FIELD_LINES
from mua.mime.headers import addresses
from mua.mime.pieces import Pieces
from mua.model.address import Address
from mua.records import dataclass

MAX_RECIPIENTS: Final = 1000
MAX_HOPS: Final = 50  # Received fields: more mean that the message goes round in circles (RFC 5321 s.6.3)

_MAILBOXES: Final = frozenset({"from", "sender", "reply-to", "to", "cc", "bcc"})
_TO: Final = ("to", "cc", "bcc")
_HEADER = re.compile(rb"(?:[!-9;-~]+[ \t]*:[^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*)*")
_DROPPED: Final = frozenset({"return-path", "content-length"})


@dataclass(frozen=True, slots=True)
class Person:
    """Who submits: the ``login`` name, the ``full_name`` (may be empty), and the ``domain`` of local addresses."""

    login: str
    full_name: str
    domain: str

    @property
    def address(self) -> str:
        """The mail address of that user."""
        return qualified(self.login, self.domain)


@dataclass(frozen=True, slots=True)
class Submitted:
    """A message that lacks at most Date and Message-ID, and its envelope."""

    head: bytes
    rest: Pieces
    sender: str
    recipients: tuple[str, ...]

    @property
    def pieces(self) -> Pieces:
        """The whole message; its first piece has the header."""
        first, *rest = self.rest
        return (self.head + first, *rest) if isinstance(first, bytes) else (self.head, *self.rest)


def qualified(address: str, domain: str) -> str:
    """``address`` as it goes on the wire; a local name gets ``domain``.  Raises MailError "bad-address"."""
    return wire_address(address if "@" in address else f"{address}@{domain}")


def submitted(
    given: Pieces, who: Person, *, sender: str | None, recipients: Sequence[str], from_header: bool, full_name: str = ""
) -> Submitted:
    """What was ``given`` (its first piece holds the whole header) as a message of ``who``.

    ``sender`` None: who submits.  ``recipients`` are words of a command line, each one or more addresses;
    ``from_header``: those of To, Cc and Bcc too, or of Resent-To and the like where there are any.  Raises MailError.
    """
    first, *more = given
    header, rest = _divided(first if isinstance(first, bytes) else b"")
    origin = who.address if sender is None else qualified(sender, who.domain) if sender else ""
    found = dict.fromkeys(qualified(one, who.domain) for word in recipients for one in _listed(_line(word)))
    names = {name for name, _ in _fields(header)}
    if from_header:
        resent = "resent-" if any(f"resent-{name}" in names for name in _TO) else ""
        wanted = {resent + name for name in _TO}
        values = (line.partition(b":")[2] for name, line in _fields(header) if name in wanted)
        found |= dict.fromkeys(qualified(one, who.domain) for value in values for one in _listed(value))
    header = b"".join(_completed(name, line, who.domain) for name, line in _fields(header) if name not in _DROPPED)
    if "from" not in names:
        header = address_field("From", [Address(full_name or who.full_name, origin or who.address)]) + header
    return Submitted(header, (rest, *more), origin, tuple(found))


def received(who: str, domain: str, identifier: str, now: int, utc_offset_minutes: int) -> bytes:
    """The trace of a local submission (RFC 5321 s.4.4): ``who`` gave it to this computer."""
    date = date_text(now, utc_offset_minutes)
    return f"Received: by {domain} (Mua, from {who})\r\n id {identifier}; {date}\r\n".encode()


def unfit(header: bytes) -> tuple[str, str]:
    """(what keeps a message with this header from being sent, as a sentence; its code), or empty."""
    count = Counter(name for name, _ in _fields(crlf(header)))
    if count["received"] > MAX_HOPS:
        return f"The message has been through {MAX_HOPS} computers: it goes round in circles.", "loop"
    if count["from"] != 1:  # servers and readers would each take another one for who wrote it (RFC 5322 s.3.6)
        return f"The message has {count['from'] or 'no'} From fields instead of one, so it was not taken.", "unsendable"
    return "", ""


def _divided(raw: bytes) -> tuple[bytes, bytes]:
    """(header, empty line and body) of what may have no header: the first line that is no field begins the body."""
    raw = crlf(raw)
    if raw.startswith((b"From ", b">From ")):
        raw = raw[raw.find(b"\n") + 1 :]
    found = _HEADER.match(raw)
    end = found.end() if found else 0
    header, rest = raw[:end], raw[end:]
    if header and not header.endswith(b"\r\n"):
        header += b"\r\n"
    return header, rest if rest.startswith(b"\r\n") else b"\r\n" + rest


def _fields(header: bytes) -> Iterable[tuple[str, bytes]]:
    """(name in lower case, the whole field) of each; what is no field has an empty name."""
    for line in FIELD_LINES.finditer(header):
        if line[0]:
            yield (line[1] or b"").strip().lower().decode("ascii", "replace"), line[0]


def _line(word: str) -> bytes:
    if not word.isprintable():
        raise bad_address(word)
    return word.encode()


def _listed(value: bytes) -> list[str]:
    """The addresses of a list; what is none stands for itself, so that it is refused by name."""
    return [one.address or one.name for one in addresses(value)]


def _completed(name: str, line: bytes, domain: str) -> bytes:
    """A field of mailboxes with the domain where one lacks it; every other one as it is."""
    kind = name.removeprefix("resent-")
    if kind not in _MAILBOXES:
        return line
    field_name, _, value = line.partition(b":")
    found = addresses(value)
    if not found or all("@" in one.address for one in found):
        return line
    try:
        whole = [Address(one.name, qualified(one.address or one.name, domain)) for one in found]
        return address_field(field_name.decode("ascii"), whole)
    except MailError:  # it is no address; the field is as its writer wanted it
        return line
