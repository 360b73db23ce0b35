"""How our clients fare with the attacks of ``fake_mail_server``: played, and judged from what was heard and returned.

``play(case)`` lets a whole client meet one case as the case asks (STARTTLS, or TLS at once): it signs in, lists,
fetches, and puts a mail there, or sends one; then discovery (``net.probe``) meets it too.  The ``Verdict`` is computed
and never written down beforehand.  A case is clean when

- nothing but the commands that come before TLS, and no name, password or piece of mail, was heard in clear;
- what the client got to know is exactly what it gets to know from the same server without the talk in clear;
- no word that was said in clear is in a sentence for the person, and in the details only behind a mark that says so;
- nobody else was called, nothing but a MailError came out, a bad certificate ended it, and it took no longer than the
  time-outs allow.
"""

import asyncio
import base64
import re
import socket
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import certs
from fake_mail_server import Case, FakeServer
from mail_sink import unrecorded

from mua.errors import Kind, MailError
from mua.model.account import Security, Server
from mua.net import pop3, smtp, tls
from mua.net.imap import ImapConnection
from mua.net.probe import probe
from mua.net.smtp_body import Body
from mua.net.smtp_outcome import Job
from mua.net.smtp_wire import Timeouts

COLLECTION = "attack/nostarttls-fake-mail-server"
USER, PASSWORD, SENT = "ada-of-the-case", "correct-horse-7141", b"Subject: private\r\n\r\nsecret-letter\r\n"
TIMEOUT = 1.5  # seconds of the clients; a case that is never answered costs one of these
DEADLINE = 6 * TIMEOUT
_BEFORE_TLS = {
    "imap": re.compile(rb"\S+ (CAPABILITY|STARTTLS|NOOP|LOGOUT)"),
    "pop3": re.compile(rb"CAPA|STLS|QUIT"),
    "smtp": re.compile(rb"(EHLO|HELO) \[127\.0\.0\.1\]|STARTTLS|RSET|QUIT"),
}
_SECRETS = [
    form
    for plain in (USER.encode(), PASSWORD.encode(), f"\0{USER}\0{PASSWORD}".encode())
    for form in (plain, base64.b64encode(plain))
] + [b"secret-letter", b"genuine text"]
_NET = Path(tls.__file__).parent
_OURS = frozenset(
    word for path in _NET.glob("*.py") for word in re.findall(r"\w{4,}", path.read_text(encoding="utf-8"))
)


@dataclass(slots=True)
class Meeting:
    """What a client brought home from one server."""

    opened: bool = False
    haul: list[str] = field(default_factory=list)
    errors: list[MailError] = field(default_factory=list)
    crash: str = ""
    called: set[str] = field(default_factory=set)
    seconds: float = 0.0

    def got(self, what: str, produce: Callable[[], object]) -> None:
        """Do one thing that a client does; a refusal of this one thing is part of what was learned."""
        try:
            self.haul.append(f"{what}: {produce()!r}")
        except MailError as error:
            self.haul.append(f"{what}: {error.code}")
            self.errors.append(error)
            if error.kind is Kind.CONNECTION:
                raise


Client = Callable[[Server, Meeting], None]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``faults`` is empty when the case is clean; ``outcome`` says in a few words how it ended."""

    case: Case
    outcome: str
    faults: tuple[str, ...]


def play(case: Case) -> Verdict:
    """Meet the case, and where a session came about the honest twin of it too; then judge."""
    server, met = _meet(case, _CLIENTS[case.protocol])
    faults = [*_said_in_clear(case, server), *_shown(server, met), *_manners(case, server, met)]
    if met.opened and not case.implicit:
        _, honest = _meet(case.honest(), _CLIENTS[case.protocol])
        faults += [f"influenced: {ours} instead of {theirs}" for ours, theirs in _differences(met, honest)]
    server, probed = _meet(case, partial(_probe, case.protocol))
    probing = [*_said_in_clear(case, server), *_shown(server, probed), *_manners(case, server, probed)]
    return Verdict(case, _outcome(met), tuple(faults + [f"discovery: {fault}" for fault in probing]))


def _meet(case: Case, client: Client) -> tuple[FakeServer, Meeting]:
    met, began = Meeting(), time.monotonic()
    security = Security.TLS if case.implicit else Security.STARTTLS
    find = socket.getaddrinfo

    def looked_up(host: str, *rest: Any, **more: Any) -> Any:
        met.called.add(host)
        return find("127.0.0.1", *rest, **more)

    with FakeServer(case) as server, mock.patch("socket.getaddrinfo", looked_up):
        try:
            client(Server("localhost", server.port, security, USER), met)
        except MailError as error:
            met.errors.append(error)
        except Exception as error:  # noqa: BLE001  # the very thing that is looked for
            met.crash = f"{type(error).__name__}: {error}"
        met.seconds = time.monotonic() - began
    return server, met


# -- whole clients


def _imap(server: Server, met: Meeting) -> None:
    connection = ImapConnection(server, lambda: PASSWORD, str(certs.authority().ca_file), TIMEOUT)
    try:
        met.opened = True
        met.got("capabilities", lambda: sorted(connection.capabilities))
        met.got("folders", connection.list_folders)
        met.got("status", lambda: connection.status("INBOX"))
        met.got("selected", lambda: connection.select("INBOX"))
        met.got("news", lambda: sorted(connection.take_news()))
        met.got("uids", lambda: connection.uid_search("ALL"))
        met.got("headers", lambda: list(connection.fetch_headers("1:*")))
        met.got("bodies", lambda: list(connection.fetch_bodies([7])))
        met.got("append", lambda: connection.append("INBOX", SENT))
        connection.log_out()
    finally:
        connection.abort()


def _pop3(server: Server, met: Meeting) -> None:
    session = pop3.Session(server, lambda: PASSWORD, str(certs.authority().ca_file), TIMEOUT)
    try:
        met.opened = True
        met.got("capabilities", lambda: sorted(session.capabilities.items()))
        met.got("listing", session.listing)
        met.got("mail", lambda: [_read(file) for _, file in session.retrieve([1], tempfile.TemporaryFile)])
        met.got("quit", session.quit)
    finally:
        session.abort()


def _read(file: Any) -> bytes:
    if isinstance(file, MailError):
        raise file
    with file:
        return bytes(file.read())


def _smtp(server: Server, met: Meeting) -> None:
    async def send() -> None:
        timeouts = Timeouts(*[TIMEOUT] * 10)
        session = await smtp.open_submission(server, PASSWORD, str(certs.authority().ca_file), timeouts=timeouts)
        met.opened = True
        met.haul.append(f"extensions: {sorted(session.extensions.items())}")
        job = Job("ada@example.org", ("bo@example.org",), Body.of(SENT))
        outcomes = await smtp.deliver(session, job, before_dot=unrecorded)
        met.haul += [f"outcome: {one.state} {one.code} {one.text}" for one in outcomes]
        await session.quit()

    asyncio.run(send())


def _probe(protocol: str, server: Server, met: Meeting) -> None:
    """Discovery asks a server whether it is there, and signs in nowhere."""
    probe(server, protocol, str(certs.authority().ca_file), TIMEOUT)
    met.opened = True


_CLIENTS: dict[str, Client] = {"imap": _imap, "pop3": _pop3, "smtp": _smtp}


# -- judging


def _said_in_clear(case: Case, server: FakeServer) -> list[str]:
    heard = server.heard["clear"]
    if case.implicit or heard.startswith(b"\x16\x03"):
        return []
    faults = [f"in clear: {secret!r}" for secret in _SECRETS if secret in heard]
    talk = re.split(rb"\x16\x03[\x01-\x04]", heard, maxsplit=1)[0]
    lines = [line for line in talk.split(b"\r\n") if line]
    return faults + [f"in clear: {line[:60]!r}" for line in lines if not _BEFORE_TLS[case.protocol].fullmatch(line)]


def _shown(server: FakeServer, met: Meeting) -> list[str]:
    """Words said in clear (and not later, and not our own) in what a person gets to read."""
    forged = _words(server.said["clear"]) - _words(server.said["tls"]) - _OURS
    faults = []
    for error in met.errors:
        if found := forged & _words(error.text.encode()):
            faults.append(f"in a sentence: {sorted(found)}")
        found = forged & _words(error.detail.encode())
        if found and not error.detail.startswith(tls.IN_CLEAR):
            faults.append(f"in the details, unmarked: {sorted(found)}")
    return faults


def _words(text: bytes) -> set[str]:
    return set(re.findall(r"\w{4,}", text.decode("latin-1")))


def _manners(case: Case, server: FakeServer, met: Meeting) -> list[str]:
    faults = []
    if met.crash:
        faults.append(f"raised {met.crash}")
    if met.called - {"localhost"}:
        faults.append(f"called {sorted(met.called)}")
    if met.seconds > DEADLINE:
        faults.append(f"took {met.seconds:.0f} s")
    if not met.opened and not met.errors and not met.crash:
        faults.append("neither opened nor failed")
    if case.leaf != "good" and (met.opened or server.heard["tls"] or not _about_certificate(met)):
        faults.append("a certificate that does not fit was not the end")
    return faults


def _about_certificate(met: Meeting) -> bool:
    return any(error.code.startswith("certificate-") for error in met.errors)


def _differences(met: Meeting, honest: Meeting) -> list[tuple[str, str]]:
    pairs = zip(met.haul, honest.haul, strict=False)
    found = [(ours, theirs) for ours, theirs in pairs if ours != theirs]
    return found + ([("more or less",) * 2] if len(met.haul) != len(honest.haul) else [])


def _outcome(met: Meeting) -> str:
    if met.crash:
        return "crashed"
    if not met.errors:
        return "worked under TLS"
    last = met.errors[-1].code
    return f"opened under TLS, then {last}" if met.opened else f"stopped: {last}"


# -- the page


def table(verdicts: list[Verdict]) -> str:
    """The verdicts as a table, and the score above it."""
    clean = sum(not verdict.faults for verdict in verdicts)
    worked = sum(verdict.outcome == "worked under TLS" for verdict in verdicts)
    rows = [
        f"| {one.case.name.removeprefix('testcases/')} | {one.outcome} | {'; '.join(one.faults) or 'clean'} |"
        for one in verdicts
    ]
    head = f"**{clean} of {len(verdicts)} clean**; in {worked} the session came about and did its work.\n"
    return "\n".join([head, "| case | how it ended | verdict |", "|---|---|---|", *rows, ""])
