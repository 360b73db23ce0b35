"""Whether it is proven that a message is from the domain of its author.

Rule of the file: only what the account's own servers say (``mime.journey`` knows whose words those are), or what was
checked here; a signature counts when its domain speaks for the author's, and covers the whole text.
"""

from collections.abc import Iterable

from mua.model.domain import akin
from mua.model.evidence import Evidence, Outcome
from mua.model.journey import Stamp


def proves(author: str, stamps: Iterable[Stamp], evidence: Evidence | None = None) -> bool:
    """``author`` is the one address of From; ``stamps`` are to be believed."""
    domain = author.rpartition("@")[2]
    if not domain:
        return False
    for stamp in stamps:
        for one in stamp.results:
            said = one.of("header.from") if one.method == "dmarc" else one.of("header.d")
            if one.method in ("dmarc", "dkim") and one.result == "pass" and akin(said, domain):
                return True
    return any(
        one.kind == "dkim"
        and one.outcome is Outcome.HOLDS
        and one.open_octets < 0
        and not one.testing
        and akin(one.domain, domain)
        for one in (evidence.signatures if evidence is not None else ())
    )
