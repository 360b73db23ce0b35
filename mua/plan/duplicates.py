"""Which contacts may be one person: suggested, never decided.

Rules of the file: pure; the same address is a reason, the same name is one where no address speaks against it (both
have some, and of different people there are many of one name: then it is told as a weaker one).
"""

from collections.abc import Iterable

from mua.model.contact import Contact, ContactId
from mua.records import dataclass


@dataclass(frozen=True, slots=True)
class Suspicion:
    """These may be one; ``why`` is a sentence for people.  ``sure``: by an address."""

    contacts: tuple[ContactId, ...]
    why: str
    sure: bool


def find(contacts: Iterable[Contact]) -> list[Suspicion]:
    """Who may be there more than once, the surest first, each contact in one suspicion."""
    people = [one for one in contacts if not one.is_group]
    by_address: dict[str, list[Contact]] = {}
    by_name: dict[str, list[Contact]] = {}
    for one in people:
        for address in {address.casefold() for address in one.addresses}:
            by_address.setdefault(address, []).append(one)
        name = " ".join(sorted(one.name.casefold().replace(",", " ").split()))
        if len(name.split()) > 1:
            by_name.setdefault(name, []).append(one)
    found: list[Suspicion] = []
    taken: set[ContactId] = set()
    for table, sure in ((by_address, True), (by_name, False)):
        for key, many in table.items():
            ids = tuple(dict.fromkeys(one.id for one in many if one.id not in taken))
            if len(ids) > 1:
                taken.update(ids)
                why = f"They have the address {key}." if sure else "They have the same name."
                found.append(Suspicion(ids, why, sure))
    return found
