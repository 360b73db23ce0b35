"""The access tokens of the accounts that sign in by OAuth 2: kept, renewed in time, and renewed once when refused.

Theory of operation: what a sign-in brought (``Grant``) is one secret of its account, so that a rotated refresh token
takes the place of the old one in one step.  ``access`` gives a token that counts for some minutes yet, and asks the
provider for another when there is none.  One asks at a time: of this process by a lock, of several by a locked file;
whoever waited takes what the first one brought.

Rules of the file: a fault of the network or of the provider ends no sign-in, and while the old token still counts it is
used; only the provider's word ends one, and is not asked for again with the same refresh token; nothing here is logged
but codes.
"""

import contextlib
import fcntl
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from mua.engine.context import Context
from mua.errors import Kind, MailError, Retry
from mua.jsonable import from_json, to_json
from mua.log import NET, mask
from mua.model.account import Account
from mua.model.oauth import Grant
from mua.net.secrets import Secrets
from mua.paths import Profile
from mua.plan import oauth as plan

SECRET = "sign-in"  # its name among an account's secrets
LOCK_SECONDS = 60.0  # to wait for another process that is renewing
REFUSED = frozenset({"token-refused", "password-expired"})
C = TypeVar("C")


class Tokens:
    """The tokens of one profile.  Thread-safe."""

    def __init__(self, profile: Profile, secrets: Callable[[], Secrets], now: Callable[[], int]) -> None:
        self._profile = profile
        self._secrets = secrets
        self._now = now
        self._locks: dict[int, threading.Lock] = {}
        self._grants: dict[int, Grant] = {}
        self._unsaved: set[int] = set()  # a rotated token that could not be kept yet
        self._forced: dict[int, str] = {}  # got because a server refused the one before
        self._ended: dict[int, tuple[str, MailError]] = {}  # a refresh token, and the provider's last word on it
        self._lock = threading.Lock()

    def keep(self, account_id: int, grant: Grant) -> None:
        """What a person's sign-in brought; everything that was known before is forgotten."""
        with self._lock_of(account_id):
            self._ended.pop(account_id, None)
            self._forced.pop(account_id, None)
            self._save(account_id, grant)
            self._grants[account_id] = grant

    def forget(self, account_id: int) -> None:
        """The account is gone, or has a password now."""
        with self._lock_of(account_id):
            self._secrets().delete(str(account_id), SECRET)
            self._grants.pop(account_id, None)
            self._unsaved.discard(account_id)

    def access(self, account: Account, refused: str = "") -> str:
        """An access token, another one than a server ``refused``.  May block for as long as a provider takes.

        Raises MailError "signed-out" (a person has to sign in again), "token-refused" (a renewed one was refused too),
        "provider-unreachable", and what ``net/secrets`` raises.
        """
        if account.oauth is None:
            raise AssertionError("this account has a password")
        with self._lock_of(account.id):
            if refused and refused == self._forced.get(account.id):
                text = f"{account.oauth.name} signs you in, but the mail server does not accept it; sign in again,"
                text += f" with the address {account.email}."
                raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="token-refused")
            grant = self._known(account)
            if grant.access != refused and plan.is_fresh(grant, self._now()):
                return grant.access
            with self._alone(account):
                fresh = self._renewed(account, grant, refused)
            if refused:
                self._forced[account.id] = fresh.access
            return fresh.access

    def client_secret(self, account: Account) -> str:
        """What the provider wants beside a client id; empty where it wants nothing, or nothing is known."""
        try:
            return self._known(account).client_secret
        except MailError as error:
            if error.code != "signed-out":
                raise
            return ""

    # ---- inside
    def _lock_of(self, account_id: int) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(account_id, threading.Lock())

    def _known(self, account: Account) -> Grant:
        known = self._grants.get(account.id)
        if known is not None and account.id in self._unsaved:
            self._save(account.id, known, late=True)
        if known is None:
            known = self._grants[account.id] = self._stored(account)
        return known

    def _stored(self, account: Account) -> Grant:
        """As it is kept.  Raises MailError "signed-out" where nothing is."""
        assert account.oauth is not None
        text = self._secrets().get(str(account.id), SECRET)
        try:
            if text is None:
                raise ValueError("nothing is kept")
            found = from_json(Grant, json.loads(text))
        except ValueError:
            raise plan.ended(account.oauth) from None
        for secret in (found.access, found.refresh, found.client_secret):
            mask(secret)
        return found

    def _save(self, account_id: int, grant: Grant, *, late: bool = False) -> None:
        """Durably; a rotated token that cannot be kept now is used all the same, and kept with the next occasion."""
        try:
            self._secrets().set(str(account_id), SECRET, json.dumps(to_json(grant)))
            self._unsaved.discard(account_id)
        except MailError as error:
            if not late:
                raise
            self._unsaved.add(account_id)
            NET.warning("the renewed sign-in of account %d is not kept yet: %s", account_id, error.code)

    def _renewed(self, account: Account, grant: Grant, refused: str) -> Grant:
        """The tokens after asking, with both locks held."""
        oauth, now = account.oauth, self._now()
        assert oauth is not None
        if account.id not in self._unsaved:  # another process may have been faster
            grant = self._grants[account.id] = self._stored(account)
        if grant.access != refused and plan.is_fresh(grant, now):
            return grant
        spent, error = self._ended.get(account.id, ("", None))
        if error is not None and spent == grant.refresh:
            raise error
        if not grant.refresh:
            if grant.access != refused and plan.is_usable(grant, now):
                return grant
            raise plan.ended(oauth)
        from mua.net import oauth as net  # for whom it is time

        try:
            fresh = net.renew(oauth, grant, now, account.ca_file)
        except MailError as trouble:
            NET.info("renewing the sign-in of account %d: %s", account.id, trouble.code)
            if trouble.kind is Kind.CONNECTION and grant.access != refused and plan.is_usable(grant, now):
                return grant
            if trouble.code == "signed-out":
                self._ended[account.id] = grant.refresh, trouble
            raise
        self._grants[account.id] = fresh
        self._save(account.id, fresh, late=True)
        return fresh

    @contextlib.contextmanager
    def _alone(self, account: Account) -> Iterator[None]:
        """No other process renews this account's token meanwhile."""
        assert account.oauth is not None
        end = time.monotonic() + LOCK_SECONDS
        with (self._profile.root / f"sign-in-{account.id}.lock").open("a") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if time.monotonic() > end:
                        raise plan.unreachable(account.oauth, "another program of yours is renewing it") from None
                    time.sleep(0.05)
            yield


def with_token(context: Context, account: Account, attempt: Callable[[Callable[[], str] | None], C]) -> C:
    """``attempt`` to open a connection with the account's token, and once more with a renewed one where a server
    refuses it.  ``attempt`` is given what asks for the token, or None: the account has a password.
    """
    if account.oauth is None:
        return attempt(None)
    shown: list[str] = []

    def token() -> str:
        shown.append(context.token(account, ""))
        return shown[-1]

    try:
        return attempt(token)
    except MailError as error:
        if error.code not in REFUSED or not shown:
            raise
        NET.info("account %d: the token was refused (%s)", account.id, error.code)
    fresh = context.token(account, shown[-1])
    return attempt(lambda: fresh)
