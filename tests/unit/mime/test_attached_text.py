"""The text inside attachments, believable and hostile."""

import base64
import io
import struct
import time
import zipfile

import pytest

from mua.mime.attached_text import MAX_FILES, MAX_TEXT, attached_text, office_text
from mua.mime.sniff import zip_names

DOCX = (
    '<?xml version="1.0"?><w:document><w:body><w:p><w:r><w:t>Quart</w:t></w:r><w:r><w:t>erly</w:t></w:r></w:p>'
    "<w:p><w:t>pots &amp; pans&#228;</w:t><w:tab/><w:t>end</w:t></w:p></w:body></w:document>"
)
ODT = "<office:text><text:p>Ein <text:span>Gar</text:span>ten</text:p><text:h>Titel</text:h></office:text>"


def zipped(**members: str | bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return made.getvalue()


def mail(*files: tuple[str, str, bytes]) -> bytes:
    parts = [b"Content-Type: text/plain\r\n\r\nthe letter itself\r\n"]
    for name, kind, data in files:
        head = f'Content-Type: {kind}\r\nContent-Disposition: attachment; filename="{name}"\r\n'
        coded = b"" if kind == "message/rfc822" else b"Content-Transfer-Encoding: base64\r\n"
        body = data if kind == "message/rfc822" else base64.encodebytes(data)
        parts.append(head.encode() + coded + b"\r\n" + body)
    head = b"Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return head + b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


def text_of(*files: tuple[str, str, bytes]) -> str:
    return attached_text(mail(*files), lambda data: f"[{len(data)} octets of PDF]")


@pytest.mark.parametrize(
    ("name", "kind", "data", "expected"),
    [
        ("a.txt", 'text/plain; charset="iso-8859-1"', b"caf\xe9", "café"),
        ("a.csv", "application/octet-stream", b"one;two", "one;two"),
        ("a.html", "text/html", b"<p>Hello <b>there</b></p>", "Hello there"),
        ("a.docx", "application/octet-stream", zipped(word__document_xml=DOCX), "Quarterly\npots & pansä\nend"),
        ("a.odt", "application/octet-stream", zipped(content_xml=ODT), "Ein Garten\nTitel"),
        ("a.pdf", "application/pdf", b"%PDF-1.4 ...", "[12 octets of PDF]"),
        ("a.eml", "message/rfc822", b"Subject: x\r\n\r\nInner words\r\n", "Inner words"),
        ("a.zip", "application/zip", zipped(notes_xml="secret"), ""),
        ("a.bin", "application/octet-stream", b"\0\1\2" * 99, ""),
        ("a.txt", "text/plain", b"MZ\0\0" + b"\0" * 99, ""),
    ],
)
def test_what_is_in_it(name: str, kind: str, data: bytes, expected: str) -> None:
    assert text_of((name, kind, data)).strip() == expected


def test_the_letter_itself_and_pictures_are_not_attached_text() -> None:
    assert text_of(("a.txt", "text/plain", b"inside"), ("p.png", "image/png", b"\x89PNG\r\n\x1a\n")).strip() == "inside"


def test_an_entity_is_not_expanded() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<!DOCTYPE d [<!ENTITY l0 "lol">{laughs}]><w:document><w:p>&l9;</w:p></w:document>'
    assert len(office_text(zipped(word__document_xml=bomb))) < 2_000


def test_what_would_be_too_much_is_left_out() -> None:
    began = time.process_time()
    bomb = zipped(word__document_xml=b"<w:t>a</w:t>" * 20_000_000)
    assert len(bomb) < 2_000_000
    spent = time.process_time() - began
    assert len(text_of(("bomb.docx", "application/zip", bomb))) <= MAX_TEXT
    assert time.process_time() - began < 3 * spent + 2
    many = text_of(*((f"{n}.txt", "text/plain", f"word{n}".encode()) for n in range(MAX_FILES + 5)))
    assert f"word{MAX_FILES - 1}" in many
    assert f"word{MAX_FILES}" not in many
    assert len(text_of(*((f"{n}.txt", "text/plain", b"a" * 900_000) for n in range(3)))) <= MAX_TEXT + 2


@pytest.mark.parametrize("cut", range(0, 400, 37))
def test_a_broken_document_is_no_error(cut: int) -> None:
    whole = zipped(word__document_xml=DOCX)
    office_text(whole[:cut])
    office_text(whole[:60] + b"\xff" * 20 + whole[80:])
    text_of(("a.docx", "application/zip", whole[:cut]))


def test_markup_without_an_end_takes_no_time() -> None:
    began = time.process_time()
    office_text(zipped(word__document_xml="<" * 2_000_000))
    office_text(zipped(word__document_xml="<w:tab " * 500_000))
    assert time.process_time() - began < 10


def entry(offset: int) -> bytes:
    """An entry of a ZIP's list, for a file that begins at ``offset`` (ZIP64)."""
    far = struct.pack("<HHQ", 1, 8, offset)
    fixed = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 0, 0, 9, 9, 11, 12, 0, 0, 0, 0, 0xFFFFFFFF)
    return fixed + b"content.xml" + far


def archive(entries: bytes, told: int) -> bytes:
    start = b"PK\3\4" + bytes(26)
    return start + entries + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, told, told, len(entries), len(start), 0)


@pytest.mark.parametrize("offset", [2**63 - 1, 2**63, 2**64 - 1])
def test_a_file_beyond_the_end_of_the_world_is_no_error(offset: int) -> None:
    data = archive(entry(offset), 1)
    assert office_text(data) == ""
    assert text_of(("far.docx", "application/zip", data), ("a.txt", "text/plain", b"after it")).strip() == "after it"


def test_the_number_of_entries_is_not_believed() -> None:
    assert zip_names(archive(entry(0) * 20_000, 20_000))
    assert not zip_names(archive(entry(0) * 20_001, 1))


def test_a_reader_that_fails_costs_one_file() -> None:
    def fail(_: bytes) -> str:
        raise KeyError("a library's surprise")

    files = mail(("a.pdf", "application/pdf", b"%PDF-1.4"), ("a.txt", "text/plain", b"after it"))
    assert attached_text(files, fail).strip() == "after it"
