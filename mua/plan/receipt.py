"""Whether a message asks to be told that it was read (RFC 8098), and what a person has to know before they say so.

Rule of the file: nothing here answers.  A receipt is worth asking about only in mail that a person wrote to a person;
for all else the answer is no, and nobody is bothered.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from mua.language import tr
from mua.model.address import Address
from mua.model.folder import Role
from mua.model.message import Flag, MessageView
from mua.records import dataclass

MOST: Final = 5  # addresses that a receipt goes to; who names more wants something else
_ASIDE: Final = (Role.JUNK, Role.SENT, Role.DRAFTS)
_LISTS: Final = frozenset({"list-id", "list-post", "list-unsubscribe"})
_REQUIRED: Final = re.compile(r"=\s*required\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asked:
    """``to``: the addresses that a receipt would go to; ``said``: that in sentences, ``odd`` where it is worth a look
    (RFC 8098 s.2.1: it is not where the message came from, or there are several).
    """

    to: tuple[str, ...]
    said: str
    odd: bool


def asked(view: MessageView, flags: Flag, role: Role, address: str, mine: frozenset[str]) -> Asked | None:
    """What to ask the person about a message in a folder of that ``role``; None: nothing.

    ``address`` is its account's, which the receipt would name; ``mine`` (lower case) those of all accounts.
    """
    to = tuple(dict.fromkeys(one.address for one in view.receipt_to))
    if not to or len(to) > MOST or flags & Flag.MDN_SENT or role in _ASIDE:
        return None
    if any(one.address.lower() in mine for one in view.sender) or _is_automatic(view.headers):
        return None
    authors = {_compared(one.address) for one in view.sender}
    strange = any(_compared(one) not in authors for one in to)
    path = next((value for name, value in view.headers if name == "Return-Path"), "").strip().strip("<>")
    elsewhere = bool(path) and any(_compared(one) != _compared(path) for one in to)
    if len(to) > 1:
        said = tr(
            "The receipt goes to {number} addresses: {names} and {last}.",
            number=len(to),
            names=", ".join(to[:-1]),
            last=to[-1],
        )
        said += tr(" Not all of them are the author’s.") if strange else ""
    elif strange:
        said = tr("The receipt goes to {to}, which is not the author’s address.", to=to[0])
    elif elsewhere:
        said = tr("The receipt goes to {to}, but the message was sent by {path}.", to=to[0], path=path)
    else:
        said = tr("The receipt goes to {to}.", to=to[0])
    hidden = not _is_named(address, (*view.to, *view.cc))
    if hidden:
        said += tr(" It names your address {address}, which this message was not addressed to.", address=address)
    return Asked(to, said, strange or elsewhere or hidden or len(to) > 1)


def _is_automatic(headers: Sequence[tuple[str, str]]) -> bool:
    """Whether no person waits for an answer: lists, bulk mail, what programs wrote, reports (RFC 8098 s.3 among them),
    and what asks for more than is known here (s.2.2).
    """
    for name, value in headers:
        key, word = name.lower(), value.strip().lower()
        if (
            key in _LISTS
            or (key == "precedence" and word in ("bulk", "junk", "list"))
            or (key == "auto-submitted" and word.partition(";")[0].strip() != "no")
            or (key == "return-path" and word == "<>")
            or (key == "content-type" and word.startswith(("multipart/report", "message/disposition-notification")))
            or (key == "disposition-notification-options" and _REQUIRED.search(word))
        ):
            return True
    return False


def _is_named(address: str, many: Iterable[Address]) -> bool:
    return address.lower() in {one.address.lower() for one in many}


def _compared(address: str) -> tuple[str, str]:
    """As RFC 8098 s.2.1 compares: letters count before the @, not behind it."""
    local, _, domain = address.rpartition("@")
    return local, domain.lower()
