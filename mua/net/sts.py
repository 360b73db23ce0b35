"""Fetching a domain's MTA-STS policy (RFC 8461 s.3.3)."""

import asyncio

from mua.plan import sts

PATIENCE = 15.0  # seconds for the web server
AT_ONCE = 3  # web servers that are asked at a time: threads are few, and others wait for them


class PolicyFetcher:
    """Fetches policies, a few at a time."""

    def __init__(self) -> None:
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, domain: str, ca_file: str, allow_private: bool) -> bytes:
        """The octets of a policy: certificate verified, no redirect, plain text, bounded.  Raises MailError."""
        from mua.net import https  # few domains have a policy

        url = f"https://mta-sts.{domain}/.well-known/mta-sts.txt"
        async with self._gate:
            return await asyncio.to_thread(
                https.fetch, url, max_bytes=sts.MAX_OCTETS, timeout=PATIENCE, ca_file=ca_file,
                allow_private=allow_private, redirects=0, media="text/plain",
            )  # fmt: skip
