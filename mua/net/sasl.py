"""SASL (RFC 4422): how Mua proves who it is, for IMAP, POP3 and submission alike.

Theory of operation: ``exchanges`` gives the attempts that a server's offer allows, strongest first.  The protocol plays
one: ``begin``, then ``answer`` for each challenge, and ``finish`` when the server says that all is well.  Where the
server refuses it although nothing secret was said (``spent`` is False: it has no SCRAM key of this person, or knows
another channel binding) the next one may be played; otherwise that was the one try that a password gets.

Rules of the file: nothing here knows sockets, lines or base64; a server that cannot prove what its mechanism promises
is never believed (``Unacceptable``).  SCRAM is scramp's: nonce, iterations between 4,096 and 10 million, SASLprep, the
server's signature (RFC 5802, RFC 7677).  Channel binding is tls-server-end-point (RFC 5929 s.4): the one that Python's
ssl has the data for, whatever the version of TLS (for tls-exporter it has no function).
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING

from mua import log
from mua.errors import Kind, MailError, Retry
from mua.records import dataclass

if TYPE_CHECKING:
    from scramp import ScramClient

_SCRAM = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1")  # strongest first
_UNSAYABLE = re.compile("[\0\1\r\n\ud800-\udfff]")
_MAX_CHALLENGE = 8192  # octets


class Unacceptable(ValueError):
    """The server's side of the exchange is wrong: it is not the server that knows this account, or broken."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who logs in, and with what.  ``token`` (OAuth 2) excludes ``password``; ``certificate``: TLS presented one.

    ``server_cert`` (DER) is what the server presented in TLS; ``host`` and ``port`` are told to OAUTHBEARER.
    """

    user: str
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    certificate: bool = False
    server_cert: bytes = field(default=b"", repr=False)
    host: str = ""
    port: int = 0


class Exchange:
    """One attempt with one mechanism.  ``spent``: something secret has been said; ``words``: what the server said."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.spent = False
        self.words = ""

    def begin(self) -> bytes | None:
        """The initial response; None where the server speaks first."""
        raise NotImplementedError

    def answer(self, challenge: bytes) -> bytes:
        """The response to a challenge.  Raises Unacceptable."""
        raise Unacceptable(f"the server asks for more than {self.name} has to say")

    def finish(self) -> None:
        """The server says that all is well.  Raises Unacceptable when it had to prove something first."""


class _Single(Exchange):
    """One message from us, and the server's verdict: PLAIN (RFC 4616), EXTERNAL (RFC 4422 s.A)."""

    def __init__(self, name: str, message: bytes) -> None:
        super().__init__(name)
        self._message = message

    def begin(self) -> bytes:
        self.spent = True
        return self._message


class _Login(Exchange):
    """LOGIN: never standardised, still the only one that some submission servers offer."""

    def __init__(self, who: Who) -> None:
        super().__init__("LOGIN")
        self._rest = [who.user.encode(), who.password.encode()]

    def begin(self) -> None:
        return None

    def answer(self, challenge: bytes) -> bytes:
        if not self._rest:
            return super().answer(challenge)
        self.spent = len(self._rest) == 1
        return self._rest.pop(0)


class _Bearer(Exchange):
    """XOAUTH2 and OAUTHBEARER (RFC 7628): one message; a refusal comes as a challenge that wants an empty word."""

    def __init__(self, name: str, who: Who) -> None:
        super().__init__(name)
        if name == "OAUTHBEARER":
            where = f"host={who.host}\x01port={who.port}\x01" if who.host else ""
            self._message = f"n,a={_escaped(who.user)},\x01{where}auth=Bearer {who.token}\x01\x01".encode()
        else:
            self._message = f"user={who.user}\x01auth=Bearer {who.token}\x01\x01".encode()
        self._empty: bytes | None = b"\x01" if name == "OAUTHBEARER" else b""

    def begin(self) -> bytes:
        self.spent = True
        return self._message

    def answer(self, challenge: bytes) -> bytes:
        if self._empty is None:
            return super().answer(challenge)
        self.words = _bearer_error(challenge)
        empty, self._empty = self._empty, None
        return empty


class _Scram(Exchange):
    """SCRAM: both sides prove that they know the password, and neither says it."""

    def __init__(self, client: "ScramClient") -> None:
        super().__init__(client.mechanism_name)
        self._client = client
        self._steps = iter((self._final, self._check))
        self._proven = False

    def begin(self) -> bytes:
        first: str = self._client.get_client_first()
        return first.encode()

    def answer(self, challenge: bytes) -> bytes:
        from scramp import ScramException

        step = next(self._steps, None)
        if step is None:
            return super().answer(challenge)
        try:
            return step(challenge[:_MAX_CHALLENGE].decode())
        except (ScramException, ValueError, ArithmeticError) as error:
            raise Unacceptable(log.masked(f"{self.name}: {error}")) from error

    def _final(self, challenge: str) -> bytes:
        self._client.set_server_first(challenge)
        self.spent = True
        final: str = self._client.get_client_final()
        return final.encode()

    def _check(self, verdict: str) -> bytes:
        if verdict.startswith("e="):  # a refusal, which the protocol's own reply will repeat
            self.words = verdict[2:200]
        else:
            self._client.set_server_final(verdict)
            self._proven = True
        return b""

    def finish(self) -> None:
        if not self._proven:
            raise Unacceptable(f"{self.name}: the server did not prove that it knows the password")


def exchanges(offered: Iterable[str], who: Who) -> Iterator[Exchange]:
    """What may be played, strongest first.  ``offered`` are the server's mechanism names.

    LOGIN is taken when it is among ``offered``, which only submission should let through: IMAP and POP3 have commands.
    """
    names = {name.upper() for name in offered}
    if who.certificate and "EXTERNAL" in names:
        yield _Single("EXTERNAL", b"")
    if who.token:
        yield from (_Bearer(name, who) for name in ("OAUTHBEARER", "XOAUTH2") if name in names)
    elif who.password:
        clear = [one for one in (_plain(names, who), _login(names, who)) if one is not None][:1]
        scram = _scrams(names, who)
        yield from (*clear, *scram) if _is_ambiguous(who.password) else (*scram, *clear)


def _strength(name: str) -> int:
    """3: nobody between us can pass it on; 2: the password is not said; 1: it is, or nearly (APOP); 0: nothing."""
    if name == "EXTERNAL" or name.endswith("-PLUS"):
        return 3
    return 2 if name.startswith("SCRAM-") else int(bool(name))


def refuse_weaker(host: str, before: str, name: str) -> None:
    """Raise MailError "weaker-log-in" if ``name`` protects less than ``before``, by which this server let us in once.

    Whoever stands between can take the better ways out of a server's offer, and no SASL mechanism notices that
    (RFC 4422 s.6.1.2).  Call it before anything of ``name`` is said.
    """
    if _strength(name) < _strength(before):
        text = (
            f"{host} does not offer the safer log-in any more that it had until now, so nothing was sent to it;"
            " if its operator says that this is in order, allow the weaker one."
        )
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, f"{name} instead of {before}", "weaker-log-in")


def check_sayable(*texts: str) -> None:
    """Refuse a name or secret that would not stay one: NUL ends it in PLAIN, SOH in XOAUTH2, a line end anywhere."""
    if any(_UNSAYABLE.search(text) for text in texts):
        sentence = "A user name or password cannot hold a line break; check both in the account's settings."
        raise MailError(Kind.ACCOUNT, Retry.ASK, sentence, code="wrong-password")


def mask(who: Who) -> None:
    """Keep the forms in which a secret crosses the wire out of every log: a server may repeat them."""
    for secret in filter(None, (who.password, who.token)):
        log.mask(secret)
        log.mask(_base64(secret.encode()))
    log.mask(_base64(_plain_message(who)))
    for name in ("OAUTHBEARER", "XOAUTH2") if who.token else ():
        log.mask(_base64(_Bearer(name, who).begin()))


def not_authentic(host: str, error: Exception) -> MailError:
    """The server is not what it says: the connection is to be dropped, and nothing more said to it."""
    text = f"{host} could not prove that it is your mail server, so the sign-in was stopped."
    return MailError(Kind.ACCOUNT, Retry.ASK, text, log.masked(str(error)), "server-not-authentic")


def end_point(cert: bytes) -> bytes:
    """The tls-server-end-point channel binding (RFC 5929 s.4.1); empty where there is none for this certificate."""
    if not cert:
        return b""
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509 import load_der_x509_certificate

    try:
        algorithm = load_der_x509_certificate(cert).signature_hash_algorithm
    except ValueError:
        return b""
    if algorithm is None:  # Ed25519 and its like hash inside: not defined
        return b""
    name = "sha256" if isinstance(algorithm, hashes.MD5 | hashes.SHA1) else algorithm.name
    return hashlib.new(name, cert).digest()


def _plain(names: set[str], who: Who) -> Exchange | None:
    usable = "PLAIN" in names and "\0" not in who.user + who.password
    return _Single("PLAIN", _plain_message(who)) if usable else None


def _login(names: set[str], who: Who) -> Exchange | None:
    return _Login(who) if "LOGIN" in names else None


def _scrams(names: set[str], who: Who) -> list[Exchange]:
    """The strongest with channel binding, and the strongest without, for a server that knows another binding."""
    bound = [f"{name}-PLUS" for name in _SCRAM if f"{name}-PLUS" in names]
    plain = [name for name in _SCRAM if name in names]
    binding = end_point(who.server_cert) if bound or plain else b""
    found = [_scram(bound[0], who, binding)] if bound and binding else []
    if plain:  # a binding that is not used says "y": a server that offers PLUS knows then that somebody hid it from us
        found.append(_scram(plain[0], who, b"" if bound else binding))
    return [one for one in found if one is not None]


def _scram(name: str, who: Who, binding: bytes) -> Exchange | None:
    from scramp import ScramClient, ScramException  # 60 ms, which only those pay who need it

    try:
        bound = ("tls-server-end-point", binding) if binding else None
        return _Scram(ScramClient([name], who.user, who.password, channel_binding=bound))
    except ScramException:  # a name or password that SASLprep does not know (RFC 4013 s.2.3)
        return None


def _is_ambiguous(password: str) -> bool:
    """SASLprep changes it, and not every server applies SASLprep: sent as it was typed, it fits what was stored."""
    if password.isascii():
        return False
    from scramp import ScramException
    from scramp.utils import saslprep

    try:
        return bool(saslprep(password) != password)
    except ScramException:
        return True


def _plain_message(who: Who) -> bytes:
    return b"\0" + who.user.encode() + b"\0" + who.password.encode()


def _escaped(name: str) -> str:
    return name.replace("=", "=3D").replace(",", "=2C")


def _bearer_error(challenge: bytes) -> str:
    """``{"status":"invalid_token"}`` as words."""
    try:
        told = json.loads(challenge)
        return str(told.get("status", ""))[:200] if isinstance(told, dict) else ""
    except (ValueError, RecursionError):
        return challenge[:200].decode("utf-8", "replace")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
