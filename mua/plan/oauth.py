"""OAuth 2 for a mail program (RFC 6749, 7636, 8252, 8414, 8628, 9207): what to ask, and what an answer means.

Pure: chance (the verifier, the state) and the time are handed in; ``net/oauth`` asks, ``engine/sign_in`` keeps.

Rules of the file: an answer is believed in nothing but its shape; only ``invalid_grant`` and its kin end a sign-in, and
everything that may be somebody's passing trouble is tried again by itself; no token is in an error.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from mua.errors import Kind, MailError, Retry
from mua.model.domain import akin
from mua.model.oauth import Grant, OAuth
from mua.records import dataclass

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
EARLY = 300  # seconds before its end that a token is renewed
UNTOLD = 3600  # seconds that a token is taken to last where nobody said (RFC 6749 s.5.1 lets it out)
MAX_TOKEN = 16384  # characters
MAX_LASTS = 400 * 24 * 3600  # seconds
LONGEST_CODE = 3600  # seconds that a code for another screen is waited for
SLOWER = 5  # seconds more between two questions, by "slow_down" (RFC 8628 s.3.5)
_FIELDS = {"key", "name", "authorize", "token", "device", "tenant", "scope", "redirect", "more", "client_id", "secret",
    "register", "steps", "open", "issuer"}  # fmt: skip
_TOKEN = re.compile(r"[\x21-\x7e]+")
_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,98}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Service:
    """One row of ``resources/oauth.toml``.  ``oauth`` has {tenant} in its URLs where ``tenant`` is not empty."""

    oauth: OAuth
    tenant: str = ""
    secret: bool = False
    register: str = ""
    steps: tuple[str, ...] = ()
    open: bool = True


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person types on another screen (RFC 8628 s.3.2), and until when; ``interval`` and ``lasts`` in seconds."""

    device_code: str
    user_code: str
    where: str
    interval: int
    lasts: int


# --- whom to ask ------------------------------------------------------------------------------------------------


def parse_services(toml: str) -> dict[str, Service]:
    """The table from its TOML text, by key.  Raises ValueError for a wrong one: the table is ours, a test sees it."""
    import tomllib

    return {row["key"]: _service(row) for row in tomllib.loads(toml)["oauth"]}


def _service(row: Mapping[str, Any]) -> Service:
    if unknown := row.keys() - _FIELDS:
        raise ValueError(f"unknown fields: {sorted(unknown)}")
    for name in ("authorize", "token", "device", "register", "issuer"):
        if row.get(name) and not _is_https(row[name].replace("{tenant}", "t")):
            raise ValueError(f"{name} of {row['key']} is no https URL")
    made = OAuth(
        row["key"], row["name"], row.get("client_id", ""), row["authorize"], row["token"], row.get("device", ""),
        row["scope"], row.get("redirect", "127.0.0.1"), row.get("more", ""), row.get("issuer", ""),
    )  # fmt: skip
    steps = tuple(row.get("steps", ()))
    return Service(
        made, row.get("tenant", ""), row.get("secret", False), row.get("register", ""), steps, row.get("open", True)
    )


def of_service(service: Service, client_id: str, tenant: str = "") -> OAuth:
    """The row as this client of this tenant asks it.  Raises MailError "no-client", "bad-tenant"."""
    chosen = client_id or service.oauth.client_id
    if not chosen:
        raise no_client(service.oauth.name)
    tenant = tenant or service.tenant
    if service.tenant and not _TENANT.fullmatch(tenant):
        text = (
            f"“{tenant[:80]}” is no tenant; it is a domain of the organisation, its id, “organizations” or “consumers”."
        )
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="bad-tenant")
    one = service.oauth
    urls = {name: getattr(one, name).replace("{tenant}", tenant) for name in ("authorize", "token", "device")}
    return replace(one, client_id=chosen, **urls)


def own_steps(name: str) -> tuple[str, ...]:
    """How a client id is had at a server of one's own."""
    return (
        f"At {name}, make a public client with PKCE that may return to http://127.0.0.1/ on any port.",
        "Copy its client id into the field below.",
    )


def no_client(name: str) -> MailError:
    """Nobody registered Mua with this provider."""
    text = f"Mua is not registered with {name}; to sign in there it needs a client id of your own (docs/oauth.md)."
    return MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-client")


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Where an issuer publishes itself (RFC 8414 s.3.1, OpenID Connect Discovery s.4).  Raises "bad-issuer"."""
    issuer = issuer if "://" in issuer else f"https://{issuer}"
    parts = urlsplit(issuer)
    if not _is_https(issuer) or parts.query or parts.fragment:
        text = f"“{issuer[:100]}” is no sign-in server; it looks like https://login.example.org."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="bad-issuer")
    base, path = f"https://{parts.netloc}", parts.path.rstrip("/")
    return (
        f"{base}/.well-known/oauth-authorization-server{path}",
        f"{base}{path}/.well-known/openid-configuration",
    )


def from_metadata(issuer: str, document: bytes, client_id: str, scope: str = "") -> OAuth:
    """What an issuer publishes, for one client.  The document has to name the issuer that was asked (RFC 8414 s.3.3).

    Raises MailError "bad-metadata", "sign-in-mixed-up".
    """
    issuer = issuer if "://" in issuer else f"https://{issuer}"
    host = urlsplit(issuer).hostname or ""
    told = _object(document)
    named = told.get("issuer")
    urls = {key: told.get(key) for key in ("authorization_endpoint", "token_endpoint")}
    sound = isinstance(named, str) and named.rstrip("/") == issuer.rstrip("/")
    if not sound or any(not isinstance(url, str) or not _is_https(url) for url in urls.values()):
        text = f"{host} publishes no sign-in that a mail program can use."
        raise MailError(Kind.ACCOUNT, Retry.NEVER, text, f"issuer {named!r}"[:200], "bad-metadata")
    names_itself = told.get("authorization_response_iss_parameter_supported") is True
    if not names_itself and not _one_house(urls["authorization_endpoint"], urls["token_endpoint"]):
        text = f"{host} would have you sign in at another house and get the answer itself, so it was stopped."
        raise MailError(Kind.ACCOUNT, Retry.NEVER, text, f"{urls}"[:300], "sign-in-mixed-up")
    device = told.get("device_authorization_endpoint")
    device = device if _one_house(device, urls["token_endpoint"]) else ""
    return OAuth(
        issuer, host, client_id, str(urls["authorization_endpoint"]), str(urls["token_endpoint"]),
        str(device), scope or _scope(told.get("scopes_supported")),
        issuer=str(named), own=True,
        names_itself=names_itself,
    )  # fmt: skip


# --- a client id for the asking (RFC 7591) ------------------------------------------------------------------------


def registration_url(document: bytes) -> str:
    """Where a server gives client ids to whoever asks; empty where it does not."""
    told = _object(document).get("registration_endpoint")
    return told if isinstance(told, str) and _is_https(told) else ""


def registration(oauth: OAuth) -> str:
    """What a program says of itself (RFC 7591 s.2): that it is a public one, and returns to this computer."""
    about = {
        "client_name": "Mua",
        "application_type": "native",
        "redirect_uris": [f"http://{oauth.redirect}/"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token", *([DEVICE_GRANT] if oauth.device else [])],
        "response_types": ["code"],
        "scope": oauth.scope,
    }
    return json.dumps(about)


def registered(oauth: OAuth, status: int, body: bytes) -> OAuth:
    """With the client id of the answer (RFC 7591 s.3.2.1).  Raises MailError "no-client" where there is none."""
    told = _object(body).get("client_id")
    if status not in (200, 201) or not isinstance(told, str) or not _is_token(told) or len(told) > 500:
        raise no_client(oauth.name)
    return replace(oauth, client_id=told)


def _one_house(one: object, other: object) -> bool:
    """Whether what is given out at one URL may be handed in at the other: a document may name the page of a provider
    where a person has a mailbox, and itself as who gets the code from there (RFC 9207 s.1).
    """
    hosts = [urlsplit(url).hostname or "" for url in (one, other) if isinstance(url, str) and _is_https(url)]
    return len(hosts) == 2 and (hosts[0] == hosts[1] or akin(*hosts))


def _scope(offered: object) -> str:
    """What a mail program asks for, of what is offered; "offline_access" is what gives a refresh token (OpenID)."""
    names: list[object] = offered if isinstance(offered, list) else []
    usual = ("mail", "email", "imap", "pop", "smtp", "openid", "offline_access", "urn:ietf:params:oauth:scope:mail")
    return " ".join(one for one in usual if one in names)


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and bool(parts.hostname) and not parts.username and parts.port != 0 and (
            url.isascii() and url.isprintable() and " " not in url
        )  # fmt: skip
    except ValueError:
        return False


# --- the browser (RFC 6749 s.4.1, RFC 7636, RFC 8252) ---------------------------------------------------------------


def challenge(verifier: str) -> str:
    """S256 of a code verifier (RFC 7636 s.4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def authorize_url(oauth: OAuth, email: str, redirect_uri: str, state: str, verifier: str) -> str:
    """The page where a person agrees."""
    asked = {
        "client_id": oauth.client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "scope": oauth.scope,
        "state": state,
        "code_challenge": challenge(verifier),
        "code_challenge_method": "S256",
        "login_hint": email,
    }
    query = urlencode({name: value for name, value in asked.items() if value})
    joint = "&" if urlsplit(oauth.authorize).query else "?"
    return f"{oauth.authorize}{joint}{query}" + (f"&{oauth.more}" if oauth.more else "")


def returned_state(query: str) -> str:
    """The state that a redirect carries; empty if it is none of ours."""
    given = parse_qsl(query, keep_blank_values=True)
    return dict(given).get("state", "") if len(dict(given)) == len(given) else ""


def returned_code(query: str, oauth: OAuth) -> str:
    """The code of a redirect whose state was found to be ours.

    Raises MailError "sign-in-refused" and what ``refused`` says; "sign-in-mixed-up" when another issuer answers, or one
    that does not say who it is where ours does (RFC 9207 s.2.4).
    """
    told = dict(parse_qsl(query, keep_blank_values=True))
    if "error" in told:
        raise refused(oauth, {name: told.get(name, "") for name in ("error", "error_description")})
    iss = told.get("iss", "" if oauth.names_itself else oauth.issuer)
    if oauth.issuer and iss.rstrip("/") != oauth.issuer.rstrip("/"):
        text = f"Another server than {oauth.name} answered the sign-in, so it was stopped."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, iss[:200], "sign-in-mixed-up")
    code = told.get("code", "")
    if not 0 < len(code) <= MAX_TOKEN:
        raise _senseless(oauth, "a redirect without a code")
    return code


# --- forms ------------------------------------------------------------------------------------------------------


def code_form(oauth: OAuth, code: str, redirect_uri: str, verifier: str, secret: str) -> str:
    """A code for tokens (RFC 6749 s.4.1.3, RFC 7636 s.4.5)."""
    return _form(
        oauth, secret, grant_type="authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier
    )


def refresh_form(oauth: OAuth, grant: Grant) -> str:
    """A new access token (RFC 6749 s.6); some providers forget what for unless it is said again."""
    return _form(oauth, grant.client_secret, grant_type="refresh_token", refresh_token=grant.refresh, scope=oauth.scope)


def device_form(oauth: OAuth) -> str:
    """A code for another screen (RFC 8628 s.3.1)."""
    return _form(oauth, "", scope=oauth.scope)


def poll_form(oauth: OAuth, code: DeviceCode, secret: str) -> str:
    """Has the person agreed there? (RFC 8628 s.3.4)."""
    return _form(oauth, secret, grant_type=DEVICE_GRANT, device_code=code.device_code)


def _form(oauth: OAuth, secret: str, **fields: str) -> str:
    who = {"client_id": oauth.client_id, "client_secret": secret}
    return urlencode({name: value for name, value in (fields | who).items() if value})


# --- answers ----------------------------------------------------------------------------------------------------


def granted(oauth: OAuth, status: int, body: bytes, now: int, before: Grant) -> Grant:
    """The tokens of an answer of the token endpoint (RFC 6749 s.5.1).

    ``before``: what is kept where the answer says nothing new: the refresh token, unless it was rotated (s.6).
    Raises what ``refused`` says.
    """
    told = _object(body)
    access = told.get("access_token")
    if status != 200 or not isinstance(access, str):
        raise refused(oauth, told, status)
    refresh = told.get("refresh_token") or before.refresh
    kind = told.get("token_type", "bearer")
    sound = isinstance(refresh, str) and isinstance(kind, str) and kind.lower() == "bearer"
    if not sound or not _is_token(access) or (refresh and not _is_token(refresh)):
        raise _senseless(oauth, "an answer that holds no bearer token")
    return replace(before, access=access, issued=now, lasts=_seconds(told.get("expires_in"), UNTOLD), refresh=refresh)


def device_code(oauth: OAuth, status: int, body: bytes) -> DeviceCode:
    """What a person has to type (RFC 8628 s.3.2).  Raises MailError."""
    told = _object(body)
    where = told.get("verification_uri") or told.get("verification_url")
    codes = told.get("device_code"), told.get("user_code")
    if status != 200 or "error" in told:
        raise refused(oauth, told, status)
    if (
        not isinstance(where, str)
        or not _is_https(where)
        or not all(isinstance(c, str) and _is_token(c) for c in codes)
    ):
        raise _senseless(oauth, "an answer that holds no code")
    interval = min(max(_seconds(told.get("interval"), 5), 1), 60)
    return DeviceCode(
        str(codes[0]), str(codes[1])[:60], where, interval, min(_seconds(told.get("expires_in"), 900), LONGEST_CODE)
    )


def poll_pause(status: int, body: bytes, interval: int) -> int:
    """Seconds until the next question where the person has not decided yet (RFC 8628 s.3.5), or 0: it is decided."""
    error = _object(body).get("error") if status != 200 else None
    return interval if error == "authorization_pending" else interval + SLOWER if error == "slow_down" else 0


def is_fresh(grant: Grant, now: int) -> bool:
    """Whether the access token may be used without a thought.

    Early, so that nothing begins with a token that ends in the middle of it; a clock that was put back says nothing.
    """
    return 0 <= now - grant.issued < grant.lasts - min(EARLY, grant.lasts // 4)


def is_usable(grant: Grant, now: int) -> bool:
    """Whether it may still be used while its provider cannot be asked for another."""
    return bool(grant.access) and now - grant.issued < grant.lasts


# --- refusals ---------------------------------------------------------------------------------------------------

_PASSING = frozenset({"temporarily_unavailable", "server_error", "slow_down", "authorization_pending"})
_TENANTS = frozenset({"50020", "90002", "90072", "700016", "50194", "9002331", "500200", "50128", "900023", "16000"})
_MICROSOFT = {  # what the number in Microsoft's description means
    **dict.fromkeys(_TENANTS, "wrong-tenant"),
    **dict.fromkeys(("65001", "90094", "90008", "65004"), "consent-needed"),
    **dict.fromkeys(("53000", "53001", "53003", "530003", "530034", "53004", "50105"), "not-permitted"),
    **dict.fromkeys(("7000218", "7000215", "7000222"), "client-refused"),
    **dict.fromkeys(("50011", "500113", "900971"), "bad-redirect-uri"),
    **dict.fromkeys(("90033", "90036", "50196", "50068", "1000002"), "provider-unreachable"),
}
_CODES = {  # RFC 6749 s.4.1.2.1, s.5.2; RFC 8628 s.3.5; OpenID Connect s.3.1.2.6
    "invalid_grant": "signed-out",
    "interaction_required": "signed-out",
    "login_required": "signed-out",
    "account_selection_required": "signed-out",
    "consent_required": "consent-needed",
    "access_denied": "sign-in-refused",
    "authorization_declined": "sign-in-refused",
    "expired_token": "sign-in-too-late",
    "code_expired": "sign-in-too-late",
    "invalid_client": "client-refused",
    "unauthorized_client": "client-refused",
    "deleted_client": "client-refused",
    "redirect_uri_mismatch": "bad-redirect-uri",
    "admin_policy_enforced": "not-permitted",
    "org_internal": "wrong-tenant",
}
_TEXTS = {
    "signed-out": "{name} says that this sign-in has ended; sign in again to go on.",
    "wrong-tenant": (
        "{name} does not know this address in the organisation that was asked;"
        " name the tenant that it belongs to, or “consumers” for a personal account."
    ),
    "consent-needed": "{name} wants the administrator of your organisation to allow this program first; ask them.",
    "not-permitted": "Your organisation does not permit this sign-in at {name}; ask its administrator.",
    "client-refused": "{name} does not accept the client id, or its secret; check both where you made them.",
    "bad-redirect-uri": "The client id at {name} does not allow a return to this computer (docs/oauth.md says how).",
    "sign-in-refused": "The sign-in at {name} was not allowed there, so nothing was changed.",
    "sign-in-too-late": "The sign-in at {name} took too long and ended there; begin once more.",
    "sign-in-failed": "{name} did not sign you in; its own words are in the details.",
}


def refused(oauth: OAuth, told: Mapping[str, object], status: int = 400) -> MailError:
    """What an error of a provider means.  Only what says that the sign-in is over says "signed-out"."""
    error, words = told.get("error"), told.get("error_description")
    error, words = error if isinstance(error, str) else "", words if isinstance(words, str) else ""
    number = re.search(r"AADSTS(\d+)", words)
    code = _MICROSOFT.get(number[1], "") if number else ""
    detail = f"{status} {error}: {words}"[:300]
    if code == "provider-unreachable" or (
        not code and (error in _PASSING or not error or status >= 500 or status == 429)
    ):
        return unreachable(oauth, detail)
    code = code or _CODES.get(error, "sign-in-failed")
    return MailError(Kind.ACCOUNT, Retry.ASK, _TEXTS[code].format(name=oauth.name), detail, code)


def unreachable(oauth: OAuth, detail: str) -> MailError:
    """Nobody is signed out by this: the provider, or the network, comes back."""
    text = f"{oauth.name} does not answer sign-ins right now; nothing is lost, and Mua will try again."
    return MailError(Kind.CONNECTION, Retry.SOON, text, detail, "provider-unreachable")


def ended(oauth: OAuth) -> MailError:
    """There is nothing (any more) that a token could be had for."""
    return MailError(Kind.ACCOUNT, Retry.ASK, _TEXTS["signed-out"].format(name=oauth.name), code="signed-out")


def _senseless(oauth: OAuth, why: str) -> MailError:
    return MailError(Kind.ACCOUNT, Retry.ASK, _TEXTS["sign-in-failed"].format(name=oauth.name), why, "sign-in-failed")


def _object(body: bytes) -> dict[str, Any]:
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _seconds(told: object, otherwise: int) -> int:
    """Some providers send the number as a string."""
    if isinstance(told, str) and told.isdecimal() and len(told) < 12:
        told = int(told)
    if isinstance(told, float) and 0 < told < MAX_LASTS:
        told = int(told)
    return min(told, MAX_LASTS) if type(told) is int and told > 0 else otherwise


def _is_token(text: str) -> bool:
    return len(text) <= MAX_TOKEN and bool(_TOKEN.fullmatch(text))
