"""Files inside the bytes of a part: uuencoded and yEnc ones in a text, those that Outlook packs into winmail.dat.

Rules of the file: nothing raises; a file is found by the same rule whoever asks (list, save, forward, index); what
cannot be unpacked stays what it was, an attachment or text.

A packed file is named by the part's section and a mark: ``2.UU1``, ``1.YENC2``, ``3.TNEF4``.
"""

import mimetypes
import re
from typing import Final

from mua.mime.charset import decode_text
from mua.mime.headers import decode_header
from mua.mime.outlook import File
from mua.mime.scan import Part, decode
from mua.mime.tnef import SIGNATURE, TYPES, Tnef, unpack
from mua.mime.uu import find_uu
from mua.mime.yenc import find_yenc
from mua.records import dataclass

SECTION: Final = re.compile(r"(.+)\.((?:UU|YENC|TNEF)[0-9]{1,4})\Z")
MAX_TNEF: Final = 128 << 20  # octets of a winmail.dat that is looked into

_MAYBE_TNEF: Final = ("application/octet-stream", "application/x-unknown")
_TOLD: Final = re.compile(r"[a-z0-9.+-]+/[a-z0-9.+-]+\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Packed:
    """One file.  ``name`` is not made safe; ``start`` and ``end`` are where it stood in the text, 0 in winmail.dat."""

    mark: str
    name: str
    type: str
    data: bytes
    content_id: str = ""
    start: int = 0
    end: int = 0


def in_text(body: bytes) -> list[Packed]:
    """The files in the decoded bytes of a text, in order, none inside another."""
    found = []
    if b"begin " in body:
        found += [("UU", one, decode_header(one.name)) for one in find_uu(body)]
    if b"=ybegin " in body:
        found += [("YENC", one, decode_text(one.name, None)) for one in find_yenc(body)]
    packed, counts, end = list[Packed](), {"UU": 0, "YENC": 0}, 0
    for kind, one, name in sorted(found, key=lambda given: given[1].start):
        if one.start < end:
            continue
        counts[kind] += 1
        end = one.end
        packed.append(Packed(f"{kind}{counts[kind]}", name, _type(name), one.data, "", one.start, one.end))
    return packed


def is_tnef(raw: bytes, part: Part) -> bool:
    """Is this part a winmail.dat, by its type, or by its name and the beginning of its bytes?"""
    if part.body_end - part.body_start > MAX_TNEF or part.children:
        return False
    if part.type in TYPES:
        return True
    return (
        part.type in _MAYBE_TNEF
        and part.filename.lower().endswith(("winmail.dat", ".tnef"))
        and decode(raw, part).startswith(SIGNATURE)
    )


def in_tnef(raw: bytes, part: Part) -> tuple[list[Packed], Tnef]:
    """(the files of a winmail.dat, formatted text last; all that is in it)."""
    inside = unpack(decode(raw, part))
    formatted = [one for one in inside.bodies if one.type != "text/plain"]
    files = [_packed(number, one) for number, one in enumerate((*inside.files, *formatted), start=1)]
    return files, inside


def _packed(number: int, one: File) -> Packed:
    told = one.type.lower()
    known = told if _TOLD.match(told) and not told.startswith("multipart/") else ""
    return Packed(f"TNEF{number}", one.name, known or _type(one.name), one.data, one.content_id.strip("<> "))


def _type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
