"""The MIME structure of a stored message as slices of its bytes; ENVELOPE and BODYSTRUCTURE (RFC 3501 s.7.4.2).

Rule of the file: pure; the slices are the very bytes; hostile input costs at most ``PARTS_LIMIT`` parts, never raises.
The standard library reads single header values; it does not take the message apart, as it cannot give back bytes.
"""

import re
from dataclasses import dataclass, field
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message as Headers
from email.utils import getaddresses

from mua.demo.syntax import quoted

DEPTH_LIMIT = 20
PARTS_LIMIT = 500


@dataclass(slots=True)
class Part:
    """One body part: ``header`` ends with its empty line; ``body`` is what follows, as written."""

    header: bytes
    body: bytes
    fields: "Headers[str, str]"
    type: str
    children: list["Part"] = field(default_factory=list)

    @property
    def is_message(self) -> bool:
        """The part is an embedded message, whose own structure is its only child."""
        return self.type == "message/rfc822" and bool(self.children)


def parse(data: bytes) -> Part:
    """The structure of a whole message."""
    return _part(data, DEPTH_LIMIT, [PARTS_LIMIT], "text/plain")


def find(root: Part, path: list[int]) -> Part | None:
    """The part of this section number (RFC 3501 s.6.4.5); None where there is none."""
    part = root
    for place in path:
        inner = part.children[0] if part.is_message else part
        if inner.type.startswith("multipart/") and inner.children:
            if not 1 <= place <= len(inner.children):
                return None
            part = inner.children[place - 1]
        elif place == 1 and (part is root or part.is_message):
            part = inner
        else:
            return None
    return part


def header_fields(header: bytes, names: set[str], other: bool = False) -> bytes:
    """The fields named (lower case), or with ``other`` all but these, and the empty line."""
    kept = []
    for item in re.findall(rb"[^\r\n][^\n]*\n?(?:[ \t][^\n]*\n?)*", header):
        name = item.split(b":", 1)[0].strip().lower().decode("latin-1")
        if (name in names) != other:
            kept.append(item)
    return b"".join(kept) + b"\r\n"


def decoded(value: object) -> str:
    """A header value with its encoded words decoded, as far as that goes."""
    try:
        return str(make_header(decode_header(str(value))))
    except (ValueError, LookupError):
        return str(value)


def readable(part: Part) -> str:
    """All text of a message, for a search in it."""
    if part.children:
        return "\n".join(readable(child) for child in part.children)
    if not part.type.startswith("text/"):
        return ""
    whole = message_from_bytes(part.header + part.body)
    body = whole.get_payload(decode=True)
    try:
        return body.decode(whole.get_content_charset("utf-8"), "replace") if isinstance(body, bytes) else ""
    except LookupError:
        return body.decode("latin-1") if isinstance(body, bytes) else ""


def envelope(part: Part) -> bytes:
    """ENVELOPE of a message."""
    fields = part.fields
    people = {name: _addresses(fields, name) for name in ("from", "sender", "reply-to", "to", "cc", "bcc")}
    sender = people["sender"] if people["sender"] != b"NIL" else people["from"]
    reply = people["reply-to"] if people["reply-to"] != b"NIL" else people["from"]
    values = [
        *(quoted(_value(fields, name)) for name in ("date", "subject")),
        *(people["from"], sender, reply, people["to"], people["cc"], people["bcc"]),
        *(quoted(_value(fields, name)) for name in ("in-reply-to", "message-id")),
    ]
    return b"(" + b" ".join(values) + b")"


def structure(part: Part, extended: bool = True) -> bytes:
    """BODYSTRUCTURE of a part; BODY when not ``extended``."""
    kind, _, subtype = part.type.upper().partition("/")
    if kind == "MULTIPART" and part.children:
        inside = b"".join(structure(child, extended) for child in part.children)
        tail = b" " + _parameters(part, "content-type") + _disposition(part) + b" NIL NIL" if extended else b""
        return b"(" + inside + b" " + quoted(subtype) + tail + b")"
    values = [
        *(quoted(kind), quoted(subtype), _parameters(part, "content-type")),
        *(quoted(_value(part.fields, name)) for name in ("content-id", "content-description")),
        quoted(_value(part.fields, "content-transfer-encoding") or "7BIT"),
        b"%d" % len(part.body),
    ]
    if part.is_message:
        values += [envelope(part.children[0]), structure(part.children[0], extended)]
    if part.is_message or kind == "TEXT":
        values.append(b"%d" % part.body.count(b"\n"))
    tail = b" NIL" + _disposition(part) + b" NIL NIL" if extended else b""
    return b"(" + b" ".join(values) + tail + b")"


def _part(data: bytes, depth: int, left: list[int], default: str) -> Part:
    left[0] -= 1
    header, body = _split(data)
    fields = message_from_bytes(header)
    fields.set_default_type(default)
    part = Part(header, body, fields, fields.get_content_type())
    if depth <= 0 or left[0] <= 0:
        return part
    if part.type == "message/rfc822":
        part.children = [_part(body, depth - 1, left, "text/plain")]
    elif part.type.startswith("multipart/") and (boundary := fields.get_boundary()):
        inner = "message/rfc822" if part.type == "multipart/digest" else "text/plain"
        pieces = _pieces(body, boundary.encode("utf-8", "replace"))[: left[0]]
        part.children = [_part(piece, depth - 1, left, inner) for piece in pieces]
    return part


def _split(data: bytes) -> tuple[bytes, bytes]:
    if data[:2] == b"\r\n" or data[:1] == b"\n":
        end = data.index(b"\n") + 1
        return data[:end], data[end:]
    found = re.search(rb"\n\r?\n", data)
    return (data[: found.end()], data[found.end() :]) if found else (data, b"")


def _pieces(body: bytes, boundary: bytes) -> list[bytes]:
    mark = re.compile(rb"(?:^|\r?\n)--" + re.escape(boundary) + rb"(--)?[ \t]*(?:\r?\n|$)")
    pieces, start = [], -1
    at = 0
    while found := mark.search(body, at):
        if start >= 0:
            pieces.append(body[start : found.start()] if found.start() > start else b"")
        if found[1]:
            return pieces
        start = found.end()
        at = max(start - (2 if body[start - 2 : start] == b"\r\n" else 1), found.start() + 1)
    if start >= 0:
        pieces.append(body[start:])
    return pieces


def _value(fields: "Headers[str, str]", name: str) -> str | None:
    value = fields.get(name)
    return None if value is None else " ".join(str(value).split())


def _addresses(fields: "Headers[str, str]", name: str) -> bytes:
    found = getaddresses([str(value) for value in fields.get_all(name, [])])
    rows = []
    for person, address in found:
        local, _, domain = address.rpartition("@")
        if local or domain:
            rows.append(b"(%s NIL %s %s)" % (quoted(person or None), quoted(local or domain), quoted(domain)))
    return b"(" + b"".join(rows) + b")" if rows else b"NIL"


def _parameters(part: Part, name: str) -> bytes:
    found = part.fields.get_params(None, name)
    pairs = [(key, value) for key, value in found or [] if value]  # the first, the type itself, has no value
    rows = [quoted(key.upper()) + b" " + quoted(_parameter(value)) for key, value in pairs]
    return b"(" + b" ".join(rows) + b")" if rows else b"NIL"


def _parameter(value: str | tuple[str | None, str | None, str]) -> str:
    return value if isinstance(value, str) else value[2]


def _disposition(part: Part) -> bytes:
    kind = part.fields.get_content_disposition()
    return b" (" + quoted(kind.upper()) + b" " + _parameters(part, "content-disposition") + b")" if kind else b" NIL"
