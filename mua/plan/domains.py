"""Domains of addresses, as DNS and SMTP want them.  Pure."""

import ipaddress
import re

_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def split_address(address: str) -> tuple[str, str]:
    """``local@domain`` -> (local, domain); the domain is empty when there is none."""
    local, _, domain = address.rpartition("@")
    return (local, domain) if local else (address, "")


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
    except (idna.IDNAError, UnicodeError) as exc:
        raise ValueError(f"not a domain name: {domain[:80]!r}") from exc


def is_address(host: str) -> bool:
    """Whether what stands in a host's place is an IP address, or would be taken for one.

    ``127.1`` and ``0x7f000001`` are addresses to ``getaddrinfo``; no name ends in a number (RFC 3696 s.2).
    """
    if _NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def ascii_address(address: str) -> str:
    """``address`` with its domain as A-labels; the local part is never touched.  Raises ValueError."""
    local, domain = split_address(address)
    if not local or not domain:
        raise ValueError(f"not an address: {address[:80]!r}")
    return f"{local}@{a_label(domain)}"


def _plausible(name: str) -> bool:
    """Underscores and odd hyphens occur in real names; spaces, empty labels and over-long ones cannot be asked for."""
    labels = name.split(".")
    letters = all(label and len(label) <= 63 and all(c.isalnum() or c in "-_" for c in label) for label in labels)
    return letters and len(name) <= 253
