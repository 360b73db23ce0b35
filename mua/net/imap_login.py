"""Logging in to an IMAP server: AUTHENTICATE by the mechanisms of ``sasl``, strongest first, and LOGIN last.

Rules of the file: a secret is asked for when the connection is protected and the server offers a way to use it; it is
tried once, unless the server refused before it was said; a server that cannot prove itself is hung up on; a log-in that
protects less than the one that worked before is not taken (``refuse_weaker``).
"""

import base64
import ssl
from collections.abc import Callable, Iterator

from mua.errors import Kind, MailError, Retry
from mua.net.imap_dialogue import Dialogue, Result
from mua.net.imap_refusal import login_refusal
from mua.net.imap_tokens import Status, quoted
from mua.net.sasl import Exchange, Unacceptable, Who, check_sayable, exchanges, mask, not_authentic, refuse_weaker
from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Keys:
    """What can open an account.  ``password`` and ``token`` are called when they are needed, and may raise MailError.

    ``token`` gives an OAuth 2 access token and excludes a password.  ``certificate`` is the PEM file (certificate and
    key) that TLS presents; it logs in by itself where the server offers EXTERNAL.  ``before`` is the mechanism that
    worked last time.
    """

    password: Callable[[], str] | None = None
    token: Callable[[], str] | None = None
    certificate: str = ""
    before: str = ""


def log_in(session: Dialogue, keys: Keys) -> tuple[str, Result]:
    """Log in; returns by which mechanism, and the answer, which may carry the new capabilities."""
    who = _who(session, keys)
    check_sayable(who.user, who.password, who.token)
    mask(who)
    refused: MailError | None = None
    for name, attempt in _attempts(session, who):
        refuse_weaker(session.server.host, keys.before, name)
        end, spent = attempt()
        if end.status.kind == b"OK":
            return name, end
        refused = login_refusal(end.status, session.server.host, name)
        if spent or refused.kind is not Kind.ACCOUNT:
            break
    raise refused or _no_way(session, who)


def _offered(session: Dialogue) -> list[str]:
    """AUTH=LOGIN is left out: who offers it has the command of that name."""
    names = [one[5:] for one in session.capabilities if one.startswith("AUTH=")]
    return [name for name in names if name != "LOGIN"]


def _who(session: Dialogue, keys: Keys) -> Who:
    server, sock = session.server, session.wire.plain
    cert = (sock.getpeercert(True) or b"") if isinstance(sock, ssl.SSLSocket) else b""
    by_certificate = bool(keys.certificate and cert) and "EXTERNAL" in _offered(session)
    return Who(
        server.user,
        password=keys.password() if keys.password and not keys.token and not by_certificate else "",
        token=keys.token() if keys.token and not by_certificate else "",
        certificate=by_certificate,
        server_cert=cert,
        host=server.host,
        port=server.port,
    )


Attempt = Callable[[], tuple[Result, bool]]


def _attempts(session: Dialogue, who: Who) -> Iterator[tuple[str, Attempt]]:
    """(name, what plays it and tells whether something secret was said)."""
    for exchange in exchanges(_offered(session), who):
        yield exchange.name, lambda one=exchange: (_authenticate(session, one), one.spent)  # type: ignore[misc]
    if who.password and not session.can("LOGINDISABLED"):
        yield "LOGIN", lambda: (_login(session, who), True)


def _login(session: Dialogue, who: Who) -> Result:
    return session.finish(session.start(["LOGIN", quoted(who.user), quoted(who.password)], secret=True))


def _authenticate(session: Dialogue, exchange: Exchange) -> Result:
    """One exchange (RFC 9051 s.6.2.2), with the initial response in the command where SASL-IR allows (RFC 4959)."""
    try:
        first = exchange.begin()
        tag, first = _start(session, exchange, first)
        while not isinstance(said := session.challenge(tag), Status):
            response, first = (exchange.answer(_decoded(said)) if first is None else first), None
            session.wire.send(base64.b64encode(response) + b"\r\n", secret=True)
        if said.kind == b"OK":
            exchange.finish()
        return Result(said)
    except Unacceptable as error:
        session.wire.die(not_authentic(session.server.host, error))


def _start(session: Dialogue, exchange: Exchange, first: bytes | None) -> tuple[bytes, bytes | None]:
    """(tag, what is still to be said when the server asks for the first time)."""
    if first is None or not session.can("SASL-IR"):
        return session.start([f"AUTHENTICATE {exchange.name}"], secret=True), first
    return session.start([f"AUTHENTICATE {exchange.name}", base64.b64encode(first) or b"="], secret=True), None


def _decoded(challenge: bytes) -> bytes:
    try:
        return base64.b64decode(challenge, validate=True)
    except ValueError as error:
        raise Unacceptable("a challenge that is not base64") from error


def _no_way(session: Dialogue, who: Who) -> MailError:
    host, offers = session.server.host, " ".join(sorted(session.capabilities))
    if who.token:
        text = f"{host} does not offer to sign in as this account does; set it up again with a password."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, offers, "no-mechanism")
    if not who.password:
        text = f"{host} does not offer to log in with a certificate; enter a password in the account's settings."
        return MailError(Kind.ACCOUNT, Retry.ASK, text, offers, "no-mechanism")
    text = f"{host} does not accept a password on this connection; choose TLS or STARTTLS."
    return MailError(Kind.ACCOUNT, Retry.ASK, text, offers, "login-disabled")
