"""Sign-ins by OAuth 2 that are going on, and who this program is at the providers.

Theory of operation: ``begin`` makes a page (or a code) for a person and returns at once; ``wait`` blocks until the
browser came back, and holds what that brought under the sign-in's name until an account takes it.  What belongs to an
account that is stored goes into it right away.

Rules of the file: nobody is asked before a person began; a sign-in that nobody took is forgotten with the engine.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mua import wire
from mua.engine import accounts
from mua.errors import Kind, MailError, Retry
from mua.model.account import Account, Side
from mua.model.oauth import Grant, OAuth
from mua.net import oauth as net
from mua.paths import resources
from mua.plan import oauth as plan
from mua.store import read, write

if TYPE_CHECKING:
    from mua.engine.main import Engine

CLIENT = "oauth-client/"  # settings: provider -> client id, a blank, tenant
PLACE = "oauth"  # of client secrets, among the secrets
MOST = 8  # sign-ins at a time


@cache
def services() -> dict[str, plan.Service]:
    """The table of providers, by key."""
    return plan.parse_services((resources() / "oauth.toml").read_text(encoding="utf-8"))


class SignIn:
    """One that is going on: in a browser, or by a code on another screen."""

    def __init__(self, oauth: OAuth, email: str, client_secret: str, ca_file: str, account_id: int) -> None:
        self.oauth, self.account_id, self.ca_file = oauth, account_id, ca_file
        self.grant: Grant | None = None
        self._email, self._secret = email, client_secret
        self._ended = threading.Event()
        self._browser: net.Browser | None = None
        self._code: plan.DeviceCode | None = None

    def begin(self, name: str, *, device: bool) -> wire.SignInBegun:
        """What a person has to be shown.  Raises MailError."""
        if device:
            self._code = net.ask_device(self.oauth, self.ca_file)
            return wire.SignInBegun(name, self._code.where, self._code.user_code)
        self._browser = net.Browser(self.oauth, self._email, self._secret, self.ca_file)
        return wire.SignInBegun(name, self._browser.url)

    def wait(self) -> Grant:
        """What it brought.  Raises MailError."""
        if self._browser is not None:
            self.grant = self._browser.wait()
        else:
            assert self._code is not None
            self.grant = net.await_device(self.oauth, self._code, self._secret, self.ca_file, self._ended)
        return self.grant

    def end(self) -> None:
        """Stop waiting."""
        self._ended.set()
        if self._browser is not None:
            self._browser.close()


def service_told(engine: Engine, key: str) -> wire.SignInService | None:
    """What a client has to know of a provider; ``key`` may be the URL of a server of one's own."""
    key = _known_issuer(key)
    if key.startswith("https://"):
        name = key.removeprefix("https://")
        return wire.SignInService(key, name, ready=True, steps=plan.own_steps(name))  # an id may be had for the asking
    one = services().get(key)
    if one is None:
        return None
    ready = bool(one.oauth.client_id or _client(engine, key)[0])
    return wire.SignInService(
        key, one.oauth.name, ready, bool(one.oauth.device), one.secret, one.register, one.steps, one.open, one.tenant
    )


def _known_issuer(issuer: str) -> str:
    """The provider of the table whose page is at that host, or the issuer itself."""
    host = urlsplit(issuer).hostname
    of_host = (key for key, one in services().items() if host and urlsplit(one.oauth.authorize).hostname == host)
    return next(of_host, issuer)


def _client(engine: Engine, provider: str) -> tuple[str, str]:
    """(client id, tenant) of one's own."""
    client_id, _, tenant = read.setting(engine.store.reader(), CLIENT + provider).partition(" ")
    return client_id, tenant


def set_client(engine: Engine, command: wire.SetClient) -> wire.Done:
    """Remember a client id of one's own, or forget it."""
    provider = _provider(command.provider)
    client_id, tenant = command.client_id.strip(), command.tenant.strip()
    if any(" " in one or not one.isprintable() for one in (client_id, tenant)):
        text = "A client id has no blanks in it; copy it once more from where it was made."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="client-refused")
    if client_id and command.client_secret:
        engine.secrets.set(PLACE, provider, command.client_secret.strip())
    elif not client_id:
        engine.secrets.delete(PLACE, provider)
    with engine.store.write(durable=True) as tx:
        write.set_setting(tx, CLIENT + provider, f"{client_id} {tenant}".strip() if client_id else "")
    return wire.Done()


def _provider(name: str) -> str:
    """A key of the table, or an issuer.  Raises MailError "bad-issuer"."""
    if name in services():
        return name
    plan.metadata_urls(name)
    return name if "://" in name else f"https://{name}"


def secret_names(engine: Engine) -> list[tuple[str, str]]:
    """What is kept for providers among the secrets."""
    known = engine.store.reader().rows("SELECT key FROM setting WHERE key GLOB ?", f"{CLIENT}*")
    return [(PLACE, str(key).removeprefix(CLIENT)) for (key,) in known]


def begin(engine: Engine, command: wire.BeginSignIn) -> wire.SignInBegun:
    """Make the page for a person."""
    if len(engine.sign_ins) >= MOST:
        for one in engine.sign_ins.values():
            one.end()
        engine.sign_ins.clear()
    name = secrets.token_urlsafe(12)
    made = _made(engine, command)
    begun = made.begin(name, device=command.device)
    engine.sign_ins[name] = made
    return begun


def _made(engine: Engine, command: wire.BeginSignIn) -> SignIn:
    account = accounts.find(engine, command.account_id) if command.account_id else None
    if account is not None and not command.provider:
        if account.oauth is None:
            text = f"“{account.name}” signs in with a password; say with which provider it should from now on."
            raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-provider")
        return SignIn(account.oauth, account.email, engine.tokens.client_secret(account), account.ca_file, account.id)
    provider = _provider(command.provider)
    own_id, own_tenant = _client(engine, provider)
    client_id, tenant = command.client_id or own_id, command.tenant or own_tenant
    secret = command.client_secret or (engine.secrets.get(PLACE, provider) or "" if own_id == client_id else "")
    ca_file = command.ca_file or (account.ca_file if account else "")
    if provider in services():
        oauth = plan.of_service(services()[provider], client_id, tenant)
    else:
        oauth = net.find(provider, client_id, command.scope, ca_file)
    if not client_id and provider not in services():  # the server gave it to whoever asks: it counts from now on
        set_client(engine, wire.SetClient(provider, oauth.client_id))
    email = command.email or (account.email if account else "")
    return SignIn(oauth, email, secret, ca_file, account.id if account else 0)


def wait(engine: Engine, command: wire.AwaitSignIn) -> wire.SignedIn:
    """Wait for the person; what that brings for a stored account is put into it."""
    found = _going_on(engine, command.sign_in)
    try:
        grant = found.wait()
    except MailError:
        engine.sign_ins.pop(command.sign_in, None)
        raise
    if found.account_id:
        engine.sign_ins.pop(command.sign_in, None)
        _take(engine, accounts.find(engine, found.account_id), found.oauth, grant)
    return wire.SignedIn(found.oauth)


def _take(engine: Engine, account: Account, oauth: OAuth, grant: Grant) -> None:
    """The account signs in this way from now on; what waited for it goes on."""
    engine.tokens.keep(account.id, grant)
    with engine.store.write(durable=True) as tx:
        if account.oauth != oauth:
            write.update_account(tx, replace(account, oauth=oauth))
            for side in Side:  # another way than before, which is no weaker one
                write.set_mechanism(tx, account.id, side, "")
        write.clear_problem(tx, account.id)
    engine.secrets.delete(str(account.id), "password")
    engine.restart_worker(account.id)
    engine.sender.poke()


def end(engine: Engine, command: wire.EndSignIn) -> wire.Done:
    """Wait no longer."""
    found = engine.sign_ins.pop(command.sign_in, None)
    if found is not None:
        found.end()
    return wire.Done()


def brought(engine: Engine, name: str) -> tuple[OAuth, Grant]:
    """What a sign-in brought that no account has taken yet.  Raises MailError "no-sign-in"."""
    found = _going_on(engine, name)
    if found.grant is None:
        raise _unknown()
    return found.oauth, found.grant


def _going_on(engine: Engine, name: str) -> SignIn:
    found = engine.sign_ins.get(name)
    if found is None:
        raise _unknown()
    return found


def _unknown() -> MailError:
    return MailError(Kind.ACCOUNT, Retry.ASK, "That sign-in is over; begin it once more.", code="no-sign-in")
