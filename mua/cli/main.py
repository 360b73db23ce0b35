"""Carrying out the command line: read the store, ask the engine, print.

Rules of the file: a command returns its document and its text for people; printing and exit codes are ``run``'s
business (0 done, 1 failed with a plain reason, 2 used wrongly).  The engine is started only by a command that needs it.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mua import log, wire
from mua.cli import setup
from mua.cli.arguments import parser
from mua.cli.client import EngineClient, StartEngine
from mua.cli.documents import (
    Document,
    account_document,
    folder_document,
    message_document,
    outgoing_document,
    table,
)
from mua.errors import Kind, MailError, Retry, UsageError
from mua.mime import mbox
from mua.mime.headers import addresses
from mua.mime.message import part_bytes
from mua.mime.view import date_json, view, view_json
from mua.model.account import Account
from mua.model.address import Address
from mua.model.folder import Folder, FolderId
from mua.model.message import Flag, MessageId, MessageRow, MessageView, flag_names
from mua.model.outgoing import Draft, DraftAttachment, Outgoing, OutgoingId, RecipientState
from mua.paths import Profile
from mua.plan.search import parse
from mua.store import index, outbox, read
from mua.store.blobs import Bodies
from mua.store.db import Db

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Result:
    """What a command says: a document for scripts, a text for people, raw bytes where those were asked for."""

    document: Any
    text: str = ""
    raw: bytes | None = None
    failed: str = ""


class Session:
    """One command being carried out: the profile, the arguments, and (only when needed) store and engine."""

    def __init__(self, arguments: argparse.Namespace, profile: Profile, start_engine: StartEngine) -> None:
        self.arguments = arguments
        self.profile = profile
        self._start_engine = start_engine
        self._engine: EngineClient | None = None
        self._db: Db | None = None

    @property
    def engine(self) -> EngineClient:
        """The running engine, started when there is none."""
        if self._engine is None:
            self.profile.create()
            self._engine = EngineClient(self.profile, self._start_engine)
        return self._engine

    @property
    def db(self) -> Db:
        """The store, read-only; the engine makes it, or brings it up to date, first."""
        if self._db is None:
            try:
                self._db = index.open_search(self.profile)
            except MailError as error:
                if error.code not in ("store-missing", "store-version"):
                    raise
                _ = self.engine
                self._db = index.open_search(self.profile)
        return self._db

    def close(self) -> None:
        """Leave the engine and the store."""
        if self._engine is not None:
            self._engine.close()
        if self._db is not None:
            self._db.close()

    # ---- names
    def account(self, name: str | None = None) -> Account:
        """The account of this name, or the one that --account says, or the only one."""
        wanted = name or self.arguments.account
        if wanted:
            found = read.account_named(self.db, wanted)
            if found is None:
                raise MailError(Kind.ACCOUNT, Retry.ASK, f"There is no account “{wanted}”.", code="no-such-account")
            return found
        known = read.accounts(self.db)
        if len(known) != 1:
            raise UsageError("say which account with --account N" if known else "there is no account yet")
        return known[0]

    def accounts(self) -> list[Account]:
        """The chosen account, or all."""
        return [self.account()] if self.arguments.account else read.accounts(self.db)

    def folder(self, name: str) -> Folder:
        """The folder of this name in the chosen account, or in the first that has one."""
        for account in self.accounts():
            found = read.folder_named(self.db, account.id, name)
            if found is not None:
                return found
        raise MailError(Kind.FOLDER, Retry.ASK, f"There is no folder “{name}”.", code="no-such-folder")

    def message(self, text: str) -> MessageRow:
        """The message with this id."""
        row = read.row(self.db, MessageId(int(text))) if text.isdecimal() and len(text) < 19 else None
        if row is None:
            raise MailError(Kind.MESSAGE, Retry.ASK, f"There is no message {text}.", code="no-such-message")
        return row

    def raw(self, row: MessageRow) -> bytes:
        """The message as received; fetched now when it is not here yet."""
        for fetch in (False, True):
            if fetch:
                self.engine.ask(wire.OpenMessage(row.id), wire.Done)
            elif not self.profile.body_db.exists():
                continue
            bodies = Bodies(self.profile, readonly=True)
            raw = bodies.get(row.id)
            bodies.close()
            if raw is not None:
                return raw
        raise MailError(Kind.MESSAGE, Retry.SOON, "This message is not on this computer yet.", code="no-body")


# ---- accounts -----------------------------------------------------------------------------------------------------
def account(session: Session) -> Result:
    """``account add|list|remove|check``."""
    verbs = {"add": _account_add, "list": _account_list, "remove": _account_remove, "check": _account_check}
    return verbs[session.arguments.verb](session)


def _account_add(session: Session) -> Result:
    given = setup.account(session.arguments)
    password = sys.stdin.readline().rstrip("\r\n") if session.arguments.password_stdin else ""
    log.mask(password)
    if session.arguments.discover:
        found = session.engine.ask(wire.Discover(given.email, given.ca_file), wire.Discovered)
        given = setup.with_servers(given, found)
    added = session.engine.ask(wire.AddAccount(given, password), wire.AccountAdded)
    stored = read.account_named(session.db, given.name) or given
    return Result(account_document(stored) | {"id": str(added.account_id)}, f"Added “{given.name}”.")


def _account_list(session: Session) -> Result:
    if not session.profile.cache_db.exists():
        return Result([], "No account yet.")
    known = session.accounts()
    lines = [(one.name, one.email, one.incoming, one.route) for one in known]
    return Result([account_document(one) for one in known], table(lines) or "No account yet.")


def _account_remove(session: Session) -> Result:
    found = session.account(session.arguments.name)
    session.engine.ask(wire.RemoveAccount(found.id), wire.Done)
    return Result({"removed": found.name}, f"Removed “{found.name}” from this computer; its servers were not touched.")


def _account_check(session: Session) -> Result:
    found = session.account(session.arguments.name)
    findings = session.engine.ask(wire.CheckAccount(found.id), wire.Checked).findings
    documents = [
        {"what": one.what, "ok": one.ok, "code": one.code, "text": one.text, "detail": one.detail} for one in findings
    ]
    text = "\n".join(f"{'ok' if one.ok else 'NO':3} {one.what}: {one.text}" for one in findings)
    wrong = [one for one in findings if not one.ok]
    return Result({"ok": not wrong, "findings": documents}, text, failed=wrong[0].text if wrong else "")


# ---- reading ------------------------------------------------------------------------------------------------------
def sync(session: Session) -> Result:
    """``sync``: pull, push, send what is due; then what each folder holds."""
    chosen = session.account().id if session.arguments.account else None
    done = session.engine.ask(wire.Sync(chosen, session.arguments.until_complete), wire.Synced)
    stored = read.in_store(session.db, index.index_mark(session.db))
    documents = []
    for one in session.accounts():
        for folder in read.folders(session.db, one.id):
            here, bodies, indexed = stored.get(folder.id, (0, 0, 0))
            documents.append(
                {
                    "account": one.name,
                    "folder": folder.name,
                    "on_server": folder.state.on_server,
                    "in_store": here,
                    "with_body": bodies,
                    "indexed": indexed,
                }
            )
    if done.problems:
        document = {"error": {"code": done.codes[0], "text": done.problems[0]}, "folders": documents}
        return Result(document, failed=" ".join(done.problems))
    lines = [("folder", "on server", "here", "bodies", "indexed")]
    lines += [tuple(str(value) for value in list(one.values())[1:]) for one in documents]  # type: ignore[misc]
    return Result(documents, table(lines))


def folders(session: Session) -> Result:
    """``folders``."""
    found = [(one.name, folder) for one in session.accounts() for folder in read.folders(session.db, one.id)]
    lines = [(name, folder.name, folder.role, folder.unread, folder.total) for name, folder in found]
    return Result([folder_document(folder, name) for name, folder in found], table(lines))


def listing(session: Session) -> Result:
    """``list FOLDER``."""
    ids = read.folder_order(session.db, session.folder(session.arguments.folder).id)
    return _messages(session, list(ids[: session.arguments.limit]))


def search(session: Session) -> Result:
    """``search QUERY``."""
    query = parse(" ".join(session.arguments.query), int(time.time()))
    found = index.find(session.db, query, max(session.arguments.limit, 0))
    rows = _messages(session, found)
    if not session.arguments.account:
        return rows
    chosen = session.account().name
    return Result([one for one in rows.document if one["account"] == chosen], rows.text)


def _messages(session: Session, ids: list[int]) -> Result:
    names = {one.id: one.name for one in read.accounts(session.db)}
    where = {folder.id: folder.name for folder in read.folders(session.db)}
    rows = read.rows(session.db, ids)
    documents = [message_document(row, names[row.account_id], where.get(row.folder_id, "")) for row in rows]
    lines = [
        (
            row.id,
            " " if row.flags & Flag.SEEN else "*",
            (date_json(row.date) or "")[:10],
            _who(row)[:24],
            row.subject[:70],
        )
        for row in rows
    ]
    return Result(documents, table(lines))


def _who(row: MessageRow) -> str:
    return (row.sender[0].name or row.sender[0].address) if row.sender else ""


def show(session: Session) -> Result:
    """``show ID``."""
    row = session.message(session.arguments.id)
    return _shown(session.arguments, session.raw(row), flag_names(row.flags, row.keywords))


def inspect(session: Session) -> Result:
    """``inspect FILE.eml``."""
    return _shown(session.arguments, _file_bytes(session.arguments.file), [])


def _shown(arguments: argparse.Namespace, raw: bytes, flags: list[str]) -> Result:
    if arguments.raw:
        return Result(None, raw=raw)
    shown = view(raw)
    text = _CONTROLS.sub("", shown.html) if arguments.html else shown.text if arguments.text else _readable(shown)
    return Result(view_json(shown, flags), text)


def _readable(shown: MessageView) -> str:
    head = [f"From: {_list(shown.sender)}", f"To: {_list(shown.to)}"]
    head += [f"Cc: {_list(shown.cc)}"] if shown.cc else []
    head += [f"Date: {date_json(shown.date) or '?'}", f"Subject: {shown.subject}"]
    head += [f"Attachment {one.part}: {one.name} ({one.type}, {one.size} octets)" for one in shown.attachments]
    head += [f"Warning: {one}" for one in shown.warnings]
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
    with _files_at_the_edge():
        folder.mkdir(parents=True, exist_ok=True)
        path = _write_new(folder, attached.name or f"part-{attached.part}", data)
    return Result({"path": str(path), "name": path.name, "size": len(data)}, f"Saved {path}")


def _write_new(folder: Path, name: str, data: bytes) -> Path:
    for number in range(1, 10_000):
        path = folder / (name if number == 1 else f"{Path(name).stem} ({number}){Path(name).suffix}")
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(name)


# ---- acts ---------------------------------------------------------------------------------------------------------
def act(session: Session) -> Result:
    """``act VERB ID...``."""
    given = session.arguments
    ids = tuple(int(session.message(one).id) for one in given.ids)
    if (given.act == "move") != bool(given.to):
        raise UsageError("move needs --to FOLDER, and nothing else takes it")
    commands: dict[str, Callable[[], wire.Command]] = {
        "archive": lambda: wire.ArchiveMessages(ids),
        "delete": lambda: wire.DeleteMessages(ids),
        "junk": lambda: wire.JunkMessages(ids),
        "move": lambda: wire.MoveMessages(ids, _target(session, ids[0], given.to).id),
        "flag": lambda: wire.SetFlags(ids, add=Flag.FLAGGED),
        "unflag": lambda: wire.SetFlags(ids, remove=Flag.FLAGGED),
        "read": lambda: wire.SetFlags(ids, add=Flag.SEEN),
        "unread": lambda: wire.SetFlags(ids, remove=Flag.SEEN),
    }
    return _acted(session.engine.ask(commands[given.act](), wire.Acted))


def _target(session: Session, message_id: int, name: str) -> Folder:
    row = session.message(str(message_id))
    found = read.folder_named(session.db, row.account_id, name)
    if found is None:
        raise MailError(Kind.FOLDER, Retry.ASK, f"There is no folder “{name}”.", code="no-such-folder")
    return found


def undo(session: Session) -> Result:
    """``undo``."""
    return _acted(session.engine.ask(wire.Undo(), wire.Acted))


def _acted(done: wire.Acted) -> Result:
    ids = [str(one) for one in done.messages]
    return Result({"label": done.label, "messages": ids, "history_id": str(done.history_id)}, done.label)


# ---- sending ------------------------------------------------------------------------------------------------------
def send(session: Session) -> Result:
    """``send FILE|-``."""
    given = session.arguments.file
    if given != "-":
        raw = _file_bytes(given)
        command = wire.Send(_sending_account(session, raw).id, file=str(Path(given).absolute()))
        return _queued(session, command)
    raw = sys.stdin.buffer.read()
    chosen = _sending_account(session, raw)
    with _files_at_the_edge():
        handle, path = tempfile.mkstemp(dir=session.profile.create().drafts, suffix=".eml")
        with os.fdopen(handle, "wb") as spool:
            spool.write(raw)
    return _queued(session, wire.Send(chosen.id, file=path, take_file=True))


def _sending_account(session: Session, raw: bytes) -> Account:
    if session.arguments.account:
        return session.account()
    sender = {one.address.lower() for one in view(raw).sender}
    mine = [one for one in read.accounts(session.db) if one.email.lower() in sender]
    return mine[0] if mine else session.account()


def compose(session: Session) -> Result:
    """``compose --to A --subject S --body T``."""
    given = session.arguments
    chosen = session.account()
    body = sys.stdin.read() if given.body == "-" else given.body
    draft = Draft(
        Address(chosen.full_name, chosen.email),
        to=_addresses(given.to),
        cc=_addresses(given.cc),
        bcc=_addresses(given.bcc),
        subject=given.subject,
        text=body,
        attachments=tuple(DraftAttachment(str(Path(one).absolute()), Path(one).name) for one in given.attach),
    )
    return _queued(session, wire.Send(chosen.id, draft=draft))


def _addresses(given: list[str]) -> tuple[Address, ...]:
    found = tuple(one for text in given for one in addresses(text.encode()))
    wrong = [one for one in given if not addresses(one.encode())] + [
        one.address for one in found if "@" not in one.address
    ]
    if wrong:
        raise UsageError(f"{wrong[0]!r} is not a mail address")
    return found


def _queued(session: Session, command: wire.Send) -> Result:
    queued = session.engine.ask(command, wire.Queued)
    if session.arguments.wait:
        session.engine.ask(wire.AwaitVerdicts(queued.outgoing_id), wire.Done)
    found = outbox.outgoing(session.db, OutgoingId(queued.outgoing_id))
    if found is None:
        raise MailError(Kind.BUG, Retry.NEVER, "The message is not in the outbox.", code="bug")
    refused = [one for one in found.recipients if one.state is not RecipientState.ACCEPTED]
    failed = (
        f"{refused[0].address}: {refused[0].text or refused[0].state}" if refused and session.arguments.wait else ""
    )
    return Result(outgoing_document(found), _outgoing_text([found]), failed=failed)


def list_outbox(session: Session) -> Result:
    """``outbox [--all]``."""
    found = outbox.listed(session.db, finished=session.arguments.all)
    if session.arguments.account:
        found = [one for one in found if one.account_id == session.account().id]
    return Result([outgoing_document(one) for one in found], _outgoing_text(found) or "The outbox is empty.")


def _outgoing_text(found: list[Outgoing]) -> str:
    lines = [
        (one.id, one.subject[:40], to.address, to.state, to.code or "", to.text[:60], date_json(to.next_attempt) or "")
        for one in found
        for to in one.recipients
    ]
    return table(lines)


# ---- files --------------------------------------------------------------------------------------------------------
def import_files(session: Session) -> Result:
    """``import PATH... FOLDER``: the folder is made when it is missing."""
    given = session.arguments
    try:
        folder_id = session.folder(given.folder).id
    except MailError:
        made = session.engine.ask(wire.CreateFolder(session.account().id, given.folder), wire.FolderMade)
        folder_id = FolderId(made.folder_id)
    found = imported = 0
    for path in given.paths:
        done = session.engine.ask(wire.ImportFile(folder_id, str(Path(path).absolute())), wire.Imported)
        found, imported = found + done.found, imported + done.imported
    lost = "" if found == imported else f"{found - imported} messages could not be imported."
    return Result({"found": found, "imported": imported}, f"{imported} of {found} messages imported.", failed=lost)


def export(session: Session) -> Result:
    """``export FOLDER FILE.mbox``: oldest first, mboxrd, no byte lost."""
    ids = list(read.folder_order(session.db, session.folder(session.arguments.folder).id))
    path = Path(session.arguments.file)
    with _files_at_the_edge(), path.open("wb") as stream:
        for one in reversed(ids):
            row = session.message(str(one))
            sender = row.sender[0].address if row.sender else ""
            mbox.append(stream, session.raw(row), sender, row.date)
    return Result({"path": str(path), "exported": len(ids)}, f"{len(ids)} messages exported to {path}.")


def _file_bytes(name: str) -> bytes:
    with _files_at_the_edge():
        return Path(name).read_bytes()


class _files_at_the_edge:
    """What the system says about a file, as a sentence."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            text = f"{error.filename or 'The file'} cannot be read or written: {error.strerror}."
            raise MailError(Kind.LOCAL, Retry.ASK, text, str(error), "file-unreadable") from error


COMMANDS: dict[str, Callable[[Session], Result]] = {
    "account": account,
    "sync": sync,
    "folders": folders,
    "list": listing,
    "show": show,
    "inspect": inspect,
    "save": save,
    "search": search,
    "act": act,
    "undo": undo,
    "send": send,
    "compose": compose,
    "outbox": list_outbox,
    "import": import_files,
    "export": export,
}


def run(arguments: argparse.Namespace, profile: Profile, start_engine: StartEngine) -> int:
    """Carry out a command; returns the exit code."""
    session = Session(arguments, profile, start_engine)
    try:
        result = COMMANDS[arguments.command](session)
    except MailError as error:
        return _fail(arguments, {"error": {"code": error.code, "text": error.text, "detail": error.detail}}, error.text)
    finally:
        session.close()
    if result.failed:
        return _fail(arguments, result.document, result.failed, result.text)
    if result.raw is not None:
        sys.stdout.buffer.write(result.raw)
    elif arguments.json and not _wants_text(arguments):
        _print(_json(result.document))
    elif result.text:
        _print(result.text if _wants_text(arguments) else log.visible(result.text))
    return 0


def _wants_text(arguments: argparse.Namespace) -> bool:
    return bool(getattr(arguments, "text", False) or getattr(arguments, "html", False))


def _fail(arguments: argparse.Namespace, document: Document, reason: str, text: str = "") -> int:
    if arguments.json:
        _print(_json(document))
    elif text:
        _print(log.visible(text))
    sys.stderr.write(f"mua: {log.visible(log.masked(reason))}\n")
    return 1


def _json(document: Any) -> str:
    """One line of JSON in which also DEL and the C1 controls are escaped: a terminal would obey them."""
    text = json.dumps(document, ensure_ascii=False)
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _print(text: str) -> None:
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
    sys.stdout.flush()


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Understand the command line; raises UsageError."""
    return parser().parse_args(argv)
