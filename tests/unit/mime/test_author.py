"""Who wrote it: what a From field tries is named, and what is shown in its place is the real address."""

import time
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.mime.author import notes
from mua.mime.headers import addresses, envelope
from mua.mime.reply import reply
from mua.mime.scan import split_fields
from mua.mime.view import view
from mua.model import naming
from mua.model.address import Address

SECRET = "admin@legitimate.example"


def kinds(head: str | bytes) -> set[str]:
    raw = head.encode() if isinstance(head, str) else head
    fields = split_fields(raw)[0]
    return {one.kind for one in notes(fields, envelope(raw).sender)}


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("From: a@x.example\nFrom: b@x.example\n", {"two-from"}),
        ("From: a@x.example\nFrom: a@x.example\n", {"two-from"}),
        ("Sender: a@x.example\n", {"no-from", "sender"}),
        ("Resent-From: a@x.example\n", {"no-from", "resent-from"}),
        ("From: a@x.example, b@x.example\n", {"many-authors"}),
        ("From: A B <a@x.example> trailing\n", {"malformed-from", "many-authors"}),
        ("From: <@legitimate.example:a@x.example>\n", {"route"}),
        ('From: "admin@legitimate.example"@x.example\n', {"address-in-address"}),
        ("From: admin%legitimate.example@x.example\n", {"address-in-address"}),
        ("From: =?utf-8?q?admin=40legitimate.example?=@x.example\n", {"encoded-address"}),
        ('From: "admin\uff20legitimate.example" <a@x.example>\n', {"address-in-name"}),
        ('From: "admin @legitimate.example" <a@x.example>\n', {"address-in-name"}),
        ('From: "PayPal.com" <a@x.example>\n', {"domain-in-name"}),
        ("From: A\u202eB <a@x.example>\n", {"hidden"}),
        ("From: A\u200bB <a@x.example>\n", {"hidden"}),
        ('From: "\u2800\u2800\u2800" <a@x.example>\n', {"blank-name"}),
        ('From: "Admin' + "\u2800" * 40 + 'x" <a@x.example>\n', {"blanks"}),
        ('From: "Admin' + "\u00a0" * 40 + 'x" <a@x.example>\n', {"blanks"}),
        ("From: " + "A" * 300 + " <a@x.example>\n", {"long-name"}),
        ("From: P\u0430ypal <a@x.example>\n", {"mixed-name"}),
        ("From: a@p\u0430ypal.example\n", {"imitated-domain"}),
        ("From: a@\u0430\u0440\u0440\u04cf\u0435.example\n", {"imitated-domain"}),
        ("From: a@xn--80ak6aa92e.example\n", {"punycode"}),
        ("From: a@x.example\nReply-To: b@y.example\n", {"reply-to"}),
        ("From: a@x.example\nSender: b@y.example\n", {"sender"}),
    ],
)
def test_what_a_from_field_tries_is_named(head: str, expected: set[str]) -> None:
    assert kinds(head) == expected


@pytest.mark.parametrize(
    "head",
    [
        "From: Ada Lovelace <ada@x.example>\nReply-To: ADA@x.example\nSender: ada@x.example\n",
        'From: "ada@x.example" <ada@x.example>\n',
        'From: "Lovelace, Ada (home)" <ada@x.example>\n',
        "From: ada@x.example (Ada \\(home\\))\n",
        "From: Ada\n\t<ada@x.example>\n",
        'From: "Amazon.de" <a@mail.amazon.de>\n',
        "From: \u0410\u0434\u0430 <a@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444>\n",
        "From: \u592a\u90ce\u30ab\u30ca Taro <a@\u65e5\u672c\u8a9e\u30ab\u30ca.jp>\n",
        "From: Zo\u00eb <zoe@m\u00fcller.example>\n",
        "From: Members: a@x.example;\n",
    ],
)
def test_honest_fields_are_left_in_peace(head: str) -> None:
    assert kinds(head) == set()


def encoded(text: str) -> str:
    return f"=?utf-8?b?{b64encode(text.encode()).decode()}?="


MAILSPLOIT = [  # the ways in which Mailsploit (2017) wrote a From field, with our domains
    f"{encoded(SECRET)}=?utf-8?Q?=00?={encoded(f'({SECRET})')}@attack.example",
    f"{encoded(SECRET)}=?utf-8?Q?=0A=00?={encoded(f'({SECRET})')}@attack.example",
    f"{encoded(SECRET)}=?utf-8?Q?=42=45=47?=@attack.example",
    f'"{encoded(SECRET)}" <test@attack.example>',
    f"{encoded(SECRET + chr(0))} <test@attack.example>",
    f"{encoded(SECRET + chr(10))} <test@attack.example>",
    f"{encoded(SECRET + chr(13) + chr(10) + 'x')} <test@attack.example>",
    f'"{encoded(f"<{SECRET}>")}" <test@attack.example>',
    f"{encoded(f'{chr(34)}Admin{chr(34)} <{SECRET}>')} <test@attack.example>",
    f"=?utf-8?Q?{SECRET.replace('@', '=40')}=00?= <test@attack.example>",
    f"=?utf-8?Q?{SECRET.replace('@', '=40')}?=@attack.example",
    f"{encoded(f'{SECRET}' + chr(0x2028) + '' + chr(0x202E))} <test@attack.example>",
    f"{encoded(f'{SECRET}, ')}<test@attack.example>",
]


@pytest.mark.parametrize("value", MAILSPLOIT)
def test_mailsploit_shows_the_real_domain(value: str) -> None:
    """Check 49."""
    raw = f"From: {value}\nSubject: x\n\nbody".encode()
    shown = view(raw)
    named = naming.people(shown.sender)
    assert named.endswith("@attack.example"), named
    assert all(one.address.endswith("@attack.example") for one in shown.sender if one.address)
    assert any(one.grave for one in shown.notes)
    assert not set(named) & {chr(code) for code in (*range(32), 0x2028, 0x202E)}
    answer, _ = reply(shown, "reply", me=frozenset(), sender=Address("", "me@x.example"))
    assert f"{named} wrote:" in answer.text


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("a@p\u0430ypal.example", "a@xn--pypal-4ve.example"),
        ("a@\u0430\u0440\u0440\u04cf\u0435.com", "a@xn--80ak6aa92e.com"),
        ("a@m\u00fcller.example", "a@m\u00fcller.example"),
        ("a@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444", "a@\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444"),
        ("\u0430da@x.example", "\u0430da@x.example"),
    ],
)
def test_a_domain_that_imitates_is_shown_as_the_dns_knows_it(address: str, shown: str) -> None:
    assert naming.real(address) == shown


def test_people_in_one_line() -> None:
    ann, lure = Address("Ann", "ann@x.example"), Address("boss@y.example", "eve@x.example")
    assert naming.people([ann]) == "Ann"
    assert naming.people([lure]) == "eve@x.example"
    assert naming.people([ann, lure]) == "ann@x.example, eve@x.example"
    assert naming.people([Address("boss@y.example", ""), lure]) == "eve@x.example"
    assert naming.people([Address("boss@y.example", "")]) == ""
    assert naming.people([Address("Old User", "")]) == "Old User"
    assert naming.people([Address("", f"{n}@x.example") for n in range(5)]).endswith(" +2")
    assert naming.people([Address("\\,", "b@x.example")]) == "b@x.example"


@given(st.text(max_size=80), st.text(max_size=40))
def test_nothing_raises(name: str, address: str) -> None:
    one = Address(name, address)
    naming.people([one])
    naming.drawn(name)
    notes([("from", name.encode("utf-8", "replace")), ("reply-to", address.encode("utf-8", "replace"))], [one])


@pytest.mark.parametrize("piece", ["<", ">", '"', "(", "@", "=?", "?=", "\u2800", " ", "a@", "\u0430", "\\"])
def test_nothing_takes_long(piece: str) -> None:
    raw = b"From: " + piece.encode() * 60_000 + b" <a@x.example>\n"
    start = time.process_time()
    notes(split_fields(raw)[0], addresses(raw[6:]))
    assert time.process_time() - start < 1.0
