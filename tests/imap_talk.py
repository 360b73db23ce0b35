"""The beginnings that most IMAP conversations share, and a connection to them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from scripted import Conversation, Scripted

from mua.model.account import Security, Server
from mua.net.imap import ImapConnection
from mua.net.imap_wire import Limits

CAPABILITIES = "IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN IDLE UIDPLUS MOVE ESEARCH UNSELECT"

Part = str | Callable[[Conversation], object]


def hello(capabilities: str = CAPABILITIES) -> str:
    """From the greeting to the end of a login; capabilities come with the tagged OK."""
    return rf"""
        S: * OK ready
        C: {{tag}} CAPABILITY
        S: * CAPABILITY {capabilities}
        S: {{tag}} OK done
        C: {{tag}} AUTHENTICATE PLAIN AGFubgBzM2NyM3Q=
        S: {{tag}} OK [CAPABILITY {capabilities}] in
        """


SELECT = r"""
    C: {tag} SELECT "INBOX"
    S: * 3 EXISTS
    S: * OK [UIDVALIDITY 7] x
    S: * OK [UIDNEXT 12] x
    S: {tag} OK [READ-WRITE] done
    """


@contextmanager
def talking(
    *parts: Part,
    capabilities: str = CAPABILITIES,
    greeting: str | None = None,
    limits: Limits | None = None,
    partial: bool = False,
    timeout: float = 5,
    security: Security = Security.NONE,
    ca_file: str = "",
) -> Iterator[ImapConnection]:
    """A logged-in connection to a server that follows the script."""
    beginning = hello(capabilities) if greeting is None else greeting
    with Scripted(beginning, *parts, partial=partial) as server:
        connection = connect(server, security, ca_file, limits=limits, timeout=timeout)
        try:
            yield connection
        finally:
            connection.abort()


def connect(
    server: Scripted,
    security: Security = Security.NONE,
    ca_file: str = "",
    host: str = "127.0.0.1",
    limits: Limits | None = None,
    timeout: float = 5,
    user: str = "ann",
    password: Callable[[], str] = lambda: "s3cr3t",
) -> ImapConnection:
    """Connect to a scripted server."""
    return ImapConnection(Server(host, server.port, security, user), password, ca_file, timeout, limits=limits)
