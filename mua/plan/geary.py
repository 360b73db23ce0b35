"""Geary's accounts by their ``geary.ini``: addresses, names and servers; its mail lies on IMAP servers only.

Rules of the file: no password is in there, and none is looked for; what cannot be taken as it is, is told with why.
"""

import configparser
import re
from collections.abc import Iterable, Sequence
from email.utils import parseaddr
from typing import Final

from mua.model.account import Account, AccountId, Incoming, Route, Security, Server
from mua.model.arrival import LeftOut
from mua.model.identity import Identity
from mua.plan.discover import checked_host
from mua.plan.thunderbird import MAX_ACCOUNTS, Thunderbird, distinct

FILE: Final = "geary.ini"
_SECURITY: Final = {"transport": Security.TLS, "start-tls": Security.STARTTLS}
_PORTS: Final = {
    ("Incoming", Security.TLS): 993, ("Incoming", Security.STARTTLS): 143,
    ("Outgoing", Security.TLS): 465, ("Outgoing", Security.STARTTLS): 587,
}  # fmt: skip
_ESCAPES: Final = {"s": " ", "n": "\n", "t": "\t", "r": "\r"}


def read(files: Iterable[str]) -> Thunderbird:
    """The accounts of these files, as those of another program."""
    accounts: list[Account] = []
    left: list[LeftOut] = []
    for text in list(files)[:MAX_ACCOUNTS]:
        told = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            told.read_string(text)
        except configparser.Error:
            left.append(LeftOut(FILE, "It cannot be read."))
            continue
        made = _account(told)
        if isinstance(made, LeftOut):
            left.append(made)
        else:
            accounts.append(distinct(made, accounts))
    return Thunderbird(tuple(accounts), (), (), tuple(left))


def _account(told: configparser.ConfigParser) -> Account | LeftOut:
    people = [parseaddr(one) for one in _list(told.get("Account", "sender_mailboxes", fallback=""))]
    people = [(name, address) for name, address in people if "@" in address]
    if not people:
        return LeftOut(FILE, "It has no address of its own.")
    (name, address), *_ = people
    title = _plain(told.get("Account", "label", fallback="")).strip() or address
    if not told.get("Incoming", "host", fallback=""):
        return LeftOut(title, "Its servers are not in Geary's settings; add it here by its address.")
    incoming = _server(told, "Incoming", address)
    if incoming is None:
        return LeftOut(title, "Its server is used without encryption; set it up by hand to say that this may be.")
    submission = _server(told, "Outgoing", incoming.user)
    return Account(
        AccountId(0), title, address, name, Incoming.IMAP, incoming,
        Route.SMTP if submission else Route.NONE, submission,
        identities=tuple(Identity(one, called, (), _signature(told)) for called, one in people),
    )  # fmt: skip


def _server(told: configparser.ConfigParser, side: str, user: str) -> Server | None:
    host = checked_host(told.get(side, "host", fallback=""))
    security = _SECURITY.get(told.get(side, "transport_security", fallback=""))
    if not host or security is None:
        return None
    port = told.get(side, "port", fallback="")
    number = int(port) if re.fullmatch(r"[0-9]{1,5}", port) else 0
    signs_in = told.get(side, "credentials", fallback="")
    user = "" if signs_in == "none" else _plain(told.get(side, "login", fallback="")) or user
    return Server(host, number if 0 < number < 65536 else _PORTS[side, security], security, user)


def _signature(told: configparser.ConfigParser) -> str:
    used = told.get("Account", "use_signature", fallback="") == "true"
    return _plain(told.get("Account", "signature", fallback="")) if used else ""


def _list(text: str) -> Sequence[str]:
    """A list of GLib's key files: ";" ends each, a backslash before one makes it a letter."""
    return [_plain(one) for one in re.findall(r"(?:\\.|[^;\\])+", text)]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text)
