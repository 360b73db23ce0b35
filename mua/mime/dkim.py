"""DKIM signatures (RFC 6376, RFC 8463): which octets are signed, the field that says so, and the record with the key.

Rules of the file
- relaxed/relaxed, SHA-256, the whole body (never ``l=``).  What a reader goes by is named once more than it is there,
  so that nobody adds a first or another one unnoticed (s.5.4.1, s.8.15).
- Pure: who holds a key signs (``Signer.sign``); a body of any size passes through ``BodyHash`` in blocks.
- The octets are a frozen message's: CRLF, fields whole.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from mua.model.dkim import Algorithm
from mua.model.records import tags
from mua.records import dataclass

SEALED: Final = (
    "from", "sender", "reply-to", "subject", "date", "message-id", "to", "cc", "in-reply-to", "references",
    "mime-version", "content-type", "content-transfer-encoding",
)  # fmt: skip
SIGNED: Final = (*SEALED, "list-unsubscribe", "list-unsubscribe-post")
_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)\r\n", re.MULTILINE)
_BLANKS = re.compile(rb"[ \t]+")
_WIDTH: Final = 72


@dataclass(frozen=True, slots=True)
class Signer:
    """One key of a domain (A-label); ``sign`` takes what is to be signed: for RSA all octets, for Ed25519 their
    SHA-256 (RFC 8463 s.3).
    """

    domain: str
    selector: str
    algorithm: Algorithm
    sign: Callable[[bytes], bytes]


class BodyHash:
    """The hash of a body in the relaxed form (RFC 6376 s.3.4.4), over any cut of it into blocks."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._tail = b""  # an unfinished line
        self._empty = 0  # lines without anything that came last: nobody knows yet whether they are the end

    def through(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The same blocks, hashed."""
        for block in blocks:
            self.feed(block)
            yield block

    def feed(self, block: bytes) -> None:
        """More of the body."""
        whole = self._tail + block
        end = whole.rfind(b"\r\n") + 2
        lines, self._tail = (whole[:end], whole[end:]) if end > 1 else (b"", whole)
        self._lines(lines)

    def digest(self) -> bytes:
        """Of everything that was fed."""
        if self._tail:
            self._lines(self._tail + b"\r\n")
            self._tail = b""
        return self._hash.digest()

    def _lines(self, lines: bytes) -> None:
        lines = relaxed_lines(lines)
        kept = lines.rstrip(b"\r\n")
        ends = (len(lines) - len(kept)) // 2
        if kept:
            self._hash.update(b"\r\n" * self._empty)
            self._hash.update(kept)
            self._hash.update(b"\r\n")
            self._empty = ends - 1
        else:
            self._empty += ends


def relaxed_lines(lines: bytes) -> bytes:
    """Whole lines of a body in the relaxed form (RFC 6376 s.3.4.4); nearly all mail has it already."""
    if b"\t" not in lines and b"  " not in lines and b" \r\n" not in lines:
        return lines
    return _BLANKS.sub(b" ", lines).replace(b" \r\n", b"\r\n")  # linear, however many blanks there are


def signed(head: bytes, body_hash: bytes, signers: Sequence[Signer], now: int) -> bytes:
    """A header with a signature of each signer above it, in place of earlier ones of their domains.  ``now``: UTC
    seconds.  Raises what a signer raises.
    """
    head = without(head, {signer.domain for signer in signers})
    names, hashed = _selected(head)
    made = b""
    for signer in signers:
        unsigned = (
            f"DKIM-Signature: v=1; a={signer.algorithm}-sha256; c=relaxed/relaxed;\r\n"
            f"\td={signer.domain}; s={signer.selector}; t={now};\r\n"
            f"\th={_names(names)};\r\n\tbh={_text(body_hash)};\r\n\tb="
        ).encode("ascii")
        given = hashed + relaxed_field(unsigned + b"\r\n").removesuffix(b"\r\n")
        if signer.algorithm is Algorithm.ED25519:
            given = hashlib.sha256(given).digest()
        made += unsigned + _wrapped(_text(signer.sign(given))) + b"\r\n"
    return made + head


def without(head: bytes, domains: Iterable[str] | None = None) -> bytes:
    """A header (what follows it may be there) without DKIM signatures: all, or those of ``domains`` (A-labels)."""
    end = head.find(b"\r\n\r\n") + 2 if b"\r\n\r\n" in head else len(head)
    chosen = None if domains is None else set(domains)
    for match in reversed(list(_FIELD.finditer(head, 0, end))):
        theirs = match[1].lower() == b"dkim-signature"
        if theirs and (chosen is None or tags(match[2].decode("ascii", "replace")).get("d", "").lower() in chosen):
            head = head[: match.start()] + head[match.end() :]
    return head


def _selected(head: bytes) -> tuple[list[str], bytes]:
    """(the names for ``h=``, the fields that they mean, in the relaxed form): of equal ones the last first."""
    found: dict[str, list[bytes]] = {}
    for match in _FIELD.finditer(head):
        found.setdefault(match[1].decode("ascii").lower(), []).append(match[0])
    names: list[str] = []
    fields = b""
    for name in SIGNED:
        there = found.get(name, [])
        names += [name] * (len(there) + (name in SEALED))
        fields += b"".join(map(relaxed_field, reversed(there)))
    return names, fields


def relaxed_field(field: bytes) -> bytes:
    """One field in the relaxed form (RFC 6376 s.3.4.2)."""
    name, _, value = field.partition(b":")
    value = _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.rstrip(b" \t").lower() + b":" + value + b"\r\n"


def _names(names: Sequence[str]) -> str:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > _WIDTH:
            lines.append("")
        lines[-1] += f"{name}:"
    return "\r\n\t ".join(lines).removesuffix(":")


def _wrapped(text: str) -> bytes:
    return "\r\n\t ".join(text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)).encode("ascii")


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


# --- the record of a key (RFC 6376 s.3.6.1) ------------------------------------------------------------------------


def record_name(selector: str, domain: str) -> str:
    """Where the key of a selector is published."""
    return f"{selector}._domainkey.{domain}"


def record(algorithm: Algorithm, public: str) -> str:
    """What is published there; ``public`` is the key in base64 (RSA: SubjectPublicKeyInfo; Ed25519: its 32 octets)."""
    return f"v=DKIM1; k={algorithm}; p={public}"


def publishes(text: str, algorithm: Algorithm, public: str) -> bool:
    """Whether a TXT record gives this key to whoever verifies mail."""
    said = tags(text)
    allowed = {"v": ("DKIM1", {"DKIM1"}), "k": ("rsa", {algorithm.value}), "h": ("sha256", {"sha256"})}
    allowed["s"] = ("*", {"*", "email"})
    fits = all(known & set(said.get(tag, default).split(":")) for tag, (default, known) in allowed.items())
    return fits and said.get("p", "") == public
