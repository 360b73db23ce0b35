"""Commands that read one message: show, inspect, save."""

import argparse
import re
from dataclasses import replace
from pathlib import Path

from mua.cli.documents import date_json, report_document, view_document
from mua.cli.session import Result, Session, file_bytes, files_at_the_edge
from mua.errors import Kind, MailError, Retry
from mua.masking import ACTING
from mua.mime.message import part_bytes
from mua.mime.report import report
from mua.mime.view import view
from mua.model.address import Address
from mua.model.message import MessageView, flag_names
from mua.model.report import Report
from mua.paths import write_new
from mua.store import rules


def show(session: Session) -> Result:
    """``show ID``."""
    row = session.message(session.arguments.id)
    shown, did = _shown(session.arguments, session.raw(row), flag_names(row.flags, row.keywords)), ""
    if shown.document is not None:
        did = rules.said(session.db, row.id)
        shown = replace(shown, document={**shown.document, "rules": did})
    plain = not (session.arguments.text or session.arguments.html)
    return replace(shown, text=f"{did}\n{shown.text}") if did and plain else shown


def inspect(session: Session) -> Result:
    """``inspect FILE.eml``."""
    return _shown(session.arguments, file_bytes(session.arguments.file), [])


def _reference(found: re.Match[str]) -> str:
    """A bidi control as a browser reads it and a terminal does not; the others, which HTML may not hold, go."""
    return f"&#{ord(found[0])};" if found[0] > "\x9f" else ""


def _shown(arguments: argparse.Namespace, raw: bytes, flags: list[str]) -> Result:
    if arguments.raw:
        return Result(None, raw=raw)
    shown, reported = view(raw), report(raw)
    text = shown.text if arguments.text else _readable(shown, reported)
    if arguments.html:
        text = ACTING.sub(_reference, shown.html)
    return Result({**view_document(shown, flags), "report": report_document(reported)}, text)


def _readable(shown: MessageView, reported: Report | None) -> str:
    head = [f"From: {_list(shown.sender)}", f"To: {_list(shown.to)}"]
    head += [f"Cc: {_list(shown.cc)}"] if shown.cc else []
    head += [f"Date: {date_json(shown.date) or '?'}", f"Subject: {shown.subject}"]
    head += [f"Attachment {one.part}: {one.name} ({one.type}, {one.size} octets)" for one in shown.attachments]
    head += [f"{'Warning' if one.grave else 'Note'}: {one.text}" for one in shown.notes]
    head += [f"Warning: {one}" for one in shown.warnings]
    head += [f"Note: {one}" for one in shown.nature]
    head += [line for one in shown.events for line in one.lines()]
    for one in reported.recipients if reported else ():
        head.append(f"Reported: {one.address} {one.action}" + (f" ({one.status})" if one.status else ""))
    return "\n".join(head) + "\n\n" + shown.text


def _list(people: tuple[Address, ...]) -> str:
    return ", ".join(map(str, people))


def save(session: Session) -> Result:
    """``save ID PART DIR``: never over an existing file."""
    row = session.message(session.arguments.id)
    try:
        attached, data = part_bytes(session.raw(row), session.arguments.part)
    except KeyError:
        text = f"The message has no part {session.arguments.part}."
        raise MailError(Kind.MESSAGE, Retry.ASK, text, code="no-such-part") from None
    folder = Path(session.arguments.folder)
    with files_at_the_edge():
        folder.mkdir(parents=True, exist_ok=True)
        path = write_new(folder, attached.name or f"part-{attached.part}", data)
    return Result({"path": str(path), "name": path.name, "size": len(data)}, f"Saved {path}")


COMMANDS = {"show": show, "inspect": inspect, "save": save}
