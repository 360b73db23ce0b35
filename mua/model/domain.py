"""Which names belong to one house: the organizational domain (RFC 7489 s.3.2), without a list of public suffixes.

Rule of the file: where it is not known, less belongs together than might.
"""

from typing import Final

_SECOND: Final = frozenset(
    "ac co com edu gob gouv gov govt go gv id ind mil ne net nhs nom or org plc police sch".split()
)


def organizational(domain: str) -> str:
    """The part of a domain that somebody registered: two labels, three where a country's registry has its own second.

    Lower case, without a final dot; an address (of IP) stays as it is, so that nothing but itself equals it.
    """
    name = _plain(domain)
    labels = name.split(".")
    if ":" in name or labels[-1].isdigit() or name.startswith("["):
        return name
    own = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND else 2
    return ".".join(labels[-own:])


def aligned(signer: str, author: str) -> bool:
    """Whether a domain speaks for an author's (RFC 7489 s.3.1): it is the same, or one is below the other.

    Two domains side by side are only ``akin``: without a list of public suffixes they could be two customers of one
    house, where relaxed alignment would count them as one.
    """
    mine, theirs = _plain(signer), _plain(author)
    return akin(mine, theirs) and (mine == theirs or mine.endswith(f".{theirs}") or theirs.endswith(f".{mine}"))


def akin(one: str, other: str) -> bool:
    """Whether two domains are of one house, as far as their names say."""
    mine = organizational(one)
    return "." in mine and mine == organizational(other)


def _plain(domain: str) -> str:
    return domain.strip().strip(".").lower()
