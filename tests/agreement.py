"""How far our reading of a mail agrees with what the project that collected it expects.

One function per oracle yields (mail, column, do we agree, ours, theirs).  White space is not compared: the oracles
keep, drop and unfold it in ways of their own.
"""

import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from corpora import CORPORA

from mua.mime.message import Parsed, parse
from mua.mime.scan import Part, text
from mua.model.address import Address

_STALWART = CORPORA / "stalwart-mail-parser" / "eml"
_MAILCORE_INPUT = CORPORA / "mailcore2" / "parser" / "input"
_MAILCORE_OUTPUT = CORPORA / "mailcore2" / "parser" / "output"


class Compared(NamedTuple):
    """One value compared."""

    mail: str
    column: str
    agrees: bool
    ours: Any
    theirs: Any

    @property
    def reason(self) -> str:
        """Why ours is righter where the two differ; empty when we do not claim that."""
        return "" if self.agrees else _reason(self)


_CENTURY = 3155760000
_WHY: dict[str, str] = {
    "legacy/017.eml.* sizes": "x-uuencode is a transfer encoding in old mail: the size is that of the decoded file",
    "legacy/048.eml.* sizes": "x-uuencode is a transfer encoding in old mail: the size is that of the decoded file",
    "legacy/049.eml.* attachments": "three uuencoded pictures in the text are offered as files",
    "malformed/.*attachments": "an empty or unsplittable multipart is no attachment; its bytes are in the source",
    "malformed/005.eml.*": "the line --a---- closes the outer boundary a--; what follows is named in a warning",
    "malformed/0(16|12).eml.*": "an outer boundary beats an inner one that begins like it",
    "malformed/02[01].eml.*text": "of two Content-Type fields the first counts: the HTML inside is shown as HTML",
    "thirdparty/002.eml.*attachments": "a text part with broken base64 is still a text part",
    "thirdparty/01[25].eml.*attachments": "an attached message is one attachment, whatever type surrounds it",
    "rfc/00[14].eml.*(from|to)": "a single word without an @ is a user of the same machine, as RFC 822 had it",
    "mbox/jwz/.*names": "the name is there, in Content-Disposition or Content-Type",
    "mbox/jwz/.*types": "a Content-Type without a subtype cannot be read and is text/plain (RFC 2045 s.5.2)",
    "thirdparty/005.eml.*text": "theirs makes one UTF-16 character of two octets that end a line",
    "jwz/(36|37|45|90|144) types": "what message/external-body holds is the header of a file that is not in the mail",
    "mbox/jwz/88 to": "IN% and an address in quotes is how VMS writes an address; theirs makes two of it",
    "jwz/132 types": "the multipart names no boundary, so it is shown as the text it holds",
    "jwz/.* types": "a Content-Type without a subtype cannot be read and is text/plain (RFC 2045 s.5.2)",
    "(content-length/6|jwz/86) from": "of an address with two @ all is shown; theirs cuts it",
    "issue1189/1 sizes": "the octets of the last part are there; theirs counts none",
    "(?s).*<@node.* addresses": "a route is no part of an address (RFC 5322 s.4.4)",
    "(?s).*body@content": "theirs ends the field at an empty line inside the quoted name",
    "(?s).*<a@b.com> .* addresses": "text behind an address is not its name, and is shown beside it",
    "(?s).*\\(.* addresses": "a comment is no part of a name",
    "(?s)20 11 .* dates": "a date whose month is a number says several days; it counts as none",
    "(?s).* 4 8 15 .* dates": "numbers are no date",
    "(?s)by 2002.* dates": "the date of a Received field is read by who reads that field, not by the reader of dates",
    "(?s)Tue, 1 Jul 2003 \\(\\(invalid.* dates": "a date without a time is the beginning of that day",
    "(?s).*1234   @.* ids": "blanks are no part of a Message-ID, or it would not be found again",
    "(?s) +m \n ids": "a bare word without an @ is no Message-ID",
    "(?s).*name=.=\\?iso-8859-1\\?B.* parameters": "blanks between encoded words are none (RFC 2047 s.6.2)",
    "(?s)(malicious|test)/.* parameters": "names of parameters that no RFC knows stay as they stand",
    "(?s)á/é.*types": "a type of letters beyond ASCII cannot be read",
    "christmas names": "a message inside winmail.dat is one file, and opens as a message",
    "(long-|missing-)filename.* names": "a file without a long name has its short one, and is not left out",
    "(unicode-mapi-attr|winmail).* names": "the formatted text is a file, too; and a title is a name",
    "mbox/simple/2 types": "each multipart without a part of its own is shown as the text it holds",
    "messages/empty-multipart.txt types": "an empty multipart is shown as the (empty) text it holds",
}


def _reason(one: Compared) -> str:
    """A general reason, or one written for this mail."""
    if "\ufffd" in repr(one.theirs) and "\ufffd" not in repr(one.ours):
        return "theirs loses undeclared 8-bit characters; ours detects the charset"
    if one.column == "date" and isinstance(one.ours, int) and isinstance(one.theirs, int):
        apart = one.theirs - one.ours
        if abs(apart - _CENTURY) <= 14 * 3600:
            return "theirs takes a year of two digits for one of the next century"
        if abs(apart) <= 14 * 3600 and apart % 1800 == 0:
            return "theirs does not know the zone's name"
    if one.column in ("from", "to", "cc") and _only_names_missing(one.ours, one.theirs):
        return "theirs drops the name that stands in a comment behind the address"
    if one.column == "parameters" and _only_languages_missing(one.ours, one.theirs):
        return "the language of a parameter is read and not kept"
    for pattern, why in _WHY.items():
        if re.match(pattern, f"{one.mail} {one.column}"):
            return why
    return ""


def _only_names_missing(ours: Any, theirs: Any) -> bool:
    return [address for _, address in ours] == [address for _, address in theirs] and all(
        name in ("", mine) for (mine, _), (name, _) in zip(ours, theirs, strict=True)
    )


def _only_languages_missing(ours: dict[str, str], theirs: dict[str, str]) -> bool:
    return {name: value for name, value in theirs.items() if not name.endswith("-language")} == ours


def table(compared: Iterable[Compared]) -> list[tuple[str, int, int, int, int]]:
    """(column, values, equal, ours righter, open) in the order of first appearance."""
    counts: dict[str, list[int]] = {}
    for one in compared:
        row = counts.setdefault(one.column, [0, 0, 0, 0])
        row[0] += 1
        row[1 if one.agrees else 2 if one.reason else 3] += 1
    return [(column, row[0], row[1], row[2], row[3]) for column, row in counts.items()]


def available() -> bool:
    """Are the corpora here?"""
    return _STALWART.is_dir()


def _squeezed(value: str) -> str:
    return re.sub(r"\s+", "", value.replace("\ufeff", ""))


# --- stalwart mail-parser --------------------------------------------------------------------------------------------


def stalwart() -> Iterator[Compared]:
    """Every .eml with its .json (LF as it is, and once more with CRLF)."""
    for path in sorted(_STALWART.rglob("*.eml")):
        raw = path.read_bytes()
        name = str(path.relative_to(_STALWART))
        lf = raw.replace(b"\r\n", b"\n")
        for suffix, data in ((".json", lf), (".crlf.json", lf.replace(b"\n", b"\r\n"))):
            expected = path.with_suffix(suffix)
            if expected.is_file():
                yield from _stalwart_mail(name + suffix, data, json.loads(expected.read_text("utf-8")))


def _stalwart_mail(mail: str, raw: bytes, expected: dict[str, Any]) -> Iterator[Compared]:
    parsed = parse(raw)
    headers: dict[str, Any] = {}
    for header in expected["parts"][0]["headers"]:
        if isinstance(header["name"], str):
            headers.setdefault(header["name"], header["value"])
    envelope = parsed.envelope
    if "subject" in headers:
        yield same(mail, "subject", envelope.subject, headers["subject"].get("Text") or "")
    for column, ours in (("from", envelope.sender), ("to", envelope.to), ("cc", envelope.cc)):
        if column in headers and "Address" in headers[column]:
            yield same_addresses(mail, column, ours, stalwart_addresses(headers[column]["Address"]))
    if "date" in headers and "DateTime" in headers["date"]:
        theirs = stalwart_date(headers["date"]["DateTime"])
        yield Compared(mail, "date", envelope.date == theirs, envelope.date, theirs)
    if "message_id" in headers and "Text" in headers["message_id"]:
        yield same(mail, "message-id", envelope.message_id, headers["message_id"]["Text"])
    yield from _stalwart_bodies(mail, raw, parsed, expected)


def stalwart_addresses(value: dict[str, Any]) -> list[tuple[str, str]]:
    many = value.get("List") or [one for group in value.get("Group", ()) for one in group["addresses"]]
    return [(one.get("name") or "", one.get("address") or "") for one in many]


def stalwart_date(value: dict[str, Any]) -> int | None:
    try:
        moment = datetime(
            value["year"], value["month"], value["day"], value["hour"], value["minute"], value["second"], tzinfo=UTC
        )
    except ValueError:
        return None
    offset = value["tz_hour"] * 3600 + value["tz_minute"] * 60
    return int(moment.timestamp()) + (offset if value["tz_before_gmt"] else -offset)


def _stalwart_bodies(mail: str, raw: bytes, parsed: Parsed, expected: dict[str, Any]) -> Iterator[Compared]:
    parts = expected["parts"]
    theirs = [parts[index]["body"].get("Text") for index in expected["text_body"]]
    plain = "".join(_squeezed(one) for one in theirs if one)
    if plain:
        ours = "".join(_squeezed(text(raw, part)) for part in parsed.root.walk() if part.type.startswith("text/"))
        yield Compared(mail, "text", plain in ours or _squeezed(parsed.text) == plain, parsed.text[:200], plain[:200])
    html = "".join(_squeezed(parts[index]["body"].get("Html") or "") for index in expected["html_body"])
    if html:
        yield Compared(mail, "html", html in _squeezed(parsed.html), parsed.html[:200], html[:200])
    yield Compared(
        mail, "attachments", len(parsed.attachments) == len(expected["attachments"]),
        [one.type for one in parsed.attachments], len(expected["attachments"]),
    )  # fmt: skip
    sizes = [_stalwart_size(parts[index]["body"]) for index in expected["attachments"]]
    if len(sizes) == len(parsed.attachments) and all(size is not None for size in sizes):
        ours_sizes = [one.size for one in parsed.attachments]
        yield Compared(mail, "sizes", ours_sizes == sizes, ours_sizes, sizes)


def _stalwart_size(body: dict[str, Any]) -> int | None:
    for kind in ("Binary", "InlineBinary"):
        if kind in body:
            return len(body[kind])
    return None


# --- mailcore2 -------------------------------------------------------------------------------------------------------


def mailcore() -> Iterator[Compared]:
    """Every message of mailcore2's parser tests with its expected document."""
    for path in sorted(_MAILCORE_OUTPUT.rglob("*")):
        source = _MAILCORE_INPUT / path.relative_to(_MAILCORE_OUTPUT)
        if path.is_file() and source.is_file():
            name = str(path.relative_to(_MAILCORE_OUTPUT))
            yield from _mailcore_mail(name, source.read_bytes(), json.loads(path.read_text("utf-8")))


def _mailcore_mail(mail: str, raw: bytes, expected: dict[str, Any]) -> Iterator[Compared]:
    parsed = parse(raw)
    header = expected.get("header", {})
    envelope = parsed.envelope
    if "subject" in header:
        yield same(mail, "subject", envelope.subject, header["subject"])
    if "from" in header:
        yield same_addresses(mail, "from", envelope.sender[:1], _mailcore_addresses([header["from"]]))
    for column, ours in (("to", envelope.to), ("cc", envelope.cc)):
        if column in header:
            yield same_addresses(mail, column, ours, _mailcore_addresses(header[column]["items"]))
    if "messageID" in header and parsed.root.field("message-id") is not None:
        yield same(mail, "message-id", envelope.message_id, header["messageID"])
    if "date" in header and parsed.root.field("date") is not None:
        theirs = int(header["date"])
        yield Compared(mail, "date", envelope.date == theirs, envelope.date, theirs)
    if "mainPart" in expected:
        theirs_types = list(_mailcore_leaves(expected["mainPart"], "mimeType"))
        ours_types = [part.type for part in _leaves(parsed.root)]
        yield Compared(mail, "types", ours_types == theirs_types, ours_types, theirs_types)
        theirs_names = [_squeezed(name) for name in _mailcore_leaves(expected["mainPart"], "filename") if name]
        ours_names = [_squeezed(part.filename) for part in _leaves(parsed.root) if part.filename]
        yield Compared(mail, "names", ours_names == theirs_names, ours_names, theirs_names)


def _mailcore_addresses(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one.get("displayName") or "", one.get("mailbox") or "") for one in items]


def _mailcore_leaves(part: dict[str, Any], key: str) -> Iterator[str]:
    if "parts" in part:
        for child in part["parts"]["items"]:
            yield from _mailcore_leaves(child, key)
    elif "mainPart" in part:
        yield from _mailcore_leaves(part["mainPart"], key)
    else:
        yield str(part.get(key) or "").lower() if key == "mimeType" else str(part.get(key) or "")


def _leaves(root: Part) -> Iterator[Part]:
    return (part for part in root.walk() if not part.children)


# --- both ------------------------------------------------------------------------------------------------------------


def same(mail: str, column: str, ours: str, theirs: str) -> Compared:
    return Compared(mail, column, _squeezed(ours) == _squeezed(theirs), ours, theirs)


def same_addresses(mail: str, column: str, ours: tuple[Address, ...], theirs: list[tuple[str, str]]) -> Compared:
    mine = [(_squeezed(one.name), _squeezed(one.address)) for one in ours]
    other = [(_squeezed(name), _squeezed(address)) for name, address in theirs]
    return Compared(mail, column, mine == other, mine, other)
