"""Further expected results: MimeKit's mailboxes, mailcore2's charsets, and fields alone (stalwart's, flanker's).

One function per collection yields ``agreement.Compared``, as there.
"""

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

from agreement import Compared, same, same_addresses, stalwart_addresses, stalwart_date
from corpora import CORPORA

from mua.mime.charset import decode_text
from mua.mime.headers import addresses, date, message_ids
from mua.mime.message import parse
from mua.mime.packed import in_tnef
from mua.mime.params import parameters
from mua.mime.scan import scan
from mua.mime.words import decode_words

_MIMEKIT = CORPORA / "mimekit" / "mbox"
_TNEF = CORPORA / "mimekit" / "tnef"
_JWZ = CORPORA / "mailcore2" / "parser" / "input" / "mbox" / "jwz"
_STALWART = CORPORA / "stalwart-mail-parser"
_CHARSETS = CORPORA / "mailcore2" / "charset-detection" / "input"
_FLANKER = CORPORA / "flanker" / "fixtures"
_NO_DATE = -62135596800  # 1 January of the year 1: what the library says where there is none


def mimekit() -> Iterator[Compared]:
    """Types, sizes and headers of every mail in MimeKit's mailboxes."""
    for name in ("content-length", "issue1189"):
        raw = (_MIMEKIT / f"{name}.mbox.txt").read_bytes()
        told = json.loads((_MIMEKIT / f"{name}.unix-offsets.json").read_text("utf-8-sig"))
        summaries = _summaries(name)
        for number, (one, summary) in enumerate(zip(told, summaries, strict=True)):
            mail = raw[one["beginOffset"] : one["endOffset"]]
            yield from _mimekit_mail(f"{name}/{number}", mail, summary)
            theirs = [(kind, octets) for kind, octets in _leaves(one["body"])]
            ours = [(part.type, part.body_end - part.body_start) for part in scan(mail).walk() if not part.children]
            yield Compared(f"{name}/{number}", "sizes", ours == theirs, ours, theirs)
    for number, summary in enumerate(_summaries("jwz"), start=1):
        path = _JWZ / str(number)
        if path.is_file():
            yield from _mimekit_mail(f"jwz/{number}", path.read_bytes(), summary)


def _leaves(body: dict[str, Any]) -> Iterator[tuple[str, int]]:
    inner = body.get("children") or ([body["message"]["body"]] if "message" in body else [])
    for child in inner:
        yield from _leaves(child)
    if not inner:
        yield body["mimeType"].lower(), body["octets"]


def _summaries(name: str) -> list[list[str]]:
    text = (_MIMEKIT / f"{name}-summary.txt").read_text("utf-8-sig").replace("\r\n", "\n")
    return [one.split("\n") for one in re.split(r"(?m)^From .*\n", text)[1:]]


def _mimekit_mail(mail: str, raw: bytes, summary: list[str]) -> Iterator[Compared]:
    parsed = parse(raw)
    fields = dict(reversed([line.partition(": ")[::2] for line in summary if line and not line.startswith(" ")]))
    theirs = [line.partition(": ")[2].strip().lower() for line in summary if "Content-Type: " in line]
    ours = [part.type for part in parsed.root.walk()]
    yield Compared(mail, "types", ours == theirs, ours, theirs)
    if "Subject" in fields:
        yield same(mail, "subject", parsed.envelope.subject, fields["Subject"])
    for column, found in (("from", parsed.envelope.sender), ("to", parsed.envelope.to)):
        said = fields.get(column.title())
        if said:
            yield same_addresses(mail, column, found, [(one.name, one.address) for one in addresses(said.encode())])
    if "Date" in fields and date(fields["Date"].encode()) is not None:
        theirs_date = date(fields["Date"].encode())
        theirs_date = None if theirs_date == _NO_DATE else theirs_date
        yield Compared(mail, "date", parsed.envelope.date == theirs_date, parsed.envelope.date, theirs_date)


def fields() -> Iterator[Compared]:
    """stalwart mail-parser's tests of single fields."""
    for one in _fixture("address"):
        many = one["expected"]
        theirs = [] if not many else stalwart_addresses(many)
        yield same_addresses(one["header"], "addresses", addresses(_first_field(one["header"])), theirs)
    for one in _fixture("date"):
        theirs_date = stalwart_date(one["expected"]) if one["expected"] else None
        ours_date = date(one["header"].encode())
        yield Compared(one["header"], "dates", ours_date == theirs_date, ours_date, theirs_date)
    for one in _fixture("id"):
        theirs = one["expected"] if isinstance(one["expected"], list) else [one["expected"]] * bool(one["expected"])
        ours = list(message_ids(_first_field(one["header"])))
        yield Compared(one["header"], "ids", ours == theirs, ours, theirs)
    for one in _fixture("unstructured"):
        yield same(one["header"], "texts", decode_words(_first_field(one["header"])), one["expected"] or "")
    for one in _fixture("content_type"):
        yield from _content_type(one["header"], one["expected"])


def _fixture(name: str) -> list[dict[str, Any]]:
    return json.loads((_STALWART / f"{name}.json").read_text("utf-8"))  # type: ignore[no-any-return]


def _first_field(header: str) -> bytes:
    """What belongs to the field: it ends where a line begins without a blank."""
    return re.split(rb"\r?\n(?![ \t])", header.encode())[0]


def _content_type(header: str, expected: dict[str, Any] | None) -> Iterator[Compared]:
    if expected is None:
        return
    field = _first_field(header)
    word, given, _ = parameters(field)
    theirs = {name.lower(): value for name, value in reversed(expected.get("attributes") or [])}
    squeezed = {name: " ".join(value.split()) for name, value in given.items() if value}
    wanted = {name: " ".join(value.split()) for name, value in theirs.items()}
    yield Compared(header, "parameters", squeezed == wanted, squeezed, wanted)
    if expected.get("c_subtype") is not None:
        kind = f"{expected['c_type']}/{expected['c_subtype']}".lower()
        ours = scan(b"Content-Type: " + field.strip() + b"\n\n").type
        yield Compared(header, "types", ours == kind or word.replace(" ", "") == kind, ours, kind)


def charsets() -> Iterator[Compared]:
    """mailcore2's texts without a label: the file's name says the charset."""
    for path in sorted(_CHARSETS.iterdir()):
        raw = path.read_bytes()
        ours, theirs = decode_text(raw, None), decode_text(raw, path.stem)
        yield Compared(path.name, "detected", ours == theirs, ours[:200], theirs[:200])


def tnef() -> Iterator[Compared]:
    """MimeKit's winmail.dat: the names, and the octets of each file (their text files have other line ends)."""
    for path in sorted(_TNEF.glob("*.tnef")):
        mail, told = path.stem, path.with_suffix(".list").read_text("utf-8").split("\n")
        raw = b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n"
        raw += base64.encodebytes(path.read_bytes())
        packed, inside = in_tnef(raw, scan(raw))
        ours, theirs = sorted(one.name for one in packed), sorted(name for name in told if name)
        yield Compared(mail, "names", ours == theirs, ours, theirs)
        there = {one.name: _any_lines(one.read_bytes()) for one in (_TNEF / mail).glob("*")}
        for one in (*packed, *(one for one in inside.bodies if one.name == "body.txt")):
            name = one.name.replace("body.", "message.") if one.name.startswith("body.") else one.name
            if name in there:
                same_octets = _any_lines(one.data) == there[name]
                yield Compared(f"{mail}/{name}", "octets", same_octets, len(one.data), len(there[name]))


def _any_lines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").rstrip(b"\0")


def flanker() -> Iterator[Compared]:
    """flanker's valid mailboxes: each is one address (comments are none of it, nor is a backslash that quotes)."""
    for line in (_FLANKER / "mailbox_valid.txt").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            found = [one.address for one in addresses(line.encode())]
            said = re.search(r"<([^<>]*)>\s*$", line)
            bare = said[1] if said else re.sub(r"^\([^()]*\)|\([^()]*\)$", "", line.strip()).strip()
            plain = [re.sub(r"\\(.)", r"\1", one) for one in (*found, bare)]
            yield Compared(line, "mailboxes", len(found) == 1 and plain[0] == plain[1], found, line)
