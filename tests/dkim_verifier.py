"""A verifier of DKIM signatures (RFC 6376, RFC 8463) that has nothing of the program's: naive, whole messages, by the
text of the RFC.  The real one of the tests is OpenDKIM; this one needs no laboratory.
"""

import base64
import hashlib
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key


def relaxed_body(body: bytes) -> bytes:
    """RFC 6376 s.3.4.4, line by line."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def relaxed_field(field: bytes) -> bytes:
    """RFC 6376 s.3.4.2, without the line end."""
    name, _, value = field.partition(b":")
    unfolded = value.replace(b"\r\n", b"")
    return name.strip(b" \t").lower() + b":" + re.sub(rb"[ \t]+", b" ", unfolded).strip(b" ")


def fields_of(head: bytes) -> list[bytes]:
    """The fields of a header, folded as they are, without their line ends."""
    fields: list[bytes] = []
    for line in head.split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += b"\r\n" + line
        elif line:
            fields.append(line)
    return fields


def tags_of(field: bytes) -> dict[str, str]:
    """The tags of a signature or a record, without blanks."""
    value = field.decode("ascii").partition(":")[2] if field.lower().startswith(b"dkim-signature") else field.decode()
    pairs = (one.partition("=") for one in value.split(";") if one.strip())
    return {name.strip(): "".join(rest.split()) for name, _, rest in pairs}


def verify(message: bytes, records: Mapping[str, str]) -> dict[str, bool]:
    """Selector -> whether its signature holds.  ``records``: by name, as in the DNS."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields = fields_of(head)
    found: dict[str, bool] = {}
    for signature in fields:
        if signature.lower().startswith(b"dkim-signature:"):
            tags = tags_of(signature)
            found[tags["s"]] = _holds(tags, signature, fields, body, records)
    return found


def _holds(
    tags: dict[str, str], signature: bytes, fields: list[bytes], body: bytes, records: Mapping[str, str]
) -> bool:
    assert tags["c"] == "relaxed/relaxed"
    if base64.b64encode(hashlib.sha256(relaxed_body(body)).digest()).decode() != tags["bh"]:
        return False
    left = list(fields)
    signed = b""
    for name in tags["h"].split(":"):
        mine = [one for one in left if one.partition(b":")[0].strip().lower() == name.encode().lower()]
        if mine:
            left.reverse()
            left.remove(mine[-1])
            left.reverse()
            signed += relaxed_field(mine[-1]) + b"\r\n"
    signed += relaxed_field(re.sub(rb"([;\s]b=)[^;]*", rb"\1", signature))
    public = base64.b64decode(tags_of(records[f"{tags['s']}._domainkey.{tags['d']}"].encode())["p"])
    try:
        if tags["a"] == "ed25519-sha256":
            Ed25519PublicKey.from_public_bytes(public).verify(
                base64.b64decode(tags["b"]), hashlib.sha256(signed).digest()
            )
        else:
            key = load_der_public_key(public)
            assert isinstance(key, RSAPublicKey)
            key.verify(base64.b64decode(tags["b"]), signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True
