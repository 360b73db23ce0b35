"""Accounts and the servers behind them.  Secrets are never here: only ``net/secrets`` knows them."""

from enum import StrEnum
from typing import NewType

from mua.model.identity import Identity
from mua.model.oauth import OAuth
from mua.model.policy import EVERYTHING, Policy
from mua.model.way import Rule
from mua.records import dataclass

AccountId = NewType("AccountId", int)


class Security(StrEnum):
    """How a connection is protected.  NONE is for loopback, or by explicit leave (``--allow-plaintext``)."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


class Incoming(StrEnum):
    """How mail is retrieved."""

    IMAP = "imap"
    POP3 = "pop3"
    LOCAL = "local"


class Side(StrEnum):
    """The two sides of an account: mail coming in and mail going out fail apart from each other."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class Route(StrEnum):
    """How mail leaves: by the account's submission server, directly to each recipient's MX, or not at all."""

    SMTP = "smtp"
    DIRECT = "direct"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Server:
    """One server to connect to.  ``user`` is the SASL user name; empty means: no authentication."""

    host: str
    port: int
    security: Security
    user: str = ""


@dataclass(frozen=True, slots=True)
class DirectOptions:
    """Options of direct delivery, also where only a rule asks for it; the first three are for laboratories and LANs.

    ``dns`` is HOST:PORT of a resolver or empty for the system's; ``mx_port`` the port of MX hosts (25);
    ``allow_private_mx`` permits loopback and private target addresses.
    """

    dns: str = ""
    mx_port: int = 25
    allow_private_mx: bool = False
    ehlo: str = ""  # the name that this computer introduces itself by; empty: its own, or its address


FOR_EVER = -1


@dataclass(frozen=True, slots=True)
class PopOptions:
    """POP3: what becomes of mail on the server once it is here, and which inbox it goes into.

    ``keep_days``: days that it stays there after it was fetched, 0 for none, or ``FOR_EVER``.  ``delete_with_ours``:
    what is deleted here is deleted there, too.  ``inbox_of``: the account whose inbox it goes into, 0 for its own.
    """

    keep_days: int = FOR_EVER
    delete_with_ours: bool = False
    inbox_of: AccountId = AccountId(0)


WHEN_ASKED = -1


@dataclass(frozen=True, slots=True)
class Habits:
    """How Mua goes about an account, as its person likes.

    ``colour`` is "#rrggbb", or empty for none.  ``paused``: nothing is fetched.  ``minutes`` between two looks at its
    server: 0 as usual, or ``WHEN_ASKED``; where the server tells of new mail by itself, it does in any case.
    ``roles``: which folders (exact names) a person chose for sent mail, drafts and so on, by role.
    """

    colour: str = ""
    paused: bool = False
    minutes: int = 0
    roles: tuple[tuple[str, str], ...] = ()

    def chosen(self, role: str) -> str:
        """The folder that was chosen for a role; empty for none."""
        return dict(self.roles).get(role, "")


@dataclass(frozen=True, slots=True)
class Account:
    """One account.  ``name`` is unique in a profile; ``id`` 0 means: not stored yet."""

    id: AccountId
    name: str
    email: str
    full_name: str = ""
    incoming: Incoming = Incoming.LOCAL
    incoming_server: Server | None = None
    route: Route = Route.NONE
    submission: Server | None = None
    direct: DirectOptions = DirectOptions()
    ca_file: str = ""
    pop: PopOptions = PopOptions()
    allow_plaintext: bool = False
    demo: bool = False
    policy: Policy = EVERYTHING  # of every folder that has none of its own
    client_cert: str = ""  # PEM file of certificate and key: presented in TLS, logs in where EXTERNAL is offered
    rules: tuple[Rule, ...] = ()  # for some domains another way than ``route``
    identities: tuple[Identity, ...] = ()  # others than ``email``, and what its own is like (plan.identities)
    oauth: OAuth | None = None  # it signs in by tokens, and not by a password, on both sides
    habits: Habits = Habits()
