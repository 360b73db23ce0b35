"""What mail programs write into a message, or beside it, about its state.

``X-Mozilla-Status``, ``-Status2`` and ``-Keys`` (Thunderbird), ``Status``, ``X-Status`` and ``X-Keywords`` (mutt,
Dovecot and others) in an mbox; the letters behind ``:2,`` of a Maildir's file name; the property list behind an
``.emlx``; the ``.mh_sequences`` and ``.claws_mark`` of an MH folder.  What is
broken is no mark, and never raises.
"""

import plistlib
import re
import struct
from collections.abc import Iterable, Sequence
from typing import Any, Final
from xml.parsers.expat import ExpatError

from mua.model.arrival import Marks
from mua.model.message import FLAG_NAMES, Flag, flags_from_names
from mua.model.tag import is_keyword

MAX_PLIST = 1 << 20  # octets
_HEADER_END = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(
    rb"^(x-mozilla-status2?|x-mozilla-keys|status|x-status|x-keywords)[ \t]*:[ \t]*([^\r\n]*)", re.I | re.M
)
_NOTED = re.compile(rb"(?:X-(?:Mozilla-Status2?|Mozilla-Keys|Account-Key|UIDL):[^\r\n]*\r?\n)+")
_STATUS: Final = {0x1: Flag.SEEN, 0x2: Flag.ANSWERED, 0x4: Flag.FLAGGED, 0x1000: Flag.FORWARDED}
_EXPUNGED, _DELETED, _MDN_SENT = 0x8, 0x200000, 0x800000
_LETTERS: Final = {"R": Flag.SEEN, "A": Flag.ANSWERED, "F": Flag.FLAGGED, "T": Flag.DRAFT}
_MAILDIR: Final = {
    "S": Flag.SEEN, "R": Flag.ANSWERED, "F": Flag.FLAGGED, "D": Flag.DRAFT, "P": Flag.FORWARDED, "T": Flag.DELETED,
}  # fmt: skip
_EMLX: Final = {0: Flag.SEEN, 2: Flag.ANSWERED, 4: Flag.FLAGGED, 6: Flag.DRAFT, 8: Flag.FORWARDED, 24: Flag.JUNK,
                25: Flag.NOT_JUNK}  # fmt: skip
_EMLX_DELETED = 1
_CLAWS: Final = {4: Flag.FLAGGED, 0x10: Flag.ANSWERED, 0x20: Flag.FORWARDED}


def in_header(raw: bytes) -> Marks:
    """The marks that a program wrote into the header of a message."""
    end = _HEADER_END.search(raw)
    fields = {name.lower(): value.decode("latin-1").strip() for name, value in _FIELD.findall(raw[: end and end.end()])}
    status, status2 = _hex(fields.get(b"x-mozilla-status")), _hex(fields.get(b"x-mozilla-status2"))
    flags = Flag(0)
    for bit, flag in _STATUS.items():
        flags |= flag if status & bit else Flag(0)
    if status2 & _MDN_SENT:
        flags |= Flag.MDN_SENT
    for letter in fields.get(b"status", "") + fields.get(b"x-status", ""):
        flags |= _LETTERS.get(letter, Flag(0))
    names = (fields.get(b"x-mozilla-keys", "") + " " + fields.get(b"x-keywords", "")).split()
    if label := (status2 >> 25) & 7:  # of Thunderbird 1; later ones write it among the keys
        names.append(f"$label{label}")
    gone = bool(status & _EXPUNGED or status2 & _DELETED or "D" in fields.get(b"x-status", ""))
    return _with(names, flags, gone=gone)


def without_notes(raw: bytes) -> bytes:
    """A message of Thunderbird's mbox without the lines that it put before it: as it was when it came."""
    found = _NOTED.match(raw)
    return raw[found.end() :] if found else raw


_OWN = re.compile(rb"Status: [RO]*\r?\nX-Status: [AFT]*\r?\nX-Keywords: [^\r\n]*\r?\n")


def before(raw: bytes, flags: Flag, keywords: Sequence[str]) -> bytes:
    """The lines in which an mbox that is exported with flags says them, in front of a message: as mutt and Dovecot
    read them.
    """
    end = b"\r\n" if raw.partition(b"\n")[0].endswith(b"\r") else b"\n"
    letters = "".join(letter for letter, flag in _LETTERS.items() if letter != "R" and flags & flag)
    bits = (Flag.FORWARDED, Flag.MDN_SENT, Flag.JUNK, Flag.NOT_JUNK)
    names = " ".join([*(FLAG_NAMES[one] for one in bits if flags & one), *keywords])
    lines = (f"Status: {'R' if flags & Flag.SEEN else ''}O", f"X-Status: {letters}", f"X-Keywords: {names}")
    return b"".join(one.encode("utf-8", "replace") + end for one in lines)


def without_own(raw: bytes) -> bytes:
    """A message without those lines."""
    found = _OWN.match(raw)
    return raw[found.end() :] if found else raw


def _with(names: Iterable[str], flags: Flag, *, gone: bool = False, received: int | None = None) -> Marks:
    known, rest = flags_from_names("$NotJunk" if one.lower() == "nonjunk" else one for one in names)
    keywords = tuple(sorted({one.lower(): one for one in rest if is_keyword(one)}.values()))
    return Marks(flags | known, keywords, gone, received)


def _hex(text: str | None) -> int:
    try:
        return int(text or "0", 16)
    except ValueError:
        return 0


def of_maildir(name: str, keywords: Sequence[str] = ()) -> Marks:
    """The marks in the name of a Maildir's file; small letters count through ``keywords`` (``dovecot-keywords``)."""
    flags, names = Flag(0), list[str]()
    for letter in re.split("[:;!]2,", name)[-1] if re.search("[:;!]2,", name) else "":
        flags |= _MAILDIR.get(letter, Flag(0))
        if "a" <= letter <= "z" and ord(letter) - ord("a") < len(keywords):
            names.append(keywords[ord(letter) - ord("a")])
    return _with([one for one in names if one], flags)


def maildir_keywords(text: str) -> list[str]:
    """The table in a ``dovecot-keywords`` file: the word for the letter "a" first."""
    table = [""] * 26
    for line in text.splitlines()[:100]:
        number, _, word = line.partition(" ")
        if number.isdecimal() and int(number) < len(table):
            table[int(number)] = word.strip()
    return table


def emlx(content: bytes) -> tuple[bytes, Marks]:
    """The message in an ``.emlx`` file, and Apple Mail's marks.  Raises ValueError where it is none."""
    first, _, rest = content.partition(b"\n")
    if not first.strip().isdigit() or len(first) > 20:
        raise ValueError("no length in the first line")
    length = int(first)
    if length > len(rest):
        raise ValueError("shorter than it says")
    told = _plist(rest[length:])
    number = told.get("flags")
    bits = number if isinstance(number, int) else 0
    flags = Flag(0)
    for bit, flag in _EMLX.items():
        flags |= flag if bits >> bit & 1 else Flag(0)
    date = told.get("date-received")
    received = int(date) if isinstance(date, int | float) and 0 < date < 1 << 40 else None
    return rest[:length], Marks(flags, (), bool(bits >> _EMLX_DELETED & 1), received)


def _plist(content: bytes) -> dict[str, Any]:
    if len(content) > MAX_PLIST:
        return {}
    try:
        told: object = plistlib.loads(content.strip(), fmt=plistlib.FMT_XML)
    except (ValueError, ExpatError, TypeError, AttributeError, LookupError, OverflowError, RecursionError):
        return {}
    return {str(key): value for key, value in told.items()} if isinstance(told, dict) else {}


def of_mh(sequences: str, claws: bytes) -> dict[int, Flag] | None:
    """Number -> flags of those messages of an MH folder that have a note; None where no note says what was read.

    A message without a note has been read, both for MH (it is not "unseen") and for Claws.
    """
    if len(claws) >= 4:
        return _claws(claws)
    found: dict[int, Flag] = {}
    told = False
    for line in sequences.splitlines():
        name, _, members = line.partition(":")
        if name.strip() in ("unseen", "flagged", "replied"):
            told = True
            for number in _numbers(members):
                found[number] = found.get(number, Flag.SEEN)
                found[number] = _noted(found[number], name.strip())
    return found if told else None


def _noted(flags: Flag, sequence: str) -> Flag:
    if sequence == "unseen":
        return flags & ~Flag.SEEN
    return flags | (Flag.FLAGGED if sequence == "flagged" else Flag.ANSWERED)


def _numbers(text: str) -> Iterable[int]:
    for word in text.split():
        first, _, last = word.partition("-")
        if first.isdecimal() and (last or first).isdecimal() and len(word) < 30:
            low, high = int(first), int(last or first)
            yield from range(low, min(high, low + 1_000_000) + 1)


def _claws(table: bytes) -> dict[int, Flag]:
    """``.claws_mark``: a version, then pairs of number and bits, in the byte order of the computer that wrote it."""
    order = "<" if struct.unpack_from("<I", table)[0] < 1 << 16 else ">"
    pairs = struct.iter_unpack(order + "II", table[4 : 4 + (len(table) - 4) // 8 * 8])
    found: dict[int, Flag] = {}
    for number, bits in pairs:
        flags = Flag(0) if bits & 3 else Flag.SEEN  # 1: new, 2: not read
        for bit, flag in _CLAWS.items():
            flags |= flag if bits & bit else Flag(0)
        found[number] = flags
    return found
