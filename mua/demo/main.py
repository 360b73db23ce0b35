"""The process of the demo account: ``python -m mua.demo.main --dir DIR``.

It binds both servers on loopback, prints one JSON line (ports, user, password, address) on standard output, which is a
pipe to the parent, and lives until standard input closes, so that it ends with its parent however that ends.
"""

import asyncio
import json
import secrets
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from mua import log
from mua.demo.imap import ImapServer
from mua.demo.mailbox import Mailbox
from mua.demo.people import OWNER
from mua.demo.post import Post
from mua.demo.session import Faults, Login
from mua.demo.smtp import SmtpServer


@dataclass(slots=True)
class Servers:
    """Both servers on one mailbox, in the running event loop.  Tests use it too, with faults."""

    imap: ImapServer
    smtp: SmtpServer

    @classmethod
    async def start(cls, mailbox: Mailbox, login: Login, faults: Faults | None = None) -> "Servers":
        """Bind both on free ports.  Raises OSError."""
        faults = faults or Faults()
        servers = cls(ImapServer(mailbox, login, faults), SmtpServer(Post(mailbox), login, faults))
        await servers.imap.start()
        await servers.smtp.start()
        return servers

    async def close(self) -> None:
        """End both, and every session."""
        await self.smtp.close()
        await self.imap.close()


def open_mailbox(directory: Path, now: int) -> Mailbox:
    """The mailbox in ``directory``, seeded when it is new (``now``: UTC seconds)."""
    mailbox = Mailbox(directory)
    if mailbox.files and not mailbox.files.seeded:
        from mua.demo.seed import fill  # a restart does not need it

        fill(mailbox, now)
        mailbox.files.mark_seeded()
    return mailbox


def new_login() -> Login:
    """A password for this start only; nobody types it."""
    return Login(OWNER.address, secrets.token_urlsafe(24))


async def serve(directory: Path) -> None:
    """Serve ``directory`` until standard input closes."""
    login = new_login()
    log.mask(login.password)
    servers = await Servers.start(open_mailbox(directory, int(time.time())), login)
    ready = {"imap_port": servers.imap.port, "smtp_port": servers.smtp.port, "user": login.user}
    sys.stdout.write(json.dumps({**ready, "password": login.password, "email": OWNER.address}) + "\n")
    sys.stdout.flush()
    await _input_closed()
    await servers.close()


async def _input_closed() -> None:
    """Waits on a thread: a pipe on standard input cannot be awaited on every platform."""
    loop, closed = asyncio.get_running_loop(), asyncio.Event()

    def wait() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        loop.call_soon_threadsafe(closed.set)

    threading.Thread(target=wait, name="parent", daemon=True).start()
    await closed.wait()


def main(directory: Path) -> int:
    """The life of the process, on the demo mailbox in ``directory``."""
    if not sys.stdin.isatty():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent, which closes our standard input
    try:
        asyncio.run(serve(directory))
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        log.DEMO.error("the demo server cannot start: %s", error)
        return 1
    return 0
