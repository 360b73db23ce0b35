"""DANE for SMTP (RFC 7672): what the TLSA records of a mail exchanger demand of the connection to it.  Pure.

Rules of the file: what DNSSEC does not vouch for demands nothing and proves nothing; a look-up that failed is never
taken for "there are none", because whoever is on the way could make it fail.  A record that nobody can use still says
that the exchanger has TLS (s.2.2).
"""

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum

from mua.plan.mx import AddressAnswer, Status
from mua.records import dataclass

TRUST_ANCHOR, END_ENTITY = 2, 3  # usages; 0 and 1 are not for SMTP (s.3.1.3)
CERTIFICATE, PUBLIC_KEY = 0, 1  # selectors
FULL, SHA256, SHA512 = 0, 1, 2  # matching types
_INTEGER, _SEQUENCE, _VERSION = 0x02, 0x30, 0xA0  # tags of DER
_DIGESTS = {SHA256: hashlib.sha256, SHA512: hashlib.sha512}


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One TLSA record (RFC 6698 s.2.1)."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def __str__(self) -> str:
        return f"{self.usage} {self.selector} {self.matching}"


@dataclass(frozen=True, slots=True)
class TlsaAnswer:
    """The TLSA records of a name.  ``secure``: DNSSEC vouches for the answer, also for "there are none"."""

    status: Status
    records: tuple[Tlsa, ...] = ()
    secure: bool = False
    why: str = ""


class Stance(StrEnum):
    """What is known of one exchanger."""

    UNSIGNED = "not signed"  # DNSSEC vouches for nothing: there is no DANE
    ABSENT = "no TLSA records"  # and DNSSEC vouches for that
    DANE = "DANE"  # it has to prove itself by these records
    ENCRYPTED = "no usable TLSA records"  # encryption, by whomever
    FAILED = "look-up failed"  # nothing may be sent to it now


@dataclass(frozen=True, slots=True)
class Standing:
    """The stance of one exchanger; ``records`` are the usable ones of the name ``base`` (s.2.2.3), for its
    certificate; ``why`` says what failed.
    """

    stance: Stance = Stance.UNSIGNED
    base: str = ""
    records: tuple[Tlsa, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        shown = {Stance.DANE: f"TLSA {', '.join(map(str, self.records))}", Stance.FAILED: f"{self.stance}: {self.why}"}
        return shown.get(self.stance, str(self.stance))


def bases(host: str, secure_mx: bool, answer: AddressAnswer) -> tuple[str, ...]:
    """The names under which the TLSA records of ``host`` are looked for, in order; none: there is no DANE (s.2.2).

    Of an alias the name that it stands for comes first.  Where that is beyond DNSSEC and the alias itself is not, the
    alias alone counts.
    """
    if not secure_mx:
        return ()
    if answer.secure:
        return tuple(dict.fromkeys((answer.alias_of or host, host)))
    return (host,) if answer.secure_alias else ()


def judged(base: str, answer: TlsaAnswer) -> Standing | None:
    """What the answer for one of these names means; None: nothing, the next name is asked for."""
    if answer.status in (Status.FAILED, Status.OFFLINE):
        return Standing(Stance.FAILED, base, why=answer.why)
    if not (answer.records and answer.secure):
        return None
    records = usable(answer.records)
    return Standing(Stance.DANE if records else Stance.ENCRYPTED, base, records)


def usable(records: Iterable[Tlsa]) -> tuple[Tlsa, ...]:
    """The records that may authenticate an exchanger (RFC 7672 s.3.1), of several digests of one kind only the
    strongest (RFC 7671 s.9).
    """
    sound = [one for one in records if _is_sound(one)]
    strongest: dict[tuple[int, int], int] = {}
    for one in sound:
        kind = (one.usage, one.selector)
        strongest[kind] = max(strongest.get(kind, FULL), one.matching)
    return tuple(one for one in sound if one.matching in (FULL, strongest[one.usage, one.selector]))


def _is_sound(one: Tlsa) -> bool:
    if one.usage not in (TRUST_ANCHOR, END_ENTITY) or one.selector not in (CERTIFICATE, PUBLIC_KEY):
        return False
    if one.matching == FULL:
        return bool(one.data)
    return one.matching in _DIGESTS and len(one.data) == _DIGESTS[one.matching]().digest_size


def matches(record: Tlsa, certificate: bytes) -> bool:
    """Whether a (usable) record means this certificate (DER)."""
    try:
        chosen = certificate if record.selector == CERTIFICATE else public_key(certificate)
    except ValueError:
        return False
    return record.data == (chosen if record.matching == FULL else _DIGESTS[record.matching](chosen).digest())


def match(records: Sequence[Tlsa], usage: int, certificate: bytes) -> Tlsa | None:
    """The first record of this usage that means this certificate (DER)."""
    return next((one for one in records if one.usage == usage and matches(one, certificate)), None)


def public_key(certificate: bytes) -> bytes:
    """The SubjectPublicKeyInfo of a certificate, octet for octet as it stands in it (RFC 5280 s.4.1).

    Both are DER.  Raises ValueError.  Read here, because a library that decodes it and encodes it anew may write it
    another way than the digest was made of.
    """
    whole, end = _element(certificate, 0, _SEQUENCE)
    if end != len(certificate):
        raise ValueError("not a certificate")
    at, _ = _element(certificate, whole, _SEQUENCE)
    if certificate[at : at + 1] == bytes([_VERSION]):
        _, at = _element(certificate, at, _VERSION)
    for tag in (_INTEGER, _SEQUENCE, _SEQUENCE, _SEQUENCE, _SEQUENCE):  # serial, algorithm, issuer, validity, subject
        _, at = _element(certificate, at, tag)
    _, end = _element(certificate, at, _SEQUENCE)
    return certificate[at:end]


def _element(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the contents of the DER element at ``at`` begin and end."""
    head = data[at : at + 2]
    if len(head) < 2 or head[0] != tag:
        raise ValueError("not a certificate")
    length, start = head[1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length, start = int.from_bytes(data[start : start + octets]), start + octets
    if start + length > len(data):
        raise ValueError("not a certificate")
    return start, start + length
