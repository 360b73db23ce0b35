"""Whether a presented chain is what TLSA records mean: every way of being right, and of being nearly so."""

import asyncio
import contextlib
import datetime
import hashlib
import random
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import certs
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mua.net import tls
from mua.net.dane import Unproven, prove
from mua.plan.dane import Tlsa, public_key

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)
MX = "mx.example.net"


@dataclass(frozen=True)
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)


def made(
    name: str,
    signer: Made | None = None,
    *,
    ca: bool = False,
    days: tuple[int, int] = (-1, 30),
    extensions: Sequence[x509.ExtensionType] = (),
) -> Made:
    """As ``openssl req -x509`` and ``openssl x509 -req`` make them: no more extensions than are asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = signer.certificate.subject if signer else named
    builder = x509.CertificateBuilder(
        issuer, named, key.public_key(), x509.random_serial_number(), NOW + days[0] * DAY, NOW + days[1] * DAY
    )
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    for one in extensions:
        builder = builder.add_extension(one, critical=False)
    return Made(builder.sign(signer.key if signer else key, hashes.SHA256()), key)


def tlsa(usage: int, selector: int, matching: int, one: Made) -> Tlsa:
    chosen = public_key(one.der) if selector else one.der
    data = {0: chosen, 1: hashlib.sha256(chosen).digest(), 2: hashlib.sha512(chosen).digest()}[matching]
    return Tlsa(usage, selector, matching, data)


def usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(not sign, False, False, False, False, sign, False, False, False)


ROOT = made("Root", ca=True)
MIDDLE = made("Middle", ROOT, ca=True)
LEAF = made(MX, MIDDLE)
CHAIN = (LEAF.der, MIDDLE.der, ROOT.der)
OTHER = made("Root", ca=True)  # the same name, another key


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching", [0, 1, 2])
def test_by_the_server_s_own_certificate_or_key(selector: int, matching: int) -> None:
    """DANE-EE: neither its name nor its time matters (RFC 7672 s.3.1.1), nor who signed it."""
    old = made("nobody.invalid", days=(-30, -1))
    record = tlsa(3, selector, matching, old)
    assert prove([old.der], [tlsa(3, 1, 1, LEAF), record], [MX]) == record


@pytest.mark.parametrize("anchor", [ROOT, MIDDLE], ids=["root", "intermediate"])
@pytest.mark.parametrize("selector, matching", [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)])
def test_by_an_authority_in_the_chain(anchor: Made, selector: int, matching: int) -> None:
    record = tlsa(2, selector, matching, anchor)
    assert prove(CHAIN, [record], ["other.example", MX]) == record


def test_by_an_authority_that_is_whole_in_the_record() -> None:
    record = tlsa(2, 0, 0, MIDDLE)
    assert prove([LEAF.der], [record], [MX]) == record
    assert prove([LEAF.der, MIDDLE.der], [tlsa(2, 0, 0, ROOT)], [MX]) == tlsa(2, 0, 0, ROOT)


def test_a_wildcard_and_an_authority_that_may_sign() -> None:
    root = made("Strict", ca=True, extensions=[usage(sign=True)])
    leaf = made("*.example.net", root, extensions=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])])
    assert prove([leaf.der, root.der], [tlsa(2, 1, 1, root)], [MX])


def unproven(chain: Sequence[bytes], records: Sequence[Tlsa], names: Sequence[str] = (MX,)) -> str:
    with pytest.raises(Unproven) as caught:
        prove(chain, records, names)
    return str(caught.value)


def test_another_key_and_no_certificate_at_all() -> None:
    assert "none that its TLSA records mean" in unproven(CHAIN, [tlsa(3, 1, 1, OTHER)])
    assert "no certificate" in unproven((), [tlsa(3, 1, 1, LEAF)])


def test_the_right_key_in_the_wrong_place() -> None:
    """A record of the server's own certificate means no authority, and that of an authority not the server."""
    assert unproven(CHAIN, [tlsa(3, 1, 1, MIDDLE)])
    own = made(MX, extensions=[x509.BasicConstraints(ca=True, path_length=None)])
    assert unproven([own.der], [tlsa(2, 1, 1, own)])


def test_an_authority_that_only_stands_beside() -> None:
    """Anybody can send the real authority's certificate along with one of his own making."""
    forged = made(MX, OTHER)
    for chain in ([forged.der, ROOT.der], [forged.der, OTHER.der, ROOT.der], [made(MX).der, ROOT.der]):
        assert unproven(chain, [tlsa(2, 0, 1, ROOT)])
        assert unproven(chain, [tlsa(2, 0, 0, ROOT)])


def test_an_authority_that_is_not_sent() -> None:
    assert unproven([LEAF.der, MIDDLE.der], [tlsa(2, 0, 1, ROOT)])
    assert unproven([LEAF.der, ROOT.der], [tlsa(2, 0, 1, ROOT)])


def test_another_name_and_another_time() -> None:
    assert "subjectAltName" in unproven(CHAIN, [tlsa(2, 0, 1, ROOT)], ["mx.example.org", "example.net"])
    assert unproven(CHAIN, [tlsa(2, 0, 1, ROOT)], [])
    assert unproven(CHAIN, [tlsa(2, 0, 1, ROOT)], ["no name at all"])
    old = made(MX, ROOT, days=(-30, -1))
    assert unproven([old.der, ROOT.der], [tlsa(2, 0, 1, ROOT)])


def test_who_may_not_sign_signs_nothing() -> None:
    customer = made("customer.example", ROOT)  # of the same authority, and no authority itself
    forged = made(MX, customer)
    assert unproven([forged.der, customer.der, ROOT.der], [tlsa(2, 0, 1, ROOT)])
    mute = made("Mute", ca=True, extensions=[usage(sign=False)])
    assert unproven([made(MX, mute).der, mute.der], [tlsa(2, 0, 1, mute)])
    client = made(MX, ROOT, extensions=[x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])])
    assert unproven([client.der, ROOT.der], [tlsa(2, 0, 1, ROOT)])


@pytest.mark.parametrize("rubbish", [b"", b"\x30", b"no certificate", LEAF.der[:200], LEAF.der + b"x"])
def test_rubbish_proves_nothing(rubbish: bytes) -> None:
    whole = Tlsa(2, 0, 0, rubbish or b"x")
    assert unproven([rubbish], [tlsa(3, 1, 1, LEAF), whole])
    assert unproven([LEAF.der, rubbish, ROOT.der], [tlsa(2, 0, 1, ROOT)])


def test_whatever_the_library_raises_of_a_certificate_it_proves_nothing() -> None:
    """A version that there is not, then octets changed by chance."""
    version = bytearray(ROOT.der)
    version[version.index(bytes.fromhex("a003020102")) + 4] = 4
    assert "InvalidVersion" in unproven([LEAF.der, MIDDLE.der], [Tlsa(2, 0, 0, bytes(version))])
    assert "InvalidVersion" in unproven([LEAF.der, bytes(version), ROOT.der], [tlsa(2, 0, 1, ROOT)])
    chance = random.Random(1)
    for _ in range(1500):
        spoilt = bytearray(chance.choice((LEAF.der, ROOT.der)))
        for _ in range(chance.choice((1, 1, 3))):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        for chain in ([bytes(spoilt), ROOT.der], [LEAF.der, bytes(spoilt), ROOT.der]):
            with contextlib.suppress(Unproven):
                prove(chain, [tlsa(2, 0, 1, ROOT), Tlsa(2, 0, 0, bytes(spoilt))], [MX])


def test_the_chain_that_a_server_presented() -> None:
    """What is asked of ``ssl`` is private before Python 3.13: this fails where it is not there any more."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = certs.authority().leaf("good")
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(certs.authority().ca_file)  # OpenSSL sends what completes the chain
    expected = [ssl.PEM_cert_to_DER_cert(path.read_text()) for path in (certificate, certs.authority().ca_file)]

    async def talk() -> tuple[bytes, ...]:
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
            shown = tls.presented(writer.get_extra_info("ssl_object"))
            writer.close()
            return shown

    assert list(asyncio.run(talk())) == expected
