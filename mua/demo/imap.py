"""The IMAP server of the demo account: asyncio, on loopback, IMAP4rev1 with the extensions that Mua uses.

It doubles as a test server: ``Faults`` takes capabilities away, refuses commands, cuts connections and slows them.
Here are login, dispatch and IDLE; the commands are in ``imap_folders.py`` and ``imap_messages.py``.

Rule of the file: a client can end its own session, never the server.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from mua import __version__
from mua.demo import imap_folders, imap_messages
from mua.demo.listener import Listener
from mua.demo.mailbox import Mailbox, Refused
from mua.demo.session import LINE_LIMIT, Faults, Gone, Login, Session
from mua.demo.syntax import Bad, Token, quoted, text

Command = Callable[[Session, list[Token]], Awaitable[str]]


async def capability(session: Session, args: list[Token]) -> str:
    """CAPABILITY."""
    session.untagged("CAPABILITY " + " ".join(session.capabilities))
    return "CAPABILITY completed"


async def noop(session: Session, args: list[Token]) -> str:
    """NOOP and CHECK: the news follows every command."""
    return "Done"


async def logout(session: Session, args: list[Token]) -> str:
    """LOGOUT; the session ends after the answer."""
    session.untagged("BYE Until next time")
    return "LOGOUT completed"


async def identify(session: Session, args: list[Token]) -> str:
    """ID (RFC 2971)."""
    session.write(b"* ID (%s)\r\n" % b" ".join(map(quoted, ("name", "Mua demo", "version", __version__))))
    return "ID completed"


async def log_in(session: Session, args: list[Token]) -> str:
    """LOGIN."""
    if len(args) != 2:
        raise Bad("LOGIN needs a user and a password")
    return _admit(session, text(args[0]), text(args[1]))


async def authenticate(session: Session, args: list[Token]) -> str:
    """AUTHENTICATE PLAIN (RFC 4616), with an initial response (RFC 4959) or without."""
    if not args or text(args[0]).upper() != "PLAIN":
        raise Refused("Only PLAIN is known here")
    if len(args) > 1:
        answer = text(args[1]).encode()
    else:
        session.write(b"+ \r\n")
        await session.flush()
        answer = await session.line()
    if answer == b"*":
        raise Bad("Cancelled")
    try:
        _, user, password = base64.b64decode(answer, validate=True).decode("utf-8").split("\0")
    except ValueError as error:
        raise Bad("This is not a PLAIN answer") from error
    return _admit(session, user, password)


async def enable(session: Session, args: list[Token]) -> str:
    """ENABLE (RFC 5161)."""
    asked = [text(word).upper() for word in args]
    enabled = [word for word in asked if word in ("CONDSTORE", "QRESYNC") and session.can(word)]
    session.condstore = session.condstore or bool(enabled)
    session.qresync = session.qresync or "QRESYNC" in enabled
    session.untagged(" ".join(["ENABLED", *enabled]))
    return "ENABLE completed"


async def idle(session: Session, args: list[Token]) -> str:
    """IDLE (RFC 2177): tells the news until the client says DONE."""
    session.write(b"+ idling\r\n")
    done = asyncio.ensure_future(session.line())
    try:
        while not done.done():
            session.wake.clear()
            session.news()
            await session.flush()
            await _first(done, session.wake)
        if (await done).upper() != b"DONE":
            raise Bad("DONE was expected")
    finally:
        done.cancel()
    return "IDLE completed"


async def _first(done: "asyncio.Future[bytes]", wake: asyncio.Event) -> None:
    woken = asyncio.ensure_future(wake.wait())
    try:
        waiting: set[asyncio.Future[Any]] = {done, woken}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        woken.cancel()


def _admit(session: Session, user: str, password: str) -> str:
    if not session.login.admits(user, password):
        raise Refused("[AUTHENTICATIONFAILED] The user name or the password is wrong")
    session.authenticated = True
    return f"[CAPABILITY {' '.join(session.capabilities)}] Welcome"


ANY: dict[str, Command] = {"CAPABILITY": capability, "NOOP": noop, "LOGOUT": logout, "ID": identify}
STRANGER: dict[str, Command] = {"LOGIN": log_in, "AUTHENTICATE": authenticate}
AUTHENTICATED: dict[str, Command] = {
    "ENABLE": enable,
    "IDLE": idle,
    "NAMESPACE": imap_folders.namespace,
    "LIST": imap_folders.list_folders,
    "LSUB": imap_folders.list_subscribed,
    "STATUS": imap_folders.status,
    "CREATE": imap_folders.create,
    "DELETE": imap_folders.delete,
    "RENAME": imap_folders.rename,
    "SUBSCRIBE": imap_folders.subscribe,
    "UNSUBSCRIBE": imap_folders.unsubscribe,
    "SELECT": imap_messages.select,
    "EXAMINE": imap_messages.examine,
    "APPEND": imap_messages.append,
}
SELECTED: dict[str, Command] = {
    "CHECK": noop,
    "UNSELECT": imap_messages.unselect,
    "CLOSE": imap_messages.close,
    "EXPUNGE": imap_messages.expunge,
    "FETCH": imap_messages.fetch,
    "STORE": imap_messages.store,
    "SEARCH": imap_messages.search,
    "COPY": imap_messages.copy,
    "MOVE": imap_messages.move,
    "UID FETCH": partial(imap_messages.fetch, by_uid=True),
    "UID STORE": partial(imap_messages.store, by_uid=True),
    "UID SEARCH": partial(imap_messages.search, by_uid=True),
    "UID COPY": partial(imap_messages.copy, by_uid=True),
    "UID MOVE": partial(imap_messages.move, by_uid=True),
    "UID EXPUNGE": partial(imap_messages.expunge, by_uid=True),
}
NEEDS = {
    **{name: name for name in ("ID", "ENABLE", "IDLE", "NAMESPACE", "UNSELECT", "MOVE")},
    "UID MOVE": "MOVE",
    "UID EXPUNGE": "UIDPLUS",
    "AUTHENTICATE": "AUTH=PLAIN",
}
SILENT_ON_EXPUNGE = {"FETCH", "STORE", "SEARCH"}  # RFC 3501 s.7.4.1: no EXPUNGE while sequence numbers are in use


class ImapServer(Listener):
    """Many sessions on one mailbox."""

    protocol = "IMAP"
    line_limit = LINE_LIMIT

    def __init__(self, mailbox: Mailbox, login: Login, faults: Faults | None = None) -> None:
        super().__init__()
        self.mailbox = mailbox
        self.login = login
        self.faults = faults or Faults()
        self.commands: list[str] = []  # every command that came, in order (tests count round trips with it)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session (RFC 3501 s.3)."""
        session = Session(self.mailbox, self.login, self.faults, reader, writer)
        try:
            await self._serve(session)
        finally:
            session.leave()

    async def _serve(self, session: Session) -> None:
        session.untagged(f"OK [CAPABILITY {' '.join(session.capabilities)}] Mua demo server")
        try:
            while True:
                await session.flush()
                tag, args = await session.command()
                if await self._answer(session, tag, args):
                    return
        except Gone as reason:
            if str(reason):
                session.untagged(f"BYE {reason}")
                await session.flush()

    async def _answer(self, session: Session, tag: str, args: list[Token]) -> bool:
        """Do one command; True when it was LOGOUT."""
        name = text(args.pop(0)).upper() if args and not isinstance(args[0], list) else "?"
        if name == "UID" and args:
            name += " " + text(args.pop(0)).upper()
        session.tag = tag
        self.commands.append(name)
        if name in self.faults.drop_on:
            raise Gone
        try:
            answer = "OK " + await self._do(session, name, args)
        except Refused as refusal:
            answer = f"NO {refusal}"
        except Bad as error:
            answer = f"BAD {error}"
        except OSError as error:
            answer = f"NO [SERVERBUG] {error.strerror}"
        session.news(may_expunge=name not in SILENT_ON_EXPUNGE)
        if name in self.faults.drop_before_ok:
            await session.flush()
            raise Gone
        session.write(f"{tag} {answer}\r\n".encode())
        await session.flush()
        return name == "LOGOUT"

    async def _do(self, session: Session, name: str, args: list[Token]) -> str:
        if name in self.faults.refuse:
            raise Refused(self.faults.refuse[name])
        if name == "BAD":
            raise Bad(text(args[0]) if args else "Unknown command")
        found = ANY.get(name) or (AUTHENTICATED if session.authenticated else STRANGER).get(name)
        if found is None and session.authenticated and name in SELECTED:
            session.selected  # noqa: B018  (raises Bad when there is none)
            found = SELECTED[name]
        if found is None or not session.can(NEEDS.get(name, "")):
            raise Bad("Unknown command, or not now")
        return await found(session, args)
