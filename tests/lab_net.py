"""Sockets into a laboratory's network.

A socket belongs to the namespace in which it was *created*, whoever uses it later.  So somebody enters the namespace
and makes sockets for everybody, while the test process itself stays outside: for root a thread; for anybody else, whose
namespace belongs to a user namespace that no thread may enter, a small process that hands them over.
"""

import ctypes
import functools
import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

CLONE_NEWNET = 0x40000000
OWN = ("unshare", "--user", "--net", "--mount", "--map-current-user", "--keep-caps", "--")  # without root
MAKE_SOCKETS = """
import socket, sys
line = socket.socket(fileno=int(sys.argv[1]))
while line.recv(1):
    with socket.socket() as made:
        socket.send_fds(line, [b"."], [made.fileno()])
"""


@functools.cache
def obstacle() -> str:
    """Why this computer gives us no network namespace, or an empty string.  Tried, once: a container may forbid it."""
    if os.geteuid():
        done = subprocess.run([*OWN, "ip", "link", "set", "lo", "up"], capture_output=True, text=True, check=False)
        words = done.stderr.strip()
        return f"needs root, or user namespaces for everybody: {words}" if done.returncode else ""
    name = f"mua-try-{os.getpid()}"
    done = _ip_netns("add", name)
    if not done.returncode:
        done = _ip_netns("exec", name, "true")
        _ip_netns("del", name)
    if not done.returncode:
        return ""
    hint = " (in a chroot: bind-mount its folder onto itself first)" if "rslave" in done.stderr else ""
    return f"cannot enter a network namespace: {done.stderr.strip()}{hint}"


def _ip_netns(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", "netns", *words], capture_output=True, text=True, check=False)


class Network:
    """This computer's own network: the laboratory without a namespace."""

    prefix: tuple[str, ...] = ()

    def make_socket(self) -> socket.socket:
        """A fresh TCP socket."""
        return socket.socket(socket.AF_INET, socket.SOCK_STREAM)

    def connect(self, host: str, port: int, timeout: float | None = 30.0) -> socket.socket:
        """A connected socket; ``host`` is an IPv4 address."""
        client = self.make_socket()
        client.settimeout(timeout)
        try:
            client.connect((host, port))
        except OSError:
            client.close()
            raise
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client

    def listen(self, host: str, port: int = 0) -> socket.socket:
        """A listening socket (``port`` 0: any free one)."""
        server = self.make_socket()
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((host, port))
        server.listen(64)
        return server

    def close(self) -> None:
        """Nothing to give back."""


class Namespace(Network):
    """The network of one ``ip netns`` namespace."""

    def __init__(self, name: str) -> None:
        self.prefix = ("ip", "netns", "exec", name)
        self._maker = ThreadPoolExecutor(1, thread_name_prefix="netns", initializer=_enter, initargs=(name,))

    def make_socket(self) -> socket.socket:
        """A fresh TCP socket that lives inside."""
        return self._maker.submit(super().make_socket).result()

    def close(self) -> None:
        """End the thread that is inside."""
        self._maker.shutdown()


class OwnNamespace(Network):
    """The network of the process ``pid``, which is in a user namespace of ours."""

    def __init__(self, pid: int) -> None:
        self.prefix = ("nsenter", "-t", str(pid), "-U", "-n", "-m", "--preserve-credentials", "--")
        self._lock = threading.Lock()
        self._line, theirs = socket.socketpair()
        with theirs:
            argv = [*self.prefix, sys.executable, "-c", MAKE_SOCKETS, str(theirs.fileno())]
            self._maker = subprocess.Popen(argv, pass_fds=[theirs.fileno()])

    def make_socket(self) -> socket.socket:
        """A fresh TCP socket that lives inside."""
        with self._lock:
            self._line.sendall(b".")
            _, (handle,), _, _ = socket.recv_fds(self._line, 1, 1)
        return socket.socket(fileno=handle)

    def close(self) -> None:
        """End the process that is inside."""
        self._line.close()
        self._maker.wait()


def _enter(name: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(f"/run/netns/{name}", os.O_RDONLY)
    try:
        if libc.setns(handle, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(handle)
