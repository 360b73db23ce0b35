"""Signing in by OAuth 2: whom an account asks for its tokens, and the tokens, which ``net/secrets`` alone keeps."""

from dataclasses import field

from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class OAuth:
    """Whom an account asks for tokens (RFC 6749), as which program, and for what.

    ``provider`` is a key of ``resources/oauth.toml``, or the issuer (https URL) of a server of one's own; ``name`` is
    how people call it.  ``authorize``, ``token`` and ``device`` are https URLs (RFC 6749 s.3, RFC 8628 s.3.1; an empty
    one is not offered).  ``redirect`` is the host name of the redirect to this computer (RFC 8252 s.7.3); ``more`` are
    further parameters of the authorization request, encoded; ``issuer`` is what answers have to name where they name
    one (RFC 9207), and ``names_itself`` that they always do. ``own``: a person named this server, so that it may be one
    of their own network.
    """

    provider: str
    name: str
    client_id: str
    authorize: str
    token: str
    device: str = ""
    scope: str = ""
    redirect: str = "127.0.0.1"
    more: str = ""
    issuer: str = ""
    own: bool = False
    names_itself: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """What a provider gave us.  ``issued`` is our clock then (UTC seconds); ``access`` counts ``lasts`` seconds.

    ``refresh`` is empty where the provider gives none; ``client_secret`` is what some providers want beside it.
    """

    access: str = field(repr=False)
    issued: int
    lasts: int
    refresh: str = field(default="", repr=False)
    client_secret: str = field(default="", repr=False)
