"""vCards of every version: read, kept byte for byte, changed line by line, and as another version."""

import base64
import random
import tracemalloc
from dataclasses import replace

import pytest

from mua.mime import contact, vcard
from mua.mime.contact import Details, Entry
from mua.mime.vcard_versions import convert

PICTURE = bytes(range(256))
V4 = b"""BEGIN:VCARD\r
VERSION:4.0\r
UID:urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1\r
FN;PREF=1:J. Doe\r
FN:John\r
N:Doe;J.;;;\r
EMAIL;PID=1.1;TYPE=work:jdoe@example.com\r
EMAIL;PREF=1;TYPE="home,x-desk":home@example.org\r
TEL;VALUE=uri;TYPE="voice,home":tel:+1-555-555-5555\r
X-SOMETHING;X-P="a;b:c":kept\\, as it is\r
NOTE;ALTID=1:a long note that is folded by whoever wrote it in the midd\r
 le of a word\\nand has a second line\r
CATEGORIES:Family,Chess\\, club\r
END:VCARD\r
"""
V3 = (
    b"BEGIN:VCARD\nVERSION:3.0\nN:M\xc3\xbcller;J\xc3\xb6rg;;Dr.;\nFN:Dr. J\xc3\xb6rg M\xc3\xbcller\n"
    b"ORG:Wheel\\, Axle;Sales\nitem1.EMAIL;type=INTERNET;type=pref:jorg@example.net\nitem1.X-ABLabel:_$!<Other>!$_\n"
    b"EMAIL;TYPE=WORK:office@example.net\nADR;TYPE=HOME:;;1 Long Lane;Town;;1234;Country\n"
    b"PHOTO;ENCODING=b;TYPE=PNG:" + base64.b64encode(PICTURE)[:60] + b"\n " + base64.b64encode(PICTURE)[60:] + b"\n"
    b"BDAY:1970-01-02\nEND:VCARD\n"
)
V21 = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=ISO-8859-1;ENCODING=QUOTED-PRINTABLE:M=FCller;J=F6rg\r\n"
    b"FN;CHARSET=UTF-8;QUOTED-PRINTABLE:J=C3=B6rg=\r\n M=C3=BCller\r\nTEL;HOME;VOICE:+49 30 1\r\n"
    b"EMAIL;PREF;INTERNET:jorg@example.net\r\nNOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo, three\r\n"
    b"PHOTO;JPEG;ENCODING=BASE64:\r\n " + base64.b64encode(PICTURE)[:72] + b"\r\n "
    b"" + base64.b64encode(PICTURE)[72:] + b"\r\n\r\nURL:http://example.net\r\nEND:VCARD\r\n"
)


@pytest.mark.parametrize("raw", [V4, V3, V21])
def test_a_card_comes_back_byte_for_byte(raw: bytes) -> None:
    assert vcard.parse(raw).raw == raw
    assert list(vcard.cards(raw.splitlines(keepends=True))) == [raw]


def test_what_4_0_says() -> None:
    card = vcard.parse(V4)
    facts = contact.facts(card)
    assert (facts.name, facts.addresses) == ("J. Doe", ("home@example.org", "jdoe@example.com"))
    assert facts.groups == ("Family", "Chess, club")
    assert facts.uid == "urn:uuid:4fbe8971-0bc3-424c-9c26-36c3e1eff6b1"
    about = contact.details(card)
    assert about.note == "a long note that is folded by whoever wrote it in the middle of a word\nand has a second line"
    assert [(one.value, one.label) for one in about.emails] == [
        ("home@example.org", "home x-desk"),
        ("jdoe@example.com", "work"),
    ]
    assert about.phones[0].value == "+1-555-555-5555"
    (own,) = card.all("X-SOMETHING")
    assert own.params == (("X-P", ("a;b:c",)),)


def test_what_3_0_says() -> None:
    card = vcard.parse(V3)
    about = contact.details(card)
    assert (about.name, about.organisation) == ("Dr. Jörg Müller", "Wheel, Axle, Sales")
    assert about.emails[0].value == "jorg@example.net"
    assert about.emails[0].label == "other"
    assert about.places[0].value == "1 Long Lane, Town, 1234, Country"
    assert contact.photo(card) == ("image/png", PICTURE)


def test_what_2_1_says() -> None:
    card = vcard.parse(V21)
    about = contact.details(card)
    assert about.name == "Jörg Müller"
    assert vcard.parts(card.all("N")[0].value) == ["Müller", "Jörg"]
    assert about.phones[0].label == "home"
    assert about.note.replace("\r\n", "\n") == "one\ntwo, three"
    assert contact.photo(card) == ("image/jpeg", PICTURE)
    assert about.links[0].value == "http://example.net"


def test_a_change_touches_its_own_lines_only() -> None:
    card = vcard.parse(V4)
    about = contact.details(card)
    emails = (replace(about.emails[0], value="new@example.org"), about.emails[1], Entry("third@example.org", "work"))
    made = contact.changed(card, replace(about, emails=emails, title="Captain"))
    before, after = V4.split(b"\r\n"), made.raw.split(b"\r\n")
    gone = [one for one in before if one not in after]
    assert gone == [b'EMAIL;PREF=1;TYPE="home,x-desk":home@example.org']
    assert [one for one in after if one not in before] == [
        b"EMAIL;PREF=1;TYPE=home,x-desk:new@example.org",
        b"TITLE:Captain",
        b"EMAIL;TYPE=work:third@example.org",
    ]
    assert contact.changed(card, contact.details(card)).raw == V4


def test_an_entry_that_goes_takes_its_own_label_with_it() -> None:
    card = vcard.parse(V3)
    about = contact.details(card)
    made = contact.changed(card, replace(about, emails=about.emails[1:]))
    assert b"item1" not in made.raw
    assert b"\r" not in made.raw


def test_a_changed_card_of_2_1_is_one_of_3_0() -> None:
    card = vcard.parse(V21)
    about = contact.details(card)
    made = vcard.parse(contact.changed(card, replace(about, nickname="Jo; the, first\nof his name")).raw)
    assert made.version == "3.0"
    assert contact.details(made).nickname == "Jo; the, first\nof his name"
    assert contact.details(made).note == "one\ntwo, three"
    assert contact.photo(made) == ("image/jpeg", PICTURE)
    assert contact.details(made).name == "Jörg Müller"


@pytest.mark.parametrize("raw", [V4, V3, V21])
@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_another_version_says_the_same(raw: bytes, version: str) -> None:
    card = vcard.parse(raw)
    made = vcard.parse(convert(card, version).raw)
    assert made.version == version
    one, other = contact.facts(card), contact.facts(made)
    assert one == other
    assert contact.photo(made) == contact.photo(card)
    assert [entry.value for entry in contact.details(made).emails] == list(one.addresses)


def test_a_group_is_a_group_in_both() -> None:
    raw = (
        b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Team\r\nN:Team\r\nX-ADDRESSBOOKSERVER-KIND:group\r\n"
        b"X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:one\r\nX-ADDRESSBOOKSERVER-MEMBER:mailto:two@example.org\r\nEND:VCARD\r\n"
    )
    for version in ("3.0", "4.0"):
        facts = contact.facts(convert(vcard.parse(raw), version))
        assert facts.is_group
        assert facts.members == ("urn:uuid:one", "mailto:two@example.org")


def test_a_new_card_is_read_back() -> None:
    about = Details(
        "Ana María López",
        "Ñandú, S.A.",
        note="x" * 300 + "ñ" * 300,
        emails=(Entry("ana@example.org", "home"),),
        groups=("A, b", "C"),
    )
    raw = contact.with_photo(contact.fresh("urn:uuid:x", about), "image/png", PICTURE).raw
    assert all(len(one) <= 75 for one in raw.split(b"\r\n"))
    raw.decode("utf-8")
    for piece in raw.split(b"\r\n"):
        piece.decode("utf-8")  # no fold breaks a letter
    card = vcard.parse(raw)
    read = contact.details(card)
    assert (read.name, read.note, read.groups) == (about.name, about.note, about.groups)
    assert vcard.parts(card.all("N")[0].value)[:2] == ["López", "Ana María"]
    assert contact.photo(card) == ("image/png", PICTURE)


def test_a_file_of_cards_counts_what_is_spoilt() -> None:
    inner = b"AGENT:\r\nBEGIN:VCARD\r\nVERSION:2.1\r\nFN:Inner\r\nEND:VCARD\r\n"
    outer = b"BEGIN:VCARD\r\nVERSION:2.1\r\nFN:Outer\r\n" + inner + b"END:VCARD\r\n"
    file = b"junk before\r\n" + V4 + b"\r\nBEGIN:VCARD\r\nFN:cut off\r\n" + outer + V3 + b"begin:vcard\r\nFN:the end"
    assert list(vcard.cards(file.splitlines(keepends=True))) == [V4, None, outer, V3, None]
    assert contact.details(vcard.parse(outer)).name == "Outer"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"BEGIN:VCARD",
        b":",
        b'A;B="x:y',
        b"EMAIL;TYPE=:\xff\xfe@\n\nFN\n",
        b"BEGIN:VCARD\nVERSION:2.1\nFN;QUOTED-PRINTABLE:=\n=\n=\nEND:VCARD\n",
        b"PHOTO;ENCODING=b:!!!!\nPHOTO:data:image/png;base64,\nPHOTO:data:,x\nPHOTO:https://example.org/x.png\n",
        b"N:;;;;;;;;;;;;;;;;\nORG:;;;\nCATEGORIES:,,,\nADR:\n",
    ],
)
def test_no_card_is_too_broken_to_be_read(raw: bytes) -> None:
    card = vcard.parse(raw)
    assert card.raw == raw
    contact.facts(card)
    contact.details(card)
    assert contact.photo(card) is None
    for version in ("3.0", "4.0"):
        convert(card, version)


@pytest.mark.parametrize(
    "line",
    [
        b"EMAIL" + b";a" * 50_000 + b":x@y.example",
        b"EMAIL;TYPE=" + b"a," * 50_000 + b":x@y.example",
        b"NOTE:" + b"\r\n x" * 30_000,
        b"N:" + b"a;" * 50_000,
        b"ORG:" + b"a;" * 50_000,
        b"CATEGORIES:" + b"a," * 50_000,
    ],
)
def test_a_line_of_very_many_pieces_costs_little_room(line: bytes) -> None:
    raw = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\n" + line + b"\r\nEND:VCARD\r\n"
    tracemalloc.start()
    try:
        card = vcard.parse(raw)
        assert contact.facts(card).name == "Ann"
        contact.details(card)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert card.raw == raw
    assert most < 12 * len(raw) + 500_000


def test_spoilt_cards_are_read_and_kept() -> None:
    lot = random.Random(6350)
    for _ in range(400):
        raw = bytearray(lot.choice([V4, V3, V21]))
        for _ in range(lot.randrange(1, 8)):
            at = lot.randrange(len(raw))
            raw[at : at + lot.randrange(3)] = bytes(lot.choices(b'\r\n:;,\\"=. \xff\xc3A', k=lot.randrange(4)))
        card = vcard.parse(bytes(raw))
        assert card.raw == bytes(raw)
        about = contact.details(card)
        contact.changed(card, replace(about, name="Other", groups=("X",), emails=about.emails[1:]))
        contact.facts(convert(card, "4.0"))
