"""From an address to its servers: pure decisions over a table, an autoconfig document, DNS answers and guesses.

The order of trust, best first: our own table (by domain), what the domain publishes over verified https, the table by
the domain's MX, SRV records, guesses that answered.  Asking is done by ``engine/doctor``; nothing here does I/O.

Rules of the file: no server without TLS is ever a candidate; a host that only unsigned DNS vouches for is marked
``confirm``; a document from the network is refused rather than repaired (no DTD, small, shallow).
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from mua import xml_tree
from mua.errors import Kind, MailError, Retry
from mua.model.account import Security, Server
from mua.model.discovery import Auth, Found
from mua.model.domain import a_label, akin
from mua.plan.domains import is_address
from mua.records import dataclass

MAX_DOCUMENT = 128 << 10  # octets of an autoconfig document
MAX_DEPTH = 12
_FIELDS = {"name", "domains", "mx", "imap", "pop3", "smtp", "user", "smtp_user", "auth", "help", "note", "oauth"}
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?")
_PASSWORDS = {"password-cleartext", "plain", "password-encrypted", "secure"}
_SECURITY = {"ssl": Security.TLS, "tls": Security.TLS, "starttls": Security.STARTTLS}


class Service(NamedTuple):
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Provider:
    """One row of ``resources/providers.toml``; a server is HOST, port and security, or None."""

    name: str
    domains: frozenset[str]
    mx: tuple[str, ...]
    imap: Server | None
    pop3: Server | None
    smtp: Server | None
    user: str
    smtp_user: str
    auth: Auth
    help_url: str
    note: str
    oauth: str


@dataclass(frozen=True, slots=True)
class Guesses:
    """Servers worth trying, best first; none is believed before it showed a certificate for its name."""

    imap: tuple[Server, ...]
    pop3: tuple[Server, ...]
    smtp: tuple[Server, ...]


# --- addresses and hosts ----------------------------------------------------------------------------------------


def split_address(email: str) -> tuple[str, str]:
    """An addr-spec -> (local part, domain as lower-case A-labels).  Raises MailError "bad-address"."""
    local, at, domain = email.strip().rpartition("@")
    host = checked_host(domain)
    if not (local and at and host) or "." not in host or not local.isprintable() or " " in local:
        text = f"“{email.strip()}” is not a complete e-mail address; it looks like name@example.org."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="bad-address")
    return local, host


def checked_host(name: str) -> str:
    """A host name as lower-case A-labels; empty if it is none."""
    name = name.strip().rstrip(".").lower()
    try:
        name = name if name.isascii() else a_label(name)
    except ValueError:
        return ""
    sound = len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split("."))
    return name if sound else ""


def _within(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


# --- the table --------------------------------------------------------------------------------------------------


def parse_providers(toml: str) -> tuple[Provider, ...]:
    """The table from its TOML text.  Raises ValueError for a wrong one: the table is ours, a test sees it."""
    return tuple(_provider(row) for row in tomllib.loads(toml)["provider"])


def _provider(row: Mapping[str, object]) -> Provider:
    def text(key: str, otherwise: str = "") -> str:
        value = row.get(key, otherwise)
        if not isinstance(value, str):
            raise ValueError(f"{key} is no text: {value!r}")
        return value

    def names(key: str) -> list[str]:
        values = row.get(key, [])
        if not isinstance(values, list) or any("." not in one or checked_host(one) != one for one in values):
            raise ValueError(f"{key} is no list of host names: {values!r}")
        if len(set(values)) != len(values):
            raise ValueError(f"{key} says a name twice: {values!r}")
        return values

    def user_name(key: str, otherwise: str) -> str:
        if (value := text(key, otherwise)) not in ("address", "local"):
            raise ValueError(f"{key} is neither address nor local: {value!r}")
        return value

    if unknown := row.keys() - _FIELDS:
        raise ValueError(f"unknown fields: {sorted(unknown)}")
    if not text("name"):
        raise ValueError("a provider without a name")
    user = user_name("user", "address")
    return Provider(
        name=text("name"),
        domains=frozenset(names("domains")),
        mx=tuple(names("mx")),
        imap=_table_server(text("imap")),
        pop3=_table_server(text("pop3")),
        smtp=_table_server(text("smtp")),
        user=user,
        smtp_user=user_name("smtp_user", user),
        auth=Auth(text("auth", "password")),
        help_url=text("help"),
        note=text("note"),
        oauth=text("oauth"),
    )


def _table_server(text: str) -> Server | None:
    if not text:
        return None
    found = re.fullmatch(r"([^: ]+):([0-9]{1,5})( starttls)?", text)
    if not found or "." not in found[1] or checked_host(found[1]) != found[1] or not 0 < int(found[2]) < 65536:
        raise ValueError(f"not HOST:PORT or HOST:PORT starttls: {text!r}")
    return Server(found[1], int(found[2]), Security.STARTTLS if found[3] else Security.TLS)


def from_table(email: str, providers: Iterable[Provider]) -> Found | None:
    """The provider whose own domain this is."""
    local, domain = split_address(email)
    for provider in providers:
        if domain in provider.domains:
            return _known(provider, local, f"{local}@{domain}", f"Mua knows {provider.name}")
    return None


def from_mx(email: str, mx_hosts: Sequence[str], providers: Iterable[Provider]) -> Found | None:
    """The provider that receives the domain's mail, by the names of its MX hosts (all of them must agree)."""
    local, domain = split_address(email)
    hosts = [host for host in map(checked_host, mx_hosts) if host]
    candidates = [
        (len(end), provider)
        for provider in providers
        for end in provider.mx
        if hosts and all(_within(host, end) for host in hosts)
    ]
    if not candidates:
        return None
    provider = max(candidates, key=lambda candidate: candidate[0])[1]
    return _known(provider, local, f"{local}@{domain}", f"the mail of {domain} is received by {provider.name}")


def _known(provider: Provider, local: str, address: str, source: str) -> Found:
    def given(server: Server | None, user: str) -> Server | None:
        return server and Server(server.host, server.port, server.security, local if user == "local" else address)

    return Found(
        source=source,
        imap=given(provider.imap, provider.user),
        pop3=given(provider.pop3, provider.user),
        smtp=given(provider.smtp, provider.smtp_user),
        auth=provider.auth,
        provider=provider.name,
        note=provider.note,
        help_url=provider.help_url,
        oauth=provider.oauth,
    )


# --- autoconfig (draft-ietf-mailmaint-autoconfig, config-v1.1) --------------------------------------------------


def autoconfig_urls(email: str) -> tuple[str, str]:
    """Where a domain may publish its settings, better one first; https only, and only the domain's own hosts."""
    from urllib.parse import quote

    local, domain = split_address(email)
    return (
        f"https://autoconfig.{domain}/mail/config-v1.1.xml?emailaddress={quote(f'{local}@{domain}', safe='')}",
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml",
    )


DATABASE = "Thunderbird's database of providers says so"


def database_url(email: str) -> str:
    """Where Thunderbird's database has a domain's settings; it learns the domain, and nothing else of the address."""
    _, domain = split_address(email)
    return f"https://autoconfig.thunderbird.net/v1.1/{domain}"


def from_autoconfig(email: str, document: bytes, source: str, providers: Iterable[Provider] = ()) -> Found:
    """The servers that a config-v1.1 document names, and who signs people in there, where that is believed: a token of
    one house would open its mailboxes to the servers of another.

    Raises MailError "bad-autoconfig" (not such a document, or nothing usable in it) or "autoconfig-plaintext" (it names
    only servers without TLS, which Mua does not offer).
    """
    local, domain = split_address(email)
    tree = _tree(document)
    provider = tree.find("emailProvider")
    if provider is None:
        raise _unusable(domain, "no emailProvider")
    words = {"%EMAILADDRESS%": f"{local}@{domain}", "%EMAILLOCALPART%": local, "%EMAILDOMAIN%": domain}
    servers = [entry for entry in (_entry(element, words) for element in provider) if entry]
    usable = [entry for entry in servers if entry.server.security is not Security.NONE]
    if servers and not usable:
        text = f"{domain} publishes only settings that would send your password unprotected; Mua does not use them."
        raise MailError(Kind.ACCOUNT, Retry.NEVER, text, source, "autoconfig-plaintext")
    best: dict[str, _Entry] = {}
    for entry in sorted(usable, key=_reluctance):
        best.setdefault(entry.kind, entry)
    if not ({"imap", "pop3"} & best.keys()):
        raise _unusable(domain, "no incoming server")
    chosen = {kind: entry.server for kind, entry in best.items()}
    only_oauth = all(not entry.ways & _PASSWORDS for entry in best.values())
    hosts = {server.host for server in chosen.values()}
    oauth = _signs_in(tree, domain, hosts, providers) if all("oauth2" in one.ways for one in best.values()) else ""
    name = (provider.findtext("displayName") or "").strip()[:80]
    shown = name if name.isprintable() else ""
    return Found(
        source, chosen.get("imap"), chosen.get("pop3"), chosen.get("smtp"),
        Auth.OAUTH if only_oauth else Auth.PASSWORD, shown, oauth=oauth,
    )  # fmt: skip


def _signs_in(tree: Element, domain: str, hosts: set[str], providers: Iterable[Provider]) -> str:
    """Who signs people in at ``hosts``: the provider whose servers they all are, or an issuer of the domain's own house
    or of that of every host.  Else nobody: a document may name anybody, and the servers would get that one's tokens.
    """
    known = {one.oauth for one in providers if one.oauth and hosts <= _hosts(one)}
    if known:
        return min(known)
    issuer = _issuer(tree)
    host = issuer.removeprefix("https://").partition("/")[0].partition(":")[0]
    return issuer if akin(host, domain) or all(akin(host, one) for one in hosts) else ""


def _hosts(provider: Provider) -> set[str]:
    return {server.host for server in (provider.imap, provider.pop3, provider.smtp) if server}


def _issuer(tree: Element) -> str:
    """Who signs people in, as an https URL; empty where the document does not say."""
    for element in tree.iter("oAuth2"):
        issuer = (element.findtext("issuer") or "").strip()
        issuer = issuer if "://" in issuer else f"https://{issuer}"
        host = checked_host(issuer.removeprefix("https://").partition("/")[0].partition(":")[0])
        if issuer.startswith("https://") and "." in host and issuer.isascii() and issuer.isprintable():
            return issuer
    return ""


class _Entry(NamedTuple):
    kind: str
    server: Server
    ways: frozenset[str]


def _entry(element: Element, words: Mapping[str, str]) -> _Entry | None:
    """One incomingServer or outgoingServer; None if it is something else or not for us."""
    kind = element.get("type", "").lower()
    if (element.tag, kind) not in {("incomingServer", "imap"), ("incomingServer", "pop3"), ("outgoingServer", "smtp")}:
        return None
    host = checked_host(_filled(element.findtext("hostname") or "", words))
    port = (element.findtext("port") or "").strip()
    user = _filled(element.findtext("username") or words["%EMAILADDRESS%"], words)
    ways = {(way.text or "").strip().lower() for way in element.findall("authentication")}
    sound = "." in host and not is_address(host) and re.fullmatch(r"[0-9]{1,5}", port) and 0 < int(port) < 65536
    if not sound or not user.isprintable() or len(user) > 320 or not ways & (_PASSWORDS | {"oauth2"}):
        return None
    security = _SECURITY.get((element.findtext("socketType") or "").strip().lower(), Security.NONE)
    return _Entry(kind, Server(host, int(port), security, user), frozenset(ways))


def _reluctance(entry: _Entry) -> tuple[bool, bool]:
    """Smaller is better: a password that we can use, then TLS from the first octet (RFC 8314 s.3)."""
    return not entry.ways & _PASSWORDS, entry.server.security is not Security.TLS


def _filled(text: str, words: Mapping[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(word, value)
    return text.strip()


def _tree(document: bytes) -> Element:
    """A small XML document as elements."""
    try:
        if len(document) > MAX_DOCUMENT:
            raise ValueError("it is too big")
        found = xml_tree.parse(document, MAX_DEPTH)
    except ValueError as error:
        raise _unusable("the domain", str(error)) from error
    if found.tag != "clientConfig":
        raise _unusable("the domain", f"its root is {found.tag[:40]}")
    return found


def _unusable(who: str, why: str) -> MailError:
    text = f"The settings that {who} publishes for mail programs cannot be used."
    return MailError(Kind.ACCOUNT, Retry.NEVER, text, why, "bad-autoconfig")


# --- SRV (RFC 6186, RFC 8314) -----------------------------------------------------------------------------------

_SERVICES: dict[str, tuple[tuple[str, Security], ...]] = {
    "imap": (("_imaps", Security.TLS), ("_imap", Security.STARTTLS)),
    "pop3": (("_pop3s", Security.TLS), ("_pop3", Security.STARTTLS)),
    "smtp": (("_submissions", Security.TLS), ("_submission", Security.STARTTLS)),
}
SRV_NAMES = tuple(name for services in _SERVICES.values() for name, _ in services)


def from_srv(email: str, answers: Mapping[str, Sequence[Service]]) -> Found | None:
    """What SRV records say; ``answers`` maps names like "_imaps" to records.  Hosts outside the domain need a yes."""
    local, domain = split_address(email)
    chosen = {kind: _served(services, answers, f"{local}@{domain}") for kind, services in _SERVICES.items()}
    if not (chosen["imap"] or chosen["pop3"]):
        return None
    outside = any(server and not _within(server.host, domain) for server in chosen.values())
    source = f"the DNS of {domain} says so"
    return Found(source, chosen["imap"], chosen["pop3"], chosen["smtp"], confirm=outside)


def _served(
    services: tuple[tuple[str, Security], ...], answers: Mapping[str, Sequence[Service]], user: str
) -> Server | None:
    for name, security in services:
        offered = [record for record in answers.get(name, ()) if record.target.strip() not in ("", ".")]
        for record in sorted(offered, key=lambda record: (record.priority, -record.weight)):
            host = checked_host(record.target)
            if "." in host and not is_address(host) and 0 < record.port < 65536:
                return Server(host, record.port, security, user)
    return None


# --- guesses ----------------------------------------------------------------------------------------------------


def guesses(email: str) -> Guesses:
    """Where a domain's servers usually are: TLS from the first octet before STARTTLS, never anything else."""
    local, domain = split_address(email)

    def likely(names: tuple[str, ...], tls_port: int, starttls_port: int) -> tuple[Server, ...]:
        ways = ((tls_port, Security.TLS), (starttls_port, Security.STARTTLS))
        hosts = [f"{name}.{domain}" for name in names]
        return tuple(Server(host, port, how, f"{local}@{domain}") for port, how in ways for host in hosts)

    return Guesses(
        imap=likely(("imap", "mail"), 993, 143),
        pop3=likely(("pop", "pop3", "mail"), 995, 110),
        smtp=likely(("smtp", "mail"), 465, 587),
    )


def from_guesses(email: str, imap: Server | None, pop3: Server | None, smtp: Server | None) -> Found | None:
    """What answered among the guesses, each with a verified certificate."""
    if not (imap or pop3):
        return None
    _, domain = split_address(email)
    return Found(f"found by trying the usual names of {domain}", imap, pop3, smtp)


def trap_for(host: str, providers: Iterable[Provider]) -> Provider | None:
    """The provider that a server belongs to, for its note and help page."""
    for provider in providers:
        if host.lower() in _hosts(provider):
            return provider
    return None
