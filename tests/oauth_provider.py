"""A provider of OAuth 2 as they really are: authorization with PKCE (RFC 6749, 7636), refresh with rotation, codes for
another screen (RFC 8628), metadata (RFC 8414) and introspection (RFC 7662), over https, with every fault at will.

Theory of operation: state is a few tables behind one lock; a test sets what should go wrong (``trouble``, ``lasts``,
``consent`` ...) and reads what was asked (``asked``).  A refresh token counts once where ``rotates``: who shows a used
one is a thief, and the whole family ends (RFC 9700 s.4.14.2).
"""

import base64
import hashlib
import http.client
import json
import secrets
import ssl
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import pytest
from certs import Leaf
from lab import Lab, missing

CLIENT = "mua-of-the-test"
MORE = """
auth_mechanisms = plain login xoauth2 oauthbearer
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {mail}/../oauth2.conf
}
"""
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class Provider:
    """The provider; use it as a context manager.  ``issuer`` is its URL."""

    def __init__(self, leaf: Leaf, *, client_secret: str = "") -> None:
        self.client_secret = client_secret
        self.lasts: object = 3600
        self.rotates = True
        self.consent = True
        self.trouble: tuple[int, dict[str, str]] | None = None  # (status, answer) of the token endpoint
        self.cuts = False  # the token endpoint hangs up
        self.registers = False  # gives client ids to whoever asks
        self.clients = {CLIENT}
        self.gate: threading.Event | None = None  # what a refresh waits for
        self.asked: Counter[str] = Counter()
        self.names: dict[str, str] = {}  # login_hint -> the user name of the mail server
        self.secrets: set[str] = set()  # everything that no log may hold
        self._lock = threading.Lock()
        self._codes: dict[str, dict[str, str]] = {}
        self._devices: dict[str, dict[str, str]] = {}
        self._access: dict[str, tuple[str, float]] = {}
        self._refresh: dict[str, tuple[str, str]] = {}  # token -> (user, family)
        self._used: dict[str, str] = {}
        self._families: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": self}))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(leaf.cert, leaf.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = int(self._server.server_address[1])
        self.issuer = f"https://localhost:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    # -- what a test does to it

    def expire(self) -> None:
        """Every access token ends now; who was told that it lasts longer finds out."""
        with self._lock:
            self._access = {token: (user, 0.0) for token, (user, _) in self._access.items()}

    def revoke(self) -> None:
        """The person, or an administrator, ends every sign-in."""
        self.expire()
        with self._lock:
            self._families.clear()

    def agree(self, user_code: str, name: str) -> None:
        """The person types the code on another screen, as ``name``."""
        with self._lock:
            self._devices[user_code]["user"] = name

    def introspect_form(self) -> str:
        """Where a mail server asks for a token."""
        return f"{self.issuer}/introspect"

    # -- its endpoints

    def metadata(self) -> dict[str, Any]:
        """RFC 8414 s.2."""
        more = {"registration_endpoint": f"{self.issuer}/register"} if self.registers else {}
        return more | {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "device_authorization_endpoint": f"{self.issuer}/device",
            "scopes_supported": ["mail", "offline_access", "calendar"],
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser is sent; a person who is sent to the wrong place stays there."""
        redirect = urllib.parse.urlsplit(asked["redirect_uri"])
        assert redirect.scheme == "http", redirect
        assert redirect.hostname in ("127.0.0.1", "localhost"), redirect
        assert asked["client_id"] in self.clients
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        told = {"state": asked["state"], "iss": self.issuer}
        if self.consent:
            code = self._made()
            self._codes[code] = asked
            told["code"] = code
        else:
            told["error"] = "access_denied"
        return f"{asked['redirect_uri']}?{urllib.parse.urlencode(told)}"

    def token(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """RFC 6749 s.3.2."""
        grant = asked.get("grant_type", "")
        with self._lock:
            self.asked[grant] += 1
        if grant == "refresh_token" and self.gate is not None:
            self.gate.wait(30)
        if self.trouble is not None:
            return self.trouble
        if asked.get("client_id") not in self.clients or asked.get("client_secret", "") != self.client_secret:
            return 401, {"error": "invalid_client"}
        with self._lock:
            if grant == "authorization_code":
                return self._of_code(asked)
            if grant == "refresh_token":
                return self._of_refresh(asked["refresh_token"])
            if grant == DEVICE_GRANT:
                return self._of_device(asked["device_code"])
        return 400, {"error": "unsupported_grant_type"}

    def device(self) -> dict[str, Any]:
        """RFC 8628 s.3.2."""
        device_code, user_code = self._made(), f"ABCD-{secrets.token_hex(2).upper()}"
        with self._lock:
            self._devices[user_code] = {"device_code": device_code}
        where = f"{self.issuer}/code"
        return {
            "device_code": device_code, "user_code": user_code, "verification_uri": where, "interval": 1,
            "expires_in": 60,
        }  # fmt: skip

    def register(self, asked: dict[str, Any]) -> dict[str, Any]:
        """RFC 7591 s.3.2.1."""
        assert asked["redirect_uris"] == ["http://127.0.0.1/"]
        assert asked["token_endpoint_auth_method"] == "none"
        client_id = f"client-{secrets.token_hex(4)}"
        self.clients.add(client_id)
        return asked | {"client_id": client_id}

    def introspect(self, token: str) -> dict[str, Any]:
        """RFC 7662 s.2.2."""
        self.asked["introspect"] += 1
        user, until = self._access.get(token, ("", 0.0))
        return {"active": True, "username": user, "scope": "mail"} if until > time.time() else {"active": False}

    # -- inside

    def _made(self) -> str:
        made = secrets.token_urlsafe(24)
        self.secrets.add(made)
        return made

    def _of_code(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        began = self._codes.pop(asked.get("code", ""), None)
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        self.secrets.add(asked.get("code_verifier", "-"))
        proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if began is None or began["code_challenge"] != proof or began["redirect_uri"] != asked.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        hint = began.get("login_hint", "")
        return 200, self._grant(self.names.get(hint, hint.partition("@")[0]), secrets.token_hex(8))

    def _of_refresh(self, token: str) -> tuple[int, dict[str, Any]]:
        if token in self._used:
            self._families.discard(self._used[token])
        user, family = self._refresh.get(token, ("", ""))
        if family not in self._families:
            return 400, {"error": "invalid_grant", "error_description": "the sign-in has ended"}
        if self.rotates:
            del self._refresh[token]
            self._used[token] = family
        return 200, self._grant(user, family)

    def _of_device(self, code: str) -> tuple[int, dict[str, Any]]:
        for asked in self._devices.values():
            if asked["device_code"] == code and "user" in asked:
                return 200, self._grant(asked["user"], secrets.token_hex(8))
        return 400, {"error": "authorization_pending"}

    def _grant(self, user: str, family: str) -> dict[str, Any]:
        self._families.add(family)
        access = self._made()
        lasts = self.lasts if isinstance(self.lasts, int) else 3600
        self._access[access] = user, time.time() + lasts
        told: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": self.lasts}
        if self.rotates or family not in {one for _, one in self._refresh.values()}:
            refresh = self._made()
            self._refresh[refresh] = user, family
            told["refresh_token"] = refresh
        return told


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def log_message(self, *_: Any) -> None:
        """Nothing: a test reads ``asked``."""

    def do_GET(self) -> None:
        """The pages."""
        parts = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(parts.query))
        if parts.path == "/.well-known/oauth-authorization-server":
            self._say(200, self.provider.metadata())
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.provider.authorize(asked))
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._say(404, {})

    def do_POST(self) -> None:
        """The endpoints for programs."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if self.path == "/register":
            self._say(201, self.provider.register(json.loads(body)))
            return
        asked = dict(urllib.parse.parse_qsl(body))
        if self.path == "/token":
            if self.provider.cuts:
                self.close_connection = True
                return
            self._say(*self.provider.token(asked))
        elif self.path == "/device":
            self._say(200, self.provider.device())
        elif self.path == "/introspect":
            self._say(200, self.provider.introspect(asked.get("token", "")))
        else:
            self._say(404, {})

    def _say(self, status: int, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def browse(url: str, ca_file: str) -> tuple[int, str]:
    """A browser whose person agrees to everything: follows redirects; the last status and page."""
    context = ssl.create_default_context(cafile=ca_file)
    for _ in range(5):
        parts = urllib.parse.urlsplit(url)
        assert parts.hostname
        secure = parts.scheme == "https"
        line = (
            http.client.HTTPSConnection(parts.hostname, parts.port, timeout=20, context=context)
            if secure
            else http.client.HTTPConnection("127.0.0.1", parts.port, timeout=20)
        )
        line.request("GET", f"{parts.path}?{parts.query}", headers={"User-Agent": "a browser"})
        answer = line.getresponse()
        page = answer.read().decode()
        line.close()
        if answer.status not in (301, 302, 303, 307):
            return answer.status, page
        url = urllib.parse.urljoin(url, answer.headers["Location"])
    raise AssertionError("a circle of redirects")


@contextmanager
def laboratory() -> Iterator[tuple[Lab, Provider]]:
    """Dovecot (and Postfix, where root) that ask a provider for every token."""
    reason = missing(namespace=False)
    if reason:
        pytest.skip(f"the mail laboratory {reason}")
    lab = Lab(namespace=False, more=MORE)
    with Provider(lab.pki.good) as provider:
        conf = f"introspection_mode = post\nintrospection_url = {provider.issuer}/introspect\n"
        conf += "username_attribute = username\nactive_attribute = active\nactive_value = true\n"
        conf += f"tls_ca_cert_file = {lab.ca}\n"
        (lab.folder / "oauth2.conf").write_text(conf)
        with lab as running:
            yield running, provider
