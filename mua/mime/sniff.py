"""What a file really is, by its first octets: what can be shown, what could run, and whether its label lies.

Rules of the file: pure, never raises, looks at no more than ``LOOK`` octets (a ZIP's list of names is at its end and is
read by ``zip_names``, with caps).  A name is judged by its last suffix, as desktops do.
"""

import io
import re
from pathlib import PurePath
from typing import Final

from mua.language import tr

LOOK: Final = 4096
MAX_NAMES: Final = 1_000  # names of an archive that are listed
_MAX_ENTRIES: Final = 20_000  # entries of an archive whose list is read at all
_MAX_ARCHIVE: Final = 64 << 20

_PROGRAMS = (
    "app apk appimage appinstaller application appref-ms appx bat cmd com command cpl deb dll dmg exe flatpak"
    " flatpakref gadget img inf iso jar jnlp lnk mpkg msi msix msp osx out pif pkg rdp reg rpm run scr snap sys"
    " vhd vhdx xpi"
)
_SCRIPTS = (
    "action applescript ash bash bin chm class csh desktop directory diagcab fish hlp hta htm html js jse jsp"
    " kdelnk ksh library-ms lua mht mhtml mjs msc msh mst osascript php pl plx ps1 ps1xml psd1 psm1 py pyc pyo pyw"
    " pyz pyzw rb scf scpt scptd sct search-ms service settingcontent-ms sh shb shs shtml svg svgz tcl terminal"
    " theme tool url vb vba vbe vbs webloc website workflow ws wsc wsf wsh xbap xht xhtml xll xsl zsh"
)
_MACROS = "dotm docm iqy ppam potm ppsm pptm slk sldm xla xlam xlsb xlsm xltm"
RISKY: Final = frozenset("." + suffix for suffix in f"{_PROGRAMS} {_SCRIPTS} {_MACROS}".split())

_STARTS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"), (b"BM", "image/bmp"), (b"II*\x00", "image/tiff"), (b"MM\x00*", "image/tiff"),
    (b"\0\0\1\0", "image/x-icon"),
    (b"PK\x03\x04", "application/zip"), (b"PK\x05\x06", "application/zip"), (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"), (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"), (b"\xfd7zXZ\x00", "application/x-xz"), (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"), (b"ID3", "audio/mpeg"), (b"\xff\xfb", "audio/mpeg"), (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xfa", "audio/mpeg"), (b"\xff\xf2", "audio/mpeg"),
    (b"\x1aE\xdf\xa3", "video/webm"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"), (b"wOFF", "font/woff"), (b"%!PS", "application/postscript"),
)  # fmt: skip
_RUNS: Final = (
    (b"MZ", tr("a Windows program")),
    (b"\x7fELF", tr("a Linux program")),
    (b"\xca\xfe\xba\xbe", tr("a Mac or Java program")),
    (b"\xcf\xfa\xed\xfe", tr("a Mac program")),
    (b"\xce\xfa\xed\xfe", tr("a Mac program")),
    (b"#!", tr("a script")),
    (b"L\x00\x00\x00\x01\x14\x02\x00", tr("a Windows shortcut")),
    (b"MSCF", tr("a Windows installer's cabinet")),
    (b"!<arch>\ndebian", tr("a Debian package")),
    (b"\xed\xab\xee\xdb", tr("an RPM package")),
    (b"ITSF", tr("a Windows help file")),
)
_SHORTCUT = re.compile(rb"\s*\[(?:desktop entry|internetshortcut|shell)\]", re.IGNORECASE)
_BATCH = re.compile(rb"\s*@echo\s+off\b", re.IGNORECASE)
_PAGE = re.compile(rb"<(?:!doctype\s+)?(?:html|head|body|script|iframe)\b", re.IGNORECASE)
_DRAWING = re.compile(rb"<(?:!doctype\s+)?svg\b", re.IGNORECASE)
_PROLOGUE: Final = ((b"<!--", b"-->"), (b"<?", b"?>"))
_ISO_AT: Final = 0x8001
_FAMILIES: Final = {
    ".jpg": "image/", ".jpeg": "image/", ".png": "image/", ".gif": "image/", ".webp": "image/", ".bmp": "image/",
    ".tif": "image/", ".tiff": "image/", ".heic": "image/", ".avif": "image/", ".pdf": "application/pdf",
    ".mp3": "audio/", ".wav": "audio/", ".flac": "audio/", ".ogg": "audio/", ".zip": "application/zip",
    ".docx": "application/zip", ".xlsx": "application/zip", ".pptx": "application/zip", ".odt": "application/zip",
    ".ods": "application/zip", ".doc": "application/x-ole-storage", ".xls": "application/x-ole-storage",
    ".ppt": "application/x-ole-storage", ".txt": "text/", ".csv": "text/", ".mp4": "video/", ".webm": "video/",
}  # fmt: skip
_CALLED: Final = {
    "application/pdf": tr("a PDF"),
    "application/zip": tr("a ZIP archive"),
    "application/x-ole-storage": tr("an old Office file"),
    "text/plain": tr("text"),
    "application/gzip": tr("a packed file"),
}


def media_type(data: bytes) -> str:
    """The media type by content: one of few that are recognised surely, ``text/plain``, or empty for unknown."""
    for start, name in _STARTS:
        if data.startswith(start) and (name != "image/bmp" or data[6:10] == b"\0\0\0\0"):
            return name
    if data[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(data[8:12], "")
    if data[4:8] == b"ftyp":
        return {
            b"avif": "image/avif",
            b"avis": "image/avif",
            b"heic": "image/heic",
            b"mif1": "image/heic",
            b"M4A ": "audio/mp4",
        }.get(data[8:12], "video/mp4")
    if b"%PDF-" in data[:1024]:
        return "application/pdf"
    return "text/plain" if _is_text(data[:LOOK]) else ""


def runs(data: bytes) -> str:
    """What could run in this file, as words ("a Windows program"); empty for what is only read."""
    for start, words in _RUNS:
        if data.startswith(start):
            return words
    head = data[:LOOK]
    for bom, coding in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(bom):
            head = head[len(bom) :].decode(coding, "replace").encode("utf-8", "replace")
            if head.startswith(b"#!"):
                return tr("a script")
            break
    if _SHORTCUT.match(head) or _BATCH.match(head):
        return tr("a shortcut or script that can run a program")
    markup = _without_prologue(head)
    if _PAGE.match(markup):
        return tr("a web page")
    if _DRAWING.match(markup):
        return tr("a drawing that can hold scripts")
    if data[_ISO_AT : _ISO_AT + 5] == b"CD001":
        return tr("a disk image")
    if data.startswith(b"PK\x03\x04") and any(one.lower().endswith("vbaproject.bin") for one, _ in zip_names(data)):
        return tr("an Office document with macros")
    if data.startswith(b"\xd0\xcf\x11\xe0") and (b"_\0V\0B\0A\0" in data or b"M\0a\0c\0r\0o\0s\0" in data):
        return tr("an Office document with macros")
    return ""


def is_risky(name: str) -> bool:
    """Could opening a file of this name run something?  Trailing dots and blanks do not hide it: Windows drops them."""
    return PurePath(name.rstrip(". ")).suffix.lower() in RISKY


def called(kind: str) -> str:
    """A media type as words."""
    family = kind.split("/", 1)[0]
    return _CALLED.get(kind) or {"image": tr("a picture"), "audio": tr("sound"), "video": tr("a film")}.get(
        family, tr("something else")
    )


def mismatch(name: str, data: bytes) -> str:
    """What a file is, in words, where its name says something else; empty where they agree or nobody knows."""
    suffix = PurePath(name.rstrip(". ")).suffix.lower()
    running = runs(data)
    if running:
        return "" if suffix in RISKY else running
    wanted, found = _FAMILIES.get(suffix, ""), media_type(data)
    if not wanted or not found or found.startswith(wanted) or not data:
        return ""
    if wanted == "application/x-ole-storage" and found in ("application/rtf", "text/plain"):
        return ""  # a program's own habit: RTF and tables under the old names
    if {wanted, found} == {"audio/", "video/webm"} or (wanted == "audio/" and found.startswith("video/")):
        return ""
    return called(found)


def zip_names(data: bytes) -> list[tuple[str, int]]:
    """(name, octets) of what a ZIP holds, at most ``MAX_NAMES``; nothing is unpacked.  Empty: it cannot be read."""
    if len(data) > _MAX_ARCHIVE or _entries(data) > _MAX_ENTRIES:
        return []
    import zipfile  # every page with a picture reads the rest of this file

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return [(one.filename, one.file_size) for one in archive.infolist()[:MAX_NAMES]]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, IndexError, ArithmeticError):
        return []


def _entries(data: bytes) -> int:
    """How many entries a ZIP can have at most: the number at its end may be a lie, the entries are what takes time."""
    return data.count(b"PK\x01\x02")


def _without_prologue(head: bytes) -> bytes:
    """Markup without the comments and declarations before it."""
    head = head.lstrip()
    while found := next((end for start, end in _PROLOGUE if head.startswith(start)), b""):
        _, end, head = head.partition(found)
        head = head.lstrip()
        if not end:
            break
    return head


def _is_text(head: bytes) -> bool:
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    if b"\0" in head:
        return False
    control = sum(one < 9 or 13 < one < 27 or 27 < one < 32 for one in head)
    return control * 50 <= len(head)
