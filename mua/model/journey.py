"""The way of a received message: who took it from whom, when, how, and what of that is a claim."""

from enum import StrEnum

from mua.records import dataclass


class Role(StrEnum):
    """What the host that took the message was on its way (RFC 5598 s.4)."""

    SUBMISSION = "submission"  # MSA: took it from its author's program
    TRANSFER = "transfer"  # MTA
    EXCHANGE = "exchange"  # MX: the first server of the receiving house
    DELIVERY = "delivery"  # MDA: put it into the mailbox
    FETCH = "fetch"  # fetched from a mailbox and sent on


@dataclass(frozen=True, slots=True)
class Received:
    """One Received field (RFC 5321 s.4.4), as far as it can be read; what is not there is empty.

    ``helo`` is what the client called itself, ``name`` what the server found for its address.  ``at`` is UTC seconds.
    ``tls`` holds version and cipher, or what else the line says of them.  ``encrypted``: None where nobody can know.
    """

    helo: str = ""
    name: str = ""
    address: str = ""
    by: str = ""
    software: str = ""
    protocol: str = ""
    tls: str = ""
    encrypted: bool | None = None
    authenticated: bool = False
    identifier: str = ""
    recipient: str = ""
    local: bool = False
    at: int | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step.  ``seconds`` since the step before, by their clocks: negative where one of them is wrong.

    ``claim``: the line was not written by a server of the account, so nobody vouches for it.  ``oddities``: sentences.
    """

    received: Received
    role: Role
    seconds: int | None
    claim: bool
    oddities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One result of RFC 8601: ``method`` "dkim", ``result`` "pass", ``properties`` ("header.d", "example.org")."""

    method: str
    result: str
    reason: str = ""
    properties: tuple[tuple[str, str], ...] = ()

    def of(self, name: str) -> str:
        """The value of a property; empty where it is not there."""
        return next((value for key, value in self.properties if key == name), "")


@dataclass(frozen=True, slots=True)
class Stamp:
    """One Authentication-Results field: who says so, and what."""

    server: str
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Trust:
    """What is known of the servers that receive an account's mail.

    ``hosts``: their organizational domains.  ``stampers``: those of them that put their Authentication-Results below
    their own Received line on all mail from outside.  ``relays``: hosts through which much of that mail comes, by name.
    """

    hosts: frozenset[str] = frozenset()
    stampers: frozenset[str] = frozenset()
    relays: frozenset[str] = frozenset()


NO_TRUST = Trust()


@dataclass(frozen=True, slots=True)
class Journey:
    """A way, oldest step first.  ``written`` is what Date says (UTC seconds), ``program`` what wrote it.

    ``stamps`` are to be believed; ``ignored`` counts those that are not.  ``more``: steps that are left out.
    """

    hops: tuple[Hop, ...] = ()
    written: int | None = None
    program: str = ""
    stamps: tuple[Stamp, ...] = ()
    ignored: int = 0
    more: int = 0
