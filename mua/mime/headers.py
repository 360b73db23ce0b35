"""Header fields -> data: envelope, addresses, dates, Message-IDs.

Rules of the file
- Nothing raises; a field that cannot be read yields nothing (or its text as a name without an address).
- The first of several equal fields counts, everywhere; only From is read as often as it is there: whoever forges one
  counts on programs that show another.
- A name is decoded after the address was found, never before: an encoded word cannot become an address.
- ``envelope`` runs over tens of thousands of headers: each value has a fast way for what nearly all mail writes, and
  the general way behind it.
"""

import re
from datetime import date as _date
from functools import lru_cache
from typing import Final

from mua.mime.charset import decode_text
from mua.mime.params import parameters
from mua.mime.scan import Field, split_fields
from mua.mime.words import decode_words, unfold
from mua.model.address import Address
from mua.model.message import Envelope

MAX_ADDRESSES: Final = 2000  # of one field; the raw message keeps the rest
MAX_FROM: Final = 20  # fields
MAX_ADDRESS_FIELD: Final = 128 * 1024
MAX_REFERENCES: Final = 200
MAX_ID: Final = 998

_MONTHS: Final = {
    name: number for number, name in enumerate((b"jan feb mar apr may jun jul aug sep oct nov dec").split(), start=1)
}
_ZONES: Final = {
    b"UT": 0, b"GMT": 0, b"UTC": 0, b"Z": 0, b"EST": -300, b"EDT": -240, b"CST": -360, b"CDT": -300, b"MST": -420,
    b"MDT": -360, b"PST": -480, b"PDT": -420, b"CET": 60, b"MET": 60, b"CEST": 120, b"MEST": 120, b"BST": 60,
    b"JST": 540,
}  # fmt: skip
_DATE_PLAIN = re.compile(
    rb"(?:[A-Z][a-z]{2}, +)?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)(?: |\Z)"
)
_DATE = re.compile(
    rb"\s*(?:[A-Za-z]{2,9}\.?\s*,?\s*)?(\d{1,2})(?:st|nd|rd|th)?[\s-]+([A-Za-z]{3})[A-Za-z]*\.?,?[\s-]+(\d{2,4})(?!\d)"
    rb"(?:,?\s+(\d{1,2})\s*[:.]\s*(\d{1,2})(?:\s*[:.]\s*(\d{1,2})(?:[.,]\d+)?)?)?\s*(am|pm)?"
    rb"\s*(?:\(?(?:GMT|UTC)?\s*([+-])\s*(\d{1,2}):?(\d{2})?|([A-Za-z]{1,4}))?",
    re.IGNORECASE,
)
_DATE_C = re.compile(  # asctime, with or without a zone: "Fri Nov 21 09:10:11 [+0100] 2003 [+0100]"
    rb"\s*(?:[A-Za-z]{3,9},?\s+)?([A-Za-z]{3})[A-Za-z]*\s+(\d{1,2}),?\s+(?:(\d{4}),?\s+)?(\d{1,2}):(\d{2})(?::(\d{2}))?"
    rb"\s*(?:([+-])(\d{2}):?(\d{2})|([A-Z]{1,4})(?![A-Za-z]))?\s*(\d{4})?(?:\s*([+-])(\d{2}):?(\d{2}))?",
    re.IGNORECASE,
)
_DATE_ISO = re.compile(
    rb"\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?\s*(?:(Z)|([+-])(\d{2}):?(\d{2}))?"
)
_COMMENT = re.compile(rb"\([^()]*\)")
_EPOCH: Final = _date(1970, 1, 1).toordinal()

_MAILBOX = re.compile(  # what nearly all mail writes, one mailbox of a list at a time
    rb"\s*(?:(?:\"([^\"\\\r\n=]*)\"\s*|([^\"\\\r\n=<>@,;:()]*?)\s*)<([!#$%&'*+/0-9=?A-Z^_`a-z{|}~.-]+@[0-9A-Za-z.-]+)>"
    rb"|([!#$%&'*+/0-9A-Z^_`a-z{|}~.-]+@[0-9A-Za-z.-]+))\s*(?:,|\Z)"
)
_MAX_QUICK: Final = 2000  # bytes of a list that the quick way is tried on: it is quadratic in runs of blanks
_BARE = re.compile(rb"\s*([!#$%&'*+/0-9?A-Z^_`a-z{|}~.-]+@[0-9A-Za-z.-]+)\s*\Z")
_LOCAL_USER = re.compile(rb"[0-9A-Za-z_][0-9A-Za-z_.+-]*\Z")
_TOKEN = re.compile(
    rb"(?P<space>\s+)|(?P<word>=\?[^\s?]+\?[bBqQ]\?[^?]*\?=)|(?P<quoted>\"(?:[^\"\\]|\\.)*\"?)"
    rb"|(?P<special>[(),;:<>])|(?P<atom>(?:(?!=\?[^\s?]+\?[bBqQ]\?)(?:\\.|(?<=@)\[[^\[\]\\\s]*\]|[^\s\"(),;:<>]))+)"
    rb"|(?P<other>.)",
    re.DOTALL,
)
_COMMENT_PIECE = re.compile(rb"\\.|[()]", re.DOTALL)
_ANGLE = re.compile(rb"(?:[^\"<>]|\"(?:[^\"\\]|\\.)*\")*", re.DOTALL)
_ROUTE = re.compile(rb"\A\s*@[^:<>\"]*:")
_QUOTED_PAIR = re.compile(rb"\\(.)", re.DOTALL)
_ID = re.compile(rb"<([^<>]*)>")
_ID_CONTROLS: Final = bytes({*range(0x20), 0x7F} - set(b"\t\r\n"))
_PLAIN_ID = re.compile(r"<([^<>\s]+)>")
_ID_SEPARATOR = re.compile(rb"[\s<>,;\"()]+")
_LIST_ID = re.compile(rb"<([^<>]*)>")


def envelope(header_block: bytes) -> Envelope:
    """The envelope in a header block: a whole header, or the literal of BODY[HEADER.FIELDS (...)].  Never raises."""
    return envelope_of(split_fields(header_block[: 256 * 1024])[0])


def envelope_of(fields: list[Field]) -> Envelope:
    """The envelope in fields that ``scan`` or ``split_fields`` found; the first of equal fields counts."""
    get = dict(reversed(fields)).get
    subject = get("subject")
    stamp = get("date")
    own = get("message-id")
    list_id = get("list-id")
    return Envelope(  # by position: that is the quick way to make one
        _authors(fields),
        addresses(get("to", b"")),
        addresses(get("cc", b"")),
        addresses(get("bcc", b"")),
        addresses(get("reply-to", b"")),
        decode_words(subject) if subject else "",
        date(stamp) if stamp else None,
        _first_id(own) if own else "",
        _chain(get("references"), get("in-reply-to")),
        _list_identifier(list_id) if list_id else "",
        _hints_attachment(get("content-type")),
    )


def _authors(fields: list[Field]) -> tuple[Address, ...]:
    """The addresses of every From field, each once."""
    found = [value for name, value in fields if name == "from"]
    if len(found) == 1:
        return addresses(found[0])
    return tuple(dict.fromkeys(one for value in found[:MAX_FROM] for one in addresses(value)))[:MAX_ADDRESSES]


def decode_header(raw: bytes) -> str:
    """An unstructured field value as text (RFC 2047, RFC 6532, raw 8-bit); one line, at most 64 KB of input."""
    return decode_words(raw)


# --- addresses -------------------------------------------------------------------------------------------------------


def addresses(raw: bytes) -> tuple[Address, ...]:
    """The mailboxes of an address list (RFC 5322 s.3.4, RFC 6854), groups flattened, at most ``MAX_ADDRESSES``.

    Text that holds no address at all becomes an Address with a name and an empty address: shown, not hidden.
    """
    return _addresses_cached(raw) if len(raw) < 200 else _addresses(raw)


@lru_cache(maxsize=4096)
def _addresses_cached(raw: bytes) -> tuple[Address, ...]:
    return _addresses(raw)


def _addresses(raw: bytes) -> tuple[Address, ...]:
    if not raw or raw.isspace():
        return ()
    return _quick(raw) or tuple(_AddressReader(unfold(raw[:MAX_ADDRESS_FIELD])).read())


def _quick(raw: bytes) -> tuple[Address, ...] | None:
    """The addresses of a list in which every mailbox is plain; None when one is not."""
    if len(raw) > _MAX_QUICK:
        return None
    found, position, end = [], 0, len(raw)
    while position < end:
        match = _MAILBOX.match(raw, position)
        if match is None:
            return None
        quoted, phrase, angled, bare = match.groups()
        name = quoted or phrase
        found.append(Address(decode_words(name) if name else "", (angled or bare).decode("ascii")))
        position = match.end()
    return tuple(found)


class _AddressReader:
    """One pass over an address list.

    ``phrase`` collects the pieces (raw bytes, is it quoted) since the last separator; ``comments`` the comments.
    """

    __slots__ = ("comments", "found", "phrase", "raw", "spaced")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.found: list[Address] = []
        self.phrase: list[tuple[bytes, bool, bool]] = []  # piece, quoted, blank before it
        self.comments: list[bytes] = []
        self.spaced = False

    def read(self) -> list[Address]:
        raw, position, end = self.raw, 0, len(self.raw)
        while position < end and len(self.found) < MAX_ADDRESSES:
            token = _TOKEN.match(raw, position)
            if token is None:
                break
            kind, position = token.lastgroup, token.end()
            if kind == "space":
                self.spaced = True
            elif kind == "special":
                position = self._special(token[0], position)
            else:
                piece = token[0]
                quoted = kind == "quoted"
                self._add(
                    _QUOTED_PAIR.sub(rb"\1", piece[1:-1] if piece[-1:] == b'"' else piece[1:]) if quoted else piece,
                    quoted,
                )
        self._flush()
        return self.found

    def _add(self, piece: bytes, quoted: bool) -> None:
        self.phrase.append((piece, quoted, self.spaced))
        self.spaced = False

    def _special(self, token: bytes, position: int) -> int:
        if token == b"<":
            return self._angle(position)
        if token == b"(":
            return self._comment(position)
        if token == b":" and not self._looks_like_address():
            self.phrase.clear()  # the name of a group
            self.comments.clear()
        elif token in b",;:":
            self._flush()
        return position

    def _looks_like_address(self) -> bool:
        return any(b"@" in piece and not quoted for piece, quoted, _ in self.phrase)

    def _angle(self, position: int) -> int:
        match = _ANGLE.match(self.raw, position)
        end = match.end() if match else position
        inside = _ROUTE.sub(b"", self.raw[position:end], count=1)
        spec = _spec(inside)
        name = self._name()
        if b"@" in inside or name or spec:
            self.found.append(Address(name, spec))
        self.phrase.clear()
        self.comments.clear()
        return end + 1 if self.raw[end : end + 1] == b">" else end

    def _comment(self, position: int) -> int:
        depth, start = 1, position
        for match in _COMMENT_PIECE.finditer(self.raw, position):
            if match[0] == b"(":
                depth += 1
            elif match[0] == b")":
                depth -= 1
            if depth == 0:
                self.comments.append(self.raw[start : match.start()])
                return match.end()
        self.comments.append(self.raw[start:])
        return len(self.raw)

    def _name(self) -> str:
        words = b"".join(
            (b" " if spaced and index else b"") + piece for index, (piece, _, spaced) in enumerate(self.phrase)
        )
        if not words and self.comments:
            words = b" ".join(self.comments)
        return " ".join(decode_words(words).split())

    def _flush(self) -> None:
        """The end of one mailbox that had no angle brackets (or of what follows one that had)."""
        pieces, self.phrase = self.phrase, []
        comments, self.comments = self.comments, []
        self.spaced = False
        if not pieces:
            return
        if pieces[0][0] == b"IN%" and len(pieces) > 1 and _BARE.match(pieces[1][0]):
            pieces = [(pieces[1][0], False, False), *pieces[2:]]  # IN%"a@b" is how VMS wrote the address a@b
        joined = b"".join(piece if not quoted else _requoted(piece) for piece, quoted, _ in pieces)
        if b"@" not in joined:
            if len(pieces) == 1 and _LOCAL_USER.match(joined):  # a user of the same machine, as in the old days
                self.found.append(Address(_comment_text(comments), joined.decode("ascii")))
                return
            self.phrase = pieces
            name = self._name()
            self.phrase = []
            if name:
                self.found.append(Address(name, ""))
            return
        self._split_name(pieces, joined, comments)

    def _split_name(self, pieces: list[tuple[bytes, bool, bool]], joined: bytes, comments: list[bytes]) -> None:
        whole = [index for index, (piece, quoted, _) in enumerate(pieces) if _BARE.match(piece) and not quoted]
        if (
            whole and len(pieces) > 1 and not any(one[:1] in (b".", b"@") for one, _, _ in pieces[whole[0] + 1 :])
        ):  # "John Doe john@example.com": a name, an address, no brackets
            self.phrase = pieces[: whole[0]] + pieces[whole[0] + 1 :]
            name = self._name()
            self.phrase = []
            self.found.append(Address(name, _text(pieces[whole[0]][0])))
            return
        self.found.append(Address(_comment_text(comments), _text(joined)))


def _comment_text(comments: list[bytes]) -> str:
    return " ".join(decode_words(b" ".join(comments)).split()) if comments else ""


def _spec(inside: bytes) -> str:
    """What stands between angle brackets, comments and blanks removed."""
    if b"(" in inside and b'"' not in inside:
        inside = _COMMENT.sub(b"", inside)
    if b'"' in inside:
        return _text(inside.strip())
    return _text(b"".join(inside.split()))


def _requoted(piece: bytes) -> bytes:
    return b'"' + piece.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _text(raw: bytes) -> str:
    """An address as text: never an encoded word decoded, 8-bit as UTF-8 or detected."""
    text = raw.decode("ascii") if raw.isascii() else decode_text(raw, None)
    return text.replace("\0", "").replace("\r", "").replace("\n", "")


# --- dates -----------------------------------------------------------------------------------------------------------


def date(raw: bytes) -> int | None:
    """A date-time (RFC 5322 s.3.3 and s.4.3, asctime, ISO 8601) as UTC seconds, or None.  No zone: taken as UTC."""
    match = _DATE_PLAIN.match(raw)
    if match is not None:
        return _plain_date(match)
    raw = raw[:200]
    match = _DATE.match(raw)
    if b"(" in raw and (match is None or match[4] is None):
        raw = _without_comments(unfold(raw))
        match = _DATE.match(raw)
    if match is None:
        return _date_c(raw)
    day, name, year, hour, minute, second, half, sign, zone_hours, zone_minutes, zone = match.groups()
    month = _MONTHS.get(name.lower())
    if month is None:
        return None
    hours = int(hour or 0)
    if half:
        hours = hours % 12 + (12 if half.lower() == b"pm" else 0)
    offset = _offset(sign, zone_hours, zone_minutes) if sign else _ZONES.get(zone.upper(), 0) if zone else 0
    return _utc(_full_year(int(year), len(year)), month, int(day), hours, int(minute or 0), int(second or 0), offset)


def _without_comments(raw: bytes) -> bytes:
    """Comments become blanks, those inside others first."""
    while (shorter := _COMMENT.sub(b" ", raw)) != raw:
        raw = shorter
    return raw


def _plain_date(match: re.Match[bytes]) -> int | None:
    day, name, year, hour, minute, second, sign, zone_hours, zone_minutes = match.groups()
    month = _MONTHS.get(name.lower())
    if month is None:
        return None
    offset = _offset(sign, zone_hours, zone_minutes)
    return _utc(int(year), month, int(day), int(hour), int(minute), int(second), offset)


def _date_c(raw: bytes) -> int | None:
    match = _DATE_C.match(raw)
    if match is None:
        return _date_iso(raw)
    name, day, early, hour, minute, second, sign, zone_h, zone_m, zone, late, sign2, zone_h2, zone_m2 = match.groups()
    month, year = _MONTHS.get(name.lower()), late or early
    if month is None or year is None:
        return None
    if sign2:
        sign, zone_h, zone_m = sign2, zone_h2, zone_m2
    offset = _offset(sign, zone_h, zone_m) if sign else _ZONES.get(zone.upper(), 0) if zone else 0
    return _utc(int(year), month, int(day), int(hour), int(minute), int(second or 0), offset)


def _date_iso(raw: bytes) -> int | None:
    match = _DATE_ISO.match(raw)
    if match is None:
        return None
    year, month, day, hour, minute, second, _zulu, sign, zone_h, zone_m = match.groups()
    offset = _offset(sign, zone_h, zone_m) if sign else 0
    return _utc(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), offset)


def _full_year(year: int, digits: int) -> int:
    """RFC 5322 s.4.3: two digits are 1950-2049, three are counted from 1900."""
    if digits == 2:
        return year + (2000 if year < 50 else 1900)
    return year + 1900 if digits == 3 else year


def _offset(sign: bytes, hours: bytes, minutes: bytes | None) -> int:
    """Minutes east of Greenwich; an impossible zone counts as UTC."""
    value = int(hours) * 60 + int(minutes or 0)
    if value >= 24 * 60:
        return 0
    return -value if sign == b"-" else value


def _utc(year: int, month: int, day: int, hour: int, minute: int, second: int, offset: int) -> int | None:
    if not (hour <= 24 and minute < 60 and second <= 61):
        return None
    try:
        days = _ordinal(year, month, day) - _EPOCH
    except ValueError:
        return None
    return days * 86400 + hour * 3600 + (minute - offset) * 60 + second


@lru_cache(maxsize=4096)
def _ordinal(year: int, month: int, day: int) -> int:
    return _date(year, month, day).toordinal()


# --- Message-IDs -----------------------------------------------------------------------------------------------------


def message_ids(raw: bytes) -> tuple[str, ...]:
    """The Message-IDs in a field, without angle brackets, in order, each once; bare ones where no brackets are.

    Control characters are dropped: an identifier is shown, written into headers and searched for on servers.
    """
    raw = raw.translate(None, _ID_CONTROLS)
    if raw.isascii() and len(raw) < MAX_ID:
        quick = _PLAIN_ID.findall(raw.decode("ascii"))
        if len(quick) == raw.count(b"<"):
            return tuple(dict.fromkeys(quick)) if quick else _bare_ids(raw)
    raw = raw[: 64 * 1024]
    found = _ID.findall(raw)
    return tuple(dict.fromkeys(_identifier(one) for one in found if one and len(one) <= MAX_ID)) or _bare_ids(raw)


def _bare_ids(raw: bytes) -> tuple[str, ...]:
    """What looks like a Message-ID where nobody wrote angle brackets."""
    found = [piece for piece in _ID_SEPARATOR.split(raw) if b"@" in piece]
    return tuple(dict.fromkeys(_identifier(one) for one in found if one and len(one) <= MAX_ID))


def _identifier(raw: bytes) -> str:
    if b" " in raw or b"\t" in raw or b"\n" in raw:
        raw = b"".join(raw.split())
    return raw.decode("ascii") if raw.isascii() else raw.decode("utf-8", "replace")


def _first_id(raw: bytes) -> str:
    """The Message-ID of a message: what is in the first angle brackets, or the whole value where there are none."""
    raw = raw.translate(None, _ID_CONTROLS)
    match = _ID.search(raw)
    if match and match[1]:
        return _identifier(match[1][:MAX_ID])
    return _identifier(unfold(raw[:MAX_ID]).strip(b"<> "))


def _chain(references: bytes | None, in_reply_to: bytes | None) -> tuple[str, ...]:
    """References with the first In-Reply-To behind them where it is missing; the newest ``MAX_REFERENCES``."""
    chain = message_ids(references) if references else ()
    if in_reply_to:
        parents = message_ids(in_reply_to)
        if parents and parents[0] not in chain:
            chain += parents[:1]
    return chain[-MAX_REFERENCES:]


def _list_identifier(raw: bytes) -> str:
    match = _LIST_ID.search(raw)
    return _text(unfold(match[1] if match else raw[:998])).lower()


def _hints_attachment(content_type: bytes | None) -> bool:
    """Would a body of this type carry an attachment?  A guess for lists, until the body is here."""
    if not content_type:
        return False
    kind = content_type[:60].strip().lower()
    if kind.startswith(b"multipart/"):
        return kind.startswith(b"multipart/mixed")
    return not kind.startswith((b"text/plain", b"text/html", b"text")) and bool(parameters(content_type)[0])
