"""Outlook's .msg files (MS-OXMSG) as RFC 5322 messages.

Rule of the file: never raises; what is damaged is left out.
"""

import re
import struct
from typing import Final

from mua.mime import outlook
from mua.mime.cfb import SIGNATURE, Container
from mua.mime.outlook import File, Properties

TYPE: Final = "application/vnd.ms-outlook"

_PROPERTIES: Final = "__properties_version1.0"
_VALUE = re.compile(r"__substg1\.0_([0-9A-Fa-f]{4})([0-9A-Fa-f]{4})\Z")
_RECIPIENT = re.compile(r"__recip_version1\.0_#[0-9A-Fa-f]{8}\Z")
_ATTACHED = re.compile(r"__attach_version1\.0_#[0-9A-Fa-f]{8}\Z")
_EMBEDDED: Final = "__substg1.0_3701000D/"
_TOP, _INSIDE, _SMALL = 32, 24, 8  # octets before the properties of a message, of one inside another, of the rest


def is_msg(data: bytes) -> bool:
    """May it be one?  Other files of Office have the same beginning."""
    return data.startswith(SIGNATURE) and _PROPERTIES.encode("utf-16-le") in data


def message(data: bytes) -> bytes:
    """The message in a .msg file; empty when there is none."""
    box = Container(data)
    tree = _tree(box.names())
    return _message(box, tree, "", _TOP, outlook.MAX_DEPTH) if _PROPERTIES in tree.get("", ()) else b""


def _tree(paths: list[str]) -> dict[str, list[str]]:
    """What is in each storage: names of streams, and of storages with a slash behind."""
    tree: dict[str, dict[str, None]] = {}
    for path in paths:
        at, storage = 0, ""
        while (slash := path.find("/", at)) >= 0:
            tree.setdefault(storage, {})[path[at : slash + 1]] = None
            at, storage = slash + 1, path[: slash + 1]
        tree.setdefault(storage, {})[path[at:]] = None
    return {storage: list(names) for storage, names in tree.items()}


def _message(box: Container, tree: dict[str, list[str]], prefix: str, skipped: int, depth: int) -> bytes:
    inside = sorted(name for name in tree.get(prefix, ()) if name.endswith("/"))
    recipients = [name for name in inside if _RECIPIENT.match(name[:-1])][: outlook.MAX_RECIPIENTS]
    attached = [name for name in inside if _ATTACHED.match(name[:-1])][: outlook.MAX_FILES]
    files = [_file(box, tree, prefix + name, depth) for name in attached]
    people = [_properties(box, tree, prefix + name, _SMALL) for name in recipients]
    return outlook.message(_properties(box, tree, prefix, skipped), people, files)


def _properties(box: Container, tree: dict[str, list[str]], prefix: str, skipped: int) -> Properties:
    """Values of a fixed size are in a table, the others in streams of their own."""
    found: Properties = {}
    table = box.stream(prefix + _PROPERTIES)[skipped:]
    for kind, key, value in struct.iter_unpack("<HH4x8s", table[: len(table) // 16 * 16]):
        size = outlook.fixed_size(kind)
        if size is not None and size <= 8:
            found.setdefault(key, (kind, value[:size]))
    for name in tree.get(prefix, ()):
        match = _VALUE.match(name)
        if match is not None:
            found[int(match[1], 16)] = (int(match[2], 16), box.stream(prefix + name))
    return found


def _file(box: Container, tree: dict[str, list[str]], prefix: str, depth: int) -> File:
    properties = _properties(box, tree, prefix, _SMALL)
    if prefix + _EMBEDDED in tree:
        if depth <= 0:
            return File("message.eml", b"", "message/rfc822")
        inner = _message(box, tree, prefix + _EMBEDDED, _INSIDE, depth - 1)
        name = outlook.string(properties, outlook.DISPLAY_NAME) or "message"
        return File(f"{name[:120]}.eml", inner, "message/rfc822")
    return outlook.attached(properties, properties.get(outlook.DATA, (0, b""))[1])
