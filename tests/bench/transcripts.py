"""``./run bench transcripts``: records sessions with the laboratory's Dovecot and Postfix into tests/transcripts.

Our own mail, our own client, the real servers' own words.  The tap between them speaks TLS to the server and plainly to
the client, so that what is written down can be read.  Only PLAIN is offered: a log-in that can be replayed.
"""

import contextlib
import re
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

import lab_config  # noqa: E402
from lab import Lab, missing  # noqa: E402
from mailgen import letters  # noqa: E402
from transcripts import Commands, Exchange, Transcript, answers_of, save  # noqa: E402
from walks import MAIL, PASSWORD, WALKS  # noqa: E402

from mua.model.account import Security, Server  # noqa: E402


class Tap:
    """One connection through TLS to a port; ``sent`` and ``said`` are the two streams."""

    def __init__(self, lab: Lab, port: int) -> None:
        self.sent = self.said = b""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._context = ssl.create_default_context(cafile=str(lab.ca))
        self._there = port
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()

    def _serve(self) -> None:
        client = self._listener.accept()[0]
        plain = socket.create_connection(("127.0.0.1", self._there))
        server = self._context.wrap_socket(plain, server_hostname="localhost")
        self._threads.append(threading.Thread(target=self._down, args=(server, client), daemon=True))
        self._threads[1].start()
        while data := client.recv(1 << 16):
            self.sent += data
            server.sendall(data)
        with contextlib.suppress(OSError):
            socket.socket.shutdown(server, socket.SHUT_RDWR)  # past ssl, which the other thread is in
        self._threads[1].join()
        for sock in (client, server, self._listener):
            sock.close()

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16):
                self.said += data
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def ended(self) -> None:
        """Wait until both sides have hung up."""
        self._threads[0].join(20)


def record(lab: Lab, protocol: str, port: int) -> Transcript:
    """One walk, written down."""
    user = lab.user("walker")
    lab.deliver_all(user, [MAIL, *(one.raw for one in letters(4, seed=7))])
    tap = Tap(lab, port)
    for step in WALKS[protocol](Server("127.0.0.1", tap.port, Security.NONE, user.name)):
        print(f"  {step[:150]}")
    tap.ended()
    commands = list(_commands(protocol, tap.sent))
    greeting, answers = answers_of(protocol, tap.said, commands)
    return Transcript(protocol, greeting, tuple(map(Exchange, commands, answers)))


def _commands(protocol: str, sent: bytes) -> Iterator[bytes]:
    cutter = Commands()
    for line in re.findall(rb"[^\n]*\n", sent):
        yield from cutter.feed(line)
        cutter.in_data = cutter.in_data or (protocol == "smtp" and line == b"DATA\r\n")


def main() -> int:
    """Record all three."""
    if reason := missing(namespace=False):
        print(f"the mail laboratory {reason}", file=sys.stderr)
        return 2
    whole = lab_config.dovecot_conf

    def conf(plan: lab_config.Plan) -> str:
        plain = re.sub(r"(?m)^auth_mechanisms.*", "auth_mechanisms = plain", whole(plan))
        return plain.replace(f"password={plan.password}", f"password={PASSWORD}")

    lab_config.dovecot_conf = conf
    with Lab(namespace=False) as lab:
        for protocol, port in (("imap", lab.plan.imaps), ("pop3", lab.plan.pop3s), ("smtp", lab.plan.submissions)):
            print(protocol)
            save(record(lab, protocol, port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
