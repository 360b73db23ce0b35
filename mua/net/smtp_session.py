"""Opening an SMTP session: greeting, EHLO, STARTTLS, one AUTH attempt.

aiosmtplib's protocol waits for the greeting; then ``Wire`` takes the connection over, with all that was heard, and the
rest is ours: EHLO, because the library takes nonsense for a reply, STARTTLS, because it silently drops what was
injected behind the server's 220 and goes on, and AUTH, because it tries every mechanism.

Rule of the file: no credential is sent before the certificate is verified; whatever goes wrong is a ``Lost`` with its
phase, with the server's reply when there was one and with the ``ssl`` or system error as its cause.
"""

import asyncio
import base64
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from aiosmtplib.errors import SMTPResponseException, SMTPServerDisconnected
from aiosmtplib.protocol import SMTPProtocol

from mua.log import masked
from mua.model.account import Security
from mua.model.outgoing import Phase
from mua.net import tls
from mua.net.dane import Unproven
from mua.net.sasl import Exchange, Who, exchanges, mask, refuse_weaker
from mua.net.smtp_transaction import Session
from mua.net.smtp_wire import Lost, Reply, Timeouts, Transcript, Wire
from mua.records import dataclass

EHLO_NAME = "[127.0.0.1]"  # says nothing about this computer or its network (RFC 5321 s.4.1.3)


class NotOffered(Lost):
    """The server lacks something that we insist on: STARTTLS, or a way to authenticate."""


class NotProven(Lost):
    """The connection is encrypted, and the server is not the one that it should be."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where and how to open.

    ``sock`` is a connected socket; ``host`` the server's name for TLS (SNI and certificate) and for the record;
    ``context`` is needed unless ``security`` is NONE; ``proof`` names, for the record, what it checks ("" nothing), and
    ``prove`` checks what it cannot: it is given what the server presented (``tls.presented``), returns a note for the
    record and raises ``dane.Unproven``.  ``if_offered`` turns STARTTLS into "when the server has it".  ``lmtp``: RFC
    2033.
    """

    sock: socket.socket
    host: str
    security: Security
    context: ssl.SSLContext | None = None
    proof: str = "verified"
    prove: Callable[[Sequence[bytes]], str] | None = None
    if_offered: bool = False
    ehlo: str = EHLO_NAME
    lmtp: bool = False


async def open_session(door: Door, transcript: Transcript, timeouts: Timeouts | None = None) -> Session:
    """An open session, encrypted as ``door`` says, not yet authenticated.  Raises Lost."""
    timeouts = timeouts or Timeouts()
    session: Session | None = None
    wire = Wire(transcript)
    try:
        await _greet(wire, door, timeouts.greeting)
        session = Session(wire, {}, host=door.host, tls=_describe(wire.transport, door), timeouts=timeouts)
        session.lmtp = door.lmtp
        session.extensions = await _hello(session, door, Phase.GREETING)
        if door.security is Security.STARTTLS:
            await _upgrade(session, door)
        session.verified = bool(session.tls and door.proof)
        return session
    except Lost as lost:
        _shut(wire, door)
        lost.in_clear = door.security is Security.STARTTLS and not (session and session.tls)
        raise
    except BaseException:
        _shut(wire, door)
        raise


def _shut(wire: Wire, door: Door) -> None:
    """Close the connection, whoever owns the socket by now."""
    wire.abort()
    if not wire.connected:
        door.sock.close()


async def authenticate(session: Session, who: Who, before: str = "") -> str:
    """One attempt with the best mechanism; another only where the server refused before anything secret was said.

    Returns which it was; ``before`` is the one of last time, and a weaker one is refused (MailError).  Raises
    NotOffered, or Lost with the server's refusal.  The caller has made sure that the connection deserves it.
    """
    mask(who)
    refused: Lost = NotOffered(Phase.AUTH, "the server offers no way to authenticate that this program knows")
    for exchange in exchanges(session.extensions.get("AUTH", "").replace("=", " ").split(), _bound(session, who)):
        refuse_weaker(who.host, before, exchange.name)
        try:
            await _attempt(session, exchange)
            return exchange.name
        except Lost as lost:
            refused, lost.mechanism = lost, exchange.name
            if exchange.spent or lost.reply is None or lost.reply.code < 500:
                break
    raise refused


def _bound(session: Session, who: Who) -> Who:
    """``who`` with the certificate that this connection presented, for channel binding."""
    connection = session.wire.transport.get_extra_info("ssl_object")
    if connection is None:
        return replace(who, certificate=False)
    return replace(who, server_cert=connection.getpeercert(True) or b"")


async def _attempt(session: Session, exchange: Exchange) -> None:
    session.wire.private = True
    try:
        await _converse(session, exchange)
    except ValueError as exc:
        session.wire.abort()
        raise Lost(Phase.AUTH, masked(str(exc)) or "the server's challenge makes no sense") from exc
    finally:
        session.wire.private = False


class _Opening(SMTPProtocol):
    """The library's protocol, which keeps what it heard: it would drop what came behind the greeting."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = bytearray()

    def data_received(self, data: bytes) -> None:
        """Octets of the server."""
        self.heard += data
        super().data_received(data)


async def _greet(wire: Wire, door: Door, limit: float) -> None:
    """Implicit TLS where asked for, and the greeting, which ``wire`` judges.  Raises Lost."""
    at_once = door.security is Security.TLS
    opening = _Opening()
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: opening,
            sock=door.sock,
            ssl=(door.context or tls.context()) if at_once else None,
            server_hostname=tls.ascii_host(door.host) if at_once else None,
            ssl_handshake_timeout=limit if at_once else None,
            ssl_shutdown_timeout=1 if at_once else None,
        )
        wire.connection_made(transport)
        with suppress(SMTPResponseException, SMTPServerDisconnected):  # no reply at all, or half of one
            await opening.read_response(limit)
    except TimeoutError as exc:
        raise Lost(Phase.GREETING, f"no reply for {limit:g} s") from exc
    except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
        phase = Phase.TLS if isinstance(exc, ssl.SSLError) else Phase.GREETING
        raise Lost(phase, str(exc) or type(exc).__name__) from exc
    greeting = wire.expect()
    wire.take_over(opening.heard)
    reply = await wire.answer(greeting, Phase.GREETING, limit)
    if not reply.positive:
        raise Lost(Phase.GREETING, str(reply), reply)


async def _hello(session: Session, door: Door, phase: Phase) -> dict[str, str]:
    """What the server offers: EHLO, or HELO for a server that knows no better (RFC 5321 s.3.2).  Raises Lost."""
    wire, limit = session.wire, session.timeouts.greeting
    hello = "LHLO" if door.lmtp else "EHLO"
    reply = await wire.answer(wire.command(f"{hello} {door.ehlo}")[0], phase, limit)
    if reply.positive:
        return parse_extensions(reply.text)
    if phase is Phase.GREETING and reply.code >= 500 and not door.lmtp:
        reply = await wire.answer(wire.command(f"HELO {door.ehlo}")[0], phase, limit)
        if reply.positive:
            return {}
    wire.abort()
    raise Lost(phase, f"the server refused {hello}: {reply}", reply)


async def _upgrade(session: Session, door: Door) -> None:
    """STARTTLS (RFC 3207): nothing said before it is believed after it, and nothing may follow the 220 in clear."""
    wire, limit = session.wire, session.timeouts.tls
    if not session.has("STARTTLS"):
        if door.if_offered:
            return
        wire.abort()
        raise NotOffered(Phase.TLS, "the server does not offer STARTTLS")
    reply = await wire.answer(wire.command("STARTTLS")[0], Phase.TLS, limit)
    if not reply.positive:
        wire.abort()
        raise Lost(Phase.TLS, f"the server refused STARTTLS: {reply}", reply)
    if wire.broken or wire.partial:
        wire.abort()
        if isinstance(wire.broken, ValueError):  # no reply at all: whatever answers does not speak TLS
            raise Lost(Phase.TLS, "the server sent something else than TLS") from wire.broken
        raise Lost(Phase.TLS, "someone put a reply behind the server's answer to STARTTLS")
    wire.transport = await _handshake(wire, door, limit)
    _prove(wire, door)
    session.tls = _describe(wire.transport, door)
    session.extensions = await _hello(session, door, Phase.TLS)


async def _handshake(wire: Wire, door: Door, limit: float) -> asyncio.Transport:
    loop, context = asyncio.get_running_loop(), door.context or tls.context()
    try:
        transport = await loop.start_tls(
            wire.transport,
            wire,
            context,
            server_hostname=tls.ascii_host(door.host),
            ssl_handshake_timeout=limit,
            ssl_shutdown_timeout=1,
        )
    except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
        wire.abort()
        raise Lost(Phase.TLS, str(exc) or type(exc).__name__) from exc
    if transport is None:
        raise Lost(Phase.TLS, "the server closed the connection")
    return transport


def _prove(wire: Wire, door: Door) -> None:
    """The server's certificate is what the door demands; nothing was said to it yet.  Raises NotProven."""
    if door.prove is None:
        return
    try:
        wire.transcript.note(door.prove(tls.presented(wire.transport.get_extra_info("ssl_object"))))
    except Unproven as exc:
        wire.abort()
        raise NotProven(Phase.TLS, str(exc)) from exc


async def _converse(session: Session, exchange: Exchange) -> None:
    """Play one SASL exchange.  ValueError: what the server says makes no sense, or proves nothing."""
    first = exchange.begin()
    line = f"AUTH {exchange.name}" if first is None else f"AUTH {exchange.name} {_base64(first) or '='}"
    shown = f"AUTH {exchange.name} ***"
    while True:
        waiter = session.wire.command(line, shown=shown)[0]
        reply = await session.wire.answer(waiter, Phase.AUTH, session.timeouts.auth)
        if reply.positive:
            return exchange.finish()
        if reply.code != 334:
            raise Lost(Phase.AUTH, masked(str(reply)), Reply(reply.code, masked(reply.text)))
        challenge = base64.b64decode(reply.text, validate=True)
        response = await asyncio.to_thread(exchange.answer, challenge)  # SCRAM may count for seconds
        line, shown = _base64(response), "***"


def parse_extensions(message: str) -> dict[str, str]:
    """The lines of an EHLO reply after the first: keyword (upper case) -> parameters (RFC 5321 s.4.1.1.1).

    ``AUTH=LOGIN``, an old habit, counts as AUTH; the first of two equal keywords wins, save that AUTH adds up.
    """
    extensions: dict[str, str] = {}
    for line in message.split("\n")[1:]:
        keyword, _, rest = line.strip().replace("AUTH=", "AUTH ", 1).partition(" ")
        keyword = keyword.upper()
        if keyword == "AUTH":
            extensions["AUTH"] = f"{extensions.get('AUTH', '')} {rest}".strip()
        elif keyword:
            extensions.setdefault(keyword, rest.strip())
    return extensions


def _describe(transport: asyncio.BaseTransport, door: Door) -> str:
    """The TLS version and how the certificate was verified; empty in clear."""
    connection = transport.get_extra_info("ssl_object")
    if connection is None:
        return ""
    return f"{connection.version()}, {door.proof or 'not verified'}"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
