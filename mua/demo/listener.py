"""What both demo servers are: a port on loopback, and a task for each connection.

Rule of the file: a client can end its own session, never the server.
"""

import asyncio

from mua.log import DEMO


class Listener:
    """Listens on ``127.0.0.1`` and runs ``converse`` for each connection; ``port`` is 0 until ``start``."""

    protocol = ""
    line_limit = 1 << 16  # octets that a reader buffers

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session, from greeting to end; a ConnectionError ends it quietly."""
        raise NotImplementedError

    async def start(self, port: int = 0) -> None:
        """Bind and listen; ``port`` is then the real one.  Raises OSError."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port, limit=self.line_limit)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and end every session."""
        if self._server:
            self._server.close()
        for task in list(self._sessions):
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        try:
            await self.converse(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            DEMO.debug("an %s session ended early", self.protocol)
        except Exception:  # noqa: BLE001  (the server outlives a mistake in one session)
            DEMO.exception("an %s session failed", self.protocol)
        finally:
            self._sessions.discard(task)
            writer.close()
