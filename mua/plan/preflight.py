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
