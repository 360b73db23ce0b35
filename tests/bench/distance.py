"""A line with a length: forwards TCP connections, everything ``DELAY`` seconds late in each direction, at full rate.

    python distance.py HOST PORT DELAY        listens on HOST, prints its port, ends with its standard input

What is under way waits in a queue with the time at which it arrives, so that a line may be long and wide.
"""

import queue
import socket
import sys
import threading
import time

BLOCK = 1 << 16
UNDER_WAY = 512  # blocks

Blocks = queue.Queue[tuple[float, bytes]]


def read(source: socket.socket, line: Blocks, delay: float) -> None:
    """Put what comes on the line; an empty block is the end."""
    block = b"-"
    while block:
        try:
            block = source.recv(BLOCK)
        except OSError:
            block = b""
        line.put((time.monotonic() + delay, block))


def write(sink: socket.socket, line: Blocks) -> None:
    """Take what is on the line when its time has come."""
    while True:
        due, block = line.get()
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            if not block:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(block)
        except OSError:
            return


def main() -> None:
    """Accept for ever; standard input's end ends everything."""
    host, port, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    listener = socket.create_server((host, 0))
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=accept, args=(listener, host, port, delay), daemon=True).start()
    sys.stdin.read()


def accept(listener: socket.socket, host: str, port: int, delay: float) -> None:
    """A pair of threads for each direction of each connection."""
    while True:
        client, _ = listener.accept()
        server = socket.create_connection((host, port))
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, sink in ((client, server), (server, client)):
            line: Blocks = queue.Queue(UNDER_WAY)
            threading.Thread(target=read, args=(source, line, delay), daemon=True).start()
            threading.Thread(target=write, args=(sink, line), daemon=True).start()


if __name__ == "__main__":
    main()
