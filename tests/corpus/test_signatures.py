"""Every mail of the shared corpora that can be sent, signed, verifies; and nothing but its signature was added."""

import agreement
import corpora
import pytest
from dkim_verifier import verify

from mua.mime import dkim
from mua.mime.freeze import freeze
from mua.model.dkim import Algorithm
from mua.net.dkim_keys import make_key, signing

pytestmark = pytest.mark.skipif(not agreement.available(), reason="the shared corpora are not here")

PRIVATE, PUBLIC = make_key(Algorithm.ED25519)
SIGNER = dkim.Signer("example.org", "s", Algorithm.ED25519, signing(PRIVATE))
RECORDS = {dkim.record_name("s", "example.org"): dkim.record(Algorithm.ED25519, PUBLIC)}


SMALL = 100_000  # octets: what is larger takes time and has nothing new


def test_what_can_be_sent_can_be_signed() -> None:
    sent, failed = 0, []
    for number, (name, raw) in enumerate(corpora.letters()):
        missing = {"message_id_if_missing": "1@example.org", "sender_if_missing": "ada@example.org"}
        frozen = freeze(raw[:SMALL], now=1, seven_bit=number % 2 == 0, **missing)
        if frozen.problems:
            continue
        rest = b"".join(piece for piece in frozen.rest if isinstance(piece, bytes))
        body = dkim.BodyHash()
        body.feed(rest.removeprefix(b"\r\n"))
        unsigned = dkim.without(frozen.head)  # a few were signed by others
        head = dkim.signed(unsigned, body.digest(), [SIGNER], 1_700_000_000)
        sent += 1
        if verify(head + rest, RECORDS) != {"s": True} or not head.endswith(unsigned):
            failed.append(name)
    assert failed == []
    assert sent > 800
