"""DNS look-ups for direct delivery; the one place that knows dnspython.

Rule of the file: an answer is data, never an exception: "no such name", "no such record" and "nobody knows" send mail
three different ways, so they stay apart to the end.  Names are asked for absolutely: no search list.
"""

import asyncio
import errno
import socket

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.PTR
import dns.rdtypes.ANY.TXT
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rdtypes.IN.SRV
import dns.resolver

from mua.log import NET
from mua.plan.discover import Service
from mua.plan.mx import AddressAnswer, Mx, MxAnswer, Records, Status

ONE_TRY = 3.0  # seconds for one server
LIFETIME = 10.0  # seconds for one question
MAX_RECORDS = 200  # of one answer; the rest is not looked at
_NO_NETWORK = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
_Rdata = list[object]


class Resolver:
    """Asks the system's resolvers, or the one at ``server`` (HOST:PORT, an IP address; for laboratories)."""

    def __init__(self, server: str = "", lifetime: float = LIFETIME) -> None:
        self._resolver = _configured(server)
        if self._resolver is not None:
            self._resolver.timeout = min(ONE_TRY, lifetime)
            self._resolver.lifetime = lifetime

    async def mx(self, domain: str) -> MxAnswer:
        """The MX records of ``domain`` (an A-label; a CNAME is followed)."""
        status, found, why = await self._ask(domain, "MX")
        records = [r for r in found if isinstance(r, dns.rdtypes.ANY.MX.MX)]
        return MxAnswer(status, tuple(Mx(r.preference, r.exchange.to_text(omit_final_dot=True)) for r in records), why)

    async def addresses(self, host: str) -> AddressAnswer:
        """The IPv6 and IPv4 addresses of ``host``.  One family that failed does not hide the other."""
        answers = await asyncio.gather(self._ask(host, "AAAA"), self._ask(host, "A"))
        kinds = dns.rdtypes.IN.AAAA.AAAA | dns.rdtypes.IN.A.A
        found = tuple(r.address for _, records, _ in answers for r in records if isinstance(r, kinds))
        if found:
            return AddressAnswer(Status.FOUND, found)
        for wanted in (Status.OFFLINE, Status.FAILED, Status.NO_DATA):
            for status, _, why in answers:
                if status is wanted:
                    return AddressAnswer(wanted, why=why)
        return AddressAnswer(Status.NO_NAME if answers[1][0] is Status.NO_NAME else Status.NO_DATA)

    async def services(self, name: str) -> list[Service]:
        """The SRV records of a name like ``_imaps._tcp.example.org`` (RFC 2782); none when nobody knows."""
        _, found, _ = await self._ask(name, "SRV")
        records = [r for r in found if isinstance(r, dns.rdtypes.IN.SRV.SRV)]
        return [Service(r.priority, r.weight, r.port, r.target.to_text()) for r in records]

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name, the strings of each put together (RFC 1035 s.3.3.14); none when nobody knows."""
        return list((await self.records(name, "TXT")).values)

    async def records(self, name: str, kind: str) -> Records:
        """The TXT, A, AAAA, PTR or MX records of a name, as text (an MX is "10 mx.example.org")."""
        status, found, _ = await self._ask(name, kind)
        return Records(status, tuple(text for record in found if (text := _as_text(record)) is not None))

    async def _ask(self, name: str, kind: str) -> tuple[Status, _Rdata, str]:
        """One question, asked twice when the first try failed at once: resolvers fail in passing."""
        answer = await self._ask_once(name, kind)
        if answer[0] is Status.FAILED and "SERVFAIL" in answer[2]:
            answer = await self._ask_once(name, kind)
        NET.debug("dns %s %s: %s, %d records %s", name, kind, answer[0], len(answer[1]), answer[2])
        return answer

    async def _ask_once(self, name: str, kind: str) -> tuple[Status, _Rdata, str]:
        if self._resolver is None:
            return Status.FAILED, [], "no resolver is configured"
        try:
            question = dns.name.from_text(name, dns.name.root)
            answer = await self._resolver.resolve(question, kind, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return Status.NO_NAME, [], ""
        except dns.resolver.NoNameservers as exc:
            return _nobody(exc)
        except dns.exception.Timeout:
            return Status.FAILED, [], "no answer in time"
        except (dns.exception.DNSException, OSError, ValueError) as exc:  # YXDOMAIN, bad labels, broken messages
            return Status.FAILED, [], type(exc).__name__
        records = list(answer.rrset or ())[:MAX_RECORDS]
        return (Status.FOUND if records else Status.NO_DATA), records, ""


def _as_text(record: object) -> str | None:
    """None: a record of another kind, such as a CNAME on the way."""
    if isinstance(record, dns.rdtypes.ANY.TXT.TXT):
        return b"".join(record.strings).decode("utf-8", "replace")
    if isinstance(record, dns.rdtypes.IN.A.A | dns.rdtypes.IN.AAAA.AAAA):
        return str(record.address)
    if isinstance(record, dns.rdtypes.ANY.PTR.PTR):
        return record.target.to_text(omit_final_dot=True)
    if isinstance(record, dns.rdtypes.ANY.MX.MX):
        return f"{record.preference} {record.exchange.to_text(omit_final_dot=True)}"
    return None


async def known_addresses(host: str) -> list[str]:
    """The addresses of a host that a person named, as this computer knows it (its own list of hosts, too); the path of
    a socket stays what it is.  Raises OSError.
    """
    if host.startswith("/"):
        return [host]
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _nobody(exc: dns.resolver.NoNameservers) -> tuple[Status, _Rdata, str]:
    """Every resolver failed: by an error of its own, or because there is no way to any of them."""
    errors = [entry[3] for entry in exc.kwargs.get("errors", ())]
    if errors and all(isinstance(error, OSError) and error.errno in _NO_NETWORK for error in errors):
        return Status.OFFLINE, [], "no network"
    return Status.FAILED, [], ", ".join(dict.fromkeys(str(error) for error in errors))[:200] or "no answer"


def _configured(server: str) -> dns.asyncresolver.Resolver | None:
    try:
        resolver = dns.asyncresolver.Resolver(configure=not server)
    except dns.resolver.NoResolverConfiguration:
        return None
    if server:
        host, _, port = server.rpartition(":")
        resolver.nameservers = [host.strip("[]").replace("localhost", "127.0.0.1")]
        resolver.port = int(port)
    resolver.use_edns(0, 0, 1232)
    return resolver
