"""A whole message as data: which parts are its body, which are attachments, what is odd about it.

Rules of the file
- ``parse`` never raises, whatever the bytes are.
- Body parts are chosen as RFC 8621 s.4.1.4 has it (textBody, htmlBody, attachments); a part is never in none of them.
- Nothing is opened for a list of attachments: sizes are computed, bytes are decoded by ``part_bytes``.
- What a sender could mislead a person with is named in ``warnings``, in sentences.
"""

import mimetypes
import re
from collections.abc import Callable, Iterable
from html import escape
from typing import Final

from mua.mime.author import notes
from mua.mime.calendar import events
from mua.mime.charset import decode_text
from mua.mime.headers import decode_header, envelope_of
from mua.mime.kinds import nature
from mua.mime.report import may_report
from mua.mime.scan import DEFECTS, Part, decode, decoded_size, scan
from mua.mime.scan import text as part_text
from mua.mime.text import html_to_text, neutralise, neutralise_body, safe_filename, unflow
from mua.mime.uu import UuFile, find_uu
from mua.model.author import Note
from mua.model.event import Event
from mua.model.message import Attachment, Envelope
from mua.records import dataclass

MAX_TEXT: Final = 4_000_000  # characters of plain text that are shown
SNIPPET: Final = 200

OfHtml = Callable[[str], str]

_MEDIA: Final = ("image/", "audio/", "video/")
_CALENDAR: Final = ("text/calendar", "application/ics")
_ONCE_FIELDS: Final = (
    "sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to", "references", "subject", "date",
)  # fmt: skip
_ATTRIBUTION = re.compile(
    r".{0,200}(?:wrote|writes|schrieb.{0,80}|a \u00e9crit|escribi\u00f3|ha scritto|\u5199\u9053)\s?:\s*$"
)
_SIGNATURE = re.compile(r"^-- ?$", re.MULTILINE)
_UU_SECTION = re.compile(r"(.+)\.UU(\d+)$")
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
    text_parts, html_parts, attached = _choose(root)
    related = _related(root)
    text, uu_files, html = _texts(raw, text_parts, html_parts, of_html)
    attachments = [_attachment(raw, part, part in related) for part in attached]
    for part, files in uu_files:
        attachments += [_uu_attachment(part, number, file) for number, file in enumerate(files, start=1)]
    warnings = _warnings(root)
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
    text_parts, html_parts, attached = _choose(root)
    text, uu_files = _plain_text(raw, text_parts, html_parts, of_html)
    names = [_name(part) for part in attached]
    names += [_uu_attachment(part, 1, file).name for part, files in uu_files for file in files]
    related = _related(root) if attached else set()
    visible = bool(uu_files) or any(not _is_shown(part, part in related) for part in attached)
    return Gist(text[:MAX_TEXT], tuple(names), visible, may_report(root))


# --- which part is what ----------------------------------------------------------------------------------------------


def _choose(root: Part) -> tuple[list[Part], list[Part], list[Part]]:
    """(parts of the text body, of the HTML body, attachments), each in the order of the message."""
    text: list[Part] = []
    html: list[Part] = []
    attached: list[Part] = []
    _structure([root], "mixed", False, html, text, attached)
    if not text and not html:
        _promote(attached, text)
    media = [part for part in text if part.type.startswith(_MEDIA)]
    attached += [part for part in media + html if part.type.startswith(_MEDIA) and part not in attached]
    return (
        [part for part in text if not part.type.startswith(_MEDIA)],
        [part for part in html if not part.type.startswith(_MEDIA)],
        sorted(dict.fromkeys(attached), key=lambda part: part.header_start),
    )


def _promote(attached: list[Part], text: list[Part]) -> None:
    """A message of one odd text type (text/enriched ...) is read as text rather than as an attachment only."""
    for part in attached:
        if part.type.startswith("text/") and part.type != "text/calendar" and part.disposition != "attachment":
            attached.remove(part)
            text.append(part)
            return


def _structure(
    parts: list[Part],
    kind: str,
    in_alternative: bool,
    html: list[Part] | None,
    text: list[Part] | None,
    attached: list[Part],
) -> None:
    """RFC 8621 s.4.1.4 ``parseStructure``; the depth is bounded by the scanner."""
    text_before = len(text) if text is not None else -1
    html_before = len(html) if html is not None else -1
    for index, part in enumerate(parts):
        if part.type.startswith("multipart/") and part.children:
            sub = part.type[10:]
            _structure(part.children, sub, in_alternative or sub == "alternative", html, text, attached)
        elif not _is_inline(part, index, kind):
            attached.append(part)
        elif kind == "alternative":
            _choose_alternative(part, html, text, attached)
        else:
            if in_alternative:
                html = None if part.type == "text/plain" else html
                text = None if part.type == "text/html" else text
            _append(part, html, text, attached)
    if kind == "alternative" and text is not None and html is not None:
        _fill_gap(text, text_before, html, html_before)


def _append(part: Part, html: list[Part] | None, text: list[Part] | None, attached: list[Part]) -> None:
    """A part that is shown whichever body is read; media that one of the two lacks is attached as well."""
    for body in (text, html):
        if body is not None:
            body.append(part)
    if (text is None or html is None) and part.type.startswith(_MEDIA):
        attached.append(part)


def _fill_gap(text: list[Part], text_before: int, html: list[Part], html_before: int) -> None:
    """An alternative that offers one kind only serves for both."""
    if text_before == len(text) and html_before != len(html):
        text.extend(html[html_before:])
    elif html_before == len(html) and text_before != len(text):
        html.extend(text[text_before:])


def _is_inline(part: Part, index: int, kind: str) -> bool:
    media = part.type.startswith(_MEDIA)
    if part.disposition == "attachment" or not (media or part.type in ("text/plain", "text/html")):
        return False
    return index == 0 or (kind != "related" and (media or not part.filename))


def _choose_alternative(part: Part, html: list[Part] | None, text: list[Part] | None, attached: list[Part]) -> None:
    if part.type == "text/plain" and text is not None:
        text.append(part)
    elif part.type == "text/html" and html is not None:
        html.append(part)
    else:
        attached.append(part)


def _events(raw: bytes, root: Part) -> tuple[Event, ...]:
    """What the first calendar part says: an invitation often comes twice, as an alternative and as a file."""
    found = next((part for part in root.walk() if part.type in _CALENDAR), None)
    return () if found is None else events(part_text(raw, found))


def _related(root: Part) -> set[Part]:
    """The parts that a multipart/related root may refer to by Content-ID."""
    return {
        child
        for part in root.walk()
        if part.type == "multipart/related"
        for child in part.children[1:]
        if child.field("content-id") or child.type.startswith("image/")
    }


# --- texts -----------------------------------------------------------------------------------------------------------


def _texts(
    raw: bytes, text_parts: list[Part], html_parts: list[Part], of_html: OfHtml
) -> tuple[str, list[tuple[Part, list[UuFile]]], str]:
    """(plain text, uuencoded files found in it, HTML) of the chosen parts."""
    uu_files: list[tuple[Part, list[UuFile]]] = []
    shown: dict[Part, str] = {}
    for part in dict.fromkeys(text_parts + html_parts):
        if part.type == "text/html":
            shown[part] = part_text(raw, part)
        else:
            shown[part], files = _plain(raw, part)
            if files:
                uu_files.append((part, files))
    html = ""
    if any(part.type == "text/html" for part in html_parts):
        html = "\n".join(
            shown[part] if part.type == "text/html" else f"<pre>{escape(shown[part], quote=False)}</pre>"
            for part in html_parts
        )
    text = _joined(of_html(shown[part]) if part.type == "text/html" else shown[part] for part in text_parts)
    if not text and html:
        text = _finished(of_html(html))
    return text, uu_files, html


def _plain_text(
    raw: bytes, text_parts: list[Part], html_parts: list[Part], of_html: OfHtml
) -> tuple[str, list[tuple[Part, list[UuFile]]]]:
    """The plain text of ``_texts`` and the files found in it; HTML is not even decoded where there is other text."""
    pieces: list[str] = []
    uu_files: list[tuple[Part, list[UuFile]]] = []
    for part in text_parts:
        if part.type == "text/html":
            pieces.append(of_html(part_text(raw, part)))
            continue
        piece, files = _plain(raw, part)
        pieces.append(piece)
        if files:
            uu_files.append((part, files))
    text = _joined(pieces)
    if not text or any(part.type != "text/html" for part in html_parts if part not in text_parts):
        return _texts(raw, text_parts, html_parts, of_html)[:2]
    return text, uu_files


def _joined(pieces: Iterable[str]) -> str:
    return _finished("\n".join(piece.rstrip("\n") for piece in pieces if piece.strip()))


def _finished(text: str) -> str:
    return neutralise_body(text) + ("\n" if text and not text.endswith("\n") else "")


def _plain(raw: bytes, part: Part) -> tuple[str, list[UuFile]]:
    text = part_text(raw, part)
    files: list[UuFile] = []
    if "begin " in text:
        body = decode(raw, part)
        files = find_uu(body)
        if files:
            text = _without_uu(body, files, part)
    if part.params.get("format", "").lower() == "flowed":
        delsp = part.params.get("delsp", "").lower() == "yes"
        text = unflow(text[:MAX_TEXT], delsp=delsp) + text[MAX_TEXT:]  # the rest will be cut
    return text, files


def _without_uu(body: bytes, files: list[UuFile], part: Part) -> str:
    pieces, position = [], 0
    for file in files:
        pieces.append(body[position : file.start])
        position = file.end
    pieces.append(body[position:])
    text = decode_text(b"".join(pieces), part.params.get("charset") or None)
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- attachments -----------------------------------------------------------------------------------------------------


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
    return related or (part.disposition == "inline" and part.type.startswith(_MEDIA))


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


def _uu_attachment(part: Part, number: int, file: UuFile) -> Attachment:
    name = safe_filename(decode_header(file.name))
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Attachment(f"{part.section}.UU{number}", name, kind, len(file.data))


def find_part(root: Part, section: str) -> Part | None:
    """The part with this section number, or None."""
    return next((part for part in root.walk() if part.section == section), None)


def part_bytes(raw: bytes, section: str) -> tuple[Attachment, bytes]:
    """An attachment and its decoded bytes.  Raises KeyError when there is no such part.

    ``section`` is an IMAP section number; ``N.UUn`` names the n-th uuencoded file in the text of part N.
    """
    root = scan(raw)
    match = _UU_SECTION.match(section)
    part = find_part(root, match[1] if match else section)
    if part is None:
        raise KeyError(section)
    if not match:
        return _attachment(raw, part, part in _related(root)), decode(raw, part)
    files = find_uu(decode(raw, part))
    number = int(match[2])
    if not 1 <= number <= len(files):
        raise KeyError(section)
    return _uu_attachment(part, number, files[number - 1]), files[number - 1].data


# --- what is odd -----------------------------------------------------------------------------------------------------


def _warnings(root: Part) -> list[str]:
    found: list[str] = []
    repeated = _repeated_fields(root)
    if repeated:
        names = ", ".join(name.title() for name in repeated)
        found.append(f"This message repeats a field that may occur once ({names}); the first is shown.")
    defects = dict.fromkeys(defect for part in root.walk() for defect in part.defects)
    found += [f"The structure of this message is damaged or ambiguous: {DEFECTS[defect]}." for defect in defects]
    return found


def _repeated_fields(root: Part) -> list[str]:
    names = [name for name, _ in root.fields]
    if len(set(names)) == len(names):
        return []
    return [name for name in _ONCE_FIELDS if names.count(name) > 1]


# --- derived texts ---------------------------------------------------------------------------------------------------


ENOUGH = 800  # characters to make a snippet of: blanks are still to go
VISIBLE = 400  # of those: the invisible is still to go


def snippet(text: str) -> str:
    """The beginning of a text in one line of at most 200 characters; quotations left out when there is other text."""
    lines = text[:20_000].split("\n")
    own, length = list[str](), 0
    for line in lines:
        if not _is_quotation(line) and line.strip("-_=*# \t"):
            own.append(line)
            length += len(line)
            if length > ENOUGH:
                break
    beginning = _one_line(own) or _one_line(lines)
    if len(beginning) <= SNIPPET:
        return beginning
    return beginning[: SNIPPET - 1].rstrip() + "\u2026"


def _is_quotation(line: str) -> bool:
    """A quoted line, or the line that introduces a quotation."""
    if line.lstrip().startswith((">", "|")):
        return True
    return line.rstrip().endswith(":") and _ATTRIBUTION.match(line) is not None


def _one_line(lines: list[str]) -> str:
    return neutralise(" ".join(" ".join(lines)[:ENOUGH].split())[:VISIBLE])
