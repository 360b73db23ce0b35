"""DKIM: the examples of the RFCs, every cut of a body, what a signature covers, and what a record has to say."""

import base64
import itertools
import re
import time
import tracemalloc

import pytest
from dkim_verifier import fields_of, relaxed_body, relaxed_field, verify
from hypothesis import given
from hypothesis import strategies as st

from mua.mime import dkim
from mua.mime.dkim import BodyHash, Signer
from mua.mime.freeze import freeze, redated
from mua.model.dkim import Algorithm
from mua.model.records import zone_line
from mua.net.dkim_keys import make_key, signing

# RFC 8463, appendix A
RFC_8463 = b"""DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game.  Are you hungry yet?

Joe.
""".replace(b"\n", b"\r\n")
ED25519_SECRET = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
RECORDS_8463 = {
    "brisbane._domainkey.football.example.com": "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "test._domainkey.football.example.com": "v=DKIM1; k=rsa; p="
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx"
    "/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTI"
    "KT+l/K4w3QIDAQAB",
}


def test_the_oracle_of_these_tests_verifies_what_rfc_8463_signed() -> None:
    assert verify(RFC_8463, RECORDS_8463) == {"brisbane": True, "test": True}
    assert verify(RFC_8463.replace(b"dinner", b"supper"), RECORDS_8463) == {"brisbane": False, "test": False}


def test_the_body_hash_of_rfc_8463() -> None:
    hashed = BodyHash()
    hashed.feed(RFC_8463.partition(b"\r\n\r\n")[2])
    assert base64.b64encode(hashed.digest()) == b"2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="


@pytest.mark.parametrize(
    "body, relaxed",
    [
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376 s.3.4.5
        (b"", b""),
        (b"\r\n", b""),
        (b" \t\r\n\r\n", b""),
        (b"no end", b"no end\r\n"),
        (b"a\r\n\r\n\r\nb\r\n\r\n", b"a\r\n\r\n\r\nb\r\n"),
    ],
)
def test_the_relaxed_body(body: bytes, relaxed: bytes) -> None:
    assert relaxed_body(body) == relaxed
    hashed, expected = BodyHash(), BodyHash()
    hashed.feed(body)
    expected._hash.update(relaxed)
    assert hashed.digest() == expected.digest()


PIECES = st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"  ", b".", b"\xc3\xa9", b"x" * 70, b" \r\n", b"\r\n\r\n"])


@given(st.lists(PIECES, max_size=40), st.lists(st.integers(0, 400), max_size=6))
def test_a_body_in_any_blocks_has_the_hash_of_the_whole(pieces: list[bytes], cuts: list[int]) -> None:
    body = b"".join(pieces)
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    hashed, whole = BodyHash(), BodyHash()
    given_back = b"".join(hashed.through(body[a:b] for a, b in itertools.pairwise(edges)))
    whole._hash.update(relaxed_body(body))
    assert given_back == body
    assert hashed.digest() == whole.digest()


VALUES = st.lists(st.sampled_from([b"word", b" ", b"\t", b"\r\n ", b"\r\n\t", b":", b"=?utf-8?q?x?="]), max_size=10)


@given(st.sampled_from([b"Subject", b"SUBJECT", b"x-y"]), st.sampled_from([b":", b" :", b"\t:"]), VALUES)
def test_a_field_in_its_relaxed_form(name: bytes, colon: bytes, value: list[bytes]) -> None:
    field = name + colon + b"".join(value) + b"end"
    assert dkim.relaxed_field(field + b"\r\n") == relaxed_field(field) + b"\r\n"


KEYS = {algorithm: make_key(algorithm) for algorithm in Algorithm}
SIGNERS = [
    Signer("example.org", f"s-{algorithm}", algorithm, signing(private)) for algorithm, (private, _) in KEYS.items()
]
RECORDS = {
    dkim.record_name(signer.selector, signer.domain): dkim.record(signer.algorithm, KEYS[signer.algorithm][1])
    for signer in SIGNERS
}
BOTH = {"s-rsa": True, "s-ed25519": True}
MAIL = (
    b"From: Ada <ada@example.org>\r\nTo: bob@example.net,\r\n\tcarol@example.net\r\nSubject: One  blank\r\n and  a fold"
    b"\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain\r\nX-Other: not signed\r\n\r\nHi  there \r\n\r\n.dot\r\n\r\n"
)


def signed(mail: bytes = MAIL, now: int = 1_700_000_000) -> bytes:
    head, _, body = mail.partition(b"\r\n\r\n")
    hashed = BodyHash()
    hashed.feed(body)
    return dkim.signed(head + b"\r\n", hashed.digest(), SIGNERS, now) + b"\r\n" + body


def test_two_signatures_above_an_unchanged_message() -> None:
    message = signed()
    assert message.endswith(MAIL)
    assert verify(message, RECORDS) == BOTH
    above = message.removesuffix(MAIL)
    assert above.count(b"DKIM-Signature: ") == 2
    assert all(len(line) <= 78 for line in above.split(b"\r\n"))
    assert b"t=1700000000;" in above
    assert not re.search(rb"[;\s][lx]=", above)
    assert above.isascii()


@given(
    st.lists(
        st.tuples(st.sampled_from(["To", "Cc", "Subject", "References", "X-Any", "From"]), VALUES.map(b"".join)),
        max_size=8,
    ),
    st.lists(PIECES, max_size=20),
)
def test_any_message_verifies(fields: list[tuple[str, bytes]], body: list[bytes]) -> None:
    head = b"".join(name.encode() + b": x" + value + b"\r\n" for name, value in fields)
    message = signed(b"From: ada@example.org\r\n" + head + b"\r\n" + b"".join(body))
    assert verify(message, RECORDS) == BOTH


@pytest.mark.parametrize(
    "change",
    [
        (b"One  blank", b"One more"), (b"bob@", b"eve@"), (b"Hi  there", b"Ho  there"), (b"\r\n\r\n.dot", b"\r\n.dot"),
        (b"MIME-Version", b"Subject: another\r\nMIME-Version"),
        (b"MIME-Version", b"From: eve@example.org\r\nMIME-Version"),
        (b"text/plain", b"text/html"),
        *((b"From: Ada", field + b"\r\nFrom: Ada") for field in (
            b"Reply-To: eve@example.org", b"Cc: eve@example.org", b"To: eve@example.org", b"Sender: eve@example.org",
            b"Date: Sat, 12 Jul 2003 21:00:37 -0700", b"Message-ID: <2@example.org>", b"In-Reply-To: <0@example.org>",
            b"References: <0@example.org>", b"Content-Type: multipart/mixed; boundary=Hi",
            b"Content-Transfer-Encoding: base64", b"MIME-Version: 1.0",
        )),
    ],
)  # fmt: skip
def test_a_change_of_what_is_signed_shows(change: tuple[bytes, bytes]) -> None:
    message = signed()
    assert verify(message.replace(*change), RECORDS) == {"s-rsa": False, "s-ed25519": False}


@pytest.mark.parametrize(
    "change",
    [
        (b"One  blank\r\n and", b"One blank and"), (b"not signed", b"changed"), (b"there \r\n", b"there\r\n"),
        (b".dot\r\n\r\n", b".dot\r\n"), (b"DKIM-Signature: v=1; a=rsa", b"Received: x\r\nDKIM-Signature: v=1; a=rsa"),
    ],
)  # fmt: skip
def test_what_relays_do_to_mail_does_not(change: tuple[bytes, bytes]) -> None:
    message = signed()
    assert change[0] in message
    assert verify(message.replace(*change), RECORDS) == BOTH


def test_signing_again_replaces_our_signatures_and_no_others() -> None:
    theirs = b"DKIM-Signature: v=1; a=rsa-sha256; d=elsewhere.example;\r\n\ts=x; h=from; bh=; b=\r\n"
    again = signed(signed(theirs + MAIL), now=1_800_000_000)
    assert again.count(b"DKIM-Signature") == 3
    assert theirs in again
    assert again.count(b"t=1800000000") == 2
    assert verify(again.replace(theirs, b""), RECORDS) == BOTH


def test_another_date_leaves_no_signature_that_fails() -> None:
    head = signed().partition(b"\r\n\r\n")[0] + b"\r\n"
    later = redated(head, 1_800_000_000, 0)
    assert b"DKIM-Signature" not in later
    assert [one for one in fields_of(later) if not one.startswith(b"Date")] == [
        one for one in fields_of(MAIL.partition(b"\r\n\r\n")[0]) if not one.startswith(b"Date")
    ]


def test_what_is_signed_is_frozen_in_seven_bits() -> None:
    raw = "From: ada@example.org\nTo: bob@example.net\nContent-Type: text/plain; charset=utf-8\n"
    raw += "Content-Transfer-Encoding: 8bit\n\nGrüße\n"
    frozen = freeze(raw.encode(), now=0, message_id_if_missing="1@x", seven_bit=True)
    assert frozen.wire.isascii()
    assert base64.b64encode("Grüße\r\n".encode()) in frozen.wire
    assert not freeze(raw.encode(), now=0, message_id_if_missing="1@x").wire.isascii()


@pytest.mark.parametrize(
    "text, fits",
    [
        ("v=DKIM1; k=rsa; p=KEY", True), ("p=KEY", True), ("v=DKIM1;k=rsa;t=y;p=K EY;", True),
        ("v=DKIM1; k=rsa; h=sha1:sha256; s=email; p=KEY", True), ("v=DKIM1; k=ed25519; p=KEY", False),
        ("v=DKIM1; k=rsa; p=", False), ("v=DKIM1; k=rsa; p=OTHER", False), ("v=DKIM2; p=KEY", False),
        ("v=DKIM1; h=sha1; p=KEY", False), ("v=DKIM1; s=other; p=KEY", False), ("", False), ("nonsense", False),
    ],
)  # fmt: skip
def test_what_a_record_publishes(text: str, fits: bool) -> None:
    assert dkim.publishes(text, Algorithm.RSA, "KEY") is fits


def test_a_long_record_in_a_zone_file() -> None:
    record = dkim.record(Algorithm.RSA, KEYS[Algorithm.RSA][1])
    line = zone_line("s._domainkey.example.org", record)
    strings = re.findall(r'"([^"]*)"', line)
    assert len(record) > 255
    assert "".join(strings) == record
    assert all(len(one) <= 255 for one in strings)
    assert dkim.publishes(record, Algorithm.RSA, KEYS[Algorithm.RSA][1])


def test_a_key_signs_as_rfc_8032_says() -> None:
    """The first test vector there is the secret key of RFC 8463."""
    prefix = bytes.fromhex("302e020100300506032b657004220420")  # PKCS #8 of an Ed25519 key (RFC 8410 s.7)
    sign = signing(base64.b64encode(prefix + ED25519_SECRET).decode())
    expected = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    expected += "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    assert sign(b"").hex() == expected


def test_twenty_five_megabytes_in_constant_memory() -> None:
    block = (b"A" * 76 + b"\r\n") * 1500
    hashed = BodyHash()
    tracemalloc.start()
    before = time.process_time()
    for _ in range(25_000_000 // len(block)):
        hashed.feed(block)
    spent = time.process_time() - before
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert hashed.digest()
    assert most < 10 * len(block)
    assert spent < 5
