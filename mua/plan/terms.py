"""What a person asks of the servers on the way, put to one of them.  Pure.

Encryption is a condition (RFC 8689): where it cannot be promised the message does not go, whatever is lost by that.  A
time is a wish (RFC 2852, mode N: whoever cannot deliver by then tells the sender, and goes on): where it cannot be
passed on the message goes all the same, and that is said.
"""

from collections.abc import Collection

from mua.model.outgoing import Terms
from mua.records import dataclass

_MOST = 999_999_999  # RFC 2852 s.4: nine digits


@dataclass(frozen=True, slots=True)
class Agreement:
    """``mail``: parameters of MAIL.  ``refused``: why this server does not get the message, or empty.  ``unmet``: the
    extension that it lacks and that the message goes without, or empty.
    """

    mail: tuple[str, ...] = ()
    refused: str = ""
    unmet: str = ""


def agree(terms: Terms, offers: Collection[str], *, host: str, verified: bool, now: int) -> Agreement:
    """What can be agreed with ``host``, which offers these extensions (upper case); ``now`` in UTC seconds.

    ``verified``: the connection is encrypted, and the server's certificate is its own.
    """
    if terms.require_tls and not (verified and "REQUIRETLS" in offers):
        why = "does not promise encryption all the way" if verified else "could not be verified"
        return Agreement(
            refused=f"5.7.30 {host} {why}, so the message was not sent; send it without requiring that, or through"
            " another account."
        )
    mail = ("REQUIRETLS",) if terms.require_tls else ()
    if terms.deliver_by is None:
        return Agreement(mail)
    if "DELIVERBY" not in offers:
        return Agreement(mail, unmet="DELIVERBY")
    seconds = max(-_MOST, min(terms.deliver_by - now, _MOST))
    return Agreement((*mail, f"BY={seconds};N"))
