"""What can be said of a domain before mail is sent to it.  Pure."""

from collections.abc import Collection

from mua.model.outlook import Outlook, Seal
from mua.plan.dane import Stance, Standing
from mua.plan.mx import Verdict
from mua.plan.protection import Best, By, Level
from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Offer:
    """What an exchanger of a domain said that it takes: ``size`` octets at most (0: not said), SMTPUTF8 or not."""

    size: int
    utf8: bool


def refused(domain: str, verdict: Verdict) -> Outlook:
    """No exchanger could be called: for good, or for now."""
    return Outlook(domain, verdict.text, verdict.permanent)


def outlook(
    domain: str, standings: Collection[Standing], announced: bool, best: Best | None, offer: Offer | None
) -> Outlook:
    """There are exchangers.  ``announced``: the domain has an MTA-STS record; ``best`` and ``offer`` are what earlier
    mail met, None where there was none.
    """
    seal = _seal({one.stance for one in standings}, announced, best)
    return Outlook(domain, "", False, seal, offer.size if offer else 0, offer.utf8 if offer else None)


def _seal(stances: set[Stance], announced: bool, best: Best | None) -> Seal:
    if Stance.DANE in stances or (best and best.by is By.DANE):
        return Seal.DANE
    if announced or (best and best.by is By.STS):
        return Seal.STS
    if Stance.ENCRYPTED in stances or (best and best.level is not Level.CLEAR):
        return Seal.TLS
    return Seal.UNKNOWN if best is None else Seal.NONE


def trouble(one: Outlook, address: str, octets: int = 0) -> str:
    """Why a letter of so many octets would come back from this address there, as one sentence; or empty.

    A look-up that failed is no such reason: the mail would wait.
    """
    if one.problem:
        return one.problem if one.final else ""
    if one.utf8 is False and not address.rpartition("@")[0].isascii():
        return f"The servers of {one.domain} take no address like {address}, with letters beyond ASCII."
    if one.size and octets > one.size:
        return f"The servers of {one.domain} take at most {one.size / 1_000_000:,.1f} MB; this message is larger."
    return ""
