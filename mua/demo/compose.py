"""From a letter to the bytes of a message (RFC 5322, RFC 2045-2047).

The text of a letter has light markup: paragraphs, ``- `` lists, ``**bold**`` and ``[words](address)``.  The plain form
shows it as plain text, the HTML form (``rich``) as HTML.  Rule of the file: pure; the same letter gives the same bytes.
"""

import html
import re
import textwrap
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes
from email.charset import QP, Charset
from email.encoders import encode_base64
from email.header import Header
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr
from zlib import crc32

from mua.demo import papers
from mua.demo.letters import Attachment, Letter
from mua.demo.people import OWNER, Person

WIDTH = 74
_OWN = ("Sent", "Drafts")
_FONT = (
    "font-family:-apple-system,'Segoe UI',Roboto,'Noto Sans',sans-serif;font-size:15px;line-height:1.5;color:#1f2328"
)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def message(letter: Letter, letters: dict[str, Letter], now: int) -> bytes:
    """The whole message with CRLF line ends; ``letters`` holds those that it answers."""
    root = _body(letter, letters, now)
    for name, value in _headers(letter, letters).items():
        root[name] = value
    del root["MIME-Version"]
    root["MIME-Version"] = "1.0"
    _name_boundaries(root, letter.key)
    whole = _traces(letter) + root.as_bytes(policy=compat32.clone(mangle_from_=False))
    return re.sub(rb"\r?\n", b"\r\n", whole)


def _traces(letter: Letter) -> bytes:
    """What the servers on the way of a received letter wrote above it (RFC 5321 s.4.4, RFC 8601)."""
    if letter.sender.address == OWNER.address or letter.folder in _OWN:
        return b""
    there, here = letter.sender.address.partition("@")[2], OWNER.address.partition("@")[2]
    number = crc32(letter.key.encode())
    host, client = f"mail.{there} [192.0.2.{number % 200 + 20}]", f"[192.168.1.{number % 200 + 20}]"

    def at(seconds: int) -> str:
        return format_datetime(_when(letter) + timedelta(seconds=seconds))

    return (
        f"Received: from mx.{here} (mx.{here} [10.0.0.7])\n\tby imap.{here} with LMTP id {number:x}d; {at(9)}\n"
        f"Authentication-Results: mx.{here}; spf=pass smtp.mailfrom={there};\n"
        f"\tdkim=pass header.d={there}; dmarc=pass header.from={there}\n"
        f"Received: from mail.{there} ({host})\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n"
        f"\tby mx.{here} (Postfix) with ESMTPS id {number:x}b\n\tfor <{OWNER.address}>; {at(8)}\n"
        f"Received: from {client} (unknown [203.0.113.{number % 200 + 20}])\n"
        f"\tby mail.{there} (Postfix) with ESMTPSA id {number:x}a; {at(2 + number % 5)}\n"
    ).encode("ascii")


def text_part(text: str, subtype: str = "plain", charset: str = "utf-8") -> MIMEText:
    """A text part: quoted-printable for UTF-8, the custom of the charset for the others."""
    if charset == "utf-8":
        kind = Charset("utf-8")
        kind.body_encoding = QP
        return MIMEText(text, subtype, kind)  # type: ignore[arg-type]  # typeshed wants str; a Charset is documented
    return MIMEText(text, subtype, charset)


def plain(letter: Letter, letters: dict[str, Letter]) -> str:
    """The text as plain mail shows it, quotation included."""
    text = _LINK.sub(r"\1 (\2)", letter.text).replace("**", "")
    lines = [_wrapped(line) for line in text.splitlines()]
    parent = letters.get(letter.answers)
    if parent and letter.quote:
        quoted = "\n".join(
            (">" + line if line.startswith(">") else f"> {line}").rstrip()
            for line in _shown(parent, letters, deep="List-Id" in letter.headers)
        )
        lines += ["", attribution(parent), "", quoted]
    return "\n".join(lines) + "\n"


def attribution(parent: Letter) -> str:
    """The line above a quotation."""
    return f"On {_when(parent).strftime('%a, %d %b %Y at %H:%M')}, {parent.sender.name} wrote:"


def _shown(parent: Letter, letters: dict[str, Letter], deep: bool) -> list[str]:
    """What is quoted of a letter: its own words; on lists, as is the custom there, also what it quotes itself."""
    if deep:
        return plain(parent, letters).splitlines()
    text = _LINK.sub(r"\1 (\2)", parent.text).replace("**", "")
    return "\n".join(_wrapped(line) for line in text.splitlines()).splitlines()


def _wrapped(line: str) -> str:
    if len(line) <= WIDTH or line.startswith((">", "    ")) or " " not in line[:WIDTH]:
        return line
    indent = "  " if line.startswith("- ") else ""
    return textwrap.fill(line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _when(letter: Letter) -> datetime:
    zone = timezone(timedelta(seconds=letter.zone)) if letter.zone else UTC
    return datetime.fromtimestamp(letter.date, zone)


def _headers(letter: Letter, letters: dict[str, Letter]) -> dict[str, str]:
    subject = letter.subject
    parents = _ancestors(letter, letters)
    if not subject and parents:
        subject = "Re: " + re.sub(r"^Re: ", "", parents[-1].subject or _subject(parents))
    found = {
        "From": _people([letter.sender], letter.charset),
        "To": _people(letter.to, letter.charset),
        "Cc": _people(letter.cc, letter.charset),
        "Subject": Header(subject, letter.charset if not subject.isascii() else None, header_name="Subject").encode(),
        "Date": format_datetime(_when(letter)),
        "Message-ID": letter.message_id,
        "In-Reply-To": parents[-1].message_id if parents else "",
        "References": " ".join(parent.message_id for parent in parents),
        **letter.headers,
    }
    return {name: value for name, value in found.items() if value}


def _subject(parents: list[Letter]) -> str:
    return next((parent.subject for parent in reversed(parents) if parent.subject), "")


def _people(people: list[Person], charset: str) -> str:
    return ", ".join(formataddr((person.name, person.address), charset) for person in people)


def _ancestors(letter: Letter, letters: dict[str, Letter]) -> list[Letter]:
    found: list[Letter] = []
    while letter.answers:
        letter = letters[letter.answers]
        found.insert(0, letter)
    return found


def _body(letter: Letter, letters: dict[str, Letter], now: int) -> Message:
    body: Message = text_part(plain(letter, letters), "plain", letter.charset)
    page = letter.html or (_page(letter, letters) if letter.rich else "")
    if page:
        body = _multipart("alternative", [body, _with_images(page, letter.related)])
    attached = [_attached(line, letter, letters, now) for line in letter.attach]
    return _multipart("mixed", [body, *attached]) if attached else body


def _with_images(page: str, images: list[Attachment]) -> Message:
    part = text_part(page, "html")
    return _multipart("related", [part, *(_file(image) for image in images)]) if images else part


def _attached(line: str, letter: Letter, letters: dict[str, Letter], now: int) -> Message:
    if line.startswith("message "):
        inner = MIMEBase("message", "rfc822")
        original = letters[line.removeprefix("message ")]
        inner.attach(message_from_bytes(message(original, letters, now)))
        inner["Content-Disposition"] = "attachment"
        return inner
    return _file(papers.make(line, letter.date))


def _file(attachment: Attachment) -> MIMEBase:
    part = MIMEBase(*attachment.type.split("/", 1))
    part.set_payload(attachment.data)
    encode_base64(part)
    part.set_param("name", attachment.name)
    if b"METHOD:REQUEST" in attachment.data and attachment.type == "text/calendar":
        part.set_param("method", "REQUEST")  # RFC 6047 s.2.4: an invitation says so in its type
    kind = "inline" if attachment.cid else "attachment"
    if attachment.name.isascii():
        part.add_header("Content-Disposition", kind, filename=attachment.name)
    else:
        part.add_header("Content-Disposition", kind, filename=("utf-8", "", attachment.name))
    if attachment.cid:
        part["Content-ID"] = f"<{attachment.cid}>"
    return part


def _multipart(kind: str, children: list[Message]) -> MIMEMultipart:
    whole = MIMEMultipart(kind)
    for child in children:
        del child["MIME-Version"]
        whole.attach(child)
    return whole


def _name_boundaries(root: Message, key: str) -> None:
    for place, part in enumerate(root.walk()):
        if part.get_content_maintype() == "multipart" and part.get_boundary() is None:
            part.set_boundary(f"=_{crc32(f'{key}/{place}'.encode()):08x}_{place}")


def _page(letter: Letter, letters: dict[str, Letter]) -> str:
    inside = blocks(letter.text)
    parent = letters.get(letter.answers)
    if parent and letter.quote:
        style = "margin:16px 0 0;padding:0 0 0 14px;border-left:3px solid #d5d9e0;color:#5b6472"
        inside += f"<p>{html.escape(attribution(parent))}</p>"
        inside += f'<blockquote style="{style}">{blocks(parent.text)}</blockquote>'
    head = '<!DOCTYPE html><html><head><meta charset="utf-8"></head>'
    return f'{head}<body><div style="{_FONT}">{inside}</div></body></html>'


def blocks(text: str) -> str:
    """The markup as HTML blocks."""
    made = []
    for block in re.split(r"\n{2,}", text.strip()):
        lines = block.splitlines()
        if all(line.startswith("- ") for line in lines):
            made.append("<ul>" + "".join(f"<li>{_inline(line[2:])}</li>" for line in lines) + "</ul>")
        else:
            made.append("<p>" + "<br>".join(_inline(line) for line in lines) + "</p>")
    return "".join(made)


def _inline(text: str) -> str:
    bold = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(text, quote=False))
    return _LINK.sub(r'<a href="\2">\1</a>', bold)
