"""Signatures and chains that another library made (dkimpy 1.1.8, with its verdicts): what holds, and what does not.

``tests/signed`` holds the mails, and in ``signed.json`` the records of their domains and what dkimpy says of each.
"""

import json
import random
import re
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import dkim_verifier
import pytest
from newsletter import RECORDS as RECORDS_OF_NEWS
from newsletter import newsletter

from mua.mime import dkim
from mua.mime.verify import MAX_NAMES, PIECE, _canonical_body, _Message, check, completed, questions
from mua.model.dkim import Algorithm
from mua.model.evidence import Evidence, Outcome, Signature
from mua.net.dkim_keys import make_key, signing

FOLDER = Path(__file__).resolve().parents[2] / "signed"
MADE = json.loads((FOLDER / "signed.json").read_text())
RECORDS: dict[str, str] = MADE["records"]
NOW = 1_795_341_700
STRICTER = {"rsa-sha1": Outcome.WEAK, "key-sha1": Outcome.UNUSABLE}  # dkimpy takes them; RFC 8301 does not


def mail(name: str) -> bytes:
    return (FOLDER / f"{name}.eml").read_bytes()


def checked(raw: bytes, now: int = NOW, **records: str) -> Evidence:
    known = {**RECORDS, **records}
    return check(raw, {name: [known[name]] if name in known else [] for name in questions(raw)}, now)


def first(raw: bytes, **records: str) -> Signature:
    return next(one for one in checked(raw, **records).signatures if one.kind == "dkim")


@pytest.mark.parametrize("name", sorted(MADE["dkimpy"]))
def test_the_verdicts_are_dkimpys(name: str) -> None:
    theirs = MADE["dkimpy"][name]
    found = checked(mail(name))
    assert (found.chain or "none") == theirs["arc"]
    outcome = first(mail(name)).outcome
    assert outcome is STRICTER.get(name, outcome)
    if name not in STRICTER:
        assert (outcome is Outcome.HOLDS) is (theirs["dkim"] is True)


def test_every_mail_is_there() -> None:
    assert {one.stem for one in FOLDER.glob("*.eml")} == set(MADE["dkimpy"]) and len(MADE["dkimpy"]) > 25


@pytest.mark.parametrize(
    ("name", "outcome", "words"),
    [
        ("rsa-768", Outcome.WEAK, "768 bits"),
        ("rsa-sha1", Outcome.WEAK, "forged"),
        ("body-changed", Outcome.BROKEN, "text"),
        ("subject-changed", Outcome.BROKEN, "header"),
        ("key-gone", Outcome.UNUSABLE, "withdrawn"),
        ("key-none", Outcome.UNUSABLE, "no such key"),
        ("key-web", Outcome.UNUSABLE, "not for mail"),
        ("key-sha1", Outcome.UNUSABLE, "another method"),
    ],
)
def test_why_one_does_not_hold(name: str, outcome: Outcome, words: str) -> None:
    one = first(mail(name))
    assert one.outcome is outcome and words in one.why


def test_what_is_open_is_told() -> None:
    assert first(mail("length")).open_octets == -1
    assert first(mail("length-added")).open_octets == len(b"\r\n\r\nBuy gold.\r\n")
    assert first(mail("key-test")).testing


def test_nobody_knows_is_not_broken() -> None:
    raw = mail("relaxed-relaxed")
    [one] = check(raw, dict.fromkeys(questions(raw)), NOW).signatures
    assert one.outcome is Outcome.UNKNOWN
    assert check(mail("chain-2"), dict.fromkeys(questions(mail("chain-2"))), NOW).chain == "unknown"


@pytest.mark.parametrize(
    ("added", "outcome"),
    [
        (b"X-Note: hello\r\n", Outcome.HOLDS),
        (b"From: boss@bank.example\r\n", Outcome.BROKEN),
        (b"Subject: Pay\r\n", Outcome.BROKEN),
        (b"Content-Type: text/html\r\nContent-Type: text/plain\r\n", Outcome.BROKEN),
        (b"X-Note: a\nFrom: boss@bank.example\r\n", Outcome.UNUSABLE),
        (b"no field\r\n", Outcome.UNUSABLE),
    ],
)
def test_what_was_added_above_is_not_covered(added: bytes, outcome: Outcome) -> None:
    """Of equal fields a reader shows the first and a signature covers the last (RFC 6376 s.8.15)."""
    assert first(added + mail("relaxed-relaxed")).outcome is outcome


@pytest.mark.parametrize(
    ("old", "new", "outcome"),
    [
        (b"v=1;", b"v=2;", Outcome.UNUSABLE),
        (b"; h=", b"; h=x; h=", Outcome.UNUSABLE),
        (b"d=there.example;", b"d=example;", Outcome.UNUSABLE),
        (b"d=there.example;", b"d=bank.example;", Outcome.UNUSABLE),
        (b"d=there.example;", b"d=a..example;", Outcome.UNUSABLE),
        (b"q=dns/txt;", b"q=http;", Outcome.UNUSABLE),
        (b"a=rsa-sha256", b"a=rsa-sha512", Outcome.UNUSABLE),
        (b"a=rsa-sha256", b"a=ed25519-sha256", Outcome.UNUSABLE),
        (b"c=relaxed/relaxed", b"c=relaxed/odd", Outcome.UNUSABLE),
        (b"q=dns/txt;", b"q=dns/txt; x=1;", Outcome.UNUSABLE),
        (b"q=dns/txt;", b"q=dns/txt; x=1796200000;", Outcome.BROKEN),
        (b"q=dns/txt;", b"q=dns/txt; l=99999;", Outcome.UNUSABLE),
        (b"q=dns/txt;", b"q=dns/txt; l=" + b"9" * 5000 + b";", Outcome.UNUSABLE),
    ],
)
def test_what_is_malformed_does_not_hold(old: bytes, new: bytes, outcome: Outcome) -> None:
    raw = mail("relaxed-relaxed")
    assert old in raw
    assert first(raw.replace(old, new, 1)).outcome is outcome


def test_a_signature_ends() -> None:
    private, public = make_key(Algorithm.ED25519)
    raw = b"From: a@x.example\r\nSubject: s\r\n\r\nx\r\n"
    body = dkim.BodyHash()
    body.feed(b"x\r\n")
    signer = dkim.Signer("x.example", "s", Algorithm.ED25519, signing(private))
    made = dkim.signed(raw.partition(b"\r\n\r\n")[0] + b"\r\n", body.digest(), [signer], NOW) + b"\r\nx\r\n"
    records = {"s._domainkey.x.example": dkim.record(Algorithm.ED25519, public)}
    assert first(made, **records).outcome is Outcome.HOLDS
    assert first(made.replace(b"t=", b"x=1; t=", 1), **records).outcome is Outcome.UNUSABLE


@pytest.mark.parametrize(
    ("names", "later", "covers"),
    [
        ("from:list-unsubscribe:list-unsubscribe-post", "", True),
        ("from:List-Unsubscribe-Post:List-Unsubscribe", "", True),
        ("from:list-unsubscribe-post", "", False),
        ("from:list-unsubscribe", "", False),
        ("from", "", False),
        ("from:list-unsubscribe:list-unsubscribe-post", "List-Unsubscribe: <https://evil.example/>\r\n", False),
        ("from:list-unsubscribe:list-unsubscribe-post", "List-Unsubscribe-Post: x\r\n", False),
        ("from:" + "x-a:" * MAX_NAMES + "list-unsubscribe:list-unsubscribe-post", "", None),
    ],
)
def test_whether_where_a_list_is_left_is_covered(
    names: str, later: str, covers: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 8058 s.4; a field that stands twice can be read as either."""
    monkeypatch.setattr(dkim, "_names", lambda _: names)
    chosen = ["from", *(one for one in names.lower().split(":") if one.startswith("list"))]
    monkeypatch.setattr(dkim, "SIGNED", chosen)
    monkeypatch.setattr(dkim, "SEALED", ())
    whole = newsletter("https://news.example/leave", later=later)
    signature = first(whole, **{name: texts[0] for name, texts in RECORDS_OF_NEWS.items()})
    if covers is None:
        assert signature.outcome is not Outcome.HOLDS
    else:
        assert (signature.outcome, signature.covers_leaving) == (Outcome.HOLDS, covers)
        before = Evidence(NOW, (replace(signature, covers_leaving=False),))  # as it was kept before that was noted
        assert completed(whole, before) == Evidence(NOW, (signature,))
        broken = Evidence(NOW, (replace(signature, covers_leaving=False, outcome=Outcome.BROKEN),))
        assert completed(whole, broken) == broken


def test_what_we_sign_holds_and_no_change_goes_unseen() -> None:
    """Our own signatures, spoilt by a seed: the verdict is that of a verifier that shares no code with this one."""
    private, public = make_key(Algorithm.ED25519)
    signer = dkim.Signer("x.example", "s", Algorithm.ED25519, signing(private))
    name = "s._domainkey.x.example"
    records = {name: dkim.record(Algorithm.ED25519, public)}
    head, text = b"From: a@x.example\r\nSubject: a  b\r\nTo: c@y.example\r\n", b"one  two \r\nthree\r\n\r\n"
    body = dkim.BodyHash()
    body.feed(text)
    whole = dkim.signed(head, body.digest(), [signer], NOW) + b"\r\n" + text
    chance, agreed = random.Random(3), 0
    for _ in range(400):
        at = chance.randrange(whole.index(b"From:"), len(whole))
        spoilt = whole[:at] + chance.choice([b" ", b"x", b"  ", b"\t"]) + whole[at + chance.choice([0, 1]) :]
        if re.search(rb"(?<!\r)\n|\r(?!\n)", spoilt) or b"\r\n\r\n" not in spoilt:
            continue
        try:
            theirs = dkim_verifier.verify(spoilt, records)["s"]
        except (KeyError, AssertionError):
            continue
        ours = first(spoilt, **records)
        if ours.why == "the header is damaged":
            continue  # stricter: a line of the header that is no field
        assert (ours.outcome is Outcome.HOLDS) is theirs, spoilt
        agreed += 1
    assert agreed > 200


@pytest.mark.parametrize("piece", [b" ", b"\t ", b"\r\n", b" \r\n", b"x", b"\r", b"\n"])
def test_a_large_body_costs_its_size(piece: bytes) -> None:
    head, _, _ = mail("relaxed-relaxed").partition(b"\r\n\r\n")
    start = time.process_time()
    first(head + b"\r\n\r\n" + piece * (4_000_000 // len(piece)) + b"x")
    assert time.process_time() - start < 3.0


def test_no_more_is_checked_than_is_bounded() -> None:
    raw = mail("relaxed-relaxed")
    signature = raw[: raw.index(b"From:")]
    found = checked(signature * 30 + raw)
    assert (len(found.signatures), found.more) == (8, 23)
    assert questions(b"From: a@x.example\r\n\r\nx") == ()
    assert questions(b"DKIM-Signature: v=1; d=a b/c.example; s=../x\r\n\r\n") == ()


@pytest.mark.parametrize("tag", ["t", "x", "l", "i"])
def test_a_digit_that_is_no_number_is_none(tag: str) -> None:
    """A superscript is a digit to Python, and not a number: reading it as one raised."""
    for name in ("DKIM-Signature", "ARC-Seal", "ARC-Message-Signature"):
        field = f"{name}: v=1; a=rsa-sha256; d=b.example; s=s; h=from; bh=AA==; b=AA==; {tag}=\u00b2\r\n".encode()
        raw = field + b"From: a@b.example\r\n\r\nx\r\n"
        found = check(raw, {name: ["p=AAAA"] for name in questions(raw)}, NOW)
        assert all(one.outcome is not Outcome.HOLDS for one in found.signatures)


def test_nothing_raises() -> None:
    """Every mail of the folder, spoilt by a seed, and records spoilt too."""
    chance = random.Random(11)
    mails = [mail(name) for name in sorted(MADE["dkimpy"])]
    pieces = [b"", b";", b"=", b"\r\n", b" ", b"\xff", b"i=9;", b"b=", b"h=", b"\0", b"l=5;", b"d=;"]
    for _ in range(1500):
        raw = bytearray(chance.choice(mails))
        for _ in range(chance.choice([1, 3, 9])):
            at = chance.randrange(len(raw))
            raw[at : at + chance.choice([0, 1, 40])] = chance.choice(pieces)
        spoilt = bytes(raw)
        texts = [chance.choice(list(RECORDS.values()))[: chance.choice([5, 60, 600])], "p=", "v=DKIM1; p=\u00e9"]
        answers = {name: chance.choice([None, [], texts]) for name in questions(spoilt)}
        check(spoilt, answers, NOW)


@pytest.mark.parametrize("relaxed", [False, True])
def test_the_form_of_a_body_is_that_of_the_rfc(relaxed: bool) -> None:
    """RFC 6376 s.3.4.3 and s.3.4.4, line by line; pieces of a body are taken apart nowhere but between lines."""
    ends = (b"", b"\r\n", b"\r\n" * 700, b"\n\r\n\r\n", b"\r\r\n", b" \t\r\n \r\n", b"last")
    for body in (
        start + end for start in (b"", b"a  b \r\n\tc\r\n", b"x" * (PIECE - 3) + b" \r\n \r\ny \t\r\n") for end in ends
    ):
        lines = body.split(b"\r\n")
        if relaxed:
            lines = [re.sub(rb"[ \t]+", b" ", line).removesuffix(b" ") for line in lines]
        while lines and not lines[-1]:
            lines.pop()
        wanted = b"".join(line + b"\r\n" for line in lines) or (b"" if relaxed else b"\r\n")
        assert _canonical_body(body, relaxed=relaxed) == wanted, body[-40:]


@pytest.mark.parametrize("line", [b"\r\n", b"a \r\n", b" \r\n"])
def test_signatures_share_the_form_of_a_body_and_its_making_takes_little(line: bytes) -> None:
    message = _Message((), line * (4_000_000 // len(line)))
    tracemalloc.start()
    first = message.canonical(relaxed=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert message.canonical(relaxed=True) is first
    assert peak < 10 * 4_000_000
