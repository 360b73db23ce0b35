"""What a correspondent answers: a short, kind reply that quotes it and stands in its thread (RFC 5322 s.3.6.4).

The phrases are in ``resources/demo/answers.toml``.

Rule of the file: no clock and no I/O but these.  An answer says that it is one (``Auto-Submitted``, RFC 3834), and
nothing that is itself automatic, a list's or a bounce gets one, so that no loop can begin.
"""

import time
import tomllib
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.utils import formataddr, formatdate, parseaddr
from functools import cache
from typing import Any
from zlib import crc32

from mua.demo import parts
from mua.demo.people import Person
from mua.paths import resources

QUOTE_LIMIT = 60  # lines


@cache
def _phrases() -> dict[str, dict[str, Any]]:
    return tomllib.loads((resources() / "demo" / "answers.toml").read_text("utf-8"))


def wants_answer(data: bytes) -> bool:
    """A person wrote this to a person: not a list, not a machine, not a bounce."""
    fields = message_from_bytes(data)
    if str(fields.get("Auto-Submitted", "no")).strip().lower() != "no":
        return False
    if str(fields.get("Precedence", "")).strip().lower() in ("bulk", "junk", "list"):
        return False
    return "List-Id" not in fields and fields.get_content_type() != "multipart/report"


def answer(data: bytes, person: Person, now: int) -> bytes:
    """The reply of ``person`` to the message ``data``, dated ``now`` (UTC seconds), with CRLF line ends."""
    fields = message_from_bytes(data)
    name, address = parseaddr(_text(fields, "Reply-To") or _text(fields, "From"))
    subject = _text(fields, "Subject")
    asked = _text(fields, "Message-ID")
    reply = EmailMessage()
    reply["From"] = formataddr((person.name, person.address))
    reply["To"] = formataddr((name, address))
    reply["Subject"] = subject if subject[:3].lower() == "re:" else f"Re: {subject}".strip()
    reply["Date"] = formatdate(now)
    reply["Message-ID"] = (
        f"<answer.{crc32((asked + person.address).encode()):08x}.{now}@{person.address.split('@')[1]}>"
    )
    if asked:
        reply["In-Reply-To"] = asked
        reply["References"] = " ".join([*_text(fields, "References").split()[-30:], asked])
    reply["Auto-Submitted"] = "auto-replied"
    reply.set_content(_body(data, fields, person, name or address, asked, now), cte="quoted-printable")
    return reply.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _body(data: bytes, fields: "Message[str, str]", person: Person, name: str, asked: str, now: int) -> str:
    phrases = _phrases()[person.language]
    greeting = phrases["greeting"].format(me=(name.split() or ["there"])[0])
    words = phrases["answers"][crc32(asked.encode()) % len(phrases["answers"])]
    date = _text(fields, "Date") or time.strftime("%a, %d %b %Y", time.gmtime(now))
    quotation = "\n".join(_quoted(line) for line in _plain(data).splitlines()[:QUOTE_LIMIT])
    above = phrases["above"].format(date=date, name=name)
    text = f"{greeting}\n\n{words}\n\n{phrases['closing']}\n{person.given_name}\n\n{above}\n\n{quotation}"
    return f"{text}\n\n-- \nA correspondent of the demo account, who lives inside Mua\n"


def _quoted(line: str) -> str:
    return ">" + line if line.startswith(">") else f"> {line}".rstrip()


def _plain(data: bytes) -> str:
    part = parts.parse(data)
    while part.children:
        part = part.children[0]
    return parts.readable(part).strip() if part.type == "text/plain" else ""


def _text(fields: "Message[str, str]", name: str) -> str:
    return " ".join(parts.decoded(fields.get(name, "")).split())
