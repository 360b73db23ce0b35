"""Asking a provider for tokens, and waiting for the browser to come back with its answer (RFC 6749, 8252, 8414, 8628).

Rules of the file: https with a verified certificate only; no redirect of a token endpoint is followed; what is secret
is registered with ``log.mask`` before it is said or kept.  The listener (RFC 8252 s.7.3) hears this computer only, on a
port of the kernel's choice, believes only a redirect with the state that we made up, and ends with the first such one.
"""

import contextlib
import hmac
import queue
import secrets
import socket
import threading
import time

from mua.errors import Kind, MailError, Retry
from mua.log import NET, mask
from mua.model.oauth import Grant, OAuth
from mua.net import https
from mua.plan import oauth as plan

PATIENCE = 20.0  # seconds for one answer of a provider
BROWSER = 900.0  # seconds for a person in a browser
_REQUEST = 32768  # octets of a browser's request that are looked at
_ONE_REQUEST = 5.0  # seconds for a browser to say what it wants
_VISITORS = 16  # connections at a time: browsers open some ahead
_PAGE = """HTTP/1.1 {status}\r
Content-Type: text/html; charset=utf-8\r
Content-Length: {length}\r
Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r
Referrer-Policy: no-referrer\r
Cache-Control: no-store\r
Connection: close\r
\r
{page}"""
_HTML = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
    '<title>Mua</title><body style="font:16px system-ui,sans-serif;max-width:30em;margin:4em auto">'
    '<h1 style="font-size:1.3em">{title}</h1><p>{text}</p>'
)


def find(issuer: str, client_id: str, scope: str = "", ca_file: str = "") -> OAuth:
    """A server of one's own, by what it publishes.  Without a ``client_id`` it is asked for one (RFC 7591).  Raises
    MailError; "no-client" where it gives none.
    """
    trouble: MailError | None = None
    for url in plan.metadata_urls(issuer):
        try:
            document = https.fetch(url, timeout=PATIENCE, ca_file=ca_file, allow_private=True, asking=_METADATA)
        except MailError as error:
            trouble = trouble if trouble is not None and error.code == "http-status" else error
            continue
        found = plan.from_metadata(issuer, document, client_id, scope)
        return found if client_id else _registered(found, plan.registration_url(document), ca_file)
    assert trouble is not None
    if trouble.code == "http-status":
        text = f"{issuer.removeprefix('https://')} publishes no sign-in that a mail program can use."
        raise MailError(Kind.ACCOUNT, Retry.NEVER, text, trouble.detail, "bad-metadata")
    raise trouble


def _registered(oauth: OAuth, url: str, ca_file: str) -> OAuth:
    if not url:
        raise plan.no_client(oauth.name)
    asked = plan.registration(oauth)
    answer = https.ask(
        url, asked, timeout=PATIENCE, ca_file=ca_file, allow_private=oauth.own, kind="application/json"
    )  # fmt: skip
    return plan.registered(oauth, *answer)


_METADATA = https.Asking("application/json", "Mua")


def renew(oauth: OAuth, grant: Grant, now: int, ca_file: str = "") -> Grant:
    """A new access token.  Raises MailError: "signed-out" when the provider says so, "provider-unreachable" when it may
    say something else another time.
    """
    mask(grant.refresh)
    mask(grant.client_secret)
    try:
        status, body = _ask(oauth, oauth.token, plan.refresh_form(oauth, grant), ca_file)
    except MailError as error:  # also a certificate: a portal of this network shows its own
        raise plan.unreachable(oauth, f"{error.code}: {error.detail}"[:300]) from error
    return _masked(plan.granted(oauth, status, body, now, grant))


def redeem(oauth: OAuth, code: str, redirect_uri: str, verifier: str, client_secret: str, ca_file: str) -> Grant:
    """The tokens for a code that the browser brought.  Raises MailError."""
    form = plan.code_form(oauth, code, redirect_uri, verifier, client_secret)
    status, body = _ask(oauth, oauth.token, form, ca_file)
    return _masked(plan.granted(oauth, status, body, _now(), _with_secret(client_secret)))


def ask_device(oauth: OAuth, ca_file: str = "") -> plan.DeviceCode:
    """What a person types on another screen.  Raises MailError "no-device" where that is not offered."""
    if not oauth.device:
        text = f"{oauth.name} does not let a mail program in by a code on another screen; sign in in the browser."
        raise MailError(Kind.ACCOUNT, Retry.NEVER, text, code="no-device")
    found = plan.device_code(oauth, *_ask(oauth, oauth.device, plan.device_form(oauth), ca_file))
    mask(found.device_code)
    return found


def await_device(
    oauth: OAuth, code: plan.DeviceCode, client_secret: str, ca_file: str, ended: threading.Event
) -> Grant:
    """The tokens, once the person agreed on the other screen.  A provider that is away in between is asked again
    (RFC 8628 s.3.5).  Raises MailError; "sign-in-cancelled" when ``ended`` is set.
    """
    pause, end = code.interval, time.monotonic() + code.lasts
    form = plan.poll_form(oauth, code, client_secret)
    while not ended.wait(pause):
        if time.monotonic() > end:
            raise plan.refused(oauth, {"error": "expired_token"})
        try:
            status, body = _ask(oauth, oauth.token, form, ca_file)
        except MailError as error:
            NET.info("the sign-in at %s: %s (%s)", oauth.name, error.code, error.detail)
            continue
        again = plan.poll_pause(status, body, pause)
        if not again:
            return _masked(plan.granted(oauth, status, body, _now(), _with_secret(client_secret)))
        pause = again
    raise cancelled()


def cancelled() -> MailError:
    """Whoever began it wants it no more."""
    return MailError(
        Kind.ACCOUNT, Retry.ASK, "The sign-in was cancelled; nothing was changed.", code="sign-in-cancelled"
    )


def _ask(oauth: OAuth, url: str, form: str, ca_file: str) -> tuple[int, bytes]:
    return https.ask(url, form, timeout=PATIENCE, ca_file=ca_file, allow_private=oauth.own)


def _masked(grant: Grant) -> Grant:
    for secret in (grant.access, grant.refresh):
        mask(secret)
    return grant


def _with_secret(client_secret: str) -> Grant:
    mask(client_secret)
    return Grant("", 0, 0, client_secret=client_secret)


def _now() -> int:
    return int(time.time())


class Browser:
    """One sign-in in the browser: ``url`` is the page to show, ``wait`` gives the tokens.  One thread waits; ``close``
    is safe from any, and ends it.
    """

    def __init__(self, oauth: OAuth, email: str, client_secret: str = "", ca_file: str = "") -> None:
        self._oauth, self._secret, self._ca_file = oauth, client_secret, ca_file
        self._state, self._verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        for one in (self._state, self._verifier, client_secret):
            mask(one)
        self._redirects: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._redirect_uri = f"http://{oauth.redirect}:{self._listener.getsockname()[1]}/"
        self.url = plan.authorize_url(oauth, email, self._redirect_uri, self._state, self._verifier)
        self._visitors = threading.BoundedSemaphore(_VISITORS)
        threading.Thread(target=self._listen, name="redirect", daemon=True).start()

    def wait(self, seconds: float = BROWSER) -> Grant:
        """The tokens, once the person agreed.  Raises MailError; "sign-in-cancelled", "sign-in-too-late"."""
        try:
            query = self._redirects.get(timeout=seconds)
        except queue.Empty:
            raise plan.refused(self._oauth, {"error": "expired_token"}) from None
        finally:
            self._shut()
        if query is None:
            raise cancelled()
        code = plan.returned_code(query, self._oauth)
        mask(code)
        return redeem(self._oauth, code, self._redirect_uri, self._verifier, self._secret, self._ca_file)

    def close(self) -> None:
        """Stop waiting."""
        self._redirects.put(None)
        self._shut()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes ``accept``
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                visitor, _ = self._listener.accept()
            except OSError:
                return
            if self._visitors.acquire(blocking=False):
                threading.Thread(target=self._attend, args=(visitor,), name="redirect", daemon=True).start()
            else:
                visitor.close()

    def _attend(self, visitor: socket.socket) -> None:
        with contextlib.suppress(OSError), visitor:
            target = _target(visitor)
            path, _, query = target.partition("?")
            ours = path == "/" and hmac.compare_digest(plan.returned_state(query).encode(), self._state.encode())
            if ours and "error=" in query:
                status, title, text = (
                    "200 OK",
                    "Not signed in",
                    "The sign-in was not allowed. Mua says what to do next.",
                )
            elif ours:
                status, title, text = "200 OK", "Thank you", "You can close this page; Mua has what it needs."
            else:
                status, title, text = "404 Not Found", "Nothing here", "This is not the sign-in that Mua waits for."
            page = _HTML.format(title=title, text=text)
            visitor.sendall(_PAGE.format(status=status, length=len(page), page=page).encode())
            if ours:
                self._redirects.put(query)
        self._visitors.release()


def _target(visitor: socket.socket) -> str:
    """What a browser asks for: the target of its GET, or nothing."""
    end = time.monotonic() + _ONE_REQUEST
    said = b""
    while b"\r\n\r\n" not in said and len(said) < _REQUEST and (left := end - time.monotonic()) > 0:
        visitor.settimeout(left)
        more = visitor.recv(4096)
        if not more:
            return ""
        said += more
    words = said.split(b"\r\n", 1)[0].split(b" ")
    return words[1].decode("ascii", "replace") if len(words) == 3 and words[0] == b"GET" else ""
