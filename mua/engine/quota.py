"""How full the account is on its server: asked rarely, kept in the store, and said before mail is refused.

Theory of operation: asked once a connection when everything else is done, again a while after mail came or went, and at
once after something was refused for lack of room.  A person is told when a limit comes near, once.
"""

import time

from mua import wire
from mua.engine.pull import Shared
from mua.errors import Kind, MailError
from mua.log import IMAP
from mua.model.quota import warning
from mua.net.imap import ImapConnection
from mua.plan import sync
from mua.store import read, write


class QuotaWatch:
    """When one connection was last asked."""

    def __init__(self) -> None:
        self._asked: float | None = None
        self._messages = 0

    def look(self, shared: Shared, connection: ImapConnection) -> None:
        """Ask when it is time to; whoever refuses to tell is asked again as rarely."""
        messages = sum(one.state.on_server for one in shared.folders())
        seconds = None if self._asked is None or shared.no_room else time.monotonic() - self._asked
        if not connection.can("QUOTA") or not sync.quota_due(seconds, self._messages, messages):
            return
        shared.no_room = False
        self._asked, self._messages = time.monotonic(), messages
        try:
            told = connection.quota()
        except MailError as error:
            if error.kind is not Kind.FOLDER:
                raise
            IMAP.info("account %d: does not tell its quota (%s)", shared.account.id, error.code)
            return
        before = read.quotas(shared.context.store.reader(), shared.account.id)
        if told == before:
            return
        with shared.context.store.write() as tx:
            write.set_quotas(tx, shared.account.id, told)
        sizes = [(one.name, one.octets) for one in shared.folders() if not one.space]
        said = warning(connection.server.host, told, sizes)
        if said and not warning(connection.server.host, before):
            shared.context.publish(wire.Notice(said, "nearly-full"))
