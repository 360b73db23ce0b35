"""Whether mail that this computer delivers by itself would be taken: facts -> symptoms -> one of three verdicts.  Pure.

Rule of the file: what could not be found out is unknown, never bad; it keeps a verdict from being the best one, and no
more.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence

from mua.model.diagnosis import Diagnosis, Grade, Reach, Symptom
from mua.model.records import DnsRecord, Published, tags, zone_line
from mua.plan import spf
from mua.plan.discover import Provider, from_table
from mua.plan.mx import MxAnswer, Records, Status, Verdict, exchangers
from mua.records import dataclass

BLOCK_LISTS = ("zen.spamhaus.org", "bl.spamcop.net")
TEST_POINT = "127.0.0.2"  # every list that answers lists it (RFC 5782 s.5)
_GENERIC = re.compile(
    r"(?:^|[-._\d])(?:dyn|dynamic|dyndns|dynip|dhcp|[avxs]?dsl|pools?|dial(?:up|in)?|ppp|pppoe|cable|customers?|cust"
    r"|clients?|dip|residential|broadband)(?:[-._\d]|$)"
)
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]", re.IGNORECASE)
_MAX_PARENTS = 6
_UNKNOWN = frozenset({Status.FAILED, Status.OFFLINE})


@dataclass(frozen=True, slots=True)
class Called:
    """One exchanger of the domain that was called.  ``text``: what failed, in its own words where it spoke (``spoke``);
    ``seen_as``: the address that it said it sees, or that we have.
    """

    host: str
    answered: bool
    text: str = ""
    seen_as: str = ""
    spoke: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one address that mail comes from.  ``back``: of each of its names the addresses;
    ``listed``: of each block list what it answers to the address, None where it does not answer its test point.
    """

    address: str
    names: Records
    back: Mapping[str, Records]
    spf: spf.Result
    listed: Mapping[str, Records | None]


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that was found out.  ``domain`` is an A-label; ``called`` None: no exchanger of it was found, which
    ``route`` explains; ``ehlo`` empty: an address literal is said.
    """

    domain: str
    freemail: str
    mx: MxAnswer
    route: Verdict | None
    called: Sequence[Called]
    seen: Sequence[Seen]
    ehlo: str
    ehlo_addresses: Records
    spf_texts: Records
    dmarc: Mapping[str, Records]  # by the names that were asked, nearest first
    dkim: Sequence[DnsRecord]
    private: bool = False  # private addresses are meant: a laboratory, a LAN


def diagnose(facts: Facts, *, relay: int = 0) -> Diagnosis:
    """The verdict.  ``relay``: an account that could send instead."""
    symptoms = tuple(_symptoms(facts))
    reach = _reach(facts, symptoms)
    return Diagnosis(facts.domain, reach, _words(reach, symptoms), symptoms, records(facts), relay)


def freemail(address: str, providers: Iterable[Provider]) -> str:
    """The name of the provider that an address is of; empty: its domain may be the person's own."""
    found = from_table(address, providers)
    return found.provider if found is not None else ""


def refusal(provider: str) -> str:
    """Why mail from an address of a large provider is not delivered directly."""
    return (
        f"Mail from an address of {provider} is taken only from the servers of {provider}, so it is not sent directly;"
        f" choose to send by a server (a relay), that of {provider}."
    )


def is_generic(name: str, address: str) -> bool:
    """Whether an address's name is one that a network gives to all of its customers."""
    octets = address.split(".") if ":" not in address else []
    if octets:
        numbers = re.findall(r"\d+", name)
        for order in (octets, octets[::-1]):
            if any(numbers[at : at + 3] == order[skip : skip + 3] for at in range(len(numbers)) for skip in (0, 1)):
                return True
    packed = ipaddress.ip_address(address).packed.hex()
    return packed in re.sub(r"[^0-9a-f]", "", name.lower()) or _GENERIC.search(name.lower()) is not None


def dmarc_names(domain: str) -> list[str]:
    """Where a policy may be published: the domain, then what is above it, as long as it can be somebody's own."""
    labels = domain.split(".")
    return [f"_dmarc.{'.'.join(labels[at:])}" for at in range(max(1, len(labels) - 1))][:_MAX_PARENTS]


def list_question(address: str, block_list: str) -> str:
    """The name that asks a block list about an address (RFC 5782 s.2.1, s.2.4)."""
    reverse = ipaddress.ip_address(address).reverse_pointer
    return f"{reverse.removesuffix('.in-addr.arpa').removesuffix('.ip6.arpa')}.{block_list}"


def seen_as(dialogue: str, *, private: bool = False) -> str:
    """The address that an exchanger sees this computer at, by the dialogue with it: our own if it is a public one, else
    what the reply to EHLO says ("Hello there [192.0.2.1]"); empty: it does not say.  ``private``: any will do.
    """
    lines = dialogue.split("\n")
    at = next((at for at, line in enumerate(lines) if line.startswith("C: EHLO ")), len(lines))
    ours, said = (_LITERAL.findall("".join(lines[place : place + 1])) for place in (at, at + 1))
    found = [one for one in (*ours[-1:], *said[-1:]) if _is_address(one)]
    public = [one for one in found if ipaddress.ip_address(one).is_global]
    return next(iter(public or (found if private else [])), "")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


# --- symptoms -----------------------------------------------------------------------------------------------------


def _symptoms(facts: Facts) -> Iterable[Symptom]:
    if facts.freemail:
        yield Symptom("from", Grade.BAD, refusal(facts.freemail))
        return
    yield _port(facts)
    if not facts.seen:
        text = (
            "The address that others see this computer at is not known, so what they think of it is not known either."
        )
        yield Symptom("address", Grade.UNKNOWN, text)
    for one in facts.seen:
        yield from _address(one, facts)
    yield _dkim(facts)
    yield _dmarc(facts)
    yield _bounces(facts)


def _port(facts: Facts) -> Symptom:
    good = next((one for one in facts.called if one.answered), None)
    if good is not None:
        return Symptom("port", Grade.GOOD, f"{good.host} lets this computer in; the way out to mail servers is open.")
    if not facts.called:
        text = "No mail server of the domain could be called, so nobody knows whether the way out is open."
        return Symptom("port", Grade.UNKNOWN, text, facts.route.text if facts.route else "")
    detail = "; ".join(f"{one.host}: {one.text}" for one in facts.called)[:500]
    spoke = next((one for one in facts.called if one.spoke), None)
    if spoke is not None:
        text = (
            f"The way out is open, but {spoke.host} turns this computer away; its words are its operator's to explain."
        )
        return Symptom("port", Grade.BAD, text, detail)
    text = (
        f"No mail server of {facts.domain} lets this computer in; networks at home often close port 25 to the outside."
    )
    return Symptom("port", Grade.BAD, text, detail)


def _address(one: Seen, facts: Facts) -> Iterable[Symptom]:
    if not (ipaddress.ip_address(one.address).is_global or facts.private):
        text = f"{one.address} is an address of your own network; what others see is not known."
        yield Symptom("address", Grade.UNKNOWN, text)
        return
    yield Symptom("address", Grade.GOOD, f"Others see this computer at {one.address}.")
    confirmed = _confirmed(one)
    yield _reverse(one, confirmed)
    if confirmed:
        yield _generic(one, confirmed)
    yield _ehlo(one, confirmed, facts)
    yield _spf(one, facts)
    yield from _lists(one)


def _confirmed(one: Seen) -> list[str]:
    """The names of the address that lead back to it."""
    return [name for name in one.names.values if one.address in one.back[name].values]


def _reverse(one: Seen, confirmed: list[str]) -> Symptom:
    named = ", ".join(one.names.values)[:200]
    if confirmed:
        return Symptom(
            "reverse", Grade.GOOD, f"{one.address} has the name {confirmed[0]}, which leads back to it.", named
        )
    if one.names.status in _UNKNOWN or any(found.status in _UNKNOWN for found in one.back.values()):
        return Symptom("reverse", Grade.UNKNOWN, f"The name of {one.address} could not be looked up.", named)
    if one.names.values:
        text = f"The name of {one.address}, {one.names.values[0][:100]}, does not lead back to it; whoever gave you the"
        return Symptom("reverse", Grade.BAD, f"{text} address has to mend that.", named)
    text = (
        f"{one.address} has no name (PTR), and large providers refuse mail from such; whoever gave you the address can"
    )
    return Symptom("reverse", Grade.BAD, f"{text} give it one.")


def _generic(one: Seen, confirmed: list[str]) -> Symptom:
    own = [name for name in confirmed if not is_generic(name, one.address)]
    if own:
        return Symptom("generic", Grade.GOOD, f"{own[0]} is a name of its own.")
    text = f"{confirmed[0][:100]} looks like the name of a line at home, and many servers refuse mail from such; ask"
    return Symptom("generic", Grade.BAD, f"{text} whoever gave you the address for a name of your own.")


def _ehlo(one: Seen, confirmed: list[str], facts: Facts) -> Symptom:
    if not facts.ehlo:
        text = "This computer introduces itself by its address only, and some servers mind; give the account the name"
        return Symptom("ehlo", Grade.DOUBTFUL, f"{text} of the address (EHLO).")
    if facts.ehlo.lower() in {name.lower() for name in confirmed}:
        return Symptom("ehlo", Grade.GOOD, f"This computer introduces itself as {facts.ehlo}, the name of its address.")
    if facts.ehlo_addresses.status in _UNKNOWN:
        text = f"This computer introduces itself as {facts.ehlo}, which could not be looked up."
        return Symptom("ehlo", Grade.UNKNOWN, text)
    if one.address in facts.ehlo_addresses.values:
        text = f"This computer introduces itself as {facts.ehlo}, which is not the name that its address has."
        return Symptom("ehlo", Grade.DOUBTFUL, text)
    text = (
        f"This computer introduces itself as {facts.ehlo}, which does not lead to {one.address}; use a name that does."
    )
    return Symptom("ehlo", Grade.BAD, text)


def _spf(one: Seen, facts: Facts) -> Symptom:
    domain = facts.domain
    says = {
        spf.Result.PASS: (Grade.GOOD, f"{domain} allows {one.address} to send its mail (SPF)."),
        spf.Result.NONE: (Grade.DOUBTFUL, f"{domain} does not say who may send its mail; publish an SPF record."),
        spf.Result.TEMPERROR: (Grade.UNKNOWN, f"Who may send mail of {domain} (SPF) could not be looked up."),
        spf.Result.PERMERROR: (Grade.BAD, f"The SPF record of {domain} makes no sense to receivers; mend it."),
        spf.Result.NEUTRAL: (Grade.DOUBTFUL, f"{domain} does not say whether {one.address} may send its mail (SPF)."),
    }
    otherwise = f"{domain} says that {one.address} may not send its mail (SPF); add the address to the record."
    grade, text = says.get(one.spf, (Grade.BAD, otherwise))
    return Symptom("spf", grade, text, one.spf)


def _lists(one: Seen) -> Iterable[Symptom]:
    for name, answer in one.listed.items():
        values = [value for value in (answer.values if answer else ()) if not value.startswith("127.255.255.")]
        if answer is None or answer.status in _UNKNOWN or (answer.values and not values):
            yield Symptom("blocklist", Grade.UNKNOWN, f"The block list {name} does not answer here.")
        elif values:
            text = f"{one.address} is on the block list {name}, which many servers ask; its pages say why."
            yield Symptom("blocklist", Grade.BAD, text, ", ".join(values)[:200])
        else:
            yield Symptom("blocklist", Grade.GOOD, f"{one.address} is not on the block list {name}.")


def _dkim(facts: Facts) -> Symptom:
    states = {record.state for record in facts.dkim}
    if not facts.dkim:
        text = f"Mail of {facts.domain} is not signed (DKIM); make keys and publish their records."
        return Symptom("dkim", Grade.DOUBTFUL, text)
    if Published.FOUND in states:
        return Symptom("dkim", Grade.GOOD, f"Mail of {facts.domain} is signed, and the key is published (DKIM).")
    if Published.UNKNOWN in states:
        return Symptom("dkim", Grade.UNKNOWN, f"The keys of {facts.domain} (DKIM) could not be looked up.")
    return Symptom(
        "dkim", Grade.DOUBTFUL, f"The keys of {facts.domain} are not published yet (DKIM), so they do not sign."
    )


def _dmarc(facts: Facts) -> Symptom:
    policy, known = _policy(facts)
    if policy is not None:
        return Symptom("dmarc", Grade.GOOD, f"{facts.domain} says what is to be done with forged mail (DMARC).", policy)
    if not known:
        return Symptom("dmarc", Grade.UNKNOWN, f"The DMARC record of {facts.domain} could not be looked up.")
    text = f"{facts.domain} does not say what is to be done with forged mail; publish a DMARC record."
    return Symptom("dmarc", Grade.DOUBTFUL, text)


def _policy(facts: Facts) -> tuple[str | None, bool]:
    """(``p=`` of the nearest DMARC record, or ``sp=`` of one above; whether the look-ups said anything)."""
    name, text, known = _dmarc_found(facts.dmarc)
    said = tags(text or "")
    policy = said.get("p", "none").lower()
    if name != next(iter(facts.dmarc), ""):
        policy = said.get("sp", policy).lower()
    return (policy if text else None), known


def _dmarc_found(policies: Mapping[str, Records]) -> tuple[str, str | None, bool]:
    """(the name of the nearest DMARC record, the record; whether the look-ups said anything)."""
    for name, found in policies.items():
        if found.status in _UNKNOWN:
            return "", None, False
        for text in found.values:
            if tags(text).get("v", "").upper() == "DMARC1":
                return name, text, True
    return "", None, True


def _bounces(facts: Facts) -> Symptom:
    found = exchangers(facts.domain, facts.mx, 0.0)
    if not isinstance(found, Verdict):
        return Symptom("bounces", Grade.GOOD, f"What comes back goes to {found[0]}.")
    if found.permanent:
        text = f"{facts.domain} takes no mail, so nothing can come back, and many servers refuse mail from it."
        return Symptom("bounces", Grade.BAD, text, found.text)
    return Symptom("bounces", Grade.UNKNOWN, f"Where mail to {facts.domain} goes could not be looked up.", found.text)


# --- the verdict ---------------------------------------------------------------------------------------------------


def _reach(facts: Facts, symptoms: Sequence[Symptom]) -> Reach:
    bad = {one.what for one in symptoms if one.grade is Grade.BAD}
    good = {one.what for one in symptoms if one.grade is Grade.GOOD}
    unknown = {one.what for one in symptoms if one.grade is Grade.UNKNOWN}
    proven = {"spf", "dkim"} & good
    strict = _policy(facts)[0] in ("reject", "quarantine")
    if bad & {"from", "port"} or (strict and not proven and not {"spf", "dkim"} & unknown):
        return Reach.RELAY
    if bad or not proven or not {"port", "address", "reverse", "bounces"} <= good:
        return Reach.NEAR
    return Reach.ANYONE


_ORDER = ("from", "port", "reverse", "generic", "blocklist", "spf", "bounces", "ehlo", "dkim", "dmarc", "address")


def _words(reach: Reach, symptoms: Sequence[Symptom]) -> str:
    """Three sentences: how far mail gets, why, and what to do."""
    if reach is Reach.ANYONE:
        return (
            "Mail from this computer should reach anyone."
            " Its address, its name and the records of its domain fit each other as receivers want it."
            " Large providers may keep a new sender waiting; Mua goes on trying by itself."
        )
    if reach is Reach.RELAY:
        begin = "Mail that this computer delivers by itself would hardly arrive."
        end = "Send it through a provider's server (a relay)."
    else:
        begin = (
            "Mail from this computer reaches your own network and servers that are not strict, but not large providers."
        )
        end = "Put that right, or send what goes elsewhere through a provider's server (a relay)."
    ranks = {Grade.BAD: 0, Grade.UNKNOWN: 1, Grade.DOUBTFUL: 2}
    reasons = sorted(
        (one for one in symptoms if one.grade is not Grade.GOOD),
        key=lambda one: (ranks[one.grade], _ORDER.index(one.what)),
    )
    if reasons and reasons[0].grade is not Grade.BAD and reach is Reach.NEAR:
        begin = "Mail from this computer reaches your own network and servers that are not strict; more is not certain."
    return f"{begin} {reasons[0].text} {end}"


# --- records to publish ---------------------------------------------------------------------------------------------


def records(facts: Facts) -> tuple[DnsRecord, ...]:
    """What the domain should publish: the keys, who may send, and what is to be done with forged mail."""
    if facts.freemail:
        return ()
    wanted = [
        f"ip{'6' if ':' in one.address else '4'}:{one.address}" for one in facts.seen
        if one.spf is not spf.Result.PASS and (facts.private or ipaddress.ip_address(one.address).is_global)
    ]  # fmt: skip
    return (*facts.dkim, spf_record(facts.domain, facts.spf_texts, wanted), dmarc_record(facts.domain, facts.dmarc))


def spf_record(domain: str, texts: Records | None, wanted: Sequence[str]) -> DnsRecord:
    """Who may send: what is published (``texts``; None: nobody was asked), with the mechanisms ``wanted`` besides."""
    there = spf.published(texts) if texts is not None else []
    if there:
        head, *rest = there[0].split()
        value = " ".join([head, *wanted, *rest])
        state = Published.OTHER if wanted or len(there) > 1 else Published.FOUND
    else:
        value = " ".join(["v=spf1", "mx", *wanted, "~all"])
        state = Published.NOT_SEEN if texts is None else _absent(texts.status not in _UNKNOWN)
    return DnsRecord("spf", domain, value, zone_line(domain, value), state)


def dmarc_record(domain: str, policies: Mapping[str, Records] | None) -> DnsRecord:
    """What is to be done with forged mail.  ``policies``: as ``Facts.dmarc``; None: nobody was asked."""
    name, text, known = next(iter(dmarc_names(domain))), None, True
    if policies is not None:
        found, text, known = _dmarc_found(policies)
        name = found or name
    value = text or "v=DMARC1; p=none"
    state = Published.FOUND if text else Published.NOT_SEEN if policies is None else _absent(known)
    return DnsRecord("dmarc", name, value, zone_line(name, value), state)


def _absent(known: bool) -> Published:
    return Published.MISSING if known else Published.UNKNOWN
