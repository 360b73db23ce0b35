"""Discovery over a laboratory of domains, and what a check says about an account."""

import asyncio
import http.server
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import certs
import pytest
from dns_server import DnsServer
from maildrop import Maildrop
from scripted import Scripted

from mua.engine import doctor
from mua.errors import Kind, MailError, Retry
from mua.model.account import Account, AccountId, DirectOptions, Incoming, Route, Security, Server
from mua.model.discovery import Auth
from mua.net import https, online_accounts
from mua.net.dns import Resolver
from mua.plan.discover import Service
from mua.plan.mx import MxAnswer, Status

TLS, STARTTLS = Security.TLS, Security.STARTTLS


def config(host: str, security: str = "SSL", port: int = 993) -> bytes:
    """A config-v1.1 document with one IMAP and one SMTP server."""
    more = "<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication>"
    parts = "".join(
        f'<{tag} type="{kind}"><hostname>{host}</hostname><port>{number}</port>'
        f"<socketType>{security}</socketType>{more}</{tag}>"
        for tag, kind, number in (("incomingServer", "imap", port), ("outgoingServer", "smtp", 465))
    )
    return f'<clientConfig version="1.1"><emailProvider id="x">{parts}</emailProvider></clientConfig>'.encode()


@dataclass
class Laboratory:
    """A world of domains: files by their address without scheme, hosts that answer, MX and SRV records."""

    port: int
    desktop: list[dict[str, object]] = field(default_factory=list)
    files: dict[str, bytes | int] = field(default_factory=dict)
    slow: set[str] = field(default_factory=set)
    """What answers only when ``hurried`` is set, or after ten seconds."""
    hurried: threading.Event = field(default_factory=threading.Event)
    late: list[str] = field(default_factory=list)
    """Which of them have answered."""
    answering: set[tuple[str, int]] = field(default_factory=set)
    mx: dict[str, list[str]] = field(default_factory=dict)
    srv: dict[str, dict[str, list[Service]]] = field(default_factory=dict)
    probed: list[Server] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)

    def ways(self) -> doctor.Ways:
        return doctor.Ways(
            self._fetch, self._probe, lambda d: self.mx.get(d, []), lambda d: self.srv.get(d, {}), self._desktop
        )

    def _desktop(self) -> list[dict[str, object]]:
        self.wait("desktop")
        return self.desktop

    def wait(self, what: str) -> None:
        if what in self.slow:
            self.hurried.wait(10)
            self.late.append(what)

    def _fetch(self, url: str) -> bytes:
        """A real request over real TLS, with the host name moved into the path."""
        self.fetched.append(url)
        parts = urlsplit(url)
        there = f"https://127.0.0.1:{self.port}/{parts.netloc}{parts.path}?{parts.query}"
        return https.fetch(there, timeout=3, ca_file=str(certs.authority().ca_file), allow_private=True)

    def _probe(self, server: Server, protocol: str) -> None:
        self.probed.append(server)
        self.wait("probe")
        if (server.host, server.port) not in self.answering:
            raise MailError(Kind.CONNECTION, Retry.SOON, "nobody", code="unknown-host")


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Laboratory]:
    monkeypatch.setattr(doctor, "GRACE", doctor.PATIENCE)  # a busy machine is no reason to believe the second best

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path.lstrip("/")
            laboratory.wait(path)
            body = laboratory.files.get(path, 404)
            self.send_response(200 if isinstance(body, bytes) else body)
            self.end_headers()
            if isinstance(body, bytes):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = certs.authority().server_context().wrap_socket(server.socket, server_side=True)
    laboratory = Laboratory(server.server_port)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield laboratory
    laboratory.hurried.set()
    server.shutdown()
    server.server_close()
    thread.join()


AUTOCONFIG = "autoconfig.example.org/mail/config-v1.1.xml"
WELL_KNOWN = "example.org/.well-known/autoconfig/mail/config-v1.1.xml"
EMAIL = "ada@example.org"


def test_a_known_provider_needs_no_network(lab: Laboratory) -> None:
    (found,) = doctor.find("ada@gmail.com", lab.ways())
    assert (found.provider, found.auth) == ("Gmail", Auth.APP_PASSWORD)
    assert not (lab.fetched or lab.probed)


def test_what_the_domain_publishes_comes_first(lab: Laboratory) -> None:
    lab.files = {AUTOCONFIG: config("one.example.org"), WELL_KNOWN: config("two.example.org")}
    lab.mx = {"example.org": ["aspmx.l.google.com"]}
    lab.answering = {("imap.example.org", 993)}
    found = doctor.find(EMAIL, lab.ways())
    assert found[0].imap == Server("one.example.org", 993, TLS, EMAIL)
    assert found[0].source == "example.org says so itself"
    assert all(url.startswith("https://") for url in lab.fetched)


def test_the_desktop_is_believed_before_the_domain(lab: Laboratory) -> None:
    lab.files = {AUTOCONFIG: config("one.example.org")}
    lab.desktop = [{"EmailAddress": EMAIL, "ImapHost": "own.example.net", "ImapUserName": "ada", "ImapUseSsl": True}]
    assert doctor.find(EMAIL, lab.ways())[0].imap == Server("own.example.net", 993, TLS, "ada")


def test_a_desktop_that_hangs_holds_up_nobody(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "GRACE", 0.1)
    lab.files, lab.slow = {AUTOCONFIG: config("one.example.org")}, {"desktop"}
    assert doctor.find(EMAIL, lab.ways())[0].imap == Server("one.example.org", 993, TLS, EMAIL)
    assert not lab.late


def test_a_bus_that_says_nothing_has_no_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(online_accounts, "PATIENCE", 0.05)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/bus")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{tmp_path}/bus")
        silent.listen()
        assert online_accounts.mail_accounts() == []


@pytest.mark.parametrize(
    "bad", [404, 500, b"", b"<html>Sign in to the hotel</html>", config("x.example.org")[:-9], config("localhost"),
            b"<!DOCTYPE x [<!ENTITY e 'e'>]>" + config("x.example.org")],
)  # fmt: skip
def test_a_bad_first_file_leads_to_the_second(lab: Laboratory, bad: bytes | int) -> None:
    lab.files = {AUTOCONFIG: bad, WELL_KNOWN: config("two.example.org")}
    assert doctor.find(EMAIL, lab.ways())[0].imap == Server("two.example.org", 993, TLS, EMAIL)


def test_the_mx_leads_to_a_known_provider(lab: Laboratory) -> None:
    lab.mx = {"example.org": ["alt1.aspmx.l.google.com", "aspmx.l.google.com"]}
    lab.answering = {("imap.example.org", 993)}
    found = doctor.find(EMAIL, lab.ways())
    assert (found[0].provider, found[0].source) == ("Gmail", "the mail of example.org is received by Gmail")
    assert found[0].imap
    assert found[0].imap.user == EMAIL


def test_srv_inside_and_outside_the_domain(lab: Laboratory) -> None:
    lab.srv = {"example.org": {"_imaps": [Service(0, 0, 993, "in.example.org")]}}
    assert not doctor.find(EMAIL, lab.ways())[0].confirm
    lab.srv = {"example.org": {"_imaps": [Service(0, 0, 993, "mail.elsewhere.example")]}}
    assert doctor.find(EMAIL, lab.ways())[0].confirm


def test_the_database_is_asked_by_leave_only(lab: Laboratory) -> None:
    lab.files = {"autoconfig.thunderbird.net/v1.1/example.org": config("mail.provider.example")}
    with pytest.raises(MailError):
        doctor.find(EMAIL, lab.ways())
    assert not [url for url in lab.fetched if "thunderbird" in url]
    found = doctor.find(EMAIL, lab.ways(), database=True)[0]
    assert found.imap == Server("mail.provider.example", 993, TLS, EMAIL)
    assert found.source.startswith("Thunderbird's database")
    assert not [url for url in lab.fetched if "thunderbird" in url and "ada" in url]


def test_guesses_take_the_best_that_answers(lab: Laboratory) -> None:
    lab.answering = {
        ("mail.example.org", 993),
        ("imap.example.org", 143),
        ("mail.example.org", 587),
        ("mail.example.org", 995),
    }
    (found,) = doctor.find(EMAIL, lab.ways())
    assert found.imap == Server("mail.example.org", 993, TLS, EMAIL)
    assert found.smtp == Server("mail.example.org", 587, STARTTLS, EMAIL)
    assert found.pop3 == Server("mail.example.org", 995, TLS, EMAIL)
    assert all(server.security is not Security.NONE and server.host.endswith(".example.org") for server in lab.probed)


def test_nobody_knows(lab: Laboratory) -> None:
    with pytest.raises(MailError) as caught:
        doctor.find(EMAIL, lab.ways())
    assert caught.value.code == "not-found"


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ({}, "no-domain"),
        ({("example.org", "MX"): ["SERVFAIL"]}, "dns"),
        ({("example.org", "MX"): ["NODATA"]}, "not-found"),
    ],
)
def test_nobody_is_blamed_for_what_the_dns_could_not_say(
    lab: Laboratory, table: dict[tuple[str, str], list[str]], code: str
) -> None:
    with DnsServer(table) as names, pytest.raises(MailError) as caught:
        doctor.find(EMAIL, replace(lab.ways(), mx=lambda domain: doctor.mx_hosts(domain, names.address)))
    assert caught.value.code == code
    assert ("operator" in caught.value.text) == (code == "not-found")
    assert "example.org" in caught.value.text


def test_without_a_network_that_is_what_is_said(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    async def offline(*_: object) -> MxAnswer:
        return MxAnswer(Status.OFFLINE, why="no network")

    monkeypatch.setattr(Resolver, "mx", offline)
    with pytest.raises(MailError, match="seems to be offline") as caught:
        doctor.find(EMAIL, replace(lab.ways(), mx=doctor.mx_hosts))
    assert caught.value.code == "network-down"


def test_only_plaintext_is_published(lab: Laboratory) -> None:
    lab.files = {AUTOCONFIG: config("imap.example.org", "plain", 143)}
    with pytest.raises(MailError) as caught:
        doctor.find(EMAIL, lab.ways())
    assert caught.value.code == "autoconfig-plaintext"


def test_a_good_answer_does_not_wait_for_slow_ones(lab: Laboratory) -> None:
    lab.files = {AUTOCONFIG: config("one.example.org")}
    lab.slow = {"probe", WELL_KNOWN}
    assert doctor.find(EMAIL, lab.ways())[0].imap == Server("one.example.org", 993, TLS, EMAIL)
    assert lab.late == []


@pytest.mark.log_warning("ZeroDivisionError")
def test_one_who_stumbles_does_not_spoil_the_others(lab: Laboratory) -> None:
    lab.files = {AUTOCONFIG: config("one.example.org")}
    world = replace(lab.ways(), mx=lambda _: [str(1 // 0)])
    assert doctor.find(EMAIL, world)[0].imap


def test_what_the_window_is_told() -> None:
    told = doctor.discover("ada@gmail.com", "/etc/ssl/ca.pem")
    assert [account.incoming for account in told.accounts] == [Incoming.IMAP, Incoming.POP3]
    first = told.accounts[0]
    assert (first.name, first.email, first.ca_file) == ("ada@gmail.com", "ada@gmail.com", "/etc/ssl/ca.pem")
    assert first.route is Route.SMTP
    assert (told.auth, told.sources[0]) == ("app-password", "Mua knows Gmail")
    assert told.help.startswith("https://support.google.com/")
    with pytest.raises(MailError) as caught:
        doctor.discover("ada@tuta.com")
    assert caught.value.code == "no-access"
    assert "neither IMAP nor POP3" in caught.value.text
    with pytest.raises(MailError) as caught:
        doctor.discover("ada")
    assert caught.value.code == "bad-address"


def test_srv_records_are_asked_for() -> None:
    table = {
        ("_imaps._tcp.example.net", "SRV"): ["10 5 993 imap.example.net.", "20 0 1993 other.example.org."],
        ("_submissions._tcp.example.net", "SRV"): ["0 0 0 ."],
        ("_pop3._tcp.example.net", "SRV"): ["SERVFAIL"],
    }

    async def ask(name: str) -> list[Service]:
        return await Resolver(names.address, 2).services(f"{name}._tcp.example.net")

    with DnsServer(table) as names:
        answers = {name: asyncio.run(ask(name)) for name in ("_imaps", "_submissions", "_pop3", "_imap")}
    assert sorted(answers["_imaps"]) == [
        Service(10, 5, 993, "imap.example.net."),
        Service(20, 0, 1993, "other.example.org."),
    ]
    assert answers["_submissions"] == [Service(0, 0, 0, ".")]
    assert answers["_pop3"] == answers["_imap"] == []


# --- a check ----------------------------------------------------------------------------------------------------

NOWHERE = Account(AccountId(1), "Ada", "ada@example.org")


def pop3_account(port: int, security: Security = Security.NONE) -> Account:
    server = Server("127.0.0.1", port, security, "ada")
    return replace(NOWHERE, incoming=Incoming.POP3, incoming_server=server, ca_file=str(certs.authority().ca_file))


def test_all_is_well() -> None:
    with Maildrop({}) as drop:
        incoming, outgoing = doctor.check(pop3_account(drop.port), "right")
    assert (incoming.what, incoming.ok, incoming.code) == ("incoming", True, "ok")
    assert f"127.0.0.1:{drop.port} lets Mua in" in incoming.text
    assert (outgoing.what, outgoing.ok, outgoing.text) == ("outgoing", True, "This account sends no mail.")


def test_a_wrong_password_and_the_trap_of_the_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    gmail = next(one for one in doctor.providers() if one.name == "Gmail")
    here = replace(gmail, pop3=Server("127.0.0.1", 1, TLS))
    monkeypatch.setattr(doctor, "providers", lambda: (here,))
    with Maildrop({}) as drop:
        finding = doctor.check(pop3_account(drop.port), "wrong")[0]
    assert (finding.ok, finding.code) == (False, "wrong-password")
    assert "Google wants an app password" in finding.text
    assert "https://support.google.com/" in finding.text


def test_the_other_port_would_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted("TLS: good\nS: +OK") as good, Maildrop({}) as drop:
        monkeypatch.setitem(doctor.USUAL, "pop3", ((good.port, TLS),))
        finding = doctor.check(pop3_account(drop.port, STARTTLS), "right")[0]
    assert finding.code == "no-starttls"
    assert f"Port {good.port} with TLS answers there" in finding.text
    assert not any(command.startswith(("USER", "PASS")) for command in drop.commands)


def test_an_expired_certificate_and_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = Server("127.0.0.1", listener.getsockname()[1], TLS, "ada")
    with Scripted("TLS: expired", partial=True) as server:
        account = replace(pop3_account(server.port, TLS), route=Route.SMTP, submission=closed)
        incoming, outgoing = doctor.check(account, "right")
    assert (incoming.ok, incoming.code) == (False, "certificate-expired")
    assert (outgoing.what, outgoing.ok, outgoing.code) == ("outgoing", False, "connection-refused")


def test_a_local_account_has_nothing_to_connect_to() -> None:
    incoming, _ = doctor.check(NOWHERE, "")
    assert incoming.ok
    assert "this computer only" in incoming.text


# --- a check of direct delivery ---------------------------------------------------------------------------------

MX = {("example.net", "MX"): ["10 mx.example.net."], ("mx.example.net", "A"): ["127.0.0.1"]}


def direct_account(names: DnsServer, port: int, **options: bool) -> Account:
    direct = DirectOptions(names.address, port, **options)
    return replace(NOWHERE, email="ada@example.net", route=Route.DIRECT, direct=direct)


def test_mail_can_go_directly() -> None:
    script = "S: 220 mx\nC: EHLO {}\nS: 250 mx.example.net\nC: QUIT\nS: 221 bye"
    with Scripted(script) as server, DnsServer(MX) as names:
        _, finding = doctor.check(direct_account(names, server.port, allow_private_mx=True), "")
    assert (finding.what, finding.ok) == ("dns", True), finding
    assert finding.text.startswith("mx.example.net answers on port")


def test_the_way_out_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with DnsServer(MX) as names:
        _, finding = doctor.check(direct_account(names, port, allow_private_mx=True), "")
    assert (finding.ok, finding.code) == (False, "no-way-out")
    assert f"port {port}" in finding.text
    assert "mx.example.net" in finding.detail


@pytest.mark.parametrize("table", [{}, {("example.net", "MX"): ["SERVFAIL"]}, {("example.net", "MX"): ["0 ."]}])
def test_no_exchanger_is_known(table: dict[tuple[str, str], list[str]]) -> None:
    with DnsServer(table) as names:
        _, finding = doctor.check(direct_account(names, 25), "")
    assert (finding.ok, finding.code) == (False, "dns")
    assert finding.text
