"""Domains: their form in the DNS, and which of them belong to one house.

Rules of the file: one encoder of names for all, that of the programs that ask for them (UTS 46 and IDNA 2008: the
codec of Python's own would make another domain of one with a sharp s).  The organizational domain (RFC 7489 s.3.2) is
found by the list of public suffixes, its private part included: two customers of one host are two houses.  The list
comes with a library, as old as that; a suffix that it does not know is taken to be one label.
"""

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList


@lru_cache(maxsize=4096)  # the same few are asked for again and again
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


@lru_cache(maxsize=4096)
def organizational(domain: str) -> str:
    """The part of a domain that somebody registered: one label more than its public suffix, or the suffix itself.

    A-labels, without a final dot; an address (of IP) stays as it is, so that nothing but itself equals it.
    """
    name = _plain(domain)
    if ":" in name or name.rpartition(".")[2].isdigit() or name.startswith("["):
        return name
    try:
        name = a_label(name)
        read = u_label(name)
    except ValueError:
        read = name
    labels = name.split(".")
    found = _suffixes().privatesuffix(read)
    return name if found is None else ".".join(labels[-found.count(".") - 1 :])


def akin(one: str, other: str) -> bool:
    """Whether two domains are of one house: relaxed alignment (RFC 7489 s.3.1)."""
    mine = organizational(one)
    return "." in mine and mine == organizational(other)


@lru_cache(maxsize=1)
def _suffixes() -> "PublicSuffixList":
    from publicsuffixlist import PublicSuffixList  # 20 ms, for the first domain that is compared

    return PublicSuffixList(accept_encoded_idn=False)


def _plausible(name: str) -> bool:
    """Underscores and odd hyphens occur in real names; spaces, empty labels and over-long ones cannot be asked for."""
    labels = name.split(".")
    letters = all(label and len(label) <= 63 and all(c.isalnum() or c in "-_" for c in label) for label in labels)
    return letters and len(name) <= 253


def _plain(domain: str) -> str:
    return domain.strip().strip(".").lower()
