"""IMAP's grammar (RFC 9051 s.9), both ways: responses into Python values, names and sets into arguments.

Pure functions over bytes.  The rule of the file: whatever a server wrote, a function returns or raises ``BadSyntax``,
in linear time and with bounded depth; sets of numbers are kept as ranges and never expanded past what was asked for.
"""

import datetime
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from imapclient import imap_utf7

from mua.errors import Kind, MailError, Retry

Ranges = list[tuple[int, int]]
Value = Any  # bytes | int | None | BinaryIO | list of these
MAX_UID = 2**32 - 1

_DEPTH = 100
_CONTROL = re.compile(rb"[\0\r\n]")
_UNPRINTABLE = re.compile("[\0-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")  # and what turns text round
_TOKEN = re.compile(
    rb"\(|\)"
    rb'|"(?:[^"\\]|\\.)*+"|".*'  # quoted; or an open quote, to the end
    rb"|(?:BODY|BINARY)(?:\.PEEK)?\[[^\]]{0,4000}\](?:<\d+>)?"
    rb'|[^ ()"]+',
    re.IGNORECASE | re.DOTALL,
)


MAX_OBJECT_ID = 255  # octets, RFC 8474 s.7
MAX_PREVIEW = 2000  # characters; a server should make no more than 256, RFC 8970


class BadSyntax(ValueError):
    """A response that the grammar does not allow."""


class Literal(bytes):
    """An argument that has to be sent as a literal."""


@dataclass(slots=True)
class Fetched:
    """One FETCH response.  ``sections`` maps the upper-cased item (b"BODY[]") to bytes or, when large, a file.

    Items that are never asked for are not kept.
    """

    seq: int
    uid: int | None = None
    flags: tuple[str, ...] | None = None
    internaldate: bytes | None = None
    size: int | None = None
    modseq: int | None = None
    object_id: str = ""  # EMAILID or X-GM-MSGID
    server_thread: str = ""  # THREADID or X-GM-THRID
    preview: str = ""
    sections: dict[bytes, bytes | BinaryIO] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Untagged:
    """One untagged response: its kind (b"EXISTS"), the number in front of it, its values."""

    kind: bytes
    number: int = 0
    values: Sequence[Value] = ()
    fetched: Fetched | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """A status response: OK, NO, BAD, BYE or PREAUTH, with its response code and the human text."""

    kind: bytes
    code: Sequence[Value]
    text: str

    @property
    def code_name(self) -> str:
        """The response code's name in upper case, or nothing."""
        return text(self.code[0]).upper() if self.code else ""


# -- reading


def parse(chunks: Sequence[bytes | BinaryIO]) -> list[Value]:
    """[text, literal, text, ...] as nested lists of bytes, int, None (NIL) and files."""
    stack: list[list[Value]] = []
    current: list[Value] = []
    for place, chunk in enumerate(chunks):
        if place % 2 or not isinstance(chunk, bytes):
            current.append(chunk)
            continue
        for token in _TOKEN.findall(chunk):
            if token == b"(":
                stack.append(current)
                current = []
                if len(stack) > _DEPTH:
                    raise BadSyntax("nested too deeply")
            elif token == b")":
                if not stack:
                    raise BadSyntax("unbalanced )")
                done, current = current, stack.pop()
                current.append(done)
            else:
                current.append(_atom(token))
    if stack:
        raise BadSyntax("unbalanced (")
    return current


def _atom(token: bytes) -> Value:
    if token[0] == 0x22:
        if len(token) < 2 or token[-1] != 0x22:
            raise BadSyntax("open quote")
        return re.sub(rb"\\(.)", rb"\1", token[1:-1], flags=re.DOTALL) if b"\\" in token else token[1:-1]
    if token.isdigit() and len(token) < 20:
        return int(token)
    return None if token == b"NIL" else token


def untagged(chunks: Sequence[bytes | BinaryIO]) -> Untagged:
    """An untagged response; ``chunks[0]`` starts with ``* ``."""
    try:
        return _untagged(chunks)
    except (IndexError, TypeError, AttributeError) as error:
        raise BadSyntax(f"bad response {chunks[0][:80]!r}") from error  # type: ignore[index]


def _untagged(chunks: Sequence[bytes | BinaryIO]) -> Untagged:
    line = chunks[0]
    assert isinstance(line, bytes)
    words = line.split(b" ", 3)
    if len(words) > 2 and words[1].isdigit() and len(words[1]) < 20:
        kind, number = words[2].upper(), int(words[1])
        if kind == b"FETCH":
            return Untagged(kind, number, fetched=_fetched(number, parse([words[3], *chunks[1:]])[0]))
        return Untagged(kind, number)
    kind = words[1].upper()
    rest = line[2 + len(words[1]) :]
    if kind in (b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"):
        return Untagged(kind, values=(status(kind + rest),))
    return Untagged(kind, values=parse([rest, *chunks[1:]]))


def _fetched(seq: int, pairs: list[Value]) -> Fetched:
    message = Fetched(seq)
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        name = key.upper()
        if name == b"UID":
            message.uid = _number(value)
        elif name == b"FLAGS":
            message.flags = tuple(text(flag) for flag in value)
        elif name == b"INTERNALDATE":
            message.internaldate = value
        elif name == b"RFC822.SIZE":
            message.size = _number(value)
        elif name == b"MODSEQ":
            message.modseq = _number(value[0])
        elif name in (b"EMAILID", b"THREADID"):  # RFC 8474 s.5: a THREADID may be NIL
            told = text(value[0])[:MAX_OBJECT_ID] if isinstance(value, list) and value else ""
            setattr(message, "object_id" if name == b"EMAILID" else "server_thread", told)
        elif name == b"PREVIEW" and (value is None or isinstance(value, bytes | int)):  # RFC 8970 s.3
            message.preview = "" if value is None else text(value)[:MAX_PREVIEW]
        elif name in (b"X-GM-MSGID", b"X-GM-THRID"):
            setattr(message, "object_id" if name == b"X-GM-MSGID" else "server_thread", str(_number(value)))
        elif name.startswith(b"BODY["):
            message.sections[name] = b"%d" % value if isinstance(value, int) else b"" if value is None else value
    return message


def _number(value: Value) -> int:
    if not isinstance(value, int):
        raise BadSyntax(f"not a number: {value!r:.80}")
    return value


def status(line: bytes) -> Status:
    """``OK [COPYUID 1 2 3] done`` as a Status; a code that does not parse is kept as one word."""
    kind, _, rest = line.partition(b" ")
    rest = rest.strip()
    code: list[Value] = []
    if rest.startswith(b"[") and b"]" in rest:
        inside, _, rest = rest[1:].partition(b"]")
        try:
            code = parse([inside])
        except BadSyntax:
            code = [inside]
    return Status(kind.upper(), code, rest.strip().decode("utf-8", "replace")[:1000])


def text(value: Value) -> str:
    """An atom or string as text (flag names, status items, capabilities)."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "NIL" if value is None else str(value)


def ranges(value: Value) -> Ranges:
    """``1:3,7`` as [(1, 3), (7, 7)]; numbers outside 1..2^32-1 are refused."""
    if isinstance(value, int):
        value = b"%d" % value
    found = []
    for part in value.split(b","):
        low, colon, high = part.partition(b":")
        if not low.isdigit() or (colon and not high.isdigit()) or len(part) > 21:
            raise BadSyntax(f"not a set: {part[:40]!r}")
        first, last = sorted((int(low), int(high or low)))
        if not 1 <= first <= last <= MAX_UID:
            raise BadSyntax(f"not a set: {part[:40]!r}")
        found.append((first, last))
    return found


def expanded(spans: Ranges, most: int) -> list[int]:
    """The numbers of these ranges in the order given, or BadSyntax when there are more than ``most``."""
    if sum(last - first + 1 for first, last in spans) > most:
        raise BadSyntax("a set larger than the mailbox")
    return [number for first, last in spans for number in range(first, last + 1)]


def flag_tuple(raw: bytes) -> tuple[str, ...]:
    """The inside of ``FLAGS (...)``; mail has few distinct combinations, so those that are not long are kept."""
    return _known_flags(raw) if len(raw) < 200 else _known_flags.__wrapped__(raw)


@functools.lru_cache(maxsize=4096)
def _known_flags(raw: bytes) -> tuple[str, ...]:
    return tuple(flag.decode("utf-8", "replace") for flag in raw.split())


_MONTHS = {name: place for place, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DATE = re.compile(rb" ?(\d{1,2})-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$")


def date_seconds(raw: bytes | None) -> int:
    """INTERNALDATE (`` 7-Feb-1994 21:52:25 -0800``) as UTC seconds; 0 when absent or nonsense."""
    found = _DATE.match(raw) if isinstance(raw, bytes) else None
    if found is None:
        return 0
    try:
        days = _ordinal(int(found[3]), _MONTHS.get(found[2].lower(), 0), int(found[1]))
    except ValueError:
        return 0
    offset = int(found[8]) * 3600 + int(found[9]) * 60
    seconds = days * 86400 + int(found[4]) * 3600 + int(found[5]) * 60 + int(found[6])
    return seconds - offset if found[7] == b"+" else seconds + offset


@functools.lru_cache(maxsize=4096)
def _ordinal(year: int, month: int, day: int) -> int:
    return datetime.date(year, month, day).toordinal() - 719163  # days since 1970-01-01


# -- writing


def uid_sets(uids: Iterable[int], count: int = 500, octets: int = 7000) -> Iterator[bytes]:
    """Numbers as command-sized sets ``1:4,9``: each at most ``count`` numbers and about ``octets`` long."""
    parts: list[bytes] = []
    used = taken = 0
    for first, last in _runs(sorted(set(uids)), count):
        part = b"%d" % first if first == last else b"%d:%d" % (first, last)
        size = last - first + 1
        if parts and (taken + size > count or used + len(part) > octets):
            yield b",".join(parts)
            parts, used, taken = [], 0, 0
        parts.append(part)
        used += len(part) + 1
        taken += size
    if parts:
        yield b",".join(parts)


def _runs(numbers: list[int], longest: int) -> Iterator[tuple[int, int]]:
    first = previous = -1
    for number in numbers:
        if first >= 0 and number == previous + 1 and number - first < longest:
            previous = number
            continue
        if first >= 0:
            yield first, previous
        first = previous = number
    if first >= 0:
        yield first, previous


def argument(value: str | bytes) -> bytes:
    """A piece of a command as bytes; CR, LF and NUL are refused, since they would start another command."""
    try:
        raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    except UnicodeEncodeError as error:
        raise _unsayable(value) from error
    if _CONTROL.search(raw) and not isinstance(raw, Literal):
        raise _unsayable(raw)
    return raw


def _unsayable(value: str | bytes) -> MailError:
    text = "A name or text holds a control character, which cannot be sent to a mail server."
    return MailError(Kind.MESSAGE, Retry.NEVER, text, repr(value[:80]), "control-character")


def quoted(value: str | bytes, *, utf8: bool = False) -> bytes:
    """A string argument: quoted when it is plain ASCII (or ``utf8`` was enabled), else a literal; CR, LF and NUL are
    refused.
    """
    raw = argument(value)
    if not (utf8 or raw.isascii()) or len(raw) > 1000:
        return Literal(raw)
    return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def encode_name(name: str) -> bytes:
    """A mailbox name in modified UTF-7 (RFC 3501 s.5.1.3), unquoted."""
    argument(name)
    encoded: bytes = imap_utf7.encode(name)
    return encoded


def spelt_out(raw: bytes) -> str:
    """A readable form of any octets, which leads back to nothing: keep the octets beside it."""
    text = raw.decode("utf-8", "backslashreplace")
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def decode_name(raw: bytes, *, utf8: bool = False) -> str | None:
    """The readable form of a mailbox name, or None when it would not lead back to the same bytes.

    ``utf8``: the server was switched from modified UTF-7 to UTF-8.
    """
    try:
        if utf8:
            name = raw.decode()
            return None if _UNPRINTABLE.search(name) else name
        name = str(imap_utf7.decode(raw))
        if imap_utf7.encode(name) == raw and not _UNPRINTABLE.search(name):
            return name
    except (ValueError, UnicodeError):
        pass
    return None
