"""A DNS server for tests: answers from a table, or fails as told, over UDP and TCP on one loopback port, a free one.

    with DnsServer({("example.net", "MX"): ["10 mx.example.net."], ("mx.example.net", "A"): ["127.0.0.1"]}) as names:
        Resolver(names.address)

A name that is in the table for some type exists (other types: no data); others do not (NXDOMAIN).  A value may also be
a word: "SERVFAIL", "REFUSED", "TIMEOUT", "NODATA", "TRUNCATED" (whole over TCP), "FLAKY" (SERVFAIL the first time),
the last two followed by the answers: ["TRUNCATED", "10 mx.example.net."].

``secure`` says which names a resolver that validates (DNSSEC) vouches for: these, and all below them.
"""

import socket
import socketserver
import struct
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Table = Mapping[tuple[str, str], Sequence[str]]


class DnsServer:
    """The server; ``asked`` counts the questions."""

    def __init__(self, table: Table, host: str = "127.0.0.1", port: int = 0, *, secure: Sequence[str] = ()) -> None:
        self.table = {(name.lower().rstrip("."), kind): list(values) for (name, kind), values in table.items()}
        self.secure = secure
        self.asked: Counter[tuple[str, str]] = Counter()
        outer = self

        class Udp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, sock = self.request
                answer = outer.answer(data, tcp=False)
                if answer:
                    sock.sendto(answer, self.client_address)

        class Tcp(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                length = struct.unpack("!H", self.request.recv(2, socket.MSG_WAITALL))[0]
                answer = outer.answer(self.request.recv(length, socket.MSG_WAITALL), tcp=True)
                if answer:
                    self.request.sendall(struct.pack("!H", len(answer)) + answer)

        while True:
            self._udp = socketserver.ThreadingUDPServer((host, port), Udp)
            try:
                self._tcp = socketserver.ThreadingTCPServer((host, self._udp.server_address[1]), Tcp)
                break
            except OSError:  # free for UDP, taken for TCP
                self._udp.server_close()
                if port:
                    raise
        self._tcp.daemon_threads = self._udp.daemon_threads = True
        self.address = f"{host}:{self._udp.server_address[1]}"

    def answer(self, wire: bytes, *, tcp: bool) -> bytes | None:
        """The reply to one question, or None for silence."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name, kind = question.name.to_text().lower().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        self.asked[name, kind] += 1
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA | dns.flags.AA
        if any(f".{name}".endswith(f".{one}") for one in self.secure):
            reply.flags |= dns.flags.AD
        values = list(self.table.get((name, kind), []))
        word = values.pop(0) if values and values[0].isupper() and values[0].isalpha() else ""
        if word == "TIMEOUT":
            return None
        if word in ("SERVFAIL", "REFUSED") or (word == "FLAKY" and self.asked[name, kind] == 1):
            reply.set_rcode(dns.rcode.from_text("SERVFAIL" if word == "FLAKY" else word))
        elif word == "TRUNCATED" and not tcp:
            reply.flags |= dns.flags.TC
        elif values:
            cname = [value.removeprefix("CNAME ") for value in values if value.startswith("CNAME ")]
            real = [value for value in values if not value.startswith("CNAME ")]
            owner = question.name
            for target in cname:
                reply.answer.append(dns.rrset.from_text(owner, 1, "IN", "CNAME", target))
                owner = dns.name.from_text(target)
            if real:
                reply.answer.append(dns.rrset.from_text(owner, 1, "IN", kind, *real))
        elif not any(known == name for known, _ in self.table):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire(max_size=65535)

    def __enter__(self) -> Self:
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,), name="dns", daemon=True)
            for server in (self._udp, self._tcp)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in (self._udp, self._tcp):
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join(5)
