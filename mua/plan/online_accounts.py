"""What GNOME Online Accounts knows of an address: its servers, as a person entered them for the whole desktop.

Rule of the file: pure; what another program says is checked like any answer, and a server without TLS is none.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from mua.model.account import Security, Server
from mua.model.discovery import Found
from mua.plan.discover import Provider, checked_host, trap_for

SOURCE: Final = "GNOME Online Accounts on this computer say so"
_PORTS: Final = {
    ("Imap", Security.TLS): 993, ("Imap", Security.STARTTLS): 143,
    ("Smtp", Security.TLS): 465, ("Smtp", Security.STARTTLS): 587,
}  # fmt: skip

Mail = Mapping[str, object]
"""The properties of an org.gnome.OnlineAccounts.Mail, without their signatures."""


def found(email: str, accounts: Iterable[Mail], providers: Iterable[Provider]) -> Found | None:
    """Where the mail of an address is, if one of the desktop's accounts has that address; None: none has."""
    wanted = email.strip().lower()
    for one in accounts:
        imap = _server(one, "Imap")
        if str(one.get("EmailAddress", "")).strip().lower() != wanted or imap is None:
            continue
        known = trap_for(imap.host, providers)
        told = Found(SOURCE, imap=imap, smtp=_server(one, "Smtp"))
        if known is None:
            return told
        return replace(
            told, auth=known.auth, provider=known.name, note=known.note, help_url=known.help_url, oauth=known.oauth
        )
    return None


def _server(one: Mail, kind: str) -> Server | None:
    name, _, port = str(one.get(f"{kind}Host", "")).strip().partition(":")
    host = checked_host(name)
    security = (
        Security.TLS if one.get(f"{kind}UseSsl") is True
        else Security.STARTTLS if one.get(f"{kind}UseTls") is True
        else None
    )  # fmt: skip
    if one.get(f"{kind}Supported", True) is not True or security is None or not host:
        return None
    number = int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else 0
    if port and not 0 < number < 65536:
        return None
    user = str(one.get(f"{kind}UserName", "")) if kind == "Imap" or one.get("SmtpUseAuth", True) is True else ""
    return Server(host, number or _PORTS[kind, security], security, user[:320])
