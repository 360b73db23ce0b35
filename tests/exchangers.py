"""Mail exchangers on loopback addresses of their own, and the name server that leads to them."""

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dns_server import DnsServer
from mail_sink import MailSink, Plan
from post_office import PostOffice

from mua.model.account import DirectOptions
from mua.model.outgoing import OutgoingId, Recipient


def free_port() -> int:
    """A port that is free on every address of the exchangers."""
    while True:
        with contextlib.ExitStack() as stack:
            port = int(stack.enter_context(socket.create_server(("127.0.1.1", 0))).getsockname()[1])
            try:
                for number in range(2, 10):
                    stack.enter_context(socket.create_server((f"127.0.1.{number}", port)))
                return port
            except OSError:
                continue


class World:
    """Exchangers ``mxN`` at 127.0.1.N, all on one port (as on the real net), and a name server."""

    def __init__(self, folder: Path) -> None:
        self.stack = contextlib.ExitStack()
        self.folder = folder
        self.port = free_port()
        self.sinks: dict[int, MailSink] = {}
        self.table: dict[tuple[str, str], list[str]] = {}
        self.secure: list[str] = []  # what DNSSEC vouches for: these domains and all below
        self.names: DnsServer | None = None  # once a program runs
        self.post: PostOffice  # the same

    def exchanger(self, number: int, plan: Plan | None = None, tls: str = "") -> MailSink:
        """Start mxN."""
        sink = MailSink(plan, tls=tls, host=f"127.0.1.{number}", port=self.port)
        self.sinks[number] = self.stack.enter_context(sink)
        return sink

    def domain(self, name: str, *records: str) -> None:
        """A domain with MX records "preference mxN"; every host has its address."""
        self.table[name, "MX"] = [f"{record}.{name}." for record in records]
        for record in records:
            host = record.split()[1]
            self.table[f"{host}.{name}", "A"] = [f"127.0.1.{host.removeprefix('mx')}"]

    def tlsa(self, host: str, *records: str) -> None:
        """The TLSA records of a host, also while a program runs."""
        for table in [self.table] if self.names is None else [self.table, self.names.table]:
            table[f"_{self.port}._tcp.{host}", "TLSA"] = list(records)

    def ask(self, post: PostOffice, *recipients: str, **fields: Any) -> Recipient:
        """What becomes of a new message for its first recipient."""
        one = post.queue(*recipients, **fields)
        assert post.sender.drain(30)
        return post.get(one).recipients[0]

    def send(
        self, *recipients: str, options: DirectOptions | None = None, ca_file: str = "", **means: Any
    ) -> tuple[PostOffice, OutgoingId]:
        """Queue one message and let the sender do what it can; ``means`` are a Sender's."""
        post = self.program(ca_file, **means)
        if options is not None:
            with post.store.write() as tx:
                tx.run("UPDATE account SET direct_allow_private = ?", options.allow_private_mx)
        one = post.queue(*recipients)
        assert post.sender.drain(30)
        return post, one

    def program(self, ca_file: str = "", **means: Any) -> PostOffice:
        """An account that delivers by itself, its sender running; ``ca_file`` is trusted."""
        self.names = self.stack.enter_context(DnsServer(self.table, secure=self.secure))
        post = PostOffice.direct(self.folder, self.names.address, self.port, ca_file=ca_file)
        self.stack.enter_context(post)
        self.post, post.options = post, means
        post.restart()
        return post


def always(event: str, reply: str) -> Callable[[str, str], str | None]:
    return lambda happened, what: reply if happened == event else None
