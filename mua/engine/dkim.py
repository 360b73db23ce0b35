"""The keys that sign mail: made here, published by the person, seen in the DNS, and used as messages are frozen.

Rules of the file
- A key belongs to a domain, and signs what is written from an address of that domain, whichever way it goes.
- It signs from when its record was seen until the record is certainly gone: a signature that nobody can verify is worse
  than none.  Where a newer one of its kind was seen, the older is forgotten.
- A key that signs and cannot be had (a locked keyring) keeps the message from being queued; the person has it still.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import accounts
from mua.engine.providers import providers
from mua.errors import Kind, MailError, Retry
from mua.log import ENGINE
from mua.mime import dkim
from mua.mime.headers import addresses
from mua.mime.scan import scan
from mua.model.account import Account
from mua.model.dkim import Algorithm, DkimKey
from mua.model.records import DnsRecord, Published, zone_line
from mua.net.dns import Resolver
from mua.net.secrets import Place
from mua.plan import direct, spf
from mua.plan.mx import Status
from mua.plan.routes import NO_DOMAIN, domain_of
from mua.store import dkim as stored
from mua.store import read

if TYPE_CHECKING:
    from mua.engine.main import Engine
    from mua.plan.mx import Records

PLACE = "dkim"  # among the secrets
PATIENCE = 5.0  # seconds for one look-up


# --- signing ----------------------------------------------------------------------------------------------------


def signing(engine: Engine, head: bytes) -> Callable[[bytes], bytes] | None:
    """How a message with this header is signed (``wire_files.Signing``): by the keys of its author's domain, if
    there are any.  Raises MailError when they cannot be had; may ask the keyring.
    """
    signers = [_signer(engine, key) for key in stored.signing_keys(engine.store.reader(), domain_of(author(head)))]
    now = engine.context.now()
    return (lambda body_hash: dkim.signed(head, body_hash, signers, now)) if signers else None


def author(head: bytes) -> str:
    """The first address of a header's From; empty: there is none."""
    fields = scan(head + b"\r\n").fields
    return next((one.address for name, value in fields if name == "from" for one in addresses(value)), "")


def _signer(engine: Engine, key: DkimKey) -> dkim.Signer:
    from mua.net.dkim_keys import signing as with_key

    private = engine.secrets.get(PLACE, _secret(key))
    if private is None:
        text = f"The key that signs mail of {key.domain} is not where passwords are kept, so nothing was sent;"
        text += " make new keys, or remove the old ones (“Would it arrive?” in the settings, or mua dkim)."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, _secret(key), "dkim-key-missing")
    return dkim.Signer(key.domain, key.selector, key.algorithm, with_key(private))


def _secret(key: DkimKey) -> str:
    return dkim.record_name(key.selector, key.domain)


# --- making, showing, looking up ----------------------------------------------------------------------------------


def make(engine: Engine, command: wire.MakeDkim) -> wire.DkimTold:
    """A pair of keys for the domain of an account; with ``again`` also where it has one."""
    account = accounts.find(engine, command.account_id)
    domain = _own_domain(account)
    if provider := direct.freemail(account.email, providers()):
        text = f"Mail of {provider} is signed by the servers of {provider}; keys are for a domain of your own."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="freemail-dkim")
    if command.again or not stored.keys(engine.store.reader(), domain):
        _make(engine, domain)
    return _told(engine, account)


def _own_domain(account: Account) -> str:
    domain = domain_of(account.email)
    if domain == NO_DOMAIN or domain.startswith("["):
        text = f"{account.email} has no domain that could publish a key, so none was made."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-domain")
    return domain


def _make(engine: Engine, domain: str) -> None:
    from mua.net.dkim_keys import make_key

    if engine.secrets.place is Place.SESSION:
        text = "Passwords are kept for this session only, and a key has to last longer; choose another place for them."
        raise MailError(Kind.LOCAL, Retry.ASK, text, code="secrets-place-session")
    name, now = f"mua-{os.urandom(4).hex()}", engine.context.now()  # other computers have keys of their own
    made: list[DkimKey] = []
    for algorithm in Algorithm:
        private, public = make_key(algorithm)
        made.append(DkimKey(domain, f"{name}-{algorithm}", algorithm, public, now))
        engine.secrets.set(PLACE, _secret(made[-1]), private)
    lost = [
        key for key in stored.keys(engine.store.reader(), domain) if engine.secrets.get(PLACE, _secret(key)) is None
    ]
    with engine.store.write(durable=True) as tx:
        stored.remove(tx, lost)
        stored.add(tx, made)


def show(engine: Engine, command: wire.ShowDkim) -> wire.DkimTold:
    """The records of an account's domain, as far as they are known without asking anybody."""
    return _told(engine, accounts.find(engine, command.account_id))


def _told(engine: Engine, account: Account) -> wire.DkimTold:
    domain = _own_domain(account)
    states = {
        key: Published.FOUND if key.seen_at else Published.NOT_SEEN
        for key in stored.keys(engine.store.reader(), domain)
    }
    return _records(account, domain, states, None, None)


def _records(
    account: Account,
    domain: str,
    states: Mapping[DkimKey, Published],
    texts: Records | None,
    policies: Mapping[str, Records] | None,
) -> wire.DkimTold:
    name = account.direct.ehlo
    wanted = [f"a:{name}"] if name and not (texts and spf.published(texts)) else []
    others = direct.spf_record(domain, texts, wanted), direct.dmarc_record(domain, policies)
    return wire.DkimTold(domain, (*(record(key, state) for key, state in states.items()), *others))


def record(key: DkimKey, state: Published) -> DnsRecord:
    """What is to be published for a key."""
    name, value = _secret(key), dkim.record(key.algorithm, key.public)
    return DnsRecord("dkim", name, value, zone_line(name, value), state)


def verify(engine: Engine, command: wire.VerifyDkim) -> wire.DkimTold:
    """Look up what an account's domain publishes: keys that are found sign from now on."""
    account = accounts.find(engine, command.account_id)
    domain = _own_domain(account)
    known = stored.keys(engine.store.reader(), domain)
    if not known:
        text = f"There is no key for mail of {domain} yet; make one first."
        raise MailError(Kind.ACCOUNT, Retry.ASK, text, code="no-dkim-key")

    async def ask() -> tuple[dict[DkimKey, Published], Records, dict[str, Records]]:
        resolver = Resolver(account.direct.dns, PATIENCE)
        return await asyncio.gather(
            look_up(known, resolver), resolver.records(domain, "TXT"), policies(domain, resolver)
        )

    states, texts, found = asyncio.run(ask())
    note(engine, states)
    return _records(account, domain, states, texts, found)


async def policies(domain: str, resolver: Resolver) -> dict[str, Records]:
    """What is published at each name where a DMARC policy of the domain may be, the nearest first."""
    names = direct.dmarc_names(domain)
    answers = await asyncio.gather(*(resolver.records(name, "TXT") for name in names))
    return dict(zip(names, answers, strict=True))


def remove(engine: Engine, command: wire.RemoveDkim) -> wire.DkimTold:
    """Forget the keys of an account's domain; messages that are signed already stay so."""
    account = accounts.find(engine, command.account_id)
    _forget(engine, stored.keys(engine.store.reader(), _own_domain(account)))
    return _told(engine, account)


async def look_up(keys: Sequence[DkimKey], resolver: Resolver) -> dict[DkimKey, Published]:
    """What the DNS says about each key."""
    answers = await asyncio.gather(*(resolver.records(_secret(key), "TXT") for key in keys))
    return {key: published(key, answer) for key, answer in zip(keys, answers, strict=True)}


def published(key: DkimKey, answer: Records) -> Published:
    """Whether what was found is the key's record."""
    if answer.status in (Status.FAILED, Status.OFFLINE):
        return Published.UNKNOWN
    if not answer.values:
        return Published.MISSING
    fits = any(dkim.publishes(text, key.algorithm, key.public) for text in answer.values)
    return Published.FOUND if fits else Published.OTHER


def note(engine: Engine, states: dict[DkimKey, Published]) -> None:
    """Which keys sign from now on; of each kind what is older than one that was found goes."""
    now = engine.context.now()
    with engine.store.write(durable=True) as tx:
        for key, state in states.items():
            if state is not Published.UNKNOWN:
                stored.set_seen(tx, key, now if state is Published.FOUND else 0)
    try:
        _forget(engine, [key for key in states if any(_replaces(key, other, states) for other in states)])
    except MailError as error:  # the next look will do it
        ENGINE.info("old keys stay: %s", error.code)


def _replaces(old: DkimKey, new: DkimKey, states: dict[DkimKey, Published]) -> bool:
    same = (old.domain, old.algorithm) == (new.domain, new.algorithm)
    return same and new.made_at > old.made_at and states[new] is Published.FOUND


def forget_unused(engine: Engine) -> None:
    """An account is gone: the keys of domains that no account is of go too."""
    db = engine.store.reader()
    used = {domain_of(account.email) for account in read.accounts(db)}
    _forget(engine, [key for key in stored.keys(db) if key.domain not in used])


def _forget(engine: Engine, gone: Sequence[DkimKey]) -> None:
    for key in gone:
        engine.secrets.delete(PLACE, _secret(key))
    if gone:
        with engine.store.write(durable=True) as tx:
            stored.remove(tx, gone)


def secret_names(engine: Engine) -> list[tuple[str, str]]:
    """Where the private halves are among the secrets."""
    return [(PLACE, _secret(key)) for key in stored.keys(engine.store.reader())]
