"""The journey of a message in words: for the page, and for a terminal."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from mua.language import plural, tr
from mua.model.address import Address
from mua.model.domain import akin
from mua.model.evidence import Evidence, Outcome, Signature
from mua.model.journey import Hop, Journey, Received, Role, Stamp

ROLES: Final = {
    Role.SUBMISSION: tr("Handed over by its author"),
    Role.TRANSFER: tr("Passed on"),
    Role.EXCHANGE: tr("Taken in for you"),
    Role.DELIVERY: tr("Put into the mailbox"),
    Role.FETCH: tr("Fetched from a mailbox"),
}
CLAIM: Final = tr("Only a claim: no server of yours wrote this line.")
WhenText = Callable[[int], str]


def author_domain(authors: Sequence[Address]) -> str:
    """The domain of the one author; empty where there is none, or several."""
    return authors[0].address.rpartition("@")[2].lower() if len(authors) == 1 else ""


def span(seconds: int) -> str:
    """4 s, 2 min 5 s, 3 h 10 min, 2 days; with a minus where a clock runs behind."""
    sign, left = ("-" if seconds < 0 else ""), abs(seconds)
    if left < 60:
        return sign + tr("{seconds} s", seconds=left)
    if left < 3600:
        return (
            sign
            + tr("{minutes} min", minutes=left // 60)
            + (tr(" {seconds} s", seconds=left % 60) if left % 60 else "")
        )
    if left < 2 * 86_400:
        minutes = left // 60 % 60
        return sign + tr("{hours} h", hours=left // 3600) + (tr(" {minutes} min", minutes=minutes) if minutes else "")
    return sign + plural(left // 86_400, "{number:,} day", "{number:,} days")


def took_from(one: Received) -> str:
    """From whom a server took a message: what that called itself, and what is known of it."""
    if one.local or not (one.helo or one.name or one.address):
        return tr("from a program on the same computer") if one.local else tr("from whom it does not say")
    known = one.name or one.address
    at = f" [{one.address}]" if one.address and one.name else ""
    if not one.helo or one.helo.lower().rstrip(".") in (one.name, one.address):
        return tr("from {known}{at}", known=known, at=at)
    return (
        tr("from {known}{at}, which called itself {helo}", known=known, at=at, helo=one.helo)
        if known
        else tr("from who called itself {helo}", helo=one.helo)
    )


def how(one: Received) -> str:
    """How it was handed over: the protocol, and what is known of TLS and of a log-in."""
    words = [one.protocol.upper()] if one.protocol else []
    if one.encrypted:
        words.append(tr("encrypted ({tls})", tls=one.tls) if one.tls else tr("encrypted"))
    elif one.encrypted is False:
        words.append(tr("not encrypted"))
    if one.authenticated:
        words.append(tr("after a log-in"))
    return ", ".join(words)


def result_words(stamp: Stamp, author: str) -> str:
    """What a server of the account said when the message came."""
    found: list[str] = []
    for one in stamp.results:
        if one.method in ("spf", "dkim", "dmarc", "arc"):
            whom = one.of("header.d") or one.of("header.i") or one.of("smtp.mailfrom") or one.of("header.from")
            domain = whom.rpartition("@")[2]
            other = one.method == "dkim" and domain and author and not akin(domain, author)
            aside = tr(", not the author’s domain") if other else ""
            about = f" ({domain[:80]}{aside})" if domain else ""
            found.append(f"{one.method.upper()} {one.result}{about}")
    return tr(
        "{server} said when it came: {said}.",
        server=stamp.server[:80],
        said=", ".join(found[:8]) or tr("nothing about its author"),
    )


def failed_dmarc(stamp: Stamp) -> bool:
    """Whether a server of the account says that the author's domain does not vouch for the message."""
    return any(one.method == "dmarc" and one.result == "fail" for one in stamp.results)


def signature_words(one: Signature, author: str, when: str) -> str:
    """What was found out here of a signature; ``author``: the one domain of its authors, else empty."""
    domain, checked = one.domain[:80] or "nobody", tr("checked here {when}", when=when)
    if one.outcome is Outcome.UNKNOWN:
        return tr("Whether {domain} signed it is not known: the DNS did not say.", domain=domain)
    if one.outcome is not Outcome.HOLDS:
        return tr(
            "The signature that names {domain} does not count: {why} ({checked}).",
            domain=domain,
            why=one.why,
            checked=checked,
        )
    if not author:
        whose = tr("it says nothing about the author")
    else:
        whose = (
            tr("the author’s domain")
            if akin(domain, author)
            else tr("which is not the author’s domain, {author}", author=author[:80])
        )
    more = ""
    if one.open_octets > 0:
        more = tr(
            " Anybody may have added the last {open_octets:,} bytes, which it leaves out.", open_octets=one.open_octets
        )
    if "subject" in one.open_fields:
        more += tr(" It does not cover the subject.")
    if one.testing:
        more += tr(" Its domain says that it is only trying this out.")
    return tr("Signed by {domain}, {whose} ({checked}).{more}", domain=domain, whose=whose, checked=checked, more=more)


def chain_words(evidence: Evidence, when: str) -> str:
    """What was found out of an ARC chain."""
    sealed = tr(", then ").join(one.domain[:60] for one in evidence.signatures if one.kind == "arc")
    if evidence.chain == "pass":
        return tr(
            "Passed on and sealed by {sealed} (ARC, checked here {when}); what they say of its author is their word.",
            sealed=sealed,
            when=when,
        )
    if evidence.chain == "unknown":
        return tr("Whether those who passed it on sealed it is not known: the DNS did not say.")
    return tr("The seals of those who passed it on do not hold (ARC, checked here {when}).", when=when)


def lines(journey: Journey, when: WhenText) -> Iterator[str]:
    """The whole journey, a paragraph a step, oldest first; ``when`` writes UTC seconds."""
    written = when(journey.written) if journey.written is not None else tr("nobody knows when")
    yield tr("Written {written}", written=written) + (
        tr(" with {program}", program=journey.program) if journey.program else ""
    )
    for number, hop in enumerate(journey.hops, start=1):
        yield from _step(number, hop, when)
    yield from left_out(journey)


def left_out(journey: Journey) -> Iterator[str]:
    """What a journey does not show or count."""
    if journey.more:
        yield tr("{more:,} earlier steps are not shown.", more=journey.more)
    if journey.ignored:
        yield tr(
            "{ignored:,} statements about its author are not counted: none of your servers made them.",
            ignored=journey.ignored,
        )


def _step(number: int, hop: Hop, when: WhenText) -> Iterator[str]:
    one = hop.received
    later = f" (+{span(hop.seconds)})" if hop.seconds is not None and hop.seconds >= 0 else ""
    later = f" ({span(hop.seconds)})" if hop.seconds is not None and hop.seconds < 0 else later
    who = one.by or tr("a server that does not name itself")
    yield f"{number}. {ROLES[hop.role]}: {who}" + (f" ({one.software})" if one.software else "")
    told = [when(one.at) + later if one.at is not None else "", took_from(one), how(one)]
    yield "   " + "; ".join(word for word in told if word)
    for text in hop.oddities:
        yield f"   ! {text}"
    if hop.claim:
        yield f"   ? {CLAIM}"
