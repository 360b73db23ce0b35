"""Bounces and receipts: a received message -> what it reports about one that we sent.

Theory of operation.  A report that follows a format (RFC 3464 and 6533 for deliveries, RFC 8098 for receipts) has a
part of fields, in groups between empty lines: the first about the message, each following one about a recipient.  What
does not follow one is taken for a bounce when its sender is a mail system, and read by its looks: the addresses that
stand in the notice, before the returned copy begins.

Rules of the file: nothing raises; nothing here is believed.  Reports can be forged, so they only ever annotate, and who
matches them to sent mail (``engine.reports``) asks for our envelope id or Message-ID and for a recipient of ours.
"""

import re
from collections.abc import Iterator
from typing import Final

from mua.mime.headers import addresses, date, message_ids
from mua.mime.scan import Field, Part, decode, scan, split_fields, text
from mua.mime.text import html_to_text, neutralise
from mua.mime.words import decode_words
from mua.model.report import Action, Report, Reported

MAX_NOTICE: Final = 64 * 1024  # characters of a notice, octets of a part of fields
MAX_RECIPIENTS: Final = 1000
MAX_TEXT: Final = 2000

_STATUS_TYPES: Final = ("message/delivery-status", "message/global-delivery-status")
_RECEIPT_TYPES: Final = ("message/disposition-notification", "message/global-disposition-notification")
_RETURNED_TYPES: Final = (
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
)
_DISPOSITIONS: Final = {
    "displayed": Action.DISPLAYED,
    "deleted": Action.DELETED,
    "processed": Action.PROCESSED,
    "dispatched": Action.PROCESSED,
    "failed": Action.FAILED,
    "denied": Action.PROCESSED,
}
_EMPTY_LINES = re.compile(rb"\n[ \t]*\n+")
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_CODE = re.compile(r"(?<![\d.])([45])([0-5])\d(?=[ -])")
_XTEXT = re.compile(r"\+([0-9A-F]{2})")
_UNITEXT = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_ADDRESS = re.compile(r"[\w!#$%&'*+/=?^`{|}~.-]{1,64}@[\w-]+(?:\.[\w-]+)*", re.ASCII)
_X400 = re.compile(r"(?i)^.*\b(?:smtp|rfc822)=")  # how an old Exchange writes an address
_SYSTEM = re.compile(r"(?i)^(?:mailer.?daemon|post_?master|mail.?(?:delivery|system|admin)|mdaemon|bounce|majordomo)")
_SYSTEM_NAME = re.compile(r"(?i)\b(?:mail (?:delivery|administrator|system)|mailer.?daemon|postmaster)\b")
_SYSTEM_SENDER = re.compile(rb"(?i)daemon|post_?master|mail.?(?:delivery|system|admin)|bounce|<>")
_FAILURE_SUBJECT = re.compile(
    r"(?i)undeliver|not deliver|non.?deliver|returned mail|delivery (?:status|fail|notif|problem|error|report|has)|"
    r"failure notice|mail (?:error|could not)|(?:mail|message) (?:failure|delivery)|delayed mail|rejected mail|"
    r"warning: could not send|error sending"
)
_STRONG = re.compile(
    rf"^[ \t>*\"'.-]*(?:(?:address|recipient|original-recipient|final-recipient|user)\s*:\s*(?:rfc822;\s*)?)?"
    rf"<?({_ADDRESS.pattern})>?(?=[ \t:;,.)\"'>]*$|[ \t]*[:;,(|-]|[ \t]*\.\.\.|>|[ \t]+on\s)",
    re.IGNORECASE | re.MULTILINE | re.ASCII,
)
_NOT_THEM = re.compile(
    r"(?i)^\s*to:|mail from|\bfrom[: <]|\bsender|mailto:|contact|assist|\bhelp|abuse@|report(?:ed)? to|sent by"
)
_COPY_BEGINS = re.compile(
    r"(?im)^(?:[ \t>*=_-]*(?:.{0,30}\b(?:copy of (?:the|your|this)|original (?:message|mail)|unsent message|"
    r"headers? (?:of|follow)|message (?:headers?|follows|is as follows)|returned message|below this line|"
    r"transcript of session)\b.{0,80})|"
    r"(?:return-path|received|message-id|x-[a-z-]+):.*)$"
)
_DELAYED = re.compile(
    r"(?i)\bdelay|warning|still (?:trying|being)|will (?:be retried|keep trying|continue|try again)|not yet been|"
    r"temporar|no action is required|delivery attempts will"
)
_GIVEN_UP = re.compile(r"(?i)permanent|given up|giving up|fatal error|could not be delivered|undeliverable|failed")
_RETURNED_ID = re.compile(r"(?im)^[ \t>]*message-id:\s*(<[^<>\s]{1,998}>)")


def may_report(root: Part) -> bool:
    """Is it worth asking ``report``?  A glance, made at every message that arrives."""
    if root.type == "multipart/report" or root.field("x-failed-recipients") is not None:
        return True
    return _SYSTEM_SENDER.search(root.field("from") or b"") is not None


def report(raw: bytes, root: Part | None = None) -> Report | None:
    """What ``raw`` (``root`` is its scan, if there is one) reports about another message; None: nothing.

    Never raises; linear in the size of the message.
    """
    root = root or scan(raw)
    parts = list(_own_parts(root))
    receipt = next((one for one in parts if one.type in _RECEIPT_TYPES), None)
    if receipt is not None:
        return _receipt(raw, receipt, parts)
    found = next((one for one in parts if one.type in _STATUS_TYPES), None)
    if found is not None and (delivered := _delivery(raw, found, parts)) is not None:
        return delivered
    return _unformatted(raw, root, parts) if found is not None or _is_system(root) else None


def _own_parts(root: Part) -> Iterator[Part]:
    """The parts of this message, not those of a message inside it: what was forwarded is no report to us."""
    stack = [root]
    while stack:
        part = stack.pop()
        yield part
        if part.type not in _RETURNED_TYPES:
            stack.extend(reversed(part.children))


# --- reports that follow a format ------------------------------------------------------------------------------------


def _groups(raw: bytes, part: Part) -> list[dict[str, str]]:
    """The groups of fields of a report part; of equal fields the first counts."""
    body = decode(raw, part)[:MAX_NOTICE].replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n \t")
    groups = [split_fields(block + b"\n")[0] for block in _EMPTY_LINES.split(body)]
    return [_texts(fields) for fields in groups if fields]


def _texts(fields: list[Field]) -> dict[str, str]:
    return {name: " ".join(decode_words(value).split()) for name, value in reversed(fields)}


def _delivery(raw: bytes, part: Part, parts: list[Part]) -> Report | None:
    groups = _groups(raw, part)
    about = [one for one in groups if _names_someone(one)]  # some join the first two groups, some split one
    recipients = [_recipient(one) for one in about[:MAX_RECIPIENTS]]
    if not recipients:
        return None
    first = groups[0]
    return Report(tuple(recipients), _unquoted(first.get("original-envelope-id", "")), _returned_id(raw, parts))


def _names_someone(group: dict[str, str]) -> bool:
    return any(group.get(name) for name in ("final-recipient", "original-recipient", "x-actual-recipient"))


def _recipient(group: dict[str, str]) -> Reported:
    original, final = _typed(group.get("original-recipient", "")), _typed(group.get("final-recipient", ""))
    final = final or _typed(group.get("x-actual-recipient", ""))
    said = _STATUS.search(group.get("status", ""))
    words = _words(group.get("diagnostic-code", ""))
    status = said[1] if said else _status(words)
    until = date(group["will-retry-until"].encode()) if group.get("will-retry-until") else None
    remote = neutralise(_after_type(group.get("remote-mta", "")))[:255]
    return Reported(original or final, _action(group.get("action", ""), status), status, words, final, remote, until)


def _action(word: str, status: str) -> Action:
    word = word.split(" ")[0].lower()
    if word in ("failed", "delayed", "delivered", "relayed", "expanded"):
        return Action(word)
    return {"2": Action.DELIVERED, "4": Action.DELAYED}.get(status[:1], Action.FAILED)


def _receipt(raw: bytes, part: Part, parts: list[Part]) -> Report | None:
    """RFC 8098: one group of fields about one recipient."""
    groups = _groups(raw, part)
    fields = {name: value for group in reversed(groups) for name, value in group.items()}
    word = fields.get("disposition", "").rpartition(";")[2].strip().lower()
    action = next((made for name, made in _DISPOSITIONS.items() if word.startswith(name)), None)
    if action is None:
        return None
    original, final = _typed(fields.get("original-recipient", "")), _typed(fields.get("final-recipient", ""))
    about = message_ids(fields.get("original-message-id", "").encode())
    told = Reported(original or final, action, final=final)
    return Report(
        (told,), _unquoted(fields.get("original-envelope-id", "")), about[0] if about else _returned_id(raw, parts)
    )


def _returned_id(raw: bytes, parts: list[Part]) -> str:
    """The Message-ID of the returned message or of its header; empty: not there."""
    returned = next((one for one in parts if one.type in _RETURNED_TYPES), None)
    if returned is None:
        return ""
    if returned.children:
        value = returned.children[0].field("message-id")
    else:
        value = dict(reversed(split_fields(decode(raw, returned)[:MAX_NOTICE].lstrip())[0])).get("message-id")
    found = message_ids(value or b"")
    return found[0] if found else ""


def _typed(value: str) -> str:
    """The address of ``type; address`` (RFC 3464 s.2.3.2, RFC 6533 s.3), without angle brackets and escapes."""
    kind, semicolon, address = value.partition(";")
    address = (address if semicolon else kind).strip()
    if "<" in address:
        address = address.partition("<")[2].partition(">")[0]
    if kind.strip().lower() == "utf-8":
        address = _UNITEXT.sub(lambda match: chr(min(int(match[1], 16), 0x10FFFF)), address)
    return neutralise(_unquoted(address))[:320]


def _unquoted(value: str) -> str:
    """Xtext undone (RFC 3461 s.4); a plus that is no escape stays: ``ann+lists@`` is an address."""
    return _XTEXT.sub(lambda match: chr(int(match[1], 16)) if "!" <= chr(int(match[1], 16)) <= "~" else match[0], value)


def _after_type(value: str) -> str:
    return value.partition(";")[2].strip() if ";" in value else value


def _words(value: str) -> str:
    return neutralise(_after_type(value))[:MAX_TEXT]


def _status(words: str) -> str:
    """The enhanced code in a server's words; from the basic code only its class and "other" (RFC 3463 s.3.1)."""
    said = _STATUS.search(words)
    if said:
        return said[1]
    code = _CODE.search(words)
    return f"{code[1]}.0.0" if code else ""


# --- bounces that follow none ----------------------------------------------------------------------------------------


def _is_system(root: Part) -> bool:
    """Does a mail system speak?  An answer of a person or of a holiday notice has a person's address."""
    sender = addresses(root.field("from") or b"")
    if root.field("x-failed-recipients"):
        return True
    if any(_SYSTEM.match(one.address) or _SYSTEM_NAME.search(one.name) for one in sender):
        return True
    empty_path = (root.field("return-path") or b"?").strip() == b"<>" or not any("@" in one.address for one in sender)
    subject = decode_words(root.field("subject") or b"")
    replies = b"auto-replied" in (root.field("auto-submitted") or b"").lower() and not empty_path
    return bool(_FAILURE_SUBJECT.search(subject)) and not replies


def _unformatted(raw: bytes, root: Part, parts: list[Part]) -> Report | None:
    notice = _notice(raw, parts)
    before_copy = notice[: _copy_start(notice)]
    failed = addresses(root.field("x-failed-recipients") or b"")
    found = [one.address for one in failed if one.address] or _named(before_copy, root) or _named(notice, root)
    returned = _RETURNED_ID.search(notice)
    message_id = _returned_id(raw, parts) or (returned[1][1:-1] if returned else "")
    subject = decode_words(root.field("subject") or b"")
    action = _looks(subject, before_copy)
    lowered, general = before_copy.lower(), _status(before_copy)
    told = []
    for one in found[:MAX_RECIPIENTS]:
        status, words = _about(before_copy, lowered, one)
        told.append(Reported(neutralise(one), action, status or general, words))
    if not told and not message_id:
        return None
    return Report(tuple(told), "", message_id, standard=False)


def _notice(raw: bytes, parts: list[Part]) -> str:
    """What the mail system wrote: its first text, HTML where there is no other."""
    for kind, read in (("text/plain", str), ("text/html", html_to_text)):
        part = next((one for one in parts if one.type == kind and not one.children), None)
        if part is not None and (words := read(text(raw, part)[:MAX_NOTICE])).strip():
            return words
    return raw.decode("latin-1")[:MAX_NOTICE] if len(parts) == 1 else ""


def _copy_start(notice: str) -> int:
    """Where the returned copy begins, behind the first address (some notices speak of the copy first)."""
    first = _ADDRESS.search(notice)
    found = _COPY_BEGINS.search(notice, first.end()) if first else None
    return found.start() if found else len(notice)


def _named(notice: str, root: Part) -> list[str]:
    """Whom a notice speaks of: the addresses that begin a line, else those in a line about nobody else, else any."""
    own = {
        one.address.lower()
        for name in ("from", "to", "sender", "reply-to")
        for one in addresses(root.field(name) or b"")
    }
    strong = [match[1] for match in _STRONG.finditer(notice) if not _NOT_THEM.search(match[0])]
    lines = [line for line in notice.split("\n") if not _NOT_THEM.search(line)]
    plain = [one for line in lines for one in _ADDRESS.findall(line)]
    for candidates in (strong, plain, _ADDRESS.findall(notice)):
        trimmed = [_X400.sub("", one).strip(".'") for one in candidates]
        named = {one.lower(): one for one in reversed(trimmed)}
        kept = [one for key, one in named.items() if key not in own and not _SYSTEM.match(key)]
        if kept:
            return kept[::-1]
    return []


def _looks(subject: str, notice: str) -> Action:
    if _DELAYED.search(subject) or (_DELAYED.search(notice) and not _GIVEN_UP.search(subject + notice)):
        return Action.DELAYED
    return Action.FAILED


def _about(notice: str, lowered: str, address: str) -> tuple[str, str]:
    """(enhanced code, words) that a notice gives for one address: its line and what follows, to the second gap."""
    start = lowered.find(address.lower())
    if start < 0:
        return "", ""
    words = " ".join(" ".join(notice[start : start + MAX_TEXT].split("\n\n")[:2]).split())
    return _status(words), neutralise(words)
