"""No name, flag, address or password can start another command: whatever is put in, nothing is sent but one command.

Every public function of the clients that takes a text is called with texts that hold CR, LF, NUL and other letters.
"""

import asyncio
import inspect
import re
import socket
from collections.abc import Callable
from typing import Any

import pytest
from fake_mail_server import Case, FakeServer
from imap_talk import SELECT, hello, talking
from mail_sink import unrecorded
from scripted import Scripted

from mua.errors import MailError
from mua.model.account import Security, Server
from mua.model.outgoing import RecipientState
from mua.net import pop3, smtp
from mua.net.imap import ImapConnection
from mua.net.imap_tokens import quoted
from mua.net.smtp_body import Body
from mua.net.smtp_outcome import Job
from mua.net.smtp_wire import Timeouts

HOSTILE = [
    "x\r\nA9 DELETE INBOX",
    "x\nA9 DELETE INBOX",
    "x\rA9 DELETE INBOX",
    "x\0y",
    "\r\n",
    "päss\r\nNOOP",
    "\ud800\n",
]
PASSWORD = "s3cr3t"
OURS = re.compile(
    r"EHLO \[127\.0\.0\.1\]|AUTH PLAIN [A-Za-z0-9+/=]+|MAIL FROM:<me@x\.test>( [!-~]+)*|RCPT TO:<you@x\.test>( [!-~]+)*"
    r"|DATA|x|\.|QUIT"
)

IMAP: dict[str, Callable[[ImapConnection, str], Any]] = {
    "status": lambda c, bad: c.status(bad),
    "create_folder": lambda c, bad: c.create_folder(bad),
    "subscribe": lambda c, bad: c.subscribe(bad),
    "rename_folder": lambda c, bad: c.rename_folder("good", bad),
    "rename_folder from": lambda c, bad: c.rename_folder(bad, "good"),
    "delete_folder": lambda c, bad: c.delete_folder(bad),
    "select": lambda c, bad: c.select(bad),
    "fetch_headers": lambda c, bad: list(c.fetch_headers(bad)),
    "fetch_flags": lambda c, bad: list(c.fetch_flags(bad)),
    "uid_search": lambda c, bad: c.uid_search("SUBJECT", quoted(bad)),
    "uid_search bare": lambda c, bad: c.uid_search(bad),
    "search_message_id": lambda c, bad: c.search_message_id(bad),
    "store_flags": lambda c, bad: c.store_flags([1], [bad]),
    "store_flags remove": lambda c, bad: c.store_flags([1], (), [bad]),
    "move": lambda c, bad: c.move([1], bad),
    "append": lambda c, bad: c.append(bad, b"x"),
    "append flags": lambda c, bad: c.append("INBOX", b"x", [bad]),
    "command": lambda c, bad: c.command("NOOP", bad),
}
NOT_TEXT = {"interrupt", "abort"}  # and whatever takes no text


@pytest.mark.parametrize("bad", HOSTILE, ids=repr)
def test_imap(bad: str) -> None:
    with Scripted(hello(), SELECT) as server:
        connection = ImapConnection(Server("127.0.0.1", server.port, Security.NONE, "ann"), lambda: PASSWORD, timeout=5)
        connection.select("INBOX")
        before = connection.log.lines_sent
        for name, call in IMAP.items():
            with pytest.raises(MailError) as caught:
                call(connection, bad)
            assert caught.value.code in ("control-character", "bad-name"), name
            assert connection.log.lines_sent == before, name
        connection.abort()


def test_every_imap_function_that_takes_a_text_is_here() -> None:
    """A new one has to be added above."""
    texts = set()
    for name, function in inspect.getmembers(ImapConnection, inspect.isfunction):
        wanted = {"folder", "name", "new_name", "uids", "criteria", "message_id", "add", "flags", "parts"}
        if not name.startswith("_") and wanted & set(inspect.signature(function).parameters):
            texts.add(name)
    tried = {name.split()[0] for name in IMAP}
    assert texts - tried <= {"fetch_bodies", "expunge", "start", "start_literal", "refusal"}, texts - tried


@pytest.mark.parametrize("bad", HOSTILE, ids=repr)
@pytest.mark.parametrize("where", ["user", "password"])
def test_imap_sign_in(bad: str, where: str) -> None:
    """A PLAIN message may not hold NUL; LOGIN no line end either; nothing of it is a line of its own."""
    user, password = (bad, PASSWORD) if where == "user" else ("ann", bad)
    greeting = "S: * OK hi\nC: {tag} CAPABILITY\nS: * CAPABILITY IMAP4rev1\nS: {tag} OK x"
    with Scripted(greeting) as server, pytest.raises(MailError) as caught:
        ImapConnection(Server("127.0.0.1", server.port, Security.NONE, user), lambda: password, timeout=5)
    assert caught.value.code == "wrong-password"
    assert len(server.lines) == 1


@pytest.mark.parametrize("bad", HOSTILE, ids=repr)
@pytest.mark.parametrize("where", ["user", "password"])
def test_pop3_sign_in(bad: str, where: str) -> None:
    """All that a POP3 session is ever given as a text."""
    user, password = (bad, PASSWORD) if where == "user" else ("ann", bad)
    hello = "S: +OK hi\nC: CAPA\nS: +OK\nS: USER\nS: ."
    with Scripted(hello, quit_reply=b"+OK\r\n") as server, pytest.raises(MailError):
        pop3.Session(Server("127.0.0.1", server.port, Security.NONE, user), lambda: password, timeout=5)
    assert server.lines == ["CAPA"]


@pytest.mark.parametrize("bad", HOSTILE, ids=repr)
@pytest.mark.parametrize("where", ["user", "password", "sender", "recipient", "envid"])
def test_submission(bad: str, where: str) -> None:
    """Whatever is refused or encoded, the server hears commands of ours and nothing else."""
    given = {"user": "ann", "password": PASSWORD, "sender": "me@x.test", "recipient": "you@x.test", "envid": "1"}
    given[where] = bad

    async def send(port: int) -> None:
        server = Server("127.0.0.1", port, Security.NONE, given["user"])
        session = await smtp.open_submission(server, given["password"], timeouts=Timeouts(*[5.0] * 10))
        job = Job(given["sender"], (given["recipient"],), Body.of(b"x\r\n"), envid=given["envid"])
        outcomes = await smtp.deliver(session, job, before_dot=unrecorded)
        assert (outcomes[0].state is RecipientState.REFUSED) == (where in ("sender", "recipient"))
        await session.quit()

    case = Case("own", "smtp", {"cert": ("Cert", {}), "capabilities": [("Auth", [["Plain"]])]})
    with FakeServer(case) as server:
        if where in ("user", "password"):
            with pytest.raises(MailError):
                asyncio.run(send(server.port))
        else:
            asyncio.run(send(server.port))
    lines = server.heard["clear"].decode().split("\r\n")
    assert not [line for line in lines if line and not OURS.fullmatch(line)]


@pytest.mark.parametrize("bad", ["a\r\nb", "a\0b", "a\nb", "a" * 70_000, "\ud800", "..", ""])
def test_hosts(bad: str) -> None:
    with pytest.raises(MailError):
        ImapConnection(Server(bad, 1, Security.TLS, "ann"), lambda: PASSWORD, timeout=2)


def test_a_listener_hears_nothing_at_all_of_a_bad_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.3)
        with pytest.raises(MailError):
            ImapConnection(Server("127.0.0.1\0x", listener.getsockname()[1], Security.TLS, "ann"), lambda: PASSWORD)
        with pytest.raises(TimeoutError):
            listener.accept()


# -- what comes from the other side


NAMES = {
    '"../../etc/passwd"': "../../etc/passwd",  # only a name: no folder of a server ever becomes a path
    '"/"': "/",
    "&AC8ALgAu-": "&AC8ALgAu-",  # not how these characters are encoded, so it leads back to the server's octets
    '"&IC4-evil"': "\u202eevil",
    "&ZeVnLIqe": "&ZeVnLIqe",
    '"tab\\x09name"': "tab\\x09name",
    '"\\xff\\xfe"': "\\xff\\xfe",
    '"INBOX"': "INBOX",
    '"inbox"': "INBOX",
}


@pytest.mark.parametrize("raw", NAMES)
def test_names_that_a_server_gives(raw: str) -> None:
    """Each is a name that can be shown, stored and asked for again, and none ends the session."""
    script = rf"""
        C: {{tag}} LIST "" "*"
        S: * LIST () "/" {raw}
        S: * LIST () "/" "nul\x00"
        S: * LIST () "/" {"x" * 10_000}
        S: * LIST () "/" ""
        S: * LIST () "/" ()
        S: * LIST () "/" good
        S: {{tag}} OK x
        C: {{tag}} LSUB "" "*"
        S: {{tag}} OK x
        """
    with talking(script) as connection:
        names = [one.name for one in connection.list_folders()]
    assert len(names) == 2, names
    assert names[1] == "good"
    assert not set(names[0]) & set("\0\r\n\t\x1b\u202e")


def test_defects_of_real_servers_are_forgiven() -> None:
    """modern-email/defects: no text behind a code, a blank at the end of STATUS, NIL for an ID, a FLAGS with blanks."""
    script = r"""
        C: {tag} ID {}
        S: * ID NIL
        S: {tag} OK
        C: {tag} STATUS "INBOX" {}
        S: * STATUS INBOX (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7 ) \x20
        S: {tag} OK [HIGHESTMODSEQ 4]
        C: {tag} SELECT "INBOX"
        S: * 3 EXISTS
        S: * FLAGS (\Seen  \Flagged )
        S: * OK [HIGHESTMODSEQ 9]
        S: * OK [UIDVALIDITY 7]
        S: * OK
        S: {tag} OK [READ-WRITE]
        """
    with talking(script, capabilities="IMAP4rev1 AUTH=PLAIN SASL-IR ID") as connection:
        assert connection.identify() == {}
        assert connection.status("INBOX").on_server == 3
        assert connection.select("INBOX").state.uidvalidity == 7
