"""The engine's door: ``engine.sock``, one JSON object a line (``wire.py``).

One thread accepts, one thread a client reads.  A quick command is answered by the reading thread, in order; one that
may wait for a network gets a thread of its own.  Events go to every client that asked, through a queue of its own, so
that a client that does not read cannot hold up the engine: when its queue is full it is told ``everything`` later.

Only a client whose Hello was accepted is served.  The threads are bounded: whoever comes when ``CLIENTS`` are here, and
the slow command for which ``WORKING`` leaves no thread, is answered with a sentence (the former with number 0).
"""

import contextlib
import queue
import socket
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from mua import wire
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE

BACKLOG = 1000
CLIENTS = 100  # connected at a time; a window and a few command lines are usual
TURNED_AWAY = 16  # lines kept open for them: one that is shut while they write loses what they were told
WORKING = 200  # slow commands at a time, of all clients
SLOW = (
    wire.TryRule,
    wire.AddAccount,
    wire.SetSecret,
    wire.ChooseSecrets,
    wire.CheckAccount,
    wire.Discover,
    wire.BeginSignIn,
    wire.AwaitSignIn,
    wire.SetClient,
    wire.ExportSettings,
    wire.ImportSettings,
    wire.MakeDkim,
    wire.RemoveDkim,
    wire.VerifyDkim,
    wire.Diagnose,
    wire.LoadPictures,
    wire.Unsubscribe,
    wire.AnswerReceipt,
    wire.Preflight,
    wire.Examine,
    wire.Sync,
    wire.SearchServers,
    wire.VerifyIndex,
    wire.OpenMessage,
    wire.AwaitVerdicts,
    wire.Import,
    wire.Export,
    wire.Backup,
    wire.PutBook,
    wire.RemoveBook,
    wire.FindBooks,
    wire.SyncBooks,
    wire.ImportContacts,
    wire.ExportContacts,
    wire.RestoreBackup,
    wire.TakeSecrets,
    wire.RemoveAccount,
    wire.Send,
    wire.RescheduleOutgoing,
    wire.RetryOutgoing,
    wire.TendQueue,
)

Handler = Callable[["Client", wire.Command], wire.Answer]


class Client:
    """One connected window or command line."""

    def __init__(self, connection: socket.socket, server: "Server") -> None:
        self.name = "?"
        self.events = False
        self.welcome = False  # a Hello of it was accepted
        self._connection = connection
        self._server = server
        self._out: queue.Queue[bytes | None] = queue.Queue(BACKLOG)
        self._missed = False

    def serve(self) -> None:
        """Read commands until the client goes away."""
        threading.Thread(target=self._write, name="client-writer", daemon=True).start()
        try:
            with self._connection.makefile("rb") as lines:
                while line := lines.readline(wire.MAX_LINE):
                    self._take(line)
        except OSError:
            ENGINE.debug("client %s went away", self.name)
        finally:
            self._out.put(None)
            self._server.gone(self)

    def _take(self, line: bytes) -> None:
        try:
            number, command = wire.parse_command(line)
        except ValueError as error:
            self.send(
                wire.answer_line(0, MailError(Kind.BUG, Retry.NEVER, "Not a command of Mua.", str(error), "wire"))
            )
            return
        if not isinstance(command, SLOW):
            self.send(wire.answer_line(number, self._answered(command)))
        elif self._server.working.acquire(blocking=False):
            name = type(command).__name__
            threading.Thread(target=self._answer_slowly, args=(number, command), name=name, daemon=True).start()
        else:
            self.send(wire.answer_line(number, _busy()))

    def _answer_slowly(self, number: int, command: wire.Command) -> None:
        try:
            answer = self._answered(command)
        finally:
            self._server.working.release()  # before it is sent: a client that does not read holds up itself
        self.send(wire.answer_line(number, answer))

    def _answered(self, command: wire.Command) -> wire.Answer | MailError:
        try:
            answer: wire.Answer | MailError = self._handle(command)
        except MailError as error:
            answer = error
        except Exception as error:  # noqa: BLE001  a mistake of ours must not end the client's connection
            ENGINE.exception("%s failed", type(command).__name__)
            text = "Mua made a mistake; nothing is lost. Please report it with the log of this profile."
            answer = MailError(Kind.BUG, Retry.NEVER, text, f"{type(error).__name__}: {error}", "bug")
        return answer

    def _handle(self, command: wire.Command) -> wire.Answer:
        if isinstance(command, wire.Hello):
            answer = self._server.handle(self, command)
            self.welcome = True
            return answer
        if not self.welcome:
            text = (
                "Mua's engine does nothing for a program whose greeting it has not accepted; start that program again."
            )
            raise MailError(Kind.LOCAL, Retry.NEVER, text, code="not-welcome")
        return self._server.handle(self, command)

    def send(self, line: bytes) -> None:
        """Queue one answer; waits for room, since an answer must not be lost."""
        self._out.put(line)

    def tell(self, event: wire.Event) -> None:
        """Queue one event; without room it is dropped, and the next that fits says ``everything`` changed."""
        if not self.events:
            return
        try:
            if self._missed:
                self._out.put_nowait(wire.event_line(wire.Changed(seq=0, accounts=True, everything=True)))
                self._missed = False
            self._out.put_nowait(wire.event_line(event))
        except queue.Full:
            self._missed = True

    def _write(self) -> None:
        broken = False
        while (line := self._out.get()) is not None:
            if not broken:  # afterwards only make room, until the reading thread notices too
                try:
                    self._connection.sendall(line)
                except OSError:
                    broken = True
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def close(self) -> None:
        """Say goodbye after what is queued."""
        self._out.put(None)


class Server:
    """Listens on the profile's socket until ``stop``."""

    def __init__(self, path: Path, handle: Handler, on_last_gone: Callable[[], None]) -> None:
        self.handle = handle
        self._on_last_gone = on_last_gone
        self._clients: set[Client] = set()
        self._lock = threading.Lock()
        self._turned_away: deque[socket.socket] = deque()
        self.working = threading.BoundedSemaphore(WORKING)
        self._path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        path.chmod(0o600)
        self._socket.listen(16)

    def start(self) -> None:
        """Accept clients from now on."""
        threading.Thread(target=self._accept, name="server", daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if len(self._clients) >= CLIENTS:  # only this thread adds
                self._turn_away(connection)
                continue
            client = Client(connection, self)
            with self._lock:
                self._clients.add(client)
            threading.Thread(target=client.serve, name="client", daemon=True).start()

    def _turn_away(self, connection: socket.socket) -> None:
        """Say why, without waiting (a line fits into an empty socket), and let the client say its own meanwhile."""
        self._turned_away.append(connection)
        if len(self._turned_away) > TURNED_AWAY:
            self._turned_away.popleft().close()
        with contextlib.suppress(OSError):
            connection.setblocking(False)
            connection.sendall(wire.answer_line(0, _crowded()))
            connection.shutdown(socket.SHUT_WR)

    def tell(self, event: wire.Event) -> None:
        """Send an event to every client that listens."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.tell(event)

    def listening(self, name: str) -> list[Client]:
        """The clients of this name ("window") that listen to events."""
        with self._lock:
            return [client for client in self._clients if client.name == name and client.events]

    def gone(self, client: Client) -> None:
        """A client left; the engine may have nothing left to do."""
        with self._lock:
            self._clients.discard(client)
            last = not self._clients
        if last:
            self._on_last_gone()

    @property
    def busy(self) -> bool:
        """Somebody is connected."""
        with self._lock:
            return bool(self._clients)

    def stop_if_idle(self) -> bool:
        """Stop accepting unless somebody is connected; whoever comes in this moment finds the door shut, and knows."""
        with self._lock:
            if self._clients:
                return False
            self.stop()
            return True

    def stop(self) -> None:
        """Stop accepting and remove the socket."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        while self._turned_away:
            self._turned_away.popleft().close()
        self._path.unlink(missing_ok=True)


def _crowded() -> MailError:
    text = "Too many programs are connected to Mua's engine; close some of Mua's windows and commands, then try again."
    return MailError(Kind.LOCAL, Retry.SOON, text, code="too-many-clients")


def _busy() -> MailError:
    text = "Mua's engine has too many commands to wait for at this moment; it did not begin this one. Try it again."
    return MailError(Kind.LOCAL, Retry.SOON, text, code="busy")
