"""Domains: their form in the DNS, and which of them belong to one house.

Rules of the file: one encoder of names for all, that of the programs that ask for them (UTS 46 and IDNA 2008: the
codec of Python's own would make another domain of one with a sharp s).  The organizational domain (RFC 7489 s.3.2) is
found without a list of public suffixes: where it is not known, less belongs together than might.
"""

from typing import Final

_SECOND: Final = frozenset(
    "ac co com edu gob gouv gov govt go gv id ind mil ne net nhs nom or org plc police sch".split()
)


def a_label(domain: str) -> str:
    """The ASCII form of a domain (RFC 5891, with the mapping of UTS 46), lower case, without a final dot.

    Raises ValueError for what no DNS name can be.  ``[192.0.2.1]``, an address literal, stays as it is.
    """
    if domain.startswith("[") and domain.endswith("]") and domain.isascii():
        return domain
    name = domain.removesuffix(".").lower()
    if name.isascii() and _plausible(name):
        return name
    import idna  # its tables are loaded by the first name that needs them

    try:
        return idna.encode(name, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError, IndexError) as exc:
        raise ValueError(f"not a domain name: {domain[:80]!r}") from exc


def u_label(domain: str) -> str:
    """What the A-labels of a domain stand for (RFC 5890 s.2.3.2.1), whether they could be registered or not.

    Raises ValueError where one stands for nothing.  The text may look like anything: it is not for showing alone.
    """
    labels = domain.split(".")
    return ".".join(
        one[4:].lower().encode("ascii").decode("punycode") if one.lower().startswith("xn--") else one for one in labels
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


def _plausible(name: str) -> bool:
    """Underscores and odd hyphens occur in real names; spaces, empty labels and over-long ones cannot be asked for."""
    labels = name.split(".")
    letters = all(label and len(label) <= 63 and all(c.isalnum() or c in "-_" for c in label) for label in labels)
    return letters and len(name) <= 253


def _plain(domain: str) -> str:
    return domain.strip().strip(".").lower()
