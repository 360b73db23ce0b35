"""winmail.dat: what Outlook packs its attachments into (MS-OXTNEF).

Rules of the file
- Nothing raises; what is cut or damaged yields what was read before; every count and depth is capped.
- Linear in the size: no octet is copied out twice, nothing is decompressed but the formatted text (``mime.rtf``).
"""

import struct
from typing import Final

from mua.mime import outlook
from mua.mime.charset import decode_text
from mua.mime.outlook import File, Properties
from mua.records import dataclass

SIGNATURE: Final = b"\x78\x9f\x3e\x22"
TYPES: Final = ("application/ms-tnef", "application/vnd.ms-tnef")
MAX_ATTRIBUTES: Final = 20_000
MAX_PROPERTIES: Final = 5000

_CODE_PAGE, _BODY, _MESSAGE, _RECIPIENTS = 0x069007, 0x02800C, 0x069003, 0x069004
_NEW_ATTACHMENT, _TITLE, _CONTENT, _ATTACHMENT = 0x069002, 0x018010, 0x06800F, 0x069005
_SUBJECT: Final = 0x018004
_MESSAGE_OBJECT: Final = bytes.fromhex("0703020000000000c000000000000046")
_MANY: Final = 0x1000
_VARIABLE: Final = (outlook.STRING8, outlook.UNICODE, outlook.BINARY, outlook.OBJECT)


@dataclass(frozen=True, slots=True)
class Tnef:
    """What is in a TNEF stream.  ``bodies`` are texts of the message; ``files`` what is attached, messages as .eml."""

    bodies: tuple[File, ...]
    files: tuple[File, ...]


class _Attachment:
    def __init__(self) -> None:
        self.title = ""
        self.data = b""
        self.properties: Properties = {}


class _Reader:
    def __init__(self) -> None:
        self.page: str | None = None
        self.properties: Properties = {}
        self.recipients: list[Properties] = []
        self.attachments: list[_Attachment] = []


def unpack(data: bytes) -> Tnef:
    """What is in a TNEF stream; nothing when it is none."""
    reader = _read(data)
    return Tnef(tuple(outlook.bodies(reader.properties)), tuple(_files(reader, outlook.MAX_DEPTH)))


def _read(data: bytes) -> _Reader:
    reader = _Reader()
    if not data.startswith(SIGNATURE):
        return reader
    position = 6
    for _ in range(MAX_ATTRIBUTES):
        if position + 9 > len(data):
            break
        key, size = struct.unpack_from("<xII", data, position)
        start, end = position + 9, position + 9 + size
        if data[position] not in (1, 2):
            break
        _take(reader, key & 0xFFFFFF, data[start : min(end, len(data))])
        position = end + 2
    return reader


def _take(reader: _Reader, key: int, value: bytes) -> None:
    if key == _CODE_PAGE and len(value) >= 4:
        reader.page = f"cp{int.from_bytes(value[:4], 'little')}"
        reader.properties.setdefault(outlook.MESSAGE_CODE_PAGE, (3, value[:4]))
    elif key == _SUBJECT:
        reader.properties.setdefault(outlook.SUBJECT, (outlook.STRING8, value))
    elif key == _BODY:
        reader.properties.setdefault(outlook.BODY, (outlook.STRING8, value))
    elif key == _MESSAGE:
        reader.properties |= _properties(value, 0)[0]
    elif key == _RECIPIENTS:
        reader.recipients = _rows(value)
    elif key == _NEW_ATTACHMENT and len(reader.attachments) < outlook.MAX_FILES:
        reader.attachments.append(_Attachment())
    elif reader.attachments:
        one = reader.attachments[-1]
        if key == _TITLE:
            one.title = decode_text(value.split(b"\0")[0], reader.page)
        elif key == _CONTENT:
            one.data = value
        elif key == _ATTACHMENT:
            one.properties = _properties(value, 0)[0]


def _rows(value: bytes) -> list[Properties]:
    count, position, rows = int.from_bytes(value[:4], "little"), 4, list[Properties]()
    for _ in range(min(count, outlook.MAX_RECIPIENTS)):
        row, position = _properties(value, position)
        if position < 0:
            break
        rows.append(row)
    return rows


def _properties(value: bytes, position: int) -> tuple[Properties, int]:
    """(properties that begin at ``position``, where they end; -1: damaged)."""
    found: Properties = {}
    try:
        count = struct.unpack_from("<I", value, position)[0]
        position += 4
        for _ in range(min(count, MAX_PROPERTIES)):
            kind, key = struct.unpack_from("<HH", value, position)
            position = _after_name(value, position + 4) if key >= 0x8000 else position + 4
            first, position = _value(value, position, kind)
            if key < 0x8000:
                found.setdefault(key, (kind & ~_MANY, first))
    except (struct.error, ValueError):
        return found, -1
    return found, position


def _after_name(value: bytes, position: int) -> int:
    """The names of properties of one's own are of no use here."""
    if struct.unpack_from("<I", value, position + 16)[0] == 0:
        return position + 24
    length = struct.unpack_from("<I", value, position + 20)[0]
    return position + 24 + _padded(length)


def _value(value: bytes, position: int, kind: int) -> tuple[bytes, int]:
    """(the first of its values, where the property ends).  Raises ValueError or struct.error where it cannot be."""
    single, count, first = kind & ~_MANY, 1, b""
    if kind & _MANY or single in _VARIABLE:
        count = struct.unpack_from("<I", value, position)[0]
        position += 4
    fixed = outlook.fixed_size(single)
    if fixed is None and single not in _VARIABLE:
        raise ValueError("a type that is none")
    for index in range(count):
        if fixed is None:
            size = struct.unpack_from("<I", value, position)[0]
            position += 4
        else:
            size = fixed
        if position + size > len(value):
            raise ValueError("cut")
        if index == 0:
            first = value[position : position + size]
        position += _padded(size)
        if size == 0 and index > MAX_PROPERTIES:
            raise ValueError("nothing, very often")
    return first, position


def _padded(size: int) -> int:
    return size + 3 & ~3


def _files(reader: _Reader, depth: int) -> list[File]:
    return [_file(one, reader, depth) for one in reader.attachments if one.data or one.title or one.properties]


def _file(one: _Attachment, reader: _Reader, depth: int) -> File:
    if outlook.CODE_PAGE not in one.properties and outlook.MESSAGE_CODE_PAGE in reader.properties:
        one.properties[outlook.MESSAGE_CODE_PAGE] = reader.properties[outlook.MESSAGE_CODE_PAGE]
    kind, data = one.properties.get(outlook.DATA, (0, b""))
    if kind == outlook.OBJECT:
        inside = data[16:] if data.startswith(_MESSAGE_OBJECT) else data
        if depth > 0 and inside.startswith(SIGNATURE):
            inner = _read(inside)
            made = outlook.message(inner.properties, inner.recipients, _files(inner, depth - 1))
            subject = outlook.string(inner.properties, outlook.SUBJECT)[:120]
            return File(f"{subject or one.title or 'message'}.eml", made, "message/rfc822")
        data = inside
    found = outlook.attached(one.properties, one.data or data)
    return found if found.name else File(one.title, found.data, found.type, found.content_id)
