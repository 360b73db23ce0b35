"""DNS look-ups for direct delivery; the one place that knows dnspython.

Rule of the file: an answer is data, never an exception: "no such name", "no such record" and "nobody knows" send mail
three different ways, so they stay apart to the end.  Names are asked for absolutely: no search list.  Nothing is taken
for validated (DNSSEC) because somebody else's computer says so: the AD bit counts from a resolver on this one, or where
the administrator vouches for the way to it (``trust-ad`` in resolv.conf(5)).
"""

import asyncio
import errno
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.PTR
import dns.rdtypes.ANY.TLSA
import dns.rdtypes.ANY.TXT
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rdtypes.IN.SRV
import dns.resolver

from mua.log import NET
from mua.net import tls
from mua.plan.dane import Tlsa, TlsaAnswer
from mua.plan.mx import AddressAnswer, Mx, MxAnswer, Records, Status
from mua.records import dataclass

if TYPE_CHECKING:
    from mua.plan.discover import Service

ONE_TRY = 3.0  # seconds for one server
REMEMBERED = 500  # answers, each for as long as its record says
LIFETIME = 10.0  # seconds for one question
PAYLOAD = 1232  # octets of an answer by UDP
MAX_RECORDS = 200  # of one answer; the rest is not looked at
_NO_NETWORK = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL})
RESOLV_CONF = Path("/etc/resolv.conf")


@dataclass(frozen=True, slots=True)
class _Answer:
    """``why`` says what failed; ``secure``: validated by DNSSEC; ``name``: what the name that was asked for stands for,
    where it is an alias.
    """

    status: Status
    records: tuple[object, ...] = ()
    why: str = ""
    secure: bool = False
    name: str = ""


class Resolver:
    """Asks the system's resolvers, or the one at ``server`` (HOST:PORT, an IP address; for laboratories)."""

    def __init__(self, server: str = "", lifetime: float = LIFETIME) -> None:
        self._resolver = _configured(server)
        self._trusted = self._resolver is not None and _trusted(self._resolver, by_hand=bool(server))
        if self._resolver is not None:
            self._resolver.timeout = min(ONE_TRY, lifetime)
            self._resolver.lifetime = lifetime
            if self._trusted:  # RFC 6840 s.5.7; some stub resolvers want DO for it
                self._resolver.use_edns(0, dns.flags.DO, PAYLOAD)
                self._resolver.set_flags(dns.flags.RD | dns.flags.AD)

    async def mx(self, domain: str) -> MxAnswer:
        """The MX records of ``domain`` (an A-label; a CNAME is followed)."""
        found = await self._ask(domain, "MX")
        records = (r for r in found.records if isinstance(r, dns.rdtypes.ANY.MX.MX))
        named = tuple(Mx(r.preference, r.exchange.to_text(omit_final_dot=True)) for r in records)
        return MxAnswer(found.status, named, found.why, found.secure)

    async def addresses(self, host: str) -> AddressAnswer:
        """The IPv6 and IPv4 addresses of ``host``.  One family that failed does not hide the other."""
        answers = await asyncio.gather(self._ask(host, "AAAA"), self._ask(host, "A"))
        kinds = dns.rdtypes.IN.AAAA.AAAA | dns.rdtypes.IN.A.A
        found = tuple(r.address for one in answers for r in one.records if isinstance(r, kinds))
        if found:
            return await self._found(host, found, [one for one in answers if one.records])
        for wanted in (Status.OFFLINE, Status.FAILED, Status.NO_DATA):
            for one in answers:
                if one.status is wanted:
                    return AddressAnswer(wanted, why=one.why)
        return AddressAnswer(Status.NO_NAME if answers[1].status is Status.NO_NAME else Status.NO_DATA)

    async def _found(self, host: str, addresses: tuple[str, ...], answers: list[_Answer]) -> AddressAnswer:
        secure = any(one.secure for one in answers)
        alias_of = next((one.name for one in answers if one.name), "")
        by_alias = bool(alias_of) and not secure and self._trusted
        secure_alias = by_alias and (await self._ask(host, "CNAME")).secure
        return AddressAnswer(Status.FOUND, addresses, "", alias_of, secure, secure_alias)

    async def tlsa(self, base: str, port: int) -> TlsaAnswer:
        """The TLSA records of the server at ``port`` of ``base`` (RFC 6698 s.3)."""
        found = await self._ask(f"_{port}._tcp.{base}", "TLSA")
        records = (r for r in found.records if isinstance(r, dns.rdtypes.ANY.TLSA.TLSA))
        return TlsaAnswer(
            found.status, tuple(Tlsa(r.usage, r.selector, r.mtype, r.cert) for r in records), found.secure, found.why
        )

    async def unvalidated(self) -> str:
        """Why nothing that this resolver says is known to be validated; empty where it validates.

        The root is signed, so whoever validates says so of it.
        """
        if not self._trusted:
            return "the resolver is not on this computer"
        return "" if (await self._ask(".", "NS")).secure else "the resolver does not validate"

    async def services(self, name: str) -> "list[Service]":
        """The SRV records of a name like ``_imaps._tcp.example.org`` (RFC 2782); none when nobody knows."""
        from mua.plan.discover import Service  # reads XML; who sends mail needs none of it

        found = await self._ask(name, "SRV")
        records = [r for r in found.records if isinstance(r, dns.rdtypes.IN.SRV.SRV)]
        return [Service(r.priority, r.weight, r.port, r.target.to_text()) for r in records]

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name, the strings of each put together (RFC 1035 s.3.3.14); none when nobody knows."""
        return list((await self.records(name, "TXT")).values)

    async def records(self, name: str, kind: str) -> Records:
        """The TXT, A, AAAA, PTR or MX records of a name, as text (an MX is "10 mx.example.org")."""
        found = await self._ask(name, kind)
        return Records(found.status, tuple(text for record in found.records if (text := _as_text(record)) is not None))

    async def _ask(self, name: str, kind: str) -> _Answer:
        """One question, asked twice when the first try failed at once: resolvers fail in passing."""
        answer = await self._ask_once(name, kind)
        if answer.status is Status.FAILED and "SERVFAIL" in answer.why:
            answer = await self._ask_once(name, kind)
        said = f"{answer.status}{', secure' if answer.secure else ''}"
        NET.debug("dns %s %s: %s, %d records %s", name, kind, said, len(answer.records), answer.why)
        return answer

    async def _ask_once(self, name: str, kind: str) -> _Answer:
        if self._resolver is None:
            return _Answer(Status.FAILED, why="no resolver is configured")
        try:
            question = dns.name.from_text(name, dns.name.root)
            answer = await self._resolver.resolve(question, kind, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as exc:
            responses = exc.kwargs.get("responses", {}).values()
            return _Answer(Status.NO_NAME, secure=bool(responses) and all(map(self._secure, responses)))
        except dns.resolver.NoNameservers as exc:
            return _nobody(exc)
        except dns.exception.Timeout:
            return _Answer(Status.FAILED, why="no answer in time")
        except (dns.exception.DNSException, OSError, ValueError) as exc:  # YXDOMAIN, bad labels, broken messages
            return _Answer(Status.FAILED, why=type(exc).__name__)
        records = tuple(answer.rrset or ())[:MAX_RECORDS]
        stands_for = answer.canonical_name
        alias_of = "" if stands_for == question else stands_for.to_text(omit_final_dot=True).lower()
        found = Status.FOUND if records else Status.NO_DATA
        return _Answer(found, records, "", self._secure(answer.response), alias_of)

    def _secure(self, response: dns.message.Message) -> bool:
        return self._trusted and bool(response.flags & dns.flags.AD)


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


def _nobody(exc: dns.resolver.NoNameservers) -> _Answer:
    """Every resolver failed: by an error of its own, or because there is no way to any of them."""
    errors = [entry[3] for entry in exc.kwargs.get("errors", ())]
    if errors and all(isinstance(error, OSError) and error.errno in _NO_NETWORK for error in errors):
        return _Answer(Status.OFFLINE, why="no network")
    return _Answer(Status.FAILED, why=", ".join(dict.fromkeys(str(error) for error in errors))[:200] or "no answer")


def _configured(server: str) -> dns.asyncresolver.Resolver | None:
    try:
        resolver = dns.asyncresolver.Resolver(configure=not server)
    except dns.resolver.NoResolverConfiguration:
        return None
    if server:
        host, _, port = server.rpartition(":")
        resolver.nameservers = [host.strip("[]").replace("localhost", "127.0.0.1")]
        resolver.port = int(port)
    resolver.use_edns(0, 0, PAYLOAD)
    resolver.cache = dns.resolver.LRUCache(REMEMBERED)  # of this resolver: a lane asks the same for each message
    return resolver


def _trusted(resolver: dns.asyncresolver.Resolver, *, by_hand: bool) -> bool:
    """Whether the resolvers' word on what they validated may be taken."""
    return all(tls.is_loopback(str(one)) for one in resolver.nameservers) or (not by_hand and _trust_ad())


def _trust_ad() -> bool:
    try:
        lines = RESOLV_CONF.read_text("utf-8", "replace").splitlines()
    except OSError:
        return False
    return any(words[0] == "options" and "trust-ad" in words for line in lines if (words := line.split()))


def services_now(name: str, seconds: float) -> "list[Service]":
    """``Resolver.services`` for whoever waits for the answer, so long at most."""
    return asyncio.run(Resolver(lifetime=seconds).services(name))
