"""Header fields: words, addresses, dates, identifiers, charsets; and that nothing raises."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.mime.charset import decode_text, find_codec
from mua.mime.headers import MAX_FROM, addresses, date, decode_header, envelope, message_ids
from mua.mime.params import parameters
from mua.model.address import Address


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"plain", "plain"),
        (b"folded\r\n line", "folded line"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Gr\u00fc\u00dfe"),
        (b"=?utf-8?B?R3LDvMOfZQ?=", "Gr\u00fc\u00dfe"),
        (b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        (b"=?utf-8?q?a?=\r\n =?utf-8?q?b?= c", "ab c"),
        (b"=?utf-8?b?4pg=?= =?utf-8?b?gw==?=", "\u2603"),
        (b"=?utf-8?q?=E2=98?==?utf-8?q?=83?=", "\u2603"),
        (b"=?iso-8859-1*de?q?=E4?=", "\u00e4"),
        (b"=?gb2312?B?1tDOxA==?=", "\u4e2d\u6587"),
        (b"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\u65e5\u672c"),
        (b"=?x-unknown?q?caf=C3=A9?=", "caf\u00e9"),
        (b"=?utf-8?q?with space?=", "with space"),
        (b"=?utf-8?x?bad?=", "=?utf-8?x?bad?="),
        ("r\u00e4w".encode(), "r\u00e4w"),
        ("r\u00e4w".encode("latin-1"), "r\u00e4w"),
        (b"=?utf-8?b?YQpiAGM=?=", "a bc"),
    ],
)
def test_words(raw: bytes, text: str) -> None:
    assert decode_header(raw) == text


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", []),
        (b"a@example.org", [("", "a@example.org")]),
        (b"<a@example.org>", [("", "a@example.org")]),
        (b"Ann <a@example.org>", [("Ann", "a@example.org")]),
        (b'"B, Ann" <a@example.org>', [("B, Ann", "a@example.org")]),
        (b'"B \\"x\\" Ann" <a@example.org>', [('B "x" Ann', "a@example.org")]),
        (b"a@example.org (Ann (the) B)", [("Ann (the) B", "a@example.org")]),
        (b"a@example.org, B <b@example.org>", [("", "a@example.org"), ("B", "b@example.org")]),
        (b"team: A <a@x.org>, b@x.org;, c@x.org", [("A", "a@x.org"), ("", "b@x.org"), ("", "c@x.org")]),
        (b"undisclosed-recipients:;", []),
        (b"<@r1.org,@r2.org:a@example.org>", [("", "a@example.org")]),
        (b'"a b"@example.org', [("", '"a b"@example.org')]),
        (b"a @ example . org", [("", "a@example.org")]),
        (b"Ann Bee a@example.org", [("Ann Bee", "a@example.org")]),
        (b"=?utf-8?q?M=C3=BCller=2C_H?= <h@example.org>", [("M\u00fcller, H", "h@example.org")]),
        (b"=?utf-8?q?M=C3=BCller,_H?= <h@example.org>", [("M\u00fcller, H", "h@example.org")]),
        (b"a@example.org,, ;b@example.org", [("", "a@example.org"), ("", "b@example.org")]),
        (b"a@x.org; b@x.org", [("", "a@x.org"), ("", "b@x.org")]),
        (b"Ann <a@example.org", [("Ann", "a@example.org")]),
        (b"root", [("", "root")]),
        (b"Mail Delivery Subsystem", [("Mail Delivery Subsystem", "")]),
        ("\u00c4nn <\u00e4@ex\u00e4mple.org>".encode(), [("\u00c4nn", "\u00e4@ex\u00e4mple.org")]),
        # an encoded word is never an address, and what follows one never hides
        (b"=?utf-8?b?PGFAbGVnaXQub3JnPg==?=, <b@evil.org>", [("<a@legit.org>", ""), ("", "b@evil.org")]),
        (b"Name <a@legit.org> <b@evil.org>", [("Name", "a@legit.org"), ("", "b@evil.org")]),
        (b"<b@evil.org>a@legit.org", [("", "b@evil.org"), ("", "a@legit.org")]),
    ],
)
def test_addresses(raw: bytes, expected: list[tuple[str, str]]) -> None:
    assert addresses(raw) == tuple(Address(*one) for one in expected)


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        (b"Fri, 21 Nov 1997 09:55:06 -0600", 880127706),
        (b"21 Nov 1997 09:55:06 -0600", 880127706),
        (b"21 Nov 97 15:55 GMT", 880127700),
        (b"Fri, 21 Nov 97 10:55:06 EST", 880127706),
        (b"Fri Nov 21 15:55:06 1997", 880127706),
        (b"Fri Nov 21 15:55:06 GMT 1997", 880127706),
        (b"1997-11-21T09:55:06-06:00", 880127706),
        (b"Fri,\r\n 21 (x) Nov\r\n 1997 09:55:06 -0600 (CST)", 880127706),
        (b"Fri, 21 Nov 1997 3:55:06 PM", 880127706),
        (b"Fri, 21 Nov 1997 15:55:06 +9999", 880127706),
        (b"Mon, 31 Feb 2020 00:00:00 +0000", None),
        (b"yesterday", None),
        (b"", None),
        (b"Fri, 21 Nov 99999 09:55:06", None),
    ],
)
def test_dates(raw: bytes, seconds: int | None) -> None:
    assert date(raw) == seconds


def test_identifiers() -> None:
    assert message_ids(b"<a@b>\r\n <c@d> <a@b>") == ("a@b", "c@d")
    assert message_ids(b"a@b c@d") == ("a@b", "c@d")
    assert message_ids(b'Your message of "Fri" <x@y>') == ("x@y",)


def test_envelope_reads_a_fetched_header() -> None:
    got = envelope(
        b"From: Ann <a@example.org>\r\nTo: b@example.org\r\nSubject: =?utf-8?q?H=C3=A4?=\r\n"
        b"Date: Fri, 21 Nov 1997 09:55:06 -0600\r\nMessage-ID: <m@example.org>\r\nReferences: <1@x> <2@x>\r\n"
        b"In-Reply-To: <3@x>\r\nList-Id: The list <l.example.org>\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    )
    assert got.sender == (Address("Ann", "a@example.org"),)
    assert (got.subject, got.date, got.message_id) == ("H\u00e4", 880127706, "m@example.org")
    assert (got.references, got.list_id, got.attachment_hint) == (("1@x", "2@x", "3@x"), "l.example.org", True)


def test_the_first_of_equal_fields_counts() -> None:
    assert envelope(b"From: a@x.org\nFrom: b@x.org\nSubject: 1\nSubject: 2\n\n").sender[0].address == "a@x.org"
    assert envelope(b"From: a@x.org\nFrom: b@x.org\nSubject: 1\nSubject: 2\n\n").subject == "1"


@pytest.mark.parametrize(
    ("raw", "value", "expected"),
    [
        (b"text/plain; charset=utf-8", "text/plain", {"charset": "utf-8"}),
        (b'Attachment; FileName="a b.txt"', "attachment", {"filename": "a b.txt"}),
        (b"attachment; filename=a b.txt; size=3", "attachment", {"filename": "a b.txt", "size": "3"}),
        (b'a; filename="x\\"y"', "a", {"filename": 'x"y'}),
        (b"a; filename*=utf-8''%E2%82%AC.txt", "a", {"filename": "\u20ac.txt"}),
        (b"a; filename*1=b; filename*0=a", "a", {"filename": "ab"}),
        (b"a; filename*0*=utf-8'en'%C3%A4; filename*1=b", "a", {"filename": "\u00e4b"}),
        (b"a; filename=plain; filename*=utf-8''better", "a", {"filename": "better"}),
        (b'a; filename="=?utf-8?q?=C3=A4?="', "a", {"filename": "\u00e4"}),
        (b"multipart/mixed (comment); boundary=(x)foo", "multipart/mixed", {"boundary": "foo"}),
        ('a; filename="\u00e4.txt"'.encode("latin-1"), "a", {"filename": "\u00e4.txt"}),
        (b"a; ;; b=c", "a", {"b": "c"}),
    ],
)
def test_parameters(raw: bytes, value: str, expected: dict[str, str]) -> None:
    assert parameters(raw)[:2] == (value, expected)


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("x-gbk", "gb18030"), ("iso-8859-8-i", "iso8859-8"), ("cp-850", "cp850"), ("windows-874", "cp874"),
        ("X-SJIS", "cp932"), ("utf8mb4", "utf-8"), ("ISO-8859-1", "cp1252"), ("'utf-8'", "utf-8"),
        ("ks_c_5601-1987", "cp949"),
        ("unknown-8bit", None), ("default", None), ("zlib", None), ("base64", None), ("idna", None),
        ("unicode_escape", None),
        ("", None), ("<html>", None), ("rot13", None), ("hex", None),
    ],
)  # fmt: skip
def test_charset_labels(label: str, codec: str | None) -> None:
    assert find_codec(label) == codec


LABELS = {  # 81 that were met in mail; what has no codec is detected
    "gb18030": "x-gbk gbk gb2312 gb18030", "hz": "hz-gb-2312", "iso8859-8": "iso-8859-8-i iso-8859-8-e",
    "iso8859-6": "iso-8859-6-i", "cp850": "cp-850 cp850 ibm850", "utf-7": "utf-7 unicode-1-1-utf-7 x-unicode-2-0-utf-7",
    "cp932": "x-sjis shift_jis windows-31j", "iso2022_jp_ext": "iso-2022-jp iso-2022-jp-ms cp50220 cp50221",
    "euc_jp": "x-euc-jp", "cp949": "ks_c_5601-1987 euc-kr windows-949 x-windows-949", "iso2022_kr": "iso-2022-kr",
    "big5hkscs": "big5 x-big5 big5-hkscs cn-big5", "cp874": "windows-874 tis-620 iso-8859-11", "johab": "johab",
    "mac-roman": "x-mac-roman macintosh", "mac-cyrillic": "x-mac-cyrillic", "koi8-r": "koi8-r",
    "koi8-u": "koi8-u koi8-ru", "cp1251": "win-1251 x-cp1251", "utf-8": "utf8 utf-8mb4 utf8mb4",
    "utf-16-be": "unicode iso-10646-ucs-2", "utf-16": "utf-16", "utf-16-le": "utf-16le", "iso8859-16": "iso-8859-16",
    "cp1252": "ansi_x3.110-1983 ansi_x3.4-1968 latin-1 iso-8859-1-windows-3.1-latin-1 iso8859_1 us-ascii ascii 646 "
    "iso-ir-100 csisolatin1 cp1252 ansi",
    "viscii": "viscii", "tcvn": "tcvn x-viet-tcvn5712", "armscii-8": "armscii-8", "georgian-ps": "georgian-ps",
    "iso-2022-cn": "iso-2022-cn",
    None: "unknown-8bit x-unknown x-user-defined default _autodetect windows-1252http-equivcontent-type 8bit binary "
    "iso-8859-12 x-iscii-de euc-tw x-euc-tw",
}  # fmt: skip


def test_the_labels_of_the_world() -> None:
    labels = [(label, codec) for codec, many in LABELS.items() for label in many.split()]
    assert len(labels) == 81
    assert [(label, find_codec(label)) for label, _ in labels] == labels


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        (b"Ti\xaang Vi\xaet", "viscii", "Ti\u1ebfng Vi\u1ec7t"),
        (b"Ti\xd5ng Vi\xd6t", "x-viet-tcvn5712", "Ti\u1ebfng Vi\u1ec7t"),
        (b"\xd0\xb3\xdb\xbb\xf1\xbb\xdd", "armscii-8", "\u0540\u0561\u0575\u0565\u0580\u0565\u0576"),
        (b"\xc4\xcd\xc0", "georgian-ps", "\u10d4\u10dc\u10d0"),
        (b"\x1b$)A\x0eVPND\x0fab\n\x1b$)A\x0eVP\x0f", "iso-2022-cn", "\u4e2d\u6587ab\n\u4e2d"),
        (b"a\x1b$)G\x0eiG\x0fb\x0eVP", "iso-2022-cn", "a\ufffdb\ufffd"),
        (b"\xff\xfe\xa1", "armscii-8", "\ufffd\u055a\ufffd"),
    ],
)
def test_charsets_that_python_lacks(data: bytes, label: str, text: str) -> None:
    assert decode_text(data, label) == text


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        ("\u20ac".encode(), "us-ascii", "\u20ac"),
        ("\u00e9t\u00e9".encode("latin-1"), "us-ascii", "\u00e9t\u00e9"),
        (b"\x93x\x94", "iso-8859-1", "\u201cx\u201d"),
        ("\u20ac".encode(), "big5", "\u20ac"),
        (b"\x1b$BF|K\\\x1b(B", "iso-2022-jp", "\u65e5\u672c"),
        ("\u65e5\u672c".encode("cp932"), "iso-2022-jp", "\u65e5\u672c"),
        (b"+ZeVnLIqe-", "utf-7", "\u65e5\u672c\u8a9e"),
        (b"+ZeVnLIqe-", None, "+ZeVnLIqe-"),
        (b"\xff", "utf-8", "\ufffd"),
    ],
)
def test_charsets(data: bytes, label: str | None, text: str) -> None:
    assert decode_text(data, label) == text


@pytest.mark.parametrize(
    "value",
    [
        b"(" * 40_000, b"<" * 40_000, b'"' * 40_000, b"=?" * 30_000, b"=?a?q?" * 15_000, b"a " * 30_000, b" " * 60_000,
        b"a@b.c, " * 20_000, b";" * 60_000, b":" * 60_000, b"\\" * 60_000, b"a" * 60_000, b"@" * 60_000,
        b"=?utf-8?q?a?= " * 5_000,
        b"<" + b" " * 60_000, b"a; b*0=" * 9_000, b'; a="' * 10_000, b"(a" * 30_000, b"1 Jan " * 10_000,
    ],
)  # fmt: skip
def test_bombs_cost_little(value: bytes) -> None:
    start = time.process_time()
    envelope(b"From: %s\nTo: %s\nSubject: %s\nDate: %s\nReferences: %s\n\n" % ((value,) * 5))
    parameters(value)
    assert time.process_time() - start < 1.5


@given(st.binary(max_size=300), st.text(max_size=20))
def test_any_value_decodes(raw: bytes, label: str) -> None:
    decode_text(raw, label)
    for one in addresses(raw):
        assert isinstance(one, Address)
        assert "\n" not in one.name + one.address
    assert "\n" not in decode_header(raw)
    date(raw)
    message_ids(raw)
    parameters(raw)
    envelope(raw)


@given(st.text(alphabet='<>@,;:()"\\ a.=?utf8qb_\r\n', max_size=60))
def test_any_address_like_text_reads(text: str) -> None:
    envelope(f"From: {text}\n\n".encode())


def test_a_comment_inside_a_date_hides_no_time() -> None:
    assert date(b" 1 Jul 2003 (about (this) date) 10:52:37 +0200") == date(b"1 Jul 2003 10:52:37 +0200")


@pytest.mark.parametrize("raw", [b"%s, b@x.example", b"Ann <%s>, b@x.example", b"g: %s, b@x.example;"])
def test_the_colons_of_a_domain_literal_are_its_own(raw: bytes) -> None:
    """RFC 5321 s.4.1.3: neither a group nor a route ends there."""
    literal = "ann@[IPv6:2001:db8::1]"
    assert [one.address for one in addresses(raw % literal.encode())] == [literal, "b@x.example"]


def test_the_address_that_vms_wrote() -> None:
    assert addresses(b'IN%"a@b.example"  "Name Of It"') == (Address("Name Of It", "a@b.example"),)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"a/b;\n x=1\n y=2", {"x": "1", "y": "2"}),
        (b'a/b\r\n\tname*0="a"\r\n\tname*1="b"', {"name": "ab"}),
        (b'a/b; name="one\n two=three"', {"name": "one two=three"}),
        (b"a/b; name=one\n two three", {"name": "one two three"}),
    ],
)
def test_a_parameter_on_its_own_line_needs_no_semicolon(raw: bytes, found: dict[str, str]) -> None:
    assert parameters(raw)[1] == found


def test_each_from_field_names_an_author_and_of_other_fields_the_first_counts():
    found = envelope(
        b"From: A <a@x.test>\r\nFrom: B <b@y.test>\r\nFrom: A <a@x.test>\r\nTo: c@x.test\r\nTo: d@x.test\r\n\r\n"
    )
    assert [one.address for one in found.sender] == ["a@x.test", "b@y.test"]
    assert [one.address for one in found.to] == ["c@x.test"]
    many = b"".join(b"From: a%d@x.test\r\n" % number for number in range(1000))
    assert len(envelope(many + b"\r\n").sender) == MAX_FROM
