"""Handing mail to an SMTP server: submission to an account's own server, and delivery to a mail exchanger.

Rules of the file:
- What becomes of a recipient is data: one ``Outcome`` for each, whatever happens after MAIL.
- What concerns the account or the connection before any recipient was named is a ``MailError`` (submission) or a
  ``HostFailed`` (one exchanger of several); neither counts against the message.
- From the final dot until its reply the truth is not known, and the only honest verdict is ``UNKNOWN``.
"""

import asyncio
import concurrent.futures
import contextlib
import os
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from mua.errors import Kind, MailError, Retry
from mua.log import SMTP, masked
from mua.mime.dkim import without as unsigned
from mua.mime.freeze import ascii_header, downgrade
from mua.mime.pieces import new_digest
from mua.mime.status import MAX_TEXT
from mua.model.account import Security, Server
from mua.model.outgoing import Phase, RecipientState
from mua.net import tls
from mua.net.changes import NO_ROUTE, leads_to
from mua.net.dane import prove
from mua.net.sasl import Who, check_sayable
from mua.net.smtp_body import Body
from mua.net.smtp_outcome import Job, Outcome, agreement, check, outcomes_of, parameters
from mua.net.smtp_refusal import account_error
from mua.net.smtp_session import EHLO_NAME, Door, NotOffered, NotProven, authenticate, open_session
from mua.net.smtp_transaction import BeforeDot, Envelope, Progress, Session
from mua.net.smtp_wire import Lost, Timeouts, Transcript
from mua.plan.dane import Standing
from mua.plan.domains import ascii_address
from mua.plan.protection import By, Protection, Trouble
from mua.records import dataclass

MAX_DOWNGRADED = 32 << 20  # octets of a message that is re-encoded in memory
_FAR_AWAY = ("198.41.0.4", "2001:503:ba3e::2:30")  # a root server of the DNS: whoever is connected has a route to it


class HostFailed(Exception):
    """An exchanger could not be used at all; nobody was named to it.  ``outcome`` says how, for any recipient.

    ``trouble``: what was wrong with its encryption; where it is ``BROKEN`` the same host may be tried in clear, if that
    is allowed.  ``unreachable``: there is no way to that network; when it holds for every host, this computer is
    off-line.
    """

    def __init__(self, outcome: Outcome, *, trouble: Trouble = Trouble.OTHER, unreachable: bool = False) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome
        self.trouble = trouble
        self.unreachable = unreachable


# Submission (RFC 6409, RFC 8314)


async def open_submission(
    server: Server,
    password: str,
    ca_file: str = "",
    *,
    allow_plaintext: bool = False,
    transcript: Transcript | None = None,
    timeouts: Timeouts | None = None,
    certificate: str = "",
    before: str = "",
    token: str = "",
) -> Session:
    """An authenticated session with a submission server.  Raises MailError.  ``token`` (OAuth 2) excludes the password;
    ``certificate`` (PEM file with its key) logs in where EXTERNAL is offered; ``before`` is the mechanism of last time,
    ``session.mechanism`` that of now.

    The certificate is verified before the password is sent; without TLS a password goes to this computer only, or
    where the person allowed it (``allow_plaintext``).
    """
    timeouts, transcript = timeouts or Timeouts(), transcript or Transcript()
    context = None if server.security is Security.NONE else tls.context(ca_file, certificate)
    exposed = server.security is Security.NONE and not (tls.is_loopback(server.host) or allow_plaintext)
    if exposed and server.user:
        text = f"The password was not sent to {server.host}, because the connection would not be protected."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="plaintext-refused")
    check_sayable(server.user, password, token)
    sock = await _connected(server.host, server.port, timeouts.connect)
    transcript.note(f"connected to {server.host}, port {server.port}")
    door = Door(sock, server.host, server.security, context)
    try:
        session = await open_session(door, transcript, timeouts)
    except Lost as lost:
        raise account_error(lost, server.host) from lost
    if server.user:
        who = Who(server.user, "" if token else password, token, bool(certificate), host=server.host, port=server.port)
        await _log_in(session, who, before)
    return session


async def _connected(host: str, port: int, limit: float) -> socket.socket:
    """``tls.connect`` without holding up the loop, or the end of the program when a host does not answer."""
    future: concurrent.futures.Future[socket.socket] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()  # from here on only we decide what becomes of the socket

    def connect() -> None:
        try:
            future.set_result(tls.connect(host, port, limit))
        except MailError as error:
            future.set_exception(error)

    threading.Thread(target=connect, name=f"connect {host}", daemon=True).start()
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        future.add_done_callback(_close_unwanted)  # connected already, or later, perhaps when the loop is gone
        raise


def _close_unwanted(future: "concurrent.futures.Future[socket.socket]") -> None:
    if future.exception() is None:
        future.result().close()


async def _log_in(session: Session, who: Who, before: str) -> None:
    try:
        session.mechanism = await authenticate(session, who, before)
    except Lost as lost:
        await session.quit()
        raise account_error(lost, who.host) from lost
    except MailError:
        await session.quit()
        raise


# Delivery to one exchanger


@dataclass(frozen=True, slots=True)
class Exchanger:
    """One address of one mail exchanger of ``domain``.  ``name`` is the MX name (for SNI and the record), ``address``
    an IP, or both are the path of a socket.  ``lmtp``: it speaks RFC 2033.  ``standing``: what is known of its TLSA
    records.
    """

    name: str
    address: str
    port: int = 25
    lmtp: bool = False
    domain: str = ""
    standing: Standing = Standing()

    @property
    def local(self) -> bool:
        """It is a socket of this computer."""
        return self.address.startswith("/")

    @property
    def label(self) -> str:
        """How it is written where people read: ``mx.example.org[192.0.2.1]``."""
        return self.name if self.name == self.address else f"{self.name}[{self.address}]"

    def sni(self, protection: Protection) -> str:
        """The name that TLS is told (RFC 7672 s.8.1)."""
        if protection is Protection.DANE:
            return self.standing.base
        return "localhost" if self.local else self.name

    def prove(self, chain: Sequence[bytes]) -> str:
        """Which of its records the presented certificates match, for the record.  Raises dane.Unproven."""
        names = dict.fromkeys(filter(None, (self.standing.base, self.name, self.domain)))  # RFC 7672 s.3.2.2
        return f"DANE: its certificate matches TLSA {prove(chain, self.standing.records, names)}"


_PROOF = {Protection.VERIFIED: By.STS, Protection.DANE: By.DANE}


async def open_exchanger(
    exchanger: Exchanger,
    protection: Protection = Protection.WHATEVER,
    *,
    ca_file: str = "",
    ehlo: str = "",
    transcript: Transcript | None = None,
    timeouts: Timeouts | None = None,
) -> Session:
    """A session with a mail exchanger.  No credential ever goes here.  ``ca_file`` (PEM) is trusted beside the
    system's authorities; an empty ``ehlo`` means the address literal of our end of the connection.  Raises HostFailed,
    and MailError "ca-file".
    """
    timeouts, transcript = timeouts or Timeouts(), transcript or Transcript()
    security = Security.NONE if protection is Protection.NONE else Security.STARTTLS
    context = tls.context(ca_file) if protection is Protection.VERIFIED else unverified_context()
    try:
        host = _host_name(exchanger.sni(protection))
        sock = await _reach(exchanger, timeouts.connect)
        door = Door(
            sock, host, security, context, proof=_PROOF.get(protection, ""),
            prove=exchanger.prove if protection is Protection.DANE else None,
            if_offered=protection is Protection.WHATEVER, ehlo=ehlo or _literal(sock), lmtp=exchanger.lmtp,
        )  # fmt: skip
        transcript.note(f"connected to {exchanger.label}" + (f", port {exchanger.port}" if exchanger.port else ""))
        session = await open_session(door, transcript, timeouts)
        session.host = exchanger.label
        return session
    except Lost as lost:
        SMTP.info("%s: %s", exchanger.label, lost)
        raise _host_failed(lost, exchanger, transcript) from lost


def _host_name(host: str) -> str:
    """``host`` as TLS is told it.  Raises Lost: the DNS has names that no host can have, and a stranger chose this."""
    try:
        return tls.ascii_host(host)
    except ValueError as exc:
        raise Lost(Phase.CONNECT, "no server can have that name") from exc


def _literal(sock: socket.socket) -> str:
    try:
        address = str(sock.getsockname()[0]).partition("%")[0]
    except (OSError, IndexError):  # reset meanwhile; a socket without a name
        return EHLO_NAME
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


async def _reach(exchanger: Exchanger, limit: float) -> socket.socket:
    """A socket connected to the exchanger's address.  Raises Lost."""
    family = socket.AF_UNIX if exchanger.local else socket.AF_INET6 if ":" in exchanger.address else socket.AF_INET
    place = exchanger.address if exchanger.local else (exchanger.address, exchanger.port)
    with contextlib.ExitStack() as undo:
        try:
            sock = undo.enter_context(socket.socket(family))  # refused where IPv6 is switched off
            sock.setblocking(False)
            tls.hold_little(sock)
            async with asyncio.timeout(limit):
                await asyncio.get_running_loop().sock_connect(sock, place)
        except OSError as exc:  # TimeoutError is one
            raise Lost(Phase.CONNECT, os.strerror(exc.errno) if exc.errno else f"no answer for {limit:g} s") from exc
        undo.pop_all()
    return sock


def unverified_context() -> ssl.SSLContext:
    """TLS against listeners only: mail exchangers' certificates are mostly not verifiable without DANE or MTA-STS."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def _host_failed(lost: Lost, exchanger: Exchanger, transcript: Transcript) -> HostFailed:
    outcome = Outcome(
        "",
        RecipientState.DEFERRED,
        lost.phase,
        lost.reply.code if lost.reply else None,
        (lost.reply.text if lost.reply else _broken(lost, exchanger.name))[:MAX_TEXT],
        host=exchanger.label,
        next_host=True,
        dialogue=transcript.text,
    )
    return HostFailed(outcome, trouble=_trouble(lost), unreachable=_is_unreachable(lost, exchanger))


def _is_unreachable(lost: Lost, exchanger: Exchanger) -> bool:
    """There is no way out of this computer.  "Unreachable" alone says less: a router far away says so of a host that is
    down, and every host by IPv6 is so where there is IPv4 only.
    """
    silent = lost.phase is Phase.CONNECT and getattr(lost.__cause__, "errno", None) in NO_ROUTE
    return silent and not leads_to(exchanger.address, *_FAR_AWAY)


def _trouble(lost: Lost) -> Trouble:
    if isinstance(lost, NotOffered):
        return Trouble.NOT_OFFERED
    if isinstance(lost, NotProven):
        return Trouble.NOT_PROVEN
    if lost.phase is not Phase.TLS:
        return Trouble.OTHER
    # A reply injected behind the 220 has no cause: it is an attack, and no invitation to go on in clear.
    refused = lost.reply is not None and lost.reply.code != 421 and lost.in_clear  # STARTTLS, though it was offered
    return Trouble.BROKEN if refused or isinstance(lost.__cause__, OSError | ValueError) else Trouble.OTHER


def _broken(lost: Lost, host: str) -> str:
    """An exchanger that failed without a word of its own, in ours (with RFC 3463 codes)."""
    why = masked(lost.why)
    if lost.phase is Phase.CONNECT:
        return f"4.4.1 {host} could not be reached: {why}."
    if lost.phase is Phase.TLS:
        return f"4.7.5 No protected connection to {host} came about: {why}."
    return f"4.4.2 {host} broke the connection off: {why}."


# One message on an open session


async def deliver(
    session: Session,
    job: Job,
    *,
    before_dot: BeforeDot,
    progress: Progress | None = None,
    follow: Callable[[], Job | None] | None = None,
) -> list[Outcome]:
    """Send one message on an open session: one outcome for each recipient, in order.

    ``before_dot`` gets the recipients that the server admitted, just before the final dot is written.  What it raises
    passes through, and the dot is not written; so does OSError when the message cannot be read.  ``follow`` gives the
    message that is delivered next over this session, of one block at most, so that it is begun with this one's end.
    """
    job = _seven_bit(session, _plain_header(session, job))
    forms, refused = check(session, job)
    outcomes = {outcome.address: outcome for outcome in refused}
    if forms:
        transaction = await session.send(
            _envelope(session, job, forms),
            job.body,
            before_dot=lambda admitted: before_dot(tuple(a for a, wire in forms.items() if wire in admitted)),
            progress=progress,
            follow=None if follow is None else lambda: _next_envelope(session, follow()),
        )
        unmet = agreement(session, job).unmet
        by_form = {outcome.address: outcome for outcome in outcomes_of(transaction, session, unmet)}
        outcomes |= {address: replace(by_form[wire], address=address) for address, wire in forms.items()}
    return [outcomes[address] for address in job.recipients]


def _envelope(session: Session, job: Job, forms: dict[str, str]) -> Envelope:
    named = tuple(dict.fromkeys(forms.values()))  # two spellings of one mailbox are named once and share a reply
    return Envelope(ascii_address(job.sender) if job.sender else "", named, parameters(session, job, named))


def _next_envelope(session: Session, job: Job | None) -> Envelope | None:
    """What ``deliver`` will say of this one; None where it has more to do than that."""
    if job is None or _plain_header(session, job) is not job or _seven_bit(session, job) is not job:
        return None
    forms, refused = check(session, job)
    return _envelope(session, job, forms) if forms and not refused else None


def _seven_bit(session: Session, job: Job) -> Job:
    """The message re-encoded for a server without 8BITMIME, where that breaks no signature; else as it is."""
    needed = job.body.facts.eight_bit and not session.has("8BITMIME")
    return _rewritten(job, downgrade) if needed else job


def _plain_header(session: Session, job: Job) -> Job:
    """Without SMTPUTF8 the other recipients get a header in ASCII, where there is one; else it is as it is."""
    needed = job.body.facts.utf8 and not session.has("SMTPUTF8")
    return _rewritten(job, ascii_header) if needed else job


def _rewritten(job: Job, rewrite: Callable[[bytes], bytes | None]) -> Job:
    """Written otherwise, and without DKIM signatures, which were over what it was."""
    facts = job.body.facts
    if facts.fault or facts.size > MAX_DOWNGRADED:
        return job
    with job.body.open() as file:
        raw = file.read()
    digest = new_digest()
    digest.update(raw)
    if facts.digest and digest.digest() != facts.digest:
        return job  # the disk has changed it: the transaction finds out, and says so
    changed = rewrite(raw)
    return job if changed is None else replace(job, body=Body.of(unsigned(changed)))
