"""Which of a person's identities writes, and from which address: decided by where a message came to.

Rules of the file: pure.  A field that a sender could write himself (Delivered-To, To) chooses among the person's own
addresses only; an address that no identity has is never written from.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from mua.model.account import Account, AccountId, Route
from mua.model.address import Address
from mua.model.identity import MAX_IDENTITIES, Identity
from mua.records import dataclass

CAME_BY: Final = ("delivered-to", "x-original-to", "envelope-to", "x-delivered-to", "x-envelope-to", "x-rcpt-to")
"""Fields in which servers say whom a message was for, the surest first (RFC 9228 is Delivered-To)."""
_ADDRESS = re.compile(r"[^\s<>,;:\"()]+@[^\s<>,;:\"()]+")
_PATTERN = re.compile(r"[^\s<>,;:\"()@*]*\*?[^\s<>,;:\"()@*]*@[^\s<>,;:\"()@*]+")


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes: an identity of an account, and the address that it writes from."""

    account_id: AccountId
    identity: Identity
    address: Address


def identities(account: Account) -> tuple[Identity, ...]:
    """The identities of an account, its own address first."""
    email = account.email.lower()
    own = next((one for one in account.identities if one.address.lower() == email), None)
    main = own or Identity(account.email, account.full_name)
    return (main, *(one for one in account.identities if one is not own))


def pattern_problem(text: str) -> str:
    """Why ``text`` is no address and no pattern of addresses, as one sentence; empty: it is one."""
    if _PATTERN.fullmatch(text) and len(text) <= 254 and "." in text.rpartition("@")[2] + ".":
        return ""
    return f"“{text[:80]}” is no address; write one like name@example.org, or *@example.org for all of a domain."


def problem(identities: Sequence[Identity]) -> str:
    """Why these cannot be somebody's identities, as one sentence; empty: they can."""
    if len(identities) > MAX_IDENTITIES:
        return f"An account has at most {MAX_IDENTITIES} identities; nothing was changed."
    for one in identities:
        for pattern in (one.address, *one.aliases):
            if said := pattern_problem(pattern):
                return said
        if one.reply_to and ("*" in one.reply_to or pattern_problem(one.reply_to)):
            return f"Answers cannot go to “{one.reply_to[:80]}”; write an address like name@example.org."
    return ""


def matches(pattern: str, address: str) -> int:
    """How well an address fits: 3 is the address itself, 2 with something behind a plus, 1 a pattern, 0 not at all."""
    pattern, address = pattern.lower(), address.lower()
    if pattern == address:
        return 3
    local, _, domain = pattern.rpartition("@")
    other, _, other_domain = address.rpartition("@")
    if domain != other_domain or not other:
        return 0
    if "*" in local:
        before, _, after = local.partition("*")
        long_enough = len(other) > len(before) + len(after) or (not before and not after)
        return int(long_enough and other.startswith(before) and other.endswith(after))
    return 2 if other.startswith(local + "+") and "+" not in local else 0


def sender_for(accounts: Sequence[Account], address: str) -> Sender | None:
    """The identity that an address belongs to, the closest; ``accounts`` in order of preference."""
    best: tuple[int, Sender] | None = None
    for account in accounts:
        for identity in identities(account):
            fit = max(matches(one, address) for one in (identity.address, *identity.aliases))
            if fit and (best is None or fit > best[0]):
                name = identity.name or account.full_name
                best = (fit, Sender(account.id, identity, Address(name, address)))
    return best[1] if best else None


def is_mine(accounts: Sequence[Account], address: str) -> bool:
    """Whether a person gets what is written to this address."""
    return sender_for(accounts, address) is not None


def mine_among(accounts: Sequence[Account], addresses: Iterable[str]) -> frozenset[str]:
    """Those of ``addresses`` that are the person's own, and the accounts' own, in lower case."""
    known = {one.email.lower() for one in accounts}
    return frozenset(known | {one.lower() for one in addresses if is_mine(accounts, one)})


def came_to(headers: Sequence[tuple[str, str]], named: Iterable[Address]) -> list[str]:
    """The addresses that a message may have come to, the surest first; ``named`` are To, then Cc."""
    found: dict[str, None] = {}
    for wanted in CAME_BY:
        for name, value in headers:
            if name.lower() == wanted:
                found |= dict.fromkeys(_ADDRESS.findall(value[:1000]))
    found |= dict.fromkeys(one.address for one in named)
    return list(found)


def answering(accounts: Sequence[Account], receiver: int, addresses: Sequence[str]) -> Sender | None:
    """Who answers what came to these addresses (the surest first); ``receiver`` is the account that has the message.

    Its identities are asked first, then those of all others: mail that was collected from elsewhere is answered from
    there.
    """
    first = [one for one in accounts if one.id == receiver]
    for some in (first, [one for one in accounts if one not in first]):
        for address in addresses:
            found = sender_for(some, address)
            if found is not None and next(one for one in some if one.id == found.account_id).route is not Route.NONE:
                return found
    return None


def usual(account: Account) -> Sender:
    """How an account writes when nothing says otherwise."""
    main = identities(account)[0]
    return Sender(account.id, main, Address(main.name or account.full_name, account.email))


def senders(accounts: Sequence[Account], chosen: Sequence[Sender] = ()) -> list[Sender]:
    """Whom a person can choose to write as: every identity with an address of its own, and ``chosen``."""
    found: dict[tuple[int, str], Sender] = {}
    for account in accounts:
        for identity in identities(account):
            for address in (identity.address, *identity.aliases):
                if "*" not in address:
                    name = Address(identity.name or account.full_name, address)
                    found.setdefault((account.id, address.lower()), Sender(account.id, identity, name))
    for one in chosen:
        found.setdefault((one.account_id, one.address.address.lower()), one)
    return list(found.values())
