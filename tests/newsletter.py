"""A newsletter that can be left by one click, really signed, and what checking its signature finds."""

from mua.mime import dkim, verify
from mua.model.dkim import Algorithm
from mua.model.evidence import Evidence
from mua.net.dkim_keys import make_key, signing

PRIVATE, PUBLIC = make_key(Algorithm.ED25519)
RECORDS = {"s._domainkey.news.example": [dkim.record(Algorithm.ED25519, PUBLIC)]}
NOW = 1_795_341_700


def newsletter(url: str, *, sign: bool = True, later: str = "") -> bytes:
    """Its octets; ``url`` is where it is left; ``later``: fields (with CRLF) that are added after it was signed."""
    head = (
        "From: News <news@news.example>\r\nTo: maya@example.org\r\nSubject: All the news\r\n"
        f"Message-ID: <{len(url)}.1@news.example>\r\nDate: Mon, 30 Nov 2026 08:00:00 +0000\r\n"
        f"List-Unsubscribe: <mailto:leave@news.example>, <{url}>\r\n"
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    ).encode()
    text = b"Much happened.\r\n"
    if sign:
        body = dkim.BodyHash()
        body.feed(text)
        signer = dkim.Signer("news.example", "s", Algorithm.ED25519, signing(PRIVATE))
        head = dkim.signed(head, body.digest(), [signer], NOW)
    return later.encode() + head + b"\r\n" + text


def evidence(raw: bytes) -> Evidence:
    """What is found out of its signatures."""
    return verify.check(raw, {name: RECORDS.get(name, []) for name in verify.questions(raw)}, NOW)
