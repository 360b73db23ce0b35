"""DKIM (RFC 6376, 8301, 8463) and ARC (RFC 8617), checked over a message's own octets.

Rules of the file
- Pure: ``questions`` says which records are needed, whoever may ask the DNS asks, ``check`` takes what was said.
- Never raises on a message or a record; linear in the message; what is capped is counted.
- A signature that holds says who signed, and nothing else.  rsa-sha1 and keys under 1024 bits do not count (RFC 8301
  s.3); a signature with ``l=`` holds, and says how much anybody could have added (RFC 6376 s.8.2).
"""

import base64
import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import field as made_anew
from dataclasses import replace
from typing import Final

from mua.mime.dkim import record_name, relaxed_field, relaxed_lines
from mua.mime.scan import body_start
from mua.model.evidence import Evidence, Outcome, Signature
from mua.model.records import tag_list
from mua.records import dataclass

MAX_SIGNATURES: Final = 8
MAX_SETS: Final = 10  # of an ARC chain; RFC 8617 allows 50, and each costs a question
MAX_NAMES: Final = 200  # in ``h=``
MAX_BITS: Final = 8192  # of an RSA key
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_B_VALUE = re.compile(rb"((?:\A|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_HOST = re.compile(
    r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\Z"
)
SHOWN: Final = (
    "from",
    "subject",
    "date",
    "to",
    "cc",
    "reply-to",
    "sender",
    "content-type",
    "content-transfer-encoding",
)
PIECE: Final = 1 << 17  # octets
LEAVING: Final = ("list-unsubscribe", "list-unsubscribe-post")
_ALGORITHMS: Final = ("rsa-sha256", "ed25519-sha256")

Answers = Mapping[str, Sequence[str] | None]
"""By name: the TXT records there (none: there is nothing); None: nobody knows."""


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    raw: bytes  # with its line ends


@dataclass(frozen=True, slots=True)
class _Message:
    fields: tuple[_Field, ...]
    body: bytes
    forms: dict[bool, bytes] = made_anew(default_factory=dict)

    def canonical(self, relaxed: bool) -> bytes:
        """The body in one of its forms, which is made once for all signatures."""
        if relaxed not in self.forms:
            self.forms[relaxed] = _canonical_body(self.body, relaxed=relaxed)
        return self.forms[relaxed]


class _Refused(Exception):
    def __init__(self, outcome: Outcome, why: str) -> None:
        super().__init__(why)
        self.outcome, self.why = outcome, why


def questions(raw: bytes) -> tuple[str, ...]:
    """The names whose TXT records ``check`` wants to know, each once; none where nothing is signed."""
    message = _read(raw, body=False)
    names = [_record_name(tags) for field in _signatures(message) if (tags := _tags_of(field)) is not None]
    for one in list(_sets(message)[0].values())[:MAX_SETS]:
        signed = (*one.get("arc-seal", ()), *one.get("arc-message-signature", ()))
        names += [_record_name(tags) for field in signed if (tags := _tags_of(field)) is not None]
    return tuple(dict.fromkeys(name for name in names if name))


def check(raw: bytes, answers: Answers, now: int) -> Evidence:
    """Check every signature; ``now`` in UTC seconds."""
    message = _read(raw)
    fields = _signatures(message)
    found = [_checked("dkim", field, message, answers, now) for field in fields]
    chain, seals = _chain(message, answers, now)
    more = sum(one.name == "dkim-signature" for one in message.fields) - len(fields)
    return Evidence(now, (*found, *seals), chain, more)


def completed(raw: bytes, evidence: Evidence) -> Evidence:
    """The same, with what can be told of signatures that held without asking anybody again.

    Evidence of before it was noted which of them cover where a list is left says that none does.
    """
    message = _read(raw[: body_start(raw)], body=False)
    fields = iter(_signatures(message))
    made: list[Signature] = []
    for one in evidence.signatures:
        tags = (_tags_of(field) or {}) if one.kind == "dkim" and (field := next(fields, None)) is not None else {}
        same = (tags.get("d", "").lower(), tags.get("s", "").lower()) == (one.domain, one.selector)
        holds = same and one.outcome is Outcome.HOLDS
        made.append(replace(one, covers_leaving=_covers_leaving(tags, message)) if holds else one)
    return replace(evidence, signatures=tuple(made))


# --- the message -----------------------------------------------------------------------------------------------------


def _read(raw: bytes, *, body: bool = True) -> _Message:
    """Fields and body with CRLF, as they were on the line."""
    if b"\r\n" not in raw:
        raw = (raw if body else raw[: 1 << 20]).replace(b"\n", b"\r\n")
    end = raw.find(b"\r\n\r\n")
    head = raw[: end + 2] if end >= 0 else raw
    lines = head.split(b"\r\n")
    fields: list[list[bytes]] = []
    for line in lines:
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1].append(line)
        elif line:
            fields.append([line])
    made = [b"\r\n".join(one) + b"\r\n" for one in fields]
    named = tuple(_Field(one.partition(b":")[0].strip().decode("ascii", "replace").lower(), one) for one in made)
    return _Message(named, raw[end + 4 :] if body and end >= 0 else b"")


def _signatures(message: _Message) -> list[_Field]:
    return [one for one in message.fields if one.name == "dkim-signature"][:MAX_SIGNATURES]


def _tags_of(field: _Field) -> dict[str, str] | None:
    return tag_list(field.raw.partition(b":")[2].decode("utf-8", "replace"))


def _record_name(tags: Mapping[str, str]) -> str:
    name = record_name(tags.get("s", ""), tags.get("d", ""))
    return name.lower() if len(name) < 254 and _HOST.match(name) and "." in tags.get("d", "") else ""


# --- one signature ---------------------------------------------------------------------------------------------------


def _checked(kind: str, field: _Field, message: _Message, answers: Answers, now: int) -> Signature:
    tags = _tags_of(field) or {}
    domain, selector, algorithm = (tags.get(one, "").lower()[:253] for one in ("d", "s", "a"))
    try:
        if not tags:
            raise _Refused(Outcome.UNUSABLE, "it cannot be read")
        testing = _verify(kind, field, tags, message, answers, now)
    except _Refused as refused:
        return Signature(kind, domain, selector, algorithm, refused.outcome, refused.why)
    over = -1
    if tags.get("l"):
        over = max(0, len(message.canonical(_ways(tags)[1])) - int(tags["l"]))
    named = tags["h"].lower().split(":")[:MAX_NAMES]
    bare = tuple(one.name for one in message.fields if one.name in SHOWN and one.name not in named)
    leaving = _covers_leaving(tags, message)
    return Signature(kind, domain, selector, algorithm, Outcome.HOLDS, "", over if over else -1, bare, testing, leaving)


def _covers_leaving(tags: Mapping[str, str], message: _Message) -> bool:
    """Whether it covers both fields that say where a list is left, each of which stands once (RFC 8058 s.4)."""
    named = tags.get("h", "").lower().split(":")[:MAX_NAMES]
    there = Counter(one.name for one in message.fields)
    return all(one in named and there[one] == 1 for one in LEAVING)


def _verify(kind: str, field: _Field, tags: dict[str, str], message: _Message, answers: Answers, now: int) -> bool:
    """Whether its domain is only trying this out.  Raises _Refused where the signature does not hold."""
    _sound(kind, tags, message, now)
    relaxed_head, relaxed_body = _ways(tags)
    key, testing = _key(tags, answers)
    body = message.canonical(relaxed_body)
    if "l" in tags:
        if not tags["l"].isdecimal() or len(tags["l"]) > 12 or int(tags["l"]) > len(body):
            raise _Refused(Outcome.UNUSABLE, "it covers more than there is")
        body = body[: int(tags["l"])]
    if hashlib.sha256(body).digest() != _base64(tags["bh"]):
        raise _Refused(Outcome.BROKEN, "the text is not the one that was signed")
    names = tags["h"].lower().split(":")[:MAX_NAMES]
    signed = b"".join(_canonical(one, relaxed_head) for one in _chosen(names, message.fields))
    signed += _canonical(_without_b(field), relaxed_head).removesuffix(b"\r\n")
    if not key(signed, _base64(tags["b"])):
        raise _Refused(Outcome.BROKEN, "the header is not the one that was signed")
    return testing


def _sound(kind: str, tags: dict[str, str], message: _Message, now: int) -> None:
    """RFC 6376 s.6.1.1, RFC 8301 s.3."""
    wanted = ("a", "b", "bh", "d", "h", "s") + (("v",) if kind == "dkim" else ())
    if any(not tags.get(one) for one in wanted) or (kind == "dkim" and tags["v"] != "1"):
        raise _Refused(Outcome.UNUSABLE, "it is incomplete")
    if tags["a"].lower() == "rsa-sha1":
        raise _Refused(Outcome.WEAK, "its method (rsa-sha1) can be forged")
    if tags["a"].lower() not in _ALGORITHMS or not _record_name(tags):
        raise _Refused(Outcome.UNUSABLE, "it cannot be read")
    names = tags["h"].lower().split(":")
    if kind == "dkim":
        _says_what_is_seen(names, message)
        _speaks_for_itself(names, tags)
    elif any(one.startswith("arc-seal") for one in names):
        raise _Refused(Outcome.UNUSABLE, "it covers a seal")
    if not any(one in ("", "dns/txt") for one in tags.get("q", "").lower().split(":")):
        raise _Refused(Outcome.UNUSABLE, "its key is not in the DNS")
    if not set(_way_names(tags)) <= {"simple", "relaxed"}:
        raise _Refused(Outcome.UNUSABLE, "it cannot be read")
    _lasts(tags, now)


def _speaks_for_itself(names: Sequence[str], tags: Mapping[str, str]) -> None:
    domain = tags["d"].lower()
    identity = tags.get("i", f"@{domain}").lower().rpartition("@")[2]
    if "from" not in names:
        raise _Refused(Outcome.UNUSABLE, "it does not cover the author")
    if identity != domain and not identity.endswith(f".{domain}"):
        raise _Refused(Outcome.UNUSABLE, "it signs for somebody else")


def _lasts(tags: Mapping[str, str], now: int) -> None:
    for one in ("t", "x"):
        if one in tags and not (tags[one].isdecimal() and len(tags[one]) <= 12):
            raise _Refused(Outcome.UNUSABLE, "it cannot be read")
    if "x" in tags and int(tags["x"]) < int(tags.get("t", 0)):
        raise _Refused(Outcome.UNUSABLE, "it ended before it began")
    if "x" in tags and now > int(tags["x"]):
        raise _Refused(Outcome.WEAK, "it has expired")


def _says_what_is_seen(names: Sequence[str], message: _Message) -> None:
    """Whether what a reader is shown can be what was signed: of equal fields the first is shown, the last is signed."""
    if any(not _FIELD.match(one.raw) or _LONE.search(one.raw) for one in message.fields):
        raise _Refused(Outcome.UNUSABLE, "the header is damaged")
    there = Counter(one.name for one in message.fields)
    if any(there[one] > max(1, names.count(one)) for one in SHOWN):
        raise _Refused(Outcome.BROKEN, "a field that you see was added to what was signed")


def _way_names(tags: Mapping[str, str]) -> tuple[str, str]:
    head, _, body = tags.get("c", "simple").lower().partition("/")
    return head, body or "simple"


def _ways(tags: Mapping[str, str]) -> tuple[bool, bool]:
    """Whether header and body are taken in the relaxed form."""
    head, body = _way_names(tags)
    return head == "relaxed", body == "relaxed"


def _chosen(names: Sequence[str], fields: Sequence[_Field]) -> Iterable[_Field]:
    """Of equal fields the last first (RFC 6376 s.5.4.2)."""
    there: dict[str, list[_Field]] = {}
    for one in fields:
        there.setdefault(one.name, []).append(one)
    for name in names:
        if there.get(name):
            yield there[name].pop()


def _canonical(field: _Field, relaxed: bool) -> bytes:
    """RFC 6376 s.3.4.1, s.3.4.2."""
    return relaxed_field(field.raw) if relaxed else field.raw


def _without_b(field: _Field) -> _Field:
    name, colon, value = field.raw.partition(b":")
    return _Field(field.name, name + colon + _B_VALUE.sub(rb"\1", value.removesuffix(b"\r\n"), count=1) + b"\r\n")


def _canonical_body(body: bytes, *, relaxed: bool) -> bytes:
    """RFC 6376 s.3.4.3, s.3.4.4."""
    if relaxed:
        body = b"".join(map(relaxed_lines, _pieces(body))).removesuffix(b" ")
    end = len(body)
    for many in (1 << 16, 1 << 8, 1):
        block = b"\r\n" * many
        while body.endswith(block, 0, end):
            end -= len(block)
    if end == 0:
        return b"" if relaxed else b"\r\n"
    return body[:end] + b"\r\n"


def _pieces(body: bytes) -> Iterator[bytes]:
    """Whole lines, some at a time: while they are changed they take a multiple of their length."""
    start = 0
    while start < len(body):
        last = body.rfind(b"\r\n", start, start + PIECE)
        last = body.find(b"\r\n", start) if last < 0 else last
        end = len(body) if last < 0 else last + 2
        yield body[start:end]
        start = end


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _Refused(Outcome.UNUSABLE, "it cannot be read") from None


# --- keys (RFC 6376 s.3.6.1) -----------------------------------------------------------------------------------------

_Verifier = Callable[[bytes, bytes], bool]


def _key(tags: Mapping[str, str], answers: Answers) -> tuple[_Verifier, bool]:
    """(what verifies octets against a signature, whether the domain is only trying this out).  Raises _Refused."""
    texts = answers.get(_record_name(tags))
    if texts is None:
        raise _Refused(Outcome.UNKNOWN, "its key could not be asked for")
    kind = tags["a"].lower().partition("-")[0]
    records = [record for one in texts[:10] if (record := tag_list(one)) is not None and "p" in record]
    if not records:
        raise _Refused(Outcome.UNUSABLE, "its domain publishes no such key")
    record = next((one for one in records if one.get("k", "rsa").lower() == kind), records[0])
    flags = record.get("t", "").lower().split(":")
    if record.get("v", "DKIM1") != "DKIM1" or record.get("k", "rsa").lower() != kind:
        raise _Refused(Outcome.UNUSABLE, "the key of its domain is of another kind")
    if not {"sha256"} & set(record.get("h", "sha256").lower().split(":")):
        raise _Refused(Outcome.UNUSABLE, "the key of its domain is for another method")
    if not {"*", "email"} & set(record.get("s", "*").lower().split(":")):
        raise _Refused(Outcome.UNUSABLE, "the key of its domain is not for mail")
    if not record["p"]:
        raise _Refused(Outcome.UNUSABLE, "its domain has withdrawn the key")
    if "s" in flags and tags.get("i", "@" + tags["d"]).lower().rpartition("@")[2] != tags["d"].lower():
        raise _Refused(Outcome.UNUSABLE, "it signs for somebody else")
    try:
        octets = base64.b64decode(record["p"], validate=True)
    except (binascii.Error, ValueError):
        raise _Refused(Outcome.UNUSABLE, "the key of its domain cannot be read") from None
    return (_ed25519(octets) if kind == "ed25519" else _rsa(octets)), "y" in flags


def _rsa(octets: bytes) -> _Verifier:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(octets)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _Refused(Outcome.UNUSABLE, "the key of its domain cannot be read") from None
    if not isinstance(key, RSAPublicKey) or key.key_size > MAX_BITS:
        raise _Refused(Outcome.UNUSABLE, "the key of its domain cannot be read")
    if key.key_size < 1024:
        raise _Refused(Outcome.WEAK, f"its key has only {key.key_size} bits and can be forged")

    def verify(signed: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            return False
        return True

    return verify


def _ed25519(octets: bytes) -> _Verifier:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(octets)
    except ValueError:
        raise _Refused(Outcome.UNUSABLE, "the key of its domain cannot be read") from None

    def verify(signed: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, hashlib.sha256(signed).digest())  # RFC 8463 s.3
        except InvalidSignature:
            return False
        return True

    return verify


# --- chains (RFC 8617) -----------------------------------------------------------------------------------------------

_ARC: Final = ("arc-authentication-results", "arc-message-signature", "arc-seal")
_INSTANCE = re.compile(rb"[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*(\d{1,2})[ \t\r\n]*(?:;|\Z)")
_Set = dict[str, list[_Field]]


def _sets(message: _Message) -> tuple[dict[int, _Set], bool]:
    """(the sets by instance, whether every field has a readable one)"""
    sets: dict[int, _Set] = {}
    sound = True
    for field in message.fields:
        if field.name in _ARC:
            number = _instance(field)
            if not number:
                sound = False
            else:
                sets.setdefault(number, {}).setdefault(field.name, []).append(field)
    return dict(sorted(sets.items())), sound


def _instance(field: _Field) -> int:
    if field.name == "arc-authentication-results":
        match = _INSTANCE.match(field.raw.partition(b":")[2])
        text = match[1].decode() if match else ""
    else:
        text = (_tags_of(field) or {}).get("i", "")
    return int(text) if text.isdecimal() and 1 <= int(text[:3]) <= 50 and len(text) <= 2 else 0


def _chain(message: _Message, answers: Answers, now: int) -> tuple[str, list[Signature]]:
    """(what the chain comes to, its seals oldest first): RFC 8617 s.5.2."""
    sets, sound = _sets(message)
    if not sets:
        return ("fail" if not sound else ""), []
    newest = max(sets)
    whole = sound and list(sets) == list(range(1, newest + 1))
    if not whole or any(
        sorted(one) != list(_ARC) or any(len(many) != 1 for many in one.values()) for one in sets.values()
    ):
        return "fail", []
    seals = [(number, one["arc-seal"][0]) for number, one in sets.items()]
    if newest > MAX_SETS:
        return "too long", []
    values = [(_tags_of(field) or {}).get("cv", "").lower() for _, field in seals]
    if values != ["none", *["pass"] * (newest - 1)]:
        return "fail", []
    last = _checked("arc", sets[newest]["arc-message-signature"][0], message, answers, now)
    found = [_seal(number, field, sets, answers) for number, field in seals]
    outcomes = {one.outcome for one in (last, *found)}
    if outcomes == {Outcome.HOLDS}:
        return "pass", found
    return ("unknown" if outcomes <= {Outcome.HOLDS, Outcome.UNKNOWN} else "fail"), found


def _seal(number: int, field: _Field, sets: Mapping[int, _Set], answers: Answers) -> Signature:
    """One seal: over all sets up to its own, in the relaxed form, its own without ``b=`` (RFC 8617 s.5.1.1)."""
    tags = _tags_of(field) or {}
    domain, selector, algorithm = (tags.get(one, "").lower()[:253] for one in ("d", "s", "a"))
    try:
        if any(not tags.get(one) for one in ("a", "b", "d", "s", "cv")) or "h" in tags or not _record_name(tags):
            raise _Refused(Outcome.UNUSABLE, "it is incomplete")
        if tags["a"].lower() not in _ALGORITHMS:
            raise _Refused(Outcome.WEAK, "its method can be forged")
        key, testing = _key(tags, answers)
        signed = b""
        for instance in range(1, number + 1):
            for name in _ARC:
                one = sets[instance][name][0]
                signed += _canonical(_without_b(one) if one is field else one, relaxed=True)
        if not key(signed.removesuffix(b"\r\n"), _base64(tags["b"])):
            raise _Refused(Outcome.BROKEN, "the chain is not the one that was sealed")
    except _Refused as refused:
        return Signature("arc", domain, selector, algorithm, refused.outcome, refused.why)
    return Signature("arc", domain, selector, algorithm, Outcome.HOLDS, testing=testing)
