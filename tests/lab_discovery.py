"""Thirty-odd domains below own.test, each of which publishes its mail servers in another way, rightly or wrongly.

``DOMAINS`` is the table: what is in the DNS, what the web server says, and what discovery has to make of it.  As a
program, ``lab_discovery.py serve FOLDER`` is the web servers of all of them (FOLDER/servers.json says where they are
and what they say, FOLDER/asked is what they were asked), and ``lab_discovery.py find CA_FILE`` looks every domain up.
"""

import json
import socket
import ssl
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WEB, EXPIRED, PORTAL, CLEAR, SILENT, PARKED = (f"127.0.25.{number}" for number in range(41, 47))
DOVECOT, POSTFIX = "127.0.25.20", "127.0.25.1"


def config(
    host: str = "in.provider.test", *, security: str = "SSL", way: str = "password-cleartext", kind: str = "imap",
    user: str = "%EMAILADDRESS%", more: str = "", port: int = 993,
) -> str:  # fmt: skip
    """A config-v1.1 document."""
    entry = f"<socketType>{security}</socketType><username>{user}</username><authentication>{way}</authentication>"
    return (
        f'<clientConfig version="1.1"><emailProvider id="x"><incomingServer type="{kind}"><hostname>{host}</hostname>'
        f'<port>{port}</port>{entry}</incomingServer><outgoingServer type="smtp"><hostname>out.provider.test</hostname>'
        f"<port>465</port>{entry}</outgoingServer></emailProvider>{more}</clientConfig>"
    )


@dataclass(frozen=True)
class Domain:
    """``records`` are relative to the domain (``{d}`` in them is its first label), pages by "auto" (autoconfig.DOMAIN)
    or "well" (.well-known): a body, or (status, location), or ("slow" | "drip", seconds).

    ``expected``: part of who says so, or the code of the error; ``imap``: the host that has to be found.
    """

    expected: str
    records: tuple[str, ...] = ()
    auto: Any = None
    well: Any = None
    imap: str = ""
    auth: str = "password"
    confirm: bool = False
    oauth: str = ""
    user: str = ""
    slow: bool = False  # somebody who would be believed first does not answer, and is not waited for
    label: str = ""


ITSELF, DNS, TRYING, NOTHING = "says so itself", "the DNS of", "found by trying", "not-found"
AUTO, WELL = f"autoconfig.{{d}} IN A {WEB}", f"{{d}} IN A {WEB}"
SRV = "_imaps._tcp.{d} IN SRV 0 0 993 in.{d}.own.test."
HERE = "in.{d}.own.test"
ENTITIES = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
OAUTH = "<oAuth2><issuer>{issuer}</issuer><scope>mail</scope></oAuth2>"
DOMAINS: dict[str, Domain] = {
    "auto": Domain(ITSELF, (AUTO,), auto=config(), imap="in.provider.test"),
    "well": Domain(ITSELF, (WELL,), well=config(), imap="in.provider.test"),
    "both": Domain(ITSELF, (AUTO, WELL), auto=config("one.test"), well=config("two.test"), imap="one.test"),
    "badxml": Domain(DNS, (AUTO, SRV), auto=config()[:-20], imap=HERE),
    "html": Domain(DNS, (AUTO, SRV), auto="<html>Welcome to the web</html>", imap=HERE),
    "entities": Domain(NOTHING, (AUTO,), auto=ENTITIES + config("&b;.test")),
    "huge": Domain(NOTHING, (AUTO,), auto=config() + " " * 200_000),
    "empty": Domain(NOTHING, (AUTO,), auto=""),
    "moved": Domain(ITSELF, (AUTO, WELL), auto=(302, "https://moved.own.test/there"), imap="in.provider.test"),
    "movedclear": Domain(NOTHING, (AUTO, WELL), auto=(302, "http://movedclear.own.test/there")),
    "circle": Domain(NOTHING, (AUTO,), auto=(302, "https://autoconfig.circle.own.test/mail/config-v1.1.xml")),
    "error": Domain(ITSELF, (AUTO, WELL), auto=(500, ""), well=config(), imap="in.provider.test"),
    "clear": Domain(NOTHING, (f"autoconfig.{{d}} IN A {CLEAR}", f"{{d}} IN A {CLEAR}"), auto=config()),
    "plaintext": Domain("autoconfig-plaintext", (AUTO,), auto=config(security="plain", port=143)),
    "numbers": Domain(NOTHING, (AUTO,), auto=config("127.0.25.20")),
    "ntlm": Domain(NOTHING, (AUTO,), auto=config(way="NTLM")),
    "pop": Domain(ITSELF, (AUTO,), auto=config("pop.provider.test", kind="pop3", port=995), imap="pop.provider.test"),
    "local": Domain(ITSELF, (AUTO,), auto=config(user="%EMAILLOCALPART%"), imap="in.provider.test", user="ada"),
    "starttls": Domain(ITSELF, (AUTO,), auto=config(security="STARTTLS", port=143), imap="in.provider.test"),
    "oauthonly": Domain(
        ITSELF, (AUTO,), auto=config(way="OAuth2", more=OAUTH.format(issuer="login.oauthonly.own.test")),
        imap="in.provider.test", auth="oauth", oauth="https://login.oauthonly.own.test",
    ),
    "oauthbad": Domain(
        ITSELF, (AUTO,), auto=config(way="OAuth2", more=OAUTH.format(issuer="http://login.test")),
        imap="in.provider.test", auth="oauth",
    ),
    "utf16": Domain(ITSELF, (AUTO,), auto="utf-16:" + config(), imap="in.provider.test"),
    "xn--mnchen-3ya": Domain(ITSELF, (AUTO,), auto=config(), imap="in.provider.test", label="münchen"),
    "srv": Domain(DNS, (SRV, "_submissions._tcp.{d} IN SRV 0 0 465 out.{d}.own.test."), imap=HERE),
    "srvorder": Domain(
        DNS, ("_imaps._tcp.{d} IN SRV 20 0 993 b.{d}.own.test.", "_imaps._tcp.{d} IN SRV 10 0 993 in.{d}.own.test."),
        imap=HERE,
    ),
    "srvoutside": Domain(
        DNS, ("_imaps._tcp.{d} IN SRV 0 0 993 in.elsewhere.test.",), imap="in.elsewhere.test", confirm=True
    ),
    "srvno": Domain(NOTHING, ("_imaps._tcp.{d} IN SRV 0 0 0 .", "_imap._tcp.{d} IN SRV 0 0 0 .")),
    "mx": Domain(
        "is received by Gmail", ("{d} IN MX 1 aspmx.l.google.com.",), imap="imap.gmail.com", auth="app-password",
        oauth="google",
    ),
    "mxmixed": Domain(NOTHING, ("{d} IN MX 1 aspmx.l.google.com.", "{d} IN MX 2 mx.elsewhere.test.")),
    "nullmx": Domain(NOTHING, ("{d} IN MX 0 .",)),
    "guess": Domain(TRYING, (f"imap.{{d}} IN A {DOVECOT}", f"smtp.{{d}} IN A {POSTFIX}"), imap="imap.guess.own.test"),
    "halfguess": Domain(TRYING, (f"mail.{{d}} IN A {DOVECOT}",), imap="mail.halfguess.own.test"),
    "wrongname": Domain(NOTHING, (f"imap.{{d}} IN A {DOVECOT}",)),
    "wildcard": Domain(NOTHING, (f"*.{{d}} IN A {DOVECOT}", f"{{d}} IN A {DOVECOT}")),
    "parked": Domain(NOTHING, (f"*.{{d}} IN A {PARKED}", f"{{d}} IN A {PARKED}")),
    "portal": Domain(NOTHING, (f"*.{{d}} IN A {PORTAL}", f"{{d}} IN A {PORTAL}")),
    "expired": Domain(DNS, (f"autoconfig.{{d}} IN A {EXPIRED}", SRV), auto=config("bad.test"), imap=HERE),
    "silent": Domain(DNS, (f"autoconfig.{{d}} IN A {SILENT}", SRV), imap=HERE, slow=True),
    "slow": Domain(DNS, (AUTO, SRV), auto=("slow", 30), imap=HERE, slow=True),
    "drip": Domain(DNS, (AUTO, SRV), auto=("drip", 30), imap=HERE, slow=True),
    "servfail": Domain("dns"),  # below a zone whose server is silent: see ``address``
    "nowhere": Domain("no-domain"),
}  # fmt: skip


def address(name: str) -> str:
    """The address that is looked up."""
    if name == "servfail":
        return "ada@silent.test"
    return f"ada@{DOMAINS[name].label or name}.own.test"


def records() -> list[str]:
    """What ``Lab.publish`` publishes."""
    return [one.format(d=name) for name, domain in DOMAINS.items() for one in domain.records]


def pages() -> dict[str, Any]:
    """What is said by which host at which path."""
    said: dict[str, Any] = {"moved.own.test/there": config(), "movedclear.own.test/there": config()}
    for name, domain in DOMAINS.items():
        if domain.auto is not None:
            said[f"autoconfig.{name}.own.test/mail/config-v1.1.xml"] = domain.auto
        if domain.well is not None:
            said[f"{name}.own.test/.well-known/autoconfig/mail/config-v1.1.xml"] = domain.well
    return said


def web_names() -> tuple[str, ...]:
    """The names that the good web server has a certificate for."""
    return tuple(f"{more}{name}.own.test" for name in DOMAINS for more in ("", "autoconfig."))


# --- inside the laboratory ----------------------------------------------------------------------------------------


class _Site(BaseHTTPRequestHandler):
    said: dict[str, Any]
    asked: Path
    everywhere = ""
    """What is said to every question."""

    def log_message(self, *_: object) -> None:
        """Nothing but ``asked``."""

    def do_GET(self) -> None:
        """One page."""
        host, path = self.headers.get("Host", "").partition(":")[0], self.path.partition("?")[0]
        with self.asked.open("a") as file:
            file.write(f"{self.server.server_address[1]} {host}{self.path}\n")  # type: ignore[index]
        page = self.everywhere or self.said.get(f"{host}{path}", [404, ""])
        if isinstance(page, str):
            codec, _, rest = page.partition(":") if page.startswith("utf-16:") else ("utf-8", "", page)
            self._say(200, rest.encode(codec))
        elif page[0] == "slow":
            time.sleep(page[1])
        elif page[0] == "drip":
            self._drip(page[1])
        else:
            self._say(page[0], b"", page[1])

    def _say(self, status: int, body: bytes, location: str = "") -> None:
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _drip(self, seconds: int) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(seconds * 5):
            self.wfile.write(b" ")
            time.sleep(0.2)


def _listen(address: str, port: int, site: type[_Site], leaf: list[str]) -> None:
    server = ThreadingHTTPServer((address, port), site)
    server.daemon_threads = True
    if leaf:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*leaf)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def serve(folder: Path) -> None:
    """Serve until killed."""
    told = json.loads((folder / "servers.json").read_text())
    site: type[_Site] = type("Site", (_Site,), {"said": told["pages"], "asked": folder / "asked"})
    portal: type[_Site] = type("Portal", (site,), {"everywhere": "<html>Accept the terms of this hotel</html>"})
    for address in (WEB, EXPIRED):
        _listen(address, 443, site, told["leaves"][address])
    for address in (PORTAL, PARKED):
        _listen(address, 443, portal, told["leaves"][address])
    for address in (CLEAR, PORTAL, WEB):
        _listen(address, 80, site if address != PORTAL else portal, [])
    silent = socket.create_server((SILENT, 443))  # the kernel takes connections; nobody speaks
    (folder / "ready").touch()
    threading.Event().wait()
    silent.close()


def find_all(ca_file: str) -> dict[str, Any]:
    """What discovery makes of each domain, and how long it took."""
    from mua.engine import doctor
    from mua.errors import MailError
    from mua.net import https

    ways = doctor.ways(ca_file)
    world = doctor.Ways(
        lambda url: https.fetch(url, timeout=doctor.ONE_ANSWER, ca_file=ca_file, allow_private=True),
        ways.probe, ways.mx, ways.services,
    )  # fmt: skip
    found: dict[str, Any] = {}
    for name in DOMAINS:
        began = time.monotonic()
        try:
            best = doctor.find(address(name), world)[0]
            incoming = best.imap or best.pop3
            assert incoming
            told: dict[str, Any] = {
                "said": best.source, "imap": incoming.host, "user": incoming.user, "auth": best.auth,
                "confirm": best.confirm, "oauth": best.oauth, "securities": [
                    one.security for one in (best.imap, best.pop3, best.smtp) if one is not None
                ],
            }  # fmt: skip
        except MailError as error:
            told = {"said": error.code}
        found[name] = told | {"seconds": time.monotonic() - began}
    return found


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(Path(sys.argv[2]))
    else:
        print(json.dumps(find_all(sys.argv[2])), flush=True)
        sys.stdout.close()
        __import__("os")._exit(0)  # what still waits for a slow server holds up nobody
