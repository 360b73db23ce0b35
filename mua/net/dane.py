"""Whether the certificate that a mail exchanger presents is one that its TLSA records mean (RFC 7672 s.3).

Rule of the file: a certificate comes from a stranger; whatever it holds, the answer is "proven" or ``Unproven``.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mua.plan.dane import CERTIFICATE, END_ENTITY, FULL, TRUST_ANCHOR, Tlsa, match

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.x509.verification import Policy, PolicyBuilder


class Unproven(Exception):
    """The server did not show what its records demand; the text says what is wrong."""


def prove(chain: Sequence[bytes], records: Sequence[Tlsa], names: Iterable[str]) -> Tlsa:
    """The record that the presented chain (DER, the server's own certificate first) matches.  Raises Unproven.

    By DANE-EE it is the server's key alone that counts, not its name or its time (s.3.1.1); by DANE-TA it has to be
    signed for one of ``names`` (A-labels), by an authority that is in the chain or, whole, in the record (s.3.1.2).
    """
    if not chain:
        raise Unproven("it shows no certificate")
    found = match(records, END_ENTITY, chain[0])
    if found is not None:
        return found
    anchors = [(one, record) for one in chain[1:] if (record := match(records, TRUST_ANCHOR, one)) is not None]
    whole = (one for one in records if (one.usage, one.selector, one.matching) == (TRUST_ANCHOR, CERTIFICATE, FULL))
    anchors += [(one.data, one) for one in whole if one.data not in chain]
    if not anchors:
        raise Unproven("its certificate is none that its TLSA records mean")
    why = ""
    for anchor, record in anchors:
        why = _fault(anchor, chain, names)
        if not why:
            return record
    raise Unproven(why)


def _fault(anchor: bytes, chain: Sequence[bytes], names: Iterable[str]) -> str:
    """Why the chain does not lead to the anchor for any of the names; empty: it does."""
    from cryptography import x509
    from cryptography.x509.verification import Store, VerificationError

    why, policy = "it has no name", _policy()
    try:
        root, leaf, *others = map(x509.load_der_x509_certificate, (anchor, *chain))
        policy = policy.store(Store([root]))
        for name in names:
            try:
                policy.build_server_verifier(x509.DNSName(name)).verify(leaf, others)
                return ""
            except (VerificationError, ValueError) as error:  # ValueError: a name that no certificate can have
                why = str(error)
    except Exception as error:  # noqa: BLE001 -- InvalidVersion, TypeError ...: the library has no bound for them
        return f"its certificates cannot be read ({type(error).__name__})"
    return why


def _policy() -> "PolicyBuilder":
    """What RFC 5280 wants of a chain, and no more: that of public authorities refuses what ``openssl`` makes."""
    from cryptography import x509
    from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder

    either = Criticality.AGNOSTIC
    authority = (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, either, _is_authority)
        .may_be_present(x509.KeyUsage, either, _may_sign)
    )
    server = (
        ExtensionPolicy.permit_all()
        .require_present(x509.SubjectAlternativeName, either, None)
        .may_be_present(x509.ExtendedKeyUsage, either, _is_for_servers)
    )
    return PolicyBuilder().extension_policies(ca_policy=authority, ee_policy=server)


def _is_authority(_: "Policy", __: "x509.Certificate", constraints: "x509.BasicConstraints") -> None:
    if not constraints.ca:
        raise ValueError("it is signed by what is no authority")


def _may_sign(_: "Policy", __: "x509.Certificate", usage: "x509.KeyUsage | None") -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("it is signed by an authority that may not sign")


def _is_for_servers(_: "Policy", __: "x509.Certificate", usage: "x509.ExtendedKeyUsage | None") -> None:
    from cryptography.x509.oid import ExtendedKeyUsageOID as Oid

    if usage is not None and not {Oid.SERVER_AUTH, Oid.ANY_EXTENDED_KEY_USAGE} & set(usage):
        raise ValueError("its certificate is not for servers")
