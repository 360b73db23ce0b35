"""What a file is by its content: programs under any name, labels that lie, archives that are only listed."""

import io
import time
import zipfile
import zlib

import pytest

from mua.mime.sniff import MAX_NAMES, is_risky, media_type, mismatch, runs, zip_names

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
PE, ELF = b"MZ\x90\0" + b"\0" * 60, b"\x7fELF\x02" + b"\0" * 60


def zipped(*names: str, size: int = 1) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"\0" * size)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (PNG, "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"GIF89a...", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"%PDF-1.7", "application/pdf"), (b"\n\n%PDF-1.4", "application/pdf"), (b"PK\x03\x04", "application/zip"),
        (b"\0\0\0\x20ftypisom", "video/mp4"), (b"Hello", "text/plain"), ("Grüße".encode("utf-16"), "text/plain"),
        (b"\0\1\2\3", ""), (b"BMW is a car", "text/plain"),
    ],
)  # fmt: skip
def test_the_type_is_known_by_the_content(data: bytes, kind: str) -> None:
    assert media_type(data) == kind


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PE, "a Windows program"), (ELF, "a Linux program"), (b"#!/bin/sh\nrm", "a script"),
        (b"\xef\xbb\xbf#!/bin/sh", "a script"), (b"L\0\0\0\x01\x14\x02\0\0", "a Windows shortcut"),
        (b"[Desktop Entry]\nExec=x", "a shortcut or script that can run a program"),
        (b"\n[InternetShortcut]\nURL=file:", "a shortcut or script that can run a program"),
        (b"<!-- x --><?xml version='1.0'?><svg onload=x>", "a drawing that can hold scripts"),
        (b"<!DOCTYPE html><script>", "a web page"), ("\ufeff<html>".encode("utf-16-le"), "a web page"),
        (b"\0" * 0x8001 + b"CD001", "a disk image"),
        (zipped("[Content_Types].xml", "word/vbaProject.bin"), "an Office document with macros"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600 + "_VBA".encode("utf-16-le"), "an Office document with macros"),
    ],
)  # fmt: skip
def test_what_could_run_is_known_under_any_name(data: bytes, words: str) -> None:
    assert runs(data) == words
    assert mismatch("holiday.jpg", data) == words


@pytest.mark.parametrize("data", [PNG, b"%PDF-1.7", b"Hello", zipped("a.txt"), b"", b"<3 you", b"Dear #!"])
def test_what_is_only_read_runs_nothing(data: bytes) -> None:
    assert runs(data) == ""


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.pdf", PNG, "a picture"), ("a.png", b"%PDF-1.7", "a PDF"), ("a.jpg", PNG, ""), ("a.docx", zipped("x"), ""),
        ("a.txt", zipped("x"), "a ZIP archive"), ("a.unknown", PNG, ""), ("a.exe", PE, ""), ("a.doc", b"{\\rtf1", ""),
        ("a.pdf. . ", PE, "a Windows program"),
    ],
)  # fmt: skip
def test_a_label_that_lies_is_named(name: str, data: bytes, words: str) -> None:
    assert mismatch(name, data) == words


def test_trailing_dots_hide_no_program() -> None:
    assert is_risky("invoice.pdf.exe. ")
    assert not is_risky("invoice.exe.pdf")


def test_an_archive_is_listed_and_never_unpacked() -> None:
    bomb = bytearray(zipped("bomb.bin", size=1_000_000))
    begin = bomb.index(b"bomb.bin") + len("bomb.bin")
    bomb[begin : begin + 100] = b"\xff" * 100
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive, pytest.raises((zlib.error, zipfile.BadZipFile)):
        archive.read("bomb.bin")
    assert zip_names(bytes(bomb)) == [("bomb.bin", 1_000_000)]
    assert len(zip_names(zipped(*map(str, range(MAX_NAMES + 5))))) == MAX_NAMES
    assert zip_names(b"PK\x03\x04 broken") == []


def test_markup_that_never_ends_takes_no_time() -> None:
    begin = time.process_time()
    for data in (b"<!-- -->" * 600, b"<!--" * 1_000, b"<?" * 2_000, zlib.compress(b"x") * 200):
        runs(data)
        mismatch("a.pdf", data)
    assert time.process_time() - begin < 0.5
