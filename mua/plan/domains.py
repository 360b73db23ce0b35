"""Addresses of people and hosts, as DNS and SMTP want them.  Pure."""

import ipaddress
import re

from mua.model.domain import a_label

_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")


def split_address(address: str) -> tuple[str, str]:
    """``local@domain`` -> (local, domain); the domain is empty when there is none."""
    local, _, domain = address.rpartition("@")
    return (local, domain) if local else (address, "")


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
