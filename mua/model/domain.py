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
    name = domain.strip().strip(".").lower()
    labels = name.split(".")
    if ":" in name or labels[-1].isdigit() or name.startswith("["):
        return name
    own = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND else 2
    return ".".join(labels[-own:])


def aligned(signer: str, author: str) -> bool:
    """Whether a domain speaks for an author's (relaxed alignment, RFC 7489 s.3.1)."""
    mine, theirs = organizational(signer), organizational(author)
    return bool(mine) and "." in mine and mine == theirs
