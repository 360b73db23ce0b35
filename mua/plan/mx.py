"""Where mail for a domain goes: DNS answers -> addresses in the order to try them, or a verdict (RFC 5321 s.5.1).

Pure: the answers come from ``net.dns``, chance from ``lot`` (0..1).

Rules of the file: only "this name has no MX record" makes the domain its own exchanger; a look-up that failed is never
taken for an empty answer, because mail would then go to the wrong host.  An outsider chooses these records, so targets
inside this computer's own networks are refused unless the account allows them.
"""

import ipaddress
import random
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import zip_longest

from mua.model.account import DirectOptions
from mua.plan.domains import is_address
from mua.records import dataclass

MAX_EXCHANGERS = 40  # asked for their addresses; the sender stops far earlier when they answer
MAX_TARGETS = 100
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Status(StrEnum):
    """What a DNS look-up yielded."""

    FOUND = "found"
    NO_DATA = "no data"  # the name exists, without such a record
    NO_NAME = "no name"  # NXDOMAIN
    FAILED = "failed"  # SERVFAIL, REFUSED, no answer: nothing is known
    OFFLINE = "off-line"  # there is no way to any resolver


@dataclass(frozen=True, slots=True)
class Records:
    """The records of a name as text: of TXT the strings put together, names without the final dot."""

    status: Status
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mx:
    """One MX record; ``host`` without the final dot, empty for the null MX."""

    preference: int
    host: str


@dataclass(frozen=True, slots=True)
class MxAnswer:
    """The MX records of a domain.  ``why`` says what failed; ``secure``: DNSSEC vouches for them."""

    status: Status
    records: tuple[Mx, ...] = ()
    why: str = ""
    secure: bool = False


@dataclass(frozen=True, slots=True)
class AddressAnswer:
    """The IPv4 and IPv6 addresses of a host.

    ``alias_of``: the name that the host is an alias of, or empty.  ``secure``: DNSSEC vouches for the addresses and
    for all aliases on the way; ``secure_alias``: for the first alias only.
    """

    status: Status
    addresses: tuple[str, ...] = ()
    why: str = ""
    alias_of: str = ""
    secure: bool = False
    secure_alias: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """One address to try: an IP, or the path of a socket.

    ``bases``: the names under which TLSA records of the host are looked for (``plan.dane``).
    """

    host: str
    address: str
    bases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Targets:
    """What to try, in order; ``lacking`` are the exchangers of the domain of which no address may be tried."""

    found: tuple[Target, ...]
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """No delivery can be tried: for good or for now, with an enhanced status code (RFC 3463) and a sentence.

    ``offline``: the fault lies on this side, and the attempt does not count.
    """

    permanent: bool
    status: str
    text: str
    offline: bool = False


def exchangers(domain: str, answer: MxAnswer, lot: float) -> tuple[str, ...] | Verdict:
    """The hosts that take mail for ``domain``, most preferred first, equals in random order."""
    if answer.status is Status.OFFLINE:
        return Verdict(False, "4.4.3", "This computer seems to be off-line.", offline=True)
    if answer.status is Status.FAILED:
        return Verdict(False, "4.4.3", f"The mail servers of {domain} could not be looked up: {answer.why}.")
    if answer.status is Status.NO_NAME:
        return Verdict(True, "5.1.2", f"There is no domain {domain}.")
    if answer.status is Status.NO_DATA:
        return (domain,)  # RFC 5321 s.5.1: the domain itself, as if with preference 0
    if any(record.host in ("", ".") for record in answer.records):
        return Verdict(True, "5.1.10", f"{domain} does not take mail.")  # RFC 7505; mixed with others, it still wins
    records = [Mx(record.preference, _name(record)) for record in answer.records]
    random.Random(lot).shuffle(records)
    records.sort(key=lambda record: record.preference)
    return tuple(dict.fromkeys(record.host for record in records))[:MAX_EXCHANGERS]


def targets(
    domain: str, hosts: Sequence[str], answers: Mapping[str, AddressAnswer], options: DirectOptions, lot: float
) -> tuple[Target, ...] | Verdict:
    """Every address to try, in order, each once.  ``answers`` holds what is known of each host."""
    chance = random.Random(lot)
    found: dict[str, Target] = {}
    refused = False
    for host in hosts:
        known = answers[host].addresses if host in answers and not is_address(host) else ()  # an MX record names a host
        for address in _interleaved(known, chance):
            if forbidden(host, address, options):
                refused = True
            else:
                found.setdefault(address, Target(host, address))
    if found:
        return tuple(found.values())[:MAX_TARGETS]
    return _no_target(domain, hosts, answers, refused)


def lacking(answer: MxAnswer, found: Sequence[Target]) -> tuple[str, ...]:
    """The exchangers that the domain names, and that are none of the targets: not looked up, without an address, or
    with one that is not called.
    """
    return tuple(sorted({_name(record) for record in answer.records} - {one.host for one in found}))


def _name(record: Mx) -> str:
    return record.host.removesuffix(".").lower()


def _no_target(domain: str, hosts: Sequence[str], answers: Mapping[str, AddressAnswer], refused: bool) -> Verdict:
    seen = [answers[host] for host in hosts if host in answers]
    if any(answer.status is Status.OFFLINE for answer in seen):
        return Verdict(False, "4.4.3", "This computer seems to be off-line.", offline=True)
    failed = [answer for answer in seen if answer.status is Status.FAILED]
    if failed:
        return Verdict(False, "4.4.3", f"A mail server of {domain} could not be looked up: {failed[0].why}.")
    if refused or any(map(_is_localhost, hosts)):
        return Verdict(True, "5.4.6", f"{domain} names this computer or its own network as its mail server.")
    return Verdict(True, "5.4.4", f"No mail server of {domain} has an address.")


def literal(domain: str) -> str | None:
    """The address in a domain literal, ``[192.0.2.1]`` or ``[IPv6:2001:db8::1]`` (RFC 5321 s.4.1.3), or None."""
    if not (domain.startswith("[") and domain.endswith("]")):
        return None
    inner = domain[1:-1]
    if inner.lower().startswith("ipv6:"):
        inner = inner[5:]
    try:
        return str(ipaddress.ip_address(inner))
    except ValueError:
        return None


def forbidden(host: str, address: str, options: DirectOptions) -> bool:
    """``address`` is one that no stranger's MX record may send us to.

    "localhost" and the unspecified address are never a mail exchanger; the other special ranges may be allowed.
    """
    try:
        parsed = _unwrapped(ipaddress.ip_address(address))
    except ValueError:
        return True
    if _is_localhost(host) or parsed.is_unspecified or parsed.is_multicast:
        return True
    return not parsed.is_global and not options.allow_private_mx


def _is_localhost(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


def _unwrapped(address: _Ip) -> _Ip:
    """The IPv4 address inside an IPv6 one (mapped, 6to4, NAT64): where the packets would end."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return address.ipv4_mapped or address.sixtofour or address
    return address


def _interleaved(addresses: Sequence[str], chance: random.Random) -> list[str]:
    """Both families in turn, so that a dead one costs one attempt (RFC 8305 s.4); the order inside is random."""
    families = [[a for a in addresses if ":" in a], [a for a in addresses if ":" not in a]]
    for family in families:
        chance.shuffle(family)
    chance.shuffle(families)
    return [address for pair in zip_longest(*families) for address in pair if address is not None]
