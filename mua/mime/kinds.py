"""What a message is beside a letter: signed, encrypted, a piece of one, a report, an attachment that lies elsewhere.

Rule of the file: sentences for a person, made of what the message says of itself; nothing is verified, decrypted, put
together or fetched here, and the sentences say so.
"""

import re
from collections.abc import Iterator
from typing import Final

from mua.mime.report import report
from mua.mime.scan import EMBEDDED, Part
from mua.mime.text import neutralise
from mua.model.report import Action, Report

MAX_SENTENCES: Final = 20
_INLINE_PGP = re.compile(r"^-----BEGIN PGP (SIGNED )?MESSAGE-----\s*$", re.MULTILINE)
_SMIME: Final = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SAID: Final = {
    Action.FAILED: "could not be delivered",
    Action.DELAYED: "is delayed",
    Action.DELIVERED: "was delivered",
    Action.RELAYED: "was passed on to a server that sends no such reports",
    Action.EXPANDED: "was delivered to a list",
    Action.DISPLAYED: "was displayed",
    Action.DELETED: "was deleted",
    Action.PROCESSED: "was processed",
}


def nature(raw: bytes, root: Part, text: str) -> tuple[str, ...]:
    """What to tell a reader about the nature of the message ``raw``, whose scan is ``root`` and whose text ``text``."""
    found = [note for part in _own(root) for note in _of_part(root, part)]
    inline = _INLINE_PGP.search(text) if "-----BEGIN PGP " in text else None
    if inline is not None:
        found.append(
            "A part of this text is signed with OpenPGP; Mua does not check such signatures yet."
            if inline[1]
            else "This text is encrypted with OpenPGP; Mua cannot open it yet, and its source holds what came."
        )
    if root.type == "multipart/report" and (about := report(raw, root)) is not None:
        found.append(_reported(about))
    return tuple(dict.fromkeys(found))[:MAX_SENTENCES]


def _own(root: Part) -> Iterator[Part]:
    stack = [root]
    while stack:
        part = stack.pop()
        yield part
        if part.type not in EMBEDDED:  # what is inside is another message
            stack.extend(reversed(part.children))


def _of_part(root: Part, part: Part) -> Iterator[str]:
    what = "This message" if part is root else "A part of this message"
    kind = part.type
    if kind == "multipart/signed":
        yield f"{what} is signed{_with(part)}; Mua does not check such signatures yet, so it proves nothing here."
    elif kind == "multipart/encrypted":
        yield f"{what} is encrypted{_with(part)}; Mua cannot open it yet, and the source holds what came."
    elif kind in _SMIME:
        yield _smime(what, part)
    elif kind == "message/partial":
        yield _partial(part)
    elif kind == "message/external-body":
        yield _external(part)


def _with(part: Part) -> str:
    protocol = part.params.get("protocol", "").lower()
    return " with OpenPGP" if "pgp" in protocol else " with S/MIME" if "pkcs7" in protocol else ""


def _smime(what: str, part: Part) -> str:
    kind = part.params.get("smime-type", "").lower()
    if kind == "signed-data":
        return f"{what} is signed with S/MIME in a form whose text Mua cannot show yet; the source holds what came."
    if kind == "certs-only":
        return f"{what} holds S/MIME certificates; Mua does not use them yet."
    if kind == "compressed-data":
        return f"{what} is compressed in S/MIME's way; Mua cannot open it yet, and the source holds what came."
    return f"{what} is encrypted with S/MIME; Mua cannot open it yet, and the source holds what came."


def _partial(part: Part) -> str:
    number, total = part.params.get("number", ""), part.params.get("total", "")
    which = f"piece {number[:9]}" if number.isdigit() else "a piece"
    of = f" of {total[:9]}" if number.isdigit() and total.isdigit() else ""
    return f"This is {which}{of} of a larger message; Mua does not put pieces together or ask for the others."


def _external(part: Part) -> str:
    """RFC 2046 s.5.2.3: where it lies, in words, and never as a link."""
    given = part.params
    place = " ".join(
        f"{key} {neutralise(given[key])[:200]}"
        for key in ("access-type", "site", "server", "directory", "name", "url")
        if given.get(key)
    )
    return f"An attachment lies elsewhere ({place or 'its place is not named'}); Mua does not fetch it."


def _reported(about: Report) -> str:
    """One sentence about the first recipients of a report."""
    told = [
        f"what was sent to {one.address or 'somebody'} {_SAID[one.action]}" + (f" ({one.status})" if one.status else "")
        for one in about.recipients[:5]
    ]
    more = f", and of {len(about.recipients) - 5} more recipients" if len(about.recipients) > 5 else ""
    return f"This is an automatic report; it claims: {'; '.join(told) or 'nothing about a recipient'}{more}."
