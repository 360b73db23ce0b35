"""A Thunderbird profile by its ``prefs.js``: accounts, identities, tags, and where the mail of each account lies.

Rules of the file: no password is in there, and none is looked for; what cannot be taken as it is, is told with why.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from mua.model.account import Account, AccountId, Habits, Incoming, Route, Security, Server
from mua.model.arrival import LeftOut
from mua.model.identity import Identity
from mua.model.tag import COLOURS, MAX_NAME, Tag, is_keyword
from mua.records import dataclass

MAX_ACCOUNTS = 200
_PREF = re.compile(r'^user_pref\(("(?:[^"\\]|\\.)*"),\s*(.*)\);\s*$', re.MULTILINE)
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_SECURITY = {1: Security.STARTTLS, 2: Security.STARTTLS, 3: Security.TLS}
_PORTS = {("imap", Security.TLS): 993, ("imap", Security.STARTTLS): 143, ("pop3", Security.TLS): 995,
          ("pop3", Security.STARTTLS): 110, ("smtp", Security.TLS): 465, ("smtp", Security.STARTTLS): 587}  # fmt: skip
_OAUTH2 = 10


@dataclass(frozen=True, slots=True)
class Store:
    """Where the mail of one account lies: ``path`` below the profile, or empty where it is elsewhere (``full``)."""

    kind: str  # "none": local folders; "imap", "pop3", "rss" ...
    title: str
    path: str
    full: str = ""


@dataclass(frozen=True, slots=True)
class Thunderbird:
    """What the profile says.  The accounts have names that differ, and ids from 1 on that tell them apart."""

    accounts: tuple[Account, ...]
    stores: tuple[Store, ...]
    tags: tuple[Tag, ...]
    left: tuple[LeftOut, ...]


Prefs = Mapping[str, str | int | bool]


def prefs(text: str) -> Prefs:
    """The preferences in a ``prefs.js``."""
    found: dict[str, str | int | bool] = {}
    for name, value in _PREF.findall(text):
        try:
            key, content = json.loads(name), json.loads(value)
        except ValueError:
            continue
        if isinstance(content, str | int | bool):
            found[str(key)] = content
    return found


def read(text: str) -> Thunderbird:
    """The profile of this ``prefs.js``."""
    told = prefs(text)
    accounts: list[Account] = []
    stores: list[Store] = []
    left: list[LeftOut] = []
    for key in _words(told, "mail.accountmanager.accounts")[:MAX_ACCOUNTS]:
        server = _text(told, f"mail.account.{key}.server")
        kind = _text(told, f"mail.server.{server}.type")
        if not kind:
            continue
        title = _text(told, f"mail.server.{server}.name") or _text(told, f"mail.server.{server}.hostname") or kind
        stores.append(_store(told, server, kind, title))
        if kind in ("imap", "pop3"):
            made = _account(told, key, server, kind, title)
            if isinstance(made, LeftOut):
                left.append(made)
            else:
                accounts.append(distinct(made, accounts))
        elif kind != "none":
            left.append(LeftOut(title, f"Accounts of the kind “{kind}” are not known here."))
    return Thunderbird(tuple(accounts), tuple(stores), _tags(told), tuple(left))


def distinct(account: Account, others: list[Account]) -> Account:
    """The account with an id, and a name that none of the ``others`` has."""
    taken = {one.name for one in others}
    names = (account.name, *(f"{account.name} ({number})" for number in range(2, MAX_ACCOUNTS + 2)))
    return replace(account, id=AccountId(len(others) + 1), name=next(name for name in names if name not in taken))


def _text(told: Prefs, name: str) -> str:
    return str(told.get(name, "")).strip()


def _number(told: Prefs, name: str) -> int:
    value = told.get(name, 0)
    return int(value) if isinstance(value, int) else 0


def _words(told: Prefs, name: str) -> list[str]:
    return list(dict.fromkeys(word for word in re.split("[, ]+", _text(told, name)) if word))


def _store(told: Prefs, server: str, kind: str, title: str) -> Store:
    relative = _text(told, f"mail.server.{server}.directory-rel")
    path = relative.removeprefix("[ProfD]") if relative.startswith("[ProfD]") else ""
    if ".." in path.split("/"):
        path = ""
    return Store(kind, title, path, "" if path else _text(told, f"mail.server.{server}.directory"))


def _account(told: Prefs, key: str, server: str, kind: str, title: str) -> Account | LeftOut:
    base = f"mail.server.{server}"
    incoming = _server(told, base, kind, "hostname", _SECURITY.get(_number(told, f"{base}.socketType")), "userName")
    identities = _identities(told, _words(told, f"mail.account.{key}.identities"))
    if _number(told, f"{base}.authMethod") == _OAUTH2:
        return LeftOut(title, "It signs in in a browser; add it here by its address.")
    if incoming is None:
        return LeftOut(title, "Its server is used without encryption; set it up by hand to say that this may be.")
    if not identities:
        return LeftOut(title, "It has no address of its own.")
    first = identities[0][0]
    submission = _submission(told, identities[0][1])
    return Account(
        AccountId(0),
        title,
        first.address,
        first.name,
        Incoming(kind),
        incoming,
        Route.SMTP if submission else Route.NONE,
        submission,
        identities=tuple(one for one, _ in identities),
        habits=Habits(paused=kind == "pop3"),
    )


def _server(told: Prefs, base: str, kind: str, host: str, security: Security | None, user: str) -> Server | None:
    name = _text(told, f"{base}.{host}")
    if security is None or not name:
        return None
    port = _number(told, f"{base}.port")
    return Server(name, port if 0 < port < 65536 else _PORTS[kind, security], security, _text(told, f"{base}.{user}"))


def _submission(told: Prefs, key: str) -> Server | None:
    key = key or _text(told, "mail.smtp.defaultserver") or (_words(told, "mail.smtpservers") or [""])[0]
    base = f"mail.smtpserver.{key}"
    return _server(told, base, "smtp", "hostname", _SECURITY.get(_number(told, f"{base}.try_ssl")), "username")


def _identities(told: Prefs, keys: list[str]) -> list[tuple[Identity, str]]:
    """(identity, its submission server's key) of each that has an address."""
    found: list[tuple[Identity, str]] = []
    for key in keys[:MAX_ACCOUNTS]:
        base = f"mail.identity.{key}"
        address = _text(told, f"{base}.useremail")
        if "@" in address and address not in [one.address for one, _ in found]:
            written = _text(told, f"{base}.htmlSigText")
            signature = "" if told.get(f"{base}.htmlSigFormat") is True else written
            above = told.get(f"{base}.sig_bottom") is False
            made = Identity(
                address, _text(told, f"{base}.fullName"), (), signature, above=above,
                reply_to=_text(told, f"{base}.reply_to"),
            )  # fmt: skip
            found.append((made, _text(told, f"{base}.smtpServer")))
    return found


def _tags(told: Prefs) -> tuple[Tag, ...]:
    found: list[Tag] = []
    for name, value in told.items():
        if name.startswith("mailnews.tags.") and name.endswith(".tag"):
            keyword = name.removeprefix("mailnews.tags.").removesuffix(".tag")
            colour = _text(told, f"mailnews.tags.{keyword}.color")
            if is_keyword(keyword) and str(value).strip():
                chosen = colour.lower() if _HEX.fullmatch(colour) else COLOURS[len(found) % len(COLOURS)]
                found.append(Tag(keyword, str(value).strip()[:MAX_NAME], chosen))
    return tuple(found)
