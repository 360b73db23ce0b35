"""Making and using keys for DKIM (RFC 6376 s.3.3, RFC 8463); where they are kept is ``net/secrets``.

Rule of the file: a private key is text only between here and ``net/secrets`` (PKCS #8, DER, in base64), and in nothing
that is logged or raised.
"""

import base64
from collections.abc import Callable

from mua.errors import Kind, MailError, Retry
from mua.model.dkim import Algorithm

RSA_BITS = 2048  # what every verifier takes, and one that fits into a DNS answer (RFC 8301 s.3.2)


def make_key(algorithm: Algorithm) -> tuple[str, str]:
    """(private key, public key as a record has it), both in base64.  An RSA key takes about a tenth of a second."""
    from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    private: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
    if algorithm is Algorithm.ED25519:
        private = ed25519.Ed25519PrivateKey.generate()
        public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        private = rsa.generate_private_key(65537, RSA_BITS)
        public = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _text(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())), _text(public)


def signing(private: str) -> Callable[[bytes], bytes]:
    """What signs octets with that private key.  Raises MailError "dkim-key-damaged"."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    try:
        key = load_der_private_key(base64.b64decode(private, validate=True), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _damaged() from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign
    if isinstance(key, rsa.RSAPrivateKey):
        return lambda octets: key.sign(octets, padding.PKCS1v15(), SHA256())
    raise _damaged()


def _damaged() -> MailError:
    text = "The key that signs your mail was damaged where it is kept, so nothing was sent; make a new one."
    return MailError(Kind.LOCAL, Retry.ASK, text, code="dkim-key-damaged")


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
