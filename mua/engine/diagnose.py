"""How the world sees mail that an account delivers by itself: the facts for ``plan/direct``, gathered at once.

Rules of the file: only what a person asked for; nobody is written to.  The DNS, the exchangers of the account's own
domain and the block lists are asked, and no service that would tell us our address.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mua import wire
from mua.engine import accounts, dkim
from mua.engine.direct_mx import ehlo_name, find_targets
from mua.engine.doctor import CHECK, ONE_ANSWER
from mua.engine.providers import providers
from mua.errors import Kind, MailError, Retry
from mua.model.account import Account, DirectOptions, Route
from mua.model.dkim import DkimKey
from mua.model.records import Published
from mua.net.dns import Resolver
from mua.net.smtp import Exchanger, HostFailed, open_exchanger
from mua.net.smtp_wire import Transcript
from mua.plan import direct as plan
from mua.plan import spf
from mua.plan.domains import split_address
from mua.plan.mx import MxAnswer, Records, Status, Target, Verdict
from mua.plan.protection import Protection
from mua.plan.routes import domain_of
from mua.store import dkim as stored
from mua.store import read

if TYPE_CHECKING:
    from mua.engine.main import Engine

MAX_CALLED = 4  # addresses of exchangers
MAX_NAMES = 5  # of one address


def diagnose(engine: Engine, command: wire.Diagnose) -> wire.Diagnosed:
    """What would become of mail that the account delivers by itself; keys that are found sign from now on."""
    account = command.account or accounts.find(engine, command.account_id)
    address = _address(command.address)
    keys = stored.keys(engine.store.reader(), domain_of(account.email))
    facts, states = asyncio.run(gather(account, keys, address))
    if states:
        dkim.note(engine, states)
    relay = next((one.id for one in read.accounts(engine.store.reader()) if _could_relay(one, account)), 0)
    return wire.Diagnosed(plan.diagnose(facts, relay=relay))


def _address(text: str) -> str:
    """An address that a person named; raises MailError "bad-address"."""
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError:
        sentence = f"{text[:60]} is not an IP address, so nothing was looked at."
        raise MailError(Kind.LOCAL, Retry.ASK, sentence, code="bad-address") from None


def _could_relay(other: Account, account: Account) -> bool:
    return other.id != account.id and other.route is Route.SMTP and not other.demo


async def gather(
    account: Account, keys: Sequence[DkimKey], address: str = "", block_lists: Sequence[str] = plan.BLOCK_LISTS
) -> tuple[plan.Facts, dict[DkimKey, Published]]:
    """(the facts, what the DNS says about each key).  ``address``: where others see this computer, by a person's word;
    else it is found out.
    """
    domain, options = domain_of(account.email), account.direct
    provider = plan.freemail(account.email, providers())
    ehlo = ehlo_name(options)
    if provider or not split_address(account.email)[1]:
        nothing = Records(Status.NO_DATA)
        return plan.Facts(domain, provider, MxAnswer(Status.NO_DATA), None, (), (), ehlo, nothing, nothing, {}, ()), {}
    resolver = Resolver(options.dns, ONE_ANSWER)
    mx, route, spf_texts, states, ehlo_addresses, dmarc = await asyncio.gather(
        resolver.mx(domain),
        find_targets(domain, options, resolver, 0.5),
        resolver.records(domain, "TXT"),
        dkim.look_up(keys, resolver),
        _both(resolver, ehlo),
        dkim.policies(domain, resolver),
    )
    targets = () if isinstance(route, Verdict) else route.found[:MAX_CALLED]
    called = [one for one in await asyncio.gather(*(_call(one, options) for one in targets)) if one is not None]
    found = [address] if address else list(dict.fromkeys(one.seen_as for one in called if one.seen_as))
    examiner = _Examiner(resolver, account.email, ehlo or domain, block_lists)
    return plan.Facts(
        domain,
        "",
        mx,
        route if isinstance(route, Verdict) else None,
        called,
        await asyncio.gather(*map(examiner.seen, found)),
        ehlo,
        ehlo_addresses,
        spf_texts,
        dmarc,
        [dkim.record(key, state) for key, state in states.items()],
        options.allow_private_mx,
    ), states


async def _both(resolver: Resolver, host: str) -> Records:
    found = await resolver.addresses(host) if host else None
    return Records(Status.NO_DATA) if found is None else Records(found.status, found.addresses)


async def _call(target: Target, options: DirectOptions) -> plan.Called | None:
    """One exchanger is greeted; None: there is no way to its network, which says nothing about anybody."""
    transcript = Transcript()
    exchanger = Exchanger(target.host, target.address, options.mx_port)
    try:
        async with asyncio.timeout(CHECK):
            session = await open_exchanger(exchanger, Protection.NONE, transcript=transcript)  # nothing is told there
            await session.quit()
    except HostFailed as failed:
        outcome = failed.outcome
        if failed.unreachable:
            return None
        return plan.Called(target.host, False, outcome.text, spoke=outcome.code is not None)
    except TimeoutError:
        return plan.Called(target.host, False, "no answer in time")
    seen = plan.seen_as(transcript.text, private=options.allow_private_mx)
    return plan.Called(target.host, True, seen_as=seen)


class _Examiner:
    """Asks the DNS about addresses."""

    def __init__(self, resolver: Resolver, sender: str, helo: str, block_lists: Sequence[str]) -> None:
        self._resolver, self._sender, self._helo, self._lists = resolver, sender, helo, block_lists

    async def seen(self, address: str) -> plan.Seen:
        """Everything about one address."""
        lookup = self._resolver.records
        sender = f"{split_address(self._sender)[0]}@{domain_of(self._sender)}"
        names, result, listed = await asyncio.gather(
            lookup(ipaddress.ip_address(address).reverse_pointer, "PTR"),
            spf.evaluate(address, sender, self._helo, lookup),
            asyncio.gather(*(self._listed(address, name) for name in self._lists)),
        )
        names = Records(names.status, names.values[:MAX_NAMES])
        kind = "AAAA" if ":" in address else "A"
        back = await asyncio.gather(*(lookup(name, kind) for name in names.values))
        lists = dict(zip(self._lists, listed, strict=True))
        return plan.Seen(address, names, dict(zip(names.values, back, strict=True)), result, lists)

    async def _listed(self, address: str, block_list: str) -> Records | None:
        """What a block list says about the address; None: it does not answer those who ask through this resolver."""
        test, answer = await asyncio.gather(
            self._resolver.records(plan.list_question(plan.TEST_POINT, block_list), "A"),
            self._resolver.records(plan.list_question(address, block_list), "A"),
        )
        works = any(not value.startswith("127.255.255.") for value in test.values)
        return answer if works else None
