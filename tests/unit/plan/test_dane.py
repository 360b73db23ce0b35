"""TLSA records: which are usable, which names they are looked for under, what follows, and what they match."""

import datetime
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from mua.plan.dane import Stance, Standing, Tlsa, TlsaAnswer, bases, judged, matches, public_key, usable
from mua.plan.mx import AddressAnswer, Status

D32, D64 = b"\x11" * 32, b"\x22" * 64


def tlsa(usage: int, selector: int = 1, matching: int = 1, data: bytes = D32) -> Tlsa:
    return Tlsa(usage, selector, matching, data)


@pytest.mark.parametrize(
    "record, good",
    [
        (tlsa(3, 1, 1), True),
        (tlsa(3, 0, 1), True),
        (tlsa(2, 0, 1), True),
        (tlsa(2, 1, 2, D64), True),
        (tlsa(3, 1, 0, b"anything"), True),
        (tlsa(0), False),  # PKIX-TA and PKIX-EE: RFC 7672 s.3.1.3
        (tlsa(1), False),
        (tlsa(4), False),
        (tlsa(255), False),
        (tlsa(3, 2), False),
        (tlsa(3, 1, 3), False),
        (tlsa(3, 1, 1, D64), False),  # not the length of such a digest
        (tlsa(3, 1, 2, D32), False),
        (tlsa(3, 1, 0, b""), False),
    ],
)
def test_which_records_are_usable(record: Tlsa, good: bool) -> None:
    assert usable([record]) == ((record,) if good else ())


def test_of_two_digests_of_one_kind_the_stronger_counts() -> None:
    """RFC 7671 s.9: whoever can break the weaker one gains nothing; whole certificates and other kinds stay."""
    weak, strong, whole, other = tlsa(3, 1, 1), tlsa(3, 1, 2, D64), tlsa(3, 1, 0, b"k"), tlsa(2, 1, 1)
    assert usable([weak, strong, whole, other, tlsa(1, 1, 2, D64)]) == (strong, whole, other)


SECURE = AddressAnswer(Status.FOUND, ("192.0.2.1",), secure=True)


@pytest.mark.parametrize(
    "secure_mx, answer, names",
    [
        (True, SECURE, ("mx.x",)),
        (False, SECURE, ()),
        (True, AddressAnswer(Status.FOUND, ("192.0.2.1",)), ()),
        (True, AddressAnswer(Status.FOUND, ("192.0.2.1",), alias_of="host.y", secure=True), ("host.y", "mx.x")),
        (True, AddressAnswer(Status.FOUND, ("192.0.2.1",), alias_of="host.y", secure_alias=True), ("mx.x",)),
        (False, AddressAnswer(Status.FOUND, ("192.0.2.1",), alias_of="host.y", secure_alias=True), ()),
    ],
)
def test_the_names_under_which_records_are_looked_for(
    secure_mx: bool, answer: AddressAnswer, names: tuple[str, ...]
) -> None:
    assert bases("mx.x", secure_mx, answer) == names


@pytest.mark.parametrize(
    "answer, stance",
    [
        (TlsaAnswer(Status.FOUND, (tlsa(3),), secure=True), Stance.DANE),
        (TlsaAnswer(Status.FOUND, (tlsa(1), tlsa(2)), secure=True), Stance.DANE),
        (TlsaAnswer(Status.FOUND, (tlsa(1),), secure=True), Stance.ENCRYPTED),
        (TlsaAnswer(Status.FOUND, (tlsa(3),)), None),  # not vouched for: as if it were not there
        (TlsaAnswer(Status.NO_DATA, secure=True), None),
        (TlsaAnswer(Status.NO_NAME, secure=True), None),
        (TlsaAnswer(Status.FAILED, why="SERVFAIL"), Stance.FAILED),
        (TlsaAnswer(Status.OFFLINE), Stance.FAILED),
    ],
)
def test_what_an_answer_means(answer: TlsaAnswer, stance: Stance | None) -> None:
    found = judged("mx.x", answer)
    assert (found.stance if found else None) is stance
    if stance is Stance.DANE:
        assert found == Standing(Stance.DANE, "mx.x", usable(answer.records))


KEYS: dict[str, Callable[[], Any]] = {
    "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "RSA": lambda: rsa.generate_private_key(65537, 2048),
    "Ed25519": ed25519.Ed25519PrivateKey.generate,
}
TODAY = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def signed(kind: str) -> x509.Certificate:
    """A certificate of a key of this kind, signed by itself."""
    key, named = KEYS[kind](), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mx.example.net")])
    until = TODAY + datetime.timedelta(days=1)
    builder = x509.CertificateBuilder(named, named, key.public_key(), 2**150, TODAY, until)
    return builder.sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


@pytest.mark.parametrize("kind", KEYS)
def test_the_public_key_as_it_stands_in_a_certificate(kind: str) -> None:
    """The same as another library makes of it, for keys of every kind, with long and short lengths."""
    certificate = signed(kind)
    der = certificate.public_bytes(serialization.Encoding.DER)
    assert public_key(der) == spki(certificate)


def test_what_a_record_matches() -> None:
    certificate = signed("P-256")
    der, key = certificate.public_bytes(serialization.Encoding.DER), spki(certificate)
    for selector, chosen in ((0, der), (1, key)):
        data = {0: chosen, 1: hashlib.sha256(chosen).digest(), 2: hashlib.sha512(chosen).digest()}
        for matching, right in data.items():
            assert matches(tlsa(3, selector, matching, right), der)
            assert not matches(tlsa(3, 1 - selector, matching, right), der)
            assert not matches(tlsa(3, selector, matching, bytes(len(right))), der)


DER = signed("RSA").public_bytes(serialization.Encoding.DER)


@given(st.binary(max_size=40) | st.integers(0, len(DER)).map(lambda cut: DER[:cut]))
def test_what_is_no_certificate_matches_nothing(raw: bytes) -> None:
    try:
        found = public_key(raw)
    except ValueError:
        assert not matches(tlsa(3, 1, 0, b"x"), raw)
    else:
        assert found in raw


@given(st.integers(0, len(DER) - 1), st.integers(0, 255))
def test_a_spoilt_certificate_ends_in_an_answer(at: int, octet: int) -> None:
    spoilt = DER[:at] + bytes([octet]) + DER[at + 1 :]
    matches(tlsa(3, 1, 1), spoilt)
