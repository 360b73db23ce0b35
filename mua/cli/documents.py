"""The JSON documents of the command line: what scripts rely on.  Keys may be added, never renamed.

Dates are RFC 3339 in UTC, ids opaque strings, flags by their IMAP names, addresses ``{"name", "address"}``.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mua.jsonable import to_json
from mua.masking import visible
from mua.model.account import FOR_EVER, WHEN_ASKED, Account, Incoming, Server
from mua.model.address import Address
from mua.model.folder import Folder
from mua.model.message import MessageRow, MessageView, flag_names
from mua.model.outgoing import Outgoing, Recipient, Step
from mua.model.outlook import Outlook
from mua.model.policy import Policy
from mua.model.report import Report, Reported

if TYPE_CHECKING:
    from mua.model.diagnosis import Diagnosis
    from mua.model.records import DnsRecord
    from mua.wire import DkimTold

Document = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def account_document(account: Account) -> Document:
    """One entry of ``account list``."""
    return {
        "id": str(account.id),
        "name": account.name,
        "email": account.email,
        "full_name": account.full_name,
        "incoming": account.incoming,
        "incoming_server": _server(account.incoming_server),
        "route": account.route,
        "submission": _server(account.submission),
        "policy": str(account.policy),
        "colour": account.habits.colour or None,
        "paused": account.habits.paused,
        "every_minutes": account.habits.minutes if account.habits.minutes > 0 else None,
        "only_when_asked": account.habits.minutes == WHEN_ASKED,
        "oauth": account.oauth.name if account.oauth else None,
        "pop3": _pop(account) if account.incoming is Incoming.POP3 else None,
    }


def _pop(account: Account) -> Document:
    days = account.pop.keep_days
    return {
        "keep_days": None if days == FOR_EVER else days,
        "delete_when_deleted": account.pop.delete_with_ours,
        "inbox_of": str(account.pop.inbox_of) if account.pop.inbox_of else None,
    }


def _server(server: Server | None) -> Document | None:
    if server is None:
        return None
    return {"host": server.host, "port": server.port, "security": server.security, "user": server.user}


def folder_document(folder: Folder, account: str, policy: Policy) -> Document:
    """One entry of ``folders``; ``not_here``: how many of its messages the policy leaves on the server.

    ``space``: "others" or "shared" where the folder is not the account's own, and then its ``owner``.
    """
    return {
        "account": account,
        "name": folder.name,
        "role": folder.role,
        "unread": folder.unread,
        "total": folder.total,
        "id": str(folder.id),
        "problem": folder.problem,
        "policy": str(policy),
        "on_server": folder.state.on_server,
        "octets_on_server": folder.octets if folder.octets >= 0 else None,
        "not_here": folder.state.left_there,
        "with_body": folder.with_body,
        "space": folder.space,
        "owner": folder.owner or None,
    }


def message_document(row: MessageRow, account: str, folder: str) -> Document:
    """One entry of ``list`` and ``search``."""
    return {
        "id": str(row.id),
        "uid": row.uid,
        "account": account,
        "folder": folder,
        "from": address_json(row.sender),
        "to": address_json(row.to),
        "subject": row.subject,
        "date": date_json(row.date),
        "flags": flag_names(row.flags, row.keywords),
        "size": row.size,
        "has_attachments": row.has_attachments,
        "thread_id": str(row.thread_id),
        "message_id": row.message_id,
        "snippet": row.snippet,
        "problem": row.problem,
    }


def view_document(shown: MessageView, flags: Iterable[str] = ()) -> Document:
    """The document of ``show --json`` and ``inspect``; ``flags`` by their IMAP names."""
    return {
        "from": address_json(shown.sender),
        "to": address_json(shown.to),
        "cc": address_json(shown.cc),
        "bcc": address_json(shown.bcc),
        "reply_to": address_json(shown.reply_to),
        "subject": shown.subject,
        "date": date_json(shown.date),
        "message_id": shown.message_id,
        "text": shown.text,
        "html": shown.html,
        "attachments": [
            {
                "part": one.part,
                "name": one.name,
                "type": one.type,
                "size": one.size,
                "content_id": one.content_id,
                "inline": one.inline,
            }
            for one in shown.attachments
        ],
        "flags": list(flags),
        "warnings": [one.text for one in shown.notes if one.grave] + list(shown.warnings),
        "notes": [{"kind": one.kind, "text": one.text, "grave": one.grave} for one in shown.notes],
        "nature": list(shown.nature),
        "events": [to_json(one) for one in shown.events],
        "remote": shown.remote,
    }


def outgoing_document(outgoing: Outgoing) -> Document:
    """``send`` and ``compose``, and one entry of ``outbox``."""
    return {
        "id": str(outgoing.id),
        "message_id": outgoing.message_id,
        "subject": outgoing.subject,
        "size": outgoing.size,
        "recipients": [_recipient(one) for one in outgoing.recipients],
        "queued_at": date_json(outgoing.queued_at),
        "not_before": date_json(outgoing.not_before),
        "scheduled": outgoing.scheduled,
        "require_tls": outgoing.terms.require_tls,
        "deliver_by": date_json(outgoing.terms.deliver_by),
        "direct": outgoing.direct,
        "sent_copy": outgoing.sent_copy,
    }


def timeline_document(
    outgoing: Outgoing,
    steps: dict[str, list[Step]],
    news: dict[str, list[Reported]],
    dialogues: dict[int, str],
) -> Document:
    """``timeline``: as ``outbox`` says it, with each attempt, what was said in it, and what came back."""
    document = outgoing_document(outgoing)
    for one in document["recipients"]:
        one["steps"] = [_step(step, dialogues[step.dialogue]) for step in steps[one["address"]]]
        one["reports"] = [{**_reported(told), "at": date_json(told.at)} for told in news[one["address"]]]
    return document


def _step(step: Step, dialogue: str) -> Document:
    was = step.was
    return {
        "at": date_json(step.at),
        "state": was.state,
        "phase": was.phase,
        "host": was.host,
        "tls": was.tls,
        "code": was.code,
        "text": was.text,
        "dialogue": dialogue.split("\n") if dialogue else [],
    }


def _recipient(one: Recipient) -> Document:
    from mua.mime.status import explain

    return {
        "address": one.address,
        "state": one.state,
        "phase": one.phase,
        "code": one.code,
        "text": one.text,
        "meaning": explain(one.code, one.text) if one.code is not None else "",
        "next_attempt": date_json(one.next_attempt),
        "attempts": one.attempts,
        "host": one.host,
        "tls": one.tls,
        "gone": one.gone,
        "unmet": one.unmet,
        "reported": _reported(one.reported) if one.reported else None,
    }


def address_json(addresses: Iterable[Address]) -> list[dict[str, str]]:
    """Addresses as ``{"name", "address"}``."""
    return [{"name": one.name, "address": one.address} for one in addresses]


def date_json(seconds: int | None) -> str | None:
    """UTC seconds as RFC 3339 (``2026-11-22T02:00:00Z``); None for none, and for what no calendar holds."""
    if seconds is None:
        return None
    try:
        return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        return None


def report_document(report: Report | None) -> Document | None:
    """``report`` of ``show`` and ``inspect``: what a bounce or receipt says of a message that was sent; or null."""
    if report is None:
        return None
    return {
        "envid": report.envid,
        "message_id": report.message_id,
        "standard": report.standard,
        "recipients": [_reported(one) for one in report.recipients],
    }


def _reported(one: Reported) -> Document:
    return {
        "address": one.address,
        "action": one.action,
        "status": one.status,
        "text": one.text,
        "final": one.final,
        "remote": one.remote,
        "until": date_json(one.until),
    }


def outlook_document(address: str, one: Outlook, trouble: str) -> Document:
    """One entry of ``preflight``; null where nothing is known."""
    return {
        "address": address,
        "domain": one.domain,
        "problem": trouble,
        "final": one.final,
        "protection": one.seal or None,
        "size": one.size or None,
        "utf8": one.utf8,
    }


def table(rows: Iterable[Iterable[object]]) -> str:
    """Rows as aligned columns, for people; a cell is one line, whatever a mail or a server put into it."""
    cells = [[visible(" ".join(str(cell).splitlines())) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)] if cells else []
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join(lines)


def dkim_document(told: "DkimTold") -> Document:
    """What ``dkim`` says; ``state`` is "found", "not seen", "missing", "other" or "unknown"."""
    return {"domain": told.domain, "records": list(map(record_document, told.records))}


def record_document(one: "DnsRecord") -> Document:
    """A TXT record to publish; ``line`` is the whole as a zone file has it."""
    return {"what": one.what, "name": one.name, "value": one.value, "line": one.line, "state": one.state}


def diagnosis_document(found: "Diagnosis") -> Document:
    """What ``doctor`` says; ``reach``: "anyone", "near" or "relay"; ``grade``: "good", "doubtful", "bad", "unknown"."""
    return {
        "domain": found.domain,
        "reach": found.reach,
        "text": found.text,
        "symptoms": [
            {"what": one.what, "grade": one.grade, "text": one.text, "detail": one.detail} for one in found.symptoms
        ],
        "records": list(map(record_document, found.records)),
        "relay": str(found.relay) if found.relay else None,
    }
