"""Whether a domain lets an address send its mail (SPF, RFC 7208): the evaluation, with the look-ups handed in.

Rule of the file: an outsider writes these records, so everything is bounded: ten terms that ask the DNS, two questions
without an answer, ten hosts of one name (s.4.6.4).
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable
from enum import StrEnum

from mua.plan.domains import split_address
from mua.plan.mx import Records, Status
from mua.records import dataclass

Lookup = Callable[[str, str], Awaitable[Records]]
"""(name, type of record) -> its records."""

MAX_TERMS = 10
MAX_VOID = 2
MAX_HOSTS = 10
_MODIFIER = re.compile(r"([A-Za-z][A-Za-z0-9._-]*)=(.*)")
_MECHANISM = re.compile(
    r"([-+~?]?)([A-Za-z][A-Za-z0-9_-]*)(?::((?:[^/% ]|%\{[^}]*\}|%[%_-])*))?(/\d{1,3})?(//\d{1,3})?"
)
_ADDRESS = re.compile(r"([-+~?]?)(ip4|ip6):([0-9A-Fa-f.:]+)(?:/(\d{1,3}))?", re.IGNORECASE)
_MACRO = re.compile(r"%(?:\{([slodiphcrtv])(\d*)(r?)([-.+,/_=]*)\}|([%_-])|)", re.IGNORECASE)
_PLAIN = {"%": "%", "_": " ", "-": "%20"}


class Result(StrEnum):
    """What a domain says about an address (RFC 7208 s.2.6)."""

    PASS = "pass"
    FAIL = "fail"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"
    NONE = "none"  # nothing is published
    PERMERROR = "permerror"  # what is published makes no sense
    TEMPERROR = "temperror"  # nobody knows: a look-up failed


_QUALIFIED = {"+": Result.PASS, "-": Result.FAIL, "~": Result.SOFTFAIL, "?": Result.NEUTRAL}


class _Ended(Exception):
    """The whole evaluation ends with this result."""

    def __init__(self, result: Result) -> None:
        super().__init__(result)
        self.result = result


@dataclass(frozen=True, slots=True)
class _Term:
    """One mechanism: what it yields where it matches.  ``name`` and ``value`` are as they stand."""

    result: Result
    name: str
    value: str
    prefix4: int
    prefix6: int


_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


async def evaluate(address: str, sender: str, helo: str, lookup: Lookup) -> Result:
    """``check_host()`` for the domain of ``sender`` (an A-label domain) and an IPv4 or IPv6 address.  Never raises for
    anything in the DNS.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    try:
        return await _Check(ip, sender, helo, lookup).host(split_address(sender)[1])
    except _Ended as ended:
        return ended.result


def published(texts: Records) -> list[str]:
    """The SPF records among the TXT records of a name (s.4.5)."""
    return [text for text in texts.values if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


class _Check:
    def __init__(self, ip: _Ip, sender: str, helo: str, lookup: Lookup) -> None:
        self._ip, self._sender, self._helo, self._lookup = ip, sender, helo, lookup
        self._terms = self._void = 0

    async def host(self, domain: str) -> Result:
        found = await self._lookup(domain, "TXT")
        if found.status in (Status.FAILED, Status.OFFLINE):
            raise _Ended(Result.TEMPERROR)
        records = published(found)
        if len(records) != 1:
            return Result.PERMERROR if records else Result.NONE
        terms, redirect = _parsed(records[0])
        for term in terms:
            if await self._matches(term, domain):
                return term.result
        if redirect is None:
            return Result.NEUTRAL
        self._count()
        result = await self.host(self._expanded(redirect, domain))
        return Result.PERMERROR if result is Result.NONE else result

    def _count(self) -> None:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise _Ended(Result.PERMERROR)

    async def _matches(self, term: _Term, domain: str) -> bool:
        if term.name == "all":
            return True
        if term.name in ("ip4", "ip6"):
            return self._within(term.value, term)
        self._count()
        name = self._expanded(term.value, domain) if term.value else domain
        if term.name == "include":
            return await self._included(name)
        if term.name == "exists":
            return bool(await self._ask(name, "A"))
        if term.name == "ptr":
            return await self._named(name)
        hosts = [name] if term.name == "a" else await self._exchangers(name)
        found = [one for host in hosts for one in await self._addresses(host)]
        return any(self._within(one, term) for one in found)

    async def _included(self, name: str) -> bool:
        result = await self.host(name)
        if result in (Result.NONE, Result.PERMERROR):
            raise _Ended(Result.PERMERROR)
        return result is Result.PASS

    async def _exchangers(self, name: str) -> list[str]:
        records = await self._ask(name, "MX")
        if len(records) > MAX_HOSTS:
            raise _Ended(Result.PERMERROR)
        hosts = (record.partition(" ")[2].removesuffix(".") for record in records)
        return [host for host in hosts if host]

    async def _addresses(self, host: str) -> list[str]:
        return await self._ask(host, "A" if self._ip.version == 4 else "AAAA")

    async def _named(self, name: str) -> bool:
        """``ptr`` (s.5.5): a name of the address that leads back to it, within ``name``."""
        for one in (await self._ask(self._ip.reverse_pointer, "PTR"))[:MAX_HOSTS]:
            inside = f".{one}".lower().endswith(f".{name}".lower())
            if inside and str(self._ip) in await self._addresses(one):
                return True
        return False

    async def _ask(self, name: str, kind: str) -> list[str]:
        found = await self._lookup(name, kind)
        if found.status in (Status.FAILED, Status.OFFLINE):
            raise _Ended(Result.TEMPERROR)
        if not found.values:
            self._void += 1
            if self._void > MAX_VOID:
                raise _Ended(Result.PERMERROR)
        return list(found.values)

    def _within(self, address: str, term: _Term) -> bool:
        try:
            prefix = term.prefix4 if ":" not in address else term.prefix6
            network = ipaddress.ip_network(f"{address}/{prefix}", strict=False)
        except ValueError:
            return False
        return network.version == self._ip.version and self._ip in network

    def _expanded(self, text: str, domain: str) -> str:
        """A domain-spec with its macros filled in (s.7); labels are dropped from the left where it grows too long."""
        local, sender_domain = split_address(self._sender)
        dotted = str(self._ip) if self._ip.version == 4 else ".".join(self._ip.exploded.replace(":", ""))
        values = {
            "s": self._sender, "l": local, "o": sender_domain, "d": domain, "i": dotted, "p": "unknown",
            "v": "in-addr" if self._ip.version == 4 else "ip6", "h": self._helo,
        }  # fmt: skip

        def filled(match: re.Match[str]) -> str:
            letter, digits, reverse, delimiters, plain = match.groups()
            if plain:
                return _PLAIN[plain]
            if not letter or letter.lower() not in values or digits == "0":
                raise _Ended(Result.PERMERROR)
            parts = re.split(f"[{re.escape(delimiters or '.')}]", values[letter.lower()])
            parts = parts[::-1] if reverse else parts
            return ".".join(parts[-int(digits) :] if digits else parts)

        name = _MACRO.sub(filled, text).removesuffix(".")
        while len(name) > 253:
            name = name.partition(".")[2]
        return name


def _parsed(record: str) -> tuple[list[_Term], str | None]:
    """(mechanisms, the domain of ``redirect``), or the end: any error of syntax spoils the whole record (s.4.6)."""
    terms: list[_Term] = []
    redirects: list[str] = []
    for word in record.split(" ")[1:]:
        modifier = _MODIFIER.fullmatch(word)
        if modifier:
            redirects += [modifier[2]] if modifier[1].lower() == "redirect" else []
        elif word:
            terms.append(_mechanism(word))
    if len(redirects) > 1 or "" in redirects:
        raise _Ended(Result.PERMERROR)
    if any(term.name == "all" for term in terms):
        redirects = []
    return terms, redirects[0] if redirects else None


def _mechanism(word: str) -> _Term:
    literal = _ADDRESS.fullmatch(word)
    if literal:
        sign, kind, address, prefix = literal.groups()
        return _literal(_QUALIFIED[sign or "+"], kind.lower(), address, prefix)
    match = _MECHANISM.fullmatch(word)
    if match is None:
        raise _Ended(Result.PERMERROR)
    sign, name, value, prefix4, prefix6 = match.groups()
    name, sizes = name.lower(), (prefix4, prefix6)
    ranged = name in ("a", "mx")
    known = ranged or name in ("all", "include", "exists", "ptr")
    named = value is not None
    wrong = (any(sizes) and not ranged) or (named and (name == "all" or not value))
    if not known or wrong or (name in ("include", "exists") and not named):
        raise _Ended(Result.PERMERROR)
    lengths = int((prefix4 or "/32")[1:]), int((prefix6 or "//128")[2:])
    if lengths[0] > 32 or lengths[1] > 128:
        raise _Ended(Result.PERMERROR)
    return _Term(_QUALIFIED[sign or "+"], name, value or "", *lengths)


def _literal(result: Result, kind: str, address: str, prefix: str | None) -> _Term:
    try:
        ip: _Ip = ipaddress.IPv4Address(address) if kind == "ip4" else ipaddress.IPv6Address(address)
    except ValueError:
        raise _Ended(Result.PERMERROR) from None
    length = int(prefix) if prefix else ip.max_prefixlen
    if length > ip.max_prefixlen:
        raise _Ended(Result.PERMERROR)
    return _Term(result, kind, address, length, length)
