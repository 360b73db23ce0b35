"""A whole message as data: which parts are its body, which are attachments, what is odd about it.

Rules of the file
- ``parse`` never raises, whatever the bytes are.
- Body parts are chosen as RFC 8621 s.4.1.4 has it (textBody, htmlBody, attachments); a part is never in none of them.
- Nothing is opened for a list of attachments: sizes are computed, bytes are decoded by ``part_bytes``.
- What a sender could mislead a person with is named in ``warnings``, in sentences.
"""

import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from html import escape
from typing import Final

from mua.mime.author import notes
from mua.mime.calendar import events
from mua.mime.charset import decode_text
from mua.mime.choice import MEDIA, choose, related
from mua.mime.headers import MAX_ADDRESS_FIELD, MAX_ADDRESSES, decode_header, envelope_of
from mua.mime.kinds import nature
from mua.mime.packed import SECTION, Packed, in_text, in_tnef, is_tnef
from mua.mime.report import may_report
from mua.mime.scan import DEFECTS, Part, beginning, decode, decoded_size, is_odd_base64, scan
from mua.mime.scan import text as part_text
from mua.mime.sniff import LOOK
from mua.mime.text import html_to_text, neutralise, neutralise_body, safe_filename, unflow
from mua.mime.words import MAX_VALUE as MAX_WORDS
from mua.model.author import Note
from mua.model.event import Event
from mua.model.message import Attachment, Envelope
from mua.records import dataclass

MAX_TEXT: Final = 4_000_000  # characters of plain text that are shown
SNIPPET: Final = 200

OfHtml = Callable[[str], str]

_CALENDAR: Final = ("text/calendar", "application/ics")
_ADDRESS_FIELDS: Final = ("from", "to", "cc", "bcc", "reply-to")
_ONCE_FIELDS: Final = (
    "sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to", "references", "subject", "date",
)  # fmt: skip
_OF_THE_END: Final = frozenset({"boundary-missing", "unterminated"})
_ATTRIBUTION = re.compile(
    r".{0,200}(?:wrote|writes|schrieb.{0,80}|a \u00e9crit|escribi\u00f3|ha scritto|\u5199\u9053)\s?:\s*$"
)
_SIGNATURE = re.compile(r"^-- ?$", re.MULTILINE)
_EXTENSIONS: Final = {
    "text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "message/rfc822": ".eml", "image/jpeg": ".jpg",
    "message/delivery-status": ".txt", "text/rfc822-headers": ".txt", "application/pgp-signature": ".asc",
    "application/pgp-encrypted": ".txt", "application/pkcs7-signature": ".p7s", "application/pkcs7-mime": ".p7m",
    "application/ms-tnef": ".dat", "application/octet-stream": ".bin", "text/vcard": ".vcf",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parsed:
    """A parsed message.  ``text`` is the best plain text; ``html`` the HTML body as received, NOT safe to show.

    ``notes`` say what is odd about its author, ``warnings`` (sentences) about the rest; ``nature`` (sentences) what it
    is beside a letter; ``events`` what its calendar part says.  ``fields`` of ``root`` hold every header field raw.
    """

    envelope: Envelope
    root: Part
    text: str
    html: str
    attachments: tuple[Attachment, ...]
    warnings: tuple[str, ...]
    notes: tuple[Note, ...] = ()
    nature: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()


def parse(raw: bytes, of_html: OfHtml = html_to_text) -> Parsed:
    """Parse a message.  Never raises; time is linear in its size.  ``of_html`` makes text of HTML."""
    root = scan(raw)
    envelope = envelope_of(root.fields)
    chosen = _Chosen(raw, root)
    text, packed, html = _texts(raw, chosen, of_html)
    attachments = [one for part in chosen.attached for one in _attachments(raw, part, chosen)]
    attachments += [_packed_attachment(part, one) for part, files in packed for one in files]
    warnings = _warnings(raw, root)
    if len(text) > MAX_TEXT:
        text = text[:MAX_TEXT]
        warnings.append("The text of this message is very long and is shown cut; the source has all of it.")
    odd = notes(root.fields, envelope.sender)
    told = nature(raw, root, text)
    return Parsed(envelope, root, text, html, tuple(attachments), tuple(warnings), odd, told, _events(raw, root))


@dataclass(frozen=True, slots=True)
class Gist:
    """What lists and the search index keep of a message: its plain text, the names of what is attached.

    ``attached``: something is attached that the text does not show by itself.  ``reports``: it may be a bounce or a
    receipt (``mime.report`` knows).
    """

    text: str
    names: tuple[str, ...]
    attached: bool
    reports: bool = False


def gist_of(parsed: Parsed) -> Gist:
    """The gist of a message that is parsed already."""
    names = tuple(one.name for one in parsed.attachments)
    return Gist(parsed.text, names, any(not one.inline for one in parsed.attachments), may_report(parsed.root))


def gist(raw: bytes, of_html: OfHtml = html_to_text) -> Gist:
    """The gist of a message: what ``parse`` would say, at a third of its cost.  Never raises."""
    root = scan(raw)
    chosen = _Chosen(raw, root)
    text, packed = _plain_text(raw, chosen, of_html)
    names, visible = list[str](), bool(packed)
    for part in chosen.attached:
        inside = chosen.unpacked(part)
        names += [_packed_name(one) for one in inside] or [_name(part)]
        visible = visible or bool(inside) or not _is_shown(part, part in chosen.related)
    names += [_packed_name(one) for _, files in packed for one in files]
    return Gist(text[:MAX_TEXT], tuple(names), visible, may_report(root))


class _Chosen:
    """The parts of a message sorted (``choice.choose``), and what is in its winmail.dat, unpacked once.

    Where the message has no text of its own, ``outlook`` is the text that Outlook packed: (plain, HTML).
    """

    __slots__ = ("_inside", "attached", "html", "outlook", "related", "text")

    def __init__(self, raw: bytes, root: Part) -> None:
        self.text, self.html, self.attached = choose(root)
        self.related = related(root) if self.attached else set()
        self._inside: dict[Part, list[Packed]] = {}
        self.outlook = "", ""
        for part in self.attached:
            if is_tnef(raw, part):
                self._inside[part], packed = in_tnef(raw, part)
                if not (self.text or self.html or any(self.outlook)):
                    found = {one.type: decode_text(one.data, None) for one in packed.bodies}
                    self.outlook = _lines(found.get("text/plain", "")), _lines(found.get("text/html", ""))

    def unpacked(self, part: Part) -> list[Packed]:
        """The files in a winmail.dat; none: it is shown as what it is."""
        return self._inside.get(part, [])


def _events(raw: bytes, root: Part) -> tuple[Event, ...]:
    """What the first calendar part says: an invitation often comes twice, as an alternative and as a file."""
    found = next((part for part in root.walk() if part.type in _CALENDAR), None)
    return () if found is None else events(part_text(raw, found))


# --- texts -----------------------------------------------------------------------------------------------------------


def _texts(raw: bytes, chosen: _Chosen, of_html: OfHtml) -> tuple[str, list[tuple[Part, list[Packed]]], str]:
    """(plain text, files found in it, HTML) of the chosen parts."""
    packed: list[tuple[Part, list[Packed]]] = []
    shown: dict[Part, str] = {}
    for part in dict.fromkeys(chosen.text + chosen.html):
        if part.type == "text/html":
            shown[part] = part_text(raw, part)
        else:
            shown[part], files = _plain(raw, part)
            if files:
                packed.append((part, files))
    html = chosen.outlook[1]
    if any(part.type == "text/html" for part in chosen.html):
        html = "\n".join(
            shown[part] if part.type == "text/html" else f"<pre>{escape(shown[part], quote=False)}</pre>"
            for part in chosen.html
        )
    pieces = (of_html(shown[part]) if part.type == "text/html" else shown[part] for part in chosen.text)
    text = _joined(pieces) or _joined([chosen.outlook[0]])
    if not text and html:
        text = _finished(of_html(html))
    return text, packed, html


def _plain_text(raw: bytes, chosen: _Chosen, of_html: OfHtml) -> tuple[str, list[tuple[Part, list[Packed]]]]:
    """The plain text of ``_texts`` and the files found in it; HTML is not even decoded where there is other text."""
    pieces: list[str] = []
    packed: list[tuple[Part, list[Packed]]] = []
    for part in chosen.text:
        if part.type == "text/html":
            pieces.append(of_html(part_text(raw, part)))
            continue
        piece, files = _plain(raw, part)
        pieces.append(piece)
        if files:
            packed.append((part, files))
    text = _joined(pieces)
    if not text or any(part.type != "text/html" for part in chosen.html if part not in chosen.text):
        return _texts(raw, chosen, of_html)[:2]
    return text, packed


def _joined(pieces: Iterable[str]) -> str:
    return _finished("\n".join(piece.rstrip("\n") for piece in pieces if piece.strip()))


def _finished(text: str) -> str:
    return neutralise_body(text) + ("\n" if text and not text.endswith("\n") else "")


def _plain(raw: bytes, part: Part) -> tuple[str, list[Packed]]:
    text = part_text(raw, part)
    files: list[Packed] = []
    if "begin " in text:
        body = decode(raw, part)
        files = in_text(body)
        if files:
            text = _without(body, files, part)
    if part.params.get("format", "").lower() == "flowed":
        delsp = part.params.get("delsp", "").lower() == "yes"
        text = unflow(text[:MAX_TEXT], delsp=delsp) + text[MAX_TEXT:]  # the rest will be cut
    return text, files


def _without(body: bytes, files: list[Packed], part: Part) -> str:
    pieces, position = [], 0
    for file in files:
        pieces.append(body[position : file.start])
        position = file.end
    pieces.append(body[position:])
    return _lines(decode_text(b"".join(pieces), part.params.get("charset") or None))


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- attachments -----------------------------------------------------------------------------------------------------


def _attachments(raw: bytes, part: Part, chosen: _Chosen) -> list[Attachment]:
    """The part, or what is packed in it; the numbers of both work."""
    inside = [_packed_attachment(part, one) for one in chosen.unpacked(part)]
    return inside or [_attachment(raw, part, part in chosen.related)]


def _attachment(raw: bytes, part: Part, related: bool) -> Attachment:
    content_id = (part.field("content-id") or b"").strip().strip(b"<>").decode("utf-8", "replace")
    return Attachment(
        part=part.section,
        name=_name(part),
        type=part.type,
        size=decoded_size(raw, part),
        content_id=neutralise(content_id)[:998],
        inline=_is_shown(part, related),
    )


def _is_shown(part: Part, related: bool) -> bool:
    """Does the body show this part by itself?"""
    return related or (part.disposition == "inline" and part.type.startswith(MEDIA))


def _name(part: Part) -> str:
    """A safe name: the sender's, else the subject of an attached message, else ``part-N`` with an extension."""
    if part.filename:
        return safe_filename(part.filename)
    if part.embedded is not None:
        subject = decode_header(part.embedded.field("subject") or b"")
        if subject:
            return safe_filename(subject[:120] + ".eml")
    extension = _EXTENSIONS.get(part.type) or mimetypes.guess_extension(part.type) or ".bin"
    return f"part-{part.section}{extension}"


def _packed_attachment(part: Part, one: Packed) -> Attachment:
    cid = neutralise(one.content_id)[:998]
    return Attachment(f"{part.section}.{one.mark}", _packed_name(one), one.type, len(one.data), cid)


def _packed_name(one: Packed) -> str:
    return safe_filename(decode_header(one.name.encode("utf-8", "replace")))


def find_part(root: Part, section: str) -> Part | None:
    """The part with this section number, or None."""
    return next((part for part in root.walk() if part.section == section), None)


def part_bytes(raw: bytes, section: str) -> tuple[Attachment, bytes]:
    """An attachment and its decoded bytes.  Raises KeyError when there is no such part.

    ``section`` is an IMAP section number; ``N.UU1``, ``N.YENC1`` and ``N.TNEF1`` name files packed in part N.
    """
    root = scan(raw)
    match = SECTION.match(section)
    part = find_part(root, match[1] if match else section)
    if part is None:
        raise KeyError(section)
    if not match:
        return _attachment(raw, part, part in related(root)), decode(raw, part)
    files = in_tnef(raw, part)[0] if is_tnef(raw, part) else in_text(decode(raw, part))
    for one in files:
        if one.mark == match[2]:
            return _packed_attachment(part, one), one.data
    raise KeyError(section)


def attached_files(raw: bytes) -> Iterator[tuple[str, str, str, bytes, Callable[[], bytes]]]:
    """(name, type, charset, first octets, all octets when they are called for) of each file attached, decoded; also of
    those in a winmail.dat, and no pictures.
    """
    chosen = _Chosen(raw, scan(raw))
    for part in chosen.attached:
        for one in chosen.unpacked(part):
            yield _packed_name(one), "", "", one.data[:LOOK], partial(bytes, one.data)
        if not chosen.unpacked(part) and not part.type.startswith(MEDIA):
            charset = part.params.get("charset", "")
            yield _name(part), part.type, charset, beginning(raw, part, LOOK), partial(decode, raw, part)


# --- what is odd -----------------------------------------------------------------------------------------------------


def early_warnings(root: Part) -> tuple[str, ...]:
    """What is odd about the header of a message of which only the beginning was scanned: how that ends is our doing."""
    return tuple(_sentences(root, [defect for defect in root.defects if defect not in _OF_THE_END]))


def _warnings(raw: bytes, root: Part) -> list[str]:
    defects = dict.fromkeys(defect for part in root.walk() for defect in part.defects)
    if any(is_odd_base64(raw, part) for part in root.walk()):
        defects["odd-base64"] = None
    return _sentences(root, defects)


def _sentences(root: Part, defects: Iterable[str]) -> list[str]:
    found: list[str] = []
    repeated = _repeated_fields(root)
    if repeated:
        names = ", ".join(name.title() for name in repeated)
        found.append(f"This message repeats a field that may occur once ({names}); the first is shown.")
    found += [f"The structure of this message is damaged or ambiguous: {DEFECTS[defect]}." for defect in defects]
    if any(_is_cut(name, value) for name, value in root.fields):
        found.append("A field of the header is very long and is shown cut; the source has all of it.")
    return found


def _is_cut(name: str, value: bytes) -> bool:
    """Is more in this field than ``envelope_of`` reads?"""
    if len(value) <= MAX_ADDRESSES:  # octets, and each address has more than one
        return False
    if name in _ADDRESS_FIELDS:
        return len(value) > MAX_ADDRESS_FIELD or value.count(b",") >= MAX_ADDRESSES
    return name == "subject" and len(value) > MAX_WORDS


def _repeated_fields(root: Part) -> list[str]:
    names = [name for name, _ in root.fields]
    if len(set(names)) == len(names):
        return []
    return [name for name in _ONCE_FIELDS if names.count(name) > 1]


# --- derived texts ---------------------------------------------------------------------------------------------------


ENOUGH = 800  # characters to make a snippet of: blanks are still to go
VISIBLE = 400  # of those: the invisible is still to go
_RULES = "-_=*#"  # what lines are drawn with


def snippet(text: str) -> str:
    """The beginning of a text in one line of at most 200 characters; quotations left out when there is other text."""
    lines = text[:20_000].split("\n")
    own, length = list[str](), 0
    for line in lines:
        bare = line.strip()
        if bare and not _is_quotation(bare) and (bare[0] not in _RULES or bare.strip(_RULES + " \t")):
            own.append(bare)
            length += len(bare)
            if length > ENOUGH:
                break
    beginning = _one_line(own) or _one_line(lines)
    if len(beginning) <= SNIPPET:
        return beginning
    return beginning[: SNIPPET - 1].rstrip() + "\u2026"


def _is_quotation(bare: str) -> bool:
    """A quoted line, or the line that introduces a quotation, without the blanks around it."""
    return bare[0] in ">|" or (bare[-1] == ":" and _ATTRIBUTION.match(bare) is not None)


def _one_line(lines: list[str]) -> str:
    return neutralise(" ".join(" ".join(lines)[:ENOUGH].split())[:VISIBLE])
