"""How a connection to a mail exchanger has to be protected, and what it means for a person when it cannot be.  Pure.

The order of what binds is: DANE (RFC 7672), the domain's MTA-STS policy (RFC 8461), and what mail to the domain had
before; where there is none of it encryption is opportunistic (RFC 7435).

Rules of the file: nothing that comes later in this order excuses a failure of what comes before.  What a domain had
before holds for all its exchangers: a weaker one beside those that are away is what an attacker would bring about.
"""

from collections.abc import Collection
from enum import Enum, IntEnum, StrEnum

from mua.plan import sts
from mua.plan.dane import Stance, Standing
from mua.plan.retry import DAY
from mua.records import dataclass

UNPROVEN = 30 * DAY  # for so long encryption that nobody proved is expected again


class Protection(Enum):
    """How a session with an exchanger is protected."""

    NONE = "in clear"
    WHATEVER = "TLS where it is offered, whatever the certificate says"  # RFC 7435
    ENCRYPTED = "TLS, whatever the certificate says"
    VERIFIED = "TLS with a certificate for the exchanger's name that an authority vouches for"  # RFC 8461 s.4.2
    DANE = "TLS with a certificate that the exchanger's TLSA records mean"


class Trouble(Enum):
    """Why a session did not come about as it should."""

    OTHER = "something else"
    NOT_OFFERED = "no encryption is offered"
    BROKEN = "the encryption could not be set up"
    NOT_PROVEN = "the certificate is not the one that is demanded"


class Level(IntEnum):
    """How well mail to a domain was protected."""

    CLEAR = 0
    TLS = 1
    VERIFIED = 2


class By(StrEnum):
    """Who demands it, or by what it was verified."""

    NOBODY = ""
    DANE = "DANE"
    STS = "MTA-STS"
    EARLIER = "earlier mail"


@dataclass(frozen=True, slots=True)
class Best:
    """The best that mail to a domain had; ``by`` what verified it."""

    level: Level = Level.CLEAR
    by: By = By.NOBODY


@dataclass(frozen=True, slots=True)
class Demand:
    """What one exchanger of ``domain`` has to offer: one of the ``ladder``, tried in this order.

    Without a ladder it is not called, and ``refusal`` says why (with an RFC 3463 code).
    """

    domain: str
    by: By = By.NOBODY
    ladder: tuple[Protection, ...] = ()
    refusal: str = ""

    def sentence(self, host: str, trouble: Trouble) -> str:
        """Why nothing was sent to ``host``, for a person, when TLS did not come about; empty: nobody demands it."""
        if self.by is By.STS:
            why = f"4.7.5 {self.domain} demands verified encryption (MTA-STS), and {host} does not offer it"
            return f"{why}, so nothing was sent. {_OPERATOR}"
        if self.by is By.DANE and trouble is Trouble.NOT_PROVEN:
            why = f"4.7.5 {host} does not show the certificate that is published for it (DANE)"
            return f"{why}, so nothing was sent. {_OPERATOR}"
        missing = trouble is Trouble.NOT_OFFERED
        code, what = ("4.7.4", f"{host} does not offer it") if missing else ("4.7.5", f"none with {host} came about")
        if self.by is By.DANE:
            return f"{code} {self.domain} demands encryption (DANE), and {what}, so nothing was sent. {_OPERATOR}"
        if self.by is By.EARLIER:
            return f"{code} There was encryption with {self.domain} before, and {what}, so nothing was sent. {_LEAVE}"
        return ""


_OPERATOR = "Its operator must mend that; Mua goes on trying."
_LEAVE = "Mua goes on trying; you may allow less protection."


def demand(
    domain: str, host: str, standing: Standing, policy: sts.Policy | None, best: Best, unvalidated: str = ""
) -> Demand:
    """What ``host`` has to offer; ``unvalidated`` says why DANE cannot be known of, where that is so."""
    if standing.stance is Stance.FAILED:
        text = (
            f"4.7.5 What {host} has to show (DANE) could not be looked up: {standing.why}, so nothing was sent to it."
        )
        return Demand(domain, By.DANE, refusal=f"{text} Mua goes on trying.")
    if standing.stance is Stance.DANE:
        return Demand(domain, By.DANE, (Protection.DANE,))
    if policy is not None and policy.mode is sts.Mode.ENFORCE:
        if sts.matches(host, policy.mx):
            return Demand(domain, By.STS, (Protection.VERIFIED,))
        text = f"4.7.5 {host} is not one of the mail servers that {domain} allows (MTA-STS), so nothing was sent to it."
        return Demand(domain, By.STS, refusal=f"{text} {_OPERATOR}")
    if best.level is Level.VERIFIED:
        return Demand(domain, By.EARLIER, refusal=_unproven(domain, host, best, unvalidated))
    if standing.stance is Stance.ENCRYPTED:
        return Demand(domain, By.DANE, (Protection.ENCRYPTED,))
    if best.level is Level.TLS:
        return Demand(domain, By.EARLIER, (Protection.ENCRYPTED,))
    return Demand(domain, By.NOBODY, (Protection.WHATEVER, Protection.NONE))


def _unproven(domain: str, host: str, best: Best, unvalidated: str) -> str:
    if best.by is By.DANE and unvalidated:
        what = f"4.7.5 The servers of {domain} proved who they are before (DANE), which cannot be checked now"
        return f"{what}, because {unvalidated}; nothing was sent. {_LEAVE}"
    what = f"4.7.5 The servers of {domain} proved who they are before ({best.by}), and {host} does not"
    return f"{what}, so nothing was sent. {_LEAVE}"


def lasting(best: Best, age: int) -> Best:
    """``best``, save for encryption that nobody proved and that was last seen too many seconds ago: whoever answered
    once for a domain without any must not close it for ever.
    """
    return Best() if best.level is Level.TLS and age > UNPROVEN else best


def remembered(best: Best, standings: Collection[Standing], policy: sts.Policy | None) -> Best:
    """``best``, save for what the domain itself took back: DNSSEC vouches that none of its exchangers has usable TLSA
    records any more, or its policy says that there is none (RFC 8461 s.2.1).

    ``standings`` are of all its exchangers; one whose address is not known FAILED: whoever can block one look-up would
    take back what the others never had.
    """
    without = {Stance.ABSENT, Stance.ENCRYPTED}
    undone = bool(standings) and {one.stance for one in standings} <= without
    if best.by is By.DANE and undone:
        return Best(Level.TLS)
    if best.by is By.STS and policy is not None and policy.mode is sts.Mode.NONE:
        return Best(Level.TLS)
    return best
