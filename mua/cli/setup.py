"""From ``account add``'s options to an Account."""

import argparse
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from mua import wire
from mua.errors import Kind, MailError, Retry, UsageError
from mua.model.account import (
    FOR_EVER,
    WHEN_ASKED,
    Account,
    AccountId,
    DirectOptions,
    Habits,
    Incoming,
    PopOptions,
    Route,
    Security,
    Server,
)
from mua.model.domain import akin
from mua.model.policy import Policy, policy_from

IMAP_PORTS = {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}
POP3_PORTS = {Security.TLS: 995, Security.STARTTLS: 110, Security.NONE: 110}
SMTP_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 587}


def account(given: argparse.Namespace) -> Account:
    """The account that the options describe; raises UsageError."""
    if "@" not in given.email:
        raise UsageError(f"{given.email!r} is not a mail address")
    if not (given.imap or given.pop3 or given.local or given.smtp or given.direct or given.discover):
        raise UsageError(
            "say --discover, or where mail comes from and goes to (--imap, --pop3, --local, --smtp, --direct)"
        )
    user = given.user or given.email
    sending_user = user if given.user or given.password_stdin or given.client_cert or given.oauth else ""
    incoming, incoming_server = Incoming.LOCAL, None
    if given.imap:
        incoming, incoming_server = Incoming.IMAP, server(given.imap, given.imap_security, IMAP_PORTS, user)
    elif given.pop3:
        incoming, incoming_server = Incoming.POP3, server(given.pop3, given.pop3_security, POP3_PORTS, user)
    return Account(
        AccountId(0),
        given.name,
        given.email,
        given.full_name,
        incoming,
        incoming_server,
        Route.SMTP if given.smtp else Route.DIRECT if given.direct else Route.NONE,
        server(given.smtp, given.smtp_security, SMTP_PORTS, sending_user) if given.smtp else None,
        DirectOptions(given.dns, given.mx_port, given.allow_private_mx, given.ehlo),
        _absolute(given.ca_file),
        pop=_pop(given),
        allow_plaintext=given.allow_plaintext,
        policy=policy(given.policy),
        client_cert=_absolute(given.client_cert),
    )


def habits(now: Habits, given: argparse.Namespace) -> Habits:
    """``now``, changed as ``account set`` says; raises UsageError."""
    if given.colour is not None:
        if given.colour != "none" and not re.fullmatch("#[0-9a-fA-F]{6}", given.colour):
            raise UsageError(f"{given.colour!r} is no colour like #3366cc, and not none")
        now = replace(now, colour="" if given.colour == "none" else given.colour.lower())
    if given.every is not None:
        words = {"usual": 0, "asked": WHEN_ASKED}
        if given.every not in words and not (given.every.isdecimal() and 0 < int(given.every[:6]) <= 1440):
            raise UsageError(f"{given.every!r} is not a number of minutes from 1 to 1440, usual or asked")
        now = replace(now, minutes=words[given.every] if given.every in words else int(given.every))
    return replace(now, paused=given.pause or (now.paused and not given.go_on))


def _absolute(file: str) -> str:
    """The engine, which opens it, works in another folder."""
    return str(Path(file).expanduser().absolute()) if file else ""


def policy(text: str) -> Policy:
    """What ``str(Policy)`` says; raises UsageError."""
    try:
        return policy_from(text)
    except ValueError:
        raise UsageError(f"{text!r} is not everything, headers or days:N") from None


def _pop(given: argparse.Namespace) -> PopOptions:
    asked = given.keep_days is not None or given.delete_fetched or given.delete_when_deleted or given.inbox_of
    if asked and not (given.pop3 or given.discover):
        raise UsageError("--keep-days, --delete-fetched, --delete-when-deleted and --inbox-of need --pop3")
    return PopOptions(0 if given.delete_fetched else given.keep_days or FOR_EVER, given.delete_when_deleted)


def server(text: str, security: str, ports: dict[Security, int], user: str) -> Server:
    """``HOST:PORT``, ``HOST`` (the usual port) or ``[IPv6]:PORT``; raises UsageError."""
    chosen = Security(security)
    host, colon, port = text.rpartition(":")
    if not colon or (text.startswith("[") and text.endswith("]")):
        host, port = text, str(ports[chosen])
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"{text!r} is not HOST:PORT")
    return Server(host, int(port), chosen, user)


def with_servers(given: Account, found: wire.Discovered, oauth: str = "") -> Account:
    """``given`` with the best servers that were found, where one signs in at ``oauth`` (a provider or a URL, "": by a
    password).  Raises MailError "not-found", "not-its-servers".
    """
    if not found.accounts:
        text = f"No mail servers were found for {given.email}; name them with --imap and --smtp."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="not-found")
    known = found.service is not None and found.service.key == oauth
    own = akin(urlsplit(oauth).hostname or "", given.email.rpartition("@")[2])
    if oauth and not (known or own):
        text = (
            f"The servers that were found for {given.email} are not known to be those of {oauth}, and would get what "
            "opens your mailbox there; name them yourself with --imap and --smtp."
        )
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="not-its-servers")
    best = found.accounts[0]
    return Account(
        given.id, given.name, given.email, given.full_name, best.incoming, best.incoming_server, best.route,
        best.submission, given.direct, given.ca_file, given.pop, given.allow_plaintext,
        policy=given.policy, client_cert=given.client_cert,
    )  # fmt: skip
