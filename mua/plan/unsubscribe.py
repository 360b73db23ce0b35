"""Leaving a list by one click (RFC 8058): whether that is offered, and what is said about it.

Rule of the file: the address is asked only where a signature that was checked here, and that covers the whole text,
covers both fields that name it (s.4): else whoever passed a message on could have written them.
"""

from typing import Final
from urllib.parse import urlsplit

from mua.language import fill, tr
from mua.model.evidence import Evidence, Outcome
from mua.records import dataclass

FORM: Final = "List-Unsubscribe=One-Click"
"""What is posted (RFC 8058 s.3.2)."""
_FAILED: Final = {
    "private-address": tr("{host} leads into this computer’s own network, so nothing was sent there."),
    "unknown-host": tr("There is no server named {host}, so nothing was sent."),
    "connection-refused": tr("{host} refuses connections, so nothing was sent."),
    "network-down": tr("This computer seems to be offline, so nothing was sent."),
}


@dataclass(frozen=True, slots=True)
class OneClick:
    """The address that may be asked, its ``host``, and who signed for it; or ``why`` there is none, as a sentence.

    All empty: the list does not say that it can be left like that.
    """

    url: str = ""
    host: str = ""
    signer: str = ""
    why: str = ""


def one_click(url: str, claimed: bool, evidence: Evidence | None) -> OneClick:
    """``url`` and ``claimed``: of ``mime.list_fields`` the ``one_click`` and ``says_one_click``."""
    if not claimed:
        return OneClick()
    if not url:
        return OneClick(why=tr("It does not name exactly one https address that could be told."))
    if evidence is None:
        return OneClick(why=tr("Its signatures were not checked here, so anybody could have written where it leads."))
    signed = [one for one in evidence.signatures if one.kind == "dkim"]
    whole = [one for one in signed if one.outcome is Outcome.HOLDS and one.open_octets < 0 and not one.testing]
    found = next((one for one in whole if one.covers_leaving), None)
    if found is not None:
        return OneClick(url, urlsplit(url).hostname or "", found.domain)
    if whole:
        return OneClick(why=tr("No signature of it covers where it leads, so anybody could have written that."))
    if any(one.outcome is Outcome.UNKNOWN for one in signed):
        return OneClick(why=tr("Whether its signature holds is not known: the DNS did not say."))
    return OneClick(why=tr("No signature covers all of it and holds, so anybody could have written where it leads."))


def question(found: OneClick) -> str:
    """What is asked before anything is sent."""
    return tr(
        "Tell {host} that you want no more mail of this list? Only the address that the message names for this"
        " is asked for, and nothing is said about you beyond what is in it. {signer} signed that.",
        host=found.host,
        signer=found.signer[:80],
    )


def is_taken(status: int) -> bool:
    """Whether a server took it, by the status of its answer; a redirect is none (RFC 8058 s.3.2)."""
    return 200 <= status < 300


def told(host: str, status: int) -> str:
    """What became of it; 0: it had been told before."""
    if is_taken(status):
        return tr("{host} took it: you want no more mail of this list.", host=host)
    if status == 0:
        return tr("{host} was told before, so nothing was sent again.", host=host)
    if 300 <= status < 400:
        return tr(
            "{host} did not take it: it points elsewhere ({status}), which is not followed. You are not unsubscribed.",
            host=host,
            status=status,
        )
    return tr("{host} did not take it: it answered {status}. You are not unsubscribed.", host=host, status=status)


def failed(host: str, code: str) -> str:
    """Why there was no answer; ``code`` of ``net.https``."""
    if code.startswith(("certificate", "tls")):
        return tr("{host} could not prove that it is {host}, so nothing was sent.", host=host)
    text = _FAILED.get(code, "{host} did not answer as it should, so whether it took it is not known.")
    return fill(text, host=host)
