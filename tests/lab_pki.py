"""Certificates of the mail laboratory: two authorities, and leaves that are good, expired, misnamed or untrusted.

Everything is made fresh for each run (elliptic curves: milliseconds), so that no test ever ages.
"""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One server certificate: PEM files, the chain in ``cert``."""

    cert: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Pki:
    """``ca`` is the file to trust; ``untrusted`` is signed by another authority, the rest by this one."""

    ca: Path
    good: Leaf
    expired: Leaf
    wrong_name: Leaf
    untrusted: Leaf


class Authority:
    """One certificate authority."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        self.cert = (
            _builder(subject, subject, self.key.public_key(), self.key.public_key(), -30 * DAY, 3650 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .sign(self.key, hashes.SHA256())
        )

    def issue(self, folder: Path, stem: str, names: list[str], ends: datetime.timedelta = 365 * DAY) -> Leaf:
        """A server certificate for ``names`` (host names or addresses) that ends at now + ``ends``."""
        key = ec.generate_private_key(ec.SECP256R1())
        cert = (
            _builder(_name(names[0]), self.cert.subject, key.public_key(), self.key.public_key(), -60 * DAY, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        leaf = Leaf(folder / f"{stem}.pem", folder / f"{stem}.key")
        leaf.cert.write_bytes(_pem(cert) + _pem(self.cert))
        leaf.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return leaf


def make_pki(folder: Path, names: list[str]) -> Pki:
    """Write all certificates for servers called ``names`` into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    ours, theirs = Authority("Laboratory Root"), Authority("Somebody Else's Root")
    (folder / "ca.pem").write_bytes(_pem(ours.cert))
    return Pki(
        ca=folder / "ca.pem",
        good=ours.issue(folder, "good", names),
        expired=ours.issue(folder, "expired", names, ends=-DAY),
        wrong_name=ours.issue(folder, "wrong-name", ["other.invalid"]),
        untrusted=theirs.issue(folder, "untrusted", names),
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePublicKey,
    begins: datetime.timedelta,
    ends: datetime.timedelta,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _pem(cert: x509.Certificate) -> bytes:
    return cert.public_bytes(serialization.Encoding.PEM)
