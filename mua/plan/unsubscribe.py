"""Leaving a list by one click (RFC 8058): whether that is offered, and what is said about it.

Rule of the file: the address is asked only where a signature that was checked here, and that covers the whole text,
covers both fields that name it (s.4): else whoever passed a message on could have written them.
"""

from typing import Final
from urllib.parse import urlsplit

from mua.model.evidence import Evidence, Outcome
from mua.records import dataclass

FORM: Final = "List-Unsubscribe=One-Click"
"""What is posted (RFC 8058 s.3.2)."""
_FAILED: Final = {
    "private-address": "{host} leads into this computer’s own network, so nothing was sent there.",
    "unknown-host": "There is no server named {host}, so nothing was sent.",
    "connection-refused": "{host} refuses connections, so nothing was sent.",
    "network-down": "This computer seems to be offline, so nothing was sent.",
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
        return OneClick(why="It does not name exactly one https address that could be told.")
    if evidence is None:
        return OneClick(why="Its signatures were not checked here, so anybody could have written where it leads.")
    signed = [one for one in evidence.signatures if one.kind == "dkim"]
    whole = [one for one in signed if one.outcome is Outcome.HOLDS and one.open_octets < 0 and not one.testing]
    found = next((one for one in whole if one.covers_leaving), None)
    if found is not None:
        return OneClick(url, urlsplit(url).hostname or "", found.domain)
    if whole:
        return OneClick(why="No signature of it covers where it leads, so anybody could have written that.")
    if any(one.outcome is Outcome.UNKNOWN for one in signed):
        return OneClick(why="Whether its signature holds is not known: the DNS did not say.")
    return OneClick(why="No signature covers all of it and holds, so anybody could have written where it leads.")


def question(found: OneClick) -> str:
    """What is asked before anything is sent."""
    return (
        f"Tell {found.host} that you want no more mail of this list? Only the address that the message names for this"
        f" is asked for, and nothing is said about you beyond what is in it. {found.signer[:80]} signed that."
    )


def is_taken(status: int) -> bool:
    """Whether a server took it, by the status of its answer; a redirect is none (RFC 8058 s.3.2)."""
    return 200 <= status < 300


def told(host: str, status: int) -> str:
    """What became of it; 0: it had been told before."""
    if is_taken(status):
        return f"{host} took it: you want no more mail of this list."
    if status == 0:
        return f"{host} was told before, so nothing was sent again."
    if 300 <= status < 400:
        return (
            f"{host} did not take it: it points elsewhere ({status}), which is not followed. You are not unsubscribed."
        )
    return f"{host} did not take it: it answered {status}. You are not unsubscribed."


def failed(host: str, code: str) -> str:
    """Why there was no answer; ``code`` of ``net.https``."""
    if code.startswith(("certificate", "tls")):
        return f"{host} could not prove that it is {host}, so nothing was sent."
    text = _FAILED.get(code, "{host} did not answer as it should, so whether it took it is not known.")
    return text.format(host=host)
