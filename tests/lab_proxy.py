"""A TCP proxy that misbehaves on order: refuses, stalls, and cuts a connection after so many bytes.

Each connection is two threads, one per direction; what they may do is decided by the proxy's few fields under one lock.
"""

import socket
import struct
import threading
import time

from lab_net import Network

BLOCK = 16384
RESET = struct.pack("ii", 1, 0)  # SO_LINGER of zero: close sends RST


class Proxy:
    """Listens on (``host``, ``port``) and forwards to (``host``, ``target``).

    Whatever the server says comes ``delay`` seconds late, as over a real network; clients' bytes go up at ``rate``
    bytes a second (0: at once), and few wait on the way.  ``connections`` counts accepted ones; ``downstream`` and
    ``upstream`` the bytes from the server and from clients; ``turns`` how often a client spoke after the server.
    """

    def __init__(self, network: Network, host: str, target: int, delay: float = 0.0, rate: int = 0) -> None:
        self.delay, self.rate = delay, rate
        self._network, self._host, self._target = network, host, target
        self._change = threading.Condition()
        self._open: set[socket.socket] = set()
        self._swallowed: set[socket.socket] = set()
        self._budget: int | None = None
        self._hold: int | None = None
        self._stalled = self._closed = self._server_spoke = False
        self.turns = 0
        self.connections = self.downstream = self.upstream = 0
        self._listener: socket.socket | None = network.listen(host)
        if rate:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BLOCK)  # inherited by what it accepts
        self.port: int = self._listener.getsockname()[1]
        self._accept_on(self._listener)

    def refuse(self) -> None:
        """Reset every connection, and refuse new ones until ``resume``."""
        with self._change:
            listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()

    def resume(self) -> None:
        """Behave again: accept, forward, no limit."""
        with self._change:
            self._stalled, self._budget, self._hold = False, None, None
            reopen = self._listener is None
            if reopen:
                self._listener = self._network.listen(self._host, self.port)
            self._change.notify_all()
        if reopen and self._listener is not None:
            self._accept_on(self._listener)

    def swallow(self) -> None:
        """Every open connection goes dead without a word: what either side says is taken and lost.  New ones live."""
        with self._change:
            self._swallowed |= self._open

    def stall(self) -> None:
        """Keep connections open and forward nothing."""
        with self._change:
            self._stalled = True

    def cut(self) -> None:
        """Reset every open connection."""
        with self._change:
            victims, self._open = self._open, set()
            self._change.notify_all()
        for victim in victims:
            _reset(victim)

    def cut_after(self, downstream: int) -> None:
        """Reset the connection on which the server's next ``downstream`` bytes are used up (then behave again)."""
        with self._change:
            self._budget = downstream

    def hold_replies_after(self, upstream: int) -> None:
        """Once clients have sent ``upstream`` more bytes, keep back whatever the server says (until ``resume``)."""
        with self._change:
            self._hold = self.upstream + upstream

    def wait_for_connection(self, count: int = 1, timeout: float = 20.0) -> bool:
        """Wait until ``count`` connections were accepted."""
        with self._change:
            return self._change.wait_for(lambda: self.connections >= count, timeout)

    def wait_for_cut(self, timeout: float = 30.0) -> bool:
        """Wait until the budget of ``cut_after`` is used up."""
        with self._change:
            return self._change.wait_for(lambda: self._budget is None, timeout)

    def close(self) -> None:
        """Stop for good."""
        with self._change:
            self._closed = True
        self.refuse()

    def _accept_on(self, listener: socket.socket) -> None:
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = self._network.connect(self._host, self._target, timeout=None)
            except OSError:
                if self._listener is not listener:
                    return
                continue
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._change:
                self.connections += 1
                self._open |= {client, server}
                self._change.notify_all()
            for source, sink, down in ((client, server, False), (server, client, True)):
                threading.Thread(target=self._pump, args=(source, sink, down), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, down: bool) -> None:
        try:
            while block := source.recv(BLOCK):
                if down and self.delay:
                    time.sleep(self.delay)
                if self.rate and not down:
                    time.sleep(len(block) / self.rate)
                allowed = self._leave(block, down)
                if sink in self._swallowed:
                    continue
                sink.sendall(block[:allowed])
                if allowed < len(block):
                    raise ConnectionAbortedError
            with self._change:
                if sink in self._open:
                    sink.shutdown(socket.SHUT_WR)
        except OSError:
            with self._change:
                self._open -= {source, sink}
            _reset(source)
            _reset(sink)

    def _leave(self, block: bytes, down: bool) -> int:
        """How many bytes of ``block`` may pass (waits while stalled)."""
        with self._change:
            self._change.wait_for(lambda: self._closed or not (self._stalled or (down and self._holding())))
            self.turns += self._server_spoke and not down
            self._server_spoke = down
            if not down:
                self.upstream += len(block)
                return len(block)
            self.downstream += len(block)
            if self._budget is None or self._budget > len(block):
                self._budget = None if self._budget is None else self._budget - len(block)
                return len(block)
            allowed, self._budget = self._budget, None
            self._change.notify_all()
            return min(allowed, len(block) - 1)

    def _holding(self) -> bool:
        return self._hold is not None and self.upstream >= self._hold


def _reset(victim: socket.socket) -> None:
    """RST to the peer; shutting down the reading side first wakes the thread that reads, and sends nothing."""
    try:
        victim.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        victim.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    victim.close()
