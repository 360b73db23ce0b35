"""The text inside attachments, for the search index: text, HTML, PDF, OOXML and OpenDocument, attached mail.

Rules of the file: never raises; nothing is parsed that could expand (a document's XML is read as the characters between
tags, and no entity is looked up that it defines); everything has a bound, and what is beyond it is left out.
"""

import html
import io
import re
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import Final

from mua.mime.charset import decode_text
from mua.mime.message import attached_files, gist
from mua.mime.sniff import media_type, zip_names
from mua.mime.text import html_to_text

MAX_FILE: Final = 24 << 20  # octets of a file that is looked into
MAX_FILES: Final = 30  # of one message
MAX_TEXT: Final = 1_000_000  # characters of one message
_MAX_XML: Final = 16 << 20  # octets unpacked of one document
_TEXTS: Final = (
    ".txt",
    ".text",
    ".csv",
    ".tsv",
    ".md",
    ".log",
    ".html",
    ".htm",
    ".ics",
    ".vcf",
    ".json",
    ".xml",
    ".tex",
)
_MEMBERS = re.compile(
    r"word/(?:document|footnotes|endnotes|comments|header\d*|footer\d*)\.xml|content\.xml|ppt/slides/slide\d+\.xml"
    r"|xl/sharedStrings\.xml"
)
_BLOCKS = re.compile(
    r"</(?:w:p|a:p|text:p|text:h|si|table:table-cell)>|<(?:w:tab|w:br|w:cr|a:br|text:tab|text:s|text:line-break)\b[^<>]*>"
)
_TAGS = re.compile(r"<[^<>]*>")
OfPdf = Callable[[bytes], str]


def attached_text(raw: bytes, of_pdf: OfPdf) -> str:
    """The text of everything that is attached to a message; ``of_pdf`` makes text of a PDF file, and never raises."""
    found: list[str] = []
    left = MAX_TEXT
    for text in _texts(raw, of_pdf):
        found.append(text[:left])
        left -= len(found[-1])
        if left <= 0:
            break
    return "\n".join(found)


def _texts(raw: bytes, of_pdf: OfPdf) -> Iterator[str]:
    for number, file in enumerate(attached_files(raw)):
        if number >= MAX_FILES:
            return
        if text := _text_or_none(*file, of_pdf):
            yield text


def _text_or_none(name: str, kind: str, charset: str, head: bytes, whole: Callable[[], bytes], of_pdf: OfPdf) -> str:
    """Empty for a file that its reader chokes on: an error would end the indexer at this mail, again and again."""
    reader = _reader(name, kind, charset, head, of_pdf)
    if reader is None:
        return ""
    try:
        data = whole()
        return reader(data) if len(data) <= MAX_FILE else ""
    except Exception:  # noqa: BLE001  a stranger's file, and the readers are libraries
        return ""


def _reader(name: str, kind: str, charset: str, head: bytes, of_pdf: OfPdf) -> OfPdf | None:
    """What makes text of a file that begins so; None: nothing does, and most of it need not even be decoded."""
    if kind == "message/rfc822":
        return lambda data: gist(data).text
    if head.startswith(b"PK\x03\x04"):
        return office_text
    found = media_type(head)
    if found == "application/pdf":
        return of_pdf
    is_text = kind.startswith("text/") or PurePath(name.lower()).suffix in _TEXTS
    binary = b"\0" in head and head[:2] not in (b"\xff\xfe", b"\xfe\xff")
    if not is_text or binary or (found and found != "text/plain"):
        return None
    is_html = kind == "text/html" or name.lower().endswith((".html", ".htm"))
    return lambda data: _plain(data, charset, is_html=is_html)


def _plain(data: bytes, charset: str, *, is_html: bool) -> str:
    text = decode_text(data[: 4 * MAX_TEXT], charset or None)
    return html_to_text(text) if is_html else text


def office_text(data: bytes) -> str:
    """The text of a document that is a ZIP of XML files; empty for any other ZIP, and for one that cannot be read."""
    if not any(_MEMBERS.fullmatch(name) for name, _ in zip_names(data)):
        return ""
    import zipfile  # for mail with documents only
    import zlib

    found: list[str] = []
    left = _MAX_XML
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.infolist():
                plain = member.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
                if left > 0 and plain and _MEMBERS.fullmatch(member.filename):
                    with archive.open(member) as file:
                        xml = file.read(left)
                    left -= len(xml)
                    found.append(_of_xml(xml))
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
        RuntimeError,
        IndexError,
        ArithmeticError,  # an offset that no machine can seek to
    ):
        pass  # cut or encrypted: what was read so far is text all the same
    return "\n".join(found)


def _of_xml(xml: bytes) -> str:
    """The characters between tags; the end of a paragraph ends a line."""
    text = xml.decode("utf-16" if xml[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace")
    return html.unescape(_TAGS.sub("", _BLOCKS.sub("\n", text)))
