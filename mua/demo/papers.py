"""Files for the demo mailbox, made by code: PDF, spreadsheet, table, calendar entry, archive, picture.

An attachment is written ``name.ext | first | second ...``; what the fields mean depends on the extension.  Rule of the
file: pure; the same fields give the same bytes.
"""

import io
import time
import zipfile
from collections.abc import Callable
from xml.sax.saxutils import escape

from mua.demo.letters import Attachment
from mua.demo.pictures import picture

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the date of every archive member: no clock
_PDF_TEXT = str.maketrans({"(": r"\(", ")": r"\)", "\\": r"\\"})


def make(line: str, now: int) -> Attachment:
    """The attachment that ``line`` describes.  Raises KeyError for an extension that is not known."""
    name, *fields = [item.strip() for item in line.split("|")]
    kind, builder = _KINDS[name.rpartition(".")[2]]
    return Attachment(name, kind, builder(fields, now))


def pdf(fields: list[str], now: int) -> bytes:
    """One A4 page: a title, a rule, lines; a line ``# x y w h label`` (in mm from the top left) is a labelled box."""
    title, *lines = fields
    drawing = [f"BT /F2 20 Tf 56 770 Td ({_pdf(title)}) Tj ET", "0.7 w 56 756 m 539 756 l S"]
    y = 728
    for line in lines:
        if line.startswith("#"):
            drawing.append(_box(line))
        else:
            drawing.append(f"BT /F1 11.5 Tf 56 {y} Td ({_pdf(line)}) Tj ET")
            y -= 19
    return _pdf_file("\n".join(drawing).encode("cp1252", "replace"))


def csv(fields: list[str], now: int) -> bytes:
    """Rows with ``;`` between the cells."""
    rows = [",".join(f'"{cell}"' if "," in cell else cell for cell in _cells(row)) for row in fields]
    return ("\r\n".join(rows) + "\r\n").encode()


def xlsx(fields: list[str], now: int) -> bytes:
    """The least that a spreadsheet program takes as a workbook: one sheet, cells in place (ECMA-376)."""
    rows = "".join(f'<row r="{r}">{_sheet_row(r, _cells(row))}</row>' for r, row in enumerate(fields, 1))
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    relations = "http://schemas.openxmlformats.org/package/2006/relationships"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    content = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{content}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{content}.worksheet+xml"/></Types>'
    )
    link = '<Relationships xmlns="{0}"><Relationship Id="rId1" Type="{1}/{2}" Target="{3}"/></Relationships>'
    sheets = '<sheets><sheet name="Sheet 1" sheetId="1" r:id="rId1"/></sheets>'
    book = f'<workbook xmlns="{main}" xmlns:r="{office}">{sheets}</workbook>'
    members = {
        "[Content_Types].xml": types,
        "_rels/.rels": link.format(relations, office, "officeDocument", "xl/workbook.xml"),
        "xl/workbook.xml": book,
        "xl/_rels/workbook.xml.rels": link.format(relations, office, "worksheet", "worksheets/sheet1.xml"),
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
    }
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    return _archive({name: (head + text).encode() for name, text in members.items()})


def archive(fields: list[str], now: int) -> bytes:
    """A ZIP of text files: ``name=content`` each."""
    pairs = [field.partition("=") for field in fields]
    return _archive({name: (content + "\n").encode() for name, _, content in pairs})


def ics(fields: list[str], now: int) -> bytes:
    """A calendar entry (RFC 5545): title, days from now, hour UTC, hours, place, and METHOD of an invitation."""
    title, days, hour, hours, place, *method = fields
    start = now - now % 86400 + int(days) * 86400 + int(hour) * 3600
    invitation = ["ORGANIZER;CN=Lena Falk:mailto:lena.falk@larkspur.example"] if method else []
    guest = ["ATTENDEE;CN=Robin Vale;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:robin@demo.mua.example"] if method else []
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Larkspur//Calendar//EN"),
        *(f"METHOD:{word}" for word in method),
        *("BEGIN:VEVENT", f"UID:{start}-{len(title)}@larkspur.example", f"DTSTAMP:{_stamp(now - now % 86400)}"),
        *(f"DTSTART:{_stamp(start)}", f"DTEND:{_stamp(start + int(hours) * 3600)}"),
        *(f"SUMMARY:{title}", f"LOCATION:{place}", *invitation, *guest),
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]
    return "\r\n".join(lines).replace(", ", "\\, ").encode()


def image(fields: list[str], now: int) -> bytes:
    """A landscape of this name (see pictures.py)."""
    return picture(fields[0], 960, 640)


_KINDS: dict[str, tuple[str, Callable[[list[str], int], bytes]]] = {
    "pdf": ("application/pdf", pdf),
    "csv": ("text/csv", csv),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", xlsx),
    "zip": ("application/zip", archive),
    "ics": ("text/calendar", ics),
    "png": ("image/png", image),
}


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.split(";")]


def _sheet_row(number: int, cells: list[str]) -> str:
    made = []
    for column, cell in enumerate(cells):
        place = f"{chr(65 + column)}{number}"
        if cell.replace(".", "", 1).lstrip("-").isdecimal():
            made.append(f'<c r="{place}"><v>{cell}</v></c>')
        else:
            made.append(f'<c r="{place}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>')
    return "".join(made)


def _stamp(seconds: int) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def _archive(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name, _EPOCH), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _pdf(text: str) -> str:
    return text.translate(_PDF_TEXT)


def _box(line: str) -> str:
    x, y, width, height, label = line[1:].split(None, 4)
    left, top = float(x) * 2.83, 842 - float(y) * 2.83
    wide, high = float(width) * 2.83, float(height) * 2.83
    frame = f"0.93 0.95 0.99 rg {left:.0f} {top - high:.0f} {wide:.0f} {high:.0f} re B 0 g"
    return f"{frame} BT /F1 10 Tf {left + 8:.0f} {top - 18:.0f} Td ({_pdf(label)}) Tj ET"


def _pdf_file(content: bytes) -> bytes:
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << %s >> >> >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page % b"/F1 5 0 R /F2 6 0 R",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        font % b"Helvetica",
        font % b"Helvetica-Bold",
    ]
    file, places = bytearray(b"%PDF-1.4\n"), []
    for number, item in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, item)
    start = len(file)
    file += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    file += b"".join(b"%010d 00000 n \n" % place for place in places)
    file += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(file)
