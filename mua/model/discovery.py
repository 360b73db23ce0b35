"""What discovery found for an address: candidates for its servers, and who vouches for them."""

from enum import StrEnum

from mua.model.account import Incoming, Server
from mua.records import dataclass


class Auth(StrEnum):
    """What a provider wants from a mail program: the password, one made for it in the web account, or OAuth 2."""

    PASSWORD = "password"
    APP_PASSWORD = "app-password"
    OAUTH = "oauth"


@dataclass(frozen=True, slots=True)
class Found:
    """Servers for one address.  ``source`` says who said so, in words for people.

    ``oauth``: who signs people in by OAuth 2 there, a key of ``resources/oauth.toml`` or an https URL; empty: nobody.
    ``auth`` is what the servers want, ``note`` the provider's known trap (one sentence), ``help_url`` its own page
    about it.  ``confirm``: nobody vouches for these hosts, so show them and ask before a password is sent.
    No server at all: the provider is known, and ``note`` says why no mail program can use it directly.
    """

    source: str
    imap: Server | None = None
    pop3: Server | None = None
    smtp: Server | None = None
    auth: Auth = Auth.PASSWORD
    provider: str = ""
    note: str = ""
    help_url: str = ""
    confirm: bool = False
    oauth: str = ""

    @property
    def kinds(self) -> tuple[Incoming, ...]:
        """The ways to retrieve mail, best first."""
        offered = ((Incoming.IMAP, self.imap), (Incoming.POP3, self.pop3))
        return tuple(kind for kind, server in offered if server is not None)
