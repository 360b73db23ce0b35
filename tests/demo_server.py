"""The demo account's servers on a thread of this process, for tests: with faults, and with a hand on the mailbox."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import imapclient

from mua.demo.mailbox import Mailbox
from mua.demo.main import Servers
from mua.demo.session import Faults, Login

LOGIN = Login("robin@demo.mua.example", "correct horse")


class House:
    """Running servers.  What touches the mailbox goes through ``do``, which runs it on the servers' loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, servers: Servers, mailbox: Mailbox, faults: Faults) -> None:
        self.loop = loop
        self.servers = servers
        self.mailbox = mailbox
        self.faults = faults
        self.login = LOGIN

    @property
    def imap_port(self) -> int:
        return self.servers.imap.port

    @property
    def smtp_port(self) -> int:
        return self.servers.smtp.port

    def do(self, function: Callable[..., Any], *args: Any) -> Any:
        """Call ``function`` on the loop and wait for its result."""

        async def call() -> Any:
            return function(*args)

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(10)

    def client(self) -> imapclient.IMAPClient:
        """A client that is logged in."""
        client = imapclient.IMAPClient("127.0.0.1", self.imap_port, ssl=False, timeout=10)
        client.login(self.login.user, self.login.password)
        return client


@contextmanager
def house(mailbox: Mailbox | None = None, faults: Faults | None = None) -> Iterator[House]:
    """Both servers, until the block ends; correspondents answer at once."""
    mailbox, faults = mailbox or Mailbox(), faults or Faults()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="demo", daemon=True)
    thread.start()
    servers = asyncio.run_coroutine_threadsafe(Servers.start(mailbox, LOGIN, faults), loop).result(10)
    servers.smtp.post.delays = (0.02, 0.04)
    servers.smtp.post.greylist = 0.0
    try:
        yield House(loop, servers, mailbox, faults)
    finally:
        asyncio.run_coroutine_threadsafe(servers.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
