"""Fetching a domain's MTA-STS policy (RFC 8461 s.3.3)."""

import asyncio

from mua.net import https
from mua.plan import sts

PATIENCE = 15.0  # seconds for the web server


async def fetch(domain: str, ca_file: str, allow_private: bool) -> bytes:
    """The octets of the policy: certificate verified, no redirect followed, plain text, bounded.  Raises MailError."""
    url = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
    return await asyncio.to_thread(
        https.fetch, url, max_bytes=sts.MAX_OCTETS, timeout=PATIENCE, ca_file=ca_file, allow_private=allow_private,
        redirects=0, media="text/plain",
    )  # fmt: skip
