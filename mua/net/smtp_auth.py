"""SASL mechanisms for SMTP (RFC 4954).

Rule of the file: a mechanism is a generator that yields what to say and is sent what the server said; it knows
nothing of sockets or base64.  The first thing it yields is the initial response, or ``None`` where there is none.

One mechanism is chosen and tried once: a mistyped password costs one failed login, not one for each mechanism.
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable, Generator

Dialogue = Generator[bytes | None, bytes, None]
MIN_ITERATIONS, MAX_ITERATIONS = 4096, 2_000_000  # RFC 7677 s.4; the maximum keeps a false server from stalling us


def plain(user: str, password: str) -> Dialogue:
    """PLAIN (RFC 4616)."""
    yield b"\0" + user.encode() + b"\0" + password.encode()


def login(user: str, password: str) -> Dialogue:
    """LOGIN: never standardised, still the only one some servers offer."""
    yield None
    yield user.encode()
    yield password.encode()


def scram_sha_256(user: str, password: str, nonce: str = "") -> Dialogue:
    """SCRAM-SHA-256 without channel binding (RFC 5802, RFC 7677).

    Raises ValueError when the challenge is unacceptable, or the server cannot prove that it knows the password.
    """
    name = _prepared(user).replace("=", "=3D").replace(",", "=2C")
    nonce = nonce or secrets.token_urlsafe(18)
    bare = f"n={name},r={nonce}"
    challenge = _ascii((yield b"n,," + bare.encode()))
    fields = _fields(challenge)
    if not fields["r"].startswith(nonce) or fields["r"] == nonce:
        raise ValueError("the server's SCRAM nonce does not continue ours")
    salted = _salted(_prepared(password), fields["s"], fields["i"])
    final = f"c=biws,r={fields['r']}"
    signed = f"{bare},{challenge},{final}".encode()
    key = hmac.digest(salted, b"Client Key", "sha256")
    mask = hmac.digest(hashlib.sha256(key).digest(), signed, "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, mask, strict=True))).decode()
    verdict = _fields(_ascii((yield f"{final},p={proof}".encode())))
    wanted = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), signed, "sha256")
    if not hmac.compare_digest(base64.b64decode(verdict.get("v", "")), wanted):
        raise ValueError("the server does not know the password: its SCRAM signature is wrong")
    yield b""


def choose(offered: str) -> tuple[str, Callable[[str, str], Dialogue]] | None:
    """The best mechanism of an EHLO ``AUTH`` line, or None when there is none in common."""
    names = set(offered.upper().replace("=", " ").split())
    for name, mechanism in (("SCRAM-SHA-256", scram_sha_256), ("PLAIN", plain), ("LOGIN", login)):
        if name in names:
            return name, mechanism
    return None


def _prepared(text: str) -> str:
    """SASLprep (RFC 4013) as far as it matters here: compatibility forms are folded together."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def _ascii(raw: bytes) -> str:
    return raw.decode("ascii")  # UnicodeDecodeError is a ValueError


def _fields(message: str) -> dict[str, str]:
    fields = dict(part.split("=", 1) for part in message.split(",") if "=" in part)
    if "e" in fields or "m" in fields:
        raise ValueError("the server stopped the SCRAM exchange")
    return fields


def _salted(password: str, salt: str, iterations: str) -> bytes:
    count = int(iterations)
    if not MIN_ITERATIONS <= count <= MAX_ITERATIONS:
        raise ValueError(f"the server asks for {count} SCRAM iterations")
    return hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), count)
