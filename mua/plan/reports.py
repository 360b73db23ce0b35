"""Which of our recipients a report is about.  Pure."""

from collections.abc import Sequence

from mua.model.report import Reported


def about(one: Reported, sent_to: Sequence[str]) -> str | None:
    """The recipient (as in ``sent_to``) that ``one`` tells of, or None.

    The address that we used (ORCPT), the final one, the only recipient of that domain, the only recipient of all:
    a message that was forwarded on its way comes back from an address that we never wrote.
    """
    by_address = {address.casefold(): address for address in sent_to}
    for address in (one.address, one.final):
        if address.casefold() in by_address:
            return by_address[address.casefold()]
    domains = {address.rpartition("@")[2].casefold() for address in (one.address, one.final) if address}
    neighbours = [address for address in sent_to if address.rpartition("@")[2].casefold() in domains]
    if len(neighbours) == 1:
        return neighbours[0]
    return sent_to[0] if len(sent_to) == 1 else None
