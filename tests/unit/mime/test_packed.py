"""Files inside parts: winmail.dat, .msg, yEnc, uuencode; hostile ones stay bounded."""

import base64
import struct
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mua.mime import msg, tnef
from mua.mime.attached import attached_message
from mua.mime.cfb import Container
from mua.mime.message import gist, gist_of, parse, part_bytes
from mua.mime.packed import in_text
from mua.mime.rtf import decompressed
from mua.mime.yenc import decode_yenc, find_yenc

FILES = Path(__file__).parents[2] / "regressions" / "formats"
SAMPLE = (FILES / "sample.msg").read_bytes()  # written by another project's writer of such files


def attribute(level: int, key: int, value: bytes) -> bytes:
    return struct.pack("<BII", level, key, len(value)) + value + struct.pack("<H", sum(value) & 0xFFFF)


def properties(*given: tuple[int, int, bytes]) -> bytes:
    out = struct.pack("<I", len(given))
    for kind, key, value in given:
        out += struct.pack("<HH", kind, key)
        if kind in (0x0D, 0x1E, 0x1F, 0x102):
            out += struct.pack("<II", 1, len(value))
        out += value + b"\0" * (-len(value) % 4)
    return out


def winmail(*attributes: bytes) -> bytes:
    return tnef.SIGNATURE + b"\1\0" + b"".join(attributes)


NAMED = properties((0x1F, 0x3707, "größe.pdf".encode("utf-16-le")), (0x1E, 0x370E, b"application/pdf\0"))
ATTACHED = winmail(
    attribute(1, 0x00069007, struct.pack("<II", 1252, 0)),
    attribute(1, 0x00069003, properties((0x1F, 0x1000, "Grüße".encode("utf-16-le")), (0x1E, 0x0037, b"About"))),
    attribute(2, 0x00069002, b"\0" * 14),
    attribute(2, 0x00018010, b"REPORT~1.PDF\0"),
    attribute(2, 0x0006800F, b"%PDF-1.4"),
    attribute(2, 0x00069005, NAMED),
    attribute(2, 0x00069002, b"\0" * 14),
    attribute(2, 0x00018010, b"../../x.exe\0"),
    attribute(2, 0x0006800F, b"MZ"),
)  # fmt: skip


def mail(kind: bytes, data: bytes, text: bytes = b"") -> bytes:
    part = b"Content-Type: " + kind + b"\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(data)
    if not text:
        return b"From: a@b.example\n" + part
    return (
        b"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n"
        + text
        + b"\n--b\n"
        + part
        + b"--b--\n"
    )


@pytest.mark.parametrize("kind", [b"application/ms-tnef", b"application/octet-stream; name=winmail.dat"])
def test_winmail_is_unpacked(kind: bytes) -> None:
    raw = mail(kind, ATTACHED, b"see")
    parsed = parse(raw)
    assert parsed.text == "see\n"
    assert [(one.part, one.name, one.type, one.size) for one in parsed.attachments] == [
        ("2.TNEF1", "größe.pdf", "application/pdf", 8),
        ("2.TNEF2", "x.exe", parsed.attachments[1].type, 2),
    ]
    assert part_bytes(raw, "2.TNEF1") == (parsed.attachments[0], b"%PDF-1.4")
    assert part_bytes(raw, "2")[1] == ATTACHED
    assert gist(raw) == gist_of(parsed)


def test_a_message_that_is_only_a_winmail_has_its_text() -> None:
    raw = mail(b"application/ms-tnef", ATTACHED)
    assert parse(raw).text == "Grüße\n"
    assert gist(raw) == gist_of(parse(raw))


def test_what_is_no_winmail_stays_an_attachment() -> None:
    raw = mail(b"application/ms-tnef; name=winmail.dat", b"nothing", b"see")
    assert [(one.part, one.name) for one in parse(raw).attachments] == [("2", "winmail.dat")]
    with pytest.raises(KeyError):
        part_bytes(raw, "2.TNEF1")


def test_a_message_inside_winmail_opens_as_one() -> None:
    inner = winmail(
        attribute(1, 0x00069003, properties((0x1F, 0x0037, "Inner".encode("utf-16-le")), (0x1E, 0x1000, b"inside")))
    )
    data = bytes.fromhex("0703020000000000c000000000000046") + inner
    outer = winmail(attribute(2, 0x00069002, b"\0" * 14), attribute(2, 0x00069005, properties((0x0D, 0x3701, data))))
    raw = mail(b"application/ms-tnef", outer, b"see")
    assert [one.name for one in parse(raw).attachments] == ["Inner.eml"]
    opened = parse(attached_message(raw, "2.TNEF1"))
    assert (opened.envelope.subject, opened.text) == ("Inner", "inside\n")


def test_a_winmail_inside_itself_ends() -> None:
    data = winmail(attribute(1, 0x00018004, b"x"))
    for _ in range(30):
        inner = bytes.fromhex("0703020000000000c000000000000046") + data
        data = winmail(
            attribute(2, 0x00069002, b"\0" * 14), attribute(2, 0x00069005, properties((0x0D, 0x3701, inner)))
        )
    assert len(tnef.unpack(data).files) == 1


@pytest.mark.parametrize(
    "hostile",
    [
        winmail(attribute(2, 0x00069002, b"")) + attribute(2, 0x00018010, b"x") * 100_000,
        winmail(*(attribute(2, 0x00069002, b""), attribute(2, 0x00018010, b"x")) * 50_000),
        winmail(attribute(1, 0x00069003, struct.pack("<IHHI", 1, 0x101E, 0x1000, 0xFFFFFFFF) + b"\0" * 400_000)),
        winmail(attribute(1, 0x00069003, struct.pack("<I", 0xFFFFFFFF) + struct.pack("<HH", 1, 1) * 100_000)),
        winmail(struct.pack("<BII", 1, 0x00069003, 0xFFFFFFFF)),
        winmail(attribute(1, 0x00069003, properties((0x102, 0x1009, struct.pack("<IIII", 9, 0xFFFFFFFF, 0x75465A4C, 0)
                + b"\xff" * 2_000_000)))),
    ],
)  # fmt: skip
def test_hostile_winmails_are_bounded(hostile: bytes) -> None:
    """Check 72."""
    start = time.process_time()
    raw = mail(b"application/ms-tnef", hostile, b"see")
    assert len(parse(raw).attachments) <= 501
    assert time.process_time() - start < 4


def test_formatted_text_is_what_the_documentation_says() -> None:
    """MS-OXRTFCP s.4.1, 4.2: its two examples."""
    simple = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert decompressed(simple) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    crossing = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert decompressed(crossing) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"


def test_an_outlook_file_opens_as_a_message() -> None:
    raw = mail(b"application/vnd.ms-outlook; name=letter.msg", SAMPLE, b"see")
    opened = parse(attached_message(raw, "2"))
    envelope = opened.envelope
    assert (envelope.subject, envelope.date, envelope.message_id) == ("Grüße aus Köln", 1714979289, "1@example.org")
    assert [str(one.address) for one in (*envelope.sender, *envelope.to, *envelope.cc)] == [
        "ada@example.org", "bob@example.net", "cy@example.com",
    ]  # fmt: skip
    assert opened.text == "Hello,\nthis is text.\n"
    assert "größe" in opened.html
    assert [(one.name, one.size > 0) for one in opened.attachments] == [
        ("reportgnp.exe", True),
        ("inner letter.eml", True),
    ]
    assert part_bytes(msg.message(SAMPLE), "2")[1] == bytes(range(256)) * 40
    inner = parse(attached_message(msg.message(SAMPLE), "3"))
    assert (inner.envelope.subject, inner.text) == ("inner letter", "Inside.\n")


def test_other_files_of_office_are_no_messages() -> None:
    raw = mail(b"application/msword; name=a.msg", SAMPLE.replace("__properties".encode("utf-16-le"), b"x" * 24), b"see")
    assert part_bytes(raw, "2")[1].startswith(bytes.fromhex("d0cf11e0"))
    with pytest.raises(KeyError):
        attached_message(raw, "2")
    assert msg.message(SAMPLE[:600]) == b""


def test_a_container_whose_chains_loop_ends() -> None:
    looped = bytearray(SAMPLE)
    for at in range(512, len(looped) - 3, 4):
        struct.pack_into("<I", looped, at, (at // 4) % 40)
    start = time.process_time()
    box = Container(bytes(looped))
    for name in box.names():
        box.stream(name)
    assert msg.message(bytes(looped)) is not None
    assert time.process_time() - start < 2


YENC = b"Hello\r\n=ybegin line=128 size=%d name=a b.bin \r\n%s\r\n=yend size=%d crc32=00000000\r\nBye\r\n"


def yencoded(data: bytes) -> bytes:
    out = bytearray()
    for octet in data:
        value = (octet + 42) % 256
        out += bytes([value]) if value not in b"\0\r\n=" else bytes([61, (value + 64) % 256])
    return bytes(out)


@given(st.binary(max_size=400))
def test_yenc_is_undone(data: bytes) -> None:
    assert decode_yenc(yencoded(data)) == data


def test_a_yenc_file_in_a_text_is_an_attachment() -> None:
    data = bytes(range(256))
    raw = b"From: a@b.example\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + YENC % (256, yencoded(data), 256)
    parsed = parse(raw)
    assert parsed.text == "Hello\nBye\n"
    assert [(one.part, one.name, one.size) for one in parsed.attachments] == [("1.YENC1", "a b.bin", 256)]
    assert part_bytes(raw, "1.YENC1")[1] == data
    assert gist(raw) == gist_of(parsed)


def test_a_piece_of_a_yenc_file_has_its_number() -> None:
    body = b"=ybegin part=2 line=128 size=9 name=a.jpg\r\n=ypart begin=5 end=9\r\n\x8b\r\n=yend size=1 part=2\r\n"
    assert [(one.name, one.data) for one in find_yenc(body)] == [(b"a.jpg.002", b"a")]


def test_files_of_both_kinds_have_numbers_of_their_own_and_do_not_overlap() -> None:
    uu = b"begin 644 x\n#86)C\n`\nend\n"
    found = in_text(YENC % (3, b"\x8b\x8c\x8d", 3) + uu + b"words\n" + YENC % (3, b"\x8b", 3) + uu)
    assert [one.mark for one in found] == ["YENC1", "UU1", "YENC2", "UU2"]
    inside = b"=ybegin line=128 name=o\n" + uu + b"=yend\n"
    assert [one.mark for one in in_text(inside)] == ["YENC1"]


def test_many_beginnings_without_an_end_are_linear() -> None:
    start = time.process_time()
    in_text(b"=ybegin line=1 name=a\n" * 100_000)
    in_text(b"begin 644 a\n" * 100_000)
    assert time.process_time() - start < 3


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.binary(min_size=1, max_size=8)), max_size=12))
def test_any_damage_to_an_outlook_file_is_survived(damage: list[tuple[int, bytes]]) -> None:
    data = bytearray(SAMPLE)
    for at, octets in damage:
        data[at : at + len(octets)] = octets
    parse(msg.message(bytes(data)))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(ATTACHED) - 1), st.binary(min_size=1, max_size=8)), max_size=8))
def test_any_damage_to_a_winmail_is_survived(damage: list[tuple[int, bytes]]) -> None:
    data = bytearray(ATTACHED)
    for at, octets in damage:
        data[at : at + len(octets)] = octets
    parse(mail(b"application/ms-tnef", bytes(data)))
