"""The header of a received message -> its journey: every step, and how far each may be believed.

Theory of operation.  Every server puts its Received line above all others (RFC 5321 s.4.4), so the topmost is of the
server that holds the mailbox, and whoever sends can only write what comes below.  ``trusted`` goes down from there as
long as each line says that it took the message from the same house: by an address that is private, or the name of a
relay that is known (``Trust``), which the server looked up; never by HELO.  The first line that says otherwise is the
*border*: it is believed itself; everything below it is a claim.  Authentication-Results (RFC 8601 s.5) count above the
border; directly below it only where this account's servers are known to put theirs there on all mail (``Trust``), and
then only the topmost.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from mua.mime.authres import stamp
from mua.mime.headers import date
from mua.mime.received import is_private, received
from mua.mime.text import neutralise
from mua.model.domain import organizational
from mua.model.journey import NO_TRUST, Hop, Journey, Received, Role, Stamp, Trust

MAX_HOPS: Final = 50
SKEW: Final = 60  # seconds that two clocks may differ without a word
_PROGRAMS: Final = ("user-agent", "x-mailer", "x-mailer-lidn")
Header = tuple[str, str]


def journey(headers: Sequence[Header], trust: Trust = NO_TRUST) -> Journey:
    """The way of a message; ``headers`` in the order of the message, unfolded (``MessageView.headers``)."""
    names = [name.lower() for name, _ in headers]
    places = [place for place, name in enumerate(names) if name == "received"]
    lines = [received(headers[place][1]) for place in places[:MAX_HOPS]]
    depth = trusted(lines, trust)
    written = next((date(text.encode()) for name, text in headers if name.lower() == "date"), None)
    stamps, ignored = _stamps(headers, names, places, lines, depth, trust)
    return Journey(
        hops=_hops(lines, depth, written),
        written=written,
        program=next(
            (neutralise(text)[:100] for one in _PROGRAMS for name, text in headers if name.lower() == one), ""
        ),
        stamps=stamps,
        ignored=ignored,
        more=max(0, len(places) - MAX_HOPS),
    )


def trusted(lines: Sequence[Received], trust: Trust) -> int:
    """How many of the lines, from the top, a server of the account wrote; the last of them is the border."""
    if not lines or house(lines) not in trust.hosts:
        return 0
    own = house(lines)
    for place, line in enumerate(lines):
        if line.by and not _is_address(line.by) and organizational(line.by) != own:
            return place
        if not line.local and not _is_within(line, trust.relays):
            return place + 1
    return len(lines)


def house(lines: Sequence[Received]) -> str:
    """The organizational domain of the server that holds the mailbox: of the topmost line that names its writer."""
    named = (line.by for line in lines[:5] if line.by and not _is_address(line.by))
    return organizational(next(named, ""))


def _is_within(line: Received, relays: frozenset[str]) -> bool:
    """Whether a server took the message from its own house, as far as it knows.

    A name of the same domain is not enough: who rents a computer there has one, too.
    """
    if line.authenticated or not line.address:
        return False
    return is_private(line.address) or line.name in relays


def _is_address(host: str) -> bool:
    return ":" in host or host.rpartition(".")[2].isdigit()


# --- who says what of the author -------------------------------------------------------------------------------------


def _stamps(
    headers: Sequence[Header], names: Sequence[str], places: Sequence[int], lines: Sequence[Received], depth: int,
    trust: Trust,
) -> tuple[tuple[Stamp, ...], int]:  # fmt: skip
    """(the Authentication-Results that are to be believed, how many others there are)"""
    found = [place for place, name in enumerate(names) if name == "authentication-results"]
    if not depth:
        return (), len(found)
    border = places[depth - 1]
    believed = [place for place in found if place < border]
    lower = below(names, places, depth)
    if lower is not None and organizational(lines[depth - 1].by) in trust.stampers:
        said = stamp(headers[lower][1])
        if said is not None and organizational(said.server) == organizational(lines[depth - 1].by):
            believed.append(lower)
    stamps = [said for place in believed if (said := stamp(headers[place][1])) is not None]
    return tuple(stamps), len(found) - len(believed)


def below(names: Sequence[str], places: Sequence[int], depth: int) -> int | None:
    """Where the topmost Authentication-Results between the border and the next line is; None: there is none."""
    border = places[depth - 1]
    end = places[depth] if depth < len(places) else len(names)
    return next((at for at in range(border + 1, end) if names[at] == "authentication-results"), None)


# --- the steps -------------------------------------------------------------------------------------------------------


def _hops(lines: Sequence[Received], depth: int, written: int | None) -> tuple[Hop, ...]:
    hops: list[Hop] = []
    before = written
    last = len(lines) - 1
    for place in range(last, -1, -1):
        line = lines[place]
        seconds = None if line.at is None or before is None else line.at - before
        hops.append(Hop(line, _role(lines, place, depth), seconds, place >= depth, tuple(_oddities(line, seconds))))
        before = line.at if line.at is not None else before
    return tuple(hops)


def _role(lines: Sequence[Received], place: int, depth: int) -> Role:
    line = lines[place]
    protocol = line.protocol.upper()
    if "fetchmail" in line.text.lower() or protocol.startswith(("POP3", "IMAP")):
        return Role.FETCH
    if place == 0 and len(lines) > 1 and (protocol.startswith("LMTP") or line.local):
        return Role.DELIVERY
    if depth and place == depth - 1 and not line.authenticated:
        return Role.EXCHANGE
    if line.authenticated or (place == len(lines) - 1 and (line.local or protocol.startswith("HTTP"))):
        return Role.SUBMISSION
    return Role.TRANSFER


def _oddities(line: Received, seconds: int | None) -> Iterable[str]:
    if seconds is not None and seconds < -SKEW:
        yield "By these clocks it arrived before it was sent: one of the two is wrong, or the line is invented."
    if line.at is None:
        yield "The line does not say when."
    helo, name = organizational(line.helo), organizational(line.name)
    if "." in helo and not _is_address(helo) and name and helo != name:
        yield f"The client called itself {line.helo[:80]}, but its address belongs to {line.name[:80]}."
    if line.encrypted is False and line.address and not is_private(line.address):
        yield "This step was not encrypted, as far as the line says."


# --- what is learned of an account's servers -------------------------------------------------------------------------

LEAST: Final = 10  # messages from outside, before anything is concluded
LEAST_AUTHORS: Final = 5  # different domains of authors among them


def learned(samples: Iterable[tuple[str, Sequence[Header]]]) -> Trust:
    """What mail of an account says of the servers that receive it; a sample is (domain of the author, headers).

    A house counts as the account's where it wrote the topmost line of at least a third of its mail.  It stamps where
    nineteen of twenty messages from outside, and of the domains they come from, bear its Authentication-Results
    directly below the border: nobody who sends can bring that about for the mail of others.
    """
    read = [_sample(domain, headers) for domain, headers in samples]
    houses: dict[str, set[str]] = {}
    counted: dict[str, int] = {}
    for domain, _, lines, _ in read:
        if own := house(lines):
            houses.setdefault(own, set()).add(domain)
            counted[own] = counted.get(own, 0) + 1
    hosts = frozenset(
        own
        for own, number in counted.items()
        if number >= max(3, len(read) / 3) and len(houses[own]) >= min(3, len(read))
    )
    relays = frozenset(one for own in hosts for one in _relays(own, read))
    return Trust(hosts, frozenset(own for own in hosts if _stamps_all(own, read, relays)), relays)


_Sample = tuple[str, list[str], list[Received], Sequence[Header]]


def _sample(domain: str, headers: Sequence[Header]) -> _Sample:
    lines = [received(text) for name, text in headers if name.lower() == "received"][:MAX_HOPS]
    return organizational(domain), [name.lower() for name, _ in headers], lines, headers


def _relays(own: str, read: Sequence[_Sample]) -> Iterable[str]:
    """Hosts of a house through which a third of the mail comes, of five authors' domains or more."""
    seen: dict[str, list[str]] = {}
    for domain, _, lines, _ in read:
        for line in lines:
            inside = line.local or (bool(line.address) and is_private(line.address))
            if not inside and (not line.name or line.authenticated or organizational(line.name) != own):
                break
            if not inside:
                seen.setdefault(line.name, []).append(domain)
    return (
        one
        for one, domains in seen.items()
        if len(domains) >= max(LEAST, len(read) / 3) and len(set(domains)) >= LEAST_AUTHORS
    )


def _stamps_all(own: str, read: Sequence[_Sample], relays: frozenset[str]) -> bool:
    with_, without = list[str](), list[str]()
    for domain, names, lines, headers in read:
        depth = trusted(lines, Trust(frozenset({own}), relays=relays)) if house(lines) == own else 0
        if not depth or lines[depth - 1].authenticated or lines[depth - 1].local:
            continue
        places = [place for place, name in enumerate(names) if name == "received"]
        at = below(names, places, depth)
        said = stamp(headers[at][1]) if at is not None else None
        stamped = said is not None and organizational(said.server) == organizational(lines[depth - 1].by)
        (with_ if stamped else without).append(domain)
    enough = len(with_) >= LEAST and len(set(with_)) >= LEAST_AUTHORS
    return enough and len(without) <= len(with_) / 19 and len(set(without) - set(with_)) <= len(set(with_)) / 19
