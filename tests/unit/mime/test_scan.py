"""The scanner: structure, section numbers, defects; and that it holds for any bytes."""

import base64
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mua.mime import scan as scanning
from mua.mime.message import parse
from mua.mime.scan import (
    MAX_DEPTH,
    MAX_PARTS,
    Part,
    beginning,
    decode,
    decode_base64,
    decoded_size,
    is_odd_base64,
    scan,
    text,
)

NESTED = b"""From: a@example.org\r
Content-Type: multipart/mixed; boundary=outer\r
\r
preamble\r
--outer\r
Content-Type: multipart/alternative; boundary="in ner"\r
\r
--in ner\r
Content-Type: text/plain\r
\r
plain\r
--in ner  \r
Content-Type: text/html\r
\r
<p>html</p>\r
--in ner--\r
--outer\r
Content-Type: message/rfc822\r
\r
Subject: inside\r
Content-Type: multipart/mixed; boundary=deep\r
\r
--deep\r
\r
one\r
--deep\r
\r
two\r
--deep--\r
--outer\r
Content-Type: message/rfc822\r
\r
Subject: alone\r
\r
body\r
--outer--\r
epilogue\r
"""


def outline(root: Part) -> list[tuple[str, str]]:
    return [(part.section, part.type) for part in root.walk()]


def bodies(raw: bytes) -> list[bytes]:
    return [raw[part.body_start : part.body_end] for part in scan(raw).walk() if not part.children]


def test_sections_are_those_of_bodystructure() -> None:
    assert outline(scan(NESTED)) == [
        ("TEXT", "multipart/mixed"),
        ("1", "multipart/alternative"),
        ("1.1", "text/plain"),
        ("1.2", "text/html"),
        ("2", "message/rfc822"),
        ("2.TEXT", "multipart/mixed"),
        ("2.1", "text/plain"),
        ("2.2", "text/plain"),
        ("3", "message/rfc822"),
        ("3.1", "text/plain"),
    ]
    assert bodies(NESTED) == [b"plain", b"<p>html</p>", b"one", b"two", b"body"]
    assert not any(part.defects for part in scan(NESTED).walk())


@pytest.mark.parametrize("line_end", [b"\n", b"\r"])
def test_other_line_ends_give_the_same_structure(line_end: bytes) -> None:
    assert outline(scan(NESTED.replace(b"\r\n", line_end))) == outline(scan(NESTED))
    assert bodies(NESTED.replace(b"\r\n", line_end)) == bodies(NESTED)


@pytest.mark.parametrize(
    ("raw", "defect"),
    [
        (b"Content-Type: multipart/mixed\n\nx", "no-boundary"),
        (b"Content-Type: multipart/mixed; boundary=b\n\nx", "boundary-missing"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx", "unterminated"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n--b\n\ny\n--b--", "epilogue-part"),
        (b"Content-Type: multipart/mixed; boundary=b; boundary=c\n\n--b\n\nx\n--b--", "duplicate-parameter"),
        (b"Content-Type: multipart/mixed; boundary*0=b; boundary=c\n\n--c\n\nx\n--c--", "duplicate-parameter"),
        (b"Content-Type: text/plain\nContent-Type: text/html\n\nx", "duplicate-field"),
        (b"Content-Type: multipart/mixed; boundary=(x)b\n\n--b\n\nx\n--b--", "duplicate-parameter"),
        (b"Content-Type: multipart/mixed; boundary=b\n\ncontent-type: a/b\n\nx\n--b\n\nx\n--b--", "preamble-part"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\nContent-Type: a/b\n\nx\n", "epilogue-part"),
        (b"Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\n\nx\n--b--",
         "encoded-structure"),
        (b"Content-Transfer-Encoding: base64, quoted-printable\n\nx", "many-encodings"),
        (b"Subject: x\rTo: y\n\nx", "bare-cr"),
        (b"Content-Type: text\n\nx", "bad-content-type"),
        (b"Content-Transfer-Encoding: rot13\n\nx", "bad-encoding"),
        (b"Subject: x\njunk\nTo: y\n\nx", "junk-in-header"),
        (b"From\n : a@example.org\n\nx", "folded-name"),
        (b" From: a@example.org\nTo: b\n\nx", "folded-name"),
        (b"From: a@example.org\nthis is the body\n", "no-separator"),
        (b"X: " + b"y" * 300_000 + b"\n\nx", "header-cut"),
    ],
)  # fmt: skip
def test_defects_are_named(raw: bytes, defect: str) -> None:
    assert defect in [one for part in scan(raw).walk() for one in part.defects]


@pytest.mark.parametrize(
    ("body", "odd"),
    [
        (b"aGFybWxlc3M=\r\n", False),
        (b"aGFy\r\nbWxl \tc3M=\n\n", False),
        (b"aGFybWxlc3MK", False),
        (b"", False),
        (b"aGFy=bWxl", True),
        (b"aGFy#bWxl", True),
        (b"aGFybWxlc3M=\n-- \nlist footer", True),
    ],
)
def test_what_base64_may_not_hold_is_seen(body: bytes, odd: bool) -> None:
    raw = b"Content-Transfer-Encoding: base64\n\n" + body
    assert is_odd_base64(raw, scan(raw)) is odd
    assert any("base64" in one for one in parse(raw).warnings) is odd


def test_what_is_cut_of_a_header_is_said() -> None:
    many = b", ".join(b"a%d@b.example" % number for number in range(2100))
    assert any("very long" in one for one in parse(b"From: a@b.example\nTo: " + many + b"\n\nx").warnings)
    assert any("very long" in one for one in parse(b"Subject: " + b"x" * 70_000 + b"\n\nx").warnings)
    assert not any("very long" in one for one in parse(b"Subject: " + b"x" * 3000 + b"\n\nx").warnings)


def test_text_without_a_separator_is_body() -> None:
    raw = b"From: a@example.org\nSubject: x\nthis is the body\nand more\n\nstill body"
    assert bodies(raw) == [b"this is the body\nand more\n\nstill body"]
    assert bodies(b"no header at all\n\nmore") == [b"no header at all\n\nmore"]
    assert scan(b"From someone Thu Jan  1 00:00:00 1970\nSubject: x\n\nbody").field("subject") == b"x"


def test_depth_and_parts_are_capped_and_it_is_said() -> None:
    deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(500))
    root = scan(deep)
    assert "too-deep" in [one for part in root.walk() for one in part.defects]
    assert len(list(root.walk())) == MAX_DEPTH + 1
    forwarded = b"Content-Type: message/rfc822\n\n" * 500 + b"\nx"
    assert len(list(scan(forwarded).walk())) <= MAX_DEPTH + 1
    wide = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 20_000 + b"--b--"
    root = scan(wide)
    assert len(list(root.walk())) == MAX_PARTS + 1
    assert root.defects == ["too-many-parts"]
    assert root.children[-1].body_end == len(wide)


def test_ten_megabytes_are_scanned_in_no_time() -> None:
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n"
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + line * 130_000 + b"--b--\r\n"
    start = time.process_time()
    scan(raw)
    assert time.process_time() - start < 0.5


def test_fifty_megabytes_open_by_their_text_and_are_neither_decoded_nor_copied() -> None:
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0\r\n"
    head = b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee\r\n--b\r\n"
    head += b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    raw = head + line * 640_000 + b"--b--\r\n"
    parse(head)  # what is loaded once is not counted
    tracemalloc.start()
    start = time.process_time()
    parsed = parse(raw)
    took, peak = time.process_time() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert parsed.text == "see\n"
    assert [one.size for one in parsed.attachments] == [57 * 640_000]
    assert peak < 8_000_000
    assert took < 2


@given(st.lists(st.sampled_from([b"QUJD", b"Q", b"=", b"\r\n", b"!"]), max_size=40).map(b"".join))
def test_the_size_is_that_of_the_decoded(body: bytes) -> None:
    root = scan(b"Content-Transfer-Encoding: base64\n\n" + body)
    raw = b"Content-Transfer-Encoding: base64\n\n" + body
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scanning, "_BLOCK", 8)
        assert decoded_size(raw, root) == len(decode(raw, root))


@pytest.mark.parametrize(
    ("encoded", "plain"),
    [
        (b"aGFybWxlc3M=", b"harmless"),
        (b"aGFy\r\nbWxl\r\nc3M=\r\n", b"harmless"),
        (b"aGFybWxlc3M", b"harmless"),
        (b"aGFy!bWxl#c3M=", b"harmless"),
        (b"aGFy=bWxlc3M=", b"harmless"),
        (b"aGVsbG8=aGVsbG8=", b"hellohello"),
        (b"aGVsbG8=\r\n--\r\n", b"hello"),
        (b"", b""),
        (b"=", b""),
        (b"a", b""),
    ],
)
def test_base64_loses_nothing(encoded: bytes, plain: bytes) -> None:
    assert decode_base64(encoded) == plain


def test_encodings_and_charsets_are_undone_on_demand() -> None:
    raw = b"Content-Type: text/plain; charset=iso-8859-2\r\n"
    raw += b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=B1=\r\n\r\n"
    assert text(raw, scan(raw)) == "\u0105\n"
    raw = b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n#0V%T\n`\nend\n"
    assert decode(raw, scan(raw)) == b"Cat"


@given(st.binary(max_size=400))
def test_any_bytes_scan(raw: bytes) -> None:
    check(raw)


PIECES = st.sampled_from(
    [
        b"Content-Type: multipart/mixed; boundary=b\n",
        b"Content-Type: message/rfc822\n",
        b'Content-Type: multipart/digest; boundary="b"; boundary*0=c\n',
        b"Content-Transfer-Encoding: base64\n",
        *(
            b"--b\n",
            b"--b--\n",
            b"--b",
            b"--c\r\n",
            b"\n",
            b"\r\n",
            b"\r",
            b" x\n",
            b"From: a\n",
            b"From x\n",
            b"junk\n",
        ),
        *(b"YWJj\n", b"=", b"\0"),
    ]
)


@given(st.lists(PIECES, max_size=40).map(b"".join))
def test_any_mail_like_bytes_scan(raw: bytes) -> None:
    check(raw)


def check(raw: bytes) -> None:
    """Ranges are inside, children inside their parents and in order, sections distinct, decoding never raises."""
    root = scan(raw)
    sections = [part.section for part in root.walk()]
    assert len(set(sections)) == len(sections)
    for part in root.walk():
        assert 0 <= part.header_start <= part.body_start <= part.body_end <= len(raw)
        position = part.body_start
        for child in part.children:
            assert position <= child.header_start <= child.body_end <= part.body_end
            position = child.body_end
        assert decoded_size(raw, part) == len(decode(raw, part))
        text(raw, part)
        _ = part.filename, part.disposition, part.embedded


@given(st.binary(max_size=300), st.sampled_from([b"base64", b"quoted-printable", b"8bit", b"x-uuencode"]))
def test_the_beginning_of_a_part_is_that_of_what_it_decodes_to(data: bytes, encoding: bytes) -> None:
    whole = base64.encodebytes(data * 3) if encoding == b"base64" else data
    for body in (whole, data):
        raw = b"Content-Transfer-Encoding: " + encoding + b"\n\n" + body
        part = scan(raw)
        for octets in (1, 50, 5_000):
            assert beginning(raw, part, octets) == decode(raw, part)[:octets]
