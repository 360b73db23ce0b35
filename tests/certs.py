"""A certificate authority for tests, and the good and bad leaves it (or a stranger) signs.

Everything is made fresh for each run (elliptic curves: milliseconds), so that no test ever ages.  ``make_pki()`` makes
what a laboratory's servers present.  ``authority()`` is the one of this process, in a temporary folder that goes away
with it; its leaves are made when first asked for:

    good         localhost, 127.0.0.1 and ::1, signed by the authority
    expired      the same names, its time over
    not-yet      the same names, its time to come
    wrong-name   signed by the authority for mail.elsewhere.example
    self-signed  the right names, its own signature
    stranger     the right names, signed by an authority nobody trusts

Any other name makes a good leaf for that host name ("mail.example.org").
"""

import atexit
import datetime
import hashlib
import ipaddress
import shutil
import ssl
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mua.net.tls import TlsSocket

_lock = threading.RLock()  # a server's thread and its client ask at the same time
_DAY = datetime.timedelta(days=1)
_LOCAL = ("localhost", "127.0.0.1", "::1")
_BAD = {"expired": (-30, -1), "not-yet": (1, 30)}


class Leaf(NamedTuple):
    """One certificate: two PEM files."""

    cert: Path
    key: Path


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


class Authority:
    """One root certificate and its leaves, as PEM files in ``folder``."""

    def __init__(self, folder: Path, name: str = "Test Authority") -> None:
        self.folder = folder
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._leaves: dict[str, Leaf] = {}
        self._root = self._sign(self._name, self._key, self._name, self._key, (-1, 3650), (), is_authority=True)
        self.ca_file = folder / "ca.pem"
        self.ca_file.write_bytes(self._root.public_bytes(serialization.Encoding.PEM))

    def issue(self, stem: str, names: tuple[str, ...], days: tuple[int, int] = (-1, 365)) -> Leaf:
        """Sign a certificate for ``names`` that is valid from now + days[0] to now + days[1]; files called ``stem``."""
        key = ec.generate_private_key(ec.SECP256R1())
        return self._save(stem, self._sign(_named(names[0]), key, self._name, self._key, days, names), key)

    def leaf(self, kind: str = "good") -> Leaf:
        """One kind of leaf (see the module's docstring)."""
        with _lock:
            if kind not in self._leaves:
                self._leaves[kind] = self._make(kind)
            return self._leaves[kind]

    def server_context(self, kind: str = "good") -> ssl.SSLContext:
        """A server-side TLS context that presents that leaf."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate, key = self.leaf(kind)
        context.load_cert_chain(certificate, key)
        context.sslsocket_class = TlsSocket
        return context

    def _make(self, kind: str) -> Leaf:
        if kind == "stranger":
            folder = self.folder / "stranger"
            folder.mkdir()
            return Authority(folder, "Nobody Knows Me").leaf("good")
        if kind == "self-signed":
            key, itself = ec.generate_private_key(ec.SECP256R1()), _named(_LOCAL[0])
            return self._save(kind, self._sign(itself, key, itself, key, (-1, 30), _LOCAL), key)
        names = {"wrong-name": ("mail.elsewhere.example",)}.get(kind, _LOCAL if "." not in kind else (kind,))
        return self.issue(kind, names, _BAD.get(kind, (-1, 30)))

    def _save(self, stem: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Leaf:
        leaf = Leaf(self.folder / f"{stem}.pem", self.folder / f"{stem}.key")
        leaf.cert.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        leaf.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return leaf

    @staticmethod
    def _sign(
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Name,
        issuer_key: ec.EllipticCurvePrivateKey,
        days: tuple[int, int],
        names: tuple[str, ...],
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * _DAY)
            .not_valid_after(now + days[1] * _DAY)
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(_usage(is_authority), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        )
        if names:
            alternatives = [_alternative(name) for name in names]
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        return builder.sign(issuer_key, hashes.SHA256())


_authorities: list[Authority] = []


def authority() -> Authority:
    """The test authority of this process."""
    with _lock:
        if not _authorities:
            folder = Path(tempfile.mkdtemp(prefix="mua-certs-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            _authorities.append(Authority(folder))
        return _authorities[0]


def digest(certificate: Path, *, key: bool = True) -> str:
    """SHA-256 of the (first) certificate in a PEM file, or of its public key, as a TLSA record has it."""
    read = x509.load_pem_x509_certificate(certificate.read_bytes())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    der = serialization.Encoding.DER
    raw = read.public_key().public_bytes(der, form) if key else read.public_bytes(der)
    return hashlib.sha256(raw).hexdigest()


@dataclass(frozen=True, slots=True)
class Pki:
    """``ca`` is the file to trust; ``untrusted`` is signed by another authority, the rest by this one.

    ``chained`` is another good one, for its own names, whose file holds the authority too; ``own`` signed itself, for
    localhost.  ``client(name)`` makes a person's certificate, ``issue`` one for a server, signed by this one too.
    """

    ca: Path
    good: Leaf
    expired: Leaf
    wrong_name: Leaf
    untrusted: Leaf
    chained: Leaf
    own: Leaf
    client: Callable[[str], Leaf]
    issue: Callable[[str, tuple[str, ...]], Leaf]


def make_pki(folder: Path, names: tuple[str, ...], others_names: tuple[str, ...] = ("other.invalid",)) -> Pki:
    """Write all certificates for servers called ``names`` (and ``others_names``: ``chained``) into ``folder``."""
    others = folder / "somebody-else"
    others.mkdir(parents=True)
    ours, theirs = Authority(folder, "Laboratory Root"), Authority(others, "Somebody Else's Root")
    chained = ours.issue("chained", others_names)
    chained.cert.write_bytes(chained.cert.read_bytes() + ours.ca_file.read_bytes())
    return Pki(
        ca=ours.ca_file,
        good=ours.issue("good", names),
        expired=ours.issue("expired", names, (-60, -1)),
        wrong_name=ours.issue("wrong-name", ("other.invalid",)),
        untrusted=theirs.issue("untrusted", names),
        chained=chained,
        own=ours.leaf("self-signed"),
        client=lambda name: ours.issue(f"client-{name}", (name,)),
        issue=ours.issue,
    )
