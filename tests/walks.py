"""Whole sessions of our clients: all that a worker does with a server, one step after the other.

A step that the server refuses is a step (``MailError`` of kind FOLDER or MESSAGE); the walk ends where the connection
does, by a MailError.  Returned is what was learned, step by step; give ``steps`` to have it also then.
"""

import asyncio
import tempfile
from collections.abc import Callable
from typing import Any

from mail_sink import unrecorded

from mua.errors import Kind, MailError
from mua.model.account import Server
from mua.model.folder import FolderState
from mua.net import pop3, smtp
from mua.net.imap import ImapConnection
from mua.net.imap_wire import Limits
from mua.net.smtp_body import Body
from mua.net.smtp_outcome import Job
from mua.net.smtp_wire import Timeouts

PASSWORD = "correct-horse-7141"
MAIL = b"From: ann@example.org\r\nSubject: ours\r\nMessage-ID: <ours@example.org>\r\n\r\n.dots\r\n..\r\nall ours\r\n"
_GOES_ON = (Kind.FOLDER, Kind.MESSAGE)


class Steps(list[str]):
    """What was learned."""

    def take(self, what: str, do: Callable[[], object]) -> Any:
        """Do a step, and keep what came of it."""
        try:
            result = do()
        except MailError as error:
            if error.kind not in _GOES_ON:
                raise
            self.append(f"{what}: {error.code}")
            return None
        self.append(f"{what}: {result!r}")
        return result


def imap(
    server: Server,
    *,
    steps: Steps | None = None,
    limits: Limits | None = None,
    ca_file: str = "",
    timeout: float = 5.0,
) -> Steps:
    """Everything that ``ImapConnection`` can do, save waiting."""
    steps = Steps() if steps is None else steps
    connection = ImapConnection(server, lambda: PASSWORD, ca_file, timeout, limits=limits)
    try:
        _imap_folders(connection, steps)
        _imap_reading(connection, steps)
        _imap_changing(connection, steps)
        connection.log_out()
    finally:
        connection.abort()
    return steps


def _imap_folders(connection: ImapConnection, steps: Steps) -> None:
    steps.take("id", connection.identify)
    steps.take("namespace", connection.namespace)
    steps.take("create", lambda: connection.create_folder("Entwürfe & mehr"))
    steps.take("rename", lambda: connection.rename_folder("Entwürfe & mehr", "日本語"))
    steps.take("folders", connection.list_folders)
    steps.take("status", lambda: connection.status("INBOX"))


def _imap_reading(connection: ImapConnection, steps: Steps) -> None:
    state = steps.take("select", lambda: connection.select("INBOX"))
    steps.take("all", lambda: connection.uid_search("ALL"))
    steps.take("letters", lambda: connection.uid_search("SUBJECT", '"ours"'))
    steps.take("headers", lambda: list(connection.fetch_headers("1:*")))
    steps.take("flags", lambda: list(connection.fetch_flags("1:*", 1)))
    steps.take("bodies", lambda: [(one.uid, _bytes(one.body)) for one in connection.fetch_bodies(range(1, 9), batch=2)])
    steps.take("select missing", lambda: connection.select("Missing"))
    known = FolderState(getattr(getattr(state, "state", None), "uidvalidity", 0) or 1, 4, 1, 3)
    steps.take("select again", lambda: connection.select("INBOX", known))


def _imap_changing(connection: ImapConnection, steps: Steps) -> None:
    steps.take("store", lambda: connection.store_flags([1, 2, 3], ["\\Seen", "$Label"], ["\\Flagged"]))
    steps.take("append", lambda: connection.append("日本語", MAIL, ["\\Seen"], 1_700_000_000))
    steps.take("move", lambda: connection.move([1, 2], "日本語"))
    steps.take("expunge", lambda: connection.expunge([3]))
    steps.take("noop", connection.noop)
    steps.take("news", lambda: sorted(connection.take_news()))
    steps.take("unselect", connection.unselect)
    steps.take("delete", lambda: connection.delete_folder("日本語"))


def _bytes(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    with body:
        body.seek(0)
        return bytes(body.read())


def pop(
    server: Server,
    *,
    steps: Steps | None = None,
    ca_file: str = "",
    timeout: float = 5.0,
    max_message: int = 1 << 20,
) -> Steps:
    """A visit to a POP3 server."""
    steps = Steps() if steps is None else steps
    session = pop3.Session(server, lambda: PASSWORD, ca_file, timeout, max_message=max_message)
    try:
        steps.take("capabilities", lambda: sorted(session.capabilities.items()))
        listed = steps.take("listing", session.listing) or []
        numbers = [one.number for one in listed][:50] or [1, 2]
        steps.take("headers", lambda: [_mail(one) for one in session.headers(numbers[:2])])
        steps.take("mails", lambda: [_mail(one) for one in session.retrieve(numbers, tempfile.TemporaryFile)])
        steps.take("delete", lambda: [_mail(one) for one in session.delete(numbers[:2])])
        steps.take("quit", session.quit)
    finally:
        session.abort()
    return steps


def _mail(one: tuple[int, Any]) -> tuple[int, bytes | str | None]:
    number, answer = one
    if isinstance(answer, MailError):
        return number, answer.code
    return number, answer if answer is None else _bytes(answer)


def submission(server: Server, *, ca_file: str = "", timeouts: Timeouts | None = None) -> Steps:
    """Two messages over one submission session."""
    steps = Steps()

    async def send() -> None:
        session = await smtp.open_submission(server, PASSWORD, ca_file, timeouts=timeouts or Timeouts(*[5.0] * 10))
        steps.append(f"extensions: {sorted(session.extensions.items())}")
        for recipients in (("bob@good.test", "nobody@good.test"), ("bob@good.test",)):
            if session.usable:
                job = Job("ann@good.test", recipients, Body.of(MAIL), envid="walk-1")
                outcomes = await smtp.deliver(session, job, before_dot=unrecorded)
                steps.extend(f"{one.address}: {one.state} {one.code} {one.text}" for one in outcomes)
        await session.quit()

    asyncio.run(send())
    return steps


WALKS: dict[str, Callable[..., Steps]] = {"imap": imap, "pop3": pop, "smtp": submission}
